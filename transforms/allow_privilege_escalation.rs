//! `allowPrivilegeEscalation`.

use rewriter::Edit;

use crate::context::Context;
use crate::images::ImageRef;
use crate::model::{Container, Malformed, capability};
use crate::settings::{Profile, Version};
use crate::support::{Category, Finding, Level, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// Where escalation is allowed, whoever gets into a container as an ordinary user becomes root of it with
    /// one flawed setuid program.
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
    ///         allowPrivilegeEscalation: false
    /// ```
    ///
    /// An absent value means `true`. With `false`, root stays root and programs such as `gosu` still give root
    /// up, but `sudo`, `su` and other setuid programs gain nothing.
    ///
    /// ## Safety
    ///
    /// Safe where the manifest or the image catalogue tells as whom the container runs. Review for unknown
    /// users, for images whose programs carry file capabilities that the container does not add, for programs
    /// that live on setuid (`sudo`, `ping`, `cron`, mailers and the like), and where somebody wrote `true`.
    ///
    /// Left for a person: privileged containers and those that add `SYS_ADMIN`, for which the API server
    /// refuses the value or it means little.
    pub(crate) struct AllowPrivilegeEscalation {
        id: "allow-privilege-escalation",
        title: "a program of the container may gain privileges",
        category: Category::Privilege,
        severity: Severity::Medium,
        pages: &["Controlling Access Permissions"],
        pod_security: &["allowPrivilegeEscalation"],
        profiles: &[Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "a setuid program of the image fails: `sudo: effective uid is not 0`, `ping: Operation not \
            permitted`, or a service that no longer changes to its user",
        undo: "let the container do without the setuid program, or write `allowPrivilegeEscalation: true` \
            again with a reason beside it, and `--ignore allow-privilege-escalation`",
    }
}

const FIELD: [&str; 2] = ["securityContext", "allowPrivilegeEscalation"];

/// The first version with the field.
const FIELD_SINCE: Version = Version { minor: 8 };

/// Programs that gain privileges when they start, in images and commands.
const SETUID: [&str; 18] = [
    "bwrap",
    "cron",
    "crond",
    "doas",
    "exim",
    "fusermount",
    "fusermount3",
    "newgidmap",
    "newuidmap",
    "passwd",
    "ping",
    "ping6",
    "pkexec",
    "postfix",
    "sendmail",
    "sshd",
    "su",
    "sudo",
];

impl Transform for AllowPrivilegeEscalation {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.each_container(&Self::META, &FIELD, |container| judge(cx, container))
    }
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Outcome, Malformed> {
    let context = container.security_context()?;
    let written = context.allow_privilege_escalation()?;
    let is_satisfied = written == Some(false);
    if cx.settings.target < FIELD_SINCE {
        let reason =
            format!("the field needs Kubernetes {FIELD_SINCE}, the target is {}", cx.settings.target);
        return Ok(if is_satisfied { Outcome::left(reason) } else { Outcome::stays(reason) });
    }
    let added = cx.capabilities_add(container)?;
    if cx.is_privileged(container)? {
        let reason = "the API server refuses `false` for a privileged container; remove `privileged` first";
        return Ok(Outcome::left(reason));
    }
    if added.iter().any(|name| name == "CAP_SYS_ADMIN") {
        let reason =
            "the API server refuses `false` for a container that adds `CAP_SYS_ADMIN`; remove it first";
        return Ok(Outcome::left(reason));
    }
    if is_satisfied {
        return Ok(Outcome::Satisfied);
    }
    if added.iter().any(|name| capability(name) == "SYS_ADMIN") {
        let reason = "it adds `SYS_ADMIN`, with which there is little left to gain; remove that first";
        return Ok(Outcome::left(reason));
    }
    let (level, reason) = match doubt(cx, container, &added)? {
        Some(doubt) => (Level::Review, doubt),
        None => (Level::Safe, "only setuid programs notice, and nothing shows that it needs one".to_owned()),
    };
    let (level, reason) = match written {
        Some(_) => (Level::Review, format!("somebody wrote `allowPrivilegeEscalation: true`; {reason}")),
        None => (level, reason),
    };
    let edit = Edit::set(context.path().key("allowPrivilegeEscalation"), false);
    Ok(Outcome::fix(level, "set `allowPrivilegeEscalation: false`", reason, vec![edit]))
}

/// What makes it doubtful that the container can do without.
fn doubt(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    added: &[String],
) -> Result<Option<String>, Malformed> {
    if let Some(program) = setuid_program(container)? {
        return Ok(Some(format!("it names `{program}`, which gains privileges when it starts")));
    }
    let on_files = cx.image(container).map_or(&[][..], |image| &image.facts.file_capabilities);
    if let Some(name) = on_files.iter().find(|name| !added.contains(name)) {
        return Ok(Some(format!(
            "the image's program carries the file capability `{name}`, which it gains only where the container adds it"
        )));
    }
    let identity = cx.identity(container)?;
    let is_known = identity.certain && identity.uid.is_some();
    Ok((!is_known)
        .then(|| "it is not known as whom the container runs, so it may use `sudo` or `su`".to_owned()))
}

/// The setuid program that the container's command line or the name of its image tells of.
fn setuid_program(container: &Container<'_>) -> Result<Option<&'static str>, Malformed> {
    let find = |word: &str| SETUID.iter().find(|program| **program == word).copied();
    let commands = container.commands()?;
    let image = container.image().unwrap_or_default();
    let name = ImageRef::parse(&image).map(|image| image.base_name().to_owned()).unwrap_or_default();
    Ok(commands
        .iter()
        .find_map(|command| find(command.program()))
        .or_else(|| name.split(['-', '_']).find_map(find)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::test::{
        check_left, check_left_with, check_levels, check_pod, check_silent, fix, fixes, only, pod,
    };

    const ID: &str = "allow-privilege-escalation";

    fn with(image: &str, context: &str, rest: &str) -> String {
        format!("containers: [{{name: a, image: {image}, securityContext: {{{context}}}{rest}}}]")
    }

    #[test]
    fn the_level_follows_from_what_is_known() {
        assert!(SETUID.is_sorted());
        for (spec, level) in [
            (with("r.io/a", "runAsUser: 1000", ""), Level::Safe),
            (with("r.io/a", "runAsUser: 0", ""), Level::Safe),
            (with("postgres:17", "", ""), Level::Safe),
            (with("docker.io/prom/prometheus", "", ""), Level::Safe),
            (with("r.io/a", "", ""), Level::Review),
            (with("r.io/a", "runAsNonRoot: true", ""), Level::Review),
            (with("mirror.example.com/x/prometheus", "", ""), Level::Review),
            (with("r.io/a", "runAsUser: 1000", ", command: [sh, -c, sudo app]"), Level::Review),
            (with("r.io/a", "runAsUser: 1000", ", args: [ping, example.com]"), Level::Review),
            (with("r.io/mail-postfix:3", "runAsUser: 1000", ""), Level::Review),
            (with("r.io/ping-pong", "runAsUser: 1000", ""), Level::Review),
            (with("r.io/supervisor", "runAsUser: 1000", ""), Level::Safe),
            (with("r.io/a", "runAsUser: 1000, allowPrivilegeEscalation: true", ""), Level::Review),
            (with("registry.k8s.io/coredns/coredns:v1.12.0", "runAsUser: 65532", ""), Level::Review),
            (
                with(
                    "registry.k8s.io/coredns/coredns:v1.12.0",
                    "runAsUser: 65532, capabilities: {add: [NET_BIND_SERVICE]}",
                    "",
                ),
                Level::Safe,
            ),
        ] {
            check_levels(ID, &spec, &[level]);
        }
    }

    #[test]
    fn a_user_that_is_only_planned_proves_nothing() {
        let ids = ["run-as-user", ID].map(str::to_owned);
        let settings = Settings { select: Some(ids.into()), ..Settings::default() };
        let found = fixes(&settings, &pod(&with("r.io/a", "", "")));
        assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), [Level::Review, Level::Review]);
    }

    #[test]
    fn what_somebody_wrote_is_changed_where_it_stands() {
        let before = "
            containers:
            - name: a
              image: r.io/a
              securityContext:
                allowPrivilegeEscalation: yes # for sudo
            ";
        check_pod(ID, before, &before.replace("yes", "false"));
        let (_, _, reason) = fixes(&only(ID), &pod(before)).remove(0);
        assert!(reason.starts_with("somebody wrote"), "{reason}");
    }

    #[test]
    fn false_is_silent() {
        check_silent(ID, &with("r.io/a", "allowPrivilegeEscalation: false", ""));
        check_silent(
            ID,
            &with("r.io/a", "allowPrivilegeEscalation: no, capabilities: {add: [SYS_ADMIN]}", ""),
        );
    }

    #[test]
    fn nothing_is_written_that_the_api_server_refuses() {
        for value in ["", ", allowPrivilegeEscalation: true", ", allowPrivilegeEscalation: false"] {
            check_left(ID, &with("r.io/a", &format!("privileged: true{value}"), ""), "privileged container");
            let adds = |name: &str| with("r.io/a", &format!("capabilities: {{add: [{name}]}}{value}"), "");
            check_left(ID, &adds("CAP_SYS_ADMIN"), "refuses `false`");
            if !value.ends_with("false") {
                for name in ["SYS_ADMIN", "sys_admin", "cap_sys_admin"] {
                    check_left(ID, &adds(name), "little left to gain");
                }
            }
        }
    }

    #[test]
    fn what_is_taken_away_before_does_not_count() {
        let restricted = Settings { profile: Profile::Restricted, ..Settings::default() };
        for context in [
            "capabilities: {add: [CAP_SYS_ADMIN]}",
            "capabilities: {add: [SYS_ADMIN, NET_BIND_SERVICE]}",
            "privileged: true, capabilities: {add: [SYS_ADMIN]}",
        ] {
            let fixed = fix(&restricted, &pod(&with("r.io/a", context, "")));
            assert!(fixed.contains("allowPrivilegeEscalation: false"), "{fixed}");
            assert!(!fixed.contains("SYS_ADMIN") && !fixed.contains("privileged"), "{fixed}");
        }
    }

    #[test]
    fn older_versions_do_not_know_it() {
        let old = Settings { target: "1.7".parse().unwrap(), ..only(ID) };
        check_left_with(&old, &pod(&with("r.io/a", "", "")), "needs Kubernetes 1.8, the target is 1.7");
        let first = Settings { target: FIELD_SINCE, ..only(ID) };
        assert_eq!(fixes(&first, &pod(&with("r.io/a", "", ""))).len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_left() {
        check_left(
            ID,
            &with("r.io/a", "allowPrivilegeEscalation: 'false'", ""),
            "is text, not a truth value",
        );
        check_left(ID, &with("r.io/a", "capabilities: {add: SYS_ADMIN}", ""), "`add` in line 6");
    }
}
