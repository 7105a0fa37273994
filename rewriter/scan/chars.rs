//! Characters and lines that decide before any structure does: controls, odd line ends, document markers.

use std::ops::Range;

use memchr::memmem;

use crate::error::RefusalReason;

/// Which odd characters a text may hold at all, so that most texts are not searched twice.
pub(super) struct Oddities {
    carriage_returns: bool,
    non_ascii: bool,
}

/// Looks for control characters, which no reader takes; their offset is the error.
pub(super) fn check(text: &str) -> Result<Oddities, usize> {
    let bytes = text.as_bytes();
    if let Some(offset) = first_control(bytes) {
        return Err(offset);
    }
    let non_ascii = !bytes.is_ascii();
    if non_ascii && let Some(offset) = first_c1_control(bytes) {
        return Err(offset);
    }
    Ok(Oddities { carriage_returns: memchr::memchr(b'\r', bytes).is_some(), non_ascii })
}

impl Oddities {
    /// The first character in `range` on which readers disagree.
    pub(super) fn first_in(&self, bytes: &[u8], range: Range<usize>) -> Option<(usize, RefusalReason)> {
        let text = &bytes[range.clone()];
        let carriage_return = self
            .carriage_returns
            .then(|| memchr::memchr_iter(b'\r', text).find(|at| text.get(at + 1) != Some(&b'\n')))
            .flatten()
            .map(|at| (range.start + at, RefusalReason::LoneCarriageReturn));
        let separator = self
            .non_ascii
            .then(|| {
                memchr::memchr3_iter(0xc2, 0xe2, 0xef, text).find_map(|at| match &text[at..] {
                    [0xc2, 0x85, ..] | [0xe2, 0x80, 0xa8 | 0xa9, ..] => {
                        Some((range.start + at, RefusalReason::UnicodeLineBreak))
                    }
                    [0xef, 0xbb, 0xbf, ..] => Some((range.start + at, RefusalReason::ByteOrderMark)),
                    _ => None,
                })
            })
            .flatten();
        match (carriage_return, separator) {
            (Some(first), Some(second)) => Some(if first.0 < second.0 { first } else { second }),
            (first, second) => first.or(second),
        }
    }
}

#[expect(clippy::needless_bitwise_bool, reason = "without branches the compiler uses vector instructions")]
fn is_control(byte: u8) -> bool {
    (byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r') | (byte == 0x7f)
}

fn first_control(bytes: &[u8]) -> Option<usize> {
    // Whole blocks without a branch inside, so that the compiler can use vector instructions.
    let block = bytes
        .chunks(64)
        .position(|block| block.iter().fold(false, |found, byte| found | is_control(*byte)))?;
    bytes[block * 64..].iter().position(|byte| is_control(*byte)).map(|at| block * 64 + at)
}

/// C1 controls (U+0080 to U+009F without U+0085), U+FFFE and U+FFFF.
fn first_c1_control(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2_iter(0xc2, 0xef, bytes).find(|at| match &bytes[*at..] {
        [0xc2, second, ..] => (0x80..0xa0).contains(second) && *second != 0x85,
        [0xef, 0xbf, third, ..] => *third >= 0xbe,
        _ => false,
    })
}

/// The start of the next line, after `from`, that is a document marker: no other construct may hold one.
pub(crate) fn next_marker(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = memmem::find(&bytes[at..], b"\n---") {
        let marker = at + found + 1;
        if is_marker(bytes, marker, b'-') {
            return marker;
        }
        at = marker;
    }
    bytes.len()
}

/// The last line in `range` that is a directive by its look: what stands in front of it was not understood.
pub(super) fn last_directive(bytes: &[u8], range: Range<usize>) -> Option<usize> {
    let mut signs = memchr::memrchr_iter(b'%', &bytes[range.clone()]).map(|at| range.start + at);
    signs
        .find(|at| (*at == range.start || matches!(bytes[at - 1], b'\n' | b'\r')) && is_directive(bytes, *at))
}

/// Whether the `%` at `offset` starts a directive that libyaml knows.
pub(super) fn is_directive(bytes: &[u8], offset: usize) -> bool {
    let rest = &bytes[offset + 1..];
    let rest = rest.strip_prefix(b"YAML").or_else(|| rest.strip_prefix(b"TAG"));
    rest.is_some_and(|rest| rest.starts_with(b" ") || rest.starts_with(b"\t"))
}

/// Whether three times `byte` and white space or the end stand at `offset`.
pub(super) fn is_marker(bytes: &[u8], offset: usize, byte: u8) -> bool {
    let rest = bytes.get(offset..).unwrap_or_default();
    rest.starts_with(&[byte; 3]) && matches!(rest.get(3), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
}
