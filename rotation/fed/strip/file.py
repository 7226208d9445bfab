"""The file of ``rotation-tui fed --strip FILE``: JSON of one day's prices, meetings and target range."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from rotation.errors import InputError
from rotation.fed.strip.chain import StripCase
from rotation.fed.strip.contracts import Month, month_written, name
from rotation.fed.strip.quotes import settlement


def parse_strip(data: bytes) -> StripCase:
    """Read a strip; other fields are ignored.

    Whether its figures make sense is for ``rotation.fed.strip.checks``. Prices are numbers, or text as
    settlement files have it ("95.3050A"). Raises InputError in one line that names the field or the contract.
    """
    try:
        parsed = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        what = " ".join(str(error).split())
        raise InputError(f"the strip file is not JSON: {what}") from None
    if not isinstance(parsed, _Pairs):
        raise InputError(
            "the strip file must be one JSON object with watch_date, target_range_bp, fomc_dates, prices"
        )
    fields = dict(parsed)
    absent = [key for key in ("watch_date", "target_range_bp", "fomc_dates", "prices") if key not in fields]
    if absent:
        raise InputError(f"the strip file has no {' and no '.join(absent)}; add what is missing")
    return StripCase(
        _day(fields["watch_date"], "watch_date"),
        _range(fields["target_range_bp"]),
        tuple(sorted({_day(item, "fomc_dates") for item in _list(fields["fomc_dates"])})),
        _prices(fields["prices"]),
    )


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its repeated keys, which a dict would hide."""


def _list(value: object) -> list[Any]:
    if isinstance(value, list) and not isinstance(value, _Pairs):
        return value
    raise InputError('fomc_dates must be a list of days, as in ["2026-09-16", "2026-10-28"]')


def _day(value: object, field: str) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass  # 2026-02-30: refused below
    raise InputError(f"{field}: {_shown(value)} is not a date; write it as in 2026-09-16")


def _range(value: object) -> tuple[int, int]:
    if (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in value)
        and all(abs(bound) < 10_000 and bound == int(bound) for bound in value)
    ):
        return int(value[0]), int(value[1])
    raise InputError(f"target_range_bp: {_shown(value)} is not a range; write two whole bp, as in [350, 375]")


def _prices(value: object) -> dict[Month, float]:
    if not isinstance(value, _Pairs):
        raise InputError('prices must be an object of month and price, as in {"2026-09": 96.36}')
    prices: dict[Month, float] = {}
    for key, price in value:
        try:
            month = month_written(key)
        except InputError as error:
            raise InputError(f"prices: {error}") from None
        if month in prices:
            raise InputError(f"{name(month)} appears twice in prices; keep one")
        prices[month] = _price(month, price)
    return prices


def _price(month: Month, value: object) -> float:
    try:
        if isinstance(value, str):
            value = settlement(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    except (InputError, OverflowError):
        pass  # refused below, with the contract's name
    raise InputError(
        f"{name(month)}: {_shown(value)} is not a price; write a number as in 96.36, or leave it out"
    )


def _shown(value: object) -> str:
    text = json.dumps(dict(value) if isinstance(value, _Pairs) else value)
    return text if len(text) <= 40 else f"{text[:39]}…"
