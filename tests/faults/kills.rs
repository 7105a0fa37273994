//! `kill -9` at every system call with which a file is written.

use crate::table::Row;
use crate::tools::{Tree, rewrite_of_last};

/// So many that the thread that writes has made more calls of every kind than the one that prepared the run.
const FILES: usize = 24;

pub(crate) fn rows() -> Vec<Row> {
    let tree = Tree::new(FILES);
    let calls = rewrite_of_last(&tree);
    let (mut left, mut new) = (0, 0);
    for call in &calls {
        tree.reset();
        let ran = tree.run_injected(&format!("{}:signal=SIGKILL:when={}", call.name, call.number));
        assert_eq!(ran.code, None, "{}: not killed: {ran:?}", call.line);
        let state = tree.state(&call.line);
        assert!(state.new >= FILES - 1 && state.old + state.new == FILES, "{}: {state:?}", call.line);
        assert!(state.temporary <= 1, "{}: {state:?}", call.line);
        new += usize::from(state.old == 0);
        left += state.temporary;
        let next = tree.run();
        assert_eq!(next.code, Some(0), "{}: {next:?}", call.line);
        let state = tree.state(&call.line);
        assert_eq!((state.old, state.new), (0, FILES), "{}", call.line);
    }
    assert!(left > 0 && new > 0 && new < calls.len(), "{left} left, {new} new of {}", calls.len());
    vec![Row::new(
        "`kill -9` at each system call with which a file is written",
        calls.len(),
        format!(
            "each file old or new ({new} times new); {left} times a hidden `.cce-fix-*` stayed behind, which later runs pass by; the next run fixed the rest"
        ),
    )]
}
