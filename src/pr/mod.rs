//! `cce-fix pr`: requests to merge the fixes, on the forge that the repository is on.
//!
//! What is remembered between runs is on the forge alone: the name of the branch, its commits, and a hidden line in
//! the body of the request. So a run that was ended at any point is finished by the next one.

pub mod body;
pub mod fixes;
pub mod forge;
pub mod git;
pub mod marker;
pub mod plan;
pub mod remarks;
mod repos;
mod run;

pub use repos::Share;
pub use run::run;
