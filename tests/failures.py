"""The failure matrix: what can go wrong with a cabinet, what must hold then, and the tests that prove it.

    python tests/failures.py            run them all and write deploy/FAILURES.md anew
    python tests/failures.py --check    run them and write nothing

Exits with 1 where a row is not green. tests/test_failures.py holds that every test named here exists and that the
table in the repository has these rows.
"""

# ruff: noqa: E501 - a table reads best with a row a line
import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "deploy" / "FAILURES.md"
G, P, S, Y = "tests/gateway/", "tests/provision/", "tests/service/", "tests/system/"
C = "tests/sim/test_check_flash.py::"


class Row(NamedTuple):
    failure: str
    holds: str
    tests: tuple[str, ...]


ROWS = [
    Row("The gateway is killed (kill -9) before any SQL statement", "nothing stored is lost, no item has two ids",
        (G + "test_outbox.py::test_killed_at_every_statement_nothing_is_lost_or_doubled",)),
    Row("The gateway is killed at any moment", "readings in = readings out, plans are not sent again",
        (G + "test_outbox.py::test_killed_at_random_moments_nothing_is_lost_or_doubled",
         G + "test_daemon.py::test_killed_at_any_moment_it_loses_nothing_and_repeats_nothing",
         G + "test_outbox_disk.py::test_after_a_crash_only_the_window_comes_again")),
    Row("The broker is away for a week", "everything waits on disk and arrives, each item under one id",
        (G + "test_broker.py::test_a_week_of_250_posts_at_once", G + "test_daemon.py::test_without_a_broker_the_street_runs_on")),
    Row("The broker is killed in a flood", "what it had not acknowledged is sent again",
        (G + "test_broker.py::test_a_broker_killed_in_the_flood_costs_nothing",
         G + "test_outbox_disk.py::test_what_was_acknowledged_out_of_order_hides_nothing_behind_it")),
    Row("The broker takes less at once, or speaks 3.1.1 only", "no more is under way than it takes; it gets what it speaks",
        (G + "test_broker_versions.py::test_no_more_is_under_way_than_the_broker_takes",
         G + "test_broker_versions.py::test_a_broker_that_speaks_3_1_1_only_gets_that")),
    Row("The broker dies with what it acknowledged", "the centre sees the gap, asks, and gets it under the same ids",
        (G + "test_resend.py::test_what_died_in_the_broker_is_asked_for_and_comes",
         P + "test_broker_tls.py::test_what_the_broker_acknowledged_a_second_ago_outlives_kill_9")),
    Row("A node of the broker's cluster is killed (kill -9)", "no item is lost, none comes with two contents; gateways go on with another node",
        ("tests/cluster/test_cluster.py::test_a_node_killed_in_the_flood_costs_nothing",)),
    Row("A gateway was away while a plan was published, at a cluster that retains nothing", "it is told the newest with its first sign of life, whichever node it is on",
        ("tests/cluster/test_cluster.py::test_what_is_desired_reaches_a_gateway_that_was_away",)),
    Row("The disk is full", "no post forgets what is not stored; it goes on by itself when there is room",
        (G + "test_outbox_disk.py::test_a_disk_that_is_full_costs_nothing", G + "test_outbox.py::test_a_full_disk_refuses_and_later_takes")),
    Row("The disk is full where broadcasts are counted, or at a start", "no line falls silent, and the gateway starts",
        (G + "test_outbox_disk.py::test_a_full_disk_silences_no_line", G + "test_outbox_disk.py::test_with_a_full_disk_a_gateway_still_starts")),
    Row("Full disk, damage, clock jumps, requests again, mixed by seed", "every item told is in the centre once, no request acts twice",
        ("tests/sim/test_check_cabinet.py::test_the_promises_hold_with_each_and_a_case_replays",)),
    Row("The disk budget is reached", "delivered items go first, then readings; events last; it is reported",
        (G + "test_outbox_disk.py::test_delivered_items_make_room_first_and_their_share_is_bounded",
         G + "test_outbox.py::test_over_the_budget_the_oldest_readings_go_before_any_event",
         G + "test_outbox.py::test_while_readings_are_left_no_event_is_dropped")),
    Row("The database is damaged, at rest or while it runs", "it is kept aside, said, and a new one is begun under a new epoch",
        (G + "test_outbox.py::test_a_damaged_file_is_kept_aside_said_and_begun_anew",
         G + "test_outbox.py::test_damage_while_it_runs_is_noticed_and_new_items_are_kept")),
    Row("The disk hangs", "no sign of life goes to systemd, which restarts the gateway",
        (S + "test_unit.py::test_no_sign_of_life_when_the_disk_hangs",)),
    Row("The gateway's clock steps", "no expired request acts, no broadcast counter comes again",
        (G + "test_outbox.py::test_a_request_is_forgotten_only_when_it_is_long_expired",
         G + "test_outbox.py::test_requests_and_plans_and_counters_outlive_a_restart")),
    Row("A command is repeated, also after a restart", "it acts once; the answer is the first one's",
        (G + "test_daemon.py::test_a_request_acts_once_however_often_it_comes",)),
    Row("A restart cuts a command off", "it is never acted on again, and that is said",
        (G + "test_outbox.py::test_what_a_restart_cut_off_is_known",)),
    Row("A command is published retained", "it does not act",
        ("tests/contract/test_homeassistant.py::test_home_assistant_finds_the_posts_and_lights_them",)),
    Row("A plan is not valid", "the one in force stays, and the reason is reported",
        (G + "test_daemon.py::test_a_plan_that_is_not_valid_changes_nothing",)),
    Row("Groups or scenes are not valid", "the ones in force stay, also over a restart",
        (G + "test_desired.py::test_scenes_outlive_a_restart_and_light_the_street",)),
    Row("A cap asks for darkness", "no post goes below its plan's safe floor",
        (G + "test_energy.py::test_no_cap_darkens_a_real_post_below_its_plans_floor",)),
    Row("A feeder or cable is cut", "one alarm with its place, not 200",
        (G + "test_alarms.py::test_a_feeder_that_lost_supply_is_one_alarm", G + "test_alarms.py::test_a_cut_names_its_place",
         "tests/contract/test_traffic.py::test_a_cut_line_is_one_alarm_in_events_and_status")),
    Row("The serial adapter is missing or taken", "one line that says what to do",
        (G + "test_daemon.py::test_a_port_that_is_missing_or_taken_is_one_line",)),
    Row("A post speaks without end", "it is found, named and kept silent; its light and the others go on",
        (G + "test_daemon_disturbed.py::test_the_post_is_named_and_the_others_go_on",)),
    Row("A post loses its address while its line is noisy", "it lights by its plan and its own sensor; a search gives it its place again, and its items arrive",
        ("tests/sim/test_lost_place.py::test_they_do_in_a_storm", "tests/sim/test_lost_place.py::test_all_posts_of_a_street_find_their_places_again")),
    Row("The gateway is killed (kill -9), or the board's power is cut, while a board is found", "the next search gives the board its place; the others were served",
        (G + "test_find_daemon.py::test_the_daemon_is_killed_in_the_middle", G + "test_find_daemon.py::test_the_power_of_the_board_is_cut_in_the_middle")),
    Row("A post loses its address while its keys are rolled over", "it is found under whichever key it has, and the rollover goes on",
        (G + "test_rolling_found.py::test_a_board_that_loses_its_address_in_the_middle_is_found",)),
    Row("A post's flash is worn out while keys are rolled over", "the line has its new key; the post keeps its own, and is not lost with the next power cut",
        (G + "test_rolling.py::test_a_flash_that_is_worn_out_holds_up_no_line_and_loses_no_post",)),
    Row("A post is stolen, and with it the key of its line", "no fault's or reading's place is taken; after a rollover the key is worth nothing",
        (G + "test_stolen_key.py::test_a_fault_whose_number_was_announced_by_a_thief_arrives",
         G + "test_rolling.py::test_a_stolen_bus_key_is_worthless_after_the_switch")),
    Row("A gateway's identity is stolen", "its holder sees and writes that gateway's topics only",
        (P + "test_broker_tls.py::test_another_gateways_topics_are_refused", P + "test_broker_tls.py::test_a_gateway_hears_nothing_of_another")),
    Row("A gateway's identity is stolen, at a cluster", "the same: its own topics and queue only",
        ("tests/cluster/test_cluster.py::test_another_gateways_topics_are_refused",
         "tests/cluster/test_cluster.py::test_a_gateway_may_not_listen_to_another",
         "tests/cluster/test_cluster.py::test_only_the_office_reads_the_central_queue")),
    Row("No certificate, an ended one, another authority's", "stays outside",
        (P + "test_broker_tls.py::test_who_has_no_good_certificate_stays_outside",)),
    Row("A certificate ends, or is half copied", "it is said; a renewed one is taken up without a restart",
        (P + "test_broker_tls.py::test_a_renewed_certificate_is_taken_up_without_a_restart",
         P + "test_broker_tls.py::test_a_certificate_that_ends_is_said_and_renewal_brings_the_gateway_back",
         P + "test_broker_tls.py::test_the_brokers_own_renewal_disconnects_nobody")),
    Row("A store is restored from an old backup", "no id is used twice, no command acts twice, no post refuses the gateway",
        (S + "test_backup.py::test_a_running_store_is_saved_whole_and_comes_back",)),
    Row("An update of the gateway is cut off at any step", "the old or the new version runs",
        (S + "test_update_killed.py::test_killed_at_every_step_of_an_installation_the_old_or_the_new_version_runs",
         S + "test_update_killed.py::test_killed_at_every_step_of_the_way_back")),
    Row("The power of a post goes at any operation of its flash, also while it recovers or is updated", "each record is the old or the new one, and so is its firmware; its light is never below its plan",
        (C + "test_brown_outs_all_the_way_end_with_the_old_or_the_new", C + "test_the_promises_hold_with_all_of_them_and_a_case_replays")),
    Row("A post is sent firmware that is not signed for it, damaged, older than allowed or no good", "it is refused with a reason, or thrown out after three starts",
        (C + "test_a_bad_image_is_refused_with_a_reason_and_the_old_runs_on", C + "test_one_that_is_no_good_goes_back_to_the_old")),
    Row("The flash of a post refuses to be written", "the light goes on, it is reported, and nothing is tried that cannot be counted",
        (C + "test_a_worn_flash_is_reported_and_the_light_goes_on", C + "test_on_a_worn_flash_nothing_is_tried_that_cannot_be_counted")),
    Row("Firmware for a line is cut off: a post's power, the gateway, lost blocks", "each goes on where it was; what somebody missed is said again; who comes late gets all",
        (G + "test_firmware.py::test_a_post_whose_power_is_cut_goes_on_where_it_was",
         G + "test_firmware.py::test_a_gateway_that_is_killed_goes_on_where_its_posts_are",
         G + "test_firmware.py::test_what_a_post_missed_is_said_again",
         G + "test_firmware.py::test_a_post_that_comes_late_holds_up_nobody_and_gets_all")),
    Row("Somebody with a stolen bus key spoils firmware on its way", "nothing of it is installed; it is thrown away, sent again, and told",
        (G + "test_firmware.py::test_a_stolen_bus_key_spoils_a_transfer_and_installs_nothing",
         G + "test_firmware.py::test_a_thief_who_does_not_tire_is_told_of")),
    Row("New firmware bricks every board that runs it", "one board of a line gets it, at most three while nobody looks; the others are not asked, and that is said",
        (G + "test_firmware.py::test_an_image_that_no_board_survives_reaches_three_of_a_line_and_that_is_said",
         G + "test_firmware.py::test_who_has_yet_to_start_again_has_proved_nothing")),
    Row("Flash refuses while a trial of new firmware begins", "the firmware before runs on; the trial begins when flash works again",
        ("tests/edge/cpython/test_firmware_tried.py::test_what_did_not_run_is_not_kept",
         "tests/edge/cpython/test_firmware_tried.py::test_a_trial_that_flash_could_not_count_begins_when_flash_works_again")),
    Row("A post loses its power while an override, a cap or an emergency holds", "its gateway tells it again, to the same end",
        (G + "test_orders.py::test_a_post_that_started_anew_is_told_again_to_the_same_end",
         G + "test_orders.py::test_it_is_kept_over_a_restart_of_the_gateway")),
    Row("The cabinet's own broker dies, or the gateway does, where posts have no wire", "each post lights by its plan; light runs ahead by the broker alone; nothing is lost",
        (Y + "test_air.py::test_a_street_without_a_wire_lives_through_its_broker_and_its_gateway",
         "tests/sim/test_check_air.py::test_while_its_broker_is_dead_nobody_hears_anybody_and_then_all_are_back",
         "tests/sim/test_check_air.py::test_without_a_gateway_events_go_from_post_to_post_and_nobody_keeps_the_line")),
    Row("Somebody says garbage, recordings or another's frames on the cabinet's own broker", "it is refused and counted; the next good frame counts",
        (Y + "test_air.py::test_garbage_and_recordings_change_nothing_and_the_next_good_frame_counts",
         Y + "test_air.py::test_a_post_may_speak_and_hear_under_its_own_address_only")),
    Row("A new version crashes, or does worse than the one before", "the one before is taken back by itself",
        (S + "test_update_trial.py::test_a_version_that_is_never_well_is_taken_back",
         S + "test_update_gateway.py::test_a_real_gateway_updates_itself_is_watched_and_goes_back")),
]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    results = run([test for row in ROWS for test in row.tests])
    green = [all(results.get(test) for test in row.tests) for row in ROWS]
    if not options.check:
        TABLE.write_text(table(green), encoding="utf-8")
    for row, good in zip(ROWS, green, strict=True):
        print(f"{'green' if good else 'RED  '} {row.failure}")
    return 0 if all(green) else 1


def run(tests: list[str]) -> dict[str, bool]:
    """Whether each test passed; one with parameters when all of them did."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *dict.fromkeys(tests)]
        subprocess.run(words, cwd=ROOT, check=False)
        cases = list(ElementTree.parse(report).iter("testcase"))
    found: dict[str, bool] = {}
    for case in cases:
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').split('[')[0]}"
        found[name] = found.get(name, True) and not [child for child in case if child.tag != "properties"]
    return found


def table(green: list[bool]) -> str:
    lines = [
        "# What can go wrong with a cabinet",
        "",
        "Written by `python tests/failures.py`, which runs the tests of every row. A row is green when all of them passed.",
        "",
        "| failure | what holds | tests | |",
        "|---|---|---|---|",
    ]
    for row, good in zip(ROWS, green, strict=True):
        names = ", ".join(f"`{test.split('::')[1].removeprefix('test_')}`" for test in row.tests)
        lines.append(f"| {row.failure} | {row.holds} | {names} | {'green' if good else '**RED**'} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
