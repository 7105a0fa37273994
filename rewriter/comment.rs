//! Comments, and the values that they are written at.

use std::collections::BTreeMap;

use crate::event::EventKind;
use crate::node::{Entries, Items};
use crate::position::Position;
use crate::stream::Document;
use crate::style::{self, line_start};
use crate::{Node, Path, Step};

/// A comment of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment<'s> {
    /// What stands behind the `#`, to the end of the line.
    pub text: &'s str,
    /// Where the `#` stands.
    pub position: Position,
    /// The value that it is written at; none where nothing follows it.
    pub place: Option<Place>,
}

/// The value that a comment is written at.
///
/// A comment behind something is written at what begins in its line, one on a line of its own at what begins in
/// the next line that holds something: the outermost entry of a mapping or item of a sequence, or what holds all
/// of them where several stand side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its path as it is written, not through aliases.
    pub path: Path,
    /// The line that the comment is about.
    pub line: usize,
}

impl<'s> Document<'s> {
    /// The comments of which `is_wanted` says so, in their order; none of a document that is refused.
    pub fn comments(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Comment<'s>> {
        let Some(root) = self.root() else { return Vec::new() };
        let mut comments = Vec::new();
        let mut asked = Vec::new();
        let all = &self.stream.text;
        for start in offsets(*self) {
            let text = all[start + 1..style::line_end(all.as_bytes(), start)].trim_end_matches('\r');
            if is_wanted(text) {
                asked.push(self.line_asked(start));
                comments.push(Comment { text, position: self.position(start), place: None });
            }
        }
        if comments.is_empty() {
            return comments;
        }
        let mut lines = Lines::new(*self, asked.iter().flatten().copied());
        lines.walk(root);
        for (comment, line) in comments.iter_mut().zip(asked) {
            comment.place =
                line.and_then(|line| Some(Place { path: lines.at(line)?.iter().cloned().collect(), line }));
        }
        comments
    }

    /// The line that the comment at `start` is about.
    fn line_asked(&self, start: usize) -> Option<usize> {
        let text = self.stream.text.as_bytes();
        let before = self.stream.text[line_start(text, start)..start].trim();
        // The dash of an item whose content follows below says as little as no text at all.
        if !before.bytes().all(|byte| byte == b'-') {
            return Some(self.position(start).line);
        }
        let events = &self.stream.events[self.events()];
        let next = events.partition_point(|event| (event.start as usize) < start);
        let next = events[next..].iter().find(|event| event.kind != EventKind::End)?;
        Some(self.position(next.start as usize).line)
    }
}

/// Where comments start: each `#` between tokens, as far as it is not itself in a comment.
fn offsets(document: Document<'_>) -> Vec<usize> {
    let text = document.stream.text.as_bytes();
    let mut found = Vec::new();
    let mut look = |mut from: usize, to: usize| {
        while from < to
            && let Some(at) = memchr::memchr(b'#', &text[from..to])
        {
            found.push(from + at);
            from = style::line_end(text, from + at);
        }
    };
    let mut at = document.range().start;
    for event in &document.stream.events[document.events()] {
        if event.kind.opens() || event.kind == EventKind::End {
            continue;
        }
        let (start, end) = (event.start as usize, event.end as usize);
        look(at, start);
        if event.kind.is_block_scalar() {
            look(start, style::line_end(text, start).min(end));
        }
        at = at.max(end);
    }
    look(at, document.range().end);
    found
}

/// What begins, and what ends, in certain lines of a document.
struct Lines<'s> {
    document: Document<'s>,
    /// The steps to what holds all that begins there.
    begins: BTreeMap<usize, Option<Vec<Step>>>,
    /// The steps to the outermost value that ends there and began before.
    ends: BTreeMap<usize, Vec<Step>>,
}

/// The children of a collection that are still to be visited.
enum Children<'s> {
    Entries(Entries<'s>),
    Items(std::iter::Enumerate<Items<'s>>),
}

impl<'s> Children<'s> {
    fn of(node: Node<'s>) -> Self {
        if node.is_mapping() { Self::Entries(node.entries()) } else { Self::Items(node.items().enumerate()) }
    }

    /// The step to the next child, the node that it begins with, and its value.
    fn next(&mut self) -> Option<(Step, Node<'s>, Node<'s>)> {
        match self {
            Self::Entries(entries) => {
                let (key, value) = entries.next()?;
                Some((Step::Key(key.text().into_owned().into()), key, value))
            }
            Self::Items(items) => {
                let (index, value) = items.next()?;
                Some((Step::Index(index), value, value))
            }
        }
    }
}

impl<'s> Lines<'s> {
    fn new(document: Document<'s>, asked: impl Iterator<Item = usize>) -> Self {
        Self { document, begins: asked.map(|line| (line, None)).collect(), ends: BTreeMap::new() }
    }

    fn at(&self, line: usize) -> Option<&[Step]> {
        let begins = self.begins.get(&line).and_then(Option::as_deref);
        begins.or_else(|| self.ends.get(&line).map(Vec::as_slice))
    }

    /// Visits every entry and item below `root`, without recursion since texts may be deep.
    fn walk(&mut self, root: Node<'s>) {
        let mut steps = Vec::new();
        let mut open = vec![Children::of(root)];
        while let Some(children) = open.last_mut() {
            let Some((step, first, value)) = children.next() else {
                open.pop();
                steps.pop();
                continue;
            };
            steps.push(step);
            self.visit(first, value, &steps);
            if value.is_alias() || !value.raw().kind.opens() {
                steps.pop();
            } else {
                open.push(Children::of(value));
            }
        }
    }

    fn visit(&mut self, first: Node<'s>, value: Node<'s>, steps: &[Step]) {
        let line = first.position().line;
        if let Some(begins) = self.begins.get_mut(&line) {
            let shared = begins.as_deref().map_or(steps.len(), |known| {
                known.iter().zip(steps).take_while(|(known, step)| known == step).count()
            });
            match begins {
                Some(known) => known.truncate(shared),
                None => *begins = Some(steps.to_vec()),
            }
        }
        let is_block = value.raw().kind.opens() && !value.raw().kind.is_flow();
        if !value.is_alias() && !is_block {
            let end = self.document.position(value.span().end).line;
            if end != line && self.begins.contains_key(&end) {
                self.ends.entry(end).or_insert_with(|| steps.to_vec());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Stream;

    /// Each comment with the line and path that it is about.
    fn comments(text: &str) -> Vec<String> {
        let stream = Stream::scan(text).unwrap();
        let comments = stream.documents().flat_map(|document| document.comments(|_| true));
        let shown = comments.map(|comment| match comment.place {
            Some(place) => format!("{}@{}:{}", comment.text.trim(), place.line, place.path),
            None => format!("{}@nothing", comment.text.trim()),
        });
        shown.collect()
    }

    #[test]
    fn a_comment_behind_a_value_is_about_its_line() {
        let text = "a: 1 # one\nb: # two\n  c: 3 # three\nlist:\n- d: 4 # four\n  e: 5 # five\n- f # six\n";
        assert_eq!(
            comments(text),
            ["one@1:a", "two@2:b", "three@3:b.c", "four@5:list[0]", "five@6:list[0].e", "six@7:list[1]"]
        );
    }

    #[test]
    fn a_comment_on_its_own_line_is_about_what_follows() {
        let text = "# one\na:\n  # two\n  # three\n\n  b: 1\n  # four\nlist:\n  # five\n  - c: 1\n    # six\n    d: 2\n# seven\n";
        assert_eq!(
            comments(text),
            [
                "one@2:a",
                "two@6:a.b",
                "three@6:a.b",
                "four@8:list",
                "five@10:list[0]",
                "six@12:list[0].d",
                "seven@nothing"
            ]
        );
    }

    #[test]
    fn lone_dashes_and_markers_say_nothing() {
        let text = "--- # one\nlist:\n- # two\n  a: 1\n--- # three\nb: 1\n";
        assert_eq!(comments(text), ["one@2:list", "two@4:list[0]", "three@6:b"]);
    }

    #[test]
    fn what_stands_side_by_side_is_meant_together() {
        let text = "a: {b: 1, c: 2} # one\nd: [\n  x, y, # two\n  {e: 1,\n   f: 2} # three\n] # four\n";
        assert_eq!(comments(text), ["one@1:a", "two@3:d", "three@5:d[2].f", "four@6:d"]);
        assert_eq!(comments("{a: 1, b: 2} # one\n"), ["one@1:"]);
        assert_eq!(comments("a: {b: {\n  c: 1\n }} # one\n"), ["one@3:a"]);
    }

    #[test]
    fn only_what_stands_between_tokens_is_a_comment() {
        let text = "a: |  # one\n  text # none\n  # none\nb: 'x # none'\nc: y#none # two\r\nd: &x 1 # three # and\ne: *x # four\n";
        assert_eq!(comments(text), ["one@1:a", "two@5:c", "three # and@6:d", "four@7:e"]);
    }

    #[test]
    fn other_comments_are_passed_over() {
        let stream = Stream::scan("a: 1 # one\nb: 2 # two\n").unwrap();
        let found = stream.document(0).unwrap().comments(|text| text == " two");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].position.line, found[0].position.column), (2, 6));
    }

    #[test]
    fn deep_texts_are_no_trouble() {
        let depth = 9_000;
        let text = format!("{}1{} # one\n", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(comments(&text), ["one@1:[0]"]);
    }
}
