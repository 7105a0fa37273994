//! `docs/command-line.md` and `docs/configuration.md`: played, and no flag and no key is missing.

#![cfg(unix)]

use std::collections::BTreeSet;

use cce_fix::cli::Cli;
use cce_fix::config::schema;
use clap::CommandFactory as _;
use serde_json::Value;

use super::fresh;
use super::player::played;
use crate::common::{Folder, repository};

const COMMAND_LINE: &str = "docs/command-line.md";
const CONFIGURATION: &str = "docs/configuration.md";

fn play(page: &str) {
    let text = std::fs::read_to_string(repository().join(page)).unwrap();
    fresh(page, &played(&Folder::new(), "/home/team/shop", &text));
}

fn page(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap()
}

#[test]
fn the_command_line_is_fresh() {
    play(COMMAND_LINE);
}

#[test]
fn the_configuration_is_fresh() {
    play(CONFIGURATION);
}

/// The arguments that the commands of a page use.
fn used(page: &str) -> BTreeSet<&str> {
    let commands = page.lines().filter_map(|line| line.strip_prefix("$ "));
    commands.flat_map(|line| line.split([' ', '=', '|'])).collect()
}

#[test]
fn every_flag_is_shown_at_work() {
    let page = page(COMMAND_LINE);
    let used = used(&page);
    let program = Cli::command();
    let missing: Vec<String> = program
        .get_arguments()
        .filter(|flag| !flag.is_positional())
        .flat_map(|flag| {
            let long = flag.get_long().map(|name| format!("--{name}"));
            long.into_iter().chain(flag.get_short().map(|name| format!("-{name}")))
        })
        .chain(program.get_subcommands().map(|command| command.get_name().to_owned()))
        .filter(|flag| !used.contains(flag.as_str()))
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// The paths of all keys that a schema knows.
fn known(schema: &Value, node: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(target) = node["$ref"].as_str() {
        return known(schema, schema.pointer(target.trim_start_matches('#')).unwrap(), path, found);
    }
    for choice in ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| node[key].as_array()).flatten() {
        known(schema, choice, path, found);
    }
    if !node["items"].is_null() {
        known(schema, &node["items"], path, found);
    }
    for (key, property) in node["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        known(schema, property, &path, found);
        found.insert(path);
    }
}

/// The paths of all keys that a configuration has.
fn written(node: &serde_yaml::Value, path: &str, found: &mut BTreeSet<String>) {
    match node {
        serde_yaml::Value::Mapping(map) => {
            for (key, value) in map {
                let path = format!("{path}.{}", key.as_str().unwrap());
                written(value, &path, found);
                found.insert(path);
            }
        }
        serde_yaml::Value::Sequence(items) => items.iter().for_each(|item| written(item, path, found)),
        _ => {}
    }
}

#[test]
fn every_key_is_shown_at_work() {
    let schema = schema();
    let mut all = BTreeSet::new();
    known(&schema, &schema, "", &mut all);
    let page = page(CONFIGURATION);
    let mut shown = BTreeSet::new();
    for block in page.split("```yaml\n").skip(1).filter(|block| block.starts_with("# .cce-fix.yaml\n")) {
        let text = block.split("```").next().unwrap();
        written(&serde_yaml::from_str(text).unwrap(), "", &mut shown);
    }
    assert!(all.len() > 50, "{all:?}");
    assert_eq!(all.difference(&shown).collect::<Vec<_>>(), [""; 0]);
}
