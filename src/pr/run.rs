//! One run: from the clone and the forge as they are to what the decision table says.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::body;
use super::fixes::{Decisions, FixError, Fixes, Group, Manifests, hash};
use super::forge::{
    Access, Address, Forge, ForgeError, Kind, NewRequest, Placed, Request, Review, Roots, Secret, State,
};
use super::git::{GitError, Heads, Login, NewCommit, Pushed, Repository};
use super::marker::Marker;
use super::plan::{Branch, Decision, Open, Situation, Wanted, Why, decide};
use super::remarks::{self, Remark};
use super::repos;
use crate::cli::Pr;
use crate::config::{self, Config, ConfigError, FILE_NAME, Flags, Requests};
use crate::console::tell;
use crate::exit::Exit;
use crate::suppress;

/// What the names of our branches begin with, before the base.
const PREFIX: &str = "cce-fix/";
/// How long another run is waited for that pushed before us, and has the request still to open.
const WAITS: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

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
    Fix(#[from] FixError),
    #[error("{0}")]
    Other(String),
}

/// A group with what is wanted of it and what there is.
struct Job<'j> {
    branch: String,
    request: Option<Wished>,
    is_draft: bool,
    /// Whether fixes are put together in another way since its branch was made.
    is_regrouped: bool,
    heads: &'j Heads,
}

/// A request as it should be.
struct Wished {
    wanted: Wanted,
    title: String,
    body: String,
    remarks: Vec<Remark>,
}

/// What is told of a group.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// Its address, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    action: &'static str,
    /// Whether it is not done, but would be.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What the request is called, where it is made or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// Does what `asked` says.
pub fn run(asked: &Pr) -> io::Result<Exit> {
    let today = match suppress::today() {
        Ok(today) => today,
        Err(message) => {
            tell(&format!("error: {message}"))?;
            return Ok(Exit::Trouble);
        }
    };
    let flags = Flags {
        safe: asked.safe,
        profile: asked.profile.map(Into::into),
        target: asked.target,
        select: asked.select.clone(),
        ignore: asked.ignore.clone(),
        today: Some(today),
        ..Flags::default()
    };
    let decisions = Decisions { flags, config: asked.config.as_deref() };
    let mut run = Run { asked, decisions, told: Vec::new(), opened: 0, exit: Exit::Success };
    match &asked.repos {
        Some(list) => run.all(list)?,
        None => run.one(None, Repository::open(Path::new("."), &asked.remote))?,
    }
    if asked.json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, &run.told).map_err(io::Error::other)?;
        stdout.write_all(b"\n")?;
        stdout.flush()?;
    }
    Ok(run.exit)
}

/// A run, over all of its repositories.
struct Run<'r> {
    asked: &'r Pr,
    decisions: Decisions<'r>,
    told: Vec<Told>,
    /// How many requests were opened.
    opened: usize,
    exit: Exit,
}

impl Run<'_> {
    /// The repositories of the share of a list; what goes wrong in one does not keep the others from their turn.
    fn all(&mut self, list: &Path) -> io::Result<()> {
        let addresses = match repos::read(list, self.asked.share.unwrap_or_default()) {
            Ok(addresses) => addresses,
            Err(message) => return self.failed(None, None, &message),
        };
        let mut failed = 0;
        for address in &addresses {
            let shown = super::git::redacted(address);
            let before = std::mem::replace(&mut self.exit, Exit::Success);
            match repos::temporary() {
                Ok(folder) => {
                    let repository = Repository::fresh(folder.path(), &self.asked.remote, address);
                    self.one(Some(&shown), repository)?;
                }
                Err(message) => self.failed(Some(&shown), None, &message)?,
            }
            failed += usize::from(self.exit != Exit::Success);
            self.exit = self.exit.max(before);
        }
        let (all, well) = (addresses.len(), addresses.len() - failed);
        let noun = if all == 1 { "repository" } else { "repositories" };
        tell(&format!("{all} {noun}: {well} as they should be, {failed} not"))
    }

    /// One repository; `name` is what tells it from others.
    fn one(&mut self, name: Option<&str>, repository: Result<Repository, GitError>) -> io::Result<()> {
        let tried = repository.map_err(Trouble::from).and_then(|repository| self.attempt(name, repository));
        match tried {
            Ok(told) => told,
            Err(trouble) => self.failed(name, None, &trouble.to_string()),
        }
    }

    fn failed(&mut self, name: Option<&str>, branch: Option<&str>, message: &str) -> io::Result<()> {
        self.exit = Exit::Trouble;
        let place =
            [name, branch].into_iter().flatten().fold(String::new(), |place, part| place + part + ": ");
        self.told.push(Told {
            repository: name.map(str::to_owned),
            branch: branch.map(str::to_owned),
            action: "failed",
            why: Some(message.to_owned()),
            ..Told::default()
        });
        tell(&format!("error: {place}{message}"))
    }

    fn tell(&mut self, told: Told) -> io::Result<()> {
        if !self.asked.json {
            let Told { repository, branch, action, dry_run, why, title, url } = &told;
            let mut line = String::new();
            for part in [repository, branch].into_iter().flatten() {
                line = line + part + ": ";
            }
            if *dry_run {
                line.push_str("would be ");
            }
            line.push_str(action);
            // What is done is read at its address, what would be done is not.
            if let Some(title) = title.as_ref().filter(|_| *dry_run) {
                line = format!("{line}: {title}");
            }
            if let Some(why) = why {
                line = format!("{line} ({why})");
            }
            if let Some(url) = url {
                line = format!("{line} {url}");
            }
            let mut stdout = io::stdout().lock();
            stdout.write_all(&crate::diff::harmless(line.as_bytes()))?;
            stdout.write_all(b"\n")?;
            stdout.flush()?;
        }
        self.told.push(told);
        Ok(())
    }

    fn attempt(&mut self, name: Option<&str>, mut repository: Repository) -> Result<io::Result<()>, Trouble> {
        let asked = self.asked;
        let own = repository.folder().join(FILE_NAME);
        let own = own.is_file().then(|| std::fs::read_to_string(&own).ok()).flatten();
        let wishes = wishes(asked, own.as_deref())?;
        let forge = connect(asked, &wishes, &mut repository)?;
        let heads = repository.heads(wishes.base.as_deref(), PREFIX)?;
        repository.fetch([&*heads.tip].into_iter().chain(heads.branches.values().map(String::as_str)))?;
        // What is made of the fixes is decided in the branch that they are for, as they are themselves.
        let wishes = self::wishes(asked, repository.file(&heads.tip, FILE_NAME).as_deref())?;
        let wishes = Requests { review_comments: wishes.review_comments && forge.takes_remarks(), ..wishes };
        if asked.review_comments && !forge.takes_remarks() {
            let _ = tell("note: `--review-comments`: there are none on this forge");
        }
        let mut jobs = jobs(asked, &wishes, &self.decisions, &repository, &heads, forge.room())?;
        // What is closed makes room.
        jobs.sort_by_key(|job| job.request.is_some());
        let names: Vec<&str> = jobs.iter().map(|job| &*job.branch).collect();
        let requests =
            if forge.is_push_only() { stand_ins(&*forge, &jobs)? } else { forge.requests(&names)? };
        let mut bot = Bot {
            asked,
            wishes: &wishes,
            repository: &repository,
            forge: &*forge,
            open: open_requests(&requests),
            opened: self.opened,
        };
        for job in &jobs {
            let requests: Vec<&Request> =
                requests.iter().filter(|request| request.head == job.branch).collect();
            let told = match bot.settle(job, &requests) {
                Ok(Some(mut told)) => {
                    if told.why.as_deref() == Some(words(Why::BranchTaken)) {
                        self.exit = Exit::Trouble;
                    }
                    told.repository = name.map(str::to_owned);
                    self.tell(told)
                }
                Ok(None) => Ok(()),
                Err(trouble) => self.failed(name, Some(&job.branch), &trouble.to_string()),
            };
            if told.is_err() {
                return Ok(told);
            }
        }
        self.opened = bot.opened;
        Ok(Ok(()))
    }
}

/// What flags ask for, and where there is none the configuration: the one that is named, or else `own`.
fn wishes(asked: &Pr, own: Option<&str>) -> Result<Requests, ConfigError> {
    let config = match (&asked.config, own) {
        (Some(path), _) => config::Decisions::read(path, &Flags::default())?.config,
        (None, Some(text)) => Config::parse(Path::new(FILE_NAME), text)?,
        (None, None) => Config::default(),
    };
    let Requests { base, forge, api_url, group_by, max_open, sleep, draft, review_comments } = config.pr;
    Ok(Requests {
        base: asked.base.clone().or(base),
        forge,
        api_url,
        group_by: asked.group_by.unwrap_or(group_by),
        max_open: asked.max_open.unwrap_or(max_open),
        sleep: asked.sleep.unwrap_or(sleep),
        draft: draft && !asked.no_draft,
        review_comments: review_comments || asked.review_comments,
    })
}

/// The forge that the remote is on, with git let in there too.
fn connect(asked: &Pr, wishes: &Requests, repository: &mut Repository) -> Result<Box<dyn Forge>, Trouble> {
    let text = repository.address()?;
    let address = Address::parse(&text).ok_or_else(|| {
        let text = super::git::redacted(&text);
        Trouble::Other(format!(
            "the remote's address `{text}` names no forge; `cce-fix pr` needs a remote such as \
             `https://HOST/OWNER/NAME.git` or `git@HOST:OWNER/NAME.git`"
        ))
    })?;
    let given = asked.forge.or(wishes.kind().map_err(Trouble::Other)?);
    let kind = given.or_else(|| Kind::at(&address.host)).ok_or_else(|| {
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
    // Whoever writes the repository's own configuration is not to choose which token its host gets.
    let is_named = asked.forge.is_some() || asked.config.is_some() || Kind::at(&address.host) == Some(kind);
    let known = token(kind);
    let is_withheld = known.is_some() && !is_named;
    let given = known.filter(|_| is_named);
    let found = given.is_none() && kind != Kind::PushOnly;
    let token = match given {
        Some(token) => token,
        None if kind == Kind::PushOnly => Secret::new(""),
        None => repository.password(&address).ok_or_else(|| {
            let names = kind.token_variables().join("` or `");
            let host = &address.host;
            if is_withheld {
                return Trouble::Other(format!(
                    "the token in `{names}` is not sent to {host}, of which the repository's own configuration alone \
                     says which forge it is; name that by `--forge`, or have a credential helper of git keep a token \
                     for the host"
                ));
            }
            Trouble::Other(format!(
                "no token for {host}; set the variable `{names}`, or have a credential helper of git keep one"
            ))
        })?,
    };
    let api = api(asked, wishes, &address)?;
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

/// The address of the API, where it is given. The repository's own configuration cannot have the token sent to
/// another host than the remote's; one that the user named can.
fn api<'a>(asked: &'a Pr, wishes: &'a Requests, address: &Address) -> Result<Option<&'a str>, Trouble> {
    if let Some(url) = &asked.api_url {
        return Ok(Some(url));
    }
    let Some(url) = &wishes.api_url else { return Ok(None) };
    if asked.config.is_some() {
        return Ok(Some(url));
    }
    let host = |text: &str| text.rsplit('@').next().unwrap_or_default().split(':').next().map(str::to_owned);
    let given = url.split_once("://").and_then(|(_, rest)| host(rest.split('/').next()?));
    if given.is_none() || given != host(&address.host) {
        return Err(Trouble::Other(format!(
            "`pr.api-url` of the configuration, `{}`, is not on the remote's host {}; such an address is taken from \
             `--api-url` or `--config` alone, since the token is sent there",
            super::git::redacted(url),
            address.host
        )));
    }
    Ok(Some(url))
}

/// What is wanted of each group, with the commits made in the store of objects.
fn jobs<'j>(
    asked: &Pr,
    wishes: &Requests,
    decisions: &Decisions<'_>,
    repository: &Repository,
    heads: &'j Heads,
    room: usize,
) -> Result<Vec<Job<'j>>, Trouble> {
    let tree = repository.check_out(&heads.tip)?;
    let manifests = Manifests::below(tree.folder());
    let groups = manifests.groups(wishes.group_by, decisions)?;
    let mut drafts = tree.drafts(manifests.names())?;
    let mut all = manifests.fix(decisions, &groups, wishes.review_comments, |number, name, text| {
        drafts.put(number, name, text)
    })?;
    let drafts = drafts.finish()?;
    // They are the same for each group, and none of them keeps the other files from being fixed.
    for problem in all.first_mut().map(|fixes| std::mem::take(&mut fixes.problems)).unwrap_or_default() {
        let _ = tell(&format!("warning: {}{}", problem.start(), problem.message));
    }
    let mut jobs: Vec<Job<'j>> = Vec::new();
    for (number, (group, fixes)) in groups.iter().zip(&mut all).enumerate() {
        let commit = |new: &NewCommit<'_>| drafts.commit(number, new);
        let request = if fixes.is_empty() { None } else { wished(asked, group, fixes, commit, heads, room)? };
        let branch = format!("{PREFIX}{}/{}", heads.base, group.name);
        let is_draft = group.part.level != Some(transforms::Level::Safe) && wishes.draft;
        jobs.push(Job { branch, request, is_draft, is_regrouped: false, heads });
    }
    let is_regrouped = jobs.iter().any(|job| job.request.is_some());
    // Branches of groups that there are no more.
    let others = heads.branches.keys().filter(|branch| jobs.iter().all(|job| job.branch != **branch));
    let others: Vec<String> = others.cloned().collect();
    let other = |branch| Job { branch, request: None, is_draft: false, is_regrouped, heads };
    jobs.extend(others.into_iter().map(other));
    let changed: BTreeSet<&Path> =
        all.iter().flat_map(|fixes| fixes.changed.keys()).map(PathBuf::as_path).collect();
    for name in repository.uncommitted(&changed)? {
        let _ = tell(&format!("note: {name}: what is not committed in your work tree is in no request"));
    }
    Ok(jobs)
}

fn wished(
    asked: &Pr,
    group: &Group,
    fixes: &mut Fixes,
    commit: impl Fn(&NewCommit<'_>) -> Result<Option<String>, GitError>,
    heads: &Heads,
    room: usize,
) -> Result<Option<Wished>, Trouble> {
    let title = body::title(group, fixes);
    let fingerprint = fixes.fingerprint();
    let ids: Vec<&str> = fixes.transforms.keys().copied().collect();
    let message = format!("Cce-Fix-Transforms: {}", ids.join(", "));
    let new = NewCommit { subject: &title, body: &message, fingerprint: &fingerprint };
    let Some(commit) = commit(&new)? else { return Ok(None) };
    // What the marker needs behind the text.
    let body = body::body(group, fixes, &heads.base, &reproducing(asked), room.saturating_sub(2000));
    let text = hash([&*title, &*body]);
    let remarks = std::mem::take(&mut fixes.remarks);
    let keys = remarks.iter().map(|remark| remark.key.clone()).collect();
    Ok(Some(Wished { wanted: Wanted { fingerprint, commit, text, remarks: keys }, title, body, remarks }))
}

/// The flags that change what is fixed, for the text of a request.
fn reproducing(asked: &Pr) -> String {
    let mut flags = String::new();
    if asked.safe {
        flags.push_str(" --safe");
    }
    if let Some(path) = &asked.config {
        let _ = write!(flags, " --config {}", quoted(&path.display().to_string()));
    }
    if let Some(profile) = asked.profile {
        let _ = write!(flags, " --profile {}", transforms::Profile::from(profile));
    }
    if let Some(target) = asked.target {
        let _ = write!(flags, " --target {target}");
    }
    for (name, ids) in [("select", &asked.select), ("ignore", &asked.ignore)] {
        if let Some(ids) = ids {
            // Writing to a String cannot fail.
            let _ = write!(flags, " --{name} {}", quoted(&ids.join(",")));
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
            Some(wished) => (&*wished.title, marker(job, wished, true, Vec::new()).under(&wished.body)),
            None => ("", Marker::default().under("")),
        };
        let (head, base) = (&*job.branch, &*job.heads.base);
        forge.open(&NewRequest { head, base, title, body: &body, is_draft: false })
    };
    pushed.map(stand_in).collect()
}

/// Text as a shell takes it for one word. What would end the block of code around it is left out.
fn quoted(text: &str) -> String {
    let text = text.replace(['`', '\n', '\r'], "");
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./,".contains(letter);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn open_requests(requests: &[Request]) -> usize {
    requests.iter().filter(|request| request.state == State::Open).count()
}

/// What is the same for all groups of a run.
struct Bot<'b> {
    asked: &'b Pr,
    wishes: &'b Requests,
    repository: &'b Repository,
    forge: &'b dyn Forge,
    /// How many requests of ours wait.
    open: usize,
    /// How many we opened.
    opened: usize,
}

impl Bot<'_> {
    /// Brings one group to where it should be. `requests` are those of its branch, the newest first.
    fn settle(&mut self, job: &Job<'_>, requests: &[&Request]) -> Result<Option<Told>, Trouble> {
        let open = requests.iter().copied().find(|request| request.state == State::Open);
        let situation = self.situation(job, requests, open)?;
        let decision = decide(&situation);
        let mut url = open.map(|request| request.url.clone());
        if self.asked.dry_run {
            match decision {
                Decision::Open => self.open += 1,
                Decision::Close => self.open = self.open.saturating_sub(1),
                _ => {}
            }
        } else {
            url = self.carry_out(decision, job, &situation, open)?.or(url);
        }
        let (action, why) = match decision {
            Decision::Leave(Why::NothingToFix) => return Ok(None),
            Decision::Leave(why) => ("left", Some(words(why))),
            Decision::Open if self.forge.is_push_only() => {
                ("pushed", Some("its request is for a person to open"))
            }
            Decision::Close if self.forge.is_push_only() => ("deleted", Some(gone(job))),
            Decision::Open => ("opened", None),
            Decision::Update { .. } => ("updated", None),
            Decision::Close => ("closed", Some(gone(job))),
            Decision::Say(_) => ("left", Some("its branch has commits by others")),
            Decision::DeleteBranch => ("deleted", Some(gone(job))),
        };
        let url = url.or_else(|| Some(requests.first()?.url.clone())).filter(|url| !url.is_empty());
        let is_written = matches!(decision, Decision::Open | Decision::Update { .. });
        Ok(Some(Told {
            repository: None,
            branch: Some(job.branch.clone()),
            action,
            dry_run: self.asked.dry_run && !matches!(decision, Decision::Leave(_) | Decision::Say(_)),
            why: why.map(str::to_owned),
            title: job.request.as_ref().filter(|_| is_written).map(|wished| wished.title.clone()),
            url,
        }))
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
            has_room: self.open < self.wishes.max_open,
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
                let pushed = self.push(job, wished, tip)?;
                // Where another run pushed in the meantime, it is opening the request, unless it was ended.
                if pushed == Pushed::WasThere
                    && tip.is_none()
                    && let Some(url) = self.wait_for(job)?
                {
                    return Ok(Some(url));
                }
                return self.open(job, wished).map(Some);
            }
            (Decision::Update { push, text, label, remark }, Some(wished), Some(request)) => {
                if push {
                    self.push(job, wished, tip)?;
                }
                if label {
                    self.forge.label(request, &[body::LABEL])?;
                }
                let said = Marker::read(&request.body).map(|marker| marker.remarks).unwrap_or_default();
                self.finish(job, wished, request, &said, text || label || remark)?;
            }
            (Decision::Close, _, Some(request)) => {
                let marker = Marker { is_closing: true, ..Marker::read(&request.body).unwrap_or_default() };
                self.forge.write(request, &request.title, &marker.replace(&request.body))?;
                let text = if job.is_regrouped { body::REGROUPED } else { body::CLOSED };
                self.say(request, body::CLOSED_MARK, text)?;
                self.forge.close(request)?;
                self.open = self.open.saturating_sub(1);
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

    fn push(&self, job: &Job<'_>, wished: &Wished, tip: Option<&str>) -> Result<Pushed, Trouble> {
        if tip == Some(&*wished.wanted.commit) {
            return Ok(Pushed::WasThere);
        }
        Ok(self.repository.push(&wished.wanted.commit, &job.branch, tip)?)
    }

    /// The address of the request that another run opens, if it does so in a while.
    fn wait_for(&self, job: &Job<'_>) -> Result<Option<String>, Trouble> {
        for pause in WAITS {
            std::thread::sleep(pause);
            if let Some(url) = self.opened_by_another(job)? {
                return Ok(Some(url));
            }
        }
        Ok(None)
    }

    fn opened_by_another(&self, job: &Job<'_>) -> Result<Option<String>, Trouble> {
        let requests = self.forge.requests(&[&job.branch])?;
        let open = requests.into_iter().find(|request| request.state == State::Open);
        Ok(open.map(|request| request.url))
    }

    fn open(&mut self, job: &Job<'_>, wished: &Wished) -> Result<String, Trouble> {
        if self.opened > 0 {
            std::thread::sleep(Duration::from_secs(self.wishes.sleep));
        }
        let marker = marker(job, wished, false, Vec::new());
        let body = marker.under(&wished.body);
        let new = NewRequest {
            head: &job.branch,
            base: &job.heads.base,
            title: &wished.title,
            body: &body,
            is_draft: job.is_draft,
        };
        self.open += 1;
        self.opened += 1;
        let request = match self.forge.open(&new) {
            Ok(request) => request,
            // Another run was faster: it is doing the rest.
            Err(ForgeError::Exists) => {
                return Ok(self.opened_by_another(job)?.ok_or(ForgeError::Exists)?);
            }
            Err(error) => return Err(error.into()),
        };
        self.forge.label(&request, &[body::LABEL])?;
        self.finish(job, wished, &request, &[], true)?;
        Ok(request.url)
    }

    /// Makes the remarks on lines that are not made yet, then writes title and text, which note what was done. What
    /// keeps remarks from being made does not keep the text from being written.
    fn finish(
        &self,
        job: &Job<'_>,
        wished: &Wished,
        request: &Request,
        said: &[String],
        is_written: bool,
    ) -> Result<(), Trouble> {
        let remarked = self.remark(job, wished, request, said);
        if is_written {
            let said = match &remarked {
                Ok(()) if !wished.remarks.is_empty() => wished.wanted.remarks.clone(),
                _ => said.to_vec(),
            };
            let body = marker(job, wished, true, said).under(&wished.body);
            self.forge.write(request, &wished.title, &body)?;
        }
        remarked
    }

    fn remark(
        &self,
        job: &Job<'_>,
        wished: &Wished,
        request: &Request,
        said: &[String],
    ) -> Result<(), Trouble> {
        let mut missing: Vec<&Remark> =
            wished.remarks.iter().filter(|remark| !said.contains(&remark.key)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        // By a run that was ended before it could note them.
        let texts = self.forge.remarks(request)?;
        let noted: BTreeSet<&str> = texts.iter().flat_map(|text| remarks::noted(text)).collect();
        missing.retain(|remark| !noted.contains(&*remark.key));
        if missing.is_empty() {
            return Ok(());
        }
        let placed = |remark: &&Remark| remark.placed(|above| self.forge.suggestion(above));
        let all: Vec<Placed> = missing.iter().map(placed).collect();
        let mark = remarks::mark(missing.iter().map(|remark| &*remark.key));
        let text = format!("{}\n\n{mark}\n", remarks::INTRODUCTION);
        let (commit, base) = (&*wished.wanted.commit, &*job.heads.tip);
        Ok(self.forge.remark(request, &Review { commit, base, text: &text, remarks: &all })?)
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

fn marker(job: &Job<'_>, wished: &Wished, is_labelled: bool, remarks: Vec<String>) -> Marker {
    Marker {
        fingerprint: wished.wanted.fingerprint.clone(),
        base: job.heads.base.clone(),
        text: wished.wanted.text.clone(),
        is_labelled,
        is_closing: false,
        remarks,
    }
}

/// Why a request, or its branch, is needed no more, in words.
fn gone(job: &Job<'_>) -> &'static str {
    if job.is_regrouped { "its fixes are put together in another way" } else { "nothing is left to fix" }
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
