//! A forge on loopback that speaks as much of Gitea's API as the bot asks for, and keeps what it is told.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::world::{Change, Pull};

/// A request as the forge keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kept {
    head: String,
    base: String,
    title: String,
    body: String,
    state: String,
    merged: bool,
    labels: Vec<usize>,
    comments: Vec<String>,
}

/// What the forge holds of one repository.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pulls: Vec<Kept>,
    labels: Vec<String>,
}

/// The forge.
pub(crate) struct Forge {
    /// Host and port.
    pub(crate) address: String,
    repositories: Repositories,
}

type Repositories = Arc<Mutex<BTreeMap<String, Content>>>;

pub(crate) const TOKEN: &str = "0123456789abcdef";
const ROOT: &str = "/api/v1/repos/team/";

impl Forge {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let repositories = Repositories::default();
        let shared = Arc::clone(&repositories);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream.unwrap(), &shared));
            }
        });
        Self { address, repositories }
    }

    /// All requests with all that is on them, in the order of their numbers.
    pub(crate) fn pulls(&self, repository: &str) -> Vec<Pull> {
        let repositories = self.repositories.lock().unwrap();
        let Some(Content { pulls, labels }) = repositories.get(repository) else { return Vec::new() };
        let shown = |(index, pull): (usize, &Kept)| Pull {
            number: index + 1,
            head: pull.head.clone(),
            base: pull.base.clone(),
            title: pull.title.clone(),
            body: pull.body.clone(),
            state: pull.state.clone(),
            merged: pull.merged,
            labels: pull.labels.iter().map(|id| labels[*id].clone()).collect(),
            comments: pull.comments.clone(),
        };
        pulls.iter().enumerate().map(shown).collect()
    }

    /// What a person does to a request. The merge itself is for git.
    pub(crate) fn change(&self, repository: &str, number: usize, change: Change<'_>) {
        let mut repositories = self.repositories.lock().unwrap();
        let Content { pulls, labels } = repositories.get_mut(repository).unwrap();
        let pull = &mut pulls[number - 1];
        match change {
            Change::Close => "closed".clone_into(&mut pull.state),
            Change::Merge => {
                "closed".clone_into(&mut pull.state);
                pull.merged = true;
            }
            Change::Base(base) => base.clone_into(&mut pull.base),
            Change::Body(body) => body.clone_into(&mut pull.body),
            Change::Labels(names) => {
                let id = |name: &&str| {
                    labels.iter().position(|label| label == name).unwrap_or_else(|| {
                        labels.push((*name).to_owned());
                        labels.len() - 1
                    })
                };
                pull.labels = names.iter().map(id).collect();
            }
        }
    }
}

fn serve(mut stream: TcpStream, repositories: &Mutex<BTreeMap<String, Content>>) {
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
        answer(&mut repositories.lock().unwrap(), method, path, &body)
    } else {
        (401, json!({"message": "who is it?"}))
    };
    let answer = answer.to_string();
    let length = answer.len();
    let head = format!("HTTP/1.1 {status} said\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    // Who was ended does not listen.
    let _ = stream.write_all(format!("{head}{answer}").as_bytes());
}

fn answer(
    repositories: &mut BTreeMap<String, Content>,
    method: &str,
    path: &str,
    body: &Value,
) -> (u16, Value) {
    if path == "/api/v1/user" {
        return (200, json!({"login": "bot"}));
    }
    let Some(path) = path.strip_prefix(ROOT) else { return (404, json!({"message": "not found"})) };
    let path = path.split('?').next().unwrap();
    let (repository, path) = path.split_once('/').unwrap();
    let content = repositories.entry(repository.to_owned()).or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    match (method, &*parts) {
        ("GET", ["pulls"]) => {
            let numbers = (1..=content.pulls.len()).rev();
            (200, numbers.map(|number| shown(content, repository, number)).collect())
        }
        ("POST", ["pulls"]) => {
            let (head, base) = (text("head").unwrap(), text("base").unwrap());
            let is_same = |pull: &Kept| pull.head == head && pull.base == base && pull.state == "open";
            if content.pulls.iter().any(is_same) {
                return (409, json!({"message": "pull request already exists for these targets"}));
            }
            let (title, body) = (text("title").unwrap(), text("body").unwrap());
            content.pulls.push(Kept { head, base, title, body, state: "open".to_owned(), ..Kept::default() });
            (201, shown(content, repository, content.pulls.len()))
        }
        ("PATCH", ["pulls", number]) => {
            let number: usize = number.parse().unwrap();
            let pull = &mut content.pulls[number - 1];
            for (field, key) in
                [(&mut pull.title, "title"), (&mut pull.body, "body"), (&mut pull.state, "state")]
            {
                *field = text(key).unwrap_or_else(|| field.clone());
            }
            (201, shown(content, repository, number))
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

fn shown(content: &Content, repository: &str, number: usize) -> Value {
    let pull = &content.pulls[number - 1];
    let side = |branch: &str| json!({"label": branch, "ref": branch, "repo_id": 1});
    json!({
        "number": number,
        "html_url": format!("https://forge.example.com/team/{repository}/pulls/{number}"),
        "state": pull.state,
        "merged": pull.merged,
        "title": pull.title,
        "body": pull.body,
        "labels": labels(content, pull.labels.iter().copied()),
        "head": side(&pull.head),
        "base": side(&pull.base),
    })
}
