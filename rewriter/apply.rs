//! The one function that turns edits into text.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::draft::Draft;
use crate::error::Blocked;
use crate::placement::Placement;
use crate::splice::Splice;
use crate::verify;
use crate::{Edit, Stream};

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

/// Applies `edits`, which belong to documents by number, in one pass. Before the text is given out it is
/// scanned again; a document whose events are not the old ones plus the declared change keeps its old text.
pub fn apply(stream: &Stream<'_>, edits: &[(usize, Vec<&Edit>)]) -> Applied {
    let mut failures = Vec::new();
    // The change itself is made a second time for the proof: kept, those of all documents would take more room
    // than everything else.
    let mut changes = Vec::new();
    for (index, edits) in edits {
        let Some(document) = stream.document(*index).filter(|document| document.root().is_some()) else {
            failures.push((*index, ApplyError::Blocked(Blocked::Missing)));
            continue;
        };
        match Draft::new(document).splices(edits) {
            Ok(splices) => changes.push((document, edits, splices)),
            Err(blocked) => failures.push((*index, ApplyError::Blocked(blocked))),
        }
    }
    let mut dropped = BTreeSet::new();
    loop {
        let kept = changes.iter().filter(|(document, _, _)| !dropped.contains(&document.index()));
        let text = splice_text(stream.text(), kept.clone().flat_map(|(_, _, splices)| splices));
        let Some(text) = text else {
            let all = changes.iter().map(|(document, _, _)| document.index());
            failures.extend(all.map(|index| (index, ApplyError::NotAsDeclared)));
            return Applied { text: stream.text().to_owned(), failures };
        };
        let wrong = match Stream::scan(&text) {
            Ok(new) if new.documents().len() == stream.documents().len() => kept
                .filter(|(old, edits, _)| {
                    let new = new.document(old.index());
                    let change = Placement::new(*old).change(edits);
                    !new.zip(change.ok()).is_some_and(|(new, change)| verify::is_declared(*old, new, &change))
                })
                .map(|(document, _, _)| document.index())
                .collect::<Vec<_>>(),
            // Which document is to blame cannot be told.
            _ => kept.map(|(document, _, _)| document.index()).collect(),
        };
        if wrong.is_empty() {
            failures.extend(dropped.into_iter().map(|index| (index, ApplyError::NotAsDeclared)));
            failures.sort_by_key(|(index, _)| *index);
            return Applied { text, failures };
        }
        dropped.extend(wrong);
    }
}

/// The text with `splices`, which are sorted, in place; `None` when two of them overlap.
fn splice_text<'a>(text: &str, splices: impl Iterator<Item = &'a Splice> + Clone) -> Option<String> {
    let grown: usize = splices.clone().map(|splice| splice.text.len()).sum();
    let mut out = String::with_capacity(text.len() + grown);
    let mut at = 0;
    for splice in splices {
        out.push_str(text.get(at..splice.range.start)?);
        out.push_str(&splice.text);
        at = splice.range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}
