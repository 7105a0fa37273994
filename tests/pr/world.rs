//! A repository with a manifest on a forge, somebody who works on it, and a clone that the bot runs in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::forges::server::{self, Forge, Personality, TOKEN};
use super::forges::{CODEARTS, GITCODE, GITEA, GITHUB, GITLAB};
use super::gitea;
use super::proxy::{Fault, Proxy};
use crate::common::{Folder, Ran, not_tried};

/// A request with all that is on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pull {
    pub(crate) number: usize,
    pub(crate) head: String,
    pub(crate) base: String,
    /// Without what marks a draft.
    pub(crate) title: String,
    pub(crate) is_draft: bool,
    pub(crate) body: String,
    pub(crate) state: String,
    pub(crate) merged: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) comments: Vec<String>,
    /// Those on lines; of the real forge they are asked for where they matter.
    pub(crate) remarks: Vec<Inline>,
}

/// A comment on lines of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inline {
    pub(crate) path: String,
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) text: String,
}

/// What a person does to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'c> {
    Close,
    Merge,
    Base(&'c str),
    Body(&'c str),
    /// These and no others.
    Labels(&'c [&'c str]),
}

/// On which forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A small one of the tests' own, with a way to its repositories as by SSH, which speaks as Gitea does.
    Ours,
    /// The same, as others do.
    Github,
    Gitlab,
    Gitcode,
    Codearts,
    /// The real one.
    Gitea,
}

enum Host {
    Ours(Forge),
    Gitea(gitea::Repository),
}

pub(crate) struct World {
    pub(crate) folder: Folder,
    /// What the bot speaks with.
    pub(crate) proxy: Proxy,
    host: Host,
}

pub(crate) const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web  # the shop
        image: registry.example.com/web:1
        securityContext:
          runAsUser: 1000
          runAsGroup: 1000
";

impl On {
    fn personality(self) -> &'static Personality {
        match self {
            Self::Ours | Self::Gitea => &GITEA,
            Self::Github => &GITHUB,
            Self::Gitlab => &GITLAB,
            Self::Gitcode => &GITCODE,
            Self::Codearts => &CODEARTS,
        }
    }
}

impl World {
    /// One with a deployment; none where there is no git, no shell that plays the way to the remote, or no such forge.
    pub(crate) fn new(on: On) -> Option<Self> {
        let world = Self::make(on, false)?;
        world.folder.write("person/deploy/web.yaml", DEPLOYMENT.as_bytes());
        world.commit_all();
        world.git("person", &["push", "--quiet", "--force", "origin", "HEAD:main"]);
        world.git(".", &["clone", "--quiet", &world.remote(), "clone"]);
        Some(world)
    }

    /// One without a commit.
    pub(crate) fn empty(on: On) -> Option<Self> {
        Self::make(on, true)
    }

    fn make(on: On, is_empty: bool) -> Option<Self> {
        if cfg!(not(unix)) || Command::new("git").arg("--version").output().is_err() {
            not_tried("cce-fix pr: there is no git");
            return None;
        }
        let folder = Folder::new();
        folder.write("tmp/.keep", b"");
        let world = match on {
            On::Ours | On::Github | On::Gitlab | On::Gitcode | On::Codearts => {
                let forge = Forge::start(on.personality());
                let world = Self { folder, proxy: Proxy::start(&forge.host), host: Host::Ours(forge) };
                // The remote is reached as by SSH, but stays on the machine.
                let root = world.folder.path().join("host");
                let script = format!(
                    "#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\ncd '{}' && exec sh -c \"$1\"\n",
                    root.display()
                );
                world.folder.write("ssh", script.as_bytes());
                world.folder.succeed("chmod", &["+x", "ssh"], b"");
                world.folder.write("host/team/.keep", b"");
                let args = ["init", "--quiet", "--bare", "--initial-branch=main", "host/team/shop.git"];
                world.folder.succeed("git", &args, b"");
                world
            }
            On::Gitea => {
                let repository = gitea::server()?.repository(is_empty);
                let upstream = repository.server.address.trim_start_matches("http://").to_owned();
                Self { folder, proxy: Proxy::start(&upstream), host: Host::Gitea(repository) }
            }
        };
        world.git(".", &["init", "--quiet", "--initial-branch=main", "person"]);
        let direct = match &world.host {
            Host::Ours(_) => world.remote(),
            Host::Gitea(repository) => format!("{}/{}.git", repository.server.address, repository.path()),
        };
        world.git("person", &["remote", "add", "origin", &direct]);
        Some(world)
    }

    /// The address that the bot has.
    pub(crate) fn remote(&self) -> String {
        match &self.host {
            Host::Ours(_) => "git@127.0.0.1:team/shop.git".to_owned(),
            Host::Gitea(repository) => format!("{}/{}.git", self.proxy.address, repository.path()),
        }
    }

    /// The server and the path of the repository on it, where the forge is a real one.
    pub(crate) fn server(&self) -> Option<(&'static gitea::Server, String)> {
        match &self.host {
            Host::Ours(_) => None,
            Host::Gitea(repository) => Some((repository.server, repository.path())),
        }
    }

    /// The forge, where it is ours.
    pub(crate) fn forge(&self) -> &Forge {
        match &self.host {
            Host::Ours(forge) => forge,
            Host::Gitea(_) => panic!("it is a real one"),
        }
    }

    pub(crate) fn personality(&self) -> &'static Personality {
        match &self.host {
            Host::Ours(forge) => forge.personality,
            Host::Gitea(_) => &GITEA,
        }
    }

    /// The address of its API.
    pub(crate) fn api(&self) -> String {
        format!("{}{}", self.proxy.address, self.personality().api)
    }

    pub(crate) fn token(&self) -> &str {
        match &self.host {
            Host::Ours(_) => TOKEN,
            Host::Gitea(repository) => &repository.server.token,
        }
    }

    /// Where a request is looked at.
    pub(crate) fn url(&self, number: usize) -> String {
        match &self.host {
            Host::Ours(_) => server::page_of(number),
            Host::Gitea(repository) => {
                // By the name that it was asked under.
                format!("{}/{}/pulls/{number}", self.proxy.address, repository.path())
            }
        }
    }

    pub(crate) fn command(&self, program: &str, folder: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path().join(folder))
            .env("TMPDIR", self.folder.path().join("tmp"))
            .env("GIT_SSH_COMMAND", self.folder.path().join("ssh"))
            .env("GIT_CONFIG_GLOBAL", self.folder.path().join("no-configuration"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env(self.personality().variable, self.token());
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Person").env(format!("GIT_{who}_EMAIL"), "p@example.com");
        }
        command
    }

    /// What a person runs, with their own way into the forge.
    pub(crate) fn person(&self, program: &str, folder: &str) -> Command {
        let mut command = self.command(program, folder);
        if let Host::Gitea(repository) = &self.host {
            let header = format!("Authorization: token {}", repository.server.token);
            command.env("GIT_CONFIG_COUNT", "2");
            for (number, address) in [&repository.server.address, &self.proxy.address].into_iter().enumerate()
            {
                command
                    .env(format!("GIT_CONFIG_KEY_{number}"), format!("http.{address}/.extraHeader"))
                    .env(format!("GIT_CONFIG_VALUE_{number}"), &header);
            }
        }
        command
    }

    /// What a person does with git.
    #[track_caller]
    pub(crate) fn git(&self, folder: &str, args: &[&str]) -> String {
        let mut command = self.person("git", folder);
        let ran = Ran::of(command.args(args), b"");
        assert_eq!(ran.code, Some(0), "git {args:?}: {}", ran.stderr);
        ran.stdout.trim().to_owned()
    }

    /// What git says of the repository as the forge has it.
    #[track_caller]
    pub(crate) fn bare(&self, args: &[&str]) -> String {
        let folder = match &self.host {
            Host::Ours(_) => self.folder.path().join("host/team/shop.git"),
            Host::Gitea(repository) => repository.bare(),
        };
        self.git(folder.to_str().unwrap(), args)
    }

    /// A person commits to the base.
    #[track_caller]
    pub(crate) fn commit(&self, name: &str, text: &str) {
        self.folder.write(&format!("person/{name}"), text.as_bytes());
        self.push();
    }

    /// A person commits what is in their folder to the base.
    #[track_caller]
    pub(crate) fn push(&self) {
        self.commit_all();
        self.git("person", &["push", "--quiet", "origin", "HEAD:main"]);
    }

    fn commit_all(&self) {
        self.git("person", &["add", "--all"]);
        self.git("person", &["commit", "--quiet", "--message", "by a person"]);
    }

    /// A person commits to a branch of the bot.
    #[track_caller]
    pub(crate) fn commit_to(&self, branch: &str, args: &[&str]) {
        self.git("person", &["fetch", "--quiet", "origin"]);
        self.git("person", &["switch", "--quiet", "--detach", &format!("origin/{branch}")]);
        self.git("person", &[&["commit", "--quiet", "--allow-empty"], args].concat());
        self.git("person", &["push", "--quiet", "--force", "origin", &format!("HEAD:refs/heads/{branch}")]);
        self.git("person", &["switch", "--quiet", "main"]);
    }

    pub(crate) fn program(&self, folder: &str) -> Command {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_cce-fix"));
        let mut command = self.command(program.to_str().unwrap(), folder);
        command.args(["pr", "--forge", self.personality().name, "--sleep", "0"]);
        if matches!(self.host, Host::Ours(_)) {
            command.arg("--api-url").arg(self.api());
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.program("clone").args(args), b"")
    }

    /// Runs, which has to go well, and gives what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
        ran.stdout
    }

    /// Runs and is ended, with all that it started, when the request with this number was done and not answered yet;
    /// false where it came to its end before.
    pub(crate) fn is_killed_at(&self, number: usize, args: &[&str]) -> bool {
        use std::os::unix::process::CommandExt as _;

        let from = self.proxy.watch().asked.len();
        self.proxy.watch().fault = Some((from + number, Fault::Hold));
        let mut program = self.program("clone");
        program.args(args).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut child: Child = program.spawn().unwrap();
        let is_held = self.proxy.wait_until_held(|| child.try_wait().unwrap().is_some());
        if is_held {
            self.folder.succeed("kill", &["-KILL", "--", &format!("-{}", child.id())], b"");
            child.wait().unwrap();
        }
        let mut watch = self.proxy.watch();
        (watch.fault, watch.is_held) = (None, false);
        is_held
    }

    /// The branches of the bot.
    pub(crate) fn branches(&self) -> BTreeMap<String, String> {
        let format = "--format=%(refname:lstrip=2) %(objectname)";
        let text = self.bare(&["for-each-ref", format, "refs/heads/cce-fix"]);
        let branches = text.lines().map(|line| line.split_once(' ').unwrap());
        branches.map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
    }

    pub(crate) fn pulls(&self) -> Vec<Pull> {
        match &self.host {
            Host::Ours(forge) => forge.pulls(),
            Host::Gitea(repository) => repository.pulls(),
        }
    }

    /// The comments on lines of a request.
    pub(crate) fn remarks(&self, number: usize) -> Vec<Inline> {
        match &self.host {
            Host::Ours(forge) => forge.pulls()[number - 1].remarks.clone(),
            Host::Gitea(repository) => repository.remarks(number),
        }
    }

    /// The requests of another repository.
    pub(crate) fn pulls_of(&self, name: &str) -> Vec<Pull> {
        match &self.host {
            Host::Ours(forge) => forge.pulls_of(name),
            Host::Gitea(_) => Vec::new(),
        }
    }

    #[track_caller]
    pub(crate) fn change(&self, number: usize, change: Change<'_>) {
        match (&self.host, change) {
            (Host::Gitea(repository), Change::Merge) => {
                repository.change(number, change);
                self.git("person", &["pull", "--quiet", "origin", "main"]);
            }
            (Host::Gitea(repository), _) => repository.change(number, change),
            (Host::Ours(forge), Change::Merge) => {
                let head = self.pulls()[number - 1].head.clone();
                self.git("person", &["fetch", "--quiet", "origin"]);
                self.git(
                    "person",
                    &["merge", "--quiet", "--no-ff", "-m", "merged", &format!("origin/{head}")],
                );
                self.git("person", &["push", "--quiet", "origin", "HEAD:main"]);
                forge.change(number, change);
            }
            (Host::Ours(forge), _) => forge.change(number, change),
        }
    }

    /// All that there is outside of the clone.
    pub(crate) fn state(&self) -> (BTreeMap<String, String>, Vec<Pull>) {
        (self.branches(), self.pulls())
    }

    /// Requests to the API since the proxy had got `from`.
    pub(crate) fn asked(&self, from: usize) -> Vec<String> {
        let watch = self.proxy.watch();
        // A real one is asked by git on the same way.
        let is_api = |line: &&String| matches!(self.host, Host::Ours(_)) || line.contains(" /api/v1/");
        watch.asked[from..].iter().filter(is_api).cloned().collect()
    }

    /// The second run must not change anything, with at most three requests.
    #[track_caller]
    pub(crate) fn is_settled(&self, args: &[&str]) {
        let before = self.state();
        let from = self.proxy.watch().asked.len();
        self.ok(args);
        let asked = self.asked(from);
        assert_eq!(self.state(), before);
        assert!(asked.len() <= 3 && asked.iter().all(|line| is_question(line)), "{asked:?}");
    }
}

/// Whether a request to the forge changes nothing.
pub(crate) fn is_question(line: &str) -> bool {
    line.starts_with("GET ") || line.ends_with("/graphql")
}
