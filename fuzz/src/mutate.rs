//! Text made from other text by changes of lines, pieces and bytes.

use crate::random::Random;
use crate::structure;

/// Pieces that mean something in some place of YAML.
const PIECES: &[&str] = &[
    "a",
    " ",
    "  ",
    "\t",
    "\n",
    "\n  ",
    "\n    ",
    "\r\n",
    "\r",
    ":",
    ": ",
    "- ",
    "-",
    ",",
    ", ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "&b ",
    "*b ",
    "!t ",
    "!!str ",
    "!!int ",
    "!!map ",
    "!!binary ",
    "!",
    "?",
    "? ",
    "|",
    ">",
    "|-\n",
    ">+\n",
    "|2\n",
    "'",
    "\"",
    "''",
    "\\",
    "\\\n",
    "\\x41",
    "#",
    " #",
    "# c\n",
    "%",
    "@",
    "`",
    "---",
    "---\n",
    "--- ",
    "...\n",
    "~",
    "null",
    "é",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\u{a0}",
    "😀",
    "key: ",
    "- - ",
    "0x1F",
    "0o17",
    "1e3",
    "017",
    "1_000",
    "yes",
    "true",
    "false",
    "0",
    "-1",
    "9223372036854775808",
    ".inf",
    "2001-01-01",
    "<<: *a",
    "<<: ",
    "=",
    "\0",
    "\u{1b}[31m",
    "\u{202e}",
    "{{ .Values.x }}",
    "$(X)",
    "{}",
    "[]",
    "\"\"",
];

/// Lines of manifests in which something is decided.
const LINES: &str = include_str!("seeds/lines.txt");

/// What stands at the end of lines.
const TAILS: &[&str] = &[
    " # c",
    "#c",
    " ",
    "\t",
    "\t# c",
    "\r",
    ":",
    " |",
    ",",
    " &a",
    " !t",
    " *a",
    " # cce-fix: ignore[host-path] why",
    " >-",
    " {}",
    " []",
    " ~",
    " ''",
];

/// Where cases come from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    /// Whole texts of the same kind.
    pub(crate) texts: &'a [String],
    /// Whether they are manifests, and not single lines.
    pub(crate) yaml: bool,
}

/// A new text made of `text`, by some changes.
pub(crate) fn mutated(text: &str, sources: Sources<'_>, random: &mut Random) -> String {
    let mut text = text.to_owned();
    let changes = if random.one_in(8) { 4 + random.below(12) } else { 1 + random.below(4) };
    for _ in 0..changes {
        if sources.yaml && random.one_in(2) {
            structure::change(&mut text, random);
        } else if sources.yaml {
            change(&mut text, sources, random);
        } else {
            change_line(&mut text, sources, random);
        }
    }
    text
}

/// One change of a text of one line.
fn change_line(text: &mut String, sources: Sources<'_>, random: &mut Random) {
    match random.below(8) {
        0 => {
            let range = random.span(text, 6);
            text.replace_range(range, "");
        }
        1 => {
            let range = random.span(text, 12);
            let copied = text[range].to_owned();
            let at = random.place(text);
            text.insert_str(at, &copied);
        }
        2 => {
            let at = random.place(text);
            let piece = random.pick(&[
                ".", ":", "/", "-", "_", "@", "0", "9", "a", "A", "v", "+", "e", "i", " ", "é", "--", "__",
            ]);
            text.insert_str(at, piece);
        }
        3 => {
            let other = random.pick(sources.texts);
            let from = random.place(&other);
            let at = random.place(text);
            text.truncate(at);
            text.push_str(&other[from..]);
        }
        4 => {
            let at = random.place(text);
            let (times, what) = (1 + random.below(40), random.pick(&['0', 'a', '9', 'f', '.', '-', '/']));
            text.insert_str(at, &String::from(what).repeat(times));
        }
        5 => {
            let range = random.span(text, 4);
            let upper = if random.one_in(2) {
                text[range.clone()].to_uppercase()
            } else {
                text[range.clone()].to_lowercase()
            };
            text.replace_range(range, &upper);
        }
        6 => {
            let at = random.place(text);
            text.insert(
                at,
                char::from_u32(u32::try_from(random.below(0x250)).unwrap_or_default()).unwrap_or('x'),
            );
        }
        _ => {
            let at = random.place(text);
            text.truncate(at);
        }
    }
}

/// One change somewhere in `text`.
fn change(text: &mut String, sources: Sources<'_>, random: &mut Random) {
    match random.below(24) {
        0..=10 => change_lines(text, random),
        11..=16 => change_pieces(text, random),
        _ => bring_in(text, sources, random),
    }
}

/// Lines go, come twice, change places, move to the side, or get something at their ends.
fn change_lines(text: &mut String, random: &mut Random) {
    match random.below(11) {
        0 | 1 => on_lines(text, random, |lines, at, random| {
            let count = if random.one_in(3) { random.below(5) } else { 1 };
            let end = (at + count).min(lines.len());
            lines.drain(at..end);
        }),
        2 => on_lines(text, random, |lines, at, random| {
            let end = (at + 1 + random.below(6)).min(lines.len());
            let doubled = lines[at..end].to_vec();
            lines.splice(end..end, doubled);
        }),
        3 => on_lines(text, random, |lines, at, random| {
            let other = random.below(lines.len());
            lines.swap(at, other);
        }),
        4 | 5 => on_lines(text, random, |lines, at, random| {
            let end = if random.one_in(2) { at + 1 } else { end_of_block(lines, at) };
            let deeper = " ".repeat(random.below(4) + 1);
            lines[at..end].iter_mut().for_each(|line| line.insert_str(0, &deeper));
        }),
        6 | 7 => on_lines(text, random, |lines, at, random| {
            let end = if random.one_in(2) { at + 1 } else { end_of_block(lines, at) };
            let gone = random.below(indent(&lines[at]) + 1);
            for line in &mut lines[at..end] {
                line.drain(..gone.min(indent(line)));
            }
        }),
        8 | 9 => on_lines(text, random, |lines, at, random| {
            let wide = " ".repeat(random.below(12));
            let line = match random.below(10) {
                0 => "\n".to_owned(),
                1 => format!("{wide}\n"),
                2 => "\t\n".to_owned(),
                3 => format!("{wide}# c\r\n"),
                4 => "---\n".to_owned(),
                5 => "...\n".to_owned(),
                6 => "%YAML 1.1\n---\n".to_owned(),
                7 => format!("{wide}\t# c\n"),
                _ => format!("{wide}# a line: of [its own\n"),
            };
            lines.insert(at, line);
        }),
        _ => on_lines(text, random, |lines, at, random| {
            let end = lines[at].trim_end_matches(['\r', '\n']).len();
            lines[at].insert_str(end, random.pick(TAILS));
        }),
    }
}

/// Something is cut out, put in, or put between brackets, wherever that is.
fn change_pieces(text: &mut String, random: &mut Random) {
    match random.below(6) {
        0 | 1 => {
            let at = random.place(text);
            text.insert_str(at, random.pick(PIECES));
        }
        2 => {
            let at = random.place(text);
            if random.one_in(3) {
                text.drain(..at);
            } else {
                text.truncate(at);
            }
        }
        3 => {
            let range = random.span(text, 24);
            text.replace_range(range, "");
        }
        4 => {
            let range = random.span(text, 24);
            let (open, close) = random.pick(&[
                ("[", "]"),
                ("{", "}"),
                ("\"", "\""),
                ("'", "'"),
                ("{a: ", "}"),
                ("[a, ", " ]"),
            ]);
            text.insert_str(range.end, close);
            text.insert_str(range.start, open);
        }
        _ => {
            let at = random.place(text);
            let times = 1 + random.below(3);
            text.insert_str(at, &random.pick(PIECES).repeat(times));
        }
    }
}

/// What was not in the text: properties, lines of Kubernetes, of other texts, other line ends, whole documents.
fn bring_in(text: &mut String, sources: Sources<'_>, random: &mut Random) {
    match random.below(7) {
        0 => on_lines(text, random, |lines, at, random| {
            // A property or an alias behind the first colon or dash, or in front of the line's content.
            let what = random.pick(&[
                "&a ",
                "&b ",
                "*a ",
                "!t ",
                "!!str ",
                "&a !t ",
                "!!map &b ",
                "*b ",
                "? ",
                ": ",
            ]);
            let line = &lines[at];
            let behind = line.find(": ").or_else(|| line.find("- ")).map_or(indent(line), |sign| sign + 2);
            let into = if random.one_in(3) { indent(line) } else { behind };
            lines[at].insert_str(into, what);
        }),
        1..=3 => on_lines(text, random, |lines, at, random| {
            // A line of Kubernetes where it may belong.
            let wide = indent(&lines[at]) + random.pick(&[0, 0, 0, 2, 4]);
            let line = format!("{}{}\n", " ".repeat(wide), line_of_kubernetes(random));
            lines.insert(at + random.below(2), line);
        }),
        4 => {
            // Some lines of another text, moved to where they may belong.
            let other = random.pick(sources.texts);
            on_lines(text, random, |lines, at, random| {
                let theirs: Vec<&str> = other.split_inclusive('\n').collect();
                let from = random.below(theirs.len());
                let Some(first) = theirs.get(from) else { return };
                let end = (from + 1 + random.below(8)).min(theirs.len());
                let (old, new) = (indent(first), indent(&lines[at]));
                let moved = theirs[from..end].iter().map(|line| {
                    let cut = indent(line).min(old);
                    format!("{}{}", " ".repeat(new), &line[cut..])
                });
                let moved: Vec<String> = moved.collect();
                lines.splice(at..at, moved);
            });
        }
        5 => match random.below(6) {
            0 => *text = text.replace('\n', "\r\n"),
            1 => text.insert(0, '\u{feff}'),
            2 => *text = text.trim_end().to_owned(),
            3 => *text = text.replace("\r\n", "\n"),
            4 => on_lines(text, random, |lines, at, _| lines[at] = lines[at].replace('\n', "\r\n")),
            _ => text.push_str(random.pick(&["\n\n", "  ", "\n...\n", "---\n", "# end", "\t"])),
        },
        _ => {
            // Another text behind this one, as one more document.
            let other = random.pick(sources.texts);
            if text.len() + other.len() < 8_000 {
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str("---\n");
                text.push_str(other.trim_start_matches('\u{feff}'));
            }
        }
    }
}

fn line_of_kubernetes(random: &mut Random) -> &'static str {
    let at = random.below(LINES.lines().count());
    LINES.lines().nth(at).unwrap_or_default()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The line behind the one at `at` and all that stand deeper.
fn end_of_block(lines: &[String], at: usize) -> usize {
    let own = indent(&lines[at]);
    let deeper = lines[at + 1..].iter().take_while(|line| indent(line) > own || line.trim().is_empty());
    at + 1 + deeper.count()
}

/// Does something with one of the lines, which keep their line ends.
fn on_lines(
    text: &mut String,
    random: &mut Random,
    change: impl FnOnce(&mut Vec<String>, usize, &mut Random),
) {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if !lines.is_empty() {
        let at = random.below(lines.len());
        change(&mut lines, at, random);
        *text = lines.concat();
    }
}
