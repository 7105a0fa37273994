//! Generated files: where they go, and what stands there already.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use transforms::generate::{Generated, Subject};

use crate::config::Decisions;

/// How a file begins that the program made and may make anew.
const MARK: &str = "# Made by cce-fix";

/// In how many bytes it begins: a script has the line of its interpreter before it, and further down it may be
/// quoted by somebody.
const HEAD: usize = 64;

/// The folder for generated files, where no other is configured.
const FOLDER: &str = "cce-fix-generated";

/// A file to make, or to make anew.
#[derive(Debug)]
pub struct NewFile {
    /// Where it goes.
    pub path: PathBuf,
    /// What it is to hold.
    pub generated: Generated,
    /// What it holds now, where it is there.
    pub old: Option<Vec<u8>>,
}

/// The workloads of a run, by the configuration that holds for them.
#[derive(Debug, Default)]
pub struct Subjects(BTreeMap<Option<PathBuf>, Group>);

#[derive(Debug)]
struct Group {
    decisions: Arc<Decisions>,
    subjects: Vec<Subject>,
}

impl Subjects {
    /// Adds those of one file.
    pub fn add(&mut self, decisions: &Arc<Decisions>, subjects: impl IntoIterator<Item = Subject>) {
        let new = || Group { decisions: Arc::clone(decisions), subjects: Vec::new() };
        self.0.entry(decisions.source.clone()).or_insert_with(new).subjects.extend(subjects);
    }

    /// The files to make, and why others are not made.
    pub fn files(&self) -> Vec<Result<NewFile, String>> {
        self.0.values().flat_map(|group| files(&group.decisions, &group.subjects)).collect()
    }
}

fn files(decisions: &Decisions, subjects: &[Subject]) -> Vec<Result<NewFile, String>> {
    let generated = transforms::generate::generate(subjects, &decisions.settings);
    if generated.is_empty() {
        return Vec::new();
    }
    let folder = decisions.config.transforms.all.generate_to.as_deref().unwrap_or(Path::new(FOLDER));
    if !folder.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return vec![Err(format!(
            "`transforms.all.generate-to: {}` leads out of the configuration's folder; name one in it",
            folder.display()
        ))];
    }
    let base = decisions.source.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let folder = base.join(folder);
    generated.into_iter().filter_map(|generated| place(&folder, generated).transpose()).collect()
}

/// What is to be done for one file; nothing where it is there as it should be.
fn place(folder: &Path, generated: Generated) -> Result<Option<NewFile>, String> {
    let path = folder.join(generated.name);
    let refuse = |why: &str| Err(format!("{}: {why}; move it away to have it made", path.display()));
    let old = match std::fs::symlink_metadata(&path) {
        Err(_) => None,
        Ok(metadata) if !metadata.is_file() => return refuse("is there and is no regular file"),
        Ok(_) => Some(std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?),
    };
    match &old {
        Some(old) if old == generated.text.as_bytes() => Ok(None),
        Some(old) if !old.windows(MARK.len()).take(HEAD).any(|start| start == MARK.as_bytes()) => {
            refuse("is there and was not made by cce-fix")
        }
        _ => Ok(Some(NewFile { path, generated, old })),
    }
}
