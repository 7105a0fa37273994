use super::*;
use crate::test::{dedent, findings, fix, only, plans, pod};
use crate::{Judged, State};

fn today(day: &str) -> Settings {
    Settings { today: day.parse().ok(), ..Settings::default() }
}

fn select(ids: &[&str]) -> Settings {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    Settings { select: Some(ids), ..today("2026-06-01") }
}

/// The containers with a finding of the rule, and the reason for which it is suppressed.
fn suppressed(settings: &Settings, text: &str) -> Vec<(String, Option<String>)> {
    let found = findings(settings, text).into_iter().filter(|judged| judged.state != State::Satisfied);
    let shown = found.map(|Judged { finding, state }| {
        let container = finding.container.map_or("pod".to_owned(), |container| container.name);
        match state {
            State::Suppressed(suppressed) => (container, Some(suppressed.reason)),
            _ => (container, None),
        }
    });
    shown.collect()
}

fn flaws(settings: &Settings, text: &str) -> Vec<(usize, Flaw)> {
    let plans = plans(settings, text).into_iter();
    plans.flat_map(|plan| plan.notices).map(|notice| (notice.position.line, notice.flaw)).collect()
}

const TWO: &str = "
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
      ANNOTATIONS
    spec:
      template:
        spec:
          ABOVE
          containers:
          - name: one BEHIND
            image: registry.example.com/one:1
          - name: two
            image: registry.example.com/team/two:1
    ";

fn two(annotations: &str, above: &str, behind: &str) -> String {
    let text = dedent(TWO).replace("BEHIND", behind);
    text.replace("ABOVE", above).replace("ANNOTATIONS", annotations)
}

fn pair(name: &str, reason: Option<&str>) -> (String, Option<String>) {
    (name.to_owned(), reason.map(str::to_owned))
}

#[test]
fn an_annotation_is_for_the_whole_object() {
    let annotations = "annotations: {cce-fix/ignore.capabilities: it brings its own}";
    let text = two(annotations, "", "");
    let settings = select(&["capabilities"]);
    let expected = [pair("one", Some("it brings its own")), pair("two", Some("it brings its own"))];
    assert_eq!(suppressed(&settings, &text), expected);
    assert_eq!(fix(&settings, &text), text);
    assert_eq!(flaws(&settings, &text), []);
    let audit = Settings { suppressions: false, ..settings };
    assert_eq!(suppressed(&audit, &text), [pair("one", None), pair("two", None)]);
    assert_ne!(fix(&audit, &text), text);
}

#[test]
fn an_annotation_of_the_template_is_none() {
    let text = dedent(
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          template:
            metadata:
              annotations: {cce-fix/ignore.capabilities: x}
            spec:
              containers: [{name: one, image: registry.example.com/one:1}]
        ",
    );
    assert_eq!(suppressed(&select(&["capabilities"]), &text), [pair("one", None)]);
}

#[test]
fn a_comment_is_for_what_it_is_written_at() {
    let settings = select(&["capabilities"]);
    let comment = "# cce-fix: ignore[capabilities] a reason";
    let one = [pair("one", Some("a reason")), pair("two", None)];
    assert_eq!(suppressed(&settings, &two("", "", comment)), one);
    let both = [pair("one", Some("a reason")), pair("two", Some("a reason"))];
    assert_eq!(suppressed(&settings, &two("", comment, "")), both);
    let text = two("", "", "").replace("- name: two", &format!("{comment}\n      - name: two"));
    assert_eq!(suppressed(&settings, &text), [pair("one", None), pair("two", Some("a reason"))]);
    assert_eq!(flaws(&settings, &text), []);
}

#[test]
fn a_comment_is_for_what_is_reported_in_its_line() {
    let text = pod("
        containers:
        - name: a
          image: registry.example.com/a:1
          securityContext:
            runAsUser: 1000 # cce-fix: ignore[capabilities] why
        ");
    assert_eq!(suppressed(&only("capabilities"), &text), [pair("a", Some("why"))]);
}

#[test]
fn what_reaches_a_suppressed_container_is_left_for_a_person() {
    let settings = select(&["seccomp-profile"]);
    let text = two("", "", "# cce-fix: ignore[seccomp-profile] it needs all calls");
    let found = findings(&settings, &text);
    let [Judged { state: State::Left(left), .. }] = found.as_slice() else { panic!("{found:#?}") };
    assert!(left.needs_person && left.reason.contains("(it needs all calls)"), "{left:?}");
    assert_eq!(fix(&settings, &text), text);
    assert_eq!(flaws(&settings, &text), []);
    let all = text.replace("- name: two", "- name: two # cce-fix: ignore[seccomp-profile] so does it");
    assert_eq!(suppressed(&settings, &all), [pair("pod", Some("it needs all calls"))]);
}

#[test]
fn what_has_no_effect_is_told() {
    let settings = select(&["capabilities", "resources"]);
    let text = two("annotations: {cce-fix/ignore.capabilites: x, cce-fix/ignored: y}", "", "");
    assert_eq!(
        flaws(&settings, &text),
        [
            (5, Flaw::UnknownId("capabilites".to_owned())),
            (5, Flaw::Malformed("expected the key `cce-fix/ignore.ID`"))
        ]
    );
    let text = two("annotations: {}", "# cce-fix: ignore[host-path, resources] x", "");
    assert_eq!(flaws(&settings, &text), [], "what does not run is not judged");
    let text = two("", "", "# cce-fix: ignore[capabilities, all] until=2026-05-40");
    assert_eq!(
        flaws(&settings, &text),
        [
            (11, Flaw::UnknownId("all".to_owned())),
            (11, Flaw::NoDate("2026-05-40".to_owned())),
            (11, Flaw::NoReason)
        ]
    );
    assert_eq!(suppressed(&select(&["capabilities"]), &text)[0], pair("one", Some("")));
    let text = format!("{}# cce-fix: ignore[resources] x\n", two("", "", ""));
    assert_eq!(flaws(&settings, &text), [(15, Flaw::Nowhere)]);
    let text = two("", "", "").replace("kind:", "# cce-fix: ignore[capabilities] x\nkind:");
    assert_eq!(flaws(&settings, &text), [(2, Flaw::Unused("capabilities"))]);
}

#[test]
fn on_its_last_day_a_suppression_still_holds() {
    let text = two("annotations: {cce-fix/ignore.capabilities: new image until=2026-05-31}", "", "");
    let with = |day: &str| Settings { today: day.parse().ok(), ..only("capabilities") };
    assert_eq!(suppressed(&with("2026-05-31"), &text)[0], pair("one", Some("new image")));
    assert_eq!(suppressed(&only("capabilities"), &text)[0], pair("one", Some("new image")));
    assert_eq!(suppressed(&with("2026-06-01"), &text)[0], pair("one", None));
    let over = Flaw::Expired("2026-05-31".parse().unwrap());
    assert_eq!(flaws(&with("2026-06-01"), &text), [(5, over)]);
    assert_eq!(flaws(&with("2026-05-31"), &text), []);
}

fn over(number: usize, id: &str) -> Override {
    Override {
        number,
        kind: None,
        namespace: None,
        name: None,
        container: None,
        image: None,
        ids: [id.to_owned()].into(),
        reason: Reason::read("configured"),
    }
}

fn pattern(text: &str) -> Option<Pattern> {
    Pattern::new(text).ok()
}

#[test]
fn overrides_are_for_what_they_match() {
    let rule = || over(3, "capabilities");
    for (rule, expected) in [
        (Override { kind: pattern("Deploy*"), ..rule() }, [true, true]),
        (Override { kind: pattern("Pod"), ..rule() }, [false, false]),
        (Override { name: pattern("web"), container: pattern("two"), ..rule() }, [false, true]),
        (Override { name: pattern("api"), container: pattern("two"), ..rule() }, [false, false]),
        (Override { namespace: pattern("*"), ..rule() }, [false, false]),
        (Override { image: pattern("team/*"), ..rule() }, [false, true]),
        (Override { image: pattern("registry.example.com/*"), ..rule() }, [true, true]),
        (Override { image: pattern("registry.example.com/one:1"), ..rule() }, [true, false]),
        (over(3, "resources"), [false, false]),
    ] {
        let settings = Settings { overrides: vec![rule.clone()], ..only("capabilities") };
        let text = two("", "", "");
        let found = suppressed(&settings, &text);
        let names = ["one", "two"].iter().zip(expected);
        let expected_found: Vec<_> = names.map(|(name, is)| pair(name, is.then_some("configured"))).collect();
        assert_eq!(found, expected_found, "{rule:?}");
        let used = plans(&settings, &text)[0].overrides_used.contains(&3);
        assert_eq!(used, expected.contains(&true), "{rule:?}");
    }
    let ended = Override { reason: Reason::read("x until=2026-05-31"), ..rule() };
    let settings = Settings { overrides: vec![ended], ..select(&["capabilities"]) };
    assert_eq!(suppressed(&settings, &two("", "", ""))[0], pair("one", None));
}

/// A program that cannot listen below port 1024 must not become another user than root.
#[test]
fn what_a_suppressed_fix_serves_is_not_made_either() {
    let text = pod("
        containers:
        - name: web
          image: registry.example.com/web:1
          ports: [{containerPort: 80}]
        ");
    let annotated = text.replace(
        "  name: example",
        "  name: example\n  annotations: {cce-fix/ignore.unprivileged-port: old nodes}",
    );
    let settings = select(&["run-as-user", "unprivileged-port"]);
    assert!(fix(&settings, &text).contains("runAsUser"));
    assert_eq!(fix(&settings, &annotated), annotated);
    let found = findings(&settings, &annotated);
    let reason = found.iter().find_map(|judged| match &judged.state {
        State::Left(left) if judged.finding.transform.id == "run-as-user" => Some(&left.reason),
        _ => None,
    });
    assert!(reason.unwrap().contains("the sysctl that frees it is suppressed (old nodes)"), "{found:#?}");
}

#[test]
fn annotations_are_written_for_what_is_left() {
    let settings = Settings { safe: true, ..today("2026-06-01") };
    let adding = Settings {
        add_suppressions: Some("before the audit until=2026-12-31".to_owned()),
        ..settings.clone()
    };
    for text in [two("", "", ""), two("annotations:\n    a: b", "", ""), two("annotations: {}", "", "")] {
        let is_left = |settings: &Settings, text: &str| {
            findings(settings, text).iter().any(|judged| match &judged.state {
                State::Left(left) => left.needs_person,
                state => *state == State::HeldBack,
            })
        };
        assert!(is_left(&settings, &text));
        let fixed = fix(&adding, &text);
        assert!(fixed.contains("cce-fix/ignore.resources: before the audit until=2026-12-31\n"), "{fixed}");
        assert!(fixed.contains("type: RuntimeDefault"), "what is safe is fixed: {fixed}");
        assert!(!is_left(&settings, &fixed), "{fixed}");
        assert_eq!(flaws(&settings, &fixed), []);
        assert_eq!(fix(&adding, &fixed), fixed, "a second run adds something");
        let later = Settings { today: "2027-01-01".parse().ok(), ..settings.clone() };
        assert!(is_left(&later, &fixed));
    }
}

#[test]
fn an_annotation_that_has_no_place_is_told() {
    let text = dedent(
        "
        apiVersion: v1
        kind: List
        items:
        - apiVersion: v1
          kind: Pod
          metadata: &shared {name: a}
          spec: {containers: [{name: a, image: registry.example.com/a:1}]}
        - apiVersion: v1
          kind: ConfigMap
          metadata: *shared
        ",
    );
    let settings = Settings { safe: true, add_suppressions: Some("x".to_owned()), ..select(&["resources"]) };
    assert_eq!(fix(&settings, &text), text);
    let found = flaws(&settings, &text);
    assert!(matches!(&found[..], [(4, Flaw::NotAdded("resources", _))]), "{found:?}");
    assert!(findings(&settings, &text).iter().any(|judged| judged.state == State::HeldBack));
}

/// Whatever is suppressed, no other fix makes of a pod what the API server refuses: the rules that go with it
/// see that it is not made.
#[test]
fn single_rules_can_be_suppressed_without_breaking_the_others() {
    let text = pod("
        hostNetwork: true
        hostPID: true
        containers:
        - name: a
          image: nginx:1.27
          ports: [{containerPort: 80, hostPort: 80}]
          securityContext: {privileged: true, runAsUser: 0}
          volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]
        volumes: [{name: v, hostPath: {path: /etc}}]
        ");
    for transform in ALL {
        let id = transform.meta().id;
        let annotated = text.replace(
            "  name: example",
            &format!("  name: example\n  annotations: {{cce-fix/ignore.{id}: x}}"),
        );
        let settings = today("2026-06-01");
        let fixed = fix(&settings, &annotated);
        assert_eq!(fix(&settings, &fixed), fixed, "{id}: a second run changes something");
        let is_fixed = |judged: &Judged| judged.finding.transform.id == id && judged.fix().is_some();
        assert!(!findings(&settings, &annotated).iter().any(is_fixed), "{id}");
    }
}
