//! The independent proof: a document read before and after by another reader of YAML differs exactly by the
//! edits that were declared.

use rewriter::{Edit, Path, Step, Value};
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

/// Compares `before`, edited as data, with `after`.
pub fn check<'e>(
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
        edit_data(&mut edited, edit, &after).ok_or(RereadError::Different)?;
    }
    if edited == after { Ok(()) } else { Err(RereadError::Different) }
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
fn edit_data(root: &mut Data, edit: &Edit, after: &Data) -> Option<()> {
    let (above, last) = edit.path().split_last()?;
    let mut at = root;
    for step in above.steps() {
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
        Edit::Remove { path, neutral: Some(neutral) } if lookup(after, path) == Some(&data(neutral)) => {
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

fn lookup<'d>(root: &'d Data, path: &Path) -> Option<&'d Data> {
    path.steps().iter().try_fold(root, |at, step| match step {
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
}
