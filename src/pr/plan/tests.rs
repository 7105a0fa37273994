//! Every row of the decision table, and what no row may lead to.

use super::*;

fn wanted() -> Wanted {
    Wanted {
        fingerprint: "fixes".to_owned(),
        commit: "commit".to_owned(),
        text: "text".to_owned(),
        remarks: Vec::new(),
    }
}

fn marker() -> Marker {
    Marker {
        fingerprint: "fixes".to_owned(),
        base: "main".to_owned(),
        text: "text".to_owned(),
        is_labelled: true,
        is_closing: false,
        remarks: Vec::new(),
    }
}

fn open() -> Open {
    Open { marker: Some(marker()), has_our_base: true, is_stopped: false }
}

fn ours(commit: &str) -> Branch {
    Branch::Ours(commit.to_owned())
}

/// Fixes, no branch, no request, nothing in the way.
fn first_run() -> Situation {
    Situation {
        wanted: Some(wanted()),
        branch: Branch::Absent,
        open: None,
        is_declined: false,
        has_room: true,
        recreate: false,
    }
}

/// Fixes in an open request that is as it should be.
fn second_run() -> Situation {
    Situation { branch: ours("commit"), open: Some(open()), ..first_run() }
}

fn nothing_to_fix(situation: Situation) -> Situation {
    Situation { wanted: None, ..situation }
}

#[track_caller]
fn is(situation: &Situation, expected: Decision) {
    assert_eq!(decide(situation), expected, "{situation:?}");
}

#[test]
fn nothing_to_fix_any_more_closes_our_request() {
    is(&nothing_to_fix(second_run()), Decision::Close);
    is(&nothing_to_fix(Situation { branch: ours("older"), ..second_run() }), Decision::Close);
    // Ended between deleting the branch and closing, or the branch was deleted by a person.
    is(&nothing_to_fix(Situation { branch: Branch::Absent, ..second_run() }), Decision::Close);
    // Ended between noting that it is being closed and closing it.
    let closing = Open { marker: Some(Marker { is_closing: true, ..marker() }), ..open() };
    is(&nothing_to_fix(Situation { open: Some(closing), ..second_run() }), Decision::Close);
}

#[test]
fn nothing_to_fix_any_more_leaves_a_branch_with_work_of_others() {
    let situation = nothing_to_fix(Situation { branch: Branch::Foreign, ..second_run() });
    is(&situation, Decision::Say(Comment::NotNeeded));
}

#[test]
fn nothing_to_fix_and_no_request_tidies_up_our_branch_alone() {
    is(&nothing_to_fix(first_run()), Decision::Leave(Why::NothingToFix));
    is(&nothing_to_fix(Situation { branch: ours("older"), ..first_run() }), Decision::DeleteBranch);
    let foreign = Situation { branch: Branch::Foreign, ..first_run() };
    is(&nothing_to_fix(foreign), Decision::Leave(Why::NothingToFix));
}

#[test]
fn what_a_person_declined_is_not_asked_again() {
    for branch in [Branch::Absent, ours("commit"), ours("older"), Branch::Foreign] {
        let declined = Situation { branch, is_declined: true, ..first_run() };
        is(&declined, Decision::Leave(Why::Declined));
    }
    is(&Situation { is_declined: true, recreate: true, ..first_run() }, Decision::Open);
}

#[test]
fn new_fixes_open_a_request() {
    is(&first_run(), Decision::Open);
    // Ended between pushing and opening.
    is(&Situation { branch: ours("commit"), ..first_run() }, Decision::Open);
    is(&Situation { branch: ours("older"), ..first_run() }, Decision::Open);
}

#[test]
fn the_limit_counts_for_new_requests_alone() {
    is(&Situation { has_room: false, ..first_run() }, Decision::Leave(Why::Limit));
    is(&Situation { has_room: false, ..second_run() }, Decision::Leave(Why::UpToDate));
    let older = Situation { has_room: false, branch: ours("older"), ..second_run() };
    is(&older, Decision::Update { push: true, text: false, label: false, remark: false });
}

#[test]
fn a_branch_of_the_same_name_is_not_overwritten() {
    is(&Situation { branch: Branch::Foreign, ..first_run() }, Decision::Leave(Why::BranchTaken));
    is(
        &Situation { branch: Branch::Foreign, recreate: true, ..first_run() },
        Decision::Leave(Why::BranchTaken),
    );
}

#[test]
fn an_open_request_gets_what_it_lacks() {
    is(&second_run(), Decision::Leave(Why::UpToDate));
    let with = |branch: Branch, marker: Marker| Situation {
        branch,
        open: Some(Open { marker: Some(marker), ..open() }),
        ..first_run()
    };
    let other = || "other".to_owned();
    for (branch, marker, push, text, label) in [
        (ours("older"), marker(), true, false, false),
        (Branch::Absent, marker(), true, false, false),
        (ours("commit"), Marker { text: other(), ..marker() }, false, true, false),
        (ours("commit"), Marker { fingerprint: other(), ..marker() }, false, true, false),
        (ours("commit"), Marker { is_closing: true, ..marker() }, false, true, false),
        (ours("commit"), Marker { is_labelled: false, ..marker() }, false, false, true),
        (ours("older"), Marker { text: other(), is_labelled: false, ..marker() }, true, true, true),
    ] {
        is(&with(branch, marker), Decision::Update { push, text, label, remark: false });
    }
    // A remark on a line that was made is not made again, whoever took it away.
    let wanted = |keys: &[&str]| {
        Some(Wanted { remarks: keys.iter().map(|key| (*key).to_owned()).collect(), ..wanted() })
    };
    let said = with(ours("commit"), Marker { remarks: vec!["a".to_owned(), "b".to_owned()], ..marker() });
    is(&Situation { wanted: wanted(&["b"]), ..said.clone() }, Decision::Leave(Why::UpToDate));
    let more = Situation { wanted: wanted(&["b", "c"]), ..said };
    is(&more, Decision::Update { push: false, text: false, label: false, remark: true });
    // Whether a request for the same fixes was closed before does not matter to one that is open.
    is(&Situation { is_declined: true, ..second_run() }, Decision::Leave(Why::UpToDate));
}

#[test]
fn an_open_request_with_work_of_others_gets_a_comment_alone() {
    let older = Some(Open { marker: Some(Marker { text: "other".to_owned(), ..marker() }), ..open() });
    for open in [Some(open()), older] {
        let situation = Situation { branch: Branch::Foreign, open, ..first_run() };
        is(&situation, Decision::Say(Comment::Stale));
    }
}

#[test]
fn a_request_that_a_person_took_over_is_left() {
    let label = Open { is_stopped: true, ..open() };
    let base = Open { has_our_base: false, ..open() };
    let body = Open { marker: None, ..open() };
    for (open, why) in [(label, Why::Stopped), (base, Why::Retargeted), (body, Why::Unmarked)] {
        for branch in [Branch::Absent, ours("commit"), ours("older"), Branch::Foreign] {
            let situation = Situation { branch, open: Some(open.clone()), ..first_run() };
            is(&situation, Decision::Leave(why));
            is(&nothing_to_fix(situation), Decision::Leave(why));
        }
    }
}

/// All situations there are.
fn all() -> impl Iterator<Item = Situation> {
    let truths = [false, true];
    let mut opens = vec![None];
    for bits in 0..32_u8 {
        let is = |bit: u8| bits & (1 << bit) != 0;
        let text = if is(0) { "text" } else { "other" }.to_owned();
        let written = Marker { text, is_labelled: is(1), is_closing: is(2), ..marker() };
        opens.push(Some(Open { marker: Some(written), has_our_base: is(3), is_stopped: is(4) }));
    }
    opens.push(Some(Open { marker: None, ..open() }));
    let branches = [Branch::Absent, ours("commit"), ours("older"), Branch::Foreign];
    let mut all = Vec::new();
    for wanted in [None, Some(wanted())] {
        for branch in &branches {
            for open in &opens {
                for bits in 0..8_usize {
                    all.push(Situation {
                        wanted: wanted.clone(),
                        branch: branch.clone(),
                        open: open.clone(),
                        is_declined: truths[bits & 1],
                        has_room: truths[bits >> 1 & 1],
                        recreate: truths[bits >> 2 & 1],
                    });
                }
            }
        }
    }
    all.into_iter()
}

/// What is so after a decision was carried out.
fn after(situation: &Situation) -> Situation {
    let mut next = situation.clone();
    let commit = situation.wanted.as_ref().map(|wanted| Branch::Ours(wanted.commit.clone()));
    match decide(situation) {
        Decision::Leave(_) | Decision::Say(_) => {}
        Decision::Open => {
            next.branch = commit.unwrap();
            next.open = Some(open());
        }
        Decision::Update { .. } => {
            next.branch = commit.unwrap();
            next.open.as_mut().unwrap().marker = Some(marker());
        }
        Decision::Close => {
            next.branch = Branch::Absent;
            next.open = None;
        }
        Decision::DeleteBranch => next.branch = Branch::Absent,
    }
    next
}

#[test]
fn the_second_run_changes_nothing() {
    for situation in all() {
        let settled = after(&situation);
        // A comment is made once, which is seen on the forge.
        assert!(matches!(decide(&settled), Decision::Leave(_) | Decision::Say(_)), "{situation:?}");
        assert_eq!(after(&settled), settled, "{situation:?}");
    }
}

#[test]
fn what_others_did_is_never_undone() {
    let mut seen = 0;
    for situation in all() {
        let decision = decide(&situation);
        seen += 1;
        if situation.branch == Branch::Foreign {
            assert!(matches!(decision, Decision::Leave(_) | Decision::Say(_)), "{situation:?}");
        }
        if situation.open.as_ref().is_some_and(|open| open.is_stopped) {
            assert_eq!(decision, Decision::Leave(Why::Stopped), "{situation:?}");
        }
        if decision == Decision::Open {
            assert!(
                situation.open.is_none() && (!situation.is_declined || situation.recreate),
                "{situation:?}"
            );
        }
        if let Decision::Update { push, text, label, remark } = decision {
            assert!(push || text || label || remark, "{situation:?}");
        }
    }
    assert_eq!(seen, 2 * 4 * 34 * 8);
}
