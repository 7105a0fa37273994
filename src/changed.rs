//! `--since` and `--staged`: which lines of which files changed, as git tells.

mod hunks;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rewriter::Document;

/// The lines of a file that changed: from and to, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(Vec<(usize, usize)>);

impl Lines {
    /// Whether one of them is the document's.
    pub fn touch(&self, document: Document<'_>) -> bool {
        let range = document.range();
        let first = document.position(range.start).line;
        let last = document.position(range.end.saturating_sub(1).max(range.start)).line;
        let next = self.0.partition_point(|(_, to)| *to < first);
        self.0.get(next).is_some_and(|(from, _)| *from <= last)
    }
}

/// What changed in a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Change<'c> {
    /// Nothing.
    None,
    /// All of it is new.
    Whole,
    /// These lines.
    Lines(&'c Lines),
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// What changed in a repository.
#[derive(Debug)]
pub struct Changes {
    /// The repository's folder.
    top: PathBuf,
    /// By path in the repository.
    files: HashMap<PathBuf, Lines>,
    /// The files that git knows.
    tracked: HashSet<PathBuf>,
    /// For staged lines: the files that hold something else than what is staged.
    edited: Option<HashSet<PathBuf>>,
}

impl Changes {
    /// What changed since `commit`, files that git does not know yet included.
    pub fn since(commit: &str) -> Result<Self, String> {
        let top = top()?;
        let name = format!("{commit}^{{commit}}");
        // What begins with a dash would be taken for an option.
        let found = if commit.is_empty() || commit.starts_with('-') {
            None
        } else {
            git(&top, &["rev-parse", "--verify", "--quiet", &name]).ok()
        };
        let Some(hash) = found.as_deref().and_then(|hash| std::str::from_utf8(hash).ok()) else {
            return Err(format!("`{commit}` is no commit of the repository at {}", top.display()));
        };
        let files = diff(&top, &[hash.trim()])?;
        let tracked = paths(&top, &["ls-files", "-z"])?;
        Ok(Self { top, files, tracked, edited: None })
    }

    /// What is staged.
    pub fn staged() -> Result<Self, String> {
        let top = top()?;
        let files = diff(&top, &["--cached"])?;
        let tracked = paths(&top, &["ls-files", "-z"])?;
        let edited = paths(&top, &["diff", "--name-only", "-z", "--no-ext-diff", "--no-relative"])?;
        Ok(Self { files, tracked, edited: Some(edited), top })
    }

    /// What changed in the file at `path`.
    pub fn of(&self, path: &Path) -> Change<'_> {
        // What is named by a symbolic link is changed where it leads.
        let Ok(whole) = path.canonicalize() else { return Change::Whole };
        let Ok(own) = whole.strip_prefix(&self.top) else {
            return Change::Unknown(format!("it lies outside of the repository at {}", self.top.display()));
        };
        if own.ancestors().skip(1).any(|above| self.tracked.contains(above)) {
            // It changes by commits of its own; here, at most which of them is meant changes.
            return Change::None;
        }
        match (self.files.get(own), &self.edited) {
            (Some(_), Some(edited)) if edited.contains(own) => Change::Unknown(
                "it holds something else than what is staged; stage all of it, or put the rest aside by \
                 `git stash --keep-index`"
                    .to_owned(),
            ),
            (Some(lines), _) => Change::Lines(lines),
            (None, None) if !self.tracked.contains(own) => Change::Whole,
            (None, _) => Change::None,
        }
    }
}

/// The folder of the repository that the current folder lies in.
fn top() -> Result<PathBuf, String> {
    let output = command(Path::new("."), &["rev-parse", "--show-toplevel"])
        .output()
        .map_err(|error| format!("the program `git` is needed and cannot be started: {error}"))?;
    let top = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
    if !output.status.success() || top.is_empty() {
        let message = String::from_utf8_lossy(&output.stderr);
        let message = message.trim().trim_start_matches("fatal: ");
        return Err(format!("this folder is in no git repository with a work tree: {message}"));
    }
    let top = as_path(top).ok_or("the repository's path is no text")?;
    top.canonicalize().map_err(|error| format!("{}: {error}", top.display()))
}

/// The lines that differ.
fn diff(top: &Path, what: &[&str]) -> Result<HashMap<PathBuf, Lines>, String> {
    // Whatever the user's own configuration says about diffs.
    const ARGS: [&str; 13] = [
        "-c",
        "core.quotePath=false",
        "diff",
        "-U0",
        "-M",
        "--text",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-relative",
        "--ignore-submodules",
        "--src-prefix=a/",
        "--dst-prefix=b/",
    ];
    let cannot = |error: std::io::Error| format!("git: {error}");
    let args = [&ARGS[..], what, &["--"]].concat();
    let mut child =
        command(top, &args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(cannot)?;
    let hunks = child.stdout.take().map(|stdout| hunks::read(BufReader::new(stdout)));
    let is_success = child.wait().map_err(cannot)?.success();
    match hunks {
        Some(hunks) if is_success => {
            let files = hunks.map_err(cannot)?.into_iter();
            Ok(files.filter_map(|(path, lines)| Some((as_path(&path)?, Lines(lines)))).collect())
        }
        _ => Err("`git diff` failed".to_owned()),
    }
}

/// The paths that git names, with a NUL behind each.
fn paths(top: &Path, args: &[&str]) -> Result<HashSet<PathBuf>, String> {
    let names = git(top, args)?;
    Ok(names.split(|byte| *byte == 0).filter(|name| !name.is_empty()).filter_map(as_path).collect())
}

fn git(folder: &Path, args: &[&str]) -> Result<Vec<u8>, String> {
    let output = command(folder, args).output().map_err(|error| format!("git: {error}"))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("git: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "what changed, git alone knows")]
    let mut command = Command::new("git");
    // A monitor is a program that the repository names, and a lock would disturb whoever works beside.
    command.args(["-c", "core.fsmonitor=false"]).args(args).current_dir(folder);
    // It says how many lines are around a change, and wins over `-U0`.
    command
        .env_remove("GIT_DIFF_OPTS")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere not every name is a path")]
fn as_path(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;

    Some(PathBuf::from(OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn as_path(bytes: &[u8]) -> Option<PathBuf> {
    Some(PathBuf::from(OsStr::new(std::str::from_utf8(bytes).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_touched_by_their_own_lines() {
        let text = "a: 1\nb: 2\n---\nc: 3\n---\nd: 4\ne: 5";
        let stream = rewriter::Stream::scan(text).unwrap();
        for (from, to, expected) in [
            (1, 1, &[0][..]),
            (2, 2, &[0]),
            (3, 3, &[1]),
            (2, 3, &[0, 1]),
            (4, 4, &[1]),
            (5, 6, &[2]),
            (7, 7, &[2]),
            (8, 9, &[]),
            (1, 9, &[0, 1, 2]),
        ] {
            let lines = Lines(vec![(from, to)]);
            let touched = stream.documents().filter(|document| lines.touch(*document));
            assert_eq!(touched.map(|document| document.index()).collect::<Vec<_>>(), expected, "{from}-{to}");
        }
        let lines = Lines(vec![(1, 1), (6, 6)]);
        let touched: Vec<bool> = stream.documents().map(|document| lines.touch(document)).collect();
        assert_eq!(touched, [true, false, true]);
    }
}
