//! Somebody else at the same files.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::table::Row;
use crate::tools::{OLD, PROGRAM, Tree, fixed, not_tried, ran};

pub(crate) fn traced_rows() -> Vec<Row> {
    vec![changed_in_between(), order_of_syncs()]
}

pub(crate) fn rows() -> Vec<Row> {
    vec![two_at_once(), vanishing()]
}

/// The program waits at its `fsync`; meanwhile the file becomes another.
fn changed_in_between() -> Row {
    const WAYS: [&str; 4] = ["written to", "replaced", "removed", "made a link"];
    for way in WAYS {
        let tree = Tree::new(1);
        let path = tree.path("tree/000.yaml");
        let args = [
            "-f",
            "-qqq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync",
            "-e",
            "inject=fsync:delay_enter=700000:when=1",
            PROGRAM,
            "-j1",
            "tree",
        ];
        let mut command = tree.command("strace", args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let is_there = || {
            let names = std::fs::read_dir(tree.path("tree")).unwrap();
            names.flatten().any(|entry| {
                entry.file_name().to_string_lossy().starts_with(".cce-fix-")
                    && entry.metadata().is_ok_and(|file| file.len() > 0)
            })
        };
        let begun = Instant::now();
        while !is_there() && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(2));
        }
        let other = format!("{OLD}# by somebody else\n");
        match way {
            "written to" => std::fs::write(&path, &other).unwrap(),
            "replaced" => {
                std::fs::write(tree.path("other"), &other).unwrap();
                std::fs::rename(tree.path("other"), &path).unwrap();
            }
            "removed" => std::fs::remove_file(&path).unwrap(),
            _ => {
                std::fs::write(tree.path("other"), &other).unwrap();
                std::fs::remove_file(&path).unwrap();
                std::os::unix::fs::symlink("../other", &path).unwrap();
            }
        }
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{way}: {stderr}");
        assert!(stderr.contains("was changed by another program in the meantime"), "{way}: {stderr}");
        let left: Vec<_> =
            std::fs::read_dir(tree.path("tree")).unwrap().flatten().map(|entry| entry.file_name()).collect();
        if way == "removed" {
            assert!(left.is_empty(), "{left:?}");
        } else {
            assert_eq!(left, ["000.yaml"], "{way}");
            assert_eq!(tree.read("tree/000.yaml"), other, "{way}");
        }
    }
    Row::new(
        "a file that another program changes between reading and writing (written to, replaced, removed, made a link)",
        WAYS.len(),
        "the other program's work stays, with a message, exit 2",
    )
}

/// The content is on the disk before the name leads to it, and the name before the program says so.
fn order_of_syncs() -> Row {
    let tree = Tree::new(24);
    let calls = crate::tools::rewrite_of_last(&tree);
    let names: Vec<&str> = calls
        .iter()
        .map(|call| call.name.as_str())
        .filter(|name| ["write", "fsync", "renameat"].contains(name))
        .collect();
    assert_eq!(names, ["write", "fsync", "renameat", "fsync"]);
    Row::new("the order of calls that a power cut depends on", 1, "written, synced, renamed, folder synced")
}

/// Every file is fixed, by one or the other; who comes late says so.
fn two_at_once() -> Row {
    const ROUNDS: usize = 5;
    for round in 0..ROUNDS {
        let tree = Tree::new(40);
        let mut children: Vec<_> = (0..2)
            .map(|_| {
                tree.command(PROGRAM, ["tree"])
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in children.drain(..) {
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
            let is_told = errors.iter().all(|line| {
                line.contains("was changed by another program in the meantime")
                    || line.contains("No such file")
            });
            assert!(is_told, "{stderr}");
            assert_eq!(output.status.code(), Some(if errors.is_empty() { 0 } else { 2 }), "{stderr}");
        }
        let state = tree.state("two at once");
        assert_eq!((state.old, state.new, state.temporary), (0, 40, 0), "round {round}");
    }
    Row::new(
        "two runs on the same 40 files at once",
        ROUNDS,
        "each file fixed once; who came late left it, with a message, exit 2",
    )
}

/// Files go away while the tree is walked and read.
fn vanishing() -> Row {
    const ROUNDS: usize = 5;
    for round in 0..ROUNDS {
        let tree = Tree::new(200);
        let child =
            tree.program().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut gone = 0;
        for number in (0..200).rev().step_by(2) {
            std::fs::remove_file(tree.path(&format!("tree/{number:03}.yaml"))).unwrap();
            gone += 1;
        }
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!([Some(0), Some(2)].contains(&output.status.code()), "{stderr}");
        assert!(!stderr.contains("defect") && !stderr.contains("panic"), "{stderr}");
        let state = tree.state("vanishing");
        // What was removed stays removed, and what stays is fixed.
        assert_eq!((state.old, state.new, state.temporary), (0, 200 - gone, 0), "round {round}: {stderr}");
        if tree.run().code != Some(0) {
            not_tried("a second run over what is left failed");
        }
    }
    let tree = Tree::new(1);
    let ran = ran(&mut tree.command(PROGRAM, ["tree/000.yaml", "tree/gone.yaml"]));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("tree/gone.yaml"), "{ran:?}");
    assert_eq!(tree.read("tree/000.yaml"), if ran.stderr.contains("1 changed") { fixed() } else { OLD });
    Row::new(
        "files that vanish during the walk",
        ROUNDS,
        "none comes back; all others fixed; a file that was seen and is gone is told, exit 2",
    )
}
