//! A real kube-apiserver judges what is written: it takes every object that it took before.
//!
//! `tests/apiserver` starts one with its etcd on the loopback address and asks it with a dry run, strict about
//! fields.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout};

use cce_fix::engine::{self, Examined, Purpose};
use serde::Deserialize;
use serde_json::json;
use transforms::pod_security::Level;
use transforms::settings::Version;
use transforms::{PodPlan, Profile, Settings};

use crate::common::{corpus, files};
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

struct Server {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Option<Self> {
        let mut child = API_SERVER.start()?;
        let (questions, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        // The server logs a great deal, and waits for whoever reads it.
        let mut log = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Some(Self { child, questions, answers: BufReader::new(answers) })
    }

    fn ask(&mut self, text: &str) -> Vec<Verdict> {
        let question =
            json!({"level": "restricted", "version": format!("v1.{}", SERVED.minor), "text": text});
        writeln!(self.questions, "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn stop(mut self) {
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
        pods.filter(|pod| SERVED_WITH_PODS.contains(&&*format!("{}/{}", pod.api_version, pod.kind)))
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
