//! The hidden line in the body of a request, which is all that is remembered of earlier runs.

use serde::{Deserialize, Serialize};

const START: &str = "<!-- cce-fix:1 ";
const END: &str = " -->";

/// What a request was made for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Stands for the fixes.
    #[serde(rename = "fp")]
    pub fingerprint: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// Stands for title and body as they were written.
    pub text: String,
    /// Whether the labels were set, so that those which are missing now were taken off by a person.
    #[serde(rename = "labels")]
    pub is_labelled: bool,
    /// Whether we are closing it, so that a closed request is not taken for one that a person declined.
    #[serde(rename = "closing", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_closing: bool,
    /// The keys of the remarks on lines that were made, so that those which are gone were taken away by a person.
    #[serde(rename = "lines", default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl Marker {
    /// The marker of a body. Others than the last one are text that somebody quotes.
    pub fn read(body: &str) -> Option<Self> {
        let (_, rest) = body.rsplit_once(START)?;
        let (text, _) = rest.split_once(END)?;
        serde_json::from_str(text).ok()
    }

    /// The text with this marker under it. A marker that the text quotes stays a quotation, since the last one counts.
    pub fn under(&self, text: &str) -> String {
        format!("{}\n\n{}\n", text.trim_end(), self.line())
    }

    /// The body with this marker in place of its own.
    pub fn replace(&self, body: &str) -> String {
        let text = body.rsplit_once(START).filter(|_| Self::read(body).is_some());
        self.under(text.map_or(body, |(text, _)| text))
    }

    /// The comment. What would end it is not left in the names of branches.
    fn line(&self) -> String {
        // A structure of texts and truths can always be written.
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{START}{}{END}", text.replace('>', "\\u003e").replace("--", "-\\u002d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        Marker {
            fingerprint: "f".to_owned(),
            base: "main".to_owned(),
            text: "t".to_owned(),
            is_labelled: true,
            is_closing: false,
            remarks: vec!["0a1b".to_owned()],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for base in ["main", "a-->b", "a--b---c", "\"\\\n", "<!-- cce-fix:1 {} -->", "é"] {
            for is_closing in [false, true] {
                let marker = Marker { base: base.to_owned(), is_closing, ..marker() };
                let body = marker.under("text\n");
                assert_eq!(Marker::read(&body), Some(marker), "{body}");
                let comment = body.strip_prefix("text\n\n<!--").unwrap().strip_suffix("-->\n").unwrap();
                assert!(!comment.contains("--") && !comment.contains('\n'), "{body}");
            }
        }
    }

    #[test]
    fn a_body_keeps_its_text_and_has_one_marker() {
        let second = Marker { is_labelled: false, ..marker() };
        assert_eq!(second.replace(&marker().under("text")), second.under("text"));
        let quoting = marker().under("text") + "more";
        assert_eq!(second.under(&quoting).matches(START).count(), 2);
        assert_eq!(Marker::read(&second.under(&quoting)), Some(second.clone()));
        assert_eq!(marker().replace(&second.under(&quoting)), marker().under(&quoting));
    }

    #[test]
    fn what_forges_make_of_a_body_is_read() {
        let body = marker().under("a\n\nb");
        assert_eq!(Marker::read(&body.replace('\n', "\r\n")), Some(marker()));
        assert_eq!(Marker::read(body.trim_end()), Some(marker()));
        assert_eq!(Marker::read(&format!("{body}\nmore by a person")), Some(marker()));
    }

    #[test]
    fn other_texts_have_none() {
        for body in
            ["", "text", "<!-- cce-fix:1 -->", "<!-- cce-fix:1 {} -->", "<!-- cce-fix:2 {\"fp\":\"f\"} -->"]
        {
            assert_eq!(Marker::read(body), None, "{body}");
        }
    }
}
