//! From a document to its plan: finds the pods, asks every transform in a fixed order, and decides in one
//! place which fixes are made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rewriter::{Document, Edit, Node, Path, Position, Step};

use crate::ALL;
use crate::context::{Context, Images, ObjectContext, Plan};
use crate::demand::{AddedRequests, is_fixed_for_life};
use crate::evidence::{Evidence, Overlaid};
use crate::generate::{self, Subject};
use crate::model::{
    ContainerKind, Malformed, MountedVolume, Object, ObjectRef, Pod, Problem, Refusal, Workloads, addon,
    is_node_agent, is_system_namespace,
};
use crate::pod_security;
use crate::review::{self, PodSecurity};
use crate::settings::{Profile, Settings, Version};
use crate::support::{Finding, Fix, Left, Level, Outcome};
use crate::suppression::{self, Flaw, Notice, Origin, Reason, Suppressed, Suppressions};

/// What is to be done in one document.
#[derive(Clone, Debug, Default)]
pub struct DocumentPlan {
    /// The pods, in the order in which they stand in the document.
    pub pods: Vec<PodPlan>,
    /// The objects about which there is something to say that is not about a pod in them.
    pub objects: Vec<ObjectPlan>,
    /// Parts of workloads that no pod could be made out in.
    pub problems: Vec<Problem>,
    /// What speaks against the text as a whole: objects that no cluster of the target version serves, and copies
    /// that the fixes make stale.
    pub warnings: Vec<Problem>,
    /// The suppressions that do not do what their authors may think.
    pub notices: Vec<Notice>,
    /// The overrides that found something to suppress, by number.
    pub overrides_used: BTreeSet<usize>,
    /// The annotations to write for what is left.
    pub annotations: Vec<Edit>,
}

impl DocumentPlan {
    /// The changes to make, in the order in which they were planned.
    pub fn edits(&self) -> impl Iterator<Item = &Edit> {
        let fixes = self.findings().filter_map(Judged::fix).flat_map(|fix| &fix.edits);
        fixes.chain(&self.annotations)
    }

    /// Adds what was planned for a later part of the document.
    pub fn append(&mut self, part: Self) {
        let Self { pods, objects, problems, warnings, notices, overrides_used, annotations } = part;
        self.pods.extend(pods);
        self.objects.extend(objects);
        self.problems.extend(problems);
        self.warnings.extend(warnings);
        self.notices.extend(notices);
        self.overrides_used.extend(overrides_used);
        self.annotations.extend(annotations);
    }

    /// Takes the changes out, in the order of [`Self::edits`].
    pub fn take_edits(&mut self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for judged in self.findings_mut().filter(|judged| judged.state == State::Fixed) {
            if let Outcome::Fix(fix) = &mut judged.finding.outcome {
                edits.append(&mut fix.edits);
            }
        }
        edits.append(&mut self.annotations);
        edits
    }

    /// The findings about objects, then those about pods.
    pub fn findings(&self) -> impl Iterator<Item = &Judged> {
        let of_objects = self.objects.iter().flat_map(|object| &object.findings);
        of_objects.chain(self.pods.iter().flat_map(|pod| &pod.findings))
    }

    /// Whether nothing in the document is the transforms' business.
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty()
            && self.objects.is_empty()
            && self.problems.is_empty()
            && self.warnings.is_empty()
            && self.notices.is_empty()
    }
}

/// What is to be done in one object, beside what concerns the pods in it.
#[derive(Clone, Debug)]
pub struct ObjectPlan {
    /// What it is called.
    pub object: Arc<ObjectRef>,
    /// Where the object stands in the document's data.
    pub path: Path,
    /// Where it begins.
    pub position: Position,
    /// The findings by transform, in planning order.
    pub findings: Vec<Judged>,
}

/// What is to be done in one pod.
#[derive(Clone, Debug)]
pub struct PodPlan {
    /// What the pod's object is called.
    pub object: Arc<ObjectRef>,
    /// The map with the pod's `metadata` and `spec`.
    pub path: Path,
    /// Where the pod's object begins.
    pub position: Position,
    /// The findings by transform, in planning order, then by container.
    pub findings: Vec<Judged>,
    /// What generated files are to know of it; none where no file is wanted, or the pod is not to be changed.
    pub subject: Option<Subject>,
    /// What the fixes add to the pod's requests.
    pub added_requests: AddedRequests,
    /// What the Pod Security Standards say about the pod before and after; nothing about one that an operator
    /// completes.
    pub pod_security: Option<PodSecurity>,
}

/// A finding, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What the transform said. A fix that is left still stands here, as what a person might do.
    pub finding: Finding,
    /// What becomes of it.
    pub state: State,
}

impl Judged {
    /// The fix, where it is made.
    pub fn fix(&self) -> Option<&Fix> {
        match (&self.state, &self.finding.outcome) {
            (State::Fixed, Outcome::Fix(fix)) => Some(fix),
            _ => None,
        }
    }

    /// Whether something is left that a person could do: by hand, or by having a fix of level review made.
    fn is_left_today(&self) -> bool {
        match &self.state {
            State::Left(left) => left.needs_person,
            state => *state == State::HeldBack,
        }
    }
}

/// What becomes of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing: the rule is satisfied.
    Satisfied,
    /// Its fix is made.
    Fixed,
    /// It has a fix, but not one of those that are wanted: safe ones alone, or another part.
    HeldBack,
    /// It stays as it is.
    Left(Left),
    /// It stays as it is, because somebody wants it so.
    Suppressed(Suppressed),
}

/// Plans the fixes of a document. `evidence` is what the run's other documents tell.
///
/// Each transform sees all objects and pods before the next one starts, and sees what the ones before it have
/// planned. A fix that the text has no room for (see [`rewriter::place`]) is out before anything builds on it.
pub fn plan(document: Document<'_>, settings: &Settings, evidence: &Evidence) -> DocumentPlan {
    let mut whole = DocumentPlan::default();
    let workloads = Workloads::with(document, settings);
    plan_parts(document, workloads, settings, evidence, |part| whole.append(part));
    whole
}

/// Plans the fixes of `workloads`, which are those of `document`, as [`plan()`] does, and gives them out part by part:
/// the plans for a list of thousands of objects take many times the room of its text.
pub fn plan_parts(
    document: Document<'_>,
    workloads: Workloads<'_>,
    settings: &Settings,
    evidence: &Evidence,
    mut take: impl FnMut(DocumentPlan),
) {
    let suppressions = Suppressions::of(document, &workloads, settings);
    let problems = workloads.problems.clone();
    for part in parts(document, workloads) {
        take(plan_part(document, &part, settings, evidence, &suppressions));
    }
    let overrides_used = suppressions.used_overrides();
    let notices = suppressions.notices(settings);
    take(DocumentPlan { problems, notices, overrides_used, ..DocumentPlan::default() });
}

/// Objects that are planned together, at least.
const PART: usize = 64;
/// In how many parts a list falls at most: to find its way in the text, each of them goes over the whole list.
const PARTS: usize = 256;

/// The items of a list in parts that have nothing to do with each other; everything else as a whole.
fn parts<'d>(document: Document<'_>, workloads: Workloads<'d>) -> impl Iterator<Item = Workloads<'d>> {
    let item = |path: &Path| match path.steps() {
        [Step::Key(_), Step::Index(index), ..] => Some(*index),
        _ => None,
    };
    let Workloads { objects, pods, .. } = workloads;
    let paths = objects.iter().map(|object| &object.path).chain(pods.iter().map(|pod| &pod.object.path));
    let count = paths.clone().map(item).collect::<Option<Vec<_>>>().filter(|_| !document.has_aliases());
    let count = count.and_then(|items| items.into_iter().max()).map_or(0, |last| last + 1);
    let size = PART.max(count.div_ceil(PARTS));
    let is_before = move |path: &Path, end: usize| item(path).is_none_or(|item| item < end);
    let (mut objects, mut pods) = (objects.into_iter().peekable(), pods.into_iter().peekable());
    let last = count.div_ceil(size).max(1);
    (1..=last).map(move |number| {
        let end = if number == last { usize::MAX } else { number * size };
        Workloads {
            objects: std::iter::from_fn(|| objects.next_if(|object| is_before(&object.path, end))).collect(),
            pods: std::iter::from_fn(|| pods.next_if(|pod| is_before(&pod.object.path, end))).collect(),
            problems: Vec::new(),
        }
    })
}

fn plan_part(
    document: Document<'_>,
    workloads: &Workloads<'_>,
    settings: &Settings,
    evidence: &Evidence,
    suppressions: &Suppressions,
) -> DocumentPlan {
    // Nearly always there is room for all fixes, so that asking once, at the end, is enough.
    let mut plan = fold(workloads, settings, evidence, suppressions, |_| {});
    if block(document, plan.findings_mut()) > 0 {
        plan = fold(workloads, settings, evidence, suppressions, |fresh| {
            block(document, fresh.iter_mut().map(|judged| &mut **judged));
        });
        // Each for itself has been placed; that they also go together is not for this crate to know.
        block(document, plan.findings_mut());
    }
    review::review(&workloads.pods, &mut plan, settings.target, |plan| {
        block(document, plan.findings_mut());
    });
    if let Some(reason) = &settings.add_suppressions {
        annotate(document, workloads, &mut plan, reason);
    }
    for (pod, pod_plan) in workloads.pods.iter().zip(&mut plan.pods) {
        pod_plan.added_requests = AddedRequests::of(pod, &pod_plan.findings);
    }
    plan.objects.retain(|object| !object.findings.is_empty());
    plan.warnings
        .extend(workloads.objects.iter().filter_map(|object| check_version(object, settings.target)));
    let mut stale: Vec<Problem> = workloads
        .pods
        .iter()
        .zip(&plan.pods)
        .filter(|(_, pod)| pod.findings.iter().any(|judged| judged.fix().is_some()))
        .filter_map(|(pod, _)| check_copy(&pod.object))
        .collect();
    // The pods of an object stand together.
    stale.dedup();
    plan.warnings.extend(stale);
    plan
}

/// Whether the object carries the copy of itself that `kubectl apply` leaves in what it reads back.
fn check_copy(object: &Object<'_>) -> Option<Problem> {
    const KEY: &str = "kubectl.kubernetes.io/last-applied-configuration";
    let copy = object.node.get("metadata")?.get("annotations")?.get(KEY)?;
    Some(Problem {
        path: object.path.key("metadata").key("annotations").key(KEY),
        position: copy.position(),
        reason: "holds the object as it was applied last, without the fixes; take it out of the file"
            .to_owned(),
        needs_person: false,
    })
}

/// Whether clusters of the target version serve the object's `apiVersion`.
fn check_version(object: &Object<'_>, target: Version) -> Option<Problem> {
    let served = object.served()?;
    let api_version = &object.api_version;
    let reason = if target.minor > served.until {
        format!(
            "Kubernetes serves `{api_version}` of this kind up to 1.{}, the target is {target}",
            served.until
        )
    } else if target.minor < served.since {
        format!(
            "Kubernetes serves `{api_version}` of this kind from 1.{} on, the target is {target}",
            served.since
        )
    } else {
        return None;
    };
    let path = object.path.key("apiVersion");
    Some(Problem { path, position: object.position(), reason, needs_person: false })
}

/// A pod, and what several transforms ask about it.
struct Seen<'p, 'd> {
    pod: &'p Pod<'d>,
    guard: Guard<'p, 'd>,
    images: Images<'p>,
    volumes: Result<Vec<MountedVolume<'p, 'd>>, Malformed>,
}

impl<'p, 'd> Seen<'p, 'd> {
    fn of(pod: &'p Pod<'d>, settings: &'p Settings, evidence: &'p Evidence) -> Self {
        let guard = Guard::of(pod, settings, evidence);
        Self { pod, guard, images: Images::of(pod, &settings.catalogue), volumes: pod.mounted_volumes() }
    }
}

/// Asks every transform in its turn. `weed` may leave some of its fixes before the next one sees them.
fn fold(
    workloads: &Workloads<'_>,
    settings: &Settings,
    evidence: &Evidence,
    suppressions: &Suppressions,
    weed: impl Fn(&mut [&mut Judged]),
) -> DocumentPlan {
    let Workloads { objects, pods, .. } = workloads;
    let mut planned = Plan::default();
    let mut plan = DocumentPlan {
        objects: objects.iter().map(ObjectPlan::new).collect(),
        pods: pods.iter().map(|pod| PodPlan::new(pod, settings)).collect(),
        ..DocumentPlan::default()
    };
    let is_told = |finding: &Finding| settings.tells_satisfied || finding.outcome != Outcome::Satisfied;
    let seen: Vec<Seen<'_, '_>> = pods.iter().map(|pod| Seen::of(pod, settings, evidence)).collect();
    for transform in ALL.iter().filter(|transform| settings.runs(transform.meta())) {
        let mut fresh: Vec<&mut Judged> = Vec::new();
        for (object, object_plan) in objects.iter().zip(&mut plan.objects) {
            let findings = transform.check_object(&ObjectContext { object, settings, evidence });
            let judged = findings.into_iter().filter(is_told).map(|finding| {
                let state = decide_object(object, &finding, settings, evidence);
                let state = suppressions.judge(&finding, None, state);
                Judged { finding, state }
            });
            fresh.extend(add(&mut object_plan.findings, judged));
        }
        for (seen, pod_plan) in seen.iter().zip(&mut plan.pods) {
            let Seen { pod, guard, images, volumes } = seen;
            let cx = Context { pod, settings, evidence, plan: &planned, images, volumes, suppressions };
            let findings = transform.check(&cx);
            let judged = findings.into_iter().filter(is_told).map(|finding| {
                let state = suppressions.judge(&finding, Some(pod), guard.decide(&finding, settings));
                Judged { finding, state }
            });
            fresh.extend(add(&mut pod_plan.findings, judged));
        }
        weed(&mut fresh);
        fresh.iter().filter_map(|judged| judged.fix()).for_each(|fix| planned.accept(fix));
    }
    if generate::is_wanted(settings) {
        for (seen, pod_plan) in seen.iter().zip(&mut plan.pods) {
            let Seen { pod, guard, images, volumes } = seen;
            let cx = Context { pod, settings, evidence, plan: &planned, images, volumes, suppressions };
            let has_host_network = cx.has_host_network().unwrap_or(true);
            pod_plan.subject = guard.stays.is_none().then(|| Subject::of(pod, evidence, has_host_network));
        }
    }
    plan
}

/// Plans an annotation for each rule that leaves something for a person in an object, and for each whose fixes
/// are held back there.
fn annotate(document: Document<'_>, workloads: &Workloads<'_>, plan: &mut DocumentPlan, reason: &str) {
    let mut left: BTreeMap<(&Path, &'static str), Position> = BTreeMap::new();
    let of_objects = workloads.objects.iter().zip(plan.objects.iter().map(|plan| &plan.findings));
    let of_pods = workloads.pods.iter().map(|pod| &pod.object);
    let of_pods = of_pods.zip(plan.pods.iter().map(|plan| &plan.findings));
    for (object, findings) in of_objects.chain(of_pods) {
        let found = findings.iter().filter(|judged| judged.is_left_today());
        left.extend(found.map(|judged| ((&object.path, judged.finding.transform.id), object.position())));
    }
    let annotations: Vec<Edit> =
        left.keys().map(|(path, id)| suppression::annotation(path, id, reason)).collect();
    let fixes = plan.findings().filter_map(Judged::fix).map(|fix| fix.edits.as_slice());
    let mut edits: Vec<&[Edit]> = fixes.collect();
    let made = edits.len();
    edits.extend(annotations.chunks(1));
    let mut placed = rewriter::place(document, &edits);
    let of_annotations = placed.split_off(made);
    // What is fixed comes before what is merely written down.
    let in_the_way = placed.into_iter().find_map(Result::err);
    let mut added: BTreeSet<(&Path, &'static str)> = BTreeSet::new();
    for (((key, position), edit), placed) in left.iter().zip(annotations).zip(of_annotations) {
        match in_the_way.map_or(placed, Err) {
            Ok(()) => {
                plan.annotations.push(edit);
                added.insert(*key);
            }
            Err(blocked) => {
                let flaw = Flaw::NotAdded(key.1, blocked.to_string());
                plan.notices.push(Notice { position: *position, flaw });
            }
        }
    }
    let Reason { text, until, .. } = Reason::read(reason);
    let suppressed = Suppressed { reason: text, until, origin: Origin::Added };
    let of_objects = workloads.objects.iter().zip(plan.objects.iter_mut().map(|plan| &mut plan.findings));
    let of_pods = workloads.pods.iter().map(|pod| &pod.object);
    let of_pods = of_pods.zip(plan.pods.iter_mut().map(|plan| &mut plan.findings));
    for (object, findings) in of_objects.chain(of_pods) {
        for judged in findings.iter_mut().filter(|judged| judged.is_left_today()) {
            if added.contains(&(&object.path, judged.finding.transform.id)) {
                judged.state = State::Suppressed(suppressed.clone());
            }
        }
    }
}

/// Adds findings, and gives back those that were added.
fn add(findings: &mut Vec<Judged>, fresh: impl Iterator<Item = Judged>) -> impl Iterator<Item = &mut Judged> {
    let first = findings.len();
    findings.extend(fresh);
    findings.iter_mut().skip(first)
}

/// Leaves the fixes that cannot be placed in the text, and counts them.
fn block<'j>(document: Document<'_>, findings: impl Iterator<Item = &'j mut Judged>) -> usize {
    let mut fixed: Vec<&mut Judged> = findings.filter(|judged| judged.fix().is_some()).collect();
    if fixed.is_empty() {
        return 0;
    }
    let edits: Vec<&[Edit]> =
        fixed.iter().filter_map(|judged| judged.fix()).map(|fix| fix.edits.as_slice()).collect();
    let placed = rewriter::place(document, &edits);
    let mut count = 0;
    for (judged, placed) in fixed.iter_mut().zip(placed) {
        if let Err(blocked) = placed {
            judged.state = State::Left(Left { reason: blocked.to_string(), needs_person: true });
            count += 1;
        }
    }
    count
}

impl DocumentPlan {
    fn findings_mut(&mut self) -> impl Iterator<Item = &mut Judged> {
        let of_objects = self.objects.iter_mut().flat_map(|object| &mut object.findings);
        of_objects.chain(self.pods.iter_mut().flat_map(|pod| &mut pod.findings))
    }
}

impl ObjectPlan {
    fn new(object: &Object<'_>) -> Self {
        Self {
            object: Arc::new(object.reference()),
            path: object.path.clone(),
            position: object.position(),
            findings: Vec::new(),
        }
    }
}

impl PodPlan {
    fn new(pod: &Pod<'_>, settings: &Settings) -> Self {
        Self {
            object: Arc::new(pod.object.reference()),
            path: pod.template.path().clone(),
            position: pod.object.position(),
            findings: Vec::new(),
            subject: None,
            added_requests: AddedRequests::default(),
            pod_security: PodSecurity::of(pod, settings.target),
        }
    }
}

/// What becomes of a finding about an object.
fn decide_object(object: &Object<'_>, finding: &Finding, settings: &Settings, evidence: &Evidence) -> State {
    if finding.outcome == Outcome::Satisfied {
        return State::Satisfied;
    }
    if let Some(reason) = belongs_to_cluster(object, settings) {
        return State::Left(Left { reason, needs_person: false });
    }
    match &finding.outcome {
        Outcome::Satisfied => State::Satisfied,
        Outcome::Left(left) => State::Left(left.clone()),
        Outcome::Fix(fix) => match evidence.overlaid(object).reason(object, &fix.edits) {
            Some(reason) => State::Left(Left { reason, needs_person: false }),
            None if settings.keep_explicit && changes_value(object.node, &object.path, fix) => {
                State::Left(Left { reason: keeps_explicit(fix), needs_person: true })
            }
            None if settings.safe && fix.level == Level::Review => State::HeldBack,
            None if !settings.part.has(finding.transform.id, fix.level, false) => State::HeldBack,
            None => State::Fixed,
        },
    }
}

fn keeps_explicit(fix: &Fix) -> String {
    format!("somebody wrote the value, and such values are kept; else: {}", fix.summary)
}

/// What speaks against changing a pod.
struct Guard<'p, 'd> {
    pod: &'p Pod<'d>,
    /// Why the whole pod stays as it is.
    stays: Option<String>,
    is_windows: bool,
    /// Whether its fixes reach a cluster only when it is created again.
    is_recreated: bool,
    /// What makes it look like a node agent.
    agent_signal: Option<String>,
    /// The fields that overlays set.
    overlaid: Overlaid<'p>,
    /// What the pod's namespace enforces.
    enforced: Option<pod_security::Level>,
}

impl<'p, 'd> Guard<'p, 'd> {
    fn of(pod: &'p Pod<'d>, settings: &Settings, evidence: &'p Evidence) -> Self {
        Self {
            pod,
            stays: reservation(pod, settings),
            is_windows: pod.is_windows(),
            is_recreated: is_fixed_for_life(&pod.object.kind, &pod.object.api_version),
            agent_signal: is_node_agent(pod, &settings.catalogue),
            overlaid: evidence.overlaid(&pod.object),
            enforced: pod.object.namespace().and_then(|namespace| evidence.enforced(&namespace)),
        }
    }

    fn decide(&self, finding: &Finding, settings: &Settings) -> State {
        let left = |reason, needs_person| State::Left(Left { reason, needs_person });
        if finding.outcome == Outcome::Satisfied {
            return State::Satisfied;
        }
        if let Some(reason) = self.stays(finding) {
            return left(reason, false);
        }
        if let Outcome::Fix(fix) = &finding.outcome
            && let Some(reason) = self.overlaid.reason(&self.pod.object, &fix.edits)
        {
            return left(reason, false);
        }
        if let Outcome::Fix(fix) = &finding.outcome
            && let Some(Refusal { reason, needs_person }) = self.refusal(finding, fix)
        {
            return left(reason, needs_person);
        }
        match (&finding.outcome, &self.agent_signal) {
            (Outcome::Satisfied, _) => State::Satisfied,
            (Outcome::Left(reason), _) => State::Left(self.urgent(finding, reason)),
            (Outcome::Fix(_), Some(signal)) => left(format!("it looks like a node agent: {signal}"), true),
            (Outcome::Fix(fix), None)
                if !settings.part.has(finding.transform.id, fix.level, self.is_recreated) =>
            {
                State::HeldBack
            }
            (Outcome::Fix(fix), None) if settings.keep_explicit && self.changes_value(finding, fix) => {
                left(keeps_explicit(fix), true)
            }
            (Outcome::Fix(Fix { level: Level::Safe, .. }), None) => State::Fixed,
            (Outcome::Fix(_), None) if settings.safe => State::HeldBack,
            (Outcome::Fix(_), None) => State::Fixed,
        }
    }

    /// `left`, with what a person should know beside it: that the pod's own namespace may refuse it so.
    fn urgent(&self, finding: &Finding, left: &Left) -> Left {
        let level = self.enforced.filter(|level| {
            let asks = |profile| finding.transform.profiles.contains(&profile);
            match level {
                pod_security::Level::Privileged => false,
                pod_security::Level::Baseline => asks(Profile::Baseline),
                pod_security::Level::Restricted => asks(Profile::Baseline) || asks(Profile::Restricted),
            }
        });
        let mut left = left.clone();
        if let Some(level) = level.filter(|_| left.needs_person) {
            left.reason = format!("{}; its namespace enforces `{level}`, so it may be refused", left.reason);
        }
        left
    }

    /// Why what the finding is about stays on purpose.
    fn stays(&self, finding: &Finding) -> Option<String> {
        if let Some(reason) = &self.stays {
            return Some(reason.clone());
        }
        if self.is_windows && !finding.transform.on_windows {
            let reason = "the field is not for Windows, where the pod runs";
            let is_said = self.pod.spec.get("os").is_some();
            // Node selectors and the like are nothing to Pod Security, which asks Linux' fields of the pod.
            let advice = if is_said { "" } else { "; `os: {name: windows}` tells that to Pod Security too" };
            return Some(format!("{reason}{advice}"));
        }
        match self.pod.container(finding.container.as_ref()?)? {
            container if container.is_editable() => None,
            container if container.kind == ContainerKind::Ephemeral => {
                Some("an ephemeral container belongs to a running pod and cannot be changed".to_owned())
            }
            _ => {
                Some("the container has no `image`, so it completes one that is written elsewhere".to_owned())
            }
        }
    }

    /// Why the kind does not take the fix.
    fn refusal(&self, finding: &Finding, fix: &Fix) -> Option<Refusal> {
        let container = finding.container.as_ref().and_then(|container| self.pod.container(container));
        fix.edits.iter().find_map(|edit| self.pod.refusal(edit, container))
    }

    /// Whether the fix takes the place of something that is written.
    fn changes_value(&self, finding: &Finding, fix: &Fix) -> bool {
        let container = finding.container.as_ref().and_then(|container| self.pod.container(container));
        // From the container on, since to count to it in its list again and again would take too long.
        let owners = container.map(|container| &container.section).into_iter().chain([&self.pod.template]);
        let (object, template) = (&self.pod.object, self.pod.template.path());
        let is_around = fix.edits.iter().any(|edit| !edit.path().starts_with(template));
        let around = is_around.then_some((object.node, &object.path));
        owners
            .filter_map(|owner| Some((owner.node()?, owner.path())))
            .chain(around)
            .any(|(node, path)| changes_value(node, path, fix))
    }
}

/// Whether the fix takes the place of something that is written in `owner`, the value at `path`.
fn changes_value(owner: Node<'_>, path: &Path, fix: &Fix) -> bool {
    let is_written = |edit: &Edit| {
        let below = edit.path().steps().strip_prefix(path.steps());
        below.is_some_and(|steps| steps.iter().try_fold(owner, step).is_some())
    };
    fix.edits.iter().any(|edit| !matches!(edit, Edit::Append { .. }) && is_written(edit))
}

fn step<'d>(node: Node<'d>, step: &Step) -> Option<Node<'d>> {
    match step {
        Step::Key(key) => node.get(key),
        Step::Index(index) => node.items().nth(*index),
    }
}

/// Why nothing in the pod is changed.
fn reservation(pod: &Pod<'_>, settings: &Settings) -> Option<String> {
    if !pod.has_image() && !pod.is_completed() {
        let reason = "no container has an `image`, so this completes a workload that is written elsewhere";
        return Some(reason.to_owned());
    }
    belongs_to_cluster(&pod.object, settings)
}

/// Why the object is taken for a part of the cluster itself.
fn belongs_to_cluster(object: &Object<'_>, settings: &Settings) -> Option<String> {
    if settings.include_system {
        return None;
    }
    if let Some(namespace) = object.namespace().filter(|name| is_system_namespace(name)) {
        return Some(format!("`{namespace}` is a namespace of the cluster itself"));
    }
    addon(object).map(|addon| format!("`{addon}` is the name of a CCE add-on"))
}

#[cfg(test)]
mod tests;
