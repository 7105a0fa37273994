//! `hostPath` volumes.

use k8s_openapi::api::core::v1 as fragments;
use rewriter::{Edit, Value};

use crate::context::Context;
use crate::fragment;
use crate::host_kubeconfig::HostKubeconfig;
use crate::model::{
    Container, ContainerKind, Malformed, Mount, MountedVolume, NodePath, NodePathRule, covers, is_same_place,
    written_places,
};
use crate::runtime_socket::RuntimeSocket;
use crate::settings::Profile;
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// With the node's own directories in a container, whoever is in the container reads the node's keys, and where
    /// they can be written, replaces its programs.
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
    ///       volumeMounts:
    ///         - name: node-etc
    ///           mountPath: /host/etc
    ///   volumes:
    ///     - name: node-etc
    ///       hostPath:
    ///         path: /etc
    /// ```
    ///
    /// is left for a person: which of the node's files the program wants, and from where else it can have them, the
    /// manifest does not tell. A claim, an `emptyDir` or a `ConfigMap` mostly does.
    ///
    /// It is about `/`, `/boot`, `/dev`, `/etc`, `/lib`, `/proc`, `/sys`, `/usr` and what lies below them, and about
    /// further paths that lead as far, among them the kubelet's and the runtimes' data, logs, and CCE's own
    /// directories. The profiles of Pod Security allow no `hostPath` at all. Each volume has its own finding.
    ///
    /// The node's time zone (`/etc/localtime`, `/etc/timezone`, `/usr/share/zoneinfo`), mounted read-only, may stay
    /// in profile `cce`.
    ///
    /// Three settings ask for edits: `timezone: Asia/Shanghai` replaces those files by the variable `TZ`, `empty-dir:
    /// [/tmp]` replaces scratch paths of the node by an `emptyDir`, and `read-only: true` mounts the paths above
    /// read-only where nothing shows that they are written to.
    ///
    /// ## Safety
    ///
    /// Review for the edits that a setting asks for: a program may find another time, an empty directory, or one in
    /// which it cannot write.
    ///
    /// Left for a person: everything else.
    pub(crate) struct HostPath {
        id: "host-path",
        title: "the container has directories of its node",
        category: Category::Files,
        severity: Severity::High,
        pages: &["Ensuring Container Security"],
        pod_security: &["hostPathVolumes", "restrictedVolumes"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "the program finds another time, an empty directory, or `Read-only file system` and \
            `Permission denied` on the volume",
        undo: "take back the edit of this volume, or leave its path out of `transforms.host-path` in \
            `.cce-fix.yaml`",
    }
}

const KEY: &str = "hostPath";

/// What a person does where nothing better is known.
const INSTEAD: &str = "take a claim, an `emptyDir` or a ConfigMap instead";

impl Transform for HostPath {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let meta = &Self::META;
        let volumes = match cx.volumes {
            Ok(volumes) => volumes,
            Err(malformed) => return vec![cx.no_volumes(meta, malformed.clone())],
        };
        // One fix for all of them, because they share the variable.
        let mut zones: Vec<&MountedVolume<'_, '_>> = Vec::new();
        let mut findings = Vec::new();
        for volume in volumes {
            let outcome = match volume.host_path() {
                Ok(None) => continue,
                Ok(Some(path)) if is_time_zone(&path) && cx.settings.host_path.timezone.is_some() => {
                    zones.push(volume);
                    continue;
                }
                Ok(Some(path)) => judge(cx, volume, &path),
                Err(malformed) => Err(malformed),
            };
            if outcome != Ok(Outcome::Satisfied) {
                let severity =
                    volume.host_path().ok().flatten().map_or(meta.severity, |path| severity(&path));
                findings.push(Finding { severity, ..Finding::of_volume(meta, volume, outcome) });
            }
        }
        if let (Some(zone), [first, others @ ..]) = (&cx.settings.host_path.timezone, zones.as_slice()) {
            let mut finding = Finding::of_volume(meta, first, set_time_zone(zone, &zones));
            for volume in others {
                let more = Finding::of_volume(meta, volume, Ok(Outcome::Satisfied)).inherited_by;
                for container in more {
                    if !finding.inherited_by.contains(&container) {
                        finding.inherited_by.push(container);
                    }
                }
            }
            findings.push(Finding { severity: Severity::Low, ..finding });
        }
        cx.with_others(meta, findings)
    }
}

fn judge(cx: &Context<'_, '_>, volume: &MountedVolume<'_, '_>, path: &str) -> Result<Outcome, Malformed> {
    let settings = &cx.settings.host_path;
    let is_cce = cx.settings.profile == Profile::Cce;
    if is_time_zone(path) {
        return judge_time_zone(cx, volume, path);
    }
    if settings.empty_dir.iter().any(|scratch| is_same_place(scratch, path)) && is_directory(volume)? {
        let edits = vec![
            Edit::remove(volume.section.path().key(KEY), None),
            Edit::set(volume.section.path().key("emptyDir"), Value::Mapping(Vec::new())),
        ];
        let reason = format!(
            "{volume} is the node's `{path}`, which the configuration names as scratch; what lies there is not seen \
             any more, and what is written goes with the pod"
        );
        return Ok(Outcome::review("replace the `hostPath` by an `emptyDir`", reason, edits));
    }
    let row = match NodePath::of(path) {
        None if is_cce => return Ok(Outcome::Satisfied),
        row => row,
    };
    if let Some(outcome) = spoken_for(cx, &HostPath::META, path) {
        return Ok(outcome);
    }
    let why = row.map_or("Pod Security allows no `hostPath`", |row| &row.why);
    let advice = row.and_then(|row| row.instead.as_deref()).unwrap_or(INSTEAD);
    if !settings.read_only || !is_cce {
        return Ok(Outcome::left(sentence(cx, volume, path, why, advice)));
    }
    let writable = writable_mounts(volume)?;
    if writable.is_empty() {
        let reason = sentence(cx, volume, path, why, "it is mounted read-only, as the configuration asks");
        return Ok(Outcome::stays(reason));
    }
    Ok(match keeps_writable(cx, volume, path, &writable)? {
        Some(obstacle) => {
            let advice = format!("it is not made read-only, because {obstacle}; {advice}");
            Outcome::left(sentence(cx, volume, path, why, &advice))
        }
        None => Outcome::review(
            "set `readOnly: true` on its mounts",
            sentence(cx, volume, path, why, "nothing shows that it is written to, but a program may do so"),
            make_read_only(&writable),
        ),
    })
}

/// Whether the path is the node's time zone, which harms nothing where it cannot be written to.
fn is_time_zone(path: &str) -> bool {
    ["/etc/localtime", "/etc/timezone"].iter().any(|file| is_same_place(file, path))
        || covers("/usr/share/zoneinfo", path)
}

fn judge_time_zone(
    cx: &Context<'_, '_>,
    volume: &MountedVolume<'_, '_>,
    path: &str,
) -> Result<Outcome, Malformed> {
    let why = "it is the node's time zone";
    if cx.settings.profile != Profile::Cce {
        let advice =
            "Pod Security allows no `hostPath`; the variable `TZ` does the same in images that have the data";
        return Ok(Outcome::left(sentence(cx, volume, path, why, advice)));
    }
    let writable = writable_mounts(volume)?;
    if writable.is_empty() {
        return Ok(Outcome::stays(sentence(cx, volume, path, why, "read-only it harms nothing")));
    }
    if cx.settings.host_path.read_only && writable.iter().all(|(container, _)| container.is_editable()) {
        let reason = sentence(cx, volume, path, why, "nobody should set it from within a container");
        return Ok(Outcome::review("set `readOnly: true` on its mounts", reason, make_read_only(&writable)));
    }
    Ok(Outcome::left(sentence(cx, volume, path, why, "mount it with `readOnly: true`")))
}

/// Removes the volumes and their mounts, and gives the containers the variable instead.
fn set_time_zone(zone: &str, volumes: &[&MountedVolume<'_, '_>]) -> Result<Outcome, Malformed> {
    let mut edits = Vec::new();
    let mut told: Vec<(ContainerKind, usize)> = Vec::new();
    let names: Vec<String> = volumes.iter().map(ToString::to_string).collect();
    for volume in volumes {
        edits.push(Edit::remove(volume.section.path().clone(), None));
        for (container, mount) in &volume.mounts {
            if !container.is_editable() {
                return Ok(Outcome::left(format!(
                    "{} has the node's time zone and cannot be changed, so that {volume} has to stay",
                    container.reference()
                )));
            }
            edits.push(Edit::remove(mount.section.path().clone(), None));
            if told.contains(&(container.kind, container.index)) {
                continue;
            }
            told.push((container.kind, container.index));
            let env = container.section.list("env")?;
            let mut has_own = false;
            for variable in env.sections() {
                has_own |= variable?.text("name")?.is_some_and(|name| name == "TZ");
            }
            if !has_own {
                let variable = fragments::EnvVar {
                    name: "TZ".to_owned(),
                    value: Some(zone.to_owned()),
                    ..Default::default()
                };
                edits.push(Edit::append(env.path().clone(), fragment::value(&variable)));
            }
        }
    }
    let summary = format!("replace the node's time zone by `TZ: {zone}`");
    let reason =
        format!("{} goes; `TZ` counts for programs whose image has time zone data", names.join(", "));
    Ok(Outcome::review(summary, reason, edits))
}

/// How much the path tells or opens.
fn severity(path: &str) -> Severity {
    match NodePath::of(path) {
        Some(row) if !is_time_zone(path) => row.severity,
        _ => Severity::Low,
    }
}

/// Whether the volume is a directory, as far as its `type` tells.
fn is_directory(volume: &MountedVolume<'_, '_>) -> Result<bool, Malformed> {
    let kind = volume.section.section(KEY)?.text("type")?.unwrap_or_default();
    Ok(matches!(&*kind, "" | "Directory" | "DirectoryOrCreate"))
}

/// The mounts through which the volume can be written to.
fn writable_mounts<'p, 'd>(
    volume: &MountedVolume<'p, 'd>,
) -> Result<Vec<(&'p Container<'d>, &'p Mount<'d>)>, Malformed> {
    let mut writable = Vec::new();
    for (container, mount) in &volume.mounts {
        if !mount.is_read_only()? {
            writable.push((*container, *mount));
        }
    }
    Ok(writable)
}

fn make_read_only(mounts: &[(&Container<'_>, &Mount<'_>)]) -> Vec<Edit> {
    mounts.iter().map(|(_, mount)| Edit::set(mount.section.path().key("readOnly"), true)).collect()
}

/// What shows that the mounts have to stay as they are, or that it would not help to make them read-only.
fn keeps_writable(
    cx: &Context<'_, '_>,
    volume: &MountedVolume<'_, '_>,
    path: &str,
    mounts: &[(&Container<'_>, &Mount<'_>)],
) -> Result<Option<String>, Malformed> {
    let kind = volume.section.section(KEY)?.text("type")?.unwrap_or_default();
    if matches!(&*kind, "Socket" | "CharDevice" | "BlockDevice")
        || covers("/dev", path)
        || covers("/run", path)
    {
        return Ok(Some("that does not keep anybody from using devices and sockets".to_owned()));
    }
    if kind.ends_with("OrCreate") {
        return Ok(Some(format!("`type: {kind}` makes it for somebody who writes there")));
    }
    for (container, mount) in mounts {
        if !container.is_editable() {
            return Ok(Some(format!("{} cannot be changed", container.reference())));
        }
        if mount.section.text("mountPropagation")?.is_some_and(|mode| mode == "Bidirectional") {
            return Ok(Some(format!("{} mounts something there", container.reference())));
        }
        let is_below = |place: &str| covers(&mount.path, place);
        let mounts = container.mounts()?;
        let mut others = mounts.iter().filter(|other| !is_same_place(&other.path, &mount.path));
        if let Some(other) = others.find(|other| is_below(&other.path)) {
            // Where the directory for it is not there yet, the runtime could not make it.
            return Ok(Some(format!("{} mounts `{}` in it", container.reference(), other.path)));
        }
        let commands = container.commands()?;
        let written = written_places(container, commands)?;
        if let Some(place) = written.iter().find(|place| place.path.as_deref().is_some_and(is_below)) {
            return Ok(Some(format!("{} writes to `{}`", container.reference(), place.text)));
        }
        let image = cx.image(container);
        let writable = image.iter().flat_map(|image| &image.facts.writable);
        if let Some(place) = writable.map(String::as_str).find(|place| is_below(place)) {
            return Ok(Some(format!("the image of {} writes to `{place}`", container.reference())));
        }
    }
    Ok(None)
}

/// What `transform` says where the finding of a more specific one that runs stands for the path.
pub(crate) fn spoken_for(cx: &Context<'_, '_>, transform: &Meta, path: &str) -> Option<Outcome> {
    let most_specific = match NodePath::of(path).map(|row| row.rule) {
        Some(NodePathRule::RuntimeSocket) => &RuntimeSocket::META,
        Some(NodePathRule::HostKubeconfig) => &HostKubeconfig::META,
        Some(NodePathRule::HostPath) | None => &HostPath::META,
    };
    let speaker = [most_specific, &HostPath::META].into_iter().find(|meta| cx.settings.runs(meta))?;
    (speaker.id != transform.id)
        .then(|| Outcome::stays(format!("see `{}` about the node's `{path}`", speaker.id)))
}

/// A sentence about a volume that is a path of the node.
pub(crate) fn sentence(
    cx: &Context<'_, '_>,
    volume: &MountedVolume<'_, '_>,
    path: &str,
    why: &str,
    advice: &str,
) -> String {
    let mut sentence = format!("{volume} is the node's `{path}`: {why}; {advice}");
    if cx.pod.bursts_to_cci() {
        sentence
            .push_str("; Cloud Container Instance, for which the pod has a label, has no `hostPath` volumes");
    }
    sentence
}

#[cfg(test)]
mod tests;
