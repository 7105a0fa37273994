//! `GitCode`, by `/api/v5`.

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::http::escaped;
use super::{Access, Client, Forge, ForgeError, NewRequest, Request, State};

/// The entries of a page; there may be no more.
const PAGE: usize = 100;

/// A repository on `GitCode`.
#[derive(Debug)]
pub struct Gitcode {
    client: Client,
    /// `/repos/OWNER/NAME`.
    repository: String,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    html_url: String,
    state: String,
    title: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    draft: Option<bool>,
    #[serde(default)]
    labels: Option<Vec<Label>>,
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    #[serde(default)]
    repo: Option<Repository>,
}

#[derive(Deserialize, PartialEq, Eq)]
struct Repository {
    id: i64,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

/// What is said of a request that was opened.
#[derive(Deserialize)]
struct Opened {
    number: u64,
    html_url: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Comment {
    #[serde(default)]
    body: Option<String>,
}

impl Gitcode {
    /// The repository, with the API where it usually is, unless `access` names another place.
    pub fn new(access: &Access<'_>) -> Result<Self, ForgeError> {
        let address = access.address;
        let api = access.api.map_or_else(
            || match &*address.host {
                "gitcode.com" => "https://api.gitcode.com/api/v5".to_owned(),
                _ => format!("{}/api/v5", address.root()),
            },
            str::to_owned,
        );
        let client = Client::new(&api, access, "Authorization", "Bearer ")?
            .needing("it needs to read and write projects, pull requests and issues");
        let repository = format!("/repos/{}/{}", escaped(&address.owner), escaped(&address.name));
        Ok(Self { client, repository })
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/pulls{rest}", self.repository)
    }

    fn change(&self, request: &Request, body: &serde_json::Value) -> Result<(), ForgeError> {
        self.client.change(&Method::PATCH, &self.path(&format!("/{}", request.number)), body)
    }
}

impl Forge for Gitcode {
    fn requests(&self, heads: &[&str]) -> Result<Vec<Request>, ForgeError> {
        // There is no asking for a branch; what others opened need not be looked through.
        let user: User = self.client.get("/user")?;
        let path =
            self.path(&format!("?state=all&sort=created&direction=desc&author={}", escaped(&user.login)));
        let pulls: Vec<Pull> = self.client.full_pages(&path, PAGE)?;
        let ours = pulls
            .into_iter()
            .filter(|pull| heads.contains(&pull.head.branch.as_str()) && pull.head.repo == pull.base.repo);
        let mut requests: Vec<Request> = ours.map(request).collect();
        requests.sort_by_key(|request| std::cmp::Reverse(request.number));
        Ok(requests)
    }

    fn open(&self, new: &NewRequest<'_>) -> Result<Request, ForgeError> {
        let NewRequest { head, base, title, body, is_draft } = new;
        let wanted = json!({"title": title, "head": head, "base": base, "body": body, "draft": is_draft});
        match self.client.post::<Opened>(&self.path(""), &wanted) {
            Ok(opened) => Ok(Request::opened(opened.number, opened.html_url, new)),
            Err(error) => Err(error.or_exists()),
        }
    }

    fn label(&self, request: &Request, labels: &[&str]) -> Result<(), ForgeError> {
        // The list is the whole body.
        self.client.change(&Method::POST, &self.path(&format!("/{}/labels", request.number)), &labels)
    }

    fn write(&self, request: &Request, title: &str, body: &str) -> Result<(), ForgeError> {
        self.change(request, &json!({"title": title, "body": body}))
    }

    fn comments(&self, request: &Request) -> Result<Vec<String>, ForgeError> {
        let path = self.path(&format!("/{}/comments?direction=asc", request.number));
        let comments: Vec<Comment> = self.client.full_pages(&path, PAGE)?;
        Ok(comments.into_iter().filter_map(|comment| comment.body).collect())
    }

    fn comment(&self, request: &Request, text: &str) -> Result<(), ForgeError> {
        let path = self.path(&format!("/{}/comments", request.number));
        self.client.change(&Method::POST, &path, &json!({"body": text}))
    }

    fn close(&self, request: &Request) -> Result<(), ForgeError> {
        self.change(request, &json!({"state": "closed"}))
    }

    fn room(&self) -> usize {
        // Its pages name no number; this is GitHub's.
        58_000
    }

    fn git_user(&self) -> Option<&'static str> {
        Some("oauth2")
    }
}

fn request(pull: Pull) -> Request {
    Request {
        number: pull.number,
        url: pull.html_url,
        state: match &*pull.state {
            "open" | "opened" | "locked" => State::Open,
            "merged" => State::Merged,
            _ => State::Closed,
        },
        head: pull.head.branch,
        base: pull.base.branch,
        title: pull.title,
        body: pull.body.unwrap_or_default(),
        labels: pull.labels.unwrap_or_default().into_iter().map(|label| label.name).collect(),
        is_draft: pull.draft.unwrap_or_default(),
    }
}
