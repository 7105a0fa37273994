//! The table in `docs/reliability.md`.

use std::fmt::Write as _;
use std::path::Path;

/// Something that was tried.
#[derive(Debug)]
pub(crate) struct Row {
    /// What.
    pub(crate) what: String,
    /// How often.
    pub(crate) times: usize,
    /// What came of it.
    pub(crate) outcome: String,
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, times: usize, outcome: impl Into<String>) -> Self {
        Self { what: what.into(), times, outcome: outcome.into() }
    }
}

const BEGIN: &str = "<!-- made by tests/faults; `cargo xtask docs` writes it anew -->\n";
const END: &str = "<!-- end -->\n";

/// Holds the page against what was tried; where it is asked for, writes it. How many calls a rewrite has differs from
/// system to system, so that numbers are not compared.
pub(crate) fn compare(rows: &[Row], all_tried: bool) {
    let mut table = "| tried | times | outcome |\n| --- | ---: | --- |\n".to_owned();
    for row in rows {
        writeln!(table, "| {} | {} | {} |", row.what, row.times, row.outcome).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let (before, rest) = page.split_once(BEGIN).expect("docs/reliability.md has a place for the table");
    let (old, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        assert!(all_tried, "not everything can be tried here");
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    let numberless = |text: &str| text.chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>();
    for line in table.lines() {
        assert!(
            numberless(old).contains(&numberless(line)),
            "docs/reliability.md does not say this; `cargo xtask docs` writes it anew\n{line}\n{old}"
        );
    }
    assert!(!all_tried || old.lines().count() == table.lines().count(), "the page says more than was tried");
}
