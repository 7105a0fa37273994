//! The types of `volumes`.

use crate::context::Context;
use crate::host_path;
use crate::model::{Malformed, MountedVolume, NodePath};
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// With a volume of a storage system's own type, whoever writes pods decides which server or disk a node mounts
    /// and with which rights, and the node's kernel talks to it. A claim leaves that to whoever runs the cluster.
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
    ///       volumeMounts:
    ///         - name: media
    ///           mountPath: /media
    ///   volumes:
    ///     - name: media
    ///       nfs:
    ///         server: 10.0.0.9
    ///         path: /media
    /// ```
    ///
    /// is left for a person: with a `PersistentVolume` for the share and a claim of it, the pod has a
    /// `persistentVolumeClaim` instead.
    ///
    /// These types are allowed: `configMap`, `csi`, `downwardAPI`, `emptyDir`, `ephemeral`, `image`,
    /// `persistentVolumeClaim`, `projected` and `secret`. For a `hostPath` the finding of `host-path` stands.
    ///
    /// ## Safety
    ///
    /// Always left for a person: the data is elsewhere.
    pub(crate) struct VolumeTypes {
        id: "volume-types",
        title: "the pod names storage itself instead of claiming it",
        category: Category::Files,
        severity: Severity::Low,
        pages: &[],
        pod_security: &["restrictedVolumes"],
        profiles: &[Profile::Restricted],
        on_windows: true,
        since: "0.1.0",
    }
}

/// The types that the restricted level of Pod Security does not allow, `hostPath` apart, and what a person does.
const FORBIDDEN: [(&str, &str); 20] = [
    ("awsElasticBlockStore", CLAIM),
    ("azureDisk", CLAIM),
    ("azureFile", CLAIM),
    ("cephfs", CLAIM),
    ("cinder", CLAIM),
    ("fc", CLAIM),
    (
        "flexVolume",
        "on CCE the everest add-on has taken its place; claim the storage of one of its storage classes",
    ),
    ("flocker", CLAIM),
    ("gcePersistentDisk", CLAIM),
    ("gitRepo", "let an init container clone the repository into an `emptyDir`"),
    ("glusterfs", CLAIM),
    ("iscsi", CLAIM),
    (
        "nfs",
        "make a PersistentVolume for the share, on CCE with the driver `nas.csi.everest.io`, and claim it",
    ),
    ("photonPersistentDisk", CLAIM),
    ("portworxVolume", CLAIM),
    ("quobyte", CLAIM),
    ("rbd", CLAIM),
    ("scaleIO", CLAIM),
    ("storageos", CLAIM),
    ("vsphereVolume", CLAIM),
];

const CLAIM: &str = "claim the storage by a `persistentVolumeClaim`";

impl Transform for VolumeTypes {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.each_volume(&Self::META, |volume| judge(cx, volume))
    }
}

fn judge(cx: &Context<'_, '_>, volume: &MountedVolume<'_, '_>) -> Result<Outcome, Malformed> {
    let found = FORBIDDEN.iter().find(|(kind, _)| volume.section.get(kind).is_some());
    if let Some((kind, advice)) = found {
        return Ok(Outcome::left(format!("{volume} is of type `{kind}`; {advice}")));
    }
    let Some(path) = volume.host_path()? else { return Ok(Outcome::Satisfied) };
    if cx.is_removed(&volume.section.path().key("hostPath")) || cx.is_removed(volume.section.path()) {
        return Ok(Outcome::Satisfied);
    }
    if cx.settings.profile == Profile::Cce && NodePath::of(&path).is_none() {
        return Ok(Outcome::Satisfied);
    }
    Ok(host_path::spoken_for(cx, &VolumeTypes::META, &path).unwrap_or_else(|| {
        Outcome::left(format!("{volume} is of type `hostPath`; claim storage, or use an `emptyDir`"))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::test::{check_left, check_left_with, check_silent, only, pod};

    const ID: &str = "volume-types";

    fn with(source: &str) -> String {
        format!(
            "containers: [{{name: a, image: r.io/a, volumeMounts: [{{name: v, mountPath: /v}}]}}]\nvolumes:\n- name: v\n  \
             {source}\n"
        )
    }

    #[test]
    fn types_of_storage_systems_are_left() {
        for (kind, advice) in FORBIDDEN {
            check_left(ID, &with(&format!("{kind}: {{a: b}}")), advice);
        }
        check_left(
            ID,
            &with("nfs: {server: s, path: /}"),
            "volume `v` (mounted by container `a` at `/v`) is of type `nfs`",
        );
    }

    #[test]
    fn the_allowed_types_are_silent() {
        for kind in [
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "ephemeral",
            "image",
            "persistentVolumeClaim",
            "projected",
            "secret",
        ] {
            check_silent(ID, &with(&format!("{kind}: {{}}")));
        }
        check_silent(ID, &with(""));
        check_silent(ID, &with("nfs: null"));
        check_silent(ID, "containers: [{name: a, image: r.io/a}]");
    }

    #[test]
    fn paths_of_the_node_are_another_rules() {
        check_silent(ID, &with("hostPath: {path: /srv}"));
        check_left(ID, &with("hostPath: {path: /etc}"), "is of type `hostPath`");
        let restricted = |ids: &[&str]| Settings {
            profile: Profile::Restricted,
            select: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
            ..only(ID)
        };
        check_left_with(&restricted(&[ID]), &pod(&with("hostPath: {path: /srv}")), "is of type `hostPath`");
        let found =
            crate::test::findings(&restricted(&[ID, "host-path"]), &pod(&with("hostPath: {path: /srv}")));
        let needs: Vec<bool> = found
            .iter()
            .filter_map(|judged| match &judged.state {
                crate::State::Left(left) => Some(left.needs_person),
                _ => None,
            })
            .collect();
        assert_eq!(needs, [true, false]);
    }

    #[test]
    fn volumes_that_cannot_be_read_are_left() {
        check_left(ID, "containers: [{name: a, image: r.io/a}]\nvolumes: {}", "`volumes`");
        check_left(ID, &with("hostPath: text"), "`hostPath`");
    }
}
