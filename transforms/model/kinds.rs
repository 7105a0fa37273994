//! The table of kinds: which objects hold pods, and where.

use std::collections::HashMap;
use std::sync::OnceLock;

use rewriter::{Node, Path, Step};
use serde::Deserialize;

/// One row of `kinds.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    group: String,
    kinds: Vec<String>,
    #[serde(default)]
    pods: Vec<Pattern>,
    #[serde(default)]
    objects: Vec<Pattern>,
}

/// What the objects of a kind hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// Pods and pod templates.
    pub(super) pods: &'static [Pattern],
    /// Whole objects.
    pub(super) objects: &'static [Pattern],
}

/// What the objects of `kind` hold; `None` for a kind that is not in the table.
pub(super) fn places(group: &str, kind: &str) -> Option<Places> {
    let row = *table().get(kind)?.iter().find(|row| row.group == group)?;
    Some(Places { pods: &row.pods, objects: &row.objects })
}

#[expect(
    clippy::expect_used,
    reason = "the data is compiled in and read by a test, so this cannot fail in a tested build"
)]
fn table() -> &'static HashMap<&'static str, Vec<&'static Row>> {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    static BY_KIND: OnceLock<HashMap<&str, Vec<&Row>>> = OnceLock::new();
    BY_KIND.get_or_init(|| {
        let rows = ROWS.get_or_init(|| {
            serde_yaml::from_str(include_str!("../kinds.yaml")).expect("kinds.yaml is well-formed")
        });
        let mut by_kind: HashMap<&str, Vec<&Row>> = HashMap::new();
        for row in rows {
            for kind in &row.kinds {
                by_kind.entry(kind).or_default().push(row);
            }
        }
        by_kind
    })
}

/// A path with places for many values in it: `spec.tasks[].template`, `spec.replicaSpecs.<role>.template`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// The value of a key.
    Key(String),
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
            match key {
                "" => return Err(format!("`{text}` has a part without a name")),
                role if role.starts_with('<') => segments.push(Segment::Values),
                key => segments.push(Segment::Key(key.to_owned())),
            }
            if is_list {
                segments.push(Segment::Items);
            }
        }
        Ok(Self(segments))
    }
}

/// Where a pattern leads in an object.
#[derive(Clone, Debug)]
pub(super) struct Place<'d> {
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
    /// Every place in `node`, the value at `path`, that the pattern leads to.
    pub(super) fn places<'d>(&self, node: Node<'d>, path: &Path) -> Vec<Place<'d>> {
        let mut found = Vec::new();
        follow(&self.0, node, path.clone(), &mut found);
        found
    }
}

fn follow<'d>(segments: &[Segment], node: Node<'d>, path: Path, found: &mut Vec<Place<'d>>) {
    let Some((first, rest)) = segments.split_first() else {
        found.push(Place { path, node, found: Found::Value });
        return;
    };
    match first {
        Segment::Key(_) | Segment::Values if !node.is_mapping() => {
            found.push(Place { path, node, found: Found::NoMap });
        }
        Segment::Items if !node.is_sequence() => found.push(Place { path, node, found: Found::NoList }),
        Segment::Key(key) => match node.get(key) {
            Some(value) => follow(rest, value, path.key(key.clone()), found),
            None => found.push(Place { path: path.key(key.clone()), node, found: Found::Nothing }),
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
mod tests {
    use rewriter::Stream;

    use super::*;

    #[test]
    fn the_table_reads() {
        assert!(places("apps", "Deployment").is_some());
        assert!(places("", "Deployment").is_none());
        assert!(places("batch", "Deployment").is_none());
    }

    #[test]
    fn patterns_lead_to_every_place() {
        let stream = Stream::scan("a:\n  - b: {x: {c: 1}, y: {c: 2}}\n  - b: {z: {}}\n  - 7\n").unwrap();
        let root = stream.document(0).unwrap().root().unwrap();
        let pattern = Pattern::try_from("a[].b.<role>.c".to_owned()).unwrap();
        let found: Vec<_> = pattern
            .places(root, &Path::root())
            .into_iter()
            .map(|place| (place.path.to_string(), place.found))
            .collect();
        let expected = [
            ("a[0].b.x.c", Found::Value),
            ("a[0].b.y.c", Found::Value),
            ("a[1].b.z.c", Found::Nothing),
            ("a[2]", Found::NoMap),
        ];
        assert_eq!(found, expected.map(|(path, found)| (path.to_owned(), found)));
    }

    #[test]
    fn a_part_without_a_name_is_no_pattern() {
        assert!(Pattern::try_from("spec..template".to_owned()).is_err());
        assert!(Pattern::try_from("[]".to_owned()).is_err());
    }
}
