//! Scalars, aliases and the names of anchors and tags.

use super::block::ALIAS_WITH_PROPERTIES;
use super::{Scan, Scanner, chars, refuse, syntax};
use crate::error::RefusalReason;
use crate::event::EventKind;

/// Bytes on which the loop over plain text stops to think.
const STOP_BLOCK: u8 = 1;
const STOP_FLOW: u8 = 2;

const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    class[b'\n' as usize] = STOP_BLOCK | STOP_FLOW;
    class[b'\r' as usize] = STOP_BLOCK | STOP_FLOW;
    class[b':' as usize] = STOP_BLOCK | STOP_FLOW;
    class[b'#' as usize] = STOP_BLOCK | STOP_FLOW;
    class[b',' as usize] = STOP_FLOW;
    class[b'[' as usize] = STOP_FLOW;
    class[b']' as usize] = STOP_FLOW;
    class[b'{' as usize] = STOP_FLOW;
    class[b'}' as usize] = STOP_FLOW;
    class[b'?' as usize] = STOP_FLOW;
    class
};

impl Scanner<'_> {
    /// The next byte at or after `at` on which plain text may end; the end of the document if there is none.
    #[inline]
    fn next_stop(&self, at: usize, stop: u8) -> usize {
        self.text[at..self.end]
            .iter()
            .position(|byte| CLASS[usize::from(*byte)] & stop != 0)
            .map_or(self.end, |found| at + found)
    }

    /// Plain text up to the end of its line, a comment or `: `; leaves the cursor behind its last letter.
    #[inline]
    pub(super) fn plain_line(&mut self) -> EventKind {
        self.plain_text(STOP_BLOCK);
        EventKind::Plain
    }

    /// Moves over one line's plain text; the cursor ends behind the last byte that is no blank.
    #[inline]
    fn plain_text(&mut self, stop: u8) {
        let start = self.pos;
        let mut at = self.pos;
        loop {
            at = self.next_stop(at, stop);
            match self.at(at) {
                b':' if !self.is_blank_or_end(at + 1) => {}
                b'#' if at == start || !matches!(self.text[at - 1], b' ' | b'\t') => {}
                _ => break,
            }
            at += 1;
        }
        while at > start && matches!(self.text[at - 1], b' ' | b'\t') {
            at -= 1;
        }
        self.pos = at;
    }

    /// One line's plain text inside a flow collection.
    pub(super) fn plain_flow_line(&mut self) {
        self.plain_text(STOP_FLOW);
    }

    /// Further lines of plain text that ended at `end`, if there are any, and the end of its last line; leaves
    /// the cursor on a line behind. Returns the end of the text.
    #[inline]
    pub(super) fn plain_continuation(&mut self, end: usize) -> Scan<usize> {
        let mut end = end;
        loop {
            if !matches!(self.peek(), b'\n' | b'\r') {
                self.finish_line()?;
                return Ok(end);
            }
            if !self.reach_continuation()? {
                return Ok(end);
            }
            self.plain_text(STOP_BLOCK);
            end = self.pos;
            self.skip_blanks();
            if self.peek() == b':' {
                return syntax(self.pos, "a key and a value are not allowed here");
            }
        }
    }

    /// Moves over line ends to a line that goes on with the plain text before; where there is none, to the
    /// first content of the next line that has any, or behind a comment.
    #[inline]
    fn reach_continuation(&mut self) -> Scan<bool> {
        let parent = self.top().column;
        loop {
            match self.peek() {
                b'\n' => self.pos += 1,
                b'\r' => self.pos += 2,
                _ => {}
            }
            let line = self.pos;
            while self.peek() == b' ' {
                self.pos += 1;
            }
            let column = (self.pos - line).cast_signed();
            if self.peek() == b'\t' {
                if column <= parent {
                    return syntax(self.pos, "a tab where indentation is expected");
                }
                self.skip_blanks();
            }
            match self.peek() {
                b'\n' | b'\r' => {}
                0 => return Ok(false),
                b'#' => {
                    self.skip_line();
                    return Ok(false);
                }
                _ => {
                    let end_marker = self.pos == line && chars::is_marker(self.text, line, b'.');
                    if column > parent && !end_marker {
                        return Ok(true);
                    }
                    self.indented = column.cast_unsigned();
                    return Ok(false);
                }
            }
        }
    }

    /// `"text"`.
    pub(super) fn double_quoted(&mut self) -> Scan<EventKind> {
        let start = self.pos;
        let mut at = start + 1;
        loop {
            let Some(found) = memchr::memchr2(b'"', b'\\', &self.text[at..self.end]) else {
                return syntax(start, "a double quote that is never closed");
            };
            at += found;
            if self.text[at] == b'"' {
                break;
            }
            at = self.escape(at)?;
        }
        self.pos = at + 1;
        self.check_quoted_lines(start)?;
        Ok(EventKind::DoubleQuoted)
    }

    /// Checks the escape sequence at `at` and returns the offset behind it.
    fn escape(&self, at: usize) -> Scan<usize> {
        let digits = match self.at(at + 1) {
            b'0' | b'a' | b'b' | b't' | b'\t' | b'n' | b'v' | b'f' | b'r' | b'e' | b' ' | b'"' | b'\''
            | b'/' | b'\\' | b'N' | b'_' | b'L' | b'P' | b'\n' => 0,
            b'\r' => 1,
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => return syntax(at, "an unknown escape sequence"),
        };
        let after = at + 2 + digits;
        if digits > 1 {
            let code = self.text.get(at + 2..after).and_then(|hex| {
                let hex =
                    std::str::from_utf8(hex).ok().filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
                u32::from_str_radix(hex, 16).ok()
            });
            if code.and_then(char::from_u32).is_none() {
                return syntax(at, "an escape sequence that is no character");
            }
        }
        Ok(after)
    }

    /// `'text'`.
    pub(super) fn single_quoted(&mut self) -> Scan<EventKind> {
        let start = self.pos;
        let mut at = start + 1;
        loop {
            let Some(found) = memchr::memchr(b'\'', &self.text[at..self.end]) else {
                return syntax(start, "a single quote that is never closed");
            };
            at += found + 1;
            if self.at(at) != b'\'' {
                break;
            }
            at += 1;
        }
        self.pos = at;
        self.check_quoted_lines(start)?;
        Ok(EventKind::SingleQuoted)
    }

    /// No line of quoted text may be a document marker.
    fn check_quoted_lines(&self, start: usize) -> Scan<()> {
        for newline in memchr::memchr_iter(b'\n', &self.text[start..self.pos]) {
            if chars::is_marker(self.text, start + newline + 1, b'.') {
                return syntax(start + newline + 1, "a document marker inside a quoted text");
            }
        }
        Ok(())
    }

    /// `*name`.
    pub(super) fn alias(&mut self, has_properties: bool) -> Scan<EventKind> {
        if has_properties {
            return syntax(self.pos, ALIAS_WITH_PROPERTIES);
        }
        self.anchor_name()?;
        Ok(EventKind::Alias)
    }

    /// The name behind `&` or `*`; returns its end.
    pub(super) fn anchor_name(&mut self) -> Scan<usize> {
        let start = self.pos;
        self.pos += 1;
        while is_word(self.peek()) {
            self.pos += 1;
        }
        let ends = self.is_blank_or_end(self.pos)
            || matches!(self.peek(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if self.pos == start + 1 || !ends {
            return syntax(start, "an anchor or alias name that is not letters, digits, `-` or `_`");
        }
        Ok(self.pos)
    }

    /// The tag under the cursor; returns its end.
    pub(super) fn tag_name(&mut self) -> Scan<usize> {
        const ILL_FORMED: &str = "a tag that is not well formed";
        let start = self.pos;
        self.pos += 1;
        if self.peek() == b'<' {
            self.pos += 1;
            self.tag_text(b",[]")?;
            if self.peek() != b'>' || self.pos == start + 2 {
                return syntax(start, ILL_FORMED);
            }
            self.pos += 1;
        } else {
            while is_word(self.peek()) {
                self.pos += 1;
            }
            if self.peek() == b'!' {
                if self.pos > start + 1 {
                    return syntax(start, "a tag with a handle that no `%TAG` directive defines");
                }
                self.pos += 1;
                if self.is_blank_or_end(self.pos) {
                    return syntax(start, ILL_FORMED);
                }
            }
            self.tag_text(b"")?;
        }
        if self.is_blank_or_end(self.pos) {
            return Ok(self.pos);
        }
        if self.peek() == b',' && !self.flow.is_empty() {
            // The comma belongs to the tag for some readers.
            return refuse(self.pos, RefusalReason::AmbiguousFlowText);
        }
        syntax(start, ILL_FORMED)
    }

    /// Moves over the characters that a tag may have, and `more`.
    fn tag_text(&mut self, more: &[u8]) -> Scan<()> {
        loop {
            match self.peek() {
                b'%' => self.tag_escapes()?,
                byte if is_word(byte) || b";/?:@&=+$.!~*'()".contains(&byte) || more.contains(&byte) => {
                    self.pos += 1;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Moves over `%C3%A9`, which has to be a character.
    fn tag_escapes(&mut self) -> Scan<()> {
        let start = self.pos;
        let mut bytes = Vec::new();
        while self.peek() == b'%' {
            let digits =
                [self.at(self.pos + 1), self.at(self.pos + 2)].map(|digit| char::from(digit).to_digit(16));
            let [Some(high), Some(low)] = digits else { break };
            bytes.push((high * 16 + low).to_le_bytes()[0]);
            self.pos += 3;
        }
        if self.peek() == b'%' || std::str::from_utf8(&bytes).is_err() {
            return syntax(start, "an escape sequence in a tag that is no character");
        }
        Ok(())
    }

    /// `|` or `>` and the lines that belong to it; leaves the cursor at the start of the next line.
    pub(super) fn block_scalar(&mut self) -> Scan<()> {
        let start = self.pos;
        let kind = if self.peek() == b'|' { EventKind::Literal } else { EventKind::Folded };
        let header = self.block_scalar_header()?;
        let parent = self.top().column.max(0).cast_unsigned();
        let floor = usize::try_from(self.top().column + 1).unwrap_or_default().max(1);
        let mut indent = (header.indicator > 0).then_some(parent + header.indicator);
        // Behind the last content line, and behind all lines that belong to the scalar.
        let mut content_end = self.pos;
        let mut widest = 0;
        loop {
            let line = self.pos;
            let limit = indent.unwrap_or(usize::MAX);
            while self.peek() == b' ' && self.pos - line < limit {
                self.pos += 1;
            }
            let column = self.pos - line;
            widest = widest.max(column);
            match self.peek() {
                b'\t' if column < limit => {
                    return syntax(self.pos, "a tab where the indentation of a block text is expected");
                }
                b'\n' => {
                    self.pos += 1;
                    continue;
                }
                b'\r' => {
                    self.pos += 2;
                    continue;
                }
                _ => {}
            }
            // The first line with content fixes the indentation.
            let fixed = *indent.get_or_insert(widest.max(floor));
            if column < fixed || self.peek() == 0 {
                self.pos = line;
                break;
            }
            self.skip_line();
            content_end = self.pos;
        }
        let end = if header.keep { self.pos } else { content_end };
        self.emit(kind, start, end);
        let Ok(indent) = u16::try_from(indent.unwrap_or_default()) else {
            return refuse(start, RefusalReason::TooDeep(usize::from(u16::MAX)));
        };
        if let Some(event) = self.events.last_mut() {
            event.indent = indent;
        }
        Ok(())
    }

    fn block_scalar_header(&mut self) -> Scan<Header> {
        let start = self.pos;
        let mut header = Header { indicator: 0, keep: false };
        let mut chomped = false;
        self.pos += 1;
        loop {
            match self.peek() {
                b'+' | b'-' if !chomped => {
                    header.keep = self.peek() == b'+';
                    chomped = true;
                }
                digit @ b'1'..=b'9' if header.indicator == 0 => header.indicator = usize::from(digit - b'0'),
                b'0' if header.indicator == 0 => {
                    return syntax(self.pos, "an indentation indicator of 0");
                }
                _ => break,
            }
            self.pos += 1;
        }
        self.skip_blanks();
        if !matches!(self.peek(), b'\n' | b'\r' | b'#' | 0) {
            return syntax(start, "unexpected text behind the sign of a block text");
        }
        self.finish_line()?;
        Ok(header)
    }
}

/// What names of anchors and handles of tags are made of.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

struct Header {
    /// Columns of indentation relative to the parent; 0 where the first line decides.
    indicator: usize,
    /// `+`: blank lines at the end belong to the value.
    keep: bool,
}
