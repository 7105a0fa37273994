//! What Kubescape gets wrong.

use super::*;
use crate::common::Folder;

/// Kubescape writes block lines into a flow map, 21 columns deep.
#[test]
fn kubescape_32_flow_map_with_a_comment() {
    pod_becomes(
        RUN_AS_USER,
        "
          containers:
          - name: a
        -   securityContext: {privileged: true}   # legacy
        +   securityContext: {privileged: true, runAsUser: 1000, runAsGroup: 1000}   # legacy
            image: registry.example.com/a:1
        ",
    );
}

/// Kubescape writes block lines behind an item in flow style.
#[test]
fn kubescape_33_container_in_flow_style() {
    pod_becomes(
        RUN_AS_USER,
        "
          containers:
        - - {name: a, image: registry.example.com/a:1}
        - - { name: b, image: registry.example.com/b:1, }
        + - {name: a, image: registry.example.com/a:1, securityContext: {runAsUser: 1000, runAsGroup: 1000}}
        + - { name: b, image: registry.example.com/b:1, securityContext: { runAsUser: 1000, runAsGroup: 1000 } }
        ",
    );
}

/// Kubescape writes the comment above a changed line a second time.
#[test]
fn kubescape_34_comment_above_a_changed_value() {
    pod_becomes(
        RUN_AS_USER,
        "
          containers:
          - name: a
            image: registry.example.com/a:1
            securityContext:
              runAsGroup: 3000
              # why root? JIRA-1
        -     runAsUser: 0 # and here
        +     runAsUser: 1000 # and here
              # this one is about escalation
              allowPrivilegeEscalation: false
        ",
    );
}

/// Kubescape takes the last line of a script for a comment, and cuts the script in two.
#[test]
fn kubescape_35_script_that_ends_like_a_comment() {
    pod_becomes(
        RUN_AS_USER,
        "
          containers:
          - name: a
            image: registry.example.com/a:1
            command: [sh, -c]
            args:
            - |
              set -e
              exec app

              # end
        +   securityContext:
        +     runAsUser: 1000
        +     runAsGroup: 1000
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
        "
          apiVersion: v1
          kind: Pod
          metadata: {name: first}
          spec:
            containers:
            - name: a
              image: registry.example.com/a:1
        +     securityContext:
        +       runAsUser: 1000
        +       runAsGroup: 1000
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
    let added = "\n      runAsUser: 1000\n      runAsGroup: 1000";
    let place = "allowPrivilegeEscalation: false";
    let after = ALIAS.replace(place, &format!("{place}{added}"));
    Change { before: ALIAS.to_owned(), after }.check(RUN_AS_USER);
    // Where only one of the two asks for a value, no place of its own is there to write it.
    let half = ALIAS.replace("image: registry.example.com/right:1", "image: grafana/grafana:11.1.0");
    stays(RUN_AS_USER, &half);
    let reasons = reasons(RUN_AS_USER, &half);
    assert!(reasons.iter().all(|reason| reason.contains("anchor")), "{reasons:?}");
    assert_eq!(reasons.len(), 2);
}

/// A pod in which the line `odd`, counted from zero, ends in CRLF and all others in LF.
///
/// What is added stands behind the last line, whose line end it takes.
fn with_one_line_in_crlf(odd: usize) -> Change {
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
    Change { before, after }
}

/// Kubescape prints the fix at the top of a file in which one line ends in CRLF.
#[test]
fn kubescape_38_one_line_that_ends_in_crlf() {
    for odd in 0..4 {
        with_one_line_in_crlf(odd).check(RUN_AS_USER);
    }
}

/// As above, where the line is the first one of the container that is added to.
#[test]
fn kubescape_38_first_line_of_a_container_that_ends_in_crlf() {
    with_one_line_in_crlf(4).check(RUN_AS_USER);
}

/// Kubescape writes YAML lines behind the closing brace of JSON.
#[test]
fn kubescape_39_json_in_a_yaml_file() {
    becomes(
        RUN_AS_USER,
        r#"
          {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "json"},
            "spec": {
              "containers": [
                {
                  "name": "a",
        -         "image": "registry.example.com/a:1"
        +         "image": "registry.example.com/a:1",
        +         "securityContext": {
        +           "runAsUser": 1000,
        +           "runAsGroup": 1000
        +         }
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
        "
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
        +     securityContext:
        +       seccompProfile:
        +         type: RuntimeDefault
          - apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              template:
                spec:
                  containers:
                  - name: web
                    image: registry.example.com/web:1
        +         securityContext:
        +           seccompProfile:
        +             type: RuntimeDefault
        ",
    );
}

/// Kubescape counts workloads where it should count documents.
#[test]
fn kubescape_41_other_documents_before_the_pod() {
    becomes(
        SECCOMP,
        "
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
        +   securityContext:
        +     seccompProfile:
        +       type: RuntimeDefault
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
    let left = "allow-privilege-escalation: Deployment tool: container `tool`: left for a person: it adds `SYS_ADMIN`";
    assert!(ran.stderr.contains(left), "{ran:?}");
    folder.run(&["--check", "tool.yaml"]).expect(0, "", "1 left with something for a person");
}

/// Kubescape forces a group on images that have their own.
#[test]
fn kubescape_44_image_with_its_own_user_and_group() {
    pod_becomes(
        RUN_AS_USER,
        "
          containers:
          - name: own-number
            image: grafana/grafana:11.1.0
        +   securityContext:
        +     runAsUser: 472
        +     runAsGroup: 472
          - name: group-zero
            image: quay.io/keycloak/keycloak:25.0
        +   securityContext:
        +     runAsUser: 1000
        ",
    );
}
