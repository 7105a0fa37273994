//! Where the instructions go, by `callgrind`, and what the system takes for what it does.

use std::fs;
use std::path::Path;

use super::measure::{Spread, as_f64, in_turn, program};
use super::parts::{Bench, each};
use super::programs::Programs;
use super::table::{Table, figure};

/// The stages of a run, by what the names of their functions hold. An indented one is a part of the one above it.
const STAGES: [(&str, &[&str]); 11] = [
    ("configuration and tables", &["cce_fix::config::Source::new", "cce_fix::config::Source>::new"]),
    ("scanner", &["rewriter::scan::scan"]),
    ("kinds that tell something", &["cce_fix::engine::may_tell"]),
    ("keys that stand twice", &["rewriter::duplicate::first"]),
    ("objects and pods", &["transforms::model::object::Workloads>::with", "object::Workloads::with"]),
    ("planning", &["transforms::plan::plan_parts", "transforms::plan::plan_part"]),
    ("- room for the edits", &["rewriter::placement::place"]),
    (
        "- Pod Security before and after, API rules",
        &["transforms::pod_security::evaluate", "transforms::api_rules::violations", "transforms::review::"],
    ),
    ("new text, and its proof by events", &["rewriter::apply::apply_to"]),
    ("proof by the independent reader", &["cce_fix::reread::"]),
    ("diff", &["cce_fix::diff::unified"]),
];

pub(super) fn stages(bench: &Bench) -> Result<String, String> {
    let mut text = match profile(bench) {
        Ok(text) => text,
        Err(why) => format!("NOT MEASURED: instructions by stage: {why}\n"),
    };
    text.push('\n');
    text.push_str(&floor(bench)?);
    Ok(text)
}

fn profile(bench: &Bench) -> Result<String, String> {
    let file = bench.workloads.documents(1)?;
    let folder = file.parent().unwrap_or(&file);
    let mut shares = Vec::new();
    let mut totals = Vec::new();
    let fixed = bench.workloads.folder.join("fixed.yaml");
    let mut fix = program(&bench.programs.cce_fix);
    let stdin = fs::File::open(&file).map_err(|error| error.to_string())?;
    let output = fix.args(["-q", "-"]).stdin(stdin).output().map_err(|error| error.to_string())?;
    crate::write(&fixed, &String::from_utf8_lossy(&output.stdout))?;
    let (file, fixed) = (file.display().to_string(), fixed.display().to_string());
    let runs = [
        ("`--check`", "--check", &file),
        ("`--diff`", "--diff", &file),
        ("`--check`, all fixed", "--check", &fixed),
    ];
    for (_, mode, file) in runs {
        let (stages, total) = by_stage(&bench.programs.cce_fix, folder, &["-q", mode, "-j", "1", file])?;
        shares.push(stages);
        totals.push(total / as_f64(fs::metadata(file).map_err(|error| error.to_string())?.len()));
    }
    let head: Vec<&str> =
        ["percent of all instructions"].into_iter().chain(runs.map(|(name, ..)| name)).collect();
    let mut table = Table::new(&head);
    for (number, (name, _)) in STAGES.iter().enumerate() {
        table.row([(*name).to_owned()].into_iter().chain(shares.iter().map(|shares| figure(shares[number]))));
    }
    table.row(
        ["instructions for each byte".to_owned()]
            .into_iter()
            .chain(totals.iter().map(|total| figure(*total))),
    );
    Ok(table.markdown())
}

/// The percentage of instructions by stage, and all of them.
fn by_stage(own: &str, folder: &Path, arguments: &[&str]) -> Result<([f64; STAGES.len()], f64), String> {
    let out = std::env::temp_dir().join(format!("cce-fix-stages-{}", std::process::id()));
    let mut valgrind = program("valgrind");
    valgrind.args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"]);
    valgrind
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(own)
        .args(arguments)
        .current_dir(folder);
    let output = valgrind.output().map_err(|error| format!("valgrind: {error}"))?;
    let text = fs::read_to_string(&out)
        .map_err(|_| String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned())?;
    Ok(attribute(&text))
}

/// Reads a profile of `callgrind`: the share of each stage with all that it calls, and the instructions of all.
fn attribute(text: &str) -> ([f64; STAGES.len()], f64) {
    let mut total = 0;
    let mut costs = [0; STAGES.len()];
    let (mut function, mut callee, mut is_call) = ("", "", false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = name;
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || first == '+' || first == '-') {
            let cost: u64 = line.split_whitespace().nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
            if std::mem::take(&mut is_call) {
                // What a stage calls of itself is in its cost already.
                for ((_, names), sum) in STAGES.iter().zip(&mut costs) {
                    let is_in = |function: &str| names.iter().any(|name| function.contains(name));
                    *sum += if is_in(callee) && !is_in(function) { cost } else { 0 };
                }
            } else {
                total += cost;
            }
        }
    }
    (costs.map(|cost| 100.0 * as_f64(cost) / as_f64(total.max(1))), as_f64(total))
}

/// What the system takes for a file, whatever is in it.
fn floor(bench: &Bench) -> Result<String, String> {
    let folder = bench.workloads.files(1_000)?;
    let (list, count) = bench.names(&folder, &["yaml"])?;
    let work = bench.work();
    let floor = |what: &str| Programs::floor(what, what, &work, &list).on_copies_of(&folder);
    let samples = in_turn(&[floor("read"), floor("write"), floor("sync")], bench.rounds)?;
    let mut table = Table::new(&["the floor, for one small file", "wall", "processor"]);
    let names = ["open, read, close", "and write beside, close, rename", "and sync"];
    for (name, samples) in names.iter().zip(&samples) {
        let wall = Spread::of(samples.iter().map(|sample| sample.wall)).median;
        let processor = Spread::of(samples.iter().map(|sample| sample.processor)).median;
        table.row([(*name).to_owned(), each(wall, count), each(processor, count)]);
    }
    Ok(table.markdown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_go_to_their_stages() {
        let profile = "\
fn=main
1 100
cfn=transforms::plan::plan_parts
calls=1 1
1 700
fn=transforms::plan::plan_parts
1 300
cfn=helper
calls=1 1
1 400
fn=helper
1 300
cfn=rewriter::placement::place
calls=2 1
1 100
fn=rewriter::placement::place
1 100
";
        let (shares, total) = attribute(profile);
        assert!((total - 800.0).abs() < 1e-9);
        let share = |name: &str| shares[STAGES.iter().position(|(stage, _)| *stage == name).unwrap()];
        assert!((share("planning") - 87.5).abs() < 1e-9, "{shares:?}");
        assert!((share("- room for the edits") - 12.5).abs() < 1e-9, "{shares:?}");
        assert!(share("diff").abs() < 1e-9);
    }
}
