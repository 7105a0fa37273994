//! `cce-fix config show`: every decision as it holds, and where it comes from.

use std::fmt::Write as _;
use std::path::Path;

use rewriter::{Node, Stream};
use serde_yaml::{Mapping, Value};

use super::file::Target;
use super::{Config, Decisions};

/// A value of the tree, as a line tells it.
struct Line {
    key: String,
    value: String,
    origin: Option<String>,
}

/// The decisions as a configuration that would lead to them, each with its origin in a comment.
pub fn show(decisions: &Decisions) -> String {
    let written =
        decisions.source.as_deref().and_then(|path| Some((path, std::fs::read_to_string(path).ok()?)));
    let stream = written.as_ref().and_then(|(_, text)| Stream::scan(text).ok());
    let root = stream.as_ref().and_then(|stream| stream.document(0)?.root());
    let path = decisions.source.as_deref();
    let mut lines = Vec::new();
    tell(&effective(decisions), root, path, 0, &mut lines);
    let head = path.map_or_else(
        || "# no configuration file: everything is as it is by default\n".to_owned(),
        |path| format!("# {}\n", path.display()),
    );
    lines.iter().fold(head, |mut text, Line { key, value, origin }| {
        let origin = origin.as_deref().map(|origin| format!("  # {origin}")).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key}:{}{value}{origin}", if value.is_empty() { "" } else { " " });
        text
    })
}

/// The configuration with what holds where it says nothing.
fn effective(Decisions { config, settings, .. }: &Decisions) -> Mapping {
    let whole = Config {
        profile: Some(settings.profile),
        target: Some(Target(settings.target)),
        safe: Some(settings.safe),
        keep_explicit: Some(settings.keep_explicit),
        ..config.clone()
    };
    match serde_yaml::to_value(&whole) {
        Ok(Value::Mapping(mapping)) => mapping,
        _ => Mapping::new(),
    }
}

fn tell(
    mapping: &Mapping,
    written: Option<Node<'_>>,
    path: Option<&Path>,
    depth: usize,
    lines: &mut Vec<Line>,
) {
    for (key, value) in mapping {
        let Some(name) = key.as_str() else { continue };
        let node = written.and_then(|node| node.get(name));
        let key = format!("{:indent$}{name}", "", indent = depth * 2);
        if let Value::Mapping(inner) = value
            && depth < 2
        {
            lines.push(Line { key, value: String::new(), origin: None });
            tell(inner, node, path, depth + 1, lines);
            continue;
        }
        let origin = match (node, path) {
            (Some(node), Some(path)) => format!("{}:{}", path.display(), node.position().line),
            _ => "default".to_owned(),
        };
        lines.push(Line { key, value: inline(value), origin: Some(origin) });
    }
}

/// On one line, as JSON, which is YAML too; plain where that says the same.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        _ => serde_json::to_string(value).unwrap_or_default(),
    }
}

/// Whether text stays text without quotes.
fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-./".contains(&byte))
        && matches!(serde_yaml::from_str(text), Ok(Value::String(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;

    #[test]
    fn what_holds_is_a_configuration_that_leads_to_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".cce-fix.yaml");
        let text = "# ours\nprofile: restricted\ntransforms:\n  resources:\n    cpu: 1\n    ratio: 2\n  host-path: {empty-dir: [/tmp]}\n";
        for text in ["", text] {
            #[expect(clippy::disallowed_methods, reason = "the test's own folder")]
            std::fs::write(&file, text).unwrap();
            let decisions = Decisions::read(&file, &Flags::default()).unwrap();
            let shown = show(&decisions);
            let again = Decisions::parse(&file, &shown, &Flags::default()).unwrap();
            assert_eq!(effective(&again), effective(&decisions), "{shown}");
            let place = file.display();
            for (line, is_written) in [
                (format!("profile: restricted  # {place}:2\n"), true),
                (format!("    cpu: \"1\"  # {place}:5\n"), true),
                (format!("    empty-dir: [\"/tmp\"]  # {place}:7\n"), true),
                ("profile: cce  # default\n".to_owned(), false),
                ("    ratio: 1.5  # default\n".to_owned(), false),
            ] {
                assert_eq!(shown.contains(&line), is_written != text.is_empty(), "{line}: {shown}");
            }
            assert!(
                shown.contains("target: \"1.28\"  # default\n")
                    && shown.contains("    uid: 1000  # default\n"),
                "{shown}"
            );
        }
    }
}
