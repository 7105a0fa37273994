//! Whether pods can reach the API server.

use crate::context::Context;
use crate::generate::chain;
use crate::model::Malformed;
use crate::settings::NetworkModel;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// Whoever is in a container can talk to the API server, with the pod's token or without, and try what
    /// it lets through.
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
    /// No field of a pod keeps it from there. What does is a rule on the nodes, in the security group of a CCE
    /// Turbo cluster, or a `NetworkPolicy` where the cluster enforces rules for outgoing traffic; CCE clusters
    /// with VPC network do not, unless they were created with `DataPlane V2`. So this is advice: the commands to
    /// run, with the addresses that are configured filled in. With `network-policy`, `node-script` or
    /// `security-group` configured, policies, a script and a security group's binding are written as new files.
    ///
    /// ## Safety
    ///
    /// Manifests are never changed, and the advice never counts as left. A rule on a node holds for every pod on
    /// it: an add-on such as CCE Advanced HPA, an operator, or whatever else uses the API server stops working
    /// there.
    pub(crate) struct ApiServerAccess {
        id: "api-server-access",
        title: "the pod can reach the API server",
        category: Category::Network,
        severity: Severity::Medium,
        pages: &[
            "Restricting Service Container Access to the Management Plane",
            "Restricting the Access of Containers to the Management Plane",
        ],
        pod_security: &[],
        profiles: &[],
        on_windows: true,
        since: "0.1.0",
    }
}

/// Which of the files that do it are written, and by which keys of the configuration others would be.
pub(crate) fn files(id: &str, has_policy: bool, has_script: bool) -> String {
    let policy = "a policy, which holds where the cluster enforces rules for outgoing traffic";
    match (has_policy, has_script) {
        (true, true) => format!("written as configured: {policy}, and a script with the commands"),
        (true, false) => {
            format!("written as configured: {policy}; `{id}.node-script` gives a script with the commands")
        }
        (false, true) => {
            format!("written as configured: a script with the commands; `{id}.network-policy` gives {policy}")
        }
        (false, false) => format!(
            "`{id}.network-policy` in the configuration gives {policy}, `{id}.node-script` a script with the commands"
        ),
    }
}

/// The port of the API server's private address.
const PORT: u16 = 5443;

impl Transform for ApiServerAccess {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let outcome = advice(cx).map(Outcome::stays);
        Vec::from_iter(cx.of_pod(&Self::META, &[], &cx.pod.containers, outcome))
    }
}

fn advice(cx: &Context<'_, '_>) -> Result<String, Malformed> {
    let settings = &cx.settings.api_server_access;
    let address = settings.address.map_or_else(|| "API_SERVER".to_owned(), |address| address.to_string());
    if let Some(why) = out_of_reach(cx, &format!("the API server ({address}:{PORT})"))? {
        return Ok(why);
    }
    let rules = node_rules(settings.node_script, settings.container_cidr, &address);
    let files = files(ApiServerAccess::META.id, settings.network_policy, settings.node_script.is_some());
    let need = match cx.pod.spec.text("serviceAccountName")?.as_deref() {
        None | Some("" | "default") => "",
        Some(_) => "; it has a service account of its own, so it may need the API server",
    };
    Ok(format!(
        "where nothing on a node needs the API server, run there {rules}, and write it to `/etc/rc.local`; on CCE Turbo, deny TCP \
         {PORT} to {address} in the outbound rules of the security group `CLUSTER-cce-eni-ID`; check in a container \
         with `curl -k https://{address}:{PORT}`; {files}{need}"
    ))
}

/// What is to be said about a pod that no rule keeps from `goal`; nothing about others.
pub(crate) fn out_of_reach(cx: &Context<'_, '_>, goal: &str) -> Result<Option<String>, Malformed> {
    let why = "the pod is in the node's network, where no policy and no rule about the containers' addresses keeps it";
    Ok(cx.has_host_network()?.then(|| format!("{why} from {goal}")))
}

/// The commands of the pages that keep containers from `address`, for the network model that is configured or
/// for both.
pub(crate) fn node_rules(
    model: Option<NetworkModel>,
    containers: Option<impl ToString>,
    address: &str,
) -> String {
    let containers = containers.map_or_else(|| "CONTAINER_CIDR".to_owned(), |cidr| cidr.to_string());
    let rule = |model| format!("`iptables -I {} -s {containers} -d {address} -j REJECT`", chain(model));
    match model {
        Some(model) => rule(model),
        None => format!(
            "{} with VPC network, {} with tunnel network",
            rule(NetworkModel::Vpc),
            rule(NetworkModel::Tunnel)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{findings, only, pod};
    use crate::{Settings, State};

    const ID: &str = "api-server-access";

    /// The advice about a pod with two containers; it is one, and needs nobody.
    fn told(settings: &Settings, rest: &str) -> String {
        let text =
            pod(&format!("containers: [{{name: a, image: r.io/a}}, {{name: b, image: r.io/b}}]\n{rest}"));
        let found = findings(settings, &text);
        let [judged] = found.as_slice() else { panic!("{found:#?}") };
        assert_eq!(judged.finding.containers().count(), 2);
        match &judged.state {
            State::Left(left) if !left.needs_person => left.reason.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_commands_are_those_of_the_pages() {
        let advice = told(&only(ID), "");
        for command in [
            "`iptables -I OUTPUT -s CONTAINER_CIDR -d API_SERVER -j REJECT` with VPC network",
            "`iptables -I FORWARD -s CONTAINER_CIDR -d API_SERVER -j REJECT` with tunnel network",
            "deny TCP 5443 to API_SERVER",
            "`curl -k https://API_SERVER:5443`",
            "`/etc/rc.local`",
        ] {
            assert!(advice.contains(command), "{command} is not in {advice}");
        }
        assert!(!advice.contains("service account"), "{advice}");
    }

    #[test]
    fn what_is_configured_is_filled_in() {
        let mut settings = only(ID);
        settings.api_server_access.address = "192.168.0.5".parse().ok();
        settings.api_server_access.container_cidr = "10.0.0.0/16".parse().ok();
        settings.api_server_access.node_script = Some(NetworkModel::Tunnel);
        let advice = told(&settings, "");
        assert!(advice.contains("`iptables -I FORWARD -s 10.0.0.0/16 -d 192.168.0.5 -j REJECT`"), "{advice}");
        assert!(advice.contains("https://192.168.0.5:5443") && !advice.contains("OUTPUT"), "{advice}");
    }

    #[test]
    fn what_the_pod_is_changes_the_advice() {
        assert!(told(&only(ID), "hostNetwork: true").contains("in the node's network"));
        assert!(told(&only(ID), "serviceAccountName: operator").contains("a service account of its own"));
        assert!(!told(&only(ID), "serviceAccountName: default").contains("service account"));
    }
}
