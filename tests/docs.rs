//! What the documentation shows is what the program prints.

use std::process::Command;

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
    let page = std::fs::read_to_string(repository().join("docs/json.md")).unwrap();
    let example = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let args = ["--check", "-q", "-s", "resources", "-o", "json", "examples/web.yaml"];
    let mut program = Command::new(env!("CARGO_BIN_EXE_cce-fix"));
    Ran::of(program.args(args).current_dir(repository()), b"").expect(1, example, "");
}
