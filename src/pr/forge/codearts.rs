//! `CodeArts` Repo of Huawei Cloud, by its API of version 4, and by older ones where that has no answer.

use std::cell::OnceCell;

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::http::escaped;
use super::{Access, Client, Forge, ForgeError, NewRequest, Request, State, undrafted};

/// What the title of a draft starts with.
const DRAFT: &str = "WIP: ";
/// All that is taken for that.
const DRAFTS: &[&str] = &["WIP:", "[WIP]"];
/// The entries of a page; there may be no more.
const PAGE: usize = 100;
/// What the text of each request of ours has, and what is searched for.
const OURS: &str = "cce-fix:1";

/// A repository of `CodeArts` Repo.
#[derive(Debug)]
pub struct Codearts {
    client: Client,
    group: String,
    name: String,
    /// Its number, once it was asked for.
    number: OnceCell<u64>,
}

/// What the older versions answer, with status 200 for errors too.
#[derive(Deserialize)]
struct Old<T> {
    result: Option<T>,
    error: Option<Value>,
}

/// A request in a list of version 4, which has no text.
#[derive(Deserialize)]
struct Listed {
    iid: u64,
    title: String,
    source_branch: String,
    target_branch: String,
    #[serde(default)]
    source_repository_id: Option<u64>,
    #[serde(default)]
    web_url: Option<String>,
    #[serde(default)]
    labels: Option<Vec<Value>>,
}

/// Requests in a list of version 2, which have neither labels nor addresses.
#[derive(Deserialize)]
struct Found {
    merge_requests: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    /// A whole number, which is described as one with a fraction.
    iid: f64,
    title: String,
    state: String,
    source_branch: String,
    target_branch: String,
    #[serde(default)]
    description: Option<String>,
}

/// What is said of a request that was opened.
#[derive(Deserialize)]
struct Opened {
    iid: u64,
    #[serde(default)]
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct Discussion {
    #[serde(default)]
    notes: Option<Vec<Note>>,
}

#[derive(Deserialize)]
struct Note {
    #[serde(default)]
    body: Option<String>,
}

impl Codearts {
    /// The repository, with the API of the region that its address names, unless `access` names another place.
    pub fn new(access: &Access<'_>) -> Result<Self, ForgeError> {
        let address = access.address;
        let api = match access.api {
            Some(api) => api.to_owned(),
            None => usual_api(&address.host).ok_or_else(|| ForgeError::NoApi(address.host.clone()))?,
        };
        let client = Client::new(&api, access, "X-Auth-Token", "")?.needing(
            "its user needs to read the repository, and to create, update and comment on merge requests; tokens of \
             IAM end after a day",
        );
        let (group, name) = (address.owner.clone(), address.name.clone());
        Ok(Self { client, group, name, number: OnceCell::new() })
    }

    /// The number of the repository.
    fn number(&self) -> Result<u64, ForgeError> {
        if let Some(number) = self.number.get() {
            return Ok(*number);
        }
        let (group, name) = (escaped(&self.group), escaped(&self.name));
        let path = format!("/v1/repositories/repoid?group_name={group}&repository_name={name}");
        let answer: Old<u64> = self.client.get(&path)?;
        let number = self.result(answer)?;
        Ok(*self.number.get_or_init(|| number))
    }

    fn result<T>(&self, answer: Old<T>) -> Result<T, ForgeError> {
        answer.result.ok_or_else(|| match answer.error {
            Some(error) => self.client.unclear(&error.to_string()),
            None => self.client.missing(&format!("{}/{}", self.group, self.name)),
        })
    }

    fn path(&self, rest: &str) -> Result<String, ForgeError> {
        Ok(format!("/v4/repositories/{}/merge-requests{rest}", self.number()?))
    }

    fn change(&self, request: &Request, body: &Value) -> Result<(), ForgeError> {
        self.client.change(&Method::PUT, &self.path(&format!("/{}", request.number))?, body)
    }

    /// All requests with a text of ours, open or not.
    fn ours(&self) -> Result<Vec<Text>, ForgeError> {
        let path = format!("/v2/repositories/{}/merge_request?state=all", self.number()?);
        let mut all = Vec::new();
        loop {
            let page = all.len() / PAGE + 1;
            let search = escaped(OURS);
            let answer: Old<Found> =
                self.client.get(&format!("{path}&search={search}&per_page={PAGE}&page={page}"))?;
            let mut found = self.result(answer)?.merge_requests;
            let is_last = found.len() < PAGE;
            all.append(&mut found);
            if is_last {
                return Ok(all);
            }
        }
    }
}

/// The API of the region that the host of a clone's address names.
fn usual_api(host: &str) -> Option<String> {
    let is_region = |label: &&str| {
        let mut parts = label.split('-');
        let (area, number) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or_default());
        area.len() == 2 && parts.next().is_some() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let region = host.split('.').find(is_region)?;
    // Named in https://support.huaweicloud.com/intl/api-codeartsrepo/codeartsrepo_05_0001.html, for each region.
    let service = match region {
        "la-south-2" | "tr-west-1" => "codeartsrepo-ext",
        "me-east-1" | "af-south-1" | "af-north-1" => "repo",
        _ => "codehub-ext",
    };
    Some(format!("https://{service}.{region}.myhuaweicloud.com"))
}

impl Forge for Codearts {
    fn requests(&self, heads: &[&str]) -> Result<Vec<Request>, ForgeError> {
        // Not more than one branch can be asked for. Of the open requests each counts, also where a person wrote the
        // text anew; of the others those alone that say what they were for.
        let number = self.number()?;
        let path = self.path("?state=opened&order_by=created_at&sort=desc")?;
        let mut open: Vec<Listed> = self.client.full_slices(&path, PAGE)?;
        open.retain(|request| {
            heads.contains(&request.source_branch.as_str())
                && request.source_repository_id.is_none_or(|source| source == number)
        });
        let mut requests: Vec<Request> = open.into_iter().map(listed).collect();
        for text in self.ours()? {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "numbers from one on"
            )]
            let number = text.iid as u64;
            if let Some(request) = requests.iter_mut().find(|request| request.number == number) {
                request.body = text.description.unwrap_or_default();
            } else if text.state != "opened" && heads.contains(&text.source_branch.as_str()) {
                requests.push(closed(number, text));
            }
        }
        requests.sort_by_key(|request| std::cmp::Reverse(request.number));
        Ok(requests)
    }

    fn open(&self, new: &NewRequest<'_>) -> Result<Request, ForgeError> {
        let NewRequest { head, base, title, body, is_draft } = new;
        let mark = if *is_draft { DRAFT } else { "" };
        let wanted = json!({
            "title": format!("{mark}{title}"),
            "source_branch": head,
            "target_branch": base,
            "description": body,
        });
        match self.client.post::<Opened>(&self.path("")?, &wanted) {
            Ok(opened) => Ok(Request::opened(opened.iid, opened.web_url.unwrap_or_default(), new)),
            Err(error) => Err(error.or_exists()),
        }
    }

    fn label(&self, request: &Request, labels: &[&str]) -> Result<(), ForgeError> {
        // They are set as a whole.
        let mut all: Vec<&str> = request.labels.iter().map(String::as_str).collect();
        all.extend(labels.iter().filter(|label| !request.labels.iter().any(|has| has == **label)));
        self.change(request, &json!({"labels": all.join(",")}))
    }

    fn write(&self, request: &Request, title: &str, body: &str) -> Result<(), ForgeError> {
        let mark = if request.is_draft { DRAFT } else { "" };
        self.change(request, &json!({"title": format!("{mark}{title}"), "description": body}))
    }

    fn comments(&self, request: &Request) -> Result<Vec<String>, ForgeError> {
        let path = self.path(&format!("/{}/discussions?sort=asc", request.number))?;
        let discussions: Vec<Discussion> = self.client.full_slices(&path, PAGE)?;
        let notes = discussions.into_iter().filter_map(|discussion| discussion.notes).flatten();
        Ok(notes.filter_map(|note| note.body).collect())
    }

    fn comment(&self, request: &Request, text: &str) -> Result<(), ForgeError> {
        let path = self.path(&format!("/{}/discussions", request.number))?;
        self.client.change(&Method::POST, &path, &json!({"body": text}))
    }

    fn close(&self, request: &Request) -> Result<(), ForgeError> {
        self.change(request, &json!({"state_event": "close"}))
    }

    fn room(&self) -> usize {
        // Its pages name no number; this is GitHub's.
        58_000
    }

    fn git_user(&self) -> Option<&'static str> {
        // Git is let in by a password or a token of another kind.
        None
    }
}

/// An open request, of which the text is not known yet.
fn listed(listed: Listed) -> Request {
    let (title, is_draft) = undrafted(&listed.title, DRAFTS);
    let name = |label: Value| {
        let name = ["name", "title"].iter().find_map(|key| label.get(key)?.as_str());
        name.or_else(|| label.as_str()).map(str::to_owned)
    };
    Request {
        number: listed.iid,
        url: listed.web_url.unwrap_or_default(),
        state: State::Open,
        head: listed.source_branch,
        base: listed.target_branch,
        title: title.to_owned(),
        is_draft,
        body: String::new(),
        labels: listed.labels.unwrap_or_default().into_iter().filter_map(name).collect(),
    }
}

/// A request that is open no more, of which neither labels nor address are known.
fn closed(number: u64, text: Text) -> Request {
    let (title, is_draft) = undrafted(&text.title, DRAFTS);
    Request {
        number,
        url: String::new(),
        state: if text.state == "merged" { State::Merged } else { State::Closed },
        head: text.source_branch,
        base: text.target_branch,
        title: title.to_owned(),
        is_draft,
        body: text.description.unwrap_or_default(),
        labels: Vec::new(),
    }
}
