use rewriter::{Edit, Path, Stream, Value};

use super::*;
use crate::test::dedent;

fn read(text: &str) -> Evidence {
    let text = dedent(text);
    let stream = Stream::scan(&text).unwrap();
    let mut evidence = Evidence::default();
    stream.documents().for_each(|document| evidence.read(document));
    evidence
}

#[test]
fn the_order_of_documents_changes_nothing() {
    let documents = [
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}, automountServiceAccountToken: false}",
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: n}}",
        "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: {a: b}, ports: [{port: 80}]}}",
        "{apiVersion: v1, kind: Service, metadata: {name: r}, spec: {selector: {a: b}, ports: [{port: 80}]}}",
        "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: Container, max: {cpu: 1}}]}}",
        "{apiVersion: v1, kind: LimitRange, metadata: {name: k}, spec: {limits: [{type: Container, max: {cpu: 2}, min: {cpu: 1}}]}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: n, labels: {pod-security.kubernetes.io/enforce: baseline}}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: n, labels: {pod-security.kubernetes.io/enforce: restricted}}}",
        "{apiVersion: autoscaling.k8s.io/v1, kind: VerticalPodAutoscaler, metadata: {name: v}, spec: {targetRef: {kind: Deployment, name: d}}}",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, spec: {podSelector: {}, egress: []}}",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b}, subjects: [{kind: ServiceAccount, name: a}]}",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: c}, subjects: [{kind: ServiceAccount, name: a}]}",
    ];
    let each: Vec<Evidence> = documents.iter().map(|text| read(text)).collect();
    assert!(each.iter().all(|evidence| *evidence != Evidence::default()));
    let together = read(&documents.join("\n---\n"));
    let forwards = each.iter().cloned().fold(Evidence::default(), Evidence::merge);
    let backwards = each.iter().rev().cloned().fold(Evidence::default(), Evidence::merge);
    assert_eq!(together, forwards);
    assert_eq!(together, backwards);
    assert_eq!(together.clone().merge(together.clone()), together);
    assert!(documents.iter().all(|text| Evidence::KINDS.iter().any(|kind| text.contains(kind))));
    assert_eq!(together.enforced("n"), Some(Level::Restricted));
}

#[test]
fn items_of_lists_are_read() {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n";
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}", account.replace('\n', "\n  "));
    assert_eq!(read(&list), read(account));
    assert_ne!(read(account), Evidence::default());
}

#[test]
fn kinds_of_the_same_name_in_other_groups_tell_nothing() {
    let service =
        "{apiVersion: serving.knative.dev/v1, kind: Service, spec: {selector: {a: b}, ports: [{port: 80}]}}";
    assert_eq!(read(service), Evidence::default());
}

#[test]
fn an_account_is_looked_for_in_its_namespace_first() {
    let evidence = read(
        "
        {apiVersion: v1, kind: ServiceAccount, metadata: {name: a}, automountServiceAccountToken: false}
        ---
        {apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: n}}
        ---
        {apiVersion: v1, kind: ServiceAccount, metadata: {name: b, namespace: n}, automountServiceAccountToken: no}
        ",
    );
    assert!(evidence.refuses_token(None, "a"));
    assert!(!evidence.refuses_token(Some("n"), "a"));
    assert!(evidence.refuses_token(Some("m"), "a"));
    assert!(evidence.refuses_token(Some("n"), "b"));
    assert!(evidence.refuses_token(None, "b"));
    assert!(!evidence.refuses_token(Some("m"), "b"));
    assert!(!evidence.refuses_token(None, "c"));
}

#[test]
fn bindings_reach_accounts_by_name_user_and_group() {
    let evidence = read(
        "
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: one}
        subjects:
        - {kind: ServiceAccount, name: a, namespace: n}
        - {kind: User, name: 'system:serviceaccount:n:b'}
        - {kind: User, name: someone}
        - {kind: Group, name: 'system:serviceaccounts:m'}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: two, namespace: o}
        subjects: [{kind: ServiceAccount, name: c}]
        ",
    );
    let bound = |namespace, name| evidence.binding(namespace, name).map(ToString::to_string);
    assert_eq!(bound(Some("n"), "a").as_deref(), Some("ClusterRoleBinding `one`"));
    assert_eq!(bound(None, "a").as_deref(), Some("ClusterRoleBinding `one`"));
    assert_eq!(bound(Some("m"), "a"), None);
    assert_eq!(bound(Some("n"), "b").as_deref(), Some("ClusterRoleBinding `one`"));
    assert_eq!(bound(Some("o"), "c").as_deref(), Some("RoleBinding `o/two`"));
    assert_eq!(bound(Some("n"), "someone"), None);
    assert!(evidence.binding_of_all(Some("m")).is_some());
    assert!(evidence.binding_of_all(None).is_some());
    assert!(evidence.binding_of_all(Some("n")).is_none());
    let of_all = read(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: r}, subjects: [{kind: Group, name: 'system:serviceaccounts'}]}",
    );
    assert!(of_all.binding_of_all(Some("n")).is_some());
}

fn with_pod<T>(text: &str, ask: impl FnOnce(&Evidence, &crate::model::Pod<'_>) -> T) -> T {
    let text = dedent(text);
    let stream = Stream::scan(&text).unwrap();
    let mut evidence = Evidence::default();
    stream.documents().for_each(|document| evidence.read(document));
    let workloads = stream.documents().map(Workloads::of).find(|workloads| !workloads.pods.is_empty());
    ask(&evidence, &workloads.unwrap().pods[0])
}

#[test]
fn a_service_selects_by_all_of_its_labels() {
    let low = |selector: &str, labels: &str, namespace: &str| {
        let text = format!(
            "
            {{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: n}}, spec: {{selector: {selector}, ports: [{{port: 80}}, {{port: 8080, targetPort: 81}}, {{port: 90, targetPort: http}}]}}}}
            ---
            {{apiVersion: v1, kind: Pod, metadata: {{labels: {labels}{namespace}}}, spec: {{containers: [{{name: a, image: b}}]}}}}
            "
        );
        with_pod(&text, |evidence, pod| evidence.low_ports(pod).into_keys().collect::<Vec<_>>())
    };
    assert_eq!(low("{a: b}", "{a: b, c: d}", ""), [80, 81]);
    assert_eq!(low("{c: d, a: b}", "{a: b, c: d}", ""), [80, 81]);
    assert_eq!(low("{a: b}", "{a: b}", ", namespace: n"), [80, 81]);
    for (selector, labels, namespace) in [
        ("{a: b, c: d}", "{a: b}", ""),
        ("{a: b}", "{a: c}", ""),
        ("{a: b}", "{}", ""),
        ("{}", "{a: b}", ""),
        ("{a: b}", "{a: b}", ", namespace: m"),
    ] {
        assert_eq!(low(selector, labels, namespace), Vec::<i64>::new(), "{selector} {labels} {namespace}");
    }
}

#[test]
fn a_great_many_services_take_time_in_proportion() {
    use std::time::{Duration, Instant};

    let time = |count: usize| {
        let pair = |number: usize| {
            format!(
                "---\n{{apiVersion: v1, kind: Service, metadata: {{name: s{number}}}, spec: {{selector: {{all: same, app: a{number}}}, ports: [{{port: 80}}]}}}}\n\
                 ---\n{{apiVersion: v1, kind: Pod, metadata: {{labels: {{all: same, app: a{number}}}}}, spec: {{containers: [{{image: b}}]}}}}\n"
            )
        };
        let text: String = (0..count).map(pair).collect();
        let stream = Stream::scan(&text).unwrap();
        let start = Instant::now();
        let mut evidence = Evidence::default();
        stream.documents().for_each(|document| evidence.read(document));
        let pods = stream.documents().flat_map(|document| Workloads::of(document).pods);
        assert_eq!(pods.filter(|pod| evidence.low_ports(pod).len() == 1).count(), count);
        start.elapsed()
    };
    let (few, many) = (time(1_000), time(10_000));
    assert!(many < few * 40 + Duration::from_millis(200), "{few:?} for 1000, {many:?} for 10000");
}

/// Whether an overlay with this patch leaves an edit of `edit` in the deployment `web`.
fn is_left(target: &str, patch: &str, edit: &Edit) -> bool {
    let (target, patch) = (dedent(target), dedent(patch));
    let (target, patch) = (Stream::scan(&target).unwrap(), Stream::scan(&patch).unwrap());
    let mut overlay = Overlay::new("o.yaml");
    let target = target.document(0).and_then(|document| document.root());
    overlay.read(target, patch.document(0).unwrap().root().unwrap());
    let evidence = Evidence::default().with_overlays(vec![Arc::new(overlay)]);
    let text = dedent(
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, labels: {tier: front}}
        spec:
          template:
            spec:
              containers:
              - {name: main, image: a}
              - {name: log, image: b}
              volumes: [{name: cache, emptyDir: {}}]
        ",
    );
    let stream = Stream::scan(&text).unwrap();
    let pods = Workloads::of(stream.document(0).unwrap()).pods;
    let object = &pods[0].object;
    evidence.overlaid(object).reason(object, std::slice::from_ref(edit)).is_some()
}

fn spec() -> Path {
    Path::root().keys(["spec", "template", "spec"])
}

/// `runAsUser` of the container with this number.
fn user(container: usize) -> Edit {
    let path = spec().key("containers").index(container);
    Edit::set(path.keys(["securityContext", "runAsUser"]), 1000)
}

#[test]
fn a_fragment_sets_its_fields_of_containers_by_name() {
    let patch = |container: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{template: {{spec: {{containers: [{container}]}}}}}}}}"
        )
    };
    let own = patch("{name: log, securityContext: {runAsUser: 5}}");
    assert!(is_left("", &own, &user(1)));
    assert!(!is_left("", &own, &user(0)));
    assert!(!is_left("", &own, &Edit::set(spec().keys(["securityContext", "runAsUser"]), 1)));
    assert!(!is_left(
        "",
        &own,
        &Edit::set(spec().key("containers").index(1).keys(["resources", "limits"]), 1)
    ));
    // Above and below.
    assert!(is_left("", &own, &Edit::set(spec().key("containers").index(1).key("securityContext"), 1)));
    for whole in [
        "{name: log, securityContext: null}",
        "{name: log, securityContext: {$patch: replace, privileged: false}}",
        "{name: log, $patch: delete}",
    ] {
        assert!(is_left("", &patch(whole), &user(1)), "{whole}");
        assert!(!is_left("", &patch(whole), &user(0)), "{whole}");
    }
    for other in [own.replace("Deployment", "StatefulSet"), own.replace("name: web", "name: api")] {
        assert!(!is_left("", &other, &user(1)), "{other}");
    }
    // A list of a kind that says nothing of keys is replaced as a whole.
    let foreign = own.replace("apps/v1", "example.com/v1");
    assert!(is_left("", &foreign, &user(0)));
}

#[test]
fn an_item_that_is_added_beside_others_is_nobodys() {
    let patch = "{kind: Deployment, metadata: {name: web}, spec: {template: {spec: {volumes: [{name: tmp, emptyDir: {}}], tolerations: []}}}}";
    let volume = |name: &str| Value::Mapping(vec![("name".to_owned(), name.into())]);
    assert!(!is_left("", patch, &Edit::append(spec().key("volumes"), volume("run"))));
    assert!(is_left("", patch, &Edit::append(spec().key("volumes"), volume("tmp"))));
    assert!(is_left("", patch, &Edit::append(spec().key("tolerations"), volume("tmp"))));
}

#[test]
fn operations_set_what_their_paths_name() {
    let patch = |op: &str| format!("[{{op: {op}}}]");
    let target = "{kind: Deployment, name: web}";
    let container = "/spec/template/spec/containers/1";
    for (op, left) in [
        (format!("replace, path: {container}/securityContext/runAsUser, value: 5"), true),
        (format!("add, path: {container}/securityContext, value: {{}}"), true),
        (format!("remove, path: {container}"), true),
        (format!("add, path: {container}/resources, value: {{}}"), false),
        (format!("test, path: {container}/securityContext, value: 1"), false),
        (format!("move, from: {container}/securityContext, path: /metadata/x"), true),
        ("add, path: /spec/template/spec/containers/0/securityContext, value: {}".to_owned(), false),
        ("add, path: /spec/template/spec/containers/-, value: {name: log}".to_owned(), true),
        ("add, path: /spec/template/spec/containers/-, value: {name: more}".to_owned(), false),
    ] {
        assert_eq!(is_left(target, &patch(&op), &user(1)), left, "{op}");
    }
}

#[test]
fn a_target_selects_by_expressions_and_labels() {
    let patch = "[{op: remove, path: /spec/template/spec/containers/0}]";
    for (target, left) in [
        ("{kind: Deployment}", true),
        ("{kind: Deployment, name: w.*}", true),
        ("{name: (web|api)}", true),
        ("{name: we}", false),
        ("{name: e}", false),
        ("{name: api.*}", false),
        ("{name: '('}", true),
        ("{kind: StatefulSet}", false),
        ("{labelSelector: tier=front}", true),
        ("{labelSelector: 'tier==back'}", false),
        ("{labelSelector: 'tier in (back)'}", true),
        ("{namespace: prod}", true),
    ] {
        assert_eq!(is_left(target, patch, &user(0)), left, "{target}");
    }
}

#[test]
fn policies_for_egress_are_known_by_what_they_select() {
    let policy = |spec: &str| {
        read(&format!(
            "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: p, namespace: n}}, spec: {spec}}}"
        ))
    };
    let labels: BTreeMap<String, String> =
        [("app", "web"), ("tier", "1")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let is_found = |spec: &str| policy(spec).egress_policy(Some("n"), &labels, "own").is_some();
    for selector in [
        "{}",
        "{matchLabels: {app: web}}",
        "{matchLabels: {app: web, tier: \"1\"}}",
        "{matchExpressions: [{key: app, operator: In, values: [db, web]}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [db]}, {key: x, operator: NotIn, values: [y]}]}",
        "{matchExpressions: [{key: app, operator: Exists}, {key: x, operator: DoesNotExist}]}",
        "{matchExpressions: [{key: app, operator: Near}]}",
    ] {
        assert!(is_found(&format!("{{podSelector: {selector}, policyTypes: [Egress]}}")), "{selector}");
        assert!(is_found(&format!("{{podSelector: {selector}, egress: []}}")), "{selector}");
        assert!(!is_found(&format!("{{podSelector: {selector}, ingress: []}}")), "{selector}");
        assert!(!is_found(&format!("{{podSelector: {selector}, egress: [], policyTypes: [Ingress]}}")));
    }
    for selector in [
        "{matchLabels: {app: db}}",
        "{matchLabels: {app: web, zone: a}}",
        "{matchExpressions: [{key: app, operator: In, values: [db]}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}",
        "{matchExpressions: [{key: x, operator: Exists}]}",
        "{matchExpressions: [{key: app, operator: DoesNotExist}]}",
    ] {
        assert!(!is_found(&format!("{{podSelector: {selector}, policyTypes: [Egress]}}")), "{selector}");
    }
    let evidence = policy("{podSelector: {}, policyTypes: [Egress]}");
    assert!(evidence.egress_policy(Some("m"), &labels, "own").is_none());
    assert!(evidence.egress_policy(None, &labels, "own").is_some());
    assert!(evidence.egress_policy(Some("n"), &labels, "p").is_none());
}
