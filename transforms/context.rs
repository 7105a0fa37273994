//! What a transform sees: a pod, the settings, and what the transforms before it have planned.

use std::collections::HashMap;

use rewriter::{Edit, Path, Value};

use crate::images::{Confidence, Match, User};
use crate::model::{Container, Malformed, Pod};
use crate::settings::Settings;
use crate::support::{Finding, Fix, Level, Meta, Outcome};

/// What a transform sees.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a, 'd> {
    /// The pod to look at.
    pub pod: &'a Pod<'d>,
    /// The user's decisions.
    pub settings: &'a Settings,
    pub(crate) plan: &'a Plan,
}

/// The values that accepted fixes put into a document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    values: HashMap<Path, (Value, Level)>,
}

impl Plan {
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

/// As whom a container's process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user id, where it is known.
    pub uid: Option<i64>,
    /// Whether it is root, where that is known.
    pub is_root: Option<bool>,
    /// Whether the manifest itself or a sure match in the image catalogue says so. A value that a fix of level
    /// review writes is no evidence.
    pub certain: bool,
}

impl Identity {
    const UNKNOWN: Self = Self { uid: None, is_root: None, certain: false };

    fn of(uid: i64, certain: bool) -> Self {
        Self { uid: Some(uid), is_root: Some(uid == 0), certain }
    }

    /// Whether it is somebody else than root, certain or not.
    pub fn is_non_root(self) -> bool {
        self.is_root == Some(false)
    }

    /// Whether there is proof that it is somebody else than root.
    pub fn is_surely_non_root(self) -> bool {
        self.certain && self.is_non_root()
    }
}

impl Context<'_, '_> {
    /// The value that an earlier transform puts at `path`; null for one that it removes.
    pub fn planned(&self, path: &Path) -> Option<&Value> {
        self.plan.values.get(path).map(|(value, _)| value)
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

    /// As whom the container runs, after what is planned: by its own values, the pod's, and the image's, in
    /// this order.
    pub fn identity(&self, container: &Container<'_>) -> Result<Identity, Malformed> {
        let (own, pod) = (container.security_context()?, self.pod.security_context()?);
        for context in [&own, &pod] {
            match self.plan.values.get(&context.path().key("runAsUser")) {
                Some((Value::Integer(uid), level)) => return Ok(Identity::of(*uid, *level == Level::Safe)),
                Some(_) => {}
                None => {
                    if let Some(uid) = context.run_as_user()? {
                        return Ok(Identity::of(uid, true));
                    }
                }
            }
        }
        let by_image = self.identity_of_image(container);
        // The kubelet does not start such a container as root.
        if own.run_as_non_root()?.or(pod.run_as_non_root()?) == Some(true) && !by_image.is_non_root() {
            return Ok(Identity { uid: None, is_root: Some(false), certain: true });
        }
        Ok(by_image)
    }

    fn identity_of_image(&self, container: &Container<'_>) -> Identity {
        let Some(Match { entry, facts, confidence }) = self.image(container) else {
            return Identity::UNKNOWN;
        };
        let certain = confidence == Confidence::Exact;
        match (facts.user, facts.uid) {
            (Some(User::Root), _) => Identity::of(0, certain),
            (Some(User::Named | User::Numeric), uid) => Identity { uid, is_root: Some(false), certain },
            // A row without a source is one that the user wrote about an image of theirs.
            (None, Some(uid)) if entry.source.is_empty() => Identity::of(uid, certain),
            (None, _) => Identity::UNKNOWN,
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
