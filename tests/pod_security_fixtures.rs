//! The pods that the Pod Security Standards' own repository tests its evaluator with: what passes stays as it is,
//! what fails is fixed, or is said to be a person's work.
//!
//! They are read from the corpus, where it is beside the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rewriter::Stream;
use transforms::model::PodView;
use transforms::pod_security::{self, CHECKS, Level, Verdict};
use transforms::settings::Version;
use transforms::{Profile, Settings, State};

use crate::common::{corpus, examine_file, files, findings};

/// What is known of a check that no metadata says: `docs/pss.yaml`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) check: String,
    /// What stays a person's work, and why.
    pub(crate) left: Option<String>,
}

pub(crate) fn known() -> Vec<Known> {
    let path = crate::common::repository().join("docs/pss.yaml");
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A pod in a file.
struct Fixture {
    path: PathBuf,
    text: String,
    level: Level,
    version: Version,
    passes: bool,
}

impl Fixture {
    /// `.../<level>/v<version>/{pass,fail}/<check><number>.yaml`
    fn read(path: PathBuf) -> Self {
        let part = |number: usize| {
            path.ancestors().nth(number).unwrap().file_name().unwrap().to_string_lossy().into_owned()
        };
        let level = match part(3).as_str() {
            "baseline" => Level::Baseline,
            "restricted" => Level::Restricted,
            other => panic!("{other} is no level"),
        };
        let passes = match part(1).as_str() {
            "pass" => true,
            "fail" => false,
            other => panic!("{other}"),
        };
        let version = part(2).parse().unwrap();
        Self { text: fs::read_to_string(&path).unwrap(), level, version, passes, path }
    }

    fn settings(&self) -> Settings {
        let profile = if self.level == Level::Baseline { Profile::Baseline } else { Profile::Restricted };
        Settings { profile, target: self.version, ..Settings::default() }
    }

    /// The check that the file is for.
    fn check(&self) -> &'static str {
        let name = self.path.file_stem().unwrap().to_string_lossy().into_owned();
        let name = name.trim_end_matches(|last: char| last.is_ascii_digit());
        let of_name = CHECKS.iter().find(|check| check.id.to_lowercase() == name);
        of_name.unwrap_or_else(|| panic!("{name} is no check")).id
    }
}

fn fixtures() -> Option<Vec<Fixture>> {
    let folder = corpus()?.join("kubernetes__pod-security-admission/test/testdata");
    Some(files(&folder).into_iter().map(Fixture::read).collect())
}

fn verdict(text: &str, version: Version) -> Verdict {
    let stream = Stream::scan(text).unwrap();
    let root = stream.document(0).unwrap().root().unwrap();
    pod_security::evaluate(&PodView::new(root.into(), &rewriter::Path::root(), false), version)
}

/// What became of the pods that fail a check.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) fixed: usize,
    pub(crate) left: usize,
}

/// What became of the failing pods, by the check that each is for; and what else went wrong.
fn outcomes(fixtures: &[Fixture]) -> (BTreeMap<&'static str, Count>, Vec<String>) {
    let known = known();
    let (mut counts, mut defects) = (BTreeMap::<_, Count>::new(), Vec::new());
    for fixture in fixtures.iter().filter(|fixture| !fixture.passes) {
        let Fixture { path, text, level, version, .. } = fixture;
        let name = format!("{} at {version}", path.display());
        let before = verdict(text, *version);
        assert!(before.in_the_way_of(*level).next().is_some(), "{name}: it passes as it is");
        let examined = examine_file(&fixture.settings(), Path::new("pod.yaml"), text);
        if !examined.problems.is_empty() {
            defects.push(format!("{name}: {:?}", examined.problems));
        }
        let after = verdict(examined.text.as_deref().unwrap_or(text), *version);
        let count = counts.entry(fixture.check()).or_default();
        let mut stays = false;
        for failure in after.in_the_way_of(*level) {
            stays = true;
            let is_known = known.iter().any(|known| known.check == failure.check.id && known.left.is_some());
            // What stays because of another thing that a person has to do is said to stay.
            let is_named = |check: &str, needs_person: bool| {
                findings(&examined).any(|judged| {
                    matches!(&judged.state, State::Left(left) if left.needs_person || !needs_person)
                        && judged.finding.transform.pod_security.contains(&check)
                })
            };
            let is_said = is_named(failure.check.id, true)
                || is_named(failure.check.id, false) && is_named(fixture.check(), true);
            if !is_known || !is_said {
                let all: Vec<String> = findings(&examined)
                    .filter(|judged| judged.state != State::Satisfied)
                    .map(|judged| format!("{}: {:?}", judged.finding.transform.id, judged.state))
                    .collect();
                defects.push(format!(
                    "{name}: {} stays at {}: {} (known {is_known}, said {is_said}) {all:#?}",
                    failure.check.id, failure.path, failure.detail
                ));
            }
        }
        *(if stays { &mut count.left } else { &mut count.fixed }) += 1;
    }
    (counts, defects)
}

/// What became of the failing pods, where they are there.
pub(crate) fn counts() -> Option<BTreeMap<&'static str, Count>> {
    Some(outcomes(&fixtures()?).0)
}

#[test]
fn what_passes_stays_as_it_is() {
    let Some(fixtures) = fixtures() else { return };
    let passing: Vec<&Fixture> = fixtures.iter().filter(|fixture| fixture.passes).collect();
    println!("{} pods, {} of them pass", fixtures.len(), passing.len());
    assert_eq!((fixtures.len(), passing.len()), (499, 118));
    for fixture in passing {
        let examined = examine_file(&fixture.settings(), Path::new("pod.yaml"), &fixture.text);
        assert_eq!(examined.text, None, "{}", fixture.path.display());
        assert!(examined.problems.is_empty(), "{}", fixture.path.display());
    }
}

#[test]
fn what_fails_is_fixed_or_said_to_be_for_a_person() {
    let Some(fixtures) = fixtures() else { return };
    let (counts, defects) = outcomes(&fixtures);
    let sum = |of: fn(&Count) -> usize| counts.values().map(of).sum::<usize>();
    println!("fixed {}, left {}: {counts:#?}", sum(|count| count.fixed), sum(|count| count.left));
    assert!(defects.is_empty(), "{} defects\n{}", defects.len(), defects.join("\n"));
    assert_eq!(sum(|count| count.fixed) + sum(|count| count.left), 381);
    for known in known().iter().filter(|known| known.left.is_none()) {
        let left = counts.get(known.check.as_str()).map_or(0, |count| count.left);
        assert_eq!(left, 0, "{}", known.check);
    }
}
