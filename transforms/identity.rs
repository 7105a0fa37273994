//! As whom a container runs, and as whom it could.

mod new_user;
mod replacement;

use rewriter::Value;

use crate::context::Context;
use crate::images::{Confidence, Match, Start, User};
use crate::model::{Container, Malformed, SecurityContext};
use crate::settings::{UidPolicy, Version};
use crate::support::{Finding, Level, Meta, Outcome};

pub(crate) use new_user::{FsGroup, own_edits, write};
pub(crate) use replacement::{Replaces, replacement};

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

/// The user to write for a container, and why this one.
#[derive(Clone, Debug)]
pub(crate) struct NewUser {
    pub(crate) uid: i64,
    /// Not where the files of the image belong to group 0, or its group is not known.
    pub(crate) gid: Option<i64>,
    pub(crate) level: Level,
    pub(crate) reason: String,
}

/// Why there is no user to write.
#[derive(Clone, Debug)]
pub(crate) enum NoUser {
    /// A person has to tell, for this reason.
    Left(String),
    /// Nothing is known about the image, in these words, and the settings forbid to guess.
    NotGuessed(String),
}

impl From<NoUser> for Outcome {
    fn from(no_user: NoUser) -> Self {
        match no_user {
            NoUser::Left(reason) => Self::left(reason),
            NoUser::NotGuessed(why) => Self::stays(format!("{why}, and no user is to be guessed")),
        }
    }
}

/// The first version whose Pod Security lets a pod with users of its own run as root in it.
const OWN_USERS_SINCE: Version = Version { minor: 35 };

impl Context<'_, '_> {
    /// As whom the container runs, after what is planned: by its own values, the pod's, and the image's, in
    /// this order.
    pub fn identity(&self, container: &Container<'_>) -> Result<Identity, Malformed> {
        let (own, pod) = (container.security_context()?, self.pod.security_context()?);
        for context in [&own, &pod] {
            if let Some((uid, certain)) = self.user(context)? {
                return Ok(Identity::of(uid, certain));
            }
        }
        let by_image = self.identity_of_image(container);
        for context in [&own, &pod] {
            match self.non_root(context)? {
                // The kubelet does not start such a container as root.
                Some((true, certain)) if !by_image.is_non_root() => {
                    return Ok(Identity { uid: None, is_root: Some(false), certain });
                }
                Some(_) => break,
                None => {}
            }
        }
        Ok(by_image)
    }

    /// `runAsUser` of a container or pod, after what is planned, and whether it is more than a fix of level
    /// review.
    pub(crate) fn user(&self, context: &SecurityContext<'_>) -> Result<Option<(i64, bool)>, Malformed> {
        Ok(match self.plan.get(&context.path().key("runAsUser")) {
            Some((Value::Integer(uid), level)) => Some((*uid, *level == Level::Safe)),
            Some(_) => None,
            None => context.run_as_user()?.map(|uid| (uid, true)),
        })
    }

    /// The same of `runAsNonRoot`.
    fn non_root(&self, context: &SecurityContext<'_>) -> Result<Option<(bool, bool)>, Malformed> {
        Ok(match self.plan.get(&context.path().key("runAsNonRoot")) {
            Some((Value::Bool(value), level)) => Some((*value, *level == Level::Safe)),
            Some(_) => None,
            None => context.run_as_non_root()?.map(|value| (value, true)),
        })
    }

    /// The findings about `keys` of each container where root in the pod is nobody on the node, so that Pod
    /// Security lets containers be root.
    pub(crate) fn excused_by_own_users(
        &self,
        transform: &'static Meta,
        keys: &[&'static str],
    ) -> Option<Vec<Finding>> {
        if self.settings.target < OWN_USERS_SINCE {
            return None;
        }
        let outcome = match self.pod.spec.truth("hostUsers") {
            Ok(Some(false)) => Ok(Outcome::Satisfied),
            Ok(_) => return None,
            Err(malformed) => Err(malformed),
        };
        Some(self.each_container(transform, keys, |_| outcome.clone()))
    }

    fn identity_of_image(&self, container: &Container<'_>) -> Identity {
        let Some(Match { entry, facts, confidence }) = self.image(container) else {
            return Identity::UNKNOWN;
        };
        let certain = *confidence == Confidence::Exact;
        match (facts.user, facts.uid) {
            (Some(User::Root), _) => Identity::of(0, certain),
            (Some(User::Named | User::Numeric), uid) => Identity { uid, is_root: Some(false), certain },
            // A row without a source is one that the user wrote about an image of theirs.
            (None, Some(uid)) if entry.source.is_empty() => Identity::of(uid, certain),
            (None, _) => Identity::UNKNOWN,
        }
    }

    /// The user that the container's image is made for, or the configured one.
    pub(crate) fn new_user(&self, container: &Container<'_>) -> Result<NewUser, NoUser> {
        let Some(image) = self.image(container) else {
            return self.guess("nothing is known about the image");
        };
        let Match { entry, facts, confidence } = image;
        if facts.start == Some(Start::Root) {
            return Err(NoUser::Left("the image is meant to stay root".to_owned()));
        }
        let is_named = matches!(facts.user, Some(User::Named | User::Numeric));
        let Some(uid) = facts.uid else {
            let what = match (is_named, facts.start) {
                (true, _) => "runs as a user of its own",
                (_, Some(Start::Switches)) => "starts as root and changes to a user",
                _ => return self.guess("the user that the image works as is not known"),
            };
            return Err(NoUser::Left(format!(
                "the image {what} whose number is not known here; write that number"
            )));
        };
        // A row without a source is one that the user wrote about an image of theirs.
        let is_own = is_named || entry.source.is_empty();
        let (level, reason) = match (confidence, is_own, facts.start) {
            (Confidence::Exact, true, _) => (Level::Safe, "the image runs as this user by itself".to_owned()),
            (Confidence::Exact, false, Some(Start::Switches)) => (
                Level::Review,
                "the image starts as root and changes to this user, which it now starts as".to_owned(),
            ),
            (Confidence::Exact, false, _) => {
                (Level::Review, "its vendor runs the image as this user".to_owned())
            }
            (Confidence::Tag | Confidence::BaseName, ..) => (
                Level::Review,
                format!("the image looks like `{}`, which is made for this user", entry.image),
            ),
        };
        Ok(NewUser { uid, gid: facts.run_as_group(), level, reason })
    }

    fn guess(&self, why: &str) -> Result<NewUser, NoUser> {
        let settings = self.settings.run_as_user;
        match settings.policy {
            UidPolicy::Inject => Ok(NewUser {
                uid: settings.uid,
                gid: Some(settings.gid),
                level: Level::Review,
                reason: format!("{why}, so its files may belong to another user"),
            }),
            UidPolicy::Image => Err(NoUser::NotGuessed(why.to_owned())),
        }
    }
}
