//! What may be written in a pod of a kind that is not quite a pod.

use std::fmt;

use rewriter::{Edit, Path, Step, Value};

use super::container::Container;
use super::pod::Pod;
use super::shape::{ContainerList, Rules, Shape};

/// Why an edit has no place in a pod of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: String,
    /// Whether a person could do it otherwise.
    pub needs_person: bool,
}

impl Pod<'_> {
    /// Whether the pod's own `securityContext` can be written. Where it cannot, what could stand there for all
    /// containers goes to each of them.
    pub fn has_pod_level(&self) -> bool {
        if !self.spec.takes("securityContext") {
            return false;
        }
        let probe = Edit::set(self.spec.place("securityContext").key("seccompProfile"), Value::Null);
        self.refusal(&probe, None).is_none()
    }

    /// Why `edit`, which is about `container` or about the pod, cannot be made in an object of this kind.
    pub fn refusal(&self, edit: &Edit, container: Option<&Container<'_>>) -> Option<Refusal> {
        let (shape, spec) = (self.form.shape, self.spec.path());
        if shape.is_none() && !self.form.is_spec {
            return None;
        }
        let path = edit.path();
        let Some(steps) = below(path, spec) else {
            return if below(path, self.template.path()).is_some() { None } else { self.refuse_around(edit) };
        };
        if shape.and_then(|shape| shape.fields.as_ref()).is_none()
            && self.form.is_spec
            && matches!(steps.first(), Some(Step::Key(key)) if key == "metadata")
        {
            return Some(self.without("metadata"));
        }
        let of_pod = shape.map_or_else(Rules::default, Shape::rules);
        let owner = self.owner(path, container);
        let of_container = owner.map(|container| {
            let rules = container.list.map_or_else(Rules::default, ContainerList::rules);
            (rules, below(path, container.section.path()).unwrap_or_default())
        });
        let forbidden = match of_container {
            // In some kinds the fields of a container stand among the pod's own.
            Some((rules, inner)) if inner.len() == steps.len() => {
                rules.forbid(inner, edit).and_then(|_| of_pod.forbid(steps, edit))
            }
            Some((rules, inner)) => rules.forbid(inner, edit),
            None => of_pod.forbid(steps, edit),
        };
        if let Some(field) = forbidden {
            return Some(self.without(&field));
        }
        let created = shape.and_then(|shape| shape.creates(steps, self.spec.node()));
        created.filter(|_| !matches!(edit, Edit::Remove { .. })).map(|field| Refusal {
            reason: format!(
                "`{field}` would take the place of the one that the operator of `{}` sets by itself, so it is changed \
                 only where it is written",
                self.object.kind
            ),
            needs_person: false,
        })
    }

    /// The container in which `path` lies.
    fn owner<'c, 'd: 'c>(
        &'c self,
        path: &Path,
        known: Option<&'c Container<'d>>,
    ) -> Option<&'c Container<'c>> {
        let holds = |container: &&Container<'_>| below(path, container.section.path()).is_some();
        if let Some(known) = known.filter(|known| holds(known)) {
            return Some(known);
        }
        let deepest = |container: &&Container<'_>| container.section.path().steps().len();
        self.containers.iter().filter(holds).max_by_key(deepest)
    }

    /// What stands around the pods of an object is changed for one that has it alone.
    fn refuse_around(&self, edit: &Edit) -> Option<Refusal> {
        let path = edit.path();
        let is_shared = self.has_siblings && self.form.around.is_some();
        is_shared.then(|| Refusal {
            reason: format!("`{path}` is shared by other pods of the object"),
            needs_person: true,
        })
    }

    fn without(&self, field: impl fmt::Display) -> Refusal {
        let kind = &self.object.kind;
        let reason = match self.object.api_version.rsplit_once('/') {
            Some((group, _)) => format!("the kind `{kind}` of `{group}` takes no `{field}` here"),
            None => format!("the kind `{kind}` takes no `{field}` here"),
        };
        Refusal { reason, needs_person: false }
    }
}

/// The steps from `above` to `path`, where it lies below or is the same.
fn below<'p>(path: &'p Path, above: &Path) -> Option<&'p [Step]> {
    path.steps().strip_prefix(above.steps())
}
