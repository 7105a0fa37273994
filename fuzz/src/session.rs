//! A run: cases made and tried until the time is over, findings made small and written down.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::case::Case;
use crate::minimise;
use crate::mutate::{self, Sources};
use crate::random::{Random, boundary};
use crate::seeds;
use crate::target::{Features, Kind, Target, Tried};

/// No case takes more processor time than this, or it counts as one that hangs.
const HANGS: Duration = Duration::from_secs(20);

/// How long a finding, and a case that is kept for the corpus, is made smaller.
const FINDING: Duration = Duration::from_secs(30);
const KEPT: Duration = Duration::from_secs(4);

/// Cases of one target that are kept because something new happened in them.
const POOL: usize = 3_000;

/// What is to be tried, and for how long.
#[derive(Debug)]
pub struct Plan {
    /// The targets.
    pub targets: Vec<&'static Target>,
    /// The wall clock time of them all.
    pub time: Duration,
    /// How many cases of each target are enough, however much time is left.
    pub cases: u64,
    /// What the cases are made from: the same number gives the same cases in the same order.
    pub seed: u64,
    /// Whether manifests by others are among what cases are made from, where they lie beside the repository.
    pub real: bool,
    /// Where findings go.
    pub folder: PathBuf,
}

/// What became of a target.
#[derive(Debug)]
pub struct Report {
    /// Its name.
    pub target: &'static str,
    /// How many cases were tried.
    pub executions: u64,
    /// How many different things happened.
    pub features: usize,
    /// The processor time that it took.
    pub time: Duration,
    /// The broken laws, each with the file that shows it.
    pub findings: Vec<(String, PathBuf)>,
    /// The cases in which something new happened.
    pub pool: Vec<(Case, Features)>,
}

/// Tries a case; a panic is a broken law.
pub fn attempt(target: &Target, case: &Case) -> Tried {
    panic::catch_unwind(AssertUnwindSafe(|| (target.run)(case))).unwrap_or_else(|_| {
        let place = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Err(format!("panic: {place}"))
    })
}

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Keeps panics, which are told as findings, out of the output.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|info| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
    }));
}

/// What a broken law is called, so that it is told once: the words before the first break, without numbers.
fn name(message: &str) -> String {
    let words: String = message.chars().take_while(|letter| !"\n\"{[(;".contains(*letter)).take(90).collect();
    words.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

/// Ends the process, with the case in hand left in its file, when one takes too long.
#[derive(Debug)]
struct Watch {
    begun: Arc<AtomicU64>,
    current: File,
}

fn processor_time() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec).unwrap_or_default() * 1_000
        + u64::try_from(time.tv_nsec / 1_000_000).unwrap_or_default()
}

impl Watch {
    fn new(path: &Path) -> std::io::Result<Self> {
        let begun = Arc::new(AtomicU64::new(u64::MAX));
        let (watched, shown) = (Arc::clone(&begun), path.to_owned());
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let begun = watched.load(Ordering::Relaxed);
                let hangs = u64::try_from(HANGS.as_millis()).unwrap_or(u64::MAX);
                if begun != u64::MAX && processor_time().saturating_sub(begun) > hangs {
                    crate::tell(&format!("FINDING: a case hangs; it is {}", shown.display()));
                    std::process::abort();
                }
            }
        });
        Ok(Self { begun, current: File::create(path)? })
    }

    /// The case stands in the file while it is tried: a process that dies leaves it there.
    fn begin(&self, target: &Target, case: &Case) -> std::io::Result<()> {
        let bytes = [case.write(), format!("\n#end of {}\n", target.name).into_bytes()].concat();
        self.current.write_all_at(&bytes, 0)?;
        self.begun.store(processor_time(), Ordering::Relaxed);
        Ok(())
    }

    fn end(&self) {
        self.begun.store(u64::MAX, Ordering::Relaxed);
    }
}

struct Runner {
    report: Report,
    target: &'static Target,
    texts: Vec<String>,
    random: Random,
    known: BTreeSet<String>,
    told: BTreeMap<String, usize>,
    /// The first cases, as they are, before any is made.
    first: Vec<Case>,
}

impl Runner {
    fn new(target: &'static Target, plan: &Plan) -> Self {
        let texts = seeds::texts(target.kind, plan.real);
        let mut first: Vec<Case> =
            seeds::corpus(target.name).iter().map(|(_, bytes)| Case::read(bytes)).collect();
        first.extend(texts.iter().map(Case::of_text));
        first.reverse();
        let salt = target
            .name
            .bytes()
            .fold(plan.seed, |salt, byte| salt.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self {
            report: Report {
                target: target.name,
                executions: 0,
                features: 0,
                time: Duration::ZERO,
                findings: Vec::new(),
                pool: Vec::new(),
            },
            target,
            texts,
            random: Random::new(salt),
            known: BTreeSet::new(),
            told: BTreeMap::new(),
            first,
        }
    }

    fn next(&mut self) -> Case {
        if let Some(case) = self.first.pop() {
            return case;
        }
        let random = &mut self.random;
        let from_pool = !self.report.pool.is_empty() && random.one_in(2);
        let (text, number) = if from_pool {
            let (case, _) = &self.report.pool[random.below(self.report.pool.len())];
            (String::from_utf8_lossy(&case.body).into_owned(), case.number)
        } else {
            (random.pick(&self.texts), 0)
        };
        let sources = Sources {
            texts: &self.texts,
            yaml: matches!(self.target.kind, Kind::Manifest | Kind::Configuration),
        };
        let mut text = mutate::mutated(&text, sources, random);
        if text.len() > seeds::LONGEST {
            text.truncate(boundary(&text, seeds::LONGEST));
        }
        let number = match random.below(4) {
            0 => 0,
            1 => number,
            _ => random.number() % 100_000,
        };
        let mut body = text.into_bytes();
        if random.one_in(60) && !body.is_empty() {
            let at = random.below(body.len());
            body[at] = u8::try_from(random.below(256)).unwrap_or_default();
        }
        Case { number, body }
    }

    fn step(&mut self, watch: &Watch, folder: &Path) -> std::io::Result<()> {
        let case = self.next();
        watch.begin(self.target, &case)?;
        let tried = attempt(self.target, &case);
        watch.end();
        self.report.executions += 1;
        match tried {
            Ok(features) => {
                let known = self.known.len();
                self.known.extend(features.iter().map(str::to_owned));
                if self.known.len() > known && self.report.pool.len() < POOL {
                    self.report.pool.push((case, features));
                }
                self.report.features = self.known.len();
            }
            Err(message) => {
                let told = self.told.entry(name(&message)).or_default();
                *told += 1;
                if *told == 1 {
                    let path = self.write(&case, &message, folder)?;
                    self.report.findings.push((message, path));
                }
            }
        }
        Ok(())
    }

    /// Makes a finding small and writes it, with what is wrong beside it.
    fn write(&self, case: &Case, message: &str, folder: &Path) -> std::io::Result<PathBuf> {
        let wanted = name(message);
        let shows = |case: &Case| attempt(self.target, case).is_err_and(|message| name(&message) == wanted);
        let least = minimise::least(case, FINDING, shows);
        let message = attempt(self.target, &least).err().unwrap_or_else(|| message.to_owned());
        let path = folder.join(format!("{}-{}", self.target.name, self.report.findings.len() + 1));
        fs::write(&path, least.write())?;
        fs::write(path.with_extension("whole"), case.write())?;
        fs::write(path.with_extension("txt"), &message)?;
        let text = String::from_utf8_lossy(&least.body).into_owned();
        crate::tell(&format!("FINDING {} (number {})\n{text:?}\n{message}\n", path.display(), least.number));
        Ok(path)
    }
}

/// Goes by the plan.
pub fn run(plan: &Plan) -> std::io::Result<Vec<Report>> {
    fs::create_dir_all(&plan.folder)?;
    quiet_panics();
    let watch = Watch::new(&plan.folder.join("current"))?;
    let mut runners: Vec<Runner> = plan.targets.iter().map(|target| Runner::new(target, plan)).collect();
    let end = Instant::now() + plan.time;
    let mut next_news = Instant::now() + Duration::from_secs(300);
    while Instant::now() < end {
        // The one that is furthest behind its share.
        let unfinished = runners.iter_mut().filter(|runner| runner.report.executions < plan.cases);
        let behind = unfinished.min_by_key(|runner| runner.report.time / runner.target.share);
        let Some(runner) = behind else { break };
        let begun = processor_time();
        while runner.report.executions < plan.cases && processor_time().saturating_sub(begun) < 200 {
            runner.step(&watch, &plan.folder)?;
        }
        runner.report.time += Duration::from_millis(processor_time().saturating_sub(begun));
        if Instant::now() > next_news {
            next_news = Instant::now() + Duration::from_secs(300);
            let reports: Vec<&Report> = runners.iter().map(|runner| &runner.report).collect();
            crate::tell(&format!(
                "{} minutes left\n{}",
                end.saturating_duration_since(Instant::now()).as_secs() / 60,
                table(&reports)
            ));
        }
    }
    Ok(runners.into_iter().map(|runner| runner.report).collect())
}

/// Executions and findings by target, as a table of Markdown.
pub fn table(reports: &[&Report]) -> String {
    let mut table = "| target | executions | seconds of processor time | different outcomes | findings |\n| --- | ---: | ---: | ---: | ---: |\n".to_owned();
    for report in reports {
        // Writing to a String cannot fail.
        let (time, findings) = (report.time.as_secs(), report.findings.len());
        let _ = writeln!(
            table,
            "| {} | {} | {time} | {} | {findings} |",
            report.target, report.executions, report.features
        );
    }
    let executions: u64 = reports.iter().map(|report| report.executions).sum();
    let seconds: u64 = reports.iter().map(|report| report.time.as_secs()).sum();
    let findings: usize = reports.iter().map(|report| report.findings.len()).sum();
    table + &format!("| all | {executions} | {seconds} | | {findings} |\n")
}

/// The fewest cases in which all happens that happens in the pool, each made small, the most telling first.
pub fn distilled(target: &Target, pool: &[(Case, Features)], most: usize) -> Vec<Case> {
    let mut left: BTreeSet<String> =
        pool.iter().flat_map(|(_, features)| features.iter().map(str::to_owned)).collect();
    let mut kept = Vec::new();
    while kept.len() < most {
        let news = |features: &Features| features.iter().filter(|feature| left.contains(*feature)).count();
        let Some((case, features)) = pool.iter().max_by_key(|(_, features)| news(features)) else { break };
        let wanted: BTreeSet<String> =
            features.iter().filter(|feature| left.contains(*feature)).map(str::to_owned).collect();
        if wanted.is_empty() {
            break;
        }
        let shows = |case: &Case| {
            attempt(target, case).is_ok_and(|features| {
                let found: BTreeSet<&str> = features.iter().collect();
                wanted.iter().all(|feature| found.contains(feature.as_str()))
            })
        };
        let least = minimise::least(case, KEPT, shows);
        left.retain(|feature| !wanted.contains(feature));
        kept.push(least);
    }
    kept
}
