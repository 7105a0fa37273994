//! Whose pod it is: the cluster's own, a node agent, or an application.

use std::sync::OnceLock;

use serde::Deserialize;

use super::container::{Container, ContainerKind};
use super::object::Object;
use super::pod::Pod;
use super::security_context::SecurityContext;
use super::volume::{VolumeSource, covers};
use crate::images::Catalogue;
use crate::table::table;

/// Namespaces of the cluster itself.
const SYSTEM_NAMESPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Whether the cluster itself lives in the namespace.
pub fn is_system_namespace(namespace: &str) -> bool {
    SYSTEM_NAMESPACES.contains(&namespace)
}

/// One row of `addons.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Addon {
    name: String,
    namespace: Option<String>,
}

fn addons() -> &'static [Addon] {
    static ADDONS: OnceLock<Vec<Addon>> = OnceLock::new();
    ADDONS.get_or_init(|| table!("addons"))
}

/// The pattern of the CCE add-on that an object belongs to by its name.
pub fn addon(object: &Object<'_>) -> Option<&'static str> {
    let name = object.name()?;
    let namespace = object.namespace();
    let found = addons().iter().find(|addon| {
        let has_name = match addon.name.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == addon.name,
        };
        has_name && addon.namespace.as_deref().is_none_or(|wanted| namespace.as_deref() == Some(wanted))
    });
    found.map(|addon| addon.name.as_str())
}

/// Why the pod is taken for one that works on its node and needs the node's privileges.
pub fn is_node_agent(pod: &Pod<'_>, catalogue: &Catalogue) -> Option<String> {
    if pod.object.kind == "DaemonSet" {
        for key in ["hostNetwork", "hostPID", "hostIPC"] {
            if pod.shares(key) == Ok(true) {
                return Some(format!("a DaemonSet with `{key}`"));
            }
        }
        if pod.volumes().any(|(_, volume)| volume.source.is_host_path() && !volume.source.is_time_zone()) {
            return Some("a DaemonSet with `hostPath` volumes".to_owned());
        }
    }
    pod.containers
        .iter()
        .filter(|container| matches!(container.kind, ContainerKind::Main | ContainerKind::Sidecar))
        .find_map(|container| agent_signal(pod, container, catalogue))
}

/// Words in the names of images that take in the traffic of a whole cluster.
const INGRESS: [&str; 11] = [
    "ingress",
    "traefik",
    "contour",
    "envoy",
    "kong",
    "apisix",
    "emissary",
    "ambassador",
    "skipper",
    "gloo",
    "tyk",
];

/// The container that takes in traffic from outside of the cluster for others, by its image's name.
pub fn is_ingress_controller(pod: &Pod<'_>) -> Option<String> {
    let takes_in = |container: &&Container<'_>| {
        let image = container.image().unwrap_or_default();
        // A registry's name and a tag say nothing.
        let repository = image.split_once('/').map_or(&*image, |(_, rest)| rest);
        let repository = repository.split([':', '@']).next().unwrap_or_default().to_ascii_lowercase();
        let mut words = repository.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| INGRESS.contains(&word))
    };
    let mut main = pod.containers.iter().filter(|container| container.kind == ContainerKind::Main);
    main.find(takes_in).map(|container| container.name().into_owned())
}

fn agent_signal(pod: &Pod<'_>, container: &Container<'_>, catalogue: &Catalogue) -> Option<String> {
    let name = container.name();
    if container.image().is_some_and(|image| catalogue.is_node_agent(&image)) {
        return Some(format!("container `{name}` has the image of one"));
    }
    if container.security_context().and_then(SecurityContext::privileged) != Ok(Some(true)) {
        return None;
    }
    if container.has_volume_devices() {
        return Some(format!("container `{name}` is privileged and gets block devices"));
    }
    for mount in container.mounts().unwrap_or_default() {
        if mount.section.get("mountPropagation").is_some_and(|mode| mode.is_text("Bidirectional")) {
            return Some(format!("container `{name}` is privileged and mounts on the node"));
        }
        let source = pod.volume(&mount.name).ok().flatten().map(|volume| &volume.source);
        if matches!(source, Some(VolumeSource::HostPath(path)) if covers("/dev", path)) {
            return Some(format!("container `{name}` is privileged and mounts the node's devices"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use rewriter::Stream;

    use crate::model::Workloads;

    #[test]
    fn the_table_reads() {
        assert!(!super::addons().is_empty());
    }

    #[test]
    fn ingress_controllers_are_known_by_their_images() {
        let found = |image: &str| {
            let text =
                format!("apiVersion: v1\nkind: Pod\nspec: {{containers: [{{name: a, image: '{image}'}}]}}\n");
            let stream = Stream::scan(&text).unwrap();
            let workloads = Workloads::of(stream.document(0).unwrap());
            super::is_ingress_controller(&workloads.pods[0])
        };
        for image in ["traefik:v3", "registry.k8s.io/ingress-nginx/controller:v1", "k/nginx-ingress", "kong"]
        {
            assert_eq!(found(image).as_deref(), Some("a"), "{image}");
        }
        for image in ["nginx:traefik", "ingress.example.com/web", "kongregate/web", "a"] {
            assert_eq!(found(image), None, "{image}");
        }
    }
}
