//! The files that the configuration asks for beside the manifests.

use std::io;

use crate::cli::Mode;
use crate::generate::{NewFile, Subjects};
use crate::report::Tally;
use crate::write::{self, How, WriteError};

use super::Run;
use super::output::Output;

impl Run<'_> {
    /// Makes them, or shows them.
    pub(super) fn generate(&self, subjects: &Subjects, tally: &mut Tally) -> io::Result<()> {
        // What they hold depends on all workloads, not on those that changed.
        if self.changes.is_some() {
            return Ok(());
        }
        for file in subjects.files() {
            let output = match file {
                Ok(file) => self.new_file(&file),
                Err(message) => refused(&message),
            };
            self.screen.print(&output)?;
            tally.add(&output.tally);
        }
        Ok(())
    }

    fn new_file(&self, file: &NewFile) -> Output {
        let mut output = Output::default();
        output.tally.generated = 1;
        match self.mode {
            Mode::Write => {
                if let Err(error) = write(file) {
                    return refused(&error.to_string());
                }
            }
            Mode::Diff => output.stdout = self.screen.diff_of_new(file),
            Mode::List => output.stdout = self.screen.name_line(self.screen.seen(&file.path)),
            Mode::Check => {}
        }
        output
    }
}

fn write(NewFile { path, generated, old }: &NewFile) -> Result<(), WriteError> {
    let text = generated.text.as_bytes();
    match old {
        Some(old) => write::replace(path, old, text, How::Atomic),
        None => write::create(path, text, generated.is_program),
    }
}

fn refused(message: &str) -> Output {
    let tally = Tally { refused: 1, ..Tally::default() };
    Output { stderr: vec![format!("error: {message}")], tally, ..Output::default() }
}
