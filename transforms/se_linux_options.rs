//! `seLinuxOptions`.

use rewriter::Edit;

use crate::context::Context;
use crate::model::{Container, Malformed, SecurityContext};
use crate::pod_security::baseline::SE_LINUX_TYPES;
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A type such as `spc_t`, or another user or role, takes a container out of the confinement by which
    /// `SELinux` keeps it from the node's files and from other containers.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     seLinuxOptions:
    ///       type: spc_t
    ///       level: s0:c123,c456
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
    ///   securityContext:
    ///     seLinuxOptions:
    ///       level: s0:c123,c456
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    /// ```
    ///
    /// Options are never added: without any, the runtime makes a label for each container by itself. `level`
    /// stays.
    ///
    /// ## Safety
    ///
    /// Review: somebody wrote it, and a program that works with the node's files is kept from them without it.
    /// On nodes without `SELinux` nothing changes.
    pub(crate) struct SeLinuxOptions {
        id: "se-linux-options",
        title: "the container is taken out of SELinux's confinement",
        category: Category::Privilege,
        severity: Severity::High,
        pages: &["AppArmor and SELinux"],
        pod_security: &["seLinuxOptions"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "the program is kept from files of its node: `Permission denied` in its log, `avc: denied` \
            in the node's audit log",
        undo: "let the files have a label that containers may use, or write the options again with a \
            reason beside them",
    }
}

const FIELD: [&str; 2] = ["securityContext", "seLinuxOptions"];

impl Transform for SeLinuxOptions {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    /// The pod's finding stands for all containers without options of their own.
    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let inherits = |container: &&Container<'_>| {
            container
                .security_context()
                .is_ok_and(|context| context.section().get("seLinuxOptions").is_none())
        };
        let (inheriting, own): (Vec<_>, Vec<_>) = cx.pod.containers.iter().partition(inherits);
        let of_pod = cx.pod.security_context().and_then(|context| judge(cx, context));
        let mut findings = Vec::new();
        if !inheriting.is_empty() || of_pod != Ok(Outcome::Satisfied) {
            findings.extend(cx.of_pod(&Self::META, &FIELD, inheriting, of_pod));
        }
        findings.extend(own.into_iter().filter_map(|container| {
            let outcome = container.security_context().and_then(|context| judge(cx, context));
            cx.of_container(&Self::META, container, &FIELD, outcome)
        }));
        findings
    }
}

fn judge(cx: &Context<'_, '_>, context: &SecurityContext<'_>) -> Result<Outcome, Malformed> {
    let options = context.section().section("seLinuxOptions")?;
    let (mut forbidden, mut kept) = (Vec::new(), 0);
    for key in ["user", "role", "type", "level"] {
        let Some(value) = options.text(key)? else { continue };
        let is_allowed = match key {
            "level" => true,
            "type" => SE_LINUX_TYPES
                .iter()
                .any(|(name, since)| value == *name && *since <= cx.settings.target.minor),
            _ => value.is_empty(),
        };
        if is_allowed {
            kept += 1;
        } else {
            forbidden.push((key, value));
        }
    }
    if forbidden.is_empty() {
        return Ok(Outcome::Satisfied);
    }
    let listed: Vec<String> = forbidden.iter().map(|(key, value)| format!("`{key}: {value}`")).collect();
    let summary = format!("remove {}", listed.join(" and "));
    let edits = if kept == 0 {
        vec![Edit::remove(options.path().clone(), None)]
    } else {
        let edit = |(key, _): &(&'static str, _)| Edit::remove(options.path().key(*key), Some("".into()));
        forbidden.iter().map(edit).collect()
    };
    let reason = "somebody wrote it, so the program may work with files that it cannot reach without";
    Ok(Outcome::review(summary, reason, edits))
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;
    use crate::support::Level;
    use crate::test::{check_left, check_levels, check_pod, check_silent, check_with, findings, only, pod};

    const ID: &str = "se-linux-options";

    /// A pod's options, and those of its first container.
    fn with(pod: &str, container: &str) -> String {
        format!(
            "securityContext:\n  fsGroup: 1\n{pod}containers:\n- name: a\n  image: r.io/a\n  securityContext:\n    \
             runAsUser: 1\n{container}- name: b\n  image: r.io/b\n"
        )
    }

    #[test]
    fn what_is_forbidden_goes_where_it_stands() {
        check_pod(ID, &with("  seLinuxOptions:\n    type: spc_t\n", ""), &with("", ""));
        check_pod(
            ID,
            &with("  seLinuxOptions:\n    user: u\n    role: r\n    type: container_t\n", ""),
            &with("  seLinuxOptions:\n    type: container_t\n", ""),
        );
        check_pod(ID, &with("", "    seLinuxOptions: {type: spc_t}\n"), &with("", ""));
        check_pod(
            ID,
            &with("", "    seLinuxOptions:\n      level: s0\n      type: spc_t # host\n"),
            &with("", "    seLinuxOptions:\n      level: s0\n      type: \"\" # host\n"),
        );
        check_levels(ID, &with("  seLinuxOptions: {role: r}\n", ""), &[Level::Review]);
    }

    #[test]
    fn empty_and_allowed_values_are_silent() {
        for options in ["{}", "null", "{level: s0}", "{type: container_t}", "{type: '', user: '', role: ''}"]
        {
            check_silent(ID, &with(&format!("  seLinuxOptions: {options}\n"), ""));
        }
        let engine = pod(&with("  seLinuxOptions:\n    type: container_engine_t\n", ""));
        let newer = Settings { target: "1.31".parse().unwrap(), ..only(ID) };
        check_with(&newer, &engine, &engine);
        check_with(&only(ID), &engine, &pod(&with("", "")));
    }

    #[test]
    fn the_pods_finding_stands_for_those_without_options() {
        let text = pod(&with("", "    seLinuxOptions: {level: s0}\n"));
        let names: Vec<Vec<String>> = findings(&only(ID), &text)
            .iter()
            .map(|judged| judged.finding.containers().map(|it| it.name.clone()).collect())
            .collect();
        assert_eq!(names, [["b"], ["a"]]);
        // A value of the pod's that every container overrides is still forbidden.
        let overridden = "securityContext: {seLinuxOptions: {type: spc_t}}\n\
            containers: [{image: r.io/a, securityContext: {seLinuxOptions: {level: s0}}}]";
        check_levels(ID, overridden, &[Level::Review]);
    }

    #[test]
    fn malformed_options_are_left() {
        check_left(
            ID,
            &with("  seLinuxOptions: spc_t\n", ""),
            "`seLinuxOptions` in line 8 is text, not a map",
        );
        check_left(
            ID,
            &with("", "    seLinuxOptions: {type: 7}\n"),
            "`type` in line 13 is a number, not text",
        );
        check_left(ID, "containers: [{image: r.io/a, securityContext: []}]", "is a list, not a map");
    }
}
