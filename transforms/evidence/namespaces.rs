//! Namespaces: which level of the Pod Security Standards they enforce.

use super::scoped::Absorb;
use super::{Evidence, Objects};
use crate::model::Object;
use crate::pod_security::Level;

/// Of two that a run describes differently, the stricter one.
impl Absorb for Level {
    fn absorb(&mut self, other: Self) {
        *self = (*self).max(other);
    }
}

const LABEL: &str = "pod-security.kubernetes.io/enforce";

pub(super) fn read(objects: &mut Objects, object: &Object<'_>) {
    let labels = object.node.get("metadata").and_then(|metadata| metadata.get("labels"));
    let level = match labels.and_then(|labels| labels.get(LABEL)).map(|level| level.text()).as_deref() {
        Some("privileged") => Level::Privileged,
        Some("baseline") => Level::Baseline,
        Some("restricted") => Level::Restricted,
        _ => return,
    };
    if let Some(name) = object.name() {
        objects.namespaces.absorb([(name.into_owned(), level)].into());
    }
}

impl Evidence {
    /// The level that a namespace of the run enforces.
    pub fn enforced(&self, namespace: &str) -> Option<Level> {
        self.objects.namespaces.get(namespace).copied()
    }
}
