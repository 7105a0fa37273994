//! `concise`: a line for each finding, `path:line:column: level[id] message [state]`.

use std::io::{self, Write};

use super::Report;
use crate::diff::harmless;

/// Writes the lines. Names and texts of manifests do no harm to a terminal, and none is more than a line.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
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
        out.write_all(&harmless(line.as_bytes()))?;
        out.write_all(b"\n")?;
    }
    for problem in &report.problems {
        out.write_all(&harmless(format!("{}error: {}", problem.start(), problem.message).as_bytes()))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
