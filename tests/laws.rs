//! The laws of `ARCHITECTURE.md`, tried on real manifests and on generated ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cce_fix::diff::{self, DiffName};
use cce_fix::engine::{self, Examined, Purpose};
use cce_fix::input::kind::FileKind;
use rewriter::{Edit, Node, Step, Stream};
use similar::{ChangeTag, TextDiff};
use transforms::{ALL, Level, Outcome, Settings, State};

use crate::common::{Folder, corpus, examine_file, files, findings, repository};

fn examine(text: &str, path: &Path) -> Examined {
    examine_file(&Settings::default(), path, text)
}

/// The text after a run: the new one, or the one that was there.
fn fixed(text: &str, path: &Path) -> String {
    examine(text, path).text.unwrap_or_else(|| text.to_owned())
}

/// The corpus as text, each file with its name below the corpus.
fn texts() -> Vec<(PathBuf, String)> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let readable = files(&corpus).into_iter().filter_map(|path| {
        let text = rewriter::decode(&std::fs::read(&path).unwrap()).ok()?.to_owned();
        Some((path, text))
    });
    readable.collect()
}

#[test]
fn a_second_run_changes_nothing() {
    for (path, text) in texts() {
        let Some(once) = examine(&text, &path).text else { continue };
        let again = examine(&once, &path);
        assert_eq!(again.text, None, "{}", path.display());
        assert_eq!(again.kind, FileKind::Workloads);
        for judged in findings(&again) {
            assert_ne!(judged.state, State::Fixed, "{}: {}", path.display(), judged.finding.path);
        }
    }
}

/// The lines of `text`, counted from zero, that an edit may alter: those of a value that it replaces or takes
/// out, of a flow collection that it adds to, of an empty value that it fills.
fn lines_that_may_differ(root: Node<'_>, edit: &Edit) -> BTreeSet<usize> {
    let mut node = root;
    let mut reached = true;
    for step in edit.path().steps() {
        let next = match step {
            Step::Key(key) => node.entry(key),
            Step::Index(index) => node.items().nth(*index),
        };
        let Some(next) = next else {
            reached = false;
            break;
        };
        node = next;
    }
    let is_flow = node.source().starts_with(['{', '[']);
    let replaces = reached && !matches!(edit, Edit::Append { .. });
    if !(replaces || is_flow || node.is_null()) {
        return BTreeSet::new();
    }
    let span = node.span();
    let line = |offset| root.document().position(offset).line - 1;
    (line(span.start)..=line(span.end)).collect()
}

#[test]
fn only_lines_of_declared_edits_differ() {
    let (mut removed, mut added, mut changed_files) = (0, 0, 0);
    for (path, text) in texts() {
        let examined = examine(&text, &path);
        let Some(new) = &examined.text else { continue };
        changed_files += 1;
        let stream = Stream::scan(&text).unwrap();
        let mut allowed = BTreeSet::new();
        for (index, plan) in &examined.plans {
            let root = stream.document(*index).unwrap().root().unwrap();
            allowed.extend(plan.edits().flat_map(|edit| lines_that_may_differ(root, edit)));
        }
        if !text.ends_with('\n') {
            // A line that is added behind the last one gives it a line break.
            allowed.insert(text.split('\n').count() - 1);
        }
        let lines = TextDiff::from_lines(text.as_str(), new.as_str());
        for change in lines.iter_all_changes() {
            match change.tag() {
                ChangeTag::Delete => {
                    removed += 1;
                    let line = change.old_index().unwrap();
                    assert!(allowed.contains(&line), "{}:{}: {:?}", path.display(), line + 1, change.value());
                }
                ChangeTag::Insert => added += 1,
                ChangeTag::Equal => {}
            }
        }
        let comments = |text: &str| {
            let behind_sign = text.lines().filter_map(|line| line.split_once('#'));
            behind_sign.map(|(_, comment)| comment.trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(comments(&text), comments(new), "{}", path.display());
    }
    println!("{changed_files} files changed, {removed} lines altered, {added} lines added");
}

#[test]
fn line_ends_marks_and_missing_newlines_survive() {
    for (path, text) in texts() {
        if text.contains('\r') || text.starts_with('\u{feff}') {
            continue;
        }
        let new = fixed(&text, &path);
        let name = path.display();
        assert_eq!(fixed(&text.replace('\n', "\r\n"), &path), new.replace('\n', "\r\n"), "{name}: CRLF");
        assert_eq!(fixed(&format!("\u{feff}{text}"), &path), format!("\u{feff}{new}"), "{name}: BOM");
        // Without its last line break a file may end in a block text whose value that changes.
        let Some(cut) = text.strip_suffix('\n').filter(|cut| !cut.ends_with('\n')) else { continue };
        let cut_new = fixed(cut, &path);
        let ends_in_block_text = cut_new != new.strip_suffix('\n').unwrap_or(&new);
        if ends_in_block_text {
            assert!(
                text.contains(": |") || text.contains(": >") || text.contains("- |") || text.contains("- >"),
                "{name}"
            );
        }
    }
}

#[test]
fn what_was_typed_stays_typed() {
    use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core};

    fn reads<T: serde::de::DeserializeOwned>(text: &str) -> bool {
        serde_yaml::from_str::<T>(text).is_ok()
    }
    let judge = |kind: &str, text: &str| match kind {
        "Pod" => reads::<core::Pod>(text),
        "PodTemplate" => reads::<core::PodTemplate>(text),
        "ReplicationController" => reads::<core::ReplicationController>(text),
        "Deployment" => reads::<apps::Deployment>(text),
        "StatefulSet" => reads::<apps::StatefulSet>(text),
        "DaemonSet" => reads::<apps::DaemonSet>(text),
        "ReplicaSet" => reads::<apps::ReplicaSet>(text),
        "Job" => reads::<batch::Job>(text),
        "CronJob" => reads::<batch::CronJob>(text),
        _ => false,
    };
    let (mut typed, mut untyped) = (0, 0);
    for (path, text) in texts() {
        let Some(new) = examine(&text, &path).text else { continue };
        let (old, new) = (Stream::scan(&text).unwrap(), Stream::scan(&new).unwrap());
        for (old, new) in old.documents().zip(new.documents()) {
            let kind =
                old.root().and_then(|root| Some(root.get("kind")?.text().into_owned())).unwrap_or_default();
            if judge(&kind, old.text()) {
                typed += 1;
                assert!(judge(&kind, new.text()), "{}: {kind} does not read any more", path.display());
            } else {
                untyped += 1;
            }
        }
    }
    println!("{typed} documents read as their types before and after, {untyped} others not judged");
}

#[test]
fn git_applies_the_diff_to_what_is_written() {
    let texts = texts();
    if texts.is_empty() {
        return;
    }
    let folder = Folder::new();
    folder.succeed("git", &["init", "-q", "."], b"");
    folder.succeed("git", &["config", "core.autocrlf", "false"], b"");
    let mut patch = Vec::new();
    let mut wanted = Vec::new();
    for (number, (path, text)) in texts.iter().enumerate() {
        let Some(new) = examine(text, path).text else { continue };
        let name = format!("{number} with blanks.yaml");
        folder.write(&name, text.as_bytes());
        let named = DiffName::new(Path::new(&name), folder.path());
        patch.extend(diff::unified(&named, text.as_bytes(), new.as_bytes()));
        wanted.push((name, new));
    }
    folder.succeed("git", &["apply"], &patch);
    for (name, new) in &wanted {
        assert_eq!(&folder.read(name), new, "{name}");
    }
    println!("{} diffs applied", wanted.len());
}

/// Each container of each workload ends, for each transform, as satisfied, fixed or left with a reason.
#[test]
fn every_container_is_accounted_for() {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let (mut workloads, mut containers) = (0, 0);
    for (path, text) in texts() {
        let examined = examine(&text, &path);
        for pod in examined.plans.iter().flat_map(|(_, plan)| &plan.pods) {
            workloads += 1;
            let mut seen: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for judged in &pod.findings {
                let state = match (&judged.state, &judged.finding.outcome) {
                    (State::Satisfied, _) => "satisfied",
                    (State::Fixed, Outcome::Fix(fix)) if fix.level == Level::Safe => "fixed, safe",
                    (State::Fixed, _) => "fixed, review",
                    (State::HeldBack, _) => "held back",
                    (State::Left(left), _) => {
                        assert!(!left.reason.is_empty());
                        if left.needs_person { "left for a person" } else { "left on purpose" }
                    }
                };
                *counts.entry((judged.finding.transform.id, state)).or_default() += 1;
                for container in judged.finding.containers() {
                    seen.entry(format!("{container:?}")).or_default().push(judged.finding.transform.id);
                }
            }
            containers += seen.len();
            for (container, transforms) in seen {
                for transform in ALL {
                    let id = transform.meta().id;
                    assert!(
                        transforms.contains(&id),
                        "{}: {container} has no finding of {id}",
                        path.display()
                    );
                }
            }
        }
    }
    println!("{workloads} workloads, {containers} containers");
    for ((id, state), count) in counts {
        println!("{id:30} {state:20} {count}");
    }
}

/// What is refused of real files is what `docs/limits.md` says, by construct and count; of what `kubectl`
/// applies, fewer than 1 in 500 files with a workload.
#[test]
fn few_real_files_are_refused() {
    let Some(corpus) = corpus() else { return };
    let (mut with_workloads, mut counts) = (0, BTreeMap::from([(0, 0), (1, 0), (2, 0)]));
    for path in files(&corpus) {
        let examined =
            engine::examine(&std::fs::read(&path).unwrap(), &path, &Settings::default(), Purpose::Text);
        with_workloads += usize::from(examined.kind == FileKind::Workloads);
        for problem in &examined.problems {
            println!("{}: {}", path.display(), problem.message);
            let construct = match problem.message.as_str() {
                message if message.contains("twice in one mapping") => 0,
                message if message.starts_with("not valid YAML") => 1,
                message if message.contains("UTF-16") => 2,
                other => panic!("{}: {other} is not in docs/limits.md", path.display()),
            };
            *counts.entry(construct).or_default() += 1;
        }
    }
    assert!(with_workloads > 1_000, "{with_workloads} files with workloads");
    let limits = std::fs::read_to_string(repository().join("docs/limits.md")).unwrap();
    for (construct, row) in
        [(0, "a key twice in one mapping"), (1, "text that is no YAML to libyaml either"), (2, "UTF-16")]
    {
        let told = limits.lines().find_map(|line| line.strip_prefix(&format!("| {row} | ")));
        let told: usize = told.unwrap().trim_end_matches(" |").parse().unwrap();
        assert_eq!(counts[&construct], told, "{row}");
    }
}
