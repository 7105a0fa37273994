//! The git part against the real git, with remotes that are folders.

use std::fs;

use super::*;

const MANIFEST: &str = "kind: Pod\nspec: {}\n";

/// A remote with one commit on `main`, a clone of it, and somebody who works on it.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        world.git(".", &["init", "--quiet", "--bare", "--initial-branch=main", "remote"]);
        world.git(".", &["clone", "--quiet", "remote", "person"]);
        world.commit("pod.yaml", MANIFEST);
        world.git("person", &["push", "--quiet", "origin", "HEAD:main"]);
        world.git(".", &["clone", "--quiet", "remote", "clone"]);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a person does, with a configuration of a person.
    fn git(&self, folder: &str, args: &[&str]) -> String {
        let folder = self.path(folder);
        let who =
            ["-c", "user.name=Person", "-c", "user.email=person@example.com", "-c", "commit.gpgSign=false"];
        #[expect(clippy::disallowed_methods, reason = "the real git")]
        let output = Command::new("git").args(who).args(args).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, name: &str, text: &str) {
        self.write("person", name, text);
        self.git("person", &["add", "--all"]);
        self.git("person", &["commit", "--quiet", "--message", "by a person"]);
    }

    fn write(&self, folder: &str, name: &str, text: &str) {
        #[expect(clippy::disallowed_methods, reason = "the test's own folder")]
        fs::write(self.path(folder).join(name), text).unwrap();
    }

    fn repository(&self) -> Repository {
        Repository::open(&self.path("clone"), "origin").unwrap()
    }

    fn at_remote(&self, branch: &str) -> Option<String> {
        let tip =
            self.git("remote", &["for-each-ref", "--format=%(objectname)", &format!("refs/heads/{branch}")]);
        Some(tip).filter(|tip| !tip.is_empty())
    }
}

fn heads(repository: &Repository) -> Heads {
    let heads = repository.heads(None, "cce-fix/").unwrap();
    repository.fetch([&*heads.tip].into_iter().chain(heads.branches.values().map(String::as_str))).unwrap();
    heads
}

/// The commit with `text` for the manifest.
fn commit(world: &World, repository: &Repository, text: &str) -> Option<String> {
    let heads = heads(repository);
    let tree = repository.check_out(&heads.tip).unwrap();
    assert!(tree.folder().join("pod.yaml").is_file() && !tree.folder().starts_with(world.folder.path()));
    let name = Path::new("pod.yaml");
    let mut drafts = tree.drafts([name]).unwrap();
    drafts.put(1, name, text).unwrap();
    let new = NewCommit { subject: "Harden a pod", body: "Why.\n", fingerprint: "f" };
    drafts.finish().unwrap().commit(1, &new).unwrap()
}

const SAFE: &str = "cce-fix/main/safe";

#[test]
fn the_same_fixes_on_the_same_base_are_the_same_commit() {
    let world = World::new();
    let repository = world.repository();
    let first = commit(&world, &repository, "kind: Pod\nspec: {a: 1}\n").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(commit(&world, &repository, "kind: Pod\nspec: {a: 1}\n"), Some(first.clone()));
    assert_ne!(commit(&world, &repository, "kind: Pod\nspec: {a: 2}\n"), Some(first.clone()));
    assert_eq!(commit(&world, &repository, MANIFEST), None);
    let shown = world.git("clone", &["show", "-s", "--format=%an %ae %cn %ce%n%B", &first]);
    let name = "cce-fix bot@cce-fix.invalid";
    assert_eq!(shown, format!("{name} {name}\nHarden a pod\n\nWhy.\n\nCce-Fix-Fingerprint: f"));
    let dates = world.git("clone", &["show", "-s", "--format=%at %ct", &first, "origin/main"]);
    let dates: Vec<&str> = dates.split_whitespace().collect();
    assert!(dates.iter().all(|date| *date == dates[0]), "{dates:?}");
}

/// What git converts for a work tree is in the commit as in the others; modes stay, and several commits are made of one
/// work tree.
#[test]
fn a_commit_has_what_git_would_have_added() {
    let world = World::new();
    world.write(
        "person",
        ".gitattributes",
        "crlf.yaml text eol=crlf\nid.yaml ident\nwide.yaml working-tree-encoding=UTF-16\n",
    );
    let wide: Vec<u8> = "a: 1\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    #[expect(clippy::disallowed_methods, reason = "the test's own folder")]
    fs::write(world.path("person/wide.yaml"), [&[0xfe, 0xff], &*wide].concat()).unwrap();
    for name in ["crlf.yaml", "id.yaml", "program.yaml", "ü b.yaml"] {
        world.write("person", name, "# $Id$\na: 1\n");
    }
    world.git("person", &["add", "--all"]);
    world.git("person", &["update-index", "--chmod=+x", "program.yaml", "crlf.yaml"]);
    world.commit("kept.yaml", "a: 1\r\nb: 1\r\n");
    world.git("person", &["push", "--quiet", "origin", "HEAD:main"]);
    let repository = world.repository();
    let heads = heads(&repository);
    let tree = repository.check_out(&heads.tip).unwrap();
    let names = ["crlf.yaml", "id.yaml", "kept.yaml", "program.yaml", "wide.yaml", "ü b.yaml"];
    let mut drafts = tree.drafts(names.map(Path::new)).unwrap();
    for name in names.into_iter().filter(|name| *name != "wide.yaml") {
        let text = fs::read_to_string(tree.folder().join(name)).unwrap();
        assert_eq!(text.contains('\r'), matches!(name, "crlf.yaml" | "kept.yaml"), "{name}");
        drafts.put(1, Path::new(name), &text.replace("a: 1", "a: 2")).unwrap();
    }
    drafts.put(2, Path::new("program.yaml"), "a: 3\n").unwrap();
    let drafts = drafts.finish().unwrap();
    let new = NewCommit { subject: "Harden", body: "", fingerprint: "f" };
    let [first, second] = [1, 2].map(|number| drafts.commit(number, &new).unwrap().unwrap());
    assert_eq!(drafts.commit(3, &new), Ok(None));
    let changed = |commit: &str| {
        world.git(
            "clone",
            &["-c", "core.quotePath=false", "diff", "--numstat", "--summary", &heads.tip, commit],
        )
    };
    assert_eq!(
        changed(&first),
        "1\t1\tcrlf.yaml\n1\t1\tid.yaml\n1\t1\tkept.yaml\n1\t1\tprogram.yaml\n1\t1\tü b.yaml"
    );
    assert_eq!(changed(&second), "1\t2\tprogram.yaml");
    let shown = |name: &str| world.git("clone", &["cat-file", "blob", &format!("{first}:{name}")]);
    assert_eq!(
        (shown("crlf.yaml"), shown("id.yaml")),
        ("# $Id$\na: 2".to_owned(), "# $Id$\na: 2".to_owned())
    );
    assert_eq!(shown("kept.yaml"), "a: 2\r\nb: 1");
}

#[test]
fn the_clone_is_not_disturbed() {
    let world = World::new();
    world.git("clone", &["switch", "--quiet", "--create", "work"]);
    world.write("clone", "pod.yaml", "being: edited\n");
    world.write("clone", "staged.yaml", "a: 1\n");
    world.git("clone", &["add", "staged.yaml"]);
    for hook in ["post-checkout", "pre-push", "reference-transaction", "post-index-change"] {
        let path = format!("clone/.git/hooks/{hook}");
        world.write(".", &path, "#!/bin/sh\necho ran >> \"$(dirname \"$0\")/ran\"\nexit 1\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            #[expect(clippy::disallowed_methods, reason = "a hook of the test")]
            fs::set_permissions(world.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    world.commit("new.yaml", "b: 1\n");
    world.git("person", &["push", "--quiet", "origin", "HEAD:main"]);
    let state = || {
        let refs = fs::read(world.path("clone/.git/packed-refs")).unwrap_or_default();
        let heads =
            ["HEAD", "index", "config"].map(|name| fs::read(world.path("clone/.git").join(name)).unwrap());
        // What every push notes is where the remote's branch is now.
        let refs_now = world.git("clone", &["for-each-ref"]);
        let own: Vec<String> =
            refs_now.lines().filter(|line| !line.contains("/cce-fix/")).map(str::to_owned).collect();
        (refs, heads, own, world.git("clone", &["worktree", "list"]))
    };
    let before = state();
    let repository = world.repository();
    let made = commit(&world, &repository, "kind: Pod\nspec: {a: 1}\n").unwrap();
    repository.push(&made, SAFE, None).unwrap();
    assert_eq!(world.at_remote(SAFE), Some(made));
    assert_eq!(state(), before);
    assert!(!world.path("clone/.git/FETCH_HEAD").exists() && !world.path("clone/.git/hooks/ran").exists());
    assert_eq!(fs::read_to_string(world.path("clone/pod.yaml")).unwrap(), "being: edited\n");
}

#[test]
fn branches_are_ours_until_somebody_commits_to_them() {
    let world = World::new();
    let repository = world.repository();
    let whose = |name: &str| repository.branch(&heads(&repository), name).unwrap();
    assert_eq!(whose(SAFE), Branch::Absent);
    let made = commit(&world, &repository, "kind: Pod\nspec: {a: 1}\n").unwrap();
    repository.push(&made, SAFE, None).unwrap();
    assert_eq!(whose(SAFE), Branch::Ours(made));
    world.git("person", &["fetch", "--quiet"]);
    let amended = ["commit", "--quiet", "--amend", "--no-edit"];
    for change in [&["commit", "--quiet", "--allow-empty", "--message", "more"][..], &amended] {
        world.git("person", &["checkout", "--quiet", "--detach", &format!("origin/{SAFE}")]);
        world.git("person", change);
        let name = "cce-fix/main/changed";
        world.git("person", &["push", "--quiet", "--force", "origin", &format!("HEAD:refs/heads/{name}")]);
        assert_eq!(whose(name), Branch::Foreign, "{change:?}");
    }
}

#[test]
fn nobody_is_pushed_over() {
    let world = World::new();
    let repository = world.repository();
    let made = commit(&world, &repository, "kind: Pod\nspec: {a: 1}\n").unwrap();
    let other = commit(&world, &repository, "kind: Pod\nspec: {a: 2}\n").unwrap();
    world.git("person", &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{SAFE}")]);
    let theirs = world.at_remote(SAFE).unwrap();
    let moved = Err(GitError::Moved(SAFE.to_owned()));
    assert_eq!(repository.push(&made, SAFE, None), moved);
    assert_eq!(repository.push(&made, SAFE, Some(&other)), moved);
    assert_eq!(repository.delete(SAFE, &other), moved.map(drop));
    assert_eq!(world.at_remote(SAFE), Some(theirs.clone()));
    repository.delete(SAFE, &theirs).unwrap();
    assert_eq!(world.at_remote(SAFE), None);
    repository.push(&made, SAFE, None).unwrap();
    repository.push(&other, SAFE, Some(&made)).unwrap();
    // What is there already, whoever was faster.
    repository.push(&other, SAFE, Some(&made)).unwrap();
    assert_eq!(world.at_remote(SAFE), Some(other));
}

#[test]
fn the_base_is_the_remotes_own_or_the_one_that_is_given() {
    let world = World::new();
    world.git("person", &["push", "--quiet", "origin", "HEAD:refs/heads/release/1.0"]);
    world.git("person", &["push", "--quiet", "origin", "HEAD:refs/heads/cce-fix/release/1.0/safe"]);
    world.git("person", &["push", "--quiet", "origin", "HEAD:refs/heads/cce-fix/main/safe"]);
    let repository = world.repository();
    let main = repository.heads(None, "cce-fix/").unwrap();
    let names = |heads: &Heads| heads.branches.keys().cloned().collect::<Vec<_>>();
    assert_eq!((&*main.base, names(&main)), ("main", vec![SAFE.to_owned()]));
    let release = repository.heads(Some("release/1.0"), "cce-fix/").unwrap();
    let expected = vec!["cce-fix/release/1.0/safe".to_owned()];
    assert_eq!((&*release.base, names(&release)), ("release/1.0", expected));
    assert_eq!(repository.heads(Some("1.0"), "cce-fix/"), Err(GitError::BaseGone("1.0".to_owned())));
    assert_eq!(repository.heads(Some("gone"), "cce-fix/"), Err(GitError::BaseGone("gone".to_owned())));
}

#[test]
fn shallow_clones_and_detached_heads_will_do() {
    let world = World::new();
    world.commit("more.yaml", "a: 1\n");
    world.git("person", &["push", "--quiet", "origin", "HEAD:main"]);
    let address = format!("file://{}", world.path("remote").display());
    world.git(".", &["clone", "--quiet", "--depth=1", &address, "shallow"]);
    world.git("shallow", &["checkout", "--quiet", "--detach"]);
    world.commit("even-more.yaml", "a: 1\n");
    world.git("person", &["push", "--quiet", "origin", "HEAD:main"]);
    let whole = commit(&world, &world.repository(), "kind: Pod\nspec: {a: 1}\n").unwrap();
    let repository = Repository::open(&world.path("shallow"), "origin").unwrap();
    assert_eq!(commit(&world, &repository, "kind: Pod\nspec: {a: 1}\n"), Some(whole.clone()));
    repository.push(&whole, SAFE, None).unwrap();
    assert_eq!(world.git("shallow", &["rev-parse", "--is-shallow-repository"]), "true");
    assert_eq!(world.git("clone", &["rev-parse", "--is-shallow-repository"]), "false");
}

#[test]
fn what_is_missing_is_named() {
    let world = World::new();
    let none = Repository::open(world.folder.path(), "origin").unwrap_err().to_string();
    assert!(none.contains("is in no git repository"), "{none}");
    let repository = Repository::open(&world.path("clone"), "upstream").unwrap();
    assert_eq!(repository.address(), Err(GitError::NoRemote("upstream".to_owned())));
    world.git(".", &["init", "--quiet", "--bare", "--initial-branch=main", "empty"]);
    world.git("clone", &["remote", "set-url", "origin", "../empty"]);
    assert_eq!(world.repository().heads(None, "cce-fix/"), Err(GitError::Empty));
    world.git("clone", &["remote", "set-url", "origin", "../gone"]);
    let gone = world.repository().heads(None, "cce-fix/").unwrap_err().to_string();
    assert!(gone.starts_with("`git ls-remote`: ") && gone.contains("gone"), "{gone}");
}

#[test]
#[cfg(unix)]
fn what_the_remote_says_is_said() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::new();
    let hook = "remote/hooks/pre-receive";
    world.write(".", hook, "#!/bin/sh\necho 'branch cce-fix/main/safe is protected' >&2\nexit 1\n");
    #[expect(clippy::disallowed_methods, reason = "a hook of the test")]
    fs::set_permissions(world.path(hook), fs::Permissions::from_mode(0o755)).unwrap();
    let repository = world.repository();
    let made = commit(&world, &repository, "kind: Pod\nspec: {a: 1}\n").unwrap();
    let error = repository.push(&made, SAFE, None).unwrap_err();
    assert!(matches!(&error, GitError::Refused { branch, .. } if branch == SAFE), "{error:?}");
    assert!(error.to_string().contains("branch cce-fix/main/safe is protected"), "{error}");
}

#[test]
fn passwords_in_addresses_are_not_shown() {
    for (text, shown) in [
        ("https://a:b@example.com/c@d.git", "https://example.com/c@d.git"),
        ("'https://token@example.com'", "'https://example.com'"),
        ("ssh://git@a, http://b:c@d@e/f g@h", "ssh://a, http://e/f g@h"),
        ("no address, a@b", "no address, a@b"),
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("://", "://"),
        ("https://a@", "https://"),
    ] {
        assert_eq!(redacted(text), shown, "{text}");
    }
    let login = Login { host: "https://a".to_owned(), user: "u", token: "secret".to_owned() };
    assert!(!format!("{login:?}").contains("secret"));
}
