"""FedInputs for tests: a vector case as quotes or settlements, and instants on New York's clock."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import msgspec

from rotation.fed.inputs import FedInputs, StripQuote
from rotation.sessions import NEW_YORK, previous_session, to_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.fed.strip.chain import StripCase
    from rotation.fed.strip.contracts import Month

S = 10**9


def at(day: date | str, clock: str = "09:31") -> int:
    """An instant by New York's clock, in ns."""
    on = date.fromisoformat(day) if isinstance(day, str) else day
    return to_ns(datetime.combine(on, time.fromisoformat(clock), NEW_YORK))


def quote(month: Month, price: float | None = None, **more: Any) -> StripQuote:
    return StripQuote(year=month[0], month=month[1], price=price, source="Yahoo", **more)


def is_over(month: Month, day: date) -> bool:
    return month < (day.year, day.month)


def traded(case: StripCase, now_ns: int, *, off: float = 0.3) -> FedInputs:
    """Everything traded this instant; settled a session before at other prices, ``off`` higher."""
    return _inputs(
        case,
        previous_session(case.watch_date),
        lambda price: {"price": price, "ts_ns": now_ns - 5 * S, "settle": price + off},
    )


def settled(case: StripCase, day: date, *, off: float = 0.3) -> FedInputs:
    """Everything settled on that day; last traded before, at other prices."""
    return _inputs(
        case, day, lambda price: {"price": price + off, "ts_ns": at(day, "14:00"), "settle": price}
    )


def _inputs(case: StripCase, settle_date: date, quoted: Callable[[float], dict[str, Any]]) -> FedInputs:
    """``quoted``: the fields of a contract that still trades, by its price in the case."""
    over = {month: price for month, price in case.prices.items() if is_over(month, case.watch_date)}
    return FedInputs(
        strip=tuple(
            quote(month, **quoted(price), settle_date=settle_date)
            for month, price in case.prices.items()
            if month not in over
        ),
        expired=tuple(quote(month, settle=price, settle_date=settle_date) for month, price in over.items()),
        fomc_dates=case.fomc_dates,
        target_range_bp=case.target_range_bp,
    )


def changed(inputs: FedInputs, month: Month, **fields: Any) -> FedInputs:
    """With other fields in one contract of the strip."""
    strip = tuple(
        msgspec.structs.replace(quoted, **fields) if quoted.contract == month else quoted
        for quoted in inputs.strip
    )
    assert strip != inputs.strip
    return msgspec.structs.replace(inputs, strip=strip)


def but(inputs: FedInputs, **fields: Any) -> FedInputs:
    return msgspec.structs.replace(inputs, **fields)
