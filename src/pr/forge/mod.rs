//! The forges: what is asked of each, and how it is found out which one a repository is on.

mod address;
mod codearts;
mod gitcode;
mod gitea;
mod github;
mod gitlab;
mod http;
mod push_only;

use serde_json::{Value, json};
use thiserror::Error;

pub use address::{Address, Kind};
pub use codearts::Codearts;
pub use gitcode::Gitcode;
pub use gitea::Gitea;
pub use github::Github;
pub use gitlab::Gitlab;
pub use http::{Client, Roots, Secret};
pub use push_only::PushOnly;

/// What is needed to speak with a forge.
#[derive(Debug)]
pub struct Access<'a> {
    /// Where the repository is.
    pub address: &'a Address,
    /// Where the API is, if not at the usual place.
    pub api: Option<&'a str>,
    /// What lets us in.
    pub token: &'a Secret,
    /// Whose word is taken for who the forge is.
    pub roots: &'a Roots,
}

impl Kind {
    /// A client for a repository on a forge of this kind. Nothing is asked of the forge yet.
    pub fn client(self, access: &Access<'_>) -> Result<Box<dyn Forge>, ForgeError> {
        Ok(match self {
            Self::Gitea => Box::new(Gitea::new(access)?),
            Self::Github => Box::new(Github::new(access)?),
            Self::Gitlab => Box::new(Gitlab::new(access)?),
            Self::Gitcode => Box::new(Gitcode::new(access)?),
            Self::Codearts => Box::new(Codearts::new(access)?),
            Self::PushOnly => Box::new(PushOnly::new(access)),
        })
    }
}

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

impl Request {
    /// The request that `new` became.
    fn opened(number: u64, url: String, new: &NewRequest<'_>) -> Self {
        Self {
            number,
            url,
            state: State::Open,
            head: new.head.to_owned(),
            base: new.base.to_owned(),
            title: new.title.to_owned(),
            body: new.body.to_owned(),
            labels: Vec::new(),
            is_draft: new.is_draft,
        }
    }
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

/// A remark on lines of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The file.
    pub path: String,
    /// The first line as the request has it, from one.
    pub first: usize,
    /// The last one.
    pub last: usize,
    /// The last line as the base has it, where the request does not change it.
    pub old_line: Option<usize>,
    /// What is said.
    pub text: String,
    /// The note that it was said, which nobody sees.
    pub mark: String,
}

/// Remarks on lines of a request that are made together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review<'r> {
    /// The commit that the request ends in.
    pub commit: &'r str,
    /// The commit that it is made upon.
    pub base: &'r str,
    /// What stands above them, with the note that all of them were made.
    pub text: &'r str,
    /// The remarks.
    pub remarks: &'r [Placed],
}

impl Review<'_> {
    /// As GitHub takes it, and Gitea, which name lines in ways of their own.
    fn comment(&self, one: impl Fn(&Placed) -> Value) -> Value {
        let Self { commit, text, remarks, .. } = self;
        let comments: Vec<Value> = remarks.iter().map(one).collect();
        json!({"commit_id": commit, "body": text, "event": "COMMENT", "comments": comments})
    }
}

/// What a forge is asked. Each call is one thing that is done or not, so that a run can end between any two.
pub trait Forge: std::fmt::Debug {
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

    /// Whether it takes remarks on lines of a request.
    fn takes_remarks(&self) -> bool {
        false
    }

    /// The texts in which it may be noted that remarks on lines were made.
    fn remarks(&self, _: &Request) -> Result<Vec<String>, ForgeError> {
        Ok(Vec::new())
    }

    /// Makes remarks on lines.
    fn remark(&self, _: &Request, _: &Review<'_>) -> Result<(), ForgeError> {
        Ok(())
    }

    /// What a block of code is called whose content takes the place of the line with the remark, and of so many
    /// `above` it; none where there is no such thing.
    fn suggestion(&self, _above: usize) -> Option<String> {
        None
    }

    /// How many characters the text of a request can have.
    fn room(&self) -> usize;

    /// The name that git gives beside the token; none where the token is not one for git, which goes by its own
    /// credentials then.
    fn git_user(&self) -> Option<&'static str>;

    /// Whether requests are left to people, so that nothing is known of them.
    fn is_push_only(&self) -> bool {
        false
    }
}

/// The title without what it starts with in drafts, and whether it is one. Letters may be small or large.
fn undrafted<'t>(title: &'t str, marks: &[&str]) -> (&'t str, bool) {
    let plain = marks.iter().find_map(|mark| {
        let start = title.get(..mark.len()).filter(|start| start.eq_ignore_ascii_case(mark))?;
        title.get(start.len()..)
    });
    plain.map_or((title, false), |plain| (plain.trim_start(), true))
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
    #[error("{host} does not allow this to the token: {message}; {needs}")]
    Forbidden {
        /// The forge.
        host: String,
        /// What it says.
        message: String,
        /// What a token has to be allowed to do.
        needs: String,
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
    /// 5xx.
    #[error("{host} answers {status}: {message}; the fault is its own, run again later")]
    Broken {
        /// The forge.
        host: String,
        /// The status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// It does not prove who it is.
    #[error(
        "there is no trusting {host}: {message}; check the address, or give the certificates of who vouches for it \
         by `--ca-file`"
    )]
    Untrusted {
        /// The forge.
        host: String,
        /// Why.
        message: String,
    },
    /// There is no answer.
    #[error(
        "{host} cannot be reached: {message}; check the remote's address, `--api-url`, and the variables HTTPS_PROXY \
         and NO_PROXY"
    )]
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
    #[error(
        "`{0}` is no address that a token is sent to: it has to begin with `https://` and to name no user"
    )]
    Insecure(String),
    /// It is not known where the API is.
    #[error("it is not known where the API of {0} is; name it by `--api-url`")]
    NoApi(String),
}

impl ForgeError {
    /// The same, or [`Self::Exists`] where the forge tells that by words alone.
    fn or_exists(self) -> Self {
        match self {
            Self::Refused { status: 400 | 409 | 422, ref message, .. }
                if ["already exist", "\u{5df2}\u{5b58}\u{5728}"]
                    .iter()
                    .any(|words| message.contains(words)) =>
            {
                Self::Exists
            }
            other => other,
        }
    }
}
