//! What the fixes of a run ask of a cluster beside the change itself: more cpu and memory, and objects made anew.

use std::array;

use transforms::model::Quantity;
use transforms::{AddedRequests, Copies, DocumentPlan};

/// The sums of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Requests that are new, of all pods that the objects make.
    replicas: Amounts,
    /// Requests that are new on each node.
    per_node: Amounts,
    /// Objects that the API server lets nothing change of.
    recreated: usize,
}

/// Of cpu and of memory.
type Amounts = [Quantity; 2];

impl Default for Demand {
    fn default() -> Self {
        let nothing = || array::from_fn(|_| Quantity::zero());
        Self { replicas: nothing(), per_node: nothing(), recreated: 0 }
    }
}

impl Demand {
    /// Counts what is planned for a document.
    pub fn count(&mut self, plan: &DocumentPlan) {
        for pod in &plan.pods {
            self.recreated += usize::from(pod.must_be_recreated());
            let AddedRequests { cpu, memory, copies } = &pod.added_requests;
            match copies {
                Copies::Number(number) => {
                    sum(&mut self.replicas, &[cpu.times(*number), memory.times(*number)]);
                }
                Copies::PerNode => sum(&mut self.per_node, &[cpu.clone(), memory.clone()]),
            }
        }
    }

    /// Adds what another part of the run counted.
    pub fn add(&mut self, other: &Self) {
        sum(&mut self.replicas, &other.replicas);
        sum(&mut self.per_node, &other.per_node);
        self.recreated += other.recreated;
    }

    /// What to say at the end, line by line.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let replicas = text(&self.replicas).map(|amounts| format!("{amounts} for all replicas"));
        let per_node = text(&self.per_node).map(|amounts| format!("{amounts} on each node for DaemonSets"));
        let requests: Vec<String> = replicas.into_iter().chain(per_node).collect();
        let requests = (!requests.is_empty()).then(|| format!("new requests: {}", requests.join(", ")));
        let recreated = match self.recreated {
            0 => None,
            1 => Some("1 object is a bare Pod or a Job, which".to_owned()),
            number => Some(format!("{number} objects are bare Pods or Jobs, which")),
        };
        let recreated = recreated
            .map(|objects| format!("{objects} the API server does not change: delete and create again"));
        requests.into_iter().chain(recreated)
    }
}

fn sum(own: &mut Amounts, other: &Amounts) {
    for (own, other) in own.iter_mut().zip(other).filter(|(_, other)| !other.is_zero()) {
        *own = own.plus(other);
    }
}

/// `500m cpu and 1Gi memory`; nothing for nothing.
fn text(amounts: &Amounts) -> Option<String> {
    let named = amounts.iter().zip(["cpu", "memory"]);
    let named = named.filter(|(amount, _)| !amount.is_zero());
    let parts: Vec<String> = named.map(|(amount, name)| format!("{amount} {name}")).collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use transforms::Settings;

    use super::*;
    use crate::engine::{self, Purpose};

    fn lines(texts: &[&str]) -> Vec<String> {
        let mut total = Demand::default();
        for text in texts {
            let examined =
                engine::examine(text.as_bytes(), Path::new("a.yaml"), &Settings::default(), Purpose::Count);
            total.add(&examined.counted.demand);
        }
        total.lines().collect()
    }

    const POD: &str = "{apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: r.io/a}]}}";
    const SET: &str = "{apiVersion: apps/v1, kind: KIND, spec: {replicas: 3, template: {spec: {containers: [{name: a, image: r.io/a}]}}}}";

    #[test]
    fn all_is_summed() {
        let deployment = SET.replace("KIND", "Deployment");
        let daemon_set = SET.replace("KIND", "DaemonSet");
        assert_eq!(
            lines(&[&deployment, &deployment]),
            ["new requests: 1500m cpu and 3Gi memory for all replicas"]
        );
        assert_eq!(
            lines(&[POD, &daemon_set]),
            [
                "new requests: 250m cpu and 512Mi memory for all replicas, 250m cpu and 512Mi memory on each node for DaemonSets",
                "1 object is a bare Pod or a Job, which the API server does not change: delete and create again",
            ]
        );
        assert_eq!(lines(&[POD, POD])[1].split(',').next(), Some("2 objects are bare Pods or Jobs"));
        assert_eq!(lines(&["{apiVersion: v1, kind: Service}"]), [] as [&str; 0]);
    }
}
