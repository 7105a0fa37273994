//! What a run says about suppressions: those of the manifests, and those of configurations.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use transforms::ALL;
use transforms::suppression::{Date, Flaw, Notice};

use crate::config::Decisions;
use crate::paths::absolute;
use crate::spelling;

/// Today, or the day that `SOURCE_DATE_EPOCH` names, so that a run can be repeated.
pub fn today() -> Result<Date, String> {
    const VARIABLE: &str = "SOURCE_DATE_EPOCH";
    #[expect(clippy::disallowed_methods, reason = "the agreed way to give a program its date")]
    let given = std::env::var_os(VARIABLE);
    let Some(text) = given else {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        return Ok(Date::from_unix(seconds));
    };
    text.to_str().and_then(|text| text.parse().ok()).map(Date::from_unix).ok_or_else(|| {
        format!("`{VARIABLE}`: expected the seconds since 1970, not `{}`", text.to_string_lossy())
    })
}

/// What is wrong with a suppression in the file at `path`.
pub fn notice(path: &Path, Notice { position, flaw }: &Notice) -> String {
    format!("{}:{position}: warning: {}", path.display(), explain(flaw))
}

fn explain(flaw: &Flaw) -> String {
    match flaw {
        Flaw::Unused(id) => format!("nothing is found here that `{id}` would have to be suppressed for"),
        Flaw::Expired(until) => format!("this suppression ended on {until}; its findings count again"),
        Flaw::UnknownId(id) => match transforms::ids_of(id).as_slice() {
            [] => {
                let known = ALL.iter().map(|transform| transform.meta().id);
                format!("`{id}` is no transform, so nothing is suppressed{}", spelling::suggestion(id, known))
            }
            _ => format!("`{id}` is a group; a suppression in a manifest names transforms one by one"),
        },
        Flaw::NoDate(text) => {
            format!("`until={text}`: expected a day such as `2027-01-31`; until then it holds without an end")
        }
        Flaw::NoReason => "this suppression gives no reason; write one behind it".to_owned(),
        Flaw::Malformed(message) => format!("this suppresses nothing: {message}"),
        Flaw::Nowhere => "this suppresses nothing: no value follows the comment".to_owned(),
        Flaw::NotAdded(id, reason) => format!("the annotation for `{id}` cannot be written: {reason}"),
    }
}

/// The overrides that found something to suppress, by the configuration that they stand in.
#[derive(Debug, Default)]
pub struct Overrides(BTreeMap<PathBuf, (Arc<Decisions>, BTreeSet<usize>)>);

impl Overrides {
    /// Adds the numbers of those that were used in a file.
    pub fn add(&mut self, decisions: &Arc<Decisions>, used: impl IntoIterator<Item = usize>) {
        if let Some(source) = decisions.source.as_ref().filter(|_| !decisions.settings.overrides.is_empty()) {
            let entry = self.0.entry(source.clone());
            entry.or_insert_with(|| (Arc::clone(decisions), BTreeSet::new())).1.extend(used);
        }
    }

    /// What is to be said about them. Only a run over the configuration's whole folder, which one of `walked`
    /// holds, tells that an override has become useless.
    pub fn lines(&self, walked: &BTreeSet<&Path>) -> Vec<String> {
        let walked: Vec<PathBuf> = walked.iter().map(|folder| absolute(folder)).collect();
        self.0
            .iter()
            .flat_map(|(source, (decisions, used))| lines(source, decisions, used, &walked))
            .collect()
    }
}

fn lines(
    source: &Path,
    decisions: &Decisions,
    used: &BTreeSet<usize>,
    walked: &[PathBuf],
) -> impl Iterator<Item = String> {
    let settings = &decisions.settings;
    let is_whole = decisions
        .folder
        .as_ref()
        .is_some_and(|folder| walked.iter().any(|walked| folder.starts_with(walked)));
    let rules = settings.overrides.iter().filter(|_| settings.suppressions);
    rules.filter_map(move |rule| {
        let over = rule.reason.until.zip(settings.today).filter(|(until, today)| until < today);
        let runs = || {
            ALL.iter()
                .map(|transform| transform.meta())
                .any(|meta| rule.ids.contains(meta.id) && settings.runs(meta))
        };
        let what = match over {
            Some((until, _)) => explain(&Flaw::Expired(until)),
            None if is_whole && !used.contains(&rule.number) && runs() => {
                "nothing is found that it suppresses".to_owned()
            }
            None => return None,
        };
        Some(format!("{}: warning: `overrides[{}]`: {what}", source.display(), rule.number))
    })
}
