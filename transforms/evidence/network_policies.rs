//! Network policies: which pods somebody keeps from sending wherever they like.

use std::collections::{BTreeMap, BTreeSet};

use rewriter::Node;

use super::scoped::Witness;
use super::{Evidence, Objects};
use crate::model::Object;

/// The policies of a namespace that say where pods may send to.
pub(super) type Policies = BTreeSet<Policy>;

/// A policy for egress.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Policy {
    witness: Witness,
    name: Option<String>,
    /// What a pod's labels have to fulfil, all of it; nothing selects every pod.
    requirements: BTreeSet<Requirement>,
}

/// One line of a label selector.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Requirement {
    key: String,
    operator: Operator,
    values: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Requirement {
    fn is_fulfilled(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

pub(super) fn read(objects: &mut Objects, object: &Object<'_>) {
    let Some(spec) = object.node.get("spec") else { return };
    // Without types, a policy is about egress where it has rules for it.
    let is_for_egress = match spec.get("policyTypes").map(|types| types.items()) {
        Some(mut types) => types.any(|kind| kind.is_text("Egress")),
        None => spec.get("egress").is_some(),
    };
    if !is_for_egress {
        return;
    }
    let policy = Policy {
        witness: Witness::of(object),
        name: object.name().map(Into::into),
        requirements: spec.get("podSelector").map(requirements).unwrap_or_default(),
    };
    objects.network_policies.add(object.namespace().as_deref(), BTreeSet::from([policy]));
}

fn requirements(selector: Node<'_>) -> BTreeSet<Requirement> {
    let labels = selector.get("matchLabels").into_iter().flat_map(|labels| labels.entries());
    let labels = labels.map(|(key, value)| Requirement {
        key: key.text().into_owned(),
        operator: Operator::In,
        values: BTreeSet::from([value.text().into_owned()]),
    });
    let expressions = selector.get("matchExpressions").into_iter().flat_map(|items| items.items());
    // A line that cannot be understood selects every pod, so that a policy is rather seen than missed.
    labels.chain(expressions.filter_map(requirement)).collect()
}

fn requirement(expression: Node<'_>) -> Option<Requirement> {
    let operator = match &*expression.get("operator")?.as_str()? {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        _ => return None,
    };
    let values = expression.get("values").into_iter().flat_map(|values| values.items());
    Some(Requirement {
        key: expression.get("key")?.as_str()?.into_owned(),
        operator,
        values: values.map(|value| value.text().into_owned()).collect(),
    })
}

impl Evidence {
    /// A policy of the run, other than `own`, that says where pods with these labels may send to.
    pub(crate) fn egress_policy(
        &self,
        namespace: Option<&str>,
        labels: &BTreeMap<String, String>,
        own: &str,
    ) -> Option<&Witness> {
        let selects = |policy: &&Policy| {
            policy.name.as_deref() != Some(own)
                && policy.requirements.iter().all(|requirement| requirement.is_fulfilled(labels))
        };
        let policies = self.objects.network_policies.possible(namespace).flatten();
        policies.filter(selects).map(|policy| &policy.witness).min()
    }
}
