"""The snapshot as people and scripts read it: JSON, ``watch``, copied sentence, report, three screens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rotation.status import BAD
from rotation.text import signed
from tui.output.snapshot_json import encode
from tui.output.text import quotation, text
from tui.screen.scene import scene
from tui.view.draw import UNKNOWN, change, number
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

NEW_YORK = ZoneInfo("America/New_York")
SIZES = ((160, 45), (80, 24), (40, 12))


def wrong(snapshot: Snapshot, watched: str) -> str:
    """What a surface says otherwise than the snapshot, which has been checked; empty where nothing."""
    for check in (_json, _sentence, _copied, _report, _screens):
        if error := check(snapshot):
            return error
    return _watched(snapshot, watched)


def _bad_pair(snapshot: Snapshot) -> dict[str, str]:
    """The legs of the pair that are marked, and their kinds."""
    pair = (snapshot.spread.base, snapshot.spread.against)
    legs = {symbol: snapshot.legs[symbol] for symbol in pair if symbol in snapshot.legs}
    return {symbol: leg.status.kind.value for symbol, leg in legs.items() if leg.status.kind in BAD}


def _without_auction(snapshot: Snapshot) -> list[str]:
    """The legs of the pair that lack the session's closing auction."""
    pair = (snapshot.spread.base, snapshot.spread.against)
    legs = {symbol: snapshot.legs[symbol] for symbol in pair if symbol in snapshot.legs}
    return [symbol for symbol, leg in legs.items() if leg.status.auction_missing]


def _figures(drawn: dict[str, Any]) -> dict[str, Any]:
    legs = {
        symbol: (leg["last"], leg["status"]["kind"], leg["return_pct"], leg["streak"]["with_today"])
        for symbol, leg in drawn["legs"].items()
    }
    return {"legs": legs, "spread": {k: (w["pp"], w["since"]) for k, w in drawn["spread"]["windows"].items()}}


def _json(snapshot: Snapshot) -> str:
    encoded = json.loads(encode(snapshot))
    for symbol, leg in snapshot.legs.items():
        line = encoded["legs"][symbol]
        if (line["last"], line["status"]["kind"]) != (leg.last, leg.status.kind.value):
            return f"JSON: {symbol} is {line}"
        if not line["state"].startswith(leg.status.kind.value):
            return f"JSON: {symbol} is {leg.status.kind}, its word {line['state']}"
    bad = _bad_pair(snapshot)
    if bad and encoded["connection"]["kind"] not in bad.values():
        return f"JSON: the connection is {encoded['connection']['kind']}, legs {bad}"
    if bad and encoded["headline_status"]["kind"] not in bad.values():
        return f"JSON: the sentence is {encoded['headline_status']}, legs {bad}"
    return ""


def _watched(snapshot: Snapshot, line: str) -> str:
    if not line:
        return ""
    watched, now = _figures(json.loads(line)), _figures(json.loads(encode(snapshot)))
    return "" if watched == now else f"watch: the newest line has {watched}, the snapshot {now}"


def _sentence(snapshot: Snapshot) -> str:
    """Each number of the sentence is a figure of the snapshot; what is marked stands first."""
    line, spread = snapshot.headline, snapshot.spread
    base = snapshot.legs.get(spread.base)
    marks = line.partition(": ")[0]
    claims = "%" in line or " pp " in line
    for symbol in _without_auction(snapshot) if claims else ():
        if symbol not in marks or "closing auction missed" not in marks:
            return f"headline: {symbol} lacks its closing auction: {line}"
    for symbol, kind in _bad_pair(snapshot).items() if claims else ():
        if symbol not in marks or kind not in marks:
            return f"headline: {symbol} is {kind}: {line}"
    day = base.return_pct["1"] if base else None
    if day is not None and f"{signed(day, 2)} %" not in line:
        return f"headline: the day is {day}: {line}"
    five = base.return_pct["5"] if base else None
    if five is not None and f"{signed(five, 1)} % in 5 sessions" not in line:
        return f"headline: five sessions are {five}: {line}"
    window = spread.windows["5"]
    if window.pp is None or window.status is None:
        return ""
    if window.status.apart and "≈" not in line and "level with" not in line:
        return f"headline: not of one instant: {line}"
    if f"{abs(window.pp):.1f} pp" not in line and "level with" not in line:
        return f"headline: the spread is {window.pp}: {line}"
    return ""


def _copied(snapshot: Snapshot) -> str:
    line, made = quotation(snapshot), snapshot.data_as_of
    settled = snapshot.connection.settled if snapshot.connection else None
    when = (
        "no price" if made is None else f"close of {settled}" if settled else f"{made:%Y-%m-%d %H:%M:%S} UTC"
    )
    return "" if snapshot.headline in line and when in line else f"y: {line}, made {made}"


def _report(snapshot: Snapshot) -> str:
    lines = text(snapshot).splitlines()
    for symbol, leg in snapshot.legs.items():
        row = next((line for line in lines[2:] if line.startswith(symbol)), "")
        for part in (number(leg.last), change(leg.return_pct["1"]), leg.state):
            if part not in row:
                return f"snapshot: {symbol} is {part}: {row}"
    return ""


def _screens(snapshot: Snapshot) -> str:
    for width, height in SIZES:
        drawn = scene(snapshot, ViewState(), width, height)
        rows = {
            name: ["".join(part for part, _ in row) for row in panel] for name, panel in drawn.rows.items()
        }
        if error := _screen(snapshot, rows):
            return f"{width}×{height}: {error}"
    return ""


def _screen(snapshot: Snapshot, rows: dict[str, list[str]]) -> str:
    bad = _bad_pair(snapshot)
    first = rows["ribbon"][0]
    is_marked = any(kind in first for kind in bad.values()) or "CLOSE OF" in first
    if bad and not ("✖" in first and is_marked):
        return f"the first line says {first!r}, legs {bad}"
    if not bad and _without_auction(snapshot) and not ("✖" in first and "NO AUCTION" in first):
        return f"the first line says {first!r}, no auction of {_without_auction(snapshot)}"
    for symbol, leg in snapshot.legs.items():
        row = next((line for line in rows.get("legs", ()) if f"{symbol} " in line[:9]), "")
        if not row:
            continue
        for part in (number(leg.last), change(leg.return_pct["1"])):
            if part not in row and part != UNKNOWN:
                return f"{symbol} is {part}: {row}"
        if leg.status.kind in BAD and leg.status.kind.value not in row:
            return f"{symbol} is {leg.status.kind}: {row}"
        is_bound = leg.status.range_incomplete and leg.high is not None
        if is_bound and "high" in rows["legs"][1] and "≥" not in row:
            return f"{symbol} lacks prints: {row}"
    return ""
