//! One file from bytes to bytes: told apart, planned, edited once, read again.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use rewriter::{Document, Edit, Position, Refusal, Rewrite, Stream};
use transforms::generate::Subject;
use transforms::model::Workloads;
use transforms::{DocumentPlan, Evidence, Outcome, Settings};

use crate::changed::Lines;
use crate::input::kind::{self, FileKind};
use crate::report::finding::{self, Finding};
use crate::report::{Tally, text};
use crate::reread;

/// What is left of a file that was looked at.
#[derive(Debug)]
pub struct Examined {
    /// What it is.
    pub kind: FileKind,
    /// What was planned for its workloads, by number of the document; without the objects and pods where they
    /// were only to be counted.
    pub plans: Vec<(usize, DocumentPlan)>,
    /// What the plans come to.
    pub counted: Tally,
    /// The overrides that found something to suppress.
    pub overrides: BTreeSet<usize>,
    /// What generated files are to know of the pods.
    pub subjects: Vec<Subject>,
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
    /// To know how much would be done. Plans are counted and dropped one by one: those of a large file take many
    /// times the room of its text. No text is made, so there is none to prove.
    Count,
    /// To know what would be done: the same with the plans, but without the edits.
    Answer,
    /// To have the new text, proved, and to know how much was done.
    Rewrite,
    /// The same with the plans.
    Text,
    /// To have the new text, proved, and what requests tell: all that reports do but each fix as text.
    Request,
    /// To have the new text, proved, and all that reports tell.
    Report {
        /// Whether one of them shows pieces of the old text.
        source: bool,
    },
}

impl Purpose {
    fn makes_text(self) -> bool {
        match self {
            Self::Count | Self::Answer => false,
            Self::Rewrite | Self::Text | Self::Request | Self::Report { .. } => true,
        }
    }

    fn only_counts(self) -> bool {
        matches!(self, Self::Count | Self::Rewrite)
    }
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
        Self {
            kind,
            plans: Vec::new(),
            counted: Tally::default(),
            overrides: BTreeSet::new(),
            subjects: Vec::new(),
            changed: false,
            text: None,
            problems: Vec::new(),
            told: None,
        }
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
    if is_template(stream) {
        return Examined::of(FileKind::Template);
    }
    let evidence = evidence.map_or_else(|| Cow::Owned(read_evidence(stream)), Cow::Borrowed);
    let mut desk = Desk {
        settings,
        evidence: &evidence,
        purpose,
        rewrite: Rewrite::new(stream),
        examined: Examined::of(FileKind::Objects),
    };
    let is_meant = |document: &Document<'_>| changed.is_none_or(|lines| lines.touch(*document));
    let mut workloads = false;
    let mut is_asked = false;
    for document in stream.documents().filter(is_meant) {
        let found = Workloads::with(document, settings);
        workloads |= has_workloads(&found);
        // A defect in one document counts where there are workloads in any.
        if !workloads && !is_asked {
            is_asked = true;
            let mut later =
                stream.documents().filter(is_meant).skip_while(|it| it.index() <= document.index());
            workloads = later.any(|later| has_workloads(&Workloads::with(later, settings)));
        }
        let refusal = match document.refusal() {
            Some(refusal) if kind::mentions_object(document.text().as_bytes()) => Some(refusal.clone()),
            None if workloads && is_object(document) => document.duplicate_key(),
            _ => None,
        };
        match refusal {
            Some(refusal) => desk.examined.problems.push(Problem::refused(&refusal)),
            None => desk.take(document, found, workloads),
        }
    }
    let refused_object = || {
        let refused = stream.documents().filter(|document| document.refusal().is_some());
        refused.map(|document| document.text()).any(|text| kind::mentions_object(text.as_bytes()))
    };
    if !workloads && !stream.documents().any(is_object) && !refused_object() {
        return Examined::of(FileKind::Other);
    }
    let mut examined = desk.finish();
    if workloads {
        examined.kind = FileKind::Workloads;
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

fn has_workloads(found: &Workloads<'_>) -> bool {
    !found.pods.is_empty() || !found.problems.is_empty()
}

/// Where the documents of a file are planned and edited one after the other.
struct Desk<'s, 'e> {
    settings: &'e Settings,
    evidence: &'e Evidence,
    purpose: Purpose,
    rewrite: Rewrite<'s>,
    examined: Examined,
}

impl Desk<'_, '_> {
    /// Plans a document, applies the edits where a new text is wanted, and proves the result; a document that fails
    /// keeps its text, and its plan goes. `is_unambiguous` says that no key of it is there twice.
    fn take(&mut self, document: Document<'_>, found: Workloads<'_>, is_unambiguous: bool) {
        let Self { settings, evidence, purpose, .. } = *self;
        let mut counted = Tally::default();
        let mut subjects = Vec::new();
        let mut edits = Vec::new();
        let mut is_changed = false;
        let mut kept = DocumentPlan::default();
        transforms::plan_parts(document, found, settings, evidence, |mut part| {
            counted.count_plan(&part);
            subjects.extend(part.pods.iter_mut().filter_map(|pod| pod.subject.take()));
            is_changed |= part.edits().next().is_some();
            if purpose == Purpose::Rewrite {
                edits.append(&mut part.take_edits());
            }
            kept.append(compact(part, purpose));
        });
        // In a file without workloads a key that is there twice is nobody's concern, until something is to change.
        if is_changed
            && !is_unambiguous
            && let Some(refusal) = document.duplicate_key()
        {
            return self.examined.problems.push(Problem::refused(&refusal));
        }
        if is_changed && purpose.makes_text() {
            let all: Vec<&Edit> = edits.iter().chain(kept.edits()).collect();
            match edited(document, &all) {
                Ok(text) => {
                    is_changed = text != document.text();
                    self.rewrite.put(document, &text);
                }
                Err(message) => return self.refuse(document, &message),
            }
        }
        let examined = &mut self.examined;
        examined.changed |= is_changed;
        examined.counted.add(&counted);
        examined.subjects.append(&mut subjects);
        examined.overrides.append(&mut kept.overrides_used);
        if !kept.is_empty() {
            examined.plans.push((document.index(), kept));
        }
    }

    fn refuse(&mut self, document: Document<'_>, message: &str) {
        let position = document.position(first_content(document));
        let message = format!("{message}; this document is left as it is");
        self.examined.problems.push(Problem::at(position, message));
    }

    fn finish(self) -> Examined {
        let Self { mut examined, rewrite, purpose, .. } = self;
        if examined.changed && purpose.makes_text() {
            match rewrite.finish() {
                Ok(text) => examined.text = Some(text),
                Err(error) => return Examined::unreadable(None, format!("{error}; it is left as it is")),
            }
        }
        examined
    }
}

/// The text of a document with `edits` made, which both its own scan and an independent reader find changed as
/// declared.
fn edited(document: Document<'_>, edits: &[&Edit]) -> Result<String, String> {
    let text = rewriter::apply_to(document, edits).map_err(|error| error.to_string())?;
    reread::check_document(document, &text, edits).map_err(|error| error.to_string())?;
    Ok(text)
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

/// The plan without what nobody will ask for.
fn compact(mut plan: DocumentPlan, purpose: Purpose) -> DocumentPlan {
    if !purpose.makes_text() {
        plan.annotations = Vec::new();
    }
    if purpose.only_counts() {
        return DocumentPlan { objects: Vec::new(), pods: Vec::new(), ..plan };
    }
    let of_objects = plan.objects.iter_mut().map(|object| &mut object.findings);
    for findings in of_objects.chain(plan.pods.iter_mut().map(|pod| &mut pod.findings)) {
        if purpose == Purpose::Answer {
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
