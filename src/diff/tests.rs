#![expect(clippy::disallowed_methods, reason = "git and patch judge the diffs")]

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A file before and after.
struct Case {
    path: PathBuf,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Case {
    fn new(path: impl Into<PathBuf>, old: impl Into<Vec<u8>>, new: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), old: old.into(), new: new.into() }
    }
}

fn name(path: impl AsRef<Path>) -> DiffName {
    DiffName::new(path.as_ref(), Path::new("/home"))
}

fn diff_of(old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> String {
    let diff = unified(&name("pod.yaml"), old.as_ref(), new.as_ref());
    String::from_utf8(diff).unwrap()
}

/// Runs the program on `input` in `folder`, whatever the configuration of the machine; `None` without it.
fn run(folder: &Path, program: &str, args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .env_remove("POSIXLY_CORRECT")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{program} {args:?}\n{}{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        input[..input.len().min(5_000)].escape_ascii(),
    );
    Some(output.stdout)
}

/// Applies the diffs of all cases at once with one program, and compares the files.
fn assert_applies_with(program: &str, args: &[&str], cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "git", &["init", "-q"], b"").expect("git is needed for this test");
    let mut diffs = Vec::new();
    for Case { path, old, new } in cases {
        let path_there = folder.path().join(path);
        fs::create_dir_all(path_there.parent().unwrap()).unwrap();
        fs::write(path_there, old).unwrap();
        diffs.extend(unified(&name(path), old, new));
    }
    if diffs.is_empty() {
        return;
    }
    if run(folder.path(), program, args, &diffs).is_none() {
        println!("skipped: no {program} here");
        return;
    }
    for Case { path, new, .. } in cases {
        let written = fs::read(folder.path().join(path)).unwrap_or_default();
        assert!(
            written == *new,
            "{program} made {path:?}\n{} instead of\n{} with\n{}",
            written.escape_ascii(),
            new.escape_ascii(),
            diffs.escape_ascii(),
        );
    }
}

fn assert_applies(cases: &[Case]) {
    assert_applies_with("git", &["apply", "--whitespace=nowarn"], cases);
    assert_applies_with("patch", &["-p1", "--quiet", "--posix"], cases);
    assert_applies_with("patch", &["-p1", "--quiet"], cases);
}

fn numbered(range: Range<usize>) -> String {
    range.map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat()
}

#[test]
fn equal_files_have_no_diff() {
    assert_eq!(diff_of("a: 1\n", "a: 1\n"), "");
    assert_eq!(diff_of("", ""), "");
}

#[test]
fn a_diff_is_what_diff_prints() {
    assert_eq!(
        diff_of("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\nnew\ne\nf\n"),
        "--- a/pod.yaml\n+++ b/pod.yaml\n@@ -2,5 +2,6 @@\n b\n c\n d\n+new\n e\n f\n"
    );
}

#[test]
fn one_line_has_no_count_and_no_line_stands_after_the_one_before() {
    assert_eq!(diff_of("a\n", "b\n"), "--- a/pod.yaml\n+++ b/pod.yaml\n@@ -1 +1 @@\n-a\n+b\n");
    assert_eq!(diff_of("", "a\nb\n"), "--- a/pod.yaml\n+++ b/pod.yaml\n@@ -0,0 +1,2 @@\n+a\n+b\n");
}

#[test]
fn hunks_merge_when_their_context_touches() {
    let old = numbered(0..20);
    for (second, hunks) in [(9, 1), (10, 2)] {
        let new = old.replace("line 2\n", "new\n").replace(&format!("line {second}\n"), "new\n");
        assert_eq!(diff_of(&old, &new).matches("@@ -").count(), hunks, "second change in line {second}");
        assert_applies(&[Case::new("pod.yaml", old.clone(), new)]);
    }
}

#[test]
fn line_numbers_count_the_part_that_is_skipped() {
    let old = numbered(0..10_000);
    let new = old.replace("line 5000\n", "new\nnewer\n").replace("line 7000\n", "");
    let diff = diff_of(&old, &new);
    assert!(diff.contains("@@ -4998,7 +4998,8 @@"), "{diff}");
    assert!(diff.contains("@@ -6998,7 +6999,6 @@"), "{diff}");
    assert_applies(&[Case::new("pod.yaml", old, new)]);
}

/// In a file of many documents no line is told to change that does not. (That the time grows with the file is counted
/// in `tests/faults/growth.rs`.)
#[test]
fn many_documents_are_compared_one_by_one() {
    let document = |number: usize, added: &str| {
        let flow = added.len();
        format!(
            "kind: Pod\nflow: [{flow}]\nmetadata:\n  name: a{number}\nspec:\n  image: b\n{added}  node: c\n---\n"
        )
    };
    let text = |documents: usize, added: &str| -> String {
        (0..documents).map(|number| document(number, added)).collect()
    };
    let added = "  user: 1\n  group: 2\n  context:\n    - node\n    - image\n  image: b\n";
    for documents in [500, 5_000] {
        let diff = diff_of(text(documents, ""), text(documents, added));
        let count = |sign| diff.lines().skip(2).filter(|line| line.starts_with(sign)).count();
        assert_eq!((count('-'), count('+')), (documents, documents * 7));
    }
}

#[test]
fn missing_final_newlines_apply() {
    let ends = [("\n", "\n"), ("", "\n"), ("\n", ""), ("", "")];
    let mut cases = Vec::new();
    for (index, (old_end, new_end)) in ends.into_iter().enumerate() {
        cases.push(Case::new(format!("last{index}"), format!("a\nb{old_end}"), format!("a\nc{new_end}")));
        cases.push(Case::new(format!("first{index}"), format!("a\nb{old_end}"), format!("c\nb{new_end}")));
        cases.push(Case::new(format!("added{index}"), format!("a{old_end}"), format!("a\nb{new_end}")));
        cases.push(Case::new(format!("same{index}"), format!("a\nb{old_end}"), format!("a\nb{new_end}")));
        cases.push(Case::new(format!("tail{index}"), format!("ab{old_end}"), format!("b{new_end}")));
    }
    assert_applies(&cases);
}

#[test]
fn any_bytes_apply() {
    assert_applies(&[
        Case::new("crlf", "a\r\nb\r\nc\r\n", "a\r\nnew\r\nb\r\nc\r\n"),
        Case::new("lone-cr", "a\rb\nc\n", "a\rb\nd\rd\n"),
        Case::new("to-crlf", "a\nb\n", "a\r\nb\r\n"),
        Case::new("other-separators", "a\u{85}b\u{2028}c\x0bd\x0ce\nf\n", "a\u{85}b\u{2028}c\x0bd\x0ce\ng\n"),
        Case::new("latin-1", b"caf\xe9\nb\n", b"caf\xe9\n\xff\xfe\n"),
        Case::new("utf-16", b"\xff\xfea\0\n\0b\0\n\0", b"\xff\xfea\0\n\0c\0\n\0"),
        Case::new("nul", b"a\0b\nc\n", b"a\0b\n\0\n"),
        Case::new("bom", "\u{feff}a\nb\n", "\u{feff}a\nc\n"),
        Case::new("like-a-diff", "-- a\n++ b\n@@ -1 +1 @@\n\\ No\n", "-- c\n++ d\n@@ -1 +2 @@\n\\ Yes\n"),
        Case::new("blank", "\n\n\n\n", "\n\n"),
        Case::new("was-empty", "", "a\nb"),
    ]);
}

/// `git apply --allow-empty` is not needed for this one: the diff is not empty, the file becomes so.
#[test]
fn a_file_that_becomes_empty_applies() {
    assert_applies_with("git", &["apply"], &[Case::new("emptied", "a\nb\n", "")]);
    assert_applies_with("patch", &["-p1", "--quiet"], &[Case::new("emptied", "a\nb\n", "")]);
}

/// `similar` slides a change along equal lines; at the edge of what it sees that would cost context.
#[test]
fn a_change_that_can_slide_keeps_its_context() {
    let head = "1\n2\n3\n";
    let old = format!("{head}x\n4\nb\nb\nb\nb\nc\n5\n6\n7\n8\n");
    let new = format!("{head}y\n4\nb\nb\nb\nb\nb\nc\nb\nb\nb\nb\nc\n5\n6\n7\n8\n");
    let shrunk = unified(&name("pod.yaml"), new.as_bytes(), old.as_bytes());
    for diff in [unified(&name("pod.yaml"), old.as_bytes(), new.as_bytes()), shrunk] {
        let signs: Vec<u8> = lines(&diff).map(|line| line[0]).collect();
        assert!(signs.ends_with(b"   "), "{}", String::from_utf8_lossy(&diff));
    }
    assert_applies(&[Case::new("longer", old.clone(), new.clone()), Case::new("shorter", new, old)]);
}

#[test]
fn names_are_relative_to_the_folder_or_as_given() {
    let labels = |path: &str| {
        let DiffName { old, new } = name(path);
        (String::from_utf8(old).unwrap(), String::from_utf8(new).unwrap())
    };
    let same = |label: &str| (label.to_owned(), label.to_owned());
    let inside = |label: &str| (format!("a/{label}"), format!("b/{label}"));
    assert_eq!(labels("pod.yaml"), inside("pod.yaml"));
    assert_eq!(labels("./deep//er/./pod.yaml"), inside("deep/er/pod.yaml"));
    assert_eq!(labels("/home/deep/pod.yaml"), inside("deep/pod.yaml"));
    assert_eq!(labels("/homestead/pod.yaml"), same("/homestead/pod.yaml"));
    assert_eq!(labels("../pod.yaml"), same("../pod.yaml"));
    assert_eq!(labels("deep/../pod.yaml"), same("deep/../pod.yaml"));
    assert_eq!(labels("../my pod.yaml"), same("../my pod.yaml\t"));
}

/// Names with every byte that a name can hold, quoted as the real git quotes them, and applied by it.
#[cfg(target_os = "linux")]
#[test]
fn names_are_quoted_as_git_quotes_them() {
    use std::os::unix::ffi::OsStringExt;

    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "git", &["init", "-q"], b"").expect("git is needed for this test");
    let mut names: Vec<Vec<u8>> =
        (1..=255).filter(|byte| *byte != b'/').map(|byte| vec![b'x', byte, b'y']).collect();
    names.extend([b" lead".to_vec(), b"trail ".to_vec(), b"my \"pod\"".to_vec(), "caf\u{e9} au lait".into()]);
    names.extend([b"deep er/my pod.yaml".to_vec(), b"pod 2024-01-01 00:00:00 +0000".to_vec()]);
    names.sort();
    let paths: Vec<PathBuf> = names.into_iter().map(|name| OsString::from_vec(name).into()).collect();

    for path in &paths {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "a\n").unwrap();
    }
    run(folder.path(), "git", &["add", "."], b"");
    for path in &paths {
        fs::write(folder.path().join(path), "b\n").unwrap();
    }
    let of_git = run(folder.path(), "git", &["diff"], b"").unwrap();
    let headers = |diff: &[u8]| -> Vec<String> {
        let header = |line: &&[u8]| line.starts_with(b"--- ") || line.starts_with(b"+++ ");
        lines(diff).filter(header).map(|line| line.escape_ascii().to_string()).collect()
    };
    let ours: Vec<u8> = paths.iter().flat_map(|path| unified(&name(path), b"a\n", b"b\n")).collect();
    assert_eq!(headers(&ours), headers(&of_git));

    let mut cases: Vec<Case> = paths.into_iter().map(|path| Case::new(path, "a\n", "b\n")).collect();
    assert_applies_with("git", &["apply"], &cases);
    // GNU patch cannot be told of a name that ends in a blank, not even by git.
    cases.retain(|case| case.path != Path::new("trail "));
    assert_applies(&cases);
}

/// Lines that look like parts of a diff, end in other ways, or are not text.
const LINES: &[&[u8]] = &[
    b"a\n",
    b"b\n",
    b"c\n",
    b"\n",
    b" \n",
    b" a\n",
    b" b\n",
    b"\t\n",
    b"a\r\n",
    b"\r\n",
    b"a\rb\n",
    b"-- a/x\n",
    b"++ b/x\n",
    b"--- a/x\n",
    b"+++ b/x\n",
    b"@@ -1 +1 @@\n",
    b"\\ No newline at end of file\n",
    b"\xff\xfe\n",
    b"\0\n",
];

fn file(lines: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(LINES);
    (vec(line, lines), any::<bool>()).prop_map(|(lines, whole)| {
        let mut file = lines.concat();
        file.truncate(file.len() - usize::from(!whole && !file.is_empty()));
        file
    })
}

/// Two files with nothing in common but their few kinds of lines, or one with a few places changed.
fn files() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let place = (any::<prop::sample::Index>(), 0..3_usize, vec(prop::sample::select(LINES), 0..3));
    let edited = (file(0..60), vec(place, 0..4)).prop_map(|(old, places)| {
        let mut new: Vec<&[u8]> = lines(&old).collect();
        for (at, removed, inserted) in places {
            let start = at.index(new.len() + 1);
            let end = (start + removed).min(new.len());
            new.splice(start..end, inserted);
        }
        let new = new.concat();
        (old, new)
    });
    prop_oneof![(file(0..12), file(0..12)), edited]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_diff_applies(pairs in vec(files(), 30)) {
        let case = |(index, (old, new))| Case::new(format!("file{index}"), old, new);
        let cases: Vec<Case> = pairs.into_iter().enumerate().map(case).collect();
        assert_applies(&cases);
    }
}

proptest! {
    #[test]
    fn paint_hides_every_control(text in vec(any::<u8>(), 0..200)) {
        let shown = String::from_utf8(harmless(&text).into_owned()).unwrap();
        prop_assert!(!shown.chars().any(|c| c != '\t' && c.is_control()), "{shown:?}");
    }
}

#[test]
fn harmless_spells_out_what_is_not_printed() {
    let shown = |text: &[u8]| String::from_utf8(harmless(text).into_owned()).unwrap();
    assert_eq!(shown(b"key:\tvalue"), "key:\tvalue");
    assert_eq!(shown("caf\u{e9} \u{1f600}".as_bytes()), "caf\u{e9} \u{1f600}");
    assert_eq!(shown(b"\x1b[2J\r\x07\0\x7f\n"), "^[[2J^M^G^@^?^J");
    assert_eq!(shown("\u{9b}2J \u{202e}txt\u{2066}".as_bytes()), "<U+009B>2J <U+202E>txt<U+2066>");
    assert_eq!(shown(b"caf\xe9 \x9b"), "caf<E9> <9B>");
}

#[test]
fn paint_colours_lines_by_what_they_are() {
    let diff = diff_of("a\n-- b\nc\r\n\x1b[2Jd", "a\n++ b\nc\r\n\x1b[2Je\n");
    let painted = String::from_utf8(paint(&[diff.clone(), diff].concat().into_bytes())).unwrap();
    let (first, second) = painted.split_at(painted.len() / 2);
    assert_eq!(first, second);
    assert_eq!(
        first.replace('\x1b', "ESC").replace('\r', "CR"),
        "\
ESC[1m--- a/pod.yamlESC[0m
ESC[1m+++ b/pod.yamlESC[0m
ESC[36m@@ -1,4 +1,4 @@ESC[0m
 a
ESC[31m--- bESC[0m
ESC[32m+++ bESC[0m
 cCR
ESC[31m-^[[2JdESC[0m
\\ No newline at end of file
ESC[32m+^[[2JeESC[0m
"
    );
}
