//! What the files of a run tell about each other.

use crate::common::Folder;

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 3
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      containers:
      - name: web
        image: registry.example.com/web:1
";

const BINDING: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
subjects: [{kind: ServiceAccount, name: web}]
";

const ACCOUNT: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
automountServiceAccountToken: false
";

const TOKEN: [&str; 5] = ["--check", "-v", "--select", "automount-service-account-token", "."];

#[test]
fn other_files_tell_who_needs_a_token() {
    let alone = Folder::with(&[("web.yaml", DEPLOYMENT)]);
    alone.run(&TOKEN).expect(1, "", "fixed (review): set `automountServiceAccountToken: false`");
    // Whether they come before or after.
    for name in ["a.yaml", "z/rbac.yaml"] {
        let bound = Folder::with(&[("web.yaml", DEPLOYMENT), (name, BINDING)]);
        bound.run(&TOKEN).expect(0, "", "the RoleBinding `shop/reader` gives rights");
        let refusing = Folder::with(&[("web.yaml", DEPLOYMENT), (name, ACCOUNT)]);
        refusing.run(&TOKEN).expect(0, "", "pod: satisfied");
    }
}

#[test]
fn files_that_are_no_manifests_tell_nothing() {
    for (name, text) in [
        ("broken.yaml", format!("kind: [\n---\n{}", BINDING.replace("kind", "\tkind"))),
        ("template.yaml", format!("{BINDING}---\n{{{{ if .Values.a }}}}\n")),
        ("kustomization.yaml", BINDING.to_owned()),
    ] {
        let folder = Folder::with(&[("web.yaml", DEPLOYMENT), (name, &text)]);
        let ran = folder.run(&TOKEN);
        assert!(ran.stderr.contains("fixed (review): set `automount"), "{name}: {ran:?}");
    }
}

const OVERLAY: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base]
patches:
- path: user.yaml
- target: {kind: Deployment}
  patch: |
    [{op: add, path: /spec/template/spec/containers/0/resources, value: {}}]
- path: /dev/zero
";

const PATCH: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        securityContext: {runAsUser: 7}
";

#[test]
fn what_an_overlay_sets_is_left_in_its_base() {
    let base = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [web.yaml]\n";
    let folder = Folder::with(&[
        ("base/kustomization.yaml", base),
        ("base/web.yaml", DEPLOYMENT),
        ("prod/kustomization.yaml", OVERLAY),
        ("prod/user.yaml", PATCH),
    ]);
    let ran = folder.run(&["--diff", "-v", "."]);
    assert_eq!(ran.code, Some(1));
    for id in ["run-as-user", "resources"] {
        let left = format!(": {id}: Deployment shop/web: container `web`: left: the overlay `");
        let line = ran.stderr.lines().find(|line| line.contains(&left)).unwrap_or_else(|| panic!("{ran:?}"));
        assert!(line.ends_with("prod/kustomization.yaml` sets it"), "{line}");
    }
    assert!(ran.stdout.contains("automountServiceAccountToken: false"), "{ran:?}");
    assert!(!ran.stdout.contains("runAsUser") && !ran.stdout.contains("limits"), "{ran:?}");
    // Of which the run does not know, it does not speak.
    assert!(folder.run(&["--diff", "base"]).stdout.contains("runAsUser"));
}

/// A kustomization can be anybody's, and does not choose which files are opened.
#[test]
fn a_patch_from_elsewhere_counts_only_where_the_run_has_it() {
    let base = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [web.yaml]\n";
    let folder = Folder::with(&[
        ("app/base/kustomization.yaml", base),
        ("app/base/web.yaml", DEPLOYMENT),
        ("app/prod/kustomization.yaml", &OVERLAY.replace("path: user.yaml", "path: ../../patches/user.yaml")),
        ("patches/user.yaml", PATCH),
    ]);
    assert!(folder.run(&["--diff", "app"]).stdout.contains("runAsUser"));
    assert!(!folder.run(&["--diff", "."]).stdout.contains("runAsUser"));
    let absolute = format!("path: {}/patches/user.yaml", folder.path().display());
    folder.write("app/prod/kustomization.yaml", OVERLAY.replace("path: user.yaml", &absolute).as_bytes());
    assert!(folder.run(&["--diff", "."]).stdout.contains("runAsUser"));
}

#[test]
fn what_the_fixes_ask_of_the_cluster_is_said() {
    let pod =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: a\n";
    let folder = Folder::with(&[("web.yaml", DEPLOYMENT), ("pod.yaml", pod)]);
    let ran = folder.run(&["--check", "."]);
    for line in [
        "\nnew requests: 1 cpu and 2Gi memory for all replicas\n",
        "\n1 object is a bare Pod or a Job, which the API server does not change: delete and create again\n",
    ] {
        assert!(ran.stderr.contains(line), "{ran:?}");
    }
    let none = folder.run(&["--check", "--ignore", "resources", "web.yaml"]);
    assert!(!none.stderr.contains("requests") && !none.stderr.contains("bare"), "{none:?}");
}
