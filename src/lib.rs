//! `cce-fix`: hardens Kubernetes manifests without disturbing a byte that is not its own.

pub mod diff;
pub mod write;
