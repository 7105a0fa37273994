//! Sockets of container runtimes in `hostPath` volumes.

use crate::context::Context;
use crate::host_path;
use crate::model::{Malformed, MountedVolume, NodePath, NodePathRule, covers};
use crate::settings::Version;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// Whoever can talk to the node's container runtime can start a privileged container with all of the node's
    /// files in it: the socket is the node.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: build
    /// spec:
    ///   containers:
    ///     - name: build
    ///       image: registry.example.com/team/build:1.4
    ///       volumeMounts:
    ///         - name: docker
    ///           mountPath: /var/run/docker.sock
    ///   volumes:
    ///     - name: docker
    ///       hostPath:
    ///         path: /var/run/docker.sock
    /// ```
    ///
    /// is left for a person: images can be built without a daemon, and what containers do can be asked of the
    /// API server.
    ///
    /// It is about the sockets of Docker, containerd, CRI-O, Podman and iSulad, the directories that are made
    /// for them, and every path of the node that `DOCKER_HOST` or `CONTAINERD_ADDRESS` leads to. A read-only
    /// mount does not help: what is said through a socket is not written to a file. Where `host-path` reports
    /// the same volume for more than its socket, such as `/`, its finding stands for this one.
    ///
    /// Docker is not offered for new CCE clusters from Kubernetes 1.34 on, and is gone with 1.35. Its socket is
    /// not there then, and Kubernetes may make an empty directory in its place.
    ///
    /// ## Safety
    ///
    /// Always left for a person: a program that asks for the socket needs another way to do its work.
    pub(crate) struct RuntimeSocket {
        id: "runtime-socket",
        title: "the container can talk to its node's container runtime",
        category: Category::Files,
        severity: Severity::High,
        pages: &["Ensuring Container Security"],
        pod_security: &["hostPathVolumes", "restrictedVolumes"],
        profiles: &[],
        on_windows: true,
        since: "0.1.0",
    }
}

/// Variables that tell a client of a container runtime where to connect.
const VARIABLES: [&str; 2] = ["DOCKER_HOST", "CONTAINERD_ADDRESS"];

/// The first version for which CCE does not offer Docker, and the first one without it.
const DOCKER_ENDS: [Version; 2] = [Version { minor: 34 }, Version { minor: 35 }];

impl Transform for RuntimeSocket {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.each_volume(&Self::META, |volume| judge(cx, volume))
    }
}

fn judge(cx: &Context<'_, '_>, volume: &MountedVolume<'_, '_>) -> Result<Outcome, Malformed> {
    let Some(path) = volume.host_path()? else { return Ok(Outcome::Satisfied) };
    let variable = variable_for(volume)?;
    if !NodePath::is_reached(NodePathRule::RuntimeSocket, &path) && variable.is_none() {
        return Ok(Outcome::Satisfied);
    }
    let row = NodePath::of(&path).filter(|row| row.rule == NodePathRule::RuntimeSocket);
    let speaker = host_path::spoken_for(cx, &RuntimeSocket::META, &path);
    if let (None, None, Some(outcome)) = (row, variable, speaker) {
        return Ok(outcome);
    }
    let why = match (row, variable) {
        (Some(row), _) => row.why.clone(),
        (None, Some(variable)) => format!("`{variable}` leads to it"),
        (None, None) => "sockets of container runtimes lie in it".to_owned(),
    };
    let advice = match cx.settings.target {
        target if path.contains("docker") && target >= DOCKER_ENDS[1] => {
            "from Kubernetes 1.35 on no CCE node has Docker, so that it is not there, and Kubernetes may make an \
             empty directory in its place; remove the volume and its mounts"
        }
        target if path.contains("docker") && target >= DOCKER_ENDS[0] => {
            "new CCE clusters from Kubernetes 1.34 on have no Docker, so that it is not there on their nodes, and \
             Kubernetes may make an empty directory in its place; remove the volume and its mounts"
        }
        _ => {
            "who talks to it has the whole node, read-only or not. Build images without a daemon, ask the API server \
             about containers, and remove the volume and its mounts"
        }
    };
    Ok(Outcome::left(host_path::sentence(cx, volume, &path, &why, advice)))
}

/// The variable of a container that leads to the volume.
fn variable_for(volume: &MountedVolume<'_, '_>) -> Result<Option<&'static str>, Malformed> {
    for (container, mount) in &volume.mounts {
        for name in VARIABLES {
            let value = container.variable(name)?.unwrap_or_default();
            let path = value.strip_prefix("unix://").unwrap_or(&value);
            if path.starts_with('/') && covers(&mount.path, path) {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use crate::State;
    use crate::settings::Settings;
    use crate::test::{check_left, check_left_with, check_silent, findings, only, pod};

    const ID: &str = "runtime-socket";

    fn mounting(path: &str) -> String {
        format!(
            "containers: [{{name: a, image: r.io/a, volumeMounts: [{{name: v, mountPath: /v}}]}}]\nvolumes: [{{name: v, \
             hostPath: {{path: '{path}'}}}}]"
        )
    }

    #[test]
    fn sockets_and_their_directories_are_left() {
        for path in [
            "/var/run/docker.sock",
            "/run//docker.sock",
            "/var/run/dockershim.sock",
            "/run/cri-dockerd.sock",
            "/run/containerd",
            "/var/run/containerd/containerd.sock",
            "/run/k3s",
            "/run/crio/crio.sock",
            "/run/podman/podman.sock",
            "/var/run/isulad.sock",
            "/run/",
            "/",
            r"\\.\pipe\docker_engine",
        ] {
            check_left(ID, &mounting(path), "mounted by container `a` at `/v`");
        }
        for path in ["/run/udev", "/var/lib/docker", "/docker.sock", "/srv", "/var"] {
            check_silent(ID, &mounting(path));
        }
        check_left(ID, &mounting("/run/../run/docker.sock"), "`..`");
        check_silent(ID, &mounting("/run/docker.sock").replace("hostPath", "nfs"));
    }

    #[test]
    fn a_variable_leads_to_a_socket_elsewhere() {
        let with = |value: &str| {
            mounting("/srv/engine").replace(
                "image: r.io/a",
                &format!("image: r.io/a, env: [{{name: DOCKER_HOST, value: '{value}'}}]"),
            )
        };
        check_left(ID, &with("unix:///v/engine.sock"), "`DOCKER_HOST` leads to it");
        check_silent(ID, &with("unix:///run/docker.sock"));
        check_silent(ID, &with("tcp://localhost:2375"));
    }

    #[test]
    fn docker_ends() {
        let at = |target: &str| Settings { target: target.parse().unwrap(), ..only(ID) };
        let docker = pod(&mounting("/var/run/docker.sock"));
        check_left_with(&at("1.33"), &docker, "who talks to it has the whole node");
        check_left_with(&at("1.34"), &docker, "new CCE clusters from Kubernetes 1.34");
        check_left_with(&at("1.35"), &docker, "from Kubernetes 1.35 on no CCE node has Docker");
        check_left_with(&at("1.35"), &pod(&mounting("/run/containerd")), "the whole node");
    }

    #[test]
    fn one_of_the_rules_about_a_volume_needs_a_person() {
        for path in ["/", "/run", "/var/run/docker.sock", "/etc", "/etc/kubernetes", "/root", "/home", "/dev"]
        {
            let found = findings(&Settings::default(), &pod(&mounting(path)));
            let ids: Vec<&str> = found
                .iter()
                .filter(|judged| judged.finding.path.to_string().starts_with("spec.volumes"))
                .filter(|judged| matches!(&judged.state, State::Left(left) if left.needs_person))
                .map(|judged| judged.finding.transform.id)
                .collect();
            assert_eq!(ids.len(), 1, "{path}: {ids:?}");
        }
    }
}
