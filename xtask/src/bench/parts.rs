//! The parts of the benchmark: what each measures, on which files, against what.

use std::fs;
use std::path::{Path, PathBuf};

use super::measure::{Contender, Sample, Spread, as_f64, in_turn, succeed};
use super::programs::{Programs, names};
use super::table::{Table, figure, medians, spread, time};
use super::workload::{Workloads, list};
use super::{damage, stages};

/// What a part needs.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) programs: Programs,
    pub(super) workloads: Workloads,
    /// How often each program runs.
    pub(super) rounds: usize,
    pub(super) repository: PathBuf,
}

/// A part of the benchmark.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn(&Bench) -> Result<String, String>,
}

pub(super) const PARTS: [Part; 9] = [
    Part { name: "start", about: "start-up and one small file", run: start },
    Part { name: "files", about: "--check over 10,000 small files of which 1 % need a fix", run: files },
    Part { name: "diff", about: "--diff over 10,000 files with 1, 10 and 100 % changed", run: diff },
    Part {
        name: "in-place",
        about: "1,000 files rewritten, against a loop that writes and syncs",
        run: in_place,
    },
    Part { name: "peers", about: "the alternatives on 1,000 files and on one of 10 MB", run: peers },
    Part { name: "large", about: "one file of 1, 10 and 100 MB, and a dump of 20,000 pods", run: large },
    Part { name: "tree", about: "a tree of 100,000 files of which most are no manifests", run: tree },
    Part { name: "damage", about: "what the alternatives do to files", run: damage::damage },
    Part { name: "stages", about: "where the instructions go, and the physical floor", run: stages::stages },
];

const YAML: [&str; 2] = ["yaml", "yml"];

impl Bench {
    /// The folder in which programs change files.
    pub(super) fn work(&self) -> PathBuf {
        self.workloads.folder.join("work")
    }

    /// A file with the names of those in `folder`, relative to it.
    pub(super) fn names(&self, folder: &Path, extensions: &[&str]) -> Result<(PathBuf, usize), String> {
        let files = list(folder, extensions);
        let relative: Vec<PathBuf> =
            files.iter().map(|file| file.strip_prefix(folder).unwrap_or(file).to_owned()).collect();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = self.workloads.folder.join(format!("{name}.list"));
        names(&path, &relative)?;
        Ok((path, relative.len()))
    }

    /// Of `count` files those that need nothing, but one of `each`.
    fn fixed(&self, count: u64, each: Option<u64>) -> Result<PathBuf, String> {
        self.workloads.fixed(count, each, |folder| {
            let mut own = super::measure::program(&self.programs.cce_fix);
            // Some of them have something that no program can fix, which is no error.
            let _ = succeed(own.args(["-q", "."]).current_dir(folder));
            Ok(())
        })
    }

    pub(super) fn corpus(&self) -> Option<PathBuf> {
        let corpus = self.repository.join("../shared/corpus");
        corpus.canonicalize().ok().filter(|corpus| corpus.is_dir())
    }
}

/// A table of `contenders`, with the ratio of each to the one with number `by`.
pub(super) fn compare(contenders: &[Contender], by: usize, rounds: usize) -> Result<String, String> {
    Ok(compared(contenders, by, rounds)?.0)
}

fn compared(
    contenders: &[Contender],
    by: usize,
    rounds: usize,
) -> Result<(String, Vec<Vec<Sample>>), String> {
    let samples = in_turn(contenders, rounds)?;
    let reference = &contenders[by].name;
    let wall = format!("wall / {reference}");
    let processor = format!("processor / {reference}");
    let mut table = Table::new(&["", "runs", "wall", "processor", "peak", &wall, &processor, "exit"]);
    for (contender, own) in contenders.iter().zip(&samples) {
        let ratio = |figure: fn(&Sample) -> f64| spread(Spread::ratio(own, &samples[by], figure));
        let code = own.last().and_then(|sample| sample.code);
        let code = code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
        let ratios = [ratio(|sample| sample.wall), ratio(|sample| sample.processor), code];
        let cells = [contender.name.clone(), own.len().to_string()].into_iter();
        table.row(cells.chain(medians(own)).chain(ratios));
    }
    Ok((table.markdown(), samples))
}

fn start(bench: &Bench) -> Result<String, String> {
    let folder = bench.fixed(1, None)?;
    let (list, _) = bench.names(&folder, &YAML)?;
    let mut contenders = Vec::new();
    if let Some(empty) = &bench.programs.empty {
        contenders.push(Contender::new("an empty Rust program", &folder, &[empty]));
    }
    contenders.push(bench.programs.own("`cce-fix --version`", &folder, &["--version"]));
    contenders.push(bench.programs.own("`cce-fix --check` of one file", &folder, &["--check", "d0/f0.yaml"]));
    contenders.push(bench.programs.own("`cce-fix --check` of its folder", &folder, &["--check", "."]));
    contenders
        .extend(bench.programs.peers(&folder, &list).into_iter().map(|peer| peer.at_most(bench.rounds)));
    let (table, samples) = compared(&contenders, 0, bench.rounds.max(5) * 5)?;
    let more = samples[2].iter().zip(&samples[0]).map(|(own, empty)| (own.wall - empty.wall) * 1e3);
    Ok(format!("{table}\nOne file takes {} ms longer than the empty program.\n", spread(Spread::of(more))))
}

const TWICE: &str = r#""$0" --check -j 1 . & "$0" --check -j 1 . & wait"#;

fn files(bench: &Bench) -> Result<String, String> {
    const COUNT: u64 = 10_000;
    let folder = bench.fixed(COUNT, Some(100))?;
    let (list, _) = bench.names(&folder, &YAML)?;
    let check =
        |name: &str, threads: &str| bench.programs.own(name, &folder, &["--check", "-j", threads, "."]);
    let contenders = [
        Programs::cat(&folder, &list),
        Programs::floor("open, read, close", "read", &folder, &list),
        check("`--check`, two threads", "2"),
        check("`--check`, one thread", "1"),
        // What two processors of this machine bring at most: the runs have nothing to say to each other.
        Contender::new("the same run twice at once", &folder, &["sh", "-c", TWICE, &bench.programs.cce_fix]),
    ];
    let (table, samples) = compared(&contenders, 0, bench.rounds)?;
    let gain = Spread::ratio(&samples[3], &samples[2], |sample| sample.wall);
    let both = samples[3].iter().zip(&samples[4]).map(|(once, twice)| 2.0 * once.wall / twice.wall);
    let at_most = Spread::of(both);
    let calls_of = |count: u64| -> Result<Option<u64>, String> {
        let folder = bench.fixed(count, None)?;
        Ok(bench.programs.own("", &folder, &["--check", "-j", "2", "."]).calls())
    };
    let calls = match (calls_of(COUNT)?, calls_of(1_000)?) {
        (Some(many), Some(few)) => figure(as_f64(many.saturating_sub(few)) / as_f64(COUNT - 1_000)),
        _ => "NOT COUNTED, as `strace` is missing:".to_owned(),
    };
    let (gain, at_most) = (spread(gain), spread(at_most));
    Ok(format!(
        "{table}\nTwo threads are {gain} times as fast as one, two runs at once {at_most} times. {calls} system calls for each further file in which \
         nothing is to change.\n"
    ))
}

fn diff(bench: &Bench) -> Result<String, String> {
    const COUNT: u64 = 10_000;
    let mut table = String::new();
    for (share, folder) in [
        ("1 %", bench.fixed(COUNT, Some(100))?),
        ("10 %", bench.fixed(COUNT, Some(10))?),
        ("100 %", bench.workloads.files(COUNT)?),
    ] {
        let (list, _) = bench.names(&folder, &YAML)?;
        let contenders = [
            Programs::cat(&folder, &list),
            bench.programs.own(&format!("`--diff`, {share} changed"), &folder, &["--diff", "."]),
        ];
        let part = compare(&contenders, 0, bench.rounds)?;
        // One head for all three.
        table.extend(part.lines().skip(if table.is_empty() { 0 } else { 2 }).map(|line| format!("{line}\n")));
    }
    Ok(table)
}

fn in_place(bench: &Bench) -> Result<String, String> {
    let folder = bench.workloads.files(1_000)?;
    let (list, _) = bench.names(&folder, &YAML)?;
    let memory = Path::new("/dev/shm").join(format!("cce-fix-bench-{}", std::process::id()));
    let on = |work: &Path| -> [Contender; 4] {
        let floor = |name: &str, what: &str| Programs::floor(name, what, work, &list).on_copies_of(&folder);
        let own = |name: &str, threads: &str| {
            bench.programs.own(name, work, &["-j", threads, "."]).on_copies_of(&folder)
        };
        [
            floor("write, sync, rename", "sync"),
            floor("write, rename", "write"),
            own("in place, two threads", "2"),
            own("in place, one thread", "1"),
        ]
    };
    let disk = compare(&on(&bench.work()), 0, bench.rounds)?;
    let shared = compare(&on(&memory), 1, bench.rounds);
    if memory.exists() {
        fs::remove_dir_all(&memory).map_err(|error| error.to_string())?;
    }
    Ok(format!("{disk}\nThe same in memory (`/dev/shm`), where to sync costs nothing:\n\n{}", shared?))
}

fn peers(bench: &Bench) -> Result<String, String> {
    let work = bench.work();
    let many = bench.workloads.files(1_000)?;
    let one = bench.workloads.documents(10)?;
    let one = one.parent().unwrap_or(&one).to_owned();
    let mut text = String::new();
    for (what, folder, rounds) in [("1,000 files", many, 3), ("One file of 10 MB", one, 1)] {
        let (list, _) = bench.names(&folder, &YAML)?;
        let mut contenders = vec![bench.programs.own("`cce-fix`", &work, &["."])];
        contenders.push(bench.programs.own("`cce-fix --diff`", &work, &["--diff", "."]));
        contenders.extend(bench.programs.peers(&work, &list).into_iter().map(|peer| peer.at_most(rounds)));
        let contenders: Vec<Contender> = contenders.into_iter().map(|it| it.on_copies_of(&folder)).collect();
        let table = compare(&contenders, 0, bench.rounds)?;
        text.extend([what, ", in place:\n\n", &table, "\n"]);
    }
    Ok(text)
}

fn large(bench: &Bench) -> Result<String, String> {
    let mut table = Table::new(&["", "wall", "processor", "peak", "peak / file", "wall / read and write it"]);
    let mut fits = Vec::new();
    let modes: [(&str, &[&str]); 3] =
        [("`--check`", &["--check"]), ("`--diff`", &["--diff"]), ("in place", &[])];
    let documents: Vec<(f64, PathBuf)> = [1, 10, 100]
        .into_iter()
        .map(|megabytes: u32| Ok((f64::from(megabytes), bench.workloads.documents(megabytes as usize)?)))
        .collect::<Result<_, String>>()?;
    let mut row = |name: String, file: &Path, arguments: &[&str]| -> Result<f64, String> {
        let source = file.parent().unwrap_or(file);
        let work = bench.work();
        let base = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let own =
            bench.programs.own(&name, &work, &[arguments, &["-j", "1", &base]].concat()).on_copies_of(source);
        let copy = Contender::new("", &work, &["cp", &base, "copy"]).on_copies_of(source);
        let bytes = as_f64(fs::metadata(file).map_err(|error| error.to_string())?.len());
        // What takes a minute is measured less often.
        let rounds = if bytes > 5e7 { 2 } else { 3 };
        let samples = in_turn(&[own.at_most(rounds), copy.at_most(rounds)], bench.rounds.min(rounds))?;
        let peak = Spread::of(samples[0].iter().map(|sample| sample.peak)).median;
        let ratio = spread(Spread::ratio(&samples[0], &samples[1], |sample| sample.wall));
        let of_file = figure(peak * 1024.0 * 1024.0 / bytes);
        table.row([name].into_iter().chain(medians(&samples[0])).chain([of_file, ratio]));
        Ok(Spread::of(samples[0].iter().map(|sample| sample.processor)).median)
    };
    for (name, arguments) in modes {
        let mut times = Vec::new();
        for (megabytes, file) in &documents {
            times.push((*megabytes, row(format!("{name}, {megabytes} MB of documents"), file, arguments)?));
        }
        if let [(small, few), .., (big, much)] = times.as_slice() {
            fits.push(format!("{name} {}", figure((much / few).ln() / (big / small).ln())));
        }
    }
    let dump = bench.workloads.dump(20_000)?;
    for (name, arguments) in modes {
        row(format!("{name}, a dump of 20,000 pods"), &dump, arguments)?;
    }
    let size = as_f64(fs::metadata(&dump).map_err(|error| error.to_string())?.len()) / 1e6;
    Ok(format!(
        "{}\nThe dump has {size:.0} MB. From 1 MB to 100 MB the processor time grows with the size to the power of: {} (1 is in \
         proportion).\n",
        table.markdown(),
        fits.join(", ")
    ))
}

fn tree(bench: &Bench) -> Result<String, String> {
    let folder = bench.workloads.repository(100_000)?;
    let (all, count) = bench.names(&folder, &["yaml", "yml", "go", "ts", "md"])?;
    let cat = Contender { name: "`cat` of all files".to_owned(), ..Programs::cat(&folder, &all) };
    // The list is made anew under the same name; what `cat` reads next is another one.
    let kept = all.with_extension("all");
    fs::copy(&all, &kept).map_err(|error| error.to_string())?;
    let cat =
        Contender { command: cat.command.iter().map(|word| word.replace(".list", ".all")).collect(), ..cat };
    let (yaml, manifests) = bench.names(&folder, &YAML)?;
    let contenders = [
        Contender { name: "`cat` of the YAML files".to_owned(), ..Programs::cat(&folder, &yaml) },
        cat,
        Contender::new("`find`", &folder, &["find", ".", "-name", "*.y*ml"]),
        bench.programs.own("`--check`", &folder, &["--check", "."]),
        bench.programs.own("`--diff`", &folder, &["--diff", "."]),
    ];
    let table = compare(&contenders, 0, bench.rounds)?;
    Ok(format!("{table}\n{manifests} of the {count} files are YAML.\n"))
}

/// For the stages: a time in words.
pub(super) fn each(seconds: f64, count: usize) -> String {
    time(seconds / as_f64(count as u64))
}
