//! GitLab. REST is described in <https://docs.gitlab.com/api/rest/>, `GraphQL` in
//! <https://docs.gitlab.com/api/graphql/reference/>.

use serde_json::{Value, json};

use super::lacking;
use super::server::{
    Asked, Content, Operation, Personality, Pull, Reply, commented, drafted, entries, inline, page_of,
    undrafted, written_as_event,
};

const DRAFT: &str = "Draft: ";
/// The requests of a page.
const PAGE: usize = 100;

/// What there is in <https://docs.gitlab.com/api/graphql/reference/>, of which no other words may be used: arguments and
/// fields of `project`, `Project.mergeRequests`, `PageInfo`, `MergeRequest` and `Label`, and the types of arguments.
const WORDS: &[&str] = &[
    "query",
    "ID",
    "String",
    "project",
    "fullPath",
    "mergeRequests",
    "sourceBranches",
    "sort",
    "CREATED_DESC",
    "first",
    "after",
    "pageInfo",
    "hasNextPage",
    "endCursor",
    "nodes",
    "iid",
    "webUrl",
    "state",
    "title",
    "description",
    "sourceBranch",
    "targetBranch",
    "sourceProjectId",
    "targetProjectId",
    "labels",
];

pub(crate) const GITLAB: Personality = Personality {
    name: "gitlab",
    variable: "GITLAB_TOKEN",
    api: "/api/v4",
    // https://docs.gitlab.com/api/rest/authentication/
    headers: &["authorization: bearer TOKEN", "accept: application/json"],
    operations: &[
        Operation {
            source: "https://docs.gitlab.com/api/graphql/reference/#projectmergerequests",
            call: "POST /api/graphql",
            query: &[],
            body: &["query! text", "variables object"],
            answer: requests,
        },
        Operation {
            source: "https://docs.gitlab.com/api/merge_requests/#create-mr",
            call: "POST /api/v4/projects/team%2Fshop/merge_requests",
            query: &[],
            body: &[
                "source_branch! text",
                "target_branch! text",
                "title! text",
                "description text",
                "labels text",
                "remove_source_branch truth",
            ],
            answer: open,
        },
        Operation {
            source: "https://docs.gitlab.com/api/merge_requests/#update-mr",
            call: "PUT /api/v4/projects/team%2Fshop/merge_requests/{number}",
            query: &[],
            body: &["title text", "description text", "state_event close|reopen", "add_labels text"],
            answer: change,
        },
        Operation {
            source: "https://docs.gitlab.com/api/notes/#list-all-merge-request-notes",
            call: "GET /api/v4/projects/team%2Fshop/merge_requests/{number}/notes",
            query: &["sort asc|desc", "order_by created_at|updated_at", "per_page <=100", "page number"],
            body: &[],
            answer: |content, asked| {
                let pull = asked.pull(content);
                let remarks = pull.remarks.iter().map(|remark| &remark.text);
                let all: Vec<&String> = pull.comments.iter().chain(remarks).collect();
                let all: Vec<Value> =
                    all.iter().rev().map(|text| json!({"body": text, "system": false})).collect();
                asked.page(&all, asked.number("per_page", 20), true)
            },
        },
        Operation {
            source: "https://docs.gitlab.com/api/notes/#create-new-merge-request-note",
            call: "POST /api/v4/projects/team%2Fshop/merge_requests/{number}/notes",
            query: &[],
            body: &["body! text"],
            answer: commented,
        },
        Operation {
            source: "https://docs.gitlab.com/api/discussions/#create-new-merge-request-thread",
            call: "POST /api/v4/projects/team%2Fshop/merge_requests/{number}/discussions",
            query: &[],
            body: &["body! text", "position object"],
            answer: |content, asked| {
                let mut position = asked.body["position"].clone();
                position["body"] = asked.body["body"].clone();
                position["path"] = position["new_path"].clone();
                let fields = [
                    "position_type! text|image|file",
                    "base_sha! text",
                    "start_sha! text",
                    "head_sha! text",
                    "new_path! text",
                    "old_path! text",
                    "new_line number",
                    "old_line number",
                    "body text",
                    "path text",
                ];
                match inline(&json!([position]), &fields, "new_line") {
                    Ok(remarks) => {
                        asked.pull(content).remarks.extend(remarks);
                        (201, json!({}), None)
                    }
                    Err(words) => (400, json!({"message": words}), None),
                }
            },
        },
    ],
};

fn requests(content: &mut Content, asked: &Asked) -> Reply {
    let (query, variables) = (asked.text("query").unwrap(), &asked.body["variables"]);
    if let Some(words) = lacking(&query, variables, WORDS) {
        return (200, json!({"errors": [{"message": words}]}), None);
    }
    if variables["path"] != "team/shop" {
        return (200, json!({"data": {"project": null}}), None);
    }
    let heads = variables["heads"].as_array().unwrap();
    let start: usize = variables["after"].as_str().map_or(0, |after| after.parse().unwrap());
    let all: Vec<Value> = content
        .numbers()
        .filter(|number| heads.contains(&json!(content.pulls[number - 1].head)))
        .map(|number| shown(content, number))
        .collect();
    let end = start + PAGE;
    let info = json!({"hasNextPage": all.len() > end, "endCursor": end.to_string()});
    let page = json!({"pageInfo": info, "nodes": entries(&all, start, PAGE)});
    (200, json!({"data": {"project": {"mergeRequests": page}}}), None)
}

fn open(content: &mut Content, asked: &Asked) -> Reply {
    let (head, base) = (asked.text("source_branch").unwrap(), asked.text("target_branch").unwrap());
    let (title, is_draft) = undrafted(&asked.text("title").unwrap(), DRAFT);
    let body = asked.text("description").unwrap_or_default();
    let Some(number) = content.open(Pull { head, base, title, body, is_draft, ..Pull::default() }) else {
        let words = ["Another open merge request already exists for this source branch: !1"];
        return (409, json!({"message": words}), None);
    };
    (201, json!({"iid": number, "web_url": page_of(number)}), None)
}

fn change(content: &mut Content, asked: &Asked) -> Reply {
    for name in asked.text("add_labels").iter().flat_map(|names| names.split(',')) {
        content.add_label(asked.number, name);
    }
    written_as_event(content, asked, DRAFT)
}

fn shown(content: &Content, number: usize) -> Value {
    let pull = &content.pulls[number - 1];
    let state = match (pull.merged, &*pull.state) {
        (true, _) => "merged",
        (false, "open") => "opened",
        (false, _) => "closed",
    };
    let labels: Vec<Value> =
        content.label_names(number).into_iter().map(|title| json!({"title": title})).collect();
    json!({
        "iid": number.to_string(),
        "webUrl": page_of(number),
        "state": state,
        "title": drafted(pull, DRAFT),
        "description": pull.body,
        "sourceBranch": pull.head,
        "targetBranch": pull.base,
        "sourceProjectId": if pull.is_foreign { 2 } else { 1 },
        "targetProjectId": 1,
        "labels": {"nodes": labels},
    })
}
