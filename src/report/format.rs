//! Which report goes where: `-o FORMAT[=FILE]`.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use super::{Look, Report, concise, full, github, gitlab, json, junit, markdown, rdjson, sarif};
use crate::spelling;

/// A form that other programs, or people, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: the place in its text, and the edit.
    Full,
    /// A line for each finding.
    Concise,
    /// One document with everything.
    Json,
    /// The same, a line for each finding.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// The XML that test tools write.
    Junit,
    /// What reviewdog reads.
    Rdjson,
    /// For step summaries and pull requests.
    Markdown,
}

impl Format {
    /// All of them, as the help lists them.
    pub const ALL: [Self; 10] = [
        Self::Full,
        Self::Concise,
        Self::Json,
        Self::Jsonl,
        Self::Sarif,
        Self::Github,
        Self::Gitlab,
        Self::Junit,
        Self::Rdjson,
        Self::Markdown,
    ];

    /// As it is written on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Concise => "concise",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Junit => "junit",
            Self::Rdjson => "rdjson",
            Self::Markdown => "markdown",
        }
    }

    /// Writes the report; `look` is for those that people read.
    pub fn write(self, report: &Report, look: Look<'_>, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Full => full::write(report, look, out),
            Self::Concise => concise::write(report, look, out),
            Self::Json => json::write(report, out),
            Self::Jsonl => json::write_lines(report, out),
            Self::Sarif => sarif::write(report, out),
            Self::Github => github::write(report, out),
            Self::Gitlab => gitlab::write(report, out),
            Self::Junit => junit::write(report, out),
            Self::Rdjson => rdjson::write(report, out),
            Self::Markdown => markdown::write(report, out),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its form.
    pub format: Format,
    /// Where it goes; none is stdout.
    pub file: Option<PathBuf>,
}

impl Wanted {
    /// Reads `FORMAT` or `FORMAT=FILE`.
    pub fn parse(text: &OsStr) -> Result<Self, String> {
        let bytes = text.as_encoded_bytes();
        let (name, file) = match memchr::memchr(b'=', bytes) {
            Some(at) => (&bytes[..at], Some(rest(text, at))),
            None => (bytes, None),
        };
        let name = String::from_utf8_lossy(name);
        // `json` is the newest version of it.
        let known = Format::ALL
            .into_iter()
            .find(|format| format.name() == name || matches!((format, &*name), (Format::Json, "json-v1")));
        let Some(format) = known else {
            let names = Format::ALL.map(Format::name);
            let near = spelling::suggestion(&name, names);
            return Err(format!("no report has the format `{name}`{near}; known are {}", names.join(", ")));
        };
        match file {
            Some(file) if file.as_os_str().is_empty() => {
                Err(format!("`{format}=` names no file; write `{format}` alone for stdout"))
            }
            file => Ok(Self { format, file }),
        }
    }
}

/// What stands behind the `=` at `at`.
fn rest(text: &OsStr, at: usize) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;

        OsStr::from_bytes(&text.as_bytes()[at + 1..]).into()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(&text.as_encoded_bytes()[at + 1..]).into_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Wanted, String> {
        Wanted::parse(OsStr::new(text))
    }

    #[test]
    fn a_format_may_name_a_file() {
        for format in Format::ALL {
            assert_eq!(parsed(format.name()), Ok(Wanted { format, file: None }));
            let file = Some(PathBuf::from("a=b/c d"));
            assert_eq!(parsed(&format!("{format}=a=b/c d")), Ok(Wanted { format, file }));
        }
        assert_eq!(parsed("json-v1"), Ok(Wanted { format: Format::Json, file: None }));
    }

    #[test]
    fn what_is_no_format_is_named() {
        assert_eq!(
            parsed("sarfi=x").unwrap_err(),
            "no report has the format `sarfi`; did you mean `sarif`?; known are full, concise, json, jsonl, \
             sarif, github, gitlab, junit, rdjson, markdown"
        );
        assert_eq!(parsed("json=").unwrap_err(), "`json=` names no file; write `json` alone for stdout");
        assert!(parsed("").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_name_of_a_file_need_not_be_text() {
        use std::os::unix::ffi::OsStrExt as _;

        let wanted = Wanted::parse(OsStr::from_bytes(b"sarif=a\xff")).unwrap();
        assert_eq!(wanted.file.unwrap().as_os_str().as_bytes(), b"a\xff");
    }
}
