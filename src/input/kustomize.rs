//! Kustomizations: files that they apply as patches, fragments that are not edited, and the files whose objects
//! those patches change.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rewriter::{Node, Stream};
use transforms::Overlay;

use super::Input;
use super::kind::{KUSTOMIZATIONS, is_kustomization_name};
use crate::paths::plain;

/// The patches that kustomizations near the inputs list.
#[derive(Debug, Default)]
pub struct Patches {
    listed: HashSet<PathBuf>,
    /// The last parts of those paths.
    names: HashSet<OsString>,
    /// What patches the objects of a file.
    overlays: HashMap<PathBuf, Vec<Arc<Overlay>>>,
    /// Folders whose kustomization has been read for a file that was named.
    looked_at: Mutex<HashMap<PathBuf, HashSet<PathBuf>>>,
}

impl Patches {
    /// Reads the kustomizations among `inputs`.
    pub fn of(inputs: &[Input]) -> Self {
        let mut tree = Tree { inputs: Inputs::of(inputs), ..Tree::default() };
        let mut patches = Self::default();
        let names = inputs.iter().map(|input| &input.path).filter(|path| is_kustomization_name(path));
        for path in names {
            let Some(read) = Kustomization::read(path, &tree.inputs) else { continue };
            patches.listed.extend(read.patches.iter().cloned());
            tree.add(parent(&plain(path)), Some(read));
        }
        patches.names = patches.listed.iter().filter_map(|path| path.file_name()).map(Into::into).collect();
        patches.overlays = tree.overlays();
        patches
    }

    /// The overlays of the run that patch objects of the file.
    pub fn overlays(&self, input: &Input) -> &[Arc<Overlay>] {
        // Most runs have none, and a path takes time to make plain.
        if self.overlays.is_empty() {
            return &[];
        }
        self.overlays.get(&plain(&input.path)).map_or(&[], Vec::as_slice)
    }

    /// Whether a kustomization lists the file as a patch. For a file that was named, those in its own folder
    /// and the one above are looked at too.
    pub fn contains(&self, input: &Input) -> bool {
        // Few files have the name of a patch, and a path takes time to make plain.
        let has_name = || input.path.file_name().is_some_and(|name| self.names.contains(name));
        if !input.named && !has_name() {
            return false;
        }
        let path = plain(&input.path);
        if self.listed.contains(&path) {
            return true;
        }
        if !input.named {
            return false;
        }
        let own = parent(&path);
        let above = plain(&own.join(".."));
        [own, above].iter().any(|folder| self.listed_in(folder).contains(&path))
    }

    fn listed_in(&self, folder: &Path) -> HashSet<PathBuf> {
        let Ok(mut looked_at) = self.looked_at.lock() else { return HashSet::new() };
        let known = looked_at.entry(folder.to_owned()).or_insert_with(|| {
            let read = KUSTOMIZATIONS
                .iter()
                .filter_map(|name| Kustomization::read(&folder.join(name), &Inputs::default()));
            read.flat_map(|kustomization| kustomization.patches).collect()
        });
        known.clone()
    }
}

/// The files of the run, which may be read wherever they lie.
#[derive(Debug, Default)]
struct Inputs(HashSet<PathBuf>);

impl Inputs {
    fn of(inputs: &[Input]) -> Self {
        // Few runs meet a kustomization, and a path takes time to make plain.
        if inputs.iter().any(|input| is_kustomization_name(&input.path)) {
            Self(inputs.iter().map(|input| plain(&input.path)).collect())
        } else {
            Self::default()
        }
    }

    /// Whether a kustomization in `folder` may have the file `name` read: as to kustomize, files are its own only
    /// where they lie in its folder or below. A kustomization can be anybody's, and must not choose what is opened.
    fn allow(&self, folder: &Path, name: &Path) -> bool {
        if name.has_root() {
            return false;
        }
        let path = plain(&folder.join(name));
        let is_below = !plain(name).starts_with("..");
        is_below || self.0.contains(&path)
    }
}

/// A kustomization, as far as it is of use here.
#[derive(Debug)]
struct Kustomization {
    /// The files that it applies as patches.
    patches: Vec<PathBuf>,
    /// What its patches set; `None` where they set nothing.
    overlay: Option<Arc<Overlay>>,
    /// The files and folders that it builds on.
    resources: Vec<PathBuf>,
    /// The folders of components, whose patches count as its own.
    components: Vec<PathBuf>,
}

impl Kustomization {
    /// Reads the kustomization at `path`; `None` where none can be read.
    fn read(path: &Path, inputs: &Inputs) -> Option<Self> {
        let bytes = super::read(path).ok()?;
        let stream = Stream::scan(rewriter::decode(&bytes).ok()?).ok()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let may_read = |name: &str| inputs.allow(folder, Path::new(name));
        let mut read =
            Self { patches: Vec::new(), overlay: None, resources: Vec::new(), components: Vec::new() };
        let mut overlay = Overlay::new(path.display().to_string());
        for root in stream.documents().filter_map(|document| document.root()) {
            let paths = |key: &str| -> Vec<PathBuf> {
                let names = items(root, key).filter_map(|item| item.as_str());
                // kustomize takes no absolute ones.
                let names = names.filter(|name| !Path::new(name.as_ref()).has_root());
                names.map(|name| plain(&folder.join(name.as_ref()))).collect()
            };
            read.resources.extend(paths("resources").into_iter().chain(paths("bases")));
            read.components.extend(paths("components"));
            for patch in items(root, "patches").chain(items(root, "patchesJson6902")) {
                let target = patch.get("target");
                if let Some(text) = patch.get("patch").and_then(|text| text.as_str()) {
                    read_patch(&mut overlay, target, &text);
                }
                if let Some(name) = patch.get("path").and_then(|name| name.as_str()) {
                    read.patches.push(plain(&folder.join(name.as_ref())));
                    if may_read(&name) {
                        read_patch_file(&mut overlay, target, &folder.join(name.as_ref()));
                    }
                }
            }
            for patch in items(root, "patchesStrategicMerge").filter_map(|patch| patch.as_str()) {
                if patch.contains('\n') {
                    read_patch(&mut overlay, None, &patch);
                } else {
                    read.patches.push(plain(&folder.join(patch.as_ref())));
                    if may_read(&patch) {
                        read_patch_file(&mut overlay, None, &folder.join(patch.as_ref()));
                    }
                }
            }
        }
        read.overlay = (!overlay.is_empty()).then(|| Arc::new(overlay));
        Some(read)
    }
}

fn items<'d>(root: Node<'d>, key: &str) -> impl Iterator<Item = Node<'d>> + use<'d> {
    root.get(key).into_iter().flat_map(|list| list.items())
}

fn read_patch_file(overlay: &mut Overlay, target: Option<Node<'_>>, path: &Path) {
    let bytes = super::read(path).unwrap_or_default();
    if let Ok(text) = rewriter::decode(&bytes) {
        read_patch(overlay, target, text);
    }
}

fn read_patch(overlay: &mut Overlay, target: Option<Node<'_>>, text: &str) {
    let Ok(stream) = Stream::scan(text) else { return };
    for root in stream.documents().filter_map(|document| document.root()) {
        overlay.read(target, root);
    }
}

/// The kustomizations of a run by their folders, and those that they build on.
#[derive(Debug, Default)]
struct Tree {
    /// Those among the inputs are the roots.
    roots: Vec<PathBuf>,
    inputs: Inputs,
    known: BTreeMap<PathBuf, Option<Arc<Kustomization>>>,
}

impl Tree {
    fn add(&mut self, folder: PathBuf, kustomization: Option<Kustomization>) {
        self.roots.push(folder.clone());
        self.known.insert(folder, kustomization.map(Arc::new));
    }

    /// For each file, what patches its objects.
    fn overlays(mut self) -> HashMap<PathBuf, Vec<Arc<Overlay>>> {
        let mut found: HashMap<PathBuf, Vec<Arc<Overlay>>> = HashMap::new();
        for root in std::mem::take(&mut self.roots) {
            let patching = self.patching(&root);
            if patching.is_empty() {
                continue;
            }
            for file in self.files(&root) {
                let known = found.entry(file).or_default();
                for overlay in &patching {
                    if !known.iter().any(|other| Arc::ptr_eq(other, overlay)) {
                        known.push(Arc::clone(overlay));
                    }
                }
            }
        }
        found
    }

    /// The kustomization in `folder`, which need not be among the inputs.
    fn get(&mut self, folder: &Path) -> Option<Arc<Kustomization>> {
        let inputs = &self.inputs;
        let known = self.known.entry(folder.to_owned()).or_insert_with(|| {
            KUSTOMIZATIONS
                .iter()
                .find_map(|name| Kustomization::read(&folder.join(name), inputs))
                .map(Arc::new)
        });
        known.clone()
    }

    /// What patches that the kustomization in `folder` builds: its own and its components'.
    fn patching(&mut self, folder: &Path) -> Vec<Arc<Overlay>> {
        let mut found = Vec::new();
        self.walk(
            folder,
            |kustomization| &kustomization.components,
            |kustomization| {
                found.extend(kustomization.overlay.clone());
            },
        );
        found
    }

    /// The files that the kustomization in `folder` builds on.
    fn files(&mut self, folder: &Path) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        self.walk(
            folder,
            |kustomization| &kustomization.resources,
            |kustomization| {
                found.extend(kustomization.resources.iter().cloned());
            },
        );
        found
    }

    /// Visits the kustomization in `folder` and those that `next` leads to, each once.
    fn walk(
        &mut self,
        folder: &Path,
        next: impl Fn(&Kustomization) -> &Vec<PathBuf>,
        mut visit: impl FnMut(&Kustomization),
    ) {
        let mut seen = HashSet::from([folder.to_owned()]);
        let mut waiting = vec![folder.to_owned()];
        while let Some(folder) = waiting.pop() {
            let Some(kustomization) = self.get(&folder) else { continue };
            visit(&kustomization);
            for path in next(&kustomization) {
                if seen.insert(path.clone()) {
                    waiting.push(path.clone());
                }
            }
        }
    }
}

/// The folder of a plain path, which is plain too.
fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}
