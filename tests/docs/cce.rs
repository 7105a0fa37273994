//! `docs/cce.md`: what each section of CCE's pages asks for, and what answers it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use serde::Deserialize;
use transforms::{Meta, Profile};

use super::{fresh, link, metas, row};
use crate::common::{not_tried, repository};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    page: String,
    sections: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Section {
    heading: String,
    same_as: Option<String>,
    #[serde(default)]
    rows: Vec<Row>,
}

/// Something that is asked for and that no transform's metadata says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    asks: String,
    by: By,
    answer: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum By {
    Report,
    Generator,
    Outside,
}

impl By {
    fn words(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Generator => "generated file",
            Self::Outside => "outside of manifests",
        }
    }
}

fn pages() -> Vec<Page> {
    serde_yaml::from_str(&fs::read_to_string(repository().join("docs/cce.yaml")).unwrap()).unwrap()
}

/// The transforms that say of themselves that this section asks for them.
fn asked_for_by(heading: &str) -> impl Iterator<Item = &'static Meta> {
    metas().filter(move |meta| meta.pages.contains(&heading))
}

const HEAD: &str = "\
# CCE's container security pages, section by section

<!-- Generated from docs/cce.yaml and the transforms; `cargo xtask docs` writes it anew. -->

What Huawei Cloud asks of containers and nodes on its pages about CCE, and what answers it here:

- a *transform* finds it in manifests and fixes it, or says why a person has to; its page tells which, and at which level;
- a *report* says something that no field can change;
- a *generated file* is made beside the manifests when the configuration asks for it;
- *outside of manifests* nothing can be done by a tool that reads manifests; the row says what to do instead.

A section that says what a section of another page says refers to it.
";

fn rendered(pages: &[Page]) -> String {
    let mut text = HEAD.to_owned();
    let mut shown = BTreeSet::new();
    for Page { page, sections } in pages {
        write!(text, "\n## {page}\n").unwrap();
        for Section { heading, same_as, rows } in sections {
            write!(text, "\n### {heading}\n\n").unwrap();
            let same = same_as.as_deref().filter(|same| shown.contains(same));
            if let Some(same) = same {
                writeln!(text, "As *{same}* above.").unwrap();
            }
            // What this edition alone asks for, or is alone said to ask for.
            let own: Vec<&Meta> = asked_for_by(heading)
                .filter(|meta| same.is_none_or(|same| !meta.pages.contains(&same)))
                .collect();
            if !own.is_empty() || !rows.is_empty() {
                if same.is_some() {
                    text.push('\n');
                }
                text.push_str("| what is wrong, or asked for | answered by | how |\n| --- | --- | --- |\n");
            }
            for meta in own {
                let profiles: Vec<String> = [Profile::Cce]
                    .iter()
                    .chain(meta.profiles)
                    .map(|profile| format!("`{profile}`"))
                    .collect();
                let how = format!("severity {}; profiles {}", meta.severity, profiles.join(", "));
                text.push_str(&row(&[meta.title, &format!("transform {}", link(meta)), &how]));
            }
            for Row { asks, by, answer } in rows {
                text.push_str(&row(&[asks, by.words(), answer]));
            }
            shown.insert(heading.as_str());
        }
    }
    text
}

#[test]
fn the_page_about_cce_is_fresh() {
    fresh("docs/cce.md", &rendered(&pages()));
}

#[test]
fn every_section_has_an_answer_and_every_transform_of_a_section_is_in_it() {
    let pages = pages();
    let text = rendered(&pages);
    let sections: Vec<&Section> = pages.iter().flat_map(|page| &page.sections).collect();
    let headings: BTreeSet<&str> = sections.iter().map(|section| section.heading.as_str()).collect();
    for Section { heading, same_as, rows } in &sections {
        let is_answered = same_as.is_some() || !rows.is_empty() || asked_for_by(heading).next().is_some();
        assert!(is_answered, "nothing answers {heading:?}");
        if let Some(same) = same_as {
            assert!(
                headings.contains(same.as_str()),
                "{heading:?} is the same as {same:?}, which is no section"
            );
        }
    }
    for meta in metas() {
        for section in meta.pages {
            assert!(headings.contains(section), "{}: docs/cce.yaml has no section {section:?}", meta.id);
        }
        let is_shown = text.contains(&format!("| {} | transform {} |", meta.title, link(meta)));
        assert_eq!(is_shown, !meta.pages.is_empty(), "{}", meta.id);
    }
    let linked = text.split("](rules/").skip(1).map(|rest| rest.split(".md)").next().unwrap());
    let ids: BTreeSet<&str> = metas().map(|meta| meta.id).collect();
    let unknown: BTreeSet<&str> = linked.filter(|id| !ids.contains(id)).collect();
    assert!(unknown.is_empty(), "no transforms: {unknown:?}");
}

/// A line of a page that is a heading by its look: alone, short, without the punctuation of a sentence.
fn is_heading(line: &str) -> bool {
    let is_text = |line: &str| line.chars().count() <= 90 && line.chars().count() > 2;
    let starts_well = |first: char| first.is_uppercase() || (first.is_alphabetic() && !first.is_ascii());
    is_text(line) && line.starts_with(starts_well) && !line.ends_with(['.', ':', ',', '。', ':', ';', '?'])
}

/// Lines of the pages that look like headings and are none.
const NO_HEADINGS: [&str; 3] = ["Updated on", "更新时间", "Feedback"];

#[test]
fn every_heading_of_the_pages_is_in_the_table() {
    let folder = repository().join("../shared/seeds");
    let Ok(entries) = fs::read_dir(&folder) else {
        not_tried("the headings of CCE's pages, which are not beside the repository");
        return;
    };
    let pages = pages();
    let known: BTreeSet<&str> = pages
        .iter()
        .flat_map(|page| {
            page.sections.iter().map(|section| section.heading.as_str()).chain([page.page.as_str()])
        })
        .collect();
    let mut seen = BTreeSet::new();
    for entry in entries {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| is_heading(line)) {
            if !NO_HEADINGS.iter().any(|start| line.starts_with(start)) {
                assert!(known.contains(line), "docs/cce.yaml has no row for {line:?}");
                seen.insert(line.to_owned());
            }
        }
    }
    let invented: Vec<&&str> = known.iter().filter(|heading| !seen.contains(**heading)).collect();
    assert!(invented.is_empty(), "no page has the headings {invented:?}");
}
