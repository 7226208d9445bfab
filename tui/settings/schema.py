"""Every setting: its place in the file, what it may be, its default, and the option that it stands for."""

from __future__ import annotations

import re
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from rotation.desk import LONGEST, MOST_LEGS, SYMBOL, WINDOWS, Desk

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
SHOWN = 40
"""Characters of a wrong value that an error repeats."""


class Setting(NamedTuple):
    """One key of the file."""

    table: str
    key: str
    default: Any
    """As it is written in the file."""
    option: str
    """The name of the command-line parameter that it sets; "" without one."""
    env: str
    """The environment variable that overrides it; "" without one."""
    says: str
    """What it does, for the commented file."""
    parse: Callable[[Any], Any]
    """The value that the option takes. Raises ValueError with what is allowed."""

    @property
    def name(self) -> str:
        """``desk.pair``."""
        return f"{self.table}.{self.key}"


def shown(value: object) -> str:
    """Return a wrong value as an error repeats it: quoted, and not endless."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def symbol(value: object) -> str:
    """Return a symbol in capitals. Raises ValueError."""
    # Before capitals are made: those of ß are two letters.
    text = value.upper() if isinstance(value, str) and value.isascii() else ""
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


def _pair_text(value: object) -> str:
    return "/".join(pair(value))


def _pairs_text(value: object) -> str:
    return ",".join(map("/".join, pairs(value)))


def _symbols_text(value: object) -> str:
    return ",".join(symbols(value))


def _choice(*allowed: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}, got {shown(value)}")
        return value

    return parse


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {shown(value)}")  # noqa: TRY004
    return value


def _seconds(value: object) -> float:
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


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f'expected a list such as ["bell", "desktop"], got {shown(value)}')
    return tuple(dict.fromkeys(value))


def _dates(value: object) -> tuple[date, ...]:
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
        message = f'expected one of {", ".join(FEEDS)}, or a list such as ["alpaca", "yahoo"], got {shown(value)}'
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
    """Whether the screen may show the demo with these feeds, as far as they say it: a list without it may not."""
    return "," not in feeds or feeds.endswith(f",{DEMO_FEED}")


def _folder(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"expected the name of a folder, got {shown(value)}")
    return value


def _address(value: object) -> str:
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
    """Return windows in sessions, the shortest first; text has commas or spaces between. Raises ValueError."""
    listed = _listed(value, _window, "sessions, such as [1, 5, 20, 60]")
    if len(listed) > WINDOWS_MAX:
        raise ValueError(f"at most {WINDOWS_MAX} windows; {len(listed)} are listed")
    return tuple(sorted(listed))


def _some_windows(value: object) -> tuple[int, ...]:
    if not (listed := windows(value)):
        raise ValueError(f"expected a list of sessions, such as [1, 5, 20, 60], got {shown(value)}")
    return listed


def _windows_text(value: object) -> str:
    return ",".join(map(str, _some_windows(value)))


def window_of(value: object, among: Sequence[int]) -> int:
    """Return one of the windows that are shown. Raises ValueError."""
    if isinstance(value, bool) or value not in among:
        raise ValueError(f"expected one of {', '.join(map(str, among))}, got {shown(value)}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def _whatever(value: object) -> object:
    """Checked where what else the file says is known."""
    return value


def _theme(value: object) -> str:
    from tui.view.theme import names  # noqa: PLC0415 - brings rich, which only a named theme needs

    return _choice(*names())(value)


_DESK = Desk()

SETTINGS = (
    Setting(
        "desk", "pair", f"{_DESK.base}/{_DESK.against}", "pair", "ROTATION_TUI_PAIR",
        "The two legs of the spread and the ratio.", _pair_text,
    ),
    Setting(
        "desk", "pairs", [], "pairs", "ROTATION_TUI_PAIRS",
        "More pairs, each with its own spread, ratio and headline; p and P go through them.", _pairs_text,
    ),
    Setting(
        "desk", "legs", list(_DESK.legs), "legs", "ROTATION_TUI_LEGS",
        "The legs, in order; the pair comes first whatever is listed.", _symbols_text,
    ),
    Setting(
        "desk", "value_growth", f"{_DESK.value}/{_DESK.growth}", "value_growth", "ROTATION_TUI_VALUE_GROWTH",
        "Value against growth: the ratio of these two by adjusted closes.", _pair_text,
    ),
    Setting(
        "desk", "benchmark", _DESK.benchmark, "benchmark", "ROTATION_TUI_BENCHMARK",
        "What the rotation graph compares with; it becomes a leg.", symbol,
    ),
    Setting(
        "desk", "returns", _DESK.returns, "returns", "ROTATION_TUI_RETURNS",
        "price: split-adjusted closes; total: dividends included.", _choice(*RETURNS),
    ),
    Setting(
        "desk", "leg_gap_s", _DESK.leg_gap_s, "leg_gap_s", "ROTATION_TUI_LEG_GAP",
        "In the regular session, figures from prices further apart than this many seconds are marked ≈.",
        _seconds,
    ),
    Setting(
        "desk", "windows", list(WINDOWS), "windows", "ROTATION_TUI_WINDOWS",
        f"The windows, in sessions, that [ and ] go through: at most {WINDOWS_MAX}, from 1 to {LONGEST}.",
        _windows_text,
    ),
    Setting(
        "limits", "stale_s", _DESK.stale_s, "stale_s", "ROTATION_TUI_STALE",
        "Seconds without a print after which a live price is STALE, in the regular session: "
        f"{STALE_S[0]:g} to {STALE_S[1]:g}.",
        stale,
    ),
    Setting(
        "feeds", "feed", "auto", "feed", "ROTATION_TUI_FEED",
        f"Source of the quotes: {', '.join(FEEDS)}; or a list in order of preference, such as "
        '["alpaca", "yahoo", "demo"].',
        feed,
    ),
    Setting(
        "feeds", "nats", "", "nats", "ROTATION_TUI_NATS",
        "With the feed nats: the NATS server of a hub, such as nats://127.0.0.1:4222.", _address,
    ),
    Setting(
        "feeds", "offline", False, "offline", "ROTATION_TUI_OFFLINE",  # noqa: FBT003
        "Whether to run without the network.", _flag,
    ),
    Setting(
        "feeds", "members", False, "ask_members", "ROTATION_TUI_MEMBERS",  # noqa: FBT003
        "Whether to price the funds' members, too: breadth for today.", _flag,
    ),
    Setting(
        "feeds", "demo_when_empty", True, "unasked_demo", "ROTATION_TUI_NO_DEMO",  # noqa: FBT003
        "Whether the screen shows the demo while there is nothing else to show.", _flag,
    ),
    Setting(
        "screen", "theme", "midnight", "theme", "ROTATION_TUI_THEME",
        "See: rotation-tui themes.", _theme,
    ),
    Setting(
        "screen", "glyphs", "auto", "glyphs", "ROTATION_TUI_GLYPHS",
        "auto: ASCII where locale or TERM say that there is no more; or unicode, ascii.", _choice(*GLYPHS),
    ),
    Setting(
        "screen", "window", 5, "", "",
        "The window, in sessions, that the screen starts with: one of desk.windows.", _whatever,
    ),
    Setting(
        "screen", "returns", list(WINDOWS), "", "",
        "The returns that legs have a column of, in sessions; the day's is always there. Without it: "
        "those of desk.windows.",
        _some_windows,
    ),
    Setting(
        "export", "folder", "", "", "",
        "Where E writes files; without it, exports in the data folder of rotation-tui.", _folder,
    ),
    Setting(
        "notify", "to", ["bell"], "", "",
        'Targets of alerts without a "to": bell, osc9, osc777, desktop, or a name in [targets].',
        _names,
    ),
    Setting(
        "log", "level", "info", "log_level", "ROTATION_TUI_LOG_LEVEL",
        "How much goes into the log file.", _choice(*LEVELS),
    ),
    Setting(
        "market", "closures", [], "", "ROTATION_TUI_CLOSURES",
        "Days on which the exchange is closed though the calendar does not know it yet.", _dates,
    ),
)  # fmt: skip
BY_NAME = {setting.name: setting for setting in SETTINGS}
KEYS = "keys"
"""The table of keys, by action; ``tui.view.keymap`` knows what is allowed in it."""
TABLES = (*dict.fromkeys(setting.table for setting in SETTINGS), KEYS)
