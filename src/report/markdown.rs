//! `markdown`: for step summaries and pull requests.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::Report;
use super::finding::State;
use crate::diff::harmless_text;

/// Writes a table of findings, and what to know about those that are for review.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let counts = report.counts();
    let (changed, fixed) =
        if report.is_written() { ("changed", "fixed") } else { ("would change", "would be fixed") };
    writeln!(out, "## cce-fix\n")?;
    writeln!(
        out,
        "{} of {} files {changed}: {} findings {fixed}, {} left, {} suppressed ({} safe, {} review, {} manual).",
        counts.changed_files,
        counts.files,
        counts.fixed,
        counts.left,
        counts.suppressed,
        counts.safe,
        counts.review,
        counts.manual
    )?;
    if counts.findings > 0 {
        writeln!(out, "\n| File | Object | Transform | Level | State | What |")?;
        writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    }
    for (file, finding) in report.findings() {
        let place = format!("{}:{}", file.name, finding.place.line);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            code(&place),
            code(&finding.subject()),
            finding.transform.id,
            finding.level.name(),
            finding.state.name(),
            prose(&finding.message())
        )?;
    }
    // Of each transform once, in the order of their names.
    let reviewed: BTreeSet<&str> = report
        .findings()
        .filter(|(_, finding)| finding.review().is_some() && finding.state == State::Fixed)
        .map(|(_, finding)| finding.transform.id)
        .collect();
    if !reviewed.is_empty() {
        writeln!(out, "\n### What may happen, and the way back")?;
        for meta in transforms::ALL.iter().map(|transform| transform.meta()) {
            if let Some(review) = meta.review.as_ref().filter(|_| reviewed.contains(meta.id)) {
                // Both are our own text, with code in it as Markdown writes it.
                writeln!(out, "\n- **{}**: {}. The way back: {}.", meta.id, review.symptom, review.undo)?;
            }
        }
    }
    if !report.problems.is_empty() {
        writeln!(out, "\n### Problems\n")?;
        for problem in &report.problems {
            let start = problem.start();
            let start = start.trim_end_matches([':', ' ']);
            let gap = if start.is_empty() { String::new() } else { format!("{} ", code(start)) };
            writeln!(out, "- {gap}{}", prose(&problem.message))?;
        }
    }
    Ok(())
}

/// One line that nothing can act on.
fn line(text: &str) -> String {
    harmless_text(&text.replace('\t', " ")).into_owned()
}

/// Text as code, in which nothing means anything, inside a table too.
pub(crate) fn code(text: &str) -> String {
    let text = line(text);
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let gap =
        if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty() { " " } else { "" };
    format!("{fence}{gap}{}{gap}{fence}", text.replace('|', "\\|"))
}

/// A message: what stands between backticks as code, the rest as text.
pub(crate) fn prose(text: &str) -> String {
    if !text.matches('`').count().is_multiple_of(2) {
        return plain(text);
    }
    let parts = text.split('`').enumerate();
    parts.map(|(number, part)| if number % 2 == 1 { code(part) } else { plain(part) }).collect()
}

/// Text as text: no markup, no link, no mention.
pub(crate) fn plain(text: &str) -> String {
    let text = line(text);
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        // Writing to a String cannot fail.
        let _ = match character {
            // A name behind these would be called, or a number linked, whether they are written as such or not.
            '@' | '#' => write!(shown, "&#{};&#8203;", u32::from(character)),
            '&' | '<' | '>' | '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '$' | '!' => {
                write!(shown, "&#{};", u32::from(character))
            }
            // Of `https://` and `www.` links are made.
            '/' if shown.ends_with(':') => write!(shown, "&#47;"),
            '.' if shown.to_ascii_lowercase().ends_with("www") => write!(shown, "&#46;"),
            character => write!(shown, "{character}"),
        };
    }
    shown
}
