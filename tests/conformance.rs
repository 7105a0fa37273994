//! The Pod Security Standards as this program judges by them, held against the official evaluator.
//!
//! `tests/conformance` is a small Go program around `k8s.io/pod-security-admission`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use cce_fix::engine::{self, Purpose};
use rewriter::{Kind, Stream, View};
use serde_json::{Value, json};
use transforms::model::{Pod, PodView, Workloads};
use transforms::pod_security::{self, Level, NEWEST, Verdict};
use transforms::settings::Version;
use transforms::{PodSecurity, Settings, api_rules};

use crate::common::{corpus, files};
use crate::generate::Random;
use crate::judges::CONFORMANCE;

/// A pod to judge, as text, and the versions to judge it at.
struct Question {
    name: String,
    pod: Value,
    is_template: bool,
    versions: Vec<u16>,
}

impl Question {
    fn at_every_version(name: String, pod: Value, is_template: bool) -> Self {
        Self { name, pod, is_template, versions: (0..=NEWEST.minor).collect() }
    }

    fn text(&self) -> String {
        let versions: Vec<String> = self.versions.iter().map(|minor| format!("v1.{minor}")).collect();
        json!({"versions": versions, "template": self.is_template, "pod": self.pod}).to_string()
    }
}

#[derive(Default, Debug, PartialEq)]
struct Counts {
    pods: usize,
    verdicts: usize,
    /// Pods that the API server would not even read.
    unread: usize,
}

/// The ids of the checks that forbid a pod at `level`, in order.
fn ids(verdict: &Verdict, level: Level) -> BTreeSet<&str> {
    verdict.in_the_way_of(level).map(|failure| failure.check.id).collect()
}

/// Asks both about every pod; their verdicts and the ids of their checks are the same.
fn compare(questions: &[Question], ours: impl Fn(usize, Version) -> Verdict) -> Option<Counts> {
    let mut child = CONFORMANCE.start()?;
    let mut stdin = child.stdin.take().unwrap();
    let lines: Vec<String> = questions.iter().map(Question::text).collect();
    let feeder = std::thread::spawn(move || {
        for line in lines {
            writeln!(stdin, "{line}").unwrap();
        }
    });
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut counts = Counts::default();
    let mut differences = Vec::new();
    for (index, question) in questions.iter().enumerate() {
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        if answer["error"].is_string() {
            counts.unread += 1;
            continue;
        }
        counts.pods += 1;
        for (number, minor) in question.versions.iter().enumerate() {
            let verdict = ours(index, Version { minor: *minor });
            for (level, key) in [(Level::Baseline, "baseline"), (Level::Restricted, "restricted")] {
                let list = answer[key][number].as_array().unwrap();
                let theirs: BTreeSet<&str> = list.iter().map(|id| id.as_str().unwrap()).collect();
                let found = ids(&verdict, level);
                counts.verdicts += 1;
                if found != theirs && differences.len() < 10 {
                    differences.push(format!(
                        "{} at {level} 1.{minor}: official {theirs:?}, ours {found:?}\n{}",
                        question.name, question.pod
                    ));
                }
                if level == Level::Restricted && theirs.is_empty() {
                    assert_eq!(verdict.level, Level::Restricted, "{}", question.name);
                }
            }
        }
    }
    feeder.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    Some(counts)
}

fn evaluate_text(text: &str, is_template: bool, version: Version) -> Verdict {
    let stream = Stream::scan(text).unwrap();
    let root = stream.document(0).unwrap().root().unwrap();
    pod_security::evaluate(&PodView::new(root.into(), &rewriter::Path::root(), is_template), version)
}

/// A value for a field: where, and what. A map on the way is made, a list item is there.
#[derive(Clone)]
pub(crate) struct Tweak {
    pub(crate) pointer: String,
    pub(crate) value: Value,
}

impl Tweak {
    pub(crate) fn apply(&self, pod: &mut Value) {
        let mut at = pod;
        for part in self.pointer.split('/').skip(1) {
            let part = part.replace("~1", "/");
            at = if let Ok(index) = part.parse::<usize>() {
                if !at.is_array() {
                    *at = json!([]);
                }
                let items = at.as_array_mut().unwrap();
                while items.len() <= index {
                    items.push(json!({"name": format!("more-{}", items.len())}));
                }
                &mut items[index]
            } else {
                if !at.is_object() {
                    *at = json!({});
                }
                at.as_object_mut().unwrap().entry(part).or_insert(Value::Null)
            };
        }
        *at = self.value.clone();
    }
}

/// Every value worth trying of every field that a check looks at.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn tweaks() -> Vec<Tweak> {
    let mut all = Vec::new();
    let mut add = |pointer: &str, values: Vec<Value>| {
        all.extend(values.into_iter().map(|value| Tweak { pointer: pointer.to_owned(), value }));
    };
    for key in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
        add(&format!("/spec/{key}"), vec![json!(true), json!(false), Value::Null]);
    }
    add("/spec/os/name", vec![json!("windows"), json!("linux")]);
    let armor = "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1";
    for name in ["main", "nobody"] {
        let values = ["", "runtime/default", "localhost/a", "localhost/", "unconfined", "Runtime/Default"];
        add(&format!("{armor}{name}"), values.map(Value::from).to_vec());
    }
    for key in
        ["seccomp.security.alpha.kubernetes.io~1pod", "container.seccomp.security.alpha.kubernetes.io~1main"]
    {
        let values = ["", "runtime/default", "docker/default", "localhost/a", "unconfined"];
        add(&format!("/metadata/annotations/{key}"), values.map(Value::from).to_vec());
    }
    add(
        "/metadata/annotations/container.seccomp.security.alpha.kubernetes.io~1nobody",
        vec![json!("unconfined"), Value::Null],
    );
    for source in [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
        "hostPath",
        "nfs",
        "iscsi",
        "awsElasticBlockStore",
        "azureDisk",
        "azureFile",
        "cephfs",
        "cinder",
        "fc",
        "flexVolume",
        "flocker",
        "gcePersistentDisk",
        "gitRepo",
        "glusterfs",
        "photonPersistentDisk",
        "portworxVolume",
        "quobyte",
        "rbd",
        "scaleIO",
        "storageos",
        "vsphereVolume",
        "unheardOf",
    ] {
        add(&format!("/spec/volumes/0/{source}"), vec![json!({})]);
    }
    add("/spec/volumes/1/hostPath", vec![json!({"path": "/"}), Value::Null]);
    add("/spec/volumes/1/name", vec![json!("alone")]);
    let sysctls = [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
        "net.ipv4.tcp_slow_start_after_idle",
        "net.ipv4.tcp_notsent_lowat",
        "net.core.somaxconn",
        "kernel.msgmax",
        "",
    ];
    add("/spec/securityContext/sysctls/0/name", sysctls.map(Value::from).to_vec());
    add("/spec/securityContext", vec![Value::Null, json!({})]);
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    let contexts = lists.map(|list| format!("/spec/{list}/0/securityContext"));
    for context in contexts.iter().map(String::as_str).chain(["/spec/securityContext"]) {
        let mut add = |key: &str, values: Vec<Value>| add(&format!("{context}/{key}"), values);
        add("runAsNonRoot", vec![json!(true), json!(false), Value::Null]);
        add("runAsUser", vec![json!(0), json!(1), json!(65534)]);
        for key in ["seccompProfile", "appArmorProfile"] {
            add(key, vec![Value::Null, json!({})]);
            let types = ["RuntimeDefault", "Localhost", "Unconfined", "runtimedefault", ""];
            add(&format!("{key}/type"), types.map(Value::from).to_vec());
        }
        let types = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t", "spc_t"];
        add("seLinuxOptions/type", types.map(Value::from).to_vec());
        add("seLinuxOptions/user", vec![json!(""), json!("user")]);
        add("seLinuxOptions/role", vec![json!(""), json!("role")]);
        add("seLinuxOptions/level", vec![json!("s0")]);
        add("windowsOptions/hostProcess", vec![json!(true), json!(false), Value::Null]);
    }
    for context in &contexts {
        let mut add = |key: &str, values: Vec<Value>| add(&format!("{context}/{key}"), values);
        add("privileged", vec![json!(true), json!(false), Value::Null]);
        add("allowPrivilegeEscalation", vec![json!(true), json!(false), Value::Null]);
        add("procMount", ["Default", "Unmasked", "", "default"].map(Value::from).to_vec());
        add("capabilities", vec![Value::Null, json!({})]);
        let names = [
            "AUDIT_WRITE",
            "CHOWN",
            "DAC_OVERRIDE",
            "FOWNER",
            "FSETID",
            "KILL",
            "MKNOD",
            "NET_BIND_SERVICE",
            "SETFCAP",
            "SETGID",
            "SETPCAP",
            "SETUID",
            "SYS_CHROOT",
            "NET_RAW",
            "SYS_ADMIN",
            "ALL",
            "CAP_CHOWN",
            "chown",
            "",
        ];
        add("capabilities/add", names.map(|name| json!([name])).to_vec());
        add("capabilities/add", vec![json!(["CHOWN", "BPF"]), json!([]), json!([null])]);
        add("capabilities/drop", vec![json!(["ALL"]), json!(["all"]), json!(["CHOWN", "ALL"]), json!([])]);
    }
    for list in lists {
        let mut add = |key: &str, values: Vec<Value>| add(&format!("/spec/{list}/0/{key}"), values);
        add("securityContext", vec![Value::Null, json!({})]);
        add("ports", vec![json!([{"containerPort": 80}]), json!([{"containerPort": 80, "hostPort": 80}])]);
        add("ports", vec![json!([{"containerPort": 80, "hostPort": 0}, {"hostPort": 1}])]);
        for probe in
            ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle/postStart", "lifecycle/preStop"]
        {
            for handler in ["httpGet", "tcpSocket"] {
                add(&format!("{probe}/{handler}/host"), vec![json!(""), json!("127.0.0.1"), Value::Null]);
            }
        }
    }
    all
}

fn bare() -> Value {
    json!({"metadata": {}, "spec": {"containers": [{"name": "main"}]}})
}

fn hardened() -> Value {
    let context = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    json!({
        "metadata": {},
        "spec": {
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "main", "securityContext": context}],
            "initContainers": [{"name": "first", "securityContext": context}],
        },
    })
}

/// Tweaks of a pod, with a name that says which.
fn tweaked(base: &Value, tweaks: &[&Tweak]) -> (String, Value) {
    let mut pod = base.clone();
    for tweak in tweaks {
        tweak.apply(&mut pod);
    }
    let names: Vec<String> =
        tweaks.iter().map(|tweak| format!("{} = {}", tweak.pointer, tweak.value)).collect();
    (names.join(", "), pod)
}

fn compare_generated(questions: &[Question]) {
    let counts = compare(questions, |index, version| {
        let question = &questions[index];
        evaluate_text(&question.pod.to_string(), question.is_template, version)
    });
    let Some(counts) = counts else { return };
    println!("{counts:?}");
    assert_eq!((counts.pods, counts.unread), (questions.len(), 0));
}

#[test]
fn every_value_of_every_field_is_judged_as_officially() {
    let mut questions = Vec::new();
    for base in [bare(), hardened()] {
        for is_template in [false, true] {
            for tweak in tweaks() {
                let (name, pod) = tweaked(&base, &[&tweak]);
                questions.push(Question::at_every_version(name, pod, is_template));
            }
        }
    }
    compare_generated(&questions);
}

#[test]
fn every_pair_of_values_is_judged_as_officially() {
    let (tweaks, base, random) = (tweaks(), hardened(), &mut Random::new(1));
    let mut questions = Vec::new();
    for (number, first) in tweaks.iter().enumerate() {
        for second in &tweaks[number + 1..] {
            // Each pair would take minutes; each pair of fields, and a share of their values, does not.
            if first.pointer != second.pointer && random.one_in(4) {
                let (name, pod) = tweaked(&base, &[first, second]);
                let versions = vec![NEWEST.minor, u16::try_from(random.below(38)).unwrap()];
                questions.push(Question { name, pod, is_template: random.one_in(2), versions });
            }
        }
    }
    compare_generated(&questions);
}

#[test]
fn any_combination_of_values_is_judged_as_officially() {
    let (tweaks, random) = (tweaks(), &mut Random::new(2));
    let bases = [bare(), hardened(), hardened()];
    let questions: Vec<Question> = (0..4000)
        .map(|_| {
            let count = 2 + random.below(14);
            let picked: Vec<&Tweak> = (0..count).map(|_| &tweaks[random.below(tweaks.len())]).collect();
            let (name, pod) = tweaked(&bases[random.below(bases.len())], &picked);
            Question::at_every_version(name, pod, random.one_in(2))
        })
        .collect();
    compare_generated(&questions);
}

/// A value as `kubectl` sends it.
fn to_json(view: View<'_>) -> Value {
    match view.kind() {
        Kind::Mapping => view.entries().map(|(key, value)| (key.into_owned(), to_json(value))).collect(),
        Kind::Sequence => view.items().map(to_json).collect(),
        Kind::Scalar if view.is_null() => Value::Null,
        Kind::Scalar => {
            let known = view.as_bool().map(Value::from).or(view.as_integer().map(Value::from));
            let text = || view.as_str().map(Value::from);
            known.or_else(text).unwrap_or_else(|| view.text().parse::<f64>().map_or(Value::Null, Value::from))
        }
    }
}

/// Calls `look` for every pod of the corpus, with a name for it.
fn each_real_pod(corpus: &Path, mut look: impl FnMut(String, View<'_>, bool)) {
    for path in files(corpus) {
        let bytes = fs::read(&path).unwrap();
        let Ok(text) = rewriter::decode(&bytes) else { continue };
        let Ok(stream) = Stream::scan(text) else { continue };
        for document in stream.documents().filter(|document| document.duplicate_key().is_none()) {
            for pod in Workloads::of(document).pods.into_iter().filter(Pod::is_ordinary) {
                let name =
                    format!("{}, document {}, {}", path.display(), document.index(), pod.template.path());
                let is_template = *pod.template.path() != pod.object.path;
                look(name, pod.template.node().unwrap().into(), is_template);
            }
        }
    }
}

#[test]
fn real_pods_are_judged_as_officially() {
    let Some(corpus) = corpus() else { return };
    let mut questions = Vec::new();
    let mut ours = Vec::new();
    each_real_pod(&corpus, |name, view, is_template| {
        // As it is written, so that reading it is tried as well.
        let path = rewriter::Path::root();
        let pod = PodView::new(view, &path, is_template);
        ours.push(
            (0..=NEWEST.minor)
                .map(|minor| pod_security::evaluate(&pod, Version { minor }))
                .collect::<Vec<_>>(),
        );
        let pod = json!({
            "metadata": view.get("metadata").map_or(json!({}), to_json),
            "spec": view.get("spec").map_or(json!({}), to_json),
        });
        questions.push(Question::at_every_version(name, pod, is_template));
    });
    let counts = compare(&questions, |index, version| ours[index][usize::from(version.minor)].clone());
    let Some(counts) = counts else { return };
    println!("{counts:?}");
    assert!(counts.pods > 1000 && counts.unread * 20 < counts.pods, "{counts:?}");
}

#[test]
fn the_official_fixtures_pass_and_fail_as_their_folders_say() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("kubernetes__pod-security-admission/test/testdata");
    let mut counts = [0, 0];
    for path in files(&folder) {
        let below = path.strip_prefix(&folder).unwrap();
        let parts: Vec<&str> = below.iter().map(|part| part.to_str().unwrap()).collect();
        let [level, version, verdict, _] = parts.as_slice() else { panic!("{}", path.display()) };
        let level = if *level == "restricted" { Level::Restricted } else { Level::Baseline };
        let text = fs::read_to_string(&path).unwrap();
        let found = evaluate_text(&text, false, version.parse().unwrap());
        let fails = *verdict == "fail";
        assert_eq!(!ids(&found, level).is_empty(), fails, "{}: {found:?}", path.display());
        counts[usize::from(fails)] += 1;
    }
    println!("{} pass, {} fail", counts[0], counts[1]);
    assert_eq!(counts.iter().sum::<usize>(), 499);
}

/// What is said of a pod after its fixes holds for the text that is written, and the API server takes that
/// text where it took the old one.
#[test]
fn what_is_said_of_fixed_pods_is_true_of_what_is_written() {
    let Some(corpus) = corpus() else { return };
    let mut counts = [0; 3];
    for profile in [transforms::Profile::Cce, transforms::Profile::Restricted] {
        let settings = Settings { profile, ..Settings::default() };
        for path in files(&corpus) {
            let bytes = fs::read(&path).unwrap();
            let examined = engine::examine(&bytes, &path, &settings, Purpose::Text);
            let Some(new) = &examined.text else { continue };
            let again = engine::examine(new.as_bytes(), &path, &settings, Purpose::Answer);
            let said = examined.plans.iter().flat_map(|(_, plan)| &plan.pods);
            let found: Vec<_> = again.plans.iter().flat_map(|(_, plan)| &plan.pods).collect();
            for (number, said) in said.enumerate() {
                let found = found[number].pod_security.as_ref().map(|found| &found.before);
                let said = said.pod_security.as_ref().map(PodSecurity::after);
                assert_eq!(said, found, "{}", path.display());
                if let Some(said) = said {
                    counts[said.level as usize] += 1;
                }
            }
            let old = rewriter::decode(&bytes).unwrap();
            assert_eq!(violations(new).difference(&violations(old)).next(), None, "{}", path.display());
        }
    }
    println!(
        "pods of changed files: {} privileged, {} baseline, {} restricted",
        counts[0], counts[1], counts[2]
    );
    assert!(counts.iter().sum::<usize>() > 1000);
}

pub(crate) fn violations(text: &str) -> BTreeSet<String> {
    let stream = Stream::scan(text).unwrap();
    let mut found = BTreeSet::new();
    for document in stream.documents() {
        for pod in Workloads::of(document).pods {
            let pod = PodView::of(&pod, |node, _| Some(node.into())).unwrap();
            let violations = api_rules::violations(&pod, Settings::default().target);
            found.extend(violations.iter().map(|it| format!("{} {} {}", document.index(), it.rule, it.path)));
        }
    }
    found
}
