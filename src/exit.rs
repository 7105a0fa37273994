//! The one table of exit codes.

/// How a run ended, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing to do, or done.
    Success,
    /// Something would change, or is left under `--strict`.
    Findings,
    /// Some input could not be handled; the others were.
    Trouble,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
            Self::Trouble => 2,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts() {
        assert_eq!(Exit::Findings.max(Exit::Trouble).code(), 2);
        assert_eq!(Exit::Success.max(Exit::Findings).code(), 1);
        assert_eq!(Exit::Trouble.max(Exit::Interrupted).code(), 130);
    }
}
