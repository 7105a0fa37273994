//! What the documentation shows is what the program prints, and what is generated is fresh.
//!
//! `cargo xtask docs` writes what is generated anew: it runs the tests that call [`fresh`] with `UPDATE_DOCS` set.

mod adopting;
mod bot;
mod cce;
mod dependencies;
mod kinds;
mod player;
mod pss;
mod reference;
mod rules;
mod schema;

use std::fs;
use std::process::Command;

use similar::TextDiff;
use transforms::{ALL, Meta};

use crate::common::{Ran, repository};

/// The commands of the README and of a page beside it, and the help text, are run, and their output compared.
#[test]
fn the_documentation_holds() {
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        // Noon of the second of January 2026, so that what ends on a day does not end here.
        .env("SOURCE_DATE_EPOCH", "1767355200")
        .case("README.md")
        .case("docs/suppressing.md")
        .case("tests/cmd/*.trycmd");
}

/// The example of the JSON report is what the program writes.
#[test]
fn the_example_of_json_holds() {
    let page = fs::read_to_string(repository().join("docs/json.md")).unwrap();
    let example = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let args = ["--check", "-q", "-s", "resources", "-o", "json", "examples/web.yaml"];
    let mut program = Command::new(env!("CARGO_BIN_EXE_cce-fix"));
    Ran::of(program.args(args).current_dir(repository()), b"").expect(1, example, "");
}

/// Asserts that a generated file holds `text`; where it is asked for, writes it.
fn fresh(name: &str, text: &str) {
    let path = repository().join(name);
    let old = fs::read_to_string(&path).unwrap_or_default();
    if old == text {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let diff = TextDiff::from_lines(old.as_str(), text);
    let diff = diff.unified_diff().header(name, "generated").to_string();
    panic!("{name} is not what is generated; `cargo xtask docs` writes it anew\n{diff}");
}

fn metas() -> impl Iterator<Item = &'static Meta> {
    ALL.iter().map(|transform| transform.meta())
}

/// A link to the page of a transform, from a page in `docs/`.
fn link(meta: &Meta) -> String {
    format!("[{}](rules/{0}.md)", meta.id)
}

/// A row of a table. A line break would end it.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| cell.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    format!("| {} |\n", cells.join(" | "))
}
