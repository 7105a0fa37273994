//! `concise`: a line for each finding, `path:line:column: level[id] message [state]`.

use std::io::{self, Write};
use std::path::Path;

use super::{Look, Report};
use crate::diff::harmless;
use crate::link;

/// Writes the lines. Names and texts of manifests do no harm to a terminal, and none is more than a line.
pub(super) fn write(report: &Report, look: Look<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut write = |file: &str, line: &str| {
        match look.links {
            Some(folder) => out.write_all(&link::at_start(line, Path::new(file), folder))?,
            None => out.write_all(&harmless(line.as_bytes()))?,
        }
        out.write_all(b"\n")
    };
    for (file, finding) in report.findings() {
        let line = format!(
            "{}:{}:{}: {}[{}] {}: {} [{}]",
            file.name,
            finding.place.line,
            finding.place.column,
            finding.level.name(),
            finding.transform.id,
            finding.subject(),
            finding.message(),
            finding.state.name(),
        );
        write(&file.name, &line)?;
    }
    for problem in &report.problems {
        let line = format!("{}error: {}", problem.start(), problem.message);
        write(problem.file.as_deref().unwrap_or_default(), &line)?;
    }
    Ok(())
}
