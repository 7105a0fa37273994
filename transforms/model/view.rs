//! A pod as it is, or as it will be once edits are made: what whole-pod judgements read.

use std::borrow::Cow;

use rewriter::{Path, View};

use super::container::ContainerKind;

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
}

impl<'v> PodView<'v> {
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
                },
            ));
        }
        let context = spec.and_then(|spec| spec.get("securityContext"));
        Self { is_template, containers, path, template, spec, context }
    }

    /// The value of `key` in `spec`.
    pub fn get(&self, key: &str) -> Option<View<'v>> {
        self.spec?.get(key)
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
        let metadata = self.template.get("metadata");
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
        extend(self.path.key("spec"), keys)
    }

    /// Where `keys` of the metadata stand.
    pub fn metadata_path(&self, keys: &[&str]) -> Path {
        let path = self.path.key("metadata");
        keys.iter().fold(path, |path, key| path.key((*key).to_owned()))
    }

    /// Where `keys` of a container stand or would stand.
    pub fn container_path(&self, container: &ContainerView<'_>, keys: &[&'static str]) -> Path {
        extend(self.path.key("spec").key(container.list.list()).index(container.index), keys)
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
        self.section.get(key)
    }

    /// The value of `key` in its `securityContext`.
    pub fn setting(&self, key: &str) -> Option<View<'v>> {
        self.context?.get(key)
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
        self.get("name").map_or(Cow::Borrowed(""), |name| name.text())
    }
}

fn extend(path: Path, keys: &[&'static str]) -> Path {
    keys.iter().fold(path, |path, key| path.key(*key))
}
