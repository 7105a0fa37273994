//! Reading a unified diff without context for the lines that are new in it.

use std::io::{self, BufRead};

use crate::diff::HunkHeader;

/// Files by name, with the lines that changed in their new text.
type Files = Vec<(Vec<u8>, Vec<(usize, usize)>)>;

/// Reads what `git diff -U0` prints with the prefixes `a/` and `b/`. Files that are gone are not told.
pub(super) fn read(mut diff: impl BufRead) -> io::Result<Files> {
    let mut files = Files::new();
    let mut is_there = false;
    let mut line = Vec::new();
    // How many lines of content are to come; whatever they look like, they are no headers.
    let mut content = 0;
    loop {
        line.clear();
        if diff.read_until(b'\n', &mut line)? == 0 {
            return Ok(files);
        }
        if content > 0 {
            content -= usize::from(matches!(line.first(), Some(b'+' | b'-')));
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            let name = name_of(name);
            is_there = name.is_some();
            files.extend(name.map(|name| (name, Vec::new())));
        } else if let Some(hunk) = HunkHeader::read(&line) {
            content = hunk.old + hunk.new;
            if let Some((_, lines)) = files.last_mut().filter(|_| is_there) {
                // Where lines were only taken out, the one before them stands for them.
                let from = hunk.start.max(1);
                lines.push((from, from + hunk.new.max(1) - 1));
            }
        }
    }
}

/// The name behind `+++ `; none for a file that is gone.
fn name_of(written: &[u8]) -> Option<Vec<u8>> {
    let written = written.strip_suffix(b"\n").unwrap_or(written);
    match written.strip_prefix(b"\"") {
        Some(quoted) => unquote(quoted)?.strip_prefix(b"b/").map(<[u8]>::to_vec),
        // A name with a blank has a tab behind it.
        None => Some(written.strip_suffix(b"\t").unwrap_or(written).strip_prefix(b"b/")?.to_vec()),
    }
}

/// The bytes of a name that is quoted as in C, up to the closing quote.
fn unquote(quoted: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    let mut bytes = quoted.iter().copied();
    loop {
        let byte = match bytes.next()? {
            b'"' => return Some(name),
            b'\\' => match bytes.next()? {
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                first @ b'0'..=b'3' => {
                    let digit = |byte: u8| matches!(byte, b'0'..=b'7').then(|| byte - b'0');
                    (digit(first)? << 6) | (digit(bytes.next()?)? << 3) | digit(bytes.next()?)?
                }
                other => other,
            },
            byte => byte,
        };
        name.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(diff: &str) -> Vec<(String, Vec<(usize, usize)>)> {
        let files = read(diff.as_bytes()).unwrap().into_iter();
        files.map(|(name, lines)| (String::from_utf8(name).unwrap(), lines)).collect()
    }

    #[test]
    fn the_new_lines_of_each_file_are_found() {
        let diff = "\
diff --git a/a.yaml b/a.yaml
index 1..2 100644
--- a/a.yaml
+++ b/a.yaml
@@ -1 +1,2 @@ kind: Pod
--- a/not a header
+++ b/not one either
+@@ -1 +1 @@
@@ -5,2 +6,0 @@
-x
-y
\\ No newline at end of file
diff --git a/old name.yaml b/new name.yaml
similarity index 90%
rename from old name.yaml
rename to new name.yaml
--- a/old name.yaml\t
+++ b/new name.yaml\t
@@ -3,0 +4,3 @@
+a
+b
+c
diff --git a/gone b/gone
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git a/moved b/moved-only
similarity index 100%
rename from moved
rename to moved-only
";
        assert_eq!(
            files(diff),
            [("a.yaml".to_owned(), vec![(1, 2), (6, 6)]), ("new name.yaml".to_owned(), vec![(4, 6)]),]
        );
    }

    #[test]
    fn odd_names_are_read() {
        let name = |text: &str| name_of(text.as_bytes()).map(|name| String::from_utf8(name).unwrap());
        assert_eq!(name("b/ä ö.yaml\t\n").as_deref(), Some("ä ö.yaml"));
        assert_eq!(name("\"b/a\\tb\\\"c\\\\\\303\\244\\n\"\n").as_deref(), Some("a\tb\"c\\ä\n"));
        assert_eq!(name("/dev/null\n"), None);
        assert_eq!(name("\"b/broken\\3\n"), None);
    }

    #[test]
    fn a_deletion_at_the_start_counts_for_the_first_line() {
        assert_eq!(files("+++ b/a\n@@ -1,2 +0,0 @@\n-a\n-b\n"), [("a".to_owned(), vec![(1, 1)])]);
    }
}
