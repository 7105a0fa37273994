//! What files give to the outside: one of them, and all of a run together.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use transforms::generate::Subject;

use crate::cli::Mode;
use crate::console;
use crate::diff::{self, DiffName};
use crate::generate::{NewFile, Subjects};
use crate::jobs::Job;
use crate::link;
use crate::report::{FileReport, Look, Report, Tally};
use crate::suppress::Overrides;

/// What one file gives to the outside.
#[derive(Default)]
pub(super) struct Output {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<String>,
    /// The file that lines on stderr begin with.
    pub(super) path: PathBuf,
    pub(super) tally: Tally,
    pub(super) subjects: Vec<Subject>,
    /// The overrides that found something to suppress.
    pub(super) overrides: BTreeSet<usize>,
    /// Where a report was asked for.
    pub(super) report: Option<FileReport>,
}

/// What the files of a run come to together.
pub(super) struct Totals {
    pub(super) tally: Tally,
    pub(super) report: Report,
    pub(super) overrides: Overrides,
    pub(super) subjects: Subjects,
}

impl Totals {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            tally: Tally::default(),
            report: Report::new(mode),
            overrides: Overrides::default(),
            subjects: Subjects::default(),
        }
    }

    /// Adds what one file gives.
    pub(super) fn add(&mut self, Job { decisions, .. }: &Job<'_>, output: Output) {
        self.tally.add(&output.tally);
        self.overrides.add(decisions, output.overrides);
        self.subjects.add(decisions, output.subjects);
        if let Some(file) = output.report {
            self.report.add(file);
        }
    }

    /// Tells of something that is about no manifest, and counts it.
    pub(super) fn refuse(&mut self, message: &str) -> io::Result<()> {
        self.tally.refused += 1;
        self.report.add_problem(message);
        console::tell(&format!("error: {message}"))
    }
}

/// How names and texts are shown.
pub(super) struct Screen {
    /// The current one.
    pub(super) folder: PathBuf,
    colour: bool,
    /// Whether paths on stdout can be clicked.
    links_on_stdout: bool,
    links_on_stderr: bool,
}

impl Screen {
    /// That of the process.
    pub(super) fn new() -> Self {
        Self {
            folder: std::env::current_dir().unwrap_or_default(),
            colour: anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
            links_on_stdout: link::are_shown(&io::stdout()),
            links_on_stderr: link::are_shown(&io::stderr()),
        }
    }

    /// How reports for people look on stdout.
    pub(super) fn look(&self) -> Look<'_> {
        Look { colour: self.colour, links: self.links_on_stdout.then_some(&self.folder) }
    }

    /// Prints what one file gives.
    pub(super) fn print(&self, output: &Output) -> io::Result<()> {
        for line in &output.stderr {
            if self.links_on_stderr {
                console::tell_bytes(&link::at_start(line, &output.path, &self.folder))?;
            } else {
                console::tell(line)?;
            }
        }
        if output.stdout.is_empty() { Ok(()) } else { console::print(&output.stdout) }
    }

    /// The name of a file in a line of its own.
    pub(super) fn name_line(&self, path: &Path) -> Vec<u8> {
        if self.links_on_stdout {
            link::name_line(path, &self.folder)
        } else {
            [path.as_os_str().as_encoded_bytes(), b"\n"].concat()
        }
    }

    /// What changes in the file at `path`.
    pub(super) fn diff(&self, path: &Path, old: &[u8], new: &[u8]) -> Vec<u8> {
        self.painted(diff::unified(&DiffName::new(path, &self.folder), old, new))
    }

    /// The same of a file that is made beside the manifests.
    pub(super) fn diff_of_new(&self, NewFile { path, generated, old }: &NewFile) -> Vec<u8> {
        let path = self.seen(path);
        let text = generated.text.as_bytes();
        let Some(old) = old else {
            let name = DiffName::new(path, &self.folder);
            return self.painted(diff::created(&name, text, generated.is_program));
        };
        self.diff(path, old, text)
    }

    /// A path as seen from the current folder.
    pub(super) fn seen<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.folder).unwrap_or(path)
    }

    fn painted(&self, diff: Vec<u8>) -> Vec<u8> {
        if self.colour { diff::paint(&diff) } else { diff }
    }
}
