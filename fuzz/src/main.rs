//! `cargo xtask fuzz`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use fuzz::case::Case;
use fuzz::session::{self, Plan, Report};
use fuzz::target::{TARGETS, Target};

const USAGE: &str = "\
Usage: cargo xtask fuzz [OPTIONS] [FILE]...

Makes cases and tries the laws on them; with files, tries those.

  --minutes N     how long (1)
  --cases N       how many cases of each target are enough, however much time is left
  --target T      one target: scan edit fix diff config suppression image version; repeatable (all)
  --seed S        what the cases are made from; the same number gives the same cases in the same order (1)
  --real          makes them from the manifests beside the repository too
  --out FOLDER    where findings go (target/fuzz)
  --keep N        writes the N most telling cases of each target to fuzz/corpus, made small
";

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            fuzz::tell(&message);
            ExitCode::from(2)
        }
    }
}

/// Whether all laws held.
fn run(mut arguments: impl Iterator<Item = String>) -> Result<bool, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    let mut plan = Plan {
        targets: Vec::new(),
        time: Duration::from_secs(60),
        cases: u64::MAX,
        seed: 1,
        real: false,
        folder,
    };
    let (mut keep, mut files) = (0, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value\n\n{USAGE}"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
        match argument.as_str() {
            "--minutes" => plan.time = Duration::from_secs(60 * number(value()?)?),
            "--cases" => plan.cases = number(value()?)?,
            "--seed" => plan.seed = number(value()?)?,
            "--keep" => keep = usize::try_from(number(value()?)?).unwrap_or_default(),
            "--out" => plan.folder = PathBuf::from(value()?),
            "--real" => plan.real = true,
            "--target" => plan.targets.push(target(&value()?)?),
            _ if argument.starts_with('-') => return Err(USAGE.to_owned()),
            _ => files.push(PathBuf::from(argument)),
        }
    }
    if plan.targets.is_empty() {
        plan.targets.extend(TARGETS);
    }
    if !files.is_empty() {
        return replay(&plan.targets, &files);
    }
    fuzz::tell(&format!("seed {}, findings go to {}", plan.seed, plan.folder.display()));
    let reports = session::run(&plan).map_err(|error| error.to_string())?;
    fuzz::tell(&session::table(&reports.iter().collect::<Vec<_>>()));
    if keep > 0 {
        reports
            .iter()
            .try_for_each(|report| write_corpus(report, keep))
            .map_err(|error| error.to_string())?;
    }
    Ok(reports.iter().all(|report| report.findings.is_empty()))
}

fn target(name: &str) -> Result<&'static Target, String> {
    TARGETS
        .iter()
        .find(|target| target.name == name)
        .ok_or_else(|| format!("`{name}` is no target\n\n{USAGE}"))
}

fn replay(targets: &[&Target], files: &[PathBuf]) -> Result<bool, String> {
    session::quiet_panics();
    let mut held = true;
    for path in files {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for target in targets {
            if let Err(message) = session::attempt(target, &Case::read(&bytes)) {
                fuzz::tell(&format!("{}: {}: {message}", path.display(), target.name));
                held = false;
            }
        }
    }
    Ok(held)
}

fn write_corpus(report: &Report, keep: usize) -> std::io::Result<()> {
    let Some(target) = TARGETS.iter().find(|target| target.name == report.target) else { return Ok(()) };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for (number, case) in session::distilled(target, &report.pool, keep).iter().enumerate() {
        fs::write(folder.join(format!("{number:03}")), case.write())?;
    }
    Ok(())
}
