//! `--since` and `--staged`: only what changed, by the real git.

use crate::common::{Folder, Ran, not_tried};

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: NAME
spec:
  containers:
  - name: NAME
    image: registry.example.com/NAME:1
";

fn pod(name: &str) -> String {
    POD.replace("NAME", name)
}

/// A repository with these files committed; none where there is no git.
fn repository(files: &[(&str, &str)]) -> Option<Folder> {
    if std::process::Command::new("git").arg("--version").output().is_err() {
        not_tried("--since and --staged: there is no git");
        return None;
    }
    let folder = Folder::with(files);
    git(&folder, &["init", "-q"]);
    // What a user's own configuration may say, and what must not matter.
    for (key, value) in [
        ("user.name", "a"),
        ("user.email", "a@example.com"),
        ("diff.noprefix", "true"),
        ("diff.relative", "true"),
        ("diff.renames", "false"),
        ("color.ui", "always"),
        ("diff.external", "false"),
        ("core.hooksPath", "/nonexistent"),
    ] {
        git(&folder, &["config", key, value]);
    }
    commit(&folder);
    Some(folder)
}

fn git(folder: &Folder, args: &[&str]) -> String {
    folder.succeed("git", args, b"")
}

fn commit(folder: &Folder) {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", "a"]);
}

/// The files that would change, limited so.
fn listed(folder: &Folder, args: &[&str]) -> String {
    let ran = folder.run(&[args, &["-l", "-s", "capabilities", "."]].concat());
    assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
    ran.stdout
}

#[test]
fn only_documents_with_changed_lines_are_fixed() {
    let three = [pod("a"), pod("b"), pod("c")].join("---\n");
    let Some(folder) = repository(&[("three.yaml", &three), ("same.yaml", &pod("same"))]) else { return };
    assert_eq!(listed(&folder, &["--since", "HEAD"]), "");
    let changed = three.replace("  name: b\nspec", "  name: b\n  labels: {a: b}\nspec");
    folder.write("three.yaml", changed.as_bytes());
    folder.write("new file.yaml", pod("new").as_bytes());
    assert_eq!(listed(&folder, &["--since", "HEAD"]), "new file.yaml\nthree.yaml\n");
    folder.run(&["--since", "HEAD", "-s", "capabilities", "."]).expect(0, "", "2 files looked at, 2 changed");
    let text = folder.read("three.yaml");
    assert_eq!(text.matches("drop:").count(), 1, "{text}");
    let [a, b, c] = text.split("---\n").collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert!(b.contains("drop:") && a == pod("a") && c == pod("c"), "{text}");
    assert_eq!(folder.read("same.yaml"), pod("same"));
    commit(&folder);
    assert_eq!(listed(&folder, &["--since", "HEAD"]), "");
    // Seen from further back, the document is satisfied by now.
    assert_eq!(listed(&folder, &["--since", "HEAD~1"]), "");
}

#[test]
fn documents_that_did_not_change_are_not_reported_either() {
    let text = format!("{}---\n{}", pod("a").replace("spec:", "spec:\n  hostPID: true"), pod("b"));
    let Some(folder) = repository(&[("two.yaml", &text)]) else { return };
    folder.write("two.yaml", text.replace("name: b\nspec", "name: b\n  labels: {}\nspec").as_bytes());
    let ran = folder.run(&["--check", "-v", "--since", "HEAD", "."]);
    assert!(ran.stderr.contains("Pod b") && !ran.stderr.contains("Pod a"), "{ran:?}");
}

#[test]
fn renames_and_odd_names_are_followed() {
    let Some(folder) = repository(&[("old.yaml", &pod("a")), ("b.yaml", &pod("b"))]) else { return };
    let odd = "sub folder/ä \"quoted\" 'x'.yaml";
    std::fs::create_dir(folder.path().join("sub folder")).unwrap();
    git(&folder, &["mv", "old.yaml", odd]);
    assert_eq!(listed(&folder, &["--since", "HEAD"]), "", "a file that only moved did not change");
    folder.write(odd, pod("a").replace("kind", "# here\nkind").as_bytes());
    assert_eq!(listed(&folder, &["--since", "HEAD"]), format!("{odd}\n"));
    git(&folder, &["rm", "-q", "b.yaml"]);
    assert_eq!(listed(&folder, &["--since", "HEAD"]), format!("{odd}\n"));
}

#[test]
fn files_are_found_from_any_folder() {
    let Some(folder) = repository(&[("deep/er/a.yaml", &pod("a")), ("b.yaml", &pod("b"))]) else { return };
    folder.write("deep/er/a.yaml", pod("c").as_bytes());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cce-fix"));
    command.args(["-l", "--since", "HEAD", "er", "../b.yaml"]).current_dir(folder.path().join("deep"));
    Ran::of(&mut command, b"").expect(1, "er/a.yaml\n", "");
}

#[test]
fn only_what_is_staged_is_fixed() {
    let files = [("a.yaml", pod("a")), ("b.yaml", pod("b")), ("c.yaml", pod("c"))];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let Some(folder) = repository(&files) else { return };
    let edit = |name: &str, label: &str| {
        let text = pod(name).replace("\nspec", &format!("\n  labels: {{a: {label}}}\nspec"));
        folder.write(&format!("{name}.yaml"), text.as_bytes());
    };
    for name in ["a", "b", "c"] {
        edit(name, "one");
    }
    folder.write("untracked.yaml", pod("untracked").as_bytes());
    git(&folder, &["add", "a.yaml", "c.yaml"]);
    edit("c", "two");
    let ran = folder.run(&["--staged", "-s", "capabilities", "."]);
    ran.expect(2, "", "c.yaml: error: it holds something else than what is staged");
    let fixed =
        ["a.yaml", "b.yaml", "c.yaml", "untracked.yaml"].map(|name| folder.read(name).contains("drop:"));
    assert_eq!(fixed, [true, false, false, false], "{ran:?}");
}

#[test]
fn bad_input_stops_before_any_manifest() {
    let Some(folder) = repository(&[("a.yaml", &pod("a"))]) else { return };
    let top = folder.path().canonicalize().unwrap();
    for (commit, words) in [
        (
            "nonsense",
            format!("error: `--since`: `nonsense` is no commit of the repository at {}", top.display()),
        ),
        ("--output=x", "`--output=x` is no commit".to_owned()),
        ("", "`` is no commit".to_owned()),
    ] {
        folder.run(&[&format!("--since={commit}"), "."]).expect(2, "", &words);
    }
    folder.run_with(&["--since", "HEAD", "-"], b"").expect(2, "", "`-` has no history");
    folder.run(&["--since", "HEAD", "--staged", "."]).expect(2, "", "cannot be used with");
    assert_eq!(folder.read("a.yaml"), pod("a"));
    let outside = Folder::with(&[("b.yaml", &pod("b"))]);
    let path = outside.path().join("b.yaml");
    folder.run(&["--since", "HEAD", path.to_str().unwrap()]).expect(
        2,
        "",
        "it lies outside of the repository at",
    );
    outside.run(&["--since", "HEAD", "."]).expect(
        2,
        "",
        "error: `--since`: this folder is in no git repository",
    );
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cce-fix"));
    command.args(["--staged", "."]).current_dir(folder.path()).env("PATH", "");
    Ran::of(&mut command, b"").expect(2, "", "error: `--staged`: the program `git` is needed");
}
