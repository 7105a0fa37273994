//! The edit operations: what was declared changes, as data, and nothing else does.

use std::collections::HashSet;

use rewriter::{Edit, Kind, Node, Path, Step, Stream, Value, apply, place};

use crate::case::Case;
use crate::model;
use crate::random::Random;
use crate::target::{Features, Tried, law};

/// Tries edits made from the case's number on its text, each alone and those that can be placed together.
pub(crate) fn edit(case: &Case) -> Tried {
    let mut features = Features::default();
    let Some(text) = case.text() else { return Ok(features) };
    let Ok(stream) = Stream::scan(text) else { return Ok(features) };
    law(apply(&stream, &[]).text == text, || "no edit changed the text".to_owned())?;
    let random = &mut Random::new(case.number);
    for document in stream.documents() {
        let Some(root) = document.root() else { continue };
        let Ok(before) = serde_yaml::from_str(document.text()) else { continue };
        if model::has_truth_of_yaml_1_1(&before)
            || model::has_anchor_twice(document.text())
            || ["<<", "!", "\n%"].iter().any(|sign| document.text().contains(sign))
            || document.duplicate_key().is_some()
        {
            continue;
        }
        let mut found = Vec::new();
        paths(root, &Path::root(), &mut found, 0);
        let edits = some_edits(&found, random);
        let mut seen = HashSet::new();
        // What is gone cannot go again.
        let edits: Vec<Edit> =
            edits.into_iter().filter(|edit| seen.insert(edit.path().to_string())).collect();
        let mut sets: Vec<Vec<Edit>> = edits.iter().map(|edit| vec![edit.clone()]).collect();
        sets.push(edits);
        for edits in sets {
            let fixes: Vec<&[Edit]> = edits.iter().map(std::slice::from_ref).collect();
            let placed = place(document, &fixes);
            let mut chosen = Vec::new();
            for (edit, placed) in edits.iter().zip(placed) {
                match placed {
                    Ok(()) => chosen.push(edit),
                    Err(blocked) => features.add("blocked", &blocked.to_string()),
                }
            }
            let applied = apply(&stream, &[(document.index(), chosen.clone())]);
            if chosen.len() == 1 && !has_blank_line_with_tab(text) {
                law(applied.failures.is_empty(), || {
                    format!("placed and not applied\n{chosen:?}: {:?}", applied.failures)
                })?;
            } else if !applied.failures.is_empty() {
                // Several edits of one place contradict each other; the document then stays.
                features.add("contradiction", &applied.failures[0].1.to_string());
                law(applied.text == text, || format!("failed edits changed the text\n{chosen:?}"))?;
                continue;
            }
            outside(text, &applied.text, document.range())?;
            let new = Stream::scan(&applied.text)
                .map_err(|error| format!("the new text is none\n{chosen:?}: {error:?}"))?;
            law(new.documents().len() == stream.documents().len(), || {
                format!("another number of documents\n{chosen:?}")
            })?;
            let after = new.document(document.index()).map(|document| document.text()).unwrap_or_default();
            let after = serde_yaml::from_str(after).map_err(|error| {
                format!("the reader takes the new text no more\n{chosen:?}: {error}\n{after}")
            })?;
            let wanted = model::edited(&before, &chosen, &after);
            law(wanted.as_ref() == Some(&after), || {
                format!("other data than declared\n{chosen:?}\nwanted {wanted:?}\ngot {after:?}")
            })?;
            line_ends(text, &applied.text)?;
            for edit in &chosen {
                features.add("edit", kind(edit));
            }
        }
    }
    Ok(features)
}

/// Whether a line is of blanks and a tab, or a comment behind such: by what stands before it, `kubectl`'s reader passes it over or fails, so
/// that it can turn out only when all is put together that an entry cannot be placed there.
pub(crate) fn has_blank_line_with_tab(text: &str) -> bool {
    let is_blank = |line: &str| line.trim().is_empty() || line.trim().starts_with('#');
    text.lines()
        .any(|line| is_blank(line) && line.split('#').next().is_some_and(|blanks| blanks.contains('\t')))
}

/// What stands before and behind the document is the same.
fn outside(before: &str, after: &str, range: std::ops::Range<usize>) -> Result<(), String> {
    let tail = &before[range.end..];
    law(after.starts_with(&before[..range.start]) && after.ends_with(tail), || {
        "text outside of the document changed".to_owned()
    })
}

/// A text with line ends of one kind keeps that kind.
pub(crate) fn line_ends(before: &str, after: &str) -> Result<(), String> {
    let (all, crlf) = (before.matches('\n').count(), before.matches("\r\n").count());
    if all > 0 && (crlf == 0 || crlf == all) {
        let (new, new_crlf) = (after.matches('\n').count(), after.matches("\r\n").count());
        law(if crlf == 0 { new_crlf == 0 } else { new_crlf == new }, || {
            "the line ends are mixed now".to_owned()
        })?;
    }
    law(before.starts_with('\u{feff}') == after.starts_with('\u{feff}'), || "the byte order mark".to_owned())
}

fn kind(edit: &Edit) -> &'static str {
    match edit {
        Edit::Set { .. } => "set",
        Edit::Append { .. } => "append",
        Edit::Remove { .. } => "remove",
    }
}

/// Every path with the kind of its value; what stands behind an alias is not entered.
fn paths(node: Node<'_>, path: &Path, found: &mut Vec<(Path, Kind)>, depth: usize) {
    found.push((path.clone(), node.kind()));
    if node.is_alias() || depth > 60 || found.len() > 2_000 {
        return;
    }
    // The independent reader reads other keys than text by other rules.
    for (key, value) in node.entries().filter(|(key, _)| key.as_str().is_some() && !key.is_alias()) {
        paths(value, &path.key(key.text().into_owned()), found, depth + 1);
    }
    for (index, item) in node.items().enumerate() {
        paths(item, &path.index(index), found, depth + 1);
    }
}

fn fragment(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth > 2 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => true.into(),
        2 => i64::try_from(random.below(70_000)).unwrap_or_default().into(),
        3 | 4 => {
            let texts = [
                "ALL",
                "",
                "0",
                "true",
                "null",
                "a: b",
                "- a",
                "x # y",
                "#",
                " x",
                "it's",
                "\"",
                "a\nb\n",
                "tab\t",
                "é",
                "0755",
                "1e3",
                "{",
                "*a",
                "&",
                "!t",
                "%",
                "@",
                "yes",
                "<<",
                "=",
                "~",
                "---",
                "...",
                "a,b",
                "[",
                "C:\\x",
                "\u{1}",
                "\u{2028}",
                "2001-01-01",
                "|",
                ">",
                "?",
                ": ",
            ];
            (random.pick(&texts)).into()
        }
        5 => Value::Sequence((0..random.below(3)).map(|_| fragment(random, depth + 1)).collect()),
        _ => {
            let keys = ["name", "no", "y", "a b", "0", "", "drop", "k.io/x", "#x", "true"];
            let start = random.below(keys.len());
            let count = random.below(3);
            let entries = (0..count)
                .map(|at| (keys[(start + at) % keys.len()].to_owned(), fragment(random, depth + 1)));
            Value::Mapping(entries.collect())
        }
    }
}

/// Edits of every kind, spread over the document.
fn some_edits(found: &[(Path, Kind)], random: &mut Random) -> Vec<Edit> {
    let mut edits = Vec::new();
    for _ in 0..6 {
        let (path, kind) = random.pick(found);
        let value = fragment(random, 0);
        let is_root = path.steps().is_empty();
        edits.push(match (kind, random.below(4)) {
            (_, 0) if !is_root => {
                // An item has no neutral value: beside an equal one it could not be told whether it went.
                let is_item = matches!(path.steps().last(), Some(Step::Index(_)));
                Edit::remove(path.clone(), (!is_item && random.one_in(2)).then_some(value))
            }
            (Kind::Mapping, 1) => Edit::set(path.keys(["cceFixNew", "inner"]), value),
            (Kind::Mapping, _) => Edit::set(path.key("cceFixNew"), value),
            (Kind::Sequence, 1 | 2) if !is_root => Edit::append(path.clone(), value),
            _ if is_root => continue,
            (_, 3) => Edit::set(path.clone(), value),
            (Kind::Sequence, _) => Edit::append(path.clone(), "item"),
            (Kind::Scalar, _) => Edit::set(path.clone(), 7),
        });
    }
    edits
}
