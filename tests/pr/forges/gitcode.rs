//! `GitCode`. Its operations are described in <https://docs.gitcode.com/en/docs/apis/>, how one is let in and what
//! statuses mean in <https://docs.gitcode.com/en/docs/guide/>.

use serde_json::{Value, json};

use super::server::{
    Asked, Content, Operation, Personality, Pull, Reply, commented, comments, labelled, page_of, written,
};

pub(crate) const GITCODE: Personality = Personality {
    name: "gitcode",
    variable: "GITCODE_TOKEN",
    api: "/api/v5",
    headers: &["authorization: bearer TOKEN", "accept: application/json"],
    operations: &[
        Operation {
            source: "https://docs.gitcode.com/en/docs/apis/get-api-v-5-user",
            call: "GET /api/v5/user",
            query: &[],
            body: &[],
            answer: |_, _| (200, json!({"id": "64e5", "login": "bot"}), None),
        },
        Operation {
            source: "https://docs.gitcode.com/en/docs/apis/get-api-v-5-repos-owner-repo-pulls",
            call: "GET /api/v5/repos/team/shop/pulls",
            query: &[
                "state all|open|closed|locked|merged",
                "base text",
                "direction asc|desc",
                "sort created|updated",
                "labels text",
                "author text",
                "page number",
                "per_page <=100",
            ],
            body: &[],
            answer: |content, asked| {
                assert_eq!(asked.query["author"], "bot");
                let all: Vec<Value> = content.numbers().map(|number| shown(content, number)).collect();
                asked.page(&all, asked.number("per_page", 20), false)
            },
        },
        Operation {
            source: "https://docs.gitcode.com/en/docs/apis/post-api-v-5-repos-owner-repo-pulls",
            call: "POST /api/v5/repos/team/shop/pulls",
            query: &[],
            body: &["title! text", "head! text", "base! text", "body text", "labels text", "draft truth"],
            answer: open,
        },
        Operation {
            source: "https://docs.gitcode.com/en/docs/apis/patch-api-v-5-repos-owner-repo-pulls-number",
            call: "PATCH /api/v5/repos/team/shop/pulls/{number}",
            query: &[],
            body: &["title text", "body text", "state open|closed", "labels text", "draft truth"],
            answer: written,
        },
        Operation {
            source: "https://docs.gitcode.com/en/docs/apis/post-api-v-5-repos-owner-repo-pulls-number-labels",
            call: "POST /api/v5/repos/team/shop/pulls/{number}/labels",
            query: &[],
            body: &["[]! texts"],
            answer: |content, asked| labelled(content, asked.number, &asked.body),
        },
        Operation {
            source: "https://docs.gitcode.com/en/docs/apis/get-api-v-5-repos-owner-repo-pulls-number-comments",
            call: "GET /api/v5/repos/team/shop/pulls/{number}/comments",
            query: &[
                "page number",
                "per_page <=100",
                "direction asc|desc",
                "comment_type diff_comment|pr_comment",
            ],
            body: &[],
            answer: |content, asked| comments(content, asked, ("per_page", false)),
        },
        Operation {
            source: "https://docs.gitcode.com/en/docs/apis/post-api-v-5-repos-owner-repo-pulls-number-comments",
            call: "POST /api/v5/repos/team/shop/pulls/{number}/comments",
            query: &[],
            body: &["body! text", "path text", "position number"],
            answer: commented,
        },
    ],
};

fn open(content: &mut Content, asked: &Asked) -> Reply {
    let (head, base) = (asked.text("head").unwrap(), asked.text("base").unwrap());
    let (title, body) = (asked.text("title").unwrap(), asked.text("body").unwrap_or_default());
    let is_draft = asked.body["draft"].as_bool().unwrap_or_default();
    match content.open(Pull { head, base, title, body, is_draft, ..Pull::default() }) {
        Some(number) => (200, json!({"number": number, "html_url": page_of(number)}), None),
        None => (409, json!({"message": "Another open merge request already exists"}), None),
    }
}

fn shown(content: &Content, number: usize) -> Value {
    let pull = &content.pulls[number - 1];
    let labels: Vec<Value> =
        content.label_names(number).into_iter().map(|name| json!({"id": 1, "name": name})).collect();
    let side =
        |branch: &str, repository: u8| json!({"label": branch, "ref": branch, "repo": {"id": repository}});
    json!({
        "number": number,
        "html_url": page_of(number),
        "state": if pull.merged { "merged" } else { &pull.state },
        "title": pull.title,
        "body": Some(&pull.body).filter(|body| !body.is_empty()),
        "draft": pull.is_draft,
        "labels": labels,
        "head": side(&pull.head, if pull.is_foreign { 2 } else { 1 }),
        "base": side(&pull.base, 1),
    })
}
