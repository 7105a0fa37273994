//! Names and texts that would break out of a report, if they could; and what must never be in one.

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

use super::{FORMATS, json, list, reports};
use crate::common::Folder;

/// A name that means something in every form.
const NAME: &str = "a'b]]>\u{1b}[31m<script>alert(1)</script>|`x` @octocat #1 [x](http://evil.example) \
                    ![i](http://evil.example) **b** ::error file=x::boo %0A www.evil.example\u{202e}\r\n\n## head\n::warning::x";

fn hostile_file() -> &'static str {
    if cfg!(unix) {
        "x,y:%41 <b>'\"`|[l](u)@octocat\u{1b}[2J\n::error::z.yaml"
    } else {
        "x,y%41'`[l](u)@octocat.yaml"
    }
}

/// A manifest in which names, an image, a path and a value are hostile.
fn manifest() -> String {
    let name = serde_json::to_string(NAME).unwrap();
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: {name}\nspec:\n  containers:\n  \
         - name: {name}\n    image: {name}\n    workingDir: {name}\n    command: [sh, -c, {name}]\n    \
         securityContext: {{runAsUser: {name}, capabilities: {{add: [{name}]}}}}\n  - name: b\n    \
         image: r.io/b\n    volumeMounts: [{{name: {name}, mountPath: {name}}}]\n"
    )
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write(hostile_file(), manifest().as_bytes());
    folder.write("broken\u{1b}.yaml", format!("apiVersion: v1\nkind: Pod\n\t{NAME}\n").as_bytes());
    folder.write("twice.yaml", b"apiVersion: v1\nkind: Pod\nspec:\n  containers: []\n  \"::error::\\e]]>\": 1\n  \"::error::\\e]]>\": 2\n");
    folder
}

#[test]
fn nothing_acts_on_a_terminal() {
    let reports = reports(&folder(), &["--check", "."]);
    for format in FORMATS {
        let harmless = |character: char| {
            character == '\n' || character == '\t' || !character.is_control() && character != '\u{202e}'
        };
        // JSON may hold what reorders text: it is data, and no terminal's business.
        let strict = !["json", "jsonl", "sarif", "gitlab", "rdjson"].contains(&format);
        for character in reports[format].chars() {
            assert!(harmless(character) || !strict && !character.is_control(), "{format}: {character:?}");
        }
    }
}

#[test]
fn json_holds_the_names_as_they_are() {
    let reports = reports(&folder(), &["--check", "."]);
    let report = json(&reports["json"]);
    let findings = list(&report["findings"]);
    assert!(findings.len() > 3);
    assert!(findings.iter().all(|finding| finding["name"] == NAME && finding["file"] == hostile_file()));
    assert_eq!(reports["jsonl"].lines().count(), 1 + findings.len() + list(&report["problems"]).len());
    let sarif = json(&reports["sarif"]);
    for result in list(&sarif["runs"][0]["results"]) {
        assert!(!result["message"]["text"].as_str().unwrap().contains("]("));
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(
            uri.as_str()
                .unwrap()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
        );
    }
    super::holds(&super::schema("tests/schemas/sarif-2.1.0.json"), &sarif);
}

#[test]
fn a_line_is_a_finding() {
    let reports = reports(&folder(), &["--check", "."]);
    let report = json(&reports["json"]);
    let count = list(&report["findings"]).len() + list(&report["problems"]).len();
    assert_eq!(reports["concise"].lines().count(), count);
    assert_eq!(reports["github"].lines().count(), count);
    for line in reports["github"].lines() {
        // As the runner reads it: the command, its properties, the text.
        let rest = line.strip_prefix("::").unwrap();
        let (head, _) = rest.split_once("::").unwrap();
        let (command, properties) = head.split_once(' ').unwrap();
        assert!(["notice", "warning", "error"].contains(&command), "{line}");
        for property in properties.split(',') {
            let (key, value) = property.split_once('=').unwrap();
            assert!(["file", "line", "col", "title"].contains(&key), "{line}");
            assert!(!value.contains([':', ',', '\n', '\r']), "{line}");
        }
    }
}

#[test]
fn github_names_the_file() {
    let reports = reports(&folder(), &["--check", "."]);
    let line = reports["github"].lines().find(|line| line.contains("title=resources")).unwrap();
    let file = line.split("file=").nth(1).unwrap().split(',').next().unwrap();
    let decoded = file.replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n").replace("%25", "%");
    // An escape character in a name is spelled out.
    assert_eq!(decoded, hostile_file().replace('\u{1b}', "^["));
}

#[test]
fn markdown_stays_text() {
    let reports = reports(&folder(), &["--check", "."]);
    let markdown = &reports["markdown"];
    let mut headings = 0;
    let (mut text, mut is_code) = (String::new(), String::new());
    for event in Parser::new_ext(markdown, Options::all()) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => panic!("{html}"),
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => panic!("a link: {markdown}"),
            Event::Start(Tag::Heading { .. }) => headings += 1,
            Event::Text(part) => text.push_str(&part),
            Event::Code(part) => is_code.push_str(&part),
            _ => {}
        }
    }
    assert_eq!(headings, 3, "{markdown}");
    for call in ["@octocat", "#1", "https://", "http://", "www.evil"] {
        assert!(!text.contains(call), "{call}: {text}");
    }
    assert!(is_code.contains("<script>"));
    let findings = list(&json(&reports["json"])["findings"]).len();
    let rows = super::forms::rows(markdown);
    assert_eq!(rows.len(), findings);
    assert!(rows.iter().all(|row| row.len() == 6), "{rows:?}");
}

#[test]
fn xml_stays_xml() {
    let reports = reports(&folder(), &["--check", "."]);
    let mut reader = quick_xml::Reader::from_str(&reports["junit"]);
    let mut cases = 0;
    loop {
        use quick_xml::events::Event as Xml;
        match reader.read_event().unwrap() {
            Xml::Start(tag) | Xml::Empty(tag) => {
                let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                let known =
                    ["testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out"];
                assert!(known.contains(&name.as_str()), "{name}");
                cases += usize::from(name == "testcase");
            }
            Xml::Eof => break,
            _ => {}
        }
    }
    let report = json(&reports["json"]);
    assert_eq!(cases, list(&report["findings"]).len() + list(&report["problems"]).len());
}

#[test]
fn the_data_of_secrets_is_in_no_report() {
    let pod =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: r.io/a}]}\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    \
                  kubectl.kubernetes.io/last-applied-configuration: '{\"data\":{\"k\":\"HUSH1\"}}'\nstringData:\n  \
                  k: HUSH2\n  long: |\n    HUSH3\n    HUSH4 äö\ndata: {k: SFVTSDU=, \"q\": \"HUSH6\", n: &x HUSH7}\n";
    let folder = Folder::new();
    folder.write("a.yaml", format!("{secret}---\n{pod}---\n{secret}").as_bytes());
    folder.write(
        "list.yaml",
        format!(
            "apiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Secret, stringData: {{k: HUSH8}}}}\n- {}- {}",
            pod.replace('\n', "\n  ").trim_end_matches(' '),
            secret.replace('\n', "\n  ").trim_end()
        )
        .as_bytes(),
    );
    folder.write("broken.yaml", format!("{secret}---\n{pod}\t- x\n").as_bytes());
    folder.write("twice.yaml", format!("{secret}---\n{pod}spec: {{}}\n---\n{secret}").as_bytes());
    let reports = reports(&folder, &["--check", "."]);
    assert!(list(&json(&reports["json"])["findings"]).len() > 5);
    for (format, report) in &reports {
        for hidden in ["HUSH", "SFVTSDU="] {
            assert!(!report.contains(hidden), "{format}: {report}");
        }
    }
}

#[test]
fn a_secret_among_the_lines_of_a_fix_is_not_suggested() {
    // Both pods share an anchor's list, so that their fixes go together, with a Secret between them.
    let list_of = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n  spec: &s\n    \
                   containers: [{name: a, image: r.io/a}]\n- apiVersion: v1\n  kind: Secret\n  stringData: {k: HUSH}\n- \
                   apiVersion: v1\n  kind: Pod\n  metadata: {name: b}\n  spec: *s\n";
    let folder = Folder::with(&[("a.yaml", list_of)]);
    let reports = reports(&folder, &["--check", "."]);
    assert!(!reports.values().any(|report| report.contains("HUSH")));
    let findings = json(&reports["json"])["findings"].clone();
    assert!(list(&findings).iter().any(|finding: &Value| finding["state"] == "fixed"));
}
