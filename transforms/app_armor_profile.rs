//! `appArmorProfile`, and the annotations that say the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1 as fragments;
use rewriter::{Edit, Node, Path};

use crate::context::Context;
use crate::fragment;
use crate::model::{Container, Malformed, Section, SecurityContext};
use crate::settings::{Profile, Version};
use crate::support::{Category, Finding, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// An unconfined container lacks the profile by which `AppArmor` keeps it from mounting, from the node's
    /// kernel settings and from other processes.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     team: shop
    ///     container.apparmor.security.beta.kubernetes.io/web: unconfined
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    /// ```
    ///
    /// becomes
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     team: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    /// ```
    ///
    /// Where nothing is asked for, nodes that have `AppArmor` use the runtime's own profile anyway. Nodes that
    /// do not have it refuse a pod that asks for a profile, and of CCE's node images only Ubuntu has it; so a
    /// profile is only added where `add` is configured. With `migrate`, annotations become the field, from
    /// Kubernetes 1.30 on.
    ///
    /// ## Safety
    ///
    /// Review: somebody wrote `Unconfined`, and a program that mounts or traces needs it; what is added or
    /// migrated makes the pod start on nodes with `AppArmor` alone.
    ///
    /// Left for a person: an annotation and a field that ask for different profiles, and an annotation for a
    /// container that is not there, both of which the API server refuses; a value that is no profile; the
    /// field before Kubernetes 1.30, which does not know it, and the annotation from 1.36 on, which does
    /// nothing there.
    pub(crate) struct AppArmorProfile {
        id: "app-armor-profile",
        title: "the container runs without its AppArmor profile",
        category: Category::Privilege,
        severity: Severity::Medium,
        pages: &["AppArmor and SELinux"],
        pod_security: &["appArmorProfile"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "a program that mounts or traces is denied it (`Permission denied`), or the pod does not start \
            on a node without AppArmor: `Cannot enforce AppArmor`",
        undo: "load a profile for the program on the nodes and name it with `type: Localhost`, or write `type: \
            Unconfined` again with `# cce-fix: ignore[app-armor-profile] reason` beside it",
    }
}

const FIELD: [&str; 2] = ["securityContext", "appArmorProfile"];
const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

/// The first version with the field.
const FIELD_SINCE: Version = Version { minor: 30 };
/// The first version in which the annotation does nothing.
const ANNOTATION_DEAD: Version = Version { minor: 36 };

const UNCONFINED: &str = "somebody wrote it, so the program may mount or trace, which the profile denies";

impl Transform for AppArmorProfile {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    /// The pod's finding stands for all containers with neither a field nor an annotation of their own.
    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let read = Annotations::of(cx).and_then(|annotations| Ok((annotations, cx.pod.security_context()?)));
        let (annotations, pod) = match read {
            Ok(read) => read,
            Err(malformed) => {
                let all = &cx.pod.containers;
                return Vec::from_iter(cx.of_pod(&Self::META, &FIELD, all, Err(malformed)));
            }
        };
        let pod_profile = profile(pod);
        let mut findings = Vec::new();
        let mut inheriting = Vec::new();
        for container in &cx.pod.containers {
            let annotation = annotations.by_container.get(&container.name());
            match container.security_context() {
                Ok(context) if annotation.is_none() && profile(context) == Ok(None) => {
                    inheriting.push(container);
                }
                Ok(context) => {
                    findings.extend(of_container(cx, container, context, &annotations, &pod_profile));
                }
                Err(malformed) => {
                    findings.extend(cx.of_container(&Self::META, container, &FIELD, Err(malformed)));
                }
            }
        }
        // Where a container asks for something else, the pod's field might contradict it.
        let is_for_all = inheriting.len() == cx.pod.containers.len() && cx.settings.target >= FIELD_SINCE;
        let adds =
            cx.settings.app_armor_profile.add && matches!(pod_profile, Ok(None | Some(AppArmor::Unconfined)));
        if adds && !is_for_all {
            let outcome = |container| release(cx, container, None, None, &annotations);
            findings.extend(
                inheriting.drain(..).filter_map(|container| {
                    cx.of_container(&Self::META, container, &FIELD, outcome(container))
                }),
            );
        }
        if !inheriting.is_empty() || !matches!(pod_profile, Ok(None)) {
            let outcome = of_pod(pod, &pod_profile, adds && is_for_all, cx);
            findings.extend(cx.of_pod(&Self::META, &FIELD, inheriting, outcome));
        }
        findings.extend(annotations.orphans(cx));
        findings
    }
}

/// A profile that a field or an annotation asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AppArmor<'d> {
    RuntimeDefault,
    Localhost(Cow<'d, str>),
    Unconfined,
}

impl AppArmor<'_> {
    /// The profile as the field has it.
    fn fragment(&self) -> fragments::SecurityContext {
        let (type_, localhost_profile) = match self {
            Self::RuntimeDefault => ("RuntimeDefault", None),
            Self::Localhost(name) => ("Localhost", Some(name.clone().into_owned())),
            Self::Unconfined => ("Unconfined", None),
        };
        let profile = fragments::AppArmorProfile { type_: type_.to_owned(), localhost_profile };
        fragments::SecurityContext { app_armor_profile: Some(profile), ..Default::default() }
    }
}

/// What the field asks for.
fn profile<'d>(context: &SecurityContext<'d>) -> Result<Option<AppArmor<'d>>, Malformed> {
    let section = context.section().section("appArmorProfile")?;
    let reject = |node, key, verdict| Err(Malformed::because(node, section.path().key(key), verdict));
    match (section.get("type"), section.text("localhostProfile")?) {
        (None, None) => Ok(None),
        (None, Some(_)) => match section.node() {
            Some(node) => Err(Malformed::because(node, section.path().clone(), "has no `type`")),
            None => Ok(None),
        },
        (Some(node), name) => match (node.as_str().as_deref(), name) {
            (Some("RuntimeDefault"), None) => Ok(Some(AppArmor::RuntimeDefault)),
            (Some("Unconfined"), _) => Ok(Some(AppArmor::Unconfined)),
            (Some("Localhost"), Some(name)) => Ok(Some(AppArmor::Localhost(name))),
            (Some("Localhost"), None) => reject(node, "type", "needs a `localhostProfile`"),
            (Some("RuntimeDefault"), Some(_)) => reject(node, "type", "does not go with `localhostProfile`"),
            _ => reject(node, "type", "is none of `RuntimeDefault`, `Localhost` and `Unconfined`"),
        },
    }
}

fn of_pod(
    context: &SecurityContext<'_>,
    profile: &Result<Option<AppArmor<'_>>, Malformed>,
    adds: bool,
    cx: &Context<'_, '_>,
) -> Result<Outcome, Malformed> {
    Ok(match profile.clone()? {
        None | Some(AppArmor::Unconfined) if adds => Outcome::review(ADD, ADDED, set_field(context)),
        None => Outcome::Satisfied,
        Some(AppArmor::Unconfined) => Outcome::review(REMOVE, UNCONFINED, vec![remove_field(context)]),
        Some(_) => known_field(cx),
    })
}

const ADD: &str = "set `appArmorProfile: {type: RuntimeDefault}`";
const ADDED: &str = "it is configured to be added; the pod then starts on nodes with AppArmor alone";
const REMOVE: &str = "remove `appArmorProfile: {type: Unconfined}`";

fn remove_field(context: &SecurityContext<'_>) -> Edit {
    Edit::remove(context.path().key("appArmorProfile"), None)
}

/// Asks for the runtime's own profile, whatever is asked for now.
fn set_field(context: &SecurityContext<'_>) -> Vec<Edit> {
    let mut edits = fragment::merge(context.path(), &AppArmor::RuntimeDefault.fragment());
    let written = context.section().get("appArmorProfile");
    if written.is_some_and(|profile| profile.get("localhostProfile").is_some()) {
        edits.push(Edit::remove(context.path().keys(["appArmorProfile", "localhostProfile"]), None));
    }
    edits
}

/// For a container whose profile is that of the runtime once `own` and `annotation` do not say `Unconfined`
/// any more: takes that out, and asks for the profile where that is configured.
fn release(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    own: Option<&AppArmor<'_>>,
    annotation: Option<&Annotation<'_>>,
    annotations: &Annotations<'_>,
) -> Result<Outcome, Malformed> {
    let context = container.security_context()?;
    // The runtime gives a privileged one no profile, whatever is asked for.
    let adds = cx.settings.app_armor_profile.add && !cx.is_privileged(container)?;
    let field_exists = cx.settings.target >= FIELD_SINCE;
    let path = annotations.path.key(format!("{ANNOTATION}{}", container.name()));
    let mut edits = if adds && field_exists {
        set_field(context)
    } else {
        own.map(|_| remove_field(context)).into_iter().collect()
    };
    if adds && !field_exists {
        if container.name().is_empty() {
            return Ok(Outcome::left("the container has no name, so no annotation can be about it"));
        }
        edits.push(Edit::set(path, "runtime/default"));
    } else if annotation.is_some() {
        edits.push(Edit::remove(path, None));
    }
    Ok(match (adds, own.is_some()) {
        _ if edits.is_empty() => Outcome::Satisfied,
        (true, _) if field_exists => Outcome::review(ADD, ADDED, edits),
        (true, _) => Outcome::review("set the annotation for `runtime/default`", ADDED, edits),
        (false, true) => Outcome::review(REMOVE, UNCONFINED, edits),
        (false, false) => Outcome::review(REMOVE_ANNOTATION, UNCONFINED, edits),
    })
}

const REMOVE_ANNOTATION: &str = "remove the annotation for `unconfined`";

/// What there is to say about a field with an allowed profile.
fn known_field(cx: &Context<'_, '_>) -> Outcome {
    let target = cx.settings.target;
    if target < FIELD_SINCE {
        return Outcome::left(format!("`appArmorProfile` needs Kubernetes 1.30, the target is {target}"));
    }
    Outcome::Satisfied
}

/// About a container with a field or an annotation of its own.
fn of_container(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    context: &SecurityContext<'_>,
    annotations: &Annotations<'_>,
    pod_profile: &Result<Option<AppArmor<'_>>, Malformed>,
) -> Option<Finding> {
    let annotation = annotations.by_container.get(&container.name());
    let own = profile(context);
    let outcome = own.clone().and_then(|own| judge(cx, container, own, annotations, pod_profile));
    match annotation {
        Some(annotation) if own == Ok(None) => {
            let place = (annotation.path.clone(), annotation.node.position());
            Some(Finding::new(&AppArmorProfile::META, Some(container.reference()), place, outcome))
        }
        _ => cx.of_container(&AppArmorProfile::META, container, &FIELD, outcome),
    }
}

fn judge(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    own: Option<AppArmor<'_>>,
    annotations: &Annotations<'_>,
    pod_profile: &Result<Option<AppArmor<'_>>, Malformed>,
) -> Result<Outcome, Malformed> {
    let target = cx.settings.target;
    let context = container.security_context()?;
    let annotation = annotations.by_container.get(&container.name());
    let has_name = |other: &&Container<'_>| other.name() == container.name();
    if annotation.is_some() && cx.pod.containers.iter().filter(has_name).count() > 1 {
        return Ok(Outcome::left(
            "another container has the same name, so whom the annotation is about cannot be told",
        ));
    }
    let asked = annotation.map(|annotation| annotation.profile.clone()).transpose()?.flatten();
    // What the pod says holds where the container says nothing; `Unconfined` is about to go.
    let allowed = |profile: &AppArmor<'_>| *profile != AppArmor::Unconfined;
    let inherited = pod_profile.clone()?.filter(allowed);
    let without = || annotation.map(|annotation| Edit::remove(annotation.path.clone(), None));
    let unconfined = [&own, &asked].into_iter().flatten().any(|profile| !allowed(profile));
    if unconfined {
        let own_goes = own.as_ref().filter(|profile| !allowed(profile));
        let annotation_goes = annotation.filter(|_| asked == Some(AppArmor::Unconfined));
        let remains = [&own, &asked, &inherited].into_iter().flatten().any(allowed);
        if !remains {
            return release(cx, container, own_goes, annotation_goes, annotations);
        }
        let summary = if own_goes.is_some() { REMOVE } else { REMOVE_ANNOTATION };
        let field = own_goes.map(|_| remove_field(context));
        let annotation = annotation_goes.and_then(|_| without());
        return Ok(Outcome::review(summary, UNCONFINED, field.into_iter().chain(annotation).collect()));
    }
    let Some(asked) = asked else { return Ok(known_field(cx)) };
    let field = own.or(inherited);
    let migrates = cx.settings.app_armor_profile.migrate && target >= FIELD_SINCE;
    Ok(match field {
        Some(field) if field != asked => Outcome::left(
            "the annotation and the field ask for different profiles; the API server refuses such a pod",
        ),
        Some(_) if migrates => {
            let reason = "the field says the same";
            Outcome::review("remove the annotation", reason, without().into_iter().collect())
        }
        None if migrates => {
            let mut edits = fragment::merge(context.path(), &asked.fragment());
            edits.extend(without());
            let reason = "the field takes the place of the annotation, which Kubernetes 1.36 does not read";
            Outcome::review("write the annotation as `appArmorProfile`", reason, edits)
        }
        Some(_) => known_field(cx),
        None if target >= ANNOTATION_DEAD => Outcome::left(
            "the annotation does nothing since Kubernetes 1.36; `appArmorProfile` says it there",
        ),
        None => Outcome::Satisfied,
    })
}

/// An annotation for one container.
struct Annotation<'d> {
    path: Path,
    node: Node<'d>,
    /// What it asks for; nothing where it is empty.
    profile: Result<Option<AppArmor<'d>>, Malformed>,
}

/// The annotations of a pod that are about profiles.
struct Annotations<'d> {
    /// Where the pod's annotations stand or would stand.
    path: Path,
    by_container: BTreeMap<Cow<'d, str>, Annotation<'d>>,
}

impl<'d> Annotations<'d> {
    fn of(cx: &Context<'_, 'd>) -> Result<Self, Malformed> {
        let annotations: Section<'d> = cx.pod.annotations()?;
        let mut by_container = BTreeMap::new();
        for (key, node) in annotations.node().into_iter().flat_map(|map| map.entries()) {
            let key = key.text();
            let Some(container) = key.strip_prefix(ANNOTATION).filter(|_| !node.is_null()) else { continue };
            let path = annotations.path().key(key.clone().into_owned());
            let text = node.as_str();
            let profile = match text.as_deref() {
                Some("") => Ok(None),
                Some("runtime/default") => Ok(Some(AppArmor::RuntimeDefault)),
                Some("unconfined") => Ok(Some(AppArmor::Unconfined)),
                Some(text) if text.strip_prefix("localhost/").is_some_and(|name| !name.is_empty()) => {
                    let name = text.trim_start_matches("localhost/").to_owned();
                    Ok(Some(AppArmor::Localhost(name.into())))
                }
                _ => Err(Malformed::because(
                    node,
                    path.clone(),
                    "is none of `runtime/default`, `localhost/…` and `unconfined`",
                )),
            };
            by_container.insert(container.to_owned().into(), Annotation { path, node, profile });
        }
        Ok(Self { path: annotations.path().clone(), by_container })
    }

    /// About the annotations for containers that are not there.
    fn orphans(&self, cx: &Context<'_, 'd>) -> Vec<Finding> {
        if self.by_container.is_empty() {
            return Vec::new();
        }
        let names: BTreeSet<_> = cx.pod.containers.iter().map(Container::name).collect();
        let orphans = self.by_container.iter().filter(|(name, _)| !names.contains(*name));
        let about = |(name, annotation): (&Cow<'d, str>, &Annotation<'d>)| {
            let place = (annotation.path.clone(), annotation.node.position());
            let outcome = if annotation.profile == Ok(Some(AppArmor::Unconfined)) {
                let edits = vec![Edit::remove(annotation.path.clone(), None)];
                Outcome::review(REMOVE_ANNOTATION, UNCONFINED, edits)
            } else {
                Outcome::left(format!(
                    "the pod has no container `{name}`; the API server refuses the annotation unless something \
                     else adds the container before"
                ))
            };
            Finding::new(&AppArmorProfile::META, None, place, Ok(outcome))
        };
        orphans.map(about).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::support::Level;
    use crate::test::{check_left_with, check_silent, check_with, findings, fix, fixes, only, pod};

    const ID: &str = "app-armor-profile";

    fn target(version: &str) -> Settings {
        Settings { target: version.parse().unwrap(), ..only(ID) }
    }

    fn adding(version: &str) -> Settings {
        let mut settings = target(version);
        settings.app_armor_profile.add = true;
        settings
    }

    fn migrating(version: &str) -> Settings {
        let mut settings = target(version);
        settings.app_armor_profile.migrate = true;
        settings
    }

    /// A pod with a container `a`, with annotations for containers, a field of the pod and one of `a`.
    fn example(annotations: &[(&str, &str)], of_pod: &str, of_a: &str) -> String {
        let annotations: Vec<String> =
            annotations.iter().map(|(name, value)| format!("\n    {ANNOTATION}{name}: {value}")).collect();
        let annotations = annotations.concat();
        let field = |profile: &str, indent: &str| match profile {
            "" => String::new(),
            profile => format!("\n{indent}  appArmorProfile:\n{indent}    {profile}"),
        };
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    team: shop{annotations}\nspec:\n  \
             securityContext:\n    fsGroup: 1{}\n  containers:\n  - name: a\n    image: r.io/a\n    \
             securityContext:\n      runAsUser: 1{}\n",
            field(of_pod, "  "),
            field(of_a, "    "),
        )
    }

    const UNCONFINED: &str = "type: Unconfined";
    const RUNTIME: &str = "type: RuntimeDefault";

    #[test]
    fn an_annotation_for_two_containers_of_one_name_is_left() {
        let twice = example(&[("a", "runtime/default")], "", "") + "  - name: a\n    image: r.io/b\n";
        assert_eq!(fixes(&migrating("1.31"), &twice), []);
        let other = twice.replace("name: a\n    image: r.io/b", "name: b\n    image: r.io/b");
        assert_eq!(fixes(&migrating("1.31"), &other).len(), 1);
    }

    #[test]
    fn unconfined_goes_in_every_form() {
        for before in [
            example(&[("a", "unconfined")], "", ""),
            example(&[], UNCONFINED, ""),
            example(&[], "", UNCONFINED),
            example(&[("a", "unconfined")], "", UNCONFINED),
            example(&[("gone", "unconfined")], "", ""),
        ] {
            for version in ["1.28", "1.31", "1.37"] {
                check_with(&target(version), &before, &example(&[], "", ""));
            }
            assert!(fixes(&only(ID), &before).iter().all(|(level, _, _)| *level == Level::Review));
        }
    }

    #[test]
    fn what_remains_agrees() {
        let local = [("a", "localhost/p")];
        check_with(&target("1.31"), &example(&local, "", UNCONFINED), &example(&local, "", ""));
        check_with(&target("1.31"), &example(&local, UNCONFINED, ""), &example(&local, "", ""));
        check_with(
            &target("1.31"),
            &example(&[("a", "unconfined")], RUNTIME, ""),
            &example(&[], RUNTIME, ""),
        );
        for (of_pod, of_a) in [(RUNTIME, ""), ("", RUNTIME)] {
            check_left_with(&target("1.31"), &example(&local, of_pod, of_a), "ask for different profiles");
        }
    }

    #[test]
    fn nothing_is_added_by_itself() {
        check_silent(ID, "containers: [{name: a, image: r.io/a}]");
        for text in [
            example(&[("a", "runtime/default")], "", ""),
            example(&[("a", "\"\"")], "", ""),
            example(&[("a", "localhost/p")], "", ""),
        ] {
            assert_eq!(fix(&only(ID), &text), text);
        }
    }

    #[test]
    fn on_request_the_runtimes_profile_is_added() {
        let plain = example(&[], "", "");
        check_with(&adding("1.30"), &plain, &example(&[], RUNTIME, ""));
        check_with(&adding("1.28"), &plain, &example(&[("a", "runtime/default")], "", ""));
        check_with(&adding("1.30"), &example(&[], "", RUNTIME), &example(&[], "", RUNTIME));
        for unconfined in [
            example(&[("a", "unconfined")], "", ""),
            example(&[], "", UNCONFINED),
            example(&[("a", "unconfined")], "", UNCONFINED),
        ] {
            check_with(&adding("1.30"), &unconfined, &example(&[], "", RUNTIME));
            check_with(&adding("1.28"), &unconfined, &example(&[("a", "runtime/default")], "", ""));
        }
        check_with(&adding("1.30"), &example(&[], UNCONFINED, ""), &example(&[], RUNTIME, ""));
        check_with(
            &adding("1.28"),
            &example(&[], UNCONFINED, ""),
            &example(&[("a", "runtime/default")], "", ""),
        );
        let two = |of_b: &str| {
            let text = example(&[("a", "localhost/p")], "", "");
            format!("{text}  - name: b\n    image: r.io/b\n    securityContext:\n      runAsUser: 1\n{of_b}")
        };
        let own = "      appArmorProfile:\n        type: RuntimeDefault\n";
        check_with(&adding("1.30"), &two(""), &two(own));
        let privileged = two("      privileged: true\n");
        check_with(&adding("1.30"), &privileged, &privileged);
    }

    #[test]
    fn on_request_annotations_become_fields() {
        check_with(
            &migrating("1.30"),
            &example(&[("a", "localhost/p/q")], "", ""),
            &example(&[], "", "type: Localhost\n        localhostProfile: p/q"),
        );
        check_with(
            &migrating("1.36"),
            &example(&[("a", "runtime/default")], "", ""),
            &example(&[], "", RUNTIME),
        );
        check_with(
            &migrating("1.30"),
            &example(&[("a", "runtime/default")], RUNTIME, ""),
            &example(&[], RUNTIME, ""),
        );
        let text = example(&[("a", "runtime/default")], "", "");
        check_with(&migrating("1.29"), &text, &text);
        check_with(&migrating("1.30"), &example(&[], "", ""), &example(&[], "", ""));
    }

    #[test]
    fn what_does_nothing_is_told() {
        let dead = example(&[("a", "runtime/default")], "", "");
        check_left_with(&target("1.36"), &dead, "does nothing since Kubernetes 1.36");
        check_left_with(&target("1.29"), &example(&[], RUNTIME, ""), "needs Kubernetes 1.30");
        check_left_with(&target("1.29"), &example(&[], "", RUNTIME), "needs Kubernetes 1.30");
        check_left_with(&only(ID), &example(&[("b", "runtime/default")], "", ""), "no container `b`");
    }

    #[test]
    fn malformed_profiles_are_left() {
        let verdicts = [
            ("type: runtime/default", "is none of `RuntimeDefault`"),
            ("localhostProfile: p", "has no `type`"),
            ("type: Localhost", "needs a `localhostProfile`"),
            ("{type: RuntimeDefault, localhostProfile: p}", "does not go with `localhostProfile`"),
        ];
        for (profile, words) in verdicts {
            check_left_with(&only(ID), &example(&[], profile, ""), words);
            check_left_with(&only(ID), &example(&[], "", profile), words);
        }
        for value in ["Unconfined", "localhost/", "true"] {
            check_left_with(&only(ID), &example(&[("a", value)], "", ""), "is none of `runtime/default`");
        }
        let text = pod("containers: [{image: r.io/a}]").replace("name: example", "annotations: text");
        assert_eq!(findings(&only(ID), &text).len(), 1);
        check_left_with(&only(ID), &text, "`annotations` in line 4 is text, not a map");
    }
}
