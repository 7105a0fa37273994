//! What a transform is, and what it says about a manifest.

use std::collections::HashSet;
use std::fmt;

use rewriter::{Edit, Path, Position};
use serde::Deserialize;

use crate::context::{Context, ObjectContext};
use crate::model::{Container, ContainerRef, Malformed, MountedVolume, Object, Pod, Section};
use crate::settings::Profile;

/// One rule: looks at a pod, and says for every container of it whether the rule is satisfied, what fixes it,
/// or why it is left.
pub trait Transform: Sync {
    /// What it is called and what it is about.
    fn meta(&self) -> &'static Meta;

    /// What it has to say about the pod of `cx`.
    ///
    /// Where satisfied rules are told ([`Settings::tells_satisfied`](crate::Settings::tells_satisfied)), every
    /// container gets at least one finding: its own, or the pod's that names it among those that
    /// inherit (see [`Finding::containers`]). Where a rule looks at single entries of a container, such as
    /// its mounts, each gets its own.
    ///
    /// A rule that is about other objects than pods says nothing here.
    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding>;

    /// What it has to say about an object of any kind, beside what concerns the pods in it.
    fn check_object(&self, _cx: &ObjectContext<'_, '_>) -> Vec<Finding> {
        Vec::new()
    }
}

/// What a transform is called and what it is about.
#[derive(Debug)]
pub struct Meta {
    /// The Kubernetes field that it sets, in kebab-case.
    pub id: &'static str,
    /// What is wrong where it is not satisfied.
    pub title: &'static str,
    /// The documentation, in Markdown, as it stands in the code.
    pub doc: &'static str,
    /// What kind of thing it is about.
    pub category: Category,
    /// How much an attacker gains without it.
    pub severity: Severity,
    /// The sections of CCE's container security pages that ask for it.
    pub pages: &'static [&'static str],
    /// The checks of the Pod Security Standards that it helps to pass.
    pub pod_security: &'static [&'static str],
    /// The profiles that it belongs to beside `cce`.
    pub profiles: &'static [Profile],
    /// Whether its fields may be set in a pod for Windows.
    pub on_windows: bool,
    /// The first version of the program that had it.
    pub since: &'static str,
    /// What to know about its fixes of level review; none where no fix has that level.
    pub review: Option<Review>,
}

impl Meta {
    /// The documentation without the space that a doc comment has in front of each line.
    pub fn documentation(&self) -> String {
        let lines: Vec<&str> = self.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        lines.join("\n").trim_end().to_owned()
    }
}

/// What a fix of level review may bring, and the way back.
#[derive(Debug)]
pub struct Review {
    /// What shows that it was a wrong guess: what the program, or `kubectl`, then says.
    pub symptom: &'static str,
    /// How to undo or to tune it.
    pub undo: &'static str,
}

/// What kind of thing a transform is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// As whom a container runs, and what that lets it do.
    Privilege,
    /// What it can write, and what it shares with the node's files.
    Files,
    /// How much of the node it can use up.
    Resources,
    /// Which of the node's namespaces it shares.
    Namespaces,
    /// Who can reach it, and whom it can reach.
    Network,
    /// On which nodes it runs.
    Scheduling,
    /// Whether what is written has the effect that it seems to have.
    Correctness,
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Privilege => "privilege",
            Self::Files => "files",
            Self::Resources => "resources",
            Self::Namespaces => "namespaces",
            Self::Network => "network",
            Self::Scheduling => "scheduling",
            Self::Correctness => "correctness",
        })
    }
}

/// How much an attacker gains where a rule is not satisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A further step is made easier.
    Low,
    /// A step is missing that stops many attacks.
    Medium,
    /// The way to the node or to other pods is open.
    High,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

/// How sure it is that a fix breaks nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A correctly behaving program cannot notice it, by what the manifest and the image catalogue prove.
    Safe,
    /// It hardens as asked for, but the program may rely on what it takes away.
    Review,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safe => "safe",
            Self::Review => "review",
        })
    }
}

/// A change that makes a rule satisfied. All its edits are made, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// How sure it is that nothing breaks.
    pub level: Level,
    /// What it does, as an order: ``set `runAsUser: 101` ``.
    pub summary: String,
    /// Why it has its level, and what to look at.
    pub reason: String,
    /// The changes of the document.
    pub edits: Vec<Edit>,
}

/// Why something stays as it is although the rule asks for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Why.
    pub reason: String,
    /// Whether a person has to do something about it; false for what stays on purpose.
    pub needs_person: bool,
}

/// What a transform concludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The rule is satisfied.
    Satisfied,
    /// This makes it so.
    Fix(Fix),
    /// A person has to look, or it stays on purpose.
    Left(Left),
}

impl Outcome {
    /// A fix of level safe.
    pub fn safe(summary: impl Into<String>, reason: impl Into<String>, edits: Vec<Edit>) -> Self {
        Self::fix(Level::Safe, summary, reason, edits)
    }

    /// A fix of level review.
    pub fn review(summary: impl Into<String>, reason: impl Into<String>, edits: Vec<Edit>) -> Self {
        Self::fix(Level::Review, summary, reason, edits)
    }

    /// A fix.
    pub fn fix(
        level: Level,
        summary: impl Into<String>,
        reason: impl Into<String>,
        edits: Vec<Edit>,
    ) -> Self {
        Self::Fix(Fix { level, summary: summary.into(), reason: reason.into(), edits })
    }

    /// Something that a person has to do.
    pub fn left(reason: impl Into<String>) -> Self {
        Self::Left(Left { reason: reason.into(), needs_person: true })
    }

    /// Something that stays on purpose.
    pub fn stays(reason: impl Into<String>) -> Self {
        Self::Left(Left { reason: reason.into(), needs_person: false })
    }
}

/// What a transform says about one place of a pod.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The transform.
    pub transform: &'static Meta,
    /// How much an attacker gains here: as much as the transform says, where nothing more is known.
    pub severity: Severity,
    /// The container that it is about; `None` for one about the whole pod.
    pub container: Option<ContainerRef>,
    /// For one about the pod: the containers that have no value of their own and get the pod's.
    pub inherited_by: Vec<ContainerRef>,
    /// The field, whether it is there or not.
    pub path: Path,
    /// The field in the text, or the nearest place above it.
    pub position: Position,
    /// What is to be done.
    pub outcome: Outcome,
}

impl Finding {
    /// About `keys` of a container. A malformed value is left, and the place is that value's.
    pub fn of_container(
        transform: &'static Meta,
        container: &Container<'_>,
        keys: &[&'static str],
        outcome: Result<Outcome, Malformed>,
    ) -> Self {
        let place = container.section.locate(keys);
        Self::new(transform, Some(container.reference()), place, outcome)
    }

    /// About `keys` of the pod's spec, for the containers that inherit from there.
    pub fn of_pod<'c, 'd: 'c>(
        transform: &'static Meta,
        pod: &Pod<'_>,
        keys: &[&'static str],
        inherited_by: impl IntoIterator<Item = &'c Container<'d>>,
        outcome: Result<Outcome, Malformed>,
    ) -> Self {
        let inherited_by = inherited_by.into_iter().map(Container::reference).collect();
        Self { inherited_by, ..Self::new(transform, None, pod.spec.locate(keys), outcome) }
    }

    /// A finding about a volume, for the containers that mount it.
    pub(crate) fn of_volume(
        transform: &'static Meta,
        volume: &MountedVolume<'_, '_>,
        outcome: Result<Outcome, Malformed>,
    ) -> Self {
        let mut containers = HashSet::new();
        let mounting = volume.mounts.iter().map(|(container, _)| *container);
        let inherited_by = mounting
            .filter(|container| containers.insert((container.kind, container.index)))
            .map(Container::reference)
            .collect();
        let keys: &[&str] =
            if volume.section.get("hostPath").is_some() { &["hostPath", "path"] } else { &[] };
        Self { inherited_by, ..Self::new(transform, None, volume.section.locate(keys), outcome) }
    }

    /// About `keys` of an object.
    pub fn of_object(
        transform: &'static Meta,
        object: &Object<'_>,
        keys: &[&'static str],
        outcome: Result<Outcome, Malformed>,
    ) -> Self {
        let place = match Section::new(Some(object.node), object.path.clone()) {
            Ok(section) => section.locate(keys),
            Err(_) => (object.path.clone(), object.position()),
        };
        Self::new(transform, None, place, outcome)
    }

    /// About a place, in a container or not.
    pub fn new(
        transform: &'static Meta,
        container: Option<ContainerRef>,
        (path, position): (Path, Position),
        outcome: Result<Outcome, Malformed>,
    ) -> Self {
        let finding = Self {
            transform,
            severity: transform.severity,
            container,
            inherited_by: Vec::new(),
            path,
            position,
            outcome: Outcome::Satisfied,
        };
        match outcome {
            Ok(outcome) => Self { outcome, ..finding },
            Err(Malformed { path, position, reason }) => {
                Self { path, position, outcome: Outcome::left(reason), ..finding }
            }
        }
    }

    /// The containers that the finding speaks for.
    pub fn containers(&self) -> impl Iterator<Item = &ContainerRef> {
        self.container.iter().chain(&self.inherited_by)
    }
}

/// Declares a transform: a unit struct whose documentation is also its [`Meta::doc`]. Where it has fixes of level
/// review, [`Review`] follows.
macro_rules! transform {
    (
        $(#[doc = $doc:literal])+
        $visibility:vis struct $name:ident {
            $($field:ident: $value:expr,)+
        }
        $(review {
            symptom: $symptom:expr,
            undo: $undo:expr,
        })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        $visibility struct $name;

        impl $name {
            /// What `explain` prints, and what the examples in it are executed for.
            pub(crate) const META: $crate::Meta = $crate::Meta {
                doc: concat!($($doc, "\n"),+),
                $($field: $value,)+
                review: transform!(@review $($symptom, $undo)?),
            };
        }
    };
    (@review) => { None };
    (@review $symptom:expr, $undo:expr) => {
        Some($crate::Review { symptom: $symptom, undo: $undo })
    };
}

pub(crate) use transform;
