"""Net interest income of banks from SEC EDGAR's XBRL facts. Keyless, but the SEC wants to know who asks."""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.parsing.wire import Loose, address, decode, number
from rotation.macro.banks import AFTER_PROVISION, NET, TAGS, Fact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched

HOME = "https://data.sec.gov"
PATH = "/api/xbrl/companyconcept/CIK{cik:010d}/us-gaap/{tag}.json"
FRESH_S = 3 * 86_400.0
AGENT = "ROTATION_TUI_USER_AGENT"
WHO = f"set {AGENT} to a name and a mail address: the SEC wants to know who asks"
FACTS_MAX = 2_000
CIKS = {
    "JPM": 19617, "BAC": 70858, "WFC": 72971, "C": 831001, "USB": 36104, "PNC": 713676, "TFC": 92230,
    "KEY": 91576, "RF": 1281761, "CFG": 759944, "HBAN": 49196, "ZION": 109380, "FITB": 35527, "MTB": 36270,
}  # fmt: skip
GROUPS = {ticker: "large" if ticker in ("JPM", "BAC", "WFC", "C") else "regional" for ticker in CIKS}


class _Row(msgspec.Struct):
    start: str = ""
    end: str = ""
    val: Loose = None
    filed: str = ""


class _Concept(msgspec.Struct):
    units: dict[str, list[_Row]]
    tag: str = ""


def parse(data: bytes) -> list[Fact]:
    """The facts of a concept of TAGS. Raises SourceError where there is none."""
    concept = decode(data, _Concept, "SEC")
    rows = concept.units.get("USD", [])[-FACTS_MAX:] if concept.tag in TAGS else []
    made = [fact for row in rows if (fact := _fact(concept.tag, row)) is not None]
    if not made:
        raise SourceError("SEC: no fact in the answer")
    return made


def _fact(tag: str, row: _Row) -> Fact | None:
    value = number(row.val)
    try:
        start, end, filed = (date.fromisoformat(text) for text in (row.start, row.end, row.filed))
    except ValueError:
        return None
    return None if value is None or not start < end <= filed else Fact(tag, start, end, value, filed)


def has_contact(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the User-Agent names a mail address, without which the SEC is not asked."""
    return "@" in environ.get(AGENT, "")


class Edgar:
    """``ROTATION_TUI_SEC_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "SEC"

    def __init__(self, http: CachedClient) -> None:
        self._http = http
        self._url = address("SEC", "REST", HOME)

    async def bank(self, ticker: str, *, reuse_s: float = 0.0) -> Fetched[list[Fact]]:
        """One bank's facts; never raises for what the source does. After provisions where it has no other.

        ``reuse_s``: see CachedClient.
        """
        got = await self._concept(ticker, NET, reuse_s)
        return got if got.value is not None else await self._concept(ticker, AFTER_PROVISION, reuse_s)

    async def _concept(self, ticker: str, tag: str, reuse_s: float) -> Fetched[list[Fact]]:
        url = self._url + PATH.format(cik=CIKS[ticker], tag=tag)
        return await self._http.get(url, parse=parse, fresh_s=FRESH_S, reuse_s=reuse_s)
