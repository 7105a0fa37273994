//! `procMount`.

use rewriter::Edit;

use crate::context::Context;
use crate::model::{Container, Malformed};
use crate::settings::{Profile, Version};
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// With an unmasked `/proc` a container reads and writes what the runtime hides there: the node's kernel
    /// memory, its timers and devices, and the switches of its kernel.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: build
    /// spec:
    ///   containers:
    ///     - name: build
    ///       image: registry.example.com/team/build:1.4
    ///       securityContext:
    ///         runAsUser: 1000
    ///         procMount: Unmasked
    /// ```
    ///
    /// becomes
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: build
    /// spec:
    ///   containers:
    ///     - name: build
    ///       image: registry.example.com/team/build:1.4
    ///       securityContext:
    ///         runAsUser: 1000
    /// ```
    ///
    /// ## Safety
    ///
    /// Review: somebody wrote it, and programs that start containers of their own inside a container need it.
    ///
    /// Silent where the field is absent or `Default`, and for the Pod Security level baseline from Kubernetes
    /// 1.35 on in pods with `hostUsers: false`, whose root is nobody on the node.
    pub(crate) struct ProcMount {
        id: "proc-mount",
        title: "the container sees the whole of `/proc`",
        category: Category::Privilege,
        severity: Severity::High,
        pages: &[],
        pod_security: &["procMount", "procMount_restricted"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "a program that starts containers of its own inside a container fails: `mount /proc: \
            Operation not permitted`",
        undo: "set `hostUsers: false` beside `procMount: Unmasked`, so that root of the pod is nobody on \
            the node, or leave this transform out",
    }
}

const KEY: &str = "procMount";
const FIELD: [&str; 2] = ["securityContext", KEY];

/// The first version whose baseline level lets pods in a user namespace of their own choose.
const RELAXED: Version = Version { minor: 35 };

impl Transform for ProcMount {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.each_container(&Self::META, &FIELD, |container| judge(cx, container))
    }
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Outcome, Malformed> {
    let context = container.security_context()?;
    let Some(node) = context.section().get(KEY) else { return Ok(Outcome::Satisfied) };
    let path = context.path().key(KEY);
    match node.as_str().as_deref() {
        Some("Default") => Ok(Outcome::Satisfied),
        Some("Unmasked") => {
            let is_allowed = cx.settings.profile == Profile::Baseline && cx.settings.target >= RELAXED;
            if is_allowed && cx.pod.spec.truth("hostUsers")? == Some(false) {
                return Ok(Outcome::Satisfied);
            }
            let reason = "somebody wrote `Unmasked`, which a program that starts containers itself may need";
            let edits = vec![Edit::remove(path, Some("Default".into()))];
            Ok(Outcome::review("remove `procMount: Unmasked`", reason, edits))
        }
        _ => Err(Malformed::because(node, path, "is neither `Default` nor `Unmasked`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::support::Level;
    use crate::test::{check_left, check_levels, check_pod, check_silent, check_with, only, pod};

    const ID: &str = "proc-mount";

    fn with(value: &str) -> String {
        format!(
            "hostUsers: false\ncontainers:\n- name: a\n  image: r.io/a\n  securityContext:\n    runAsUser: 1\n{value}"
        )
    }

    #[test]
    fn unmasked_goes_and_a_comment_stays() {
        check_pod(ID, &with("    procMount: Unmasked\n"), &with(""));
        check_pod(
            ID,
            &with("    procMount: Unmasked # nested\n"),
            &with("    procMount: Default # nested\n"),
        );
        check_levels(ID, &with("    procMount: Unmasked\n"), &[Level::Review]);
        for value in ["", "    procMount: Default\n", "    procMount: null\n"] {
            check_silent(ID, &with(value));
        }
        check_left(ID, &with("    procMount: unmasked\n"), "is neither `Default` nor `Unmasked`");
    }

    #[test]
    fn a_user_namespace_makes_it_harmless_to_the_baseline_alone() {
        let text = pod(&with("    procMount: Unmasked\n"));
        let settings =
            |profile, target: &str| Settings { profile, target: target.parse().unwrap(), ..only(ID) };
        check_with(&settings(Profile::Baseline, "1.35"), &text, &text);
        for (profile, target) in
            [(Profile::Baseline, "1.34"), (Profile::Restricted, "1.35"), (Profile::Cce, "1.35")]
        {
            check_with(&settings(profile, target), &text, &pod(&with("")));
        }
        let without = text.replace("hostUsers: false", "hostUsers: true");
        check_with(
            &settings(Profile::Baseline, "1.35"),
            &without,
            &pod(&with("")).replace("hostUsers: false", "hostUsers: true"),
        );
    }
}
