//! Every form by its schema or by another reader, and the same findings in all of them.

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;
use transforms::ALL;

use super::{holds, json, list, reports, schema, shop, text};

/// The transform, and the line, of each finding of each form.
fn told(format: &str, report: &str) -> Vec<(String, Option<usize>)> {
    let of = |id: &Value, line: &Value| (text(id).to_owned(), Some(super::number(line)));
    match format {
        "json" => list(&json(report)["findings"]).iter().map(|f| of(&f["id"], &f["line"])).collect(),
        "jsonl" => {
            let lines = report.lines().map(json).filter(|line| line["type"] == "finding");
            lines.map(|f| of(&f["id"], &f["line"])).collect()
        }
        "sarif" => {
            let report = json(report);
            let place =
                |result: &Value| result["locations"][0]["physicalLocation"]["region"]["startLine"].clone();
            list(&report["runs"][0]["results"]).iter().map(|f| of(&f["ruleId"], &place(f))).collect()
        }
        "gitlab" => {
            let report = json(report);
            let findings = list(&report).iter().filter(|issue| issue["check_name"] != "cce-fix");
            findings.map(|f| of(&f["check_name"], &f["location"]["lines"]["begin"])).collect()
        }
        "rdjson" => {
            let report = json(report);
            let findings = list(&report["diagnostics"]).iter().filter(|found| found["code"].is_object());
            findings.map(|found| (text(&found["code"]["value"]).to_owned(), None)).collect()
        }
        "concise" => {
            let findings = report.lines().filter(|line| !line.contains(": error: "));
            let told = findings.map(|line| {
                let (place, rest) = line.split_once(": ").unwrap();
                let id = rest.split(['[', ']']).nth(1).unwrap();
                (id.to_owned(), place.rsplit(':').nth(1).map(|line| line.parse().unwrap()))
            });
            told.collect()
        }
        "github" => {
            let findings = report.lines().filter(|line| !line.contains("title=cce-fix"));
            let told = findings.map(|line| {
                let part =
                    |name: &str| line.split(name).nth(1).unwrap().split([',', ':', ' ']).next().unwrap();
                (part("title=").to_owned(), Some(part("line=").parse().unwrap()))
            });
            told.collect()
        }
        "full" => {
            let ids = ALL.iter().map(|transform| format!("[{}]: ", transform.meta().id));
            let ids: Vec<String> = ids.collect();
            let heads = report.lines().filter_map(|line| ids.iter().find(|id| line.contains(*id)));
            heads.map(|id| (id[1..id.len() - 3].to_owned(), None)).collect()
        }
        "junit" => {
            cases(report).into_iter().map(|(id, _)| (id, None)).filter(|(id, _)| id != "problem").collect()
        }
        "markdown" => rows(report).into_iter().map(|row| (row[2].clone(), None)).collect(),
        other => panic!("{other}"),
    }
}

/// The transform of each test case, or `problem`, and what became of it.
fn cases(report: &str) -> Vec<(String, &'static str)> {
    use quick_xml::events::Event as Xml;

    let mut reader = quick_xml::Reader::from_str(report);
    let mut cases = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(tag) | Xml::Empty(tag) => match tag.name().as_ref() {
                b"testcase" => {
                    let is_finding = tag.try_get_attribute("classname").unwrap().is_some();
                    let name = tag.try_get_attribute("name").unwrap().unwrap();
                    let name = String::from_utf8(name.value.to_vec()).unwrap();
                    let id = name.split(": ").next().unwrap().to_owned();
                    cases.push((if is_finding { id } else { "problem".to_owned() }, "success"));
                }
                b"failure" => cases.last_mut().unwrap().1 = "failure",
                b"skipped" => cases.last_mut().unwrap().1 = "skipped",
                b"error" => cases.last_mut().unwrap().1 = "error",
                _ => {}
            },
            Xml::Eof => return cases,
            _ => {}
        }
    }
}

/// The cells of the table, as a reader of GitHub's Markdown finds them.
pub(super) fn rows(report: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut inside = false;
    for event in Parser::new_ext(report, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                inside = true;
                rows.last_mut().unwrap().push(String::new());
            }
            Event::End(pulldown_cmark::TagEnd::TableCell) => inside = false,
            Event::Text(text) | Event::Code(text) if inside => {
                rows.last_mut().unwrap().last_mut().unwrap().push_str(&text);
            }
            _ => {}
        }
    }
    rows.into_iter().skip(1).collect()
}

#[test]
fn every_form_tells_the_same_findings_in_the_same_order() {
    let folder = shop();
    for args in [&["--check", "."][..], &["--check", "--safe", "."], &["--diff", "."]] {
        let reports = reports(&folder, args);
        let expected = told("json", &reports["json"]);
        assert!(expected.len() > 50, "{expected:?}");
        for (format, report) in &reports {
            let told = told(format, report);
            let ids = |told: &[(String, Option<usize>)]| -> Vec<String> {
                told.iter().map(|(id, _)| id.clone()).collect()
            };
            assert_eq!(ids(&told), ids(&expected), "{format}");
            for (told, expected) in told.iter().zip(&expected) {
                assert!(told.1.is_none() || told.1 == expected.1, "{format}: {told:?} {expected:?}");
            }
        }
    }
}

#[test]
fn threads_change_nothing() {
    let folder = shop();
    let one = reports(&folder, &["--check", "-j1", "."]);
    for threads in ["-j2", "-j8"] {
        assert_eq!(reports(&folder, &["--check", threads, "."]), one);
    }
}

#[test]
fn json_holds_its_schema_and_counts() {
    let folder = shop();
    let (whole, line) = (schema("docs/report-v1.schema.json"), schema("docs/report-line-v1.schema.json"));
    for args in [&["--check", "."][..], &["--check", "--safe", "."]] {
        let reports = reports(&folder, args);
        let report = json(&reports["json"]);
        holds(&whole, &report);
        reports["jsonl"].lines().for_each(|text| holds(&line, &json(text)));
        let findings = list(&report["findings"]);
        let count = |what: fn(&Value) -> bool| Value::from(findings.iter().filter(|f| what(f)).count());
        let summary = &report["summary"];
        assert_eq!(summary["findings"], count(|_| true));
        assert_eq!(summary["fixed"], count(|finding| finding["state"] == "fixed"));
        assert_eq!(summary["left"], count(|finding| finding["state"] == "left"));
        assert_eq!(summary["review"], count(|finding| finding["level"] == "review"));
        assert_eq!(summary["heldBack"], count(|finding| finding["heldBack"] == true));
        assert_eq!(summary["problems"], Value::from(list(&report["problems"]).len()));
        assert_eq!(list(&report["problems"])[0]["file"], "broken.yaml");
        assert_eq!(summary["heldBack"] != 0, args.contains(&"--safe"));
        let lines: Vec<Value> = reports["jsonl"].lines().map(json).collect();
        assert_eq!(lines[0]["type"], "report");
        assert_eq!(lines[0]["summary"], *summary);
        assert_eq!(lines.len(), 1 + findings.len() + list(&report["problems"]).len());
    }
    // The schema is no rubber stamp.
    let wrong = serde_json::json!({ "schemaVersion": 1, "findings": [{ "id": 3 }] });
    assert!(!whole.is_valid(&wrong) && !line.is_valid(&wrong));
}

#[test]
fn review_findings_say_what_may_happen_and_the_way_back() {
    let reports = reports(&shop(), &["--check", "."]);
    let report = json(&reports["json"]);
    for finding in list(&report["findings"]) {
        let review = finding["level"] == "review";
        assert_eq!(finding["symptom"].is_string(), review, "{finding}");
        assert_eq!(finding["undo"].is_string(), review, "{finding}");
    }
    for words in ["Read-only file system", "OOMKilled", "CreateContainerConfigError", "Permission denied"] {
        for format in ["json", "sarif", "markdown", "full"] {
            assert!(reports[format].contains(words), "{format} lacks {words}");
        }
    }
}

#[test]
fn sarif_holds_the_schema_of_oasis() {
    let folder = shop();
    let schema = schema("tests/schemas/sarif-2.1.0.json");
    let report = json(&reports(&folder, &["--check", "."])["sarif"]);
    holds(&schema, &report);
    let run = &report["runs"][0];
    assert_eq!(list(&run["tool"]["driver"]["rules"]).len(), ALL.len());
    for result in list(&run["results"]) {
        let index = super::number(&result["ruleIndex"]);
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        assert_eq!(result["fixes"].is_array(), result["properties"]["state"] == "fixed", "{result}");
    }
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let mut wrong = report.clone();
    wrong["runs"][0]["results"][0]["level"] = "bad".into();
    assert!(!schema.is_valid(&wrong));
    let mut wrong = report;
    wrong["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0.into();
    assert!(!schema.is_valid(&wrong));
}

#[test]
fn gitlab_holds_its_schema_with_a_fingerprint_for_each() {
    let report = json(&reports(&shop(), &["--check", "."])["gitlab"]);
    let schema = schema("tests/schemas/gitlab-code-quality.json");
    holds(&schema, &report);
    let prints: std::collections::BTreeSet<&str> =
        list(&report).iter().map(|issue| text(&issue["fingerprint"])).collect();
    assert_eq!(prints.len(), list(&report).len());
    let mut wrong = report;
    wrong[0]["location"]["path"] = "./a.yaml".into();
    assert!(!schema.is_valid(&wrong));
}

#[test]
fn rdjson_holds_the_schema_of_reviewdog() {
    let report = json(&reports(&shop(), &["--check", "."])["rdjson"]);
    let schema = schema("tests/schemas/rdjson/DiagnosticResult.json");
    holds(&schema, &report);
    assert!(list(&report["diagnostics"]).iter().any(|found| found["suggestions"].is_array()));
    let mut wrong = report;
    wrong["diagnostics"][0]["location"]["path"] = 3.into();
    assert!(!schema.is_valid(&wrong));
}

#[test]
fn junit_fails_what_is_to_be_done() {
    let folder = shop();
    let findings = json(&reports(&folder, &["--check", "."])["json"])["findings"].clone();
    let report = reports(&folder, &["--check", "."])["junit"].clone();
    let mut cases = cases(&report).into_iter();
    for finding in list(&findings) {
        let (id, result) = cases.next().unwrap();
        assert_eq!(id, text(&finding["id"]));
        let failed = finding["state"] == "fixed" || finding["needsPerson"] == true;
        assert_eq!(result == "failure", failed, "{finding}");
    }
    assert!(cases.all(|case| case == ("problem".to_owned(), "error")));
    // Once it is written, nothing is left to fail but what a person has to do.
    let written = reports(&folder, &["."]);
    let failures =
        super::forms::cases(&written["junit"]).iter().filter(|(_, result)| *result == "failure").count();
    assert_eq!(Value::from(failures), json(&written["json"])["summary"]["needsPerson"]);
}
