//! What is measured on, made from a seed: the same files each time, on every machine.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::generate::{self, Random};
use crate::write;

/// The first of all seeds.
const SEED: u64 = 20_261_121;

/// Where files are made, and are found again by the next part that needs them.
#[derive(Debug)]
pub(super) struct Workloads {
    pub(super) folder: PathBuf,
}

impl Workloads {
    /// The path of `name`, which `make` fills if it is not there yet.
    fn once(&self, name: &str, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
        let (path, fresh) = (self.folder.join(name), self.folder.join("fresh"));
        if !path.exists() {
            if fresh.exists() {
                fs::remove_dir_all(&fresh).map_err(|error| error.to_string())?;
            }
            fs::create_dir_all(&fresh).map_err(|error| error.to_string())?;
            make(&fresh)?;
            rename(&fresh, &path)?;
        }
        Ok(path)
    }

    /// A folder of small files with a workload each, as people write them.
    pub(super) fn files(&self, count: u64) -> Result<PathBuf, String> {
        self.once(&format!("files-{count}"), |folder| {
            (0..count).try_for_each(|number| {
                let path = folder.join(format!("d{}/f{number}.yaml", number % 100));
                write(&path, &generate::manifest(SEED + number))
            })
        })
    }

    /// The same files as `fix` leaves them; of every `each` of them, one as it was.
    pub(super) fn fixed(
        &self,
        count: u64,
        each: Option<u64>,
        fix: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<PathBuf, String> {
        let source = self.files(count)?;
        let share = each.map_or_else(|| "all".to_owned(), |each| format!("all-but-1-in-{each}"));
        self.once(&format!("files-{count}-{share}-fixed"), |folder| {
            let name = |number: u64| format!("d{}/f{number}.yaml", number % 100);
            let copy =
                |number: u64| write(&folder.join(name(number)), &crate::read(&source.join(name(number)))?);
            (0..count).try_for_each(copy)?;
            fix(folder)?;
            let step = usize::try_from(each.unwrap_or(count)).unwrap_or(1);
            (0..count).step_by(step).filter(|_| each.is_some()).try_for_each(copy)
        })
    }

    /// One file of many documents, of so many megabytes.
    pub(super) fn documents(&self, megabytes: usize) -> Result<PathBuf, String> {
        let folder = self.once(&format!("documents-{megabytes}"), |folder| {
            let mut text = String::new();
            for number in (0..).step_by(100) {
                if text.len() >= megabytes * 1_000_000 {
                    break;
                }
                if number > 0 {
                    text.push_str("---\n");
                }
                text.push_str(&generate::stream(SEED + number, 100));
            }
            write(&folder.join("all.yaml"), &text)
        })?;
        Ok(folder.join("all.yaml"))
    }

    /// A `List` of pods, as `kubectl get pods -A -o json` prints them.
    pub(super) fn dump(&self, pods: u64) -> Result<PathBuf, String> {
        let folder = self.once(&format!("dump-{pods}"), |folder| {
            let items: Vec<Value> = (0..pods).map(|number| pod(&mut Random::new(SEED + number), number)).collect();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": items, "metadata": {"resourceVersion": ""}});
            let text = serde_json::to_string_pretty(&list).map_err(|error| error.to_string())?;
            write(&folder.join("dump.json"), &(text + "\n"))
        })?;
        Ok(folder.join("dump.json"))
    }

    /// A repository in which most files are no manifests: nine of ten are no YAML at all, and of the others three
    /// of four are no objects.
    pub(super) fn repository(&self, files: u64) -> Result<PathBuf, String> {
        self.once(&format!("repository-{files}"), |folder| {
            (0..files).try_for_each(|number| {
                let random = &mut Random::new(SEED + number);
                let place = folder.join(format!("team{}/app{}", number % 40, number / 40 % 60));
                let (name, text) = match random.below(40) {
                    0 => ("yaml", generate::manifest(SEED + number)),
                    1 | 2 => ("yaml", values(random)),
                    3 => ("yml", "on: push\njobs:\n  build:\n    steps:\n    - run: make\n".to_owned()),
                    4..20 => ("go", "package main\n\nfunc main() {}\n".repeat(1 + random.below(80))),
                    20..30 => ("ts", "export const a = { kind: 1 };\n".repeat(1 + random.below(80))),
                    _ => ("md", "# Words\n\nAnd more of them.\n".repeat(1 + random.below(40))),
                };
                write(&place.join(format!("f{number}.{name}")), &text)
            })
        })
    }
}

fn values(random: &mut Random) -> String {
    let mut text = String::new();
    for number in 0..=random.below(40) {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "key{number}:\n  enabled: {}\n  size: {}", random.one_in(2), random.below(100));
    }
    text
}

/// A pod as a cluster gives it out, with all that it adds.
fn pod(random: &mut Random, number: u64) -> Value {
    let app = format!("app-{}", random.below(200));
    let image = format!("registry.example.com/{app}:1.{}", random.below(40));
    let mut container = json!({
        "name": "main", "image": image, "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "volumeMounts": [{"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access", "readOnly": true}],
    });
    if random.one_in(4) {
        container["securityContext"] = json!({"allowPrivilegeEscalation": false, "runAsNonRoot": true});
    }
    let condition = |name: &str| json!({"lastProbeTime": null, "lastTransitionTime": "2026-11-01T08:00:00Z", "status": "True", "type": name});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("{app}-6d4cf56db6-{number:05}"), "namespace": format!("team-{}", number % 40),
            "generateName": format!("{app}-6d4cf56db6-"), "creationTimestamp": "2026-11-01T08:00:00Z",
            "labels": {"app": app, "pod-template-hash": "6d4cf56db6"}, "resourceVersion": format!("{}", 100_000 + number),
            "uid": format!("5b0e0d0a-0000-4000-8000-{number:012}"),
            "ownerReferences": [{"apiVersion": "apps/v1", "blockOwnerDeletion": true, "controller": true, "kind": "ReplicaSet", "name": format!("{app}-6d4cf56db6"), "uid": "a0"}],
        },
        "spec": {
            "containers": [container], "dnsPolicy": "ClusterFirst", "enableServiceLinks": true,
            "nodeName": format!("node-{}", random.below(300)), "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
            "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {},
            "serviceAccount": "default", "serviceAccountName": "default", "terminationGracePeriodSeconds": 30,
            "tolerations": [
                {"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300},
                {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300},
            ],
            "volumes": [{"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
            ]}}],
        },
        "status": {
            "conditions": [condition("Initialized"), condition("Ready"), condition("ContainersReady"), condition("PodScheduled")],
            "containerStatuses": [{"containerID": "containerd://0123456789abcdef", "image": image, "imageID": "", "lastState": {}, "name": "main", "ready": true, "restartCount": 0, "started": true, "state": {"running": {"startedAt": "2026-11-01T08:00:01Z"}}}],
            "hostIP": "10.0.0.1", "phase": "Running", "podIP": "10.1.0.1", "podIPs": [{"ip": "10.1.0.1"}], "qosClass": "Burstable", "startTime": "2026-11-01T08:00:00Z",
        },
    })
}

#[expect(clippy::disallowed_methods, reason = "a chore puts its own files in their place")]
fn rename(from: &Path, to: &Path) -> Result<(), String> {
    fs::rename(from, to).map_err(|error| error.to_string())
}

/// The files below `folder` whose names end so, in order.
pub(super) fn list(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    let files = files.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
    let is_meant = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
    };
    files.filter(is_meant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_each_time() {
        let made = || {
            let folder = tempfile::tempdir().unwrap();
            let workloads = Workloads { folder: folder.path().to_owned() };
            let some =
                workloads.fixed(20, Some(10), |folder| write(&folder.join("d0/f0.yaml"), "fixed")).unwrap();
            let paths = [some, workloads.repository(50).unwrap(), workloads.dump(3).unwrap()];
            assert!(fs::metadata(workloads.documents(1).unwrap()).unwrap().len() >= 1_000_000);
            let files = paths.iter().flat_map(|path| list(path, &["yaml", "yml", "json", "go", "ts", "md"]));
            files.map(|path| fs::read(path).unwrap()).collect::<Vec<_>>()
        };
        let files = made();
        assert_eq!(files.len(), 20 + 50 + 1);
        assert_eq!(files, made());
        assert!(!files.contains(&b"fixed".to_vec()), "one of ten is as it was");
    }
}
