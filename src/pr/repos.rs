//! A list of repositories, and the shares of it that several runs look after at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use tempfile::TempDir;

/// Each so manieth repository of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    index: usize,
    of: usize,
}

impl Default for Share {
    fn default() -> Self {
        Self { index: 0, of: 1 }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers =
            text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((index, of)) if index < of => Ok(Self { index, of }),
            _ => Err("a share is `I/N`, with I from 0 to N - 1: `0/4` is the first of four".to_owned()),
        }
    }
}

/// The addresses of a share of the list at `path`, each once.
pub(super) fn read(path: &Path, share: Share) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("the list of repositories, {}, cannot be read: {error}", path.display()))?;
    let addresses = addresses(&text);
    if addresses.is_empty() {
        return Err(format!("{} names no repository; it has an address in each line", path.display()));
    }
    let own = addresses.into_iter().enumerate().filter(|(number, _)| number % share.of == share.index);
    Ok(own.map(|(_, address)| address.to_owned()).collect())
}

fn addresses(text: &str) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter(|line| seen.insert(*line)).collect()
}

/// A folder for one repository, gone when it is dropped.
pub(super) fn temporary() -> Result<TempDir, String> {
    let made = tempfile::Builder::new().prefix("cce-fix-repository-").tempdir();
    made.map_err(|error| format!("no temporary folder: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_make_up_the_list() {
        let text =
            "# ours\nhttps://a/b/1.git\n\n  https://a/b/2.git\r\nhttps://a/b/1.git\nhttps://a/b/3.git\n";
        let all = ["https://a/b/1.git", "https://a/b/2.git", "https://a/b/3.git"];
        assert_eq!(addresses(text), all);
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        #[expect(clippy::disallowed_methods, reason = "the test's own folder")]
        std::fs::write(&list, text).unwrap();
        let of = |share: &str| read(&list, share.parse().unwrap()).unwrap();
        assert_eq!(of("0/2"), [all[0], all[2]]);
        assert_eq!(of("1/2"), [all[1]]);
        assert_eq!(of("3/4"), [""; 0]);
        assert_eq!(read(&list, Share::default()).unwrap(), all);
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "1", "4/4", "0/0", "-1/2", "a/b", "1/2/3"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }
}
