//! What to change in a Kubernetes manifest, at which level, and why.
//!
//! [`plan()`] takes a document that `rewriter` has scanned, finds the pods in it, asks each [`Transform`] about
//! them, and returns findings and edits as data. One file of this folder is one transform; its documentation is
//! what users read, and the examples in it are executed as tests.
//!
//! This crate must never know: the bytes of a text, files, threads, colours, exit codes. It has no state, does
//! no input or output, and concludes nothing from a value that it does not understand.

mod allow_privilege_escalation;
pub mod api_rules;
mod api_server_access;
mod app_armor_profile;
mod automount_service_account_token;
mod capabilities;
mod context;
mod demand;
mod evidence;
mod fragment;
pub mod generate;
mod host_ipc;
mod host_kubeconfig;
mod host_network;
mod host_path;
mod host_pid;
mod host_port;
mod host_probe;
mod host_users;
mod identity;
pub mod images;
mod metadata_access;
mod misplaced_field;
pub mod model;
mod mount_propagation;
mod node_scheduling;
mod plan;
pub mod pod_security;
mod privileged;
mod proc_mount;
mod public_exposure;
mod read_only_root_filesystem;
mod resources;
mod review;
mod run_as_non_root;
mod run_as_user;
mod runtime_socket;
mod se_linux_options;
mod seccomp_profile;
pub mod settings;
mod sshd;
mod support;
pub mod suppression;
mod sysctls;
mod table;
#[cfg(test)]
mod test;
mod unprivileged_port;
mod volume_types;
mod windows_host_process;

pub use context::{Context, ObjectContext};
pub use demand::{AddedRequests, Copies};
pub use evidence::{Evidence, Overlay};
pub use identity::Identity;
pub use plan::{DocumentPlan, Judged, ObjectPlan, PodPlan, State, plan, plan_parts};
pub use review::PodSecurity;
pub use settings::{Profile, Settings};
pub use support::{Category, Finding, Fix, Left, Level, Meta, Outcome, Review, Severity, Transform};
pub use suppression::{Notice, Suppressed};

/// Every transform, in the order in which a pod's fixes are planned: each may build on what those before it
/// have planned.
pub const ALL: &[&dyn Transform] = &[
    // What it puts in its place, the others read.
    &misplaced_field::MisplacedField,
    // The node's namespaces and files first: what goes with them is no other transform's business any more, such
    // as the mounts of a volume that is replaced.
    &host_network::HostNetwork,
    &host_pid::HostPid,
    &host_ipc::HostIpc,
    &host_port::HostPort,
    &host_probe::HostProbe,
    &host_path::HostPath,
    &runtime_socket::RuntimeSocket,
    &host_kubeconfig::HostKubeconfig,
    &volume_types::VolumeTypes,
    // With the privileges go the mounts that only a privileged container may have.
    &privileged::Privileged,
    &mount_propagation::MountPropagation,
    // Identity first: what a container may lose depends on who it is.
    &run_as_user::RunAsUser,
    &run_as_non_root::RunAsNonRoot,
    &host_users::HostUsers,
    &capabilities::Capabilities,
    &unprivileged_port::UnprivilegedPort,
    &allow_privilege_escalation::AllowPrivilegeEscalation,
    &seccomp_profile::SeccompProfile,
    &app_armor_profile::AppArmorProfile,
    &se_linux_options::SeLinuxOptions,
    &proc_mount::ProcMount,
    &sysctls::Sysctls,
    &windows_host_process::WindowsHostProcess,
    &read_only_root_filesystem::ReadOnlyRootFilesystem,
    &resources::Resources,
    &node_scheduling::NodeScheduling,
    &public_exposure::PublicExposure,
    &api_server_access::ApiServerAccess,
    &metadata_access::MetadataAccess,
    &automount_service_account_token::AutomountServiceAccountToken,
    &sshd::Sshd,
];

/// The ids of the transforms that make up the group `card`.
pub const CARD: [&str; 6] = [
    "run-as-user",
    "capabilities",
    "seccomp-profile",
    "read-only-root-filesystem",
    "resources",
    "mount-propagation",
];

/// The names of the groups that stand for several ids.
pub const GROUPS: [&str; 4] = ["all", "card", "pss-baseline", "pss-restricted"];

/// The ids that `name` stands for: an id for itself, a group for its members; none where it is neither.
pub fn ids_of(name: &str) -> Vec<&'static str> {
    let is_meant = |meta: &Meta| match name {
        "all" => true,
        "card" => CARD.contains(&meta.id),
        "pss-baseline" => meta.profiles.contains(&Profile::Baseline),
        "pss-restricted" => meta.profiles.contains(&Profile::Restricted),
        id => meta.id == id,
    };
    ALL.iter().map(|transform| transform.meta()).filter(|meta| is_meant(meta)).map(|meta| meta.id).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// Files of this folder that are no transforms.
    const OTHERS: [&str; 16] = [
        "api_rules",
        "build",
        "context",
        "demand",
        "evidence",
        "fragment",
        "identity",
        "images",
        "lib",
        "plan",
        "review",
        "settings",
        "support",
        "suppression",
        "table",
        "test",
    ];

    fn ids() -> BTreeSet<&'static str> {
        ALL.iter().map(|transform| transform.meta().id).collect()
    }

    #[test]
    fn every_file_is_a_transform_of_the_same_name() {
        let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let names: BTreeSet<String> = files
            .filter_map(|file| {
                file.unwrap().file_name().into_string().unwrap().strip_suffix(".rs").map(Into::into)
            })
            .filter(|name: &String| !OTHERS.contains(&name.as_str()))
            .collect();
        let expected: BTreeSet<String> = ids().iter().map(|id| id.replace('-', "_")).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn ids_are_unique_and_name_the_field() {
        assert_eq!(ids().len(), ALL.len());
        for id in ids() {
            assert!(id.len() <= 40, "{id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{id}");
            for verb in ["add-", "set-", "require-", "disallow-", "drop-"] {
                assert!(!id.starts_with(verb), "{id}");
            }
        }
        assert!(CARD.iter().all(|id| ids().contains(id)));
    }

    #[test]
    fn a_name_stands_for_an_id_or_for_a_group() {
        assert_eq!(ids_of("capabilities"), ["capabilities"]);
        assert_eq!(ids_of("all").len(), ALL.len());
        assert_eq!(ids_of("card").len(), CARD.len());
        assert!(ids_of("pss-restricted").contains(&"run-as-user"));
        assert!(!ids_of("pss-baseline").contains(&"run-as-user"));
        assert!(ids_of("Capabilities").is_empty());
        assert!(GROUPS.iter().all(|group| !ids().contains(group) && !ids_of(group).is_empty()));
    }

    #[test]
    fn every_documentation_is_complete() {
        for meta in ALL.iter().map(|transform| transform.meta()) {
            let summary = meta.doc.split("\n\n").next().unwrap().trim();
            assert!(summary.starts_with(|first: char| first.is_uppercase()), "{}: {summary}", meta.id);
            assert!(summary.ends_with('.'), "{}: {summary}", meta.id);
            assert!(meta.doc.contains("\n ## Safety\n"), "{}", meta.id);
            assert!(meta.title.starts_with(|first: char| first.is_lowercase()), "{}", meta.id);
            assert!(!meta.title.ends_with('.'), "{}", meta.id);
            assert!(!meta.title.is_empty() && !meta.since.is_empty(), "{}", meta.id);
            assert!(!meta.pages.is_empty() || !meta.pod_security.is_empty(), "{}", meta.id);
        }
    }

    /// A manifest that stands in a documentation.
    struct Example<'m> {
        /// The text before it.
        prose: &'m str,
        text: String,
    }

    /// How an example begins that is no manifest.
    const CONFIGURATION: &str = " # .cce-fix.yaml\n";

    fn examples(meta: &Meta) -> Vec<Example<'_>> {
        let mut rest = meta.doc;
        let mut examples = Vec::new();
        while let Some((prose, after)) = rest.split_once("```yaml\n") {
            let (text, after) = after.split_once(" ```").unwrap();
            if !text.starts_with(CONFIGURATION) {
                examples.push(Example { prose: prose.trim(), text: test::dedent(text) });
            }
            rest = after;
        }
        examples
    }

    /// The settings for the examples of a transform: the defaults, and the configuration that they show.
    fn settings_of_examples(meta: &Meta) -> Settings {
        #[derive(serde::Deserialize)]
        struct Configuration {
            transforms: BTreeMap<String, serde_yaml::Value>,
        }

        let mut settings = test::only(meta.id);
        let Some((_, rest)) = meta.doc.split_once(CONFIGURATION) else { return settings };
        let text = test::dedent(rest.split(" ```").next().unwrap());
        let configuration: Configuration = serde_yaml::from_str(&text).unwrap();
        for (id, value) in configuration.transforms {
            match id.as_str() {
                "node-scheduling" => settings.node_scheduling = serde_yaml::from_value(value).unwrap(),
                "public-exposure" => settings.public_exposure = serde_yaml::from_value(value).unwrap(),
                other => panic!("no example has been configured for {other} so far"),
            }
        }
        settings
    }

    /// A manifest and what it `becomes`; one alone is left as it is, and reported. Where the
    /// text says `--target`, that is the version.
    #[test]
    fn every_documented_example_holds() {
        for meta in ALL.iter().map(|transform| transform.meta()) {
            let examples = examples(meta);
            assert!(!examples.is_empty(), "{}", meta.id);
            let mut examples = examples.iter().peekable();
            while let Some(before) = examples.next() {
                assert_ne!(before.prose, "becomes", "{}", meta.id);
                let mut settings = settings_of_examples(meta);
                if let Some((_, rest)) = before.prose.split_once("`--target ") {
                    settings.target = rest.split('`').next().unwrap().parse().unwrap();
                }
                if let Some(after) = examples.next_if(|after| after.prose == "becomes") {
                    test::check_with(&settings, &before.text, &after.text);
                } else {
                    test::check_with(&settings, &before.text, &before.text);
                    let found = test::findings(&settings, &before.text);
                    let is_left = |judged: &Judged| matches!(judged.state, State::Left(_));
                    assert!(found.iter().any(is_left), "{}: {found:?}", meta.id);
                }
            }
        }
    }
}
