//! `CodeArts` Repo. Its operations are described in <https://support.huaweicloud.com/intl/en-us/api-codeartsrepo/>.

use serde_json::{Value, json};

use super::server::{
    Asked, Content, Operation, Personality, Pull, Reply, commented, drafted, entries, page_of, undrafted,
    written_as_event,
};

const DRAFT: &str = "WIP: ";

pub(crate) const CODEARTS: Personality = Personality {
    name: "codearts",
    variable: "CODEARTS_TOKEN",
    api: "",
    headers: &["x-auth-token: TOKEN", "accept: application/json"],
    operations: &[
        Operation {
            source: "https://support.huaweicloud.com/intl/en-us/api-codeartsrepo/ShowRepoId.html",
            call: "GET /v1/repositories/repoid",
            query: &["group_name! text", "repository_name! text"],
            body: &[],
            answer: |_, asked| {
                if asked.query["group_name"] == "team" && asked.query["repository_name"] == "shop" {
                    (200, json!({"result": 468_485, "status": "success"}), None)
                } else {
                    (200, json!({"result": null, "status": "failed"}), None)
                }
            },
        },
        Operation {
            source: "https://support.huaweicloud.com/intl/en-us/api-codeartsrepo/ListRepositoryMergeRequests.html",
            call: "GET /v4/repositories/468485/merge-requests",
            query: &[
                "offset number",
                "limit <=100",
                "state all|opened|closed|merged",
                "order_by created_at|updated_at",
                "sort asc|desc",
                "author_id text",
                "source_branch text",
                "target_branch text",
                "search text",
            ],
            body: &[],
            answer: |content, asked| {
                let branch = asked.query.get("source_branch");
                let state = asked.query.get("state").filter(|state| *state != "all");
                let is_asked = |number: &usize| {
                    branch.is_none_or(|branch| content.pulls[number - 1].head == *branch)
                        && state.is_none_or(|state| state_of(content, *number) == state)
                };
                let numbers = content.numbers().filter(is_asked);
                let found = numbers.filter(|number| is_found(content, asked, *number));
                let all: Vec<Value> = found.map(|number| shown(content, number)).collect();
                (200, entries(&all, asked.number("offset", 0), asked.number("limit", 20)), None)
            },
        },
        Operation {
            source: "https://support.huaweicloud.com/intl/en-us/api-codeartsrepo/ListMergeRequest.html",
            call: "GET /v2/repositories/468485/merge_request",
            query: &[
                "state opened|closed|merged|locked|all",
                "page number",
                "per_page number",
                "search text",
            ],
            body: &[],
            answer: |content, asked| {
                let found = content.numbers().filter(|number| is_found(content, asked, *number));
                let text = |number: usize| {
                    let pull = &content.pulls[number - 1];
                    json!({
                        "iid": number,
                        "title": drafted(pull, DRAFT),
                        "state": state_of(content, number),
                        "source_branch": pull.head,
                        "target_branch": pull.base,
                        "description": pull.body,
                    })
                };
                let all: Vec<Value> = found.map(text).collect();
                let (status, page, _) = asked.page(&all, asked.number("per_page", 20), false);
                (
                    status,
                    json!({"result": {"merge_requests": page, "total": all.len()}, "status": "success"}),
                    None,
                )
            },
        },
        Operation {
            source: "https://support.huaweicloud.com/intl/en-us/api-codeartsrepo/CreateMergeRequest.html",
            call: "POST /v4/repositories/468485/merge-requests",
            query: &[],
            body: &[
                "title! text",
                "source_branch! text",
                "target_branch! text",
                "target_repository_id number",
                "description text",
                "labels text",
            ],
            answer: open,
        },
        Operation {
            source: "https://support.huaweicloud.com/eu/api-codeartsrepo/UpdateMergeRequest.html",
            call: "PUT /v4/repositories/468485/merge-requests/{number}",
            query: &[],
            body: &["title text", "state_event reopen|close", "description text", "labels text"],
            answer: change,
        },
        Operation {
            source: "https://support.huaweicloud.com/intl/en-us/api-codeartsrepo/ListMergeRequestDiscussions.html",
            call: "GET /v4/repositories/468485/merge-requests/{number}/discussions",
            query: &["unresolved text", "author_id text", "sort asc|desc", "offset number", "limit <=100"],
            body: &[],
            answer: |content, asked| {
                let comments = &asked.pull(content).comments;
                let all: Vec<Value> =
                    comments.iter().map(|text| json!({"notes": [{"body": text}]})).collect();
                (200, entries(&all, asked.number("offset", 0), asked.number("limit", 20)), None)
            },
        },
        Operation {
            source: "https://support.huaweicloud.com/intl/th-th/api-codeartsrepo/CreateMergeRequestDiscussion_0.html",
            call: "POST /v4/repositories/468485/merge-requests/{number}/discussions",
            query: &[],
            body: &["body! text", "severity suggestion|minor|major|fatal"],
            answer: commented,
        },
    ],
};

fn is_found(content: &Content, asked: &Asked, number: usize) -> bool {
    let pull = &content.pulls[number - 1];
    asked.query.get("search").is_none_or(|words| pull.title.contains(words) || pull.body.contains(words))
}

fn open(content: &mut Content, asked: &Asked) -> Reply {
    let (head, base) = (asked.text("source_branch").unwrap(), asked.text("target_branch").unwrap());
    let (title, is_draft) = undrafted(&asked.text("title").unwrap(), DRAFT);
    let body = asked.text("description").unwrap_or_default();
    match content.open(Pull { head, base, title, body, is_draft, ..Pull::default() }) {
        Some(number) => (200, json!({"iid": number, "web_url": page_of(number)}), None),
        None => {
            (400, json!({"error": {"code": "CH.1", "message": "the merge request already exists"}}), None)
        }
    }
}

fn change(content: &mut Content, asked: &Asked) -> Reply {
    if let Some(names) = asked.text("labels") {
        asked.pull(content).labels.clear();
        names.split(',').for_each(|name| content.add_label(asked.number, name));
    }
    written_as_event(content, asked, DRAFT)
}

fn state_of(content: &Content, number: usize) -> &'static str {
    let pull = &content.pulls[number - 1];
    match (pull.merged, &*pull.state) {
        (true, _) => "merged",
        (false, "open") => "opened",
        (false, _) => "closed",
    }
}

fn shown(content: &Content, number: usize) -> Value {
    let pull = &content.pulls[number - 1];
    let labels: Vec<Value> =
        content.label_names(number).into_iter().map(|name| json!({"name": name})).collect();
    json!({
        "iid": number,
        "web_url": page_of(number),
        "state": state_of(content, number),
        "title": drafted(pull, DRAFT),
        "source_branch": pull.head,
        "target_branch": pull.base,
        "source_repository_id": if pull.is_foreign { 2 } else { 468_485 },
        "labels": labels,
    })
}
