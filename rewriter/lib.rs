//! Edits YAML text without touching a byte that no edit was declared for.

mod edit;
mod error;
mod event;
mod node;
mod path;
#[cfg(test)]
mod reference;
mod scalar;
mod scan;
mod stream;
mod value;

pub use edit::Edit;
pub use error::{Blocked, DecodeError, Position, Refusal, RefusalReason, SyntaxError};
pub use node::{Entries, Items, Kind, Node};
pub use path::{Path, Step};
pub use scalar::Scalar;
pub use stream::{Document, Stream, decode};
pub use value::Value;
