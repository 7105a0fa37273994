//! A real Gitea on loopback, with all that it keeps in a temporary folder.
//!
//! It is built once from its Go modules, which `tests/gitea` names, and kept outside of the repository; that takes
//! some ten minutes. Where it cannot be had, tests say so on stderr and try nothing on it; with
//! `CCE_FIX_REQUIRE_FORGE` set they fail instead. It ends with the tests: a shell waits for the end of a pipe that
//! only they hold.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::forges::server::undrafted;
use super::world::{Change, Inline, Pull};
use crate::common::{Ran, not_tried, repository};
use crate::judges::cache;

/// As `tests/gitea/go.mod` has it.
const VERSION: &str = "1.26.0";
/// The account that tests work with.
pub(crate) const USER: &str = "team";

/// A server that runs until the tests end.
pub(crate) struct Server {
    folder: PathBuf,
    pub(crate) address: String,
    pub(crate) token: String,
    home: PathBuf,
    /// Holds the pipe.
    process: Option<Child>,
}

/// The server, where it can be had; started when the first test asks for it.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            let started = program().and_then(|home| Server::start(&home));
            started
                .map_err(|why| {
                    assert!(std::env::var_os("CCE_FIX_REQUIRE_FORGE").is_none(), "{why}");
                    not_tried(&format!("cce-fix pr on a real Gitea: {why}"));
                })
                .ok()
        })
        .as_ref()
}

/// The folder with the program and what it reads.
fn program() -> Result<PathBuf, String> {
    let home = cache().join(format!("gitea-{VERSION}"));
    if home.is_dir() {
        return Ok(home);
    }
    let sources = repository().join("tests/gitea");
    fs::create_dir_all(cache()).unwrap();
    let fresh = tempfile::Builder::new().prefix("building").tempdir_in(cache()).unwrap();
    let go = |args: &[&str]| {
        let ran = Command::new("go").args(args).current_dir(&sources).output();
        let ran = ran.map_err(|error| format!("`go` cannot be run: {error}"))?;
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        if ran.status.success() { Ok(ran.stdout) } else { Err(format!("`go {}` failed: {said}", args[0])) }
    };
    let built = fresh.path().join("gitea");
    let version = format!("-s -w -X main.Version={VERSION}");
    let tags = "sqlite sqlite_unlock_notify";
    let output = built.to_str().unwrap();
    go(&[
        "build",
        "-mod=readonly",
        "-trimpath",
        "-ldflags",
        &version,
        "-tags",
        tags,
        "-o",
        output,
        "code.gitea.io/gitea",
    ])?;
    let module = go(&["list", "-m", "-f", "{{.Dir}}", "code.gitea.io/gitea"])?;
    let module = PathBuf::from(String::from_utf8(module).unwrap().trim());
    for name in ["options", "templates", "public"] {
        copy(&module.join(name), &fresh.path().join(name));
    }
    // As a whole or not at all, since another run may build at the same time.
    if fs::rename(fresh.path(), &home).is_err() && !home.is_dir() {
        return Err(format!("{} cannot be made", home.display()));
    }
    Ok(home)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).into_iter().flatten() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &to) } else { fs::write(to, fs::read(&path).unwrap()).unwrap() }
    }
}

impl Server {
    fn start(home: &Path) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("cce-fix-gitea-").tempdir().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("http://127.0.0.1:{port}");
        let configuration = folder.join("app.ini");
        fs::create_dir_all(folder.join("home")).unwrap();
        fs::write(&configuration, settings(home, &folder, port)).unwrap();
        let mut server = Self { folder, home: home.to_owned(), address, token: String::new(), process: None };
        server.run(&["migrate"])?;
        let mail = format!("{USER}@example.com");
        let user = ["admin", "user", "create", "--admin", "--username", USER, "--email", &mail];
        server.run(&[&user[..], &["--random-password", "--must-change-password=false"]].concat())?;
        server.token = server.token_for("all")?;
        let web = server.command(&["web"]);
        let script = "folder=$1; shift; \"$@\" < /dev/null > \"$folder/log\" 2>&1 & pid=$!; \
                      cat > /dev/null; kill -KILL $pid; wait; rm -rf \"$folder\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(&server.folder).arg(web.get_program()).args(web.get_args());
        shell.env("GITEA_WORK_DIR", &server.folder).env("HOME", server.folder.join("home"));
        let process = shell.stdin(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        server.process = Some(process);
        let patience = Instant::now() + Duration::from_secs(90);
        while ureq::get(format!("{}/api/v1/version", server.address)).call().is_err() {
            if Instant::now() > patience {
                let log = fs::read_to_string(server.folder.join("log")).unwrap_or_default();
                return Err(format!("Gitea does not start: {log}"));
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(server)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.home.join("gitea"));
        command.arg("--config").arg(self.folder.join("app.ini")).args(args);
        command.env("GITEA_WORK_DIR", &self.folder).env("HOME", self.folder.join("home"));
        command
    }

    fn run(&self, args: &[&str]) -> Result<String, String> {
        let ran = Ran::of(&mut self.command(args), b"");
        if ran.code == Some(0) { Ok(ran.stdout) } else { Err(format!("gitea {args:?}: {ran:?}")) }
    }

    /// A token that allows these things.
    pub(crate) fn token_for(&self, scopes: &str) -> Result<String, String> {
        let token = ["admin", "user", "generate-access-token", "--username", USER, "--raw"];
        let name = scopes.replace([':', ','], "-");
        let said = self.run(&[&token[..], &["--token-name", &name, "--scopes", scopes]].concat())?;
        // Lines of the log come before it.
        let is_token = |line: &&str| line.len() == 40 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
        said.lines().find(is_token).map(str::to_owned).ok_or(said)
    }

    /// Asks the API.
    #[track_caller]
    pub(crate) fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, text) = self.ask(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The same, whatever the answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        let agent: ureq::Agent = config.into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.address))
            .header("Authorization", format!("token {}", self.token))
            .header("Content-Type", "application/json");
        let text = body.map(Value::to_string).unwrap_or_default();
        let mut answer = if body.is_some() {
            agent.run(request.body(text).unwrap()).unwrap()
        } else {
            agent.run(request.body(()).unwrap()).unwrap()
        };
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// A repository of its own for one test.
    pub(crate) fn repository(&'static self, is_empty: bool) -> Repository {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let name = format!("shop-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        // It takes the server a while to see that one is no longer empty.
        let new = json!({"name": name, "default_branch": "main", "auto_init": !is_empty});
        self.api("POST", "/user/repos", Some(&new));
        Repository { server: self, name }
    }
}

/// Loopback only, no mail, nothing that asks the network, no work in the background but what requests need.
fn settings(home: &Path, folder: &Path, port: u16) -> String {
    let (home, folder) = (home.display(), folder.display());
    let user = Ran::of(Command::new("id").arg("-un"), b"").stdout;
    format!(
        "APP_NAME = forge
RUN_MODE = prod
RUN_USER = {user}
WORK_PATH = {folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {home}
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = {folder}/forge.db
[security]
INSTALL_LOCK = true
SECRET_KEY = of-a-test-that-nobody-reaches
PASSWORD_HASH_ALGO = pbkdf2_v1
[service]
DISABLE_REGISTRATION = true
[repository]
ROOT = {folder}/repositories
DEFAULT_BRANCH = main
[git]
HOME_PATH = {folder}/home
[mailer]
ENABLED = false
[actions]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[cron]
ENABLED = false
[cron.update_checker]
ENABLED = false
[log]
MODE = console
LEVEL = Error
"
    )
}

/// A repository on the server.
pub(crate) struct Repository {
    pub(crate) server: &'static Server,
    pub(crate) name: String,
}

impl Repository {
    /// Its path in addresses.
    pub(crate) fn path(&self) -> String {
        format!("{USER}/{}", self.name)
    }

    /// Where the server keeps it.
    pub(crate) fn bare(&self) -> PathBuf {
        self.server.folder.join(format!("repositories/{}.git", self.path()))
    }

    #[track_caller]
    pub(crate) fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.server.api(method, &format!("/repos/{}{path}", self.path()), body)
    }

    /// All requests with all that is on them, in the order of their numbers.
    pub(crate) fn pulls(&self) -> Vec<Pull> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let listed = self.api("GET", "/pulls?state=all&limit=50", None);
        let mut pulls: Vec<Pull> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|pull| {
                let number = usize::try_from(pull["number"].as_u64().unwrap()).unwrap();
                let comments = self.api("GET", &format!("/issues/{number}/comments"), None);
                let labels = pull["labels"].as_array().into_iter().flatten();
                let (title, is_draft) = undrafted(&text(&pull["title"]), "WIP: ");
                Pull {
                    number,
                    head: text(&pull["head"]["label"]),
                    base: text(&pull["base"]["label"]),
                    title,
                    is_draft,
                    body: text(&pull["body"]),
                    state: text(&pull["state"]),
                    merged: pull["merged"].as_bool().unwrap(),
                    labels: labels.map(|label| text(&label["name"])).collect(),
                    comments: comments
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|comment| text(&comment["body"]))
                        .collect(),
                    remarks: Vec::new(),
                }
            })
            .collect();
        pulls.sort_by_key(|pull| pull.number);
        pulls
    }

    /// The comments on lines of a request. The line is read in what the server shows of the change, up to it.
    pub(crate) fn remarks(&self, number: usize) -> Vec<Inline> {
        let reviews = self.api("GET", &format!("/pulls/{number}/reviews"), None);
        let of_review = |review: &Value| {
            let path = format!("/pulls/{number}/reviews/{}/comments", review["id"]);
            self.api("GET", &path, None).as_array().unwrap().clone()
        };
        let remark = |comment: Value| {
            let text = |name: &str| comment[name].as_str().unwrap().to_owned();
            let last = usize::try_from(comment["position"].as_u64().unwrap()).unwrap();
            assert!(!text("diff_hunk").is_empty(), "{comment}");
            Inline { path: text("path"), first: last, last, text: text("body") }
        };
        let mut remarks: Vec<Inline> =
            reviews.as_array().unwrap().iter().flat_map(of_review).map(remark).collect();
        remarks.sort_by(|one, other| (&one.path, one.last).cmp(&(&other.path, other.last)));
        remarks
    }

    /// What a person does to a request.
    pub(crate) fn change(&self, number: usize, change: Change<'_>) {
        let path = format!("/pulls/{number}");
        match change {
            Change::Close => drop(self.api("PATCH", &path, Some(&json!({"state": "closed"})))),
            Change::Base(base) => drop(self.api("PATCH", &path, Some(&json!({"base": base})))),
            Change::Body(body) => drop(self.api("PATCH", &path, Some(&json!({"body": body})))),
            Change::Labels(names) => {
                let known = self.api("GET", "/labels?limit=50", None);
                let id = |name: &&str| {
                    let known = known.as_array().unwrap().iter().find(|label| label["name"] == **name);
                    let new = json!({"name": name, "color": "#ff0000"});
                    known.map_or_else(|| self.api("POST", "/labels", Some(&new)), Clone::clone)["id"].clone()
                };
                let ids: Vec<Value> = names.iter().map(id).collect();
                self.api("PUT", &format!("/issues/{number}/labels"), Some(&json!({"labels": ids})));
            }
            Change::Merge => {
                // Until the server has found out whether it can be merged, it says that it cannot.
                let patience = Instant::now() + Duration::from_secs(30);
                let merge = || {
                    let path = format!("/repos/{}{path}/merge", self.path());
                    self.server.ask("POST", &path, Some(&json!({"Do": "merge"})))
                };
                while let (405, text) = merge() {
                    assert!(Instant::now() < patience, "{text}");
                    thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }
}
