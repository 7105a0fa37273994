//! A report before it has a form: the findings of all files, and what could not be handled.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Component, Path};

use rewriter::Position;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::finding::{Finding, Level, State};
use crate::cli::Mode;
use crate::engine::{Examined, Problem, Told};

/// All that reports tell of a run.
#[derive(Debug)]
pub struct Report {
    mode: Mode,
    /// The files about which there is something to say, in the order of their names.
    pub files: Vec<File>,
    /// What could not be read, understood or written.
    pub problems: Vec<Trouble>,
    /// Files with Kubernetes objects.
    looked_at: usize,
}

/// A file and its findings.
#[derive(Debug)]
pub struct File {
    /// Its name with forward slashes, from the current folder where it is inside.
    pub name: String,
    /// The same as a reference in the sense of RFC 3986.
    pub uri: String,
    /// Whether it changed, or would.
    pub changed: bool,
    /// The findings, in planning order.
    pub findings: Vec<Finding>,
    /// The old text without the data of Secrets, where a report shows it.
    pub source: Option<String>,
}

/// Something that could not be read, understood or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The file, where it is about one.
    pub file: Option<String>,
    /// Where in it, if there is one place.
    pub position: Option<Position>,
    /// What, and what to do.
    pub message: String,
}

/// How much there is of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Files with Kubernetes objects.
    pub files: usize,
    /// Files that changed, or would.
    pub changed_files: usize,
    /// Findings.
    pub findings: usize,
    /// Those that are fixed, or would be.
    pub fixed: usize,
    /// Those that stay.
    pub left: usize,
    /// Those that stay because somebody asked for it.
    pub suppressed: usize,
    /// Those with a fix of level safe.
    pub safe: usize,
    /// Those with a fix of level review.
    pub review: usize,
    /// Those without a fix that a program could make.
    pub manual: usize,
    /// Those whose fix `--safe` holds back.
    pub held_back: usize,
    /// Those that a person has to do something about.
    pub needs_person: usize,
    /// What could not be read, understood or written.
    pub problems: usize,
}

impl Report {
    /// A report of nothing so far.
    pub fn new(mode: Mode) -> Self {
        Self { mode, files: Vec::new(), problems: Vec::new(), looked_at: 0 }
    }

    /// Adds what is told of one file, which comes behind those before it.
    pub fn add(&mut self, mut file: FileReport) {
        self.looked_at += usize::from(file.looked_at);
        self.problems.append(&mut file.problems);
        if !file.file.findings.is_empty() {
            fingerprint(&mut file.file);
            self.files.push(file.file);
        }
    }

    /// Adds something that is about no manifest.
    pub fn add_problem(&mut self, message: &str) {
        self.problems.push(Trouble { file: None, position: None, message: message.to_owned() });
    }

    /// Each finding with its file, in the one order that all forms keep.
    pub fn findings(&self) -> impl Iterator<Item = (&File, &Finding)> {
        self.files.iter().flat_map(|file| file.findings.iter().map(move |finding| (file, finding)))
    }

    /// What is done with fixes, in a word.
    pub fn mode(&self) -> &'static str {
        match self.mode {
            Mode::Write => "write",
            Mode::Diff => "diff",
            Mode::Check => "check",
            Mode::List => "list",
        }
    }

    /// Whether fixes are written to files.
    pub fn is_written(&self) -> bool {
        self.mode == Mode::Write
    }

    /// How much there is of what.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            files: self.looked_at,
            changed_files: self.files.iter().filter(|file| file.changed).count(),
            problems: self.problems.len(),
            ..Counts::default()
        };
        for (_, finding) in self.findings() {
            counts.findings += 1;
            counts.held_back += usize::from(finding.held_back);
            counts.needs_person += usize::from(finding.needs_person);
            match finding.state {
                State::Fixed => counts.fixed += 1,
                State::Left => counts.left += 1,
                State::Suppressed => counts.suppressed += 1,
            }
            match finding.level {
                Level::Safe => counts.safe += 1,
                Level::Review => counts.review += 1,
                Level::Manual => counts.manual += 1,
            }
        }
        counts
    }
}

/// What one file gives to the report.
#[derive(Debug)]
pub struct FileReport {
    file: File,
    problems: Vec<Trouble>,
    looked_at: bool,
}

impl FileReport {
    /// Takes what was told of the file at `path`, seen from `folder`.
    pub fn new(path: &Path, folder: &Path, examined: &mut Examined) -> Self {
        let (name, uri) = names(path, folder);
        let Told { findings, source } =
            examined.told.take().unwrap_or(Told { findings: Vec::new(), source: None });
        let told = examined.plans.iter().flat_map(|(_, plan)| plan.problems.iter().chain(&plan.warnings));
        let unclear = told.map(|problem| Trouble {
            file: Some(name.clone()),
            position: Some(problem.position),
            message: format!("{}: {}", problem.path, problem.reason),
        });
        let refused = examined.problems.iter().map(|problem| Trouble {
            file: Some(name.clone()),
            position: problem.position,
            message: problem.message.clone(),
        });
        let problems = refused.chain(unclear).collect();
        let looked_at = examined.kind.names().is_none();
        Self { file: File { name, uri, changed: examined.changed, findings, source }, problems, looked_at }
    }

    /// Adds something that is wrong with the file as a whole.
    pub fn add_problem(&mut self, problem: &Problem) {
        let Problem { position, message } = problem;
        let file = Some(self.file.name.clone());
        self.problems.push(Trouble { file, position: *position, message: message.clone() });
    }

    /// The file was not written, so that nothing in it is fixed.
    pub fn not_written(&mut self, message: &str) {
        self.file.changed = false;
        for finding in self.file.findings.iter_mut().filter(|finding| finding.state == State::Fixed) {
            finding.state = State::Left;
            finding.needs_person = true;
            "the file could not be written".clone_into(&mut finding.reason);
            finding.fix = None;
        }
        self.add_problem(&Problem { position: None, message: message.to_owned() });
    }
}

impl Trouble {
    /// `path:line:column: `, as far as it is known.
    pub fn start(&self) -> String {
        match (&self.file, self.position) {
            (Some(file), Some(position)) => format!("{file}:{position}: "),
            (Some(file), None) => format!("{file}: "),
            (None, _) => String::new(),
        }
    }
}

/// 32 digits that stand for `identity`.
pub(super) fn digest(identity: &str) -> String {
    let digest = Sha256::digest(identity);
    digest.iter().take(16).fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Gives each finding a fingerprint that neither lines nor the order of documents and containers change.
fn fingerprint(file: &mut File) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut leaders: HashMap<usize, String> = HashMap::new();
    for finding in &mut file.findings {
        let object = &*finding.object;
        let container = finding.container.as_ref();
        let kind = container.map(|container| container.kind.to_string()).unwrap_or_default();
        let parts = [
            finding.transform.id,
            &file.name,
            &object.api_version,
            &object.kind,
            object.namespace.as_deref().unwrap_or_default(),
            object.name.as_deref().unwrap_or_default(),
            &kind,
            container.map_or("", |container| &container.name),
            &finding.stable_path,
        ];
        let identity = parts.join("\0");
        let earlier = seen.entry(identity.clone()).or_default();
        finding.fingerprint = digest(&format!("{identity}\0{earlier}"));
        *earlier += 1;
        let Some(fix) = &finding.fix else { continue };
        finding.fix_id = leaders.entry(fix.number).or_insert_with(|| finding.fingerprint.clone()).clone();
    }
}

/// The name of a file in reports, and the same as a URI reference.
pub(crate) fn names(path: &Path, folder: &Path) -> (String, String) {
    let path = path.strip_prefix(folder).unwrap_or(path);
    let mut name = String::new();
    let mut uri = String::new();
    for component in path.components() {
        let part = match component {
            Component::CurDir => continue,
            Component::RootDir => {
                name.push('/');
                uri.push_str("file:///");
                continue;
            }
            part => part.as_os_str(),
        };
        for text in [&mut name, &mut uri] {
            if !text.is_empty() && !text.ends_with('/') {
                text.push('/');
            }
        }
        name.push_str(&part.to_string_lossy());
        push_encoded(&mut uri, part.as_encoded_bytes());
    }
    (name, uri)
}

/// Adds a part of a path as RFC 3986 writes it.
pub(crate) fn push_encoded(uri: &mut String, part: &[u8]) {
    for byte in part {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(*byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_seen_from_here() {
        let check = |path: &str, name: &str, uri: &str| {
            assert_eq!(
                names(Path::new(path), Path::new("/work")),
                (name.to_owned(), uri.to_owned()),
                "{path}"
            );
        };
        check("./a/b.yaml", "a/b.yaml", "a/b.yaml");
        check("/work/a.yaml", "a.yaml", "a.yaml");
        check("/else/a b.yaml", "/else/a b.yaml", "file:///else/a%20b.yaml");
        check("../x:%ä\n.yaml", "../x:%ä\n.yaml", "../x%3A%25%C3%A4%0A.yaml");
    }
}
