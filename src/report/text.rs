//! Fixes as pieces of text: which go together, what their lines become, and what of the old text is not shown.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use rewriter::{Document, Draft, Edit, Node, Splice, Stream};

use super::finding::{Finding, Place, State};

/// What is applied together for one finding or for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFix {
    /// Its number among those of the file.
    pub number: usize,
    /// Its pieces, sorted, with text between them.
    pub pieces: Vec<Replacement>,
    /// The lines from the first piece to the last one as they are and as they will be, without the last line
    /// break; none where they hold the data of a Secret.
    pub lines: Option<Replacement>,
}

/// A range of the old text and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Where the old text starts.
    pub start: Place,
    /// Where it ends.
    pub end: Place,
    /// The old text.
    pub old: String,
    /// The new text.
    pub new: String,
}

/// The text with the data of its Secrets made unreadable, byte for byte as long as before.
pub fn without_secrets(stream: &Stream<'_>) -> String {
    let mut text = stream.text().to_owned();
    for secret in stream.documents().flat_map(secrets) {
        let Some(old) = text.get(secret.clone()) else { continue };
        // Several bytes may have been one character.
        let hidden: String = old
            .chars()
            .flat_map(|character| {
                let shown = if matches!(character, '\n' | '\r' | ' ') { character } else { '*' };
                std::iter::repeat_n(shown, character.len_utf8())
            })
            .collect();
        text.replace_range(secret, &hidden);
    }
    text
}

/// Where the data of Secrets stands, at any depth: in lists and templates too.
pub(super) fn secrets(document: Document<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !document.text().contains("Secret") {
        return found;
    }
    let mut nodes: Vec<Node<'_>> = document.root().into_iter().collect();
    while let Some(node) = nodes.pop() {
        if node.is_mapping() && node.get("kind").is_some_and(|kind| kind.is_text("Secret")) {
            // What `kubectl apply` notes holds the data once more.
            let annotations = node.get("metadata").and_then(|metadata| metadata.get("annotations"));
            let hidden = [node.get("data"), node.get("stringData"), annotations];
            found.extend(hidden.into_iter().flatten().flat_map(values).map(|value| value.span()));
            continue;
        }
        nodes.extend(node.items());
        nodes.extend(node.entries().map(|(_, value)| value));
    }
    found.sort_by_key(|range| range.start);
    found
}

/// The scalars in a value, or itself.
fn values(node: Node<'_>) -> Vec<Node<'_>> {
    let inside: Vec<Node<'_>> = node.items().chain(node.entries().map(|(_, value)| value)).collect();
    if inside.is_empty() { vec![node] } else { inside.into_iter().flat_map(values).collect() }
}

/// Gives each finding that is fixed the pieces of text that are applied for it. Findings that share a piece
/// share all of theirs: one of them alone would leave half of another's fix in the file.
pub(super) fn join(
    text: &str,
    findings: &mut [Finding],
    draft: &Draft<'_>,
    mut fix: impl FnMut(&[&Splice]) -> TextFix,
) {
    let fixed: Vec<usize> =
        (0..findings.len()).filter(|index| findings[*index].state == State::Fixed).collect();
    let mut owners = Vec::new();
    let mut edits: Vec<&Edit> = Vec::new();
    for index in &fixed {
        owners.extend(std::iter::repeat_n(*index, findings[*index].edits.len()));
        edits.extend(&findings[*index].edits);
    }
    // They were applied a moment ago, so that they can be placed.
    let Ok(splices) = draft.splices(&edits) else { return };
    let splices = apart(splices);
    let mut sets = Sets((0..findings.len()).collect());
    for splice in &splices {
        let mut of_splice = splice.edits.iter().filter_map(|edit| owners.get(*edit));
        if let Some(first) = of_splice.next() {
            of_splice.for_each(|other| sets.unite(*first, *other));
        }
    }
    // Nor may the lines of one lie among those of another, which a reviewer takes as a whole.
    let mut ends: BTreeMap<usize, usize> = BTreeMap::new();
    let owner = |splice: &Splice| splice.edits.first().and_then(|edit| owners.get(*edit)).copied();
    for splice in &splices {
        if let Some(owner) = owner(splice) {
            ends.insert(sets.root(owner), line_end(text, splice.range.end));
        }
    }
    let mut open: Option<(usize, usize)> = None;
    for splice in &splices {
        let Some(root) = owner(splice).map(|owner| sets.root(owner)) else { continue };
        let end = ends.get(&root).copied().unwrap_or_default();
        open = match open {
            Some((before, until)) if line_start(text, splice.range.start) <= until => {
                sets.unite(before, root);
                Some((sets.root(root), until.max(end)))
            }
            _ => Some((root, end)),
        };
    }
    let mut pieces: BTreeMap<usize, Vec<&Splice>> = BTreeMap::new();
    for splice in &splices {
        if let Some(owner) = owner(splice) {
            pieces.entry(sets.root(owner)).or_default().push(splice);
        }
    }
    let mut made = HashMap::new();
    for index in fixed {
        let root = sets.root(index);
        let Some(pieces) = pieces.get(&root) else { continue };
        findings[index].fix = Some(Arc::clone(made.entry(root).or_insert_with(|| Arc::new(fix(pieces)))));
    }
}

/// The pieces and the text between them as one piece of whole lines.
pub(super) fn whole_lines(text: &str, splices: &[&Splice]) -> Option<Splice> {
    let (first, last) = (splices.first()?, splices.last()?);
    let (start, end) = (line_start(text, first.range.start), line_end(text, last.range.end));
    let mut new = String::new();
    let mut at = start;
    for splice in splices {
        new.push_str(text.get(at..splice.range.start)?);
        new.push_str(&splice.text);
        at = splice.range.end;
    }
    new.push_str(text.get(at..end)?);
    Some(Splice { range: start..end, text: new, edits: Vec::new() })
}

pub(super) fn line_start(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    let rest = text.as_bytes().get(offset..).unwrap_or_default();
    offset + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// The same pieces, those that touch as one: in which order two go into one place would be for the reader to guess.
pub(super) fn apart(splices: Vec<Splice>) -> Vec<Splice> {
    let mut apart: Vec<Splice> = Vec::with_capacity(splices.len());
    for mut splice in splices {
        match apart.last_mut() {
            Some(last) if last.range.end == splice.range.start => {
                last.range.end = splice.range.end;
                last.text.push_str(&splice.text);
                last.edits.append(&mut splice.edits);
            }
            _ => apart.push(splice),
        }
    }
    apart
}

pub(super) fn replacement(stream: &Stream<'_>, splice: &Splice) -> Replacement {
    Replacement {
        start: Place::of(stream, splice.range.start),
        end: Place::of(stream, splice.range.end),
        old: stream.text().get(splice.range.clone()).unwrap_or_default().to_owned(),
        new: splice.text.clone(),
    }
}

/// Disjoint sets: for each element another one of its set, or itself.
struct Sets(Vec<usize>);

impl Sets {
    fn root(&mut self, mut element: usize) -> usize {
        while self.0[element] != element {
            self.0[element] = self.0[self.0[element]];
            element = self.0[element];
        }
        element
    }

    /// The earlier root stays, so that the numbers do not depend on the order of pieces.
    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }
}
