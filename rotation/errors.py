"""The errors a person sees, by what the caller does about them.

::

    ValueError
    ├── InputError           bad input of a person: one line, exit code 2; never caught to go on
    │   └── NothingToShowError  no history, no tape, no answer: the command line says what to do
    ├── StripError           futures prices that no chain solves: those figures are left out, the rest stays
    └── SourceError          (feeds.errors) an answer that cannot be used: ask again, or the next source
        └── SourceAway       (feeds.errors) nobody answers: wait as long as it says, or the next source
    RuntimeError
    └── UnavailableError     cannot be had now, through no fault of the person's: one line, exit code 1
        └── StorageError     the disk is full, too slow or read-only: stop writing, keep what is shown
            └── DamagedError what is stored cannot be used: it must be fetched or imported again

None of them stands for another: what catches one says what it does about exactly that.
"""

from __future__ import annotations

import stat

_SPECIAL = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


def not_a_file(mode: int) -> str:
    """Why this is not read, by its ``st_mode``: a pipe could make us wait for ever; "" for a regular file."""
    kinds = (kind for is_kind, kind in _SPECIAL if is_kind(mode))
    kind = next(kinds, "")
    return kind and f"it is {kind}, not a regular file"


class InputError(ValueError):
    """Bad input. ``str()`` is one line to print; the program ends with exit code 2."""


class StripError(ValueError):
    """A strip of futures prices that makes no sense. ``str()`` names the contract or the meeting."""


class NothingToShowError(InputError):
    """Neither history nor a tape is here, and no source answered; the demo was not asked for."""


class UnavailableError(RuntimeError):
    """What was asked for cannot be had now, through no fault of the person's; exit code 1.

    ``str()`` is one line: what failed, why, what to do.
    """


class StorageError(UnavailableError):
    """Our own files cannot be read or written: a full, slow, failing or read-only disk."""


class DamagedError(StorageError):
    """What is stored is missing, damaged or of another version. ``str()`` says what to do."""
