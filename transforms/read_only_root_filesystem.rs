//! `readOnlyRootFilesystem`, with an empty volume for each path that has to stay writable.

use std::collections::{HashMap, HashSet};

use k8s_openapi::api::core::v1 as fragments;
use rewriter::Edit;

use crate::context::Context;
use crate::fragment;
use crate::images::{Confidence, Facts, ReadOnlyRoot};
use crate::model::{Command, Container, Directories, Malformed, covers, installs_packages, written_places};
use crate::support::{Category, Finding, Level, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// Whoever gets into a container whose root file system is writable can replace its programs and leave
    /// tools behind that start with it.
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
    ///       securityContext:
    ///         readOnlyRootFilesystem: true
    ///       volumeMounts:
    ///         - name: tmp
    ///           mountPath: /tmp
    ///   volumes:
    ///     - name: tmp
    ///       emptyDir: {}
    /// ```
    ///
    /// The writable paths are those of the image catalogue and of the configuration, and `/tmp` where nothing
    /// is known. A path below a mount of the container stays as it is. No two containers share a volume.
    ///
    /// ## Safety
    ///
    /// Safe for images that are known to run so and start by their own entry point. Review for others: pid
    /// files, caches, sockets, logs and generated configuration in places that are not known here cannot be
    /// written. A command that writes outside of the container's mounts takes one level off.
    ///
    /// Left for a person: images that need files of their own where they also write, which an empty volume
    /// would hide, and commands that install packages.
    ///
    /// Silent where the field is `true`; the writable paths are then not looked at.
    pub(crate) struct ReadOnlyRootFilesystem {
        id: "read-only-root-filesystem",
        title: "the container can change its own programs",
        category: Category::Files,
        severity: Severity::Medium,
        pages: &["Controlling Access Permissions", "Container Permission Access Control"],
        pod_security: &[],
        profiles: &[],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "`Read-only file system` in the program's log, often at its start, and then a container that \
            ends again and again (`CrashLoopBackOff`)",
        undo: "mount an `emptyDir` volume at the path of the message; where the program writes everywhere, set \
            `readOnlyRootFilesystem: false` with `# cce-fix: ignore[read-only-root-filesystem] reason` beside it",
    }
}

const FIELD: [&str; 2] = ["securityContext", "readOnlyRootFilesystem"];

impl Transform for ReadOnlyRootFilesystem {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let mut names = Names::of(cx);
        let judge_with = |container| judge(cx, container, &mut names);
        let outcomes: Vec<_> = cx.pod.containers.iter().map(judge_with).collect();
        let containers = cx.pod.containers.iter().zip(outcomes);
        containers
            .filter_map(|(container, outcome)| cx.of_container(&Self::META, container, &FIELD, outcome))
            .collect()
    }
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>, names: &mut Names) -> Result<Outcome, Malformed> {
    let context = container.security_context()?;
    let written = context.read_only_root_filesystem()?;
    if written == Some(true) {
        return Ok(Outcome::Satisfied);
    }
    let commands = container.commands()?;
    let image = cx.image(container);
    let facts = image.as_ref().map(|image| &*image.facts);
    let mut writable: Directories = cx.mounts(container)?.iter().map(|mount| &*mount.path).collect();
    if let Some(obstacle) = obstacle(container, commands, facts, &writable) {
        return Ok(Outcome::left(obstacle));
    }
    let is_sure = image.as_ref().is_some_and(|image| image.confidence == Confidence::Exact);
    let is_known = is_sure && facts.is_some_and(|facts| facts.read_only_root == ReadOnlyRoot::Works);
    let wanted = facts.map_or(&[][..], |facts| &facts.writable).iter().map(String::as_str);
    let mut empty = Vec::new();
    for path in wanted.chain((!is_known).then_some("/tmp")) {
        // A read-only mount counts too: what lies in it could not be written so far either, and a mount point
        // in it could not be made.
        if !writable.cover(path) {
            writable.insert(path);
            empty.push(path);
        }
    }
    let redirection = match facts {
        Some(facts) => redirection(cx, container, facts, &writable)?,
        None => None,
    };
    let stray = writes_outside(container, commands, writable)?;
    let (level, reason) = match (written, is_known && !container.has_command(), stray) {
        (None, true, None) if let Some(what) = redirection => {
            (Level::Review, format!("{what} makes the image write to places that are not known here"))
        }
        (None, true, None) => (Level::Safe, "all paths that the image writes to stay writable".to_owned()),
        (None, true, Some(path)) => (Level::Review, format!("it writes to `{path}`, which no volume covers")),
        (_, _, Some(path)) => {
            let reason = format!("the {} writes to `{path}`, which no volume covers", container.kind);
            return Ok(Outcome::left(reason));
        }
        (Some(_), _, None) => (Level::Review, "somebody wrote `readOnlyRootFilesystem: false`".to_owned()),
        (None, false, None) => {
            (Level::Review, "the program may write to paths that are not known here".to_owned())
        }
    };
    let mut summary = "set `readOnlyRootFilesystem: true`".to_owned();
    if !empty.is_empty() {
        summary = format!("{summary} with an empty volume at `{}`", empty.join("`, `"));
    }
    let fragment = fragments::SecurityContext { read_only_root_filesystem: Some(true), ..Default::default() };
    let mut edits = fragment::merge(context.path(), &fragment);
    for path in empty {
        edits.extend(mount_empty(cx, container, path, names.take(&container.name(), path))?);
    }
    Ok(Outcome::fix(level, summary, reason, edits))
}

/// What makes the image write to other places than the known ones.
fn redirection(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    facts: &Facts,
    writable: &Directories,
) -> Result<Option<String>, Malformed> {
    let own: Directories = facts.volumes.iter().map(String::as_str).collect();
    let mounts = cx.mounts(container)?;
    for what in facts.elsewhere.iter().filter(|what| what.starts_with('/')) {
        if mounts.iter().any(|mount| covers(what, &mount.path)) {
            return Ok(Some(format!("what is mounted at `{what}`")));
        }
    }
    for name in facts.elsewhere.iter().filter(|what| !what.starts_with('/')) {
        if container.variable(name)?.is_some_and(|path| !writable.cover(&path) && !own.cover(&path)) {
            return Ok(Some(format!("the variable `{name}`")));
        }
    }
    Ok(None)
}

/// Why a read-only root file system would surely break the container.
fn obstacle(
    container: &Container<'_>,
    commands: &[Command],
    facts: Option<&Facts>,
    mounts: &Directories,
) -> Option<String> {
    if let Some(program) = installs_packages(commands) {
        return Some(format!("the {} installs packages with `{program}`", container.kind));
    }
    let facts = facts?;
    if let Some(path) = facts.needs_content.iter().find(|path| !mounts.cover(path)) {
        let advice = "mount a volume that holds them";
        return Some(format!("the image writes to `{path}` and needs its own files there; {advice}"));
    }
    (facts.read_only_root == ReadOnlyRoot::Fails)
        .then(|| "the image is known not to run with a read-only root file system".to_owned())
}

/// Gives the container an empty volume at `path`.
fn mount_empty(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    path: &str,
    name: String,
) -> Result<[Edit; 2], Malformed> {
    let mount =
        fragments::VolumeMount { name: name.clone(), mount_path: path.to_owned(), ..Default::default() };
    let empty_dir = Some(fragments::EmptyDirVolumeSource::default());
    let volume = fragments::Volume { name, empty_dir, ..Default::default() };
    let mounts = container.section.list("volumeMounts")?.path().clone();
    let volumes = cx.pod.spec.list("volumes")?.path().clone();
    Ok([Edit::append(mounts, fragment::value(&mount)), Edit::append(volumes, fragment::value(&volume))])
}

/// A place that the commands write to and that lies outside of `writable`.
fn writes_outside(
    container: &Container<'_>,
    commands: &[Command],
    mut writable: Directories,
) -> Result<Option<String>, Malformed> {
    for path in ["/dev", "/proc", "/sys"] {
        writable.insert(path);
    }
    let mut places = written_places(container, commands)?.into_iter();
    let stray = places.find(|place| {
        let is_covered = place.path.as_ref().is_some_and(|path| writable.cover(path));
        // What a variable stands for is not known.
        !is_covered && !place.text.starts_with('$')
    });
    Ok(stray.map(|place| place.text))
}

/// Gives out names for new volumes.
struct Names {
    taken: HashSet<String>,
    /// The last number behind a name that was taken.
    numbers: HashMap<String, usize>,
}

impl Names {
    fn of(cx: &Context<'_, '_>) -> Self {
        let volumes = cx.pod.volumes().map(|(name, _)| name.to_owned());
        // A mount may name a volume that something else adds later; ours must not take its place.
        let mounts = cx.pod.containers.iter().flat_map(|container| container.mounts().unwrap_or_default());
        let mounted = mounts.map(|mount| mount.name.clone().into_owned());
        Self { taken: volumes.chain(mounted).collect(), numbers: HashMap::new() }
    }

    /// A name for the volume at `path` of a container: by the path, by container and path, or numbered.
    fn take(&mut self, container: &str, path: &str) -> String {
        let by_path = label(path);
        let by_container = label(&format!("{container}-{by_path}"));
        for name in [by_path, by_container.clone()] {
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
        loop {
            let number = self.numbers.entry(by_container.clone()).or_insert(1);
            *number += 1;
            let suffix = format!("-{number}");
            let stem: String = by_container.chars().take(MAX_LABEL - suffix.len()).collect();
            let name = format!("{}{suffix}", stem.trim_end_matches('-'));
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// The longest name that Kubernetes takes for a volume.
const MAX_LABEL: usize = 63;

/// `text` as a DNS label.
fn label(text: &str) -> String {
    let mut label = String::new();
    for character in text.chars() {
        match character.to_ascii_lowercase() {
            lower if lower.is_ascii_alphanumeric() => label.push(lower),
            _ if label.is_empty() || label.ends_with('-') => {}
            _ => label.push('-'),
        }
    }
    label.truncate(MAX_LABEL);
    match label.trim_end_matches('-') {
        "" => "data".to_owned(),
        label => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::test::{check_left, check_levels, check_pod, check_silent, check_with, dedent, fix, fixes};
    use crate::test::{only, pod};

    const ID: &str = "read-only-root-filesystem";

    fn of_image(image: &str, rest: &str) -> String {
        format!("containers: [{{name: a, image: {image}{rest}}}]")
    }

    /// The paths that get a volume.
    #[track_caller]
    fn check_volumes(spec: &str, paths: &[&str]) {
        let fixed = fix(&only(ID), &pod(spec));
        let stream = rewriter::Stream::scan(&fixed).unwrap();
        let container = stream
            .document(0)
            .unwrap()
            .root()
            .and_then(|root| root.get("spec")?.get("containers")?.items().next());
        let mounts = container.and_then(|container| container.get("volumeMounts"));
        let found: Vec<String> = mounts
            .into_iter()
            .flat_map(|mounts| mounts.items())
            .filter(|mount| !mount.get("name").unwrap().is_text("own"))
            .map(|mount| mount.get("mountPath").unwrap().text().into_owned())
            .collect();
        assert_eq!(found, paths, "{fixed}");
    }

    #[test]
    fn what_makes_an_image_write_elsewhere_is_for_review() {
        let nginx = |mount: &str| {
            of_image("nginx:1.27", &format!(", volumeMounts: [{{name: own, mountPath: {mount}}}]"))
        };
        check_levels(ID, &nginx("/etc/nginx/templates"), &[Level::Review]);
        check_levels(ID, &nginx("/etc/nginx/templates/a.template"), &[Level::Review]);
        check_levels(ID, &nginx("/etc/nginx/templates-of-mine"), &[Level::Safe]);
        let postgres =
            |path: &str| of_image("postgres:16", &format!(", env: [{{name: PGDATA, value: {path}}}]"));
        check_levels(ID, &postgres("/pgdata"), &[Level::Review]);
        check_levels(ID, &postgres("/var/lib/postgresql/data/pgdata"), &[Level::Safe]);
        check_levels(ID, &postgres("/tmp/pgdata"), &[Level::Safe]);
    }

    #[test]
    fn what_is_true_is_silent() {
        check_silent(ID, &of_image("r.io/a", ", securityContext: {readOnlyRootFilesystem: true}"));
        check_silent(ID, &of_image("r.io/a", ", securityContext: {readOnlyRootFilesystem: yes}"));
    }

    #[test]
    fn false_is_changed_after_review() {
        check_pod(
            ID,
            "
            containers:
            - name: a
              image: memcached:1.6
              securityContext:
                readOnlyRootFilesystem: false # TODO
            ",
            "
            containers:
            - name: a
              image: memcached:1.6
              securityContext:
                readOnlyRootFilesystem: true # TODO
            ",
        );
        let spec = of_image("memcached:1.6", ", securityContext: {readOnlyRootFilesystem: false}");
        check_levels(ID, &spec, &[Level::Review]);
    }

    #[test]
    fn known_images_are_safe_with_their_own_paths() {
        check_volumes(&of_image("registry.k8s.io/coredns/coredns:v1.12.0", ""), &[]);
        check_volumes(&of_image("nginx:1.27", ""), &["/var/cache/nginx", "/var/run", "/tmp"]);
        check_levels(ID, &of_image("nginx:1.27", ""), &[Level::Safe]);
        check_levels(ID, &of_image("nginx:1.27", ", args: [nginx, -g, daemon off;]"), &[Level::Safe]);
        check_levels(ID, &of_image("nginx:1.27", ", command: [nginx]"), &[Level::Review]);
        let probe = ", livenessProbe: {exec: {command: [sh, -c, touch /healthy]}}";
        check_levels(ID, &of_image("nginx:1.27", probe), &[Level::Review]);
        check_volumes(&of_image("r.io/mirror/nginx:1.27", ""), &["/var/cache/nginx", "/var/run", "/tmp"]);
        check_levels(ID, &of_image("r.io/mirror/nginx:1.27", ""), &[Level::Review]);
        check_volumes(&of_image("r.io/mirror/memcached", ""), &["/tmp"]);
        check_volumes(&of_image("fluent/fluentd:v1", ""), &["/fluentd/log", "/tmp"]);
    }

    #[test]
    fn a_mount_covers_what_lies_below_it() {
        let mounted = |path: &str| {
            format!(
                "{}\nvolumes: [{{name: own, emptyDir: {{}}}}]",
                of_image("nginx:1.27", &format!(", volumeMounts: [{{name: own, mountPath: {path}}}]"))
            )
        };
        check_volumes(&mounted("/var/cache"), &["/var/run", "/tmp"]);
        check_volumes(&mounted("/var/cache/nginx/"), &["/var/run", "/tmp"]);
        check_volumes(&mounted("/run"), &["/var/cache/nginx", "/tmp"]);
        check_volumes(&mounted("/var/cache/nginx/proxy"), &["/var/cache/nginx", "/var/run", "/tmp"]);
        check_volumes(&mounted("/tmpfiles"), &["/var/cache/nginx", "/var/run", "/tmp"]);
        check_volumes(&mounted("/"), &[]);
        check_volumes(&mounted("/tmp, readOnly: true"), &["/var/cache/nginx", "/var/run"]);
    }

    #[test]
    fn names_are_free_and_always_the_same() {
        check_pod(
            ID,
            "
            containers:
            - name: a
              image: r.io/a
            - name: b
              image: r.io/b
            - name: b
              image: r.io/b
            volumes:
            - name: tmp
              emptyDir: {}
            ",
            "
            containers:
            - name: a
              image: r.io/a
              securityContext:
                readOnlyRootFilesystem: true
              volumeMounts:
              - name: a-tmp
                mountPath: /tmp
            - name: b
              image: r.io/b
              securityContext:
                readOnlyRootFilesystem: true
              volumeMounts:
              - name: b-tmp
                mountPath: /tmp
            - name: b
              image: r.io/b
              securityContext:
                readOnlyRootFilesystem: true
              volumeMounts:
              - name: b-tmp-2
                mountPath: /tmp
            volumes:
            - name: tmp
              emptyDir: {}
            - name: a-tmp
              emptyDir: {}
            - name: b-tmp
              emptyDir: {}
            - name: b-tmp-2
              emptyDir: {}
            ",
        );
    }

    #[test]
    fn the_names_of_claim_templates_are_taken() {
        let text = dedent(
            "
            apiVersion: apps/v1
            kind: StatefulSet
            spec:
              template:
                spec:
                  containers: [{name: a, image: r.io/a}]
              volumeClaimTemplates:
              - metadata: {name: tmp}
            ",
        );
        assert!(fix(&only(ID), &text).contains("{name: a-tmp, mountPath: /tmp}"));
    }

    #[test]
    fn long_and_odd_names_become_labels() {
        assert_eq!(label("/var/cache/nginx"), "var-cache-nginx");
        assert_eq!(label("/.mc"), "mc");
        assert_eq!(label("/Ünï/A__b-/"), "n-a-b");
        assert_eq!(label("/"), "data");
        assert_eq!(label(&"x/".repeat(60)).len(), 63);
        let mut names = Names { taken: HashSet::new(), numbers: HashMap::new() };
        let long = "c".repeat(63);
        let found: Vec<String> = (0..4).map(|_| names.take(&long, "/tmp")).collect();
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), 4, "{found:?}");
        assert!(found.iter().all(|name| name.len() <= 63), "{found:?}");
    }

    #[test]
    fn what_an_empty_volume_would_hide_is_left() {
        check_left(ID, &of_image("bitnami/redis:7.4", ""), "`/opt/bitnami/redis/etc`");
        let mounted = ", volumeMounts: [{name: own, mountPath: /opt/bitnami/redis/etc}]";
        check_volumes(&of_image("bitnami/redis:7.4", mounted), &["/tmp"]);
        check_left(ID, &of_image("registry.k8s.io/ingress-nginx/controller:v1.12.0", ""), "`/etc/nginx`");
    }

    #[test]
    fn commands_tell_what_is_written() {
        let run = |script: &str| of_image("r.io/a", &format!(", command: [sh, -c, '{script}']"));
        check_left(ID, &run("apk add curl"), "installs packages with `apk`");
        check_left(ID, &run("python3 -m pip install flask; app"), "installs packages with `python3`");
        check_left(ID, &run("npm ci && npm start"), "installs packages with `npm`");
        check_left(ID, &run("echo a > /etc/a.conf; app"), "writes to `/etc/a.conf`");
        check_left(ID, &run("mkdir -p /var/lib/a"), "writes to `/var/lib/a`");
        check_left(ID, &run("sed -i s/a/b/ /etc/hosts.allow"), "writes to `/etc/hosts.allow`");
        check_left(ID, &run("cp /a /b"), "writes to `/b`");
        for script in [
            "app >/dev/null 2>&1",
            "mkdir /tmp/a; cp /a /tmp",
            "sed s/a/b/ /etc/a",
            "npm start",
            "touch $HOME/a",
        ] {
            check_levels(ID, &run(script), &[Level::Review]);
        }
        check_levels(ID, &run("cd /tmp; echo > a; sed -i s/a/b/ a"), &[Level::Review]);
        check_left(ID, &run("cd /srv; echo > a"), "writes to `a`");
        let hook = ", lifecycle: {postStart: {exec: {command: [sh, -c, date > /started]}}}";
        check_left(ID, &of_image("r.io/a", hook), "writes to `/started`");
        check_levels(ID, &of_image("r.io/a", ", workingDir: /tmp, command: [touch, a]"), &[Level::Review]);
        let known = of_image("nginx:1.27", ", args: [sh, -c, echo > /etc/x]");
        check_levels(ID, &known, &[Level::Review]);
        let (_, _, reason) = fixes(&only(ID), &pod(&known)).remove(0);
        assert!(reason.contains("`/etc/x`"), "{reason}");
    }

    #[test]
    fn rows_of_the_user_are_looked_at() {
        let row = "{image: r.io/a, uid: 7, writable: [/cache]}";
        let entry = serde_yaml::from_str(row).unwrap();
        let catalogue = crate::images::Catalogue::builtin().with([entry]);
        let settings = Settings { catalogue: catalogue.into(), ..only(ID) };
        let fixed = fix(&settings, &pod(&of_image("r.io/a", "")));
        assert!(fixed.contains("mountPath: /cache}, {name: tmp, mountPath: /tmp}"), "{fixed}");
        check_with(&settings, &fixed, &fixed);
    }

    #[test]
    fn malformed_values_are_left() {
        check_left(
            ID,
            &of_image("r.io/a", ", securityContext: {readOnlyRootFilesystem: 'true'}"),
            "is text, not a truth value",
        );
        check_left(ID, &of_image("r.io/a", ", volumeMounts: text"), "`volumeMounts`");
        check_left(ID, &format!("{}\nvolumes: {{}}", of_image("r.io/a", "")), "`volumes`");
    }
}
