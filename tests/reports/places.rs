//! What reports say about places and text holds in the files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{json, list, number, reports, shop, text};
use crate::common::{Folder, files, repository};

/// The file after the edits of each fix, each fix once.
fn applied(old: &str, findings: &[&Value]) -> String {
    let mut seen = BTreeSet::new();
    let mut edits: Vec<&Value> = Vec::new();
    for fix in findings.iter().map(|finding| &finding["fix"]).filter(|fix| fix.is_object()) {
        if seen.insert(text(&fix["id"])) {
            edits.extend(list(&fix["edits"]));
        }
    }
    edits.sort_by_key(|edit| number(&edit["start"]));
    let mut new = old.to_owned();
    for edit in edits.iter().rev() {
        let range = number(&edit["start"])..number(&edit["end"]);
        assert_eq!(&new[range.clone()], text(&edit["oldText"]));
        new.replace_range(range, text(&edit["newText"]));
    }
    new
}

/// The file after all suggestions, which are for whole lines.
fn suggested(old: &str, diagnostics: &[&Value]) -> String {
    let mut lines: Vec<String> = old.split('\n').map(Into::into).collect();
    let suggestions: Vec<&Value> =
        diagnostics.iter().filter_map(|found| found["suggestions"].as_array()).flatten().collect();
    for suggestion in suggestions.iter().rev() {
        let range = &suggestion["range"];
        let (first, last) = (number(&range["start"]["line"]), number(&range["end"]["line"]));
        lines.splice(first - 1..last, [text(&suggestion["text"]).to_owned()]);
    }
    lines.join("\n")
}

/// Checks all files of the folder: the edits of each report give what a run writes.
fn check(folder: &Folder) -> usize {
    let reports = reports(folder, &["--check", "--isolated", "."]);
    let (report, rdjson) = (json(&reports["json"]), json(&reports["rdjson"]));
    let mut by_file: BTreeMap<&str, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for finding in list(&report["findings"]) {
        by_file.entry(text(&finding["file"])).or_default().0.push(finding);
    }
    for found in list(&rdjson["diagnostics"]) {
        by_file.entry(text(&found["location"]["path"])).or_default().1.push(found);
    }
    let mut expected = BTreeMap::new();
    for (file, (findings, diagnostics)) in &by_file {
        let old = folder.read(file);
        let new = applied(&old, findings);
        // Suggestions of one file may come in any order and never overlap.
        let mut sorted = diagnostics.clone();
        sorted.sort_by_key(|found| found["location"]["range"]["start"]["line"].as_u64());
        assert_eq!(suggested(&old, &sorted), new, "{file}");
        let lines: Vec<&str> = old.trim_start_matches('\u{feff}').split('\n').collect();
        for finding in findings {
            let line = lines[number(&finding["line"]) - 1];
            assert!(number(&finding["column"]) <= line.chars().count() + 1, "{file}: {finding}");
        }
        expected.insert(*file, new);
    }
    folder.run(&["-q", "--isolated", "."]);
    for (file, new) in &expected {
        assert_eq!(folder.read(file), *new, "{file}");
    }
    expected.len()
}

#[test]
fn the_edits_of_a_report_make_the_file_that_a_run_writes() {
    assert!(check(&shop()) > 8);
}

#[test]
fn the_edits_of_fixtures_do_too() {
    let folder = Folder::new();
    for (number, path) in files(&repository().join("tests/fixtures")).into_iter().enumerate() {
        if path.extension().is_some_and(|extension| extension == "yaml") {
            folder.write(&format!("{number}.yaml"), &std::fs::read(&path).unwrap());
        }
    }
    folder.write(
        "crlf.yaml",
        b"apiVersion: v1\r\nkind: Pod\r\nmetadata: {name: a}\r\nspec:\r\n  containers:\r\n  - name: a\r\n    image: r.io/a\r\n",
    );
    folder.write(
        "bom.yaml",
        "\u{feff}apiVersion: v1\nkind: Pod\nmetadata: {name: ä}\nspec: {containers: [{name: ü, image: r.io/a}]}".as_bytes(),
    );
    assert!(check(&folder) > 50);
}

#[test]
fn the_edits_of_real_manifests_do_too() {
    let Some(corpus) = crate::common::corpus() else { return };
    let folder = Folder::new();
    // One in twelve, since each of them is written and read again; which ones does not change.
    for (number, path) in files(&corpus).into_iter().enumerate().step_by(12) {
        let bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension != "json")
            && std::str::from_utf8(&bytes).is_ok()
        {
            folder.write(&format!("{number}.yaml"), &bytes);
        }
    }
    assert!(check(&folder) > 20);
}

#[test]
fn a_fix_alone_is_whole() {
    let folder = shop();
    let report = json(&reports(&folder, &["--check", "."])["json"]);
    let mut tried = BTreeSet::new();
    for finding in list(&report["findings"]).iter().filter(|finding| finding["fix"].is_object()) {
        if !tried.insert(text(&finding["fix"]["id"])) {
            continue;
        }
        let file = text(&finding["file"]);
        let old = folder.read(file);
        let one = Folder::with(&[("a.yaml", &applied(&old, &[finding]))]);
        let again = json(&reports(&one, &["--check", "."])["json"]);
        // What is fixed together is gone together, and nothing is broken.
        assert_eq!(again["summary"]["problems"], 0, "{finding}");
        let still: Vec<&Value> = list(&again["findings"])
            .iter()
            .filter(|other| {
                other["id"] == finding["id"] && other["path"] == finding["path"] && other["state"] == "fixed"
            })
            .filter(|other| other["document"] == finding["document"])
            .collect();
        assert!(still.is_empty(), "{finding} {still:?}");
    }
    assert!(tried.len() > 8);
}

#[test]
fn fingerprints_outlive_other_lines() {
    let prints = |folder: &Folder| -> Vec<(String, String)> {
        let report = json(&reports(folder, &["--check", "."])["json"]);
        let of =
            |finding: &Value| (text(&finding["id"]).to_owned(), text(&finding["fingerprint"]).to_owned());
        list(&report["findings"]).iter().map(of).collect()
    };
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: a, image: r.io/a}\n";
    let other = "# a comment\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n";
    let second = "  - {name: b, image: r.io/b}\n  - {name: a, image: r.io/a}\n";
    let alone = prints(&Folder::with(&[("a.yaml", pod)]));
    assert!(alone.len() > 3);
    assert_eq!(prints(&Folder::with(&[("a.yaml", &format!("{other}{pod}"))])), alone);
    // Another container in front changes the numbers, not the prints.
    let two = pod.replace("  - {name: a, image: r.io/a}\n", second);
    let two = prints(&Folder::with(&[("a.yaml", &two)]));
    assert!(alone.iter().all(|print| two.contains(print)), "{alone:?} {two:?}");
    // The same twice is told apart.
    let twice = prints(&Folder::with(&[("a.yaml", &format!("{pod}---\n{pod}"))]));
    let different: BTreeSet<_> = twice.iter().collect();
    assert_eq!((twice.len(), different.len()), (2 * alone.len(), 2 * alone.len()));
}
