//! From a document to its plan: finds the pods, asks every transform in a fixed order, and decides in one
//! place which fixes are made.

use rewriter::{Document, Edit, Node, Path, Position, Step};

use crate::ALL;
use crate::context::{Context, ObjectContext, Plan};
use crate::evidence::Evidence;
use crate::model::{
    ContainerKind, Object, Pod, Problem, Refusal, Workloads, addon, is_node_agent, is_system_namespace,
};
use crate::settings::{Settings, Version};
use crate::support::{Finding, Fix, Left, Level, Outcome};

/// What is to be done in one document.
#[derive(Clone, Debug, Default)]
pub struct DocumentPlan {
    /// The pods, in the order in which they stand in the document.
    pub pods: Vec<PodPlan>,
    /// The objects about which there is something to say that is not about a pod in them.
    pub objects: Vec<ObjectPlan>,
    /// Parts of workloads that no pod could be made out in, and what contradicts the target version.
    pub problems: Vec<Problem>,
}

impl DocumentPlan {
    /// The changes to make, in the order in which they were planned.
    pub fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.findings().filter_map(Judged::fix).flat_map(|fix| &fix.edits)
    }

    /// The findings about objects, then those about pods.
    pub fn findings(&self) -> impl Iterator<Item = &Judged> {
        let of_objects = self.objects.iter().flat_map(|object| &object.findings);
        of_objects.chain(self.pods.iter().flat_map(|pod| &pod.findings))
    }

    /// Whether nothing in the document is the transforms' business.
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.objects.is_empty() && self.problems.is_empty()
    }
}

/// What is to be done in one object, beside what concerns the pods in it.
#[derive(Clone, Debug)]
pub struct ObjectPlan {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// The namespace, where one is written.
    pub namespace: Option<String>,
    /// The name, where one is written.
    pub name: Option<String>,
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
    /// `apiVersion` of the pod's object.
    pub api_version: String,
    /// `kind` of the pod's object.
    pub kind: String,
    /// The namespace, where one is written.
    pub namespace: Option<String>,
    /// The name, where one is written.
    pub name: Option<String>,
    /// The map with the pod's `metadata` and `spec`.
    pub path: Path,
    /// Where the pod's object begins.
    pub position: Position,
    /// The findings by transform, in planning order, then by container.
    pub findings: Vec<Judged>,
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
}

/// What becomes of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing: the rule is satisfied.
    Satisfied,
    /// Its fix is made.
    Fixed,
    /// Its fix is of level review, and only safe ones are wanted.
    HeldBack,
    /// It stays as it is.
    Left(Left),
}

/// Plans the fixes of a document. `evidence` is what the run's other documents tell.
///
/// Each transform sees all objects and pods before the next one starts, and sees what the ones before it have
/// planned. A fix that the text has no room for (see [`rewriter::place`]) is out before anything builds on it.
pub fn plan(document: Document<'_>, settings: &Settings, evidence: &Evidence) -> DocumentPlan {
    let workloads = Workloads::with(document, settings);
    // Nearly always there is room for all fixes, so that asking once, at the end, is enough.
    let mut plan = fold(&workloads, settings, evidence, |_| {});
    if block(document, plan.findings_mut()) > 0 {
        plan = fold(&workloads, settings, evidence, |fresh| {
            block(document, fresh.iter_mut().map(|judged| &mut **judged));
        });
        // Each for itself has been placed; that they also go together is not for this crate to know.
        block(document, plan.findings_mut());
    }
    plan.objects.retain(|object| !object.findings.is_empty());
    plan.problems = workloads.problems;
    plan.problems
        .extend(workloads.objects.iter().filter_map(|object| check_version(object, settings.target)));
    plan
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

/// Asks every transform in its turn. `weed` may leave some of its fixes before the next one sees them.
fn fold(
    workloads: &Workloads<'_>,
    settings: &Settings,
    evidence: &Evidence,
    weed: impl Fn(&mut [&mut Judged]),
) -> DocumentPlan {
    let Workloads { objects, pods, .. } = workloads;
    let mut planned = Plan::default();
    let mut plan = DocumentPlan {
        objects: objects.iter().map(ObjectPlan::new).collect(),
        pods: pods.iter().map(PodPlan::new).collect(),
        problems: Vec::new(),
    };
    let guards: Vec<Guard<'_, '_>> = pods.iter().map(|pod| Guard::of(pod, settings)).collect();
    for transform in ALL.iter().filter(|transform| settings.runs(transform.meta())) {
        let mut fresh: Vec<&mut Judged> = Vec::new();
        for (object, object_plan) in objects.iter().zip(&mut plan.objects) {
            let findings = transform.check_object(&ObjectContext { object, settings, evidence });
            let judged = findings.into_iter().map(|finding| {
                let state = decide_object(object, &finding, settings);
                Judged { finding, state }
            });
            fresh.extend(add(&mut object_plan.findings, judged));
        }
        for ((pod, guard), pod_plan) in pods.iter().zip(&guards).zip(&mut plan.pods) {
            let findings = transform.check(&Context { pod, settings, evidence, plan: &planned });
            let judged = findings.into_iter().map(|finding| {
                let state = guard.decide(&finding, settings);
                Judged { finding, state }
            });
            fresh.extend(add(&mut pod_plan.findings, judged));
        }
        weed(&mut fresh);
        fresh.iter().filter_map(|judged| judged.fix()).for_each(|fix| planned.accept(fix));
    }
    plan
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
            api_version: object.api_version.clone().into_owned(),
            kind: object.kind.clone().into_owned(),
            namespace: object.namespace().map(Into::into),
            name: object.name().map(Into::into),
            path: object.path.clone(),
            position: object.position(),
            findings: Vec::new(),
        }
    }
}

impl PodPlan {
    fn new(pod: &Pod<'_>) -> Self {
        Self {
            api_version: pod.object.api_version.clone().into_owned(),
            kind: pod.object.kind.clone().into_owned(),
            namespace: pod.object.namespace().map(Into::into),
            name: pod.object.name().map(Into::into),
            path: pod.template.path().clone(),
            position: pod.object.position(),
            findings: Vec::new(),
        }
    }
}

/// What becomes of a finding about an object.
fn decide_object(object: &Object<'_>, finding: &Finding, settings: &Settings) -> State {
    match &finding.outcome {
        Outcome::Satisfied => State::Satisfied,
        Outcome::Left(left) => State::Left(left.clone()),
        Outcome::Fix(fix) => match belongs_to_cluster(object, settings) {
            Some(reason) => State::Left(Left { reason, needs_person: false }),
            None if settings.keep_explicit && changes_value(object.node, &object.path, fix) => {
                State::Left(Left { reason: keeps_explicit(fix), needs_person: true })
            }
            None if settings.safe && fix.level == Level::Review => State::HeldBack,
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
    /// What makes it look like a node agent.
    agent_signal: Option<String>,
}

impl<'p, 'd> Guard<'p, 'd> {
    fn of(pod: &'p Pod<'d>, settings: &Settings) -> Self {
        Self {
            pod,
            stays: reservation(pod, settings),
            is_windows: pod.is_windows(),
            agent_signal: is_node_agent(pod, &settings.catalogue),
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
            && let Some(Refusal { reason, needs_person }) = self.refusal(finding, fix)
        {
            return left(reason, needs_person);
        }
        match (&finding.outcome, &self.agent_signal) {
            (Outcome::Satisfied, _) => State::Satisfied,
            (Outcome::Left(reason), _) => State::Left(reason.clone()),
            (Outcome::Fix(_), Some(signal)) => left(format!("it looks like a node agent: {signal}"), true),
            (Outcome::Fix(Fix { level: Level::Safe, .. }), None) => State::Fixed,
            (Outcome::Fix(fix), None) if settings.keep_explicit && self.changes_value(finding, fix) => {
                left(keeps_explicit(fix), true)
            }
            (Outcome::Fix(_), None) if settings.safe => State::HeldBack,
            (Outcome::Fix(_), None) => State::Fixed,
        }
    }

    /// Why what the finding is about stays on purpose.
    fn stays(&self, finding: &Finding) -> Option<String> {
        if let Some(reason) = &self.stays {
            return Some(reason.clone());
        }
        if self.is_windows && !finding.transform.on_windows {
            return Some("the field is not for Windows, where the pod runs".to_owned());
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
mod tests {
    use std::time::{Duration, Instant};

    use rewriter::Stream;

    use super::*;
    use crate::settings::Profile;
    use crate::test::{check_left_with, check_with, dedent, findings, fix, fixes, only, plans, pod};

    fn safe() -> Settings {
        Settings { safe: true, ..Settings::default() }
    }

    fn states(settings: &Settings, text: &str) -> Vec<(&'static str, State)> {
        let found = findings(settings, &dedent(text)).into_iter();
        found.map(|judged| (judged.finding.transform.id, judged.state)).collect()
    }

    #[track_caller]
    fn check_all_stay(text: &str, words: &str) {
        let text = dedent(text);
        assert_eq!(fix(&Settings::default(), &text), text);
        let found = findings(&Settings::default(), &text);
        let reasons: Vec<_> = found
            .iter()
            .filter_map(|judged| match (&judged.state, &judged.finding.outcome) {
                (State::Left(left), Outcome::Fix(_)) => Some(&*left.reason),
                _ => None,
            })
            .collect();
        assert!(reasons.len() > 3, "{found:#?}");
        assert!(reasons.iter().all(|reason| reason.contains(words)), "{reasons:#?}");
    }

    /// The deployment of the pages, as one of their editions has it.
    fn security_context_example(all: &str, behind_mount: &str, behind_mounts: &str) -> String {
        dedent(
            "
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: security-context-example
              namespace: security-example
            spec:
              replicas: 1
              selector:
                matchLabels:
                  app: security-context-example
                  label: security-context-example
              strategy:
                rollingUpdate:
                  maxSurge: 25%
                  maxUnavailable: 25%
                type: RollingUpdate
              template:
                metadata:
                  annotations:
                    seccomp.security.alpha.kubernetes.io/pod: runtime/default
                  labels:
                    app: security-context-example
                    label: security-context-example
                spec:
                  containers:
                    - image: ...
                      imagePullPolicy: Always
                      name: security-context-example
                      securityContext:
                        allowPrivilegeEscalation: false
                        readOnlyRootFilesystem: true
                        runAsUser: 1000
                        capabilities:
                          add:
                          - NET_BIND_SERVICE
                          drop:
                          - {all}
                      volumeMounts:
                        - mountPath: /etc/localtime
                          name: localtime
                          readOnly: true{behind_mount}
                        - mountPath: /opt/write-file-dir
                          name: tmpfs-example-001{behind_mounts}
                  securityContext:
                    seccompProfile:
                      type: RuntimeDefault
                  volumes:
                    - hostPath:
                        path: /etc/localtime
                        type: ''
                      name: localtime
                    - emptyDir: {}
                      name: tmpfs-example-001
            ",
        )
        .replace("{all}", all)
        .replace("{behind_mount}", &behind_mount.replace('\n', "\n              "))
        .replace("{behind_mounts}", &behind_mounts.replace('\n', "\n          "))
    }

    const PROPAGATION: &str = "\nmountPropagation: None";
    const RESOURCES: &str = "\nresources:\n  requests:\n    cpu: 250m\n    memory: 512Mi\n  limits:\n    \
        cpu: 250m\n    memory: 512Mi";

    #[test]
    fn the_deployment_of_the_pages_is_repaired_safely() {
        for tabs in ["", "\t\t"] {
            check_with(
                &safe(),
                &security_context_example(&format!("all{tabs}"), "", ""),
                &security_context_example(&format!("ALL{tabs}"), PROPAGATION, ""),
            );
        }
    }

    #[test]
    fn the_deployment_of_the_pages_gets_resources_after_review() {
        let before = security_context_example("all", "", "");
        let after = security_context_example("ALL", PROPAGATION, RESOURCES);
        check_with(&Settings::default(), &before, &after);
    }

    #[test]
    fn a_capability_that_is_probably_useless_is_reported() {
        let fixed = security_context_example("ALL", PROPAGATION, RESOURCES);
        check_left_with(&Settings::default(), &fixed, "`NET_BIND_SERVICE` serves root");
    }

    const SECURITY_MOUNT: &str = "
        apiVersion: v1
        kind: Pod
        metadata:
          name: security-mount
          label:
            app: security-mount
        spec:
          containers:
          - name: security-mount
            image: ...
            volumeMounts:
            - name: mount-none
              mountPath: /opt
              mountPropagation: None
          volumes:
          - name: mount-none
            hostPath:
              path: /opt/
        ";

    #[test]
    fn the_pod_of_the_pages_gets_a_seccomp_profile_safely() {
        let after = format!(
            "{SECURITY_MOUNT}  securityContext:\n            seccompProfile:\n              type: RuntimeDefault\n"
        );
        check_with(&safe(), SECURITY_MOUNT, &after);
    }

    #[test]
    fn the_pod_of_the_pages_is_hardened_after_review() {
        check_with(
            &Settings::default(),
            SECURITY_MOUNT,
            "
            apiVersion: v1
            kind: Pod
            metadata:
              name: security-mount
              label:
                app: security-mount
            spec:
              containers:
              - name: security-mount
                image: ...
                volumeMounts:
                - name: mount-none
                  mountPath: /opt
                  mountPropagation: None
                - name: tmp
                  mountPath: /tmp
                securityContext:
                  runAsUser: 1000
                  runAsGroup: 1000
                  capabilities:
                    drop:
                    - ALL
                  readOnlyRootFilesystem: true
                resources:
                  requests:
                    cpu: 250m
                    memory: 512Mi
                  limits:
                    cpu: 250m
                    memory: 512Mi
              volumes:
              - name: mount-none
                hostPath:
                  path: /opt/
              - name: tmp
                emptyDir: {}
              securityContext:
                seccompProfile:
                  type: RuntimeDefault
            ",
        );
        let levels: Vec<_> = fixes(&Settings::default(), &dedent(SECURITY_MOUNT))
            .into_iter()
            .filter(|(level, _, _)| *level == Level::Safe)
            .map(|(_, summary, _)| summary)
            .collect();
        assert_eq!(levels, ["set `seccompProfile: {type: RuntimeDefault}`"]);
    }

    const PLAIN: &str = "
        containers:
          - name: app
            image: registry.example.com/app:1
        ";

    #[test]
    fn documents_without_pods_are_silent() {
        for text in [
            "",
            "# nothing\n",
            "null\n",
            "[1, 2]\n",
            "kind: Pod\n",
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n",
            "apiVersion: example.com/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{image: a}]}}}\n",
            "apiVersion: v1\nkind: [Pod]\n",
        ] {
            for plan in plans(&Settings::default(), text) {
                assert!(plan.pods.is_empty() && plan.problems.is_empty(), "{text:?}: {plan:#?}");
            }
        }
    }

    #[test]
    fn every_kind_with_a_pod_is_found() {
        let spec = "spec: {containers: [{name: a, image: registry.example.com/a}]}";
        for (head, path) in [
            ("apiVersion: v1\nkind: Pod", ""),
            ("apiVersion: v1\nkind: PodTemplate", "template"),
            ("apiVersion: v1\nkind: ReplicationController", "spec.template"),
            ("apiVersion: apps/v1\nkind: Deployment", "spec.template"),
            ("apiVersion: extensions/v1beta1\nkind: Deployment", "spec.template"),
            ("apiVersion: apps/v1beta2\nkind: ReplicaSet", "spec.template"),
            ("apiVersion: apps/v1\nkind: StatefulSet", "spec.template"),
            ("apiVersion: apps/v1\nkind: DaemonSet", "spec.template"),
            ("apiVersion: batch/v1\nkind: Job", "spec.template"),
            ("apiVersion: batch/v1beta1\nkind: CronJob", "spec.jobTemplate.spec.template"),
        ] {
            let keys: Vec<&str> = path.split('.').filter(|key| !key.is_empty()).collect();
            let mut body = spec.to_owned();
            for key in keys.iter().rev() {
                body = format!("{key}: {{{body}}}");
            }
            let plans = plans(&Settings::default(), &format!("{head}\n{body}\n"));
            let found: Vec<String> = plans[0].pods.iter().map(|pod| pod.path.to_string()).collect();
            assert_eq!(found, [path], "{head}");
        }
    }

    #[test]
    fn lists_are_taken_apart() {
        check_with(
            &only("seccomp-profile"),
            "
            apiVersion: v1
            kind: List
            items:
            - apiVersion: v1
              kind: Service
            - apiVersion: v1
              kind: Pod
              spec:
                containers:
                - image: registry.example.com/a
            - apiVersion: v1
              kind: PodList
              items:
              - spec:
                  containers:
                  - image: registry.example.com/b
            ",
            "
            apiVersion: v1
            kind: List
            items:
            - apiVersion: v1
              kind: Service
            - apiVersion: v1
              kind: Pod
              spec:
                containers:
                - image: registry.example.com/a
                securityContext:
                  seccompProfile:
                    type: RuntimeDefault
            - apiVersion: v1
              kind: PodList
              items:
              - spec:
                  containers:
                  - image: registry.example.com/b
                  securityContext:
                    seccompProfile:
                      type: RuntimeDefault
            ",
        );
    }

    #[test]
    fn a_patch_is_left_alone() {
        check_all_stay(
            "
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: app
            spec:
              template:
                spec:
                  containers:
                    - name: app
                      env: []
            ",
            "no container has an `image`",
        );
    }

    #[test]
    fn a_container_without_an_image_is_left_alone() {
        check_with(
            &only("resources"),
            &pod("containers:\n- name: main\n- name: own\n  image: registry.example.com/own\n"),
            &pod("
                containers:
                - name: main
                - name: own
                  image: registry.example.com/own
                  resources:
                    requests:
                      cpu: 250m
                      memory: 512Mi
                    limits:
                      cpu: 250m
                      memory: 512Mi
                "),
        );
    }

    #[test]
    fn what_belongs_to_the_cluster_is_left_alone() {
        let text = pod(PLAIN);
        let system = text.replace("name: example", "name: example\n  namespace: kube-system");
        check_all_stay(&system, "`kube-system` is a namespace of the cluster itself");
        let addon = text.replace("name: example", "name: everest-csi-controller");
        check_all_stay(&addon, "`everest-csi-*` is the name of a CCE add-on");
        let namesake = text.replace("name: example", "name: prometheus\n  namespace: monitoring");
        check_all_stay(&namesake, "add-on");

        let settings = Settings { include_system: true, ..Settings::default() };
        assert_ne!(fix(&settings, &system), system);
        let elsewhere = text.replace("name: example", "name: prometheus\n  namespace: shop-system");
        assert_ne!(fix(&Settings::default(), &elsewhere), elsewhere);
    }

    #[test]
    fn what_stays_on_purpose_needs_nobody() {
        let spec = "containers: [{name: a, image: fluent/fluent-bit, securityContext: {privileged: true}}]";
        let text = pod(spec).replace("name: example", "name: example\n  namespace: kube-system");
        for text in [text, pod(&spec.replace("image: fluent/fluent-bit,", ""))] {
            for judged in findings(&Settings::default(), &text) {
                assert!(!matches!(&judged.state, State::Left(left) if left.needs_person), "{judged:#?}");
            }
        }
    }

    #[test]
    fn node_agents_are_left_for_a_person() {
        let privileged = |container: &str, spec: &str| {
            pod(&format!(
                "containers:\n- name: a\n  image: registry.example.com/a\n  securityContext: {{privileged: true, runAsUser: 0}}\n  {container}\n{spec}"
            ))
        };
        for (text, words) in [
            (
                pod("containers: [{name: a, image: registry.example.com/csi-driver}]"),
                "container `a` has the image",
            ),
            (
                privileged(
                    "volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]",
                    "volumes: [{name: v, hostPath: {path: /v}}]",
                ),
                "mounts on the node",
            ),
            (
                privileged(
                    "volumeMounts: [{name: v, mountPath: /v}]",
                    "volumes: [{name: v, hostPath: {path: /dev/sda}}]",
                ),
                "mounts the node's devices",
            ),
            (privileged("volumeDevices: [{name: v, devicePath: /dev/x}]", ""), "block devices"),
        ] {
            let found = findings(&Settings::default(), &text);
            let is_left = |judged: &Judged| match &judged.state {
                State::Left(left) => left.reason.contains(words) && left.needs_person,
                _ => false,
            };
            assert!(found.iter().any(is_left), "{words}: {found:#?}");
            assert_eq!(fix(&Settings::default(), &text), text);
        }
        let set = |spec: &str| {
            dedent(&format!(
                "apiVersion: apps/v1\nkind: DaemonSet\nspec:\n  template:\n    spec:\n      {spec}\n      containers: [{{name: a, image: registry.example.com/a}}]\n"
            ))
        };
        check_all_stay(&set("hostPID: true"), "a DaemonSet with `hostPID`");
        check_all_stay(
            &set("volumes: [{name: v, hostPath: {path: /var/log}}]"),
            "a DaemonSet with `hostPath` volumes",
        );
        for spec in ["hostPID: false", "volumes: [{name: v, hostPath: {path: /etc/localtime}}]"] {
            assert_ne!(fix(&Settings::default(), &set(spec)), set(spec));
        }
    }

    #[test]
    fn windows_keeps_what_linux_alone_knows_away() {
        let windows = "
            os: {name: windows}
            containers:
              - name: app
                image: registry.example.com/app:1
            ";
        for (id, state) in states(&Settings::default(), &pod(windows)) {
            match (id, state) {
                ("resources", State::Fixed) | (_, State::Satisfied) => {}
                (_, State::Left(left)) => assert!(left.reason.contains("Windows") && !left.needs_person),
                other => panic!("{other:?}"),
            }
        }
        for spec in [
            "nodeSelector: {kubernetes.io/os: windows}",
            "securityContext: {windowsOptions: {runAsUserName: ContainerUser}}",
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: \
             [{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [windows]}]}]}}}",
        ] {
            let text = pod(&format!("containers: [{{name: a, image: registry.example.com/a}}]\n{spec}\n"));
            let found = states(&only("seccomp-profile"), &text);
            assert!(
                matches!(&found[..], [(_, State::Left(left))] if left.reason.contains("Windows")),
                "{found:?}"
            );
        }
        let linux =
            pod("os: {name: linux}\nnodeSelector: {kubernetes.io/os: windows}\ncontainers: [{image: a}]\n");
        assert_eq!(states(&only("seccomp-profile"), &linux)[0].1, State::Fixed);
    }

    #[test]
    fn ephemeral_containers_are_looked_at_and_left() {
        let text = pod("
            containers:
              - name: app
                image: registry.example.com/app:1
            ephemeralContainers:
              - name: debugger
                image: registry.example.com/shell:1
            ");
        let found = findings(&Settings::default(), &text);
        let ephemeral = |judged: &&Judged| {
            judged.finding.container.as_ref().is_some_and(|it| it.kind == ContainerKind::Ephemeral)
        };
        assert_eq!(found.iter().filter(ephemeral).count(), 6);
        assert!(found.iter().filter(ephemeral).all(|judged| judged.fix().is_none()));
        assert!(
            !fix(&Settings::default(), &text).split("ephemeralContainers").nth(1).unwrap().contains("runAs")
        );
    }

    #[test]
    fn safe_mode_holds_back_and_builds_on_nothing_held_back() {
        let found = states(&safe(), &pod(PLAIN));
        let held = |id: &str| found.iter().any(|(found, state)| *found == id && *state == State::HeldBack);
        assert!(held("run-as-user") && held("capabilities") && held("resources"), "{found:?}");
        assert_eq!(fixes(&safe(), &pod(PLAIN)).len(), 1);
    }

    #[test]
    fn values_that_somebody_wrote_are_kept_on_request() {
        let settings = Settings { keep_explicit: true, ..Settings::default() };
        let text = pod("
            containers:
              - name: app
                image: registry.example.com/app:1
                securityContext:
                  runAsUser: 0
                  readOnlyRootFilesystem: false
                  seccompProfile:
                    type: Unconfined
                  capabilities:
                    drop: [all]
            ");
        let fixed = fix(&settings, &text);
        for kept in [
            "runAsUser: 0",
            "readOnlyRootFilesystem: false",
            "type: Unconfined",
            "drop: [ALL]",
            "memory: 512Mi",
        ] {
            assert!(fixed.contains(kept), "{kept} is not in {fixed}");
        }
    }

    #[test]
    fn wrong_kinds_of_value_are_never_satisfied() {
        let head = "apiVersion: v1\nkind: Pod\n";
        for (body, words) in [
            ("spec: text\n", "`spec` in line 3 is text, not a map"),
            ("spec: {containers: {}}\n", "`containers` in line 3 is a map, not a list"),
            ("spec: {containers: [text]}\n", "item 1 of `containers` in line 3 is text, not a map"),
            (
                "spec: {containers: [{image: a}], initContainers: 7}\n",
                "`initContainers` in line 3 is a number",
            ),
        ] {
            let plans = plans(&Settings::default(), &format!("{head}{body}"));
            let problem = plans[0].problems.iter().find(|problem| problem.needs_person);
            assert!(problem.is_some_and(|problem| problem.reason.contains(words)), "{words}: {plans:#?}");
        }
        for value in ["1", "'1'", "text", "[1]", "{a: 1}", "!!str 1", "true"] {
            for field in [
                "securityContext",
                "resources",
                "volumeMounts",
                "ports",
                "command",
                "securityContext.runAsUser",
                "securityContext.runAsGroup",
                "securityContext.privileged",
                "securityContext.capabilities",
                "securityContext.capabilities.drop",
                "securityContext.capabilities.add",
                "securityContext.seccompProfile",
                "securityContext.seccompProfile.type",
                "resources.limits",
                "resources.limits.cpu",
            ] {
                let nested =
                    field.split('.').rev().fold(value.to_owned(), |inner, key| format!("{{{key}: {inner}}}"));
                let container = nested.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap();
                let text = format!("{head}spec: {{containers: [{{name: a, image: b, {container}}}]}}\n");
                fix(&Settings::default(), &text);
                let pod = container.replace("resources", "volumes");
                let text = format!("{head}spec: {{containers: [{{name: a, image: b}}], {pod}}}\n");
                fix(&Settings::default(), &text);
            }
        }
    }

    #[test]
    fn half_written_workloads_are_reported_without_alarm() {
        for text in [
            "apiVersion: v1\nkind: Pod\n",
            "apiVersion: v1\nkind: Pod\nspec:\n",
            "apiVersion: v1\nkind: Pod\nspec: {containers: []}\n",
            "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 3}\n",
            "apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {template: }}}\n",
        ] {
            let plans = plans(&Settings::default(), text);
            let problems: Vec<_> = plans.iter().flat_map(|plan| &plan.problems).collect();
            assert!(matches!(&problems[..], [problem] if !problem.needs_person), "{text}: {problems:?}");
            assert_eq!(fix(&Settings::default(), text), text);
        }
    }

    #[test]
    fn a_shared_anchor_leaves_the_fix_and_what_would_build_on_it() {
        let text = dedent(
            "
            apiVersion: v1
            kind: Pod
            spec:
              containers:
                - name: app
                  image: registry.example.com/app:1
                  securityContext: &context
                    allowPrivilegeEscalation: false
                - name: log
                  image: docker.io/prom/prometheus:v3.0.0
                  securityContext: *context
            ",
        );
        let found = findings(&only("run-as-user"), &text);
        let is_left =
            |judged: &Judged| matches!(&judged.state, State::Left(left) if left.reason.contains("anchor"));
        assert!(found.iter().all(is_left), "{found:#?}");
        assert_eq!(fix(&only("run-as-user"), &text), text);
        let same = text.replace("docker.io/prom/prometheus:v3.0.0", "registry.example.com/log:1");
        assert_eq!(fix(&only("run-as-user"), &same).matches("runAsUser").count(), 1);
    }

    #[test]
    fn profiles_choose_the_transforms() {
        let ids = |profile| -> Vec<&str> {
            let settings = Settings { profile, ..Settings::default() };
            let all = ALL.iter().map(|transform| transform.meta());
            all.filter(|meta| settings.runs(meta)).map(|meta| meta.id).collect()
        };
        assert_eq!(ids(Profile::Cce).len(), ALL.len());
        assert_eq!(ids(Profile::Baseline), ["capabilities", "unprivileged-port", "seccomp-profile"]);
        assert_eq!(
            ids(Profile::Restricted),
            ["run-as-user", "capabilities", "unprivileged-port", "seccomp-profile"]
        );
    }

    #[test]
    fn a_great_many_containers_take_time_in_proportion() {
        let time = |count: usize| {
            let containers = "  - {name: same, image: nginx, command: [sh, -c, a > /b]}\n".repeat(count);
            let text = format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{containers}");
            let stream = Stream::scan(&text).unwrap();
            let start = Instant::now();
            // Held back, so that the time to place edits does not count.
            let plan = plan(stream.document(0).unwrap(), &safe(), &Evidence::default());
            assert!(plan.pods[0].findings.len() > 5 * count);
            start.elapsed()
        };
        let (few, many) = (time(300), time(3_000));
        assert!(many < few * 40 + Duration::from_millis(200), "{few:?} for 300, {many:?} for 3000");
    }
}
