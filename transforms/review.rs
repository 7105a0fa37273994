//! What becomes of a pod once all its fixes are planned: no fix stays with which the API server would refuse
//! what it took before, and the level of Pod Security before and after is known.

use rewriter::Preview;

use crate::api_rules::{Violation, violations};
use crate::model::{Pod, PodView};
use crate::plan::{DocumentPlan, Judged, PodPlan, State};
use crate::pod_security::{self, Verdict};
use crate::settings::Version;
use crate::support::Left;

/// What the Pod Security Standards say about a pod.
#[derive(Clone, Debug)]
pub struct PodSecurity {
    /// As it is written.
    pub before: Verdict,
    /// With the fixes that are made; none where there are none.
    fixed: Option<Verdict>,
}

impl PodSecurity {
    /// Nothing is known of a pod that an operator completes with what is not written.
    pub(crate) fn of(pod: &Pod<'_>, version: Version) -> Option<Self> {
        let written = as_written(pod).filter(|_| !pod.is_completed())?;
        Some(Self { before: pod_security::evaluate(&written, version), fixed: None })
    }

    /// With the fixes that are made.
    pub fn after(&self) -> &Verdict {
        self.fixed.as_ref().unwrap_or(&self.before)
    }
}

/// How often single fixes are taken back. Beyond it the whole pod stays as it is: so many contradictions are no
/// accident, and to sort them out would take time without end.
const ROUNDS: usize = 16;

/// Leaves the fixes with which the API server would refuse a pod that it took before, and judges what is left.
/// `place` leaves those that the text has no room for once others are gone.
pub(crate) fn review(
    pods: &[Pod<'_>],
    plan: &mut DocumentPlan,
    version: Version,
    place: impl Fn(&mut DocumentPlan),
) {
    for round in 0.. {
        let mut any = false;
        for (pod, plan) in pods.iter().zip(&mut plan.pods) {
            any |= !settle(pod, plan, version, round >= ROUNDS);
        }
        if !any {
            return;
        }
        place(plan);
    }
}

/// Judges the pod with its fixes, or leaves the one that the API server would refuse it for (`all` of them).
fn settle(pod: &Pod<'_>, plan: &mut PodPlan, version: Version, all: bool) -> bool {
    if let Some(pod_security) = &mut plan.pod_security {
        pod_security.fixed = None;
    }
    let fixes = plan.findings.iter().filter(|judged| judged.fix().is_some()).count();
    if fixes == 0 {
        return true;
    }
    let judged = with_fixes(pod, plan, fixes, |pod| {
        let after = violations(pod, version);
        (pod_security::evaluate(pod, version), after)
    });
    // Edits that contradict each other were told apart when they were placed.
    let Some((verdict, after)) = judged else { return true };
    let before = if after.is_empty() { Vec::new() } else { violations_before(pod, version) };
    let Some(violation) = first_added(&before, after) else {
        if let Some(pod_security) = &mut plan.pod_security {
            pod_security.fixed = Some(verdict);
        }
        return true;
    };
    let shows = |fixes: usize| {
        let found = with_fixes(pod, plan, fixes, |pod| violations(pod, version)).unwrap_or_default();
        found.iter().any(|found| found.is_same(&violation))
    };
    // The last fix of the shortest run of fixes with which it shows.
    let (mut without, mut with) = (0, fixes);
    while with - without > 1 {
        let middle = without.midpoint(with);
        *(if shows(middle) { &mut with } else { &mut without }) = middle;
    }
    let made = plan.findings.iter_mut().filter(|judged| judged.fix().is_some());
    for judged in made.skip(if all { 0 } else { with - 1 }).take(if all { fixes } else { 1 }) {
        let reason = format!("the API server would refuse it: {}: {}", violation.path, violation.message);
        judged.state = State::Left(Left { reason, needs_person: true });
    }
    false
}

fn violations_before(pod: &Pod<'_>, version: Version) -> Vec<Violation> {
    as_written(pod).map(|pod| violations(&pod, version)).unwrap_or_default()
}

fn first_added(before: &[Violation], after: Vec<Violation>) -> Option<Violation> {
    after.into_iter().find(|violation| !before.iter().any(|known| known.is_same(violation)))
}

/// What `look` sees of the pod with the first `count` of its fixes made.
fn with_fixes<T>(
    pod: &Pod<'_>,
    plan: &PodPlan,
    count: usize,
    look: impl FnOnce(&PodView<'_>) -> T,
) -> Option<T> {
    let fixes = plan.findings.iter().filter_map(Judged::fix).take(count);
    let edits = fixes.flat_map(|fix| &fix.edits);
    let preview = Preview::new(edits).ok()?;
    PodView::of(pod, |node, path| preview.view(node, path)).map(|pod| look(&pod))
}

fn as_written<'v>(pod: &'v Pod<'_>) -> Option<PodView<'v>> {
    PodView::of(pod, |node, _| Some(node.into()))
}

#[cfg(test)]
mod tests {
    use rewriter::{Edit, Stream};

    use super::*;
    use crate::evidence::Evidence;
    use crate::model::Workloads;
    use crate::plan::plan;
    use crate::pod_security::Level;
    use crate::run_as_user::RunAsUser;
    use crate::settings::{Profile, Settings};
    use crate::support::{Finding, Outcome};
    use crate::test::{dedent, only, plans};

    const VERSION: Version = Version { minor: 28 };

    /// What becomes of fixes with these edits, and the level before and after.
    fn review_with(text: &str, fixes: &[&[(&str, bool)]]) -> (Vec<State>, Level, Level) {
        let text = dedent(text);
        let stream = Stream::scan(&text).unwrap();
        let document = stream.document(0).unwrap();
        let Workloads { pods, .. } = Workloads::of(document);
        let mut plan = plan(document, &only("mount-propagation"), &Evidence::default());
        let [pod] = pods.as_slice() else { panic!("one pod") };
        plan.pods[0].findings = fixes
            .iter()
            .map(|settings| {
                let context = pod.containers[0].section.path().key("securityContext");
                let edits = settings
                    .iter()
                    .map(|(key, value)| match *key {
                        "hostPID" => Edit::set(pod.spec.path().key("hostPID"), *value),
                        key => Edit::set(context.key(key.to_owned()), *value),
                    })
                    .collect();
                let outcome = Outcome::safe("", "", edits);
                let finding = Finding::of_container(&RunAsUser::META, &pod.containers[0], &[], Ok(outcome));
                Judged { finding, state: State::Fixed }
            })
            .collect();
        review(&pods, &mut plan, VERSION, |_| {});
        let plan = plan.pods.remove(0);
        let states = plan.findings.into_iter().map(|judged| judged.state).collect();
        let pod_security = plan.pod_security.unwrap();
        (states, pod_security.before.level, pod_security.after().level)
    }

    const POD: &str = "
        apiVersion: v1
        kind: Pod
        spec:
          securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
          containers:
          - image: a
            securityContext: {capabilities: {drop: [ALL]}}
        ";

    fn is_left(state: &State, words: &str) -> bool {
        matches!(state, State::Left(left) if left.needs_person && left.reason.contains(words))
    }

    #[test]
    fn the_level_is_known_before_and_after() {
        let (states, before, after) = review_with(POD, &[&[("allowPrivilegeEscalation", false)]]);
        assert_eq!((states, before, after), (vec![State::Fixed], Level::Baseline, Level::Restricted));
        let (_, before, after) = review_with(POD, &[]);
        assert_eq!((before, after), (Level::Baseline, Level::Baseline));
    }

    #[test]
    fn the_fix_that_makes_a_pod_unacceptable_is_left() {
        let (states, _, after) = review_with(
            POD,
            &[
                &[("readOnlyRootFilesystem", true)],
                &[("allowPrivilegeEscalation", false)],
                &[("privileged", true)],
                &[("runAsNonRoot", true)],
            ],
        );
        assert!(is_left(
            &states[2],
            "the API server would refuse it: spec.containers[0].securityContext.allowP"
        ));
        states.iter().enumerate().for_each(|(number, state)| assert_eq!(*state == State::Fixed, number != 2));
        assert_eq!(after, Level::Restricted);
    }

    #[test]
    fn what_was_unacceptable_before_is_no_reason() {
        let bad =
            POD.replace("{capabilities", "{privileged: true, allowPrivilegeEscalation: false, capabilities");
        let (states, before, after) = review_with(&bad, &[&[("readOnlyRootFilesystem", true)]]);
        assert_eq!((states, before, after), (vec![State::Fixed], Level::Privileged, Level::Privileged));
    }

    #[test]
    fn several_contradictions_are_taken_back_one_by_one() {
        let text = POD.replace("spec:\n", "spec:\n          shareProcessNamespace: true\n");
        let (states, ..) = review_with(
            &text,
            &[
                &[("hostPID", true)],
                &[("privileged", true)],
                &[("allowPrivilegeEscalation", false)],
                &[("runAsNonRoot", true)],
            ],
        );
        assert!(is_left(&states[0], "hostPID"), "{states:?}");
        assert_eq!(states[1], State::Fixed);
        assert!(is_left(&states[2], "privileged"), "{states:?}");
        assert_eq!(states[3], State::Fixed);
    }

    #[test]
    fn a_pod_with_contradictions_without_end_stays_as_it_is() {
        let fixes: Vec<&[(&str, bool)]> =
            std::iter::repeat_n(&[("privileged", true), ("allowPrivilegeEscalation", false)][..], 40)
                .collect();
        let (states, before, after) = review_with(POD, &fixes);
        assert!(states.iter().all(|state| is_left(state, "API server")), "{states:?}");
        assert_eq!(before, after);
    }

    #[test]
    fn the_plans_own_fixes_are_judged() {
        let plans = plans(&Settings::default(), &dedent(&POD.replace("{capabilities: {drop: [ALL]}}", "{}")));
        let pod_security = plans[0].pods[0].pod_security.as_ref().unwrap();
        let ids = |verdict: &Verdict| -> Vec<&str> {
            verdict.in_the_way_of(Level::Restricted).map(|failure| failure.check.id).collect()
        };
        assert!(ids(&pod_security.before).contains(&"capabilities_restricted"));
        assert!(!ids(pod_security.after()).contains(&"capabilities_restricted"));
        assert_eq!(pod_security.before.version, Settings::default().target);
    }

    fn failures(text: &str) -> Vec<(String, bool)> {
        let settings = Settings { profile: Profile::Restricted, ..Settings::default() };
        let plans = plans(&settings, &dedent(text));
        let pod_security = plans[0].pods[0].pod_security.as_ref().unwrap();
        let after: Vec<_> =
            pod_security.after().failures.iter().map(|failure| failure.path.to_string()).collect();
        let before = pod_security.before.failures.iter().map(|failure| failure.path.to_string());
        before.map(|path| (path.clone(), after.contains(&path))).collect()
    }

    /// Each place that fails stands where the kind has it, and what is fixed there does not fail any more.
    #[test]
    fn kinds_with_fields_of_their_own_are_judged_by_these() {
        let containers = failures(
            "
            apiVersion: tekton.dev/v1
            kind: Task
            spec:
              stepTemplate: {securityContext: {allowPrivilegeEscalation: false}}
              steps:
              - {name: a, image: registry.example.com/team/app:1}
            ",
        );
        let context = "spec.steps[0].securityContext";
        for key in ["capabilities.drop", "runAsNonRoot", "seccompProfile.type"] {
            assert!(containers.iter().any(|(path, _)| *path == format!("{context}.{key}")), "{containers:?}");
        }
        assert!(!containers.iter().any(|(path, _)| path.ends_with("Escalation")), "{containers:?}");
        assert!(containers.contains(&(format!("{context}.capabilities.drop"), false)));

        let around = failures(
            "
            apiVersion: argoproj.io/v1alpha1
            kind: Workflow
            spec:
              hostNetwork: true
              securityContext: {runAsNonRoot: true}
              templates:
              - container: {image: registry.example.com/team/app:1}
            ",
        );
        assert!(around.iter().any(|(path, _)| path == "spec.hostNetwork"), "{around:?}");
        let context = "spec.templates[0].container.securityContext";
        assert!(around.contains(&(format!("{context}.allowPrivilegeEscalation"), false)), "{around:?}");
        assert!(around.contains(&(format!("{context}.seccompProfile.type"), false)), "{around:?}");
        assert!(!around.iter().any(|(path, _)| path.ends_with("runAsNonRoot")), "{around:?}");

        let renamed = failures(
            "
            apiVersion: sparkoperator.k8s.io/v1beta2
            kind: SparkApplication
            spec:
              driver:
                image: registry.example.com/team/app:1
                podSecurityContext: {runAsUser: 0}
            ",
        );
        assert!(renamed.iter().any(|(path, _)| path == "spec.driver.podSecurityContext.runAsUser"));
    }

    #[test]
    fn a_spec_without_a_template_is_judged_like_a_pod() {
        let text = POD.replace("v1\n", "kubeflow.org/v1alpha1\n").replace("kind: Pod", "kind: PVCViewer");
        let text = text
            .replace("spec:\n", "spec:\n         podSpec:\n")
            .replace("Version: v1", "Version: kubeflow.org/v1alpha1");
        let found = failures(&text);
        let path = "spec.podSpec.containers[0].securityContext.allowPrivilegeEscalation";
        assert!(found.iter().any(|(found, _)| found == path), "{found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn nothing_is_known_of_what_an_operator_completes() {
        let text = "
            apiVersion: monitoring.coreos.com/v1
            kind: Prometheus
            spec: {replicas: 1}
            ";
        let plans = plans(&Settings::default(), &dedent(text));
        assert!(plans[0].pods[0].pod_security.is_none());
        assert!(plans[0].pods[0].findings.iter().any(|judged| judged.fix().is_some()));
    }

    /// The rules of the API server hold in kinds with fields of their own too.
    #[test]
    fn the_fix_that_makes_a_step_unacceptable_is_left() {
        let text = POD
            .replace("v1\n", "tekton.dev/v1\n")
            .replace("kind: Pod", "kind: Task")
            .replace("containers:", "steps:");
        let (states, ..) = review_with(
            &text,
            &[
                &[("readOnlyRootFilesystem", true)],
                &[("allowPrivilegeEscalation", false)],
                &[("privileged", true)],
            ],
        );
        assert_eq!(states[..2], [State::Fixed, State::Fixed]);
        assert!(is_left(&states[2], "spec.steps[0].securityContext.allowP"), "{states:?}");
    }
}
