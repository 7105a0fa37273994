//! What is not to be fixed: annotations, comments, overrides, and how they age.

use crate::common::{Folder, Ran};

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: web
    image: registry.example.com/team/web:1
  - name: log
    image: registry.example.com/log:1
";

const COMMENT: &str = "# cce-fix: ignore[capabilities] opens raw sockets until=2026-11-30";

fn commented(comment: &str) -> String {
    POD.replace("- name: web", &format!("- name: web {comment}"))
}

/// Runs the program on a day.
fn run_on(folder: &Folder, day: u64, args: &[&str]) -> Ran {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cce-fix"));
    Ran::of(command.args(args).current_dir(folder.path()).env("SOURCE_DATE_EPOCH", day.to_string()), b"")
}

/// The last day of November 2026, and the day after it.
const LAST_DAY: u64 = 1_795_996_800;
const DAY_AFTER: u64 = LAST_DAY + 86_400;

const ONLY: [&str; 2] = ["-s", "capabilities"];

#[test]
fn a_comment_keeps_its_container_as_it_is_until_its_last_day() {
    let folder = Folder::with(&[("pod.yaml", &commented(COMMENT))]);
    let args = [&ONLY[..], &["--diff", "-v", "pod.yaml"]].concat();
    let ran = run_on(&folder, LAST_DAY, &args);
    assert_eq!(ran.stdout.matches("drop:").count(), 1, "{ran:?}");
    assert!(
        ran.stderr.contains(
            "pod.yaml:8:5: capabilities: Pod shop/web: container `web`: \
             suppressed until 2026-11-30 by the comment in line 8: opens raw sockets\n"
        ),
        "{ran:?}"
    );
    assert!(ran.stderr.contains(", 1 finding suppressed, 0 left"), "{ran:?}");
    assert!(!ran.stderr.contains("warning"), "{ran:?}");
    let ran = run_on(&folder, DAY_AFTER, &args);
    assert_eq!(ran.stdout.matches("drop:").count(), 2, "{ran:?}");
    assert!(
        ran.stderr.contains(
            "pod.yaml:8:15: warning: this suppression ended on 2026-11-30; its findings count again\n"
        ),
        "{ran:?}"
    );
}

#[test]
fn what_is_out_of_date_or_misspelt_is_told_and_counts_for_strict() {
    let comment = "# cce-fix: ignore[capabilites, resources] why";
    let folder = Folder::with(&[("pod.yaml", &commented(comment))]);
    let args = ["-s", "sshd,resources", "pod.yaml"];
    let first = folder.run(&args);
    first.expect(
        0,
        "",
        "pod.yaml:8:15: warning: `capabilites` is no transform, so nothing is suppressed; \
         did you mean `capabilities`?\n",
    );
    assert!(first.stderr.contains(", 1 suppression to look at\n"), "{first:?}");
    folder.run(&[&["--strict"], &args[..]].concat()).expect(1, "", "did you mean");
    folder.run(&["--strict", "-q", "-s", "sshd", "pod.yaml"]).expect(1, "", "did you mean");

    let folder = Folder::with(&[("pod.yaml", &commented("# cce-fix: ignore[sshd] why"))]);
    folder.run(&["--strict", "-s", "sshd", "pod.yaml"]).expect(
        1,
        "",
        "pod.yaml:8:15: warning: nothing is found here that `sshd` would have to be suppressed for\n",
    );
    folder.run(&["--strict", "-s", "capabilities", "pod.yaml"]).expect(0, "", "0 refused");
    let without = folder.run(&["--strict", "--no-suppressions", "-s", "sshd", "pod.yaml"]);
    assert_eq!((without.code, without.stderr.contains("warning")), (Some(0), false), "{without:?}");
}

#[test]
fn other_flaws_are_told_with_their_place() {
    for (comment, words) in [
        (
            "# cce-fix: ignore capabilities",
            "pod.yaml:8:15: warning: this suppresses nothing: the ids stand in",
        ),
        ("# cce-fix: ignore[capabilities]", "pod.yaml:8:15: warning: this suppression gives no reason"),
        ("# cce-fix: ignore[capabilities] x until=soon", "`until=soon`: expected a day such as `2027-01-31`"),
        ("# cce-fix: ignore[card] x", "`card` is a group"),
    ] {
        let folder = Folder::with(&[("pod.yaml", &commented(comment))]);
        let ran = folder.run(&[&ONLY[..], &["--check", "pod.yaml"]].concat());
        assert!(ran.code == Some(1) && ran.stderr.contains(words), "{ran:?} lacks {words}");
    }
}

#[test]
fn an_audit_looks_as_if_nothing_were_suppressed() {
    let folder = Folder::with(&[
        ("pod.yaml", &commented(COMMENT)),
        (".cce-fix.yaml", "overrides: [{match: {kind: Pod}, ignore: [resources], reason: quotas}]\n"),
    ]);
    let args = ["--diff", "-s", "capabilities,resources", "pod.yaml"];
    let ran = run_on(&folder, LAST_DAY, &args);
    assert!(ran.stdout.matches("drop:").count() == 1 && !ran.stdout.contains("cpu:"), "{ran:?}");
    let audit = run_on(&folder, LAST_DAY, &[&["--no-suppressions"], &args[..]].concat());
    assert!(audit.stdout.matches("drop:").count() == 2 && audit.stdout.contains("cpu:"), "{audit:?}");
}

#[test]
fn overrides_are_for_what_they_match() {
    let config = |matching: &str| {
        format!("overrides:\n- match: {matching}\n  ignore: [capabilities]\n  reason: legacy\n")
    };
    for (matching, drops) in [
        ("{path: 'old/**'}", [0, 2]),
        ("{path: old}", [0, 2]),
        ("{path: /pod.yaml}", [2, 2]),
        ("{path: pod.yaml}", [0, 0]),
        ("{path: 'old/', container: log}", [1, 2]),
        ("{container: w*}", [1, 1]),
        ("{image: 'team/*'}", [1, 1]),
        ("{namespace: shop, name: 'we?'}", [0, 0]),
        ("{namespace: prod}", [2, 2]),
    ] {
        let folder = Folder::with(&[
            (".cce-fix.yaml", &config(matching)),
            ("old/pod.yaml", POD),
            ("new/pod.yaml", POD),
        ]);
        let found = ["old/pod.yaml", "new/pod.yaml"]
            .map(|path| folder.run(&[&ONLY[..], &["--diff", path]].concat()).stdout.matches("drop:").count());
        assert_eq!(found, drops, "{matching}");
    }
}

#[test]
fn an_override_is_judged_when_its_whole_folder_was_walked() {
    let config = "\
overrides:
- {match: {path: gone/}, ignore: [capabilities], reason: legacy}
- {match: {kind: Pod}, ignore: [capabilities], reason: legacy}
- {match: {kind: Pod}, ignore: [resources], reason: legacy}
- {match: {kind: Pod}, ignore: [capabilities], reason: legacy, until: 2020-01-01}
";
    let folder = Folder::with(&[("a/.cce-fix.yaml", config), ("a/pod.yaml", POD)]);
    let over = ".cce-fix.yaml: warning: `overrides[3]`: this suppression ended on 2020-01-01; its findings \
                count again\n";
    let part = folder.run(&[&ONLY[..], &["a/pod.yaml"]].concat());
    part.expect(0, "", over);
    assert_eq!(part.stderr.matches("warning").count(), 1, "{part:?}");
    let whole = folder.run(&[&ONLY[..], &["--strict", "."]].concat());
    whole.expect(1, "", ".cce-fix.yaml: warning: `overrides[0]`: nothing is found that it suppresses\n");
    assert_eq!(whole.stderr.matches("warning").count(), 2, "{whole:?}");
}

#[test]
fn a_configuration_with_a_bad_override_stops_before_any_manifest() {
    for (config, words) in [
        (
            "overrides:\n- match: {kindd: Pod}\n  ignore: [sshd]\n  reason: x\n",
            ".cce-fix.yaml:2:11: overrides[0].match: unknown field `kindd`; did you mean `kind`?",
        ),
        (
            "overrides: [{match: {kind: Pod}, ignore: [sshdd], reason: x}]\n",
            ".cce-fix.yaml: `overrides[0].ignore`: `sshdd` is neither a transform nor a group; did you mean `sshd`?",
        ),
        ("overrides: [{match: {kind: Pod}, ignore: [sshd]}]\n", "missing field `reason`"),
        ("overrides: [{match: {kind: Pod}, ignore: [sshd], reason: ' '}]\n", "a reason in words is missing"),
        ("overrides: [{match: {}, ignore: [sshd], reason: x}]\n", "it matches everything"),
        ("overrides: [{match: {kind: Pod}, ignore: [], reason: x}]\n", "no id is given"),
        (
            "overrides: [{match: {kind: Pod}, ignore: [sshd], reason: x, until: 2027-02-30}]\n",
            "expected a day such as `2027-01-31`",
        ),
        (
            "overrides: [{match: {kind: Pod}, ignore: [sshd], reason: x until=soon}]\n",
            "`until=soon`: expected a day",
        ),
        ("overrides: [{match: {name: 'a[b'}, ignore: [sshd], reason: x}]\n", "`a[b`"),
        ("overrides: [{match: {path: '# a'}, ignore: [sshd], reason: x}]\n", "this names no files"),
    ] {
        let folder = Folder::with(&[(".cce-fix.yaml", config), ("pod.yaml", POD)]);
        folder.run(&["."]).expect(2, "", words);
        assert_eq!(folder.read("pod.yaml"), POD);
    }
}

#[test]
fn a_team_starts_clean() {
    let left = POD.replace("spec:\n", "spec:\n  hostPID: true\n  shareProcessNamespace: true\n");
    let folder = Folder::with(&[("pod.yaml", &left), ("more/two.yaml", &format!("{POD}---\n{left}"))]);
    let before = folder.run(&["--strict", "--safe", "--check", "."]);
    assert_eq!(before.code, Some(1), "{before:?}");
    let adding = ["--safe", "--strict", "--add-suppressions", "before the audit", "."];
    let shown = folder.run(&[&["--diff"], &adding[..]].concat());
    assert!(shown.stdout.contains("+    cce-fix/ignore.capabilities: before the audit\n"), "{shown:?}");
    assert_eq!(folder.read("pod.yaml"), left);
    folder.run(&adding).expect(0, "", "0 left with something for a person");
    let text = folder.read("pod.yaml");
    assert!(text.starts_with(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: shop\n  annotations:\n    cce-fix/ignore."
    ));
    folder.run(&["--strict", "--safe", "--check", "."]).expect(0, "", "0 would change");
    folder.run(&["--strict", "."]).expect(0, "", "0 changed");
    folder.run(&adding).expect(0, "", "0 changed");
    assert_eq!(folder.read("pod.yaml"), text);
    let audit = folder.run(&["--strict", "--safe", "--check", "--no-suppressions", "."]);
    assert_eq!(audit.code, Some(1), "{audit:?}");
}

#[test]
fn a_bad_reason_or_date_stops_before_any_manifest() {
    let folder = Folder::with(&[("pod.yaml", POD)]);
    for (reason, words) in [
        ("", "`--add-suppressions`: a reason in words is missing"),
        ("x until=2027-02-30", "`until=2027-02-30`: expected a day such as `2027-01-31`"),
        ("x until=2020-01-01", "`--add-suppressions`: 2020-01-01 is over"),
        ("a\nb", "a reason is one line of text"),
    ] {
        folder.run(&["--add-suppressions", reason, "pod.yaml"]).expect(2, "", words);
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cce-fix"));
    let command = command.arg("pod.yaml").current_dir(folder.path()).env("SOURCE_DATE_EPOCH", "today");
    Ran::of(command, b"").expect(
        2,
        "",
        "error: `SOURCE_DATE_EPOCH`: expected the seconds since 1970, not `today`",
    );
    assert_eq!(folder.read("pod.yaml"), POD);
}

#[test]
fn reports_tell_what_is_suppressed_and_why() {
    let folder = Folder::with(&[
        ("pod.yaml", &commented(COMMENT)),
        (".cce-fix.yaml", "overrides: [{match: {container: log}, ignore: [capabilities], reason: legacy}]\n"),
    ]);
    let args = [&ONLY[..], &["--check", "-o", "sarif", "pod.yaml"]].concat();
    let ran = run_on(&folder, LAST_DAY, &args);
    for part in [
        r#""kind": "inSource""#,
        r#""justification": "opens raw sockets (until 2026-11-30)""#,
        r#""kind": "external""#,
        r#""justification": "legacy""#,
    ] {
        assert!(ran.code == Some(0) && ran.stdout.contains(part), "{part} is not in {ran:?}");
    }
}
