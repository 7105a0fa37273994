//! What programs do to files beside what they were asked for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rewriter::{Document, Node, Stream};
use similar::{ChangeTag, TextDiff};

use super::measure::as_f64;
use super::parts::Bench;
use super::table::{Table, figure};
use super::workload::list;

/// Sums over files.
#[derive(Debug, Default, PartialEq)]
struct Damage {
    rewritten: usize,
    altered: usize,
    needless: usize,
    comments: usize,
    overwritten: usize,
    documents: usize,
    invalid: usize,
    line_ends: usize,
}

pub(super) fn damage(bench: &Bench) -> Result<String, String> {
    let mut text = String::new();
    let corpus = bench.corpus();
    let real = corpus.as_deref().map(|corpus| ("Real files by others with a workload", corpus));
    let made = bench.workloads.files(1_000)?;
    let mut sources = vec![("1,000 generated files", made.as_path())];
    match real {
        Some(real) => sources.push(real),
        None => text.push_str("NOT TRIED: real files, as there are none beside the repository.\n\n"),
    }
    for (what, folder) in sources {
        text.extend([what, ":\n\n", &of_folder(bench, folder)?, "\n"]);
    }
    Ok(text)
}

fn of_folder(bench: &Bench, folder: &Path) -> Result<String, String> {
    let source = bench.workloads.folder.join("undamaged");
    if source.exists() {
        fs::remove_dir_all(&source).map_err(|error| error.to_string())?;
    }
    let files: Vec<(String, String)> = list(folder, &["yaml", "yml"])
        .into_iter()
        .filter_map(|path| Some((name(&path, folder), fs::read_to_string(&path).ok()?)))
        .filter(|(_, text)| text.contains("containers:") && is_valid(text))
        .collect();
    files.iter().try_for_each(|(name, text)| crate::write(&source.join(name), text))?;
    let (names, count) = bench.names(&source, &["yaml", "yml"])?;
    let work = bench.work();
    let mut contenders = vec![bench.programs.own("`cce-fix`", &work, &["--no-ignore", "."])];
    contenders.extend(bench.programs.peers(&work, &names));
    let mut table = Table::new(&[
        "",
        "files rewritten",
        "lines altered or gone",
        "of these needless",
        "comments lost",
        "values overwritten or gone",
        "documents lost",
        "files made invalid",
        "files that lost CRLF",
    ]);
    for contender in contenders.iter().filter(|contender| !contender.name.contains("only reads")) {
        let contender = contender.clone().on_copies_of(&source);
        contender.measure()?;
        let mut sum = Damage::default();
        for (name, old) in &files {
            sum.add(old, &fs::read_to_string(work.join(name)).unwrap_or_default());
        }
        let share = figure(100.0 * as_f64(sum.needless as u64) / as_f64(sum.altered.max(1) as u64));
        let needless = format!("{} ({share} %)", sum.needless);
        let counts = [sum.comments, sum.overwritten, sum.documents, sum.invalid, sum.line_ends];
        let cells = [
            contender.name.clone(),
            format!("{} of {count}", sum.rewritten),
            sum.altered.to_string(),
            needless,
        ];
        table.row(cells.into_iter().chain(counts.map(|count| count.to_string())));
    }
    Ok(table.markdown())
}

fn name(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// Whether every document of it can be read, and no key stands twice.
fn is_valid(text: &str) -> bool {
    Stream::scan(text).is_ok_and(|stream| {
        stream.documents().len() > 0
            && stream
                .documents()
                .all(|document| document.refusal().is_none() && document.duplicate_key().is_none())
    })
}

impl Damage {
    fn add(&mut self, old: &str, new: &str) {
        if old == new {
            return;
        }
        self.rewritten += 1;
        self.line_ends += usize::from(old.contains("\r\n") && !new.contains("\r\n"));
        self.add_lines(old, new);
        if !is_valid(new) {
            self.invalid += 1;
            return;
        }
        let (Ok(old), Ok(new)) = (Stream::scan(old), Stream::scan(new)) else { return };
        let comments = |stream: &Stream<'_>| {
            let all = stream.documents().flat_map(|document| document.comments(|_| true));
            let mut counts = BTreeMap::<String, usize>::new();
            all.for_each(|comment| *counts.entry(comment.text.trim().to_owned()).or_default() += 1);
            counts
        };
        let kept = comments(&new);
        let lost =
            |(text, count): (&String, &usize)| count.saturating_sub(kept.get(text).copied().unwrap_or(0));
        self.comments += comments(&old).iter().map(lost).sum::<usize>();
        self.documents += old.documents().len().saturating_sub(new.documents().len());
        for (old, new) in old.documents().zip(new.documents()) {
            let new = values(new);
            self.overwritten +=
                values(old).iter().filter(|(path, value)| new.get(*path) != Some(value)).count();
        }
    }

    /// A line is altered without need where all that it says is said by a line that takes its place: its indentation,
    /// its quotes, its blanks or its comment are others. One that is blank or a comment is always gone without need.
    fn add_lines(&mut self, old: &str, new: &str) {
        // A last line that gets its line break because others follow it now says what it said.
        let [old, new] = [old, new].map(|text| format!("{}\n", text.strip_suffix('\n').unwrap_or(text)));
        let diff = TextDiff::from_lines(old.as_str(), new.as_str());
        let said = |line: &str| -> String {
            let line = line.split(" #").next().unwrap_or_default();
            line.chars().filter(|it| !it.is_whitespace() && !"\"'-".contains(*it)).collect()
        };
        let mut added = BTreeMap::<String, usize>::new();
        for change in diff.iter_all_changes().filter(|change| change.tag() == ChangeTag::Insert) {
            *added.entry(said(change.value())).or_default() += 1;
        }
        for change in diff.iter_all_changes().filter(|change| change.tag() == ChangeTag::Delete) {
            self.altered += 1;
            let line = change.value().trim();
            let is_said = match added.get_mut(&said(line)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    true
                }
                _ => false,
            };
            self.needless += usize::from(is_said || line.is_empty() || line.starts_with('#'));
        }
    }
}

/// The scalars of a document by their paths.
fn values(document: Document<'_>) -> BTreeMap<String, String> {
    fn walk(node: Node<'_>, path: &str, values: &mut BTreeMap<String, String>) {
        if node.is_alias() {
            return;
        }
        for (key, value) in node.entries() {
            walk(value, &format!("{path}.{}", key.text()), values);
        }
        for (index, item) in node.items().enumerate() {
            walk(item, &format!("{path}[{index}]"), values);
        }
        if !node.is_mapping() && !node.is_sequence() {
            values.insert(path.to_owned(), node.text().into_owned());
        }
    }
    let mut values = BTreeMap::new();
    if let Some(root) = document.root() {
        walk(root, "", &mut values);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn damage(old: &str, new: &str) -> Damage {
        let mut damage = Damage::default();
        damage.add(old, new);
        damage
    }

    #[test]
    fn what_is_asked_for_is_no_damage() {
        let old = "a: 1 # why\nb:\n- c\n";
        assert_eq!(damage(old, old), Damage::default());
        let added = damage(old, "a: 1 # why\nb:\n- c\nd: 2\n");
        assert_eq!(added, Damage { rewritten: 1, ..Damage::default() });
        let added = damage("a: 1", "a: 1\nd: 2");
        assert_eq!(added, Damage { rewritten: 1, ..Damage::default() });
        let changed = damage(old, "a: 2 # why\nb:\n- c\n");
        assert_eq!(changed, Damage { rewritten: 1, altered: 1, overwritten: 1, ..Damage::default() });
    }

    #[test]
    fn what_is_not_asked_for_is_damage() {
        let old = "a: 'x' # why\r\nb:\r\n  - c\r\n---\r\nd: 1\r\n";
        let found = damage(old, "a: x\nb:\n- c\n");
        assert_eq!(found.needless, 3, "{found:?}");
        assert_eq!((found.altered, found.comments, found.documents, found.line_ends), (5, 1, 1, 1));
        assert_eq!(damage("a: 1\n", "a: 1\na: 2\n").invalid, 1);
        assert_eq!(damage("a: 1\n", "").invalid, 1);
    }
}
