//! The keys of `.cce-fix.yaml`, and the reading of it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use transforms::Profile;
use transforms::settings;

use super::ConfigError;
use super::overrides::Override;
use crate::spelling;

/// What `.cce-fix.yaml` can hold; every key is optional.
#[derive(Clone, Debug, Default, Deserialize)]
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
    /// Parameters by id.
    pub transforms: Transforms,
    /// What is ignored here and there.
    pub overrides: Vec<Override>,
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

/// The parameters of single transforms.
#[derive(Clone, Debug, Default, Deserialize)]
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct All {
    /// Also change what belongs to the cluster itself: system namespaces and CCE's add-ons.
    pub include_system: bool,
    /// The folder for generated files, seen from the configuration's.
    pub generate_to: Option<PathBuf>,
}

impl Config {
    /// Reads the text of `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let config: Result<Option<Self>, _> = serde_yaml::from_str(text);
        config.map(Option::unwrap_or_default).map_err(|error| {
            let place = error.location();
            ConfigError::Invalid {
                path: path.to_owned(),
                line: place.as_ref().map_or(1, serde_yaml::Location::line),
                column: place.as_ref().map_or(1, serde_yaml::Location::column),
                message: explain(&error.to_string()),
            }
        })
    }
}

/// The reader's message without the place, and with the nearest of the names that it expected.
fn explain(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
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
