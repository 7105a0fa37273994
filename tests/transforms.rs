//! What a person sees for each fixture: the lines of `--verbose`, and the diff.
//!
//! `bad.*` is a manifest that a transform changes or leaves for a person, `ok.*` one about which it has nothing
//! to say. Each is examined with its transform alone, and gets a snapshot of the same name.

use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use cce_fix::config::{Decisions, Flags};
use cce_fix::diff::{self, DiffName};
use cce_fix::engine::Examined;
use cce_fix::report::{self, Tally};
use transforms::{ALL, Settings};

use crate::common::{examine_file, only, repository};

/// A manifest of `tests/fixtures`.
struct Fixture {
    /// The transform that it is for.
    id: String,
    /// The file's name, `bad.<case>.yaml` or `ok.<case>.yaml`.
    file: String,
    text: String,
}

impl Fixture {
    fn is_bad(&self) -> bool {
        self.file.starts_with("bad.")
    }

    /// The name of the snapshot.
    fn name(&self) -> &str {
        self.file.strip_suffix(".yaml").unwrap_or(&self.file)
    }

    fn examine(&self, text: &str) -> Examined {
        examine_file(&self.settings(), Path::new(&self.file), text)
    }

    /// The settings with the transform alone, and what a first line `# .cce-fix.yaml: {...}` says.
    fn settings(&self) -> Settings {
        let written = self.text.lines().next().and_then(|line| line.strip_prefix("# .cce-fix.yaml: "));
        let flags = Flags { verbose: true, ..Flags::default() };
        let decided = Decisions::parse(Path::new(&self.file), written.unwrap_or_default(), &flags);
        Settings { select: only(&[&self.id]).select, ..decided.unwrap().settings }
    }

    /// What is printed about it.
    fn shown(&self, examined: &Examined) -> String {
        shown(Path::new(&self.file), &self.text, examined)
    }

    fn check(&self) {
        let examined = self.examine(&self.text);
        let mut tally = Tally::default();
        tally.count(&examined);
        let says_something = examined.changed || tally.left + tally.refused > 0;
        let shown = self.shown(&examined);
        assert_eq!(says_something, self.is_bad(), "{}: {shown}", self.file);
        if let Some(new) = &examined.text {
            let again = self.examine(new);
            assert_eq!(again.text, None, "{}: a second run changes something", self.file);
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(snapshots().join(&self.id));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_input_file(fixtures_folder().join(&self.id).join(&self.file));
        settings.bind(|| insta::assert_snapshot!(self.name(), shown));
    }
}

/// What is printed about a file.
pub(crate) fn shown(path: &Path, text: &str, examined: &Examined) -> String {
    let mut shown: Vec<String> =
        examined.problems.iter().map(|problem| report::problem(path, problem)).collect();
    shown.extend(report::notices(path, examined));
    shown.extend(report::verbose(path, examined));
    if let Some(new) = &examined.text {
        let diff = diff::unified(&DiffName::new(path, Path::new("")), text.as_bytes(), new.as_bytes());
        shown.push(format!("\n{}", String::from_utf8(diff).unwrap()));
    }
    // What an editor does not show, and what insta takes for the end of a line.
    shown.join("\n").replace('\r', "<CR>").replace('\u{feff}', "<BOM>")
}

pub(crate) fn fixtures_folder() -> PathBuf {
    repository().join("tests/fixtures")
}

pub(crate) fn snapshots() -> PathBuf {
    repository().join("snapshots")
}

/// The names in a folder, but for those that no listing shows.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// Transforms that never count as having something to say.
const ADVICE: [&str; 2] = ["api-server-access", "metadata-access"];

/// Folders of fixtures that other tests read.
const OTHERS: [&str; 2] = ["kinds", "seeds"];

/// The folders of fixtures for transforms.
fn folders() -> Vec<String> {
    names(&fixtures_folder()).into_iter().filter(|name| !OTHERS.contains(&name.as_str())).collect()
}

fn fixtures() -> Vec<Fixture> {
    let folder = fixtures_folder();
    let mut fixtures = Vec::new();
    for id in folders() {
        for file in names(&folder.join(&id)) {
            let text = String::from_utf8(fs::read(folder.join(&id).join(&file)).unwrap()).unwrap();
            fixtures.push(Fixture { id: id.clone(), file, text });
        }
    }
    fixtures
}

#[test]
fn every_fixture_is_reported_and_fixed_as_its_snapshot_says() {
    let fixtures = fixtures();
    let differ: Vec<String> = fixtures
        .iter()
        .filter(|fixture| panic::catch_unwind(|| fixture.check()).is_err())
        .map(|fixture| format!("{}/{}", fixture.id, fixture.file))
        .collect();
    assert!(differ.is_empty(), "of {} fixtures: {differ:#?}", fixtures.len());
}

#[test]
fn all_transforms_together_go_with_every_fixture() {
    let settings = Settings::default();
    for Fixture { id, file, text } in fixtures() {
        let name = format!("{id}/{file}");
        let examined = examine_file(&settings, Path::new(&file), &text);
        assert!(examined.problems.is_empty(), "{name}: {examined:?}");
        let Some(new) = examined.text else { continue };
        let again = examine_file(&settings, Path::new(&file), &new);
        assert_eq!(again.text, None, "{name}: a second run changes something");
    }
}

#[test]
fn every_transform_has_fixtures_and_every_fixture_a_transform() {
    let ids: BTreeSet<&str> = ALL.iter().map(|transform| transform.meta().id).collect();
    let fixtures = fixtures();
    for name in folders() {
        assert!(ids.contains(name.as_str()), "tests/fixtures/{name}: no transform has this id");
        assert!(fixtures.iter().any(|fixture| fixture.id == name), "tests/fixtures/{name} is empty");
    }
    for Fixture { id, file, .. } in &fixtures {
        let case = file.strip_prefix("bad.").or(file.strip_prefix("ok."));
        let case = case.and_then(|rest| rest.strip_suffix(".yaml")).unwrap_or_default();
        let is_kebab = !case.is_empty()
            && case.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(is_kebab, "{id}/{file}: not called `bad.<case>.yaml` or `ok.<case>.yaml`");
    }
    for id in ids {
        let mut of_transform = fixtures.iter().filter(|fixture| fixture.id == id);
        let has_bad = of_transform.clone().any(Fixture::is_bad);
        assert_eq!(has_bad, !ADVICE.contains(&id), "{id}: a fixture `bad.*`");
        assert!(of_transform.any(|fixture| !fixture.is_bad()), "{id} has no fixture `ok.*`");
    }
}

#[test]
fn every_snapshot_has_its_fixture() {
    let ids: BTreeSet<&str> = ALL.iter().map(|transform| transform.meta().id).collect();
    let wanted: BTreeSet<String> =
        fixtures().iter().map(|fixture| format!("{}/{}.snap", fixture.id, fixture.name())).collect();
    let found: BTreeSet<String> = names(&snapshots())
        .into_iter()
        .filter(|folder| ids.contains(folder.as_str()))
        .flat_map(|id| names(&snapshots().join(&id)).into_iter().map(move |name| format!("{id}/{name}")))
        .filter(|name| !name.ends_with(".snap.new"))
        .collect();
    assert_eq!(found, wanted);
}

/// What a transform may get wrong is told with each of its fixes of level review: in reports, and by `explain`.
#[test]
fn what_is_for_review_says_what_may_happen_and_the_way_back() {
    for meta in ALL.iter().map(|transform| transform.meta()) {
        let file = repository().join(format!("transforms/{}.rs", meta.id.replace('-', "_")));
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let safety = meta.doc.split("## Safety").nth(1).unwrap();
        let words = ["Level::Review", "Outcome::review("];
        let reviews = safety.contains("eview") || words.iter().any(|word| code.contains(word));
        let Some(review) = &meta.review else {
            assert!(!reviews, "{}: its `review {{ symptom, undo }}` is missing", meta.id);
            continue;
        };
        for text in [review.symptom, review.undo] {
            assert!(text.len() > 40 && !text.ends_with('.'), "{}: {text}", meta.id);
            assert!(!text.contains("  ") && !text.contains('\n'), "{}: {text}", meta.id);
        }
    }
}
