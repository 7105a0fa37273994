//! `capabilities`.

use std::collections::HashSet;

use k8s_openapi::api::core::v1 as fragments;
use rewriter::Edit;

use crate::context::Context;
use crate::fragment;
use crate::images::Start;
use crate::model::{Container, List, Malformed, SecurityContext, capability, needs_root};
use crate::pod_security::baseline;
use crate::settings::Profile;
use crate::support::{Category, Finding, Level, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A container keeps fourteen of root's powers unless it gives them up, among them raw sockets, changing
    /// the owner of any file, and becoming any user.
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
    ///         capabilities:
    ///           drop:
    ///             - ALL
    /// ```
    ///
    /// A name in lower case is written in upper case, in which Pod Security wants it. Capabilities that
    /// somebody granted stay, `ALL` apart, and are reported; a granted one that is also dropped is taken out,
    /// since runtimes disagree about it, and so is what the kind refuses: Knative takes `drop` alone.
    ///
    /// ## Safety
    ///
    /// Safe for another case of letters, and for a container that surely runs as another user than root, who
    /// has no capabilities to lose. Review for root and for unknown users, who lose `chown`, `su`, ports below
    /// 1024, `ping` and access to others' files, for ports below 1024, and for images whose programs carry
    /// file capabilities: those cannot even be started without them.
    ///
    /// Left for a person: privileged containers, to which the list means nothing, programs that need root,
    /// images that change their user themselves and still start as root, and file capabilities that no Pod
    /// Security level allows.
    pub(crate) struct Capabilities {
        id: "capabilities",
        title: "the container keeps capabilities that it may not need",
        category: Category::Privilege,
        severity: Severity::Medium,
        pages: &["Controlling Access Permissions", "Container Permission Access Control", "Capabilities"],
        pod_security: &["capabilities_baseline", "capabilities_restricted"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "the program is refused what it did before: `Operation not permitted` in its log, when it \
            changes its user or an owner, opens a port below 1024, or sends a ping",
        undo: "add the one capability that the message is about under `capabilities.add`, beside `drop: \
            [ALL]`; what somebody added by name is kept",
    }
}

const FIELD: [&str; 2] = ["securityContext", "capabilities"];

/// What Pod Security's restricted level lets containers add.
const RESTRICTED: [&str; 1] = [NET_BIND_SERVICE];

const NET_BIND_SERVICE: &str = "NET_BIND_SERVICE";
const ALL: &str = "ALL";

/// Knative's webhook refuses the whole object.
const NOT_TAKEN: &str = "the kind takes no `capabilities.add`, unless its operator was told to";

impl Transform for Capabilities {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.each_container(&Self::META, &FIELD, |container| judge(cx, container))
    }
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Outcome, Malformed> {
    let context = container.security_context()?;
    let add_list = context.capabilities_add()?;
    let drop_list = cx.repaired(context.capabilities_drop())?;
    let (add, drop) = (add_list.texts()?, drop_list.texts()?);
    let mut change = Change::default();

    let dropped: HashSet<String> = drop.iter().map(|name| name.to_ascii_uppercase()).collect();
    // The policy of before 1.22 has level baseline's check alone.
    let restricted = cx.settings.asks_for("capabilities_restricted");
    let allowed: &[&str] = if restricted { &RESTRICTED } else { &baseline::CAPABILITIES };
    let keeps = cx.settings.profile == Profile::Cce;
    let is_taken = cx.pod.refusal(&Edit::append(add_list.path().clone(), ALL), Some(container)).is_none();
    let verdicts: Vec<Granted> = add
        .iter()
        .map(|name| if is_taken { granted(name, &dropped, allowed, keeps) } else { Granted::Goes(NOT_TAKEN) })
        .collect();
    change.repair_add(&add_list, &add, &verdicts);
    let kept: Vec<&str> =
        add.iter().zip(&verdicts).filter(|(_, it)| **it == Granted::Stays).map(|(name, _)| &**name).collect();

    if restricted && !drop.iter().any(|name| name == ALL) {
        if cx.is_privileged(container)? {
            return Ok(Outcome::left(
                "the container is privileged, so its list of capabilities means nothing",
            ));
        }
        match drop.iter().position(|name| name.eq_ignore_ascii_case(ALL)) {
            Some(index) => change.add(
                Level::Safe,
                Edit::set(drop_list.path().index(index), ALL),
                "write `ALL` in upper case",
                "runtimes take it in any case, Pod Security in upper case alone",
            ),
            None => match drop_all(cx, container)? {
                Ok(all) => {
                    change.drop_all(all.level, &all.reason, context, &drop_list);
                    if all.needs_bind {
                        let edit = Edit::append(add_list.path().clone(), NET_BIND_SERVICE);
                        change.add(all.level, edit, "add `NET_BIND_SERVICE`", "");
                    }
                }
                Err(obstacle) => return Ok(Outcome::left(obstacle)),
            },
        }
    }

    let kept = (!kept.is_empty()).then(|| format!("what somebody granted stays: `{}`", kept.join("`, `")));
    Ok(match (change.level, kept) {
        (None, None) => Outcome::Satisfied,
        (None, Some(kept)) => Outcome::left(kept),
        (Some(level), kept) => {
            change.reasons.extend(kept);
            Outcome::fix(level, change.summary.join(", "), change.reasons.join("; "), change.edits)
        }
    })
}

/// What becomes of a granted capability.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Granted {
    /// It is allowed.
    Allowed,
    /// It is not, but somebody wanted it.
    Stays,
    /// It is allowed in another spelling.
    Misspelt,
    /// It goes, for this reason.
    Goes(&'static str),
}

/// `dropped` holds names in upper case; `keeps` says that what somebody granted stays.
fn granted(name: &str, dropped: &HashSet<String>, allowed: &[&str], keeps: bool) -> Granted {
    let proper = capability(name);
    if proper == ALL {
        Granted::Goes("with some runtimes a granted `ALL` wins over every `drop`")
    } else if dropped.contains(&name.to_ascii_uppercase()) {
        Granted::Goes("runtimes disagree about what is both granted and dropped by name")
    } else if allowed.contains(&&*proper) {
        if name == proper { Granted::Allowed } else { Granted::Misspelt }
    } else if keeps {
        Granted::Stays
    } else {
        Granted::Goes("the profile does not allow it")
    }
}

/// What `drop: [ALL]` means for a container.
struct DropAll {
    level: Level,
    reason: String,
    /// Whether the image's program then needs `NET_BIND_SERVICE` to be started at all.
    needs_bind: bool,
}

/// Judges `drop: [ALL]`. The inner error tells what it would surely break.
fn drop_all(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Result<DropAll, String>, Malformed> {
    let identity = cx.identity(container)?;
    let added = container.security_context()?.capabilities_add()?.texts()?;
    let adds = |name: &str| added.iter().any(|added| capability(added) == name);
    let image = cx.image(container);
    let on_files = image.as_ref().map_or(&[][..], |image| &image.facts.file_capabilities);
    if let Some(name) = on_files.iter().find(|name| !adds(name) && *name != NET_BIND_SERVICE) {
        return Ok(Err(format!("the image's program cannot be started without `{name}`; add that first")));
    }
    match image.as_ref().and_then(|image| image.facts.start).filter(|_| !identity.is_non_root()) {
        Some(Start::Switches) => {
            let reason = "the image starts as root and needs capabilities to change its user";
            return Ok(Err(format!("{reason}; set `runAsUser` first")));
        }
        Some(Start::Root) => {
            return Ok(Err(
                "the image is meant to stay root; which capabilities it needs is not known".into()
            ));
        }
        Some(Start::NonRoot) | None => {}
    }
    let root_program = needs_root(container)?;
    if let Some(program) = root_program.as_ref().filter(|_| !identity.is_surely_non_root()) {
        let advice = if program.prepares_files {
            "; with `drop: [ALL]` it needs `add: [CHOWN, DAC_OVERRIDE, FOWNER]`"
        } else {
            ""
        };
        return Ok(Err(format!("{program}, which needs capabilities{advice}")));
    }
    let has_low_port = container.ports()?.iter().any(|port| (1..1024).contains(port));
    let review = |reason: &str| (Level::Review, reason.to_owned());
    let (level, reason) = if !on_files.is_empty() {
        review("the image's program carries file capabilities, without which it cannot be started")
    } else if identity.is_root == Some(true) {
        review("without capabilities root cannot change owners or users, nor read the files of others")
    } else if !identity.is_surely_non_root() {
        review("it is not proven that the image by itself runs as another user than root")
    } else if let Some(program) = root_program {
        (Level::Review, format!("{program}, which may rely on capabilities"))
    } else if let Some(program) = cx.gains_privileges(container)? {
        (Level::Review, format!("it names `{program}`, which gains its capabilities when it starts"))
    } else if has_low_port && !adds(NET_BIND_SERVICE) {
        review("a program that listens below port 1024 may carry a file capability")
    } else {
        (Level::Safe, "a user other than root has no capabilities to lose".to_owned())
    };
    let needs_bind = on_files.iter().any(|name| name == NET_BIND_SERVICE) && !adds(NET_BIND_SERVICE);
    Ok(Ok(DropAll { level, reason, needs_bind }))
}

/// A fix in the making.
#[derive(Default)]
struct Change {
    level: Option<Level>,
    edits: Vec<Edit>,
    summary: Vec<String>,
    reasons: Vec<String>,
}

impl Change {
    fn add(&mut self, level: Level, edit: Edit, summary: impl Into<String>, reason: &str) {
        self.level = self.level.max(Some(level));
        self.edits.push(edit);
        for (texts, text) in [(&mut self.summary, summary.into()), (&mut self.reasons, reason.to_owned())] {
            if !text.is_empty() && !texts.contains(&text) {
                texts.push(text);
            }
        }
    }

    fn repair_add(&mut self, list: &List<'_>, names: &[impl AsRef<str>], verdicts: &[Granted]) {
        let mut gone = Vec::new();
        for (index, (name, verdict)) in names.iter().map(AsRef::as_ref).zip(verdicts).enumerate() {
            let path = list.path().index(index);
            let proper = capability(name);
            match verdict {
                Granted::Goes(reason) => gone.push((name, Edit::remove(path, None), *reason)),
                Granted::Misspelt | Granted::Stays if name != proper && name.eq_ignore_ascii_case(&proper) => self.add(
                    Level::Safe,
                    Edit::set(path, &*proper),
                    format!("write `{proper}` in upper case"),
                    "runtimes take it in any case, Pod Security in upper case alone",
                ),
                Granted::Allowed | Granted::Stays => {}
                Granted::Misspelt => self.add(
                    Level::Review,
                    Edit::set(path, &*proper),
                    format!("write `{proper}` without `CAP_`"),
                    "containerd knows no capability by the name with `CAP_`, so it has not been granted so far",
                ),
            }
        }
        let listed: Vec<&str> = gone.iter().map(|(name, _, _)| *name).collect();
        let summary = format!("remove `{}` from `add`", listed.join("`, `"));
        // Item by item, an empty list would remain.
        if gone.len() == names.len() {
            gone.truncate(1);
            for (_, edit, _) in &mut gone {
                *edit = Edit::remove(list.path().clone(), None);
            }
        }
        for (_, edit, reason) in gone {
            self.add(Level::Review, edit, &*summary, reason);
        }
    }

    fn drop_all(&mut self, level: Level, reason: &str, context: &SecurityContext<'_>, list: &List<'_>) {
        let fragment = fragments::SecurityContext {
            capabilities: Some(fragments::Capabilities { drop: Some(vec![ALL.to_owned()]), add: None }),
            ..Default::default()
        };
        // To replace the list would take its comments along; beside `ALL` the other names mean nothing.
        let edits = if list.has_comment() {
            vec![Edit::append(list.path().clone(), ALL)]
        } else {
            fragment::merge(context.path(), &fragment)
        };
        for edit in edits {
            self.add(level, edit, "drop `ALL`", reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::test::{
        check_left, check_levels, check_pod, check_silent, check_with, dedent, fixes, only, pod,
    };

    const ID: &str = "capabilities";

    #[test]
    fn programs_that_gain_capabilities_are_for_review() {
        let of = |image: &str, rest: &str| {
            format!("containers: [{{name: a, image: {image}, securityContext: {{runAsUser: 1000}}{rest}}}]")
        };
        check_levels(ID, &of("r.io/a", ""), &[Level::Safe]);
        for (image, rest) in [
            ("r.io/a", ", command: [ping, host]"),
            ("r.io/a", ", readinessProbe: {exec: {command: [sudo, check]}}"),
            ("moby/buildkit:master-rootless", ""),
            ("docker:24-dind-rootless", ""),
            ("quay.io/buildah/stable", ""),
            ("mpioperator/mpi-pi:openmpi", ""),
        ] {
            check_levels(ID, &of(image, rest), &[Level::Review]);
        }
    }

    #[test]
    fn a_granted_name_gets_its_upper_case() {
        let spec = |name: &str| {
            format!(
                "containers:\n- name: a\n  image: r.io/a\n  securityContext:\n    capabilities:\n      add: [{name}]\n      \
                 drop: [ALL]\n"
            )
        };
        check_pod(ID, &spec("chown"), &spec("CHOWN"));
        assert_eq!(fixes(&only(ID), &pod(&spec("chown")))[0].0, Level::Safe);
    }

    /// A container that surely does not run as root.
    fn with(capabilities: &str) -> String {
        with_user("1000", capabilities)
    }

    fn with_user(user: &str, capabilities: &str) -> String {
        let capabilities = dedent(capabilities).replace('\n', "\n      ");
        format!(
            "containers:\n- name: a\n  image: registry.example.com/a\n  securityContext:\n    runAsUser: {user}\n    \
             capabilities:\n      {}\n",
            capabilities.trim_end()
        )
    }

    fn of_image(image: &str, rest: &str) -> String {
        format!("containers: [{{name: a, image: {image}{rest}}}]")
    }

    #[test]
    fn another_case_of_letters_is_repaired_in_place() {
        check_pod(ID, &with("drop:\n- all # every one"), &with("drop:\n- ALL # every one"));
        check_pod(ID, &with("drop: [ \"All\" ]"), &with("drop: [ \"ALL\" ]"));
        check_pod(
            ID,
            &with("add: [net_bind_service]\ndrop: [all]"),
            &with("add: [NET_BIND_SERVICE]\ndrop: [ALL]"),
        );
        check_levels(ID, &with_user("0", "drop: [all, NET_RAW]"), &[Level::Safe]);
    }

    #[test]
    fn other_names_give_way_to_all() {
        check_pod(ID, &with("drop: [NET_RAW, CAP_CHOWN]"), &with("drop: [ALL]"));
        check_pod(ID, &with("drop: []"), &with("drop: [ALL]"));
        check_levels(ID, &with("drop: [NET_RAW]"), &[Level::Safe]);
        check_levels(ID, &with_user("0", "drop: [NET_RAW]"), &[Level::Review]);
    }

    #[test]
    fn a_comment_in_the_list_stays() {
        check_pod(
            ID,
            &with("drop:\n- NET_RAW # no ping\n- CHOWN"),
            &with("drop:\n- NET_RAW # no ping\n- CHOWN\n- ALL"),
        );
    }

    #[test]
    fn what_is_satisfied_is_silent() {
        check_silent(ID, &with("drop: [ALL]"));
        check_silent(ID, &with("drop: [NET_RAW, ALL]"));
        check_silent(ID, &with("add: [NET_BIND_SERVICE]\ndrop: [ALL]"));
        check_silent(ID, &with_user("0", "drop: [ALL]"));
    }

    #[test]
    fn what_somebody_granted_stays_and_is_reported() {
        check_left(
            ID,
            &with("add: [NET_ADMIN, NET_BIND_SERVICE]\ndrop: [ALL]"),
            "granted stays: `NET_ADMIN`",
        );
        check_pod(ID, &with("add: [NET_ADMIN]"), &with("add: [NET_ADMIN]\ndrop:\n- ALL"));
        let (_, _, reason) = fixes(&only(ID), &pod(&with("add: [NET_ADMIN]"))).remove(0);
        assert!(reason.contains("granted stays: `NET_ADMIN`"), "{reason}");
        check_left(ID, &with("add: [CAP_SYS_ADMIN]\ndrop: [ALL]"), "granted stays: `CAP_SYS_ADMIN`");
    }

    #[test]
    fn granted_and_dropped_is_dropped() {
        check_pod(
            ID,
            &with("add: [NET_RAW, NET_BIND_SERVICE]\ndrop: [ALL, NET_RAW]"),
            &with("add: [NET_BIND_SERVICE]\ndrop: [ALL, NET_RAW]"),
        );
        check_levels(ID, &with("add: [NET_RAW, NET_BIND_SERVICE]\ndrop: [ALL, NET_RAW]"), &[Level::Review]);
    }

    #[test]
    fn a_granted_all_goes() {
        check_pod(ID, &with("add: [ALL]\ndrop: [ALL]"), &with("drop: [ALL]"));
        check_pod(ID, &with("add:\n- CHOWN\n- all\ndrop:\n- ALL"), &with("add:\n- CHOWN\ndrop:\n- ALL"));
        check_pod(ID, &with("add: [ALL]"), &with("drop:\n- ALL"));
        check_levels(ID, &with("add: [ALL]\ndrop: [ALL]"), &[Level::Review]);
        check_left(ID, &with("add:\n- ALL # for now\ndrop: [ALL]"), "a comment in line 13 would be lost");
    }

    #[test]
    fn the_prefix_goes_after_review() {
        check_pod(
            ID,
            &with("add: [CAP_NET_BIND_SERVICE]\ndrop: [ALL]"),
            &with("add: [NET_BIND_SERVICE]\ndrop: [ALL]"),
        );
        check_levels(ID, &with("add: [CAP_NET_BIND_SERVICE]\ndrop: [ALL]"), &[Level::Review]);
    }

    #[test]
    fn the_level_follows_from_the_user() {
        for (spec, level) in [
            (of_image("registry.example.com/a", ""), Level::Review),
            (of_image("registry.example.com/a", ", securityContext: {runAsNonRoot: true}"), Level::Safe),
            (of_image("docker.io/prom/prometheus:v3.0.0", ""), Level::Safe),
            (of_image("registry.example.com/mirror/prometheus", ""), Level::Review),
            (of_image("registry.example.com/a", ", securityContext: {runAsUser: 0}"), Level::Review),
            (
                of_image(
                    "registry.example.com/a",
                    ", securityContext: {runAsUser: 1}, ports: [{containerPort: 80}]",
                ),
                Level::Review,
            ),
            (of_image("postgres:17", ", securityContext: {runAsUser: 999}"), Level::Safe),
            (of_image("r.io/a", ", securityContext: {runAsUser: 1}, command: [sudo, app]"), Level::Review),
        ] {
            check_levels(ID, &spec, &[level]);
        }
        let pod_level = "securityContext: {runAsUser: 1000}\n";
        check_levels(ID, &format!("{pod_level}{}", of_image("registry.example.com/a", "")), &[Level::Safe]);
    }

    #[test]
    fn a_user_that_is_only_planned_proves_nothing() {
        let ids = ["run-as-user", ID].map(str::to_owned);
        let settings = Settings { select: Some(ids.into()), ..Settings::default() };
        let levels: Vec<Level> = fixes(&settings, &pod(&of_image("postgres:17", "")))
            .into_iter()
            .map(|(level, _, _)| level)
            .collect();
        assert_eq!(levels, [Level::Review, Level::Review]);
    }

    #[test]
    fn programs_with_file_capabilities_keep_them() {
        let image = "registry.k8s.io/coredns/coredns:v1.12.0";
        let before = format!("containers:\n- name: dns\n  image: {image}\n  args: [-conf, /etc/Corefile]\n");
        let context = "  securityContext:\n    capabilities:\n      drop:\n      - ALL\n      add:\n      - NET_BIND_SERVICE\n";
        check_pod(ID, &before, &format!("{before}{context}"));
        check_levels(ID, &before, &[Level::Review]);
        check_left(ID, &of_image("hashicorp/vault:2.0.1", ""), "without `IPC_LOCK`");
        check_levels(
            ID,
            &of_image(
                "hashicorp/vault:2.0.1",
                ", securityContext: {runAsUser: 100, capabilities: {add: [IPC_LOCK]}}",
            ),
            &[Level::Review],
        );
    }

    #[test]
    fn what_would_surely_break_is_left() {
        check_left(ID, &of_image("postgres:17", ""), "set `runAsUser` first");
        check_left(ID, &of_image("gitlab/gitlab-ce", ""), "meant to stay root");
        check_left(
            ID,
            &of_image("registry.example.com/a", ", securityContext: {privileged: true}"),
            "privileged",
        );
        check_left(
            ID,
            &of_image("registry.example.com/a", ", command: [sh, -c, apt-get install -y curl; a]"),
            "`apt-get`",
        );
        let init = "containers: [{name: a, image: r.io/a, securityContext: {capabilities: {drop: [ALL]}}}]\n\
            initContainers: [{name: i, image: r.io/i, command: [chown, -R, '1000', /data]}]";
        check_left(ID, init, "it needs `add: [CHOWN, DAC_OVERRIDE, FOWNER]`");
    }

    #[test]
    fn malformed_lists_are_left() {
        check_left(ID, &with("drop: ALL"), "`drop` in line 12 is text, not a list");
        check_left(ID, &with("drop: [1]"), "item 1 of `drop` in line 12 is a number, not text");
        check_left(
            ID,
            "containers: [{image: r.io/a, securityContext: {capabilities: [ALL]}}]",
            "`capabilities`",
        );
    }

    #[test]
    fn profiles_take_away_what_they_forbid() {
        let profile = |profile| Settings { profile, ..only(ID) };
        let before = "add: [chown, NET_ADMIN, NET_BIND_SERVICE]\ndrop: [ALL]";
        for (profile, after) in [
            (profile(Profile::Restricted), "add: [NET_BIND_SERVICE]\ndrop: [ALL]"),
            (profile(Profile::Baseline), "add: [CHOWN, NET_BIND_SERVICE]\ndrop: [ALL]"),
        ] {
            check_with(&profile, &pod(&with(before)), &pod(&with(after)));
        }
        check_with(&profile(Profile::Baseline), &pod(&with("add: [SETUID]")), &pod(&with("add: [SETUID]")));
        // Level restricted asks for `drop` from 1.22 on.
        let old = Settings { target: "1.21".parse().unwrap(), ..profile(Profile::Restricted) };
        check_with(&old, &pod(&with("add: [CHOWN]")), &pod(&with("add: [CHOWN]")));
        let summary =
            &fixes(&profile(Profile::Restricted), &pod(&with("add: [CHOWN, KILL]\ndrop: [ALL]")))[0].1;
        assert_eq!(summary, "remove `CHOWN`, `KILL` from `add`");
        let baseline = profile(Profile::Baseline);
        check_with(
            &baseline,
            &pod(&with("add: [NET_ADMIN]")),
            &pod(&with("{}")).replace(":\n        {}", ": {}"),
        );
    }

    /// Knative takes `drop` alone.
    #[test]
    fn a_kind_that_takes_no_add_keeps_none() {
        let service = |capabilities: &str| {
            dedent(&format!(
                "
                apiVersion: serving.knative.dev/v1
                kind: Service
                metadata: {{name: a}}
                spec:
                  template:
                    spec:
                      containers:
                      - image: r.io/a
                        securityContext:
                          capabilities: {capabilities}
                "
            ))
        };
        let before = service("{add: [NET_ADMIN, NET_BIND_SERVICE], drop: [ALL]}");
        check_with(&only(ID), &before, &service("{drop: [ALL]}"));
        let (level, summary, reason) = &fixes(&only(ID), &before)[0];
        assert_eq!(
            (*level, &**summary),
            (Level::Review, "remove `NET_ADMIN`, `NET_BIND_SERVICE` from `add`")
        );
        assert!(reason.contains("takes no `capabilities.add`"), "{reason}");
    }
}
