//! `hostPort`.

use rewriter::{Edit, Value};

use crate::context::Context;
use crate::host_network::HostNetwork;
use crate::model::{Container, Malformed, Pod, Section, is_ingress_controller};
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A port of the node that leads into a container is open to everybody who reaches the node, past
    /// Services and often past network policies, and keeps a second such pod off the node.
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
    ///       ports:
    ///         - containerPort: 8080
    ///           hostPort: 80
    ///           hostIP: 10.0.0.7
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
    ///       ports:
    ///         - containerPort: 8080
    /// ```
    ///
    /// Each port has its own finding. `hostIP`, which means nothing without `hostPort`, goes with it.
    ///
    /// ## Safety
    ///
    /// Review: somebody wrote it, and who uses the node's address needs a Service instead.
    ///
    /// Left for a person: node agents, ingress controllers, and `DaemonSets`, which are often reached by the pods
    /// of their node in this way. In the node's network every port is one of the node's; `host-network` speaks
    /// about that.
    pub(crate) struct HostPort {
        id: "host-port",
        title: "a port of the node leads into the container",
        category: Category::Network,
        severity: Severity::Medium,
        pages: &[],
        pod_security: &["hostPorts"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "what connected to the node's port gets `connection refused`",
        undo: "reach the pod through a Service of type `NodePort` or `LoadBalancer`, or write `hostPort` again \
            with `# cce-fix: ignore[host-port] reason` beside it",
    }
}

const KEY: &str = "hostPort";

impl Transform for HostPort {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.pod.containers.iter().flat_map(|container| check_container(cx, container)).collect()
    }
}

fn check_container(cx: &Context<'_, '_>, container: &Container<'_>) -> Vec<Finding> {
    let meta = &HostPort::META;
    let mut findings = Vec::new();
    let ports: Result<Vec<_>, _> =
        container.section.list("ports").and_then(|ports| ports.sections().collect());
    let of_container = |outcome| Vec::from_iter(cx.of_container(meta, container, &["ports"], outcome));
    match ports {
        Err(malformed) => return of_container(Err(malformed)),
        Ok(ports) => {
            for port in ports {
                let outcome = judge(cx, &port);
                if outcome != Ok(Outcome::Satisfied) {
                    let place = port.locate(&[KEY]);
                    findings.push(Finding::new(meta, Some(container.reference()), place, outcome));
                }
            }
        }
    }
    if findings.is_empty() { of_container(Ok(Outcome::Satisfied)) } else { findings }
}

fn judge(cx: &Context<'_, '_>, port: &Section<'_>) -> Result<Outcome, Malformed> {
    let edits = removal(port)?;
    if edits.is_empty() || edits.iter().all(|edit| cx.planned(edit.path()).is_some()) {
        return Ok(Outcome::Satisfied);
    }
    if cx.has_host_network()? {
        let reason = "in the node's network every port is one of the node's: see `host-network`";
        let is_told = cx.settings.runs(&HostNetwork::META);
        return Ok(if is_told { Outcome::stays(reason) } else { Outcome::left(reason) });
    }
    if let Some(reason) = takes_in_traffic(cx.pod) {
        return Ok(Outcome::left(reason));
    }
    if cx.pod.object.kind == "DaemonSet" {
        return Ok(Outcome::left(
            "the pods of a node may reach the one of a DaemonSet by it; a Service with \
             `internalTrafficPolicy: Local` does the same without a port of the node",
        ));
    }
    let number = port.integer(KEY)?.unwrap_or_default();
    let reason = "somebody wrote it; whoever uses it at the node's address needs a Service instead";
    Ok(Outcome::review(format!("remove `hostPort: {number}`"), reason, edits))
}

/// Why a pod that takes in traffic for others stays at its node's address.
pub(crate) fn takes_in_traffic(pod: &Pod<'_>) -> Option<String> {
    let container = is_ingress_controller(pod)?;
    Some(format!(
        "container `{container}` takes in traffic for others, perhaps at the node's address; let a Service with \
         `type: LoadBalancer` take it in first"
    ))
}

/// What closes the port of the node that `port`, an entry of `ports`, opens; nothing where it opens none.
pub(crate) fn removal(port: &Section<'_>) -> Result<Vec<Edit>, Malformed> {
    if matches!(port.integer(KEY)?, None | Some(0)) {
        return Ok(Vec::new());
    }
    let mut edits = vec![Edit::remove(port.path().key(KEY), Some(0.into()))];
    if port.get("hostIP").is_some() {
        // Without a `hostPort` the API server warns about it.
        edits.push(Edit::remove(port.path().key("hostIP"), Some(Value::from(""))));
    }
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use crate::Level;
    use crate::settings::Settings;
    use crate::test::{check_left, check_left_with, check_levels, check_pod, check_silent, only, pod};

    const ID: &str = "host-port";

    fn with(port: &str) -> String {
        format!("containers:\n- name: a\n  image: registry.example.com/a\n  ports:\n  - {port}\n")
    }

    #[test]
    fn the_rest_of_the_port_stays() {
        check_pod(
            ID,
            &with("{name: dns, protocol: UDP, containerPort: 53, hostPort: 53, hostIP: 1.2.3.4}"),
            &with("{name: dns, protocol: UDP, containerPort: 53}"),
        );
        check_pod(
            ID,
            &with("hostPort: 80 # why\n    containerPort: 80"),
            &with("hostPort: 0 # why\n    containerPort: 80"),
        );
        check_levels(ID, &with("{containerPort: 80, hostPort: 80}"), &[Level::Review]);
    }

    #[test]
    fn each_port_has_its_own_finding() {
        let two = with(
            "{containerPort: 80, hostPort: 80}\n  - {containerPort: 81}\n  - {containerPort: 82, hostPort: 1}",
        );
        check_levels(ID, &two, &[Level::Review, Level::Review]);
    }

    #[test]
    fn a_port_of_the_container_alone_is_silent() {
        for port in
            ["containerPort: 80", "{containerPort: 80, hostPort: 0}", "{containerPort: 80, hostPort: null}"]
        {
            check_silent(ID, &with(port));
        }
        check_silent(ID, "hostNetwork: true\ncontainers: [{image: r.io/a, ports: [{containerPort: 80}]}]");
    }

    #[test]
    fn in_the_nodes_network_another_finding_stands_for_it() {
        let spec = format!("hostNetwork: true\n{}", with("{containerPort: 80, hostPort: 80}"));
        check_left(ID, &spec, "see `host-network`");
        let both = Settings {
            safe: true,
            select: Some([ID, "host-network"].map(Into::into).into()),
            ..Settings::default()
        };
        let found = crate::test::findings(&both, &pod(&spec));
        let states: Vec<_> = found.into_iter().map(|judged| judged.state).collect();
        assert!(
            matches!(&states[..], [crate::State::HeldBack, crate::State::Left(left)] if !left.needs_person),
            "{states:?}"
        );
    }

    #[test]
    fn what_is_reached_at_the_nodes_address_is_left() {
        let ports = "ports: [{containerPort: 80, hostPort: 80}]";
        check_left(ID, &format!("containers: [{{name: a, image: kong:3, {ports}}}]"), "`a` takes in traffic");
        check_left_with(
            &only(ID),
            &format!(
                "apiVersion: apps/v1\nkind: DaemonSet\nspec: {{template: {{spec: {{containers: [{{name: a, image: r.io/a, \
                 {ports}}}]}}}}}}\n"
            ),
            "internalTrafficPolicy",
        );
        check_left(ID, &with("{containerPort: 80, hostPort: '80'}"), "`hostPort`");
        check_left(ID, "containers: [{image: r.io/a, ports: {a: b}}]", "`ports`");
    }
}
