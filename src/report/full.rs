//! `full`: for people. The place in its text with a mark under it, the edit, and what to know about it.

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use super::finding::{Finding, State, Weight};
use super::text::Replacement;
use super::{File, Look, Report};
use crate::diff::{harmless, harmless_text};
use crate::link;

/// Lines around a place.
const AROUND: usize = 2;

/// Pieces of an edit with no more lines between them are shown as one.
const TOGETHER: usize = 6;

/// Writes a block for each finding, and a line for each problem.
pub(super) fn write(report: &Report, look: Look<'_>, out: &mut dyn Write) -> io::Result<()> {
    let renderer = if look.colour { Renderer::styled() } else { Renderer::plain() };
    for file in &report.files {
        let source = Source::of(file);
        let name = line(&file.name);
        for finding in &file.findings {
            let groups = groups(report, &name, &source, finding);
            let mut shown = renderer.render(&groups);
            if let Some(folder) = look.links {
                // Each snippet begins with the place that it shows.
                let place = format!("{name}:{}", finding.place.line);
                shown = shown.replacen(&place, &link::around(&place, Path::new(&file.name), folder), 1);
            }
            writeln!(out, "{shown}\n")?;
        }
    }
    for problem in &report.problems {
        writeln!(out, "{}error: {}", line(&problem.start()), line(&problem.message))?;
    }
    Ok(())
}

fn groups<'r>(report: &Report, name: &'r str, source: &'r Source, finding: &'r Finding) -> Vec<Group<'r>> {
    let level = match finding.weight() {
        Weight::Note => Level::NOTE,
        Weight::Warning => Level::WARNING,
        Weight::Error => Level::ERROR,
    };
    let level = level.with_name(finding.level.name());
    let line_of_place = finding.place.line;
    let window = source.window(line_of_place.saturating_sub(AROUND), line_of_place);
    let from = finding.place.offset.saturating_sub(window.start);
    let rest = source.text.get(finding.place.offset..window.end).unwrap_or_default();
    let marked = rest.split(['\n', '\r']).next().unwrap_or_default().trim_end().len();
    let snippet = Snippet::source(source.slice(&window))
        .line_start(source.line_of(&window))
        .path(name)
        .annotation(AnnotationKind::Primary.span(from..from + marked).label(line(&finding.reason)));
    let state = match (finding.state, report.is_written()) {
        (State::Fixed, true) => "fixed",
        (State::Fixed, false) => "would be fixed",
        (State::Left, _) if finding.held_back => "held back by --safe",
        (State::Left, _) if finding.needs_person => "left for a person",
        (State::Left, _) => "left",
        (State::Suppressed, _) => "suppressed",
    };
    let mut first = level
        .primary_title(line(finding.transform.title))
        .id(finding.transform.id)
        .element(snippet)
        .element(Level::NOTE.with_name(state).message(line(&finding.subject())));
    if let Some(suppression) = &finding.suppression {
        first = first.element(Level::NOTE.with_name("because").message(line(&suppression.reason)));
    }
    if let Some(review) = finding.review() {
        first = first
            .element(Level::NOTE.with_name("if it is wrong").message(review.symptom))
            .element(Level::NOTE.with_name("the way back").message(review.undo));
    }
    let mut groups = vec![first];
    if let Some(summary) = &finding.summary {
        let help = Level::HELP.with_name("edit").secondary_title(line(summary));
        let shown = clusters(&finding.own).map(|pieces| edit(name, source, pieces));
        let snippets: Vec<Snippet<'_, Patch<'_>>> = shown.collect();
        if !snippets.is_empty() {
            groups.push(help.elements(snippets));
        }
    }
    groups
}

fn edit<'r>(name: &'r str, source: &'r Source, pieces: &'r [Replacement]) -> Snippet<'r, Patch<'r>> {
    let first = pieces.first().map_or(1, |piece| piece.start.line);
    let last = pieces.last().map_or(first, |piece| piece.end.line);
    let window = source.window(first, last);
    let patches = pieces.iter().map(|piece| {
        let range = source.whole_lines(piece);
        let range = range.start - window.start..range.end - window.start;
        let new: Vec<String> = piece.new.split('\n').map(|text| line(text.trim_end_matches('\r'))).collect();
        Patch::new(range, new.join("\n"))
    });
    Snippet::source(source.slice(&window)).line_start(source.line_of(&window)).path(name).patches(patches)
}

/// Pieces that stand near each other.
fn clusters(pieces: &[Replacement]) -> impl Iterator<Item = &[Replacement]> {
    pieces.chunk_by(|one, next| next.start.line <= one.end.line + TOGETHER)
}

/// One line that nothing in a terminal acts on.
fn line(text: &str) -> String {
    harmless_text(text).into_owned()
}

/// The text of a file with what a terminal would act on covered, byte for byte as long as before.
struct Source {
    text: String,
    /// Where lines start.
    lines: Vec<usize>,
}

impl Source {
    fn of(file: &File) -> Self {
        let text: String = file
            .source
            .as_deref()
            .unwrap_or_default()
            .chars()
            .flat_map(|character| {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).as_bytes();
                let stays = matches!(character, '\n' | '\r' | '\t') || *harmless(bytes) == *bytes;
                let count = if stays { 1 } else { bytes.len() };
                std::iter::repeat_n(if stays { character } else { '?' }, count)
            })
            .collect();
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|newline| newline + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Self { text, lines }
    }

    /// The bytes of the lines from `first` to `last`, counted from one.
    fn window(&self, first: usize, last: usize) -> Range<usize> {
        let start = self.lines.get(first.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let end = self.lines.get(last).copied().unwrap_or(self.text.len());
        start..end.max(start)
    }

    fn slice(&self, window: &Range<usize>) -> &str {
        self.text.get(window.clone()).unwrap_or_default()
    }

    /// The bytes that a piece replaces. Where whole lines go, they go with their own ends and not, which is the
    /// same text, with the end of the line before them, so that this line is not shown as changed.
    fn whole_lines(&self, piece: &Replacement) -> Range<usize> {
        let range = piece.start.offset..piece.end.offset;
        let line_end = |text: Option<&str>| {
            let text = text.unwrap_or_default();
            ["\r\n", "\n"].into_iter().find(|end| text.starts_with(end)).map(str::len)
        };
        let before = line_end(self.text.get(range.clone()));
        match before.filter(|_| piece.new.is_empty() && before == line_end(self.text.get(range.end..))) {
            Some(length) => range.start + length..range.end + length,
            None => range,
        }
    }

    /// The number of the first line, counted from one.
    fn line_of(&self, window: &Range<usize>) -> usize {
        self.lines.partition_point(|start| *start <= window.start)
    }
}
