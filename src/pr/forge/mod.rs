//! The forges: what is asked of each, and how it is found out which one a repository is on.

mod address;
mod gitea;
mod http;

use thiserror::Error;

pub use address::{Address, Kind};
pub use gitea::Gitea;
pub use http::{Client, Secret};

/// A request to merge one branch into another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number in the repository.
    pub number: u64,
    /// Where people look at it.
    pub url: String,
    /// Whether it waits, was merged, or was closed without that.
    pub state: State,
    /// The branch with the changes.
    pub head: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// Its title, without what marks a draft.
    pub title: String,
    /// Its text.
    pub body: String,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// Whether it is not to be merged yet.
    pub is_draft: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Open,
    /// It was merged.
    Merged,
    /// It was closed without that.
    Closed,
}

/// A request that is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest<'n> {
    /// The branch with the changes.
    pub head: &'n str,
    /// The branch that it is to be merged into.
    pub base: &'n str,
    /// Its title.
    pub title: &'n str,
    /// Its text.
    pub body: &'n str,
    /// Whether it is not to be merged yet.
    pub is_draft: bool,
}

/// What a forge is asked. Each call is one thing that is done or not, so that a run can end between any two.
pub trait Forge {
    /// The requests of these branches, open and closed, the newest first.
    fn requests(&self, heads: &[&str]) -> Result<Vec<Request>, ForgeError>;

    /// Opens a request; where there is an open one of the same branches already, says [`ForgeError::Exists`].
    fn open(&self, new: &NewRequest<'_>) -> Result<Request, ForgeError>;

    /// Gives a request these labels beside those that it has, and makes them known where they are not.
    fn label(&self, request: &Request, labels: &[&str]) -> Result<(), ForgeError>;

    /// Writes title and text anew. Whether it is a draft stays as it is.
    fn write(&self, request: &Request, title: &str, body: &str) -> Result<(), ForgeError>;

    /// The texts of its comments.
    fn comments(&self, request: &Request) -> Result<Vec<String>, ForgeError>;

    /// Adds a comment.
    fn comment(&self, request: &Request, text: &str) -> Result<(), ForgeError>;

    /// Closes it.
    fn close(&self, request: &Request) -> Result<(), ForgeError>;

    /// How many characters the text of a request can have.
    fn room(&self) -> usize;

    /// The name that git gives beside the token.
    fn git_user(&self) -> &'static str;
}

/// What a forge did not do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ForgeError {
    /// 401.
    #[error("{host} does not accept the token: {message}; it may be misspelt, expired or for another host")]
    Unknown {
        /// The forge.
        host: String,
        /// What it says.
        message: String,
    },
    /// 403.
    #[error(
        "{host} does not allow this to the token: {message}; it needs to read and write the repository, its \
         requests and its issues"
    )]
    Forbidden {
        /// The forge.
        host: String,
        /// What it says.
        message: String,
    },
    /// 404.
    #[error(
        "{host} knows no `{path}`, or does not show it to the token; check the repository's address, `--forge` and \
         `--api-url`"
    )]
    Missing {
        /// The forge.
        host: String,
        /// What was asked for.
        path: String,
    },
    /// There is an open request of the same branches.
    #[error("there is an open request of the same branches")]
    Exists,
    /// The forge wants us to wait for longer than we do.
    #[error("{host} takes no more requests for {seconds} seconds; run again after that")]
    Busy {
        /// The forge.
        host: String,
        /// How long.
        seconds: u64,
    },
    /// Any other answer.
    #[error("{host} answers {status}: {message}")]
    Refused {
        /// The forge.
        host: String,
        /// The status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// There is no answer.
    #[error("{host} cannot be reached: {message}")]
    Unreachable {
        /// The forge.
        host: String,
        /// Why.
        message: String,
    },
    /// The answer is not what the forge's description says.
    #[error("{host} answers what is not understood: {message}; check `--forge` and `--api-url`")]
    Unclear {
        /// The forge.
        host: String,
        /// What is wrong with it.
        message: String,
    },
    /// The address of the API is not one.
    #[error("`{0}` is no address that a token is sent to: it has to begin with `https://`")]
    Insecure(String),
}
