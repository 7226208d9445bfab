"""Every reason has its English: a kind without a wording, or one that reads like code, fails here."""

from __future__ import annotations

import pytest

from feeds.events import Status
from feeds.streaming import wording
from feeds.streaming.reasons import CorrectionsWait, Jump, NoBars, Reason, Why
from feeds.streaming.states import after_refusals
from rotation.quote import PrintFault, Quote
from tests.support.fake_time import NOW_NS

FULL = {"seconds": 61.0, "code": 404, "symbol": "IWM", "message": "the plan does not include this feed (409)"}
QUOTE = Quote("IWM", NOW_NS, float("nan"))


def reads_well(text: str) -> bool:
    return bool(text) and text.isprintable() and "_" not in text and "{" not in text and "None" not in text


@pytest.mark.parametrize("why", Why)
def test_every_reason(why):
    texts = [wording.of_reason(Reason(why, **FULL)), wording.of_refusal(Reason(why, **FULL))]
    texts += [wording.of_retry(Reason(why, **FULL), wait_s) for wait_s in (None, 0.2, 3600.0)]
    assert all(reads_well(text) for text in texts), texts


def test_no_two_reasons_read_the_same():
    texts = [wording.of_reason(Reason(why, **FULL)) for why in Why]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("fault", [*PrintFault, Jump(286.0, 0.1)])
def test_every_print_fault(fault):
    text = wording.of_fault(QUOTE, fault)
    assert text.startswith("IWM: ")
    assert reads_well(text)


@pytest.mark.parametrize(
    ("note", "text"),
    [
        (CorrectionsWait("HTTP 500"), "corrections delayed: HTTP 500"),
        (NoBars(("IWM", "QQQ")), "Alpaca has no bars to correct IWM, QQQ with"),
        (None, ""),
    ],
)
def test_every_correction_note(note, text):
    assert wording.of_corrections(note, "Alpaca") == text


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason(Why.CLOSED, code=1006), "connection closed (1006)"),
        (Reason(Why.CLOSED), "connection closed (cut)"),
        (Reason(Why.HTTP, code=503), "HTTP 503"),
        (Reason(Why.NO_PRINT, 61.0, symbol="SPY"), "no print of SPY for 1m"),
        (Reason(Why.HOST_NOT_FOUND), "cannot connect: host name not found"),
    ],
)
def test_some_as_they_are_shown(reason, text):
    assert wording.of_reason(reason) == text


def test_what_refused_before_stays_in_the_details():
    refused = [
        ("Alpaca", Status("AUTH_FAILED", "key or secret is wrong (402)")),
        ("Massive", Status("OFFLINE", "HTTP 404")),
    ]
    assert after_refusals(Status("LIVE", "3 of 3 symbols"), refused) == Status(
        "LIVE",
        "Alpaca: AUTH_FAILED (key or secret is wrong (402)); Massive: OFFLINE (HTTP 404); 3 of 3 symbols",
    )
