"""The sentence, word for word."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.desk import NAMES
from rotation.fed.ageing import aged
from rotation.fed.assemble import fed
from rotation.fed.strip.chain import StripCase
from rotation.market.headline import headline
from rotation.sessions import NEW_YORK
from rotation.snapshot import Leg, SincePct, SincePp, Spread, SpreadWindow, Streak
from rotation.status import DEMO, Kind, PriceStatus
from rotation.text import day, ordinal, percent, signed
from tests.support.fed.made import at, settled, traded
from tests.support.fed.strips import CALENDAR, case_of, vector_file

if TYPE_CHECKING:
    from rotation.fed.figures import Fed
    from rotation.fed.strip.contracts import Month

SESSION = date(2024, 7, 16)
NOT_KNOWN = Streak(None, None, provisional=False)
RECORD = date(2000, 5, 26)

IWM = "Russell 2000 (IWM)"
QQQ = "Nasdaq 100 (QQQ)"


def leg(
    symbol: str = "IWM",
    day: float | None = None,
    five: float | None = None,
    streak: Streak = NOT_KNOWN,
    since: SincePct | None = None,
    *,
    hour: int | None = 12,
) -> Leg:
    """``hour``: of the print, New York; None for an official close."""
    as_of = datetime(2024, 7, 16, 16 if hour is None else hour, tzinfo=NEW_YORK)
    age_s = None if hour is None else 1.0
    return Leg(
        name=f"{NAMES[symbol]} ({symbol})",
        last=None,
        state="LIVE",
        status=PriceStatus(Kind.LIVE, as_of=as_of, age_s=age_s),
        age_s=age_s,
        source="",
        session=SESSION,
        high=None,
        low=None,
        volume=None,
        extended=None,
        return_pct={"1": day, "5": five},
        streak=streak,
        base_rate=None,
        since={"1": None, "5": since},
    )


def spread(pp: float | None = None, since: SincePp | None = None) -> Spread:
    return Spread("IWM", "QQQ", NOT_KNOWN, None, {"5": SpreadWindow(pp, since, None, None, 0)})


def sentence_of(base: Leg, pair: Spread | None = None, today: date = SESSION) -> str:
    return headline({"IWM": base, "QQQ": leg("QQQ")}, pair or spread(), SESSION, today=today)


def test_the_sentence_of_the_case_word_for_word():
    """16 July 2024, 10:40 New York, but for the clause on the Fed."""
    base = leg(
        day=1.883143,
        five=9.870907,
        streak=Streak(4, 5, provisional=True),
        since=SincePct(date(2020, 5, 27), 10.018, None),
    )
    pair = spread(10.341001, SincePp(date(2016, 11, 14), 10.401, None))
    assert sentence_of(base, pair) == (
        "Russell 2000 (IWM) +1.88 %, 5th gain in a row (4 + today); +9.9 % in 5 sessions, best since 27 May "
        "2020; 10.3 pp ahead of Nasdaq 100 (QQQ), widest lead since 14 Nov 2016."
    )


@pytest.mark.parametrize(
    ("each", "streak", "sentence"),
    [
        (1.0, Streak(5, 5, provisional=False), "+1.00 %, 5th gain in a row"),
        (1.0, Streak(1, 2, provisional=True), "+1.00 %, 2nd gain in a row (1 + today)"),
        (1.0, Streak(-3, 1, provisional=True), "+1.00 %, first gain (0 + today)"),
        (1.0, Streak(1, 1, provisional=False), "+1.00 %, first gain"),
        (1.0, Streak(None, 1, provisional=True), "+1.00 %, first gain (0 + today)"),
        (-1.25, Streak(-2, -3, provisional=True), "−1.25 %, 3rd fall in a row (2 + today)"),
        (-1.25, Streak(4, -1, provisional=True), "−1.25 %, first fall (0 + today)"),
        (-1.25, Streak(-1, -1, provisional=False), "−1.25 %, first fall"),
        (-1.25, Streak(-11, -11, provisional=False), "−1.25 %, 11th fall in a row"),
        (0.0, Streak(4, 0, provisional=True), "0.00 %, unchanged"),
        (0.0, Streak(0, 0, provisional=False), "0.00 %, unchanged"),
        (0.004, Streak(4, 5, provisional=True), "0.00 %, 5th gain in a row (4 + today)"),
        (-0.004, Streak(-4, -5, provisional=True), "0.00 %, 5th fall in a row (4 + today)"),
        (1.0, NOT_KNOWN, "+1.00 %"),
    ],
)
def test_today_and_the_run(each: float, streak: Streak, sentence: str):
    assert sentence_of(leg(day=each, streak=streak)) == f"{IWM} {sentence}."


def test_before_the_bell_today_is_called_pre_market():
    run = Streak(4, 5, provisional=True)
    assert (
        sentence_of(leg(day=1.0, streak=run, hour=8)) == f"{IWM} +1.00 %, 5th gain in a row (4 + pre-market)."
    )
    assert sentence_of(leg(day=1.0, streak=run, hour=16)) == f"{IWM} +1.00 %, 5th gain in a row (4 + today)."
    settled = leg(day=1.0, streak=Streak(5, 5, provisional=False), hour=None)
    assert sentence_of(settled) == f"{IWM} +1.00 %, 5th gain in a row."


@pytest.mark.parametrize(
    ("today", "when"),
    [
        (date(2024, 7, 17), "on 16 Jul"),
        (date(2024, 7, 20), "on 16 Jul"),
        (date(2025, 1, 2), "on 16 Jul 2024"),
    ],
)
def test_another_days_figures_carry_their_day(today: date, when: str):
    """The words are the data's: it once read "(29 + pre-market)" of last night's print, the next morning."""
    run = Streak(4, 5, provisional=True)
    printed = leg(day=1.0, streak=run)
    assert (
        sentence_of(printed, today=today) == f"{IWM} +1.00 % {when}, 5th gain in a row (4 + 1 provisional)."
    )
    early = leg(day=1.0, streak=run, hour=8)
    assert sentence_of(early, today=today) == f"{IWM} +1.00 % {when}, 5th gain in a row (4 + pre-market)."
    closed = leg(day=1.0, streak=Streak(5, 5, provisional=False), hour=None)
    assert sentence_of(closed, today=today) == f"{IWM} +1.00 % {when}, 5th gain in a row."
    assert sentence_of(leg(five=9.87, hour=None), today=today) == f"{IWM} {when}: +9.9 % in 5 sessions."
    assert sentence_of(leg(hour=None), today=today) == f"{IWM}: no price {when}."


@pytest.mark.parametrize(
    ("five", "since", "clause"),
    [
        (9.87, SincePct(date(2020, 5, 27), 10.0, None), "+9.9 % in 5 sessions, best since 27 May 2020"),
        (-9.87, SincePct(date(2020, 3, 3), -10.0, None), "−9.9 % in 5 sessions, worst since 3 Mar 2020"),
        (9.87, SincePct(None, None, RECORD), "+9.9 % in 5 sessions, best on record (since 26 May 2000)"),
        (-9.87, SincePct(None, None, RECORD), "−9.9 % in 5 sessions, worst on record (since 26 May 2000)"),
        (0.5, SincePct(date(2020, 5, 27), 0.6, None), "+0.5 % in 5 sessions, best since 27 May 2020"),
        (0.0, SincePct(date(2020, 5, 27), 0.6, None), "0.0 % in 5 sessions, best since 27 May 2020"),
        (9.87, None, "+9.9 % in 5 sessions"),
        # What was so a month ago is no news.
        (9.87, SincePct(date(2024, 6, 16), 10.0, None), "+9.9 % in 5 sessions"),
        (9.87, SincePct(date(2024, 6, 15), 10.0, None), "+9.9 % in 5 sessions, best since 15 Jun 2024"),
        (0.04, SincePct(date(2024, 7, 15), 1.0, None), "0.0 % in 5 sessions"),
    ],
)
def test_five_sessions(five: float, since: SincePct | None, clause: str):
    base = leg(day=1.0, five=five, since=since)
    assert sentence_of(base) == f"{IWM} +1.00 %; {clause}."


@pytest.mark.parametrize(
    ("pp", "since", "clause"),
    [
        (
            10.34,
            SincePp(date(2016, 11, 14), 10.4, None),
            f"10.3 pp ahead of {QQQ}, widest lead since 14 Nov 2016",
        ),
        (
            -10.34,
            SincePp(date(2016, 11, 14), -11.0, None),
            f"10.3 pp behind {QQQ}, widest gap behind since 14 Nov 2016",
        ),
        (
            10.34,
            SincePp(None, None, RECORD),
            f"10.3 pp ahead of {QQQ}, widest lead on record (since 26 May 2000)",
        ),
        (-10.34, SincePp(date(2024, 7, 1), -11.0, None), f"10.3 pp behind {QQQ}"),
        (0.5, None, f"0.5 pp ahead of {QQQ}"),
        (0.04, SincePp(date(2016, 11, 14), 10.4, None), f"level with {QQQ}"),
        (-0.04, None, f"level with {QQQ}"),
        (0.0, None, f"level with {QQQ}"),
    ],
)
def test_the_pair(pp: float, since: SincePp | None, clause: str):
    assert sentence_of(leg(day=1.0), spread(pp, since)) == f"{IWM} +1.00 %; {clause}."


def test_what_is_unknown_is_left_out_and_never_the_name():
    assert sentence_of(leg()) == f"{IWM}: today's price is not known yet."
    assert sentence_of(leg(five=9.87)) == f"{IWM} +9.9 % in 5 sessions."
    assert (
        sentence_of(leg(five=9.87), spread(10.34)) == f"{IWM} +9.9 % in 5 sessions; 10.3 pp ahead of {QQQ}."
    )


def test_without_a_leg_or_a_session_it_says_so():
    assert headline({}, spread(), SESSION, today=SESSION) == "No price for IWM yet."
    assert headline({"IWM": leg(day=1.0)}, spread(), None, today=SESSION) == "No price for IWM yet."
    assert headline({"IWM": leg(day=1.0)}, spread(3.0), SESSION, today=SESSION) == f"{IWM} +1.00 %."


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1.875, 1, "+1.9"), (-1.26, 1, "−1.3"), (0.04, 1, "0.0"), (-0.04, 1, "0.0"), (0.05, 2, "+0.05")],
)
def test_signed(value: float, decimals: int, text: str):
    assert signed(value, decimals) == text


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (10, "10th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (22, "22nd"),
        (23, "23rd"),
        (101, "101st"),
        (111, "111th"),
        (112, "112th"),
    ],
)
def test_ordinals(n: int, text: str):
    assert ordinal(n) == text


@pytest.mark.parametrize("month", range(1, 13))
def test_days_are_in_english(month: int):
    names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    assert day(date(2024, month, 5)) == f"5 {names[month - 1]} 2024"


# The next decision -------------------------------------------------------------------------------------

JULY_2024 = {(2024, 7): 94.67, (2024, 8): 94.69, (2024, 9): 94.79, (2024, 10): 94.94}
"""The prices below CME's export of 16 July 2024: hold on 18 September 0, one cut 92 %, two 8 %."""


def known(prices: dict[Month, float], day: date = date(2024, 7, 16), clock: str = "12:00", **more) -> Fed:
    case = StripCase(day, (525, 550), CALENDAR, prices)
    figures = fed(msgspec.structs.replace(traded(case, at(day, clock)), **more), at(day, clock))
    assert figures is not None
    return figures


def clause(figures: Fed | None) -> str:
    sentence = headline({"IWM": leg(day=1.0)}, spread(), SESSION, figures, today=SESSION)
    return sentence.removeprefix(f"{IWM} +1.00 %").removeprefix("; ").removesuffix(".")


def test_the_cut_of_the_desks_story():
    known_inputs = known(JULY_2024)
    july, september = known_inputs.meetings[:2]
    assert (july.date, july.cut) == (date(2024, 7, 31), pytest.approx(0.08))
    assert september.outcomes == pytest.approx({"475-500": 0.08, "500-525": 0.92}, abs=6e-7)
    assert clause(known_inputs) == "cut on 18 Sep priced at 100 %"


def test_a_degraded_meeting_keeps_its_mark():
    known_inputs = known(JULY_2024)
    july, september, *later = known_inputs.meetings
    filled = msgspec.structs.replace(september, state="degraded")
    assert clause(msgspec.structs.replace(known_inputs, meetings=(july, filled, *later))) == (
        "cut on 18 Sep priced at ~100 %"
    )


def test_the_same_from_cmes_own_file(shared_data):
    raw = vector_file(shared_data, "cme_export_partial_2024-07")["cases"]
    for each in raw:
        case = case_of(each)
        now = at(case.watch_date, "12:00")
        assert clause(fed(traded(case, now), now)) == "cut on 18 Sep priced at 100 %"


def test_the_first_meeting_that_is_likelier_than_not_else_the_next():
    def strip(*steps: float) -> Fed:
        """November's, December's and January's steps of 2024/25, from October's 5.33 on."""
        rates = [5.33]
        for step in steps:
            rates.append(rates[-1] + step / 4)
        # November rests on October and December's block, so their own months' averages are day-weighted.
        months = {date(2024, 11, 7): 0, date(2024, 12, 18): 1, date(2025, 1, 29): 2}
        prices = {(2024, 10): 100 - rates[0], (2025, 2): 100 - rates[-1]}
        for decision, i in months.items():
            days = 30 if decision.month == 11 else 31
            average = (decision.day * rates[i] + (days - decision.day) * rates[i + 1]) / days
            prices[decision.year, decision.month] = 100 - average
        return known(prices, date(2024, 10, 15))

    assert clause(strip(-0.3, 0.0, 0.0)) == "cut on 7 Nov priced at 30 %"
    assert clause(strip(-0.5, -1.0, 0.0)) == "cut on 7 Nov priced at 50 %"
    assert clause(strip(-0.3, -0.6, 0.0)) == "cut on 18 Dec priced at 72 %"
    assert clause(strip(-0.1, -0.1, -0.1)) == "cut on 7 Nov priced at 10 %"
    assert clause(strip(0.35, 0.0, 0.0)) == "hike on 7 Nov priced at 35 %"
    assert clause(strip(0.35, 0.6, 0.0)) == "hike on 18 Dec priced at 74 %"
    assert clause(strip(0.0, 0.0, 1.0)) == "hike on 29 Jan priced at 100 %"
    assert clause(strip(0.0, 0.0, 0.0)) == "cut on 7 Nov priced at 0 %"
    assert clause(strip(-0.004, 0.0, 0.0)) == "cut on 7 Nov priced at under 1 %"
    assert clause(strip(-0.999, 0.0, 0.0)) == "cut on 7 Nov priced at over 99 %"


def test_what_is_old_says_so():
    known_inputs = known(JULY_2024)
    assert clause(aged(known_inputs, at("2024-07-16", "15:00"))) == "cut on 18 Sep priced at 100 % (STALE 3h)"
    day = date(2024, 7, 16)
    case = StripCase(day, (525, 550), CALENDAR, JULY_2024)
    inputs = settled(case, date(2024, 7, 15))
    assert clause(fed(inputs, at(day))) == "cut on 18 Sep priced at 100 % (settled 15 Jul)"
    assert clause(fed(inputs, at(day, "23:59"))) == "cut on 18 Sep priced at 100 % (settled 15 Jul)"
    demo = msgspec.structs.replace(inputs, strip_mode=DEMO)
    assert clause(fed(demo, at(day))) == "cut on 18 Sep priced at 100 %"
    assert clause(fed(inputs, at("2024-07-17"))) == "cut on 18 Sep priced at 100 % (STALE 2d)"
    undated = tuple(msgspec.structs.replace(each, settle_date=None, ts_ns=None) for each in inputs.strip)
    inputs = msgspec.structs.replace(inputs, strip=undated)
    assert clause(fed(inputs, at(day))) == "cut on 18 Sep priced at 100 % (OFFLINE)"
    assert clause(known(JULY_2024, strip_mode=DEMO)) == "cut on 18 Sep priced at 100 %"


def test_the_decision_stands_alone_where_today_is_not_known():
    """It once read "Russell 2000 (IWM) cut on 18 Sep priced at 100 %."."""
    known_inputs = known(JULY_2024)
    assert headline({"IWM": leg()}, spread(), SESSION, known_inputs, today=SESSION) == (
        f"{IWM}: today's price is not known yet; cut on 18 Sep priced at 100 %."
    )


def test_without_figures_there_is_no_clause():
    assert clause(None) == ""
    assert clause(known(JULY_2024, strip=())) == ""
    assert clause(known(JULY_2024, target_range_bp=None)) == "cut on 18 Sep priced at 100 %"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "0"), (1e-9, "under 1"), (0.0049, "under 1"), (0.005, "under 1"), (0.0051, "1"), (0.5, "50"),
        (0.724, "72"), (0.9949, "99"), (0.995, "over 99"), (1 - 1e-9, "over 99"), (1.0, "100"),
    ],
)  # fmt: skip
def test_what_is_not_certain_never_reads_so(p: float, text: str):
    assert percent(p) == text


@given(st.floats(0, 1))
def test_per_cent_is_whole_and_near(p: float):
    text = percent(p)
    if text in ("0", "100"):
        assert p == int(text) / 100
    elif text.isdigit():
        assert abs(100 * p - int(text)) <= 0.5 + 1e-9
    else:
        assert text in ("under 1", "over 99")
        assert min(p, 1 - p) <= 0.005 + 1e-9
