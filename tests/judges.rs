//! Judges in Go that share no code with this program: built once for each version of their sources, kept outside
//! of the repository.
//!
//! Where `go` is not installed, tests say so on stderr and try nothing; with `CCE_FIX_REQUIRE_GO` set, as
//! `.ci/run` sets it, they fail instead.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::common::{not_tried, repository};

/// A program in `tests/NAME`, built when the first test asks for it.
pub(crate) struct Judge {
    name: &'static str,
    linker_flags: &'static str,
    program: OnceLock<Option<PathBuf>>,
}

/// The official evaluator of the Pod Security Standards.
pub(crate) static CONFORMANCE: Judge = Judge::new("conformance", "-s -w");

/// A real API server. It takes ten minutes to build on two cores.
pub(crate) static API_SERVER: Judge = Judge::new(
    "apiserver",
    "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
     -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
);

impl Judge {
    const fn new(name: &'static str, linker_flags: &'static str) -> Self {
        Self { name, linker_flags, program: OnceLock::new() }
    }

    /// Starts it, if it can be had, with pipes for stdin and stdout.
    pub(crate) fn start(&self) -> Option<Child> {
        let program = self.program.get_or_init(|| self.build()).as_deref()?;
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Some(command.spawn().expect("the judge runs"))
    }

    fn build(&self) -> Option<PathBuf> {
        let sources = repository().join("tests").join(self.name);
        let mut hash = DefaultHasher::new();
        self.linker_flags.hash(&mut hash);
        for name in ["main.go", "go.mod", "go.sum"] {
            fs::read(sources.join(name)).unwrap().hash(&mut hash);
        }
        let program = cache().join(format!("{}-{:016x}", self.name, hash.finish()));
        if program.is_file() {
            return Some(program);
        }
        fs::create_dir_all(cache()).unwrap();
        let fresh = tempfile::Builder::new().prefix("building").tempdir_in(cache()).unwrap();
        let built = fresh.path().join(self.name);
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-mod=readonly", "-ldflags", self.linker_flags, "-o"]).arg(&built);
        match go.arg(".").current_dir(&sources).output() {
            Err(error) => self.cannot_be_had(&format!("`go` cannot be run: {error}")),
            Ok(output) if !output.status.success() => {
                self.cannot_be_had(&format!(
                    "`go build` failed: {}",
                    String::from_utf8_lossy(&output.stderr)
                ));
            }
            Ok(_) => {
                // As a whole or not at all, since another run may build at the same time.
                fs::rename(&built, &program).unwrap();
                return Some(program);
            }
        }
        None
    }

    fn cannot_be_had(&self, why: &str) {
        assert!(std::env::var_os("CCE_FIX_REQUIRE_GO").is_none(), "{why}");
        not_tried(&format!("what tests/{} judges: {why}", self.name));
    }
}

/// The folder for programs that take long to build.
pub(crate) fn cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    variable("CCE_FIX_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("cce-fix-tests")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/cce-fix-tests")))
        .unwrap_or_else(std::env::temp_dir)
}
