//! A pod as it is, or as it will be once edits are made: what whole-pod judgements read.

use std::borrow::Cow;

use rewriter::{Node, Path, Step, View};

use super::container::{Container, ContainerKind};
use super::pod::Pod;
use super::section::Section;

/// A pod, or the template of one, read through a [`View`]: the same code judges it before and after a fix.
///
/// Nothing is checked on the way in; a value of a wrong kind reads as one that is not the wanted one.
#[derive(Clone, Debug)]
pub struct PodView<'v> {
    /// Whether it is the template of a workload, not a pod of its own.
    pub is_template: bool,
    /// The containers of all three lists, init containers first, in their order.
    pub containers: Vec<ContainerView<'v>>,
    path: &'v Path,
    template: View<'v>,
    spec: Option<View<'v>>,
    context: Option<View<'v>>,
    of_kind: Option<OfKind<'v, Pod<'v>>>,
}

/// A container of a [`PodView`].
#[derive(Clone, Copy, Debug)]
pub struct ContainerView<'v> {
    /// The list that it stands in; sidecars are not told from init containers.
    pub list: ContainerKind,
    /// Its number in its list, from zero, as the document is written.
    pub index: usize,
    section: View<'v>,
    context: Option<View<'v>>,
    of_kind: Option<OfKind<'v, Container<'v>>>,
}

/// A pod or container of a kind that is not quite a pod, and the object around it.
#[derive(Debug)]
struct OfKind<'v, T> {
    of: &'v T,
    object: View<'v>,
    object_path: &'v Path,
}

impl<T> Clone for OfKind<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for OfKind<'_, T> {}

impl<'v, T> OfKind<'v, T> {
    /// The value of `key` of `section`, which reads as `view`.
    fn get(&self, section: &Section<'v>, view: Option<View<'v>>, key: &str) -> Option<View<'v>> {
        self.own(section, view, key).or_else(|| section.default(key).map(View::from))
    }

    /// The same, where it is written for this one.
    fn own(&self, section: &Section<'v>, view: Option<View<'v>>, key: &str) -> Option<View<'v>> {
        let path = section.find(key)?;
        match path.steps().strip_prefix(section.path().steps()) {
            Some(steps) => follow(view?, steps),
            None => follow(self.object, path.steps().strip_prefix(self.object_path.steps())?),
        }
    }
}

fn follow<'v>(view: View<'v>, steps: &[Step]) -> Option<View<'v>> {
    steps.iter().try_fold(view, |view, step| match step {
        Step::Key(key) => view.get(key),
        Step::Index(index) => view.numbered_items().find(|(number, _)| number == index).map(|(_, item)| item),
    })
}

impl<'v> PodView<'v> {
    /// Reads `pod`, of which `view` shows the value at a path.
    pub fn of(pod: &'v Pod<'v>, view: impl Fn(Node<'v>, &Path) -> Option<View<'v>>) -> Option<Self> {
        let path = pod.template.path();
        let template = view(pod.template.node()?, path)?;
        let is_template = *path != pod.object.path;
        if pod.is_ordinary() {
            return Some(Self::new(template, path, is_template));
        }
        let object_path = &pod.object.path;
        let object = view(pod.object.node, object_path)?;
        let of_kind = OfKind { of: pod, object, object_path };
        let spec = pod.spec.node().and_then(|spec| view(spec, pod.spec.path()));
        let containers = pod.containers.iter().filter_map(|container| {
            let section = view(container.section.node()?, container.section.path())?;
            let list = ContainerKind::LISTS.into_iter().find(|list| list.list() == container.kind.list())?;
            let of_kind = OfKind { of: container, object, object_path };
            let context = of_kind.own(&container.section, Some(section), "securityContext");
            Some(ContainerView { list, index: container.index, section, context, of_kind: Some(of_kind) })
        });
        Some(Self {
            is_template,
            containers: containers.collect(),
            path,
            template,
            spec,
            context: of_kind.get(&pod.spec, spec, "securityContext"),
            of_kind: Some(of_kind),
        })
    }

    /// Reads `template`, the map with `metadata` and `spec`, which stands at `path`.
    pub fn new(template: View<'v>, path: &'v Path, is_template: bool) -> Self {
        let spec = template.get("spec");
        let mut containers = Vec::new();
        for list in ContainerKind::LISTS {
            let items = spec.and_then(|spec| spec.get(list.list()));
            containers.extend(items.into_iter().flat_map(|items| items.numbered_items()).map(
                |(index, section)| ContainerView {
                    list,
                    index,
                    section,
                    context: section.get("securityContext"),
                    of_kind: None,
                },
            ));
        }
        let context = spec.and_then(|spec| spec.get("securityContext"));
        Self { is_template, containers, path, template, spec, context, of_kind: None }
    }

    /// The value of `key` in `spec`.
    pub fn get(&self, key: &str) -> Option<View<'v>> {
        match &self.of_kind {
            Some(of_kind) => of_kind.get(&of_kind.of.spec, self.spec, key),
            None => self.spec?.get(key),
        }
    }

    /// The value of `key` in the pod's own `securityContext`.
    pub fn setting(&self, key: &str) -> Option<View<'v>> {
        self.context?.get(key)
    }

    /// Whether `key` in `spec` is true.
    pub fn is_true(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value.as_bool() == Some(true))
    }

    /// Whether the pod has user ids of its own (`hostUsers: false`).
    pub fn has_own_users(&self) -> bool {
        self.get("hostUsers").is_some_and(|value| value.as_bool() == Some(false))
    }

    /// Whether `os.name` says that it is for `system`.
    pub fn is_for(&self, system: &str) -> bool {
        let name = self.get("os").and_then(|os| os.get("name"));
        name.is_some_and(|name| name.is_text(system))
    }

    /// The items of the list `key` in `spec` with their numbers.
    pub fn list(&self, key: &str) -> impl Iterator<Item = (usize, View<'v>)> + use<'v> {
        self.get(key).into_iter().flat_map(|list| list.numbered_items())
    }

    /// The pod's annotations; one that is null counts, as it does for the API server.
    pub fn annotations(&self) -> impl Iterator<Item = (Cow<'v, str>, View<'v>)> + use<'v> {
        let metadata = match &self.of_kind {
            Some(of_kind) => of_kind.get(&of_kind.of.template, Some(self.template), "metadata"),
            None => self.template.get("metadata"),
        };
        let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
        annotations.into_iter().flat_map(|map| map.entries())
    }

    /// The values of `key` in the `securityContext` of the pod and of each container that has one.
    pub fn settings<'a>(
        &'a self,
        key: &'a str,
    ) -> impl Iterator<Item = (Option<&'a ContainerView<'v>>, View<'v>)> {
        let own = self.setting(key).map(|value| (None, value));
        let containers = self.containers.iter();
        own.into_iter()
            .chain(containers.filter_map(move |container| Some((Some(container), container.setting(key)?))))
    }

    /// Where `keys` of `spec` stand or would stand.
    pub fn path(&self, keys: &[&'static str]) -> Path {
        match &self.of_kind {
            Some(of_kind) => of_kind.of.spec.locate(keys).0,
            None => extend(self.path.key("spec"), keys),
        }
    }

    /// Where `keys` of the metadata stand.
    pub fn metadata_path(&self, keys: &[&str]) -> Path {
        let path = self.path.key("metadata");
        keys.iter().fold(path, |path, key| path.key((*key).to_owned()))
    }

    /// Where `keys` of a container stand or would stand.
    pub fn container_path(&self, container: &ContainerView<'_>, keys: &[&'static str]) -> Path {
        match &container.of_kind {
            Some(of_kind) => of_kind.of.section.locate(keys).0,
            None => extend(self.path.key("spec").key(container.list.list()).index(container.index), keys),
        }
    }

    /// Where `keys` of the `securityContext` of `owner` stand or would stand; of the pod's, where it is `None`.
    pub fn setting_path(&self, owner: Option<&ContainerView<'_>>, keys: &[&'static str]) -> Path {
        let context = match owner {
            Some(container) => self.container_path(container, &["securityContext"]),
            None => self.path(&["securityContext"]),
        };
        extend(context, keys)
    }
}

impl<'v> ContainerView<'v> {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<View<'v>> {
        match &self.of_kind {
            Some(of_kind) => of_kind.get(&of_kind.of.section, Some(self.section), key),
            None => self.section.get(key),
        }
    }

    /// The value of `key` in its `securityContext`.
    pub fn setting(&self, key: &str) -> Option<View<'v>> {
        let own = self.context.and_then(|context| context.get(key));
        own.or_else(|| {
            let context = self.of_kind?.of.section.default("securityContext")?;
            context.get(key).map(View::from)
        })
    }

    /// Whether `key` in its `securityContext` has this truth value.
    pub fn sets(&self, key: &str, value: bool) -> bool {
        self.setting(key).is_some_and(|setting| setting.as_bool() == Some(value))
    }

    /// The items of the list `key` with their numbers.
    pub fn list(&self, key: &str) -> impl Iterator<Item = (usize, View<'v>)> + use<'v> {
        self.get(key).into_iter().flat_map(|list| list.numbered_items())
    }

    /// The capabilities that the list `key` (`add` or `drop`) names, with their numbers.
    pub fn capabilities(&self, key: &str) -> impl Iterator<Item = (usize, View<'v>)> + use<'v> {
        let list = self.setting("capabilities").and_then(|capabilities| capabilities.get(key));
        list.into_iter().flat_map(|list| list.numbered_items())
    }

    /// Its name; empty where it has none.
    pub fn name(&self) -> Cow<'v, str> {
        match &self.of_kind {
            Some(of_kind) => of_kind.of.name(),
            None => self.get("name").map_or(Cow::Borrowed(""), |name| name.text()),
        }
    }
}

fn extend(path: Path, keys: &[&'static str]) -> Path {
    keys.iter().fold(path, |path, key| path.key(*key))
}
