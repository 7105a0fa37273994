//! The proof looks at texts that our own editing would never make.

use super::is_declared;
use crate::placement::Placement;
use crate::{Edit, Path, Stream, Value};

const OLD: &str = "\
a: 1 # one
b: &x !!str two
c: [x, y]
d: # list
- p: 1
  q: 2
- r
e: |
  text
f:
g: {h: 1}
";

fn key(name: &str) -> Path {
    Path::root().key(name.to_owned())
}

/// Whether `new` passes for `OLD` with `edits`.
fn passes(edits: &[Edit], new: &str) -> bool {
    let (old, new) = (Stream::scan(OLD).unwrap(), Stream::scan(new).unwrap());
    let old = old.document(0).unwrap();
    let edits: Vec<&Edit> = edits.iter().collect();
    let change = Placement::new(old).change(&edits).unwrap();
    is_declared(old, new.document(0).unwrap(), &change)
}

/// What each replacement in `OLD` makes passes; what a further one makes of that does not.
#[track_caller]
fn judge(edits: &[Edit], right: &[(&str, &str)], wrong: &[(&str, &str)]) {
    let replaced = |text: String, (old, new): &(&str, &str)| {
        assert_eq!(text.matches(old).count(), 1, "{old:?} in {text}");
        text.replacen(old, new, 1)
    };
    let right = right.iter().fold(OLD.to_owned(), replaced);
    assert!(passes(edits, &right), "refused:\n{right}");
    for pair in wrong {
        let wrong = replaced(right.clone(), pair);
        assert!(!passes(edits, &wrong), "passed:\n{wrong}");
    }
    assert!(right == OLD || !passes(edits, OLD), "nothing done passed");
}

/// What nobody asked for, in each kind of place.
const SLIPS: [(&str, &str); 14] = [
    ("b: &x", "b: &y"),
    ("!!str two", "two"),
    ("two", "'two'"),
    ("[x, y]", "[x]"),
    ("[x, y]", "[x, y, z]"),
    ("[x, y]", "[y, x]"),
    ("[x, y]", "x, y"),
    ("  q: 2\n", ""),
    ("- r\n", ""),
    ("- r\n", "- r\n- s\n"),
    ("  text", "  other"),
    ("e: |", "e: >"),
    ("f:\n", ""),
    ("d: # list", "d:"),
];

#[test]
fn a_value_that_is_set_and_nothing_else() {
    let edits = [Edit::set(key("a"), 3)];
    judge(&edits, &[("a: 1", "a: 3")], &SLIPS);
    judge(&edits, &[("a: 1", "a: 3")], &[("a: 3", "a: '3'"), ("a: 3", "a: 4"), ("a: 3 # one", "a: 3")]);
    // Where lines stand, and how far in, says nothing.
    judge(&edits, &[("a: 1", "a:   3"), ("  text", "   text"), ("[x, y]", "[x,\n  y]")], &[]);
}

#[test]
fn entries_that_are_added() {
    let edits = [Edit::set(key("g").key("i"), true), Edit::set(key("z"), "new")];
    let right = [("{h: 1}", "{h: 1, i: true}"), ("f:\n", "f:\nz: new\n")];
    judge(&edits, &right, &SLIPS);
    judge(
        &edits,
        &right,
        &[
            ("z: new\n", ""),
            ("z: new", "z: old"),
            ("z: new", "z: new\ny: new"),
            ("i: true", "i: false"),
            ("h: 1, ", ""),
            ("h: 1, i: true", "h: 1"),
            ("{h: 1, i: true}", "[h]"),
            ("{h: 1, i: true}", "&y {h: 1, i: true}"),
        ],
    );
    // A map where nothing stood.
    let edits = [Edit::set(key("f").key("k"), 1)];
    judge(&edits, &[("f:\n", "f:\n  k: 1\n")], &[("k: 1", "k: 2"), ("  k: 1", "  k: 1\n  l: 1")]);
}

#[test]
fn entries_and_items_that_go() {
    let edits = [Edit::remove(key("a"), None), Edit::remove(key("g").key("h"), None)];
    let right = [("a: 1 # one\n", "# one\n"), ("{h: 1}", "{}")];
    judge(&edits, &right, &SLIPS);
    judge(&edits, &right, &[("# one\n", ""), ("g: {}\n", ""), ("{}", "{i: 1}"), ("c: ", "cc: ")]);
    // The last entry, and one in the middle.
    let middle = [Edit::remove(key("e"), None)];
    judge(&middle, &[("e: |\n  text\n", "")], &[("f:\n", ""), ("f:\n", "e:\nf:\n")]);
    let items = [Edit::remove(key("d").index(0), None)];
    judge(&items, &[("- p: 1\n  q: 2\n", "")], &[("- r\n", ""), ("- r", "- s"), ("- r", "- p: 1\n- r")]);
}

#[test]
fn neutral_values_stand_where_an_entry_could_not_go() {
    let nothing = Some(Value::Null);
    let entry = [Edit::remove(key("a"), nothing.clone())];
    judge(&entry, &[("a: 1", "a: null")], &[("null", "2"), ("null", "[]")]);
    let item = [Edit::remove(key("d").index(1), nothing)];
    judge(&item, &[("- r", "- null")], &[("- null", "- s"), ("- null", "- null\n- null")]);
}

#[test]
fn items_that_are_added_and_changed() {
    let edits = [Edit::append(key("c"), "z"), Edit::set(key("d").index(0).key("q"), 5)];
    let right = [("[x, y]", "[x, y, z]"), ("q: 2", "q: 5")];
    judge(
        &edits,
        &right,
        &[
            ("[x, y, z]", "[x, y]"),
            ("[x, y, z]", "[x, z]"),
            ("[x, y, z]", "[x, y, z, z]"),
            ("[x, y, z]", "[x, y, w]"),
            ("[x, y, z]", "{x: y, z: z}"),
            ("q: 5", "q: 6"),
            ("- r\n", ""),
            ("- r", "- t"),
            ("- r\n", "- r\n- s\n"),
        ],
    );
    let added = [Edit::append(key("f"), "z")];
    judge(&added, &[("f:\n", "f:\n- z\n")], &[("- z\n", ""), ("- z\n", "- z\n- z\n"), ("- z", "- y")]);
}

/// A `#` is a comment between tokens alone.
#[test]
fn a_number_sign_in_a_token_is_no_comment() {
    let at = |text: &str| {
        let stream = Stream::scan(text).unwrap();
        let document = stream.document(0).unwrap();
        crate::splice::comment_in(document, document.range())
    };
    assert_eq!(at("'a#b': c#d\n"), None);
    assert_eq!(at("'a#b': c #d\n"), Some(9));
    assert_eq!(at("#a\nb: c\n"), Some(0));
    assert_eq!(at("a: |\n  # b\n# c\n"), Some(11));
}
