use super::*;
use crate::settings::Settings;
use crate::test::{
    check_left, check_left_with, check_levels, check_pod, check_silent, check_with, dedent, fixes,
};
use crate::test::{only, pod};

const ID: &str = "run-as-user";

fn of_image(image: &str, rest: &str) -> String {
    format!("containers: [{{name: a, image: {image}{rest}}}]")
}

#[track_caller]
fn check_fix(spec: &str, level: Level, summary: &str) {
    let found = fixes(&only(ID), &pod(spec));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, &*found[0].1), (level, summary), "{found:?}");
}

#[test]
fn the_image_says_which_user() {
    for (image, level, summary) in [
        ("registry.example.com/a", Level::Review, "set `runAsUser: 1000` and `runAsGroup: 1000`"),
        ("docker.io/prom/prometheus", Level::Safe, "set `runAsUser: 65534` and `runAsGroup: 65534`"),
        (
            "registry.example.com/mirror/prometheus",
            Level::Review,
            "set `runAsUser: 65534` and `runAsGroup: 65534`",
        ),
        ("postgres:17", Level::Review, "set `runAsUser: 999` and `runAsGroup: 999`"),
        ("postgres:17-alpine", Level::Review, "set `runAsUser: 70` and `runAsGroup: 70`"),
        // Their files belong to group 0.
        ("nginxinc/nginx-unprivileged", Level::Safe, "set `runAsUser: 101`"),
        ("quay.io/keycloak/keycloak:26.0", Level::Safe, "set `runAsUser: 1000`"),
        ("quay.io/coreos/etcd:v3.5.0", Level::Review, "set `runAsUser: 1000` and `runAsGroup: 1000`"),
        ("'{{ image }}'", Level::Review, "set `runAsUser: 1000` and `runAsGroup: 1000`"),
    ] {
        check_fix(&of_image(image, ""), level, summary);
    }
}

#[test]
fn a_user_that_somebody_wrote_satisfies() {
    check_silent(ID, &of_image("registry.example.com/a", ", securityContext: {runAsUser: 1}"));
    check_silent(
        ID,
        &format!("securityContext: {{runAsUser: 7}}\n{}", of_image("registry.example.com/a", "")),
    );
    check_silent(ID, &of_image("registry.example.com/a", ", securityContext: {runAsNonRoot: true}"));
    check_silent(
        ID,
        &of_image("quay.io/jetstack/cert-manager-controller:v1", ", securityContext: {runAsNonRoot: yes}"),
    );
}

#[test]
fn an_image_that_the_kubelet_would_not_start_gets_its_number() {
    let context = ", securityContext: {runAsNonRoot: true}";
    check_fix(
        &of_image("docker.io/prom/prometheus", context),
        Level::Safe,
        "set `runAsUser: 65534` and `runAsGroup: 65534`",
    );
}

#[test]
fn a_group_that_somebody_wrote_stays() {
    let with_group = ", securityContext: {runAsGroup: 3000}";
    check_fix(&of_image("registry.example.com/a", with_group), Level::Review, "set `runAsUser: 1000`");
    let spec = format!("securityContext: {{runAsGroup: 3000}}\n{}", of_image("registry.example.com/a", ""));
    check_fix(&spec, Level::Review, "set `runAsUser: 1000`");
}

#[test]
fn root_that_somebody_wrote_is_changed_where_it_stands() {
    check_pod(
        ID,
        "
        containers:
        - name: a
          image: registry.example.com/a
          securityContext:
            runAsUser: 0 # for the log files
            privileged: false
        ",
        "
        containers:
        - name: a
          image: registry.example.com/a
          securityContext:
            runAsUser: 1000 # for the log files
            privileged: false
            runAsGroup: 1000
        ",
    );
    let safe_image = of_image("docker.io/prom/prometheus", ", securityContext: {runAsUser: 0}");
    check_levels(ID, &safe_image, &[Level::Review]);
    let (_, _, reason) = fixes(&only(ID), &pod(&safe_image)).remove(0);
    assert!(reason.starts_with("somebody wrote `runAsUser: 0`"), "{reason}");
}

#[test]
fn root_for_the_whole_pod_is_changed_there() {
    check_pod(
        ID,
        "
        securityContext:
          runAsUser: 0
        containers:
        - name: a
          image: registry.example.com/a
        - name: b
          image: registry.example.com/b
        ",
        "
        securityContext:
          runAsUser: 1000
          runAsGroup: 1000
        containers:
        - name: a
          image: registry.example.com/a
        - name: b
          image: registry.example.com/b
        ",
    );
}

#[test]
fn the_group_of_a_container_with_a_user_of_its_own_stays() {
    check_pod(
        ID,
        "
        securityContext: {runAsUser: 0}
        containers:
        - image: registry.example.com/a
        - image: registry.example.com/b
          securityContext: {runAsUser: 5}
        ",
        "
        securityContext: {runAsUser: 1000}
        containers:
        - image: registry.example.com/a
          securityContext:
            runAsGroup: 1000
        - image: registry.example.com/b
          securityContext: {runAsUser: 5}
        ",
    );
}

#[test]
fn containers_of_different_users_get_their_own() {
    check_pod(
        ID,
        "
        securityContext: {runAsUser: 0}
        containers:
        - image: registry.example.com/a
        - image: docker.io/prom/prometheus
        ",
        "
        securityContext: {runAsUser: 1000}
        containers:
        - image: registry.example.com/a
          securityContext:
            runAsUser: 1000
            runAsGroup: 1000
        - image: docker.io/prom/prometheus
          securityContext:
            runAsUser: 65534
            runAsGroup: 65534
        ",
    );
}

#[test]
fn the_pods_root_stays_for_a_container_that_needs_it() {
    let before = "
        securityContext: {runAsUser: 0}
        initContainers:
        - name: i
          image: registry.example.com/i
          command: [chown, '1000', /data]
        containers:
        - name: a
          image: registry.example.com/a
        ";
    let after = format!("{}  securityContext:\n    runAsUser: 1000\n    runAsGroup: 1000\n", dedent(before));
    check_pod(ID, before, &after);
}

#[test]
fn what_needs_root_is_left() {
    let init = |rest: &str| {
        format!(
            "containers: [{{image: r.io/a, securityContext: {{runAsUser: 5}}}}]\n\
             initContainers: [{{name: i, image: r.io/i, {rest}}}]"
        )
    };
    check_left(ID, &init("command: [sh, -c, chown -R 1000 /data]"), "the init container runs `chown`");
    check_left(ID, &init("command: [sh, -c, chmod 777 /data]"), "`fsGroup` may make it unnecessary");
    check_left(ID, &init("args: [-c, sysctl -w vm.max_map_count=262144]"), "runs `sysctl`");
    check_left(ID, &init("securityContext: {runAsUser: 0}"), "somebody wrote `runAsUser: 0`");
    check_left(ID, &init("restartPolicy: Always, command: [iptables, -L]"), "the sidecar runs `iptables`");
    check_left(ID, &of_image("r.io/a", ", command: [sh, -c, apk add curl; curl x]"), "runs `apk`");
    check_left(ID, &of_image("r.io/a", ", command: [/usr/sbin/sshd, -D]"), "runs `sshd`");
    check_left(ID, &of_image("gitlab/gitlab-ce", ""), "meant to stay root");
    check_left(ID, &of_image("mariadb:11", ""), "whose number is not known");
    check_left(ID, &of_image("apache/kafka:4.0.0", ""), "whose number is not known");
    check_levels(ID, &of_image("r.io/a", ", command: [sh, -c, chmod 600 /tmp/k; app]"), &[Level::Review]);
    check_levels(ID, &init("command: [cp, -r, /plugins, /shared]"), &[Level::Review]);
}

#[test]
fn signs_of_root_are_named() {
    for (context, words) in [
        ("{capabilities: {add: [NET_ADMIN]}}", "no effect for other users than root"),
        ("{privileged: true}", "it is privileged"),
    ] {
        let spec = of_image("r.io/a", &format!(", securityContext: {context}"));
        let (_, _, reason) = fixes(&only(ID), &pod(&spec)).remove(0);
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn a_claim_gets_the_group() {
    check_pod(
        ID,
        "
        containers:
        - image: postgres:17
          volumeMounts:
          - name: data
            mountPath: /var/lib/postgresql/data
        volumes:
        - name: data
          persistentVolumeClaim:
            claimName: data
        ",
        "
        containers:
        - image: postgres:17
          volumeMounts:
          - name: data
            mountPath: /var/lib/postgresql/data
          securityContext:
            runAsUser: 999
            runAsGroup: 999
        volumes:
        - name: data
          persistentVolumeClaim:
            claimName: data
        securityContext:
          fsGroup: 999
          fsGroupChangePolicy: OnRootMismatch
        ",
    );
}

#[test]
fn the_pods_root_stays_for_a_container_that_is_not_changed() {
    for other in ["ephemeralContainers: [{name: e, image: r.io/e}]", "initContainers: [{name: i}]"] {
        let text = pod(&format!("securityContext: {{runAsUser: 0}}\n{}\n{other}", of_image("r.io/a", "")));
        let fixed = crate::test::fix(&only(ID), &text);
        assert!(fixed.contains("securityContext: {runAsUser: 0}"), "{fixed}");
        assert!(fixed.contains("runAsUser: 1000"), "{fixed}");
    }
}

fn stateful_set(pod: &str, class: &str) -> String {
    dedent(&format!(
        "
        apiVersion: apps/v1
        kind: StatefulSet
        spec:
          template:
            spec:
              {pod}
              containers: [{{name: a, image: r.io/a, volumeMounts: [{{name: d, mountPath: /d}}]}}]
          volumeClaimTemplates:
          - metadata: {{name: d}}
            spec: {{storageClassName: {class}}}
        "
    ))
}

#[test]
fn claim_templates_are_claims() {
    let (_, summary, reason) = fixes(&only(ID), &stateful_set("", "csi-disk")).remove(0);
    assert!(summary.ends_with(", and `fsGroup: 1000` for the pod"), "{summary}");
    assert!(reason.contains("lets it write"), "{reason}");
    let (_, _, reason) = fixes(&only(ID), &stateful_set("", "csi-nas")).remove(0);
    assert!(reason.contains("mount options"), "{reason}");
}

#[test]
fn a_group_for_volumes_is_written_only_where_it_is_needed() {
    let has_group =
        |settings: &Settings, text: &str| fixes(settings, text).iter().any(|it| it.1.contains("fsGroup"));
    let settings = only(ID);
    assert!(!has_group(&settings, &stateful_set("securityContext: {fsGroup: 5}", "csi-disk")));
    // The user is the image's own, so nothing changes for its files.
    let own = stateful_set("", "csi-disk").replace("r.io/a", "docker.io/prom/prometheus");
    assert!(!has_group(&settings, &own));
    for source in ["emptyDir: {}", "hostPath: {path: /srv}", "nfs: {server: s, path: /}"] {
        let text = format!(
            "{}\nvolumes: [{{name: v, {source}}}]",
            of_image("r.io/a", ", volumeMounts: [{name: v, mountPath: /v}]")
        );
        assert!(!has_group(&settings, &pod(&text)), "{source}");
    }
    let two = pod("
        containers:
        - {name: a, image: r.io/a, volumeMounts: [{name: v, mountPath: /v}]}
        - {name: b, image: r.io/b, volumeMounts: [{name: v, mountPath: /v}]}
        volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {}}}}]
        ");
    assert_eq!(fixes(&settings, &two).iter().filter(|it| it.1.contains("fsGroup")).count(), 1);
}

#[test]
fn settings_name_the_user() {
    let mut settings = only(ID);
    settings.run_as_user = crate::settings::RunAsUser { uid: 10001, gid: 10002, policy: UidPolicy::Inject };
    assert_eq!(
        fixes(&settings, &pod(&of_image("r.io/a", "")))[0].1,
        "set `runAsUser: 10001` and `runAsGroup: 10002`"
    );
    settings.run_as_user.policy = UidPolicy::Image;
    check_left_with(&settings, &pod(&of_image("r.io/a", "")), "no user is to be guessed");
    let numeric = pod(&of_image("grafana/loki", ""));
    check_with(&settings, &numeric, &numeric);
    let restricted = Settings { profile: Profile::Restricted, ..only(ID) };
    let init = pod(
        "initContainers: [{image: r.io/i, securityContext: {runAsUser: 0}}]\ncontainers: [{image: r.io/a}]",
    );
    assert_eq!(fixes(&restricted, &init).len(), 1);
    let absent = pod(&of_image("r.io/a", ""));
    check_with(&restricted, &absent, &absent);
}

#[test]
fn a_path_of_the_node_is_named_where_another_user_may_not_write() {
    let reason = |image: &str, mount: &str| {
        let spec = format!(
            "
            containers: [{{name: a, image: {image}, volumeMounts: [{{name: v, mountPath: /v{mount}}}]}}]
            volumes: [{{name: v, hostPath: {{path: /opt/data}}}}]
            "
        );
        fixes(&only(ID), &pod(&spec)).remove(0).2
    };
    let is_named = |reason: &str| reason.contains("`/opt/data` of the node, which no `fsGroup` reaches");
    assert!(is_named(&reason("r.io/a", "")), "{}", reason("r.io/a", ""));
    for (image, mount) in [("r.io/a", ", readOnly: true"), ("docker.io/prom/prometheus", "")] {
        assert!(!is_named(&reason(image, mount)), "{image}{mount}");
    }
}

#[test]
fn users_that_share_a_volume_are_reviewed() {
    let spec = |volume: &str, of_other: &str, group: &str| {
        format!(
            "
            {group}
            containers:
            - {{name: a, image: docker.io/prom/prometheus, volumeMounts: [{{name: v, mountPath: /v}}]}}
            - {{name: b, image: r.io/b, securityContext: {{runAsUser: 5}}, volumeMounts: [{{name: v, mountPath: /v{of_other}}}]}}
            volumes: [{{name: v, {volume}}}]
            "
        )
    };
    let level = |text: &str| fixes(&only(ID), &pod(text)).remove(0);
    for volume in ["emptyDir: {}", "persistentVolumeClaim: {claimName: c}"] {
        for of_other in ["", ", readOnly: true"] {
            let (level, summary, reason) = level(&spec(volume, of_other, ""));
            assert_eq!(level, Level::Review, "{volume}");
            assert!(!summary.contains("fsGroup"), "{summary}");
            assert!(reason.contains("shares the volume `v` with container `b` of user 5"), "{reason}");
        }
    }
    for (volume, of_other, group) in
        [("configMap: {name: c}", "", ""), ("emptyDir: {}", "", "securityContext: {fsGroup: 3}")]
    {
        assert_eq!(level(&spec(volume, of_other, group)).0, Level::Safe, "{volume}");
    }
    // Neither of them is written yet.
    let written =
        spec("emptyDir: {}", "", "").replace("r.io/b, securityContext: {runAsUser: 5}", "nginx:1.27");
    let (_, _, reason) = level(&written);
    assert!(reason.contains("shares the volume `v` with container `b` of user 101"), "{reason}");
    let same = spec("emptyDir: {}", "", "").replace("runAsUser: 5", "runAsUser: 65534");
    assert_eq!(level(&same).0, Level::Safe);
    let neither_writes = spec("emptyDir: {}", ", readOnly: true", "").replace("/v}", "/v, readOnly: true}");
    assert_eq!(level(&neither_writes).0, Level::Safe);
}

#[test]
fn nobody_becomes_istios_proxy() {
    let mut settings = only(ID);
    settings.run_as_user.uid = 1337;
    let injected = pod(&of_image("r.io/a", ""))
        .replace("name: example", "name: example\n  labels: {sidecar.istio.io/inject: \"true\"}");
    check_left_with(&settings, &injected, "user 1337");
    assert_eq!(fixes(&settings, &pod(&of_image("r.io/a", ""))).len(), 1);
}

#[test]
fn no_number_is_no_user() {
    let with = |user: &str| of_image("r.io/a", &format!(", securityContext: {{runAsUser: {user}}}"));
    check_left(ID, &with("'1000'"), "`runAsUser` in line 6 is text");
    for user in ["-1", "2147483648", "1.5", "nobody", "true", "[1000]"] {
        check_left(ID, &with(user), "not a number from 0 to 2147483647");
    }
    check_levels(ID, &with("~"), &[Level::Review]);
    check_left(ID, &of_image("r.io/a", ", command: sh"), "`command` in line 6 is text, not a list");
    check_left(
        ID,
        &of_image("r.io/a", ", securityContext: text"),
        "`securityContext` in line 6 is text, not a map",
    );
}
