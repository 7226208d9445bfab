"""Alpaca: US equities with a free key, by stream and REST.

IEX prints (the free plan) are today's provisional prices only: closed days come from SIP daily bars
(``feeds.vendors.alpaca.rest``). One connection per account and endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.clock import wall_ns
from feeds.errors import InputError
from feeds.parsing.symbols import dotted_symbol
from feeds.parsing.vendor_names import Names
from feeds.parsing.wire import address
from feeds.streaming.members.prints import MemberChannel
from feeds.streaming.requests import Reference
from feeds.streaming.vendor import FrameResult, VendorError
from feeds.streaming.watch.auction import Auctions
from feeds.vendors.alpaca.bars import Shares, plain_bars
from feeds.vendors.alpaca.frames import encode, parse
from feeds.vendors.alpaca.keys import AlpacaKeys
from feeds.vendors.alpaca.many_trades import ManyTrades
from feeds.vendors.alpaca.plan import Plan
from feeds.vendors.alpaca.rest import AlpacaRest
from feeds.vendors.alpaca.trades import plain_trades
from rotation.quote import is_other_scale
from rotation.sessions import previous_session
from rotation.status import CONSOLIDATED, DEMO, Mode, delayed
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from feeds.http.cached import CachedClient
    from feeds.streaming.members.prints import MemberPrints
    from feeds.streaming.vendor import Frame, ManyFrames
    from feeds.vendors.alpaca.plan import Ask
    from rotation.quote import Quote

HOME = "wss://stream.data.alpaca.markets"
MODES = {
    "iex": Mode(venue="IEX"),
    "sip": Mode(venue=CONSOLIDATED),
    "delayed_sip": delayed(15, CONSOLIDATED),
    "test": DEMO,
}
"""Endpoints, and what their prices are worth; ``test`` has one symbol, FAKEPACA, whose prices are made up."""
CHANNELS = 30
"""Trades of the free plan."""

_FATAL = {
    401: "not authenticated",
    402: "key or secret is wrong",
    409: "the plan does not include this feed",
    410: "this feed has no such channel",
    411: "the key's scope does not include this feed",
}
_OUTAGE = {404: "authentication timed out", 407: "this client reads too slowly", 500: "internal error"}
_LIMIT = {400: "invalid symbol", 405: "the plan's limit of symbols is reached"}
_ALREADY, _BUSY = 403, 406


class Alpaca:
    """A ``feeds.streaming.vendor.Vendor``. ``ROTATION_TUI_ALPACA_STREAM_URL`` and ``…_REST_URL`` move it."""

    beat_s = None
    heartbeats = False
    keyed = True
    acknowledges = True
    most_symbols = None
    """Trades are limited, minute bars as a rule are not: ``feeds.vendors.alpaca.plan`` deals them out."""
    members: MemberPrints | None = None
    """Given members' minute bars (``*``) on every plan: no document says that trades of all may be had."""

    def __init__(
        self,
        key_id: str,
        secret: str,
        http: CachedClient,
        *,
        feed: str = "iex",
        first: Iterable[str] = (),
        channels: int = CHANNELS,
        packed: bool = True,
        clock_ns: Callable[[], int] = wall_ns,
    ) -> None:
        """``feed``: iex, sip, delayed_sip or test. ``first``: symbols that get trades before all others.

        ``channels``: the plan's limit of trades. ``packed``: msgpack rather than JSON. Raises InputError for
        an unknown feed, an unusable key, or a wrong address.
        """
        if feed not in MODES:
            raise InputError(f"Alpaca has no feed of that name — choose one of {', '.join(MODES)}")
        self.name = "Alpaca SIP" if feed == "sip" else "Alpaca"
        self._keys = AlpacaKeys(key_id, secret)
        self._first = tuple(dotted_symbol(symbol) for symbol in first)
        self._channels = channels
        self._packed = packed
        self._plan = Plan((), channels)
        self._auctions = Auctions()
        self._has_market = feed != "test"
        self.mode = MODES[feed]
        self.url = f"{address('ALPACA', 'STREAM', HOME)}/v2/{feed}"
        kind = "msgpack" if packed else "json"
        self.headers: Mapping[str, str] = {"Content-Type": f"application/{kind}"}
        self.rest = AlpacaRest(self._keys, http.client, feed=feed, clock_ns=clock_ns)

    def conversation(self) -> AlpacaConversation:
        """A new connection begins."""
        self._plan = Plan(self._first, self._channels)
        members = self.members if self._has_market else None
        return AlpacaConversation(
            self._keys, self._plan, packed=self._packed, auctions=self._auctions, members=members
        )

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        """The newest eligible print of each symbol, or its newest minute where the stream brings only these.

        Raises SourceError where Alpaca does not answer.
        """
        names = Names(symbols)
        snapshots = await self.rest.snapshots(names.theirs)
        # A print within the minute would look like one that the stream has missed.
        coarse = self._plan.by_minute
        newest = (seen.minute if symbol in coarse else seen.quote for symbol, seen in snapshots.items())
        return names.back(quote for quote in newest if quote is not None)

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        """Minute bars that ended within the gap. Raises SourceError where Alpaca does not answer."""
        names = Names(symbols)
        return names.back(await self.rest.minute_bars(names.theirs, start_ns, end_ns))

    async def reference(self, symbols: frozenset[str], session: date) -> Reference:
        """What prints of ``session`` compare with: the raw close before it over a listed split's ratio.

        A raw close far from the newest print without a listed split is left out: either a crash, or a split
        that the list lacks. Raises SourceError where Alpaca does not answer.
        """
        names = Names(symbols)
        splits = await self.rest.splits(names.theirs, session)
        snapshots = await self.rest.snapshots(names.theirs)
        before = previous_session(session)
        closes: dict[str, float] = {}
        for symbol, snapshot in snapshots.items():
            close = snapshot.close_of(before)
            if close is None:
                continue
            if symbol in splits:
                closes[symbol] = close / splits[symbol]
            elif snapshot.quote is None or not is_other_scale(snapshot.quote.price, close):
                closes[symbol] = close
        return Reference(names.by_ours(closes), names.by_ours(splits))


class AlpacaConversation:
    """One connection: greeting, authentication, then one subscription after the other."""

    def __init__(
        self,
        keys: AlpacaKeys,
        plan: Plan,
        *,
        packed: bool,
        auctions: Auctions | None = None,
        members: MemberPrints | None = None,
    ) -> None:
        """``packed``: msgpack, as the upgrade's header said. ``auctions`` outlive a connection.

        ``members``: those whose bars are kept; None: nobody wants any.
        """
        self._members = members
        self._auctions = auctions or Auctions()
        self._keys = keys
        self._plan = plan
        self._packed = packed
        self._names = Names()
        self._many = ManyTrades(self._names.renamed)

    def opened(self) -> tuple[Frame, ...]:
        """The authentication; the vendor waits ten seconds for it."""
        return (encode(self._keys.message(), packed=self._packed),)

    def received(self, frame: Frame) -> FrameResult:
        """What a frame means. Raises SourceError for a frame that is not an array of messages."""
        trades = plain_trades(frame)
        if trades is not None:
            return FrameResult(quotes=self._names.back(trades))
        plan = self._plan
        members = self._members.wanted if self._members is not None else {}
        bars = plain_bars(frame, Shares(plan.on_bars - plan.on_trades, members), plan.wanted)
        if bars is not None:
            quotes = self._names.back(bars.legs)
            return FrameResult(quotes, members=bars.members, passed_over=bars.passed_over)
        parsed = parse(
            frame,
            wanted=plan.on_bars,
            on_trades=plan.wanted - plan.on_bars | plan.on_trades,
            members=members,
            auctions=self._auctions,
        )
        ready = parsed.authenticated
        error: VendorError | None = None
        send: tuple[Frame, ...] = ()
        subscribed: frozenset[str] | None = None
        channel: MemberChannel | None = None
        if parsed.subscribed is not None:
            self._plan.acknowledged(parsed.subscribed)
            subscribed = self._names.ours(self._plan.covered)
            channel = MemberChannel.MINUTE_BARS if members and plan.brings_all else None
            send = self._send(self._plan.next())
        for code in parsed.errors:
            if code == _ALREADY:
                ready = True
            else:
                error, send = self._refused(code, parsed.rejected)
        return FrameResult(
            quotes=self._names.back(parsed.quotes),
            send=send,
            ready=ready,
            subscribed=subscribed,
            halts=self._names.back(parsed.halts),
            nbbo=self._names.back(parsed.nbbo),
            bands=self._names.back(parsed.bands),
            corrections=self._names.back(parsed.corrections),
            error=error,
            rejected=tuple(parsed.rejected),
            left_out=parsed.left_out,
            members=tuple(parsed.members),
            passed_over=parsed.passed_over,
            member_channel=channel,
        )

    def received_many(self, frames: Sequence[Frame], start: int) -> ManyFrames:
        """What the frames from this place on mean, as far as they hold trades, quotes and bands alone."""
        return self._many.read(frames, start)

    def subscribe(self, symbols: frozenset[str]) -> tuple[Frame, ...]:
        """The first request towards this set; the others follow its acknowledgement."""
        self._names = Names(symbols)
        self._many = ManyTrades(self._names.renamed, symbols=len(symbols))
        self._plan.has_members = self._members is not None and bool(self._members.wanted)
        return self._send(self._plan.want(self._names.theirs))

    def beat(self) -> tuple[Frame, ...]:
        """Nothing: Alpaca needs none."""
        return ()

    def _refused(self, code: int, rejected: list[str]) -> tuple[VendorError | None, tuple[Frame, ...]]:
        """What an error means, and what to ask instead."""
        if code == _BUSY:
            return VendorError("again", f"another session holds the account's connection ({code})"), ()
        if code in _OUTAGE or code not in _FATAL | _LIMIT:
            # It ends the connection by itself, or the driver's clocks do; what was asked may be asked again.
            self._plan.failed()
            rejected.append(f"Alpaca says: {_OUTAGE.get(code, 'unknown error')} ({code % 1_000_000})")
            return None, ()
        asked = self._plan.refused()
        if code in _FATAL and not (asked is not None and asked.optional):
            return VendorError("fatal", f"{_FATAL[code]} ({code})"), ()
        send = self._send(self._plan.next())
        beyond = self._plan.beyond
        if asked is None or asked.optional or not (beyond or asked.channel == "trades"):
            return None, send
        left = (
            f"{counted(len(beyond), 'symbol')} not followed"
            if beyond
            else "fewer symbols by trade, the others by minute bars"
        )
        return VendorError("limit", f"{_LIMIT[code]} ({code}); {left}"), send

    def _send(self, ask: Ask | None) -> tuple[Frame, ...]:
        return () if ask is None else (encode(ask.message, packed=self._packed),)
