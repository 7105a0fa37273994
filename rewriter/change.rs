//! The edits of one document as a tree over its data, so that edits that share a place are placed once.

use foldhash::HashMap;
use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::error::Blocked;
use crate::{Edit, Path, Step, Value};

/// What is asked of the value at one path, and below it.
#[derive(Debug, Default)]
pub(crate) struct Change<'e> {
    pub(crate) op: Option<Op<'e>>,
    /// Items to add at the end.
    appended: Vec<&'e Value>,
    /// The path at which each of them was asked for first.
    asked_at: HashMap<&'e Value, &'e Path>,
    pub(crate) children: IndexMap<Step, Self, RandomState>,
    /// The edits that end here, by number.
    pub(crate) edits: Vec<usize>,
}

/// What is asked of a value as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op<'e> {
    Set(&'e Value),
    Remove { neutral: Option<&'e Value> },
}

impl<'e> Change<'e> {
    /// Adds `edit`, which has the number `id` and works at `place`: its own path, or the one that an alias
    /// stands for.
    pub(crate) fn insert(&mut self, place: &Path, edit: &'e Edit, id: usize) -> Result<(), Blocked> {
        let mut change = self;
        for step in place.steps() {
            if change.op.is_some() || !change.appended.is_empty() && matches!(step, Step::Key(_)) {
                return Err(Blocked::Conflict);
            }
            change = change.children.entry(step.clone()).or_default();
        }
        change.take(edit)?;
        change.edits.push(id);
        Ok(())
    }

    fn take(&mut self, edit: &'e Edit) -> Result<(), Blocked> {
        let op = match edit {
            Edit::Append { value, path } => {
                if self.op.is_some() || self.children.keys().any(|step| matches!(step, Step::Key(_))) {
                    return Err(Blocked::Conflict);
                }
                // The same item for two paths that lead to one list through an alias is added once.
                if *self.asked_at.entry(value).or_insert(path) == path {
                    self.appended.push(value);
                }
                return Ok(());
            }
            Edit::Set { value, .. } => Op::Set(value),
            Edit::Remove { neutral, .. } => Op::Remove { neutral: neutral.as_ref() },
        };
        let agrees = self.op.is_none_or(|there| there == op);
        if !agrees || !self.children.is_empty() || !self.appended.is_empty() {
            return Err(Blocked::Conflict);
        }
        self.op = Some(op);
        Ok(())
    }

    /// The items to add at the end of a sequence.
    pub(crate) fn appended(&self) -> impl ExactSizeIterator<Item = &'e Value> {
        self.appended.iter().copied()
    }

    /// Whether something is asked below the value, or of its items.
    pub(crate) fn reaches_below(&self) -> bool {
        !self.children.is_empty() || !self.appended.is_empty()
    }

    /// The numbers of all edits here and below.
    pub(crate) fn all_edits(&self, into: &mut Vec<usize>) {
        into.extend(&self.edits);
        for child in self.children.values() {
            child.all_edits(into);
        }
    }

    /// The value that comes to stand where there is none yet; `None` when nothing is to be written.
    pub(crate) fn new_value(&self) -> Result<Option<Value>, Blocked> {
        match self.op {
            Some(Op::Set(value)) => return Ok(Some(value.clone())),
            Some(Op::Remove { .. }) => return Err(Blocked::Missing),
            None => {}
        }
        if !self.appended.is_empty() {
            if !self.children.is_empty() {
                return Err(Blocked::Missing);
            }
            return Ok(Some(Value::Sequence(self.appended().cloned().collect())));
        }
        let mut entries = Vec::with_capacity(self.children.len());
        for (step, child) in &self.children {
            let Step::Key(key) = step else { return Err(Blocked::Missing) };
            if let Some(value) = child.new_value()? {
                entries.push((key.clone().into_owned(), value));
            }
        }
        Ok((!entries.is_empty()).then_some(Value::Mapping(entries)))
    }
}
