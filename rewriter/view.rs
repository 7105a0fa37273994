//! The read view over a document as it will be: its nodes, with edits already made, and no text written.

use std::borrow::Cow;

use crate::change::{Change, Op};
use crate::error::Blocked;
use crate::{Edit, Kind, Node, Path, Step, Value};

/// Edits of one document as a tree, through which [`View`]s read.
#[derive(Debug, Default)]
pub struct Preview<'e> {
    change: Change<'e>,
}

impl<'e> Preview<'e> {
    /// The tree of `edits`. Whether the text has room for them is for [`crate::place`] to say.
    ///
    /// # Errors
    ///
    /// When two of them contradict each other.
    pub fn new(edits: impl IntoIterator<Item = &'e Edit>) -> Result<Self, Blocked> {
        let mut change = Change::default();
        for (id, edit) in edits.into_iter().enumerate() {
            change.insert(edit.path(), edit, id)?;
        }
        Ok(Self { change })
    }

    /// `node`, which stands at `path` of the document, as it will read; `None` when it, or what it stands in,
    /// is replaced or taken out.
    pub fn view<'v>(&'v self, node: Node<'v>, path: &Path) -> Option<View<'v>> {
        let mut change = Some(&self.change);
        for step in path.steps() {
            change = change.and_then(|change| change.children.get(step));
            if change.is_some_and(|change| change.op.is_some()) {
                return None;
            }
        }
        Some(View::written(node, change))
    }
}

/// A value of a document with edits made: cheap to copy, borrows the document and the edits.
///
/// Without edits it reads as [`Node`] does, but for merge keys, which [`View::entries`] reads through too.
/// What an edit takes out is absent, whether or not its neutral value will stand there.
#[derive(Clone, Copy, Debug)]
pub struct View<'v>(Source<'v>);

#[derive(Clone, Copy, Debug)]
enum Source<'v> {
    /// It is written, and something below it may change.
    Written(Node<'v>, Option<&'v Change<'v>>),
    /// An edit puts it there.
    New(&'v Value),
    /// Nothing or null is written; edits below it make it.
    Grown(&'v Change<'v>),
}

impl<'v> From<Node<'v>> for View<'v> {
    /// The node as it is.
    fn from(node: Node<'v>) -> Self {
        Self(Source::Written(node, None))
    }
}

impl<'v> View<'v> {
    fn written(node: Node<'v>, change: Option<&'v Change<'v>>) -> Self {
        match change.filter(|change| change.reaches_below()) {
            Some(change) if node.is_null() => Self(Source::Grown(change)),
            change => Self(Source::Written(node, change)),
        }
    }

    /// What `change` makes of `node`; `None` when nothing stands there.
    fn changed(node: Option<Node<'v>>, change: Option<&'v Change<'v>>) -> Option<Self> {
        match (node, change) {
            (_, Some(Change { op: Some(Op::Set(value)), .. })) => Some(Self(Source::New(value))),
            (_, Some(Change { op: Some(Op::Remove { .. }), .. })) | (None, None) => None,
            (Some(node), change) => Some(Self::written(node, change)),
            (None, Some(change)) => grows(change).then_some(Self(Source::Grown(change))),
        }
    }

    /// Mapping, sequence or scalar.
    pub fn kind(&self) -> Kind {
        match self.0 {
            Source::Written(node, _) => node.kind(),
            Source::New(Value::Mapping(_)) => Kind::Mapping,
            Source::New(Value::Sequence(_)) => Kind::Sequence,
            Source::Grown(change) if change.appended().len() > 0 => Kind::Sequence,
            Source::Grown(change) if grows(change) => Kind::Mapping,
            Source::New(_) | Source::Grown(_) => Kind::Scalar,
        }
    }

    /// Whether it is a mapping.
    pub fn is_mapping(&self) -> bool {
        self.kind() == Kind::Mapping
    }

    /// Whether it is a sequence.
    pub fn is_sequence(&self) -> bool {
        self.kind() == Kind::Sequence
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        match self.0 {
            Source::Written(node, _) => node.is_null(),
            Source::New(value) => *value == Value::Null,
            Source::Grown(_) => self.kind() == Kind::Scalar,
        }
    }

    /// The value of `key`, if this is a mapping that has it and it is not null; a merge key (`<<`) counts.
    pub fn get(&self, key: &str) -> Option<Self> {
        self.entry(key).filter(|value| !value.is_null())
    }

    /// The value of `key`, null or not.
    pub fn entry(&self, key: &str) -> Option<Self> {
        match self.0 {
            Source::Written(node, None) => node.entry(key).map(Self::from),
            Source::Written(node, Some(change)) => Self::changed(node.entry(key), child(change, key)),
            Source::New(Value::Mapping(entries)) => {
                entries.iter().find(|(name, _)| name == key).map(|(_, value)| Self(Source::New(value)))
            }
            Source::New(_) => None,
            Source::Grown(change) => Self::changed(None, child(change, key)),
        }
    }

    /// Key and value of each entry of a mapping, those that merge keys bring and that edits add at the end;
    /// nothing for other values.
    pub fn entries(&self) -> impl Iterator<Item = (Cow<'v, str>, Self)> + use<'v> {
        let (node, change, new) = match self.0 {
            Source::Written(node, change) => (Some(node), change, None),
            Source::New(Value::Mapping(entries)) => (None, None, Some(entries)),
            Source::New(_) => (None, None, None),
            Source::Grown(change) => (None, Some(change), None),
        };
        let written = node.into_iter().flat_map(|node| node.every_entry());
        let kept = written.filter_map(move |(key, value)| {
            let change = change.and_then(|change| child(change, &key));
            Some((key, Self::changed(Some(value), change)?))
        });
        let children = change.into_iter().flat_map(|change| &change.children);
        let added = children.filter_map(move |(step, change)| match step {
            Step::Key(key) if node.is_none_or(|node| node.is_mapping() && node.entry(key).is_none()) => {
                Some((Cow::Borrowed(&**key), Self::changed(None, Some(change))?))
            }
            _ => None,
        });
        let new = new.into_iter().flatten();
        let new = new.map(|(key, value)| (Cow::Borrowed(key.as_str()), Self(Source::New(value))));
        kept.chain(added).chain(new)
    }

    /// The items of a sequence, without those that are taken out and with those that are added at the end;
    /// nothing for other values.
    pub fn items(&self) -> impl Iterator<Item = Self> + use<'v> {
        self.numbered_items().map(|(_, item)| item)
    }

    /// As [`View::items`], each with the number by which paths into the document as it is written know it.
    /// Items that are added count on from the last one.
    pub fn numbered_items(&self) -> impl Iterator<Item = (usize, Self)> + use<'v> {
        let (node, change, new) = match self.0 {
            Source::Written(node, change) => (Some(node), change, None),
            Source::New(Value::Sequence(items)) => (None, None, Some(items)),
            Source::New(_) => (None, None, None),
            Source::Grown(change) => (None, Some(change), None),
        };
        let change = change.filter(|_| node.is_none_or(|node| node.is_sequence()));
        let written = node.into_iter().flat_map(|node| node.items()).map(Item::Written);
        let added = change.into_iter().flat_map(Change::appended).chain(new.into_iter().flatten());
        let below = change.map(|change| &change.children).filter(|children| !children.is_empty());
        written.chain(added.map(Item::New)).enumerate().filter_map(move |(number, item)| {
            let item = match item {
                Item::Written(item) => {
                    Self::changed(Some(item), below.and_then(|below| below.get(&Step::Index(number))))?
                }
                Item::New(value) => Self(Source::New(value)),
            };
            Some((number, item))
        })
    }

    /// A scalar as text, if it is of that type.
    pub fn as_str(&self) -> Option<Cow<'v, str>> {
        match self.0 {
            Source::Written(node, _) => node.as_str(),
            Source::New(Value::String(text)) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    /// A scalar as a truth value, if it is of that type.
    pub fn as_bool(&self) -> Option<bool> {
        match self.0 {
            Source::Written(node, _) => node.as_bool(),
            Source::New(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// A scalar as a whole number, if it is of that type.
    pub fn as_integer(&self) -> Option<i64> {
        match self.0 {
            Source::Written(node, _) => node.as_integer(),
            Source::New(Value::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    /// The text of a scalar, whatever its type; empty for a collection.
    pub fn text(&self) -> Cow<'v, str> {
        match self.0 {
            Source::Written(node, _) => node.text(),
            Source::New(Value::String(text)) => Cow::Borrowed(text),
            Source::New(Value::Integer(value)) => Cow::Owned(value.to_string()),
            Source::New(Value::Bool(value)) => Cow::Borrowed(if *value { "true" } else { "false" }),
            _ => Cow::Borrowed(""),
        }
    }

    /// Whether it is a scalar with this text.
    pub fn is_text(&self, text: &str) -> bool {
        match self.0 {
            Source::Written(node, _) => node.is_text(text),
            _ => self.kind() == Kind::Scalar && self.text() == text,
        }
    }
}

/// An item of a sequence, from the text or from an edit.
enum Item<'v> {
    Written(Node<'v>),
    New(&'v Value),
}

/// What is asked of the value of `key`. Few keys of one mapping change, so that they are looked at in turn.
fn child<'v>(change: &'v Change<'v>, key: &str) -> Option<&'v Change<'v>> {
    let mut children = change.children.iter();
    children.find(|(step, _)| matches!(step, Step::Key(name) if name == key)).map(|(_, child)| child)
}

/// Whether edits make a value where there is none.
fn grows(change: &Change<'_>) -> bool {
    match change.op {
        Some(op) => matches!(op, Op::Set(_)),
        None => change.appended().len() > 0 || change.children.values().any(grows),
    }
}

#[cfg(test)]
mod tests;
