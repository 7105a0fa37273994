//! Kubernetes objects, and the pods that they hold.

use std::borrow::Cow;

use rewriter::{Document, Node, Path, Position};

use super::kinds::{self, Found, Place};
use super::pod::Pod;
use super::section::{Malformed, name};

/// An object of any kind.
#[derive(Clone, Debug)]
pub struct Object<'d> {
    /// Its map.
    pub node: Node<'d>,
    /// Where it stands in the document: at the root, or in a list.
    pub path: Path,
    /// `apiVersion`.
    pub api_version: Cow<'d, str>,
    /// `kind`.
    pub kind: Cow<'d, str>,
}

impl<'d> Object<'d> {
    /// `metadata.name`, or `metadata.generateName` with the star that stands for what is generated.
    pub fn name(&self) -> Option<Cow<'d, str>> {
        let metadata = self.node.get("metadata")?;
        let generated = || Some(format!("{}*", metadata.get("generateName")?.text()).into());
        metadata.get("name").map(|name| name.text()).or_else(generated)
    }

    /// `metadata.namespace`.
    pub fn namespace(&self) -> Option<Cow<'d, str>> {
        Some(self.node.get("metadata")?.get("namespace")?.text())
    }

    /// Line and column where it begins.
    pub fn position(&self) -> Position {
        self.node.position()
    }

    /// The names of the volumes that a claim template makes: valid in `volumeMounts`, absent from `volumes`.
    pub fn claim_templates(&self) -> impl Iterator<Item = (Cow<'d, str>, Node<'d>)> + use<'d> {
        let templates = self.node.get("spec").and_then(|spec| spec.get("volumeClaimTemplates"));
        templates
            .into_iter()
            .flat_map(|templates| templates.items())
            .filter_map(|template| Some((template.get("metadata")?.get("name")?.text(), template)))
    }
}

/// A part of a workload that cannot be read as what its place asks for, or is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands or would stand in the document's data.
    pub path: Path,
    /// Where it stands in the text, or what should hold it does.
    pub position: Position,
    /// What is wrong.
    pub reason: String,
    /// Whether a person has to mend it. A workload without a pod template is merely incomplete, as patches
    /// are.
    pub needs_person: bool,
}

impl Problem {
    /// `owner` should have a value at `path`.
    pub(super) fn missing(path: Path, owner: Node<'_>) -> Self {
        let reason = format!("{} is missing, so there is no container to look at", name(&path));
        Self { path, position: owner.position(), reason, needs_person: false }
    }
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        let Malformed { path, position, reason } = malformed;
        Self { path, position, reason, needs_person: true }
    }
}

/// The pods of a document, and the parts of its workloads in which none could be made out.
#[derive(Clone, Debug, Default)]
pub struct Workloads<'d> {
    /// Every object in its order, with pods in it or without; wrappers and lists are not among them.
    pub objects: Vec<Object<'d>>,
    /// The pods in their order.
    pub pods: Vec<Pod<'d>>,
    /// What is wrong with the others.
    pub problems: Vec<Problem>,
}

impl<'d> Workloads<'d> {
    /// The pods of `document`.
    pub fn of(document: Document<'d>) -> Self {
        let mut found = Self::default();
        if let Some(root) = document.root() {
            found.visit(root, Path::root(), &Type::default());
        }
        found
    }

    /// Collects from the object `node`, or from a list of them. An item of a list of one kind may leave its
    /// own kind out: `implied` is what the list says.
    fn visit(&mut self, node: Node<'d>, path: Path, implied: &Type<'d>) {
        let text = |key, implied: &Option<Cow<'d, str>>| match node.get(key) {
            Some(value) => value.as_str(),
            None => implied.clone(),
        };
        let (Some(api_version), Some(kind)) =
            (text("apiVersion", &implied.api_version), text("kind", &implied.kind))
        else {
            return;
        };
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        if let Some(places) = kinds::places(group, &kind) {
            let inside = places.objects.iter().flat_map(|pattern| pattern.places(node, &path));
            for place in inside.filter(|place| place.found == Found::Value) {
                self.visit(place.node, place.path, &Type::default());
            }
            let object = Object { node, path, api_version, kind };
            for place in places.pods.iter().flat_map(|pattern| pattern.places(node, &object.path)) {
                self.add(&object, place);
            }
            if places.objects.is_empty() {
                self.objects.push(object);
            }
        } else if let Some(item) =
            kind.strip_suffix("List").filter(|kind| kinds::places(group, kind).is_some())
        {
            let implied = Type { api_version: Some(api_version.clone()), kind: Some(item.to_owned().into()) };
            let items = node.get("items").filter(Node::is_sequence);
            for (index, item) in items.into_iter().flat_map(|items| items.items()).enumerate() {
                self.visit(item, path.key("items").index(index), &implied);
            }
        } else {
            self.objects.push(Object { node, path, api_version, kind });
        }
    }

    fn add(&mut self, object: &Object<'d>, place: Place<'d>) {
        let Place { path, node, found } = place;
        let problem = match found {
            Found::Nothing => Problem::missing(path, node),
            Found::NoMap => Malformed::new(node, path, "a map").into(),
            Found::NoList => Malformed::new(node, path, "a list").into(),
            Found::Value => match Pod::read(object, node, path, &mut self.problems) {
                Ok(pod) => return self.pods.push(pod),
                Err(problem) => problem,
            },
        };
        self.problems.push(problem);
    }
}

/// What an object is.
#[derive(Clone, Debug, Default)]
struct Type<'d> {
    api_version: Option<Cow<'d, str>>,
    kind: Option<Cow<'d, str>>,
}
