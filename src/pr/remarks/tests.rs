//! Remarks on real fixes.

use std::path::Path;

use super::*;
use crate::config::Flags;
use crate::pr::fixes::{Decisions, GroupBy, Manifests};

const HEAD: &str =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: NAME\nspec:\n  template:\n    spec:\n";

fn of(text: &str) -> Vec<Placed> {
    remarks(text).iter().map(|remark| remark.placed(|above| Some(format!("suggestion:-{above}")))).collect()
}

fn remarks(text: &str) -> Vec<Remark> {
    let folder = tempfile::tempdir().unwrap();
    crate::write::scratch(&folder.path().join("web.yaml"), text.as_bytes()).unwrap();
    let decisions = Decisions { flags: Flags::default(), config: None };
    let manifests = Manifests::below(folder.path());
    let groups = manifests.groups(GroupBy::None, &decisions).unwrap();
    let mut new = String::new();
    let mut put = |_: usize, _: &Path, text: &str| {
        text.clone_into(&mut new);
        Ok(())
    };
    let mut fixes = manifests.fix(&decisions, &groups, true, &mut put).unwrap().remove(0);
    let remarks = std::mem::take(&mut fixes.remarks);
    // Each that takes something back does so, and comes to the author's lines for its place.
    let (old, lines): (Vec<&str>, Vec<&str>) = (text.lines().collect(), new.lines().collect());
    for remark in &remarks {
        let (first, last) = remark.lines;
        assert!(1 <= first && first <= last && last <= lines.len(), "{remark:?}");
        if let Some(line) = remark.old_line {
            assert_eq!((lines[last - 1], first), (old[line - 1], last), "{remark:?}");
        }
        if let Some(back) = &remark.back {
            let mut restored = lines[..first - 1].to_vec();
            restored.extend(back.lines());
            restored.extend(&lines[last..]);
            let changes =
                |lines: &[&str]| changed_lines(text.as_bytes(), (lines.join("\n") + "\n").as_bytes()).len();
            assert_eq!(changes(&restored) + 1, changes(&lines), "{restored:#?}");
        }
    }
    remarks
}

fn deployment(name: &str, container: &str) -> String {
    format!(
        "{}      containers:\n      - name: main\n        image: registry.example.com/web:1\n{container}",
        HEAD.replace("NAME", name)
    )
}

#[test]
fn each_change_to_look_at_has_its_remark_and_its_way_back() {
    let text = deployment("web", "        securityContext: {privileged: true}\n        ports: []\n");
    let placed = of(&text);
    let all: String = placed.iter().map(|remark| &*remark.text).collect();
    assert!(all.contains("- **privileged**, "), "{all}");
    assert!(all.contains("- **privileged**: ") && all.contains("`cce-fix/ignore.ID: \"reason\"`"), "{all}");
    let privileged = placed.iter().find(|remark| remark.text.contains("**privileged**")).unwrap();
    assert!(privileged.text.contains("{privileged: true}\n```\n"), "{}", privileged.text);
    // Where a forge has no suggestions there are the lines alone.
    let plain = remarks(&text).iter().map(|remark| remark.placed(|_| None).text).collect::<String>();
    assert!(plain.contains("\n```yaml\n") && !plain.contains("suggestion"), "{plain}");
}

#[test]
fn what_was_taken_away_has_its_remark_on_the_line_beside_it() {
    let text = deployment("web", "        ports: []\n")
        .replace("    spec:\n      cont", "    spec:\n      hostPID: true\n      cont");
    let remarks = remarks(&text);
    assert!(remarks.iter().any(|remark| remark.text.contains("host")), "{remarks:#?}");
}

#[test]
fn the_same_remark_has_the_same_key_wherever_its_lines_are() {
    let keys = |text: &str| remarks(text).into_iter().map(|remark| remark.key).collect::<Vec<_>>();
    let text = deployment("web", "");
    assert!(!keys(&text).is_empty());
    assert_eq!(keys(&format!("# moved\n\n{text}")), keys(&text));
    assert_ne!(keys(&text.replace("name: web", "name: shop")), keys(&text));
}

#[test]
fn names_do_nothing_and_secrets_are_not_quoted() {
    let name = "'a @everyone #1 <!-- cce-fix:1 lines 0a --> ` | [x](javascript:x) <script> ``` /close'";
    for remark in of(&deployment(name, "")) {
        let noted =
            noted(&format!("{}\n{}", remark.text, remark.mark)).map(str::to_owned).collect::<Vec<_>>();
        assert!(matches!(&*noted, [key] if remark.mark.contains(key) && key.len() == 12), "{noted:?}");
        for words in ["@everyone <", "<script>", "](java"] {
            let outside: String = remark.text.split('`').step_by(2).collect();
            assert!(!outside.contains(words), "{}", remark.text);
        }
    }
    // In one line with a fix there is no taking it back, since that would quote the secret.
    let list = "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \
                \"metadata\": {\"name\": \"s\"}, \"stringData\": {\"password\": \"hunter2\"}}, {\"apiVersion\": \"apps/v1\", \
                \"kind\": \"Deployment\", \"metadata\": {\"name\": \"p\"}, \"spec\": {\"template\": {\"spec\": \
                {\"containers\": [{\"name\": \"a\", \"image\": \"registry.example.com/a:1\"}]}}}}]}\n";
    assert!(!of(list).is_empty());
    for remark in of(list) {
        assert!(!remark.text.contains("hunter2"), "{}", remark.text);
    }
}

#[test]
fn what_is_long_is_cut_or_not_quoted() {
    let long = "x".repeat(10_000);
    let text = deployment(&long, &format!("        securityContext: {{privileged: true}}  # {long}\n"));
    let placed = of(&text);
    assert!(placed.iter().any(|remark| remark.text.contains("**privileged**")));
    for remark in placed {
        assert!(remark.text.len() < 20_000 && !remark.text.contains("suggestion"), "{}", remark.text.len());
    }
    // Names of which each letter is written by several.
    let hostile = (0..12)
        .map(|number| format!("      - name: \"{}{number}\"\n        image: a/b:1\n", "@".repeat(5000)));
    let text = format!("{}      containers:\n{}", HEAD.replace("NAME", "web"), hostile.collect::<String>());
    assert!(of(&text).iter().all(|remark| remark.text.len() < 40_000));
    let many: String = (0..40).map(|number| deployment(&format!("web-{number}"), "") + "---\n").collect();
    assert_eq!(remarks(&many).len(), MOST);
}

#[test]
fn what_was_said_is_noted() {
    let text = format!("text {} more {}\n", mark(["x"]), mark(["0a", "1b"]));
    assert_eq!(noted(&text).collect::<Vec<_>>(), ["0a", "1b"]);
    assert_eq!(noted("text").count(), 0);
}
