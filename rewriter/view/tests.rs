use crate::{Edit, Kind, Path, Preview, Step, Stream, Value, View, apply, place};

/// A value as data, so that what two readers say can be compared.
#[derive(Debug, PartialEq)]
enum Data {
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
    Other(String),
    List(Vec<Self>),
    /// In the order of the keys: readers do not tell another one.
    Map(std::collections::BTreeMap<String, Self>),
}

fn data(view: View<'_>) -> Data {
    match view.kind() {
        Kind::Mapping => {
            let entries = view.entries().map(|(key, value)| (key.into_owned(), data(value)));
            let entries: std::collections::BTreeMap<_, _> = entries.collect();
            for (key, value) in &entries {
                assert_eq!(data(view.entry(key).unwrap()), *value, "{key}");
                assert_eq!(view.get(key).is_none(), *value == Data::Null, "{key}");
            }
            Data::Map(entries)
        }
        Kind::Sequence => Data::List(view.items().map(data).collect()),
        Kind::Scalar if view.is_null() => Data::Null,
        Kind::Scalar => {
            assert!(view.is_text(&view.text()));
            let known = view.as_bool().map(Data::Bool).or(view.as_integer().map(Data::Integer));
            let text = || view.as_str().map(|text| Data::Text(text.into_owned()));
            known.or_else(text).unwrap_or_else(|| Data::Other(view.text().into_owned()))
        }
    }
}

/// The edits through the view say what the edited text says.
#[track_caller]
fn agree(text: &str, edits: &[Edit]) -> bool {
    let stream = Stream::scan(text).unwrap();
    let document = stream.document(0).unwrap();
    if place(document, &[edits])[0].is_err() {
        return false;
    }
    let applied = apply(&stream, &[(0, edits.iter().collect())]);
    assert_eq!(applied.failures, [], "{edits:?}\n{text}");
    let new = Stream::scan(&applied.text).unwrap();
    let after = new.document(0).unwrap().root().unwrap();
    let preview = Preview::new(edits).unwrap();
    let view = preview.view(document.root().unwrap(), &Path::root()).unwrap();
    assert_eq!(data(view), data(View::from(after)), "{edits:?}\n{text}\n{}", applied.text);
    true
}

const TEXT: &str = "
base: &base {size: 1, colour: red, list: [a, b]}
other: &other {size: 2, shape: round}
merged:
  <<: [*base, *other]
  colour: blue
empty:
nothing: null
dishes:
  - name: soup
    with: [bread, salt]
  - name: stew
    price: 7
  - plain
flags: {on: yes, off: 'no', none: ~, half: 0.5}
";

fn path(steps: &[&str]) -> Path {
    let step = |step: &&str| step.parse().map_or_else(|_| Step::Key((*step).to_owned().into()), Step::Index);
    steps.iter().map(step).collect()
}

fn map(key: &str, value: impl Into<Value>) -> Value {
    Value::Mapping(vec![(key.to_owned(), value.into())])
}

#[test]
fn without_edits_it_reads_as_the_node_does() {
    let stream = Stream::scan(TEXT).unwrap();
    let root = stream.document(0).unwrap().root().unwrap();
    let view = View::from(root);
    let dish = view.get("dishes").unwrap().items().next().unwrap();
    assert_eq!(dish.get("name").unwrap().as_str().as_deref(), Some("soup"));
    assert!(view.get("nothing").is_none() && view.entry("nothing").unwrap().is_null());
    assert_eq!(view.get("flags").unwrap().get("on").unwrap().as_bool(), Some(true));
    let merged: Vec<_> =
        view.get("merged").unwrap().entries().map(|(key, value)| format!("{key}={}", value.text())).collect();
    assert_eq!(merged, ["colour=blue", "size=1", "list=", "shape=round"]);
    assert!(agree(TEXT, &[]));
}

#[test]
fn every_kind_of_edit_reads_as_it_will_be_written() {
    let set = |steps: &[&str], value: Value| Edit::set(path(steps), value);
    for edits in [
        vec![set(&["dishes", "0", "name"], 7.into())],
        vec![set(&["dishes", "0", "made", "by", "whom"], "me".into())],
        vec![set(&["empty", "deep", "er"], true.into()), set(&["empty", "deep", "est"], map("a", 1))],
        vec![Edit::append(path(&["nothing"]), "first"), Edit::append(path(&["nothing"]), map("a", "b"))],
        vec![Edit::append(path(&["dishes", "0", "with"]), "butter")],
        vec![Edit::remove(path(&["dishes", "0"]), None), Edit::append(path(&["dishes"]), map("name", "tea"))],
        vec![Edit::remove(path(&["dishes", "1", "price"]), None), set(&["dishes", "1", "new"], 1.into())],
        vec![set(&["merged", "size"], 3.into()), set(&["fresh", "list"], Value::Sequence(vec![1.into()]))],
        vec![set(&["flags"], Value::Null)],
    ] {
        assert!(agree(TEXT, &edits), "{edits:?} cannot be placed");
    }
}

#[test]
fn what_is_taken_out_keeps_the_numbers_of_the_others() {
    let stream = Stream::scan(TEXT).unwrap();
    let root = stream.document(0).unwrap().root().unwrap();
    let edits = [Edit::remove(path(&["dishes", "0"]), None), Edit::append(path(&["dishes"]), "tea")];
    let preview = Preview::new(&edits).unwrap();
    let dishes = preview.view(root.get("dishes").unwrap(), &path(&["dishes"])).unwrap();
    let numbers: Vec<usize> = dishes.numbered_items().map(|(number, _)| number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let soup = root.get("dishes").unwrap().items().next().unwrap();
    assert!(preview.view(soup, &path(&["dishes", "0"])).is_none(), "it is taken out");
    let contrary = [Edit::set(path(&["a"]), 1), Edit::set(path(&["a"]), 2)];
    assert!(Preview::new(&contrary).is_err());
}

/// Each value by each of the questions about its type: written, and as an edit will write it.
#[test]
fn values_answer_for_their_own_type_alone() {
    let text = "a: text\nb: 7\nc: true\nd: [x]\ne:\n";
    let values = [Value::from("text"), 7.into(), true.into(), Value::Sequence(vec!["x".into()]), Value::Null];
    let stream = Stream::scan(text).unwrap();
    let root = stream.document(0).unwrap().root().unwrap();
    let answers = |view: View<'_>| {
        let text = view.as_str().map(std::borrow::Cow::into_owned);
        (view.text().into_owned(), text, view.as_integer(), view.as_bool(), view.is_null(), view.is_text("7"))
    };
    let written: Vec<_> = root.entries().map(|(_, value)| answers(View::from(value))).collect();
    let own = |text: &str| text.to_owned();
    let expected = [
        (own("text"), Some(own("text")), None, None, false, false),
        (own("7"), None, Some(7), None, false, true),
        (own("true"), None, None, Some(true), false, false),
        (own(""), None, None, None, false, false),
        (own(""), None, None, None, true, false),
    ];
    assert_eq!(written, expected);
    let edits = [Edit::set(path(&["a"]), Value::Sequence(values.into()))];
    let preview = Preview::new(&edits).unwrap();
    let view = preview.view(root, &Path::root()).unwrap();
    let made: Vec<_> = view.get("a").unwrap().items().map(answers).collect();
    assert_eq!(made, expected);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 500, failure_persistence: None, ..proptest::prelude::ProptestConfig::default()
    })]

    #[test]
    fn any_edits_that_can_be_placed_read_as_they_will_be_written(
        asked in proptest::collection::vec((0..14_usize, 0..4_usize, 0..5_usize), 1..5)
    ) {
        let places: [&[&str]; 14] = [
            &["empty"], &["nothing"], &["dishes"], &["dishes", "0"], &["dishes", "0", "with"],
            &["dishes", "0", "with", "1"], &["dishes", "1", "name"], &["merged"], &["merged", "size"],
            &["base", "list"], &["flags", "none"], &["flags", "off"], &["fresh", "under"], &["dishes", "2"],
        ];
        let values = [Value::Null, 1.into(), "text".into(), map("key", map("inner", "x")), vec![Value::from("item")].into()];
        let edits: Vec<Edit> = asked
            .iter()
            .map(|(place, kind, value)| match kind {
                0 => Edit::set(path(places[*place]), values[*value].clone()),
                1 => Edit::append(path(places[*place]), values[*value].clone()),
                2 => Edit::remove(path(places[*place]), None),
                _ => Edit::set(path(places[*place]).key("added"), values[*value].clone()),
            })
            .collect();
        agree(TEXT, &edits);
    }
}
