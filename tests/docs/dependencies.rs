//! `docs/dependencies.md`: what is used of others, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use super::{fresh, row};
use crate::common::repository;

/// A dependency as a manifest lists it.
#[derive(Debug)]
struct Listed {
    name: String,
    /// The comment above it, in one line; of several in a row without a comment between them, that of the first.
    reason: String,
    is_ours: bool,
    from_workspace: bool,
}

/// The dependencies of a manifest by section.
fn listed(manifest: &str) -> BTreeMap<String, Vec<Listed>> {
    let mut sections: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    let (mut section, mut reason, mut commented) = (String::new(), String::new(), false);
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
            reason.clear();
        } else if let Some(comment) = line.strip_prefix('#') {
            if !commented {
                reason.clear();
            }
            reason.extend([if reason.is_empty() { "" } else { " " }, comment.trim()]);
        } else if let Some((name, value)) = line.split_once('=').filter(|_| section.ends_with("dependencies"))
        {
            let name = name.trim();
            sections.entry(section.clone()).or_default().push(Listed {
                name: name.trim_end_matches(".workspace").to_owned(),
                reason: reason.clone(),
                is_ours: value.contains("path =")
                    || ["rewriter", "transforms"].contains(&name.trim_end_matches(".workspace")),
                from_workspace: name.ends_with(".workspace"),
            });
        } else {
            reason.clear();
        }
        commented = line.starts_with('#');
    }
    sections
}

#[test]
fn the_page_of_dependencies_is_fresh() {
    let manifest = |path: &str| listed(&fs::read_to_string(repository().join(path)).unwrap());
    let workspace = manifest("Cargo.toml").remove("workspace.dependencies").unwrap();
    let shared: BTreeMap<&str, &str> =
        workspace.iter().map(|listed| (listed.name.as_str(), listed.reason.as_str())).collect();
    let mut page = "\
# Dependencies

What is used of others, and why.
Made from the comments in each `Cargo.toml`; `cargo xtask docs` writes it anew, and a test fails where one has no reason.

`Cargo.lock` pins all of them, with checksums.
`deny.toml` says what may be among them: licences, registries, no crate twice, none with a known weakness (`cargo deny --locked check`).
`cargo xtask release` writes the list of what is in the program beside it, as CycloneDX.
`cargo xtask release --twice` builds the program again, in another folder, and fails unless it is the same file: no path and no time is in it.
None of our crates has `unsafe` in it: `unsafe_code = \"forbid\"` holds for the whole workspace.
"
    .to_owned();
    for (folder, what) in [
        ("", "The program"),
        ("transforms/", "`transforms`"),
        ("rewriter/", "`rewriter`"),
        ("xtask/", "`xtask`, the chores; not in the program"),
        ("fuzz/", "`fuzz`; not in the program"),
    ] {
        let sections = manifest(&format!("{folder}Cargo.toml"));
        for (section, heading) in [
            ("dependencies", ""),
            ("build-dependencies", ", its build script"),
            ("dev-dependencies", ", tests and benchmarks"),
        ] {
            let Some(listed) = sections.get(section) else { continue };
            write!(page, "\n## {what}{heading}\n\n| crate | why |\n| --- | --- |\n").unwrap();
            for Listed { name, reason, is_ours, from_workspace } in listed {
                let shared = shared.get(name.as_str()).copied().unwrap_or_default();
                let reason = if *from_workspace && reason.is_empty() { shared } else { reason };
                assert!(!reason.is_empty(), "{folder}Cargo.toml gives no reason for {name}");
                if !is_ours {
                    page += &row(&[&format!("`{name}`"), reason]);
                }
            }
        }
    }
    fresh("docs/dependencies.md", &page);
}
