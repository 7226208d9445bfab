"""The rows of the fault table for the hub's transport: what is done, what must come of it, the test."""

from __future__ import annotations

HEAD = """
Between a hub, its NATS servers and its viewers; `make test-hub` runs those of
`tests/feeds/hub/test_faults.py`, which take minutes:

| what happens | expected | test |
| --- | --- | --- |
"""
_FAULTS = "tests/feeds/hub/test_faults.py"
_DOUBT = "tests/feeds/hub/test_doubt.py"
_RELAY = "tests/feeds/hub/test_relay.py"
_PROCESSES = "tests/feeds/hub/test_processes.py"
_RUN = "tests/feeds/hub/test_hub_run.py"
_TAPE = "tests/feeds/hub/tape/test_on_server.py"
_ROWS = "tests/feeds/hub/tape/test_rows.py"
_ACCESS = "tests/feeds/hub/test_access.py"
ROWS = (
    (
        "the server is killed, and back after one or six seconds; or paused",
        "viewers OFFLINE until it is back, then what is true; whoever comes then has all of it",
        f"{_FAULTS}::test_a_server_that_is_killed_comes_back_with_all_it_kept",
    ),
    (
        "servers of a cluster, its leader, hubs and viewers are killed or paused in random order, under load",
        "every viewer has what is true, nothing older has overwritten newer, no gap is silent",
        f"{_FAULTS}::test_kills_in_random_order_under_load",
    ),
    (
        "the hub is killed",
        "OFFLINE within 3 s with the last prices; a second hub takes over within 5 s",
        f"{_PROCESSES}::test_three_viewers_have_what_is_true_and_a_dead_hub_is_offline_until_another_takes_over",
    ),
    (
        "the hub falls silent",
        "the Fed's figures and the sources of macro are OFFLINE, as prices are",
        f"{_DOUBT}::test_of_a_dead_hub_the_fed_and_macro_are_offline_too",
    ),
    (
        "the hub is paused, another takes over, the first wakes up",
        "it overwrites nothing, and stops publishing",
        f"{_PROCESSES}::test_a_paused_hub_that_wakes_overwrites_nothing",
    ),
    (
        "two hubs",
        "one publishes; it is ended, killed or paused, and the other takes over: never both",
        f"{_FAULTS}::test_two_hubs_hand_the_lease_over_and_never_publish_at_once",
    ),
    (
        "a hub's goodbye is pushed but not stored",
        "the next one takes over at once",
        f"{_RUN}::test_a_hub_that_says_goodbye_is_replaced_although_no_server_has_kept_it",
    ),
    (
        "a hub cannot reach its server for 3 s",
        "it lets go of the vendors, and takes them again when it publishes again",
        f"{_RUN}::test_a_hub_without_a_server_lets_go_of_the_vendors_and_comes_back",
    ),
    (
        "a new hub beats before it has connected to its vendors",
        "OFFLINE, the hub is starting: the states of the hub before are not taken for its own",
        f"{_DOUBT}::test_states_of_the_hub_before_are_not_those_of_the_one_that_starts",
    ),
    (
        "a viewer is paused for 4 and for 20 s",
        "it has what is true again; others are not slowed",
        f"{_FAULTS}::test_a_paused_viewer_catches_up",
    ),
    (
        "the network is cut three times, then slow",
        "OFFLINE while it is cut, a gap that is counted and refilled, then what is true",
        f"{_FAULTS}::test_a_network_that_is_cut_and_one_that_is_slow",
    ),
    (
        "a message is lost",
        "GAPPED until the last values have been fetched again",
        f"{_RELAY}::test_a_gap_is_shown_until_the_last_values_have_been_fetched",
    ),
    (
        "messages come 59 s late",
        "OFFLINE, with the delay; they are no sign of life",
        f"{_DOUBT}::test_messages_that_come_late_are_no_sign_of_life",
    ),
    (
        "clocks of hub and viewers are 30 s apart",
        "no price is STALE or GAPPED for it",
        f"{_FAULTS}::test_clocks_thirty_seconds_apart_change_no_state",
    ),
    (
        "the hub's clock is set, forwards or back, by up to an hour",
        "no viewer goes OFFLINE; ages follow the hub's clock",
        f"{_DOUBT}::test_a_hub_whose_clock_is_set_keeps_its_viewers",
    ),
    (
        "the server's disk is full",
        "connected viewers, and those that come, have what is true; the hub says that nothing is stored",
        f"{_FAULTS}::test_a_full_store_loses_nobody_who_listens",
    ),
    (
        "the server has no room for the tape",
        "the tape stops and says so; no quote is held up",
        f"{_TAPE}::test_a_server_without_room_stops_the_tape_and_no_quote",
    ),
    (
        "a hub dies, or is cut off, while it writes the tape",
        "the next one marks what is missing and begins anew; nothing is there twice",
        f"{_TAPE}::test_a_hand_over_leaves_no_gap_unmarked_and_nothing_twice",
    ),
    (
        "the server goes away for a moment while the tape is written",
        "nothing is missing",
        f"{_TAPE}::test_a_server_that_goes_away_for_a_moment_leaves_no_gap",
    ),
    (
        "the tape reaches its limits",
        "the oldest goes, the hub says so, and a replay is marked where it begins",
        f"{_TAPE}::test_a_tape_that_has_reached_its_limits_says_so_and_is_marked",
    ),
    (
        "messages of the tape are lost, or come twice",
        "what is lost is marked, nothing counts twice",
        f"{_ROWS}::test_what_comes_twice_counts_once_and_what_does_not_come_is_marked",
    ),
    (
        "hostile bytes on the subjects of quotes, or of the tape",
        "counted; nothing changes",
        f"{_RELAY}::test_hostile_bytes_change_nothing_and_are_counted",
    ),
    (
        "a message of another version",
        "OFFLINE, and which side must be updated",
        f"{_RELAY}::test_another_version_is_refused_with_a_clear_error",
    ),
    (
        "a message that cannot be used, with a higher epoch",
        "the hub that is true stays",
        f"{_DOUBT}::test_a_refused_message_does_not_end_the_hub_that_is_true",
    ),
    (
        "a client that its library has closed for good",
        "is replaced by a new one",
        "tests/feeds/hub/test_closed.py::test_a_closed_client_is_replaced",
    ),
    (
        "a server without TLS where TLS was asked for",
        "it is given no credentials; OFFLINE, and why",
        f"{_ACCESS}::test_a_server_without_tls_gets_no_credentials_where_tls_was_asked_for",
    ),
    (
        "a viewer publishes quotes or a tape",
        "refused by the server",
        f"{_ACCESS}::test_the_tape_needs_the_rights_that_the_document_gives",
    ),
)


def rows() -> str:
    """The table's lines."""
    return "".join(f"| {what} | {expected} | `{test}` |\n" for what, expected, test in ROWS)
