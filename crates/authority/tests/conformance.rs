//! One suite for every store of the authorization server: `sqlite::…` and `memory::…` run the same
//! sentences, and a store that is added gets them all by one more line at the end of this file.
//!
//! Start with `conformance/world.rs`, which opens a store with two people and two clients in it.
//! Adding a test: a function that takes a [`World`](world::World), in the file of its
//! subject, and its name in the list below. One that is not listed is dead code, which clippy says.
//!
//! Time moves by hand: each verb is given its `now`. Rows of the security checklist: 2, 3, 4, 5,
//! 6, 7, 19, 24, 56, 62, 69, 79, 80.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failure in the set-up of a test is a failure of the test"
)]

pub(crate) mod accounts;
pub(crate) mod attempts;
pub(crate) mod client_sessions;
pub(crate) mod clients;
pub(crate) mod clock;
pub(crate) mod files;
pub(crate) mod issuing;
pub(crate) mod races;
pub(crate) mod recent;
pub(crate) mod records;
pub(crate) mod redeeming;
pub(crate) mod rule;
pub(crate) mod sign_ins;
pub(crate) mod sweeping;
pub(crate) mod world;

macro_rules! run {
    ($fixture:ty: $($subject:ident { $($test:ident,)* })*) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $test() {
            let world = World::open(<$fixture>::create().await).await;
            crate::conformance::$subject::$test(world).await;
        }
    )*)*};
}

macro_rules! conformance {
    ($store:ident, $fixture:ident $(, also { $($also:item)* })?) => {
        mod $store {
            use super::world::{$fixture, Fixture, World};

            run! { $fixture:
                accounts {
                    the_store_answers,
                    a_new_person_is_found_by_address,
                    a_taken_address_changes_nothing,
                    a_stronger_hash_replaces_that_persons_only,
                    a_hash_that_was_replaced_meanwhile_does_not_come_back,
                    a_disabled_person_may_not_sign_in_and_nobody_else_is_touched,
                    an_unknown_person_is_not_disabled,
                    people_are_listed_by_address_with_what_became_of_them,
                    a_new_password_replaces_that_persons_only,
                    an_unknown_person_gets_no_password,
                }
                attempts {
                    row_64_free_attempts_wait_for_nothing_and_then_each_waits_longer,
                    row_64_attempts_are_forgotten,
                    row_64_an_attempt_counts_little_until_it_is_known_to_be_wrong,
                    row_64_a_right_password_takes_back_what_its_rule_says,
                    row_64_an_attempt_that_one_counter_refuses_is_counted_by_none,
                    row_17_a_clock_that_goes_back_locks_nobody_out,
                    row_17_a_browser_is_known_for_the_people_who_signed_in_with_it,
                    row_17_a_browser_that_changes_its_name_is_known_for_everybody,
                    row_17_of_too_many_browsers_of_a_person_the_oldest_goes,
                    row_17_what_was_counted_is_swept,
                }
                clients {
                    a_client_reads_back_as_it_was_registered,
                    row_69_only_a_public_client_makes_its_origin_public,
                    an_unknown_client_is_not_found,
                    a_client_is_replaced_whole,
                    replacing_a_client_leaves_its_tokens_and_sessions_alone,
                    a_person_sees_the_clients_assigned_to_them_by_name,
                    a_client_is_added_once,
                    clients_are_listed_by_id,
                    an_installed_client_keeps_who_may_use_it,
                    a_new_secret_replaces_that_clients_only,
                    a_public_or_unknown_client_gets_no_secret,
                    row_79_an_assignment_is_replaced_and_no_other_is_touched,
                    row_79_whoever_may_no_longer_use_a_client_has_no_session_there,
                    an_unknown_client_is_not_assigned,
                    what_was_held_against_an_older_record_is_refused_and_uses_nothing_up,
                }
                sign_ins {
                    a_sign_in_is_found_as_it_began,
                    an_unknown_sign_in_is_not_found,
                    a_sign_in_knows_when_the_person_signed_in_before,
                    a_sign_in_that_did_not_begin_is_none_before,
                    a_sign_in_that_is_asked_for_lives_on,
                    a_touch_is_kept_in_steps_of_thirty_seconds,
                    a_sign_in_with_a_short_idle_time_lives_on_too,
                    row_62_a_sign_in_that_nobody_asks_for_ends,
                    sign_ins_are_counted_while_they_are_alive,
                    a_sign_in_that_ended_for_idleness_is_not_revived,
                    row_62_a_sign_in_ends_at_its_absolute_end_however_busy,
                    a_sign_in_that_was_ended_stays_ended_and_no_other_ends,
                    row_56_ending_a_sign_in_ends_all_that_hangs_on_it,
                    a_sign_in_that_replaces_another_ends_it_with_all_that_hangs_on_it,
                    disabling_a_person_ends_all_their_sign_ins_and_no_others,
                    a_new_password_ends_all_their_sign_ins_and_no_others,
                    a_password_that_was_changed_meanwhile_begins_no_sign_in,
                    a_person_who_was_disabled_meanwhile_begins_no_sign_in,
                    row_62_a_person_sees_their_living_sign_ins_and_what_each_gave,
                    row_62_a_session_that_has_expired_is_not_listed,
                    row_62_a_person_ends_a_sign_in_of_theirs_with_all_that_hangs_on_it,
                    row_62_a_person_ends_all_other_sign_ins_of_theirs,
                    row_62_a_person_ends_all_sign_ins_of_theirs,
                    row_62_nobody_ends_what_is_another_persons_or_unknown_or_over,
                    row_62_a_person_ends_a_clients_session_of_theirs_and_no_more,
                }
                issuing {
                    a_launch_ticket_is_good_for_one_handoff,
                    a_launch_ticket_lives_sixty_seconds,
                    a_launch_ticket_of_another_sign_in_asks_and_stays_unused,
                    a_launch_ticket_of_another_client_asks_and_stays_unused,
                    without_a_ticket_that_is_known_the_person_is_asked,
                    a_sign_in_made_for_the_request_counts_once,
                    a_sign_in_made_for_another_request_asks_and_still_counts_for_its_own,
                    a_good_ticket_spares_the_sign_in_made_for_the_request,
                    asking_stores_nothing,
                    row_79_a_person_who_is_not_assigned_gets_nothing_and_the_ticket_stays_unused,
                    an_unknown_client_gets_nothing,
                    a_sign_in_that_is_not_alive_gets_nothing,
                    a_confirmed_handoff_needs_no_ticket_and_uses_none_up,
                    several_handoffs_of_one_sign_in_stand_side_by_side,
                }
                redeeming {
                    the_right_client_gets_a_session,
                    row_6_each_single_thing_wrong_is_refused_for_what_it_is,
                    row_5_a_wrong_binding_burns_the_token,
                    row_5_a_wrong_binding_of_a_public_client_burns_nothing,
                    row_5_a_state_that_alone_differs_is_told_to_the_older_sdk_and_burns_nothing,
                    rows_56_and_79_what_is_no_longer_true_burns_the_token,
                    a_disabled_person_is_refused_for_being_gone_where_the_sign_in_does_not_count,
                    row_5_another_clients_attempt_burns_nothing,
                    another_token_is_not_touched,
                    row_2_a_token_lives_for_its_lifetime_and_no_longer,
                    a_row_without_a_challenge_may_go_without_a_redirect_uri,
                    row_4_a_replay_with_everything_right_ends_the_first_session,
                    row_4_a_replay_is_recognised_after_the_lifetime_of_the_token,
                    row_4_a_used_token_with_anything_wrong_ends_nothing,
                    row_19_a_session_ends_after_an_hour_or_with_its_sign_in,
                    without_a_defence_only_its_own_refusal_is_gone,
                    a_second_use_that_a_weak_policy_refuses_does_not_hide_the_first,
                }
                recent {
                    a_handoff_is_remembered_with_what_came_of_it,
                    what_is_refused_is_remembered_for_what_it_was,
                    what_others_try_changes_nothing_that_is_remembered,
                    a_handoff_that_nobody_comes_for_is_told_as_not_answered,
                    a_decline_is_remembered_for_that_person_only,
                    of_the_clients_that_a_person_may_not_use_the_last_is_remembered,
                    of_too_many_handoffs_the_oldest_is_forgotten,
                    a_handoff_is_remembered_for_thirty_days_and_then_swept,
                    a_new_client_record_shows_in_what_is_remembered,
                }
                client_sessions {
                    a_session_is_found_by_its_access_token,
                    an_unknown_access_token_opens_nothing,
                    working_at_a_client_keeps_the_sign_in_alive,
                    a_session_expires,
                    a_session_does_not_outlive_an_idle_sign_in,
                    a_client_ends_its_own_session_and_no_more,
                    row_19_another_client_cannot_end_a_session,
                    an_expired_session_cannot_be_ended,
                }
                clock {
                    row_2_a_token_refused_for_its_age_stays_refused,
                    another_client_that_comes_too_late_uses_nothing_up,
                    row_5_what_a_stranger_brings_too_late_uses_nothing_up,
                    a_launch_ticket_refused_for_its_age_stays_refused,
                    row_62_a_sign_in_seen_as_over_stays_over_with_all_that_hangs_on_it,
                    row_62_a_session_seen_as_expired_stays_ended,
                    a_record_seen_as_expired_is_gone,
                    row_62_the_idle_time_is_no_longer_after_the_clock_is_put_back,
                }
                records {
                    a_record_reads_back_under_its_id_only,
                    a_record_is_replaced_with_its_expiry,
                    a_record_expires,
                    a_removed_record_is_gone_and_no_other,
                }
                sweeping {
                    sweeping_counts_what_has_expired_and_keeps_the_rest,
                    a_redeemed_token_is_kept_until_its_access_token_has_expired,
                    what_hangs_on_a_sign_in_is_swept_with_it,
                    people_and_clients_are_never_swept,
                }
                rule {
                    the_store_answers_as_the_rule_does,
                }
                races {
                    rows_3_and_4_a_race_for_one_token_has_one_winner_whose_session_the_replays_end,
                    row_81_a_race_of_sign_out_against_redemption_leaves_no_session,
                    a_race_for_one_launch_ticket_has_one_winner,
                    a_race_for_one_address_has_one_winner,
                    row_64_parallel_guesses_are_no_more_than_the_free_ones,
                }
            }

            $($($also)*)?
        }
    };
}

conformance!(memory, InMemory);
conformance!(sqlite, SqliteFile, also {
    run! { SqliteFile:
        attempts {
            row_17_of_too_many_counters_those_go_that_would_be_forgotten_first,
        }
        files {
            row_64_what_was_counted_is_still_counted_after_a_restart,
            a_used_token_is_still_used_after_a_restart,
            a_database_of_the_first_version_is_brought_up_to_date,
            an_address_of_an_earlier_version_is_found_once_it_is_renewed,
            a_record_that_another_program_changes_is_another_version,
        }
        races {
            row_3_a_race_between_two_processes_has_one_winner,
            row_3_in_one_batch_a_token_has_one_winner_and_the_others_do_not_notice,
        }
        rule {
            the_guard_in_sql_agrees_with_the_rule,
        }
    }
});
// Each verb commits by itself, as where nothing waits.
conformance!(sqlite_one_by_one, SqliteOneByOne);
