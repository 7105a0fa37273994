//! The command line, and nothing but it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand};
use clap_complete::Shell;
use transforms::Profile;
use transforms::settings::Version;

use crate::config::Flags;
use crate::pr::Share;
use crate::pr::fixes::GroupBy;
use crate::pr::forge::Kind;
use crate::report::format::Wanted;

#[expect(clippy::needless_pass_by_value, reason = "what a value parser is given")]
fn wanted(text: OsString) -> Result<Wanted, String> {
    Wanted::parse(&text)
}

/// Hardens Kubernetes manifests without disturbing a byte that is not its own.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Parser)]
#[command(
    name = "cce-fix",
    version,
    about,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    group = ArgGroup::new("mode"),
    after_help = "Exit codes: 0 nothing to do or done, 1 would change or is left, 2 trouble",
    after_long_help = "\
Exit codes:
  0  nothing to do, or done
  1  something would change (--diff, --check, --list), or is left (--strict)
  2  some input could not be handled; the others were
  130  interrupted

Examples:
  cce-fix --diff .        show what would change, as `git apply` takes it
  cce-fix --safe deploy   write the safe fixes to the manifests in `deploy`
  cce-fix -d -s card .    the six basic settings alone
  cce-fix pss .           the Pod Security level of each workload
  kustomize build . | cce-fix - | kubectl apply -f -"
)]
pub struct Cli {
    /// What to do in place of fixing; a folder of such a name is given as `./NAME`
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Files, folders and quoted patterns to fix in place; `-` maps stdin to stdout
    #[arg(value_name = "PATH", hide_short_help = true)]
    pub paths: Vec<OsString>,

    /// Print a unified diff, write nothing
    #[arg(short, long, group = "mode")]
    pub diff: bool,

    /// Write nothing, answer by the exit code
    #[arg(long, group = "mode")]
    pub check: bool,

    /// Print the names of files that would change
    #[arg(short, long, group = "mode")]
    pub list: bool,

    /// Apply safe fixes only
    ///
    /// Those that a person should review are held back.
    #[arg(long)]
    pub safe: bool,

    /// Fill in what is missing, change no value that somebody wrote
    #[arg(long, hide_short_help = true)]
    pub keep_explicit: bool,

    /// cce (the default), baseline or restricted
    ///
    /// All that the CCE pages ask for, or a Pod Security level.
    #[arg(long, value_name = "PROFILE", hide_possible_values = true)]
    pub profile: Option<ProfileName>,

    /// Version of the cluster [default: 1.28]
    ///
    /// As Kubernetes or CCE writes it: `1.28`, `v1.28.15-r20`.
    #[arg(long, value_name = "VERSION")]
    pub target: Option<Version>,

    /// Transforms to run: ids, card, pss-baseline...
    ///
    /// In place of the profile's own; ids as `cce-fix rules` lists them, or the groups all, card, pss-baseline,
    /// pss-restricted.
    #[arg(short, long, value_name = "ID", value_delimiter = ',')]
    pub select: Option<Vec<String>>,

    /// Transforms that do not run: ids or groups
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub ignore: Option<Vec<String>>,

    /// Configuration to use in place of the nearest `.cce-fix.yaml` above each file
    #[arg(long, value_name = "FILE", conflicts_with = "isolated", hide_short_help = true)]
    pub config: Option<PathBuf>,

    /// Use no configuration file
    #[arg(long, hide_short_help = true)]
    pub isolated: bool,

    /// Exit with 1 when something is left that a person must do, or a suppression is out of date
    #[arg(long, hide_short_help = true)]
    pub strict: bool,

    /// Only documents with lines that changed since this commit
    #[arg(long, value_name = "REF", conflicts_with = "staged", hide_short_help = true)]
    pub since: Option<String>,

    /// Only documents with lines that are staged
    #[arg(long, hide_short_help = true)]
    pub staged: bool,

    /// Look as if nothing were suppressed by annotations, comments and overrides
    #[arg(long, hide_short_help = true)]
    pub no_suppressions: bool,

    /// Write annotations that suppress what is left, for this reason
    #[arg(long, value_name = "REASON", conflicts_with = "no_suppressions", hide_short_help = true)]
    pub add_suppressions: Option<String>,

    /// Write a report: full, json, sarif, markdown...
    ///
    /// May be given several times, once without a file: full, concise, json, jsonl, sarif, github, gitlab, junit,
    /// rdjson, markdown.
    #[arg(short, long, value_name = "FORMAT", value_parser = OsStringValueParser::new().try_map(wanted))]
    pub output_format: Vec<Wanted>,

    /// Files and folders to pass over, as `.gitignore` names them, seen from this folder
    ///
    /// Beside those that the configuration excludes. Files that are named on the command line are not passed over.
    #[arg(long, value_name = "GLOB", hide_short_help = true)]
    pub exclude: Vec<String>,

    /// Pass over what is excluded even where it is named, as hooks name files
    #[arg(long, hide_short_help = true)]
    pub force_exclude: bool,

    /// Take more paths from a file, `-` for stdin: one a line, or each ended by a NUL byte
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub files_from: Option<PathBuf>,

    /// Look into files that `.gitignore` and the like exclude
    #[arg(long, hide_short_help = true)]
    pub no_ignore: bool,

    /// Name of stdin in messages and diffs
    #[arg(
        long,
        value_name = "PATH",
        default_value = "stdin.yaml",
        hide_default_value = true,
        hide_short_help = true
    )]
    pub stdin_filename: PathBuf,

    /// Overwrite files that cannot be replaced atomically (hard links, bind mounts)
    #[arg(long, hide_short_help = true)]
    pub no_atomic: bool,

    /// Number of threads; 0 takes as many as there are processors
    #[arg(
        short = 'j',
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        hide_short_help = true
    )]
    pub threads: usize,

    /// No summary
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Tell what was done or left, and why
    ///
    /// For each container and transform.
    #[arg(short, long, action = ArgAction::SetTrue)]
    pub verbose: bool,

    /// When to use colour
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_short_help = true
    )]
    pub color: Color,

    /// No progress bar, which a terminal shows when a run takes longer
    #[arg(long, hide_short_help = true)]
    pub no_progress: bool,
}

/// What `pss` is asked.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  every input was judged
  2  some input could not be handled; the others were")]
pub struct Pss {
    /// Files, folders and quoted patterns; `-` reads stdin; without any, this folder
    #[arg(value_name = "PATH")]
    pub paths: Vec<OsString>,

    /// Version of the policy to judge by and of the cluster to fix for, in place of the newest
    #[arg(long, value_name = "VERSION")]
    pub target: Option<Version>,

    /// How to print it; `document` counts from 0
    #[arg(short, long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub output_format: PssFormat,

    /// Configuration to use in place of the nearest `.cce-fix.yaml` above each file
    #[arg(long, value_name = "FILE", conflicts_with = "isolated")]
    pub config: Option<PathBuf>,

    /// Use no configuration file
    #[arg(long)]
    pub isolated: bool,

    /// Look into files that `.gitignore` and the like exclude
    #[arg(long)]
    pub no_ignore: bool,

    /// Name of stdin in what is printed
    #[arg(long, value_name = "PATH", default_value = "stdin.yaml", hide_default_value = true)]
    pub stdin_filename: PathBuf,

    /// Number of threads; 0 takes as many as there are processors
    #[arg(short = 'j', long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
}

/// The forms that `pss` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PssFormat {
    /// For people.
    Text,
    /// One array.
    Json,
}

/// The profiles by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProfileName {
    /// All that CCE's container security pages ask for.
    Cce,
    /// Pod Security Standards, level baseline.
    Baseline,
    /// Pod Security Standards, level restricted.
    Restricted,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Cce => Self::Cce,
            ProfileName::Baseline => Self::Baseline,
            ProfileName::Restricted => Self::Restricted,
        }
    }
}

/// What to do in place of fixing.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell what a transform does and why, or about an image
    Explain(Explain),
    /// List all transforms
    Rules(Rules),
    /// Tell the Pod Security level of each workload, now and after
    Pss(Pss),
    /// Open pull requests with the fixes, and look after them
    Pr(Pr),
    /// Show the configuration that holds, or its schema
    Config(ConfigCommand),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man {
        /// The page of a command, in place of the program's
        command: Option<String>,
    },
}

/// How requests are made.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
#[command(after_help = "\
Run it in a clone; the token is taken from GITEA_TOKEN, GH_TOKEN, GITHUB_TOKEN, GITLAB_TOKEN, GITCODE_TOKEN or
CODEARTS_TOKEN. Nothing is remembered but on the forge, so a run that was ended is finished by the next one.

Exit codes:
  0  the forge is as it should be
  2  something could not be done; the rest was")]
pub struct Pr {
    /// Branch to fix, in place of the remote's default branch
    #[arg(long, value_name = "BRANCH")]
    pub base: Option<String>,

    /// Remote to push to and to open requests on
    #[arg(long, value_name = "NAME", default_value = "origin")]
    pub remote: String,

    /// Forge that the remote is on, where its host does not tell
    #[arg(long, value_name = "FORGE")]
    pub forge: Option<Kind>,

    /// Address of the forge's API, where it is not the usual one
    #[arg(long, value_name = "URL")]
    pub api_url: Option<String>,

    /// Certificates to trust in place of the system's, in PEM
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Do so for each repository of this list, an address a line; no clone is needed
    #[arg(long, value_name = "FILE")]
    pub repos: Option<PathBuf>,

    /// The share of the list that is looked after: `0/4` is the first of four
    #[arg(long, value_name = "I/N", requires = "repos")]
    pub share: Option<Share>,

    /// How fixes are put together into requests [default: level]
    #[arg(long, value_name = "HOW")]
    pub group_by: Option<GroupBy>,

    /// Safe fixes only
    #[arg(long)]
    pub safe: bool,

    /// cce (the default), baseline or restricted
    #[arg(long, value_name = "PROFILE", hide_possible_values = true)]
    pub profile: Option<ProfileName>,

    /// Version of the cluster [default: 1.28]
    #[arg(long, value_name = "VERSION")]
    pub target: Option<Version>,

    /// Transforms to run: ids or groups
    #[arg(short, long, value_name = "ID", value_delimiter = ',')]
    pub select: Option<Vec<String>>,

    /// Transforms that do not run: ids or groups
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub ignore: Option<Vec<String>>,

    /// Configuration to use in place of the repository's own
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Open requests of ours there may be at a time [default: 5]
    #[arg(long, value_name = "N")]
    pub max_open: Option<usize>,

    /// Seconds between two requests that are opened [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub sleep: Option<u64>,

    /// Open requests again that a person closed
    #[arg(long)]
    pub recreate: bool,

    /// Open no request as a draft
    #[arg(long)]
    pub no_draft: bool,

    /// Comment on the lines of fixes to be reviewed, with a suggestion that takes each back
    #[arg(long)]
    pub review_comments: bool,

    /// Print what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Print one array of JSON
    #[arg(long)]
    pub json: bool,
}

/// How to list transforms.
#[derive(Debug, Args)]
pub struct Rules {
    /// The form of the list
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: RulesFormat,
}

/// The forms of the list of transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RulesFormat {
    /// For people.
    Text,
    /// One array.
    Json,
    /// A table for a page.
    Markdown,
}

/// What is asked about the configuration.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct ConfigCommand {
    /// The question
    #[command(subcommand)]
    pub question: ConfigQuestion,
}

/// A question about the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigQuestion {
    /// Show every decision as it holds for a folder, and where it comes from
    Show {
        /// The folder, or a file in it
        #[arg(value_name = "PATH", default_value = ".", hide_default_value = true)]
        path: PathBuf,

        /// Configuration to use in place of the nearest `.cce-fix.yaml` above the folder
        #[arg(long, value_name = "FILE", conflicts_with = "isolated")]
        config: Option<PathBuf>,

        /// Use no configuration file
        #[arg(long)]
        isolated: bool,
    },
    /// Print the JSON schema of `.cce-fix.yaml`
    Schema,
}

/// What to explain.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Explain {
    /// Id of a transform, as `cce-fix rules` lists them
    pub id: Option<String>,

    /// Something else than a transform
    #[command(subcommand)]
    pub subject: Option<Subject>,
}

/// Something else than a transform.
#[derive(Debug, Subcommand)]
pub enum Subject {
    /// Tell what is known about an image, from where, and what it leads to
    Image {
        /// The image as manifests name it: `nginx`, `quay.io/keycloak/keycloak:26.0`
        name: String,
    },
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is done with a fixed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is written.
    Write,
    /// Its diff is printed.
    Diff,
    /// It is counted.
    Check,
    /// Its name is printed.
    List,
}

impl Cli {
    /// The flags that the configuration has keys for.
    pub fn flags(&self) -> Flags {
        Flags {
            profile: self.profile.map(Into::into),
            target: self.target,
            safe: self.safe,
            verbose: self.verbose,
            keep_explicit: self.keep_explicit,
            select: self.select.clone(),
            ignore: self.ignore.clone(),
            no_suppressions: self.no_suppressions,
            add_suppressions: self.add_suppressions.clone(),
            exclude: self.exclude.clone(),
            force_exclude: self.force_exclude,
            today: None,
            ..Flags::default()
        }
    }

    /// The mode that the flags ask for.
    pub fn mode(&self) -> Mode {
        match (self.diff, self.check, self.list) {
            (true, _, _) => Mode::Diff,
            (_, true, _) => Mode::Check,
            (_, _, true) => Mode::List,
            _ => Mode::Write,
        }
    }
}
