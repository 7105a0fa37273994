//! `windowsOptions.hostProcess`.

use crate::context::Context;
use crate::model::{Malformed, SecurityContext};
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A host process container of Windows is no container at all: its programs run on the node itself, with
    /// the node's files and network, as the user that it names.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: agent
    /// spec:
    ///   hostNetwork: true
    ///   nodeSelector:
    ///     kubernetes.io/os: windows
    ///   securityContext:
    ///     windowsOptions:
    ///       hostProcess: true
    ///       runAsUserName: NT AUTHORITY\Local service
    ///   containers:
    ///     - name: agent
    ///       image: registry.example.com/team/agent:1.4
    /// ```
    ///
    /// is reported, and stays as it is.
    ///
    /// ## Safety
    ///
    /// Always left for a person: images for host processes are made for nothing else, and without the setting
    /// their programs find neither the node's files nor its network.
    pub(crate) struct WindowsHostProcess {
        id: "windows-host-process",
        title: "the container's programs run on the Windows node itself",
        category: Category::Privilege,
        severity: Severity::High,
        pages: &[],
        pod_security: &["windowsHostProcess"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: true,
        since: "0.1.0",
    }
}

const FIELD: [&str; 3] = ["securityContext", "windowsOptions", "hostProcess"];

const REASON: &str = "somebody wrote `hostProcess: true`; run it in a namespace of its own that Pod Security \
    exempts, or find another way to reach the node";

impl Transform for WindowsHostProcess {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    /// The pod's finding stands for all containers without a value of their own.
    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let pod = cx.pod.security_context().and_then(host_process);
        let mut findings = Vec::new();
        let mut inheriting = Vec::new();
        for container in &cx.pod.containers {
            let outcome = match container.security_context().and_then(host_process) {
                Ok(Some(own)) => Ok(judge(own)),
                Ok(None) => {
                    inheriting.push(container);
                    continue;
                }
                Err(malformed) => Err(malformed),
            };
            findings.extend(cx.of_container(&Self::META, container, &FIELD, outcome));
        }
        let outcome = pod.map(|pod| judge(pod.unwrap_or(false)));
        if !inheriting.is_empty() || outcome != Ok(Outcome::Satisfied) {
            findings.extend(cx.of_pod(&Self::META, &FIELD, inheriting, outcome));
        }
        findings
    }
}

fn host_process(context: &SecurityContext<'_>) -> Result<Option<bool>, Malformed> {
    context.windows_options()?.truth("hostProcess")
}

fn judge(is_host_process: bool) -> Outcome {
    if is_host_process { Outcome::left(REASON) } else { Outcome::Satisfied }
}

#[cfg(test)]
mod tests {
    use crate::State;
    use crate::test::{check_left, check_silent, findings, only, pod};

    const ID: &str = "windows-host-process";

    fn spec(of_pod: &str, own: &str) -> String {
        format!(
            "hostNetwork: true\nsecurityContext: {of_pod}\n\
             containers: [{{name: a, image: r.io/a, securityContext: {own}}}]"
        )
    }

    const HOST: &str = "{windowsOptions: {hostProcess: true}}";

    #[test]
    fn host_processes_are_reported() {
        check_left(ID, &spec(HOST, "{}"), "somebody wrote `hostProcess: true`");
        check_left(ID, &spec("{}", HOST), "somebody wrote `hostProcess: true`");
        check_left(ID, &spec(HOST, "{windowsOptions: {hostProcess: false}}"), "somebody wrote");
    }

    #[test]
    fn each_value_that_is_written_is_reported_once() {
        let found = findings(&only(ID), &pod(&spec(HOST, HOST)));
        assert_eq!(found.iter().filter(|judged| matches!(judged.state, State::Left(_))).count(), 2);
    }

    #[test]
    fn other_pods_are_silent() {
        check_silent(ID, "containers: [{name: a, image: r.io/a}]");
        check_silent(ID, &spec("{windowsOptions: {hostProcess: false}}", "{}"));
        check_silent(ID, &spec("{windowsOptions: {runAsUserName: ContainerUser}}", "{}"));
    }

    #[test]
    fn what_cannot_be_read_is_left() {
        check_left(ID, &spec("{windowsOptions: {hostProcess: 'true'}}", "{}"), "not a truth value");
        check_left(ID, &spec("{}", "{windowsOptions: true}"), "`windowsOptions` in line 8");
    }
}
