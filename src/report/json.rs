//! `json` and `jsonl`: everything, for other programs. `docs/json.md` describes the fields, and
//! `docs/report-v1.schema.json` is made from the types here.

use std::io::{self, Write};

use rewriter::{Edit, Value};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::finding::Finding;
use super::text::Replacement;
use super::{Counts, File, Report, Trouble};

/// The version of the form: a field that goes or changes its meaning makes the next one.
const VERSION: u32 = 1;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let document = JsonReport {
        head: JsonHead::new(report),
        findings: report.findings().map(|(file, finding)| JsonFinding::new(file, finding)).collect(),
        problems: report.problems.iter().map(JsonProblem::new).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

pub(super) fn write_lines(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let head = std::iter::once(JsonLine::Report(JsonHead::new(report)));
    let findings =
        report.findings().map(|(file, finding)| JsonLine::Finding(Box::new(JsonFinding::new(file, finding))));
    let problems = report.problems.iter().map(|problem| JsonLine::Problem(JsonProblem::new(problem)));
    for line in head.chain(findings).chain(problems) {
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The schemas of `-o json` and of a line of `-o jsonl`, by the names of their files.
pub fn schemas() -> [(String, Schema); 2] {
    [
        (format!("report-v{VERSION}.schema.json"), schema_for!(JsonReport<'static>)),
        (format!("report-line-v{VERSION}.schema.json"), schema_for!(JsonLine<'static>)),
    ]
}

/// The report of `-o json`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonReport<'r> {
    #[serde(flatten)]
    head: JsonHead<'r>,
    /// All that is not satisfied, by file, then in the order in which fixes are planned.
    findings: Vec<JsonFinding<'r>>,
    /// What could not be read, understood or written.
    problems: Vec<JsonProblem<'r>>,
}

/// A line of `-o jsonl`; the first one is of type `report`.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
enum JsonLine<'r> {
    Report(JsonHead<'r>),
    Finding(Box<JsonFinding<'r>>),
    Problem(JsonProblem<'r>),
}

/// What holds for the whole report.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonHead<'r> {
    /// The version of this form.
    schema_version: u32,
    /// Who wrote it.
    tool: JsonTool,
    /// What the run did with fixes: `write`, `diff`, `check` or `list`. Only `write` changes files.
    #[schemars(extend("enum" = ["write", "diff", "check", "list"]))]
    mode: &'r str,
    /// How much there is of what.
    summary: Counts,
}

/// Who wrote the report.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonTool {
    name: &'static str,
    version: &'static str,
}

/// What a transform said about one place.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonFinding<'r> {
    /// The transform.
    id: &'static str,
    /// What is wrong where it is not satisfied.
    title: &'static str,
    /// What kind of thing it is about.
    category: String,
    /// How much an attacker gains: `low`, `medium` or `high`.
    #[schemars(extend("enum" = ["low", "medium", "high"]))]
    severity: String,
    /// How sure the fix is: `safe`, `review`, or `manual` where a program cannot make one.
    #[schemars(extend("enum" = ["safe", "review", "manual"]))]
    level: &'static str,
    /// What became of it: `fixed` (or would be, where nothing is written), `left` or `suppressed`.
    #[schemars(extend("enum" = ["fixed", "left", "suppressed"]))]
    state: &'static str,
    /// Whether only `--safe` kept the fix from being made.
    held_back: bool,
    /// Whether a person has to do something; false for what stays on purpose.
    needs_person: bool,
    /// All of it in one line.
    message: String,
    /// What the fix does, where there is one.
    summary: Option<&'r str>,
    /// Why the fix has its level, or why there is none.
    reason: &'r str,
    /// What shows that a fix of level review was a wrong guess.
    symptom: Option<&'static str>,
    /// How to undo or tune such a fix.
    undo: Option<&'static str>,
    /// Who asked for it not to be fixed.
    suppression: Option<JsonSuppression<'r>>,
    /// The file, with forward slashes, from the current folder where it is inside.
    file: &'r str,
    /// The document's number in the file, from 0.
    document: usize,
    api_version: &'r str,
    kind: &'r str,
    namespace: Option<&'r str>,
    name: Option<&'r str>,
    /// The container; null for what is about a pod or an object.
    container: Option<JsonContainer<'r>>,
    /// The containers that get the pod's value.
    inherited_by: Vec<JsonContainer<'r>>,
    /// The field in the document's data, whether it is there or not.
    path: &'r str,
    /// Line of the field, or of the nearest place above it, from 1.
    line: usize,
    /// Column in characters, from 1.
    column: usize,
    /// The sections of CCE's container security pages that ask for it.
    pages: &'static [&'static str],
    /// The checks of the Pod Security Standards that it helps to pass.
    pod_security: &'static [&'static str],
    /// The fix as data.
    changes: Vec<JsonChange<'r>>,
    /// The fix as text, where it is made.
    fix: Option<JsonFix<'r>>,
    /// The same for the same finding in another run, whatever happens to other lines.
    fingerprint: &'r str,
}

/// Who asked for a finding not to be fixed.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonSuppression<'r> {
    /// `source` for an annotation or a comment in the manifest, `configuration` otherwise.
    #[schemars(extend("enum" = ["source", "configuration"]))]
    by: &'static str,
    reason: &'r str,
}

/// A container of a pod.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonContainer<'r> {
    /// `container`, `init container`, `sidecar` or `ephemeral container`.
    kind: String,
    /// Its number in its list, from 0.
    index: usize,
    /// Empty where it has none.
    name: &'r str,
}

/// A change of the document's data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonChange<'r> {
    /// `set`, `append` or `remove`.
    #[schemars(extend("enum" = ["set", "append", "remove"]))]
    op: &'static str,
    path: String,
    /// What is set or appended; for `remove` what means the same as absence, where a comment keeps the entry.
    #[schemars(with = "serde_json::Value")]
    value: JsonValue<'r>,
}

/// A fix as text. All edits of it are made, or none.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonFix<'r> {
    /// The same for findings that are fixed together, and whose edits are the same ones.
    id: &'r str,
    edits: Vec<JsonEdit<'r>>,
}

/// A range of the file before the fix, and what takes its place. Ranges are sorted and do not overlap.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonEdit<'r> {
    /// Bytes before the range.
    start: usize,
    /// Bytes before what stands behind the range.
    end: usize,
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
    old_text: &'r str,
    new_text: &'r str,
}

/// Something that could not be read, understood or written.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonProblem<'r> {
    file: Option<&'r str>,
    line: Option<usize>,
    column: Option<usize>,
    message: &'r str,
}

impl<'r> JsonHead<'r> {
    fn new(report: &'r Report) -> Self {
        Self {
            schema_version: VERSION,
            tool: JsonTool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
            mode: report.mode(),
            summary: report.counts(),
        }
    }
}

impl<'r> JsonFinding<'r> {
    fn new(file: &'r File, finding: &'r Finding) -> Self {
        let object = &*finding.object;
        let container = |container: &'r transforms::model::ContainerRef| JsonContainer {
            kind: container.kind.to_string(),
            index: container.index,
            name: &container.name,
        };
        Self {
            id: finding.transform.id,
            title: finding.transform.title,
            category: finding.transform.category.to_string(),
            severity: finding.transform.severity.to_string(),
            level: finding.level.name(),
            state: finding.state.name(),
            held_back: finding.held_back,
            needs_person: finding.needs_person,
            message: finding.message(),
            summary: finding.summary.as_deref(),
            reason: &finding.reason,
            symptom: finding.review().map(|review| review.symptom),
            undo: finding.review().map(|review| review.undo),
            suppression: finding.suppression.as_ref().map(|suppression| JsonSuppression {
                by: if suppression.in_source { "source" } else { "configuration" },
                reason: &suppression.reason,
            }),
            file: &file.name,
            document: finding.document,
            api_version: &object.api_version,
            kind: &object.kind,
            namespace: object.namespace.as_deref(),
            name: object.name.as_deref(),
            container: finding.container.as_ref().map(container),
            inherited_by: finding.inherited_by.iter().map(container).collect(),
            path: &finding.path,
            line: finding.place.line,
            column: finding.place.column,
            pages: finding.transform.pages,
            pod_security: finding.transform.pod_security,
            changes: finding.edits.iter().map(change).collect(),
            fix: finding.fix.as_deref().map(|fix| JsonFix {
                id: &finding.fix_id,
                edits: fix.pieces.iter().map(JsonEdit::new).collect(),
            }),
            fingerprint: &finding.fingerprint,
        }
    }
}

impl<'r> JsonEdit<'r> {
    fn new(replacement: &'r Replacement) -> Self {
        let Replacement { start, end, old, new } = replacement;
        Self {
            start: start.offset,
            end: end.offset,
            start_line: start.line,
            start_column: start.column,
            end_line: end.line,
            end_column: end.column,
            old_text: old,
            new_text: new,
        }
    }
}

impl<'r> JsonProblem<'r> {
    fn new(problem: &'r Trouble) -> Self {
        Self {
            file: problem.file.as_deref(),
            line: problem.position.map(|position| position.line),
            column: problem.position.map(|position| position.column),
            message: &problem.message,
        }
    }
}

fn change(edit: &Edit) -> JsonChange<'_> {
    let (op, value) = match edit {
        Edit::Set { value, .. } => ("set", value),
        Edit::Append { value, .. } => ("append", value),
        Edit::Remove { neutral, .. } => ("remove", neutral.as_ref().unwrap_or(&Value::Null)),
    };
    JsonChange { op, path: edit.path().to_string(), value: JsonValue(value) }
}

/// A value of a document as JSON writes it.
struct JsonValue<'v>(&'v Value);

impl Serialize for JsonValue<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::String(text) => serializer.serialize_str(text),
            Value::Sequence(items) => serializer.collect_seq(items.iter().map(JsonValue)),
            Value::Mapping(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key, JsonValue(value))))
            }
        }
    }
}
