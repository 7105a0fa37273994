//! What is said to the person who runs the program: messages on stderr, an answer on stdout.

use std::io::{self, Write as _};

use crate::diff::harmless;
use crate::exit::Exit;

/// One line on stderr, harmless to a terminal whatever names and texts it quotes.
pub fn tell(line: &str) -> io::Result<()> {
    tell_bytes(&harmless(line.as_bytes()))
}

/// One line on stderr, as it is.
pub fn tell_bytes(line: &[u8]) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(line)?;
    stderr.write_all(b"\n")
}

/// Says why what was asked for cannot be done at all.
pub fn refuse(message: &str) -> io::Result<Exit> {
    tell(&format!("error: {message}"))?;
    Ok(Exit::Trouble)
}

/// Prints what was asked for.
pub fn answer(answer: impl AsRef<[u8]>) -> io::Result<Exit> {
    print(answer.as_ref())?;
    Ok(Exit::Success)
}

/// Prints something on stdout, where a reader sees it at once.
pub fn print(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}
