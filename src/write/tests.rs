use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::*;

const OLD: &[u8] = b"kind: Pod\n";
const NEW: &[u8] = b"kind: Pod\nspec: {}\n";

/// A folder with one file, `pod.yaml`, that holds [`OLD`].
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.pod(), OLD).unwrap();
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn pod(&self) -> PathBuf {
        self.path().join("pod.yaml")
    }

    /// Every file by name, links not followed.
    fn content(&self) -> BTreeMap<String, Vec<u8>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, if path.is_file() { fs::read(path).unwrap() } else { Vec::new() })
        };
        fs::read_dir(self.path()).unwrap().map(entry).collect()
    }

    fn names(&self) -> Vec<String> {
        self.content().into_keys().collect()
    }

    /// Both ways refuse `path`, and nothing in the folder is different afterwards.
    fn refuses(&self, path: &Path, expected: &[u8]) -> Problem {
        let before = self.content();
        let refused = |how| replace(path, expected, NEW, how).unwrap_err().problem;
        let (atomic, in_place) = (refused(How::Atomic), refused(How::InPlace));
        assert_eq!(atomic.to_string(), in_place.to_string());
        assert_eq!(self.content(), before);
        assert!(!atomic.in_place_may_help());
        atomic
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn content_is_replaced_and_nothing_else_is_there() {
    for how in [How::Atomic, How::InPlace] {
        let folder = Folder::new();
        replace(&folder.pod(), OLD, NEW, how).unwrap();
        assert_eq!(folder.content(), BTreeMap::from([("pod.yaml".to_owned(), NEW.to_vec())]));
    }
}

#[test]
fn shorter_and_empty_content_leaves_no_rest() {
    for (how, new) in [(How::Atomic, &b"a\n"[..]), (How::InPlace, b"a\n"), (How::InPlace, b"")] {
        let folder = Folder::new();
        replace(&folder.pod(), OLD, new, how).unwrap();
        assert_eq!(fs::read(folder.pod()).unwrap(), new);
    }
}

#[test]
fn a_replacement_is_a_new_file_and_writing_in_place_is_not() {
    for (how, same) in [(How::Atomic, false), (How::InPlace, true)] {
        let folder = Folder::new();
        let before = fs::metadata(folder.pod()).unwrap().ino();
        replace(&folder.pod(), OLD, NEW, how).unwrap();
        assert_eq!(fs::metadata(folder.pod()).unwrap().ino() == before, same, "{how:?}");
    }
}

#[test]
fn equal_content_touches_nothing() {
    for how in [How::Atomic, How::InPlace] {
        let folder = Folder::new();
        let before = fs::metadata(folder.pod()).unwrap();
        replace(&folder.pod(), OLD, OLD, how).unwrap();
        assert!(platform::is_same(&before, &fs::metadata(folder.pod()).unwrap()));
        assert_eq!(before.modified().unwrap(), fs::metadata(folder.pod()).unwrap().modified().unwrap());
    }
}

#[test]
fn permissions_are_kept() {
    for wanted in [0o640, 0o600, 0o644, 0o666, 0o755, 0o2640, 0o1600] {
        for how in [How::Atomic, How::InPlace] {
            let folder = Folder::new();
            set_mode(&folder.pod(), wanted);
            // A file in a group of its own may not be able to keep the bit in the first place.
            let wanted = mode(&folder.pod());
            replace(&folder.pod(), OLD, NEW, how).unwrap();
            assert_eq!(mode(&folder.pod()), wanted);
        }
    }
}

#[test]
fn a_symbolic_link_stays_and_its_target_is_written() {
    for how in [How::Atomic, How::InPlace] {
        let folder = Folder::new();
        fs::create_dir(folder.path().join("deep")).unwrap();
        symlink("../pod.yaml", folder.path().join("deep/first")).unwrap();
        symlink("deep/first", folder.path().join("second")).unwrap();
        let link = folder.path().join("second");
        replace(&link, OLD, NEW, how).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("deep/first"));
        assert_eq!(fs::read_link(folder.path().join("deep/first")).unwrap(), Path::new("../pod.yaml"));
        assert_eq!(fs::read(folder.pod()).unwrap(), NEW);
        assert_eq!(target(&link).unwrap(), fs::canonicalize(folder.pod()).unwrap());
        assert_eq!(target(&folder.pod()).unwrap(), folder.pod());
        assert_eq!(folder.names(), ["deep", "pod.yaml", "second"]);
    }
}

#[test]
fn links_that_lead_nowhere_are_refused() {
    let folder = Folder::new();
    let (dangling, circle) = (folder.path().join("dangling"), folder.path().join("circle"));
    symlink("gone.yaml", &dangling).unwrap();
    symlink("circle", &circle).unwrap();
    assert!(matches!(folder.refuses(&dangling, OLD), Problem::DanglingLink));
    assert!(matches!(folder.refuses(&circle, OLD), Problem::Unreadable(_)));
    assert!(matches!(target(&dangling).unwrap_err().problem, Problem::DanglingLink));
}

#[test]
fn what_is_not_a_regular_file_is_refused() {
    let folder = Folder::new();
    let (socket, pipe) = (folder.path().join("socket"), folder.path().join("pipe"));
    let _listener = UnixListener::bind(&socket).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let kind = |path: &Path| match folder.refuses(path, b"") {
        Problem::NotAFile(kind) => kind,
        problem => panic!("{problem}"),
    };
    assert_eq!(kind(folder.path()), "a folder");
    assert_eq!(kind(&socket), "a socket");
    assert_eq!(kind(&pipe), "a pipe");
    assert_eq!(kind(Path::new("/dev/null")), "a device");
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let folder = Folder::new();
    assert!(matches!(folder.refuses(&folder.path().join("gone.yaml"), OLD), Problem::Unreadable(_)));
}

#[test]
fn a_hard_link_is_left_and_written_in_place() {
    let folder = Folder::new();
    let other = folder.path().join("other.yaml");
    fs::hard_link(folder.pod(), &other).unwrap();
    let error = replace(&folder.pod(), OLD, NEW, How::Atomic).unwrap_err();
    assert!(matches!(error.problem, Problem::HardLinks(2)) && error.problem.in_place_may_help());
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` is left as it is: it has 2 hard links, which a replacement would part; \
            use `--no-atomic` to write in place",
            folder.pod().display()
        )
    );
    assert_eq!(fs::read(&other).unwrap(), OLD);

    replace(&folder.pod(), OLD, NEW, How::InPlace).unwrap();
    assert_eq!(fs::read(&other).unwrap(), NEW);
    assert_eq!(folder.names(), ["other.yaml", "pod.yaml"]);
}

#[test]
fn a_file_that_was_changed_is_left() {
    let folder = Folder::new();
    for expected in [&b"kind: Job\n"[..], b"kind: Pod\nmore", b"kind:", b""] {
        assert!(matches!(folder.refuses(&folder.pod(), expected), Problem::Changed));
    }
}

#[test]
fn a_change_at_the_last_moment_is_seen() {
    let changes: [fn(&Path); 5] = [
        |pod| fs::write(pod, NEW).unwrap(),
        |pod| set_mode(pod, 0o600),
        |pod| fs::remove_file(pod).unwrap(),
        |pod| fs::hard_link(pod, pod.with_extension("other")).unwrap(),
        |pod| {
            fs::rename(pod, pod.with_extension("moved")).unwrap();
            symlink(pod.with_extension("moved"), pod).unwrap();
        },
    ];
    for change in changes {
        let folder = Folder::new();
        set_mode(&folder.pod(), 0o644);
        let before = fs::metadata(folder.pod()).unwrap();
        must_be_untouched(&folder.pod(), &before, OLD).unwrap();
        // The clock of a file system ticks a few hundred times in a second.
        std::thread::sleep(std::time::Duration::from_millis(20));
        change(&folder.pod());
        assert!(matches!(must_be_untouched(&folder.pod(), &before, OLD), Err(Problem::Changed)));
    }
}

#[test]
fn what_became_a_link_or_a_pipe_is_not_opened() {
    let folder = Folder::new();
    let (link, pipe) = (folder.path().join("link"), folder.path().join("pipe"));
    symlink("pod.yaml", &link).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let before = fs::metadata(folder.pod()).unwrap();
    platform::open(&link).unwrap_err();
    assert!(matches!(must_be_untouched(&pipe, &before, OLD), Err(Problem::Changed)));
}

/// macOS takes names in UTF-8 alone.
#[cfg(target_os = "linux")]
#[test]
fn any_name_will_do() {
    for name in [&b"caf\xe9.yaml"[..], b" a b ", b"-", b"new\nline", &[b'n'; 255]] {
        let folder = Folder::new();
        let path = folder.path().join(OsStr::from_bytes(name));
        fs::rename(folder.pod(), &path).unwrap();
        replace(&path, OLD, NEW, How::Atomic).unwrap();
        assert_eq!(fs::read(&path).unwrap(), NEW);
        assert_eq!(folder.names().len(), 1);
    }
}

#[test]
fn a_bare_name_is_in_the_current_folder() {
    assert_eq!(folder_of(Path::new("pod.yaml")), Path::new("."));
    assert_eq!(folder_of(Path::new("deep/pod.yaml")), Path::new("deep"));
    assert_eq!(folder_of(Path::new("/pod.yaml")), Path::new("/"));
}

#[cfg(target_os = "linux")]
mod attributes {
    use rustix::fs::{XattrFlags, getxattr, listxattr_query, setxattr};

    use super::*;

    const ACCESS: &str = "system.posix_acl_access";

    /// An access list as the kernel keeps it: the owner reads and writes, and so does user 65533.
    fn access_list() -> Vec<u8> {
        let entries: [(u16, u16, u32); 5] =
            [(1, 6, u32::MAX), (2, 6, 65533), (4, 4, u32::MAX), (16, 6, u32::MAX), (32, 0, u32::MAX)];
        let entry = |(tag, rights, id): (u16, u16, u32)| {
            [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        [2_u32.to_le_bytes().to_vec(), entries.map(entry).concat()].concat()
    }

    /// Sets an attribute, or says that the file system has none.
    fn set(path: &Path, name: &str, value: &[u8]) -> bool {
        let done = setxattr(path, name, value, XattrFlags::empty());
        if let Err(error) = done {
            println!("skipped: {name} cannot be set here: {error}");
        }
        done.is_ok()
    }

    fn get(path: &Path, name: &str) -> Vec<u8> {
        let mut value = vec![0; 200];
        let length = getxattr(path, name, &mut value[..]).unwrap();
        value.truncate(length);
        value
    }

    #[test]
    fn what_the_user_noted_is_kept() {
        for how in [How::Atomic, How::InPlace] {
            let folder = Folder::new();
            let pod = folder.pod();
            if !set(&pod, "user.origin", b"a\0b") || !set(&pod, "user.empty", b"") {
                return;
            }
            replace(&pod, OLD, NEW, how).unwrap();
            assert_eq!(get(&pod, "user.origin"), b"a\0b");
            assert_eq!(get(&pod, "user.empty"), b"");
        }
    }

    #[test]
    fn access_lists_are_kept() {
        let folder = Folder::new();
        if !set(&folder.pod(), ACCESS, &access_list()) {
            return;
        }
        assert_eq!(mode(&folder.pod()), 0o660);
        replace(&folder.pod(), OLD, NEW, How::Atomic).unwrap();
        assert_eq!(get(&folder.pod(), ACCESS), access_list());
        assert_eq!(mode(&folder.pod()), 0o660);
    }

    /// A file older than the access list of its folder does not get it from there now.
    #[test]
    fn access_lists_are_not_inherited() {
        let folder = Folder::new();
        if !set(folder.path(), "system.posix_acl_default", &access_list()) {
            return;
        }
        set_mode(&folder.pod(), 0o660);
        replace(&folder.pod(), OLD, NEW, How::Atomic).unwrap();
        assert_eq!(listxattr_query(folder.pod()).unwrap(), 0);
        assert_eq!(mode(&folder.pod()), 0o660);
    }
}

/// Faults that need other rights or another mount: the same call in a process of its own.
#[cfg(target_os = "linux")]
mod elsewhere {
    use super::*;

    /// What one of these processes is to do.
    const TASK: &str = "CCE_FIX_WRITE_TASK";

    /// Run by the other tests. Writes a file larger than the disk that one of them makes.
    #[test]
    #[ignore = "run by the other tests here, in a process of its own"]
    fn process() {
        let Some(path) = std::env::var_os(TASK) else { return };
        let path = Path::new(&path);
        let how = if std::env::var_os("IN_PLACE").is_some() { How::InPlace } else { How::Atomic };
        let expected = fs::read(path).unwrap();
        match replace(path, &expected, &b"n".repeat(200_000), how) {
            Ok(()) => println!("answer: written"),
            Err(error) => println!("answer: {}", error.problem),
        }
    }

    /// The answer of that process, or `None` where the machine does not let us start it.
    fn answer(program: &str, args: &[&str], path: &Path, how: How) -> Option<String> {
        let mut command = Command::new(program);
        command.args(args).arg(std::env::current_exe().unwrap());
        command.args(["--exact", "write::tests::elsewhere::process", "--ignored", "--nocapture"]);
        command.env(TASK, path).env_remove("IN_PLACE");
        if how == How::InPlace {
            command.env("IN_PLACE", "1");
        }
        let output = command.output().ok()?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let answer = printed.split_once("answer: ").map(|(_, answer)| answer.trim_end().to_owned());
        if answer.is_none() {
            println!("skipped: {program}: {}", String::from_utf8_lossy(&output.stderr));
        }
        answer
    }

    /// As a user without rights: ourselves, unless we are root.
    fn answer_to_nobody(path: &Path, how: How) -> Option<String> {
        if rustix::process::geteuid().is_root() {
            let args = ["--reuid=65534", "--regid=65534", "--clear-groups"];
            return answer("setpriv", &args, path, how);
        }
        answer("env", &[], path, how)
    }

    /// Prepares with a script, in mounts of its own, and shows what is in the folder afterwards.
    fn answer_after(script: &str, folder: &Folder, how: How) -> Option<String> {
        let script = format!(
            "cd '{0}' && {script} && \"$@\" && cd '{0}' && echo $(ls -A; wc -c < pod.yaml)",
            folder.path().display()
        );
        answer("unshare", &["-rm", "sh", "-c", &script, "sh"], &folder.pod(), how)
    }

    fn assert_begins(answer: Option<String>, wanted: &str) {
        let Some(answer) = answer else { return };
        assert!(answer.starts_with(wanted), "{answer}");
    }

    fn assert_ends(answer: Option<&str>, wanted: &str) {
        let Some(answer) = answer else { return };
        assert!(answer.ends_with(wanted), "{answer}");
    }

    #[test]
    fn a_folder_that_is_not_writable_leaves_the_file() {
        let folder = Folder::new();
        set_mode(&folder.pod(), 0o666);
        set_mode(folder.path(), 0o555);
        let atomic = answer_to_nobody(&folder.pod(), How::Atomic);
        assert_begins(atomic, "is left as it is: its folder takes no temporary file (Permission denied");
        assert_eq!(folder.content(), BTreeMap::from([("pod.yaml".to_owned(), OLD.to_vec())]));
        assert_begins(answer_to_nobody(&folder.pod(), How::InPlace), "written");
        set_mode(folder.path(), 0o755);
    }

    #[test]
    fn a_file_that_is_write_protected_is_left() {
        let folder = Folder::new();
        set_mode(folder.path(), 0o777);
        set_mode(&folder.pod(), 0o444);
        for how in [How::Atomic, How::InPlace] {
            assert_begins(answer_to_nobody(&folder.pod(), how), "is write-protected (Permission denied");
        }
        assert_eq!(folder.content(), BTreeMap::from([("pod.yaml".to_owned(), OLD.to_vec())]));
    }

    #[test]
    fn a_file_of_another_user_is_left() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root has files of another user");
            return;
        }
        let folder = Folder::new();
        set_mode(folder.path(), 0o777);
        set_mode(&folder.pod(), 0o666);
        let atomic = answer_to_nobody(&folder.pod(), How::Atomic);
        assert_begins(atomic, "is left as it is: a replacement cannot belong to user 0 and group 0 (");
        assert_eq!(folder.content(), BTreeMap::from([("pod.yaml".to_owned(), OLD.to_vec())]));
        assert_begins(answer_to_nobody(&folder.pod(), How::InPlace), "written");
    }

    #[test]
    fn owner_and_group_are_kept() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root gives files away");
            return;
        }
        let folder = Folder::new();
        std::os::unix::fs::chown(folder.pod(), Some(65533), Some(65532)).unwrap();
        set_mode(&folder.pod(), 0o6750);
        replace(&folder.pod(), OLD, NEW, How::Atomic).unwrap();
        let kept = fs::metadata(folder.pod()).unwrap();
        assert_eq!((kept.uid(), kept.gid(), kept.mode() & 0o7777), (65533, 65532, 0o6750));
    }

    #[test]
    fn a_file_that_is_a_mount_is_left() {
        let folder = Folder::new();
        let script = "mount --bind pod.yaml pod.yaml";
        let atomic = answer_after(script, &folder, How::Atomic);
        assert_begins(atomic.clone(), "is left as it is: it is mounted by itself and cannot be replaced (");
        assert_ends(atomic.as_deref(), "pod.yaml 10");
        assert_begins(answer_after(script, &folder, How::InPlace), "written");
    }

    #[test]
    fn a_read_only_disk_leaves_the_file() {
        let script = "mount --bind . . && mount -o remount,bind,ro .";
        for how in [How::Atomic, How::InPlace] {
            let folder = Folder::new();
            let answer = answer_after(script, &folder, how);
            assert_begins(answer.clone(), "is write-protected (Read-only file system");
            assert_ends(answer.as_deref(), "pod.yaml 10");
        }
    }

    #[test]
    fn a_full_disk_leaves_the_file() {
        let script =
            "mount -t tmpfs -o size=100k tmpfs . && cd . && head -c 50000 /dev/zero > \"$PWD/pod.yaml\"";
        let folder = Folder::new();
        let script = script.replace("cd .", &format!("cd '{}'", folder.path().display()));
        for (how, wanted) in [
            (How::Atomic, "is left as it is: a temporary file beside it cannot be written (No space left"),
            (How::InPlace, "cannot be written in place (No space left"),
        ] {
            let answer = answer_after(&script, &folder, how);
            assert_begins(answer.clone(), wanted);
            assert_ends(answer.as_deref(), "pod.yaml 50000");
        }
    }
}
