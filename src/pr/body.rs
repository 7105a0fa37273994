//! What a reviewer reads: title and text of a request, and the comments under it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::fixes::{Fixes, Group};
use super::plan::Comment;
use crate::report::markdown::{code, plain, prose};
use crate::report::names;

/// The label that every request of ours has.
pub const LABEL: &str = "cce-fix";
/// The label with which a person stops us from touching a request.
pub const STOP: &str = "cce-fix:stop";

/// The title of a request.
pub fn title(group: &Group, fixes: &Fixes) -> String {
    let count = fixes.changed.len();
    let plural = if count == 1 { "" } else { "s" };
    format!("Harden {count} Kubernetes manifest{plural}: {}", group.title)
}

/// The text of a request, of at most `room` characters. What is long is told in sums where it does not fit.
pub fn body(group: &Group, fixes: &Fixes, base: &str, flags: &str, room: usize) -> String {
    let whole = [Detail::All, Detail::Files, Detail::Folders, Detail::None];
    let is_told = |detail: &Detail| *detail != Detail::All || fixes.rows.all().is_some();
    let bodies = whole.into_iter().filter(is_told).map(|detail| write(group, fixes, base, flags, detail));
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
    let mut text = String::new();
    let mut line = |part: &str| {
        text.push_str(part);
        text.push('\n');
    };
    line(promise(group));
    line("");
    line("### What changes");
    line("");
    for part in changes(fixes) {
        line(&part);
    }
    for sums in fixes.tally.pod_security() {
        line(&format!("\n{}.", plain(&sums)));
    }
    for sums in fixes.tally.demand.lines() {
        line(&format!("\n{}.", plain(&sums)));
    }
    for part in table(fixes, detail) {
        line(&part);
    }
    let is_reviewed = |id: &str| fixes.transforms.get(id).is_some_and(|sum| sum.is_reviewed);
    if fixes.transforms.values().any(|sum| sum.is_reviewed) {
        line("\n### What may happen, and the way back\n");
        for meta in transforms::ALL.iter().map(|transform| transform.meta()) {
            if let Some(review) = meta.review.as_ref().filter(|_| is_reviewed(meta.id)) {
                // Both are our own text, with code in it as Markdown writes it.
                line(&format!("- **{}**: {}. The way back: {}.", meta.id, review.symptom, review.undo));
            }
        }
    }
    for part in left(fixes, detail) {
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

/// A line for each transform, the most frequent first.
fn changes(fixes: &Fixes) -> Vec<String> {
    let mut sums: Vec<_> = fixes.transforms.iter().collect();
    sums.sort_by_key(|(id, sum)| (std::cmp::Reverse(sum.count), **id));
    sums.into_iter().map(|(id, sum)| format!("- `{id}` ({}): {}", sum.count, prose(sum.title))).collect()
}

fn table(fixes: &Fixes, detail: Detail) -> Vec<String> {
    let mut lines = Vec::new();
    match detail {
        Detail::All => {
            lines.push(
                "\n| File | Object | Change | Why | Level |\n| --- | --- | --- | --- | --- |".to_owned(),
            );
            lines.extend(fixes.rows.all().into_iter().flatten().map(|row| {
                format!(
                    "| {} | {} | {} | {} | {} |",
                    code(&row.file),
                    code(&row.subject),
                    prose(&row.change),
                    prose(&row.why),
                    row.level.name()
                )
            }));
        }
        Detail::Files | Detail::Folders => {
            let shown = |name: &Path| names(name, Path::new("")).0;
            let of = |name: &Path| match (detail, name.parent()) {
                (Detail::Files, _) => shown(name),
                (_, Some(folder)) if folder != Path::new("") => format!("{}/", shown(folder)),
                _ => "./".to_owned(),
            };
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            fixes.changed.iter().for_each(|(name, count)| *counts.entry(of(name)).or_default() += count);
            lines.push("\n| Where | Fixes |\n| --- | --- |".to_owned());
            lines.extend(counts.into_iter().map(|(name, count)| format!("| {} | {count} |", code(&name))));
        }
        Detail::None => {
            lines.push(format!("\n{} fixes; the list is longer than a request can be.", fixes.rows.count));
        }
    }
    lines
}

/// What stays for a person, folded, and what stays on somebody's wish.
fn left(fixes: &Fixes, detail: Detail) -> Vec<String> {
    let count = fixes.left.count;
    if count == 0 {
        return Vec::new();
    }
    let mut text =
        format!("\n<details><summary>Left for a person, or on somebody's wish: {count}</summary>\n");
    match fixes.left.all().filter(|_| detail == Detail::All) {
        Some(left) => {
            for stays in left {
                // Writing to a String cannot fail.
                let _ = write!(
                    text,
                    "\n- {} {}: {}",
                    code(&stays.place),
                    code(&stays.subject),
                    prose(&stays.message)
                );
            }
        }
        None => text.push_str("\n`cce-fix --check -o full .` lists them."),
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
pub const CLOSED: &str = "None of these fixes is needed any more: the base branch has them, or its settings no longer ask \
                          for them. So this request is closed and its branch deleted.\n\n<!-- cce-fix:1 closed -->\n";
/// The text of the comment under a request that is closed because its group is none any more.
pub const REGROUPED: &str = "Fixes are put together into requests in another way by now (`group-by`), so those that are still \
                             needed belong to other ones. So this request is closed and its branch deleted.\n\n\
                             <!-- cce-fix:1 closed -->\n";
/// What tells these comments from others.
pub const CLOSED_MARK: &str = "<!-- cce-fix:1 closed -->";

#[cfg(test)]
mod tests;
