//! `mountPropagation`.

use rewriter::Edit;

use crate::context::Context;
use crate::model::{Container, Malformed, Mount};
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
    /// and propagation on volumes that are no path of the node.
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
}

const KEY: &str = "mountPropagation";

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
    let of_container = |outcome| vec![Finding::of_container(meta, container, &["volumeMounts"], outcome)];
    let mounts = match container.mounts() {
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
    let is_host_path = cx.pod.volume(&mount.name)?.is_some_and(|volume| volume.source.is_host_path());
    let mode = mount.section.text(KEY)?;
    let (level, reason) = match (mode.as_deref(), is_host_path) {
        (None, false) | (Some("None"), _) => return Ok(Outcome::Satisfied),
        (None, true) => (Level::Safe, "it is what Kubernetes does where nothing is written"),
        (Some(mode @ ("HostToContainer" | "Bidirectional")), false) => {
            return Ok(Outcome::left(format!(
                "somebody wrote `{mode}` for a volume that is no path of the node"
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
            return Ok(Outcome::left("it is none of `None`, `HostToContainer` and `Bidirectional`"));
        }
    };
    let edit = Edit::set(mount.section.path().key(KEY), "None");
    Ok(Outcome::fix(level, "set `mountPropagation: None`", reason, vec![edit]))
}
