//! Text made from other text: the same for the same seed.

use std::ops::Range;

/// A small generator of numbers.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit.max(1)
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Pieces that mean something in some place.
pub(super) const PIECES: &[&str] = &[
    "a", "b", " ", "  ", "\t", "\n", "\n  ", "\n    ", "\r\n", "\r", ":", ": ", "- ", "-", ",", ", ", "[",
    "]", "{", "}", "&a ", "*a", "&b", "*b ", "!t ", "!!str ", "!", "?", "? ", "|", ">", "|-", ">+", "|2",
    "'", "\"", "''", "\\", "\\\n", "\\x41", "#", " #", "# c\n", "%", "@", "`", "---", "---\n", "--- ",
    "...\n", "...", "~", "null", "é", "\u{feff}", "\u{85}", "\u{2028}", "\u{a0}", "😀", "key: ", "- - ",
    "a: 1\n", "0x1F", "1e3", "yes", "<<: *a", "=",
];

/// One change somewhere in `text`.
pub(super) fn mutate(text: &mut String, random: &mut Random) {
    match random.below(17) {
        0 | 1 => on_lines(text, random, |lines, at, _| {
            lines.remove(at);
        }),
        2 => on_lines(text, random, |lines, at, _| lines.insert(at, lines[at].clone())),
        3 => on_lines(text, random, |lines, at, random| {
            let other = random.below(lines.len());
            lines.swap(at, other);
        }),
        4 | 5 => on_lines(text, random, |lines, at, random| {
            let deeper = random.below(4) + 1;
            lines[at].insert_str(0, &" ".repeat(deeper));
        }),
        6 | 7 => on_lines(text, random, |lines, at, random| {
            let spaces = lines[at].len() - lines[at].trim_start_matches(' ').len();
            let gone = random.below(spaces + 1);
            lines[at].drain(..gone);
        }),
        8 => on_lines(text, random, |lines, at, random| {
            let line = random.pick(&[
                "# comment\n",
                "\n",
                "   \n",
                "\t\n",
                "  # c\r\n",
                "\r\n",
                " \t # c\n",
                "---\n",
                "...\n",
            ]);
            lines.insert(at, line.to_owned());
        }),
        9 => on_lines(text, random, |lines, at, random| {
            let end = lines[at].trim_end_matches(['\r', '\n']).len();
            lines[at].insert_str(
                end,
                random.pick(&[" # c", "#c", " ", "\t", "\t# c", "\r", ":", " |", ",", " &a", " !t", " *a"]),
            );
        }),
        10 => {
            let at = place(text, random);
            text.insert_str(at, random.pick(PIECES));
        }
        11 => {
            let at = place(text, random);
            text.truncate(at);
        }
        12 => {
            let range = span(text, random);
            text.replace_range(range, "");
        }
        13 => {
            let range = span(text, random);
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
        14 => {
            let range = span(text, random);
            let copied = text[range].to_owned();
            let at = place(text, random);
            text.insert_str(at, &copied);
        }
        15 => on_lines(text, random, |lines, at, random| {
            // A property or an alias behind the first colon or dash, or in front of the line's content.
            let what = random.pick(&["&a ", "&b ", "*a ", "!t ", "!!str ", "&a !t ", "!!map &b ", "*b "]);
            let line = &lines[at];
            let indent = line.len() - line.trim_start_matches(' ').len();
            let behind = line.find(": ").or_else(|| line.find("- ")).map_or(indent, |sign| sign + 2);
            let into = if random.below(3) == 0 { indent } else { behind };
            lines[at].insert_str(into, what);
        }),
        _ => match random.below(4) {
            0 => *text = text.replace('\n', "\r\n"),
            1 => text.insert(0, '\u{feff}'),
            2 => *text = text.trim_end().to_owned(),
            _ => {
                let at = place(text, random);
                text.insert_str(at, &random.pick(PIECES).repeat(3));
            }
        },
    }
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

fn place(text: &str, random: &mut Random) -> usize {
    let at = random.below(text.len() + 1);
    text.floor_char_boundary(at)
}

/// A short stretch of text.
fn span(text: &str, random: &mut Random) -> Range<usize> {
    let start = place(text, random);
    let end = text.floor_char_boundary((start + random.below(24)).min(text.len()));
    start..end.max(start)
}

/// The least text that still shows what `shows` looks for, by leaving out lines and then characters.
pub(super) fn least(text: &str, shows: impl Fn(&str) -> bool) -> String {
    let mut best = text.to_owned();
    loop {
        let before = best.len();
        let lines: Vec<&str> = best.split_inclusive('\n').collect();
        let mut size = lines.len().next_power_of_two();
        let mut kept: Vec<String> = lines.into_iter().map(str::to_owned).collect();
        while size > 0 {
            let mut at = 0;
            while at < kept.len() {
                let without = [&kept[..at], &kept[(at + size).min(kept.len())..]].concat();
                if shows(&without.concat()) { kept = without } else { at += size }
            }
            size /= 2;
        }
        let mut chars: Vec<char> = kept.concat().chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let mut without = chars.clone();
            without.remove(at);
            if shows(&without.iter().collect::<String>()) { chars = without } else { at += 1 }
        }
        best = chars.into_iter().collect();
        if best.len() >= before {
            return best;
        }
    }
}
