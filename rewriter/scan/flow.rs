//! Flow collections: `{}`, `[]`, JSON.

use super::{Scan, Scanner, chars, refuse, syntax};
use crate::error::RefusalReason;
use crate::event::EventKind;

/// An open flow collection.
pub(super) struct FlowFrame {
    kind: EventKind,
    /// The event that opened it.
    opener: usize,
    /// Where it was opened.
    start: usize,
    state: State,
    /// The first event and the first byte of the item or key that was read last.
    item_event: usize,
    item_start: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start or behind a comma.
    Open,
    /// Behind an item of a sequence or a key of a mapping.
    Item,
    /// Behind the colon of a key.
    Colon,
    /// Behind the value of a key.
    Value,
}

impl Scanner<'_> {
    /// Scans the flow collection under the cursor and leaves the cursor behind it.
    pub(super) fn flow(&mut self) -> Scan<()> {
        self.open_flow()?;
        while let Some(top) = self.flow.last() {
            let (kind, state, start) = (top.kind, top.state, top.start);
            self.skip_flow_blanks()?;
            match self.peek() {
                0 => {
                    let opener = self.flow.first().map_or(start, |outer| outer.start);
                    return syntax(opener, "a `[` or `{` that is never closed");
                }
                b']' | b'}' => self.close_flow()?,
                b',' => self.flow_comma(kind, state)?,
                b':' => self.flow_colon(kind, state)?,
                b'?' => return refuse(self.pos, RefusalReason::ExplicitKey),
                _ if matches!(state, State::Item | State::Value) => {
                    return syntax(self.pos, "a comma or a closing bracket is missing");
                }
                _ => self.flow_node()?,
            }
        }
        Ok(())
    }

    fn open_flow(&mut self) -> Scan<()> {
        self.check_depth()?;
        let start = self.pos;
        let kind = if self.peek() == b'[' { EventKind::FlowSequence } else { EventKind::FlowMapping };
        let opener = self.open(kind, start);
        self.content_end = start + 1;
        self.pos += 1;
        self.flow.push(FlowFrame {
            kind,
            opener,
            start,
            state: State::Open,
            item_event: 0,
            item_start: start,
        });
        Ok(())
    }

    /// White space, line ends and comments between the parts of a flow collection.
    #[inline]
    fn skip_flow_blanks(&mut self) -> Scan<()> {
        loop {
            match self.peek() {
                b' ' | b'\t' | b'\r' => self.pos += 1,
                b'\n' => {
                    self.pos += 1;
                    if chars::is_marker(self.text, self.pos, b'.') && self.pos < self.end {
                        return syntax(self.pos, "a document marker inside a flow collection");
                    }
                }
                b'#' => {
                    self.pos = memchr::memchr(b'\n', &self.text[self.pos..self.end])
                        .map_or(self.end, |newline| self.pos + newline);
                }
                _ => return Ok(()),
            }
        }
    }

    /// One node as item, key or value of the innermost collection.
    fn flow_node(&mut self) -> Scan<()> {
        let event = self.events.len();
        let start = self.pos;
        if let Some(top) = self.flow.last_mut() {
            top.item_event = event;
            top.item_start = start;
        }
        let has_properties = self.flow_properties()?;
        let token = self.pos;
        let kind = match self.peek() {
            b'[' | b'{' => {
                self.step();
                return self.open_flow();
            }
            b',' | b']' | b'}' | b':' if has_properties => {
                self.emit(EventKind::Null, self.content_end, self.content_end);
                self.step();
                return Ok(());
            }
            b'"' => self.double_quoted()?,
            b'\'' => self.single_quoted()?,
            b'*' => self.alias(has_properties)?,
            b'-' if self.is_blank_or_end(token + 1) => {
                return syntax(token, "a list item is not allowed in a flow collection");
            }
            b'%' | b'@' | b'`' | b'|' | b'>' | b'#' => {
                return syntax(token, "a character that cannot start a value");
            }
            _ => self.flow_plain()?,
        };
        let end = self.pos;
        self.emit(kind, token, end);
        self.step();
        Ok(())
    }

    /// The innermost collection has one more item, key or value.
    fn step(&mut self) {
        if let Some(top) = self.flow.last_mut() {
            top.state = if top.state == State::Colon { State::Value } else { State::Item };
        }
    }

    fn flow_properties(&mut self) -> Scan<bool> {
        let mut seen = [false; 2];
        loop {
            let start = self.pos;
            let is_anchor = match self.peek() {
                b'&' => true,
                b'!' => false,
                _ => return Ok(seen[0] || seen[1]),
            };
            if std::mem::replace(&mut seen[usize::from(is_anchor)], true) {
                return syntax(start, "a second anchor or tag on one value");
            }
            let end = if is_anchor { self.anchor_name()? } else { self.tag_name()? };
            self.emit_property(
                if is_anchor { EventKind::Anchor } else { EventKind::Tag },
                Some((start, end)),
            );
            self.skip_flow_blanks()?;
        }
    }

    /// Plain text inside a flow collection, over several lines where it goes on.
    fn flow_plain(&mut self) -> Scan<EventKind> {
        loop {
            self.plain_flow_line();
            let end = self.pos;
            self.refuse_ambiguous_text()?;
            self.skip_blanks();
            if !matches!(self.peek(), b'\n' | b'\r') || !self.flow_plain_goes_on()? {
                self.pos = end;
                return Ok(EventKind::Plain);
            }
        }
    }

    /// Moves over line ends; whether the text there goes on.
    fn flow_plain_goes_on(&mut self) -> Scan<bool> {
        let parent = self.top().column;
        while matches!(self.peek(), b'\n' | b'\r') {
            self.pos += if self.peek() == b'\r' { 2 } else { 1 };
            let line = self.pos;
            if chars::is_marker(self.text, line, b'.') {
                return Ok(false);
            }
            while self.peek() == b' ' {
                self.pos += 1;
            }
            if self.peek() == b'\t' && (self.pos - line).cast_signed() <= parent {
                return syntax(self.pos, "a tab where indentation is expected");
            }
            self.skip_blanks();
        }
        let ends = matches!(self.peek(), b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'?' | 0)
            || self.peek() == b':' && self.is_blank_or_end(self.pos + 1);
        Ok(!ends)
    }

    /// `a?b` and `a:]` are one text to some readers and two tokens to others.
    fn refuse_ambiguous_text(&self) -> Scan<()> {
        let ambiguous =
            self.peek() == b'?' || self.text[self.pos - 1] == b':' && b",[]{}?".contains(&self.peek());
        if ambiguous {
            return refuse(self.pos, RefusalReason::AmbiguousFlowText);
        }
        Ok(())
    }

    fn flow_colon(&mut self, kind: EventKind, state: State) -> Scan<()> {
        if state != State::Item {
            return refuse(self.pos, RefusalReason::EmptyKey);
        }
        let Some(top) = self.flow.last() else { return Ok(()) };
        let (event, start) = (top.item_event, top.item_start);
        if self.is_collection(event) {
            return refuse(start, RefusalReason::CollectionKey);
        }
        self.check_key(start)?;
        if kind == EventKind::FlowSequence {
            self.open_pair(event, start)?;
        }
        self.pos += 1;
        self.content_end = self.pos;
        if let Some(top) = self.flow.last_mut() {
            top.state = State::Colon;
        }
        Ok(())
    }

    /// Whether the node that starts at event `event` is a collection.
    fn is_collection(&self, event: usize) -> bool {
        self.events[event..]
            .iter()
            .find(|event| !event.kind.is_property())
            .is_some_and(|event| event.kind.opens())
    }

    /// `key: value` as an item of a sequence: the mapping starts before the key that has been read.
    fn open_pair(&mut self, event: usize, start: usize) -> Scan<()> {
        self.check_depth()?;
        let content_end = self.content_end;
        let opener = self.open(EventKind::FlowPair, start);
        // The key is a scalar: at most three events move, and none of them holds an index.
        self.events[event..=opener].rotate_right(1);
        self.content_end = content_end;
        self.flow.push(FlowFrame {
            kind: EventKind::FlowPair,
            opener: event,
            start,
            state: State::Item,
            item_event: event + 1,
            item_start: start,
        });
        Ok(())
    }

    fn flow_comma(&mut self, kind: EventKind, state: State) -> Scan<()> {
        if kind == EventKind::FlowPair {
            return self.close_pair();
        }
        if state == State::Open {
            return syntax(self.pos, "a comma without a value before it");
        }
        self.complete_entry()?;
        self.pos += 1;
        if let Some(top) = self.flow.last_mut() {
            top.state = State::Open;
        }
        Ok(())
    }

    /// A key without a colon or without a value has the value null.
    fn complete_entry(&mut self) -> Scan<()> {
        let Some(top) = self.flow.last() else { return Ok(()) };
        let null = match top.state {
            State::Item if top.kind == EventKind::FlowMapping => {
                if self.is_collection(top.item_event) {
                    return refuse(top.item_start, RefusalReason::CollectionKey);
                }
                true
            }
            State::Colon => true,
            _ => false,
        };
        if null {
            self.emit(EventKind::Null, self.content_end, self.content_end);
        }
        Ok(())
    }

    /// Ends `key: value` inside a sequence; the comma or bracket under the cursor belongs to the sequence.
    fn close_pair(&mut self) -> Scan<()> {
        self.complete_entry()?;
        if let Some(pair) = self.flow.pop() {
            self.close(pair.opener);
        }
        Ok(())
    }

    fn close_flow(&mut self) -> Scan<()> {
        let Some(top) = self.flow.last() else { return Ok(()) };
        match (top.kind, self.peek()) {
            (EventKind::FlowPair, _) => return self.close_pair(),
            (EventKind::FlowSequence, b']') | (EventKind::FlowMapping, b'}') => {}
            _ => return syntax(self.pos, "a closing bracket of another kind than the opening one"),
        }
        self.complete_entry()?;
        self.pos += 1;
        self.content_end = self.pos;
        if let Some(frame) = self.flow.pop() {
            self.close(frame.opener);
        }
        Ok(())
    }
}
