//! What to change in a Kubernetes manifest, at which level, and why.

pub mod images;
