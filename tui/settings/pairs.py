"""``[[pairs]]`` of the configuration file, checked: more pairs, each with options of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rotation.desk import PairOptions, pair_name
from tui.settings.table import Table
from tui.settings.values import PAIRS_MAX, any_window, pair, shown, window_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rotation.errors import InputError
    from tui.settings.table import Fail

PAIRS = "pairs"
PAIR_KEYS = ("pair", "name", "window", "leg_gap_s")
NAME = re.compile(r"[\w .,:&%+/()-]{1,40}")


def options(
    tables: dict[str, Any], windows: Sequence[int], fail: Fail, unshown: list[InputError] | None = None
) -> tuple[PairOptions, ...]:
    """The options of each ``[[pairs]]``, in their order. Raises by ``fail``.

    ``windows``: those shown, by the file. ``unshown``: given the errors of windows that are not among them,
    since an option may show others.
    """
    given = tables.get(PAIRS, [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise fail(
            PAIRS, 'write [[pairs]] for each pair; a plain list, pairs = ["A/B"], belongs under [desk]'
        )
    made: dict[str, PairOptions] = {}
    for number, each in enumerate(given):
        table = Table(each, f"{PAIRS}#{number}", PAIR_KEYS, fail)
        own = _options(table, windows, [] if unshown is None else unshown)
        if own.pair in made:
            raise table.error("pair", f"{own.pair} is in two [[pairs]] tables")
        made[own.pair] = own
    return tuple(made.values())


def shown_window(
    value: object, windows: Sequence[int], error: Callable[[str], InputError], unshown: list[InputError]
) -> int:
    """One of the windows that are shown, in sessions.

    Of another that could be ``unshown`` is given the error. Raises it for what cannot be one at all.
    """
    try:
        return window_of(value, windows)
    except ValueError as why:
        made = error(str(why))
        try:
            window = any_window(value)
        except ValueError:
            raise made from why
        unshown.append(made)
        return window


def merged(listed: str, options: tuple[PairOptions, ...], fail: Fail) -> str:
    """The pairs of ``desk.pairs``, as its option takes them, and then those of the tables."""
    names = tuple(dict.fromkeys((*listed.split(","), *(each.pair for each in options))))
    if len(names := tuple(filter(None, names))) > PAIRS_MAX:
        raise fail(PAIRS, f"at most {PAIRS_MAX} more pairs; {len(names)} are listed")
    return ",".join(names)


def _options(table: Table, windows: Sequence[int], unshown: list[InputError]) -> PairOptions:
    if "pair" not in table.values:
        raise table.error("pair", 'expected two symbols, such as "XBI/IBB"')
    try:
        name = pair_name(pair(table.values["pair"]))
    except ValueError as error:
        raise table.error("pair", str(error)) from error
    title = table.text("name", "")
    if "name" in table.values and (not NAME.fullmatch(title) or title != title.strip()):
        raise table.error("name", f"expected 1 to 40 letters, digits and spaces, got {shown(title)}")
    window = 0
    if "window" in table.values:
        window = shown_window(
            table.values["window"], windows, lambda why: table.error("window", why), unshown
        )
    gap_s = table.number("leg_gap_s", 0.0) if "leg_gap_s" in table.values else None
    return PairOptions(name, title, window, gap_s)
