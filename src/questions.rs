//! What the program tells about itself: the configuration that holds, its schema, completions, the manual.

use std::io;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::{Cli, ConfigQuestion};
use crate::config::{self, Flags, Source};
use crate::console::{answer, refuse};
use crate::exit::Exit;
use crate::spelling;

/// Answers a question about the configuration.
pub fn config(question: &ConfigQuestion) -> io::Result<Exit> {
    match question {
        ConfigQuestion::Schema => answer(schema()),
        ConfigQuestion::Show { path, config, isolated } => {
            let source = Source::new(Flags::default(), config.as_deref(), *isolated);
            let decisions =
                source.and_then(|source| if path.is_dir() { source.of(path) } else { source.of_file(path) });
            match decisions {
                Ok(decisions) => answer(config::show(&decisions)),
                Err(error) => refuse(&error.to_string()),
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
    answer(script)
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
            return refuse(&format!("`{name}` is no command{}", spelling::suggestion(name, names())));
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone()).render(&mut text)?;
    answer(text)
}
