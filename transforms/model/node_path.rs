//! The table of paths of a node that lead further than a container should get.

use std::sync::OnceLock;

use serde::Deserialize;

use super::volume::normal;
use crate::support::Severity;
use crate::table::table;

/// One row of `host_paths.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodePath {
    path: String,
    /// Whether it is about the path alone, not about what lies below it.
    #[serde(default)]
    exactly: bool,
    /// Which transform reports it.
    #[serde(default)]
    pub rule: NodePathRule,
    /// How much an attacker gains by it.
    pub severity: Severity,
    /// What that is.
    pub why: String,
    /// What a person does instead, where there is something better than another kind of volume.
    pub instead: Option<String>,
    /// Evidence.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by people, and by the test that it is there"))]
    source: String,
}

/// The transforms that report paths of the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodePathRule {
    /// Any path of the node.
    #[default]
    HostPath,
    /// The sockets of container runtimes.
    RuntimeSocket,
    /// What logs in to the cluster.
    HostKubeconfig,
}

impl NodePath {
    /// The row that speaks about `path`; `None` for a path that leads nowhere in particular.
    pub fn of(path: &str) -> Option<&'static Self> {
        let path = normal(path);
        rows().iter().find(|row| row.matches(&path))
    }

    /// Whether something that `rule` reports is at `path`, above it or below it.
    pub fn is_reached(rule: NodePathRule, path: &str) -> bool {
        let path = normal(path);
        rows().iter().any(|row| row.rule == rule && (row.matches(&path) || leads_to(&path, &row.path)))
    }

    fn matches(&self, path: &str) -> bool {
        leads_to(&self.path, path) && (!self.exactly || parts(&self.path).count() == parts(path).count())
    }
}

/// Whether `below` is `above` or lies in it. In either, `*` stands for any one part.
fn leads_to(above: &str, below: &str) -> bool {
    let mut below = parts(below);
    parts(above).all(|part| below.next().is_some_and(|other| part == other || part == "*" || other == "*"))
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

fn rows() -> &'static [NodePath] {
    static ROWS: OnceLock<Vec<NodePath>> = OnceLock::new();
    ROWS.get_or_init(|| table!("host_paths"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(path: &str) -> Option<(&'static str, NodePathRule)> {
        NodePath::of(path).map(|row| (row.path.as_str(), row.rule))
    }

    #[test]
    fn every_row_is_reached_and_says_why() {
        for row in rows() {
            assert_eq!(row.path, normal(&row.path).replacen(r"/\\", r"\\", 1));
            assert!(!row.why.is_empty() && !row.source.is_empty(), "{}", row.path);
            // `/var/run` is `/run` everywhere, so a row of that name would never be found.
            let below = if row.exactly { row.path.clone() } else { format!("{}/zz/zz", row.path) };
            let found = NodePath::of(&below.replace('*', "somebody")).unwrap();
            assert_eq!((&found.path, found.exactly), (&row.path, row.exactly), "another row hides it");
        }
    }

    #[test]
    fn the_most_specific_row_speaks() {
        use NodePathRule::{HostKubeconfig, HostPath, RuntimeSocket};
        for (path, row, rule) in [
            ("/", "/", HostPath),
            ("//", "/", HostPath),
            ("/etc/", "/etc", HostPath),
            ("/etc/./ssl//certs", "/etc", HostPath),
            ("/etc/kubernetes/pki", "/etc/kubernetes", HostKubeconfig),
            ("/var/run/docker.sock", "/run/docker.sock", RuntimeSocket),
            ("/run/containerd/containerd.sock", "/run/containerd", RuntimeSocket),
            ("/var/run", "/run", RuntimeSocket),
            ("/run/udev", "/run", HostPath),
            ("/root", "/root", HostKubeconfig),
            ("/root/.ssh", "/root", HostPath),
            ("/home", "/home", HostPath),
            ("/home/somebody", "/home/*", HostKubeconfig),
            ("/home/somebody/data", "/home", HostPath),
            ("/var/log/pods", "/var/log", HostPath),
            (r"\\.\pipe\docker_engine", r"\\.\pipe\docker_engine", RuntimeSocket),
        ] {
            assert_eq!(why(path), Some((row, rule)), "{path}");
        }
        for path in ["/etcd-data", "/opt", "/opt/", "/mnt/disk", "/srv", "/data/etc", "/libs", r"C:\data"] {
            assert_eq!(why(path), None, "{path}");
        }
    }

    #[test]
    fn a_directory_reaches_what_lies_in_it() {
        use NodePathRule::{HostKubeconfig, RuntimeSocket};
        for path in ["/", "/run", "/run/docker.sock", "/run/k3s", "/var/run/containerd/x"] {
            assert!(NodePath::is_reached(RuntimeSocket, path), "{path}");
        }
        for path in ["/run/udev", "/var", "/etc"] {
            assert!(!NodePath::is_reached(RuntimeSocket, path), "{path}");
        }
        for path in ["/", "/etc", "/home", "/home/somebody", "/root/.kube/config"] {
            assert!(NodePath::is_reached(HostKubeconfig, path), "{path}");
        }
        assert!(!NodePath::is_reached(HostKubeconfig, "/home/somebody/data"));
    }
}
