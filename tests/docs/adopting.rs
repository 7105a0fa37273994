//! `docs/adopting.md`: its configurations are written and its commands run, in their order, in a copy of the
//! repository that it is about.

#![cfg(unix)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::fresh;
use crate::common::{Folder, Ran, corpus, not_tried, repository};

const PAGE: &str = "docs/adopting.md";

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

/// Runs a line as a person would type it, and gives back what they would see.
fn run(folder: &Folder, line: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_cce-fix")).parent().unwrap().to_owned();
    let old = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&old))).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{line}")]).current_dir(folder.path()).env("PATH", path);
    // The second of January 2026, by nobody in particular.
    shell.env("SOURCE_DATE_EPOCH", "1767355200").env("LC_ALL", "C").env("COLUMNS", "100");
    shell.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        shell.env(format!("GIT_{role}_NAME"), "team").env(format!("GIT_{role}_EMAIL"), "team@example.com");
    }
    let ran = Ran::of(&mut shell, b"");
    let code = ran.code.unwrap();
    let exit = if code == 0 { String::new() } else { format!("? {code}\n") };
    let here = folder.path().canonicalize().unwrap();
    format!("{exit}{}", ran.stdout.replace(here.to_str().unwrap(), "/home/team/argo-cd"))
}

/// The page with what its commands print now, once its files are written.
pub(super) fn played(
    name: &str,
    page: &str,
    run: &dyn Fn(&str) -> String,
    write: &dyn Fn(&str, &[u8]),
) -> String {
    let page_name = name;
    let mut new = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let _ = writeln!(new, "{line}");
        if !line.starts_with("```") {
            continue;
        }
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match line {
            "```console" => {
                for command in block.iter().filter_map(|line| line.strip_prefix("$ ")) {
                    let _ = write!(new, "$ {command}\n{}", run(command));
                }
            }
            "```yaml" => {
                let (name, text) = block.split_first().unwrap();
                let name = name.strip_prefix("# ").unwrap_or_else(|| panic!("a file without a name: {name}"));
                write(name, (text.join("\n") + "\n").as_bytes());
                let _ = writeln!(new, "{}", block.join("\n"));
            }
            other => panic!("{page_name}: {other} is neither run nor written"),
        }
        new.push_str("```\n");
    }
    new
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
    run(&folder, "git init -q -b main && git add -A && git commit -qm 'as it was'");
    let played = played(PAGE, &page, &|line| run(&folder, line), &|name, text| folder.write(name, text));
    assert!(played.contains("$ cce-fix --check --strict .\n") && played.len() > 4000);
    // What the page is about: in the end nothing is left.
    assert_eq!(run(&folder, "cce-fix --check --strict -q ."), "");
    fresh(PAGE, &played);
}
