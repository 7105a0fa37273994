//! Block structure: indentation, keys and dashes.

use super::{Frame, FrameKind, Scan, Scanner, refuse, syntax};
use crate::error::RefusalReason;
use crate::event::EventKind;

/// libyaml's bound on the length of a key that is written without `?`.
const MAX_KEY: usize = 1024;

pub(super) const ALIAS_WITH_PROPERTIES: &str = "an alias cannot have an anchor or a tag";

/// What may start at the cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A fresh line or the text behind a dash: block collections may start here, at this column.
    Fresh(isize),
    /// A fresh line at the column of the open mapping: only its next key.
    Key,
    /// Behind a colon or a document marker: no block collection.
    Inline,
}

/// Properties in front of a node.
#[derive(Default)]
struct Properties {
    /// Start and end of `&name`.
    anchor: Option<(usize, usize)>,
    /// Start and end of `!tag`.
    tag: Option<(usize, usize)>,
}

impl Properties {
    #[inline]
    fn end(&self) -> Option<usize> {
        self.anchor.max(self.tag).map(|(_, end)| end)
    }
}

impl Scanner<'_> {
    /// Moves to the first content of the next line that has any and tells its column; `None` at the end.
    #[inline]
    pub(super) fn next_line(&mut self) -> Scan<Option<isize>> {
        let mut line = self.pos - std::mem::take(&mut self.indented);
        loop {
            while self.peek() == b' ' {
                self.pos += 1;
            }
            match self.peek() {
                b'\n' => self.pos += 1,
                b'\r' => self.pos += 2,
                0 => return Ok(None),
                b'#' => self.skip_line(),
                b'\t' => return syntax(self.pos, "a tab where indentation is expected"),
                _ => return Ok(Some((self.pos - line).cast_signed())),
            }
            line = self.pos;
        }
    }

    /// The rest of a `---` line.
    pub(super) fn marker_line(&mut self) -> Scan<()> {
        self.skip_blanks();
        if matches!(self.peek(), b'\n' | b'\r' | b'#' | 0) {
            return self.finish_line();
        }
        self.node(Place::Inline)
    }

    /// A line whose first content stands at `column`.
    pub(super) fn line(&mut self, column: isize) -> Scan<()> {
        while self.top().column > column {
            self.close_top();
        }
        let dash = self.is_dash();
        let top = self.top();
        if top.column < column {
            if !top.waiting {
                return syntax(self.pos, unexpected(top.kind));
            }
            return if dash {
                self.sequence(FrameKind::Sequence, column)
            } else {
                self.node(Place::Fresh(column))
            };
        }
        if top.waiting && matches!(self.peek(), b'|' | b'>') {
            // No key can start so: libyaml takes a block text for the value even at the column of its key.
            self.satisfied();
            return self.block_scalar();
        }
        match top.kind {
            FrameKind::Mapping if dash && top.waiting => self.sequence(FrameKind::IndentlessSequence, column),
            FrameKind::Mapping if dash => syntax(self.pos, "a list item where a key is expected"),
            FrameKind::Mapping => {
                self.fill_with_null();
                self.node(Place::Key)
            }
            FrameKind::Sequence | FrameKind::IndentlessSequence if dash => {
                self.fill_with_null();
                self.entries(column)
            }
            FrameKind::IndentlessSequence => {
                self.close_top();
                self.node(Place::Key)
            }
            FrameKind::Sequence | FrameKind::Root => syntax(self.pos, unexpected(top.kind)),
        }
    }

    fn is_dash(&self) -> bool {
        self.peek() == b'-' && self.is_blank_or_end(self.pos + 1)
    }

    /// Opens a sequence at the dash under the cursor and reads its first entry.
    fn sequence(&mut self, kind: FrameKind, column: isize) -> Scan<()> {
        self.push(kind, EventKind::BlockSequence, column, self.pos)?;
        self.entries(column)
    }

    /// Reads the entry whose dash is under the cursor, and sequences nested on the same line.
    fn entries(&mut self, mut column: isize) -> Scan<()> {
        loop {
            let dash = self.pos;
            self.pos += 1;
            self.wait(self.pos);
            while self.peek() == b' ' {
                self.pos += 1;
            }
            match self.peek() {
                b'\t' => return syntax(self.pos, "a tab behind `-` where a space is expected"),
                b'\n' | b'\r' | b'#' | 0 => return self.finish_line(),
                _ => {}
            }
            column += (self.pos - dash).cast_signed();
            if !self.is_dash() {
                return self.node(Place::Fresh(column));
            }
            self.push(FrameKind::Sequence, EventKind::BlockSequence, column, self.pos)?;
        }
    }

    /// A node that is no dash: a key of a mapping, new or open, or a value.
    fn node(&mut self, place: Place) -> Scan<()> {
        let start = self.pos;
        let properties = self.properties()?;
        if let Some(end) = properties.end() {
            self.skip_blanks();
            if matches!(self.peek(), b'\n' | b'\r' | b'#' | 0) {
                if place == Place::Key {
                    return syntax(start, "a value where a key is expected");
                }
                self.attach(start, &properties)?;
                self.wait_for_node(end);
                return self.finish_line();
            }
        }
        let token = self.pos;
        match self.peek() {
            b'[' | b'{' => {
                // If the collection is a key, the properties are its own: that is told first.
                let attached = self.attach(start, &properties);
                self.flow()?;
                self.refuse_collection_key(start)?;
                attached?;
                self.satisfied();
                self.finish_line()
            }
            b'|' | b'>' => {
                if place == Place::Key {
                    return syntax(start, "a value where a key is expected");
                }
                self.attach(start, &properties)?;
                self.satisfied();
                self.block_scalar()
            }
            b'-' if self.is_dash() => syntax(token, "a list item is not allowed here"),
            b'?' if self.is_blank_or_end(token + 1) => refuse(token, RefusalReason::ExplicitKey),
            b':' if self.is_blank_or_end(token + 1) => refuse(token, RefusalReason::EmptyKey),
            b',' | b']' | b'}' | b'%' | b'@' | b'`' => syntax(token, "a character that cannot start a value"),
            first => self.scalar_or_key(place, start, &properties, first),
        }
    }

    fn scalar_or_key(&mut self, place: Place, start: usize, properties: &Properties, first: u8) -> Scan<()> {
        let token = self.pos;
        let kind = match first {
            b'"' => self.double_quoted()?,
            b'\'' => self.single_quoted()?,
            b'*' => self.alias(properties.end().is_some())?,
            _ => self.plain_line(),
        };
        let end = self.pos;
        self.skip_blanks();
        if self.peek() == b':' && self.is_blank_or_end(self.pos + 1) {
            // Plain text without properties ends with its line.
            if kind != EventKind::Plain || start != token || self.pos - start > MAX_KEY {
                self.check_key(start)?;
            }
            return self.key(place, start, properties, (kind, token, end));
        }
        if place == Place::Key {
            return syntax(start, "could not find the `:` of this key");
        }
        self.attach(start, properties)?;
        self.satisfied();
        if kind != EventKind::Plain {
            let top = self.top();
            if kind == EventKind::Alias && (top.anchored || top.tagged) {
                return syntax(token, ALIAS_WITH_PROPERTIES);
            }
            self.emit(kind, token, end);
            return self.finish_line();
        }
        let end = self.plain_continuation(end)?;
        self.emit(kind, token, end);
        Ok(())
    }

    /// The text from `start` to the colon under the cursor has to be on one line and not too long for a key.
    pub(super) fn check_key(&self, start: usize) -> Scan<()> {
        let key = &self.text[start..self.pos];
        if memchr::memchr(b'\n', key).is_some() {
            return syntax(self.pos, "a key has to stand on one line");
        }
        if key.len() > MAX_KEY && key.iter().filter(|byte| **byte & 0xc0 != 0x80).count() > MAX_KEY {
            return syntax(self.pos, "a key of more than 1024 characters");
        }
        Ok(())
    }

    /// Takes the key that ends at the colon under the cursor, and what follows on its line.
    fn key(
        &mut self,
        place: Place,
        start: usize,
        properties: &Properties,
        (kind, token, end): (EventKind, usize, usize),
    ) -> Scan<()> {
        match place {
            Place::Inline => return syntax(self.pos, "a key and a value are not allowed here"),
            Place::Key => {}
            Place::Fresh(column) => {
                self.push(FrameKind::Mapping, EventKind::BlockMapping, column, start)?;
            }
        }
        self.emit_properties(properties);
        self.emit(kind, token, end);
        self.pos += 1;
        self.wait(self.pos);
        self.content_end = self.pos;
        self.skip_blanks();
        match self.peek() {
            b'\n' | b'\r' | b'#' | 0 => self.finish_line(),
            _ => self.node(Place::Inline),
        }
    }

    /// After a flow collection: a colon would make it a key.
    fn refuse_collection_key(&mut self, start: usize) -> Scan<()> {
        self.skip_blanks();
        if self.peek() == b':' && self.is_blank_or_end(self.pos + 1) {
            return refuse(start, RefusalReason::CollectionKey);
        }
        let top = self.top();
        if top.kind == FrameKind::Mapping && !top.waiting {
            return syntax(start, "could not find the `:` of this key");
        }
        Ok(())
    }

    /// Reads `&name` and `!tag` in any order.
    fn properties(&mut self) -> Scan<Properties> {
        let mut properties = Properties::default();
        loop {
            let start = self.pos;
            let slot = match self.peek() {
                b'&' => &mut properties.anchor,
                b'!' => &mut properties.tag,
                _ => return Ok(properties),
            };
            if slot.is_some() {
                return syntax(start, "a second anchor or tag on one value");
            }
            *slot = Some((start, start));
            let end = if self.peek() == b'&' { self.anchor_name()? } else { self.tag_name()? };
            let slot = if self.text[start] == b'&' { &mut properties.anchor } else { &mut properties.tag };
            *slot = Some((start, end));
            self.skip_blanks();
        }
    }

    /// Emits properties that belong to the node itself, not to a key.
    fn attach(&mut self, start: usize, properties: &Properties) -> Scan<()> {
        let top = self.top_mut();
        if top.anchored && properties.anchor.is_some() || top.tagged && properties.tag.is_some() {
            return syntax(start, "a second anchor or tag on one value");
        }
        top.anchored |= properties.anchor.is_some();
        top.tagged |= properties.tag.is_some();
        self.emit_properties(properties);
        Ok(())
    }

    pub(super) fn emit_property(&mut self, kind: EventKind, span: Option<(usize, usize)>) {
        if let Some((start, end)) = span {
            self.emit(kind, start, end);
        }
    }

    #[inline]
    fn emit_properties(&mut self, properties: &Properties) {
        if properties.end().is_none() {
            return;
        }
        let (anchor, tag) = (properties.anchor, properties.tag);
        if anchor < tag || tag.is_none() {
            self.emit_property(EventKind::Anchor, anchor);
            self.emit_property(EventKind::Tag, tag);
        } else {
            self.emit_property(EventKind::Tag, tag);
            self.emit_property(EventKind::Anchor, anchor);
        }
    }

    #[inline]
    pub(super) fn top(&self) -> &Frame {
        // The root stays until the document is closed.
        &self.frames[self.frames.len() - 1]
    }

    #[inline]
    fn top_mut(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// Opens a block collection as the awaited value of the one above.
    fn push(&mut self, kind: FrameKind, event: EventKind, column: isize, start: usize) -> Scan<()> {
        self.check_depth()?;
        self.satisfied();
        let opener = self.open(event, start);
        self.frames.push(Frame {
            column,
            kind,
            waiting: false,
            anchored: false,
            tagged: false,
            value_at: start,
            opener,
        });
        Ok(())
    }

    /// The value of a key or dash is still to come; unwritten, it stands at `value_at`.
    #[inline]
    fn wait(&mut self, value_at: usize) {
        let top = self.top_mut();
        top.waiting = true;
        top.anchored = false;
        top.tagged = false;
        top.value_at = value_at;
    }

    /// Properties were read, their node is still to come.
    fn wait_for_node(&mut self, value_at: usize) {
        let top = self.top_mut();
        top.waiting = true;
        top.value_at = value_at;
    }

    #[inline]
    fn satisfied(&mut self) {
        self.top_mut().waiting = false;
    }

    #[inline]
    fn fill_with_null(&mut self) {
        let top = self.top_mut();
        if top.waiting {
            top.waiting = false;
            let at = top.value_at;
            self.emit(EventKind::Null, at, at);
        }
    }

    fn close_top(&mut self) {
        self.fill_with_null();
        if let Some(frame) = self.frames.pop()
            && frame.kind != FrameKind::Root
        {
            self.close(frame.opener);
        }
    }

    pub(super) fn close_all(&mut self) {
        while !self.frames.is_empty() {
            self.close_top();
        }
    }
}

fn unexpected(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::Root => "text after the end of the document's value",
        FrameKind::Mapping => "indentation that fits no open collection, a key is expected",
        FrameKind::Sequence | FrameKind::IndentlessSequence => {
            "indentation that fits no open collection, a list item is expected"
        }
    }
}
