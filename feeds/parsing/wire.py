"""What parsers share: JSON into structs, figures that may be words, instants, environment addresses."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import msgspec

from feeds.errors import InputError, SourceError
from rotation.sessions import to_ns

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
Loose = object
"""A field with whatever the peer sent: checked one by one, so that one bad field spoils no other."""

_NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})([eE][+-]?\d{1,2})?", re.ASCII)
_MS = 1_000_000
_S = 1_000_000_000
_LATEST_S = 32_503_680_000
"""The year 3000: an instant beyond it is not one."""


def decode(data: bytes | str, kind: type[T], what: str) -> T:
    """JSON as ``kind``. Raises SourceError, which names ``what`` and quotes nothing that was sent."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise SourceError(f"{what}: unexpected JSON structure") from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise SourceError(f"{what}: not valid JSON") from error


def number(value: object) -> float | None:
    """A finite figure, sent as a number or as text; None for anything else ("NA", ".", "", true)."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        figure = float(value)
    except OverflowError:
        return None
    return figure if math.isfinite(figure) else None


def probability(value: object) -> float | None:
    """A price of a contract that pays 1: within [0, 1], else None."""
    figure = number(value)
    return figure if figure is not None and 0.0 <= figure <= 1.0 else None


def instant_ns(value: object) -> int | None:
    """UTC nanoseconds of ISO text with a zone, or of epoch seconds or milliseconds; None for neither."""
    figure = number(value)
    if figure is not None:
        seconds = figure / 1000 if figure > _LATEST_S else figure
        if not 0 < seconds < _LATEST_S:
            return None
        return int(figure) * _MS if figure > _LATEST_S else int(figure) * _S
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        ts_ns = to_ns(moment) if moment.tzinfo else 0
    except (ValueError, OverflowError):
        return None
    return ts_ns if 0 < ts_ns < _LATEST_S * _S else None


ALLOW_INSECURE = "ROTATION_TUI_ALLOW_INSECURE"
"""Set to 1, a key may go unencrypted to another machine: to a proxy in one's own network."""
_KEYED = frozenset({"ALPACA", "DATABENTO", "FINNHUB", "MASSIVE", "TIINGO"})
"""Feeds that are asked with a key; it stands in the first frame, a header or the address."""


def address(
    feed: str,
    kind: str,
    default: str,
    environ: Mapping[str, str] | None = None,
    *,
    keyed: bool = False,
) -> str:
    """Where a feed lives: ``ROTATION_TUI_<FEED>_<KIND>_URL`` (KIND is REST or STREAM), or the default.

    Without a slash at the end. Raises InputError where the variable holds no usable address, and for one
    to which a key would go unencrypted, unless it is this machine or ALLOW_INSECURE is 1. ``keyed``: a key
    goes there though the feed needs none.
    """
    environ = os.environ if environ is None else environ
    name = f"ROTATION_TUI_{feed}_{kind}_URL"
    given = environ.get(name, "").strip()
    if not given:
        return default
    schemes = ("http", "https") if kind == "REST" else ("ws", "wss")
    try:
        parts = urlsplit(given)
        (parts.hostname or "").encode("idna")  # what cannot be encoded cannot be connected to
        usable = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not given.isprintable() or " " in given:
        # The value is not quoted: an address may hold a password.
        raise InputError(f"{name}: is not an address that begins with {schemes[0]}:// or {schemes[1]}://")
    is_plain = parts.scheme in {"http", "ws"} and not _is_loopback(parts.hostname or "")
    if (keyed or feed in _KEYED) and is_plain and environ.get(ALLOW_INSECURE, "").strip() != "1":
        raise InputError(
            f"{name}: would send a key unencrypted to another machine"
            f" — use {schemes[1]}://, or allow it with {ALLOW_INSECURE}=1"
        )
    return given.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
