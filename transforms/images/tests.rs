use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn catalogue() -> &'static Catalogue {
    Catalogue::builtin()
}

#[track_caller]
fn found(reference: &str) -> Match<'static> {
    catalogue().lookup(reference).unwrap_or_else(|| panic!("{reference} is not in the catalogue"))
}

#[track_caller]
fn check_user(reference: &str, uid: i64, gid: Option<i64>) {
    let facts = found(reference).facts;
    assert_eq!((facts.uid, facts.run_as_group()), (Some(uid), gid), "{reference}");
}

#[track_caller]
fn check_image(reference: &str, image: &str, confidence: Confidence) {
    let found = found(reference);
    assert_eq!((found.entry.image.as_str(), found.confidence), (image, confidence), "{reference}");
}

#[track_caller]
fn check_unknown(reference: &str) {
    assert_eq!(catalogue().lookup(reference), None, "{reference}");
}

#[test]
fn official_images_are_found_under_all_their_names() {
    for reference in [
        "nginx",
        "nginx:1.27.3",
        "nginx:alpine",
        "docker.io/nginx",
        "docker.io/library/nginx:latest",
        "index.docker.io/library/nginx",
        "registry-1.docker.io/library/nginx",
        "mirror.gcr.io/library/nginx",
        "public.ecr.aws/docker/library/nginx:1.27",
    ] {
        check_image(reference, "docker.io/library/nginx", Confidence::Exact);
    }
    check_image("prom/prometheus:v3.0.0", "quay.io/prometheus/prometheus", Confidence::Exact);
    for reference in [
        "k8s.gcr.io/coredns/coredns:v1.11.1",
        "eu.gcr.io/k8s-artifacts-prod/coredns/coredns:v1.11.1",
        "gcr.io/google-containers/coredns/coredns:v1.11.1",
        "k8s-gcr.m.daocloud.io/coredns/coredns:v1.11.1",
        "m.daocloud.io/k8s.gcr.io/coredns/coredns:v1.11.1",
        "coredns/coredns:1.11.1",
    ] {
        check_image(reference, "registry.k8s.io/coredns/coredns", Confidence::Exact);
    }
    check_image("docker.m.daocloud.io/library/nginx", "docker.io/library/nginx", Confidence::Exact);
    check_image("quay.m.daocloud.io/thing/nginx", "docker.io/library/nginx", Confidence::BaseName);
}

#[test]
fn mirrors_and_namesakes_are_hints() {
    for reference in [
        "swr.cn-north-4.myhuaweicloud.com/org/nginx",
        "swr.ap-southeast-1.myhuaweicloud.com/org/library/nginx:1.27",
        "swr.cn-north-4.myhuaweicloud.com/org/nginx:1.27@sha256:0123456789abcdef0123456789abcdef",
        "harbor.example.com/proxy/library/nginx:1.27",
        "mycompany/nginx",
        "localhost:5000/nginx",
        "ubi.example.com/nginx",
        "docker.io.example.com/library/nginx",
        "mirror.gcr.io.example.com/library/nginx",
    ] {
        check_image(reference, "docker.io/library/nginx", Confidence::BaseName);
    }
    check_image("mycompany/redis", "docker.io/library/redis", Confidence::BaseName);
    check_image(
        "harbor.example.com/library/prometheus",
        "quay.io/prometheus/prometheus",
        Confidence::BaseName,
    );
    check_image("harbor.example.com/a/library/node:22", "docker.io/library/node", Confidence::BaseName);
}

#[test]
fn plain_words_are_not_guessed_at() {
    for reference in [
        "mycompany/node",
        "mycompany/controller",
        "mycompany/registry",
        "mycompany/redis-exporter",
        "mycompany/app",
    ] {
        check_unknown(reference);
    }
}

#[test]
fn builds_of_others_are_not_taken_for_the_official_image() {
    check_image("bitnami/nginx:1.27", "docker.io/bitnami/nginx", Confidence::Exact);
    check_image("registry-1.docker.io/bitnamilegacy/redis", "docker.io/bitnami/redis", Confidence::Exact);
    check_image("registry.example.com/bitnami/nginx", "docker.io/bitnami/nginx", Confidence::BaseName);
    check_image("nginxinc/nginx-unprivileged", "docker.io/nginxinc/nginx-unprivileged", Confidence::Exact);
    for reference in [
        "bitnami/fluentd",
        "registry.example.com/bitnami/fluentd",
        "cgr.dev/chainguard/nginx",
        "linuxserver/mariadb",
        "registry.redhat.io/rhel9/redis",
    ] {
        check_unknown(reference);
    }
}

#[test]
fn the_tag_decides_between_variants() {
    check_user("nginx", 101, Some(101));
    assert_eq!(found("nginx:1.14.2").facts.uid, None);
    assert_eq!(found("nginx:1.14.2").facts.writable, found("nginx").facts.writable);
    check_user("postgres:17", 999, Some(999));
    check_user("postgres:17.2-alpine3.21", 70, Some(70));
    check_user("postgres:alpine", 70, Some(70));
    assert_eq!(found("postgres:17-alpine").facts.volumes, ["/var/lib/postgresql/data"]);
    assert_eq!(found("postgres:18").facts.volumes, ["/var/lib/postgresql"]);
    check_user("redis:7.2", 999, Some(999));
    check_user("redis:7.2-alpine", 999, Some(1000));
    check_user("rabbitmq:4.1-management", 999, Some(999));
    check_user("rabbitmq:4.1-management-alpine", 100, Some(101));
    check_user("influxdb:1.11-alpine", 1500, Some(1500));
    check_user("influxdb:2.7", 1000, Some(1000));
    assert_eq!(found("influxdb:2").facts.user, Some(User::Root));
    assert_eq!(found("hashicorp/vault:1.20-ubi").facts.user, Some(User::Numeric));
    assert!(found("hashicorp/vault:1.20-ubi").facts.file_capabilities.is_empty());
    assert_eq!(found("hashicorp/vault:2.0.1").facts.file_capabilities, ["IPC_LOCK"]);
    assert_eq!(found("hashicorp/vault").facts.file_capabilities, ["IPC_LOCK"]);
}

#[test]
fn nothing_is_said_about_tags_outside_of_the_row() {
    for reference in [
        "haproxy:2.2",
        "coredns/coredns:1.8.0",
        "influxdb:1.8",
        "influxdb:3-core",
        "gcr.io/distroless/static",
    ] {
        check_unknown(reference);
    }
    check_user("haproxy:2", 99, Some(99));
    check_user("haproxy:lts-alpine", 99, Some(99));
    check_user("gcr.io/distroless/static-debian12:nonroot", 65532, Some(65532));
}

#[test]
fn a_digest_alone_leaves_the_variant_open() {
    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (reference, confidence) in [
        ("redis@", Confidence::Tag),
        ("redis:7.2@", Confidence::Exact),
        ("mongo@", Confidence::Exact),
        ("mycompany/redis@", Confidence::BaseName),
    ] {
        let reference = format!("{reference}{DIGEST}");
        assert_eq!(found(&reference).confidence, confidence, "{reference}");
    }
}

#[test]
fn group_zero_is_left_as_it_is() {
    for reference in
        ["nginxinc/nginx-unprivileged", "quay.io/keycloak/keycloak:26.0", "sonarqube", "elasticsearch"]
    {
        assert_eq!(found(reference).facts.run_as_group(), None, "{reference}");
    }
    let facts = Facts { gid: Some(0), group_zero: true, ..Facts::default() };
    assert_eq!(facts.run_as_group(), None);
}

#[test]
fn rows_of_the_user_come_first_and_claim_nothing_else() {
    let own = "
        - {image: nginx, uid: 4242, writable: [/srv]}
        - {image: registry.example.com/team/redis, uid: 4243}
        - {image: 'not a reference', uid: 1}";
    let own: Vec<Entry> = serde_yaml::from_str(own).unwrap();
    let catalogue = catalogue().with(own);
    let uid = |reference| catalogue.lookup(reference).and_then(|found| found.facts.uid);
    assert_eq!(uid("docker.io/library/nginx:1.27"), Some(4242));
    assert_eq!(uid("registry.example.com/team/redis"), Some(4243));
    assert_eq!(uid("other.example.com/team/redis"), Some(999));
    assert_eq!(uid("other.example.com/nginx"), Some(101));
    assert_eq!(uid("not a reference"), None);
}

#[test]
fn unknown_keys_are_errors() {
    assert!(serde_yaml::from_str::<Entry>("{image: nginx, uid: 1}").is_ok());
    for entry in [
        "{image: nginx, uuid: 1}",
        "{image: nginx, variants: [{tags: {like: [a]}, uuid: 1}]}",
        "{image: nginx, tags: {from: '1'}}",
        "{image: nginx, uid: '1'}",
        "{uid: 1}",
    ] {
        assert!(serde_yaml::from_str::<Entry>(entry).is_err(), "{entry}");
    }
}

#[test]
fn node_agents_are_told_by_name() {
    for reference in [
        "k8s.gcr.io/sig-storage/csi-node-driver-registrar:v2.3.0",
        "swr.cn-north-4.myhuaweicloud.com/k8s-csi/evs-csi-plugin:v0.1.6",
        "quay.io/calico/node:v3.28.0",
        "rancher/mirrored-calico-cni",
        "quay.io/cilium/cilium:v1.16.0",
        "ghcr.io/flannel-io/flannel-cni-plugin",
        "istio/install-cni:1.23.0",
        "registry.k8s.io/kube-proxy:v1.30.0",
        "registry.k8s.io/node-problem-detector/node-problem-detector",
        "nvcr.io/nvidia/k8s-device-plugin:v0.16.1",
        "swr.cn-north-4.myhuaweicloud.com/hwofficial/everest:2.1.30",
        "swr.cn-north-4.myhuaweicloud.com/hwofficial/huawei-npu",
        "prom/node-exporter",
        "falcosecurity/falco",
        "sysdig/agent",
    ] {
        assert!(catalogue().is_node_agent(reference), "{reference}");
    }
    for reference in [
        "nginx",
        "mycompany/input-service",
        "nvcr.io/nvidia/pytorch",
        "mycompany/csis",
        "{{ calico }}",
        "mycompany/cni/app",
    ] {
        assert!(!catalogue().is_node_agent(reference), "{reference}");
    }
}

#[test]
fn programs_with_unusual_system_calls_are_told_by_word() {
    for (text, word) in [
        ("selenium/standalone-chrome:4", Some("chrome*")),
        ("/usr/bin/Google-Chrome-stable --headless", Some("chrome*")),
        ("moby/buildkit:rootless", Some("buildkit*")),
        ("docker:27-dind", Some("dind")),
        ("exec perf record -a", Some("perf")),
        ("qemu-system-x86_64", Some("qemu*")),
        ("mycompany/performance", None),
        ("binding", None),
        ("", None),
    ] {
        assert_eq!(catalogue().needs_unconfined_syscalls(text), word, "{text}");
    }
}

#[test]
fn the_catalogue_knows_what_people_use() {
    let count = catalogue().entries().count();
    assert!(count >= 120, "{count}");
}

#[test]
fn a_row_is_found_whatever_the_tag() {
    let image = ImageRef::parse("haproxy:2.2").unwrap();
    assert_eq!(catalogue().find(&image), None);
    assert_eq!(catalogue().row(&image).map(|entry| &*entry.image), Some("docker.io/library/haproxy"));
    assert_eq!(catalogue().row(&ImageRef::parse("mycompany/app").unwrap()), None);
}

#[test]
fn every_row_is_sane() {
    let mut repositories = HashSet::new();
    let mut base_names = HashSet::new();
    for entry in catalogue().entries() {
        let image = &entry.image;
        check_source(image, &entry.source);
        for repository in entry.repositories() {
            let parsed = ImageRef::parse(repository).expect(repository);
            assert_eq!(parsed.repository(), repository, "not normalised");
            assert_eq!(resolve(&names().mirrors, repository), repository, "a mirror's");
            assert!(repositories.insert(repository), "{repository} stands twice");
        }
        if entry.base_name {
            let names: HashSet<&str> = entry.repositories().map(last_part).collect();
            let mut names: Vec<&str> = names.into_iter().collect();
            names.sort_unstable();
            for name in names {
                assert!(base_names.insert(name), "{name} is claimed twice");
            }
        }
        for facts in std::iter::once(&entry.facts).chain(entry.variants.iter().map(|variant| &variant.facts))
        {
            check_facts(image, facts);
        }
        for variant in &entry.variants {
            assert_ne!(variant.tags, Tags::default(), "{image} has a variant for all tags");
        }
        for tags in std::iter::once(&entry.tags).chain(entry.variants.iter().map(|variant| &variant.tags)) {
            for bound in tags.since.iter().chain(&tags.before) {
                assert!(version(bound).is_some(), "{image}: {bound} is no version");
            }
        }
    }
}

/// `owner/repository:path`, `owner/repository#issue`, or `owner/repository` of one that holds nothing else;
/// several behind a semicolon each, further paths of one repository behind a comma.
#[track_caller]
fn check_source(image: &str, source: &str) {
    for place in source.split(';').map(str::trim) {
        let repository = place.split([':', '#', ',']).next().unwrap_or_default();
        let parts: Vec<&str> = repository.split('/').collect();
        let is_name =
            |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        assert!(
            parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && is_name(part)),
            "{image}: {place:?} is no source"
        );
    }
}

#[track_caller]
fn check_facts(image: &str, facts: &Facts) {
    assert_ne!(*facts, Facts::default(), "{image} says nothing");
    assert!(facts.uid.is_none_or(|uid| (1..=2_147_483_647).contains(&uid)), "{image}");
    assert!(facts.gid.is_none_or(|gid| (0..=2_147_483_647).contains(&gid)), "{image}");
    assert!(facts.gid.is_none() || !facts.group_zero, "{image} has two groups");
    assert!(facts.uid.is_none() || facts.start != Some(Start::Root), "{image} is root and is not");
    assert!(!facts.ports.contains(&0), "{image}");
    for capability in &facts.file_capabilities {
        assert!(!capability.starts_with("CAP_") && *capability == capability.to_ascii_uppercase(), "{image}");
    }
    let paths = facts.writable.iter().chain(&facts.needs_content).chain(&facts.volumes);
    let mut seen = HashSet::new();
    for path in paths {
        assert!(is_normalised(path), "{image}: {path}");
        assert!(seen.insert(path), "{image}: {path} stands twice");
    }
    for path in &facts.writable {
        assert!(!hides_needed_files(path), "{image}: {path} must not be covered");
        for needed in &facts.needs_content {
            assert!(!needed.starts_with(&format!("{path}/")), "{image}: {path} would hide {needed}");
        }
    }
    if facts.read_only_root == ReadOnlyRoot::Works {
        assert!(facts.needs_content.is_empty(), "{image} needs directories that nothing covers");
    }
}

fn is_normalised(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

/// Directories that hold an image's programs, settings or all of its state.
fn hides_needed_files(path: &str) -> bool {
    const TOP: [&str; 15] = [
        "bin", "boot", "dev", "etc", "home", "lib", "lib64", "opt", "proc", "root", "sbin", "srv", "sys",
        "usr", "var",
    ];
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts[..] {
        [top] => TOP.contains(&top),
        ["usr" | "lib" | "lib64" | "bin" | "sbin" | "dev" | "proc" | "sys", _]
        | ["var", "lib" | "www"]
        | ["opt", "bitnami"]
        | ["etc", "ssl" | "nginx"]
        | ["usr", "local" | "share", _] => true,
        _ => false,
    }
}

#[test]
fn every_list_is_sane() {
    let data = names();
    for mirror in &data.mirrors {
        assert!(!mirror.source.is_empty() && mirror.prefix != mirror.origin, "{mirror:?}");
        for name in [&mirror.prefix, &mirror.origin] {
            assert!(ImageRef::parse(&format!("{name}/x/y")).is_some(), "{name}");
        }
    }
    for list in [&data.own_builds, &data.node_agents, &data.unconfined] {
        let mut seen = HashSet::new();
        for pattern in list {
            assert!(!pattern.is_empty() && pattern.chars().any(|c| c.is_ascii_alphanumeric()), "{pattern:?}");
            assert_eq!(*pattern, pattern.to_ascii_lowercase());
            assert!(seen.insert(pattern), "{pattern} stands twice");
        }
    }
}

#[test]
fn patterns_match_the_whole_text() {
    for (pattern, text, expected) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("*", "", true),
        ("a*", "abc", true),
        ("*c", "abc", true),
        ("*b*", "abc", true),
        ("*b*", "b", true),
        ("a*a", "a", false),
        ("a*b*c", "axbxc", true),
        ("a*b*c", "axcxb", false),
        ("*ab*ab*", "abab", true),
        ("*ab*ab*", "ab", false),
    ] {
        assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn versions_are_compared_by_number() {
    for (tag, bound, expected) in [
        ("1.27", "1.17", true),
        ("1.9", "1.17", false),
        ("1.17", "1.17", true),
        ("1.17-alpine", "1.17", true),
        ("v1.16.9", "1.17", false),
        ("1", "1.17", true),
        ("2", "1.17", true),
        ("latest", "1.17", true),
        ("2024a", "1.17", true),
        ("99999999999999999999999", "1.17", true),
    ] {
        assert_eq!(is_at_least(tag, bound), expected, "{tag} {bound}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = ImageRef::parse(&text);
        let _ = catalogue().lookup(&text);
        let _ = catalogue().is_node_agent(&text);
        let _ = catalogue().needs_unconfined_syscalls(&text);
    }

    #[test]
    fn text_like_a_reference_parses_to_a_fixed_point(text in "[a-cA-C0-1._:/@\\[\\]-]{0,24}(:[a-z0-9.]{1,5})?") {
        if let Some(image) = ImageRef::parse(&text) {
            let again = ImageRef::parse(image.repository()).map(|again| again.repository().to_owned());
            prop_assert_eq!(again.as_deref(), Some(image.repository()));
            prop_assert_eq!(format!("{}/{}", image.registry(), image.path()), image.repository());
        }
    }

    #[test]
    fn every_row_is_found_in_its_own_repositories(idx in 0..catalogue().entries().count(), tag in "[0-9]{1,2}(-alpine)?") {
        let entry = catalogue().entries().nth(idx).unwrap();
        for repository in entry.repositories() {
            if let Some(found) = catalogue().lookup(&format!("{repository}:{tag}")) {
                prop_assert_eq!(&found.entry.image, &entry.image);
                prop_assert_eq!(found.confidence, Confidence::Exact);
            }
        }
    }
}
