//! The fixes for the files of a folder, in the groups that a request each is made of.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use transforms::settings::Part;

use crate::cli::Mode;
use crate::config::{ConfigError, Flags, Source};
use crate::engine::Purpose;
use crate::gather::Gathered;
use crate::input::kustomize::Patches;
use crate::input::{self, Input};
use crate::report::finding::State;
use crate::report::{FileReport, Report, Tally};
use crate::run::{folder_of, is_excluded, look, source};
use crate::write::{self, How};

/// How fixes are put together into requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum GroupBy {
    /// Safe ones, and those that a person should review.
    #[default]
    Level,
    /// All in one.
    None,
}

/// The fixes that one request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// What its branch is called, behind the base.
    pub name: &'static str,
    /// Its fixes.
    pub part: Part,
    /// What its title says of them.
    pub title: &'static str,
}

impl GroupBy {
    /// The groups there may be. Objects of which a cluster lets nothing change have their own, because what follows
    /// the merge is another thing there.
    pub fn groups(self) -> Vec<Group> {
        use transforms::Level::{Review, Safe};

        let group = |name, title, level, recreated| {
            let part = Part { level, recreated: Some(recreated) };
            Group { name, part, title }
        };
        match self {
            Self::Level => vec![
                group("safe", "safe fixes", Some(Safe), false),
                group("review", "fixes to be reviewed", Some(Review), false),
                group("recreate-safe", "safe fixes of Pods and Jobs", Some(Safe), true),
                group("recreate-review", "fixes of Pods and Jobs to be reviewed", Some(Review), true),
            ],
            Self::None => vec![
                group("all", "all fixes", None, false),
                group("recreate-all", "all fixes of Pods and Jobs", None, true),
            ],
        }
    }
}

/// The manifests of a folder, and what they tell about each other.
#[derive(Debug)]
pub struct Manifests {
    folder: PathBuf,
    inputs: Vec<Input>,
    patches: Patches,
    gathered: Gathered,
}

/// What the fixes of a group come to.
#[derive(Debug)]
pub struct Fixes {
    /// Findings and what became of them.
    pub report: Report,
    /// The sums.
    pub tally: Tally,
    /// The files that change.
    changed: Vec<Changed>,
}

#[derive(Debug)]
struct Changed {
    path: PathBuf,
    old: Vec<u8>,
    new: String,
}

impl Manifests {
    /// Looks for them in `folder`.
    pub fn below(folder: &Path) -> Self {
        let (mut inputs, _) = input::collect(&[OsString::from(folder)], false, 0);
        // What a link leads to is in the folder as itself, or not the repository's.
        inputs.retain(|input| !input.path.is_symlink());
        let patches = Patches::of(&inputs);
        let all: Vec<&Input> = inputs.iter().collect();
        let gathered = Gathered::of(&all, &patches, || false);
        drop(all);
        Self { folder: folder.to_owned(), inputs, patches, gathered }
    }

    /// The fixes of one part, made in memory alone.
    pub fn fixes(&self, flags: &Flags, part: Part) -> Result<Fixes, ConfigError> {
        let decisions = source(Flags { part, ..flags.clone() }, None, false)?;
        let looked: Vec<_> =
            self.inputs.par_iter().map(|input| self.look(input, &decisions)).collect::<Result<_, _>>()?;
        let mut fixes =
            Fixes { report: Report::new(Mode::Write), tally: Tally::default(), changed: Vec::new() };
        for (tally, report, changed) in looked.into_iter().flatten() {
            fixes.tally.add(&tally);
            fixes.report.add(report);
            fixes.changed.extend(changed);
        }
        Ok(fixes)
    }

    fn look(&self, input: &Input, decisions: &Source) -> Result<Option<Looked>, ConfigError> {
        let decisions = decisions.of(folder_of(&input.path))?;
        if is_excluded(input, &decisions) {
            return Ok(None);
        }
        let Ok(old) = input::read(&input.path) else { return Ok(None) };
        let settings = decisions.settings_for(&input.path);
        let evidence = Some(&self.gathered.evidence);
        let purpose = Purpose::Report { source: false };
        let mut examined = look(input, &old, &self.patches, evidence, &settings, None, purpose);
        let mut tally = Tally::default();
        tally.count(&examined);
        let report = FileReport::new(&input.path, &self.folder, &mut examined);
        let changed = examined.text.take().map(|new| Changed { path: input.path.clone(), old, new });
        Ok(Some((tally, report, changed)))
    }
}

type Looked = (Tally, FileReport, Option<Changed>);

impl Fixes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// How many files change.
    pub fn files(&self) -> usize {
        self.changed.len()
    }

    /// The ids of the transforms that have a fix among them.
    pub fn transforms(&self) -> BTreeSet<&'static str> {
        let fixed = self.report.findings().filter(|(_, finding)| finding.state == State::Fixed);
        fixed.map(|(_, finding)| finding.transform.id).collect()
    }

    /// The same for the same fixes, wherever in their files the lines stand by now.
    pub fn fingerprint(&self) -> String {
        let fixed = self.report.findings().filter(|(_, finding)| finding.state == State::Fixed);
        let parts: BTreeSet<String> =
            fixed.map(|(_, finding)| format!("{}\0{:?}\n", finding.fingerprint, finding.edits)).collect();
        hash(parts.iter().map(String::as_str))
    }

    /// Writes them to the files.
    pub fn write(&self) -> Result<(), write::WriteError> {
        self.changed
            .iter()
            .try_for_each(|Changed { path, old, new }| write::replace(path, old, new.as_bytes(), How::Atomic))
    }
}

/// 64 digits that stand for the texts.
pub fn hash<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text);
        digest.update([0]);
    }
    digest.finalize().iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
