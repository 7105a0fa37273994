//! Parses, runs, and tells the shell how it went.

use std::process::ExitCode;

fn main() -> ExitCode {
    cce_fix::run::main().into()
}
