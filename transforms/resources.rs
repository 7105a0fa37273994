//! `resources`: requests and limits of cpu and memory.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as fragments;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Fragment;

use crate::context::Context;
use crate::evidence::{Bounds, Certainty};
use crate::fragment;
use crate::model::{Container, ContainerKind, Malformed, Quantity, Section};
use crate::settings::Version;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A container without limits can use up the node, whether by a fault of its own or by somebody who got
    /// into it, and takes down what runs beside it.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    ///     - name: cache
    ///       image: registry.example.com/team/cache:2.0
    ///       resources:
    ///         requests:
    ///           cpu: 100m
    ///           memory: 1Gi
    /// ```
    ///
    /// becomes
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    ///       resources:
    ///         requests:
    ///           cpu: 250m
    ///           memory: 512Mi
    ///         limits:
    ///           cpu: 250m
    ///           memory: 512Mi
    ///     - name: cache
    ///       image: registry.example.com/team/cache:2.0
    ///       resources:
    ///         requests:
    ///           cpu: 100m
    ///           memory: 1Gi
    ///         limits:
    ///           cpu: 150m
    ///           memory: 1536Mi
    /// ```
    ///
    /// A limit without a request implies one of the same size. A request without a limit gets a limit of one
    /// and a half times its size. Values that are written are never changed, and other resources than cpu and
    /// memory never touched. All amounts can be configured, and the cpu limit switched off.
    ///
    /// ## Safety
    ///
    /// Review, always: a program that needs more memory than the limit is killed, one that needs more cpu is
    /// slowed down, and a pod that asks for more than is free stays pending. A Java program sizes its heap by
    /// the limit.
    ///
    /// Left for a person: images that need memory by the gigabyte, a limit below its request, and what the
    /// resources of the whole pod cover in part.
    ///
    /// Left on purpose: what a `LimitRange` of the run gives the pod's namespace by itself, and what a
    /// `VerticalPodAutoscaler` sets. Amounts stay within the bounds of a `LimitRange`.
    pub(crate) struct Resources {
        id: "resources",
        title: "the container can use up its node",
        category: Category::Resources,
        severity: Severity::Medium,
        pages: &["Ensuring Container Security"],
        pod_security: &[],
        profiles: &[],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "the container is ended for its memory (`OOMKilled`, exit code 137), is slow because its cpu \
            is limited, or the pod stays `Pending` with `Insufficient cpu` or `Insufficient memory`",
        undo: "write the amounts that `kubectl top pod` shows, with room to grow; `transforms.resources` in \
            `.cce-fix.yaml` has other defaults, and switches the cpu limit off",
    }
}

impl Transform for Resources {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.each_container(&Self::META, &["resources"], |container| judge(cx, container))
    }
}

/// The first version in which pods have resources of their own without a feature gate.
const OF_PODS_SINCE: Version = Version { minor: 34 };

/// A resource that is asked for.
struct Resource<'s> {
    name: &'static str,
    /// Request and limit where there is neither.
    default: &'s Quantity,
    /// The smallest unit that it is counted in.
    finest: &'static str,
    wants_limit: bool,
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Outcome, Malformed> {
    // These take no resources.
    if container.kind == ContainerKind::Ephemeral {
        return Ok(Outcome::Satisfied);
    }
    let settings = &cx.settings.resources;
    let wanted = [
        Resource { name: "cpu", default: &settings.cpu, finest: "m", wants_limit: settings.cpu_limit },
        Resource { name: "memory", default: &settings.memory, finest: "", wants_limit: true },
    ];
    let own = container.section.section("resources")?;
    let pod = cx.pod.spec.section("resources")?;
    if pod.exists() && cx.settings.target < OF_PODS_SINCE && !is_complete(&own, &wanted)? {
        let target = cx.settings.target;
        return Ok(Outcome::left(format!(
            "the pod has `resources` of its own, which need Kubernetes {OF_PODS_SINCE}, the target is {target}"
        )));
    }
    let (mut requests, mut limits) = (BTreeMap::new(), BTreeMap::new());
    let mut derives = false;
    let mut remarks: Vec<String> = Vec::new();
    for resource in &wanted {
        let missing = match judge_resource(resource, settings.ratio, &own, &pod)? {
            Ok(missing) => missing,
            Err(reason) => return Ok(Outcome::left(reason)),
        };
        let missing = match admit(cx, container, resource, &own, missing)? {
            Admitted::Whole(missing) => missing,
            Admitted::Bounded(missing, remark) => {
                remarks.push(remark);
                missing
            }
            Admitted::Stays(reason) => {
                remarks.push(reason);
                continue;
            }
            Admitted::Left(reason) => return Ok(Outcome::left(reason)),
        };
        derives |= missing.request.is_none() && missing.limit.is_some();
        let fragment = |quantity: Quantity| (resource.name.to_owned(), Fragment(quantity.to_string()));
        requests.extend(missing.request.map(fragment));
        limits.extend(missing.limit.map(fragment));
    }
    if requests.is_empty() && limits.is_empty() {
        let stays = || Outcome::stays(remarks.join("; "));
        return Ok(if remarks.is_empty() { Outcome::Satisfied } else { stays() });
    }
    if cx.image(container).is_some_and(|image| image.facts.heavy) {
        return Ok(Outcome::left("the image needs memory by the gigabyte, so a guessed limit would kill it"));
    }
    let summary = summary(&requests, &limits);
    let facts = [origin(derives, !requests.is_empty()), effect(limits.contains_key("memory"))];
    let reason = facts.into_iter().map(str::to_owned).chain(remarks).collect::<Vec<_>>().join("; ");
    let given = |map: BTreeMap<_, _>| (!map.is_empty()).then_some(map);
    let fragment = fragments::ResourceRequirements {
        limits: given(limits),
        requests: given(requests),
        ..Default::default()
    };
    Ok(Outcome::review(summary, reason, fragment::merge(own.path(), &fragment)))
}

/// Whether all that is asked for is written.
fn is_complete(own: &Section<'_>, wanted: &[Resource<'_>]) -> Result<bool, Malformed> {
    let (requests, limits) = (own.section("requests")?, own.section("limits")?);
    Ok(wanted.iter().all(|resource| {
        let has_limit = limits.get(resource.name).is_some();
        has_limit || !resource.wants_limit && requests.get(resource.name).is_some()
    }))
}

/// Where the amounts come from.
fn origin(derives: bool, has_requests: bool) -> &'static str {
    match (derives, has_requests) {
        (true, false) => "the limits follow from the requests",
        (true, true) => "some amounts follow from the requests, others are defaults",
        (false, _) => "the amounts are defaults",
    }
}

/// What a program notices of them.
fn effect(limits_memory: bool) -> &'static str {
    if limits_memory {
        "a program that needs more memory is killed"
    } else {
        "a program that needs more is slowed down"
    }
}

/// What is to be written for one resource.
#[derive(Default, PartialEq, Eq)]
struct Missing {
    request: Option<Quantity>,
    limit: Option<Quantity>,
}

fn judge_resource(
    resource: &Resource<'_>,
    ratio: u32,
    own: &Section<'_>,
    pod: &Section<'_>,
) -> Result<Result<Missing, String>, Malformed> {
    let name = resource.name;
    let (request, limit) = (quantity(own, "requests", name)?, quantity(own, "limits", name)?);
    let (pod_request, pod_limit) = (quantity(pod, "requests", name)?, quantity(pod, "limits", name)?);
    let missing = match (request, limit) {
        (Some(request), Some(limit)) if request > limit => {
            return Ok(Err(format!("the request of {request} {name} is above the limit of {limit}")));
        }
        (_, Some(_)) => Missing::default(),
        _ if pod_limit.is_some() => Missing::default(),
        (Some(_), None) if !resource.wants_limit => Missing::default(),
        (None, None) if pod_request.is_some() && !resource.wants_limit => Missing::default(),
        // The requests of the containers must not exceed the pod's.
        _ if pod_request.is_some() => {
            return Ok(Err(format!("the pod as a whole has a request of {name}, but no limit")));
        }
        (Some(request), None) => {
            let scaled = request.scaled(ratio.max(1_000), resource.finest).filter(|limit| !limit.is_zero());
            Missing { request: None, limit: Some(scaled.unwrap_or_else(|| resource.default.clone())) }
        }
        (None, None) => Missing {
            request: Some(resource.default.clone()),
            limit: resource.wants_limit.then(|| resource.default.clone()),
        },
    };
    Ok(Ok(missing))
}

/// What becomes of amounts that are to be written.
enum Admitted {
    /// They are written.
    Whole(Missing),
    /// Others are, for this reason.
    Bounded(Missing, String),
    /// Nothing has to be written.
    Stays(String),
    /// A person has to look.
    Left(String),
}

/// Looks at what the run's other documents say about amounts that are to be written.
fn admit(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    resource: &Resource<'_>,
    own: &Section<'_>,
    missing: Missing,
) -> Result<Admitted, Malformed> {
    if missing.request.is_none() && missing.limit.is_none() {
        return Ok(Admitted::Whole(missing));
    }
    let name = resource.name;
    if cx.settings.resources.respect_vpa
        && let Some(autoscaler) = cx.evidence.autoscaler(&cx.pod.object, container, name)
    {
        return Ok(Admitted::Stays(format!("the {autoscaler} sets its {name}")));
    }
    let Some((bounds, certainty)) = cx.evidence.bounds(cx.pod.object.namespace().as_deref(), name) else {
        return Ok(Admitted::Whole(missing));
    };
    let written = quantity(own, "requests", name)?;
    let witness = &bounds.witness;
    Ok(match (&bounds.default_limit, certainty) {
        (Some(limit), Certainty::Sure) => match written {
            Some(request) if request > *limit => Admitted::Left(format!(
                "the request of {request} {name} is above the limit of {limit} that the {witness} gives it"
            )),
            _ => Admitted::Stays(format!("the {witness} gives it a limit of {limit} {name}")),
        },
        _ if let Some(witness) = &bounds.of_pod => {
            Admitted::Left(format!("the {witness} bounds the {name} of the whole pod"))
        }
        _ => within(&bounds, resource, written.as_ref(), missing),
    })
}

/// `missing` within `bounds`.
fn within(
    bounds: &Bounds,
    resource: &Resource<'_>,
    written: Option<&Quantity>,
    missing: Missing,
) -> Admitted {
    let clamp = |amount: &Quantity| {
        let raised = bounds.min.clone().map_or_else(|| amount.clone(), |min| min.max(amount.clone()));
        bounds.max.clone().map_or_else(|| raised.clone(), |max| max.min(raised.clone()))
    };
    let request = missing.request.as_ref().map(clamp);
    let mut limit = missing.limit.as_ref().map(clamp);
    let base = written.or(request.as_ref()).cloned();
    if let (Some(base), Some(above), Some(ratio)) = (&base, &limit, bounds.ratio)
        && above.exceeds(base, ratio)
    {
        // Rounded up it could be a little too much.
        let scaled = base.scaled(ratio, resource.finest).filter(|limit| !limit.exceeds(base, ratio));
        limit = Some(scaled.unwrap_or_else(|| base.clone()));
    }
    let is_admitted = limit.as_ref().is_none_or(|limit| {
        base.as_ref().is_none_or(|base| base <= limit)
            && bounds.min.as_ref().is_none_or(|min| min <= limit)
            && bounds.max.as_ref().is_none_or(|max| limit <= max)
    });
    let witness = &bounds.witness;
    let bounded = Missing { request, limit };
    if !is_admitted {
        Admitted::Left(format!("the {witness} admits no limit for its {}", resource.name))
    } else if bounded == missing {
        Admitted::Whole(missing)
    } else {
        Admitted::Bounded(bounded, format!("the {witness} bounds the {}", resource.name))
    }
}

fn quantity(
    resources: &Section<'_>,
    list: &'static str,
    name: &'static str,
) -> Result<Option<Quantity>, Malformed> {
    if !resources.exists() {
        return Ok(None);
    }
    let list = resources.section(list)?;
    let Some(node) = list.get(name) else { return Ok(None) };
    match Quantity::of(node) {
        Some(quantity) => Ok(Some(quantity)),
        None => {
            Err(Malformed::because(node, list.path().key(name), "is no quantity such as `250m` or `1Gi`"))
        }
    }
}

fn summary(requests: &BTreeMap<String, Fragment>, limits: &BTreeMap<String, Fragment>) -> String {
    let list = |map: &BTreeMap<String, Fragment>| {
        let amounts: Vec<String> =
            map.iter().map(|(name, Fragment(amount))| format!("{amount} {name}")).collect();
        amounts.join(" and ")
    };
    match (requests.is_empty(), limits.is_empty()) {
        _ if requests == limits => format!("request and limit {}", list(limits)),
        (true, _) => format!("limit {}", list(limits)),
        (_, true) => format!("request {}", list(requests)),
        _ => format!("request {}, limit {}", list(requests), list(limits)),
    }
}

#[cfg(test)]
mod tests {
    use super::OF_PODS_SINCE;
    use crate::plan::{Judged, State};
    use crate::settings::Settings;
    use crate::support::{Level, Outcome};
    use crate::test::{
        check_left, check_left_with, check_levels, check_pod, check_silent, check_with, findings, fixes,
        only, pod,
    };

    const ID: &str = "resources";

    fn with(resources: &str) -> String {
        let resources = crate::test::dedent(resources).replace('\n', "\n    ");
        let resources = resources.trim_end();
        let gap = if resources.starts_with('{') { " " } else { "\n    " };
        format!("containers:\n- name: a\n  image: r.io/a\n  resources:{gap}{resources}\n")
    }

    #[track_caller]
    fn check_summary(settings: &Settings, spec: &str, summary: &str) {
        let found: Vec<String> = fixes(settings, &pod(spec)).into_iter().map(|it| it.1).collect();
        assert_eq!(found, [summary]);
    }

    #[test]
    fn a_limit_is_enough() {
        check_silent(ID, &with("limits: {cpu: 1, memory: 1Gi}"));
        check_silent(ID, &with("limits: {cpu: 1, memory: 1Gi}\nrequests: {cpu: 500m, memory: 1Gi}"));
        check_silent(ID, &with("limits: {cpu: 1, memory: 1Gi}\nrequests: {cpu: 500m}"));
    }

    #[test]
    fn each_resource_is_judged_for_itself() {
        for (resources, summary) in [
            ("{}", "request and limit 250m cpu and 512Mi memory"),
            ("requests: {}", "request and limit 250m cpu and 512Mi memory"),
            ("limits: {cpu: 1}", "request and limit 512Mi memory"),
            ("requests: {cpu: 100m}", "request 512Mi memory, limit 150m cpu and 512Mi memory"),
            ("requests: {cpu: 100m, memory: 1Gi}", "limit 150m cpu and 1536Mi memory"),
            ("requests: {cpu: 0.5, memory: 100M}", "limit 750m cpu and 150M memory"),
            ("requests: {cpu: '2', memory: 1e9}", "limit 3 cpu and 1500000000 memory"),
            ("limits: {memory: 1Gi}\nrequests: {cpu: 0}", "limit 250m cpu"),
            ("limits: {nvidia.com/gpu: 1}", "request and limit 250m cpu and 512Mi memory"),
        ] {
            check_summary(&only(ID), &with(resources), summary);
        }
        check_levels(ID, &with("{}"), &[Level::Review]);
    }

    #[test]
    fn the_reason_says_where_the_amounts_come_from() {
        for (resources, origin) in [
            ("{}", "the amounts are defaults"),
            ("requests: {cpu: 100m, memory: 1Gi}", "the limits follow from the requests"),
            ("requests: {cpu: 100m}", "some amounts follow from the requests, others are defaults"),
        ] {
            let (_, _, reason) = fixes(&only(ID), &pod(&with(resources))).remove(0);
            assert!(reason.starts_with(origin), "{resources}: {reason}");
        }
    }

    #[test]
    fn other_resources_and_written_values_stay() {
        check_pod(
            ID,
            &with("limits:\n  nvidia.com/gpu: 1 # one\nrequests:\n  cpu: 2\n  ephemeral-storage: 1Gi"),
            &with(
                "limits:\n  nvidia.com/gpu: 1 # one\n  cpu: \"3\"\n  memory: 512Mi\nrequests:\n  cpu: 2\n  \
                 ephemeral-storage: 1Gi\n  memory: 512Mi",
            ),
        );
    }

    #[test]
    fn init_containers_and_sidecars_count() {
        let spec = "
            initContainers:
            - {name: i, image: r.io/i}
            - {name: s, image: r.io/s, restartPolicy: Always}
            containers:
            - {name: a, image: r.io/a}
            ";
        check_levels(ID, spec, &[Level::Review; 3]);
    }

    #[test]
    fn amounts_can_be_set() {
        let mut settings = only(ID);
        settings.resources.ratio = 1_000;
        settings.resources.memory = "1Gi".parse().unwrap();
        check_summary(
            &settings,
            &with("requests: {cpu: 100m}"),
            "request 1Gi memory, limit 100m cpu and 1Gi memory",
        );
        settings.resources.ratio = 500;
        check_summary(
            &settings,
            &with("requests: {cpu: 100m, memory: 3Gi}"),
            "limit 100m cpu and 3Gi memory",
        );
    }

    #[test]
    fn a_cpu_limit_can_be_unwanted() {
        let mut settings = only(ID);
        settings.resources.cpu_limit = false;
        check_summary(&settings, &with("{}"), "request 250m cpu and 512Mi memory, limit 512Mi memory");
        check_summary(&settings, &with("requests: {cpu: 1}"), "request and limit 512Mi memory");
        let satisfied = pod(&with("requests: {cpu: 1, memory: 1Gi}\nlimits: {memory: 1Gi}"));
        check_with(&settings, &satisfied, &satisfied);
    }

    #[test]
    fn the_pods_own_resources_cover_its_containers() {
        let spec =
            |resources: &str| format!("resources: {resources}\ncontainers: [{{name: a, image: r.io/a}}]");
        let settings = Settings { target: OF_PODS_SINCE, ..only(ID) };
        let covered = pod(&spec("{limits: {cpu: 1, memory: 1Gi}}"));
        check_with(&settings, &covered, &covered);
        check_summary(&settings, &spec("{limits: {cpu: 1}}"), "request and limit 512Mi memory");
        let unlimited = pod(&spec("{requests: {cpu: 1, memory: 1Gi}}"));
        check_left_with(&settings, &unlimited, "the pod as a whole has a request of cpu");
    }

    #[test]
    fn older_versions_know_no_resources_of_pods() {
        let spec = |own: &str| {
            format!(
                "resources: {{limits: {{cpu: 1, memory: 1Gi}}}}\ncontainers: [{{name: a, image: r.io/a{own}}}]"
            )
        };
        check_left(ID, &spec(""), "which need Kubernetes 1.34, the target is 1.28");
        check_left(ID, &spec(", resources: {limits: {cpu: 1}}"), "which need Kubernetes 1.34");
        check_silent(ID, &spec(", resources: {limits: {cpu: 1, memory: 1Gi}}"));
    }

    /// A pod after another document, both in a namespace or not.
    fn beside(other: &str, namespace: &str, resources: &str) -> String {
        let pod = pod(&with(resources)).replace("name: example", &format!("name: example{namespace}"));
        format!("{other}\n---\n{pod}")
    }

    fn limit_range(item: &str) -> String {
        format!(
            "{{apiVersion: v1, kind: LimitRange, metadata: {{name: l, namespace: n}}, spec: {{limits: [{{type: Container, {item}}}]}}}}"
        )
    }

    const IN_N: &str = "\n  namespace: n";

    #[track_caller]
    fn check_stays(text: &str, words: &str) {
        let found = findings(&only(ID), text);
        let [Judged { state: State::Left(left), .. }] = found.as_slice() else { panic!("{found:#?}") };
        assert!(left.reason.contains(words) && !left.needs_person, "{left:?}");
    }

    #[track_caller]
    fn summary_of(text: &str) -> (String, String) {
        let found = fixes(&only(ID), text);
        assert_eq!(found.len(), 1, "{found:?}");
        (found[0].1.clone(), found[0].2.clone())
    }

    #[test]
    fn a_limit_range_gives_what_is_missing() {
        let gives = limit_range("default: {cpu: 100m, memory: 64Mi}");
        check_stays(&beside(&gives, IN_N, "{}"), "the LimitRange `n/l` gives it a limit of 100m cpu");
        let largest = limit_range("max: {cpu: 1, memory: 1Gi}");
        check_stays(&beside(&largest, IN_N, "{}"), "gives it a limit of 1Gi memory");
        let (summary, reason) = summary_of(&beside(&limit_range("default: {cpu: 100m}"), IN_N, "{}"));
        assert_eq!(summary, "request and limit 512Mi memory");
        assert!(reason.ends_with("; the LimitRange `n/l` gives it a limit of 100m cpu"), "{reason}");
        check_left_with(
            &only(ID),
            &beside(&gives, IN_N, "requests: {cpu: 1}"),
            "the request of 1 cpu is above the limit of 100m that the LimitRange",
        );
        // What only could be the pod's namespace gives nothing that is sure.
        let (summary, _) = summary_of(&beside(&gives, "", "{}"));
        assert_eq!(summary, "request and limit 250m cpu and 512Mi memory");
        let (summary, _) = summary_of(&beside(&gives, "\n  namespace: m", "{}"));
        assert_eq!(summary, "request and limit 250m cpu and 512Mi memory");
    }

    #[test]
    fn amounts_stay_within_the_bounds_of_a_limit_range() {
        for (item, namespace, resources, summary) in [
            ("min: {cpu: 500m}", IN_N, "{}", "request and limit 500m cpu and 512Mi memory"),
            ("max: {memory: 256Mi}", "", "{}", "request and limit 250m cpu and 256Mi memory"),
            (
                "maxLimitRequestRatio: {cpu: '1.2'}",
                IN_N,
                "requests: {cpu: 100m, memory: 1Gi}",
                "limit 120m cpu and 1536Mi memory",
            ),
            // 1.2 times that is no whole number of thousandths.
            (
                "maxLimitRequestRatio: {cpu: '1.2'}",
                IN_N,
                "requests: {cpu: 101m, memory: 1Gi}",
                "limit 101m cpu and 1536Mi memory",
            ),
            (
                "maxLimitRequestRatio: {cpu: 4}",
                IN_N,
                "requests: {cpu: 100m}",
                "request 512Mi memory, limit 150m cpu and 512Mi memory",
            ),
        ] {
            let (found, _) = summary_of(&beside(&limit_range(item), namespace, resources));
            assert_eq!(found, summary, "{item}");
        }
        let (_, reason) = summary_of(&beside(&limit_range("min: {cpu: 1}"), IN_N, "{}"));
        assert!(reason.ends_with("; the LimitRange `n/l` bounds the cpu"), "{reason}");
        let low = beside(&limit_range("max: {cpu: 1}"), "", "requests: {cpu: 2, memory: 1Gi}");
        check_left_with(&only(ID), &low, "admits no limit for its cpu");
        let of_pod = limit_range("max: {cpu: 1}").replace("Container", "Pod");
        check_left_with(&only(ID), &beside(&of_pod, IN_N, "{}"), "bounds the cpu of the whole pod");
        let both =
            format!("{}\n---\n{}", limit_range("min: {cpu: 1m}"), of_pod.replace("name: l", "name: z"));
        check_left_with(
            &only(ID),
            &beside(&both, IN_N, "{}"),
            "the LimitRange `n/z` bounds the cpu of the whole",
        );
    }

    #[test]
    fn an_autoscaler_sets_what_it_controls() {
        let scaler = |rest: &str| {
            format!(
                "{{apiVersion: autoscaling.k8s.io/v1, kind: VerticalPodAutoscaler, metadata: {{name: v}}, spec: {{targetRef: {{apiVersion: v1, kind: Pod, name: example}}, {rest}}}}}"
            )
        };
        check_stays(
            &beside(&scaler("updatePolicy: {}"), "", "{}"),
            "the VerticalPodAutoscaler `v` sets its cpu",
        );
        check_stays(&beside(&scaler("updatePolicy: {updateMode: Initial}"), IN_N, "{}"), "sets its memory");
        let policy = |policy: &str| {
            let text = scaler(&format!("resourcePolicy: {{containerPolicies: [{policy}]}}"));
            findings(&only(ID), &beside(&text, "", "{}")).remove(0).finding.outcome
        };
        let summary = |outcome| match outcome {
            Outcome::Fix(fix) => fix.summary,
            other => panic!("{other:?}"),
        };
        let whole = "request and limit 250m cpu and 512Mi memory";
        assert_eq!(summary(policy("{containerName: a, mode: 'Off'}")), whole);
        assert_eq!(summary(policy("{containerName: '*', mode: Off}")), whole);
        assert!(matches!(policy("{containerName: b, mode: 'Off'}"), Outcome::Left(_)));
        let cpu = policy("{containerName: a, controlledResources: [cpu]}");
        assert_eq!(summary(cpu), "request and limit 512Mi memory");
        let off = beside(&scaler("updatePolicy: {updateMode: 'Off'}"), "", "{}");
        assert_eq!(summary_of(&off).0, whole);
        let other = beside(&scaler("").replace("name: example", "name: other"), "", "{}");
        assert_eq!(summary_of(&other).0, whole);
        let mut settings = only(ID);
        settings.resources.respect_vpa = false;
        assert_eq!(fixes(&settings, &beside(&scaler(""), "", "{}")).len(), 1);
    }

    #[test]
    fn heavy_images_are_left() {
        check_left(ID, "containers: [{name: a, image: jenkins/jenkins}]", "by the gigabyte");
        check_silent(
            ID,
            "containers: [{name: a, image: jenkins/jenkins, resources: {limits: {cpu: 1, memory: 4Gi}}}]",
        );
    }

    #[test]
    fn what_is_no_quantity_is_left() {
        for amount in ["1 Gi", "lots", "${MEMORY}", "-1", "true", "[1]", "1GB"] {
            let spec = with(&format!("limits: {{cpu: 1, memory: \"{amount}\"}}"));
            check_left(ID, &spec, "`memory` in line 10 is no quantity");
        }
        check_left(ID, &with("limits: 1"), "`limits` in line 10 is a number, not a map");
        check_left(
            ID,
            &with("limits: {cpu: 1, memory: 1Gi}\nrequests: {cpu: 2}"),
            "the request of 2 cpu is above the limit of 1",
        );
    }
}
