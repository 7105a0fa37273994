//! The `securityContext` of a pod or of a container.

use std::borrow::Cow;

use rewriter::Path;

use super::section::{List, Malformed, Section};

/// A `securityContext`, which need not be there. What a pod's has no field for is simply absent in it.
#[derive(Clone, Debug)]
pub struct SecurityContext<'d>(Section<'d>);

/// The kinds of seccomp profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seccomp {
    /// The container runtime's own.
    RuntimeDefault,
    /// One that an administrator put on the node.
    Localhost,
    /// None.
    Unconfined,
}

impl<'d> SecurityContext<'d> {
    pub(super) fn of(owner: &Section<'d>) -> Result<Self, Malformed> {
        owner.section("securityContext").map(Self)
    }

    /// Where it stands or would stand.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Its map as it is written.
    pub fn section(&self) -> &Section<'d> {
        &self.0
    }

    /// The user id that the process gets.
    pub fn run_as_user(&self) -> Result<Option<i64>, Malformed> {
        self.0.id("runAsUser")
    }

    /// The primary group id that the process gets.
    pub fn run_as_group(&self) -> Result<Option<i64>, Malformed> {
        self.0.id("runAsGroup")
    }

    /// The group that owns the pod's volumes.
    pub fn fs_group(&self) -> Result<Option<i64>, Malformed> {
        self.0.id("fsGroup")
    }

    /// Whether the kubelet refuses to start the container as root.
    pub fn run_as_non_root(&self) -> Result<Option<bool>, Malformed> {
        self.0.truth("runAsNonRoot")
    }

    /// Whether the container has the node's whole power.
    pub fn privileged(&self) -> Result<Option<bool>, Malformed> {
        self.0.truth("privileged")
    }

    /// Whether `key` is all that is written.
    pub fn has_only(&self, key: &str) -> bool {
        self.0.node().is_some_and(|node| node.entries().count() == 1) && self.0.get(key).is_some()
    }

    /// Whether a program of the container may gain more privileges than the one that started it.
    pub fn allow_privilege_escalation(&self) -> Result<Option<bool>, Malformed> {
        self.0.truth("allowPrivilegeEscalation")
    }

    /// Whether the container's root file system is read-only.
    pub fn read_only_root_filesystem(&self) -> Result<Option<bool>, Malformed> {
        self.0.truth("readOnlyRootFilesystem")
    }

    /// The capabilities that are added to the runtime's own set.
    pub fn capabilities_add(&self) -> Result<List<'d>, Malformed> {
        self.0.section("capabilities")?.list("add")
    }

    /// The capabilities that are taken out of the runtime's own set.
    pub fn capabilities_drop(&self) -> Result<List<'d>, Malformed> {
        self.0.section("capabilities")?.list("drop")
    }

    /// The `seccompProfile` map.
    pub fn seccomp_profile(&self) -> Result<Section<'d>, Malformed> {
        self.0.section("seccompProfile")
    }

    /// The kind of seccomp profile.
    pub fn seccomp(&self) -> Result<Option<Seccomp>, Malformed> {
        let profile = self.seccomp_profile()?;
        let reject = |node, key, verdict| Err(Malformed::because(node, profile.path().key(key), verdict));
        match (profile.get("type"), profile.get("localhostProfile")) {
            (None, None) => Ok(None),
            (None, Some(node)) => reject(node, "localhostProfile", "stands without a `type`"),
            (Some(node), _) => match node.as_str().as_deref() {
                Some("RuntimeDefault") => Ok(Some(Seccomp::RuntimeDefault)),
                Some("Localhost") => Ok(Some(Seccomp::Localhost)),
                Some("Unconfined") => Ok(Some(Seccomp::Unconfined)),
                _ => reject(node, "type", "is none of `RuntimeDefault`, `Localhost` and `Unconfined`"),
            },
        }
    }

    /// Whether Windows' own options are set.
    pub fn has_windows_options(&self) -> bool {
        self.0.get("windowsOptions").is_some()
    }

    /// Whether it makes processes of a Windows node itself.
    pub fn is_host_process(&self) -> Result<bool, Malformed> {
        Ok(self.windows_options()?.truth("hostProcess")?.unwrap_or(false))
    }

    /// Windows' own options.
    pub fn windows_options(&self) -> Result<Section<'d>, Malformed> {
        self.0.section("windowsOptions")
    }

    /// The kernel parameters of the pod.
    pub fn sysctls(&self) -> Result<List<'d>, Malformed> {
        self.0.list("sysctls")
    }
}

/// A capability's name as Kubernetes and the kernel know it: upper case, without `CAP_`.
pub fn capability(name: &str) -> Cow<'_, str> {
    let is_upper = !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let upper: Cow<'_, str> = if is_upper { name.into() } else { name.to_ascii_uppercase().into() };
    match upper.strip_prefix("CAP_") {
        Some(rest) => rest.to_owned().into(),
        None => upper,
    }
}
