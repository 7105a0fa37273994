//! What is compared: this program, what people use in its place, and floors below which nothing gets. What has to be
//! fetched or built is kept in a cache outside of the repository, by version.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use super::measure::{Contender, program, succeed};

const YQ: &str = "4.53.6";
const RUAMEL: &str = "0.19.1";

/// The programs that are there.
#[derive(Debug)]
pub(super) struct Programs {
    repository: PathBuf,
    pub(super) cce_fix: String,
    yq: Option<String>,
    ruamel: Option<String>,
    decode: Option<String>,
    /// A Rust program that does nothing.
    pub(super) empty: Option<String>,
    /// Those of [`FIXERS`] that are installed.
    fixers: Vec<&'static Fixer>,
    /// What is not there, and why.
    pub(super) missing: Vec<String>,
}

/// A fixer that is too large to be fetched for a comparison: measured where somebody installed it.
#[derive(Debug)]
struct Fixer {
    name: &'static str,
    /// What is run in the folder of the files.
    script: &'static str,
}

const FIXERS: [Fixer; 3] = [
    Fixer { name: "polaris", script: "polaris fix --checks all --files-path ." },
    Fixer { name: "kubeaudit", script: "find . -name '*.yaml' -exec kubeaudit autofix -f {} \\;" },
    Fixer {
        name: "kubescape",
        script: "kubescape scan --format json --output report.json . && kubescape fix --no-confirm report.json",
    },
];

impl Programs {
    /// Looks for all of them, and builds what is missing. `own` is the program to measure; without it, it is built.
    pub(super) fn find(repository: &Path, own: Option<&str>) -> Result<Self, String> {
        let repository = repository.canonicalize().map_err(|error| error.to_string())?;
        let cce_fix = match own {
            Some(own) => Path::new(own).canonicalize().map_err(|error| format!("{own}: {error}"))?,
            None => build(&repository)?,
        };
        let mut missing = Vec::new();
        let mut tried = |name: &str, made: Result<PathBuf, String>| match made {
            Ok(path) => Some(path.display().to_string()),
            Err(why) => {
                missing.push(format!("{name}: {}", why.trim()));
                None
            }
        };
        let yq = tried("yq", yq());
        let ruamel = tried("ruamel.yaml", ruamel());
        let decode = tried("kubectl's decoder", decode(&repository));
        let empty = tried("an empty Rust program", empty());
        let has = |name: &str| {
            env::split_paths(&crate::variable("PATH").unwrap_or_default())
                .any(|path| path.join(name).is_file())
        };
        let (fixers, others): (Vec<_>, Vec<_>) = FIXERS.iter().partition(|fixer| has(fixer.name));
        missing.extend(others.iter().map(|fixer| format!("{}: not on the PATH", fixer.name)));
        let cce_fix = cce_fix.display().to_string();
        Ok(Self { repository, cce_fix, yq, ruamel, decode, empty, fixers, missing })
    }

    /// This program in `folder`.
    pub(super) fn own(&self, name: &str, folder: &Path, arguments: &[&str]) -> Contender {
        Contender::new(name, folder, &[&[self.cce_fix.as_str(), "-q"], arguments].concat())
    }

    /// `cat` over the files that are named in `list`.
    pub(super) fn cat(folder: &Path, list: &Path) -> Contender {
        Contender::new("`cat`", folder, &["xargs", "-a", &list.display().to_string(), "cat"])
    }

    /// One of the floors over the files that are named in `list`: see `floor.rs`.
    pub(super) fn floor(name: &str, what: &str, folder: &Path, list: &Path) -> Contender {
        let own = env::current_exe().unwrap_or_default();
        let command = [&own.display().to_string(), "bench-floor", what, &list.display().to_string()];
        Contender::new(name, folder, &command)
    }

    /// The alternatives that change the files which are named in `list`, each in its own way of working, and the
    /// decoder, which only reads them.
    pub(super) fn peers(&self, folder: &Path, list: &Path) -> Vec<Contender> {
        let share = self.repository.join("benches/peers");
        let share = |name: &str| share.join(name).display().to_string();
        let mut peers = Vec::new();
        if let Some(decode) = &self.decode {
            peers.push(Contender::new("kubectl's decoder, only reads", folder, &[decode]).reading(list));
        }
        if let Some(python) = &self.ruamel {
            let command = [python.as_str(), &share("harden.py")];
            peers.push(
                Contender::new(&format!("ruamel.yaml {RUAMEL}"), folder, &command).reading(list).at_most(3),
            );
        }
        if let Some(yq) = &self.yq {
            let list = list.display().to_string();
            // One file for each process: `-i` is for the first one alone.
            let command = ["xargs", "-a", &list, "-n", "1", yq, "-i", "--from-file", &share("harden.yq")];
            peers.push(
                Contender::new(&format!("yq {YQ}, an expression by hand"), folder, &command).at_most(3),
            );
        }
        for Fixer { name, script } in &self.fixers {
            peers.push(Contender::new(name, folder, &["sh", "-c", script]).at_most(1));
        }
        peers
    }
}

/// The program as it is released, as far as this machine's compiler makes it.
fn build(repository: &Path) -> Result<PathBuf, String> {
    succeed(program(env!("CARGO")).args(["build", "--release", "--quiet"]).current_dir(repository))?;
    Ok(crate::target(repository).join("release/cce-fix"))
}

/// The same folder as that of the tests, for the same reason.
fn cache() -> PathBuf {
    let variable = |name| crate::variable(name).map(PathBuf::from);
    variable("CCE_FIX_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("cce-fix-tests")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/cce-fix-tests")))
        .unwrap_or_else(env::temp_dir)
}

fn yq() -> Result<PathBuf, String> {
    let home = cache().join(format!("yq-{YQ}"));
    let path = home.join("yq");
    if !path.is_file() {
        let module = format!("github.com/mikefarah/yq/v4@v{YQ}");
        succeed(program("go").args(["install", &module]).env("GOBIN", &home).current_dir(env::temp_dir()))?;
    }
    Ok(path)
}

fn ruamel() -> Result<PathBuf, String> {
    let home = cache().join(format!("ruamel.yaml-{RUAMEL}"));
    let python = home.join("bin/python");
    if succeed(program(&python).args(["-c", "import ruamel.yaml"])).is_err() {
        succeed(program("python3").args(["-m", "venv"]).arg(&home))?;
        succeed(program(&python).args(["-m", "pip", "install", "-q", &format!("ruamel.yaml=={RUAMEL}")]))?;
    }
    Ok(python)
}

fn decode(repository: &Path) -> Result<PathBuf, String> {
    let sources = repository.join("benches/peers/decode");
    let mut hash = DefaultHasher::new();
    for name in ["main.go", "go.mod", "go.sum"] {
        crate::read(&sources.join(name))?.hash(&mut hash);
    }
    let path = cache().join(format!("decode-{:016x}", hash.finish()));
    if !path.is_file() {
        let mut go = program("go");
        go.args(["build", "-trimpath", "-mod=readonly", "-ldflags", "-s -w", "-o"]).arg(&path);
        succeed(go.arg(".").current_dir(&sources))?;
    }
    Ok(path)
}

fn empty() -> Result<PathBuf, String> {
    let path = cache().join("empty");
    if !path.is_file() {
        let source = cache().join("empty.rs");
        crate::write(&source, "fn main() {}\n")?;
        succeed(program("rustc").arg("-O").arg(&source).arg("-o").arg(&path))?;
    }
    Ok(path)
}

/// Writes the names of `files`, one a line, for programs that are told them.
pub(super) fn names(list: &Path, files: &[PathBuf]) -> Result<(), String> {
    if files.is_empty() {
        return Err(format!("{}: no files", list.display()));
    }
    let lines: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    crate::write(list, &(lines.join("\n") + "\n"))
}
