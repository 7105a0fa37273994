//! The read view held against what `serde_yaml` reads: whole documents as data, types included.
//!
//! `serde_yaml` has the types of YAML 1.2, we have those of `kubectl`'s reader; [`YAML_1_1`] lists where the two
//! differ.

use std::collections::{BTreeMap, HashSet};

use serde_yaml::Value as Theirs;

use super::*;
use crate::{Document, Node, Scalar};

type IsKind = fn(&str) -> bool;

/// The kinds of plain text of which the two readers make different things, and whether a text is of that kind.
const YAML_1_1: &[(&str, IsKind)] = &[
    ("a truth value of YAML 1.1 is text", |text| {
        ["y", "n", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str())
    }),
    ("an octal number with a leading zero is text", |text| {
        let digits = text.trim_start_matches(['+', '-']);
        digits.starts_with('0') && digits.bytes().all(|digit| digit.is_ascii_digit() || digit == b'_')
    }),
    ("a number with underscores is text", |text| text.contains('_')),
    ("the sign of a radix in upper case is text", |text| {
        text.contains("0X") || text.contains("0B") || text.contains("0O")
    }),
];

/// What a document's data differ in, by kind; an error where the difference is none of the known.
pub(super) fn differences(
    document: Document<'_>,
    counts: &mut BTreeMap<&'static str, usize>,
) -> Result<(), String> {
    let theirs = match serde_yaml::from_str::<Theirs>(document.text()) {
        Ok(theirs) => theirs,
        Err(error) => {
            let error = error.to_string();
            let kind = known_error(document, &error).ok_or(error)?;
            *counts.entry(kind).or_default() += 1;
            return Ok(());
        }
    };
    let Some(root) = document.root() else { return Ok(()) };
    if has_anchor_twice(document) {
        // `serde_yaml` may then take another anchor's node for that of an alias.
        *counts.entry("an anchor twice").or_default() += 1;
        return Ok(());
    }
    if document.duplicate_key().is_some() {
        if !has_text_twice(&theirs) {
            return Err("we find a key twice, they do not".to_owned());
        }
        *counts.entry("keys that differ in their type alone").or_default() += 1;
    }
    same(root, &theirs, counts).map_err(|path| format!("{path} of {theirs:?}"))
}

/// Whether some mapping has two keys with the same text, of different types.
fn has_text_twice(value: &Theirs) -> bool {
    match value {
        Theirs::Tagged(tagged) => has_text_twice(&tagged.value),
        Theirs::Sequence(items) => items.iter().any(has_text_twice),
        Theirs::Mapping(entries) => {
            let mut texts = HashSet::new();
            entries.iter().any(|(key, value)| !texts.insert(text(key)) || has_text_twice(value))
        }
        _ => false,
    }
}

fn text(value: &Theirs) -> String {
    match value {
        Theirs::Tagged(tagged) => text(&tagged.value),
        Theirs::String(text) => text.clone(),
        Theirs::Null => String::new(),
        other => serde_yaml::to_string(other).unwrap().trim_end().to_owned(),
    }
}

fn has_anchor_twice(document: Document<'_>) -> bool {
    let stream = document.stream;
    let events = stream.events[document.events()].iter();
    let mut names = HashSet::new();
    events
        .filter(|event| event.kind == EventKind::Anchor)
        .any(|event| !names.insert(&stream.text[event.start as usize..event.end as usize]))
}

fn known_error(document: Document<'_>, error: &str) -> Option<&'static str> {
    let kinds = [
        ("duplicate entry with key \"<<\"", "a merge key twice"),
        ("duplicate entry with key \"", "a key twice"),
        ("duplicate entry", "one value as a key twice, written in two ways: `1` and `0x1`"),
        ("invalid value", "a tag that the value does not fit"),
        ("recursion limit", "nesting of more than 128 levels"),
        ("repetition limit", "aliases that expand a hundredfold"),
    ];
    let (_, kind) = kinds.into_iter().find(|(words, _)| error.contains(words))?;
    // What an alias as a key stands for is not looked at.
    let found = kind != "a key twice" || document.duplicate_key().is_some() || document.has_aliases();
    found.then_some(kind)
}

fn same(ours: Node<'_>, theirs: &Theirs, counts: &mut BTreeMap<&'static str, usize>) -> Result<(), String> {
    let theirs = match theirs {
        // To `kubectl` a scalar with a tag that it does not know is text.
        Theirs::Tagged(_) if matches!(ours.scalar(), Some(Scalar::String(_))) => {
            *counts.entry("a scalar with a tag of its own").or_default() += 1;
            return Ok(());
        }
        Theirs::Tagged(tagged) => &tagged.value,
        other => other,
    };
    let at = || format!("at {}", ours.position());
    match theirs {
        Theirs::Mapping(entries) if ours.is_mapping() => {
            let mut own = ours.entries();
            for (key, value) in entries {
                let (own_key, own_value) = own.next().ok_or_else(at)?;
                same(own_key, key, counts)?;
                same(own_value, value, counts)?;
            }
            own.next().map_or(Ok(()), |_| Err(at()))
        }
        Theirs::Sequence(items) if ours.is_sequence() => {
            let mut own = ours.items();
            for item in items {
                same(own.next().ok_or_else(at)?, item, counts)?;
            }
            own.next().map_or(Ok(()), |_| Err(at()))
        }
        Theirs::Mapping(_) | Theirs::Sequence(_) => Err(at()),
        scalar => {
            let own = ours.scalar().ok_or_else(at)?;
            if is_equal(&own, scalar) {
                return Ok(());
            }
            let text = ours.text();
            let kind = YAML_1_1.iter().find(|(_, is_kind)| scalar.as_str() == Some(&text) && is_kind(&text));
            let (kind, _) = kind.ok_or_else(|| format!("{} {own:?} {scalar:?}", at()))?;
            *counts.entry(kind).or_default() += 1;
            Ok(())
        }
    }
}

fn is_equal(ours: &Scalar<'_>, theirs: &Theirs) -> bool {
    match ours {
        Scalar::Null => theirs.is_null(),
        Scalar::Bool(value) => theirs.as_bool() == Some(*value),
        Scalar::Integer(value) => theirs.as_i64() == Some(*value),
        Scalar::Float(value) => theirs
            .as_f64()
            .is_some_and(|other| other.to_bits() == value.to_bits() || other.is_nan() && value.is_nan()),
        Scalar::String(text) => theirs.as_str() == Some(text),
    }
}

#[test]
fn real_files_hold_the_values_that_serde_yaml_reads() {
    let Some(corpus) = corpus::folder() else { return };
    let mut counts = BTreeMap::new();
    let mut documents = 0;
    for (path, text) in corpus::texts(&corpus) {
        let Ok(stream) = Stream::scan(&text) else { continue };
        for document in stream.documents().filter(|document| document.refusal().is_none()) {
            documents += 1;
            if let Err(difference) = differences(document, &mut counts) {
                panic!("{path}, document {}: {difference}", document.index());
            }
        }
    }
    println!("{documents} documents: {counts:?}");
    assert!(documents > 3000 && counts.values().sum::<usize>() < 50, "{counts:?}");
}
