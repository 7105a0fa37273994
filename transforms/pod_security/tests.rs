use rewriter::{Edit, Path, Preview, Stream, View};

use super::*;
use crate::test::dedent;

/// What passes restricted at every version.
const HARDENED: &str = "
    metadata: {name: example}
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: main
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    ";

fn verdict(text: &str, minor: u16) -> Verdict {
    let text = dedent(text);
    let stream = Stream::scan(&text).unwrap();
    let root = stream.document(0).unwrap().root().unwrap();
    evaluate(&PodView::new(root.into(), &Path::root(), false), Version { minor })
}

fn ids(verdict: &Verdict, level: Level) -> Vec<&'static str> {
    let mut ids: Vec<_> = verdict.in_the_way_of(level).map(|failure| failure.check.id).collect();
    ids.dedup();
    ids
}

/// The hardened pod with `from` replaced by `to`.
fn with(from: &str, to: &str) -> String {
    let text = HARDENED.replacen(from, to, 1);
    assert_ne!(text, HARDENED, "{from:?} is not there");
    text
}

fn in_spec(line: &str) -> String {
    with("spec:\n", &format!("spec:\n      {line}\n"))
}

fn in_pod_context(entry: &str) -> String {
    with("{runAsNonRoot: true,", &format!("{{{entry}, runAsNonRoot: true,"))
}

fn in_context(entry: &str) -> String {
    with("capabilities: {drop: [ALL]}", &format!("capabilities: {{drop: [ALL]}}, {entry}"))
}

fn in_container(line: &str) -> String {
    with("- name: main\n", &format!("- name: main\n        {line}\n"))
}

#[test]
fn the_table_is_in_order() {
    let order: Vec<_> = CHECKS.iter().map(|check| (check.level, check.id)).collect();
    assert!(order.is_sorted(), "{order:?}");
    for overridden in CHECKS.iter().filter_map(|check| check.overrides) {
        assert!(CHECKS.iter().any(|check| check.id == overridden && check.level == Level::Baseline));
    }
    assert!(CHECKS.iter().all(|check| check.since <= NEWEST));
}

#[test]
fn a_hardened_pod_is_restricted_at_every_version() {
    for minor in 0..=NEWEST.minor {
        let verdict = verdict(HARDENED, minor);
        assert_eq!((verdict.level, &*verdict.failures), (Level::Restricted, &[][..]), "1.{minor}");
    }
}

#[test]
fn a_plain_pod_is_baseline_and_says_what_it_lacks() {
    let verdict = verdict("spec: {initContainers: [{}], containers: [{name: main}]}", 99);
    assert_eq!((verdict.level, verdict.version), (Level::Baseline, NEWEST));
    let said: Vec<_> = verdict.failures.iter().map(|it| format!("{} {}", it.check.id, it.path)).collect();
    let context = |list: &str| format!("spec.{list}[0].securityContext");
    let mut expected = Vec::new();
    for (id, field) in [
        ("allowPrivilegeEscalation", "allowPrivilegeEscalation"),
        ("capabilities_restricted", "capabilities.drop"),
        ("runAsNonRoot", "runAsNonRoot"),
        ("seccompProfile_restricted", "seccompProfile.type"),
    ] {
        expected
            .extend(["initContainers", "containers"].map(|list| format!("{id} {}.{field}", context(list))));
    }
    assert_eq!(said, expected);
}

/// Each bad pod fails exactly this check, from the first version on to the last one.
#[test]
fn every_baseline_check_is_failed_alone() {
    let all = 0..=37;
    let cases = [
        ("hostNamespaces", in_spec("hostNetwork: true"), all.clone()),
        ("hostNamespaces", in_spec("hostPID: yes"), all.clone()),
        ("hostNamespaces", in_spec("hostIPC: true"), all.clone()),
        ("privileged", in_context("privileged: true"), all.clone()),
        (
            "hostPorts",
            in_container("ports: [{containerPort: 80}, {containerPort: 81, hostPort: 81}]"),
            all.clone(),
        ),
        ("hostProbesAndHostLifecycle", in_container("livenessProbe: {httpGet: {host: a, port: 1}}"), 34..=37),
        ("hostProbesAndHostLifecycle", in_container("lifecycle: {preStop: {tcpSocket: {host: a}}}"), 34..=37),
        ("appArmorProfile", in_context("appArmorProfile: {type: Unconfined}"), all.clone()),
        ("appArmorProfile", in_pod_context("appArmorProfile: {}"), all.clone()),
        (
            "appArmorProfile",
            with(
                "name: example",
                "annotations: {container.apparmor.security.beta.kubernetes.io/x: unconfined}",
            ),
            all.clone(),
        ),
        ("seLinuxOptions", in_context("seLinuxOptions: {type: container_engine_t}"), 0..=30),
        ("seLinuxOptions", in_pod_context("seLinuxOptions: {type: spc_t}"), all.clone()),
        ("seLinuxOptions", in_pod_context("seLinuxOptions: {user: u}"), all.clone()),
        ("seLinuxOptions", in_context("seLinuxOptions: {role: r}"), all.clone()),
        (
            "seccompProfile_baseline",
            with("name: example", "annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}"),
            0..=18,
        ),
        (
            "seccompProfile_baseline",
            with("name: example", "annotations: {container.seccomp.security.alpha.kubernetes.io/main: }"),
            0..=18,
        ),
        ("sysctls", in_pod_context("sysctls: [{name: net.core.somaxconn, value: '1'}]"), all.clone()),
        ("sysctls", in_pod_context("sysctls: [{name: net.ipv4.tcp_rmem}]"), 0..=31),
        ("sysctls", in_pod_context("sysctls: [{name: net.ipv4.tcp_notsent_lowat}]"), 0..=36),
        ("windowsHostProcess", in_context("windowsOptions: {hostProcess: true}"), all.clone()),
        ("windowsHostProcess", in_pod_context("windowsOptions: {hostProcess: true}"), all),
    ];
    for (id, text, versions) in cases {
        for minor in 0..=37 {
            let verdict = verdict(&text, minor);
            let (level, failed) = if versions.contains(&minor) {
                (Level::Privileged, vec![id])
            } else {
                (Level::Restricted, vec![])
            };
            assert_eq!((verdict.level, ids(&verdict, Level::Baseline)), (level, failed), "1.{minor}: {text}");
        }
    }
}

#[test]
fn every_restricted_check_is_failed_alone() {
    let all = 0..=37;
    let without = |part: &str| with(part, "");
    let cases = [
        (
            "restrictedVolumes",
            in_spec("volumes: [{name: a}, {name: b, emptyDir: {}}, {name: c, nfs: {}}]"),
            all.clone(),
        ),
        ("runAsNonRoot", without("runAsNonRoot: true,"), all.clone()),
        ("runAsNonRoot", in_context("runAsNonRoot: false"), all),
        ("runAsUser", in_context("runAsUser: 0"), 23..=37),
        ("runAsUser", in_pod_context("runAsUser: 0"), 23..=37),
        ("allowPrivilegeEscalation", without("allowPrivilegeEscalation: false, "), 8..=37),
        ("allowPrivilegeEscalation", with("Escalation: false", "Escalation: true"), 8..=37),
        ("capabilities_restricted", with("[ALL]", "[all]"), 22..=37),
        ("capabilities_restricted", with("drop: [ALL]", "drop: [ALL], add: [CHOWN]"), 22..=37),
        ("seccompProfile_restricted", without(", seccompProfile: {type: RuntimeDefault}"), 19..=37),
    ];
    for (id, text, versions) in cases {
        for minor in 0..=37 {
            let verdict = verdict(&text, minor);
            let (level, failed) = if versions.contains(&minor) {
                (Level::Baseline, vec![id])
            } else {
                (Level::Restricted, vec![])
            };
            assert_eq!(
                (verdict.level, ids(&verdict, Level::Restricted)),
                (level, failed),
                "1.{minor}: {text}"
            );
        }
    }
}

#[test]
fn a_stricter_check_stands_in_the_place_of_baselines() {
    for (text, baseline, restricted, since) in [
        (in_spec("volumes: [{name: a, hostPath: {path: /}}]"), "hostPathVolumes", "restrictedVolumes", 0),
        (
            with("drop: [ALL]", "drop: [ALL], add: [NET_RAW]"),
            "capabilities_baseline",
            "capabilities_restricted",
            22,
        ),
        (
            in_context("seccompProfile: {type: Unconfined}"),
            "seccompProfile_baseline",
            "seccompProfile_restricted",
            19,
        ),
        (in_context("procMount: Unmasked"), "procMount", "procMount_restricted", 35),
    ] {
        for minor in since..=37 {
            let verdict = verdict(&text, minor);
            assert_eq!(verdict.level, Level::Privileged, "1.{minor}: {text}");
            assert_eq!(ids(&verdict, Level::Baseline), [baseline]);
            assert_eq!(ids(&verdict, Level::Restricted), [restricted]);
        }
    }
}

#[test]
fn own_user_ids_relax_from_1_35() {
    let text = in_spec("hostUsers: false")
        .replace("runAsNonRoot: true", "runAsUser: 0")
        .replace("drop: [ALL]}", "drop: [ALL]}, procMount: Unmasked");
    assert_eq!(ids(&verdict(&text, 34), Level::Restricted), ["procMount", "runAsNonRoot", "runAsUser"]);
    let verdict = verdict(&text, 35);
    assert_eq!(
        (verdict.level, ids(&verdict, Level::Restricted)),
        (Level::Baseline, vec!["procMount_restricted"])
    );
}

#[test]
fn pods_for_windows_are_exempt_from_1_25() {
    let text = "
        spec:
          os: {name: windows}
          securityContext: {runAsNonRoot: true}
          containers: [{name: main}]
        ";
    assert_eq!(verdict(text, 25).level, Level::Restricted);
    let before = ["allowPrivilegeEscalation", "capabilities_restricted", "seccompProfile_restricted"];
    assert_eq!(ids(&verdict(text, 24), Level::Restricted), before);
    assert_eq!(ids(&verdict(&text.replace("windows", "linux"), 25), Level::Restricted), before);
}

#[test]
fn a_pod_on_the_nodes_network_gives_it_its_ports() {
    let text = in_spec("hostNetwork: true").replace("- name: main", "- ports: [{containerPort: 80}]");
    assert_eq!(ids(&verdict(&text, 37), Level::Baseline), ["hostNamespaces", "hostPorts"]);
    let text = dedent(&text);
    let stream = Stream::scan(&text).unwrap();
    let root = stream.document(0).unwrap().root().unwrap();
    let template = evaluate(&PodView::new(root.into(), &Path::root(), true), NEWEST);
    assert_eq!(ids(&template, Level::Baseline), ["hostNamespaces"]);
}

#[test]
fn the_same_pod_is_judged_as_edits_will_make_it() {
    let text = dedent("template: {spec: {hostPID: true, containers: [{name: a}]}}");
    let stream = Stream::scan(&text).unwrap();
    let node = stream.document(0).unwrap().root().unwrap().get("template").unwrap();
    let path = Path::root().key("template");
    let spec = path.key("spec");
    let context = spec.key("containers").index(0).key("securityContext");
    let edits = [
        Edit::remove(spec.key("hostPID"), None),
        Edit::set(spec.keys(["securityContext", "runAsNonRoot"]), true),
        Edit::set(spec.keys(["securityContext", "seccompProfile", "type"]), "Localhost"),
        Edit::append(context.keys(["capabilities", "drop"]), "ALL"),
    ];
    let preview = Preview::new(&edits).unwrap();
    let judge = |view: View<'_>| evaluate(&PodView::new(view, &path, true), NEWEST);
    assert_eq!(judge(node.into()).level, Level::Privileged);
    let after = judge(preview.view(node, &path).unwrap());
    assert_eq!(after.level, Level::Baseline);
    let left: Vec<_> = after.failures.iter().map(|failure| failure.path.to_string()).collect();
    assert_eq!(left, ["template.spec.containers[0].securityContext.allowPrivilegeEscalation"]);
}
