//! The keys of `.cce-fix.yaml`, and the reading of it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::Gitignore;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use transforms::Profile;
use transforms::images::{Entry, UserImage};
use transforms::model::Pattern;
use transforms::settings;

use super::ConfigError;
use super::overrides::Override;
use super::requests::Requests;
use crate::spelling;

/// What `.cce-fix.yaml` can hold; every key is optional.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", expecting = "expected a map of decisions")]
pub struct Config {
    /// What a hardened manifest has to fulfil.
    pub profile: Option<Profile>,
    /// The Kubernetes version that the manifests are for.
    pub target: Option<Target>,
    /// Safe fixes only.
    pub safe: Option<bool>,
    /// Fill in what is missing, change no value that somebody wrote.
    pub keep_explicit: Option<bool>,
    /// Ids and groups to run in place of the profile's own.
    pub select: Option<Vec<String>>,
    /// Ids and groups that do not run.
    pub ignore: Option<Vec<String>>,
    /// Files that a walk passes over, by the rules of `.gitignore`, seen from the file's folder.
    pub exclude: Vec<String>,
    /// What is known about images, looked at before the catalogue.
    pub images: Vec<UserImage>,
    /// Where pods stand in kinds that are not known, and in known ones in place of what is known.
    pub workloads: Vec<Workload>,
    /// Parameters by id.
    pub transforms: Transforms,
    /// What is ignored here and there.
    pub overrides: Vec<Override>,
    /// How `cce-fix pr` makes requests.
    pub pr: Requests,
    /// The lists above, checked.
    #[serde(skip)]
    pub rows: Rows,
    /// As it is written, for the places of what is wrong with it.
    #[serde(skip)]
    pub text: Arc<str>,
}

/// Where the pods of a kind stand, as paths in text.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// The group of `apiVersion`.
    #[serde(default)]
    pub group: String,
    /// The kind.
    pub kind: String,
    /// Pod templates: maps with `metadata` and `spec`.
    #[serde(default)]
    pub pods: Vec<String>,
    /// Pods' specs without a template around them.
    #[serde(default)]
    pub specs: Vec<String>,
}

/// What the lists of a configuration say.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Of `exclude`, where there are some.
    pub exclude: Option<Gitignore>,
    /// Of `images`.
    pub images: Vec<Entry>,
    /// Of `workloads`.
    pub workloads: Vec<settings::WorkloadPath>,
}

/// A value that is of the right type and yet says nothing, and its place.
type Bad = (rewriter::Path, String);

impl Rows {
    fn of(config: &Config) -> Result<Self, Bad> {
        let forge = rewriter::Path::root().key("pr").key("forge");
        config.pr.kind().map_err(|message| (forge, message))?;
        Ok(Self {
            exclude: exclude(&config.exclude)?,
            images: rows("images", &config.images, |own, path| {
                Entry::try_from(own.clone()).map_err(|error| (path.clone(), error.to_string()))
            })?,
            workloads: rows("workloads", &config.workloads, workload)?,
        })
    }
}

fn rows<R, T>(
    key: &'static str,
    rows: &[R],
    read: impl Fn(&R, &rewriter::Path) -> Result<T, Bad>,
) -> Result<Vec<T>, Bad> {
    let list = rewriter::Path::root().key(key);
    rows.iter().enumerate().map(|(index, row)| read(row, &list.index(index))).collect()
}

fn exclude(lines: &[String]) -> Result<Option<Gitignore>, Bad> {
    super::exclude::rules(lines).map_err(|(index, message)| {
        let list = rewriter::Path::root().key("exclude");
        (index.map_or(list.clone(), |index| list.index(index)), message)
    })
}

fn workload(row: &Workload, path: &rewriter::Path) -> Result<settings::WorkloadPath, Bad> {
    let Workload { group, kind, pods, specs } = row;
    if let Some((without, _)) = group.split_once('/') {
        let message = format!("`{group}`: a group is written without a version: `{without}`");
        return Err((path.key("group"), message));
    }
    if pods.is_empty() && specs.is_empty() {
        return Err((path.clone(), format!("`{kind}` needs a path to its pods, under `pods` or `specs`")));
    }
    let patterns = |key: &'static str, texts: &[String]| -> Result<Vec<Pattern>, Bad> {
        let read = |(index, text): (usize, &String)| {
            Pattern::try_from(text.clone()).map_err(|message| (path.key(key).index(index), message))
        };
        texts.iter().enumerate().map(read).collect()
    };
    Ok(settings::WorkloadPath {
        group: group.clone(),
        kind: kind.clone(),
        pods: patterns("pods", pods)?,
        specs: patterns("specs", specs)?,
    })
}

/// A Kubernetes version, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(pub settings::Version);

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let error = serde::de::Error::custom::<&str>;
        match serde_yaml::Value::deserialize(deserializer)? {
            serde_yaml::Value::String(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
            // The number 1.30 is the number 1.3.
            serde_yaml::Value::Number(_) => Err(error("a version is text: write it in quotes")),
            _ => Err(error("expected a version such as \"1.28\"")),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A Kubernetes version in quotes, such as `\"1.28\"` or `v1.28.15-r20`.",
            "type": "string",
            "pattern": r"^v?1\.\d+",
        })
    }
}

/// The parameters of single transforms.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Transforms {
    /// Those that belong to no single one.
    pub all: All,
    /// Of `run-as-user`.
    pub run_as_user: settings::RunAsUser,
    /// Of `seccomp-profile`.
    pub seccomp_profile: settings::SeccompProfile,
    /// Of `resources`.
    pub resources: settings::Resources,
    /// Of `privileged`.
    pub privileged: settings::Privileged,
    /// Of `host-path`.
    pub host_path: settings::HostPath,
    /// Of `app-armor-profile`.
    pub app_armor_profile: settings::AppArmorProfile,
    /// Of `node-scheduling`.
    pub node_scheduling: settings::NodeScheduling,
    /// Of `automount-service-account-token`.
    pub automount_service_account_token: settings::AutomountServiceAccountToken,
    /// Of `api-server-access`.
    pub api_server_access: settings::ApiServerAccess,
    /// Of `metadata-access`.
    pub metadata_access: settings::MetadataAccess,
    /// Of `misplaced-field`.
    pub misplaced_field: settings::MisplacedField,
    /// Of `public-exposure`.
    pub public_exposure: settings::PublicExposure,
}

/// Parameters that belong to no single transform.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct All {
    /// Also change what belongs to the cluster itself: system namespaces and CCE's add-ons.
    pub include_system: bool,
    /// Also change what looks like a pod in kinds that are not known.
    pub detect_pod_specs: bool,
    /// The folder for generated files, seen from the configuration's.
    pub generate_to: Option<PathBuf>,
}

impl Config {
    /// Reads the text of `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let invalid =
            |(line, column), message| ConfigError::Invalid { path: path.to_owned(), line, column, message };
        let reader = serde_yaml::Deserializer::from_str(text);
        let mut config: Self = serde_path_to_error::deserialize::<_, Option<Self>>(reader)
            .map_err(|error| {
                let steps = error.path().iter().filter_map(step);
                let path = steps.fold(rewriter::Path::root(), |path, step| path.with(step));
                let error = error.into_inner();
                let place = error.location().map_or((1, 1), |place| (place.line(), place.column()));
                // A value that is refused for what it says has no place of its own there.
                // A key that is not known has: the key's, before its value's.
                let is_key = error.to_string().contains("unknown field");
                let of_value = if is_key { place } else { place.max(locate(text, &path)) };
                let place = twice(text).unwrap_or(of_value);
                invalid(place, explain(&error.to_string()))
            })?
            .unwrap_or_default();
        config.text = text.into();
        config.rows = Rows::of(&config)
            .map_err(|(place, message)| invalid(locate(text, &place), format!("{place}: {message}")))?;
        Ok(config)
    }
}

impl Config {
    /// Where the value at `path` is written, as messages begin: `FILE:line:column: path`.
    pub(super) fn place(&self, file: &Path, path: &rewriter::Path) -> String {
        let (line, column) = locate(&self.text, path);
        format!("{}:{line}:{column}: {path}", file.display())
    }
}

fn step(segment: &serde_path_to_error::Segment) -> Option<rewriter::Step> {
    use serde_path_to_error::Segment;

    match segment {
        Segment::Seq { index } => Some(rewriter::Step::Index(*index)),
        Segment::Map { key } => Some(rewriter::Step::Key(key.clone().into())),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// Where a key stands for the second time in a mapping.
fn twice(text: &str) -> Option<(usize, usize)> {
    let stream = rewriter::Stream::scan(text).ok()?;
    let refusal = stream.document(0)?.duplicate_key()?;
    Some((refusal.position.line, refusal.position.column))
}

/// Line and column of the value at `path`.
pub(super) fn locate(text: &str, path: &rewriter::Path) -> (usize, usize) {
    let stream = rewriter::Stream::scan(text).ok();
    let root = stream.as_ref().and_then(|stream| stream.document(0)?.root());
    let node = root.and_then(|root| {
        path.steps().iter().try_fold(root, |node, step| match step {
            rewriter::Step::Key(key) => node.get(key),
            rewriter::Step::Index(index) => node.items().nth(*index),
        })
    });
    node.map_or((1, 1), |node| (node.position().line, node.position().column))
}

/// The reader's message without the place, and with the nearest of the names that it expected.
fn explain(message: &str) -> String {
    // To the reader every name could be a tag as well, which a configuration has no use for.
    let message =
        &message.split(" at line ").next().unwrap_or(message).replace("a YAML tag starting with '!'", "text");
    let Some((what, expected)) = message.split_once(", expected ") else { return message.to_owned() };
    let quoted =
        |text: &'_ str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let known = quoted(expected);
    match (quoted(what).last(), known.as_slice()) {
        (Some(written), [_, ..]) if what.contains("unknown ") => {
            match spelling::nearest(written, known.iter().map(String::as_str)) {
                Some(near) => format!("{what}; did you mean `{near}`?"),
                None => format!("{what}; known are `{}`", known.join("`, `")),
            }
        }
        _ => message.to_owned(),
    }
}
