//! The checks that level restricted adds.

use super::Judge;
use super::baseline::{PROFILE_TYPES, masked_proc_mount, profile_types};

const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// The other sources of volumes. What has none at all is an `emptyDir` to the API server.
const RESTRICTED_VOLUMES: [&str; 21] = [
    "hostPath",
    "nfs",
    "iscsi",
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

pub(super) fn allow_privilege_escalation(judge: &mut Judge<'_, '_>) {
    if judge.is_exempt_windows() {
        return;
    }
    let pod = judge.pod;
    for container in &pod.containers {
        if !container.sets("allowPrivilegeEscalation", false) {
            judge.fail(pod.setting_path(Some(container), &["allowPrivilegeEscalation"]), "must be false");
        }
    }
}

pub(super) fn capabilities(judge: &mut Judge<'_, '_>) {
    if judge.is_exempt_windows() {
        return;
    }
    let pod = judge.pod;
    for container in &pod.containers {
        if !container.capabilities("drop").any(|(_, dropped)| dropped.is_text("ALL")) {
            judge.fail(pod.setting_path(Some(container), &["capabilities", "drop"]), "must list `ALL`");
        }
        for (index, added) in container.capabilities("add") {
            if !added.is_text("NET_BIND_SERVICE") {
                let path = pod.setting_path(Some(container), &["capabilities", "add"]).index(index);
                judge.fail(path, format!("`{}` must not be added", added.text()));
            }
        }
    }
}

pub(super) fn proc_mount(judge: &mut Judge<'_, '_>) {
    masked_proc_mount(judge);
}

pub(super) fn restricted_volumes(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for (index, volume) in pod.list("volumes") {
        let has = |key: &&&str| volume.get(key).is_some();
        if VOLUMES.iter().any(|key| has(&key)) {
            continue;
        }
        if let Some(source) = RESTRICTED_VOLUMES.iter().find(has) {
            let path = pod.path(&["volumes"]).index(index).key(*source);
            judge.fail(path, format!("`{source}` is not an allowed kind of volume"));
        }
    }
}

pub(super) fn run_as_non_root(judge: &mut Judge<'_, '_>) {
    const KEY: &str = "runAsNonRoot";
    if judge.is_relaxed_by_own_users() {
        return;
    }
    let pod = judge.pod;
    let of_pod = pod.setting(KEY).map(|value| value.as_bool());
    if of_pod.is_some_and(|value| value != Some(true)) {
        judge.fail(pod.setting_path(None, &[KEY]), "must be true");
    }
    for container in &pod.containers {
        match container.setting(KEY) {
            Some(value) if value.as_bool() == Some(true) => {}
            Some(_) => judge.fail(pod.setting_path(Some(container), &[KEY]), "must be true"),
            None if of_pod == Some(Some(true)) => {}
            None => {
                judge.fail(pod.setting_path(Some(container), &[KEY]), "must be true, here or for the pod");
            }
        }
    }
}

pub(super) fn run_as_user(judge: &mut Judge<'_, '_>) {
    const KEY: &str = "runAsUser";
    if judge.is_relaxed_by_own_users() {
        return;
    }
    let pod = judge.pod;
    for (owner, user) in pod.settings(KEY) {
        if user.as_integer().is_none_or(|user| user == 0) {
            judge.fail(pod.setting_path(owner, &[KEY]), "must not be 0");
        }
    }
}

pub(super) fn seccomp_profile(judge: &mut Judge<'_, '_>) {
    const KEY: &str = "seccompProfile";
    if judge.is_exempt_windows() {
        return;
    }
    profile_types(judge, KEY);
    let pod = judge.pod;
    let kind = pod.setting(KEY).and_then(|profile| profile.get("type"));
    if kind.is_some_and(|kind| PROFILE_TYPES.iter().any(|allowed| kind.is_text(allowed))) {
        return;
    }
    for container in &pod.containers {
        if container.setting(KEY).is_none() {
            judge.fail(
                pod.setting_path(Some(container), &[KEY, "type"]),
                "must be `RuntimeDefault` or `Localhost`, here or for the pod",
            );
        }
    }
}
