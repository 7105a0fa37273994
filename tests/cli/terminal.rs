//! What only a terminal gets: links and a bar. `script` (of util-linux) is the terminal.

#![cfg(target_os = "linux")]

use std::process::Command;

use super::POD;
use crate::common::{Folder, Ran, not_tried};

/// What the program shows on a terminal, where one can be had.
fn on_terminal(folder: &Folder, args: &str, environment: &[(&str, &str)]) -> Option<String> {
    let command = format!("{} {args}", env!("CARGO_BIN_EXE_cce-fix"));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(folder.path());
    script.env("TERM", "xterm-256color");
    if script.output().is_err() {
        not_tried("nothing was shown on a terminal: `script` is missing");
        return None;
    }
    // What a pipeline or a person has set for all programs is not what is tried here.
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        script.env_remove(name);
    }
    script.envs(environment.iter().copied());
    let output = script.stdin(std::process::Stdio::null()).output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn paths_are_links_on_a_terminal_alone() {
    let folder = Folder::with(&[("a b.yaml", POD)]);
    let Some(shown) = on_terminal(&folder, "--check -v .", &[]) else { return };
    let place = folder.path().canonicalize().unwrap();
    let link = format!("\x1b]8;;file://{}/a%20b.yaml\x1b\\a b.yaml:7:5\x1b]8;;\x1b\\: ", place.display());
    assert!(shown.contains(&link), "{shown:?}");
    let shown = on_terminal(&folder, "-l .", &[]).unwrap();
    assert!(shown.contains("a%20b.yaml\x1b\\a b.yaml\x1b]8;;\x1b\\\r\n"), "{shown:?}");
    let shown = on_terminal(&folder, "--check -q -o concise .", &[]).unwrap();
    assert!(shown.contains(&link), "{shown:?}");
    let shown = on_terminal(&folder, "--check -q -s resources -o full .", &[]).unwrap();
    assert!(shown.contains("a%20b.yaml\x1b\\a b.yaml:7\x1b]8;;\x1b\\:5"), "{shown:?}");
    for (args, environment) in [
        ("--check -o concise . | cat", &[][..]),
        ("--check -o full --color always . | cat", &[]),
        ("--check -v --color never .", &[]),
        ("--check -v .", &[("NO_COLOR", "1")]),
        ("--check -v .", &[("TERM", "dumb")]),
        ("--check -v .", &[("TERM", "dumb"), ("CI", "true")]),
        ("--check -v . 2>&1 | cat", &[]),
        ("-l --color always . | cat", &[]),
    ] {
        let shown = on_terminal(&folder, args, environment).unwrap();
        assert!(shown.contains("a b.yaml") && !shown.contains("\x1b]8"), "{args} {environment:?}: {shown:?}");
    }
}

#[test]
fn a_bar_is_shown_to_a_person_who_waits() {
    let bar = |shown: &str| shown.contains(" %");
    let few = Folder::with(&[("a.yaml", POD), ("b.yaml", POD)]);
    let Some(shown) = on_terminal(&few, "--check .", &[]) else { return };
    assert!(!bar(&shown), "{shown:?}");
    // Enough for any machine to take longer than the bar waits for.
    let many = Folder::new();
    let pods = format!("{POD}---\n").repeat(100);
    for number in 0..40 {
        many.write(&format!("{number}.yaml"), pods.as_bytes());
    }
    let shown = on_terminal(&many, "--check -j1 .", &[]).unwrap();
    assert!(bar(&shown) && shown.contains("40 files looked at"), "{shown:?}");
    // It is gone before the last words.
    let end = shown.split("40 files looked at").next().unwrap();
    assert!(end.ends_with("\x1b[2K") || end.ends_with('\r'), "{end:?}");
    for args in ["--check -j1 -q .", "--check -j1 --no-progress .", "--check -j1 . 2>&1 | cat"] {
        let shown = on_terminal(&many, args, &[]).unwrap();
        assert!(!bar(&shown), "{args}: {shown:?}");
    }
}

/// What is left is followed by what to do about it.
#[test]
fn what_is_left_comes_with_the_next_step() {
    let volume = "    volumeMounts: [{name: data, mountPath: /data}]\n  volumes:\n  - name: data\n    \
                  hostPath: {path: /etc}\n";
    let folder = Folder::with(&[("pod.yaml", &format!("{POD}{volume}")), ("fine.yaml", POD)]);
    let hint = "1 left for a person: `cce-fix -v` tells where and why; see `cce-fix explain host-path`\n";
    let of = |args: &[&str]| -> Ran { folder.run(args) };
    let ran = of(&["--check", "-s", "host-path,resources", "pod.yaml"]);
    assert!(ran.stderr.contains(hint), "{ran:?}");
    let ran = of(&["--check", "-v", "-s", "host-path,resources", "pod.yaml"]);
    assert!(ran.stderr.contains("\n1 left for a person: see `cce-fix explain host-path`\n"), "{ran:?}");
    for args in [&["--check", "-q", "pod.yaml"][..], &["--check", "-s", "host-path", "fine.yaml"]] {
        assert!(!of(args).stderr.contains("cce-fix explain"), "{args:?}");
    }
}
