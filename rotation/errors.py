"""The errors a person sees: what failed, where, and what to do."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input. ``str()`` is one line to print; the program ends with exit code 2."""


class NothingToShowError(InputError):
    """Neither history nor a tape is here, and no source answered; the demo was not asked for."""


class UnavailableError(RuntimeError):
    """What was asked for cannot be had now, through no fault of the person's; exit code 1.

    ``str()`` is one line: what failed, why, what to do.
    """
