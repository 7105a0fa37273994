//! One run: from the clone and the forge as they are to what the decision table says.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::body;
use super::fixes::{Fixes, Group, Manifests, hash};
use super::forge::{Access, Address, Forge, ForgeError, Kind, NewRequest, Request, Roots, Secret, State};
use super::git::{GitError, Heads, Login, NewCommit, Repository};
use super::marker::Marker;
use super::plan::{Branch, Decision, Open, Situation, Wanted, Why, decide};
use crate::cli::Pr;
use crate::config::{ConfigError, Flags};
use crate::exit::Exit;
use crate::run::tell;
use crate::suppress;
use crate::write::WriteError;

/// What the names of our branches begin with, before the base.
const PREFIX: &str = "cce-fix/";

/// What ends a run.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Forge(#[from] ForgeError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("{0}")]
    Other(String),
}

/// A group with what is wanted of it and what there is.
struct Job<'j> {
    group: Group,
    branch: String,
    request: Option<Wished>,
    heads: &'j Heads,
}

/// A request as it should be.
struct Wished {
    wanted: Wanted,
    title: String,
    body: String,
}

/// What is told of a group.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'t> {
    branch: &'t str,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// Does what `asked` says.
pub fn run(asked: &Pr) -> io::Result<Exit> {
    match attempt(asked) {
        Ok(Ok(exit)) => Ok(exit),
        Ok(Err(error)) => Err(error),
        Err(trouble) => {
            tell(&format!("error: {trouble}"))?;
            Ok(Exit::Trouble)
        }
    }
}

fn attempt(asked: &Pr) -> Result<io::Result<Exit>, Trouble> {
    let flags = Flags {
        safe: asked.safe,
        profile: asked.profile.map(Into::into),
        target: asked.target,
        select: asked.select.clone(),
        ignore: asked.ignore.clone(),
        today: Some(suppress::today().map_err(Trouble::Other)?),
        ..Flags::default()
    };
    let mut repository = Repository::open(Path::new("."), &asked.remote)?;
    let forge = connect(asked, &mut repository)?;
    let heads = repository.heads(asked.base.as_deref(), PREFIX)?;
    repository.fetch([&*heads.tip].into_iter().chain(heads.branches.values().map(String::as_str)))?;
    let jobs = jobs(asked, &flags, &repository, &heads, forge.room())?;
    let names: Vec<&str> = jobs.iter().map(|job| &*job.branch).collect();
    let requests = if forge.is_push_only() { stand_ins(&*forge, &jobs)? } else { forge.requests(&names)? };
    let mut bot =
        Bot { asked, repository: &repository, forge: &*forge, open: open_requests(&requests), opened: 0 };
    let mut exit = Exit::Success;
    let mut told = Vec::new();
    for job in &jobs {
        let requests: Vec<&Request> = requests.iter().filter(|request| request.head == job.branch).collect();
        match bot.settle(job, &requests) {
            Ok(Some(line)) => {
                exit = exit.max(if line.why == Some(words(Why::BranchTaken)) {
                    Exit::Trouble
                } else {
                    Exit::Success
                });
                told.push(line);
            }
            Ok(None) => {}
            Err(trouble) => {
                exit = Exit::Trouble;
                if let Err(error) = tell(&format!("error: {}: {trouble}", job.branch)) {
                    return Ok(Err(error));
                }
            }
        }
    }
    Ok(print(asked, &told).map(|()| exit))
}

fn print(asked: &Pr, told: &[Told<'_>]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if asked.json {
        serde_json::to_writer_pretty(&mut stdout, told).map_err(io::Error::other)?;
        stdout.write_all(b"\n")?;
    } else {
        for Told { branch, action, why, url } in told {
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            let url = url.as_deref().map_or_else(String::new, |url| format!(" {url}"));
            let line = format!("{branch}: {action}{why}{url}");
            stdout.write_all(&crate::diff::harmless(line.as_bytes()))?;
            stdout.write_all(b"\n")?;
        }
    }
    stdout.flush()
}

/// The forge that the remote is on, with git let in there too.
fn connect(asked: &Pr, repository: &mut Repository) -> Result<Box<dyn Forge>, Trouble> {
    let text = repository.address()?;
    let address = Address::parse(&text).ok_or_else(|| {
        let text = super::git::redacted(&text);
        Trouble::Other(format!(
            "the remote's address `{text}` names no forge; `cce-fix pr` needs a remote such as \
             `https://HOST/OWNER/NAME.git` or `git@HOST:OWNER/NAME.git`"
        ))
    })?;
    let kind = asked.forge.or_else(|| Kind::at(&address.host)).ok_or_else(|| {
        Trouble::Other(format!("it is not known which forge is at {}; name it by `--forge`", address.host))
    })?;
    let roots = match &asked.ca_file {
        Some(file) => {
            let pem = std::fs::read(file).ok();
            let roots = pem.and_then(|pem| Roots::of(&pem));
            repository.trust(file);
            roots
                .ok_or_else(|| Trouble::Other(format!("`{}` holds no certificates in PEM", file.display())))?
        }
        None => Roots::system(),
    };
    let given = token(kind);
    let found = given.is_none() && kind != Kind::PushOnly;
    let token = match given {
        Some(token) => token,
        None if kind == Kind::PushOnly => Secret::new(""),
        None => repository.password(&address).ok_or_else(|| {
            let names = kind.token_variables().join("` or `");
            let host = &address.host;
            Trouble::Other(format!(
                "no token for {host}; set the variable `{names}`, or have a credential helper of git keep one"
            ))
        })?,
    };
    let api = asked.api_url.as_deref();
    let forge = kind.client(&Access { address: &address, api, token: &token, roots: &roots })?;
    // Where git's own helper has the token, git is let in already.
    if let Some(user) = forge.git_user().filter(|_| text.starts_with("http") && !found) {
        let login = Login { host: address.root(), user, token: token.reveal().to_owned() };
        repository.log_in(login);
    }
    Ok(forge)
}

/// The token that the environment has for a forge of this kind.
fn token(kind: Kind) -> Option<Secret> {
    kind.token_variables().iter().find_map(|name| {
        #[expect(
            clippy::disallowed_methods,
            reason = "tokens come from the environment and git's helpers, and from nowhere else"
        )]
        let token = std::env::var(name).ok()?;
        Some(Secret::new(&token)).filter(|token| !token.reveal().is_empty())
    })
}

/// What is wanted of each group, with the commits made in the store of objects.
fn jobs<'j>(
    asked: &Pr,
    flags: &Flags,
    repository: &Repository,
    heads: &'j Heads,
    room: usize,
) -> Result<Vec<Job<'j>>, Trouble> {
    let tree = repository.check_out(&heads.tip)?;
    let manifests = Manifests::below(tree.folder());
    let mut jobs = Vec::new();
    for group in asked.group_by.groups() {
        let fixes = manifests.fixes(flags, group.part)?;
        for problem in &fixes.report.problems {
            // They are the same for each group, and none of them keeps the other files from being fixed.
            if jobs.is_empty() {
                let _ = tell(&format!("warning: {}{}", problem.start(), problem.message));
            }
        }
        let branch = format!("{PREFIX}{}/{}", heads.base, group.name);
        let request = if fixes.is_empty() {
            None
        } else {
            fixes.write()?;
            let request = wished(asked, &group, &fixes, &tree, heads, room)?;
            tree.reset(&heads.tip)?;
            request
        };
        jobs.push(Job { group, branch, request, heads });
    }
    Ok(jobs)
}

fn wished(
    asked: &Pr,
    group: &Group,
    fixes: &Fixes,
    tree: &super::git::WorkTree<'_>,
    heads: &Heads,
    room: usize,
) -> Result<Option<Wished>, Trouble> {
    let title = body::title(group, fixes);
    let fingerprint = fixes.fingerprint();
    let ids: Vec<&str> = fixes.transforms().into_iter().collect();
    let message = format!("Cce-Fix-Transforms: {}", ids.join(", "));
    let new = NewCommit { base: &heads.tip, subject: &title, body: &message, fingerprint: &fingerprint };
    let Some(commit) = tree.commit(&new)? else { return Ok(None) };
    // What the marker needs behind the text.
    let body = body::body(group, fixes, &heads.base, &reproducing(asked), room.saturating_sub(1000));
    let text = hash([&*title, &*body]);
    Ok(Some(Wished { wanted: Wanted { fingerprint, commit, text }, title, body }))
}

/// The flags that change what is fixed, for the text of a request.
fn reproducing(asked: &Pr) -> String {
    let mut flags = String::new();
    if asked.safe {
        flags.push_str(" --safe");
    }
    for (name, ids) in [("select", &asked.select), ("ignore", &asked.ignore)] {
        if let Some(ids) = ids {
            // Writing to a String cannot fail.
            let _ = write!(flags, " --{name} {}", ids.join(",").replace(['`', '\n'], ""));
        }
    }
    flags
}

/// What stands for requests where nothing is known of them: the branches that were pushed, as if each had one that is
/// as it should be.
fn stand_ins(forge: &dyn Forge, jobs: &[Job<'_>]) -> Result<Vec<Request>, ForgeError> {
    let pushed = jobs.iter().filter(|job| job.heads.branches.contains_key(&job.branch));
    let stand_in = |job: &Job<'_>| {
        let (title, body) = match &job.request {
            Some(wished) => (&*wished.title, marker(job, wished, true).under(&wished.body)),
            None => ("", Marker::default().under("")),
        };
        let (head, base) = (&*job.branch, &*job.heads.base);
        forge.open(&NewRequest { head, base, title, body: &body, is_draft: false })
    };
    pushed.map(stand_in).collect()
}

fn open_requests(requests: &[Request]) -> usize {
    requests.iter().filter(|request| request.state == State::Open).count()
}

/// What is the same for all groups of a run.
struct Bot<'b> {
    asked: &'b Pr,
    repository: &'b Repository,
    forge: &'b dyn Forge,
    /// How many requests of ours wait.
    open: usize,
    /// How many we opened.
    opened: usize,
}

impl Bot<'_> {
    /// Brings one group to where it should be. `requests` are those of its branch, the newest first.
    fn settle<'j>(&mut self, job: &'j Job<'_>, requests: &[&Request]) -> Result<Option<Told<'j>>, Trouble> {
        let open = requests.iter().copied().find(|request| request.state == State::Open);
        let situation = self.situation(job, requests, open)?;
        let decision = decide(&situation);
        let mut url = open.map(|request| request.url.clone());
        if !self.asked.dry_run {
            url = self.carry_out(decision, job, &situation, open)?.or(url);
        }
        let (action, why) = match decision {
            Decision::Leave(Why::NothingToFix) => return Ok(None),
            Decision::Leave(why) => ("left", Some(words(why))),
            Decision::Open if self.forge.is_push_only() => {
                ("pushed", Some("its request is for a person to open"))
            }
            Decision::Close if self.forge.is_push_only() => {
                ("branch deleted", Some("nothing is left to fix"))
            }
            Decision::Open => ("opened", None),
            Decision::Update { .. } => ("updated", None),
            Decision::Close => ("closed", Some("nothing is left to fix")),
            Decision::Say(_) => ("left", Some("its branch has commits by others")),
            Decision::DeleteBranch => ("branch deleted", Some("nothing is left to fix")),
        };
        let url = url.or_else(|| Some(requests.first()?.url.clone())).filter(|url| !url.is_empty());
        Ok(Some(Told { branch: &job.branch, action, why, url }))
    }

    fn situation(
        &self,
        job: &Job<'_>,
        requests: &[&Request],
        open: Option<&Request>,
    ) -> Result<Situation, Trouble> {
        let wanted = job.request.as_ref().map(|request| request.wanted.clone());
        let is_declined = |request: &&&Request| {
            let marker = Marker::read(&request.body);
            request.state == State::Closed
                && marker.is_some_and(|marker| {
                    !marker.is_closing
                        && wanted.as_ref().is_some_and(|now| now.fingerprint == marker.fingerprint)
                })
        };
        Ok(Situation {
            branch: self.repository.branch(job.heads, &job.branch)?,
            open: open.map(|request| Open {
                marker: Marker::read(&request.body),
                has_our_base: request.base == job.heads.base,
                is_stopped: request.labels.iter().any(|label| label == body::STOP),
            }),
            is_declined: requests.iter().any(|request| is_declined(&request)),
            has_room: self.open < self.asked.max_open,
            recreate: self.asked.recreate,
            wanted,
        })
    }

    /// Each step leaves a state from which the next run goes on.
    fn carry_out(
        &mut self,
        decision: Decision,
        job: &Job<'_>,
        situation: &Situation,
        open: Option<&Request>,
    ) -> Result<Option<String>, Trouble> {
        let tip = match &situation.branch {
            Branch::Ours(tip) => Some(tip.as_str()),
            Branch::Absent | Branch::Foreign => None,
        };
        match (decision, &job.request, open) {
            (Decision::Open, Some(wished), _) => {
                self.push(job, wished, tip)?;
                return self.open(job, wished).map(Some);
            }
            (Decision::Update { push, text, label }, Some(wished), Some(request)) => {
                if push {
                    self.push(job, wished, tip)?;
                }
                if label {
                    self.forge.label(request, &[body::LABEL])?;
                }
                if text || label {
                    self.write(job, wished, request, true)?;
                }
            }
            (Decision::Close, _, Some(request)) => {
                let marker = Marker { is_closing: true, ..Marker::read(&request.body).unwrap_or_default() };
                self.forge.write(request, &request.title, &marker.replace(&request.body))?;
                self.say(request, body::CLOSED_MARK, body::CLOSED)?;
                self.forge.close(request)?;
                if let Some(tip) = tip {
                    self.repository.delete(&job.branch, tip)?;
                }
            }
            (Decision::Say(comment), _, Some(request)) => {
                self.say(request, body::mark(comment), &body::comment(comment))?;
            }
            (Decision::DeleteBranch, ..) => {
                if let Some(tip) = tip {
                    self.repository.delete(&job.branch, tip)?;
                }
            }
            _ => {}
        }
        Ok(None)
    }

    fn push(&self, job: &Job<'_>, wished: &Wished, tip: Option<&str>) -> Result<(), Trouble> {
        if tip == Some(&*wished.wanted.commit) {
            return Ok(());
        }
        Ok(self.repository.push(&wished.wanted.commit, &job.branch, tip)?)
    }

    fn open(&mut self, job: &Job<'_>, wished: &Wished) -> Result<String, Trouble> {
        if self.opened > 0 {
            std::thread::sleep(Duration::from_secs(self.asked.sleep));
        }
        let marker = marker(job, wished, false);
        let body = marker.under(&wished.body);
        let is_draft = job.group.part.level != Some(transforms::Level::Safe) && !self.asked.no_draft;
        let new = NewRequest {
            head: &job.branch,
            base: &job.heads.base,
            title: &wished.title,
            body: &body,
            is_draft,
        };
        self.open += 1;
        self.opened += 1;
        let request = match self.forge.open(&new) {
            Ok(request) => request,
            // Another run was faster: it is doing the rest.
            Err(ForgeError::Exists) => {
                let requests = self.forge.requests(&[&job.branch])?;
                let open = requests.into_iter().find(|request| request.state == State::Open);
                return Ok(open.ok_or(ForgeError::Exists)?.url);
            }
            Err(error) => return Err(error.into()),
        };
        self.forge.label(&request, &[body::LABEL])?;
        self.write(job, wished, &request, true)?;
        Ok(request.url)
    }

    fn write(
        &self,
        job: &Job<'_>,
        wished: &Wished,
        request: &Request,
        is_labelled: bool,
    ) -> Result<(), Trouble> {
        let body = marker(job, wished, is_labelled).under(&wished.body);
        Ok(self.forge.write(request, &wished.title, &body)?)
    }

    /// Comments, unless there is such a comment.
    fn say(&self, request: &Request, mark: &str, text: &str) -> Result<(), Trouble> {
        let comments = self.forge.comments(request)?;
        if comments.iter().any(|comment| comment.contains(mark)) {
            return Ok(());
        }
        Ok(self.forge.comment(request, text)?)
    }
}

fn marker(job: &Job<'_>, wished: &Wished, is_labelled: bool) -> Marker {
    Marker {
        fingerprint: wished.wanted.fingerprint.clone(),
        base: job.heads.base.clone(),
        text: wished.wanted.text.clone(),
        is_labelled,
        is_closing: false,
    }
}

/// Why nothing is done, in words.
fn words(why: Why) -> &'static str {
    match why {
        Why::NothingToFix => "nothing to fix",
        Why::UpToDate => "up to date",
        Why::Stopped => "it has the label cce-fix:stop",
        Why::Declined => "a request for these fixes was closed; --recreate opens another one",
        Why::Limit => "as many requests are open as --max-open allows",
        Why::BranchTaken => "the branch has commits by others and no request; delete or rename it",
        Why::Retargeted => "it was given another base",
        Why::Unmarked => "its text was written anew",
    }
}
