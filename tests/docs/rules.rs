//! `docs/rules/`: a page for each transform, the same as `cce-fix explain` prints, and their index.

use std::collections::BTreeSet;
use std::fs;

use cce_fix::explain;

use super::{fresh, metas};
use crate::common::{Folder, repository};

const INDEX: &str = "\
# The transforms

<!-- Generated from the transforms; `cargo xtask docs` writes it anew. -->

In the order in which they are planned: each may build on what those before it have planned.
`cce-fix rules` prints the same list, `cce-fix explain ID` the page of one.

";

#[test]
fn the_pages_of_the_transforms_are_fresh() {
    let mut index = INDEX.to_owned() + &explain::rules_for_pages();
    for meta in metas() {
        index = index.replace(&format!("| `{}` |", meta.id), &format!("| [{}]({0}.md) |", meta.id));
        let page = explain::page(meta);
        fresh(&format!("docs/rules/{}.md", meta.id), &page);
        let printed = Folder::new().run(&["explain", meta.id]);
        assert_eq!((printed.code, printed.stdout), (Some(0), page));
    }
    fresh("docs/rules/README.md", &index);
    let folder = repository().join("docs/rules");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected: BTreeSet<String> =
        metas().map(|meta| format!("{}.md", meta.id)).chain(["README.md".to_owned()]).collect();
    assert_eq!(names.collect::<BTreeSet<_>>(), expected);
}
