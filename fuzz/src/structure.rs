//! Changes of a text that is YAML, which leave it YAML more often than not: other styles for the same data, anchors
//! and aliases, entries doubled, moved and taken out.

use std::ops::Range;

use rewriter::{Kind, Node, Stream};

use crate::random::Random;

/// Texts for scalars.
const SCALARS: &[&str] = &[
    "0",
    "1",
    "true",
    "false",
    "null",
    "~",
    "\"\"",
    "''",
    "'0'",
    "\"true\"",
    "yes",
    "0755",
    "0o755",
    "1e3",
    "1_000",
    "0x10",
    ".nan",
    "-0",
    "100m",
    "1Gi",
    "text",
    "\"a # b\"",
    "'it''s'",
    "\"\\u0041\\n\"",
    "|\n  a\n  # b\n",
    ">-\n  a\n\n  b\n",
    "!!str 1",
    "!!int '1'",
    "!x y",
    "{}",
    "[]",
    "[a, b]",
    "{a: 1}",
    "nginx",
    "/var/run/docker.sock",
    "ALL",
    "NET_ADMIN",
    "Unconfined",
    "$(A)",
    "*a",
    "&a x",
];

struct Place {
    span: Range<usize>,
    kind: Kind,
    /// The key before it, where it is a value.
    key: Option<Range<usize>>,
}

fn places(node: Node<'_>, key: Option<Range<usize>>, found: &mut Vec<Place>, depth: usize) {
    found.push(Place { span: node.span(), kind: node.kind(), key });
    if node.is_alias() || depth > 40 || found.len() > 2_000 {
        return;
    }
    for (key, value) in node.entries() {
        places(value, Some(key.span()), found, depth + 1);
    }
    for item in node.items() {
        places(item, None, found, depth + 1);
    }
}

/// One change, if the text is YAML.
pub(crate) fn change(text: &mut String, random: &mut Random) {
    let mut found = Vec::new();
    let mut flow = None;
    if let Ok(stream) = Stream::scan(text) {
        let documents = stream.documents().len();
        if documents == 0 {
            return;
        }
        let Some(root) = stream.document(random.below(documents)).and_then(|document| document.root()) else {
            return;
        };
        places(root, None, &mut found, 0);
        if random.one_in(4) {
            flow = in_flow(root, &mut found, random);
        }
    }
    if let Some((span, new)) = flow {
        text.replace_range(span, &new);
        return;
    }
    if found.is_empty() {
        return;
    }
    let place = &found[random.below(found.len())];
    let other = &found[random.below(found.len())];
    match random.below(9) {
        0 => with_anchor(text, place, other, random),
        1 | 2 => {
            let scalars: Vec<&Place> = found.iter().filter(|place| place.kind == Kind::Scalar).collect();
            if !scalars.is_empty() {
                let span = random.pick(&scalars).span.clone();
                text.replace_range(span, random.pick(SCALARS));
            }
        }
        3 => {
            let copied = text[other.span.clone()].to_owned();
            text.replace_range(place.span.clone(), &copied);
        }
        4 => {
            // The entry goes, or its value.
            let start =
                place.key.as_ref().filter(|_| random.one_in(2)).map_or(place.span.start, |key| key.start);
            text.replace_range(start..place.span.end.max(start), "");
        }
        5 => {
            if let Some(key) = &place.key {
                // The entry twice.
                let column = key.start - text[..key.start].rfind('\n').map_or(0, |at| at + 1);
                let entry = text[key.start..place.span.end.max(key.start)].trim_end().to_owned();
                text.insert_str(key.start, &format!("{entry}\n{}", " ".repeat(column)));
            }
        }
        6 => {
            if let Some(key) = &place.key {
                let quote = random.pick(&['"', '\'']);
                text.insert(key.end, quote);
                text.insert(key.start, quote);
            }
        }
        7 => {
            if let Some(key) = &place.key {
                text.insert_str(key.start, random.pick(&["? ", "&k ", "!!str ", "- "]));
            }
        }
        _ => {
            if place.kind == Kind::Scalar && !text[place.span.clone()].contains(['\'', '"', '\n']) {
                let quote = random.pick(&['"', '\'']);
                text.insert(place.span.end, quote);
                text.insert(place.span.start, quote);
            }
        }
    }
}

/// An anchor at one place and its alias at the other.
fn with_anchor(text: &mut String, place: &Place, other: &Place, random: &mut Random) {
    let (first, later) = if place.span.start <= other.span.start { (place, other) } else { (other, place) };
    let name = random.pick(&["a", "b", "c"]);
    if later.span.start >= first.span.end {
        match (later.kind, random.one_in(2)) {
            (Kind::Mapping, true) => {
                let column = later.span.start - text[..later.span.start].rfind('\n').map_or(0, |at| at + 1);
                let merge = if text[later.span.clone()].starts_with('{') {
                    None
                } else {
                    Some(format!("<<: *{name}\n{}", " ".repeat(column)))
                };
                match merge {
                    Some(merge) => text.insert_str(later.span.start, &merge),
                    None => text.insert_str(later.span.start + 1, &format!("<<: *{name}, ")),
                }
            }
            _ => text.replace_range(later.span.clone(), &format!("*{name}")),
        }
    }
    // A block collection has its anchor at the end of the line before it.
    let start = first.span.start;
    let is_block = !text[start..].starts_with(['{', '[', '"', '\'']) && first.kind != Kind::Scalar;
    match text[..start].rfind('\n').filter(|at| is_block && text[*at..start].trim().is_empty()) {
        Some(line_end) => text.insert_str(line_end, &format!(" &{name}")),
        None => text.insert_str(start, &format!("&{name} ")),
    }
}

/// A collection of `root` in flow style.
fn in_flow(root: Node<'_>, found: &mut [Place], random: &mut Random) -> Option<(Range<usize>, String)> {
    let mut nodes = vec![root];
    let mut collections = Vec::new();
    while let Some(node) = nodes.pop() {
        if collections.len() > found.len() {
            break;
        }
        if node.is_alias() || node.kind() == Kind::Scalar {
            continue;
        }
        nodes.extend(node.entries().map(|(_, value)| value));
        nodes.extend(node.items());
        collections.push(node);
    }
    if collections.is_empty() {
        return None;
    }
    let node = random.pick(&collections);
    let style = Style { json: random.one_in(3), lines: random.one_in(3), pad: random.one_in(2) };
    let mut new = String::new();
    write(&mut new, node, &style, 0);
    let source = node.source();
    let end = if source.ends_with('\n') { "\n" } else { "" };
    Some((node.span(), new + end))
}

struct Style {
    json: bool,
    lines: bool,
    pad: bool,
}

fn write(out: &mut String, node: Node<'_>, style: &Style, depth: usize) {
    let gap = |out: &mut String, depth: usize| {
        if style.lines {
            out.push('\n');
            out.push_str(&"  ".repeat(depth + 4));
        } else if style.pad {
            out.push(' ');
        }
    };
    match node.kind() {
        Kind::Mapping if depth < 40 => {
            out.push('{');
            for (number, (key, value)) in node.entries().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                gap(out, depth);
                write(out, key, style, depth + 1);
                out.push_str(": ");
                write(out, value, style, depth + 1);
            }
            gap(out, depth);
            out.push('}');
        }
        Kind::Sequence if depth < 40 => {
            out.push('[');
            for (number, item) in node.items().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                gap(out, depth);
                write(out, item, style, depth + 1);
            }
            out.push(']');
        }
        _ => {
            let text = node.text();
            let is_word = !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
            if node.as_str().is_none() || is_word && !style.json && !text.starts_with(['-', '.']) {
                out.push_str(if text.is_empty() { "null" } else { &text });
            } else {
                out.push('"');
                for letter in text.chars() {
                    match letter {
                        '"' | '\\' => out.extend(['\\', letter]),
                        '\n' => out.push_str("\\n"),
                        '\t' => out.push_str("\\t"),
                        _ => out.push(letter),
                    }
                }
                out.push('"');
            }
        }
    }
}
