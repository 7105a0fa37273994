//! A work tree of our own, and commits of what its files become.
//!
//! The work tree stays as its commit has it, so that several commits are made of one. What files become goes into the
//! store of objects through one pipe; those alone that git would convert are written as files, beside the work tree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::TempDir;

use super::{EMAIL, GitError, NAME, NewCommit, Repository, TRAILER, answer, failure, os};
use crate::write;

/// A work tree that is gone when it is dropped.
#[derive(Debug)]
pub struct WorkTree<'r> {
    repository: &'r Repository,
    commit: String,
    folder: PathBuf,
    parent: TempDir,
}

impl<'r> WorkTree<'r> {
    /// The one in `folder`, with the files of `commit`; `parent` is what it is in, with room beside it.
    pub(super) fn new(repository: &'r Repository, commit: &str, folder: PathBuf, parent: TempDir) -> Self {
        Self { repository, commit: commit.to_owned(), folder, parent }
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its files become, in several commits. `names` are those that may change.
    pub fn drafts<'n>(&self, names: impl IntoIterator<Item = &'n Path>) -> Result<Drafts<'_>, GitError> {
        let converted = self.converted(names)?;
        Ok(Drafts { tree: self, converted, import: None, count: 0, commits: BTreeMap::new() })
    }

    /// Those of `names` that git converts between the store of objects and a work tree, apart from the ends of lines.
    fn converted<'n>(
        &self,
        names: impl IntoIterator<Item = &'n Path>,
    ) -> Result<BTreeSet<PathBuf>, GitError> {
        let args = ["check-attr", "-z", "--stdin", "filter", "ident", "working-tree-encoding"];
        let mut command = self.repository.command(args);
        command.current_dir(&self.folder);
        let told = self.fed(command, names.into_iter().map(|name| Ok(bytes(name))))?;
        let mut parts = told.split(|byte| *byte == 0);
        let mut converted = BTreeSet::new();
        while let (Some(name), Some(_), Some(value)) = (parts.next(), parts.next(), parts.next()) {
            if !matches!(value, b"unspecified" | b"unset") {
                converted.insert(PathBuf::from(os(name)));
            }
        }
        Ok(converted)
    }

    /// What a command says that reads these entries.
    fn fed(
        &self,
        mut command: Command,
        entries: impl IntoIterator<Item = Result<Vec<u8>, GitError>>,
    ) -> Result<Vec<u8>, GitError> {
        let mut list = Vec::new();
        for entry in entries {
            list.extend(entry?);
            list.push(0);
        }
        // From a file, since a pipe would be full while the command waits for somebody to read what it says.
        let file = self.parent.path().join("entries");
        write::scratch(&file, &list).map_err(no_room)?;
        command.stdin(File::open(&file).map_err(no_room)?);
        self.repository.finish(command)
    }

    /// Where it is noted what texts are called in the store of objects.
    fn marks(&self) -> PathBuf {
        self.parent.path().join("marks")
    }

    /// Where files are that git is to convert.
    fn files(&self, number: usize) -> PathBuf {
        self.parent.path().join(format!("files-{number}"))
    }
}

impl Drop for WorkTree<'_> {
    fn drop(&mut self) {
        // Where it cannot be removed, the next run prunes it.
        let mut args: Vec<OsString> =
            ["worktree", "remove", "--force", "--force", "--"].map(Into::into).into();
        args.push(self.folder.clone().into());
        let _ = self.repository.run(args);
    }
}

/// What files of a work tree become, in several commits.
#[derive(Debug)]
pub struct Drafts<'t> {
    tree: &'t WorkTree<'t>,
    /// The names of files that git converts.
    converted: BTreeSet<PathBuf>,
    /// Started with the first text.
    import: Option<Import>,
    /// How many texts went into the pipe.
    count: usize,
    /// By numbers of commits.
    commits: BTreeMap<usize, Draft>,
}

/// What files become in one commit.
#[derive(Debug, Default)]
struct Draft {
    /// Those whose text went through the pipe, and its number there.
    texts: Vec<(PathBuf, usize)>,
    /// Those that git is to convert.
    files: Vec<PathBuf>,
}

/// A git that takes texts into the store of objects.
#[derive(Debug)]
struct Import {
    child: Child,
    pipe: BufWriter<ChildStdin>,
}

impl<'t> Drafts<'t> {
    /// In the commit with this number the file `name` becomes `text`.
    pub fn put(&mut self, number: usize, name: &Path, text: &str) -> Result<(), GitError> {
        let draft = self.commits.entry(number).or_default();
        // Whether a carriage return is content, or was added to the work tree, is for git to say.
        if text.contains('\r') || self.converted.contains(name) {
            draft.files.push(name.to_owned());
            return write::scratch(&self.tree.files(number).join(name), text.as_bytes()).map_err(no_room);
        }
        self.count += 1;
        draft.texts.push((name.to_owned(), self.count));
        let import = match &mut self.import {
            Some(import) => import,
            None => self.import.insert(Import::start(self.tree)?),
        };
        let head = format!("blob\nmark :{}\ndata {}\n", self.count, text.len());
        let parts = [head.as_bytes(), text.as_bytes(), b"\n"];
        parts.into_iter().try_for_each(|part| import.pipe.write_all(part)).map_err(no_room)
    }

    /// Has all texts in the store of objects, for commits to be made of them.
    pub fn finish(self) -> Result<Drafted<'t>, GitError> {
        let Self { tree, import, commits, .. } = self;
        let mut marks = String::new();
        if let Some(Import { child, pipe }) = import {
            // What cannot be written any more is told by the command itself.
            drop(pipe.into_inner());
            let output = child.wait_with_output().map_err(|error| GitError::NotStarted(error.to_string()))?;
            if !output.status.success() {
                return Err(failure("fast-import", &output));
            }
            marks = std::fs::read_to_string(tree.marks()).map_err(no_room)?;
        }
        let marks = marks.lines().filter_map(|line| line.strip_prefix(':')?.split_once(' '));
        let ids = marks.filter_map(|(number, id)| Some((number.parse().ok()?, id.to_owned()))).collect();
        Ok(Drafted { tree, commits, ids })
    }
}

impl Import {
    fn start(tree: &WorkTree<'_>) -> Result<Self, GitError> {
        let mut option = OsString::from("--export-marks=");
        option.push(tree.marks());
        let args = [OsStr::new("fast-import"), OsStr::new("--quiet"), &option];
        let mut command = tree.repository.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| GitError::NotStarted(error.to_string()))?;
        let pipe = child.stdin.take().ok_or_else(|| GitError::NotStarted("it takes no input".to_owned()))?;
        Ok(Self { child, pipe: BufWriter::new(pipe) })
    }
}

/// What files of a work tree become, ready for commits.
#[derive(Debug)]
pub struct Drafted<'t> {
    tree: &'t WorkTree<'t>,
    commits: BTreeMap<usize, Draft>,
    /// What the texts are called in the store of objects.
    ids: BTreeMap<usize, String>,
}

impl Drafted<'_> {
    /// Makes the commit with this number, the same one whenever the same is written upon the same base; none where
    /// nothing differs.
    pub fn commit(&self, number: usize, new: &NewCommit<'_>) -> Result<Option<String>, GitError> {
        let NewCommit { subject, body, fingerprint } = new;
        let Some(draft) = self.commits.get(&number) else { return Ok(None) };
        let (repository, base) = (self.tree.repository, &*self.tree.commit);
        repository.finish(self.git(number, ["read-tree", base]))?;
        let listed = repository.finish(self.git(number, ["ls-files", "--stage", "-z"]))?;
        let modes: HashMap<&[u8], &[u8]> = listed.split(|byte| *byte == 0).filter_map(mode).collect();
        let entry = |(name, text): &(PathBuf, usize)| {
            let name_there = bytes(name);
            let known = modes.get(&*name_there).zip(self.ids.get(text));
            let (mode, id) = known.ok_or_else(|| missing(name))?;
            Ok([mode, &b" "[..], id.as_bytes(), b"\t", &name_there].concat())
        };
        let command = self.git(number, ["update-index", "-z", "--index-info"]);
        self.tree.fed(command, draft.texts.iter().map(entry))?;
        if !draft.files.is_empty() {
            // What is to be done with them is said in the index, since their folder holds nothing else.
            let names = draft.files.iter().map(|name| Ok(bytes(name)));
            self.tree.fed(self.git(number, ["update-index", "-z", "--stdin"]), names)?;
        }
        let tree = repository.finish(self.git(number, ["write-tree"]))?;
        let tree = String::from_utf8_lossy(tree.trim_ascii_end()).into_owned();
        let known = repository.text(["show", "-s", "--no-show-signature", "--format=%T %ct", base])?;
        let (old, date) = known.split_once(' ').unwrap_or_default();
        if tree == old {
            return Ok(None);
        }
        let date = format!("{date} +0000");
        let mut command = repository.command(["commit-tree", "-p", base, &tree]);
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), NAME);
            command.env(format!("GIT_{who}_EMAIL"), EMAIL);
            command.env(format!("GIT_{who}_DATE"), &date);
        }
        let gap = if body.is_empty() { "" } else { "\n\n" };
        let message = format!("{subject}{gap}{}\n\n{TRAILER}: {fingerprint}\n", body.trim_end());
        let output = answer(command, &message).map_err(|error| GitError::NotStarted(error.to_string()))?;
        if !output.status.success() {
            return Err(failure("commit-tree", &output));
        }
        Ok(Some(String::from_utf8_lossy(output.stdout.trim_ascii_end()).into_owned()))
    }

    /// A call of git with an index of its own, and the files that git is to convert for a work tree.
    fn git<const N: usize>(&self, number: usize, args: [&str; N]) -> Command {
        let parent = self.tree.parent.path();
        let mut command = self.tree.repository.command(args);
        command.env("GIT_INDEX_FILE", parent.join(format!("index-{number}")));
        let files = self.tree.files(number);
        command.env("GIT_WORK_TREE", if files.is_dir() { &files } else { parent });
        command
    }
}

/// Name and mode of an entry of the index, as `ls-files --stage` tells it.
fn mode(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let tab = entry.iter().position(|byte| *byte == b'\t')?;
    let mode = entry.split(|byte| *byte == b' ').next()?;
    Some((entry.get(tab + 1..)?, mode))
}

fn missing(name: &Path) -> GitError {
    GitError::Failed {
        command: "update-index".to_owned(),
        message: format!("`{}` is not in the store of objects", name.display()),
    }
}

fn no_room(error: impl std::fmt::Display) -> GitError {
    GitError::Failed { command: "fast-import".to_owned(), message: error.to_string() }
}

/// The name of a file as git has it.
fn bytes(name: &Path) -> Vec<u8> {
    if cfg!(unix) {
        name.as_os_str().as_encoded_bytes().to_vec()
    } else {
        name.to_string_lossy().replace('\\', "/").into_bytes()
    }
}
