//! The program in a temporary folder, under `strace`, behind mounts.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_cce-fix");

/// A manifest in which much is to be fixed.
pub(crate) const OLD: &str = "\
# a pod
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  containers:
  - name: web # the only one
    image: registry.example.com/web:1
";

/// Says, so that it is seen although the test passes, what could not be tried on this machine.
pub(crate) fn not_tried(what: &str) {
    use std::io::Write as _;

    assert!(std::env::var_os("CCE_FIX_REQUIRE_FAULTS").is_none(), "{what}");
    std::io::stderr().write_all(format!("\nNOT TRIED: {what}\n").as_bytes()).unwrap();
}

pub(crate) fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).output();
    traced.is_ok_and(|output| output.status.success())
}

pub(crate) fn can_mount() -> bool {
    Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// `None` where it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    // Tests are run with folders of libraries of their own.
    command.stdin(Stdio::null()).env("NO_COLOR", "1").env_remove("LD_LIBRARY_PATH");
    let output = command.output().unwrap();
    Ran { code: output.status.code(), stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// A temporary folder with manifests in `tree`.
pub(crate) struct Tree {
    folder: tempfile::TempDir,
    names: Vec<String>,
}

impl Tree {
    pub(crate) fn new(files: usize) -> Self {
        let tree = Self {
            folder: tempfile::tempdir().unwrap(),
            names: (0..files).map(|number| format!("tree/{number:03}.yaml")).collect(),
        };
        std::fs::create_dir(tree.path("tree")).unwrap();
        tree.reset();
        tree
    }

    /// All files as they were.
    pub(crate) fn reset(&self) {
        for entry in std::fs::read_dir(self.path("tree")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for name in &self.names {
            std::fs::write(self.path(name), OLD).unwrap();
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program, with one thread so that it does the same each time.
    pub(crate) fn program(&self) -> Command {
        self.command(PROGRAM, ["-j1", "tree"])
    }

    pub(crate) fn command(
        &self,
        program: &str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder());
        command
    }

    pub(crate) fn run(&self) -> Ran {
        ran(&mut self.program())
    }

    /// The program under `strace`, which does what `inject` says to some of its calls.
    pub(crate) fn run_injected(&self, inject: &str) -> Ran {
        // Nothing is injected into calls that are not traced.
        let trace = format!("trace={}", inject.split(':').next().unwrap_or_default());
        let inject = format!("inject={inject}");
        let mut command =
            self.command("strace", ["-f", "-qqq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
        ran(command.args([PROGRAM, "-j1", "tree"]))
    }

    /// What the files of the tree hold, and how many temporary files lie beside them. A file that is neither old nor
    /// new is what must never be.
    #[track_caller]
    pub(crate) fn state(&self, context: &str) -> State {
        let new = fixed();
        let mut state = State::default();
        for entry in std::fs::read_dir(self.path("tree")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with(".cce-fix-") {
                state.temporary += 1;
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            match text.as_str() {
                OLD => state.old += 1,
                text if text == new => state.new += 1,
                other => panic!("{context}: {name} is neither old nor new: {other:?}"),
            }
        }
        state
    }
}

/// What became of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) old: usize,
    pub(crate) new: usize,
    pub(crate) temporary: usize,
}

/// What the program makes of [`OLD`].
pub(crate) fn fixed() -> &'static str {
    static FIXED: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    FIXED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, OLD).unwrap();
        let ran = ran(Command::new(PROGRAM).arg(&path));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text != OLD && text.contains("# the only one"), "{text}");
        text
    })
}

/// A system call of a traced run: its name, how often its thread had made it by then, itself among them, and its line.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) thread: String,
    pub(crate) name: String,
    pub(crate) number: usize,
    pub(crate) line: String,
}

/// The system calls of a run of the program, in order.
pub(crate) fn calls(tree: &Tree, args: &[&str]) -> Vec<Call> {
    let log = tree.path("trace");
    let mut command = tree.command("strace", ["-f", "-qqq", "-s", "300", "-o"]);
    command.arg(&log).arg(PROGRAM).args(args);
    let ran = ran(&mut command);
    let text = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
    std::fs::remove_file(log).unwrap();
    let calls = read_trace(&text);
    assert!(calls.len() > 50, "{} calls: {ran:?}", calls.len());
    calls
}

fn read_trace(text: &str) -> Vec<Call> {
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        // The ends of calls that were interrupted by others, signals and exits are none.
        let Some((name, _)) = call.split_once('(').filter(|_| !call.starts_with(['<', '-', '+'])) else {
            continue;
        };
        let count = counts.entry((thread.to_owned(), name.to_owned())).or_default();
        *count += 1;
        calls.push(Call {
            thread: thread.to_owned(),
            name: name.to_owned(),
            number: *count,
            line: call.to_owned(),
        });
    }
    calls
}

/// The calls with which the last file of the tree is written, of which each can be met: no other thread makes as many
/// of the same name.
pub(crate) fn rewrite_of_last(tree: &Tree) -> Vec<Call> {
    let calls = calls(tree, &["-j1", "tree"]);
    let is_rename = |call: &Call| call.name.starts_with("rename");
    let last = calls.iter().rposition(is_rename).expect("a file is renamed");
    let thread = calls[last].thread.clone();
    let is_begin = |call: &Call| call.thread == thread && call.line.contains("O_RDWR|O_NONBLOCK");
    // Opened twice: before the temporary file is made, and once more before it is renamed.
    let opened: Vec<usize> = (0..last).filter(|at| is_begin(&calls[*at])).collect();
    let begin = opened[opened.len() - 2];
    let others = |name: &str| {
        let of_others = calls.iter().filter(|call| call.thread != thread && call.name == name);
        of_others.map(|call| call.number).max().unwrap_or(0)
    };
    let end = calls.iter().rposition(|call| call.thread == thread && call.name == "fsync").unwrap() + 3;
    // Where the folder is looked up, the other threads have done so more often; nothing is changed by that.
    let own = calls[begin..end.min(calls.len())]
        .iter()
        .filter(|call| call.thread == thread && call.name != "getcwd");
    let own: Vec<Call> = own.cloned().collect();
    for call in &own {
        assert!(call.number > others(&call.name), "{} cannot be met: the tree has too few files", call.line);
    }
    own
}
