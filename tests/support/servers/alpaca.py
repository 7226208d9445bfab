"""Alpaca's stock stream and REST on loopback. Messages are packed by another library than the one judged.

By hand: ``python -m tests.support.servers.alpaca --port 0 --script 406 --script ok`` prints the stream's
address and
REST's. Any key and secret will do, but not the key ``BAD``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import msgpack  # type: ignore[import-untyped]

from feeds.clock import wall_ns
from rotation.sessions import new_york_day
from tests.support.servers.rest import Reply, RestServer, run
from tests.support.servers.ws import (
    ABORT,
    MUTE,
    READY,
    STAY,
    Burst,
    Client,
    Every,
    Frame,
    Refuse,
    WsServer,
    faults,
)

NOW_NS = 1_721_140_800_123_456_789
"""16 July 2024, 10:40 New York, and some nanoseconds that a float would lose."""
NS = 10**9
CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
COUNTED = ("trades", "quotes")
CODES = {
    400: "invalid syntax", 401: "not authenticated", 402: "auth failed", 403: "already authenticated",
    404: "auth timeout", 405: "symbol limit exceeded", 406: "connection limit exceeded", 407: "slow client",
    409: "insufficient subscription", 410: "invalid subscribe action for this feed",
    411: "insufficient scope", 500: "internal error",
}  # fmt: skip
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Answers:
    """First in a script: error codes for the coming authentications and subscriptions, one each.

    0 answers as usual, None not at all. ``deaf``: symbols that an acknowledgement leaves out.
    """

    auth: tuple[int | None, ...] = ()
    subscribe: tuple[int | None, ...] = ()
    deaf: frozenset[str] = frozenset()


def rfc3339(ts_ns: int) -> str:
    """As Alpaca writes it: no zeros at the fraction's end."""
    seconds, nanos = divmod(ts_ns, NS)
    fraction = f".{nanos:09}".rstrip("0") if nanos else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def encode(messages: list[dict[str, Any]], packed: bool) -> str | bytes:
    """One frame. ``t`` stands as ns in the messages, and as each encoding has it in the frame."""
    if packed:
        stamped = [
            row | ({"t": msgpack.Timestamp(*divmod(row["t"], NS))} if isinstance(row.get("t"), int) else {})
            for row in messages
        ]
        packed_frame: bytes = msgpack.packb(stamped)
        return packed_frame
    return json.dumps(
        [row | ({"t": rfc3339(row["t"])} if isinstance(row.get("t"), int) else {}) for row in messages]
    )


def trade(
    symbol: str = "IWM", price: float = 221.28, ts_ns: int = NOW_NS, number: int = 1, **more: object
) -> dict[str, Any]:
    fields = {"T": "t", "S": symbol, "i": number, "x": "V", "p": price, "s": 100, "c": ["@"], "z": "B"}
    return fields | {"t": ts_ns} | more


def minute(
    symbol: str = "IWM", close: float = 221.30, start_ns: int = NOW_NS // (60 * NS) * 60 * NS, **more: object
) -> dict[str, Any]:
    fields = {
        "T": "b",
        "S": symbol,
        "o": close,
        "h": round(close + 0.05, 4),
        "l": round(close - 0.05, 4),
        "c": close,
        "v": 4937,
    }
    return fields | {"n": 46, "vw": close, "t": start_ns} | more


def status(symbol: str, code: str, ts_ns: int = NOW_NS) -> dict[str, Any]:
    return {"T": "s", "S": symbol, "sc": code, "sm": "Trading Halt", "rc": "T12", "rm": "why", "z": "B"} | {
        "t": ts_ns
    }


def cancel(
    symbol: str = "IWM", price: float = 221.28, ts_ns: int = NOW_NS, number: int = 1
) -> dict[str, Any]:
    return {
        "T": "x",
        "S": symbol,
        "i": number,
        "x": "V",
        "p": price,
        "s": 100,
        "a": "C",
        "z": "B",
        "t": ts_ns,
    }


def correction(
    symbol: str = "IWM", was: float = 221.28, now: float = 221.2, ts_ns: int = NOW_NS
) -> dict[str, Any]:
    fields = {"T": "c", "S": symbol, "x": "V", "oi": 1, "op": was, "os": 100, "oc": ["@"]}
    return fields | {"ci": 2, "cp": now, "cs": 100, "cc": ["@"], "z": "B", "t": ts_ns}


def error(code: int) -> dict[str, Any]:
    return {"T": "error", "code": code, "msg": CODES.get(code, "whatever")}


class AlpacaServer(WsServer):
    """``client.state``: ``packed``, ``authenticated``, and by channel the subscribed symbols.

    ``channels``: how many trades and quotes an account may have; ``every_bar``: whether ``*`` is allowed.
    In scripts a message, or a list of them, is sent as one frame in the client's own encoding.
    """

    path = "/v2/iex"

    def __init__(self, *scripts: object, channels: int = 30, every_bar: bool = True) -> None:
        super().__init__(*scripts)
        self.channels = channels
        self.every_bar = every_bar
        self.authentications = 0
        self._coming = Answers()

    def _next(self) -> Any:
        script = super()._next()
        is_scripted = not isinstance(script, Refuse) and script and isinstance(script[0], Answers)
        self._coming = script[0] if is_scripted else Answers()
        return script[1:] if is_scripted else script

    def greeting(self, client: Client) -> tuple[Frame, ...]:
        client.state |= {
            "packed": client.headers.get("content-type") == "application/msgpack",
            "authenticated": False,
            "auth": list(self._coming.auth),
            "subscribe": list(self._coming.subscribe),
            "deaf": self._coming.deaf,
            "asked": [],
        } | {channel: set() for channel in CHANNELS}
        return (self._frame(client, {"T": "success", "msg": "connected"}),)

    def answer(self, client: Client, frame: Frame) -> tuple[Frame, ...]:
        request = msgpack.unpackb(frame) if client.state["packed"] else json.loads(frame)
        client.state["asked"].append(request)
        takes = self._authenticate if request["action"] == "auth" else self._subscribe
        reply = takes(client, request)
        return (self._frame(client, reply),) if reply else ()

    def _authenticate(self, client: Client, request: dict[str, Any]) -> dict[str, Any]:
        self.authentications += 1
        code = client.state["auth"].pop(0) if client.state["auth"] else 0
        if code is None:
            return {}
        if not code and request.get("key") in (None, "BAD"):
            code = 402
        if not code and client.state["authenticated"]:
            code = 403
        if code:
            return error(code)
        client.state["authenticated"] = True
        return {"T": "success", "msg": "authenticated"}

    def _subscribe(self, client: Client, request: dict[str, Any]) -> dict[str, Any]:
        code = client.state["subscribe"].pop(0) if client.state["subscribe"] else 0
        if code is None:
            return {}
        state = client.state
        if not state["authenticated"]:
            code = 401
        asked = {channel: set(request.get(channel) or ()) - state["deaf"] for channel in CHANNELS}
        if request["action"] == "subscribe":
            coming = {channel: state[channel] | asked[channel] for channel in CHANNELS}
            beyond = sum(len(coming[channel]) for channel in COUNTED) > self.channels
            if not code and (beyond or ("*" in coming["bars"] and not self.every_bar)):
                code = 405
        else:
            coming = {channel: state[channel] - asked[channel] for channel in CHANNELS}
        if code:
            return error(code)
        state |= coming
        client.ready = any(coming.values())
        listed = {channel: sorted(coming[channel]) for channel in CHANNELS}
        also = {"corrections": listed["trades"], "cancelErrors": listed["trades"]}
        return {"T": "subscription"} | listed | also

    def _frame(self, client: Client, message: dict[str, Any] | list[dict[str, Any]]) -> str | bytes:
        messages = message if isinstance(message, list) else [message]
        return encode(messages, client.state["packed"])

    async def tell(self, *messages: dict[str, Any] | list[dict[str, Any]]) -> None:
        """To the newest client, a frame each, from outside a script."""
        for message in messages:
            await self.send(self._frame(self.clients[-1], message))

    async def _act(self, client: Client, action: object) -> None:
        def framed(message: Any) -> Any:
            return self._frame(client, message) if isinstance(message, dict | list) else message

        if isinstance(action, Burst):
            action = Burst([framed(message) for message in action.frames])
        elif isinstance(action, Every):
            make = action.make
            action = Every(action.seconds, lambda count: framed(make(count)))
        await super()._act(client, framed(action))


def _walk(count: int) -> list[dict[str, Any]]:
    """Live prints for use by hand: four legs in turn, and FAKEPACA."""
    now_ns = wall_ns()
    prices = {"IWM": 221.28, "QQQ": 495.43, "SPY": 562.0, "DIA": 409.5, "FAKEPACA": 133.85}
    symbol, price = list(prices.items())[count % len(prices)]
    return [trade(symbol, round(price * (1 + 0.0001 * (count % 7)), 2), now_ns, count + 1)]


SCRIPTS = faults(trade("IWM"), trade("QQQ", 495.43), trade("SPY", 562.0)) | {
    "live": (READY, Every(0.25, _walk)),
    "402": (Answers(auth=(402,)), STAY),
    "404": (Answers(auth=(None,)), error(404), ABORT),
    "405": (Answers(subscribe=(405,) * 9), STAY),
    "406": (Answers(auth=(406, 406)), READY, Every(0.25, _walk)),
    "407": (READY, trade("IWM"), error(407), ABORT),
    "409": (Answers(auth=(409,)), STAY),
    "410": (Answers(subscribe=(410,)), STAY),
    "411": (Answers(auth=(411,)), STAY),
    "500-fields": (Answers(auth=(500,)), STAY),
    "no-auth": (Answers(auth=(None,)), MUTE),
    "partial": (Answers(deaf=frozenset({"QQQ"})), READY, Every(0.25, _walk)),
    "halt": (READY, trade("IWM"), status("IWM", "2"), Every(0.25, _walk)),
    "cancelled": (READY, trade("IWM"), cancel("IWM"), correction("QQQ"), Every(0.25, _walk)),
    "unknown": (READY, {"T": "zz", "S": "IWM"}, trade("IWM"), Every(0.25, _walk)),
    "zero": (READY, trade("IWM", 0.0), trade("IWM", -3.0, number=2), Every(1.0, _walk)),
    "spike": (READY, trade("IWM"), trade("IWM", 287.66, NOW_NS + NS, 2), Every(1.0, _walk)),
}


@dataclass
class Tape:
    """What the REST server knows: raw bars by symbol, and the latest trades."""

    days: dict[str, list[tuple[date, float]]] = field(default_factory=dict)
    """(session, close), raw; the other prices stand around the close."""
    splits: dict[str, tuple[date, float]] = field(default_factory=dict)
    """(ex-date, new shares for an old one)."""
    unlisted: frozenset[str] = frozenset()
    """Whose split the list of corporate actions lacks."""
    minutes: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """(start in ns, close)."""
    latest: dict[str, dict[str, Any]] = field(default_factory=dict)


def _row(ts_ns: int, close: float, volume: int = 1_000_000) -> dict[str, Any]:
    prices = {"o": close, "h": round(close * 1.01, 4), "l": round(close * 0.99, 4), "c": close}
    return {"t": rfc3339(ts_ns)} | prices | {"v": volume, "n": 9, "vw": close}


def midnight_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) * NS


def instant_ns(text: str) -> int:
    """A date is New York's midnight."""
    if len(text) == 10:
        return midnight_ns(date.fromisoformat(text))
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * NS + moment.microsecond * 1000


class AlpacaRestServer(RestServer):
    """Bars and snapshots of a Tape; ``page_max`` rows at most on a page, whatever the limit asked for.

    Consolidated bars later than ``lag_s`` before the server's clock are refused, as on the free plan.
    """

    def __init__(self, tape: Tape, *script: Reply, page_max: int = 10_000, now_ns: int | None = None) -> None:
        super().__init__(*script)
        self.tape = tape
        self.page_max = page_max
        self.now_ns = now_ns
        self.faulty: dict[str, Reply] = {}
        """What is answered, whatever the script, where the address holds one of these."""

    def reply(self, path: str, headers: dict[str, str], reply: Reply) -> Reply:
        fault = next((fault for part, fault in self.faulty.items() if part in path), None)
        if fault is not None:
            return fault
        if reply.body is not None:
            return reply
        if not headers.get("apca-api-key-id") or not headers.get("apca-api-secret-key"):
            return replace(reply, body=b'{"message":"forbidden."}', status=403)
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/v2/stocks/snapshots":
            return replace(reply, body=json.dumps(self._snapshots(query)).encode())
        if parts.path == "/v1/corporate-actions":
            return replace(reply, body=json.dumps(self._actions(query)).encode())
        if parts.path != "/v2/stocks/bars":
            return replace(reply, body=b'{"message":"not found"}', status=404)
        late_ns = (self.now_ns or wall_ns()) - 15 * 60 * NS
        if query.get("feed") == "sip" and instant_ns(query["end"]) > late_ns:
            refusal = b'{"message":"subscription does not permit querying recent SIP data"}'
            return replace(reply, body=refusal, status=403)
        return replace(reply, body=json.dumps(self._bars(query)).encode())

    def _actions(self, query: dict[str, str]) -> dict[str, Any]:
        """As documented: a list a type, rates rather than ratios."""
        first, last = date.fromisoformat(query["start"]), date.fromisoformat(query["end"])
        lists: dict[str, list[dict[str, Any]]] = {}
        for name, (ex, ratio) in self.tape.splits.items():
            if name in query["symbols"].split(",") and first <= ex <= last and name not in self.tape.unlisted:
                kind, rates = ("forward", (ratio, 1)) if ratio > 1 else ("reverse", (1, 1 / ratio))
                split = {"symbol": name, "new_rate": rates[0], "old_rate": rates[1], "ex_date": f"{ex}"}
                lists.setdefault(f"{kind}_splits", []).append({"id": "1", "process_date": f"{ex}"} | split)
        return {"corporate_actions": lists, "next_page_token": None}

    def _bars(self, query: dict[str, str]) -> dict[str, Any]:
        """Symbol by symbol, as the real one; the token says where the next page begins."""
        first, last = instant_ns(query["start"]), instant_ns(query["end"])
        names = sorted(query["symbols"].split(","))
        rows = [
            (name, row) for name in names for ts_ns, row in self._rows(name, query) if first <= ts_ns <= last
        ]
        begin = int(query.get("page_token") or 0)
        end = begin + min(int(query.get("limit", 1000)), self.page_max)
        bars: dict[str, list[Any]] = {}
        for name, row in rows[begin:end]:
            bars.setdefault(name, []).append(row)
        return {"bars": bars, "next_page_token": str(end) if end < len(rows) else None}

    def _rows(self, name: str, query: dict[str, str]) -> list[tuple[int, dict[str, Any]]]:
        if query["timeframe"] == "1Min":
            return [(ts_ns, _row(ts_ns, close, 5000)) for ts_ns, close in self.tape.minutes.get(name, ())]
        ex, ratio = self.tape.splits.get(name, (date.min, 1.0))
        scale = query.get("adjustment") == "split"
        return [
            (midnight_ns(day), _row(midnight_ns(day), close / ratio if scale and day < ex else close))
            for day, close in self.tape.days.get(name, ())
        ]

    def _snapshots(self, query: dict[str, str]) -> dict[str, Any]:
        snapshots = {}
        for name in query["symbols"].split(","):
            if name not in self.tape.latest:
                continue
            days, minutes = self.tape.days.get(name, ()), self.tape.minutes.get(name, ())
            snapshots[name] = {
                "latestTrade": self.tape.latest[name],
                "latestQuote": None,
                "minuteBar": _row(*minutes[-1]) if minutes else None,
                "dailyBar": None,
                "prevDailyBar": _row(midnight_ns(days[-1][0]), days[-1][1]) if days else None,
            }
        return snapshots


def sample(days: int = 400) -> Tape:
    """For use by hand: some symbols up to yesterday, minutes of the last hour."""
    now_ns = wall_ns()
    today = new_york_day(wall_ns())
    past = [today - timedelta(days=back) for back in range(days, 0, -1)]
    past = [day for day in past if day.weekday() < 5]
    minute_ns = now_ns // (60 * NS) * 60 * NS
    tape = Tape()
    for name, price in {"IWM": 221.28, "QQQ": 495.43, "SPY": 562.0, "DIA": 409.5}.items():
        tape.days[name] = [(day, round(price * (1 + 0.01 * (n % 5)), 2)) for n, day in enumerate(past)]
        tape.minutes[name] = [(minute_ns - back * 60 * NS, price) for back in range(60, 0, -1)]
        tape.latest[name] = {
            "t": rfc3339(now_ns),
            "x": "V",
            "p": price,
            "s": 100,
            "c": ["@"],
            "i": 1,
            "z": "B",
        }
    return tape


async def _started() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rest-port", type=int, default=0)
    parser.add_argument("--script", action="append", choices=sorted(SCRIPTS))
    given = parser.parse_args()
    stream = AlpacaServer(*(SCRIPTS[name] for name in given.script or ["live"]))
    rest = AlpacaRestServer(sample())
    await stream.start(given.port)
    await rest.start(given.rest_port)
    return [stream.url, rest.url]


if __name__ == "__main__":
    run(_started)
