//! What the fixes of a pod cost the cluster.

use std::collections::HashMap;

use rewriter::{Edit, Node, Path, Step, Value};

use crate::model::{Container, ContainerKind, Pod, Quantity};
use crate::plan::{Judged, PodPlan};

/// What the fixes of one pod add to its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedRequests {
    /// For one copy of the pod.
    pub cpu: Quantity,
    /// For one copy of the pod.
    pub memory: Quantity,
    /// How many copies its object asks for.
    pub copies: Copies,
}

/// How many pods an object makes of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// That many at a time.
    Number(u32),
    /// One on each node.
    PerNode,
}

impl Default for AddedRequests {
    fn default() -> Self {
        Self { cpu: Quantity::zero(), memory: Quantity::zero(), copies: Copies::Number(1) }
    }
}

impl AddedRequests {
    /// What the fixes among `findings` add to the requests of `pod`.
    pub(crate) fn of(pod: &Pod<'_>, findings: &[Judged]) -> Self {
        let edits = findings.iter().filter_map(Judged::fix).flat_map(|fix| &fix.edits);
        let amounts = edits.filter_map(|edit| match edit {
            Edit::Set { path, value: Value::String(amount) } if is_request(path) => {
                Some((path, amount.parse().ok()?))
            }
            _ => None,
        });
        let written: HashMap<&Path, Quantity> = amounts.collect();
        if written.is_empty() {
            return Self::default();
        }
        let added = |resource: &'static str| {
            let after = total(pod, |container| {
                let path = container.section.place("resources").keys(["requests", resource]);
                written.get(&path).cloned().or_else(|| request(container, resource))
            });
            after.minus(&total(pod, |container| request(container, resource)))
        };
        Self { cpu: added("cpu"), memory: added("memory"), copies: copies(pod) }
    }
}

fn is_request(path: &Path) -> bool {
    matches!(path.steps(), [.., Step::Key(resources), Step::Key(requests), Step::Key(_)]
        if resources == "resources" && requests == "requests")
}

/// What the container asks for; a limit alone is a request too.
fn request(container: &Container<'_>, resource: &str) -> Option<Quantity> {
    let resources = container.section.get("resources")?;
    let amount = |list: &str| Quantity::of(resources.get(list)?.get(resource)?);
    amount("requests").or_else(|| amount("limits"))
}

/// What a pod asks for: the sum of what runs at a time, or what its largest init container needs before.
fn total(pod: &Pod<'_>, request: impl Fn(&Container<'_>) -> Option<Quantity>) -> Quantity {
    let (mut sum, mut largest) = (Quantity::zero(), Quantity::zero());
    for container in &pod.containers {
        let Some(amount) = request(container) else { continue };
        match container.kind {
            ContainerKind::Main | ContainerKind::Sidecar => sum = sum.plus(&amount),
            ContainerKind::Init => largest = largest.max(amount),
            ContainerKind::Ephemeral => {}
        }
    }
    sum.max(largest)
}

fn copies(pod: &Pod<'_>) -> Copies {
    if pod.object.kind == "DaemonSet" {
        return Copies::PerNode;
    }
    // What holds the template says how often it is used, and what holds that, in every kind.
    let steps = pod.template.path().steps().strip_prefix(pod.object.path.steps()).unwrap_or_default();
    let mut owners = vec![pod.object.node];
    for step in steps {
        let owner = owners.last().and_then(|node| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.items().nth(*index),
        });
        owners.extend(owner);
    }
    let number = |owner: &Node<'_>, key: &str| {
        let value = owner.get(key).as_ref().and_then(Node::as_integer)?;
        Some(u32::try_from(value).unwrap_or_default())
    };
    let times = |owner: &Node<'_>| {
        MULTIPLIERS.iter().filter_map(|key| number(owner, key)).fold(1, u32::saturating_mul)
    };
    let all = owners.iter().map(times).fold(1, u32::saturating_mul);
    // A workflow's `parallelism` is about its steps, a job's about its pods.
    let job = owners.iter().rev().nth(1);
    let at_a_time = job.and_then(|job| {
        Some(number(job, "parallelism")?.min(number(job, "completions").unwrap_or(u32::MAX)))
    });
    Copies::Number(all.saturating_mul(at_a_time.unwrap_or(1)))
}

/// Keys that say how often what stands beside them is made: `count` of a set of `Elasticsearch` nodes, `size` of a
/// group of a `LeaderWorkerSet`.
const MULTIPLIERS: [&str; 3] = ["replicas", "count", "size"];

/// Whether the API server lets nothing change of the pod of such an object.
pub(crate) fn is_fixed_for_life(kind: &str, api_version: &str) -> bool {
    match (kind, api_version) {
        ("Pod", "v1") => true,
        ("Job", version) => version.starts_with("batch/"),
        _ => false,
    }
}

impl PodPlan {
    /// Whether the API server lets nothing change of such a pod.
    pub fn is_recreated(&self) -> bool {
        is_fixed_for_life(&self.object.kind, &self.object.api_version)
    }

    /// Whether the fixes reach a running cluster only when the object is deleted and created again, because
    /// the API server lets nothing of such a pod change.
    pub fn must_be_recreated(&self) -> bool {
        self.is_recreated() && self.findings.iter().any(|judged| judged.fix().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::test::{dedent, only, plans, pod};

    #[track_caller]
    fn added(text: &str) -> (String, String, Copies) {
        let plans = plans(&only("resources"), &dedent(text));
        let AddedRequests { cpu, memory, copies } = plans[0].pods[0].added_requests.clone();
        (cpu.to_string(), memory.to_string(), copies)
    }

    fn deployment(kind: &str, spec: &str) -> String {
        format!(
            "
            apiVersion: apps/v1
            kind: {kind}
            spec:
              {spec}
              template: {{spec: {{containers: [{{name: a, image: r.io/a}}, {{name: b, image: r.io/b, resources: {{limits: {{cpu: 1}}}}}}]}}}}
            "
        )
    }

    #[test]
    fn new_requests_are_summed_and_written_ones_do_not_count() {
        assert_eq!(
            added(&deployment("Deployment", "replicas: 3")),
            ("250m".into(), "1Gi".into(), Copies::Number(3))
        );
        assert_eq!(added(&deployment("Deployment", "")).2, Copies::Number(1));
        assert_eq!(added(&deployment("StatefulSet", "replicas: 0")).2, Copies::Number(0));
        assert_eq!(added(&deployment("DaemonSet", "")).2, Copies::PerNode);
        let limit =
            pod("containers: [{name: a, image: r.io/a, resources: {requests: {cpu: 1, memory: 1Gi}}}]");
        assert_eq!(added(&limit), ("0".into(), "0".into(), Copies::Number(1)));
    }

    #[test]
    fn init_containers_count_where_they_need_most() {
        let spec = |init: &str| {
            pod(&format!(
                "initContainers: [{{name: i, image: r.io/i{init}}}]\ncontainers: [{{name: a, image: r.io/a}}]"
            ))
        };
        assert_eq!(added(&spec("")), ("250m".into(), "512Mi".into(), Copies::Number(1)));
        let large = ", resources: {limits: {cpu: 2, memory: 2Gi}}";
        assert_eq!(added(&spec(large)), ("0".into(), "0".into(), Copies::Number(1)));
    }

    #[test]
    fn sets_of_sets_are_multiplied() {
        let pod = "spec: {containers: [{name: a, image: r.io/a}]}";
        for (text, copies) in [
            (
                format!(
                    "{{apiVersion: leaderworkerset.x-k8s.io/v1, kind: LeaderWorkerSet, spec: {{replicas: 2, \
                     leaderWorkerTemplate: {{size: 3, workerTemplate: {{{pod}}}}}}}}}"
                ),
                6,
            ),
            (
                format!(
                    "{{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, spec: {{replicatedJobs: [{{name: j, \
                     replicas: 2, template: {{spec: {{parallelism: 3, template: {{{pod}}}}}}}}}]}}}}"
                ),
                6,
            ),
            (
                "{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, spec: {replicas: 2, containers: [{name: \
                 a, image: r.io/a}]}}"
                    .to_owned(),
                2,
            ),
            (
                format!(
                    "{{apiVersion: argoproj.io/v1alpha1, kind: Workflow, spec: {{parallelism: 7, templates: [{{name: \
                     t, container: {{image: r.io/a}}}}]}}}} # {pod}"
                ),
                1,
            ),
        ] {
            assert_eq!(added(&text).2, Copies::Number(copies), "{text}");
        }
    }

    #[test]
    fn jobs_run_as_many_as_they_say() {
        let job = |kind: &str, spec: &str| {
            format!(
                "{{apiVersion: batch/v1, kind: {kind}, spec: {spec}}}",
                spec = spec.replace("POD", "template: {spec: {containers: [{name: a, image: r.io/a}]}}")
            )
        };
        assert_eq!(added(&job("Job", "{POD}")).2, Copies::Number(1));
        assert_eq!(added(&job("Job", "{parallelism: 4, POD}")).2, Copies::Number(4));
        assert_eq!(added(&job("Job", "{parallelism: 4, completions: 2, POD}")).2, Copies::Number(2));
        assert_eq!(
            added(&job("CronJob", "{jobTemplate: {spec: {parallelism: 5, POD}}}")).2,
            Copies::Number(5)
        );
    }

    #[test]
    fn pods_and_jobs_have_to_be_made_again() {
        let is_made_again = |text: &str| plans(&Settings::default(), text)[0].pods[0].must_be_recreated();
        let text = pod("containers: [{name: a, image: r.io/a}]");
        assert!(is_made_again(&text));
        let job = "{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {containers: [{image: a}]}}}}";
        assert!(is_made_again(job));
        assert!(!is_made_again(&job.replace("batch/v1", "apps/v1").replace("Job", "Deployment")));
        let fixed = crate::test::fix(&Settings::default(), &text);
        assert!(!is_made_again(&fixed));
    }
}
