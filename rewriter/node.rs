//! The read view: documents as data, read the way go-yaml reads them, with places to point at.

use std::borrow::Cow;
use std::ops::Range;

use crate::event::{Event, EventKind};
use crate::position::Position;
use crate::scalar::{self, Scalar};
use crate::stream::{Document, after_node, skip_properties};

/// What a [`Node`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Keys and values.
    Mapping,
    /// A list.
    Sequence,
    /// Text, a number, a truth value or null.
    Scalar,
}

/// A value in a document: cheap to copy, borrows the text. Aliases are read through.
#[derive(Clone, Copy, Debug)]
pub struct Node<'s> {
    document: Document<'s>,
    /// The first event written at this place: a property, an alias or the node itself.
    site: usize,
    /// The node itself.
    event: usize,
}

impl<'s> Node<'s> {
    pub(crate) fn new(document: Document<'s>, site: usize) -> Self {
        let mut event = skip_properties(&document.stream.events, site);
        // An alias binds to a node that is no alias itself, or to one that was bound before it.
        while document.stream.events[event].kind == EventKind::Alias {
            let Some(target) = document.alias_target(event) else { break };
            event = target;
        }
        Self { document, site, event }
    }

    fn events(&self) -> &'s [Event] {
        &self.document.stream.events
    }

    pub(crate) fn raw(&self) -> Event {
        self.events()[self.event]
    }

    pub(crate) fn event(&self) -> usize {
        self.event
    }

    pub(crate) fn site(&self) -> usize {
        self.site
    }

    /// The events of the node as it is written here: an alias is one event.
    pub(crate) fn written_events(&self) -> &'s [Event] {
        &self.events()[self.site..after_node(self.events(), self.site)]
    }

    /// Whether a comment stands between the node's first line and the end of its last.
    pub fn has_comment(&self) -> bool {
        let range = self.span();
        let end = crate::style::line_end(self.document.stream.text.as_bytes(), range.end);
        crate::splice::comment_in(self.document, range.start..end).is_some()
    }

    /// The document that it stands in.
    pub fn document(&self) -> Document<'s> {
        self.document
    }

    /// Mapping, sequence or scalar.
    pub fn kind(&self) -> Kind {
        match self.raw().kind {
            kind if kind.is_mapping() => Kind::Mapping,
            kind if kind.is_sequence() => Kind::Sequence,
            _ => Kind::Scalar,
        }
    }

    /// Whether it is a mapping.
    pub fn is_mapping(&self) -> bool {
        self.kind() == Kind::Mapping
    }

    /// Whether it is a sequence.
    pub fn is_sequence(&self) -> bool {
        self.kind() == Kind::Sequence
    }

    /// Whether it is written as an alias of another node.
    pub fn is_alias(&self) -> bool {
        self.events()[skip_properties(self.events(), self.site)].kind == EventKind::Alias
    }

    /// The value of `key`, if this is a mapping that has it and it is not null; a merge key (`<<`) counts.
    ///
    /// To the API an absent field and a null one are the same; [`Node::entry`] tells them apart.
    pub fn get(&self, key: &str) -> Option<Self> {
        self.entry(key).filter(|value| !value.is_null())
    }

    /// The value of `key`, null or not. A merge key (`<<`) counts where the mapping itself has no such key.
    pub fn entry(&self, key: &str) -> Option<Self> {
        match self.find(key) {
            (None, true) => self.merged().find_map(|source| source.own_entry(key)),
            (own, _) => own,
        }
    }

    /// The value of `key` written in this very mapping.
    pub(crate) fn own_entry(&self, key: &str) -> Option<Self> {
        self.find(key).0
    }

    /// The value of `key` written in this very mapping, and whether a merge key was passed on the way there.
    fn find(&self, key: &str) -> (Option<Self>, bool) {
        // Everything else asks here, again and again.
        let (events, text) = (self.events(), self.document.stream.text.as_bytes());
        let mut merges = false;
        // A key in flow style may go on in the next line.
        let may_fold = self.raw().kind == EventKind::FlowMapping;
        let Entries { items } = self.entries();
        let mut at = items.next;
        while at < items.end {
            let event = events[at];
            // Most keys are plain: those say what is written, and are one event.
            let (found, value) = if event.kind == EventKind::Plain {
                let name = &text[event.start as usize..event.end as usize];
                merges |= name == b"<<";
                let is_key = name == key.as_bytes()
                    || may_fold && name.contains(&b'\n') && Self::new(self.document, at).is_text(key);
                (is_key, at + 1)
            } else {
                (Self::new(self.document, at).is_text(key), after_node(events, at))
            };
            if found {
                return (Some(Self::new(self.document, value)), merges);
            }
            at = after_node(events, value);
        }
        (None, merges)
    }

    /// The mappings that a merge key brings in, in the order in which they are looked at.
    pub(crate) fn merged(&self) -> impl Iterator<Item = Self> + use<'s> {
        let source = self.entries().find(|(name, _)| name.is_merge_key()).map(|(_, value)| value);
        let single = source.filter(Self::is_mapping);
        let list = source.filter(Self::is_sequence);
        single.into_iter().chain(list.into_iter().flat_map(|list| list.items())).filter(Self::is_mapping)
    }

    fn is_merge_key(&self) -> bool {
        self.raw().kind == EventKind::Plain && self.source() == "<<"
    }

    /// Key and value of each entry written in this mapping, in order; nothing for other nodes.
    pub fn entries(&self) -> Entries<'s> {
        Entries { items: if self.is_mapping() { self.children() } else { self.no_children() } }
    }

    /// The key's text and the value of each entry, those that a merge key (`<<`) brings behind the mapping's own.
    pub(crate) fn every_entry(&self) -> impl Iterator<Item = (Cow<'s, str>, Self)> + use<'s> {
        let this = *self;
        let text = |(key, value): (Self, Self)| (key.text(), value);
        let own = self.entries().filter(|(key, _)| !key.is_merge_key()).map(text);
        let has_merge = self.entries().any(|(key, _)| key.is_merge_key());
        let sources: Vec<Self> = if has_merge { self.merged().collect() } else { Vec::new() };
        let merged = (0..sources.len()).flat_map(move |number| {
            let earlier = sources[..number].to_vec();
            let brought = sources[number].entries().filter(|(key, _)| !key.is_merge_key()).map(text);
            brought.filter(move |(key, _)| {
                let has = |source: &Self| source.own_entry(key).is_some();
                !has(&this) && !earlier.iter().any(has)
            })
        });
        own.chain(merged)
    }

    /// The items of a sequence; nothing for other nodes.
    pub fn items(&self) -> Items<'s> {
        if self.is_sequence() { self.children() } else { self.no_children() }
    }

    fn children(&self) -> Items<'s> {
        Items { document: self.document, next: self.event + 1, end: self.raw().end as usize }
    }

    fn no_children(&self) -> Items<'s> {
        Items { document: self.document, next: 0, end: 0 }
    }

    /// The scalar's value with its type; `None` for a collection.
    pub fn scalar(&self) -> Option<Scalar<'s>> {
        let kind = self.raw().kind;
        if kind.opens() {
            return None;
        }
        let is_typed = match self.tag() {
            None => matches!(kind, EventKind::Null | EventKind::Plain),
            // Any other tag, known or not, says that it is text.
            Some(tag) => matches!(tag, "!!int" | "!!bool" | "!!float" | "!!null"),
        };
        Some(if is_typed { scalar::resolve(self.text()) } else { Scalar::String(self.text()) })
    }

    /// The tag as it is written.
    fn tag(&self) -> Option<&'s str> {
        let mut before =
            self.events()[..self.event].iter().rev().take_while(|event| event.kind.is_property());
        let tag = before.find(|event| event.kind == EventKind::Tag)?;
        Some(&self.document.stream.text[tag.start as usize..tag.end as usize])
    }

    /// The text of a scalar, whatever its type, without quotes; empty for a collection.
    pub fn text(&self) -> Cow<'s, str> {
        if self.raw().kind.opens() {
            // What such an event has for an end is no place in the text.
            return Cow::Borrowed("");
        }
        scalar::text(self.document.stream.text, self.raw())
    }

    /// The scalar as text, if it is of that type.
    pub fn as_str(&self) -> Option<Cow<'s, str>> {
        match self.scalar()? {
            Scalar::String(text) => Some(text),
            _ => None,
        }
    }

    /// The scalar as a truth value, if it is of that type.
    pub fn as_bool(&self) -> Option<bool> {
        match self.scalar()? {
            Scalar::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The scalar as a whole number, if it is of that type.
    pub fn as_integer(&self) -> Option<i64> {
        match self.scalar()? {
            Scalar::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is null, written or not.
    pub fn is_null(&self) -> bool {
        match self.raw().kind {
            EventKind::Plain if !scalar::is_null(self.source()) => false,
            EventKind::Null | EventKind::Plain => self.scalar() == Some(Scalar::Null),
            kind => !kind.opens() && self.tag().is_some() && self.scalar() == Some(Scalar::Null),
        }
    }

    /// Whether it is a scalar with this text.
    pub fn is_text(&self, text: &str) -> bool {
        let event = self.raw();
        // Most scalars are written as they are meant; what folds is never shorter than what it says.
        match event.kind {
            EventKind::Plain => {
                let source = self.source();
                source == text || source.len() >= text.len() && source.contains('\n') && self.text() == text
            }
            kind if kind.opens() => false,
            _ => self.text() == text,
        }
    }

    /// The characters of the node as written, properties and comments behind it not counted.
    pub fn source(&self) -> &'s str {
        &self.document.stream.text[self.span()]
    }

    /// Where the node itself stands in the text, properties not counted; for an alias, its target.
    pub fn span(&self) -> Range<usize> {
        let event = self.raw();
        let end = if event.kind.opens() { self.events()[event.end as usize].end } else { event.end };
        event.start as usize..end as usize
    }

    /// Line and column of the place where it is written, which for an alias is the alias.
    pub fn position(&self) -> Position {
        self.document.position(self.events()[self.site].start as usize)
    }
}

/// The items of a sequence.
#[derive(Clone, Debug)]
pub struct Items<'s> {
    document: Document<'s>,
    next: usize,
    end: usize,
}

impl<'s> Iterator for Items<'s> {
    type Item = Node<'s>;

    fn next(&mut self) -> Option<Node<'s>> {
        if self.next >= self.end {
            return None;
        }
        let node = Node::new(self.document, self.next);
        self.next = after_node(&self.document.stream.events, self.next);
        Some(node)
    }
}

/// Keys and values of a mapping.
#[derive(Clone, Debug)]
pub struct Entries<'s> {
    items: Items<'s>,
}

impl<'s> Iterator for Entries<'s> {
    type Item = (Node<'s>, Node<'s>);

    fn next(&mut self) -> Option<(Node<'s>, Node<'s>)> {
        let key = self.items.next()?;
        let value = self.items.next()?;
        Some((key, value))
    }
}
