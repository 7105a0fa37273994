//! `cce-fix pr` as a whole: the real program, the real git with real pushes, and a forge.
//!
//! The scenarios run on a real Gitea, and on a small forge of our own, which is there wherever git is and speaks as any
//! of the kinds there are.

#[cfg(unix)]
mod campaigns;
mod forges;
mod gitea;
mod proxy;
mod scenarios;
pub(crate) mod world;
