//! Why a text, a document or an edit is left alone.

use thiserror::Error;

use crate::position::Position;

/// Why no document of a text can be edited.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Where the text stops making sense.
    pub position: Position,
    /// What is wrong, and what was expected.
    pub message: &'static str,
}

/// Why one document of a text is left alone, while the others are not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Where the construct stands.
    pub position: Position,
    /// The construct, by name.
    pub reason: RefusalReason,
}

/// The constructs that refuse a document. `docs/limits.md` lists them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RefusalReason {
    /// `%YAML` or `%TAG`: go-yaml does not take a version other than 1.1, and readers that split streams take none.
    #[error("a `%` directive in front of the document")]
    Directive,
    /// `? key`.
    #[error("a `? ` key")]
    ExplicitKey,
    /// `: value` without a key.
    #[error("a value without a key")]
    EmptyKey,
    /// `[a]: b` or `{{ x }}`.
    #[error("a list or a map as a key")]
    CollectionKey,
    /// A carriage return that no newline follows: a line end to some readers and not to others.
    #[error("a carriage return without a newline")]
    LoneCarriageReturn,
    /// U+0085, U+2028 or U+2029: a line end to YAML 1.1 and not to YAML 1.2.
    #[error("a Unicode line separator")]
    UnicodeLineBreak,
    /// A byte order mark inside the text.
    #[error("a byte order mark that is not at the start of the file")]
    ByteOrderMark,
    /// `[a?b]` or `{a:}`: readers disagree where the text ends.
    #[error("unquoted text in a flow collection that readers split in different ways")]
    AmbiguousFlowText,
    /// The same key twice in one mapping.
    #[error("the key `{key}` twice in one mapping (first in line {first_line})")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Line of its first place.
        first_line: usize,
    },
    /// `*name` without `&name` before it.
    #[error("an alias to an anchor that is not there")]
    UnknownAnchor,
    /// `&a [*a]`.
    #[error("an anchor that contains its own alias")]
    RecursiveAlias,
    /// Aliases that expand to far more nodes than are written.
    #[error("aliases that expand to an excessive number of nodes")]
    ExcessiveAliasing,
    /// Deeper than the independent reader follows.
    #[error("nesting of more than {0} levels")]
    TooDeep(usize),
}

/// Why the bytes of a file are no text that can be scanned.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A UTF-16 or UTF-32 byte order mark.
    #[error("the file is encoded in UTF-16 or UTF-32, not in UTF-8")]
    Utf16,
    /// A NUL byte: not a text file.
    #[error("the file holds a NUL byte, so it is not text")]
    Nul(Position),
    /// A byte that is not UTF-8.
    #[error("the file is not valid UTF-8")]
    Utf8(Position),
    /// Offsets of more than 32 bits.
    #[error("the file is larger than 4 GiB")]
    TooLarge,
}

impl DecodeError {
    /// Where, if there is one place.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Nul(position) | Self::Utf8(position) => Some(*position),
            Self::Utf16 | Self::TooLarge => None,
        }
    }
}

/// Why one edit cannot be placed in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Blocked {
    /// The place belongs to an anchor that other places share through an alias, and not all of them get the
    /// same edit.
    #[error(
        "the value is shared through the anchor in line {line}, and not all that share it get the same edit"
    )]
    SharedAnchor {
        /// Line of the anchor.
        line: usize,
    },
    /// The value comes from a merge key (`<<`), and a change would replace all that it brings.
    #[error("the value comes from the merge key `<<` in line {line}")]
    MergeKey {
        /// Line of the merge key.
        line: usize,
    },
    /// The edit would take a comment along.
    #[error("a comment in line {line} would be lost")]
    Comment {
        /// Line of the comment.
        line: usize,
    },
    /// A value of another kind stands in the way.
    #[error("line {line} holds another kind of value than the edit expects")]
    Mismatch {
        /// Line of the value.
        line: usize,
    },
    /// The layout of the place is one that cannot be edited without changing something else.
    #[error("the layout of line {line} cannot be edited without changing something else")]
    Layout {
        /// Line of the place.
        line: usize,
    },
    /// The path leads nowhere: there is nothing to remove, or no such item.
    #[error("there is nothing at the path of the edit")]
    Missing,
    /// Another edit asks for something else at the same place.
    #[error("another edit asks for something else at the same place")]
    Conflict,
}
