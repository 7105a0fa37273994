//! Which transforms run, and with what, by flags and by `.cce-fix.yaml`.

use crate::common::Folder;

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: web
    image: registry.example.com/web:1
";

fn diff(folder: &Folder, args: &[&str]) -> String {
    let ran = folder.run(&[&["--diff"], args].concat());
    assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
    ran.stdout
}

#[test]
fn select_and_ignore_take_ids_and_groups() {
    let folder = Folder::with(&[("pod.yaml", POD)]);
    let only = diff(&folder, &["-s", "capabilities", "pod.yaml"]);
    assert!(only.contains("drop:") && !only.contains("resources:"), "{only}");
    let card = diff(&folder, &["--select", "card", "--ignore", "resources,seccomp-profile", "pod.yaml"]);
    assert!(card.contains("runAsUser: 1000") && card.contains("readOnlyRootFilesystem"), "{card}");
    assert!(!card.contains("resources:") && !card.contains("seccompProfile"), "{card}");
}

#[test]
fn a_profile_asks_for_its_own_transforms_alone() {
    let folder = Folder::with(&[("pod.yaml", POD)]);
    let restricted = diff(&folder, &["--profile", "restricted", "pod.yaml"]);
    assert!(restricted.contains("seccompProfile"), "{restricted}");
    assert!(
        !restricted.contains("readOnlyRootFilesystem") && !restricted.contains("resources"),
        "{restricted}"
    );
    assert_eq!(diff(&folder, &["--profile", "baseline", "pod.yaml"]), "");
}

#[test]
fn the_target_decides_which_fields_there_are() {
    let folder = Folder::with(&[("pod.yaml", POD)]);
    let old = diff(&folder, &["--target", "v1.17.9-r0", "-s", "seccomp-profile", "pod.yaml"]);
    assert!(old.contains("seccomp.security.alpha.kubernetes.io/pod: runtime/default"), "{old}");
    assert!(!old.contains("seccompProfile"), "{old}");
}

#[test]
fn what_is_misspelt_is_named_with_the_nearest_right_spelling() {
    let folder = Folder::with(&[("pod.yaml", POD)]);
    for (args, words) in [
        (
            &["-s", "capabilites"][..],
            "error: `--select`: `capabilites` is neither a transform nor a group; did you mean `capabilities`?",
        ),
        (&["--ignore", "pss-base"], "did you mean `pss-baseline`?"),
        (&["--profile", "restrictd"], "'restricted'"),
        (&["--target", "1.99"], "the newest version known here is `1.37`"),
        (&["--target", "latest"], "expected a version such as `1.28`"),
        (&["--config", "missing.yaml"], "missing.yaml"),
    ] {
        folder.run(&[args, &["--diff", "pod.yaml"]].concat()).expect(2, "", words);
    }
}

#[test]
fn the_nearest_configuration_decides_and_a_flag_beats_it() {
    let folder = Folder::with(&[
        (".cce-fix.yaml", "select: [capabilities]\n"),
        ("a/pod.yaml", POD),
        ("b/.cce-fix.yaml", "select: [resources]\ntransforms:\n  resources: {cpu: 100m}\n"),
        ("b/pod.yaml", POD),
    ]);
    let both = diff(&folder, &["."]);
    let (a, b) = both.split_once("--- a/b/pod.yaml").unwrap();
    assert!(a.contains("drop:") && !a.contains("resources:"), "{a}");
    assert!(b.contains("cpu: 100m") && !b.contains("drop:"), "{b}");
    let flag = diff(&folder, &["-s", "seccomp-profile", "."]);
    assert_eq!(flag.matches("seccompProfile:").count(), 2, "{flag}");
    let isolated = diff(&folder, &["--isolated", "b"]);
    assert!(isolated.contains("drop:") && isolated.contains("cpu: 250m"), "{isolated}");
    let one = diff(&folder, &["--config", "b/.cce-fix.yaml", "a"]);
    assert!(one.contains("cpu: 100m") && !one.contains("drop:"), "{one}");
}

#[test]
fn a_broken_configuration_stops_its_own_files_alone() {
    let folder = Folder::with(&[
        ("a/.cce-fix.yaml", "profile: cce\nsaef: true\n"),
        ("a/one.yaml", POD),
        ("a/two.yaml", POD),
        ("b/pod.yaml", POD),
    ]);
    let ran = folder.run(&["-l", "."]);
    ran.expect(2, "b/pod.yaml\n", ".cce-fix.yaml:2:1: error: unknown field `saef`; did you mean `safe`?");
    assert_eq!(ran.stderr.matches("unknown field").count(), 1, "{ran:?}");
    folder.run_with(&["-", "--stdin-filename", "a/x.yaml"], POD.as_bytes()).expect(
        2,
        "",
        "did you mean `safe`?",
    );
}

#[test]
fn what_somebody_wrote_is_kept_where_that_is_asked_for() {
    let text = POD.replace("    image:", "    securityContext: {readOnlyRootFilesystem: false}\n    image:");
    let folder = Folder::with(&[("pod.yaml", &text)]);
    let select = ["-s", "read-only-root-filesystem,capabilities", "pod.yaml"];
    assert!(diff(&folder, &select).contains("readOnlyRootFilesystem: true"));
    let kept = diff(&folder, &[&["--keep-explicit"], &select[..]].concat());
    assert!(!kept.contains("readOnlyRootFilesystem: true") && kept.contains("drop:"), "{kept}");
}
