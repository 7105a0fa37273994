//! The tables of this folder, as the build script leaves them.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;

/// Reads the table `NAME.yaml`.
macro_rules! table {
    ($name:literal) => {
        $crate::table::read(include_str!(concat!(env!("OUT_DIR"), "/", $name, ".json")))
    };
}

/// The rows of the table `NAME.yaml`, as [`Rows`].
macro_rules! rows {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"))
    };
}

pub(crate) use {rows, table};

/// What [`table`] comes to.
#[expect(
    clippy::expect_used,
    reason = "the data is compiled in and read by a test, so this cannot fail in a tested build"
)]
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).expect("the table is well-formed")
}

/// The rows of a long table. Each is read when it is asked for: a run needs few, and to read them all takes longer
/// than to look at a file.
#[derive(Debug)]
pub(crate) struct Rows<T: 'static> {
    texts: &'static [&'static str],
    /// The rows of each name, by name.
    by_name: &'static [(&'static str, &'static [usize])],
    known: OnceLock<Box<[OnceLock<T>]>>,
}

impl<T: DeserializeOwned> Rows<T> {
    /// The rows with these texts. `by_name` is in order.
    pub(crate) const fn new(
        texts: &'static [&'static str],
        by_name: &'static [(&'static str, &'static [usize])],
    ) -> Self {
        Self { texts, by_name, known: OnceLock::new() }
    }

    /// Every row, in the order of the table.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.numbered(0..self.texts.len())
    }

    /// The rows of `name`, in the order of the table.
    pub(crate) fn of(&self, name: &str) -> impl Iterator<Item = &T> {
        let found = self.by_name.binary_search_by(|(other, _)| (*other).cmp(name));
        let rows = found.ok().and_then(|at| self.by_name.get(at)).map_or(&[][..], |(_, rows)| *rows);
        self.numbered(rows.iter().copied())
    }

    fn numbered(&self, rows: impl Iterator<Item = usize>) -> impl Iterator<Item = &T> {
        let known = self.known.get_or_init(|| self.texts.iter().map(|_| OnceLock::new()).collect());
        rows.filter_map(|row| Some((known.get(row)?, self.texts.get(row)?)))
            .map(|(row, text)| row.get_or_init(|| read(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_name_and_in_order() {
        let rows: Rows<u8> = Rows::new(&["1", "2", "3"], &[("a", &[0, 2]), ("b", &[1])]);
        let of = |name| rows.of(name).copied().collect::<Vec<_>>();
        assert_eq!((of("a"), of("b"), of("c")), (vec![1, 3], vec![2], Vec::new()));
        assert_eq!(rows.all().collect::<Vec<_>>(), [&1, &2, &3]);
    }
}
