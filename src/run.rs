//! A whole run: inputs in, files in parallel, output in order of their names.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clap::{CommandFactory, Parser};
use rayon::prelude::*;
use transforms::generate::Subject;
use transforms::suppression::Reason;
use transforms::{Evidence, Settings};

use crate::changed::{Change, Changes, Lines};
use crate::cli::{Cli, Color, Command, Mode};
use crate::config::{ConfigError, Decisions, Flags, Nearest, Source};
use crate::diff::{self, DiffName};
use crate::engine::{self, Examined, Problem, Purpose};
use crate::exit::Exit;
use crate::explain;
use crate::gather::Gathered;
use crate::generate::{NewFile, Subjects};
use crate::input::kind::{self, FileKind};
use crate::input::kustomize::Patches;
use crate::input::{self, Input};
use crate::link;
use crate::pr;
use crate::progress::Progress;
use crate::pss;
use crate::questions;
use crate::report::sink::Sinks;
use crate::report::{self, FileReport, Report, Tally};
use crate::suppress::{self, Overrides};
use crate::write::{self, How};

/// Set by Ctrl-C: no further file is begun.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Files whose output waits for those before them.
const BATCH: usize = 512;

/// What one file gives to the outside.
#[derive(Default)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<String>,
    /// The file that lines on stderr begin with.
    path: PathBuf,
    tally: Tally,
    subjects: Vec<Subject>,
    /// The overrides that found something to suppress.
    overrides: BTreeSet<usize>,
    /// Where a report was asked for.
    report: Option<FileReport>,
}

/// What holds for every file of a run.
struct Run<'c> {
    cli: &'c Cli,
    mode: Mode,
    decisions: Source,
    patches: Patches,
    folder: PathBuf,
    colour: bool,
    /// Where paths can be clicked.
    links: Links,
    /// What the run is limited to.
    changes: Option<Changes>,
    /// Whether a report was asked for, and whether one of them shows the text.
    report: Option<bool>,
}

/// Whether paths on a stream are links.
#[derive(Clone, Copy)]
struct Links {
    stdout: bool,
    stderr: bool,
}

/// Parses the command line and does what it says.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_help = !error.use_stderr();
            // Nobody is left to tell when the message cannot be printed.
            let _ = error.print();
            return if is_help { Exit::Success } else { Exit::Trouble };
        }
    };
    match run(&cli) {
        Ok(exit) => exit,
        // The reader of our output went away: it had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: cannot write the output: {error}");
            Exit::Trouble
        }
    }
}

fn run(cli: &Cli) -> io::Result<Exit> {
    match cli.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    match &cli.command {
        Some(Command::Explain(asked)) => return explain::run(asked),
        Some(Command::Rules(asked)) => return explain::list(asked.format),
        Some(Command::Pss(asked)) => return pss::run(asked),
        Some(Command::Pr(asked)) => return pr::run(asked),
        Some(Command::Config(asked)) => return questions::config(&asked.question),
        Some(Command::Completions { shell }) => return questions::completions(*shell),
        Some(Command::Man { command }) => return questions::man(command.as_deref()),
        None => {}
    }
    let mode = cli.mode();
    let mut paths = cli.paths.clone();
    if paths.is_empty() {
        if mode == Mode::Write {
            let mut help = Cli::command();
            writeln!(io::stderr(), "{}", help.render_long_help())?;
            writeln!(
                io::stderr(),
                "error: no path given; `cce-fix .` fixes this folder, `cce-fix --diff` shows what would change"
            )?;
            return Ok(Exit::Trouble);
        }
        paths.push(".".into());
    }
    let flags = match flags(cli) {
        Ok(flags) => flags,
        Err(message) => return refuse(&message),
    };
    let is_stdin = paths.iter().any(|path| path == OsStr::new("-"));
    // The tables that decisions build on take as long to read as most folders to walk, so both are done at once.
    let (decisions, found) = thread::scope(|scope| {
        let walk = || input::collect(&paths, cli.no_ignore, cli.threads);
        let walk = (!is_stdin).then(|| scope.spawn(walk));
        let decisions = source(flags, cli.config.as_deref(), cli.isolated);
        (decisions, walk.map_or_else(|| Ok((Vec::new(), Vec::new())), thread::ScopedJoinHandle::join))
    });
    let (inputs, errors) = found.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let decisions = match decisions {
        Ok(decisions) => decisions,
        Err(error) => return refuse(&error.to_string()),
    };
    // Without a handler a second Ctrl-C could not end the program either; so it is no error to lack one.
    let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
    let stdout_choice = anstream::AutoStream::choice(&io::stdout());
    let mut run = Run {
        cli,
        mode,
        decisions,
        patches: Patches::default(),
        folder: std::env::current_dir().unwrap_or_default(),
        colour: stdout_choice != anstream::ColorChoice::Never,
        links: Links { stdout: link::are_shown(&io::stdout()), stderr: link::are_shown(&io::stderr()) },
        changes: None,
        report: None,
    };
    if is_stdin {
        if paths.len() > 1 {
            writeln!(io::stderr(), "error: `-` stands for stdin and cannot be mixed with other paths")?;
            return Ok(Exit::Trouble);
        }
        if cli.since.is_some() || cli.staged {
            return refuse("`-` has no history; `--since` and `--staged` are for files");
        }
        let stdout = mode != Mode::Check;
        let Some(sinks) = run.open_reports(stdout.then_some("what `-` gives"), &[])? else {
            return Ok(Exit::Trouble);
        };
        return run.stdin(sinks);
    }
    match changes(cli) {
        Ok(changes) => run.changes = changes,
        Err(message) => return refuse(&message),
    }
    let stdout = match mode {
        Mode::Diff => Some("the diff"),
        Mode::List => Some("the names"),
        Mode::Check | Mode::Write => None,
    };
    let Some(sinks) = run.open_reports(stdout, &inputs)? else { return Ok(Exit::Trouble) };
    let mut report = Report::new(mode);
    run.patches = Patches::of(&inputs);
    let mut tally = Tally::default();
    for error in &errors {
        tally.refused += 1;
        tell(&format!("error: {error}"))?;
        report.add_problem(&error.to_string());
    }
    let jobs = run.jobs(&inputs, &mut tally, &mut report)?;
    let mut overrides = Overrides::default();
    run.files(&jobs, &mut tally, &mut report, &mut overrides)?;
    // A part of the documents does not tell what all of them need.
    let walked = inputs.iter().filter(|_| run.changes.is_none());
    let walked: Vec<&Path> = walked.filter_map(|input| input.root.as_deref()).collect();
    for line in overrides.lines(&walked) {
        tally.notices += 1;
        tell(&line)?;
    }
    run.write_reports(sinks, &report, &mut tally)?;
    run.finish(&tally, inputs.is_empty() && errors.is_empty())
}

/// Says why there is no run.
fn refuse(message: &str) -> io::Result<Exit> {
    tell(&format!("error: {message}"))?;
    Ok(Exit::Trouble)
}

/// What the run is limited to.
fn changes(cli: &Cli) -> Result<Option<Changes>, String> {
    match (&cli.since, cli.staged) {
        (Some(commit), _) => {
            Changes::since(commit).map(Some).map_err(|message| format!("`--since`: {message}"))
        }
        (None, true) => Changes::staged().map(Some).map_err(|message| format!("`--staged`: {message}")),
        (None, false) => Ok(None),
    }
}

/// The flags of `cli` with today's date, and why they cannot be used.
fn flags(cli: &Cli) -> Result<Flags, String> {
    let today = suppress::today()?;
    if let Some(reason) = &cli.add_suppressions {
        let refuse = |why: String| Err(format!("`--add-suppressions`: {why}"));
        match Reason::checked(reason) {
            Err(error) => return refuse(error.to_string()),
            Ok(Reason { until: Some(until), .. }) if until < today => {
                return refuse(format!("{until} is over"));
            }
            Ok(_) => {}
        }
    }
    Ok(Flags { today: Some(today), ..cli.flags() })
}

/// Where the decisions for each file come from.
pub(crate) fn source(flags: Flags, config: Option<&Path>, isolated: bool) -> Result<Source, ConfigError> {
    Ok(match config {
        Some(path) => Source::One(Arc::new(Decisions::read(path, &flags)?)),
        None if isolated => Source::One(Arc::new(Decisions::of_flags(&flags)?)),
        None => Source::Nearest(Nearest::new(flags)?),
    })
}

/// Whether the configuration excludes the file. What is named on the command line is meant.
pub(crate) fn is_excluded(input: &Input, decisions: &Decisions) -> bool {
    !input.named && decisions.excludes(&input.path)
}

/// A file, and what is decided for it.
struct Job<'i> {
    input: &'i Input,
    decisions: Arc<Decisions>,
}

impl Run<'_> {
    /// Finds the decisions for each file. A configuration that cannot be used is told once, and the files
    /// that it is for are left.
    fn jobs<'i>(
        &self,
        inputs: &'i [Input],
        tally: &mut Tally,
        report: &mut Report,
    ) -> io::Result<Vec<Job<'i>>> {
        let mut told = Vec::new();
        let mut jobs = Vec::with_capacity(inputs.len());
        for input in inputs {
            match self.decisions.of(folder_of(&input.path)) {
                Ok(decisions) if is_excluded(input, &decisions) => {}
                Ok(decisions) => jobs.push(Job { input, decisions }),
                Err(error) if told.contains(&error) => {}
                Err(error) => {
                    tally.refused += 1;
                    let message = format!("{error}; the files that it is for are left as they are");
                    tell(&message)?;
                    report.add_problem(&message);
                    told.push(error);
                }
            }
        }
        Ok(jobs)
    }

    fn files(
        &self,
        jobs: &[Job<'_>],
        tally: &mut Tally,
        report: &mut Report,
        overrides: &mut Overrides,
    ) -> io::Result<()> {
        if let [job] = jobs {
            let mut output = self.file(job, None);
            self.print(&output, tally)?;
            output.report.take().into_iter().for_each(|file| report.add(file));
            let mut subjects = Subjects::default();
            overrides.add(&job.decisions, output.overrides);
            subjects.add(&job.decisions, output.subjects);
            return self.generate(&subjects, tally);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.cli.threads)
            .build()
            .map_err(io::Error::other)?;
        let inputs: Vec<&Input> = jobs.iter().map(|job| job.input).collect();
        // Each file is looked at twice.
        let progress = Progress::new(2 * jobs.len(), self.cli.no_progress || self.cli.quiet);
        let is_interrupted = || {
            progress.advance();
            INTERRUPTED.load(Ordering::Relaxed)
        };
        let gathered = pool.install(|| Gathered::of(&inputs, &self.patches, is_interrupted));
        let mut subjects = Subjects::default();
        let numbered: Vec<(usize, &Job<'_>)> = jobs.iter().enumerate().collect();
        for batch in numbered.chunks(BATCH) {
            let look = |(number, job): &(usize, &Job<'_>)| {
                let output = self.file(job, Some((&gathered, *number)));
                progress.advance();
                output
            };
            let outputs: Vec<Output> = pool.install(|| batch.par_iter().map(look).collect());
            progress.aside(|| outputs.iter().try_for_each(|output| self.print(output, tally)))?;
            for ((_, job), mut output) in batch.iter().zip(outputs) {
                overrides.add(&job.decisions, output.overrides);
                output.report.take().into_iter().for_each(|file| report.add(file));
                subjects.add(&job.decisions, output.subjects);
            }
        }
        progress.finish();
        self.generate(&subjects, tally)
    }

    /// Makes the files that the configuration asks for beside the manifests, or shows them.
    fn generate(&self, subjects: &Subjects, tally: &mut Tally) -> io::Result<()> {
        // What they hold depends on all workloads, not on those that changed.
        if self.changes.is_some() {
            return Ok(());
        }
        for file in subjects.files() {
            let mut output = Output::default();
            match file {
                Ok(file) => {
                    output.tally.generated = 1;
                    match self.mode {
                        Mode::Write => {
                            let NewFile { path, generated, old } = &file;
                            let text = generated.text.as_bytes();
                            let written = match old {
                                Some(old) => write::replace(path, old, text, How::Atomic),
                                None => write::create(path, text, generated.is_program),
                            };
                            if let Err(error) = written {
                                output.tally = Tally { refused: 1, ..Tally::default() };
                                output.stderr.push(format!("error: {error}"));
                            }
                        }
                        Mode::Diff => output.stdout = self.diff_of_generated(&file),
                        Mode::List => output.stdout = self.name_line(&self.seen(&file.path)),
                        Mode::Check => {}
                    }
                }
                Err(message) => {
                    output.tally.refused = 1;
                    output.stderr.push(format!("error: {message}"));
                }
            }
            self.print(&output, tally)?;
        }
        Ok(())
    }

    fn diff_of_generated(&self, NewFile { path, generated, old }: &NewFile) -> Vec<u8> {
        let name = DiffName::new(&self.seen(path), &self.folder);
        let text = generated.text.as_bytes();
        let diff = match old {
            Some(old) => diff::unified(&name, old, text),
            None => diff::created(&name, text, generated.is_program),
        };
        if self.colour { diff::paint(&diff) } else { diff }
    }

    /// A path as seen from the current folder.
    fn seen(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.folder).unwrap_or(path).to_owned()
    }

    fn print(&self, output: &Output, tally: &mut Tally) -> io::Result<()> {
        for line in &output.stderr {
            if self.links.stderr {
                write_line(&link::at_start(line, &output.path, &self.folder))?;
            } else {
                tell(line)?;
            }
        }
        tally.add(&output.tally);
        if output.stdout.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(&output.stdout)?;
        stdout.flush()
    }

    /// Looks at one file and does with it what the mode says. `gathered` is what all files tell, and the
    /// file's number among them; a file that stands alone tells about itself.
    fn file(&self, Job { input, decisions }: &Job<'_>, gathered: Option<(&Gathered, usize)>) -> Output {
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Output::default();
        }
        let path = input.path.as_path();
        let lines = match self.changes.as_ref().map(|changes| changes.of(path)) {
            None | Some(Change::Whole) => None,
            Some(Change::Lines(lines)) => Some(lines),
            Some(Change::None) => return Output::default(),
            Some(Change::Unknown(why)) => {
                return self.output(path, &mut Examined::unreadable(None, why), true);
            }
        };
        let kept = gathered.and_then(|(gathered, number)| gathered.take(number));
        let bytes = match kept.map_or_else(|| input::read(path), Ok) {
            Ok(bytes) => bytes,
            Err(message) => return self.output(path, &mut Examined::unreadable(None, message), true),
        };
        let evidence = gathered.map(|(gathered, _)| &gathered.evidence);
        let settings = decisions.settings_for(path);
        let mut examined = look(input, &bytes, &self.patches, evidence, &settings, lines, self.purpose());
        let mut output = self.output(path, &mut examined, input.named);
        if self.mode == Mode::List && examined.changed {
            output.stdout = self.name_line(path);
        }
        output.overrides =
            examined.plans.iter().flat_map(|(_, plan)| &plan.overrides_used).copied().collect();
        let pods = examined.plans.iter().flat_map(|(_, plan)| &plan.pods);
        output.subjects = pods.filter_map(|pod| pod.subject.clone()).collect();
        let Some(text) = &examined.text else { return output };
        match self.mode {
            Mode::Write => {
                if let Err(message) = self.write(input, &bytes, text.as_bytes()) {
                    output.tally = Tally { looked_at: 1, refused: 1, ..Tally::default() };
                    output.stderr.push(format!("error: {message}"));
                    output.report.iter_mut().for_each(|report| report.not_written(&message));
                }
            }
            Mode::Diff => output.stdout = self.diff(path, &bytes, text.as_bytes()),
            Mode::Check | Mode::List => {}
        }
        output
    }

    fn purpose(&self) -> Purpose {
        match (self.report, self.mode) {
            (Some(source), _) => Purpose::Report { source },
            (None, Mode::Check | Mode::List) => Purpose::Answer { satisfied: self.cli.verbose },
            (None, Mode::Write | Mode::Diff) => Purpose::Text,
        }
    }

    /// What is said about a file, whatever the mode.
    fn output(&self, path: &Path, examined: &mut Examined, named: bool) -> Output {
        let mut output = Output { path: path.to_owned(), ..Output::default() };
        output.tally.count(examined);
        output.report = self.report.map(|_| FileReport::new(path, &self.folder, examined));
        if let Some(why) = examined.kind.why_not().filter(|_| named) {
            output.tally.refused += 1;
            let problem = Problem { position: None, message: why.to_owned() };
            output.stderr.push(report::problem(path, &problem));
            output.report.iter_mut().for_each(|report| report.add_problem(&problem));
        }
        output.stderr.extend(examined.problems.iter().map(|problem| report::problem(path, problem)));
        output.stderr.extend(report::notices(path, examined));
        if self.cli.verbose {
            output.stderr.extend(report::verbose(path, examined));
            output.stderr.extend(report::pod_security(path, examined));
        }
        output
    }

    fn write(&self, input: &Input, old: &[u8], new: &[u8]) -> Result<(), String> {
        let path = input.path.as_path();
        if let Some(root) = input.root.as_deref().filter(|_| path.is_symlink()) {
            let target = write::target(path).map_err(|error| error.to_string())?;
            let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
            if !target.starts_with(&root) {
                return Err(format!(
                    "{}: a symbolic link to {}, outside the folder; name the file itself to fix it",
                    path.display(),
                    target.display()
                ));
            }
        }
        match write::replace(path, old, new, How::Atomic) {
            Err(error) if self.cli.no_atomic && error.problem.in_place_may_help() => {
                write::replace(path, old, new, How::InPlace).map_err(|error| error.to_string())
            }
            result => result.map_err(|error| error.to_string()),
        }
    }

    fn name_line(&self, path: &Path) -> Vec<u8> {
        if self.links.stdout { link::name_line(path, &self.folder) } else { name_line(path) }
    }

    fn diff(&self, path: &Path, old: &[u8], new: &[u8]) -> Vec<u8> {
        let diff = diff::unified(&DiffName::new(path, &self.folder), old, new);
        if self.colour { diff::paint(&diff) } else { diff }
    }

    /// Opens the reports that were asked for; where that cannot be, says why.
    fn open_reports(&mut self, stdout_is_for: Option<&str>, inputs: &[Input]) -> io::Result<Option<Sinks>> {
        match Sinks::open(&self.cli.output_format, stdout_is_for, inputs) {
            Ok(sinks) => {
                self.report = (!sinks.is_empty()).then(|| sinks.show_source());
                Ok(Some(sinks))
            }
            Err(message) => {
                tell(&format!("error: {message}"))?;
                Ok(None)
            }
        }
    }

    fn write_reports(&self, sinks: Sinks, report: &Report, tally: &mut Tally) -> io::Result<()> {
        for problem in sinks.write(report, self.colour)? {
            tally.refused += 1;
            tell(&format!("error: {problem}"))?;
        }
        Ok(())
    }

    /// Maps stdin to stdout.
    fn stdin(&self, sinks: Sinks) -> io::Result<Exit> {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        let path = self.cli.stdin_filename.as_path();
        let decisions = match self.decisions.of(folder_of(path)) {
            Ok(decisions) => decisions,
            Err(error) => {
                tell(&error.to_string())?;
                return Ok(Exit::Trouble);
            }
        };
        let mut examined = examine(&bytes, path, &decisions.settings_for(path), None, None, self.purpose());
        let unreadable =
            examined.text.is_none() && !examined.problems.is_empty() && examined.plans.is_empty();
        let template = examined.kind == FileKind::Template;
        let mut output = self.output(path, &mut examined, template);
        // There is no file to open.
        output.path = PathBuf::new();
        let new = examined.text.as_deref().map_or(bytes.as_slice(), str::as_bytes);
        match self.mode {
            Mode::Write if !template && (!unreadable || is_stream(&bytes)) => output.stdout = new.to_vec(),
            Mode::Diff if examined.text.is_some() => output.stdout = self.diff(path, &bytes, new),
            Mode::List if examined.changed => output.stdout = self.name_line(path),
            _ => {}
        }
        let mut tally = Tally::default();
        self.print(&output, &mut tally)?;
        let mut report = Report::new(self.mode);
        output.report.take().into_iter().for_each(|file| report.add(file));
        self.write_reports(sinks, &report, &mut tally)?;
        self.finish(&tally, false)
    }

    fn finish(&self, tally: &Tally, no_inputs: bool) -> io::Result<Exit> {
        let interrupted = INTERRUPTED.load(Ordering::Relaxed);
        if !self.cli.quiet {
            if no_inputs {
                tell("warning: no YAML files found")?;
            }
            if interrupted {
                tell("interrupted: every file is either as it was or wholly fixed")?;
            }
            tell(&tally.summary(self.mode))?;
            let steps = tally.next_step(self.cli.verbose).into_iter().chain(tally.first_steps(self.mode));
            for line in tally.pod_security().chain(tally.demand.lines()).chain(steps) {
                tell(&line)?;
            }
        }
        let exit = tally.exit(self.mode, self.cli.strict);
        Ok(if interrupted { exit.max(Exit::Interrupted) } else { exit })
    }
}

/// Looks at a file, unless its name or another file says that it stands for no objects of its own. `evidence`
/// is what all files of the run tell; a file that stands alone tells about itself. `lines` are those that a
/// document must hold one of.
pub(crate) fn look(
    input: &Input,
    bytes: &[u8],
    patches: &Patches,
    evidence: Option<&Evidence>,
    settings: &Settings,
    lines: Option<&Lines>,
    purpose: Purpose,
) -> Examined {
    if kind::is_kustomization_name(&input.path) {
        return Examined::of(FileKind::Kustomization);
    }
    if patches.contains(input) {
        return Examined::of(FileKind::Patch);
    }
    let overlays = patches.overlays(input);
    let own = evidence.filter(|_| !overlays.is_empty());
    let own = own.map(|evidence| evidence.with_overlays(overlays.to_vec()));
    examine(bytes, &input.path, settings, own.as_ref().or(evidence), lines, purpose)
}

/// Looks at bytes; a defect of ours in one file must not keep the others from being looked at.
pub(crate) fn examine(
    bytes: &[u8],
    path: &Path,
    settings: &Settings,
    evidence: Option<&Evidence>,
    lines: Option<&Lines>,
    purpose: Purpose,
) -> Examined {
    std::panic::catch_unwind(|| engine::examine_with(bytes, path, settings, evidence, lines, purpose))
        .unwrap_or_else(|_| {
            Examined::unreadable(
                None,
                "a defect of cce-fix stopped it here, please report it; the file is left as it is",
            )
        })
}

/// The folder that a path lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether the bytes can be read as documents at all.
fn is_stream(bytes: &[u8]) -> bool {
    rewriter::decode(bytes).is_ok_and(|text| rewriter::Stream::scan(text).is_ok())
}

fn name_line(path: &Path) -> Vec<u8> {
    let mut line = path.as_os_str().as_encoded_bytes().to_vec();
    line.push(b'\n');
    line
}

/// One line on stderr, harmless to a terminal whatever names and texts it quotes.
pub(crate) fn tell(line: &str) -> io::Result<()> {
    write_line(&diff::harmless(line.as_bytes()))
}

fn write_line(line: &[u8]) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(line)?;
    stderr.write_all(b"\n")
}
