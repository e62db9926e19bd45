//! One suite for every store of the lab: `sqlite::…` and `memory::…` run the same sentences.
//!
//! Adding a test: a function that takes a store, in `conformance/`, in the file of its subject, and its
//! name in the list below. One that is not listed is dead code, which the compiler says.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod bounds;
mod files;
mod flows;
mod keys;
mod merging;
mod report_keys;
mod world;

macro_rules! suite {
    ($($subject:ident { $($test:ident,)* })*) => {
        mod memory {
            use lab::store::Memory;

            $($(#[tokio::test]
            async fn $test() {
                crate::conformance::$subject::$test(&Memory::default()).await;
            })*)*
        }

        mod sqlite {
            use lab::store::Sqlite;

            $($(#[tokio::test]
            async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                let store = Sqlite::open(&folder.path().join("lab.db")).await.unwrap();
                crate::conformance::$subject::$test(&store).await;
                store.close().await;
            })*)*
        }
    };
}

suite! {
    flows {
        an_undisturbed_handoff_is_one_flow,
        a_step_of_no_known_handoff_is_a_flow_of_its_request,
        the_first_reason_stays_and_success_stays_beside_it,
        when_it_was_heard_of_says_nothing_of_how_a_handoff_ended,
        a_flow_and_its_events_are_of_one_moment,
        events_come_in_order_and_after_a_number,
        what_comes_together_is_kept_as_what_comes_one_by_one,
        whatever_was_sent_comes_back_as_it_is,
        the_list_has_the_newest_and_goes_on_from_one,
    }
    merging {
        what_turns_out_to_be_one_flow_becomes_one,
        two_handoffs_never_become_one,
        what_names_two_clients_is_never_of_one_flow,
        a_token_leads_to_its_handoff_whatever_state_comes_with_it,
        a_step_with_the_session_alone_joins_the_flow_that_gave_it,
        a_full_flow_takes_no_more_names_and_no_other_flow,
    }
    report_keys {
        a_client_has_one_key_which_is_replaced_and_revoked,
    }
    bounds {
        a_flow_keeps_so_many_events_and_what_the_others_say,
        an_event_that_is_too_long_is_kept_without_what_was_sent,
        a_flow_of_long_requests_keeps_its_steps_and_no_more_than_so_much,
        what_is_old_goes_and_then_the_oldest_of_too_many,
        what_strangers_send_pushes_out_nobodys_handoff,
        what_a_relying_party_says_makes_no_flow_a_persons,
    }
}

#[test]
fn only_ids_are_keys() {
    keys::only_ids_are_keys();
}

#[tokio::test]
async fn what_was_kept_is_there_after_the_file_was_opened_again() {
    files::what_was_kept_is_there_after_the_file_was_opened_again().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_left_out_of_its_flow() {
    files::an_event_that_cannot_be_read_is_left_out_of_its_flow().await;
}

#[tokio::test]
async fn a_flow_that_cannot_be_read_is_as_if_it_were_not_there() {
    files::a_flow_that_cannot_be_read_is_as_if_it_were_not_there().await;
}
