//! The image catalogue: what is known about widely used images, and which image a reference names.
//!
//! The facts are data (`images.yaml`), each row with its evidence. [`Catalogue::lookup`] finds the row of an
//! image reference and says how far it may be trusted: a match in the image's own repository is proof, a
//! match by name in somebody's mirror is a hint. A fact that nobody has verified is absent, so absence means
//! "not known", never "no".

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// Where an image without a registry comes from.
const DEFAULT_REGISTRY: &str = "docker.io";

/// An image reference taken apart and normalised as the distribution project's grammar has it.
///
/// `nginx:1.27` is `docker.io/library/nginx` with the tag `1.27`. The registry is in lower case. Text outside
/// of the grammar (a template's placeholder, an upper-case path, an image id) is no reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef<'a> {
    repository: String,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> ImageRef<'a> {
    /// Takes `reference` apart; `None` where it does not follow the grammar.
    pub fn parse(reference: &'a str) -> Option<Self> {
        let (named, digest) = match reference.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (reference, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) || is_image_id(reference) {
            return None;
        }
        // A colon before the last slash belongs to the registry's port.
        let (name, tag) = match named.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (named, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return None;
        }
        let (registry, path) = match name.split_once('/') {
            Some((first, rest)) if is_registry(first) => (first.to_ascii_lowercase(), rest),
            _ => (DEFAULT_REGISTRY.to_owned(), name),
        };
        if !is_host(&registry) || path.len() > 255 || !path.split('/').all(is_path_component) {
            return None;
        }
        let repository = match registry.as_str() {
            DEFAULT_REGISTRY | "index.docker.io" if path.contains('/') => {
                format!("{DEFAULT_REGISTRY}/{path}")
            }
            DEFAULT_REGISTRY | "index.docker.io" => format!("{DEFAULT_REGISTRY}/library/{path}"),
            _ => format!("{registry}/{path}"),
        };
        Some(Self { repository, tag, digest })
    }

    /// The whole name without tag and digest: `docker.io/library/nginx`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The host, with its port where one is given: `docker.io`, `localhost:5000`.
    pub fn registry(&self) -> &str {
        self.repository.split_once('/').map_or(DEFAULT_REGISTRY, |(registry, _)| registry)
    }

    /// The name within the registry: `library/nginx`.
    pub fn path(&self) -> &str {
        self.repository.split_once('/').map_or(&*self.repository, |(_, path)| path)
    }

    /// The last part of the name: `nginx`.
    pub fn base_name(&self) -> &str {
        last_part(&self.repository)
    }

    /// The tag, where one is written.
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// The digest with its algorithm, where one is written.
    pub fn digest(&self) -> Option<&'a str> {
        self.digest
    }
}

/// The first part of a name is a registry when it could not be a path, or is `localhost`.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.bytes().any(|byte| matches!(byte, b'.' | b':' | b'A'..=b'Z'))
}

/// A domain name, an IPv4 address, or an IPv6 address in brackets, with an optional port.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    if port.is_some_and(|port| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit())) {
        return false;
    }
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    }
    name.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// Lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_path_component(component: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    bytes.first().copied().is_some_and(is_word)
        && bytes.last().copied().is_some_and(is_word)
        && bytes
            .split(|byte| is_word(*byte))
            .all(|run| matches!(run, b"" | b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-'))
}

/// A word character, then up to 127 word characters, dots and hyphens.
fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && !tag.starts_with(['.', '-'])
        && !tag.is_empty()
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// An algorithm, a colon, and at least 32 hexadecimal digits.
fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
            && algorithm.split(['+', '.', '-', '_']).all(|part| {
                part.starts_with(|first: char| first.is_ascii_alphabetic())
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    })
}

/// 64 lower-case hexadecimal digits are the id of an image, which no registry serves.
fn is_image_id(reference: &str) -> bool {
    reference.len() == 64 && reference.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

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

/// The data file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Data {
    images: Vec<Entry>,
    mirrors: Vec<Mirror>,
    own_builds: Vec<String>,
    node_agents: Vec<String>,
    unconfined: Vec<String>,
}

/// The knowledge base of images.
#[derive(Clone, Debug)]
pub struct Catalogue {
    data: Data,
    /// Repository, with mirrors resolved, to row.
    by_repository: HashMap<String, usize>,
    /// The last two parts of the repository to row: `bitnami/nginx`.
    by_owner: HashMap<String, usize>,
    /// The last part of the repository to row, where it is telling.
    by_base_name: HashMap<String, usize>,
}

impl Catalogue {
    /// The catalogue that comes with the program.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "the data is compiled in and read by a test, so this cannot fail in a tested build"
    )]
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Catalogue> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let data = serde_yaml::from_str(include_str!("images.yaml")).expect("images.yaml is well-formed");
            Self::index(data, 0)
        })
    }

    /// This catalogue with `own` rows before its own, so that they are found first. They are found in the
    /// repositories they name alone; one whose image is no reference is never found.
    #[must_use]
    pub fn with(&self, own: impl IntoIterator<Item = Entry>) -> Self {
        let mut data = self.data.clone();
        let known = std::mem::take(&mut data.images);
        data.images.extend(own);
        let n_own = data.images.len();
        data.images.extend(known);
        Self::index(data, n_own)
    }

    /// Builds the maps. The first row that claims a name keeps it; the first `n_exact` rows claim
    /// repositories only.
    fn index(data: Data, n_exact: usize) -> Self {
        let (mut by_repository, mut by_owner, mut by_base_name) =
            (HashMap::new(), HashMap::new(), HashMap::new());
        for (idx, entry) in data.images.iter().enumerate() {
            for image in entry.repositories().filter_map(ImageRef::parse) {
                let repository = resolve(&data.mirrors, image.repository());
                if idx >= n_exact {
                    by_owner.entry(owner_and_name(&repository).to_owned()).or_insert(idx);
                    if entry.base_name {
                        by_base_name.entry(last_part(&repository).to_owned()).or_insert(idx);
                    }
                }
                by_repository.entry(repository.into_owned()).or_insert(idx);
            }
        }
        Self { data, by_repository, by_owner, by_base_name }
    }

    /// All rows.
    pub fn entries(&self) -> &[Entry] {
        &self.data.images
    }

    /// What is known about the image of `reference`, a container's `image` as it stands in the manifest.
    /// `None` for an image or a tag that the catalogue does not know, and for text that is no reference.
    pub fn lookup(&self, reference: &str) -> Option<Match<'_>> {
        self.find(&ImageRef::parse(reference)?)
    }

    /// What is known about `image`.
    pub fn find(&self, image: &ImageRef<'_>) -> Option<Match<'_>> {
        let repository = resolve(&self.data.mirrors, image.repository());
        let (idx, mut confidence) = match self.by_repository.get(&*repository) {
            Some(idx) => (*idx, Confidence::Exact),
            None => (self.guess(&repository)?, Confidence::BaseName),
        };
        let entry = self.data.images.get(idx)?;
        if image.tag().is_none() && image.digest().is_some() && entry.is_split_by_tag() {
            confidence = confidence.min(Confidence::Tag);
        }
        let facts = entry.facts_for(image.tag().unwrap_or("latest"))?;
        Some(Match { entry, facts, confidence })
    }

    /// The row that a repository outside of the catalogue is most likely about.
    fn guess(&self, repository: &str) -> Option<usize> {
        if let Some(idx) = self.by_owner.get(owner_and_name(repository)) {
            return Some(*idx);
        }
        let is_own_build = repository
            .split('/')
            .skip(1)
            .any(|part| self.data.own_builds.iter().any(|pattern| glob(pattern, part)));
        if is_own_build { None } else { self.by_base_name.get(last_part(repository)).copied() }
    }

    /// Whether the image of `reference` works on its node and needs the node's privileges: storage and
    /// network drivers, device plug-ins, monitors of nodes. Judged by the name, in any registry.
    pub fn is_node_agent(&self, reference: &str) -> bool {
        ImageRef::parse(reference).is_some_and(|image| {
            self.data.node_agents.iter().any(|pattern| ends_with_parts(image.repository(), pattern))
        })
    }

    /// The pattern of a program named in `text` (an image reference, a command, an argument) that uses system
    /// calls which a runtime's default seccomp profile denies.
    pub fn needs_unconfined_syscalls(&self, text: &str) -> Option<&str> {
        let text = text.to_ascii_lowercase();
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words
            .find_map(|word| self.data.unconfined.iter().find(|pattern| glob(pattern, word)))
            .map(String::as_str)
    }
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

/// Whether the last parts of `repository` match the parts of `pattern`, one by one.
fn ends_with_parts(repository: &str, pattern: &str) -> bool {
    let mut parts = repository.rsplit('/');
    pattern.rsplit('/').all(|pattern| parts.next().is_some_and(|part| glob(pattern, part)))
}

/// Whether `pattern` matches the whole of `text`; `*` stands for any characters, everything else for itself.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(prefix) else { return false };
    let (middle, suffix) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*') {
        let Some(at) = text.find(piece) else { return false };
        text = text.get(at + piece.len()..).unwrap_or_default();
    }
    text.ends_with(suffix)
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
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn catalogue() -> &'static Catalogue {
        Catalogue::builtin()
    }

    #[track_caller]
    fn found(reference: &str) -> Match<'static> {
        catalogue().lookup(reference).unwrap_or_else(|| panic!("{reference} is not in the catalogue"))
    }

    #[track_caller]
    fn check_user(reference: &str, uid: i64, gid: Option<i64>) {
        let facts = found(reference).facts;
        assert_eq!((facts.uid, facts.run_as_group()), (Some(uid), gid), "{reference}");
    }

    #[track_caller]
    fn check_image(reference: &str, image: &str, confidence: Confidence) {
        let found = found(reference);
        assert_eq!((found.entry.image.as_str(), found.confidence), (image, confidence), "{reference}");
    }

    #[track_caller]
    fn check_unknown(reference: &str) {
        assert_eq!(catalogue().lookup(reference), None, "{reference}");
    }

    #[test]
    fn references_are_normalised() {
        const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let digest = format!("sha256:{HEX}");
        let digest = digest.as_str();
        for (reference, repository, tag, has_digest) in [
            ("nginx", "docker.io/library/nginx", None, false),
            ("nginx:1.27-alpine", "docker.io/library/nginx", Some("1.27-alpine"), false),
            ("prom/prometheus", "docker.io/prom/prometheus", None, false),
            ("docker.io/nginx", "docker.io/library/nginx", None, false),
            ("docker.io/library/nginx", "docker.io/library/nginx", None, false),
            ("index.docker.io/nginx:1", "docker.io/library/nginx", Some("1"), false),
            ("Docker.IO/nginx", "docker.io/library/nginx", None, false),
            ("quay.io/coreos/etcd:v3.5.0", "quay.io/coreos/etcd", Some("v3.5.0"), false),
            ("registry.k8s.io/pause:3.9", "registry.k8s.io/pause", Some("3.9"), false),
            ("localhost/app", "localhost/app", None, false),
            ("localhost:5000/app:1", "localhost:5000/app", Some("1"), false),
            ("localhost:5000", "docker.io/library/localhost", Some("5000"), false),
            ("10.0.0.1:5000/a/b/c", "10.0.0.1:5000/a/b/c", None, false),
            ("[fd00::1]:5000/app", "[fd00::1]:5000/app", None, false),
            ("[fd00::1]/app", "[fd00::1]/app", None, false),
            ("Registry/app", "registry/app", None, false),
            ("REGISTRY.example.COM:443/Team", "", None, false),
            ("a__b/c--d/e.f_g", "docker.io/a__b/c--d/e.f_g", None, false),
            ("app:_x", "docker.io/library/app", Some("_x"), false),
            ("nginx@DIGEST", "docker.io/library/nginx", None, true),
            ("nginx:1.27@DIGEST", "docker.io/library/nginx", Some("1.27"), true),
            ("localhost:5000/app@DIGEST", "localhost:5000/app", None, true),
        ] {
            let reference = reference.replace("DIGEST", digest);
            let image = ImageRef::parse(&reference);
            let parts = image.as_ref().map(|image| (image.repository(), image.tag(), image.digest()));
            let expected = (repository, tag, has_digest.then_some(digest));
            assert_eq!(
                parts,
                Some(expected).filter(|(repository, ..)| !repository.is_empty()),
                "{reference}"
            );
        }
    }

    #[test]
    fn odd_text_is_no_reference() {
        let long_tag = format!("a:{}", "x".repeat(129));
        let long_path = "x".repeat(256);
        let id = "0123456789abcdef".repeat(4);
        for reference in [
            "",
            "/",
            "/nginx",
            "nginx/",
            "a//b",
            ":",
            "nginx:",
            ":1",
            "nginx:-1",
            "nginx:.1",
            "nginx:a b",
            " nginx",
            "nginx ",
            "nginx\n",
            "Nginx",
            "docker.io/Team/app",
            "nginx@",
            "@sha256:00",
            "nginx@sha256:00",
            "nginx@sha256",
            "nginx@0:0123456789abcdef0123456789abcdef",
            "a@b@c",
            "a..b",
            "a___b",
            "a._b",
            "-a",
            "a-",
            "_a",
            "http://docker.io/nginx",
            "host:port/app",
            "host:/app",
            "-a.b/app",
            "a..b:1/app",
            "[]/app",
            "[::1/app",
            "[::1]",
            "${IMAGE}",
            "{{ .Values.image }}",
            "nginx:$TAG",
            "größe",
            "镜像",
            &long_tag,
            &long_path,
            &id,
        ] {
            assert_eq!(ImageRef::parse(reference), None, "{reference:?}");
        }
    }

    #[test]
    fn references_have_parts() {
        let image = ImageRef::parse("swr.cn-north-4.myhuaweicloud.com/org/sub/nginx:1").unwrap();
        assert_eq!(image.registry(), "swr.cn-north-4.myhuaweicloud.com");
        assert_eq!(image.path(), "org/sub/nginx");
        assert_eq!(image.base_name(), "nginx");
    }

    #[test]
    fn official_images_are_found_under_all_their_names() {
        for reference in [
            "nginx",
            "nginx:1.27.3",
            "nginx:alpine",
            "docker.io/nginx",
            "docker.io/library/nginx:latest",
            "index.docker.io/library/nginx",
            "registry-1.docker.io/library/nginx",
            "mirror.gcr.io/library/nginx",
            "public.ecr.aws/docker/library/nginx:1.27",
        ] {
            check_image(reference, "docker.io/library/nginx", Confidence::Exact);
        }
        check_image("prom/prometheus:v3.0.0", "quay.io/prometheus/prometheus", Confidence::Exact);
        check_image(
            "k8s.gcr.io/coredns/coredns:v1.11.1",
            "registry.k8s.io/coredns/coredns",
            Confidence::Exact,
        );
    }

    #[test]
    fn mirrors_and_namesakes_are_hints() {
        for reference in [
            "swr.cn-north-4.myhuaweicloud.com/org/nginx",
            "harbor.example.com/proxy/library/nginx:1.27",
            "mycompany/nginx",
            "localhost:5000/nginx",
            "ubi.example.com/nginx",
            "docker.io.example.com/library/nginx",
            "mirror.gcr.io.example.com/library/nginx",
        ] {
            check_image(reference, "docker.io/library/nginx", Confidence::BaseName);
        }
        check_image("mycompany/redis", "docker.io/library/redis", Confidence::BaseName);
        check_image(
            "harbor.example.com/library/prometheus",
            "quay.io/prometheus/prometheus",
            Confidence::BaseName,
        );
        check_image("harbor.example.com/a/library/node:22", "docker.io/library/node", Confidence::BaseName);
    }

    #[test]
    fn plain_words_are_not_guessed_at() {
        for reference in [
            "mycompany/node",
            "mycompany/controller",
            "mycompany/registry",
            "mycompany/redis-exporter",
            "mycompany/app",
        ] {
            check_unknown(reference);
        }
    }

    #[test]
    fn builds_of_others_are_not_taken_for_the_official_image() {
        check_image("bitnami/nginx:1.27", "docker.io/bitnami/nginx", Confidence::Exact);
        check_image("registry-1.docker.io/bitnamilegacy/redis", "docker.io/bitnami/redis", Confidence::Exact);
        check_image("registry.example.com/bitnami/nginx", "docker.io/bitnami/nginx", Confidence::BaseName);
        check_image(
            "nginxinc/nginx-unprivileged",
            "docker.io/nginxinc/nginx-unprivileged",
            Confidence::Exact,
        );
        for reference in [
            "bitnami/fluentd",
            "registry.example.com/bitnami/fluentd",
            "cgr.dev/chainguard/nginx",
            "linuxserver/mariadb",
            "registry.redhat.io/rhel9/redis",
        ] {
            check_unknown(reference);
        }
    }

    #[test]
    fn the_tag_decides_between_variants() {
        check_user("nginx", 101, Some(101));
        assert_eq!(found("nginx:1.14.2").facts.uid, None);
        assert_eq!(found("nginx:1.14.2").facts.writable, found("nginx").facts.writable);
        check_user("postgres:17", 999, Some(999));
        check_user("postgres:17.2-alpine3.21", 70, Some(70));
        check_user("postgres:alpine", 70, Some(70));
        assert_eq!(found("postgres:17-alpine").facts.volumes, ["/var/lib/postgresql/data"]);
        assert_eq!(found("postgres:18").facts.volumes, ["/var/lib/postgresql"]);
        check_user("redis:7.2", 999, Some(999));
        check_user("redis:7.2-alpine", 999, Some(1000));
        check_user("rabbitmq:4.1-management", 999, Some(999));
        check_user("rabbitmq:4.1-management-alpine", 100, Some(101));
        check_user("influxdb:1.11-alpine", 1500, Some(1500));
        check_user("influxdb:2.7", 1000, Some(1000));
        assert_eq!(found("influxdb:2").facts.user, Some(User::Root));
        assert_eq!(found("hashicorp/vault:1.20-ubi").facts.user, Some(User::Numeric));
        assert!(found("hashicorp/vault:1.20-ubi").facts.file_capabilities.is_empty());
        assert_eq!(found("hashicorp/vault:2.0.1").facts.file_capabilities, ["IPC_LOCK"]);
        assert_eq!(found("hashicorp/vault").facts.file_capabilities, ["IPC_LOCK"]);
    }

    #[test]
    fn nothing_is_said_about_tags_outside_of_the_row() {
        for reference in [
            "haproxy:2.2",
            "coredns/coredns:1.8.0",
            "influxdb:1.8",
            "influxdb:3-core",
            "gcr.io/distroless/static",
        ] {
            check_unknown(reference);
        }
        check_user("haproxy:2", 99, Some(99));
        check_user("haproxy:lts-alpine", 99, Some(99));
        check_user("gcr.io/distroless/static-debian12:nonroot", 65532, Some(65532));
    }

    #[test]
    fn a_digest_alone_leaves_the_variant_open() {
        const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        for (reference, confidence) in [
            ("redis@", Confidence::Tag),
            ("redis:7.2@", Confidence::Exact),
            ("mongo@", Confidence::Exact),
            ("mycompany/redis@", Confidence::BaseName),
        ] {
            let reference = format!("{reference}{DIGEST}");
            assert_eq!(found(&reference).confidence, confidence, "{reference}");
        }
    }

    #[test]
    fn group_zero_is_left_as_it_is() {
        for reference in
            ["nginxinc/nginx-unprivileged", "quay.io/keycloak/keycloak:26.0", "sonarqube", "elasticsearch"]
        {
            assert_eq!(found(reference).facts.run_as_group(), None, "{reference}");
        }
        let facts = Facts { gid: Some(0), group_zero: true, ..Facts::default() };
        assert_eq!(facts.run_as_group(), None);
    }

    #[test]
    fn rows_of_the_user_come_first_and_claim_nothing_else() {
        let own = "
            - {image: nginx, uid: 4242, writable: [/srv]}
            - {image: registry.example.com/team/redis, uid: 4243}
            - {image: 'not a reference', uid: 1}";
        let own: Vec<Entry> = serde_yaml::from_str(own).unwrap();
        let catalogue = catalogue().with(own);
        let uid = |reference| catalogue.lookup(reference).and_then(|found| found.facts.uid);
        assert_eq!(uid("docker.io/library/nginx:1.27"), Some(4242));
        assert_eq!(uid("registry.example.com/team/redis"), Some(4243));
        assert_eq!(uid("other.example.com/team/redis"), Some(999));
        assert_eq!(uid("other.example.com/nginx"), Some(101));
        assert_eq!(uid("not a reference"), None);
    }

    #[test]
    fn unknown_keys_are_errors() {
        assert!(serde_yaml::from_str::<Entry>("{image: nginx, uid: 1}").is_ok());
        for entry in [
            "{image: nginx, uuid: 1}",
            "{image: nginx, variants: [{tags: {like: [a]}, uuid: 1}]}",
            "{image: nginx, tags: {from: '1'}}",
            "{image: nginx, uid: '1'}",
            "{uid: 1}",
        ] {
            assert!(serde_yaml::from_str::<Entry>(entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn node_agents_are_told_by_name() {
        for reference in [
            "k8s.gcr.io/sig-storage/csi-node-driver-registrar:v2.3.0",
            "swr.cn-north-4.myhuaweicloud.com/k8s-csi/evs-csi-plugin:v0.1.6",
            "quay.io/calico/node:v3.28.0",
            "rancher/mirrored-calico-cni",
            "quay.io/cilium/cilium:v1.16.0",
            "ghcr.io/flannel-io/flannel-cni-plugin",
            "istio/install-cni:1.23.0",
            "registry.k8s.io/kube-proxy:v1.30.0",
            "registry.k8s.io/node-problem-detector/node-problem-detector",
            "nvcr.io/nvidia/k8s-device-plugin:v0.16.1",
            "swr.cn-north-4.myhuaweicloud.com/hwofficial/everest:2.1.30",
            "swr.cn-north-4.myhuaweicloud.com/hwofficial/huawei-npu",
            "prom/node-exporter",
            "falcosecurity/falco",
            "sysdig/agent",
        ] {
            assert!(catalogue().is_node_agent(reference), "{reference}");
        }
        for reference in [
            "nginx",
            "mycompany/input-service",
            "nvcr.io/nvidia/pytorch",
            "mycompany/csis",
            "{{ calico }}",
            "mycompany/cni/app",
        ] {
            assert!(!catalogue().is_node_agent(reference), "{reference}");
        }
    }

    #[test]
    fn programs_with_unusual_system_calls_are_told_by_word() {
        for (text, word) in [
            ("selenium/standalone-chrome:4", Some("chrome*")),
            ("/usr/bin/Google-Chrome-stable --headless", Some("chrome*")),
            ("moby/buildkit:rootless", Some("buildkit*")),
            ("docker:27-dind", Some("dind")),
            ("exec perf record -a", Some("perf")),
            ("qemu-system-x86_64", Some("qemu*")),
            ("mycompany/performance", None),
            ("binding", None),
            ("", None),
        ] {
            assert_eq!(catalogue().needs_unconfined_syscalls(text), word, "{text}");
        }
    }

    #[test]
    fn every_row_is_sane() {
        let mut repositories = HashSet::new();
        let mut base_names = HashSet::new();
        for entry in catalogue().entries() {
            let image = &entry.image;
            assert!(!entry.source.trim().is_empty(), "{image} has no source");
            for repository in entry.repositories() {
                let parsed = ImageRef::parse(repository).expect(repository);
                assert_eq!(parsed.repository(), repository, "not normalised");
                assert_eq!(resolve(&catalogue().data.mirrors, repository), repository, "a mirror's");
                assert!(repositories.insert(repository), "{repository} stands twice");
            }
            if entry.base_name {
                let names: HashSet<&str> = entry.repositories().map(last_part).collect();
                let mut names: Vec<&str> = names.into_iter().collect();
                names.sort_unstable();
                for name in names {
                    assert!(base_names.insert(name), "{name} is claimed twice");
                }
            }
            for facts in
                std::iter::once(&entry.facts).chain(entry.variants.iter().map(|variant| &variant.facts))
            {
                check_facts(image, facts);
            }
            for variant in &entry.variants {
                assert_ne!(variant.tags, Tags::default(), "{image} has a variant for all tags");
            }
            for tags in std::iter::once(&entry.tags).chain(entry.variants.iter().map(|variant| &variant.tags))
            {
                for bound in tags.since.iter().chain(&tags.before) {
                    assert!(version(bound).is_some(), "{image}: {bound} is no version");
                }
            }
        }
    }

    #[track_caller]
    fn check_facts(image: &str, facts: &Facts) {
        assert_ne!(*facts, Facts::default(), "{image} says nothing");
        assert!(facts.uid.is_none_or(|uid| (1..=2_147_483_647).contains(&uid)), "{image}");
        assert!(facts.gid.is_none_or(|gid| (0..=2_147_483_647).contains(&gid)), "{image}");
        assert!(facts.gid.is_none() || !facts.group_zero, "{image} has two groups");
        assert!(facts.uid.is_none() || facts.start != Some(Start::Root), "{image} is root and is not");
        assert!(!facts.ports.contains(&0), "{image}");
        for capability in &facts.file_capabilities {
            assert!(
                !capability.starts_with("CAP_") && *capability == capability.to_ascii_uppercase(),
                "{image}"
            );
        }
        let paths = facts.writable.iter().chain(&facts.needs_content).chain(&facts.volumes);
        let mut seen = HashSet::new();
        for path in paths {
            assert!(is_normalised(path), "{image}: {path}");
            assert!(seen.insert(path), "{image}: {path} stands twice");
        }
        for path in &facts.writable {
            assert!(!hides_needed_files(path), "{image}: {path} must not be covered");
            for needed in &facts.needs_content {
                assert!(!needed.starts_with(&format!("{path}/")), "{image}: {path} would hide {needed}");
            }
        }
        if facts.read_only_root == ReadOnlyRoot::Works {
            assert!(facts.needs_content.is_empty(), "{image} needs directories that nothing covers");
        }
    }

    fn is_normalised(path: &str) -> bool {
        path.strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
    }

    /// Directories that hold an image's programs, settings or all of its state.
    fn hides_needed_files(path: &str) -> bool {
        const TOP: [&str; 15] = [
            "bin", "boot", "dev", "etc", "home", "lib", "lib64", "opt", "proc", "root", "sbin", "srv", "sys",
            "usr", "var",
        ];
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts[..] {
            [top] => TOP.contains(&top),
            ["usr" | "lib" | "lib64" | "bin" | "sbin" | "dev" | "proc" | "sys", _]
            | ["var", "lib" | "www"]
            | ["opt", "bitnami"]
            | ["etc", "ssl" | "nginx"]
            | ["usr", "local" | "share", _] => true,
            _ => false,
        }
    }

    #[test]
    fn every_list_is_sane() {
        let data = &catalogue().data;
        for mirror in &data.mirrors {
            assert!(!mirror.source.is_empty() && mirror.prefix != mirror.origin, "{mirror:?}");
            for name in [&mirror.prefix, &mirror.origin] {
                assert!(ImageRef::parse(&format!("{name}/x/y")).is_some(), "{name}");
            }
        }
        for list in [&data.own_builds, &data.node_agents, &data.unconfined] {
            let mut seen = HashSet::new();
            for pattern in list {
                assert!(
                    !pattern.is_empty() && pattern.chars().any(|c| c.is_ascii_alphanumeric()),
                    "{pattern:?}"
                );
                assert_eq!(*pattern, pattern.to_ascii_lowercase());
                assert!(seen.insert(pattern), "{pattern} stands twice");
            }
        }
    }

    #[test]
    fn patterns_match_the_whole_text() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*b*", "abc", true),
            ("*b*", "b", true),
            ("a*a", "a", false),
            ("a*b*c", "axbxc", true),
            ("a*b*c", "axcxb", false),
            ("*ab*ab*", "abab", true),
            ("*ab*ab*", "ab", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn versions_are_compared_by_number() {
        for (tag, bound, expected) in [
            ("1.27", "1.17", true),
            ("1.9", "1.17", false),
            ("1.17", "1.17", true),
            ("1.17-alpine", "1.17", true),
            ("v1.16.9", "1.17", false),
            ("1", "1.17", true),
            ("2", "1.17", true),
            ("latest", "1.17", true),
            ("2024a", "1.17", true),
            ("99999999999999999999999", "1.17", true),
        ] {
            assert_eq!(is_at_least(tag, bound), expected, "{tag} {bound}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = ImageRef::parse(&text);
            let _ = catalogue().lookup(&text);
            let _ = catalogue().is_node_agent(&text);
            let _ = catalogue().needs_unconfined_syscalls(&text);
        }

        #[test]
        fn text_like_a_reference_parses_to_a_fixed_point(text in "[a-cA-C0-1._:/@\\[\\]-]{0,24}(:[a-z0-9.]{1,5})?") {
            if let Some(image) = ImageRef::parse(&text) {
                let again = ImageRef::parse(image.repository()).map(|again| again.repository().to_owned());
                prop_assert_eq!(again.as_deref(), Some(image.repository()));
                prop_assert_eq!(format!("{}/{}", image.registry(), image.path()), image.repository());
            }
        }

        #[test]
        fn every_row_is_found_in_its_own_repositories(idx in 0..catalogue().entries().len(), tag in "[0-9]{1,2}(-alpine)?") {
            let entry = &catalogue().entries()[idx];
            for repository in entry.repositories() {
                if let Some(found) = catalogue().lookup(&format!("{repository}:{tag}")) {
                    prop_assert_eq!(&found.entry.image, &entry.image);
                    prop_assert_eq!(found.confidence, Confidence::Exact);
                }
            }
        }
    }
}
