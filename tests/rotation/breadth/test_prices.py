"""The members that decide an index's status: of each kind the oldest and the newest print, and a close."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from rotation.breadth.past import Means, Past
from rotation.breadth.prices import Prices

NAMES = tuple("ABCDEFGH")
MEMBER = st.tuples(st.integers(0, 3), st.sampled_from(("x", "y", None)), st.booleans())


@given(st.lists(MEMBER, min_size=len(NAMES), max_size=len(NAMES)))
def test_no_other_member_is_older_or_newer(members: list[tuple[int, str | None, bool]]) -> None:
    past = Past("IWM", date(2024, 7, 16), None, pl.DataFrame({"symbol": NAMES}), (), Means())
    prices = Prices(past)
    kinds = {name: kind for name, (_, kind, _) in zip(NAMES, members, strict=True) if kind is not None}
    for name, (ts_ns, _, _) in zip(NAMES, members, strict=True):
        assert prices.put(name, 1.0, ts_ns)
    is_counted = [is_in for *_, is_in in members]
    ends = set(prices.deciding(is_counted.__getitem__, kinds, kinds, "other"))
    groups: dict[tuple[str, bool], dict[str, int]] = {}
    for name, (ts_ns, _, is_in) in zip(NAMES, members, strict=True):
        if is_in:
            groups.setdefault((kinds.get(name, "other"), ts_ns == 0), {})[name] = ts_ns
    for group in groups.values():
        held = {group[name] for name in ends & group.keys()}
        assert {min(group.values()), max(group.values())} == held
    assert ends <= {name for name, is_in in zip(NAMES, is_counted, strict=True) if is_in}
    assert len(ends) <= 2 * len(groups)


def test_what_is_no_member_is_left_out() -> None:
    past = Past("IWM", date(2024, 7, 16), None, pl.DataFrame({"symbol": ["A"]}), (), Means())
    assert not Prices(past).put("B", 1.0, 5)


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.integers(0, 4), st.booleans(), st.booleans()),
        min_size=1,
        max_size=120,
    )
)
def test_after_any_prints_they_are_as_if_looked_for_anew(steps: list[tuple[str, int, bool, bool]]) -> None:
    """Whoever comes, goes and prints again, more often than a heap would grow to hold."""
    past = Past("IWM", date(2024, 7, 16), None, pl.DataFrame({"symbol": NAMES}), (), Means())
    prices, source = Prices(past), {"A": "x", "B": "x", "C": "y"}
    times: dict[str, int] = {}
    for name, ts_ns, is_counted, has_turned in steps:
        source = dict(source) if has_turned else source
        prices.put(name, 1.0 if is_counted else None, ts_ns)
        times = {each: at for each, at in times.items() if each != name} | (
            {name: ts_ns} if is_counted else {}
        )
        anew = Prices(past)
        for each, at in times.items():
            anew.put(each, 1.0, at)
        ends = [
            held.deciding(lambda place, held=held: held.values[place] is not None, source, source, "other")
            for held in (prices, anew)
        ]
        assert ends[0] == ends[1]
        assert len(prices._ends) <= 6
