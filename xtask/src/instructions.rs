//! `cargo xtask instructions`: how many instructions the program takes for each byte. That is the same on a busy
//! machine and an idle one, so that a change which makes it slower does not land unseen.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::bench::program;
use crate::{generate, read, write};

/// What was recorded, a line each: a name, and instructions for each byte.
const RECORD: &str = "benches/instructions.txt";

/// In percent; hashes are seeded at random, which makes less than one.
const MARGIN: f64 = 5.0;

/// What is counted: the arguments of the program, and what it looks at.
const COUNTED: [(&str, &[&str], Input); 5] = [
    ("check", &["--check"], Input::Documents),
    ("check-fixed", &["--check"], Input::Fixed),
    ("check-list", &["--check"], Input::List),
    ("diff", &["--diff"], Input::Documents),
    ("pss", &["pss"], Input::Documents),
];

#[derive(Clone, Copy, PartialEq)]
enum Input {
    Documents,
    /// The same when all is fixed.
    Fixed,
    /// One document of pods in JSON.
    List,
}

/// Compares with the record; `--record` writes it anew.
pub(crate) fn instructions(repository: &Path, arguments: &[&str]) -> Result<String, String> {
    let (is_recording, own) = match arguments {
        [] => (false, None),
        ["--record"] => (true, None),
        ["--program", own] => (false, Some(*own)),
        ["--record", "--program", own] => (true, Some(*own)),
        _ => return Err("Usage: cargo xtask instructions [--record] [--program PATH]".to_owned()),
    };
    if program("valgrind").arg("--version").output().is_err() {
        return Err("NOT COUNTED: `valgrind` is missing".to_owned());
    }
    let own = match own {
        Some(own) => Path::new(own).canonicalize().map_err(|error| format!("{own}: {error}"))?,
        None => build(repository)?,
    };
    let counts = count(&own)?;
    let path = repository.join(RECORD);
    let record = read(&path).or_else(|error| if is_recording { Ok(String::new()) } else { Err(error) })?;
    if is_recording {
        let head = record.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n"));
        let lines = counts.iter().map(|(name, count)| format!("{name} {count:.1}\n"));
        write(&path, &head.chain(lines).collect::<String>())?;
        return Ok(format!("{RECORD} is written"));
    }
    compare(&record, &counts)
}

/// The program as `.ci/run` has it already: the optimisation across crates takes minutes, and what it brings is no
/// part of a change.
fn build(repository: &Path) -> Result<PathBuf, String> {
    let mut cargo = program(env!("CARGO"));
    cargo.args(["build", "--release", "--quiet", "--package", "cce-fix"]).current_dir(repository);
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    match cargo.status() {
        Ok(status) if status.success() => {}
        _ => return Err("the program cannot be built".to_owned()),
    }
    Ok(crate::target(repository).join("release/cce-fix"))
}

/// Instructions for each byte by name, without those of starting: the difference between a long file and a short one.
fn count(own: &Path) -> Result<BTreeMap<&'static str, f64>, String> {
    let folder = env::temp_dir().join(format!("cce-fix-instructions-{}", std::process::id()));
    let mut counts = BTreeMap::new();
    for (name, arguments, input) in COUNTED {
        let mut costs = Vec::new();
        for documents in [40, 240] {
            let make = if input == Input::List { generate::json_list } else { generate::stream };
            let path = folder.join("all.yaml");
            write(&path, &make(1, documents))?;
            if input == Input::Fixed {
                let output = program(own).args(["-q", "--isolated"]).arg(&path).output();
                output.map_err(|error| error.to_string())?;
            }
            costs.push((instructions_of(own, arguments, &path)?, read(&path)?.len()));
        }
        if let [(few, short), (many, long)] = costs.as_slice() {
            #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
            counts.insert(name, many.saturating_sub(*few) as f64 / (long - short).max(1) as f64);
        }
    }
    fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    Ok(counts)
}

fn instructions_of(own: &Path, arguments: &[&str], file: &Path) -> Result<u64, String> {
    let mut valgrind = program("valgrind");
    // One thread: with several it depends on the machine which of them waits for which.
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(own).args(arguments);
    valgrind.args(["--isolated", "-j", "1"]).arg(file).env("SOURCE_DATE_EPOCH", "0");
    let output = valgrind.output().map_err(|error| format!("valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find_map(|line| line.split_once("Collected : "));
    let count = line.and_then(|(_, count)| count.trim().parse().ok());
    count.ok_or_else(|| format!("valgrind says nothing of instructions:\n{text}"))
}

fn compare(record: &str, counts: &BTreeMap<&'static str, f64>) -> Result<String, String> {
    let lines = record.lines().filter(|line| !line.starts_with('#'));
    let recorded: BTreeMap<&str, f64> = lines
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, count)| Some((name, count.parse().ok()?)))
        .collect();
    if !recorded.keys().eq(counts.keys()) {
        return Err(format!("{RECORD} does not name what is counted: `cargo xtask instructions --record`"));
    }
    let mut text = "instructions for each byte:".to_owned();
    let mut is_more = false;
    for (name, now) in counts {
        let before = recorded[name];
        let change = 100.0 * (now / before - 1.0);
        is_more |= change > MARGIN;
        // Writing to a String cannot fail.
        let _ = write!(text, " {name} {now:.1} (recorded {before:.1}, {change:+.1} %);");
    }
    if is_more {
        let advice =
            "find what takes them (docs/performance.md), or say in the commit why and record them anew";
        return Err(format!("{text}\nthat is over {MARGIN} % more: {advice}"));
    }
    Ok(text.trim_end_matches(';').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_little_is_refused() {
        let record = "# why\ncheck 100.0\ndiff 200.0\n";
        let counts = |check, diff| BTreeMap::from([("check", check), ("diff", diff)]);
        assert!(compare(record, &counts(104.9, 150.0)).unwrap().contains("+4.9 %"));
        assert!(compare(record, &counts(105.1, 150.0)).unwrap_err().contains("+5.1 %"));
        assert!(compare("check 100.0\n", &counts(100.0, 200.0)).is_err());
        assert!(compare("", &counts(100.0, 200.0)).is_err());
    }

    #[test]
    fn the_record_names_what_is_counted() {
        let record = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(RECORD)).unwrap();
        let counts = COUNTED.map(|(name, ..)| (name, 0.1)).into_iter().collect();
        assert!(compare(&record, &counts).is_ok());
    }
}
