//! What reports tell of one file, made while its text is at hand and kept when it is gone.

use std::sync::Arc;

use rewriter::{Draft, Edit, Splice, Stream};
use transforms::model::{ContainerRef, ObjectRef};
use transforms::suppression::Origin;
use transforms::{DocumentPlan, Judged, Meta, Outcome, Review, Severity, Suppressed};

use super::text::{Replacement, TextFix, apart, join, line_start, replacement, secrets, whole_lines};

/// What a transform said about one place, and what became of it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The transform.
    pub transform: &'static Meta,
    /// How sure the fix is, or that there is none to be made by a program.
    pub level: Level,
    /// What became of it.
    pub state: State,
    /// Whether it has a fix that only `--safe` kept from being made.
    pub held_back: bool,
    /// Whether a person has to do something; false for what stays on purpose.
    pub needs_person: bool,
    /// What the fix does, where there is one.
    pub summary: Option<String>,
    /// Why the fix has its level, or why there is none.
    pub reason: String,
    /// Who asked for it not to be fixed, and why.
    pub suppression: Option<Suppression>,
    /// The document's number in its file, from zero.
    pub document: usize,
    /// The object.
    pub object: Arc<ObjectRef>,
    /// The container; none for what is about a pod or an object.
    pub container: Option<ContainerRef>,
    /// The containers that get the pod's value.
    pub inherited_by: Vec<ContainerRef>,
    /// The field in the document's data.
    pub path: String,
    /// The field as it is told apart when other lines, containers or documents come and go.
    pub stable_path: String,
    /// The field in the text, or the nearest place above it.
    pub place: Place,
    /// The fix as data.
    pub edits: Vec<Edit>,
    /// The fix as text, where it is made.
    pub fix: Option<Arc<TextFix>>,
    /// What the finding's own part of it looks like, where a report shows it.
    pub own: Vec<Replacement>,
    /// The same for the same finding in another run; [`super::Report::add`] makes it.
    pub fingerprint: String,
    /// The fingerprint of the first of those that are fixed together with it; empty without a fix.
    pub fix_id: String,
}

impl Finding {
    /// Whom it is about: ``Deployment shop/web: container `web` ``.
    pub fn subject(&self) -> String {
        match &self.container {
            Some(container) => format!("{}: {}", self.object, super::container_name(container)),
            None => self.object.to_string(),
        }
    }

    /// What is wrong, what is done about it, and why so.
    pub fn message(&self) -> String {
        let Self { transform, summary, reason, suppression, .. } = self;
        match (suppression, summary) {
            (Some(suppression), _) => format!("{}; not to be fixed: {}", transform.title, suppression.reason),
            (None, Some(summary)) if self.held_back => {
                format!("{}; held back by --safe: {summary}: {reason}", transform.title)
            }
            (None, Some(summary)) if self.state == State::Fixed => {
                format!("{}; {summary}: {reason}", transform.title)
            }
            _ => format!("{}; {reason}", transform.title),
        }
    }

    /// What may happen after its fix, and the way back.
    pub fn review(&self) -> Option<&'static Review> {
        self.transform.review.as_ref().filter(|_| self.level == Level::Review)
    }

    /// Whether it is the first of those that are fixed together.
    pub fn leads(&self) -> bool {
        self.fix.is_some() && self.fix_id == self.fingerprint
    }

    /// How much it matters to a reader of the report.
    pub fn weight(&self) -> Weight {
        match (self.state, self.transform.severity) {
            (State::Suppressed, _) | (_, Severity::Low) => Weight::Note,
            (State::Left, _) if !self.needs_person => Weight::Note,
            (_, Severity::Medium) => Weight::Warning,
            (_, Severity::High) => Weight::Error,
        }
    }
}

/// How much a finding matters, in the three steps that most formats know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It is good to know.
    Note,
    /// Something should be done.
    Warning,
    /// Something has to be done.
    Error,
}

/// How sure it is that a fix breaks nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing that works can notice it.
    Safe,
    /// Something may rely on what it takes away.
    Review,
    /// There is no fix that a program could make.
    Manual,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Safe, Self::Review, Self::Manual];

    /// As reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Review => "review",
            Self::Manual => "manual",
        }
    }
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Its fix is made, or would be where nothing is written.
    Fixed,
    /// It stays.
    Left,
    /// It stays because somebody asked for that.
    Suppressed,
}

impl State {
    /// As reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Left => "left",
            Self::Suppressed => "suppressed",
        }
    }
}

/// Who asked for a finding not to be fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Whether it is written in the manifest, as an annotation or a comment, or else in the configuration.
    pub in_source: bool,
    /// Why, and until when.
    pub reason: String,
}

impl Suppression {
    fn of(suppressed: &Suppressed) -> Self {
        let Suppressed { reason, until, origin } = suppressed;
        let until = until.map_or_else(String::new, |until| format!(" (until {until})"));
        Self { in_source: !matches!(origin, Origin::Override(_)), reason: format!("{reason}{until}") }
    }
}

/// A place in a text in each of the ways in which readers of reports count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from one.
    pub line: usize,
    /// Column in characters, from one.
    pub column: usize,
    /// Column in bytes, from one.
    pub byte_column: usize,
    /// Byte offset from the start of the file.
    pub offset: usize,
}

impl Place {
    pub(super) fn of(stream: &Stream<'_>, offset: usize) -> Self {
        let position = stream.position(offset);
        Self {
            line: position.line,
            column: position.column,
            byte_column: offset - line_start(stream.text(), offset) + 1,
            offset,
        }
    }
}

/// What reports tell of the documents of a file, in planning order. `own` asks for what each finding comes to
/// by itself.
pub fn collect(stream: &Stream<'_>, plans: &[(usize, DocumentPlan)], own: bool) -> Vec<Finding> {
    let mut groups = 0;
    let mut all = Vec::new();
    for (index, plan) in plans {
        let Some(document) = stream.document(*index) else { continue };
        let mut findings = of_plan(stream, *index, plan);
        let draft = Draft::new(document);
        let secrets = secrets(document);
        let is_secret = |splice: &Splice| {
            secrets.iter().any(|secret| splice.range.start < secret.end && secret.start < splice.range.end)
        };
        let shown = |splices: &[&Splice]| -> Vec<Replacement> {
            if splices.iter().any(|splice| is_secret(splice)) {
                return Vec::new();
            }
            splices.iter().map(|splice| replacement(stream, splice)).collect()
        };
        join(stream.text(), &mut findings, &draft, |splices| {
            groups += 1;
            let lines = whole_lines(stream.text(), splices).filter(|lines| !is_secret(lines));
            let lines = lines.map(|lines| replacement(stream, &lines));
            TextFix { number: groups - 1, pieces: shown(splices), lines }
        });
        if own {
            for finding in findings.iter_mut().filter(|finding| !finding.edits.is_empty()) {
                let alone = draft.splices(&finding.edits.iter().collect::<Vec<_>>()).ok().map(apart);
                finding.own = match (&alone, &finding.fix) {
                    (Some(splices), _) => shown(&splices.iter().collect::<Vec<_>>()),
                    (None, Some(together)) => together.pieces.clone(),
                    (None, None) => Vec::new(),
                };
            }
        }
        all.append(&mut findings);
    }
    all
}

/// The same without what fixes are as text, which takes longer than all the rest.
pub fn without_fixes(stream: &Stream<'_>, plans: &[(usize, DocumentPlan)]) -> Vec<Finding> {
    plans.iter().flat_map(|(index, plan)| of_plan(stream, *index, plan)).collect()
}

fn of_plan(stream: &Stream<'_>, document: usize, plan: &DocumentPlan) -> Vec<Finding> {
    let of_objects = plan.objects.iter().map(|object| (&object.object, &object.findings));
    let of_pods = plan.pods.iter().map(|pod| (&pod.object, &pod.findings));
    let judged = of_objects
        .chain(of_pods)
        .flat_map(|(object, findings)| findings.iter().map(move |judged| (object, judged)));
    judged.filter_map(|(object, judged)| finding(stream, document, object, judged)).collect()
}

/// Nothing where the rule is satisfied.
fn finding(
    stream: &Stream<'_>,
    document: usize,
    object: &Arc<ObjectRef>,
    judged: &Judged,
) -> Option<Finding> {
    use transforms::State as Judgement;

    let said = &judged.finding;
    let (level, edits, summary) = match &said.outcome {
        Outcome::Satisfied => return None,
        Outcome::Fix(fix) => {
            let level = match fix.level {
                transforms::Level::Safe => Level::Safe,
                transforms::Level::Review => Level::Review,
            };
            (level, fix.edits.clone(), Some(fix.summary.clone()))
        }
        Outcome::Left(_) => (Level::Manual, Vec::new(), None),
    };
    let fix_reason = || match &said.outcome {
        Outcome::Fix(fix) => fix.reason.clone(),
        Outcome::Left(left) => left.reason.clone(),
        Outcome::Satisfied => String::new(),
    };
    let (state, needs_person, reason) = match &judged.state {
        Judgement::Satisfied => return None,
        Judgement::Fixed => (State::Fixed, false, fix_reason()),
        Judgement::HeldBack => (State::Left, true, fix_reason()),
        Judgement::Left(left) => (State::Left, left.needs_person, left.reason.clone()),
        Judgement::Suppressed(_) => (State::Suppressed, false, fix_reason()),
    };
    let path = said.path.to_string();
    Some(Finding {
        transform: said.transform,
        level,
        state,
        held_back: judged.state == Judgement::HeldBack,
        needs_person,
        summary,
        reason,
        suppression: match &judged.state {
            Judgement::Suppressed(suppressed) => Some(Suppression::of(suppressed)),
            _ => None,
        },
        document,
        object: Arc::clone(object),
        container: said.container.clone(),
        inherited_by: said.inherited_by.clone(),
        stable_path: stable_path(&path, said.container.as_ref()),
        path,
        place: Place::of(stream, said.position.offset),
        edits,
        fix: None,
        own: Vec::new(),
        fingerprint: String::new(),
        fix_id: String::new(),
    })
}

/// The path below the container, whose number changes when another one comes before it.
fn stable_path(path: &str, container: Option<&ContainerRef>) -> String {
    let Some(container) = container.filter(|container| !container.name.is_empty()) else {
        return path.to_owned();
    };
    let item = format!("{}[{}]", container.kind.list(), container.index);
    match path.split_once(&item) {
        Some((_, below)) => format!("{}[{}]{below}", container.kind.list(), container.name),
        None => path.to_owned(),
    }
}
