//! Random input for `cce-fix`, and the laws that have to hold for it.
//!
//! Cases are made from manifests by changes of lines, pieces and structure, tried on one target after the other, and
//! kept as a start for further ones when something new happens in them: another finding, another refusal, another
//! message. No instrumented build is needed for that, so that it runs wherever the tests do.

pub mod case;
mod edit;
mod fix;
#[path = "../../tests/generate.rs"]
mod generate;
mod minimise;
mod model;
mod mutate;
mod options;
mod others;
mod random;
mod scan;
pub mod seeds;
pub mod session;
mod structure;
pub mod target;

/// One line to whoever looks.
#[expect(clippy::print_stderr, reason = "a chore tells the person who runs it what it does")]
pub fn tell(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests;
