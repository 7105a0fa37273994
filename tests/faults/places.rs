//! What a file has beside its content, where it lies, and what leads to it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;

use rustix::fs::XattrFlags;

use crate::table::Row;
use crate::tools::{OLD, PROGRAM, Ran, Tree, fixed, not_tried, ran};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = vec![modes(), attributes(), hard_links(), links(), links_out()];
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        rows.extend([owners(), set_group_id(), folder_of_another()]);
    } else {
        not_tried("faults: owners are kept: only root gives files away");
    }
    rows
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn modes() -> Row {
    const MODES: [u32; 7] = [0o600, 0o640, 0o644, 0o660, 0o666, 0o755, 0o4755];
    for wanted in MODES {
        let tree = Tree::new(1);
        let path = tree.path("tree/000.yaml");
        fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
        assert_eq!(tree.run().code, Some(0));
        assert_eq!(mode(&path), wanted);
        assert_eq!(tree.read("tree/000.yaml"), fixed());
    }
    Row::new("permission bits, set-user-id among them", MODES.len(), "kept")
}

fn owners() -> Row {
    const OWNERS: [(u32, u32); 3] = [(1234, 2345), (0, 2345), (1234, 0)];
    for (user, group) in OWNERS {
        let tree = Tree::new(1);
        let path = tree.path("tree/000.yaml");
        chown(&path, Some(user), Some(group)).unwrap();
        assert_eq!(tree.run().code, Some(0));
        let file = fs::metadata(&path).unwrap();
        assert_eq!((file.uid(), file.gid()), (user, group));
        assert_eq!(tree.read("tree/000.yaml"), fixed());
    }
    Row::new("owner and group", OWNERS.len(), "kept")
}

/// A folder that gives its group to new files does not give it to the file that takes another's place.
fn set_group_id() -> Row {
    let tree = Tree::new(2);
    let folder = tree.path("tree");
    chown(&folder, None, Some(3456)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o2775)).unwrap();
    chown(tree.path("tree/001.yaml"), None, Some(3456)).unwrap();
    assert_eq!(tree.run().code, Some(0));
    for (name, group) in
        [("tree/000.yaml", fs::metadata(tree.folder()).unwrap().gid()), ("tree/001.yaml", 3456)]
    {
        assert_eq!(fs::metadata(tree.path(name)).unwrap().gid(), group, "{name}");
    }
    assert_eq!(mode(&folder), 0o2775);
    Row::new("a folder with the set-group-id bit", 2, "each file keeps its own group")
}

/// The lists that `setfacl` writes, in the bytes of the kernel: user 1234 may read.
fn access_list() -> Vec<u8> {
    let mut bytes = 2u32.to_le_bytes().to_vec();
    for (tag, rights, id) in
        [(1u16, 6u16, u32::MAX), (2, 4, 1234), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
    {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

fn attributes() -> Row {
    let tree = Tree::new(1);
    let path = tree.path("tree/000.yaml");
    let wanted = [("user.note", b"by the team".to_vec()), ("system.posix_acl_access", access_list())];
    let mut set = Vec::new();
    for (name, value) in &wanted {
        match rustix::fs::setxattr(&path, *name, value, XattrFlags::empty()) {
            Ok(()) => set.push((name, value)),
            Err(error) => not_tried(&format!("faults: {name} cannot be set here: {error}")),
        }
    }
    assert_eq!(tree.run().code, Some(0));
    assert_eq!(tree.read("tree/000.yaml"), fixed());
    for (name, value) in set {
        let mut there = [0; 200];
        let length = rustix::fs::getxattr(&path, *name, &mut there[..]).unwrap();
        assert_eq!(&there[..length], value.as_slice(), "{name}");
    }
    Row::new("an extended attribute and an access list", wanted.len(), "kept")
}

fn hard_links() -> Row {
    let tree = Tree::new(2);
    fs::hard_link(tree.path("tree/000.yaml"), tree.path("other")).unwrap();
    let ran = tree.run();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("2 hard links") && ran.stderr.contains("`--no-atomic`"), "{ran:?}");
    assert_eq!((tree.read("tree/000.yaml").as_str(), tree.read("tree/001.yaml").as_str()), (OLD, fixed()));
    let plain = crate::tools::ran(&mut tree.command(PROGRAM, ["--no-atomic", "tree"]));
    assert_eq!(plain.code, Some(0), "{plain:?}");
    assert_eq!(tree.read("other"), fixed());
    assert_eq!(fs::metadata(tree.path("other")).unwrap().nlink(), 2);
    Row::new(
        "a file with two names",
        1,
        "left with a message, exit 2; with `--no-atomic` written, and both names stay",
    )
}

fn links() -> Row {
    let tree = Tree::new(1);
    symlink("000.yaml", tree.path("tree/link.yaml")).unwrap();
    symlink("nothing", tree.path("tree/dangling.yaml")).unwrap();
    let ran = tree.run();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("tree/dangling.yaml"), "{ran:?}");
    assert_eq!(tree.read("tree/000.yaml"), fixed());
    assert!(fs::symlink_metadata(tree.path("tree/link.yaml")).unwrap().is_symlink());
    Row::new(
        "symbolic links within the tree, one of them to nothing",
        2,
        "the file is fixed once, the link stays; the one to nothing is told, exit 2",
    )
}

fn links_out() -> Row {
    let tree = Tree::new(1);
    let outside = tree.path("outside.yaml");
    fs::write(&outside, OLD).unwrap();
    symlink("../outside.yaml", tree.path("tree/link.yaml")).unwrap();
    let walked = tree.run();
    assert_eq!(walked.code, Some(2), "{walked:?}");
    assert!(walked.stderr.contains("outside the folder; name the file itself to fix it"), "{walked:?}");
    assert_eq!(tree.read("outside.yaml"), OLD);
    let named = ran(&mut tree.command(PROGRAM, ["tree/link.yaml"]));
    assert_eq!(named.code, Some(0), "{named:?}");
    assert_eq!(tree.read("outside.yaml"), fixed());
    assert!(fs::symlink_metadata(tree.path("tree/link.yaml")).unwrap().is_symlink());
    // A folder that is a link leads nowhere either.
    fs::create_dir(tree.path("away")).unwrap();
    fs::write(tree.path("away/a.yaml"), OLD).unwrap();
    symlink("../away", tree.path("tree/folder")).unwrap();
    fs::remove_file(tree.path("tree/link.yaml")).unwrap();
    assert_eq!(tree.run().code, Some(0));
    assert_eq!(tree.read("away/a.yaml"), OLD);
    Row::new(
        "symbolic links out of the tree, to a file and to a folder",
        3,
        "not followed, the file with a message, exit 2; named on the command line, the file is fixed and the link stays",
    )
}

/// The program run by somebody who may not write to the folder.
fn folder_of_another() -> Row {
    let tree = Tree::new(1);
    fs::set_permissions(tree.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(tree.path("tree/000.yaml"), Some(65534), Some(65534)).unwrap();
    fs::copy(PROGRAM, tree.path("program")).unwrap();
    let args = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "./program", "tree"];
    let ran = ran(&mut tree.command("setpriv", args));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("its folder takes no temporary file (Permission denied"), "{ran:?}");
    assert_eq!(tree.read("tree/000.yaml"), OLD);
    Row::new("a folder that may not be written to", 1, "left with a message, exit 2")
}

/// Runs the program in a mount namespace of its own that `script` prepares.
fn behind(tree: &Tree, script: &str, args: &[&str]) -> Ran {
    let script = format!("{script}\nexec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-ec", &script, PROGRAM]).args(args).current_dir(tree.folder());
    ran(&mut command)
}

pub(crate) fn mounted_rows() -> Vec<Row> {
    vec![full_disk(), mounted_alone(), read_only()]
}

/// A disk with room for some of the new files.
fn full_disk() -> Row {
    let tree = Tree::new(0);
    fs::write(tree.path("old"), OLD).unwrap();
    let script = "mount -t tmpfs -o size=96k none tree
        for number in 1 2 3 4 5 6 7 8; do cp old tree/$number.yaml; done
        dd if=/dev/zero of=tree/filler bs=4k count=100 2>/dev/null || true
        code=0; \"$0\" -j1 tree || code=$?
        rm tree/filler; cp -a tree/. kept/; exit $code";
    fs::create_dir(tree.path("kept")).unwrap();
    let ran = behind(&tree, script, &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("see that the disk is sound and has room"), "{ran:?}");
    let mut count = 0;
    for entry in fs::read_dir(tree.path("kept")).unwrap().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap();
        assert!(text == OLD || text == fixed(), "{}: {text:?}", entry.path().display());
        count += 1;
    }
    assert_eq!(count, 8, "a temporary file is left behind");
    Row::new("a full disk (a small tmpfs), 8 files", 1, "each left with a message, exit 2")
}

fn mounted_alone() -> Row {
    let tree = Tree::new(2);
    fs::write(tree.path("origin"), OLD).unwrap();
    let mount = "mount --bind origin tree/000.yaml";
    let ran = behind(&tree, mount, &["tree"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("it is mounted by itself and cannot be replaced"), "{ran:?}");
    assert_eq!((tree.read("origin").as_str(), tree.read("tree/001.yaml").as_str()), (OLD, fixed()));
    let plain = behind(&tree, mount, &["--no-atomic", "tree"]);
    assert_eq!(plain.code, Some(0), "{plain:?}");
    assert_eq!(tree.read("origin"), fixed());
    let state = tree.state("mounted alone");
    assert_eq!((state.old, state.new, state.temporary), (1, 1, 0));
    Row::new(
        "a file that is bind-mounted by itself",
        2,
        "left with a message, exit 2; with `--no-atomic` written",
    )
}

fn read_only() -> Row {
    let tree = Tree::new(1);
    let ran = behind(&tree, "mount --bind tree tree; mount -o remount,bind,ro tree", &["tree"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("is write-protected (Read-only file system"), "{ran:?}");
    assert_eq!(tree.state("read-only").old, 1);
    Row::new("a read-only file system", 1, "left with a message, exit 2")
}
