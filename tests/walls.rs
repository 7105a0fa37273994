//! The walls between the crates that no lint can hold.

use std::fs;
use std::path::Path;

use crate::common::repository;

/// The Rust files of a crate with their code, tests cut off.
fn code(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&repository().join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has no code");
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["tests", "target", "reference"].contains(&name.as_str()) {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !["tests.rs", "reference.rs"].contains(&name.as_str())
        {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
            found.push((path.display().to_string(), code));
        }
    }
}

#[track_caller]
fn lacks(folder: &str, words: &[&str]) {
    for (path, code) in code(folder) {
        for (number, line) in code.lines().enumerate() {
            let line = line.to_lowercase();
            for word in words {
                assert!(!line.contains(word), "{path}:{}: `{word}` does not belong here", number + 1);
            }
        }
    }
}

#[test]
fn the_rewriter_has_no_word_of_kubernetes() {
    lacks(
        "rewriter",
        &["kube", "k8s", "pod", "container", "workload", "securitycontext", "deployment", "transforms"],
    );
}

#[test]
fn the_transforms_have_no_byte_arithmetic() {
    lacks(
        "transforms",
        &[
            ".span()",
            ".source()",
            ".offset",
            "as_bytes().get",
            "cce_fix",
            "std::fs",
            "std::thread",
            "exitcode",
            "\\x1b",
        ],
    );
}

#[test]
fn the_crates_depend_in_one_direction() {
    let manifest = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let own = |text: &str| text.split("[dev-dependencies]").next().unwrap_or_default().to_owned();
    for foreign in ["transforms", "k8s-openapi", "serde", "clap", "rayon"] {
        assert!(
            !own(&manifest("rewriter/Cargo.toml")).contains(&format!("\n{foreign}")),
            "rewriter knows {foreign}"
        );
    }
    for foreign in ["cce-fix =", "clap", "rayon", "ignore", "similar", "anstream", "tempfile"] {
        assert!(
            !own(&manifest("transforms/Cargo.toml")).contains(&format!("\n{foreign}")),
            "transforms knows {foreign}"
        );
    }
}

#[test]
fn main_is_a_page() {
    assert!(fs::read_to_string(repository().join("src/main.rs")).unwrap().lines().count() < 80);
}
