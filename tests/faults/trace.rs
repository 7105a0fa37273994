//! What the program touches beside what it was given: no network, no other program, no file of others, and no terminal
//! with anything but text.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::tools::{Call, OLD, PROGRAM, Tree, calls, can_trace, not_tried};

/// A text that would do something if it could.
const EVIL: &str = "$(touch /tmp/cce-fix-was-here)`touch here`;|&\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\r../../../etc/passwd http://127.0.0.1:9/";

/// The modes that need neither git nor a server.
const MODES: &[&[&str]] = &[
    &["--diff", "tree"],
    &["--check", "tree"],
    &["--list", "tree"],
    &["--check", "-v", "--color", "always", "tree"],
    &["--diff", "-o", "sarif=report.sarif", "-o", "markdown=report.md", "tree"],
    &["--check", "-o", "json", "tree"],
    &["--check", "-o", "full", "tree"],
    &["--check", "--config", "own.yaml", "tree"],
    &["pss", "tree"],
    &["explain", "host-path"],
    &["explain", "image", "http://127.0.0.1:9/x"],
    &["rules"],
    &["config", "show"],
    &["config", "schema"],
    &["completions", "bash"],
    &["man"],
    &["tree"],
];

/// Calls that reach out of the process, or that start another one.
const FORBIDDEN: &[&str] = &[
    "socket",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "socketpair",
    "fork",
    "vfork",
    "ptrace",
    "mount",
    "umount2",
    "chroot",
    "mknod",
    "mknodat",
    "setuid",
    "setgid",
    "init_module",
    "bpf",
    "io_uring_setup",
    "kill",
    "tgkill",
    "unshare",
    "setns",
    "memfd_create",
    "execveat",
];

/// Names, comments, annotations, values and a configuration that are hostile.
fn hostile() -> Tree {
    let tree = Tree::new(2);
    // YAML takes no controls as they are, JSON some.
    let quoted = serde_json::to_string(EVIL).unwrap().replace('\u{9b}', "\\u009b");
    let manifest =
        OLD.replace(
            "name: web\n",
            &format!(
                "name: {quoted}\n  annotations: {{cce-fix/ignore.host-path: {quoted}, {quoted}: {quoted}}}\n"
            ),
        )
        .replace(
            "image: registry.example.com/web:1",
            &format!("image: {quoted}\n    command: [{quoted}]\n    workingDir: {quoted}"),
        ) + "# cce-fix: ignore[$(id)] \u{202e}\n";
    fs::write(tree.path("tree/hostile.yaml"), manifest).unwrap();
    fs::write(tree.path("tree/\u{1b}[2J$(id)\u{7}.yaml"), OLD).unwrap();
    fs::write(tree.path("tree/broken.yaml"), format!("apiVersion: v1\nkind: Pod\nspec: [{EVIL}\n")).unwrap();
    fs::write(tree.path("tree/kustomization.yaml"), "resources: [http://127.0.0.1:9/x, ../../../../etc, /etc/passwd]\npatches: [{path: /etc/shadow}, {path: ../outside.yaml}]\n").unwrap();
    fs::write(tree.path("outside.yaml"), OLD).unwrap();
    // One that is refused and one that is not.
    let refused = format!(
        "images: [{{image: {quoted}, uid: 5}}]\noverrides: [{{ignore: [host-path], reason: {quoted}}}]\n"
    );
    let taken = "exclude: ['../**', '/etc/*']\noverrides: [{match: {path: '../../**', name: '$(touch here)'}, ignore: [host-path], reason: '`touch here`'}]\n";
    fs::write(tree.path("own.yaml"), refused).unwrap();
    fs::write(tree.path(".cce-fix.yaml"), taken).unwrap();
    tree
}

/// The path that a call names, if it names one.
fn path_of(call: &Call) -> Option<&str> {
    let named = [
        "open",
        "openat",
        "openat2",
        "creat",
        "rename",
        "renameat",
        "renameat2",
        "unlink",
        "unlinkat",
        "mkdir",
        "mkdirat",
        "symlink",
        "symlinkat",
        "link",
        "linkat",
        "truncate",
        "chmod",
        "fchmodat",
        "chown",
        "fchownat",
        "utimensat",
    ];
    let (_, rest) = call.line.split_once('"').filter(|_| named.contains(&call.name.as_str()))?;
    rest.split('"').next()
}

/// Whether a call may open this: what is below the folder, the system's libraries, and what says how many processors
/// there are and what git ignores. Folders above are asked for a configuration and for what git ignores.
fn is_expected(path: &str, folder: &Path, changes: bool) -> bool {
    let absolute = folder.join(path);
    let below = absolute.starts_with(folder) && !path.contains("../");
    if below {
        return true;
    }
    // What a kustomization builds on may lie elsewhere, and has one of these names.
    let is_kustomization =
        ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().any(|name| path.ends_with(name));
    let libraries = [
        "/lib",
        "/usr/lib",
        "/etc/ld.so",
        "/proc/self/",
        "/sys/fs/cgroup",
        "/sys/devices/system/cpu",
        "/sys/kernel/mm",
        "/proc/sys/vm",
    ];
    let ignored = [
        ".gitignore",
        ".ignore",
        ".git",
        ".git/info/exclude",
        "gitconfig",
        ".config/git/ignore",
        ".config/git/config",
        ".cce-fix.yaml",
    ];
    !changes
        && (is_kustomization
            || libraries.iter().any(|start| path.starts_with(start))
            || ignored.iter().any(|end| path.ends_with(end)))
}

#[test]
fn nothing_but_the_given_files_is_touched() {
    if !can_trace() {
        return not_tried("the trace of what is touched: `strace` is missing");
    }
    let tree = hostile();
    let folder = tree.folder().canonicalize().unwrap();
    let (mut looked_at, mut opened) = (0, 0);
    for mode in MODES {
        let before = tree_of(&tree);
        for call in calls(&tree, mode) {
            looked_at += 1;
            let line = &call.line;
            assert!(!FORBIDDEN.contains(&call.name.as_str()), "{mode:?}: {line}");
            // The first one is the program itself; a thread shares everything with it.
            assert!(call.name != "execve" || line.contains("/cce-fix\""), "{mode:?}: {line}");
            assert!(!call.name.starts_with("clone") || line.contains("CLONE_THREAD"), "{mode:?}: {line}");
            let Some(path) = path_of(&call) else { continue };
            opened += 1;
            let changes = !call.name.starts_with("open")
                || ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag));
            assert!(is_expected(path, &folder, changes), "{mode:?}: {line}");
            let writes = mode.first() == Some(&"tree") || line.contains("report.");
            assert!(!changes || writes, "{mode:?} changes something: {line}");
        }
        if mode.first() != Some(&"tree") {
            assert_eq!(tree_of(&tree), before, "{mode:?}");
        }
    }
    assert_eq!(tree.read("outside.yaml"), OLD);
    assert!(!Path::new("/tmp/cce-fix-was-here").exists() && !tree.path("here").exists());
    assert!(looked_at > 2_000 && opened > 200, "{looked_at} calls, {opened} paths");
}

fn tree_of(tree: &Tree) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(tree.path("tree"))
        .unwrap()
        .flatten()
        .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

/// On a terminal there are text, colours, links and a progress bar, and nothing that a file brought along.
#[test]
fn a_terminal_gets_nothing_from_files_but_text() {
    let has_script = Command::new("script").args(["-qec", "true", "/dev/null"]).output();
    if !has_script.is_ok_and(|output| output.status.success()) {
        return not_tried("what a terminal gets: `script` is missing");
    }
    let tree = hostile();
    let mut shown = 0;
    for mode in MODES.iter().filter(|mode| mode.contains(&"tree") && !mode.contains(&"json")) {
        let command = format!("{PROGRAM} {}", mode.join(" "));
        let mut script = tree.command("script", ["-qec", &command, "/dev/null"]);
        let output = script.env("TERM", "xterm-256color").stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap_or_else(|_| panic!("{mode:?}: no text"));
        shown += text.len();
        let mut rest = text.as_str();
        while let Some(at) =
            rest.find(|letter: char| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter))
        {
            rest = &rest[at..];
            let length = own_sequence(rest)
                .unwrap_or_else(|| panic!("{mode:?}: {:?}", rest.chars().take(40).collect::<String>()));
            rest = &rest[length..];
        }
    }
    assert!(shown > 5_000, "{shown} bytes");
}

/// The length of a control sequence at the start of `text`, if it is one of the program's own: a line's end, a colour,
/// a link to a file, or what a progress bar moves by.
fn own_sequence(text: &str) -> Option<usize> {
    if let Some(rest) = text.strip_prefix("\u{1b}[") {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ';')?;
        return ["m", "K", "A"].iter().any(|own| rest[end..].starts_with(own)).then_some(end + 3);
    }
    if let Some(rest) = text.strip_prefix("\u{1b}]8;;") {
        let end = rest.find("\u{1b}\\")?;
        let link = &rest[..end];
        let is_plain = link.is_empty()
            || link.starts_with("file://") && link.bytes().all(|byte| byte.is_ascii_graphic());
        return is_plain.then_some(5 + end + 2);
    }
    text.starts_with("\r\n").then_some(2).or_else(|| text.starts_with(['\t', '\n', '\r']).then_some(1))
}
