//! What reports tell of one file, made while its text is at hand and kept when it is gone.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use rewriter::{Document, Draft, Edit, Node, Splice, Stream};
use transforms::model::ContainerRef;
use transforms::{DocumentPlan, Judged, Meta, Outcome, Review, Severity};

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
    /// The object.
    pub object: Arc<Object>,
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
        let Object { kind, namespace, name, .. } = &*self.object;
        let object = super::object_name(kind, namespace.as_deref(), name.as_deref());
        match &self.container {
            Some(container) => format!("{object}: {}", super::container_name(container)),
            None => object,
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
    /// Why.
    pub reason: String,
}

/// The object that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The document's number in its file, from zero.
    pub document: usize,
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// The namespace, where one is written.
    pub namespace: Option<String>,
    /// The name, where one is written.
    pub name: Option<String>,
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
    fn of(stream: &Stream<'_>, offset: usize) -> Self {
        let position = stream.position(offset);
        Self {
            line: position.line,
            column: position.column,
            byte_column: offset - line_start(stream.text(), offset) + 1,
            offset,
        }
    }
}

/// What is applied together for one finding or for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFix {
    /// Its number among those of the file.
    pub number: usize,
    /// Its pieces, sorted, with text between them.
    pub pieces: Vec<Replacement>,
    /// The lines from the first piece to the last one as they are and as they will be, without the last line
    /// break; none where they hold the data of a Secret.
    pub lines: Option<Replacement>,
}

/// A range of the old text and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Where the old text starts.
    pub start: Place,
    /// Where it ends.
    pub end: Place,
    /// The old text.
    pub old: String,
    /// The new text.
    pub new: String,
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
        let is_shown = |splices: &[&Splice]| !splices.iter().any(|splice| is_secret(splice));
        let shown = |splices: &[&Splice]| -> Vec<Replacement> {
            let shown = splices.iter().filter(|_| is_shown(splices));
            shown.map(|splice| replacement(stream, splice)).collect()
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

/// The text with the data of its Secrets made unreadable, byte for byte as long as before.
pub fn without_secrets(stream: &Stream<'_>) -> String {
    let mut text = stream.text().to_owned();
    for secret in stream.documents().flat_map(secrets) {
        let Some(old) = text.get(secret.clone()) else { continue };
        // Several bytes may have been one character.
        let hidden: String = old
            .chars()
            .flat_map(|character| {
                let shown = if matches!(character, '\n' | '\r' | ' ') { character } else { '*' };
                std::iter::repeat_n(shown, character.len_utf8())
            })
            .collect();
        text.replace_range(secret, &hidden);
    }
    text
}

/// Where the data of Secrets stands, at any depth: in lists and templates too.
fn secrets(document: Document<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !document.text().contains("Secret") {
        return found;
    }
    let mut nodes: Vec<Node<'_>> = document.root().into_iter().collect();
    while let Some(node) = nodes.pop() {
        if node.is_mapping() && node.get("kind").is_some_and(|kind| kind.is_text("Secret")) {
            // What `kubectl apply` notes holds the data once more.
            let annotations = node.get("metadata").and_then(|metadata| metadata.get("annotations"));
            let hidden = [node.get("data"), node.get("stringData"), annotations];
            found.extend(hidden.into_iter().flatten().flat_map(values).map(|value| value.span()));
            continue;
        }
        nodes.extend(node.items());
        nodes.extend(node.entries().map(|(_, value)| value));
    }
    found.sort_by_key(|range| range.start);
    found
}

/// The scalars in a value, or itself.
fn values(node: Node<'_>) -> Vec<Node<'_>> {
    let inside: Vec<Node<'_>> = node.items().chain(node.entries().map(|(_, value)| value)).collect();
    if inside.is_empty() { vec![node] } else { inside.into_iter().flat_map(values).collect() }
}

fn of_plan(stream: &Stream<'_>, document: usize, plan: &DocumentPlan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for object in &plan.objects {
        let about = Arc::new(Object {
            document,
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
        });
        findings.extend(object.findings.iter().filter_map(|judged| finding(stream, judged, &about)));
    }
    for pod in &plan.pods {
        let about = Arc::new(Object {
            document,
            api_version: pod.api_version.clone(),
            kind: pod.kind.clone(),
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
        });
        findings.extend(pod.findings.iter().filter_map(|judged| finding(stream, judged, &about)));
    }
    findings
}

/// Nothing where the rule is satisfied.
fn finding(stream: &Stream<'_>, judged: &Judged, object: &Arc<Object>) -> Option<Finding> {
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
        suppression: None,
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

/// Gives each finding that is fixed the pieces of text that are applied for it. Findings that share a piece
/// share all of theirs: one of them alone would leave half of another's fix in the file.
fn join(text: &str, findings: &mut [Finding], draft: &Draft<'_>, mut fix: impl FnMut(&[&Splice]) -> TextFix) {
    let fixed: Vec<usize> =
        (0..findings.len()).filter(|index| findings[*index].state == State::Fixed).collect();
    let mut owners = Vec::new();
    let mut edits: Vec<&Edit> = Vec::new();
    for index in &fixed {
        owners.extend(std::iter::repeat_n(*index, findings[*index].edits.len()));
        edits.extend(&findings[*index].edits);
    }
    // They were applied a moment ago, so that they can be placed.
    let Ok(splices) = draft.splices(&edits) else { return };
    let splices = apart(splices);
    let mut sets = Sets((0..findings.len()).collect());
    for splice in &splices {
        let mut of_splice = splice.edits.iter().filter_map(|edit| owners.get(*edit));
        if let Some(first) = of_splice.next() {
            of_splice.for_each(|other| sets.unite(*first, *other));
        }
    }
    // Nor may the lines of one lie among those of another, which a reviewer takes as a whole.
    let mut ends: BTreeMap<usize, usize> = BTreeMap::new();
    let owner = |splice: &Splice| splice.edits.first().and_then(|edit| owners.get(*edit)).copied();
    for splice in &splices {
        if let Some(owner) = owner(splice) {
            ends.insert(sets.root(owner), line_end(text, splice.range.end));
        }
    }
    let mut open: Option<(usize, usize)> = None;
    for splice in &splices {
        let Some(root) = owner(splice).map(|owner| sets.root(owner)) else { continue };
        let end = ends.get(&root).copied().unwrap_or_default();
        open = match open {
            Some((before, until)) if line_start(text, splice.range.start) <= until => {
                sets.unite(before, root);
                Some((sets.root(root), until.max(end)))
            }
            _ => Some((root, end)),
        };
    }
    let mut pieces: BTreeMap<usize, Vec<&Splice>> = BTreeMap::new();
    for splice in &splices {
        if let Some(owner) = owner(splice) {
            pieces.entry(sets.root(owner)).or_default().push(splice);
        }
    }
    let mut made = HashMap::new();
    for index in fixed {
        let root = sets.root(index);
        let Some(pieces) = pieces.get(&root) else { continue };
        findings[index].fix = Some(Arc::clone(made.entry(root).or_insert_with(|| Arc::new(fix(pieces)))));
    }
}

/// The pieces and the text between them as one piece of whole lines.
fn whole_lines(text: &str, splices: &[&Splice]) -> Option<Splice> {
    let (first, last) = (splices.first()?, splices.last()?);
    let (start, end) = (line_start(text, first.range.start), line_end(text, last.range.end));
    let mut new = String::new();
    let mut at = start;
    for splice in splices {
        new.push_str(text.get(at..splice.range.start)?);
        new.push_str(&splice.text);
        at = splice.range.end;
    }
    new.push_str(text.get(at..end)?);
    Some(Splice { range: start..end, text: new, edits: Vec::new() })
}

fn line_start(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    let rest = text.as_bytes().get(offset..).unwrap_or_default();
    offset + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// The same pieces, those that touch as one: in which order two go into one place would be for the reader to guess.
fn apart(splices: Vec<Splice>) -> Vec<Splice> {
    let mut apart: Vec<Splice> = Vec::with_capacity(splices.len());
    for mut splice in splices {
        match apart.last_mut() {
            Some(last) if last.range.end == splice.range.start => {
                last.range.end = splice.range.end;
                last.text.push_str(&splice.text);
                last.edits.append(&mut splice.edits);
            }
            _ => apart.push(splice),
        }
    }
    apart
}

fn replacement(stream: &Stream<'_>, splice: &Splice) -> Replacement {
    Replacement {
        start: Place::of(stream, splice.range.start),
        end: Place::of(stream, splice.range.end),
        old: stream.text().get(splice.range.clone()).unwrap_or_default().to_owned(),
        new: splice.text.clone(),
    }
}

/// Disjoint sets: for each element another one of its set, or itself.
struct Sets(Vec<usize>);

impl Sets {
    fn root(&mut self, mut element: usize) -> usize {
        while self.0[element] != element {
            self.0[element] = self.0[self.0[element]];
            element = self.0[element];
        }
        element
    }

    /// The earlier root stays, so that the numbers do not depend on the order of pieces.
    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }
}
