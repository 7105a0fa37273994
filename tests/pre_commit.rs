//! The hooks of `.pre-commit-hooks.yaml`, run by the real `pre-commit` (fetched as the readers of reports are).

use std::path::Path;
use std::process::Command;

use crate::common::{Folder, Ran, repository};
use crate::reports::clients;

const PRE_COMMIT: &str = "4.7.0";

const POD: &[u8] =
    b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    \
                     image: nginx:1.27\n";

/// Stands in for the build, which takes minutes: puts the tested program where the real one would put it.
const CARGO: &str = "#!/bin/sh
echo \"$@\" >> \"$CARGO_LOG\"
while [ \"$1\" != --root ]; do shift; done
mkdir -p \"$2/bin\" && cp \"$CCE_FIX\" \"$2/bin/cce-fix\"
";

/// A commit of all that is in the folder; its name.
fn commit(folder: &Folder) -> String {
    folder.succeed("git", &["init", "-q"], b"");
    folder.succeed("git", &["add", "-A"], b"");
    let author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    folder.succeed("git", &[&author[..], &["commit", "-qm", "all"]].concat(), b"");
    folder.succeed("git", &["rev-parse", "HEAD"], b"").trim().to_owned()
}

/// Runs a hook on a repository twice: it fixes, then it has nothing to do.
fn fixes_once(programs: &Path, hook: &str, path: &[&Path], environment: &[(&str, &Path)]) {
    let hooks = Folder::new();
    for name in [".pre-commit-hooks.yaml", "Cargo.toml"] {
        hooks.write(name, &std::fs::read(repository().join(name)).unwrap());
    }
    let revision = commit(&hooks);
    let work = Folder::new();
    work.write("pod.yaml", POD);
    work.write("vendor/pod.yaml", POD);
    work.write(".cce-fix.yaml", b"exclude: [vendor/]\n");
    // Named on the command line, it would be an error.
    work.write("chart/templates/pod.yaml", b"kind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n");
    let config =
        format!("repos:\n- repo: {}\n  rev: {revision}\n  hooks: [{{id: {hook}}}]\n", hooks.path().display());
    work.write(".pre-commit-config.yaml", config.as_bytes());
    commit(&work);
    let home = Folder::new();
    let old = std::env::var_os("PATH").unwrap_or_default();
    let path = path.iter().map(Into::into).chain(std::env::split_paths(&old));
    let path = std::env::join_paths(path).unwrap();
    let run = || {
        let mut program = Command::new(programs.join("pre-commit"));
        program.args(["run", hook, "--all-files", "--color=never"]).current_dir(work.path());
        program.env("PRE_COMMIT_HOME", home.path()).env("PATH", &path);
        program.envs(environment.iter().copied());
        Ran::of(&mut program, b"")
    };
    let ran = run();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("files were modified by this hook"), "{ran:?}");
    assert!(ran.stdout.contains("1 file looked at, 1 changed"), "{ran:?}");
    assert!(work.read("pod.yaml").contains("seccompProfile"));
    assert_eq!(work.read("vendor/pod.yaml").as_bytes(), POD);
    commit(&work);
    let ran = run();
    assert!(ran.code == Some(0) && ran.stdout.contains("Passed"), "{ran:?}");
}

fn built() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cce-fix"))
}

#[cfg(unix)]
#[test]
fn the_hook_with_a_program_on_the_path_fixes_once() {
    let Some(programs) = clients::from_pypi("pre-commit", PRE_COMMIT) else { return };
    fixes_once(&programs, "cce-fix-system", &[built().parent().unwrap()], &[]);
}

#[cfg(unix)]
#[test]
fn the_hook_that_is_built_fixes_once() {
    use std::os::unix::fs::PermissionsExt as _;

    let Some(programs) = clients::from_pypi("pre-commit", PRE_COMMIT) else { return };
    let folder = Folder::new();
    folder.write("cargo", CARGO.as_bytes());
    let cargo = folder.path().join("cargo");
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    let log = folder.path().join("log");
    fixes_once(&programs, "cce-fix", &[folder.path()], &[("CCE_FIX", built()), ("CARGO_LOG", &log)]);
    let log = folder.read("log");
    let installs: Vec<&str> = log.lines().filter(|line| line.starts_with("install ")).collect();
    assert!(matches!(installs.as_slice(), [install] if install.ends_with("--path .")), "{log}");
}
