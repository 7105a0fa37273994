//! The command line, by the real program.

mod bad_input;
mod contract;
mod control;
mod evidence;
mod no_atomic;
mod pss;
mod questions;
mod reports;
mod since;
mod suppressions;
mod terminal;

/// What there is to fix in most of these tests.
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: web
    image: registry.example.com/web:1
";
