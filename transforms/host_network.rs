//! `hostNetwork`, with what only makes sense beside it.

use rewriter::{Edit, Value};

use crate::context::Context;
use crate::host_port;
use crate::host_probe::is_loopback;
use crate::model::{Malformed, Pod};
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A container in the node's network reaches what listens on the node's loopback address alone, sees the
    /// traffic of other pods, is not held by network policies, and has the node's address for others, the
    /// metadata service among them. It shares the node's host name as well.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostNetwork: true
    ///   dnsPolicy: ClusterFirstWithHostNet
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    ///       ports:
    ///         - containerPort: 8080
    ///           hostPort: 8080
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
    /// Everything that depends on it goes in the same fix: the `hostPort` of each port, which only repeated
    /// that the port is the node's and would become a mapping of it, `ClusterFirstWithHostNet`, and a
    /// loopback `host` of a probe, which would be the node's own address then.
    ///
    /// There is no field for the UTS namespace: a pod has the node's exactly where it has its network.
    ///
    /// ## Safety
    ///
    /// Review: somebody wrote it, the pod gets an address of its own, and whoever reached it at the node's
    /// address does not any more.
    ///
    /// Left for a person: node agents, and ingress controllers, for which the node's address may be the one
    /// that the world knows. Host processes on Windows need it and are left alone.
    pub(crate) struct HostNetwork {
        id: "host-network",
        title: "the container is in its node's network",
        category: Category::Namespaces,
        severity: Severity::High,
        pages: &["Ensuring Container Security"],
        pod_security: &["hostNamespaces"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "what reached the pod at its node's address gets `connection refused`, or the program no \
            longer sees the node's interfaces or what listens on its loopback",
        undo: "reach the pod through a Service; where it has to be the node's network, write \
            `hostNetwork: true` again with a reason beside it",
    }
}

const KEY: &str = "hostNetwork";

impl Transform for HostNetwork {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.flag(&Self::META, KEY, || judge(cx.pod))
    }
}

fn judge(pod: &Pod<'_>) -> Result<Outcome, Malformed> {
    if pod.is_host_process()? {
        return Ok(Outcome::stays("a host process of Windows can be in the node's network alone"));
    }
    if let Some(reason) = host_port::takes_in_traffic(pod) {
        return Ok(Outcome::left(reason));
    }
    let removed = |summary: &mut Vec<&str>, what| {
        if !summary.contains(&what) {
            summary.push(what);
        }
    };
    let mut edits = vec![Edit::remove(pod.spec.place(KEY), Some(false.into()))];
    let mut summary = vec!["`hostNetwork: true`"];
    if pod.spec.text("dnsPolicy")?.is_some_and(|policy| policy == "ClusterFirstWithHostNet") {
        edits.push(Edit::remove(pod.spec.place("dnsPolicy"), Some("ClusterFirst".into())));
        summary.push("`dnsPolicy: ClusterFirstWithHostNet`");
    }
    for container in pod.containers.iter().filter(|container| container.is_editable()) {
        for port in container.section.list("ports")?.sections() {
            let removal = host_port::removal(&port?)?;
            if !removal.is_empty() {
                removed(&mut summary, "each `hostPort`");
                edits.extend(removal);
            }
        }
        for handler in container.handlers()? {
            if handler.text("host")?.is_some_and(|host| is_loopback(&host)) {
                removed(&mut summary, "each probe's loopback `host`");
                edits.push(Edit::remove(handler.path().key("host"), Some(Value::from(""))));
            }
        }
    }
    let mut reason =
        "somebody wrote it; the pod gets an address of its own then, and is not reached at its node's \
        address any more"
            .to_owned();
    if pod.bursts_to_cci() {
        reason.push_str("; Cloud Container Instance, for which the pod has a label, refuses it as it is");
    }
    Ok(Outcome::review(format!("remove {}", summary.join(", ")), reason, edits))
}

#[cfg(test)]
mod tests {
    use crate::Level;
    use crate::settings::Settings;
    use crate::test::{check_left, check_levels, check_pod, check_silent, check_with, fixes, only, pod};

    const ID: &str = "host-network";

    fn with(line: &str) -> String {
        format!("{line}\ncontainers: [{{name: a, image: registry.example.com/a}}]")
    }

    #[test]
    fn it_is_removed_after_review() {
        check_pod(ID, &with("hostNetwork: true"), "containers: [{name: a, image: registry.example.com/a}]");
        check_pod(ID, &with("hostNetwork: true # why"), &with("hostNetwork: false # why"));
        check_levels(ID, &with("hostNetwork: true"), &[Level::Review]);
    }

    #[test]
    fn what_depends_on_it_goes_too() {
        check_pod(
            ID,
            "
            hostNetwork: true
            dnsPolicy: ClusterFirstWithHostNet # for Services
            initContainers:
            - image: r.io/init
              ports:
              - {containerPort: 9, hostPort: 9}
            containers:
            - image: r.io/a
              ports:
              - name: http
                containerPort: 80
                hostPort: 80
                hostIP: 10.0.0.1
              - containerPort: 443
                hostPort: 443 # TLS
              - containerPort: 9090
              livenessProbe:
                httpGet:
                  host: 127.0.0.1
                  port: 80
              readinessProbe:
                tcpSocket: {host: db.example.com, port: 5432}
            ",
            "
            dnsPolicy: ClusterFirst # for Services
            initContainers:
            - image: r.io/init
              ports:
              - {containerPort: 9}
            containers:
            - image: r.io/a
              ports:
              - name: http
                containerPort: 80
              - containerPort: 443
                hostPort: 0 # TLS
              - containerPort: 9090
              livenessProbe:
                httpGet:
                  port: 80
              readinessProbe:
                tcpSocket: {host: db.example.com, port: 5432}
            ",
        );
        let (_, summary, _) = fixes(&only(ID), &pod(&with("hostNetwork: true"))).remove(0);
        assert_eq!(summary, "remove `hostNetwork: true`");
    }

    #[test]
    fn other_policies_of_names_stay() {
        check_pod(
            ID,
            "dnsPolicy: Default\nhostNetwork: true\ncontainers: [{image: r.io/a}]",
            "dnsPolicy: Default\ncontainers: [{image: r.io/a}]",
        );
        check_silent(ID, &with("dnsPolicy: ClusterFirstWithHostNet"));
    }

    #[test]
    fn who_needs_the_nodes_network_is_left() {
        let of_image = |image: &str| format!("hostNetwork: true\ncontainers: [{{name: a, image: {image}}}]");
        check_left(ID, &of_image("traefik:v3"), "`a` takes in traffic");
        check_left(ID, &of_image("quay.io/calico/node"), "node agent");
        let windows = "securityContext: {windowsOptions: {hostProcess: true}}";
        check_left(ID, &with(&format!("hostNetwork: true\n{windows}")), "host process");
        check_left(ID, &with("hostNetwork: 'true'"), "not a truth value");
    }

    #[test]
    fn a_value_that_cannot_be_read_holds_everything_back() {
        let ports = |port: &str| {
            format!("hostNetwork: true\ncontainers: [{{image: r.io/a, ports: [{{hostPort: {port}}}]}}]")
        };
        check_left(ID, &ports("'80'"), "`hostPort`");
        check_left(
            ID,
            "hostNetwork: true\ncontainers: [{image: r.io/a, livenessProbe: 1}]",
            "`livenessProbe`",
        );
    }

    #[test]
    fn a_pod_for_cci_is_told_apart() {
        let text = |value: &str| {
            pod(&with("hostNetwork: true")).replace(
                "  name: example\n",
                &format!("  labels: {{virtual-kubelet.io/burst-to-cci: {value}}}\n"),
            )
        };
        let reason = |value: &str| fixes(&only(ID), &text(value)).remove(0).2;
        assert!(reason("auto").contains("Cloud Container Instance"));
        assert!(reason("enforce").contains("Cloud Container Instance"));
        assert!(!reason("'off'").contains("Cloud Container Instance"));
    }

    #[test]
    fn later_transforms_see_a_network_of_its_own() {
        let settings = Settings {
            select: Some([ID, "host-port", "unprivileged-port"].map(Into::into).into()),
            ..Settings::default()
        };
        let spec = |lines: &str, port: &str| {
            pod(&format!(
                "{lines}containers:\n- image: r.io/a\n  ports:\n  - containerPort: 80\n{port}  securityContext: \
                 {{runAsUser: 1000}}\n"
            ))
        };
        let after = format!(
            "{}  securityContext:\n    sysctls:\n    - name: net.ipv4.ip_unprivileged_port_start\n      value: \"0\"\n",
            spec("", "")
        );
        check_with(&settings, &spec("hostNetwork: true\n", "    hostPort: 80\n"), &after);
    }
}
