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
    ends = set(prices.deciding(is_counted, kinds, kinds, "other"))
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
