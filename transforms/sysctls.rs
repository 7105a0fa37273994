//! `sysctls`.

use std::collections::HashSet;

use rewriter::Edit;

use crate::context::Context;
use crate::model::{Malformed, safe_sysctls};
use crate::settings::Profile;
use crate::support::{Category, Finding, Level, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A kernel parameter that is not kept apart for each pod changes the node for everybody on it, and can
    /// take it down.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     sysctls:
    ///       - name: net.ipv4.tcp_syncookies
    ///         value: "1"
    ///       - name: net.core.somaxconn
    ///         value: "4096"
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
    ///     sysctls:
    ///       - name: net.ipv4.tcp_syncookies
    ///         value: "1"
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    /// ```
    ///
    /// Which parameters may stay follows from the Kubernetes version: 1.27, 1.29, 1.32 and 1.37 know more of
    /// them than the version before.
    ///
    /// ## Safety
    ///
    /// Safe for an allowed name that is written with slashes: it gets dots, in which Pod Security knows it.
    /// Review for the others, which go: somebody wrote them, and a program that needs them gets slower or
    /// stops. A CCE node pool takes them only where its kubelet is configured to; elsewhere the pod does not
    /// start.
    pub(crate) struct Sysctls {
        id: "sysctls",
        title: "the pod sets kernel parameters that are not safe to set",
        category: Category::Privilege,
        severity: Severity::Medium,
        pages: &[],
        pod_security: &["sysctls"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "the program gets slower or stops because a kernel parameter has its default again, such as a \
            shorter queue of connections",
        undo: "allow the parameter for the node pool (`allowedUnsafeSysctls` of its kubelet) and write it again \
            with `# cce-fix: ignore[sysctls] reason` beside it",
    }
}

const FIELD: [&str; 2] = ["securityContext", "sysctls"];

impl Transform for Sysctls {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    /// They are the pod's, so one finding stands for all containers.
    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        Vec::from_iter(cx.of_pod(&Self::META, &FIELD, &cx.pod.containers, judge(cx)))
    }
}

fn judge(cx: &Context<'_, '_>) -> Result<Outcome, Malformed> {
    let safe: HashSet<&str> = safe_sysctls(cx.settings.target).collect();
    let list = cx.pod.security_context()?.sysctls()?;
    let (mut edits, mut gone, mut respelt) = (Vec::new(), Vec::new(), Vec::new());
    let mut count = 0;
    for sysctl in list.sections() {
        let sysctl = sysctl?;
        count += 1;
        let name = sysctl.text("name")?.unwrap_or_default();
        if safe.contains(&*name) {
            continue;
        }
        let dotted = name.replace('/', ".");
        if safe.contains(&*dotted) {
            edits.push(Edit::set(sysctl.path().key("name"), &*dotted));
            respelt.push(dotted);
        } else {
            edits.push(Edit::remove(sysctl.path().clone(), None));
            gone.push(name);
        }
    }
    // Item by item, an empty list would remain. What an earlier transform adds is not to go with the list.
    if gone.len() == count && !cx.is_appended(list.path()) {
        edits = vec![Edit::remove(list.path().clone(), None)];
    }
    let respelling = format!("write `{}` with dots", respelt.join("`, `"));
    Ok(match (gone.is_empty(), respelt.is_empty()) {
        (true, true) => Outcome::Satisfied,
        (true, false) => {
            let reason = "Kubernetes takes it with slashes or dots, Pod Security with dots alone";
            Outcome::fix(Level::Safe, respelling, reason, edits)
        }
        (false, no_respelling) => {
            let mut summary = format!("remove `{}`", gone.join("`, `"));
            if !no_respelling {
                summary = format!("{summary}, {respelling}");
            }
            let reason = format!(
                "somebody wrote it, but in Kubernetes {} it is not safe, and nodes refuse the pod unless they are \
                 configured to take it",
                cx.settings.target
            );
            Outcome::review(summary, reason, edits)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::test::{check_left, check_levels, check_pod, check_silent, check_with, fixes, only, pod};

    const ID: &str = "sysctls";

    fn with(names: &[&str]) -> String {
        let items: Vec<String> =
            names.iter().map(|name| format!("  - name: {name}\n    value: \"1\"\n")).collect();
        let items = items.concat();
        format!(
            "containers:\n- name: a\n  image: r.io/a\nsecurityContext:\n  fsGroup: 1\n  sysctls:\n{items}"
        )
    }

    const NONE: &str = "containers:\n- name: a\n  image: r.io/a\nsecurityContext:\n  fsGroup: 1\n";

    #[test]
    fn safe_names_stay_and_others_go() {
        check_silent(ID, &with(&["kernel.shm_rmid_forced", "net.ipv4.ip_local_reserved_ports"]));
        check_silent(ID, NONE);
        check_pod(ID, &with(&["net.core.somaxconn"]), NONE);
        check_pod(
            ID,
            &with(&["kernel.msgmax", "net.ipv4.tcp_syncookies", "net.core.somaxconn"]),
            &with(&["net.ipv4.tcp_syncookies"]),
        );
        check_levels(ID, &with(&["kernel.msgmax"]), &[Level::Review]);
    }

    #[test]
    fn the_target_decides_what_is_safe() {
        let text = pod(&with(&["net.ipv4.tcp_fin_timeout"]));
        let at = |target: &str| Settings { target: target.parse().unwrap(), ..only(ID) };
        check_with(&at("1.29"), &text, &text);
        check_with(&at("1.28"), &text, &pod(NONE));
    }

    #[test]
    fn slashes_become_dots() {
        check_pod(ID, &with(&["net/ipv4/tcp_syncookies"]), &with(&["net.ipv4.tcp_syncookies"]));
        check_levels(ID, &with(&["net/ipv4/tcp_syncookies"]), &[Level::Safe]);
        let both = with(&["net/ipv4/tcp_syncookies", "net/core/somaxconn"]);
        check_pod(ID, &both, &with(&["net.ipv4.tcp_syncookies"]));
        check_levels(ID, &both, &[Level::Review]);
    }

    #[test]
    fn what_another_transform_adds_stays() {
        let ids = ["unprivileged-port", ID].map(str::to_owned);
        let settings = Settings { select: Some(ids.into()), ..Settings::default() };
        let spec = |sysctls: &str| {
            pod(&format!(
                "containers:\n- name: a\n  image: r.io/a\n  ports: [{{containerPort: 80}}]\n  securityContext:\n    \
                 runAsUser: 1\nsecurityContext:\n  sysctls:{sysctls}"
            ))
        };
        let port = "{name: net.ipv4.ip_unprivileged_port_start, value: \"0\"}";
        check_with(
            &settings,
            &spec(
                "\n  - {name: net.core.somaxconn, value: \"1\"}\n  - {name: kernel.msgmax, value: \"1\"}\n",
            ),
            &spec("\n  - name: net.ipv4.ip_unprivileged_port_start\n    value: \"0\"\n"),
        );
        check_with(
            &settings,
            &spec(" [{name: net.core.somaxconn, value: \"1\"}]\n"),
            &spec(&format!(" [{port}]\n")),
        );
        assert_eq!(fixes(&settings, &spec(" []\n")).len(), 1);
    }

    #[test]
    fn a_comment_keeps_its_parameter() {
        let spec = with(&["net.core.somaxconn"]).replace("somaxconn", "somaxconn # for the queue");
        let left = crate::test::findings(&only(ID), &pod(&spec));
        assert!(left.iter().all(|judged| judged.fix().is_none()), "{left:#?}");
        check_left(ID, "securityContext: {sysctls: {a: b}}\ncontainers: [{image: r.io/a}]", "not a list");
        check_left(ID, "securityContext: {sysctls: [{name: 1}]}\ncontainers: [{image: r.io/a}]", "not text");
    }
}
