//! `seccompProfile`, and the annotations that it replaced.

use std::borrow::Cow;
use std::collections::HashMap;

use k8s_openapi::api::core::v1 as fragments;
use rewriter::{Edit, Node, Path};

use crate::context::Context;
use crate::fragment;
use crate::model::{Container, Malformed, Seccomp, Section, SecurityContext};
use crate::settings::{Profile, Version};
use crate::support::{Category, Finding, Level, Meta, Outcome, Severity, Transform, transform};

transform! {
    /// Without a seccomp profile a container may use every system call of the node's kernel, rarely used and
    /// poorly tested ones included, which is how most ways out of a container begin.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
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
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/team/web:1.4
    ///   securityContext:
    ///     seccompProfile:
    ///       type: RuntimeDefault
    /// ```
    ///
    /// The profile is the pod's, so that it covers containers that are added later too, or each container's in a
    /// kind that has none for the pod; `Unconfined` is
    /// changed where it stands, and a `Localhost` profile is kept. The old annotations count before Kubernetes
    /// 1.19, the only field there is then. Later one that says the same is kept, and one that contradicts is
    /// changed with the field, because the API server refuses a pod in which they differ.
    ///
    /// ## Safety
    ///
    /// Safe from Kubernetes 1.25, whose nodes run containerd. Review before, where an old Docker denies calls
    /// that newer C libraries make, for programs that need denied calls (browsers with their sandbox, builders
    /// of images, tracers, emulators), and wherever somebody wrote `Unconfined`.
    ///
    /// Silent where every container has `RuntimeDefault` or `Localhost`, its own or the pod's.
    pub(crate) struct SeccompProfile {
        id: "seccomp-profile",
        title: "the container may use every system call",
        category: Category::Privilege,
        severity: Severity::Medium,
        pages: &["Controlling Access Permissions", "Container Permission Access Control", "Seccomp"],
        pod_security: &["seccompProfile_baseline", "seccompProfile_restricted"],
        profiles: &[Profile::Baseline, Profile::Restricted],
        on_windows: false,
        since: "0.1.0",
    }
    review {
        symptom: "a system call that the program needs is denied: `Operation not permitted` in its log, or it \
            ends with `SIGSYS`, as with debuggers, sandboxes and some file systems",
        undo: "set `seccompProfile` for this container to a profile of its own (`type: Localhost`), or \
            leave this transform out with `--ignore seccomp-profile`",
    }
}

const FIELD: [&str; 2] = ["securityContext", "seccompProfile"];
const POD_ANNOTATION: &str = "seccomp.security.alpha.kubernetes.io/pod";
const CONTAINER_ANNOTATION: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// The first version with the field.
const FIELD_SINCE: Version = Version { minor: 19 };
/// The first version whose API server does not copy the annotation into the field.
const ANNOTATION_IGNORED: Version = Version { minor: 25 };
/// The first version in which the annotation does nothing at all.
const ANNOTATION_DEAD: Version = Version { minor: 27 };

impl Transform for SeccompProfile {
    fn meta(&self) -> &'static Meta {
        &Self::META
    }

    /// The pod's finding stands for all containers without a profile of their own.
    fn check(&self, cx: &Context<'_, '_>) -> Vec<Finding> {
        let of_pod = |inheriting: &[&Container<'_>], outcome| {
            cx.of_pod(&Self::META, &FIELD, inheriting.iter().copied(), outcome)
        };
        let all: Vec<&Container<'_>> = cx.pod.containers.iter().collect();
        let (annotations, pod) = match Annotations::of(cx).and_then(|it| Ok((Setting::of_pod(cx, &it)?, it)))
        {
            Ok((pod, annotations)) => (annotations, pod),
            Err(malformed) => return Vec::from_iter(of_pod(&all, Err(malformed))),
        };
        let mut findings = Vec::new();
        let mut inheriting = Vec::new();
        let mut others_asked_for = false;
        let has_pod_level = cx.pod.has_pod_level();
        for container in all {
            let outcome = match Setting::of_container(cx, container, &annotations) {
                Ok(own) => match own.profile {
                    None if !has_pod_level => Ok(check_value(cx, &own, pod.profile, &[container], false)),
                    None => {
                        others_asked_for |= own.is_contradicted(Seccomp::RuntimeDefault);
                        inheriting.push(container);
                        continue;
                    }
                    Some(Seccomp::Unconfined) => Ok(own.confine(cx, Level::Review, UNCONFINED)),
                    Some(Seccomp::RuntimeDefault | Seccomp::Localhost) => Ok(Outcome::Satisfied),
                },
                Err(malformed) => Err(malformed),
            };
            findings.extend(cx.of_container(&Self::META, container, &FIELD, outcome));
        }
        if !inheriting.is_empty() || has_pod_level && pod.profile == Some(Seccomp::Unconfined) {
            let outcome = check_value(cx, &pod, pod.profile, &inheriting, others_asked_for);
            findings.extend(of_pod(&inheriting, Ok(outcome)));
        }
        findings.extend(check_annotation(cx, &pod));
        findings
    }
}

const UNCONFINED: &str = "somebody wrote `Unconfined`, so a program may need calls that the profile denies";

/// What becomes of the containers that have no profile of their own, where `profile` is the pod's. `setting` is
/// the pod's too, or that of a container in a kind that has none for the pod.
fn check_value(
    cx: &Context<'_, '_>,
    setting: &Setting<'_>,
    profile: Option<Seccomp>,
    inheriting: &[&Container<'_>],
    others_asked_for: bool,
) -> Outcome {
    match profile {
        Some(Seccomp::RuntimeDefault | Seccomp::Localhost) => return Outcome::Satisfied,
        Some(Seccomp::Unconfined) => return setting.confine(cx, Level::Review, UNCONFINED),
        // The policy of before 1.19 has level baseline's check alone.
        None if !cx.settings.asks_for("seccompProfile_restricted") => return Outcome::Satisfied,
        None => {}
    }
    if setting.is_contradicted(Seccomp::RuntimeDefault) {
        return setting.confine(
            cx,
            Level::Review,
            "the annotation asks for another profile, and has to agree",
        );
    }
    if others_asked_for {
        return setting.confine(cx, Level::Review, "a container's annotation asks for another profile");
    }
    if cx.settings.target < ANNOTATION_IGNORED {
        return setting.confine(
            cx,
            Level::Review,
            "nodes before Kubernetes 1.25 may run a Docker that denies too much",
        );
    }
    let program = inheriting.iter().find_map(|container| {
        let mut words = container.image().into_iter().chain(container.command_line().unwrap_or_default());
        let found = words.find_map(|text| cx.settings.catalogue.needs_unconfined_syscalls(&text))?;
        Some((container.name(), found.trim_end_matches('*')))
    });
    match program {
        Some((name, program)) => {
            let reason =
                format!("container `{name}` names `{program}`, which uses calls that the profile denies");
            setting.confine(cx, Level::Review, &reason)
        }
        None => setting.confine(
            cx,
            Level::Safe,
            "programs in containers have no use for the calls that it denies",
        ),
    }
}

/// What there is to say about the pod's annotation itself, and about what is written where it does nothing.
fn check_annotation(cx: &Context<'_, '_>, pod: &Setting<'_>) -> Option<Finding> {
    let target = cx.settings.target;
    let about = |path: &Path, node: Option<Node<'_>>, outcome| {
        let position = node.map_or_else(|| cx.pod.object.position(), |node| node.position());
        Some(Finding::new(&SeccompProfile::META, None, (path.clone(), position), Ok(outcome)))
    };
    if target < FIELD_SINCE {
        let field = pod.context.seccomp_profile().ok().filter(Section::exists)?;
        let reason = format!("`seccompProfile` needs Kubernetes 1.19, the target is {target}");
        return about(field.path(), field.node(), Outcome::left(reason));
    }
    if let Some(annotation) = &pod.annotation {
        let (path, node) = (&annotation.path, Some(annotation.node));
        let final_profile = pod.profile.filter(|profile| *profile != Seccomp::Unconfined);
        let drops = cx.settings.seccomp_profile.drop_legacy_annotations && target >= ANNOTATION_DEAD;
        if pod.is_contradicted(Seccomp::RuntimeDefault) && pod.profile == Some(Seccomp::RuntimeDefault) {
            let reason = "the API server refuses a pod whose annotation and field differ";
            return about(path, node, Outcome::review("make the annotation agree", reason, pod.agree(cx)));
        }
        if drops && !pod.is_contradicted(final_profile.unwrap_or(Seccomp::RuntimeDefault)) {
            let edits = vec![Edit::remove(path.clone(), None)];
            let reason = "it does nothing since Kubernetes 1.27";
            return about(path, node, Outcome::review("remove the annotation", reason, edits));
        }
    }
    let object = &cx.pod.object;
    if object.path == *cx.pod.template.path() {
        return None;
    }
    let elsewhere = object.node.get("metadata")?.get("annotations")?.get(POD_ANNOTATION)?;
    let path = object.path.keys(["metadata", "annotations"]).key(POD_ANNOTATION);
    let outcome = Outcome::stays("the annotation does nothing here; on the pod template it would have");
    about(&path, Some(elsewhere), outcome)
}

/// The profile of a pod or of a container.
struct Setting<'d> {
    context: SecurityContext<'d>,
    /// What holds in the target version.
    profile: Option<Seccomp>,
    /// The annotation that says it the old way.
    annotation: Option<Annotation<'d>>,
    /// Where that annotation stands or would stand.
    annotation_path: Path,
}

impl<'d> Setting<'d> {
    fn of_pod(cx: &Context<'_, 'd>, annotations: &Annotations<'d>) -> Result<Self, Malformed> {
        Self::new(cx, cx.pod.security_context()?.clone(), annotations, POD_ANNOTATION.to_owned())
    }

    fn of_container(
        cx: &Context<'_, 'd>,
        container: &Container<'d>,
        annotations: &Annotations<'d>,
    ) -> Result<Self, Malformed> {
        let key = format!("{CONTAINER_ANNOTATION}{}", container.name());
        Self::new(cx, container.security_context()?.clone(), annotations, key)
    }

    fn new(
        cx: &Context<'_, 'd>,
        context: SecurityContext<'d>,
        annotations: &Annotations<'d>,
        key: String,
    ) -> Result<Self, Malformed> {
        let field = context.seccomp()?;
        let annotation = annotations.by_key.get(&*key).cloned();
        let annotated = annotation.as_ref().and_then(|annotation| annotation.profile);
        let profile = match cx.settings.target {
            target if target < FIELD_SINCE => annotated,
            // The API server copies it into the field, which this would then overwrite.
            target if target < ANNOTATION_IGNORED => {
                field.or(annotated.filter(|profile| *profile != Seccomp::RuntimeDefault))
            }
            _ => field,
        };
        Ok(Self { context, profile, annotation, annotation_path: annotations.path.key(key) })
    }

    fn is_contradicted(&self, profile: Seccomp) -> bool {
        self.annotation.as_ref().is_some_and(|annotation| annotation.profile != Some(profile))
    }

    /// Writes the runtime's own profile.
    fn confine(&self, cx: &Context<'_, '_>, level: Level, reason: &str) -> Outcome {
        if cx.settings.target < FIELD_SINCE {
            let edits = vec![Edit::set(self.annotation_path.clone(), "runtime/default")];
            return Outcome::fix(level, "set the annotation for `runtime/default`", reason, edits);
        }
        let profile = fragments::SeccompProfile { type_: "RuntimeDefault".to_owned(), ..Default::default() };
        let fragment = fragments::SecurityContext { seccomp_profile: Some(profile), ..Default::default() };
        let mut edits = fragment::merge(self.context.path(), &fragment);
        if let Ok(written) = self.context.seccomp_profile()
            && written.get("localhostProfile").is_some()
        {
            edits.push(Edit::remove(written.path().key("localhostProfile"), None));
        }
        if self.is_contradicted(Seccomp::RuntimeDefault) {
            edits.extend(self.agree(cx));
        }
        Outcome::fix(level, "set `seccompProfile: {type: RuntimeDefault}`", reason, edits)
    }

    /// Makes the annotation agree with `RuntimeDefault`.
    fn agree(&self, cx: &Context<'_, '_>) -> Vec<Edit> {
        let drops = cx.settings.seccomp_profile.drop_legacy_annotations;
        let path = self.annotation_path.clone();
        let drops = drops && cx.settings.target >= ANNOTATION_DEAD;
        vec![if drops { Edit::remove(path, None) } else { Edit::set(path, "runtime/default") }]
    }
}

/// A seccomp annotation.
#[derive(Clone)]
struct Annotation<'d> {
    path: Path,
    node: Node<'d>,
    /// What it asks for, if that is anything known.
    profile: Option<Seccomp>,
}

/// The seccomp annotations of a pod.
struct Annotations<'d> {
    /// Where the pod's annotations stand or would stand.
    path: Path,
    by_key: HashMap<Cow<'d, str>, Annotation<'d>>,
}

impl<'d> Annotations<'d> {
    fn of(cx: &Context<'_, 'd>) -> Result<Self, Malformed> {
        let annotations = cx.pod.annotations()?;
        let mut by_key = HashMap::new();
        for (key, node) in annotations.node().into_iter().flat_map(|map| map.entries()) {
            let key = key.text();
            if key != POD_ANNOTATION && !key.starts_with(CONTAINER_ANNOTATION) || node.is_null() {
                continue;
            }
            let profile = match &*node.text() {
                "runtime/default" | "docker/default" => Some(Seccomp::RuntimeDefault),
                "unconfined" => Some(Seccomp::Unconfined),
                text if text.starts_with("localhost/") => Some(Seccomp::Localhost),
                _ => None,
            };
            let path = annotations.path().key(key.clone().into_owned());
            by_key.insert(key, Annotation { path, node, profile });
        }
        Ok(Self { path: annotations.path().clone(), by_key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::test::{
        check_left, check_left_with, check_levels, check_pod, check_silent, check_with, dedent, findings,
    };
    use crate::test::{fix, fixes, only, pod};

    const ID: &str = "seccomp-profile";

    fn target(version: &str) -> Settings {
        Settings { target: version.parse().unwrap(), ..only(ID) }
    }

    /// A deployment with an annotation and a pod's `securityContext`.
    fn deployment(annotations: &str, context: &str) -> String {
        let annotations = if annotations.is_empty() {
            String::new()
        } else {
            format!("    metadata:\n      annotations:\n        {annotations}\n")
        };
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n{annotations}    spec:\n      containers:\n      \
             - name: a\n        image: r.io/a\n{context}"
        )
    }

    const RUNTIME: &str = "      securityContext:\n        seccompProfile:\n          type: RuntimeDefault\n";

    fn annotated(value: &str) -> String {
        format!("{POD_ANNOTATION}: {value}")
    }

    #[test]
    fn own_profiles_of_all_containers_are_enough() {
        check_silent(
            ID,
            "
            initContainers: [{image: r.io/i, securityContext: {seccompProfile: {type: Localhost, localhostProfile: p}}}]
            containers: [{image: r.io/a, securityContext: {seccompProfile: {type: RuntimeDefault}}}]
            ",
        );
        check_silent(
            ID,
            "securityContext: {seccompProfile: {type: Localhost, localhostProfile: p}}\ncontainers: [{image: r.io/a}]",
        );
    }

    #[test]
    fn unconfined_is_changed_where_it_stands() {
        check_pod(
            ID,
            "
            securityContext:
              seccompProfile: {type: Unconfined}
            containers:
            - name: a
              image: r.io/a
            - name: b
              image: r.io/b
              securityContext:
                seccompProfile:
                  type: Unconfined # debugging
            ",
            "
            securityContext:
              seccompProfile: {type: RuntimeDefault}
            containers:
            - name: a
              image: r.io/a
            - name: b
              image: r.io/b
              securityContext:
                seccompProfile:
                  type: RuntimeDefault # debugging
            ",
        );
        let unused = "securityContext: {seccompProfile: {type: Unconfined}}\n\
            containers: [{image: r.io/a, securityContext: {seccompProfile: {type: RuntimeDefault}}}]";
        check_levels(ID, unused, &[Level::Review]);
    }

    #[test]
    fn the_pods_finding_stands_for_those_without_a_profile() {
        let text = pod("
            containers:
            - {name: a, image: r.io/a}
            - {name: b, image: r.io/b, securityContext: {seccompProfile: {type: RuntimeDefault}}}
            - {name: c, image: r.io/c}
            ");
        let found = findings(&only(ID), &text);
        let inherited = found.iter().find(|judged| judged.finding.container.is_none()).unwrap();
        let names: Vec<&str> = inherited.finding.containers().map(|it| &*it.name).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(inherited.finding.path.to_string(), "spec.securityContext.seccompProfile");
    }

    #[test]
    fn programs_that_need_more_calls_are_for_review() {
        for container in [
            "image: browserless/chrome",
            "image: moby/buildkit:rootless",
            "image: r.io/a, command: [sh, -c, strace app]",
            "image: r.io/a, args: [--executable=/usr/bin/chromium-browser]",
        ] {
            check_levels(ID, &format!("containers: [{{name: a, {container}}}]"), &[Level::Review]);
        }
        check_levels(ID, "containers: [{name: a, image: r.io/a}]", &[Level::Safe]);
        assert_eq!(findings(&target("1.24"), &pod("containers: [{image: r.io/a}]")).len(), 1);
    }

    #[test]
    fn an_agreeing_annotation_is_kept() {
        for value in ["runtime/default", "docker/default"] {
            check_with(
                &only(ID),
                &deployment(&annotated(value), ""),
                &deployment(&annotated(value), RUNTIME),
            );
        }
    }

    #[test]
    fn a_contradicting_annotation_changes_with_the_field() {
        for value in ["unconfined", "localhost/p.json", "nonsense"] {
            let before = deployment(&annotated(value), "");
            check_with(&only(ID), &before, &deployment(&annotated("runtime/default"), RUNTIME));
            let before = deployment(&annotated(value), RUNTIME);
            check_with(&only(ID), &before, &deployment(&annotated("runtime/default"), RUNTIME));
        }
        let own = format!("{CONTAINER_ANNOTATION}a: unconfined");
        let context =
            |profile: &str| format!("        securityContext: {{seccompProfile: {{type: {profile}}}}}\n");
        check_with(
            &only(ID),
            &deployment(&own, &context("Unconfined")),
            &deployment(&own.replace("unconfined", "runtime/default"), &context("RuntimeDefault")),
        );
    }

    #[test]
    fn an_annotation_that_the_api_server_reads_counts() {
        let local = deployment(&annotated("localhost/p.json"), "");
        check_with(&target("1.24"), &local, &local);
        check_with(
            &target("1.24"),
            &deployment(&annotated("unconfined"), ""),
            &deployment(&annotated("runtime/default"), RUNTIME),
        );
        let own = deployment(&format!("{CONTAINER_ANNOTATION}a: localhost/p.json"), "");
        check_with(&target("1.24"), &own, &own);
    }

    #[test]
    fn old_clusters_know_the_annotation_alone() {
        check_with(
            &target("1.18"),
            &deployment("a: b", ""),
            &deployment(&format!("a: b\n        {}", annotated("runtime/default")), ""),
        );
        let satisfied = deployment(&annotated("localhost/p.json"), "");
        check_with(&target("1.18"), &satisfied, &satisfied);
        check_left_with(
            &target("1.18"),
            &deployment(&annotated("runtime/default"), RUNTIME),
            "`seccompProfile` needs Kubernetes 1.19, the target is 1.18",
        );
    }

    #[test]
    fn dead_annotations_go_on_request() {
        let mut settings = only(ID);
        settings.seccomp_profile.drop_legacy_annotations = true;
        let both = format!("{}\n        a: b", annotated("runtime/default"));
        check_with(&settings, &deployment(&both, ""), &deployment("a: b", RUNTIME));
        check_with(
            &settings,
            &deployment(&both.replace("runtime/default", "unconfined"), ""),
            &deployment("a: b", RUNTIME),
        );
        settings.target = "1.26".parse().unwrap();
        assert!(fix(&settings, &deployment(&both, "")).contains("runtime/default"));
    }

    #[test]
    fn an_annotation_of_the_workload_does_nothing() {
        let text = deployment("", RUNTIME).replace(
            "spec:\n  template",
            &format!("metadata:\n  annotations:\n    {}\nspec:\n  template", annotated("unconfined")),
        );
        check_left_with(&only(ID), &text, "the annotation does nothing here");
    }

    #[test]
    fn a_container_that_asked_for_another_profile_makes_it_review() {
        let text = |profile: &str| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    {CONTAINER_ANNOTATION}a: {profile}\n\
                 spec:\n  containers: [{{name: a, image: registry.example.com/a}}]\n"
            )
        };
        assert_eq!(fixes(&only(ID), &text("unconfined"))[0].0, Level::Review);
        assert_eq!(fixes(&only(ID), &text("runtime/default"))[0].0, Level::Safe);
    }

    #[test]
    fn the_baseline_forbids_unconfined_alone() {
        let settings = Settings { profile: Profile::Baseline, ..only(ID) };
        let absent = pod("containers: [{image: r.io/a}]");
        check_with(&settings, &absent, &absent);
        let unconfined =
            pod("containers: [{image: r.io/a, securityContext: {seccompProfile: {type: Unconfined}}}]");
        check_with(&settings, &unconfined, &unconfined.replace("Unconfined", "RuntimeDefault"));
    }

    #[test]
    fn malformed_profiles_are_left() {
        let own = |profile: &str| {
            format!("containers: [{{image: r.io/a, securityContext: {{seccompProfile: {profile}}}}}]")
        };
        check_left(ID, &own("RuntimeDefault"), "`seccompProfile` in line 6 is text, not a map");
        check_left(
            ID,
            &own("{type: runtimeDefault}"),
            "is none of `RuntimeDefault`, `Localhost` and `Unconfined`",
        );
        check_left(ID, &own("{localhostProfile: p}"), "stands without a `type`");
        check_left(
            ID,
            "securityContext: []\ncontainers: [{image: r.io/a}]",
            "`securityContext` in line 6 is a list",
        );
        let text = pod("containers: [{image: r.io/a}]").replace("name: example", "annotations: text");
        check_left_with(&only(ID), &dedent(&text), "`annotations` in line 4 is text, not a map");
    }
}
