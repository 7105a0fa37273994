//! Whether pods can reach the metadata of their nodes.

use crate::api_server_access::{files, node_rules, out_of_reach};
use crate::context::Context;
use crate::generate::METADATA_ADDRESS;
use crate::model::Malformed;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// The address 169.254.169.254 tells whoever asks from a container what the node was started with:
    /// its network, its user data, and the keys that stand in there.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    /// ```
    ///
    /// No field of a pod keeps it from there. What does is a rule on the nodes, or a `NetworkPolicy` where the
    /// cluster enforces rules for outgoing traffic; CCE clusters with VPC network do not, unless they were
    /// created with `DataPlane V2`. So this is advice: the commands to run, with what is configured filled in.
    /// With `network-policy` or `node-script` configured, policies and a script are written as new files.
    ///
    /// ## Safety
    ///
    /// Manifests are never changed, and the advice never counts as left. A rule on a node may keep the ECS
    /// console from changing the node's password, so it is tried on one node first.
    pub(crate) struct MetadataAccess {
        id: "metadata-access",
        title: "the pod can read its node's metadata",
        category: Category::Network,
        severity: Severity::Medium,
        pages: &["Forbidding Containers to Obtain Host Machine Metadata"],
        pod_security: &[],
        profiles: &[],
        on_windows: true,
        since: "0.1.0",
    }
}

impl Transform for MetadataAccess {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let outcome = advice(cx).map(Outcome::stays);
        Vec::from_iter(cx.of_pod(&Self::META, &[], &cx.pod.containers, outcome))
    }
}

fn advice(cx: &Context<'_, '_>) -> Result<String, Malformed> {
    if let Some(why) = out_of_reach(cx, METADATA_ADDRESS)? {
        return Ok(why);
    }
    let settings = &cx.settings.metadata_access;
    let rules = node_rules(settings.node_script, settings.container_cidr, METADATA_ADDRESS);
    let files = files(MetadataAccess::META.id, settings.network_policy, settings.node_script.is_some());
    Ok(format!(
        "run on each node {rules}, and write it to `/etc/rc.local`; try it on one node first, since the ECS console \
         may then fail to change the node's password; check in a container with `curl \
         {METADATA_ADDRESS}/openstack/latest/meta_data.json` and `curl \
         {METADATA_ADDRESS}/openstack/latest/user_data`; {files}"
    ))
}

#[cfg(test)]
mod tests {
    use crate::settings::NetworkModel;
    use crate::test::{findings, only, pod};
    use crate::{Settings, State};

    const ID: &str = "metadata-access";

    fn told(settings: &Settings, rest: &str) -> String {
        let found = findings(settings, &pod(&format!("containers: [{{name: a, image: r.io/a}}]\n{rest}")));
        match found.as_slice() {
            [judged] => match &judged.state {
                State::Left(left) if !left.needs_person => left.reason.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:#?}"),
        }
    }

    #[test]
    fn the_commands_are_those_of_the_pages() {
        let advice = told(&only(ID), "");
        for command in [
            "`iptables -I OUTPUT -s CONTAINER_CIDR -d 169.254.169.254 -j REJECT` with VPC network",
            "`iptables -I FORWARD -s CONTAINER_CIDR -d 169.254.169.254 -j REJECT` with tunnel network",
            "`curl 169.254.169.254/openstack/latest/meta_data.json`",
            "`curl 169.254.169.254/openstack/latest/user_data`",
        ] {
            assert!(advice.contains(command), "{command} is not in {advice}");
        }
        let mut settings = only(ID);
        settings.metadata_access.container_cidr = "10.0.0.0/16".parse().ok();
        settings.metadata_access.node_script = Some(NetworkModel::Vpc);
        let advice = told(&settings, "");
        assert!(advice.contains("-I OUTPUT -s 10.0.0.0/16") && !advice.contains("FORWARD"), "{advice}");
    }

    #[test]
    fn the_nodes_network_is_out_of_reach() {
        assert!(told(&only(ID), "hostNetwork: true").contains("in the node's network"));
    }
}
