//! Which transforms run, and with what, by flags and by `.cce-fix.yaml`.

use super::POD;
use crate::common::{Folder, Ran};

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
    ran.expect(2, "b/pod.yaml\n", ".cce-fix.yaml:2:1: unknown field `saef`; did you mean `safe`?");
    assert_eq!(ran.stderr.matches("unknown field").count(), 1, "{ran:?}");
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.matches("error").count() == 1, "{ran:?}");
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

const APP: &str = "registry.example.com/web:1";

#[test]
fn what_the_configuration_knows_about_an_image_decides() {
    let images =
        "images:\n- {image: registry.example.com/web, uid: 10001, gid: 10002, writable: [/var/cache/web]}\n";
    let folder = Folder::with(&[(".cce-fix.yaml", images), ("pod.yaml", POD)]);
    let known = diff(&folder, &["pod.yaml"]);
    assert!(known.contains("runAsUser: 10001") && known.contains("runAsGroup: 10002"), "{known}");
    assert!(known.contains("mountPath: /var/cache/web"), "{known}");
    let unknown = diff(&folder, &["--isolated", "pod.yaml"]);
    assert!(unknown.contains("runAsUser: 1000\n") && !unknown.contains("/var/cache/web"), "{unknown}");
    let why = folder.run(&["--check", "-v", "pod.yaml"]).stderr;
    assert!(why.contains("run-as-user: Pod web: container `web`: fixed (safe)"), "{why}");
    let explained = folder.run(&["explain", "image", APP]).stdout;
    assert!(explained.contains("source     the configuration"), "{explained}");
    folder.write(".cce-fix.yaml", b"images:\n- {image: nginx, uid: 7}\n");
    folder.write("pod.yaml", POD.replace(APP, "nginx:1.27").as_bytes());
    assert!(
        diff(&folder, &["pod.yaml"]).contains("runAsUser: 7\n"),
        "own rows go before those of the catalogue"
    );
}

const SHOP: &str = "\
apiVersion: example.com/v1
kind: Shop
metadata:
  name: shop
spec:
  front:
    podSpec:
      containers:
      - name: web
        image: registry.example.com/web:1
";

#[test]
fn pods_of_unknown_kinds_are_changed_where_the_configuration_says_so() {
    let folder = Folder::with(&[("shop.yaml", SHOP)]);
    let select = ["-s", "capabilities", "shop.yaml"];
    assert_eq!(diff(&folder, &select), "");
    let said = folder.run(&["--check", "-v", "shop.yaml"]).stderr;
    let place = "shop.yaml:8:7: left: spec.front.podSpec: looks like the spec of a pod";
    assert!(said.contains(place) && said.contains("under `workloads:` in `.cce-fix.yaml`"), "{said}");
    for text in [
        "workloads:\n- {group: example.com, kind: Shop, specs: [spec.front.podSpec]}\n",
        "workloads:\n- {group: example.com, kind: Shop, specs: [spec.none]}\n- {group: example.com, kind: Shop, specs: [spec.<part>.podSpec]}\n",
        "transforms:\n  all: {detect-pod-specs: true}\n",
    ] {
        folder.write(".cce-fix.yaml", text.as_bytes());
        let changed = diff(&folder, &select);
        assert!(changed.contains("+          capabilities:"), "{text}: {changed}");
    }
    for text in [
        "workloads:\n- {group: example.org, kind: Shop, specs: [spec.front.podSpec]}\n",
        "workloads:\n- {group: example.com, kind: Shops, specs: [spec.front.podSpec]}\n",
        "transforms:\n  all: {detect-pod-specs: false}\n",
    ] {
        folder.write(".cce-fix.yaml", text.as_bytes());
        assert_eq!(diff(&folder, &select), "", "{text}");
    }
}

#[test]
fn what_the_configuration_excludes_is_passed_over_unless_it_is_named() {
    let folder = Folder::with(&[
        ("a/.cce-fix.yaml", "exclude: ['vendor/', '/*.yaml', '!/keep.yaml']\n"),
        ("a/pod.yaml", POD),
        ("a/keep.yaml", POD),
        ("a/deep/pod.yaml", POD),
        ("a/deep/vendor/pod.yaml", POD),
        ("vendor/pod.yaml", POD),
    ]);
    folder.run(&["-l", "."]).expect(1, "a/deep/pod.yaml\na/keep.yaml\nvendor/pod.yaml\n", "");
    folder.run(&["-l", "a/deep"]).expect(1, "a/deep/pod.yaml\n", "");
    folder.run(&["-l", "vendor/../a/deep"]).expect(1, "vendor/../a/deep/pod.yaml\n", "");
    folder.run(&["-l", "a/deep/vendor"]).expect(0, "", "0 files looked at");
    folder.run(&["-l", "a/pod.yaml"]).expect(1, "a/pod.yaml\n", "");
    folder.run(&["-l", "--config", "a/.cce-fix.yaml", "a"]).expect(1, "a/deep/pod.yaml\na/keep.yaml\n", "");
    folder.run(&["-l", "--isolated", "a/deep"]).expect(1, "a/deep/pod.yaml\na/deep/vendor/pod.yaml\n", "");
    let judged = folder.run(&["pss", "a"]).stdout;
    assert!(judged.contains("a/deep/pod.yaml:") && !judged.contains("vendor"), "{judged}");
}

#[test]
fn flags_exclude_beside_the_configuration() {
    let folder = Folder::with(&[
        (".cce-fix.yaml", "exclude: [vendor]\n"),
        ("pod.yaml", POD),
        ("deep/pod.yaml", POD),
        ("deep/gen/pod.yaml", POD),
        ("vendor/pod.yaml", POD),
    ]);
    folder.run(&["-l", "--exclude", "gen/", "."]).expect(1, "deep/pod.yaml\npod.yaml\n", "");
    folder.run(&["-l", "--exclude", "/deep", "."]).expect(1, "pod.yaml\n", "");
    folder.run(&["-l", "--exclude", "/*.yaml", "--exclude", "gen", "."]).expect(1, "deep/pod.yaml\n", "");
    let named = ["-l", "--exclude", "deep", "deep/pod.yaml", "vendor/pod.yaml", "pod.yaml"];
    folder.run(&named).expect(1, "deep/pod.yaml\npod.yaml\nvendor/pod.yaml\n", "");
    folder.run(&[&["--force-exclude"][..], &named].concat()).expect(1, "pod.yaml\n", "");
    folder.run(&["--force-exclude", "vendor/pod.yaml"]).expect(0, "", "0 files looked at");
    assert_eq!(folder.read("vendor/pod.yaml"), POD);
    folder.run(&["-l", "--exclude", "[z-a]", "."]).expect(
        2,
        "",
        "error: `--exclude`: `[z-a]`: invalid range",
    );
    folder.run(&["-l", "--exclude", "", "."]).expect(2, "", "error: `--exclude`: `` excludes nothing");
}

/// A configuration that lies elsewhere is seen from the current folder.
#[test]
fn a_configuration_may_lie_beside_what_it_is_for() {
    let folder =
        Folder::with(&[("cfg/c.yaml", "exclude: [top.yaml]\n"), ("r/top.yaml", POD), ("r/a.yaml", POD)]);
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_cce-fix"));
    program.args(["-l", "--config", "../cfg/c.yaml", "."]).current_dir(folder.path().join("r"));
    Ran::of(&mut program, b"").expect(1, "a.yaml\n", "");
}

/// A command of other tools is no path, and what stands beside it stays as it is.
#[test]
fn a_flag_without_its_dashes_is_told() {
    let folder = Folder::with(&[("pod.yaml", POD)]);
    for word in ["diff", "check", "help"] {
        let words = format!("error: {word}: no such file or folder; did you mean `--{word}`?");
        folder.run(&[word, "."]).expect(2, "", &words);
    }
    assert_eq!(folder.read("pod.yaml"), POD);
    folder.write("diff", b"");
    folder.run(&["-l", "./diff", "pod.yaml"]).expect(1, "pod.yaml\n", "2 files looked at");
}

/// As a shell expands them.
#[test]
fn a_pattern_passes_over_hidden_files() {
    let folder =
        Folder::with(&[(".cce-fix.yaml", "safe: true\n"), (".ci/pod.yaml", POD), ("a/pod.yaml", POD)]);
    folder.run(&["-l", "**/*.yaml"]).expect(1, "a/pod.yaml\n", "1 file looked at");
    folder.run(&["-l", ".ci/*.yaml"]).expect(1, ".ci/pod.yaml\n", "");
}

#[test]
fn paths_come_from_a_list() {
    let folder = Folder::with(&[("a b.yaml", POD), ("c.yaml", POD), ("d/e.yaml", POD), ("none", "")]);
    folder.write("lines", b"a b.yaml\n\nd\n");
    folder.run(&["-l", "--files-from", "lines"]).expect(1, "a b.yaml\nd/e.yaml\n", "");
    folder.run(&["-l", "--files-from", "lines", "c.yaml"]).expect(1, "a b.yaml\nc.yaml\nd/e.yaml\n", "");
    folder.run_with(&["-l", "--files-from", "-"], b"c.yaml\0a b.yaml\0").expect(1, "a b.yaml\nc.yaml\n", "");
    // Nothing listed is nothing to do, not this folder.
    folder.run(&["-l", "--files-from", "none"]).expect(0, "", "0 files looked at");
    folder.run(&["--files-from", "none"]).expect(0, "", "0 files looked at");
    folder.run_with(&["-l", "--files-from", "-"], b"gone.yaml\n").expect(2, "", "gone.yaml: no such file");
    folder.run(&["-l", "--files-from", "gone"]).expect(2, "", "error: `--files-from`: gone: No such file");
    folder.run_with(&["--files-from", "lines", "-"], b"").expect(2, "", "cannot be mixed with other paths");
}

#[test]
fn a_bad_row_is_named_with_its_place_and_the_nearest_right_key() {
    let folder = Folder::with(&[("pod.yaml", POD)]);
    for (text, words) in [
        ("image:\n- {image: a}\n", ":1:1: unknown field `image`; did you mean `images`?"),
        ("images:\n- {image: a, uuid: 1}\n", ":2:14: images[0]: unknown field `uuid`; did you mean `uid`?"),
        ("images:\n- {image: a}\n- {image: b, uid: -1}\n", ":3:3: images[1]: -1 is no user or group id"),
        ("images:\n- {uid: 1}\n", ":2:3: images[0]: missing field `image`"),
        ("images: [{image: 'A b'}]\n", ":1:10: images[0]: `A b` is no image reference"),
        ("images: {image: a}\n", ":1:9: images: invalid type: map, expected a sequence"),
        ("workload: []\n", ":1:1: unknown field `workload`; did you mean `workloads`?"),
        (
            "workloads:\n- {kind: Shop, pod: [spec]}\n",
            ":2:16: workloads[0]: unknown field `pod`; did you mean `pods`?",
        ),
        ("workloads:\n- {kind: Shop}\n", ":2:3: workloads[0]: `Shop` needs a path to its pods"),
        ("workloads:\n- {pods: [spec]}\n", ":2:3: workloads[0]: missing field `kind`"),
        (
            "workloads:\n- {group: a.b/v1, kind: Shop, pods: [spec]}\n",
            ":2:11: workloads[0].group: `a.b/v1`: a group is written without a version: `a.b`",
        ),
        (
            "workloads:\n- {kind: Shop, pods: [a..b]}\n",
            ":2:23: workloads[0].pods[0]: `a..b` has a part without a name",
        ),
        (
            "workloads:\n- {kind: Shop, pods: ['a[0].b']}\n",
            ":2:23: workloads[0].pods[0]: `a[0]` in `a[0].b` is no key",
        ),
        (
            "transforms:\n  all: {detect-pods: true}\n",
            ":2:9: transforms.all: unknown field `detect-pods`; did you mean `detect-pod-specs`?",
        ),
        ("transforms:\n  all: {detect-pod-specs: 'yes'}\n", "expected a boolean"),
        ("profile: cce\n\nsafe: true\ntarget: 1.28\n", ":4:9: a version is text: write it in quotes"),
        ("safe: true\nignore: []\nsafe: false\n", ":3:1: "),
        ("ignore:\n- card\n- resorces\n", ":3:3: ignore[1]: `resorces` is neither a transform nor a group"),
        (
            "transforms:\n  run-as-user:\n    uid: 0\n",
            ":3:10: transforms.run-as-user: a user id is a number from 1",
        ),
        (
            "transforms:\n  run-as-user: {gid: -5}\n",
            ":2:22: transforms.run-as-user: a group id is a number from 0",
        ),
        ("transforms:\n  resources: {cpu: 0}\n", ":2:20: transforms.resources: an amount is more than 0"),
        (
            "transforms:\n  node-scheduling: {node-pool: a b}\n",
            ":2:32: transforms.node-scheduling: `a b` is not the value of a label",
        ),
        ("transforms:\n  node-scheduling: {node-labels: {a b: c}}\n", "`a b` is not the key of a label"),
        ("exlude: []\n", ":1:1: unknown field `exlude`; did you mean `exclude`?"),
        ("exclude: vendor\n", ":1:10: exclude: invalid type: string \"vendor\", expected a sequence"),
        ("exclude:\n- ok\n- '[z-a]'\n", ":3:3: exclude[1]: `[z-a]`: invalid range"),
        ("exclude: ['']\n", ":1:11: exclude[0]: `` excludes nothing"),
    ] {
        folder.write(".cce-fix.yaml", text.as_bytes());
        let ran = folder.run(&["-l", "pod.yaml"]);
        assert!(ran.code == Some(2) && ran.stderr.contains(words), "{text:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{text:?}");
    }
}
