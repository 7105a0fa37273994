//! How a suppression is written in a comment, and what its reason says.

use std::fmt;

use super::date::Date;

/// Why something is suppressed, and until when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// The words.
    pub text: String,
    /// The last day, where one is given as `until=2027-01-31`.
    pub until: Option<Date>,
    /// What stands behind `until=` and is no day.
    pub no_date: Option<String>,
}

/// A reason that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoReason {
    /// There are no words.
    Empty,
    /// This is no day.
    NoDate(String),
    /// It does not fit into one line.
    Lines,
}

impl fmt::Display for NoReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a reason in words is missing"),
            Self::NoDate(text) => write!(f, "`until={text}`: {}", super::InvalidDate),
            Self::Lines => f.write_str("a reason is one line of text"),
        }
    }
}

impl std::error::Error for NoReason {}

impl Reason {
    /// Takes the last day out of `text`; the last one counts.
    pub fn read(text: &str) -> Self {
        let mut reason = Self::default();
        for word in text.split_whitespace() {
            let inner = word.trim_matches(|at| matches!(at, '(' | ')' | ',' | ';' | '.'));
            match inner.strip_prefix("until=") {
                Some(day) => match day.parse() {
                    Ok(day) => reason.until = Some(day),
                    Err(_) => reason.no_date = Some(day.to_owned()),
                },
                None if reason.text.is_empty() => word.clone_into(&mut reason.text),
                None => reason.text.extend([" ", word]),
            }
        }
        // What stood between the words and the day.
        reason.text.truncate(reason.text.trim_end_matches([',', ';', ' ']).len());
        reason
    }

    /// As [`Reason::read`], for whoever can be told at once that something is wrong with it.
    pub fn checked(text: &str) -> Result<Self, NoReason> {
        let reason = Self::read(text);
        match reason.no_date {
            Some(text) => Err(NoReason::NoDate(text)),
            None if reason.text.is_empty() => Err(NoReason::Empty),
            None if text.chars().any(char::is_control) => Err(NoReason::Lines),
            None => Ok(reason),
        }
    }
}

/// Where the text of a comment is about this program: at its start, or behind another `#`.
fn address(comment: &str) -> Option<&str> {
    let parts =
        [comment].into_iter().chain(comment.match_indices('#').filter_map(|(at, _)| comment.get(at + 1..)));
    parts.filter_map(|part| part.trim_start().strip_prefix("cce-fix")).find(|rest| {
        // Prose about the program is no suppression.
        let rest = rest.trim_start();
        rest.starts_with(':') || rest.starts_with("ignore[")
    })
}

/// Whether the text of a comment is meant as a suppression.
pub(super) fn is_addressed(comment: &str) -> bool {
    address(comment).is_some()
}

/// The ids and the reason of `# cce-fix: ignore[id, id] reason`, or what is wrong with it.
pub(super) fn read(comment: &str) -> Result<(Vec<&str>, &str), &'static str> {
    const EXPECTED: &str = "expected `# cce-fix: ignore[ID] reason`";
    let rest = address(comment).ok_or(EXPECTED)?.trim_start();
    let rest = rest.strip_prefix(':').ok_or("a colon is missing: `# cce-fix: ignore[ID] reason`")?;
    let rest = rest.trim_start().strip_prefix("ignore").ok_or(EXPECTED)?.trim_start();
    let rest = rest.strip_prefix('[').ok_or("the ids stand in brackets: `# cce-fix: ignore[ID] reason`")?;
    let (ids, reason) = rest.split_once(']').ok_or("the bracket behind the ids is missing")?;
    let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Err("no id stands in the brackets");
    }
    Ok((ids, reason.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_read() {
        for (comment, ids, reason) in [
            (" cce-fix: ignore[host-path] the agent reads it", &["host-path"][..], "the agent reads it"),
            ("cce-fix:ignore [a,b , c]why", &["a", "b", "c"], "why"),
            (" see ticket 5 # cce-fix: ignore[a] why", &["a"], "why"),
            (" cce-fix: ignore[a]", &["a"], ""),
        ] {
            assert!(is_addressed(comment), "{comment}");
            assert_eq!(read(comment), Ok((ids.to_vec(), reason)), "{comment}");
        }
    }

    #[test]
    fn what_is_meant_as_one_is_told_from_prose() {
        for comment in [" cce-fix is run in CI", " run cce-fix: it fixes", "", " ignore[a]", " cce-fixer: x"]
        {
            assert!(!is_addressed(comment), "{comment}");
        }
        for (comment, words) in [
            (" cce-fix: ignore host-path", "brackets"),
            (" cce-fix ignore[host-path] x", "colon"),
            (" cce-fix: ingore[host-path] x", "expected `# cce-fix: ignore[ID] reason`"),
            (" cce-fix: ignore[host-path x", "bracket behind"),
            (" cce-fix: ignore[ , ] x", "no id"),
        ] {
            assert!(is_addressed(comment), "{comment}");
            assert!(read(comment).unwrap_err().contains(words), "{comment}");
        }
    }

    #[test]
    fn a_reason_may_end_on_a_day() {
        let reason = Reason::read(" moves to  a volume (until=2027-01-31), then goes ");
        assert_eq!(reason.text, "moves to a volume then goes");
        assert_eq!(reason.until, "2027-01-31".parse().ok());
        assert_eq!(Reason::read("a b, until=2027-01-31").text, "a b");
        assert_eq!(Reason::read("a until=soon").no_date.as_deref(), Some("soon"));
        assert_eq!(Reason::checked("until=2027-01-31"), Err(NoReason::Empty));
        assert_eq!(Reason::checked("a until=2027-02-30"), Err(NoReason::NoDate("2027-02-30".to_owned())));
        assert_eq!(Reason::checked("a\nb"), Err(NoReason::Lines));
        assert!(Reason::checked("a b").is_ok());
    }
}
