//! Values as text: block lines, flow collections, scalars that every reader takes for what they are.

use std::fmt::Write as _;

use crate::Value;
use crate::scalar::is_ambiguous;

/// How new block lines are laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockStyle {
    /// Columns that a mapping is deeper than its key.
    pub(crate) step: usize,
    /// Columns that dashes are deeper than their key.
    pub(crate) offset: usize,
    pub(crate) line_break: &'static str,
    pub(crate) quote: char,
}

/// How a new part of a flow collection is laid out.
#[derive(Clone, Debug)]
pub(crate) struct FlowStyle {
    /// JSON: keys and texts in double quotes.
    pub(crate) json: bool,
    /// What stands between a colon and its value, and between a comma and the next entry of the same line.
    pub(crate) colon_gap: &'static str,
    pub(crate) comma_gap: &'static str,
    /// What stands inside the brackets of a collection on one line.
    pub(crate) padding: &'static str,
    /// For collections over several lines.
    pub(crate) lines: Option<FlowLines>,
    pub(crate) quote: char,
}

/// The indentation of flow collections whose entries have lines of their own.
#[derive(Clone, Debug)]
pub(crate) struct FlowLines {
    /// White space in front of the entries.
    pub(crate) indent: String,
    /// What each level adds to it.
    pub(crate) unit: String,
    pub(crate) line_break: &'static str,
}

/// Appends `key: value` at the cursor, which stands at column `indent`; further lines start with a line break.
pub(crate) fn block_entry(out: &mut String, key: &str, value: &Value, indent: usize, style: BlockStyle) {
    out.push_str(&scalar_text(key, style.quote, Context::Block));
    out.push(':');
    block_value(out, value, indent, style);
}

/// Appends what follows the colon of a key at column `indent`.
pub(crate) fn block_value(out: &mut String, value: &Value, indent: usize, style: BlockStyle) {
    match value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                new_line(out, indent + style.step, style.line_break);
                block_entry(out, key, value, indent + style.step, style);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for item in items {
                new_line(out, indent + style.offset, style.line_break);
                block_item(out, item, indent + style.offset, 1, style);
            }
        }
        scalar => {
            out.push(' ');
            out.push_str(&inline(scalar, style.quote));
        }
    }
}

/// Appends `- item` with `gap` blanks behind the dash, which stands at column `indent`.
pub(crate) fn block_item(out: &mut String, item: &Value, indent: usize, gap: usize, style: BlockStyle) {
    out.push('-');
    out.extend(std::iter::repeat_n(' ', gap));
    let column = indent + 1 + gap;
    match item {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (number, (key, value)) in entries.iter().enumerate() {
                if number > 0 {
                    new_line(out, column, style.line_break);
                }
                block_entry(out, key, value, column, style);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    new_line(out, column, style.line_break);
                }
                block_item(out, item, column, 1, style);
            }
        }
        scalar => out.push_str(&inline(scalar, style.quote)),
    }
}

/// Appends a line break and the indentation of the next line.
pub(crate) fn new_line(out: &mut String, indent: usize, line_break: &str) {
    out.push_str(line_break);
    out.extend(std::iter::repeat_n(' ', indent));
}

/// A value that block style writes on its key's line.
fn inline(value: &Value, quote: char) -> String {
    match value {
        Value::Mapping(_) => "{}".to_owned(),
        Value::Sequence(_) => "[]".to_owned(),
        scalar => scalar_value(scalar, quote, Context::Block),
    }
}

/// `key: value` for a flow mapping.
pub(crate) fn flow_entry(key: &str, value: &Value, style: &FlowStyle) -> String {
    let key = scalar_text(key, style.quote, style.context());
    format!("{key}:{}{}", style.colon_gap, flow_value(value, style))
}

/// A value inside a flow collection.
pub(crate) fn flow_value(value: &Value, style: &FlowStyle) -> String {
    let (open, close, entries): (_, _, Vec<String>) = match value {
        Value::Mapping(entries) => {
            let inner = style.deeper();
            ('{', '}', entries.iter().map(|(key, value)| flow_entry(key, value, &inner)).collect())
        }
        Value::Sequence(items) => {
            let inner = style.deeper();
            ('[', ']', items.iter().map(|item| flow_value(item, &inner)).collect())
        }
        scalar => return scalar_value(scalar, style.quote, style.context()),
    };
    if entries.is_empty() {
        return format!("{open}{close}");
    }
    let inside = match &style.lines {
        Some(lines) => {
            flow_inside(&entries, style, &format!("{}{}", lines.indent, lines.unit), &lines.indent)
        }
        None => flow_inside(&entries, style, "", ""),
    };
    format!("{open}{inside}{close}")
}

/// What stands between the brackets of a flow collection: on one line, or each entry behind `indent` on a line
/// of its own and the closing bracket behind `outer`.
pub(crate) fn flow_inside(entries: &[String], style: &FlowStyle, indent: &str, outer: &str) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let Some(lines) = &style.lines else {
        let joined = entries.join(&format!(",{}", style.comma_gap));
        return format!("{}{joined}{}", style.padding, style.padding);
    };
    let line_break = lines.line_break;
    let joined = entries.join(&format!(",{line_break}{indent}"));
    format!("{line_break}{indent}{joined}{line_break}{outer}")
}

impl FlowStyle {
    fn context(&self) -> Context {
        if self.json { Context::Json } else { Context::Flow }
    }

    /// The style one level further in.
    fn deeper(&self) -> Self {
        let lines = self
            .lines
            .as_ref()
            .map(|lines| FlowLines { indent: format!("{}{}", lines.indent, lines.unit), ..lines.clone() });
        Self { lines, ..self.clone() }
    }
}

/// Where a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    Block,
    Flow,
    Json,
}

/// A scalar's text; collections are not expected here and come out empty.
pub(crate) fn scalar_value(value: &Value, quote: char, context: Context) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::String(text) => scalar_text(text, quote, context),
        Value::Sequence(_) => "[]".to_owned(),
        Value::Mapping(_) => "{}".to_owned(),
    }
}

/// Text as a scalar: plain where it can be, quoted where it must be.
pub(crate) fn scalar_text(text: &str, quote: char, context: Context) -> String {
    if context != Context::Json && is_plain_safe(text, context) {
        return text.to_owned();
    }
    quoted(text, if context == Context::Json { '"' } else { quote })
}

/// Quoted text; single quotes give way to double ones where the text needs an escape.
pub(crate) fn quoted(text: &str, quote: char) -> String {
    if quote == '\'' && text.chars().all(is_printable) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    double_quoted(text)
}

fn is_plain_safe(text: &str, context: Context) -> bool {
    const LEADING: &str = "-?:,[]{}#&*!|>'\"%@`";
    let Some(first) = text.chars().next() else { return false };
    let leading_dash = first == '-' && text.len() > 1 && !text.starts_with("- ") && !text.starts_with("---");
    (leading_dash || !LEADING.contains(first))
        && !text.starts_with("...")
        && !text.starts_with(' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_printable)
        && (context == Context::Block || !text.contains([',', '[', ']', '{', '}', '?', ':']))
        && !is_ambiguous(text)
}

/// Characters that stand for themselves in every reader.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            // JSON and YAML both know four hexadecimal digits; no such character needs more.
            c => drop(write!(out, "\\u{:04x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_where_a_reader_would_take_it_for_something_else() {
        for text in [
            "ALL",
            "250m",
            "/tmp",
            "RuntimeDefault",
            "net.ipv4.ip_unprivileged_port_start",
            "a b",
            "-x",
            "1.2.3.x",
        ] {
            assert_eq!(scalar_text(text, '"', Context::Block), text);
        }
        for text in [
            "",
            "yes",
            "n",
            "0",
            "0x1f",
            "1e3",
            "~",
            "null",
            "a: b",
            "a #b",
            "- a",
            "-",
            "---",
            "*a",
            " a",
            "a:",
            "1:30",
            "2020-01-01",
            "<<",
            "1_000",
            ".5",
        ] {
            assert_eq!(scalar_text(text, '"', Context::Block), format!("\"{text}\""));
            assert_eq!(scalar_text(text, '\'', Context::Block), format!("'{text}'"));
        }
        assert_eq!(scalar_text("a\n\u{1}", '\'', Context::Block), "\"a\\n\\u0001\"");
        assert_eq!(scalar_text("it's", '\'', Context::Json), "\"it's\"");
        assert_eq!(scalar_text("a,b", '"', Context::Flow), "\"a,b\"");
    }
}
