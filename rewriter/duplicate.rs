//! A key twice in one mapping: some readers take the last value, strict ones refuse the document.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::event::EventKind;
use crate::scalar;
use crate::stream::{Document, after_node, skip_properties};
use crate::{Refusal, RefusalReason};

/// Up to so many keys are compared pair by pair, which is faster than hashing them.
const FEW: usize = 12;

/// The first key, by place, that its mapping has already.
pub(crate) fn first(document: Document<'_>) -> Option<Refusal> {
    let events = &document.stream.events;
    let mut keys: Vec<(Cow<'_, str>, usize)> = Vec::new();
    for index in document.events() {
        let mapping = events[index];
        if !mapping.kind.is_mapping() {
            continue;
        }
        keys.clear();
        let mut next = index + 1;
        while next < mapping.end as usize {
            let key = events[skip_properties(events, next)];
            // A merge key may stand more than once, and an alias as a key is what it stands for.
            let text = scalar::text(document.stream.text, key);
            if key.kind != EventKind::Alias && text != "<<" {
                keys.push((text, key.start as usize));
            }
            next = after_node(events, after_node(events, next));
        }
        if let Some((first, second)) = twice(&keys) {
            let reason = RefusalReason::DuplicateKey {
                key: keys[second].0.clone().into_owned(),
                first_line: document.position(keys[first].1).line,
            };
            return Some(Refusal { position: document.position(keys[second].1), reason });
        }
    }
    None
}

/// The numbers of two equal keys.
fn twice(keys: &[(Cow<'_, str>, usize)]) -> Option<(usize, usize)> {
    if keys.len() <= FEW {
        return (1..keys.len()).find_map(|second| {
            let first = keys[..second].iter().position(|(key, _)| *key == keys[second].0)?;
            Some((first, second))
        });
    }
    let mut seen = HashMap::with_capacity(keys.len());
    keys.iter().enumerate().find_map(|(second, (key, _))| Some((seen.insert(key, second)?, second)))
}

#[cfg(test)]
mod tests {
    use crate::Stream;

    #[test]
    fn the_second_place_is_told_and_the_first_named() {
        let many: Vec<String> = (0..40).map(|number| format!("  k{number}: 1\n")).collect();
        let many = many.concat();
        for text in
            ["a: 1\nb: 2\n\"a\": 3\n", "s:\n  - {x: 1, y: 1, x: 2}\n", &format!("m:\n{many}  k7: 2\n")]
        {
            let stream = Stream::scan(text).unwrap();
            let refusal = stream.document(0).unwrap().duplicate_key().unwrap();
            assert!(refusal.to_string().contains("twice in one mapping"), "{refusal}");
        }
        let stream = Stream::scan("a: {b: 1}\nb: {b: 1}\n<<: {}\n").unwrap();
        assert_eq!(stream.document(0).unwrap().duplicate_key(), None);
    }
}
