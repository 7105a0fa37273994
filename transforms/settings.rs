//! What a user can decide about the transforms, as plain data.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::images::Catalogue;
use crate::model::Quantity;
use crate::support::Meta;

/// Every decision of a user, with what holds where there is none.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What counts as satisfied.
    pub profile: Profile,
    /// The Kubernetes version that the manifests are for.
    pub target: Version,
    /// Safe fixes alone.
    pub safe: bool,
    /// Fill in what is missing, change no value that somebody wrote.
    pub keep_explicit: bool,
    /// The ids of the transforms to run in place of the profile's own.
    pub select: Option<BTreeSet<String>>,
    /// Also change what belongs to the cluster itself: system namespaces and CCE's add-ons.
    pub include_system: bool,
    /// Of `run-as-user`.
    pub run_as_user: RunAsUser,
    /// Of `seccomp-profile`.
    pub seccomp_profile: SeccompProfile,
    /// Of `resources`.
    pub resources: Resources,
    /// What is known about images, the user's own rows included.
    pub catalogue: Cow<'static, Catalogue>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::Cce,
            target: Version { minor: 28 },
            safe: false,
            keep_explicit: false,
            select: None,
            include_system: false,
            run_as_user: RunAsUser::default(),
            seccomp_profile: SeccompProfile::default(),
            resources: Resources::default(),
            catalogue: Cow::Borrowed(Catalogue::builtin()),
        }
    }
}

impl Settings {
    /// Whether the transform is to run.
    pub fn runs(&self, meta: &Meta) -> bool {
        match &self.select {
            Some(ids) => ids.contains(meta.id),
            None => self.profile == Profile::Cce || meta.profiles.contains(&self.profile),
        }
    }
}

/// What a hardened manifest has to fulfil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// All that CCE's container security pages ask for.
    Cce,
    /// Pod Security Standards, level baseline.
    Baseline,
    /// Pod Security Standards, level restricted.
    Restricted,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cce => "cce",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        })
    }
}

/// A minor version of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The number behind `1.`.
    pub minor: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}

/// Why a text is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidVersion;

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a version such as `1.28` or `v1.28.15-r20`")
    }
}

impl std::error::Error for InvalidVersion {}

/// `1.28`, `v1.28`, `v1.28.15-r20`, `v1.19.16-r4-CCE22.11.1`.
impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let numbers = text.strip_prefix('v').unwrap_or(text).split('-').next().unwrap_or_default();
        let mut parts = numbers.split('.');
        let minor = match (parts.next(), parts.next()) {
            (Some("1"), Some(minor)) => minor.parse().map_err(|_| InvalidVersion)?,
            _ => return Err(InvalidVersion),
        };
        match (parts.next().map(str::parse::<u32>), parts.next()) {
            (None | Some(Ok(_)), None) => Ok(Self { minor }),
            _ => Err(InvalidVersion),
        }
    }
}

/// Settings of `run-as-user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunAsUser {
    /// User id for an image of which none is known.
    pub uid: i64,
    /// Group id for such an image.
    pub gid: i64,
    /// What to do about such an image.
    pub policy: UidPolicy,
}

impl Default for RunAsUser {
    fn default() -> Self {
        Self { uid: 1000, gid: 1000, policy: UidPolicy::Inject }
    }
}

/// What to do about an image whose user is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UidPolicy {
    /// Write the configured ids.
    Inject,
    /// Write none: `runAsNonRoot` keeps the container from starting as root instead.
    Image,
}

/// Settings of `seccomp-profile`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeccompProfile {
    /// Remove the old annotation where it says what the field says, from Kubernetes 1.27.
    pub drop_legacy_annotations: bool,
}

/// Settings of `resources`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    /// Request and limit where neither is given.
    pub cpu: Quantity,
    /// Request and limit where neither is given.
    pub memory: Quantity,
    /// Limit by request, in thousandths, where there is a request alone.
    pub ratio: u32,
    /// Whether a cpu limit is asked for at all.
    pub cpu_limit: bool,
}

#[expect(clippy::expect_used, reason = "two constants, which a test reads")]
impl Default for Resources {
    fn default() -> Self {
        Self {
            cpu: "250m".parse().expect("a quantity"),
            memory: "512Mi".parse().expect("a quantity"),
            ratio: 1_500,
            cpu_limit: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_kubernetes_and_cce_write_them() {
        for text in ["1.28", "v1.28", "1.28.15", "v1.28.15-r20", "v1.28.16-r4-CCE22.11.1"] {
            assert_eq!(text.parse(), Ok(Version { minor: 28 }), "{text}");
        }
        for text in ["", "1", "28", "2.28", "v1.", "1.x", "1.28.x", "1.28.1.2", "latest"] {
            assert_eq!(text.parse::<Version>(), Err(InvalidVersion), "{text}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_pages() {
        let resources = Settings::default().resources;
        assert_eq!(
            (resources.cpu.to_string(), resources.memory.to_string()),
            ("250m".into(), "512Mi".into())
        );
    }
}
