//! What is said about a transform or an image when somebody asks: `cce-fix explain`, `cce-fix rules`.

use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;

use rewriter::Stream;
use serde::Serialize;
use transforms::images::{Catalogue, Confidence, Entry, Facts, ImageRef, Match, ReadOnlyRoot, Start, User};
use transforms::settings::Profile;
use transforms::{ALL, Evidence, Judged, Meta, Outcome, Settings, State};

use crate::cli::{Explain, RulesFormat, Subject};
use crate::config::{self, Flags, Source};
use crate::console::{answer, refuse};
use crate::exit::Exit;
use crate::spelling::suggestion;

/// Prints what was asked for.
pub fn run(asked: &Explain) -> io::Result<Exit> {
    let found = match (&asked.subject, &asked.id) {
        // With what the configuration of this folder knows about images.
        (Some(Subject::Image { name }), _) => {
            let decisions =
                Source::new(Flags::default(), None, false).and_then(|source| source.of(Path::new(".")));
            match decisions {
                Ok(decisions) => {
                    let catalogue = decisions.settings.catalogue.clone();
                    image(name, &Settings { catalogue, ..Settings::default() })
                }
                Err(error) => return refuse(&error.to_string()),
            }
        }
        (None, id) => transform(id.as_deref().unwrap_or_default()),
    };
    match found {
        Ok(text) => answer(text),
        Err(unknown) => refuse(&unknown.to_string()),
    }
}

/// Lists all transforms.
pub fn list(format: RulesFormat) -> io::Result<Exit> {
    answer(match format {
        RulesFormat::Text => rules(),
        RulesFormat::Json => rules_for_programs(),
        RulesFormat::Markdown => rules_for_pages(),
    })
}

/// A name that nothing is known by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Unknown {
    #[error("no transform has the id `{id}`{suggestion}")]
    Transform { id: String, suggestion: String },
    #[error("`{name}` is no image reference{suggestion}")]
    Reference { name: String, suggestion: String },
    #[error("nothing is known about the image `{name}`{suggestion}")]
    Image { name: String, suggestion: String },
    #[error("`{image}` is known, but not its tag `{tag}`")]
    Tag { image: String, tag: String },
}

/// All transforms, a line each.
fn rules() -> String {
    let rows = ALL.iter().map(|transform| {
        let meta = transform.meta();
        [meta.id.to_owned(), meta.category.to_string(), profiles(meta).join(", "), meta.title.to_owned()]
    });
    let head = ["ID", "CATEGORY", "PROFILES", "TITLE"].map(str::to_owned);
    table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// Columns as wide as their widest cell; the last one has no end.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn profiles(meta: &Meta) -> Vec<String> {
    std::iter::once(&Profile::Cce).chain(meta.profiles).map(Profile::to_string).collect()
}

/// A transform, as other programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    title: &'static str,
    category: String,
    severity: String,
    profiles: Vec<String>,
    pages: &'static [&'static str],
    pod_security: &'static [&'static str],
    on_windows: bool,
    since: &'static str,
    parameters: Vec<String>,
}

fn rules_for_programs() -> String {
    let rules: Vec<Rule> = ALL
        .iter()
        .map(|transform| transform.meta())
        .map(|meta| Rule {
            id: meta.id,
            title: meta.title,
            category: meta.category.to_string(),
            severity: meta.severity.to_string(),
            profiles: profiles(meta),
            pages: meta.pages,
            pod_security: meta.pod_security,
            on_windows: meta.on_windows,
            since: meta.since,
            parameters: config::parameters(meta.id).into_iter().map(|parameter| parameter.key).collect(),
        })
        .collect();
    // Names and texts of ours are always JSON.
    serde_json::to_string_pretty(&rules).map(|text| text + "\n").unwrap_or_default()
}

/// The same as a table of a Markdown page.
pub fn rules_for_pages() -> String {
    let head = "| id | what is wrong | category | severity | profiles |\n| --- | --- | --- | --- | --- |\n";
    ALL.iter().map(|transform| transform.meta()).fold(head.to_owned(), |mut text, meta| {
        let Meta { id, title, category, severity, .. } = meta;
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "| `{id}` | {title} | {category} | {severity} | {} |", profiles(meta).join(", "));
        text
    })
}

/// What `explain ID` prints: a page in Markdown that is read in a terminal too.
fn transform(id: &str) -> Result<String, Unknown> {
    let metas = || ALL.iter().map(|transform| transform.meta());
    let Some(meta) = metas().find(|meta| meta.id == id) else {
        let mut suggestion = suggestion(id, metas().map(|meta| meta.id));
        if suggestion.is_empty() {
            "; `cce-fix rules` lists them".clone_into(&mut suggestion);
        }
        return Err(Unknown::Transform { id: id.to_owned(), suggestion });
    };
    Ok(page(meta))
}

/// Everything there is to say about a transform.
pub fn page(meta: &Meta) -> String {
    let Meta { id, title, category, severity, since, .. } = meta;
    let mut text = format!("# {id}: {title}\n\n- category: {category}\n- severity: {severity}\n");
    let mut fact = |word: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- {word}: {value}");
    };
    fact("profiles", &profiles(meta).join(", "));
    for (word, names) in [("asked for by CCE", meta.pages), ("checks of Pod Security", meta.pod_security)] {
        if !names.is_empty() {
            fact(word, &names.join("; "));
        }
    }
    fact("pods for Windows", if meta.on_windows { "yes" } else { "no" });
    fact("since", since);
    text.push('\n');
    text += &meta.documentation();
    text.push('\n');
    if let Some(review) = &meta.review {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n## What may happen\n\nAfter a fix of level review: {}.\n\n## The way back\n\nThen {}.\n",
            review.symptom, review.undo
        );
    }
    text.push_str("\n## Parameters\n\n");
    text.push_str(&parameters(id));
    text.push_str(&SUPPRESSION.replace("{id}", id));
    text
}

const SUPPRESSION: &str = "
## To leave it as it is

In the object, where it says so to every reader:

```yaml
metadata:
  annotations:
    cce-fix/ignore.{id}: \"why it stays\"
```

Or in a comment, for the key or list item below it or in its line: `# cce-fix: ignore[{id}] why it stays`.
Everywhere: `--ignore {id}`, or `ignore: [{id}]` in `.cce-fix.yaml`.
";

/// The transform's keys in the configuration, and what holds without them.
fn parameters(id: &str) -> String {
    let parameters = config::parameters(id);
    if parameters.is_empty() {
        return "None.\n".to_owned();
    }
    let rows = parameters.iter().map(|parameter| {
        let default = match &parameter.default {
            serde_json::Value::Null => "without a default".to_owned(),
            serde_json::Value::String(text) => format!("default `{text}`"),
            value => format!("default `{value}`"),
        };
        format!("- `{}` ({default}): {}\n", parameter.key, parameter.description)
    });
    format!("In `.cce-fix.yaml`, under `transforms.{id}`:\n\n{}", rows.collect::<String>())
}

/// What is known about an image, and what it leads to.
fn image(name: &str, settings: &Settings) -> Result<String, Unknown> {
    let catalogue = &*settings.catalogue;
    let Some(reference) = ImageRef::parse(name) else {
        return Err(Unknown::Reference {
            name: name.to_owned(),
            suggestion: suggested_image(name, catalogue),
        });
    };
    let mut text = format!("{}\n\n", reference.repository());
    match catalogue.find(&reference) {
        Some(found) => text.push_str(&row(&reference, &found)),
        None if catalogue.is_node_agent(name) => {
            text.push_str("By its name it works on its node and needs the node's privileges.\n");
        }
        None => return Err(unknown_image(name, &reference, catalogue)),
    }
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "\nIn a Deployment that sets nothing itself it leads to:\n{}",
        consequences(name, settings)
    );
    Ok(text)
}

fn unknown_image(name: &str, reference: &ImageRef<'_>, catalogue: &Catalogue) -> Unknown {
    match (catalogue.row(reference), reference.tag()) {
        (Some(entry), tag) => {
            Unknown::Tag { image: entry.image.clone(), tag: tag.unwrap_or("latest").to_owned() }
        }
        (None, _) => Unknown::Image { name: name.to_owned(), suggestion: suggested_image(name, catalogue) },
    }
}

/// The known image, as people write it, that may be meant by `name`, whatever its tag.
fn suggested_image(name: &str, catalogue: &Catalogue) -> String {
    let lower = name.to_ascii_lowercase();
    let without_digest = lower.split('@').next().unwrap_or_default();
    let repository = match without_digest.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => without_digest,
    };
    let known = catalogue.entries().flat_map(Entry::repositories).map(familiar);
    suggestion(familiar(repository), known)
}

/// The repository without what Docker adds by itself.
fn familiar(repository: &str) -> &str {
    let path = repository.strip_prefix("docker.io/").unwrap_or(repository);
    path.strip_prefix("library/").unwrap_or(path)
}

/// A row of the catalogue in words.
fn row(reference: &ImageRef<'_>, found: &Match<'_>) -> String {
    let Match { entry, facts, confidence } = found;
    let mut lines = Lines::default();
    lines.line("known as", &entry.image);
    lines.line(
        "match",
        match confidence {
            Confidence::Exact => "the image's own repository, or a mirror of it",
            Confidence::Tag => "the repository, but a digest does not tell the variant; fixes are for review",
            Confidence::BaseName => "by its name alone, so it may be another image; fixes are for review",
        },
    );
    lines.line("tag", reference.tag().unwrap_or("latest, as none is given"));
    describe(facts, &mut lines);
    let others: Vec<&str> = entry.repositories().skip(1).collect();
    lines.list("also as", &others, ", ");
    lines.line("source", if entry.source.is_empty() { "the configuration" } else { entry.source.trim() });
    lines.to_string()
}

fn describe(facts: &Facts, lines: &mut Lines) {
    if let Some(user) = facts.user {
        lines.line(
            "USER",
            match user {
                User::Root => "root",
                User::Named => "a name, which the kubelet cannot tell from root",
                User::Numeric => "a number",
            },
        );
    }
    if let Some(uid) = facts.uid {
        let group = facts.run_as_group().map(|gid| format!(", group {gid}"));
        let group =
            group.or_else(|| facts.group_zero.then(|| ", group 0, which its files belong to".to_owned()));
        lines.line("works as", format!("user {uid}{}", group.unwrap_or_default()));
    }
    if let Some(start) = facts.start {
        lines.line(
            "start",
            match start {
                Start::NonRoot => "needs no privilege",
                Start::Switches => "as root, then changes to its user; as that user it does neither",
                Start::Root => "has to stay root",
            },
        );
    }
    match facts.read_only_root {
        ReadOnlyRoot::Works => lines.line("read-only root", "works"),
        ReadOnlyRoot::Fails => lines.line("read-only root", "fails"),
        ReadOnlyRoot::Unknown => {}
    }
    lines.list("writes to", &facts.writable, ", ");
    lines.list("fills itself", &facts.needs_content, ", ");
    lines.list("volumes", &facts.volumes, ", ");
    lines.list("ports", &facts.ports, ", ");
    lines.list("file capabilities", &facts.file_capabilities, ", ");
    if facts.heavy {
        lines.line("memory", "by the gigabyte");
    }
}

/// What the transforms make of a Deployment with this image and nothing else. `image` is a reference, which has
/// no character that means something between quotes.
fn consequences(image: &str, settings: &Settings) -> String {
    let manifest = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: example\nspec:\n  template:\n    spec:\n      \
         containers:\n      - name: example\n        image: \"{image}\"\n"
    );
    let Ok(stream) = Stream::scan(&manifest) else { return String::new() };
    let plans = stream.documents().map(|document| transforms::plan(document, settings, &Evidence::default()));
    let findings = plans.flat_map(|plan| plan.pods).flat_map(|pod| pod.findings);
    let rows: Vec<[String; 3]> = findings
        .filter_map(|judged| {
            let [level, what] = consequence(&judged)?;
            Some([format!("  {}", judged.finding.transform.id), level, what])
        })
        .collect();
    table(&rows)
}

/// The level and what is done; nothing for what is as it should be, or asks nothing of anybody.
fn consequence(judged: &Judged) -> Option<[String; 2]> {
    match (&judged.state, &judged.finding.outcome) {
        (State::Left(left), _) if !left.needs_person => None,
        (State::Left(left), _) => Some(["left".to_owned(), left.reason.clone()]),
        (_, Outcome::Fix(fix)) => Some([fix.level.to_string(), format!("{}: {}", fix.summary, fix.reason)]),
        _ => None,
    }
}

/// Lines of a word and what stands for it, one below the other.
#[derive(Default)]
struct Lines(Vec<[String; 2]>);

impl Lines {
    fn line(&mut self, word: &str, value: impl fmt::Display) {
        self.0.push([word.to_owned(), value.to_string()]);
    }

    /// Nothing for an empty list.
    fn list(&mut self, word: &str, values: &[impl fmt::Display], between: &str) {
        if !values.is_empty() {
            self.line(word, values.iter().map(ToString::to_string).collect::<Vec<_>>().join(between));
        }
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&table(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use transforms::images::UserImage;

    use super::*;

    #[track_caller]
    fn explained(name: &str) -> String {
        image(name, &Settings::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The level at which `text` tells of a transform.
    fn level_of<'t>(text: &'t str, id: &str) -> Option<&'t str> {
        let mut words = text.lines().map(str::split_whitespace);
        words.find_map(|mut words| words.next().filter(|word| *word == id).and_then(|_| words.next()))
    }

    #[track_caller]
    fn check_unknown_image(name: &str, message: &str) {
        assert_eq!(image(name, &Settings::default()).unwrap_err().to_string(), message);
    }

    #[test]
    fn every_transform_is_listed_and_explained() {
        let rules = rules();
        for meta in ALL.iter().map(|transform| transform.meta()) {
            assert!(
                rules.lines().any(|line| line.starts_with(meta.id) && line.ends_with(meta.title)),
                "{rules}"
            );
            let text = transform(meta.id).unwrap();
            assert!(text.starts_with(&format!("# {}: {}\n\n", meta.id, meta.title)), "{text}");
            assert!(text.contains(&format!("cce-fix/ignore.{}: ", meta.id)), "{text}");
            for parameter in config::parameters(meta.id) {
                assert!(text.contains(&format!("\n- `{}` (", parameter.key)), "{text}");
            }
            assert!(text.contains("\n## Safety\n") && text.contains("\n```yaml\n"), "{text}");
            for words in meta.pages.iter().chain(meta.pod_security) {
                assert!(text.contains(words), "{text}");
            }
        }
    }

    #[test]
    fn programs_and_pages_get_the_same_list() {
        let rules: serde_json::Value = serde_json::from_str(&rules_for_programs()).unwrap();
        let page = rules_for_pages();
        assert_eq!((rules.as_array().unwrap().len(), page.lines().count()), (ALL.len(), ALL.len() + 2));
        for (rule, transform) in rules.as_array().unwrap().iter().zip(ALL) {
            let meta = transform.meta();
            assert_eq!((rule["id"].as_str(), rule["title"].as_str()), (Some(meta.id), Some(meta.title)));
            assert!(page.contains(&format!("\n| `{}` | {} |", meta.id, meta.title)), "{page}");
        }
        let host_pid = rules.as_array().unwrap().iter().find(|rule| rule["id"] == "host-pid").unwrap();
        assert_eq!(host_pid["profiles"], serde_json::json!(["cce", "baseline", "restricted"]));
    }

    #[test]
    fn every_image_of_the_catalogue_is_explained() {
        for entry in Catalogue::builtin().entries() {
            match image(&entry.image, &Settings::default()) {
                Ok(text) => {
                    assert!(text.contains(entry.source.trim()), "{text}");
                    let (_, rows) = text.split_once("it leads to:\n").unwrap();
                    // What no image is excused from has a row for each.
                    for id in
                        ["run-as-non-root", "allow-privilege-escalation", "seccomp-profile", "resources"]
                    {
                        assert!(rows.contains(&format!("  {id} ")), "{id}: {text}");
                    }
                }
                // A row about some tags alone.
                Err(error) => {
                    assert_eq!(error, Unknown::Tag { image: entry.image.clone(), tag: "latest".to_owned() });
                }
            }
        }
    }

    /// What the catalogue knows reaches the transforms that ask it.
    #[test]
    fn what_is_known_of_an_image_tells_in_what_it_leads_to() {
        for (image, id, words) in [
            ("nginx", "unprivileged-port", "port 80"),
            ("registry.k8s.io/ingress-nginx/controller", "allow-privilege-escalation", "NET_BIND_SERVICE"),
            ("cassandra", "resources", "by the gigabyte"),
            ("quay.io/jetstack/cert-manager-controller", "run-as-non-root", "names it by number"),
            ("fluent/fluent-bit", "run-as-user", "meant to stay root"),
        ] {
            let text = explained(image);
            let mut rows = text.lines().filter(|line| line.starts_with(&format!("  {id} ")));
            assert!(rows.any(|row| row.contains(words)), "{image}, {id}: {text}");
        }
    }

    #[test]
    fn a_mirror_lowers_the_levels() {
        let (own, mirror) = (
            explained("nginxinc/nginx-unprivileged"),
            explained("swr.cn-north-4.myhuaweicloud.com/org/nginx-unprivileged"),
        );
        let of_image = ["run-as-user", "run-as-non-root", "capabilities", "read-only-root-filesystem"];
        for (text, level) in [(&own, "safe"), (&mirror, "review")] {
            for id in of_image {
                assert_eq!(level_of(text, id), Some(level), "{id}: {text}");
            }
        }
        assert!(mirror.contains("by its name alone"), "{mirror}");
    }

    #[test]
    fn rows_of_the_configuration_say_so() {
        let own = UserImage { image: "r.io/app".to_owned(), uid: Some(7), ..UserImage::default() };
        let catalogue = Catalogue::builtin().with([Entry::try_from(own).unwrap()]);
        let settings = Settings { catalogue: catalogue.into(), ..Settings::default() };
        let text = image("r.io/app:1", &settings).unwrap();
        assert!(text.contains("the configuration") && text.contains("`runAsUser: 7`"), "{text}");
    }

    #[test]
    fn unknown_names_get_the_nearest_right_one() {
        let message = |id: &str| transform(id).unwrap_err().to_string();
        assert_eq!(
            message("run-as-usr"),
            "no transform has the id `run-as-usr`; did you mean `run-as-user`?"
        );
        assert_eq!(message("x"), "no transform has the id `x`; `cce-fix rules` lists them");
        check_unknown_image(
            "ngnix:1.27",
            "nothing is known about the image `ngnix:1.27`; did you mean `nginx`?",
        );
        check_unknown_image("Nginx", "`Nginx` is no image reference; did you mean `nginx`?");
        check_unknown_image(
            "r.example.com/team/shop",
            "nothing is known about the image `r.example.com/team/shop`",
        );
        check_unknown_image("{{ .Values.image }}", "`{{ .Values.image }}` is no image reference");
        check_unknown_image("", "`` is no image reference");
        check_unknown_image("haproxy:2.2", "`docker.io/library/haproxy` is known, but not its tag `2.2`");
    }

    #[test]
    fn node_agents_are_known_by_name() {
        let text = explained("quay.io/calico/node:v3.28.0");
        assert!(text.contains("works on its node") && text.contains("it looks like a node agent"), "{text}");
    }
}
