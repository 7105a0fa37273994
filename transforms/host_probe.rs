//! `host` of probes and `lifecycle` hooks.

use rewriter::{Edit, Value};

use crate::context::Context;
use crate::model::{Container, Malformed, Section};
use crate::settings::{Profile, Version};
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// The kubelet itself sends what a probe or a hook asks for. One with a `host` of its own makes it send
    /// requests from the node to wherever the author of a pod likes, such as the node's loopback address.
    ///
    /// Pod Security asks for it from Kubernetes 1.34 on. With `--target 1.34`
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
    ///       livenessProbe:
    ///         httpGet:
    ///           host: localhost
    ///           path: /healthz
    ///           port: 8080
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
    ///       livenessProbe:
    ///         httpGet:
    ///           path: /healthz
    ///           port: 8080
    /// ```
    ///
    /// Each probe and each hook has its own finding.
    ///
    /// ## Safety
    ///
    /// Review: the pod's own address is asked instead, where a program that listens on loopback alone does not
    /// answer. A name that the server needs belongs in a header `Host` in `httpHeaders`.
    ///
    /// Left for a person, in profile `cce`: another host at a port that the container does not declare. There
    /// the pod itself would surely not answer.
    ///
    /// Silent for clusters before Kubernetes 1.34.
    pub(crate) struct HostProbe {
        id: "host-probe",
        title: "the kubelet sends a probe to another host than the pod",
        category: Category::Network,
        severity: Severity::Medium,
        pages: &[],
        pod_security: &["hostProbesAndHostLifecycle"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "the probe fails although the program works: the container is restarted or never `Ready`, \
            with `Liveness probe failed` or `Readiness probe failed` among the events",
        undo: "let the program listen on the pod's address and not on loopback alone, and name the host \
            that it expects in a header `Host` in `httpHeaders`",
    }
}

const KEY: &str = "host";

/// The first version of Pod Security that asks for it.
const SINCE: Version = Version { minor: 34 };

impl Transform for HostProbe {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.pod.containers.iter().flat_map(|container| check_container(cx, container)).collect()
    }
}

fn check_container(cx: &Context<'_, '_>, container: &Container<'_>) -> Vec<Finding> {
    let meta = &HostProbe::META;
    let of_container = |outcome| Vec::from_iter(cx.of_container(meta, container, &[], outcome));
    if cx.settings.target < SINCE {
        return of_container(Ok(Outcome::Satisfied));
    }
    let handlers = match container.handlers() {
        Ok(handlers) => handlers,
        Err(malformed) => return of_container(Err(malformed)),
    };
    let mut findings = Vec::new();
    for handler in &handlers {
        let outcome = judge(cx, container, handler);
        if outcome != Ok(Outcome::Satisfied) {
            let place = handler.locate(&[KEY]);
            findings.push(Finding::new(meta, Some(container.reference()), place, outcome));
        }
    }
    if findings.is_empty() { of_container(Ok(Outcome::Satisfied)) } else { findings }
}

fn judge(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    handler: &Section<'_>,
) -> Result<Outcome, Malformed> {
    let path = handler.path().key(KEY);
    let host = match handler.text(KEY)? {
        Some(host) if !host.is_empty() && cx.planned(&path).is_none() => host,
        _ => return Ok(Outcome::Satisfied),
    };
    let consequence = if is_loopback(&host) {
        "a program that listens on loopback alone does not answer there"
    } else if cx.settings.profile == Profile::Cce && !declares(container, handler)? {
        return Ok(Outcome::left(format!(
            "the kubelet asks `{host}`; the container declares no such port, so that the pod itself would not \
             answer. Let the probe ask the program that it is about"
        )));
    } else {
        "a server that needs the name gets it by a header `Host` in `httpHeaders`"
    };
    let reason = format!("somebody wrote it; the pod's own address is asked then; {consequence}");
    let edit = Edit::remove(path, Some(Value::from("")));
    Ok(Outcome::review(format!("remove `host: {host}`"), reason, vec![edit]))
}

/// Whether `host` is the address at which whoever asks reaches itself.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether the port that the handler asks is one that the container declares.
fn declares(container: &Container<'_>, handler: &Section<'_>) -> Result<bool, Malformed> {
    let Some(wanted) = handler.get("port") else { return Ok(false) };
    for port in container.section.list("ports")?.sections() {
        let port = port?;
        let has_name = port.text("name")?.is_some_and(|name| wanted.is_text(&name));
        if has_name
            || port.integer("containerPort")?.is_some_and(|number| wanted.as_integer() == Some(number))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use crate::settings::{Profile, Settings};
    use crate::test::{check_left_with, check_silent, check_with, findings, fixes, only, pod};

    const ID: &str = "host-probe";

    fn newer() -> Settings {
        Settings { target: "1.34".parse().unwrap(), ..only(ID) }
    }

    fn with(probe: &str) -> String {
        pod(&format!(
            "containers:\n- name: a\n  image: registry.example.com/a\n  ports:\n  - {{name: http, containerPort: 80}}\n  \
             {probe}\n"
        ))
    }

    #[test]
    fn every_probe_and_hook_is_looked_at() {
        for owner in [
            "livenessProbe: ",
            "readinessProbe: ",
            "startupProbe: ",
            "lifecycle: {postStart: ",
            "lifecycle: {preStop: ",
        ] {
            let close = if owner.contains('{') { "}" } else { "" };
            for kind in ["httpGet", "tcpSocket"] {
                let probe = |host: &str| with(&format!("{owner}{{{kind}: {{{host}port: 80}}}}{close}"));
                check_with(&newer(), &probe("host: 127.0.0.1, "), &probe(""));
            }
        }
        let two = "livenessProbe: {httpGet: {host: '::1', port: 1}}\n  readinessProbe: {httpGet: {host: '[::1]', port: 1}}";
        assert_eq!(fixes(&newer(), &with(two)).len(), 2);
    }

    #[test]
    fn a_comment_keeps_its_line() {
        let probe = |host: &str| {
            with(&format!("livenessProbe:\n    tcpSocket:\n      port: 80\n      host: {host} # why"))
        };
        check_with(&newer(), &probe("localhost"), &probe("\"\""));
    }

    #[test]
    fn another_host_is_left_where_the_pod_would_not_answer() {
        let probe =
            |port: &str| with(&format!("livenessProbe: {{httpGet: {{host: example.com, port: {port}}}}}"));
        for port in ["80", "http"] {
            let (_, _, reason) = fixes(&newer(), &probe(port)).remove(0);
            assert!(reason.contains("httpHeaders"), "{reason}");
        }
        check_left_with(&newer(), &probe("443"), "asks `example.com`");
        let baseline = Settings { profile: Profile::Baseline, ..newer() };
        assert_eq!(fixes(&baseline, &probe("443")).len(), 1);
    }

    #[test]
    fn no_host_and_older_clusters_are_silent() {
        let host = "containers: [{image: r.io/a, livenessProbe: {httpGet: {host: localhost, port: 80}}}]";
        check_silent(ID, host);
        for probe in
            ["", "livenessProbe: {exec: {command: [a]}}", "livenessProbe: {httpGet: {host: '', port: 80}}"]
        {
            let found = findings(&newer(), &with(probe));
            assert!(found.iter().all(|judged| judged.state == crate::State::Satisfied), "{found:?}");
        }
        check_left_with(&newer(), &with("livenessProbe: {httpGet: {host: 1, port: 80}}"), "`host`");
    }
}
