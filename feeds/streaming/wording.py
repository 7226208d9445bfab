"""The English of every reason a stream can give: the only place in ``feeds.streaming`` that writes any."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from feeds.streaming.reasons import CorrectionsWait, Jump, NoBars, Why
from rotation.quote import PrintFault, bad_price
from rotation.text import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.reasons import Reason
    from rotation.quote import Quote

_FIXED = {
    Why.CONNECTING: "connecting",
    Why.AUTHENTICATING: "authenticating",
    Why.HOST_NOT_FOUND: "cannot connect: host name not found",
    Why.NO_TLS: "cannot connect: no trusted TLS connection",
    Why.REFUSED: "cannot connect: connection refused",
    Why.NO_ANSWER: "cannot connect: no answer in time",
    Why.NOT_A_WEBSOCKET: "cannot connect: not a websocket server",
    Why.NO_SOCKS: "a SOCKS proxy needs the package python-socks",
    Why.UNREACHABLE: "cannot connect",
    Why.BAD_ADDRESS: "cannot connect: invalid host or port in the address",
    Why.INTERNAL: "internal error",
    Why.NO_AUTHENTICATION: "no answer to the authentication",
    Why.SEND_BLOCKED: "the server has stopped reading",
    Why.PLANNED: "reconnecting before the open, as planned",
}
_TIMED = {
    Why.NO_PONG: "no pong for {for_}",
    Why.NOTHING_RECEIVED: "nothing received for {for_}",
    Why.NO_DATA: "no data for {for_}",
    Why.NO_PRINT: "no print of {symbol} for {for_}",
}
_FAULTS = {
    PrintFault.RANGE: "close outside the bar's high and low",
    PrintFault.SIZE: "negative size",
    PrintFault.TIME: "implausible time",
}


def of_reason(reason: Reason) -> str:
    """Why there is no subscription, for the Health panel."""
    if reason.why in _FIXED:
        return _FIXED[reason.why]
    if reason.why in _TIMED:
        return _TIMED[reason.why].format(for_=duration(reason.seconds or 0.0), symbol=reason.symbol)
    if reason.why is Why.CLOSED:
        return f"connection closed ({reason.code or 'cut'})"
    if reason.why is Why.REDIRECT:
        return f"redirected (HTTP {reason.code}), not followed"
    return f"HTTP {reason.code}" if reason.why is Why.HTTP else reason.message


def of_refusal(reason: Reason) -> str:
    """The same where it is final: the vendor is not asked again until the configuration changes."""
    text = of_reason(reason)
    return f"{text}: refused, will not retry" if reason.why is Why.HTTP else text


def of_retry(reason: Reason, retry_s: float | None) -> str:
    """The same, and the seconds until the next attempt; None where one is under way."""
    text = of_reason(reason)
    return text if retry_s is None else f"{text}; next try in {duration(math.ceil(retry_s))}"


def of_fault(quote: Quote, fault: PrintFault | Jump) -> str:
    """Why a quote was not let in."""
    if isinstance(fault, Jump):
        lacking = "waiting for a snapshot" if fault.needs_snapshot else "no second print yet"
        reason = f"{fault.price:g} jumps by more than {fault.limit:.0%}, {lacking}"
    elif fault is PrintFault.PRICE:
        reason = f"invalid price {bad_price(quote):g}"
    else:
        reason = _FAULTS[fault]
    return f"{quote.symbol}: {reason}"


def of_outside(quote: Quote) -> str:
    """Why a print that waited for the market to follow it was dropped."""
    return f"{quote.symbol}: {quote.price:g} far outside bid and ask or the price band, no second print"


def of_corrections(note: CorrectionsWait | NoBars | None, vendor: str) -> str:
    """What keeps corrections from being applied; empty where nothing does."""
    match note:
        case CorrectionsWait():
            return f"corrections delayed: {note.error}"
        case NoBars():
            return f"{vendor} has no bars to correct {', '.join(note.symbols)} with"
        case None:
            return ""


def of_subscription(subscribed: int, symbols: int, *, is_limited: bool, clocks_apart_s: float | None) -> str:
    """How much of what was asked for comes."""
    text = f"{subscribed} of {counted(symbols, 'symbol')}"
    if is_limited:
        text += ", the vendor's limit"
    if clocks_apart_s is not None and clocks_apart_s < 0:
        text += f", your clock is {-clocks_apart_s:.0f} s behind"
    elif clocks_apart_s is not None:
        text += f", clocks {clocks_apart_s:.0f} s apart"
    return text


def of_range(incomplete: int, unfilled: int, error: str) -> str:
    """Why high, low and volume of some symbols lack prints for long; empty where they do not."""
    if incomplete and error:
        return f"today's range of {incomplete} incomplete: {error}"
    return f"today's range of {unfilled} incomplete: no bars" if unfilled else ""


def of_failover(vendor: str, state: str, detail: str) -> str:
    """Why a vendor is no longer in charge."""
    return f"{vendor}: {state} ({detail})"


def joined(parts: Iterable[str]) -> str:
    """Details side by side; empty ones are left out."""
    return "; ".join(filter(None, parts))
