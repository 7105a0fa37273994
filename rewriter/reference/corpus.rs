//! Real files, from the folder beside the repository where it is present.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;

/// The reasons for which documents of real files are refused. Each such file is a template: `{{ x }}` is a map
/// as a key to every reader of YAML.
const REFUSALS: &[RefusalName] = &["collection key"];

/// The folder of real manifests, if there is one.
pub(super) fn folder() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if !path.is_dir() {
        println!("no corpus beside the repository: nothing compared");
        return None;
    }
    Some(path)
}

/// Every file of YAML or JSON below `folder`, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path
            .extension()
            .is_some_and(|ext| ["yaml", "yml", "json"].iter().any(|known| ext == *known))
        {
            found.push(path);
        }
    }
    found
}

/// The text of every file below `folder` that has one, with its path.
#[expect(clippy::disallowed_methods, reason = "a test reads the files that it is about")]
pub(super) fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for path in files(folder) {
        let bytes = std::fs::read(&path).unwrap();
        if let Ok(text) = crate::decode(&bytes) {
            texts.push((path.strip_prefix(folder).unwrap().display().to_string(), text.to_owned()));
        }
    }
    texts
}

#[test]
fn real_files_read_as_libyaml_reads_them() {
    let Some(corpus) = folder() else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, text) in texts(&corpus) {
        let verdict = compare(&text);
        let meant = match &verdict {
            Verdict::Same | Verdict::BothRefuse => true,
            Verdict::WeRefuse(reason) => REFUSALS.contains(reason) && text.contains("{{"),
            // The port of libyaml panics at the end of such a file.
            Verdict::NoOpinion => !text.ends_with('\n'),
            Verdict::WeFail(_) | Verdict::TheyFail(_) | Verdict::Different(_) => false,
        };
        assert!(meant, "{path}: {verdict:?}");
        *counts.entry(verdict.name()).or_default() += 1;
    }
    println!("{counts:?}");
    assert!(counts["same"] > 2000 && counts["we refuse"] < 20, "{counts:?}");
}
