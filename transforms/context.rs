//! What a transform sees: a pod, the settings, and what the transforms before it have planned.

use std::collections::HashSet;

use foldhash::HashMap;
use rewriter::{Edit, Path, Value};

use crate::evidence::Evidence;
use crate::images::{Catalogue, Match};
use crate::model::{Container, List, Malformed, Mount, MountedVolume, Object, Pod, Volume, gains_privileges};
use crate::settings::Settings;
use crate::support::{Finding, Fix, Level, Meta, Outcome};
use crate::suppression::Suppressions;

/// What a transform sees.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a, 'd> {
    /// The pod to look at.
    pub pod: &'a Pod<'d>,
    /// The user's decisions.
    pub settings: &'a Settings,
    /// What the run's other documents tell.
    pub evidence: &'a Evidence,
    pub(crate) plan: &'a Plan,
    pub(crate) suppressions: &'a Suppressions,
    pub(crate) images: &'a Images<'a>,
    pub(crate) volumes: &'a Result<Vec<MountedVolume<'a, 'd>>, Malformed>,
}

/// What the catalogue knows about the images of a pod's containers, looked up once for all transforms.
#[derive(Clone, Debug)]
pub(crate) struct Images<'a> {
    by_container: Vec<Option<Match<'a>>>,
}

impl<'a> Images<'a> {
    pub(crate) fn of(pod: &Pod<'_>, catalogue: &'a Catalogue) -> Self {
        let look_up = |container: &Container<'_>| catalogue.lookup(&container.image()?);
        Self { by_container: pod.containers.iter().map(look_up).collect() }
    }
}

/// What a transform sees of an object as a whole, with pods in it or without.
#[derive(Clone, Copy, Debug)]
pub struct ObjectContext<'a, 'd> {
    /// The object to look at.
    pub object: &'a Object<'d>,
    /// The user's decisions.
    pub settings: &'a Settings,
    /// What the run's other documents tell.
    pub evidence: &'a Evidence,
}

/// The values that accepted fixes put into a document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    values: HashMap<Path, (Value, Level)>,
    /// The lists that get further items.
    appended: HashSet<Path>,
}

impl Plan {
    /// The value that is planned for `path`, null for one that goes, and the level of its fix.
    pub(crate) fn get(&self, path: &Path) -> Option<&(Value, Level)> {
        self.values.get(path)
    }

    pub(crate) fn accept(&mut self, fix: &Fix) {
        for edit in &fix.edits {
            let value = match edit {
                Edit::Set { value, .. } => value.clone(),
                Edit::Remove { neutral, .. } => neutral.clone().unwrap_or(Value::Null),
                // What is added to a list leaves the list's other items as they are.
                Edit::Append { path, .. } => {
                    self.appended.insert(path.clone());
                    continue;
                }
            };
            self.values.insert(edit.path().clone(), (value, fix.level));
        }
    }
}

impl<'a> Context<'a, '_> {
    /// Whether an earlier transform adds items to the list at `path`.
    pub fn is_appended(&self, path: &Path) -> bool {
        self.plan.appended.contains(path)
    }

    /// `list`, or, where that is no list, the one of texts that an earlier transform puts in its place.
    pub fn repaired<'l>(&self, list: Result<List<'l>, Malformed>) -> Result<List<'l>, Malformed> {
        list.or_else(|malformed| {
            let planned = self.planned(&malformed.path);
            planned.and_then(|value| List::planned(&malformed.path, value)).ok_or(malformed)
        })
    }

    /// The value that an earlier transform puts at `path`; null for one that it removes.
    pub fn planned(&self, path: &Path) -> Option<&Value> {
        self.plan.get(path).map(|(value, _)| value)
    }

    /// What the container names that gains privileges when it starts: a setuid program, or one that makes
    /// namespaces of its own, for which it has such helpers.
    pub(crate) fn gains_privileges(&self, container: &Container<'_>) -> Result<Option<String>, Malformed> {
        if let Some(program) = gains_privileges(container)? {
            return Ok(Some(program.to_owned()));
        }
        let image = container.image().unwrap_or_default();
        let word = self.settings.catalogue.needs_unconfined_syscalls(&image);
        Ok(word.map(|word| word.trim_end_matches('*').to_owned()))
    }

    /// What the catalogue knows about the container's image.
    pub fn image(&self, container: &Container<'_>) -> Option<&'a Match<'a>> {
        self.images.by_container.get(container.number)?.as_ref()
    }

    /// Whether the container is privileged, after what is planned.
    pub fn is_privileged(&self, container: &Container<'_>) -> Result<bool, Malformed> {
        let context = container.security_context()?;
        match self.planned(&context.path().key("privileged")) {
            Some(value) => Ok(*value == Value::Bool(true)),
            None => Ok(context.privileged()?.unwrap_or(false)),
        }
    }

    /// Whether the pod shares the node's network, after what is planned.
    pub fn has_host_network(&self) -> Result<bool, Malformed> {
        self.shares("hostNetwork")
    }

    /// Whether the pod shares one of the node's namespaces by the field `key`, after what is planned.
    pub fn shares(&self, key: &'static str) -> Result<bool, Malformed> {
        match self.planned(&self.pod.spec.place(key)) {
            Some(value) => Ok(*value == Value::Bool(true)),
            None => self.pod.shares(key),
        }
    }

    /// The container's mounts without those that an earlier transform removes.
    pub fn mounts<'c, 's>(&self, container: &'c Container<'s>) -> Result<Vec<&'c Mount<'s>>, Malformed> {
        let mounts = container.mounts()?.iter();
        Ok(mounts.filter(|mount| !self.is_removed(mount.section.path())).collect())
    }

    /// Whether the volume is a path of the node, after what is planned.
    pub fn is_host_path(&self, volume: &Volume<'_>) -> bool {
        let path = volume.section.as_ref().map(|section| section.path().key("hostPath"));
        volume.source.is_host_path() && !path.is_some_and(|path| self.is_removed(&path))
    }

    /// Whether an earlier transform takes out what stands at `path`.
    pub fn is_removed(&self, path: &Path) -> bool {
        self.planned(path) == Some(&Value::Null)
    }

    /// One finding about the truth value `key` of the pod's spec, which `judge` looks at where it is true.
    pub(crate) fn flag(
        &self,
        transform: &'static Meta,
        key: &'static str,
        judge: impl FnOnce() -> Result<Outcome, Malformed>,
    ) -> Vec<Finding> {
        let outcome = match self.pod.shares(key) {
            Ok(false) => Ok(Outcome::Satisfied),
            Ok(true) => judge(),
            Err(malformed) => Err(malformed),
        };
        Vec::from_iter(self.of_pod(transform, &[key], &self.pod.containers, outcome))
    }

    /// A finding about each volume that `judge` is not satisfied with, which speaks for the containers that
    /// mount it; the other containers are satisfied.
    pub(crate) fn each_volume(
        &self,
        transform: &'static Meta,
        judge: impl Fn(&MountedVolume<'_, '_>) -> Result<Outcome, Malformed>,
    ) -> Vec<Finding> {
        let volumes = match self.volumes {
            Ok(volumes) => volumes,
            Err(malformed) => return vec![self.no_volumes(transform, malformed.clone())],
        };
        let judged = volumes.iter().map(|volume| (volume, judge(volume)));
        let findings = judged
            .filter(|(_, outcome)| *outcome != Ok(Outcome::Satisfied))
            .map(|(volume, outcome)| Finding::of_volume(transform, volume, outcome));
        self.with_others(transform, findings.collect())
    }

    /// The finding about volumes that cannot be read.
    pub(crate) fn no_volumes(&self, transform: &'static Meta, malformed: Malformed) -> Finding {
        Finding::of_pod(transform, self.pod, &["volumes"], &self.pod.containers, Err(malformed))
    }

    /// `findings`, and that the containers which they do not speak for are satisfied.
    pub(crate) fn with_others(&self, transform: &'static Meta, mut findings: Vec<Finding>) -> Vec<Finding> {
        let spoken: HashSet<_> =
            findings.iter().flat_map(Finding::containers).map(|it| (it.kind, it.index)).collect();
        let others = self.pod.containers.iter().filter(|it| !spoken.contains(&(it.kind, it.index)));
        let others = others.filter_map(|container| {
            self.of_container(transform, container, &["volumeMounts"], Ok(Outcome::Satisfied))
        });
        findings.extend(others.collect::<Vec<_>>());
        findings
    }

    /// The capabilities that the container adds, as they are spelt after what is planned. Those that a plan
    /// adds to the list are not among them.
    pub fn capabilities_add(&self, container: &Container<'_>) -> Result<Vec<String>, Malformed> {
        let list = container.security_context()?.capabilities_add()?;
        if self.planned(list.path()) == Some(&Value::Null) {
            return Ok(Vec::new());
        }
        let written = list.texts()?.into_iter().enumerate();
        let names = written.filter_map(|(index, name)| match self.planned(&list.path().index(index)) {
            Some(Value::String(name)) => Some(name.clone()),
            Some(_) => None,
            None => Some(name.into_owned()),
        });
        Ok(names.collect())
    }

    /// A finding about `keys` of each container.
    pub fn each_container(
        &self,
        transform: &'static Meta,
        keys: &[&'static str],
        judge: impl Fn(&Container<'_>) -> Result<Outcome, Malformed>,
    ) -> Vec<Finding> {
        let containers = self.pod.containers.iter();
        containers
            .filter_map(|container| self.of_container(transform, container, keys, judge(container)))
            .collect()
    }

    /// A finding about `keys` of a container; none about a satisfied rule that nobody wants to be told of.
    pub fn of_container(
        &self,
        transform: &'static Meta,
        container: &Container<'_>,
        keys: &[&'static str],
        outcome: Result<Outcome, Malformed>,
    ) -> Option<Finding> {
        self.tells(&outcome).then(|| Finding::of_container(transform, container, keys, outcome))
    }

    /// The same about `keys` of the pod's spec, for the containers that inherit from there.
    pub fn of_pod<'c, 'd: 'c>(
        &self,
        transform: &'static Meta,
        keys: &[&'static str],
        inherited_by: impl IntoIterator<Item = &'c Container<'d>>,
        outcome: Result<Outcome, Malformed>,
    ) -> Option<Finding> {
        self.tells(&outcome).then(|| Finding::of_pod(transform, self.pod, keys, inherited_by, outcome))
    }

    /// Satisfied rules are most of what there is to say, and to find the place of each takes its time.
    fn tells(&self, outcome: &Result<Outcome, Malformed>) -> bool {
        self.settings.tells_satisfied || !matches!(outcome, Ok(Outcome::Satisfied))
    }
}
