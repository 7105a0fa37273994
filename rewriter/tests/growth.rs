//! Nothing takes more than linear time, whatever the input looks like.
//!
//! Each shape is tried at one size and at sixteen times that size. Linear work takes sixteen times as long,
//! quadratic work 256 times: the bound lies between the two, far from both, and the best of several runs counts.

#![cfg(test)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use rewriter::{RefusalReason, Stream};

const GROWTH: usize = 16;
const BOUND: u32 = 64;

/// What no machine measures well is not held against the bound.
const LEAST: Duration = Duration::from_micros(20);

/// The time that this thread has had a processor for, so that a busy machine does not count.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn best(runs: usize, work: impl Fn()) -> Duration {
    let run = |_| {
        let start = processor_time();
        work();
        processor_time().saturating_sub(start)
    };
    (0..runs).map(run).min().unwrap_or_default()
}

/// Tries `work` on what `make` makes of a size and of sixteen times that size.
#[track_caller]
fn is_linear<T>(name: &str, size: usize, make: impl Fn(usize) -> T, work: impl Fn(&T)) {
    let (small, large) = (make(size), make(size * GROWTH));
    // A neighbour on the machine may spoil a measurement, hardly three of them.
    let measure = || (best(5, || work(&small)).max(LEAST), best(3, || work(&large)));
    let tries: Vec<_> =
        (0..3).map(|_| measure()).take_while(|(small, large)| *large > *small * BOUND).collect();
    assert!(tries.len() < 3, "{name}: {tries:?}");
}

/// A text of a shape, of about so many bytes.
type Shape = (&'static str, fn(usize) -> String);

fn times(bytes: usize, piece: &str) -> String {
    piece.repeat(bytes / piece.len() + 1)
}

fn numbered(bytes: usize, piece: impl Fn(&mut String, usize)) -> String {
    let mut text = String::new();
    for number in 0.. {
        if text.len() >= bytes {
            break;
        }
        piece(&mut text, number);
    }
    text
}

/// The depth at which a block of nested keys, a blank deeper each, has so many bytes.
fn depth(bytes: usize) -> usize {
    (bytes * 2).isqrt()
}

/// A key of each depth, or of each column on the way back.
fn nested_keys(columns: impl Iterator<Item = usize>) -> String {
    let mut text = String::new();
    for (number, column) in columns.enumerate() {
        text.push_str(&" ".repeat(column));
        writeln!(text, "k{number}:").unwrap();
    }
    text
}

const SHAPES: &[Shape] = &[
    ("flow list on one line", |n| format!("[{}]", times(n, "a, "))),
    ("flow map on one line", |n| format!("{{{}}}", times(n, "a: 1, "))),
    ("JSON on one line", |n| format!("{{{}}}", times(n, "\"a\":[1,{\"b\":null}],"))),
    ("flow list of pairs", |n| format!("[{}]", times(n, "a: 1, "))),
    ("flow list over lines", |n| format!("a: [{}]", times(n, "b,\n  # c\n"))),
    ("plain text in a flow list", |n| format!("[{}]", times(n, "word\n "))),
    ("nested flow lists", |n| times(n, &format!("---\n{}{}\n", "[".repeat(2000), "]".repeat(2000)))),
    ("flow lists that are never closed", |n| times(n, "[")),
    ("flow maps that are never closed", |n| times(n, "{a: ")),
    ("closing brackets", |n| format!("[{}", times(n, "]"))),
    ("comments in front of a value", |n| format!("a:\n{}  b: 1\n", times(n, "# c\n"))),
    ("one long comment", |n| format!("a: 1 # {}", times(n, "c"))),
    ("blank lines", |n| format!("a: 1\n{}b: 2\n", times(n, "\n"))),
    ("blank lines in front of a value", |n| format!("a:\n{}  b\n", times(n, " \n"))),
    ("blank lines in flow text", |n| format!("[a{}b]", times(n, "\n"))),
    ("blank lines in quotes", |n| format!("\"a{}b\"", times(n, "\n"))),
    ("blank lines in a block text", |n| format!("a: |\n  b\n{}  c\n", times(n, "\n"))),
    ("blank lines behind a block text", |n| format!("a: |+\n  b\n{}c: 1\n", times(n, "\n"))),
    ("blank lines between entries", |n| times(n, "a: b\n\n\n\n\n\n\n\n")),
    ("one long blank line", |n| format!("a: 1\n{}\n", times(n, " "))),
    ("blanks behind plain text", |n| times(n, &format!("a: b{}\n", " ".repeat(200)))),
    ("blanks in plain text", |n| format!("a: {}b", times(n, "b  "))),
    ("dashes on one line", |n| times(n, &format!("---\n{}a\n", "- ".repeat(2000)))),
    ("dashes without end", |n| times(n, "- ")),
    ("long list", |n| times(n, "- a\n")),
    ("long map", |n| numbered(n, |text, number| writeln!(text, "k{number}: v").unwrap())),
    ("list at its key's column", |n| format!("a:\n{}", times(n, "- b: c\n"))),
    ("long plain text", |n| format!("a: {}", times(n, "b"))),
    ("plain text of many colons", |n| format!("a: {}", times(n, "b:"))),
    ("plain text of many number signs", |n| format!("a: {}", times(n, "b#"))),
    ("plain text over lines", |n| format!("a: {}", times(n, "b\n  "))),
    ("double quotes", |n| format!("a: \"{}\"", times(n, "b"))),
    ("double quotes over lines", |n| format!("a: \"{}\"", times(n, "b\n"))),
    ("escape sequences", |n| format!("a: \"{}\"", times(n, "\\n\\u00e9\\\\"))),
    ("backslashes in front of line ends", |n| format!("a: \"{}\"", times(n, "\\\\\\\n"))),
    ("single quotes", |n| format!("a: '{}'", times(n, "b''c\n"))),
    ("quotes that are never closed", |n| times(n, "\"a\" \"b: \n")),
    ("literal", |n| format!("a: |\n{}", times(n, "  b\n"))),
    ("literal with a long line", |n| format!("a: |\n  {}\n", times(n, "b"))),
    ("folded", |n| format!("a: >\n{}", times(n, "  b\n\n   c\n"))),
    ("many literals", |n| times(n, "- |\n  a\n")),
    ("anchors", |n| numbered(n, |text, number| writeln!(text, "- &a{number} b").unwrap())),
    ("one anchor again and again", |n| times(n, "- &a b\n- *a\n")),
    ("anchors and aliases", |n| {
        numbered(n, |text, number| writeln!(text, "- &a{number} b\n- *a{number}").unwrap())
    }),
    ("aliases of one long list", |n| format!("- &a [{}]\n{}", times(n / 2, "b,"), times(n / 2, "- *a\n"))),
    ("aliases of aliases", |n| {
        numbered(n, |text, number| match number {
            0 => text.push_str("- &a0 [x, y]\n"),
            _ => writeln!(text, "- &a{number} [*a{0}, *a{0}]", number - 1).unwrap(),
        })
    }),
    ("tags", |n| times(n, "- !t a\n- !!str b\n- !<x> c\n")),
    ("long tags", |n| times(n, &format!("- !{} a\n", "%41b".repeat(500)))),
    ("documents", |n| times(n, "---\na: 1\n")),
    ("empty documents", |n| times(n, "---\n")),
    ("documents that are refused", |n| times(n, "---\n? a\n")),
    ("documents with aliases of nothing", |n| times(n, "---\n*a\n")),
    ("documents with directives", |n| times(n, "%TAG ! x\n---\na\n...\n")),
    ("lines that are nearly markers", |n| format!("a: |\n{}", times(n, "  b\n---c\n"))),
    ("ends of documents", |n| format!("a\n{}", times(n, "...\n"))),
    ("long keys", |n| times(n, &format!("{}: 1\n", "k".repeat(1000)))),
    ("a key that is too long", |n| format!("{}: 1\n", times(n, "k"))),
    ("flow keys that are too long", |n| format!("{{{}: 1}}", times(n, "k"))),
    ("nested maps", |n| nested_keys(0..depth(n))),
    ("nested maps and back", |n| nested_keys(0..depth(n / 2)) + &nested_keys((0..depth(n / 2)).rev())),
    ("carriage returns", |n| times(n, "a: b\r\n")),
    ("letters of several bytes", |n| format!("a: {}", times(n, "é日😀\u{3000}"))),
    ("letters that start like separators", |n| format!("a: {}", times(n, "\u{a0}\u{2014}\u{ff01}"))),
];

#[test]
fn scanning_is_linear_in_every_shape() {
    for (name, shape) in SHAPES {
        is_linear(name, 8 << 10, shape, |text| {
            let _ = black_box(Stream::scan(text));
        });
    }
}

#[test]
fn reading_is_linear_in_every_shape() {
    for (name, shape) in SHAPES {
        let make = |size| shape(size);
        is_linear(name, 4 << 10, make, |text| {
            let Ok(stream) = Stream::scan(text) else { return };
            for document in stream.documents() {
                black_box(document.duplicate_key());
                let mut open: Vec<_> = document.root().into_iter().collect();
                while let Some(node) = open.pop() {
                    black_box((node.scalar(), node.position(), node.source().len()));
                    // What an alias stands for is read where it stands.
                    if !node.is_alias() {
                        open.extend(node.items());
                        open.extend(node.entries().flat_map(|(key, value)| [key, value]));
                    }
                }
            }
        });
    }
}

#[test]
fn places_are_found_without_going_over_the_text_again() {
    let text = |bytes| times(bytes, "é: x\r\n") + &times(bytes, "ä");
    is_linear("positions", 16 << 10, text, |text| {
        let stream = Stream::scan("").unwrap();
        black_box(&stream);
        let stream = Stream::scan(text).ok();
        if let Some(stream) = stream {
            (0..text.len()).step_by(64).for_each(|offset| {
                black_box(stream.position(offset));
            });
        }
    });
}

#[test]
fn nesting_has_a_bound_and_reaches_it() {
    for (open, close) in [("- ", ""), ("[", "]"), ("{a: ", "}")] {
        let nested = |depth: usize| format!("{}x{}", open.repeat(depth), close.repeat(depth));
        let text = nested(9_990);
        let stream = Stream::scan(&text).unwrap();
        let mut node = stream.document(0).unwrap().root();
        let mut depth = 0;
        while let Some(inner) = node.and_then(|node| node.items().next().or_else(|| node.get("a"))) {
            node = Some(inner);
            depth += 1;
        }
        assert_eq!(depth, 9_990);
        for depth in [10_010, 100_000, 1_000_000] {
            let error = Stream::scan(&nested(depth)).unwrap_err();
            assert!(error.message.contains("10000"), "{error}");
        }
    }
    assert!(Stream::scan(&nested_keys(0..2_000)).is_ok());
}

#[test]
fn aliases_that_expand_without_end_are_refused() {
    let bomb = |levels: usize| {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..levels {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            writeln!(text, "a{level}: &a{level} [{inner}]").unwrap();
        }
        text
    };
    for levels in [9, 30, 1_000] {
        let text = bomb(levels);
        let stream = Stream::scan(&text).unwrap();
        let refusal = stream.document(0).unwrap().refusal().unwrap();
        assert_eq!(refusal.reason, RefusalReason::ExcessiveAliasing);
    }
    // What people write is far below.
    assert_eq!(Stream::scan(&bomb(3)).unwrap().document(0).unwrap().refusal(), None);
}
