//! What is done with git, by the `git` executable: the user's credentials, proxies and ways to a host are its own.
//!
//! Of the user's clone nothing is touched but its store of objects, and what every push notes about the remote: no
//! branch, no index, no file, no `FETCH_HEAD`. The work is done in a work tree of its own, which is gone afterwards.

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use thiserror::Error;

use super::forge::{Address, Secret};
use super::plan::Branch;

pub use tree::{Drafted, Drafts, WorkTree};

/// The name that our commits are made under.
const NAME: &str = "cce-fix";
/// The address that our commits are made under; by it they are told from those of others, because git sets the
/// committer anew whenever somebody changes a commit.
const EMAIL: &str = "bot@cce-fix.invalid";
/// The last lines of the message of a commit of ours.
pub const TRAILER: &str = "Cce-Fix-Fingerprint";

/// What git could not do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GitError {
    /// There is no git.
    #[error("the program `git` is needed and cannot be started: {0}")]
    NotStarted(String),
    /// The folder is not in a repository.
    #[error("{} is in no git repository: {message}; run in a clone of the repository", folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
        /// What git says.
        message: String,
    },
    /// There is no such remote.
    #[error("the repository has no remote `{0}`; name another one by `--remote`")]
    NoRemote(String),
    /// The remote has no branch yet, or does not say which one is its default.
    #[error("the remote does not say what its default branch is; name the base by `--base`")]
    NoBase,
    /// The remote has nothing yet.
    #[error("the remote has no commit yet; push a first one to the branch that is to be the base")]
    Empty,
    /// The base is not there.
    #[error("the remote has no branch `{0}`; name the base by `--base`")]
    BaseGone(String),
    /// The branch was pushed to by somebody else since we looked.
    #[error("`{0}` was pushed to in the meantime and is left as it is; run again")]
    Moved(String),
    /// The remote does not know us.
    #[error(
        "the remote refuses the credentials: {0}; check that the token is valid and may write to the repository"
    )]
    Denied(String),
    /// The remote takes no such push.
    #[error(
        "the remote refuses the push to `{branch}`: {message}; see that the repository is not archived, and that the \
         account of the token may push branches whose names begin with `cce-fix/`"
    )]
    Refused {
        /// The branch.
        branch: String,
        /// What it says.
        message: String,
    },
    /// Anything else.
    #[error("`git {command}`: {message}")]
    Failed {
        /// The subcommand.
        command: String,
        /// What git says.
        message: String,
    },
}

/// What lets git in by HTTP. It can be neither printed nor compared, so that it ends in no message.
#[derive(Clone)]
pub struct Login {
    /// The address that it is for, with the host and nothing behind it.
    pub host: String,
    /// The name that the forge wants beside a token.
    pub user: &'static str,
    /// The token.
    pub token: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("host", &self.host).finish_non_exhaustive()
    }
}

/// A clone, and the remote that requests are made on.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
    remote: String,
    login: Option<Login>,
    /// The certificates to trust in place of git's.
    roots: Option<PathBuf>,
    /// Whether it was made for this run and holds nothing, so that no more is fetched than a run needs.
    is_fresh: bool,
    /// Holds nothing: where git looks for hooks while it works for us.
    no_hooks: TempDir,
}

/// What the remote has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The branch that requests are to be merged into.
    pub base: String,
    /// The commit that it ends in.
    pub tip: String,
    /// The branches below the prefix that was asked for, and the commits that they end in.
    pub branches: BTreeMap<String, String>,
}

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The branch ends in the commit since now.
    Now,
    /// Somebody else was faster, with the same commit.
    WasThere,
}

/// A commit that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommit<'c> {
    /// The first line of the message.
    pub subject: &'c str,
    /// What follows it.
    pub body: &'c str,
    /// Stands for the fixes.
    pub fingerprint: &'c str,
}

impl Repository {
    /// The clone that `folder` lies in.
    pub fn open(folder: &Path, remote: &str) -> Result<Self, GitError> {
        let no_hooks = temporary()?;
        let mut repository = Self {
            folder: folder.to_owned(),
            remote: remote.to_owned(),
            login: None,
            roots: None,
            is_fresh: false,
            no_hooks,
        };
        let top = repository.command(["rev-parse", "--show-toplevel"]).output();
        let top = top.map_err(|error| GitError::NotStarted(error.to_string()))?;
        if !top.status.success() {
            let message = said(&top);
            return Err(GitError::NoRepository { folder: folder.to_owned(), message });
        }
        repository.folder = PathBuf::from(os(top.stdout.trim_ascii_end()));
        Ok(repository)
    }

    /// A clone in `folder` that has nothing yet of the repository at `address`.
    pub fn fresh(folder: &Path, remote: &str, address: &str) -> Result<Self, GitError> {
        let repository = Self {
            folder: folder.to_owned(),
            remote: remote.to_owned(),
            login: None,
            roots: None,
            is_fresh: true,
            no_hooks: temporary()?,
        };
        repository.run(["init", "--quiet", "--template="])?;
        repository.run(["remote", "add", "--", remote, address])?;
        Ok(repository)
    }

    /// The folder of its work tree.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets git in by a token, at one host and nowhere else.
    pub fn log_in(&mut self, login: Login) {
        self.login = Some(login);
    }

    /// Has git trust the certificates of this file, and no others.
    pub fn trust(&mut self, file: &Path) {
        // Git is called in other folders.
        self.roots = Some(std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    }

    /// The password that git's own helpers keep for `address`. Nobody is asked.
    pub fn password(&self, address: &Address) -> Option<Secret> {
        let mut command = self.command(["credential", "fill"]);
        command.env("GIT_ASKPASS", "").env("SSH_ASKPASS", "");
        let Address { scheme, host, owner, name } = address;
        let question = format!("protocol={scheme}\nhost={host}\npath={owner}/{name}.git\n\n");
        let output = answer(command, &question).ok().filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        let password = Secret::new(text.lines().find_map(|line| line.strip_prefix("password="))?);
        Some(password).filter(|password| !password.reveal().is_empty())
    }

    /// The address of the remote, as git would fetch from it.
    pub fn address(&self) -> Result<String, GitError> {
        let address = self.text(["remote", "get-url", "--", &self.remote]);
        address.map_err(|_| GitError::NoRemote(self.remote.clone()))
    }

    /// Asks the remote once for all that matters: the base, `given` or its default branch, and the branches whose
    /// names start with `prefix` and the base.
    pub fn heads(&self, given: Option<&str>, prefix: &str) -> Result<Heads, GitError> {
        let mut args =
            vec!["ls-remote".to_owned(), "--symref".to_owned(), "--".to_owned(), self.remote.clone()];
        args.push("HEAD".to_owned());
        args.push(given.map_or_else(|| "refs/heads/*".to_owned(), |base| format!("refs/heads/{base}")));
        args.push(format!("refs/heads/{prefix}*"));
        let text = String::from_utf8_lossy(&self.run(args)?).into_owned();
        let mut default = None;
        let mut branches = BTreeMap::new();
        for line in text.lines() {
            let Some((value, name)) = line.split_once('\t') else { continue };
            if let Some(branch) = value.strip_prefix("ref: refs/heads/").filter(|_| name == "HEAD") {
                default = Some(branch.to_owned());
            } else if let Some(branch) = name.strip_prefix("refs/heads/") {
                branches.insert(branch.to_owned(), value.to_owned());
            }
        }
        if branches.is_empty() && default.is_none() && given.is_none() {
            return Err(GitError::Empty);
        }
        let base = given.map(str::to_owned).or(default).ok_or(GitError::NoBase)?;
        let tip = branches.get(&base).cloned().ok_or_else(|| GitError::BaseGone(base.clone()))?;
        let own = format!("{prefix}{base}/");
        // Those with a further slash are of the base `main/x`, not of `main`.
        branches.retain(|branch, _| branch.strip_prefix(&own).is_some_and(|group| !group.contains('/')));
        Ok(Heads { base, tip, branches })
    }

    /// Has these commits at hand, from the remote where they are not yet.
    pub fn fetch<'c>(&self, commits: impl IntoIterator<Item = &'c str>) -> Result<(), GitError> {
        let missing: Vec<&str> = commits
            .into_iter()
            .filter(|commit| self.run(["cat-file", "-e", &format!("{commit}^{{tree}}")]).is_err())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut args = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap="];
        args.extend(["--no-recurse-submodules", "--no-auto-maintenance"]);
        // What was cut off stays so; a whole clone must not become a shallow one.
        if self.is_fresh || self.text(["rev-parse", "--is-shallow-repository"])? == "true" {
            args.push("--depth=1");
        }
        args.extend(["--", &self.remote]);
        args.extend(&missing);
        self.run(args).map(drop)
    }

    /// The text of the file `name` at the top of `commit`, if there is one.
    pub fn file(&self, commit: &str, name: &str) -> Option<String> {
        let bytes = self.run(["cat-file", "blob", &format!("{commit}:{name}")]).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// Those of `names` that have changes in the user's work tree which are not committed.
    pub fn uncommitted(&self, names: &BTreeSet<&Path>) -> Result<Vec<String>, GitError> {
        if self.is_fresh || names.is_empty() {
            return Ok(Vec::new());
        }
        let args = ["status", "--porcelain", "-z", "--untracked-files=no", "--no-renames"];
        let text = self.run(args.into_iter().chain(["--ignore-submodules=all"]))?;
        let changed =
            text.split(|byte| *byte == 0).filter_map(|line| Some(PathBuf::from(os(line.get(3..)?))));
        let meant = changed.filter(|name| names.contains(name.as_path()));
        Ok(meant.map(|name| name.to_string_lossy().into_owned()).collect())
    }

    /// Whose the branch of this name is. Its commit has to be at hand.
    pub fn branch(&self, heads: &Heads, name: &str) -> Result<Branch, GitError> {
        let Some(commit) = heads.branches.get(name) else { return Ok(Branch::Absent) };
        let text = self.text(["show", "-s", "--no-show-signature", "--format=%ce%n%P%n%B", commit])?;
        let mut lines = text.lines();
        let is_our_address = lines.next() == Some(EMAIL);
        let has_one_parent = lines.next().is_some_and(|parents| parents.split(' ').count() == 1);
        let is_ours = is_our_address && has_one_parent && lines.any(|line| line.starts_with(TRAILER));
        Ok(if is_ours { Branch::Ours(commit.clone()) } else { Branch::Foreign })
    }

    /// A work tree of its own with the files of `commit`.
    pub fn check_out(&self, commit: &str) -> Result<WorkTree<'_>, GitError> {
        // Those of runs that were ended before they could remove theirs.
        self.run(["worktree", "prune"])?;
        let parent = temporary()?;
        // Without links on its way, since git and we have to name it alike.
        let folder = parent.path().canonicalize().unwrap_or_else(|_| parent.path().to_owned()).join("base");
        let tree = WorkTree::new(self, commit, folder, parent);
        let mut args: Vec<OsString> = ["worktree", "add", "--quiet", "--detach", "--"].map(Into::into).into();
        args.extend([tree.folder().into(), commit.into()]);
        self.run(args)?;
        Ok(tree)
    }

    /// Makes `branch` end in `commit`, if it still ends in `expected`, or is still absent.
    pub fn push(&self, commit: &str, branch: &str, expected: Option<&str>) -> Result<Pushed, GitError> {
        self.push_ref(Some(commit), branch, expected)
    }

    /// Deletes `branch`, if it still ends in `expected`.
    pub fn delete(&self, branch: &str, expected: &str) -> Result<(), GitError> {
        self.push_ref(None, branch, Some(expected)).map(drop)
    }

    fn push_ref(
        &self,
        commit: Option<&str>,
        branch: &str,
        expected: Option<&str>,
    ) -> Result<Pushed, GitError> {
        // Without a value the branch must not be there.
        let lease = format!("--force-with-lease=refs/heads/{branch}:{}", expected.unwrap_or_default());
        let args = ["push", "--porcelain", "--no-progress", "--no-verify", "--no-follow-tags", "--no-signed"];
        let change = format!("{}:refs/heads/{branch}", commit.unwrap_or_default());
        let args = args.into_iter().chain(["--recurse-submodules=no", &lease, "--", &self.remote, &change]);
        let output = self.output(self.command(args))?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            let was_there = answer.lines().any(|line| line.starts_with('='));
            return Ok(if was_there { Pushed::WasThere } else { Pushed::Now });
        }
        let rejected = answer.lines().find_map(|line| line.strip_prefix('!'));
        let Some(rejected) = rejected else { return Err(failure("push", &output)) };
        // Another run may have done the same; and what looks like a refusal may come from two pushes at once.
        let now = self.text(["ls-remote", "--", &self.remote, &format!("refs/heads/{branch}")])?;
        let now = now.split_once('\t').map(|(commit, _)| commit);
        if now == commit {
            return Ok(Pushed::WasThere);
        }
        if now != expected {
            return Err(GitError::Moved(branch.to_owned()));
        }
        let message = rejected.rsplit('\t').next().unwrap_or_default();
        let remote = said(&output);
        let message = if remote.is_empty() { message.to_owned() } else { format!("{message}: {remote}") };
        Err(GitError::Refused { branch: branch.to_owned(), message: redacted(&message) })
    }

    fn text<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<String, GitError> {
        let bytes = self.run(args)?;
        Ok(String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned())
    }

    fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Vec<u8>, GitError> {
        self.finish(self.command(args))
    }

    fn finish(&self, command: Command) -> Result<Vec<u8>, GitError> {
        let name = subcommand(&command);
        let output = self.output(command)?;
        if output.status.success() { Ok(output.stdout) } else { Err(failure(&name, &output)) }
    }

    #[expect(clippy::unused_self, reason = "beside `run` and `finish`")]
    fn output(&self, mut command: Command) -> Result<Output, GitError> {
        command.output().map_err(|error| GitError::NotStarted(error.to_string()))
    }

    /// A call of git in the clone, which asks nobody, runs nothing that the repository brings along, and does not
    /// wait for ever.
    fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the way to the user's own credentials and transports")]
        let mut command = Command::new("git");
        let mut settings = vec![
            ("core.hooksPath".to_owned(), self.no_hooks.path().as_os_str().to_owned()),
            ("core.fsmonitor".to_owned(), "false".into()),
            // Whether a file is a program stays as its commit says.
            ("core.fileMode".to_owned(), "false".into()),
            ("core.quotePath".to_owned(), "false".into()),
            ("gc.auto".to_owned(), "0".into()),
            ("i18n.commitEncoding".to_owned(), "UTF-8".into()),
            ("submodule.recurse".to_owned(), "false".into()),
            ("http.lowSpeedLimit".to_owned(), "1000".into()),
            ("http.lowSpeedTime".to_owned(), "60".into()),
        ];
        if let Some(file) = &self.roots {
            settings.push(("http.sslCAInfo".to_owned(), file.as_os_str().to_owned()));
        }
        if let Some(Login { host, user, token }) = &self.login {
            let key = format!("credential.{host}.helper");
            // The empty one takes away those that the user has for this host, which may know an older token.
            settings.push((key.clone(), OsString::new()));
            let helper = format!("!f() {{ echo username={user}; echo \"password=$CCE_FIX_LOGIN\"; }}; f");
            settings.push((key, helper.into()));
            command.env("CCE_FIX_LOGIN", token);
        }
        // By the environment, since others see the arguments, and behind what the caller gives there.
        let given = given_settings();
        command.env("GIT_CONFIG_COUNT", (given + settings.len()).to_string());
        for (number, (key, value)) in (given..).zip(settings) {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        // Set where we are called by a hook; the work tree has its own.
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
            command.env_remove(variable);
        }
        command
            .args(args)
            .current_dir(&self.folder)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            // Manifests are no large files; the others stay what the commit says of them.
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }
}

fn temporary() -> Result<TempDir, GitError> {
    let made = tempfile::Builder::new().prefix("cce-fix-pr-").tempdir();
    made.map_err(|error| GitError::Failed {
        command: "worktree add".to_owned(),
        message: format!("no temporary folder: {error}"),
    })
}

/// What a command says when it reads `text`.
fn answer(mut command: Command, text: &str) -> std::io::Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    child.wait_with_output()
}

/// How many settings git is given by the environment already.
fn given_settings() -> usize {
    #[expect(clippy::disallowed_methods, reason = "git's own variable, which ours have to stand behind")]
    let count = std::env::var("GIT_CONFIG_COUNT");
    count.ok().and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// The subcommand, for messages.
fn subcommand(command: &Command) -> String {
    command.get_args().next().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// What went wrong, in the terms of whoever has to mend it.
fn failure(command: &str, output: &Output) -> GitError {
    let message = said(output);
    let denied =
        ["Authentication failed", "could not read Username", "could not read Password", "error: 403"];
    if denied.iter().any(|words| message.contains(words)) {
        return GitError::Denied(message);
    }
    GitError::Failed { command: command.to_owned(), message }
}

/// What git or the remote says, in a line.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let words = ["fatal: ", "error: ", "remote: "];
    let lines = text.lines().map(|line| {
        let line = words.iter().fold(line.trim(), |line, word| line.strip_prefix(word).unwrap_or(line));
        line.trim()
    });
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with("hint:")).collect();
    redacted(&lines.join("; "))
}

/// The text without what stands between `://` and `@` in addresses, where some people put a password.
pub fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after.find(|character: char| character.is_whitespace() || "/'\"`<>".contains(character));
        let host = after.get(..end.unwrap_or(after.len())).unwrap_or_default();
        rest = match host.rfind('@') {
            Some(at) => after.get(at + 1..).unwrap_or_default(),
            None => after,
        };
    }
    shown.push_str(rest);
    shown
}

#[cfg(unix)]
fn os(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStrExt as _;

    OsStr::from_bytes(bytes).to_owned()
}

#[cfg(not(unix))]
fn os(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

#[cfg(test)]
mod tests;
