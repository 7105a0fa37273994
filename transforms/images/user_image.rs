//! A row of the catalogue as a user writes it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Facts, ImageRef, Start, Tags, User};

/// The largest user and group id that Kubernetes takes.
const MAX_ID: i64 = 2_147_483_647;

/// What a user knows about an image of theirs: an item of `images` in `.cce-fix.yaml`.
///
/// ```yaml
/// images:
///   - {image: registry.example.com/team/app, uid: 10001, gid: 10001, writable: [/var/cache/app], ports: [8080]}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UserImage {
    /// The repository. With a tag the row is about this tag alone.
    pub image: String,
    /// The user that the image runs as; 0 for one that has to stay root.
    #[serde(default)]
    pub uid: Option<i64>,
    /// Its group.
    #[serde(default)]
    pub gid: Option<i64>,
    /// Directories it writes to that an empty volume may cover.
    #[serde(default)]
    pub writable: Vec<String>,
    /// Ports it listens on.
    #[serde(default)]
    pub ports: Vec<u16>,
}

/// Why a user's row is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidUserImage {
    /// The image is no reference.
    Image(String),
    /// The image has a digest, which is about one build alone.
    Digest(String),
    /// The number is no user or group id.
    Id(i64),
    /// The directory is not absolute, or is the root, or leads upwards.
    Directory(String),
    /// 0 is no port.
    Port,
}

impl fmt::Display for InvalidUserImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => write!(f, "`{image}` is no image reference"),
            Self::Digest(image) => {
                write!(f, "`{image}` names one build; name the repository, or the repository with a tag")
            }
            Self::Id(id) => write!(f, "{id} is no user or group id; they are 0 to {MAX_ID}"),
            Self::Directory(path) => write!(f, "`{path}` is no absolute directory below `/`"),
            Self::Port => f.write_str("0 is no port; they are 1 to 65535"),
        }
    }
}

impl std::error::Error for InvalidUserImage {}

impl TryFrom<UserImage> for Entry {
    type Error = InvalidUserImage;

    fn try_from(own: UserImage) -> Result<Self, InvalidUserImage> {
        let reference =
            ImageRef::parse(&own.image).ok_or_else(|| InvalidUserImage::Image(own.image.clone()))?;
        if reference.digest().is_some() {
            return Err(InvalidUserImage::Digest(own.image.clone()));
        }
        if let Some(id) = own.uid.into_iter().chain(own.gid).find(|id| !(0..=MAX_ID).contains(id)) {
            return Err(InvalidUserImage::Id(id));
        }
        if own.ports.contains(&0) {
            return Err(InvalidUserImage::Port);
        }
        let writable = own.writable.iter().map(|path| directory(path)).collect::<Result<_, _>>()?;
        let stays_root = own.uid == Some(0);
        let facts = Facts {
            user: stays_root.then_some(User::Root),
            start: stays_root.then_some(Start::Root),
            uid: own.uid.filter(|uid| *uid != 0),
            gid: own.gid.filter(|gid| *gid != 0),
            // Who gives the group 0 means it to stay.
            group_zero: own.gid == Some(0),
            writable,
            ports: own.ports.clone(),
            ..Facts::default()
        };
        Ok(Self {
            image: reference.repository().to_owned(),
            aliases: Vec::new(),
            tags: Tags { like: reference.tag().map(Into::into).into_iter().collect(), ..Tags::default() },
            base_name: false,
            source: String::new(),
            variants: Vec::new(),
            facts,
        })
    }
}

/// The directory without slashes that say nothing.
fn directory(path: &str) -> Result<String, InvalidUserImage> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if !path.starts_with('/') || parts.is_empty() || parts.contains(&"..") {
        return Err(InvalidUserImage::Directory(path.to_owned()));
    }
    Ok(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::{Catalogue, Confidence};

    fn row(text: &str) -> Result<Entry, InvalidUserImage> {
        Entry::try_from(serde_yaml::from_str::<UserImage>(text).unwrap())
    }

    #[track_caller]
    fn check_refused(text: &str, words: &str) {
        let error = row(text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn a_row_becomes_an_entry() {
        let text = "{image: nginx, uid: 7, gid: 8, writable: [/cache/, //a/./b], ports: [80]}";
        let entry = row(text).unwrap();
        assert_eq!(entry.image, "docker.io/library/nginx");
        assert_eq!((entry.facts.uid, entry.facts.run_as_group()), (Some(7), Some(8)));
        assert_eq!(entry.facts.writable, ["/cache", "/a/b"]);
        assert_eq!(entry.facts.ports, [80]);
        let root = row("{image: r.io/a, uid: 0, gid: 0}").unwrap().facts;
        assert_eq!((root.uid, root.start, root.run_as_group()), (None, Some(Start::Root), None));
        assert_eq!(root.user, Some(User::Root));
        assert!(root.group_zero);
    }

    #[test]
    fn what_is_no_row_is_refused() {
        for (text, words) in [
            ("{image: Nginx}", "`Nginx` is no image reference"),
            ("{image: ''}", "is no image reference"),
            ("{image: 'a@sha256:0123456789abcdef0123456789abcdef'}", "names one build"),
            ("{image: a, uid: -1}", "-1 is no user or group id"),
            ("{image: a, gid: 2147483648}", "2147483648 is no user"),
            ("{image: a, writable: [tmp]}", "`tmp` is no absolute directory"),
            ("{image: a, writable: [/]}", "`/` is no absolute directory"),
            ("{image: a, writable: [/a/../etc]}", "`/a/../etc`"),
            ("{image: a, ports: [0]}", "0 is no port"),
        ] {
            check_refused(text, words);
        }
        for text in ["{image: a, uuid: 1}", "{uid: 1}", "{image: a, ports: [65536]}", "{image: a, uid: '1'}"]
        {
            assert!(serde_yaml::from_str::<UserImage>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_first_row_that_knows_the_tag_counts() {
        let rows =
            ["{image: 'redis:7.2', uid: 7}", "{image: 'redis:8.0', uid: 8}", "{image: r.io/a, uid: 9}"];
        let catalogue = Catalogue::builtin().with(rows.map(|text| row(text).unwrap()));
        for (reference, uid) in [("redis:7.2", 7), ("redis:8.0", 8), ("redis:6.2", 999), ("r.io/a:1", 9)] {
            let found = catalogue.lookup(reference).unwrap();
            assert_eq!((found.facts.uid, found.confidence), (Some(uid), Confidence::Exact), "{reference}");
        }
        assert_eq!(catalogue.lookup("other.io/team/a"), None);
    }
}
