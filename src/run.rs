//! A whole run: inputs in, files in parallel, output in order of their names.

mod file;
mod generated;
mod output;
mod stdin;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clap::{CommandFactory, Parser};
use rayon::prelude::*;
use transforms::suppression::Reason;

use crate::changed::Changes;
use crate::cli::{Cli, Command, Mode};
use crate::config::{Flags, Source};
use crate::console::{refuse, tell};
use crate::exit::Exit;
use crate::explain;
use crate::gather::Gathered;
use crate::input::kustomize::Patches;
use crate::input::{self, Input};
use crate::jobs::{Job, jobs};
use crate::pr;
use crate::progress::Progress;
use crate::pss;
use crate::questions;
use crate::report::sink::Sinks;
use crate::report::{Report, Tally};
use crate::suppress;

use output::{Output, Screen, Totals};

/// Set by Ctrl-C: no further file is begun.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Files whose output waits for those before them.
const BATCH: usize = 512;

/// What holds for every file of a run.
struct Run<'c> {
    cli: &'c Cli,
    mode: Mode,
    source: Source,
    patches: Patches,
    screen: Screen,
    /// What the run is limited to.
    changes: Option<Changes>,
    /// Whether a report was asked for, and whether one of them shows the text.
    report: Option<bool>,
}

/// Parses the command line and does what it says.
pub fn main() -> Exit {
    colour(&std::env::args_os().collect::<Vec<_>>());
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

/// Heeds `--color` before the rest is understood, for the help and for what is said of a line that is not.
fn colour(args: &[OsString]) {
    let value = |index: usize| args.get(index + 1).and_then(|value| value.to_str());
    for (index, arg) in args.iter().enumerate() {
        let choice = match arg.to_str() {
            Some("--color") => value(index),
            Some("--") => return,
            Some(arg) => arg.strip_prefix("--color="),
            None => None,
        };
        match choice {
            Some("always") => anstream::ColorChoice::Always.write_global(),
            Some("never") => anstream::ColorChoice::Never.write_global(),
            _ => {}
        }
    }
}

fn run(cli: &Cli) -> io::Result<Exit> {
    match &cli.command {
        Some(Command::Explain(asked)) => explain::run(asked),
        Some(Command::Rules(asked)) => explain::list(asked.format),
        Some(Command::Pss(asked)) => pss::run(asked),
        Some(Command::Pr(asked)) => pr::run(asked),
        Some(Command::Config(asked)) => questions::config(&asked.question),
        Some(Command::Completions { shell }) => questions::completions(*shell),
        Some(Command::Man { command }) => questions::man(command.as_deref()),
        None => fix(cli),
    }
}

/// Fixes what the paths name, or says what would be fixed.
fn fix(cli: &Cli) -> io::Result<Exit> {
    let mode = cli.mode();
    let paths = match paths(cli) {
        Ok(Some(paths)) => paths,
        Ok(None) => {
            writeln!(io::stderr(), "{}", Cli::command().render_long_help())?;
            return refuse(
                "no path given; `cce-fix .` fixes this folder, `cce-fix --diff` shows what would change",
            );
        }
        Err(message) => return refuse(&message),
    };
    let flags = match flags(cli) {
        Ok(flags) => flags,
        Err(message) => return refuse(&message),
    };
    let is_stdin = paths.iter().any(|path| path == OsStr::new("-"));
    // The tables that decisions build on take as long to read as most folders to walk, so both are done at once.
    let (source, found) = thread::scope(|scope| {
        let walk = || input::collect(&paths, cli.no_ignore, cli.threads);
        let walk = (!is_stdin).then(|| scope.spawn(walk));
        let source = Source::new(flags, cli.config.as_deref(), cli.isolated);
        (source, walk.map_or_else(|| Ok((Vec::new(), Vec::new())), thread::ScopedJoinHandle::join))
    });
    let (inputs, errors) = found.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let source = match source {
        Ok(source) => source,
        Err(error) => return refuse(&error.to_string()),
    };
    // Without a handler a second Ctrl-C could not end the program either; so it is no error to lack one.
    let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
    let patches = Patches::of(&inputs);
    let mut run = Run { cli, mode, source, patches, screen: Screen::new(), changes: None, report: None };
    if is_stdin {
        return run.stdin(&paths);
    }
    match changes(cli) {
        Ok(changes) => run.changes = changes,
        Err(message) => return refuse(&message),
    }
    let stdout_is_for = match mode {
        Mode::Diff => Some("the diff"),
        Mode::List => Some("the names"),
        Mode::Check | Mode::Write => None,
    };
    let sinks = match run.open_reports(stdout_is_for, &inputs) {
        Ok(sinks) => sinks,
        Err(message) => return refuse(&message),
    };
    let mut totals = Totals::new(mode);
    for error in &errors {
        totals.refuse(&error.to_string())?;
    }
    let (jobs, unusable) = jobs(&inputs, &run.source);
    for error in unusable {
        totals.refuse(&format!("{error}; the files that it is for are left as they are"))?;
    }
    run.files(&jobs, &mut totals)?;
    run.generate(&totals.subjects, &mut totals.tally)?;
    // A part of the documents does not tell what all of them need.
    let walked = inputs.iter().filter(|_| run.changes.is_none());
    let walked: BTreeSet<&Path> = walked.filter_map(|input| input.root.as_deref()).collect();
    for line in totals.overrides.lines(&walked) {
        totals.tally.notices += 1;
        tell(&line)?;
    }
    run.write_reports(sinks, &totals.report, &mut totals.tally)?;
    run.finish(&totals.tally, inputs.is_empty() && errors.is_empty())
}

/// What is to be looked at; `None` where nothing says what to write to.
fn paths(cli: &Cli) -> Result<Option<Vec<OsString>>, String> {
    let mut paths = cli.paths.clone();
    let program = Cli::command();
    for path in paths.iter().filter(|path| !Path::new(path).exists()) {
        // `cce-fix diff .` is not to rewrite this folder.
        let mut meant = program.get_arguments().filter_map(clap::Arg::get_long).chain(["help", "version"]);
        if let Some(flag) = meant.find(|flag| path == *flag) {
            return Err(format!("{flag}: no such file or folder; did you mean `--{flag}`?"));
        }
    }
    match &cli.files_from {
        Some(list) => paths.extend(input::listed(list)?),
        None if paths.is_empty() && cli.mode() == Mode::Write => return Ok(None),
        None if paths.is_empty() => paths.push(".".into()),
        None => {}
    }
    Ok(Some(paths))
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

impl Run<'_> {
    /// Looks at the files in parallel, and prints what they give in their order.
    fn files(&self, jobs: &[Job<'_>], totals: &mut Totals) -> io::Result<()> {
        // A file alone tells about itself, and threads have nothing to share.
        if let [job] = jobs {
            return self.take(job, self.file(job, None), totals);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.cli.threads)
            .build()
            .map_err(io::Error::other)?;
        let inputs: Vec<&Input> = jobs.iter().map(|job| job.input).collect();
        // Each file is looked at twice.
        let progress = Progress::new(2 * jobs.len(), self.cli.no_progress || self.cli.quiet);
        let is_over = || {
            progress.advance();
            is_interrupted()
        };
        let gathered = pool.install(|| Gathered::of(&inputs, &self.patches, is_over));
        let numbered: Vec<(usize, &Job<'_>)> = jobs.iter().enumerate().collect();
        for batch in numbered.chunks(BATCH) {
            let look = |(number, job): &(usize, &Job<'_>)| {
                let output = self.file(job, Some((&gathered, *number)));
                progress.advance();
                output
            };
            let outputs: Vec<Output> = pool.install(|| batch.par_iter().map(look).collect());
            let mut outputs = batch.iter().zip(outputs);
            progress.aside(|| outputs.try_for_each(|((_, job), output)| self.take(job, output, totals)))?;
        }
        progress.finish();
        Ok(())
    }

    /// Prints what one file gives, and counts it.
    fn take(&self, job: &Job<'_>, output: Output, totals: &mut Totals) -> io::Result<()> {
        self.screen.print(&output)?;
        totals.add(job, output);
        Ok(())
    }

    /// Opens the reports that were asked for; where that cannot be, says why.
    fn open_reports(&mut self, stdout_is_for: Option<&str>, inputs: &[Input]) -> Result<Sinks, String> {
        let sinks = Sinks::open(&self.cli.output_format, stdout_is_for, inputs)?;
        self.report = (!sinks.is_empty()).then(|| sinks.show_source());
        Ok(sinks)
    }

    fn write_reports(&self, sinks: Sinks, report: &Report, tally: &mut Tally) -> io::Result<()> {
        for problem in sinks.write(report, self.screen.look())? {
            tally.refused += 1;
            tell(&format!("error: {problem}"))?;
        }
        Ok(())
    }

    /// Says what the run came to.
    fn finish(&self, tally: &Tally, no_inputs: bool) -> io::Result<Exit> {
        let interrupted = is_interrupted();
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
