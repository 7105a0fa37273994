//! `github`: workflow commands, of which GitHub Actions makes annotations.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Report;
use super::finding::Weight;
use crate::diff::harmless;

/// Writes a command for each finding and problem.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for (file, finding) in report.findings() {
        let command = match finding.weight() {
            Weight::Note => "notice",
            Weight::Warning => "warning",
            Weight::Error => "error",
        };
        let title = format!("{} ({}, {})", finding.transform.id, finding.level.name(), finding.state.name());
        let place = format!(
            "file={},line={},col={},title={}",
            property(&file.name),
            finding.place.line,
            finding.place.column,
            property(&title)
        );
        let message = format!("{}: {}", finding.subject(), finding.message());
        line(out, &format!("::{command} {place}::{}", data(&message)))?;
    }
    for problem in &report.problems {
        let mut place = String::from("title=cce-fix");
        // Writing to a String cannot fail.
        if let Some(file) = &problem.file {
            let _ = write!(place, ",file={}", property(file));
        }
        if let Some(position) = problem.position {
            let _ = write!(place, ",line={},col={}", position.line, position.column);
        }
        line(out, &format!("::error {place}::{}", data(&problem.message)))?;
    }
    Ok(())
}

/// The runner ends a command at the line break, so that a line has no other.
fn line(out: &mut dyn Write, line: &str) -> io::Result<()> {
    out.write_all(&harmless(line.as_bytes()))?;
    out.write_all(b"\n")
}

/// As the runner reads the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As the runner reads a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
