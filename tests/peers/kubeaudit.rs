//! What kubeaudit gets wrong.

use super::*;
use crate::common::Folder;

/// kubeaudit writes `!!float 500m` for `0.5`, and another unit for `1024Mi`.
#[test]
fn kubeaudit_20_quantities_as_they_are_written() {
    pod_becomes(
        RESOURCES,
        "
          containers:
          - name: a
            image: registry.example.com/a:1
            resources:
              requests: {cpu: 0.5, memory: 1024Mi}
        +     limits:
        +       cpu: 750m
        +       memory: 1536Mi
        ",
    );
}

/// kubeaudit merges two ports of one number, though their protocols differ.
#[test]
fn kubeaudit_21_one_port_by_two_protocols() {
    pod_becomes(
        SECCOMP,
        "
          containers:
          - name: dns
            image: registry.example.com/dns:1
            ports:
            - {containerPort: 80, protocol: TCP, name: http}
            - {containerPort: 80, protocol: UDP}
        + securityContext:
        +   seccompProfile:
        +     type: RuntimeDefault
        ",
    );
}

/// kubeaudit drops fields that its old types do not know; without `restartPolicy` the sidecar blocks the pod.
#[test]
fn kubeaudit_22_native_sidecar_and_other_new_fields() {
    becomes(
        RUN_AS_USER,
        "
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
        +         securityContext:
        +           runAsUser: 1000
        +           runAsGroup: 1000
                containers:
                - name: a
                  image: registry.example.com/a:1
                  resizePolicy:
                  - {resourceName: cpu, restartPolicy: NotRequired}
                  securityContext:
                    appArmorProfile: {type: RuntimeDefault}
        +           runAsUser: 1000
        +           runAsGroup: 1000
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
        "
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
        +   securityContext:
        +     seccompProfile:
        +       type: RuntimeDefault
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
    pod_becomes(
        SECCOMP,
        "
          hostNetwork: false # explicit
          hostPID: false
          containers:
          - name: a
            image: registry.example.com/a:1
        + securityContext:
        +   seccompProfile:
        +     type: RuntimeDefault
        ",
    );
}

/// kubeaudit leaves `creationTimestamp: null` in a flow map, and writes an alias out.
#[test]
fn kubeaudit_26_flow_maps_and_aliased_labels() {
    becomes(
        SECCOMP,
        "
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: web, labels: &labels {app: web}}
          spec:
            selector: {matchLabels: *labels}
            template:
              metadata: {labels: *labels}
              spec:
                containers: [{name: web, image: registry.example.com/web:1}]
        +       securityContext:
        +         seccompProfile:
        +           type: RuntimeDefault
        ",
    );
}

/// kubeaudit leaves a `status` of zeros behind.
#[test]
fn kubeaudit_27_no_status_comes_and_none_goes() {
    becomes(
        SECCOMP,
        "
          apiVersion: apps/v1
          kind: StatefulSet
          spec:
            template:
              spec:
                containers:
                - name: a
                  image: registry.example.com/a:1
        +       securityContext:
        +         seccompProfile:
        +           type: RuntimeDefault
          ---
          apiVersion: apps/v1
          kind: Deployment
          spec:
            template:
              spec:
                containers:
                - name: a
                  image: registry.example.com/a:1
        +       securityContext:
        +         seccompProfile:
        +           type: RuntimeDefault
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
    pod_becomes(
        RUN_AS_USER,
        "
          securityContext:
        -   runAsUser: 0
        +   runAsUser: 1000
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
        "
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
        +           securityContext:
        +             seccompProfile:
        +               type: RuntimeDefault
          ---
          apiVersion: apps/v1
          kind: ReplicaSet
          spec:
            template:
              spec:
                containers:
                - name: a
                  image: registry.example.com/a:1
        +       securityContext:
        +         seccompProfile:
        +           type: RuntimeDefault
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
    let before = dedent(
        "
        apiVersion: v1
        kind: Pod
        metadata:
          annotations:
            container.apparmor.security.beta.kubernetes.io/a: localhost/strict
        spec:
          containers:
          - name: a
            image: registry.example.com/a:1
        ",
    );
    let after = examine(SEVEN, &before).text.unwrap();
    assert!(after.starts_with(&before), "{after}");
    assert!(!after.contains("appArmorProfile"), "{after}");
}
