//! `sysctls` with `net.ipv4.ip_unprivileged_port_start`.

use k8s_openapi::api::core::v1 as fragments;
use rewriter::{Edit, Path, Value};

use crate::context::Context;
use crate::fragment;
use crate::model::{Container, ContainerKind, Malformed, capability};
use crate::settings::{Profile, Version};
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A program that is neither root nor carries a file capability cannot listen below port 1024, whatever
    /// capabilities its container adds: started as another user, it stops with "permission denied".
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
    ///         - containerPort: 80
    ///       securityContext:
    ///         runAsUser: 1000
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
    ///         - containerPort: 80
    ///       securityContext:
    ///         runAsUser: 1000
    ///   securityContext:
    ///     sysctls:
    ///       - name: net.ipv4.ip_unprivileged_port_start
    ///         value: "0"
    /// ```
    ///
    /// Pod Security allows this sysctl at every level. It holds for the pod's own network alone, and is what
    /// containerd 2 and Docker do by themselves. Ports are never changed.
    ///
    /// ## Safety
    ///
    /// Review: a node with a kernel before 4.11 refuses the pod, and every program of the pod may then listen
    /// on every port of it.
    ///
    /// Left for a person: pods in the node's network, which may not set it, Kubernetes before 1.22, where it
    /// counts as unsafe, and `NET_BIND_SERVICE` for a user who gains nothing from it.
    ///
    /// Silent unless a port below 1024 and a user other than root meet in one container.
    pub(crate) struct UnprivilegedPort {
        id: "unprivileged-port",
        title: "a user other than root is to listen below port 1024",
        category: Category::Privilege,
        severity: Severity::Low,
        pages: &["Controlling Access Permissions", "Container Permission Access Control"],
        pod_security: &["runAsUser", "runAsNonRoot", "capabilities_restricted"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "the kubelet or the container runtime refuses the pod (`SysctlForbidden`, or an error about \
            `ip_unprivileged_port_start`) on a node that does not have the setting",
        undo: "take the entry out of `sysctls`, and let the program listen on a port above 1023",
    }
}

const FIELD: [&str; 2] = ["securityContext", "sysctls"];
const SYSCTL: &str = "net.ipv4.ip_unprivileged_port_start";

/// The first version whose nodes take the sysctl without being configured to.
const SAFE_SINCE: Version = Version { minor: 22 };

impl Transform for UnprivilegedPort {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    /// The sysctl is the pod's, so one finding stands for all containers that need it.
    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut concerned = Vec::new();
        let mut lowest = i64::MAX;
        for container in &cx.pod.containers {
            let outcome = match need(cx, container) {
                Ok(Need::Port(port)) => {
                    lowest = lowest.min(port);
                    concerned.push(container);
                    continue;
                }
                Ok(Need::Nothing) => Ok(Outcome::Satisfied),
                Ok(Need::Doubt(reason)) => Ok(Outcome::left(reason)),
                Err(malformed) => Err(malformed),
            };
            findings.extend(cx.of_container(&Self::META, container, &["securityContext"], outcome));
        }
        if !concerned.is_empty() {
            findings.extend(cx.of_pod(&Self::META, &FIELD, concerned, set(cx, lowest)));
        }
        findings
    }
}

/// What a container needs so that it can listen.
enum Need {
    /// Nothing that is known of.
    Nothing,
    /// That this port, and those above it, are free for everybody.
    Port(i64),
    /// A person has to tell.
    Doubt(&'static str),
}

fn need(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Need, Malformed> {
    if !cx.identity(container)?.is_non_root() {
        return Ok(Need::Nothing);
    }
    let added = container.security_context()?.capabilities_add()?.texts()?;
    let adds_bind = added.iter().any(|name| capability(name) == "NET_BIND_SERVICE");
    Ok(match low_port(cx, container)? {
        _ if has_file_capability(cx, container) => Need::Nothing,
        Some(port) => Need::Port(port),
        None if adds_bind && written_start(cx)?.is_none_or(|start| start.port >= 1024) => Need::Doubt(
            "`NET_BIND_SERVICE` serves root and programs with that file capability; if this one listens below \
            port 1024, it needs the sysctl `net.ipv4.ip_unprivileged_port_start`, if not, nothing",
        ),
        None => Need::Nothing,
    })
}

/// The lowest port below 1024 that the container listens on, as far as is known.
fn low_port(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Option<i64>, Malformed> {
    let mut ports = container.ports()?.to_vec();
    if ports.is_empty() {
        // Declared ports tell how an image is configured here, its own ones how it comes.
        let image = cx.image(container);
        ports.extend(image.iter().flat_map(|image| &image.facts.ports).map(|port| i64::from(*port)));
    }
    ports.extend(served_port(cx, container)?);
    Ok(ports.into_iter().filter(|port| (1..1024).contains(port)).min())
}

/// The lowest port at which a service of the run reaches the container. One that no container declares may be
/// any one's.
fn served_port(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Option<i64>, Malformed> {
    let mut served = cx.evidence.low_ports(cx.pod);
    if served.is_empty() || !matches!(container.kind, ContainerKind::Main | ContainerKind::Sidecar) {
        return Ok(None);
    }
    for container in &cx.pod.containers {
        for port in container.ports()? {
            served.remove(port);
        }
    }
    Ok(served.into_keys().next())
}

fn has_file_capability(cx: &Context<'_, '_>, container: &Container<'_>) -> bool {
    cx.image(container)
        .is_some_and(|image| image.facts.file_capabilities.iter().any(|name| name == "NET_BIND_SERVICE"))
}

/// Why the container could not listen any more as another user than root: it uses a low port, and the sysctl
/// that frees it cannot be set.
pub(crate) fn keeps_from_listening(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
) -> Result<Option<String>, Malformed> {
    let Some(port) = low_port(cx, container)?.filter(|_| !has_file_capability(cx, container)) else {
        return Ok(None);
    };
    let is_free = written_start(cx)?.is_some_and(|start| start.port <= port);
    if is_free {
        return Ok(None);
    }
    let path = cx.pod.spec.path().keys(FIELD);
    if let Some(reason) = cx.suppressions.speaks_against(UnprivilegedPort::META.id, &path, cx.pod) {
        return Ok(Some(format!(
            "port {port} is below 1024, and the sysctl that frees it is suppressed ({reason})"
        )));
    }
    cannot_free(cx, port)
}

/// Why the sysctl cannot be set for `port`.
fn cannot_free(cx: &Context<'_, '_>, port: i64) -> Result<Option<String>, Malformed> {
    let obstacle = if cx.has_host_network()? {
        "a pod in the node's network may not set the sysctl that frees it".to_owned()
    } else if !cx.pod.has_pod_level() {
        format!("the sysctl that frees it cannot be set in this `{}`", cx.pod.object.kind)
    } else if cx.settings.target < SAFE_SINCE {
        format!("the sysctl that frees it needs Kubernetes {SAFE_SINCE}")
    } else {
        return Ok(None);
    };
    Ok(Some(format!("port {port} is below 1024, and {obstacle}")))
}

/// The sysctl as it is written.
struct Start {
    /// The first port that is free for everybody.
    port: i64,
    /// The place of the value.
    path: Path,
}

fn written_start(cx: &Context<'_, '_>) -> Result<Option<Start>, Malformed> {
    for sysctl in cx.pod.security_context()?.sysctls()?.sections() {
        let sysctl = sysctl?;
        // Dots may be written as slashes.
        if sysctl.text("name")?.is_some_and(|name| name.replace('/', ".") == SYSCTL) {
            let value = sysctl.text("value")?;
            let port = value.and_then(|value| value.trim().parse().ok()).unwrap_or(i64::MAX);
            return Ok(Some(Start { port, path: sysctl.path().key("value") }));
        }
    }
    Ok(None)
}

/// Frees `port` and those above it for everybody.
fn set(cx: &Context<'_, '_>, port: i64) -> Result<Outcome, Malformed> {
    let start = written_start(cx)?;
    if start.as_ref().is_some_and(|start| start.port <= port) {
        return Ok(Outcome::Satisfied);
    }
    if let Some(reason) = cannot_free(cx, port)? {
        return Ok(Outcome::left(reason));
    }
    let summary = format!("set the sysctl `{SYSCTL}` to `0`");
    let reason =
        format!("only root may listen on port {port} otherwise; the nodes need kernel 4.11 or newer");
    let edit = if let Some(start) = start {
        Edit::set(start.path, Value::from("0"))
    } else {
        let sysctl = fragments::Sysctl { name: SYSCTL.to_owned(), value: "0".to_owned() };
        Edit::append(cx.pod.security_context()?.sysctls()?.path().clone(), fragment::value(&sysctl))
    };
    Ok(Outcome::review(summary, reason, vec![edit]))
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;
    use crate::test::{check_left, check_left_with, check_pod, check_silent, findings, fix, only, pod};

    const ID: &str = "unprivileged-port";

    fn listening(port: &str, context: &str, rest: &str) -> String {
        format!(
            "containers:\n- name: a\n  image: registry.example.com/a\n  {port}\n  securityContext: {context}\n{rest}\n"
        )
    }

    const PORT_80: &str = "ports: [{containerPort: 80}]";
    const USER: &str = "{runAsUser: 1000}";

    #[test]
    fn a_sysctl_that_is_too_high_is_lowered() {
        let rest = |value: &str| {
            format!(
                "securityContext:\n  sysctls:\n  - name: net.ipv4.ip_unprivileged_port_start\n    value: {value}\n"
            )
        };
        let (before, after) = (rest("\"81\" # why"), rest("\"0\" # why"));
        check_pod(ID, &listening(PORT_80, USER, &before), &listening(PORT_80, USER, &after));
        check_silent(ID, &listening(PORT_80, USER, &rest("\"80\"")));
        check_silent(
            ID,
            &listening(
                PORT_80,
                USER,
                &rest("\"0\"").replace('.', "/").replace("registry/example/com", "r.io"),
            ),
        );
        check_left(ID, &listening(PORT_80, USER, &rest("0")), "`value` in line 14 is a number, not text");
    }

    #[test]
    fn others_are_kept() {
        let rest = |more: &str| {
            format!(
                "securityContext:\n  sysctls:\n  - name: net.ipv4.tcp_syncookies\n    value: \"1\"\n{more}"
            )
        };
        let more = "  - name: net.ipv4.ip_unprivileged_port_start\n    value: \"0\"\n";
        check_pod(ID, &listening(PORT_80, USER, &rest("")), &listening(PORT_80, USER, &rest(more)));
    }

    #[test]
    fn a_low_port_and_a_user_have_to_meet() {
        check_silent(ID, &listening(PORT_80, "{}", ""));
        check_silent(ID, &listening(PORT_80, "{runAsUser: 0}", ""));
        check_silent(ID, &listening("ports: [{containerPort: 1024}]", USER, ""));
        check_silent(ID, &listening("", USER, ""));
        check_silent(ID, &listening("readinessProbe: {httpGet: {port: http}}", USER, ""));
        for port in [
            "ports: [{containerPort: 53, protocol: UDP}]",
            "livenessProbe: {tcpSocket: {port: 443}}",
            "readinessProbe: {httpGet: {port: 80}}",
        ] {
            assert_eq!(findings(&only(ID), &pod(&listening(port, USER, ""))).len(), 1, "{port}");
        }
        for context in ["{runAsNonRoot: true}", USER] {
            let text = pod(&listening(PORT_80, context, ""));
            assert!(fix(&only(ID), &text).contains("ip_unprivileged_port_start"), "{context}");
        }
    }

    #[test]
    fn a_service_tells_where_it_reaches_the_pod() {
        let text = |port: &str, containers: &str| {
            let pod = pod(&format!("containers: [{containers}]"));
            let pod = pod.replace("name: example", "name: example\n  labels: {app: a}");
            format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {{selector: {{app: a}}, ports: [{port}]}}\n---\n{pod}"
            )
        };
        let silent = "{name: a, image: r.io/a, securityContext: {runAsUser: 1000}}";
        let declaring =
            "{name: b, image: r.io/b, ports: [{containerPort: 80}], securityContext: {runAsUser: 0}}";
        for (port, containers, is_fixed) in [
            ("{port: 80}", silent.to_owned(), true),
            ("{port: 8080, targetPort: 80}", silent.to_owned(), true),
            ("{port: 80, targetPort: 8080}", silent.to_owned(), false),
            ("{port: 80, targetPort: http}", silent.to_owned(), false),
            // It is known whose port it is, and that one is root.
            ("{port: 80}", format!("{silent}, {declaring}"), false),
        ] {
            let fixed = fix(&only(ID), &text(port, &containers));
            assert_eq!(fixed.contains("ip_unprivileged_port_start"), is_fixed, "{port} {containers}");
        }
    }

    #[test]
    fn a_known_image_tells_its_port_and_its_file_capabilities() {
        let nginx = |ports: &str| {
            format!("containers: [{{name: a, image: nginx, {ports} securityContext: {{runAsUser: 101}}}}]")
        };
        assert!(fix(&only(ID), &pod(&nginx(""))).contains("sysctls"));
        check_silent(ID, &nginx("ports: [{containerPort: 8080}],"));
        check_silent(
            ID,
            "containers: [{name: a, image: registry.k8s.io/coredns/coredns:v1.12.0, securityContext: {runAsUser: 65532}}]",
        );
    }

    #[test]
    fn one_finding_stands_for_all_that_listen() {
        let text = pod("
            containers:
            - {name: a, image: r.io/a, ports: [{containerPort: 80}], securityContext: {runAsUser: 1}}
            - {name: b, image: r.io/b, ports: [{containerPort: 8080}], securityContext: {runAsUser: 1}}
            - {name: c, image: r.io/c, ports: [{containerPort: 81}], securityContext: {runAsUser: 1}}
            ");
        let found = findings(&only(ID), &text);
        let names: Vec<Vec<&str>> =
            found.iter().map(|judged| judged.finding.containers().map(|it| &*it.name).collect()).collect();
        assert_eq!(names, [vec!["b"], vec!["a", "c"]]);
    }

    #[test]
    fn where_the_sysctl_cannot_be_set_a_person_decides() {
        check_left(ID, &listening(PORT_80, USER, "hostNetwork: true"), "the node's network");
        let old = Settings { target: "1.21".parse().unwrap(), ..only(ID) };
        check_left_with(&old, &pod(&listening(PORT_80, USER, "")), "Kubernetes 1.22");
        let adds = "{runAsUser: 1000, capabilities: {add: [NET_BIND_SERVICE]}}";
        check_left(ID, &listening("", adds, ""), "`NET_BIND_SERVICE` serves root");
        check_silent(ID, &listening("", "{capabilities: {add: [NET_BIND_SERVICE]}}", ""));
        check_left(ID, &listening("ports: [{containerPort: '80'}]", USER, ""), "`containerPort`");
    }
}
