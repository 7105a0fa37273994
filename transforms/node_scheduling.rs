//! `nodeSelector`, `nodeAffinity` and `tolerations`.

use k8s_openapi::api::core::v1 as fragments;
use rewriter::Edit;

use crate::context::Context;
use crate::fragment;
use crate::model::{Malformed, Pod, Section};
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A workload that may run on every node brings whoever takes it over next to every other workload; one
    /// that keeps to nodes of its own keeps the damage there.
    ///
    /// ```yaml
    /// # .cce-fix.yaml
    /// transforms:
    ///   node-scheduling:
    ///     node-pool: apps
    ///     tolerations: ["dedicated=apps:NoSchedule"]
    /// ```
    ///
    /// With that configuration,
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
    ///   nodeSelector:
    ///     cce.cloud.com/cce-nodepool: apps
    ///   tolerations:
    ///     - key: dedicated
    ///       operator: Equal
    ///       effect: NoSchedule
    ///       value: apps
    /// ```
    ///
    /// A label that the pod asks for already keeps its value, and terms of an affinity are never changed.
    ///
    /// ## Safety
    ///
    /// Nothing is written unless labels or tolerations are configured, and then at level review: where no node
    /// has the labels, the pod stays pending.
    ///
    /// Otherwise it is advice, and does not count as left. What counts is a toleration of every taint, and one
    /// of the taints of control planes, outside of `DaemonSet`s: they undo what others do to keep their nodes.
    ///
    /// Silent for `DaemonSet`s, which are meant for every node, and for pods with a `nodeSelector`, a required
    /// node affinity or a `nodeName`.
    pub(crate) struct NodeScheduling {
        id: "node-scheduling",
        title: "the pod may run on every node",
        category: Category::Scheduling,
        severity: Severity::Low,
        pages: &["Controlling the Pod Scheduling Scope"],
        pod_security: &[],
        profiles: &[],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "the pod stays `Pending` with `didn't match Pod's node affinity/selector` among its events",
        undo: "give nodes the labels, or correct `transforms.node-scheduling` in `.cce-fix.yaml`",
    }
}

/// The label that CCE gives to the nodes of a pool.
const POOL: &str = "cce.cloud.com/cce-nodepool";

const CONTROL_PLANE: [&str; 2] = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

impl Transform for NodeScheduling {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let (keys, outcome) = match judge(cx) {
            Ok((key, outcome)) => ([key], Ok(outcome)),
            Err(malformed) => (["nodeSelector"], Err(malformed)),
        };
        Vec::from_iter(cx.of_pod(&Self::META, &keys, &cx.pod.containers, outcome))
    }
}

/// What is concluded, and about which field.
fn judge(cx: &Context<'_, '_>) -> Result<(&'static str, Outcome), Malformed> {
    let pod = cx.pod;
    if pod.object.kind == "DaemonSet" {
        return Ok(("nodeSelector", Outcome::Satisfied));
    }
    let selector = pod.spec.section("nodeSelector")?;
    let tolerations = pod.spec.list("tolerations")?.sections().collect::<Result<Vec<_>, _>>()?;
    for toleration in &tolerations {
        if let Some(reason) = undoes_taints(toleration)? {
            return Ok(("tolerations", Outcome::left(reason)));
        }
    }
    if pod.spec.text("nodeName")?.is_some() {
        return Ok(("nodeName", Outcome::Satisfied));
    }
    let add = match additions(cx, &selector, &tolerations)? {
        Ok(add) => add,
        Err(reason) => return Ok(("nodeSelector", Outcome::left(reason))),
    };
    if !add.edits.is_empty() {
        let reason = "it is configured; where no node has the labels, the pod stays pending";
        return Ok(("nodeSelector", Outcome::review(add.summary(), reason, add.edits)));
    }
    let is_limited = selector.node().is_some_and(|map| map.entries().next().is_some()) || has_affinity(pod)?;
    let settings = &cx.settings.node_scheduling;
    let is_configured = settings.node_pool.is_some() || !settings.node_labels.is_empty();
    let outcome = if is_limited || is_configured { Outcome::Satisfied } else { Outcome::stays(advice(pod)) };
    Ok(("nodeSelector", outcome))
}

/// Why a toleration lets the pod onto nodes that are kept from it.
fn undoes_taints(toleration: &Section<'_>) -> Result<Option<&'static str>, Malformed> {
    let key = toleration.text("key")?.unwrap_or_default();
    let is_any_value = toleration.text("operator")?.as_deref() == Some("Exists");
    Ok(if key.is_empty() && is_any_value {
        Some(
            "the pod tolerates every taint, so nothing keeps it from any node; name the taints that it is to \
             tolerate",
        )
    } else if CONTROL_PLANE.contains(&&*key) {
        Some("the pod tolerates the taint of control planes, whose nodes are not for workloads")
    } else {
        None
    })
}

/// Whether the pod requires something of its node by affinity.
fn has_affinity(pod: &Pod<'_>) -> Result<bool, Malformed> {
    let affinity = pod.spec.section("affinity")?.section("nodeAffinity")?;
    let required = affinity.section("requiredDuringSchedulingIgnoredDuringExecution")?;
    Ok(!required.list("nodeSelectorTerms")?.is_empty())
}

/// What is configured and not there yet.
#[derive(Default)]
struct Additions {
    edits: Vec<Edit>,
    labels: Vec<String>,
    tolerations: Vec<String>,
}

impl Additions {
    fn summary(&self) -> String {
        let listed = |what: &str, texts: &[String]| match texts {
            [] => None,
            texts => Some(format!("{what} `{}`", texts.join("`, `"))),
        };
        let parts = [listed("ask for nodes with", &self.labels), listed("tolerate", &self.tolerations)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// The inner error tells why nothing can be added.
fn additions(
    cx: &Context<'_, '_>,
    selector: &Section<'_>,
    written: &[Section<'_>],
) -> Result<Result<Additions, String>, Malformed> {
    let settings = &cx.settings.node_scheduling;
    let mut add = Additions::default();
    let pool = settings.node_pool.iter().map(|pool| (POOL, pool));
    for (key, value) in pool.chain(settings.node_labels.iter().map(|(key, value)| (&**key, value))) {
        if selector.get(key).is_none() {
            add.edits.push(Edit::set(selector.path().key(key.to_owned()), &**value));
            add.labels.push(format!("{key}: {value}"));
        }
    }
    for text in &settings.tolerations {
        let Some(toleration) = parse(text) else {
            return Ok(Err(format!(
                "`{text}` in the configuration is no toleration such as `key=value:NoSchedule`"
            )));
        };
        let mut is_there = false;
        for other in written {
            is_there |= covers(other, &toleration)?;
        }
        if !is_there {
            let list = cx.pod.spec.place("tolerations");
            add.edits.push(Edit::append(list, fragment::value(&toleration)));
            add.tolerations.push(text.clone());
        }
    }
    if !add.edits.is_empty() && cx.pod.is_bound_to_cci() {
        let reason =
            "the pod is to run on CCI (`virtual-kubelet.io/burst-to-cci: enforce`), whose node is in no pool";
        return Ok(Err(reason.to_owned()));
    }
    Ok(Ok(add))
}

/// `key=value:Effect` or `key:Effect`.
fn parse(text: &str) -> Option<fragments::Toleration> {
    let (taint, effect) = text.rsplit_once(':')?;
    let (key, value) = match taint.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (taint, None),
    };
    let is_known = ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect);
    (is_known && !key.is_empty()).then(|| fragments::Toleration {
        key: Some(key.to_owned()),
        operator: Some(if value.is_some() { "Equal" } else { "Exists" }.to_owned()),
        value,
        effect: Some(effect.to_owned()),
        ..Default::default()
    })
}

/// Whether the toleration that is written tolerates what `wanted` does.
fn covers(written: &Section<'_>, wanted: &fragments::Toleration) -> Result<bool, Malformed> {
    let is_same = |written: Option<&str>, wanted: &Option<String>| written == wanted.as_deref();
    let (effect, value) = (written.text("effect")?, written.text("value")?);
    Ok(is_same(written.text("key")?.as_deref(), &wanted.key)
        && (effect.is_none() || is_same(effect.as_deref(), &wanted.effect))
        && (written.text("operator")?.as_deref() == Some("Exists")
            || is_same(Some(value.as_deref().unwrap_or_default()), &wanted.value)))
}

/// How a person gives the pod nodes of its own.
fn advice(pod: &Pod<'_>) -> String {
    let is_value = |name: &str| {
        name.len() <= 63
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.ends_with(|last: char| last.is_ascii_alphanumeric())
    };
    let name = pod.object.name().filter(|name| is_value(name)).unwrap_or("apps".into());
    format!(
        "nothing limits the nodes that it runs on; for nodes of its own, `kubectl label node NODE \
         dedicated={name}` and `kubectl taint node NODE dedicated={name}:NoSchedule`, then `nodeSelector: \
         {{dedicated: {name}}}` and a toleration of `dedicated={name}:NoSchedule`, or configure `node-pool`, \
         `node-labels` and `tolerations`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Level;
    use crate::test::{check_left, check_left_with, check_silent, check_with, findings, fixes, only, pod};
    use crate::{Settings, State};

    const ID: &str = "node-scheduling";

    const PLAIN: &str = "containers:\n- name: a\n  image: r.io/a\n";

    fn configured(labels: &[(&str, &str)], tolerations: &[&str]) -> Settings {
        let mut settings = only(ID);
        settings.node_scheduling.node_pool = Some("apps".to_owned());
        settings.node_scheduling.node_labels =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        settings.node_scheduling.tolerations = tolerations.iter().map(|text| (*text).to_owned()).collect();
        settings
    }

    #[test]
    fn what_limits_the_nodes_is_enough() {
        for rest in [
            "nodeSelector: {disk: ssd}",
            "nodeName: node-1",
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{}]}}}",
        ] {
            check_silent(ID, &format!("{PLAIN}{rest}\n"));
        }
        let set = "apiVersion: apps/v1\nkind: DaemonSet\nspec: {template: {spec: {tolerations: [{operator: \
            Exists}], containers: [{image: r.io/a}]}}}\n";
        assert!(findings(&only(ID), set).iter().all(|judged| judged.state == State::Satisfied));
    }

    #[test]
    fn advice_has_the_commands_and_needs_nobody() {
        for rest in ["", "nodeSelector: {}\n", "affinity: {podAntiAffinity: {}}\n"] {
            let found = findings(&only(ID), &pod(&format!("{PLAIN}{rest}")));
            let [judged] = found.as_slice() else { panic!("{found:#?}") };
            let State::Left(left) = &judged.state else { panic!("{judged:#?}") };
            assert!(!left.needs_person);
            for command in [
                "kubectl label node NODE dedicated=example`",
                "kubectl taint node NODE dedicated=example:NoSchedule`",
            ] {
                assert!(left.reason.contains(command), "{}", left.reason);
            }
        }
        let generated = pod(PLAIN).replace("name: example", "generateName: example-");
        let found = findings(&only(ID), &generated);
        assert!(matches!(&found[0].state, State::Left(left) if left.reason.contains("dedicated=apps")));
    }

    #[test]
    fn tolerations_that_undo_taints_are_left() {
        check_left(ID, &format!("{PLAIN}tolerations: [{{operator: Exists}}]\n"), "tolerates every taint");
        check_left(
            ID,
            &format!("{PLAIN}nodeName: n\ntolerations: [{{operator: Exists, effect: NoExecute}}]\n"),
            "tolerates every taint",
        );
        for key in CONTROL_PLANE {
            let toleration = format!("tolerations: [{{key: {key}, operator: Exists}}]\n");
            check_left(ID, &format!("{PLAIN}{toleration}"), "the taint of control planes");
        }
        check_silent(
            ID,
            &format!("{PLAIN}nodeSelector: {{a: b}}\ntolerations: [{{key: a, operator: Exists}}]\n"),
        );
        check_left(ID, &format!("{PLAIN}tolerations: [text]\n"), "item 1 of `tolerations`");
        check_left(ID, &format!("{PLAIN}nodeSelector: text\n"), "`nodeSelector` in line 9 is text");
    }

    #[test]
    fn what_is_configured_is_added_to_what_is_there() {
        let settings = configured(&[("disk", "ssd")], &["dedicated=apps:NoSchedule", "spot:NoExecute"]);
        check_with(
            &settings,
            &pod(&format!(
                "{PLAIN}nodeSelector:\n  disk: hdd # cheap\ntolerations:\n- key: dedicated\n  value: apps\n"
            )),
            &pod(&format!(
                "{PLAIN}nodeSelector:\n  disk: hdd # cheap\n  cce.cloud.com/cce-nodepool: apps\ntolerations:\n- \
                 key: dedicated\n  value: apps\n- key: spot\n  operator: Exists\n  effect: NoExecute\n"
            )),
        );
        assert_eq!(fixes(&settings, &pod(PLAIN))[0].0, Level::Review);
        assert_eq!(
            fixes(&settings, &pod(PLAIN))[0].1,
            "ask for nodes with `cce.cloud.com/cce-nodepool: apps`, `disk: ssd`, tolerate \
             `dedicated=apps:NoSchedule`, `spot:NoExecute`"
        );
    }

    #[test]
    fn only_a_toleration_of_the_same_taint_is_enough() {
        let settings = configured(&[], &["dedicated=apps:NoSchedule"]);
        for (toleration, is_enough) in [
            ("{key: dedicated, value: apps, effect: NoSchedule}", true),
            ("{key: dedicated, operator: Exists}", true),
            ("{key: other, value: apps, effect: NoSchedule}", false),
            ("{key: dedicated, value: other, effect: NoSchedule}", false),
            ("{key: dedicated, value: apps, effect: NoExecute}", false),
        ] {
            let text = pod(&format!("{PLAIN}tolerations: [{toleration}]\n"));
            let summary = fixes(&settings, &text).remove(0).1;
            assert_eq!(!summary.contains("tolerate"), is_enough, "{toleration}: {summary}");
        }
    }

    #[test]
    fn what_would_not_go_together_is_left() {
        let bursting = pod(PLAIN).replace(
            "name: example",
            "name: example\n  labels:\n    virtual-kubelet.io/burst-to-cci: enforce",
        );
        check_left_with(&configured(&[], &[]), &bursting, "the pod is to run on CCI");
        for text in ["dedicated", "a=b:Never", ":NoSchedule", "=b:NoSchedule"] {
            check_left_with(&configured(&[], &[text]), &pod(PLAIN), "is no toleration such as");
        }
        let named = pod(&format!("{PLAIN}nodeName: n\n"));
        check_with(&configured(&[], &[]), &named, &named);
    }
}
