//! A forge on loopback that speaks as much of Gitea's API as the bot asks for, and keeps what it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::{Value, json};

/// A request as the forge keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pull {
    pub(crate) head: String,
    pub(crate) base: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) state: String,
    pub(crate) merged: bool,
    pub(crate) labels: Vec<usize>,
    pub(crate) comments: Vec<String>,
}

/// What the forge holds, and how it behaves.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) pulls: Vec<Pull>,
    pub(crate) labels: Vec<String>,
    /// Method and path of each request that it got.
    pub(crate) asked: Vec<String>,
    /// From which request on it fails, and whether it does what it is told before it fails the first time.
    pub(crate) fails: Option<(usize, bool)>,
}

/// The forge.
pub(crate) struct Forge {
    pub(crate) address: String,
    content: Arc<Mutex<Content>>,
}

pub(crate) const TOKEN: &str = "0123456789abcdef";
const REPOSITORY: &str = "/api/v1/repos/team/shop";

impl Forge {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/api/v1", listener.local_addr().unwrap());
        let content = Arc::new(Mutex::new(Content::default()));
        let shared = Arc::clone(&content);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream.unwrap(), &shared));
            }
        });
        Self { address, content }
    }

    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap()
    }
}

fn serve(mut stream: TcpStream, content: &Mutex<Content>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let (status, answer) = if lower.contains(&format!("\r\nauthorization: token {TOKEN}\r\n")) {
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let mut content = content.lock().unwrap();
        let number = content.asked.len();
        content.asked.push(format!("{method} {path}"));
        match content.fails {
            Some((from, does)) if number >= from => {
                if does && number == from {
                    answer(&mut content, method, path, &body);
                }
                (400, json!({"message": "it fails"}))
            }
            _ => answer(&mut content, method, path, &body),
        }
    } else {
        (401, json!({"message": "who is it?"}))
    };
    let answer = answer.to_string();
    let length = answer.len();
    let head = format!("HTTP/1.1 {status} said\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    // Who was ended does not listen.
    let _ = stream.write_all(format!("{head}{answer}").as_bytes());
}

fn answer(content: &mut Content, method: &str, path: &str, body: &Value) -> (u16, Value) {
    if path == "/api/v1/user" {
        return (200, json!({"login": "bot"}));
    }
    let Some(path) = path.strip_prefix(REPOSITORY) else { return (404, json!({"message": "not found"})) };
    let path = path.split('?').next().unwrap();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    match (method, &*parts) {
        ("GET", ["pulls"]) => {
            let all = (1..=content.pulls.len()).rev().map(|number| shown(content, number)).collect();
            (200, Value::Array(all))
        }
        ("POST", ["pulls"]) => {
            let (head, base) = (text("head").unwrap(), text("base").unwrap());
            let is_same = |pull: &Pull| pull.head == head && pull.base == base && pull.state == "open";
            if content.pulls.iter().any(is_same) {
                return (409, json!({"message": "pull request already exists for these targets"}));
            }
            let (title, body) = (text("title").unwrap(), text("body").unwrap());
            content.pulls.push(Pull { head, base, title, body, state: "open".to_owned(), ..Pull::default() });
            (201, shown(content, content.pulls.len()))
        }
        ("PATCH", ["pulls", number]) => {
            let number: usize = number.parse().unwrap();
            let pull = &mut content.pulls[number - 1];
            for (field, key) in
                [(&mut pull.title, "title"), (&mut pull.body, "body"), (&mut pull.state, "state")]
            {
                *field = text(key).unwrap_or_else(|| field.clone());
            }
            (201, shown(content, number))
        }
        ("GET", ["labels"]) => (200, labels(content, 0..content.labels.len())),
        ("POST", ["labels"]) => {
            content.labels.push(text("name").unwrap());
            (201, labels(content, content.labels.len() - 1..content.labels.len())[0].clone())
        }
        ("POST", ["issues", number, "labels"]) => {
            let number: usize = number.parse().unwrap();
            let ids: Vec<usize> = body["labels"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| usize::try_from(id.as_u64().unwrap()).unwrap())
                .collect();
            content.pulls[number - 1].labels.extend(ids);
            content.pulls[number - 1].labels.dedup();
            (200, json!([]))
        }
        ("GET", ["issues", number, "comments"]) => {
            let pull = &content.pulls[number.parse::<usize>().unwrap() - 1];
            (200, pull.comments.iter().map(|text| json!({"body": text})).collect())
        }
        ("POST", ["issues", number, "comments"]) => {
            content.pulls[number.parse::<usize>().unwrap() - 1].comments.push(text("body").unwrap());
            (201, json!({}))
        }
        _ => (404, json!({"message": "not found"})),
    }
}

fn labels(content: &Content, ids: impl IntoIterator<Item = usize>) -> Value {
    ids.into_iter().map(|id| json!({"id": id, "name": content.labels[id]})).collect()
}

fn shown(content: &Content, number: usize) -> Value {
    let pull = &content.pulls[number - 1];
    let side = |branch: &str| json!({"label": branch, "ref": branch, "repo_id": 1});
    json!({
        "number": number,
        "html_url": format!("https://forge.example.com/team/shop/pulls/{number}"),
        "state": pull.state,
        "merged": pull.merged,
        "title": pull.title,
        "body": pull.body,
        "labels": labels(content, pull.labels.iter().copied()),
        "head": side(&pull.head),
        "base": side(&pull.base),
    })
}
