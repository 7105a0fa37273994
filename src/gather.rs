//! The first look at the files of a run: what they tell about each other, before anything is planned.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use transforms::Evidence;

use crate::engine;
use crate::input::kustomize::Patches;
use crate::input::{self, Input, kind};

/// How many bytes of files are kept for the second look, so that those of most runs are read once.
const KEPT: usize = 16 << 20;

/// What the files of a run tell about each other.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What all of them tell.
    pub evidence: Evidence,
    /// The bytes of files that were read and are small enough to keep, by number of the file.
    kept: Vec<Mutex<Option<Vec<u8>>>>,
}

impl Gathered {
    /// Reads what `inputs` tell, on the current thread pool. Files that cannot be read tell nothing, and are
    /// reported when their turn comes. `is_interrupted` is asked once for each file.
    pub fn of(inputs: &[&Input], patches: &Patches, is_interrupted: impl Fn() -> bool + Sync) -> Self {
        let room = AtomicUsize::new(KEPT);
        let looked = inputs.par_iter().map(|input| {
            let bytes = if is_interrupted() { None } else { input::read(&input.path).ok() };
            let told = bytes.as_deref().map_or_else(Evidence::default, |bytes| told(input, bytes, patches));
            let bytes = bytes.filter(|bytes| has_room(&room, bytes.capacity()));
            (told, Mutex::new(bytes))
        });
        let (evidence, kept): (Vec<Option<Evidence>>, Vec<_>) = looked
            .map(|(told, bytes)| (Some(told).filter(|told| *told != Evidence::default()), bytes))
            .unzip();
        let evidence = evidence.into_par_iter().flatten().reduce(Evidence::default, Evidence::merge);
        Self { evidence, kept }
    }

    /// The bytes of the file with this number, once, where they were kept.
    pub fn take(&self, number: usize) -> Option<Vec<u8>> {
        self.kept.get(number)?.lock().ok()?.take()
    }
}

/// Takes `size` from `room` if there is so much.
fn has_room(room: &AtomicUsize, size: usize) -> bool {
    room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(size)).is_ok()
}

/// What one file tells.
fn told(input: &Input, bytes: &[u8], patches: &Patches) -> Evidence {
    if kind::is_kustomization_name(&input.path) || patches.contains(input) {
        return Evidence::default();
    }
    // A defect of ours shows, and is reported, when the file is planned.
    std::panic::catch_unwind(|| engine::evidence(bytes, &input.path)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_until_there_is_none() {
        let room = AtomicUsize::new(10);
        assert!(has_room(&room, 6));
        assert!(!has_room(&room, 5));
        assert!(has_room(&room, 4));
        assert!(!has_room(&room, 1));
        assert!(has_room(&room, 0));
    }
}
