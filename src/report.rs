//! What is told of a run: on stderr one line for each thing with `-v` and one line at the end, and in the reports
//! that `-o` asks for, each form of them in a file of its own.

mod concise;
pub mod finding;
pub mod format;
mod full;
mod github;
mod gitlab;
mod json;
mod junit;
pub(crate) mod markdown;
mod model;
mod rdjson;
mod sarif;
pub mod sink;
pub mod text;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use transforms::model::ContainerRef;
use transforms::pod_security::{self, Failure};
use transforms::settings::Version;
use transforms::suppression::Origin;
use transforms::{DocumentPlan, Judged, Level, Outcome, PodSecurity, State, Suppressed};

use crate::cli::Mode;
use crate::demand::Demand;
use crate::engine::{Examined, Problem};
use crate::exit::Exit;
use crate::input::kind::FileKind;
use crate::suppress;

pub use json::schemas;
pub use model::{Counts, File, FileReport, Report, Trouble};
pub(crate) use model::{names, push_encoded};

/// How a report for people looks on stdout.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look<'f> {
    /// Whether it has colours.
    pub colour: bool,
    /// The current folder, where paths can be clicked.
    pub links: Option<&'f Path>,
}

/// How many workloads are at each level of the Pod Security Standards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels([usize; 3]);

impl Levels {
    const ALL: [pod_security::Level; 3] =
        [pod_security::Level::Privileged, pod_security::Level::Baseline, pod_security::Level::Restricted];

    fn count(&mut self, level: pod_security::Level) {
        for (of_level, count) in Self::ALL.iter().zip(&mut self.0) {
            *count += usize::from(*of_level == level);
        }
    }

    fn add(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, other)| *count += other);
    }
}

/// `1 privileged, 0 baseline, 2 restricted`.
impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (level, count)) in Self::ALL.iter().zip(self.0).enumerate() {
            write!(f, "{}{count} {level}", if number > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// What a run counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files with Kubernetes objects.
    pub looked_at: usize,
    /// Files that changed, or would.
    pub changed: usize,
    /// Files in which something is left that a person must do.
    pub left: usize,
    /// Files, or paths, of which something could not be handled.
    pub refused: usize,
    /// Fixes of level safe.
    pub safe: usize,
    /// Fixes of level review.
    pub review: usize,
    /// Fixes of level review that `--safe` held back.
    pub held_back: usize,
    /// Findings that are suppressed.
    pub suppressed: usize,
    /// Suppressions that do not do what their authors may think.
    pub notices: usize,
    /// Files made beside the manifests.
    pub generated: usize,
    /// What the fixes ask of a cluster.
    pub demand: Demand,
    /// How many workloads are at each level of the Pod Security Standards before and after, by version.
    pub levels: BTreeMap<Version, [Levels; 2]>,
    /// Files of other kinds.
    pub passed_over: BTreeMap<FileKind, usize>,
    /// Files with workloads.
    pub workloads: usize,
    /// For each transform the safe fixes, those for review, and what is left for a person.
    pub transforms: BTreeMap<&'static str, [usize; 3]>,
}

impl Tally {
    /// Counts one file.
    pub fn count(&mut self, examined: &Examined) {
        if examined.kind.names().is_some() {
            *self.passed_over.entry(examined.kind).or_default() += 1;
        } else {
            self.looked_at += 1;
        }
        self.changed += usize::from(examined.changed);
        self.workloads += usize::from(examined.kind == FileKind::Workloads);
        self.refused += usize::from(!examined.problems.is_empty());
        let left = self.left + usize::from(examined.counted.left > 0);
        self.add(&examined.counted);
        self.left = left;
    }

    /// Counts what is planned for a document, or for a part of it; `left` is more than nothing where something is.
    pub fn count_plan(&mut self, plan: &DocumentPlan) {
        let mut left = plan.problems.iter().any(|problem| problem.needs_person);
        self.notices += plan.notices.len();
        for judged in plan.findings() {
            if let Some(column) = column(judged) {
                self.transforms.entry(judged.finding.transform.id).or_default()[column] += 1;
            }
            match (&judged.state, &judged.finding.outcome) {
                (State::Fixed, Outcome::Fix(fix)) if fix.level == Level::Safe => self.safe += 1,
                (State::Fixed, _) => self.review += 1,
                (State::HeldBack, _) => self.held_back += 1,
                (State::Left(reason), _) => left |= reason.needs_person,
                (State::Suppressed(_), _) => self.suppressed += 1,
                (State::Satisfied, _) => {}
            }
        }
        self.left += usize::from(left);
        self.demand.count(plan);
        for pod_security in plan.pods.iter().filter_map(|pod| pod.pod_security.as_ref()) {
            let PodSecurity { before, .. } = pod_security;
            let [count_before, count_after] = self.levels.entry(before.version).or_default();
            count_before.count(before.level);
            count_after.count(pod_security.after().level);
        }
    }

    /// Adds what another part of the run counted.
    pub fn add(&mut self, other: &Self) {
        self.looked_at += other.looked_at;
        self.workloads += other.workloads;
        for (id, counts) in &other.transforms {
            let sums = self.transforms.entry(id).or_default();
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        self.changed += other.changed;
        self.left += other.left;
        self.refused += other.refused;
        self.safe += other.safe;
        self.review += other.review;
        self.held_back += other.held_back;
        self.suppressed += other.suppressed;
        self.notices += other.notices;
        self.generated += other.generated;
        self.demand.add(&other.demand);
        for (version, [before, after]) in &other.levels {
            let levels = self.levels.entry(*version).or_default();
            levels[0].add(*before);
            levels[1].add(*after);
        }
        for (kind, files) in &other.passed_over {
            *self.passed_over.entry(*kind).or_default() += files;
        }
    }

    /// How the run ends, interruptions apart.
    pub fn exit(&self, mode: Mode, strict: bool) -> Exit {
        if self.refused > 0 {
            Exit::Trouble
        } else if mode != Mode::Write && self.changed + self.generated > 0
            || strict && self.left + self.held_back + self.notices > 0
        {
            Exit::Findings
        } else {
            Exit::Success
        }
    }

    /// The line at the end.
    pub fn summary(&self, mode: Mode) -> String {
        let changed = if mode == Mode::Write { "changed" } else { "would change" };
        let mut line =
            format!("{} looked at, {} {changed}", counted(self.looked_at, ["file", "files"]), self.changed);
        if self.changed > 0 {
            // Writing to a String cannot fail.
            let _ = write!(
                line,
                " ({} safe and {})",
                self.safe,
                counted(self.review, ["review fix", "review fixes"])
            );
        }
        if self.generated > 0 {
            let state = if mode == Mode::Write { "made" } else { "to be made" };
            let _ = write!(line, ", {} {state}", counted(self.generated, ["new file", "new files"]));
        }
        if self.held_back > 0 {
            let _ = write!(
                line,
                ", {} held back by --safe",
                counted(self.held_back, ["review fix", "review fixes"])
            );
        }
        if self.suppressed > 0 {
            let _ = write!(line, ", {} suppressed", counted(self.suppressed, ["finding", "findings"]));
        }
        let _ = write!(line, ", {} left with something for a person, {} refused", self.left, self.refused);
        if self.notices > 0 {
            let _ = write!(line, ", {} to look at", counted(self.notices, ["suppression", "suppressions"]));
        }
        let passed_over: Vec<String> = self
            .passed_over
            .iter()
            .filter_map(|(kind, files)| Some(counted(*files, kind.names()?)))
            .collect();
        if !passed_over.is_empty() {
            let _ = write!(line, "; passed over: {}", passed_over.join(", "));
        }
        line
    }

    /// The line behind it: how far the workloads get. One for each version that files are for.
    pub fn pod_security(&self) -> impl Iterator<Item = String> {
        self.levels.iter().map(|(version, [before, after])| {
            format!("Pod Security {version}: {before}; after the fixes {after}")
        })
    }
}

impl Tally {
    /// What to do next about what is left for a person: where it is told, unless it was told already, and the
    /// transform that left most.
    pub fn next_step(&self, verbose: bool) -> Option<String> {
        let left = |id: &str| self.transforms.get(id).map_or(0, |counts| counts[LEFT]);
        let ids = transforms::ALL.iter().map(|transform| transform.meta().id);
        // Of several the first in planning order, which the last of the maxima of the reversed ones is.
        let most = ids.clone().rev().max_by_key(|id| left(id)).filter(|id| left(id) > 0)?;
        let all: usize = ids.map(left).sum();
        let mut line = format!("{all} left for a person: ");
        if !verbose {
            line.push_str("`cce-fix -v` tells where and why; ");
        }
        let _ = write!(line, "see `cce-fix explain {most}`");
        Some(line)
    }
}

/// From how many files on a tree is more than a first try.
const TREE: usize = 3;

impl Tally {
    /// What helps to begin with, where several files have workloads and most of them were never fixed: how much
    /// there is of what, and where to start.
    pub fn first_steps(&self, mode: Mode) -> Vec<String> {
        if mode != Mode::Check || self.workloads < TREE || self.changed * 2 <= self.workloads {
            return Vec::new();
        }
        let counts = transforms::ALL
            .iter()
            .filter_map(|transform| self.transforms.get_key_value(transform.meta().id))
            .map(|(id, counts)| ((*id).to_owned(), counts.map(|count| count.to_string())));
        let head = ("TRANSFORM".to_owned(), ["SAFE", "REVIEW", "LEFT"].map(str::to_owned));
        let rows: Vec<(String, [String; 3])> = std::iter::once(head).chain(counts).collect();
        let width = rows.iter().map(|(id, _)| id.len()).max().unwrap_or_default();
        let line = |(id, [safe, review, left]): &(String, [String; 3])| {
            format!("{id:width$}  {safe:>6}  {review:>6}  {left:>6}")
        };
        let mut lines: Vec<String> = rows.iter().map(line).collect();
        let has_safe = self.transforms.values().any(|[safe, ..]| *safe > 0);
        let advice = if has_safe {
            "much here was never fixed: start with the safe fixes (`cce-fix --safe PATH`), or with one folder \
             (`cce-fix --diff FOLDER`)"
        } else {
            "the safe fixes are made: go on with one folder (`cce-fix --diff FOLDER`), and look at what it says \
             about each"
        };
        lines.push(advice.to_owned());
        lines
    }
}

/// The column of what is left for a person.
const LEFT: usize = 2;

/// The column of the table of first steps; none for what is as it should be or stays on purpose.
fn column(judged: &Judged) -> Option<usize> {
    match (&judged.state, &judged.finding.outcome) {
        (State::Fixed | State::HeldBack, Outcome::Fix(fix)) => Some(usize::from(fix.level == Level::Review)),
        (State::Left(left), _) if left.needs_person => Some(LEFT),
        _ => None,
    }
}

/// `1 file`, `2 files`.
fn counted(number: usize, [one, several]: [&str; 2]) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// `path:line:column: error: what`, or without a place.
pub fn problem(path: &Path, problem: &Problem) -> String {
    let path = path.display();
    match problem.position {
        Some(position) => format!("{path}:{position}: error: {}", problem.message),
        None => format!("{path}: error: {}", problem.message),
    }
}

/// One line for each suppression that does not do what its author may think.
pub fn notices(path: &Path, examined: &Examined) -> impl Iterator<Item = String> {
    let notices = examined.plans.iter().flat_map(|(_, plan)| &plan.notices);
    let warnings = examined.plans.iter().flat_map(|(_, plan)| &plan.warnings).map(|warning| {
        format!("{}:{}: warning: {}: {}", path.display(), warning.position, warning.path, warning.reason)
    });
    notices.map(|notice| suppress::notice(path, notice)).chain(warnings)
}

/// One line for each container and transform, and for what could not be made out.
pub fn verbose(path: &Path, examined: &Examined) -> Vec<String> {
    let plans = examined.plans.iter().map(|(_, plan)| plan);
    plans.flat_map(|plan| document_lines(path, plan)).collect()
}

fn document_lines(path: &Path, plan: &DocumentPlan) -> Vec<String> {
    let path = path.display();
    let problems = plan
        .problems
        .iter()
        .map(|problem| format!("{path}:{}: left: {}: {}", problem.position, problem.path, problem.reason));
    let of_objects = plan
        .objects
        .iter()
        .flat_map(|object| object.findings.iter().map(|judged| (object.object.to_string(), judged)));
    let of_pods = plan.pods.iter().flat_map(|pod| {
        pod.findings.iter().map(|judged| {
            let container = judged.finding.container.as_ref();
            (
                format!("{}: {}", pod.object, container.map_or_else(|| "pod".to_owned(), container_name)),
                judged,
            )
        })
    });
    let findings = of_objects.chain(of_pods).map(|(name, judged)| {
        let finding = &judged.finding;
        format!("{path}:{}: {}: {name}: {}", finding.position, finding.transform.id, state_text(judged))
    });
    problems.chain(findings).collect()
}

/// For each workload the level of Pod Security that it gets to, and what keeps it from restricted after the
/// fixes.
pub fn pod_security(path: &Path, examined: &Examined) -> Vec<String> {
    let path = path.display();
    let mut lines = Vec::new();
    for pod in examined.plans.iter().flat_map(|(_, plan)| &plan.pods) {
        let start = format!("{path}:{}: pod-security: {}", pod.position, pod.object);
        let Some(pod_security) = &pod.pod_security else {
            lines.push(format!("{start}: not known, as an operator completes the pod"));
            continue;
        };
        let (before, after) = (&pod_security.before, pod_security.after());
        lines.push(format!(
            "{start}: {} now, {} after the fixes (policy {})",
            before.level, after.level, after.version
        ));
        lines.extend(
            after
                .in_the_way_of(pod_security::Level::Restricted)
                .map(|failure| format!("{start}: in the way of restricted: {}", failure_text(failure))),
        );
    }
    lines
}

/// `check: path must be so`.
pub fn failure_text(failure: &Failure) -> String {
    format!("{}: {}: {}", failure.check.id, failure.path, failure.detail)
}

fn container_name(container: &ContainerRef) -> String {
    format!("{} `{}`", container.kind, container.name)
}

fn suppressed_text(suppressed: &Suppressed) -> String {
    let until = suppressed.until.map_or_else(String::new, |until| format!(" until {until}"));
    let origin = match suppressed.origin {
        Origin::Annotation(position) => format!("by the annotation in line {}", position.line),
        Origin::Comment(position) => format!("by the comment in line {}", position.line),
        Origin::Override(number) => format!("by `overrides[{number}]` of the configuration"),
        Origin::Added => "by an annotation from now on".to_owned(),
    };
    format!("suppressed{until} {origin}: {}", suppressed.reason)
}

fn state_text(judged: &Judged) -> String {
    match (&judged.state, &judged.finding.outcome) {
        (State::Fixed, Outcome::Fix(fix)) => {
            format!("fixed ({}): {}: {}", fix.level, fix.summary, fix.reason)
        }
        (State::HeldBack, Outcome::Fix(fix)) => {
            format!("held back ({}): {}: {}", fix.level, fix.summary, fix.reason)
        }
        (State::Left(left), _) if left.needs_person => format!("left for a person: {}", left.reason),
        (State::Left(left), _) => format!("left: {}", left.reason),
        (State::Suppressed(suppressed), _) => suppressed_text(suppressed),
        _ => "satisfied".to_owned(),
    }
}
