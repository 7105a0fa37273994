//! Pages that are played: their files are written and their commands run, in their order, in a folder.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::common::{Folder, Ran};

/// Runs a line as a person would type it, and gives back what they would see. The folder is called `home`.
pub(super) fn run(folder: &Folder, home: &str, line: &str) -> String {
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
    format!("{exit}{}", ran.stdout.replace(here.to_str().unwrap(), home))
}

/// The page with what its commands print now: files with their name in a first line are written, commands are run,
/// both in the order of the page.
pub(super) fn played(folder: &Folder, home: &str, page: &str) -> String {
    played_by(page, &|line| run(folder, home, line), &|name, text| folder.write(name, text))
}

/// The same, where commands are run and files written in another way.
pub(super) fn played_by(page: &str, run: &dyn Fn(&str) -> String, write: &dyn Fn(&str, &[u8])) -> String {
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
            other => panic!("{other} is neither run nor written"),
        }
        new.push_str("```\n");
    }
    new
}
