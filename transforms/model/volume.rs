//! Volumes of a pod, and the mounts of them in containers.

use std::borrow::Cow;

use foldhash::HashSet;
use rewriter::Node;

use super::section::{Malformed, Section};

/// A volume of a pod.
#[derive(Clone, Debug)]
pub struct Volume<'d> {
    /// Its entry in `volumes`; `None` for one that a claim template makes.
    pub section: Option<Section<'d>>,
    /// Where its files come from.
    pub source: VolumeSource<'d>,
}

/// Where the files of a volume come from, as far as the transforms tell such sources apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeSource<'d> {
    /// A path of the node.
    HostPath(Cow<'d, str>),
    /// A claim of its own or of somebody's, with the storage class where the manifest names one.
    Claim {
        /// `storageClassName`.
        storage_class: Option<Cow<'d, str>>,
    },
    /// Anything else.
    Other,
}

impl<'d> VolumeSource<'d> {
    pub(super) fn of(volume: &Section<'d>) -> Self {
        if let Some(host_path) = volume.get("hostPath") {
            return Self::HostPath(host_path.get("path").map_or(Cow::Borrowed(""), |path| path.text()));
        }
        if volume.get("persistentVolumeClaim").is_some() {
            return Self::Claim { storage_class: None };
        }
        match volume.get("ephemeral").and_then(|ephemeral| ephemeral.get("volumeClaimTemplate")) {
            Some(template) => Self::claim_template(template),
            None => Self::Other,
        }
    }

    pub(super) fn claim_template(template: Node<'d>) -> Self {
        let class = template.get("spec").and_then(|spec| spec.get("storageClassName"));
        Self::Claim { storage_class: class.map(|class| class.text()) }
    }

    /// Whether the path is one of the node.
    pub fn is_host_path(&self) -> bool {
        matches!(self, Self::HostPath(_))
    }

    /// Whether it is the node's time zone, which harms nothing where it is mounted.
    pub fn is_time_zone(&self) -> bool {
        matches!(self, Self::HostPath(path)
            if matches!(normal(path).as_str(), "/etc/localtime" | "/etc/timezone")
                || covers("/usr/share/zoneinfo", path))
    }
}

/// One entry of `volumeMounts`.
#[derive(Clone, Debug)]
pub struct Mount<'d> {
    /// Its map.
    pub section: Section<'d>,
    /// The volume's name.
    pub name: Cow<'d, str>,
    /// `mountPath`.
    pub path: Cow<'d, str>,
}

impl<'d> Mount<'d> {
    pub(super) fn new(section: Section<'d>) -> Result<Self, Malformed> {
        let name = section.text("name")?.unwrap_or_default();
        let path = section.text("mountPath")?.unwrap_or_default();
        Ok(Self { section, name, path })
    }

    /// Whether nothing can be written through it.
    pub fn is_read_only(&self) -> Result<bool, Malformed> {
        Ok(self.section.truth("readOnly")?.unwrap_or(false))
    }
}

/// Directories, to be asked what lies in them.
#[derive(Clone, Debug, Default)]
pub struct Directories(HashSet<String>);

impl Directories {
    /// Adds a directory.
    pub fn insert(&mut self, path: &str) {
        self.0.insert(normal(path));
    }

    /// Whether `path` is one of the directories or lies in one.
    pub fn cover(&self, path: &str) -> bool {
        let path = normal(path);
        let parents = path.match_indices('/').map(|(slash, _)| path.get(..slash.max(1)).unwrap_or_default());
        parents.chain([path.as_str()]).any(|directory| self.0.contains(directory))
    }
}

impl<'p> FromIterator<&'p str> for Directories {
    fn from_iter<I: IntoIterator<Item = &'p str>>(paths: I) -> Self {
        Self(paths.into_iter().map(normal).collect())
    }
}

/// Whether `path` is `directory` or lies in it.
pub fn covers(directory: &str, path: &str) -> bool {
    Directories::from_iter([directory]).cover(path)
}

/// Whether the two paths lead to the same place.
pub fn is_same_place(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

/// `path` without what does not change where it leads: doubled and closing slashes, `.` parts, and the
/// `/var` in front of `/run`, which is a link in every distribution that images are made of.
pub(super) fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let parts = parts.strip_prefix(&["var"]).filter(|rest| rest.first() == Some(&"run")).unwrap_or(&parts);
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_covers_whole_parts_of_a_path() {
        for (directory, path) in [
            ("/data", "/data"),
            ("/data/", "/data/a"),
            ("//data", "/data/./a"),
            ("/", "/data"),
            ("/", "/"),
            ("/run", "/var/run/nginx"),
            ("/var/run", "/run"),
        ] {
            assert!(covers(directory, path), "{directory} {path}");
        }
        for (directory, path) in [("/data", "/database"), ("/data/a", "/data"), ("/etc", "/")] {
            assert!(!covers(directory, path), "{directory} {path}");
        }
    }
}
