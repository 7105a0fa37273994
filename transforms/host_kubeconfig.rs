//! What logs in to the cluster: on the node, in `hostPath` volumes, and in `ConfigMaps`.

use rewriter::Node;

use crate::context::{Context, ObjectContext};
use crate::host_path;
use crate::model::{Malformed, MountedVolume, NodePath, NodePathRule, covers};
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// A kubeconfig file on a node is mostly an administrator's: whoever reads it commands the whole cluster.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: deploy
    /// spec:
    ///   containers:
    ///     - name: deploy
    ///       image: registry.example.com/team/deploy:1.4
    ///       volumeMounts:
    ///         - name: kube
    ///           mountPath: /root/.kube
    ///   volumes:
    ///     - name: kube
    ///       hostPath:
    ///         path: /root/.kube
    /// ```
    ///
    /// is left for a person: a pod logs in as its service account, with the rights that a role gives it. On the
    /// node, what is not needed in `/root/.kube` is best deleted.
    ///
    /// It is about `/root`, `/root/.kube`, `/etc/kubernetes`, the same in other homes, every path of the node that
    /// `KUBECONFIG` leads to, and private keys of kubeconfig files in `ConfigMaps`, which more people may read than
    /// Secrets. What a `ConfigMap` holds is never printed. Where `host-path` reports the same volume for more than
    /// this, such as `/etc`, its finding stands for this one.
    ///
    /// ## Safety
    ///
    /// Always left for a person: a program that asks for the file needs rights of its own first.
    pub(crate) struct HostKubeconfig {
        id: "host-kubeconfig",
        title: "the key to the cluster is within reach",
        category: Category::Files,
        severity: Severity::High,
        pages: &["Preventing Nodes from Being Exposed to Public Networks"],
        pod_security: &["hostPathVolumes", "restrictedVolumes"],
        profiles: &[],
        on_windows: true,
        since: "0.1.0",
    }
}

const VARIABLE: &str = "KUBECONFIG";

impl Transform for HostKubeconfig {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        cx.each_volume(&Self::META, |volume| judge(cx, volume))
    }

    fn check_object(&self, cx: &ObjectContext<'_, '_>) -> Vec<Finding> {
        if cx.object.kind != "ConfigMap" {
            return Vec::new();
        }
        let data = cx.object.node.get("data").into_iter().flat_map(|data| data.entries());
        let keys = data.filter(|(key, value)| key.text().starts_with("kubeconfig") && holds_key(*value));
        let findings = keys.map(|(key, value)| {
            let key = key.text().into_owned();
            let reason = format!(
                "`{key}` holds the private key of a kubeconfig file; put it into a Secret, or let the program log in \
                 as its service account, and replace the key, which has been seen"
            );
            let place = (cx.object.path.key("data").key(key), value.position());
            Finding::new(&Self::META, None, place, Ok(Outcome::left(reason)))
        });
        findings.collect()
    }
}

fn judge(cx: &Context<'_, '_>, volume: &MountedVolume<'_, '_>) -> Result<Outcome, Malformed> {
    let Some(path) = volume.host_path()? else { return Ok(Outcome::Satisfied) };
    let is_named = is_named(volume)?;
    if !NodePath::is_reached(NodePathRule::HostKubeconfig, &path) && !is_named {
        return Ok(Outcome::Satisfied);
    }
    let row = NodePath::of(&path).filter(|row| row.rule == NodePathRule::HostKubeconfig);
    if let (None, Some(outcome)) = (row, host_path::spoken_for(cx, &HostKubeconfig::META, &path)) {
        return Ok(outcome);
    }
    let why = match row {
        Some(row) => row.why.clone(),
        None if is_named => format!("`{VARIABLE}` leads to it"),
        None => "keys to the cluster lie in it".to_owned(),
    };
    let advice = "let the program log in as its service account, with a role of its own, and remove the volume and \
                  its mounts; delete the file on the nodes where nobody needs it";
    Ok(Outcome::left(host_path::sentence(cx, volume, &path, &why, advice)))
}

/// Whether a container is told to log in with a file of the volume.
fn is_named(volume: &MountedVolume<'_, '_>) -> Result<bool, Malformed> {
    for (container, mount) in &volume.mounts {
        let value = container.variable(VARIABLE)?.unwrap_or_default();
        if value.split(':').any(|path| path.starts_with('/') && covers(&mount.path, path)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a kubeconfig file has a private key in it, and not just room for one.
fn holds_key(value: Node<'_>) -> bool {
    /// `---` in base64, with which the text of a key begins.
    const BEGINNING: &str = "LS0t";
    let text = value.text();
    let mut values = text.split("client-key-data").skip(1);
    values.any(|rest| rest.trim_start_matches(['"', '\'', ':', ' ', '\t', '\n']).starts_with(BEGINNING))
}

#[cfg(test)]
mod tests {
    use crate::State;
    use crate::settings::Settings;
    use crate::test::{check_left, check_left_with, check_silent, findings, only, pod};

    const ID: &str = "host-kubeconfig";

    fn mounting(path: &str) -> String {
        format!(
            "containers: [{{name: a, image: r.io/a, volumeMounts: [{{name: v, mountPath: /v}}]}}]\nvolumes: [{{name: v, \
             hostPath: {{path: '{path}'}}}}]"
        )
    }

    #[test]
    fn places_of_kubeconfig_files_are_left() {
        for path in
            ["/root", "/root/.kube/config", "/home/me", "/home/me/.kube", "/etc/kubernetes/admin.conf"]
        {
            check_left(ID, &mounting(path), "service account");
        }
        for path in ["/root/.ssh", "/home/me/data", "/srv", "/var/lib"] {
            check_silent(ID, &mounting(path));
        }
        // As long as nobody else speaks about them.
        for path in ["/", "/etc", "/home"] {
            check_left(ID, &mounting(path), "keys to the cluster lie in it");
        }
    }

    #[test]
    fn a_variable_leads_to_a_file_elsewhere() {
        let with = |value: &str| {
            mounting("/srv").replace(
                "image: r.io/a",
                &format!("image: r.io/a, env: [{{name: KUBECONFIG, value: '{value}'}}]"),
            )
        };
        check_left(ID, &with("/v/config"), "`KUBECONFIG` leads to it");
        check_left(ID, &with("/a:/v/config"), "`KUBECONFIG` leads to it");
        check_silent(ID, &with("/config"));
        check_silent(ID, &with("v"));
    }

    #[test]
    fn another_finding_stands_for_a_wider_path() {
        let settings =
            Settings { select: Some([ID, "host-path"].map(Into::into).into()), ..Settings::default() };
        let found = findings(&settings, &pod(&mounting("/etc")));
        let left: Vec<_> = found
            .iter()
            .filter_map(|judged| match &judged.state {
                State::Left(left) => Some((judged.finding.transform.id, left.needs_person)),
                _ => None,
            })
            .collect();
        assert_eq!(left, [("host-path", true), (ID, false)]);
    }

    fn config_map(key: &str, value: &str) -> String {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  {key}: '{value}'\n")
    }

    #[test]
    fn a_private_key_in_a_config_map_is_left_and_not_quoted() {
        for value in ["client-key-data: LS0tLS1", "{\"client-key-data\":\"LS0tLS1\"}"] {
            let text = config_map("kubeconfig.yaml", value);
            check_left_with(&only(ID), &text, "`kubeconfig.yaml` holds the private key");
            let found = findings(&only(ID), &text);
            assert!(!format!("{found:?}").contains("LS0t"), "{found:?}");
        }
    }

    #[test]
    fn room_for_a_key_and_other_objects_are_silent() {
        for text in [
            config_map("kubeconfig", "client-key-data: ${KEY}"),
            config_map("kubeconfig", "tokenFile: /var/run/secrets/token"),
            config_map("notes", "client-key-data: LS0tLS1"),
            config_map("kubeconfig", "client-key-data: LS0tLS1").replace("ConfigMap", "Secret"),
            "apiVersion: v1\nkind: ConfigMap\ndata: []\n".to_owned(),
        ] {
            assert!(findings(&only(ID), &text).is_empty(), "{text}");
        }
    }
}
