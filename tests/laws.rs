//! The laws of `ARCHITECTURE.md`, tried on real manifests and on generated ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cce_fix::diff::{self, DiffName};
use cce_fix::engine::{self, Examined, Purpose};
use cce_fix::input::kind::FileKind;
use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use rewriter::{Edit, Node, Step, Stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_yaml::Value as Data;
use similar::{ChangeTag, TextDiff};
use transforms::{ALL, Level, Outcome, Profile, Settings, State};

use crate::common::{Folder, corpus, examine_file, files, findings, only, repository};
use crate::generate;

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

/// Whether plans are kept or only counted, the same is done and told.
#[test]
fn to_count_is_to_plan() {
    let ask = |text: &str, path: &Path, purpose: Purpose| {
        let mut examined = engine::examine(text.as_bytes(), path, &Settings::default(), purpose);
        for (_, plan) in &mut examined.plans {
            plan.pods.clear();
            plan.objects.clear();
            plan.annotations.clear();
        }
        examined.plans.retain(|(_, plan)| !plan.is_empty());
        format!("{examined:?}")
    };
    for (path, text) in texts() {
        for [kept, counted] in [[Purpose::Text, Purpose::Rewrite], [Purpose::Answer, Purpose::Count]] {
            assert_eq!(ask(&text, &path, kept), ask(&text, &path, counted), "{}", path.display());
        }
    }
}

/// Whether it is told or not what is as it should be, everything else is the same.
#[test]
fn to_tell_less_is_to_decide_the_same() {
    let quiet = Settings { tells_satisfied: false, ..Settings::default() };
    let mut satisfied = 0;
    for (path, text) in texts() {
        let mut told = examine_file(&Settings::default(), &path, &text);
        for plan in told.plans.iter_mut().map(|(_, plan)| plan) {
            let of_objects = plan.objects.iter_mut().map(|object| &mut object.findings);
            for findings in of_objects.chain(plan.pods.iter_mut().map(|pod| &mut pod.findings)) {
                let before = findings.len();
                findings.retain(|judged| judged.state != State::Satisfied);
                satisfied += before - findings.len();
            }
            plan.objects.retain(|object| !object.findings.is_empty());
        }
        told.plans.retain(|(_, plan)| !plan.is_empty());
        let untold = examine_file(&quiet, &path, &text);
        assert_eq!(format!("{told:?}"), format!("{untold:?}"), "{}", path.display());
    }
    assert!(satisfied > 10_000, "{satisfied}");
}

/// The same with what a configuration can ask for.
#[test]
fn a_second_run_with_other_decisions_changes_nothing() {
    let host_path = transforms::settings::HostPath {
        read_only: true,
        timezone: Some("Asia/Shanghai".to_owned()),
        empty_dir: vec!["/tmp".to_owned()],
    };
    let newer = || "1.35".parse().unwrap();
    let settings = [
        Settings { host_path, target: newer(), ..Settings::default() },
        Settings { profile: Profile::Baseline, target: newer(), ..Settings::default() },
        Settings { profile: Profile::Restricted, ..Settings::default() },
    ];
    for (path, text) in texts() {
        for settings in &settings {
            let Some(once) = examine_file(settings, &path, &text).text else { continue };
            assert_eq!(examine_file(settings, &path, &once).text, None, "{}", path.display());
        }
    }
}

/// Each transform for itself, in their order and each on what the one before it made, does what all do together.
///
/// The data are the same, and so is the text but for the indentation of new lists, which goes by the nearest
/// list there is: where a file indents its lists in two ways, what one transform adds can be nearer to the next.
#[test]
fn one_by_one_is_all_at_once() {
    let (mut changed, mut indented_otherwise) = (0, 0);
    for (path, text) in texts() {
        let at_once = fixed(&text, &path);
        if at_once == text {
            continue;
        }
        changed += 1;
        let alone = ALL.iter().map(|transform| only(&[transform.meta().id]));
        let alone: Vec<Settings> = alone.collect();
        let by = |settings: &Settings, text: &str| examine_file(settings, &path, text).text;
        let one_by_one =
            alone.iter().fold(text.clone(), |text, settings| by(settings, &text).unwrap_or(text));
        let name = path.display();
        assert_eq!(examine(&one_by_one, &path).text, None, "{name}: all have something to add");
        for (transform, settings) in ALL.iter().zip(&alone) {
            assert_eq!(by(settings, &at_once), None, "{name}: {} has something to add", transform.meta().id);
        }
        if one_by_one == at_once {
            continue;
        }
        indented_otherwise += 1;
        let lines = |text: &str| text.lines().map(|line| line.trim_start().to_owned()).collect::<Vec<_>>();
        assert_eq!(lines(&one_by_one), lines(&at_once), "{name}");
        let data = |text: &str| {
            let stream = Stream::scan(text).unwrap();
            stream.documents().map(|document| sent(document.text())).collect::<Vec<_>>()
        };
        assert_eq!(data(&one_by_one), data(&at_once), "{name}");
    }
    println!("{changed} files changed, {indented_otherwise} with lists indented otherwise");
    assert!(indented_otherwise * 20 <= changed, "{indented_otherwise} of {changed}");
}

/// To name all transforms, in whatever order, is to name none.
#[test]
fn the_order_of_names_changes_nothing() {
    let mut ids: Vec<&str> = ALL.iter().map(|transform| transform.meta().id).collect();
    let mut settings = Vec::new();
    for _ in 0..ids.len() {
        ids.rotate_left(1);
        settings.push(only(&ids));
        settings.push(only(&ids.iter().rev().copied().collect::<Vec<_>>()));
    }
    for seed in 0..300 {
        let text = generate::stream(seed, 2);
        let wanted = crate::common::fixed(&Settings::default(), &text);
        for settings in &settings {
            assert_eq!(crate::common::fixed(settings, &text), wanted, "{:?}", settings.select);
        }
    }
}

/// The value at the end of `steps`, or the last one on the way there, and whether the end was reached.
fn walk<'d>(root: Node<'d>, steps: &[Step]) -> (Node<'d>, bool) {
    let mut node = root;
    for step in steps {
        let next = match step {
            Step::Key(key) => node.entry(key),
            Step::Index(index) => node.items().nth(*index),
        };
        let Some(next) = next else { return (node, false) };
        node = next;
    }
    (node, true)
}

/// The lines of `text`, counted from zero, that an edit may alter: those of a value that it replaces or takes
/// out, of a flow collection that it adds to, of an empty value that it fills.
fn lines_that_may_differ(root: Node<'_>, edit: &Edit) -> BTreeSet<usize> {
    let (node, reached) = walk(root, edit.path().steps());
    let is_flow = node.source().starts_with(['{', '[']);
    let replaces = reached && !matches!(edit, Edit::Append { .. });
    if !(replaces || is_flow || node.is_null()) {
        return BTreeSet::new();
    }
    let span = node.span();
    let line = |offset| root.document().position(offset).line - 1;
    (line(span.start)..=line(span.end)).collect()
}

/// The line of the last key of `steps`.
fn line_of_key(root: Node<'_>, path: &rewriter::Path) -> Option<usize> {
    let (above, Step::Key(last)) = path.split_last()? else { return None };
    let (above, _) = walk(root, above.steps());
    above.entries().find(|(key, _)| key.is_text(last)).map(|(key, _)| key.position().line - 1)
}

/// The lines of the keys that go with their values, and of those whose values lose all their entries: they get
/// `{}` or `[]`.
fn lines_of_keys(root: Node<'_>, edits: &[&Edit]) -> BTreeSet<usize> {
    let removed = edits.iter().filter(|edit| matches!(edit, Edit::Remove { .. })).map(|edit| edit.path());
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for path in removed.clone() {
        *counts.entry(path.split_last().unwrap().0).or_default() += 1;
    }
    let emptied = counts.iter().filter(|(parent, count)| {
        let (node, _) = walk(root, parent.steps());
        node.entries().count() + node.items().count() == **count
    });
    let emptied = emptied.map(|(parent, _)| parent);
    removed.chain(emptied).filter_map(|path| line_of_key(root, path)).collect()
}

/// The line of the entry that moves up behind the dash of a list's item, where `edits` take out those before it.
fn line_that_moves_up(root: Node<'_>, edit: &Edit, edits: &[&Edit]) -> Option<usize> {
    let removes =
        |path: &_| edits.iter().any(|edit| matches!(edit, Edit::Remove { .. }) && edit.path() == path);
    let (item, Step::Key(_)) = edit.path().split_last()? else { return None };
    let (_, Step::Index(_)) = item.split_last()? else { return None };
    let (node, true) = walk(root, item.steps()) else { return None };
    let (key, _) = node.entries().find(|(key, _)| !removes(&item.key(key.text().into_owned())))?;
    let is_moved = removes(edit.path()) && node.span().start < key.span().start;
    is_moved.then(|| root.document().position(key.span().start).line - 1)
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
            let edits: Vec<&Edit> = plan.edits().collect();
            allowed.extend(edits.iter().flat_map(|edit| lines_that_may_differ(root, edit)));
            allowed.extend(edits.iter().filter_map(|edit| line_that_moves_up(root, edit, &edits)));
            allowed.extend(lines_of_keys(root, &edits));
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

/// The data of a document as `kubectl` sends them: merge keys carried out, octals of YAML 1.1 read as numbers.
fn sent(text: &str) -> Data {
    let mut data: Data = serde_yaml::from_str(text).unwrap();
    data.apply_merge().unwrap();
    as_sent(&mut data, "", "");
    data
}

/// Mends what the reader, which is of YAML 1.2 and knows of no quantities, leaves as another type: the value of
/// `key`, which is an entry of `above`.
fn as_sent(data: &mut Data, key: &str, above: &str) {
    match data {
        Data::Mapping(entries) => {
            for (name, value) in entries.iter_mut() {
                as_sent(value, name.as_str().unwrap_or_default(), key);
            }
        }
        Data::Sequence(items) => items.iter_mut().for_each(|item| as_sent(item, "", key)),
        Data::String(text) if ["defaultMode", "mode"].contains(&key) && text.starts_with('0') => {
            if let Ok(mode) = i64::from_str_radix(text, 8) {
                *data = Data::Number(mode.into());
            }
        }
        Data::Number(number) if ["limits", "requests"].contains(&above) => {
            *data = Data::String(number.to_string());
        }
        _ => {}
    }
}

/// The objects of a document: itself, or what it lists.
fn objects(data: &Data) -> Vec<&Data> {
    let is_list = data["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match data["items"].as_sequence().filter(|_| is_list) {
        Some(items) => items.iter().flat_map(objects).collect(),
        None => vec![data],
    }
}

/// The fields of the data that the type `T` does not have, or why the data are none of this type.
fn unknown_fields<T: DeserializeOwned + Serialize>(data: &Data) -> Result<BTreeSet<String>, String> {
    fn compare(data: &Data, typed: &Data, path: &str, unknown: &mut BTreeSet<String>) {
        match (data, typed) {
            (Data::Mapping(entries), Data::Mapping(typed)) => {
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
                    let path = format!("{path}.{}", key.as_str().unwrap_or("?"));
                    match typed.get(key) {
                        Some(typed) => compare(value, typed, &path, unknown),
                        None => drop(unknown.insert(path)),
                    }
                }
            }
            (Data::Sequence(items), Data::Sequence(typed)) => {
                items.iter().zip(typed).for_each(|(item, typed)| compare(item, typed, path, unknown));
            }
            _ => {}
        }
    }
    let typed: T = serde_yaml::from_value(data.clone()).map_err(|error| error.to_string())?;
    let mut unknown = BTreeSet::new();
    compare(data, &serde_yaml::to_value(typed).unwrap(), "", &mut unknown);
    Ok(unknown)
}

/// What [`unknown_fields`] says of an object by its own type; `None` where there is no type for its kind.
fn judge(object: &Data) -> Option<Result<BTreeSet<String>, String>> {
    use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core};

    let judge = match (object["apiVersion"].as_str()?, object["kind"].as_str()?) {
        ("v1", "Pod") => unknown_fields::<core::Pod>,
        ("v1", "PodTemplate") => unknown_fields::<core::PodTemplate>,
        ("v1", "ReplicationController") => unknown_fields::<core::ReplicationController>,
        ("apps/v1", "Deployment") => unknown_fields::<apps::Deployment>,
        ("apps/v1", "StatefulSet") => unknown_fields::<apps::StatefulSet>,
        ("apps/v1", "DaemonSet") => unknown_fields::<apps::DaemonSet>,
        ("apps/v1", "ReplicaSet") => unknown_fields::<apps::ReplicaSet>,
        ("batch/v1", "Job") => unknown_fields::<batch::Job>,
        ("batch/v1", "CronJob") => unknown_fields::<batch::CronJob>,
        _ => return None,
    };
    Some(judge(object))
}

/// What is known of an object before a change holds after it: no error comes, and no field that is none.
#[track_caller]
fn check_judgements(
    name: &str,
    old: &Result<BTreeSet<String>, String>,
    new: &Result<BTreeSet<String>, String>,
) {
    let (Ok(old), Ok(new)) = (old, new) else { panic!("{name}: {new:?}") };
    assert!(new.is_subset(old), "{name}: {new:?} are no fields");
}

/// What the API server takes before, it takes after. Every changed object is judged by its own type, and every
/// changed pod by that of pods, also in objects of kinds for which there is no type.
#[test]
fn what_was_typed_stays_typed() {
    let texts = texts();
    if texts.is_empty() {
        return;
    }
    let (mut judged, mut pods) = (0, 0);
    let (mut unknown, mut refused) = (BTreeMap::<_, usize>::new(), BTreeMap::<_, usize>::new());
    for (path, text) in texts {
        let name = path.display().to_string();
        let examined = examine(&text, &path);
        let Some(new) = &examined.text else { continue };
        let (old, new) = (Stream::scan(&text).unwrap(), Stream::scan(new).unwrap());
        for (index, plan) in examined.plans.iter().filter(|(_, plan)| plan.edits().next().is_some()) {
            let sent = |stream: &Stream<'_>| sent(stream.document(*index).unwrap().text());
            let (old, new) = (sent(&old), sent(&new));
            let (old_objects, new_objects) = (objects(&old), objects(&new));
            assert_eq!(old_objects.len(), new_objects.len(), "{name}");
            for (old, new) in old_objects.into_iter().zip(new_objects).filter(|(old, new)| old != new) {
                match judge(old) {
                    Some(Err(reason)) => *refused.entry(reason).or_default() += 1,
                    Some(accepted) => {
                        judged += 1;
                        check_judgements(&name, &accepted, &judge(new).unwrap());
                    }
                    None => {
                        let text = |key| old[key].as_str().unwrap_or_default().to_owned();
                        *unknown.entry((text("apiVersion"), text("kind"))).or_default() += 1;
                    }
                }
            }
            for pod in &plan.pods {
                let at = |data: &Data| {
                    let pod = pod.path.steps().iter().try_fold(data, |at, step| match step {
                        Step::Key(key) => at.get(key.as_ref()),
                        Step::Index(index) => at.get(*index),
                    });
                    match pod.unwrap() {
                        template if template.get("spec").is_some() => {
                            (true, unknown_fields::<PodTemplateSpec>(template))
                        }
                        spec => (false, unknown_fields::<PodSpec>(spec)),
                    }
                };
                let (is_template, old) = at(&old);
                // Where there is no template, the kind may have fields of its own.
                if old.as_ref().is_ok_and(|unknown| is_template || unknown.is_empty()) {
                    pods += 1;
                    check_judgements(&name, &old, &at(&new).1);
                }
            }
        }
    }
    let count = |counts: &mut dyn Iterator<Item = &usize>| counts.sum::<usize>();
    let (without_type, refused_before) = (count(&mut unknown.values()), count(&mut refused.values()));
    println!("{judged} changed objects judged by their types, {pods} pods by theirs");
    println!("{without_type} changed objects without a type: {unknown:#?}");
    println!("{refused_before} refused before already: {refused:#?}");
    assert!(judged > 1_000 && pods >= judged, "{judged} objects, {pods} pods");
    assert!(refused_before * 100 < judged, "{refused:#?}");
    for (version, kind) in unknown.keys() {
        assert!(!["v1", "apps/v1", "batch/v1"].contains(&version.as_str()), "{version} {kind} has a type");
    }
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
                    (State::Suppressed(_), _) => "suppressed",
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
