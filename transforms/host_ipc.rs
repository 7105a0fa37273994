//! `hostIPC`.

use rewriter::Edit;

use crate::context::Context;
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A container that shares the node's IPC namespace reads and writes the shared memory of the node's
    /// processes and of every other pod that shares it, such as the buffers of a database.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostIPC: true
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
    /// Review: somebody wrote it, and shared memory then ends at the pod. The containers of one pod go on to
    /// share theirs.
    ///
    /// Left for a person: node agents.
    pub(crate) struct HostIpc {
        id: "host-ipc",
        title: "the container shares memory with processes of its node",
        category: Category::Namespaces,
        severity: Severity::High,
        pages: &["Ensuring Container Security"],
        pod_security: &["hostNamespaces"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "programs that shared memory with others of their node no longer find it: `shm_open` or \
            `shmget` fails with `No such file or directory`",
        undo: "put the programs that share memory into one pod, or write `hostIPC: true` again with `# cce-fix: \
            ignore[host-ipc] reason` beside it",
    }
}

const KEY: &str = "hostIPC";

impl Transform for HostIpc {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let edit = Edit::remove(cx.pod.spec.place(KEY), Some(false.into()));
        let reason =
            "somebody wrote it; memory is not shared with the node and with other pods any more then";
        cx.flag(&Self::META, KEY, || Ok(Outcome::review("remove `hostIPC: true`", reason, vec![edit])))
    }
}

#[cfg(test)]
mod tests {
    use crate::Level;
    use crate::test::{check_left, check_levels, check_pod, check_silent};

    const ID: &str = "host-ipc";

    fn with(line: &str) -> String {
        format!("{line}\ncontainers: [{{name: a, image: registry.example.com/a}}]")
    }

    #[test]
    fn it_is_removed_after_review() {
        check_pod(ID, &with("hostIPC: true"), "containers: [{name: a, image: registry.example.com/a}]");
        check_pod(ID, &with("hostIPC: true # MPI"), &with("hostIPC: false # MPI"));
        check_levels(ID, &with("hostIPC: true"), &[Level::Review]);
    }

    #[test]
    fn what_is_not_true_is_silent() {
        for line in ["hostIPC: false", "hostIPC:", "hostPID: true"] {
            check_silent(ID, &with(line));
        }
    }

    #[test]
    fn node_agents_and_other_values_are_left() {
        let agent = "hostIPC: true\ncontainers: [{name: a, image: registry.example.com/csi-driver}]";
        check_left(ID, agent, "node agent");
        check_left(ID, &with("hostIPC: 1"), "is a number, not a truth value");
    }
}
