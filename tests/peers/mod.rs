//! The inputs on which other fixers break, one test each, numbered as in the study of the peers.
//!
//! What has to come out is written from the rules of this program: nothing that is there is lost, moved or
//! overwritten, and what is added stands where it belongs. The comments say which tool does what wrong.

mod kubeaudit;
mod kubescape;
mod kyverno_semgrep;
mod polaris;

use cce_fix::engine::Examined;
use transforms::State;

use crate::common::{self, dedent, findings, only};

const RUN_AS_USER: &[&str] = &["run-as-user"];
const CAPABILITIES: &[&str] = &["capabilities"];
const SECCOMP: &[&str] = &["seccomp-profile"];
const READ_ONLY: &[&str] = &["read-only-root-filesystem"];
const RESOURCES: &[&str] = &["resources"];

/// All that these tests are about. Later transforms have their own tests.
const SEVEN: &[&str] = &[
    "mount-propagation",
    "run-as-user",
    "capabilities",
    "unprivileged-port",
    "seccomp-profile",
    "read-only-root-filesystem",
    "resources",
];

/// A pod with nothing but an image.
const PLAIN: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: plain
spec:
  containers:
  - name: a
    image: registry.example.com/a:1
";

/// A pod of which two containers share their settings.
const ALIAS: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: twins
spec:
  containers:
  - name: left
    image: registry.example.com/left:1
    securityContext: &sc
      allowPrivilegeEscalation: false
  - name: right
    image: registry.example.com/right:1
    securityContext: *sc
";

/// `text` as it is examined by the transforms `ids`.
fn examine(ids: &[&str], text: &str) -> Examined {
    common::examine(&only(ids), text)
}

/// A manifest before and after.
struct Change {
    before: String,
    after: String,
}

impl Change {
    /// Reads a change written as a diff: two columns for `+`, `-` or nothing, then the line.
    fn read(diff: &str) -> Self {
        let mut change = Self { before: String::new(), after: String::new() };
        for line in dedent(diff).lines() {
            let (sign, line) = line.split_at(line.len().min(2));
            let (before, after) = match sign.trim_end() {
                "" => (true, true),
                "-" => (true, false),
                "+" => (false, true),
                _ => panic!("{sign:?} is no sign of a diff; does no line change? {diff}"),
            };
            for (text, takes) in [(&mut change.before, before), (&mut change.after, after)] {
                if takes {
                    text.extend([line, "\n"]);
                }
            }
        }
        assert_ne!(change.before, change.after, "nothing changes here");
        change
    }

    fn map(&self, of: impl Fn(&str) -> String) -> Self {
        Self { before: of(&self.before), after: of(&self.after) }
    }

    fn in_crlf(&self) -> Self {
        self.map(|text| text.replace('\n', "\r\n"))
    }

    /// `before` becomes `after`, byte for byte, and stays so.
    #[track_caller]
    fn check(&self, ids: &[&str]) {
        let Self { before, after } = self;
        let examined = examine(ids, before);
        assert_eq!(examined.problems, [], "{before}");
        let text = examined.text.expect("something should change");
        assert_eq!(text, *after, "\n--- wanted\n{after}\n--- got\n{text}");
        assert_eq!(examine(ids, after).text, None, "a second run changes something");
    }
}

/// The manifest changes as the diff says, and stays so.
#[track_caller]
fn becomes(ids: &[&str], diff: &str) {
    Change::read(diff).check(ids);
}

/// A pod's spec changes as the diff says, and stays so.
#[track_caller]
fn pod_becomes(ids: &[&str], diff: &str) {
    let below = |spec: &str| {
        let lines =
            spec.lines().map(|line| if line.is_empty() { "\n".into() } else { format!("  {line}\n") });
        format!("apiVersion: v1\nkind: Pod\nspec:\n{}", lines.collect::<String>())
    };
    Change::read(diff).map(below).check(ids);
}

/// `text` is looked at without a complaint, and left as it is.
#[track_caller]
fn stays(ids: &[&str], text: &str) {
    let examined = examine(ids, text);
    assert_eq!((examined.text, examined.problems.as_slice()), (None, [].as_slice()));
}

/// The reasons for which something is left.
fn reasons(ids: &[&str], text: &str) -> Vec<String> {
    let examined = examine(ids, text);
    let left = findings(&examined).filter_map(|judged| match &judged.state {
        State::Left(left) => Some(left.reason.clone()),
        _ => None,
    });
    left.collect()
}
