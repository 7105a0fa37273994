//! What the other documents of a run tell about a pod: who reaches it, what its account may do, what limits
//! its namespace sets.

use rewriter::Document;

/// What the documents of a run tell about each other's pods.
///
/// Read from every document before the first one is planned. In which order they are read changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {}

impl Evidence {
    /// Adds what `document` tells.
    pub fn read(&mut self, _document: Document<'_>) {}
}
