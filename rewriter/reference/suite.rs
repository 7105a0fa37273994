//! The cases of yaml-test-suite, where the corpus has them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// What we do with cases that we do not read as libyaml reads them, and their names. All others read the same,
/// or are refused by both.
const EXCEPTIONS: &[(&str, &[&str])] = &[
    (
        "we refuse: explicit key",
        &[
            "2XXW", "35KP", "5WE3", "652Z", "6PBE", "7W2P", "CT4Q", "DFF7", "GH63", "HM87:01", "JTV5",
            "KK5P", "L94M", "M2N8:01", "M5DY", "RR7F", "RZP5", "S9E8", "V9D5", "X8DW", "XW4D", "ZWK4",
        ],
    ),
    (
        "we refuse: directive",
        &[
            "27NA", "5TYM", "6CK3", "6WLZ", "6ZKB", "9DXL", "9HCY", "9WXW", "C4HZ", "CC74", "DK95:07",
            "EB22", "MUS6:00", "MUS6:01", "MUS6:02", "MUS6:03", "MUS6:04", "P76L", "RHX7", "RTP8", "U3C3",
            "Z9M4",
        ],
    ),
    ("we refuse: collection key", &["4FJ6", "6BFJ", "9MMW", "LX3P", "Q9WF", "SBG9", "X38W"]),
    // A property and nothing else in front of the colon.
    ("we refuse: empty key", &["FH7J", "PW8X"]),
    // `[a?string]`: text to libyaml, a key to its older versions.
    ("we refuse: ambiguous flow text", &["JR7V"]),
    // `\'` in double quotes: go-yaml reads it, so does `kubectl`.
    ("they fail", &["HRE5"]),
    // A last line without a line end, and a tag in front of a comma, on which the port of libyaml panics.
    ("no opinion", &["L24T:01", "WZ62"]),
];

/// One case, numbered within its file where there are more.
pub(super) struct Case {
    pub(super) id: String,
    pub(super) text: String,
}

pub(super) fn cases() -> Vec<Case> {
    let Some(corpus) = corpus::folder() else { return Vec::new() };
    let mut cases = Vec::new();
    for (file, text) in corpus::texts(&corpus.join("yaml__yaml-test-suite/src")) {
        let list: Vec<serde_yaml::Value> = serde_yaml::from_str(&text).unwrap();
        for (number, case) in list.iter().enumerate() {
            let Some(text) = case.get("yaml").and_then(serde_yaml::Value::as_str) else { continue };
            let stem = file.trim_end_matches(".yaml");
            let id = if list.len() > 1 { format!("{stem}:{number:02}") } else { stem.to_owned() };
            cases.push(Case { id, text: without_signs(text) });
        }
    }
    cases
}

/// The text without the signs that make white space visible in the suite's files.
fn without_signs(text: &str) -> String {
    let mut plain = text.replace('␣', " ").replace('←', "\r").replace('⇔', "\u{feff}").replace('↵', "");
    while plain.contains("—»") {
        plain = plain.replace("—»", "»");
    }
    plain = plain.replace('»', "\t");
    plain.strip_suffix("∎\n").map(str::to_owned).unwrap_or(plain)
}

#[test]
fn the_suite_reads_as_libyaml_reads_it_with_listed_exceptions() {
    let mut exceptions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let cases = cases();
    if cases.is_empty() {
        return;
    }
    let mut agreed = 0;
    for case in &cases {
        let verdict = compare(&case.text);
        let kind = match &verdict {
            Verdict::Same | Verdict::BothRefuse => {
                agreed += 1;
                continue;
            }
            Verdict::WeRefuse(reason) => format!("we refuse: {reason}"),
            other => other.name().to_owned(),
        };
        println!("{}: {verdict:?}", case.id);
        exceptions.entry(kind).or_default().insert(case.id.clone());
    }
    println!("{agreed} of {} cases are read or refused by both alike", cases.len());
    let listed = EXCEPTIONS
        .iter()
        .map(|(kind, ids)| ((*kind).to_owned(), ids.iter().map(|id| (*id).to_owned()).collect()));
    assert_eq!(exceptions, listed.collect());
}
