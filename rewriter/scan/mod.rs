//! From text to events: a scanner with libyaml's grammar, because that is what reads manifests.
//!
//! It goes over the text once, line by line at block level, and keeps a stack of open collections. Nothing is
//! allocated for a node, nothing recurses. A text that libyaml refuses is a syntax error; a construct on which
//! readers disagree, or which nobody writes by hand, is refused by name. It never guesses.

mod block;
pub(crate) mod chars;
mod flow;
mod scalar;

use std::cell::OnceCell;

use crate::error::{Refusal, RefusalReason, SyntaxError};
use crate::event::{Event, EventKind};
use crate::position::LineIndex;
use crate::stream::DocumentRecord;

/// go-yaml's own bound on nesting.
const MAX_DEPTH: usize = 10_000;

/// The bytes of a byte order mark in UTF-8.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why a document was given up.
enum Stop {
    /// The whole text is left.
    Syntax(usize, &'static str),
    /// The document is left.
    Refused(usize, RefusalReason),
}

type Scan<T> = Result<T, Stop>;

fn syntax<T>(offset: usize, message: &'static str) -> Scan<T> {
    Err(Stop::Syntax(offset, message))
}

fn refuse<T>(offset: usize, reason: RefusalReason) -> Scan<T> {
    Err(Stop::Refused(offset, reason))
}

/// An open block collection, or the root of the document.
struct Frame {
    /// Column in bytes of the keys or dashes; -1 for the root.
    column: isize,
    kind: FrameKind,
    /// Whether the value of the last key or dash, or the root, is still to come.
    waiting: bool,
    /// Whether an anchor and a tag of that value have been read.
    anchored: bool,
    tagged: bool,
    /// Where that value would stand if it were written.
    value_at: usize,
    /// The event that opened the collection.
    opener: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Root,
    Mapping,
    Sequence,
    /// A sequence at the column of the mapping key whose value it is.
    IndentlessSequence,
}

struct Scanner<'t> {
    text: &'t [u8],
    /// The next byte to look at.
    pos: usize,
    /// Bytes of indentation that the cursor has gone over already, when it is asked for the next line.
    indented: usize,
    /// The end of the document's text: the next marker or the end of the file.
    end: usize,
    events: Vec<Event>,
    frames: Vec<Frame>,
    /// Open flow collections; empty between nodes, kept for its memory.
    flow: Vec<flow::FlowFrame>,
    /// The end of the last content, comments not counted.
    content_end: usize,
}

/// Scans a whole text.
pub(crate) fn scan(text: &str) -> Result<(Vec<Event>, Vec<DocumentRecord>), SyntaxError> {
    let bytes = text.as_bytes();
    // There may be a refused document behind every marker.
    let lines = OnceCell::new();
    let locate = |offset| lines.get_or_init(|| LineIndex::new(bytes)).position(bytes, offset);
    let oddities = chars::check(text).map_err(|offset| SyntaxError {
        position: locate(offset),
        message: "control characters are not allowed",
    })?;
    let mut scanner = Scanner {
        text: bytes,
        pos: if bytes.starts_with(BOM) { BOM.len() } else { 0 },
        indented: 0,
        end: 0,
        events: Vec::with_capacity(bytes.len() / 6),
        frames: Vec::new(),
        flow: Vec::new(),
        content_end: 0,
    };
    let mut documents = Vec::new();
    let mut directive = None;
    while scanner.pos < bytes.len() {
        let start = scanner.pos;
        scanner.end = chars::next_marker(bytes, start);
        let first_event = scanner.events.len();
        let outcome = match oddities.first_in(bytes, start..scanner.end) {
            Some((offset, reason)) => refuse(offset, reason),
            None => scanner.chunk(&mut directive),
        };
        let refusal = match outcome {
            Ok(false) => {
                scanner.pos = scanner.end;
                continue;
            }
            Ok(true) => None,
            Err(Stop::Syntax(offset, message)) => {
                return Err(SyntaxError { position: locate(offset), message });
            }
            Err(Stop::Refused(offset, reason)) => Some(Refusal { position: locate(offset), reason }),
        };
        if refusal.is_some() {
            scanner.events.truncate(first_event);
            directive = chars::last_directive(bytes, start..scanner.end);
        }
        documents.push(DocumentRecord::new(
            start..scanner.end,
            first_event..scanner.events.len(),
            refusal,
            &scanner.events,
            bytes,
            locate,
        ));
        scanner.pos = scanner.end;
    }
    Ok((scanner.events, documents))
}

impl Scanner<'_> {
    /// Scans the text up to the next marker; false when there is no document in it.
    fn chunk(&mut self, directive: &mut Option<usize>) -> Scan<bool> {
        self.frames.clear();
        self.flow.clear();
        self.indented = 0;
        self.content_end = self.pos;
        let marked = chars::is_marker(self.text, self.pos, b'-');
        if marked {
            self.pos += 3;
            self.content_end = self.pos;
            if let Some(offset) = directive.take() {
                return refuse(offset, RefusalReason::Directive);
            }
        }
        self.push_root();
        if marked {
            self.marker_line()?;
        }
        let mut ended = false;
        while let Some(column) = self.next_line()? {
            if column == 0 && (self.peek() == b'%' || chars::is_marker(self.text, self.pos, b'.')) {
                ended = true;
                break;
            }
            self.line(column)?;
        }
        let empty = !marked && self.untouched();
        if !empty {
            self.close_all();
        } else if ended && self.peek() == b'.' {
            return syntax(self.pos, "`...` without a document in front of it");
        }
        if ended {
            self.between_documents(directive)?;
        }
        Ok(!empty)
    }

    /// Whether no content has been read yet.
    fn untouched(&self) -> bool {
        matches!(self.frames.as_slice(), [root] if root.waiting && !root.anchored && !root.tagged)
    }

    /// What may stand between a document and the next `---`: `...`, then directives, and comments anywhere.
    fn between_documents(&mut self, directive: &mut Option<usize>) -> Scan<()> {
        loop {
            if self.peek() == b'%' {
                directive.get_or_insert(self.pos);
                if !chars::is_directive(self.text, self.pos) {
                    return syntax(self.pos, "a `%` directive that is neither `%YAML` nor `%TAG`");
                }
                self.skip_line();
                // libyaml takes a tab behind a directive, not behind other line ends.
                self.skip_blanks();
            } else if directive.is_none() && chars::is_marker(self.text, self.pos, b'.') {
                self.pos += 3;
                self.finish_line()?;
            } else {
                return syntax(self.pos, "a document behind `...` or a directive has to start with `---`");
            }
            match self.next_line()? {
                None if directive.is_some() && self.end == self.text.len() => {
                    return syntax(self.pos, "a `%` directive without a `---` behind it");
                }
                None => return Ok(()),
                Some(0) => {}
                Some(_) => return syntax(self.pos, "a document behind `...` has to start with `---`"),
            }
        }
    }

    fn push_root(&mut self) {
        self.frames.push(Frame {
            column: -1,
            kind: FrameKind::Root,
            waiting: true,
            anchored: false,
            tagged: false,
            value_at: self.pos,
            opener: 0,
        });
    }

    /// The byte at the cursor; zero, which no text holds, at the end.
    #[inline]
    fn peek(&self) -> u8 {
        self.at(self.pos)
    }

    /// The byte at `offset`; zero at the end of the document.
    #[inline]
    fn at(&self, offset: usize) -> u8 {
        if offset < self.end { self.text[offset] } else { 0 }
    }

    /// Whether white space, a line end or the end of the document stands at `offset`.
    #[inline]
    fn is_blank_or_end(&self, offset: usize) -> bool {
        matches!(self.at(offset), b' ' | b'\t' | b'\n' | b'\r' | 0)
    }

    #[inline]
    fn emit(&mut self, kind: EventKind, start: usize, end: usize) {
        self.events.push(Event { start: narrow(start), end: narrow(end), kind, indent: 0 });
        self.content_end = end;
    }

    /// Opens a collection; its end is filled in when it is closed.
    fn open(&mut self, kind: EventKind, start: usize) -> usize {
        self.events.push(Event { start: narrow(start), end: 0, kind, indent: 0 });
        self.events.len() - 1
    }

    fn close(&mut self, opener: usize) {
        let end = narrow(self.content_end);
        self.events[opener].end = narrow(self.events.len());
        self.events.push(Event { start: end, end, kind: EventKind::End, indent: 0 });
    }

    /// Goes past blanks and a comment to the start of the next line; anything else is an error.
    #[inline]
    fn finish_line(&mut self) -> Scan<()> {
        self.skip_blanks();
        match self.peek() {
            b'\n' => self.pos += 1,
            b'\r' => self.pos += 2,
            0 => {}
            b'#' => self.skip_line(),
            _ => return syntax(self.pos, "unexpected text after a value"),
        }
        Ok(())
    }

    #[inline]
    fn skip_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t') {
            self.pos += 1;
        }
    }

    /// Goes to the start of the next line.
    fn skip_line(&mut self) {
        self.pos = memchr::memchr(b'\n', &self.text[self.pos..self.end])
            .map_or(self.end, |newline| self.pos + newline + 1);
    }

    fn check_depth(&self) -> Scan<()> {
        if self.frames.len() + self.flow.len() > MAX_DEPTH {
            return syntax(self.pos, "nesting of more than 10000 levels");
        }
        Ok(())
    }
}

/// Offsets fit: [`crate::decode`] refuses larger texts.
#[inline]
pub(crate) fn narrow(offset: usize) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "texts of more than 4 GiB are refused when decoded")]
    let offset = offset as u32;
    offset
}
