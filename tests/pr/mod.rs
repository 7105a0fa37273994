//! `cce-fix pr` as a whole: the real program, the real git with real pushes, and a forge.
//!
//! The forge is a small one of our own, which speaks as any of the kinds there are and can fail at any point. The same
//! scenarios run on a real Gitea where `gitea.rs` finds one.

mod forges;
mod scenarios;
