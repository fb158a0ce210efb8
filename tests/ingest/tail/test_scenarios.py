"""Which test shows what: every way known to break a log reader, and the tests that try it here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SCENARIOS = {
    "F01 renamed, new file made": ["rename_with_a_new_file"],
    "F02 renamed, the writer keeps writing to it": ["a_late_writer_keeps_writing_to_the_renamed_file"],
    "F03 several renames in a row": ["several_renames_in_a_row"],
    "F04 three files rotate rapidly": ["three_files_rotate_between_looks"],
    "F05 deleted before it was read": [
        "what_is_deleted_before_it_is_read_is_reported", "missed_bytes_of_a_file_that_was_seen_longer",
    ],
    "F06 moved out of the directory, then appended to": ["moved_out_of_the_directory_and_appended_to"],
    "F07 moved within the directory": ["moved_within_the_directory_is_not_read_again"],
    "F08 renamed while stopped, then appended to": ["renamed_while_stopped_and_appended_to"],
    "F09 rotated and started anew while stopped": ["rotated_and_started_anew_while_stopped"],
    "F10 copytruncate with an unread tail in the copy": ["copytruncate_with_an_unread_tail_in_the_copy"],
    "F11 copytruncate, the copy grows slowly": [
        "copytruncate_with_a_copy_that_grows_slowly", "a_copy_of_a_file_that_is_gone_and_was_read_in_part",
        "the_original_grows_while_it_is_copied_and_is_read_further_than_the_copy_reaches",
        "the_same_when_the_copy_is_first_seen_after_the_truncation",
    ],
    "F12 copytruncate while stopped": ["copytruncate_while_stopped"],
    "F13 copytruncate with equal first bytes": [
        "copytruncate_with_equal_first_1000_bytes",
        "copytruncate_of_a_file_that_held_a_torn_line_and_was_replaced_by_another",
    ],
    "F14 copytruncate, regrown past the offset": ["copytruncate_regrown_past_the_offset_between_looks"],
    "F15 copytruncate under a writer that does not append": [
        "copytruncate_under_a_writer_that_does_not_append", "a_hole_longer_than_the_longest_line",
    ],
    "F16 copytruncate, the copy is elsewhere": ["copytruncate_with_a_copy_outside_the_directory"],
    "F17 truncated and written less": ["truncated_to_nothing_and_written_less"],
    "F18 truncated while idle": ["truncated_while_idle"],
    "F19 many truncations": ["twenty_truncations_in_a_row"],
    "F20 cut in the middle of a line": ["cut_in_the_middle_of_a_line", "cut_behind_the_offset"],
    "F21 truncated while the database refuses": ["truncated_while_the_database_refuses"],
    "F22 rewritten in place to the same size": ["rewritten_in_place_to_the_same_size"],
    "F23 deleted and made anew": ["deleted_and_made_anew_under_the_same_name"],
    "F24 inode numbers used again": ["inode_numbers_that_are_used_again_at_once"],
    "F25 deleted while it is read": [
        "deleted_while_it_is_read", "the_torn_tail_of_a_deleted_file_is_kept_in_quarantine",
    ],
    "F26 descriptor of a deleted file": ["a_deleted_file_is_closed_when_nobody_writes_to_it"],
    "F27 replaced by a longer file with the same start": ["replaced_by_a_longer_file_that_starts_the_same"],
    "F28 replaced by other content": ["replaced_by_other_content"],
    "F29 two files with an equal first line": ["two_files_with_the_same_first_line"],
    "F30 an exact copy beside the file": [
        "an_exact_copy_beside_the_file", "a_file_copied_before_the_first_look_and_written_on",
        "a_backup_that_is_overwritten_in_place_day_by_day",
    ],
    "F31 hard link": ["two_names_of_one_file"],
    "F32 link to a file inside": ["links_within_and_out_of_the_directory"],
    "F33 target of a link rotates": ["the_target_of_a_link_within_the_directory_rotates"],
    "F34 link out of the directory": [
        "links_within_and_out_of_the_directory", "a_directory_that_is_replaced_by_a_link_during_the_walk",
    ],
    "F35 partial last line": ["a_partial_last_line_that_is_completed_later"],
    "F36 partial line across a restart": ["a_partial_line_across_a_restart"],
    "F37 no line end at the end": [
        "no_line_end_at_the_end_of_a_finished_file",
        "a_tail_that_is_no_record_is_given_up_when_its_writer_is_long_gone",
    ],
    "F38 carriage returns": ["carriage_returns"],
    "F39 byte order marks": ["byte_order_marks"],
    "F40 NUL bytes": ["holes_of_nul_bytes"],
    "F41 bytes that are no text": ["bytes_that_are_no_text"],
    "F42 line over the limit": [
        "lines_at_and_over_the_limit", "a_line_over_the_limit_that_is_written_bit_by_bit",
        "long_lines_below_the_limit",
        "a_long_line_that_is_written_slowly_is_not_read_from_its_start_each_time",
    ],
    "F43 empty lines": ["empty_lines_and_nothing_but_empty_lines"],
    "F44 empty and very short files": ["empty_and_very_short_files"],
    "F45 compressed beside or after the plain file": [
        "a_rotated_file_that_is_compressed_later", "compressed_while_stopped",
        "a_finished_file_is_not_unpacked_again", "overwritten_in_place_with_a_longer_copy_of_the_same_log",
    ],
    "F46 members, early ends, damage, bombs": [
        "several_members_and_padding", "a_record_that_spans_two_members", "a_file_that_ends_early",
        "damaged_data", "a_bomb_costs_little_memory_and_is_given_up", "a_file_that_is_still_being_written",
        "a_growing_file_is_unpacked_once",
    ],
    "F47 two gigabytes": ["offsets_beyond_two_and_four_gigabytes"],
    "F48 ten thousand files": [
        "more_files_than_may_be_open", "many_tiny_files_with_the_same_start",
        "many_compressed_files_are_unpacked_one_after_the_other",
    ],
    "F49 descriptors run out": ["descriptors_that_run_out"],
    "F50 notification queue overflows": ["a_notification_queue_that_overflows"],
    "F51 no watch can be had": ["no_watch_can_be_had", "following_without_notifications"],
    "F52 new nested directories": [
        "new_directories_with_files_in_them",
        "a_chain_of_directories_that_is_too_deep_is_reported_and_harmless",
    ],
    "F53 restart": ["a_clean_restart_repeats_nothing"],
    "F54 kill -9": ["a_kill_repeats_and_loses_nothing", "kills_lose_and_repeat_nothing"],
    "F55 stopped with a batch not committed": ["a_batch_that_fails_in_the_middle_leaves_nothing_behind"],
    "F56 damaged state": ["a_damaged_write_ahead_log"],
    "F57 upgraded schema": ["a_database_of_an_older_version_is_upgraded_and_nothing_is_read_again"],
    "F58 disk full": [
        "a_full_file_system", "a_checkpoint_that_fails_for_want_of_space", "a_limit_of_file_sizes",
        "the_disk_is_not_filled_to_the_brim", "no_space_to_make_a_database",
    ],
    "F59 the database refuses a batch": [
        "one_record_among_many", "many_of_them_in_several_files",
        "a_commit_that_lasts_although_it_was_said_to_fail",
    ],
    "F60 the clock jumps": ["a_clock_that_jumps"],
    "F61 may not be read, later may": [
        "a_file_that_may_not_be_read_and_later_may", "a_directory_that_may_not_be_read_for_a_while",
    ],
    "F62 FIFO, socket, device, directory": [
        "what_is_no_file_is_skipped_and_blocks_nothing", "a_file_that_becomes_a_fifo_between_looks",
    ],
    "F63 unusual names": ["unusual_names", "a_directory_whose_name_is_not_utf8"],
    "F64 two ingesters": ["two_ingesters_on_one_database"],
    "F65 a busy file beside quiet ones": ["quiet_files_beside_a_busy_one"],
    "F66 order across rotated files": ["rotated_files_are_taken_oldest_first"],
    "F67 made longer in advance": [
        "a_region_is_filled_while_it_is_read", "a_region_that_is_filled_with_zeros_for_real",
    ],
    "F68 many equal lines at the start of different logs": ["two_logs_with_the_same_long_banner"],
}  # fmt: skip


def test_there_are_sixty_eight() -> None:
    assert [name.split()[0] for name in SCENARIOS] == [f"F{number:02}" for number in range(1, 69)]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_has_a_test(scenario: str) -> None:
    assert [test for test in SCENARIOS[scenario] if f"test_{test}" not in _TESTS] == []


def _tests_below(directory: Path) -> set[str]:
    return {
        node.name
        for path in directory.glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


_HERE = Path(__file__).parent
_TESTS = _tests_below(_HERE) | _tests_below(_HERE.parents[1] / "chaos")
