//! What happens on the way to a forge: limits, faults, proxies, certificates, tokens.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::server::TOKEN;
use crate::common::{Folder, Ran, not_tried};
use crate::pr::world::{On, World};

/// The program in the clone of a world, without its usual arguments.
fn program(world: &World) -> Command {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_cce-fix"));
    let mut command = world.command(program.to_str().unwrap(), "clone");
    for name in
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"]
    {
        command.env_remove(name);
    }
    command.args(["pr", "--forge", world.personality().name, "--sleep", "0"]);
    command
}

#[test]
fn a_forge_that_is_busy_or_ill_for_a_moment_is_waited_for() {
    let Some(world) = World::new(On::Github) else { return };
    world.forge().content().given =
        vec![("429 Too Many Requests\r\nretry-after: 1", ""), ("502 Bad Gateway", "<html>")];
    let start = Instant::now();
    assert_eq!(world.ok(&[]).matches(": opened ").count(), 2);
    assert!(start.elapsed() >= Duration::from_secs(1));
    world.is_settled(&[]);
    // What would take too long is left to the next run, with nothing half done.
    let before = world.state();
    world.commit("deploy/more.yaml", "a: 1\n");
    world.forge().content().given = vec![("403 no\r\nretry-after: 600", "")];
    let ran = world.run(&[]);
    ran.expect(2, "", "127.0.0.1 takes no more requests for 600 seconds; run again after that");
    assert_eq!(world.state(), before);
}

/// Neither in what is printed nor in what is pushed, whatever is said about it and however much is asked to be told.
#[test]
fn the_token_is_told_to_nobody() {
    for on in [On::Ours, On::Github, On::Gitlab, On::Gitcode, On::Codearts] {
        let Some(world) = World::new(on) else { return };
        // The forge repeats what it was asked.
        let mut other = program(&world);
        other.env(world.personality().variable, "another-secret").args(["--api-url", &world.api()]);
        let mut unfinished = program(&world);
        unfinished.env("RUST_LOG", "trace").args(["--api-url", "ftp://127.0.0.1"]);
        let told = [world.run(&["--json"]), Ran::of(&mut other, b""), Ran::of(&mut unfinished, b"")];
        assert_eq!(told.each_ref().map(|ran| ran.code), [Some(0), Some(2), Some(2)], "{told:?}");
        let told = format!("{told:?}");
        assert!(!told.contains(TOKEN) && !told.contains("another-secret"), "{told}");
        for pull in &world.forge().content().pulls {
            assert!(!format!("{pull:?}").contains(TOKEN));
        }
        assert!(!world.proxy.watch().asked.iter().any(|line| line.contains(TOKEN)));
        let all = world.bare(&["log", "--all", "--format=%B", "--patch"]);
        assert!(all.contains("Harden") && !all.contains(TOKEN));
    }
}

/// A proxy that notes what it is asked for, and gives nothing.
fn proxy() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let _ = sender.send(head);
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (address, receiver)
}

#[test]
fn proxies_are_used_and_see_no_token() {
    let Some(world) = World::new(On::Github) else { return };
    let (address, asked) = proxy();
    let api = ["--api-url", "https://forge.example.invalid/api/v3"];
    let ran = Ran::of(program(&world).env("HTTPS_PROXY", &address).args(api), b"");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("forge.example.invalid cannot be reached: "), "{ran:?}");
    assert!(ran.stderr.contains("the variables HTTPS_PROXY and NO_PROXY"), "{ran:?}");
    let head = asked.recv().unwrap();
    assert!(head.starts_with("CONNECT forge.example.invalid:443 HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains(TOKEN), "{head}");
    while asked.try_recv().is_ok() {}
    // What is not to be asked through it, and what stays on the machine.
    let mut direct = program(&world);
    direct.env("HTTPS_PROXY", &address).env("NO_PROXY", "other, example.invalid").args(api);
    let ran = Ran::of(&mut direct, b"");
    assert!(ran.code == Some(2) && ran.stderr.contains("cannot be reached: io: failed to lookup"), "{ran:?}");
    let here = ["--api-url", &world.api()];
    let ran =
        Ran::of(program(&world).env("HTTPS_PROXY", &address).env("HTTP_PROXY", &address).args(here), b"");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(asked.try_recv().is_err());
}

/// A server with a certificate of its own making, as long as this lives.
struct Server {
    child: Child,
    folder: Folder,
    address: String,
}

impl Server {
    /// None where there is no program for it.
    fn start() -> Option<Self> {
        let folder = Folder::new();
        let made = Command::new("openssl")
            .current_dir(folder.path())
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=forge"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .output();
        if !made.is_ok_and(|made| made.status.success()) {
            not_tried("certificates of forges: there is no openssl");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("openssl")
            .current_dir(folder.path())
            .args(["s_server", "-quiet", "-www", "-cert", "cert.pem", "-key", "key.pem"])
            .args(["-accept", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, folder, address: format!("https://127.0.0.1:{port}") };
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(server);
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("openssl does not listen at {}", server.address);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn certificates_that_nobody_vouches_for_are_refused_unless_they_are_named() {
    let (Some(world), Some(server)) = (World::new(On::Ours), Server::start()) else { return };
    let run = |args: &[&str]| Ran::of(program(&world).args(["--api-url", &server.address]).args(args), b"");
    let ran = run(&[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.starts_with("error: there is no trusting 127.0.0.1: "), "{ran:?}");
    assert!(ran.stderr.contains("by `--ca-file`"), "{ran:?}");
    // The server's page is no forge's answer, but it was asked for it.
    let file = server.folder.path().join("cert.pem");
    let ran = run(&["--ca-file", file.to_str().unwrap()]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.starts_with("error: 127.0.0.1 answers "), "{ran:?}");
    for file in ["key.pem", "gone.pem"] {
        let file = server.folder.path().join(file);
        let ran = run(&["--ca-file", file.to_str().unwrap()]);
        assert!(
            ran.code == Some(2) && ran.stderr.contains(&format!("{file:?}").replace('"', "`")),
            "{ran:?}"
        );
    }
}

#[test]
fn a_token_may_come_from_a_helper_of_git() {
    let Some(world) = World::new(On::Github) else { return };
    let run = |helper: &str| {
        let mut command = program(&world);
        command
            .env_remove("GITHUB_TOKEN")
            .env_remove("GH_TOKEN")
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "credential.https://127.0.0.1.helper")
            .env("GIT_CONFIG_VALUE_0", helper)
            .args(["--api-url", &world.api()]);
        Ran::of(&mut command, b"")
    };
    let ran = run("!f() { test \"$1\" = get && echo username=u && echo password=0123456789abcdef; }; f");
    assert_eq!((ran.code, ran.stdout.matches(": opened ").count()), (Some(0), 2), "{ran:?}");
    let ran = run("!f() { :; }; f");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let words =
        "no token for 127.0.0.1; set the variable `GH_TOKEN` or `GITHUB_TOKEN`, or have a credential helper";
    assert!(ran.stderr.contains(words), "{ran:?}");
}

#[test]
fn where_there_is_only_git_branches_are_pushed() {
    let Some(world) = World::new(On::Github) else { return };
    let run = || {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_cce-fix"));
        let mut command = world.command(program.to_str().unwrap(), "clone");
        command.env_remove("GITHUB_TOKEN").args(["pr", "--forge", "push-only", "--sleep", "0"]);
        let ran = Ran::of(&mut command, b"");
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
        ran.stdout
    };
    assert_eq!(
        run(),
        "cce-fix/main/safe: pushed (its request is for a person to open) https://127.0.0.1/team/shop\n\
         cce-fix/main/review: pushed (its request is for a person to open) https://127.0.0.1/team/shop\n"
    );
    let branches = world.branches();
    assert_eq!(branches.len(), 2);
    // The second run does nothing.
    assert_eq!(run().matches(": left (up to date)").count(), 2);
    assert_eq!(world.branches(), branches);
    // Branches follow their base, unless somebody works on them.
    world.commit_to("cce-fix/main/review", &["--message", "mine"]);
    let theirs = world.branches()["cce-fix/main/review"].clone();
    world.commit("deploy/more.yaml", "a: 1\n");
    let told = run();
    assert!(told.contains("safe: updated"), "{told}");
    assert!(told.contains("review: left (its branch has commits by others)"), "{told}");
    assert_eq!(world.branches()["cce-fix/main/review"], theirs);
    assert_ne!(world.branches()["cce-fix/main/safe"], branches["cce-fix/main/safe"]);
    // Nothing is left to fix.
    world.commit("deploy/web.yaml", "a: 1\n");
    let told = run();
    assert!(told.contains("safe: deleted (nothing is left to fix)"), "{told}");
    assert_eq!(world.branches().keys().collect::<Vec<_>>(), ["cce-fix/main/review"]);
    assert!(world.proxy.watch().asked.is_empty());
}
