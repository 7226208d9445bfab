"""The Events panel, and the line on what has changed since a viewer last looked."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from rotation.desk import AlertLine, DeskEvent, EventKind
from tui.output.looked import looked, since
from tui.panels.registry import PANELS
from tui.view.view_state import ViewState

replace = msgspec.structs.replace
VIEW = ViewState(focus="events")


def lines(snapshot, width=100) -> list[str]:
    return ["".join(text for text, _ in row) for row in PANELS["events"].rows(snapshot, VIEW, width, 40)]


def event(snapshot, seq, kind, text, minutes=0.0):
    return DeskEvent(seq, snapshot.as_of + dt.timedelta(minutes=minutes), kind, "x", text)


def test_alerts_and_the_newest_event_first(scenes):
    live = scenes["live"]
    at = live.as_of
    shown = replace(
        live,
        alerts=(
            AlertLine("wide", "spread.5.pp > 10", is_armed=False, fired=3, last_at=at),
            AlertLine("stale", "iwm.status is STALE", is_armed=True, fired=0, last_at=None),
            AlertLine("old", "on_pace", is_armed=True, fired=1, last_at=at - dt.timedelta(days=3)),
            AlertLine("typo", "x > 1", is_armed=True, fired=0, last_at=None, problem="unknown figure 'x'"),
        ),
        events=(
            event(live, 1, EventKind.SETTLED, "official closes of 15 Jul: IWM +1.90 %", -1000),
            event(live, 2, EventKind.ALERT, "wide: spread.5.pp > 10 — spread.5.pp +10.34 pp"),
        ),
    )
    text = lines(shown)
    assert text[0] == "wide      HIT 10:40:00, 3 times  spread.5.pp > 10"
    assert text[1] == "stale     armed     iwm.status is STALE"
    assert text[2] == "old       armed, last 13 Jul 10:40  on_pace"
    assert text[3] == "typo      off       unknown figure 'x'"
    assert text[5] == "10:40:00       alert     wide: spread.5.pp > 10 — spread.5.pp +10.34 pp"
    assert text[6] == "15 Jul 18:00   settled   official closes of 15 Jul: IWM +1.90 %"


def test_without_any_it_says_how_to_set_one_but_not_on_a_host(scenes):
    live = scenes["live"]
    text = " ".join(lines(live, 40))
    assert "rotation-tui alerts add" in text
    hosted = replace(live, health=replace(live.health, host=("3 viewers",)))
    assert "alerts add" not in " ".join(lines(hosted))


@pytest.mark.parametrize("width", [20, 36, 76, 156])
def test_a_long_text_is_wrapped_beside_its_time(scenes, width):
    live = scenes["live"]
    shown = replace(live, events=(event(live, 1, EventKind.FEED, "word " * 30),))
    text = lines(shown, width)
    assert any(line.startswith("10:40:00") for line in text)


def test_what_has_changed_since_the_last_look(scenes):
    live, closed = scenes["live"], scenes["closed"]
    before = looked(live)
    after = replace(
        closed,
        events=(
            event(live, 1, EventKind.ALERT, "an old one", -5),
            event(live, 2, EventKind.ALERT, "wide", 5),
            event(live, 3, EventKind.ALERT, "wide", 6),
            event(live, 4, EventKind.RECORD, "a record", 7),
            event(live, 5, EventKind.SETTLED, "official closes of 16 Jul: IWM +3.41 %", 400),
        ),
    )
    assert since(before, after) == (
        "Since 10:40: 2 alerts, 1 record, IWM today +1.88 → +3.41 %, 5 d spread +10.34 → +11.81 pp, "
        "official closes of 16 Jul: IWM +3.41 %"
    )
    assert since(before, live) == "Since 10:40: nothing has changed"
    assert since(looked(scenes["empty"]), scenes["empty"]).endswith("nothing has changed")


def test_another_day_says_its_date_and_compares_no_day_returns(scenes):
    before = looked(scenes["live"])
    later = replace(scenes["closed"], as_of=before.at + dt.timedelta(days=2), session=dt.date(2024, 7, 18))
    assert since(before, later).startswith("Since 16 Jul 10:40: IWM today +3.41 %, ")
