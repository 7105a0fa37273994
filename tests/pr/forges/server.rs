//! A forge on loopback that keeps what it is told. It speaks as one of several (the files beside this one), and takes
//! no request that its published description does not know.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::{Value, json};

use crate::pr::world::{self, Change, Inline};

/// A request as the forge keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pull {
    pub(crate) head: String,
    pub(crate) base: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) state: String,
    pub(crate) merged: bool,
    pub(crate) is_draft: bool,
    /// Whether its branch is one of another repository.
    pub(crate) is_foreign: bool,
    pub(crate) labels: Vec<usize>,
    pub(crate) comments: Vec<String>,
    /// Those on lines.
    pub(crate) remarks: Vec<Inline>,
    /// What stands above several of them.
    pub(crate) reviews: Vec<String>,
}

/// What the forge holds, and how it behaves.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) pulls: Vec<Pull>,
    pub(crate) labels: Vec<String>,
    /// What was asked that its description does not know.
    pub(crate) unknown: Vec<String>,
    /// Head and body of answers that are given before all others, without a look at the request.
    pub(crate) given: Vec<(&'static str, &'static str)>,
}

/// A kind of forge.
#[derive(Debug)]
pub(crate) struct Personality {
    /// What it is called at the command line.
    pub(crate) name: &'static str,
    /// The variable with the token.
    pub(crate) variable: &'static str,
    /// Where its API is on its host, as it is given at the command line.
    pub(crate) api: &'static str,
    /// What each request has to have in its head; `TOKEN` stands for the token.
    pub(crate) headers: &'static [&'static str],
    pub(crate) operations: &'static [Operation],
}

/// A thing that can be asked of a forge, as far as we do. Parameters are written `name type`, or `name! type` where
/// they are required; types are those of [`fits`].
#[derive(Debug)]
pub(crate) struct Operation {
    /// Where it is described.
    pub(crate) source: &'static str,
    /// Method and path; `{number}` is a request's, other parts have to be as they are written.
    pub(crate) call: &'static str,
    pub(crate) query: &'static [&'static str],
    /// `[]` is the name of a body that is no object.
    pub(crate) body: &'static [&'static str],
    pub(crate) answer: fn(&mut Content, &Asked) -> Reply,
}

/// A request that was found to be as described.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Of the request that it is about.
    pub(crate) number: usize,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
}

/// Status, body, and the header `Link`.
pub(crate) type Reply = (u16, Value, Option<String>);

impl Asked {
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.body[key].as_str().map(str::to_owned)
    }

    /// The request that it is about.
    pub(crate) fn pull<'c>(&self, content: &'c mut Content) -> &'c mut Pull {
        &mut content.pulls[self.number - 1]
    }

    pub(crate) fn number(&self, key: &str, default: usize) -> usize {
        self.query.get(key).map_or(default, |value| value.parse().unwrap())
    }

    /// A page of all entries, with the address of the next one where the forge gives it.
    pub(crate) fn page(&self, all: &[Value], size: usize, is_linked: bool) -> Reply {
        let page = self.number("page", 1);
        let entries = entries(all, (page - 1) * size, size);
        let link = format!("<http://127.0.0.1/?page={}>; rel=\"next\"", page + 1);
        (200, entries, Some(link).filter(|_| is_linked && all.len() > page * size))
    }
}

/// The entries from `start` on, as many as a page has.
pub(crate) fn entries(all: &[Value], start: usize, size: usize) -> Value {
    Value::Array(all.iter().skip(start).take(size).cloned().collect())
}

impl Content {
    /// Opens a request, unless there is one of the same branches.
    pub(crate) fn open(&mut self, pull: Pull) -> Option<usize> {
        let is_same =
            |other: &Pull| other.head == pull.head && other.base == pull.base && other.state == "open";
        if self.pulls.iter().any(is_same) {
            return None;
        }
        self.pulls.push(Pull { state: "open".to_owned(), ..pull });
        Some(self.pulls.len())
    }

    /// All requests with all that is on them, in the order of their numbers.
    fn shown(&self) -> Vec<world::Pull> {
        let shown = |(index, pull): (usize, &Pull)| world::Pull {
            number: index + 1,
            head: pull.head.clone(),
            base: pull.base.clone(),
            title: pull.title.clone(),
            is_draft: pull.is_draft,
            body: pull.body.clone(),
            state: pull.state.clone(),
            merged: pull.merged,
            labels: self.label_names(index + 1).into_iter().map(str::to_owned).collect(),
            comments: pull.comments.clone(),
            remarks: pull.remarks.clone(),
        };
        self.pulls.iter().enumerate().map(shown).collect()
    }

    /// The numbers of the requests, the newest first.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        (1..=self.pulls.len()).rev()
    }

    /// The label of this name, which is made where it is not there.
    pub(crate) fn label(&mut self, name: &str) -> usize {
        self.labels.iter().position(|label| label == name).unwrap_or_else(|| {
            self.labels.push(name.to_owned());
            self.labels.len() - 1
        })
    }

    pub(crate) fn add_label(&mut self, number: usize, name: &str) {
        let label = self.label(name);
        let labels = &mut self.pulls[number - 1].labels;
        if !labels.contains(&label) {
            labels.push(label);
        }
    }

    pub(crate) fn label_names(&self, number: usize) -> Vec<&str> {
        self.pulls[number - 1].labels.iter().map(|label| &*self.labels[*label]).collect()
    }
}

/// Where people look at a request.
pub(crate) fn page_of(number: usize) -> String {
    format!("https://forge.example.com/team/shop/pulls/{number}")
}

/// The title without what marks a draft, and whether that was there.
pub(crate) fn undrafted(title: &str, mark: &str) -> (String, bool) {
    let plain = title.strip_prefix(mark);
    (plain.unwrap_or(title).to_owned(), plain.is_some())
}

/// The title as forges tell it that have no other mark of a draft.
pub(crate) fn drafted(pull: &Pull, mark: &str) -> String {
    format!("{}{}", if pull.is_draft { mark } else { "" }, pull.title)
}

/// The forge.
pub(crate) struct Forge {
    /// Host and port.
    pub(crate) host: String,
    /// Where its API is.
    pub(crate) address: String,
    pub(crate) personality: &'static Personality,
    content: Arc<Mutex<Content>>,
    /// Of repositories beside `team/shop`, by their names.
    others: Others,
}

type Others = Arc<Mutex<BTreeMap<String, Content>>>;

pub(crate) const TOKEN: &str = "0123456789abcdef";

impl Forge {
    pub(crate) fn start(personality: &'static Personality) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let address = format!("http://{host}{}", personality.api);
        let content = Arc::new(Mutex::new(Content::default()));
        let others = Others::default();
        let shared = (Arc::clone(&content), Arc::clone(&others));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (content, others) = shared.clone();
                thread::spawn(move || serve(stream.unwrap(), personality, &content, &others));
            }
        });
        Self { host, address, personality, content, others }
    }

    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap()
    }

    /// All requests with all that is on them, in the order of their numbers.
    pub(crate) fn pulls(&self) -> Vec<world::Pull> {
        self.content().shown()
    }

    /// Those of another repository.
    pub(crate) fn pulls_of(&self, name: &str) -> Vec<world::Pull> {
        self.others.lock().unwrap().get(name).map(Content::shown).unwrap_or_default()
    }

    /// What a person does to a request. The merge itself is for git.
    pub(crate) fn change(&self, number: usize, change: Change<'_>) {
        let mut content = self.content();
        let pull = &mut content.pulls[number - 1];
        match change {
            Change::Close => "closed".clone_into(&mut pull.state),
            Change::Merge => {
                "closed".clone_into(&mut pull.state);
                pull.merged = true;
            }
            Change::Base(base) => base.clone_into(&mut pull.base),
            Change::Body(body) => body.clone_into(&mut pull.body),
            Change::Labels(names) => {
                pull.labels.clear();
                for name in names {
                    content.add_label(number, name);
                }
            }
        }
    }
}

fn serve(
    mut stream: TcpStream,
    personality: &Personality,
    content: &Mutex<Content>,
    others: &Mutex<BTreeMap<String, Content>>,
) {
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
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    // All are described by the same one.
    let name = path.split("/team/").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or("shop");
    let path = &path.replacen(&format!("/team/{name}"), "/team/shop", 1);
    let (mut own, mut others) = (content.lock().unwrap(), others.lock().unwrap());
    let content = if name == "shop" { &mut *own } else { others.entry(name.to_owned()).or_default() };
    let (head, text) = if content.given.is_empty() {
        let (status, body, link) = answer(personality, content, (method, path, &head), &body);
        let link = link.map_or_else(String::new, |link| format!("\r\nlink: {link}"));
        (format!("{status} said{link}"), body.to_string())
    } else {
        let (head, text) = content.given.remove(0);
        (head.to_owned(), text.to_owned())
    };
    drop((own, others));
    let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
    // Who was ended does not listen.
    let _ = stream.write_all(format!("{head}{text}").as_bytes());
}

/// What the forge says to a request, if that is as described.
fn answer(
    personality: &Personality,
    content: &mut Content,
    (method, path, head): (&str, &str, &str),
    body: &[u8],
) -> Reply {
    let lower = head.to_lowercase();
    for header in personality.headers {
        let expected = format!("\r\n{}\r\n", header.replace("TOKEN", TOKEN).to_lowercase());
        if !lower.contains(&expected) && header.contains("TOKEN") {
            // As some do, it repeats what it got.
            return (401, json!({"message": format!("who is it?\n{head}")}), None);
        } else if !lower.contains(&expected) {
            return unknown(content, &format!("{method} {path}: there is no `{header}`"));
        }
    }
    match described(personality, method, path, body) {
        Ok((operation, asked)) if asked.number > content.pulls.len() => {
            (404, json!({"message": format!("no request {}: {}", asked.number, operation.source)}), None)
        }
        Ok((operation, asked)) => (operation.answer)(content, &asked),
        Err(Some(words)) => unknown(content, &format!("{method} {path}: {words}")),
        Err(None) => (404, json!({"message": "not found"}), None),
    }
}

fn unknown(content: &mut Content, words: &str) -> Reply {
    content.unknown.push(words.to_owned());
    (422, json!({"message": format!("not as described: {words}")}), None)
}

/// The operation that a request is for, or what of it is not described; nothing where it is for none.
fn described<'p>(
    personality: &'p Personality,
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<(&'p Operation, Asked), Option<String>> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let found = personality.operations.iter().find_map(|operation| {
        let (expected, template) = operation.call.split_once(' ').unwrap();
        let number = fitting(template, path).filter(|_| expected == method)?;
        Some((operation, number))
    });
    let (operation, number) = found.ok_or(None)?;
    let mut given = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| format!("`{pair}` has no value"))?;
        if given.insert(name.to_owned(), unescaped(value)).is_some() {
            return Err(Some(format!("`{name}` is there twice")));
        }
    }
    let values = given.iter().map(|(name, value)| (name.as_str(), Value::from(value.as_str())));
    check(operation.query, values.collect(), true)?;
    let body = match body {
        [] => Value::Null,
        _ => serde_json::from_slice(body).map_err(|error| format!("its body is no JSON: {error}"))?,
    };
    let fields = match &body {
        Value::Null => BTreeMap::new(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect(),
        other => BTreeMap::from([("[]", other.clone())]),
    };
    check(operation.body, fields, false)?;
    Ok((operation, Asked { number, query: given, body }))
}

/// A comment is made.
pub(crate) fn commented(content: &mut Content, asked: &Asked) -> Reply {
    asked.pull(content).comments.push(asked.text("body").unwrap());
    (201, json!({}), None)
}

/// Title, body and state of a request are written, where a draft is marked by other means.
pub(crate) fn written(content: &mut Content, asked: &Asked) -> Reply {
    let pull = asked.pull(content);
    pull.title = asked.text("title").unwrap_or_else(|| pull.title.clone());
    pull.body = asked.text("body").unwrap_or_else(|| pull.body.clone());
    pull.state = asked.text("state").unwrap_or_else(|| pull.state.clone());
    (200, json!({"number": asked.number, "title": pull.title, "body": pull.body, "state": pull.state}), None)
}

/// The same where `mark` before the title does that, the body is a description, and the state an event.
pub(crate) fn written_as_event(content: &mut Content, asked: &Asked, mark: &str) -> Reply {
    let pull = asked.pull(content);
    if let Some(title) = asked.text("title") {
        (pull.title, pull.is_draft) = undrafted(&title, mark);
    }
    pull.body = asked.text("description").unwrap_or_else(|| pull.body.clone());
    match asked.text("state_event").as_deref() {
        Some("close") => "closed".clone_into(&mut pull.state),
        Some(_) => "open".clone_into(&mut pull.state),
        None => {}
    }
    (200, json!({"iid": asked.number}), None)
}

/// Labels are added by their names.
pub(crate) fn labelled(content: &mut Content, number: usize, names: &Value) -> Reply {
    for name in names.as_array().unwrap() {
        content.add_label(number, name.as_str().unwrap());
    }
    (200, json!([]), None)
}

/// The comments of a request, on pages of `size`.
pub(crate) fn comments(content: &mut Content, asked: &Asked, (size, is_linked): (&str, bool)) -> Reply {
    let all: Vec<Value> =
        asked.pull(content).comments.iter().map(|text| json!({"id": 1, "body": text})).collect();
    asked.page(&all, asked.number(size, 30), is_linked)
}

/// The texts above several remarks on lines.
pub(crate) fn reviews(content: &mut Content, asked: &Asked, size: &str) -> Reply {
    let all: Vec<Value> =
        asked.pull(content).reviews.iter().map(|text| json!({"id": 1, "body": text})).collect();
    asked.page(&all, asked.number(size, 30), true)
}

/// Remarks on lines are made together, with these fields, of which `line` is the last line.
pub(crate) fn reviewed(content: &mut Content, asked: &Asked, fields: &[&str], line: &str) -> Reply {
    match inline(&asked.body["comments"], fields, line) {
        Ok(remarks) => {
            asked.pull(content).remarks.extend(remarks);
            asked.pull(content).reviews.push(asked.text("body").unwrap());
            (200, json!({}), None)
        }
        Err(words) => (422, json!({"message": words}), None),
    }
}

/// The remarks on lines that a request brings, if each of them is as described: with these fields, of which `line` is
/// the last line.
pub(crate) fn inline(values: &Value, described: &[&str], line: &str) -> Result<Vec<Inline>, String> {
    let one = |value: &Value| {
        let fields = value.as_object().unwrap().iter();
        check(described, fields.map(|(name, value)| (name.as_str(), value.clone())).collect(), false)?;
        let number = |name: &str| value[name].as_u64().map(|number| usize::try_from(number).unwrap());
        let text = |name: &str| value[name].as_str().unwrap().to_owned();
        let last = number(line).ok_or_else(|| format!("no {line}"))?;
        Ok(Inline {
            path: text("path"),
            first: number("start_line").unwrap_or(last),
            last,
            text: text("body"),
        })
    };
    values.as_array().unwrap().iter().map(one).collect()
}

/// The number of the request in a path, or 0, where it is as the template says.
fn fitting(template: &str, path: &str) -> Option<usize> {
    let (expected, given): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    let mut number = 0;
    for (expected, given) in expected.iter().zip(&given) {
        match *expected {
            "{number}" => number = given.parse().ok()?,
            _ if expected == given => {}
            _ => return None,
        }
    }
    (expected.len() == given.len()).then_some(number)
}

/// Looks at what is given in the light of what is described.
fn check(described: &[&str], mut given: BTreeMap<&str, Value>, is_query: bool) -> Result<(), String> {
    for field in described {
        let (name, kind) = field.split_once(' ').unwrap();
        let required = name.ends_with('!');
        let name = name.trim_end_matches('!');
        match given.remove(name) {
            None if required => return Err(format!("`{name}` is missing")),
            Some(value) if !fits(kind, &value, is_query) => {
                return Err(format!("`{name}` is no {kind}: {value}"));
            }
            _ => {}
        }
    }
    given.keys().next().map_or(Ok(()), |name| Err(format!("`{name}` is not known")))
}

/// Whether a value has a type: `text`, `number`, `truth`, `numbers`, `texts`, `object`, `objects`, a largest number `<=100`, or one
/// of several words `a|b`.
fn fits(kind: &str, value: &Value, is_query: bool) -> bool {
    let number = match value {
        Value::String(text) if is_query => text.parse().ok(),
        other => other.as_u64(),
    };
    let all = |fits: fn(&Value) -> bool| value.as_array().is_some_and(|values| values.iter().all(fits));
    match kind {
        "text" => value.is_string(),
        "number" => number.is_some(),
        "truth" => value.is_boolean(),
        "numbers" => all(Value::is_u64),
        "texts" => all(Value::is_string),
        "object" => value.is_object(),
        "objects" => all(Value::is_object),
        _ => match kind.strip_prefix("<=") {
            Some(most) => number.is_some_and(|number| (1..=most.parse().unwrap()).contains(&number)),
            None => kind.split('|').any(|word| value == word),
        },
    }
}

/// The text of a part of an address.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next().unwrap()).to_digit(16).unwrap();
        bytes.push(if byte == b'%' { u8::try_from(digit() * 16 + digit()).unwrap() } else { byte });
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_request_that_is_not_as_described_is_refused() {
    const TRIAL: Personality = Personality {
        name: "trial",
        variable: "TRIAL",
        api: "/api",
        headers: &["accept: application/json"],
        operations: &[Operation {
            source: "",
            call: "POST /api/a/{number}/b",
            query: &["state open|closed", "limit <=100"],
            body: &["title! text", "draft truth"],
            answer: |_, asked| (200, json!(asked.number), None),
        }],
    };
    let ask =
        |path: &str, body: &str| described(&TRIAL, "POST", path, body.as_bytes()).map(|(_, asked)| asked);
    let asked = ask("/api/a/7/b?state=open&limit=100", "{\"title\":\"t\",\"draft\":true}").unwrap();
    assert_eq!((asked.number, asked.number("limit", 1), asked.text("title")), (7, 100, Some("t".to_owned())));
    for (path, body, words) in [
        ("/api/a/7/b", "{}", "`title` is missing"),
        ("/api/a/7/b", "", "`title` is missing"),
        ("/api/a/7/b", "{\"title\":1}", "`title` is no text"),
        ("/api/a/7/b", "{\"title\":\"t\",\"draft\":\"no\"}", "`draft` is no truth"),
        ("/api/a/7/b", "{\"title\":\"t\",\"body\":\"b\"}", "`body` is not known"),
        ("/api/a/7/b?state=all", "{\"title\":\"t\"}", "`state` is no open|closed"),
        ("/api/a/7/b?limit=101", "{\"title\":\"t\"}", "`limit` is no <=100"),
        ("/api/a/7/b?state=open&state=open", "{\"title\":\"t\"}", "`state` is there twice"),
        ("/api/a/7/b", "title", "its body is no JSON"),
    ] {
        let error = ask(path, body).unwrap_err().unwrap();
        assert!(error.starts_with(words), "{path} {body}: {error}");
    }
    for path in ["/a/7/b", "/api/a/x/b", "/api/a/7/b/c", "/api/a/7"] {
        assert_eq!(ask(path, "{}").unwrap_err(), None, "{path}");
    }
    assert!(described(&TRIAL, "GET", "/api/a/7/b", b"").is_err());
    let mut content = Content::default();
    answer(&TRIAL, &mut content, ("POST", "/api/a/7/b", "POST\r\nAccept: text/html\r\n\r\n"), b"");
    assert_eq!(content.unknown, ["POST /api/a/7/b: there is no `accept: application/json`"]);
}
