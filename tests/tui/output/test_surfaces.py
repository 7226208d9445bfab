"""Nothing old passes as current, on any surface and at any size; the table of docs/live.md."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from rotation.desk import Desk
from rotation.status import Connection, Kind
from rotation.wording import connection_words
from tests.support.paths import ROOT
from tests.support.status_worlds import DAY, HALTED, IEX, OFF, H, snapshot
from tests.support.surface_table import HAPPENINGS, NOTHING, UNASKED, ribbon, surfaces, table
from tui.cli.watch import _timeless
from tui.output.snapshot_json import encode
from tui.output.text import quotation, text
from tui.panels.registry import PANELS
from tui.ssh.answers import answer
from tui.view.view_state import ViewState

WIDTHS = [40, 50, 60, 75, 76, 80, 120, 160]
OLD = {"moment": "2024-10-22 09:31", "last": DAY, **NOTHING, **UNASKED}
OTHER = Desk(base="RUT", against="NDX", legs=("RUT", "NDX"))
DIED = {"iwm": OFF, "qqq": OFF, "iwm_age_s": 53.0, "qqq_age_s": 53.0}


def test_the_table_of_the_documentation_is_what_the_surfaces_say():
    assert table() in (ROOT / "docs" / "live.md").read_text(), "python -m tests.support.surface_table"


@pytest.mark.parametrize("width", WIDTHS)
def test_old_closes_are_unmistakable_at_every_size(width: int):
    """`--offline` with closes of long ago once read "REGULAR / IWM ▲+0.77 %" at 40 columns."""
    assert "✖ CLOSE OF 16 JUL, 98 DAYS OLD" in ribbon(snapshot(**OLD), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_dead_server_is_unmistakable_at_every_size(width: int):
    assert "✖ OFFLINE 53 s · last 12:59:07" in ribbon(snapshot(**DIED), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_one_bad_leg_is_named(width: int):
    assert "✖ IWM HALTED 3 h · last 10:00:00" in ribbon(snapshot(iwm=HALTED, iwm_age_s=3 * H), width)


def test_nothing_is_said_to_be_nothing():
    taken = snapshot(moment="2024-07-16 13:00", desk=OTHER)
    assert (taken.connection, taken.data_as_of) == (None, None)
    assert "✖ NO PRICES" in ribbon(taken, 40)
    assert "no price, written 2024-07-16 17:00:00 UTC" in quotation(taken)


@pytest.mark.parametrize("how", HAPPENINGS.values(), ids=HAPPENINGS)
def test_every_surface_is_marked_or_current(how):
    taken = snapshot(**how)
    parsed = json.loads(encode(taken))
    made = datetime.fromisoformat(parsed["data_as_of"])
    narrow, wide, _, copied, first, *_ = surfaces(taken)
    mark = {"DEMO": "DEMO", "REPLAY": "REPLAY"}.get(taken.mode, "") or parsed["connection"]["kind"]
    message = "CLOSE OF" if taken.connection.settled else mark
    assert all(message in line for line in (narrow, wide, first))
    if (taken.as_of - made).total_seconds() > 60:
        assert "as of " + f"{taken.as_of:%Y-%m-%d %H:%M:%S}" not in copied
        assert f"written {taken.as_of:%Y-%m-%d %H:%M:%S} UTC" in copied


def test_the_copied_sentence_carries_the_time_of_its_prices():
    assert quotation(snapshot()).endswith("[Yahoo; as of 2024-07-16 16:59:59 UTC; rotation-tui]")
    assert quotation(snapshot(**DIED)).endswith(
        "[Yahoo; as of 2024-07-16 16:59:07 UTC, written 2024-07-16 17:00:00 UTC; rotation-tui]"
    )
    assert quotation(snapshot(**OLD)).endswith(
        "; close of 2024-07-16, written 2024-10-22 13:31:00 UTC; rotation-tui]"
    )


def test_json_and_ssh_say_of_when_the_figures_are():
    taken = snapshot(**OLD)
    parsed = json.loads(encode(taken))
    assert (parsed["as_of"], parsed["data_as_of"]) == ("2024-10-22T13:31:00Z", "2024-07-16T20:00:00Z")
    assert parsed["connection"]["kind"] == "OFFLINE"
    assert parsed["connection"]["age_s"] == 98 * 86_400
    assert parsed["headline"].startswith("IWM and QQQ OFFLINE (close of 16 Jul 2024): Russell 2000 (IWM)")
    assert " on 16 Jul, " in parsed["headline"]
    assert taken.connection.as_of == datetime(2024, 7, 16, 20, tzinfo=UTC)
    assert answer("headline", taken, None).out == quotation(taken) + "\n"
    assert answer("snapshot", taken, None).out == text(taken)
    assert text(taken).startswith("CLOSE OF 16 JUL, 98 DAYS OLD  Tue 22 Oct 2024 09:31:00 EDT")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.DEMO, Kind.REPLAY)])
def test_every_kind_has_its_words_in_forty_columns(kind: Kind):

    now = datetime(2025, 10, 22, 16, tzinfo=UTC)
    made = datetime(2024, 9, 30, 20, tzinfo=UTC)
    for settled in (None, made.date()):
        connection = Connection(kind, ("IWM",), made, 387 * 86_400.0, 900.0, "IEX", "Yahoo", settled)
        words = connection_words(connection, now)
        assert 0 < len(words) <= 40
        is_close = settled and kind is not Kind.UNADJUSTED
        assert ("CLOSE OF 30 SEP 2024" if is_close else kind.value) in words


def test_watch_does_not_repeat_a_connection_that_only_aged():
    newest = snapshot(**DIED)
    later = snapshot("2024-07-16 13:00:07", **DIED | {"iwm_age_s": 60.0, "qqq_age_s": 60.0})
    assert newest.connection != later.connection
    assert _timeless(newest) == _timeless(later)


@pytest.mark.parametrize("width", [36, 40, 60, 76, 116])
def test_the_legs_always_show_their_state(width: int):
    rows = PANELS["legs"].rows(snapshot(**OLD), ViewState(), width, 8)
    assert all("OFFLINE" in "".join(text for text, _ in row) for row in rows[1:])


def test_a_price_of_one_exchange_says_so_on_every_surface():
    """Alpaca's free feed once read "LIVE Alpaca", with IEX's volume as the day's."""
    taken = snapshot(iwm=IEX, qqq=IEX)
    for width in WIDTHS:
        assert "LIVE 1 s Alpaca IEX" in ribbon(taken, width)
    for width in (36, 40, 60, 76, 116):
        rows = PANELS["legs"].rows(taken, ViewState(), width, 8)
        assert all("LIVE IEX" in "".join(part for part, _ in row) for row in rows[1:])
    lines = text(taken).splitlines()
    assert "LIVE 1 s Alpaca IEX" in lines[0]
    assert all("  LIVE IEX" in line for line in lines if line.startswith(("IWM  ", "QQQ  ")))
    assert "[Alpaca IEX; " in quotation(taken) == answer("headline", taken, None).out.strip()
    parsed = json.loads(encode(taken))
    assert {leg["status"]["venue"] for leg in parsed["legs"].values()} == {"IEX"}
    assert {leg["volume"] for leg in parsed["legs"].values()} == {None}
    late = snapshot(iwm=IEX, iwm_age_s=300.0, qqq=IEX)
    assert "IWM STALE 5 min IEX · last 12:55:00" in ribbon(late, 40)
    rows = PANELS["legs"].rows(late, ViewState(), 40, 8)
    assert "STALE 5m IEX" in "".join(part for part, _ in rows[1])
