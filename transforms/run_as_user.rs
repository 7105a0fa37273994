//! `runAsUser`, with `runAsGroup` and `fsGroup` as its companions.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{PodSecurityContext, SecurityContext};

use crate::context::Context;
use crate::fragment;
use crate::identity::{FsGroup, NewUser, Replaces, own_edits, replacement, write};
use crate::images::User;
use crate::model::{self, Container, Malformed, VolumeSource};
use crate::settings::{Profile, UidPolicy};
use crate::support::{Category, Finding, Fix, Level, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A process that runs as root in its container is root on the node once it gets out of it, and inside it
    /// may rewrite every file that is not mounted read-only.
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
    ///       securityContext:
    ///         runAsUser: 1000
    ///         runAsGroup: 1000
    /// ```
    ///
    /// The user is the one that the image is made for, where the image catalogue knows it, and a configured
    /// one elsewhere. `runAsGroup` keeps the process out of group 0, except for images whose files belong to
    /// that group by design. `fsGroup` is added where the user changes and the pod mounts a claim.
    ///
    /// ## Safety
    ///
    /// Safe where the image runs as this very user by itself, and shares no writable volume with another one.
    /// Review everywhere else: files of the image or on
    /// a volume may belong to somebody else, programs such as `git`, `ssh` and `initdb` look their user up in
    /// `/etc/passwd`, and a user without an entry there has `/` as home.
    ///
    /// Left for a person: images that are meant to stay root, containers that run `chown`, `sysctl`,
    /// `iptables`, a system's package manager and the like, init containers with `runAsUser: 0`, and jobs that
    /// log in to each other with keys that Volcano mounts for root.
    ///
    /// Silent where any user but root is written for the container or its pod, with or without `runAsGroup`,
    /// where `runAsNonRoot: true` already keeps root out of an image that starts with it, and from Kubernetes
    /// 1.35 where `hostUsers: false` makes root of the pod nobody on the node.
    pub(crate) struct RunAsUser {
        id: "run-as-user",
        title: "the container may run as root",
        category: Category::Privilege,
        severity: Severity::High,
        pages: &["Controlling Access Permissions", "Container Permission Access Control"],
        pod_security: &["runAsUser", "runAsNonRoot"],
        profiles: &[Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "the program cannot read or write its files as another user: `Permission denied` in its log \
            or on a volume, a container that ends again and again (`CrashLoopBackOff`), or \
            `CreateContainerConfigError` where the pod refuses root and the image's user is no number",
        undo: "set `runAsUser` to the user that owns the program's files, or `fsGroup` where a volume \
            refuses it; `transforms.run-as-user` in `.cce-fix.yaml` has another default, `--ignore \
            run-as-user` leaves users as they are",
    }
}

const FIELD: [&str; 2] = ["securityContext", "runAsUser"];

impl Transform for RunAsUser {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        if let Some(findings) = cx.excused_by_own_users(&Self::META, &FIELD) {
            return findings;
        }
        let containers = &cx.pod.containers;
        let verdicts: Vec<_> = containers.iter().map(|container| judge(cx, container)).collect();
        let pod_is_root =
            cx.pod.security_context().and_then(model::SecurityContext::run_as_user) == Ok(Some(0));
        let replaces = pod_is_root && containers.iter().zip(&verdicts).all(can_do_without_pods_root);
        let sharing = sharing(cx, &verdicts);
        let mut fs_group = FsGroup::new(cx);
        let mut outcomes = Vec::new();
        let mut inheriting = Vec::new();
        for ((container, verdict), sharing) in containers.iter().zip(verdicts).zip(sharing) {
            let outcome = match verdict {
                Ok(Verdict::Write(user, Replaces::PodsRoot)) if replaces => {
                    inheriting.push((container, user));
                    continue;
                }
                Ok(Verdict::Write(user, _)) => write(container, &user, &mut fs_group).map(Outcome::Fix),
                Ok(Verdict::Other(outcome, _)) => Ok(outcome),
                Err(malformed) => Err(malformed),
            };
            outcomes.push((container, sharing, outcome));
        }
        let has_group = fs_group.is_written;
        let mut findings: Vec<Finding> = outcomes
            .into_iter()
            .filter_map(|(container, sharing, outcome)| {
                let outcome = outcome.map(|outcome| review(outcome, sharing, has_group));
                cx.of_container(&Self::META, container, &FIELD, outcome)
            })
            .collect();
        if replaces {
            let outcome = replace_pods_root(cx, &inheriting, &mut fs_group);
            let inheriting = inheriting.iter().map(|(container, _)| *container);
            findings.extend(cx.of_pod(&Self::META, &FIELD, inheriting, outcome));
        }
        findings
    }
}

/// What is to be done about one container.
enum Verdict {
    /// This user is to be written.
    Write(NewUser, Replaces),
    /// Nothing is to be written.
    Other(Outcome, Replaces),
}

/// Whether the container works as before where the pod's `runAsUser: 0` gives way to other users.
fn can_do_without_pods_root((container, verdict): (&Container<'_>, &Result<Verdict, Malformed>)) -> bool {
    match verdict {
        Ok(Verdict::Write(_, Replaces::PodsRoot)) => container.is_editable(),
        Ok(Verdict::Other(_, Replaces::PodsRoot)) | Err(_) => false,
        Ok(_) => true,
    }
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Verdict, Malformed> {
    let Some(replaces) = Replaces::of(cx, container)? else {
        return Ok(Verdict::Other(Outcome::Satisfied, Replaces::Nothing));
    };
    let other = |outcome| Ok(Verdict::Other(outcome, replaces));
    if replaces == Replaces::Nothing && does_without(cx, container)? {
        return other(Outcome::Satisfied);
    }
    match replacement(cx, container, replaces)? {
        Ok(user) => Ok(Verdict::Write(user, replaces)),
        Err(no_user) => other(no_user.into()),
    }
}

/// Whether nobody has to be written where nobody is.
fn does_without(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<bool, Malformed> {
    let (own, pod) = (container.security_context()?, cx.pod.security_context()?);
    let keeps_root_out = own.run_as_non_root()?.or(pod.run_as_non_root()?) == Some(true);
    let user = cx.image(container).and_then(|image| image.facts.user);
    // The kubelet refuses to start these two, as it cannot tell that they are not root.
    let starts = !matches!(user, Some(User::Root | User::Named));
    let by_image = cx.settings.run_as_user.policy == UidPolicy::Image && user == Some(User::Numeric);
    Ok(keeps_root_out && starts || by_image || cx.settings.profile == Profile::Restricted)
}

/// A fix, with what there is to review about volumes that the container shares.
fn review(outcome: Outcome, sharing: Option<String>, has_group: bool) -> Outcome {
    match (outcome, sharing) {
        (Outcome::Fix(fix), Some(sharing)) => {
            let advice = if has_group { "" } else { ", and a common `fsGroup` may be needed" };
            let reason = format!("{}; {sharing}{advice}", fix.reason);
            Outcome::Fix(Fix { level: Level::Review, reason, ..fix })
        }
        (outcome, _) => outcome,
    }
}

/// For each container, with whom of another user it shares a volume that one of them writes to. A group that is
/// written for the pod's volumes settles that.
fn sharing(cx: &Context<'_, '_>, verdicts: &[Result<Verdict, Malformed>]) -> Vec<Option<String>> {
    let containers = &cx.pod.containers;
    let mut found = vec![None; containers.len()];
    if cx.pod.security_context().and_then(model::SecurityContext::fs_group) != Ok(None) {
        return found;
    }
    let users: Vec<Option<i64>> = containers
        .iter()
        .zip(verdicts)
        .map(|(container, verdict)| match verdict {
            Ok(Verdict::Write(user, _)) => Some(user.uid),
            _ => cx.identity(container).ok()?.uid,
        })
        .collect();
    let mut volumes: BTreeMap<&str, Vec<(usize, i64)>> = BTreeMap::new();
    let mut written = BTreeSet::new();
    for ((number, container), user) in containers.iter().enumerate().zip(&users) {
        for mount in cx.mounts(container).unwrap_or_default() {
            let is_read_only = mount.is_read_only() == Ok(true);
            if let Some(user) = user.filter(|_| is_shared(cx, &mount.name)) {
                written.extend((!is_read_only).then_some(&*mount.name));
                volumes.entry(&*mount.name).or_default().push((number, user));
            }
        }
    }
    for (volume, mounts) in volumes.iter().filter(|(volume, _)| written.contains(*volume)) {
        // The first one, and the first of another user.
        let first = mounts.first();
        let second = mounts.iter().find(|(_, user)| first.is_some_and(|(_, first)| first != user));
        let (Some(first), Some(second)) = (first, second) else { continue };
        for (number, user) in mounts {
            let (other, uid) = if user == &first.1 { second } else { first };
            let other = &containers[*other];
            found[*number].get_or_insert_with(|| {
                format!("it shares the volume `{volume}` with {} of user {uid}", other.reference())
            });
        }
    }
    found
}

/// Whether the volume is one that containers hand files to each other in.
fn is_shared(cx: &Context<'_, '_>, volume: &str) -> bool {
    cx.pod.volume(volume).ok().flatten().is_some_and(|volume| {
        let is_empty_dir = volume.section.as_ref().is_some_and(|section| section.get("emptyDir").is_some());
        is_empty_dir || matches!(volume.source, VolumeSource::Claim { .. })
    })
}

/// New users for all containers that run as root by the pod's own value, which changes with them.
fn replace_pods_root(
    cx: &Context<'_, '_>,
    inheriting: &[(&Container<'_>, NewUser)],
    fs_group: &mut FsGroup<'_, '_>,
) -> Result<Outcome, Malformed> {
    let unused = cx.settings.run_as_user.uid;
    let (uid, gid) = inheriting.first().map_or((unused, None), |(_, user)| (user.uid, user.gid));
    let is_common = inheriting.iter().all(|(_, user)| (user.uid, user.gid) == (uid, gid));
    // The pod's group would also become that of containers with a user of their own and no group.
    let reaches_others = cx.pod.containers.len() > inheriting.len();
    let run_as_group = gid.filter(|_| is_common && !reaches_others);
    let fragment = PodSecurityContext { run_as_user: Some(uid), run_as_group, ..Default::default() };
    let group = gid.filter(|_| is_common).map_or_else(String::new, |gid| format!(" and `runAsGroup: {gid}`"));
    let mut fix = Fix {
        level: Level::Review,
        summary: format!("set `runAsUser: {uid}`{group} for the pod"),
        reason: inheriting.first().map_or_else(
            || "somebody wrote `runAsUser: 0`, which no container uses".to_owned(),
            |(_, user)| user.reason.clone(),
        ),
        edits: fragment::merge(cx.pod.security_context()?.path(), &fragment),
    };
    for (container, user) in inheriting {
        if !is_common {
            fix.edits.extend(own_edits(container, user)?);
        } else if reaches_others && let Some(gid) = user.gid {
            let fragment = SecurityContext { run_as_group: Some(gid), ..Default::default() };
            fix.edits.extend(fragment::merge(container.security_context()?.path(), &fragment));
        }
        fs_group.extend(&mut fix, container, user)?;
    }
    Ok(Outcome::Fix(fix))
}

#[cfg(test)]
mod tests;
