//! The examples on Huawei Cloud's pages about container security, which this program follows.
//!
//! The pages are read where they are beside the repository. `tests/fixtures/seeds` holds the same examples typed
//! anew, with the tabs and blanks of the pages, so that nothing here depends on them.

use std::fs;
use std::path::{Path, PathBuf};

use cce_fix::report;
use transforms::{CARD, Settings, State};

use crate::common::{examine, findings, only, repository};

/// A page, if the pages are there.
fn page(number: &str) -> Option<String> {
    let folder = repository().join("../shared/seeds");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("no pages beside the repository: the examples are tried as they were typed anew");
        return None;
    };
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let is_wanted = |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(number);
    let path = paths.iter().find(is_wanted).unwrap_or_else(|| panic!("page {number} is not there"));
    Some(fs::read_to_string(path).unwrap())
}

fn typed(name: &str) -> String {
    fs::read_to_string(repository().join("tests/fixtures/seeds").join(name)).unwrap()
}

/// The lines of `page` from the one that starts with `first` on, as far as they are indented as deep or deeper,
/// and without that indentation.
fn indented(page: &str, first: &str) -> String {
    let start = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut lines = page.lines().skip_while(|line| !line.trim_start().starts_with(first)).peekable();
    let depth = start(lines.peek().expect("the example is not on the page"));
    let below = lines.take_while(|line| line.trim().is_empty() || start(line) >= depth);
    let below: Vec<&str> = below.map(|line| line.get(depth..).unwrap_or_default()).collect();
    format!("{}\n", below.join("\n").trim_end_matches('\n'))
}

/// The Deployment as the Chinese page has it, and as it was typed anew.
fn deployments() -> Vec<String> {
    let of_page = page("002").map(|page| indented(&page, "apiVersion: apps/v1"));
    of_page.into_iter().chain([typed("deployment.yaml")]).collect()
}

/// The settings with the transforms of the card.
fn card() -> Settings {
    only(&CARD)
}

/// `text` with everything that `settings` allow fixed.
#[track_caller]
fn fixed(settings: &Settings, text: &str) -> String {
    let examined = examine(settings, text);
    assert_eq!(examined.problems, []);
    let fixed = examined.text.expect("something should change");
    let again = examine(settings, &fixed);
    assert_eq!(again.text, None, "a second run changes something");
    fixed
}

/// `text` with `new` in place of the only `old` in it.
#[track_caller]
fn replaced(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old:?} in {text}");
    text.replace(old, new)
}

/// `text` with nothing but single blanks between its words, as the English page shows it.
fn flattened(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_typed_examples_are_those_of_the_pages() {
    let (Some(english), Some(chinese)) = (page("001"), page("002")) else { return };
    assert_eq!(indented(&chinese, "apiVersion: apps/v1"), typed("deployment.yaml"));
    for name in ["deployment.yaml", "pod.yaml"] {
        assert!(flattened(&english).contains(&flattened(&typed(name))), "{name}");
    }
}

/// The two tabs behind `- all`, the blanks behind `emptyDir: {}`, and `image: ...`, which ends no document.
#[test]
fn the_oddities_are_there() {
    for text in deployments() {
        assert!(text.contains("- image: ...\n"), "{text}");
        assert!(text.contains("  - all\t\t\n"), "{text:?}");
        assert!(text.contains("emptyDir: {}            \n"), "{text:?}");
    }
}

/// What the safe fixes make of the Deployment.
fn safely_fixed(text: &str) -> String {
    let text = replaced(text, "              - all\t\t\n", "              - ALL\t\t\n");
    replaced(
        &text,
        "              readOnly: true\n",
        "              readOnly: true\n              mountPropagation: None\n",
    )
}

#[test]
fn the_deployment_by_safe_fixes() {
    for text in deployments() {
        assert_eq!(fixed(&Settings { safe: true, ..card() }, &text), safely_fixed(&text));
    }
}

#[test]
fn the_deployment_by_default() {
    let end_of_container = "              name: tmpfs-example-001\n      securityContext:\n";
    let with_resources = "              name: tmpfs-example-001
          resources:
            requests:
              cpu: 250m
              memory: 512Mi
            limits:
              cpu: 250m
              memory: 512Mi
      securityContext:
";
    for text in deployments() {
        let wanted = replaced(&safely_fixed(&text), end_of_container, with_resources);
        assert_eq!(fixed(&card(), &text), wanted);
    }
}

/// Nothing there is somebody's decision against a rule but the lower case, which stays too.
#[test]
fn the_deployment_with_explicit_values_kept() {
    for text in deployments() {
        let kept = fixed(&Settings { keep_explicit: true, ..card() }, &text);
        assert!(kept.eq_ignore_ascii_case(&fixed(&card(), &text)), "{kept}");
        assert!(kept.contains("- all") && !kept.contains("- ALL"), "{kept}");
    }
}

/// `runAsUser` is there, so no group comes with it; `NET_BIND_SERVICE` stays, and is doubted.
#[test]
fn the_deployment_is_satisfied_in_the_rest() {
    for text in deployments() {
        let examined = examine(&Settings::default(), &text);
        let lines = report::verbose(Path::new("seed.yaml"), &examined);
        let says = |id: &str, words: &str| {
            let about = lines.iter().filter(|line| line.contains(&format!(": {id}: ")));
            assert!(
                about.clone().count() == 1 && about.clone().all(|line| line.contains(words)),
                "{id}: {lines:#?}"
            );
        };
        for id in ["run-as-user", "seccomp-profile", "read-only-root-filesystem"] {
            says(id, "satisfied");
        }
        says("unprivileged-port", "left for a person: `NET_BIND_SERVICE`");
        let text = examined.text.unwrap();
        for kept in [
            "seccomp.security.alpha.kubernetes.io/pod: runtime/default\n",
            "              - NET_BIND_SERVICE\n",
            "            path: /etc/localtime\n            type: \"\"\n",
            "        - emptyDir: {}            \n          name: tmpfs-example-001 \n",
        ] {
            assert!(text.contains(kept), "{kept:?} is not in {text}");
        }
        assert!(!text.contains("runAsGroup"), "{text}");
    }
}

/// Below 1.19 the field does not exist: the annotation stays, and the field is reported.
#[test]
fn the_deployment_for_an_old_cluster() {
    for text in deployments() {
        let settings = Settings { target: "1.18".parse().unwrap(), ..card() };
        let examined = examine(&settings, &text);
        let lines = report::verbose(Path::new("seed.yaml"), &examined).join("\n");
        assert!(lines.contains("`seccompProfile` needs Kubernetes 1.19"), "{lines}");
        let fixed = examined.text.unwrap();
        assert!(fixed.contains("seccomp.security.alpha.kubernetes.io/pod: runtime/default\n"), "{fixed}");
        assert_eq!(fixed.matches("seccompProfile").count(), 1, "{fixed}");
    }
}

#[test]
fn the_pod_by_safe_fixes() {
    let text = typed("pod.yaml");
    let wanted = format!("{text}  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\n");
    assert_eq!(fixed(&Settings { safe: true, ..card() }, &text), wanted);
}

#[test]
fn the_pod_by_default() {
    let text = typed("pod.yaml");
    let container = "      mountPropagation: None
    - name: tmp
      mountPath: /tmp
    securityContext:
      runAsUser: 1000
      runAsGroup: 1000
      capabilities:
        drop:
        - ALL
      readOnlyRootFilesystem: true
    resources:
      requests:
        cpu: 250m
        memory: 512Mi
      limits:
        cpu: 250m
        memory: 512Mi
";
    let volumes = "  - name: tmp
    emptyDir: {}
  securityContext:
    seccompProfile:
      type: RuntimeDefault
";
    let wanted = replaced(&text, "      mountPropagation: None\n", container) + volumes;
    assert_eq!(fixed(&card(), &text), wanted);
    assert!(wanted.contains("      path: /opt/\n"), "the slash at the end stays");
    let examined = examine(&card(), &text);
    let of_mount = findings(&examined).find(|judged| judged.finding.transform.id == "mount-propagation");
    assert_eq!(of_mount.map(|judged| &judged.state), Some(&State::Satisfied));
}

/// `-all` without a blank is no item of a list, and beside the keys no value either.
#[test]
fn the_fragment_is_no_yaml() {
    let of_page = page("004").map(|page| {
        let fragment = indented(&page, "securityContext:");
        let fragment = fragment.replace('\n', "\n    ");
        format!(
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: web\n    image: web\n    {fragment}\n"
        )
    });
    for text in of_page.into_iter().chain([typed("fragment.yaml")]) {
        let line =
            1 + text.lines().position(|line| line.ends_with(" -all")).expect("the fragment has `-all`");
        let examined = examine(&card(), &text);
        assert_eq!(examined.text, None);
        let [problem] = examined.problems.as_slice() else { panic!("{examined:?}") };
        assert!(problem.message.starts_with("not valid YAML"), "{problem:?}");
        assert_eq!(problem.position.map(|position| position.line), Some(line), "{problem:?}");
    }
}
