//! A scanned text and its documents.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use crate::error::{DecodeError, Refusal, RefusalReason, SyntaxError};
use crate::event::{Event, EventKind};
use crate::node::Node;
use crate::position::{LineIndex, Position};
use crate::scan::{self, chars};

/// The text of a file as UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, DecodeError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.starts_with(b"\0\0\xfe\xff")
    {
        return Err(DecodeError::Utf16);
    }
    if u32::try_from(bytes.len()).is_err() {
        return Err(DecodeError::TooLarge);
    }
    if let Some(nul) = memchr::memchr(0, bytes) {
        return Err(DecodeError::Nul(Position::of(bytes, nul)));
    }
    std::str::from_utf8(bytes).map_err(|error| DecodeError::Utf8(Position::of(bytes, error.valid_up_to())))
}

/// The text from marker to marker: that of one document each, or of none. Each can be scanned on its own, where
/// few of many are of interest.
pub fn documents(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let end = chars::next_marker(text.as_bytes(), start);
        let document = text.get(start..end).filter(|document| !document.is_empty());
        start = end;
        document
    })
}

/// What is known of one document beside its events.
#[derive(Debug)]
pub(crate) struct DocumentRecord {
    /// From its marker, or the start of the text, to the next marker.
    range: Range<usize>,
    events: Range<usize>,
    refusal: Option<Refusal>,
    /// For each alias event the first event of the node that it stands for, in order.
    aliases: Box<[(u32, u32)]>,
}

impl DocumentRecord {
    pub(crate) fn new(
        range: Range<usize>,
        events: Range<usize>,
        refusal: Option<Refusal>,
        all: &[Event],
        text: &[u8],
        locate: impl Fn(usize) -> Position,
    ) -> Self {
        let mut record = Self { range, events, refusal, aliases: Box::default() };
        let has_alias = all[record.events.clone()].iter().any(|event| event.kind == EventKind::Alias);
        if has_alias {
            match resolve_aliases(record.events.clone(), all, text) {
                Ok(aliases) => record.aliases = aliases.into(),
                Err((offset, reason)) => {
                    record.refusal = Some(Refusal { position: locate(offset), reason });
                }
            }
        }
        record
    }
}

/// go-yaml reads this many nodes before it looks at the share that aliases have in them.
const ALIAS_FREE_NODES: u64 = 100_000;

/// Binds each alias to the latest anchor of its name before it.
fn resolve_aliases(
    range: Range<usize>,
    all: &[Event],
    text: &[u8],
) -> Result<Vec<(u32, u32)>, (usize, RefusalReason)> {
    let mut anchors: HashMap<&[u8], usize> = HashMap::new();
    let mut aliases = Vec::new();
    // How many nodes each event stands for, aliases expanded: prefix sums over the events so far.
    let mut expanded: Vec<u64> = vec![0];
    let mut total = 0u64;
    for index in range.clone() {
        let event = all[index];
        let name = || &text[event.start as usize + 1..event.end as usize];
        let mut weight = u64::from(event.kind != EventKind::End && !event.kind.is_property());
        match event.kind {
            EventKind::Anchor => {
                anchors.insert(name(), index);
            }
            EventKind::Alias => {
                let Some(anchor) = anchors.get(name()).copied() else {
                    return Err((event.start as usize, RefusalReason::UnknownAnchor));
                };
                let node = skip_properties(all, anchor);
                let after = after_node(all, node);
                if after > index {
                    return Err((event.start as usize, RefusalReason::RecursiveAlias));
                }
                weight = expanded[after - range.start] - expanded[node - range.start];
                aliases.push((as_index(index), as_index(node)));
            }
            _ => {}
        }
        total = total.saturating_add(weight);
        expanded.push(total);
        let written = (index - range.start + 1) as u64;
        if total > ALIAS_FREE_NODES && total / 10 > written {
            return Err((event.start as usize, RefusalReason::ExcessiveAliasing));
        }
    }
    Ok(aliases)
}

#[expect(clippy::cast_possible_truncation, reason = "there are fewer events than bytes, and those fit")]
fn as_index(index: usize) -> u32 {
    index as u32
}

/// The event of the node itself behind anchors and tags.
pub(crate) fn skip_properties(events: &[Event], mut index: usize) -> usize {
    while events[index].kind.is_property() {
        index += 1;
    }
    index
}

/// The event after the node whose first event, properties or not, is `index`.
pub(crate) fn after_node(events: &[Event], index: usize) -> usize {
    let index = skip_properties(events, index);
    let event = events[index];
    if event.kind.opens() { event.end as usize + 1 } else { index + 1 }
}

/// A text with the structure that a scan found in it.
#[derive(Debug)]
pub struct Stream<'t> {
    pub(crate) text: &'t str,
    pub(crate) events: Vec<Event>,
    documents: Vec<DocumentRecord>,
    /// Made when the first place is asked for.
    lines: OnceLock<LineIndex>,
}

impl<'t> Stream<'t> {
    /// Scans `text`.
    ///
    /// # Errors
    ///
    /// When the text is no YAML to libyaml. A document with a construct on which readers
    /// disagree is no error of the whole: [`Document::refusal`] tells.
    pub fn scan(text: &'t str) -> Result<Self, SyntaxError> {
        let (events, documents) = scan::scan(text)?;
        Ok(Self { text, events, documents, lines: OnceLock::new() })
    }

    /// The text that was scanned.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Line and column of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let text = self.text.as_bytes();
        self.lines.get_or_init(|| LineIndex::new(text)).position(text, offset)
    }

    /// The documents in their order. A text of comments alone has none.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = Document<'_>> {
        (0..self.documents.len()).map(|index| Document { stream: self, index })
    }

    /// The document with this number, counted from zero.
    pub fn document(&self, index: usize) -> Option<Document<'_>> {
        (index < self.documents.len()).then_some(Document { stream: self, index })
    }
}

/// One document of a [`Stream`].
#[derive(Clone, Copy, Debug)]
pub struct Document<'s> {
    pub(crate) stream: &'s Stream<'s>,
    index: usize,
}

impl<'s> Document<'s> {
    fn record(&self) -> &'s DocumentRecord {
        &self.stream.documents[self.index]
    }

    /// Its number in the stream, from zero.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Where it stands in the text: from its marker, or the start of the text, to the next marker.
    pub fn range(&self) -> Range<usize> {
        self.record().range.clone()
    }

    /// The document's text without a byte order mark, marker included: what a reader of one document takes.
    pub fn text(&self) -> &'s str {
        &self.stream.text[self.range()]
    }

    /// Why the document cannot be read or edited, if it cannot.
    pub fn refusal(&self) -> Option<&'s Refusal> {
        self.record().refusal.as_ref()
    }

    /// The document's value; `None` when it is refused.
    pub fn root(&self) -> Option<Node<'s>> {
        if self.refusal().is_some() {
            return None;
        }
        Some(Node::new(*self, self.record().events.start))
    }

    /// The first key that stands twice in its mapping, as the refusal that it is.
    pub fn duplicate_key(&self) -> Option<Refusal> {
        crate::duplicate::first(*self)
    }

    /// Line and column of a byte offset of the whole text.
    pub fn position(&self, offset: usize) -> Position {
        self.stream.position(offset)
    }

    pub(crate) fn events(&self) -> Range<usize> {
        self.record().events.clone()
    }

    /// Whether a value in it stands for another one.
    pub fn has_aliases(&self) -> bool {
        !self.record().aliases.is_empty()
    }

    /// The node that the alias event `alias` stands for.
    pub(crate) fn alias_target(&self, alias: usize) -> Option<usize> {
        let aliases = &self.record().aliases;
        let at = aliases.binary_search_by_key(&as_index(alias), |(alias, _)| *alias).ok()?;
        Some(aliases[at].1 as usize)
    }

    pub(crate) fn aliases(&self) -> impl Iterator<Item = (usize, usize)> + 's {
        self.record().aliases.iter().map(|(alias, node)| (*alias as usize, *node as usize))
    }
}
