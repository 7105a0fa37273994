//! How the transforms are tested: a manifest before, the same manifest after, or what is said about it.
//!
//! Texts are given indented as the test is; what all their lines share is taken off. `pod` puts a pod's spec
//! into a whole manifest.

use std::collections::{BTreeMap, BTreeSet};

use rewriter::{Edit, Stream};

use crate::{ALL, DocumentPlan, Evidence, Judged, Level, Outcome, Settings, State, plan};

/// Takes off the line breaks around `text`, and the indentation that its lines share.
pub(crate) fn dedent(text: &str) -> String {
    let body = text.trim_start_matches('\n').trim_end();
    let lines = || body.lines().filter(|line| !line.trim().is_empty());
    let shared = lines().map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
    body.lines().flat_map(|line| [line.get(shared..).unwrap_or_default(), "\n"]).collect()
}

/// A pod with this spec.
pub(crate) fn pod(spec: &str) -> String {
    let spec = dedent(spec).replace('\n', "\n  ");
    format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: example\nspec:\n  {}\n", spec.trim_end())
}

/// The default settings with one transform alone.
pub(crate) fn only(id: &str) -> Settings {
    assert!(ALL.iter().any(|transform| transform.meta().id == id), "no transform has the id {id}");
    Settings { select: Some([id.to_owned()].into()), ..Settings::default() }
}

/// The plans of all documents, complete in that each transform that runs speaks about each container.
#[track_caller]
pub(crate) fn plans(settings: &Settings, text: &str) -> Vec<DocumentPlan> {
    let stream = Stream::scan(text).unwrap();
    let mut evidence = Evidence::default();
    stream.documents().for_each(|document| evidence.read(document));
    let plans: Vec<_> = stream.documents().map(|document| plan(document, settings, &evidence)).collect();
    for pod in plans.iter().flat_map(|plan| &plan.pods) {
        let mut spoken: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for judged in &pod.findings {
            let containers = spoken.entry(judged.finding.transform.id).or_default();
            containers.extend(judged.finding.containers().map(|it| format!("{it} {}", it.index)));
        }
        let all: BTreeSet<&String> = spoken.values().flatten().collect();
        for (id, containers) in &spoken {
            assert_eq!(
                containers.iter().collect::<BTreeSet<_>>(),
                all,
                "{id} does not speak about all containers"
            );
        }
    }
    plans
}

/// The findings of all documents.
#[track_caller]
pub(crate) fn findings(settings: &Settings, text: &str) -> Vec<Judged> {
    plans(settings, text).into_iter().flat_map(|plan| plan.findings().cloned().collect::<Vec<_>>()).collect()
}

/// `text` with everything fixed.
#[track_caller]
pub(crate) fn fix(settings: &Settings, text: &str) -> String {
    let stream = Stream::scan(text).unwrap();
    let plans = plans(settings, text);
    let edits: Vec<(usize, Vec<&Edit>)> =
        plans.iter().map(|plan| plan.edits().collect()).enumerate().collect();
    let applied = rewriter::apply(&stream, &edits);
    assert_eq!(applied.failures, [], "\n{text}");
    applied.text
}

/// `before` becomes `after`, which is left alone by a second run.
#[track_caller]
pub(crate) fn check_with(settings: &Settings, before: &str, after: &str) {
    let (before, after) = (dedent(before), dedent(after));
    let fixed = fix(settings, &before);
    assert_eq!(fixed, after, "\n--- expected ---\n{after}--- found ---\n{fixed}");
    assert_eq!(fix(settings, &after), after, "a second run changes something");
}

/// `before` becomes `after` by the transform `id` alone.
#[track_caller]
pub(crate) fn check(id: &str, before: &str, after: &str) {
    check_with(&only(id), before, after);
}

/// A pod's spec becomes another one by the transform `id` alone.
#[track_caller]
pub(crate) fn check_pod(id: &str, before: &str, after: &str) {
    check(id, &pod(before), &pod(after));
}

/// Everything is satisfied.
#[track_caller]
pub(crate) fn check_silent(id: &str, spec: &str) {
    let found: Vec<_> = findings(&only(id), &pod(spec)).into_iter().map(|judged| judged.state).collect();
    assert!(!found.is_empty());
    assert!(found.iter().all(|state| *state == State::Satisfied), "{found:?}");
}

/// The one finding that is not satisfied is left, for a reason with these words in it.
#[track_caller]
pub(crate) fn check_left(id: &str, spec: &str, words: &str) {
    check_left_with(&only(id), &pod(spec), words);
}

/// As [`check_left`], for a whole manifest.
#[track_caller]
pub(crate) fn check_left_with(settings: &Settings, text: &str, words: &str) {
    let mut found = findings(settings, &dedent(text));
    found.retain(|judged| judged.state != State::Satisfied);
    match found.as_slice() {
        [Judged { state: State::Left(left), .. }] => {
            assert!(left.reason.contains(words), "{words:?} is not in {:?}", left.reason);
        }
        _ => panic!("one finding that is left, not {found:#?}"),
    }
}

/// The fixes that are made have these levels, in order.
#[track_caller]
pub(crate) fn check_levels(id: &str, spec: &str, levels: &[Level]) {
    let found: Vec<_> = fixes(&only(id), &pod(spec)).into_iter().map(|(level, _, _)| level).collect();
    assert_eq!(found, levels);
}

/// Level, summary and reason of each fix.
#[track_caller]
pub(crate) fn fixes(settings: &Settings, text: &str) -> Vec<(Level, String, String)> {
    let findings = findings(settings, text).into_iter();
    let fixes = findings.filter(|judged| judged.state == State::Fixed).filter_map(|judged| {
        match judged.finding.outcome {
            Outcome::Fix(fix) => Some((fix.level, fix.summary, fix.reason)),
            _ => None,
        }
    });
    fixes.collect()
}
