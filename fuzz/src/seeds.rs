//! What cases are made from: the fixtures of this repository, generated manifests, and lists of words.

use std::fs;
use std::path::{Path, PathBuf};

use crate::generate;
use crate::target::Kind;

/// No case is made longer than this.
pub const LONGEST: usize = 12_000;

const CONFIGURATION: &str = include_str!("seeds/configuration.yaml");
const IMAGES: &str = include_str!("seeds/images.txt");
const WORDS: &str = include_str!("seeds/words.txt");

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The texts that cases of a kind are made from. With `real`, manifests by others that lie beside the repository too.
pub fn texts(kind: Kind, real: bool) -> Vec<String> {
    match kind {
        Kind::Manifest => manifests(real),
        Kind::Configuration => {
            let mut whole: Vec<String> = CONFIGURATION.split("---\n").map(str::to_owned).collect();
            whole.push(CONFIGURATION.replace("---\n", ""));
            whole
        }
        Kind::Image => IMAGES.lines().map(str::to_owned).collect(),
        Kind::Word => WORDS.lines().map(str::to_owned).collect(),
    }
}

fn manifests(real: bool) -> Vec<String> {
    let repository = repository();
    let mut folders = vec![
        repository.join("tests/fixtures"),
        repository.join("rewriter/reference/manifests"),
        repository.join("examples"),
    ];
    if real {
        folders.push(repository.join("../shared/corpus"));
    }
    let mut texts: Vec<String> =
        files(folders).iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    texts.extend((0..200).map(generate::manifest));
    texts.extend((0..20).map(|seed| generate::stream(seed, 3)));
    texts.extend((0..10).map(|seed| generate::json_list(seed, 2)));
    texts.retain(|text| text.len() < LONGEST / 2);
    texts
}

/// The YAML and JSON files below some folders, in order.
fn files(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|name| ["yaml", "yml", "json"].iter().any(|known| name == *known))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The cases of the committed corpus for a target, in order, each with its file.
pub fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| Some((path.clone(), fs::read(path).ok()?))).collect()
}
