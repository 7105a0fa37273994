//! A pod, or the template of one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};
use rewriter::{Node, Path};

use super::container::{Container, ContainerKind, ContainerRef};
use super::kinds::Found;
use super::object::{Object, Problem};
use super::section::{List, Malformed, Section};
use super::security_context::SecurityContext;
use super::shape::{Around, ContainerList, NO_FIELDS, Shape};
use super::volume::{Mount, Volume, VolumeSource};

/// A pod, or the template of one: a map with `metadata` and `spec`, or what a kind has in its place.
#[derive(Clone, Debug)]
pub struct Pod<'d> {
    /// The object that it belongs to.
    pub object: Object<'d>,
    /// The map with `metadata` and `spec`; the object itself where the object is a pod, and `spec` where there
    /// is no such map.
    pub template: Section<'d>,
    /// `spec`.
    pub spec: Section<'d>,
    /// The containers of all lists, init containers first, in their order.
    pub containers: Vec<Container<'d>>,
    /// Whether other pods of its object share what stands around them.
    pub(super) has_siblings: bool,
    pub(super) form: Form<'d>,
    security_context: Result<SecurityContext<'d>, Malformed>,
    volumes: Result<HashMap<Cow<'d, str>, Volume<'d>>, Malformed>,
}

/// What a kind says about a pod of its objects.
#[derive(Clone, Debug, Default)]
pub(super) struct Form<'d> {
    /// Whether it is the spec alone.
    pub(super) is_spec: bool,
    pub(super) shape: Option<&'static Shape>,
    pub(super) around: Option<Arc<Around<'d>>>,
    /// Whether it need not be there.
    pub(super) optional: bool,
}

impl<'d> Pod<'d> {
    /// Reads `node`, the value at `path`. What is wrong with single containers goes to `problems`. There is no
    /// pod where none need be.
    pub(super) fn read(
        object: &Object<'d>,
        node: Node<'d>,
        path: Path,
        form: &Form<'d>,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<Self>, Problem> {
        let whole = Section::new(Some(node), path)?;
        let fields = form.shape.and_then(|shape| shape.fields.as_ref());
        let (template, spec) = if form.is_spec {
            let template = whole.clone().with(fields.or(Some(&NO_FIELDS)), form.around.as_ref(), None);
            (template, whole)
        } else {
            let spec = whole.section("spec")?;
            (whole, spec)
        };
        let spec = spec.with(fields, form.around.as_ref(), None);
        let Some(spec_node) = spec.node() else {
            let missing = Problem::missing(spec.path().clone(), node);
            return if form.optional { Ok(None) } else { Err(missing) };
        };
        let lists = form.shape.and_then(|shape| shape.containers.as_ref());
        let containers = match lists {
            Some(lists) => shaped_containers(&spec, spec_node, lists, form, problems),
            None => containers(&spec, spec_node, form, problems),
        };
        if containers.is_empty() && form.optional {
            return Ok(None);
        }
        let volumes = volumes(object, &spec, form);
        Ok(Some(Self {
            object: object.clone(),
            security_context: SecurityContext::of(&spec),
            template,
            spec,
            containers,
            has_siblings: false,
            form: form.clone(),
            volumes,
        }))
    }

    /// The container that `reference` is about.
    pub fn container(&self, reference: &ContainerRef) -> Option<&Container<'d>> {
        let wanted = (rank(reference.kind), reference.index);
        let found = self
            .containers
            .binary_search_by_key(&wanted, |container| (rank(container.kind), container.index));
        self.containers.get(found.ok()?)
    }

    /// The pod's `securityContext`, whose values hold for every container without an own one.
    pub fn security_context(&self) -> Result<&SecurityContext<'d>, Malformed> {
        self.security_context.as_ref().map_err(Clone::clone)
    }

    /// `metadata.annotations` of the pod.
    pub fn annotations(&self) -> Result<Section<'d>, Malformed> {
        self.template.section("metadata")?.section("annotations")
    }

    /// Whether the pod shares one of the node's namespaces by the field `key`.
    pub fn shares(&self, key: &'static str) -> Result<bool, Malformed> {
        Ok(self.spec.truth(key)?.unwrap_or(false))
    }

    /// The volume that a mount names; `None` for a name that nothing declares.
    pub fn volume(&self, name: &str) -> Result<Option<&Volume<'d>>, Malformed> {
        match &self.volumes {
            Ok(volumes) => Ok(volumes.get(name)),
            Err(malformed) => Err(malformed.clone()),
        }
    }

    /// The volumes by name, those of claim templates among them; none where the list cannot be read.
    pub fn volumes(&self) -> impl Iterator<Item = (&str, &Volume<'d>)> {
        self.volumes.iter().flatten().map(|(name, volume)| (&**name, volume))
    }

    /// The volumes of its own list in their order, each with the mounts of it.
    pub fn mounted_volumes(&self) -> Result<Vec<MountedVolume<'_, 'd>>, Malformed> {
        let mut mounts: HashMap<&str, Vec<_>> = HashMap::new();
        for container in &self.containers {
            for mount in container.mounts()? {
                mounts.entry(&*mount.name).or_default().push((container, mount));
            }
        }
        let mut volumes = Vec::new();
        for section in self.spec.list("volumes")?.sections() {
            let section = section?;
            let name = section.text("name")?.unwrap_or_default();
            let mounts = mounts.remove(&*name).unwrap_or_default();
            volumes.push(MountedVolume { section, name, mounts });
        }
        Ok(volumes)
    }

    /// Whether CCE may run the pod in Cloud Container Instance, which has no nodes of the cluster's own.
    pub fn bursts_to_cci(&self) -> bool {
        self.is_for_cci(&["auto", "enforce"])
    }

    /// Whether CCE runs the pod nowhere else.
    pub fn is_bound_to_cci(&self) -> bool {
        self.is_for_cci(&["enforce"])
    }

    fn is_for_cci(&self, values: &[&str]) -> bool {
        const LABEL: &str = "virtual-kubelet.io/burst-to-cci";
        let of = |owner: Option<Node<'d>>| owner?.get("metadata")?.get("labels")?.get(LABEL);
        let mut labels = [self.template.node(), Some(self.object.node)].into_iter().filter_map(of);
        labels.any(|label| values.iter().any(|value| label.is_text(value)))
    }

    /// Whether the pod's processes are those of a Windows node itself.
    pub fn is_host_process(&self) -> Result<bool, Malformed> {
        if self.security_context()?.is_host_process()? {
            return Ok(true);
        }
        for container in &self.containers {
            if container.security_context()?.is_host_process()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether some container or init container has the `image` that a pod cannot do without. The fragments
    /// that patches are made of have none.
    pub fn has_image(&self) -> bool {
        self.containers.iter().any(|container| container.image().is_some())
    }

    /// Whether it is a map with `metadata` and `spec` and all the fields that pods have, and no others.
    pub fn is_ordinary(&self) -> bool {
        !self.form.is_spec && self.form.shape.is_none()
    }

    /// Whether an operator adds to the pod what it needs to run, such as images.
    pub fn is_completed(&self) -> bool {
        self.form.shape.is_some_and(|shape| shape.completed)
    }

    /// Whether Istio's proxy is put into the pod when it is made, as labels or annotations announce it.
    pub fn announces_istio(&self) -> bool {
        let metadata = self.template.get("metadata");
        ["labels", "annotations"].iter().filter_map(|key| metadata?.get(key)).any(|map| {
            map.get("istio.io/rev").is_some()
                || map.get("sidecar.istio.io/inject").is_some_and(|inject| !inject.is_text("false"))
        })
    }

    /// Whether the pod runs on Windows, by everything that says so.
    pub fn is_windows(&self) -> bool {
        const LABELS: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];
        if let Some(name) = self.spec.get("os").and_then(|os| os.get("name")) {
            return name.is_text("windows");
        }
        let has_options = |context: Result<&SecurityContext<'_>, _>| {
            context.is_ok_and(SecurityContext::has_windows_options)
        };
        let selector = self.spec.get("nodeSelector");
        LABELS
            .iter()
            .any(|label| selector.and_then(|map| map.get(label)).is_some_and(|os| os.is_text("windows")))
            || LABELS.iter().any(|label| requires_windows(&self.spec, label))
            || has_options(self.security_context())
            || self.containers.iter().any(|container| has_options(container.security_context()))
    }
}

/// An entry of a pod's `volumes`, with the mounts of it.
#[derive(Clone, Debug)]
pub struct MountedVolume<'p, 'd> {
    /// The entry.
    pub section: Section<'d>,
    /// Its name.
    pub name: Cow<'d, str>,
    /// The mounts, in the order of the containers.
    pub mounts: Vec<(&'p Container<'d>, &'p Mount<'d>)>,
}

impl MountedVolume<'_, '_> {
    /// The path of the node that it is; `None` for another kind of volume.
    pub fn host_path(&self) -> Result<Option<String>, Malformed> {
        let source = self.section.section("hostPath")?;
        let Some(node) = source.node() else { return Ok(None) };
        let refuse = |verdict| Err(Malformed::because(node, source.path().clone(), verdict));
        match source.text("path")? {
            None => refuse("has no `path`"),
            Some(path) if path.is_empty() => refuse("has no `path`"),
            Some(path) if path.split('/').any(|part| part == "..") => {
                refuse("has a path with `..`, which the API server refuses")
            }
            Some(path) => Ok(Some(path.into_owned())),
        }
    }
}

/// Displayed as "volume `a` (mounted by container `b` at `/c`)".
impl fmt::Display for MountedVolume<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "volume `{}`", self.name)?;
        let mut before = " (mounted by ";
        for (container, mount) in &self.mounts {
            write!(f, "{before}{} at `{}`", container.reference(), mount.path)?;
            if let Some(sub_path) = mount.section.get("subPath") {
                write!(f, " with `subPath: {}`", sub_path.text())?;
            }
            before = ", ";
        }
        f.write_str(if self.mounts.is_empty() { " (mounted by no container)" } else { ")" })
    }
}

/// Whether every term of the required node affinity asks for Windows.
fn requires_windows(spec: &Section<'_>, label: &str) -> bool {
    let keys = ["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    let required = keys.iter().try_fold(spec.node(), |node, key| Some(node?.get(key))).flatten();
    let Some(terms) = required.and_then(|required| required.get("nodeSelectorTerms")) else { return false };
    let asks = |term: Node<'_>| {
        let expressions = term.get("matchExpressions");
        expressions.into_iter().flat_map(|list| list.items()).any(|expression| {
            let is = |key: &str, text: &str| expression.get(key).is_some_and(|value| value.is_text(text));
            let mut values = expression.get("values").into_iter().flat_map(|values| values.items());
            is("key", label) && is("operator", "In") && values.all(|value| value.is_text("windows"))
        })
    };
    terms.items().next().is_some() && terms.items().all(asks)
}

/// The place of the list that a container is counted in.
fn rank(kind: ContainerKind) -> Option<usize> {
    ContainerKind::LISTS.iter().position(|list| list.list() == kind.list())
}

/// The containers of a pod's own lists.
fn containers<'d>(
    spec: &Section<'d>,
    spec_node: Node<'d>,
    form: &Form<'d>,
    problems: &mut Vec<Problem>,
) -> Vec<Container<'d>> {
    let mut containers = Vec::new();
    for kind in ContainerKind::LISTS {
        match spec.list(kind.list()) {
            Ok(list) => {
                if list.is_empty() && kind == ContainerKind::Main && !form.optional {
                    problems.push(Problem::missing(list.path().clone(), spec_node));
                }
                for (index, container) in list.sections().enumerate() {
                    match container {
                        Ok(section) => {
                            containers.push(Container::new(kind, index, containers.len(), section));
                        }
                        Err(malformed) => problems.push(malformed.into()),
                    }
                }
            }
            Err(malformed) => problems.push(malformed.into()),
        }
    }
    containers
}

/// The containers of a kind that has them elsewhere.
fn shaped_containers<'d>(
    spec: &Section<'d>,
    spec_node: Node<'d>,
    lists: &'static [ContainerList],
    form: &Form<'d>,
    problems: &mut Vec<Problem>,
) -> Vec<Container<'d>> {
    let mut containers: Vec<Container<'d>> = Vec::new();
    let mut counts = [0; ContainerKind::LISTS.len()];
    let around = form.around.as_ref();
    for list in lists {
        let defaults =
            list.defaults.as_ref().and_then(|place| place.value(Some(spec_node), around.map(|it| &**it)));
        let defaults = defaults.filter(Node::is_mapping);
        for place in list.places(spec_node, spec.path()) {
            let section = match place.found {
                Found::Value => Section::new(Some(place.node), place.path),
                Found::Nothing => Section::new(None, place.path),
                Found::NoMap => Err(Malformed::new(place.node, place.path, "a map")),
                Found::NoList => Err(Malformed::new(place.node, place.path, "a list")),
            };
            match section {
                Ok(section) => {
                    let section = section.with(list.fields.as_ref(), around, defaults);
                    let kind = list.kind.into();
                    let count = rank(kind).and_then(|rank| counts.get_mut(rank));
                    let index = count.map_or(0, |count| std::mem::replace(count, *count + 1));
                    let mut container = Container::new(kind, index, 0, section);
                    container.list = Some(list);
                    containers.push(container);
                }
                Err(malformed) => problems.push(malformed.into()),
            }
        }
    }
    // One that is written goes with the operator's of the same name.
    let implied = |container: &Container<'_>| container.list.is_some_and(|list| list.implied);
    let written: HashSet<String> =
        containers.iter().filter(|it| !implied(it)).map(|it| it.name().into_owned()).collect();
    containers.retain(|container| !implied(container) || !written.contains(&*container.name()));
    containers.sort_by_key(|container| rank(container.kind));
    containers.iter_mut().enumerate().for_each(|(number, container)| container.number = number);
    containers
}

/// The volumes of the pod and the claims that its object makes for it.
fn volumes<'d>(
    object: &Object<'d>,
    spec: &Section<'d>,
    form: &Form<'d>,
) -> Result<HashMap<Cow<'d, str>, Volume<'d>>, Malformed> {
    let around = form.around.as_deref();
    let mut lists = vec![spec.list("volumes")?];
    for place in form.shape.iter().flat_map(|shape| &shape.more_volumes) {
        lists.push(List::new(place.value(spec.node(), around), place.path(spec.path(), around))?);
    }
    let mut volumes = HashMap::new();
    for volume in lists.iter().flat_map(List::sections) {
        let volume = volume?;
        let name = volume.text("name")?.unwrap_or_default();
        let source = VolumeSource::of(&volume);
        volumes.entry(name).or_insert(Volume { section: Some(volume), source });
    }
    let owner = match around {
        Some(around) => around.node,
        None => object.node.get("spec"),
    };
    for (name, template) in claim_templates(owner) {
        let source = VolumeSource::claim_template(template);
        volumes.entry(name).or_insert(Volume { section: None, source });
    }
    Ok(volumes)
}

/// The claim templates of `owner` by the names of the volumes that they make: valid in `volumeMounts`, absent
/// from `volumes`.
fn claim_templates(owner: Option<Node<'_>>) -> impl Iterator<Item = (Cow<'_, str>, Node<'_>)> {
    let templates = owner.and_then(|owner| owner.get("volumeClaimTemplates"));
    templates
        .into_iter()
        .flat_map(|templates| templates.items())
        .filter_map(|template| Some((template.get("metadata")?.get("name")?.text(), template)))
}
