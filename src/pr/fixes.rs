//! The fixes for the files of a folder, in the groups that a request each is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rewriter::{Edit, Step, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use transforms::settings::Part;
use transforms::{Evidence, PodPlan};

use super::git::GitError;
use super::remarks::{self, Remark};
use crate::cli::Mode;
use crate::config::{ConfigError, Flags, Source};
use crate::engine::Purpose;
use crate::gather::Gathered;
use crate::input::kustomize::Patches;
use crate::input::{self, Input};
use crate::look::look;
use crate::report::finding::{Finding, Level, State};
use crate::report::{File, FileReport, Report, Tally, Trouble};

/// Files that are looked at before what they tell is put together, so that memory does not grow with their number.
const BATCH: usize = 256;
/// As much as any forge takes for the text of a request: more rows than make up this many characters are not kept.
const ROOM: usize = 1_000_000;

/// How fixes are put together into requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GroupBy {
    /// Safe ones, and those that a person should review.
    #[default]
    Level,
    /// Those of each transform, safe ones apart.
    Transform,
    /// Those in each folder at the top of the repository, safe ones apart.
    Directory,
    /// All in one.
    None,
}

/// The fixes that one request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What its branch is called, behind the base.
    pub name: String,
    /// Its fixes.
    pub part: Part,
    /// What its title says of them.
    pub title: String,
    /// The numbers of the files that they are in; none for all.
    files: Option<BTreeSet<usize>>,
}

impl Group {
    /// Two groups, because objects of which a cluster lets nothing change have their own: what follows the merge is
    /// another thing there.
    fn both(name: &str, title: &str, part: Part, files: Option<&BTreeSet<usize>>) -> [Self; 2] {
        [false, true].map(|recreated| Self {
            name: format!("{}{name}", if recreated { "recreate-" } else { "" }),
            part: Part { recreated: Some(recreated), ..part },
            title: format!("{title}{}", if recreated { " (Pods and Jobs)" } else { "" }),
            files: files.cloned(),
        })
    }
}

/// The levels of fixes, as names of branches and as titles have them.
const LEVELS: [(transforms::Level, &str, &str); 2] = [
    (transforms::Level::Safe, "safe", "safe fixes"),
    (transforms::Level::Review, "review", "fixes to be reviewed"),
];

/// The manifests of a folder, and what they tell about each other.
#[derive(Debug)]
pub struct Manifests {
    folder: PathBuf,
    inputs: Vec<Input>,
    patches: Patches,
    evidence: Evidence,
}

/// What fixes there are, by what groups are made of.
#[derive(Debug, Default)]
struct Seen {
    transforms: BTreeMap<(&'static str, transforms::Level), BTreeSet<usize>>,
    folders: BTreeMap<(String, transforms::Level), BTreeSet<usize>>,
}

/// Fixes that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FixError {
    /// The repository's configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What files become cannot be kept.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// What the fixes of a group come to. What a request tells of them is kept, not the fixes, and of that no more than
/// a request has room for.
#[derive(Debug, Default)]
pub struct Fixes {
    /// The sums.
    pub tally: Tally,
    /// What could not be handled.
    pub problems: Vec<Trouble>,
    /// The files that change, below the folder, and how many fixes each has.
    pub changed: BTreeMap<PathBuf, usize>,
    /// How many fixes each transform has, its title, and whether one of them is for review.
    pub transforms: BTreeMap<&'static str, Sum>,
    /// Each fix.
    pub rows: Kept<Row>,
    /// What stays for a person, or on somebody's wish.
    pub left: Kept<Stays>,
    /// What is said on lines of the request, as far as people read that; only where it is asked for.
    pub remarks: Vec<Remark>,
    prints: Prints,
}

/// The fixes of a transform.
#[derive(Debug, Default)]
pub struct Sum {
    /// How many.
    pub count: usize,
    /// What the transform says of itself.
    pub title: &'static str,
    /// Whether a person should look at one of them.
    pub is_reviewed: bool,
}

/// A fix, as a row tells it.
#[derive(Debug)]
pub struct Row {
    /// Where.
    pub file: String,
    /// The object and the container.
    pub subject: String,
    /// What is done.
    pub change: String,
    /// Why it has its level.
    pub why: String,
    /// How sure it is.
    pub level: Level,
}

/// A finding that is not fixed, as a line tells it.
#[derive(Debug)]
pub struct Stays {
    /// File and line.
    pub place: String,
    /// The object and the container.
    pub subject: String,
    /// What is wrong, and why it stays.
    pub message: String,
}

/// What is told of each of several things, unless they are too many.
#[derive(Debug)]
pub struct Kept<T> {
    /// How many there are.
    pub count: usize,
    room: usize,
    rows: Vec<T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { count: 0, room: ROOM, rows: Vec::new() }
    }
}

impl<T> Kept<T> {
    fn push(&mut self, row: T, length: usize) {
        self.count += 1;
        if let Some(room) = self.room.checked_sub(length) {
            self.room = room;
            self.rows.push(row);
        } else {
            self.room = 0;
            self.rows = Vec::new();
        }
    }

    /// All of them; none where they are too many for any request.
    pub fn all(&self) -> Option<&[T]> {
        Some(&*self.rows).filter(|rows| rows.len() == self.count)
    }
}

impl Manifests {
    /// Looks for them in `folder`.
    pub fn below(folder: &Path) -> Self {
        let (mut inputs, _) = input::collect(&[OsString::from(folder)], false, 0);
        // What a link leads to is in the folder as itself, or not the repository's.
        inputs.retain(|input| !input.path.is_symlink());
        let patches = Patches::of(&inputs);
        let all: Vec<&Input> = inputs.iter().collect();
        // The bytes that were read for it go: each request reads what it needs again, a few files at a time.
        let Gathered { evidence, .. } = Gathered::of(&all, &patches, || false);
        drop(all);
        Self { folder: folder.to_owned(), inputs, patches, evidence }
    }

    /// The groups there may be, some of them without a fix.
    pub fn groups(&self, by: GroupBy, decisions: &Decisions<'_>) -> Result<Vec<Group>, FixError> {
        let level = |level| Part { level: Some(level), ..Part::ALL };
        let groups = match by {
            GroupBy::None => vec![Group::both("all", "all fixes", Part::ALL, None)],
            GroupBy::Level => {
                LEVELS.map(|(of, name, title)| Group::both(name, title, level(of), None)).into()
            }
            GroupBy::Transform => {
                let seen = self.seen(decisions)?;
                let group = |((id, of), files): (&(&'static str, transforms::Level), &BTreeSet<usize>)| {
                    let (name, title) = level_words(*of);
                    let part = Part { transform: Some(id), ..level(*of) };
                    Group::both(&format!("{id}-{name}"), &format!("{id}, {title}"), part, Some(files))
                };
                seen.transforms.iter().map(group).collect()
            }
            GroupBy::Directory => {
                let seen = self.seen(decisions)?;
                let group = |((folder, of), files): (&(String, transforms::Level), &BTreeSet<usize>)| {
                    let (name, title) = level_words(*of);
                    let (branch, shown) = folder_names(folder);
                    let title = format!("{shown}, {title}");
                    Group::both(&format!("{branch}-{name}"), &title, level(*of), Some(files))
                };
                seen.folders.iter().map(group).collect()
            }
        };
        // What can be merged at leisure comes first.
        let (now, recreated): (Vec<Group>, Vec<Group>) =
            groups.into_iter().map(|[now, later]| (now, later)).unzip();
        Ok(now.into_iter().chain(recreated).collect())
    }

    /// The names of the files, below the folder.
    pub fn names(&self) -> impl Iterator<Item = &Path> {
        self.inputs.iter().filter_map(|input| input.path.strip_prefix(&self.folder).ok())
    }

    fn seen(&self, decisions: &Decisions<'_>) -> Result<Seen, FixError> {
        let mut seen = Seen::default();
        let all = [Task { number: 0, decisions: decisions.of(Part::ALL)?, files: None, has_remarks: false }];
        self.each(&all, |number, _, looked| {
            for file in looked.report.files {
                let folder = file.name.split_once('/').map_or("", |(folder, _)| folder);
                for finding in file.findings.iter().filter(|finding| finding.state == State::Fixed) {
                    let Some((level, ..)) = LEVELS.iter().find(|level| level.1 == finding.level.name())
                    else {
                        continue;
                    };
                    seen.transforms.entry((finding.transform.id, *level)).or_default().insert(number);
                    seen.folders.entry((folder.to_owned(), *level)).or_default().insert(number);
                }
            }
            Ok(())
        })?;
        Ok(seen)
    }

    /// The fixes of each group. `put` is given what files become: the number of the group, a name, the text. With
    /// `has_remarks` there are remarks on lines.
    pub fn fix(
        &self,
        decisions: &Decisions<'_>,
        groups: &[Group],
        has_remarks: bool,
        mut put: impl FnMut(usize, &Path, &str) -> Result<(), GitError>,
    ) -> Result<Vec<Fixes>, FixError> {
        let mut all: Vec<Fixes> = groups.iter().map(|_| Fixes::default()).collect();
        let mut has_recreated = false;
        // Most repositories have no object that is to be created again: then there is nothing to look for.
        for is_recreated in [false, true] {
            if is_recreated && !has_recreated {
                break;
            }
            let mut tasks = Vec::new();
            for (number, group) in groups.iter().enumerate() {
                if group.part.recreated == Some(is_recreated) {
                    let decisions = decisions.of(group.part)?;
                    tasks.push(Task { number, decisions, files: group.files.as_ref(), has_remarks });
                }
            }
            self.each(&tasks, |_, group, looked| {
                let Some(fixes) = all.get_mut(group) else { return Ok(()) };
                has_recreated |= looked.has_recreated;
                fixes.tally.add(&looked.tally);
                fixes.problems.extend(looked.report.problems);
                let mut count = 0;
                for file in &looked.report.files {
                    for finding in &file.findings {
                        fixes.add(file, finding);
                        count += usize::from(finding.state == State::Fixed);
                    }
                }
                let room = remarks::MOST.saturating_sub(fixes.remarks.len());
                fixes.remarks.extend(looked.remarks.into_iter().take(room));
                if let Some((name, text)) = looked.changed {
                    put(group, &name, &text)?;
                    fixes.changed.insert(name, count);
                }
                Ok(())
            })?;
        }
        Ok(all)
    }

    /// Looks at files for several tasks, in parallel, and gives what they tell, in their order.
    fn each(
        &self,
        tasks: &[Task<'_>],
        mut take: impl FnMut(usize, usize, Looked) -> Result<(), GitError>,
    ) -> Result<(), FixError> {
        let numbers: Vec<usize> = (0..self.inputs.len()).collect();
        for batch in numbers.chunks(BATCH) {
            let looked = batch.par_iter().filter_map(|number| Some((*number, self.inputs.get(*number)?)));
            let looked = looked.map(|(number, input)| Ok((number, self.look(number, input, tasks)?)));
            for (number, looked) in looked.collect::<Result<Vec<_>, FixError>>()? {
                for (task, looked) in looked {
                    take(number, task, looked)?;
                }
            }
        }
        Ok(())
    }

    /// What a file tells for each of the tasks that it is in. It is read once.
    fn look(
        &self,
        number: usize,
        input: &Input,
        tasks: &[Task<'_>],
    ) -> Result<Vec<(usize, Looked)>, FixError> {
        let mut all = Vec::new();
        let mut old = None;
        for task in tasks {
            let decisions = task.decisions.of_file(&input.path)?;
            let is_meant = task.files.is_none_or(|files| files.contains(&number));
            if !is_meant || decisions.excludes(&input.path, input.named) {
                continue;
            }
            if old.is_none() {
                old = input::read(&input.path).ok();
            }
            let Some(old) = &old else { break };
            let settings = decisions.settings_for(&input.path);
            let evidence = Some(&self.evidence);
            let purpose = if task.has_remarks { Purpose::Report { source: true } } else { Purpose::Request };
            let mut examined = look(input, old, &self.patches, evidence, &settings, None, purpose);
            let mut tally = Tally::default();
            tally.count(&examined);
            let mut report = Report::new(Mode::Write);
            report.add(FileReport::new(&input.path, &self.folder, &mut examined));
            let mut pods = examined.plans.iter().flat_map(|(_, plan)| &plan.pods);
            let has_recreated = pods.any(PodPlan::is_recreated);
            let name = input.path.strip_prefix(&self.folder).ok();
            let changed = examined.text.and_then(|text| Some((name?.to_owned(), text)));
            let mut remarks = Vec::new();
            if let (Some((_, new)), true, Ok(old)) = (&changed, task.has_remarks, rewriter::decode(old)) {
                remarks = report.files.iter().flat_map(|file| remarks::of_file(file, old, new)).collect();
            }
            all.push((task.number, Looked { tally, report, has_recreated, changed, remarks }));
        }
        Ok(all)
    }
}

/// What files are looked at for.
struct Task<'t> {
    number: usize,
    decisions: Source,
    /// The numbers of the files; none for all.
    files: Option<&'t BTreeSet<usize>>,
    has_remarks: bool,
}

/// What a file tells.
struct Looked {
    tally: Tally,
    report: Report,
    /// Whether there is a pod in it of which a cluster lets nothing change.
    has_recreated: bool,
    /// Its name below the folder and its text, where that changes.
    changed: Option<(PathBuf, String)>,
    remarks: Vec<Remark>,
}

/// What a run decides about files: flags, and a configuration in place of the repository's own.
#[derive(Debug)]
pub struct Decisions<'d> {
    /// The flags.
    pub flags: Flags,
    /// The file.
    pub config: Option<&'d Path>,
}

impl Decisions<'_> {
    fn of(&self, part: Part) -> Result<Source, ConfigError> {
        Source::new(Flags { part, ..self.flags.clone() }, self.config, false)
    }
}

impl Fixes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    fn add(&mut self, file: &File, finding: &Finding) {
        match finding.state {
            State::Fixed => {
                self.prints.add(&print(finding));
                let sum = self.transforms.entry(finding.transform.id).or_default();
                sum.count += 1;
                sum.title = finding.transform.title;
                sum.is_reviewed |= finding.review().is_some();
                let row = Row {
                    file: file.name.clone(),
                    subject: finding.subject(),
                    change: finding.summary.clone().unwrap_or_default(),
                    why: finding.reason.clone(),
                    level: finding.level,
                };
                let length = row.file.len() + row.subject.len() + row.change.len() + row.why.len();
                self.rows.push(row, length);
            }
            State::Left if !(finding.needs_person && finding.level == Level::Manual) => {}
            State::Left | State::Suppressed => {
                let stays = Stays {
                    place: format!("{}:{}", file.name, finding.place.line),
                    subject: finding.subject(),
                    message: finding.message(),
                };
                let length = stays.place.len() + stays.subject.len() + stays.message.len();
                self.left.push(stays, length);
            }
        }
    }

    /// The same for the same fixes, wherever in their files the lines stand by now.
    pub fn fingerprint(&self) -> String {
        digits(&Sha256::digest(self.prints.0.map(u64::to_le_bytes).as_flattened()))
    }
}

/// Stands for any number of fixes in any order, in the room of one: the sum of what stands for each.
#[derive(Debug, Default)]
struct Prints([u64; 4]);

impl Prints {
    fn add(&mut self, print: &[u8; 32]) {
        let (words, _) = print.as_chunks();
        for (sum, word) in self.0.iter_mut().zip(words) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*word));
        }
    }
}

/// Stands for a fix: for whom it is, and which values it sets. Where in lists they stand does not matter, since the
/// finding tells containers apart by their names.
fn print(finding: &Finding) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(&finding.fingerprint);
    for edit in &finding.edits {
        let (kind, value) = match edit {
            Edit::Set { value, .. } => ("set", Some(value)),
            Edit::Append { value, .. } => ("append", Some(value)),
            Edit::Remove { neutral, .. } => ("remove", neutral.as_ref()),
        };
        let mut text = kind.to_owned();
        for step in edit.path().steps() {
            if let Step::Key(key) = step {
                text.push('\0');
                text.push_str(key);
            }
        }
        text.push('\0');
        if let Some(value) = value {
            canonical(value, &mut text);
        }
        text.push('\n');
        digest.update(&text);
    }
    digest.finalize().into()
}

/// A value in one way of writing, which no other value has.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push('~'),
        Value::Bool(value) => text.push(if *value { 't' } else { 'f' }),
        Value::Integer(number) => {
            // Writing to a String cannot fail.
            let _ = write!(text, "{number};");
        }
        Value::String(string) => {
            let _ = write!(text, "{}:{string}", string.len());
        }
        Value::Sequence(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
            }
            text.push(']');
        }
        Value::Mapping(entries) => {
            text.push('{');
            for (key, value) in entries {
                let _ = write!(text, "{}:{key}", key.len());
                canonical(value, text);
            }
            text.push('}');
        }
    }
}

fn level_words(level: transforms::Level) -> (&'static str, &'static str) {
    let known = LEVELS.iter().find(|known| known.0 == level);
    known.map_or(("review", "fixes to be reviewed"), |(_, name, title)| (name, title))
}

/// A folder as branches and titles can have it: what nobody can take for anything but a name. Two folders have two
/// names.
fn folder_names(folder: &str) -> (String, String) {
    if folder.is_empty() {
        return ("top".to_owned(), "files at the top".to_owned());
    }
    let plain: String = folder
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' })
        .take(60)
        .collect();
    let is_same = plain == folder && plain != "top";
    let mark =
        if is_same { String::new() } else { format!("-{}", hash([folder]).get(..8).unwrap_or_default()) };
    (format!("{plain}{mark}"), plain)
}

/// 64 digits that stand for the texts.
pub fn hash<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text);
        digest.update([0]);
    }
    digits(&digest.finalize())
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_a_name_each_that_is_one_of_a_branch() {
        let folders = ["", "top", "apps", "a b", "a-b", "a.lock", "..", "@{", "-x", "ümläut", "a\u{202e}b"];
        let names: BTreeSet<String> = folders.iter().map(|folder| folder_names(folder).0).collect();
        assert_eq!(names.len(), folders.len());
        assert!(names.contains("top") && names.contains("apps"));
        for name in names {
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{name}");
        }
    }

    #[test]
    fn values_are_told_apart() {
        let list = |texts: &[&str]| Value::Sequence(texts.iter().map(|text| Value::from(*text)).collect());
        let values = [
            Value::Null,
            Value::from(true),
            Value::from(1),
            Value::from("1"),
            Value::from("~"),
            list(&[]),
            list(&["a", "b"]),
            list(&["ab"]),
            list(&["a1:b"]),
            Value::Mapping(vec![("a".into(), "b".into())]),
            Value::Mapping(Vec::new()),
        ];
        let mut texts = BTreeSet::new();
        for value in &values {
            let mut text = String::new();
            canonical(value, &mut text);
            texts.insert(text);
        }
        assert_eq!(texts.len(), values.len(), "{texts:?}");
    }

    #[test]
    fn what_is_too_long_for_any_request_is_counted_alone() {
        let mut kept = Kept::default();
        kept.push("a", ROOM - 1);
        assert_eq!(kept.all().map(<[_]>::len), Some(1));
        kept.push("b", 2);
        kept.push("c", 1);
        assert_eq!((kept.all(), kept.count), (None, 3));
    }
}
