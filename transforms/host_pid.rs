//! `hostPID`.

use rewriter::Edit;

use crate::context::Context;
use crate::model::{Container, Malformed};
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A container that shares the node's process namespace sees every process of the node, their command
    /// lines and environments with the passwords in them, and as root can stop them or get into them.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostPID: true
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
    /// ```
    ///
    /// ## Safety
    ///
    /// Review: somebody wrote it, and a program that looks after other processes of the node finds its own
    /// alone. Containers of one pod see each other by `shareProcessNamespace`.
    ///
    /// Left for a person: node agents, and pods that run `nsenter`, which enters the node's processes.
    pub(crate) struct HostPid {
        id: "host-pid",
        title: "the container sees every process of its node",
        category: Category::Namespaces,
        severity: Severity::High,
        pages: &["Ensuring Container Security"],
        pod_security: &["hostNamespaces"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "a program that looks after other processes of its node finds its own alone: monitoring shows \
            nothing, or a signal has no receiver",
        undo: "set `shareProcessNamespace: true` where it is about the pod's own containers; else write \
            `hostPID: true` again with `# cce-fix: ignore[host-pid] reason` beside it",
    }
}

const KEY: &str = "hostPID";

impl Transform for HostPid {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.flag(&Self::META, KEY, || judge(cx))
    }
}

fn judge(cx: &Context<'_, '_>) -> Result<Outcome, Malformed> {
    for container in &cx.pod.containers {
        if enters_processes(container)? {
            return Ok(Outcome::left(format!(
                "{} runs `nsenter`, which enters the node's processes; what it does there has to be done in \
                 another way first",
                container.reference()
            )));
        }
    }
    let edit = Edit::remove(cx.pod.spec.place(KEY), Some(false.into()));
    let reason = "somebody wrote it; a program that looks for other processes of the node finds none then";
    Ok(Outcome::review("remove `hostPID: true`", reason, vec![edit]))
}

fn enters_processes(container: &Container<'_>) -> Result<bool, Malformed> {
    Ok(container.commands()?.iter().any(|command| command.program() == "nsenter"))
}

#[cfg(test)]
mod tests {
    use crate::Level;
    use crate::test::{check_left, check_levels, check_pod, check_silent};

    const ID: &str = "host-pid";

    fn with(line: &str) -> String {
        format!(
            "{line}\nshareProcessNamespace: true\ncontainers: [{{name: a, image: registry.example.com/a}}]"
        )
    }

    #[test]
    fn it_is_removed_after_review() {
        check_pod(ID, &with("hostPID: true"), &with("hostPID: true").replace("hostPID: true\n", ""));
        check_levels(ID, &with("hostPID: yes"), &[Level::Review]);
    }

    #[test]
    fn a_comment_keeps_its_line() {
        check_pod(ID, &with("hostPID: true # debugging"), &with("hostPID: false # debugging"));
    }

    #[test]
    fn what_is_not_true_is_silent() {
        for line in ["hostPID: false", "hostPID: null", "hostPID: no", "hostNetwork: true"] {
            check_silent(ID, &with(line));
        }
    }

    #[test]
    fn what_needs_the_nodes_processes_is_left() {
        let enters =
            "hostPID: true\ncontainers: [{name: a, image: r.io/a, command: [nsenter, -t, '1', -m, sh]}]";
        check_left(ID, enters, "container `a` runs `nsenter`");
        let agent = "hostPID: true\ncontainers: [{name: a, image: quay.io/prometheus/node-exporter}]";
        check_left(ID, agent, "node agent");
        check_left(ID, &with("hostPID: 'true'"), "is text, not a truth value");
    }
}
