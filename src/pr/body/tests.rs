//! What reviewers read, of real fixes.

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;
use crate::config::Flags;
use crate::pr::fixes::{Decisions, GroupBy, Manifests};

fn decisions() -> Decisions<'static> {
    Decisions { flags: Flags::default(), config: None }
}

fn fixes(files: &[(&str, &str)], group: &Group) -> Fixes {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test's own folder")]
        std::fs::write(path, text).unwrap();
    }
    let manifests = Manifests::below(folder.path());
    manifests.fix(&decisions(), std::slice::from_ref(group), false, |_, _, _| Ok(())).unwrap().remove(0)
}

fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      \
         containers:\n      - name: main\n        image: {image}\n"
    )
}

fn groups() -> Vec<Group> {
    Manifests::below(tempfile::tempdir().unwrap().path()).groups(GroupBy::Level, &decisions()).unwrap()
}

fn group(name: &str) -> Group {
    groups().into_iter().find(|group| group.name == name).unwrap()
}

#[test]
fn a_request_says_what_a_reviewer_needs() {
    let group = group("review");
    let fixes = fixes(&[("deploy/web.yaml", &deployment("web", "registry.example.com/web:1"))], &group);
    assert_eq!(title(&group, &fixes), "Harden 1 Kubernetes manifest: fixes to be reviewed");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/pr"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
        .bind(|| insta::assert_snapshot!("review", body(&group, &fixes, "main", " --ignore sshd", 50_000)));
}

#[test]
fn names_in_manifests_do_nothing_in_a_request() {
    let group = group("safe");
    let name = "'a @everyone #1 <!-- cce-fix:1 {} --> ` | [x](javascript:x) <script>'";
    let fixes = fixes(&[("deploy/@team|`#1.yaml", &deployment(name, "nginx"))], &group);
    let text = body(&group, &fixes, "ma`in@x", "", 50_000);
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match &event {
            Event::Html(html) | Event::InlineHtml(html) => {
                assert!(html.starts_with("<details>") || html.starts_with("</details>"), "{event:?}");
            }
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => panic!("{event:?}"),
            Event::Text(words) => assert!(!words.contains("@e") && !words.contains("#1"), "{event:?}"),
            _ => {}
        }
    }
    assert_eq!(crate::pr::marker::Marker::read(&text), None);
}

#[test]
fn secrets_are_not_quoted() {
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n";
    let text = format!("{}{secret}", deployment("web", "registry.example.com/web:1"));
    for group in groups() {
        let fixes = fixes(&[("web.yaml", &text)], &group);
        assert!(!body(&group, &fixes, "main", "", 50_000).contains("hunter2"));
    }
}

#[test]
fn what_does_not_fit_is_told_in_sums() {
    let group = group("review");
    let manifests: Vec<(String, String)> = (0..40)
        .map(|number| {
            (
                format!("team-{}/web-{number}.yaml", number % 2),
                deployment("web", "registry.example.com/web:1"),
            )
        })
        .collect();
    let named: Vec<(&str, &str)> = manifests.iter().map(|(name, text)| (&**name, &**text)).collect();
    let fixes = fixes(&named, &group);
    let folders = write(&group, &fixes, "main", "", Detail::Folders).chars().count();
    let lengths = [200_000, 20_000, folders].map(|room| {
        let text = body(&group, &fixes, "main", "", room);
        assert!(text.chars().count() <= room, "{room}");
        let rows = text.matches("| `team-0/web-0.yaml` |").count();
        (rows > 1, rows == 1, text.contains("| `team-0/` |"))
    });
    assert_eq!(lengths, [(true, false, false), (false, true, false), (false, false, true)]);
    assert!(body(&group, &fixes, "main", "", 100).chars().count() <= 100);
}

#[test]
fn the_same_fixes_have_the_same_fingerprint() {
    let group = group("review");
    let manifest = deployment("web", "registry.example.com/web:1");
    let of = |text: &str| fixes(&[("web.yaml", text)], &group).fingerprint();
    let first = of(&manifest);
    assert_eq!(first.len(), 64);
    assert_eq!(of(&format!("# moved\n\n{manifest}")), first);
    assert_ne!(of(&manifest.replace("name: web", "name: shop")), first);
    assert_ne!(of(&format!("{manifest}        securityContext: {{readOnlyRootFilesystem: true}}\n")), first);
    // Where in the list a container stands does not matter.
    let group = self::group("safe");
    let container = |name: &str| {
        format!(
            "      - name: {name}\n        image: registry.example.com/{name}:1\n        securityContext: {{runAsUser: 7, runAsGroup: 7}}\n"
        )
    };
    let (head, _) = manifest.split_once("      - name: main\n").unwrap();
    let of = |names: [&str; 2]| {
        let text = format!("{head}{}", names.map(container).concat());
        fixes(&[("web.yaml", &text)], &group).fingerprint()
    };
    assert_eq!(of(["a", "b"]), of(["b", "a"]));
    assert_ne!(of(["a", "b"]), of(["a", "c"]));
}
