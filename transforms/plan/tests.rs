use std::time::Duration;

use rewriter::Stream;

use super::*;
use crate::settings::{Part, Profile};
use crate::test::{check_left_with, check_with, dedent, findings, fix, fixes, only, plans, pod};

fn safe() -> Settings {
    Settings { safe: true, ..Settings::default() }
}

/// All but the token for the API server, of which the pages say nothing in their examples.
fn without_token() -> Settings {
    Settings { ignore: ["automount-service-account-token".to_owned()].into(), ..Settings::default() }
}

/// Each fix is of one part, and what is of no part that is asked for is held back.
#[test]
fn parts_make_up_the_whole() {
    let of = |kind: &str, api_version: &str, settings: &Settings| {
        let text = format!(
            "
            apiVersion: {api_version}
            kind: {kind}
            metadata: {{name: a}}
            spec:
              template:
                spec:
                  containers:
                  - {{name: a, image: registry.example.com/a, securityContext: {{runAsUser: 7, runAsGroup: 7}}}}
            "
        );
        let fixed = states(settings, &text).into_iter().filter(|(_, state)| *state == State::Fixed);
        fixed.map(|(id, _)| id).collect::<BTreeSet<_>>()
    };
    let part = |level: Level, recreated: bool| Settings {
        part: Part { level: Some(level), recreated: Some(recreated), ..Part::ALL },
        ..Settings::default()
    };
    let single = |id: &'static str| Settings {
        part: Part { transform: Some(id), ..Part::ALL },
        ..Settings::default()
    };
    for (kind, api_version, recreated) in [("Deployment", "apps/v1", false), ("Job", "batch/v1", true)] {
        let all = of(kind, api_version, &Settings::default());
        let safely = of(kind, api_version, &part(Level::Safe, recreated));
        let review = of(kind, api_version, &part(Level::Review, recreated));
        assert_eq!(safely, of(kind, api_version, &safe()), "{kind}");
        assert!(!safely.is_empty() && !review.is_empty() && safely.is_disjoint(&review), "{kind}");
        assert_eq!(safely.union(&review).copied().collect::<BTreeSet<_>>(), all, "{kind}");
        for level in [Level::Safe, Level::Review] {
            assert_eq!(of(kind, api_version, &part(level, !recreated)), BTreeSet::new(), "{kind}");
        }
        for id in all {
            let alone = of(kind, api_version, &single(id));
            assert!(alone.is_subset(&BTreeSet::from([id])), "{kind}: {id}");
        }
        assert_eq!(of(kind, api_version, &single("seccomp-profile")).len(), 1, "{kind}");
    }
}

fn states(settings: &Settings, text: &str) -> Vec<(&'static str, State)> {
    let found = findings(settings, &dedent(text)).into_iter();
    found.map(|judged| (judged.finding.transform.id, judged.state)).collect()
}

#[track_caller]
fn check_all_stay(text: &str, words: &str) {
    let text = dedent(text);
    assert_eq!(fix(&Settings::default(), &text), text);
    let found = findings(&Settings::default(), &text);
    let reasons: Vec<_> = found
        .iter()
        .filter_map(|judged| match (&judged.state, &judged.finding.outcome) {
            (State::Left(left), Outcome::Fix(_)) => Some(&*left.reason),
            _ => None,
        })
        .collect();
    assert!(reasons.len() > 3, "{found:#?}");
    assert!(reasons.iter().all(|reason| reason.contains(words)), "{reasons:#?}");
}

/// The deployment of the pages, as one of their editions has it.
fn security_context_example(all: &str, behind_mount: &str, behind_mounts: &str) -> String {
    dedent(
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: security-context-example
          namespace: security-example
        spec:
          replicas: 1
          selector:
            matchLabels:
              app: security-context-example
              label: security-context-example
          strategy:
            rollingUpdate:
              maxSurge: 25%
              maxUnavailable: 25%
            type: RollingUpdate
          template:
            metadata:
              annotations:
                seccomp.security.alpha.kubernetes.io/pod: runtime/default
              labels:
                app: security-context-example
                label: security-context-example
            spec:
              containers:
                - image: ...
                  imagePullPolicy: Always
                  name: security-context-example
                  securityContext:
                    allowPrivilegeEscalation: false
                    readOnlyRootFilesystem: true
                    runAsUser: 1000
                    capabilities:
                      add:
                      - NET_BIND_SERVICE
                      drop:
                      - {all}
                  volumeMounts:
                    - mountPath: /etc/localtime
                      name: localtime
                      readOnly: true{behind_mount}
                    - mountPath: /opt/write-file-dir
                      name: tmpfs-example-001{behind_mounts}
              securityContext:
                seccompProfile:
                  type: RuntimeDefault
              volumes:
                - hostPath:
                    path: /etc/localtime
                    type: ''
                  name: localtime
                - emptyDir: {}
                  name: tmpfs-example-001
        ",
    )
    .replace("{all}", all)
    .replace("{behind_mount}", &behind_mount.replace('\n', "\n              "))
    .replace("{behind_mounts}", &behind_mounts.replace('\n', "\n          "))
}

const PROPAGATION: &str = "\nmountPropagation: None";
const RESOURCES: &str = "\nresources:\n  requests:\n    cpu: 250m\n    memory: 512Mi\n  limits:\n    \
    cpu: 250m\n    memory: 512Mi";

/// The deployment with what the pod's own context gets.
fn non_root(text: &str) -> String {
    let profile = "          type: RuntimeDefault\n";
    assert_eq!(text.matches(profile).count(), 1);
    text.replace(profile, &format!("{profile}        runAsNonRoot: true\n"))
}

#[test]
fn the_deployment_of_the_pages_is_repaired_safely() {
    for tabs in ["", "\t\t"] {
        check_with(
            &safe(),
            &security_context_example(&format!("all{tabs}"), "", ""),
            &non_root(&security_context_example(&format!("ALL{tabs}"), PROPAGATION, "")),
        );
    }
}

#[test]
fn the_deployment_of_the_pages_gets_resources_after_review() {
    let before = security_context_example("all", "", "");
    let after = non_root(&security_context_example("ALL", PROPAGATION, RESOURCES));
    check_with(&without_token(), &before, &after);
}

#[test]
fn a_capability_that_is_probably_useless_is_reported() {
    let fixed = security_context_example("ALL", PROPAGATION, RESOURCES);
    check_left_with(&only("unprivileged-port"), &fixed, "`NET_BIND_SERVICE` serves root");
}

const SECURITY_MOUNT: &str = "
    apiVersion: v1
    kind: Pod
    metadata:
      name: security-mount
      label:
        app: security-mount
    spec:
      containers:
      - name: security-mount
        image: ...
        volumeMounts:
        - name: mount-none
          mountPath: /opt
          mountPropagation: None
      volumes:
      - name: mount-none
        hostPath:
          path: /opt/
    ";

#[test]
fn the_pod_of_the_pages_gets_a_seccomp_profile_safely() {
    let after = format!(
        "{SECURITY_MOUNT}  securityContext:\n        seccompProfile:\n          type: RuntimeDefault\n"
    );
    check_with(&safe(), SECURITY_MOUNT, &after);
}

#[test]
fn the_pod_of_the_pages_is_hardened_after_review() {
    check_with(
        &without_token(),
        SECURITY_MOUNT,
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: security-mount
          label:
            app: security-mount
        spec:
          containers:
          - name: security-mount
            image: ...
            volumeMounts:
            - name: mount-none
              mountPath: /opt
              mountPropagation: None
            - name: tmp
              mountPath: /tmp
            securityContext:
              runAsUser: 1000
              runAsGroup: 1000
              capabilities:
                drop:
                - ALL
              allowPrivilegeEscalation: false
              readOnlyRootFilesystem: true
            resources:
              requests:
                cpu: 250m
                memory: 512Mi
              limits:
                cpu: 250m
                memory: 512Mi
          volumes:
          - name: mount-none
            hostPath:
              path: /opt/
          - name: tmp
            emptyDir: {}
          securityContext:
            runAsNonRoot: true
            seccompProfile:
              type: RuntimeDefault
        ",
    );
    let levels: Vec<_> = fixes(&Settings::default(), &dedent(SECURITY_MOUNT))
        .into_iter()
        .filter(|(level, _, _)| *level == Level::Safe)
        .map(|(_, summary, _)| summary)
        .collect();
    assert_eq!(levels, ["set `seccompProfile: {type: RuntimeDefault}`"]);
}

const PLAIN: &str = "
    containers:
      - name: app
        image: registry.example.com/app:1
    ";

#[test]
fn documents_without_pods_are_silent() {
    for text in [
        "",
        "# nothing\n",
        "null\n",
        "[1, 2]\n",
        "kind: Pod\n",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n",
        "apiVersion: example.com/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{image: a}]}}}\n",
        "apiVersion: v1\nkind: [Pod]\n",
    ] {
        for plan in plans(&Settings::default(), text) {
            assert!(plan.pods.is_empty() && plan.problems.is_empty(), "{text:?}: {plan:#?}");
        }
    }
}

#[test]
fn every_kind_with_a_pod_is_found() {
    let spec = "spec: {containers: [{name: a, image: registry.example.com/a}]}";
    for (head, path) in [
        ("apiVersion: v1\nkind: Pod", ""),
        ("apiVersion: v1\nkind: PodTemplate", "template"),
        ("apiVersion: v1\nkind: ReplicationController", "spec.template"),
        ("apiVersion: apps/v1\nkind: Deployment", "spec.template"),
        ("apiVersion: extensions/v1beta1\nkind: Deployment", "spec.template"),
        ("apiVersion: apps/v1beta2\nkind: ReplicaSet", "spec.template"),
        ("apiVersion: apps/v1\nkind: StatefulSet", "spec.template"),
        ("apiVersion: apps/v1\nkind: DaemonSet", "spec.template"),
        ("apiVersion: batch/v1\nkind: Job", "spec.template"),
        ("apiVersion: batch/v1beta1\nkind: CronJob", "spec.jobTemplate.spec.template"),
    ] {
        let keys: Vec<&str> = path.split('.').filter(|key| !key.is_empty()).collect();
        let mut body = spec.to_owned();
        for key in keys.iter().rev() {
            body = format!("{key}: {{{body}}}");
        }
        let plans = plans(&Settings::default(), &format!("{head}\n{body}\n"));
        let found: Vec<String> = plans[0].pods.iter().map(|pod| pod.path.to_string()).collect();
        assert_eq!(found, [path], "{head}");
    }
}

#[test]
fn lists_are_taken_apart() {
    check_with(
        &only("seccomp-profile"),
        "
        apiVersion: v1
        kind: List
        items:
        - apiVersion: v1
          kind: Service
        - apiVersion: v1
          kind: Pod
          spec:
            containers:
            - image: registry.example.com/a
        - apiVersion: v1
          kind: PodList
          items:
          - spec:
              containers:
              - image: registry.example.com/b
        ",
        "
        apiVersion: v1
        kind: List
        items:
        - apiVersion: v1
          kind: Service
        - apiVersion: v1
          kind: Pod
          spec:
            containers:
            - image: registry.example.com/a
            securityContext:
              seccompProfile:
                type: RuntimeDefault
        - apiVersion: v1
          kind: PodList
          items:
          - spec:
              containers:
              - image: registry.example.com/b
              securityContext:
                seccompProfile:
                  type: RuntimeDefault
        ",
    );
}

#[test]
fn a_patch_is_left_alone() {
    check_all_stay(
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: app
        spec:
          template:
            spec:
              containers:
                - name: app
                  env: []
        ",
        "no container has an `image`",
    );
}

#[test]
fn a_container_without_an_image_is_left_alone() {
    check_with(
        &only("resources"),
        &pod("containers:\n- name: main\n- name: own\n  image: registry.example.com/own\n"),
        &pod("
            containers:
            - name: main
            - name: own
              image: registry.example.com/own
              resources:
                requests:
                  cpu: 250m
                  memory: 512Mi
                limits:
                  cpu: 250m
                  memory: 512Mi
            "),
    );
}

#[test]
fn what_belongs_to_the_cluster_is_left_alone() {
    let text = pod(PLAIN);
    let system = text.replace("name: example", "name: example\n  namespace: kube-system");
    check_all_stay(&system, "`kube-system` is a namespace of the cluster itself");
    let addon = text.replace("name: example", "name: everest-csi-controller");
    check_all_stay(&addon, "`everest-csi-*` is the name of a CCE add-on");
    let namesake = text.replace("name: example", "name: prometheus\n  namespace: monitoring");
    check_all_stay(&namesake, "add-on");

    let settings = Settings { include_system: true, ..Settings::default() };
    assert_ne!(fix(&settings, &system), system);
    let elsewhere = text.replace("name: example", "name: prometheus\n  namespace: shop-system");
    assert_ne!(fix(&Settings::default(), &elsewhere), elsewhere);
}

#[test]
fn what_stays_on_purpose_needs_nobody() {
    let spec = "containers: [{name: a, image: fluent/fluent-bit, securityContext: {privileged: true}}]";
    let text = pod(spec).replace("name: example", "name: example\n  namespace: kube-system");
    for text in [text, pod(&spec.replace("image: fluent/fluent-bit,", ""))] {
        for judged in findings(&Settings::default(), &text) {
            assert!(!matches!(&judged.state, State::Left(left) if left.needs_person), "{judged:#?}");
        }
    }
}

#[test]
fn node_agents_are_left_for_a_person() {
    let privileged = |container: &str, spec: &str| {
        pod(&format!(
            "containers:\n- name: a\n  image: registry.example.com/a\n  securityContext: {{privileged: true, runAsUser: 0}}\n  {container}\n{spec}"
        ))
    };
    for (text, words) in [
        (
            pod("containers: [{name: a, image: registry.example.com/csi-driver}]"),
            "container `a` has the image",
        ),
        (
            privileged(
                "volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]",
                "volumes: [{name: v, hostPath: {path: /v}}]",
            ),
            "mounts on the node",
        ),
        (
            privileged(
                "volumeMounts: [{name: v, mountPath: /v}]",
                "volumes: [{name: v, hostPath: {path: /dev/sda}}]",
            ),
            "mounts the node's devices",
        ),
        (privileged("volumeDevices: [{name: v, devicePath: /dev/x}]", ""), "block devices"),
    ] {
        let found = findings(&Settings::default(), &text);
        let is_left = |judged: &Judged| match &judged.state {
            State::Left(left) => left.reason.contains(words) && left.needs_person,
            _ => false,
        };
        assert!(found.iter().any(is_left), "{words}: {found:#?}");
        assert_eq!(fix(&Settings::default(), &text), text);
    }
    let set = |spec: &str| {
        dedent(&format!(
            "apiVersion: apps/v1\nkind: DaemonSet\nspec:\n  template:\n    spec:\n      {spec}\n      containers: [{{name: a, image: registry.example.com/a}}]\n"
        ))
    };
    check_all_stay(&set("hostPID: true"), "a DaemonSet with `hostPID`");
    check_all_stay(
        &set("volumes: [{name: v, hostPath: {path: /var/log}}]"),
        "a DaemonSet with `hostPath` volumes",
    );
    for spec in ["hostPID: false", "volumes: [{name: v, hostPath: {path: /etc/localtime}}]"] {
        assert_ne!(fix(&Settings::default(), &set(spec)), set(spec));
    }
}

#[test]
fn windows_keeps_what_linux_alone_knows_away() {
    let windows = "
        os: {name: windows}
        containers:
          - name: app
            image: registry.example.com/app:1
        ";
    for judged in findings(&Settings::default(), &pod(windows)) {
        match (judged.finding.transform, judged.state) {
            (_, State::Satisfied) => {}
            (transform, state) if transform.on_windows => {
                assert!(state == State::Fixed || transform.id != "resources", "{state:?}");
            }
            (_, State::Left(left)) => assert!(left.reason.contains("Windows") && !left.needs_person),
            other => panic!("{other:?}"),
        }
    }
    for spec in [
        "nodeSelector: {kubernetes.io/os: windows}",
        "securityContext: {windowsOptions: {runAsUserName: ContainerUser}}",
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: \
         [{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [windows]}]}]}}}",
    ] {
        let text = pod(&format!("containers: [{{name: a, image: registry.example.com/a}}]\n{spec}\n"));
        let found = states(&only("seccomp-profile"), &text);
        assert!(
            matches!(&found[..], [(_, State::Left(left))] if left.reason.contains("Windows")),
            "{found:?}"
        );
    }
    let linux =
        pod("os: {name: linux}\nnodeSelector: {kubernetes.io/os: windows}\ncontainers: [{image: a}]\n");
    assert_eq!(states(&only("seccomp-profile"), &linux)[0].1, State::Fixed);
}

#[test]
fn ephemeral_containers_are_looked_at_and_left() {
    let text = pod("
        containers:
          - name: app
            image: registry.example.com/app:1
        ephemeralContainers:
          - name: debugger
            image: registry.example.com/shell:1
        ");
    let found = findings(&Settings::default(), &text);
    let ephemeral = |judged: &&Judged| {
        judged.finding.container.as_ref().is_some_and(|it| it.kind == ContainerKind::Ephemeral)
    };
    assert!(found.iter().filter(ephemeral).count() >= 6);
    assert!(found.iter().filter(ephemeral).all(|judged| judged.fix().is_none()));
    assert!(!fix(&Settings::default(), &text).split("ephemeralContainers").nth(1).unwrap().contains("runAs"));
}

#[test]
fn safe_mode_holds_back_and_builds_on_nothing_held_back() {
    let found = states(&safe(), &pod(PLAIN));
    let held = |id: &str| found.iter().any(|(found, state)| *found == id && *state == State::HeldBack);
    assert!(held("run-as-user") && held("capabilities") && held("resources"), "{found:?}");
    assert_eq!(fixes(&safe(), &pod(PLAIN)).len(), 1);
}

#[test]
fn values_that_somebody_wrote_are_kept_on_request() {
    let settings = Settings { keep_explicit: true, ..Settings::default() };
    let text = pod("
        containers:
          - name: app
            image: registry.example.com/app:1
            securityContext:
              runAsUser: 0
              readOnlyRootFilesystem: false
              seccompProfile:
                type: Unconfined
              capabilities:
                drop: [all]
        ");
    let fixed = fix(&settings, &text);
    for kept in
        ["runAsUser: 0", "readOnlyRootFilesystem: false", "type: Unconfined", "drop: [all]", "memory: 512Mi"]
    {
        assert!(fixed.contains(kept), "{kept} is not in {fixed}");
    }
}

#[test]
fn wrong_kinds_of_value_are_never_satisfied() {
    let head = "apiVersion: v1\nkind: Pod\n";
    for (body, words) in [
        ("spec: text\n", "`spec` in line 3 is text, not a map"),
        ("spec: {containers: {}}\n", "`containers` in line 3 is a map, not a list"),
        ("spec: {containers: [text]}\n", "item 1 of `containers` in line 3 is text, not a map"),
        ("spec: {containers: [{image: a}], initContainers: 7}\n", "`initContainers` in line 3 is a number"),
    ] {
        let plans = plans(&Settings::default(), &format!("{head}{body}"));
        let problem = plans[0].problems.iter().find(|problem| problem.needs_person);
        assert!(problem.is_some_and(|problem| problem.reason.contains(words)), "{words}: {plans:#?}");
    }
    for value in ["1", "'1'", "text", "[1]", "{a: 1}", "!!str 1", "true"] {
        for field in [
            "securityContext",
            "resources",
            "volumeMounts",
            "ports",
            "command",
            "securityContext.runAsUser",
            "securityContext.runAsGroup",
            "securityContext.privileged",
            "securityContext.capabilities",
            "securityContext.capabilities.drop",
            "securityContext.capabilities.add",
            "securityContext.seccompProfile",
            "securityContext.seccompProfile.type",
            "resources.limits",
            "resources.limits.cpu",
        ] {
            let nested =
                field.split('.').rev().fold(value.to_owned(), |inner, key| format!("{{{key}: {inner}}}"));
            let container = nested.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap();
            let text = format!("{head}spec: {{containers: [{{name: a, image: b, {container}}}]}}\n");
            fix(&Settings::default(), &text);
            let pod = container.replace("resources", "volumes");
            let text = format!("{head}spec: {{containers: [{{name: a, image: b}}], {pod}}}\n");
            fix(&Settings::default(), &text);
        }
    }
}

#[test]
fn half_written_workloads_are_reported_without_alarm() {
    for text in [
        "apiVersion: v1\nkind: Pod\n",
        "apiVersion: v1\nkind: Pod\nspec:\n",
        "apiVersion: v1\nkind: Pod\nspec: {containers: []}\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 3}\n",
        "apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {template: }}}\n",
    ] {
        let plans = plans(&Settings::default(), text);
        let problems: Vec<_> =
            plans.iter().flat_map(|plan| plan.problems.iter().chain(&plan.warnings)).collect();
        assert!(matches!(&problems[..], [problem] if !problem.needs_person), "{text}: {problems:?}");
        assert_eq!(fix(&Settings::default(), text), text);
    }
}

#[test]
fn a_shared_anchor_leaves_the_fix_and_what_would_build_on_it() {
    let text = dedent(
        "
        apiVersion: v1
        kind: Pod
        spec:
          containers:
            - name: app
              image: registry.example.com/app:1
              securityContext: &context
                allowPrivilegeEscalation: false
            - name: log
              image: docker.io/prom/prometheus:v3.0.0
              securityContext: *context
        ",
    );
    let found = findings(&only("run-as-user"), &text);
    let is_left =
        |judged: &Judged| matches!(&judged.state, State::Left(left) if left.reason.contains("anchor"));
    assert!(found.iter().all(is_left), "{found:#?}");
    assert_eq!(fix(&only("run-as-user"), &text), text);
    let same = text.replace("docker.io/prom/prometheus:v3.0.0", "registry.example.com/log:1");
    assert_eq!(fix(&only("run-as-user"), &same).matches("runAsUser").count(), 1);
}

#[test]
fn profiles_choose_the_transforms() {
    for (id, in_baseline, in_restricted) in [
        ("run-as-user", false, true),
        ("capabilities", true, true),
        ("resources", false, false),
        ("host-network", true, true),
        ("host-path", true, true),
        ("volume-types", false, true),
        ("runtime-socket", false, false),
        ("privileged", true, true),
        ("unprivileged-port", true, true),
        ("seccomp-profile", true, true),
        ("windows-host-process", true, true),
        ("run-as-non-root", false, true),
        ("allow-privilege-escalation", false, true),
        ("mount-propagation", false, false),
        ("host-users", false, false),
        ("read-only-root-filesystem", false, false),
        ("app-armor-profile", true, true),
        ("se-linux-options", true, true),
        ("proc-mount", true, true),
        ("sysctls", true, true),
        ("misplaced-field", false, false),
        ("node-scheduling", false, false),
    ] {
        let meta = ALL.iter().map(|transform| transform.meta()).find(|meta| meta.id == id).unwrap();
        for (profile, wanted) in
            [(Profile::Cce, true), (Profile::Baseline, in_baseline), (Profile::Restricted, in_restricted)]
        {
            assert_eq!(Settings { profile, ..Settings::default() }.runs(meta), wanted, "{id} {profile:?}");
        }
    }
}

#[test]
fn a_great_many_containers_take_time_in_proportion() {
    // The time that this thread has a processor for, so that a busy machine does not count.
    let processor_time = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).unwrap()
    };
    let time = |count: usize| {
        let containers = "  - {name: same, image: nginx, command: [sh, -c, a > /b]}\n".repeat(count);
        let text = format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{containers}");
        let stream = Stream::scan(&text).unwrap();
        let start = processor_time();
        // Held back, so that the time to place edits does not count.
        let plan = plan(stream.document(0).unwrap(), &safe(), &Evidence::default());
        assert!(plan.pods[0].findings.len() > 5 * count);
        processor_time().saturating_sub(start)
    };
    let (few, many) = (time(300), time(3_000));
    assert!(many < few * 40 + Duration::from_millis(200), "{few:?} for 300, {many:?} for 3000");
}

#[test]
fn a_copy_of_the_object_in_an_annotation_is_named_and_stays() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{}'\nspec:\n  containers:\n  - {name: a, image: registry.example.com/a}\n";
    let said = |settings: &Settings| -> Vec<String> {
        let plan = plans(settings, text).remove(0);
        assert!(plan.edits().all(|edit| edit.path().steps()[0] != Step::Key("metadata".into())));
        plan.warnings.iter().map(|problem| problem.path.to_string()).collect()
    };
    let path = "metadata.annotations[\"kubectl.kubernetes.io/last-applied-configuration\"]";
    assert_eq!(said(&only("capabilities")), [path]);
    assert_eq!(
        said(&Settings { ignore: ["capabilities".to_owned()].into(), ..only("capabilities") }),
        [""; 0]
    );
}

#[test]
fn items_of_a_long_list_are_planned_in_parts() {
    let count = 3 * PART + 5;
    let list = |head: &str| {
        let pod = |number: usize| {
            format!(
                "- {{apiVersion: v1, kind: Pod, metadata: {{name: p{number}}}, spec: {{containers: [{{name: a, image: r.io/a}}]}}}}\n"
            )
        };
        let pods: String = (0..count).map(pod).collect();
        format!(
            "{head}apiVersion: v1\nkind: List\nitems:\n{pods}- {{apiVersion: v1, kind: Service, spec: {{type: NodePort}}}}\n"
        )
    };
    let parts = |text: &str| {
        let stream = Stream::scan(text).unwrap();
        let document = stream.document(0).unwrap();
        let settings = Settings::default();
        let mut parts = Vec::new();
        let workloads = Workloads::with(document, &settings);
        plan_parts(document, workloads, &settings, &Evidence::default(), |part| parts.push(part));
        parts
    };
    let text = list("");
    let found = parts(&text);
    // The last one has what is about the document as a whole.
    let pods: Vec<usize> = found.iter().map(|part| part.pods.len()).collect();
    assert_eq!(pods, [PART, PART, PART, 5, 0]);
    let names = found.iter().flat_map(|part| &part.pods).map(|pod| pod.object.name.clone().unwrap());
    assert!(names.eq((0..count).map(|number| format!("p{number}"))));
    let whole = plans(&Settings::default(), &text).remove(0);
    let states = |pod: &PodPlan| pod.findings.iter().map(|judged| judged.state.clone()).collect::<Vec<_>>();
    assert!(found.iter().flat_map(|part| &part.pods).map(states).eq(whole.pods.iter().map(states)));
    assert_eq!(found[3].objects.len(), 1, "the Service");
    let edits: Vec<Edit> = found.into_iter().flat_map(|mut part| part.take_edits()).collect();
    // Of the whole, those about objects come first.
    let sorted = |mut edits: Vec<Edit>| {
        edits.sort_by(|one, other| one.path().cmp(other.path()));
        edits
    };
    assert_eq!(sorted(edits), sorted(whole.edits().cloned().collect()));
    // What aliases stand for may be asked for by several items, so that they are planned together.
    let shared = parts(&list("shared: [&a 1, *a]\n"));
    assert_eq!(shared.iter().map(|part| part.pods.len()).collect::<Vec<_>>(), [count, 0]);
}
