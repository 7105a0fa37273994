//! What Polaris gets wrong.

use cce_fix::input::kind::FileKind;
use transforms::{ALL, Settings};

use super::*;
use crate::common::Folder;

/// Polaris writes its own numbers over those that are there, and loses the comments beside them.
#[test]
fn polaris_1_values_that_are_there() {
    becomes(
        SEVEN,
        r#"
          apiVersion: apps/v1
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
        +           readOnlyRootFilesystem: true
        +         volumeMounts:
        +         - name: tmp
        +           mountPath: /tmp
        +       securityContext:
        +         seccompProfile:
        +           type: RuntimeDefault
        +       volumes:
        +       - name: tmp
        +         emptyDir: {}
        "#,
    );
}

/// Polaris puts a second handler into a probe, and its delay twice; the API server refuses that.
#[test]
fn polaris_2_probe_with_a_handler() {
    becomes(
        SEVEN,
        "
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
        +     securityContext:
        +       runAsUser: 1000
        +       runAsGroup: 1000
        +       capabilities:
        +         drop:
        +         - ALL
        +       readOnlyRootFilesystem: true
        +     volumeMounts:
        +     - name: tmp
        +       mountPath: /tmp
        +     resources:
        +       requests:
        +         cpu: 250m
        +         memory: 512Mi
        +       limits:
        +         cpu: 250m
        +         memory: 512Mi
        +   securityContext:
        +     seccompProfile:
        +       type: RuntimeDefault
        +   volumes:
        +   - name: tmp
        +     emptyDir: {}
        ",
    );
}

/// Polaris drops `ALL` and leaves it granted, which wins with Docker.
#[test]
fn polaris_3_all_granted() {
    pod_becomes(
        CAPABILITIES,
        "
          containers:
          - name: flow
            image: registry.example.com/a:1
        -   securityContext: {capabilities: {add: [ALL]}}
        +   securityContext: {capabilities: {drop: [ALL]}}
          - name: block
            image: registry.example.com/b:1
            securityContext:
              capabilities:
        -       add:
        +       drop:
                - ALL
        ",
    );
}

/// Polaris deletes the whole list of granted capabilities, the harmless one included.
#[test]
fn polaris_4_harmless_capability_granted() {
    pod_becomes(
        CAPABILITIES,
        "
          containers:
          - name: web
            image: registry.example.com/a:1
            securityContext:
              capabilities:
                add:
                - NET_BIND_SERVICE # port 80
        +       drop:
        +       - ALL
        ",
    );
}

/// Polaris writes the pod's settings at the root of the document.
#[test]
fn polaris_5_replica_set_and_unknown_kind() {
    becomes(
        SECCOMP,
        "
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
        +       securityContext:
        +         seccompProfile:
        +           type: RuntimeDefault
        ",
    );
    stays(
        SEVEN,
        &dedent(
            "
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
            ",
        ),
    );
}

/// Polaris takes `---` alone for a separator, and deletes everything behind another one.
#[test]
fn polaris_6_separator_with_a_comment_or_a_blank() {
    becomes(
        SECCOMP,
        "
          apiVersion: v1
          kind: Pod
          metadata: {name: one}
          spec:
            containers:
            - {name: a, image: registry.example.com/a:1}
        +   securityContext:
        +     seccompProfile:
        +       type: RuntimeDefault
          --- # note
          apiVersion: v1
          kind: Pod
          metadata: {name: two}
          spec:
            containers:
            - {name: a, image: registry.example.com/a:1}
        +   securityContext:
        +     seccompProfile:
        +       type: RuntimeDefault
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
        "
          # Copyright The Authors
          # SPDX-License-Identifier: Apache-2.0
          ---
          apiVersion: v1
          kind: Pod
          spec:
            containers:
            - name: a
              image: registry.example.com/a:1
        +   securityContext:
        +     seccompProfile:
        +       type: RuntimeDefault
        ",
    );
}

/// Polaris gives the documents of a file back in any order.
#[test]
fn polaris_8_order_of_documents() {
    becomes(
        SECCOMP,
        "
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
        +       securityContext:
        +         seccompProfile:
        +           type: RuntimeDefault
          ---
          apiVersion: v1
          kind: Service
          metadata:
            name: web
        ",
    );
}

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
    pod_becomes(
        RUN_AS_USER,
        "
          containers:
          - name: a
            image: registry.example.com/a:1
            securityContext:
        -     runAsUser: 0
        +     runAsUser: 1000
              runAsNonRoot: false
        +     runAsGroup: 1000
        ",
    );
}

/// Polaris turns CRLF into LF, takes the byte order mark and blank lines away, and indents lists anew.
#[test]
fn polaris_13_crlf_and_byte_order_mark() {
    let change = Change::read(
        "
          apiVersion: v1

          kind: Pod
          spec:
            containers:

            -   name: a
                image: registry.example.com/a:1

                env:
                  - name: A
                    value: b
        +       securityContext:
        +         runAsUser: 1000
        +         runAsGroup: 1000


            restartPolicy: Always
        ",
    );
    let marked = change.map(|text| format!("\u{feff}{text}"));
    marked.check(RUN_AS_USER);
    marked.in_crlf().check(RUN_AS_USER);
}

/// Polaris moves a commented-out item into the item above it, and the last comment into the list of volumes. Here
/// comments behind the last key of a map stay behind what is added to it.
#[test]
fn polaris_14_commented_out_items() {
    becomes(
        READ_ONLY,
        "
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
        +     securityContext:
        +       readOnlyRootFilesystem: true
        +     volumeMounts:
        +     - name: tmp
        +       mountPath: /tmp
            volumes:
            - name: data
              emptyDir: {}
        +   - name: tmp
        +     emptyDir: {}
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
        "
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
        +   securityContext:
        +     seccompProfile:
        +       type: RuntimeDefault
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
    let examined = common::examine(&Settings::default(), PLAIN);
    for id in ALL.iter().map(|transform| transform.meta().id) {
        assert!(findings(&examined).any(|judged| judged.finding.transform.id == id), "{id}");
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
