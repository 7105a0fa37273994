//! Random input for as long as it is wanted: the program is `fuzz/`.

use std::path::Path;
use std::process::Command;

/// Runs it with these arguments.
#[expect(clippy::disallowed_methods, reason = "a chore runs a program of this repository")]
pub(crate) fn fuzz(repository: &Path, arguments: &[&str]) -> Result<String, String> {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "cce-fix-fuzz", "--"])
        .args(arguments)
        .current_dir(repository)
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() {
        Ok("every law held".to_owned())
    } else {
        Err("a law was broken, or nothing was tried".to_owned())
    }
}
