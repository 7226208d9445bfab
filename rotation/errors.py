"""The one error a person sees: what failed, where, and what to do."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input. ``str()`` is one line to print; the program ends with exit code 2."""
