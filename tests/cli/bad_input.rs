//! Input that cannot be handled: a message, exit 2, the file untouched, everything else still handled.

use std::process::Command;

use crate::common::{Folder, Ran};

const GOOD: &str =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: b\n";

/// Runs over a good file and a bad one; the good one is fixed, the bad one untouched.
#[track_caller]
fn refused(bad: &[u8], message: &str) -> Ran {
    let folder = Folder::with(&[("good.yaml", GOOD)]);
    folder.write("bad.yaml", bad);
    let ran = folder.run(&["."]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains(message), "{:?} lacks {message:?}", ran.stderr);
    assert_eq!(std::fs::read(folder.path().join("bad.yaml")).unwrap(), bad, "the bad file was touched");
    assert_ne!(folder.read("good.yaml"), GOOD, "the good file was not fixed");
    ran
}

#[test]
fn text_that_is_no_utf8() {
    refused(b"\xff\xfea\0p\0", "bad.yaml: error: the file is encoded in UTF-16");
    refused(
        b"apiVersion: v1\nkind: Pod\nname: caf\xe9\n",
        "bad.yaml:3:10: error: the file is not valid UTF-8",
    );
    refused(b"kind: Pod\n\0", "bad.yaml:2:1: error: the file holds a NUL byte");
    refused(
        b"apiVersion: v1\nkind: Pod\na: \x1b[31m\n",
        "bad.yaml:3:4: error: not valid YAML: control characters",
    );
}

#[test]
fn broken_yaml() {
    refused(
        b"apiVersion: v1\nkind: Pod\nspec:\n\tcontainers: []\n",
        "bad.yaml:4:1: error: not valid YAML: a tab",
    );
    refused(
        b"apiVersion: v1\nkind: Pod\nspec: {containers: [\n",
        "bad.yaml:3:7: error: not valid YAML: a `[` or `{` that is never closed",
    );
    refused(b"apiVersion: v1\nkind: Pod\n  spec: 1\n", "bad.yaml:3:7: error: not valid YAML");
}

#[test]
fn a_key_twice_leaves_its_document() {
    let twice = format!("{GOOD}---\n{}", GOOD.replace("image: b", "image: b\n    image: c"));
    let folder = Folder::with(&[("two.yaml", &twice)]);
    let ran = folder.run(&["two.yaml"]);
    ran.expect(2, "", "two.yaml:16:5: error: the key `image` twice in one mapping (first in line 15)");
    let after = folder.read("two.yaml");
    assert!(
        after.ends_with("    image: b\n    image: c\n") && after.matches("seccompProfile").count() == 1,
        "{after}"
    );
}

/// Counted, shown or made, the decision is the same, although nobody asks about keys where there are no workloads.
#[test]
fn a_key_twice_without_workloads_counts_when_something_is_to_change() {
    let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  annotations:\n    \
                   kubernetes.io/elb.autocreate: '{\"type\":\"public\"}'\nspec:\n  type: LoadBalancer\n  type: \
                   LoadBalancer\n";
    let folder = Folder::with(&[("a.yaml", service)]);
    folder.run(&["--check", "."]).expect(0, "", "0 refused");
    folder.write(".cce-fix.yaml", b"transforms: {public-exposure: {internal-elb: true}}\n");
    for mode in [&["--check", "."][..], &["--diff", "."], &["."]] {
        folder.run(mode).expect(
            2,
            "",
            "a.yaml:9:3: error: the key `type` twice in one mapping (first in line 8)",
        );
    }
    assert_eq!(folder.read("a.yaml"), service);
}

#[test]
fn depth_and_aliases_without_end() {
    let deep = format!("apiVersion: v1\nkind: Pod\ncontainers: {}", "[".repeat(100_000));
    refused(deep.as_bytes(), "nesting of more than 10000 levels");
    let deep = format!("apiVersion: v1\nkind: Pod\ncontainers:\n{}", "- ".repeat(100_000));
    refused(deep.as_bytes(), "nesting of more than 10000 levels");
    let mut bomb = String::from("apiVersion: v1\nkind: Pod\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.extend([format!("a{level}: &a{level} [{aliases}]\n")]);
    }
    refused(bomb.as_bytes(), "aliases that expand to an excessive number of nodes");
}

#[test]
fn a_very_long_line_is_read_in_one_go() {
    let long = format!("apiVersion: v1\nkind: Pod\nspec: \"{}\n", "x".repeat(50 << 20));
    refused(long.as_bytes(), "bad.yaml:3:7: error: not valid YAML: a double quote that is never closed");
}

#[cfg(unix)]
#[test]
fn things_that_are_no_files() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    let folder = Folder::with(&[("good.yaml", GOOD)]);
    symlink("loop.yaml", folder.path().join("loop.yaml")).unwrap();
    symlink("/dev/zero", folder.path().join("zero.yaml")).unwrap();
    let _socket = UnixListener::bind(folder.path().join("socket.yaml")).unwrap();
    folder.succeed("mkfifo", &["pipe.yaml"], b"");
    let ran = folder.run(&["."]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    for name in [
        "loop.yaml: error",
        "zero.yaml: error: not a regular file",
        "socket.yaml: error",
        "pipe.yaml: error: not a regular file",
    ] {
        assert!(ran.stderr.contains(name), "{ran:?} lacks {name}");
    }
    assert_ne!(folder.read("good.yaml"), GOOD);
}

#[test]
fn half_written_workloads_are_left_and_are_no_errors() {
    for text in [
        "apiVersion: apps/v1\nkind: Deployment\nspec: null\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n",
        "apiVersion: apps/v1\nkind: Deployment\n",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers: []\n",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - text\n",
        "apiVersion: v1\nkind: Pod\nspec: text\n",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers: {a: 1}\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        env: []\n",
    ] {
        let folder = Folder::with(&[("half.yaml", text)]);
        folder.run(&["half.yaml"]).expect(0, "", "1 file looked at, 0 changed");
        assert_eq!(folder.read("half.yaml"), text);
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let folder = Folder::new();
    for number in 0..300 {
        folder.write(&format!("f{number}.yaml"), GOOD.as_bytes());
    }
    let program = env!("CARGO_BIN_EXE_cce-fix");
    let script = format!("{program} --diff . 2>errors | head -n 1; echo ${{PIPESTATUS[0]}}");
    let out = folder.succeed("bash", &["-c", &script], b"");
    assert!(out.starts_with("--- a/f0.yaml\n") && out.ends_with("\n0\n"), "{out}");
    assert_eq!(folder.read("errors"), "");
}

#[test]
fn names_cannot_play_with_the_terminal() {
    let folder = Folder::new();
    folder.write("\u{1b}[31mred.yaml", b"apiVersion: v1\nkind: [Pod\n");
    let ran = folder.run(&["."]);
    assert_eq!(ran.code, Some(2));
    assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
}

/// Ctrl-C in the middle of a run: each file is old or new, nothing is left behind, and the exit code says so.
#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_each_file_old_or_new() {
    const FILES: usize = 6_000;
    let folder = Folder::new();
    for number in 0..FILES {
        folder.write(&format!("f{number}.yaml"), GOOD.as_bytes());
    }
    let fixed = folder.run_with(&["-"], GOOD.as_bytes()).stdout;
    let mut child = Command::new(env!("CARGO_BIN_EXE_cce-fix"))
        .args(["-q", "."])
        .current_dir(folder.path())
        .spawn()
        .unwrap();
    while !(0..FILES).any(|number| folder.read(&format!("f{number}.yaml")) == fixed) {}
    folder.succeed("kill", &["-INT", &child.id().to_string()], b"");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let texts: Vec<String> = (0..FILES).map(|number| folder.read(&format!("f{number}.yaml"))).collect();
    assert!(texts.iter().all(|text| *text == GOOD || *text == fixed));
    assert!(texts.iter().any(|text| *text == GOOD), "the run was over before it was interrupted");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), FILES, "something was left behind");
}

#[test]
fn a_map_in_the_place_of_a_name_is_no_defect() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: {a: b}, namespace: [c]}\n\
               spec:\n  containers:\n  - name: [a, b]\n    image: {a: b}\n";
    let ran = Folder::with(&[("a.yaml", pod)]).run(&["--check", "a.yaml"]);
    assert!(ran.code == Some(0) && !ran.stderr.contains("defect"), "{ran:?}");
}
