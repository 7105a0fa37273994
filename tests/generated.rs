//! The laws on generated manifests: every layout and every combination that real ones do not happen to have.

use cce_fix::reread;
use proptest::prelude::*;
use rewriter::{Edit, Stream};
use transforms::{ALL, Outcome, Settings, State};

use crate::common::{examine, findings, fixed, only};
use crate::generate;

fn settings(safe: bool) -> Settings {
    Settings { safe, ..Settings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_manifest_is_handled_and_a_second_run_changes_nothing(seed: u64, safe: bool) {
        let settings = settings(safe);
        let text = generate::manifest(seed);
        let once = examine(&settings, &text);
        prop_assert_eq!(&once.problems, &[], "{}", text);
        let Some(new) = once.text else { return Ok(()) };
        let again = examine(&settings, &new);
        prop_assert_eq!(&again.text, &None, "\n{}", new);
        prop_assert!(again.problems.is_empty());
    }

    /// Byte for byte, because a generated manifest indents all its lists in one way. Only a comment in front of a
    /// key that goes may come to stand before or behind what is new there: nothing says whose it is then.
    #[test]
    fn one_by_one_is_all_at_once(seed: u64, safe: bool) {
        let text = generate::manifest(seed);
        let examined = examine(&settings(safe), &text);
        let mut edits = examined.plans.iter().flat_map(|(_, plan)| plan.edits());
        let removes = edits.any(|edit| matches!(edit, Edit::Remove { .. }));
        let at_once = examined.text.unwrap_or_else(|| text.clone());
        let mut one_by_one = text;
        for transform in ALL {
            let alone = Settings { safe, ..only(&[transform.meta().id]) };
            one_by_one = fixed(&alone, &one_by_one);
            prop_assert_eq!(fixed(&alone, &at_once), &*at_once, "{} has something to add", transform.meta().id);
        }
        if removes {
            prop_assert_eq!(without_comment_lines(&one_by_one), without_comment_lines(&at_once));
        } else {
            prop_assert_eq!(one_by_one, at_once);
        }
    }

    #[test]
    fn the_data_differ_as_declared_and_in_no_other_way(seed: u64) {
        let text = generate::stream(seed, 3);
        let examined = examine(&settings(false), &text);
        prop_assert_eq!(&examined.problems, &[], "{}", text);
        let Some(new) = &examined.text else { return Ok(()) };
        let (old, new) = (Stream::scan(&text).unwrap(), Stream::scan(new).unwrap());
        for (old, new) in old.documents().zip(new.documents()) {
            let plan = examined.plans.iter().find(|(index, _)| *index == old.index());
            let edits: Vec<_> = plan.into_iter().flat_map(|(_, plan)| plan.edits().cloned()).collect();
            prop_assert!(reread::check(old.text(), new.text(), &edits).is_ok());
            // A judge that always agrees would show here.
            if let Some((_, fewer)) = edits.split_first() {
                prop_assert!(reread::check(old.text(), new.text(), fewer).is_err(), "{:?}", edits);
            }
        }
    }

    #[test]
    fn documents_are_independent(seed: u64) {
        let settings = settings(false);
        let parts: Vec<String> = (0..3).map(|number| generate::stream(seed.wrapping_add(number), 1)).collect();
        let alone: Vec<String> = parts.iter().map(|part| fixed(&settings, part)).collect();
        prop_assert_eq!(fixed(&settings, &parts.join("---\n")), alone.join("---\n"));
    }

    #[test]
    fn line_ends_and_marks_survive(seed: u64) {
        let settings = settings(false);
        let text = generate::stream(seed, 1);
        let new = fixed(&settings, &text);
        prop_assert_eq!(fixed(&settings, &text.replace('\n', "\r\n")), new.replace('\n', "\r\n"));
        prop_assert_eq!(fixed(&settings, &format!("\u{feff}{text}")), format!("\u{feff}{new}"));
    }

    #[test]
    fn a_comment_between_two_lines_changes_nothing_else(seed: u64, place: prop::sample::Index) {
        let settings = settings(false);
        let text = generate::stream(seed, 1);
        if text.contains(": |") || text.contains("- |") {
            // Inside a block text it would be text.
            return Ok(());
        }
        let mut lines: Vec<&str> = text.lines().collect();
        let at = place.index(lines.len());
        lines.insert(at, "# inserted");
        let commented = lines.join("\n") + "\n";
        let new = fixed(&settings, &commented);
        let without: Vec<&str> = new.lines().filter(|line| *line != "# inserted").collect();
        let plain = fixed(&settings, &text);
        prop_assert_eq!(new.lines().count(), without.len() + 1, "the comment is gone");
        prop_assert_eq!(without, plain.lines().collect::<Vec<_>>());
    }

    #[test]
    fn safe_fixes_are_a_part_of_all_fixes(seed: u64) {
        let text = generate::manifest(seed);
        let safe = examine(&settings(true), &text);
        for judged in findings(&safe) {
            if let (State::Fixed, Outcome::Fix(fix)) = (&judged.state, &judged.finding.outcome) {
                prop_assert_eq!(fix.level, transforms::Level::Safe);
            }
        }
    }

    #[test]
    fn json_stays_json(seed: u64) {
        let text = generate::json_list(seed, 4);
        let examined = examine(&settings(false), &text);
        prop_assert_eq!(&examined.problems, &[], "{}", text);
        let new = examined.text.unwrap_or(text);
        prop_assert!(!new.contains('\n'));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&new).is_ok(), "{}", new);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(apiVersion: v1\n)?(kind: Pod\n)?(spec:\n)?[ -~\n\t\r\\[\\]{}:,&*#|>'\"?-]{0,200}") {
        let examined = examine(&settings(false), &text);
        prop_assert!(examined.text.is_none() || examined.problems.is_empty());
    }
}

/// The lines of content in their order, and those that are comments.
fn without_comment_lines(text: &str) -> (Vec<&str>, Vec<&str>) {
    let is_comment = |line: &&str| line.trim_start().starts_with('#');
    let (mut comments, content): (Vec<_>, Vec<_>) = text.lines().partition(is_comment);
    comments.sort_unstable();
    (content, comments)
}
