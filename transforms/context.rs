//! What a transform sees: a pod, the settings, and what the transforms before it have planned.

use std::collections::{HashMap, HashSet};

use rewriter::{Edit, Path, Value};

use crate::evidence::Evidence;
use crate::images::Match;
use crate::model::{Container, List, Malformed, Object, Pod};
use crate::settings::Settings;
use crate::support::{Finding, Fix, Level, Meta, Outcome};

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

impl Context<'_, '_> {
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

    /// What the catalogue knows about the container's image.
    pub fn image(&self, container: &Container<'_>) -> Option<Match<'_>> {
        self.settings.catalogue.lookup(&container.image()?)
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
        match self.planned(&self.pod.spec.path().key("hostNetwork")) {
            Some(value) => Ok(*value == Value::Bool(true)),
            None => self.pod.shares("hostNetwork"),
        }
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
            .map(|container| Finding::of_container(transform, container, keys, judge(container)))
            .collect()
    }
}
