//! Pods in objects of unknown kinds, by what they look like.

use rewriter::{Node, Path, Step};

/// Keys under which kinds keep a pod's spec.
const KEYS: [&str; 4] = ["spec", "template", "podSpec", "podTemplate"];

/// Nobody nests a pod deeper.
const MAX_DEPTH: usize = 32;

/// What looks like the spec of a pod.
#[derive(Clone, Debug)]
pub(super) struct Detected<'d> {
    pub(super) node: Node<'d>,
    pub(super) path: Path,
    /// The map around it, where that looks like a pod's template.
    pub(super) template: Option<(Node<'d>, Path)>,
}

/// What looks like the spec of a pod in `object`, the value at `path`. Aliases are not followed, so that no node
/// is looked at twice.
pub(super) fn detect<'d>(object: Node<'d>, path: &Path) -> Vec<Detected<'d>> {
    let mut search = Search { path, trail: Vec::new(), found: Vec::new() };
    for (key, value) in object.entries() {
        if !["metadata", "status"].iter().any(|other| key.is_text(other)) {
            search.enter(Turn::Key(key), value);
        }
    }
    search.found
}

struct Search<'p, 'd> {
    path: &'p Path,
    trail: Vec<(Turn<'d>, Node<'d>)>,
    found: Vec<Detected<'d>>,
}

#[derive(Clone, Copy)]
enum Turn<'d> {
    Key(Node<'d>),
    Index(usize),
}

impl<'d> Search<'_, 'd> {
    fn enter(&mut self, turn: Turn<'d>, node: Node<'d>) {
        if node.is_alias() || self.trail.len() == MAX_DEPTH {
            return;
        }
        self.trail.push((turn, node));
        if turn.is_one_of(&KEYS) && is_spec(node) {
            self.add(node);
        } else {
            for (key, value) in node.entries() {
                self.enter(Turn::Key(key), value);
            }
            for (index, item) in node.items().enumerate() {
                self.enter(Turn::Index(index), item);
            }
        }
        self.trail.pop();
    }

    fn add(&mut self, node: Node<'d>) {
        let path = |depth: usize| -> Path {
            let trail = self.trail.iter().take(depth).map(|(turn, _)| match turn {
                Turn::Key(key) => Step::Key(key.text().into_owned().into()),
                Turn::Index(index) => Step::Index(*index),
            });
            self.path.steps().iter().cloned().chain(trail).collect()
        };
        let depth = self.trail.len();
        let template = match self.trail.as_slice() {
            [.., (above, template), (turn, _)]
                if turn.is_one_of(&["spec"]) && above.is_one_of(&["template", "podTemplate"]) =>
            {
                Some((*template, path(depth - 1)))
            }
            _ => None,
        };
        self.found.push(Detected { node, path: path(depth), template });
    }
}

impl Turn<'_> {
    fn is_one_of(self, keys: &[&str]) -> bool {
        matches!(self, Self::Key(key) if keys.iter().any(|known| key.is_text(known)))
    }
}

/// Whether each item of `containers` has a name and an image.
fn is_spec(node: Node<'_>) -> bool {
    let Some(containers) = node.get("containers") else { return false };
    let is_container = |item: Node<'_>| item.get("name").is_some() && item.get("image").is_some();
    containers.items().next().is_some() && containers.items().all(is_container)
}

#[cfg(test)]
mod tests {
    use rewriter::Stream;

    use super::*;

    fn found(text: &str) -> Vec<(String, Option<String>)> {
        let stream = Stream::scan(text).unwrap();
        let root = stream.document(0).unwrap().root().unwrap();
        let found = detect(root, &Path::root());
        let shown =
            |found: Detected<'_>| (found.path.to_string(), found.template.map(|(_, path)| path.to_string()));
        found.into_iter().map(shown).collect()
    }

    const CONTAINERS: &str = "{containers: [{name: a, image: b}]}";

    #[test]
    fn a_pods_spec_is_known_by_its_containers_and_its_place() {
        let text = format!("spec: {{template: {{spec: {CONTAINERS}}}, parts: [{{podSpec: {CONTAINERS}}}]}}");
        let template = ("spec.template.spec".to_owned(), Some("spec.template".to_owned()));
        assert_eq!(found(&text), [template, ("spec.parts[0].podSpec".to_owned(), None)]);
        assert_eq!(found(&format!("spec: {CONTAINERS}")), [("spec".to_owned(), None)]);
        for other in [
            format!("spec: {{values: {CONTAINERS}}}"),
            format!("status: {{template: {CONTAINERS}}}"),
            "spec: {containers: []}".to_owned(),
            "spec: {containers: [{name: a}]}".to_owned(),
            "spec: {containers: {name: a, image: b}}".to_owned(),
            CONTAINERS.to_owned(),
        ] {
            assert_eq!(found(&other), [], "{other}");
        }
    }

    #[test]
    fn neither_depth_nor_aliases_make_it_expensive() {
        let deep = format!("{}{}", "{a: ".repeat(5_000), "}".repeat(5_000));
        assert_eq!(found(&deep), []);
        let aliased = format!("spec: &a {CONTAINERS}\nparts: [{{podSpec: *a}}, *a]");
        assert_eq!(found(&aliased), [("spec".to_owned(), None)]);
    }
}
