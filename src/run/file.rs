//! One file of a run: looked at, and done with it what the mode says.

use std::path::Path;

use crate::changed::Change;
use crate::cli::Mode;
use crate::engine::{Examined, Problem, Purpose};
use crate::gather::Gathered;
use crate::input::{self, Input};
use crate::jobs::Job;
use crate::look::look;
use crate::report::{self, FileReport, Tally};
use crate::write::{self, How};

use super::output::Output;
use super::{Run, is_interrupted};

impl Run<'_> {
    /// Looks at one file and does with it what the mode says. `gathered` is what all files tell, and the
    /// file's number among them; a file that stands alone tells about itself.
    pub(super) fn file(
        &self,
        Job { input, decisions }: &Job<'_>,
        gathered: Option<(&Gathered, usize)>,
    ) -> Output {
        if is_interrupted() {
            return Output::default();
        }
        let path = input.path.as_path();
        let lines = match self.changes.as_ref().map(|changes| changes.of(path)) {
            None | Some(Change::Whole) => None,
            Some(Change::Lines(lines)) => Some(lines),
            Some(Change::None) => return Output::default(),
            Some(Change::Unknown(why)) => {
                return self.output(path, &mut Examined::unreadable(None, why), true);
            }
        };
        let kept = gathered.and_then(|(gathered, number)| gathered.take(number));
        let bytes = match kept.map_or_else(|| input::read(path), Ok) {
            Ok(bytes) => bytes,
            Err(message) => return self.output(path, &mut Examined::unreadable(None, message), true),
        };
        let evidence = gathered.map(|(gathered, _)| &gathered.evidence);
        let settings = decisions.settings_for(path);
        let mut examined = look(input, &bytes, &self.patches, evidence, &settings, lines, self.purpose());
        let mut output = self.output(path, &mut examined, input.named);
        output.overrides = std::mem::take(&mut examined.overrides);
        output.subjects = std::mem::take(&mut examined.subjects);
        match (self.mode, &examined.text) {
            (Mode::List, _) if examined.changed => output.stdout = self.screen.name_line(path),
            (Mode::Diff, Some(text)) => output.stdout = self.screen.diff(path, &bytes, text.as_bytes()),
            (Mode::Write, Some(text)) => {
                if let Err(message) = self.write(input, &bytes, text.as_bytes()) {
                    output.tally = Tally { looked_at: 1, refused: 1, ..Tally::default() };
                    output.stderr.push(format!("error: {message}"));
                    output.report.iter_mut().for_each(|report| report.not_written(&message));
                }
            }
            _ => {}
        }
        output
    }

    /// What files are examined for.
    pub(super) fn purpose(&self) -> Purpose {
        match (self.report, self.mode) {
            (Some(source), _) => Purpose::Report { source },
            (None, Mode::Check | Mode::List) if self.cli.verbose => Purpose::Answer,
            (None, Mode::Write | Mode::Diff) if self.cli.verbose => Purpose::Text,
            (None, Mode::Check | Mode::List) => Purpose::Count,
            (None, Mode::Write | Mode::Diff) => Purpose::Rewrite,
        }
    }

    /// What is said about a file, whatever the mode.
    pub(super) fn output(&self, path: &Path, examined: &mut Examined, named: bool) -> Output {
        let mut output = Output { path: path.to_owned(), ..Output::default() };
        output.tally.count(examined);
        output.report = self.report.map(|_| FileReport::new(path, &self.screen.folder, examined));
        if let Some(why) = examined.kind.why_not().filter(|_| named) {
            output.tally.refused += 1;
            let problem = Problem { position: None, message: why.to_owned() };
            output.stderr.push(report::problem(path, &problem));
            output.report.iter_mut().for_each(|report| report.add_problem(&problem));
        }
        output.stderr.extend(examined.problems.iter().map(|problem| report::problem(path, problem)));
        output.stderr.extend(report::notices(path, examined));
        if self.cli.verbose {
            output.stderr.extend(report::verbose(path, examined));
            output.stderr.extend(report::pod_security(path, examined));
        }
        output
    }

    fn write(&self, input: &Input, old: &[u8], new: &[u8]) -> Result<(), String> {
        let path = input.path.as_path();
        if let Some(root) = input.root.as_deref().filter(|_| path.is_symlink()) {
            let target = write::target(path).map_err(|error| error.to_string())?;
            let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
            if !target.starts_with(&root) {
                return Err(format!(
                    "{}: a symbolic link to {}, outside the folder; name the file itself to fix it",
                    path.display(),
                    target.display()
                ));
            }
        }
        match write::replace(path, old, new, How::Atomic) {
            Err(error) if self.cli.no_atomic && error.problem.in_place_may_help() => {
                write::replace(path, old, new, How::InPlace).map_err(|error| error.to_string())
            }
            result => result.map_err(|error| error.to_string()),
        }
    }
}
