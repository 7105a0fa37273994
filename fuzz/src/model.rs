//! What an edit means, done by the book on the data that the independent reader reads.

use rewriter::{Edit, Path, Step, Value};
use serde_yaml::{Mapping, Value as Data};

/// The data of a document, merge keys carried out; why not, where it is none to the reader.
pub(crate) fn read(text: &str) -> Result<Data, String> {
    let mut data: Data = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    data.apply_merge().map_err(|error| error.to_string())?;
    Ok(untagged(data))
}

/// The data without tags, which say nothing to `kubectl`.
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

/// A fragment as data.
pub(crate) fn data(value: &Value) -> Data {
    match value {
        Value::Null => Data::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::String(text) => text.clone().into(),
        Value::Sequence(items) => Data::Sequence(items.iter().map(data).collect()),
        Value::Mapping(entries) => {
            Data::Mapping(entries.iter().map(|(key, value)| (key.clone().into(), data(value))).collect())
        }
    }
}

/// `before` with `edits`; `after` tells where an entry that was to go got its neutral value instead. `None` where
/// an edit names a place that cannot be.
pub(crate) fn edited(before: &Data, edits: &[&Edit], after: &Data) -> Option<Data> {
    let mut root = before.clone();
    let is_item = |edit: &Edit| matches!(edit, Edit::Remove { path, .. } if matches!(path.steps().last(), Some(Step::Index(_))));
    // Paths count in the lists as they were.
    let (mut items, others): (Vec<&Edit>, Vec<&Edit>) = edits.iter().partition(|edit| is_item(edit));
    items.sort_by(|one, other| other.path().cmp(one.path()));
    for edit in others.into_iter().chain(items) {
        edit_one(&mut root, edit, after)?;
    }
    Some(root)
}

fn edit_one(root: &mut Data, edit: &Edit, after: &Data) -> Option<()> {
    let (above, last) = edit.path().split_last()?;
    let mut at = root;
    for step in above.steps() {
        at = down(at, step)?;
    }
    match edit {
        Edit::Set { value, .. } => *down(at, last)? = data(value),
        Edit::Append { value, .. } => {
            let items = down(at, last)?;
            if items.is_null() {
                *items = Data::Sequence(Vec::new());
            }
            items.as_sequence_mut()?.push(data(value));
        }
        Edit::Remove { path, neutral: Some(neutral) } if at_path(after, path) == Some(&data(neutral)) => {
            *down(at, last)? = data(neutral);
        }
        Edit::Remove { .. } => match last {
            Step::Key(key) => drop(at.as_mapping_mut()?.shift_remove(key.as_ref())?),
            Step::Index(index) => {
                let items = at.as_sequence_mut()?;
                if *index >= items.len() {
                    return None;
                }
                items.remove(*index);
            }
        },
    }
    Some(())
}

fn down<'d>(at: &'d mut Data, step: &Step) -> Option<&'d mut Data> {
    match step {
        Step::Key(key) => {
            if at.is_null() {
                *at = Data::Mapping(Mapping::new());
            }
            Some(at.as_mapping_mut()?.entry(Data::String(key.clone().into_owned())).or_insert(Data::Null))
        }
        Step::Index(index) => at.as_sequence_mut()?.get_mut(*index),
    }
}

/// The value at a path.
pub(crate) fn at_path<'d>(root: &'d Data, path: &Path) -> Option<&'d Data> {
    path.steps().iter().try_fold(root, |at, step| match step {
        Step::Key(key) => at.as_mapping()?.get(key.as_ref()),
        Step::Index(index) => at.as_sequence()?.get(*index),
    })
}

/// Whether a text gives one anchor twice: the independent reader may then take another node for an alias's.
pub(crate) fn has_anchor_twice(text: &str) -> bool {
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, ',' | '[' | ']' | '{' | '}' | ':');
    let mut names: Vec<&str> =
        text.split('&').skip(1).map(|rest| rest.split(is_end).next().unwrap_or_default()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether a value is `y` or the like: text to the independent reader, a truth value to `kubectl`'s, so that an edit
/// to that value changes nothing.
pub(crate) fn has_truth_of_yaml_1_1(data: &Data) -> bool {
    match data {
        Data::String(text) => {
            ["y", "n", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str())
        }
        Data::Sequence(items) => items.iter().any(has_truth_of_yaml_1_1),
        Data::Mapping(entries) => entries.values().any(has_truth_of_yaml_1_1),
        _ => false,
    }
}
