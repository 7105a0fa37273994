//! An SSH server in a container.

use crate::context::Context;
use crate::evidence::{Target, Witness};
use crate::images::{ImageRef, names_one};
use crate::model::{Command, Container, ContainerKind, Malformed, Object};
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// An SSH server in a container is a second way in, past the API server and its records, with passwords
    /// and keys of its own that nobody renews.
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
    ///       command: [/usr/sbin/sshd, -D]
    /// ```
    ///
    /// becomes
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
    ///       command: [/usr/sbin/sshd, -D]
    /// ```
    ///
    /// Nothing is changed: only a person knows what takes its place, mostly `kubectl exec`. What a process
    /// manager such as supervisord starts stands in the image and cannot be seen.
    ///
    /// ## Safety
    ///
    /// Left for a person, always: programs, images, ports and services that say SSH. Git servers, SFTP servers
    /// and the workers of MPI jobs speak SSH as their purpose; allow those by name.
    ///
    /// Silent where none of these is found.
    pub(crate) struct Sshd {
        id: "sshd",
        title: "the container runs an SSH server",
        category: Category::Network,
        severity: Severity::Medium,
        pages: &["Ensuring Container Security"],
        pod_security: &[],
        profiles: &[],
        on_windows: false,
        since: "0.1.0",
    }
}

/// Servers by the names of their programs.
const SERVERS: [&str; 2] = ["sshd", "dropbear"];

/// Services that start a server, by the names that init systems know them by.
const SERVICES: [&str; 3] = ["ssh", "sshd", "dropbear"];

/// Images whose purpose it is.
const IMAGES: [&str; 8] =
    ["sshd", "openssh-server", "ssh-server", "docker-sshd", "sftp", "sftp-server", "openssh", "ubuntu-sshd"];

const PORT: i64 = 22;

impl Transform for Sshd {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let targets = cx.evidence.ssh_targets(cx.pod);
        let targets: Vec<(&Target, &Witness)> = targets.iter().map(|(target, it)| (target, *it)).collect();
        // A target that no container declares may be any one's.
        let declared: Vec<bool> = targets
            .iter()
            .map(|(target, _)| cx.pod.containers.iter().any(|container| declares(container, target)))
            .collect();
        cx.each_container(&Self::META, &[], |container| {
            if let Some(signal) = signal(container)? {
                return Ok(Outcome::left(format!("the {} {signal}", container.kind)));
            }
            let serves = matches!(container.kind, ContainerKind::Main | ContainerKind::Sidecar);
            let reaches = |(target, is_declared): (&Target, bool)| {
                if is_declared { declares(container, target) } else { serves }
            };
            let mut with_service = targets.iter().zip(&declared);
            let found = with_service.find(|((target, _), is_declared)| reaches((target, **is_declared)));
            Ok(found.map_or(Outcome::Satisfied, |((_, service), _)| {
                Outcome::left(format!("the {service} leads to it at the port for SSH"))
            }))
        })
    }
}

/// What in the container says that it runs a server.
fn signal(container: &Container<'_>) -> Result<Option<String>, Malformed> {
    if let Some(command) = container.commands()?.iter().find(|command| starts_server(command)) {
        return Ok(Some(format!("starts `{}`", command.words.join(" "))));
    }
    let name = container.image().unwrap_or_default();
    if let Some(image) = ImageRef::parse(&name)
        && names_one(&image, &IMAGES)
    {
        return Ok(Some(format!("has the image of an SSH server, `{}`", image.base_name())));
    }
    for port in container.section.list("ports")?.sections() {
        let port = port?;
        let is_named = port.get("name").is_some_and(|name| SERVICES.iter().any(|it| name.is_text(it)));
        if is_named || port.integer("containerPort")? == Some(PORT) {
            return Ok(Some("declares the port for SSH".to_owned()));
        }
    }
    Ok(None)
}

fn starts_server(command: &Command) -> bool {
    let names_service = || command.arguments().any(|word| SERVICES.contains(&word));
    let starts = || command.arguments().any(|word| matches!(word, "start" | "restart"));
    match command.program() {
        program if SERVERS.contains(&program) => true,
        "service" | "rc-service" | "systemctl" => names_service() && starts(),
        program => {
            let is_script = command.words.first().is_some_and(|word| word.starts_with("/etc/init.d/"));
            is_script && SERVICES.contains(&program) && starts()
        }
    }
}

/// Whether the container declares the port.
fn declares(container: &Container<'_>, target: &Target) -> bool {
    let ports = container.section.get("ports");
    ports.into_iter().flat_map(|ports| ports.items()).any(|port| match target {
        Target::Number(number) => port.get("containerPort").and_then(|it| it.as_integer()) == Some(*number),
        Target::Name(name) => port.get("name").is_some_and(|it| it.is_text(name)),
    })
}

/// Whether Volcano gives the object's pods keys to log in to each other, which it mounts for root.
pub(crate) fn has_volcano_keys(object: &Object<'_>) -> bool {
    let plugins = || object.node.get("spec")?.get("plugins")?.entry("ssh");
    object.api_version.starts_with("batch.volcano.sh/") && plugins().is_some()
}

#[cfg(test)]
mod tests {
    use rewriter::Stream;

    use super::*;
    use crate::model::Workloads;
    use crate::test::{check_left, check_left_with, check_silent, dedent, findings, only, pod};

    const ID: &str = "sshd";

    fn container(rest: &str) -> String {
        format!("containers: [{{name: a, image: r.io/a, {rest}}}]")
    }

    #[test]
    fn each_signal_is_told() {
        for (rest, words) in [
            ("command: [/usr/sbin/sshd, -D]", "starts `/usr/sbin/sshd -D`"),
            ("args: [sh, -c, 'service ssh start && exec app']", "starts `service ssh start`"),
            ("command: [sh, -c, '/etc/init.d/ssh start; app']", "starts `/etc/init.d/ssh start`"),
            ("lifecycle: {postStart: {exec: {command: [rc-service, sshd, start]}}}", "starts `rc-service"),
            ("livenessProbe: {exec: {command: [dropbear, -F]}}", "starts `dropbear -F`"),
            ("ports: [{containerPort: 22}]", "declares the port"),
            ("ports: [{containerPort: 2222, name: ssh}]", "declares the port"),
        ] {
            check_left(ID, &container(rest), words);
        }
        for image in ["rastasheep/ubuntu-sshd:18.04", "lscr.io/linuxserver/openssh-server", "atmoz/sftp"] {
            check_left(
                ID,
                &format!("containers: [{{name: a, image: {image}}}]"),
                "the image of an SSH server",
            );
        }
    }

    #[test]
    fn other_words_with_ssh_in_them_are_none() {
        for rest in [
            "command: [ssh, host]",
            "args: ['--ssh-port=22', echo sshd]",
            "command: [service, nginx, start]",
            "command: [systemctl, status, sshd]",
            "ports: [{containerPort: 2222}]",
            "env: [{name: A, value: sshd}]",
        ] {
            check_silent(ID, &container(rest));
        }
    }

    fn behind_service(port: &str, ports: &str) -> String {
        let service = dedent(&format!(
            "
            apiVersion: v1
            kind: Service
            metadata: {{name: login}}
            spec: {{selector: {{app: a}}, ports: [{port}]}}
            "
        ));
        let spec = format!("containers: [{{name: a, image: r.io/a, {ports}}}, {{name: b, image: r.io/b}}]");
        let pod = pod(&spec).replace("name: example", "name: example\n  labels: {app: a}");
        format!("{service}---\n{pod}")
    }

    #[test]
    fn a_service_that_leads_to_it_is_told() {
        for (port, ports) in [
            ("{port: 22, targetPort: 2222}", "ports: [{containerPort: 2222}]"),
            ("{port: 22, targetPort: login}", "ports: [{containerPort: 2222, name: login}]"),
        ] {
            let text = behind_service(port, ports);
            check_left_with(&only(ID), &text, "the Service `login` leads to it");
        }
        let left = findings(&only(ID), &behind_service("{port: 2222, targetPort: 22}", "tty: false"));
        assert_eq!(left.len(), 2);
        assert!(left.iter().all(|judged| judged.finding.outcome != Outcome::Satisfied), "{left:#?}");
        let web = behind_service("{port: 80, targetPort: 8080}", "tty: false");
        assert!(findings(&only(ID), &web).iter().all(|it| it.finding.outcome == Outcome::Satisfied));
    }

    #[test]
    fn volcano_tells_by_its_plugin() {
        let has_keys = |text: &str| {
            let stream = Stream::scan(text).unwrap();
            let objects = Workloads::of(stream.document(0).unwrap()).objects;
            has_volcano_keys(&objects[0])
        };
        assert!(has_keys("{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, spec: {plugins: {ssh: []}}}"));
        assert!(has_keys("{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, spec: {plugins: {ssh: }}}"));
        assert!(!has_keys("{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, spec: {plugins: {svc: []}}}"));
        assert!(!has_keys("{apiVersion: batch/v1, kind: Job, spec: {plugins: {ssh: []}}}"));
    }
}
