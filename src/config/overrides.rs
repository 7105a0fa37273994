//! `overrides`: what a configuration suppresses, and for which files.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use glob::Pattern;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use transforms::Settings;
use transforms::suppression::{self, Date, NoReason, Reason};

use super::{ConfigError, Decisions, ids};
use crate::paths::absolute;

/// An entry of `overrides`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Override {
    /// What it is for.
    #[serde(rename = "match")]
    pub target: Match,
    /// Ids and groups.
    pub ignore: Vec<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Date>,
}

/// What an override is for: what matches all that is given.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Match {
    /// The file, as `.gitignore` names files, seen from the configuration's folder.
    pub path: Option<PathPattern>,
    /// The object's kind.
    pub kind: Option<Glob>,
    /// The object's namespace.
    pub namespace: Option<Glob>,
    /// The object's name.
    pub name: Option<Glob>,
    /// A container's name.
    pub container: Option<Glob>,
    /// A container's image.
    pub image: Option<Glob>,
}

/// A pattern of names.
#[derive(Clone, Debug)]
pub struct Glob(Pattern);

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Pattern::new(&text).map(Self).map_err(|error| serde::de::Error::custom(format!("`{text}`: {error}")))
    }
}

impl Serialize for Glob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl JsonSchema for Glob {
    fn schema_name() -> Cow<'static, str> {
        "Glob".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "A pattern of names, as shells have them: `*-agent`.", "type": "string"})
    }
}

/// A pattern of files.
#[derive(Clone, Debug)]
pub struct PathPattern {
    /// As it is written.
    text: String,
    rules: Gitignore,
}

impl Serialize for PathPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl JsonSchema for PathPattern {
    fn schema_name() -> Cow<'static, str> {
        "PathPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "A pattern of files, as `.gitignore` has them: `legacy/**`.", "type": "string"})
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refuse = |error: &dyn std::fmt::Display| serde::de::Error::custom(format!("`{text}`: {error}"));
        // Paths are given to it relative to the configuration's folder.
        let mut builder = GitignoreBuilder::new("");
        builder.add_line(None, &text).map_err(|error| refuse(&error))?;
        let pattern = builder.build().map_err(|error| refuse(&error))?;
        if pattern.num_ignores() == 1 {
            Ok(Self { rules: pattern, text })
        } else {
            Err(refuse(&"this names no files"))
        }
    }
}

impl PathPattern {
    fn matches(&self, path: &Path) -> bool {
        self.rules.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// The overrides of `written` as the transforms take them. `place` names one of them in messages.
pub(super) fn resolve(
    written: &[Override],
    place: impl Fn(&str) -> String,
) -> Result<Vec<suppression::Override>, ConfigError> {
    let mut resolved = Vec::with_capacity(written.len());
    for (number, rule) in written.iter().enumerate() {
        let place = |key: &str| place(&format!("overrides[{number}]{key}"));
        let refuse =
            |place: String, message: &str| Err(ConfigError::Override { place, message: message.to_owned() });
        let Match { path, kind, namespace, name, container, image } = &rule.target;
        if path.is_none() && [kind, namespace, name, container, image].iter().all(|pattern| pattern.is_none())
        {
            return refuse(place(".match"), "it matches everything; what holds everywhere goes to `ignore`");
        }
        if rule.ignore.is_empty() {
            return refuse(place(".ignore"), "no id is given");
        }
        let mut reason = match Reason::checked(&rule.reason) {
            Ok(reason) => reason,
            // Folded text ends with a line break.
            Err(NoReason::Lines) => Reason::read(&rule.reason),
            Err(error) => return refuse(place(".reason"), &error.to_string()),
        };
        reason.until = rule.until.or(reason.until);
        let pattern = |glob: &Option<Glob>| glob.as_ref().map(|glob| glob.0.clone());
        resolved.push(suppression::Override {
            number,
            kind: pattern(kind),
            namespace: pattern(namespace),
            name: pattern(name),
            container: pattern(container),
            image: pattern(image),
            ids: ids(&rule.ignore, &place(".ignore"))?,
            reason,
        });
    }
    Ok(resolved)
}

impl Decisions {
    /// The settings for the file at `path`: without the overrides that are for other files.
    pub fn settings_for(&self, path: &Path) -> Cow<'_, Settings> {
        let rules = &self.config.overrides;
        if rules.iter().all(|rule| rule.target.path.is_none()) {
            return Cow::Borrowed(&self.settings);
        }
        let path = self.seen(path);
        let is_for = |rule: &Override| {
            rule.target
                .path
                .as_ref()
                .is_none_or(|pattern| path.as_deref().is_some_and(|path| pattern.matches(path)))
        };
        let mut settings = self.settings.clone();
        settings.overrides.retain(|rule| rules.get(rule.number).is_some_and(is_for));
        Cow::Owned(settings)
    }

    /// The path as seen from the configuration's folder, or from the current one where it lies elsewhere.
    fn seen(&self, path: &Path) -> Option<PathBuf> {
        let whole = absolute(path);
        let own = self.folder.as_deref().and_then(|folder| whole.strip_prefix(folder).ok());
        let seen = own.map(Path::to_owned);
        seen.or_else(|| Some(whole.strip_prefix(absolute(Path::new("."))).ok()?.to_owned()))
    }
}
