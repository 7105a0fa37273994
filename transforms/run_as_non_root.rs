//! `runAsNonRoot`.

use std::collections::BTreeMap;

use rewriter::Edit;

use crate::context::Context;
use crate::identity::{FsGroup, NewUser, NoUser, Replaces, replacement, write};
use crate::images::{Confidence, User};
use crate::model::{Container, Malformed, needs_root};
use crate::settings::Profile;
use crate::support::{Category, Finding, Fix, Level, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// Who a container runs as is up to its image, and the next version of that may run as root; with
    /// `runAsNonRoot: true` the kubelet refuses to start it then.
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
    ///   securityContext:
    ///     runAsNonRoot: true
    /// ```
    ///
    /// It is written for the pod, so that it covers containers that are added later too. Where a container has
    /// to stay root, it is written for the others one by one. The kubelet knows users by number alone: an
    /// image with a named user, or with one that nobody knows, gets `runAsUser` in the same fix.
    ///
    /// ## Safety
    ///
    /// Safe where a user other than root is written, and for images that are known to run as one. Review for
    /// all others, as `run-as-user` says, and where somebody wrote `runAsNonRoot: false`. On Windows, safe
    /// where `runAsUserName` says who it is.
    ///
    /// Left for a person: containers that have to stay root, for the reasons that `run-as-user` gives. The pod
    /// does not reach Pod Security's level restricted with them.
    ///
    /// Silent where it is `true` for every container, its own or the pod's, and from Kubernetes 1.35 where
    /// `hostUsers: false` makes root of the pod nobody on the node.
    pub(crate) struct RunAsNonRoot {
        id: "run-as-non-root",
        title: "nothing keeps the container from starting as root",
        category: Category::Privilege,
        severity: Severity::Medium,
        pages: &["Controlling Access Permissions", "Container Permission Access Control"],
        pod_security: &["runAsNonRoot"],
        profiles: &[Profile::Restricted],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "the kubelet does not start the container: `CreateContainerConfigError`, `container has \
            runAsNonRoot and image will run as root` or `image has non-numeric user`",
        undo: "write the number of the image's user as `runAsUser`; where the program has to be root, set \
            `runAsNonRoot: false` for that container with `# cce-fix: ignore[run-as-non-root] reason` beside it",
    }
}

const KEY: &str = "runAsNonRoot";
const FIELD: [&str; 2] = ["securityContext", KEY];

/// What the user of Windows that has root's power is called.
const WINDOWS_ROOT: &str = "ContainerAdministrator";

const UNREACHED: &str = "with it the pod does not reach Pod Security's level restricted";
const FALSE: &str = "somebody wrote `runAsNonRoot: false`";

impl Transform for RunAsNonRoot {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        if let Some(findings) = cx.excused_by_own_users(&Self::META, &FIELD) {
            return findings;
        }
        match PodsValue::of(cx) {
            Ok(pod) => check_pod(cx, pod),
            Err(malformed) => cx.each_container(&Self::META, &FIELD, |_| Err(malformed.clone())),
        }
    }
}

/// What is written for the whole pod.
#[derive(Clone, Copy)]
struct PodsValue {
    non_root: Option<bool>,
    /// Whether the pod's own user is root, after what is planned.
    is_root: bool,
}

impl PodsValue {
    fn of(cx: &Context<'_, '_>) -> Result<Self, Malformed> {
        let context = cx.pod.security_context()?;
        let is_root = cx.user(context)?.is_some_and(|(uid, _)| uid == 0);
        Ok(Self { non_root: context.run_as_non_root()?, is_root })
    }
}

fn check_pod(cx: &Context<'_, '_>, pod: PodsValue) -> Vec<Finding> {
    let containers = &cx.pod.containers;
    let verdicts: Vec<_> =
        containers.iter().map(|container| (container, judge(cx, container, pod))).collect();
    let stays_unset = pod.is_root
        || !cx.pod.has_pod_level()
        || verdicts.iter().any(|(container, it)| keeps_pod_unset(container, it));
    let mut fs_group = FsGroup::new(cx);
    let mut findings = Vec::new();
    let mut inheriting = Vec::new();
    for (container, verdict) in verdicts {
        let outcome = match verdict {
            Ok(Verdict::Write(value)) if value.replaces_false || stays_unset => {
                write_own(container, &value, &mut fs_group).map(Outcome::Fix)
            }
            Ok(Verdict::Write(value)) => {
                inheriting.push((container, value));
                continue;
            }
            Ok(Verdict::Satisfied) => Ok(Outcome::Satisfied),
            Ok(Verdict::Left(reason)) => Ok(Outcome::left(format!("{reason}; {UNREACHED}"))),
            Err(malformed) => Err(malformed),
        };
        findings.extend(cx.of_container(&RunAsNonRoot::META, container, &FIELD, outcome));
    }
    let outcome = match (stays_unset, pod.non_root) {
        (false, Some(false)) => write_for_pod(cx, pod, &inheriting, &mut fs_group).map(Outcome::Fix),
        (false, _) if !inheriting.is_empty() => {
            write_for_pod(cx, pod, &inheriting, &mut fs_group).map(Outcome::Fix)
        }
        (true, Some(false)) => Ok(Outcome::left(format!(
            "{FALSE} for the pod, which can go when nothing in it is root any more"
        ))),
        _ => return findings,
    };
    let inheriting = inheriting.iter().map(|(container, _)| *container);
    findings.extend(cx.of_pod(&RunAsNonRoot::META, &FIELD, inheriting, outcome));
    findings
}

/// What is to be done about one container.
enum Verdict {
    /// Nothing: it has the value, or the pod's.
    Satisfied,
    /// It gets the value, or the pod's.
    Write(NonRoot),
    /// It has to stay root.
    Left(String),
}

/// The value for one container.
struct NonRoot {
    level: Level,
    reason: String,
    /// The user without whom it would not start.
    user: Option<NewUser>,
    /// Whether that user takes the place of one that somebody wrote.
    replaces_root: bool,
    /// Whether the container has a value of its own.
    replaces_false: bool,
}

impl NonRoot {
    fn new(level: Level, reason: impl Into<String>) -> Self {
        Self { level, reason: reason.into(), user: None, replaces_root: false, replaces_false: false }
    }
}

/// Whether the container would not start with the pod's value, or might not: a fix of its own may yet be left.
fn keeps_pod_unset(container: &Container<'_>, verdict: &Result<Verdict, Malformed>) -> bool {
    match verdict {
        Ok(Verdict::Satisfied) => false,
        Ok(Verdict::Write(value)) if value.replaces_false => false,
        Ok(Verdict::Write(value)) => {
            value.replaces_root || value.level == Level::Review && !container.is_editable()
        }
        Ok(Verdict::Left(_)) | Err(_) => true,
    }
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>, pod: PodsValue) -> Result<Verdict, Malformed> {
    let own = container.security_context()?.run_as_non_root()?;
    if own.or(pod.non_root) == Some(true) {
        return Ok(Verdict::Satisfied);
    }
    let verdict = if cx.pod.is_windows() { on_windows(cx, container)? } else { on_linux(cx, container)? };
    Ok(match verdict {
        Verdict::Write(value) if own == Some(false) => Verdict::Write(NonRoot {
            level: Level::Review,
            reason: format!("{FALSE}; {}", value.reason),
            replaces_false: true,
            ..value
        }),
        verdict => verdict,
    })
}

fn on_linux(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Verdict, Malformed> {
    let (own, pod) = (container.security_context()?, cx.pod.security_context()?);
    let user = match cx.user(own)? {
        Some(user) => Some(user),
        None => cx.user(pod)?,
    };
    Ok(match user {
        Some((0, _)) => with_user(cx, container)?,
        Some((_, true)) => Verdict::Write(NonRoot::new(
            Level::Safe,
            "a user other than root is written, so that it starts as before",
        )),
        Some((_, false)) => Verdict::Write(NonRoot::new(
            Level::Review,
            "it holds for the user that another fix writes, which is to be reviewed",
        )),
        None => by_image(cx, container)?,
    })
}

/// What follows from the image where nobody is written.
fn by_image(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Verdict, Malformed> {
    let image = cx.image(container).filter(|image| image.facts.user == Some(User::Numeric));
    match image {
        Some(image) if image.confidence == Confidence::Exact => Ok(Verdict::Write(NonRoot::new(
            Level::Safe,
            "the image runs as a user other than root, and names it by number",
        ))),
        Some(image) if needs_root(container)?.is_none() => Ok(Verdict::Write(NonRoot::new(
            Level::Review,
            format!("the image looks like `{}`, whose user is a number other than root", image.entry.image),
        ))),
        _ => with_user(cx, container),
    }
}

/// The value together with a user, without whom the kubelet could not tell.
fn with_user(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Verdict, Malformed> {
    // What is planned is another user than root; so this asks about what is written.
    let replaces = Replaces::of(cx, container)?.unwrap_or(Replaces::Nothing);
    let replaces_root = replaces != Replaces::Nothing;
    Ok(match replacement(cx, container, replaces)? {
        Ok(user) => Verdict::Write(NonRoot {
            level: user.level,
            reason: user.reason.clone(),
            user: Some(user),
            replaces_root,
            replaces_false: false,
        }),
        Err(NoUser::NotGuessed(why)) if !replaces_root => Verdict::Write(NonRoot::new(
            Level::Review,
            format!("{why}, so it does not start any more if it starts as root or as a user by name"),
        )),
        Err(NoUser::Left(reason) | NoUser::NotGuessed(reason)) => Verdict::Left(reason),
    })
}

/// On Windows users have names, and the kubelet looks for the one that has root's power.
fn on_windows(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Verdict, Malformed> {
    let (own, pod) = (container.security_context()?, cx.pod.security_context()?);
    let name = match own.windows_options()?.text("runAsUserName")? {
        Some(name) => Some(name),
        None => pod.windows_options()?.text("runAsUserName")?,
    };
    Ok(match name {
        Some(name) if name.eq_ignore_ascii_case(WINDOWS_ROOT) => {
            Verdict::Left(format!("somebody wrote `runAsUserName: {name}`"))
        }
        Some(name) => Verdict::Write(NonRoot::new(Level::Safe, format!("it runs as `{name}`"))),
        None => Verdict::Write(NonRoot::new(
            Level::Review,
            format!("it does not start any more if its image runs as `{WINDOWS_ROOT}`"),
        )),
    })
}

/// The value for one container alone.
fn write_own(
    container: &Container<'_>,
    value: &NonRoot,
    fs_group: &mut FsGroup<'_, '_>,
) -> Result<Fix, Malformed> {
    let edit = Edit::set(container.security_context()?.path().key(KEY), true);
    let summary = "set `runAsNonRoot: true`";
    let Some(user) = &value.user else {
        return Ok(Fix {
            level: value.level,
            summary: summary.to_owned(),
            reason: value.reason.clone(),
            edits: vec![edit],
        });
    };
    let mut fix = write(container, user, fs_group)?;
    fix.level = value.level;
    fix.summary = format!("{summary}, and {}", fix.summary);
    if value.replaces_false {
        fix.reason = format!("{FALSE}; {}", fix.reason);
    }
    fix.edits.push(edit);
    Ok(fix)
}

/// The value for the pod, with the users that the containers which inherit it need.
fn write_for_pod(
    cx: &Context<'_, '_>,
    pod: PodsValue,
    inheriting: &[(&Container<'_>, NonRoot)],
    fs_group: &mut FsGroup<'_, '_>,
) -> Result<Fix, Malformed> {
    let mut reasons: Vec<(Level, String)> = Vec::new();
    if pod.non_root == Some(false) {
        reasons.push((Level::Review, FALSE.to_owned()));
    }
    let mut edits = vec![Edit::set(cx.pod.security_context()?.path().key(KEY), true)];
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (container, value) in inheriting {
        let mut reason = (value.level, value.reason.clone());
        if let Some(user) = &value.user {
            let fix = write(container, user, fs_group)?;
            edits.extend(fix.edits);
            reason = (fix.level, fix.reason);
            users.entry(fix.summary).or_default().push(format!("`{}`", container.name()));
        }
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let level = reasons.iter().map(|(level, _)| *level).max().unwrap_or(Level::Safe);
    let reasons = reasons.into_iter().filter(|(of, _)| *of == level).map(|(_, reason)| reason);
    let reason = reasons.collect::<Vec<_>>().join("; ");
    let users = users.into_iter().map(|(user, names)| format!("for {} {user}", names.join(", ")));
    let summary = std::iter::once("set `runAsNonRoot: true` for the pod".to_owned()).chain(users);
    let summary = summary.collect::<Vec<_>>().join("; ");
    Ok(Fix { level, summary, reason, edits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{RunAsUser, Settings, UidPolicy};
    use crate::test::{
        check_left, check_left_with, check_levels, check_pod, check_silent, check_with, findings, fix, fixes,
        only, pod,
    };
    use crate::{Judged, State};

    const ID: &str = "run-as-non-root";

    fn with(ids: &[&str]) -> Settings {
        Settings { select: Some(ids.iter().map(|id| (*id).to_owned()).collect()), ..Settings::default() }
    }

    fn of_image(image: &str, context: &str) -> String {
        format!("containers: [{{name: a, image: {image}, securityContext: {{{context}}}}}]")
    }

    #[track_caller]
    fn check_fix(spec: &str, level: Level, summary: &str) {
        let found = fixes(&only(ID), &pod(spec));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].0, &*found[0].1), (level, summary), "{found:?}");
    }

    const FOR_POD: &str = "set `runAsNonRoot: true` for the pod";

    #[test]
    fn the_level_follows_from_the_user() {
        for (spec, level, user) in [
            (of_image("r.io/a", "runAsUser: 1000"), Level::Safe, ""),
            (format!("securityContext: {{runAsUser: 7}}\n{}", of_image("r.io/a", "")), Level::Safe, ""),
            (of_image("grafana/loki:3.0.0", ""), Level::Safe, ""),
            (of_image("mirror.example.com/grafana/loki", ""), Level::Review, ""),
            (
                of_image("docker.io/prom/prometheus:v3.0.0", ""),
                Level::Safe,
                "; for `a` set `runAsUser: 65534` and `runAsGroup: 65534`",
            ),
            (
                of_image("postgres:17", ""),
                Level::Review,
                "; for `a` set `runAsUser: 999` and `runAsGroup: 999`",
            ),
            (of_image("r.io/a", ""), Level::Review, "; for `a` set `runAsUser: 1000` and `runAsGroup: 1000`"),
        ] {
            check_fix(&spec, level, &format!("{FOR_POD}{user}"));
        }
    }

    #[test]
    fn the_user_is_written_once() {
        let before = "
            containers:
            - name: a
              image: r.io/a
            ";
        let after = "
            containers:
            - name: a
              image: r.io/a
              securityContext:
                runAsUser: 1000
                runAsGroup: 1000
            securityContext:
              runAsNonRoot: true
            ";
        check_pod(ID, before, after);
        check_with(&with(&["run-as-user", ID]), &pod(before), &pod(after));
        let found = fixes(&with(&["run-as-user", ID]), &pod(before));
        assert_eq!((found[1].0, &*found[1].1), (Level::Review, FOR_POD));
        // In its profile an absent user satisfies, until the kubelet has to be able to tell.
        let restricted = Settings { profile: Profile::Restricted, ..with(&["run-as-user", ID]) };
        check_with(&restricted, &pod(before), &pod(after));
        let numeric = Settings { profile: Profile::Restricted, ..Settings::default() };
        assert!(!fix(&numeric, &pod(&of_image("grafana/loki", ""))).contains("runAsUser"));
    }

    #[test]
    fn a_claim_gets_its_group_too() {
        let claim = "containers: [{name: a, image: r.io/a, volumeMounts: [{name: v, mountPath: /v}]}]\n\
            volumes: [{name: v, persistentVolumeClaim: {claimName: v}}]";
        for settings in [only(ID), with(&["run-as-user", ID])] {
            assert_eq!(fix(&settings, &pod(claim)).matches("fsGroup: 1000").count(), 1);
        }
    }

    #[test]
    fn true_is_silent() {
        check_silent(ID, &of_image("r.io/a", "runAsNonRoot: true"));
        check_silent(ID, &format!("securityContext: {{runAsNonRoot: yes}}\n{}", of_image("r.io/a", "")));
        check_silent(
            ID,
            "containers:\n- {image: r.io/a, securityContext: {runAsNonRoot: true}}\n\
             - {image: r.io/b, securityContext: {runAsNonRoot: true}}",
        );
    }

    #[test]
    fn false_is_changed_where_it_stands() {
        let before = "
            securityContext:
              runAsNonRoot: false # for now
            containers:
            - name: a
              image: r.io/a
              securityContext:
                runAsUser: 1
                runAsNonRoot: false
            - name: b
              image: r.io/b
              securityContext:
                runAsUser: 1
            ";
        check_pod(ID, before, &before.replace("false", "true"));
        check_levels(ID, before, &[Level::Review, Level::Review]);
        for (_, _, reason) in fixes(&only(ID), &pod(before)) {
            assert!(reason.starts_with("somebody wrote `runAsNonRoot: false`"), "{reason}");
        }
        let unused =
            format!("securityContext: {{runAsNonRoot: false}}\n{}", of_image("r.io/a", "runAsNonRoot: true"));
        check_pod(ID, &unused, &unused.replace("false", "true"));
    }

    #[test]
    fn one_that_stays_root_keeps_the_pod_unset() {
        check_pod(
            ID,
            "
            initContainers:
            - name: i
              image: r.io/i
              command: [chown, '1000', /data]
            containers:
            - name: a
              image: r.io/a
              securityContext:
                runAsUser: 1000
            - name: b
              image: r.io/b
            ",
            "
            initContainers:
            - name: i
              image: r.io/i
              command: [chown, '1000', /data]
            containers:
            - name: a
              image: r.io/a
              securityContext:
                runAsUser: 1000
                runAsNonRoot: true
            - name: b
              image: r.io/b
              securityContext:
                runAsUser: 1000
                runAsGroup: 1000
                runAsNonRoot: true
            ",
        );
        check_left(ID, &of_image("gitlab/gitlab-ce", ""), "does not reach Pod Security's level restricted");
        let falsely =
            format!("securityContext: {{runAsNonRoot: false}}\n{}", of_image("gitlab/gitlab-ce", ""));
        let found = findings(&only(ID), &pod(&falsely));
        assert_eq!(found.iter().filter(|it| matches!(it.state, State::Left(_))).count(), 2, "{found:#?}");
    }

    #[test]
    fn root_of_the_whole_pod_gives_way_to_each_container() {
        let before = "
            securityContext:
              runAsUser: 0
            containers:
            - name: a
              image: r.io/a
              securityContext: {readOnlyRootFilesystem: true}
            ";
        let user = "true, runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true}";
        let own = before.replace("true}", user);
        check_pod(ID, before, &own);
        check_levels(ID, before, &[Level::Review]);
        let all = pod(before)
            .replace("runAsUser: 0", "runAsUser: 1000\n    runAsGroup: 1000\n    runAsNonRoot: true");
        check_with(&with(&["run-as-user", ID]), &pod(before), &all);
    }

    #[test]
    fn nothing_is_written_for_a_user_that_is_not() {
        let text = pod("
            containers:
            - {name: a, image: r.io/a, securityContext: {runAsUser: 0}}
            - {name: b, image: r.io/b, securityContext: {runAsUser: 1}}
            ");
        // What somebody wrote is kept, so the other container alone gets the value.
        for ids in [&["run-as-user", ID][..], &[ID][..]] {
            let kept = fix(&Settings { keep_explicit: true, ..with(ids) }, &text);
            assert_eq!(kept, text.replace("runAsUser: 1}", "runAsUser: 1, runAsNonRoot: true}"));
            let safe = fix(&Settings { safe: true, ..with(ids) }, &text);
            assert!(!safe.contains("runAsNonRoot") || safe == kept, "{safe}");
        }
        let unknown = pod(&of_image("r.io/a", ""));
        let safe = Settings { safe: true, ..with(&["run-as-user", ID]) };
        assert_eq!(fix(&safe, &unknown), unknown);
        let is_held_back = |judged: &Judged| judged.state == State::HeldBack;
        assert!(findings(&safe, &unknown).iter().all(is_held_back));
    }

    #[test]
    fn an_anchor_that_others_share_leaves_all_of_it() {
        let text = pod("
            containers:
            - name: a
              image: r.io/a
              securityContext: &context {readOnlyRootFilesystem: true}
            - name: b
              image: docker.io/prom/prometheus
              securityContext: *context
            ");
        for settings in [only(ID), with(&["run-as-user", ID])] {
            assert_eq!(fix(&settings, &text), text);
        }
    }

    #[test]
    fn containers_that_are_not_changed_keep_the_pod_unset() {
        for other in ["ephemeralContainers: [{name: e, image: r.io/e}]", "initContainers: [{name: i}]"] {
            let fixed = fix(&only(ID), &pod(&format!("{}\n{other}", of_image("r.io/a", "runAsUser: 1"))));
            assert!(fixed.contains("{runAsUser: 1, runAsNonRoot: true}"), "{fixed}");
        }
        let harmless = "ephemeralContainers: [{name: e, image: r.io/e, securityContext: {runAsUser: 1}}]";
        let fixed = fix(&only(ID), &pod(&format!("{}\n{harmless}", of_image("r.io/a", "runAsUser: 1"))));
        assert!(fixed.contains("  securityContext:\n    runAsNonRoot: true\n"), "{fixed}");
    }

    #[test]
    fn without_a_guess_the_kubelet_decides() {
        let image = RunAsUser { policy: UidPolicy::Image, ..RunAsUser::default() };
        let settings = |ids: &[&str]| Settings { run_as_user: image, ..with(ids) };
        let text = pod("
            containers:
            - name: a
              image: r.io/a
              ports: [{containerPort: 80}]
            ");
        for ids in [&[ID][..], &["run-as-user", ID]] {
            let after = format!("{text}  securityContext:\n    runAsNonRoot: true\n");
            check_with(&settings(ids), &text, &after);
        }
        // What follows from it, follows in the same run.
        let all = [ID, "unprivileged-port", "capabilities"];
        assert!(fix(&settings(&all), &text).contains("ip_unprivileged_port_start"));
        let again = fix(&settings(&all), &text);
        assert_eq!(fix(&settings(&all), &again), again);
        check_left_with(&settings(&[ID]), &pod(&of_image("r.io/a", "runAsUser: 0")), "nothing is known");
    }

    #[test]
    fn users_of_their_own_may_be_root() {
        let root =
            pod(&format!("hostUsers: false\n{}", of_image("r.io/a", "runAsUser: 0, runAsNonRoot: false")));
        let ids = ["run-as-user", ID];
        let newest = Settings { target: "1.35".parse().unwrap(), ..with(&ids) };
        check_with(&newest, &root, &root);
        assert!(findings(&newest, &root).iter().all(|judged| judged.state == State::Satisfied));
        let before = Settings { target: "1.34".parse().unwrap(), ..with(&ids) };
        assert_ne!(fix(&before, &root), root);
        assert_ne!(fix(&newest, &root.replace("hostUsers: false", "hostUsers: true")), root);
        check_left_with(
            &Settings { target: "1.35".parse().unwrap(), ..only(ID) },
            &root.replace("hostUsers: false", "hostUsers: 'no'"),
            "`hostUsers` in line 6 is text",
        );
    }

    #[test]
    fn users_of_windows_have_names() {
        let windows = |options: &str| {
            format!(
                "os: {{name: windows}}\n{}",
                of_image("r.io/a", &format!("windowsOptions: {{{options}}}"))
            )
        };
        check_fix(&windows("runAsUserName: ContainerUser"), Level::Safe, FOR_POD);
        check_fix(&windows(""), Level::Review, FOR_POD);
        check_left(ID, &windows("runAsUserName: containeradministrator"), "somebody wrote `runAsUserName:");
        assert!(!fix(&only(ID), &pod(&windows(""))).contains("runAsUser"));
    }

    #[test]
    fn no_truth_value_is_no_truth() {
        check_left(ID, &of_image("r.io/a", "runAsNonRoot: 'true'"), "`runAsNonRoot` in line 6 is text");
        check_left(
            ID,
            &format!("securityContext: {{runAsNonRoot: 1}}\n{}", of_image("r.io/a", "")),
            "`runAsNonRoot` in line 6 is a number",
        );
    }
}
