//! Chores of this repository: `cargo xtask`.

mod bench;
mod fuzz;
#[path = "../../tests/generate.rs"]
mod generate;
mod instructions;
mod release;
mod sbom;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const USAGE: &str = "\
Usage: cargo xtask <CHORE>

  new-transform ID    the file, the line in transforms/lib.rs and the first fixtures of a transform
  docs                writes the generated pages of docs/ and the schemas anew
  fuzz [OPTIONS]      makes cases at random and tries the laws on them; `--help` tells the options
  bench [OPTIONS] [PART]...
                      this program and the alternatives in turn on the same files; `--help` tells the parts
  instructions        compares the instructions for each byte with the record; `--record` writes it anew
  release             the static program, its checksum and the list of what is in it, in target/dist
  release --twice     the same, built a second time in another folder, and compared
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["new-transform", id] => new_transform(&repository(), id),
        ["docs"] => docs(&repository()),
        ["fuzz", options @ ..] => fuzz::fuzz(&repository(), options),
        ["bench", arguments @ ..] => bench::bench(&repository(), arguments),
        ["bench-one", "--", command @ ..] => return plain(bench::one(command)),
        ["bench-floor", what, list] => return plain(bench::floor(what, list)),
        ["instructions", arguments @ ..] => instructions::instructions(&repository(), arguments),
        ["release"] => release::release(&repository(), false),
        ["release", "--twice"] => release::release(&repository(), true),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(message) => {
            print(&message);
            ExitCode::SUCCESS
        }
        Err(message) => {
            print(&message);
            ExitCode::from(2)
        }
    }
}

/// For the harness, which reads it.
#[expect(clippy::print_stdout, reason = "what the harness reads")]
fn plain(done: Result<String, String>) -> ExitCode {
    match done {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            print(&message);
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a chore tells the person who runs it what it did")]
fn print(message: &str) {
    eprintln!("{message}");
}

/// Where cargo puts what it builds.
fn target(repository: &Path) -> PathBuf {
    variable("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "a chore finds its way by what cargo and the shell are told")]
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes the skeleton of a transform.
fn new_transform(repository: &Path, id: &str) -> Result<String, String> {
    let is_id = !id.is_empty()
        && id.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
    if !is_id {
        return Err(format!("`{id}` is no id: the Kubernetes field in kebab-case, such as `host-pid`"));
    }
    let module = id.replace('-', "_");
    let name: String = id.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    let file = repository.join("transforms").join(format!("{module}.rs"));
    if file.exists() {
        return Err(format!("{} is there already", file.display()));
    }
    let lib = repository.join("transforms/lib.rs");
    let text = read(&lib)?;
    let list_end = text.find("\n];").ok_or("transforms/lib.rs has no list ALL")?;
    let text = format!("{}\n    &{module}::{name},{}", &text[..list_end], &text[list_end..]);
    let line = format!("mod {module};");
    // The modules are in the order of their names.
    let is_later = |text: &str| {
        text.trim_start_matches("pub ").starts_with("mod ") && text.trim_start_matches("pub ") > line.as_str()
    };
    let before = text.lines().find(|text| is_later(text)).ok_or("transforms/lib.rs has no modules")?;
    let text = text.replacen(&format!("\n{before}\n"), &format!("\n{line}\n{before}\n"), 1);
    write(&file, &SKELETON.replace("{{id}}", id).replace("{{name}}", &name))?;
    write(&lib, &text)?;
    for case in ["bad.plain.yaml", "ok.plain.yaml"] {
        write(&repository.join("tests/fixtures").join(id).join(case), FIXTURE)?;
    }
    Ok(format!(
        "transforms/{module}.rs, its line in transforms/lib.rs and tests/fixtures/{id} are written; now fill them"
    ))
}

/// Has the tests of the documentation write what they would compare.
#[expect(clippy::disallowed_methods, reason = "a chore runs the tests of this repository")]
fn docs(repository: &Path) -> Result<String, String> {
    // Without what else is measured: the README's commands are run and compared, never written.
    for [binary, tests] in [["main", "fresh"], ["faults", "files_are_old_or_new"]] {
        let status = Command::new(env!("CARGO"))
            .args(["test", "--package", "cce-fix", "--test", binary, tests, "--", "--quiet"])
            .env("UPDATE_DOCS", "1")
            .current_dir(repository)
            .status()
            .map_err(|error| format!("cargo cannot be run: {error}"))?;
        if !status.success() {
            return Err("the tests of the documentation failed".to_owned());
        }
    }
    Ok("the generated pages of docs/ and the schemas are fresh".to_owned())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "a chore writes files of this repository")]
fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

const FIXTURE: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: plain
spec:
  containers:
  - name: main
    image: registry.example.com/main:1
";

const SKELETON: &str = r#"use crate::context::Context;
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// What an attacker gains, in one sentence.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// ```
    ///
    /// becomes
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// ```
    ///
    /// ## Safety
    ///
    /// What may break, at which level, and when it stays silent.
    pub(crate) struct {{name}} {
        id: "{{id}}",
        title: "what is wrong",
        category: Category::Privilege,
        severity: Severity::Medium,
        pages: &[],
        pod_security: &[],
        profiles: &[Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "what the program or `kubectl` says where a fix of level review was a wrong guess",
        undo: "how to undo or to tune such a fix; without one of that level this block goes",
    }
}

impl Transform for {{name}} {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.each_container(&Self::META, &[], |_| Ok(Outcome::Satisfied))
    }
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_transform_is_a_file_two_lines_and_fixtures() {
        let folder = tempfile::tempdir().unwrap();
        let lib = fs::read_to_string(repository().join("transforms/lib.rs")).unwrap();
        write(&folder.path().join("transforms/lib.rs"), &lib).unwrap();
        new_transform(folder.path(), "share-process-namespace").unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let new = read("transforms/lib.rs");
        let added: Vec<&str> = new.lines().filter(|line| line.contains("share_process_namespace")).collect();
        let last = "    &share_process_namespace::ShareProcessNamespace,";
        assert_eq!(added, ["mod share_process_namespace;", last]);
        assert_eq!(new.lines().count(), lib.lines().count() + 2);
        let up_to_its_end = new.split("\n];").next().unwrap();
        assert!(up_to_its_end.ends_with(last), "{up_to_its_end}");
        let modules: Vec<&str> = new
            .lines()
            .map(|line| line.trim_start_matches("pub "))
            .filter(|line| line.starts_with("mod ") && line.ends_with(';'))
            .collect();
        assert!(modules.is_sorted(), "{modules:?}");
        let file = read("transforms/share_process_namespace.rs");
        assert!(file.contains("id: \"share-process-namespace\"") && !file.contains("{{"), "{file}");
        for case in ["bad.plain.yaml", "ok.plain.yaml"] {
            assert!(
                read(&format!("tests/fixtures/share-process-namespace/{case}")).starts_with("apiVersion")
            );
        }
        assert!(
            new_transform(folder.path(), "share-process-namespace").unwrap_err().contains("there already")
        );
        assert!(new_transform(folder.path(), "Share").unwrap_err().contains("is no id"));
    }

    /// What the page shows is what the chore makes, as far as it makes it.
    #[test]
    fn the_page_about_it_goes_by_the_same_names() {
        let page = fs::read_to_string(repository().join("docs/adding-a-transform.md")).unwrap();
        for words in [
            "cargo xtask new-transform share-process-namespace",
            "pub(crate) struct ShareProcessNamespace {",
            "cargo xtask docs",
        ] {
            assert!(page.contains(words), "{words}");
        }
        for line in SKELETON.lines().filter(|line| line.starts_with("impl ") || line.starts_with("    fn ")) {
            let line = line.replace("{{name}}", "ShareProcessNamespace");
            assert!(page.contains(&line), "{line}");
        }
    }
}
