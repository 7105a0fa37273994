//! The table of kinds: which objects hold pods, and where.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use rewriter::{Node, Path, Step};
use serde::Deserialize;

use super::shape::{Place, Shape};
use crate::table::{self, Rows};

/// One row of `kinds.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Row {
    group: String,
    kinds: Vec<String>,
    /// The version that alone is meant; the others have a row without.
    version: Option<String>,
    /// Pod templates: maps with `metadata` and `spec`.
    #[serde(default)]
    pub(super) pods: Vec<Pattern>,
    /// Pods' specs without a template around them.
    #[serde(default)]
    pub(super) specs: Vec<Pattern>,
    /// Whole objects.
    #[serde(default)]
    pub(super) objects: Vec<Pattern>,
    /// How the pods differ from others.
    pub(super) shape: Option<Shape>,
    /// The map around the pods, which `^` stands for in the shape.
    pub(super) around: Option<Place>,
    /// Whether an object of the kind is complete without any of the pods.
    #[serde(default)]
    pub(super) optional: bool,
    /// Why what stands at the places is no pod to change.
    pub(super) left: Option<String>,
    /// The versions that not every cluster serves.
    #[serde(default)]
    served: BTreeMap<String, Served>,
    /// What is special, for readers of the documentation.
    note: Option<String>,
}

/// The minor versions of Kubernetes, the last one included, that serve a version of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// The first one.
    #[serde(default)]
    pub since: u16,
    /// The last one.
    #[serde(default = "newest")]
    pub until: u16,
}

fn newest() -> u16 {
    u16::MAX
}

/// The rows for a kind, empty for one that is not in the table. A row of the very version goes before one that
/// is for all of them.
pub(super) fn rows(api_version: &str, kind: &str) -> Vec<&'static Row> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let of = |kind: &str| KNOWN.of(kind).filter(|row| row.group == group).collect::<Vec<_>>();
    let mut rows = of(kind);
    let is_list = || kind.strip_suffix("List").is_some_and(|item| !of(item).is_empty());
    if rows.is_empty() && !is_list() {
        rows = of("*");
    }
    let is_own = |row: &&Row| row.version.as_deref() == Some(version);
    if rows.iter().any(|row| is_own(&&**row)) {
        rows.retain(|row| is_own(&&**row));
    } else {
        rows.retain(|row| row.version.is_none());
    }
    rows
}

/// The versions of Kubernetes that serve objects with this `apiVersion`, where those are not all.
pub(super) fn served(api_version: &str, kind: &str) -> Option<Served> {
    let version = api_version.rsplit('/').next()?;
    rows(api_version, kind).iter().find_map(|row| row.served.get(version)).copied()
}

/// Whether pods may stand in objects of the group that nobody has told about. Kubernetes' own groups are
/// all known.
pub(super) fn is_foreign(api_version: &str) -> bool {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    group.contains('.') && !group.ends_with(".k8s.io")
}

/// Where the pods of a kind stand that is not in the table, as a user tells: an item of `workloads` in
/// `.cce-fix.yaml`.
///
/// ```yaml
/// workloads:
///   - {group: example.com, kind: Shop, pods: [spec.template], specs: ["spec.workers[].pod"]}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadPath {
    /// The group of `apiVersion`.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// Pod templates: maps with `metadata` and `spec`.
    pub pods: Vec<Pattern>,
    /// Pods' specs without a template around them.
    pub specs: Vec<Pattern>,
}

/// What the table says of some kinds, for the documentation.
#[derive(Clone, Copy, Debug)]
pub struct KnownKinds {
    row: &'static Row,
}

impl KnownKinds {
    /// Every row of the table, in its order.
    pub fn all() -> impl Iterator<Item = Self> {
        KNOWN.all().map(|row| Self { row })
    }

    /// The group of `apiVersion`, with the version where only one is meant.
    pub fn api(&self) -> String {
        let Row { group, version, .. } = self.row;
        match version {
            Some(version) => format!("{group}/{version}"),
            None => group.clone(),
        }
    }

    /// The kinds; `*` stands for all others of the group.
    pub fn kinds(&self) -> &'static [String] {
        &self.row.kinds
    }

    /// Where pods, their specs and whole objects stand.
    pub fn places(&self) -> impl Iterator<Item = &'static Pattern> {
        let Row { pods, specs, objects, .. } = self.row;
        pods.iter().chain(specs).chain(objects)
    }

    /// What is special.
    pub fn note(&self) -> Option<&'static str> {
        self.row.note.as_deref()
    }
}

/// The rows by kind; those that are for all kinds of a group stand under `*`.
pub(super) static KNOWN: Rows<Row> = table::rows!("kinds");

/// A path with places for many values in it: `spec.tasks[].template`, `spec.replicaSpecs.<role>.template`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// The value of a key.
    Key(Cow<'static, str>),
    /// Each item of a list.
    Items,
    /// Each value of a map.
    Values,
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut segments = Vec::new();
        for part in text.split('.').filter(|_| text != ".") {
            let (key, is_list) = part.strip_suffix("[]").map_or((part, false), |key| (key, true));
            if key.is_empty() {
                return Err(format!("`{text}` has a part without a name"));
            }
            let is_role = key.len() > 2 && key.starts_with('<') && key.ends_with('>');
            if key.contains(['[', ']', '*']) || !is_role && key.contains(['<', '>']) {
                return Err(format!(
                    "`{part}` in `{text}` is no key: `key[]` stands for every item of a list, `<name>` for every \
                     value of a map"
                ));
            }
            segments.push(if is_role { Segment::Values } else { Segment::key(key) });
            if is_list {
                segments.push(Segment::Items);
            }
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Items => f.write_str("[]")?,
                Segment::Key(key) => write!(f, "{}{key}", if depth == 0 { "" } else { "." })?,
                Segment::Values => f.write_str(if depth == 0 { "<key>" } else { ".<key>" })?,
            }
        }
        if self.0.is_empty() { f.write_str(".") } else { Ok(()) }
    }
}

/// Keys that lead to the pods of nearly every workload: not to be allocated with every path through them.
const USUAL: [&str; 4] = ["jobTemplate", "spec", "template", "items"];

impl Segment {
    fn key(key: &str) -> Self {
        let usual = USUAL.iter().find(|usual| **usual == key);
        Self::Key(usual.map_or_else(|| Cow::Owned(key.to_owned()), |usual| Cow::Borrowed(*usual)))
    }

    /// Whether the step is one that the segment stands for.
    pub(super) fn fits(&self, step: &Step) -> bool {
        match (self, step) {
            (Self::Key(wanted), Step::Key(key)) => wanted == key,
            (Self::Items, Step::Index(_)) | (Self::Values, Step::Key(_)) => true,
            _ => false,
        }
    }
}

/// Where a pattern leads in an object.
#[derive(Clone, Debug)]
pub(super) struct Spot<'d> {
    pub(super) path: Path,
    /// The value, or the deepest one above it.
    pub(super) node: Node<'d>,
    /// Whether the value is there, and what is in its way if it is not.
    pub(super) found: Found,
}

/// What was found where a pattern leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The value.
    Value,
    /// Nothing.
    Nothing,
    /// A value of another kind than the step that follows needs: it is no map, or no list.
    NoMap,
    /// As above.
    NoList,
}

impl Pattern {
    pub(super) fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Every place in `node`, the value at `path`, that the pattern leads to.
    pub(super) fn places<'d>(&self, node: Node<'d>, path: &Path) -> Vec<Spot<'d>> {
        let mut found = Vec::new();
        follow(&self.0, node, path.clone(), &mut found);
        found
    }
}

fn follow<'d>(segments: &[Segment], node: Node<'d>, path: Path, found: &mut Vec<Spot<'d>>) {
    let Some((first, rest)) = segments.split_first() else {
        found.push(Spot { path, node, found: Found::Value });
        return;
    };
    match first {
        Segment::Key(_) | Segment::Values if !node.is_mapping() => {
            found.push(Spot { path, node, found: Found::NoMap });
        }
        Segment::Items if !node.is_sequence() => found.push(Spot { path, node, found: Found::NoList }),
        Segment::Key(key) => match node.get(key) {
            Some(value) => follow(rest, value, path.key(key.clone()), found),
            None => found.push(Spot { path: path.key(key.clone()), node, found: Found::Nothing }),
        },
        Segment::Items => {
            for (index, item) in node.items().enumerate() {
                follow(rest, item, path.index(index), found);
            }
        }
        Segment::Values => {
            for (key, value) in node.entries() {
                follow(rest, value, path.with(Step::Key(key.text().into_owned().into())), found);
            }
        }
    }
}

#[cfg(test)]
mod tests;
