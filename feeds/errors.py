"""The errors of sources; those that a person sees are in ``rotation.errors``, with the tree of all.

::

    SourceError       what was sent cannot be used: reject it, ask again, or go on with the next source
    ├── PartialAnswer some of the symbols were answered for: use it, ask again for the others
    └── SourceAway    nobody answers, whatever is asked: wait ``after_s``, or go on with the next source
        ├── BrowserWanted   a page that checks for a browser stands in front of it: go on with the next source
        └── KeyNeeded   it answers nobody without a valid key: waiting does not help, a person must act
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.errors import DamagedError, InputError, StorageError, UnavailableError

if TYPE_CHECKING:
    from rotation.quote import Quote

__all__ = [
    "BrowserWanted",
    "DamagedError",
    "InputError",
    "KeyNeeded",
    "PartialAnswer",
    "SourceAway",
    "SourceError",
    "StorageError",
    "StrayError",
    "UnavailableError",
]


class StrayError(InputError):
    """A file that holds nothing of the kind that was looked for: in a folder it is named and left out."""


class SourceError(ValueError):
    """What a source sent cannot be used. ``str()`` says why, in our own words: it may reach the screen."""


class PartialAnswer(SourceError):  # noqa: N818 - a part of what was asked for, with the reason for the rest
    """Some symbols were answered for. ``str()`` says why the others were not."""

    def __init__(self, message: str, quotes: tuple[Quote, ...], lacking: frozenset[str]) -> None:
        """``quotes``: of the symbols that were answered for. ``lacking``: the others."""
        super().__init__(message)
        self.quotes = quotes
        self.lacking = lacking


class SourceAway(SourceError):  # noqa: N818 - a state of the source, reported like its other failures
    """The source is unavailable for now, whatever symbol is requested."""

    def __init__(self, message: str, *, after_s: float | None = None, refused: bool = False) -> None:
        """``after_s``: seconds after which it is worth asking again; None where waiting does not help.

        ``refused``: it is up, and says that it was asked too often.
        """
        super().__init__(message)
        self.after_s = after_s
        self.refused = refused


class KeyNeeded(SourceAway):
    """The source wants a key, or another one than was given."""

    def __init__(self, message: str) -> None:
        """``message`` says how to get or set one."""
        super().__init__(message)


class BrowserWanted(SourceAway):
    """The source answers programs with a page that only a browser gets past."""
