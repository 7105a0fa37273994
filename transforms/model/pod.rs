//! A pod, or the template of one.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use foldhash::{HashMap, HashMapExt as _};
use rewriter::{Node, Path};

use super::container::{Container, ContainerKind, ContainerRef, known};
use super::object::{Object, Problem};
use super::section::{Malformed, Section};
use super::security_context::SecurityContext;
use super::volume::{Mount, Volume, VolumeSource};

/// A pod, or the template of one: a map with `metadata` and `spec`.
#[derive(Clone, Debug)]
pub struct Pod<'d> {
    /// The object that it belongs to.
    pub object: Object<'d>,
    /// The map with `metadata` and `spec`; the object itself where the object is a pod.
    pub template: Section<'d>,
    /// `spec`.
    pub spec: Section<'d>,
    /// The containers of all three lists, init containers first, in their order.
    pub containers: Vec<Container<'d>>,
    security_context: OnceCell<Result<SecurityContext<'d>, Malformed>>,
    volumes: Result<HashMap<Cow<'d, str>, Volume<'d>>, Malformed>,
}

impl<'d> Pod<'d> {
    /// Reads `node`, the value at `path`. What is wrong with single containers goes to `problems`.
    pub(super) fn read(
        object: &Object<'d>,
        node: Node<'d>,
        path: Path,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, Problem> {
        let template = Section::new(Some(node), path)?;
        let spec = template.section("spec")?;
        let Some(spec_node) = spec.node() else {
            return Err(Problem::missing(spec.path().clone(), node));
        };
        let mut containers = Vec::new();
        for kind in ContainerKind::LISTS {
            match spec.list(kind.list()) {
                Ok(list) => {
                    if list.is_empty() && kind == ContainerKind::Main {
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
        let volumes = volumes(object, &spec);
        Ok(Self {
            object: object.clone(),
            template,
            spec,
            containers,
            security_context: OnceCell::new(),
            volumes,
        })
    }

    /// The container that `reference` is about.
    pub fn container(&self, reference: &ContainerRef) -> Option<&Container<'d>> {
        let rank =
            |kind: ContainerKind| ContainerKind::LISTS.iter().position(|list| list.list() == kind.list());
        let wanted = (rank(reference.kind), reference.index);
        let found = self
            .containers
            .binary_search_by_key(&wanted, |container| (rank(container.kind), container.index));
        self.containers.get(found.ok()?)
    }

    /// The pod's `securityContext`, whose values hold for every container without an own one.
    pub fn security_context(&self) -> Result<&SecurityContext<'d>, Malformed> {
        known(&self.security_context, || SecurityContext::of(&self.spec))
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
        let mut mounts: HashMap<Cow<'d, str>, Vec<_>> = HashMap::new();
        for container in &self.containers {
            for mount in container.mounts()? {
                mounts.entry(mount.name.clone()).or_default().push((container, mount));
            }
        }
        let mut volumes = Vec::new();
        for section in self.spec.list("volumes")?.sections() {
            let section = section?;
            let name = section.text("name")?.unwrap_or_default();
            let mounts = mounts.remove(&name).unwrap_or_default();
            volumes.push(MountedVolume { section, name, mounts });
        }
        Ok(volumes)
    }

    /// Whether CCE may run the pod in Cloud Container Instance, which has no nodes of the cluster's own.
    pub fn bursts_to_cci(&self) -> bool {
        const LABEL: &str = "virtual-kubelet.io/burst-to-cci";
        let of = |owner: Option<Node<'d>>| owner?.get("metadata")?.get("labels")?.get(LABEL);
        [self.template.node(), Some(self.object.node)]
            .into_iter()
            .filter_map(of)
            .any(|value| value.is_text("auto") || value.is_text("enforce"))
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
    pub mounts: Vec<(&'p Container<'d>, Mount<'d>)>,
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

/// The volumes of the pod and the claims that its object makes for it.
fn volumes<'d>(
    object: &Object<'d>,
    spec: &Section<'d>,
) -> Result<HashMap<Cow<'d, str>, Volume<'d>>, Malformed> {
    let mut volumes = HashMap::new();
    for volume in spec.list("volumes")?.sections() {
        let volume = volume?;
        let name = volume.text("name")?.unwrap_or_default();
        let source = VolumeSource::of(&volume);
        volumes.entry(name).or_insert(Volume { section: Some(volume), source });
    }
    for (name, template) in object.claim_templates() {
        let source = VolumeSource::claim_template(template);
        volumes.entry(name).or_insert(Volume { section: None, source });
    }
    Ok(volumes)
}
