"""``watch --format text``: a sentence a change, nothing twice, nothing that a screen reader would spell."""

from __future__ import annotations

import asyncio
import io
import re

import msgspec
import pytest

from rotation.desk import DeskEvent, EventKind
from rotation.status import Connection, Kind, PriceStatus
from tests.support.fed import scenes as fed_scenes
from tests.support.tui.scenes import ScriptedDesk, with_leg, without_figures
from tui.cli import watch as module
from tui.output.spoken import Speaker


def moved(snapshot, symbol: str, pct: float, **more):
    leg = snapshot.legs[symbol]
    return with_leg(snapshot, symbol, return_pct={**leg.return_pct, "1": pct}, **more)


def test_at_first_all_that_is_known_is_said(scenes):
    live = msgspec.structs.replace(without_figures(scenes["live"], "IWN"), fed=fed_scenes.july())
    sentences = Speaker().sentences(live)
    for sentence in (
        "This is a demo, not the market now.",
        "The exchange is open.",
        "IWM 221.28, up 1.9 percent on the day.",
        "IWM has risen for 5 sessions, today included.",
        "IWM is up 9.9 percent over 5 sessions, the most since 27 May 2020.",
        "IWM is 10.3 points ahead of QQQ over 5 sessions, the most since 14 Nov 2016.",
        "IWM has beaten QQQ for 4 sessions.",
        "A Fed cut on 31 Jul 2024 is priced at 8 percent (DELAYED 10m).",
    ):
        assert sentence in sentences, sentences
    assert not any("IWN" in sentence and "percent" in sentence for sentence in sentences), (
        "unknown is not said"
    )


@pytest.mark.parametrize("scene", ["live", "closed", "cached", "empty"])
def test_sentences_are_words_and_one_line_each(scenes, scene):
    for fed in fed_scenes.all_scenes().values():
        for sentence in Speaker().sentences(msgspec.structs.replace(scenes[scene], fed=fed)):
            assert sentence.isascii()
            assert sentence.isprintable()
            assert re.fullmatch(r"[A-Z^].*\.", sentence), sentence


def test_what_has_not_changed_is_not_said_again(scenes):
    speaker, live = Speaker(), scenes["live"]
    speaker.sentences(live)
    assert speaker.sentences(live) == []
    assert speaker.sentences(moved(live, "IWM", 1.95, last=221.43)) == [], "less than a tenth of a percent"
    later = moved(live, "IWM", 2.0, last=221.54)
    assert speaker.sentences(later) == ["IWM 221.54, up 2.0 percent on the day."]
    assert speaker.sentences(moved(live, "IWM", 1.95)) == [], "it does not flutter at an edge"


def test_a_price_that_goes_bad_and_comes_back_is_said_each_time(scenes):
    speaker, live = Speaker(), scenes["live"]
    speaker.sentences(live)
    stale = with_leg(live, "QQQ", status=PriceStatus(Kind.STALE, age_s=42.0))
    older = with_leg(live, "QQQ", status=PriceStatus(Kind.STALE, age_s=43.0))
    assert speaker.sentences(stale) == ["QQQ: the price is STALE 42s."]
    assert speaker.sentences(older) == [], "an age that grows is no change"
    assert speaker.sentences(live) == ["QQQ has good prices again."]
    assert speaker.sentences(stale) == ["QQQ: the price is STALE 42s."]


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (PriceStatus(Kind.LIVE, age_s=2.0), "8 percent."),
        (PriceStatus(Kind.DEMO), "8 percent."),
        (PriceStatus(Kind.CLOSED), "8 percent (CLOSED)."),
        (PriceStatus(Kind.STALE, age_s=7200.0), "8 percent (STALE 2h)."),
        (None, "8 percent (OFFLINE)."),
    ],
)
def test_odds_are_said_with_what_they_are_worth(scenes, status, end):
    fed = msgspec.structs.replace(fed_scenes.july(), status=status)
    sentences = Speaker().sentences(msgspec.structs.replace(scenes["live"], fed=fed))
    assert f"A Fed cut on 31 Jul 2024 is priced at {end}" in sentences


def test_odds_that_go_stale_are_said_again_but_not_for_each_second(scenes):
    def priced(status):
        fed = msgspec.structs.replace(fed_scenes.july(), status=status)
        return msgspec.structs.replace(scenes["live"], fed=fed)

    speaker = Speaker()
    speaker.sentences(priced(PriceStatus(Kind.LIVE, age_s=2.0)))
    (stale,) = speaker.sentences(priced(PriceStatus(Kind.STALE, age_s=7200.0)))
    assert stale.endswith("(STALE 2h).")
    assert speaker.sentences(priced(PriceStatus(Kind.STALE, age_s=10_800.0))) == []


def test_the_connection_is_said_once_for_each_change(scenes):
    def connected(kind: Kind, age_s: float):
        connection = Connection(
            kind=kind,
            symbols=(),
            as_of=scenes["live"].as_of,
            age_s=age_s,
            delay_s=0.0,
            venue="",
            source="Yahoo",
            settled=None,
        )
        return msgspec.structs.replace(scenes["live"], connection=connection)

    speaker = Speaker()
    assert "Prices: LIVE 1 s Yahoo." in speaker.sentences(connected(Kind.LIVE, 1.0))
    assert speaker.sentences(connected(Kind.LIVE, 2.0)) == []
    (lost,) = speaker.sentences(connected(Kind.OFFLINE, 53.0))
    assert lost.startswith("Prices: OFFLINE 53 s")
    assert speaker.sentences(connected(Kind.LIVE, 1.0)) == ["Prices: LIVE 1 s Yahoo."]


def test_events_are_said_once(scenes):
    event = DeskEvent(4, scenes["live"].as_of, EventKind.ALERT, "wide", "wide: spread.5.pp ≥ 10.")
    snapshot = msgspec.structs.replace(scenes["live"], events=(event,))
    speaker = Speaker()
    assert speaker.sentences(snapshot)[-1] == "Alert: wide: spread.5.pp > 10."
    assert speaker.sentences(snapshot) == []


async def test_the_command_writes_them(scenes, monkeypatch):
    monkeypatch.setattr(module, "SPEAK_S", 0.0)
    out = io.StringIO()
    desk = ScriptedDesk([scenes["empty"], scenes["live"], scenes["live"], moved(scenes["live"], "DIA", -3.0)])
    async with asyncio.timeout(60):
        await module.watch(desk, None, out, "text")
    lines = out.getvalue().splitlines()
    assert lines[0] == "This is a demo, not the market now."
    assert lines[-1] == "DIA 404.13, down 3.0 percent on the day."
    assert len(lines) == len(set(lines))
