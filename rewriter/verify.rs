//! The proof that a new text says what was declared and nothing else: its events are the old ones, plus the
//! change.

use crate::change::{Change, Op};
use crate::event::EventKind;
use crate::splice::{comment_in, equals};
use crate::stream::Document;
use crate::{Node, Step, Value, scalar};

/// Whether `new` is `old` with `change`, node for node, and no comment was lost.
pub(crate) fn is_declared(old: Document<'_>, new: Document<'_>, change: &Change<'_>) -> bool {
    let comments = |document: Document<'_>| {
        let mut range = document.range();
        let mut count = 0;
        while let Some(at) = comment_in(document, range.clone()) {
            count += 1;
            let text = document.stream.text.as_bytes();
            range.start = memchr::memchr(b'\n', &text[at..]).map_or(range.end, |newline| at + newline);
        }
        count
    };
    match (old.root(), new.root()) {
        (Some(before), Some(after)) => same(before, after, change) && comments(old) == comments(new),
        (None, None) => true,
        _ => false,
    }
}

/// Whether the node `new` is `old` with `change`.
fn same(old: Node<'_>, new: Node<'_>, change: &Change<'_>) -> bool {
    match change.op {
        Some(Op::Set(value)) => return equals(new.document(), new.site(), value),
        // A neutral value stands where the entry could not go.
        Some(Op::Remove { neutral }) => {
            return neutral.is_some_and(|neutral| equals(new.document(), new.site(), neutral));
        }
        None => {}
    }
    if !change.reaches_below() {
        return unchanged(old, new);
    }
    if old.is_null() {
        return match change.new_value() {
            Ok(Some(value)) => equals(new.document(), new.site(), &value),
            Ok(None) => new.is_null(),
            Err(_) => false,
        };
    }
    if properties(old) != properties(new) {
        return false;
    }
    if old.is_mapping() { same_mapping(old, new, change) } else { same_sequence(old, new, change) }
}

fn same_mapping(old: Node<'_>, new: Node<'_>, change: &Change<'_>) -> bool {
    if !new.is_mapping() {
        return false;
    }
    let mut added: Vec<(&str, Value)> = Vec::new();
    for (step, child) in &change.children {
        let Step::Key(key) = step else { return false };
        if old.own_entry(key).is_none() {
            match child.new_value() {
                Ok(Some(value)) => added.push((key, value)),
                Ok(None) => {}
                Err(_) => return false,
            }
        }
    }
    let mut kept = old.entries().peekable();
    for (key, value) in new.entries() {
        // Entries that were taken out are passed over.
        while let Some((old_key, old_value)) = kept.peek().copied() {
            let child = change.children.get(&Step::Key(old_key.text().into_owned().into()));
            let may_go = child.is_some_and(|child| matches!(child.op, Some(Op::Remove { .. })));
            if unchanged(old_key, key) {
                if child.map_or_else(|| unchanged(old_value, value), |child| same(old_value, value, child)) {
                    break;
                }
                return false;
            }
            if !may_go {
                break;
            }
            kept.next();
        }
        if kept.peek().is_some_and(|(old_key, _)| unchanged(*old_key, key)) {
            kept.next();
            continue;
        }
        let Some(at) = added.iter().position(|(name, _)| key.is_text(name)) else { return false };
        let (_, wanted) = added.remove(at);
        if !equals(value.document(), value.site(), &wanted) {
            return false;
        }
    }
    let rest_went = kept.all(|(old_key, _)| {
        let child = change.children.get(&Step::Key(old_key.text().into_owned().into()));
        child.is_some_and(|child| matches!(child.op, Some(Op::Remove { .. })))
    });
    added.is_empty() && rest_went
}

fn same_sequence(old: Node<'_>, new: Node<'_>, change: &Change<'_>) -> bool {
    if !new.is_sequence() {
        return false;
    }
    let mut items = new.items().peekable();
    for (index, old_item) in old.items().enumerate() {
        let Some(child) = change.children.get(&Step::Index(index)) else {
            if !items.next().is_some_and(|item| unchanged(old_item, item)) {
                return false;
            }
            continue;
        };
        if let Some(Op::Remove { neutral }) = child.op {
            let neutral_stands = items.peek().is_some_and(|item| {
                neutral.is_some_and(|neutral| equals(item.document(), item.site(), neutral))
            });
            if neutral_stands {
                items.next();
            }
            continue;
        }
        if !items.next().is_some_and(|item| same(old_item, item, child)) {
            return false;
        }
    }
    let mut appended = change.appended();
    items.all(|item| appended.next().is_some_and(|value| equals(item.document(), item.site(), value)))
        && appended.next().is_none()
}

/// The properties written in front of a node.
fn properties(node: Node<'_>) -> Vec<&str> {
    let stream = node.document().stream;
    let events = stream.events[node.site()..].iter().take_while(|event| event.kind.is_property());
    events.map(|event| &stream.text[event.start as usize..event.end as usize]).collect()
}

/// Whether two nodes have the same events with the same text.
fn unchanged(old: Node<'_>, new: Node<'_>) -> bool {
    let (old_events, new_events) = (old.written_events(), new.written_events());
    let (old_text, new_text) = (old.document().stream.text, new.document().stream.text);
    old_events.len() == new_events.len()
        && old_events.iter().zip(new_events).all(|(before, after)| {
            if before.kind != after.kind {
                return false;
            }
            match before.kind {
                EventKind::End | EventKind::Null => true,
                kind if kind.opens() => true,
                kind if kind.is_block_scalar() => {
                    scalar::text(old_text, *before) == scalar::text(new_text, *after)
                }
                _ => {
                    old_text[before.start as usize..before.end as usize]
                        == new_text[after.start as usize..after.end as usize]
                }
            }
        })
}

#[cfg(test)]
mod tests;
