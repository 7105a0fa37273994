//! How what a kind says about its pods differs from a pod's own `spec`: data of `kinds.yaml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use rewriter::{Edit, Node, Path, Step, Value};
use serde::Deserialize;

use super::container::ContainerKind;
use super::kinds::{Found, Pattern, Segment, Spot};

/// What a kind's pods have in place of the fields of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Shape {
    /// The fields that there are; those of a pod where nothing is said.
    pub(super) fields: Option<Fields>,
    /// Where the containers stand; in a pod's own lists where nothing is said.
    pub(super) containers: Option<Vec<ContainerList>>,
    /// Fields that the kind's owner takes from nobody, though they may be written.
    pub(super) refused: Vec<Pattern>,
    /// Fields that would take the place of what an operator sets there by itself, so that they are changed
    /// only where they are written.
    pub(super) existing: Vec<String>,
    /// Lists of volumes beside the pod's own.
    pub(super) more_volumes: Vec<Place>,
    /// Whether an operator completes the pod, so that containers may lack what is the operator's.
    pub(super) completed: bool,
}

/// Containers of one part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ContainerList {
    pub(super) kind: Part,
    /// From the pod on; `.` is a container whose fields stand among the pod's.
    pub(super) at: Pattern,
    /// What it is called where no name is written.
    pub(super) name: Option<String>,
    /// Whether it is there without being written, because an operator makes it.
    #[serde(default)]
    pub(super) implied: bool,
    /// The fields that there are; those of a container where nothing is said.
    pub(super) fields: Option<Fields>,
    /// Fields that may not be written.
    #[serde(default)]
    pub(super) refused: Vec<Pattern>,
    /// The map from which comes what the container lacks.
    pub(super) defaults: Option<Place>,
    /// The field that holds a shell script to run.
    pub(super) script: Option<String>,
}

/// What part a container has in its pod, in the words of the table.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Part {
    Init,
    Sidecar,
    Main,
    Ephemeral,
}

impl From<Part> for ContainerKind {
    fn from(part: Part) -> Self {
        match part {
            Part::Init => Self::Init,
            Part::Sidecar => Self::Sidecar,
            Part::Main => Self::Main,
            Part::Ephemeral => Self::Ephemeral,
        }
    }
}

/// A Kubernetes field's name, and the places where it may stand. It is where it is written, else at the last
/// of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Fields(BTreeMap<String, Option<Places>>);

/// No field at all.
pub(super) static NO_FIELDS: Fields = Fields(BTreeMap::new());

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Places {
    One(Place),
    Several(Vec<Place>),
}

/// Where a field stands: `a.b`, or `^a.b` from the map around the pods on.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Place {
    is_around: bool,
    keys: Vec<String>,
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (is_around, keys) = text.strip_prefix('^').map_or((false, &*text), |keys| (true, keys));
        let keys: Vec<String> = keys.split('.').map(str::to_owned).collect();
        if keys.iter().any(String::is_empty) {
            return Err(format!("`{text}` has a part without a name"));
        }
        Ok(Self { is_around, keys })
    }
}

impl Place {
    /// The value, from the pod or container at `node` on.
    pub(super) fn value<'d>(&self, node: Option<Node<'d>>, around: Option<&Around<'d>>) -> Option<Node<'d>> {
        let start = if self.is_around { around?.node } else { node };
        self.keys.iter().try_fold(start?, |node, key| node.get(key))
    }

    /// Where it stands or would stand, from the pod or container at `path` on.
    pub(super) fn path(&'static self, path: &Path, around: Option<&Around<'_>>) -> Path {
        let start = around.filter(|_| self.is_around).map_or(path, |around| &around.path);
        self.keys.iter().fold(start.clone(), |path, key| path.key(key.as_str()))
    }
}

/// The map around an object's pods, which holds what they share.
#[derive(Clone, Debug)]
pub(super) struct Around<'d> {
    pub(super) node: Option<Node<'d>>,
    pub(super) path: Path,
}

/// How a map is read that is only like a pod or a container.
#[derive(Clone, Debug, Default)]
pub(super) struct Lens<'d> {
    pub(super) fields: Option<&'static Fields>,
    pub(super) around: Option<Arc<Around<'d>>>,
    /// The map that holds what this one lacks.
    pub(super) defaults: Option<Node<'d>>,
}

impl<'d> Lens<'d> {
    /// Where the field `key` of `node` stands.
    pub(super) fn standing(&self, key: &str, node: Option<Node<'d>>) -> Standing {
        let Some(fields) = self.fields else { return Standing::Usual };
        let places = match fields.0.get(key) {
            None => return Standing::Nowhere,
            Some(None) => return Standing::Usual,
            Some(Some(Places::One(place))) => return Standing::At(place),
            Some(Some(Places::Several(places))) => places,
        };
        let written = places.iter().find(|place| place.value(node, self.around.as_deref()).is_some());
        written.or(places.last()).map_or(Standing::Nowhere, Standing::At)
    }
}

/// Where a field stands in a kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Standing {
    /// The kind does not have it.
    Nowhere,
    /// Under its own name.
    Usual,
    /// Here.
    At(&'static Place),
}

impl Fields {
    #[cfg(test)]
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether `steps`, from the pod or container on, lead to one of the fields or into it.
    fn lead_to(&self, steps: &[Step]) -> bool {
        self.0.iter().any(|(name, places)| match places {
            None => starts_with(steps, [name]),
            Some(Places::One(place)) => !place.is_around && starts_with(steps, &place.keys),
            Some(Places::Several(places)) => {
                places.iter().any(|place| !place.is_around && starts_with(steps, &place.keys))
            }
        })
    }
}

fn starts_with<'k>(steps: &[Step], keys: impl IntoIterator<Item = &'k String>) -> bool {
    let mut steps = steps.iter();
    keys.into_iter().all(|key| matches!(steps.next(), Some(Step::Key(step)) if step == key))
}

/// What may be written in a pod or a container of a kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    pub(super) fields: Option<&'static Fields>,
    pub(super) refused: &'static [Pattern],
}

impl Rules {
    /// The field that `edit` would write although the kind does not take it. `steps` are those of the edit's
    /// path from the pod or container on.
    pub(super) fn forbid(self, steps: &[Step], edit: &Edit) -> Option<String> {
        if self.fields.is_some_and(|fields| !fields.lead_to(steps)) {
            return Some(steps.iter().take(1).cloned().collect::<Path>().to_string());
        }
        let value = match edit {
            Edit::Set { value, .. } => Some((value, 0)),
            Edit::Append { value, .. } => Some((value, 1)),
            // What is not to be there may always go.
            Edit::Remove { .. } => return None,
        };
        let touches = |pattern: &&Pattern| pattern.touches(steps, value);
        self.refused.iter().find(touches).map(ToString::to_string)
    }
}

impl Shape {
    /// The rules for the pod itself.
    pub(super) fn rules(&'static self) -> Rules {
        Rules { fields: self.fields.as_ref(), refused: &self.refused }
    }

    /// The field that `steps`, from the pod on, lead into, if it is to be changed only where it is written,
    /// which it is not.
    pub(super) fn creates(&self, steps: &[Step], node: Option<Node<'_>>) -> Option<&str> {
        let Some(Step::Key(_)) = steps.first() else { return None };
        self.existing.iter().map(String::as_str).find(|field| {
            let keys: Vec<String> = match self.fields.as_ref().and_then(|fields| fields.0.get(*field)) {
                Some(Some(Places::One(place))) if !place.is_around => place.keys.clone(),
                Some(Some(_)) => return false,
                _ => vec![(*field).to_owned()],
            };
            let is_written = || keys.iter().try_fold(node?, |node, key| node.get(key));
            starts_with(steps, &keys) && is_written().is_none()
        })
    }
}

impl ContainerList {
    pub(super) fn rules(&'static self) -> Rules {
        Rules { fields: self.fields.as_ref(), refused: &self.refused }
    }

    /// Where the containers stand in a pod.
    pub(super) fn places<'d>(&self, node: Node<'d>, path: &Path) -> Vec<Spot<'d>> {
        let mut places = self.at.places(node, path);
        places.retain(|place| place.found != Found::Nothing || self.implied);
        places
    }
}

impl Pattern {
    /// Whether the pattern leads to the value at `steps`, above it, or into `value`, which is to stand there,
    /// or to be added to the list there (the number says how many levels below).
    fn touches(&self, steps: &[Step], value: Option<(&Value, usize)>) -> bool {
        let mut segments = self.segments();
        for step in steps {
            match segments.split_first() {
                None => return true,
                Some((segment, rest)) if segment.fits(step) => segments = rest,
                Some(_) => return false,
            }
        }
        let Some((value, level)) = value else { return segments.is_empty() };
        segments.is_empty() || segments.get(level..).is_none_or(|rest| holds(value, rest))
    }
}

fn holds(value: &Value, segments: &[Segment]) -> bool {
    let Some((first, rest)) = segments.split_first() else { return true };
    match value {
        Value::Mapping(entries) => entries
            .iter()
            .any(|(key, value)| first.fits(&Step::Key(key.clone().into())) && holds(value, rest)),
        Value::Sequence(items) => items.iter().any(|item| first.fits(&Step::Index(0)) && holds(item, rest)),
        _ => false,
    }
}
