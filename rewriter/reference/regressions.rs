//! What comparing with libyaml has brought to light, one by one.

use super::*;

/// Both read the texts, and alike.
#[track_caller]
fn same(texts: &[&str]) {
    for text in texts {
        assert_eq!(compare(text), Verdict::Same, "{text:?}");
    }
}

/// Both call the texts broken.
#[track_caller]
fn broken(texts: &[&str]) {
    for text in texts {
        assert_eq!(compare(text), Verdict::BothRefuse, "{text:?}");
        assert!(Stream::scan(text).is_err(), "{text:?} is refused by document, not as a whole");
    }
}

/// We refuse a document of each text by name.
#[track_caller]
fn refused(name: RefusalName, texts: &[&str]) {
    for text in texts {
        assert_eq!(compare(text), Verdict::WeRefuse(name), "{text:?}");
    }
}

/// The value of the first document, which is a scalar or the value of one key.
#[track_caller]
fn value(text: &str) -> String {
    let stream = Stream::scan(text).unwrap();
    let root = stream.document(0).unwrap().root().unwrap();
    root.entries().next().map_or(root, |(_, value)| value).text().into_owned()
}

#[test]
fn a_tab_in_a_blank_line_behind_plain_text_is_a_blank() {
    same(&[
        "foo: 1\n \t\nbar: 2\n",
        "a\n\t",
        "a:\n  b: c\n   \t\n  d: e\n",
        "- a\n \t# c\n- b\n",
        "a\n\t\n...\n",
    ]);
    broken(&[
        "foo: 1\n\t\nbar: 2\n",
        "foo: \"1\"\n \t\nbar: 2\n",
        "a:\n \t\n  b: c\n",
        "- a # c\n \t\n- b\n",
    ]);
}

#[test]
fn a_block_text_may_start_at_the_column_of_its_key_or_dash() {
    same(&[
        "k:\n|\n t\n",
        "a:\n  k:\n  >-\n   t\n  l: m\n",
        "-\n|\n t\n- u\n",
        "k: !t\n|\n t\n",
        "k:\n-\n|\n t\nl: m\n",
    ]);
    broken(&["k: v\n|\n t\n", "k:\n!t |\n t\n", "- a\n|\n t\n", "|\n t\n|\n t\n"]);
}

#[test]
fn an_end_marker_needs_a_document_before_it() {
    broken(&["...\n", "# c\n...\n---\na: 1\n"]);
    same(&["---\n...\n", "a: 1\n...\n...\n# c\n...\n---\nb: 1\n"]);
    broken(&["a: 1\n...\nb: 1\n", "a: 1\n... b\n"]);
}

#[test]
fn directives_may_follow_a_document_at_once() {
    refused(
        "directive",
        &[
            "!t \"a\"\n%TAG ! x\n---\nb\n",
            "---\na: b\n%YAML 1.2\n---\n",
            "- a\n...\n%YAML 1.1\n# c\n---\n- b\n",
        ],
    );
    refused("directive", &["%YAML\t1.1\n---\n", "%YAML 1.1\n\t\n---\n"]);
    broken(&[
        "%YAML 1.1\n",
        "%YAML 1.1\n...\n",
        "[a]\n%YAML\n",
        "a: b\n%YAML 1.1\n",
        "%\n---\n",
        "%YAMLL 1.1\n---\n",
    ]);
    broken(&["%YAML 1.1\na: b\n"]);
}

#[test]
fn directives_in_a_refused_text_count_for_the_next_document() {
    for text in
        ["%TAG !m! x\n--- !m!l a\n...\n%TAG !m! y\n---\n!m!l b\n", "? a\n...\n%TAG !m! y\n---\n!m!l b\n"]
    {
        refused("directive", &[text.strip_prefix("? a\n...\n").unwrap_or(text)]);
        let stream = Stream::scan(text).unwrap();
        assert!(stream.documents().all(|document| document.refusal().is_some()), "{text:?}");
    }
    refused("unicode line break", &["%TAG !e! /\u{2028}\n---\n!e!o a\n"]);
    refused("lone carriage return", &["%TAG !e! /\r\r\n---\n!e!o a\n"]);
}

#[test]
fn tags_have_the_characters_that_libyaml_knows() {
    same(&[
        "!t a",
        "!!str a",
        "! a",
        "!<tag:x,[y]> a",
        "!a%21b c",
        "!t;/?:@&=+$.~*'()_-! a",
        "- !!a!b c\n- !t\n- d",
        "!!str",
    ]);
    same(&["[!t a, !!u 'b', !v [c], !w ]", "{!t a: !u b}", &format!("!{} a", "t".repeat(3000))]);
    broken(&[
        "!a,b c", "!a[b c", "!#", "!!", "!<>", "!<a", "!<a>b", "!a%2 b", "!a%c3 b", "!a>b c", "[!t]",
        "{a: !t}",
    ]);
    broken(&["!e!t a", "!e! a", "!-!. a"]);
    // go-yaml takes the comma for a part of the tag, libyaml does not, and its port panics.
    for text in ["[!t, a]", "{a: !t, b: c}"] {
        assert_eq!(compare(text), Verdict::NoOpinion);
        let refusal = Stream::scan(text).unwrap().document(0).unwrap().refusal().cloned();
        assert_eq!(refusal.unwrap().reason, RefusalReason::AmbiguousFlowText);
    }
}

#[test]
fn an_alias_takes_no_anchor_from_the_line_before() {
    broken(&["1: &a b\n3: &c\n *a\n", "- &a b\n- !t\n  *a\n", "- &a b\n- &c *a\n", "- &a b\n- [&c *a]\n"]);
    same(&["- &a b\n- &c\n  *a : d\n", "- &a b\n- !t\n  *a : d\n"]);
}

#[test]
fn properties_in_front_of_a_key_belong_to_the_key() {
    refused("collection key", &["&mapping\n&key [a]: b\n", "!t\n!u {a: b}: c\n", "- &a [b]: c\n"]);
    same(&["&mapping\n&key a: b\n", "- &item\n  &key !t a: b\n", "a: &x\n- b\n", "&x\n!t\n- a\n"]);
    broken(&["&a &b c\n", "&a\n&b c\n", "!t\n!u [c]\n", "a:\n&b\nc: d\n", "&a - b\n"]);
}

#[test]
fn both_readers_of_escape_sequences_are_followed() {
    // Only go-yaml knows the first, only libyaml the second.
    assert_eq!(value(r#"a: "\'""#), "'");
    assert_eq!(value(r#"a: "\/""#), "/");
    same(&[r#"a: "\0\a\b\t\n\v\f\r\e\ \"\\\N\_\L\P\x41\u00e9\U0001F600\	""#]);
    broken(&[r#""\q""#, r#""\x4""#, r#""\ud800""#, r#""\U00110000""#, r#""\u12é4""#]);
}

#[test]
fn a_key_is_measured_in_characters() {
    let key = "é".repeat(1000);
    assert_eq!(value(&format!("{key}: a")), "a");
    assert_eq!(value(&format!("{{{key}: a}}")), "a");
    for text in [format!("{key}{key}: a"), format!("{{{key}{key}: a}}")] {
        assert!(Stream::scan(&text).unwrap_err().message.contains("1024"));
    }
}

#[test]
fn a_block_text_at_the_end_may_lack_its_line_end() {
    // The port of libyaml panics on these; the values are those of go-yaml and `serde_yaml`.
    for (text, wanted) in [
        ("a: |\n  x", "x"),
        ("a: |+\n  x", "x"),
        ("a: >\n  x\n  y", "x y"),
        ("a: |\n  x\n   ", "x\n "),
        ("a: |", ""),
        ("a: |+\n   ", ""),
        ("a: |\n  x\n\n\n", "x\n"),
        ("a: |+\n  x\n\n ", "x\n\n"),
        ("a: >+\n  x\n\n", "x\n\n"),
        ("--- |\n x\n...", "x\n"),
    ] {
        assert_eq!(value(text), wanted, "{text:?}");
        let verdict = compare(text);
        assert!(matches!(verdict, Verdict::Same | Verdict::NoOpinion), "{text:?}: {verdict:?}");
        let theirs: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(theirs.get("a").unwrap_or(&theirs).as_str(), Some(wanted), "{text:?}");
    }
}

#[test]
fn a_tag_decides_the_type_of_a_scalar() {
    // As go-yaml has it; `kubectl` reads with that.
    for (text, wanted) in [
        ("!", "String(\"\")"),
        ("!!str", "String(\"\")"),
        ("!t 1", "String(\"1\")"),
        ("!!str null", "String(\"null\")"),
        ("!!int \"3\"", "Integer(3)"),
        ("!!bool 'yes'", "Bool(true)"),
        ("!!null \"~\"", "Null"),
        ("!!null", "Null"),
        ("&a", "Null"),
        ("&a !t", "String(\"\")"),
    ] {
        let stream = Stream::scan(text).unwrap();
        let root = stream.document(0).unwrap().root().unwrap();
        assert_eq!(format!("{:?}", root.scalar().unwrap()), wanted, "{text:?}");
        assert_eq!(root.is_null(), wanted == "Null", "{text:?}");
    }
}

#[test]
fn numbers_are_those_of_go_yaml() {
    let resolve = |text: &'static str| format!("{:?}", scalar::resolve(text.into()));
    for text in [
        ".5_",
        "._5",
        "+.nan",
        "-.NaN",
        "1e400",
        "0x18446744073709551616",
        "0b2",
        "0o8",
        "1_e",
        "_1",
        "0x",
        "-",
        ".",
        "1:30",
    ] {
        assert_eq!(resolve(text), format!("String({text:?})"));
    }
    for (text, wanted) in [
        ("18446744073709551615", "Float(1.8446744073709552e19)"),
        ("-9223372036854775808", "Integer(-9223372036854775808)"),
        ("0777777777777777777777777", "Float(7.777777777777778e23)"),
        ("1__2", "Integer(12)"),
        ("-0b11", "Integer(-3)"),
        ("0_7", "Integer(7)"),
        ("08", "Float(8.0)"),
        ("1.", "Float(1.0)"),
        ("+.inf", "Float(inf)"),
        (".NAN", "Float(NaN)"),
    ] {
        assert_eq!(resolve(text), wanted, "{text}");
    }
}
