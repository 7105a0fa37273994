//! What is to be done about one group of fixes: the decision table, as a function of what is so.

use super::marker::Marker;

/// What is so, in the repository and on the forge, about one group of fixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situation {
    /// What the request should be; none where there is nothing to fix.
    pub wanted: Option<Wanted>,
    /// The group's branch on the remote.
    pub branch: Branch,
    /// The open request of the branch.
    pub open: Option<Open>,
    /// Whether a person closed a request for these very fixes.
    pub is_declined: bool,
    /// Whether the limit allows for one more open request.
    pub has_room: bool,
    /// Whether requests that were closed are made once more (`--recreate`).
    pub recreate: bool,
}

/// What a request should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Stands for the fixes.
    pub fingerprint: String,
    /// The id of the commit with the fixes.
    pub commit: String,
    /// Stands for title and body.
    pub text: String,
    /// The keys of the remarks on lines, where they are asked for.
    pub remarks: Vec<String>,
}

/// A branch on the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Branch {
    /// There is none of that name.
    Absent,
    /// It ends in this commit, which is ours, on top of the base.
    Ours(String),
    /// It holds what somebody else committed.
    Foreign,
}

/// An open request of the branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// What its body says that it was made for; none where a person wrote the body anew.
    pub marker: Option<Marker>,
    /// Whether it asks to be merged into the base that it was made for.
    pub has_our_base: bool,
    /// Whether it has the label that stops us.
    pub is_stopped: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing, and why.
    Leave(Why),
    /// The branch is pushed and a request opened.
    Open,
    /// The open request is brought up to date, in at least one respect.
    Update {
        /// The branch is pushed.
        push: bool,
        /// Title and body are written.
        text: bool,
        /// The labels are set, which was not done when it was opened.
        label: bool,
        /// Remarks are made on lines.
        remark: bool,
    },
    /// The request is closed with a comment, and its branch deleted.
    Close,
    /// A comment is made, unless it was before.
    Say(Comment),
    /// The branch is deleted that no request needs any more.
    DeleteBranch,
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is nothing to fix and nothing to tidy up.
    NothingToFix,
    /// The request is as it should be.
    UpToDate,
    /// A person asked for it by the label.
    Stopped,
    /// A person closed the request for these fixes.
    Declined,
    /// There are as many open requests as may be.
    Limit,
    /// Somebody else's commits are in the branch, and there is no request.
    BranchTaken,
    /// A person gave the request another base.
    Retargeted,
    /// A person wrote the body of the request anew.
    Unmarked,
}

/// What is said in a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comment {
    /// The request is not brought up to date, because of commits that are not ours.
    Stale,
    /// The base needs none of the fixes any more, but the branch holds commits that are not ours.
    NotNeeded,
}

/// The decision table.
pub fn decide(situation: &Situation) -> Decision {
    let Situation { wanted, branch, open, is_declined, has_room, recreate } = situation;
    let open = match open {
        Some(open) if open.is_stopped => return Decision::Leave(Why::Stopped),
        Some(open) if !open.has_our_base => return Decision::Leave(Why::Retargeted),
        Some(Open { marker: None, .. }) => return Decision::Leave(Why::Unmarked),
        Some(Open { marker: Some(marker), .. }) => Some(marker),
        None => None,
    };
    match (wanted, open, branch) {
        (None, Some(_), Branch::Foreign) => Decision::Say(Comment::NotNeeded),
        (None, Some(_), Branch::Ours(_) | Branch::Absent) => Decision::Close,
        (None, None, Branch::Ours(_)) => Decision::DeleteBranch,
        (None, None, Branch::Foreign | Branch::Absent) => Decision::Leave(Why::NothingToFix),
        (Some(_), Some(_), Branch::Foreign) => Decision::Say(Comment::Stale),
        (Some(wanted), Some(marker), branch) => update(wanted, marker, branch),
        (Some(_), None, _) if *is_declined && !recreate => Decision::Leave(Why::Declined),
        (Some(_), None, Branch::Foreign) => Decision::Leave(Why::BranchTaken),
        (Some(_), None, _) if !has_room => Decision::Leave(Why::Limit),
        (Some(_), None, _) => Decision::Open,
    }
}

/// What an open request of ours lacks.
fn update(wanted: &Wanted, marker: &Marker, branch: &Branch) -> Decision {
    let push = *branch != Branch::Ours(wanted.commit.clone());
    // A request that was about to be closed as not needed has to say again what it is for.
    let text = marker.text != wanted.text || marker.fingerprint != wanted.fingerprint || marker.is_closing;
    let label = !marker.is_labelled;
    let remark = wanted.remarks.iter().any(|key| !marker.remarks.contains(key));
    if push || text || label || remark {
        Decision::Update { push, text, label, remark }
    } else {
        Decision::Leave(Why::UpToDate)
    }
}

#[cfg(test)]
mod tests;
