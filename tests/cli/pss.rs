//! `cce-fix pss`.

use serde_json::{Value, json};

use crate::common::Folder;

const WEB: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 1000}
      containers:
      - name: web
        image: registry.example.com/web:1
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
";

const AGENT: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: agent}
spec:
  os: {name: windows}
  securityContext: {runAsNonRoot: true}
  containers:
  - name: agent
    image: quay.io/prometheus/node-exporter:v1
    livenessProbe: {httpGet: {host: 127.0.0.1, port: 80}}
";

fn folder() -> Folder {
    Folder::with(&[("b/web.yaml", WEB), ("a/agent.yaml", AGENT), ("values.yaml", "replicas: 2\n")])
}

#[test]
fn each_workload_is_judged_now_and_after_fixing() {
    let seccomp = "spec.template.spec.containers[0].securityContext.seccompProfile.type";
    let host = "spec.containers[0].livenessProbe.httpGet.host";
    let expected = format!(
        "a/agent.yaml:1:1: Pod agent: privileged now, privileged after fixing (policy 1.37)\n  \
           left: hostProbesAndHostLifecycle: {host}: must be empty or absent\n\
         b/web.yaml:5:1: Deployment shop/web: baseline now, restricted after fixing (policy 1.37)\n  \
           fixed: seccompProfile_restricted: {seccomp}: must be `RuntimeDefault` or `Localhost`, here or for the pod\n"
    );
    let folder = folder();
    folder.run(&["pss"]).expect(0, &expected, "");
    folder.run(&["pss", "."]).expect(0, &expected, "");
    folder.run(&["pss", "b/web.yaml", "a"]).expect(0, &expected, "");
    assert_eq!(folder.read("b/web.yaml"), WEB, "nothing is written");
}

#[test]
fn another_version_judges_otherwise_and_is_named() {
    let ran = folder().run(&["pss", "--target", "v1.30.2-r0", "a"]);
    ran.expect(0, "a/agent.yaml:1:1: Pod agent: restricted now, restricted after fixing (policy 1.30)\n", "");
    let ran = folder().run(&["pss", "--target", "1.18", "b"]);
    ran.expect(
        0,
        "b/web.yaml:5:1: Deployment shop/web: restricted now, restricted after fixing (policy 1.18)\n",
        "",
    );
    folder().run(&["pss", "--target", "1.99"]).expect(2, "", "1.37");
}

#[test]
fn other_programs_read_an_array() {
    let ran = folder().run(&["pss", "-o", "json", "b"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    let expected = json!([{
        "file": "b/web.yaml",
        "document": 1,
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web",
        "version": "1.37",
        "level": "baseline",
        "reachable": "restricted",
        "checks": [{
            "id": "seccompProfile_restricted",
            "path": "spec.template.spec.containers[0].securityContext.seccompProfile.type",
            "detail": "must be `RuntimeDefault` or `Localhost`, here or for the pod",
        }],
    }]);
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap(), expected);
    Folder::new().run(&["pss", "-o", "json"]).expect(0, "[]\n", "");
}

#[test]
fn nothing_is_claimed_of_a_pod_that_an_operator_completes() {
    let text = "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: k8s}\nspec: {}\n";
    let folder = Folder::with(&[("k8s.yaml", text)]);
    let line = "k8s.yaml:1:1: Prometheus k8s: not known, as an operator completes the pod\n";
    folder.run(&["pss"]).expect(0, line, "");
    let json = folder.run(&["pss", "-o", "json"]).stdout;
    let found = &serde_json::from_str::<Value>(&json).unwrap()[0];
    assert_eq!(
        (&found["level"], &found["reachable"], &found["checks"]),
        (&json!(null), &json!(null), &json!([]))
    );
}

#[test]
fn what_cannot_be_handled_is_said_and_the_rest_is_judged() {
    let folder = folder();
    folder.write("a/broken.yaml", b"apiVersion: v1\nkind: Pod\nmetadata: {\n");
    let ran = folder.run(&["pss", "-o", "json", "a", "missing"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("a/broken.yaml:") && ran.stderr.contains("missing: no such file"), "{ran:?}");
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap().as_array().unwrap().len(), 1);
    folder.run(&["pss", "-", "a"]).expect(2, "", "cannot be mixed");
}

#[test]
fn a_broken_configuration_is_told_once_and_stops_its_own_files_alone() {
    let folder = folder();
    folder.write("a/.cce-fix.yaml", b"saef: true\n");
    folder.write("a/other.yaml", AGENT.as_bytes());
    let ran = folder.run(&["pss"]);
    assert_eq!((ran.code, ran.stdout.matches(" after fixing ").count()), (Some(2), 1), "{ran:?}");
    assert!(ran.stdout.starts_with("b/web.yaml:"), "{ran:?}");
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.lines().count() == 1, "{ran:?}");
    assert!(ran.stderr.contains("unknown field `saef`"), "{ran:?}");
}

#[test]
fn stdin_is_judged_and_a_folder_of_that_name_can_be_given() {
    let line = "stdin.yaml:1:1: Pod agent: restricted now, restricted after fixing (policy 1.30)\n";
    folder().run_with(&["pss", "--target", "1.30", "-"], AGENT.as_bytes()).expect(0, line, "");
    let folder = Folder::with(&[("pss/web.yaml", WEB)]);
    folder.run(&["--list", "./pss"]).expect(1, "pss/web.yaml\n", "");
    folder.run(&["--list", "pss"]).expect(1, "pss/web.yaml\n", "");
    assert!(
        folder.run(&["pss"]).stdout.starts_with("pss/web.yaml:5:1: Deployment"),
        "it is a command in front"
    );
}

#[test]
fn a_run_says_how_far_its_workloads_get() {
    let folder = folder();
    let ran = folder.run(&["--check", "--profile", "restricted", "--target", "1.34", "."]);
    let line = "Pod Security 1.34: 1 privileged, 1 baseline, 0 restricted; \
                after the fixes 1 privileged, 0 baseline, 1 restricted\n";
    assert!(ran.stderr.contains(line), "{ran:?}");
    let ran = folder.run(&["--check", "-v", "--safe", "--select", "resources", "b"]);
    for line in [
        "b/web.yaml:5:1: pod-security: Deployment shop/web: baseline now, baseline after the fixes (policy 1.28)\n",
        "b/web.yaml:5:1: pod-security: Deployment shop/web: in the way of restricted: seccompProfile_restricted: spec.",
    ] {
        assert!(ran.stderr.contains(line), "{ran:?}");
    }
    let ran = Folder::with(&[("a.yaml", "apiVersion: v1\nkind: ConfigMap\n")]).run(&["--check", "."]);
    assert!(!ran.stderr.contains("Pod Security"), "no workload, no line: {ran:?}");
}
