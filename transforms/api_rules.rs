//! What the API server refuses although each field is well formed: combinations that no plan may produce.
//!
//! The rules are those of Kubernetes' own validation. They read through a view, so that what a pod violates
//! before its fixes can be compared with what it would violate after them.

use std::borrow::Cow;
use std::collections::HashSet;

use rewriter::{Path, View};

use crate::model::{ContainerKind, ContainerView, PodView, Quantity};
use crate::settings::Version;

/// One combination that the API server refuses.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub id: &'static str,
    /// The first version that refuses it.
    pub since: Version,
    run: fn(&mut Judge<'_, '_>),
}

const fn rule(id: &'static str, minor: u16, run: fn(&mut Judge<'_, '_>)) -> Rule {
    Rule { id, since: Version { minor }, run }
}

/// All rules, those of containers first.
pub const RULES: &[Rule] = &[
    rule("privilege-escalation", 0, privilege_escalation),
    rule("bidirectional-mount", 0, bidirectional_mount),
    rule("recursive-read-only", 30, recursive_read_only),
    rule("duplicate-mount-path", 0, duplicate_mount_path),
    rule("request-above-limit", 0, request_above_limit),
    rule("unmasked-proc", 0, unmasked_proc),
    rule("host-users", 25, host_users),
    rule("shared-process-namespace", 0, shared_process_namespace),
    rule("host-network-port", 0, host_network_port),
    rule("host-sysctl", 0, host_sysctl),
    rule("duplicate-volume", 0, duplicate_volume),
    rule("ephemeral-container", 0, ephemeral_container),
    rule("seccomp-annotation", 19, seccomp_annotation),
    rule("app-armor-annotation", 30, app_armor_annotation),
    rule("app-armor-container", 0, app_armor_container),
    rule("localhost-profile", 19, localhost_profile),
    rule("windows-field", 25, windows_field),
    rule("linux-field", 25, linux_field),
    rule("host-process", 22, host_process),
];

/// A place at which a rule is violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// The field that the API server would name.
    pub path: Path,
    /// What is wrong.
    pub message: Cow<'static, str>,
}

impl Violation {
    /// Whether it is the same one, before or after edits.
    pub fn is_same(&self, other: &Self) -> bool {
        self.rule == other.rule && self.path == other.path
    }
}

/// The places at which `pod` violates the rules of `version`.
pub fn violations(pod: &PodView<'_>, version: Version) -> Vec<Violation> {
    let mut found = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.since <= version) {
        (rule.run)(&mut Judge { pod, rule: rule.id, found: &mut found });
    }
    found
}

/// What a rule sees, and where it says what it refuses.
struct Judge<'a, 'v> {
    pod: &'a PodView<'v>,
    rule: &'static str,
    found: &'a mut Vec<Violation>,
}

impl Judge<'_, '_> {
    fn refuse(&mut self, path: Path, message: impl Into<Cow<'static, str>>) {
        self.found.push(Violation { rule: self.rule, path, message: message.into() });
    }
}

/// Whether `key` of a map has this text.
fn says(map: View<'_>, key: &str, text: &str) -> bool {
    map.get(key).is_some_and(|value| value.is_text(text))
}

fn privilege_escalation(judge: &mut Judge<'_, '_>) {
    const KEY: &str = "allowPrivilegeEscalation";
    let pod = judge.pod;
    for container in pod.containers.iter().filter(|container| container.sets(KEY, false)) {
        let path = || pod.setting_path(Some(container), &[KEY]);
        if container.sets("privileged", true) {
            judge.refuse(path(), "`allowPrivilegeEscalation: false` does not go with `privileged: true`");
        } else if container.capabilities("add").any(|(_, added)| added.is_text("CAP_SYS_ADMIN")) {
            judge.refuse(path(), "`allowPrivilegeEscalation: false` does not go with adding `CAP_SYS_ADMIN`");
        }
    }
}

fn bidirectional_mount(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for container in pod.containers.iter().filter(|container| !container.sets("privileged", true)) {
        for (index, mount) in container.list("volumeMounts") {
            if says(mount, "mountPropagation", "Bidirectional") {
                let path = pod.container_path(container, &["volumeMounts"]).index(index);
                judge.refuse(
                    path.key("mountPropagation"),
                    "`mountPropagation: Bidirectional` takes a privileged container",
                );
            }
        }
    }
}

fn recursive_read_only(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for container in &pod.containers {
        for (index, mount) in container.list("volumeMounts") {
            let asks = |value| says(mount, "recursiveReadOnly", value);
            if !asks("Enabled") && !asks("IfPossible") {
                continue;
            }
            let is_read_only = mount.get("readOnly").is_some_and(|value| value.as_bool() == Some(true));
            let propagates = mount.get("mountPropagation").is_some_and(|value| !value.is_text("None"));
            if propagates || !is_read_only {
                let path = pod.container_path(container, &["volumeMounts"]).index(index);
                judge.refuse(
                    path.key("recursiveReadOnly"),
                    "`recursiveReadOnly` takes `readOnly: true` and no `mountPropagation` but `None`",
                );
            }
        }
    }
}

fn duplicate_mount_path(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for container in &pod.containers {
        let mounts = container.list("volumeMounts");
        for (index, name) in repeated(mounts, "mountPath") {
            let path = pod.container_path(container, &["volumeMounts"]).index(index).key("mountPath");
            judge.refuse(path, format!("something is mounted at `{name}` already"));
        }
    }
}

/// The items whose `key` an earlier one has.
fn repeated<'v>(
    items: impl Iterator<Item = (usize, View<'v>)>,
    key: &str,
) -> impl Iterator<Item = (usize, Cow<'v, str>)> {
    let mut seen = HashSet::new();
    let named = items.filter_map(move |(index, item)| Some((index, item.get(key)?.text())));
    named.filter(move |(_, name)| !seen.insert(name.clone()))
}

fn request_above_limit(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for container in &pod.containers {
        let part = |key| container.get("resources").and_then(|resources| resources.get(key));
        let (Some(requests), Some(limits)) = (part("requests"), part("limits")) else { continue };
        for (name, request) in requests.entries() {
            let limit = limits.get(&name).and_then(Quantity::of);
            if limit.zip(Quantity::of(request)).is_some_and(|(limit, request)| request > limit) {
                let path = pod.container_path(container, &["resources", "requests"]);
                judge.refuse(path.key(name.into_owned()), "the request is above the limit");
            }
        }
    }
}

/// Servers before 1.30 do not refuse it, but nobody gains by that.
fn unmasked_proc(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    if pod.has_own_users() {
        return;
    }
    for container in &pod.containers {
        if container.setting("procMount").is_some_and(|value| value.is_text("Unmasked")) {
            judge.refuse(
                pod.setting_path(Some(container), &["procMount"]),
                "`procMount: Unmasked` takes `hostUsers: false`",
            );
        }
    }
}

fn host_users(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    if pod.has_own_users() {
        for key in ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|key| pod.is_true(key)) {
            judge.refuse(pod.path(&[key]), format!("`hostUsers: false` does not go with `{key}: true`"));
        }
    }
}

fn shared_process_namespace(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    if pod.is_true("shareProcessNamespace") && pod.is_true("hostPID") {
        judge.refuse(
            pod.path(&["shareProcessNamespace"]),
            "`shareProcessNamespace: true` does not go with `hostPID: true`",
        );
    }
}

fn host_network_port(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    if !pod.is_true("hostNetwork") {
        return;
    }
    for container in pod.containers.iter().filter(|container| container.list == ContainerKind::Main) {
        for (index, port) in container.list("ports") {
            let number = |key: &str| port.get(key).and_then(|port| port.as_integer()).unwrap_or(0);
            // None at all is filled in when the pod is made.
            if ![0, number("containerPort")].contains(&number("hostPort")) {
                let path = pod.container_path(container, &["ports"]).index(index).key("hostPort");
                judge.refuse(path, "on the node's network `hostPort` is `containerPort`");
            }
        }
    }
}

fn host_sysctl(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    let (network, ipc) = (pod.is_true("hostNetwork"), pod.is_true("hostIPC"));
    if !network && !ipc {
        return;
    }
    let is_of_ipc = |name: &str| {
        let starts = ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|start| name.starts_with(start));
        starts || name == "kernel.sem"
    };
    for (index, sysctl) in pod.setting("sysctls").into_iter().flat_map(|list| list.numbered_items()) {
        let name = sysctl.get("name").map(|name| name.text()).unwrap_or_default();
        let path = || pod.setting_path(None, &["sysctls"]).index(index).key("name");
        if network && name.starts_with("net.") {
            judge.refuse(path(), format!("`{name}` does not go with `hostNetwork: true`"));
        } else if ipc && is_of_ipc(&name) {
            judge.refuse(path(), format!("`{name}` does not go with `hostIPC: true`"));
        }
    }
}

fn duplicate_volume(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for (index, name) in repeated(pod.list("volumes"), "name") {
        let path = pod.path(&["volumes"]).index(index).key("name");
        judge.refuse(path, format!("another volume is called `{name}`"));
    }
}

fn ephemeral_container(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    if pod.containers.iter().any(|container| container.list == ContainerKind::Ephemeral) {
        judge.refuse(pod.path(&["ephemeralContainers"]), "ephemeral containers come into running pods only");
    }
}

fn seccomp_annotation(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for (key, value) in pod.annotations() {
        let container = key.strip_prefix("container.seccomp.security.alpha.kubernetes.io/");
        let owners = pod.containers.iter().filter(|it| container.is_some_and(|name| it.name() == name));
        let of_pod = (key == "seccomp.security.alpha.kubernetes.io/pod").then_some(None);
        for owner in owners.map(Some).chain(of_pod) {
            let profile = setting(pod, owner, "seccompProfile");
            if profile.is_some_and(|profile| differs(&value.text(), profile)) {
                judge.refuse(pod.setting_path(owner, &["seccompProfile"]), "annotation and field differ");
            }
        }
    }
}

fn app_armor_annotation(judge: &mut Judge<'_, '_>) {
    const KEY: &str = "appArmorProfile";
    let pod = judge.pod;
    if pod.is_for("windows") {
        return;
    }
    for (name, value) in app_armor_annotations(pod) {
        for container in pod.containers.iter().filter(|container| container.name() == name) {
            let profile = container.setting(KEY).or_else(|| pod.setting(KEY));
            if profile.is_some_and(|profile| differs(&value.text(), profile)) {
                judge.refuse(pod.setting_path(Some(container), &[KEY]), "annotation and field differ");
            }
        }
    }
}

fn app_armor_container(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for (name, _) in app_armor_annotations(pod) {
        if !pod.containers.iter().any(|container| container.name() == name) {
            let key = format!("{APP_ARMOR}{name}");
            judge.refuse(pod.metadata_path(&["annotations", &key]), "no container has this name");
        }
    }
}

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// The names of the containers that annotations give `AppArmor` profiles to, with those profiles.
fn app_armor_annotations<'v>(pod: &PodView<'v>) -> impl Iterator<Item = (String, View<'v>)> + use<'v> {
    pod.annotations().filter_map(|(key, value)| Some((key.strip_prefix(APP_ARMOR)?.to_owned(), value)))
}

fn setting<'v>(pod: &PodView<'v>, owner: Option<&ContainerView<'v>>, key: &'static str) -> Option<View<'v>> {
    match owner {
        Some(container) => container.setting(key),
        None => pod.setting(key),
    }
}

/// Whether an annotation says something else than the field `profile`.
fn differs(annotation: &str, profile: View<'_>) -> bool {
    let is = |kind| says(profile, "type", kind);
    if is("Unconfined") {
        annotation != "unconfined"
    } else if is("RuntimeDefault") {
        annotation != "runtime/default" && annotation != "docker/default"
    } else if is("Localhost") {
        let named = annotation.strip_prefix("localhost/");
        !named.is_some_and(|name| says(profile, "localhostProfile", name))
    } else {
        false
    }
}

fn localhost_profile(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    for key in ["seccompProfile", "appArmorProfile"] {
        for (owner, profile) in pod.settings(key) {
            let names = profile.get("localhostProfile").is_some();
            if says(profile, "type", "Localhost") != names {
                judge.refuse(
                    pod.setting_path(owner, &[key, "localhostProfile"]),
                    "`localhostProfile` and `type: Localhost` stand together",
                );
            }
        }
    }
}

fn windows_field(judge: &mut Judge<'_, '_>) {
    const SHARED: [&str; 2] = ["hostPID", "hostIPC"];
    const SPEC: [&str; 3] = ["hostUsers", "shareProcessNamespace", "resources"];
    const POD: [&str; 11] = [
        "appArmorProfile",
        "seLinuxOptions",
        "seccompProfile",
        "fsGroup",
        "fsGroupChangePolicy",
        "sysctls",
        "runAsUser",
        "runAsGroup",
        "supplementalGroups",
        "supplementalGroupsPolicy",
        "seLinuxChangePolicy",
    ];
    const CONTAINER: [&str; 10] = [
        "appArmorProfile",
        "seLinuxOptions",
        "seccompProfile",
        "capabilities",
        "readOnlyRootFilesystem",
        "privileged",
        "allowPrivilegeEscalation",
        "procMount",
        "runAsUser",
        "runAsGroup",
    ];
    const MESSAGE: &str = "a pod for Windows has no such field";
    let pod = judge.pod;
    if !pod.is_for("windows") {
        return;
    }
    let shared = SHARED.into_iter().filter(|key| pod.is_true(key));
    for key in shared.chain(SPEC.into_iter().filter(|key| pod.get(key).is_some())) {
        judge.refuse(pod.path(&[key]), MESSAGE);
    }
    for key in POD.into_iter().filter(|key| pod.setting(key).is_some()) {
        judge.refuse(pod.setting_path(None, &[key]), MESSAGE);
    }
    for container in &pod.containers {
        for key in CONTAINER.into_iter().filter(|key| container.setting(key).is_some()) {
            judge.refuse(pod.setting_path(Some(container), &[key]), MESSAGE);
        }
    }
}

fn linux_field(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    if pod.is_for("linux") {
        for (owner, _) in pod.settings("windowsOptions") {
            let path = pod.setting_path(owner, &["windowsOptions"]);
            judge.refuse(path, "a pod for Linux has no such field");
        }
    }
}

fn host_process(judge: &mut Judge<'_, '_>) {
    let pod = judge.pod;
    let read = |options: Option<View<'_>>| Some(options?.get("hostProcess")?.as_bool() == Some(true));
    let of_pod = read(pod.setting("windowsOptions"));
    let is_host_process =
        |container: &ContainerView<'_>| read(container.setting("windowsOptions")).or(of_pod).unwrap_or(false);
    if !pod.containers.iter().any(is_host_process) {
        return;
    }
    if !pod.is_true("hostNetwork") {
        judge.refuse(pod.path(&["hostNetwork"]), "a `hostProcess` container takes `hostNetwork: true`");
    }
    for container in pod.containers.iter().filter(|container| !is_host_process(container)) {
        judge.refuse(
            pod.setting_path(Some(container), &["windowsOptions", "hostProcess"]),
            "all containers are `hostProcess` containers, or none is",
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rewriter::Stream;

    use super::*;
    use crate::test::dedent;

    fn found(text: &str, minor: u16) -> Vec<String> {
        let text = dedent(text);
        let stream = Stream::scan(&text).unwrap();
        let root = stream.document(0).unwrap().root().unwrap();
        let path = Path::root();
        let found = violations(&PodView::new(root.into(), &path, false), Version { minor });
        found.iter().map(|it| format!("{} {}", it.rule, it.path)).collect()
    }

    /// A pod with these entries in `spec`.
    fn pod(spec: &str) -> String {
        format!("spec: {{{spec}, containers: [{{name: a}}]}}")
    }

    /// A pod with these entries in its `securityContext`, and these in `spec`.
    fn pod_context(context: &str, spec: &str) -> String {
        pod(&format!("securityContext: {{{context}}}{spec}"))
    }

    /// A container with these entries.
    fn container(entries: &str) -> String {
        format!("spec: {{containers: [{{name: a, {entries}}}]}}")
    }

    /// A container with these entries in its `securityContext`.
    fn context(entries: &str) -> String {
        container(&format!("securityContext: {{{entries}}}"))
    }

    fn mount(entries: &str) -> String {
        container(&format!("volumeMounts: [{{name: v, {entries}}}]"))
    }

    fn annotated(annotation: &str, context: &str) -> String {
        format!("metadata: {{annotations: {{{annotation}}}}}\n{}", pod_context(context, ""))
    }

    fn for_os(system: &str, spec: &str, context: &str, container: &str) -> String {
        format!(
            "spec: {{os: {{name: {system}}}{spec}, securityContext: {{{context}}}, \
             containers: [{{name: a, securityContext: {{{container}}}}}]}}"
        )
    }

    const ESCALATION: &str =
        "privilege-escalation spec.containers[0].securityContext.allowPrivilegeEscalation";
    const READ_ONLY: &str = "recursive-read-only spec.containers[0].volumeMounts[0].recursiveReadOnly";
    const HOST_PORT: &str = "host-network-port spec.containers[0].ports[0].hostPort";
    const SECCOMP: &str = "seccomp-annotation spec.securityContext.seccompProfile";
    const APP_ARMOR_FIELD: &str = "app-armor-annotation spec.containers[0].securityContext.appArmorProfile";
    const LOCALHOST: &str = "localhost-profile spec.securityContext.seccompProfile.localhostProfile";
    const SECCOMP_KEY: &str = "seccomp.security.alpha.kubernetes.io/pod";

    /// What is refused, with the place, and the nearest thing to it that is not.
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn cases() -> Vec<(&'static str, String, String)> {
        let app_armor = |value: &str| format!("{APP_ARMOR}a: {value}");
        vec![
            (
                ESCALATION,
                context("privileged: true, allowPrivilegeEscalation: false"),
                context("privileged: true, allowPrivilegeEscalation: true"),
            ),
            (
                ESCALATION,
                context("allowPrivilegeEscalation: false, capabilities: {add: [CAP_SYS_ADMIN]}"),
                context("allowPrivilegeEscalation: false, capabilities: {add: [SYS_ADMIN]}"),
            ),
            (
                "bidirectional-mount spec.containers[0].volumeMounts[0].mountPropagation",
                mount("mountPropagation: Bidirectional"),
                mount("mountPropagation: Bidirectional}], securityContext: {privileged: true}, x: [{"),
            ),
            (
                READ_ONLY,
                mount("recursiveReadOnly: Enabled, readOnly: false"),
                mount("recursiveReadOnly: Disabled, readOnly: false"),
            ),
            (
                READ_ONLY,
                mount("recursiveReadOnly: IfPossible, readOnly: true, mountPropagation: HostToContainer"),
                mount("recursiveReadOnly: IfPossible, readOnly: true, mountPropagation: None"),
            ),
            (
                "duplicate-mount-path spec.containers[0].volumeMounts[1].mountPath",
                mount("mountPath: /a}, {name: w, mountPath: /a"),
                mount("mountPath: /a}, {name: v, mountPath: /a/"),
            ),
            (
                "request-above-limit spec.containers[0].resources.requests.cpu",
                container("resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 999m, memory: 1Gi}}"),
                container("resources: {requests: {cpu: 1, x: 1}, limits: {cpu: 1000m}}"),
            ),
            (
                "unmasked-proc spec.containers[0].securityContext.procMount",
                context("procMount: Unmasked"),
                format!(
                    "{}\n",
                    context("procMount: Unmasked").replace("spec: {", "spec: {hostUsers: false, ")
                ),
            ),
            (
                "host-users spec.hostPID",
                pod("hostUsers: false, hostPID: true"),
                pod("hostUsers: true, hostPID: true"),
            ),
            (
                "shared-process-namespace spec.shareProcessNamespace",
                pod("shareProcessNamespace: true, hostPID: true"),
                pod("shareProcessNamespace: true, hostIPC: true"),
            ),
            (
                HOST_PORT,
                "spec: {hostNetwork: true, containers: [{ports: [{containerPort: 80, hostPort: 81}]}]}"
                    .into(),
                "spec: {hostNetwork: true, containers: [{ports: [{containerPort: 80, hostPort: 80}, \
                 {containerPort: 81}]}]}"
                    .into(),
            ),
            (
                "host-sysctl spec.securityContext.sysctls[0].name",
                pod_context("sysctls: [{name: net.core.somaxconn}]", ", hostNetwork: true"),
                pod_context("sysctls: [{name: net.core.somaxconn}]", ", hostIPC: true"),
            ),
            (
                "host-sysctl spec.securityContext.sysctls[0].name",
                pod_context("sysctls: [{name: kernel.msgmax}]", ", hostIPC: true"),
                pod_context("sysctls: [{name: kernel.msgmax}]", ", hostNetwork: true"),
            ),
            (
                "duplicate-volume spec.volumes[2].name",
                pod("volumes: [{name: a}, {name: b}, {name: a}]"),
                pod("volumes: [{name: a}, {name: b}]"),
            ),
            (
                "ephemeral-container spec.ephemeralContainers",
                pod("ephemeralContainers: [{name: debugger}]"),
                pod("ephemeralContainers: []"),
            ),
            (
                SECCOMP,
                annotated(&format!("{SECCOMP_KEY}: unconfined"), "seccompProfile: {type: RuntimeDefault}"),
                annotated(
                    &format!("{SECCOMP_KEY}: docker/default"),
                    "seccompProfile: {type: RuntimeDefault}",
                ),
            ),
            (
                SECCOMP,
                annotated(
                    &format!("{SECCOMP_KEY}: localhost/b"),
                    "seccompProfile: {type: Localhost, localhostProfile: a}",
                ),
                annotated(
                    &format!("{SECCOMP_KEY}: localhost/a"),
                    "seccompProfile: {type: Localhost, localhostProfile: a}",
                ),
            ),
            (
                APP_ARMOR_FIELD,
                annotated(&app_armor("runtime/default"), "appArmorProfile: {type: Unconfined}"),
                annotated(&app_armor("unconfined"), "appArmorProfile: {type: Unconfined}"),
            ),
            (
                "app-armor-container metadata.annotations[\"container.apparmor.security.beta.kubernetes.io/b\"]",
                annotated(&format!("{APP_ARMOR}b: unconfined"), ""),
                annotated(&app_armor("unconfined"), ""),
            ),
            (
                LOCALHOST,
                pod_context("seccompProfile: {type: RuntimeDefault, localhostProfile: a}", ""),
                pod_context("seccompProfile: {type: Localhost, localhostProfile: a}", ""),
            ),
            (
                LOCALHOST,
                pod_context("seccompProfile: {type: Localhost}", ""),
                pod_context("seccompProfile: {type: RuntimeDefault}", ""),
            ),
            (
                "windows-field spec.hostUsers",
                for_os("windows", ", hostUsers: true", "", ""),
                for_os("linux", ", hostUsers: true", "", ""),
            ),
            (
                "windows-field spec.hostPID",
                for_os("windows", ", hostPID: true", "", ""),
                for_os("windows", ", hostPID: false", "", ""),
            ),
            (
                "windows-field spec.securityContext.fsGroup",
                for_os("windows", "", "fsGroup: 1", ""),
                for_os("windows", "", "runAsNonRoot: true", ""),
            ),
            (
                "windows-field spec.containers[0].securityContext.capabilities",
                for_os("windows", "", "", "capabilities: {}"),
                for_os("linux", "", "", "capabilities: {}"),
            ),
            (
                "linux-field spec.containers[0].securityContext.windowsOptions",
                for_os("linux", "", "", "windowsOptions: {}"),
                for_os("windows", "", "", "windowsOptions: {}"),
            ),
            (
                "host-process spec.hostNetwork",
                pod_context("windowsOptions: {hostProcess: true}", ", hostNetwork: false"),
                pod_context("windowsOptions: {hostProcess: true}", ", hostNetwork: true"),
            ),
            (
                "host-process spec.containers[0].securityContext.windowsOptions.hostProcess",
                "spec: {hostNetwork: true, containers: [{name: a}, \
                 {name: b, securityContext: {windowsOptions: {hostProcess: true}}}]}"
                    .into(),
                "spec: {hostNetwork: true, containers: [{name: a}, \
                 {name: b, securityContext: {windowsOptions: {hostProcess: false}}}]}"
                    .into(),
            ),
        ]
    }

    #[test]
    fn each_rule_refuses_what_it_is_about_and_nothing_beside_it() {
        let mut tried = BTreeSet::new();
        for (place, bad, good) in cases() {
            assert_eq!(found(&bad, 37), [place], "{bad}");
            assert_eq!(found(&good, 37), [""; 0], "{good}");
            let id = place.split(' ').next().unwrap();
            let since = RULES.iter().find(|rule| rule.id == id).unwrap().since;
            if since.minor > 0 {
                assert_eq!(found(&bad, since.minor - 1), [""; 0], "before 1.{}: {bad}", since.minor);
            }
            tried.insert(id);
        }
        assert_eq!(tried, RULES.iter().map(|rule| rule.id).collect());
    }

    #[test]
    fn a_violation_is_known_again_by_rule_and_place() {
        let violation = |rule, key: &'static str, message: &'static str| Violation {
            rule,
            path: Path::root().key(key),
            message: message.into(),
        };
        let one = violation("a", "x", "said so");
        assert!(one.is_same(&violation("a", "x", "said otherwise")));
        assert!(!one.is_same(&violation("b", "x", "said so")));
        assert!(!one.is_same(&violation("a", "y", "said so")));
    }
}
