//! The key `pr`: how `cce-fix pr` makes requests.

use clap::ValueEnum as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pr::fixes::GroupBy;
use crate::pr::forge::Kind;
use crate::spelling;

/// How `cce-fix pr` makes requests; a flag beats each.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Requests {
    /// The branch to fix, in place of the remote's default branch.
    pub base: Option<String>,
    /// The forge that the remote is on, where its host does not tell; tokens of the environment need `--forge`.
    pub forge: Option<String>,
    /// The address of the forge's API, where it is not the usual one; it has to be on the remote's host.
    pub api_url: Option<String>,
    /// How fixes are put together into requests.
    pub group_by: GroupBy,
    /// How many open requests of ours there may be at a time.
    pub max_open: usize,
    /// Seconds between two requests that are opened.
    pub sleep: u64,
    /// Whether requests with fixes to be reviewed are drafts.
    pub draft: bool,
    /// Whether lines with fixes to be reviewed get a comment each, with a suggestion that takes the fix back.
    pub review_comments: bool,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            base: None,
            forge: None,
            api_url: None,
            group_by: GroupBy::default(),
            max_open: 5,
            sleep: 30,
            draft: true,
            review_comments: false,
        }
    }
}

impl Requests {
    /// The names of the forges.
    pub fn forges() -> Vec<String> {
        let names = Kind::value_variants().iter().filter_map(clap::ValueEnum::to_possible_value);
        names.map(|name| name.get_name().to_owned()).collect()
    }

    /// The forge, or what is wrong with its name.
    pub fn kind(&self) -> Result<Option<Kind>, String> {
        let Some(name) = &self.forge else { return Ok(None) };
        Kind::from_str(name, false).map(Some).map_err(|_| {
            let known = Self::forges();
            let near = spelling::suggestion(name, known.iter().map(String::as_str));
            format!("`{name}` is no forge; known are `{}`{near}", known.join("`, `"))
        })
    }
}
