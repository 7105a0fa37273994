//! The scanner held against libyaml's own reading of the same text: structure, styles, values and places.

use std::panic::catch_unwind;

use libyaml_safer::{EventData, MappingStyle, Parser, ScalarStyle, SequenceStyle};

use crate::event::EventKind;
use crate::{RefusalReason, Stream, scalar};

/// One event as both readers tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    what: String,
    anchor: Option<String>,
    tagged: bool,
    /// Byte offset, in texts where libyaml counts bytes.
    start: Option<usize>,
}

/// libyaml's events; `None` where the port of it gives up by a panic, an error where it refuses the text.
pub(crate) fn libyaml(text: &str) -> Option<Result<Vec<Told>, String>> {
    let owned = text.to_owned();
    catch_unwind(move || {
        let mut input = owned.as_bytes();
        let mut parser = Parser::new();
        parser.set_input_string(&mut input);
        let mut told = Vec::new();
        loop {
            let event = parser.parse().map_err(|error| error.to_string())?;
            let start = owned.is_ascii().then(|| usize::try_from(event.start_mark.index).unwrap());
            let tell = |what: String, anchor: Option<String>, tag: Option<String>| Told {
                what,
                anchor,
                tagged: tag.is_some(),
                start,
            };
            match event.data {
                EventData::StreamEnd => return Ok(told),
                EventData::DocumentStart { .. } => {
                    told.push(Told { start: None, ..tell("document".into(), None, None) })
                }
                EventData::Alias { anchor } => told.push(tell(format!("alias {anchor}"), None, None)),
                EventData::Scalar { anchor, tag, value, style, .. } => {
                    let empty = value.is_empty() && style == ScalarStyle::Plain;
                    let style = match style {
                        ScalarStyle::SingleQuoted => "single",
                        ScalarStyle::DoubleQuoted => "double",
                        ScalarStyle::Literal => "literal",
                        ScalarStyle::Folded => "folded",
                        _ => "plain",
                    };
                    let mut one = tell(format!("{style} {value:?}"), anchor, tag);
                    if empty {
                        one.start = None;
                    }
                    told.push(one);
                }
                EventData::SequenceStart { anchor, tag, style, .. } => {
                    let flow = if style == SequenceStyle::Flow { "flow" } else { "block" };
                    told.push(tell(format!("{flow} sequence"), anchor, tag));
                }
                EventData::MappingStart { anchor, tag, style, .. } => {
                    let flow = if style == MappingStyle::Flow { "flow" } else { "block" };
                    told.push(tell(format!("{flow} mapping"), anchor, tag));
                }
                EventData::SequenceEnd | EventData::MappingEnd => {
                    told.push(Told { start: None, ..tell("end".into(), None, None) });
                }
                _ => {}
            }
        }
    })
    .ok()
}

/// Our own events in the same words.
pub(crate) fn ours(stream: &Stream<'_>) -> Vec<Told> {
    let text = stream.text();
    let mut told = Vec::new();
    for document in stream.documents() {
        told.push(Told { what: "document".into(), anchor: None, tagged: false, start: None });
        let (mut anchor, mut tagged, mut site) = (None, false, None);
        for event in &stream.events[document.events()] {
            let (start, end) = (event.start as usize, event.end as usize);
            site = site.or(Some(start));
            let what = match event.kind {
                EventKind::Anchor => {
                    anchor = Some(text[start + 1..end].to_owned());
                    continue;
                }
                EventKind::Tag => {
                    tagged = true;
                    continue;
                }
                EventKind::Alias => format!("alias {}", &text[start + 1..end]),
                EventKind::Null => "plain \"\"".to_owned(),
                EventKind::Plain => format!("plain {:?}", scalar::text(text, *event)),
                EventKind::SingleQuoted => format!("single {:?}", scalar::text(text, *event)),
                EventKind::DoubleQuoted => format!("double {:?}", scalar::text(text, *event)),
                EventKind::Literal => format!("literal {:?}", scalar::text(text, *event)),
                EventKind::Folded => format!("folded {:?}", scalar::text(text, *event)),
                EventKind::BlockMapping => "block mapping".to_owned(),
                EventKind::BlockSequence => "block sequence".to_owned(),
                EventKind::FlowMapping | EventKind::FlowPair => "flow mapping".to_owned(),
                EventKind::FlowSequence => "flow sequence".to_owned(),
                EventKind::End => "end".to_owned(),
            };
            let located = text.is_ascii() && !matches!(event.kind, EventKind::End | EventKind::Null);
            told.push(Told {
                what,
                anchor: anchor.take(),
                tagged: std::mem::take(&mut tagged),
                start: site.take().filter(|_| located),
            });
        }
    }
    told
}

/// How the two readings of one text compare.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// The same events.
    Same,
    /// Both refuse.
    BothRefuse,
    /// We refuse a document that libyaml reads.
    WeRefuse(String),
    /// We call the text broken, libyaml reads it.
    WeFail(String),
    /// We read what libyaml calls broken.
    TheyFail(String),
    /// Different events: the first pair.
    Different(String),
    /// The port of libyaml gave up.
    NoOpinion,
}

pub(crate) fn compare(text: &str) -> Verdict {
    let Some(theirs) = libyaml(text) else { return Verdict::NoOpinion };
    let scanned = Stream::scan(text);
    match (scanned, theirs) {
        (Err(_), Err(_)) => Verdict::BothRefuse,
        (Err(error), Ok(_)) => Verdict::WeFail(format!("{}: {error}", error.position)),
        (Ok(stream), theirs) => {
            let refusal = stream.documents().find_map(|document| document.refusal());
            match (refusal, theirs) {
                (Some(refusal), Ok(_)) => Verdict::WeRefuse(refusal.reason.to_string()),
                (Some(_), Err(_)) => Verdict::BothRefuse,
                (None, Err(error)) => Verdict::TheyFail(error),
                (None, Ok(theirs)) => {
                    let ours = ours(&stream);
                    let at = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
                    match at {
                        Some(at) => Verdict::Different(format!(
                            "event {at}: ours {:?}, theirs {:?}",
                            ours[at], theirs[at]
                        )),
                        None if ours.len() != theirs.len() => {
                            Verdict::Different(format!("{} events, they {}", ours.len(), theirs.len()))
                        }
                        None => Verdict::Same,
                    }
                }
            }
        }
    }
}

/// Refusals that are meant: readers disagree there.
fn is_meant(reason: &str) -> bool {
    let _ = RefusalReason::Directive;
    !reason.is_empty()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::*;

    fn corpus() -> Option<PathBuf> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
        path.is_dir().then_some(path)
    }

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        let mut entries: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|ext| ["yaml", "yml", "json"].iter().any(|e| ext == *e)) {
                found.push(path);
            }
        }
    }

    #[test]
    fn corpus_reads_as_libyaml_reads_it() {
        let Some(corpus) = corpus() else {
            println!("no corpus beside the repository: nothing compared");
            return;
        };
        let mut found = Vec::new();
        files(&corpus, &mut found);
        std::panic::set_hook(Box::new(|_| {}));
        let mut counts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in &found {
            let bytes = std::fs::read(path).unwrap();
            let Ok(text) = crate::decode(&bytes) else { continue };
            let verdict = compare(text);
            let name = path.strip_prefix(&corpus).unwrap().display().to_string();
            let (key, detail) = match verdict {
                Verdict::WeRefuse(why) => (format!("we refuse: {why}"), String::new()),
                Verdict::WeFail(why) => ("WE FAIL".to_owned(), why),
                Verdict::TheyFail(why) => ("they fail".to_owned(), why),
                Verdict::Different(why) => ("DIFFERENT".to_owned(), why),
                other => (format!("{other:?}"), String::new()),
            };
            counts.entry(key).or_default().push(format!("{name} {detail}"));
        }
        let _ = std::panic::take_hook();
        for (verdict, files) in &counts {
            println!("{verdict}: {}", files.len());
            if verdict != "Same" && verdict != "BothRefuse" {
                for file in files.iter().take(60) {
                    println!("    {file}");
                }
            }
        }
        let _ = is_meant("");
    }
}
