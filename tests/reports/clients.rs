//! Reports as programs of others read them: reviewdog, and a reader of `JUnit`'s XML.
//!
//! Each is fetched once for its version, into a folder outside the repository. Where that cannot be, these tests say
//! so on stderr and try nothing; with `CCE_FIX_REQUIRE_CLIENTS` set, as `.ci/run` sets it, they fail instead.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::{json, list, reports, shop, text};
use crate::common;

const REVIEWDOG: &str = "0.21.0";
const JUNITPARSER: &str = "5.0.3";

pub(crate) fn not_tried(what: &str, why: &str) {
    assert!(std::env::var_os("CCE_FIX_REQUIRE_CLIENTS").is_none(), "{what}: {why}");
    common::not_tried(&format!("nothing was given to {what}: {why}"));
}

fn cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let cache = variable("CCE_FIX_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("cce-fix-tests")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/cce-fix-tests")))
        .unwrap_or_else(std::env::temp_dir);
    std::fs::create_dir_all(&cache).unwrap();
    cache
}

/// The program at `path`, made by `commands` in a fresh folder where it is not there yet.
pub(crate) fn client(
    what: &str,
    folder: &str,
    path: &str,
    commands: impl Fn(&std::path::Path) -> Vec<Command>,
) -> Option<PathBuf> {
    let home = cache().join(folder);
    if home.join(path).is_file() {
        return Some(home.join(path));
    }
    for mut command in commands(&home) {
        match command.output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                not_tried(what, &String::from_utf8_lossy(&output.stderr));
                return None;
            }
            Err(error) => {
                not_tried(what, &error.to_string());
                return None;
            }
        }
    }
    Some(home.join(path))
}

fn reviewdog() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        client("reviewdog", &format!("reviewdog-{REVIEWDOG}"), "reviewdog", |home| {
            let mut go = Command::new("go");
            let module = format!("github.com/reviewdog/reviewdog/cmd/reviewdog@v{REVIEWDOG}");
            go.args(["install", &module]).env("GOBIN", home).current_dir(std::env::temp_dir());
            vec![go]
        })
    };
    MADE.get_or_init(make).clone()
}

/// The folder of programs of a package from `PyPI`, in an environment of its own.
pub(crate) fn from_pypi(package: &str, version: &str) -> Option<PathBuf> {
    let ready = client(package, &format!("{package}-{version}"), "bin/ready", |home| {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(home);
        let mut pip = Command::new(home.join("bin/python"));
        pip.args(["-m", "pip", "install", "-q", &format!("{package}=={version}")]);
        let mut ready = Command::new("cp");
        ready.arg(home.join("bin").join(package)).arg(home.join("bin/ready"));
        vec![venv, pip, ready]
    })?;
    ready.parent().map(Into::into)
}

fn python() -> Option<PathBuf> {
    from_pypi("junitparser", JUNITPARSER).map(|folder| folder.join("python"))
}

#[test]
fn reviewdog_reads_every_diagnostic_with_its_suggestion() {
    let Some(reviewdog) = reviewdog() else { return };
    let folder = shop();
    // Filters look at a repository, although none of them is asked for here.
    folder.succeed("git", &["init", "-q"], b"");
    let report = reports(&folder, &["--check", "."])["rdjson"].clone();
    let given = json(&report);
    let program = reviewdog.to_str().unwrap();
    let args = ["-f=rdjson", "-reporter=rdjsonl", "-filter-mode=nofilter", "-diff=git diff"];
    let read = folder.succeed(program, &args, report.as_bytes());
    let read: Vec<serde_json::Value> = read.lines().map(json).collect();
    assert_eq!(read.len(), list(&given["diagnostics"]).len());
    for (read, given) in read.iter().zip(list(&given["diagnostics"])) {
        assert_eq!(read["message"], given["message"]);
        assert_eq!(read["location"]["path"], given["location"]["path"]);
        assert_eq!(read["location"]["range"]["start"]["line"], given["location"]["range"]["start"]["line"]);
        assert_eq!(read["suggestions"], given["suggestions"]);
        assert_eq!(read["severity"], given["severity"]);
    }
    assert!(read.iter().any(|read| read["suggestions"].is_array()));
}

#[test]
fn reviewdog_reads_sarif_too() {
    let Some(reviewdog) = reviewdog() else { return };
    let folder = shop();
    folder.succeed("git", &["init", "-q"], b"");
    let report = reports(&folder, &["--check", "."])["sarif"].clone();
    let results = json(&report)["runs"][0]["results"].clone();
    let args = ["-f=sarif", "-reporter=rdjsonl", "-filter-mode=nofilter", "-diff=git diff"];
    let read = folder.succeed(reviewdog.to_str().unwrap(), &args, report.as_bytes());
    let read: Vec<serde_json::Value> = read.lines().map(json).collect();
    assert_eq!(read.len(), list(&results).len());
    for (read, given) in read.iter().zip(list(&results)) {
        assert_eq!(read["code"]["value"], given["ruleId"]);
        assert_eq!(read["message"], given["message"]["text"]);
    }
}

#[test]
fn a_reader_of_junit_counts_the_same() {
    let Some(python) = python() else { return };
    let folder = shop();
    let reports = reports(&folder, &["--check", "."]);
    folder.write("report.xml", reports["junit"].as_bytes());
    let script = "import junitparser as j, json\n\
                  x = j.JUnitXml.fromfile('report.xml')\n\
                  print(json.dumps([x.tests, x.failures, x.errors, \
                  [[c.classname, c.name, [r.message for r in c.result]] for s in x for c in s]]))";
    let read = json(&folder.succeed(python.to_str().unwrap(), &["-c", script], b""));
    let report = json(&reports["json"]);
    let (findings, problems) = (list(&report["findings"]), list(&report["problems"]));
    assert_eq!(read[0], findings.len() + problems.len());
    assert_eq!(read[2], problems.len());
    for (case, finding) in list(&read[3]).iter().zip(findings) {
        assert_eq!(case[0], finding["file"]);
        assert!(text(&case[1]).starts_with(text(&finding["id"])), "{case} {finding}");
        let failed = finding["state"] == "fixed" || finding["needsPerson"] == true;
        let expected = if failed { serde_json::json!([finding["message"]]) } else { serde_json::json!([]) };
        assert_eq!(case[2], expected);
    }
}
