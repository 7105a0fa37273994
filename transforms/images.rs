//! The image catalogue: what is known about widely used images, and which image a reference names.
//!
//! The facts are data (`images.yaml`), each row with its evidence. [`Catalogue::lookup`] finds the row of an
//! image reference and says how far it may be trusted: a match in the image's own repository is proof, a
//! match by name in somebody's mirror is a hint. A fact that nobody has verified is absent, so absence means
//! "not known", never "no".

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::table::{Rows, rows, table};

mod image_ref;
mod user_image;

pub use image_ref::ImageRef;
pub use user_image::{InvalidUserImage, UserImage};

/// What an image's configuration names as its user (`USER` of a Dockerfile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum User {
    /// Nobody, or root by number or name.
    Root,
    /// A name, which the kubelet cannot tell from root: `runAsNonRoot` alone keeps such a container from
    /// starting.
    Named,
    /// A number that is not 0.
    Numeric,
}

/// What an image's process needs at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Nothing: it works as the user [`Facts::uid`] without any privilege, whatever the image declares.
    NonRoot,
    /// It starts as root, prepares, and changes to [`Facts::uid`]; started as that user it skips both.
    Switches,
    /// It is meant to stay root.
    Root,
}

/// Whether an image runs with a read-only root file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadOnlyRoot {
    /// It does, once [`Facts::writable`] is covered: vendors ship it so, or every path it writes is known.
    Works,
    /// It does not: the image writes where it also needs files of its own.
    Fails,
    /// Not verified.
    #[default]
    Unknown,
}

/// What is known about an image. An absent or empty field is an unknown one, not a no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Facts {
    /// What the image declares as its user.
    pub user: Option<User>,
    /// The user id to run as, 1 to 2147483647: the image's own, or the one that its vendor's manifests write.
    pub uid: Option<i64>,
    /// The group id to run as, 0 to 2147483647. Use [`Facts::run_as_group`] for what to write.
    pub gid: Option<i64>,
    /// Its files are writable for group 0 by design, so that any user id works as long as the group stays 0.
    pub group_zero: bool,
    /// What it needs at its start.
    pub start: Option<Start>,
    /// Directories it writes to that an empty volume may cover, as absolute paths without trailing slash.
    pub writable: Vec<String>,
    /// Directories it writes to and also needs the image's files in, so that an empty volume would break it.
    pub needs_content: Vec<String>,
    /// Whether it runs with a read-only root file system.
    pub read_only_root: ReadOnlyRoot,
    /// Its `VOLUME` directories, which containerd and Docker keep writable under a read-only root, CRI-O does
    /// not.
    pub volumes: Vec<String>,
    /// What makes it write to other places: variables that hold a path, and directories, as absolute paths, that
    /// something is mounted at.
    pub elsewhere: Vec<String>,
    /// Ports it listens on by default, TCP or UDP.
    pub ports: Vec<u16>,
    /// Capabilities on files of the image, without `CAP_`: dropped from the bounding set, the program cannot
    /// be executed at all, not even by a user who is not root.
    pub file_capabilities: Vec<String>,
    /// It needs memory by the gigabyte, so that a guessed limit would kill it.
    pub heavy: bool,
}

impl Facts {
    /// The `runAsGroup` to write beside [`Facts::uid`]; `None` where it is unknown, or better left out
    /// because the files of the image belong to group 0.
    pub fn run_as_group(&self) -> Option<i64> {
        self.gid.filter(|_| !self.group_zero)
    }

    /// These facts, with each that `other` knows in place of the own one.
    fn overlaid(&self, other: &Self) -> Self {
        fn list<T: Clone>(own: &[T], other: &[T]) -> Vec<T> {
            if other.is_empty() { own.to_vec() } else { other.to_vec() }
        }
        Self {
            user: other.user.or(self.user),
            uid: other.uid.or(self.uid),
            gid: other.gid.or(self.gid),
            group_zero: other.group_zero || self.group_zero,
            start: other.start.or(self.start),
            writable: list(&self.writable, &other.writable),
            needs_content: list(&self.needs_content, &other.needs_content),
            read_only_root: match other.read_only_root {
                ReadOnlyRoot::Unknown => self.read_only_root,
                known => known,
            },
            volumes: list(&self.volumes, &other.volumes),
            elsewhere: list(&self.elsewhere, &other.elsewhere),
            ports: list(&self.ports, &other.ports),
            file_capabilities: list(&self.file_capabilities, &other.file_capabilities),
            heavy: other.heavy || self.heavy,
        }
    }
}

/// Which tags something holds for: all conditions that are given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Tags {
    /// Patterns, one of which must match the whole tag; `*` stands for any characters.
    pub like: Vec<String>,
    /// The oldest version, such as `1.17`. A tag that names no version (`latest`, `alpine`) is the newest
    /// one, and a tag that names part of one (`2`) the newest of its kind.
    pub since: Option<String>,
    /// The first version it does not hold for any more.
    pub before: Option<String>,
}

impl Tags {
    fn contain(&self, tag: &str) -> bool {
        (self.like.is_empty() || self.like.iter().any(|pattern| glob(pattern, tag)))
            && self.since.as_deref().is_none_or(|since| is_at_least(tag, since))
            && self.before.as_deref().is_none_or(|before| !is_at_least(tag, before))
    }
}

/// Facts that differ for some tags of an image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Variant {
    /// The tags.
    pub tags: Tags,
    /// What is different there; what is unknown here stays as the row has it.
    #[serde(flatten)]
    pub facts: Facts,
}

/// One row of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Entry {
    /// The repository, normalised as [`ImageRef::repository`] gives it.
    pub image: String,
    /// Other repositories with the same images.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The tags that the row is about; nothing is known about others.
    #[serde(default)]
    pub tags: Tags,
    /// Whether the last part of the name is telling enough to recognise the image in somebody's mirror. False
    /// for words such as `node` and `controller`, and where another row has the better claim to the name.
    #[serde(default = "yes")]
    pub base_name: bool,
    /// Where the facts come from, as `owner/repository:path`. Empty in rows that a user configured.
    #[serde(default)]
    pub source: String,
    /// Differences by tag; of several that hold, the later ones win.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// What holds for all tags of the row.
    #[serde(flatten)]
    pub facts: Facts,
}

fn yes() -> bool {
    true
}

impl Entry {
    /// All repositories of the row, its own first.
    pub fn repositories(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.image).chain(&self.aliases).map(String::as_str)
    }

    /// The facts for `tag`; `None` where the row is about other tags.
    fn facts_for(&self, tag: &str) -> Option<Cow<'_, Facts>> {
        if !self.tags.contain(tag) {
            return None;
        }
        let mut facts = Cow::Borrowed(&self.facts);
        for variant in self.variants.iter().filter(|variant| variant.tags.contain(tag)) {
            facts = Cow::Owned(facts.overlaid(&variant.facts));
        }
        Some(facts)
    }

    /// Whether the facts depend on the tag.
    fn is_split_by_tag(&self) -> bool {
        self.tags != Tags::default() || !self.variants.is_empty()
    }
}

/// How sure it is that a row is about the image that a reference names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// By name alone, in a registry that the row does not know: a mirror, or somebody's own image of that
    /// name.
    BaseName,
    /// The repository is the row's, but the reference has only a digest and the facts depend on the tag. The
    /// facts are those of the newest version.
    Tag,
    /// The row's own repository and tags.
    Exact,
}

/// What the catalogue knows about the image of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The row.
    pub entry: &'a Entry,
    /// The facts for the reference's tag.
    pub facts: Cow<'a, Facts>,
    /// How sure the match is.
    pub confidence: Confidence,
}

/// A registry, or a part of one, that serves the images of another.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Mirror {
    /// How the repository's name begins there.
    #[serde(rename = "mirror")]
    prefix: String,
    /// What that beginning stands for.
    origin: String,
    /// Evidence.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by people, and by the test that it is there"))]
    source: String,
}

/// The rows that come with the program, by the last part of their repositories.
static KNOWN: Rows<Entry> = rows!("images");

/// What is known of names alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Names {
    mirrors: Vec<Mirror>,
    own_builds: Vec<String>,
    node_agents: Vec<String>,
    unconfined: Vec<String>,
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| table!("images"))
}

/// The knowledge base of images.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// The user's rows, each behind its repositories with mirrors resolved.
    own: Vec<(Vec<String>, Entry)>,
}

impl Catalogue {
    /// The catalogue that comes with the program.
    pub fn builtin() -> &'static Arc<Self> {
        static BUILTIN: OnceLock<Arc<Catalogue>> = OnceLock::new();
        BUILTIN.get_or_init(Arc::default)
    }

    /// This catalogue with `own` rows before its own, so that they are found first: the first row that knows
    /// the tag counts. They are found in the repositories they name alone; one whose image is no reference is
    /// never found. [`UserImage`] is what a user writes of such a row.
    #[must_use]
    pub fn with(&self, own: impl IntoIterator<Item = Entry>) -> Self {
        let resolved = |image: ImageRef<'_>| resolve(&names().mirrors, image.repository()).into_owned();
        let own = own.into_iter().map(|entry| {
            let repositories = entry.repositories().filter_map(ImageRef::parse).map(resolved).collect();
            (repositories, entry)
        });
        Self { own: own.chain(self.own.iter().cloned()).collect() }
    }

    /// All rows.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.own.iter().map(|(_, entry)| entry).chain(KNOWN.all())
    }

    /// What is known about the image of `reference`, a container's `image` as it stands in the manifest.
    /// `None` for an image or a tag that the catalogue does not know, and for text that is no reference.
    pub fn lookup(&self, reference: &str) -> Option<Match<'_>> {
        self.find(&ImageRef::parse(reference)?)
    }

    /// What is known about `image`.
    pub fn find(&self, image: &ImageRef<'_>) -> Option<Match<'_>> {
        let (rows, confidence) = self.rows(image);
        rows.into_iter().find_map(|entry| {
            let facts = entry.facts_for(image.tag().unwrap_or("latest"))?;
            let tag_is_open = image.tag().is_none() && image.digest().is_some() && entry.is_split_by_tag();
            let confidence = if tag_is_open { confidence.min(Confidence::Tag) } else { confidence };
            Some(Match { entry, facts, confidence })
        })
    }

    /// The first row of the repository of `image`, whatever the row says about its tag.
    pub fn row(&self, image: &ImageRef<'_>) -> Option<&Entry> {
        self.rows(image).0.into_iter().next()
    }

    /// The rows that `image` may be about, and how sure the match by name is.
    fn rows(&self, image: &ImageRef<'_>) -> (Vec<&Entry>, Confidence) {
        let repository = resolve(&names().mirrors, image.repository());
        let of_user = self.own.iter().filter(|(names, _)| names.iter().any(|name| *name == repository));
        let known = KNOWN.of(last_part(&repository));
        let known = known.filter(|entry| entry.repositories().any(|name| name == repository));
        let rows: Vec<&Entry> = of_user.map(|(_, entry)| entry).chain(known).collect();
        if rows.is_empty() {
            (guess(&repository).into_iter().collect(), Confidence::BaseName)
        } else {
            (rows, Confidence::Exact)
        }
    }

    /// Whether the image of `reference` works on its node and needs the node's privileges: storage and
    /// network drivers, device plug-ins, monitors of nodes. Judged by the name, in any registry.
    pub fn is_node_agent(&self, reference: &str) -> bool {
        ImageRef::parse(reference).is_some_and(|image| names_one(&image, &names().node_agents))
    }

    /// The pattern of a program named in `text` (an image reference, a command, an argument) that uses system
    /// calls which a runtime's default seccomp profile denies.
    pub fn needs_unconfined_syscalls(&self, text: &str) -> Option<&str> {
        let text = text.to_ascii_lowercase();
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words
            .find_map(|word| names().unconfined.iter().find(|pattern| glob(pattern, word)))
            .map(String::as_str)
    }
}

/// The row that a repository outside of the catalogue is most likely about: the first one that claims its last two
/// parts, or else its last one, where that is telling.
fn guess(repository: &str) -> Option<&'static Entry> {
    let owner = owner_and_name(repository);
    let mut rows = KNOWN.of(last_part(repository));
    if let Some(row) = rows.find(|row| row.repositories().any(|name| owner_and_name(name) == owner)) {
        return Some(row);
    }
    let is_own_build = repository
        .split('/')
        .skip(1)
        .any(|part| names().own_builds.iter().any(|pattern| glob(pattern, part)));
    let mut rows = KNOWN.of(last_part(repository)).filter(|row| row.base_name);
    if is_own_build { None } else { rows.next() }
}

/// `repository` at its origin, where it is a mirror's.
fn resolve<'a>(mirrors: &[Mirror], repository: &'a str) -> Cow<'a, str> {
    let mut resolved = Cow::Borrowed(repository);
    for mirror in mirrors {
        let rest = resolved.strip_prefix(&*mirror.prefix).filter(|rest| rest.starts_with('/'));
        if let Some(rest) = rest {
            resolved = Cow::Owned(format!("{}{rest}", mirror.origin));
        }
    }
    resolved
}

/// The last part of a repository.
fn last_part(repository: &str) -> &str {
    repository.rsplit_once('/').map_or(repository, |(_, last)| last)
}

/// The last two parts of a repository.
fn owner_and_name(repository: &str) -> &str {
    let start = repository.rmatch_indices('/').nth(1).map_or(0, |(slash, _)| slash + 1);
    repository.get(start..).unwrap_or(repository)
}

/// Whether the last parts of the image's repository match the parts of one of `patterns`, one by one.
pub(crate) fn names_one(image: &ImageRef<'_>, patterns: &[impl AsRef<str>]) -> bool {
    let base_name = image.base_name();
    patterns.iter().map(AsRef::as_ref).any(|pattern| {
        // There are many patterns, and nearly all of them differ in the last part already.
        let slash = pattern.bytes().rposition(|byte| byte == b'/');
        let last = slash.and_then(|slash| pattern.get(slash + 1..)).unwrap_or(pattern);
        let mut parts = image.repository().rsplit('/');
        let mut matches = |pattern: &str| parts.next().is_some_and(|part| glob(pattern, part));
        glob(last, base_name) && (slash.is_none() || pattern.rsplit('/').all(&mut matches))
    })
}

/// Whether `pattern` matches the whole of `text`; `*` stands for any characters, everything else for itself.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    // Byte by byte, because nearly every pattern differs from nearly every text in its first one. After a
    // difference the last star takes one byte more.
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while let Some(byte) = text.get(read) {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                at += 1;
                star = Some((at, read));
            }
            (Some(wanted), _) if wanted == byte => {
                at += 1;
                read += 1;
            }
            (_, Some((behind, taken))) => {
                at = behind;
                read = taken + 1;
                star = Some((behind, read));
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

/// Whether `tag` is of the version `bound` or a later one. A tag without a version is the newest.
fn is_at_least(tag: &str, bound: &str) -> bool {
    let (Some(tag), Some(bound)) = (version(tag), version(bound)) else { return true };
    let difference = tag.iter().zip(&bound).find(|(tag, bound)| tag != bound);
    difference.is_none_or(|(tag, bound)| tag > bound)
}

/// The numbers of a version at the start of a tag: `v1.27.3-alpine` is 1, 27, 3.
fn version(tag: &str) -> Option<Vec<u64>> {
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let end = tag.find(['-', '_', '+']).unwrap_or(tag.len());
    tag.get(..end)?.split('.').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests;
