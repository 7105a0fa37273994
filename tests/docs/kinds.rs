//! The table of `docs/kinds.md` is that of the program.

use std::fs;

use transforms::model::KnownKinds;

use super::{fresh, row};
use crate::common::repository;

const PAGE: &str = "docs/kinds.md";

#[test]
fn the_kinds_are_fresh() {
    let page = fs::read_to_string(repository().join(PAGE)).unwrap();
    let (words, _) = page.split_once("| group |").unwrap();
    let mut text = words.to_owned();
    text += &row(&["group", "kind", "where its pods stand", "what is special"]);
    text += &row(&["---"; 4]);
    text.extend(KnownKinds::all().map(|known| {
        let code = |text: &dyn ToString| format!("`{}`", text.to_string());
        let api = Some(known.api()).filter(|api| !api.is_empty()).map_or("core".into(), |api| code(&api));
        let kinds: Vec<String> = known.kinds().iter().map(|kind| code(kind)).collect();
        let places: Vec<String> = known.places().map(|place| code(place)).collect();
        let kinds = kinds.join(", ").replace("`*`", "all others");
        row(&[&api, &kinds, &places.join(", "), known.note().unwrap_or_default()])
    }));
    fresh(PAGE, &text);
}
