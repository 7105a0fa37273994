//! The Pod Security Standards: every check, at every version of the policy.
//!
//! The judge is the same one before and after a fix, because it reads through a view. The table and the checks
//! follow `k8s.io/pod-security-admission`, and `tests/conformance.rs` compares with that package itself.

pub(crate) mod baseline;
mod restricted;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use rewriter::Path;

use crate::model::PodView;
use crate::settings::Version;

/// The newest policy that is known; a newer one counts as this one.
pub const NEWEST: Version = Version { minor: 37 };

/// How far a pod gets, from open to closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is asked for.
    Privileged,
    /// The known ways out of a container are shut.
    Baseline,
    /// What hardening practice asks for.
    Restricted,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        })
    }
}

/// One check of the standards.
#[derive(Debug)]
pub struct Check {
    /// Its name in `k8s.io/pod-security-admission`.
    pub id: &'static str,
    /// The level that asks for it.
    pub level: Level,
    /// The first version of the policy that has it.
    pub since: Version,
    /// The check of level baseline in whose place it stands at level restricted.
    pub overrides: Option<&'static str>,
    run: fn(&mut Judge<'_, '_>),
}

const fn check(level: Level, id: &'static str, minor: u16, run: fn(&mut Judge<'_, '_>)) -> Check {
    Check { id, level, since: Version { minor }, overrides: None, run }
}

const fn baseline(id: &'static str, since: u16, run: fn(&mut Judge<'_, '_>)) -> Check {
    check(Level::Baseline, id, since, run)
}

const fn restricted(
    id: &'static str,
    since: u16,
    overrides: Option<&'static str>,
    run: fn(&mut Judge<'_, '_>),
) -> Check {
    Check { overrides, ..check(Level::Restricted, id, since, run) }
}

/// All checks, those of level baseline first, by name.
pub const CHECKS: &[Check] = &[
    baseline("appArmorProfile", 0, baseline::app_armor_profile),
    baseline("capabilities_baseline", 0, baseline::capabilities),
    baseline("hostNamespaces", 0, baseline::host_namespaces),
    baseline("hostPathVolumes", 0, baseline::host_path_volumes),
    baseline("hostPorts", 0, baseline::host_ports),
    baseline("hostProbesAndHostLifecycle", 34, baseline::host_probes_and_host_lifecycle),
    baseline("privileged", 0, baseline::privileged),
    baseline("procMount", 0, baseline::proc_mount),
    baseline("seLinuxOptions", 0, baseline::se_linux_options),
    baseline("seccompProfile_baseline", 0, baseline::seccomp_profile),
    baseline("sysctls", 0, baseline::sysctls),
    baseline("windowsHostProcess", 0, baseline::windows_host_process),
    restricted("allowPrivilegeEscalation", 8, None, restricted::allow_privilege_escalation),
    restricted("capabilities_restricted", 22, Some("capabilities_baseline"), restricted::capabilities),
    restricted("procMount_restricted", 35, Some("procMount"), restricted::proc_mount),
    restricted("restrictedVolumes", 0, Some("hostPathVolumes"), restricted::restricted_volumes),
    restricted("runAsNonRoot", 0, None, restricted::run_as_non_root),
    restricted("runAsUser", 23, None, restricted::run_as_user),
    restricted("seccompProfile_restricted", 19, Some("seccompProfile_baseline"), restricted::seccomp_profile),
];

/// What the standards say about a pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The version of the policy.
    pub version: Version,
    /// The highest level that admits the pod.
    pub level: Level,
    /// Each place that fails a check of either level, in the order of [`CHECKS`], then as the pod is written.
    pub failures: Vec<Failure>,
}

/// A place that fails a check.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The check.
    pub check: &'static Check,
    /// The field, whether it is there or not.
    pub path: Path,
    /// What the check asks of it.
    pub detail: Cow<'static, str>,
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        (self.check.id, &self.path, &self.detail) == (other.check.id, &other.path, &other.detail)
    }
}

impl Verdict {
    /// What keeps the pod from `level`. At level restricted some checks stand in the place of baseline's.
    pub fn in_the_way_of(&self, level: Level) -> impl Iterator<Item = &Failure> {
        let version = self.version;
        self.failures.iter().filter(move |failure| is_asked(failure.check, level, version))
    }
}

/// Whether `level` asks for what `check` looks at.
fn is_asked(check: &Check, level: Level, version: Version) -> bool {
    let is_overridden = |check: &Check| {
        CHECKS.iter().any(|other| other.overrides == Some(check.id) && other.since <= version)
    };
    check.level <= level && !(level > check.level && is_overridden(check))
}

/// Whether the policy of `version` has, at `level`, the check with this id.
pub fn has_check(level: Level, version: Version, id: &str) -> bool {
    CHECKS.iter().any(|check| check.id == id && check.since <= version && is_asked(check, level, version))
}

/// Judges `pod` by the policy of `version`.
pub fn evaluate(pod: &PodView<'_>, version: Version) -> Verdict {
    let version = version.min(NEWEST);
    let mut failures = Vec::new();
    for check in CHECKS.iter().filter(|check| check.since <= version) {
        (check.run)(&mut Judge { pod, version, check, failures: &mut failures });
    }
    let mut verdict = Verdict { version, level: Level::Privileged, failures };
    let levels = [Level::Restricted, Level::Baseline];
    let reached = levels.into_iter().find(|level| verdict.in_the_way_of(*level).next().is_none());
    verdict.level = reached.unwrap_or(Level::Privileged);
    verdict
}

/// What a check sees, and where it says what fails. It makes a path only for what does.
struct Judge<'a, 'v> {
    pod: &'a PodView<'v>,
    version: Version,
    check: &'static Check,
    failures: &'a mut Vec<Failure>,
}

impl Judge<'_, '_> {
    fn fail(&mut self, path: Path, detail: impl Into<Cow<'static, str>>) {
        self.failures.push(Failure { check: self.check, path, detail: detail.into() });
    }

    /// Whether the policy is of this version or a newer one.
    fn since(&self, minor: u16) -> bool {
        self.version.minor >= minor
    }

    /// Whether the pod has user ids of its own and the policy honours that.
    fn is_relaxed_by_own_users(&self) -> bool {
        self.since(35) && self.pod.has_own_users()
    }

    /// Whether the pod says that it is for Windows and the policy exempts such pods from what Windows lacks.
    fn is_exempt_windows(&self) -> bool {
        self.since(25) && self.pod.is_for("windows")
    }
}
