//! What becomes of files when the program is killed, when the system fails, when somebody else is at the same files,
//! and whether it touches anything that is not its business.
//!
//! A binary of its own: it needs nothing but the program, so that it links in no time. It runs the program under
//! `strace`, which kills it or has its calls fail where a test says so. `docs/reliability.md` shows what was tried.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]

mod errors;
mod growth;
mod kills;
mod others;
mod places;
mod table;
mod tools;
mod trace;

use table::Row;
use tools::{can_mount, can_trace, not_tried};

/// One test, because together they make one table, and because they measure nothing that others could disturb.
#[test]
fn files_are_old_or_new_whatever_happens() {
    let mut rows: Vec<Row> = Vec::new();
    let mut missing = Vec::new();
    if can_trace() {
        rows.extend(kills::rows());
        rows.extend(errors::rows());
        rows.extend(others::traced_rows());
    } else {
        missing.push("`strace`, or the right to trace");
    }
    rows.extend(others::rows());
    rows.extend(places::rows());
    if can_mount() {
        rows.extend(places::mounted_rows());
    } else {
        missing.push("the right to mount");
    }
    for what in &missing {
        not_tried(&format!("faults: {what} is missing"));
    }
    table::compare(&rows, missing.is_empty());
}
