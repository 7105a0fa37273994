//! From a tree of changes to pieces of text: where each goes and what it says, in the style of its place.

mod block;
mod flow;

use std::cell::OnceCell;
use std::ops::Range;

use crate::change::{Change, Op};
use crate::error::Blocked;
use crate::event::{Event, EventKind};
use crate::render::{self, BlockStyle, Context, FlowStyle};
use crate::stream::{Document, after_node, skip_properties};
use crate::style::{self, Samples};
use crate::{Scalar, Step, Value, scalar};

/// A piece of text that takes the place of a range of the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// What goes; empty where text is only added.
    pub range: Range<usize>,
    /// What comes in its place.
    pub text: String,
    /// The edits that it is for, by number.
    pub edits: Vec<usize>,
}

/// The edits of a document that cannot be placed, by number, and why.
pub(crate) type BlockedEdits = Vec<(usize, Blocked)>;

/// The pieces of text that make `change` happen in `document`, sorted and disjoint. `samples` of its style are
/// taken once, for many changes.
pub(crate) fn splices(
    document: Document<'_>,
    change: &Change<'_>,
    samples: &OnceCell<Samples>,
) -> (Vec<Splice>, BlockedEdits) {
    let mut splicer = Splicer::new(document, samples, true);
    splicer.root(change);
    // A stable sort: of pieces at one place, the inner collection's was made first and comes first; what is
    // inserted in front of a removed range comes before it.
    splicer.splices.sort_by_key(|splice| (splice.range.start, !splice.range.is_empty()));
    (splicer.splices, splicer.blocked)
}

/// How a value stands in the text.
#[derive(Clone, Debug)]
enum Holder {
    Root,
    /// Behind the colon at this offset, of a key at this column of a block mapping.
    Key {
        column: usize,
        colon: usize,
    },
    /// Behind a dash of a block sequence.
    Item,
    /// Inside a flow collection of this style.
    Flow(FlowStyle),
}

/// The edits of `change` that [`splices`] would not place.
pub(crate) fn blocked(document: Document<'_>, change: &Change<'_>) -> BlockedEdits {
    let samples = OnceCell::new();
    let mut splicer = Splicer::new(document, &samples, false);
    splicer.root(change);
    splicer.blocked
}

struct Splicer<'s> {
    document: Document<'s>,
    /// Whether the pieces say anything: to know that there is room for them, what they say is not needed.
    writes: bool,
    events: &'s [Event],
    text: &'s [u8],
    samples: &'s OnceCell<Samples>,
    splices: Vec<Splice>,
    blocked: BlockedEdits,
}

/// An entry of a mapping, by the first events of its key and value; or an item of a sequence, twice.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: usize,
    value: usize,
}

/// What is left to do in a collection once its children are changed.
struct Descent<'c, 'e> {
    /// Entries to be taken out, by number.
    removed: Vec<(usize, &'c Change<'e>)>,
    /// New entries.
    added: Vec<(&'c str, &'c Change<'e>)>,
}

impl<'s> Splicer<'s> {
    fn new(document: Document<'s>, samples: &'s OnceCell<Samples>, writes: bool) -> Self {
        Self {
            document,
            writes,
            events: &document.stream.events,
            text: document.stream.text.as_bytes(),
            samples,
            splices: Vec::new(),
            blocked: Vec::new(),
        }
    }
}

impl Splicer<'_> {
    fn root(&mut self, change: &Change<'_>) {
        let root = self.document.events().start;
        self.attempt(change, |splicer| splicer.value(root, change, &Holder::Root));
    }

    /// What `write` makes, where it is wanted.
    fn written(&self, write: impl FnOnce(&mut String)) -> String {
        let mut text = String::new();
        if self.writes {
            write(&mut text);
        }
        text
    }

    /// Does `work`; where it cannot be done, blocks all edits of `change` and takes back its pieces of text.
    fn attempt(&mut self, change: &Change<'_>, work: impl FnOnce(&mut Self) -> Result<(), Blocked>) {
        let before = self.splices.len();
        if let Err(blocked) = work(self) {
            self.splices.truncate(before);
            self.block(change, blocked);
        }
        self.attribute(before, [change], &[]);
    }

    /// Says of the pieces of text from `first` on, those apart of which it is said, that they are for `changes`
    /// and for `edits`.
    fn attribute<'c, 'e: 'c>(
        &mut self,
        first: usize,
        changes: impl IntoIterator<Item = &'c Change<'e>>,
        edits: &[usize],
    ) {
        if !self.writes || self.splices[first..].iter().all(|splice| !splice.edits.is_empty()) {
            return;
        }
        let mut all = edits.to_vec();
        changes.into_iter().for_each(|change| change.all_edits(&mut all));
        for splice in self.splices[first..].iter_mut().filter(|splice| splice.edits.is_empty()) {
            splice.edits.clone_from(&all);
        }
    }

    fn block(&mut self, change: &Change<'_>, blocked: Blocked) {
        let mut edits = Vec::new();
        change.all_edits(&mut edits);
        self.blocked.extend(edits.into_iter().map(|edit| (edit, blocked)));
    }

    fn splice(&mut self, range: Range<usize>, text: String) {
        self.splices.push(Splice { range, text, edits: Vec::new() });
    }

    fn samples(&self) -> &Samples {
        self.samples.get_or_init(|| Samples::of(self.document))
    }

    fn line(&self, offset: usize) -> usize {
        self.document.position(offset).line
    }

    fn layout(&self, offset: usize) -> Blocked {
        Blocked::Layout { line: self.line(offset) }
    }

    /// The node itself behind the properties at `site`.
    fn node(&self, site: usize) -> Event {
        self.events[skip_properties(self.events, site)]
    }

    fn has_properties(&self, site: usize) -> bool {
        self.events[site].kind.is_property()
    }

    /// Where the node at `site` starts, its properties included.
    fn start(&self, site: usize) -> usize {
        self.events[site].start as usize
    }

    /// Where the content of the node at `site` ends.
    fn end(&self, site: usize) -> usize {
        let node = self.node(site);
        if node.kind.opens() { self.events[node.end as usize].end as usize } else { node.end as usize }
    }

    /// The range of the node at `site` without its properties.
    fn span(&self, site: usize) -> Range<usize> {
        self.node(site).start as usize..self.end(site)
    }

    fn entries(&self, site: usize) -> Vec<Entry> {
        let node = skip_properties(self.events, site);
        let end = self.events[node].end as usize;
        let mapping = self.events[node].kind.is_mapping();
        let mut entries = Vec::new();
        let mut next = node + 1;
        while next < end {
            let key = next;
            let value = if mapping { after_node(self.events, key) } else { key };
            entries.push(Entry { key, value });
            next = after_node(self.events, value);
        }
        entries
    }

    fn scalar_text(&self, site: usize) -> std::borrow::Cow<'_, str> {
        scalar::text(self.document.stream.text, self.node(site))
    }

    fn is_null(&self, site: usize) -> bool {
        let node = self.node(site);
        node.kind == EventKind::Null
            || node.kind == EventKind::Plain && scalar::resolve(self.scalar_text(site)) == Scalar::Null
    }

    /// The offset of the first comment in `range`.
    fn comment_in(&self, range: Range<usize>) -> Option<usize> {
        comment_in(self.document, range)
    }

    fn refuse_comment(&self, range: Range<usize>) -> Result<(), Blocked> {
        match self.comment_in(range) {
            Some(offset) => Err(Blocked::Comment { line: self.line(offset) }),
            None => Ok(()),
        }
    }

    /// Makes `change` happen to the value at `site`.
    fn value(&mut self, site: usize, change: &Change<'_>, holder: &Holder) -> Result<(), Blocked> {
        match change.op {
            Some(Op::Set(value)) => return self.replace(site, value, holder),
            Some(Op::Remove { .. }) => return Err(self.layout(self.start(site))),
            None => {}
        }
        if !change.reaches_below() {
            return Ok(());
        }
        if self.is_null(site) {
            return match change.new_value()? {
                Some(value) => self.fill(site, &value, holder),
                None => Ok(()),
            };
        }
        let node = self.node(site);
        let wanted = if change.children.keys().any(|step| matches!(step, Step::Key(_))) {
            node.kind.is_mapping()
        } else {
            node.kind.is_sequence()
        };
        if !wanted {
            return Err(Blocked::Mismatch { line: self.line(node.start as usize) });
        }
        match node.kind {
            EventKind::BlockMapping | EventKind::BlockSequence => {
                self.block_collection(site, change, holder);
                Ok(())
            }
            EventKind::FlowMapping | EventKind::FlowSequence => self.flow_collection(site, change, holder),
            _ => Err(self.layout(node.start as usize)),
        }
    }

    /// The children of `change` that exist are changed; the numbers of those to be removed and the new ones
    /// are returned.
    fn descend<'c, 'e>(
        &mut self,
        entries: &[Entry],
        change: &'c Change<'e>,
        holder: impl Fn(&Self, Entry) -> Holder,
    ) -> Descent<'c, 'e> {
        let mut descent = Descent { removed: Vec::new(), added: Vec::new() };
        for (step, child) in &change.children {
            let existing = match step {
                Step::Index(index) => (*index < entries.len()).then_some(*index),
                Step::Key(key) => entries.iter().position(|entry| {
                    !self.node(entry.key).kind.opens() && self.scalar_text(entry.key) == key.as_ref()
                }),
            };
            match (existing, step, child.op) {
                (Some(index), _, Some(Op::Remove { .. })) => descent.removed.push((index, child)),
                (Some(index), _, _) => {
                    let holder = holder(self, entries[index]);
                    self.attempt(child, |splicer| splicer.value(entries[index].value, child, &holder));
                }
                (None, Step::Index(_), _) | (None, _, Some(Op::Remove { .. })) => {
                    self.block(child, Blocked::Missing);
                }
                (None, Step::Key(key), _) => descent.added.push((key.as_ref(), child)),
            }
        }
        descent
    }

    /// Puts `value` where a null stands.
    fn fill(&mut self, site: usize, value: &Value, holder: &Holder) -> Result<(), Blocked> {
        let node = self.node(site);
        let at = node.start as usize;
        if self.has_properties(site) {
            return Err(self.layout(at));
        }
        match holder {
            Holder::Key { column, colon } => self.set_behind_colon(self.span(site), value, *column, *colon),
            Holder::Flow(style) if node.kind != EventKind::Null => {
                self.splice(self.span(site), render::flow_value(value, style));
                Ok(())
            }
            Holder::Flow(style) if at > 0 && self.text[at - 1] == b':' => {
                let text = render::flow_value(value, style);
                let gap = if style.json { style.colon_gap } else { " " };
                self.splice(at..at, format!("{gap}{text}"));
                Ok(())
            }
            _ => Err(self.layout(at)),
        }
    }

    /// Puts `value` in place of the token at `old`, empty or not, that stands behind a colon on its line.
    fn set_behind_colon(
        &mut self,
        old: Range<usize>,
        value: &Value,
        column: usize,
        colon: usize,
    ) -> Result<(), Blocked> {
        let on_its_line = !self.text[colon..old.end].contains(&b'\n');
        let line_end = style::line_end(self.text, old.end);
        let text = self.written(|text| render::block_value(text, value, column, self.block_style(line_end)));
        if !on_its_line {
            self.refuse_comment(colon + 1..line_end)?;
            // The key's line stays as it is, blanks at its end included, unless the value begins in it.
            let key_line_end = style::line_end(self.text, colon);
            let start = if old.start < key_line_end { colon + 1 } else { key_line_end };
            self.splice(start..old.end, text);
            return Ok(());
        }
        if text.starts_with(' ') {
            // One line: in place of the token.
            let blank_end = if old.is_empty() { old.start } else { colon + 1 };
            let gap = self.gap_before_comment(&text, old.end);
            self.splice(blank_end..old.end, text + gap);
            return Ok(());
        }
        if !old.is_empty() {
            let gap = self.gap_before_comment("", old.end);
            self.splice(colon + 1..old.end, gap.to_owned());
        }
        self.splice(line_end..line_end, text);
        Ok(())
    }

    /// What has to stand between `text` and a comment that begins at `at`: a comment may follow a bracket or a
    /// quote at once, and nothing else.
    fn gap_before_comment(&self, text: &str, at: usize) -> &'static str {
        let is_glued = self.text.get(at) == Some(&b'#') && !text.ends_with(['"', '\'', '}', ']']);
        if is_glued { " " } else { "" }
    }

    fn block_style(&self, at: usize) -> BlockStyle {
        let samples = self.samples();
        BlockStyle {
            step: samples.step(at),
            offset: samples.offset(at),
            line_break: style::line_break(self.text, at),
            quote: samples.quote(),
        }
    }

    /// Puts `value` in place of the value at `site`.
    fn replace(&mut self, site: usize, value: &Value, holder: &Holder) -> Result<(), Blocked> {
        if equals(self.document, site, value) {
            return Ok(());
        }
        if self.is_null(site) {
            return self.fill(site, value, holder);
        }
        let node = self.node(site);
        let span = self.span(site);
        let is_collection = matches!(value, Value::Mapping(_) | Value::Sequence(_));
        if node.kind.is_block_scalar() || site_has_tag(self.events, site) {
            return Err(self.layout(span.start));
        }
        match (holder, node.kind.opens()) {
            (Holder::Flow(style), _) => {
                self.refuse_comment(span.clone())?;
                let text = if is_collection {
                    render::flow_value(value, style)
                } else {
                    self.scalar_like(node, value, if style.json { Context::Json } else { Context::Flow })
                };
                let gap = self.gap_before_comment(&text, span.end);
                self.splice(span, text + gap);
                Ok(())
            }
            (_, false) if !is_collection => {
                let text = self.scalar_like(node, value, Context::Block);
                let gap = self.gap_before_comment(&text, span.end);
                self.splice(span, text + gap);
                Ok(())
            }
            (Holder::Key { column, colon }, false) => self.set_behind_colon(span, value, *column, *colon),
            (_, true) if node.kind.is_flow() && is_collection => {
                self.refuse_comment(span.clone())?;
                let style = self.flow_style(site, None);
                self.splice(span, render::flow_value(value, &style));
                Ok(())
            }
            (Holder::Key { column, colon }, true) => self.replace_block(site, value, *column, *colon),
            _ => Err(self.layout(span.start)),
        }
    }

    /// A scalar quoted like the one whose place it takes.
    fn scalar_like(&self, old: Event, value: &Value, context: Context) -> String {
        let Value::String(text) = value else {
            return render::scalar_value(value, '"', context);
        };
        match old.kind {
            EventKind::DoubleQuoted => render::quoted(text, '"'),
            EventKind::SingleQuoted => render::quoted(text, '\''),
            _ => render::scalar_text(text, self.samples().quote(), context),
        }
    }
}

/// The offset of the first comment in `range`: a `#` that is in no token.
pub(crate) fn comment_in(document: Document<'_>, range: Range<usize>) -> Option<usize> {
    let events = &document.stream.events[document.events()];
    let text = document.stream.text.as_bytes();
    let mut at = range.start;
    let first = events.partition_point(|event| (event.start as usize) < range.start);
    let gap = |from: usize, to: usize| {
        (from < to).then(|| memchr::memchr(b'#', &text[from..to]).map(|found| from + found)).flatten()
    };
    for event in &events[first..] {
        let start = event.start as usize;
        if start >= range.end {
            break;
        }
        if let Some(comment) = gap(at, start) {
            return Some(comment);
        }
        if event.kind.opens() || event.kind == EventKind::End {
            continue;
        }
        if event.kind.is_block_scalar() {
            let header_end = style::line_end(text, start);
            if let Some(comment) = gap(start, header_end) {
                return Some(comment);
            }
        }
        at = at.max(event.end as usize);
    }
    gap(at, range.end)
}

/// Whether the value at `site` is `value` already.
pub(crate) fn equals(document: Document<'_>, site: usize, value: &Value) -> bool {
    let node = crate::Node::new(document, site);
    match value {
        Value::Mapping(entries) => {
            node.is_mapping()
                && node.entries().count() == entries.len()
                && node.entries().zip(entries).all(|((key, there), (name, value))| {
                    key.is_text(name) && equals(document, there.site(), value)
                })
        }
        Value::Sequence(items) => {
            node.is_sequence()
                && node.items().count() == items.len()
                && node.items().zip(items).all(|(there, value)| equals(document, there.site(), value))
        }
        scalar => match (node.scalar(), scalar) {
            (Some(Scalar::Null), Value::Null) => true,
            (Some(Scalar::Bool(there)), Value::Bool(value)) => there == *value,
            (Some(Scalar::Integer(there)), Value::Integer(value)) => there == *value,
            (Some(Scalar::String(there)), Value::String(value)) => there == value.as_str(),
            _ => false,
        },
    }
}

fn site_has_tag(events: &[Event], site: usize) -> bool {
    events[site..]
        .iter()
        .take_while(|event| event.kind.is_property())
        .any(|event| event.kind == EventKind::Tag)
}
