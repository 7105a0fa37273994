//! `hostUsers`.

use crate::context::Context;
use crate::model::{Container, Malformed, needs_root};
use crate::settings::Version;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// Root of a container is root on the node once it gets out, unless the pod has users of its own: then it
    /// is nobody there.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: repository
    /// spec:
    ///   containers:
    ///     - name: repository
    ///       image: gitlab/gitlab-ce:17.4.0-ce.0
    /// ```
    ///
    /// is reported, with `hostUsers: false` as advice, and stays as it is.
    ///
    /// Pod Security lets containers of a pod with users of its own be root from Kubernetes 1.35.
    ///
    /// ## Safety
    ///
    /// Always left for a person, and only where a container stays root: nodes need Linux 6.3 or newer, a
    /// runtime and file systems that can map users, and on all others the pod does not start.
    ///
    /// Silent where no container is known to be root, before Kubernetes 1.25, which does not know the field,
    /// and for pods that share a namespace of the node, which may not have it.
    pub(crate) struct HostUsers {
        id: "host-users",
        title: "root of the container is root of the node",
        category: Category::Namespaces,
        severity: Severity::Low,
        pages: &[],
        pod_security: &["runAsNonRoot", "runAsUser", "procMount"],
        profiles: &[],
        on_windows: false,
        since: "0.1.0",
    }
}

const KEY: &str = "hostUsers";

/// The first version with the field.
const FIELD_SINCE: Version = Version { minor: 25 };
/// The first version in which it works without a feature gate.
const ON_BY_DEFAULT: Version = Version { minor: 33 };

/// Namespaces of the node that a pod with users of its own may not share.
const NAMESPACES: [&str; 3] = ["hostNetwork", "hostPID", "hostIPC"];

impl Transform for HostUsers {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    /// The field is the pod's, so one finding stands for all containers that stay root.
    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut concerned = Vec::new();
        for container in &cx.pod.containers {
            let outcome = match stays_root(cx, container) {
                Ok(true) => {
                    concerned.push(container);
                    continue;
                }
                Ok(false) => Ok(Outcome::Satisfied),
                Err(malformed) => Err(malformed),
            };
            findings.extend(cx.of_container(&Self::META, container, &["securityContext"], outcome));
        }
        let outcome = judge(cx, !concerned.is_empty());
        if !concerned.is_empty() || outcome != Ok(Outcome::Satisfied) {
            findings.extend(cx.of_pod(&Self::META, &[KEY], concerned, outcome));
        }
        findings
    }
}

/// Whether the container is root after what is planned, as far as that is known. A privileged one reaches the
/// node whoever it is there.
fn stays_root(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<bool, Malformed> {
    if cx.is_privileged(container)? {
        return Ok(false);
    }
    let identity = cx.identity(container)?;
    Ok(identity.is_root == Some(true) || !identity.is_non_root() && needs_root(container)?.is_some())
}

fn judge(cx: &Context<'_, '_>, has_root: bool) -> Result<Outcome, Malformed> {
    let target = cx.settings.target;
    let is_own = cx.pod.spec.truth(KEY)? == Some(false);
    for key in NAMESPACES {
        if cx.shares(key)? {
            let refused = format!("the API server refuses `hostUsers: false` beside `{key}: true`");
            return Ok(if is_own { Outcome::left(refused) } else { Outcome::Satisfied });
        }
    }
    if is_own || !has_root || target < FIELD_SINCE {
        return Ok(Outcome::Satisfied);
    }
    let gate = if target < ON_BY_DEFAULT {
        format!(" ({target} needs the feature gate `UserNamespacesSupport`, {ON_BY_DEFAULT} does not)")
    } else {
        String::new()
    };
    Ok(Outcome::left(format!(
        "with `hostUsers: false` its root would be nobody on the node{gate}; the nodes need Linux 6.3 or newer \
        and a runtime that maps users"
    )))
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;
    use crate::test::{check_left, check_left_with, check_silent, check_with, findings, only, pod};

    const ID: &str = "host-users";
    const ROOT: &str = "containers: [{name: a, image: r.io/a, securityContext: {runAsUser: 0}}]";

    fn at(target: &str) -> Settings {
        Settings { target: target.parse().unwrap(), ..only(ID) }
    }

    #[test]
    fn root_that_stays_gets_advice() {
        check_left(ID, ROOT, "1.28 needs the feature gate");
        check_left_with(&at("1.33"), &pod(ROOT), "nobody on the node; the nodes need");
        check_left(ID, "containers: [{image: gitlab/gitlab-ce}]", "`hostUsers: false`");
        check_left(ID, "containers: [{image: r.io/a, command: [apt-get, install, x]}]", "`hostUsers: false`");
        check_left(ID, &format!("{ROOT}\nhostUsers: true"), "`hostUsers: false`");
    }

    #[test]
    fn one_finding_stands_for_all_that_stay_root() {
        let text = pod("
            containers:
            - {name: a, image: r.io/a, securityContext: {runAsUser: 0}}
            - {name: b, image: r.io/b}
            - {name: c, image: r.io/c, securityContext: {runAsUser: 0}}
            ");
        let names: Vec<Vec<String>> = findings(&only(ID), &text)
            .iter()
            .map(|judged| judged.finding.containers().map(|it| it.name.clone()).collect())
            .collect();
        assert_eq!(names, [vec!["b"], vec!["a", "c"]]);
    }

    #[test]
    fn others_are_silent() {
        check_silent(ID, "containers: [{image: r.io/a}]");
        check_silent(ID, "containers: [{image: r.io/a, securityContext: {runAsUser: 1, privileged: true}}]");
        check_silent(ID, &ROOT.replace("runAsUser: 0", "privileged: true, runAsUser: 0"));
        check_silent(ID, &format!("hostUsers: false\n{ROOT}"));
        for key in super::NAMESPACES {
            check_silent(ID, &format!("{key}: true\n{ROOT}"));
        }
        check_with(&at("1.24"), &pod(ROOT), &pod(ROOT));
        assert!(findings(&at("1.24"), &pod(ROOT)).iter().all(|it| it.state == crate::State::Satisfied));
    }

    #[test]
    fn a_user_that_is_planned_needs_no_advice() {
        let ids = ["run-as-user", ID].map(str::to_owned);
        let settings = Settings { select: Some(ids.into()), ..Settings::default() };
        let about = |text: &str| {
            let found = findings(&settings, &pod(text)).into_iter();
            found.filter(|it| it.finding.transform.id == ID && it.state != crate::State::Satisfied).count()
        };
        assert_eq!(about(ROOT), 0);
        assert_eq!(about(&ROOT.replace("r.io/a", "gitlab/gitlab-ce")), 1);
    }

    #[test]
    fn what_the_api_server_refuses_is_reported() {
        check_left(
            ID,
            "hostUsers: false\nhostPID: true\ncontainers: [{image: r.io/a}]",
            "beside `hostPID: true`",
        );
        check_left(ID, "hostUsers: 'false'\ncontainers: [{image: r.io/a}]", "`hostUsers` in line 6 is text");
    }
}
