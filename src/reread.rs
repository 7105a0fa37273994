//! The independent proof: a document read before and after by another reader of YAML differs exactly by the
//! edits that were declared.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rewriter::{Document, Edit, Step, Stream, Value};
use serde_yaml::Value as Data;
use thiserror::Error;

/// Why a document's edits are not trusted.
#[derive(Debug, Error)]
pub enum RereadError {
    /// The document as it was is none to the independent reader.
    #[error("the independent reader does not take this document ({0}), so that an edit could not be proved")]
    Before(String),
    /// The edited document is none to the independent reader.
    #[error(
        "the edited document does not read any more ({0}); this is a defect of cce-fix, please report it"
    )]
    After(String),
    /// The data differ from what was declared.
    #[error(
        "the edited document does not hold what was declared; this is a defect of cce-fix, please report it"
    )]
    Different,
}

/// Documents of so many bytes are read item by item where they are lists: as data they take twenty times the room.
const LARGE: usize = 1 << 20;

/// Compares `before`, edited as data, with the text `after`.
pub fn check_document(before: Document<'_>, after: &str, edits: &[&Edit]) -> Result<(), RereadError> {
    if before.text().len() >= LARGE
        && let Ok(after) = Stream::scan(after)
        && let Some(after) = after.document(0)
        && let Some(checked) = check_items(before, after, edits)
    {
        return checked;
    }
    check(before.text(), after, edits.iter().copied())
}

/// Compares `before`, edited as data, with `after`.
pub fn check<'e>(
    before: &str,
    after: &str,
    edits: impl IntoIterator<Item = &'e Edit>,
) -> Result<(), RereadError> {
    check_below(0, before, after, edits)
}

/// The same for the value that the first `depth` steps of each path lead to.
fn check_below<'e>(
    depth: usize,
    before: &str,
    after: &str,
    edits: impl IntoIterator<Item = &'e Edit>,
) -> Result<(), RereadError> {
    let mut edited = read(before).map_err(|error| RereadError::Before(error.to_string()))?;
    let after = read(after).map_err(|error| RereadError::After(error.to_string()))?;
    // Paths count in the lists as they were: items that go do so from the end, and after all else, so that none
    // moves before its turn.
    let (mut items, others): (Vec<&Edit>, Vec<&Edit>) =
        edits.into_iter().partition(|edit| is_item_removal(edit));
    items.sort_by(|one, other| other.path().cmp(one.path()));
    for edit in others.into_iter().chain(items) {
        edit_data(&mut edited, edit, depth, &after).ok_or(RereadError::Different)?;
    }
    if edited == after { Ok(()) } else { Err(RereadError::Different) }
}

/// How the paths of a list's items begin.
const ITEMS: &str = "items";

/// Compares lists item by item; `None` where they are none, or their items share something.
fn check_items(
    before: Document<'_>,
    after: Document<'_>,
    edits: &[&Edit],
) -> Option<Result<(), RereadError>> {
    let mut by_item: BTreeMap<usize, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        let [Step::Key(key), Step::Index(index), _, ..] = edit.path().steps() else { return None };
        (key == ITEMS).then(|| by_item.entry(*index).or_default().push(edit))?;
    }
    let (before, after) = (List::of(before)?, List::of(after)?);
    // What is around the items is the same, and to the independent reader too each of them is one.
    let around = |list: &List<'_>| read(&list.around).ok();
    let is_list = |data: &Data| {
        let items = data.get(ITEMS).and_then(Data::as_sequence);
        items.is_some_and(|items| (0..before.items.len()).map(Data::from).eq(items.iter().cloned()))
    };
    if before.items.len() != after.items.len() || around(&before).filter(is_list) != around(&after) {
        return Some(Err(RereadError::Different));
    }
    let check = |(index, (before, after)): (usize, (&Cow<'_, str>, &Cow<'_, str>))| match by_item.get(&index)
    {
        Some(edits) => check_below(2, before, after, edits.iter().copied()),
        None if before == after => Ok(()),
        None => Err(RereadError::Different),
    };
    Some(before.items.iter().zip(&after.items).enumerate().try_for_each(check))
}

/// A list taken apart.
struct List<'t> {
    /// The text in which each item is its number.
    around: String,
    items: Vec<Cow<'t, str>>,
}

impl<'t> List<'t> {
    fn of(document: Document<'t>) -> Option<Self> {
        let node = document.root().filter(|_| !document.has_aliases())?.get(ITEMS)?;
        let (text, range) = (document.text(), document.range());
        let mut list = Self { around: String::new(), items: Vec::new() };
        let mut at = 0;
        for (number, item) in node.items().enumerate() {
            let span = item.span().start - range.start..item.span().end - range.start;
            let (before, written) = (text.get(..span.start)?, text.get(span.clone())?);
            // The first line of a block has lost its place in its line.
            let column = span.start - before.rfind('\n').map_or(0, |newline| newline + 1);
            let is_flow = written.starts_with('{');
            list.items.push(if is_flow { written.into() } else { (" ".repeat(column) + written).into() });
            list.around.push_str(text.get(at..span.start)?);
            list.around.push_str(&number.to_string());
            at = span.end;
        }
        list.around.push_str(text.get(at..)?);
        (!list.items.is_empty()).then_some(list)
    }
}

fn is_item_removal(edit: &Edit) -> bool {
    matches!(edit, Edit::Remove { path, .. } if matches!(path.steps().last(), Some(Step::Index(_))))
}

/// The data of a document with merge keys (`<<`) carried out, because that is what paths lead through.
fn read(text: &str) -> Result<Data, serde_yaml::Error> {
    let mut data: Data = serde_yaml::from_str(text)?;
    if text.contains('!') {
        data = untagged(data);
    }
    if text.contains("<<") {
        data.apply_merge()?;
    }
    Ok(data)
}

/// The data without tags that are none of YAML's own: to `kubectl` they say nothing, and paths lead through what
/// they stand at.
fn untagged(data: Data) -> Data {
    match data {
        Data::Tagged(tagged) => untagged(tagged.value),
        Data::Sequence(items) => Data::Sequence(items.into_iter().map(untagged).collect()),
        Data::Mapping(entries) => {
            Data::Mapping(entries.into_iter().map(|(key, value)| (untagged(key), untagged(value))).collect())
        }
        scalar => scalar,
    }
}

/// The edit on data; `None` when its path leads through something else than it expects. `after` tells whether an
/// entry that was to go had to stay, with its neutral value, because of a comment.
fn edit_data(root: &mut Data, edit: &Edit, depth: usize, after: &Data) -> Option<()> {
    let steps = edit.path().steps().get(depth..)?;
    let (last, above) = steps.split_last()?;
    let mut at = root;
    for step in above {
        at = child(at, step)?;
    }
    match edit {
        Edit::Set { value, .. } => *child(at, last)? = data(value),
        Edit::Append { value, .. } => {
            let items = child(at, last)?;
            if items.is_null() {
                *items = Data::Sequence(Vec::new());
            }
            items.as_sequence_mut()?.push(data(value));
        }
        Edit::Remove { neutral: Some(neutral), .. } if lookup(after, steps) == Some(&data(neutral)) => {
            *child(at, last)? = data(neutral);
        }
        Edit::Remove { .. } => match last {
            Step::Key(key) => {
                at.as_mapping_mut()?.shift_remove(key.as_ref())?;
            }
            Step::Index(index) => {
                let items = at.as_sequence_mut()?;
                (*index < items.len()).then(|| items.remove(*index))?;
            }
        },
    }
    Some(())
}

/// The value one step down; a missing key becomes a null, and a null a mapping.
fn child<'d>(at: &'d mut Data, step: &Step) -> Option<&'d mut Data> {
    match step {
        Step::Key(key) => {
            if at.is_null() {
                *at = Data::Mapping(serde_yaml::Mapping::new());
            }
            Some(at.as_mapping_mut()?.entry(Data::String(key.clone().into_owned())).or_insert(Data::Null))
        }
        Step::Index(index) => at.as_sequence_mut()?.get_mut(*index),
    }
}

fn lookup<'d>(root: &'d Data, steps: &[Step]) -> Option<&'d Data> {
    steps.iter().try_fold(root, |at, step| match step {
        Step::Key(key) => at.as_mapping()?.get(key.as_ref()),
        Step::Index(index) => at.as_sequence()?.get(*index),
    })
}

fn data(value: &Value) -> Data {
    match value {
        Value::Null => Data::Null,
        Value::Bool(value) => Data::Bool(*value),
        Value::Integer(value) => Data::Number((*value).into()),
        Value::String(text) => Data::String(text.clone()),
        Value::Sequence(items) => Data::Sequence(items.iter().map(data).collect()),
        Value::Mapping(entries) => Data::Mapping(
            entries.iter().map(|(key, value)| (Data::String(key.clone()), data(value))).collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use rewriter::Path;

    use super::*;

    #[test]
    fn only_the_declared_change_passes() {
        let edits = [Edit::set(Path::root().keys(["a", "b"]), 2)];
        assert!(check("a: {b: 1}\n", "a: {b: 2}\n", &edits).is_ok());
        assert!(check("a:\n", "a: {b: 2}\n", &edits).is_ok());
        for after in ["a: {b: 1}\n", "a: {b: 2, c: 3}\n", "a: {b: '2'}\n", "a: {b: 2}\nc: 1\n"] {
            assert!(matches!(check("a: {b: 1}\n", after, &edits), Err(RereadError::Different)), "{after}");
        }
        assert!(matches!(check("a: {b: 1}\n", "a: {b: 2\n", &edits), Err(RereadError::After(_))));
    }

    #[test]
    fn merge_keys_are_carried_out() {
        let before = "a: &x {u: 1}\nb: {<<: *x, g: 1}\n";
        let after = "a: &x {u: 1, k: 1}\nb: {<<: *x, g: 1, k: 1}\n";
        let edit = |key| Edit::set(Path::root().keys([key, "k"]), 1);
        assert!(check(before, after, &[edit("a"), edit("b")]).is_ok());
        assert!(check(before, after, &[edit("a")]).is_err());
    }

    #[test]
    fn removals_and_additions_are_followed() {
        let edits =
            [Edit::remove(Path::root().key("x"), None), Edit::append(Path::root().key("list"), "ALL")];
        assert!(check("x: 1\nlist: [a]\n", "list: [a, ALL]\n", &edits).is_ok());
        assert!(check("x: 1\nlist: [a]\n", "list: [ALL, a]\n", &edits).is_err());
    }

    #[test]
    fn tags_are_looked_through() {
        let edits = [Edit::set(Path::root().keys(["spec", "k"]), 1)];
        assert!(check("! spec: !x\n  a: !y b\n", "! spec: !x\n  a: !y b\n  k: 1\n", &edits).is_ok());
        assert!(check("! spec: !x\n  a: !y b\n", "! spec: !x\n  a: !y c\n  k: 1\n", &edits).is_err());
    }

    #[test]
    fn several_items_of_a_list_go() {
        let list = || Path::root().key("list");
        let remove = |index| Edit::remove(list().index(index), None);
        let edits =
            [remove(0), Edit::set(list().index(3), "D"), remove(1), Edit::append(list(), "e"), remove(10)];
        let before = "list: [a, b, c, d, 4, 5, 6, 7, 8, 9, 10]\n";
        assert!(check(before, "list: [c, D, 4, 5, 6, 7, 8, 9, e]\n", &edits).is_ok());
        assert!(check(before, "list: [b, D, 4, 5, 6, 7, 8, 9, e]\n", &edits).is_err());
        let nested = [remove(0), Edit::remove(list().index(0).index(0), None)];
        assert!(check("list: [[a], b]\n", "list: [b]\n", &nested).is_ok());
    }

    /// A list of mappings in block style or as JSON, long enough to be read item by item.
    fn list(is_json: bool, last: &str) -> String {
        let count = LARGE / 20;
        let items = (0..count).map(|number| format!("- name: n{number}\n  a: {{b: 1}}\n"));
        let text = format!("kind: List\nitems:\n{}- {last}\n# end\n", items.collect::<String>());
        if is_json {
            let items: Vec<String> = (0..count)
                .map(|number| format!("{{\"name\": \"n{number}\",\n\"a\": {{\"b\": 1}}}}"))
                .collect();
            return format!("{{\"kind\": \"List\", \"items\": [{}, {last}]}}", items.join(", "));
        }
        text
    }

    fn check_list(before: &str, after: &str, edits: &[Edit]) -> Option<Result<(), RereadError>> {
        let (old, new) = (Stream::scan(before).unwrap(), Stream::scan(after).unwrap());
        let edits: Vec<&Edit> = edits.iter().collect();
        let checked = check_items(old.document(0).unwrap(), new.document(0).unwrap(), &edits);
        let whole = check_document(old.document(0).unwrap(), after, &edits);
        assert!(checked.as_ref().is_none_or(|checked| checked.is_ok() == whole.is_ok()));
        checked
    }

    #[test]
    fn long_lists_are_read_item_by_item() {
        for is_json in [false, true] {
            let before = list(is_json, "{c: 1}");
            let item = |index: usize| Path::root().key(ITEMS).index(index);
            let edits = [Edit::set(item(1).keys(["a", "b"]), 2), Edit::set(item(LARGE / 20).key("d"), 1)];
            let after = |text: &str| {
                let second = text.find("n1\"").or_else(|| text.find("n1\n")).unwrap();
                let (head, rest) = text.split_at(second);
                (head.to_owned() + &rest.replacen(": 1", ": 2", 1)).replace("{c: 1}", "{c: 1, d: 1}")
            };
            let after = after(&before);
            assert!(matches!(check_list(&before, &after, &edits), Some(Ok(()))));
            for wrong in [
                after.replace("{c: 1,", "{c: 2,"),
                after.replace("n7\"", "m7\"").replace("n7\n", "m7\n"),
                after.replace("List", "Set"),
                before.clone(),
            ] {
                assert!(matches!(check_list(&before, &wrong, &edits), Some(Err(_))), "{is_json}");
            }
            let around = [Edit::set(Path::root().key("kind"), "Set")];
            assert!(check_list(&before, &before.replace("List", "Set"), &around).is_none());
        }
        // What an item shares with another one is not to be seen in its own text.
        let shared = format!("base: &a 1\n{}", list(false, "{c: *a}"));
        let edits = [Edit::set(Path::root().key(ITEMS).index(0).key("d"), 1)];
        let after = shared.replacen("a: {b: 1}", "a: {b: 1}\n  d: 1", 1);
        assert!(check_list(&shared, &after, &edits).is_none());
        assert!(check(&shared, &after, &edits).is_ok());
    }
}
