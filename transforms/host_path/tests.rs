use super::*;
use crate::settings::{self, Settings};
use crate::test::{
    check_left, check_left_with, check_silent, check_with, dedent, findings, fixes, only, pod,
};
use crate::{Level, State};

const ID: &str = "host-path";

fn mounting(path: &str) -> String {
    mounted("", &format!("hostPath: {{path: '{path}'}}"))
}

/// A mount with `key` beside the usual ones, of a volume with `source`.
fn mounted(key: &str, source: &str) -> String {
    format!(
        "containers:\n- name: a\n  image: registry.example.com/a\n  volumeMounts:\n  - name: v\n    mountPath: /v\n    \
         {key}\nvolumes:\n- name: v\n  {source}\n"
    )
}

fn of(host_path: settings::HostPath) -> Settings {
    Settings { host_path, ..only(ID) }
}

fn read_only() -> Settings {
    of(settings::HostPath { read_only: true, ..Default::default() })
}

fn time_zone() -> Settings {
    of(settings::HostPath { timezone: Some("Asia/Shanghai".to_owned()), ..Default::default() })
}

fn empty_dir() -> Settings {
    of(settings::HostPath {
        empty_dir: vec!["/tmp".to_owned(), "/srv/scratch/".to_owned()],
        ..Default::default()
    })
}

#[track_caller]
fn check_stays(settings: &Settings, text: &str, words: &str) {
    check_left_with(settings, text, words);
    let found = findings(settings, &dedent(text));
    let needs = |judged: &crate::Judged| matches!(&judged.state, State::Left(left) if left.needs_person);
    assert!(!found.iter().any(needs), "{found:?}");
}

#[test]
fn the_pages_paths_and_what_lies_below_are_left() {
    for path in ["/", "/boot", "/dev/sda", "/etc/", "/lib/modules", "/proc", "/sys/fs/cgroup", "/usr//bin/."]
    {
        let words = format!("volume `v` (mounted by container `a` at `/v`) is the node's `{path}`");
        check_left(ID, &mounting(path), &words);
    }
    check_left(ID, &mounting("/mnt/paas/kubernetes/kubelet"), "CCE's own");
    for path in ["/opt/", "/data", "/etcetera", "/mnt"] {
        check_silent(ID, &mounting(path));
    }
}

#[test]
fn every_rule_has_its_paths_and_its_severity() {
    let severity = |path: &str| findings(&only(ID), &pod(&mounting(path))).remove(0).finding.severity;
    assert_eq!(severity("/etc"), Severity::High);
    assert_eq!(severity("/var/log"), Severity::Medium);
    assert_eq!(severity("/home/me/data"), Severity::Low);
    assert_eq!(severity("/etc/localtime"), Severity::Low);
    let all = Settings { profile: Profile::Restricted, ..only(ID) };
    assert_eq!(findings(&all, &pod(&mounting("/srv"))).remove(0).finding.severity, Severity::Low);
}

#[test]
fn who_mounts_it_is_told() {
    let text = pod("
        initContainers: [{name: i, image: r.io/i, volumeMounts: [{name: v, mountPath: /i, subPath: ssl}]}]
        containers:
        - {name: a, image: r.io/a, volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /b}]}
        - {name: b, image: r.io/b}
        volumes: [{name: w, hostPath: {path: /usr}}, {name: v, hostPath: {path: /etc}}]
        ");
    let found = findings(&only(ID), &text);
    let spoken: Vec<Vec<&str>> =
        found.iter().map(|judged| judged.finding.containers().map(|it| &*it.name).collect()).collect();
    assert_eq!(spoken, [vec![], vec!["i", "a"], vec!["b"]]);
    let State::Left(left) = &found[1].state else { panic!("{found:?}") };
    let mounts = "(mounted by init container `i` at `/i` with `subPath: ssl`, container `a` at `/a`, container `a` at `/b`)";
    assert!(left.reason.contains(mounts), "{}", left.reason);
    let State::Left(left) = &found[0].state else { panic!("{found:?}") };
    assert!(left.reason.contains("(mounted by no container)"), "{}", left.reason);
}

#[test]
fn profiles_of_pod_security_allow_none() {
    for profile in [Profile::Baseline, Profile::Restricted] {
        let settings = Settings { profile, ..only(ID) };
        check_left_with(&settings, &pod(&mounting("/srv")), "allows no `hostPath`");
        let zone = pod(&mounted("readOnly: true", "hostPath: {path: /etc/localtime}"));
        check_left_with(&settings, &zone, "the variable `TZ`");
    }
}

#[test]
fn the_time_zone_may_stay_read_only() {
    for path in ["/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo/UTC", "//etc/localtime"] {
        let source = format!("hostPath: {{path: {path}}}");
        check_stays(&only(ID), &pod(&mounted("readOnly: true", &source)), "read-only it harms nothing");
        check_left(ID, &mounted("", &source), "mount it with `readOnly: true`");
    }
    let source = "hostPath: {path: /etc/localtime}";
    let after = pod(&mounted("readOnly: true", source));
    check_with(&read_only(), &pod(&mounted("readOnly: false", source)), &after);
}

#[test]
fn a_variable_takes_the_place_of_the_time_zone() {
    let before = pod("
        containers:
        - name: a
          image: r.io/a
          volumeMounts:
          - {name: zone, mountPath: /etc/localtime, readOnly: true}
          - {name: name, mountPath: /etc/timezone, readOnly: true}
          - {name: data, mountPath: /data}
        - name: b
          image: r.io/b
          env:
          - name: TZ
            value: UTC
          volumeMounts:
          - name: name
            mountPath: /etc/timezone
        volumes:
        - name: zone
          hostPath: {path: /etc/localtime}
        - name: data
          emptyDir: {}
        - name: name
          hostPath: {path: /etc/timezone}
        ");
    let after = pod("
        containers:
        - name: a
          image: r.io/a
          volumeMounts:
          - {name: data, mountPath: /data}
          env:
          - name: TZ
            value: Asia/Shanghai
        - name: b
          image: r.io/b
          env:
          - name: TZ
            value: UTC
          volumeMounts: []
        volumes:
        - name: data
          emptyDir: {}
        ");
    check_with(&time_zone(), &before, &after);
    let found = fixes(&time_zone(), &before);
    assert!(
        matches!(&found[..], [(Level::Review, _, reason)] if reason.contains("volume `name`")),
        "{found:?}"
    );
    assert_eq!(findings(&time_zone(), &before).remove(0).finding.severity, Severity::Low);
}

#[test]
fn what_goes_with_the_time_zone_is_nobody_elses_business() {
    let settings = Settings { select: None, ..time_zone() };
    let text = pod(&mounted("", "hostPath: {path: /etc/localtime}"));
    let fixed = crate::test::fix(&settings, &text);
    assert!(!fixed.contains("mountPropagation") && !fixed.contains("localtime"), "{fixed}");
    assert!(fixed.contains("mountPath: /tmp"), "{fixed}");
    check_with(&settings, &fixed, &fixed);
}

#[test]
fn a_container_that_cannot_be_changed_keeps_the_time_zone() {
    let text = pod("
        containers: [{name: a, image: r.io/a}, {name: b, volumeMounts: [{name: v, mountPath: /v}]}]
        volumes: [{name: v, hostPath: {path: /etc/localtime}}]
        ");
    check_left_with(&time_zone(), &text, "container `b` has the node's time zone");
    check_left_with(
        &time_zone(),
        &pod(&mounted("", "# why\n  hostPath: {path: /etc/localtime}")),
        "a comment in line",
    );
}

#[test]
fn scratch_paths_become_empty_volumes() {
    let after = pod(&mounted("", "emptyDir: {}"));
    for path in ["/tmp", "/tmp/", "/srv/scratch"] {
        let block = format!("hostPath:\n    path: {path}\n    type: DirectoryOrCreate");
        check_with(&empty_dir(), &pod(&mounted("", &block)), &after);
    }
    let reads = |path: &str| findings(&empty_dir(), &pod(&mounting(path))).remove(0).state;
    assert_eq!(reads("/tmp/a"), State::Satisfied);
    let file = pod(&mounted("", "hostPath: {path: /tmp, type: File}"));
    assert_eq!(findings(&empty_dir(), &file).remove(0).state, State::Satisfied);
    let all = Settings { select: None, ..empty_dir() };
    assert!(!crate::test::fix(&all, &pod(&mounting("/tmp"))).contains("mountPropagation"));
}

#[test]
fn sensitive_paths_are_made_read_only_on_request() {
    let etc = "hostPath: {path: /etc}";
    let after = pod(&mounted("readOnly: true", etc));
    check_with(&read_only(), &pod(&mounted("readOnly: false", etc)), &after);
    check_stays(&read_only(), &after, "as the configuration asks");
    assert_eq!(fixes(&read_only(), &pod(&mounted("", etc)))[0].0, Level::Review);
    assert!(
        fixes(&Settings { profile: Profile::Baseline, ..read_only() }, &pod(&mounted("", etc))).is_empty()
    );
}

#[test]
fn what_is_written_to_stays_writable() {
    for (text, words) in [
        (mounted("", "hostPath: {path: /dev/sda, type: BlockDevice}"), "devices and sockets"),
        (mounted("", "hostPath: {path: /dev/shm}"), "devices and sockets"),
        (mounted("", "hostPath: {path: /var/lib/a, type: DirectoryOrCreate}"), "`type: DirectoryOrCreate`"),
        (mounted("mountPropagation: Bidirectional", "hostPath: {path: /etc}"), "mounts something there"),
        (
            mounted("", "hostPath: {path: /etc}")
                .replace("  volumeMounts:", "  volumeMounts:\n  - {name: w, mountPath: /v/w}"),
            "container `a` mounts `/v/w` in it",
        ),
        (
            mounted("", "hostPath: {path: /etc}")
                .replace("image:", "command: [sh, -c, echo > /v/motd]\n  image:"),
            "`/v/motd`",
        ),
        (
            mounted("", "hostPath: {path: /var/cache}")
                .replace("/v\n", "/var/cache\n")
                .replace("registry.example.com/a", "nginx:1.27"),
            "the image of container `a` writes to `/var/cache/nginx`",
        ),
    ] {
        check_left_with(&read_only(), &pod(&text), words);
    }
}

#[test]
fn malformed_volumes_are_left() {
    check_left(ID, &mounted("", "hostPath: {}"), "has no `path`");
    check_left(ID, &mounted("", "hostPath: {path: ''}"), "has no `path`");
    check_left(ID, &mounting("/srv/../etc"), "`..`");
    check_left(ID, &mounted("", "hostPath: {path: 7}"), "`path`");
    check_left(ID, &mounted("", "hostPath: /etc"), "`hostPath`");
    check_left(ID, "containers: [{name: a, image: r.io/a, volumeMounts: 1}]", "`volumeMounts`");
}

#[test]
fn a_pod_for_cci_is_told_apart() {
    let label = "metadata:\n  labels: {virtual-kubelet.io/burst-to-cci: enforce}\n";
    check_left_with(
        &only(ID),
        &pod(&mounting("/etc")).replace("metadata:\n", label),
        "Cloud Container Instance",
    );
}
