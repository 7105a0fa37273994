//! The files of a run, each with what is decided for it.

use std::sync::Arc;

use crate::config::{ConfigError, Decisions, Source};
use crate::input::Input;

/// A file, and what is decided for it.
#[derive(Debug)]
pub struct Job<'i> {
    /// The file.
    pub input: &'i Input,
    /// What holds for it.
    pub decisions: Arc<Decisions>,
}

/// Finds the decisions for each of `inputs`, without those that are excluded. A configuration that cannot be
/// used is told once, and the files that it is for have no job.
pub fn jobs<'i>(inputs: &'i [Input], source: &Source) -> (Vec<Job<'i>>, Vec<ConfigError>) {
    let mut jobs = Vec::with_capacity(inputs.len());
    let mut errors = Vec::new();
    for input in inputs {
        match source.of_file(&input.path) {
            Ok(decisions) if decisions.excludes(&input.path, input.named) => {}
            Ok(decisions) => jobs.push(Job { input, decisions }),
            Err(error) if errors.contains(&error) => {}
            Err(error) => errors.push(error),
        }
    }
    (jobs, errors)
}
