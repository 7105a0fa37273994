//! `sarif`: SARIF 2.1.0 for code scanning and editors, with fixes.

use std::io::{self, Write};

use serde_json::{Value, json};
use transforms::{ALL, Meta, Severity};

use super::finding::{Finding, State, Weight};
use super::text::Replacement;
use super::{File, Report, Trouble};

/// Writes one run with a rule for every transform, so that the same rule has the same number in each.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let results: Vec<Value> = report.findings().map(|(file, finding)| result(file, finding)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": env!("CARGO_PKG_NAME"),
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": ALL.iter().map(|transform| rule(transform.meta())).collect::<Vec<_>>(),
                },
            },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": report.problems.is_empty(),
                "toolExecutionNotifications": report.problems.iter().map(notification).collect::<Vec<_>>(),
            }],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn rule(meta: &Meta) -> Value {
    let doc = meta.documentation();
    let (level, score) = match meta.severity {
        Severity::Low => ("note", "3.0"),
        Severity::Medium => ("warning", "5.5"),
        Severity::High => ("error", "8.0"),
    };
    json!({
        "id": meta.id,
        "shortDescription": { "text": meta.title },
        "fullDescription": { "text": doc.split("\n\n").next().unwrap_or_default().replace('\n', " ") },
        "help": { "text": doc, "markdown": doc },
        "defaultConfiguration": { "level": level },
        "properties": {
            "tags": ["security", "kubernetes", meta.category.to_string()],
            "security-severity": score,
            "precision": "high",
        },
    })
}

fn result(file: &File, finding: &Finding) -> Value {
    let level = match finding.weight() {
        Weight::Note => "note",
        Weight::Warning => "warning",
        Weight::Error => "error",
    };
    let mut result = json!({
        "ruleId": finding.transform.id,
        "level": level,
        "message": { "text": text(&format!("{}: {}", finding.subject(), finding.message())) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": file.uri },
                "region": { "startLine": finding.place.line, "startColumn": finding.place.column },
            },
            "logicalLocations": [{ "fullyQualifiedName": finding.path, "kind": "member" }],
        }],
        "partialFingerprints": { "cceFix/v1": finding.fingerprint },
        "properties": {
            "state": finding.state.name(),
            "level": finding.level.name(),
            "needsPerson": finding.needs_person,
            "symptom": finding.review().map(|review| review.symptom),
            "undo": finding.review().map(|review| review.undo),
        },
    });
    if let Some(index) = ALL.iter().position(|transform| transform.meta().id == finding.transform.id) {
        result["ruleIndex"] = json!(index);
    }
    if let Some(fix) = finding.fix.as_deref().filter(|fix| !fix.pieces.is_empty()) {
        result["fixes"] = json!([{
            "description": { "text": text(finding.summary.as_deref().unwrap_or_default()) },
            "artifactChanges": [{
                "artifactLocation": { "uri": file.uri },
                "replacements": fix.pieces.iter().map(replacement).collect::<Vec<_>>(),
            }],
        }]);
    }
    if let (State::Suppressed, Some(suppression)) = (finding.state, &finding.suppression) {
        let kind = if suppression.in_source { "inSource" } else { "external" };
        result["suppressions"] = json!([{ "kind": kind, "justification": suppression.reason }]);
    }
    result
}

fn replacement(replacement: &Replacement) -> Value {
    let Replacement { start, end, new, .. } = replacement;
    json!({
        "deletedRegion": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
        "insertedContent": { "text": new },
    })
}

fn notification(problem: &Trouble) -> Value {
    json!({ "level": "error", "message": { "text": text(&format!("{}{}", problem.start(), problem.message)) } })
}

/// The text without what a reader would make a link of.
fn text(text: &str) -> String {
    text.replace("](", "] (")
}
