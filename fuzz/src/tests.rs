//! The committed corpus holds the laws, and the laws can be broken.

use crate::case::Case;
use crate::session::attempt;
use crate::target::{Kind, TARGETS};
use crate::{fix, seeds};

#[test]
fn the_corpus_holds_the_laws() {
    for target in TARGETS {
        let corpus = seeds::corpus(target.name);
        assert!(!corpus.is_empty(), "no case for {}", target.name);
        for (path, bytes) in corpus {
            if let Err(message) = attempt(target, &Case::read(&bytes)) {
                panic!("{}: {message}", path.display());
            }
        }
    }
}

#[test]
fn what_cases_are_made_from_holds_the_laws() {
    for target in TARGETS.iter().filter(|target| target.kind != Kind::Manifest) {
        for text in seeds::texts(target.kind, false) {
            if let Err(message) = attempt(target, &Case::of_text(&text)) {
                panic!("{}: {text:?}: {message}", target.name);
            }
        }
    }
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: nginx\n";
    assert!(fix::check(text.as_bytes(), &transforms::Settings::default()).unwrap().iter().count() > 20);
}
