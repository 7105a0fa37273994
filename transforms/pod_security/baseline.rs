//! The checks of level baseline.

use super::Judge;
use crate::model::safe_sysctls;

/// What containers may add.
pub(crate) const CAPABILITIES: [&str; 13] = [
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

/// The `SELinux` types that may be set, with the first version that allows them.
pub(crate) const SE_LINUX_TYPES: [(&str, u16); 5] = [
    ("", 0),
    ("container_t", 0),
    ("container_init_t", 0),
    ("container_kvm_t", 0),
    ("container_engine_t", 31),
];

/// The types of seccomp and `AppArmor` profiles that may be set.
pub(super) const PROFILE_TYPES: [&str; 2] = ["RuntimeDefault", "Localhost"];

pub(super) fn app_armor_profile(judge: &mut Judge<'_, '_>) {
    profile_types(judge, "appArmorProfile");
    let pod = judge.pod;
    for (key, value) in pod.annotations() {
        if !key.starts_with("container.apparmor.security.beta.kubernetes.io/") {
            continue;
        }
        let text = value.text();
        if !(text.is_empty() || text == "runtime/default" || text.starts_with("localhost/")) {
            judge.fail(
                pod.metadata_path(&["annotations", &key]),
                "must be `runtime/default`, `localhost/…` or absent",
            );
        }
    }
}

/// The types of the profiles under `key`, of the pod and of its containers.
pub(super) fn profile_types(judge: &mut Judge<'_, '_>, key: &'static str) {
    let pod = judge.pod;
    for (owner, profile) in pod.settings(key) {
        let has_type = profile
            .get("type")
            .is_some_and(|value| PROFILE_TYPES.iter().any(|allowed| value.is_text(allowed)));
        if !has_type {
            judge.fail(pod.setting_path(owner, &[key, "type"]), "must be `RuntimeDefault` or `Localhost`");
        }
    }
}

pub(super) fn capabilities(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for container in &pod.containers {
        for (index, added) in container.capabilities("add") {
            if !CAPABILITIES.iter().any(|allowed| added.is_text(allowed)) {
                let path = pod.setting_path(Some(container), &["capabilities", "add"]).index(index);
                judge.fail(path, format!("`{}` must not be added", added.text()));
            }
        }
    }
}

pub(super) fn host_namespaces(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        if pod.get(key).is_some_and(|value| value.as_bool() != Some(false)) {
            judge.fail(pod.path(&[key]), "must be false or absent");
        }
    }
}

pub(super) fn host_path_volumes(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for (index, volume) in pod.list("volumes") {
        if volume.get("hostPath").is_some() {
            judge.fail(pod.path(&["volumes"]).index(index).key("hostPath"), "must not be there");
        }
    }
}

pub(super) fn host_ports(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    // The API server gives the ports of a pod on the node's network to the node before anybody looks.
    let fills_in = !pod.is_template && pod.is_true("hostNetwork");
    for container in &pod.containers {
        let is_ephemeral = container.list == crate::model::ContainerKind::Ephemeral;
        for (index, port) in container.list("ports") {
            let number = |key: &str| port.get(key).map_or(Some(0), |port| port.as_integer());
            let is_filled_in = fills_in && !is_ephemeral && number("containerPort") != Some(0);
            if number("hostPort") != Some(0) || is_filled_in {
                let path = pod.container_path(container, &["ports"]).index(index).key("hostPort");
                judge.fail(path, "must be 0 or absent");
            }
        }
    }
}

pub(super) fn host_probes_and_host_lifecycle(judge: &mut Judge<'_, '_>) {
    const PROBES: [&[&str]; 5] = [
        &["livenessProbe"],
        &["readinessProbe"],
        &["startupProbe"],
        &["lifecycle", "postStart"],
        &["lifecycle", "preStop"],
    ];
    let pod = judge.pod;
    for container in &pod.containers {
        for keys in PROBES {
            let [first, rest @ ..] = keys else { continue };
            let start = container.get(first);
            let Some(probe) = rest.iter().fold(start, |value, key| value?.get(key)) else { continue };
            for handler in ["httpGet", "tcpSocket"] {
                let host = probe.get(handler).and_then(|handler| handler.get("host"));
                if host.is_some_and(|host| !host.is_text("")) {
                    let path = pod.container_path(container, keys).key(handler).key("host");
                    judge.fail(path, "must be empty or absent");
                }
            }
        }
    }
}

pub(super) fn privileged(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for container in &pod.containers {
        if container.setting("privileged").is_some_and(|value| value.as_bool() != Some(false)) {
            judge.fail(pod.setting_path(Some(container), &["privileged"]), "must be false or absent");
        }
    }
}

pub(super) fn proc_mount(judge: &mut Judge<'_, '_>) {
    if !judge.is_relaxed_by_own_users() {
        masked_proc_mount(judge);
    }
}

/// What `procMount` must be where nothing relaxes it.
pub(super) fn masked_proc_mount(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for container in &pod.containers {
        if container.setting("procMount").is_some_and(|value| !value.is_text("Default")) {
            judge.fail(pod.setting_path(Some(container), &["procMount"]), "must be `Default` or absent");
        }
    }
}

pub(super) fn se_linux_options(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for (owner, options) in pod.settings("seLinuxOptions") {
        if let Some(kind) = options.get("type") {
            let mut allowed = SE_LINUX_TYPES.iter().filter(|(_, since)| judge.since(*since));
            if !allowed.any(|(name, _)| kind.is_text(name)) {
                let path = pod.setting_path(owner, &["seLinuxOptions", "type"]);
                judge.fail(path, format!("`{}` is not an allowed type", kind.text()));
            }
        }
        for key in ["user", "role"] {
            if options.get(key).is_some_and(|value| !value.is_text("")) {
                judge.fail(pod.setting_path(owner, &["seLinuxOptions", key]), "must be empty or absent");
            }
        }
    }
}

pub(super) fn seccomp_profile(judge: &mut Judge<'_, '_>) {
    if judge.since(19) {
        profile_types(judge, "seccompProfile");
    } else {
        seccomp_annotations(judge);
    }
}

fn seccomp_annotations(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for (key, value) in pod.annotations() {
        let container = key.strip_prefix("container.seccomp.security.alpha.kubernetes.io/");
        let counts = match container {
            Some(name) => pod.containers.iter().any(|container| container.name() == name),
            None => key == "seccomp.security.alpha.kubernetes.io/pod",
        };
        let text = value.text();
        if counts
            && !(text == "runtime/default" || text == "docker/default" || text.starts_with("localhost/"))
        {
            judge.fail(
                pod.metadata_path(&["annotations", &key]),
                "must be `runtime/default`, `docker/default`, `localhost/…` or absent",
            );
        }
    }
}

pub(super) fn sysctls(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    let list = pod.setting("sysctls");
    for (index, sysctl) in list.into_iter().flat_map(|list| list.numbered_items()) {
        let name = sysctl.get("name");
        if !name.is_some_and(|name| safe_sysctls(judge.version).any(|allowed| name.is_text(allowed))) {
            let path = pod.setting_path(None, &["sysctls"]).index(index);
            let name = name.map(|name| name.text()).unwrap_or_default();
            judge.fail(path, format!("`{name}` must not be set"));
        }
    }
}

pub(super) fn windows_host_process(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for (owner, options) in pod.settings("windowsOptions") {
        if options.get("hostProcess").is_some_and(|value| value.as_bool() != Some(false)) {
            judge
                .fail(pod.setting_path(owner, &["windowsOptions", "hostProcess"]), "must be false or absent");
        }
    }
}
