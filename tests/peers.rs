//! The inputs on which other fixers break, one test each, numbered as in the study of the peers.
//!
//! What has to come out is written from the rules of this program: nothing that is there is lost, moved or
//! overwritten, and what is added stands where it belongs. The comments say which tool does what wrong.

use std::path::Path;

use cce_fix::engine::{self, Examined, Purpose};
use cce_fix::input::kind::FileKind;
use transforms::{ALL, Level, Outcome, Settings, State};

use crate::common::Folder;

const RUN_AS_USER: &[&str] = &["run-as-user"];
const CAPABILITIES: &[&str] = &["capabilities"];
const SECCOMP: &[&str] = &["seccomp-profile"];
const READ_ONLY: &[&str] = &["read-only-root-filesystem"];
const RESOURCES: &[&str] = &["resources"];

/// All that these tests are about. Later transforms have their own tests.
const SEVEN: &[&str] = &[
    "mount-propagation",
    "run-as-user",
    "capabilities",
    "unprivileged-port",
    "seccomp-profile",
    "read-only-root-filesystem",
    "resources",
];

/// `text` as it is examined by the transforms `ids`.
fn examine(ids: &[&str], text: &str) -> Examined {
    let select = ids.iter().map(|id| (*id).to_owned()).collect();
    let settings = Settings { select: Some(select), ..Settings::default() };
    engine::examine(text.as_bytes(), Path::new("pod.yaml"), &settings, Purpose::Text)
}

/// `before` becomes `after`, byte for byte, and stays so.
#[track_caller]
fn becomes(ids: &[&str], before: &str, after: &str) {
    let examined = examine(ids, before);
    assert_eq!(examined.problems, [], "{before}");
    let text = examined.text.expect("something should change");
    assert_eq!(text, after, "\n--- wanted\n{after}\n--- got\n{text}");
    assert_eq!(examine(ids, after).text, None, "a second run changes something");
}

/// `text` is looked at without a complaint, and left as it is.
#[track_caller]
fn stays(ids: &[&str], text: &str) {
    let examined = examine(ids, text);
    assert_eq!((examined.text, examined.problems.as_slice()), (None, [].as_slice()));
}

/// The reasons for which something is left.
fn reasons(ids: &[&str], text: &str) -> Vec<String> {
    let examined = examine(ids, text);
    let findings = examined.plans.iter().flat_map(|(_, plan)| &plan.pods).flat_map(|pod| &pod.findings);
    let left = findings.filter_map(|judged| match &judged.state {
        State::Left(left) => Some(left.reason.clone()),
        _ => None,
    });
    left.collect()
}

// ---------------------------------------------------------------- Polaris

/// Polaris writes its own numbers over those that are there, and loses the comments beside them.
#[test]
fn polaris_1_values_that_are_there() {
    becomes(
        SEVEN,
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 5
  template:
    spec:
      priorityClassName: batch
      containers:
      - name: web
        image: registry.example.com/web:1
        imagePullPolicy: IfNotPresent
        resources:
          limits:
            cpu: "2"      # measured in May
            memory: 4Gi
        securityContext:
          runAsUser: 0x3e8
          capabilities:
            drop: ["ALL"]
"#,
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 5
  template:
    spec:
      priorityClassName: batch
      containers:
      - name: web
        image: registry.example.com/web:1
        imagePullPolicy: IfNotPresent
        resources:
          limits:
            cpu: "2"      # measured in May
            memory: 4Gi
        securityContext:
          runAsUser: 0x3e8
          capabilities:
            drop: ["ALL"]
          readOnlyRootFilesystem: true
        volumeMounts:
        - name: tmp
          mountPath: /tmp
      securityContext:
        seccompProfile:
          type: RuntimeDefault
      volumes:
      - name: tmp
        emptyDir: {}
"#,
    );
}

/// Polaris puts a second handler into a probe, and its delay twice; the API server refuses that.
#[test]
fn polaris_2_probe_with_a_handler() {
    becomes(
        SEVEN,
        "\
apiVersion: v1
kind: Pod
metadata:
  name: probed
spec:
  containers:
  - name: web
    image: registry.example.com/web:1
    livenessProbe:
      httpGet:
        path: /healthz
        port: 8080
      initialDelaySeconds: 30
",
        "\
apiVersion: v1
kind: Pod
metadata:
  name: probed
spec:
  containers:
  - name: web
    image: registry.example.com/web:1
    livenessProbe:
      httpGet:
        path: /healthz
        port: 8080
      initialDelaySeconds: 30
    securityContext:
      runAsUser: 1000
      runAsGroup: 1000
      capabilities:
        drop:
        - ALL
      readOnlyRootFilesystem: true
    volumeMounts:
    - name: tmp
      mountPath: /tmp
    resources:
      requests:
        cpu: 250m
        memory: 512Mi
      limits:
        cpu: 250m
        memory: 512Mi
  securityContext:
    seccompProfile:
      type: RuntimeDefault
  volumes:
  - name: tmp
    emptyDir: {}
",
    );
}

/// Polaris drops `ALL` and leaves it granted, which wins with Docker.
#[test]
fn polaris_3_all_granted() {
    becomes(
        CAPABILITIES,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: flow
    image: registry.example.com/a:1
    securityContext: {capabilities: {add: [ALL]}}
  - name: block
    image: registry.example.com/b:1
    securityContext:
      capabilities:
        add:
        - ALL
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: flow
    image: registry.example.com/a:1
    securityContext: {capabilities: {drop: [ALL]}}
  - name: block
    image: registry.example.com/b:1
    securityContext:
      capabilities:
        drop:
        - ALL
",
    );
}

/// Polaris deletes the whole list of granted capabilities, the harmless one included.
#[test]
fn polaris_4_harmless_capability_granted() {
    becomes(
        CAPABILITIES,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: web
    image: registry.example.com/a:1
    securityContext:
      capabilities:
        add:
        - NET_BIND_SERVICE # port 80
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: web
    image: registry.example.com/a:1
    securityContext:
      capabilities:
        add:
        - NET_BIND_SERVICE # port 80
        drop:
        - ALL
",
    );
}

/// Polaris writes the pod's settings at the root of the document.
#[test]
fn polaris_5_replica_set_and_unknown_kind() {
    becomes(
        SECCOMP,
        "\
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1
",
        "\
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1
      securityContext:
        seccompProfile:
          type: RuntimeDefault
",
    );
    let unknown = "\
apiVersion: example.com/v1
kind: Widget
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1
";
    stays(SEVEN, unknown);
}

/// Polaris takes `---` alone for a separator, and deletes everything behind another one.
#[test]
fn polaris_6_separator_with_a_comment_or_a_blank() {
    becomes(
        SECCOMP,
        "\
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  containers:
  - {name: a, image: registry.example.com/a:1}
--- # note
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  containers:
  - {name: a, image: registry.example.com/a:1}
---\x20
apiVersion: v1
kind: Service
metadata: {name: three}
",
        "\
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  containers:
  - {name: a, image: registry.example.com/a:1}
  securityContext:
    seccompProfile:
      type: RuntimeDefault
--- # note
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  containers:
  - {name: a, image: registry.example.com/a:1}
  securityContext:
    seccompProfile:
      type: RuntimeDefault
---\x20
apiVersion: v1
kind: Service
metadata: {name: three}
",
    );
}

/// Polaris puts `null` where a document has comments alone.
#[test]
fn polaris_7_first_document_of_comments() {
    becomes(
        SECCOMP,
        "\
# Copyright The Authors
# SPDX-License-Identifier: Apache-2.0
---
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
",
        "\
# Copyright The Authors
# SPDX-License-Identifier: Apache-2.0
---
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
  securityContext:
    seccompProfile:
      type: RuntimeDefault
",
    );
}

/// Polaris gives the documents of a file back in any order.
#[test]
fn polaris_8_order_of_documents() {
    becomes(
        SECCOMP,
        "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1
---
apiVersion: v1
kind: Service
metadata:
  name: web
",
        "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1
      securityContext:
        seccompProfile:
          type: RuntimeDefault
---
apiVersion: v1
kind: Service
metadata:
  name: web
",
    );
}

const ALIAS: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: twins
spec:
  containers:
  - name: left
    image: registry.example.com/left:1
    securityContext: &sc
      allowPrivilegeEscalation: false
  - name: right
    image: registry.example.com/right:1
    securityContext: *sc
";

/// Polaris ends the run over a folder at the first alias.
#[test]
fn polaris_9_alias_in_one_file_of_a_folder() {
    let folder = Folder::with(&[("a.yaml", ALIAS), ("b.yaml", PLAIN)]);
    folder.run(&["."]).expect(0, "", "2 files looked at, 2 changed");
    let (aliased, plain) = (folder.read("a.yaml"), folder.read("b.yaml"));
    let added = "    securityContext: &sc\n      allowPrivilegeEscalation: false\n      runAsUser: 1000\n";
    assert!(aliased.contains(added) && aliased.contains("    securityContext: *sc\n"), "{aliased}");
    assert_eq!(aliased.matches("runAsUser").count(), 1, "{aliased}");
    assert!(plain.contains("runAsUser: 1000"), "{plain}");
}

const PLAIN: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: plain
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
";

/// Polaris panics where a workload has no spec, or text in place of a template.
#[test]
fn polaris_10_nothing_and_text_in_place_of_a_spec() {
    for text in [
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: null\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: gold}\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {template: gold}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: null}\n",
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: [1]}\n",
    ] {
        stays(SEVEN, text);
    }
}

/// Polaris ends the run at a file that is a list, with the files before it already rewritten.
#[test]
fn polaris_11_list_at_the_top() {
    let pipeline = "- stage: build\n  script: make\n- stage: test\n  kind: unit\n  apiVersion: none\n";
    let folder = Folder::with(&[("a.yaml", PLAIN), ("ci.yaml", pipeline), ("z.yaml", PLAIN)]);
    folder.run(&["."]).expect(0, "", "2 files looked at, 2 changed");
    assert_eq!(folder.read("ci.yaml"), pipeline);
    assert_eq!(folder.read("a.yaml"), folder.read("z.yaml"));
}

/// Polaris adds `runAsNonRoot: true` beside `runAsUser: 0`, and the container never starts.
#[test]
fn polaris_12_user_zero_in_a_container() {
    let before = "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext:
      runAsUser: 0
      runAsNonRoot: false
";
    let after = "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext:
      runAsUser: 1000
      runAsNonRoot: false
      runAsGroup: 1000
";
    becomes(RUN_AS_USER, before, after);
}

/// Polaris turns CRLF into LF, takes the byte order mark and blank lines away, and indents lists anew.
#[test]
fn polaris_13_crlf_and_byte_order_mark() {
    let before = "\u{feff}apiVersion: v1\n\nkind: Pod\nspec:\n  containers:\n\n  -   name: a\n      image: registry.example.com/a:1\n\n      env:\n        - name: A\n          value: b\n\n\n  restartPolicy: Always\n";
    let after = "\u{feff}apiVersion: v1\n\nkind: Pod\nspec:\n  containers:\n\n  -   name: a\n      image: registry.example.com/a:1\n\n      env:\n        - name: A\n          value: b\n      securityContext:\n        runAsUser: 1000\n        runAsGroup: 1000\n\n\n  restartPolicy: Always\n";
    becomes(RUN_AS_USER, before, after);
    becomes(RUN_AS_USER, &before.replace('\n', "\r\n"), &after.replace('\n', "\r\n"));
}

/// Polaris moves a commented-out item into the item above it, and the last comment into the list of volumes. Here
/// comments behind the last key of a map stay behind what is added to it.
#[test]
fn polaris_14_commented_out_items() {
    becomes(
        READ_ONLY,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    env:
    - name: A
      value: b
    # - name: DEBUG
    #   value: \"1\"
  volumes:
  - name: data
    emptyDir: {}
  # end of the pod
---
# nothing follows
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    env:
    - name: A
      value: b
    securityContext:
      readOnlyRootFilesystem: true
    volumeMounts:
    - name: tmp
      mountPath: /tmp
    # - name: DEBUG
    #   value: \"1\"
  volumes:
  - name: data
    emptyDir: {}
  - name: tmp
    emptyDir: {}
  # end of the pod
---
# nothing follows
",
    );
}

/// Polaris flows folded text into one line, and indents literal text anew.
#[test]
fn polaris_15_folded_and_literal_text() {
    becomes(
        SECCOMP,
        "\
apiVersion: v1
kind: Pod
metadata:
  annotations:
    note: >-
      one line,
      another line,

      and a third
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    args:
    - |
         echo three
           echo five
",
        "\
apiVersion: v1
kind: Pod
metadata:
  annotations:
    note: >-
      one line,
      another line,

      and a third
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    args:
    - |
         echo three
           echo five
  securityContext:
    seccompProfile:
      type: RuntimeDefault
",
    );
}

const TEMPLATE: &str = "\
apiVersion: apps/v1
kind: Deployment
spec:
  replicas: {{ .Values.replicaCount }}
  template:
    spec:
      containers:
      - name: web
        image: {{ .Values.image }}
        ports:
        - containerPort: {{ .Values.port }}
        resources:
          {{- toYaml .Values.resources | nindent 10 }}
        {{- end }}
";

/// Polaris evaluates parts of a template, moves its lines, or ends the run at a port that is no number.
#[test]
fn polaris_16_and_17_template() {
    assert_eq!(examine(SEVEN, TEMPLATE).kind, FileKind::Template);
    let folder = Folder::with(&[("deploy.yaml", TEMPLATE)]);
    folder.run(&["."]).expect(0, "", "passed over: 1 template");
    folder.run(&["deploy.yaml"]).expect(2, "", "helm template");
    assert_eq!(folder.read("deploy.yaml"), TEMPLATE);
    let port = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: b\n    ports:\n    - containerPort: {{ .Values.port }}\n";
    assert_eq!(examine(SEVEN, port).kind, FileKind::Template);
}

/// Polaris fixes next to nothing unless it is told what to check.
#[test]
fn polaris_18_without_a_selection_everything_runs() {
    let examined =
        engine::examine(PLAIN.as_bytes(), Path::new("a.yaml"), &Settings::default(), Purpose::Answer);
    for id in ALL.iter().map(|transform| transform.meta().id) {
        let mut findings =
            examined.plans.iter().flat_map(|(_, plan)| &plan.pods).flat_map(|pod| &pod.findings);
        assert!(findings.any(|judged| judged.finding.transform.id == id), "{id}");
    }
}

/// Polaris names a priority class that does not exist, and the pods are refused.
#[test]
fn polaris_19_nothing_that_has_to_exist_elsewhere() {
    let text = examine(SEVEN, PLAIN).text.unwrap();
    for key in [
        "priorityClassName",
        "serviceAccountName",
        "runtimeClassName",
        "configMap",
        "secret",
        "localhostProfile",
    ] {
        assert!(!text.contains(key), "{key}: {text}");
    }
}

// ---------------------------------------------------------------- kubeaudit

/// kubeaudit writes `!!float 500m` for `0.5`, and another unit for `1024Mi`.
#[test]
fn kubeaudit_20_quantities_as_they_are_written() {
    becomes(
        RESOURCES,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    resources:
      requests: {cpu: 0.5, memory: 1024Mi}
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    resources:
      requests: {cpu: 0.5, memory: 1024Mi}
      limits:
        cpu: 750m
        memory: 1536Mi
",
    );
}

/// kubeaudit merges two ports of one number, though their protocols differ.
#[test]
fn kubeaudit_21_one_port_by_two_protocols() {
    becomes(
        SECCOMP,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: dns
    image: registry.example.com/dns:1
    ports:
    - {containerPort: 80, protocol: TCP, name: http}
    - {containerPort: 80, protocol: UDP}
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: dns
    image: registry.example.com/dns:1
    ports:
    - {containerPort: 80, protocol: TCP, name: http}
    - {containerPort: 80, protocol: UDP}
  securityContext:
    seccompProfile:
      type: RuntimeDefault
",
    );
}

/// kubeaudit drops fields that its old types do not know; without `restartPolicy` the sidecar blocks the pod.
#[test]
fn kubeaudit_22_native_sidecar_and_other_new_fields() {
    becomes(
        RUN_AS_USER,
        "\
apiVersion: batch/v1
kind: Job
spec:
  podFailurePolicy:
    rules:
    - {action: Ignore, onPodConditions: [{type: DisruptionTarget, status: \"True\"}]}
  template:
    spec:
      hostUsers: true
      schedulingGates: [{name: example.com/hold}]
      initContainers:
      - name: proxy
        image: registry.example.com/proxy:1
        restartPolicy: Always
      containers:
      - name: a
        image: registry.example.com/a:1
        resizePolicy:
        - {resourceName: cpu, restartPolicy: NotRequired}
        securityContext:
          appArmorProfile: {type: RuntimeDefault}
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [a]}
",
        "\
apiVersion: batch/v1
kind: Job
spec:
  podFailurePolicy:
    rules:
    - {action: Ignore, onPodConditions: [{type: DisruptionTarget, status: \"True\"}]}
  template:
    spec:
      hostUsers: true
      schedulingGates: [{name: example.com/hold}]
      initContainers:
      - name: proxy
        image: registry.example.com/proxy:1
        restartPolicy: Always
        securityContext:
          runAsUser: 1000
          runAsGroup: 1000
      containers:
      - name: a
        image: registry.example.com/a:1
        resizePolicy:
        - {resourceName: cpu, restartPolicy: NotRequired}
        securityContext:
          appArmorProfile: {type: RuntimeDefault}
          runAsUser: 1000
          runAsGroup: 1000
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [a]}
",
    );
}

/// kubeaudit splits the file wherever a line has dashes in it.
#[test]
fn kubeaudit_23_dashes_that_separate_nothing() {
    becomes(
        SECCOMP,
        "\
# -------------------------------------------------
# the certificate
# -------------------------------------------------
apiVersion: v1
kind: ConfigMap
metadata:
  name: ca
data:
  ca.pem: |
    -----BEGIN CERTIFICATE-----
    MIIBszCCAVmgAwIBAgIUBv
    -----END CERTIFICATE-----
  notes: |
    ---
    apiVersion: v1
    kind: Pod
---
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
",
        "\
# -------------------------------------------------
# the certificate
# -------------------------------------------------
apiVersion: v1
kind: ConfigMap
metadata:
  name: ca
data:
  ca.pem: |
    -----BEGIN CERTIFICATE-----
    MIIBszCCAVmgAwIBAgIUBv
    -----END CERTIFICATE-----
  notes: |
    ---
    apiVersion: v1
    kind: Pod
---
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
  securityContext:
    seccompProfile:
      type: RuntimeDefault
",
    );
}

/// kubeaudit empties the file before it knows that it has something to write.
#[test]
fn kubeaudit_24_error_in_the_middle_of_a_file() {
    let broken = format!("{PLAIN}---\napiVersion: v1\nkind: Pod\nspec: {{containers: [\n");
    let folder = Folder::with(&[("broken.yaml", &broken)]);
    folder.run(&["."]).expect(2, "", "broken.yaml:12:7: error: not valid YAML");
    assert_eq!(folder.read("broken.yaml"), broken);
}

/// kubeaudit deletes a key with the comment beside it, though its value is the wanted one.
#[test]
fn kubeaudit_25_wanted_value_with_a_comment() {
    becomes(
        SECCOMP,
        "\
apiVersion: v1
kind: Pod
spec:
  hostNetwork: false # explicit
  hostPID: false
  containers:
  - name: a
    image: registry.example.com/a:1
",
        "\
apiVersion: v1
kind: Pod
spec:
  hostNetwork: false # explicit
  hostPID: false
  containers:
  - name: a
    image: registry.example.com/a:1
  securityContext:
    seccompProfile:
      type: RuntimeDefault
",
    );
}

/// kubeaudit leaves `creationTimestamp: null` in a flow map, and writes an alias out.
#[test]
fn kubeaudit_26_flow_maps_and_aliased_labels() {
    becomes(
        SECCOMP,
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: &labels {app: web}}
spec:
  selector: {matchLabels: *labels}
  template:
    metadata: {labels: *labels}
    spec:
      containers: [{name: web, image: registry.example.com/web:1}]
",
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: &labels {app: web}}
spec:
  selector: {matchLabels: *labels}
  template:
    metadata: {labels: *labels}
    spec:
      containers: [{name: web, image: registry.example.com/web:1}]
      securityContext:
        seccompProfile:
          type: RuntimeDefault
",
    );
}

/// kubeaudit leaves a `status` of zeros behind.
#[test]
fn kubeaudit_27_no_status_comes_and_none_goes() {
    becomes(
        SECCOMP,
        "\
apiVersion: apps/v1
kind: StatefulSet
spec:
  template:
    spec:
      containers:
      - name: a
        image: registry.example.com/a:1
---
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
      - name: a
        image: registry.example.com/a:1
status:
  replicas: 0
---
apiVersion: policy/v1
kind: PodDisruptionBudget
spec:
  minAvailable: 1
",
        "\
apiVersion: apps/v1
kind: StatefulSet
spec:
  template:
    spec:
      containers:
      - name: a
        image: registry.example.com/a:1
      securityContext:
        seccompProfile:
          type: RuntimeDefault
---
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
      - name: a
        image: registry.example.com/a:1
      securityContext:
        seccompProfile:
          type: RuntimeDefault
status:
  replicas: 0
---
apiVersion: policy/v1
kind: PodDisruptionBudget
spec:
  minAvailable: 1
",
    );
}

/// kubeaudit keeps the pod's `runAsUser: 0` beside `runAsNonRoot: true`, and the containers never start.
#[test]
fn kubeaudit_28_user_zero_of_the_pod() {
    becomes(
        RUN_AS_USER,
        "\
apiVersion: v1
kind: Pod
spec:
  securityContext:
    runAsUser: 0
    runAsGroup: 0
  containers:
  - name: a
    image: registry.example.com/a:1
  - name: b
    image: registry.example.com/b:1
    securityContext: {runAsUser: 1000}
",
        "\
apiVersion: v1
kind: Pod
spec:
  securityContext:
    runAsUser: 1000
    runAsGroup: 0
  containers:
  - name: a
    image: registry.example.com/a:1
  - name: b
    image: registry.example.com/b:1
    securityContext: {runAsUser: 1000}
",
    );
}

/// kubeaudit passes over cron jobs of `batch/v1` and replica sets, and does not say so.
#[test]
fn kubeaudit_29_cron_job_and_replica_set() {
    becomes(
        SECCOMP,
        "\
apiVersion: batch/v1
kind: CronJob
spec:
  schedule: '@daily'
  jobTemplate:
    spec:
      template:
        spec:
          containers:
          - name: a
            image: registry.example.com/a:1
---
apiVersion: apps/v1
kind: ReplicaSet
spec:
  template:
    spec:
      containers:
      - name: a
        image: registry.example.com/a:1
",
        "\
apiVersion: batch/v1
kind: CronJob
spec:
  schedule: '@daily'
  jobTemplate:
    spec:
      template:
        spec:
          containers:
          - name: a
            image: registry.example.com/a:1
          securityContext:
            seccompProfile:
              type: RuntimeDefault
---
apiVersion: apps/v1
kind: ReplicaSet
spec:
  template:
    spec:
      containers:
      - name: a
        image: registry.example.com/a:1
      securityContext:
        seccompProfile:
          type: RuntimeDefault
",
    );
}

/// kubeaudit adds a network policy for every namespace, which cuts the pods off from DNS.
#[test]
fn kubeaudit_30_namespace() {
    stays(SEVEN, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n");
}

/// kubeaudit adds an annotation for `AppArmor`, which newer clusters hold against the field.
#[test]
fn kubeaudit_31_app_armor_in_an_annotation() {
    let before = "\
apiVersion: v1
kind: Pod
metadata:
  annotations:
    container.apparmor.security.beta.kubernetes.io/a: localhost/strict
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
";
    let after = examine(SEVEN, before).text.unwrap();
    assert!(after.starts_with(before), "{after}");
    assert!(!after.contains("appArmorProfile"), "{after}");
}

// ---------------------------------------------------------------- Kubescape

/// Kubescape writes block lines into a flow map, 21 columns deep.
#[test]
fn kubescape_32_flow_map_with_a_comment() {
    becomes(
        RUN_AS_USER,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    securityContext: {privileged: true}   # legacy
    image: registry.example.com/a:1
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    securityContext: {privileged: true, runAsUser: 1000, runAsGroup: 1000}   # legacy
    image: registry.example.com/a:1
",
    );
}

/// Kubescape writes block lines behind an item in flow style.
#[test]
fn kubescape_33_container_in_flow_style() {
    becomes(
        RUN_AS_USER,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - {name: a, image: registry.example.com/a:1}
  - { name: b, image: registry.example.com/b:1, }
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - {name: a, image: registry.example.com/a:1, securityContext: {runAsUser: 1000, runAsGroup: 1000}}
  - { name: b, image: registry.example.com/b:1, securityContext: { runAsUser: 1000, runAsGroup: 1000 } }
",
    );
}

/// Kubescape writes the comment above a changed line a second time.
#[test]
fn kubescape_34_comment_above_a_changed_value() {
    becomes(
        RUN_AS_USER,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext:
      runAsGroup: 3000
      # why root? JIRA-1
      runAsUser: 0 # and here
      # this one is about escalation
      allowPrivilegeEscalation: false
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext:
      runAsGroup: 3000
      # why root? JIRA-1
      runAsUser: 1000 # and here
      # this one is about escalation
      allowPrivilegeEscalation: false
",
    );
}

/// Kubescape takes the last line of a script for a comment, and cuts the script in two.
#[test]
fn kubescape_35_script_that_ends_like_a_comment() {
    becomes(
        RUN_AS_USER,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    command: [sh, -c]
    args:
    - |
      set -e
      exec app

      # end
  # a comment of the list
  restartPolicy: Never
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    command: [sh, -c]
    args:
    - |
      set -e
      exec app

      # end
    securityContext:
      runAsUser: 1000
      runAsGroup: 1000
  # a comment of the list
  restartPolicy: Never
",
    );
}

/// Kubescape counts documents by lines of three dashes, and fixes the wrong one.
#[test]
fn kubescape_36_separator_with_a_comment_before_another_document() {
    becomes(
        RUN_AS_USER,
        "\
apiVersion: v1
kind: Pod
metadata: {name: first}
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
--- # second
apiVersion: v1
kind: Pod
metadata: {name: second}
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext:
      runAsUser: 2000
",
        "\
apiVersion: v1
kind: Pod
metadata: {name: first}
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext:
      runAsUser: 1000
      runAsGroup: 1000
--- # second
apiVersion: v1
kind: Pod
metadata: {name: second}
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext:
      runAsUser: 2000
",
    );
}

/// Kubescape takes the column of an anchor for that of the map below it.
#[test]
fn kubescape_37_anchor_in_front_of_a_map() {
    becomes(
        RUN_AS_USER,
        ALIAS,
        "\
apiVersion: v1
kind: Pod
metadata:
  name: twins
spec:
  containers:
  - name: left
    image: registry.example.com/left:1
    securityContext: &sc
      allowPrivilegeEscalation: false
      runAsUser: 1000
      runAsGroup: 1000
  - name: right
    image: registry.example.com/right:1
    securityContext: *sc
",
    );
    // Where only one of the two asks for a value, no place of its own is there to write it.
    let half = ALIAS.replace("image: registry.example.com/right:1", "image: grafana/grafana:11.1.0");
    stays(RUN_AS_USER, &half);
    let reasons = reasons(RUN_AS_USER, &half);
    assert!(reasons.iter().all(|reason| reason.contains("anchor")), "{reasons:?}");
    assert_eq!(reasons.len(), 2);
}

/// A pod in which the line `odd`, counted from zero, ends in CRLF and all others in LF, and the same pod fixed.
///
/// What is added stands behind the last line, whose line end it takes.
fn with_one_line_in_crlf(odd: usize) -> (String, String) {
    let lines = [
        "apiVersion: v1",
        "kind: Pod",
        "spec:",
        "  containers:",
        "  - name: a",
        "    image: registry.example.com/a:1",
    ];
    let ends = lines.iter().enumerate().map(|(line, text)| {
        let end = if line == odd { "\r\n" } else { "\n" };
        format!("{text}{end}")
    });
    let before: String = ends.collect();
    let after = format!("{before}    securityContext:\n      runAsUser: 1000\n      runAsGroup: 1000\n");
    (before, after)
}

/// Kubescape prints the fix at the top of a file in which one line ends in CRLF.
#[test]
fn kubescape_38_one_line_that_ends_in_crlf() {
    for odd in 0..4 {
        let (before, after) = with_one_line_in_crlf(odd);
        becomes(RUN_AS_USER, &before, &after);
    }
}

/// As above, where the line is the first one of the container that is added to.
#[test]
fn kubescape_38_first_line_of_a_container_that_ends_in_crlf() {
    let (before, after) = with_one_line_in_crlf(4);
    becomes(RUN_AS_USER, &before, &after);
}

/// Kubescape writes YAML lines behind the closing brace of JSON.
#[test]
fn kubescape_39_json_in_a_yaml_file() {
    becomes(
        RUN_AS_USER,
        r#"{
  "apiVersion": "v1",
  "kind": "Pod",
  "metadata": {"name": "json"},
  "spec": {
    "containers": [
      {
        "name": "a",
        "image": "registry.example.com/a:1"
      }
    ]
  }
}
"#,
        r#"{
  "apiVersion": "v1",
  "kind": "Pod",
  "metadata": {"name": "json"},
  "spec": {
    "containers": [
      {
        "name": "a",
        "image": "registry.example.com/a:1",
        "securityContext": {
          "runAsUser": 1000,
          "runAsGroup": 1000
        }
      }
    ]
  }
}
"#,
    );
}

/// Kubescape makes up a `spec` at the root of a list.
#[test]
fn kubescape_40_list_of_objects() {
    becomes(
        SECCOMP,
        "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: web}
- apiVersion: v1
  kind: Pod
  metadata: {name: web}
  spec:
    containers:
    - name: web
      image: registry.example.com/web:1
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    template:
      spec:
        containers:
        - name: web
          image: registry.example.com/web:1
",
        "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: web}
- apiVersion: v1
  kind: Pod
  metadata: {name: web}
  spec:
    containers:
    - name: web
      image: registry.example.com/web:1
    securityContext:
      seccompProfile:
        type: RuntimeDefault
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    template:
      spec:
        containers:
        - name: web
          image: registry.example.com/web:1
        securityContext:
          seccompProfile:
            type: RuntimeDefault
",
    );
}

/// Kubescape counts workloads where it should count documents.
#[test]
fn kubescape_41_other_documents_before_the_pod() {
    becomes(
        SECCOMP,
        "\
database:
  host: db.example.com
---
- 1
- 2
---
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
---
---
text
",
        "\
database:
  host: db.example.com
---
- 1
- 2
---
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
  securityContext:
    seccompProfile:
      type: RuntimeDefault
---
---
text
",
    );
}

/// Kubescape writes words in capitals where a person is to put a value.
#[test]
fn kubescape_42_no_placeholders() {
    let before = "\
apiVersion: v1
kind: Pod
metadata:
  name: tuned
spec:
  securityContext:
    runAsUser: 1000
    supplementalGroups: [0]
    sysctls:
    - name: net.core.somaxconn
      value: \"1024\"
    seccompProfile:
      type: RuntimeDefault
  containers:
  - name: a
    image: registry.example.com/a:1
    ports:
    - containerPort: 8080
";
    for ids in [RUN_AS_USER, SECCOMP, &["unprivileged-port"]] {
        stays(ids, before);
    }
    stays(
        SEVEN,
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: []}\n",
    );
    for text in [before, PLAIN, ALIAS] {
        let after = examine(SEVEN, text).text.unwrap();
        for word in ["REMOVE", "TODO", "CHANGEME", "YOUR", "<"] {
            assert!(!after.contains(word), "{word}: {after}");
        }
    }
}

/// Kubescape changes half of a privileged pod, and ends as if all was well.
#[test]
fn kubescape_43_what_is_left_is_said() {
    let text = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: tool}
spec:
  template:
    spec:
      hostNetwork: true
      hostPID: true
      containers:
      - name: tool
        image: registry.example.com/tool:1
        securityContext: {privileged: true, runAsUser: 0, capabilities: {add: [SYS_ADMIN]}}
";
    let folder = Folder::with(&[("tool.yaml", text)]);
    let ran = folder.run(&["-v", "--strict", "tool.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr.contains("capabilities: Deployment tool: container `tool`: left for a person"),
        "{ran:?}"
    );
    folder.run(&["--check", "tool.yaml"]).expect(0, "", "1 left with something for a person");
}

/// Kubescape forces a group on images that have their own.
#[test]
fn kubescape_44_image_with_its_own_user_and_group() {
    becomes(
        RUN_AS_USER,
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: own-number
    image: grafana/grafana:11.1.0
  - name: group-zero
    image: quay.io/keycloak/keycloak:25.0
",
        "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: own-number
    image: grafana/grafana:11.1.0
    securityContext:
      runAsUser: 472
      runAsGroup: 472
  - name: group-zero
    image: quay.io/keycloak/keycloak:25.0
    securityContext:
      runAsUser: 1000
",
    );
}

// ---------------------------------------------------------------- Kyverno and Semgrep

/// Kyverno adds a namespace to everything; its samples count containers of several lists as those of one.
#[test]
fn kyverno_45_lists_of_containers() {
    becomes(
        CAPABILITIES,
        "\
apiVersion: v1
kind: Pod
metadata:
  name: lists
spec:
  initContainers:
  - name: i0
    image: registry.example.com/i:1
    securityContext: {capabilities: {drop: [ALL]}}
  - name: i1
    image: registry.example.com/i:1
    securityContext: {capabilities: {drop: [all]}}
  containers:
  - name: c0
    image: registry.example.com/c:1
    securityContext: {capabilities: {drop: [all]}}
  - name: c1
    image: registry.example.com/c:1
    securityContext: {capabilities: {drop: [ALL]}}
",
        "\
apiVersion: v1
kind: Pod
metadata:
  name: lists
spec:
  initContainers:
  - name: i0
    image: registry.example.com/i:1
    securityContext: {capabilities: {drop: [ALL]}}
  - name: i1
    image: registry.example.com/i:1
    securityContext: {capabilities: {drop: [ALL]}}
  containers:
  - name: c0
    image: registry.example.com/c:1
    securityContext: {capabilities: {drop: [ALL]}}
  - name: c1
    image: registry.example.com/c:1
    securityContext: {capabilities: {drop: [ALL]}}
",
    );
    let text = examine(SEVEN, PLAIN).text.unwrap();
    assert!(!text.contains("namespace"), "{text}");
}

/// Semgrep comments settings and aliases out, breaks containers in flow style, mixes line ends, and forgets the
/// init containers.
#[test]
fn semgrep_46_settings_that_are_there() {
    let before = "\
apiVersion: v1
kind: Pod
spec:
  initContainers:
  - name: i
    image: registry.example.com/i:1
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext: {runAsUser: 1000, capabilities: {drop: [ALL]}}
  - {name: b, image: registry.example.com/b:1}
  - name: c
    image: registry.example.com/c:1
    securityContext: &sc {runAsUser: 10}
  - name: d
    image: registry.example.com/d:1
    securityContext: *sc
  volumes: [{name: tmp, emptyDir: {}}]
";
    let after = "\
apiVersion: v1
kind: Pod
spec:
  initContainers:
  - name: i
    image: registry.example.com/i:1
    securityContext:
      readOnlyRootFilesystem: true
    volumeMounts:
    - name: i-tmp
      mountPath: /tmp
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext: {runAsUser: 1000, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
    volumeMounts:
    - name: a-tmp
      mountPath: /tmp
  - {name: b, image: registry.example.com/b:1, securityContext: {readOnlyRootFilesystem: true}, volumeMounts: [{name: b-tmp, mountPath: /tmp}]}
  - name: c
    image: registry.example.com/c:1
    securityContext: &sc {runAsUser: 10, readOnlyRootFilesystem: true}
    volumeMounts:
    - name: c-tmp
      mountPath: /tmp
  - name: d
    image: registry.example.com/d:1
    securityContext: *sc
    volumeMounts:
    - name: d-tmp
      mountPath: /tmp
  volumes: [{name: tmp, emptyDir: {}}, {name: i-tmp, emptyDir: {}}, {name: a-tmp, emptyDir: {}}, {name: b-tmp, emptyDir: {}}, {name: c-tmp, emptyDir: {}}, {name: d-tmp, emptyDir: {}}]
";
    becomes(READ_ONLY, before, after);
    becomes(READ_ONLY, &before.replace('\n', "\r\n"), &after.replace('\n', "\r\n"));
}

/// No safe fix changes a value that somebody wrote, whoever the peer.
#[test]
fn nobody_overwrites_by_a_safe_fix() {
    let text = "\
apiVersion: v1
kind: Pod
spec:
  securityContext: {runAsUser: 0, seccompProfile: {type: Unconfined}}
  containers:
  - name: a
    image: registry.example.com/a:1
    securityContext: {readOnlyRootFilesystem: false, capabilities: {add: [ALL]}}
    volumeMounts: [{name: v, mountPath: /v, mountPropagation: HostToContainer}]
    resources: {requests: {cpu: 1, memory: 1Gi}}
  volumes: [{name: v, hostPath: {path: /srv}}]
";
    let examined = examine(SEVEN, text);
    for judged in examined.plans.iter().flat_map(|(_, plan)| &plan.pods).flat_map(|pod| &pod.findings) {
        if let Outcome::Fix(fix) = &judged.finding.outcome {
            assert_eq!(fix.level, Level::Review, "{}: {}", judged.finding.transform.id, fix.summary);
        }
    }
}
