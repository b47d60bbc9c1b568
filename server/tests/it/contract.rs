//! What every database must do alike: the same tests on each, by name.

pub(crate) use servers::dispatched;

mod busy;
mod history;
mod queries;
mod rebuilds;
mod schemas;
mod servers;
mod snapshots;
mod stopped_rebuilds;
mod store;
mod subscriptions;
mod time;

/// How long what a test waits for may take to come.
const TEST_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(300);

/// Runs each test on each database.
macro_rules! contract {
    ($($module:ident: $($test:ident,)*;)*) => {
        contract! { sqlite: $($module: $($test,)*;)* }
        contract! { postgres: $($module: $($test,)*;)* }
        contract! { mysql: $($module: $($test,)*;)* }
    };
    ($database:ident: $($module:ident: $($test:ident,)*;)*) => {
        mod $database {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    let database = crate::databases::Database::$database();
                    // On the heap: a thread may have little room on its stack.
                    let test = Box::pin(crate::contract::$module::$test(database));
                    // What it waits for may never come.
                    let ended = tokio::time::timeout(crate::contract::TEST_TIMEOUT, test).await;
                    ended.expect("what the test waits for does not come");
                })*
            })*
        }
    };
}

contract! {
    store:
        an_event_is_reduced_applied_and_logged,
        an_unknown_event_type_is_logged_and_changes_nothing,
        a_dispatch_of_several_events_is_all_or_nothing,
        each_event_of_a_dispatch_sees_those_before_it,
        a_dispatch_of_nothing_records_nothing,
        a_dispatch_with_too_many_events_is_refused,
        events_larger_than_a_statement_are_written_in_several,
        an_event_larger_than_the_database_takes_is_refused_and_others_go_on,
        reducers_read_what_is_in_the_database_only,
        a_unique_value_is_refused_to_a_second_document_and_free_after_the_first,
        unique_values_can_be_swapped_in_one_event,
        an_event_id_seen_before_is_answered_with_its_first_result,
        an_event_id_with_other_content_is_refused,
        retries_that_race_record_the_event_once,
        many_callers_get_dense_positions_and_only_the_refused_are_refused,
        two_stores_on_one_file_share_one_order,
        time_never_goes_back_in_the_log,
        a_caller_that_gives_up_harms_nobody,
        closing_answers_what_waits_and_then_refuses,
        the_log_is_queried_by_position_type_and_end,
        a_dispatch_that_reads_without_end_takes_nobody_along,
        large_documents_are_changed_in_batches_of_bounded_size,
        a_log_that_was_replaced_under_a_warm_store_is_not_written_on,
    ;
    busy:
        what_the_store_gives_an_event_stays_however_often_it_is_reduced,
        a_reducer_that_reads_the_log_reads_all_of_it,
        readers_do_not_keep_the_writer_waiting,
        what_is_committed_is_answered_while_the_next_is_settled,
        followers_hear_of_batches_in_their_order,
    ;
    subscriptions:
        a_subscription_tells_what_is_recorded_from_now_on,
        a_subscription_from_a_position_reads_the_log_and_then_follows,
        a_reader_that_falls_behind_reads_the_log_again,
        followers_of_a_busy_store_get_every_event_once,
        a_position_beyond_the_log_is_refused,
        a_gap_in_the_log_is_passed_by_nobody,
        a_checkpoint_of_another_log_is_refused,
        large_events_are_followed_in_batches_of_bounded_size,
        a_stream_ends_when_the_store_is_closed,
    ;
    schemas:
        a_schema_that_no_longer_fits_is_told_with_the_difference,
        a_new_collection_beside_an_old_log_is_told,
        a_table_that_the_store_did_not_make_is_left_alone,
        stores_of_two_namespaces_share_a_database,
        two_documents_of_one_name_are_refused,
        servers_that_open_an_empty_database_at_once_share_its_tables,
        the_largest_schema_is_held,
        a_database_of_another_layout_is_told,
        a_table_that_somebody_changed_is_told_at_the_start,
        what_a_store_is_found_by_is_not_made_anew_where_it_is_missing,
        a_log_that_goes_beyond_its_end_is_neither_rebuilt_nor_written,
        nothing_is_recorded_after_a_last_event_that_is_not_the_one,
        a_type_that_is_not_the_documents_own_is_not_read,
        what_somebody_takes_from_a_running_store_is_told_as_lasting,
        a_user_without_rights_is_told,
    ;
    queries:
        sql_and_memory_agree,
        long_values_are_ordered_by_their_beginning,
        the_largest_filters_are_answered,
        what_is_read_together_is_of_one_moment,
    ;
    rebuilds:
        newer_reducers_are_told_until_the_tables_are_rebuilt,
        progress_tells_how_far_how_fast_and_how_long,
        the_tables_of_before_are_kept_until_told,
        what_is_kept_is_there_until_the_next_tables_are_in_use,
        an_older_program_does_not_undo_what_a_newer_one_made,
        a_rebuild_ends_beside_batches_larger_than_what_it_writes_at_once,
        large_documents_are_rebuilt_in_parts,
        events_are_dispatched_and_read_while_the_tables_are_rebuilt,
        the_history_is_rebuilt_with_the_tables,
        old_shapes_of_events_are_rebuilt_by_upcasts,
        servers_that_start_with_new_reducers_rebuild_once,
        an_old_server_that_starts_again_does_not_rebuild_back,
        a_preview_tells_what_a_rebuild_would_change,
        a_preview_tells_all_for_which_a_store_does_not_open,
        a_preview_of_tables_that_somebody_changed_tells_that_a_rebuild_mends_them,
        reducers_that_read_the_log_see_what_was_before_each_event,
    ;
    stopped_rebuilds:
        a_rebuild_that_is_interrupted_goes_on_or_begins_anew,
        what_another_program_began_to_rebuild_begins_anew,
        a_rebuild_that_is_interrupted_is_given_up_when_told,
        a_rebuild_that_wakes_after_another_took_over_changes_nothing,
        mended_reducers_begin_anew_where_the_log_was_not_accepted,
        a_rebuild_that_stops_early_in_a_long_log_ends,
        a_gap_in_the_log_stops_a_rebuild,
        a_rebuild_that_is_not_accepted_leaves_all_as_it_was,
        a_rebuild_that_the_database_refuses_names_the_event,
    ;
    time:
        any_moment_is_what_the_first_events_made,
        random_moments_are_what_a_fresh_store_has_then,
        the_shorter_way_to_a_moment_is_taken,
        a_moment_by_time_is_that_of_the_last_event_before,
        a_moment_to_come_is_refused,
        a_log_that_somebody_changed_is_found,
        a_moment_that_the_log_has_lost_is_not_taken_for_one_to_come,
        another_way_is_taken_where_the_nearest_is_damaged,
        a_moment_of_a_log_that_was_replaced_is_not_told,
        a_store_whose_tables_were_replaced_tells_no_past,
        a_replay_that_is_not_accepted_stops_with_the_event,
        nobody_waits_for_a_question_far_from_the_last_one,
    ;
    snapshots:
        parts_that_were_never_whole_are_removed_however_many_they_are,
        parts_that_can_not_be_removed_keep_no_snapshot_from_being_taken,
        a_broken_snapshot_is_passed_over,
        a_broken_snapshot_is_replaced_or_removed,
        a_snapshot_whose_record_can_not_be_read_is_passed_over_and_removed,
        a_snapshot_beyond_the_end_of_the_log_is_found,
        a_snapshot_of_another_version_is_left_alone,
        a_snapshot_that_could_not_be_read_whole_is_none,
        snapshots_are_taken_by_themselves,
        a_server_that_starts_again_and_again_takes_snapshots_by_time,
        of_two_servers_one_takes_each_snapshot,
        snapshots_of_the_past_are_taken_where_they_are_missing,
        snapshots_of_the_past_have_documents_of_any_size,
        a_snapshot_has_a_document_as_large_as_the_database_takes,
        nothing_is_left_of_a_snapshot_that_fails,
        nothing_is_left_of_a_snapshot_of_tables_that_were_replaced,
        a_store_that_is_closed_tries_no_snapshot_again,
        only_the_last_snapshots_are_kept,
    ;
    history:
        every_change_of_a_document_is_told,
        a_history_is_read_page_by_page,
        a_history_that_somebody_changed_is_found,
        what_can_not_be_read_is_told_beside_what_differs,
        the_history_is_kept_from_the_beginning_or_not_at_all,
        documents_with_any_id_have_a_history,
    ;
    servers:
        a_subscriber_of_one_server_gets_what_another_dispatched,
        a_position_of_another_server_can_be_followed_at_once,
        followers_of_busy_servers_get_every_event_once_and_in_order,
        an_id_that_another_server_recorded_is_answered,
        a_dispatch_with_an_expected_position_fails_once_the_head_moved,
        a_head_that_somebody_holds_is_a_retryable_error_until_it_is_free,
        a_batch_that_can_not_be_written_fails_at_once,
        a_row_that_the_database_refuses_fails_alone,
        what_callers_of_two_servers_are_told_is_what_the_log_says,
        callers_of_all_kinds_leave_log_documents_and_history_in_step,
    ;
}
