use rewriter::{Edit, Stream};

use super::super::container::ContainerKind;
use super::super::shape::ContainerList;
use super::*;
use crate::test::{fix, plans};
use crate::{DocumentPlan, Outcome, Settings, State};

#[test]
fn the_table_reads() {
    assert_eq!(rows("apps/v1", "Deployment").len(), 1);
    assert!(rows("v1", "Deployment").is_empty());
    assert!(rows("batch/v1", "Deployment").is_empty());
}

#[test]
fn patterns_lead_to_every_place() {
    let stream = Stream::scan("a:\n  - b: {x: {c: 1}, y: {c: 2}}\n  - b: {z: {}}\n  - 7\n").unwrap();
    let root = stream.document(0).unwrap().root().unwrap();
    let pattern = Pattern::try_from("a[].b.<role>.c".to_owned()).unwrap();
    let found: Vec<_> = pattern
        .places(root, &Path::root())
        .into_iter()
        .map(|place: Spot<'_>| (place.path.to_string(), place.found))
        .collect();
    let expected = [
        ("a[0].b.x.c", Found::Value),
        ("a[0].b.y.c", Found::Value),
        ("a[1].b.z.c", Found::Nothing),
        ("a[2]", Found::NoMap),
    ];
    assert_eq!(found, expected.map(|(path, found)| (path.to_owned(), found)));
}

#[test]
fn a_part_without_a_name_is_no_pattern() {
    assert!(Pattern::try_from("spec..template".to_owned()).is_err());
    assert!(Pattern::try_from("[]".to_owned()).is_err());
}

/// A manifest in the making.
#[derive(Clone, Debug)]
enum Tree {
    Text(String),
    Map(Vec<(String, Self)>),
    List(Vec<Self>),
}

impl Tree {
    /// Puts `value` at `steps`, with what is missing above it.
    fn put(&mut self, steps: &[Step], value: Self) {
        let Some((first, rest)) = steps.split_first() else { return *self = value };
        let next = match first {
            Step::Key(key) => {
                if !matches!(self, Self::Map(_)) {
                    *self = Self::Map(Vec::new());
                }
                let Self::Map(entries) = self else { unreachable!() };
                let at = entries.iter().position(|(name, _)| *name == **key).unwrap_or_else(|| {
                    entries.push((key.to_string(), Self::Text("null".to_owned())));
                    entries.len() - 1
                });
                &mut entries[at].1
            }
            Step::Index(_) => {
                if !matches!(self, Self::List(_)) {
                    *self = Self::List(vec![Self::Text("null".to_owned())]);
                }
                let Self::List(items) = self else { unreachable!() };
                &mut items[0]
            }
        };
        next.put(rest, value);
    }

    fn yaml(&self, indent: usize) -> String {
        let pad = " ".repeat(indent);
        match self {
            Self::Text(text) => format!(" {text}\n"),
            Self::Map(entries) => {
                let line = |(key, value): &(String, Self)| format!("{pad}{key}:{}", value.yaml(indent + 2));
                format!("\n{}", entries.iter().map(line).collect::<String>())
            }
            Self::List(items) => {
                let line = |item: &Self| match item {
                    Self::Text(text) => format!("{pad}- {text}\n"),
                    // The first key stands beside the dash.
                    item => format!("{pad}- {}", item.yaml(indent + 2).trim_start()),
                };
                format!("\n{}", items.iter().map(line).collect::<String>())
            }
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Map(entries) => {
                let all: Vec<_> =
                    entries.iter().map(|(key, value)| format!("{key:?}:{}", value.json())).collect();
                format!("{{{}}}", all.join(","))
            }
            Self::List(items) => {
                let all: Vec<_> = items.iter().map(Self::json).collect();
                format!("[{}]", all.join(","))
            }
        }
    }
}

/// A path that the pattern leads to.
fn concrete(pattern: &Pattern, start: &Path) -> Path {
    let step = |segment: &Segment| match segment {
        Segment::Key(key) => Step::Key(key.clone()),
        Segment::Items => Step::Index(0),
        Segment::Values => Step::Key("worker".into()),
    };
    start.steps().iter().cloned().chain(pattern.0.iter().map(step)).collect()
}

/// A container that a row says where to find.
struct Case {
    name: String,
    tree: Tree,
    /// Where the pod is.
    pod: Path,
    container: Path,
    /// Whether something in the container itself is changed.
    is_editable: bool,
}

fn object(row: &Row, kind: &str) -> Tree {
    let version = row.version.as_deref().unwrap_or("v1");
    let api_version =
        if row.group.is_empty() { version.to_owned() } else { format!("{}/{version}", row.group) };
    let text = |text: &str| Tree::Text(text.to_owned());
    let name = Tree::Map(vec![("name".to_owned(), text("example"))]);
    Tree::Map(vec![
        ("apiVersion".to_owned(), text(&api_version)),
        ("kind".to_owned(), text(kind)),
        ("metadata".to_owned(), name),
    ])
}

const IMAGE: &str = "registry.example.com/team/app";

/// A manifest for each kind of the row, each place of a pod in it and each place of a container there.
fn cases(row: &'static Row) -> Vec<Case> {
    let own = Pattern::try_from("containers[]".to_owned()).unwrap();
    let shaped: Option<&Vec<ContainerList>> = row.shape.as_ref().and_then(|shape| shape.containers.as_ref());
    let lists: Vec<(Pattern, Option<&ContainerList>)> = match shaped {
        Some(lists) => lists.iter().map(|list| (list.at.clone(), Some(list))).collect(),
        None => vec![(own, None)],
    };
    let places =
        row.pods.iter().map(|place| (place, false)).chain(row.specs.iter().map(|place| (place, true)));
    let mut cases = Vec::new();
    for kind in &row.kinds {
        for (place, is_spec) in places.clone() {
            for (at, list) in &lists {
                let mut tree = object(row, kind);
                let pod = concrete(place, &Path::root());
                let spec = if is_spec { pod.clone() } else { pod.key("spec") };
                let container = concrete(at, &spec);
                let has_image = list.is_none_or(|list| {
                    !list.implied && list.fields.as_ref().is_none_or(|fields| fields.has("image"))
                });
                if has_image {
                    tree.put(container.key("image").steps(), Tree::Text(IMAGE.to_owned()));
                    tree.put(container.key("name").steps(), Tree::Text("app".to_owned()));
                } else {
                    tree.put(spec.key("unknown").steps(), Tree::Text("text".to_owned()));
                }
                let is_ephemeral =
                    list.is_some_and(|list| ContainerKind::from(list.kind) == ContainerKind::Ephemeral);
                let name = format!("{} {kind} {container}", row.group);
                cases.push(Case { name, tree, pod, container, is_editable: has_image && !is_ephemeral });
            }
        }
    }
    cases
}

fn all_rows() -> Vec<&'static Row> {
    KNOWN.all().collect()
}

fn only_plan(text: &str) -> DocumentPlan {
    let mut plans = plans(&Settings::default(), text);
    assert_eq!(plans.len(), 1, "{text}");
    plans.remove(0)
}

fn edits(plan: &DocumentPlan) -> Vec<Edit> {
    plan.edits().cloned().collect()
}

#[test]
fn every_row_finds_its_containers_and_changes_nothing_else() {
    let mut count = 0;
    for row in all_rows().into_iter().filter(|row| row.left.is_none()) {
        for Case { name, tree, pod, container, is_editable } in cases(row) {
            count += 1;
            let text = tree.yaml(0).trim_start().to_owned();
            let plan = only_plan(&text);
            let found: Vec<&Path> = plan.pods.iter().map(|pod| &pod.path).collect();
            assert!(found.contains(&&pod), "{name}: {found:?}\n{text}");
            let in_container = |edit: &&Edit| edit.path().starts_with(&container);
            let planned = edits(&plan);
            // Among the pod's own fields it cannot be told whose an edit is.
            if is_editable || container != pod {
                assert_eq!(
                    planned.iter().any(|edit| in_container(&edit)),
                    is_editable,
                    "{name}\n{planned:#?}"
                );
            }
            for edit in &planned {
                let around = row.around.as_ref().map(|place| place.path(&Path::root(), None));
                let is_around = around.is_some_and(|around| edit.path().starts_with(&around));
                assert!(edit.path().starts_with(&pod) || is_around, "{name}: {}", edit.path());
            }
            let fixed = fix(&Settings::default(), &text);
            assert_eq!(fix(&Settings::default(), &fixed), fixed, "{name}: a second run changes something");
            assert_eq!(edits(&only_plan(&format!("{}\n", tree.json()))), planned, "{name}: JSON differs");
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn every_wrapper_is_opened() {
    for row in all_rows() {
        for (kind, pattern) in row.kinds.iter().flat_map(|kind| row.objects.iter().map(move |it| (kind, it)))
        {
            let mut tree = object(row, kind);
            let inner = concrete(pattern, &Path::root());
            for (key, value) in [("apiVersion", "v1"), ("kind", "Pod")] {
                tree.put(inner.key(key).steps(), Tree::Text(value.to_owned()));
            }
            let container = inner.keys(["spec", "containers"]).index(0);
            tree.put(container.key("image").steps(), Tree::Text(IMAGE.to_owned()));
            let plan = only_plan(tree.yaml(0).trim_start());
            assert_eq!(plan.pods.len(), 1, "{kind}");
            assert_eq!(plan.pods[0].path, inner, "{kind}");
            assert!(plan.edits().any(|edit| edit.path().starts_with(&container)), "{kind}");
        }
    }
}

#[test]
fn what_is_left_says_why() {
    for row in all_rows() {
        let Some(reason) = &row.left else { continue };
        for Case { name, tree, .. } in cases(row) {
            let plan = only_plan(tree.yaml(0).trim_start());
            assert_eq!(plan.edits().count(), 0, "{name}");
            assert!(
                matches!(&plan.problems[..], [problem] if problem.reason == *reason && !problem.needs_person),
                "{name}: {:?}",
                plan.problems
            );
        }
    }
}

#[test]
fn what_holds_no_pods_is_silent() {
    let is_empty = |row: &&Row| row.pods.is_empty() && row.specs.is_empty() && row.objects.is_empty();
    for row in all_rows().into_iter().filter(is_empty) {
        assert!(row.note.is_some(), "{}", row.group);
        for kind in &row.kinds {
            let mut tree = object(row, if kind == "*" { "Anything" } else { kind });
            let container = Path::root().keys(["spec", "template", "spec", "containers"]).index(0);
            for key in ["name", "image"] {
                tree.put(container.key(key).steps(), Tree::Text(IMAGE.to_owned()));
            }
            let plan = only_plan(tree.yaml(0).trim_start());
            assert!(plan.pods.is_empty() && plan.problems.is_empty(), "{} {kind}: {plan:?}", row.group);
        }
    }
}

#[test]
fn a_list_of_any_kind_is_taken_apart() {
    for row in all_rows().into_iter().filter(|row| row.left.is_none()) {
        for Case { name, tree, pod, .. } in cases(row) {
            let Tree::Map(entries) = tree else { unreachable!() };
            let inner = entries.iter().filter(|(key, _)| key != "apiVersion" && key != "kind");
            let item = Tree::Map(inner.cloned().collect());
            let text = |key: &str| match entries.iter().find(|(name, _)| name == key) {
                Some((_, Tree::Text(text))) => text.clone(),
                _ => unreachable!(),
            };
            let list = Tree::Map(vec![
                ("apiVersion".to_owned(), Tree::Text(text("apiVersion"))),
                ("kind".to_owned(), Tree::Text(format!("{}List", text("kind")))),
                ("items".to_owned(), Tree::List(vec![item])),
            ]);
            let plan = only_plan(list.yaml(0).trim_start());
            let item = Path::root().key("items").index(0);
            let wanted: Path = item.steps().iter().chain(pod.steps()).cloned().collect();
            assert!(plan.pods.iter().any(|pod| pod.path == wanted), "{name}");
        }
    }
}

#[test]
fn every_row_with_a_shape_has_a_note() {
    for row in all_rows().into_iter().filter(|row| row.shape.is_some() || row.left.is_some()) {
        assert!(row.note.is_some(), "{} {:?}", row.group, row.kinds);
    }
}

#[test]
fn an_unknown_kind_is_reported_and_changed_on_request() {
    let text = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: a, image: registry.example.com/a}\n  podSpec:\n    containers:\n    - {name: b, image: registry.example.com/b}\n";
    let plan = only_plan(text);
    assert!(plan.pods.is_empty());
    let places: Vec<String> = plan.problems.iter().map(|problem| problem.path.to_string()).collect();
    assert_eq!(places, ["spec.template.spec", "spec.podSpec"]);
    assert!(
        plan.problems.iter().all(|it| it.needs_person && it.reason.contains("`Widget` of `example.com`"))
    );
    assert_eq!(fix(&Settings::default(), text), text);

    let patterns = |text: &str| vec![Pattern::try_from(text.to_owned()).unwrap()];
    let told = WorkloadPath {
        group: "example.com".to_owned(),
        kind: "Widget".to_owned(),
        pods: patterns("spec.template"),
        specs: patterns("spec.podSpec"),
    };
    let named = Settings { workloads: vec![told], ..Settings::default() };
    let detecting = Settings { detect_pod_specs: true, ..Settings::default() };
    for settings in [named, detecting] {
        let plan = plans(&settings, text).remove(0);
        let pods: Vec<String> = plan.pods.iter().map(|pod| pod.path.to_string()).collect();
        assert_eq!(pods, ["spec.template", "spec.podSpec"]);
        assert!(plan.problems.is_empty());
        let fixed = fix(&settings, text);
        assert_eq!(fixed.matches("seccompProfile").count(), 2, "{fixed}");
        assert_eq!(fix(&settings, &fixed), fixed);
    }
    let other = text.replace("example.com/v1", "apps/v1");
    assert!(only_plan(&other).problems.is_empty(), "all kinds of Kubernetes' own groups are known");
    let crd = text.replace("example.com/v1", "apiextensions.k8s.io/v1");
    assert!(only_plan(&crd).problems.is_empty());
}

#[test]
fn a_pattern_is_written_in_one_way() {
    for text in [".", "spec", "spec.parts[].pod", "spec.roles.<key>.template", "items[]"] {
        assert_eq!(Pattern::try_from(text.to_owned()).unwrap().to_string(), text);
    }
    for text in ["", "a..b", ".spec", "spec.", "[]", "a[0]", "a[*].b", "$.spec*", "<>", "<a.b", "a[][]"] {
        assert!(Pattern::try_from(text.to_owned()).is_err(), "{text}");
    }
}

/// A spec alone has no metadata, so an annotation cannot be written.
#[test]
fn nothing_is_written_beside_a_spec() {
    let text = "apiVersion: kubeflow.org/v1alpha1\nkind: PVCViewer\nspec:\n  podSpec:\n    containers:\n    - {name: a, image: registry.example.com/a}\n";
    let settings = Settings { target: "1.18".parse().unwrap(), ..crate::test::only("seccomp-profile") };
    let found = crate::test::findings(&settings, text);
    assert!(matches!(&found[0].finding.outcome, Outcome::Fix(_)));
    assert!(
        matches!(&found[0].state, State::Left(left) if left.reason.contains("`PVCViewer` of `kubeflow.org` takes no `metadata`")),
        "{found:#?}"
    );
}

#[test]
fn an_api_version_that_the_target_does_not_serve_is_noted() {
    let check = |api_version: &str, kind: &str, target: &str, words: Option<&str>| {
        let settings = Settings { target: target.parse().unwrap(), ..Settings::default() };
        let plan = plans(&settings, &format!("apiVersion: {api_version}\nkind: {kind}\n")).remove(0);
        let note = plan.warnings.iter().find(|problem| problem.path.to_string() == "apiVersion");
        assert_eq!(note.is_some(), words.is_some(), "{api_version} {kind} {target}: {note:?}");
        if let (Some(note), Some(words)) = (note, words) {
            assert!(note.reason.contains(words) && !note.needs_person, "{}", note.reason);
        }
    };
    check("extensions/v1beta1", "Deployment", "1.28", Some("up to 1.15"));
    check("extensions/v1beta1", "Deployment", "1.15", None);
    check("batch/v1", "CronJob", "1.20", Some("from 1.21"));
    check("batch/v1", "CronJob", "1.21", None);
    check("batch/v1", "Job", "1.20", None);
    check("batch/v1beta1", "CronJob", "1.25", Some("up to 1.24"));
    check("apps/v1beta2", "StatefulSet", "1.28", Some("up to 1.15"));
    check("apps/v1", "StatefulSet", "1.28", None);
}

/// Where the fields of a container stand among the pod's, what is the pod's own is still not written there.
#[test]
fn a_container_among_the_pods_fields_gets_nothing_of_the_pod() {
    let text = "apiVersion: tekton.dev/v1\nkind: StepAction\nspec:\n  image: registry.example.com/a\n";
    let found = crate::test::findings(&crate::test::only("seccomp-profile"), text);
    assert!(found.iter().all(|judged| judged.finding.container.is_some()), "{found:#?}");
    assert_eq!(found[0].state, State::Fixed);
}

#[test]
fn a_field_that_is_refused_leaves_the_fix() {
    let image = "docker.io/library/traefik:v3";
    let text = format!(
        "apiVersion: serving.knative.dev/v1\nkind: Service\nspec:\n  template:\n    spec:\n      nodeSelector: {{}}\n      containers:\n      - image: {image}\n        volumeMounts:\n        - {{name: v, mountPath: /v}}\n      volumes:\n      - {{name: v, hostPath: {{path: /v}}}}\n"
    );
    let found = crate::test::findings(&crate::test::only("mount-propagation"), &text);
    assert!(
        matches!(&found[..], [judged] if matches!(&judged.state, State::Left(left)
            if !left.needs_person && left.reason.contains("`Service` of `serving.knative.dev` takes no `volumeMounts[].mountPropagation`"))),
        "{found:#?}"
    );
}

/// A field may be reached by an edit above it, below it, or by one that adds to its list.
#[test]
fn edits_that_touch_a_field_are_told_from_others() {
    use rewriter::Value;

    let spec = Path::root().keys(["spec", "template", "spec"]);
    let container = spec.key("containers").index(0);
    let refused = |edit: Edit| {
        let text = "apiVersion: serving.knative.dev/v1\nkind: Service\nspec:\n  template:\n    spec:\n      containers:\n      - image: a\n";
        let stream = Stream::scan(text).unwrap();
        let pods = super::super::Workloads::of(stream.document(0).unwrap()).pods;
        pods[0].refusal(&edit, pods[0].containers.first()).is_some()
    };
    let context = container.key("securityContext");
    let map = |key: &str, value: Value| Value::Mapping(vec![(key.to_owned(), value)]);
    let list = |value: Value| Value::Sequence(vec![value]);
    assert!(refused(Edit::set(context.keys(["capabilities", "add"]), list("CHOWN".into()))));
    assert!(refused(Edit::append(context.keys(["capabilities", "add"]), "CHOWN")));
    assert!(refused(Edit::set(context.clone(), map("procMount", "Default".into()))));
    assert!(refused(Edit::append(container.key("volumeMounts"), map("mountPropagation", "None".into()))));
    assert!(refused(Edit::set(container.key("volumeMounts").index(0).key("mountPropagation"), "None")));
    assert!(refused(Edit::append(spec.key("volumes"), map("hostPath", map("path", "/".into())))));
    assert!(refused(Edit::set(spec.keys(["securityContext", "runAsUser"]), 1)));
    assert!(refused(Edit::set(spec.key("hostNetwork"), false)));
    assert!(!refused(Edit::remove(context.keys(["capabilities", "add"]), None)));
    assert!(!refused(Edit::set(context.keys(["capabilities", "drop"]), list("ALL".into()))));
    assert!(!refused(Edit::append(container.key("volumeMounts"), map("mountPath", "/tmp".into()))));
    assert!(!refused(Edit::append(spec.key("volumes"), map("emptyDir", Value::Mapping(Vec::new())))));
    assert!(!refused(Edit::set(spec.key("automountServiceAccountToken"), false)));
    let annotations = Path::root().keys(["spec", "template", "metadata", "annotations"]);
    assert!(!refused(Edit::set(annotations.key("a"), "b")));
}
