//! Reports, held against the published schemas and the real readers of their formats.

pub(crate) mod clients;
mod forms;
mod hostile;
mod places;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::Folder;

/// All forms by name.
const FORMATS: [&str; 10] =
    ["full", "concise", "json", "jsonl", "sarif", "github", "gitlab", "junit", "rdjson", "markdown"];

/// Manifests with safe and review fixes, things left, a broken file, and shared pieces of text.
fn shop() -> Folder {
    let folder = Folder::new();
    let examples = crate::common::repository().join("examples");
    for path in crate::common::files(&examples) {
        let name = path.strip_prefix(&examples).unwrap().to_str().unwrap().to_owned();
        folder.write(&name, &std::fs::read(&path).unwrap());
    }
    folder.write("broken.yaml", b"apiVersion: v1\nkind: Pod\nspec:\n\t- a\n");
    folder.write(
        "agent.yaml",
        b"apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent, namespace: kube-system}\nspec:\n  \
          template:\n    spec:\n      containers:\n      - {name: agent, image: r.io/agent}\n",
    );
    folder
}

/// Runs with a report of each form and gives them back by name.
fn reports(folder: &Folder, args: &[&str]) -> BTreeMap<&'static str, String> {
    let wanted: Vec<String> = FORMATS.iter().map(|format| format!("-o{format}=out.{format}")).collect();
    let mut all: Vec<&str> = wanted.iter().map(String::as_str).collect();
    all.extend(args);
    let ran = folder.run(&all);
    assert!(matches!(ran.code, Some(0..=2)) && !ran.stderr.contains("panic"), "{ran:?}");
    FORMATS
        .iter()
        .map(|format| {
            let name = format!("out.{format}");
            let text = folder.read(&name);
            std::fs::remove_file(folder.path().join(name)).unwrap();
            (*format, text)
        })
        .collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn schema(name: &str) -> jsonschema::Validator {
    let text = std::fs::read_to_string(crate::common::repository().join(name)).unwrap();
    jsonschema::validator_for(&json(&text)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[track_caller]
fn holds(schema: &jsonschema::Validator, value: &Value) {
    let errors: Vec<String> =
        schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}
