//! Gitea and Forgejo. The page with all operations is <https://docs.gitea.com/api/1.25/>; the real server has its own
//! scenarios.

use serde_json::{Value, json};

use super::server::{
    Asked, Content, Operation, Personality, Pull, Reply, commented, drafted, page_of, reviewed, reviews,
    undrafted,
};

const DRAFT: &str = "WIP: ";

pub(crate) const GITEA: Personality = Personality {
    name: "gitea",
    variable: "GITEA_TOKEN",
    api: "/api/v1",
    headers: &["authorization: token TOKEN", "accept: application/json"],
    operations: &[
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/user/operation/userGetCurrent",
            call: "GET /api/v1/user",
            query: &[],
            body: &[],
            answer: |_, _| (200, json!({"login": "bot"}), None),
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/repository/operation/repoListPullRequests",
            call: "GET /api/v1/repos/team/shop/pulls",
            query: &[
                "state open|closed|all",
                "sort oldest|recentupdate|recentclose|leastupdate|mostcomment|leastcomment|priority",
                "poster text",
                "page number",
                "limit number",
            ],
            body: &[],
            answer: |content, asked| {
                let all: Vec<Value> = content.numbers().map(|number| shown(content, number)).collect();
                // Whatever is asked for, there are no more on a page.
                asked.page(&all, asked.number("limit", 30).min(50), true)
            },
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/repository/operation/repoCreatePullRequest",
            call: "POST /api/v1/repos/team/shop/pulls",
            query: &[],
            body: &["head text", "base text", "title text", "body text"],
            answer: open,
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/repository/operation/repoEditPullRequest",
            call: "PATCH /api/v1/repos/team/shop/pulls/{number}",
            query: &[],
            body: &["title text", "body text", "state open|closed"],
            answer: |content, asked| {
                let pull = asked.pull(content);
                if let Some(title) = asked.text("title") {
                    (pull.title, pull.is_draft) = undrafted(&title, DRAFT);
                }
                pull.body = asked.text("body").unwrap_or_else(|| pull.body.clone());
                pull.state = asked.text("state").unwrap_or_else(|| pull.state.clone());
                (201, shown(content, asked.number), None)
            },
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/issue/operation/issueListLabels",
            call: "GET /api/v1/repos/team/shop/labels",
            query: &["page number", "limit number"],
            body: &[],
            answer: |content, asked| {
                let all: Vec<Value> = (0..content.labels.len()).map(|id| label(content, id)).collect();
                asked.page(&all, asked.number("limit", 30).min(50), true)
            },
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/issue/operation/issueCreateLabel",
            call: "POST /api/v1/repos/team/shop/labels",
            query: &[],
            body: &["name! text", "color! text", "description text"],
            answer: |content, asked| {
                let id = content.label(&asked.text("name").unwrap());
                (201, label(content, id), None)
            },
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/issue/operation/issueAddLabel",
            call: "POST /api/v1/repos/team/shop/issues/{number}/labels",
            query: &[],
            body: &["labels numbers"],
            answer: |content, asked| {
                for id in asked.body["labels"].as_array().unwrap() {
                    let id = usize::try_from(id.as_u64().unwrap()).unwrap();
                    let name = content.labels[id].clone();
                    content.add_label(asked.number, &name);
                }
                (200, json!([]), None)
            },
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/issue/operation/issueGetComments",
            call: "GET /api/v1/repos/team/shop/issues/{number}/comments",
            query: &["since text", "before text"],
            body: &[],
            answer: |content, asked| {
                (200, asked.pull(content).comments.iter().map(|text| json!({"body": text})).collect(), None)
            },
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/issue/operation/issueCreateComment",
            call: "POST /api/v1/repos/team/shop/issues/{number}/comments",
            query: &[],
            body: &["body! text"],
            answer: commented,
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/repository/operation/repoListPullReviews",
            call: "GET /api/v1/repos/team/shop/pulls/{number}/reviews",
            query: &["page number", "limit number"],
            body: &[],
            answer: |content, asked| reviews(content, asked, "limit"),
        },
        Operation {
            source: "https://docs.gitea.com/api/1.25/#tag/repository/operation/repoCreatePullReview",
            call: "POST /api/v1/repos/team/shop/pulls/{number}/reviews",
            query: &[],
            body: &[
                "commit_id text",
                "body text",
                "event APPROVED|REQUEST_CHANGES|COMMENT|PENDING",
                "comments objects",
            ],
            answer: |content, asked| {
                let fields = ["path text", "body text", "new_position number", "old_position number"];
                reviewed(content, asked, &fields, "new_position")
            },
        },
    ],
};

fn open(content: &mut Content, asked: &Asked) -> Reply {
    let (head, base) = (asked.text("head").unwrap(), asked.text("base").unwrap());
    let (title, is_draft) = undrafted(&asked.text("title").unwrap(), DRAFT);
    let body = asked.text("body").unwrap();
    match content.open(Pull { head, base, title, body, is_draft, ..Pull::default() }) {
        Some(number) => (201, shown(content, number), None),
        None => (409, json!({"message": "pull request already exists for these targets"}), None),
    }
}

fn label(content: &Content, id: usize) -> Value {
    json!({"id": id, "name": content.labels[id]})
}

fn shown(content: &Content, number: usize) -> Value {
    let pull = &content.pulls[number - 1];
    let side = |branch: &str, repository: u8| json!({"label": branch, "ref": branch, "repo_id": repository});
    json!({
        "number": number,
        "html_url": page_of(number),
        "state": pull.state,
        "merged": pull.merged,
        "title": drafted(pull, DRAFT),
        "body": pull.body,
        "labels": pull.labels.iter().map(|id| label(content, *id)).collect::<Vec<_>>(),
        "head": side(&pull.head, if pull.is_foreign { 2 } else { 1 }),
        "base": side(&pull.base, 1),
    })
}
