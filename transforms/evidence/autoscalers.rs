//! Vertical pod autoscalers: whose requests are set by one.

use std::collections::BTreeMap;

use rewriter::Node;

use super::scoped::{Absorb, Witness};
use super::{Evidence, Objects};
use crate::model::{Container, Object};

/// What autoscalers do about one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Autoscaler {
    witness: Witness,
    /// What they set, by container; [`OTHERS`] for those that are not listed.
    containers: BTreeMap<String, Controlled>,
}

/// The name that stands for all containers without an entry of their own.
const OTHERS: &str = "*";

impl Absorb for Autoscaler {
    fn absorb(&mut self, other: Self) {
        self.witness.absorb(other.witness);
        self.containers.absorb(other.containers);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Controlled {
    cpu: bool,
    memory: bool,
}

impl Absorb for Controlled {
    fn absorb(&mut self, other: Self) {
        self.cpu |= other.cpu;
        self.memory |= other.memory;
    }
}

pub(super) fn read(objects: &mut Objects, object: &Object<'_>) {
    let spec = object.node.get("spec");
    let get = |path: [&str; 2]| path.iter().try_fold(spec?, |node, key| node.get(key));
    let only_recommends = get(["updatePolicy", "updateMode"]).is_some_and(|mode| is_off(mode));
    let (Some(kind), Some(name)) = (get(["targetRef", "kind"]), get(["targetRef", "name"])) else { return };
    if only_recommends {
        return;
    }
    let policies = get(["resourcePolicy", "containerPolicies"]);
    let mut containers: BTreeMap<String, Controlled> = policies
        .into_iter()
        .flat_map(|policies| policies.items())
        .filter_map(|policy| Some((policy.get("containerName")?.text().into_owned(), controlled(policy))))
        .collect();
    containers.entry(OTHERS.to_owned()).or_insert(Controlled { cpu: true, memory: true });
    let autoscaler = Autoscaler { witness: Witness::of(object), containers };
    let target = (kind.text().into_owned(), name.text().into_owned());
    objects.autoscalers.add(object.namespace().as_deref(), BTreeMap::from([(target, autoscaler)]));
}

/// Bare words that YAML 1.1 takes for truth values reach the API server as such, so both are looked for.
fn is_off(mode: Node<'_>) -> bool {
    mode.is_text("Off") || mode.as_bool() == Some(false)
}

fn controlled(policy: Node<'_>) -> Controlled {
    if policy.get("mode").is_some_and(is_off) {
        return Controlled { cpu: false, memory: false };
    }
    let resources = policy.get("controlledResources");
    let has = |name| resources.is_none_or(|list| list.items().any(|resource| resource.is_text(name)));
    Controlled { cpu: has("cpu"), memory: has("memory") }
}

impl Evidence {
    /// The autoscaler that may set this resource of a container of `object`.
    pub(crate) fn autoscaler(
        &self,
        object: &Object<'_>,
        container: &Container<'_>,
        resource: &str,
    ) -> Option<&Witness> {
        let key = (object.kind.clone().into_owned(), object.name()?.into_owned());
        let name = container.name();
        self.objects.autoscalers.possible(object.namespace().as_deref()).find_map(|by_target| {
            let Autoscaler { witness, containers } = by_target.get(&key)?;
            let controlled = containers.get(&*name).or_else(|| containers.get(OTHERS))?;
            let is_set = if resource == "cpu" { controlled.cpu } else { controlled.memory };
            is_set.then_some(witness)
        })
    }
}
