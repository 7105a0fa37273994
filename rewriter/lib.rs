//! Edits YAML text without touching a byte that no edit was declared for.

mod edit;
mod path;
mod value;

pub use edit::Edit;
pub use path::{Path, Step};
pub use value::Value;
