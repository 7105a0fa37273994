//! `cce-fix pss`: which level of the Pod Security Standards each workload reaches, and which it could.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;
use transforms::pod_security::{self, Level};
use transforms::{Evidence, PodPlan, PodSecurity, Profile, Settings};

use crate::cli::{Pss, PssFormat};
use crate::config::{ConfigError, Flags, Source};
use crate::diff;
use crate::engine::{Examined, Problem, Purpose};
use crate::exit::Exit;
use crate::gather::Gathered;
use crate::input::kustomize::Patches;
use crate::input::{self, Input};
use crate::report;
use crate::run::{examine, folder_of, is_excluded, look, source, tell};

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
    #[serde(skip)]
    position: String,
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

/// What came of one file.
#[derive(Default)]
struct Judged {
    workloads: Vec<Workload>,
    problems: Vec<String>,
}

/// Judges what `asked` names.
pub fn run(asked: &Pss) -> io::Result<Exit> {
    let flags = Flags { target: asked.target, ..Flags::default() };
    let decisions = match source(flags, asked.config.as_deref(), asked.isolated) {
        Ok(decisions) => decisions,
        Err(error) => {
            tell(&format!("error: {error}"))?;
            return Ok(Exit::Trouble);
        }
    };
    let is_stdin = |path: &OsString| path == OsStr::new("-");
    let judged = match asked.paths.as_slice() {
        [path] if is_stdin(path) => vec![stdin(asked, &decisions)?],
        paths if paths.iter().any(is_stdin) => {
            tell("error: `-` stands for stdin and cannot be mixed with other paths")?;
            return Ok(Exit::Trouble);
        }
        _ => files(asked, &decisions)?,
    };
    let mut exit = Exit::Success;
    for problem in judged.iter().flat_map(|judged| &judged.problems) {
        exit = Exit::Trouble;
        tell(problem)?;
    }
    let workloads: Vec<&Workload> = judged.iter().flat_map(|judged| &judged.workloads).collect();
    let out = match asked.output_format {
        PssFormat::Json => serde_json::to_vec_pretty(&workloads).map_err(io::Error::other)?,
        PssFormat::Text => workloads.iter().flat_map(|workload| workload.lines()).collect(),
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(&out)?;
    if asked.output_format == PssFormat::Json {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()?;
    Ok(exit)
}

fn stdin(asked: &Pss, decisions: &Source) -> io::Result<Judged> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let path = asked.stdin_filename.as_path();
    Ok(match settings(asked, decisions, path) {
        Ok(settings) => judge(
            path,
            &examine(&bytes, path, &settings, None, None, Purpose::Answer { satisfied: false }),
            true,
        ),
        Err(error) => Judged { problems: vec![error.to_string()], ..Judged::default() },
    })
}

fn files(asked: &Pss, decisions: &Source) -> io::Result<Vec<Judged>> {
    let here = [".".into()];
    let paths = if asked.paths.is_empty() { &here } else { asked.paths.as_slice() };
    let (mut inputs, errors) = input::collect(paths, asked.no_ignore, asked.threads);
    inputs.retain(|input| {
        let decisions = decisions.of(folder_of(&input.path));
        !decisions.is_ok_and(|decisions| is_excluded(input, &decisions))
    });
    let patches = Patches::of(&inputs);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(asked.threads).build().map_err(io::Error::other)?;
    let judged: Vec<Judged> = pool.install(|| {
        let all: Vec<&Input> = inputs.iter().collect();
        let gathered = Gathered::of(&all, &patches, || false);
        let file = |(number, input): (usize, &Input)| {
            let bytes = gathered.take(number).map_or_else(|| input::read(&input.path), Ok);
            file(asked, decisions, &patches, &gathered.evidence, input, bytes)
        };
        inputs.par_iter().enumerate().map(file).collect()
    });
    let missing = errors.iter().map(|error| format!("error: {error}")).collect();
    Ok([Judged { problems: missing, ..Judged::default() }].into_iter().chain(judged).collect())
}

fn file(
    asked: &Pss,
    decisions: &Source,
    patches: &Patches,
    evidence: &Evidence,
    input: &Input,
    bytes: Result<Vec<u8>, String>,
) -> Judged {
    let path = input.path.as_path();
    match (bytes, settings(asked, decisions, path)) {
        (Ok(bytes), Ok(settings)) => {
            let examined = look(
                input,
                &bytes,
                patches,
                Some(evidence),
                &settings,
                None,
                Purpose::Answer { satisfied: false },
            );
            judge(path, &examined, input.named)
        }
        (Err(message), _) => judge(path, &Examined::unreadable(None, message), true),
        (_, Err(error)) => Judged { problems: vec![error.to_string()], ..Judged::default() },
    }
}

/// The fixes to reckon with: those that make a pod restricted, whatever the files are fixed for otherwise.
fn settings(asked: &Pss, decisions: &Source, path: &Path) -> Result<Settings, ConfigError> {
    let decisions = decisions.of(folder_of(path))?;
    Ok(Settings {
        profile: Profile::Restricted,
        target: asked.target.unwrap_or(pod_security::NEWEST),
        safe: false,
        keep_explicit: false,
        select: None,
        ignore: BTreeSet::new(),
        suppressions: false,
        ..decisions.settings.clone()
    })
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
            kind: pod.kind.clone(),
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            version: before.map(|before| before.version.to_string()),
            level: before.map(|before| before.level.to_string()),
            reachable: after.map(|after| after.level.to_string()),
            checks: checks.collect(),
            position: pod.position.to_string(),
        }
    }

    /// A line, and one for each place in the way of restricted. Names of a manifest do no harm to a terminal.
    fn lines(&self) -> Vec<u8> {
        let Self { file, position, version, level, reachable, checks, .. } = self;
        let name = report::object_name(&self.kind, self.namespace.as_deref(), self.name.as_deref());
        let verdict = match (level, reachable, version) {
            (Some(level), Some(reachable), Some(version)) => {
                format!("{level} now, {reachable} after fixing (policy {version})")
            }
            _ => "not known, as an operator completes the pod".to_owned(),
        };
        let line = format!("{file}:{position}: {name}: {verdict}");
        let checks = checks.iter().map(|check| {
            let will = if check.is_fixed { "fixed" } else { "left" };
            format!("  {will}: {}: {}: {}", check.id, check.path, check.detail)
        });
        let lines = std::iter::once(line).chain(checks);
        lines.flat_map(|line| [&*diff::harmless(line.as_bytes()), b"\n"].concat()).collect()
    }
}
