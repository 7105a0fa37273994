//! Each row of the decision table as a whole scenario, on each of the forges.

use std::thread;

use super::proxy::Fault;
use super::world::{Change, DEPLOYMENT, Inline, On, Pull, World, is_question};
use crate::common::Ran;

const SAFE: &str = "cce-fix/main/safe";
const REVIEW: &str = "cce-fix/main/review";

/// The scenarios, on a forge.
macro_rules! scenarios {
    ($forge:ident $on:ident: $($name:ident)*) => {
        mod $forge {
            $(#[test]
            fn $name() {
                super::$name(super::On::$on);
            })*
        }
    };
}

/// Those in which each forge has its say.
macro_rules! decisions {
    ($($forge:ident $on:ident: $($more:ident)*;)*) => {
        $(scenarios! { $forge $on: $($more)*
    the_first_run_opens_and_the_second_changes_nothing
    a_dry_run_touches_nothing
    a_base_that_moved_gets_the_request_brought_up_to_date
    what_nothing_is_left_of_is_closed_and_tidied_up
    what_is_merged_is_tidied_up
    what_a_person_closed_stays_closed
    commits_of_others_are_never_pushed_over
    what_people_did_to_a_request_stays
    two_runs_at_once_make_one_request
    remarks_on_lines_are_made_once
        })*
    };
}

decisions! {
    ours Ours:
        a_list_of_repositories_needs_no_clone
        clones_of_all_kinds_will_do
        the_configuration_decides
        a_branch_of_others_without_a_request_is_theirs
        the_limit_holds
        each_way_to_group_has_its_branches
        what_is_wrong_is_named_and_tokens_are_not;
    gitea Gitea:
        a_list_of_repositories_needs_no_clone
        clones_of_all_kinds_will_do
        the_configuration_decides
        a_branch_of_others_without_a_request_is_theirs
        the_limit_holds
        each_way_to_group_has_its_branches
        what_is_wrong_is_named_and_tokens_are_not;
    github Github:;
    gitlab Gitlab:;
    gitcode Gitcode:;
    codearts Codearts:;
}

/// The deployment with all fixes of the branch.
fn fixed(world: &World, branch: &str) -> String {
    world.bare(&["show", &format!("{branch}:deploy/web.yaml")])
}

fn more(name: &str) -> String {
    DEPLOYMENT.replace("name: web", &format!("name: {name}"))
}

fn the_first_run_opens_and_the_second_changes_nothing(on: On) {
    let Some(world) = World::new(on) else { return };
    let told = world.ok(&[]);
    let (first, second) = (world.url(1), world.url(2));
    assert_eq!(told, format!("{SAFE}: opened {first}\n{REVIEW}: opened {second}\n"));
    let pulls = world.pulls();
    let heads: Vec<(&str, &str)> = pulls.iter().map(|pull| (&*pull.head, &*pull.base)).collect();
    assert_eq!(heads, [(SAFE, "main"), (REVIEW, "main")]);
    assert_eq!(pulls[0].title, "Harden 1 Kubernetes manifest: safe fixes");
    assert!(!pulls[0].is_draft && pulls[1].is_draft && pulls[1].title.starts_with("Harden 1 "), "{pulls:?}");
    assert!(pulls.iter().all(|pull| pull.labels == ["cce-fix"] && pull.comments.is_empty()), "{pulls:?}");
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
    world.is_settled(&[]);
}

fn a_dry_run_touches_nothing(on: On) {
    let Some(world) = World::new(on) else { return };
    let before = world.state();
    let title = "Harden 1 Kubernetes manifest";
    assert_eq!(
        world.ok(&["--dry-run"]),
        format!(
            "{SAFE}: would be opened: {title}: safe fixes\n{REVIEW}: would be opened: {title}: fixes to be reviewed\n"
        )
    );
    let json: serde_json::Value = serde_json::from_str(&world.ok(&["--dry-run", "--json"])).unwrap();
    assert_eq!(
        json[0],
        serde_json::json!({
            "branch": SAFE, "action": "opened", "dryRun": true, "title": format!("{title}: safe fixes"),
        })
    );
    assert_eq!(world.state(), before);
    assert!(world.asked(0).iter().all(|line| is_question(line)));
}

fn a_base_that_moved_gets_the_request_brought_up_to_date(on: On) {
    let Some(world) = World::new(on) else { return };
    world.ok(&[]);
    let first = world.branches();
    world.commit("deploy/more.yaml", &more("more"));
    let told = world.ok(&[]);
    assert_eq!(told.matches(": updated").count(), 2, "{told}");
    let pulls = world.pulls();
    assert_eq!((pulls.len(), &*pulls[0].title), (2, "Harden 2 Kubernetes manifests: safe fixes"));
    assert!(world.branches().values().all(|commit| !first.values().any(|old| old == commit)));
    world.is_settled(&[]);
}

fn what_nothing_is_left_of_is_closed_and_tidied_up(on: On) {
    let Some(world) = World::new(on) else { return };
    world.ok(&["--safe"]);
    // By hand, so that the request stays open.
    world.commit("deploy/web.yaml", &format!("{}\n# by hand\n", fixed(&world, SAFE)));
    let told = world.ok(&["--safe", "--dry-run"]);
    assert_eq!(told, format!("{SAFE}: would be closed (nothing is left to fix) {}\n", world.url(1)));
    let told = world.ok(&["--safe"]);
    assert_eq!(told, format!("{SAFE}: closed (nothing is left to fix) {}\n", world.url(1)));
    let pulls = world.pulls();
    assert_eq!((&*pulls[0].state, pulls[0].merged, pulls[0].comments.len()), ("closed", false, 1));
    assert_eq!(world.branches().len(), 0);
    world.is_settled(&["--safe"]);
    // Closed by us, so the same fixes may come again.
    world.commit("deploy/web.yaml", DEPLOYMENT);
    assert_eq!(world.ok(&["--safe"]), format!("{SAFE}: opened {}\n", world.url(2)));
}

fn what_is_merged_is_tidied_up(on: On) {
    let Some(world) = World::new(on) else { return };
    world.ok(&["--safe"]);
    world.change(1, Change::Merge);
    assert_eq!(world.branches().len(), 1);
    let told = world.ok(&["--safe"]);
    // Not each forge says where a request is that is open no more.
    let address = if on == On::Codearts { String::new() } else { format!(" {}", world.url(1)) };
    assert_eq!(told, format!("{SAFE}: deleted (nothing is left to fix){address}\n"));
    let pulls = world.pulls();
    assert_eq!((world.branches().len(), pulls.len()), (0, 1));
    assert!(pulls[0].merged && pulls[0].comments.is_empty(), "{pulls:?}");
    assert_eq!(world.ok(&["--safe"]), "");
    // What comes after it is a request of its own.
    world.commit("deploy/more.yaml", &more("more"));
    assert_eq!(world.ok(&["--safe"]), format!("{SAFE}: opened {}\n", world.url(2)));
}

fn what_a_person_closed_stays_closed(on: On) {
    let Some(world) = World::new(on) else { return };
    world.ok(&["--safe"]);
    world.change(1, Change::Close);
    let told = world.ok(&["--safe"]);
    assert!(told.starts_with("cce-fix/main/safe: left (a request for these fixes was closed"), "{told}");
    // Lines that move are the same fixes.
    world.commit("deploy/web.yaml", &format!("# the shop\n{DEPLOYMENT}"));
    assert!(world.ok(&["--safe"]).contains(": left (a request for these fixes was closed"));
    assert_eq!(world.pulls().len(), 1);
    assert!(world.ok(&["--safe", "--recreate"]).contains(": opened "));
    assert_eq!(world.pulls().len(), 2);
    // Other fixes are another question.
    world.change(2, Change::Close);
    world.commit("deploy/more.yaml", &more("more"));
    assert!(world.ok(&["--safe"]).contains(": opened "));
}

fn commits_of_others_are_never_pushed_over(on: On) {
    let Some(world) = World::new(on) else { return };
    world.ok(&["--safe"]);
    // Our own commit that somebody changed is theirs as well.
    world.commit_to(SAFE, &["--amend", "--no-edit"]);
    let theirs = world.branches();
    world.commit("deploy/more.yaml", &more("more"));
    for _ in 0..2 {
        assert!(world.ok(&["--safe"]).contains(": left (its branch has commits by others)"));
        let pulls = world.pulls();
        assert_eq!(
            (world.branches(), &*pulls[0].state, pulls[0].comments.len()),
            (theirs.clone(), "open", 1)
        );
    }
    // Nor is their work thrown away when nothing is left to fix.
    world.commit_to(SAFE, &["--message", "mine"]);
    let theirs = world.branches();
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
}

fn a_branch_of_others_without_a_request_is_theirs(on: On) {
    let Some(world) = World::new(on) else { return };
    world.git("person", &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{SAFE}")]);
    let theirs = world.branches();
    let ran = world.run(&["--safe"]);
    assert_eq!((ran.code, world.branches(), world.pulls().len()), (Some(2), theirs.clone(), 0), "{ran:?}");
    assert!(ran.stdout.contains("the branch has commits by others and no request"), "{ran:?}");
    // Nothing to fix, and it stays nevertheless.
    world.commit("deploy/web.yaml", "a: 1\n");
    assert_eq!((world.ok(&[]), world.branches()), (String::new(), theirs));
}

fn what_people_did_to_a_request_stays(on: On) {
    let Some(world) = World::new(on) else { return };
    world.ok(&["--safe"]);
    // A label that was taken off.
    world.change(1, Change::Labels(&["mine"]));
    world.commit("deploy/more.yaml", &more("more"));
    assert!(world.ok(&["--safe"]).contains(": updated "));
    let body = world.pulls()[0].body.clone();
    assert_eq!(world.pulls()[0].labels, ["mine"]);
    // The label that stops us, another base, another text; each time there is something to push.
    world.git("person", &["push", "--quiet", "origin", "HEAD:refs/heads/other"]);
    world.commit("deploy/again.yaml", &more("again"));
    for (change, back, why) in [
        (Change::Labels(&["cce-fix:stop"]), Change::Labels(&[]), "it has the label cce-fix:stop"),
        (Change::Base("other"), Change::Base("main"), "it was given another base"),
        (Change::Body("mine"), Change::Body(&body), "its text was written anew"),
    ] {
        world.change(1, change);
        let taken_over = world.state();
        assert!(world.ok(&["--safe"]).contains(&format!(": left ({why})")), "{why}");
        assert_eq!(world.state(), taken_over, "{why}");
        world.change(1, back);
    }
    assert!(world.ok(&["--safe"]).contains(": updated "));
}

fn the_limit_holds(on: On) {
    let Some(world) = World::new(on) else { return };
    let told = world.ok(&["--max-open", "1"]);
    assert!(told.contains("review: left (as many requests are open as --max-open allows)"), "{told}");
    assert_eq!((world.pulls().len(), world.branches().len()), (1, 1));
    // One that is closed makes room.
    world.commit("deploy/web.yaml", &format!("{}\n# by hand\n", fixed(&world, SAFE)));
    let told = world.ok(&["--max-open", "1"]);
    assert!(told.contains("safe: closed") && told.contains("review: opened"), "{told}");
}

fn each_way_to_group_has_its_branches(on: On) {
    let Some(world) = World::new(on) else { return };
    world.folder.write(
        "person/[a]/job.yaml",
        DEPLOYMENT.replace("apps/v1", "batch/v1").replace("Deployment", "Job").as_bytes(),
    );
    world.push();
    let branches = |how: &str| -> Vec<String> {
        world.ok(&["--group-by", how, "--safe", "--max-open", "100"]);
        let branches = world.branches().into_keys();
        let open: Vec<Pull> = world.pulls().into_iter().filter(|pull| pull.state == "open").collect();
        let branches: Vec<String> = branches.map(|name| name.replace("cce-fix/main/", "")).collect();
        assert_eq!(open.len(), branches.len(), "{how}");
        branches
    };
    // Pods and Jobs have requests of their own, and requests of another way are closed.
    assert_eq!(branches("level"), ["recreate-safe", "safe"]);
    let changed = world.bare(&["diff", "--name-only", "main", "cce-fix/main/recreate-safe"]);
    assert_eq!(changed, "[a]/job.yaml");
    assert_eq!(branches("none"), ["all", "recreate-all"]);
    let closed = world.pulls().into_iter().filter(|pull| pull.state == "closed");
    let told: Vec<String> = closed.flat_map(|pull| pull.comments).collect();
    assert!(told.len() == 2 && told.iter().all(|text| text.contains("in another way")), "{told:?}");
    let folders = branches("directory");
    assert_eq!(folders.len(), 2, "{folders:?}");
    assert!(folders[0].starts_with("deploy-safe") && folders[1].starts_with("recreate--a--"), "{folders:?}");
    let transforms = branches("transform");
    assert!(
        ["seccomp-profile-safe", "recreate-seccomp-profile-safe", "allow-privilege-escalation-safe"]
            .iter()
            .all(|name| transforms.iter().any(|branch| branch == name)),
        "{transforms:?}"
    );
    let one = world.bare(&["diff", "main", "cce-fix/main/seccomp-profile-safe"]);
    assert!(
        one.contains("+          type: RuntimeDefault") && !one.contains("allowPrivilegeEscalation"),
        "{one}"
    );
}

fn two_runs_at_once_make_one_request(on: On) {
    let Some(world) = World::new(on) else { return };
    for folder in ["second", "third"] {
        world.git(".", &["clone", "--quiet", &world.remote(), folder]);
    }
    thread::scope(|scope| {
        let run = |folder| {
            let world = &world;
            scope.spawn(move || Ran::of(world.program(folder).arg("--safe"), b""))
        };
        for ran in ["clone", "second", "third"].map(run).map(|run| run.join().unwrap()) {
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert!(ran.stdout.contains(&world.url(1)), "{ran:?}");
        }
    });
    let pulls = world.pulls();
    assert_eq!((pulls.len(), &*pulls[0].labels), (1, &["cce-fix".to_owned()][..]));
    world.is_settled(&["--safe"]);
}

fn remarks_on_lines_are_made_once(on: On) {
    let Some(world) = World::new(on) else { return };
    // What needs no look has none; and where there are none, that is said to whom asks for them.
    let is_known = !matches!(on, On::Gitcode | On::Codearts);
    let ran = world.run(&["--review-comments"]);
    assert_eq!((ran.code, ran.stderr.is_empty()), (Some(0), is_known), "{ran:?}");
    assert_eq!(world.remarks(1), []);
    let remarks = world.remarks(2);
    if !is_known {
        assert_eq!((remarks, ran.stderr.contains("there are none on this forge")), (Vec::new(), true));
        return;
    }
    assert!(!remarks.is_empty());
    let fixed = fixed(&world, REVIEW);
    let lines: Vec<&str> = fixed.lines().collect();
    for Inline { path, last, text, .. } in &remarks {
        // On a line that the request adds, which is one of what the remark is about.
        assert!(path == "deploy/web.yaml" && !DEPLOYMENT.contains(lines[last - 1]), "{last}: {text}");
        assert!(text.contains("What may happen") && text.contains("`cce-fix/ignore.ID: "), "{text}");
    }
    let all: String = remarks.iter().map(|remark| &*remark.text).collect();
    assert!(all.contains("- **read-only-root-filesystem**, "), "{all}");
    match on {
        On::Github => assert!(all.contains("\n```suggestion\n```\n"), "{all}"),
        On::Gitlab => assert!(all.contains("\n```suggestion:-"), "{all}"),
        _ => assert!(all.contains("take it back alone, remove lines "), "{all}"),
    }
    // The second run has nothing to say, nor has one that must look what was said.
    world.is_settled(&["--review-comments"]);
    world.is_settled(&[]);
    assert_eq!(world.remarks(2), remarks);
    let body = world.pulls()[1].body.clone();
    let (text, marker) = body.rsplit_once("<!--").unwrap();
    let start = marker.find(",\"lines\"").unwrap();
    let end = start + marker[start..].find(']').unwrap() + 1;
    let forgotten = format!("{text}<!--{}{}", &marker[..start], &marker[end..]);
    world.change(2, Change::Body(&forgotten));
    assert!(world.ok(&["--review-comments"]).contains("review: updated"));
    assert_eq!((world.remarks(2), &world.pulls()[1].body), (remarks.clone(), &body));
    // Lines that move are the same; others get theirs.
    world.commit("deploy/web.yaml", &format!("# the shop\n{DEPLOYMENT}"));
    world.commit("deploy/more.yaml", &more("more"));
    world.ok(&["--review-comments"]);
    let more: Vec<Inline> =
        world.remarks(2).into_iter().filter(|remark| remark.path != "deploy/web.yaml").collect();
    assert_eq!(more.len(), remarks.len(), "{more:?}");
    assert_eq!(world.remarks(2).len(), 2 * remarks.len());
    world.is_settled(&["--review-comments"]);
}

fn a_list_of_repositories_needs_no_clone(on: On) {
    let Some(world) = World::new(on) else { return };
    let missing = world.remote().replace("/shop", "/gone");
    let list = format!("# ours\n{}\n{missing}\n{}\n", world.remote(), world.remote());
    world.folder.write("list", list.as_bytes());
    let run =
        |share: &str| Ran::of(world.program(".").args(["--repos", "list", "--safe", "--share", share]), b"");
    let ran = run("0/2");
    let told = format!("{}: {SAFE}: opened {}\n", world.remote(), world.url(1));
    ran.expect(0, &told, "1 repository: 1 as they should be, 0 not\n");
    run("1/2").expect(2, "", &format!("error: {missing}: "));
    let told = told.replace("opened", "left (up to date)");
    Ran::of(world.program(".").args(["--repos", "list", "--safe"]), b"").expect(
        2,
        &told,
        "1 as they should be, 1 not",
    );
    assert_eq!(world.pulls().len(), 1);
    // A clone comes to the same commit.
    world.is_settled(&["--safe"]);
    world.folder.write("none", b"# nothing yet\n");
    let ran = Ran::of(world.program(".").args(["--repos", "none"]), b"");
    ran.expect(2, "", "error: none names no repository; it has an address in each line");
}

/// A detached head, a shallow clone, a work tree in the middle of something, submodules and LFS.
fn clones_of_all_kinds_will_do(on: On) {
    let Some(world) = World::new(on) else { return };
    world.folder.write("person/.gitattributes", b"*.bin filter=lfs diff=lfs merge=lfs -text\n");
    world
        .folder
        .write("person/a.bin", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n");
    world.folder.write("person/.gitmodules", b"[submodule \"sub\"]\n\tpath = sub\n\turl = ../sub.git\n");
    let commit = world.git("person", &["rev-parse", "HEAD"]);
    world.git("person", &["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]);
    world.folder.write("person/sub/.keep", b"");
    std::fs::remove_file(world.folder.path().join("person/sub/.keep")).unwrap();
    world.push();
    world.git(".", &["clone", "--quiet", "--depth", "1", "--no-local", &world.remote(), "shallow"]);
    world.git("shallow", &["checkout", "--quiet", "--detach"]);
    world.folder.write("shallow/deploy/web.yaml", b"in: [the middle\n");
    world.folder.write("shallow/staged.yaml", DEPLOYMENT.as_bytes());
    world.git("shallow", &["add", "staged.yaml"]);
    let before = world.git("shallow", &["status", "--porcelain=v2", "--branch"]);
    let run = || Ran::of(world.program("shallow/deploy").arg("--safe"), b"");
    let note = "note: deploy/web.yaml: what is not committed in your work tree is in no request\n";
    let told = format!("{SAFE}: opened {}\n", world.url(1));
    assert_eq!(run().expect(0, &told, "").stderr, note);
    assert_eq!(world.git("shallow", &["status", "--porcelain=v2", "--branch"]), before);
    assert_eq!(world.bare(&["diff", "--name-only", "main", SAFE]), "deploy/web.yaml");
    let first = world.branches();
    run().expect(0, &told.replace("opened", "left (up to date)"), note);
    // The whole clone comes to the same commit, and so does one in which nothing is yet.
    world.is_settled(&["--safe"]);
    assert_eq!(world.branches(), first);
    world.git(".", &["init", "--quiet", "--initial-branch=unborn", "unborn"]);
    world.git("unborn", &["remote", "add", "origin", &world.remote()]);
    let ran = Ran::of(world.program("unborn").arg("--safe"), b"");
    ran.expect(0, &told.replace("opened", "left (up to date)"), "");
}

fn the_configuration_decides(on: On) {
    let Some(world) = World::new(on) else { return };
    world.commit(".cce-fix.yaml", "safe: true\npr: {group-by: none, draft: false}\n");
    assert_eq!(world.ok(&[]), format!("cce-fix/main/all: opened {}\n", world.url(1)));
    assert!(world.pulls()[0].title.starts_with("Harden 1 Kubernetes manifest: all"), "{:?}", world.pulls());
    // A flag beats it, and a file that is named takes its place.
    assert!(world.ok(&["--dry-run", "--group-by", "level"]).contains(&format!("{SAFE}: would be opened")));
    world.folder.write("clone/own.yaml", b"select: [seccomp-profile]\n");
    let told = world.ok(&["--dry-run", "--config", "own.yaml"]);
    assert!(told.contains(&format!("{SAFE}: would be opened")) && !told.contains(REVIEW), "{told}");
    // The repository chooses neither who gets the token nor which one that is.
    world.folder.write("clone/.cce-fix.yaml", b"pr: {forge: gitea}\n");
    let mut command = world.command(env!("CARGO_BIN_EXE_cce-fix"), "clone");
    let from = world.proxy.watch().asked.len();
    Ran::of(command.arg("pr"), b"").expect(2, "", "the token in `GITEA_TOKEN` is not sent to 127.0.0.1");
    assert_eq!(world.asked(from), [""; 0]);
    // The user does.
    let own = format!("pr: {{forge: gitea, api-url: '{}'}}\n", world.api().replace("127.0.0.1", "localhost"));
    world.folder.write("clone/own.yaml", own.as_bytes());
    let mut command = world.command(env!("CARGO_BIN_EXE_cce-fix"), "clone");
    let ran = Ran::of(command.args(["pr", "--dry-run", "--config", "own.yaml"]), b"");
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    world.folder.write("clone/.cce-fix.yaml", b"pr: {api-url: 'https://127.0.0.1.example.com/api/v1'}\n");
    let mut command = world.command(env!("CARGO_BIN_EXE_cce-fix"), "clone");
    Ran::of(command.args(["pr", "--forge", "gitea"]), b"").expect(
        2,
        "",
        "is not on the remote's host 127.0.0.1",
    );
    world.commit(".cce-fix.yaml", "pr: {group-by: levels}\n");
    world.folder.write("clone/.cce-fix.yaml", b"");
    assert!(world.run(&[]).stderr.contains(".cce-fix.yaml:1:"), "{:?}", world.run(&[]));
}

/// The numbers of the requests that change something, beginning with one that does not.
fn steps(world: &World) -> Vec<usize> {
    let watch = world.proxy.watch();
    let changes = |line: &str| !line.starts_with("GET ") && !line.ends_with("git-upload-pack");
    let steps = watch.asked.iter().enumerate().filter(|(_, line)| changes(line)).map(|(number, _)| number);
    std::iter::once(0).chain(steps).collect()
}

/// One request, with remarks on lines where the forge takes them.
const ONE: [&str; 3] = ["--select", "read-only-root-filesystem", "--review-comments"];

/// Killed, or refused anything more, when any request that changes something was done, the next run comes to the same
/// end.
#[test]
fn a_run_that_is_ended_is_finished_by_the_next() {
    for on in [On::Ours, On::Github, On::Gitlab, On::Gitcode, On::Codearts] {
        let Some(whole) = World::new(on) else { return };
        assert_eq!(whole.run(&ONE).code, Some(0));
        let steps = steps(&whole);
        assert!(steps.len() >= 4, "{steps:?}");
        for from in steps {
            let world = World::new(on).unwrap();
            if on == On::Ours && from % 2 == 1 {
                world.proxy.watch().fault = Some((from, Fault::RefuseAfter));
                assert_eq!(world.run(&ONE).code, Some(2), "{from}");
                world.proxy.watch().fault = None;
            } else {
                assert!(world.is_killed_at(from, &ONE), "{on:?} {from}");
            }
            assert_eq!(world.run(&ONE).code, Some(0), "{on:?} {from}");
            assert_eq!(told(&world), told(&whole), "{on:?} {from}");
        }
    }
}

/// The same where the program is killed with all that it started, and git's requests count too.
#[test]
fn a_run_that_is_killed_is_finished_by_the_next() {
    let Some(whole) = World::new(On::Gitea) else { return };
    let before = whole.proxy.watch().asked.len();
    whole.ok(&["--safe"]);
    let steps = steps(&whole).into_iter().filter(|step| *step >= before).map(|step| step - before);
    let steps: Vec<usize> = std::iter::once(0).chain(steps).collect();
    assert_eq!(steps.len(), 6, "the push, the request, two of labels and the text");
    for number in steps {
        let world = World::new(On::Gitea).unwrap();
        assert!(world.is_killed_at(number, &["--safe"]), "{number}");
        world.ok(&["--safe"]);
        assert_eq!(told(&world), told(&whole), "{number}");
    }
}

/// What requests are like, apart from commits, which differ with the time of their base.
fn told(world: &World) -> Vec<Pull> {
    let strip = |pull: Pull| Pull {
        body: pull.body.split("<!-- cce-fix:1").next().unwrap_or_default().to_owned(),
        ..pull
    };
    world.pulls().into_iter().map(strip).collect()
}

/// What only a real forge refuses, each in its own words.
#[test]
fn what_the_forge_refuses_is_told() {
    let Some(world) = World::new(On::Gitea) else { return };
    let (server, path) = world.server().unwrap();
    let run = |token: &str| Ran::of(world.program("clone").arg("--safe").env("GITEA_TOKEN", token), b"");
    // A token that may read, and one that may write and open no request.
    let weak = server.token_for("read:repository,read:user").unwrap();
    let ran = run(&weak);
    assert!(ran.code == Some(2) && ran.stderr.contains("error: ") && !ran.stderr.contains(&weak), "{ran:?}");
    let weak = server.token_for("read:user").unwrap();
    run(&weak).expect(2, "", "does not allow this to the token");
    assert_eq!(world.state(), (std::collections::BTreeMap::new(), Vec::new()));
    // Our branches are protected against everybody.
    let rule = serde_json::json!({"rule_name": "cce-fix/**", "enable_push": false});
    server.api("POST", &format!("/repos/{path}/branch_protections"), Some(&rule));
    let ran = run(world.token());
    ran.expect(2, "", &format!("error: {SAFE}: the remote refuses the push to `{SAFE}`"));
    server.api("DELETE", &format!("/repos/{path}/branch_protections/cce-fix%2F**"), None);
    // An archived repository takes nothing.
    server.api("PATCH", &format!("/repos/{path}"), Some(&serde_json::json!({"archived": true})));
    let ran = run(world.token());
    assert!(ran.code == Some(2) && ran.stderr.contains("archived"), "{ran:?}");
    server.api("PATCH", &format!("/repos/{path}"), Some(&serde_json::json!({"archived": false})));
    assert_eq!(world.pulls(), []);
    world.ok(&["--safe"]);
}

/// What reviewers see is what was meant, names that would be something else included.
#[test]
fn the_forge_renders_a_body_as_meant() {
    let Some(world) = World::new(On::Gitea) else { return };
    world.commit("deploy/<img src=x onerror=a()> | [a](b).yaml", &more("more"));
    world.ok(&[]);
    let (server, path) = world.server().unwrap();
    for pull in world.pulls() {
        let asked = serde_json::json!({"Text": pull.body, "Mode": "comment", "Context": path});
        let (status, html) = server.ask("POST", "/markdown", Some(&asked));
        assert_eq!(status, 200, "{html}");
        let rows = pull.body.lines().filter(|line| line.starts_with("| `")).count();
        assert!(rows >= 4, "{}", pull.body);
        assert_eq!(html.matches("<tr>").count(), rows + 1, "{html}");
        assert_eq!(html.matches("<table>").count(), 1, "{html}");
        assert_eq!(html.matches("<h3").count(), pull.body.matches("\n### ").count(), "{html}");
        // The name is text in a cell of its own, and what is remembered is not to be seen.
        assert!(
            html.contains("<td><code>deploy/&lt;img src=x onerror=a()&gt; | [a](b).yaml</code></td>"),
            "{html}"
        );
        assert!(!html.contains("<img") && !html.contains("cce-fix:1"), "{html}");
    }
}

fn what_is_wrong_is_named_and_tokens_are_not(on: On) {
    let Some(world) = World::new(on) else { return };
    let run = |args: &[&str], token: &str| {
        let mut command = world.command(env!("CARGO_BIN_EXE_cce-fix"), "clone");
        Ran::of(command.env("GITEA_TOKEN", token).args(["pr"]).args(args), b"")
    };
    let url = format!("{}/api/v1", world.proxy.address);
    let api = ["--forge", "gitea", "--api-url", &url];
    let token = world.token();
    run(&[], token).expect(2, "", "name it by `--forge`");
    run(&["--forge", "gitea"], "").expect(2, "", "set the variable `GITEA_TOKEN`");
    let with = |args: &[&'static str]| run(&[&api[..], args].concat(), token);
    with(&["--base", "gone"]).expect(2, "", "no branch `gone`; name the base by `--base`");
    with(&["--remote", "up"]).expect(2, "", "no remote `up`; name another one by `--remote`");
    run(&["--forge", "gitea", "--api-url", "http://example.com"], token).expect(
        2,
        "",
        "begin with `https://`",
    );
    let ran = run(&api, "another-token");
    assert!(
        ran.code == Some(2)
            && ran.stderr.contains("does not accept the token")
            && !ran.stderr.contains("another-token"),
        "{ran:?}"
    );
    // No repository, and one in which nothing is.
    let outside = Ran::of(world.program("tmp").arg("--safe"), b"");
    outside.expect(2, "", "is in no git repository");
    if let Some(empty) = World::empty(on) {
        empty.git(".", &["clone", "--quiet", &empty.remote(), "clone"]);
        empty.run(&[]).expect(2, "", "the remote has no commit yet; push a first one");
    }
    // What is no forge, and what is none at all.
    run(&["--forge", "gitea", "--api-url", &url.replace("http:", "https:")], token).expect(2, "", "error: ");
    run(&["--forge", "gitea", "--api-url", &url.replace("/api/v1", "/api/v2")], token).expect(
        2,
        "",
        "`--api-url`",
    );
    // Nothing is half done.
    assert_eq!(world.state(), (std::collections::BTreeMap::new(), Vec::new()));
}
