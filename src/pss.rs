//! `cce-fix pss`: which level of the Pod Security Standards each workload reaches, and which it could.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::{self, Read as _};
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;
use transforms::pod_security::{self, Level};
use transforms::{Evidence, PodPlan, PodSecurity, Profile, Settings};

use crate::cli::{Pss, PssFormat};
use crate::config::{Decisions, Flags, Source};
use crate::console::{self, refuse, tell};
use crate::diff;
use crate::engine::{Examined, Problem, Purpose};
use crate::exit::Exit;
use crate::gather::Gathered;
use crate::input::kustomize::Patches;
use crate::input::{self, Input};
use crate::jobs::{Job, jobs};
use crate::look::{examine, look};
use crate::report;

/// A workload, as other programs read it.
#[derive(Serialize)]
struct Workload {
    file: String,
    document: usize,
    kind: String,
    namespace: Option<String>,
    name: Option<String>,
    /// Of the policy. As the levels, none where an operator completes the pod.
    version: Option<String>,
    level: Option<String>,
    reachable: Option<String>,
    /// What keeps it from restricted now.
    checks: Vec<Check>,
    /// How its line begins: where it stands, and what it is called.
    #[serde(skip)]
    start: String,
}

#[derive(Serialize)]
struct Check {
    id: &'static str,
    path: String,
    detail: String,
    /// Whether a fix takes it out of the way.
    #[serde(skip)]
    is_fixed: bool,
}

/// What came of one file, or of paths and configurations that are of no use.
struct Judged {
    workloads: Vec<Workload>,
    problems: Vec<String>,
}

impl Judged {
    /// Nothing, for these reasons.
    fn refused(errors: impl IntoIterator<Item = impl Display>) -> Self {
        let problems = errors.into_iter().map(|error| format!("error: {error}")).collect();
        Self { workloads: Vec::new(), problems }
    }
}

/// Text is made for nobody here.
const PURPOSE: Purpose = Purpose::Answer;

/// Judges what `asked` names.
pub fn run(asked: &Pss) -> io::Result<Exit> {
    let flags = Flags { target: asked.target, ..Flags::default() };
    let source = match Source::new(flags, asked.config.as_deref(), asked.isolated) {
        Ok(source) => source,
        Err(error) => return refuse(&error.to_string()),
    };
    let is_stdin = |path: &OsString| path == OsStr::new("-");
    let judged = match asked.paths.as_slice() {
        [path] if is_stdin(path) => vec![stdin(asked, &source)?],
        paths if paths.iter().any(is_stdin) => {
            return refuse("`-` stands for stdin and cannot be mixed with other paths");
        }
        _ => files(asked, &source)?,
    };
    let mut exit = Exit::Success;
    for problem in judged.iter().flat_map(|judged| &judged.problems) {
        exit = Exit::Trouble;
        tell(problem)?;
    }
    let workloads: Vec<&Workload> = judged.iter().flat_map(|judged| &judged.workloads).collect();
    console::print(&match asked.output_format {
        PssFormat::Json => {
            let text = serde_json::to_string_pretty(&workloads).map_err(io::Error::other)?;
            format!("{text}\n").into_bytes()
        }
        PssFormat::Text => workloads.iter().flat_map(|workload| workload.lines()).collect(),
    })?;
    Ok(exit)
}

fn stdin(asked: &Pss, source: &Source) -> io::Result<Judged> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let path = asked.stdin_filename.as_path();
    Ok(match source.of_file(path) {
        Ok(decisions) => {
            judge(path, &examine(&bytes, path, &settings(asked, &decisions), None, None, PURPOSE), true)
        }
        Err(error) => Judged::refused([error]),
    })
}

fn files(asked: &Pss, source: &Source) -> io::Result<Vec<Judged>> {
    let here = [".".into()];
    let paths = if asked.paths.is_empty() { &here } else { asked.paths.as_slice() };
    let (inputs, errors) = input::collect(paths, asked.no_ignore, asked.threads);
    let patches = Patches::of(&inputs);
    let (jobs, unusable) = jobs(&inputs, source);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(asked.threads).build().map_err(io::Error::other)?;
    let judged: Vec<Judged> = pool.install(|| {
        let all: Vec<&Input> = jobs.iter().map(|job| job.input).collect();
        let gathered = Gathered::of(&all, &patches, || false);
        let file = |(number, job): (usize, &Job<'_>)| {
            let bytes = gathered.take(number).map_or_else(|| input::read(&job.input.path), Ok);
            file(asked, &patches, &gathered.evidence, job, bytes)
        };
        jobs.par_iter().enumerate().map(file).collect()
    });
    let refused = [Judged::refused(errors), Judged::refused(unusable)];
    Ok(refused.into_iter().chain(judged).collect())
}

fn file(
    asked: &Pss,
    patches: &Patches,
    evidence: &Evidence,
    Job { input, decisions }: &Job<'_>,
    bytes: Result<Vec<u8>, String>,
) -> Judged {
    let path = input.path.as_path();
    match bytes {
        Ok(bytes) => {
            let settings = settings(asked, decisions);
            let examined = look(input, &bytes, patches, Some(evidence), &settings, None, PURPOSE);
            judge(path, &examined, input.named)
        }
        Err(message) => judge(path, &Examined::unreadable(None, message), true),
    }
}

/// The fixes to reckon with: those that make a pod restricted, whatever the files are fixed for otherwise.
fn settings(asked: &Pss, decisions: &Decisions) -> Settings {
    Settings {
        profile: Profile::Restricted,
        target: asked.target.unwrap_or(pod_security::NEWEST),
        safe: false,
        keep_explicit: false,
        select: None,
        ignore: BTreeSet::new(),
        suppressions: false,
        ..decisions.settings.clone()
    }
}

fn judge(path: &Path, examined: &Examined, named: bool) -> Judged {
    let mut problems: Vec<String> =
        examined.problems.iter().map(|problem| report::problem(path, problem)).collect();
    if let Some(why) = examined.kind.why_not().filter(|_| named) {
        problems.push(report::problem(path, &Problem { position: None, message: why.to_owned() }));
    }
    let pods =
        examined.plans.iter().flat_map(|(document, plan)| plan.pods.iter().map(|pod| (*document, pod)));
    Judged { workloads: pods.map(|(document, pod)| Workload::new(path, document, pod)).collect(), problems }
}

impl Workload {
    fn new(path: &Path, document: usize, pod: &PodPlan) -> Self {
        let known = pod.pod_security.as_ref();
        let (before, after) = (known.map(|known| &known.before), known.map(PodSecurity::after));
        let left: HashSet<_> = after
            .into_iter()
            .flat_map(|after| after.in_the_way_of(Level::Restricted))
            .map(|failure| (failure.check.id, &failure.path))
            .collect();
        let failures = before.into_iter().flat_map(|before| before.in_the_way_of(Level::Restricted));
        let checks = failures.map(|failure| Check {
            id: failure.check.id,
            path: failure.path.to_string(),
            detail: failure.detail.clone().into_owned(),
            is_fixed: !left.contains(&(failure.check.id, &failure.path)),
        });
        Self {
            file: path.display().to_string(),
            document,
            kind: pod.object.kind.clone(),
            namespace: pod.object.namespace.clone(),
            name: pod.object.name.clone(),
            version: before.map(|before| before.version.to_string()),
            level: before.map(|before| before.level.to_string()),
            reachable: after.map(|after| after.level.to_string()),
            checks: checks.collect(),
            start: format!("{}:{}: {}", path.display(), pod.position, pod.object),
        }
    }

    /// A line, and one for each place in the way of restricted. Names of a manifest do no harm to a terminal.
    fn lines(&self) -> Vec<u8> {
        let Self { start, version, level, reachable, checks, .. } = self;
        let verdict = match (level, reachable, version) {
            (Some(level), Some(reachable), Some(version)) => {
                format!("{level} now, {reachable} after fixing (policy {version})")
            }
            _ => "not known, as an operator completes the pod".to_owned(),
        };
        let line = format!("{start}: {verdict}");
        let checks = checks.iter().map(|check| {
            let will = if check.is_fixed { "fixed" } else { "left" };
            format!("  {will}: {}: {}: {}", check.id, check.path, check.detail)
        });
        let lines = std::iter::once(line).chain(checks);
        lines.flat_map(|line| [&*diff::harmless(line.as_bytes()), b"\n"].concat()).collect()
    }
}
