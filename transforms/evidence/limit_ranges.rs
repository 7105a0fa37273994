//! Limit ranges: what a namespace gives containers that ask for nothing, and what it refuses.

use std::collections::BTreeMap;

use rewriter::Node;

use super::scoped::{Absorb, Witness};
use super::{Evidence, Objects};
use crate::model::{Object, Quantity};

/// What the limit ranges of a namespace say, by resource.
pub(super) type LimitRanges = BTreeMap<String, Bounds>;

/// What limit ranges say about one resource. Of several, the strictest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) witness: Witness,
    /// The limit that a container without one gets.
    pub(crate) default_limit: Option<Quantity>,
    pub(crate) min: Option<Quantity>,
    pub(crate) max: Option<Quantity>,
    /// How many times its request a limit may be, in thousandths.
    pub(crate) ratio: Option<u32>,
    /// What bounds the sum of a pod's containers too.
    pub(crate) of_pod: Option<Witness>,
}

impl Absorb for Bounds {
    fn absorb(&mut self, other: Self) {
        fn pick<T: Ord>(own: &mut Option<T>, other: Option<T>, better: fn(T, T) -> T) {
            *own = match (own.take(), other) {
                (Some(own), Some(other)) => Some(better(own, other)),
                (own, other) => own.or(other),
            };
        }
        self.witness.absorb(other.witness);
        pick(&mut self.default_limit, other.default_limit, Ord::min);
        pick(&mut self.min, other.min, Ord::max);
        pick(&mut self.max, other.max, Ord::min);
        pick(&mut self.ratio, other.ratio, Ord::min);
        self.of_pod.absorb(other.of_pod);
    }
}

/// Whether limit ranges surely hold for a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// Both name the same namespace, or none.
    Sure,
    /// One of them names none.
    Possible,
}

pub(super) fn read(objects: &mut Objects, object: &Object<'_>) {
    let limits = object.node.get("spec").and_then(|spec| spec.get("limits"));
    for item in limits.into_iter().flat_map(|limits| limits.items()) {
        let is_type = |text| item.get("type").is_some_and(|value| value.is_text(text));
        let of_pod = is_type("Pod");
        if of_pod || is_type("Container") {
            let bounds = ["cpu", "memory"].into_iter().filter_map(|resource| {
                Some((resource.to_owned(), bounds(item, resource, of_pod, Witness::of(object))?))
            });
            objects.limit_ranges.add(object.namespace().as_deref(), bounds.collect());
        }
    }
}

/// What one item says about a resource, if anything.
fn bounds(item: Node<'_>, resource: &str, of_pod: bool, witness: Witness) -> Option<Bounds> {
    let amount = |key: &str| Quantity::of(item.get(key)?.get(resource)?);
    let ratio = amount("maxLimitRequestRatio").and_then(|ratio| ratio.thousandths());
    let (default, min, max) = (amount("default"), amount("min"), amount("max"));
    if default.is_none() && min.is_none() && max.is_none() && ratio.is_none() {
        return None;
    }
    Some(if of_pod {
        let of_pod = Some(witness.clone());
        Bounds { witness, default_limit: None, min: None, max: None, ratio: None, of_pod }
    } else {
        // The API server takes the largest limit that it admits for a default that is not written.
        Bounds { witness, default_limit: default.or_else(|| max.clone()), min, max, ratio, of_pod: None }
    })
}

impl Evidence {
    /// What the limit ranges of the run say about a resource of the pods of a namespace.
    pub(crate) fn bounds(&self, namespace: Option<&str>, resource: &str) -> Option<(Bounds, Certainty)> {
        let limit_ranges = &self.objects.limit_ranges;
        if let Some(bounds) = limit_ranges.same(namespace).and_then(|bounds| bounds.get(resource)) {
            return Some((bounds.clone(), Certainty::Sure));
        }
        let mut possible = limit_ranges.possible(namespace).filter_map(|bounds| bounds.get(resource));
        Some((possible.next()?.clone(), Certainty::Possible))
    }
}
