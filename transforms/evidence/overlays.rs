//! Overlays: the fields that a kustomization's patches set in what it builds on.
//!
//! A change of such a field in the base would be of no effect where the overlay is built, and could contradict
//! it. A patch is a fragment that is merged by kind and name, its lists by a key of their items, or a list of
//! operations at paths (JSON patch).

use std::borrow::Cow;
use std::collections::BTreeSet;

use regex::Regex;
use rewriter::{Edit, Node, Step, Value};

use super::Evidence;
use crate::model::Object;

/// A kustomization, by what its patches set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    name: String,
    patches: Vec<Patch>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Patch {
    target: Selector,
    fields: Vec<Vec<PatchStep>>,
}

/// Which objects a patch is for. What is absent matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Selector {
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Vec<(String, String)>,
}

/// One step to a field that a patch sets.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PatchStep {
    Key(String),
    /// The item of a list whose merge key has this value.
    Item(String),
    Index(usize),
}

/// The keys by which Kubernetes merges the lists of a pod item by item. Other lists are replaced as a whole.
const MERGE_KEYS: [(&str, &str); 11] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("ephemeralContainers", "name"),
    ("env", "name"),
    ("hostAliases", "ip"),
    ("imagePullSecrets", "name"),
    ("ports", "containerPort"),
    ("topologySpreadConstraints", "topologyKey"),
    ("volumeDevices", "devicePath"),
    ("volumeMounts", "mountPath"),
    ("volumes", "name"),
];

fn merge_key(list: &str) -> Option<&'static str> {
    MERGE_KEYS.iter().find(|(name, _)| *name == list).map(|(_, key)| *key)
}

impl Overlay {
    /// The kustomization of this name, in which no patch has been read yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), patches: Vec::new() }
    }

    /// Whether its patches set nothing.
    pub fn is_empty(&self) -> bool {
        self.patches.is_empty()
    }

    /// Adds a patch: a document of it, and the `target` that the kustomization gives it, if any.
    pub fn read(&mut self, target: Option<Node<'_>>, patch: Node<'_>) {
        let mut fields = Vec::new();
        if patch.is_sequence() {
            patch.items().for_each(|operation| read_operation(operation, &mut fields));
        } else {
            // Only Kubernetes' own kinds say by which key their lists are merged.
            let is_own = patch
                .get("apiVersion")
                .is_none_or(|version| version.text().split_once('/').is_none_or(|(group, _)| is_own(group)));
            read_fragment(patch, is_own, &mut Vec::new(), &mut fields);
        }
        let target = target.map_or_else(|| Selector::of_fragment(patch), Selector::of_target);
        if !fields.is_empty() {
            self.patches.push(Patch { target, fields });
        }
    }
}

fn is_own(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io")
}

/// Adds the fields that a fragment sets below `path`.
fn read_fragment(node: Node<'_>, is_own: bool, path: &mut Vec<PatchStep>, fields: &mut Vec<Vec<PatchStep>>) {
    // A directive says that all that is there gives way.
    let is_whole = !node.is_mapping() || node.get("$patch").is_some() || node.entries().next().is_none();
    if is_whole && !node.is_sequence() {
        return fields.push(path.clone());
    }
    let list = match path.last() {
        Some(PatchStep::Key(list)) if is_own => merge_key(list),
        _ => None,
    };
    for (key, value) in node.entries().filter(|(key, _)| !key.text().starts_with('$')) {
        path.push(PatchStep::Key(key.text().into_owned()));
        read_fragment(value, is_own, path, fields);
        path.pop();
    }
    if !node.is_sequence() {
        return;
    }
    let items: Option<Vec<(Node<'_>, String)>> = list
        .and_then(|key| node.items().map(|item| Some((item, item.get(key)?.text().into_owned()))).collect());
    let Some(items) = items else { return fields.push(path.clone()) };
    for (item, name) in items {
        path.push(PatchStep::Item(name));
        let is_whole = item.get("$patch").is_some();
        if is_whole {
            fields.push(path.clone());
        }
        let others = item.entries().filter(|(key, _)| !key.text().starts_with('$') && !is_whole);
        for (key, value) in others.filter(|(key, _)| list.is_none_or(|list| !key.is_text(list))) {
            path.push(PatchStep::Key(key.text().into_owned()));
            read_fragment(value, is_own, path, fields);
            path.pop();
        }
        path.pop();
    }
}

/// Adds the fields that an operation of a JSON patch sets.
fn read_operation(operation: Node<'_>, fields: &mut Vec<Vec<PatchStep>>) {
    let is_test = operation.get("op").is_some_and(|op| op.is_text("test"));
    let paths = [operation.get("path"), operation.get("from").filter(|_| is_moved(operation))];
    for pointer in paths.into_iter().flatten().filter(|_| !is_test) {
        let mut path: Vec<PatchStep> = Vec::new();
        for part in pointer.text().split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            if part == "-" {
                // The new item, where it has a name; else the list.
                let list = match path.last() {
                    Some(PatchStep::Key(list)) => merge_key(list),
                    _ => None,
                };
                let name = list.and_then(|key| Some(operation.get("value")?.get(key)?.text()));
                path.extend(name.map(|name| PatchStep::Item(name.into_owned())));
            } else {
                path.push(part.parse().map_or(PatchStep::Key(part), PatchStep::Index));
            }
        }
        fields.push(path);
    }
}

fn is_moved(operation: Node<'_>) -> bool {
    operation.get("op").is_some_and(|op| op.is_text("move"))
}

impl Selector {
    /// The one object that a fragment names.
    fn of_fragment(patch: Node<'_>) -> Self {
        let literal = |node: Option<Node<'_>>| Some(Pattern::Text(node?.text().into_owned()));
        let metadata = |key| patch.get("metadata").and_then(|metadata| metadata.get(key));
        Self {
            kind: literal(patch.get("kind")),
            name: literal(metadata("name")),
            namespace: literal(metadata("namespace")),
            labels: Vec::new(),
        }
    }

    /// What a `target` selects.
    fn of_target(target: Node<'_>) -> Self {
        let pattern = |key: &str| target.get(key).map(|pattern| Pattern::of(&pattern.text()));
        let labels = target.get("labelSelector").map(|selector| selector.text()).unwrap_or_default();
        // Other requirements than equality are taken for met.
        let equal = labels.split(',').filter(|label| !label.contains("!="));
        let equal = equal.filter_map(|label| label.split_once('='));
        let labels = equal.map(|(key, value)| {
            (key.trim().to_owned(), value.strip_prefix('=').unwrap_or(value).trim().to_owned())
        });
        Self {
            kind: pattern("kind"),
            name: pattern("name"),
            namespace: pattern("namespace"),
            labels: labels.collect(),
        }
    }

    fn selects(&self, object: &Object<'_>) -> bool {
        let is = |pattern: &Option<Pattern>, text: Option<Cow<'_, str>>| match (pattern, text) {
            (Some(pattern), Some(text)) => pattern.matches(&text),
            // What is not named can be anything.
            (Some(_), None) | (None, _) => true,
        };
        let labels = || object.node.get("metadata")?.get("labels");
        is(&self.kind, Some(object.kind.clone()))
            && is(&self.name, object.name())
            && is(&self.namespace, object.namespace())
            && self.labels.iter().all(|(key, value)| {
                labels().and_then(|labels| labels.get(key)).is_some_and(|label| label.is_text(value))
            })
    }
}

/// Text to compare with.
#[derive(Clone, Debug)]
enum Pattern {
    Text(String),
    /// A regular expression for the whole of a text.
    Expression(Regex),
    /// An expression that cannot be read. It may match.
    Anything,
}

impl Pattern {
    fn of(expression: &str) -> Self {
        if regex::escape(expression) == expression.replace('-', "\\-") {
            return Self::Text(expression.to_owned());
        }
        Regex::new(&format!("^(?:{expression})$")).map_or(Self::Anything, Self::Expression)
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => wanted == text,
            Self::Expression(expression) => expression.is_match(text),
            Self::Anything => true,
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(own), Self::Text(other)) => own == other,
            (Self::Expression(own), Self::Expression(other)) => own.as_str() == other.as_str(),
            (Self::Anything, Self::Anything) => true,
            _ => false,
        }
    }
}

impl Eq for Pattern {}

/// The fields of one object that overlays set.
#[derive(Debug)]
pub(crate) struct Overlaid<'e> {
    fields: Vec<(&'e str, &'e [PatchStep])>,
}

impl Evidence {
    /// The fields of `object` that overlays set.
    pub(crate) fn overlaid(&self, object: &Object<'_>) -> Overlaid<'_> {
        let patches = self
            .overlays
            .iter()
            .flat_map(|overlay| overlay.patches.iter().map(|patch| (overlay.name.as_str(), patch)));
        let selected = patches.filter(|(_, patch)| patch.target.selects(object));
        let fields =
            selected.flat_map(|(name, patch)| patch.fields.iter().map(move |field| (name, field.as_slice())));
        Overlaid { fields: fields.collect() }
    }
}

impl Overlaid<'_> {
    /// Which overlays set a field that one of `edits` changes, in words; nothing where none does.
    pub(crate) fn reason(&self, object: &Object<'_>, edits: &[Edit]) -> Option<String> {
        if self.fields.is_empty() {
            return None;
        }
        let edited: Vec<Vec<EditStep>> = edits.iter().filter_map(|edit| steps(object, edit)).collect();
        let is_edited = |field: &[PatchStep]| {
            edited.iter().any(|edit| field.iter().zip(edit).all(|(field, edit)| edit.is(field)))
        };
        let names: BTreeSet<&str> =
            self.fields.iter().filter(|(_, field)| is_edited(field)).map(|(name, _)| *name).collect();
        let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
        match names.as_slice() {
            [] => None,
            [name] => Some(format!("the overlay {name} sets it")),
            [names @ .., last] => Some(format!("the overlays {} and {last} set it", names.join(", "))),
        }
    }
}

/// One step to a place that an edit changes.
enum EditStep {
    Key(String),
    /// An item of a list by its number, where it has one, and by its merge key, where its list has one.
    Item {
        index: Option<usize>,
        name: Option<String>,
    },
}

impl EditStep {
    fn is(&self, field: &PatchStep) -> bool {
        match (self, field) {
            (Self::Key(key), PatchStep::Key(other)) => key == other,
            (Self::Item { name, .. }, PatchStep::Item(other)) => name.as_ref() == Some(other),
            (Self::Item { index, .. }, PatchStep::Index(other)) => *index == Some(*other),
            _ => false,
        }
    }
}

/// The steps from `object` to what `edit` changes.
fn steps(object: &Object<'_>, edit: &Edit) -> Option<Vec<EditStep>> {
    let below = edit.path().steps().strip_prefix(object.path.steps())?;
    let (mut node, mut list, mut steps) = (Some(object.node), None, Vec::new());
    for step in below {
        match step {
            Step::Key(key) => {
                node = node.and_then(|node| node.get(key));
                list = merge_key(key);
                steps.push(EditStep::Key(key.clone().into_owned()));
            }
            Step::Index(index) => {
                node = node.and_then(|node| node.items().nth(*index));
                let name = list.and_then(|key| Some(node?.get(key)?.text().into_owned()));
                steps.push(EditStep::Item { index: Some(*index), name });
            }
        }
    }
    if let (Edit::Append { value: Value::Mapping(entries), .. }, Some(list)) = (edit, list) {
        let name = entries.iter().find(|(key, _)| key == list).and_then(|(_, value)| match value {
            Value::String(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            _ => None,
        });
        steps.push(EditStep::Item { index: None, name });
    }
    Some(steps)
}
