//! Edits as a person would see them: text before, edits, text after.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use rewriter::{Blocked, Edit, Path, Step, Stream, Value, apply, place};

/// `a.b[0]` as a path.
fn path(text: &str) -> Path {
    let mut steps = Vec::new();
    for part in text.split('.').filter(|part| !part.is_empty()) {
        let (key, indexes) = part.split_once('[').unwrap_or((part, ""));
        if !key.is_empty() {
            steps.push(Step::Key(key.to_owned().into()));
        }
        for index in indexes.split(['[', ']']).filter(|index| !index.is_empty()) {
            steps.push(Step::Index(index.parse().unwrap()));
        }
    }
    steps.into_iter().collect()
}

fn set(at: &str, value: impl Into<Value>) -> Edit {
    Edit::set(path(at), value)
}

fn append(at: &str, value: impl Into<Value>) -> Edit {
    Edit::append(path(at), value)
}

fn remove(at: &str) -> Edit {
    Edit::remove(path(at), None)
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Mapping(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Applies `edits` to the first document of `before` and compares with `after`.
#[track_caller]
fn check(before: &str, edits: &[Edit], after: &str) {
    let stream = Stream::scan(before).unwrap();
    let applied = apply(&stream, &[(0, edits.iter().collect())]);
    assert_eq!(applied.failures, [], "in {before:?}");
    assert_eq!(applied.text, after, "\n--- wanted\n{after}\n--- got\n{}", applied.text);
}

/// The reason for which the one edit cannot be placed.
#[track_caller]
fn blocked(before: &str, edits: &[Edit]) -> Blocked {
    let stream = Stream::scan(before).unwrap();
    let result = place(stream.document(0).unwrap(), &[edits]);
    let applied = apply(&stream, &[(0, edits.iter().collect())]);
    assert_eq!(applied.text, before, "a blocked edit changed the text");
    result[0].expect_err("the edit can be placed")
}

#[test]
fn crlf_stays_crlf() {
    check(
        "spec:\r\n  containers:\r\n  - name: a # x\r\n    image: b\r\n",
        &[set("spec.containers[0].k", 1)],
        "spec:\r\n  containers:\r\n  - name: a # x\r\n    image: b\r\n    k: 1\r\n",
    );
}

#[test]
fn mixed_line_ends_follow_the_line_before() {
    check("a: 1\r\nb:\n  c: 1\nd: 2\r\n", &[set("b.k", 1)], "a: 1\r\nb:\n  c: 1\n  k: 1\nd: 2\r\n");
    check("a:\r\n  c: 1\r\nd: 2\n", &[set("a.k", 1)], "a:\r\n  c: 1\r\n  k: 1\r\nd: 2\n");
}

#[test]
fn a_byte_order_mark_stays_first() {
    check(
        "\u{feff}kind: Pod\nspec:\n  containers: [{name: a}]\n",
        &[set("k", 1), set("spec.containers[0].k", 1)],
        "\u{feff}kind: Pod\nspec:\n  containers: [{name: a, k: 1}]\nk: 1\n",
    );
}

#[test]
fn a_missing_final_newline_stays_missing() {
    check(
        "spec:\n  containers:\n  - name: a\n    image: b",
        &[set("spec.containers[0].k", 1), set("spec.z", true)],
        "spec:\n  containers:\n  - name: a\n    image: b\n    k: 1\n  z: true",
    );
}

#[test]
fn a_literal_at_the_end_without_newline_keeps_its_value() {
    let before = "m:\n  a: 1\n  script: |\n    x";
    check(before, &[set("m.k", 1)], "m:\n  a: 1\n  k: 1\n  script: |\n    x");
    let before = "m:\n  script: |-\n    x";
    check(before, &[set("m.k", 1)], "m:\n  script: |-\n    x\n  k: 1");
    let before = "m:\n  script: |\n    x";
    assert_eq!(blocked(before, &[set("m.k", 1)]), Blocked::Layout { line: 2 });
}

#[test]
fn keep_chomping_keeps_its_blank_lines() {
    check("m:\n  a: |+\n    x\n\nn: 1\n", &[set("m.k", 1)], "m:\n  a: |+\n    x\n\n  k: 1\nn: 1\n");
}

#[test]
fn lines_of_a_literal_that_look_like_comments_are_text() {
    check(
        "m:\n  a: |\n    x\n    # still text\nn: 1\n",
        &[set("m.k", 1)],
        "m:\n  a: |\n    x\n    # still text\n  k: 1\nn: 1\n",
    );
    check(
        "m:\n  a: |2\n        x\n      y\nn: 1\n",
        &[set("m.k", 1)],
        "m:\n  a: |2\n        x\n      y\n  k: 1\nn: 1\n",
    );
}

#[test]
fn an_empty_value_gets_children_and_keeps_its_comment() {
    let before = "c:\n  securityContext: # hardened later\n  image: b\n";
    check(
        before,
        &[set("c.securityContext.k", 1)],
        "c:\n  securityContext: # hardened later\n    k: 1\n  image: b\n",
    );
    let before = "c:\n  securityContext: ~   # todo\n  image: b\n";
    check(
        before,
        &[set("c.securityContext.k", 1)],
        "c:\n  securityContext:   # todo\n    k: 1\n  image: b\n",
    );
    check(
        "spec:\n  securityContext:",
        &[set("spec.securityContext.k", 1)],
        "spec:\n  securityContext:\n    k: 1",
    );
    check(
        "c:\n  resources: {} # none yet\n",
        &[set("c.resources.k", 1)],
        "c:\n  resources: # none yet\n    k: 1\n",
    );
    let before = "c:\n  resources: \n    {}\n  x: 1\n";
    check(before, &[set("c.resources.k", 1)], "c:\n  resources: \n    k: 1\n  x: 1\n");
    let before = "c:\n  resources:\n    {} # none\n  x: 1\n";
    assert_eq!(blocked(before, &[set("c.resources.k", 1)]), Blocked::Comment { line: 3 });
    check("c:\n  drop: null\n  x: 1\n", &[append("c.drop", "ALL")], "c:\n  drop:\n  - ALL\n  x: 1\n");
}

#[test]
fn text_that_goes_on_in_the_next_line_goes_as_a_whole() {
    check("d: p\n  q\ne: 1\n", &[set("d", Value::Sequence(vec![]))], "d: []\ne: 1\n");
    check("d: \"p\n  q\"\ne: 1\n", &[set("d", map([("k", 1.into())]))], "d:\n  k: 1\ne: 1\n");
    assert_eq!(blocked("d: p\n  q # c\n", &[set("d.k", 1)]), Blocked::Mismatch { line: 1 });
}

#[test]
fn a_flow_map_that_ends_on_an_empty_value_is_added_to() {
    check("{a: }\n", &[set("k", 1)], "{a: , k: 1}\n");
    check("m: {a: 1, b: }\n", &[set("m.k", 1)], "m: {a: 1, b: , k: 1}\n");
    check("m: {\n  a: 1,\n  b:\n}\n", &[set("m.k", 1)], "m: {\n  a: 1,\n  b: ,\n  k: 1\n}\n");
}

#[test]
fn a_comment_right_behind_a_quote_or_a_bracket_stays_one() {
    check("e: \"\"#c\n", &[set("e", 7)], "e: 7 #c\n");
    check("e: ''#c\n", &[set("e", "x")], "e: 'x'#c\n");
    check("e: {}#c\n", &[set("e.k", 1)], "e: #c\n  k: 1\n");
    check("e: [\"\"#c\n]\n", &[set("e[0]", 7)], "e: [7 #c\n]\n");
}

#[test]
fn flow_mappings_stay_flow() {
    check("s: {runAsUser: 0, }\n", &[set("s.k", 1)], "s: {runAsUser: 0, k: 1 }\n");
    check(
        "m: {a: 0755, b: 1e3, c: ~, 'd': \"y\"}\n",
        &[set("m.k", 1)],
        "m: {a: 0755, b: 1e3, c: ~, 'd': \"y\", k: 1}\n",
    );
    check("m: { a: 1 }\n", &[set("m.k", 1)], "m: { a: 1, k: 1 }\n");
    check(
        "m: {\n  a: 1, # c1\n  b: 2  # c2\n}\n",
        &[set("m.k", 1)],
        "m: {\n  a: 1, # c1\n  b: 2,  # c2\n  k: 1\n}\n",
    );
    check("m: {\n  a: 1,\n  b: 2,\n}\n", &[set("m.k", 1)], "m: {\n  a: 1,\n  b: 2,\n  k: 1,\n}\n");
    check(
        "containers:\n- {name: a, image: b}\n",
        &[set("containers[0].securityContext.capabilities.drop", vec![Value::from("ALL")])],
        "containers:\n- {name: a, image: b, securityContext: {capabilities: {drop: [ALL]}}}\n",
    );
}

#[test]
fn json_stays_json() {
    check(
        r#"{"kind":"Pod","spec":{"containers":[{"name":"a"}]}}"#,
        &[set("spec.containers[0].securityContext.drop", vec![Value::from("ALL")]), set("spec.x", true)],
        r#"{"kind":"Pod","spec":{"containers":[{"name":"a","securityContext":{"drop":["ALL"]}}],"x":true}}"#,
    );
    check(
        "{\n\t\"kind\": \"Pod\",\n\t\"spec\": {}\n}\n",
        &[set("spec.a.b", "c")],
        "{\n\t\"kind\": \"Pod\",\n\t\"spec\": {\n\t\t\"a\": {\n\t\t\t\"b\": \"c\"\n\t\t}\n\t}\n}\n",
    );
    check(
        "{\n  \"a\": [\n    {\n      \"name\": \"x\"\n    }\n  ]\n}\n",
        &[append("a", map([("name", "y".into())])), set("a[0].k", 1)],
        "{\n  \"a\": [\n    {\n      \"name\": \"x\",\n      \"k\": 1\n    },\n    {\n      \"name\": \"y\"\n    }\n  ]\n}\n",
    );
}

#[test]
fn new_lines_look_like_their_neighbours() {
    check(
        "a:\n- x: 1\nb:\n  - y: 1\n",
        &[append("a", 1), append("b", 2)],
        "a:\n- x: 1\n- 1\nb:\n  - y: 1\n  - 2\n",
    );
    check(
        "c:\n-   name: a\n    image: b\n",
        &[set("c[0].k", 1)],
        "c:\n-   name: a\n    image: b\n    k: 1\n",
    );
    check(
        "c:\n- # main\n     name: a\n     image: b\n",
        &[set("c[0].k", 1)],
        "c:\n- # main\n     name: a\n     image: b\n     k: 1\n",
    );
    check(
        "c:\n- name: a\n  image: b\n# the sidecar\n- name: c\n",
        &[set("c[0].k", 1)],
        "c:\n- name: a\n  image: b\n  k: 1\n# the sidecar\n- name: c\n",
    );
    check(
        "a:\n    b:\n        c: 1\n",
        &[set("a.d.e.f", vec![Value::from("x")])],
        "a:\n    b:\n        c: 1\n    d:\n        e:\n            f:\n            - x\n",
    );
    check(
        "a:\n  b:\n    - 1\n",
        &[set("a.d", vec![map([("name", "x".into()), ("e", map([]))])])],
        "a:\n  b:\n    - 1\n  d:\n    - name: x\n      e: {}\n",
    );
}

#[test]
fn comments_inside_a_value_stay_inside_it() {
    // A key that is commented out belongs to the mapping that its column says.
    check(
        "spec:\n  context:\n    user: 1\n    # group: 1\n\n    # more: 2\n  # hostname: x\nkind: Pod\n",
        &[set("spec.added", 1)],
        "spec:\n  context:\n    user: 1\n    # group: 1\n\n    # more: 2\n  added: 1\n  # hostname: x\nkind: Pod\n",
    );
    // So does an item where dashes stand below their key.
    check(
        "m:\n  ports:\n  - name: a\n  #- name: b\n  # about a key\n",
        &[set("m.added", 1)],
        "m:\n  ports:\n  - name: a\n  #- name: b\n  added: 1\n  # about a key\n",
    );
    // A block text ends where its lines do.
    check("a:\n  b: |\n    x\n   # deep\n", &[set("c", 1)], "a:\n  b: |\n    x\n   # deep\nc: 1\n");
}

#[test]
fn comments_at_odd_columns_stay_where_they_are() {
    check(
        "spec:\n      # deep\n  a: 1\n # odd\n# col 0\n  b: 2\n\n  # behind\nx: 1\n",
        &[set("spec.k", 1)],
        "spec:\n      # deep\n  a: 1\n # odd\n# col 0\n  b: 2\n  k: 1\n\n  # behind\nx: 1\n",
    );
}

#[test]
fn multi_line_scalars_are_one_value() {
    check(
        "m:\n  a: \"x\n    # y\n  - z: \"\n  b: one\n    two\nn: 1\n",
        &[set("m.k", 1)],
        "m:\n  a: \"x\n    # y\n  - z: \"\n  b: one\n    two\n  k: 1\nn: 1\n",
    );
}

#[test]
fn quoted_keys_are_the_same_key() {
    check(
        "\"securityContext\": {}\n\"image\\u0050ullPolicy\": Always\n",
        &[set("securityContext.k", 1), set("imagePullPolicy", "Never")],
        "\"securityContext\":\n  k: 1\n\"image\\u0050ullPolicy\": Never\n",
    );
}

#[test]
fn the_end_of_a_document_is_before_its_markers() {
    check("--- # first\na: 1\n...\n---\n", &[set("k", 1)], "--- # first\na: 1\nk: 1\n...\n---\n");
}

#[test]
fn a_bracket_at_the_column_of_its_key_is_accepted() {
    check(
        "s:\n  args: [\n      \"-x\", \"y\",\n  ]\n  image: b\n",
        &[set("s.k", 1)],
        "s:\n  args: [\n      \"-x\", \"y\",\n  ]\n  image: b\n  k: 1\n",
    );
}

#[test]
fn scalars_are_replaced_in_their_quotes() {
    check("drop:\n- all\t\t\n", &[set("drop[0]", "ALL")], "drop:\n- ALL\t\t\n");
    check(
        "drop: ['all', \"net\"]\n",
        &[set("drop[0]", "ALL"), set("drop[1]", "NET")],
        "drop: ['ALL', \"NET\"]\n",
    );
    check("a: true # why\n", &[set("a", false)], "a: false # why\n");
    check("a: 0\nb: 1\n", &[set("a", "0")], "a: \"0\"\nb: 1\n");
}

#[test]
fn collections_are_replaced_in_their_style() {
    let all = || vec![Value::from("ALL")];
    check(
        "c:\n  drop:\n  - A\n  - B\n  add: [X]\n",
        &[set("c.drop", all())],
        "c:\n  drop:\n  - ALL\n  add: [X]\n",
    );
    check("c:\n  drop: [A, B]\n", &[set("c.drop", all())], "c:\n  drop: [ALL]\n");
    check("c:\n  drop: A # x\n  b: 1\n", &[set("c.drop", all())], "c:\n  drop: # x\n  - ALL\n  b: 1\n");
    assert_eq!(
        blocked("c:\n  drop:\n  - A # keep\n  - B\n", &[set("c.drop", all())]),
        Blocked::Comment { line: 3 }
    );
}

#[test]
fn entries_are_removed_with_their_lines() {
    check("a:\n  x: 1\n  y: 2\nb: 1\n", &[remove("a.x")], "a:\n  y: 2\nb: 1\n");
    check("a:\n  x: 1\n  y: 2\nb: 1\n", &[remove("a.y")], "a:\n  x: 1\nb: 1\n");
    check("a:\n  x: 1\nb: 1\n", &[remove("a.x")], "a: {}\nb: 1\n");
    check("x: 1\ny: 2\n", &[remove("x")], "y: 2\n");
    check("a:\n- x: 1\n  y: 2\n- z: 1\n", &[remove("a[0].x")], "a:\n- y: 2\n- z: 1\n");
    check(
        "a:\n- x: 1\n  y: 2\n  w: 3\n- z: 1\n",
        &[remove("a[0].x"), remove("a[0].y")],
        "a:\n- w: 3\n- z: 1\n",
    );
    check("a:\n- x: 1\n- z: 1\n", &[remove("a[0].x")], "a:\n- {}\n- z: 1\n");
    check("a:\n- 1\n- 2\n- 3\nb: 1\n", &[remove("a[0]"), remove("a[2]")], "a:\n- 2\nb: 1\n");
    check("a:\n- 1\nb: 1\n", &[remove("a[0]")], "a: []\nb: 1\n");
    check("a: {x: 1, y: 2, z: 3}\n", &[remove("a.x"), remove("a.z")], "a: {y: 2}\n");
    check("a: {x: 1, y: 2}\n", &[remove("a.x"), remove("a.y")], "a: {}\n");
    check("a: [1, 2, 3]\n", &[remove("a[1]"), remove("a[2]")], "a: [1]\n");
    check("a:\r\n  x: 1\r\n  y: |\r\n    t\r\nb: 1\r\n", &[remove("a.y")], "a:\r\n  x: 1\r\nb: 1\r\n");
    check("a:\n  # above\n  x: 1\n  y: 2\n", &[remove("a.x")], "a:\n  # above\n  y: 2\n");
}

#[test]
fn removing_and_adding_in_one_mapping() {
    check("s:\n  privileged: true\nb: 1\n", &[remove("s.privileged"), set("s.k", 1)], "s:\n  k: 1\nb: 1\n");
    check(
        "s:\n  a: 1\n  privileged: true\nb: 1\n",
        &[remove("s.privileged"), set("s.k", 1)],
        "s:\n  a: 1\n  k: 1\nb: 1\n",
    );
    check("s: {privileged: true}\n", &[remove("s.privileged"), set("s.k", 1)], "s: {k: 1}\n");
    check("s: {a: 1, privileged: true}\n", &[remove("s.privileged"), set("s.k", 1)], "s: {a: 1, k: 1}\n");
    check(
        "spec:\n  c:\n  - name: a\n    p: true\n",
        &[remove("spec.c[0].p"), set("spec.c[0].k", 1), set("spec.z", 2)],
        "spec:\n  c:\n  - name: a\n    k: 1\n  z: 2\n",
    );
}

#[test]
fn a_comment_on_a_removed_line_leaves_the_neutral_value() {
    let before = "s:\n  hostNetwork: true # why\n  a: 1\n";
    let neutral = Edit::remove(path("s.hostNetwork"), Some(false.into()));
    check(before, &[neutral], "s:\n  hostNetwork: false # why\n  a: 1\n");
    assert_eq!(blocked(before, &[remove("s.hostNetwork")]), Blocked::Comment { line: 2 });
}

#[test]
fn a_shared_anchor_is_edited_only_when_all_that_share_it_agree() {
    let before = "c:\n- sc: &sc {u: 0}\n- sc: *sc\n";
    assert_eq!(blocked(before, &[set("c[0].sc.k", 1)]), Blocked::SharedAnchor { line: 2 });
    assert_eq!(blocked(before, &[set("c[1].sc.k", 1)]), Blocked::SharedAnchor { line: 2 });
    check(before, &[set("c[0].sc.k", 1), set("c[1].sc.k", 1)], "c:\n- sc: &sc {u: 0, k: 1}\n- sc: *sc\n");
    assert_eq!(
        blocked(before, &[set("c[0].sc.k", 1), set("c[1].sc.k", 2)]),
        Blocked::SharedAnchor { line: 2 }
    );
    let before = "containers: [&c {name: a}]\ninitContainers: [*c]\n";
    check(
        before,
        &[append("containers[0].m", 1), append("initContainers[0].m", 1)],
        "containers: [&c {name: a, m: [1]}]\ninitContainers: [*c]\n",
    );
}

#[test]
fn blank_lines_with_a_tab_stay_behind_the_text_that_they_follow() {
    let before = "l:\n- a: e\n   \t\n\n   \t \n\nb: 1\n";
    let after = "l:\n- a: e\n   \t\n\n   \t \n  c:\n    d: 1\n\nb: 1\n";
    check(before, &[set("l[0].c.d", 1)], after);
    check(&before.replace('\n', "\r\n"), &[set("l[0].c.d", 1)], &after.replace('\n', "\r\n"));
}

#[test]
fn one_entry_in_braces_is_spaced_as_what_is_around_it() {
    check("l: [{a: 1},{b: 2}]\n", &[set("l[0].c", 3)], "l: [{a: 1,c: 3},{b: 2}]\n");
    check("l: [{a: 1}, {b: 2}]\n", &[set("l[0].c", 3)], "l: [{a: 1, c: 3}, {b: 2}]\n");
    check("{\"a\":1}", &[set("b", 3)], "{\"a\":1,\"b\":3}");
    check("{\"a\": 1}", &[set("b", 3)], "{\"a\": 1, \"b\": 3}");
}

#[test]
fn a_shared_null_is_edited_only_when_all_that_share_it_agree() {
    for before in ["c: &c\n- s:\ne: *c\n", "c: &c [{s: null}]\ne: *c\n", "c: [{s: &c null}]\ne: [{s: *c}]\n"]
    {
        assert_eq!(blocked(before, &[set("c[0].s.k", 1)]), Blocked::SharedAnchor { line: 1 }, "{before}");
    }
    let both = [set("c[0].s.k", 1), set("e[0].s.k", 1)];
    check("c: &c [{s: null}]\ne: *c\n", &both, "c: &c [{s: {k: 1}}]\ne: *c\n");
}

#[test]
fn an_alias_that_is_a_key_shares_its_anchor_too() {
    for before in ["- &a 0\n- *a : b\n", "- &a 0\n- {*a : b}\n"] {
        assert_eq!(blocked(before, &[set("[0]", 7)]), Blocked::SharedAnchor { line: 1 }, "{before}");
        assert_eq!(blocked(before, &[remove("[0]")]), Blocked::SharedAnchor { line: 1 }, "{before}");
    }
    for (before, edit) in
        [("- &a [0]\n- *a : b\n", set("[0][0]", 7)), ("- &a {k: 1}\n- *a : b\n", set("[0].new", 7))]
    {
        assert_eq!(blocked(before, &[edit]), Blocked::SharedAnchor { line: 1 }, "{before}");
    }
}

#[test]
fn a_key_with_an_anchor_that_others_use_stays() {
    for before in ["- {&a e: 1, f: 2}\n- *a\n", "- &a e: 1\n  f: 2\n- *a\n"] {
        assert_eq!(blocked(before, &[remove("[0].e")]), Blocked::SharedAnchor { line: 1 }, "{before}");
    }
    check("- &a e: 1\n  f: 2\n- *a\n", &[set("[0].e", 3)], "- &a e: 3\n  f: 2\n- *a\n");
}

#[test]
fn nothing_is_placed_in_a_refused_document() {
    for before in ["- ? [a]\n  : b\n", "? a\n: b\n", "a: *unknown\n"] {
        let stream = Stream::scan(before).unwrap();
        let document = stream.document(0).unwrap();
        assert!(document.refusal().is_some(), "{before}");
        let edit = set("a", 1);
        assert_eq!(place(document, &[std::slice::from_ref(&edit)]), [Err(Blocked::Missing)]);
        let applied = apply(&stream, &[(0, vec![&edit])]);
        assert_eq!(applied.failures.len(), 1, "{before}");
        assert_eq!(applied.text, before);
    }
}

#[test]
fn a_whole_alias_can_be_replaced_by_a_value() {
    check("a: &u 0\nb: *u\n", &[set("b", 1)], "a: &u 0\nb: 1\n");
}

#[test]
fn a_merge_key_is_not_edited_through() {
    let before = "d: &d {s: {p: false}}\nc:\n  <<: *d\n  name: a\n";
    assert_eq!(blocked(before, &[set("c.s.k", 1)]), Blocked::MergeKey { line: 3 });
    check(before, &[set("c.k", 1)], "d: &d {s: {p: false}}\nc:\n  <<: *d\n  name: a\n  k: 1\n");
    assert_eq!(blocked(before, &[set("d.s.k", 1)]), Blocked::SharedAnchor { line: 1 });
}

#[test]
fn an_edit_that_meets_another_kind_of_value_is_blocked() {
    assert_eq!(blocked("a: text\n", &[set("a.b", 1)]), Blocked::Mismatch { line: 1 });
    assert_eq!(blocked("a: [1]\n", &[set("a.b", 1)]), Blocked::Mismatch { line: 1 });
    assert_eq!(blocked("a: {b: 1}\n", &[append("a", 1)]), Blocked::Mismatch { line: 1 });
    assert_eq!(blocked("a: 1\n", &[remove("b")]), Blocked::Missing);
    assert_eq!(blocked("a: [1]\n", &[set("a[1]", 1)]), Blocked::Missing);
}

#[test]
fn nothing_becomes_text_of_a_block_scalar_because_a_key_goes() {
    for below in ["  \n", "\n   \n", " # c\n"] {
        let before = format!("s: |\n t\nr: 1\n{below}d: 2\n");
        assert!(matches!(blocked(&before, &[remove("r")]), Blocked::Layout { .. }), "{before:?}");
    }
    assert!(matches!(blocked("s: |+\n t\nr: 1\n\nd: 2\n", &[remove("r")]), Blocked::Layout { line: 4 }));
    check("s: |\n t\nr: 1\n\n# c\nd: 2\n", &[remove("r")], "s: |\n t\n\n# c\nd: 2\n");
    check("s: |\n t\nr: 1\nd: 2\n  \n", &[remove("r")], "s: |\n t\nd: 2\n  \n");
}

#[test]
fn a_key_over_two_lines_is_found() {
    check("{e\nx, f: 2}\n", &[remove("e x")], "{f: 2}\n");
    assert!(matches!(blocked("m: {e\n  x}\n", &[set("m.e x", 2)]), Blocked::Layout { .. }));
}

#[test]
fn edits_of_one_place_that_contradict_each_other_are_refused() {
    let before = "a: 1\nb:\n  c: 2\nd: [x]\n";
    let contrary = [
        [set("a", 2), set("a", 3)],
        [set("a", 2), remove("a")],
        [set("b.c", 3), set("b", 1)],
        [set("b", 1), set("b.c", 3)],
        [set("b.c", 3), remove("b")],
        [append("d", "y"), set("d", 1)],
        [append("d", "y"), remove("d")],
        [set("d", 1), append("d", "y")],
        [set("d.e", 1), append("d", "y")],
        [append("d", "y"), set("d.e", 1)],
    ];
    for edits in contrary {
        assert_eq!(blocked(before, &edits), Blocked::Conflict, "{edits:?}");
    }
    check(
        before,
        &[set("a", 2), set("a", 2), set("b.c", 3), set("b.e", 4)],
        "a: 2\nb:\n  c: 3\n  e: 4\nd: [x]\n",
    );
}

#[test]
fn new_text_is_quoted_as_the_document_does() {
    check("a: 'x'\nb: \"y\"\nc: 'z'\n", &[set("d", "1")], "a: 'x'\nb: \"y\"\nc: 'z'\nd: '1'\n");
    check("a: 'x'\nb: \"y\"\nc: \"z\"\n", &[set("d", "1")], "a: 'x'\nb: \"y\"\nc: \"z\"\nd: \"1\"\n");
    check("a: 'x'\nb: \"y\"\n", &[set("d", "-")], "a: 'x'\nb: \"y\"\nd: \"-\"\n");
}

#[test]
fn a_block_is_replaced_by_another_of_its_kind() {
    check(
        "a:\n  b: 1\nc: 2\n",
        &[set("a", map([("d", 1.into()), ("e", 2.into())]))],
        "a:\n  d: 1\n  e: 2\nc: 2\n",
    );
    check("a:\n- b\nc: 2\n", &[set("a", vec![Value::from("d"), "e".into()])], "a:\n- d\n- e\nc: 2\n");
}

#[test]
fn what_comes_at_the_end_of_a_flow_list_comes_behind_what_stays() {
    check("a: [x, y]\n", &[remove("a[1]"), append("a", "z")], "a: [x, z]\n");
    check("a: [\n  x # c, d\n]\n", &[append("a", "z")], "a: [\n  x, # c, d\n  z\n]\n");
    assert_eq!(blocked("a: [\n  x # c\n  ,\n]\n", &[append("a", "z")]), Blocked::Layout { line: 2 });
    check("{\"a\":[\"x\"]}\n", &[append("a", "y")], "{\"a\":[\"x\",\"y\"]}\n");
    // A list of quoted texts is no JSON.
    check("a: [\"x\", \"y\"]\n", &[append("a", map([("k", "v".into())]))], "a: [\"x\", \"y\", {k: v}]\n");
    check(
        "{\"a\": [\"x\"]}\n",
        &[append("a", map([("k", "v".into())]))],
        "{\"a\": [\"x\", {\"k\": \"v\"}]}\n",
    );
}
