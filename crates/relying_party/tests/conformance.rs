//! One suite for every store of the relying party: `sqlite::…` and `memory::…` run the same sentences.
//!
//! Adding a test: a function that takes a store, in `conformance/`, in the file of its noun, and its
//! name in the list below. One that is not listed is dead code, which the compiler says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

mod clock;
mod files;
mod handoffs;
mod items;
mod maintenance;
mod races;
mod sessions;
mod waiting;
mod world;

macro_rules! suite {
    ($($subject:ident { $($name:ident,)* })*; races { $($race:ident,)* }) => {
        mod sqlite {
            use std::sync::Arc;

            use relying_party::store::Sqlite;

            $($(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let store = Sqlite::open(&folder.path().join("notes.db")).await.unwrap();
                crate::conformance::$subject::$name(&store).await;
                store.close().await;
            })*)*

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $race() {
                let folder = tempfile::tempdir().unwrap();
                let store = Sqlite::open(&folder.path().join("notes.db")).await.unwrap();
                crate::conformance::races::$race(Arc::new(store.clone())).await;
                store.close().await;
            })*
        }

        mod memory {
            use std::sync::Arc;

            use relying_party::store::Memory;

            $($(#[tokio::test]
            async fn $name() {
                crate::conformance::$subject::$name(&Memory::default()).await;
            })*)*

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $race() {
                crate::conformance::races::$race(Arc::new(Memory::default())).await;
            })*
        }
    };
}

suite! {
    handoffs {
        row_20_a_started_handoff_is_taken_once_with_all_that_it_holds,
        row_20_another_browser_takes_nothing_and_uses_nothing_up,
        row_20_a_started_handoff_dies_after_five_minutes,
        a_browser_has_so_many_handoffs_under_way_and_the_oldest_goes,
        a_handoff_that_is_too_late_gives_its_target_once,
        row_81_what_a_sign_out_cancels_still_knows_where_it_led,
        row_17_a_browser_has_a_handoff_under_way_until_it_is_finished_or_expires,
        a_pre_session_stays_while_another_tab_is_under_way,
        a_handoff_that_is_finishing_is_swept_when_its_time_is_over,
    }
    sessions {
        row_62_a_session_reads_back_until_it_expires,
        sessions_are_counted_while_they_are_alive,
        a_session_id_is_used_once,
        row_23_a_session_that_is_replaced_ends_and_gives_its_tokens_back,
        an_ended_session_is_gone_and_gives_its_tokens_once,
        one_caller_in_each_interval_asks_about_a_session,
        a_session_ends_whatever_was_born_of_the_same_pre_session,
        row_24_a_sibling_of_another_person_is_asked_first,
        a_session_begins_from_a_handoff_that_came_back_once,
        row_81_a_sign_out_ends_all_that_this_browser_has_and_has_under_way,
    }
    waiting {
        a_session_that_waits_is_taken_once,
        the_last_one_waits_and_the_one_before_gives_its_token_back,
        nothing_waits_for_a_session_that_has_ended,
        a_session_that_waited_too_long_is_not_found_but_taken,
        a_session_is_abandoned_when_its_wait_is_over_and_not_before,
        a_session_is_abandoned_when_it_or_the_current_one_expires,
        the_answer_yes_begins_what_waited_once,
    }
    clock {
        what_is_refused_for_its_age_stays_refused_when_the_clock_is_put_back,
        a_session_is_asked_about_again_when_the_clock_is_put_back,
    }
    items {
        an_item_is_added_once,
        items_are_listed_newest_first_and_what_is_done_after_what_is_not,
        an_item_says_what_it_was_changed_to_and_when,
        what_is_deleted_is_gone_until_it_is_brought_back,
        what_was_brought_back_counts_as_just_restored_for_a_minute,
        a_page_has_fifty_items_and_the_last_page_the_rest,
        what_is_brought_back_too_late_stays_gone,
        what_is_deleted_is_swept_when_it_cannot_be_brought_back,
        nobody_reaches_the_items_of_another,
        a_person_has_a_thousand_items_at_most_deleted_ones_among_them,
    }
    maintenance {
        a_record_reads_back_until_it_expires_or_is_removed,
        a_sweep_takes_what_has_expired_and_nothing_else,
        of_the_targets_remembered_the_newest_stay,
    }
    ;
    races {
        row_81_race_of_sign_out_against_h6_leaves_no_session,
        row_23_race_of_handoffs_of_one_browser_leaves_one_session,
        row_20_race_32_callers_take_one_started_handoff_and_one_wins,
    }
}

#[tokio::test]
async fn what_was_kept_as_notes_or_tasks_is_kept_as_items() {
    files::what_was_kept_as_notes_or_tasks_is_kept_as_items().await;
}

#[tokio::test]
async fn row_17_a_callback_that_was_not_started_here_waits_for_no_writer() {
    files::row_17_a_callback_that_was_not_started_here_waits_for_no_writer().await;
}
