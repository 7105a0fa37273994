//! Typed, read-only views of manifests: objects, pods, containers and what stands in them.
//!
//! The views hold a node and its data path and read when they are asked. A value of another kind than
//! Kubernetes takes at its place is [`Malformed`], which every question about it returns: nothing is ever
//! concluded from it.

mod container;
mod detect;
mod kinds;
mod node_path;
mod object;
mod pod;
mod programs;
mod quantity;
mod role;
mod script;
mod section;
mod security_context;
mod shape;
mod sysctl;
mod view;
mod volume;
mod writable;

pub use container::{Container, ContainerKind, ContainerRef};
pub use kinds::{KnownKinds, Pattern, Served, WorkloadPath};
pub use node_path::{NodePath, NodePathRule};
pub use object::{Object, ObjectRef, Problem, Workloads};
pub use pod::{MountedVolume, Pod};
pub use programs::{RootProgram, Written, installs_packages, needs_root, written_places};
pub use quantity::Quantity;
pub use role::{addon, is_ingress_controller, is_node_agent, is_system_namespace};
pub use script::Command;
pub use section::{List, Malformed, Section};
pub use security_context::{Seccomp, SecurityContext, capability};
pub use sysctl::safe_sysctls;
pub use view::{ContainerView, PodView};
pub use volume::{Directories, Mount, Volume, VolumeSource, covers, is_same_place};
pub use writable::Refusal;
