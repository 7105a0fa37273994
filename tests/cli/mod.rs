//! The command line, by the real program.

mod bad_input;
mod contract;
mod control;
mod evidence;
mod no_atomic;
mod pss;
mod questions;
mod reports;
mod since;
mod suppressions;
mod terminal;
