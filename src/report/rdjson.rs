//! `rdjson`: reviewdog's format, with suggestions that a reviewer can apply.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::finding::{Finding, Weight};
use super::text::Replacement;
use super::{File, Report, Trouble};

/// Writes a diagnostic for each finding and problem.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let findings = report.findings().map(|(file, finding)| diagnostic(file, finding));
    let problems = report.problems.iter().map(problem);
    let document = json!({
        "source": { "name": env!("CARGO_PKG_NAME") },
        "diagnostics": findings.chain(problems).collect::<Vec<Value>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// The first of those that are fixed together suggests the lines that fix them all: applied one by one, two of
/// them would put the same key into the same place.
fn diagnostic(file: &File, finding: &Finding) -> Value {
    let suggested = finding.fix.as_deref().and_then(|fix| fix.lines.as_ref());
    let together = if suggested.is_some() && !finding.leads() {
        "; the suggestion for another finding of this object fixes it too"
    } else {
        ""
    };
    let mut diagnostic = json!({
        "message": format!(
            "{}: {} [{}, {}]{together}",
            finding.subject(),
            finding.message(),
            finding.level.name(),
            finding.state.name()
        ),
        "location": {
            "path": file.name,
            "range": {
                "start": { "line": finding.place.line, "column": finding.place.byte_column },
            },
        },
        "severity": match finding.weight() {
            Weight::Note => "INFO",
            Weight::Warning => "WARNING",
            Weight::Error => "ERROR",
        },
        "code": { "value": finding.transform.id },
    });
    if let Some(lines) = suggested.filter(|_| finding.leads()) {
        // A suggestion has to be for the lines that the diagnostic is about.
        diagnostic["location"]["range"] = range(lines);
        diagnostic["suggestions"] = json!([{ "range": range(lines), "text": lines.new }]);
    }
    diagnostic
}

/// Whole lines, which is what is meant where there are no columns.
fn range(lines: &Replacement) -> Value {
    json!({ "start": { "line": lines.start.line }, "end": { "line": lines.end.line } })
}

fn problem(problem: &Trouble) -> Value {
    let mut location = json!({ "path": problem.file.as_deref().unwrap_or(".") });
    if let Some(position) = problem.position {
        location["range"] = json!({ "start": { "line": position.line } });
    }
    json!({ "message": problem.message, "location": location, "severity": "ERROR" })
}
