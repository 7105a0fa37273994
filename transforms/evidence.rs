//! What the other documents of a run tell about a pod: who reaches it, what its account may do, what limits
//! its namespace sets, which of its fields an overlay sets.

mod accounts;
mod autoscalers;
mod limit_ranges;
mod namespaces;
mod network_policies;
mod overlays;
mod scoped;
mod services;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use rewriter::Document;

use crate::model::{Object, Workloads};
use crate::pod_security::Level;

use accounts::Accounts;
use autoscalers::Autoscaler;
use limit_ranges::LimitRanges;
use network_policies::Policies;
pub(crate) use overlays::Overlaid;
pub use overlays::Overlay;
pub(crate) use scoped::Witness;
use scoped::{Absorb, Scoped};
use services::Services;
pub(crate) use services::Target;

pub(crate) use limit_ranges::{Bounds, Certainty};

/// What the documents of a run tell about each other's pods.
///
/// Read from every document before the first one is planned. In which order they are read changes nothing.
/// An object that names no namespace may be in any, because many people name it only when they apply: what
/// speaks for leaving something counts wherever it could apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Shared, because every file that an overlay covers has evidence of its own beside it.
    objects: Arc<Objects>,
    overlays: Vec<Arc<Overlay>>,
}

/// What objects tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Objects {
    accounts: Scoped<Accounts>,
    services: Scoped<Services>,
    limit_ranges: Scoped<LimitRanges>,
    /// By kind and name of what they scale.
    autoscalers: Scoped<BTreeMap<(String, String), Autoscaler>>,
    namespaces: BTreeMap<String, Level>,
    network_policies: Scoped<Policies>,
}

impl Evidence {
    /// How the kinds that tell something end, so that text without one of them needs no look.
    pub const KINDS: [&str; 7] = [
        "Service",
        "ServiceAccount",
        "RoleBinding",
        "LimitRange",
        "VerticalPodAutoscaler",
        "Namespace",
        "NetworkPolicy",
    ];

    /// Adds what `document` tells.
    pub fn read(&mut self, document: Document<'_>) {
        for object in Workloads::of(document).objects {
            if let Some(read) = reader(&object) {
                read(Arc::make_mut(&mut self.objects), &object);
            }
        }
    }

    /// This evidence and the other.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        Arc::make_mut(&mut self.objects).absorb(Arc::unwrap_or_clone(other.objects));
        self.overlays.extend(other.overlays);
        self
    }

    /// This evidence for a file that `overlays` cover.
    #[must_use]
    pub fn with_overlays(&self, overlays: Vec<Arc<Overlay>>) -> Self {
        Self { objects: Arc::clone(&self.objects), overlays }
    }
}

impl Absorb for Objects {
    fn absorb(&mut self, other: Self) {
        let Self { accounts, services, limit_ranges, autoscalers, namespaces, network_policies } = other;
        self.accounts.absorb(accounts);
        self.services.absorb(services);
        self.limit_ranges.absorb(limit_ranges);
        self.autoscalers.absorb(autoscalers);
        self.namespaces.absorb(namespaces);
        self.network_policies.absorb(network_policies);
    }
}

/// What reads an object of this kind; `None` for kinds that tell nothing.
fn reader(object: &Object<'_>) -> Option<fn(&mut Objects, &Object<'_>)> {
    let group = object.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    Some(match (group, &*object.kind) {
        ("", "ServiceAccount") => accounts::read_account,
        (_, "RoleBinding" | "ClusterRoleBinding") => accounts::read_binding,
        ("", "Service") => services::read,
        ("", "LimitRange") => limit_ranges::read,
        ("autoscaling.k8s.io", "VerticalPodAutoscaler") => autoscalers::read,
        ("", "Namespace") => namespaces::read,
        ("networking.k8s.io", "NetworkPolicy") => network_policies::read,
        _ => return None,
    })
}
