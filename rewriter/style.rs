//! The layout of a place, found in its neighbourhood, so that new lines look like those around them.

use crate::event::{Event, EventKind};
use crate::stream::{Document, after_node, skip_properties};

/// What the block collections of one document look like, each with its place.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Where a mapping is the value of a key: its place, and its column less the key's.
    steps: Vec<(usize, usize)>,
    /// Where a sequence is the value of a key: its place, and its column less the key's.
    offsets: Vec<(usize, usize)>,
    /// Quoted scalars, counted.
    single_quotes: usize,
    double_quotes: usize,
}

impl Samples {
    pub(crate) fn of(document: Document<'_>) -> Self {
        let events = &document.stream.events;
        let text = document.stream.text.as_bytes();
        let mut samples = Self::default();
        for index in document.events() {
            let event = events[index];
            match event.kind {
                EventKind::BlockMapping => samples.add_children(events, index, text),
                EventKind::SingleQuoted => samples.single_quotes += 1,
                EventKind::DoubleQuoted => samples.double_quotes += 1,
                _ => {}
            }
        }
        // Children are listed with their parent, so that deeper levels come late.
        samples.steps.sort_unstable();
        samples.offsets.sort_unstable();
        samples
    }

    fn add_children(&mut self, events: &[Event], mapping: usize, text: &[u8]) {
        let column = column(text, events[mapping].start as usize);
        let end = events[mapping].end as usize;
        let mut key = mapping + 1;
        while key < end {
            let value = after_node(events, key);
            let event = events[skip_properties(events, value)];
            key = after_node(events, value);
            let start = event.start as usize;
            let list = match event.kind {
                EventKind::BlockMapping => &mut self.steps,
                EventKind::BlockSequence => &mut self.offsets,
                _ => continue,
            };
            list.push((start, self::column(text, start).saturating_sub(column)));
        }
    }

    /// Columns by which a mapping under a key near `at` is deeper than the key.
    pub(crate) fn step(&self, at: usize) -> usize {
        nearest(&self.steps, at).filter(|step| *step > 0).unwrap_or(2)
    }

    /// Columns by which the dashes of a sequence under a key near `at` are deeper than the key.
    pub(crate) fn offset(&self, at: usize) -> usize {
        nearest(&self.offsets, at).unwrap_or(0)
    }

    /// The quote that the document uses more.
    pub(crate) fn quote(&self) -> char {
        if self.single_quotes > self.double_quotes { '\'' } else { '"' }
    }
}

/// The sample whose place is nearest to `at`; of two, the one before it.
fn nearest(samples: &[(usize, usize)], at: usize) -> Option<usize> {
    let after = samples.partition_point(|(place, _)| *place < at);
    let neighbours = &samples[after.saturating_sub(1)..samples.len().min(after + 1)];
    neighbours.iter().min_by_key(|(place, _)| place.abs_diff(at)).map(|(_, size)| *size)
}

/// The column, in bytes, of `offset`.
pub(crate) fn column(text: &[u8], offset: usize) -> usize {
    offset - line_start(text, offset)
}

/// The start of the line that `offset` is in.
pub(crate) fn line_start(text: &[u8], offset: usize) -> usize {
    let start = memchr::memrchr(b'\n', &text[..offset]).map_or(0, |newline| newline + 1);
    if start == 0 && text.starts_with(crate::scan::BOM) { crate::scan::BOM.len().min(offset) } else { start }
}

/// The end of the line that `offset` is in, its line break not counted.
pub(crate) fn line_end(text: &[u8], offset: usize) -> usize {
    let end = memchr::memchr(b'\n', &text[offset..]).map_or(text.len(), |newline| offset + newline);
    if end > offset && end < text.len() && text[end - 1] == b'\r' { end - 1 } else { end }
}

/// The line break of the line that `offset` is in; for a last line without one, that of the line before.
pub(crate) fn line_break(text: &[u8], offset: usize) -> &'static str {
    let newline = memchr::memchr(b'\n', &text[offset..])
        .map(|newline| offset + newline)
        .or_else(|| memchr::memrchr(b'\n', &text[..offset]));
    match newline {
        Some(newline) if newline > 0 && text[newline - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}
