//! `docs/adopting.md`: its configurations are written and its commands run, in their order, in a copy of the
//! repository that it is about.

#![cfg(unix)]

use std::path::Path;

use super::fresh;
use super::player::{played, run};
use crate::common::{Folder, corpus, not_tried, repository};

const PAGE: &str = "docs/adopting.md";

/// What the copy is called on the page.
const HOME: &str = "/home/team/argo-cd";

fn copy(from: &Path, to: &Folder) {
    let mut folders = vec![from.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(from).unwrap().to_str().unwrap();
                to.write(name, &std::fs::read(&path).unwrap());
            }
        }
    }
}

#[test]
fn adopting_is_fresh() {
    let Some(corpus) = corpus() else {
        not_tried(&format!("{PAGE} was not run: no corpus beside the repository"));
        return;
    };
    let page = std::fs::read_to_string(repository().join(PAGE)).unwrap();
    let folder = Folder::new();
    copy(&corpus.join("argoproj__argo-cd"), &folder);
    run(&folder, HOME, "git init -q -b main && git add -A && git commit -qm 'as it was'");
    let played = played(&folder, HOME, &page);
    assert!(played.contains("$ cce-fix --check --strict .\n") && played.len() > 4000);
    // What the page is about: in the end nothing is left.
    assert_eq!(run(&folder, HOME, "cce-fix --check --strict -q ."), "");
    fresh(PAGE, &played);
}
