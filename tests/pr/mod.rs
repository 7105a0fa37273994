//! `cce-fix pr` as a whole: the real program, the real git with real pushes, and a forge.
//!
//! The scenarios run twice: on a real Gitea, and on a small forge of our own, which is there wherever git is.

#[cfg(unix)]
mod campaigns;
mod forge;
mod gitea;
mod proxy;
mod scenarios;
pub(crate) mod world;
