//! Generated input: short texts, all of them; pieces in a row; manifests with random changes; documents written
//! from data. `CCE_FIX_EFFORT=100` tries a hundred times as many.

use std::collections::BTreeMap;

use super::mutate::{PIECES, Random, least, mutate};
use super::*;
use crate::Position;

/// Pieces of which every short row is tried.
const SMALL_PIECES: &[&str] = &[
    "a", "b: ", "- ", "\n", "  ", ":", "[", "]", "{", "}", ",", "'", "\"", "|\n", "#", "\t", "&a ", "*a",
    "!t ", "---\n",
];

/// Manifests with every construct, small enough that a change meets it.
const MANIFESTS: &[&str] = &[
    include_str!("manifests/deployment.yaml"),
    include_str!("manifests/anchors.yaml"),
    include_str!("manifests/scalars.yaml"),
    include_str!("manifests/flow.yaml"),
    include_str!("manifests/layout.yaml"),
    include_str!("manifests/documents.yaml"),
];

#[expect(clippy::disallowed_methods, reason = "the one who runs the tests says how long they may take")]
pub(super) fn effort() -> usize {
    std::env::var("CCE_FIX_EFFORT").ok().and_then(|effort| effort.parse().ok()).unwrap_or(1)
}

/// How often each verdict was given, and each difference in values.
#[derive(Debug, Default)]
struct Tally {
    verdicts: BTreeMap<&'static str, usize>,
    values: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Tries one text.
    fn check(&mut self, text: &str) {
        let verdict = compare(text);
        if let Some(fault) = fault(text, &verdict) {
            let text = least(text, |text| self::fault(text, &compare(text)).is_some());
            let fault = self::fault(&text, &compare(&text)).unwrap_or(fault);
            panic!("{text:?}\n{fault}");
        }
        *self.verdicts.entry(verdict.name()).or_default() += 1;
        if let Err(difference) = values_differ(text, &mut self.values) {
            let text = least(text, |text| values_differ(text, &mut BTreeMap::new()).is_err());
            let difference = values_differ(&text, &mut BTreeMap::new()).err().unwrap_or(difference);
            panic!("{text:?}\n{difference}");
        }
    }

    /// Prints what was tried; of all texts at least one in `share` must have been read by both.
    fn finish(&self, share: usize) {
        println!("{self:?}");
        let all: usize = self.verdicts.values().sum();
        assert!(self.verdicts.get("same").copied().unwrap_or_default() * share >= all, "{self:?}");
    }
}

/// What is wrong with the verdict, if it is none that is meant.
fn fault(text: &str, verdict: &Verdict) -> Option<String> {
    if let Some(place) = place_told(text)
        && (place != Position::of(text.as_bytes(), place.offset) || !text.is_char_boundary(place.offset))
    {
        return Some(format!("{place:?} is no place of the text"));
    }
    let meant = match verdict {
        Verdict::Same => {
            let stream = Stream::scan(text).ok()?;
            return content_in_gaps(&stream).map(|at| format!("content between events at {at}"));
        }
        Verdict::BothRefuse => true,
        Verdict::WeRefuse(reason) => match *reason {
            "directive" => text.contains('%'),
            "explicit key" => text.contains('?'),
            "empty key" => text.contains(':'),
            "collection key" => text.contains(['[', '{']),
            "lone carriage return" => text.contains('\r'),
            "unicode line break" => text.contains(['\u{85}', '\u{2028}', '\u{2029}']),
            "byte order mark" => text.contains('\u{feff}'),
            "unknown anchor" | "recursive alias" => text.contains('*'),
            "ambiguous flow text" => text.contains(['[', '{']) && text.contains(['?', ':', '!']),
            _ => false,
        },
        // go-yaml reads the escape sequence, so `kubectl` does.
        Verdict::TheyFail(error) => error.contains("unknown escape character") && text.contains("\\'"),
        // The port of libyaml panics at the end of a block text without a line end, and on a tag before a comma.
        Verdict::NoOpinion => !text.ends_with('\n') || text.contains('!'),
        Verdict::WeFail(_) | Verdict::Different(_) => false,
    };
    (!meant).then(|| format!("{verdict:?}"))
}

/// The place of the first error or refusal.
fn place_told(text: &str) -> Option<Position> {
    match Stream::scan(text) {
        Ok(stream) => stream.documents().find_map(|document| Some(document.refusal()?.position)),
        Err(error) => Some(error.position),
    }
}

/// The values of every document that is read, beside `serde_yaml`'s.
fn values_differ(text: &str, counts: &mut BTreeMap<&'static str, usize>) -> Result<(), String> {
    let Ok(stream) = Stream::scan(text) else { return Ok(()) };
    if text.contains("\\'") || stream.documents().any(|document| document.refusal().is_some()) {
        return Ok(());
    }
    stream.documents().try_for_each(|document| values::differences(document, counts))
}

/// The first byte outside of all events that is neither white space nor comment nor one of the signs between
/// them: nothing of a text may be lost between events.
fn content_in_gaps(stream: &Stream<'_>) -> Option<usize> {
    let text = stream.text().as_bytes();
    let mut at = 0;
    let mut open = Vec::new();
    for event in &stream.events {
        let (start, end) = match event.kind {
            EventKind::Null => continue,
            EventKind::End => {
                let is_flow: bool = open.pop().unwrap_or_default();
                let end = event.end as usize;
                if is_flow { (end - 1, end) } else { (at, at) }
            }
            kind if kind.opens() => {
                let has_bracket = matches!(kind, EventKind::FlowMapping | EventKind::FlowSequence);
                open.push(has_bracket);
                let start = event.start as usize;
                if has_bracket { (start, start + 1) } else { (at, at) }
            }
            _ => (event.start as usize, event.end as usize),
        };
        if start < at {
            return Some(start);
        }
        if let Some(found) = content(text, at, start) {
            return Some(found);
        }
        at = end;
    }
    content(text, at, text.len())
}

fn content(text: &[u8], mut at: usize, end: usize) -> Option<usize> {
    while at < end {
        match text[at] {
            b'#' => at = memchr::memchr(b'\n', &text[at..end]).map_or(end, |newline| at + newline),
            b' ' | b'\t' | b'\r' | b'\n' | b'-' | b':' | b',' | b'.' => at += 1,
            0xef if at == 0 => at += 3,
            _ => return Some(at),
        }
    }
    None
}

#[test]
fn every_short_text_reads_as_libyaml_reads_it() {
    let length = if effort() > 10 { 5 } else { 3 };
    let mut tally = Tally::default();
    let mut row = vec![0; length];
    loop {
        for used in 1..=length {
            // Shorter rows are tried once, where the rest is at its start.
            if row[used..].iter().all(|piece| *piece == 0) {
                tally.check(&row[..used].iter().map(|piece| SMALL_PIECES[*piece]).collect::<String>());
            }
        }
        let Some(next) = row.iter().rposition(|piece| piece + 1 < SMALL_PIECES.len()) else { break };
        row[next] += 1;
        row[next + 1..].fill(0);
    }
    tally.finish(10);
}

#[test]
fn rows_of_pieces_read_as_libyaml_reads_them() {
    let mut random = Random(1);
    let mut tally = Tally::default();
    for _ in 0..20_000 * effort() {
        let pieces = random.below(14) + 1;
        tally.check(&(0..pieces).map(|_| random.pick(PIECES)).collect::<String>());
    }
    tally.finish(10);
}

#[test]
fn changed_manifests_read_as_libyaml_reads_them() {
    let mut random = Random(2);
    let mut tally = Tally::default();
    for number in 0..10_000 * effort() {
        let mut text = MANIFESTS[number % MANIFESTS.len()].to_owned();
        for _ in 0..=random.below(4) {
            mutate(&mut text, &mut random);
        }
        tally.check(&text);
    }
    tally.finish(5);
}

#[test]
fn manifests_cut_anywhere_read_as_libyaml_reads_them() {
    let mut tally = Tally::default();
    for text in MANIFESTS {
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            tally.check(&text[..end]);
        }
    }
    tally.finish(4);
}

#[test]
fn changed_real_files_read_as_libyaml_reads_them() {
    let Some(corpus) = corpus::folder() else { return };
    let mut texts: Vec<String> = suite::cases().into_iter().map(|case| case.text).collect();
    texts.extend(corpus::texts(&corpus).into_iter().map(|(_, text)| text).filter(|text| text.len() < 3000));
    let mut random = Random(3);
    let mut tally = Tally::default();
    for _ in 0..5_000 * effort() {
        let mut text = texts[random.below(texts.len())].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut text, &mut random);
        }
        tally.check(&text);
    }
    tally.finish(5);
}
