//! Paths that a terminal opens when they are clicked (OSC 8).

use std::path::{Component, Path};

use anstream::stream::RawStream;

use crate::diff::harmless;
use crate::report::push_encoded;

/// Whether `stream` is a terminal that takes escape sequences. A pipe never gets links, whatever `--color` says:
/// who reads it wants the path. The log of a pipeline may have colours without being able to open anything.
pub fn are_shown(stream: &impl RawStream) -> bool {
    stream.is_terminal()
        && anstyle_query::term_supports_color()
        && anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never
}

/// `line`, harmless to a terminal, with the `path:line:column` at its start as a link. `folder` is the current one.
pub fn at_start(line: &str, path: &Path, folder: &Path) -> Vec<u8> {
    let name = path.to_string_lossy();
    let place = line.strip_prefix(&*name).filter(|_| !name.is_empty()).map(|rest| name.len() + place(rest));
    match place.and_then(|end| line.split_at_checked(end)) {
        Some((place, rest)) => {
            let mut shown = link(path, folder, place);
            shown.extend_from_slice(&harmless(rest.as_bytes()));
            shown
        }
        None => harmless(line.as_bytes()).into_owned(),
    }
}

/// The name of a file as a link, in a line of its own.
pub fn name_line(path: &Path, folder: &Path) -> Vec<u8> {
    let mut line = link(path, folder, &path.to_string_lossy());
    line.push(b'\n');
    line
}

/// `text` as a link to the file at `path`. The text has to be harmless already.
pub fn around(text: &str, path: &Path, folder: &Path) -> String {
    format!("\x1b]8;;{}\x1b\\{text}\x1b]8;;\x1b\\", uri(&folder.join(path)))
}

/// How long `:line:column` at the start of `text` is.
fn place(text: &str) -> usize {
    let number = |text: &str| {
        let digits = text.strip_prefix(':')?.bytes().take_while(u8::is_ascii_digit).count();
        (digits > 0).then_some(digits + 1)
    };
    let line = number(text).unwrap_or(0);
    line + text.get(line..).and_then(number).unwrap_or(0)
}

fn link(path: &Path, folder: &Path, text: &str) -> Vec<u8> {
    around(&String::from_utf8_lossy(&harmless(text.as_bytes())), path, folder).into_bytes()
}

/// The host stays empty, which means this one.
fn uri(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            part => {
                uri.push('/');
                push_encoded(&mut uri, part.as_os_str().as_encoded_bytes());
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_at_the_start_of_a_line_is_a_link() {
        let folder = Path::new("/w k");
        let shown = |line: &str, path: &str| {
            String::from_utf8(at_start(line, Path::new(path), folder)).unwrap().replace('\x1b', "^")
        };
        assert_eq!(
            shown("./a/b.yaml:7:5: left: 8:30", "./a/b.yaml"),
            "^]8;;file:///w%20k/a/b.yaml^\\./a/b.yaml:7:5^]8;;^\\: left: 8:30"
        );
        assert_eq!(shown("/c.yaml: error", "/c.yaml"), "^]8;;file:///c.yaml^\\/c.yaml^]8;;^\\: error");
        assert_eq!(shown("error: b.yaml", "b.yaml"), "error: b.yaml");
        assert_eq!(shown("error: x", ""), "error: x");
    }

    /// A name cannot end the link or start another one.
    #[test]
    fn a_hostile_name_stays_in_its_link() {
        let name = "a\x1b\\\x1b]8;;http:⏎\u{202e}.yaml";
        let shown = at_start(&format!("{name}:1: x\x1b[2J"), Path::new(name), Path::new("/w"));
        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(shown.matches('\x1b').count(), 4, "{shown:?}");
        assert!(!shown.contains('\u{202e}') && shown.contains("%1B%5C"), "{shown:?}");
        assert!(shown.ends_with(": x^[[2J"), "{shown:?}");
    }

    #[test]
    fn a_name_that_is_listed_is_a_link() {
        let line = name_line(Path::new("a.yaml"), Path::new("/w"));
        assert_eq!(line, b"\x1b]8;;file:///w/a.yaml\x1b\\a.yaml\x1b]8;;\x1b\\\n");
    }
}
