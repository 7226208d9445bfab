"""Every setting: its place in the file, what it may be, its default, and the option that it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rotation.desk import LONGEST, WINDOWS, Desk
from tui.settings import values as v
from tui.settings.panels import one_column, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable


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


_DESK = Desk()

SETTINGS = (
    Setting(
        "desk", "pair", f"{_DESK.base}/{_DESK.against}", "pair", "ROTATION_TUI_PAIR",
        "The two legs of the spread and the ratio.", v.pair_text,
    ),
    Setting(
        "desk", "pairs", [], "pairs", "ROTATION_TUI_PAIRS",
        "More pairs, each with its own spread, ratio and headline; p and P go through them.", v.pairs_text,
    ),
    Setting(
        "desk", "legs", list(_DESK.legs), "legs", "ROTATION_TUI_LEGS",
        "The legs, in order; the pair comes first whatever is listed.", v.symbols_text,
    ),
    Setting(
        "desk", "value_growth", f"{_DESK.value}/{_DESK.growth}", "value_growth", "ROTATION_TUI_VALUE_GROWTH",
        "Value against growth: the ratio of these two by adjusted closes.", v.pair_text,
    ),
    Setting(
        "desk", "benchmark", _DESK.benchmark, "benchmark", "ROTATION_TUI_BENCHMARK",
        "What the rotation graph compares with; it becomes a leg.", v.symbol,
    ),
    Setting(
        "desk", "returns", _DESK.returns, "returns", "ROTATION_TUI_RETURNS",
        "price: split-adjusted closes; total: dividends included.", v.choice(*v.RETURNS),
    ),
    Setting(
        "desk", "leg_gap_s", _DESK.leg_gap_s, "leg_gap_s", "ROTATION_TUI_LEG_GAP",
        "In the regular session, figures from prices further apart than this many seconds are marked ≈.",
        v.seconds,
    ),
    Setting(
        "desk", "windows", list(WINDOWS), "windows", "ROTATION_TUI_WINDOWS",
        f"The windows, in sessions, that [ and ] go through: at most {v.WINDOWS_MAX}, from 1 to {LONGEST}.",
        v.windows_text,
    ),
    Setting(
        "limits", "stale_s", _DESK.stale_s, "stale_s", "ROTATION_TUI_STALE",
        "Seconds without a print after which a live price is STALE, in the regular session: "
        f"{v.STALE_S[0]:g} to {v.STALE_S[1]:g}.",
        v.stale,
    ),
    Setting(
        "feeds", "feed", "auto", "feed", "ROTATION_TUI_FEED",
        f"Source of the quotes: {', '.join(v.FEEDS)}; or a list in order of preference, such as "
        '["alpaca", "yahoo", "demo"].',
        v.feed,
    ),
    Setting(
        "feeds", "nats", "", "nats", "ROTATION_TUI_NATS",
        "With the feed nats: the NATS server of a hub, such as nats://127.0.0.1:4222.", v.address,
    ),
    Setting(
        "feeds", "offline", False, "offline", "ROTATION_TUI_OFFLINE",  # noqa: FBT003
        "Whether to run without the network.", v.flag,
    ),
    Setting(
        "feeds", "members", False, "ask_members", "ROTATION_TUI_MEMBERS",  # noqa: FBT003
        "Whether to price the funds' members, too: breadth for today.", v.flag,
    ),
    Setting(
        "feeds", "demo_when_empty", True, "unasked_demo", "ROTATION_TUI_NO_DEMO",  # noqa: FBT003
        "Whether the screen shows the demo while there is nothing else to show.", v.flag,
    ),
    Setting(
        "screen", "theme", "midnight", "theme", "ROTATION_TUI_THEME",
        "See: rotation-tui themes.", v.theme,
    ),
    Setting(
        "screen", "glyphs", "auto", "glyphs", "ROTATION_TUI_GLYPHS",
        "auto: ASCII where the locale or TERM allows nothing else; or unicode, ascii.", v.choice(*v.GLYPHS),
    ),
    Setting(
        "screen", "motion", "auto", "motion", "ROTATION_TUI_MOTION",
        "on: ages and the clock tick; off: nothing moves but values; auto: off where NO_MOTION is set, or "
        "TEXTUAL_ANIMATIONS=none.",
        v.choice(*v.MOTION),
    ),
    Setting(
        "screen", "window", 5, "", "",
        "The window, in sessions, that the screen starts with: one of desk.windows.", v.whatever,
    ),
    Setting(
        "screen", "returns", list(WINDOWS), "", "",
        "Returns with a column in the legs, in sessions; the day's is always there. Without it: "
        "those of desk.windows.",
        v.some_windows,
    ),
    Setting(
        "panels", "wide", [["legs", "spread", "ratio"], ["fed", "health"]], "", "",
        "Which panels share a screen of 140 columns or more, from top to bottom: one list, or two side "
        "by side.",
        side_by_side,
    ),
    Setting(
        "panels", "normal", [["legs", "spread", "ratio"], ["fed", "health"]], "", "",
        "The same from 100 to 139 columns.", side_by_side,
    ),
    Setting(
        "panels", "narrow", ["legs", "spread", "ratio", "fed", "health"], "", "",
        "The same below 100 columns: one list.", one_column,
    ),
    Setting(
        "export", "folder", "", "", "",
        "Where E writes files; without it, exports in the data folder of rotation-tui.", v.folder,
    ),
    Setting(
        "notify", "to", ["bell"], "", "",
        'Targets of alerts without a "to": bell, osc9, osc777, desktop, or a name in [targets].',
        v.names_of,
    ),
    Setting(
        "log", "level", "info", "log_level", "ROTATION_TUI_LOG_LEVEL",
        "How much goes into the log file.", v.choice(*v.LEVELS),
    ),
    Setting(
        "market", "closures", [], "", "ROTATION_TUI_CLOSURES",
        "Days on which the exchange is closed though the calendar does not know it yet.", v.dates,
    ),
)  # fmt: skip
BY_NAME = {setting.name: setting for setting in SETTINGS}
KEYS = "keys"
"""The table of keys, by action; ``tui.view.keymap`` knows what is allowed in it."""
TABLES = (*dict.fromkeys(setting.table for setting in SETTINGS), KEYS)
