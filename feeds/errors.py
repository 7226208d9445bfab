"""Errors of the feeds, typed by what the caller does about them.

::

    InputError                a person's input or configuration: say so, exit code 2
    UnavailableError          not to be had now; exit code 1
      StorageError            our own files: full, read-only, unreadable disk
        DamagedError          what is stored cannot be used: it must be fetched or imported again
    SourceError               an answer of no use: try the next source, keep what is held
      SourceAway              the source answers for no symbol: wait, or go on without it
"""

from __future__ import annotations

from rotation.errors import InputError, UnavailableError

__all__ = ["DamagedError", "InputError", "SourceAway", "SourceError", "StorageError", "UnavailableError"]


class StorageError(UnavailableError):
    """Our own files cannot be read or written. ``str()`` is one line: which, why, what to do."""


class DamagedError(StorageError):
    """What is stored is missing, damaged or of another version. ``str()`` as of StorageError."""


class SourceError(ValueError):
    """What a source sent cannot be used. ``str()`` says why, in our own words: it may reach the screen."""


class SourceAway(SourceError):  # noqa: N818 - a state of the source, reported like its other failures
    """The source answers nobody for now, whichever symbol is asked for."""

    def __init__(self, message: str, *, after_s: float | None = None, refused: bool = False) -> None:
        """``after_s``: seconds after which it is worth asking again; None where waiting does not help.

        ``refused``: it is up, and says that it was asked too often.
        """
        super().__init__(message)
        self.after_s = after_s
        self.refused = refused
