"""Rows that come behind others of their key: new all the same, or perhaps repeats, or too late to count."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from rotation.market import prints as limits
from rotation.market.reduce.backlog import ends_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.market.prints import Prints
    from rotation.market.reduce.backlog import Backlog
    from rotation.market.reduce.ends import Ends


class Known(NamedTuple):
    """What is known by key before a frame."""

    newest: Ends
    backlog: Backlog
    prints: Mapping[int, Prints]


class _Many(NamedTuple):
    """A key with more rows than are remembered."""

    first_ns: int
    """Time of its earliest late row."""
    in_frame: int
    """Its rows in this frame."""


def repeated_or_too_late(
    late: pl.DataFrame, ordered: pl.DataFrame, of_key: pl.DataFrame, known: Known
) -> set[int]:
    """Keys with a late row that may repeat one, or come too late: then the order of arrival may matter.

    ``ordered``: the other rows of the same frame, ``of_key`` their ``count`` by ``key``.
    """
    newest, backlog, books = known
    keys = late["key"]
    doubtful = backlog.repeated(late, ordered)
    in_frame = pl.Series([0], dtype=pl.UInt32).new_from_index(0, len(newest))
    in_frame.scatter(of_key["key"], of_key["count"])
    latest_ns = max(ends_of(rows)[1] for rows in (late, ordered) if rows.height)
    lists = (
        *(late[name].to_list() for name in ("key", "ts_ns", "seq")),
        newest.ts_ns[keys].to_list(),
        backlog.folded.are_above(late).to_list(),
        in_frame[keys].to_list(),
        backlog.count(keys),
    )
    late_of = Counter(lists[0])
    seen: set[tuple[int, int, int]] = set()
    many: dict[int, _Many] = {}
    for key, ts_ns, seq, newest_ns, is_unfolded, of_frame, held in zip(*lists, strict=True):
        prints = books.get(key)
        is_summed_up = prints is not None and not prints.is_new((ts_ns, seq))
        is_old = ts_ns < max(newest_ns, latest_ns) - limits.KEPT_NS
        if is_summed_up or is_old or not is_unfolded or (key, ts_ns, seq) in seen:
            doubtful.add(key)
        seen.add((key, ts_ns, seq))
        here = of_frame + late_of[key]
        if here + held + (0 if prints is None else prints.kept) > limits.KEPT_MAX:
            first_ns = min(ts_ns, many[key].first_ns) if key in many else ts_ns
            many[key] = _Many(first_ns, here)
    return doubtful | _too_many({key: each for key, each in many.items() if key not in doubtful}, known)


def _too_many(keys: Mapping[int, _Many], known: Known) -> set[int]:
    """Those of these of which more rows than are remembered are no older than their earliest late row."""
    if not keys:
        return set()
    held = known.backlog.count_since(keys.keys(), min(each.first_ns for each in keys.values()))
    crowded: set[int] = set()
    for key, (first_ns, in_frame) in keys.items():
        prints = known.prints.get(key)
        kept = 0 if prints is None else prints.kept_since(first_ns)
        if in_frame + held[key] + kept > limits.KEPT_MAX:
            crowded.add(key)
    return crowded
