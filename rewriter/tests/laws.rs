//! The laws of editing, on real files and on generated ones, with another reader of YAML as the judge.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test that cannot go on has failed")]

use std::path::{Path as FilePath, PathBuf};

use rewriter::{Edit, Kind, Node, Path, Step, Stream, Value, apply, place};

/// A small generator of numbers, so that every run tries the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// Every path of a document with the kind of its value; what stands behind an alias is not entered.
fn paths(node: Node<'_>, path: &Path, found: &mut Vec<(Path, Kind)>, depth: usize) {
    found.push((path.clone(), node.kind()));
    if node.is_alias() || depth > 60 {
        return;
    }
    // The judge reads other keys than text by other rules.
    for (key, value) in node.entries().filter(|(key, _)| key.as_str().is_some()) {
        paths(value, &path.key(key.text().into_owned()), found, depth + 1);
    }
    for (index, item) in node.items().enumerate() {
        paths(item, &path.index(index), found, depth + 1);
    }
}

fn to_yaml(value: &Value) -> serde_yaml::Value {
    match value {
        Value::Null => serde_yaml::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::String(text) => text.clone().into(),
        Value::Sequence(items) => serde_yaml::Value::Sequence(items.iter().map(to_yaml).collect()),
        Value::Mapping(entries) => serde_yaml::Value::Mapping(
            entries.iter().map(|(key, value)| (key.clone().into(), to_yaml(value))).collect(),
        ),
    }
}

/// The edit on data, done by the book.
fn edit_model(root: &mut serde_yaml::Value, edit: &Edit) {
    let (above, last) = edit.path().split_last().unwrap();
    let mut at = root;
    let descend = |at: &mut serde_yaml::Value| {
        if at.is_null() {
            *at = serde_yaml::Value::Mapping(serde_yaml::Mapping::new());
        }
    };
    for step in above.steps() {
        descend(at);
        at = match step {
            Step::Key(key) => {
                at.as_mapping_mut().unwrap().entry(key.as_ref().into()).or_insert(serde_yaml::Value::Null)
            }
            Step::Index(index) => &mut at[*index],
        };
    }
    descend(at);
    match (edit, last) {
        (Edit::Set { value, .. }, Step::Key(key)) => {
            at.as_mapping_mut().unwrap().insert(key.as_ref().into(), to_yaml(value));
        }
        (Edit::Set { value, .. }, Step::Index(index)) => at[*index] = to_yaml(value),
        (Edit::Append { value, .. }, _) => {
            let items = match last {
                Step::Key(key) => {
                    at.as_mapping_mut().unwrap().entry(key.as_ref().into()).or_insert(serde_yaml::Value::Null)
                }
                Step::Index(index) => &mut at[*index],
            };
            if items.is_null() {
                *items = serde_yaml::Value::Sequence(Vec::new());
            }
            items.as_sequence_mut().unwrap().push(to_yaml(value));
        }
        (Edit::Remove { .. }, Step::Key(key)) => {
            at.as_mapping_mut().unwrap().shift_remove(key.as_ref());
        }
        (Edit::Remove { .. }, Step::Index(index)) => {
            at.as_sequence_mut().unwrap().remove(*index);
        }
    }
}

fn fragment() -> Value {
    let list = Value::Sequence(vec![
        "ALL".into(),
        Value::Mapping(vec![("name".into(), "x".into()), ("no".into(), Value::Null)]),
    ]);
    Value::Mapping(vec![("drop".into(), list), ("user".into(), 0.into()), ("text".into(), "0".into())])
}

/// Edits of every kind, spread over the document.
fn some_edits(found: &[(Path, Kind)], random: &mut Random, most: usize) -> Vec<Edit> {
    let mut edits = Vec::new();
    for _ in 0..most {
        let (path, kind) = &found[random.below(found.len())];
        edits.push(match (kind, random.below(3)) {
            (_, 0) if !path.steps().is_empty() => Edit::remove(path.clone(), None),
            (Kind::Mapping, 1) => Edit::set(path.keys(["cceFixNew", "inner"]), fragment()),
            (Kind::Mapping, _) => Edit::set(path.key("cceFixNew"), true),
            (_, _) if path.steps().is_empty() && *kind != Kind::Mapping => continue,
            (Kind::Sequence, 1) => Edit::append(path.clone(), "item"),
            (Kind::Sequence, _) => Edit::append(path.clone(), fragment()),
            (Kind::Scalar, _) if path.steps().is_empty() => continue,
            (Kind::Scalar, 1) => Edit::set(path.clone(), "text, new"),
            (Kind::Scalar, _) => Edit::set(path.clone(), 7),
        });
    }
    edits
}

#[derive(Default, Debug)]
struct Tally {
    files: usize,
    documents: usize,
    edits: usize,
    blocked: usize,
}

fn read(text: &str) -> Option<serde_yaml::Value> {
    serde_yaml::from_str(text).ok()
}

/// Tries single edits of a text, and all that can be placed together.
fn try_edits(name: &str, text: &str, random: &mut Random, tally: &mut Tally) {
    let Ok(stream) = Stream::scan(text) else { return };
    assert_eq!(apply(&stream, &[]).text, text, "{name}: no edit changed the text");
    tally.files += 1;
    for document in stream.documents() {
        let Some(root) = document.root() else { continue };
        let Some(before) = read(document.text()) else { continue };
        let mut found = Vec::new();
        paths(root, &Path::root(), &mut found, 0);
        tally.documents += 1;
        for edit in some_edits(&found, random, 24) {
            tally.edits += 1;
            if place(document, &[std::slice::from_ref(&edit)])[0].is_err() {
                tally.blocked += 1;
                continue;
            }
            let applied = apply(&stream, &[(document.index(), vec![&edit])]);
            assert_eq!(applied.failures, [], "{name}: {edit:?}");
            let new = Stream::scan(&applied.text).unwrap();
            let after = read(new.document(document.index()).unwrap().text());
            let mut wanted = before.clone();
            edit_model(&mut wanted, &edit);
            assert!(after.as_ref() == Some(&wanted), "{name}: {edit:?}\nwanted {wanted:?}\ngot {after:?}");
            check_lines(name, text, &applied.text, &edit);
        }
    }
}

/// Only lines near the edit differ: what comes before and behind is the same, and what was taken out is no
/// longer than what the edit names.
fn check_lines(name: &str, before: &str, after: &str, edit: &Edit) {
    let old: Vec<&str> = before.split('\n').collect();
    let new: Vec<&str> = after.split('\n').collect();
    let front = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let back =
        old[front..].iter().rev().zip(new[front..].iter().rev()).take_while(|(old, new)| old == new).count();
    let changed = old.len() - front - back;
    // An added entry changes at most the last line of a flow collection and the line before it, or the one
    // line that holds an empty value.
    if matches!(edit, Edit::Append { .. })
        || matches!(edit, Edit::Set { path, .. } if path.to_string().contains("cceFixNew"))
    {
        assert!(changed <= 2, "{name}: {edit:?} changed {changed} lines");
    }
}

fn corpus() -> Option<PathBuf> {
    let path = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    path.is_dir().then_some(path)
}

fn files(folder: &FilePath, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|ext| ["yaml", "yml", "json"].iter().any(|known| ext == *known))
        {
            found.push(path);
        }
    }
}

#[test]
fn edits_of_real_files_change_the_declared_data_alone() {
    let Some(corpus) = corpus() else {
        println!("no corpus beside the repository: nothing tried");
        return;
    };
    let mut found = Vec::new();
    files(&corpus, &mut found);
    let (mut random, mut tally) = (Random(1), Tally::default());
    for path in found {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(text) = rewriter::decode(&bytes) else { continue };
        if text.len() < 200_000 {
            try_edits(&path.display().to_string(), text, &mut random, &mut tally);
        }
    }
    println!("{tally:?}");
    assert!(tally.edits > 50_000 && tally.blocked * 20 < tally.edits, "{tally:?}");
}
