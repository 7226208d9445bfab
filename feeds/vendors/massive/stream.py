"""Massive (formerly Polygon): the consolidated tape, over one websocket for an account.

Plans differ: the dearest streams trades (T), every one with a stream has second bars (A), so bars are asked
for where trades are refused. Members of indices come by bars of the whole market (``A.*``, else ``AM.*``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote as escaped

import msgspec

from feeds.errors import SourceError
from feeds.http.failure import RequestError
from feeds.parsing.fields import symbol
from feeds.parsing.vendor_names import Names
from feeds.parsing.wire import address
from feeds.streaming.requests import Reference
from feeds.streaming.vendor import FrameResult, VendorError
from feeds.streaming.watch.auction import Auctions
from feeds.vendors.massive.bars import plain_bars
from feeds.vendors.massive.frames import Message, Shares, TradeIds, market_data, parse
from feeds.vendors.massive.many_trades import ManyTrades
from feeds.vendors.massive.members import MemberBars
from feeds.vendors.massive.rest import (
    parse_bars,
    parse_previous,
    parse_splits,
    parse_timely,
)
from rotation import status
from rotation.quote import MINUTE_NS
from rotation.status import CONSOLIDATED, Kind, Mode, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from feeds.http.cached import CachedClient
    from feeds.streaming.members.prints import MemberPrints
    from feeds.streaming.vendor import Frame, ManyFrames
    from rotation.quote import Quote

T = TypeVar("T")

HOME, DELAYED = "wss://socket.massive.com", "wss://delayed.massive.com"
PATH = "/stocks"
REST = "https://api.massive.com"
SNAPSHOT = "/v2/snapshot/locale/us/markets/stocks/tickers"
SPLITS = "/v3/reference/splits"
SPLITS_MAX = 1_000
"""Splits in one answer, the vendor's own limit; a day has a few dozen."""
CHANNELS = ("T", "A")
BANDS, QUOTES = "LULD", "Q"
"""Price bands, then bid and ask: asked for once every trade channel is acknowledged. What is refused from
then on is they, so that no refusal of theirs can be taken for one of trades."""
QUOTES_MAX = 40
"""Bid and ask come some thousand times a second for the most active funds: of a desk, not of a market."""
PER_MESSAGE = 500
"""Symbols in one subscribe message."""
PER_SNAPSHOT = 250
"""Symbols in one address."""
BACKFILL_MAX = 50
"""Bars are asked for symbol by symbol; a gap in more symbols is left to the snapshot."""


class MassiveConversation:
    """One connection: authenticate, subscribe, and ask for bars where trades are refused."""

    def __init__(
        self,
        key: str,
        ids: TradeIds | None = None,
        auctions: Auctions | None = None,
        members: MemberBars | None = None,
    ) -> None:
        """``key`` is sent in the first message and kept nowhere else. The others outlive a connection."""
        self._members = members or MemberBars()
        self._members.opened()
        self._ids = ids or TradeIds()
        self._auctions = auctions or Auctions()
        self._key = key
        self._names = Names()
        self._many = ManyTrades(self._names.renamed, self._ids, self._auctions)
        self._channel = 0
        self._refused = 0
        self._asked: frozenset[str] = frozenset()
        self._held: set[str] = set()
        self._has_asked_bands = False

    def opened(self) -> tuple[Frame, ...]:
        """The key at once: the vendor does not wait to be asked."""
        return (_action("auth", self._key),)

    def received(self, frame: Frame) -> FrameResult:
        """Data and statuses, in any mixture."""
        bars = plain_bars(frame, self._shares(self._names.theirs))
        if bars is not None:
            return msgspec.structs.replace(bars, quotes=self._names.back(bars.quotes))
        entries = parse(frame, self._names.renamed)
        shares = self._shares(self._names.ours(self._names.theirs))
        result = market_data(entries, self._ids, self._auctions, shares)
        for message in entries:
            if isinstance(message, Message) and message.ev == "status":
                result = self._with_status(result, str(message.status), str(message.message))
        return result

    def _shares(self, legs: frozenset[str]) -> Shares:
        """Whose bars count. ``legs``: under the names that the messages have when they are asked about."""
        legs_by = CHANNELS[self._channel]
        return Shares(legs, "" if legs_by == "T" else legs_by, self._members.wanted, self._members.kind)

    def received_many(self, frames: Sequence[Frame], start: int) -> ManyFrames:
        """What the frames from this place on mean, as far as they hold trades, quotes and bands alone."""
        return self._many.read(frames, start)

    def subscribe(self, symbols: frozenset[str]) -> tuple[Frame, ...]:
        """The difference to what is acknowledged, in messages of at most PER_MESSAGE symbols."""
        self._names = Names(symbols)
        self._many = ManyTrades(self._names.renamed, self._ids, self._auctions)
        return self._ask(self._names.theirs)

    def _ask(self, asked: frozenset[str]) -> tuple[Frame, ...]:
        self._asked = asked
        return (
            *self._messages("unsubscribe", self._held - asked),
            *self._messages("subscribe", asked - self._held),
            *self._extras(),
        )

    def beat(self) -> tuple[Frame, ...]:
        """Nothing: the transport's pings are enough."""
        return ()

    def _extras(self) -> Iterator[Frame]:
        """What is asked for beside the symbols, once all of them are acknowledged: members, then bands.

        One thing is under way at a time, since a refusal names nothing.
        """
        if self._asked and self._asked <= self._held:
            action, channel = self._members.next_request()
            if action:
                yield _action(action, channel)
            if not self._members.is_under_way:
                yield from self._bands()

    def _bands(self) -> Iterator[Frame]:
        """Ask for bands, bid and ask of all symbols, once, as soon as all their trades are acknowledged."""
        if CHANNELS[self._channel] == "T" and self._asked <= self._held and not self._has_asked_bands:
            self._has_asked_bands = True
            yield from self._messages("subscribe", self._asked, BANDS)
            if len(self._asked) <= QUOTES_MAX:
                yield from self._messages("subscribe", self._asked, QUOTES)

    def _messages(self, action: str, symbols: Iterable[str], channel: str = "") -> Iterator[Frame]:
        names = [f"{channel or CHANNELS[self._channel]}.{name}" for name in sorted(symbols)]
        for start in range(0, len(names), PER_MESSAGE):
            yield _action(action, ",".join(names[start : start + PER_MESSAGE]))

    def _with_status(self, result: FrameResult, status: str, message: str) -> FrameResult:
        change: dict[str, Any] = {}
        if status == "auth_success":
            change["ready"] = True
        elif status == "auth_failed":
            change["error"] = VendorError("fatal", "Massive rejected the key, or its plan has no streaming")
        elif status == "max_connections":
            # The vendor cuts the older connection: to come back would cut the newer one, for ever.
            text = "another session took over the account's one connection"
            change["error"] = VendorError("fatal", text, Refusal.TAKEN_OVER)
        elif status == "success":
            change["subscribed"] = self._acknowledged(message)
            change["member_channel"] = self._members.on_success(message) or result.member_channel
            change["send"] = (*result.send, *self._extras())
        elif status == "error":
            change |= self._error(message)
        elif status in ("slow_consumer", "force_disconnect"):
            if status == "slow_consumer":
                self._members.on_overrun()
            change["rejected"] = (*result.rejected, f"Massive is about to cut the connection: {status}")
        return msgspec.structs.replace(result, **change)

    def _acknowledged(self, message: str) -> frozenset[str]:
        """``subscribed to: T.IWM`` or ``unsubscribed to: T.IWM``, one or several to a message."""
        action, _, names = message.partition(": ")
        channel = f"{CHANNELS[self._channel]}."
        listed = (name.strip() for name in names.split(","))
        tickers = {
            ticker for name in listed if name.startswith(channel) and (ticker := symbol(name[len(channel) :]))
        }
        self._held = self._held - tickers if action.startswith("un") else self._held | tickers
        return self._names.ours(frozenset(self._held))

    def _error(self, message: str) -> dict[str, Any]:
        is_of_extra = f"{BANDS}." in message or f"{QUOTES}." in message
        is_of_plan = "real-time" in message and not is_of_extra
        if self._members.is_under_way and not is_of_plan:
            self._members.on_refusal()
            return {"send": tuple(self._extras())}
        if self._has_asked_bands and not is_of_plan:
            return {}  # the plan has no bands, or no bid and ask: the trades stand
        if "real-time" in message:
            return {
                "error": VendorError("fatal", "the key's plan has no real-time data: use the delayed feed")
            }
        if "not authorized" not in message:
            return {"error": VendorError("limit", "Massive rejected a subscription")}
        return self._unauthorized()

    def _unauthorized(self) -> dict[str, Any]:
        self._refused += 1
        if self._channel == 0:
            self._channel = 1
            return {"send": self._ask(self._asked)}
        if self._refused <= len(self._asked):
            return {}  # one refusal comes for every trade channel that was asked for
        return {"error": VendorError("fatal", "the key's plan has neither trades nor second bars")}


def _action(action: str, params: str) -> str:
    return msgspec.json.encode({"action": action, "params": params}).decode()


class Massive:
    """``ROTATION_TUI_MASSIVE_STREAM_URL`` and ``…_REST_URL`` move it. Raises InputError for a wrong one."""

    name = "Massive"
    beat_s: float | None = None
    heartbeats = False
    keyed = True
    acknowledges = True
    most_symbols: int | None = None
    members: MemberPrints | None = None

    def __init__(self, key: str, http: CachedClient, *, delayed: bool = False) -> None:
        """``delayed``: the 15 minutes late feed, another host and the cheaper plans' only one."""
        self.headers: Mapping[str, str] = {}
        self.mode = status.delayed(15, CONSOLIDATED) if delayed else Mode(venue=CONSOLIDATED)
        given = address("MASSIVE", "STREAM", DELAYED if delayed else HOME)
        self.url = given.removesuffix(PATH) + PATH
        self._rest = address("MASSIVE", "REST", REST)
        self._key = key
        self._ids = TradeIds()
        self._auctions = Auctions()
        self._member_bars = MemberBars()
        self._http = http

    def conversation(self) -> MassiveConversation:
        """A new connection begins."""
        self._member_bars.prints = self.members
        return MassiveConversation(self._key, self._ids, self._auctions, self._member_bars)

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        """The last trade of each, or its last minute bar where the plan has no trades.

        Raises SourceError where the source does not answer.
        """
        names = Names(symbols)
        asked = sorted(names.theirs)
        quotes: list[Quote] = []
        for start in range(0, len(asked), PER_SNAPSHOT):
            params = {"tickers": ",".join(asked[start : start + PER_SNAPSHOT])}
            newest, is_real_time = await self._get(SNAPSHOT, params, parse_timely)
            if not is_real_time and self.mode.kind is Kind.LIVE:
                raise SourceError("Massive: the key's plan has no real-time data")
            quotes += newest
        return names.back(quotes)

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        """Minute bars that ended within the gap, for BACKFILL_MAX symbols at most.

        Raises SourceError where the source does not answer.
        """
        if len(symbols) > BACKFILL_MAX:
            return ()
        starts_ns = start_ns - start_ns % MINUTE_NS
        span = f"range/1/minute/{starts_ns // 10**6}/{end_ns // 10**6}"
        params = {"adjusted": "true", "sort": "asc", "limit": "50000"}
        bars: list[Quote] = []
        names = Names(symbols)
        for name in sorted(names.theirs):
            bars += await self._get(
                f"/v2/aggs/ticker/{escaped(name, safe='')}/{span}", params, parse_bars(name)
            )
        # A minute that has not ended is no bar yet.
        return names.back(bar for bar in bars if start_ns < bar.ts_ns <= end_ns)

    async def reference(self, symbols: frozenset[str], session: date) -> Reference:
        """The day's splits, and yesterday's close (``prevDay``) of the symbols that have none.

        Massive does not say whether ``prevDay`` is on the new scale on an ex-date, so none is given then.
        Raises SourceError where the source does not answer.
        """
        params = {"execution_date": session.isoformat(), "limit": str(SPLITS_MAX)}
        splits = await self._get(SPLITS, params, parse_splits(session))
        closes: dict[str, float] = {}
        names = Names(symbols)
        asked = sorted(names.theirs - splits.keys())
        for start in range(0, len(asked), PER_SNAPSHOT):
            tickers = {"tickers": ",".join(asked[start : start + PER_SNAPSHOT])}
            closes |= await self._get(SNAPSHOT, tickers, parse_previous)
        return Reference(names.by_ours(closes), names.by_ours(splits))

    async def _get(self, path: str, params: dict[str, str], parser: Callable[[bytes], T]) -> T:
        headers = {"Authorization": f"Bearer {self._key}"}
        try:
            return await self._http.client.get(
                self._rest + path, parse=parser, params=params, headers=headers
            )
        except RequestError as failure:
            raise SourceError(f"Massive: {failure.with_next_try()}") from failure
