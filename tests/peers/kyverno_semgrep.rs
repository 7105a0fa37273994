//! What Kyverno and Semgrep get wrong.

use transforms::{Level, Outcome};

use super::*;

/// Kyverno adds a namespace to everything; its samples count containers of several lists as those of one.
#[test]
fn kyverno_45_lists_of_containers() {
    becomes(
        CAPABILITIES,
        "
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
        -     securityContext: {capabilities: {drop: [all]}}
        +     securityContext: {capabilities: {drop: [ALL]}}
            containers:
            - name: c0
              image: registry.example.com/c:1
        -     securityContext: {capabilities: {drop: [all]}}
        +     securityContext: {capabilities: {drop: [ALL]}}
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
    let change = Change::read(
        "
          apiVersion: v1
          kind: Pod
          spec:
            initContainers:
            - name: i
              image: registry.example.com/i:1
        +     securityContext:
        +       readOnlyRootFilesystem: true
        +     volumeMounts:
        +     - name: i-tmp
        +       mountPath: /tmp
            containers:
            - name: a
              image: registry.example.com/a:1
        -     securityContext: {runAsUser: 1000, capabilities: {drop: [ALL]}}
        -   - {name: b, image: registry.example.com/b:1}
        +     securityContext: {runAsUser: 1000, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
        +     volumeMounts:
        +     - name: a-tmp
        +       mountPath: /tmp
        +   - {name: b, image: registry.example.com/b:1, securityContext: {readOnlyRootFilesystem: true}, volumeMounts: [{name: b-tmp, mountPath: /tmp}]}
            - name: c
              image: registry.example.com/c:1
        -     securityContext: &sc {runAsUser: 10}
        +     securityContext: &sc {runAsUser: 10, readOnlyRootFilesystem: true}
        +     volumeMounts:
        +     - name: c-tmp
        +       mountPath: /tmp
            - name: d
              image: registry.example.com/d:1
              securityContext: *sc
        -   volumes: [{name: tmp, emptyDir: {}}]
        +     volumeMounts:
        +     - name: d-tmp
        +       mountPath: /tmp
        +   volumes: [{name: tmp, emptyDir: {}}, {name: i-tmp, emptyDir: {}}, {name: a-tmp, emptyDir: {}}, {name: b-tmp, emptyDir: {}}, {name: c-tmp, emptyDir: {}}, {name: d-tmp, emptyDir: {}}]
        ",
    );
    change.check(READ_ONLY);
    change.in_crlf().check(READ_ONLY);
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
    for judged in findings(&examined) {
        if let Outcome::Fix(fix) = &judged.finding.outcome {
            assert_eq!(fix.level, Level::Review, "{}: {}", judged.finding.transform.id, fix.summary);
        }
    }
}
