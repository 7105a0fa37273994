//! What the program tells about itself: the configuration that holds, its schema, completions, the manual.

use std::io::{self, Write as _};
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::{Cli, ConfigQuestion};
use crate::config::{self, Flags};
use crate::exit::Exit;
use crate::run::{folder_of, source, tell};
use crate::spelling;

/// Answers a question about the configuration.
pub fn config(question: &ConfigQuestion) -> io::Result<Exit> {
    match question {
        ConfigQuestion::Schema => print(&schema()),
        ConfigQuestion::Show { path, config, isolated } => {
            let folder: &Path = if path.is_dir() { path } else { folder_of(path) };
            let decisions = source(Flags::default(), config.as_deref(), *isolated)
                .and_then(|decisions| decisions.of(folder));
            match decisions {
                Ok(decisions) => print(&config::show(&decisions)),
                Err(error) => {
                    tell(&format!("error: {error}"))?;
                    Ok(Exit::Trouble)
                }
            }
        }
    }
}

/// The schema of `.cce-fix.yaml` as text.
pub fn schema() -> String {
    format!("{:#}\n", config::schema())
}

/// Prints the completions for `shell`.
pub fn completions(shell: Shell) -> io::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cce-fix", &mut script);
    print_bytes(&script)
}

/// Prints the manual page of the program, or of one of its commands.
pub fn man(name: Option<&str>) -> io::Result<Exit> {
    let mut program = Cli::command();
    program.build();
    let names = || program.get_subcommands().map(clap::Command::get_name);
    let page = match name.map(|name| (name, program.find_subcommand(name))) {
        None => &program,
        Some((_, Some(command))) => command,
        Some((name, None)) => {
            tell(&format!("error: `{name}` is no command{}", spelling::suggestion(name, names())))?;
            return Ok(Exit::Trouble);
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone()).render(&mut text)?;
    print_bytes(&text)
}

fn print(text: &str) -> io::Result<Exit> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> io::Result<Exit> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(Exit::Success)
}
