//! Programs run in turn on the same files: what each takes, by itself and by another one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use nix::sys::resource::{UsageWho, getrusage};

/// A program to measure, with what it works on.
#[derive(Clone, Debug)]
pub(super) struct Contender {
    /// As the table calls it.
    pub(super) name: String,
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    /// The folder that it runs in.
    pub(super) folder: PathBuf,
    /// A file that it reads as its stdin.
    pub(super) stdin: Option<PathBuf>,
    /// What is copied to `folder` before each run, for a program that changes files.
    pub(super) fresh: Option<PathBuf>,
    /// It takes so long that it runs in the first rounds alone.
    pub(super) rounds: usize,
}

impl Contender {
    pub(super) fn new(name: &str, folder: &Path, command: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            folder: folder.to_owned(),
            stdin: None,
            fresh: None,
            rounds: usize::MAX,
        }
    }

    pub(super) fn reading(self, file: &Path) -> Self {
        Self { stdin: Some(file.to_owned()), ..self }
    }

    pub(super) fn on_copies_of(self, source: &Path) -> Self {
        Self { fresh: Some(source.to_owned()), ..self }
    }

    pub(super) fn at_most(self, rounds: usize) -> Self {
        Self { rounds, ..self }
    }

    /// Puts the files in their state before the run.
    pub(super) fn prepare(&self) -> Result<(), String> {
        let Some(source) = &self.fresh else { return Ok(()) };
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(|error| error.to_string())?;
        }
        succeed(program("cp").arg("-r").arg(source).arg(&self.folder))?;
        // What is written late is not to be paid by the program that runs next.
        succeed(&mut program("sync"))
    }

    /// Runs it in a small process of its own, since the peak of memory is kept for all children together.
    pub(super) fn measure(&self) -> Result<Sample, String> {
        self.prepare()?;
        let own = env::current_exe().map_err(|error| error.to_string())?;
        let mut command = program(own);
        command.args(["bench-one", "--"]).args(&self.command).current_dir(&self.folder);
        command.stdin(self.stdin()?);
        let output = command.output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Sample::parse(&text)
            .ok_or_else(|| format!("{}: {}", self.command.join(" "), String::from_utf8_lossy(&output.stderr)))
    }

    /// How many system calls it makes, counted by `strace`; none where there is no such program.
    pub(super) fn calls(&self) -> Option<u64> {
        self.prepare().ok()?;
        let counts = env::temp_dir().join(format!("cce-fix-bench-{}", std::process::id()));
        let mut command = program("strace");
        command.args(["-f", "-qq", "-c", "-o"]).arg(&counts).args(&self.command).current_dir(&self.folder);
        command.stdin(self.stdin().ok()?).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().ok()?;
        let text = fs::read_to_string(&counts).ok()?;
        remove(&counts);
        // `100.00    0.000123           1       123         4 total`
        let total = text.lines().rfind(|line| line.ends_with(" total"))?;
        total.split_whitespace().nth(3)?.parse().ok()
    }

    fn stdin(&self) -> Result<Stdio, String> {
        match &self.stdin {
            None => Ok(Stdio::null()),
            Some(file) => Ok(fs::File::open(file).map_err(|error| error.to_string())?.into()),
        }
    }
}

/// What one run took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// In seconds.
    pub(super) wall: f64,
    /// Of the program and of the system on its behalf, in seconds.
    pub(super) processor: f64,
    /// At its largest, in MiB.
    pub(super) peak: f64,
    /// None for a program that a signal ended.
    pub(super) code: Option<i32>,
}

impl Sample {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let mut number = || words.next()?.parse::<f64>().ok();
        let (wall, processor, peak) = (number()?, number()?, number()?);
        Some(Self { wall, processor, peak, code: words.next()?.parse().ok() })
    }
}

/// `bench-one`: runs `command` and prints what it took.
pub(crate) fn one(command: &[&str]) -> Result<String, String> {
    let (name, arguments) = command.split_first().ok_or("no program")?;
    let mut command = program(name);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("{name}: {error}"))?;
    let wall = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let seconds = |time: nix::sys::time::TimeVal| as_f64(time.tv_sec()) + as_f64(time.tv_usec()) / 1e6;
    let processor = seconds(usage.user_time()) + seconds(usage.system_time());
    let code = status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
    Ok(format!("{wall} {processor} {} {code}", as_f64(usage.max_rss()) / 1024.0))
}

/// Runs each of them once a round, so that what the machine does meanwhile is in the figures of all.
pub(super) fn in_turn(contenders: &[Contender], rounds: usize) -> Result<Vec<Vec<Sample>>, String> {
    let mut samples = vec![Vec::new(); contenders.len()];
    // The first run reads the files into memory.
    for contender in contenders.iter().filter(|contender| contender.rounds > 2) {
        contender.measure()?;
    }
    for round in 0..rounds {
        for (contender, samples) in contenders.iter().zip(&mut samples) {
            if round < contender.rounds {
                samples.push(contender.measure()?);
            }
        }
    }
    Ok(samples)
}

/// The middle one of some figures, with the smallest and the largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let middle = figures.len() / 2;
        let median = if figures.len() % 2 == 1 {
            at(middle)
        } else {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        };
        Self { median, least: at(0), most: at(figures.len().wrapping_sub(1)) }
    }

    /// Of `figure` of each sample by that of the sample of the same round.
    pub(super) fn ratio(own: &[Sample], by: &[Sample], figure: impl Fn(&Sample) -> f64) -> Self {
        Self::of(own.iter().zip(by).map(|(own, by)| figure(own) / figure(by)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(super) fn as_f64(number: impl TryInto<i64>) -> f64 {
    number.try_into().unwrap_or_default() as f64
}

#[expect(clippy::disallowed_methods, reason = "a chore starts what it measures")]
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(name)
}

#[expect(clippy::disallowed_methods, reason = "a chore takes away its own temporary file")]
fn remove(file: &Path) {
    // What stays in the folder for temporary files does no harm.
    let _ = fs::remove_file(file);
}

pub(super) fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_have_a_middle() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!((spread.median, spread.least, spread.most), (2.0, 1.0, 3.0));
        assert!((Spread::of([1.0, 2.0]).median - 1.5).abs() < 1e-9);
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn a_run_is_told_in_one_line() {
        let told = one(&["sh", "-c", "exit 3"]).unwrap();
        let sample = Sample::parse(&told).unwrap();
        assert_eq!(sample.code, Some(3));
        assert!(sample.wall > 0.0 && sample.peak > 0.1, "{sample:?}");
        assert!(one(&["/no/such/program"]).is_err());
        assert_eq!(Sample::parse("1 2"), None);
    }
}
