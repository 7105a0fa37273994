//! New files beside the manifests, for what no field of a pod can say. Made only where the configuration asks
//! for them, and never by changing what somebody wrote.

mod network_policy;
mod node_script;
mod security_group;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::automount_service_account_token::use_of_api;
use crate::evidence::Evidence;
use crate::model::Pod;
use crate::settings::{NetworkModel, Settings};

/// The address at which nodes and what runs on them read their own metadata.
pub const METADATA_ADDRESS: &str = "169.254.169.254";

/// A workload, as far as the generated files are about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The namespace, where one is written.
    pub namespace: Option<String>,
    /// `kind` of the object that holds the pod.
    pub kind: String,
    /// The name, where one is written.
    pub name: Option<String>,
    /// The labels of its pods, by which it is selected.
    pub labels: BTreeMap<String, String>,
    /// Whether its pods share the node's network, where no policy reaches them.
    pub has_host_network: bool,
    /// What shows that it talks to the API server.
    pub needs_api_server: Option<String>,
    /// A policy of somebody else that says where its pods may send to.
    pub egress_policy: Option<String>,
}

impl Subject {
    /// What the pod of an object is.
    pub(crate) fn of(pod: &Pod<'_>, evidence: &Evidence, has_host_network: bool) -> Self {
        let labels = pod.template.get("metadata").and_then(|metadata| metadata.get("labels"));
        let labels = labels.into_iter().flat_map(|labels| labels.entries());
        let mut subject = Self {
            namespace: pod.object.namespace().map(Into::into),
            kind: pod.object.kind.clone().into_owned(),
            name: pod.object.name().map(Into::into),
            labels: labels.map(|(key, value)| (key.text().into(), value.text().into())).collect(),
            has_host_network,
            // What cannot be understood may be a sign of use.
            needs_api_server: use_of_api(pod, evidence).unwrap_or_else(|malformed| Some(malformed.reason)),
            egress_policy: None,
        };
        let own = subject.object_name();
        let policy = evidence.egress_policy(subject.namespace.as_deref(), &subject.labels, &own);
        subject.egress_policy = policy.map(ToString::to_string);
        subject
    }

    /// `Deployment shop/web`, in one line.
    fn title(&self) -> String {
        let name = self.name.as_deref().unwrap_or("(no name)");
        line(&match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{name}", self.kind),
            None => format!("{} {name}", self.kind),
        })
    }

    /// A name for an object about it: a DNS subdomain, as Kubernetes wants names.
    fn object_name(&self) -> String {
        let name = format!("cce-fix-{}-{}", self.kind, self.name.as_deref().unwrap_or("unnamed"));
        let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let name: String = name
            .chars()
            .map(|letter| if legal(letter) { letter.to_ascii_lowercase() } else { '-' })
            .collect();
        name.chars().take(240).collect::<String>().trim_end_matches('-').to_owned()
    }
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Its name, without a folder.
    pub name: &'static str,
    /// What it holds.
    pub text: String,
    /// Whether it is a program.
    pub is_program: bool,
}

/// Whether the settings ask for files at all.
pub fn is_wanted(settings: &Settings) -> bool {
    let (api, metadata) = (&settings.api_server_access, &settings.metadata_access);
    api.network_policy
        || metadata.network_policy
        || api.security_group.is_some()
        || api.node_script.is_some()
        || metadata.node_script.is_some()
}

/// The files that the settings ask for, about these workloads.
pub fn generate(subjects: &[Subject], settings: &Settings) -> Vec<Generated> {
    let mut subjects: Vec<&Subject> = subjects.iter().collect();
    subjects.sort();
    subjects.dedup();
    [
        network_policy::generate(&subjects, settings),
        security_group::generate(&subjects, settings),
        node_script::generate(&subjects, settings),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the settings lack for a file that they ask for, with the key that is to be written.
pub fn missing(settings: &Settings) -> Option<&'static str> {
    let (api, metadata) = (&settings.api_server_access, &settings.metadata_access);
    let asks_for_address = api.network_policy || api.node_script.is_some();
    if asks_for_address && api.address.is_none() {
        return Some("`transforms.api-server-access.address`, the private address of the API server");
    }
    if api.node_script.is_some() && api.container_cidr.is_none() {
        return Some(
            "`transforms.api-server-access.container-cidr`, the addresses of the cluster's containers",
        );
    }
    if metadata.node_script.is_some() && metadata.container_cidr.is_none() {
        return Some(
            "`transforms.metadata-access.container-cidr`, the addresses of the cluster's containers",
        );
    }
    None
}

/// Text for a comment, which ends with its line: names come from anybody's files.
fn line(text: &str) -> String {
    text.replace(|letter: char| letter.is_control(), " ")
}

/// Objects as one YAML stream, behind a comment.
fn stream(comment: &str, objects: &[impl Serialize]) -> String {
    let lines = comment.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n");
    let mut text: String = lines.collect();
    for object in objects {
        text += "---\n";
        // Kubernetes' types and our own always serialise.
        text += &serde_yaml::to_string(object).unwrap_or_default();
    }
    text
}

/// The chain of `iptables` in which containers' packets pass, as CCE's pages name it for a network model.
pub(crate) fn chain(model: NetworkModel) -> &'static str {
    match model {
        NetworkModel::Vpc => "OUTPUT",
        NetworkModel::Tunnel => "FORWARD",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ApiServerAccess, MetadataAccess};

    fn subject(name: &str) -> Subject {
        Subject {
            namespace: Some("shop".into()),
            kind: "Deployment".into(),
            name: Some(name.into()),
            labels: [("app".to_owned(), name.to_owned())].into(),
            ..Subject::default()
        }
    }

    fn settings() -> Settings {
        Settings {
            api_server_access: ApiServerAccess {
                network_policy: true,
                address: "192.168.0.5".parse().ok(),
                node_script: Some(NetworkModel::Tunnel),
                container_cidr: "10.0.0.0/16".parse().ok(),
                security_group: Some("64566556-bd6f-48fb-b2c6-df8f44617953".into()),
            },
            metadata_access: MetadataAccess {
                network_policy: true,
                node_script: Some(NetworkModel::Vpc),
                container_cidr: "10.0.0.0/16".parse().ok(),
            },
            ..Settings::default()
        }
    }

    #[test]
    fn nothing_is_made_unasked() {
        assert!(!is_wanted(&Settings::default()));
        assert_eq!(generate(&[subject("web")], &Settings::default()), []);
    }

    #[test]
    fn what_is_lacking_is_named() {
        assert_eq!(missing(&settings()), None);
        let mut lacking = settings();
        lacking.api_server_access.address = None;
        assert!(missing(&lacking).is_some_and(|key| key.contains("address")));
        let mut lacking = settings();
        lacking.metadata_access.container_cidr = None;
        assert!(missing(&lacking).is_some_and(|key| key.contains("metadata-access.container-cidr")));
    }

    #[test]
    fn the_order_of_the_workloads_changes_nothing() {
        let (one, other) = ([subject("web"), subject("db")], [subject("db"), subject("web"), subject("db")]);
        assert_eq!(generate(&one, &settings()), generate(&other, &settings()));
        assert_eq!(generate(&one, &settings()).len(), 3);
    }

    #[test]
    fn names_are_legal() {
        let odd = Subject { name: Some(format!("{}_Ü.", "x".repeat(300))), ..subject("") };
        let name = odd.object_name();
        assert!(name.len() <= 253 && name.starts_with("cce-fix-deployment-x"), "{name}");
        assert_eq!(subject("web").object_name(), "cce-fix-deployment-web");
    }

    #[test]
    fn policies_cut_what_is_asked_for_and_nothing_else() {
        let client = Subject { needs_api_server: Some("it runs kubectl".into()), ..subject("operator") };
        let on_node = Subject { has_host_network: true, ..subject("agent") };
        let bare = Subject { labels: BTreeMap::new(), ..subject("bare") };
        let restricted = Some("NetworkPolicy `shop/deny\nall`".into());
        let restricted = Subject { egress_policy: restricted, ..subject("quiet") };
        let files = generate(&[subject("web"), client, on_node, bare, restricted], &settings());
        let text = &files[0].text;
        assert_eq!(text.matches("kind: NetworkPolicy").count(), 2, "{text}");
        assert!(
            text.contains("# Deployment shop/agent: left out, its pods are in the node's network"),
            "{text}"
        );
        assert!(text.contains("# Deployment shop/bare: left out, its pods have no labels"), "{text}");
        assert!(
            text.contains("# Deployment shop/quiet: left out, it would widen NetworkPolicy `shop/deny all`"),
            "{text}"
        );
        let (of_client, of_web) = text.split_once("app: operator").unwrap();
        assert!(of_client.contains("may still reach the API server: it runs kubectl"), "{text}");
        assert_eq!(of_web.matches("192.168.0.5/32").count(), 1, "{text}");
        assert_eq!(text.matches("169.254.169.254/32").count(), 2, "{text}");
    }

    #[test]
    fn a_name_cannot_leave_its_comment() {
        let hostile = Some("a\nreboot".to_owned());
        let hostile = Subject { name: hostile, needs_api_server: Some("x".into()), ..subject("a") };
        for file in generate(&[hostile], &settings()) {
            assert!(!file.text.lines().any(|line| line.trim() == "reboot"), "{}", file.text);
        }
    }
}
