//! What the program tells about itself.

use crate::common::Folder;

#[test]
fn the_short_help_fits_a_screen() {
    let ran = Folder::new().run(&["-h"]);
    assert_eq!(ran.code, Some(0));
    let lines = ran.stdout.lines().count();
    assert!(lines <= 32, "{lines} lines:\n{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.len() <= 80), "{}", ran.stdout);
}

#[test]
fn every_shell_gets_completions() {
    for (shell, words) in [
        ("bash", "COMPREPLY=("),
        ("zsh", "#compdef cce-fix"),
        ("fish", "complete -c cce-fix"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[cce-fix]"),
    ] {
        let ran = Folder::new().run(&["completions", shell]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.contains(words), "{shell}: {}", ran.stdout);
        for option in ["keep-explicit", "restricted", "completions"] {
            assert!(ran.stdout.contains(option), "{shell} lacks {option}");
        }
    }
    assert_eq!(Folder::new().run(&["completions", "cmd"]).code, Some(2));
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let page = |args: &[&str]| {
        let ran = Folder::new().run(&[&["man"], args].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout
    };
    let program = page(&[]);
    for words in [".TH cce-fix 1", "\\-\\-keep\\-explicit", "130  interrupted", "cce\\-fix\\-pss(1)"] {
        assert!(program.contains(words), "{words}: {program}");
    }
    for command in ["explain", "rules", "pss", "config", "completions", "man"] {
        assert!(page(&[command]).contains(&format!(".TH cce-fix-{command} 1")), "{}", page(&[command]));
    }
    let unknown = Folder::new().run(&["man", "explian"]);
    unknown.expect(2, "", "error: `explian` is no command; did you mean `explain`?");
}

#[test]
fn the_configuration_that_holds_is_shown_with_its_origin() {
    let folder = Folder::with(&[
        (".cce-fix.yaml", "profile: restricted\n"),
        ("apps/.cce-fix.yaml", "# ours\ntransforms:\n  resources: {ratio: 2}\n"),
        ("apps/web/web.yaml", ""),
        ("wrong.yaml", "profle: cce\n"),
    ]);
    let shown = folder.run(&["config", "show"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(
        shown.stdout.contains("/.cce-fix.yaml:1\n") && shown.stdout.contains("\nprofile: restricted  # ")
    );
    for path in ["apps", "apps/web", "apps/web/web.yaml"] {
        let shown = folder.run(&["config", "show", path]).stdout;
        assert!(shown.contains("\nprofile: cce  # default\n"), "{shown}");
        assert!(shown.contains("    ratio: 2.0  # ") && shown.contains("/apps/.cce-fix.yaml:3\n"), "{shown}");
    }
    let isolated = folder.run(&["config", "show", "--isolated"]).stdout;
    assert!(isolated.starts_with("# no configuration file"), "{isolated}");
    assert!(
        isolated.lines().skip(1).all(|line| line.ends_with(':') || line.ends_with("  # default")),
        "{isolated}"
    );
    folder.run(&["config", "show", "--config", "wrong.yaml"]).expect(2, "", "did you mean `profile`?");
    assert_eq!(folder.run(&["config"]).code, Some(2));
}

#[test]
fn rules_come_in_three_forms() {
    let form = |form: &str| Folder::new().run(&["rules", "--format", form]).stdout;
    let json: serde_json::Value = serde_json::from_str(&form("json")).unwrap();
    assert_eq!(json.as_array().unwrap().len(), transforms::ALL.len());
    assert_eq!(Folder::new().run(&["rules"]).stdout, form("text"));
    assert!(form("markdown").starts_with("| id |"));
}
