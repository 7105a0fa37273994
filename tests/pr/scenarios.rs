//! Each row of the decision table as a whole scenario.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use super::forges;
use super::forges::server::{Forge, Personality, Pull, TOKEN};
use crate::common::{Folder, Ran, not_tried};

const DEPLOYMENT: &str = "\
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

const SAFE: &str = "cce-fix/main/safe";
const REVIEW: &str = "cce-fix/main/review";

thread_local! {
    /// What the forge of the next world is.
    pub(super) static PERSONALITY: Cell<&'static Personality> = const { Cell::new(&forges::GITEA) };
}

/// A repository with a manifest on a forge, somebody who works on it, and a clone that the bot runs in.
pub(super) struct World {
    folder: Folder,
    pub(super) forge: Forge,
}

impl World {
    /// None where there is no git, or no shell that plays the way to the remote.
    pub(super) fn new() -> Option<Self> {
        if cfg!(not(unix)) || Command::new("git").arg("--version").output().is_err() {
            not_tried("cce-fix pr: there is no git");
            return None;
        }
        let world = Self { folder: Folder::new(), forge: Forge::start(PERSONALITY.get()) };
        // The remote is reached as by SSH, but stays on the machine.
        let root = world.folder.path().join("host");
        world.folder.write(
            "ssh",
            format!(
                "#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\ncd '{}' && exec sh -c \"$1\"\n",
                root.display()
            )
            .as_bytes(),
        );
        world.folder.succeed("chmod", &["+x", "ssh"], b"");
        world.folder.write("host/team/.keep", b"");
        world.folder.succeed(
            "git",
            &["init", "--quiet", "--bare", "--initial-branch=main", "host/team/shop.git"],
            b"",
        );
        world.git(".", &["clone", "--quiet", "git@127.0.0.1:team/shop.git", "person"]);
        world.commit("deploy/web.yaml", DEPLOYMENT);
        world.git(".", &["clone", "--quiet", "git@127.0.0.1:team/shop.git", "clone"]);
        Some(world)
    }

    pub(super) fn command(&self, program: &str, folder: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path().join(folder))
            .env("GIT_SSH_COMMAND", self.folder.path().join("ssh"))
            .env("GIT_CONFIG_GLOBAL", self.folder.path().join("no-configuration"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env(self.forge.personality.variable, TOKEN);
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Person").env(format!("GIT_{who}_EMAIL"), "p@example.com");
        }
        command
    }

    #[track_caller]
    pub(super) fn git(&self, folder: &str, args: &[&str]) -> String {
        let ran = Ran::of(self.command("git", folder).args(args), b"");
        assert_eq!(ran.code, Some(0), "git {args:?}: {}", ran.stderr);
        ran.stdout.trim().to_owned()
    }

    /// A person commits to the base.
    pub(super) fn commit(&self, name: &str, text: &str) {
        self.folder.write(&format!("person/{name}"), text.as_bytes());
        self.git("person", &["add", "--all"]);
        self.git("person", &["commit", "--quiet", "--message", "by a person"]);
        self.git("person", &["push", "--quiet", "origin", "HEAD:main"]);
    }

    /// A person commits to a branch of the bot.
    pub(super) fn commit_to(&self, branch: &str) {
        self.git("person", &["fetch", "--quiet"]);
        self.git("person", &["switch", "--quiet", "--detach", &format!("origin/{branch}")]);
        self.git("person", &["commit", "--quiet", "--allow-empty", "--message", "mine"]);
        self.git("person", &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
        self.git("person", &["switch", "--quiet", "main"]);
    }

    pub(super) fn run(&self, args: &[&str]) -> Ran {
        let kind = self.forge.personality.name;
        let base = ["pr", "--forge", kind, "--sleep", "0", "--api-url", &self.forge.address];
        let program = PathBuf::from(env!("CARGO_BIN_EXE_cce-fix"));
        Ran::of(self.command(program.to_str().unwrap(), "clone").args(base).args(args), b"")
    }

    /// Runs, which has to go well, and gives what it printed.
    #[track_caller]
    pub(super) fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
        ran.stdout
    }

    pub(super) fn branches(&self) -> BTreeMap<String, String> {
        let text = self.git(
            "host/team/shop.git",
            &["for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/cce-fix"],
        );
        text.lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .collect()
    }

    fn pulls(&self) -> Vec<Pull> {
        self.forge.content().pulls.clone()
    }

    /// All that there is outside of the clone.
    pub(super) fn state(&self) -> (BTreeMap<String, String>, Vec<Pull>) {
        (self.branches(), self.pulls())
    }

    /// The second run must not change anything, with at most three requests.
    #[track_caller]
    pub(super) fn is_settled(&self) {
        let before = self.state();
        let asked = self.forge.content().asked.len();
        self.ok(&[]);
        assert_eq!(self.state(), before);
        let asked = self.forge.content().asked[asked..].to_vec();
        assert!(asked.len() <= 3 && asked.iter().all(|line| is_question(line)), "{asked:?}");
    }
}

/// Whether a request to the forge changes nothing.
fn is_question(line: &str) -> bool {
    line.starts_with("GET ") || line.ends_with("/graphql")
}

/// The deployment with all fixes of the branch.
fn fixed(world: &World, branch: &str) -> String {
    world.git("host/team/shop.git", &["show", &format!("{branch}:deploy/web.yaml")])
}

#[test]
pub(super) fn the_first_run_opens_and_the_second_changes_nothing() {
    let Some(world) = World::new() else { return };
    let told = world.ok(&[]);
    assert_eq!(
        told,
        "cce-fix/main/safe: opened https://forge.example.com/team/shop/pulls/1\n\
         cce-fix/main/review: opened https://forge.example.com/team/shop/pulls/2\n"
    );
    let pulls = world.pulls();
    let heads: Vec<(&str, &str)> = pulls.iter().map(|pull| (&*pull.head, &*pull.base)).collect();
    assert_eq!(heads, [(SAFE, "main"), (REVIEW, "main")]);
    assert_eq!(pulls[0].title, "Harden 1 Kubernetes manifest: safe fixes");
    assert!(!pulls[0].is_draft && pulls[1].is_draft && pulls[1].title.starts_with("Harden 1 "), "{pulls:?}");
    assert!(pulls.iter().all(|pull| pull.labels.len() == 1 && pull.comments.is_empty()));
    assert_eq!(world.forge.content().labels, ["cce-fix"]);
    let (safe, review) = (fixed(&world, SAFE), fixed(&world, REVIEW));
    assert!(
        safe.contains("allowPrivilegeEscalation: false") && !safe.contains("readOnlyRootFilesystem"),
        "{safe}"
    );
    assert!(
        !review.contains("allowPrivilegeEscalation") && review.contains("readOnlyRootFilesystem"),
        "{review}"
    );
    assert!([&safe, &review].iter().all(|text| text.contains("- name: web  # the shop")));
    world.is_settled();
}

#[test]
pub(super) fn a_dry_run_touches_nothing() {
    let Some(world) = World::new() else { return };
    let before = world.state();
    assert_eq!(world.ok(&["--dry-run"]), "cce-fix/main/safe: opened\ncce-fix/main/review: opened\n");
    assert_eq!(world.state(), before);
    assert!(world.forge.content().asked.iter().all(|line| is_question(line)));
}

#[test]
pub(super) fn a_base_that_moved_gets_the_request_brought_up_to_date() {
    let Some(world) = World::new() else { return };
    world.ok(&[]);
    let first = world.branches();
    world.commit("deploy/more.yaml", &DEPLOYMENT.replace("name: web", "name: more"));
    let told = world.ok(&[]);
    assert_eq!(told.matches(": updated").count(), 2, "{told}");
    let pulls = world.pulls();
    assert_eq!((pulls.len(), &*pulls[0].title), (2, "Harden 2 Kubernetes manifests: safe fixes"));
    assert!(world.branches().values().all(|commit| !first.values().any(|old| old == commit)));
    world.is_settled();
}

#[test]
pub(super) fn what_is_merged_is_closed_and_tidied_up() {
    let Some(world) = World::new() else { return };
    world.ok(&["--safe"]);
    // By hand, so that the request stays open.
    world.commit("deploy/web.yaml", &format!("{}\n", fixed(&world, SAFE)));
    let told = world.ok(&["--safe"]);
    assert!(told.starts_with("cce-fix/main/safe: closed (nothing is left to fix)"), "{told}");
    let pulls = world.pulls();
    assert_eq!((&*pulls[0].state, pulls[0].comments.len()), ("closed", 1));
    assert_eq!(world.branches().len(), 0);
    // Closed by us, so the same fixes may come again.
    world.commit("deploy/web.yaml", DEPLOYMENT);
    assert_eq!(
        world.ok(&["--safe"]),
        "cce-fix/main/safe: opened https://forge.example.com/team/shop/pulls/2\n"
    );
}

#[test]
pub(super) fn what_a_person_closed_stays_closed() {
    let Some(world) = World::new() else { return };
    world.ok(&["--safe"]);
    world.forge.content().pulls[0].state = "closed".to_owned();
    let told = world.ok(&["--safe"]);
    assert!(told.starts_with("cce-fix/main/safe: left (a request for these fixes was closed"), "{told}");
    // Lines that move are the same fixes.
    world.commit("deploy/web.yaml", &format!("# the shop\n{DEPLOYMENT}"));
    assert!(world.ok(&["--safe"]).contains(": left (a request for these fixes was closed"));
    assert_eq!(world.pulls().len(), 1);
    assert!(world.ok(&["--safe", "--recreate"]).contains(": opened "));
    assert_eq!(world.pulls().len(), 2);
}

#[test]
pub(super) fn commits_of_others_are_never_pushed_over() {
    let Some(world) = World::new() else { return };
    world.ok(&["--safe"]);
    world.commit_to(SAFE);
    let theirs = world.branches();
    world.commit("deploy/more.yaml", &DEPLOYMENT.replace("name: web", "name: more"));
    for _ in 0..2 {
        assert!(world.ok(&["--safe"]).contains(": left (its branch has commits by others)"));
        let pulls = world.pulls();
        assert_eq!(
            (world.branches(), &*pulls[0].state, pulls[0].comments.len()),
            (theirs.clone(), "open", 1)
        );
    }
    // Nor is their work thrown away when nothing is left to fix.
    world.commit("deploy/more.yaml", "a: 1\n");
    world.commit("deploy/web.yaml", "a: 1\n");
    for _ in 0..2 {
        world.ok(&["--safe"]);
        let pulls = world.pulls();
        assert_eq!(
            (world.branches(), &*pulls[0].state, pulls[0].comments.len()),
            (theirs.clone(), "open", 2)
        );
    }
    // A branch without a request.
    world.commit("deploy/web.yaml", DEPLOYMENT);
    world.forge.content().pulls.clear();
    let ran = world.run(&["--safe"]);
    assert_eq!((ran.code, world.branches(), world.pulls().len()), (Some(2), theirs, 0), "{ran:?}");
}

#[test]
pub(super) fn what_people_did_to_a_request_stays() {
    let Some(world) = World::new() else { return };
    world.ok(&["--safe"]);
    // A label that was taken off.
    world.forge.content().pulls[0].labels.clear();
    world.commit("deploy/more.yaml", &DEPLOYMENT.replace("name: web", "name: more"));
    assert!(world.ok(&["--safe"]).contains(": updated "));
    assert_eq!(world.pulls()[0].labels.len(), 0);
    // The label that stops us, another base, another text.
    let before = world.state();
    world.commit("deploy/again.yaml", &DEPLOYMENT.replace("name: web", "name: again"));
    let stop = |pull: &mut Pull| pull.labels = vec![1];
    let base = |pull: &mut Pull| "other".clone_into(&mut pull.base);
    let body = |pull: &mut Pull| "mine".clone_into(&mut pull.body);
    world.forge.content().labels.push("cce-fix:stop".to_owned());
    for (change, why) in [
        (&stop as &dyn Fn(&mut Pull), "it has the label cce-fix:stop"),
        (&base, "it was given another base"),
        (&body, "its text was written anew"),
    ] {
        world.forge.content().pulls = before.1.clone();
        change(&mut world.forge.content().pulls[0]);
        let taken_over = world.state();
        assert!(world.ok(&["--safe"]).contains(&format!(": left ({why})")), "{why}");
        assert_eq!(world.state(), taken_over, "{why}");
    }
}

#[test]
pub(super) fn the_limit_holds() {
    let Some(world) = World::new() else { return };
    let told = world.ok(&["--max-open", "1"]);
    assert!(told.contains("review: left (as many requests are open as --max-open allows)"), "{told}");
    assert_eq!((world.pulls().len(), world.branches().len()), (1, 1));
}

#[test]
pub(super) fn bare_pods_have_a_request_of_their_own() {
    let Some(world) = World::new() else { return };
    world.commit("job.yaml", &DEPLOYMENT.replace("apps/v1", "batch/v1").replace("Deployment", "Job"));
    world.ok(&[]);
    let names: Vec<String> = world.branches().into_keys().collect();
    assert_eq!(names, ["cce-fix/main/recreate-review", "cce-fix/main/recreate-safe", REVIEW, SAFE]);
    let changed =
        world.git("host/team/shop.git", &["diff", "--name-only", "main", "cce-fix/main/recreate-safe"]);
    assert_eq!(changed, "job.yaml");
}

/// Ended at any request, before it is done or after, the next run comes to the same end.
#[test]
pub(super) fn a_run_that_is_ended_is_finished_by_the_next() {
    let Some(whole) = World::new() else { return };
    whole.ok(&[]);
    let expected = whole.pulls();
    let requests = whole.forge.content().asked.len();
    for does in [false, true] {
        for from in 0..requests {
            let world = World::new().unwrap();
            world.forge.content().fails = Some((from, does));
            assert_eq!(world.run(&[]).code, Some(2), "{from}");
            world.forge.content().fails = None;
            world.ok(&[]);
            let text = |pulls: &[Pull]| -> Vec<_> {
                let text = |pull: &Pull| {
                    (
                        pull.head.clone(),
                        pull.title.clone(),
                        pull.state.clone(),
                        pull.labels.len(),
                        pull.comments.len(),
                    )
                };
                pulls.iter().map(text).collect()
            };
            let mut pulls = world.pulls();
            pulls.sort_by_key(|pull| std::cmp::Reverse(pull.head.clone()));
            assert_eq!(text(&pulls), text(&expected), "{from} {does}");
            world.is_settled();
        }
    }
}

#[test]
pub(super) fn what_is_wrong_is_named_and_tokens_are_not() {
    let Some(world) = World::new() else { return };
    let program = PathBuf::from(env!("CARGO_BIN_EXE_cce-fix"));
    let run = |args: &[&str], token: &str| {
        let mut command = world.command(program.to_str().unwrap(), "clone");
        command.env("GITEA_TOKEN", token).args(["pr"]).args(args);
        Ran::of(&mut command, b"")
    };
    let api = ["--forge", "gitea", "--api-url", &world.forge.address];
    run(&[], TOKEN).expect(2, "", "it is not known which forge is at 127.0.0.1; name it by `--forge`");
    run(&["--forge", "gitea"], "").expect(2, "", "no token for 127.0.0.1; set the variable `GITEA_TOKEN`");
    run(&[&api[..], &["--base", "gone"]].concat(), TOKEN).expect(
        2,
        "",
        "no branch `gone`; name the base by `--base`",
    );
    run(&[&api[..], &["--remote", "up"]].concat(), TOKEN).expect(
        2,
        "",
        "no remote `up`; name another one by `--remote`",
    );
    run(&["--forge", "gitea", "--api-url", "http://example.com"], TOKEN).expect(
        2,
        "",
        "has to begin with `https://`",
    );
    let ran = run(&api, "another-token");
    assert!(
        ran.code == Some(2)
            && ran.stderr.contains("does not accept the token")
            && !ran.stderr.contains("another-token"),
        "{ran:?}"
    );
}
