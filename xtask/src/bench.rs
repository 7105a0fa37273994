//! `cargo xtask bench`: this program and the alternatives in turn on the same files. Each part is a table of
//! `docs/performance.md`.

mod damage;
mod floor;
mod measure;
mod parts;
mod programs;
mod stages;
mod table;
mod workload;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::{read, write};
pub(crate) use floor::floor;
pub(crate) use measure::{one, program};
use parts::{Bench, PARTS, Part};
use programs::Programs;
use workload::Workloads;

/// Files that are measured on stay there for the next run; a few hundred megabytes.
const FOLDER: &str = "cce-fix-bench";

struct Options<'a> {
    parts: Vec<&'static Part>,
    rounds: usize,
    own: Option<&'a str>,
    /// Whether the tables go into the page.
    is_for_page: bool,
}

fn usage() -> String {
    let mut usage = "\
Usage: cargo xtask bench [OPTIONS] [PART]...

  --rounds N        how often each program runs [default: 7]
  --program PATH    the program to measure, in place of the one that `cargo build --release` makes
  --markdown        writes the tables into docs/performance.md

Parts, all of them where none is named:
"
    .to_owned();
    for Part { name, about, .. } in &PARTS {
        // Writing to a String cannot fail.
        let _ = writeln!(usage, "  {name:10} {about}");
    }
    usage
}

fn options<'a>(arguments: &[&'a str]) -> Result<Options<'a>, String> {
    let mut options = Options { parts: Vec::new(), rounds: 7, own: None, is_for_page: false };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().copied().ok_or_else(|| format!("`{argument}` needs a value\n\n{}", usage()));
        match *argument {
            "--rounds" => {
                let rounds = value()?.parse().ok().filter(|rounds| *rounds > 0);
                options.rounds = rounds.ok_or("`--rounds` needs a number")?;
            }
            "--program" => options.own = Some(value()?),
            "--markdown" => options.is_for_page = true,
            name => {
                let part = PARTS.iter().find(|part| part.name == name);
                options.parts.push(part.ok_or_else(|| format!("`{name}` is no part\n\n{}", usage()))?);
            }
        }
    }
    if options.parts.is_empty() {
        options.parts = PARTS.iter().collect();
    }
    Ok(options)
}

/// Measures what `arguments` name.
pub(crate) fn bench(repository: &Path, arguments: &[&str]) -> Result<String, String> {
    let Options { parts, rounds, own, is_for_page } = options(arguments)?;
    let programs = Programs::find(repository, own)?;
    let folder = env::temp_dir().join(FOLDER);
    let folder = fs::create_dir_all(&folder)
        .and_then(|()| folder.canonicalize())
        .map_err(|error| error.to_string())?;
    for missing in &programs.missing {
        crate::print(&format!("NOT MEASURED: {missing}"));
    }
    let bench =
        Bench { programs, workloads: Workloads { folder }, rounds, repository: repository.to_owned() };
    let page: PathBuf = repository.join("docs/performance.md");
    let mut texts = String::new();
    for part in &parts {
        crate::print(&format!("{} ...", part.name));
        let table = (part.run)(&bench)?;
        let text = format!("{}\n{}", circumstances(), table.trim_end());
        if is_for_page {
            write(&page, &table::put(&read(&page)?, part.name, &format!("{text}\n"))?)?;
        }
        let _ = write!(texts, "\n## {}: {}\n\n{text}\n", part.name, part.about);
    }
    for missing in &bench.programs.missing {
        let _ = writeln!(texts, "\nNOT MEASURED: {missing}");
    }
    Ok(texts)
}

/// What a figure depends on beside the program.
fn circumstances() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("Measured at the end of a minute with a load of {load} on {cores} cores.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_asked_for_by_name() {
        let asked = options(&["files", "--rounds", "3", "--markdown"]).unwrap();
        assert_eq!(asked.parts.iter().map(|part| part.name).collect::<Vec<_>>(), ["files"]);
        assert_eq!((asked.rounds, asked.is_for_page, asked.own), (3, true, None));
        assert_eq!(options(&[]).unwrap().parts.len(), PARTS.len());
        for wrong in [&["--rounds"][..], &["--rounds", "0"], &["nothing"]] {
            assert!(options(wrong).is_err(), "{wrong:?}");
        }
    }

    /// The page has a place for each part, and names no other one.
    #[test]
    fn the_page_has_a_place_for_each_part() {
        let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md")).unwrap();
        let marks: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("<!-- cargo xtask bench ")?.strip_suffix(" -->"))
            .collect();
        assert_eq!(marks, PARTS.map(|part| part.name));
    }
}
