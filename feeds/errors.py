"""Errors of the feeds."""

from __future__ import annotations

from rotation.errors import InputError

__all__ = ["InputError", "SourceError"]


class SourceError(ValueError):
    """What a source sent cannot be used. ``str()`` says why, in our own words: it may reach the screen."""
