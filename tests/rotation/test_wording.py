"""English for what a price is worth: every kind and every refusal has its words."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from rotation.fed.prices import NoQuote
from rotation.sessions import NEW_YORK
from rotation.status import DEMO, LIVE, Connection, Kind, Mode, PriceStatus, Refusal, delayed
from rotation.wording import (
    QUIET,
    ages,
    clause,
    connection_words,
    mode_word,
    parse_word,
    state_word,
    word,
)

WORDS = {
    Kind.LIVE: "LIVE",
    Kind.CLOSED: "CLOSED",
    Kind.PROVISIONAL: "PROVISIONAL",
    Kind.DELAYED: "DELAYED 15m",
    Kind.REPLAY: "REPLAY",
    Kind.GAPPED: "GAPPED",
    Kind.HALTED: "HALTED",
    Kind.STALE: "STALE 3h",
    Kind.OFFLINE: "OFFLINE",
    Kind.UNADJUSTED: "UNADJUSTED",
    Kind.DEMO: "DEMO",
}
CLAUSES = {
    Kind.DELAYED: "15 min late",
    Kind.GAPPED: "GAPPED (price 3 h old)",
    Kind.HALTED: "HALTED 3 h",
    Kind.STALE: "STALE 3 h",
    Kind.OFFLINE: "OFFLINE 3 h",
    Kind.UNADJUSTED: "UNADJUSTED (possible split)",
}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_word_that_fits_its_column(kind: Kind):
    status = PriceStatus(kind, age_s=3 * 3600.0, delay_s=900.0)
    assert word(status) == WORDS[kind]
    assert len(word(status)) <= 11


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_clause_or_needs_none(kind: Kind):
    status = PriceStatus(kind, age_s=3 * 3600.0, delay_s=900.0)
    assert clause(status) == CLAUSES.get(kind, "")
    assert (kind in QUIET) is (kind not in CLAUSES)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_a_word(refusal: Refusal):
    assert state_word(refusal) == {"AUTH_FAILED": "AUTH_FAILED", "TAKEN_OVER": "TAKEN OVER"}[refusal.name]


@pytest.mark.parametrize("state", [*Kind, *Refusal])
def test_what_was_written_as_a_word_is_read_back(state):
    written = state_word(state, delay_s=900.0, age_s=3 * 3600.0)
    expected_s = (900.0 if state is Kind.DELAYED else 0.0, 3 * 3600.0 if state is Kind.STALE else None)
    assert parse_word(written) == (state, *expected_s)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("STALE 42s", (Kind.STALE, 0.0, 42.0)),
        ("STALE 749d", (Kind.STALE, 0.0, 749 * 86_400.0)),
        ("DELAYED 10m", (Kind.DELAYED, 600.0, None)),
        ("STALE", (Kind.STALE, 0.0, None)),
        ("", (Kind.OFFLINE, 0.0, None)),
        ("DELAYED soon", (Kind.OFFLINE, 0.0, None)),
        ("live", (Kind.OFFLINE, 0.0, None)),
    ],
)
def test_words_of_older_recordings(text: str, parsed):
    assert parse_word(text) == parsed


def test_a_missed_closing_auction_is_said():
    status = PriceStatus(Kind.PROVISIONAL, age_s=300.0, auction_missing=True)
    assert clause(status) == "PROVISIONAL (closing auction missed)"


@pytest.mark.parametrize(
    ("symbols", "venue", "line"),
    [
        (("IWM", "QQQ"), "", "PROVISIONAL, NO AUCTION · last 15:59"),
        (("IWM", "QQQ"), "IEX", "PROVISIONAL, NO AUCTION · last 15:59"),
        (("IWM",), "", "IWM PROVISIONAL, NO AUCTION"),
    ],
)
def test_a_missed_closing_auction_stands_in_the_first_line(symbols, venue: str, line: str):
    """The time of the price gives way to it on the smallest screen."""
    made, now = (datetime(2024, 7, 16, *clock, tzinfo=NEW_YORK) for clock in ((15, 59, 50), (16, 5)))
    connection = Connection(
        Kind.PROVISIONAL, symbols, made, 310.0, 0.0, venue, "a feed", None, auction_missing=True
    )
    assert connection_words(connection, now) == line
    assert len(f"✖ {line}") <= 40


def test_a_settled_close_is_named_by_its_day():
    close = PriceStatus(Kind.OFFLINE, age_s=86_400.0)
    assert clause(close, date(2024, 7, 15)) == "OFFLINE (close of 15 Jul 2024)"
    old = PriceStatus(Kind.STALE, age_s=4 * 86_400.0)
    assert clause(old, date(2024, 7, 12)) == "STALE 4 d (close of 12 Jul 2024)"
    assert clause(PriceStatus(Kind.HALTED)) == "HALTED"


def test_modes():
    assert [mode_word(mode) for mode in (LIVE, delayed(15), DEMO, Mode(Kind.OFFLINE))] == [
        "LIVE", "DELAYED 15m", "DEMO", "OFFLINE",
    ]  # fmt: skip
    assert (LIVE.is_live, delayed(15).is_live, DEMO.is_live) == (True, True, False)


def test_both_ages():
    pair = {"IWM": PriceStatus(Kind.HALTED, age_s=10_800.0), "QQQ": PriceStatus(Kind.LIVE, age_s=1.5)}
    assert ages(pair) == "IWM 3 h and QQQ 1 s old"
    assert ages({"IWM": PriceStatus(Kind.OFFLINE), "QQQ": PriceStatus(Kind.LIVE, age_s=61.0)}) == (
        "IWM ? and QQQ 1 min old"
    )


@pytest.mark.parametrize("flag", NoQuote)
def test_every_flag_of_a_contract_is_english(flag: NoQuote):
    assert flag.value.endswith(", last settlement used")
    assert "_" not in flag.value
