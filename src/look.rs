//! One file looked at as a part of its run: what other files say about it counts, and no defect stops the run.

use std::path::Path;

use transforms::{Evidence, Settings};

use crate::changed::Lines;
use crate::engine::{self, Examined, Purpose};
use crate::input::Input;
use crate::input::kind::{self, FileKind};
use crate::input::kustomize::Patches;

/// Looks at a file, unless its name or another file says that it stands for no objects of its own. `evidence`
/// is what all files of the run tell; a file that stands alone tells about itself. `lines` are those that a
/// document must hold one of.
pub fn look(
    input: &Input,
    bytes: &[u8],
    patches: &Patches,
    evidence: Option<&Evidence>,
    settings: &Settings,
    lines: Option<&Lines>,
    purpose: Purpose,
) -> Examined {
    if kind::is_kustomization_name(&input.path) {
        return Examined::of(FileKind::Kustomization);
    }
    if patches.contains(input) {
        return Examined::of(FileKind::Patch);
    }
    let overlays = patches.overlays(input);
    let own = evidence.filter(|_| !overlays.is_empty());
    let own = own.map(|evidence| evidence.with_overlays(overlays.to_vec()));
    examine(bytes, &input.path, settings, own.as_ref().or(evidence), lines, purpose)
}

/// Looks at bytes; a defect of ours in one file must not keep the others from being looked at.
pub fn examine(
    bytes: &[u8],
    path: &Path,
    settings: &Settings,
    evidence: Option<&Evidence>,
    lines: Option<&Lines>,
    purpose: Purpose,
) -> Examined {
    std::panic::catch_unwind(|| engine::examine_with(bytes, path, settings, evidence, lines, purpose))
        .unwrap_or_else(|_| {
            Examined::unreadable(
                None,
                "a defect of cce-fix stopped it here, please report it; the file is left as it is",
            )
        })
}
