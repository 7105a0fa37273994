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

#![expect(clippy::disallowed_methods, reason = "this is the place that writes user files")]

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
    /// A new file cannot be made.
    #[error("cannot be made ({0})")]
    Unmade(io::Error),
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

/// Writes a file in a temporary folder of our own: nobody else looks at it, and a crash takes it along.
pub fn scratch(path: &Path, new: &[u8]) -> Result<(), WriteError> {
    fs::create_dir_all(folder_of(path))
        .and_then(|()| fs::write(path, new))
        .map_err(|error| WriteError { path: path.to_owned(), problem: Problem::Temporary(error) })
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

/// Writes a file that does not exist yet, with the folders above it. Nothing is ever replaced.
pub fn create(path: &Path, content: &[u8], is_program: bool) -> Result<(), WriteError> {
    let make = || {
        let folder = folder_of(path);
        fs::create_dir_all(folder).map_err(Problem::Unmade)?;
        let mut temporary = create_temporary(folder).map_err(Problem::Unmade)?;
        temporary.as_file_mut().write_all(content).map_err(Problem::Temporary)?;
        platform::open_to_all(temporary.as_file(), is_program).map_err(Problem::Unmade)?;
        temporary.as_file().sync_all().map_err(Problem::Temporary)?;
        temporary.persist_noclobber(path).map_err(|refused| Problem::Unmade(refused.error))?;
        platform::sync_folder(folder).map_err(Problem::Unsynced)
    };
    make().map_err(|problem| WriteError { path: path.to_owned(), problem })
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

    /// What a new file of anybody's is: readable, and runnable where it is a program.
    pub(super) fn open_to_all(file: &File, is_program: bool) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(if is_program { 0o755 } else { 0o644 }))
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

    pub(super) fn open_to_all(_: &File, _: bool) -> io::Result<()> {
        Ok(())
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
mod tests;
