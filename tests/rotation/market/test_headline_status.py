"""What the sentence says of the prices it rests on, word for word, through a whole market."""

from __future__ import annotations

from datetime import date

import pytest

from rotation.desk import Desk
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import from_ns, previous_session, sessions_between
from rotation.status import DEMO, REPLAY, Kind, delayed
from tests.support.core_worlds import Close, history_of
from tests.support.status_worlds import (
    DAY,
    DESK,
    GAPPED,
    HALTED,
    IWM,
    MIN,
    NOON,
    OFF,
    QQQ,
    SLOW,
    YAHOO,
    H,
    S,
    at,
    closes,
    snapshot,
)
from tui.output.text import quotation, text

RUN = f"{IWM} +4.55 %, 3rd gain in a row (2 + today); +15.0 % in 5 sessions"
BEST, WORST, WIDEST, BEHIND = (
    f", {word} on record (since 21 Jul 2022)"
    for word in ("best", "worst", "widest lead", "widest gap behind")
)
PAIR = f"14.7 pp ahead of {QQQ}"
WHOLE = f"{RUN}{BEST}; {PAIR}{WIDEST}."
SATURDAY = f"{IWM} +15.00 % on 19 Jul, first gain (0 + 1 provisional)"
YESTERDAY = WHOLE.replace(" (2 + today)", "").replace("+4.55 %", "+4.55 % on 16 Jul")

CASES = {
    "both live": ({}, WHOLE),
    "one live, 59 s behind and not stale yet": (
        {"moment": "2024-07-16 09:30:20", "iwm_age_s": 1.0, "qqq_age_s": 60.0}, WHOLE,
    ),
    "one halted for 3 h": (
        {"iwm": HALTED, "iwm_age_s": 3 * H},
        f"IWM HALTED 3 h: {RUN}; ≈ {PAIR}, IWM 3 h and QQQ 1 s old.",
    ),
    "the other halted for 3 h": (
        {"qqq": HALTED, "qqq_age_s": 3 * H},
        f"QQQ HALTED 3 h: {RUN}{BEST}; ≈ {PAIR}, IWM 1 s and QQQ 3 h old.",
    ),
    "halted a moment ago": ({"iwm": HALTED, "iwm_age_s": 20.0}, f"IWM HALTED 20 s: {WHOLE}"),
    "both halted for 3 h": (
        {"iwm": HALTED, "qqq": HALTED, "iwm_age_s": 3 * H, "qqq_age_s": 3 * H},
        f"IWM and QQQ HALTED 3 h: {RUN}; {PAIR}.",
    ),
    "one stale": (
        {"qqq_age_s": 5 * MIN},
        f"QQQ STALE 5 min: {RUN}{BEST}; ≈ {PAIR}, IWM 1 s and QQQ 5 min old.",
    ),
    "one stale within the limit": ({"qqq_age_s": 42.0}, f"QQQ STALE 42 s: {WHOLE}"),
    "both stale, apart": (
        {"iwm_age_s": 2 * MIN, "qqq_age_s": 5 * MIN},
        f"IWM STALE 2 min, QQQ STALE 5 min: {RUN}; ≈ {PAIR}, IWM 2 min and QQQ 5 min old.",
    ),
    "delayed against live": (
        {"qqq": SLOW, "qqq_age_s": 15 * MIN},
        f"QQQ 15 min late: {RUN}{BEST}; ≈ {PAIR}, IWM 1 s and QQQ 15 min old.",
    ),
    "both delayed alike": (
        {"iwm": SLOW, "qqq": SLOW, "iwm_age_s": 15 * MIN, "qqq_age_s": 15 * MIN + 2},
        f"IWM and QQQ 15 min late: {WHOLE}",
    ),
    "one gapped, its price fresh": ({"iwm": GAPPED}, f"IWM GAPPED (price 1 s old): {WHOLE}"),
    "one gapped for long": (
        {"iwm": GAPPED, "iwm_age_s": 2 * H},
        f"IWM GAPPED (price 2 h old): {RUN}; ≈ {PAIR}, IWM 2 h and QQQ 1 s old.",
    ),
    "connection lost, both ten minutes ago": (
        {"iwm": OFF, "qqq": OFF, "iwm_age_s": 10 * MIN, "qqq_age_s": 10 * MIN},
        f"IWM and QQQ OFFLINE 10 min: {RUN}; {PAIR}.",
    ),
    "halted against delayed": (
        {"iwm": HALTED, "iwm_age_s": 3 * H, "qqq": SLOW, "qqq_age_s": 15 * MIN},
        f"IWM HALTED 3 h, QQQ 15 min late: {RUN}; ≈ {PAIR}, IWM 3 h and QQQ 15 min old.",
    ),
    "after the bell, before the official close": (
        {"moment": "2024-07-16 16:10", "iwm_age_s": 10 * MIN + 1, "qqq_age_s": 10 * MIN + 1}, WHOLE,
    ),
    "closed": (
        {"moment": "2024-07-16 18:00", "last": DAY, "iwm_age_s": None, "qqq_age_s": None},
        WHOLE.replace(" (2 + today)", ""),
    ),
    "weekend": (
        {"moment": "2024-07-20 12:00", "last": date(2024, 7, 19), "iwm_age_s": None, "qqq_age_s": None},
        f"{IWM} 0.00 % on 19 Jul, unchanged; −4.8 % in 5 sessions{WORST}; 5.0 pp behind {QQQ}{BEHIND}.",
    ),
    "Saturday, the official closes never came": (
        {"moment": "2024-07-20 12:00", "last": date(2024, 7, 18), "iwm_age_s": 20 * H, "qqq_age_s": 20 * H},
        f"{SATURDAY}; +9.5 % in 5 sessions; 9.3 pp ahead of {QQQ}.",
    ),
    "next morning before the bell, last night's prints": (
        {"moment": "2024-07-17 08:00", "iwm_age_s": 16 * H + 1, "qqq_age_s": 16 * H + 1},
        YESTERDAY.replace("in a row", "in a row (2 + 1 provisional)"),
    ),
    "next morning after the bell, last night's prints": (
        {"moment": "2024-07-17 09:31", "iwm_age_s": 17.5 * H + 61, "qqq_age_s": 17.5 * H + 61},
        f"IWM and QQQ STALE 17 h: {YESTERDAY.replace('in a row', 'in a row (2 + 1 provisional)')}"
        .replace(BEST, "").replace(WIDEST, ""),
    ),
    "three days later at noon, last week's prints": (
        {"moment": "2024-07-19 12:00", "iwm_age_s": 68 * H + 1, "qqq_age_s": 68 * H + 1},
        f"IWM and QQQ STALE 2 d: {YESTERDAY.replace('in a row', 'in a row (2 + 1 provisional)')}"
        .replace(BEST, "").replace(WIDEST, ""),
    ),
    "next morning, a pre-market print of yesterday": (
        {"moment": "2024-07-17 08:00", "iwm_age_s": 23 * H, "qqq_age_s": 23 * H},
        f"IWM and QQQ STALE 23 h: {YESTERDAY.replace('in a row', 'in a row (2 + pre-market)')}"
        .replace(BEST, "").replace(WIDEST, ""),
    ),
    "just after the opening, a pre-market print": (
        {"moment": "2024-07-16 09:30:20", "iwm_age_s": 30.0, "qqq_age_s": 30.0},
        WHOLE.replace("today", "pre-market"),
    ),
    "closes of 209 days ago, nothing since": (
        {
            "moment": "2025-02-10 11:00", "last": DAY, "iwm_age_s": None, "qqq_age_s": None,
            "iwm": Provenance(), "qqq": Provenance(),
        },
        f"IWM and QQQ OFFLINE (close of 16 Jul 2024): {YESTERDAY.replace('on 16 Jul', 'on 16 Jul 2024')}",
    ),
    "closes of 209 days ago under a live feed that is silent": (
        {"moment": "2025-02-10 11:00", "last": DAY, "iwm_age_s": None, "qqq_age_s": None},
        f"IWM and QQQ STALE 209 d (close of 16 Jul 2024): {YESTERDAY.replace('on 16 Jul', 'on 16 Jul 2024')}",
    ),
    "yesterday's closes before the bell": (
        {"moment": "2024-07-17 08:00", "last": DAY, "iwm_age_s": None, "qqq_age_s": None}, YESTERDAY,
    ),
    "yesterday's closes while trading goes on without us": (
        {
            "moment": "2024-07-17 11:00", "last": DAY, "iwm_age_s": None, "qqq_age_s": None,
            "iwm": Provenance(), "qqq": Provenance(),
        },
        f"IWM and QQQ OFFLINE (close of 16 Jul 2024): {YESTERDAY}",
    ),
    "pre-market": (
        {"moment": "2024-07-16 08:00", "iwm_age_s": 5 * MIN, "qqq_age_s": 10 * S},
        WHOLE.replace("today", "pre-market"),
    ),
    "pre-market, a quarter of an hour apart": (
        {"moment": "2024-07-16 08:00", "iwm_age_s": 20 * MIN, "qqq_age_s": 10 * S},
        f"IWM STALE 20 min: {RUN.replace('today', 'pre-market')}; ≈ {PAIR}, IWM 20 min and QQQ 10 s old.",
    ),
    "pre-market, the other has not traded": (
        {"moment": "2024-07-16 08:00", "qqq_age_s": None},
        f"{RUN.replace('today', 'pre-market')}{BEST}.",
    ),
    "the other has not printed today": (
        {"qqq": OFF, "qqq_age_s": None},
        f"QQQ OFFLINE (close of 15 Jul 2024): {RUN}{BEST}.",
    ),
    "the base has not printed today": (
        {"iwm": OFF, "iwm_age_s": None}, f"{IWM}: today's price is not known yet.",
    ),
    "demo": (
        {"iwm": Provenance(DEMO, "demo"), "qqq": Provenance(DEMO, "demo"), "iwm_age_s": 40.0}, WHOLE,
    ),
    "replay": (
        {"iwm": Provenance(REPLAY, "tape"), "qqq": Provenance(REPLAY, "tape"), "iwm_age_s": 40.0}, WHOLE,
    ),
    "replay of bars of different lengths": (
        {"iwm": Provenance(REPLAY, "tape"), "qqq": Provenance(REPLAY, "tape"), "qqq_age_s": 55 * MIN},
        f"{RUN}{BEST}; ≈ {PAIR}, IWM 1 s and QQQ 55 min old.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("how", "sentence"), CASES.values(), ids=CASES)
def test_the_sentence(how, sentence: str):
    assert snapshot(**how).headline == sentence


@pytest.mark.parametrize(("how", "sentence"), CASES.values(), ids=CASES)
def test_the_text_and_the_copied_sentence_say_the_same(how, sentence: str):
    taken = snapshot(**how)
    mark = {"DEMO": "DEMO: ", "REPLAY": "REPLAY: "}.get(taken.mode, "")
    assert quotation(taken).startswith(mark + sentence + " [")
    report = text(taken)
    assert sentence in report.splitlines()
    assert ("≈ prices from different times: " in report) is ("≈" in sentence)
    spread = report.split("relative streak")[1]
    assert ("≈" in sentence) <= ("since" not in spread), "no record on a figure that is not of one instant"
    wrong = sentence.partition(": ")[0] if ": " in sentence else ""
    known = "pp ahead" in sentence or "pp behind" in sentence
    assert not (wrong and known and "≈" not in sentence) or wrong in spread


def test_a_halted_leg_against_a_live_one_claims_no_record():
    """Issue 10, item 2: an unmarked "4.2 pp ahead, widest on record" over a print of three hours ago."""
    taken = snapshot(iwm=HALTED, iwm_age_s=3 * H)
    assert taken.headline.startswith("IWM HALTED 3 h: ")
    assert "widest" not in taken.headline
    assert "best" not in taken.headline
    for status in (*(w.status for w in taken.spread.windows.values()), taken.ratio.status):
        assert (status.kind, status.worst, status.apart) == (Kind.HALTED, "IWM", True)
        assert status.gap_s == pytest.approx(3 * H - 1)
        assert status.age_s == pytest.approx(3 * H)
    assert (taken.headline_status.kind, taken.headline_status.worst) == (Kind.HALTED, "IWM")


def test_the_limit_is_the_desks():
    how = {"qqq": SLOW, "qqq_age_s": 15 * MIN}
    assert snapshot(**how).ratio.status.apart
    wide = Desk(legs=("IWM", "QQQ"), leg_gap_s=1000.0)
    assert not snapshot(desk=wide, **how).ratio.status.apart
    assert snapshot(desk=wide, **how).headline == f"QQQ 15 min late: {WHOLE}"
    assert snapshot(moment="2024-07-16 08:00", **how).ratio.status.gap_s == pytest.approx(899)
    assert not snapshot(moment="2024-07-16 08:00", **how).ratio.status.apart, "at thin hours 15 minutes"


def test_every_leg_says_its_kind_time_delay_venue_and_source():
    taken = snapshot(qqq=Provenance(delayed(15, "IEX"), "Alpaca"), qqq_age_s=15 * MIN)
    status = taken.legs["QQQ"].status
    assert (status.kind, status.age_s, status.delay_s) == (Kind.DELAYED, 900.0, 900.0)
    assert (status.venue, status.source) == ("IEX", "Alpaca")
    assert status.as_of == from_ns(at("2024-07-16 12:45"))
    assert taken.legs["QQQ"].state == "DELAYED 15m"
    assert taken.spread.windows["5"].status.venue == "IEX"


def test_value_against_growth_is_closed_while_its_closes_are_the_latest():
    rows = [Close(symbol, day, 100.0, 100.0) for symbol in ("IWN", "IVW") for day in
            sessions_between(date(2024, 7, 1), date(2024, 7, 15))]  # fmt: skip
    for moment, kind in (
        (NOON, Kind.CLOSED),
        ("2024-07-16 16:10", Kind.CLOSED),  # the new closes are not official yet
        ("2024-07-17 12:00", Kind.STALE),
    ):
        market = Market(history_of(closes() + rows), DESK, as_of_ns=at(moment), origin=YAHOO)
        growth = market.apply((), as_of_ns=at(moment)).value_growth
        assert growth.session == previous_session(DAY)
        assert (growth.status.kind, growth.status.gap_s, growth.status.apart) == (kind, 0.0, False)


def test_without_the_pair_there_is_no_status():
    as_of_ns = at(NOON)
    market = Market(history_of(closes()), Desk(legs=("IWM",)), as_of_ns=as_of_ns, origin=YAHOO)
    taken = market.apply((Quote("IWM", as_of_ns - NS, 115.0),), as_of_ns=as_of_ns)
    assert (taken.ratio.status, taken.spread.windows["5"].status) == (None, None)
    assert taken.headline_status.worst == "IWM"
    assert taken.headline == f"{RUN}{BEST}."
