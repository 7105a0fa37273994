//! Inputs on which other tools break: the ones that are read, refused by name, or told as broken, each with its
//! line. `edits.rs` has those that are about an edit.

#![cfg(test)]

use rewriter::{Document, Node, RefusalReason, Scalar, Stream};

/// The document with this number has a reason, in this line.
#[track_caller]
fn refused(text: &str, document: usize, line: usize) -> RefusalReason {
    let stream = Stream::scan(text).unwrap();
    let document = stream.document(document).unwrap();
    let refusal = document.refusal().unwrap();
    assert_eq!(refusal.position.line, line, "{refusal}");
    assert!(document.root().is_none());
    refusal.reason.clone()
}

/// Line and column at which the text is broken.
#[track_caller]
fn broken(text: &str) -> (usize, usize) {
    let error = Stream::scan(text).unwrap_err();
    (error.position.line, error.position.column)
}

/// The value at the keys and numbers of `path` in the first document, as text.
#[track_caller]
fn value(text: &str, path: &str) -> String {
    let stream = Stream::scan(text).unwrap();
    at(stream.document(0).unwrap(), path).text().into_owned()
}

#[track_caller]
fn at<'s>(document: Document<'s>, path: &str) -> Node<'s> {
    path.split('/').filter(|step| !step.is_empty()).fold(document.root().unwrap(), |node, step| {
        match step.parse::<usize>() {
            Ok(index) => node.items().nth(index).unwrap(),
            Err(_) => node.entry(step).unwrap(),
        }
    })
}

#[test]
fn a_carriage_return_alone_is_refused() {
    assert_eq!(refused("a: 1\rb: 2\r", 0, 1), RefusalReason::LoneCarriageReturn);
    assert_eq!(refused("a: 1\r\nb: 2\r", 0, 2), RefusalReason::LoneCarriageReturn);
    // Other documents of the file are not.
    let stream = Stream::scan("a: 1\n---\nb: \"x\ry\"\n---\nc: 3\n").unwrap();
    let refused: Vec<_> = stream.documents().map(|document| document.refusal().is_some()).collect();
    assert_eq!(refused, [false, true, false]);
}

#[test]
fn a_byte_order_mark_in_the_middle_is_refused() {
    assert_eq!(refused("a: 1\n\u{feff}---\nb: 1\n", 0, 2), RefusalReason::ByteOrderMark);
    assert_eq!(refused("a: 1\n---\nb: \u{feff}\n", 1, 3), RefusalReason::ByteOrderMark);
}

#[test]
fn a_manifest_inside_a_block_text_is_text() {
    let text = "kind: ConfigMap\ndata:\n  d.yaml: |\n    kind: Deployment\n    spec:\n      \
                template: {spec: {containers: [{name: a}]}}\n";
    let inner = "kind: Deployment\nspec:\n  template: {spec: {containers: [{name: a}]}}\n";
    assert_eq!(value(text, "data/d.yaml"), inner);
}

#[test]
fn a_manifest_inside_quotes_is_text() {
    let text = "metadata:\n  annotations:\n    last-applied: \"{\\\"spec\\\":{\\\"containers\\\":[{\\\"name\\\":\\\"a\\\"}]}}\"\n";
    assert_eq!(value(text, "metadata/annotations/last-applied"), r#"{"spec":{"containers":[{"name":"a"}]}}"#);
}

#[test]
fn json_of_a_megabyte_on_one_line_is_read() {
    let item = r#"{"name":"a","args":["--x=\"y\"",1,true,null],"env":{}}"#;
    let text = format!(r#"{{"spec":{{"containers":[{}]}}}}"#, vec![item; 20_000].join(","));
    assert!(text.len() > 1_000_000);
    assert_eq!(value(&text, "spec/containers/19999/args/0"), r#"--x="y""#);
}

#[test]
fn an_alias_is_read_through_and_known_as_one() {
    let text = "base: &sc {runAsUser: 0}\nsecurityContext: *sc\n";
    let stream = Stream::scan(text).unwrap();
    let node = at(stream.document(0).unwrap(), "securityContext");
    assert!(node.is_alias());
    assert_eq!(node.get("runAsUser").unwrap().as_integer(), Some(0));
    assert_eq!((node.position().line, node.position().column), (2, 18));
}

#[test]
fn an_alias_means_the_latest_anchor_of_its_name() {
    let text = "a: &x {p: 1}\nb: *x\nc: &x {p: 2}\nd: *x\n---\ne: &x 3\n";
    assert_eq!((value(text, "b/p"), value(text, "d/p")), ("1".to_owned(), "2".to_owned()));
    assert_eq!(refused("a: &x 1\n---\nb: *x\n", 1, 3), RefusalReason::UnknownAnchor);
    assert_eq!(refused("a: *x\nb: &x 1\n", 0, 1), RefusalReason::UnknownAnchor);
    assert_eq!(refused("a: &x\n  b: *x\n", 0, 2), RefusalReason::RecursiveAlias);
}

#[test]
fn a_merge_key_supplies_what_the_mapping_itself_has_not() {
    let text = "d: &d {a: 1, b: 2}\nc:\n  <<: *d\n  b: 3\n";
    assert_eq!((value(text, "c/a"), value(text, "c/b")), ("1".to_owned(), "3".to_owned()));
}

#[test]
fn a_key_twice_is_told_with_both_lines() {
    let text = "x: 1\nsecurityContext: {runAsUser: 0}\n\"securityContext\": {runAsUser: 1}\n";
    let stream = Stream::scan(text).unwrap();
    let refusal = stream.document(0).unwrap().duplicate_key().unwrap();
    assert_eq!(refusal.position.line, 3);
    let reason = RefusalReason::DuplicateKey { key: "securityContext".to_owned(), first_line: 2 };
    assert_eq!(refusal.reason, reason);
}

#[test]
fn a_key_with_escapes_is_the_key_that_it_says() {
    assert_eq!(value("\"image\\u0050ullPolicy\": Always\n", "imagePullPolicy"), "Always");
    assert_eq!(value("'it''s': 1\n", "it's"), "1");
}

#[test]
fn an_explicit_key_is_refused() {
    assert_eq!(refused("? securityContext\n: runAsNonRoot: true\n", 0, 1), RefusalReason::ExplicitKey);
    assert_eq!(refused("a: 1\nb:\n- ? c\n", 0, 3), RefusalReason::ExplicitKey);
    assert_eq!(refused("a: {? b : c}\n", 0, 1), RefusalReason::ExplicitKey);
    assert_eq!(refused(": a\n", 0, 1), RefusalReason::EmptyKey);
    assert_eq!(refused("[a]: b\n", 0, 1), RefusalReason::CollectionKey);
    // A question mark that no blank follows is text.
    assert_eq!(value("a: ?x\n", "a"), "?x");
}

#[test]
fn documents_are_numbered_as_a_reader_numbers_them() {
    let text = "--- # first\n---\n# only a comment\n---\nkind: Pod\n...\n---";
    let stream = Stream::scan(text).unwrap();
    let roots: Vec<_> = stream.documents().map(|document| document.root().unwrap().is_null()).collect();
    assert_eq!(roots, [true, true, false, true]);
    let texts: Vec<_> = stream.documents().map(|document| document.text()).collect();
    assert_eq!(texts, ["--- # first\n", "---\n# only a comment\n", "---\nkind: Pod\n...\n", "---"]);
    for text in ["", "\n", "# c", "# c\n\n", "\u{feff}", "   "] {
        assert_eq!(Stream::scan(text).unwrap().documents().len(), 0, "{text:?}");
    }
}

#[test]
fn a_directive_refuses_its_document_alone() {
    assert_eq!(refused("%YAML 1.2\n---\nkind: Pod\n", 0, 1), RefusalReason::Directive);
    let text = "a: 1\n...\n# c\n%TAG !e! tag:example.com,2000:\n---\n!e!x b\n---\nc: 1\n";
    assert_eq!(refused(text, 1, 4), RefusalReason::Directive);
    assert_eq!(Stream::scan(text).unwrap().document(2).unwrap().refusal(), None);
    assert_eq!(broken("%YAML 1.2\n"), (2, 1));
    assert_eq!(broken("%FOO bar\n---\n"), (1, 1));
}

#[test]
fn a_template_is_refused_or_broken_and_never_read() {
    assert_eq!(refused("image: {{ .Values.image }}\n", 0, 1), RefusalReason::CollectionKey);
    assert_eq!(broken("image: a\n{{- if .Values.sc }}\nsecurityContext: {}\n{{- end }}\n"), (2, 3));
    assert_eq!(broken("securityContext: {{- toYaml . | nindent 8 }}\n"), (1, 20));
    // In quotes, in a block text or in a comment it is no matter of ours.
    let text = "a: \"{{ x }}\"\nb: |\n  {{ y }}\n# {{ z }}\nc: x{{ w }}\n";
    assert_eq!((value(text, "b"), value(text, "c")), ("{{ y }}\n".to_owned(), "x{{ w }}".to_owned()));
}

#[test]
fn a_line_separator_of_yaml_1_1_is_refused() {
    for separator in ['\u{85}', '\u{2028}', '\u{2029}'] {
        let text = format!("a: 1\nc: p{separator}q\n");
        assert_eq!(refused(&text, 0, 2), RefusalReason::UnicodeLineBreak);
    }
    // Written as an escape sequence it is a character like others.
    assert_eq!(value("c: \"p\\u2028q\\N\"\n", "c"), "p\u{2028}q\u{85}");
}

#[test]
fn lines_of_one_value_may_look_like_anything() {
    let text = "m:\n  a: \"x\n    # y\n  - z: \"\n  b: one\n    - two\n    three:four\nn: 1\n";
    assert_eq!(value(text, "m/a"), "x # y - z: ");
    assert_eq!(value(text, "m/b"), "one - two three:four");
    assert_eq!(value(text, "n"), "1");
    // A document marker is the exception, and so is a comment in plain text.
    assert_eq!(broken("a: \"x\n--- y\"\n"), (1, 4));
    assert_eq!(broken("a: x\n  # y\n  z\n"), (3, 3));
}

#[test]
fn brackets_may_stand_at_any_column() {
    let text = "s:\n  args: [\n\"-x\", \"y\",\n]\n  image: b\n";
    assert_eq!((value(text, "s/args/1"), value(text, "s/image")), ("y".to_owned(), "b".to_owned()));
    let text = "{\n\t\"kind\": \"Pod\",\n\t\"spec\": {}\n}\n";
    assert_eq!(value(text, "kind"), "Pod");
}

#[test]
fn odd_indentation_is_read_as_it_is_meant() {
    let text =
        "c:\n- # main\n     name: a\n     image: b\n-   name: c\n    # d\n    image: d\n- - - e\n    - f\n";
    assert_eq!((value(text, "c/0/image"), value(text, "c/1/image")), ("b".to_owned(), "d".to_owned()));
    assert_eq!(value(text, "c/2/0/1"), "f");
    let text = "spec:\n      # deep\n  a: 1\n # odd\n# col 0\n  b: 2\n";
    assert_eq!(value(text, "spec/b"), "2");
    assert_eq!(broken("a:\n    b: 1\n  c: 2\n"), (3, 3));
    assert_eq!(broken("a:\n\tb: 1\n"), (2, 1));
    assert_eq!(broken("-\ta\n"), (1, 2));
    assert_eq!(broken("a: b: c\n"), (1, 5));
}

#[test]
fn block_texts_keep_what_their_signs_say() {
    let text = "m:\n  a: |+\n    x\n\n  b: |-\n    y\n\n  c: >2\n      z\n    w\n  d: |\n    x\n    # text\nn: |\n  last";
    let all = ["m/a", "m/b", "m/c", "m/d", "n"].map(|path| value(text, path));
    assert_eq!(all, ["x\n\n", "y", "  z\nw\n", "x\n# text\n", "last"]);
    assert_eq!(broken("a: |0\n  x\n"), (1, 5));
    assert_eq!(broken("a: |\n \tx\n"), (2, 2));
    let deep = format!("a: |\n{}x\n", " ".repeat(70_000));
    assert_eq!(refused(&deep, 0, 1), RefusalReason::TooDeep(65_535));
}

#[test]
fn plain_text_has_the_type_that_kubectl_gives_it() {
    let types = "[0644, 0o17, 0x1F, 0b11, -0x1, 1_000, +7, 08, 1e3, .5, yes, Off, y, ~, '1', 2001-01-01, 1e400, !!str 3, !t 4]";
    let stream = Stream::scan(types).unwrap();
    let found: Vec<_> =
        stream.document(0).unwrap().root().unwrap().items().map(|node| node.scalar().unwrap()).collect();
    let text = |text: &'static str| Scalar::String(text.into());
    let wanted = [
        Scalar::Integer(420),
        Scalar::Integer(15),
        Scalar::Integer(31),
        Scalar::Integer(3),
        Scalar::Integer(-1),
        Scalar::Integer(1000),
        Scalar::Integer(7),
        Scalar::Float(8.0),
        Scalar::Float(1000.0),
        Scalar::Float(0.5),
        Scalar::Bool(true),
        Scalar::Bool(false),
        Scalar::Bool(true),
        Scalar::Null,
        text("1"),
        text("2001-01-01"),
        text("1e400"),
        text("3"),
        text("4"),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn a_key_may_have_1024_characters() {
    for (open, close) in [("", ""), ("{", "}"), ("- ", ""), ("\"", "")] {
        let end = if open == "\"" { "\"" } else { "" };
        let quotes = end.len() * 2;
        for (letter, extra) in [("a", 0), ("é", 0), ("a", 1), ("é", 1)] {
            let key = letter.repeat(1024 - quotes + extra);
            let text = format!("{open}{key}{end}: 1{close}\n");
            assert_eq!(Stream::scan(&text).is_ok(), extra == 0, "{open:?} {letter} {extra}");
        }
    }
}

#[test]
fn ten_thousand_levels_are_read_and_one_more_is_not() {
    let flow = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let block = |depth: usize| format!("{}a\n", "- ".repeat(depth));
    for text in [[flow(10_000), flow(10_001)], [block(10_000), block(10_001)]] {
        assert!(Stream::scan(&text[0]).is_ok());
        assert!(Stream::scan(&text[1]).unwrap_err().message.contains("10000"));
    }
}
