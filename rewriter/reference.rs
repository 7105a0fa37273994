//! The scanner held against other readers of the same text: structure, styles, values and places.
//!
//! libyaml is the judge, because `kubectl` reads with a port of it. Its port to Rust counts in bytes as we do, so
//! that places can be compared too.

mod corpus;
mod generated;
mod mutate;
mod regressions;
mod second_opinion;
mod suite;
mod values;
mod written;

use std::panic::catch_unwind;
use std::sync::Once;

use libyaml_safer::{EventData, MappingStyle, Parser, ScalarStyle, SequenceStyle};

use crate::event::{Event, EventKind};
use crate::{RefusalReason, Stream, scalar};

/// One event as both readers tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    what: String,
    anchor: Option<String>,
    /// The tag in full.
    tag: Option<String>,
    /// The place of its first property or of itself, in bytes. A value that is not written has none.
    start: Option<usize>,
    /// The end of a token or of a flow collection, in bytes.
    end: Option<usize>,
}

/// libyaml's events; `None` where the port of it gives up by a panic, an error where it refuses the text.
fn libyaml(text: &str) -> Option<Result<Vec<Told>, String>> {
    quiet_panics();
    // The mark does not count the byte order mark.
    let bom = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let place = move |mark: libyaml_safer::Mark| usize::try_from(mark.index).ok().map(|index| index + bom);
    catch_unwind(move || {
        let mut input = text.as_bytes();
        let mut parser = Parser::new();
        parser.set_input_string(&mut input);
        let mut told = Vec::new();
        // Whether each open collection is a flow collection.
        let mut open: Vec<bool> = Vec::new();
        loop {
            let event = parser.parse().map_err(|error| error.to_string())?;
            let (start, end) = (place(event.start_mark), place(event.end_mark));
            let mut collection = |is_flow: bool, kind: &str, anchor, tag| {
                // A pair without braces starts at a key, which has no length.
                open.push(is_flow && start < end);
                let what = format!("{} {kind}", if is_flow { "flow" } else { "block" });
                Told { what, anchor, tag, start, end: None }
            };
            told.push(match event.data {
                EventData::StreamEnd => return Ok(told),
                EventData::DocumentStart { .. } => Told { what: "document".into(), ..Told::default() },
                EventData::Alias { anchor } => {
                    Told { what: format!("alias {anchor}"), start, end, ..Told::default() }
                }
                EventData::Scalar { anchor, tag, value, style, .. } => {
                    let written = !value.is_empty() || style != ScalarStyle::Plain;
                    let (style, is_block) = match style {
                        ScalarStyle::SingleQuoted => ("single", false),
                        ScalarStyle::DoubleQuoted => ("double", false),
                        ScalarStyle::Literal => ("literal", true),
                        ScalarStyle::Folded => ("folded", true),
                        _ => ("plain", false),
                    };
                    let what = format!("{style} {value:?}");
                    Told {
                        what,
                        anchor,
                        tag,
                        start: start.filter(|_| written),
                        end: end.filter(|_| written && !is_block),
                    }
                }
                EventData::SequenceStart { anchor, tag, style, .. } => {
                    collection(style == SequenceStyle::Flow, "sequence", anchor, tag)
                }
                EventData::MappingStart { anchor, tag, style, .. } => {
                    collection(style == MappingStyle::Flow, "mapping", anchor, tag)
                }
                EventData::SequenceEnd | EventData::MappingEnd => {
                    let is_flow = open.pop().unwrap_or_default();
                    Told { what: "end".into(), end: end.filter(|_| is_flow), ..Told::default() }
                }
                _ => continue,
            });
        }
    })
    .ok()
}

/// Keeps the panics of other readers, which are caught, out of the output.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let foreign = ["libyaml-safer", "yaml-rust2"];
            if !info.location().is_some_and(|at| foreign.iter().any(|name| at.file().contains(name))) {
                usual(info);
            }
        }));
    });
}

/// Our own events in the same words.
fn ours(stream: &Stream<'_>) -> Vec<Told> {
    let text = stream.text();
    let mut told = Vec::new();
    for document in stream.documents() {
        told.push(Told { what: "document".into(), ..Told::default() });
        let mut next = Told::default();
        let mut open: Vec<bool> = Vec::new();
        for event in &stream.events[document.events()] {
            let (start, end) = (event.start as usize, event.end as usize);
            match event.kind {
                EventKind::End => {
                    let is_flow = open.pop().unwrap_or_default();
                    told.push(Told { what: "end".into(), end: is_flow.then_some(end), ..Told::default() });
                    continue;
                }
                EventKind::Null => {}
                _ => next.start = next.start.or(Some(start)),
            }
            match event.kind {
                EventKind::Anchor => {
                    next.anchor = Some(text[start + 1..end].to_owned());
                    continue;
                }
                EventKind::Tag => {
                    next.tag = Some(tag_in_full(&text[start..end]));
                    continue;
                }
                EventKind::Null => next.start = None,
                kind if kind.opens() => {
                    open.push(kind.is_flow() && kind != EventKind::FlowPair);
                }
                kind if !kind.is_block_scalar() => next.end = Some(end),
                _ => {}
            }
            told.push(Told { what: words(text, *event), ..std::mem::take(&mut next) });
        }
    }
    told
}

fn words(text: &str, event: Event) -> String {
    let value = || scalar::text(text, event);
    match event.kind {
        EventKind::Alias => format!("alias {}", &text[event.start as usize + 1..event.end as usize]),
        EventKind::Null => "plain \"\"".to_owned(),
        EventKind::Plain => format!("plain {:?}", value()),
        EventKind::SingleQuoted => format!("single {:?}", value()),
        EventKind::DoubleQuoted => format!("double {:?}", value()),
        EventKind::Literal => format!("literal {:?}", value()),
        EventKind::Folded => format!("folded {:?}", value()),
        EventKind::BlockMapping => "block mapping".to_owned(),
        EventKind::BlockSequence => "block sequence".to_owned(),
        EventKind::FlowMapping | EventKind::FlowPair => "flow mapping".to_owned(),
        EventKind::FlowSequence => "flow sequence".to_owned(),
        EventKind::End | EventKind::Anchor | EventKind::Tag => unreachable!("told by others"),
    }
}

/// `!!str` and `!<tag:yaml.org,2002:str>` are one tag.
fn tag_in_full(written: &str) -> String {
    let long = if let Some(verbatim) = written.strip_prefix("!<") {
        verbatim.strip_suffix('>').unwrap_or(verbatim).to_owned()
    } else if let Some(core) = written.strip_prefix("!!") {
        format!("tag:yaml.org,2002:{core}")
    } else {
        written.to_owned()
    };
    // The port of libyaml makes a letter of each escaped byte.
    let mut parts = long.split('%');
    let mut full = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        full.extend(u8::from_str_radix(digits, 16).ok().map(char::from));
        full.push_str(rest);
    }
    full
}

/// How our reading of a text compares with another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// The same events.
    Same,
    /// Both refuse.
    BothRefuse,
    /// We refuse a document that the other reads.
    WeRefuse(RefusalName),
    /// We call the text broken, the other reads it.
    WeFail(String),
    /// We read what the other calls broken.
    TheyFail(String),
    /// Different events: the first pair.
    Different(String),
    /// The other gave up.
    NoOpinion,
}

impl Verdict {
    fn name(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::BothRefuse => "both refuse",
            Self::WeRefuse(_) => "we refuse",
            Self::WeFail(_) => "we fail",
            Self::TheyFail(_) => "they fail",
            Self::Different(_) => "different",
            Self::NoOpinion => "no opinion",
        }
    }
}

/// A reason for a refusal without its details.
type RefusalName = &'static str;

fn name(reason: &RefusalReason) -> RefusalName {
    match reason {
        RefusalReason::Directive => "directive",
        RefusalReason::ExplicitKey => "explicit key",
        RefusalReason::EmptyKey => "empty key",
        RefusalReason::CollectionKey => "collection key",
        RefusalReason::LoneCarriageReturn => "lone carriage return",
        RefusalReason::UnicodeLineBreak => "unicode line break",
        RefusalReason::ByteOrderMark => "byte order mark",
        RefusalReason::AmbiguousFlowText => "ambiguous flow text",
        RefusalReason::DuplicateKey { .. } => "duplicate key",
        RefusalReason::UnknownAnchor => "unknown anchor",
        RefusalReason::RecursiveAlias => "recursive alias",
        RefusalReason::ExcessiveAliasing => "excessive aliasing",
        RefusalReason::TooDeep(_) => "too deep",
    }
}

/// Our reading of `text` beside libyaml's.
fn compare(text: &str) -> Verdict {
    compare_with(text, libyaml(text), ours)
}

fn compare_with<T: PartialEq + std::fmt::Debug>(
    text: &str,
    theirs: Option<Result<Vec<T>, String>>,
    ours: impl Fn(&Stream<'_>) -> Vec<T>,
) -> Verdict {
    let scanned = Stream::scan(text);
    let Some(theirs) = theirs else { return Verdict::NoOpinion };
    let stream = match (scanned, &theirs) {
        (Err(_), Err(_)) => return Verdict::BothRefuse,
        (Err(error), Ok(_)) => return Verdict::WeFail(format!("{}: {error}", error.position)),
        (Ok(stream), _) => stream,
    };
    let refusal = stream.documents().find_map(|document| document.refusal());
    match (refusal, theirs) {
        (Some(refusal), Ok(_)) => Verdict::WeRefuse(name(&refusal.reason)),
        (Some(_), Err(_)) => Verdict::BothRefuse,
        (None, Err(error)) => Verdict::TheyFail(error),
        (None, Ok(theirs)) => {
            let ours = ours(&stream);
            match ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs) {
                Some(at) => {
                    Verdict::Different(format!("event {at}: ours {:?}, theirs {:?}", ours[at], theirs[at]))
                }
                None if ours.len() != theirs.len() => {
                    Verdict::Different(format!("{} events, they {}", ours.len(), theirs.len()))
                }
                None => Verdict::Same,
            }
        }
    }
}
