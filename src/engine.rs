//! One file from bytes to bytes: told apart, planned, edited once, read again.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use rewriter::{Document, Edit, Position, Refusal, Stream};
use transforms::{DocumentPlan, Evidence, Outcome, Settings};

use crate::changed::Lines;
use crate::input::kind::{self, FileKind};
use crate::report::finding::{self, Finding};
use crate::report::text;
use crate::reread;

/// What is left of a file that was looked at.
#[derive(Debug)]
pub struct Examined {
    /// What it is.
    pub kind: FileKind,
    /// What was planned for its workloads, by number of the document.
    pub plans: Vec<(usize, DocumentPlan)>,
    /// Whether something is to change.
    pub changed: bool,
    /// The new text, where it was asked for and differs.
    pub text: Option<String>,
    /// What could not be handled.
    pub problems: Vec<Problem>,
    /// What reports tell, where one is to be written.
    pub told: Option<Told>,
}

/// What reports tell of a file.
#[derive(Debug)]
pub struct Told {
    /// All that is not satisfied, in planning order.
    pub findings: Vec<Finding>,
    /// The old text without the data of Secrets, where a report shows it.
    pub source: Option<String>,
}

/// What a file is examined for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To know what would be done. No text is made, so there is none to prove, and the edits are not kept.
    Answer {
        /// Whether it is told as well what is as it should be, which is most of what there is to tell.
        satisfied: bool,
    },
    /// To have the new text, proved.
    Text,
    /// To have the new text, proved, and what requests tell: all that reports do but each fix as text.
    Request,
    /// To have the new text, proved, and all that reports tell.
    Report {
        /// Whether one of them shows pieces of the old text.
        source: bool,
    },
}

/// Something in a file that could not be handled; the run goes on and ends with 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, if there is one place.
    pub position: Option<Position>,
    /// What, and what to do.
    pub message: String,
}

impl Problem {
    fn at(position: Position, message: impl Into<String>) -> Self {
        Self { position: Some(position), message: message.into() }
    }

    fn refused(refusal: &Refusal) -> Self {
        Self::at(refusal.position, format!("{}; this document is left as it is", refusal.reason))
    }
}

impl Examined {
    /// A file of which nothing but its kind matters.
    pub fn of(kind: FileKind) -> Self {
        Self { kind, plans: Vec::new(), changed: false, text: None, problems: Vec::new(), told: None }
    }

    /// A file of which nothing can be made.
    pub fn unreadable(position: Option<Position>, message: impl Into<String>) -> Self {
        let problem = Problem { position, message: message.into() };
        Self { problems: vec![problem], ..Self::of(FileKind::Objects) }
    }
}

/// Looks at the bytes of a file that stands alone, so that only its own documents tell about each other.
pub fn examine(bytes: &[u8], path: &Path, settings: &Settings, purpose: Purpose) -> Examined {
    examine_with(bytes, path, settings, None, None, purpose)
}

/// What a file tells about the pods of others. One that cannot be read, or is no manifest yet, tells nothing.
pub fn evidence(bytes: &[u8], path: &Path) -> Evidence {
    let mut evidence = Evidence::default();
    let Ok(text) = rewriter::decode(bytes) else { return evidence };
    if text.contains("{{") {
        return match Stream::scan(text) {
            Ok(stream) if !is_template(&stream) && !kind::is_in_chart(path) => read_evidence(&stream),
            _ => evidence,
        };
    }
    // Only the documents that may tell something are scanned, since all of them are when the file is planned.
    for text in rewriter::documents(text).filter(|text| may_tell(text)) {
        if let Ok(stream) = Stream::scan(text) {
            stream.documents().for_each(|document| evidence.read(document));
        }
    }
    evidence
}

/// Whether text mentions a kind that tells something, and its name ends there, or goes on as a list of them.
pub fn may_tell(text: &str) -> bool {
    static KINDS: LazyLock<[Finder<'_>; Evidence::KINDS.len()]> =
        LazyLock::new(|| Evidence::KINDS.map(Finder::new));
    let is_kind = |(at, kind): (usize, &str)| {
        let rest = text.get(at + kind.len()..).unwrap_or_default();
        rest.starts_with("List") || !rest.starts_with(|next: char| next.is_ascii_alphanumeric())
    };
    let places = |(finder, kind): (&Finder<'_>, &'static str)| {
        finder.find_iter(text.as_bytes()).any(|at| is_kind((at, kind)))
    };
    KINDS.iter().zip(Evidence::KINDS).any(places)
}

/// Looks at the bytes of a file and plans and applies what `settings` ask for. `path` tells charts apart,
/// `evidence` is what all files of the run tell, and `changed` the lines that a document must hold one of.
pub fn examine_with(
    bytes: &[u8],
    path: &Path,
    settings: &Settings,
    evidence: Option<&Evidence>,
    changed: Option<&Lines>,
    purpose: Purpose,
) -> Examined {
    let text = match rewriter::decode(bytes) {
        Ok(text) => text,
        Err(error) => return Examined::unreadable(error.position(), format!("{error}; it is left as it is")),
    };
    if !kind::mentions_object(bytes) {
        return unmentioned(text, path);
    }
    if text.contains("{{") && kind::is_in_chart(path) {
        return Examined::of(FileKind::Template);
    }
    match Stream::scan(text) {
        Ok(stream) => examine_stream(&stream, settings, evidence, changed, purpose),
        Err(_) if kind::looks_like_template(text) => Examined::of(FileKind::Template),
        Err(error) => Examined::unreadable(
            Some(error.position),
            format!("not valid YAML: {}; the file is left as it is", error.message),
        ),
    }
}

/// Text without a word of `apiVersion` and `kind`.
fn unmentioned(text: &str, path: &Path) -> Examined {
    if kind::is_values_name(path) {
        return Examined::of(FileKind::Values);
    }
    let empty = text.lines().all(|line| {
        let line = line.trim_start_matches('\u{feff}').trim();
        line.is_empty() || line.starts_with('#') || line.starts_with("---")
    });
    // Nothing is written in it, so nothing is wrong with it either.
    Examined::of(if empty { FileKind::Objects } else { FileKind::Other })
}

fn examine_stream(
    stream: &Stream<'_>,
    settings: &Settings,
    evidence: Option<&Evidence>,
    changed: Option<&Lines>,
    purpose: Purpose,
) -> Examined {
    let is_meant = |document: &Document<'_>| changed.is_none_or(|lines| lines.touch(*document));
    let documents = || stream.documents().filter(is_meant);
    let refused = || stream.documents().filter_map(|document| Some((document, document.refusal()?)));
    if is_template(stream) {
        return Examined::of(FileKind::Template);
    }
    let evidence = evidence.map_or_else(|| Cow::Owned(read_evidence(stream)), Cow::Borrowed);
    let mut changing = BTreeSet::new();
    let mut plans: Vec<(usize, DocumentPlan)> = documents()
        .map(|document| (document.index(), transforms::plan(document, settings, &evidence)))
        .filter(|(_, plan)| !plan.is_empty())
        .map(|(index, plan)| {
            if plan.edits().next().is_some() {
                changing.insert(index);
            }
            (index, compact(plan, purpose))
        })
        .collect();
    let workloads = plans.iter().any(|(_, plan)| !plan.pods.is_empty() || !plan.problems.is_empty());
    let objects = workloads || stream.documents().any(is_object);
    let refused_object = refused().any(|(document, _)| kind::mentions_object(document.text().as_bytes()));
    if !objects && !refused_object {
        return Examined::of(FileKind::Other);
    }
    let mut problems = Vec::new();
    for document in documents() {
        let refusal = match document.refusal() {
            Some(refusal) if kind::mentions_object(document.text().as_bytes()) => Some(refusal.clone()),
            None if workloads && is_object(document) => document.duplicate_key(),
            _ => None,
        };
        if let Some(refusal) = refusal {
            plans.retain(|(index, _)| *index != document.index());
            problems.push(Problem::refused(&refusal));
        }
    }
    let kind = if workloads { FileKind::Workloads } else { FileKind::Objects };
    let changed = plans.iter().any(|(index, _)| changing.contains(index));
    let mut examined = Examined { kind, plans, changed, text: None, problems, told: None };
    if changed && !matches!(purpose, Purpose::Answer { .. }) {
        edit(stream, &mut examined);
    }
    if purpose == Purpose::Request {
        let findings = finding::without_fixes(stream, &examined.plans);
        examined.told = Some(Told { findings, source: None });
    }
    if let Purpose::Report { source } = purpose {
        let findings = finding::collect(stream, &examined.plans, source);
        let source = (source && !findings.is_empty()).then(|| text::without_secrets(stream));
        examined.told = Some(Told { findings, source });
    }
    examined
}

/// Whether a document is refused because a template engine is yet to run over it.
fn is_template(stream: &Stream<'_>) -> bool {
    let mut refused = stream.documents().filter(|document| document.refusal().is_some());
    refused.any(|document| kind::looks_like_template(document.text()))
}

/// What the documents of a stream tell about each other.
fn read_evidence(stream: &Stream<'_>) -> Evidence {
    let mut evidence = Evidence::default();
    let telling = stream.documents().filter(|document| may_tell(document.text()));
    telling.for_each(|document| evidence.read(document));
    evidence
}

/// The plan without what nobody will ask for: it is kept until all documents of the file have theirs, and the
/// plans of a large file take far more room than its text.
fn compact(mut plan: DocumentPlan, purpose: Purpose) -> DocumentPlan {
    if matches!(purpose, Purpose::Answer { .. }) {
        plan.annotations = Vec::new();
    }
    let of_objects = plan.objects.iter_mut().map(|object| &mut object.findings);
    for findings in of_objects.chain(plan.pods.iter_mut().map(|pod| &mut pod.findings)) {
        if let Purpose::Answer { satisfied } = purpose {
            findings.retain(|judged| satisfied || !matches!(judged.finding.outcome, Outcome::Satisfied));
            for judged in findings.iter_mut() {
                if let Outcome::Fix(fix) = &mut judged.finding.outcome {
                    fix.edits = Vec::new();
                }
            }
        }
        findings.shrink_to_fit();
    }
    plan
}

/// Whether the document says that it is a Kubernetes object.
fn is_object(document: Document<'_>) -> bool {
    document.root().is_some_and(|root| root.get("apiVersion").is_some() && root.get("kind").is_some())
}

/// Applies the planned edits and proves the result; a document that fails keeps its text and its plan goes.
fn edit(stream: &Stream<'_>, examined: &mut Examined) {
    loop {
        let edits: Vec<(usize, Vec<&Edit>)> =
            examined.plans.iter().map(|(document, plan)| (*document, plan.edits().collect())).collect();
        let applied = rewriter::apply(stream, &edits);
        let mut failed: Vec<(usize, String)> =
            applied.failures.iter().map(|(document, error)| (*document, error.to_string())).collect();
        failed.extend(unproved(stream, &applied.text, &edits));
        if failed.is_empty() {
            examined.changed = applied.text != stream.text();
            examined.text = examined.changed.then_some(applied.text);
            return;
        }
        let dropped: BTreeSet<usize> = failed.iter().map(|(document, _)| *document).collect();
        for (index, message) in failed {
            let start = stream.document(index).map_or(0, |document| first_content(document));
            examined.problems.push(Problem::at(
                stream.position(start),
                format!("{message}; this document is left as it is"),
            ));
        }
        examined.plans.retain(|(document, _)| !dropped.contains(document));
        examined.problems.sort_by_key(|problem| problem.position);
    }
}

/// The documents that an independent reader does not find changed as declared, and why.
fn unproved(stream: &Stream<'_>, text: &str, edits: &[(usize, Vec<&Edit>)]) -> Vec<(usize, String)> {
    let Ok(new) = Stream::scan(text) else {
        return edits.iter().map(|(index, _)| (*index, reread::RereadError::Different.to_string())).collect();
    };
    let changed = edits.iter().filter(|(_, edits)| !edits.is_empty());
    let failures = changed.filter_map(|(index, edits)| {
        let (old, new) = (stream.document(*index)?, new.document(*index)?);
        let error = reread::check(old.text(), new.text(), edits.iter().copied()).err()?;
        Some((*index, error.to_string()))
    });
    failures.collect()
}

/// Where the document's value starts.
fn first_content(document: Document<'_>) -> usize {
    document.root().map_or(document.range().start, |root| root.span().start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_tell_something_are_words() {
        for text in [
            "kind: Service",
            "\"kind\":\"ServiceAccount\",",
            "kind: ClusterRoleBinding\r\n",
            "kind: ServiceList",
        ] {
            assert!(may_tell(text), "{text}");
        }
        for text in
            ["", "kind: ServiceMonitor", "serviceAccountName: a", "kind: Deployment", "kind: Namespaces"]
        {
            assert!(!may_tell(text), "{text}");
        }
    }

    const REFUSING: &str =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nautomountServiceAccountToken: false\n";

    #[test]
    fn documents_tell_the_same_alone_and_among_others() {
        let told = |text: &str| evidence(text.as_bytes(), Path::new("a.yaml"));
        let alone = told(REFUSING);
        assert_ne!(alone, Evidence::default());
        for text in [
            format!("kind: [\n---\n{REFUSING}"),
            format!("\u{feff}# a\r\n--- # b\r\n{REFUSING}...\n---\na: '{{{{ b }}}}'\n"),
            format!("%YAML 1.1\n---\nkind: Deployment\n---\n{REFUSING}"),
        ] {
            assert_eq!(told(&text), alone, "{text}");
        }
        assert_eq!(told(&format!("{REFUSING}---\n{{{{ template }}}}: a\n")), Evidence::default());
    }
}
