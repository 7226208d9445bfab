"""When a hub may take the place of what is in charge: it has shown everything, and is as alive as that."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from feeds.desk.change.exchange import _is_up


def hub(*, has_shown: bool = True, fault: str = "") -> SimpleNamespace:
    return SimpleNamespace(has_shown=has_shown, fault=fault)


VENDOR = SimpleNamespace(name="Yahoo")


@pytest.mark.parametrize(
    ("present", "new", "is_up"),
    [
        (VENDOR, hub(), True),
        (VENDOR, hub(has_shown=False), False),  # heard, but not yet whole: the screen would be empty
        (VENDOR, hub(fault="no hub is sending"), False),  # a server keeps the values of a hub that has gone
        (hub(), hub(fault="no hub is sending"), False),
        (hub(fault="no hub is sending"), hub(fault="no hub is sending"), True),  # the same dead one
        (hub(fault="no hub is sending"), hub(has_shown=False, fault="no hub is sending"), False),
    ],
)
def test_a_hub_goes_in_whole_and_no_worse_than_what_is_there(present, new, is_up) -> None:
    assert _is_up(SimpleNamespace(feeds=(present,)), new) is is_up
