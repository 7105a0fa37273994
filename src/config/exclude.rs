//! The files that a configuration excludes.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::ConfigError;
use crate::paths::absolute;

/// Rules as `.gitignore` has them, seen from the folder of the configuration.
#[derive(Debug)]
pub(super) struct Exclude {
    /// Absolute.
    folder: PathBuf,
    rules: Option<Gitignore>,
}

impl Exclude {
    /// The `rules` of the configuration in `folder`.
    pub(super) fn new(folder: Option<PathBuf>, rules: Option<Gitignore>) -> Self {
        Self { folder: folder.unwrap_or_default(), rules }
    }

    /// The rules of `--exclude`, seen from the current folder.
    pub(super) fn of_flags(lines: &[String]) -> Result<Self, ConfigError> {
        let rules = rules(lines).map_err(|(_, message)| ConfigError::Exclude(message))?;
        Ok(Self { folder: absolute(Path::new(".")), rules })
    }

    /// Whether the file at `path`, or a folder that it is in, is excluded. As for git, nothing in an excluded
    /// folder is included again.
    pub(super) fn contains(&self, path: &Path) -> bool {
        let Some(rules) = &self.rules else { return false };
        let path = absolute(path);
        let Ok(path) = path.strip_prefix(&self.folder) else { return false };
        // The last one is the configuration's own folder.
        let parts: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
        parts.iter().enumerate().rev().any(|(above, part)| rules.matched(part, above > 0).is_ignore())
    }
}

/// The rules that `lines` are, where there are any; or which of them is none, and why.
pub(super) fn rules(lines: &[String]) -> Result<Option<Gitignore>, (Option<usize>, String)> {
    if lines.is_empty() {
        return Ok(None);
    }
    let mut rules = GitignoreBuilder::new("");
    for (index, line) in lines.iter().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            return Err((Some(index), format!("`{line}` excludes nothing")));
        }
        rules.add_line(None, line).map_err(|error| match error {
            ignore::Error::Glob { err, .. } => (Some(index), format!("`{line}`: {err}")),
            error => (Some(index), format!("`{line}`: {error}")),
        })?;
    }
    rules.build().map(Some).map_err(|error| (None, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn excluded<'p>(globs: &[&str], paths: &[&'p str]) -> Vec<&'p str> {
        let file = Path::new("/repo/.cce-fix.yaml");
        let text = format!("exclude: {globs:?}");
        let exclude =
            Exclude::new(file.parent().map(Path::to_owned), Config::parse(file, &text).unwrap().rows.exclude);
        paths.iter().copied().filter(|path| exclude.contains(Path::new(path))).collect()
    }

    #[test]
    fn the_rules_are_those_of_gitignore() {
        let paths = [
            "/repo/a.yaml",
            "/repo/vendor/a.yaml",
            "/repo/vendor/deep/b.yaml",
            "/repo/charts/x/templates/a.yaml",
            "/repo/deep/vendor/c.yaml",
        ];
        assert_eq!(excluded(&["vendor/**"], &paths), paths[1..3]);
        assert_eq!(excluded(&["/vendor"], &paths), paths[1..3]);
        assert_eq!(excluded(&["vendor/"], &paths), [&paths[1..3], &paths[4..]].concat());
        assert_eq!(excluded(&["charts/*/templates/**"], &paths), paths[3..4]);
        assert_eq!(excluded(&["/*.yaml"], &paths), paths[..1]);
        assert_eq!(excluded(&["*.yaml", "!c.yaml"], &paths), paths[..4]);
        assert_eq!(excluded(&["vendor/", "!vendor/deep/b.yaml"], &paths[..3]), paths[1..3]);
        assert_eq!(excluded(&["a.yaml/"], &paths), [""; 0]);
    }

    #[test]
    fn paths_are_seen_from_the_configuration() {
        let other = ["/elsewhere/vendor/a.yaml", "/repository/vendor/a.yaml", "/repo"];
        assert_eq!(excluded(&["vendor", "*"], &other), [""; 0]);
        assert_eq!(excluded(&["/x"], &["/repo/y/../x/a.yaml", "/repo/./x/a.yaml", "/repo/x/../y"]).len(), 2);
    }
}
