//! Calls that fail.

use crate::table::Row;
use crate::tools::{Call, Ran, State, Tree, rewrite_of_last};

const FILES: usize = 24;

/// What the calls of a rewrite may fail with.
const ERRORS: &[(&str, &[&str])] = &[
    ("openat", &["EIO", "EACCES", "EROFS", "ENOSPC", "EMFILE", "EINTR"]),
    ("read", &["EIO", "EINTR"]),
    ("write", &["ENOSPC", "EIO", "EDQUOT", "EINTR"]),
    ("statx", &["EIO"]),
    ("flistxattr", &["EIO", "EOPNOTSUPP"]),
    ("fchmod", &["EPERM", "EIO"]),
    ("fsync", &["EIO", "ENOSPC", "EINTR"]),
    ("renameat", &["EIO", "EACCES", "EXDEV", "EBUSY", "ENOSPC", "EOPNOTSUPP"]),
    ("close", &["EIO"]),
];

pub(crate) fn rows() -> Vec<Row> {
    let tree = Tree::new(FILES);
    let calls = rewrite_of_last(&tree);
    let mut rows = Vec::new();
    for (name, errors) in ERRORS {
        let of_name: Vec<&Call> = calls.iter().filter(|call| call.name == *name).collect();
        let mut counts = Counts::default();
        for call in of_name {
            for error in *errors {
                tree.reset();
                let ran = tree.run_injected(&format!("{name}:error={error}:when={}", call.number));
                let context = format!("{error} from {}", call.line);
                counts.count(&context, &ran, tree.state(&context));
            }
        }
        assert!(counts.times > 0, "no call of {name} in {calls:#?}");
        rows.push(Row::new(
            format!("`{name}` fails with {}", errors.join(", ")),
            counts.times,
            counts.outcome(),
        ));
    }
    rows.push(full_disk_by_limit());
    rows
}

#[derive(Default)]
struct Counts {
    times: usize,
    fixed: usize,
    refused: usize,
    unsynced: usize,
}

impl Counts {
    /// Judges a run in which one call of the last file failed.
    fn count(&mut self, context: &str, ran: &Ran, state: State) {
        self.times += 1;
        assert_eq!(state.temporary, 0, "{context}: a temporary file is left behind");
        assert_eq!(state.old + state.new, FILES, "{context}");
        match (state.old, ran.code) {
            (0, Some(0)) => self.fixed += 1,
            (0, Some(2)) => {
                assert!(
                    ran.stderr.contains("error: ") && ran.stderr.contains("is written, but"),
                    "{context}: {ran:?}"
                );
                self.unsynced += 1;
            }
            (1, Some(2)) => {
                assert!(ran.stderr.contains("error: ") && ran.stderr.contains("tree/"), "{context}: {ran:?}");
                self.refused += 1;
            }
            _ => panic!("{context}: {state:?} {ran:?}"),
        }
    }

    fn outcome(&self) -> String {
        let mut parts = Vec::new();
        if self.fixed > 0 {
            parts.push(format!("{} fixed nevertheless, exit 0", self.fixed));
        }
        if self.refused > 0 {
            parts.push(format!("{} left as they were with a message, exit 2", self.refused));
        }
        if self.unsynced > 0 {
            parts.push(format!("{} fixed, with a warning about the disk, exit 2", self.unsynced));
        }
        parts.join("; ")
    }
}

/// A limit on the size of files gives what a nearly full disk gives: a short write, then an error.
fn full_disk_by_limit() -> Row {
    let tree = Tree::new(1);
    let text = format!(
        "{}{}",
        crate::tools::OLD,
        "# a comment that makes the file larger than the limit\n".repeat(30)
    );
    std::fs::write(tree.path("tree/000.yaml"), &text).unwrap();
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" -j1 tree";
    let ran = crate::tools::ran(&mut tree.command("bash", ["-c", script, crate::tools::PROGRAM]));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("see that the disk is sound and has room"), "{ran:?}");
    assert_eq!(tree.read("tree/000.yaml"), text);
    assert_eq!(std::fs::read_dir(tree.path("tree")).unwrap().count(), 1, "a temporary file is left behind");
    Row::new(
        "a write that is cut short, and then fails (limit of file size)",
        1,
        "left as it was with a message, exit 2",
    )
}
