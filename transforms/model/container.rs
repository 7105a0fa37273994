//! A container of a pod.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use super::script::{Command, commands};
use super::section::{Malformed, Section};
use super::security_context::SecurityContext;
use super::shape::ContainerList;
use super::volume::Mount;

/// What part a container has in its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContainerKind {
    /// It runs before the others and ends.
    Init,
    /// It is listed with the init containers and runs on beside the others.
    Sidecar,
    /// It does the pod's work.
    Main,
    /// Somebody put it into the running pod to look around.
    Ephemeral,
}

impl ContainerKind {
    /// A kind for each list of containers.
    pub(super) const LISTS: [Self; 3] = [Self::Init, Self::Main, Self::Ephemeral];

    /// The key of the list that it stands in.
    pub fn list(self) -> &'static str {
        match self {
            Self::Init | Self::Sidecar => "initContainers",
            Self::Main => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

impl fmt::Display for ContainerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Init => "init container",
            Self::Sidecar => "sidecar",
            Self::Main => "container",
            Self::Ephemeral => "ephemeral container",
        })
    }
}

/// Which container of a pod something is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerRef {
    /// What part it has in the pod.
    pub kind: ContainerKind,
    /// Its number in its list, from zero.
    pub index: usize,
    /// Its name; empty where it has none.
    pub name: String,
}

impl fmt::Display for ContainerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.name)
    }
}

/// A container of a pod.
#[derive(Clone, Debug)]
pub struct Container<'d> {
    /// What part it has in the pod.
    pub kind: ContainerKind,
    /// Its number among those of its part in the pod, from zero.
    pub index: usize,
    /// Its number among all containers of the pod.
    pub(crate) number: usize,
    /// Its map.
    pub section: Section<'d>,
    /// What the table of kinds says about it, where it stands in no list of a pod.
    pub(super) list: Option<&'static ContainerList>,
    name: Cow<'d, str>,
    // Read once, because nearly every transform asks.
    security_context: Result<SecurityContext<'d>, Malformed>,
    mounts: Result<Vec<Mount<'d>>, Malformed>,
    commands: OnceCell<Result<Vec<Command>, Malformed>>,
    ports: OnceCell<Result<Vec<i64>, Malformed>>,
}

impl<'d> Container<'d> {
    pub(super) fn new(list: ContainerKind, index: usize, number: usize, section: Section<'d>) -> Self {
        let restarts = section.get("restartPolicy").is_some_and(|policy| policy.is_text("Always"));
        let kind = if list == ContainerKind::Init && restarts { ContainerKind::Sidecar } else { list };
        let name = section.get("name").map_or(Cow::Borrowed(""), |name| name.text());
        Self {
            kind,
            index,
            number,
            security_context: SecurityContext::of(&section),
            mounts: read_mounts(&section),
            section,
            list: None,
            name,
            commands: OnceCell::new(),
            ports: OnceCell::new(),
        }
    }

    /// Its name; empty where it has none.
    pub fn name(&self) -> Cow<'d, str> {
        match (&*self.name, self.list) {
            ("", Some(list)) => Cow::Borrowed(list.name.as_deref().unwrap_or_default()),
            _ => self.name.clone(),
        }
    }

    /// Which one it is.
    pub fn reference(&self) -> ContainerRef {
        ContainerRef { kind: self.kind, index: self.index, name: self.name().into_owned() }
    }

    /// Its image as it is written; `None` where there is none.
    pub fn image(&self) -> Option<Cow<'d, str>> {
        self.section.get("image").map(|image| image.text()).filter(|image| !image.is_empty())
    }

    /// Whether it may be changed: an ephemeral container may not, and one without an image only completes
    /// what is written elsewhere.
    pub fn is_editable(&self) -> bool {
        self.kind != ContainerKind::Ephemeral && self.image().is_some()
    }

    /// Its `securityContext`.
    pub fn security_context(&self) -> Result<&SecurityContext<'d>, Malformed> {
        self.security_context.as_ref().map_err(Clone::clone)
    }

    /// Its `volumeMounts`.
    pub fn mounts(&self) -> Result<&[Mount<'d>], Malformed> {
        self.mounts.as_deref().map_err(Clone::clone)
    }

    /// Whether it gets the node's block devices.
    pub fn has_volume_devices(&self) -> bool {
        self.section.list("volumeDevices").is_ok_and(|devices| !devices.is_empty())
    }

    /// The ports that it declares or is probed at.
    pub fn ports(&self) -> Result<&[i64], Malformed> {
        known(&self.ports, || self.find_ports()).map(Vec::as_slice)
    }

    fn find_ports(&self) -> Result<Vec<i64>, Malformed> {
        let mut ports = Vec::new();
        for port in self.section.list("ports")?.sections() {
            ports.extend(port?.integer("containerPort")?);
        }
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            if self.section.get(probe).is_none() {
                continue;
            }
            let probe = self.section.section(probe)?;
            for handler in ["httpGet", "tcpSocket", "grpc"] {
                // A port's name stands for one that `ports` declares.
                ports.extend(probe.section(handler)?.get("port").and_then(|port| port.as_integer()));
            }
        }
        Ok(ports)
    }

    /// The `httpGet` and `tcpSocket` maps of its probes and `lifecycle` hooks, as far as they are there.
    pub fn handlers(&self) -> Result<Vec<Section<'d>>, Malformed> {
        let lifecycle = self.section.section("lifecycle")?;
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|key| (&self.section, key));
        let hooks = ["postStart", "preStop"].map(|key| (&lifecycle, key));
        let mut handlers = Vec::new();
        for (owner, key) in probes.into_iter().chain(hooks) {
            if owner.get(key).is_none() {
                continue;
            }
            let owner = owner.section(key)?;
            for kind in ["httpGet", "tcpSocket"] {
                handlers.extend(Some(owner.section(kind)?).filter(Section::exists));
            }
        }
        Ok(handlers)
    }

    /// The value of the environment variable `name`, where the manifest itself gives it.
    pub fn variable(&self, name: &str) -> Result<Option<Cow<'d, str>>, Malformed> {
        let mut value = None;
        for variable in self.section.list("env")?.sections() {
            let variable = variable?;
            if variable.text("name")?.is_some_and(|found| found == name) {
                // The last one of a name counts.
                value = variable.text("value")?;
            }
        }
        Ok(value)
    }

    /// `command` and `args` one after the other.
    pub fn command_line(&self) -> Result<Vec<Cow<'d, str>>, Malformed> {
        let (command, args) = (self.section.list("command")?, self.section.list("args")?);
        Ok(command.items().chain(args.items()).map(|(_, word)| word.text()).collect())
    }

    /// Whether it replaces the image's own entry point.
    pub fn has_command(&self) -> bool {
        self.section.get("command").is_some()
    }

    /// The programs that it starts by `command`, `args`, its `lifecycle` hooks and its probes, those of shell
    /// scripts in them included.
    pub fn commands(&self) -> Result<&[Command], Malformed> {
        known(&self.commands, || self.find_commands()).map(Vec::as_slice)
    }

    fn find_commands(&self) -> Result<Vec<Command>, Malformed> {
        let mut found = commands(&self.command_line()?);
        if let Some(script) = self.list.and_then(|list| self.section.get(list.script.as_deref()?)) {
            found.extend(commands(&["sh".into(), "-c".into(), script.text()]));
        }
        let lifecycle = self.section.section("lifecycle")?;
        let hooks = ["postStart", "preStop"].map(|hook| (&lifecycle, hook));
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|probe| (&self.section, probe));
        for (owner, key) in hooks.into_iter().chain(probes) {
            if owner.get(key).is_some() {
                let action = owner.section(key)?;
                let words = action.section("exec")?.list("command")?;
                let words: Vec<_> = words.items().map(|(_, word)| word.text()).collect();
                found.extend(commands(&words));
            }
        }
        Ok(found)
    }

    /// `workingDir`, where one is written.
    pub fn working_directory(&self) -> Result<Option<Cow<'d, str>>, Malformed> {
        self.section.text("workingDir")
    }
}

fn read_mounts<'d>(container: &Section<'d>) -> Result<Vec<Mount<'d>>, Malformed> {
    container.list("volumeMounts")?.sections().map(|mount| Mount::new(mount?)).collect()
}

/// What `cell` holds, found by `find` where it is asked for first.
fn known<T>(
    cell: &OnceCell<Result<T, Malformed>>,
    find: impl FnOnce() -> Result<T, Malformed>,
) -> Result<&T, Malformed> {
    cell.get_or_init(find).as_ref().map_err(Clone::clone)
}
