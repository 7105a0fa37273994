//! Files that a kustomization applies as patches: fragments that are not edited.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use rewriter::{Node, Stream};

use super::Input;
use super::kind::is_kustomization_name;

/// The patches that kustomizations near the inputs list.
#[derive(Debug, Default)]
pub struct Patches {
    listed: HashSet<PathBuf>,
    /// Folders whose kustomization has been read for a file that was named.
    looked_at: Mutex<HashMap<PathBuf, HashSet<PathBuf>>>,
}

impl Patches {
    /// Reads the kustomizations among `inputs`.
    pub fn of(inputs: &[Input]) -> Self {
        let kustomizations = inputs.iter().filter(|input| is_kustomization_name(&input.path));
        let listed = kustomizations.flat_map(|input| listed_by(&input.path)).collect();
        Self { listed, looked_at: Mutex::default() }
    }

    /// Whether a kustomization lists the file as a patch. For a file that was named, those in its own folder
    /// and the one above are looked at too.
    pub fn contains(&self, input: &Input) -> bool {
        let path = plain(&input.path);
        if self.listed.contains(&path) {
            return true;
        }
        if !input.named {
            return false;
        }
        let own = path.parent().map(Path::to_owned).unwrap_or_default();
        let above = plain(&own.join(".."));
        [own, above].iter().any(|folder| self.listed_in(folder).contains(&path))
    }

    fn listed_in(&self, folder: &Path) -> HashSet<PathBuf> {
        let Ok(mut looked_at) = self.looked_at.lock() else { return HashSet::new() };
        let known = looked_at.entry(folder.to_owned()).or_insert_with(|| {
            ["kustomization.yaml", "kustomization.yml", "Kustomization"]
                .iter()
                .flat_map(|name| listed_by(&folder.join(name)))
                .collect()
        });
        known.clone()
    }
}

/// The patch files that the kustomization at `path` lists.
fn listed_by(path: &Path) -> Vec<PathBuf> {
    let Ok(bytes) = std::fs::read(path) else { return Vec::new() };
    let Some(stream) = rewriter::decode(&bytes).ok().and_then(|text| Stream::scan(text).ok()) else {
        return Vec::new();
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut files = Vec::new();
    for root in stream.documents().filter_map(|document| document.root()) {
        let items = |key: &str| root.get(key).into_iter().flat_map(|list| list.items());
        let patches = items("patches").chain(items("patchesJson6902"));
        let named = patches.filter_map(|patch| patch.get("path")).chain(items("patchesStrategicMerge"));
        files.extend(named.filter_map(|name: Node<'_>| Some(plain(&folder.join(name.as_str()?.as_ref())))));
    }
    files
}

/// The path without `.` and with `..` taken back, as far as names tell.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
