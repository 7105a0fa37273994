//! What the modes print, write and answer.

use crate::common::Folder;
use crate::generate;

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1 # pinned
";

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports: []\n";

#[test]
fn the_diff_is_what_in_place_writes_and_git_applies_it() {
    let folder = Folder::with(&[("deploy.yaml", DEPLOYMENT), ("copy.yaml", DEPLOYMENT)]);
    let diff = folder.run(&["--diff", "deploy.yaml"]);
    assert_eq!(diff.code, Some(1));
    assert!(diff.stdout.starts_with("--- a/deploy.yaml\n+++ b/deploy.yaml\n@@ "), "{}", diff.stdout);
    folder.succeed("git", &["init", "-q", "."], b"");
    folder.succeed("git", &["apply"], diff.stdout.as_bytes());
    folder.run(&["copy.yaml"]).expect(0, "", "1 file looked at, 1 changed");
    assert_eq!(folder.read("deploy.yaml"), folder.read("copy.yaml"));
    folder.run(&["--diff", "deploy.yaml"]).expect(0, "", "0 would change");
}

#[test]
fn stdin_is_mapped_to_stdout() {
    let folder = Folder::with(&[("deploy.yaml", DEPLOYMENT)]);
    let mapped = folder.run_with(&["-"], DEPLOYMENT.as_bytes());
    assert_eq!(mapped.code, Some(0));
    folder.run(&["deploy.yaml"]);
    assert_eq!(mapped.stdout, folder.read("deploy.yaml"));
    let diff = folder.run_with(&["--diff", "-"], DEPLOYMENT.as_bytes());
    assert_eq!(diff.code, Some(1));
    assert!(diff.stdout.starts_with("--- a/stdin.yaml\n"), "{}", diff.stdout);
    let named = folder.run_with(&["-l", "-", "--stdin-filename", "x/y.yaml"], DEPLOYMENT.as_bytes());
    named.expect(1, "x/y.yaml\n", "1 would change");
}

#[test]
fn stdin_without_a_workload_passes_through() {
    let folder = Folder::new();
    folder.run_with(&["-"], SERVICE.as_bytes()).expect(0, SERVICE, "0 changed");
    folder.run_with(&["-"], b"a: 1\n").expect(0, "a: 1\n", "");
    folder.run_with(&["-"], b"").expect(0, "", "");
}

#[test]
fn stdin_that_is_no_yaml_gives_nothing() {
    let folder = Folder::new();
    folder.run_with(&["-"], b"apiVersion: v1\nkind: [Pod\n").expect(
        2,
        "",
        "stdin.yaml:2:7: error: not valid YAML",
    );
    folder.run_with(&["-"], b"kind: Pod\napiVersion: v1\nspec: {{ .Values.x }}\n").expect(2, "", "template");
}

#[test]
fn one_refused_document_on_stdin_passes_through_unchanged() {
    let folder = Folder::new();
    let twice = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: b, image: c}]}\n";
    let input = format!("{twice}---\n{DEPLOYMENT}");
    let ran = folder.run_with(&["-"], input.as_bytes());
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stdout.starts_with(&format!("{twice}---\n")), "{ran:?}");
    assert!(ran.stdout.contains("runAsUser"), "{ran:?}");
    assert!(ran.stderr.contains("stdin.yaml:3:41: error: the key `image` twice"), "{ran:?}");
}

#[test]
fn names_and_exit_codes_of_the_read_only_modes() {
    let folder =
        Folder::with(&[("b/x.yaml", DEPLOYMENT), ("a b.yml", DEPLOYMENT), ("service.yaml", SERVICE)]);
    folder.run(&["-l", "."]).expect(1, "a b.yml\nb/x.yaml\n", "3 files looked at, 2 would change");
    folder.run(&["--check"]).expect(1, "", "2 would change");
    folder.run(&["--check", "service.yaml"]).expect(0, "", "1 file looked at, 0 would change");
    folder.run(&["-l", "--", "a b.yml"]).expect(1, "a b.yml\n", "");
    folder.run(&["-l", "b", "service.yaml", "*.yml"]).expect(1, "a b.yml\nb/x.yaml\n", "3 files");
    folder.run(&["-l", "**/x.yaml"]).expect(1, "b/x.yaml\n", "1 file");
    assert_eq!(folder.read("a b.yml"), DEPLOYMENT);
}

#[test]
fn quiet_says_nothing_and_verbose_says_why() {
    let folder = Folder::with(&[("deploy.yaml", DEPLOYMENT)]);
    let quiet = folder.run(&["-q", "--check", "."]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(1), ""));
    let verbose = folder.run(&["-v", "--check", "."]);
    for id in transforms::ALL.iter().map(|transform| transform.meta().id) {
        assert!(verbose.stderr.contains(&format!(": {id}: Deployment web: ")), "{id}: {}", verbose.stderr);
    }
}

#[test]
fn a_path_is_needed_to_write() {
    let folder = Folder::with(&[("deploy.yaml", DEPLOYMENT)]);
    let ran = folder.run(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("Usage: cce-fix") && ran.stderr.contains("no path given"), "{}", ran.stderr);
    assert_eq!(folder.read("deploy.yaml"), DEPLOYMENT);
    folder.run(&["missing.yaml"]).expect(2, "", "missing.yaml: no such file or folder; check the name");
    folder.run(&["*.missing"]).expect(2, "", "no file matches this pattern");
}

#[test]
fn safe_holds_back_and_strict_counts_it() {
    let folder = Folder::with(&[("deploy.yaml", DEPLOYMENT)]);
    let safe = folder.run(&["--safe", "--strict", "."]);
    assert_eq!(safe.code, Some(1), "{safe:?}");
    assert!(safe.stderr.contains("held back by --safe"), "{safe:?}");
    assert!(!folder.read("deploy.yaml").contains("runAsUser"));
    let strict = folder.run(&["--check", "--strict", "."]);
    assert_eq!(strict.code, Some(1));
}

#[test]
fn what_is_no_manifest_is_counted_in_a_walk_and_refused_by_name() {
    let folder = Folder::with(&[
        ("chart/Chart.yaml", "name: x\nversion: 1.0.0\n"),
        ("chart/values.yaml", "image: x\n"),
        (
            "chart/templates/deploy.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: \"{{ .Release.Name }}\"\n",
        ),
        ("chart/templates/if.yaml", "{{- if .Values.x }}\napiVersion: v1\nkind: Pod\n{{- end }}\n"),
        (
            "base/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\npatches:\n- path: patch.yaml\n",
        ),
        ("base/patch.yaml", DEPLOYMENT),
        ("ci.yaml", "on: push\n"),
    ]);
    let walk = folder.run(&["--check", "."]);
    walk.expect(0, "", "0 files looked at, 0 would change");
    assert!(
        walk.stderr.contains(
            "passed over: 2 templates, 1 values file, 1 kustomization, 1 patch, 2 other YAML files"
        ),
        "{walk:?}"
    );
    for (name, message) in [
        ("chart/values.yaml", "values of a Helm chart"),
        ("chart/templates/deploy.yaml", "helm template"),
        ("chart/templates/if.yaml", "helm template"),
        ("base/kustomization.yaml", "kustomize build"),
        ("base/patch.yaml", "a patch that a kustomization applies"),
        ("ci.yaml", "no Kubernetes manifest"),
    ] {
        folder.run(&["--check", name]).expect(2, "", message);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = Folder::new();
    for number in 0..40 {
        folder.write(
            &format!("d{}/f{number}.yaml", number % 7),
            DEPLOYMENT.replace("web", &format!("web{number}")).as_bytes(),
        );
    }
    let one = folder.run(&["--diff", "-v", "-j", "1"]);
    let many = folder.run(&["--diff", "-v", "-j", "5"]);
    assert_eq!((one.code, &one.stdout, &one.stderr), (many.code, &many.stdout, &many.stderr));
    assert_eq!(one.stdout.matches("--- a/").count(), 40);
}

/// Named in any order, more than once, one by one or by their folder, with any number of threads: each file gets
/// the same bytes, and the reports stand in the same order.
#[test]
fn the_order_of_files_changes_nothing() {
    // More than are held back at a time for the sake of their order.
    let names: Vec<String> = (0..600).map(|number| format!("d{}/f{number}.yaml", number % 7)).collect();
    let folder = || {
        let folder = Folder::new();
        for (seed, name) in (0..).zip(&names) {
            folder.write(name, generate::manifest(seed).as_bytes());
        }
        folder
    };
    let texts = |folder: &Folder| names.iter().map(|name| folder.read(name)).collect::<Vec<_>>();

    let whole = folder();
    let forwards: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut backwards: Vec<&str> = forwards.iter().rev().copied().collect();
    backwards.extend(["d3", forwards[0]]);
    let diff = |args: &[&str]| whole.run(&[&["--diff", "-v"], args].concat());
    let wanted = diff(&["-j", "1", "."]);
    assert!(wanted.stdout.matches("--- a/").count() > 500, "{}", wanted.stderr);
    for args in [&forwards, &backwards] {
        let ran = diff(&[["-j", "3"].as_slice(), args].concat());
        assert_eq!(
            (ran.code, ran.stdout, ran.stderr),
            (wanted.code, wanted.stdout.clone(), wanted.stderr.clone())
        );
    }

    whole.run(&["-q", "-j", "1", "."]).expect(0, "", "");
    let wanted = texts(&whole);
    for args in [["-j", "5", "."].as_slice(), &backwards] {
        let other = folder();
        other.run(args).expect(0, "", "600 files looked at");
        assert!(texts(&other) == wanted, "{} files named", args.len());
    }
    for ((name, wanted), seed) in names.iter().zip(&wanted).zip(0..).step_by(20) {
        let alone = Folder::new();
        alone.write(name, generate::manifest(seed).as_bytes());
        alone.run(&[name]).expect(0, "", "1 file looked at");
        assert_eq!(alone.read(name), *wanted, "{name}");
    }
}

#[test]
fn ignored_files_are_left_unless_asked_for() {
    let folder = Folder::with(&[(".gitignore", "out/\n"), ("out/a.yaml", DEPLOYMENT), ("b.yaml", SERVICE)]);
    folder.succeed("git", &["init", "-q", "."], b"");
    folder.run(&["--check", "."]).expect(0, "", "1 file looked at");
    folder.run(&["--check", "--no-ignore", "."]).expect(1, "", "2 files looked at");
}

#[test]
fn a_folder_with_the_name_of_a_command_is_given_as_a_path() {
    let folder = Folder::with(&[("rules/a.yaml", DEPLOYMENT), ("explain/a.yaml", DEPLOYMENT)]);
    folder.run(&["-l", "./rules"]).expect(1, "rules/a.yaml\n", "1 would change");
    folder.run(&["-l", "rules", "explain"]).expect(1, "explain/a.yaml\nrules/a.yaml\n", "2 would change");
    let listed = folder.run(&["rules"]);
    assert!(listed.code == Some(0) && listed.stdout.starts_with("ID "), "{listed:?}");
    assert_eq!(folder.read("rules/a.yaml"), DEPLOYMENT);
}

#[test]
fn no_name_plays_with_the_terminal_in_explain() {
    let folder = Folder::new();
    for args in [["explain", "\u{1b}[31mx"].as_slice(), &["explain", "image", "\u{1b}[31mx"]] {
        let ran = folder.run(args);
        assert!(ran.code == Some(2) && !ran.stderr.contains('\u{1b}'), "{ran:?}");
    }
}
