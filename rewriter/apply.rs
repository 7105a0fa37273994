//! From edits to text, document by document: the only place that makes one.

use std::cell::OnceCell;
use std::ops::Range;

use thiserror::Error;

use crate::error::Blocked;
use crate::placement::Placement;
use crate::splice::{self, Splice};
use crate::{Document, Edit, Stream, documents, verify};

/// A text with edits applied.
#[derive(Debug)]
pub struct Applied {
    /// The new text.
    pub text: String,
    /// The documents whose edits were dropped, by number, and why.
    pub failures: Vec<(usize, ApplyError)>,
}

/// Why the edits of a document were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// One of them cannot be placed; [`crate::place`] tells beforehand which.
    #[error("an edit cannot be placed: {0}")]
    Blocked(Blocked),
    /// The new text, scanned again, did not say what was declared. This is a defect of the rewriter.
    #[error("the edited text does not read as declared")]
    NotAsDeclared,
}

/// Applies `edits`, which belong to documents by number. A document whose edits fail keeps its old text.
pub fn apply(stream: &Stream<'_>, edits: &[(usize, Vec<&Edit>)]) -> Applied {
    let mut failures = Vec::new();
    let mut rewrite = Rewrite::new(stream);
    for (index, edits) in edits {
        let document = stream.document(*index).ok_or(ApplyError::Blocked(Blocked::Missing));
        match document.and_then(|document| Ok((document, apply_to(document, edits)?))) {
            Ok((document, text)) => rewrite.put(document, &text),
            Err(error) => failures.push((*index, error)),
        }
    }
    let text = rewrite.finish().unwrap_or_else(|error| {
        let applied = edits.iter().filter(|(index, _)| failures.iter().all(|(failed, _)| failed != index));
        let all: Vec<_> = applied.map(|(index, _)| (*index, error)).collect();
        failures.extend(all);
        stream.text().to_owned()
    });
    failures.sort_by_key(|(index, _)| *index);
    Applied { text, failures }
}

/// Applies `edits` to one document. What is given out is its new text, which was scanned again: its events are the
/// old ones plus the declared change.
pub fn apply_to(document: Document<'_>, edits: &[&Edit]) -> Result<String, ApplyError> {
    if document.root().is_none() {
        return Err(ApplyError::Blocked(Blocked::Missing));
    }
    let change = Placement::new(document).change(edits).map_err(ApplyError::Blocked)?;
    let splices = match splice::splices(document, &change, &OnceCell::new()) {
        (splices, blocked) if blocked.is_empty() => splices,
        (_, blocked) => return Err(ApplyError::Blocked(blocked[0].1)),
    };
    let mut text = splice_text(document, &splices).ok_or(ApplyError::NotAsDeclared)?;
    drop(splices);
    let end = text.len();
    // The document has to end where it did, in front of the next one.
    let is_last = document.range().end == document.stream.text.len();
    if !is_last {
        text.push_str(MARKER);
    }
    let new = Stream::scan(&text).map_err(|_| ApplyError::NotAsDeclared)?;
    let is_declared = new.documents().len() == 1 + usize::from(!is_last)
        && new
            .document(0)
            .is_some_and(|new| new.range() == (0..end) && verify::is_declared(document, new, &change));
    drop(new);
    text.truncate(end);
    if is_declared { Ok(text) } else { Err(ApplyError::NotAsDeclared) }
}

/// What a further document begins with.
const MARKER: &str = "---\n";

/// A new text that grows document by document, in their order: what each was is not kept.
#[derive(Debug)]
pub struct Rewrite<'s> {
    stream: &'s Stream<'s>,
    text: String,
    /// How far the old text is gone over.
    at: usize,
    /// Where the documents that are others now were, and how long they are.
    put: Vec<(Range<usize>, usize)>,
}

impl<'s> Rewrite<'s> {
    /// Of a text that is left as it is, so far.
    pub fn new(stream: &'s Stream<'s>) -> Self {
        Self { stream, text: String::new(), at: 0, put: Vec::new() }
    }

    /// Puts a text that [`apply_to`] gave out in the place of `document`, which stands behind those before it.
    pub fn put(&mut self, document: Document<'_>, text: &str) {
        let old = self.stream.text;
        if self.text.capacity() == 0 {
            self.text.reserve(old.len() + old.len() / 8 + text.len());
        }
        let range = document.range();
        self.text.push_str(old.get(self.at..range.start).unwrap_or_default());
        self.text.push_str(text);
        self.at = range.end;
        self.put.push((range, text.len()));
    }

    /// The whole new text, once it is known to fall into the same documents.
    pub fn finish(mut self) -> Result<String, ApplyError> {
        self.text.push_str(self.stream.text.get(self.at..).unwrap_or_default());
        if self.has_the_same_documents() { Ok(self.text) } else { Err(ApplyError::NotAsDeclared) }
    }

    fn has_the_same_documents(&self) -> bool {
        let mut put = self.put.iter().peekable();
        let mut at = 0;
        let old = documents(self.stream.text).map(|part| {
            let end = at + part.len();
            // The first one may have a mark in front that is no part of the document.
            let put = put.next_if(|(range, _)| (at..end).contains(&range.start));
            at = end;
            put.map_or(part.len(), |(range, length)| part.len() - range.len() + length)
        });
        old.eq(documents(&self.text).map(str::len)) && put.next().is_none()
    }
}

/// The text of `document` with `splices`, which are sorted, in place; `None` when two of them overlap.
fn splice_text(document: Document<'_>, splices: &[Splice]) -> Option<String> {
    let range = document.range();
    let text = document.stream.text;
    let grown: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut out = String::with_capacity(range.len() + grown + MARKER.len());
    let mut at = range.start;
    for splice in splices {
        out.push_str(text.get(at..splice.range.start)?);
        out.push_str(&splice.text);
        at = splice.range.end;
    }
    out.push_str(text.get(at..range.end)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Path;

    const TEXT: &str = "\u{feff}# a\n---\na: 1\n---\n# none\n--- # c\nb: 2\n...\n%YAML 1.1\n---\nc: 3";

    #[test]
    fn documents_grow_into_a_text() {
        let stream = Stream::scan(TEXT).unwrap();
        let edit = Edit::set(Path::root().key("new"), 1);
        let mut rewrite = Rewrite::new(&stream);
        for document in
            stream.documents().filter(|document| document.root().is_some_and(|root| root.is_mapping()))
        {
            rewrite.put(document, &apply_to(document, &[&edit]).unwrap());
        }
        let wanted = TEXT.replace("a: 1\n", "a: 1\nnew: 1\n").replace("b: 2\n", "b: 2\nnew: 1\n");
        assert_eq!(rewrite.finish().unwrap(), wanted);
        assert_eq!(Rewrite::new(&stream).finish().unwrap(), TEXT);
    }

    #[test]
    fn a_text_that_falls_into_other_documents_is_refused() {
        let stream = Stream::scan("a: 1\n---\nb: 1\n").unwrap();
        for text in ["a: 1", "a: 1\n---\nc: 1\n", ""] {
            let mut rewrite = Rewrite::new(&stream);
            rewrite.put(stream.document(0).unwrap(), text);
            assert_eq!(rewrite.finish(), Err(ApplyError::NotAsDeclared), "{text:?}");
        }
    }
}
