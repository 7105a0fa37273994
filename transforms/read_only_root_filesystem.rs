//! `readOnlyRootFilesystem`, with an empty volume for each path that has to stay writable.

use std::collections::{HashMap, HashSet};

use k8s_openapi::api::core::v1 as fragments;
use rewriter::Edit;

use crate::context::Context;
use crate::fragment;
use crate::images::{Confidence, Match, ReadOnlyRoot};
use crate::model::{Command, Container, Malformed, Mount, covers, installs_packages};
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
    /// files, caches, sockets, logs and generated configuration in places that nobody knew of cannot be
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
            .map(|(container, outcome)| Finding::of_container(&Self::META, container, &FIELD, outcome))
            .collect()
    }
}

fn judge(cx: &Context<'_, '_>, container: &Container<'_>, names: &mut Names) -> Result<Outcome, Malformed> {
    let context = container.security_context()?;
    let explicit = context.read_only_root_filesystem()?;
    if explicit == Some(true) {
        return Ok(Outcome::Satisfied);
    }
    let commands = container.commands();
    if let Some(program) = installs_packages(&commands) {
        return Ok(Outcome::left(format!("the {} installs packages with `{program}`", container.kind)));
    }
    let image = cx.image(container);
    let mounts = container.mounts()?;
    if let Some(path) = image.as_ref().and_then(|image| hidden_by_volume(image, &mounts)) {
        return Ok(Outcome::left(format!(
            "the image writes to `{path}` and needs its own files there; mount a volume that holds them"
        )));
    }
    let facts = image.as_ref().map(|image| &*image.facts);
    if facts.is_some_and(|facts| facts.read_only_root == ReadOnlyRoot::Fails) {
        return Ok(Outcome::left("the image is known not to run with a read-only root file system"));
    }
    let works = facts.is_some_and(|facts| facts.read_only_root == ReadOnlyRoot::Works);
    let is_sure = image.as_ref().is_some_and(|image| image.confidence == Confidence::Exact);
    let writable = facts.map_or(&[][..], |facts| &facts.writable).iter().map(String::as_str);
    let wanted: Vec<&str> = writable.chain((!(works && is_sure)).then_some("/tmp")).collect();
    let uncovered = uncovered(&wanted, &mounts);

    let known = works && is_sure && !container.has_command();
    let stray =
        writes_outside(&commands, mounts.iter().map(|mount| &*mount.path).chain(uncovered.iter().copied()));
    let (level, reason) = match (known, explicit, stray) {
        (false, _, Some(path)) | (_, Some(_), Some(path)) => {
            return Ok(Outcome::left(format!(
                "the {} writes to `{path}`, which no volume covers",
                container.kind
            )));
        }
        (_, Some(false), None) => {
            (Level::Review, "somebody wrote `readOnlyRootFilesystem: false`".to_owned())
        }
        (true, _, Some(path)) => {
            (Level::Review, format!("its command writes to `{path}`, which no volume covers"))
        }
        (true, _, None) => {
            (Level::Safe, "all paths that the image writes to are known and stay writable".to_owned())
        }
        (false, _, None) => (Level::Review, "the program may write to paths that nobody knew of".to_owned()),
    };
    let fragment = fragments::SecurityContext { read_only_root_filesystem: Some(true), ..Default::default() };
    let mut edits = fragment::merge(context.path(), &fragment);
    let mut summary = "set `readOnlyRootFilesystem: true`".to_owned();
    for path in &uncovered {
        let name = names.take(&container.name(), path);
        let mount = fragments::VolumeMount {
            name: name.clone(),
            mount_path: (*path).to_owned(),
            ..Default::default()
        };
        let volume = fragments::Volume {
            name,
            empty_dir: Some(fragments::EmptyDirVolumeSource::default()),
            ..Default::default()
        };
        edits.push(Edit::append(
            container.section.list("volumeMounts")?.path().clone(),
            fragment::value(&mount),
        ));
        edits.push(Edit::append(cx.pod.spec.list("volumes")?.path().clone(), fragment::value(&volume)));
    }
    if !uncovered.is_empty() {
        summary += &format!(" with an empty volume at `{}`", uncovered.join("`, `"));
    }
    Ok(Outcome::fix(level, summary, reason, edits))
}

/// A path that the image writes to beside files of its own, and no mount has filled.
fn hidden_by_volume<'i>(image: &'i Match<'_>, mounts: &[Mount<'_>]) -> Option<&'i str> {
    let is_mounted = |path: &&String| mounts.iter().any(|mount| covers(&mount.path, path));
    image.facts.needs_content.iter().find(|path| !is_mounted(path)).map(String::as_str)
}

/// The paths that lie below no mount and below no other of the paths.
///
/// A read-only mount counts: what lies below it could not be written so far either, and a mount point below
/// it could not be made.
fn uncovered<'p>(wanted: &[&'p str], mounts: &[Mount<'_>]) -> Vec<&'p str> {
    let mut uncovered: Vec<&str> = Vec::new();
    for path in wanted {
        let is_covered = mounts.iter().any(|mount| covers(&mount.path, path))
            || uncovered.iter().any(|other| covers(other, path));
        if !is_covered {
            uncovered.push(path);
        }
    }
    uncovered
}

/// A place that the commands write to and that none of `writable` covers.
fn writes_outside<'w>(commands: &[Command], writable: impl Iterator<Item = &'w str>) -> Option<String> {
    let writable: Vec<&str> = writable.chain(["/dev", "/proc", "/sys"]).collect();
    let is_outside = |path: &&str| {
        // What a variable stands for is not known.
        !path.starts_with('$')
            && !writable.iter().any(|directory| path.starts_with('/') && covers(directory, path))
    };
    commands
        .iter()
        .flat_map(|command| command.outputs.iter().map(String::as_str).chain(targets(command)))
        .find(is_outside)
        .map(str::to_owned)
}

/// The files that a command changes by its very purpose.
fn targets(command: &Command) -> Vec<&str> {
    let files = || command.arguments().filter(|word| !word.starts_with('-'));
    match command.program() {
        "mkdir" | "tee" | "touch" => files().collect(),
        "cp" | "install" | "ln" | "mv" => files().last().into_iter().collect(),
        "sed" if command.arguments().any(|word| word.starts_with("-i") || word == "--in-place") => {
            files().filter(|word| word.starts_with('/')).collect()
        }
        _ => Vec::new(),
    }
}

/// Gives out names for new volumes.
struct Names {
    taken: HashSet<String>,
    /// The last number behind a name that was taken.
    numbers: HashMap<String, usize>,
}

impl Names {
    fn of(cx: &Context<'_, '_>) -> Self {
        Self { taken: cx.pod.volumes().map(|(name, _)| name.to_owned()).collect(), numbers: HashMap::new() }
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
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => label.push(c),
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
