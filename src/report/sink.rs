//! Where reports go. Files are opened before any manifest is touched, so that what cannot be written is known
//! in time.

#![expect(clippy::disallowed_methods, reason = "the place that writes reports, and never a manifest")]

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::format::{Format, Wanted};
use super::{Look, Report};
use crate::input::Input;

/// The reports of a run, each with its place.
#[derive(Debug, Default)]
pub struct Sinks(Vec<Sink>);

#[derive(Debug)]
struct Sink {
    format: Format,
    /// None is stdout.
    file: Option<(PathBuf, File)>,
}

impl Sinks {
    /// Opens what `wanted` names. `stdout_is_for` is what stdout is for otherwise; `inputs` are the manifests.
    pub fn open(wanted: &[Wanted], stdout_is_for: Option<&str>, inputs: &[Input]) -> Result<Self, String> {
        let to_stdout: Vec<Format> =
            wanted.iter().filter(|wanted| wanted.file.is_none()).map(|wanted| wanted.format).collect();
        match (to_stdout.as_slice(), stdout_is_for) {
            ([one, other, ..], _) => {
                return Err(format!(
                    "two reports on stdout, {one} and {other}: give one of them a file, as in `-o {other}=FILE`"
                ));
            }
            ([one], Some(what)) => {
                return Err(format!("stdout is for {what}: give the report a file, as in `-o {one}=FILE`"));
            }
            _ => {}
        }
        let mut sinks = Self::default();
        let mut opened: Vec<PathBuf> = Vec::new();
        for wanted in wanted {
            let Some(path) = &wanted.file else {
                sinks.0.push(Sink { format: wanted.format, file: None });
                continue;
            };
            // Before it is opened, which makes a file where none is.
            if is_input(path, inputs) {
                return Err(format!("{}: a report would take the place of this manifest", path.display()));
            }
            let refused = |error| format!("{}: the report cannot be written: {error}", path.display());
            let file =
                OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(refused)?;
            let real = path.canonicalize().map_err(refused)?;
            if file.metadata().is_ok_and(|metadata| metadata.is_file()) && opened.contains(&real) {
                return Err(format!("{}: two reports in one file", path.display()));
            }
            opened.push(real);
            sinks.0.push(Sink { format: wanted.format, file: Some((path.clone(), file)) });
        }
        Ok(sinks)
    }

    /// Whether no report was asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them shows pieces of the text.
    pub fn show_source(&self) -> bool {
        self.0.iter().any(|sink| sink.format == Format::Full)
    }

    /// Writes them all, those on stdout with `look`; what went wrong with files is returned.
    pub fn write(self, report: &Report, look: Look<'_>) -> io::Result<Vec<String>> {
        let mut problems = Vec::new();
        for Sink { format, file } in self.0 {
            let Some((path, file)) = file else {
                let mut stdout = BufWriter::new(io::stdout().lock());
                format.write(report, look, &mut stdout)?;
                stdout.flush()?;
                continue;
            };
            if let Err(error) = fill(file, format, report) {
                problems.push(format!("{}: the report cannot be written: {error}", path.display()));
            }
        }
        Ok(problems)
    }
}

fn fill(mut file: File, format: Format, report: &Report) -> io::Result<()> {
    // A pipe has no length.
    if file.metadata()?.is_file() {
        file.rewind()?;
        file.set_len(0)?;
    }
    let mut out = BufWriter::new(file);
    format.write(report, Look::default(), &mut out)?;
    out.flush()
}

/// Whether the path leads to one of the manifests, by whatever name.
fn is_input(path: &Path, inputs: &[Input]) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    inputs.iter().any(|input| input.path.metadata().is_ok_and(|other| is_same(&metadata, &other)))
}

#[cfg(unix)]
fn is_same(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    one.is_file() && one.len() == other.len() && one.modified().ok() == other.modified().ok()
}
