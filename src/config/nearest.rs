//! The nearest configuration above a file, up to the root of its repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{ConfigError, Decisions, FILE_NAME, Flags};
use crate::paths::absolute;

type Found = Result<Arc<Decisions>, ConfigError>;

/// Finds the decisions for each folder, and reads each file once.
#[derive(Debug)]
pub struct Nearest {
    flags: Flags,
    none: Arc<Decisions>,
    by_folder: Mutex<HashMap<PathBuf, Found>>,
}

impl Nearest {
    /// Nothing is read yet.
    pub fn new(flags: Flags) -> Result<Self, ConfigError> {
        let none = Arc::new(Decisions::of_flags(&flags)?);
        Ok(Self { flags, none, by_folder: Mutex::default() })
    }

    /// The decisions for the files of `folder`.
    pub fn of(&self, folder: &Path) -> Found {
        let mut by_folder = self.by_folder.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = by_folder.get(folder) {
            return found.clone();
        }
        let found = self.look(folder, &mut by_folder);
        by_folder.insert(folder.to_owned(), found.clone());
        found
    }

    fn look(&self, folder: &Path, by_folder: &mut HashMap<PathBuf, Found>) -> Found {
        let absolute = absolute(folder);
        let mut passed = Vec::new();
        let mut found = Ok(Arc::clone(&self.none));
        for above in absolute.ancestors() {
            if let Some(known) = by_folder.get(above) {
                found = known.clone();
                break;
            }
            passed.push(above.to_owned());
            let file = above.join(FILE_NAME);
            if file.is_file() {
                found = Decisions::read(&file, &self.flags).map(Arc::new);
                break;
            }
            if above.join(".git").exists() {
                break;
            }
        }
        by_folder.extend(passed.into_iter().map(|folder| (folder, found.clone())));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_up_to_the_repository_counts() {
        let temp = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = temp.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            #[expect(clippy::disallowed_methods, reason = "the test's own folder")]
            std::fs::write(path, text).unwrap();
        };
        write(".cce-fix.yaml", "profile: baseline\n");
        write("repo/.git/HEAD", "");
        write("repo/team/.cce-fix.yaml", "profile: restricted\n");
        write("repo/team/deep/er/a.yaml", "");
        write("broken/.cce-fix.yaml", "profile: [\n");
        let nearest = Nearest::new(Flags::default()).unwrap();
        let source = |folder: &str| {
            let found = nearest.of(&temp.path().join(folder)).unwrap();
            found.source.as_ref().map(|path| path.strip_prefix(temp.path()).unwrap().to_owned())
        };
        for _ in 0..2 {
            assert_eq!(source("repo/team/deep/er"), Some("repo/team/.cce-fix.yaml".into()));
            assert_eq!(source("repo/team"), Some("repo/team/.cce-fix.yaml".into()));
            assert_eq!(source("repo"), None, "not beyond the repository");
            assert_eq!(source("elsewhere/deep"), Some(".cce-fix.yaml".into()));
            assert!(nearest.of(&temp.path().join("broken/deep")).is_err());
        }
    }
}
