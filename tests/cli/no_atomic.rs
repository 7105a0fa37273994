//! Files that cannot be replaced: left and reported, written in place with `--no-atomic`, and no hindrance to
//! the other files of the run.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::common::{Folder, Ran, not_tried};

const POD: &str =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: b\n";

const PROGRAM: &str = env!("CARGO_BIN_EXE_cce-fix");

/// Somebody without privileges.
const NOBODY: u32 = 65_534;

/// A tree with a good file, and with a file `held/pod.yaml` for that something is to stand in the way.
fn tree() -> Folder {
    Folder::with(&[("tree/good.yaml", POD), ("tree/held/pod.yaml", POD)])
}

/// What the program makes of the pod.
fn fixed() -> String {
    let mapped = Folder::new().run_with(&["-"], POD.as_bytes());
    assert_ne!(mapped.stdout, POD);
    mapped.stdout
}

/// Runs the program over the tree as `run` does, without and with `--no-atomic`. `held` is the file that cannot
/// be replaced, by the name under which its content is seen from here.
#[track_caller]
fn check(folder: &Folder, held: &str, words: &[&str], run: impl Fn(&[&str]) -> Ran) {
    let fixed = fixed();
    let first = run(&["tree"]);
    first.expect(2, "", "2 files looked at, 1 changed");
    for words in ["error: `tree/held/pod.yaml` is left as it is: "].iter().chain(words) {
        assert!(first.stderr.contains(words), "{first:?} lacks {words}");
    }
    assert_eq!(folder.read(held), POD, "the file was touched");
    assert_eq!(folder.read("tree/good.yaml"), fixed, "the good file was not fixed");

    let inode = || fs::metadata(folder.path().join(held)).unwrap().ino();
    let before = inode();
    folder.write("tree/good.yaml", POD.as_bytes());
    run(&["--no-atomic", "tree"]).expect(0, "", "2 files looked at, 2 changed");
    assert_eq!(folder.read(held), fixed, "the file was not written");
    assert_eq!(inode(), before, "the file was replaced");
    assert_eq!(folder.read("tree/good.yaml"), fixed, "the good file was not fixed");
    let lists = |name| fs::read_dir(folder.path().join(name)).unwrap().count();
    assert_eq!((lists("tree"), lists("tree/held")), (2, 1), "something was left behind");
}

#[test]
fn a_file_with_two_names() {
    let folder = tree();
    let other = folder.path().join("other.yaml");
    fs::hard_link(folder.path().join("tree/held/pod.yaml"), &other).unwrap();
    let words = ["it has 2 hard links, which a replacement would part; use `--no-atomic` to write in place"];
    check(&folder, "tree/held/pod.yaml", &words, |args| folder.run(args));
    assert_eq!(folder.read("other.yaml"), fixed(), "the two names lead to two files now");
}

/// Runs the program in the folder, in a mount namespace of its own that `script` prepares; `None` where there
/// can be none.
fn run_behind_mounts(folder: &Path, script: &str, args: &[&str]) -> Option<Ran> {
    let unshare = |options: &[&str], script: &str| {
        let mut command = Command::new("unshare");
        command.args(options).args(["sh", "-ec", script, PROGRAM]).args(args).current_dir(folder);
        command
    };
    let can_mount = |options: &&[&str]| {
        unshare(options, "mount --bind . .").output().is_ok_and(|output| output.status.success())
    };
    // Not only root can: elsewhere everybody is root in a user namespace of their own.
    let options = [["-m"].as_slice(), ["-m", "-r"].as_slice()].into_iter().find(can_mount)?;
    Some(Ran::of(&mut unshare(options, &format!("{script}\nexec \"$0\" \"$@\"")), b""))
}

#[test]
fn a_file_that_is_mounted_by_itself() {
    let folder = tree();
    folder.write("origin.yaml", POD.as_bytes());
    let run =
        |args: &[&str]| run_behind_mounts(folder.path(), "mount --bind origin.yaml tree/held/pod.yaml", args);
    if run(&["--check", "tree"]).is_none() {
        return not_tried("a file that is mounted by itself: nothing can be mounted here");
    }
    let words = ["it is mounted by itself and cannot be replaced (", "; use `--no-atomic` to write in place"];
    check(&folder, "origin.yaml", &words, |args| run(args).unwrap());
    assert_eq!(folder.read("tree/held/pod.yaml"), POD, "what the mount hides was written");
}

/// Nothing helps here, so nothing is offered.
#[test]
fn a_file_on_a_read_only_mount() {
    let folder = tree();
    let script = "mount --bind tree/held tree/held && mount -o remount,bind,ro tree/held";
    for args in [["tree"].as_slice(), &["--no-atomic", "tree"]] {
        folder.write("tree/good.yaml", POD.as_bytes());
        let Some(ran) = run_behind_mounts(folder.path(), script, args) else {
            return not_tried("a file on a read-only mount: nothing can be mounted here");
        };
        ran.expect(2, "", "error: `tree/held/pod.yaml` is write-protected (Read-only file system");
        ran.expect(2, "", "2 files looked at, 1 changed");
        assert!(!ran.stderr.contains("--no-atomic"), "{ran:?}");
        assert_eq!(folder.read("tree/held/pod.yaml"), POD);
        assert_eq!(folder.read("tree/good.yaml"), fixed());
    }
}

#[test]
fn a_folder_that_takes_no_file() {
    let folder = tree();
    let path = |name: &str| folder.path().join(name);
    let set_mode = |name, mode| fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
    let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
    if is_root {
        // Permissions do not bind root, so that somebody else has to run the program, and to reach it.
        fs::copy(PROGRAM, path("program")).unwrap();
        for name in ["tree", "tree/held", "tree/good.yaml", "tree/held/pod.yaml"] {
            if let Err(error) = chown(path(name), Some(NOBODY), Some(NOBODY)) {
                return not_tried(&format!(
                    "a folder that takes no file: nothing can be given away ({error})"
                ));
            }
        }
        set_mode(".", 0o755);
    }
    set_mode("tree/held", 0o555);
    let run = |args: &[&str]| {
        let mut command = Command::new(if is_root { path("program") } else { PROGRAM.into() });
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        Ran::of(command.args(args).current_dir(folder.path()), b"")
    };
    let words =
        ["its folder takes no temporary file (Permission denied", "use `--no-atomic` to write in place"];
    check(&folder, "tree/held/pod.yaml", &words, run);
    // Or the folder could not be cleared away.
    set_mode("tree/held", 0o755);
}
