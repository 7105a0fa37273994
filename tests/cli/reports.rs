//! `-o FORMAT[=FILE]`: what goes where, and what is refused before anything is touched.

use super::POD;
use crate::common::Folder;

fn folder() -> Folder {
    Folder::with(&[("pod.yaml", POD)])
}

/// Refused, with this in the message, and nothing touched or made.
#[track_caller]
fn refused(folder: &Folder, args: &[&str], message: &str) {
    folder.run(args).expect(2, "", message);
    assert_eq!(folder.read("pod.yaml"), POD);
}

#[test]
fn a_report_goes_to_stdout_or_to_a_file() {
    let folder = folder();
    let ran = folder.run(&["--check", "-o", "concise", "-o", "json=a.json", "pod.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stdout.starts_with("pod.yaml:7:5: review[run-as-user] Pod web: container `web`: "),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("1 file looked at"), "{ran:?}");
    assert!(folder.read("a.json").starts_with("{\n  \"schemaVersion\": 1"));
    // What a file held before is gone, longer or not.
    folder.write("a.json", &vec![b'x'; 100_000]);
    folder.run(&["--check", "-q", "-o", "json=a.json", "pod.yaml"]);
    assert!(folder.read("a.json").ends_with("}\n") && !folder.read("a.json").contains("xx"));
}

#[test]
fn fixing_reports_what_was_done() {
    let folder = folder();
    let args = ["-q", "-s", "card", "-o", "concise", "pod.yaml"];
    let ran = folder.run(&args);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("[fixed]") && folder.read("pod.yaml").contains("runAsUser"), "{ran:?}");
    folder.run(&args).expect(0, "", "");
}

#[test]
fn the_diff_and_stdin_keep_stdout_to_themselves() {
    let folder = folder();
    let diff = folder.run(&["--diff", "-q", "pod.yaml"]).stdout;
    folder.run(&["--diff", "-q", "-o", "json=a.json", "pod.yaml"]).expect(1, &diff, "");
    assert!(folder.read("a.json").contains("\"mode\": \"diff\""));
    let fixed = folder.run_with(&["-q", "-"], POD.as_bytes()).stdout;
    let ran = folder.run_with(&["-q", "-o", "jsonl=a.jsonl", "-"], POD.as_bytes());
    ran.expect(0, &fixed, "");
    assert!(folder.read("a.jsonl").contains("\"file\":\"stdin.yaml\""));
    let ran = folder.run_with(&["-q", "--check", "-o", "concise", "-"], POD.as_bytes());
    assert!(ran.code == Some(1) && ran.stdout.starts_with("stdin.yaml:7:5: "), "{ran:?}");
    refused(&folder, &["--diff", "-o", "json", "pod.yaml"], "stdout is for the diff: give the report a file");
    refused(&folder, &["--list", "-o", "json", "pod.yaml"], "stdout is for the names");
    refused(&folder, &["-o", "json", "-"], "stdout is for what `-` gives");
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_touched() {
    let folder = folder();
    refused(&folder, &["-o", "jsn", "pod.yaml"], "no report has the format `jsn`; did you mean `json`?");
    refused(&folder, &["-o", "json=", "pod.yaml"], "`json=` names no file");
    refused(&folder, &["-o", "json", "-o", "sarif", "pod.yaml"], "two reports on stdout, json and sarif");
    refused(
        &folder,
        &["-o", "json=no/such/a.json", "pod.yaml"],
        "no/such/a.json: the report cannot be written",
    );
    refused(&folder, &["-o", "json=.", "pod.yaml"], "the report cannot be written");
    refused(&folder, &["-o", "json=a", "-o", "sarif=./a", "pod.yaml"], "two reports in one file");
    refused(
        &folder,
        &["-o", "json=pod.yaml", "."],
        "pod.yaml: a report would take the place of this manifest",
    );
    std::fs::hard_link(folder.path().join("pod.yaml"), folder.path().join("b.json")).unwrap();
    refused(&folder, &["-o", "json=b.json", "pod.yaml"], "would take the place of this manifest");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let folder = folder();
    folder.run(&["--check", "-q", "-o", "json=/dev/full", "pod.yaml"]).expect(
        2,
        "",
        "/dev/full: the report cannot be written",
    );
}

#[test]
fn what_could_not_be_written_is_left() {
    let folder = folder();
    std::fs::hard_link(folder.path().join("pod.yaml"), folder.path().join("other.yaml")).unwrap();
    let ran = folder.run(&["-q", "-o", "concise", "pod.yaml"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stdout.contains("the file could not be written [left]"), "{ran:?}");
    assert!(!ran.stdout.contains("[fixed]") && ran.stdout.contains("hard links"), "{ran:?}");
}

#[test]
fn a_tree_that_was_never_fixed_ends_with_where_to_start() {
    let folder = Folder::with(&[("a.yaml", POD), ("b/b.yaml", POD), ("b/c.yaml", POD)]);
    let ran = folder.run(&["--check", "."]);
    let rows: Vec<Vec<&str>> = ran.stderr.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["TRANSFORM", "SAFE", "REVIEW", "LEFT"]), "{ran:?}");
    assert!(rows.contains(&vec!["resources", "0", "3", "0"]), "{ran:?}");
    assert!(rows.contains(&vec!["seccomp-profile", "3", "0", "0"]), "{ran:?}");
    assert!(ran.stderr.trim_end().ends_with("(`cce-fix --diff FOLDER`)"), "{ran:?}");
    assert!(ran.stderr.contains("`cce-fix --safe PATH`"), "{ran:?}");
    // Not for one file, not with the diff, not quietly, and not once it is fixed.
    for args in [&["--check", "a.yaml"][..], &["--diff", "."], &["--check", "-q", "."]] {
        assert!(!folder.run(args).stderr.contains("TRANSFORM"), "{args:?}");
    }
    folder.run(&["-q", "."]);
    assert!(!folder.run(&["--check", "."]).stderr.contains("TRANSFORM"));
}

/// A line that goes is shown as one line that goes, with either kind of line end; one that comes stands below the
/// line that it comes after.
#[test]
fn the_edit_is_shown_as_lines() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  hostPID: true\n  containers:\n  \
               - name: web\n    image: nginx\n";
    let folder = Folder::with(&[("lf.yaml", pod), ("crlf.yaml", &pod.replace('\n', "\r\n"))]);
    for name in ["lf.yaml", "crlf.yaml"] {
        let shown = folder.run(&["--check", "-q", "-s", "host-pid", "-o", "full", name]).stdout;
        assert!(
            shown.ends_with("edit: remove `hostPID: true`\n  |\n6 -   hostPID: true\n  |\n\n"),
            "{shown}"
        );
        let shown = folder.run(&["--check", "-q", "-s", "resources", "-o", "full", name]).stdout;
        let below = "\n 9 ~     image: nginx\n10 +     resources:\n11 +       requests:\n";
        assert!(shown.contains(below), "{shown}");
    }
}
