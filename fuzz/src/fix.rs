//! The whole fix, from bytes to bytes: the laws of `ARCHITECTURE.md`.

use std::path::Path;

use cce_fix::engine::{self, Examined, Purpose};
use rewriter::{Edit, Position, Stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_yaml::Value as Data;
use transforms::{Outcome, Settings, State};

use crate::case::Case;
use crate::edit::{has_blank_line_with_tab, line_ends};
use crate::target::{Features, Tried, law};
use crate::{model, options};

/// Tries a case with the settings that its number stands for.
pub(crate) fn fix(case: &Case) -> Tried {
    check(&case.body, &options::settings(case.number))
}

/// What is made of `bytes`, as text.
pub(crate) fn examine(bytes: &[u8], settings: &Settings) -> Examined {
    engine::examine(bytes, Path::new("manifest.yaml"), settings, Purpose::Text)
}

/// Tries the laws on `bytes`.
pub(crate) fn check(bytes: &[u8], settings: &Settings) -> Tried {
    let mut features = Features::default();
    let examined = examine(bytes, settings);
    tell(&examined, &mut features);
    let mut unproved = false;
    for problem in &examined.problems {
        let is_defect = problem.message.contains("defect");
        law(!is_defect || str::from_utf8(bytes).is_ok_and(has_blank_line_with_tab), || {
            format!("{} {:?}", problem.message, problem.position)
        })?;
        unproved |= is_defect || problem.message.contains("could not be proved");
        if let Some(position) = problem.position {
            law(position == Position::of(bytes, position.offset), || format!("{position:?} is no place"))?;
        }
    }
    other_purposes(bytes, settings, &examined, unproved)?;
    let Some(new) = &examined.text else { return Ok(features) };
    let old = rewriter::decode(bytes).map_err(|error| error.to_string())?;
    law(new != old, || "the new text is the old one".to_owned())?;
    line_ends(old, new)?;
    law(old.ends_with('\n') == new.ends_with('\n'), || "the line break at the end".to_owned())?;
    documents(old, new, &examined)?;
    let again = examine(new.as_bytes(), settings);
    // What aliases share is left; where one of those that share it goes, or gets a field of its own, the next run can
    // do more.
    let shares = old.contains('&') && old.contains('*');
    law(again.text.is_none() || shares || repairs(&examined), || {
        format!(
            "a second run changes something:\n{new}\n=== again\n{}",
            again.text.as_deref().unwrap_or_default()
        )
    })?;
    law(again.kind == examined.kind, || format!("{:?} became {:?}", examined.kind, again.kind))?;
    other_forms(old, new, settings)?;
    Ok(features)
}

/// Whether fields were moved to their places, where they are judged for the first time by the next run.
fn repairs(examined: &Examined) -> bool {
    examined.plans.iter().flat_map(|(_, plan)| plan.findings()).any(|judged| {
        judged.finding.transform.id == "misplaced-field" && matches!(judged.state, State::Fixed)
    })
}

/// What was found, for whoever looks for cases that differ.
fn tell(examined: &Examined, features: &mut Features) {
    features.add("kind", &format!("{:?}", examined.kind));
    for problem in &examined.problems {
        features.add("problem", &problem.message);
    }
    for (_, plan) in &examined.plans {
        for judged in plan.findings() {
            let state = match (&judged.state, &judged.finding.outcome) {
                (State::Fixed, Outcome::Fix(fix)) => {
                    format!("fixed {} by {}", fix.level, fix.edits.len().min(4))
                }
                (State::Left(left), _) => left.reason.clone(),
                (state, _) => format!("{state:?}").chars().take_while(char::is_ascii_alphabetic).collect(),
            };
            features.add(judged.finding.transform.id, &state);
        }
        for notice in &plan.notices {
            features.add("notice", format!("{:?}", notice.flaw).split(['(', ' ']).next().unwrap_or_default());
        }
    }
}

/// To answer, and to report, is to decide the same.
fn other_purposes(
    bytes: &[u8],
    settings: &Settings,
    examined: &Examined,
    unproved: bool,
) -> Result<(), String> {
    let path = Path::new("manifest.yaml");
    let report = engine::examine(bytes, path, settings, Purpose::Report { source: true });
    law(report.text == examined.text && report.problems == examined.problems, || {
        "a report changes the result".to_owned()
    })?;
    let rewritten = engine::examine(bytes, path, settings, Purpose::Rewrite);
    law(rewritten.text == examined.text && rewritten.problems == examined.problems, || {
        "to drop the plans changes the result".to_owned()
    })?;
    if !unproved {
        let counted = engine::examine(bytes, path, settings, Purpose::Count);
        law(counted.counted == examined.counted, || "counted alone, there is another sum".to_owned())?;
        let answer = engine::examine(bytes, path, settings, Purpose::Answer);
        law(answer.changed == examined.changed && answer.kind == examined.kind, || {
            format!("asked alone: {}, written: {}", answer.changed, examined.changed)
        })?;
        law(answer.problems == examined.problems, || "asked alone, there are other problems".to_owned())?;
    }
    Ok(())
}

/// Documents without an edit are the same bytes, the others differ by their edits.
fn documents(old: &str, new: &str, examined: &Examined) -> Result<(), String> {
    let broken = |error: rewriter::SyntaxError| format!("the new text is none: {}\n{new}", error.message);
    let (old, new) = (Stream::scan(old).map_err(broken)?, Stream::scan(new).map_err(broken)?);
    law(old.documents().len() == new.documents().len(), || "another number of documents".to_owned())?;
    let comments = |stream: &Stream<'_>| -> Vec<String> {
        let all = stream.documents().flat_map(|document| {
            document
                .comments(|_| true)
                .into_iter()
                .map(|comment| comment.text.trim().to_owned())
                .collect::<Vec<_>>()
        });
        all.collect()
    };
    law(comments(&old) == comments(&new), || "the comments are others".to_owned())?;
    for (before, after) in old.documents().zip(new.documents()) {
        let plan = examined.plans.iter().find(|(index, _)| *index == before.index());
        let edits: Vec<&Edit> = plan.map(|(_, plan)| plan.edits().collect()).unwrap_or_default();
        if edits.is_empty() {
            law(before.text() == after.text(), || {
                format!("document {} has no edit and changed", before.index())
            })?;
            continue;
        }
        let (before, after) = (model::read(before.text())?, model::read(after.text())?);
        let wanted = model::edited(&before, &edits, &after);
        law(wanted.as_ref() == Some(&after), || {
            format!("other data than declared\n{edits:?}\nwanted {wanted:?}\ngot {after:?}")
        })?;
        // A field that is moved may stand in a place of which the type knows no more than of the old one.
        if let (Some(Ok(known)), Some(judged), false) = (judge(&before), judge(&after), repairs(examined)) {
            let judged = judged.map_err(|error| format!("the API server took it before: {error}"))?;
            let strange: Vec<&String> = judged.iter().filter(|field| !known.contains(field)).collect();
            law(strange.is_empty(), || format!("fields that are none: {strange:?}"))?;
        }
    }
    Ok(())
}

/// The fields of an object that its type does not have, or why it is none of its type.
fn judge(object: &Data) -> Option<Result<Vec<String>, String>> {
    use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core};

    let judge = match (object.get("apiVersion")?.as_str()?, object.get("kind")?.as_str()?) {
        ("v1", "Pod") => unknown::<core::Pod>,
        ("apps/v1", "Deployment") => unknown::<apps::Deployment>,
        ("apps/v1", "StatefulSet") => unknown::<apps::StatefulSet>,
        ("apps/v1", "DaemonSet") => unknown::<apps::DaemonSet>,
        ("batch/v1", "Job") => unknown::<batch::Job>,
        ("batch/v1", "CronJob") => unknown::<batch::CronJob>,
        _ => return None,
    };
    Some(judge(object))
}

fn unknown<T: DeserializeOwned + Serialize>(data: &Data) -> Result<Vec<String>, String> {
    fn compare(data: &Data, typed: &Data, path: &str, unknown: &mut Vec<String>) {
        match (data, typed) {
            (Data::Mapping(entries), Data::Mapping(typed)) => {
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
                    let path = format!("{path}.{}", key.as_str().unwrap_or("?"));
                    match typed.get(key) {
                        Some(typed) => compare(value, typed, &path, unknown),
                        None => unknown.push(path),
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
    let mut found = Vec::new();
    compare(data, &serde_yaml::to_value(typed).map_err(|error| error.to_string())?, "", &mut found);
    Ok(found)
}

/// With other line ends, or a mark in front, the same is made of it.
fn other_forms(old: &str, new: &str, settings: &Settings) -> Result<(), String> {
    let is_plain = !old.contains(['\r', '\u{feff}']);
    if !is_plain {
        return Ok(());
    }
    let made = |text: &str| examine(text.as_bytes(), settings).text.unwrap_or_else(|| text.to_owned());
    // Indentation goes by the nearest sample, which line ends of two bytes can make another.
    let bare = |text: &str| text.lines().map(|line| line.trim_start().to_owned()).collect::<Vec<_>>();
    let crlf = made(&old.replace('\n', "\r\n"));
    law(bare(&crlf) == bare(new), || format!("with CRLF it is\n{crlf}"))?;
    line_ends(&old.replace('\n', "\r\n"), &crlf)?;
    let marked = made(&format!("\u{feff}{old}"));
    let marked_bare = marked.strip_prefix('\u{feff}').map(bare);
    law(marked_bare == Some(bare(new)), || format!("with a byte order mark it is\n{marked}"))
}
