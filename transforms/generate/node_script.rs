//! The pages' `iptables` rules as a script for nodes.

use std::fmt::Write as _;

use super::{Generated, METADATA_ADDRESS, Subject, chain};
use crate::settings::Settings;

const TEMPLATE: &str = include_str!("node-rules.sh");

pub(super) fn generate(subjects: &[&Subject], settings: &Settings) -> Option<Generated> {
    let (api, metadata) = (&settings.api_server_access, &settings.metadata_access);
    let mut rules = String::new();
    let mut checks = String::new();
    if let (Some(model), Some(cidr), Some(address)) = (api.node_script, api.container_cidr, api.address) {
        // Writing to a String cannot fail.
        let _ = writeln!(rules, "{} {cidr} {address}", chain(model));
        let _ = writeln!(checks, "curl -k https://{address}:5443");
    }
    if let (Some(model), Some(cidr)) = (metadata.node_script, metadata.container_cidr) {
        let _ = writeln!(rules, "{} {cidr} {METADATA_ADDRESS}", chain(model));
        for document in ["meta_data.json", "user_data"] {
            let _ = writeln!(checks, "curl {METADATA_ADDRESS}/openstack/latest/{document}");
        }
    }
    if rules.is_empty() {
        return None;
    }
    let clients: String = subjects
        .iter()
        .filter(|_| api.node_script.is_some())
        .filter_map(|subject| {
            let reason = subject.needs_api_server.as_ref()?;
            Some(format!("#   {}: {reason}\n", subject.title()))
        })
        .collect();
    let clients = if clients.is_empty() { "#   none that shows it\n".to_owned() } else { clients };
    let text = TEMPLATE
        .replace("# @CLIENTS@\n", &clients)
        .replace("@RULES@\n", &rules)
        .replace("@CHECKS@\n", &checks);
    Some(Generated { name: "node-rules.sh", text, is_program: true })
}
