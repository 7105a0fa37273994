//! The forges that ours can be: what each is asked, as a table of operations with the page that describes each, and
//! what it answers.

mod codearts;
mod gitcode;
mod gitea;
mod github;
mod gitlab;
mod life;
mod network;
pub(crate) mod server;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use codearts::CODEARTS;
pub(crate) use gitcode::GITCODE;
pub(crate) use gitea::GITEA;
pub(crate) use github::GITHUB;
pub(crate) use gitlab::GITLAB;

use server::Personality;

pub(crate) const ALL: [&Personality; 5] = [&GITEA, &GITHUB, &GITLAB, &GITCODE, &CODEARTS];

/// What is wrong with a question in `GraphQL`: a word that there is not, a variable without a value or of another type.
/// Aliases are `h` and a number.
fn lacking(query: &str, variables: &Value, words: &[&str]) -> Option<String> {
    let (declared, asked) = query.split_once(')').unwrap();
    let declared: BTreeMap<&str, &str> = declared
        .strip_prefix("query(")
        .unwrap()
        .split(", ")
        .map(|variable| variable.strip_prefix('$').unwrap().split_once(": ").unwrap())
        .collect();
    for (name, kind) in &declared {
        let value = &variables[name];
        let fits = match *kind {
            "String!" | "ID!" => value.is_string(),
            "String" => value.is_string() || value.is_null(),
            "[String!]" => value.as_array().is_some_and(|values| values.iter().all(Value::is_string)),
            _ => false,
        };
        if !fits {
            return Some(format!("${name} is no {kind}: {value}"));
        }
    }
    if let Some(name) = variables.as_object().unwrap().keys().find(|name| !declared.contains_key(&***name)) {
        return Some(format!("${name} is not declared"));
    }
    if asked.matches('{').count() != asked.matches('}').count() {
        return Some("braces do not match".to_owned());
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_$".contains(character);
    let mut names = asked.split(|character| !is_part(character)).filter(|name| !name.is_empty());
    let is_alias =
        |name: &str| name.strip_prefix('h').unwrap_or(name).bytes().all(|byte| byte.is_ascii_digit());
    let is_known = |name: &str| {
        let variable = name.strip_prefix('$');
        variable.map_or_else(|| words.contains(&name) || is_alias(name), |name| declared.contains_key(name))
    };
    names.find(|name| !is_known(name)).map(|name| format!("there is no `{name}`"))
}

#[test]
fn questions_are_looked_at() {
    use serde_json::json;

    let lacks = |query: &str, variables: &Value| lacking(query, variables, &["a", "b"]);
    let good = "query($h0: String!, $c: String) { h0: a(b: $h0, a: $c) { b } }";
    assert_eq!(lacks(good, &json!({"h0": "x"})), None);
    for (query, variables, words) in [
        (good, json!({"h0": 1}), "$h0 is no String!"),
        (good, json!({"h0": "x", "d": 1}), "$d is not declared"),
        ("query($c: String) { a(b: $d) }", json!({}), "there is no `$d`"),
        ("query($c: String) { x }", json!({}), "there is no `x`"),
        ("query($c: String) { a { b }", json!({}), "braces"),
    ] {
        assert!(lacks(query, &variables).unwrap().starts_with(words), "{query}");
    }
}
