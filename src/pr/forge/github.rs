//! GitHub and GitHub Enterprise: by REST what is done, by `GraphQL` what is asked of all branches at once.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use ureq::http::Method;

use super::http::escaped;
use super::{Access, Client, Forge, ForgeError, NewRequest, Placed, Request, Review, State};

/// The headers that each request is to have, with the version of the API that this is written for.
const HEADERS: &[(&str, &str)] =
    &[("Accept", "application/vnd.github+json"), ("X-GitHub-Api-Version", "2022-11-28")];

/// What is asked about a request.
const FIELDS: &str = "number url state title body isDraft isCrossRepository headRefName baseRefName \
                      labels(first: 50) { nodes { name } }";

/// A repository on GitHub.
#[derive(Debug)]
pub struct Github {
    client: Client,
    owner: String,
    name: String,
    /// Where REST is, below the place that `GraphQL` is at too.
    rest: &'static str,
}

/// What REST says of a request that was opened.
#[derive(Deserialize)]
struct Pull {
    number: u64,
    html_url: String,
}

/// What `GraphQL` says of a repository: each branch that was asked for, under a name of its own.
#[derive(Deserialize)]
struct Answer {
    repository: Map<String, Value>,
}

#[derive(Deserialize)]
struct Nodes<T> {
    nodes: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    number: u64,
    url: String,
    state: String,
    title: String,
    body: String,
    is_draft: bool,
    is_cross_repository: bool,
    head_ref_name: String,
    base_ref_name: String,
    labels: Option<Nodes<Label>>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct Comment {
    #[serde(default)]
    body: Option<String>,
}

impl Github {
    /// The repository, with the API where it usually is, unless `access` names another place.
    pub fn new(access: &Access<'_>) -> Result<Self, ForgeError> {
        let (owner, root) = access.address.owner_and_root();
        let api = access.api.map_or_else(
            || match &*access.address.host {
                "github.com" | "ssh.github.com" => "https://api.github.com".to_owned(),
                host if host.ends_with(".ghe.com") => format!("https://api.{host}"),
                _ => format!("{root}/api/v3"),
            },
            |api| api.trim_end_matches('/').to_owned(),
        );
        let (root, rest) = match api.strip_suffix("/v3") {
            Some(root) => (root, "/v3"),
            None => (&*api, ""),
        };
        let client = Client::new(root, access, "Authorization", "Bearer ")?.with_headers(HEADERS).needing(
            "it needs the scope `repo`, or of a fine-grained one the permissions to read and write contents and pull \
             requests",
        );
        Ok(Self { client, owner: owner.to_owned(), name: access.address.name.clone(), rest })
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/repos/{}/{}{rest}", self.rest, escaped(&self.owner), escaped(&self.name))
    }

    fn create(&self, new: &NewRequest<'_>, is_draft: bool) -> Result<Request, ForgeError> {
        let NewRequest { head, base, title, body, .. } = new;
        let wanted = json!({"title": title, "head": head, "base": base, "body": body, "draft": is_draft});
        let pull: Pull = self.client.post(&self.path("/pulls"), &wanted)?;
        let (number, url) = (pull.number, pull.html_url);
        Ok(Request { is_draft, ..Request::opened(number, url, new) })
    }
}

impl Forge for Github {
    fn requests(&self, heads: &[&str]) -> Result<Vec<Request>, ForgeError> {
        if heads.is_empty() {
            return Ok(Vec::new());
        }
        // All that people name goes in variables, so that none of it is read as a question.
        let named = |number: usize| format!("h{number}");
        let mut variables: Map<String, Value> =
            heads.iter().enumerate().map(|(number, head)| (named(number), json!(head))).collect();
        let declared: Vec<_> = variables.keys().map(|name| format!(", ${name}: String!")).collect();
        let asked: Vec<_> = variables.keys().map(|name| format!("{name}: {}", pull_requests(name))).collect();
        variables.insert("owner".to_owned(), json!(self.owner));
        variables.insert("name".to_owned(), json!(self.name));
        let query = format!(
            "query($owner: String!, $name: String!{}) {{ repository(owner: $owner, name: $name) {{ {} }} }}",
            declared.concat(),
            asked.join(" ")
        );
        let answer: Answer = self.client.query("/graphql", &query, &Value::Object(variables))?;
        let mut requests = Vec::new();
        for branch in answer.repository.into_iter().map(|(_, branch)| branch) {
            let branch: Nodes<Node> =
                serde_json::from_value(branch).map_err(|error| self.client.unclear(&error.to_string()))?;
            requests.extend(branch.nodes.into_iter().filter(|node| !node.is_cross_repository).map(request));
        }
        requests.sort_by_key(|request| std::cmp::Reverse(request.number));
        Ok(requests)
    }

    fn open(&self, new: &NewRequest<'_>) -> Result<Request, ForgeError> {
        match self.create(new, new.is_draft) {
            Err(ForgeError::Refused { status: 422, message, .. }) if message.contains("already exists") => {
                Err(ForgeError::Exists)
            }
            // Private repositories have none under some plans.
            Err(ForgeError::Refused { status: 422, message, .. })
                if new.is_draft && message.contains("Draft pull requests are not supported") =>
            {
                self.create(new, false)
            }
            result => result,
        }
    }

    fn label(&self, request: &Request, labels: &[&str]) -> Result<(), ForgeError> {
        let path = self.path(&format!("/issues/{}/labels", request.number));
        self.client.change(&Method::POST, &path, &json!({"labels": labels}))
    }

    fn write(&self, request: &Request, title: &str, body: &str) -> Result<(), ForgeError> {
        let path = self.path(&format!("/pulls/{}", request.number));
        self.client.change(&Method::PATCH, &path, &json!({"title": title, "body": body}))
    }

    fn comments(&self, request: &Request) -> Result<Vec<String>, ForgeError> {
        let path = self.path(&format!("/issues/{}/comments?per_page=100", request.number));
        let comments: Vec<Comment> = self.client.pages(&path)?;
        Ok(comments.into_iter().filter_map(|comment| comment.body).collect())
    }

    fn comment(&self, request: &Request, text: &str) -> Result<(), ForgeError> {
        let path = self.path(&format!("/issues/{}/comments", request.number));
        self.client.change(&Method::POST, &path, &json!({"body": text}))
    }

    fn takes_remarks(&self) -> bool {
        true
    }

    fn remarks(&self, request: &Request) -> Result<Vec<String>, ForgeError> {
        let path = self.path(&format!("/pulls/{}/reviews?per_page=100", request.number));
        let reviews: Vec<Comment> = self.client.pages(&path)?;
        Ok(reviews.into_iter().filter_map(|review| review.body).collect())
    }

    fn remark(&self, request: &Request, review: &Review<'_>) -> Result<(), ForgeError> {
        let path = self.path(&format!("/pulls/{}/reviews", request.number));
        self.client.change(
            &Method::POST,
            &path,
            &review.comment(|Placed { path, first, last, text, .. }| {
                let mut comment = json!({"path": path, "body": text, "line": last, "side": "RIGHT"});
                if first < last {
                    comment["start_line"] = json!(first);
                    comment["start_side"] = json!("RIGHT");
                }
                comment
            }),
        )
    }

    fn suggestion(&self, _: usize) -> Option<String> {
        // It takes the place of all lines that the comment is on.
        Some("suggestion".to_owned())
    }

    fn close(&self, request: &Request) -> Result<(), ForgeError> {
        let path = self.path(&format!("/pulls/{}", request.number));
        self.client.change(&Method::PATCH, &path, &json!({"state": "closed"}))
    }

    fn room(&self) -> usize {
        // It takes 65,536.
        58_000
    }

    fn git_user(&self) -> Option<&'static str> {
        Some("x-access-token")
    }
}

/// The question about the requests of the branch in the variable `name`.
fn pull_requests(name: &str) -> String {
    format!(
        "pullRequests(headRefName: ${name}, first: 50, orderBy: {{field: CREATED_AT, direction: DESC}}) {{ nodes {{ \
         {FIELDS} }} }}"
    )
}

fn request(node: Node) -> Request {
    Request {
        number: node.number,
        url: node.url,
        state: match &*node.state {
            "OPEN" => State::Open,
            "MERGED" => State::Merged,
            _ => State::Closed,
        },
        head: node.head_ref_name,
        base: node.base_ref_name,
        title: node.title,
        body: node.body,
        labels: node.labels.into_iter().flat_map(|labels| labels.nodes).map(|label| label.name).collect(),
        is_draft: node.is_draft,
    }
}
