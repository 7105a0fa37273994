//! Edits as values: what is to change, as data. [`crate::apply`] turns them into text.

use crate::{Path, Value};

/// One declared change of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Makes `path` hold `value`: replaces what is there, or adds it, with the mappings above it where they
    /// are missing. A new key comes last in its mapping.
    Set {
        /// Where.
        path: Path,
        /// What.
        value: Value,
    },
    /// Adds `value` as the last item of the sequence at `path`, which is made where it is missing or null.
    Append {
        /// The sequence.
        path: Path,
        /// The new item.
        value: Value,
    },
    /// Takes the entry at `path` out. Where that would take a comment along, `neutral` is set in its place;
    /// without a neutral value such an edit is blocked.
    Remove {
        /// The entry of a mapping, or the item of a sequence.
        path: Path,
        /// What means the same as absence.
        neutral: Option<Value>,
    },
}

impl Edit {
    /// An [`Edit::Set`].
    pub fn set(path: Path, value: impl Into<Value>) -> Self {
        Self::Set { path, value: value.into() }
    }

    /// An [`Edit::Append`].
    pub fn append(path: Path, value: impl Into<Value>) -> Self {
        Self::Append { path, value: value.into() }
    }

    /// An [`Edit::Remove`].
    pub fn remove(path: Path, neutral: Option<Value>) -> Self {
        Self::Remove { path, neutral }
    }

    /// One [`Edit::Set`] for each value that is no mapping inside `value`, so that what stands beside them
    /// in the document stays.
    pub fn merge(path: &Path, value: Value) -> Vec<Self> {
        let mut edits = Vec::new();
        flatten(path.clone(), value, &mut edits);
        edits
    }

    /// The data path that this edit declares.
    pub fn path(&self) -> &Path {
        match self {
            Self::Set { path, .. } | Self::Append { path, .. } | Self::Remove { path, .. } => path,
        }
    }
}

fn flatten(path: Path, value: Value, edits: &mut Vec<Edit>) {
    match value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                flatten(path.key(key), value, edits);
            }
        }
        value => edits.push(Edit::Set { path, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_declares_the_leaves_alone() {
        let value = Value::Mapping(vec![
            ("runAsUser".into(), 1000.into()),
            ("capabilities".into(), Value::Mapping(vec![("drop".into(), vec![Value::from("ALL")].into())])),
        ]);
        let paths: Vec<String> = Edit::merge(&Path::root().key("securityContext"), value)
            .iter()
            .map(|edit| edit.path().to_string())
            .collect();
        assert_eq!(paths, ["securityContext.runAsUser", "securityContext.capabilities.drop"]);
    }
}
