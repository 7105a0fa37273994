//! A new user as a fix, with the group that the pod's volumes then need.

use k8s_openapi::api::core::v1::{PodSecurityContext, SecurityContext};
use rewriter::{Edit, Value};

use super::NewUser;
use crate::context::Context;
use crate::fragment;
use crate::model::{Container, Malformed, VolumeSource};
use crate::settings::Version;
use crate::support::{Fix, Level};

/// The first version that takes `fsGroupChangePolicy` without a feature gate.
const CHANGE_POLICY_SINCE: Version = Version { minor: 20 };

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

/// The edits for one container.
pub(crate) fn own_edits(container: &Container<'_>, user: &NewUser) -> Result<Vec<Edit>, Malformed> {
    let fragment =
        SecurityContext { run_as_user: Some(user.uid), run_as_group: user.gid, ..Default::default() };
    Ok(fragment::merge(container.security_context()?.path(), &fragment))
}

/// Gives the pod a group for its volumes, once.
pub(crate) struct FsGroup<'c, 'd> {
    cx: &'c Context<'c, 'd>,
    /// Whether it has got one.
    pub(crate) is_written: bool,
}

impl<'c, 'd> FsGroup<'c, 'd> {
    /// Nothing is written yet.
    pub(crate) fn new(cx: &'c Context<'c, 'd>) -> Self {
        Self { cx, is_written: false }
    }

    /// Adds the group to `fix` if that changes the user of the first container that mounts a claim, and says where
    /// no group helps.
    pub(crate) fn extend(
        &mut self,
        fix: &mut Fix,
        container: &Container<'_>,
        user: &NewUser,
    ) -> Result<(), Malformed> {
        if user.level == Level::Review
            && let Some(path) = self.writable_host_path(container)?
        {
            fix.reason = format!(
                "{}; it may write to `{path}` of the node, which no `fsGroup` reaches: where that belongs to root, \
                 it has to be given to the new user there",
                fix.reason
            );
        }
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
        let has_policy = self.cx.settings.target >= CHANGE_POLICY_SINCE;
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

    /// The first path of the node that the container mounts for writing.
    fn writable_host_path(&self, container: &Container<'_>) -> Result<Option<String>, Malformed> {
        for mount in self.cx.mounts(container)? {
            let becomes_read_only =
                self.cx.planned(&mount.section.place("readOnly")) == Some(&Value::Bool(true));
            let Some(volume) = self.cx.pod.volume(&mount.name)? else { continue };
            if let VolumeSource::HostPath(path) = &volume.source
                && !becomes_read_only
                && !mount.is_read_only()?
                && self.cx.is_host_path(volume)
            {
                return Ok(Some(path.to_string()));
            }
        }
        Ok(None)
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
