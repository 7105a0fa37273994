//! What several tests need: the corpus, manifests and what is made of them, temporary folders, the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cce_fix::engine::{self, Examined, Purpose};
use transforms::{ALL, Judged, Settings};

/// The folder of this repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Real manifests by others, where they are beside the repository.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = repository().join("../shared/corpus");
    if !folder.is_dir() {
        println!("no corpus beside the repository: nothing tried on real manifests");
        return None;
    }
    folder.canonicalize().ok()
}

/// Says, so that it is seen although the test passes, what could not be tried on this machine.
pub(crate) fn not_tried(what: &str) {
    use std::io::Write as _;

    // `eprintln` would keep it to a test that passes.
    std::io::stderr().write_all(format!("\nNOT TRIED: {what}\n").as_bytes()).unwrap();
}

/// The YAML and JSON files below `folder`, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|ext| ["yaml", "yml", "json"].iter().any(|known| ext == *known))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Takes off the line breaks around `text`, and the indentation that its lines share.
pub(crate) fn dedent(text: &str) -> String {
    let body = text.trim_start_matches('\n').trim_end();
    let lines = || body.lines().filter(|line| !line.trim().is_empty());
    let shared = lines().map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
    body.lines().flat_map(|line| [line.get(shared..).unwrap_or_default(), "\n"]).collect()
}

/// The default settings with these transforms alone.
pub(crate) fn only(ids: &[&str]) -> Settings {
    for id in ids {
        assert!(ALL.iter().any(|transform| transform.meta().id == *id), "no transform has the id {id}");
    }
    Settings { select: Some(ids.iter().map(|id| (*id).to_owned()).collect()), ..Settings::default() }
}

/// What is made of `text`.
pub(crate) fn examine(settings: &Settings, text: &str) -> Examined {
    examine_file(settings, Path::new("manifest.yaml"), text)
}

/// What is made of `text` in the file `path`.
pub(crate) fn examine_file(settings: &Settings, path: &Path, text: &str) -> Examined {
    engine::examine(text.as_bytes(), path, settings, Purpose::Text)
}

/// `text` after a run: the new one, or the one that was there.
pub(crate) fn fixed(settings: &Settings, text: &str) -> String {
    examine(settings, text).text.unwrap_or_else(|| text.to_owned())
}

/// The findings of all pods of all documents.
pub(crate) fn findings(examined: &Examined) -> impl Iterator<Item = &Judged> {
    examined.plans.iter().flat_map(|(_, plan)| &plan.pods).flat_map(|pod| &pod.findings)
}

/// A temporary folder with files in it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(std::fs::read(self.path().join(name)).unwrap()).unwrap()
    }

    /// Runs the program in the folder.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, b"")
    }

    /// Runs the program in the folder with `stdin`.
    pub(crate) fn run_with(&self, args: &[&str], stdin: &[u8]) -> Ran {
        Ran::of(Command::new(env!("CARGO_BIN_EXE_cce-fix")).args(args).current_dir(self.path()), stdin)
    }

    /// Runs another program in the folder, which has to succeed.
    pub(crate) fn succeed(&self, program: &str, args: &[&str], stdin: &[u8]) -> String {
        let ran = Ran::of(Command::new(program).args(args).current_dir(self.path()), stdin);
        assert_eq!(ran.code, Some(0), "{program} {args:?}: {}", ran.stderr);
        ran.stdout
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command, stdin: &[u8]) -> Self {
        use std::io::Write as _;

        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("NO_COLOR", "1")
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = stdin.to_owned();
        // A program may end without reading all that it is given.
        let feeder = std::thread::spawn(move || drop(pipe.write_all(&input)));
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        Self {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Asserts exit code, stdout and a part of stderr.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, stdout: &str, stderr_part: &str) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, stdout, "{self:?}");
        assert!(self.stderr.contains(stderr_part), "{self:?} lacks {stderr_part:?}");
        self
    }
}
