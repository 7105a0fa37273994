//! `docs/pss.md`: each check of the Pod Security Standards, what answers it, and how far real workloads get.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cce_fix::engine::{self, Purpose};
use cce_fix::gather::Gathered;
use cce_fix::input::kustomize::Patches;
use cce_fix::input::{self, Input, kind};
use transforms::pod_security::{CHECKS, Check, Level, NEWEST};
use transforms::{Meta, PodPlan, Profile, Settings, State};

use super::{fresh, link, metas, row};
use crate::common::{corpus, not_tried, repository};
use crate::pod_security_fixtures::{self, Count, Known};

/// Folders of the corpus that hold no workloads that somebody runs: fixtures of the standards, of a parser and of
/// other checkers and fixers.
const NOT_RUN: [&str; 6] = [
    "Shopify__kubeaudit",
    "datreeio__datree",
    "kubernetes__pod-security-admission",
    "yaml__yaml-test-suite",
    "yannh__kubeconform",
    "zegl__kube-score",
];

const PAGE: &str = "docs/pss.md";
const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->\n";

const HEAD: &str = "\
# The Pod Security Standards, check by check

<!-- Generated from docs/pss.yaml, the evaluator, the transforms and measurements; `cargo xtask docs` writes it anew. -->

`--profile baseline` and `--profile restricted` run exactly the transforms that a level asks for; `--target` says by which version of the policy.
`cce-fix pss` tells the level of each workload, now and after fixing.
The evaluator is compared with the official one in the tests, field by field and at every version.

A transform's fixes have a level of their own, safe or review, which follows from what the manifest proves; its page has the rules.
Whatever the check, nothing is changed in pods that look like node agents, in namespaces of the cluster itself, and in containers without an image.

";

fn asks(check: &Check) -> String {
    let since = if check.since.minor == 0 { String::new() } else { format!(", since {}", check.since) };
    let place = check.overrides.map(|other| format!(", in the place of `{other}`")).unwrap_or_default();
    format!("{}{since}{place}", check.level)
}

fn answering(check: &Check) -> impl Iterator<Item = &'static Meta> {
    metas().filter(|meta| meta.pod_security.contains(&check.id))
}

fn table(known: &[Known]) -> String {
    let mut text = "| check | asked for by level | transforms | what stays a person's work |\n| --- | --- | --- | --- |\n".to_owned();
    for check in CHECKS {
        let links: Vec<String> = answering(check).map(link).collect();
        let left = known.iter().find(|known| known.check == check.id).and_then(|known| known.left.as_deref());
        text.push_str(&row(&[
            &format!("`{}`", check.id),
            &asks(check),
            &links.join(", "),
            left.unwrap_or(""),
        ]));
    }
    text
}

/// Pods that a check keeps from a level.
#[derive(Default)]
struct Away {
    pods: usize,
    reasons: BTreeMap<String, usize>,
}

/// How many pods reach which level, before and after.
#[derive(Default)]
struct Reach {
    before: BTreeMap<Level, usize>,
    after: BTreeMap<Level, usize>,
    /// Pods by check that keeps them from restricted, and by reason.
    away: BTreeMap<&'static str, Away>,
    /// Pods by reason.
    reasons: BTreeMap<String, usize>,
}

impl Reach {
    fn pods(&self) -> usize {
        self.before.values().sum()
    }

    fn add(&mut self, pod: &PodPlan) {
        // A kind that turns into pods in ways of its own is not judged.
        let Some(security) = &pod.pod_security else { return };
        let after = security.after();
        *self.before.entry(security.before.level).or_default() += 1;
        *self.after.entry(after.level).or_default() += 1;
        let checks: BTreeSet<&'static str> =
            after.in_the_way_of(Level::Restricted).map(|failure| failure.check.id).collect();
        let mut all = BTreeSet::new();
        for check in checks {
            let left =
                pod.findings.iter().filter(|judged| judged.finding.transform.pod_security.contains(&check));
            let reasons: BTreeSet<String> = left
                .filter_map(|judged| match &judged.state {
                    State::Left(left) => Some(grouped(&left.reason)),
                    _ => None,
                })
                .collect();
            let away = self.away.entry(check).or_default();
            away.pods += 1;
            let reasons = if reasons.is_empty() { BTreeSet::from([NO_REASON.to_owned()]) } else { reasons };
            for reason in reasons {
                *away.reasons.entry(reason.clone()).or_default() += 1;
                all.insert(reason);
            }
        }
        for reason in all {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }
}

const NO_REASON: &str = "(nothing is said about it)";

/// Fields that reasons name; other quoted words are names of a manifest.
const FIELDS: [&str; 3] = ["image", "runAsUser", "privileged"];

/// A reason without the names in it and without what follows from them.
fn grouped(reason: &str) -> String {
    let mut text = String::new();
    for (number, part) in reason.split('`').enumerate() {
        match number % 2 == 1 {
            true if FIELDS.contains(&part) => write!(text, "`{part}`").unwrap(),
            true => text.push('…'),
            false => text.push_str(part),
        }
    }
    while let Some((before, rest)) = text.split_once(" (") {
        text = format!("{before}{}", rest.split_once(')').map_or("", |(_, after)| after));
    }
    let end = ["; ", ": "].iter().filter_map(|stop| text.find(stop)).min().unwrap_or(text.len());
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let words = text[..end].split(' ').map(|word| if is_number(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ").replace("init container", "container")
}

fn measure(corpus: &Path, profile: Profile) -> Reach {
    let settings = Settings { profile, target: NEWEST, ..Settings::default() };
    let mut reach = Reach::default();
    for entry in fs::read_dir(corpus).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if !folder.is_dir() || NOT_RUN.contains(&name.as_str()) {
            continue;
        }
        let (inputs, _) = input::collect(&[folder.into_os_string()], true, 1);
        let patches = Patches::of(&inputs);
        let all: Vec<&Input> = inputs.iter().collect();
        let gathered = Gathered::of(&all, &patches, || false);
        for input in &inputs {
            if kind::is_kustomization_name(&input.path) || patches.contains(input) {
                continue;
            }
            let bytes = input::read(&input.path).unwrap();
            let evidence = Some(&gathered.evidence);
            let examined =
                engine::examine_with(&bytes, &input.path, &settings, evidence, None, Purpose::Answer);
            examined.plans.iter().flat_map(|(_, plan)| &plan.pods).for_each(|pod| reach.add(pod));
        }
    }
    reach
}

fn share(count: usize, of: usize) -> String {
    format!(
        "{count} ({:.1} %)",
        100.0 * f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(of).unwrap())
    )
}

fn official(counts: &BTreeMap<&'static str, Count>) -> String {
    let mut text = "\
## The official failing pods

The repository of the standards has pods that its evaluator must refuse, for each check, level and version.
Fixed with the profile of their level for their version, and judged again:

| check | fixed | left for a person |
| --- | ---: | ---: |
"
    .to_owned();
    let (mut fixed, mut left) = (0, 0);
    for check in CHECKS {
        let count = counts.get(check.id).copied().unwrap_or_default();
        (fixed, left) = (fixed + count.fixed, left + count.left);
        text.push_str(&row(&[&format!("`{}`", check.id), &count.fixed.to_string(), &count.left.to_string()]));
    }
    text.push_str(&row(&["all", &fixed.to_string(), &left.to_string()]));
    text.push_str("\nEach pod that its evaluator must admit stays as it is, byte by byte.\n");
    text
}

fn real(corpus: &Path) -> String {
    let mut text = format!(
        "\n## Real workloads\n\nThe workloads of the manifests by others that the tests read, without fixtures of other tools, \
         judged by the policy of {NEWEST}:\n\n"
    );
    let cce = measure(corpus, Profile::Cce);
    let restricted = measure(corpus, Profile::Restricted);
    text.push_str("| | privileged | baseline | restricted |\n| --- | ---: | ---: | ---: |\n");
    let mut line = |name: &str, levels: &BTreeMap<Level, usize>| {
        let count = |level| share(levels.get(&level).copied().unwrap_or(0), cce.pods());
        let cells = [Level::Privileged, Level::Baseline, Level::Restricted].map(count);
        text.push_str(&row(&[name, &cells[0], &cells[1], &cells[2]]));
    };
    line(&format!("{} workloads as they are", cce.pods()), &cce.before);
    line("after `--profile cce`", &cce.after);
    line("after `--profile restricted`", &restricted.after);
    assert_eq!(cce.pods(), restricted.pods());
    let kept = restricted.pods() - restricted.after.get(&Level::Restricted).copied().unwrap_or(0);
    write!(
        text,
        "\nWhat keeps {kept} workloads from restricted with `--profile restricted`, by the reason that is reported; \
         a workload can have several:\n\n| reason | workloads |\n| --- | ---: |\n"
    )
    .unwrap();
    for (reason, count) in sorted(&restricted.reasons) {
        text.push_str(&row(&[reason, &count.to_string()]));
    }
    text.push_str("\nThe same by check:\n\n| check | workloads | reasons |\n| --- | ---: | --- |\n");
    for check in CHECKS {
        let Some(Away { pods, reasons }) = restricted.away.get(check.id) else { continue };
        let listed: Vec<String> =
            sorted(reasons).iter().map(|(reason, count)| format!("{reason} ({count})")).collect();
        text.push_str(&row(&[&format!("`{}`", check.id), &pods.to_string(), &listed.join("; ")]));
    }
    text
}

/// The most frequent first.
fn sorted(reasons: &BTreeMap<String, usize>) -> Vec<(&String, usize)> {
    let mut sorted: Vec<(&String, usize)> = reasons.iter().map(|(reason, count)| (reason, *count)).collect();
    sorted.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
    sorted
}

/// What is measured on the corpus; without it, what the page says.
fn measured() -> String {
    if let (Some(corpus), Some(counts)) = (corpus(), pod_security_fixtures::counts()) {
        return official(&counts) + &real(&corpus);
    }
    not_tried("the measurements of docs/pss.md, for which the corpus is not beside the repository");
    let page = fs::read_to_string(repository().join(PAGE)).unwrap();
    let (_, rest) = page.split_once(BEGIN).unwrap();
    rest.split_once(END).unwrap().0.to_owned()
}

#[test]
fn the_page_about_pod_security_is_fresh() {
    let measured = measured();
    println!("{measured}");
    let table = table(&pod_security_fixtures::known());
    fresh(PAGE, &format!("{HEAD}{table}\n{BEGIN}{measured}{END}"));
}

#[test]
fn every_check_has_a_transform_and_a_row() {
    let known = pod_security_fixtures::known();
    let listed: Vec<&str> = known.iter().map(|known| known.check.as_str()).collect();
    let checks: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(listed, checks);
    for check in CHECKS {
        assert!(answering(check).next().is_some(), "no transform answers {}", check.id);
    }
    for meta in metas() {
        for id in meta.pod_security {
            assert!(checks.contains(id), "{}: {id} is no check", meta.id);
        }
    }
}

#[test]
fn reasons_are_grouped_by_what_they_share() {
    for (reason, expected) in [
        ("`kube-system` is a namespace of the cluster itself", "… is a namespace of the cluster itself"),
        ("it looks like a node agent: kind DaemonSet", "it looks like a node agent"),
        ("set `runAsUser` first; or else", "set `runAsUser` first"),
        ("volume `a` (mounted by init container `b` at `/c`) is of type `nfs`", "volume … is of type …"),
        ("`/a` in line 12 stays", "… in line … stays"),
    ] {
        assert_eq!(grouped(reason), expected);
    }
}
