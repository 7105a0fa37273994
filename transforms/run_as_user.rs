//! `runAsUser`, with `runAsGroup` and `fsGroup` as its companions.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{PodSecurityContext, SecurityContext};
use rewriter::Edit;

use crate::context::Context;
use crate::fragment;
use crate::identity::{NewUser, NoUser};
use crate::images::User;
use crate::model::{self, Container, ContainerKind, Malformed, VolumeSource, needs_root};
use crate::settings::{Profile, UidPolicy, Version};
use crate::sshd::has_volcano_keys;
use crate::support::{Category, Finding, Fix, Level, Meta, Outcome, Severity, Transform, transform};
use crate::unprivileged_port::keeps_from_listening;

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

/// Istio's proxy runs as this user, and what that user sends is not proxied.
const ISTIO_PROXY: i64 = 1337;

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
            .map(|(container, sharing, outcome)| {
                let outcome = outcome.map(|outcome| review(outcome, sharing, has_group));
                Finding::of_container(&Self::META, container, &FIELD, outcome)
            })
            .collect();
        if replaces {
            let outcome = replace_pods_root(cx, &inheriting, &mut fs_group);
            let inheriting = inheriting.iter().map(|(container, _)| *container);
            findings.push(Finding::of_pod(&Self::META, cx.pod, &FIELD, inheriting, outcome));
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

/// The value that a new one takes, or would take, the place of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaces {
    /// None is written.
    Nothing,
    /// The container's own root.
    OwnRoot,
    /// The pod's root.
    PodsRoot,
}

impl Replaces {
    /// `None` where a user that is not root is written.
    pub(crate) fn of(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Option<Self>, Malformed> {
        let (own, pod) = (container.security_context()?, cx.pod.security_context()?);
        Ok(match (own.run_as_user()?, pod.run_as_user()?) {
            (Some(0), _) => Some(Self::OwnRoot),
            (None, Some(0)) => Some(Self::PodsRoot),
            (None, None) => Some(Self::Nothing),
            _ => None,
        })
    }
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

/// The user that the container can run as in place of root.
pub(crate) fn replacement(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    replaces: Replaces,
) -> Result<Result<NewUser, NoUser>, Malformed> {
    let left = |reason| Ok(Err(NoUser::Left(reason)));
    if let Some(program) = needs_root(container)? {
        let advice = if program.prepares_files {
            "; `fsGroup` may make it unnecessary, else `drop: [ALL]` and `add: [CHOWN, DAC_OVERRIDE, FOWNER]` are enough"
        } else {
            ""
        };
        return left(format!("{program}, which needs root{advice}"));
    }
    if has_volcano_keys(&cx.pod.object) {
        return left(
            "Volcano mounts the keys for SSH in the home of root, where another user has none".to_owned(),
        );
    }
    // Pod Security makes no exception for init containers.
    let is_init = container.kind == ContainerKind::Init && cx.settings.profile == Profile::Cce;
    if replaces == Replaces::OwnRoot && is_init {
        return left(
            "somebody wrote `runAsUser: 0` for this init container, which may prepare the node or a volume as root"
                .to_owned(),
        );
    }
    let mut user = match cx.new_user(container) {
        Ok(user) => user,
        Err(no_user) => return Ok(Err(no_user)),
    };
    if user.uid == ISTIO_PROXY && user.level == Level::Review && cx.pod.announces_istio() {
        return left(
            "Istio does not proxy the traffic of user 1337, so an application must not run as it".to_owned(),
        );
    }
    if let Some(reason) = keeps_from_listening(cx, container)? {
        return left(format!("as another user than root it could not listen: {reason}"));
    }
    let (own, pod) = (container.security_context()?, cx.pod.security_context()?);
    if own.run_as_group()?.or(pod.run_as_group()?).is_some() {
        user.gid = None;
    }
    if replaces != Replaces::Nothing {
        user.level = Level::Review;
        user.reason = format!("somebody wrote `runAsUser: 0`; {}", user.reason);
    }
    if user.level == Level::Review {
        user.reason += expectations(container)?;
    }
    Ok(Ok(user))
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

/// What else in the manifest says that the program expects to be root.
fn expectations(container: &Container<'_>) -> Result<&'static str, Malformed> {
    let context = container.security_context()?;
    let adds_for_root =
        context.capabilities_add()?.items().any(|(_, name)| !name.is_text("NET_BIND_SERVICE"));
    // As it is written: where that goes too, it still tells what somebody expected.
    Ok(match (context.privileged()? == Some(true), adds_for_root) {
        (true, _) => "; it is privileged, so it may expect root",
        (_, true) => "; the capabilities that it adds have no effect for other users than root",
        _ => "",
    })
}

/// A new user for one container.
pub(crate) fn write(
    container: &Container<'_>,
    user: &NewUser,
    fs_group: &mut FsGroup<'_, '_>,
) -> Result<Fix, Malformed> {
    let edits = own_edits(container, user)?;
    let summary = match user.gid {
        Some(gid) => format!("set `runAsUser: {}` and `runAsGroup: {gid}`", user.uid),
        None => format!("set `runAsUser: {}`", user.uid),
    };
    let mut fix = Fix { level: user.level, summary, reason: user.reason.clone(), edits };
    fs_group.extend(&mut fix, container, user)?;
    Ok(fix)
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
    let mut volumes: BTreeMap<Cow<'_, str>, Vec<(usize, i64)>> = BTreeMap::new();
    let mut written = BTreeSet::new();
    for ((number, container), user) in containers.iter().enumerate().zip(&users) {
        for mount in cx.mounts(container).unwrap_or_default() {
            let is_read_only = mount.is_read_only() == Ok(true);
            if let Some(user) = user.filter(|_| is_shared(cx, &mount.name)) {
                written.extend((!is_read_only).then(|| mount.name.clone()));
                volumes.entry(mount.name).or_default().push((number, user));
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

fn own_edits(container: &Container<'_>, user: &NewUser) -> Result<Vec<Edit>, Malformed> {
    let fragment =
        SecurityContext { run_as_user: Some(user.uid), run_as_group: user.gid, ..Default::default() };
    Ok(fragment::merge(container.security_context()?.path(), &fragment))
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

/// Gives the pod a group for its volumes, once.
pub(crate) struct FsGroup<'c, 'd> {
    cx: &'c Context<'c, 'd>,
    is_written: bool,
}

impl<'c, 'd> FsGroup<'c, 'd> {
    /// Nothing is written yet.
    pub(crate) fn new(cx: &'c Context<'c, 'd>) -> Self {
        Self { cx, is_written: false }
    }

    /// Adds the group to `fix` if that changes the user of the first container that mounts a claim.
    fn extend(&mut self, fix: &mut Fix, container: &Container<'_>, user: &NewUser) -> Result<(), Malformed> {
        let context = self.cx.pod.security_context()?;
        let group = user.gid.unwrap_or(user.uid);
        // A process that runs as the same user as before finds its files as before.
        let is_needed = user.level == Level::Review && container.is_editable() && group != 0;
        let is_planned = self.cx.planned(&context.path().key("fsGroup")).is_some();
        if self.is_written || is_planned || !is_needed || context.fs_group()?.is_some() {
            return Ok(());
        }
        let Some(is_file_storage) = self.mounts_claim(container)? else { return Ok(()) };
        self.is_written = true;
        if !self.cx.pod.has_pod_level() {
            fix.reason += "; it mounts a volume, for which no `fsGroup` can be set here";
            return Ok(());
        }
        let has_policy = self.cx.settings.target >= Version { minor: 20 };
        let fragment = PodSecurityContext {
            fs_group: Some(group),
            fs_group_change_policy: has_policy.then(|| "OnRootMismatch".to_owned()),
            ..Default::default()
        };
        fix.edits.extend(fragment::merge(context.path(), &fragment));
        fix.summary = format!("{}, and `fsGroup: {group}` for the pod", fix.summary);
        fix.reason += if is_file_storage {
            "; file and object storage belongs to root until the mount options `uid` and `gid` say otherwise"
        } else {
            "; `fsGroup` lets it write to the volume that it mounts"
        };
        Ok(())
    }

    /// Whether the container mounts a claim, and if so, whether one of file or object storage.
    fn mounts_claim(&self, container: &Container<'_>) -> Result<Option<bool>, Malformed> {
        let mut found = None;
        for mount in container.mounts()? {
            let source = self.cx.pod.volume(&mount.name)?.map(|volume| &volume.source);
            if let Some(VolumeSource::Claim { storage_class }) = source {
                let is_file_storage = storage_class.as_deref().is_some_and(is_file_storage);
                found = Some(found.unwrap_or(false) || is_file_storage);
            }
        }
        Ok(found)
    }
}

/// CCE's storage classes whose file systems ignore `fsGroup`.
fn is_file_storage(class: &str) -> bool {
    ["csi-nas", "csi-sfs", "csi-obs"].iter().any(|prefix| class.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::test::{
        check_left, check_left_with, check_levels, check_pod, check_silent, check_with, dedent, fixes,
    };
    use crate::test::{only, pod};

    const ID: &str = "run-as-user";

    fn of_image(image: &str, rest: &str) -> String {
        format!("containers: [{{name: a, image: {image}{rest}}}]")
    }

    #[track_caller]
    fn check_fix(spec: &str, level: Level, summary: &str) {
        let found = fixes(&only(ID), &pod(spec));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].0, &*found[0].1), (level, summary), "{found:?}");
    }

    #[test]
    fn the_image_says_which_user() {
        for (image, level, summary) in [
            ("registry.example.com/a", Level::Review, "set `runAsUser: 1000` and `runAsGroup: 1000`"),
            ("docker.io/prom/prometheus", Level::Safe, "set `runAsUser: 65534` and `runAsGroup: 65534`"),
            (
                "registry.example.com/mirror/prometheus",
                Level::Review,
                "set `runAsUser: 65534` and `runAsGroup: 65534`",
            ),
            ("postgres:17", Level::Review, "set `runAsUser: 999` and `runAsGroup: 999`"),
            ("postgres:17-alpine", Level::Review, "set `runAsUser: 70` and `runAsGroup: 70`"),
            // Their files belong to group 0.
            ("nginxinc/nginx-unprivileged", Level::Safe, "set `runAsUser: 101`"),
            ("quay.io/keycloak/keycloak:26.0", Level::Safe, "set `runAsUser: 1000`"),
            ("quay.io/coreos/etcd:v3.5.0", Level::Review, "set `runAsUser: 1000` and `runAsGroup: 1000`"),
            ("'{{ image }}'", Level::Review, "set `runAsUser: 1000` and `runAsGroup: 1000`"),
        ] {
            check_fix(&of_image(image, ""), level, summary);
        }
    }

    #[test]
    fn a_user_that_somebody_wrote_satisfies() {
        check_silent(ID, &of_image("registry.example.com/a", ", securityContext: {runAsUser: 1}"));
        check_silent(
            ID,
            &format!("securityContext: {{runAsUser: 7}}\n{}", of_image("registry.example.com/a", "")),
        );
        check_silent(ID, &of_image("registry.example.com/a", ", securityContext: {runAsNonRoot: true}"));
        check_silent(
            ID,
            &of_image(
                "quay.io/jetstack/cert-manager-controller:v1",
                ", securityContext: {runAsNonRoot: yes}",
            ),
        );
    }

    #[test]
    fn an_image_that_the_kubelet_would_not_start_gets_its_number() {
        let context = ", securityContext: {runAsNonRoot: true}";
        check_fix(
            &of_image("docker.io/prom/prometheus", context),
            Level::Safe,
            "set `runAsUser: 65534` and `runAsGroup: 65534`",
        );
    }

    #[test]
    fn a_group_that_somebody_wrote_stays() {
        let with_group = ", securityContext: {runAsGroup: 3000}";
        check_fix(&of_image("registry.example.com/a", with_group), Level::Review, "set `runAsUser: 1000`");
        let spec =
            format!("securityContext: {{runAsGroup: 3000}}\n{}", of_image("registry.example.com/a", ""));
        check_fix(&spec, Level::Review, "set `runAsUser: 1000`");
    }

    #[test]
    fn root_that_somebody_wrote_is_changed_where_it_stands() {
        check_pod(
            ID,
            "
            containers:
            - name: a
              image: registry.example.com/a
              securityContext:
                runAsUser: 0 # for the log files
                privileged: false
            ",
            "
            containers:
            - name: a
              image: registry.example.com/a
              securityContext:
                runAsUser: 1000 # for the log files
                privileged: false
                runAsGroup: 1000
            ",
        );
        let safe_image = of_image("docker.io/prom/prometheus", ", securityContext: {runAsUser: 0}");
        check_levels(ID, &safe_image, &[Level::Review]);
        let (_, _, reason) = fixes(&only(ID), &pod(&safe_image)).remove(0);
        assert!(reason.starts_with("somebody wrote `runAsUser: 0`"), "{reason}");
    }

    #[test]
    fn root_for_the_whole_pod_is_changed_there() {
        check_pod(
            ID,
            "
            securityContext:
              runAsUser: 0
            containers:
            - name: a
              image: registry.example.com/a
            - name: b
              image: registry.example.com/b
            ",
            "
            securityContext:
              runAsUser: 1000
              runAsGroup: 1000
            containers:
            - name: a
              image: registry.example.com/a
            - name: b
              image: registry.example.com/b
            ",
        );
    }

    #[test]
    fn the_group_of_a_container_with_a_user_of_its_own_stays() {
        check_pod(
            ID,
            "
            securityContext: {runAsUser: 0}
            containers:
            - image: registry.example.com/a
            - image: registry.example.com/b
              securityContext: {runAsUser: 5}
            ",
            "
            securityContext: {runAsUser: 1000}
            containers:
            - image: registry.example.com/a
              securityContext:
                runAsGroup: 1000
            - image: registry.example.com/b
              securityContext: {runAsUser: 5}
            ",
        );
    }

    #[test]
    fn containers_of_different_users_get_their_own() {
        check_pod(
            ID,
            "
            securityContext: {runAsUser: 0}
            containers:
            - image: registry.example.com/a
            - image: docker.io/prom/prometheus
            ",
            "
            securityContext: {runAsUser: 1000}
            containers:
            - image: registry.example.com/a
              securityContext:
                runAsUser: 1000
                runAsGroup: 1000
            - image: docker.io/prom/prometheus
              securityContext:
                runAsUser: 65534
                runAsGroup: 65534
            ",
        );
    }

    #[test]
    fn the_pods_root_stays_for_a_container_that_needs_it() {
        let before = "
            securityContext: {runAsUser: 0}
            initContainers:
            - name: i
              image: registry.example.com/i
              command: [chown, '1000', /data]
            containers:
            - name: a
              image: registry.example.com/a
            ";
        let after =
            format!("{}  securityContext:\n    runAsUser: 1000\n    runAsGroup: 1000\n", dedent(before));
        check_pod(ID, before, &after);
    }

    #[test]
    fn what_needs_root_is_left() {
        let init = |rest: &str| {
            format!(
                "containers: [{{image: r.io/a, securityContext: {{runAsUser: 5}}}}]\n\
                 initContainers: [{{name: i, image: r.io/i, {rest}}}]"
            )
        };
        check_left(ID, &init("command: [sh, -c, chown -R 1000 /data]"), "the init container runs `chown`");
        check_left(ID, &init("command: [sh, -c, chmod 777 /data]"), "`fsGroup` may make it unnecessary");
        check_left(ID, &init("args: [-c, sysctl -w vm.max_map_count=262144]"), "runs `sysctl`");
        check_left(ID, &init("securityContext: {runAsUser: 0}"), "somebody wrote `runAsUser: 0`");
        check_left(
            ID,
            &init("restartPolicy: Always, command: [iptables, -L]"),
            "the sidecar runs `iptables`",
        );
        check_left(ID, &of_image("r.io/a", ", command: [sh, -c, apk add curl; curl x]"), "runs `apk`");
        check_left(ID, &of_image("r.io/a", ", command: [/usr/sbin/sshd, -D]"), "runs `sshd`");
        check_left(ID, &of_image("gitlab/gitlab-ce", ""), "meant to stay root");
        check_left(ID, &of_image("mariadb:11", ""), "whose number is not known");
        check_left(ID, &of_image("apache/kafka:4.0.0", ""), "whose number is not known");
        check_levels(ID, &of_image("r.io/a", ", command: [sh, -c, chmod 600 /tmp/k; app]"), &[Level::Review]);
        check_levels(ID, &init("command: [cp, -r, /plugins, /shared]"), &[Level::Review]);
    }

    #[test]
    fn signs_of_root_are_named() {
        for (context, words) in [
            ("{capabilities: {add: [NET_ADMIN]}}", "no effect for other users than root"),
            ("{privileged: true}", "it is privileged"),
        ] {
            let spec = of_image("r.io/a", &format!(", securityContext: {context}"));
            let (_, _, reason) = fixes(&only(ID), &pod(&spec)).remove(0);
            assert!(reason.contains(words), "{reason}");
        }
    }

    #[test]
    fn a_claim_gets_the_group() {
        check_pod(
            ID,
            "
            containers:
            - image: postgres:17
              volumeMounts:
              - name: data
                mountPath: /var/lib/postgresql/data
            volumes:
            - name: data
              persistentVolumeClaim:
                claimName: data
            ",
            "
            containers:
            - image: postgres:17
              volumeMounts:
              - name: data
                mountPath: /var/lib/postgresql/data
              securityContext:
                runAsUser: 999
                runAsGroup: 999
            volumes:
            - name: data
              persistentVolumeClaim:
                claimName: data
            securityContext:
              fsGroup: 999
              fsGroupChangePolicy: OnRootMismatch
            ",
        );
    }

    #[test]
    fn the_pods_root_stays_for_a_container_that_is_not_changed() {
        for other in ["ephemeralContainers: [{name: e, image: r.io/e}]", "initContainers: [{name: i}]"] {
            let text =
                pod(&format!("securityContext: {{runAsUser: 0}}\n{}\n{other}", of_image("r.io/a", "")));
            let fixed = crate::test::fix(&only(ID), &text);
            assert!(fixed.contains("securityContext: {runAsUser: 0}"), "{fixed}");
            assert!(fixed.contains("runAsUser: 1000"), "{fixed}");
        }
    }

    fn stateful_set(pod: &str, class: &str) -> String {
        dedent(&format!(
            "
            apiVersion: apps/v1
            kind: StatefulSet
            spec:
              template:
                spec:
                  {pod}
                  containers: [{{name: a, image: r.io/a, volumeMounts: [{{name: d, mountPath: /d}}]}}]
              volumeClaimTemplates:
              - metadata: {{name: d}}
                spec: {{storageClassName: {class}}}
            "
        ))
    }

    #[test]
    fn claim_templates_are_claims() {
        let (_, summary, reason) = fixes(&only(ID), &stateful_set("", "csi-disk")).remove(0);
        assert!(summary.ends_with(", and `fsGroup: 1000` for the pod"), "{summary}");
        assert!(reason.contains("lets it write"), "{reason}");
        let (_, _, reason) = fixes(&only(ID), &stateful_set("", "csi-nas")).remove(0);
        assert!(reason.contains("mount options"), "{reason}");
    }

    #[test]
    fn a_group_for_volumes_is_written_only_where_it_is_needed() {
        let has_group =
            |settings: &Settings, text: &str| fixes(settings, text).iter().any(|it| it.1.contains("fsGroup"));
        let settings = only(ID);
        assert!(!has_group(&settings, &stateful_set("securityContext: {fsGroup: 5}", "csi-disk")));
        // The user is the image's own, so nothing changes for its files.
        let own = stateful_set("", "csi-disk").replace("r.io/a", "docker.io/prom/prometheus");
        assert!(!has_group(&settings, &own));
        for source in ["emptyDir: {}", "hostPath: {path: /srv}", "nfs: {server: s, path: /}"] {
            let text = format!(
                "{}\nvolumes: [{{name: v, {source}}}]",
                of_image("r.io/a", ", volumeMounts: [{name: v, mountPath: /v}]")
            );
            assert!(!has_group(&settings, &pod(&text)), "{source}");
        }
        let two = pod("
            containers:
            - {name: a, image: r.io/a, volumeMounts: [{name: v, mountPath: /v}]}
            - {name: b, image: r.io/b, volumeMounts: [{name: v, mountPath: /v}]}
            volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {}}}}]
            ");
        assert_eq!(fixes(&settings, &two).iter().filter(|it| it.1.contains("fsGroup")).count(), 1);
    }

    #[test]
    fn settings_name_the_user() {
        let mut settings = only(ID);
        settings.run_as_user =
            crate::settings::RunAsUser { uid: 10001, gid: 10002, policy: UidPolicy::Inject };
        assert_eq!(
            fixes(&settings, &pod(&of_image("r.io/a", "")))[0].1,
            "set `runAsUser: 10001` and `runAsGroup: 10002`"
        );
        settings.run_as_user.policy = UidPolicy::Image;
        check_left_with(&settings, &pod(&of_image("r.io/a", "")), "no user is to be guessed");
        let numeric = pod(&of_image("grafana/loki", ""));
        check_with(&settings, &numeric, &numeric);
        let restricted = Settings { profile: Profile::Restricted, ..only(ID) };
        let init = pod(
            "initContainers: [{image: r.io/i, securityContext: {runAsUser: 0}}]\ncontainers: [{image: r.io/a}]",
        );
        assert_eq!(fixes(&restricted, &init).len(), 1);
        let absent = pod(&of_image("r.io/a", ""));
        check_with(&restricted, &absent, &absent);
    }

    #[test]
    fn users_that_share_a_volume_are_reviewed() {
        let spec = |volume: &str, of_other: &str, group: &str| {
            format!(
                "
                {group}
                containers:
                - {{name: a, image: docker.io/prom/prometheus, volumeMounts: [{{name: v, mountPath: /v}}]}}
                - {{name: b, image: r.io/b, securityContext: {{runAsUser: 5}}, volumeMounts: [{{name: v, mountPath: /v{of_other}}}]}}
                volumes: [{{name: v, {volume}}}]
                "
            )
        };
        let level = |text: &str| fixes(&only(ID), &pod(text)).remove(0);
        for volume in ["emptyDir: {}", "persistentVolumeClaim: {claimName: c}"] {
            for of_other in ["", ", readOnly: true"] {
                let (level, summary, reason) = level(&spec(volume, of_other, ""));
                assert_eq!(level, Level::Review, "{volume}");
                assert!(!summary.contains("fsGroup"), "{summary}");
                assert!(reason.contains("shares the volume `v` with container `b` of user 5"), "{reason}");
            }
        }
        for (volume, of_other, group) in
            [("configMap: {name: c}", "", ""), ("emptyDir: {}", "", "securityContext: {fsGroup: 3}")]
        {
            assert_eq!(level(&spec(volume, of_other, group)).0, Level::Safe, "{volume}");
        }
        let same = spec("emptyDir: {}", "", "").replace("runAsUser: 5", "runAsUser: 65534");
        assert_eq!(level(&same).0, Level::Safe);
        let neither_writes =
            spec("emptyDir: {}", ", readOnly: true", "").replace("/v}", "/v, readOnly: true}");
        assert_eq!(level(&neither_writes).0, Level::Safe);
    }

    #[test]
    fn nobody_becomes_istios_proxy() {
        let mut settings = only(ID);
        settings.run_as_user.uid = 1337;
        let injected = pod(&of_image("r.io/a", ""))
            .replace("name: example", "name: example\n  labels: {sidecar.istio.io/inject: \"true\"}");
        check_left_with(&settings, &injected, "user 1337");
        assert_eq!(fixes(&settings, &pod(&of_image("r.io/a", ""))).len(), 1);
    }

    #[test]
    fn no_number_is_no_user() {
        let with = |user: &str| of_image("r.io/a", &format!(", securityContext: {{runAsUser: {user}}}"));
        check_left(ID, &with("'1000'"), "`runAsUser` in line 6 is text");
        for user in ["-1", "2147483648", "1.5", "nobody", "true", "[1000]"] {
            check_left(ID, &with(user), "not a number from 0 to 2147483647");
        }
        check_levels(ID, &with("~"), &[Level::Review]);
        check_left(ID, &of_image("r.io/a", ", command: sh"), "`command` in line 6 is text, not a list");
        check_left(
            ID,
            &of_image("r.io/a", ", securityContext: text"),
            "`securityContext` in line 6 is text, not a map",
        );
    }
}
