//! Paths as names, whatever is there.

use std::path::{Component, Path, PathBuf};

/// The path without `.` and with `..` taken back, as far as names tell.
pub fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match (component, plain.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                plain.pop();
            }
            (other, _) => plain.push(other),
        }
    }
    plain
}

/// The same from the root on.
pub fn absolute(path: &Path) -> PathBuf {
    // Without a current folder names are all there is.
    plain(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// The folder that a path lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_back() {
        for (path, expected) in [
            ("a/./b/../c", "a/c"),
            ("./a", "a"),
            (".", ""),
            ("../a/../../b", "../../b"),
            ("/../a", "/a"),
            ("/a/../..", "/"),
        ] {
            assert_eq!(plain(Path::new(path)), Path::new(expected), "{path}");
        }
        assert_eq!(absolute(Path::new("/a/../b")), Path::new("/b"));
        assert!(absolute(Path::new("a")).is_absolute());
    }

    #[test]
    fn a_file_without_a_folder_lies_in_this_one() {
        for (path, folder) in [("a.yaml", "."), ("a/b.yaml", "a"), ("/b.yaml", "/")] {
            assert_eq!(folder_of(Path::new(path)), Path::new(folder));
        }
    }
}
