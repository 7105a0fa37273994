//! Data paths: where a value stands in a document, whatever the text looks like.

use std::borrow::Cow;
use std::fmt;

/// One step of a [`Path`].
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The value of this key of a mapping.
    Key(Cow<'static, str>),
    /// The item with this number, counted from zero, of a sequence.
    Index(usize),
}

impl Clone for Step {
    // As derived, but inlined: a sixth of a run was the copying of steps, nearly all of them keys that are borrowed.
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Key(Cow::Borrowed(key)) => Self::Key(Cow::Borrowed(key)),
            Self::Key(Cow::Owned(key)) => Self::Key(Cow::Owned(key.clone())),
            Self::Index(index) => Self::Index(*index),
        }
    }
}

/// A data path from the root of a document, such as `menu.dishes[0].name`.
///
/// Paths are logical: they read through aliases as a YAML loader does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

impl Path {
    /// The root of the document.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// This path, one mapping key further.
    #[must_use]
    pub fn key(&self, key: impl Into<Cow<'static, str>>) -> Self {
        self.with(Step::Key(key.into()))
    }

    /// This path, one sequence item further.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// This path followed by mapping keys, the usual way down.
    #[must_use]
    pub fn keys<const N: usize>(&self, keys: [&'static str; N]) -> Self {
        self.extended(keys.map(|key| Step::Key(Cow::Borrowed(key))))
    }

    /// This path followed by mapping keys, however many.
    #[must_use]
    pub fn below(&self, keys: &[&'static str]) -> Self {
        let mut path = Vec::with_capacity(self.0.len() + keys.len());
        path.extend_from_slice(&self.0);
        path.extend(keys.iter().map(|key| Step::Key(Cow::Borrowed(*key))));
        Self(path)
    }

    /// This path, one step further.
    #[must_use]
    pub fn with(&self, step: Step) -> Self {
        self.extended([step])
    }

    /// This path followed by `steps`, in one allocation of the right size: a plan holds thousands of them.
    fn extended<const N: usize>(&self, steps: [Step; N]) -> Self {
        let mut path = Vec::with_capacity(self.0.len() + N);
        path.extend_from_slice(&self.0);
        path.extend(steps);
        Self(path)
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path one step up and the last step; `None` at the root.
    pub fn split_last(&self) -> Option<(Self, &Step)> {
        let (last, parent) = self.0.split_last()?;
        Some((Self(parent.to_vec()), last))
    }

    /// Whether this path is `prefix` or lies below it.
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

/// Keys are joined by dots, items stand in brackets; a key that is not a plain word is quoted in brackets.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_word(key) => {
                    let dot = if depth == 0 { "" } else { "." };
                    write!(f, "{dot}{key}")?;
                }
                Step::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_as_people_write_it() {
        let path = Path::root().keys(["menu", "dishes"]).index(2).key("name");
        assert_eq!(path.to_string(), "menu.dishes[2].name");
        let path = Path::root().keys(["metadata", "annotations"]).key("example.com/a b");
        assert_eq!(path.to_string(), r#"metadata.annotations["example.com/a b"]"#);
    }
}
