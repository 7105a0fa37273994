//! GitHub. REST is described in <https://docs.github.com/en/rest>, by which
//! <https://github.com/github/rest-api-description> is made, `GraphQL` in <https://docs.github.com/en/graphql>.

use serde_json::{Map, Value, json};

use super::lacking;
use super::server::{
    Asked, Content, Operation, Personality, Pull, Reply, commented, comments, labelled, page_of, reviewed,
    reviews, written,
};

/// What there is in <https://docs.github.com/en/graphql/reference>, of which no other words may be used: arguments and
/// fields of `repository`, `Repository.pullRequests`, `PullRequest` and `Label`, and the types of both arguments.
const WORDS: &[&str] = &[
    "query",
    "String",
    "repository",
    "owner",
    "name",
    "pullRequests",
    "headRefName",
    "first",
    "orderBy",
    "field",
    "CREATED_AT",
    "direction",
    "DESC",
    "nodes",
    "number",
    "url",
    "state",
    "title",
    "body",
    "isDraft",
    "isCrossRepository",
    "baseRefName",
    "labels",
];

pub(crate) const GITHUB: Personality = Personality {
    name: "github",
    variable: "GITHUB_TOKEN",
    api: "",
    // https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#headers
    headers: &[
        "authorization: bearer TOKEN",
        "accept: application/vnd.github+json",
        "x-github-api-version: 2022-11-28",
    ],
    operations: &[
        Operation {
            source: "https://docs.github.com/en/graphql/reference/objects#repository",
            call: "POST /graphql",
            query: &[],
            body: &["query! text", "variables object"],
            answer: requests,
        },
        Operation {
            source: "https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request",
            call: "POST /repos/team/shop/pulls",
            query: &[],
            body: &[
                "title text",
                "head! text",
                "base! text",
                "body text",
                "maintainer_can_modify truth",
                "draft truth",
            ],
            answer: open,
        },
        Operation {
            source: "https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request",
            call: "PATCH /repos/team/shop/pulls/{number}",
            query: &[],
            body: &["title text", "body text", "state open|closed", "base text"],
            answer: written,
        },
        Operation {
            source: "https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue",
            call: "POST /repos/team/shop/issues/{number}/labels",
            query: &[],
            body: &["labels texts"],
            answer: |content, asked| labelled(content, asked.number, &asked.body["labels"]),
        },
        Operation {
            source: "https://docs.github.com/en/rest/issues/comments#list-issue-comments",
            call: "GET /repos/team/shop/issues/{number}/comments",
            query: &["since text", "per_page <=100", "page number"],
            body: &[],
            answer: |content, asked| comments(content, asked, ("per_page", true)),
        },
        Operation {
            source: "https://docs.github.com/en/rest/issues/comments#create-an-issue-comment",
            call: "POST /repos/team/shop/issues/{number}/comments",
            query: &[],
            body: &["body! text"],
            answer: commented,
        },
        Operation {
            source: "https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request",
            call: "GET /repos/team/shop/pulls/{number}/reviews",
            query: &["page number", "per_page <=100"],
            body: &[],
            answer: |content, asked| reviews(content, asked, "per_page"),
        },
        Operation {
            source: "https://docs.github.com/en/rest/pulls/reviews#create-a-review-for-a-pull-request",
            call: "POST /repos/team/shop/pulls/{number}/reviews",
            query: &[],
            body: &[
                "commit_id text",
                "body text",
                "event APPROVE|REQUEST_CHANGES|COMMENT",
                "comments objects",
            ],
            answer: |content, asked| {
                let fields = [
                    "path! text",
                    "body! text",
                    "line number",
                    "side LEFT|RIGHT",
                    "start_line number",
                    "start_side LEFT|RIGHT|side",
                ];
                reviewed(content, asked, &fields, "line")
            },
        },
    ],
};

fn requests(content: &mut Content, asked: &Asked) -> Reply {
    let (query, variables) = (asked.text("query").unwrap(), &asked.body["variables"]);
    if let Some(words) = lacking(&query, variables, WORDS) {
        return (200, json!({"errors": [{"message": words}]}), None);
    }
    if (&variables["owner"], &variables["name"]) != (&json!("team"), &json!("shop")) {
        return (
            200,
            json!({"data": null, "errors": [{"type": "NOT_FOUND", "message": "no repository"}]}),
            None,
        );
    }
    let branches = variables.as_object().unwrap().iter().filter(|(name, _)| name.starts_with('h'));
    let repository: Map<String, Value> = branches
        .map(|(name, head)| {
            let numbers = content.numbers().filter(|number| content.pulls[number - 1].head == *head);
            let nodes: Vec<Value> = numbers.map(|number| shown(content, number)).take(50).collect();
            (name.clone(), json!({"nodes": nodes}))
        })
        .collect();
    (200, json!({"data": {"repository": repository}}), None)
}

fn open(content: &mut Content, asked: &Asked) -> Reply {
    let (head, base) = (asked.text("head").unwrap(), asked.text("base").unwrap());
    let (title, body) = (asked.text("title").unwrap(), asked.text("body").unwrap_or_default());
    let is_draft = asked.body["draft"].as_bool().unwrap_or_default();
    let words = format!("A pull request already exists for team:{head}.");
    let Some(number) = content.open(Pull { head, base, title, body, is_draft, ..Pull::default() }) else {
        let error = json!({"resource": "PullRequest", "code": "custom", "message": words});
        return (422, json!({"message": "Validation Failed", "errors": [error]}), None);
    };
    (201, json!({"number": number, "html_url": page_of(number)}), None)
}

fn shown(content: &Content, number: usize) -> Value {
    let pull = &content.pulls[number - 1];
    let state = match (pull.merged, &*pull.state) {
        (true, _) => "MERGED",
        (false, "open") => "OPEN",
        (false, _) => "CLOSED",
    };
    let labels: Vec<Value> =
        content.label_names(number).into_iter().map(|name| json!({"name": name})).collect();
    json!({
        "number": number,
        "url": page_of(number),
        "state": state,
        "title": pull.title,
        "body": pull.body,
        "isDraft": pull.is_draft,
        "isCrossRepository": pull.is_foreign,
        "headRefName": pull.head,
        "baseRefName": pull.base,
        "labels": {"nodes": labels},
    })
}
