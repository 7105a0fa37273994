//! Kubernetes objects, and the pods that they hold.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rewriter::{Document, Node, Path, Position};

use super::detect::{Detected, detect};
use super::kinds::{self, Found, Pattern, Row, Served, Spot};
use super::pod::{Form, Pod};
use super::section::{Malformed, name};
use super::shape::Around;
use crate::settings::Settings;

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

    /// What it is called.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            api_version: self.api_version.clone().into_owned(),
            kind: self.kind.clone().into_owned(),
            namespace: self.namespace().map(Cow::into_owned),
            name: self.name().map(Cow::into_owned),
        }
    }

    /// Line and column where it begins.
    pub fn position(&self) -> Position {
        self.node.position()
    }

    /// The versions of Kubernetes that serve its `apiVersion`, where those are not all that there are.
    pub fn served(&self) -> Option<Served> {
        kinds::served(&self.api_version, &self.kind)
    }
}

/// What an object is called, whatever becomes of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// The namespace, where one is written.
    pub namespace: Option<String>,
    /// The name, where one is written.
    pub name: Option<String>,
}

/// `Kind namespace/name`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, .. } = self;
        let name = name.as_deref().unwrap_or("(no name)");
        match namespace {
            Some(namespace) => write!(f, "{kind} {namespace}/{name}"),
            None => write!(f, "{kind} {name}"),
        }
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

    /// What stands at `spot` stays, for a reason that the table of kinds gives.
    fn remark(spot: Spot<'_>, reason: &str) -> Self {
        let Spot { path, node, .. } = spot;
        Self { path, position: node.position(), reason: reason.to_owned(), needs_person: false }
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
    /// The pods of `document`, in kinds that are known.
    pub fn of(document: Document<'d>) -> Self {
        Self::find(document, None)
    }

    /// The pods of `document`, in the kinds that the user tells about too.
    pub fn with(document: Document<'d>, settings: &Settings) -> Self {
        Self::find(document, Some(settings))
    }

    fn find(document: Document<'d>, settings: Option<&Settings>) -> Self {
        let mut found = Self::default();
        if let Some(root) = document.root() {
            found.visit(root, Path::root(), &Type::default(), settings);
        }
        found
    }

    /// Collects from the object `node`, or from a list of them. An item of a list of one kind may leave its
    /// own kind out: `implied` is what the list says.
    fn visit(&mut self, node: Node<'d>, path: Path, implied: &Type<'d>, settings: Option<&Settings>) {
        let text = |key, implied: &Option<Cow<'d, str>>| match node.get(key) {
            Some(value) => value.as_str(),
            None => implied.clone(),
        };
        let (Some(api_version), Some(kind)) =
            (text("apiVersion", &implied.api_version), text("kind", &implied.kind))
        else {
            return;
        };
        let object = Object { node, path, api_version, kind };
        if let Some(told) = told(settings, &object.api_version, &object.kind) {
            self.read(object, &told, settings);
            return;
        }
        let rows = kinds::rows(&object.api_version, &object.kind);
        if !rows.is_empty() {
            let places: Vec<Places<'d, '_>> = rows.into_iter().map(|row| Places::of(row, &object)).collect();
            self.read(object, &places, settings);
            return;
        }
        let item = object.kind.strip_suffix("List").filter(|item| {
            told(settings, &object.api_version, item).is_some()
                || !kinds::rows(&object.api_version, item).is_empty()
        });
        if let Some(item) = item {
            let implied =
                Type { api_version: Some(object.api_version.clone()), kind: Some(item.to_owned().into()) };
            let items = node.get("items").filter(Node::is_sequence);
            for (index, item) in items.into_iter().flat_map(|items| items.items()).enumerate() {
                self.visit(item, object.path.key("items").index(index), &implied, settings);
            }
        } else {
            if kinds::is_foreign(&object.api_version) {
                self.detect(&object, settings);
            }
            self.objects.push(object);
        }
    }

    /// Collects what stands at the places of a known kind.
    fn read(&mut self, object: Object<'d>, places: &[Places<'d, '_>], settings: Option<&Settings>) {
        let (pods, problems) = (self.pods.len(), self.problems.len());
        let mut missing = None;
        for Places { pods, specs, objects, form, left } in places {
            let inside = objects.iter().flat_map(|pattern| pattern.places(object.node, &object.path));
            for spot in inside.filter(|spot| spot.found == Found::Value) {
                self.visit(spot.node, spot.path, &Type::default(), settings);
            }
            for (patterns, is_spec) in [(pods, false), (specs, true)] {
                let form = Form { is_spec, ..form.clone() };
                for spot in patterns.iter().flat_map(|pattern| pattern.places(object.node, &object.path)) {
                    match (spot.found, left) {
                        (Found::Nothing, _) if form.optional => {}
                        (Found::Nothing, _) => {
                            missing.get_or_insert_with(|| Problem::missing(spot.path, spot.node));
                        }
                        (Found::Value, Some(left)) => self.problems.push(Problem::remark(spot, left)),
                        _ => self.add(&object, spot, &form),
                    }
                }
            }
        }
        // A kind may have its pods in one of several places.
        if (self.pods.len(), self.problems.len()) == (pods, problems) {
            self.problems.extend(missing);
        }
        let found = self.pods.get_mut(pods..).unwrap_or_default();
        let has_siblings = found.len() > 1;
        for pod in found {
            pod.has_siblings = has_siblings;
        }
        if places.iter().all(|places| places.objects.is_empty()) {
            self.objects.push(object);
        }
    }

    fn add(&mut self, object: &Object<'d>, spot: Spot<'d>, form: &Form<'d>) {
        let Spot { path, node, found } = spot;
        let problem = match found {
            Found::Nothing => Problem::missing(path, node),
            Found::NoMap => Malformed::new(node, path, "a map").into(),
            Found::NoList => Malformed::new(node, path, "a list").into(),
            Found::Value => match Pod::read(object, node, path, form, &mut self.problems) {
                Ok(pod) => return self.pods.extend(pod),
                Err(problem) => problem,
            },
        };
        self.problems.push(problem);
    }

    /// Looks for pods in an object of a kind that nobody told about, and takes them if the user wants that.
    fn detect(&mut self, object: &Object<'d>, settings: Option<&Settings>) {
        let takes = settings.is_some_and(|settings| settings.detect_pod_specs);
        for Detected { node, path, template } in detect(object.node, &object.path) {
            if takes {
                let form = Form { is_spec: template.is_none(), ..Form::default() };
                let (node, path) = template.unwrap_or((node, path));
                self.add(object, Spot { path, node, found: Found::Value }, &form);
            } else {
                let (group, _) = object.api_version.rsplit_once('/').unwrap_or_default();
                let reason = format!(
                    "looks like the spec of a pod, but the kind `{}` of `{group}` is not known; name the path \
                     under `workloads:` in `.cce-fix.yaml` to have it changed",
                    object.kind
                );
                self.problems.push(Problem { path, position: node.position(), reason, needs_person: true });
            }
        }
    }
}

/// Where the pods of a kind stand, and what they are.
struct Places<'d, 's> {
    pods: &'s [Pattern],
    specs: &'s [Pattern],
    objects: &'s [Pattern],
    form: Form<'d>,
    /// Why they are left.
    left: Option<&'s str>,
}

impl<'d> Places<'d, 'static> {
    fn of(row: &'static Row, object: &Object<'d>) -> Self {
        let around = row.around.as_ref().map(|place| {
            Arc::new(Around {
                node: place.value(Some(object.node), None),
                path: place.path(&object.path, None),
            })
        });
        let optional = row.optional || row.shape.as_ref().is_some_and(|shape| shape.completed);
        let form = Form { is_spec: false, shape: row.shape.as_ref(), around, optional };
        let Row { pods, specs, objects, left, .. } = row;
        Self { pods, specs, objects, form, left: left.as_deref() }
    }
}

/// What the user says about a kind.
fn told<'d, 's>(
    settings: Option<&'s Settings>,
    api_version: &str,
    kind: &str,
) -> Option<Vec<Places<'d, 's>>> {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let workloads = settings.map_or(&[][..], |settings| &settings.workloads);
    let told: Vec<Places<'d, 's>> = workloads
        .iter()
        .filter(|told| told.group == group && told.kind == kind)
        .map(|told| Places {
            pods: &told.pods,
            specs: &told.specs,
            objects: &[],
            form: Form::default(),
            left: None,
        })
        .collect();
    (!told.is_empty()).then_some(told)
}

/// What an object is.
#[derive(Clone, Debug, Default)]
struct Type<'d> {
    api_version: Option<Cow<'d, str>>,
    kind: Option<Cow<'d, str>>,
}
