//! A `SecurityGroup` object of CCE Turbo for each workload, which binds it to a security group of the VPC.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{Generated, Subject, stream};
use crate::settings::Settings;

const COMMENT: &str = "\
Made by cce-fix. Binds the pods of each workload to a security group of the VPC, in CCE Turbo clusters from
1.19; other clusters do not know the kind. The group itself is yours: it needs an outbound rule with priority 1,
action deny, type IPv4, protocol and port TCP 5443, and the private address of the API server as destination.
A workload can be bound to at most five groups.";

pub(super) fn generate(subjects: &[&Subject], settings: &Settings) -> Option<Generated> {
    let id = settings.api_server_access.security_group.as_deref()?;
    let wanted = subjects.iter().filter(|subject| {
        !subject.has_host_network && !subject.labels.is_empty() && subject.needs_api_server.is_none()
    });
    let objects: Vec<SecurityGroup<'_>> = wanted.map(|subject| SecurityGroup::new(subject, id)).collect();
    let mut comment = COMMENT.to_owned();
    for subject in subjects {
        if let Some(reason) = &subject.needs_api_server {
            // Writing to a String cannot fail.
            let _ = write!(comment, "\n\n{}: left out, {reason}", subject.title());
        }
    }
    let text = stream(&comment, &objects);
    Some(Generated { name: "security-groups.yaml", text, is_program: false })
}

/// `SecurityGroup` of `crd.yangtse.cni/v1`, as CCE's page on security group policies shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityGroup<'s> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'s>,
    spec: Spec<'s>,
}

#[derive(Serialize)]
struct Metadata<'s> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'s str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'s> {
    pod_selector: PodSelector<'s>,
    security_groups: [Group<'s>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodSelector<'s> {
    match_labels: &'s BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Group<'s> {
    id: &'s str,
}

impl<'s> SecurityGroup<'s> {
    fn new(subject: &'s Subject, id: &'s str) -> Self {
        Self {
            api_version: "crd.yangtse.cni/v1",
            kind: "SecurityGroup",
            metadata: Metadata { name: subject.object_name(), namespace: subject.namespace.as_deref() },
            spec: Spec {
                pod_selector: PodSelector { match_labels: &subject.labels },
                security_groups: [Group { id }],
            },
        }
    }
}
