//! `privileged`.

use rewriter::{Edit, Value};

use crate::context::Context;
use crate::model::{Command, Container, Malformed, VolumeSource, covers};
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A privileged container is root on its node in all but name: it has every capability and every device,
    /// and neither seccomp nor `AppArmor` nor `SELinux` holds for it.
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
    ///         privileged: true
    ///         readOnlyRootFilesystem: true
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
    ///         readOnlyRootFilesystem: true
    /// ```
    ///
    /// Where nothing else stands in `securityContext`, or the setting `privileged.explicit` asks for it, the key
    /// stays, as `privileged: false`. Mounts with `mountPropagation: Bidirectional`, which the API server takes
    /// from privileged containers alone, get `None` in the same fix.
    ///
    /// ## Safety
    ///
    /// Always review: somebody wrote it, and what the container does with devices, kernel settings and mounts
    /// of its node fails without it.
    ///
    /// Left for a person: node agents, containers that get devices of the node, programs that change the node
    /// (`sysctl`, `modprobe`, `mount`, `iptables` and the like), and builders of images, emulators and tracers,
    /// which use system calls that other containers are denied.
    pub(crate) struct Privileged {
        id: "privileged",
        title: "the container has the node's whole power",
        category: Category::Privilege,
        severity: Severity::High,
        pages: &["Controlling Access Permissions", "Properly Configuring Volume Propagation"],
        pod_security: &["privileged"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "the program no longer reaches devices, kernel settings or mounts of its node: `Operation not \
            permitted` or `Permission denied` in its log",
        undo: "give back the single capability, device plugin or mount that the message is about; where it is \
            all of them, write `privileged: true` again with `# cce-fix: ignore[privileged] reason` beside it",
    }
}

const FIELD: [&str; 2] = ["securityContext", "privileged"];

/// Programs that change the node, or start containers on it.
const FOR_NODE: [&str; 22] = [
    "chroot",
    "containerd",
    "crio",
    "dockerd",
    "fdisk",
    "insmod",
    "ip6tables",
    "ip6tables-restore",
    "ipset",
    "iptables",
    "iptables-restore",
    "kubelet",
    "losetup",
    "modprobe",
    "mount",
    "nft",
    "nsenter",
    "rmmod",
    "swapoff",
    "swapon",
    "sysctl",
    "umount",
];

impl Transform for Privileged {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.each_container(&Self::META, &FIELD, |container| judge(cx, container))
    }
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Outcome, Malformed> {
    let context = container.security_context()?;
    if context.privileged()? != Some(true) {
        return Ok(Outcome::Satisfied);
    }
    if let Some(reason) = works_on_node(cx, container)? {
        return Ok(Outcome::left(format!("{reason}; a person has to tell what it can do without")));
    }
    let path = context.path().key("privileged");
    // Without its only entry the map would be left empty, and whatever is written to it later flow style.
    let stays = cx.settings.privileged.explicit || context.has_only("privileged");
    let (edit, mut summary) = if stays {
        (Edit::set(path, false), "set `privileged: false`".to_owned())
    } else {
        (Edit::remove(path, Some(Value::Bool(false))), "remove `privileged: true`".to_owned())
    };
    let mut edits = vec![edit];
    for mount in container.mounts()? {
        if mount.section.text("mountPropagation")?.as_deref() == Some("Bidirectional") {
            edits.push(Edit::set(mount.section.path().key("mountPropagation"), "None"));
        }
    }
    let mut reason = "somebody wrote `privileged: true`; devices and settings of the node are out of reach \
        without it, and seccomp, AppArmor and SELinux hold for the container"
        .to_owned();
    if edits.len() > 1 {
        summary += " and set `mountPropagation: None` in place of `Bidirectional`";
        reason += "; only a privileged container may have `Bidirectional`, and its mounts do not reach the \
            node any more";
    }
    Ok(Outcome::review(summary, reason, edits))
}

/// What shows that the container works on its node.
fn works_on_node(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Option<String>, Malformed> {
    let commands = container.commands()?;
    let mut programs = commands.iter().map(Command::program);
    if let Some(program) = programs.find(|name| FOR_NODE.contains(name) || name.starts_with("mkfs")) {
        return Ok(Some(format!("the {} runs `{program}`, which works on the node", container.kind)));
    }
    let mut words = container.image().into_iter().chain(container.command_line()?);
    if let Some(program) = words.find_map(|text| cx.settings.catalogue.needs_unconfined_syscalls(&text)) {
        let program = program.trim_end_matches('*');
        return Ok(Some(format!("it names `{program}`, which uses calls that other containers are denied")));
    }
    if container.has_volume_devices() {
        return Ok(Some("it gets block devices".to_owned()));
    }
    for mount in container.mounts()? {
        let source = cx.pod.volume(&mount.name)?.map(|volume| &volume.source);
        if matches!(source, Some(VolumeSource::HostPath(path)) if covers("/dev", path)) {
            return Ok(Some("it mounts the node's devices".to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::FOR_NODE;
    use crate::settings::{self, Profile, Settings};
    use crate::test::{
        check_left, check_left_with, check_levels, check_pod, check_silent, check_with, fix, fixes, only, pod,
    };
    use crate::{Level, State};

    const ID: &str = "privileged";

    fn container(rest: &str) -> String {
        format!("containers: [{{name: a, image: r.io/a, securityContext: {{privileged: true}}{rest}}}]")
    }

    #[test]
    fn the_key_goes() {
        let before = "
            containers:
            - name: a
              image: r.io/a
              securityContext:
                privileged: true
                runAsUser: 0
            ";
        check_pod(ID, before, &before.replace("privileged: true\n                ", ""));
        check_levels(ID, before, &[Level::Review]);
        let (_, _, reason) = fixes(&only(ID), &pod(before)).remove(0);
        assert!(reason.starts_with("somebody wrote `privileged: true`"), "{reason}");
    }

    #[test]
    fn a_comment_beside_it_stays() {
        let before = "
            containers:
            - name: a
              image: r.io/a
              securityContext:
                runAsUser: 0
                privileged: true # for the scanner
            ";
        check_pod(ID, before, &before.replace("true", "false"));
    }

    #[test]
    fn the_setting_writes_the_value_out() {
        let settings = Settings { privileged: settings::Privileged { explicit: true }, ..only(ID) };
        let before = pod(&container("").replace("true}", "true, runAsUser: 0}"));
        check_with(&settings, &before, &before.replace("true", "false"));
    }

    #[test]
    fn no_empty_map_is_left() {
        let before = container("");
        check_pod(ID, &before, &before.replace("true", "false"));
        let (_, summary, _) = fixes(&only(ID), &pod(&before)).remove(0);
        assert_eq!(summary, "set `privileged: false`");
    }

    #[test]
    fn false_and_absent_are_silent() {
        check_silent(ID, "containers: [{name: a, image: r.io/a}]");
        check_silent(ID, &container("").replace("true", "false"));
        check_silent(ID, &container("").replace("true", "null"));
        check_left(ID, &container("").replace("true", "'true'"), "is text, not a truth value");
    }

    /// An init container: any other with such mounts is taken for a node agent.
    const SPREADS: &str = "
        initContainers:
        - name: i
          image: r.io/i
          securityContext:
            privileged: true
          volumeMounts:
          - name: v
            mountPath: /v
            mountPropagation: Bidirectional
          - name: w
            mountPath: /w
            mountPropagation: Bidirectional # both ways
        containers:
        - name: a
          image: r.io/a
        volumes:
        - name: v
          hostPath: {path: /v}
        - name: w
          emptyDir: {}
        ";

    #[test]
    fn mounts_that_need_it_go_along() {
        let alone = SPREADS.replace("true", "false").replace("Bidirectional", "None");
        check_pod(ID, SPREADS, &alone);
        // Each of the two that could be left without the other keeps the API server's rule.
        let settings = |ids: &[&str]| Settings {
            select: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
            ..Settings::default()
        };
        check_with(&settings(&[ID, "mount-propagation"]), &pod(SPREADS), &pod(&alone));
        let kept = Settings { keep_explicit: true, ..settings(&[ID, "mount-propagation"]) };
        assert_eq!(fix(&kept, &pod(SPREADS)), pod(SPREADS));
    }

    #[test]
    fn a_shared_mount_keeps_the_privileges() {
        let shared = pod("
            initContainers:
            - name: i
              image: r.io/i
              securityContext: {privileged: true}
              volumeMounts:
              - &mount {name: v, mountPath: /v, mountPropagation: Bidirectional}
            - name: j
              image: r.io/j
              volumeMounts:
              - *mount
            containers: [{name: a, image: r.io/a}]
            volumes: [{name: v, hostPath: {path: /v}}]
            ");
        let ids = [ID, "mount-propagation"].map(str::to_owned);
        let settings = Settings { select: Some(ids.into()), ..Settings::default() };
        assert_eq!(fix(&settings, &shared), shared);
        let found = crate::test::findings(&settings, &shared);
        let left = found.iter().filter(|judged| matches!(&judged.state, State::Left(_))).count();
        assert_eq!(left, 3, "{found:#?}");
    }

    #[test]
    fn what_works_on_the_node_is_left() {
        assert!(FOR_NODE.is_sorted());
        let init = |rest: &str| {
            format!(
                "containers: [{{name: a, image: r.io/a}}]\n\
                 initContainers: [{{name: i, image: r.io/i, securityContext: {{privileged: true}}, {rest}}}]"
            )
        };
        check_left(
            ID,
            &init("command: [sh, -c, sysctl -w vm.max_map_count=262144]"),
            "the init container runs `sysctl`",
        );
        check_left(ID, &init("command: [mkfs.ext4, /dev/sdb]"), "runs `mkfs.ext4`");
        check_left(ID, &init("volumeDevices: [{name: v, devicePath: /dev/x}]"), "block devices");
        check_left(
            ID,
            &format!(
                "{}\nvolumes: [{{name: v, hostPath: {{path: /dev/fuse}}}}]",
                init("volumeMounts: [{name: v, mountPath: /dev/fuse}]")
            ),
            "the node's devices",
        );
        check_left(ID, &container("").replace("r.io/a", "docker:27-dind"), "it names `dind`");
        check_left(ID, &container(", command: [nsenter, -t, '1', -m, sh]"), "`nsenter`");
        // To own files, root is enough.
        check_levels(ID, &init("command: [chown, -R, '1000', /data]"), &[Level::Review]);
    }

    #[test]
    fn what_cannot_be_read_is_left() {
        check_left(ID, &container(", volumeMounts: {}"), "`volumeMounts` in line 6 is a map, not a list");
        check_left(ID, &container(", command: sysctl"), "`command` in line 6 is text");
    }

    #[test]
    fn what_follows_goes_on_without_it() {
        let restricted = Settings { profile: Profile::Restricted, ..Settings::default() };
        let fixed = fix(&restricted, &pod(&container("")));
        for written in ["allowPrivilegeEscalation: false", "drop: [ALL]", "runAsNonRoot: true"] {
            assert!(fixed.contains(written), "{written} is not in {fixed}");
        }
        assert!(fixed.contains("privileged: false"), "{fixed}");
        // Held back, it stays, and so does what depends on it.
        let safe =
            Settings { safe: true, select: Some(["capabilities".into(), ID.into()].into()), ..only(ID) };
        let text = pod(&container("").replace("true}", "true, runAsUser: 1}"));
        assert_eq!(fix(&safe, &text), text);
        check_left_with(&only("capabilities"), &text, "privileged");
    }
}
