//! The only place that writes user files.
//!
//! A file is replaced, not overwritten: the new content goes to a temporary file beside it, which takes over
//! everything that is not content (owner, permissions, access lists, extended attributes), reaches the disk,
//! and is renamed over the old one. Whoever looks sees the old file or the new one, and so does whoever
//! starts the machine again after a power cut. Where a replacement would lose something, the file is left as
//! it is, with an error that says so and names the way out.
//!
//! A program that is killed can leave the temporary file behind, never a half-written manifest. Not carried
//! over, because no safe interface reaches them: access lists of macOS and inode flags of Linux (`chattr`).

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// How the names of temporary files begin: hidden, and not the name of a manifest, so that a walk that meets
/// one left behind passes it by.
pub const TEMPORARY_PREFIX: &str = ".cce-fix-";

/// How a file gets its new content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A new file takes the place of the old one in one step.
    Atomic,
    /// The same file is written over: hard links and mounts keep working, but a crash in the middle leaves
    /// a mixture.
    InPlace,
}

/// A file that was not written, or not as it should be.
///
/// The message is complete: it names the file, the reason of the system and what can be done.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` {problem}")]
pub struct WriteError {
    /// The file as the caller named it.
    pub path: PathBuf,
    /// What is the matter with it.
    pub problem: Problem,
}

/// Why a file was not written.
///
/// Unless the variant says otherwise, the file is as it was and nothing lies beside it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file, or a folder on the way to it, cannot be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// A symbolic link that leads nowhere.
    #[error("is a symbolic link to a file that does not exist; mend the link or remove it")]
    DanglingLink,
    /// A folder, a device, a pipe: what it is, with its article.
    #[error("is {0}, and only regular files are written; use `-` for standard input")]
    NotAFile(&'static str),
    /// The permissions of the file say that it is not to be written. They are asked for a replacement too,
    /// although the system would ask those of the folder alone: protecting a file is its owner's word.
    #[error("is write-protected ({0}); allow writing to it first")]
    Protected(io::Error),
    /// Somebody else changed the file between reading and writing.
    #[error("was changed by another program in the meantime and is left as it is; run again")]
    Changed,
    /// The file has more than one name, and a replacement would take over one of them only.
    #[error(
        "is left as it is: it has {0} hard links, which a replacement would part; \
        use `--no-atomic` to write in place"
    )]
    HardLinks(u64),
    /// The folder takes no new file.
    #[error(
        "is left as it is: its folder takes no temporary file ({0}); \
        allow that, or use `--no-atomic` to write in place"
    )]
    FolderNotWritable(io::Error),
    /// Owner or group cannot be given to a replacement.
    #[error(
        "is left as it is: a replacement cannot belong to user {user} and group {group} ({reason}); \
        run as that user, or use `--no-atomic` to write in place"
    )]
    Owner {
        /// The user the file belongs to.
        user: u32,
        /// The group it belongs to.
        group: u32,
        /// What the system says.
        reason: io::Error,
    },
    /// The permissions, given here, cannot be given to a replacement.
    #[error(
        "is left as it is: a replacement cannot have its permissions {0:04o}; \
        run as its owner, or use `--no-atomic` to write in place"
    )]
    Permissions(u32),
    /// An extended attribute, access lists and security labels among them, cannot be given to a replacement.
    #[error(
        "is left as it is: a replacement cannot have its extended attributes ({0}); \
        use `--no-atomic` to write in place"
    )]
    Attributes(String),
    /// The new content did not reach the temporary file, on a full disk for example.
    #[error(
        "is left as it is: a temporary file beside it cannot be written ({0}); \
        see that the disk is sound and has room"
    )]
    Temporary(io::Error),
    /// The file is a mount of its own, as with a single file bound into a container.
    #[error(
        "is left as it is: it is mounted by itself and cannot be replaced ({0}); \
        use `--no-atomic` to write in place"
    )]
    MountPoint(io::Error),
    /// The system refuses to replace the file for another reason.
    #[error("is left as it is: it cannot be replaced ({0}); use `--no-atomic` to write in place")]
    NotReplaced(io::Error),
    /// **The file is replaced**, but a power cut now could still bring back the old one.
    #[error("is written, but its folder did not reach the disk ({0}); see that the disk is sound")]
    Unsynced(io::Error),
    /// Writing in place failed half-way, and the old content was put back.
    #[error(
        "cannot be written in place ({0}), and its old content was put back; \
        see that the disk is sound and has room"
    )]
    InPlace(io::Error),
    /// **The file is damaged**: writing in place failed half-way, and so did putting the old content back.
    #[error("was damaged while it was written in place ({0}); restore it from version control or a copy")]
    Damaged(io::Error),
}

impl Problem {
    /// Whether only a replacement is refused, so that [`How::InPlace`] may still write the file.
    pub fn in_place_may_help(&self) -> bool {
        matches!(
            self,
            Self::HardLinks(_)
                | Self::FolderNotWritable(_)
                | Self::Owner { .. }
                | Self::Permissions(_)
                | Self::Attributes(_)
                | Self::MountPoint(_)
                | Self::NotReplaced(_)
        )
    }
}

/// The file that writing to `path` would change: `path` itself, or the end of the chain of symbolic links.
///
/// Whether a link may lead there is the caller's to decide.
pub fn target(path: &Path) -> Result<PathBuf, WriteError> {
    resolve(path).map_err(|problem| WriteError { path: path.to_owned(), problem })
}

/// Gives the file at `path` the content `new`, provided that it still holds `expected`.
///
/// A symbolic link stays, and the file that it leads to is written. Nothing is touched when the two contents
/// are equal. On error the file is as it was, with the two exceptions that [`Problem`] marks.
pub fn replace(path: &Path, expected: &[u8], new: &[u8], how: How) -> Result<(), WriteError> {
    if expected == new {
        return Ok(());
    }
    write(path, expected, new, how).map_err(|problem| WriteError { path: path.to_owned(), problem })
}

fn resolve(path: &Path) -> Result<PathBuf, Problem> {
    if !fs::symlink_metadata(path).map_err(Problem::Unreadable)?.is_symlink() {
        return Ok(path.to_owned());
    }
    fs::canonicalize(path).map_err(|reason| match reason.kind() {
        io::ErrorKind::NotFound => Problem::DanglingLink,
        _ => Problem::Unreadable(reason),
    })
}

fn write(path: &Path, expected: &[u8], new: &[u8], how: How) -> Result<(), Problem> {
    let target = resolve(path)?;
    // Before it is opened, because opening is enough to make some devices act.
    must_be_regular(&fs::symlink_metadata(&target).map_err(Problem::Unreadable)?)?;
    let mut file = platform::open(&target).map_err(cannot_open)?;
    let original = file.metadata().map_err(Problem::Unreadable)?;
    must_be_regular(&original)?;
    if !holds(&mut file, expected)? {
        return Err(Problem::Changed);
    }
    match how {
        How::Atomic => swap(&target, file, &original, expected, new),
        How::InPlace => overwrite(file, expected, new),
    }
}

/// Puts a new file in the place of the old one. Its temporary file goes away with every early return.
fn swap(target: &Path, file: File, original: &Metadata, expected: &[u8], new: &[u8]) -> Result<(), Problem> {
    platform::must_have_one_name(original)?;
    let folder = folder_of(target);
    let mut temporary = create_temporary(folder).map_err(cannot_create)?;
    temporary.as_file_mut().write_all(new).map_err(Problem::Temporary)?;
    platform::copy_metadata(original, &file, temporary.as_file())?;
    temporary.as_file().sync_all().map_err(Problem::Temporary)?;
    // Windows does not replace a file that is open.
    drop(file);
    must_be_untouched(target, original, expected)?;
    temporary.persist(target).map_err(|refused| cannot_rename(refused.error))?;
    platform::sync_folder(folder).map_err(Problem::Unsynced)
}

/// Looks again, as late as possible: at the content, and at what `copy_metadata` went by.
fn must_be_untouched(target: &Path, original: &Metadata, expected: &[u8]) -> Result<(), Problem> {
    let Ok(mut file) = platform::open(target) else { return Err(Problem::Changed) };
    let same = file.metadata().is_ok_and(|now| platform::is_same(original, &now));
    if same && holds(&mut file, expected)? { Ok(()) } else { Err(Problem::Changed) }
}

/// Writes over what the open file holds.
fn overwrite(mut file: File, expected: &[u8], new: &[u8]) -> Result<(), Problem> {
    let Err(reason) = set_content(&mut file, new) else { return Ok(()) };
    // The old content fits: its room on the disk is still there.
    match set_content(&mut file, expected) {
        Ok(()) => Err(Problem::InPlace(reason)),
        Err(_) => Err(Problem::Damaged(reason)),
    }
}

/// Makes `content` all that the open file holds.
fn set_content(file: &mut File, content: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(content)?;
    file.set_len(content.len() as u64)?;
    file.sync_all()
}

fn must_be_regular(file: &Metadata) -> Result<(), Problem> {
    if file.is_file() { Ok(()) } else { Err(Problem::NotAFile(platform::name_of_kind(file.file_type()))) }
}

/// Whether `expected` is all that the open file holds.
fn holds(file: &mut File, expected: &[u8]) -> Result<bool, Problem> {
    let mut content = Vec::with_capacity(expected.len() + 1);
    // One byte more tells a longer file without reading all of it.
    let mut start = file.take(expected.len() as u64 + 1);
    start.read_to_end(&mut content).map_err(Problem::Unreadable)?;
    Ok(content == expected)
}

/// The folder that holds the file; a path without one is in the current folder.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that nobody else can read yet, gone again when it is dropped.
fn create_temporary(folder: &Path) -> io::Result<NamedTempFile> {
    // `tempfile` puts the made-up name into its errors; without it, two runs say the same.
    let mut reason = None;
    tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .make_in(folder, |path| platform::create(path).inspect_err(|error| reason = error.raw_os_error()))
        .map_err(|error| reason.map_or(error, io::Error::from_raw_os_error))
}

fn cannot_open(reason: io::Error) -> Problem {
    match reason.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Problem::Protected(reason),
        _ => Problem::Unreadable(reason),
    }
}

fn cannot_create(reason: io::Error) -> Problem {
    match reason.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Problem::FolderNotWritable(reason)
        }
        _ => Problem::Temporary(reason),
    }
}

fn cannot_rename(reason: io::Error) -> Problem {
    match reason.kind() {
        io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => Problem::MountPoint(reason),
        _ => Problem::NotReplaced(reason),
    }
}

#[cfg(unix)]
mod platform {
    use std::fs::{File, FileType, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
    use std::path::Path;

    use rustix::fs::OFlags;

    use super::{Problem, attributes};

    /// Opens for reading and writing. What became a link or a pipe since we looked is not followed and not
    /// waited for.
    pub(super) fn open(path: &Path) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)
    }

    pub(super) fn create(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).read(true).create_new(true).mode(0o600).open(path)
    }

    pub(super) fn name_of_kind(kind: FileType) -> &'static str {
        if kind.is_dir() {
            "a folder"
        } else if kind.is_fifo() {
            "a pipe"
        } else if kind.is_socket() {
            "a socket"
        } else if kind.is_block_device() || kind.is_char_device() {
            "a device"
        } else {
            "something else"
        }
    }

    pub(super) fn must_have_one_name(original: &Metadata) -> Result<(), Problem> {
        match original.nlink() {
            0 | 1 => Ok(()),
            links => Err(Problem::HardLinks(links)),
        }
    }

    /// Whether it is the same file and nobody wrote to it or changed its owner, mode, attributes or links:
    /// all of them set the time of change, which no program can set back.
    pub(super) fn is_same(before: &Metadata, now: &Metadata) -> bool {
        let identity = |m: &Metadata| (m.dev(), m.ino(), m.ctime(), m.ctime_nsec());
        identity(before) == identity(now)
    }

    /// Gives the copy everything that is not content.
    ///
    /// The owner comes first, because giving a file away clears its set-id bits. The mode comes last, so that
    /// nobody gets at the copy who could not get at the original.
    pub(super) fn copy_metadata(original: &Metadata, file: &File, copy: &File) -> Result<(), Problem> {
        let (user, group) = (original.uid(), original.gid());
        copy_owner(user, group, copy).map_err(|reason| Problem::Owner { user, group, reason })?;
        attributes::copy(file, copy).map_err(Problem::Attributes)?;
        copy_mode(original.mode() & 0o7777, copy)?;
        // Setting the mode of a file with an access list changes the list.
        attributes::must_be_equal(file, copy).map_err(Problem::Attributes)
    }

    fn copy_owner(user: u32, group: u32, copy: &File) -> io::Result<()> {
        let now = copy.metadata()?;
        match (now.uid() == user, now.gid() == group) {
            (true, true) => Ok(()),
            (true, false) => fchown(copy, None, Some(group)),
            (false, _) => fchown(copy, Some(user), Some(group)),
        }
    }

    fn copy_mode(mode: u32, copy: &File) -> Result<(), Problem> {
        let has_mode = || copy.metadata().is_ok_and(|now| now.mode() & 0o7777 == mode);
        // The system may drop the set-group-id bit and not say so.
        if has_mode() || (copy.set_permissions(Permissions::from_mode(mode)).is_ok() && has_mode()) {
            return Ok(());
        }
        Err(Problem::Permissions(mode))
    }

    /// Brings the rename to the disk, where the file system knows how.
    pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // A folder that may be written but not read, or a file system that syncs files alone.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            synced => synced,
        }
    }
}

/// Systems without owners and modes: what can be said of a file there is its content.
#[cfg(not(unix))]
mod platform {
    use std::fs::{File, FileType, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    use super::Problem;

    pub(super) fn open(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(path)
    }

    pub(super) fn create(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    pub(super) fn name_of_kind(kind: FileType) -> &'static str {
        if kind.is_dir() { "a folder" } else { "something else" }
    }

    pub(super) fn must_have_one_name(_: &Metadata) -> Result<(), Problem> {
        Ok(())
    }

    pub(super) fn is_same(_: &Metadata, _: &Metadata) -> bool {
        true
    }

    pub(super) fn copy_metadata(_: &Metadata, _: &File, _: &File) -> Result<(), Problem> {
        Ok(())
    }

    pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Extended attributes: what the user noted, access lists, security labels.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod attributes {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io;

    use rustix::fs::{XattrFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query};
    use rustix::fs::{fremovexattr, fsetxattr};
    use rustix::io::Errno;

    /// Attributes that belong to the content or to the system, and that a plain write would not keep either:
    /// signatures of the old content, capabilities (writing takes them away), and a mark that macOS makes by
    /// itself and lets nobody set.
    const NOT_COPIED: &[&[u8]] =
        &[b"security.ima", b"security.evm", b"security.capability", b"com.apple.provenance"];

    type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

    /// Gives the copy the attributes of the file and no others. A new file can have some already: a label, or
    /// an access list that its folder hands down and that would let in more people than the original does.
    pub(super) fn copy(file: &File, copy: &File) -> Result<(), String> {
        let wanted = read(file)?;
        let present = read(copy)?;
        for name in present.keys().filter(|name| !wanted.contains_key(*name)) {
            fremovexattr(copy, name).map_err(|error| about(name, error))?;
        }
        // Those that are right already are left, because not everybody may set them.
        for (name, value) in wanted.iter().filter(|(name, value)| present.get(*name) != Some(*value)) {
            fsetxattr(copy, name, value, XattrFlags::empty()).map_err(|error| about(name, error))?;
        }
        Ok(())
    }

    pub(super) fn must_be_equal(file: &File, copy: &File) -> Result<(), String> {
        if read(file)? == read(copy)? {
            return Ok(());
        }
        Err("the system did not keep them".to_owned())
    }

    fn read(file: &File) -> Result<Attributes, String> {
        let names = names(file).map_err(|error| io::Error::from(error).to_string())?;
        names
            .split(|&byte| byte == 0)
            .filter(|name| !name.is_empty() && !NOT_COPIED.contains(name))
            .map(|name| Ok((name.to_vec(), value(file, name).map_err(|error| about(name, error))?)))
            .collect()
    }

    /// The names, each with a zero byte after it; none where the file system has no attributes.
    fn names(file: &File) -> rustix::io::Result<Vec<u8>> {
        let length = match flistxattr_query(file) {
            Err(error) if error == Errno::NOTSUP || error == Errno::OPNOTSUPP => 0,
            length => length?,
        };
        fill(length, |names| flistxattr(file, names))
    }

    fn value(file: &File, name: &[u8]) -> rustix::io::Result<Vec<u8>> {
        fill(fgetxattr_query(file, name)?, |value| fgetxattr(file, name, value))
    }

    fn fill(
        length: usize,
        read: impl FnOnce(&mut [u8]) -> rustix::io::Result<usize>,
    ) -> rustix::io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        // Asked for nothing, the system would answer with the length.
        if length > 0 {
            let used = read(&mut bytes)?;
            bytes.truncate(used);
        }
        Ok(bytes)
    }

    fn about(name: &[u8], error: Errno) -> String {
        format!("{}: {}", String::from_utf8_lossy(name), io::Error::from(error))
    }
}

/// Systems whose extended attributes `rustix` does not reach.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android", target_vendor = "apple"))))]
mod attributes {
    use std::fs::File;

    pub(super) fn copy(_: &File, _: &File) -> Result<(), String> {
        Ok(())
    }

    pub(super) fn must_be_equal(_: &File, _: &File) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
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
            assert_begins(
                atomic.clone(),
                "is left as it is: it is mounted by itself and cannot be replaced (",
            );
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
                (
                    How::Atomic,
                    "is left as it is: a temporary file beside it cannot be written (No space left",
                ),
                (How::InPlace, "cannot be written in place (No space left"),
            ] {
                let answer = answer_after(&script, &folder, how);
                assert_begins(answer.clone(), wanted);
                assert_ends(answer.as_deref(), "pod.yaml 50000");
            }
        }
    }
}
