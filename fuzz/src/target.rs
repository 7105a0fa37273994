//! What is tried, and what a try tells.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::{edit, fix, others, scan};

/// What happened in a case, as far as it tells this case from others.
#[derive(Clone, Debug, Default)]
pub struct Features(BTreeSet<String>);

impl Features {
    /// Something happened: `what`, with the words that it was told in. Numbers and quoted names in them are left out,
    /// since there is no end of them.
    pub fn add(&mut self, what: &str, words: &str) {
        let mut feature = format!("{what} ");
        let mut quoted = false;
        for letter in words.chars() {
            quoted ^= letter == '`';
            if !quoted && !letter.is_ascii_digit() {
                feature.push(letter);
            }
        }
        self.0.insert(feature);
    }

    /// What happened in another case too.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// All that happened.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// How a try ends: what happened, or which law was broken.
pub type Tried = Result<Features, String>;

/// Whether a law holds, and what to say where it does not.
pub fn law(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

/// What cases are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Manifests.
    Manifest,
    /// Configurations.
    Configuration,
    /// Names of images.
    Image,
    /// Versions, days, amounts, blocks of addresses.
    Word,
}

/// Something to try.
#[derive(Debug)]
pub struct Target {
    /// Its name on the command line, and that of its folder in the corpus.
    pub name: &'static str,
    /// What its cases are made from.
    pub kind: Kind,
    /// Its share of the time.
    pub share: u32,
    /// Tries a case.
    pub run: fn(&Case) -> Tried,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "scan", kind: Kind::Manifest, share: 4, run: scan::scan },
    Target { name: "edit", kind: Kind::Manifest, share: 5, run: edit::edit },
    Target { name: "fix", kind: Kind::Manifest, share: 8, run: fix::fix },
    Target { name: "diff", kind: Kind::Manifest, share: 2, run: others::diff },
    Target { name: "config", kind: Kind::Configuration, share: 2, run: others::config },
    Target { name: "suppression", kind: Kind::Manifest, share: 3, run: others::suppression },
    Target { name: "image", kind: Kind::Image, share: 1, run: others::image },
    Target { name: "version", kind: Kind::Word, share: 1, run: others::version },
];
