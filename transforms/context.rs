//! What a transform sees: a pod, the settings, and what the transforms before it have planned.

use std::collections::HashMap;

use rewriter::{Edit, Path, Value};

use crate::evidence::Evidence;
use crate::images::Match;
use crate::model::{Container, Malformed, Object, Pod};
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
                Edit::Append { .. } => continue,
            };
            self.values.insert(edit.path().clone(), (value, fix.level));
        }
    }
}

impl Context<'_, '_> {
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
        self.shares("hostNetwork")
    }

    /// Whether the pod shares one of the node's namespaces by the field `key`, after what is planned.
    pub fn shares(&self, key: &'static str) -> Result<bool, Malformed> {
        match self.planned(&self.pod.spec.path().key(key)) {
            Some(value) => Ok(*value == Value::Bool(true)),
            None => self.pod.shares(key),
        }
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
            .map(|container| Finding::of_container(transform, container, keys, judge(container)))
            .collect()
    }
}
