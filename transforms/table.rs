//! The tables of this folder, as the build script leaves them.

/// Reads the table `NAME.yaml`.
macro_rules! table {
    ($name:literal) => {
        $crate::table::read(include_str!(concat!(env!("OUT_DIR"), "/", $name, ".json")))
    };
}

pub(crate) use table;

/// What [`table`] comes to.
#[expect(
    clippy::expect_used,
    reason = "the data is compiled in and read by a test, so this cannot fail in a tested build"
)]
pub(crate) fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).expect("the table is well-formed")
}
