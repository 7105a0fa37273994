//! Facts by namespace, and how those of many documents become one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::Object;

/// Facts that can be put together, in any order.
pub(super) trait Absorb {
    /// Adds what `other` knows.
    fn absorb(&mut self, other: Self);
}

impl<K: Ord, V: Absorb> Absorb for BTreeMap<K, V> {
    fn absorb(&mut self, other: Self) {
        use std::collections::btree_map::Entry;

        for (key, value) in other {
            match self.entry(key) {
                Entry::Occupied(mut entry) => entry.get_mut().absorb(value),
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
            }
        }
    }
}

impl<T: Ord> Absorb for BTreeSet<T> {
    fn absorb(&mut self, other: Self) {
        self.extend(other);
    }
}

/// Of two, one.
impl<T: Absorb> Absorb for Option<T> {
    fn absorb(&mut self, other: Self) {
        match (&mut *self, other) {
            (Some(own), Some(other)) => own.absorb(other),
            (None, other) => *self = other,
            (Some(_), None) => {}
        }
    }
}

/// The object that tells something, in words. Of several the first by name is kept, so that their order
/// changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Witness(String);

impl Witness {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let name = object.name().unwrap_or_default();
        Self(match object.namespace() {
            Some(namespace) => format!("{} `{namespace}/{name}`", object.kind),
            None => format!("{} `{name}`", object.kind),
        })
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Absorb for Witness {
    fn absorb(&mut self, other: Self) {
        if other < *self {
            *self = other;
        }
    }
}

/// Facts by the namespace that an object names, if it names one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scoped<T> {
    named: BTreeMap<String, T>,
    unnamed: T,
    /// Those of all namespaces once more, for pods that name none.
    all: T,
}

impl<T: Default + Clone + Absorb> Scoped<T> {
    pub(super) fn add(&mut self, namespace: Option<&str>, facts: T) {
        self.all.absorb(facts.clone());
        match namespace {
            Some(namespace) => self.named.entry(namespace.to_owned()).or_default().absorb(facts),
            None => self.unnamed.absorb(facts),
        }
    }

    /// What is known of the namespace that a pod names; for one that names none, of objects that name none
    /// either.
    pub(super) fn same(&self, namespace: Option<&str>) -> Option<&T> {
        match namespace {
            Some(namespace) => self.named.get(namespace),
            None => Some(&self.unnamed),
        }
    }

    /// What may hold for a pod: where either side names no namespace, it may be the other's.
    pub(super) fn possible(&self, namespace: Option<&str>) -> impl Iterator<Item = &T> {
        match namespace {
            Some(namespace) => [self.named.get(namespace), Some(&self.unnamed)],
            None => [Some(&self.all), None],
        }
        .into_iter()
        .flatten()
    }
}

impl<T: Default + Absorb> Absorb for Scoped<T> {
    fn absorb(&mut self, other: Self) {
        self.named.absorb(other.named);
        self.unnamed.absorb(other.unnamed);
        self.all.absorb(other.all);
    }
}
