//! Which files a run looks at: paths, folders, patterns.

pub mod kind;
pub mod kustomize;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ignore::{WalkBuilder, WalkState};
use thiserror::Error;

/// A file to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// As the user wrote it, or below what the user wrote.
    pub path: PathBuf,
    /// Named on the command line or matched by a pattern there, not found in a walk.
    pub named: bool,
    /// The folder that was walked when it was found.
    pub root: Option<PathBuf>,
}

/// A path that gives no files.
#[derive(Debug, Error)]
pub enum InputError {
    /// Nothing there.
    #[error("{}: no such file or folder; check the name, or quote a pattern such as \"**/*.yaml\"", .0.display())]
    Missing(PathBuf),
    /// A pattern that names nothing.
    #[error("{0}: no file matches this pattern")]
    NoMatch(String),
    /// A pattern that is none.
    #[error("{0}: {1}")]
    Pattern(String, glob::PatternError),
    /// A folder or entry that cannot be read.
    #[error("{0}")]
    Walk(String),
}

/// The paths that the file `list` holds: each ended by a NUL byte where there is one, else one a line. `-` is stdin.
pub fn listed(list: &Path) -> Result<Vec<OsString>, String> {
    let mut bytes = Vec::new();
    let read = if list == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes)
    } else {
        File::open(list).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| format!("`--files-from`: {}: {error}", list.display()))?;
    let end = if bytes.contains(&0) { 0 } else { b'\n' };
    let names = bytes.split(|byte| *byte == end).filter(|name| !name.is_empty());
    names.map(|name| os_string(name).ok_or_else(|| not_a_path(list, name))).collect()
}

fn not_a_path(list: &Path, name: &[u8]) -> String {
    format!("`--files-from`: {}: {}: no path of this system", list.display(), name.escape_ascii())
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have names that are no text, and text that is no name"
)]
fn os_string(name: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStrExt as _;

    Some(std::ffi::OsStr::from_bytes(name).to_owned())
}

#[cfg(not(unix))]
fn os_string(name: &[u8]) -> Option<OsString> {
    // Lines end with CR LF on some of them.
    std::str::from_utf8(name).ok().map(|name| OsString::from(name.trim_end_matches('\r')))
}

/// The files that `paths` stand for, in order of their names, each once, and what went wrong.
pub fn collect(paths: &[OsString], no_ignore: bool, threads: usize) -> (Vec<Input>, Vec<InputError>) {
    let mut found = BTreeMap::new();
    let mut errors = Vec::new();
    for path in paths {
        let literal = PathBuf::from(path);
        match std::fs::symlink_metadata(&literal) {
            Ok(_) => add(&literal, no_ignore, threads, &mut found, &mut errors),
            Err(_) => match path.to_str().filter(|text| text.contains(['*', '?', '['])) {
                Some(pattern) => expand(pattern, no_ignore, threads, &mut found, &mut errors),
                None => errors.push(InputError::Missing(literal)),
            },
        }
    }
    (found.into_values().collect(), errors)
}

fn add(
    path: &Path,
    no_ignore: bool,
    threads: usize,
    found: &mut BTreeMap<PathBuf, Input>,
    errors: &mut Vec<InputError>,
) {
    if path.is_dir() {
        walk(path, no_ignore, threads, found, errors);
    } else {
        let path = tidy(path);
        found.insert(path.clone(), Input { path, named: true, root: None });
    }
}

/// A pattern that the shell was kept from expanding.
fn expand(
    pattern: &str,
    no_ignore: bool,
    threads: usize,
    found: &mut BTreeMap<PathBuf, Input>,
    errors: &mut Vec<InputError>,
) {
    let matches = match glob::glob(pattern) {
        Ok(matches) => matches,
        Err(error) => return errors.push(InputError::Pattern(pattern.to_owned(), error)),
    };
    let mut any = false;
    for entry in matches {
        any = true;
        match entry {
            Ok(path) => add(&path, no_ignore, threads, found, errors),
            Err(error) => errors.push(InputError::Walk(error.to_string())),
        }
    }
    if !any {
        errors.push(InputError::NoMatch(pattern.to_owned()));
    }
}

fn walk(
    root: &Path,
    no_ignore: bool,
    threads: usize,
    found: &mut BTreeMap<PathBuf, Input>,
    errors: &mut Vec<InputError>,
) {
    let mut builder = WalkBuilder::new(root);
    builder.threads(threads);
    if no_ignore {
        builder.git_ignore(false).git_global(false).git_exclude(false).ignore(false).parents(false);
    }
    let gathered = Mutex::new((Vec::new(), Vec::new()));
    builder.build_parallel().run(|| {
        Box::new(|entry| {
            let files = |path: Option<PathBuf>, error: Option<String>| {
                if let Ok(mut gathered) = gathered.lock() {
                    gathered.0.extend(path);
                    gathered.1.extend(error);
                }
            };
            match entry {
                Ok(entry) => {
                    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                    if !is_folder && is_manifest_name(entry.path()) {
                        files(Some(tidy(entry.path())), None);
                    }
                }
                Err(error) => files(None, Some(error.to_string())),
            }
            WalkState::Continue
        })
    });
    let (paths, problems) = gathered.into_inner().unwrap_or_default();
    errors.extend(problems.into_iter().map(InputError::Walk));
    for path in paths {
        // A file that was named as well stays named.
        let input = Input { path: path.clone(), named: false, root: Some(root.to_owned()) };
        found.entry(path).or_insert(input);
    }
}

/// JSON is looked at only when it is named: most of it is no manifest.
fn is_manifest_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// `./a.yaml` is shown as `a.yaml`.
fn tidy(path: &Path) -> PathBuf {
    match path.strip_prefix(".") {
        Ok(rest) if !rest.as_os_str().is_empty() => rest.to_owned(),
        _ => path.to_owned(),
    }
}

/// Reads a regular file; why not, where it cannot. Pipes, devices and the like could block or never end.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => "nothing there; a symbolic link may lead nowhere".to_owned(),
        _ => format!("cannot read: {error}"),
    };
    let mut file = open(path).map_err(|error| cannot(&error))?;
    let metadata = file.metadata().map_err(|error| cannot(&error))?;
    if !metadata.is_file() {
        return Err("not a regular file".to_owned());
    }
    // By hand, because `read_to_end` asks the system for the size a second time. One byte more than the file
    // has, so that its end shows at once.
    let size = usize::try_from(metadata.len()).map_err(|_| "the file is too large".to_owned())?;
    let mut bytes = vec![0; size + 1];
    let mut filled = 0;
    loop {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(cannot(&error)),
        }
        if filled == bytes.len() {
            bytes.resize(bytes.len() * 2, 0);
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    // A pipe without a writer would block at this point.
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(nonblocking).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}
