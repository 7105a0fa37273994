//! `mountPropagation`.

use rewriter::{Edit, Value};

use crate::context::Context;
use crate::model::{Container, Malformed, Mount};
use crate::settings::Version;
use crate::support::{Category, Finding, Level, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// Where a container's mounts reach back to the node, whoever is in the container can mount over the
    /// node's own files, and into every other container that uses the volume.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: backup
    /// spec:
    ///   containers:
    ///     - name: backup
    ///       image: registry.example.com/team/backup:1.4
    ///       volumeMounts:
    ///         - name: data
    ///           mountPath: /data
    ///         - name: disks
    ///           mountPath: /disks
    ///           mountPropagation: HostToContainer
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /srv/data
    ///     - name: disks
    ///       hostPath:
    ///         path: /mnt
    /// ```
    ///
    /// becomes
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: backup
    /// spec:
    ///   containers:
    ///     - name: backup
    ///       image: registry.example.com/team/backup:1.4
    ///       volumeMounts:
    ///         - name: data
    ///           mountPath: /data
    ///           mountPropagation: None
    ///         - name: disks
    ///           mountPath: /disks
    ///           mountPropagation: None
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /srv/data
    ///     - name: disks
    ///       hostPath:
    ///         path: /mnt
    /// ```
    ///
    /// It is about mounts of the node's paths. Each of them has its own finding.
    ///
    /// ## Safety
    ///
    /// Safe where nothing is written: `None` is what Kubernetes does then. Review for `HostToContainer` and
    /// `Bidirectional`: what is mounted on the node later, or by the container for others, is not seen any
    /// more.
    ///
    /// Left for a person: `Bidirectional` in a container that is not privileged, which the API server refuses,
    /// and propagation on volumes that are no `hostPath`.
    pub(crate) struct MountPropagation {
        id: "mount-propagation",
        title: "mounts may propagate between the node and the container",
        category: Category::Files,
        severity: Severity::High,
        pages: &["Properly Configuring Volume Propagation"],
        pod_security: &[],
        profiles: &[],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "the program, or one in another pod, no longer sees what is mounted while it runs: an empty \
            folder where a file system was expected, as with storage drivers and backup agents",
        undo: "write the `mountPropagation` that the mount needs again with `# cce-fix: \
            ignore[mount-propagation] reason` beside it",
    }
}

const KEY: &str = "mountPropagation";

/// The first version in which the field has an effect without a feature gate, and knows `None`.
const FIELD_SINCE: Version = Version { minor: 10 };

impl Transform for MountPropagation {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.pod.containers.iter().flat_map(|container| check_container(cx, container)).collect()
    }
}

fn check_container(cx: &Context<'_, '_>, container: &Container<'_>) -> Vec<Finding> {
    let meta = &MountPropagation::META;
    let of_container = |outcome| Vec::from_iter(cx.of_container(meta, container, &["volumeMounts"], outcome));
    let mounts = match cx.mounts(container) {
        Ok(mounts) => mounts,
        Err(malformed) => return of_container(Err(malformed)),
    };
    let mut findings = Vec::new();
    for mount in &mounts {
        let outcome = judge(cx, container, mount);
        if outcome != Ok(Outcome::Satisfied) {
            let place = mount.section.locate(&[KEY]);
            findings.push(Finding::new(meta, Some(container.reference()), place, outcome));
        }
    }
    if findings.is_empty() { of_container(Ok(Outcome::Satisfied)) } else { findings }
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>, mount: &Mount<'_>) -> Result<Outcome, Malformed> {
    if cx.planned(&mount.section.path().key(KEY)) == Some(&Value::from("None")) {
        // It goes together with the privileges of the container.
        return Ok(Outcome::Satisfied);
    }
    let is_host_path = cx.pod.volume(&mount.name)?.is_some_and(|volume| cx.is_host_path(volume));
    let mode = mount.section.text(KEY)?;
    let (level, reason) = match (mode.as_deref(), is_host_path) {
        (None, false) | (Some("None"), _) => return Ok(Outcome::Satisfied),
        (None, true) if cx.settings.target < FIELD_SINCE => {
            let target = cx.settings.target;
            return Ok(Outcome::stays(format!(
                "the field needs Kubernetes {FIELD_SINCE}, the target is {target}"
            )));
        }
        (None, true) => (Level::Safe, "it is what Kubernetes does where nothing is written"),
        (Some(mode @ ("HostToContainer" | "Bidirectional")), false) => {
            return Ok(Outcome::left(format!(
                "somebody wrote `{mode}` for a volume that is not a `hostPath`"
            )));
        }
        (Some("HostToContainer"), true) => (
            Level::Review,
            "somebody wrote `HostToContainer`; later mounts of the node are not seen any more",
        ),
        (Some("Bidirectional"), true) if cx.is_privileged(container)? => (
            Level::Review,
            "somebody wrote `Bidirectional`; mounts of the container do not reach the node any more",
        ),
        (Some("Bidirectional"), true) => {
            return Ok(Outcome::left("only a privileged container may have `Bidirectional`"));
        }
        (Some(_), _) => {
            return Ok(Outcome::left("the value is none of `None`, `HostToContainer` and `Bidirectional`"));
        }
    };
    let edit = Edit::set(mount.section.path().key(KEY), "None");
    Ok(Outcome::fix(level, "set `mountPropagation: None`", reason, vec![edit]))
}

#[cfg(test)]
mod tests {
    use crate::Level;
    use crate::settings::Settings;
    use crate::test::{check_left, check_left_with, check_levels, check_pod, check_silent, fixes, only, pod};

    const ID: &str = "mount-propagation";

    #[test]
    fn older_versions_do_not_know_it() {
        let spec = "containers: [{name: a, image: r.io/a, volumeMounts: [{name: v, mountPath: /v}]}]\n\
                    volumes: [{name: v, hostPath: {path: /v}}]";
        let old = |target: &str| Settings { target: target.parse().unwrap(), ..only(ID) };
        check_left_with(&old("1.9"), &pod(spec), "needs Kubernetes 1.10, the target is 1.9");
        assert_eq!(fixes(&old("1.10"), &pod(spec)).len(), 1);
    }

    fn mounting(mode: &str, container: &str, source: &str) -> String {
        format!(
            "containers:\n- name: a\n  image: registry.example.com/a\n  {container}\n  volumeMounts:\n  - name: v\n    \
             mountPath: /v\n    {mode}\nvolumes:\n- name: v\n  {source}\n"
        )
    }

    const HOST: &str = "hostPath: {path: /srv}";

    #[test]
    fn the_default_is_written_out_safely() {
        check_pod(
            ID,
            &mounting("readOnly: true", "", HOST),
            &mounting("readOnly: true\n    mountPropagation: None", "", HOST),
        );
        check_levels(ID, &mounting("", "", HOST), &[Level::Safe]);
        check_levels(ID, &mounting("mountPropagation: null", "", HOST), &[Level::Safe]);
        check_levels(ID, &mounting("mountPropagation: ~ # as before", "", HOST), &[Level::Safe]);
    }

    #[test]
    fn what_somebody_wrote_is_changed_after_review() {
        let before = mounting("mountPropagation: HostToContainer # disks", "", HOST);
        check_pod(ID, &before, &before.replace("HostToContainer", "None"));
        check_levels(ID, &before, &[Level::Review]);
    }

    #[test]
    fn bidirectional_is_for_node_agents_and_the_api_server_to_judge() {
        let mode = "mountPropagation: Bidirectional";
        check_left(ID, &mounting(mode, "", HOST), "only a privileged container");
        check_left(ID, &mounting(mode, "securityContext: {privileged: true}", HOST), "node agent");
    }

    #[test]
    fn each_mount_has_its_own_level() {
        let spec = "
            containers:
            - image: registry.example.com/a
              volumeMounts:
              - {name: v, mountPath: /a}
              - {name: v, mountPath: /b, mountPropagation: HostToContainer}
              - {name: w, mountPath: /c}
            volumes:
            - {name: v, hostPath: {path: /srv}}
            - {name: w, emptyDir: {}}
            ";
        check_levels(ID, spec, &[Level::Safe, Level::Review]);
    }

    #[test]
    fn other_volumes_are_reported_alone() {
        check_silent(ID, &mounting("", "", "emptyDir: {}"));
        check_silent(ID, &mounting("mountPropagation: None", "", HOST));
        check_silent(ID, &mounting("mountPropagation: 'None'", "", "emptyDir: {}"));
        check_silent(ID, "containers: [{name: a, image: registry.example.com/a}]");
        check_left(
            ID,
            &mounting("mountPropagation: HostToContainer", "", "persistentVolumeClaim: {claimName: c}"),
            "not a `hostPath`",
        );
    }

    #[test]
    fn invalid_values_are_left() {
        check_left(ID, &mounting("mountPropagation: none", "", HOST), "none of `None`");
        check_left(
            ID,
            &mounting("mountPropagation: true", "", HOST),
            "`mountPropagation` in line 13 is a truth value",
        );
        check_left(
            ID,
            "containers: [{image: registry.example.com/a, volumeMounts: {a: b}}]",
            "is a map, not a list",
        );
        check_left(
            ID,
            "containers: [{image: registry.example.com/a, volumeMounts: [{name: v}]}]\nvolumes: {}",
            "`volumes`",
        );
    }
}
