//! `gitlab`: a code quality report, as merge requests show it.

use std::io::{self, Write};

use serde::Serialize;

use super::finding::Weight;
use super::{Report, model};

#[derive(Serialize)]
struct Issue<'r> {
    description: String,
    check_name: &'r str,
    fingerprint: String,
    severity: &'static str,
    categories: [&'static str; 1],
    location: Location<'r>,
}

#[derive(Serialize)]
struct Location<'r> {
    path: &'r str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// Writes an issue for each finding and problem.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let findings = report.findings().map(|(file, finding)| Issue {
        description: format!(
            "{}: {} [{}, {}]",
            finding.subject(),
            finding.message(),
            finding.level.name(),
            finding.state.name()
        ),
        check_name: finding.transform.id,
        fingerprint: finding.fingerprint.clone(),
        severity: match finding.weight() {
            Weight::Note => "info",
            Weight::Warning => "major",
            Weight::Error => "critical",
        },
        categories: ["Security"],
        location: Location { path: &file.name, lines: Lines { begin: finding.place.line } },
    });
    let problems = report.problems.iter().enumerate().map(|(number, problem)| {
        let identity = format!("{number}\0{:?}\0{}", problem.file, problem.message);
        Issue {
            description: problem.message.clone(),
            check_name: "cce-fix",
            fingerprint: model::digest(&identity),
            severity: "blocker",
            categories: ["Bug Risk"],
            location: Location {
                // A problem that is about no file still has to be at one.
                path: problem.file.as_deref().unwrap_or("."),
                lines: Lines { begin: problem.position.map_or(1, |position| position.line) },
            },
        }
    });
    serde_json::to_writer_pretty(&mut *out, &findings.chain(problems).collect::<Vec<_>>())?;
    out.write_all(b"\n")
}
