//! What users do not want to have fixed: annotations, comments and the overrides of a configuration.

mod date;
mod syntax;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use glob::Pattern;
use rewriter::{Document, Edit, Path, Position, Step};

use crate::ALL;
use crate::images::ImageRef;
use crate::model::{Container, Object, Pod, Workloads};
use crate::plan::State;
use crate::settings::Settings;
use crate::support::{Finding, Left, Outcome};

pub use date::{Date, InvalidDate};
pub use syntax::{NoReason, Reason};

/// How the keys of annotations begin; the id follows.
pub const ANNOTATION: &str = "cce-fix/ignore.";

/// The word without which a text holds neither annotation nor comment.
const WORD: &[u8] = b"cce-fix";

/// That somebody does not want a finding fixed, nor to hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// Why, in the words of whoever suppressed it.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// Where it is written.
    pub origin: Origin,
}

/// Where it is written that something is suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In an annotation of the object.
    Annotation(Position),
    /// In a comment.
    Comment(Position),
    /// In the configuration: the override with this number, from zero.
    Override(usize),
    /// In an annotation that this run writes.
    Added,
}

/// What a configuration suppresses: some rules, for what matches every pattern that is given. Which files it is
/// for was decided before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Its number in the configuration, from zero.
    pub number: usize,
    /// For the object's kind.
    pub kind: Option<Pattern>,
    /// For the object's namespace. An object that names none matches no pattern.
    pub namespace: Option<Pattern>,
    /// For the object's name.
    pub name: Option<Pattern>,
    /// For a container's name.
    pub container: Option<Pattern>,
    /// For a container's image: as it is written, or its name without registry, tag and digest.
    pub image: Option<Pattern>,
    /// The ids of the rules.
    pub ids: BTreeSet<String>,
    /// Why, and until when.
    pub reason: Reason,
}

/// A suppression that does not do what its author may think.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where it is written.
    pub position: Position,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with a suppression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// There is nothing to suppress for this rule.
    Unused(&'static str),
    /// Its last day is over, so that its findings count again.
    Expired(Date),
    /// No rule has this id.
    UnknownId(String),
    /// This is no day. It holds without an end until that is mended.
    NoDate(String),
    /// It gives no reason. It holds nevertheless.
    NoReason,
    /// It is not written as it has to be.
    Malformed(&'static str),
    /// Nothing stands where a comment points to.
    Nowhere,
    /// The annotation for this rule cannot be written.
    NotAdded(&'static str, String),
}

/// Something that is suppressed, somewhere.
#[derive(Debug)]
struct Suppression {
    reason: Reason,
    origin: Origin,
}

/// The suppressions for one rule at one place.
#[derive(Debug)]
struct Bucket {
    /// The first one, by number; it gives the reason.
    first: usize,
    is_used: Cell<bool>,
}

type Buckets = HashMap<&'static str, Bucket>;

/// What is suppressed in a document.
#[derive(Debug, Default)]
pub(crate) struct Suppressions {
    all: Vec<Suppression>,
    by_path: HashMap<Vec<Step>, Buckets>,
    /// A comment also speaks for what is reported in its line, because that is where people write it.
    by_line: HashMap<usize, Buckets>,
    /// Each rule that a suppression in the document names, and the places that it is for.
    written: Vec<(Position, &'static str, Place)>,
    /// Each rule that an override names, with the override's number and a place that it is for.
    configured: Vec<(usize, &'static str, Path)>,
    notices: Vec<Notice>,
}

/// Where a suppression holds.
#[derive(Clone, Debug)]
struct Place {
    path: Path,
    line: Option<usize>,
}

impl Suppressions {
    /// Reads what is suppressed in the document of `workloads`.
    pub(crate) fn of(document: Document<'_>, workloads: &Workloads<'_>, settings: &Settings) -> Self {
        let mut found = Self::default();
        if !settings.suppressions || workloads.objects.is_empty() && workloads.pods.is_empty() {
            return found;
        }
        if memchr::memmem::find(document.text().as_bytes(), WORD).is_some() {
            let objects = workloads.objects.iter().chain(workloads.pods.iter().map(|pod| &pod.object));
            let mut seen = BTreeSet::new();
            for object in objects.filter(|object| seen.insert(&object.path)) {
                found.read_annotations(object, settings);
            }
            workloads.pods.iter().for_each(|pod| found.note_annotations_of_template(pod));
            found.read_comments(document, settings);
        }
        for rule in &settings.overrides {
            found.read_override(rule, workloads, settings);
        }
        found
    }

    fn read_annotations(&mut self, object: &Object<'_>, settings: &Settings) {
        let annotations = object.node.get("metadata").and_then(|metadata| metadata.get("annotations"));
        for (key, value) in annotations.into_iter().flat_map(|annotations| annotations.entries()) {
            let name = key.text();
            let Some(id) = name.strip_prefix(ANNOTATION) else {
                if name.starts_with("cce-fix/") {
                    let flaw = Flaw::Malformed("expected the key `cce-fix/ignore.ID`");
                    self.notices.push(Notice { position: key.position(), flaw });
                }
                continue;
            };
            let place = Place { path: object.path.clone(), line: None };
            let position = key.position();
            self.add_written(position, &[id], &value.text(), Origin::Annotation(position), &place, settings);
        }
    }

    /// Those of a pod that an object makes would travel with every pod; nothing reads them.
    fn note_annotations_of_template(&mut self, pod: &Pod<'_>) {
        if pod.template.path() == &pod.object.path {
            return;
        }
        let annotations = pod.template.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let keys = annotations.into_iter().flat_map(|annotations| annotations.entries()).map(|(key, _)| key);
        for key in keys.filter(|key| key.text().starts_with("cce-fix/")) {
            let flaw = Flaw::Malformed("an annotation of the object itself is read, not one of its pods");
            self.notices.push(Notice { position: key.position(), flaw });
        }
    }

    fn read_comments(&mut self, document: Document<'_>, settings: &Settings) {
        for comment in document.comments(syntax::is_addressed) {
            let position = comment.position;
            let (ids, reason) = match syntax::read(comment.text) {
                Ok(read) => read,
                Err(message) => {
                    self.notices.push(Notice { position, flaw: Flaw::Malformed(message) });
                    continue;
                }
            };
            let Some(place) = comment.place else {
                self.notices.push(Notice { position, flaw: Flaw::Nowhere });
                continue;
            };
            let place = Place { path: place.path, line: Some(place.line) };
            self.add_written(position, &ids, reason, Origin::Comment(position), &place, settings);
        }
    }

    fn read_override(&mut self, rule: &Override, workloads: &Workloads<'_>, settings: &Settings) {
        if is_over(&rule.reason, settings) {
            return;
        }
        let ids: Vec<&'static str> = rule.ids.iter().filter_map(|id| known(id)).collect();
        let number = self.all.len();
        self.all.push(Suppression { reason: rule.reason.clone(), origin: Origin::Override(rule.number) });
        let mut places = Vec::new();
        if rule.container.is_none() && rule.image.is_none() {
            let objects = workloads.objects.iter().chain(workloads.pods.iter().map(|pod| &pod.object));
            places.extend(objects.filter(|object| rule.is_for(object)).map(|object| object.path.clone()));
        } else {
            for pod in workloads.pods.iter().filter(|pod| rule.is_for(&pod.object)) {
                let containers = pod.containers.iter().filter(|container| rule.is_for_container(container));
                places.extend(containers.map(|container| container.section.path().clone()));
            }
        }
        for path in places {
            self.configured.extend(ids.iter().map(|id| (rule.number, *id, path.clone())));
            self.add(number, &ids, &Place { path, line: None });
        }
    }

    /// Adds what is written in the document itself, and notes what is wrong with it.
    fn add_written(
        &mut self,
        position: Position,
        names: &[&str],
        reason: &str,
        origin: Origin,
        place: &Place,
        settings: &Settings,
    ) {
        let mut note = |flaw| self.notices.push(Notice { position, flaw });
        let mut ids = Vec::new();
        for name in names {
            match known(name) {
                Some(id) => ids.push(id),
                None => note(Flaw::UnknownId((*name).to_owned())),
            }
        }
        let reason = Reason::read(reason);
        if let Some(text) = &reason.no_date {
            note(Flaw::NoDate(text.clone()));
        }
        if reason.text.is_empty() {
            note(Flaw::NoReason);
        }
        if is_over(&reason, settings) {
            reason.until.into_iter().for_each(|until| note(Flaw::Expired(until)));
            return;
        }
        let number = self.all.len();
        self.all.push(Suppression { reason, origin });
        self.add(number, &ids, place);
        self.written.extend(ids.into_iter().map(|id| (position, id, place.clone())));
    }

    fn add(&mut self, number: usize, ids: &[&'static str], place: &Place) {
        let by_path = self.by_path.entry(place.path.steps().to_vec()).or_default();
        let by_line = place.line.map(|line| self.by_line.entry(line).or_default());
        for buckets in [Some(by_path), by_line].into_iter().flatten() {
            for id in ids {
                buckets.entry(id).or_insert_with(|| Bucket { first: number, is_used: Cell::new(false) });
            }
        }
    }

    /// What becomes of `finding`, for which `state` was decided.
    pub(crate) fn judge(&self, finding: &Finding, pod: Option<&Pod<'_>>, state: State) -> State {
        if self.all.is_empty() || state == State::Satisfied {
            return state;
        }
        match (self.matching(finding, pod), &finding.outcome) {
            (Match::Nothing, _) | (Match::Part(..), Outcome::Left(_) | Outcome::Satisfied) => state,
            (Match::Whole(Suppression { reason, origin }), _) => State::Suppressed(Suppressed {
                reason: reason.text.clone(),
                until: reason.until,
                origin: *origin,
            }),
            (Match::Part(by), Outcome::Fix(fix)) => {
                let Suppression { reason, .. } = by;
                let reason = format!(
                    "the fix would also reach where it is suppressed ({}); by hand: {}",
                    reason.text, fix.summary
                );
                State::Left(Left { reason, needs_person: true })
            }
        }
    }

    /// Why the rule `id` would not be followed somewhere in the pod at `path` or in one of its containers.
    pub(crate) fn speaks_against(&self, id: &str, path: &Path, pod: &Pod<'_>) -> Option<&str> {
        if self.all.is_empty() {
            return None;
        }
        let containers = pod.containers.iter().map(|container| container.section.path());
        let found = [path].into_iter().chain(containers).find_map(|path| self.covering(id, path))?;
        Some(&found.reason.text)
    }

    fn matching(&self, finding: &Finding, pod: Option<&Pod<'_>>) -> Match<'_> {
        let id = finding.transform.id;
        let by_line = self.by_line.get(&finding.position.line);
        let by_line = by_line.and_then(|buckets| buckets.get(id)).map(|bucket| self.used(bucket));
        if let Some(found) = self.covering(id, &finding.path).or(by_line) {
            return Match::Whole(found);
        }
        let (mut covered, mut free) = (None, false);
        if let Some(pod) = pod {
            for container in finding.containers().filter_map(|reference| pod.container(reference)) {
                match self.covering(id, container.section.path()) {
                    Some(found) => covered = covered.or(Some(found)),
                    None => free = true,
                }
            }
        }
        if let (Some(found), false) = (covered, free) {
            return Match::Whole(found);
        }
        if let Outcome::Fix(fix) = &finding.outcome {
            let reached = fix.edits.iter().find_map(|edit| self.covering(id, edit.path()));
            match reached {
                Some(found) if finding.containers().count() == 1 => return Match::Whole(found),
                _ => covered = covered.or(reached),
            }
        }
        covered.map_or(Match::Nothing, Match::Part)
    }

    /// The suppression of the rule `id` at `path` or above it. All of them count as used.
    fn covering(&self, id: &str, path: &Path) -> Option<&Suppression> {
        let steps = path.steps();
        let buckets = (0..=steps.len()).filter_map(|depth| self.by_path.get(steps.get(..depth)?)?.get(id));
        let mut found = None;
        for bucket in buckets {
            let suppression = self.used(bucket);
            found = found.or(Some(suppression));
        }
        found
    }

    fn used(&self, bucket: &Bucket) -> &Suppression {
        bucket.is_used.set(true);
        // Numbers are given out as suppressions are added, and none is taken away.
        #[expect(clippy::indexing_slicing, reason = "see above")]
        &self.all[bucket.first]
    }

    /// The numbers of the overrides that found something to suppress.
    pub(crate) fn used_overrides(&self) -> BTreeSet<usize> {
        let used = self.configured.iter().filter(|(_, id, path)| is_used(self.by_path.get(path.steps()), id));
        used.map(|(number, _, _)| *number).collect()
    }

    /// What is to be said about suppressions, in their order, once all findings were judged.
    pub(crate) fn notices(mut self, settings: &Settings) -> Vec<Notice> {
        let runs = |id: &str| {
            ALL.iter().map(|transform| transform.meta()).any(|meta| meta.id == id && settings.runs(meta))
        };
        for (position, id, place) in &self.written {
            let of_line = place.line.and_then(|line| self.by_line.get(&line));
            if runs(id) && !is_used(self.by_path.get(place.path.steps()), id) && !is_used(of_line, id) {
                self.notices.push(Notice { position: *position, flaw: Flaw::Unused(id) });
            }
        }
        self.notices.sort_by_key(|notice| notice.position);
        self.notices
    }
}

/// The edit that writes an annotation for the rule `id` into the object at `path`.
pub(crate) fn annotation(path: &Path, id: &str, reason: &str) -> Edit {
    Edit::set(path.keys(["metadata", "annotations"]).key(format!("{ANNOTATION}{id}")), reason)
}

fn is_used(buckets: Option<&Buckets>, id: &str) -> bool {
    buckets.and_then(|buckets| buckets.get(id)).is_some_and(|bucket| bucket.is_used.get())
}

/// How far a finding is suppressed.
enum Match<'s> {
    Nothing,
    /// For some of the containers that it speaks for, or some of what its fix changes.
    Part(&'s Suppression),
    Whole(&'s Suppression),
}

impl Override {
    fn is_for(&self, object: &Object<'_>) -> bool {
        let matches = |pattern: &Option<Pattern>, text: Option<&str>| match (pattern, text) {
            (None, _) => true,
            (Some(pattern), Some(text)) => pattern.matches(text),
            (Some(_), None) => false,
        };
        matches(&self.kind, Some(&object.kind))
            && matches(&self.namespace, object.namespace().as_deref())
            && matches(&self.name, object.name().as_deref())
    }

    fn is_for_container(&self, container: &Container<'_>) -> bool {
        let is_named = self.container.as_ref().is_none_or(|pattern| pattern.matches(&container.name()));
        let runs = |pattern: &Pattern| {
            let Some(image) = container.image() else { return false };
            let parsed = ImageRef::parse(&image);
            let names = parsed.iter().flat_map(|image| [image.repository(), image.path()]);
            pattern.matches(&image) || names.into_iter().any(|name| pattern.matches(name))
        };
        is_named && self.image.as_ref().is_none_or(runs)
    }
}

fn is_over(reason: &Reason, settings: &Settings) -> bool {
    reason.until.zip(settings.today).is_some_and(|(until, today)| until < today)
}

/// The id of a rule, where `name` is one.
fn known(name: &str) -> Option<&'static str> {
    ALL.iter().map(|transform| transform.meta().id).find(|id| *id == name)
}
