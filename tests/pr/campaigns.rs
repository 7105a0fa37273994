//! Sixty repositories, by the files in `examples/campaign`: by an engine for many repositories, and by the shares of
//! an Indexed Job at once.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use super::world::{DEPLOYMENT, On, Pull, World};
use crate::api_server::Server;
use crate::common::{Folder, Ran, not_tried, repository};
use crate::reports::clients::{client, from_pypi};

const ALL_REPOS: &str = "1.33.0";
const CHECK_JSONSCHEMA: &str = "0.39.0";
const REPOSITORIES: usize = 60;
/// Of those that take no request: what is refused to us is said by git.
const REFUSING: [(usize, &str); 4] = [
    (7, "this repository is archived"),
    (19, "branch is protected"),
    (31, "this repository is archived"),
    (43, "branch is protected"),
];
const EMPTY: [usize; 2] = [11, 59];

fn name(number: usize) -> String {
    format!("repository-{number}")
}

fn address(number: usize) -> String {
    format!("git@127.0.0.1:team/{}.git", name(number))
}

fn is_sound(number: usize) -> bool {
    !EMPTY.contains(&number) && REFUSING.iter().all(|(refusing, _)| *refusing != number)
}

/// A forge with sixty repositories.
fn world() -> Option<World> {
    let world = World::new(On::Ours)?;
    for number in 0..REPOSITORIES {
        let bare = format!("host/team/{}.git", name(number));
        if EMPTY.contains(&number) {
            world.git(".", &["init", "--quiet", "--bare", "--initial-branch=main", "--template=", &bare]);
            continue;
        }
        world.git(".", &["clone", "--quiet", "--bare", "--template=", "host/team/shop.git", &bare]);
        if let Some((_, words)) = REFUSING.iter().find(|(refusing, _)| *refusing == number) {
            let hook = format!("#!/bin/sh\necho '{words}' >&2\nexit 1\n");
            world.folder.write(&format!("{bare}/hooks/pre-receive"), hook.as_bytes());
            world.folder.succeed("chmod", &["+x", &format!("{bare}/hooks/pre-receive")], b"");
        }
    }
    Some(world)
}

/// What each repository has: its branches, and its requests.
fn state(world: &World) -> Vec<(String, Vec<Pull>)> {
    let one = |number| {
        let bare = format!("host/team/{}.git", name(number));
        let args = ["for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/cce-fix"];
        (world.git(&bare, &args), world.pulls_of(&name(number)))
    };
    (0..REPOSITORIES).map(one).collect()
}

/// Each sound one has its request, once, and the others have nothing.
#[track_caller]
fn all_are_done(world: &World) {
    for (number, (branches, pulls)) in state(world).iter().enumerate() {
        let expected = usize::from(is_sound(number));
        assert_eq!((branches.lines().count(), pulls.len()), (expected, expected), "{number}");
        for pull in pulls {
            assert_eq!((&*pull.state, &*pull.labels), ("open", &["cce-fix".to_owned()][..]), "{number}");
        }
    }
}

#[track_caller]
fn all_failures_are_told(told: &str) {
    for (number, words) in REFUSING.into_iter().chain(EMPTY.map(|number| (number, "has no commit yet"))) {
        let is_told = told.lines().any(|line| line.contains(&address(number)) && line.contains(words));
        assert!(is_told, "{number}: {words}\n{told}");
    }
    assert_eq!(told.matches("error: ").count(), REFUSING.len() + EMPTY.len(), "{told}");
}

/// The Job as its file has it.
fn job() -> Value {
    let text = fs::read_to_string(repository().join("examples/campaign/kubernetes/job.yaml")).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

/// What a pod of the Job is started with, as the cluster would fill it in.
fn pod_args(share: usize) -> Vec<String> {
    let job = job();
    assert_eq!((&job["spec"]["completionMode"], &job["spec"]["completions"]), (&"Indexed".into(), &6.into()));
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["command"], json!(["cce-fix"]));
    let args = container["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap());
    args.map(|arg| {
        arg.replace("$(JOB_COMPLETION_INDEX)", &share.to_string())
            .replace("/etc/cce-fix/repositories", "list")
    })
    .collect()
}

fn pod(world: &World, share: usize) -> Command {
    use std::os::unix::process::CommandExt as _;

    let mut command = world.command(env!("CARGO_BIN_EXE_cce-fix"), ".");
    command.args(pod_args(share)).arg("--sleep=0").process_group(0);
    command.arg(format!("--api-url={}/api/v1", world.proxy.address));
    command
}

#[test]
fn six_shares_at_once_look_after_sixty_repositories() {
    let Some(world) = world() else { return };
    let list: Vec<String> = (0..REPOSITORIES).map(address).collect();
    world.folder.write("list", list.join("\n").as_bytes());
    let all = || {
        thread::scope(|scope| {
            let run = |share| {
                let world = &world;
                scope.spawn(move || Ran::of(&mut pod(world, share), b""))
            };
            let runs: Vec<_> = (0..6).map(run).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<Ran>>()
        })
    };
    // One is ended half-way, with all that it started.
    let mut half: Child = pod(&world, 2).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(half.stdout.take().unwrap()).lines();
    assert!((0..4).all(|_| lines.next().is_some()));
    world.folder.succeed("kill", &["-KILL", "--", &format!("-{}", half.id())], b"");
    half.wait().unwrap();
    let ran = all();
    let told: String = ran.iter().map(|ran| &*ran.stderr).collect();
    all_failures_are_told(&told);
    for (share, ran) in ran.iter().enumerate() {
        let is_sound = (share..REPOSITORIES).step_by(6).all(is_sound);
        assert_eq!(ran.code, Some(if is_sound { 0 } else { 2 }), "{ran:?}");
    }
    all_are_done(&world);
    // Nothing is left to do.
    let before = state(&world);
    let from = world.proxy.watch().asked.len();
    all_failures_are_told(&all().iter().map(|ran| &*ran.stderr).collect::<String>());
    let asked = world.asked(from);
    assert!(asked.iter().all(|line| line.starts_with("GET ")), "{asked:?}");
    assert!(asked.len() <= 3 * REPOSITORIES, "{}", asked.len());
    assert_eq!(state(&world), before);
}

#[test]
fn all_repos_looks_after_sixty_repositories() {
    let programs = client("all-repos", &format!("all-repos-{ALL_REPOS}"), "bin/ready", |home| {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(home);
        let mut pip = Command::new(home.join("bin/python"));
        pip.args(["-m", "pip", "install", "-q", &format!("all-repos=={ALL_REPOS}")]);
        let mut ready = Command::new("cp");
        ready.arg(home.join("bin/all-repos-clone")).arg(home.join("bin/ready"));
        vec![venv, pip, ready]
    });
    let (Some(ready), Some(world)) = (programs, world()) else { return };
    let programs = ready.parent().unwrap();
    examples(&world);
    let files = repository().join("examples/campaign/all-repos");
    let mut config: Value = serde_json::from_slice(&fs::read(files.join("all-repos.json")).unwrap()).unwrap();
    let arguments = config["push_settings"]["arguments"].as_array_mut().unwrap();
    arguments.extend(["--sleep=0".into(), format!("--api-url={}/api/v1", world.proxy.address).into()]);
    let list: serde_json::Map<String, Value> =
        (0..REPOSITORIES).map(|number| (format!("team/{}", name(number)), address(number).into())).collect();
    world.folder.write("edited/all-repos.json", config.to_string().as_bytes());
    world.folder.write("edited/repositories.json", Value::from(list).to_string().as_bytes());
    let run = |script: &str| {
        let mut command = shell(&world, &[programs], &format!("{script} --color never"));
        nobody(&mut command);
        let ran = Ran::of(command.env("PIP_NO_INDEX", "1").env("PIP_DISABLE_PIP_VERSION_CHECK", "1"), b"");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran
    };
    // As it stands on the page, for five at first.
    let page = commands("pip install all-repos\n");
    let whole = page.trim_end().strip_suffix(" --limit 5").unwrap();
    run(page.trim_end());
    let opened = state(&world).iter().filter(|(_, pulls)| !pulls.is_empty()).count();
    assert!((1..=5).contains(&opened), "{opened}");
    // Then for all; those that are empty cannot be cloned, which is told there.
    let errors = |ran: &Ran| ran.stdout.matches("***Errored").count();
    let again = |folder: &str| {
        let (_, line) = whole.rsplit_once('\n').unwrap();
        run(&format!("cd {folder}\n{line}"))
    };
    let ran = again("examples/campaign/all-repos");
    assert_eq!(errors(&ran), REFUSING.len() + EMPTY.len(), "{ran:?}");
    for (_, words) in REFUSING {
        assert_eq!(ran.stderr.matches(words).count(), 2, "{ran:?}");
    }
    all_are_done(&world);
    let before = state(&world);
    let from = world.proxy.watch().asked.len();
    assert_eq!(errors(&again("examples/campaign/all-repos")), REFUSING.len() + EMPTY.len());
    assert!(world.asked(from).iter().all(|line| line.starts_with("GET ")));
    assert_eq!(state(&world), before);
}

/// The commands of the block of `docs/campaigns.md` that begins so.
fn commands(start: &str) -> String {
    let page = fs::read_to_string(repository().join("docs/campaigns.md")).unwrap();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.into_iter().find(|block| block.starts_with(start)).unwrap()
}

/// The files for campaigns, in the folder of the world, and an editor that puts there what is in `edited`.
fn examples(world: &World) {
    for path in [
        "all-repos/all-repos.json",
        "all-repos/repositories.json",
        "all-repos/cce_fix_push.py",
        "all-repos/cce_fix_everywhere.py",
        "kubernetes/job.yaml",
    ] {
        let path = format!("examples/campaign/{path}");
        world.folder.write(&path, &fs::read(repository().join(&path)).unwrap());
    }
    let edited = world.folder.path().join("edited");
    program(
        world,
        "edit",
        &format!("for file; do cp '{}'/\"$file\" \"$file\" || exit 1; done", edited.display()),
    );
}

/// A script among the programs of the world.
fn program(world: &World, name: &str, script: &str) {
    world.folder.write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n").as_bytes());
    world.folder.succeed("chmod", &["+x", &format!("bin/{name}")], b"");
}

/// A shell that ends with the first command that fails, as a person would, with `programs` before all others.
fn shell(world: &World, programs: &[&Path], script: &str) -> Command {
    let cce_fix = Path::new(env!("CARGO_BIN_EXE_cce-fix")).parent().unwrap();
    let old = std::env::var_os("PATH").unwrap_or_default();
    let path = [world.folder.path().join("bin")].into_iter().chain(programs.iter().map(PathBuf::from));
    let path = path.chain([cce_fix.to_owned()]).chain(std::env::split_paths(&old));
    let mut command = world.command("sh", ".");
    command.args(["-ec", script]).env("PATH", std::env::join_paths(path).unwrap()).env("EDITOR", "edit");
    command
}

/// On a machine where git was told of nobody, and does not make a name up.
fn nobody(command: &mut Command) {
    for who in ["AUTHOR", "COMMITTER"] {
        command.env_remove(format!("GIT_{who}_NAME")).env_remove(format!("GIT_{who}_EMAIL"));
    }
    command.env("GIT_CONFIG_COUNT", "1");
    command.env("GIT_CONFIG_KEY_0", "user.useConfigOnly").env("GIT_CONFIG_VALUE_0", "true");
}

/// A real API server, where kubectl is there to be used with it.
fn cluster() -> Option<Server> {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        not_tried("kubectl: it is not on the PATH, so what a Job is made by is looked at, and not run");
        return None;
    }
    Server::start()
}

/// kubectl and a real API server make of the commands for a Job what is meant. Without them, the commands name files
/// that are there. The pods' command is run above.
#[test]
fn the_commands_for_a_job_are_followed() {
    let Some(world) = World::new(On::Ours) else { return };
    examples(&world);
    world
        .folder
        .write("edited/job.yaml", &world.folder.read("examples/campaign/kubernetes/job.yaml").into_bytes());
    let list = format!("{}\n", world.remote());
    world.folder.write("edited/repositories", list.as_bytes());
    let script = commands("cd examples/campaign/kubernetes\n");
    let Some(mut server) = cluster() else { return only_named(&world, &script) };
    let kubeconfig = world.folder.path().join("kubeconfig");
    server.write_kubeconfig(&kubeconfig);
    let run = |script: &str| {
        let mut command = shell(&world, &[], script);
        command.env("KUBECONFIG", &kubeconfig).env("HOME", world.folder.path().join("tmp"));
        let ran = Ran::of(&mut command, b"");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran
    };
    let ran = run(&script);
    let [secret, map, job_made] = ran.stdout.lines().collect::<Vec<_>>()[..] else { panic!("{ran:?}") };
    assert_eq!((secret, map), ("secret/cce-fix created", "configmap/cce-fix created"));
    assert!(job_made.starts_with("job.batch/cce-fix-campaign-") && job_made.ends_with(" created"), "{ran:?}");
    // Nothing runs pods here.
    assert!(ran.stderr.contains("No resources found in default namespace."), "{ran:?}");
    let of =
        |what: &str, path: &str| run(&format!("kubectl get {what} -o go-template='{{{{{path}}}}}'")).stdout;
    assert_eq!(of("secret cce-fix", ".data.token | base64decode"), world.token());
    assert_eq!(of("configmap cce-fix", ".data.repositories"), list);
    let jobs: Value = serde_json::from_str(&run("kubectl get jobs -o json").stdout).unwrap();
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1, "{jobs}");
    holds(&jobs["items"][0], &job());
    // Another week.
    run("kubectl create -f examples/campaign/kubernetes/job.yaml");
    server.stop();
}

/// All that `part` says is in `whole`, which may say more.
#[track_caller]
fn holds(whole: &Value, part: &Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().for_each(|(key, value)| holds(whole.get(key).unwrap_or(&Value::Null), value));
        }
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len());
            whole.iter().zip(part).for_each(|(whole, part)| holds(whole, part));
        }
        _ => assert_eq!(whole, part),
    }
}

/// The commands in place of which others stand that look at their files alone.
fn only_named(world: &World, script: &str) {
    let kubectl = "echo \"$1 $2\" >> \"$LOG\"\nfor word; do case $word in --from-file=*) test -r \"${word##*=}\" ;; *.yaml) \
                   test -f \"$word\" ;; esac || exit 1; done";
    program(world, "kubectl", kubectl);
    let log = world.folder.path().join("log");
    let ran = Ran::of(shell(world, &[], script).env("LOG", &log), b"");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(fs::read_to_string(log).unwrap(), "create secret\ncreate configmap\ncreate -f\nlogs -l\n");
}

/// The image that the page makes is the one that is asked for, its program is where it is taken from, its user is the
/// Job's, and it starts no program that a pipeline's shell would have to get past.
#[test]
fn the_image_is_what_a_job_and_schedules_ask_for() {
    let text = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let path = "examples/campaign/kubernetes/Dockerfile";
    let build = commands("cargo xtask release\n");
    let words: Vec<&str> = build.lines().nth(1).unwrap().split_whitespace().collect();
    let ["docker", "build", "-t", image, "-f", file, "target/dist"] = words[..] else { panic!("{words:?}") };
    assert_eq!(file, path);
    let container = &job()["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], image);
    for file in ["github.yaml", "gitlab.yaml", "gitea.yaml"] {
        let schedule: Value = serde_yaml::from_str(&text(&format!("examples/campaign/{file}"))).unwrap();
        let named = [&schedule["jobs"]["requests"]["container"], &schedule["cce-fix"]["image"]];
        assert!(named.iter().any(|named| *named == image), "{file}");
    }
    let made = text(path);
    let of = |word: &str| made.lines().filter_map(|line| line.strip_prefix(word)).collect::<Vec<_>>();
    assert_eq!(of("COPY "), ["cce-fix /usr/local/bin/cce-fix"]);
    let context = &job()["spec"]["template"]["spec"]["securityContext"];
    assert_eq!(of("USER "), [format!("{}:{}", context["runAsUser"], context["runAsGroup"])]);
    assert_eq!(of("ENTRYPOINT "), [""; 0]);
}

/// The commands that a schedule of a forge runs.
fn scheduled(file: &str) -> String {
    let text = fs::read_to_string(repository().join("examples/campaign").join(file)).unwrap();
    let schedule: Value = serde_yaml::from_str(&text).unwrap();
    let lines = match schedule["cce-fix"]["script"].as_array() {
        Some(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n"),
        None => schedule["jobs"]["requests"]["steps"][0]["run"].as_str().unwrap().to_owned(),
    };
    assert!(lines.contains("cce-fix pr "), "{lines}");
    lines
}

#[test]
fn what_schedules_run_makes_a_request_and_then_nothing() {
    for (on, file) in [(On::Github, "github.yaml"), (On::Gitlab, "gitlab.yaml"), (On::Gitea, "gitea.yaml")] {
        let Some(world) = World::new(on) else { continue };
        let (server, path) = match world.server() {
            Some((_, path)) => (world.proxy.address.clone(), path),
            None => ("git@127.0.0.1:team".to_owned(), "shop".to_owned()),
        };
        let cce_fix = env!("CARGO_BIN_EXE_cce-fix");
        program(&world, "cce-fix", &format!("exec '{cce_fix}' \"$@\" --sleep=0 --api-url='{}'", world.api()));
        let run = || {
            let mut command = shell(&world, &[], &scheduled(file));
            command.current_dir("/");
            command.env("GITHUB_SERVER_URL", &server).env("GITHUB_REPOSITORY", &path);
            nobody(&mut command);
            let ran = Ran::of(command.env("CI_PROJECT_URL", format!("{server}/{path}")), b"");
            assert_eq!(ran.code, Some(0), "{file}: {ran:?}");
            ran.stdout
        };
        assert!(run().contains("cce-fix/main/safe: opened "), "{file}");
        let before = world.state();
        assert!(run().contains("cce-fix/main/safe: left (up to date)"), "{file}");
        assert_eq!((world.state(), before.1.len()), (before, 1), "{file}");
    }
}

#[test]
fn schedules_are_what_the_schemas_of_the_forges_ask_for() {
    let Some(programs) = from_pypi("check-jsonschema", CHECK_JSONSCHEMA) else { return };
    let workflow = ["--builtin-schema", "vendor.github-workflows"];
    let pipeline = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"];
    for (file, schema, word) in [
        ("github.yaml", &workflow[..], "runs-on"),
        ("gitea.yaml", &workflow, "steps"),
        ("gitlab.yaml", &pipeline, "script"),
    ] {
        let text = fs::read_to_string(repository().join("examples/campaign").join(file)).unwrap();
        let wrong = text.replace(&format!("{word}:"), &format!("{word}x:"));
        for (text, code) in [(&text, 0), (&wrong, 1)] {
            let folder = Folder::with(&[(file, text.as_str())]);
            let mut command = Command::new(programs.join("check-jsonschema"));
            let ran = Ran::of(command.current_dir(folder.path()).args(schema).arg(file), b"");
            assert_eq!(ran.code, Some(code), "{file}: {ran:?}");
        }
    }
}

/// The script of multi-gitter does its part; the tool itself is tried where it is.
#[test]
fn the_script_of_multi_gitter_leaves_a_change_and_a_text() {
    if Command::new("multi-gitter").arg("version").output().is_err() {
        not_tried("multi-gitter: it is not on the PATH, so its script alone is run");
    }
    let folder = Folder::with(&[("clone/web.yaml", DEPLOYMENT)]);
    let cce_fix = Path::new(env!("CARGO_BIN_EXE_cce-fix")).parent().unwrap();
    let old = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(cce_fix.to_owned()).chain(std::env::split_paths(&old));
    let mut script = Command::new(repository().join("examples/campaign/multi-gitter/fix.sh"));
    script.current_dir(folder.path().join("clone")).env("BODY", folder.path().join("body.md"));
    let ran = Ran::of(script.env("PATH", std::env::join_paths(path).unwrap()), b"");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(folder.read("clone/web.yaml").contains("allowPrivilegeEscalation: false"));
    assert!(folder.read("body.md").contains("allow-privilege-escalation"));
    let config = fs::read_to_string(repository().join("examples/campaign/multi-gitter/config.yaml")).unwrap();
    let config: Value = serde_yaml::from_str(&config).unwrap();
    assert_eq!(config["labels"], json!(["cce-fix"]));
}
