//! What a scalar says: its text without quotes and folds, and its type as go-yaml sees it.

use std::borrow::Cow;

use crate::event::{Event, EventKind};

/// A scalar as go-yaml reads it, with the types of YAML 1.1.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'s> {
    /// Nothing, `~` or `null`.
    Null,
    /// `true`, `yes`, `on` and `y` are true, in lower, upper and title case; their opposites false.
    Bool(bool),
    /// Decimal, hexadecimal, octal (`0644` too) or binary.
    Integer(i64),
    /// A number with a point or an exponent, or a whole one beyond 64 bits.
    Float(f64),
    /// Text.
    String(Cow<'s, str>),
}

/// The text of a scalar event: quotes, escapes and folds undone.
pub(crate) fn text(text: &str, event: Event) -> Cow<'_, str> {
    let source = &text[event.start as usize..event.end as usize];
    match event.kind {
        EventKind::Plain => fold_lines(source),
        EventKind::SingleQuoted => single_quoted(&source[1..source.len() - 1]),
        EventKind::DoubleQuoted => double_quoted(&source[1..source.len() - 1]),
        EventKind::Literal | EventKind::Folded => Cow::Owned(block_scalar(source, event)),
        _ => Cow::Borrowed(""),
    }
}

/// The type of plain text.
pub(crate) fn resolve(text: Cow<'_, str>) -> Scalar<'_> {
    match text.as_ref() {
        text if is_null(text) => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        other => match number(other) {
            Some(number) => number,
            None => Scalar::String(text),
        },
    }
}

/// Whether plain text is null.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Whether some reader of YAML 1.1 or 1.2 takes the plain text for anything but text.
pub(crate) fn is_ambiguous(text: &str) -> bool {
    // The signs of a radix stand in front; behind them the text looks like a number, a date or a time of day.
    let digits = text.trim_start_matches(['+', '-']);
    let behind_radix = ["0x", "0X", "0o", "0O"].iter().find_map(|radix| digits.strip_prefix(radix));
    !matches!(resolve(Cow::Borrowed(text)), Scalar::String(_))
        || text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.' | '='))
            && text.contains(|c: char| c.is_ascii_digit())
            && behind_radix
                .unwrap_or(text)
                .chars()
                .all(|c| c.is_ascii_hexdigit() || "+-_.:TtZz e".contains(c))
        || matches!(text, "<<" | "=")
}

fn number(text: &str) -> Option<Scalar<'static>> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    // go-yaml takes underscores out of what starts with a digit or a sign, not with a point.
    let plain: Cow<'_, str> =
        if first != b'.' && text.contains('_') { text.replace('_', "").into() } else { text.into() };
    let (negative, digits) = match plain.as_bytes().first() {
        Some(b'-') => (true, &plain[1..]),
        Some(b'+') => (false, &plain[1..]),
        _ => (false, plain.as_ref()),
    };
    if let Some(magnitude) = whole_number(digits) {
        let value = if negative { -magnitude } else { magnitude };
        if let Ok(value) = i64::try_from(value) {
            return Some(Scalar::Integer(value));
        }
        if u64::try_from(value).is_ok() {
            return Some(Scalar::Float(rounded(value)));
        }
    }
    float(digits).map(|value| Scalar::Float(if negative { -value } else { value }))
}

#[expect(clippy::cast_precision_loss, reason = "a float is what such a number becomes")]
fn rounded(value: i128) -> f64 {
    value as f64
}

fn whole_number(digits: &str) -> Option<i128> {
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok()
}

/// A number that is too large for a float is text.
fn float(digits: &str) -> Option<f64> {
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(f64::INFINITY);
    }
    let starts = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let shaped = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let has_digit = digits.bytes().any(|b| b.is_ascii_digit());
    (starts && shaped && has_digit)
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|value: &f64| value.is_finite())
}

/// Lines of plain text joined by a blank, blank lines kept as line ends.
fn fold_lines(source: &str) -> Cow<'_, str> {
    if !source.contains('\n') {
        return Cow::Borrowed(source);
    }
    let mut folded = String::with_capacity(source.len());
    let mut breaks = 0;
    for (number, line) in source.split('\n').enumerate() {
        let line = line.trim_matches([' ', '\t', '\r']);
        if number > 0 {
            breaks += 1;
        }
        if line.is_empty() {
            continue;
        }
        push_breaks(&mut folded, breaks);
        folded.push_str(line);
        breaks = 0;
    }
    Cow::Owned(folded)
}

/// One line end becomes a blank, each further one a line end.
fn push_breaks(text: &mut String, breaks: usize) {
    if breaks == 1 {
        text.push(' ');
    }
    for _ in 1..breaks {
        text.push('\n');
    }
}

fn single_quoted(inner: &str) -> Cow<'_, str> {
    let folded = fold_quoted(inner, false);
    if folded.contains("''") { Cow::Owned(folded.replace("''", "'")) } else { folded }
}

/// Folds the line ends of quoted text; blanks at its two ends stay. A `\` in front of a line end swallows it.
fn fold_quoted(inner: &str, escapes: bool) -> Cow<'_, str> {
    if !inner.contains('\n') {
        return Cow::Borrowed(inner);
    }
    let lines: Vec<&str> = inner.split('\n').collect();
    let last = lines.len() - 1;
    let mut folded = String::with_capacity(inner.len());
    let mut breaks = 0;
    let mut joined = false;
    for (number, line) in lines.iter().enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = if number > 0 { line.trim_start_matches([' ', '\t']) } else { line };
        let continues = escapes && number < last && ends_in_lone_backslash(line);
        let line = if continues {
            &line[..line.len() - 1]
        } else if number < last {
            trim_unescaped_end(line, escapes)
        } else {
            line
        };
        if number > 0 {
            breaks += 1;
        }
        if line.is_empty() && number > 0 && number < last && !continues {
            continue;
        }
        if joined {
            // The escaped line end itself is gone; the blank lines behind it are line ends.
            for _ in 1..breaks {
                folded.push('\n');
            }
        } else {
            push_breaks(&mut folded, breaks);
        }
        folded.push_str(line);
        breaks = 0;
        joined = continues;
    }
    Cow::Owned(folded)
}

/// Blanks at a line's end go, but not one that a backslash escapes.
fn trim_unescaped_end(line: &str, escapes: bool) -> &str {
    let trimmed = line.trim_end_matches([' ', '\t']);
    if escapes && trimmed.len() < line.len() && ends_in_lone_backslash(trimmed) {
        &line[..=trimmed.len()]
    } else {
        trimmed
    }
}

fn ends_in_lone_backslash(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn double_quoted(inner: &str) -> Cow<'_, str> {
    let folded = fold_quoted(inner, true);
    if !folded.contains('\\') {
        return folded;
    }
    let mut plain = String::with_capacity(folded.len());
    let mut rest = folded.as_ref();
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(sign) = rest.chars().next() else { break };
        rest = &rest[sign.len_utf8()..];
        let digits = match sign {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => {
                plain.push(unescaped(sign));
                continue;
            }
        };
        let code = rest.get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        plain.extend(code.and_then(char::from_u32));
        rest = rest.get(digits..).unwrap_or_default();
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn unescaped(sign: char) -> char {
    match sign {
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        't' => '\t',
        'n' => '\n',
        'v' => '\x0b',
        'f' => '\x0c',
        'r' => '\r',
        'e' => '\x1b',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        other => other,
    }
}

/// How a block scalar treats the line ends behind its last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chomping {
    /// `-`: none.
    Strip,
    /// One.
    Clip,
    /// `+`: all.
    Keep,
}

/// The chomping that a block scalar's header asks for.
pub(crate) fn chomping(source: &str) -> Chomping {
    let header = source.bytes().skip(1).take_while(|byte| matches!(byte, b'+' | b'-' | b'1'..=b'9'));
    header.fold(Chomping::Clip, |chomping, byte| match byte {
        b'+' => Chomping::Keep,
        b'-' => Chomping::Strip,
        _ => chomping,
    })
}

fn block_scalar(source: &str, event: Event) -> String {
    let folded = event.kind == EventKind::Folded;
    let indent = usize::from(event.indent);
    let Some((_, body)) = source.split_once('\n') else { return String::new() };
    let mut text = String::with_capacity(body.len());
    let mut breaks = 0usize;
    let mut started = false;
    let mut after_indented = false;
    let mut unterminated = false;
    for line in body.split_inclusive('\n') {
        unterminated = !line.ends_with('\n');
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let content = line.get(indent..).unwrap_or_default();
        if content.is_empty() {
            breaks += 1;
            continue;
        }
        let indented = content.starts_with([' ', '\t']);
        if !started {
            text.extend(std::iter::repeat_n('\n', breaks));
        } else if folded && !after_indented && !indented {
            push_breaks(&mut text, breaks);
        } else {
            text.extend(std::iter::repeat_n('\n', breaks));
        }
        text.push_str(content);
        started = true;
        after_indented = indented;
        breaks = 1;
    }
    let ends = if started { breaks - usize::from(unterminated) } else { breaks };
    match chomping(source) {
        Chomping::Clip if started => text.extend(std::iter::repeat_n('\n', ends.min(1))),
        Chomping::Strip | Chomping::Clip => {}
        Chomping::Keep => text.extend(std::iter::repeat_n('\n', ends)),
    }
    text
}
