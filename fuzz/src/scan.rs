//! The scanner: what it reads is what the independent reader reads, and every place that it tells is one.

use std::collections::HashSet;

use rewriter::{Node, Position, Scalar, Stream};
use serde_yaml::Value as Data;

use crate::case::Case;
use crate::model;
use crate::target::{Features, Tried, law};

/// Tries a case.
pub(crate) fn scan(case: &Case) -> Tried {
    let mut features = Features::default();
    let text = match rewriter::decode(&case.body) {
        Ok(text) => text,
        Err(error) => {
            law(str::from_utf8(&case.body).is_err() || case.body.contains(&0), || {
                format!("text is refused as if it were none: {error}")
            })?;
            if let Some(position) = error.position() {
                law(position.offset <= case.body.len(), || format!("{position:?} is no place"))?;
            }
            features.add("undecodable", "");
            return Ok(features);
        }
    };
    let stream = match Stream::scan(text) {
        Ok(stream) => stream,
        Err(error) => {
            features.add("error", error.message);
            is_place(text, error.position)?;
            return Ok(features);
        }
    };
    law(stream.text() == text, || "the stream holds another text".to_owned())?;
    let mut end = 0;
    for document in stream.documents() {
        let range = document.range();
        law(range.start >= end && range.start <= range.end && range.end <= text.len(), || {
            format!("document {} lies at {range:?}, the one before ends at {end}", document.index())
        })?;
        end = range.end;
        if let Some(refusal) = document.refusal() {
            features.add("refused", &refusal.reason.to_string());
            is_place(text, refusal.position)?;
            continue;
        }
        let Some(root) = document.root() else { continue };
        spans(root, text, 0)?;
        for comment in document.comments(|_| true) {
            is_place(text, comment.position)?;
            law(text[comment.position.offset..].starts_with('#'), || {
                format!("{:?} is no comment", comment.text)
            })?;
        }
        // A directive behind a document belongs to the next one, and to the text of this one.
        if document.text().lines().any(|line| line.starts_with('%')) {
            continue;
        }
        values(document.text(), root, document.duplicate_key().is_some(), &mut features)?;
    }
    Ok(features)
}

fn is_place(text: &str, place: Position) -> Result<(), String> {
    law(place.offset <= text.len() && text.is_char_boundary(place.offset), || {
        format!("{place:?} is within a letter")
    })?;
    law(place == Position::of(text.as_bytes(), place.offset), || format!("{place:?} is no place of the text"))
}

/// Every node lies in the one above it and behind its neighbour.
fn spans(node: Node<'_>, text: &str, depth: usize) -> Result<(), String> {
    let span = node.span();
    law(
        span.start <= span.end
            && span.end <= text.len()
            && text.is_char_boundary(span.start)
            && text.is_char_boundary(span.end),
        || format!("{span:?} is no stretch of the text"),
    )?;
    is_place(text, node.position())?;
    if node.is_alias() || depth > 80 {
        return Ok(());
    }
    let mut end = span.start;
    let entries = node.entries().flat_map(|(key, value)| [key, value]);
    // An alias stands for what lies elsewhere.
    for child in entries.chain(node.items()).filter(|child| !child.is_alias()) {
        let inner = child.span();
        law(inner.start >= end && inner.end <= span.end, || {
            format!("{inner:?} in {span:?} begins before its neighbour's end {end} or ends outside")
        })?;
        end = inner.end;
        spans(child, text, depth + 1)?;
    }
    Ok(())
}

/// What the independent reader says about texts that it does not take and `kubectl`'s does.
const KNOWN: &[&str] = &[
    "duplicate entry",
    "invalid value",
    "recursion limit",
    "repetition limit",
    "unknown escape character",
    // Whole numbers of more than 64 bits.
    "as u128",
    "as i128",
];

fn values(text: &str, root: Node<'_>, duplicate: bool, features: &mut Features) -> Result<(), String> {
    let data = match serde_yaml::from_str::<Data>(text) {
        Ok(data) => data,
        Err(error) => {
            let error = error.to_string();
            features.add("reader", KNOWN.iter().find(|known| error.contains(*known)).unwrap_or(&""));
            return law(KNOWN.iter().any(|known| error.contains(known)), || format!("the reader: {error}"));
        }
    };
    if model::has_anchor_twice(text) {
        return Ok(());
    }
    // Keys that differ in their type alone are the same to `kubectl`.
    law(!duplicate || has_text_twice(&data), || "a key is said to be there twice".to_owned())?;
    same(root, &data, features).map_err(|difference| format!("{difference}; the reader has {data:?}"))
}

fn has_text_twice(value: &Data) -> bool {
    match value {
        Data::Tagged(tagged) => has_text_twice(&tagged.value),
        Data::Sequence(items) => items.iter().any(has_text_twice),
        Data::Mapping(entries) => {
            let mut texts = HashSet::new();
            entries.iter().any(|(key, value)| !texts.insert(text(key)) || has_text_twice(value))
        }
        _ => false,
    }
}

fn text(value: &Data) -> String {
    match value {
        Data::Tagged(tagged) => text(&tagged.value),
        Data::String(text) => text.clone(),
        Data::Null => String::new(),
        other => serde_yaml::to_string(other).unwrap_or_default().trim_end().to_owned(),
    }
}

fn same(ours: Node<'_>, theirs: &Data, features: &mut Features) -> Result<(), String> {
    let theirs = match theirs {
        // To `kubectl` a scalar with a tag that it does not know is text.
        Data::Tagged(_) if matches!(ours.scalar(), Some(Scalar::String(_))) => return Ok(()),
        Data::Tagged(tagged) => &tagged.value,
        other => other,
    };
    let at = || format!("at {} it is another", ours.position());
    match theirs {
        Data::Mapping(entries) => {
            law(ours.is_mapping(), at)?;
            let mut own = ours.entries();
            for (key, value) in entries {
                let (own_key, own_value) = own.next().ok_or_else(at)?;
                same(own_key, key, features)?;
                same(own_value, value, features)?;
            }
            law(own.next().is_none(), at)
        }
        Data::Sequence(items) => {
            law(ours.is_sequence(), at)?;
            let mut own = ours.items();
            for item in items {
                same(own.next().ok_or_else(at)?, item, features)?;
            }
            law(own.next().is_none(), at)
        }
        scalar => {
            let own = ours.scalar().ok_or_else(at)?;
            features.add("scalar", scalar_kind(&own));
            let text = ours.text();
            let is_equal = match &own {
                Scalar::Null => scalar.is_null(),
                Scalar::Bool(value) => scalar.as_bool() == Some(*value),
                Scalar::Integer(value) => scalar.as_i64() == Some(*value),
                Scalar::Float(value) => scalar.as_f64().is_some_and(|other| {
                    other.to_bits() == value.to_bits() || other.is_nan() && value.is_nan()
                }),
                Scalar::String(text) => scalar.as_str() == Some(text),
            };
            law(is_equal || scalar.as_str() == Some(&text) && is_of_yaml_1_1(&text), || {
                format!("{} {own:?} is {scalar:?}", at())
            })
        }
    }
}

fn scalar_kind(scalar: &Scalar<'_>) -> &'static str {
    match scalar {
        Scalar::Null => "null",
        Scalar::Bool(_) => "bool",
        Scalar::Integer(_) => "integer",
        Scalar::Float(_) => "float",
        Scalar::String(_) => "string",
    }
}

/// Plain text that is something else to `kubectl`'s reader than to one of YAML 1.2.
fn is_of_yaml_1_1(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    ["y", "n", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str())
        || digits.starts_with('0') && digits.bytes().all(|digit| digit.is_ascii_digit() || digit == b'_')
        || text.contains('_')
        || ["0X", "0B", "0O"].iter().any(|sign| text.contains(sign))
}
