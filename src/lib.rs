//! `cce-fix`: hardens Kubernetes manifests without disturbing a byte that is not its own.
//!
//! The library behind the program of the same name; `ARCHITECTURE.md` shows the way of a manifest through it.

pub mod changed;
pub mod cli;
pub mod config;
pub mod console;
pub mod demand;
pub mod diff;
pub mod engine;
pub mod exit;
pub mod explain;
pub mod gather;
pub mod generate;
pub mod input;
pub mod jobs;
pub mod link;
pub mod look;
pub mod paths;
pub mod pr;
pub mod progress;
pub mod pss;
pub mod questions;
pub mod report;
pub mod reread;
pub mod run;
pub mod spelling;
pub mod suppress;
pub mod write;
