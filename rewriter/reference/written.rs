//! Documents written from data, in every layout that the writer knows: what was written is what is read.

use proptest::prelude::*;

use super::generated::effort;
use super::mutate::Random;
use super::*;
use crate::{Node, Scalar};

#[derive(Clone, Debug)]
enum Data {
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Data {
    /// Whether it may be written with lines in which a comment would be text.
    fn may_end_in_block_text(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::List(items) => items.last().is_some_and(Self::may_end_in_block_text),
            Self::Map(entries) => entries.last().is_some_and(|(_, value)| value.may_end_in_block_text()),
            _ => false,
        }
    }
}

fn data() -> impl Strategy<Value = Data> {
    let text = prop_oneof![
        3 => "[a-z]{1,6}( [a-z]{1,6}){0,4}\n?",
        2 => "[ -~]{0,12}",
        2 => "([ a-z#:'\"\t\\\\-]{0,8}\n){0,4}[a-z]{0,3}\n{0,2}",
        1 => any::<String>(),
        1 => "[\\x00-\\x1f\\x7f\u{80}\u{85}\u{a0}\u{2028}\u{feff}\u{ffff}é日😀]{0,5}",
    ];
    let leaf = prop_oneof![
        1 => Just(Data::Null),
        1 => any::<bool>().prop_map(Data::Bool),
        1 => any::<i64>().prop_map(Data::Integer),
        5 => text.prop_map(Data::Text),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let key = prop_oneof![4 => "[a-z]{1,8}", 1 => "[ -~]{0,6}", 1 => "[é:#'\"\n-]{1,4}"];
        let entries = prop::collection::btree_map(key, inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Data::List),
            entries.prop_map(|entries| Data::Map(entries.into_iter().collect())),
        ]
    })
}

/// Lays data out as chance decides.
struct Writer(Random);

impl Writer {
    fn chance(&mut self, of: usize) -> bool {
        self.0.below(of) == 0
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        self.0.pick(from)
    }

    fn document(&mut self, data: &Data) -> String {
        let mut text = String::from(self.pick(&["", "", "# first\n", "---\n", "\n", "\u{feff}"]));
        let value = self.value(data, -1, false);
        // A block collection starts on a line of its own; nothing stands in front of it here.
        match value.split_once('\n') {
            Some((first, rest)) if first.trim_start().is_empty() || first.trim_start().starts_with('#') => {
                text.push_str(rest);
            }
            _ => text.push_str(value.trim_start()),
        }
        if !data.may_end_in_block_text() {
            if self.chance(4) {
                text.truncate(text.trim_end_matches('\n').len());
            } else {
                text.push_str(self.pick(&["", "", "\n\n", "# last", "...\n"]));
            }
        }
        if self.chance(4) { text.replace('\n', "\r\n") } else { text }
    }

    /// What stands behind the colon or dash of a collection at column `parent`, to the end of its last line.
    fn value(&mut self, data: &Data, parent: isize, under_key: bool) -> String {
        let column = usize::try_from(parent + 1).unwrap() + self.0.below(3);
        match data {
            Data::List(items) if !items.is_empty() && !self.chance(4) => {
                let column = if under_key && self.chance(2) { column_of(parent) } else { column };
                format!("{}\n{}", self.comment(under_key), self.list(items, column))
            }
            Data::Map(entries) if !entries.is_empty() && !self.chance(4) => {
                format!("{}\n{}", self.comment(under_key), self.map(entries, column))
            }
            Data::Text(text) if self.chance(2) && can_be_literal(text) => self.block_text(text, parent),
            Data::Null if parent >= 0 && self.chance(2) => format!("{}\n", self.comment(under_key)),
            Data::List(_) | Data::Map(_) => format!(" {}{}\n", self.flow(data), self.comment(true)),
            scalar => format!(" {}{}\n", self.scalar(scalar, column.max(1)), self.comment(true)),
        }
    }

    fn list(&mut self, items: &[Data], column: usize) -> String {
        let mut text = String::new();
        for (number, item) in items.iter().enumerate() {
            let behind_text = number > 0 && items[number - 1].may_end_in_block_text();
            text.push_str(&self.noise(behind_text));
            text.push_str(&" ".repeat(column));
            text.push('-');
            let deeper = column + 2 + self.0.below(3);
            let compact = match item {
                Data::List(items) if !items.is_empty() && self.chance(2) => self.list(items, deeper),
                Data::Map(entries) if !entries.is_empty() && !self.chance(3) => self.map(entries, deeper),
                _ => String::new(),
            };
            if compact.starts_with(&" ".repeat(deeper)) {
                text.push_str(&compact[column + 1..]);
            } else {
                text.push_str(&self.value(item, isize::try_from(column).unwrap(), false));
            }
        }
        text
    }

    fn map(&mut self, entries: &[(String, Data)], column: usize) -> String {
        let mut text = String::new();
        for (number, (key, value)) in entries.iter().enumerate() {
            let behind_text = number > 0 && entries[number - 1].1.may_end_in_block_text();
            text.push_str(&self.noise(behind_text));
            text.push_str(&" ".repeat(column));
            text.push_str(&self.key(key));
            text.push_str(self.pick(&[":", ":", ":", " :"]));
            text.push_str(&self.value(value, isize::try_from(column).unwrap(), true));
        }
        text
    }

    /// Lines that say nothing, where they cannot be the text of what is in front of them.
    fn noise(&mut self, behind_text: bool) -> String {
        if behind_text || !self.chance(5) {
            return String::new();
        }
        self.pick(&["\n", "# col 0\n", "      # deep\n", "   \n", "\n\n# x\n\n"]).to_owned()
    }

    /// What may follow a value on its line; a dash alone takes no tab.
    fn comment(&mut self, with_tabs: bool) -> &'static str {
        self.pick(&["", "", "", "", " ", " # c", if with_tabs { "\t# - c: d" } else { "   # c" }])
    }

    fn key(&mut self, key: &str) -> String {
        if is_words(key) && !self.chance(5) { key.to_owned() } else { self.quoted(key, None) }
    }

    /// A scalar in one of its forms; further lines of it start at `column`.
    fn scalar(&mut self, data: &Data, column: usize) -> String {
        match data {
            Data::Null => self.pick(&["~", "null", "Null"]).to_owned(),
            Data::Bool(true) => self.pick(&["true", "True", "yes", "On"]).to_owned(),
            Data::Bool(false) => self.pick(&["false", "FALSE", "no", "off"]).to_owned(),
            Data::Integer(number) if *number >= 0 && self.chance(3) => format!("{number:#x}"),
            Data::Integer(number) => number.to_string(),
            Data::Text(text) if is_words(text) && !self.chance(3) => self.broken_at_blanks(text, column),
            Data::Text(text) => self.quoted(text, Some(column)),
            Data::List(_) | Data::Map(_) => unreachable!("not a scalar"),
        }
    }

    /// Words with line ends in place of some blanks.
    fn broken_at_blanks(&mut self, words: &str, column: usize) -> String {
        let break_line = format!("\n{}", " ".repeat(column));
        words
            .split_inclusive(' ')
            .map(|word| match word.strip_suffix(' ') {
                Some(word) if self.chance(3) => format!("{word}{break_line}"),
                _ => word.to_owned(),
            })
            .collect()
    }

    fn quoted(&mut self, text: &str, column: Option<usize>) -> String {
        if text.chars().all(is_printable) && self.chance(2) {
            return format!("'{}'", text.replace('\'', "''"));
        }
        let mut quoted = String::from("\"");
        for c in text.chars() {
            if let Some(column) = column
                && c.is_ascii_alphanumeric()
                && self.chance(20)
            {
                quoted.push_str("\\\n");
                quoted.push_str(&" ".repeat(column));
            }
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                '\n' => quoted.push_str("\\n"),
                c if is_printable(c) && !self.chance(20) => quoted.push(c),
                c => quoted.push_str(&escape(c)),
            }
        }
        quoted.push('"');
        quoted
    }

    /// `|` or `>` and its lines, below a collection at column `parent`.
    fn block_text(&mut self, text: &str, parent: isize) -> String {
        let deeper = self.0.below(4) + 1;
        let indent = column_of(parent) + deeper;
        let ends = text.len() - text.trim_end_matches('\n').len();
        let chomping = ["-", "", "+"][ends.min(2)];
        let blank_first = text.trim_start_matches('\n').starts_with([' ', '\t']);
        let indicator = if blank_first || self.chance(6) { deeper.to_string() } else { String::new() };
        let signs = if self.chance(2) { chomping.to_owned() + &indicator } else { indicator + chomping };
        let words = is_words(text.trim_end_matches('\n')) && self.chance(2);
        let (sign, body) = if words {
            let words = self.broken_at_blanks(text.trim_end_matches('\n'), 0);
            (">", words + &"\n".repeat(ends))
        } else {
            ("|", text.to_owned())
        };
        let mut written = format!(" {sign}{signs}{}\n", self.comment(true));
        for line in body.strip_suffix('\n').unwrap_or(&body).split('\n') {
            if !line.is_empty() {
                written.push_str(&" ".repeat(indent));
                written.push_str(line);
            }
            written.push('\n');
        }
        written
    }

    fn flow(&mut self, data: &Data) -> String {
        match data {
            Data::List(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| match item {
                        Data::Map(entries) if entries.len() == 1 && self.chance(2) => {
                            self.flow_entry(&entries[0])
                        }
                        item => self.flow(item),
                    })
                    .collect();
                self.flow_parts('[', &items, ']')
            }
            Data::Map(entries) => {
                let entries: Vec<String> = entries.iter().map(|entry| self.flow_entry(entry)).collect();
                self.flow_parts('{', &entries, '}')
            }
            scalar => self.scalar(scalar, 1),
        }
    }

    fn flow_entry(&mut self, (key, value): &(String, Data)) -> String {
        let key = self.key(key);
        let value =
            if matches!(value, Data::Null) && self.chance(2) { String::new() } else { self.flow(value) };
        let tight = key.ends_with(['"', '\'']) && !value.is_empty() && self.chance(2);
        format!("{key}:{}{value}", if tight { "" } else { " " })
    }

    fn flow_parts(&mut self, open: char, parts: &[String], close: char) -> String {
        let mut text = String::from(open);
        for (number, part) in parts.iter().enumerate() {
            text.push_str(self.flow_blank());
            text.push_str(part);
            if number + 1 < parts.len() || self.chance(4) {
                text.push_str(self.flow_blank());
                text.push(',');
            }
        }
        text.push_str(self.flow_blank());
        text.push(close);
        text
    }

    fn flow_blank(&mut self) -> &'static str {
        self.pick(&["", "", "", " ", " ", "\n ", "\t", " # [ c\n   ", "\n\n   "])
    }
}

fn escape(c: char) -> String {
    match c as u32 {
        code @ ..0x100 => format!("\\x{code:02x}"),
        code @ ..0x1_0000 => format!("\\u{code:04X}"),
        code => format!("\\U{code:08x}"),
    }
}

fn column_of(parent: isize) -> usize {
    usize::try_from(parent).unwrap_or_default()
}

/// Whether the text can stand without quotes, in one line or in several.
fn is_words(text: &str) -> bool {
    let special = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    !special.contains(&text) && text.split(' ').all(is_word)
}

fn can_be_literal(text: &str) -> bool {
    text.contains(|c| c != '\n') && text.chars().all(|c| is_printable(c) || c == '\n')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\t' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether the read view shows the data.
fn shows(node: Node<'_>, data: &Data) -> bool {
    match data {
        Data::Null => node.is_null(),
        Data::Bool(value) => node.as_bool() == Some(*value),
        Data::Integer(value) => node.as_integer() == Some(*value),
        Data::Text(text) => node.scalar() == Some(Scalar::String(text.into())) && node.is_text(text),
        Data::List(items) => {
            node.is_sequence()
                && node.items().count() == items.len()
                && node.items().zip(items).all(|(node, item)| shows(node, item))
        }
        Data::Map(entries) => {
            node.is_mapping()
                && node.entries().count() == entries.len()
                && node.entries().zip(entries).all(|((key, value), (name, data))| {
                    key.is_text(name)
                        && shows(value, data)
                        && node.entry(name).is_some_and(|node| shows(node, data))
                })
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(
        u32::try_from(500 * effort()).unwrap()
    ) })]

    #[test]
    fn what_was_written_is_what_is_read(data in data(), layout in any::<u64>()) {
        let text = Writer(Random(layout)).document(&data);
        let verdict = compare(&text);
        prop_assert!(matches!(verdict, Verdict::Same | Verdict::NoOpinion), "{text:?}\n{verdict:?}");
        let stream = Stream::scan(&text).unwrap();
        let root = stream.document(0).and_then(|document| document.root());
        prop_assert!(root.is_some_and(|root| shows(root, &data)), "{text:?}");
    }
}
