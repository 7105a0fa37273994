//! Which edits can be placed in a document: through no alias, under no anchor that others share.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::change::Change;
use crate::error::Blocked;
use crate::event::EventKind;
use crate::splice;
use crate::stream::{Document, after_node, skip_properties};
use crate::{Edit, Node, Path, Step};

/// For each of `fixes`, which are made as a whole or not at all, whether its edits can be placed in `document`.
///
/// An edit under an anchor is placed when every place that shares the anchor asks for the same edit.
pub fn place(document: Document<'_>, fixes: &[&[Edit]]) -> Vec<Result<(), Blocked>> {
    Placement::new(document).check(fixes)
}

/// Tells for the edits of one document where they go.
#[derive(Debug)]
pub(crate) struct Placement<'s> {
    document: Document<'s>,
    /// Only in a document with aliases.
    sharing: Option<Sharing>,
}

/// How the nodes of a document are reached, aliases read through.
#[derive(Debug)]
struct Sharing {
    /// Each node's parent and the step to it, by the node's own event.
    parents: HashMap<usize, (usize, Step)>,
    /// The aliases of each anchored node: the events of their parents, and whether it is a merge.
    sites: BTreeMap<usize, Vec<Site>>,
    /// On how many paths each value is reached.
    occurrences: HashMap<usize, u64>,
}

#[derive(Clone, Copy, Debug)]
struct Site {
    parent: usize,
    merge: bool,
    /// The anchor's place in the text.
    offset: usize,
}

/// For each place and what is asked for there, the paths on which it was asked for.
type Asked = BTreeMap<(Target, String), BTreeSet<Path>>;

/// Where an edit goes once aliases are read through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    /// The path of the place in the text itself.
    path: Path,
    /// The deepest node on it that exists.
    node: usize,
}

impl<'s> Placement<'s> {
    /// Looks at the aliases of `document`.
    pub(crate) fn new(document: Document<'s>) -> Self {
        let sharing = (document.root().is_some() && document.has_aliases()).then(|| Sharing::of(document));
        Self { document, sharing }
    }

    fn check(&self, fixes: &[&[Edit]]) -> Vec<Result<(), Blocked>> {
        if self.document.root().is_none() {
            return vec![Err(Blocked::Missing); fixes.len()];
        }
        let mut results = vec![Ok(()); fixes.len()];
        loop {
            let kept = || fixes.iter().enumerate().filter(|(fix, _)| results[*fix].is_ok());
            let edits: Vec<(usize, &Edit)> =
                kept().flat_map(|(fix, edits)| edits.iter().map(move |edit| (fix, edit))).collect();
            let blocked = self.blocked(&edits);
            if blocked.is_empty() {
                return results;
            }
            for (edit, reason) in blocked {
                let fix = edits[edit].0;
                if results[fix].is_ok() {
                    results[fix] = Err(reason);
                }
            }
        }
    }

    fn blocked(&self, edits: &[(usize, &Edit)]) -> splice::BlockedEdits {
        let mut blocked = Vec::new();
        let targets = self.targets(edits.iter().map(|(_, edit)| *edit), &mut blocked);
        if !blocked.is_empty() {
            return blocked;
        }
        let mut change = Change::default();
        for (id, ((_, edit), target)) in edits.iter().zip(&targets).enumerate() {
            if let Err(reason) = change.insert(target.as_ref().unwrap_or(edit.path()), edit, id) {
                blocked.push((id, reason));
            }
        }
        blocked.extend(splice::blocked(self.document, &change));
        blocked
    }

    /// All edits of the document as one tree.
    pub(crate) fn change<'e>(&self, edits: &[&'e Edit]) -> Result<Change<'e>, Blocked> {
        let mut blocked = Vec::new();
        let targets = self.targets(edits.iter().copied(), &mut blocked);
        if let Some((_, reason)) = blocked.first() {
            return Err(*reason);
        }
        let mut change = Change::default();
        for (id, (edit, target)) in edits.iter().zip(&targets).enumerate() {
            change.insert(target.as_ref().unwrap_or(edit.path()), edit, id)?;
        }
        Ok(change)
    }

    /// The place in the text of each edit, where it is another than its path.
    fn targets<'e>(
        &self,
        edits: impl Iterator<Item = &'e Edit>,
        blocked: &mut splice::BlockedEdits,
    ) -> Vec<Option<Path>> {
        let Some(sharing) = &self.sharing else { return edits.map(|_| None).collect() };
        let mut targets = Vec::new();
        let mut asked = Asked::new();
        for (id, edit) in edits.enumerate() {
            match self.target(sharing, edit) {
                Ok(target) => {
                    let kind = describe(edit);
                    asked.entry((target.clone(), kind.clone())).or_default().insert(edit.path().clone());
                    targets.push(Some((target, kind)));
                }
                Err(reason) => {
                    blocked.push((id, reason));
                    targets.push(None);
                }
            }
        }
        for (id, target) in targets.iter().enumerate() {
            let Some((target, kind)) = target else { continue };
            let paths = asked.get(&(target.clone(), kind.clone())).map_or(0, BTreeSet::len) as u64;
            if let Err(offset) = sharing.is_covered(self.document, target, paths, &asked) {
                blocked.push((id, Blocked::SharedAnchor { line: self.document.position(offset).line }));
            }
        }
        targets.into_iter().map(|target| target.map(|(target, _)| target.path)).collect()
    }

    /// Follows the path of `edit` through aliases to the place in the text.
    fn target(&self, sharing: &Sharing, edit: &Edit) -> Result<Target, Blocked> {
        let Some(mut node) = self.document.root() else { return Err(Blocked::Missing) };
        let steps = edit.path().steps();
        let last = steps.len().saturating_sub(1);
        for (depth, step) in steps.iter().enumerate() {
            let next = match step {
                Step::Index(index) => node.items().nth(*index),
                Step::Key(key) => node.own_entry(key),
            };
            let replaces = depth == last && !matches!(edit, Edit::Append { .. });
            let Some(next) = next else {
                let merged = matches!(step, Step::Key(key) if node.merged().any(|source| source.own_entry(key).is_some()));
                if merged && !replaces {
                    let offset = self.document.stream.events[node.event()].start as usize;
                    return Err(Blocked::MergeKey { line: self.document.position(offset).line });
                }
                return Ok(sharing.place(node.event(), &steps[depth..]));
            };
            if replaces {
                // The entry itself is replaced or taken out, not what an alias in it stands for.
                let key = node.entries().find(|(_, value)| value.site() == next.site()).map(|(key, _)| key);
                let mut goes = key.filter(|_| matches!(edit, Edit::Remove { .. })).into_iter().chain([next]);
                let shared = |node| sharing.anchor_used_elsewhere(self.document, node);
                if let Some(offset) = goes.find_map(shared) {
                    return Err(Blocked::SharedAnchor { line: self.document.position(offset).line });
                }
                return Ok(sharing.place(node.event(), &steps[depth..]));
            }
            node = next;
        }
        Ok(sharing.place(node.event(), &[]))
    }
}

/// What an edit asks for, its path left out.
fn describe(edit: &Edit) -> String {
    match edit {
        Edit::Set { value, .. } => format!("set {value:?}"),
        Edit::Append { value, .. } => format!("append {value:?}"),
        Edit::Remove { .. } => "remove".to_owned(),
    }
}

impl Sharing {
    fn of(document: Document<'_>) -> Self {
        let events = &document.stream.events;
        let mut parents = HashMap::new();
        // Aliases that are keys, and the mappings that they are keys of: no path leads through them.
        let mut keys = HashMap::new();
        let mut sites: BTreeMap<usize, Vec<Site>> = BTreeMap::new();
        // Parents and steps, collection by collection.
        for index in document.events() {
            let event = events[index];
            if !event.kind.opens() {
                continue;
            }
            let mut next = index + 1;
            let mut number = 0;
            while next < event.end as usize {
                let value = if event.kind.is_mapping() { after_node(events, next) } else { next };
                if event.kind.is_mapping() && events[next].kind == EventKind::Alias {
                    keys.insert(next, index);
                }
                let step = if event.kind.is_mapping() {
                    Step::Key(Node::new(document, next).text().into_owned().into())
                } else {
                    Step::Index(number)
                };
                parents.insert(skip_properties(events, value), (index, step));
                next = after_node(events, value);
                number += 1;
            }
        }
        for (alias, node) in document.aliases() {
            let (parent, merge) = match (parents.get(&alias), keys.get(&alias)) {
                (Some((parent, step)), _) => (parent, Self::is_merge(&parents, *parent, step)),
                (None, Some(mapping)) => (mapping, false),
                (None, None) => continue,
            };
            // A list of merge sources: the mapping around it is what merges.
            let in_list = events[*parent].kind.is_sequence() && merge;
            let parent =
                if in_list { parents.get(parent).map_or(*parent, |(outer, _)| *outer) } else { *parent };
            let anchor = events[..node].iter().rev().find(|event| event.kind == EventKind::Anchor);
            let offset = anchor.map_or(events[node].start, |anchor| anchor.start) as usize;
            sites.entry(node).or_default().push(Site { parent, merge, offset });
        }
        let mut sharing = Self { parents, sites, occurrences: HashMap::new() };
        sharing.count(document);
        sharing
    }

    fn is_merge(parents: &HashMap<usize, (usize, Step)>, parent: usize, step: &Step) -> bool {
        match step {
            Step::Key(key) => key == "<<",
            Step::Index(_) => matches!(parents.get(&parent), Some((_, Step::Key(key))) if key == "<<"),
        }
    }

    /// The place of an anchor in the text of `node` to which an alias outside it refers.
    fn anchor_used_elsewhere(&self, document: Document<'_>, node: Node<'_>) -> Option<usize> {
        let written = node.site()..after_node(&document.stream.events, node.site());
        let alias_outside = |anchored: usize| {
            document.aliases().any(|(alias, target)| target == anchored && !written.contains(&alias))
        };
        let mut inside = self.sites.range(written.clone());
        inside.find(|(anchored, _)| alias_outside(**anchored)).map(|(_, sites)| sites[0].offset)
    }

    /// Counts the paths to each value, from the last to the first: an alias stands behind its anchor, so
    /// that what shares a node is known when the node is reached.
    fn count(&mut self, document: Document<'_>) {
        // Occurrences depend on the occurrences of parents, which stand before, and of aliases' parents, which
        // may stand behind; the chain of both has no circle, because an anchor never contains its own alias.
        // A scalar counts too: where it is null, an edit may make a mapping of it.
        let is_value =
            |index: &usize| document.stream.events[*index].kind.opens() || self.parents.contains_key(index);
        let mut stack: Vec<usize> = document.events().filter(is_value).collect();
        while let Some(node) = stack.pop() {
            if self.occurrences.contains_key(&node) {
                continue;
            }
            let needed: Vec<usize> = self.reached_from(node).collect();
            let missing: Vec<usize> =
                needed.iter().copied().filter(|needed| !self.occurrences.contains_key(needed)).collect();
            if missing.is_empty() {
                let sum =
                    needed.iter().map(|needed| self.occurrences[needed]).fold(0u64, u64::saturating_add);
                self.occurrences.insert(node, if needed.is_empty() { 1 } else { sum });
            } else {
                stack.push(node);
                stack.extend(missing);
            }
        }
    }

    /// The collections from which a node is reached: its own parent, and those that hold an alias of it.
    fn reached_from(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let own = self.parents.get(&node).map(|(parent, _)| *parent);
        let shared =
            self.sites.get(&node).into_iter().flatten().filter(|site| !site.merge).map(|site| site.parent);
        own.into_iter().chain(shared)
    }

    /// The path in the text of what `rest` leads to from `node`.
    fn place(&self, node: usize, rest: &[Step]) -> Target {
        let mut steps: Vec<Step> = rest.iter().rev().cloned().collect();
        let mut at = node;
        while let Some((parent, step)) = self.parents.get(&at) {
            steps.push(step.clone());
            at = *parent;
        }
        Target { path: steps.into_iter().rev().collect(), node }
    }

    /// Whether `paths` different paths are all on which `target` is reached; the anchor's offset if not.
    fn is_covered(
        &self,
        document: Document<'_>,
        target: &Target,
        paths: u64,
        asked: &Asked,
    ) -> Result<(), usize> {
        let steps = target.path.steps();
        // From the deepest node up: the first step below each node is the key that a merge would bring along.
        let mut at = target.node;
        let mut depth = self.depth(at);
        let mut shared = None;
        loop {
            for site in self.sites.get(&at).into_iter().flatten() {
                shared.get_or_insert(site.offset);
                if site.merge && !self.overridden(document, site.parent, steps.get(depth), asked) {
                    return Err(site.offset);
                }
            }
            let Some((parent, _)) = self.parents.get(&at) else { break };
            at = *parent;
            depth -= 1;
        }
        let occurrences = self.occurrences.get(&target.node).copied().unwrap_or(1);
        match shared {
            Some(offset) if occurrences != paths => Err(offset),
            _ => Ok(()),
        }
    }

    fn depth(&self, node: usize) -> usize {
        let mut depth = 0;
        let mut at = node;
        while let Some((parent, _)) = self.parents.get(&at) {
            depth += 1;
            at = *parent;
        }
        depth
    }

    /// Whether the merging mapping has, or is about to get, the key itself.
    fn overridden(&self, document: Document<'_>, merging: usize, step: Option<&Step>, asked: &Asked) -> bool {
        let Some(step @ Step::Key(key)) = step else { return false };
        if document.stream.events[merging].kind == EventKind::FlowPair {
            return false;
        }
        Node::new(document, merging).own_entry(key).is_some()
            || asked.keys().any(|(target, _)| {
                target.node == merging && target.path.steps().get(self.depth(merging)) == Some(step)
            })
    }
}
