//! A second opinion: yaml-rust2, of another family of parsers and with the grammar of YAML 1.2.
//!
//! Where it differs from libyaml, libyaml is kept, because `kubectl` reads with a port of that.
//! `docs/yaml-readers.md` tells the differences one by one; the list below holds every file in which one shows.

use std::collections::{BTreeMap, HashMap};
use std::panic::catch_unwind;

use yaml_rust2::parser::{Event as Theirs, Parser as Rust2};
use yaml_rust2::scanner::TScalarStyle;

use super::*;

/// Cases of yaml-test-suite in which the two differ, by what they differ in.
const DIFFERENCES: &[(&str, &[&str])] = &[
    (
        "it reads a key in a flow mapping that goes over a line end",
        &["4MUZ:00", "4MUZ:01", "4MUZ:02", "5MUD", "9SA2", "K3WX", "NJ66", "UT92", "VJP3:01"],
    ),
    (
        "it reads a tab where libyaml wants spaces of indentation",
        &[
            "6BCT", "6CA3", "96NN:00", "96NN:01", "DK95:00", "DK95:03", "DK95:04", "Q5MG", "R4YG", "Y79Y:01",
            "Y79Y:10",
        ],
    ),
    ("it refuses a tab at the start of a further line of a flow value", &["DK95:01", "Y79Y:03"]),
    ("it reads over directives that nobody knows", &["2LFX", "6LVF", "MUS6:05", "MUS6:06"]),
    ("it starts a document behind `...` without `---`", &["7Z25", "M7A3"]),
    ("it reads `...` as a document, or as none", &["HWV9", "QT73"]),
    ("its names of anchors may hold any character", &["8XYN", "W5VH", "Y2GN"]),
    ("it reads a block text whose lines are not indented at all", &["DK3J", "FP8R"]),
    ("it refuses a further line of a flow value that is not deeper than its key", &["9C9N", "QB6E"]),
    ("it refuses a comment that touches what is in front of it", &["9JBA", "CVW2", "SU5Z", "X4QW"]),
    ("it refuses a lone `-` in a flow collection", &["G5U8", "YJV2"]),
    ("it refuses `\\'` in double quotes", &["HRE5"]),
    ("it ends a block text with a line end that the file does not have", &["JEF9:02", "L24T:01"]),
    ("it refuses blank lines deeper than the block text behind them", &["S98Z"]),
];

/// yaml-rust2's events in words that both readers have; `None` where it panics.
fn rust2(text: &str) -> Option<Result<Vec<String>, String>> {
    quiet_panics();
    catch_unwind(|| {
        let mut parser = Rust2::new_from_str(text);
        let mut told = Vec::new();
        loop {
            let (event, _) = parser.next_token().map_err(|error| error.to_string())?;
            told.push(match event {
                Theirs::StreamEnd => return Ok(told),
                Theirs::DocumentStart => "document".to_owned(),
                Theirs::Alias(id) => format!("alias {id}"),
                Theirs::Scalar(value, style, id, tag) => {
                    let style = match style {
                        TScalarStyle::Plain => "plain",
                        TScalarStyle::SingleQuoted => "single",
                        TScalarStyle::DoubleQuoted => "double",
                        TScalarStyle::Literal => "literal",
                        TScalarStyle::Folded => "folded",
                    };
                    with_properties(&format!("{style} {value:?}"), id, tag.is_some())
                }
                Theirs::SequenceStart(id, tag) => with_properties("sequence", id, tag.is_some()),
                Theirs::MappingStart(id, tag) => with_properties("mapping", id, tag.is_some()),
                Theirs::SequenceEnd | Theirs::MappingEnd => "end".to_owned(),
                Theirs::Nothing | Theirs::StreamStart | Theirs::DocumentEnd => continue,
            });
        }
    })
    .ok()
}

/// Anchors are numbered through the stream, from one.
fn with_properties(words: &str, anchor: usize, tagged: bool) -> String {
    let anchor = if anchor > 0 { format!(" &{anchor}") } else { String::new() };
    format!("{words}{anchor}{}", if tagged { " !" } else { "" })
}

/// Our events in the same words.
fn in_common_words(stream: &Stream<'_>) -> Vec<String> {
    let text = stream.text();
    let mut told = Vec::new();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut last = 0;
    for document in stream.documents() {
        told.push("document".to_owned());
        let (mut anchor, mut tagged) = (0, false);
        for event in &stream.events[document.events()] {
            let name = || &text[event.start as usize + 1..event.end as usize];
            match event.kind {
                EventKind::Anchor => {
                    last += 1;
                    numbers.insert(name(), last);
                    anchor = last;
                }
                EventKind::Tag => tagged = true,
                EventKind::Alias => told.push(format!("alias {}", numbers[name()])),
                EventKind::End => told.push("end".to_owned()),
                kind => {
                    let words = match kind {
                        kind if kind.is_mapping() => "mapping".to_owned(),
                        kind if kind.is_sequence() => "sequence".to_owned(),
                        _ => words(text, *event),
                    };
                    told.push(with_properties(
                        &words,
                        std::mem::take(&mut anchor),
                        std::mem::take(&mut tagged),
                    ));
                }
            }
        }
    }
    told
}

fn compare_with_rust2(text: &str) -> Verdict {
    compare_with(text, rust2(text), in_common_words)
}

#[test]
fn real_files_read_as_yaml_rust2_reads_them() {
    let Some(corpus) = corpus::folder() else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, text) in corpus::texts(&corpus) {
        if path.starts_with("yaml__yaml-test-suite") {
            continue;
        }
        let verdict = compare_with_rust2(&text);
        let meant = match &verdict {
            Verdict::Same | Verdict::BothRefuse => true,
            // As beside libyaml.
            Verdict::WeRefuse(reason) => *reason == "collection key" && text.contains("{{"),
            // It adds a line end to a block text that ends with the file.
            Verdict::Different(_) => !text.ends_with('\n') && text.contains(['|', '>']),
            Verdict::WeFail(_) | Verdict::TheyFail(_) | Verdict::NoOpinion => false,
        };
        assert!(meant, "{path}: {verdict:?}");
        *counts.entry(verdict.name()).or_default() += 1;
    }
    println!("{counts:?}");
}

#[test]
fn the_suite_reads_as_yaml_rust2_reads_it_with_listed_differences() {
    let listed: BTreeMap<&str, &str> =
        DIFFERENCES.iter().flat_map(|(what, ids)| ids.iter().map(|id| (*id, *what))).collect();
    let cases = suite::cases();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for case in &cases {
        let verdict = compare_with_rust2(&case.text);
        *counts.entry(verdict.name()).or_default() += 1;
        match verdict {
            // What we refuse by name is listed beside libyaml already.
            Verdict::Same | Verdict::BothRefuse | Verdict::WeRefuse(_) => {}
            other => {
                println!("{}: {other:?} in {:?}", case.id, case.text);
                found.push(case.id.as_str());
            }
        }
    }
    println!("{counts:?}");
    let mut ids: Vec<&str> = listed.into_keys().collect();
    ids.sort_unstable();
    found.sort_unstable();
    assert!(cases.is_empty() || found == ids, "listed {ids:?}\nfound {found:?}");
}
