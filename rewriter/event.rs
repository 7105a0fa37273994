//! The flat list of events that a scan leaves behind: twelve bytes each, offsets into the text, nothing owned.

/// What an [`Event`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// `&name`, before the node that it names.
    Anchor,
    /// `!tag`, before the node that it tags.
    Tag,
    /// `*name`.
    Alias,
    /// A value that is not written at all. `start` and `end` are the place right after the colon, the dash or
    /// the last property.
    Null,
    /// Unquoted text.
    Plain,
    /// `'text'`.
    SingleQuoted,
    /// `"text"`.
    DoubleQuoted,
    /// `|` and its lines.
    Literal,
    /// `>` and its lines.
    Folded,
    /// Keys one below the other. `start` is the first key or its property.
    BlockMapping,
    /// Dashes one below the other. `start` is the first dash.
    BlockSequence,
    /// `{...}`. `start` is the opening brace.
    FlowMapping,
    /// `[...]`. `start` is the opening bracket.
    FlowSequence,
    /// `key: value` as an item of a flow sequence, without braces.
    FlowPair,
    /// The end of the collection that is open. `end` is the place right after its last content: behind the
    /// bracket of a flow collection, behind the last value of a block collection, before any comment.
    End,
}

impl EventKind {
    pub(crate) fn opens(self) -> bool {
        matches!(
            self,
            Self::BlockMapping
                | Self::BlockSequence
                | Self::FlowMapping
                | Self::FlowSequence
                | Self::FlowPair
        )
    }

    pub(crate) fn is_mapping(self) -> bool {
        matches!(self, Self::BlockMapping | Self::FlowMapping | Self::FlowPair)
    }

    pub(crate) fn is_sequence(self) -> bool {
        matches!(self, Self::BlockSequence | Self::FlowSequence)
    }

    pub(crate) fn is_flow(self) -> bool {
        matches!(self, Self::FlowMapping | Self::FlowSequence | Self::FlowPair)
    }

    pub(crate) fn is_property(self) -> bool {
        matches!(self, Self::Anchor | Self::Tag)
    }

    pub(crate) fn is_block_scalar(self) -> bool {
        matches!(self, Self::Literal | Self::Folded)
    }
}

/// One event. A byte offset fits in 32 bits because larger files are refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) start: u32,
    /// The byte after the token; for an event that opens a collection, the index of its [`EventKind::End`].
    pub(crate) end: u32,
    pub(crate) kind: EventKind,
    /// For a block scalar, the columns of indentation that are not content.
    pub(crate) indent: u16,
}
