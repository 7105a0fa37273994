//! Byte offsets as lines and columns.

use std::fmt;

use crate::scan::{BOM, narrow};

/// A place in a text, as people count: lines and columns from one, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from one.
    pub line: usize,
    /// Column in characters, from one.
    pub column: usize,
    /// Byte offset from the start of the text.
    pub offset: usize,
}

impl Position {
    /// The position of byte `offset` of `text`, which need not be UTF-8. Counts from the start of the text.
    pub fn of(text: &[u8], offset: usize) -> Self {
        let before = &text[..offset.min(text.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        Self {
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            column: characters(&before[line_start..])
                - usize::from(line_start == 0 && before.starts_with(BOM))
                + 1,
            offset,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// Bytes between two counts of characters, so that a column in a very long line is found at once too.
const BLOCK: usize = 4096;

/// Where the lines of a text start; a place is found without going over the text again.
#[derive(Debug)]
pub(crate) struct LineIndex {
    /// The offset of each line end, in half the room: larger texts are refused.
    newlines: Vec<u32>,
    /// Characters in front of each block of [`BLOCK`] bytes; none where every byte is a character.
    characters: Vec<usize>,
}

impl LineIndex {
    pub(crate) fn new(text: &[u8]) -> Self {
        let newlines = memchr::memchr_iter(b'\n', text).map(narrow).collect();
        if text.is_ascii() {
            return Self { newlines, characters: Vec::new() };
        }
        let mut total = 0;
        let characters = text.chunks(BLOCK).map(|block| {
            let before = total;
            total += characters(block);
            before
        });
        Self { newlines, characters: characters.collect() }
    }

    pub(crate) fn position(&self, text: &[u8], offset: usize) -> Position {
        let offset = offset.min(text.len());
        let line = self.newlines.partition_point(|newline| (*newline as usize) < offset);
        let start = if line == 0 { 0 } else { self.newlines[line - 1] as usize + 1 };
        let bom = usize::from(line == 0 && offset > 0 && text.starts_with(BOM));
        let before = if self.characters.is_empty() {
            offset - start
        } else if offset - start <= BLOCK {
            characters(&text[start..offset])
        } else {
            self.characters_before(text, offset) - self.characters_before(text, start)
        };
        Position { line: line + 1, column: before - bom + 1, offset }
    }

    fn characters_before(&self, text: &[u8], offset: usize) -> usize {
        let block = offset / BLOCK;
        let counted = self.characters.get(block).or(self.characters.last()).copied().unwrap_or_default();
        let from = block.min(self.characters.len().saturating_sub(1)) * BLOCK;
        counted + characters(&text[from..offset])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_counts_as_the_text_is_read() {
        let mut text = String::from("\u{feff}ab\n\nä: ö\r\n");
        for number in 0..3000 {
            text.push_str(if number % 7 == 0 { "é\n" } else { "xy" });
        }
        let bytes = text.as_bytes();
        let index = LineIndex::new(bytes);
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            assert_eq!(index.position(bytes, offset), Position::of(bytes, offset), "at {offset}");
        }
    }
}
