//! Parses, runs, and tells the shell how it went.

use std::process::ExitCode;

// A plan is thousands of short paths and texts, which two threads make and drop at a time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cce_fix::run::main().into()
}
