//! Edits YAML text without touching a byte that no edit was declared for.

mod apply;
mod change;
mod comment;
mod draft;
mod duplicate;
mod edit;
mod error;
mod event;
mod node;
mod path;
mod placement;
mod position;
#[cfg(test)]
mod reference;
mod render;
mod scalar;
mod scan;
mod splice;
mod stream;
mod style;
mod value;
mod verify;
mod view;

pub use apply::{Applied, ApplyError, Rewrite, apply, apply_to};
pub use comment::{Comment, Place};
pub use draft::Draft;
pub use edit::Edit;
pub use error::{Blocked, DecodeError, Refusal, RefusalReason, SyntaxError};
pub use node::{Entries, Items, Kind, Node};
pub use path::{Path, Step};
pub use placement::place;
pub use position::Position;
pub use scalar::Scalar;
pub use splice::Splice;
pub use stream::{Document, Stream, decode, documents};
pub use value::Value;
pub use view::{Preview, View};
