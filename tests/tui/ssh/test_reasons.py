"""Every reason has its words, and the words stay the same where scripts read them."""

from __future__ import annotations

import datetime as dt

import pytest

from tui.ssh.limits import Admission, Limits
from tui.ssh.reasons import CUT_OFF, FAREWELLS, REFUSAL_LABELS, TURNED_AWAY, EndReason, Refusal
from tui.ssh.status import HostStatus, lines

BEFORE_LOGIN = {
    Refusal.CLOSING,
    Refusal.BANNED,
    Refusal.OVERLOADED,
    Refusal.TOO_OFTEN,
    Refusal.TOO_MANY_FROM_ADDRESS,
    Refusal.FULL,
    Refusal.TOO_MANY_LOGINS,
    Refusal.NO_WORKER,
}
"""What ``HostState.admit``, and the entrance of a host of several processes, may refuse for."""


def test_every_refusal_has_a_label_and_every_end_a_farewell():
    assert set(REFUSAL_LABELS) == set(Refusal)
    assert set(FAREWELLS) == set(EndReason)
    assert set(TURNED_AWAY) == BEFORE_LOGIN
    for words in (*filter(None, FAREWELLS.values()), *TURNED_AWAY.values(), *CUT_OFF.values()):
        assert words.isprintable()
        assert len(words) < 110


@pytest.mark.parametrize("reason", Refusal)
def test_status_for_a_person_names_a_refusal_in_words(reason):
    status = HostStatus(
        since=dt.datetime(2026, 11, 26, tzinfo=dt.UTC), version="", sessions=0, most_sessions=1, rooms=0,
        frames_per_s=0.0, bytes_per_s=0.0,
        dropped=0, lag_ms=0.0, pace="full", logins=0, refused={reason.value: 3}, mode="", as_of=None,
    )  # fmt: skip
    refused = next(line for line in lines(status) if line.startswith("refused"))
    assert refused == f"refused   3 {REFUSAL_LABELS[reason]}"


def test_keys_of_the_json_status_are_what_they_were():
    """Scripts read ``status --json`` and the log: these names do not change with the wording."""
    assert {reason.value for reason in Refusal} == {
        "closing", "overloaded", "too often", "too many from there", "full", "too many logins", "no login",
        "login time", "slow login", "flood", "protocol", "too many keys", "key exchange", "unread",
        "second session", "forward", "subsystem", "no terminal",
        "command", "banned", "proxy header", "no worker",
    }  # fmt: skip
    assert {reason.value for reason in EndReason} == {
        "quit", "gone", "stop", "idle", "visit", "flood", "withdrawn", "restricted", "kicked", "banned",
        "answered", "error",
    }  # fmt: skip


def test_admission_gives_only_reasons_that_a_client_can_be_told():
    admission = Admission(Limits(sessions=2, per_address=1, new_per_minute=2, pending=1))
    reasons = {admission.admit(address, 0.0) for address in ("a", "a", "a", "b", "c")}
    assert reasons - {None} <= set(TURNED_AWAY)
