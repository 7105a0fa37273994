//! `junit`: a test case for each finding, failed where something would change or a person has to do something.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Suites, TestCase, TestCaseStatus, TestSuite};

use super::Report;
use super::finding::{Finding, State};
// What it spells out is all that XML cannot hold.
use crate::diff::harmless_text as text;

/// Writes a suite for each file with findings, and one for problems.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut suites = Suites::new(env!("CARGO_PKG_NAME"));
    for file in &report.files {
        let mut suite = TestSuite::new(&*text(&file.name));
        for finding in &file.findings {
            let name = format!("{}: {}", finding.transform.id, finding.subject());
            let mut case = TestCase::new(&*text(&name), status(report, finding));
            case.set_classname(&*text(&file.name));
            let place = format!("{}:{}:{}", file.name, finding.place.line, finding.place.column);
            let told = format!(
                "{place}: {} [{}, {}]",
                finding.message(),
                finding.level.name(),
                finding.state.name()
            );
            case.set_system_out(&*text(&told));
            suite.add_test_case(case);
        }
        suites.add_test_suite(suite);
    }
    if !report.problems.is_empty() {
        let mut suite = TestSuite::new("problems");
        for problem in &report.problems {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(&*text(&problem.message));
            let start = problem.start();
            let name = if start.is_empty() { "cce-fix" } else { start.trim_end_matches([':', ' ']) };
            suite.add_test_case(TestCase::new(&*text(name), status));
        }
        suites.add_test_suite(suite);
    }
    suites.serialize(out).map_err(io::Error::other)
}

fn status(report: &Report, finding: &Finding) -> TestCaseStatus {
    match finding.state {
        State::Suppressed => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(&*text(&finding.message()));
            skipped
        }
        State::Fixed if report.is_written() => TestCaseStatus::success(),
        State::Left if !finding.needs_person => TestCaseStatus::success(),
        State::Fixed | State::Left => {
            let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failure.set_message(&*text(&finding.message()));
            failure.set_type(finding.level.name());
            failure
        }
    }
}
