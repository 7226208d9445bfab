"""What the values of settings may be: each check gives what the option takes, or raises ValueError."""

from __future__ import annotations

import re
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, TypeVar

from rotation.desk import LONGEST, MOST_LEGS, SYMBOL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
FEEDS = (
    "auto", "yahoo", "alpaca", "alpaca-sip", "alpaca-delayed", "alpaca-test",
    "massive", "massive-delayed", "finnhub", "nats",
)  # fmt: skip
ALONE = frozenset({"auto", "nats", "alpaca-test"})
"""Of FEEDS, those that are no part of a list."""
DEMO_FEED = "demo"
"""In a list of feeds, at its end: what the screen shows while no other has anything."""
LEVELS = ("debug", "info", "warning", "error")
RETURNS = ("price", "total")
GLYPHS = ("auto", "unicode", "ascii")
MOTION = ("auto", "on", "off", "none")
SHOWN = 40
"""Characters of a wrong value that an error repeats."""


def shown(value: object) -> str:
    """Return a wrong value as an error repeats it: quoted, and not endless."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


_CLASS = re.compile(r"([A-Z]{1,6})/([A-Z])")
"""``BRK/B``, as some brokers write classes of shares. In a list it cannot be a pair."""


def symbol(value: object) -> str:
    """Return a symbol in capitals, ``BRK/B`` as ``BRK.B``. Raises ValueError."""
    # Before capitals are made: those of ß are two letters.
    text = value.upper() if isinstance(value, str) and value.isascii() else ""
    text = _CLASS.sub(r"\1.\2", text) if _CLASS.fullmatch(text) else text
    if not re.fullmatch(SYMBOL, text):
        raise ValueError(f"{shown(value)} is not a valid symbol (1 to 15 of A-Z 0-9 . ^ = -)")
    return text


def pair(value: object) -> tuple[str, str]:
    """Return the two symbols of ``A/B``. Raises ValueError."""
    first, _, second = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not first or not second or "/" in second or first.upper() == second.upper():
        raise ValueError(f"expected two different symbols, such as IWM/QQQ or RUT/NDX, got {shown(value)}")
    return symbol(first), symbol(second)


def _listed(value: object, item: Callable[[object], T], what: str) -> tuple[T, ...]:
    """Each item once, in order. Raises ValueError, with ``what`` was expected."""
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        message = f"expected a list of {what}, got {shown(value)}"
        raise ValueError(message)  # noqa: TRY004 - one kind of error, whatever a file may hold
    return tuple(dict.fromkeys(map(item, items)))


PAIRS_MAX = 8
"""More than anybody goes through with one key; each costs a pass over history at the session's start."""


def pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Return a list of pairs, each once, in order; text has commas or spaces between. Raises ValueError."""
    listed = _listed(value, pair, 'pairs, such as ["IWN/IVW", "XBI/IBB"]')
    if len(listed) > PAIRS_MAX:
        raise ValueError(f"at most {PAIRS_MAX} more pairs; {len(listed)} are listed")
    return listed


def symbols(value: object) -> tuple[str, ...]:
    """Return a list of symbols, each once, in order; text has commas or spaces between. Raises ValueError."""
    listed = _listed(value, symbol, 'symbols, such as ["IWM", "QQQ"]')
    if len(listed) > MOST_LEGS:
        raise ValueError(f"at most {MOST_LEGS} legs fit on a screen; {len(listed)} are listed")
    return listed


def pair_text(value: object) -> str:
    """The same as the option takes it."""
    return "/".join(pair(value))


def pairs_text(value: object) -> str:
    """The same as the option takes it."""
    return ",".join(map("/".join, pairs(value)))


def symbols_text(value: object) -> str:
    """The same as the option takes it."""
    return ",".join(symbols(value))


def choice(*allowed: str) -> Callable[[object], str]:
    """Return the check of a value that is one of these."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}, got {shown(value)}")
        return value

    return parse


def flag(value: object) -> bool:
    """Return true or false. Raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {shown(value)}")  # noqa: TRY004
    return value


def seconds(value: object) -> float:
    """Return a number of seconds. Raises ValueError."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not isfinite(value) or value < 0:  # type: ignore[arg-type, operator]
        raise ValueError(f"expected a number of seconds, 0 or more, got {shown(value)}")
    return float(value)  # type: ignore[arg-type]


STALE_S = (1.0, 900.0)
"""At the upper end no price is stale in the regular session before it would be stale outside of it."""


def stale(value: object) -> float:
    """Return seconds in the range of STALE_S. Raises ValueError."""
    seconds = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if seconds is None or not STALE_S[0] <= seconds <= STALE_S[1]:
        raise ValueError(
            f"expected a number of seconds from {STALE_S[0]:g} to {STALE_S[1]:g}, got {shown(value)}"
        )
    return float(seconds)


def names_of(value: object) -> tuple[str, ...]:
    """Return a list of names, each once. Raises ValueError."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f'expected a list such as ["bell", "desktop"], got {shown(value)}')
    return tuple(dict.fromkeys(value))


def dates(value: object) -> tuple[date, ...]:
    """Return a list of days. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError(f"expected a list of dates, such as [2025-01-09], got {shown(value)}")  # noqa: TRY004
    days = []
    for item in value:
        try:
            day = item if type(item) is date else date.fromisoformat(item)
        except (TypeError, ValueError):
            raise ValueError(f"{shown(item)} is not a date; write days like 2025-01-09") from None
        days.append(day)
    return tuple(days)


def feed(value: object) -> str:
    """Return one feed, or several in order of preference with commas between. Raises ValueError."""
    listed = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not listed:
        example = '["alpaca", "yahoo"]'
        message = f"expected one of {', '.join(FEEDS)}, or a list such as {example}, got {shown(value)}"
        raise ValueError(message)
    names = tuple(dict.fromkeys(map(_one_feed, listed)))
    if DEMO_FEED in names[:-1]:
        raise ValueError("demo comes last in the list: after it nothing is tried")
    if len(names) == 1 and names[0] == DEMO_FEED:
        raise ValueError("demo stands at the end of a list; rotation-tui demo plays it alone")
    if len(names) > 1 and (alone := next((name for name in names if name in ALONE), "")):
        raise ValueError(f"{alone} stands alone, not in a list")
    return ",".join(names)


def _one_feed(name: object) -> str:
    if not isinstance(name, str) or name not in (*FEEDS, DEMO_FEED):
        raise ValueError(f"expected one of {', '.join(FEEDS)}, got {shown(name)}")
    return name


def shows_demo(feeds: str) -> bool:
    """Whether the screen may show the demo with these feeds: a list without it may not."""
    return "," not in feeds or feeds.endswith(f",{DEMO_FEED}")


def folder(value: object) -> str:
    """Return the path of a folder. Raises ValueError."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"expected the name of a folder, got {shown(value)}")
    return value


def address(value: object) -> str:
    """Return the address of a server. Raises ValueError."""
    if not isinstance(value, str) or any(character.isspace() for character in value):
        raise ValueError(f"expected an address such as nats://127.0.0.1:4222, got {shown(value)}")
    return value


WINDOWS_MAX = 8
"""Each is a line of the spread and a column of the legs."""


def _window(value: object) -> int:
    """The length of a window in sessions."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, str) and value.isascii() and value.isdigit():  # of an option
        return _window(int(value))
    if not is_whole or not 1 <= value <= LONGEST:  # type: ignore[operator]
        raise ValueError(f"{shown(value)} is not a number of sessions from 1 to {LONGEST:,}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def windows(value: object) -> tuple[int, ...]:
    """Return windows in sessions, the shortest first; text has commas or spaces between.

    Raises ValueError.
    """
    listed = _listed(value, _window, "sessions, such as [1, 5, 20, 60]")
    if len(listed) > WINDOWS_MAX:
        raise ValueError(f"at most {WINDOWS_MAX} windows; {len(listed)} are listed")
    return tuple(sorted(listed))


def some_windows(value: object) -> tuple[int, ...]:
    """The same, of at least one window."""
    if not (listed := windows(value)):
        raise ValueError(f"expected a list of sessions, such as [1, 5, 20, 60], got {shown(value)}")
    return listed


def windows_text(value: object) -> str:
    """The same as the option takes it."""
    return ",".join(map(str, some_windows(value)))


def window_of(value: object, among: Sequence[int]) -> int:
    """Return one of the windows that are shown. Raises ValueError."""
    if isinstance(value, bool) or value not in among:
        raise ValueError(f"expected one of {', '.join(map(str, among))}, got {shown(value)}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def any_window(value: object) -> int:
    """Return a window that a desk may have, shown or not. Raises ValueError."""
    return _window(value)


def whatever(value: object) -> object:
    """Checked where what else the file says is known."""
    return value


def theme(value: object) -> str:
    """Return the name of a theme. Raises ValueError."""
    from tui.view.theme import names  # noqa: PLC0415 - brings rich, which only a named theme needs

    return choice(*names())(value)
