//! Gitea and Forgejo, by `/api/v1`.

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::http::escaped;
use super::{Access, Client, Forge, ForgeError, NewRequest, Placed, Request, Review, State};

/// What the title of a draft starts with.
const DRAFT: &str = "WIP: ";

/// A repository on Gitea or Forgejo.
#[derive(Debug)]
pub struct Gitea {
    client: Client,
    /// `/repos/OWNER/NAME`.
    repository: String,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    html_url: String,
    state: String,
    #[serde(default)]
    merged: bool,
    title: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    labels: Option<Vec<Label>>,
    head: Side,
    base: Side,
}

/// A branch of a request. `ref` is another name when the branch is gone; `label` stays.
#[derive(Deserialize)]
struct Side {
    label: String,
    repo_id: i64,
}

#[derive(Deserialize)]
struct Label {
    id: i64,
    name: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Comment {
    #[serde(default)]
    body: String,
}

impl Gitea {
    /// The repository, with the API where it usually is, unless `access` names another place.
    pub fn new(access: &Access<'_>) -> Result<Self, ForgeError> {
        let (owner, root) = access.address.owner_and_root();
        let api = access.api.map_or_else(|| format!("{root}/api/v1"), str::to_owned);
        Ok(Self {
            client: Client::new(&api, access, "Authorization", "token ")?,
            repository: format!("/repos/{}/{}", escaped(owner), escaped(&access.address.name)),
        })
    }

    fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.repository)
    }

    /// The numbers of these labels, which are made where they are not there.
    fn labels(&self, names: &[&str]) -> Result<Vec<i64>, ForgeError> {
        let known: Vec<Label> = self.client.pages(&self.path("/labels?limit=50"))?;
        let number = |name: &&str| {
            if let Some(label) = known.iter().find(|label| label.name == **name) {
                return Ok(label.id);
            }
            let new = json!({"name": name, "color": "#1d76db", "description": "made by cce-fix"});
            self.client.post(&self.path("/labels"), &new).map(|label: Label| label.id)
        };
        names.iter().map(number).collect()
    }
}

impl Forge for Gitea {
    fn requests(&self, heads: &[&str]) -> Result<Vec<Request>, ForgeError> {
        // Where the token may say whose it is, only what that account opened has to be looked through.
        let poster = match self.client.get::<User>("/user") {
            Ok(user) => format!("&poster={}", escaped(&user.login)),
            Err(ForgeError::Forbidden { .. }) => String::new(),
            Err(error) => return Err(error),
        };
        let path = self.path(&format!("/pulls?state=all&sort=recentupdate&limit=50{poster}"));
        let pulls: Vec<Pull> = self.client.pages(&path)?;
        let ours = pulls.into_iter().filter(|pull| {
            pull.head.repo_id == pull.base.repo_id && heads.contains(&pull.head.label.as_str())
        });
        let mut requests: Vec<Request> = ours.map(request).collect();
        requests.sort_by_key(|request| std::cmp::Reverse(request.number));
        Ok(requests)
    }

    fn open(&self, new: &NewRequest<'_>) -> Result<Request, ForgeError> {
        let NewRequest { head, base, title, body, is_draft } = new;
        let mark = if *is_draft { DRAFT } else { "" };
        let title = format!("{mark}{title}");
        let wanted = json!({"head": head, "base": base, "title": title, "body": body});
        match self.client.post(&self.path("/pulls"), &wanted) {
            Ok(pull) => Ok(request(pull)),
            Err(ForgeError::Refused { status: 409, .. }) => Err(ForgeError::Exists),
            Err(error) => Err(error),
        }
    }

    fn label(&self, request: &Request, labels: &[&str]) -> Result<(), ForgeError> {
        let labels = json!({"labels": self.labels(labels)?});
        let path = self.path(&format!("/issues/{}/labels", request.number));
        self.client.change(&Method::POST, &path, &labels)
    }

    fn write(&self, request: &Request, title: &str, body: &str) -> Result<(), ForgeError> {
        let mark = if request.is_draft { DRAFT } else { "" };
        let path = self.path(&format!("/pulls/{}", request.number));
        self.client.change(&Method::PATCH, &path, &json!({"title": format!("{mark}{title}"), "body": body}))
    }

    fn comments(&self, request: &Request) -> Result<Vec<String>, ForgeError> {
        // All at once, whatever the page.
        let comments: Vec<Comment> =
            self.client.get(&self.path(&format!("/issues/{}/comments", request.number)))?;
        Ok(comments.into_iter().map(|comment| comment.body).collect())
    }

    fn comment(&self, request: &Request, text: &str) -> Result<(), ForgeError> {
        let path = self.path(&format!("/issues/{}/comments", request.number));
        self.client.change(&Method::POST, &path, &json!({"body": text}))
    }

    fn takes_remarks(&self) -> bool {
        true
    }

    fn remarks(&self, request: &Request) -> Result<Vec<String>, ForgeError> {
        let path = self.path(&format!("/pulls/{}/reviews?limit=50", request.number));
        let reviews: Vec<Comment> = self.client.pages(&path)?;
        Ok(reviews.into_iter().map(|review| review.body).collect())
    }

    fn remark(&self, request: &Request, review: &Review<'_>) -> Result<(), ForgeError> {
        let path = self.path(&format!("/pulls/{}/reviews", request.number));
        let comment = |Placed { path, last, text, .. }: &Placed| json!({"path": path, "body": text, "new_position": last});
        self.client.change(&Method::POST, &path, &review.comment(comment))
    }

    fn close(&self, request: &Request) -> Result<(), ForgeError> {
        let path = self.path(&format!("/pulls/{}", request.number));
        self.client.change(&Method::PATCH, &path, &json!({"state": "closed"}))
    }

    fn room(&self) -> usize {
        1_000_000
    }

    fn git_user(&self) -> Option<&'static str> {
        Some("cce-fix")
    }
}

fn request(pull: Pull) -> Request {
    // Those that Gitea takes for marks of drafts, unless its configuration names others.
    let marks = [DRAFT, "[WIP] ", "WIP:", "[WIP]"];
    let plain = marks.iter().find_map(|mark| pull.title.strip_prefix(mark));
    Request {
        number: pull.number,
        url: pull.html_url,
        state: match (pull.merged, &*pull.state) {
            (true, _) => State::Merged,
            (false, "open") => State::Open,
            (false, _) => State::Closed,
        },
        head: pull.head.label,
        base: pull.base.label,
        is_draft: plain.is_some(),
        title: plain.map_or_else(|| pull.title.clone(), str::to_owned),
        body: pull.body,
        labels: pull.labels.unwrap_or_default().into_iter().map(|label| label.name).collect(),
    }
}

#[cfg(test)]
mod tests;
