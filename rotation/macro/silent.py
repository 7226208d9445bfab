"""Macro of which nobody brings any news: apart from how it is made, for processes that only show it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rotation.macro.release_views import runs
from rotation.status import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from rotation.macro.figures import Macro


def offline(made: Macro, now: datetime) -> Macro:
    """The same, of which nothing more is known: whoever asked the sources has fallen silent.

    What is settled by ``now`` stays what it is; the session's yields and a release that runs then do not.
    """
    return replace(
        made,
        sources={name: replace(each, kind=Kind.OFFLINE) for name, each in made.sources.items()},
        indices=tuple(replace(each, worth=Kind.OFFLINE) for each in made.indices),
        release_days=tuple(
            replace(each, worth=Kind.OFFLINE) if runs(each, now) else each for each in made.release_days
        ),
    )
