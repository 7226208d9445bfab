"""Passes over a stored history, made once: facts of the history and look-backs by what they are made of.

A file names in its key all that it depends on: the stored series by the hashes of their bytes, the session,
the desk, the members and what computes. One that is missing, broken or of another key is made anew, silently.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from feeds.files.sealed import seal, unsealed
from feeds.history.kept.calendar import keep_calendar, use_calendar
from feeds.history.kept.code import code
from feeds.history.kept.files import KeptFiles
from rotation.history import Facts
from rotation.market.past.look_back import look_back
from rotation.market.past.look_back_bytes import dump, key_of, load

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from rotation.breadth.members import Membership
    from rotation.desk import Desk
    from rotation.history import History
    from rotation.market.past.look_back import LookBack

FOLDER = "look-back"
"""In the history's folder."""
FACTS_LAYOUT = 1


class _HeldFacts(msgspec.Struct, frozen=True, array_like=True):
    key: str
    facts: Facts


class LookBacks:
    """What is kept beside one store, the exchange's calendar with it."""

    def __init__(self, store: Path, *, writes: bool = True) -> None:
        """``store``: the history's folder. ``writes``: False only to use what is held."""
        self._files = KeptFiles(store / FOLDER)
        self._writes = writes
        use_calendar(self._files)

    def facts(self, identity: str) -> Facts | None:
        """Facts of the history named by ``History.identity``; None if not held."""
        key = _facts_key(identity)
        body = unsealed(self._files.read(f"facts-{key}"))
        if body is None:
            return None
        try:
            held = msgspec.msgpack.decode(body, type=_HeldFacts)
        except (ValueError, OverflowError):  # msgspec's are ValueErrors
            return None
        return held.facts if held.key == key else None

    def look(
        self, history: History, session: date | None, desk: Desk, membership: tuple[Membership, ...] = ()
    ) -> LookBack:
        """As ``look_back``; what comes of it is kept. Raises what reading a deferred history raises."""
        if not history.identity:
            return look_back(history, session, desk, membership)
        key = key_of(history.identity, session, desk, membership, code())
        name = f"look-back-{key[:32]}"
        data = self._files.read(name)
        made = None if data is None else load(data, key, history, membership)
        if made is None:
            made = look_back(history, session, desk, membership)
            if self._writes and history.identity:  # reading shows whether its files are still the same
                self._files.write(name, dump(made, key))
                if session is not None:
                    keep_calendar(self._files, session.year)
        if self._writes and history.is_read and history.identity and session is not None and history.last():
            self._keep_facts(history)
        return made

    def _keep_facts(self, history: History) -> None:
        if self.facts(history.identity) is None:
            key = _facts_key(history.identity)
            body = msgspec.msgpack.encode(_HeldFacts(key, history.facts()))
            self._files.write(f"facts-{key}", seal(body))


def _facts_key(identity: str) -> str:
    return sha256(f"{FACTS_LAYOUT} {identity} {code()}".encode()).hexdigest()[:32]
