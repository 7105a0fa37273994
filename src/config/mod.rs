//! What a team decides: `.cce-fix.yaml`, and the flags that beat it.

mod exclude;
mod file;
mod nearest;
mod overrides;
mod requests;
mod schema;
mod show;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use transforms::settings::Part;
use transforms::suppression::Date;
use transforms::{ALL, GROUPS, Profile, Settings};

use crate::paths::{absolute, folder_of};
use crate::spelling;

use exclude::Exclude;
pub use file::Config;
pub use nearest::Nearest;
pub use requests::Requests;
pub use schema::{Parameter, parameters, schema};
pub use show::show;

/// The name of the file.
pub const FILE_NAME: &str = ".cce-fix.yaml";

/// A configuration that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {message}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The file does not say what a configuration says.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// From one.
        line: usize,
        /// From one.
        column: usize,
        /// What is wrong, and what may have been meant.
        message: String,
    },
    /// A key is missing without which another one has no meaning.
    #[error("{place}: {missing} is missing")]
    Incomplete {
        /// The file.
        place: String,
        /// The key, and what it holds.
        missing: &'static str,
    },
    /// An override that cannot be used.
    #[error("{place}: {message}")]
    Override {
        /// The key.
        place: String,
        /// What is wrong with it.
        message: String,
    },
    /// A pattern that excludes nothing.
    #[error("`--exclude`: {0}")]
    Exclude(String),
    /// Neither an id nor a group.
    #[error("{place}: `{name}` is neither a transform nor a group{suggestion}")]
    UnknownId {
        /// The flag or key.
        place: String,
        /// What was written.
        name: String,
        /// What may have been meant.
        suggestion: String,
    },
}

/// What flags decide; each beats the configuration.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--profile`.
    pub profile: Option<Profile>,
    /// `--target`.
    pub target: Option<transforms::settings::Version>,
    /// `--safe`.
    pub safe: bool,
    /// `--keep-explicit`.
    pub keep_explicit: bool,
    /// `--select`.
    pub select: Option<Vec<String>>,
    /// `--ignore`.
    pub ignore: Option<Vec<String>>,
    /// `--no-suppressions`.
    pub no_suppressions: bool,
    /// `--add-suppressions`.
    pub add_suppressions: Option<String>,
    /// `--exclude`.
    pub exclude: Vec<String>,
    /// `--force-exclude`.
    pub force_exclude: bool,
    /// `--verbose`: satisfied rules are told too.
    pub verbose: bool,
    /// Today, where that matters.
    pub today: Option<Date>,
    /// The part of the fixes that is made.
    pub part: Part,
}

/// What holds for the files of a folder.
#[derive(Debug)]
pub struct Decisions {
    /// The file that they come from, where there is one.
    pub source: Option<PathBuf>,
    /// The configuration as it is written.
    pub config: Config,
    /// Flags and configuration as the transforms take them.
    pub settings: Settings,
    /// The file's folder, from the root on.
    pub folder: Option<PathBuf>,
    /// By the configuration and by flags.
    exclude: [Exclude; 2],
    force_exclude: bool,
}

impl Decisions {
    /// Without a file.
    pub fn of_flags(flags: &Flags) -> Result<Self, ConfigError> {
        Self::new(None, Config::default(), flags)
    }

    /// Reads `path`.
    pub fn read(path: &Path, flags: &Flags) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            message: match error.kind() {
                std::io::ErrorKind::InvalidData => "a configuration is written in UTF-8".to_owned(),
                _ => error.to_string(),
            },
        })?;
        Self::parse(path, &text, flags)
    }

    /// Takes `text` for what `path` holds.
    pub fn parse(path: &Path, text: &str, flags: &Flags) -> Result<Self, ConfigError> {
        Self::new(Some(path.to_owned()), Config::parse(path, text)?, flags)
    }

    fn new(source: Option<PathBuf>, config: Config, flags: &Flags) -> Result<Self, ConfigError> {
        let place = |path: &rewriter::Path| match &source {
            Some(file) => config.place(file, path),
            None => path.to_string(),
        };
        let chosen = |flag: &Option<Vec<String>>, written: &Option<Vec<String>>, key: &'static str| {
            let list = rewriter::Path::root().key(key);
            match (flag, written) {
                (Some(names), _) => ids(names, |_| format!("`--{key}`")).map(Some),
                (None, Some(names)) => ids(names, |index| place(&list.index(index))).map(Some),
                (None, None) => Ok(None),
            }
        };
        let select = chosen(&flags.select, &config.select, "select")?;
        let ignore = chosen(&flags.ignore, &config.ignore, "ignore")?.unwrap_or_default();
        let all = Settings::default();
        let written = config.transforms.clone();
        let settings = Settings {
            profile: flags.profile.or(config.profile).unwrap_or(all.profile),
            target: flags.target.or(config.target.map(|target| target.0)).unwrap_or(all.target),
            safe: flags.safe || config.safe.unwrap_or(all.safe),
            part: flags.part,
            keep_explicit: flags.keep_explicit || config.keep_explicit.unwrap_or(all.keep_explicit),
            select,
            ignore,
            include_system: written.all.include_system,
            suppressions: !flags.no_suppressions,
            overrides: overrides::resolve(&config.overrides, place)?,
            add_suppressions: flags.add_suppressions.clone(),
            tells_satisfied: flags.verbose,
            today: flags.today,
            workloads: config.rows.workloads.clone(),
            detect_pod_specs: written.all.detect_pod_specs,
            run_as_user: written.run_as_user,
            seccomp_profile: written.seccomp_profile,
            resources: written.resources,
            privileged: written.privileged,
            host_path: written.host_path,
            app_armor_profile: written.app_armor_profile,
            node_scheduling: written.node_scheduling,
            automount_service_account_token: written.automount_service_account_token,
            api_server_access: written.api_server_access,
            metadata_access: written.metadata_access,
            misplaced_field: written.misplaced_field,
            public_exposure: written.public_exposure,
            catalogue: match config.rows.images.as_slice() {
                [] => all.catalogue,
                own => Arc::new(all.catalogue.with(own.iter().cloned())),
            },
        };
        if let Some(missing) = transforms::generate::missing(&settings) {
            let place = source.as_ref().map_or_else(String::new, |path| path.display().to_string());
            return Err(ConfigError::Incomplete { place, missing });
        }
        let folder = source.as_deref().and_then(|path| absolute(path).parent().map(Path::to_owned));
        let exclude =
            [Exclude::new(folder.clone(), config.rows.exclude.clone()), Exclude::of_flags(&flags.exclude)?];
        Ok(Self { source, config, settings, folder, exclude, force_exclude: flags.force_exclude })
    }

    /// Whether the file at `path` is passed over. One that is `named` on the command line is meant, unless
    /// `--force-exclude` says otherwise.
    pub fn excludes(&self, path: &Path, named: bool) -> bool {
        (!named || self.force_exclude) && self.exclude.iter().any(|exclude| exclude.contains(path))
    }
}

/// Where the decisions for a file come from.
#[derive(Debug)]
pub enum Source {
    /// The same for all.
    One(Arc<Decisions>),
    /// The nearest file above each.
    Nearest(Box<Nearest>),
}

impl Source {
    /// What the flags and the file at `config` decide, or the nearest file above each where none is given.
    pub fn new(flags: Flags, config: Option<&Path>, isolated: bool) -> Result<Self, ConfigError> {
        Ok(match config {
            Some(path) => Self::One(Arc::new(Decisions::read(path, &flags)?)),
            None if isolated => Self::One(Arc::new(Decisions::of_flags(&flags)?)),
            None => Self::Nearest(Box::new(Nearest::new(flags)?)),
        })
    }

    /// The decisions for the file at `path`.
    pub fn of_file(&self, path: &Path) -> Result<Arc<Decisions>, ConfigError> {
        self.of(folder_of(path))
    }

    /// The decisions for the files of `folder`.
    pub fn of(&self, folder: &Path) -> Result<Arc<Decisions>, ConfigError> {
        match self {
            Self::One(decisions) => Ok(Arc::clone(decisions)),
            Self::Nearest(nearest) => nearest.of(folder),
        }
    }
}

/// The ids that `names` stand for. `place` is where each of them is written.
fn ids(names: &[String], place: impl Fn(usize) -> String) -> Result<BTreeSet<String>, ConfigError> {
    let mut found = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        let ids = transforms::ids_of(name.trim());
        if ids.is_empty() {
            let known = ALL.iter().map(|transform| transform.meta().id).chain(GROUPS);
            return Err(ConfigError::UnknownId {
                place: place(index),
                name: name.clone(),
                suggestion: spelling::suggestion(name, known),
            });
        }
        found.extend(ids.into_iter().map(str::to_owned));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use transforms::settings::Version;

    use super::*;
    use crate::pr::fixes::GroupBy;

    fn decide(text: &str, flags: &Flags) -> Result<Decisions, ConfigError> {
        let path = Path::new(FILE_NAME);
        Decisions::new(Some(path.to_owned()), Config::parse(path, text)?, flags)
    }

    fn error(text: &str) -> String {
        decide(text, &Flags::default()).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_decides_nothing() {
        for text in ["", "# nothing yet\n", "{}\n", "null\n"] {
            let settings = decide(text, &Flags::default()).unwrap().settings;
            let all = Settings { tells_satisfied: false, ..Settings::default() };
            assert_eq!(format!("{settings:?}"), format!("{all:?}"), "{text:?}");
        }
    }

    #[test]
    fn every_decision_arrives() {
        let text = "
profile: restricted
target: v1.31.2-r4
safe: true
keep-explicit: true
select: [card, privileged]
ignore: [resources]
exclude: [vendor]
images:
- {image: registry.example.com/team/app, uid: 10001, ports: [8080]}
workloads:
- {group: example.com, kind: Shop, pods: [spec.template], specs: ['spec.workers[].pod']}
pr: {base: release, forge: gitea, api-url: 'https://git.example.com/api/v1', group-by: directory, max-open: 2}
transforms:
  all: {include-system: true, detect-pod-specs: true}
  run-as-user: {uid: 10001, policy: image}
  resources: {cpu: 1, memory: 1Gi, ratio: 2, cpu-limit: false}
  node-scheduling: {node-pool: apps, tolerations: ['a=b:NoSchedule']}
  api-server-access: {network-policy: true, address: 192.168.0.5, node-script: tunnel, container-cidr: 10.0.0.0/16}
";
        let decisions = decide(text, &Flags::default()).unwrap();
        assert!(decisions.excludes(Path::new("vendor/a.yaml"), false));
        assert!(!decisions.excludes(Path::new("vendor/a.yaml"), true));
        assert!(!decisions.excludes(Path::new("a.yaml"), false));
        let requests = &decisions.config.pr;
        assert_eq!((requests.group_by, requests.max_open), (GroupBy::Directory, 2));
        assert_eq!((requests.sleep, requests.draft), (30, true));
        let settings = decisions.settings;
        assert_eq!((settings.profile, settings.target), (Profile::Restricted, Version { minor: 31 }));
        assert!(settings.safe && settings.keep_explicit && settings.include_system);
        assert_eq!(settings.select.unwrap().len(), 7);
        assert_eq!(settings.ignore, BTreeSet::from(["resources".to_owned()]));
        assert_eq!((settings.run_as_user.uid, settings.run_as_user.gid), (10001, 1000));
        assert_eq!((settings.resources.cpu.to_string(), settings.resources.ratio), ("1".to_owned(), 2000));
        assert_eq!(settings.node_scheduling.node_pool.as_deref(), Some("apps"));
        assert_eq!(settings.api_server_access.address, "192.168.0.5".parse().ok());
        let known = settings.catalogue.lookup("registry.example.com/team/app:1").unwrap();
        assert_eq!((known.facts.uid, &*known.facts.ports), (Some(10001), &[8080][..]));
        assert_eq!((&*settings.workloads[0].kind, settings.workloads[0].specs.len()), ("Shop", 1));
        assert!(settings.detect_pod_specs);
    }

    /// The examples of the documentation are configurations, and the README's has every key.
    #[test]
    fn documented_examples_can_be_used() {
        let readme = include_str!("../../README.md");
        let mut count = 0;
        for text in [readme, include_str!("../../docs/kinds.md")] {
            for example in text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
                decide(example, &Flags::default()).unwrap();
                count += 1;
            }
        }
        assert_eq!(count, 3);
        let page = include_str!("../../docs/suppressing.md");
        let example = page.split("```yaml\n# .cce-fix.yaml\n").nth(1).unwrap().split("```").next().unwrap();
        assert_eq!(decide(example, &Flags::default()).unwrap().settings.overrides.len(), 1);
        let unknown = error("nothing-like-it: 1\n");
        for key in unknown.split('`').skip(3).step_by(2) {
            assert!(readme.contains(&format!("\n{key}:")), "{key}");
        }
    }

    #[test]
    fn a_flag_beats_the_file() {
        let flags = Flags {
            profile: Some(Profile::Baseline),
            target: Some(Version { minor: 25 }),
            select: Some(vec!["resources".to_owned()]),
            ..Flags::default()
        };
        let settings = decide("{profile: cce, target: '1.30', select: [nonsense]}", &flags).unwrap().settings;
        assert_eq!((settings.profile, settings.target), (Profile::Baseline, Version { minor: 25 }));
        assert_eq!(settings.select, Some(["resources".to_owned()].into()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_the_right_spelling() {
        for (text, expected) in [
            ("profle: cce\n", ".cce-fix.yaml:1:1: unknown field `profle`; did you mean `profile`?"),
            (
                "transforms:\n  resources: {cpu-limits: 1}\n",
                ".cce-fix.yaml:2:15: transforms.resources: unknown field `cpu-limits`; did you mean `cpu-limit`?",
            ),
            (
                "ignore: [capabilites]\n",
                ".cce-fix.yaml:1:10: ignore[0]: `capabilites` is neither a transform nor a group; did you mean `capabilities`?",
            ),
            (
                "safe: true\nexclude:\n- vendor\n- '[z-a]'\n",
                ".cce-fix.yaml:4:3: exclude[1]: `[z-a]`: invalid range; 'z' > 'a'",
            ),
        ] {
            assert_eq!(error(text), expected);
        }
        for (text, words) in [
            ("profile: strict\n", "unknown variant `strict`"),
            ("profile: [cce]\n", "1:10: profile: invalid type: sequence, expected text"),
            ("target: 1.30\n", "write it in quotes"),
            ("target: '1.99'\n", "the newest version known here is `1.37`"),
            ("safe: 'yes'\n", "expected a boolean"),
            ("pr: {forge: gitae}\n", "`gitae` is no forge"),
            ("pr: {group-by: levels}\n", "unknown variant `levels`"),
            ("transforms: {resources: {ratio: 0.5}}\n", "a number from 1 to 1000"),
            ("transforms: {resources: {cpu: much}}\n", "expected a quantity"),
            ("- a\n", "expected a map of decisions"),
            ("exclude: [\n", "did not find expected node content"),
            ("safe: true\nsafe: false\n", "duplicate"),
        ] {
            assert!(error(text).contains(words), "{text:?}: {}", error(text));
        }
    }
}
