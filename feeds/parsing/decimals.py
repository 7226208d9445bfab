"""Numbers of a table whose program wrote them as its own country does: 1,234.5 or 1.234,5. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feeds.errors import SourceError
from feeds.parsing.sanitize import clean
from feeds.parsing.wire import number

if TYPE_CHECKING:
    from collections.abc import Iterable

Cell = tuple[int, str, bool]
"""Line, text, and whether it is a share of 100: there a single mark is never one between thousands."""

_COMMON = r"[-+]?[1-9]\d{{0,2}}({t}\d{{3}})+({d}\d*)?"
_SURE = (
    r"[-+]?[1-9]\d{{0,2}}(({t}\d{{3}})+{d}\d*|({t}\d{{3}}){{2,}})"  # 1,234.5 and 1,234,567
    r"|[-+]?(0|[1-9]\d*)?{d}\d*"  # 12.5
)
_EITHER = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}")
"""1.234 or 1234, if nothing else in the file says which."""


def _forms(pattern: str) -> dict[str, re.Pattern[str]]:
    """By decimal mark."""
    return {
        decimal: re.compile(pattern.format(d=re.escape(decimal), t=re.escape(between)))
        for decimal, between in ((".", ","), (",", "."))
    }


_GROUPED, _SHOWS = _forms(_COMMON), _forms(_SURE)


def bare(cell: str) -> str:
    """Without a percent sign and blanks around it."""
    return cell.strip().removesuffix("%").strip()


def read_number(cell: str, decimal: str = ".") -> float | None:
    """None for what is no number with this mark: by a dot, 1,5 is neither 15 nor surely 1.5."""
    plain = bare(cell)
    if _GROUPED[decimal].fullmatch(plain):
        plain = plain.replace("," if decimal == "." else ".", "")
    elif decimal == "," and "." in plain:
        return None
    return number(plain.replace(",", ".") if decimal == "," else plain)


def decimal_mark(cells: Iterable[Cell], mark: str, what: str) -> str:
    """``.`` or ``,``: what the numbers of a file show. ``mark``: what stands between its cells.

    Raises SourceError, with ``what`` before it, where they show both or where it cannot be told, and for a
    share of 100 with a decimal comma between cells that are apart by commas.
    """
    cells = [(line, bare(cell), is_share) for line, cell, is_share in cells]
    if mark == ",":
        for line, cell, is_share in cells:
            if is_share and _SHOWS[","].fullmatch(cell) and not _GROUPED["."].fullmatch(cell):
                raise SourceError(
                    f"{what}: line {line}: {clean(cell)!r} has a decimal comma — write it with a dot,"
                    " or put semicolons between the cells"
                )
        return "."
    shown: dict[str, tuple[int, str]] = {}
    for line, cell, is_share in cells:
        for decimal in _shown(cell, is_share=is_share):
            shown.setdefault(decimal, (line, cell))
    if len(shown) > 1:
        (first, earlier), (second, later) = sorted(shown.values())
        raise SourceError(
            f"{what}: lines {first} and {second}: {clean(earlier)!r} and {clean(later)!r} —"
            " write all numbers with the same decimal mark"
        )
    unsure = next((each for each in cells if not each[2] and _EITHER.fullmatch(each[1])), None)
    if not shown and unsure is not None:
        line, cell, _ = unsure
        digits = re.sub("[.,]", "", cell)
        raise SourceError(
            f"{what}: line {line}: {clean(cell)!r} may be {cell.replace(',', '.')} or {digits} —"
            " write it without a mark between thousands"
        )
    return next(iter(shown), ".")


def _shown(cell: str, *, is_share: bool) -> list[str]:
    """The decimal mark that a number shows; none for one that may be either, or has none."""
    if _EITHER.fullmatch(cell):
        return ["," if "," in cell else "."] if is_share else []
    return [decimal for decimal, form in _SHOWS.items() if form.fullmatch(cell)]
