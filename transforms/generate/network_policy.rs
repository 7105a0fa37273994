//! A `NetworkPolicy` for each workload that keeps it from the API server and from the node's metadata.

use std::fmt::Write as _;

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyPeer, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::{Generated, METADATA_ADDRESS, Subject, line, stream};
use crate::settings::Settings;

const COMMENT: &str = "\
Made by cce-fix. Keeps the pods of each workload from the addresses in `except`; all else stays reachable.

It has an effect only where the cluster enforces egress rules with address blocks: CCE standard clusters with
tunnel network from 1.23, and clusters with DataPlane V2. On others it does nothing, so check from inside a
container with `curl` before relying on it. Pods in the node's network are never reached by policies.
A policy adds to what other policies allow. Workloads whose egress a NetworkPolicy beside them restricts already
are left out; where one elsewhere does, or one of another kind, leave theirs out by hand.";

pub(super) fn generate(subjects: &[&Subject], settings: &Settings) -> Option<Generated> {
    let (api, metadata) = (&settings.api_server_access, &settings.metadata_access);
    let api_server = api.address.filter(|_| api.network_policy).map(|address| format!("{address}/32"));
    let metadata = metadata.network_policy.then(|| format!("{METADATA_ADDRESS}/32"));
    if api_server.is_none() && metadata.is_none() {
        return None;
    }
    let mut comment = COMMENT.to_owned();
    let mut policies = Vec::new();
    for subject in subjects {
        let title = subject.title();
        let mut note = |text: &str| {
            // Writing to a String cannot fail.
            let _ = write!(comment, "\n\n{title}: {text}");
        };
        if subject.has_host_network {
            note("left out, its pods are in the node's network");
            continue;
        }
        if subject.labels.is_empty() {
            note("left out, its pods have no labels to select them by");
            continue;
        }
        if let Some(policy) = &subject.egress_policy {
            note(&format!("left out, it would widen {}, which restricts its egress already", line(policy)));
            continue;
        }
        let api_server = match (&api_server, &subject.needs_api_server) {
            (Some(_), Some(reason)) => {
                note(&format!("may still reach the API server: {reason}"));
                None
            }
            (address, _) => address.clone(),
        };
        let except: Vec<String> = metadata.iter().cloned().chain(api_server).collect();
        if !except.is_empty() {
            policies.push(policy(subject, except));
        }
    }
    let text = stream(&comment, &policies);
    Some(Generated { name: "network-policies.yaml", text, is_program: false })
}

fn policy(subject: &Subject, except: Vec<String>) -> NetworkPolicy {
    let block = |cidr: &str, except: Option<Vec<String>>| NetworkPolicyPeer {
        ip_block: Some(IPBlock { cidr: cidr.to_owned(), except }),
        ..Default::default()
    };
    // Not every network plugin counts pods among the addresses of a block; without this, DNS would be cut.
    let every_pod =
        NetworkPolicyPeer { namespace_selector: Some(LabelSelector::default()), ..Default::default() };
    let peers = [every_pod, block("0.0.0.0/0", Some(except)), block("::/0", None)];
    let rule = |peer| NetworkPolicyEgressRule { to: Some(vec![peer]), ..Default::default() };
    NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(subject.object_name()),
            namespace: subject.namespace.clone(),
            ..Default::default()
        },
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(subject.labels.clone()),
                ..Default::default()
            }),
            policy_types: Some(vec!["Egress".to_owned()]),
            egress: Some(peers.into_iter().map(rule).collect()),
            ..Default::default()
        }),
    }
}
