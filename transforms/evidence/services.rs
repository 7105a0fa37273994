//! Services: at which ports a pod is reached.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rewriter::Node;

use super::scoped::{Absorb, Witness};
use super::{Evidence, Objects};
use crate::model::{Object, Pod};

/// The services of a namespace, so that a pod finds those that select it by its labels.
///
/// By the first key of the selector, then all keys, then the values: a few keys are used again and again, so
/// that a pod tries a few lists of keys, whatever the number of services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Services {
    by_first_key: BTreeMap<String, ByKeys>,
}

type ByKeys = BTreeMap<Vec<String>, BTreeMap<Vec<String>, Ports>>;

impl Absorb for Services {
    fn absorb(&mut self, other: Self) {
        self.by_first_key.absorb(other.by_first_key);
    }
}

/// At which ports of a pod its services reach it, as far as somebody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ports {
    /// Below 1024.
    low: BTreeMap<i64, Witness>,
    /// Where the service itself listens on port 22.
    ssh: BTreeMap<Target, Witness>,
}

impl Absorb for Ports {
    fn absorb(&mut self, other: Self) {
        self.low.absorb(other.low);
        self.ssh.absorb(other.ssh);
    }
}

/// A port of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// By number.
    Number(i64),
    /// By the name that a container gives it.
    Name(String),
}

/// The port for logins over SSH.
const SSH: i64 = 22;

pub(super) fn read(objects: &mut Objects, object: &Object<'_>) {
    let Some(spec) = object.node.get("spec") else { return };
    let selector: BTreeMap<String, String> = spec
        .get("selector")
        .into_iter()
        .flat_map(|selector| selector.entries())
        .map(|(key, value)| (key.text().into_owned(), value.text().into_owned()))
        .collect();
    let ports = ports(spec, &Witness::of(object));
    // Without a selector somebody else says where the service leads.
    let Some(first) = selector.keys().next().filter(|_| ports != Ports::default()) else { return };
    let first = first.clone();
    let (keys, values): (Vec<String>, Vec<String>) = selector.into_iter().unzip();
    let by_keys = BTreeMap::from([(keys, BTreeMap::from([(values, ports)]))]);
    let services = Services { by_first_key: BTreeMap::from([(first, by_keys)]) };
    objects.services.add(object.namespace().as_deref(), services);
}

fn ports(spec: Node<'_>, witness: &Witness) -> Ports {
    let mut ports = Ports::default();
    for port in spec.get("ports").into_iter().flat_map(|ports| ports.items()) {
        let own = port.get("port").and_then(|port| port.as_integer());
        let target = match port.get("targetPort") {
            Some(target) => target.as_integer().map_or_else(
                || target.as_str().map(|name| Target::Name(name.into_owned())),
                |number| Some(Target::Number(number)),
            ),
            None => own.map(Target::Number),
        };
        let Some(target) = target else { continue };
        if let Target::Number(number @ 1..1024) = target {
            ports.low.insert(number, witness.clone());
        }
        if own == Some(SSH) || target == Target::Number(SSH) {
            ports.ssh.insert(target, witness.clone());
        }
    }
    ports
}

impl Evidence {
    /// The ports below 1024 at which a service reaches the pod.
    pub(crate) fn low_ports(&self, pod: &Pod<'_>) -> BTreeMap<i64, &Witness> {
        self.ports(pod).flat_map(|ports| &ports.low).map(|(port, witness)| (*port, witness)).collect()
    }

    /// Where a service at port 22 leads in the pod.
    pub(crate) fn ssh_targets(&self, pod: &Pod<'_>) -> BTreeMap<Target, &Witness> {
        self.ports(pod).flat_map(|ports| &ports.ssh).map(|(port, witness)| (port.clone(), witness)).collect()
    }

    fn ports(&self, pod: &Pod<'_>) -> impl Iterator<Item = &Ports> {
        let labels: BTreeMap<Cow<'_, str>, Cow<'_, str>> = pod
            .template
            .get("metadata")
            .and_then(|metadata| metadata.get("labels"))
            .into_iter()
            .flat_map(|labels| labels.entries())
            .map(|(key, value)| (key.text(), value.text()))
            .collect();
        let mut found = Vec::new();
        for services in self.objects.services.possible(pod.object.namespace().as_deref()) {
            for by_keys in labels.keys().filter_map(|key| services.by_first_key.get(&**key)) {
                for (keys, by_values) in by_keys {
                    let values: Option<Vec<String>> =
                        keys.iter().map(|key| Some(labels.get(&**key)?.clone().into_owned())).collect();
                    found.extend(values.and_then(|values| by_values.get(&values)));
                }
            }
        }
        found.into_iter()
    }
}
