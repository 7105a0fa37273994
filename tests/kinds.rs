//! Kinds that are not quite pods: what a person sees of each file of `tests/fixtures/kinds`.

use std::fs;
use std::panic;
use std::path::Path;

use cce_fix::engine::{self, Examined, Purpose};
use transforms::{CARD, Settings};

use crate::transforms::{fixtures_folder, names, shown, snapshots};

/// Some rules are enough to see where fixes go; with all of them every new rule would change every snapshot.
fn examine(file: &str, text: &str) -> Examined {
    let select = CARD.into_iter().chain(["unprivileged-port"]).map(str::to_owned).collect();
    let settings = Settings { select: Some(select), ..Settings::default() };
    engine::examine(text.as_bytes(), Path::new(file), &settings, Purpose::Text)
}

fn read(file: &str) -> String {
    fs::read_to_string(fixtures_folder().join("kinds").join(file)).unwrap()
}

fn check(file: &str) {
    let text = read(file);
    let examined = examine(file, &text);
    assert!(examined.problems.is_empty(), "{file}: {:?}", examined.problems);
    if let Some(new) = &examined.text {
        assert_eq!(examine(file, new).text, None, "{file}: a second run changes something");
        if Path::new(file).extension().is_some_and(|extension| extension == "json") {
            serde_json::from_str::<serde_json::Value>(new).unwrap();
            assert_eq!(text.lines().count() == 1, new.lines().count() == 1, "{file}: another layout");
        }
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots().join("kinds"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(fixtures_folder().join("kinds").join(file));
    settings.bind(|| insta::assert_snapshot!(file, shown(Path::new(file), &text, &examined)));
}

#[test]
fn every_kind_is_reported_and_fixed_as_its_snapshot_says() {
    let files = names(&fixtures_folder().join("kinds"));
    assert!(files.len() > 10);
    let differ: Vec<_> = files.iter().filter(|file| panic::catch_unwind(|| check(file)).is_err()).collect();
    assert!(differ.is_empty(), "{differ:#?}");
}

#[test]
fn every_snapshot_of_a_kind_has_its_fixture() {
    let wanted: Vec<String> =
        names(&fixtures_folder().join("kinds")).iter().map(|file| format!("{file}.snap")).collect();
    let mut found = names(&snapshots().join("kinds"));
    found.retain(|name| !name.ends_with(".snap.new"));
    assert_eq!(found, wanted);
}

/// Which rules run does not matter to the kinds: all of them together are at rest after one run.
#[test]
fn all_rules_together_go_with_every_kind() {
    for file in names(&fixtures_folder().join("kinds")) {
        let run = |text: &str| {
            engine::examine(text.as_bytes(), Path::new(&file), &Settings::default(), Purpose::Text)
        };
        let examined = run(&read(&file));
        assert!(examined.problems.is_empty(), "{file}: {:?}", examined.problems);
        let Some(new) = examined.text else { continue };
        assert_eq!(run(&new).text, None, "{file}: a second run changes something");
    }
}
