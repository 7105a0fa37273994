//! A real kube-apiserver judges what is written: it takes every object that it took before.
//!
//! `tests/apiserver` starts one with its etcd on the loopback address and asks it with a dry run, strict about
//! fields.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout};

use cce_fix::engine::{self, Examined, Purpose};
use serde::Deserialize;
use serde_json::{Value, json};
use transforms::pod_security::Level;
use transforms::settings::Version;
use transforms::{PodPlan, Profile, Settings};

use crate::common::{corpus, examine, files, repository};
use crate::conformance::{Tweak, tweaks, violations};
use crate::generate::Random;
use crate::judges::API_SERVER;

/// What the server says about one object.
#[derive(Debug, Deserialize)]
struct Verdict {
    document: usize,
    item: usize,
    kind: String,
    /// None where it was not asked: a kind that it does not serve, text that is no object.
    ok: Option<bool>,
    #[serde(default)]
    message: String,
    /// Whether the pod is below the level restricted.
    forbidden: bool,
}

pub(crate) struct Server {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn start() -> Option<Self> {
        let mut child = API_SERVER.start()?;
        let (questions, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        // The server logs a great deal, and waits for whoever reads it.
        let mut log = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Some(Self { child, questions, answers: BufReader::new(answers) })
    }

    fn ask(&mut self, text: &str) -> Vec<Verdict> {
        self.answer(&json!({"level": "restricted", "version": format!("v1.{}", SERVED.minor), "text": text}))
    }

    /// Writes the file by which kubectl reaches the server.
    pub(crate) fn write_kubeconfig(&mut self, path: &Path) {
        assert!(self.answer(&json!({"kubeconfig": path})).is_empty());
    }

    fn answer(&mut self, question: &Value) -> Vec<Verdict> {
        writeln!(self.questions, "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    pub(crate) fn stop(mut self) {
        drop(self.questions);
        assert!(self.child.wait().unwrap().success());
    }
}

/// The version of the server.
const SERVED: Version = Version { minor: 36 };

#[derive(Debug, Default)]
struct Counts {
    files: usize,
    objects: usize,
    accepted: usize,
    accepted_only_after: usize,
    not_asked: usize,
    workloads_at_restricted: usize,
}

#[test]
fn what_it_took_before_it_takes_after() {
    let (Some(corpus), Some(mut server)) = (corpus(), Server::start()) else { return };
    let mut refused = Vec::new();
    let mut counts = BTreeMap::from([("cce", Counts::default()), ("restricted", Counts::default())]);
    for path in files(&corpus) {
        let bytes = fs::read(&path).unwrap();
        let mut before = None;
        for (name, profile) in [("cce", Profile::Cce), ("restricted", Profile::Restricted)] {
            let settings = Settings { profile, target: SERVED, ..Settings::default() };
            let examined = engine::examine(&bytes, &path, &settings, Purpose::Text);
            let Some(text) = &examined.text else { continue };
            let before =
                before.get_or_insert_with(|| server.ask(rewriter::decode(&bytes).unwrap())).as_slice();
            let after = server.ask(text);
            let counts = counts.get_mut(name).unwrap();
            counts.files += 1;
            assert_eq!(before.len(), after.len(), "{}", path.display());
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(
                    (before.document, before.item),
                    (after.document, after.item),
                    "{}",
                    path.display()
                );
                counts.objects += 1;
                counts.accepted += usize::from(after.ok == Some(true));
                counts.accepted_only_after += usize::from(before.ok == Some(false) && after.ok == Some(true));
                counts.not_asked += usize::from(after.ok.is_none());
                if before.ok != after.ok && after.ok != Some(true) {
                    refused.push(format!("{} ({name}): {after:?}", path.display()));
                }
            }
            counts.workloads_at_restricted +=
                restricted_alike(&examined, &after, &path.display().to_string());
        }
    }
    server.stop();
    println!("{counts:#?}");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    let [cce, restricted] = [&counts["cce"], &counts["restricted"]];
    assert!(cce.accepted > 1_000 && restricted.accepted > 1_000, "{counts:?}");
}

/// The server's own admission finds as many of a file's pods below restricted as are said to be; how many are at it.
fn restricted_alike(examined: &Examined, after: &[Verdict], file: &str) -> usize {
    const SERVED_WITH_PODS: [&str; 9] = [
        "v1/Pod",
        "v1/PodTemplate",
        "v1/ReplicationController",
        "apps/v1/DaemonSet",
        "apps/v1/Deployment",
        "apps/v1/ReplicaSet",
        "apps/v1/StatefulSet",
        "batch/v1/CronJob",
        "batch/v1/Job",
    ];
    // A refusal comes before the warnings, or a reader other than ours left a document out.
    if after.iter().any(|verdict| verdict.ok != Some(true) && SERVED_WITH_PODS.contains(&&*verdict.kind)) {
        return 0;
    }
    let found = after.iter().filter(|verdict| verdict.forbidden).count();
    let pods = || {
        let pods = examined.plans.iter().flat_map(|(_, plan)| &plan.pods);
        pods.filter(|pod| {
            SERVED_WITH_PODS.contains(&&*format!("{}/{}", pod.object.api_version, pod.object.kind))
        })
    };
    let is_below = |pod: &&PodPlan| {
        pod.pod_security.as_ref().is_some_and(|known| known.after().level != Level::Restricted)
    };
    let below = pods().filter(is_below).count();
    if after.iter().all(|verdict| !verdict.message.contains("error")) {
        assert_eq!(below, found, "{file}: pods below restricted after");
    }
    pods().count() - below
}

/// The Job of a campaign is one that a cluster takes, in a namespace that enforces the level restricted.
#[test]
fn the_job_of_a_campaign_is_taken_at_restricted() {
    let Some(mut server) = Server::start() else { return };
    let text = fs::read_to_string(repository().join("examples/campaign/kubernetes/job.yaml")).unwrap();
    let verdicts = server.ask(&text);
    server.stop();
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert_eq!(
        (verdict.ok, verdict.forbidden, &*verdict.kind),
        (Some(true), false, "batch/v1/Job"),
        "{verdict:?}"
    );
    assert_eq!(examine(&Settings { profile: Profile::Restricted, ..Settings::default() }, &text).text, None);
}

/// Values beside those that Pod Security looks at, which the API server lets stand only in some company.
fn company() -> Vec<Tweak> {
    let context = "/spec/containers/0/securityContext";
    let one = |pointer: &str, value: Value| Tweak { pointer: pointer.to_owned(), value };
    let mount =
        |propagation: &str| json!([{"name": "data", "mountPath": "/data", "mountPropagation": propagation}]);
    vec![
        one(&format!("{context}/privileged"), json!(true)),
        one(&format!("{context}/capabilities/add"), json!(["SYS_ADMIN"])),
        one("/spec/containers/0/volumeMounts", mount("Bidirectional")),
        one("/spec/containers/0/volumeMounts", mount("HostToContainer")),
        one("/spec/containers/0/volumeMounts", json!([{"name": "data", "mountPath": "/tmp"}])),
        one("/spec/containers/0/ports", json!([{"containerPort": 80, "hostPort": 80}])),
        one("/spec/containers/0/ports", json!([{"containerPort": 80}])),
        one("/spec/containers/0/ports", json!([{"name": "web", "containerPort": 8080}])),
        one("/spec/containers/0/livenessProbe", json!({"httpGet": {"host": "10.0.0.1", "port": 80}})),
        one("/spec/containers/0/readinessProbe", json!({"tcpSocket": {"port": 8080}})),
        one("/spec/containers/0/resources", json!({"requests": {"cpu": "2", "memory": "4Gi"}})),
        one("/spec/containers/0/resources", json!({"limits": {"cpu": "100m", "memory": "64Mi"}})),
        one("/spec/hostNetwork", json!(true)),
        one("/spec/hostUsers", json!(false)),
        one("/spec/shareProcessNamespace", json!(true)),
        one("/spec/dnsPolicy", json!("ClusterFirstWithHostNet")),
        one("/spec/os/name", json!("linux")),
        one("/spec/volumes/0", json!({"name": "data", "hostPath": {"path": "/etc"}})),
        one("/spec/volumes/0", json!({"name": "data", "hostPath": {"path": "/var/run/docker.sock"}})),
        one("/spec/initContainers/0/restartPolicy", json!("Always")),
        one("/spec/securityContext/runAsUser", json!(0)),
        one("/spec/securityContext/fsGroup", json!(1000)),
    ]
}

/// A pod that the API server may take or not.
fn random_pod(random: &mut Random, tweaks: &[Tweak]) -> Value {
    let container = |name: &str| json!({"name": name, "image": "nginx:1.27"});
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {
            "containers": [container("main")],
            "initContainers": [container("first")],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    });
    for _ in 0..=random.below(7) {
        tweaks[random.below(tweaks.len())].apply(&mut pod);
    }
    pod
}

/// No fix, and no part of one that is left of it after others were dropped, makes a pod that the API server would
/// refuse: neither by the rules that plans are held against, nor by the server itself.
#[test]
fn no_generated_pod_is_refused_for_its_fixes() {
    let mut server = Server::start();
    let random = &mut Random::new(3);
    let company = company();
    // As often as all others together.
    let others = tweaks().into_iter().filter(|tweak| !tweak.pointer.contains("ephemeralContainers"));
    let others: Vec<Tweak> = others.collect();
    let (mut changed, mut taken) = (0, 0);
    for _ in 0..1_500 {
        let tweaks = if random.one_in(2) { &company } else { &others };
        let mut pod = random_pod(random, tweaks);
        company[random.below(company.len())].apply(&mut pod);
        let text = serde_yaml::to_string(&pod).unwrap();
        let mut before = None;
        for profile in [Profile::Cce, Profile::Baseline, Profile::Restricted] {
            // What somebody wrote and keeps is the company that the fixes get into.
            let (keep_explicit, safe) = (random.one_in(2), random.one_in(4));
            let settings = Settings { profile, target: SERVED, keep_explicit, safe, ..Settings::default() };
            let Some(new) = examine(&settings, &text).text else { continue };
            changed += 1;
            assert_eq!(violations(&new).difference(&violations(&text)).next(), None, "{text}\n{new}");
            let Some(server) = &mut server else { continue };
            let before = before.get_or_insert_with(|| server.ask(&text)[0].ok);
            if *before == Some(true) {
                let after = &server.ask(&new)[0];
                assert_eq!(after.ok, Some(true), "{}\n{text}\n{new}", after.message);
                taken += 1;
            }
        }
    }
    let is_there = server.is_some();
    if let Some(server) = server {
        server.stop();
    }
    println!("{changed} changed, {taken} of those that the server took before, and takes");
    assert!(changed > 1_000 && (taken > 500 || !is_there), "{changed} changed, {taken} taken");
}
