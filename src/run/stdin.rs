//! `-`: stdin mapped to stdout.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::PathBuf;

use crate::cli::Mode;
use crate::console::refuse;
use crate::exit::Exit;
use crate::input::kind::FileKind;
use crate::look::examine;
use crate::report::{Report, Tally};

use super::Run;

impl Run<'_> {
    /// Reads stdin, and does with it what the mode says. `paths` are all that are named.
    pub(super) fn stdin(&mut self, paths: &[OsString]) -> io::Result<Exit> {
        if paths.len() > 1 {
            return refuse("`-` stands for stdin and cannot be mixed with other paths");
        }
        if self.cli.since.is_some() || self.cli.staged {
            return refuse("`-` has no history; `--since` and `--staged` are for files");
        }
        let stdout_is_for = (self.mode != Mode::Check).then_some("what `-` gives");
        let sinks = match self.open_reports(stdout_is_for, &[]) {
            Ok(sinks) => sinks,
            Err(message) => return refuse(&message),
        };
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        let path = self.cli.stdin_filename.as_path();
        let decisions = match self.source.of_file(path) {
            Ok(decisions) => decisions,
            Err(error) => return refuse(&error.to_string()),
        };
        let mut examined = examine(&bytes, path, &decisions.settings_for(path), None, None, self.purpose());
        let unreadable = examined.text.is_none() && !examined.problems.is_empty();
        let template = examined.kind == FileKind::Template;
        let mut output = self.output(path, &mut examined, template);
        // There is no file to open.
        output.path = PathBuf::new();
        let new = examined.text.as_deref().map_or(bytes.as_slice(), str::as_bytes);
        match self.mode {
            Mode::Write if !template && (!unreadable || is_stream(&bytes)) => output.stdout = new.to_vec(),
            Mode::Diff if examined.text.is_some() => {
                output.stdout = self.screen.diff(path, &bytes, new);
            }
            Mode::List if examined.changed => output.stdout = self.screen.name_line(path),
            _ => {}
        }
        self.screen.print(&output)?;
        let mut tally = Tally::default();
        tally.add(&output.tally);
        let mut report = Report::new(self.mode);
        output.report.take().into_iter().for_each(|file| report.add(file));
        self.write_reports(sinks, &report, &mut tally)?;
        self.finish(&tally, false)
    }
}

/// Whether the bytes can be read as documents at all.
fn is_stream(bytes: &[u8]) -> bool {
    rewriter::decode(bytes).is_ok_and(|text| rewriter::Stream::scan(text).is_ok())
}
