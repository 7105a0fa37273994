//! `capabilities`.

use k8s_openapi::api::core::v1 as fragments;
use rewriter::Edit;

use crate::context::Context;
use crate::fragment;
use crate::images::Start;
use crate::model::{Container, ContainerKind, List, Malformed, SecurityContext, capability, needs_root};
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
    /// since runtimes disagree about it.
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
        pages: &["Controlling Access Permissions", "Container Permission Access Control"],
        pod_security: &["capabilities_baseline", "capabilities_restricted"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
}

const FIELD: [&str; 2] = ["securityContext", "capabilities"];

/// What Pod Security's baseline level lets containers add.
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// What its restricted level lets them add.
const RESTRICTED: [&str; 1] = [NET_BIND_SERVICE];

const NET_BIND_SERVICE: &str = "NET_BIND_SERVICE";
const ALL: &str = "ALL";

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
    let (add_list, drop_list) = (context.capabilities_add()?, context.capabilities_drop()?);
    let (add, drop) = (add_list.texts()?, drop_list.texts()?);
    let mut change = Change::default();

    let verdicts: Vec<Granted> = add.iter().map(|name| granted(name, &drop, cx.settings.profile)).collect();
    change.repair_add(&add_list, &add, &verdicts);
    let kept: Vec<&str> =
        add.iter().zip(&verdicts).filter(|(_, it)| **it == Granted::Stays).map(|(name, _)| &**name).collect();

    if cx.settings.profile != Profile::Baseline && !drop.iter().any(|name| name == ALL) {
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
                Ok((level, reason, needs_bind)) => {
                    change.drop_all(level, reason, &context, &drop_list);
                    if needs_bind && !add.iter().any(|name| name == NET_BIND_SERVICE) {
                        let edit = Edit::append(add_list.path().clone(), NET_BIND_SERVICE);
                        change.add(level, edit, "add `NET_BIND_SERVICE`", "");
                    }
                }
                Err(obstacle) => return Ok(Outcome::left(obstacle)),
            },
        }
    }

    let kept = (!kept.is_empty()).then(|| format!("somebody granted `{}`, which stays", kept.join("`, `")));
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

fn granted(name: &str, drop: &[impl AsRef<str>], profile: Profile) -> Granted {
    let proper = capability(name);
    let allowed: &[&str] = if profile == Profile::Baseline { &BASELINE } else { &RESTRICTED };
    if proper == ALL {
        Granted::Goes("with some runtimes a granted `ALL` wins over every `drop`")
    } else if drop.iter().any(|dropped| dropped.as_ref().eq_ignore_ascii_case(name)) {
        Granted::Goes("runtimes disagree about what is both granted and dropped by name")
    } else if allowed.contains(&&*proper) {
        if name == proper { Granted::Allowed } else { Granted::Misspelt }
    } else if profile == Profile::Cce {
        Granted::Stays
    } else {
        Granted::Goes("the profile does not allow it")
    }
}

/// How sure it is that `drop: [ALL]` breaks nothing, why, and whether the image's program then needs
/// `NET_BIND_SERVICE` to be started at all. An error tells what it would surely break.
type DropAll = Result<(Level, &'static str, bool), String>;

fn drop_all(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<DropAll, Malformed> {
    let identity = cx.identity(container)?;
    let added = container.security_context()?.capabilities_add()?.texts()?;
    let adds = |name: &str| added.iter().any(|added| capability(added) == name);
    let image = cx.image(container);
    let start = image.as_ref().and_then(|image| image.facts.start).filter(|_| !identity.is_non_root());
    let on_files = image.as_ref().map_or(&[][..], |image| &image.facts.file_capabilities);
    if let Some(name) = on_files.iter().find(|name| !adds(name) && *name != NET_BIND_SERVICE) {
        return Ok(Err(format!("the image's program cannot be started without `{name}`; add that first")));
    }
    if start == Some(Start::Switches) {
        return Ok(Err(
            "the image starts as root and needs capabilities to change its user; set `runAsUser` first"
                .into(),
        ));
    }
    if start == Some(Start::Root) {
        return Ok(Err(
            "the image is meant to stay root, and which capabilities it needs is not known".into()
        ));
    }
    if let Some(program) = needs_root(container).filter(|_| !identity.is_surely_non_root()) {
        let advice = match (container.kind, &*program) {
            (ContainerKind::Init, "chown" | "chgrp" | "chmod" | "setfacl") => {
                "; with `drop: [ALL]` it takes `add: [CHOWN, DAC_OVERRIDE, FOWNER]`"
            }
            _ => "",
        };
        return Ok(Err(format!("the {} runs `{program}`, which needs capabilities{advice}", container.kind)));
    }
    let has_low_port = container.ports()?.iter().any(|port| (1..1024).contains(port));
    Ok(Ok(if !on_files.is_empty() {
        let reason = "the image's program carries file capabilities, without which it cannot be started";
        (Level::Review, reason, on_files.iter().any(|name| name == NET_BIND_SERVICE))
    } else if identity.is_root == Some(true) {
        let reason = "without capabilities root cannot change owners or users, nor read the files of others";
        (Level::Review, reason, false)
    } else if !identity.is_surely_non_root() {
        (Level::Review, "it is not proven that the image by itself runs as another user than root", false)
    } else if has_low_port && !adds(NET_BIND_SERVICE) {
        (Level::Review, "a program that listens below port 1024 may carry a file capability", false)
    } else {
        (Level::Safe, "another user than root has no capabilities to lose", false)
    }))
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
        self.summary.push(summary.into());
        if !reason.is_empty() && !self.reasons.iter().any(|known| known == reason) {
            self.reasons.push(reason.to_owned());
        }
    }

    fn repair_add(&mut self, list: &List<'_>, names: &[impl AsRef<str>], verdicts: &[Granted]) {
        let all_go = verdicts.iter().all(|verdict| matches!(verdict, Granted::Goes(_)));
        for (index, (name, verdict)) in names.iter().map(AsRef::as_ref).zip(verdicts).enumerate() {
            let path = list.path().index(index);
            let proper = capability(name);
            match verdict {
                Granted::Allowed | Granted::Stays => {}
                // Item by item, an empty list would remain.
                Granted::Goes(reason) if all_go && index == 0 => {
                    let edit = Edit::remove(list.path().clone(), None);
                    self.add(Level::Review, edit, "remove `add`", reason);
                }
                Granted::Goes(_) if all_go => {}
                Granted::Goes(reason) => {
                    let edit = Edit::remove(path, None);
                    self.add(Level::Review, edit, format!("remove `{name}` from `add`"), reason);
                }
                Granted::Misspelt if name.eq_ignore_ascii_case(&proper) => self.add(
                    Level::Safe,
                    Edit::set(path, &*proper),
                    format!("write `{proper}` in upper case"),
                    "runtimes take it in any case, Pod Security in upper case alone",
                ),
                Granted::Misspelt => self.add(
                    Level::Review,
                    Edit::set(path, &*proper),
                    format!("write `{proper}` without `CAP_`"),
                    "containerd knows no capability by the name with `CAP_`, so it has not been granted so far",
                ),
            }
        }
    }

    fn drop_all(&mut self, level: Level, reason: &str, context: &SecurityContext<'_>, list: &List<'_>) {
        let fragment = fragments::SecurityContext {
            capabilities: Some(fragments::Capabilities { drop: Some(vec![ALL.to_owned()]), add: None }),
            ..Default::default()
        };
        // To replace the list would take its comments along; beside `ALL` the other names mean nothing.
        let edits = match list.has_comment() {
            true => vec![Edit::append(list.path().clone(), ALL)],
            false => fragment::merge(context.path(), &fragment),
        };
        for edit in edits {
            self.add(level, edit, "drop `ALL`", reason);
        }
    }
}
