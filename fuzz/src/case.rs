//! A case: a number, from which a target takes its options, and a text or bytes.

/// How a file with a case begins; the number and a line break follow.
const HEAD: &[u8] = b"#case ";

/// What a target is tried on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What options are made from; with 0 everything is as it is by default.
    pub number: u64,
    /// The file, the line, the configuration.
    pub body: Vec<u8>,
}

impl Case {
    /// A case with everything as it is by default.
    pub fn of(body: impl Into<Vec<u8>>) -> Self {
        Self { number: 0, body: body.into() }
    }

    /// A case of a text, with everything as it is by default.
    pub fn of_text(text: impl AsRef<str>) -> Self {
        Self::of(text.as_ref().as_bytes())
    }

    /// The case that a file holds; one without a head is a body alone.
    pub fn read(bytes: &[u8]) -> Self {
        let parts = bytes.strip_prefix(HEAD).and_then(|rest| {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            Some((str::from_utf8(&rest[..end]).ok()?.parse().ok()?, &rest[end + 1..]))
        });
        let (number, body) = parts.unwrap_or((0, bytes));
        Self { number, body: body.to_vec() }
    }

    /// The case as a file.
    pub fn write(&self) -> Vec<u8> {
        let head = format!("{}\n", self.number);
        [HEAD, head.as_bytes(), &self.body].concat()
    }

    /// The body as text, if it is one.
    pub fn text(&self) -> Option<&str> {
        rewriter::decode(&self.body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_reads_as_it_is_written() {
        for case in [Case::of("a: 1\n"), Case { number: 7, body: b"\xff\n#case 3\n".to_vec() }, Case::of("")]
        {
            assert_eq!(Case::read(&case.write()), case);
        }
        assert_eq!(Case::read(b"a: 1\n"), Case::of("a: 1\n"));
    }
}
