//! Reading a manifest field by field: what is absent, what is there, and what is of another kind than
//! Kubernetes takes.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use rewriter::{Kind, Node, Path, Position, Scalar, Step, Value};

use super::shape::{Around, Fields, Lens, Standing};

/// A value that Kubernetes would refuse at its place. Nothing is concluded from such a value, and nothing
/// below it is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where it stands in the document's data.
    pub path: Path,
    /// Where it stands in the text.
    pub position: Position,
    /// What is wrong, with the line.
    pub reason: String,
}

impl Malformed {
    /// `node`, the value at `path`, is not what is `expected` there.
    pub fn new(node: Node<'_>, path: Path, expected: &str) -> Self {
        Self::because(node, path, &format!("is {}, not {expected}", describe(node)))
    }

    /// `node`, the value at `path`, does not do, for the reason that `verdict` gives.
    pub fn because(node: Node<'_>, path: Path, verdict: &str) -> Self {
        let position = node.position();
        let reason = format!("{} in line {} {verdict}", name(&path), position.line);
        Self { path, position, reason }
    }
}

/// The last steps of `path` in words.
pub(super) fn name(path: &Path) -> String {
    match path.steps() {
        [] => "the document".to_owned(),
        [.., Step::Key(key)] => format!("`{key}`"),
        [.., Step::Key(key), Step::Index(index)] => format!("item {} of `{key}`", index + 1),
        [.., Step::Index(index)] => format!("item {}", index + 1),
    }
}

/// What a value is, in the words of somebody who writes manifests.
fn describe(node: Node<'_>) -> &'static str {
    match (node.kind(), node.scalar()) {
        (Kind::Mapping, _) => "a map",
        (Kind::Sequence, _) => "a list",
        (_, Some(Scalar::Null)) => "null",
        (_, Some(Scalar::Bool(_))) => "a truth value",
        (_, Some(Scalar::Integer(_) | Scalar::Float(_))) => "a number",
        _ => "text",
    }
}

/// Where something stands: a path that is put together where it is first asked for, since most of what is read is
/// as it should be.
#[derive(Clone, Debug)]
struct Place {
    above: Option<(Arc<Path>, &'static str)>,
    path: OnceCell<Arc<Path>>,
}

impl From<Path> for Place {
    fn from(path: Path) -> Self {
        Self { above: None, path: OnceCell::from(Arc::new(path)) }
    }
}

impl Place {
    fn path(&self) -> &Arc<Path> {
        self.path.get_or_init(|| Arc::new(self.clone().into_path()))
    }

    /// The place of the value of `key`.
    fn below(&self, key: &'static str) -> Self {
        Self { above: Some((Arc::clone(self.path()), key)), path: OnceCell::new() }
    }

    fn into_path(self) -> Path {
        match (self.path.into_inner(), self.above) {
            (Some(path), _) => Arc::unwrap_or_clone(path),
            (None, Some((above, key))) => above.key(key),
            (None, None) => Path::root(),
        }
    }
}

/// A map of a manifest, which need not be there, and its place.
///
/// An absent map reads like an empty one. Null counts as absent, as it does for the API server. In kinds that
/// have a pod's fields under names of their own, the fields are asked for by Kubernetes' names all the same.
#[derive(Clone, Debug)]
pub struct Section<'d> {
    node: Option<Node<'d>>,
    place: Place,
    lens: Option<Arc<Lens<'d>>>,
}

impl<'d> Section<'d> {
    /// `node`, the value at `path`, as a map.
    pub fn new(node: Option<Node<'d>>, path: Path) -> Result<Self, Malformed> {
        Self::at(node, path.into())
    }

    fn at(node: Option<Node<'d>>, place: Place) -> Result<Self, Malformed> {
        match node {
            Some(node) if !node.is_mapping() => Err(Malformed::new(node, place.into_path(), "a map")),
            _ => Ok(Self { node, place, lens: None }),
        }
    }

    /// The same map with these fields only, and with what it lacks from `defaults`.
    pub(super) fn with(
        self,
        fields: Option<&'static Fields>,
        around: Option<&Arc<Around<'d>>>,
        defaults: Option<Node<'d>>,
    ) -> Self {
        if fields.is_none() && defaults.is_none() {
            return self;
        }
        let lens = Lens { fields, around: around.cloned(), defaults };
        Self { lens: Some(Arc::new(lens)), ..self }
    }

    /// Where it stands or would stand.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// The map as it is written here, if it is.
    pub fn node(&self) -> Option<Node<'d>> {
        self.node
    }

    /// Whether it is there and not null.
    pub fn exists(&self) -> bool {
        self.node.or_else(|| self.lens.as_ref()?.defaults).is_some()
    }

    /// The value of `key`, whatever it is.
    pub fn get(&self, key: &str) -> Option<Node<'d>> {
        self.own(key).or_else(|| self.default(key))
    }

    /// Where the value of `key` stands or would stand. An edit of it goes there.
    pub fn place(&self, key: &'static str) -> Path {
        self.place_below(key).into_path()
    }

    fn place_below(&self, key: &'static str) -> Place {
        if let Some(lens) = &self.lens
            && let Standing::At(place) = lens.standing(key, self.node)
        {
            return place.path(self.path(), lens.around.as_deref()).into();
        }
        self.place.below(key)
    }

    /// The same, if the kind has the field `key` at all.
    pub(super) fn find(&self, key: &str) -> Option<Path> {
        let usual = || self.path().key(key.to_owned());
        let Some(lens) = &self.lens else { return Some(usual()) };
        match lens.standing(key, self.node) {
            Standing::At(place) => Some(place.path(self.path(), lens.around.as_deref())),
            Standing::Usual => Some(usual()),
            Standing::Nowhere => None,
        }
    }

    /// The value of `key` that holds where none is written.
    pub(super) fn default(&self, key: &str) -> Option<Node<'d>> {
        self.lens.as_ref()?.defaults?.get(key)
    }

    /// Whether the kind has the field `key` at all.
    pub(super) fn takes(&self, key: &str) -> bool {
        self.lens.as_ref().is_none_or(|lens| !matches!(lens.standing(key, self.node), Standing::Nowhere))
    }

    /// The value of `key` where it would be written.
    fn own(&self, key: &str) -> Option<Node<'d>> {
        let Some(lens) = &self.lens else { return self.node?.get(key) };
        match lens.standing(key, self.node) {
            Standing::At(place) => place.value(self.node, lens.around.as_deref()),
            Standing::Usual => self.node?.get(key),
            Standing::Nowhere => None,
        }
    }

    /// The map at `key`.
    pub fn section(&self, key: &'static str) -> Result<Self, Malformed> {
        let section = Self::at(self.own(key), self.place_below(key))?;
        Ok(match self.default(key) {
            Some(default) => {
                let default = Self::at(Some(default), section.place.clone())?;
                section.with(None, None, default.node)
            }
            None => section,
        })
    }

    /// The list at `key`.
    pub fn list(&self, key: &'static str) -> Result<List<'d>, Malformed> {
        List::at(self.get(key), self.place_below(key))
    }

    /// The truth value at `key`.
    pub fn truth(&self, key: &'static str) -> Result<Option<bool>, Malformed> {
        self.read(key, "a truth value", Node::as_bool)
    }

    /// The whole number at `key`.
    pub fn integer(&self, key: &'static str) -> Result<Option<i64>, Malformed> {
        self.read(key, "a whole number", Node::as_integer)
    }

    /// The user or group id at `key`: a whole number that the API server takes for one.
    pub fn id(&self, key: &'static str) -> Result<Option<i64>, Malformed> {
        self.read(key, "a number from 0 to 2147483647", |node| {
            node.as_integer().filter(|id| (0..=i64::from(i32::MAX)).contains(id))
        })
    }

    /// The text at `key`.
    pub fn text(&self, key: &'static str) -> Result<Option<Cow<'d, str>>, Malformed> {
        self.read(key, "text", Node::as_str)
    }

    /// Where the value at `keys` stands or would stand, and the place of the text that is nearest to it.
    pub fn locate(&self, keys: &[&'static str]) -> (Path, Position) {
        let Some((first, rest)) = keys.split_first() else {
            return (self.path().clone(), self.node.map_or(START, |node| node.position()));
        };
        let path = rest.iter().fold(self.place(first), |path, key| path.key(*key));
        let own = self.own(first);
        let mut nearest = own.or(self.node);
        for key in rest.iter().take_while(|_| own.is_some()) {
            match nearest.and_then(|node| node.get(key)) {
                Some(value) => nearest = Some(value),
                None => break,
            }
        }
        (path, nearest.map_or(START, |node| node.position()))
    }

    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        as_expected: impl FnOnce(&Node<'d>) -> Option<T>,
    ) -> Result<Option<T>, Malformed> {
        let Some(node) = self.get(key) else { return Ok(None) };
        match as_expected(&node) {
            Some(value) => Ok(Some(value)),
            None => Err(Malformed::new(node, self.place(key), expected)),
        }
    }
}

/// The place of what has none.
const START: Position = Position { line: 1, column: 1, offset: 0 };

/// A list of a manifest, which need not be there, and its place.
#[derive(Clone, Debug)]
pub struct List<'d> {
    node: Option<Node<'d>>,
    place: Place,
    /// The items of a list that is yet to be written.
    planned: Vec<String>,
}

impl<'d> List<'d> {
    /// The list of texts `value`, which is to come to stand at `path`.
    pub(crate) fn planned(path: &Path, value: &Value) -> Option<Self> {
        let Value::Sequence(items) = value else { return None };
        let texts = items.iter().map(|item| match item {
            Value::String(text) => Some(text.clone()),
            _ => None,
        });
        Some(Self { node: None, place: path.clone().into(), planned: texts.collect::<Option<_>>()? })
    }

    /// `node`, the value at `path`, as a list.
    pub(super) fn new(node: Option<Node<'d>>, path: Path) -> Result<Self, Malformed> {
        Self::at(node, path.into())
    }

    fn at(node: Option<Node<'d>>, place: Place) -> Result<Self, Malformed> {
        match node {
            Some(node) if !node.is_sequence() => Err(Malformed::new(node, place.into_path(), "a list")),
            _ => Ok(Self { node, place, planned: Vec::new() }),
        }
    }

    /// Where it stands or would stand.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Whether it has no item.
    pub fn is_empty(&self) -> bool {
        self.items().next().is_none() && self.planned.is_empty()
    }

    /// Whether a comment stands in its lines, which a replacement of the list would take along.
    pub fn has_comment(&self) -> bool {
        self.node.is_some_and(|node| node.has_comment())
    }

    /// The items that are written, with their numbers, whatever they are.
    pub fn items(&self) -> impl Iterator<Item = (usize, Node<'d>)> + use<'d> {
        self.node.into_iter().flat_map(|node| node.items()).enumerate()
    }

    /// The items as maps.
    pub fn sections(&self) -> impl Iterator<Item = Result<Section<'d>, Malformed>> + '_ {
        self.items().map(|(index, node)| Section::new(Some(node), self.path().index(index)))
    }

    /// The items as text.
    pub fn texts(&self) -> Result<Vec<Cow<'d, str>>, Malformed> {
        let written = self.items().map(|(index, node)| match node.as_str() {
            Some(text) => Ok(text),
            None => Err(Malformed::new(node, self.path().index(index), "text")),
        });
        written.chain(self.planned.iter().map(|text| Ok(text.clone().into()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use rewriter::Stream;

    use super::*;

    fn with_root(text: &str, check: impl FnOnce(Section<'_>)) {
        let stream = Stream::scan(text).unwrap();
        let root = stream.document(0).unwrap().root();
        check(Section::new(root, Path::root()).unwrap());
    }

    #[test]
    fn null_and_absent_are_the_same() {
        with_root("a: null\nb:\n", |root| {
            for key in ["a", "b", "c"] {
                assert_eq!(root.truth(key), Ok(None), "{key}");
                assert!(!root.section(key).unwrap().exists(), "{key}");
                assert!(root.list(key).unwrap().is_empty(), "{key}");
            }
        });
    }

    #[test]
    fn a_value_of_another_kind_is_named_with_its_line() {
        with_root("a: '1000'\nb: [1]\nc: {}\nd: -1\n", |root| {
            let reason = |result: Result<_, Malformed>| result.unwrap_err().reason;
            assert_eq!(
                reason(root.id("a").map(|_| ())),
                "`a` in line 1 is text, not a number from 0 to 2147483647"
            );
            assert_eq!(reason(root.section("b").map(|_| ())), "`b` in line 2 is a list, not a map");
            assert_eq!(reason(root.list("c").map(|_| ())), "`c` in line 3 is a map, not a list");
            assert_eq!(
                reason(root.id("d").map(|_| ())),
                "`d` in line 4 is a number, not a number from 0 to 2147483647"
            );
        });
    }
}
