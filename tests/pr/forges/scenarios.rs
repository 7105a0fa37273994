//! The rows of the decision table on the other forges.

use super::server::Personality;
use super::{CODEARTS, GITCODE, GITHUB, GITLAB};
use crate::pr::scenarios::{self, PERSONALITY};

/// Runs a scenario on a forge.
fn on(personality: &'static Personality, scenario: fn()) {
    PERSONALITY.set(personality);
    scenario();
}

macro_rules! on_each {
    ($($forge:ident $personality:expr),*; $scenarios:tt) => { $( on_each!(@ $forge $personality; $scenarios); )* };
    (@ $forge:ident $personality:expr; [$($scenario:ident),* $(,)?]) => {
        mod $forge {
            $(
                #[test]
                fn $scenario() {
                    super::on($personality, super::scenarios::$scenario);
                }
            )*
        }
    };
}

on_each! {
    github &super::GITHUB, gitlab &super::GITLAB, gitcode &super::GITCODE, codearts &super::CODEARTS;
    [
        the_first_run_opens_and_the_second_changes_nothing,
        a_dry_run_touches_nothing,
        a_base_that_moved_gets_the_request_brought_up_to_date,
        what_is_merged_is_closed_and_tidied_up,
        what_a_person_closed_stays_closed,
        commits_of_others_are_never_pushed_over,
        what_people_did_to_a_request_stays,
        the_limit_holds,
        bare_pods_have_a_request_of_their_own,
    ]
}
