//! `cce-fix.schema.json`: what an editor knows of `.cce-fix.yaml`; and the schemas of the JSON reports.

use std::fs;
use std::path::PathBuf;

use cce_fix::config::{Config, FILE_NAME};
use cce_fix::{questions, report};
use serde_json::{Value, json};

use super::fresh;
use crate::common::{Folder, files, repository};

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(&questions::schema()).unwrap()).unwrap()
}

#[test]
fn the_schema_is_fresh() {
    let schema = questions::schema();
    fresh("cce-fix.schema.json", &schema);
    let printed = Folder::new().run(&["config", "schema"]);
    assert_eq!((printed.code, printed.stdout), (Some(0), schema));
}

#[test]
fn the_schemas_of_reports_are_fresh() {
    for (name, schema) in report::schemas() {
        fresh(&format!("docs/{name}"), &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
    }
}

/// Blocks of YAML in a page that are configurations: all their keys are ones of it.
fn examples(page: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(&questions::schema()).unwrap();
    let known = schema["properties"].as_object().unwrap();
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .filter(|block| {
            let data: Option<Value> = serde_yaml::from_str(block).ok();
            let keys = data.as_ref().and_then(Value::as_object);
            keys.is_some_and(|keys| !keys.is_empty() && keys.keys().all(|key| known.contains_key(key)))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_example_fits_the_schema() {
    let validator = validator();
    let mut texts: Vec<(PathBuf, String)> = Vec::new();
    let mut pages = vec![repository().join("README.md")];
    for entry in fs::read_dir(repository().join("docs")).unwrap() {
        pages.push(entry.unwrap().path());
    }
    for page in pages.into_iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        texts.extend(examples(&text).into_iter().map(|example| (page.clone(), example)));
    }
    for path in files(&repository().join("tests/fixtures")) {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let first = text.lines().next().unwrap_or_default();
        if let Some(config) = first.strip_prefix(&format!("# {FILE_NAME}: ")) {
            texts.push((path, config.to_owned()));
        }
    }
    println!("{} examples", texts.len());
    assert!(texts.len() > 3);
    for (path, text) in texts {
        let data: Value = serde_yaml::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&data).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}\n{text}", path.display());
        assert!(Config::parse(&path, &text).is_ok(), "{}\n{text}", path.display());
    }
}

/// The schema and the reader agree about what is a configuration.
#[test]
fn the_schema_takes_what_the_program_takes() {
    let validator = validator();
    for (config, is_right) in [
        (json!({}), true),
        (json!({"profile": "cce", "target": "1.28", "safe": true, "keep-explicit": false}), true),
        (json!({"select": ["card", "host-pid"], "ignore": ["resources"]}), true),
        (
            json!({"transforms": {"resources": {"cpu": 1, "memory": "1Gi", "ratio": 2, "cpu-limit": false}}}),
            true,
        ),
        (json!({"transforms": {"run-as-user": {"uid": 10001, "policy": "image"}}}), true),
        (json!({"transforms": {"all": {"include-system": true, "generate-to": "out"}}}), true),
        (
            json!({"transforms": {"api-server-access": {"address": "192.168.0.5", "node-script": "vpc", "container-cidr": "10.0.0.0/16"}}}),
            true,
        ),
        (json!({"pr": {"forge": "gitea", "group-by": "directory", "max-open": 3, "draft": false}}), true),
        (json!({"pr": {"forge": "gitae"}}), false),
        (json!({"pr": {"group-by": "levels"}}), false),
        (json!({"profile": "strict"}), false),
        (json!({"profle": "cce"}), false),
        (json!({"target": 1.30}), false),
        (json!({"target": "latest"}), false),
        (json!({"transforms": {"resources": {"ratio": 0.5}}}), false),
        (json!({"transforms": {"resources": {"cpu-limits": true}}}), false),
        (json!({"transforms": {"metadata-access": {"container-cidr": "10.0.0.0"}}}), false),
    ] {
        let text = config.to_string();
        let read = Config::parse(FILE_NAME.as_ref(), &text);
        assert_eq!(read.is_ok(), is_right, "{text}: {read:?}");
        assert_eq!(validator.is_valid(&config), is_right, "{text}");
    }
    assert!(!validator.is_valid(&json!({"select": ["capabilites"]})));
}
