//! What edits would put into the text, as values, without making it.

use std::cell::OnceCell;

use crate::error::Blocked;
use crate::placement::Placement;
use crate::splice::{self, Splice};
use crate::style::Samples;
use crate::{Document, Edit};

/// Answers for one document which pieces of text edits come to.
#[derive(Debug)]
pub struct Draft<'s> {
    document: Document<'s>,
    placement: Placement<'s>,
    samples: OnceCell<Samples>,
}

impl<'s> Draft<'s> {
    /// Looks at `document`.
    pub fn new(document: Document<'s>) -> Self {
        Self { document, placement: Placement::new(document), samples: OnceCell::new() }
    }

    /// The pieces of text with which [`crate::apply`] makes `edits` happen, sorted and disjoint.
    pub fn splices(&self, edits: &[&Edit]) -> Result<Vec<Splice>, Blocked> {
        if self.document.root().is_none() {
            return Err(Blocked::Missing);
        }
        let change = self.placement.change(edits)?;
        match splice::splices(self.document, &change, &self.samples) {
            (splices, blocked) if blocked.is_empty() => Ok(splices),
            (_, blocked) => Err(blocked[0].1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Path, Stream, Value, apply};

    const TEXT: &str = "menu:\n  soup:\n    price: 3\n  cake: {price: 4}\n  tea: 1\nopen: true\n";

    fn at(path: &[&'static str]) -> Path {
        path.iter().fold(Path::root(), |path, key| path.key(*key))
    }

    fn edits() -> [Edit; 6] {
        [
            Edit::set(at(&["menu", "soup", "price"]), 5),
            Edit::set(at(&["menu", "soup", "hot"]), true),
            Edit::set(at(&["menu", "soup", "salty"]), true),
            Edit::set(at(&["menu", "cake", "sweet"]), true),
            Edit::remove(at(&["menu", "tea"]), None),
            Edit::set(at(&["closed", "on"]), Value::from("Monday")),
        ]
    }

    #[test]
    fn pieces_name_their_edits_and_make_the_text() {
        let stream = Stream::scan(TEXT).unwrap();
        let document = stream.document(0).unwrap();
        let edits = edits();
        let edits: Vec<&Edit> = edits.iter().collect();
        let splices = Draft::new(document).splices(&edits).unwrap();
        let names: Vec<&[usize]> = splices.iter().map(|splice| splice.edits.as_slice()).collect();
        assert_eq!(names, [&[0][..], &[1, 2], &[3], &[4], &[5]]);
        let mut text = TEXT.to_owned();
        for splice in splices.iter().rev() {
            text.replace_range(splice.range.clone(), &splice.text);
        }
        assert_eq!(text, apply(&stream, &[(0, edits)]).text);
    }

    #[test]
    fn one_draft_answers_again_and_again() {
        let stream = Stream::scan(TEXT).unwrap();
        let draft = Draft::new(stream.document(0).unwrap());
        for edit in &edits() {
            let splices = draft.splices(&[edit]).unwrap();
            assert!(!splices.is_empty() && splices.iter().all(|splice| splice.edits == [0]), "{edit:?}");
        }
        let missing = Edit::remove(at(&["menu", "wine"]), None);
        assert_eq!(draft.splices(&[&missing]), Err(Blocked::Missing));
    }
}
