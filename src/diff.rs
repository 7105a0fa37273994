//! Unified diffs that `git apply` and `patch -p1` take, whatever the bytes, and the same for a terminal.
//!
//! A line ends at `\n` and nowhere else, as it does for git: a lone CR, a vertical tab or U+2028 is content.
//! Nothing is decoded, so a file in any encoding has a diff that applies.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::ops::Range;
use std::path::{Component, MAIN_SEPARATOR, Path};

use anstyle::{AnsiColor, Style};
use similar::{DiffOp, DiffTag, TextDiff};

/// Unchanged lines around a change: what git and diff print unless told otherwise.
const CONTEXT: usize = 3;

/// What the two header lines of a diff call the file, quoted as git quotes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffName {
    old: Vec<u8>,
    new: Vec<u8>,
}

impl DiffName {
    /// Names `path` as seen from `folder`, the folder in which the diff would be applied.
    ///
    /// A path inside it becomes `a/PATH` and `b/PATH` with forward slashes. One outside it, absolute or with
    /// `..`, is printed as given: such a diff is for reading, since `git apply` refuses it under any name.
    pub fn new(path: &Path, folder: &Path) -> Self {
        let path = path.strip_prefix(folder).unwrap_or(path);
        let Some(inside) = inside(path) else {
            let given = quoted(&forward_slashes(path.as_os_str()));
            return Self { old: given.clone(), new: given };
        };
        Self {
            old: quoted(&[b"a/", inside.as_slice()].concat()),
            new: quoted(&[b"b/", inside.as_slice()].concat()),
        }
    }
}

/// The path with its `.` taken out and forward slashes, or `None` where it can lead out of the folder.
fn inside(path: &Path) -> Option<Vec<u8>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.as_encoded_bytes()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(names.join(&b'/'))
}

fn forward_slashes(path: &OsStr) -> Vec<u8> {
    let separator = MAIN_SEPARATOR as u32;
    path.as_encoded_bytes().iter().map(|&b| if u32::from(b) == separator { b'/' } else { b }).collect()
}

/// The name as git prints it after `---` with its `core.quotePath` at the default.
fn quoted(name: &[u8]) -> Vec<u8> {
    let mut label = if name.iter().copied().any(needs_escape) { escaped(name) } else { name.to_vec() };
    // Readers of a diff look for a date after the name; the tab tells them where a name with blanks ends.
    if name.contains(&b' ') {
        label.push(b'\t');
    }
    label
}

fn needs_escape(byte: u8) -> bool {
    !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\')
}

/// The name between quotes, in C's escapes.
fn escaped(name: &[u8]) -> Vec<u8> {
    let mut label = vec![b'"'];
    for &byte in name {
        match byte {
            b'"' | b'\\' => label.extend([b'\\', byte]),
            0x07 => label.extend(b"\\a"),
            0x08 => label.extend(b"\\b"),
            b'\t' => label.extend(b"\\t"),
            b'\n' => label.extend(b"\\n"),
            0x0b => label.extend(b"\\v"),
            0x0c => label.extend(b"\\f"),
            b'\r' => label.extend(b"\\r"),
            _ if needs_escape(byte) => label.extend(format!("\\{byte:03o}").bytes()),
            _ => label.push(byte),
        }
    }
    label.push(b'"');
    label
}

/// The unified diff that makes `new` out of `old`; empty when they are equal.
///
/// The same input always gives the same diff: `similar` is not given a deadline, because the search for the
/// shortest diff that it would cut short is bounded by the number of lines already.
pub fn unified(name: &DiffName, old: &[u8], new: &[u8]) -> Vec<u8> {
    if old == new {
        return Vec::new();
    }
    let window = Window::around_changes(old, new);
    let mut diff = [b"--- ", name.old.as_slice(), b"\n+++ ", name.new.as_slice(), b"\n"].concat();
    for hunk in similar::group_diff_ops(window.ops(), CONTEXT) {
        window.write_hunk(&mut diff, &hunk);
    }
    diff
}

/// The ranges of lines, counted from zero, that differ: in `old`, and what takes their place in `new`.
pub fn changed_lines(old: &[u8], new: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    if old == new {
        return Vec::new();
    }
    let window = Window::around_changes(old, new);
    let mut changed: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for op in window.ops().into_iter().filter(|op| op.tag() != DiffTag::Equal) {
        let moved = |lines: Range<usize>| lines.start + window.skipped..lines.end + window.skipped;
        let (from, to) = (moved(op.old_range()), moved(op.new_range()));
        match changed.last_mut() {
            Some((last_from, last_to)) if last_from.end == from.start && last_to.end == to.start => {
                (last_from.end, last_to.end) = (from.end, to.end);
            }
            _ => changed.push((from, to)),
        }
    }
    changed
}

/// The diff that makes `new`, a file that is not there yet.
pub fn created(name: &DiffName, new: &[u8], is_program: bool) -> Vec<u8> {
    let mode: &[u8] = if is_program { b"100755" } else { b"100644" };
    let nothing = DiffName { old: b"/dev/null".to_vec(), new: name.new.clone() };
    let header = [b"diff --git ", name.old.as_slice(), b" ", &name.new, b"\nnew file mode ", mode, b"\n"];
    [header.concat(), unified(&nothing, b"", new)].concat()
}

/// The lines of two files from the first change to the last, and a few unchanged ones around them.
///
/// What two files have in common at both ends is most of them, and costs one comparison of memory here
/// where `similar` would look at every line.
struct Window<'a> {
    /// Lines of either file before the window.
    skipped: usize,
    /// Unchanged lines that open the window.
    before: usize,
    /// Unchanged lines that close it.
    after: usize,
    old: Vec<&'a [u8]>,
    new: Vec<&'a [u8]>,
}

impl<'a> Window<'a> {
    fn around_changes(old: &'a [u8], new: &'a [u8]) -> Self {
        let prefix = after_newline(&old[..common_prefix(old, new)]);
        let suffix = common_lines_at_end(&old[prefix..], &new[prefix..]);
        let start = lines_back(&old[..prefix], CONTEXT);
        // From the end, because the two files differ in length.
        let end = suffix - lines_forward(&old[old.len() - suffix..], CONTEXT);
        Self {
            skipped: count_newlines(&old[..start]),
            before: count_newlines(&old[start..prefix]),
            after: lines(&old[old.len() - suffix..old.len() - end]).count(),
            old: lines(&old[start..old.len() - end]).collect(),
            new: lines(&new[start..new.len() - end]).collect(),
        }
    }

    /// What turns the old lines into the new ones.
    ///
    /// `similar` sees the changed middle alone. It slides a change along equal lines, and could slide it
    /// to the edge of the window, where the hunk would lose the context that a reader of the diff needs to
    /// tell it from the end of the file.
    fn ops(&self) -> Vec<DiffOp> {
        let old_middle = self.before..self.old.len() - self.after;
        let new_middle = self.before..self.new.len() - self.after;
        let mut ops = vec![DiffOp::Equal { old_index: 0, new_index: 0, len: self.before }];
        for (old, new) in self.parts(&old_middle, &new_middle) {
            let (old_lines, new_lines) = (&self.old[old.clone()], &self.new[new.clone()]);
            if old_lines == new_lines {
                ops.push(DiffOp::Equal { old_index: old.start, new_index: new.start, len: old.len() });
            } else {
                let diff = TextDiff::from_slices(old_lines, new_lines);
                ops.extend(diff.ops().iter().map(|op| moved_down(*op, old.start, new.start)));
            }
        }
        ops.push(DiffOp::Equal { old_index: old_middle.end, new_index: new_middle.end, len: self.after });
        ops.retain(|op| !(op.old_range().is_empty() && op.new_range().is_empty()));
        ops.dedup_by(|next, last| match (next, last) {
            (DiffOp::Equal { len: more, .. }, DiffOp::Equal { len, .. }) => {
                *len += *more;
                true
            }
            _ => false,
        });
        ops
    }

    /// Parts of the middle that can be compared each for itself: they begin at lines without indentation that
    /// both files have.
    ///
    /// In a file of many documents or many items `similar` would search ever longer, and in the end give up on
    /// the shortest diff. What is fixed stands below such lines; so they are as many afterwards, each in its turn.
    fn parts(&self, old: &Range<usize>, new: &Range<usize>) -> Vec<(Range<usize>, Range<usize>)> {
        let starts = |lines: &[&[u8]], range: &Range<usize>| -> Vec<usize> {
            range.clone().filter(|&line| !lines[line].first().is_none_or(u8::is_ascii_whitespace)).collect()
        };
        let (old_starts, new_starts) = (starts(&self.old, old), starts(&self.new, new));
        if old_starts.len() != new_starts.len() {
            return vec![(old.clone(), new.clone())];
        }
        let mut parts = Vec::new();
        let mut start = (old.start, new.start);
        // A line that is in flow style as a whole can be another afterwards.
        let same = old_starts.into_iter().zip(new_starts).filter(|&(at, to)| self.old[at] == self.new[to]);
        for end in same.chain([(old.end, new.end)]) {
            parts.push((start.0..end.0, start.1..end.1));
            start = end;
        }
        parts
    }

    fn write_hunk(&self, diff: &mut Vec<u8>, hunk: &[DiffOp]) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return };
        let old = self.hunk_range(first.old_range().start..last.old_range().end);
        let new = self.hunk_range(first.new_range().start..last.new_range().end);
        diff.extend(format!("@@ -{old} +{new} @@\n").bytes());
        for op in hunk {
            let (tag, old, new) = op.as_tag_tuple();
            match tag {
                DiffTag::Equal => write_lines(diff, b' ', &self.old[old]),
                DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                    write_lines(diff, b'-', &self.old[old]);
                    write_lines(diff, b'+', &self.new[new]);
                }
            }
        }
    }

    /// Lines of the window as a hunk header counts them: from 1, and no lines stand after the line before them.
    fn hunk_range(&self, lines: Range<usize>) -> String {
        let start = self.skipped + lines.start;
        match lines.len() {
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            many => format!("{},{many}", start + 1),
        }
    }
}

fn write_lines(diff: &mut Vec<u8>, sign: u8, lines: &[&[u8]]) {
    for line in lines {
        diff.push(sign);
        diff.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            diff.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

/// The same operation on lines that stand `old` and `new` lines further down.
fn moved_down(op: DiffOp, old: usize, new: usize) -> DiffOp {
    match op {
        DiffOp::Equal { old_index, new_index, len } => {
            DiffOp::Equal { old_index: old_index + old, new_index: new_index + new, len }
        }
        DiffOp::Delete { old_index, old_len, new_index } => {
            DiffOp::Delete { old_index: old_index + old, old_len, new_index: new_index + new }
        }
        DiffOp::Insert { old_index, new_index, new_len } => {
            DiffOp::Insert { old_index: old_index + old, new_index: new_index + new, new_len }
        }
        DiffOp::Replace { old_index, old_len, new_index, new_len } => {
            DiffOp::Replace { old_index: old_index + old, old_len, new_index: new_index + new, new_len }
        }
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n')
}

fn count_newlines(text: &[u8]) -> usize {
    text.iter().map(|&byte| usize::from(byte == b'\n')).sum()
}

/// The length of `text` up to and with its last newline.
fn after_newline(text: &[u8]) -> usize {
    text.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1)
}

/// Where the last `count` lines of `text` begin; `text` ends with a newline.
fn lines_back(text: &[u8], count: usize) -> usize {
    (0..count).fold(text.len(), |end, _| after_newline(&text[..end.saturating_sub(1)]))
}

/// The length of the first `count` lines of `text`.
fn lines_forward(text: &[u8], count: usize) -> usize {
    lines(text).take(count).map(<[u8]>::len).sum()
}

/// Slices of this size are compared at once: equal memory is found faster than the byte that differs.
const CHUNK: usize = 4096;

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let chunks = a.chunks_exact(CHUNK).zip(b.chunks_exact(CHUNK)).take_while(|(a, b)| a == b).count() * CHUNK;
    chunks + a[chunks..].iter().zip(&b[chunks..]).take_while(|(a, b)| a == b).count()
}

fn common_suffix(a: &[u8], b: &[u8]) -> usize {
    let chunks =
        a.rchunks_exact(CHUNK).zip(b.rchunks_exact(CHUNK)).take_while(|(a, b)| a == b).count() * CHUNK;
    let (a, b) = (&a[..a.len() - chunks], &b[..b.len() - chunks]);
    chunks + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

/// The length of the whole lines that both texts end with.
fn common_lines_at_end(a: &[u8], b: &[u8]) -> usize {
    let common = common_suffix(a, b);
    if starts_line(a, a.len() - common) && starts_line(b, b.len() - common) {
        return common;
    }
    let tail = &a[a.len() - common..];
    let cut = tail.iter().position(|&byte| byte == b'\n').map_or(common, |newline| newline + 1);
    common - cut
}

fn starts_line(text: &[u8], at: usize) -> bool {
    at == 0 || text[at - 1] == b'\n'
}

/// The colours of the parts of a diff, those of `git diff`.
const HEADER: Style = Style::new().bold();
const HUNK: Style = AnsiColor::Cyan.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const PLAIN: Style = Style::new();

/// The diff, or several one after the other, in colour and safe to show on a terminal.
///
/// A manifest may hold escape sequences that repaint the terminal or reorder what the reader sees; here they
/// are spelled out, see [`harmless`]. The result is for eyes alone and does not apply any more.
pub fn paint(diff: &[u8]) -> Vec<u8> {
    let mut painted = Vec::with_capacity(diff.len() + diff.len() / 2);
    let mut hunk = HunkLines::default();
    for line in lines(diff) {
        paint_line(&mut painted, hunk.style(line), line);
    }
    painted
}

/// How many lines of the current hunk are still to come.
///
/// They are counted because their signs do not tell: a removed line that begins with `-- ` looks like a header.
#[derive(Default)]
struct HunkLines {
    old: usize,
    new: usize,
}

impl HunkLines {
    fn style(&mut self, line: &[u8]) -> Style {
        let inside = self.old > 0 || self.new > 0;
        match line.first() {
            Some(b'\\') => PLAIN,
            Some(b'-') if inside => {
                self.old = self.old.saturating_sub(1);
                REMOVED
            }
            Some(b'+') if inside => {
                self.new = self.new.saturating_sub(1);
                ADDED
            }
            _ if inside => {
                *self = Self { old: self.old.saturating_sub(1), new: self.new.saturating_sub(1) };
                PLAIN
            }
            Some(b'@') => {
                *self = HunkHeader::read(line).map_or_else(Self::default, Self::announced);
                HUNK
            }
            _ => HEADER,
        }
    }

    fn announced(HunkHeader { old, new, .. }: HunkHeader) -> Self {
        Self { old, new }
    }
}

/// What the first line of a hunk announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HunkHeader {
    /// How many lines of the old text follow.
    pub old: usize,
    /// Where the lines of the new text stand, from one.
    pub start: usize,
    /// How many lines of the new text follow.
    pub new: usize,
}

impl HunkHeader {
    /// Reads `@@ -1,2 +3,4 @@`.
    pub fn read(line: &[u8]) -> Option<Self> {
        // Behind the second `@@` may stand text of the file, in any encoding.
        let ranges = line.strip_prefix(b"@@ ")?.split(|byte| *byte == b'@').next()?;
        let (old, new) = str::from_utf8(ranges).ok()?.trim().split_once(' ')?;
        let (_, old) = range(old.strip_prefix('-')?)?;
        let (start, new) = range(new.strip_prefix('+')?)?;
        Some(Self { old, start, new })
    }
}

/// Start and length of a range, which is one line where no length is given.
fn range(text: &str) -> Option<(usize, usize)> {
    let (start, count) = text.split_once(',').unwrap_or((text, "1"));
    Some((start.parse().ok()?, count.parse().ok()?))
}

fn paint_line(painted: &mut Vec<u8>, style: Style, line: &[u8]) {
    let (content, end) = split_line_end(line);
    painted.extend(style.render().to_string().bytes());
    painted.extend_from_slice(&harmless(content));
    painted.extend(style.render_reset().to_string().bytes());
    painted.extend_from_slice(end);
}

/// The line and its `\n` or `\r\n`.
fn split_line_end(line: &[u8]) -> (&[u8], &[u8]) {
    let content = line.strip_suffix(b"\n").unwrap_or(line);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    line.split_at(content.len())
}

/// The text with everything spelled out that makes a terminal do something other than print.
///
/// Control characters become `^[` and the like (as in `cat -v`), C1 controls, line separators and characters
/// that reorder text become `<U+202E>`, bytes that are not UTF-8 become `<9B>` (as in `less`). Tabs stay.
pub fn harmless(text: &[u8]) -> Cow<'_, [u8]> {
    if text.iter().all(|&byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut shown = Vec::with_capacity(text.len() + 8);
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_harmless(&mut shown, character);
        }
        for byte in chunk.invalid() {
            shown.extend(format!("<{byte:02X}>").bytes());
        }
    }
    Cow::Owned(shown)
}

/// The same of text, which stays text.
pub fn harmless_text(text: &str) -> Cow<'_, str> {
    match harmless(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(shown) => Cow::Owned(String::from_utf8_lossy(&shown).into_owned()),
    }
}

fn push_harmless(shown: &mut Vec<u8>, character: char) {
    match character {
        // `^@` is 0, `^A` is 1, `^?` is 127: the letter is the code with its seventh bit turned.
        '\0'..='\x08' | '\n'..='\x1f' | '\x7f' => shown.extend([b'^', character as u8 ^ 0x40]),
        _ if is_c1_control(character) || reorders_text(character) => {
            shown.extend(format!("<U+{:04X}>", u32::from(character)).bytes());
        }
        _ => shown.extend(character.encode_utf8(&mut [0; 4]).bytes()),
    }
}

/// The controls that an escape sequence can also be written with.
fn is_c1_control(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{9f}')
}

/// Bidirectional marks, embeddings, overrides and isolates, and the separators of lines and paragraphs.
fn reorders_text(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests;
