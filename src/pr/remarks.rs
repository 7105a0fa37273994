//! Remarks on lines of a request: what may happen by the fixes there that a person should look at, with the lines
//! that take them back, and what is left to a person beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;

use super::fixes::hash;
use super::forge::Placed;
use crate::diff::{changed_lines, harmless_text};
use crate::report::File;
use crate::report::finding::{Finding, Level, State};
use crate::report::markdown::{code, prose};

/// More than so many remarks nobody reads; all fixes are in the text of the request.
pub const MOST: usize = 30;
/// Unchanged lines around a change that forges show, and take remarks on.
const CONTEXT: usize = 3;
/// Lines, and bytes, of what a suggestion puts back. What is longer is not for a remark.
const LONGEST: (usize, usize) = (40, 3000);
/// Characters of one message; names in manifests can have any length.
const LINE: usize = 300;
/// Bytes of all of them in one remark.
const ROOM: usize = 20_000;
/// What the note begins with that remarks were made.
const START: &str = "<!-- cce-fix:1 lines ";

/// A remark before it has the form that a forge takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The same for the same remark, wherever in its file the lines are by now.
    pub key: String,
    path: String,
    /// First and last line as the request has them, from one.
    lines: (usize, usize),
    /// The last line as the base has it, where the request does not change it.
    old_line: Option<usize>,
    text: String,
    /// What takes the change back in place of the lines; none where there is no change, or it cannot be quoted.
    back: Option<String>,
}

impl Remark {
    /// The remark for a forge. `suggestion` is what a block is called there that takes the place of a line and of so
    /// many above it, if there is such a thing.
    pub fn placed(&self, suggestion: impl Fn(usize) -> Option<String>) -> Placed {
        let (first, last) = self.lines;
        let mut text = self.text.clone();
        if let Some(back) = &self.back {
            let longest = back.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            let lines =
                if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
            let (how, name) = match suggestion(last - first) {
                Some(name) => ("apply this".to_owned(), name),
                None if back.is_empty() => (format!("remove {lines}"), String::new()),
                None => (format!("put this in place of {lines}"), "yaml".to_owned()),
            };
            // Writing to a String cannot fail.
            let _ = write!(text, "\nTo take it back alone, {how}; the branch is yours from then on.\n");
            if !name.is_empty() {
                let _ = write!(text, "\n{fence}{name}\n{back}{fence}\n");
            }
        }
        Placed {
            path: self.path.clone(),
            first,
            last,
            old_line: self.old_line,
            text,
            mark: mark([&*self.key]),
        }
    }
}

/// The note that the remarks with these keys were made.
pub fn mark<'k>(keys: impl IntoIterator<Item = &'k str>) -> String {
    let keys: Vec<&str> = keys.into_iter().collect();
    format!("{START}{} -->", keys.join(" "))
}

/// The keys that a text notes; what it quotes before does not count.
pub fn noted(text: &str) -> impl Iterator<Item = &str> {
    let note = text.rsplit_once(START).and_then(|(_, rest)| rest.split_once(" -->"));
    note.into_iter().flat_map(|(keys, _)| keys.split(' '))
}

/// What stands above the remarks.
pub const INTRODUCTION: &str =
    "Remarks on the lines that a person should look at. Each can be taken back for itself.";

/// The remarks on a file that the request changes from `old` to `new`.
pub fn of_file(file: &File, old: &str, new: &str) -> Vec<Remark> {
    let hunks = changed_lines(old.as_bytes(), new.as_bytes());
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let mut remarks: Vec<Remark> =
        hunks.iter().filter_map(|hunk| on_change(file, hunk, &old, &new)).collect();
    remarks.extend(beside(file, &hunks));
    remarks.sort_by_key(|remark| remark.lines);
    remarks
}

type Hunk = (Range<usize>, Range<usize>);

/// The remark on a change, if there is something in it to look at.
fn on_change(file: &File, hunk: &Hunk, old: &[&str], new: &[&str]) -> Option<Remark> {
    let (from, to) = hunk;
    let touches = |finding: &&Finding| {
        finding.own.iter().any(|piece| piece.start.line - 1 <= from.end && piece.end.line >= from.start)
    };
    let reviewed = file
        .findings
        .iter()
        .filter(|finding| finding.state == State::Fixed && finding.level == Level::Review);
    let findings: Vec<&Finding> = reviewed.filter(touches).collect();
    if findings.is_empty() {
        return None;
    }
    let mut text = list(&findings, |finding| {
        let summary = finding.summary.as_deref().unwrap_or_default();
        format!("{summary}: {}", finding.reason)
    });
    text.push_str("\n<details><summary>What may happen, and the way back</summary>\n");
    let told: BTreeMap<&str, &Finding> =
        findings.iter().map(|finding| (finding.transform.id, *finding)).collect();
    for (id, finding) in &told {
        if let Some(review) = finding.review() {
            // Writing to a String cannot fail. Both are our own text.
            let _ = write!(text, "\n- **{id}**: {}. The way back: {}.", review.symptom, review.undo);
        }
    }
    text.push_str(
        "\n\n</details>\n\nTo keep a setting for good, say so on the object, by its id above: the annotation \
         `cce-fix/ignore.ID: \"reason\"`.\n",
    );
    let lines = |lines: &[&str], range: Range<usize>| lines.get(range).unwrap_or_default().concat();
    let (before, after) = (lines(old, from.clone()), lines(new, to.clone()));
    let (range, old_line, back) = if !to.is_empty() {
        ((to.start + 1, to.end), None, before.clone())
    } else if to.start < new.len() {
        // Where nothing is but what was taken away, the line behind it has the remark.
        ((to.start + 1, to.start + 1), Some(from.end + 1), lines(old, from.start..from.end + 1))
    } else {
        let above = from.start.checked_sub(1)?;
        ((to.start, to.start), Some(from.start), lines(old, above..from.end))
    };
    let is_secret = findings.iter().any(|finding| finding.fix.as_ref().is_none_or(|fix| fix.lines.is_none()));
    Some(Remark {
        key: key(file, &findings, &[&before, &after]),
        path: file.name.clone(),
        lines: range,
        old_line,
        text,
        back: Some(back).filter(|back| !is_secret && is_quotable(back)).map(whole),
    })
}

/// What is left to a person on unchanged lines that are shown beside changes.
fn beside(file: &File, hunks: &[Hunk]) -> Vec<Remark> {
    let mut by_line: BTreeMap<usize, Vec<&Finding>> = BTreeMap::new();
    for finding in &file.findings {
        let line = finding.place.line - 1;
        let is_shown =
            hunks.iter().any(|(from, _)| line + CONTEXT >= from.start && line < from.end + CONTEXT);
        let is_changed = hunks.iter().any(|(from, _)| from.contains(&line));
        let is_left = finding.state == State::Left && finding.needs_person && finding.level == Level::Manual;
        if is_left && is_shown && !is_changed {
            by_line.entry(line).or_default().push(finding);
        }
    }
    let remark = |(line, findings): (usize, Vec<&Finding>)| {
        let above = hunks.iter().take_while(|(from, _)| from.end <= line).last();
        let new = above.map_or(line, |(from, to)| line - from.end + to.end) + 1;
        Remark {
            key: key(file, &findings, &[]),
            path: file.name.clone(),
            lines: (new, new),
            old_line: Some(line + 1),
            text: format!("Left for a person:\n\n{}", list(&findings, Finding::message)),
            back: None,
        }
    };
    by_line.into_iter().map(remark).collect()
}

/// An entry for each finding; where that is longer than a forge takes, what they are called alone.
fn list(findings: &[&Finding], what: impl Fn(&Finding) -> String) -> String {
    let entry = |finding: &&Finding| {
        let (subject, what) = (code(&short(&finding.subject())), prose(&short(&what(finding))));
        format!("- **{}**, {subject}: {what}.\n", finding.transform.id)
    };
    let list: Vec<String> = findings.iter().map(entry).collect();
    if list.iter().map(String::len).sum::<usize>() <= ROOM {
        return list.concat();
    }
    let ids: BTreeSet<&str> = findings.iter().map(|finding| finding.transform.id).collect();
    ids.into_iter().flat_map(|id| ["- **", id, "**\n"]).collect()
}

/// Stands for these findings, and for the lines that the remark about them is on.
fn key(file: &File, findings: &[&Finding], lines: &[&str]) -> String {
    let of_finding = |finding: &&Finding| {
        let Finding { transform, stable_path, .. } = finding;
        format!("{} {stable_path} {}", transform.id, finding.subject())
    };
    let mut parts = vec![file.name.clone()];
    parts.extend(findings.iter().map(of_finding));
    let parts = parts.iter().map(String::as_str).chain(lines.iter().copied());
    hash(parts).chars().take(12).collect()
}

/// The text, cut where it is longer than anybody reads.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(LINE).collect();
    if short.len() < text.len() {
        short.push('\u{2026}');
    }
    short
}

/// Whether the lines are such that a forge gives them back as they are, and shows them as they are.
fn is_quotable(lines: &str) -> bool {
    let plain = |line: &str| harmless_text(line) == line && !line.trim_start().starts_with('/');
    lines.len() <= LONGEST.1 && lines.lines().count() <= LONGEST.0 && lines.split('\n').all(plain)
}

/// The lines with a line break behind the last one too.
fn whole(mut lines: String) -> String {
    if !lines.is_empty() && !lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests;
