//! `GitLab`: by REST what is done, by `GraphQL` what is asked of all branches at once.

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::http::escaped;
use super::{Access, Client, Forge, ForgeError, NewRequest, Placed, Request, Review, State, undrafted};

/// What the title of a draft starts with.
const DRAFT: &str = "Draft: ";
/// All that `GitLab` takes for that.
const DRAFTS: &[&str] = &["Draft:", "[Draft]", "(Draft)"];

/// The question about all requests of some branches, a page at a time.
const REQUESTS: &str = "query($path: ID!, $heads: [String!], $after: String) { project(fullPath: $path) { \
                        mergeRequests(sourceBranches: $heads, sort: CREATED_DESC, first: 100, after: $after) { \
                        pageInfo { hasNextPage endCursor } nodes { iid webUrl state title description sourceBranch \
                        targetBranch sourceProjectId targetProjectId labels { nodes { title } } } } } }";

/// A project on `GitLab`.
#[derive(Debug)]
pub struct Gitlab {
    client: Client,
    /// Its groups and its name.
    project: String,
}

/// What REST says of a request that was opened.
#[derive(Deserialize)]
struct Opened {
    iid: u64,
    web_url: String,
}

#[derive(Deserialize)]
struct Answer {
    project: Option<Project>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    merge_requests: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    page_info: PageInfo,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    /// A number, written as text.
    iid: String,
    web_url: String,
    state: String,
    title: String,
    #[serde(default)]
    description: Option<String>,
    source_branch: String,
    target_branch: String,
    source_project_id: Option<i64>,
    target_project_id: i64,
    labels: Option<Labels>,
}

#[derive(Deserialize)]
struct Labels {
    nodes: Vec<Label>,
}

#[derive(Deserialize)]
struct Label {
    title: String,
}

#[derive(Deserialize)]
struct Note {
    body: String,
}

impl Gitlab {
    /// The project, with the API where it usually is, unless `access` names another place.
    pub fn new(access: &Access<'_>) -> Result<Self, ForgeError> {
        let address = access.address;
        let api = access.api.map_or_else(
            || match &*address.host {
                "altssh.gitlab.com" => "https://gitlab.com/api/v4".to_owned(),
                _ => format!("{}/api/v4", address.root()),
            },
            |api| api.trim_end_matches('/').to_owned(),
        );
        let root = api.strip_suffix("/v4").unwrap_or(&api);
        // Below some folder of its host, that is no group.
        let folder = root.strip_suffix("/api").and_then(|root| root.strip_prefix(&address.root()));
        let folder = folder.map_or("", |folder| folder.trim_matches('/'));
        let path = format!("{}/{}", address.owner, address.name);
        let project = match path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) {
            Some(project) if !folder.is_empty() => project.to_owned(),
            _ => path,
        };
        // Tokens of OAuth, which credential helpers have, go in this header alone; the others in this one too.
        let client = Client::new(root, access, "Authorization", "Bearer ")?
            .needing("it needs the scope `api`, and the role of a developer in the project");
        Ok(Self { client, project })
    }

    fn path(&self, rest: &str) -> String {
        format!("/v4/projects/{}/merge_requests{rest}", escaped(&self.project))
    }

    fn change(&self, request: &Request, body: &serde_json::Value) -> Result<(), ForgeError> {
        self.client.change(&Method::PUT, &self.path(&format!("/{}", request.number)), body)
    }
}

impl Forge for Gitlab {
    fn requests(&self, heads: &[&str]) -> Result<Vec<Request>, ForgeError> {
        let mut requests = Vec::new();
        let mut after = None;
        loop {
            let variables = json!({"path": self.project, "heads": heads, "after": after});
            let answer: Answer = self.client.query("/graphql", REQUESTS, &variables)?;
            let project = answer.project.ok_or_else(|| self.client.missing(&self.project))?;
            let Page { page_info, nodes } = project.merge_requests;
            for node in nodes {
                // Those from forks have branches that are called the same.
                if node.source_project_id == Some(node.target_project_id) {
                    requests.push(request(node).ok_or_else(|| self.client.unclear("an iid is no number"))?);
                }
            }
            if !page_info.has_next_page || page_info.end_cursor == after {
                break;
            }
            after = page_info.end_cursor;
        }
        requests.sort_by_key(|request| std::cmp::Reverse(request.number));
        Ok(requests)
    }

    fn open(&self, new: &NewRequest<'_>) -> Result<Request, ForgeError> {
        let NewRequest { head, base, title, body, is_draft } = new;
        let mark = if *is_draft { DRAFT } else { "" };
        let wanted = json!({
            "source_branch": head,
            "target_branch": base,
            "title": format!("{mark}{title}"),
            "description": inert(body),
        });
        match self.client.post::<Opened>(&self.path(""), &wanted) {
            Ok(opened) => Ok(Request::opened(opened.iid, opened.web_url, new)),
            Err(ForgeError::Refused { status: 409, .. }) => Err(ForgeError::Exists),
            Err(error) => Err(error),
        }
    }

    fn label(&self, request: &Request, labels: &[&str]) -> Result<(), ForgeError> {
        self.change(request, &json!({"add_labels": labels.join(",")}))
    }

    fn write(&self, request: &Request, title: &str, body: &str) -> Result<(), ForgeError> {
        let mark = if request.is_draft { DRAFT } else { "" };
        self.change(request, &json!({"title": format!("{mark}{title}"), "description": inert(body)}))
    }

    fn comments(&self, request: &Request) -> Result<Vec<String>, ForgeError> {
        let path = self.path(&format!("/{}/notes?per_page=100", request.number));
        let notes: Vec<Note> = self.client.pages(&path)?;
        Ok(notes.into_iter().map(|note| note.body).collect())
    }

    fn comment(&self, request: &Request, text: &str) -> Result<(), ForgeError> {
        let path = self.path(&format!("/{}/notes", request.number));
        self.client.change(&Method::POST, &path, &json!({"body": inert(text)}))
    }

    fn takes_remarks(&self) -> bool {
        true
    }

    fn remarks(&self, request: &Request) -> Result<Vec<String>, ForgeError> {
        // Those on lines are notes as well.
        self.comments(request)
    }

    fn remark(&self, request: &Request, review: &Review<'_>) -> Result<(), ForgeError> {
        let path = self.path(&format!("/{}/discussions", request.number));
        for Placed { path: file, last, old_line, text, mark, .. } in review.remarks {
            let mut position = json!({
                "position_type": "text",
                "base_sha": review.base,
                "start_sha": review.base,
                "head_sha": review.commit,
                "old_path": file,
                "new_path": file,
                "new_line": last,
            });
            // An unchanged line is named on both sides.
            if let Some(line) = old_line {
                position["old_line"] = json!(line);
            }
            let wanted = json!({"body": inert(&format!("{text}\n{mark}")), "position": position});
            self.client.change(&Method::POST, &path, &wanted)?;
        }
        Ok(())
    }

    fn suggestion(&self, above: usize) -> Option<String> {
        Some(format!("suggestion:-{above}+0"))
    }

    fn close(&self, request: &Request) -> Result<(), ForgeError> {
        self.change(request, &json!({"state_event": "close"}))
    }

    fn room(&self) -> usize {
        // It takes 1,048,576.
        1_000_000
    }

    fn git_user(&self) -> Option<&'static str> {
        Some("oauth2")
    }
}

/// The text without lines that `GitLab` would take for orders, such as `/close`.
fn inert(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        if line.trim_start().starts_with('/') { line.replacen('/', "&#47;", 1) } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn request(node: Node) -> Option<Request> {
    let (title, is_draft) = undrafted(&node.title, DRAFTS);
    Some(Request {
        number: node.iid.parse().ok()?,
        url: node.web_url,
        state: match &*node.state {
            // Locked while it is being merged.
            "opened" | "locked" => State::Open,
            "merged" => State::Merged,
            _ => State::Closed,
        },
        head: node.source_branch,
        base: node.target_branch,
        title: title.to_owned(),
        is_draft,
        body: node.description.unwrap_or_default(),
        labels: node.labels.into_iter().flat_map(|labels| labels.nodes).map(|label| label.title).collect(),
    })
}
