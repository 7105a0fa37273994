//! Load balancers and addresses by which the internet reaches a workload.

use rewriter::{Edit, Node};
use serde_json::{Map, Value as Json};

use crate::context::{Context, ObjectContext};
use crate::model::{Malformed, Object, Section};
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// What has a public address is found and tried by everybody within minutes, and every fault of the
    /// program behind it is open to the whole internet.
    ///
    /// ```yaml
    /// # .cce-fix.yaml
    /// transforms:
    ///   public-exposure:
    ///     internal-elb: true
    /// ```
    ///
    /// With that configuration,
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     kubernetes.io/elb.class: union
    ///     kubernetes.io/elb.autocreate: '{"type":"public","bandwidth_name":"b","bandwidth_size":5,"name":"web"}'
    /// spec:
    ///   type: LoadBalancer
    /// ```
    ///
    /// becomes
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     kubernetes.io/elb.class: union
    ///     kubernetes.io/elb.autocreate: '{"type":"inner","name":"web"}'
    /// spec:
    ///   type: LoadBalancer
    /// ```
    ///
    /// It is about Services, about Ingresses that CCE's load balancer serves, and about pods with an address
    /// of their own on CCE Turbo.
    ///
    /// ## Safety
    ///
    /// Nothing is changed unless `internal-elb` is configured, and then at level review: everybody outside the
    /// VPC loses the way in. It holds for load balancers that are yet to be made; an existing one keeps its
    /// address.
    ///
    /// Left for a person: new public load balancers, addresses behind a NAT gateway, ports of the node,
    /// `externalIPs`, and pods with a public address. Where an access list of addresses stands in front, and for
    /// load balancers that exist already, of which nobody can tell from here, it is said without counting.
    pub(crate) struct PublicExposure {
        id: "public-exposure",
        title: "the internet can reach it",
        category: Category::Network,
        severity: Severity::High,
        pages: &["Preventing Nodes from Being Exposed to Public Networks"],
        pod_security: &[],
        profiles: &[],
        on_windows: true,
        since: "0.1.0",
    }
    review {
        symptom: "clients from outside of the VPC get no answer any more",
        undo: "take `kubernetes.io/elb.autocreate` or the class back to what it was for what has to be \
            public, or leave `internal-elb` out of `.cce-fix.yaml`",
    }
}

const AUTOCREATE: &str = "kubernetes.io/elb.autocreate";
const POD_ADDRESS: &str = "yangtse.io/pod-with-eip";

/// What asks for a public address by being there.
const ADDRESSES: [&str; 3] =
    ["kubernetes.io/elb.eip-id", "kubernetes.io/elb.eip-auto-create-option", "kubernetes.io/elb.keep-eip"];

/// What names a load balancer that exists already.
const EXISTING: [&str; 2] = ["kubernetes.io/elb.id", "kubernetes.io/elb.ip"];

impl Transform for PublicExposure {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let outcome = cx.pod.annotations().map(|annotations| match annotations.get(POD_ADDRESS) {
            Some(value) if value.is_text("true") => Outcome::left(
                "the pod gets a public address of its own; a Service with an access list is enough for most \
                 programs",
            ),
            _ => Outcome::Satisfied,
        });
        let finding = cx.of_pod(&Self::META, &[], &cx.pod.containers, outcome);
        match (finding, cx.pod.annotations()) {
            (Some(finding), Ok(annotations)) if finding.outcome != Outcome::Satisfied => {
                let (path, position) = annotations.locate(&[POD_ADDRESS]);
                vec![Finding { path, position, ..finding }]
            }
            (finding, _) => Vec::from_iter(finding),
        }
    }

    fn check_object(&self, cx: &ObjectContext<'_, '_>) -> Vec<Finding> {
        let object = cx.object;
        let group = object.api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let judge = match (group, &*object.kind) {
            ("", "Service") => judge_service,
            ("networking.k8s.io" | "extensions", "Ingress") => judge_ingress,
            _ => return Vec::new(),
        };
        let (keys, outcome) = match judge(cx) {
            Ok((keys, outcome)) => (keys, Ok(outcome)),
            Err(malformed) => (Vec::new(), Err(malformed)),
        };
        vec![Finding::of_object(&Self::META, object, &keys, outcome)]
    }
}

/// What is concluded, and about which place.
type Verdict = (Vec<&'static str>, Outcome);

fn judge_service(cx: &ObjectContext<'_, '_>) -> Result<Verdict, Malformed> {
    let object = root(cx.object)?;
    let spec = object.section("spec")?;
    let of_type = || vec!["spec", "type"];
    if !spec.list("externalIPs")?.is_empty() {
        let reason = "whoever reaches one of these addresses reaches the Service";
        return Ok((vec!["spec", "externalIPs"], Outcome::left(reason)));
    }
    match spec.text("type")?.as_deref() {
        Some("NodePort") => {
            let reason = "every node opens the port, so a node with a public address opens it to the internet; \
                a load balancer inside the VPC, or `ClusterIP` with an Ingress, does not";
            Ok((of_type(), Outcome::left(reason)))
        }
        Some("LoadBalancer") => Ok(balancer(cx)?.unwrap_or_else(|| {
            let reason = "nothing says how far the load balancer can be reached, and many are public";
            (of_type(), Outcome::left(reason))
        })),
        _ => Ok((of_type(), Outcome::Satisfied)),
    }
}

fn judge_ingress(cx: &ObjectContext<'_, '_>) -> Result<Verdict, Malformed> {
    // Without CCE's annotations it is as public as the Service of its controller.
    Ok(balancer(cx)?.unwrap_or((vec!["spec"], Outcome::Satisfied)))
}

fn root<'d>(object: &Object<'d>) -> Result<Section<'d>, Malformed> {
    Section::new(Some(object.node), object.path.clone())
}

/// What the annotations say about a load balancer; nothing where they do not.
fn balancer(cx: &ObjectContext<'_, '_>) -> Result<Option<Verdict>, Malformed> {
    let annotations = root(cx.object)?.section("metadata")?.section("annotations")?;
    let at = |key| vec!["metadata", "annotations", key];
    let is = |key: &str, text: &str| annotations.get(key).is_some_and(|value| value.is_text(text));
    let is_limited = annotations.get("kubernetes.io/elb.acl-id").is_some()
        && is("kubernetes.io/elb.acl-status", "on")
        && is("kubernetes.io/elb.acl-type", "white");
    let public = |what: &str| {
        if is_limited {
            Outcome::stays(format!("{what}, and an access list says who may use it"))
        } else {
            Outcome::left(format!(
                "{what}; if not everybody is to reach it, use a load balancer inside the VPC, or an access list by \
                 the annotations `kubernetes.io/elb.acl-id`, `acl-status: on` and `acl-type: white`"
            ))
        }
    };
    if let Some(node) = annotations.get(AUTOCREATE) {
        let outcome = match read(node) {
            Err(error) => Outcome::left(format!(
                "what is to be made cannot be told: `{AUTOCREATE}` in line {} {error}",
                node.position().line
            )),
            Ok(wanted) => match wanted.get("type").and_then(Json::as_str) {
                Some("public") if cx.settings.public_exposure.internal_elb => internal(&annotations, wanted),
                Some("public") => public("a public load balancer is made for it"),
                Some("inner") => Outcome::Satisfied,
                _ => Outcome::left(format!("`{AUTOCREATE}` says neither `public` nor `inner` as its `type`")),
            },
        };
        return Ok(Some((at(AUTOCREATE), outcome)));
    }
    if let Some(key) = ADDRESSES.into_iter().find(|key| annotations.get(key).is_some()) {
        return Ok(Some((at(key), public("the load balancer has a public address"))));
    }
    if is("kubernetes.io/elb.class", "dnat") {
        return Ok(Some((at("kubernetes.io/elb.class"), public("a NAT gateway gives it a public address"))));
    }
    let existing = EXISTING.into_iter().find(|key| annotations.get(key).is_some());
    Ok(existing.map(|key| {
        let reason = "it uses a load balancer that exists already; whether that has a public address is seen on \
            the console";
        (at(key), Outcome::stays(reason))
    }))
}

/// The JSON in the text of an annotation.
fn read(node: Node<'_>) -> Result<Map<String, Json>, &'static str> {
    let text = node.as_str().ok_or("is no text")?;
    match serde_json::from_str(&text) {
        Ok(Json::Object(map)) => Ok(map),
        Ok(_) => Err("is no JSON object"),
        Err(_) => Err("is no JSON"),
    }
}

/// The same load balancer without what makes it public.
fn internal(annotations: &Section<'_>, mut wanted: Map<String, Json>) -> Outcome {
    wanted.retain(|key, _| !key.starts_with("bandwidth_") && key != "eip_type");
    wanted.insert("type".to_owned(), "inner".into());
    let text = Json::Object(wanted).to_string();
    Outcome::review(
        "have the load balancer made inside the VPC",
        "somebody wrote `public`; nobody outside the VPC reaches it then, and one that exists keeps its address",
        vec![Edit::set(annotations.path().key(AUTOCREATE), text)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::support::Level;
    use crate::test::{check_left_with, check_with, findings, fix, fixes, only};
    use crate::{State, test};

    const ID: &str = "public-exposure";

    fn service(annotations: &[&str], spec: &str) -> String {
        object("v1", "Service", annotations, spec)
    }

    fn object(api_version: &str, kind: &str, annotations: &[&str], spec: &str) -> String {
        let annotations: Vec<String> = annotations.iter().map(|text| format!("    {text}\n")).collect();
        format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: web\n  annotations:\n{}spec: {spec}\n",
            annotations.concat()
        )
    }

    const BALANCER: &str = "{type: LoadBalancer}";
    const PUBLIC: &str = r#"kubernetes.io/elb.autocreate: '{"type":"public","bandwidth_size":5,"eip_type":"5_bgp","name":"n"}'"#;
    const INNER: &str = r#"kubernetes.io/elb.autocreate: '{"type":"inner","name":"n"}'"#;

    fn internal() -> Settings {
        let mut settings = only(ID);
        settings.public_exposure.internal_elb = true;
        settings
    }

    #[track_caller]
    fn check_state(text: &str, is_silent: bool, words: &str) {
        match findings(&only(ID), text).as_slice() {
            [judged] if judged.state == State::Satisfied => assert!(is_silent && words.is_empty(), "{text}"),
            [judged] => match &judged.state {
                State::Left(left) => {
                    assert_eq!(left.needs_person, !is_silent, "{text}");
                    assert!(left.reason.contains(words), "{words} is not in {}", left.reason);
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn services_are_judged_by_how_far_they_reach() {
        check_state(&service(&[PUBLIC], BALANCER), false, "a public load balancer is made");
        check_state(&service(&[INNER], BALANCER), true, "");
        check_state(&service(&["a: b"], "{type: ClusterIP}"), true, "");
        check_state(&service(&[PUBLIC], "{}"), true, "");
        check_state(&service(&["a: b"], "{type: NodePort}"), false, "every node opens the port");
        check_state(&service(&["a: b"], "{externalIPs: [1.2.3.4]}"), false, "one of these addresses");
        check_state(&service(&["a: b"], BALANCER), false, "nothing says how far");
        check_state(&service(&["kubernetes.io/elb.id: x"], BALANCER), true, "exists already");
        check_state(&service(&["kubernetes.io/elb.class: dnat"], BALANCER), false, "NAT gateway");
        check_state(&service(&["kubernetes.io/elb.eip-id: x"], BALANCER), false, "has a public address");
    }

    #[test]
    fn an_access_list_is_seen() {
        let acl = [
            "kubernetes.io/elb.acl-id: x",
            "kubernetes.io/elb.acl-status: \"on\"",
            "kubernetes.io/elb.acl-type: white",
        ];
        let with = |acl: &[&str]| service(&[&[PUBLIC], acl].concat(), BALANCER);
        check_state(&with(&acl), true, "an access list says who may use it");
        check_state(
            &with(&[acl[0], acl[1], "kubernetes.io/elb.acl-type: black"]),
            false,
            "public load balancer",
        );
        check_state(&with(&acl[1..]), false, "public load balancer");
    }

    #[test]
    fn ingresses_are_judged_by_their_annotations() {
        for api_version in ["networking.k8s.io/v1", "extensions/v1beta1"] {
            let ingress =
                |annotation| object(api_version, "Ingress", &[annotation], "{ingressClassName: cce}");
            check_state(&ingress(PUBLIC), false, "a public load balancer is made");
            check_state(&ingress("a: b"), true, "");
            check_with(&internal(), &ingress(PUBLIC), &ingress(INNER));
        }
        let other = object("example.com/v1", "Ingress", &[PUBLIC], "{}");
        assert!(findings(&only(ID), &other).is_empty());
    }

    #[test]
    fn on_request_the_load_balancer_is_internal() {
        let before = service(&[PUBLIC], BALANCER);
        check_with(&internal(), &before, &service(&[INNER], BALANCER));
        assert_eq!(fixes(&internal(), &before)[0].0, Level::Review);
        let dedicated = r#"kubernetes.io/elb.autocreate: '{"type":"public","available_zone":["az1"],"l4_flavor_name":"f"}'"#;
        check_with(
            &internal(),
            &service(&[dedicated], BALANCER),
            &service(&[&dedicated.replace("public", "inner")], BALANCER),
        );
        let system = before.replace("name: web", "name: web\n  namespace: kube-system");
        assert_eq!(fix(&internal(), &system), system);
    }

    #[test]
    fn a_text_of_several_lines_is_left() {
        let json = "|\n      {\n        \"type\": \"public\"\n      }";
        let text = service(&[&format!("{AUTOCREATE}: {json}")], BALANCER);
        check_left_with(&internal(), &text, "layout");
    }

    #[test]
    fn what_cannot_be_read_is_left() {
        for (value, words) in [
            ("'{\"type\":\"public\"'", "line 6 is no JSON"),
            ("'[]'", "is no JSON object"),
            ("{type: public}", "is no text"),
            ("'{}'", "neither `public` nor `inner`"),
        ] {
            let text = service(&[&format!("{AUTOCREATE}: {value}")], BALANCER);
            check_left_with(&internal(), &text, words);
        }
        check_left_with(&only(ID), &service(&["a: b"], "{type: 1}"), "`type` in line 7 is a number");
        check_left_with(&only(ID), &service(&["a: b"], "text"), "`spec` in line 7 is text");
    }

    #[test]
    fn pods_with_an_address_are_left() {
        let pod = test::pod("containers: [{name: a, image: r.io/a}]");
        let with =
            |value: &str| pod.replace("name: example", &format!("annotations: {{{POD_ADDRESS}: {value}}}"));
        check_left_with(&only(ID), &with("\"true\""), "a public address of its own");
        check_left_with(&only(ID), &with("\"true\", a: b"), "a public address of its own");
        for silent in [pod.clone(), with("\"false\"")] {
            check_with(&only(ID), &silent, &silent);
            assert!(findings(&only(ID), &silent).iter().all(|judged| judged.state == State::Satisfied));
        }
    }
}
