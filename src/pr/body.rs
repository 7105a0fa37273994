//! What a reviewer reads: title and text of a request, and the comments under it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::fixes::{Fixes, Group};
use super::plan::Comment;
use crate::report::finding::{Finding, Level, State};
use crate::report::markdown::{code, plain, prose};
use crate::report::{File, Report};

/// The label that every request of ours has.
pub const LABEL: &str = "cce-fix";
/// The label with which a person stops us from touching a request.
pub const STOP: &str = "cce-fix:stop";

/// The title of a request.
pub fn title(group: &Group, fixes: &Fixes) -> String {
    let count = fixes.files();
    let plural = if count == 1 { "" } else { "s" };
    format!("Harden {count} Kubernetes manifest{plural}: {}", group.title)
}

/// The text of a request, of at most `room` characters. What is long is told in sums where it does not fit.
pub fn body(group: &Group, fixes: &Fixes, base: &str, flags: &str, room: usize) -> String {
    let whole = [Detail::All, Detail::Files, Detail::Folders, Detail::None];
    let bodies = whole.into_iter().map(|detail| write(group, fixes, base, flags, detail));
    let mut shortest = String::new();
    for body in bodies {
        if body.chars().count() <= room {
            return body;
        }
        shortest = body;
    }
    shortest.chars().take(room).collect()
}

/// How much is told of each fix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    All,
    Files,
    Folders,
    None,
}

fn write(group: &Group, fixes: &Fixes, base: &str, flags: &str, detail: Detail) -> String {
    let report = &fixes.report;
    let mut text = String::new();
    let mut line = |part: &str| {
        text.push_str(part);
        text.push('\n');
    };
    line(promise(group));
    line("");
    line("### What changes");
    line("");
    for part in changes(report) {
        line(&part);
    }
    for sums in fixes.tally.pod_security() {
        line(&format!("\n{}.", plain(&sums)));
    }
    for sums in fixes.tally.demand.lines() {
        line(&format!("\n{}.", plain(&sums)));
    }
    for part in table(report, detail) {
        line(&part);
    }
    let reviewed: BTreeSet<&str> = fixed(report)
        .filter(|(_, finding)| finding.review().is_some())
        .map(|(_, finding)| finding.transform.id)
        .collect();
    if !reviewed.is_empty() {
        line("\n### What may happen, and the way back\n");
        for meta in transforms::ALL.iter().map(|transform| transform.meta()) {
            if let Some(review) = meta.review.as_ref().filter(|_| reviewed.contains(meta.id)) {
                // Both are our own text, with code in it as Markdown writes it.
                line(&format!("- **{}**: {}. The way back: {}.", meta.id, review.symptom, review.undo));
            }
        }
    }
    for part in left(report, detail) {
        line(&part);
    }
    line("\n### How to decline\n");
    line("- Close this request: it is not opened again for the same fixes.");
    line(&format!("- Give it the label `{STOP}`: it is left as it is, whatever changes."));
    line(
        "- Keep a setting for good: an annotation `cce-fix/ignore.ID: \"reason\"` on the object, or an entry of \
         `overrides` in `.cce-fix.yaml`.",
    );
    line("- Commit to this branch: from then on it is yours, and nothing is pushed over it.");
    line("\n### How to reproduce\n");
    line("On a checkout of the base, with the same version; it shows the fixes of all requests:");
    line(&format!(
        "\n```\ncce-fix --version  # cce-fix {}\ncce-fix --diff{flags} .\n```",
        env!("CARGO_PKG_VERSION")
    ));
    line(&format!("\nThe base is {}.", code(base)));
    text
}

/// What a reviewer can rely on.
fn promise(group: &Group) -> &'static str {
    match (group.part.level, group.part.recreated) {
        (Some(transforms::Level::Safe), Some(true)) => {
            "These settings harden Pods and Jobs; a program that works correctly cannot notice them. A cluster takes \
             them only when the objects are deleted and created again."
        }
        (Some(transforms::Level::Safe), _) => {
            "These settings harden workloads; a program that works correctly cannot notice them. Nothing but the \
             lines of these settings differs."
        }
        (_, Some(true)) => {
            "These settings harden Pods and Jobs, and a program may rely on what they take away: please look at each. \
             A cluster takes them only when the objects are deleted and created again."
        }
        _ => {
            "These settings harden workloads, and a program may rely on what they take away: please look at each. \
             Nothing but the lines of these settings differs."
        }
    }
}

fn fixed(report: &Report) -> impl Iterator<Item = (&File, &Finding)> {
    report.findings().filter(|(_, finding)| finding.state == State::Fixed)
}

/// A line for each transform, the most frequent first.
fn changes(report: &Report) -> Vec<String> {
    let mut counts: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for (_, finding) in fixed(report) {
        counts.entry(finding.transform.id).or_insert((finding.transform.title, 0)).1 += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(id, (_, count))| (std::cmp::Reverse(*count), *id));
    let line = |(id, (title, count)): (&str, (&str, usize))| format!("- `{id}` ({count}): {}", prose(title));
    counts.into_iter().map(line).collect()
}

fn table(report: &Report, detail: Detail) -> Vec<String> {
    let mut lines = Vec::new();
    match detail {
        Detail::All => {
            lines.push(
                "\n| File | Object | Change | Why | Level |\n| --- | --- | --- | --- | --- |".to_owned(),
            );
            lines.extend(fixed(report).map(|(file, finding)| {
                format!(
                    "| {} | {} | {} | {} | {} |",
                    code(&file.name),
                    code(&finding.subject()),
                    prose(finding.summary.as_deref().unwrap_or_default()),
                    prose(&finding.reason),
                    finding.level.name()
                )
            }));
        }
        Detail::Files | Detail::Folders => {
            let of = |name: &str| match (detail, name.rsplit_once('/')) {
                (Detail::Files, _) => name.to_owned(),
                (_, Some((folder, _))) => format!("{folder}/"),
                (_, None) => "./".to_owned(),
            };
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            fixed(report).for_each(|(file, _)| *counts.entry(of(&file.name)).or_default() += 1);
            lines.push("\n| Where | Fixes |\n| --- | --- |".to_owned());
            lines.extend(counts.into_iter().map(|(name, count)| format!("| {} | {count} |", code(&name))));
        }
        Detail::None => {
            lines.push(format!(
                "\n{} fixes; the list is longer than a request can be.",
                fixed(report).count()
            ));
        }
    }
    lines
}

/// What stays for a person, folded, and what stays on somebody's wish.
fn left(report: &Report, detail: Detail) -> Vec<String> {
    let is_left = |finding: &Finding| match finding.state {
        State::Left => finding.needs_person && finding.level == Level::Manual,
        State::Suppressed => true,
        State::Fixed => false,
    };
    let left: Vec<_> = report.findings().filter(|(_, finding)| is_left(finding)).collect();
    if left.is_empty() {
        return Vec::new();
    }
    let mut text =
        format!("\n<details><summary>Left for a person, or on somebody's wish: {}</summary>\n", left.len());
    if detail == Detail::All {
        for (file, finding) in left {
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n- {} {}: {}",
                code(&format!("{}:{}", file.name, finding.place.line)),
                code(&finding.subject()),
                prose(&finding.message())
            );
        }
    } else {
        text.push_str("\n`cce-fix --check -o full .` lists them.");
    }
    text.push_str("\n\n</details>");
    vec![text]
}

/// What tells a comment of ours from others, so that it is made once.
pub fn mark(comment: Comment) -> &'static str {
    match comment {
        Comment::Stale => "<!-- cce-fix:1 stale -->",
        Comment::NotNeeded => "<!-- cce-fix:1 not-needed -->",
    }
}

/// The text of a comment.
pub fn comment(comment: Comment) -> String {
    let text = match comment {
        Comment::Stale => {
            "The branch has commits that cce-fix did not make, so it is left to you from here on, although the fixes \
             or their base may have changed since. To have it made anew, close this request, delete the branch, and \
             run `cce-fix pr --recreate`."
        }
        Comment::NotNeeded => {
            "The base branch needs none of these fixes any more. As the branch has commits that cce-fix did not \
             make, the request is left open for you to close."
        }
    };
    format!("{text}\n\n{}\n", mark(comment))
}

/// The text of the comment under a request that is closed because nothing is left of it.
pub const CLOSED: &str = "The base branch needs none of these fixes any more, so this request is closed and its \
                          branch deleted.\n\n<!-- cce-fix:1 closed -->\n";
/// What tells that comment from others.
pub const CLOSED_MARK: &str = "<!-- cce-fix:1 closed -->";

#[cfg(test)]
mod tests;
