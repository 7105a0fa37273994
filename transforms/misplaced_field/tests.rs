use crate::support::Level;
use crate::test::{
    check_left, check_left_with, check_levels, check_pod, check_silent, check_with, dedent, findings, fix,
    fixes, only, pod,
};
use crate::{Settings, State};

const ID: &str = "misplaced-field";

fn repairing() -> Settings {
    let mut settings = only(ID);
    settings.misplaced_field.repair = true;
    settings
}

/// A pod with two containers, and what stands in the three `securityContext`s.
fn contexts(of_pod: &str, of_a: &str, of_b: &str) -> String {
    let context = |indent: &str, entries: &str| match entries {
        "" => String::new(),
        entries => {
            let inner = dedent(entries).trim_end().replace('\n', &format!("\n{indent}  "));
            format!("{indent}securityContext:\n{indent}  {inner}\n")
        }
    };
    pod(&format!(
        "{}containers:\n- name: a\n  image: r.io/a\n{}- name: b\n  image: r.io/b\n{}",
        context("", of_pod),
        context("  ", of_a),
        context("  ", of_b),
    ))
}

#[track_caller]
fn check_repaired(before: &str, after: &str) {
    check_with(&repairing(), before, after);
    assert_eq!(fix(&only(ID), before), *before, "only on request");
    assert!(fixes(&repairing(), before).iter().all(|(level, _, _)| *level == Level::Review));
}

#[test]
fn what_is_in_its_place_is_silent() {
    check_silent(
        ID,
        "
        securityContext: {runAsUser: 1000, fsGroup: 1, sysctls: []}
        containers:
        - {name: a, image: r.io/a, securityContext: {privileged: false, capabilities: {drop: [ALL]}}}
        - {name: b, image: r.io/b}
        ",
    );
}

#[test]
fn drop_as_text_becomes_a_list() {
    let with = |drop: &str| {
        format!(
            "containers:\n- name: a\n  image: r.io/a\n  securityContext:\n    capabilities:\n      {drop}\n"
        )
    };
    let list = with("drop:\n      - ALL");
    for drop in ["drop: ALL", "drop: all", "drop: \"-all\"", "drop: '- ALL '", "drop:\n        -all"] {
        check_pod(ID, &with(drop), &list);
        check_levels(ID, &with(drop), &[Level::Review]);
    }
    check_left(ID, &with("drop: NET_RAW"), "`drop` in line 11 is text, not a list; write `[NET_RAW]`");
    check_left(ID, &with("add: ALL"), "`add` in line 11 is text, not a list");
    check_left(ID, &with("add: -SYS_ADMIN"), "write `[SYS_ADMIN]`");
}

#[test]
fn one_run_is_enough_for_a_repaired_list() {
    let text = pod("
        containers:
        - name: a
          image: r.io/a
          securityContext:
            capabilities:
              add: [net_bind_service]
              drop: ALL
        ");
    let fixed = fix(&Settings::default(), &text);
    assert!(fixed.contains("add: [NET_BIND_SERVICE]\n        drop:\n        - ALL\n"), "{fixed}");
    assert_eq!(fix(&Settings::default(), &fixed), fixed);
}

#[test]
fn a_label_becomes_labels_on_request() {
    let with = |key: &str| pod("containers: [{name: a, image: r.io/a}]").replace("  name: example", key);
    check_repaired(
        &with("  label:\n    app: web\n    version: \"1\"\n  name: web"),
        &with("  name: web\n  labels:\n    app: web\n    version: \"1\""),
    );
    for text in [with("  label: {a: b}\n  labels: {a: b}"), with("  label: web"), with("  label: {a: 1}")] {
        check_left_with(&repairing(), &text, "`label` in line 4 is no field");
    }
    check_left_with(&only(ID), &with("  label: {a: b}"), "`repair: true` would rename it to `labels`");
    let service = "apiVersion: v1\nkind: Service\nmetadata:\n  label:\n    a: b\nspec: {}\n";
    check_repaired(service, &service.replace("label:", "labels:"));
}

#[test]
fn a_template_has_its_own_label() {
    let with = |label: &str| {
        dedent(&format!(
            "
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
            spec:
              template:
                metadata:
                  {label}:
                    app: web
                spec:
                  containers:
                  - name: web
                    image: r.io/a
            "
        ))
    };
    check_repaired(&with("label"), &with("labels"));
}

#[test]
fn a_selector_has_to_match_its_template() {
    let with = |selector: &str, labels: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nspec:\n  selector: {{matchLabels: {selector}}}\n  template:\n    \
             metadata: {{labels: {labels}}}\n    spec: {{containers: [{{name: a, image: r.io/a}}]}}\n"
        )
    };
    for (selector, labels) in [("{}", "{}"), ("{a: b}", "{a: b, c: d}"), ("{a: '1'}", "{a: \"1\"}")] {
        let text = with(selector, labels);
        assert!(findings(&only(ID), &text).iter().all(|judged| judged.state == State::Satisfied), "{text}");
    }
    for (selector, labels) in [("{a: b}", "{}"), ("{a: b, c: d}", "{a: b, c: e}"), ("{c: d}", "null")] {
        check_left_with(&repairing(), &with(selector, labels), "the selector asks for");
    }
}

#[test]
fn settings_of_containers_move_to_the_containers() {
    check_repaired(
        &contexts(
            "fsGroup: 1\nreadOnlyRootFilesystem: true\ncapabilities:\n  drop: [ALL]",
            "runAsUser: 1\ncapabilities:\n  drop: [NET_RAW]",
            "runAsUser: 1",
        ),
        &contexts(
            "fsGroup: 1",
            "runAsUser: 1\ncapabilities:\n  drop: [NET_RAW]\nreadOnlyRootFilesystem: true",
            "runAsUser: 1\ncapabilities:\n  drop:\n  - ALL\nreadOnlyRootFilesystem: true",
        ),
    );
}

#[test]
fn settings_of_pods_move_to_the_pod() {
    check_repaired(
        &contexts("runAsUser: 1", "fsGroup: 2\nrunAsUser: 1", "fsGroup: 2\nrunAsUser: 1"),
        &contexts("runAsUser: 1\nfsGroup: 2", "runAsUser: 1", "runAsUser: 1"),
    );
    check_repaired(
        &contexts("fsGroup: 2", "fsGroup: 2\nrunAsUser: 1", ""),
        &contexts("fsGroup: 2", "runAsUser: 1", ""),
    );
    let differing = contexts("runAsUser: 1", "fsGroup: 2", "fsGroup: 3");
    assert_eq!(fix(&repairing(), &differing), differing);
    check_left_with(&repairing(), &contexts("fsGroup: 3", "fsGroup: 2", ""), "is a setting of pods");
}

#[test]
fn a_context_beside_the_spec_moves_into_it() {
    let before = pod("containers: [{name: a, image: r.io/a}]") + "securityContext:\n  runAsUser: 1000\n";
    let after = pod("containers: [{name: a, image: r.io/a}]\nsecurityContext:\n  runAsUser: 1000\n");
    check_repaired(&before, &after);
    let of_deployment = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  securityContext: {runAsUser: 1000}\n  \
        template:\n    spec:\n      containers: [{image: r.io/a}]\n";
    check_left_with(&only(ID), of_deployment, "`securityContext` in line 4 has no effect there");
    let both = after + "securityContext:\n  runAsUser: 1\n";
    check_left_with(&repairing(), &both, "has no effect there");
}

#[test]
fn quotes_go_on_request() {
    check_repaired(
        &contexts("runAsUser: \"1000\"", "privileged: 'false'", "readOnlyRootFilesystem: \"true\""),
        &contexts("runAsUser: 1000", "privileged: false", "readOnlyRootFilesystem: true"),
    );
    let spec = |value: &str| pod(&format!("hostNetwork: {value}\ncontainers: [{{image: r.io/a}}]"));
    check_repaired(&spec("\"false\""), &spec("false"));
    for text in ["lots", "yes", "1e3"] {
        let text = contexts(&format!("runAsUser: \"{text}\"\nrunAsNonRoot: \"{text}\""), "", "");
        assert!(findings(&only(ID), &text).iter().all(|judged| judged.state == State::Satisfied), "{text}");
    }
}

#[test]
fn nothing_gains_by_a_repair() {
    for (of_pod, of_a) in [
        ("privileged: true", ""),
        ("capabilities: {add: [SYS_ADMIN]}", ""),
        ("procMount: Unmasked", ""),
        ("allowPrivilegeEscalation: false", "privileged: true"),
        ("runAsUser: 1", "sysctls: [{name: kernel.msgmax, value: \"1\"}]"),
        ("runAsUser: 1", "supplementalGroups: [0]"),
        ("runAsUser: \"0\"", ""),
        ("runAsNonRoot: \"false\"", ""),
        ("runAsUser: 1", "privileged: \"true\""),
    ] {
        let text = contexts(of_pod, of_a, "");
        assert_eq!(fix(&repairing(), &text), text);
        let left = findings(&repairing(), &text).iter().any(|judged| matches!(judged.state, State::Left(_)));
        assert!(left, "{text}");
    }
    let windows =
        contexts("readOnlyRootFilesystem: true", "", "").replace("spec:", "spec:\n  os: {name: windows}");
    assert_eq!(fix(&repairing(), &windows), windows);
}

#[test]
fn other_kinds_of_value_are_left_in_peace() {
    let merged =
        pod("containers: [{image: r.io/a}]").replace("name: example", "a: &a {b: c}\n  label: {<<: *a}");
    assert_eq!(fix(&repairing(), &merged), merged);
    check_left(ID, "containers: [{image: r.io/a, securityContext: []}]", "is a list, not a map");
    check_left(ID, "securityContext: 1\ncontainers: [{image: r.io/a}]", "is a number, not a map");
    check_left_with(&repairing(), "apiVersion: v1\nkind: Service\nmetadata: text\n", "`metadata` in line 3");
}
