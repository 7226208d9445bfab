"""What ``rotation-tui config key`` does: keep a key, forget it, and say where each comes from."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from feeds.errors import InputError
from feeds.files.names import shown_path
from feeds.keys.keyring import NoRingError, Ring, RingError, ring
from feeds.keys.keys import PARTS, check_feed, find, key_file, keys_of, parts_of, set_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class KeyChain:
    """The keys of this person on this machine. Lines to print hold no key."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        keyring: Ring | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._file = key_file(folder)
        self._folder = self._file.path.parent
        self._ring = keyring or ring()
        self._environ = os.environ if environ is None else environ

    def parts(self, feed: str) -> tuple[str, ...]:
        """What the key of a feed consists of, in words. Raises InputError for a feed without one."""
        return parts_of(check_feed(feed))

    def keep(self, feed: str, parts: tuple[str, ...], *, in_file: bool = False) -> list[str]:
        """Keep a key in the keyring, or where there is none in the file; lines to print.

        ``in_file``: in the file, whatever there is. Raises InputError.
        """
        feed = check_feed(feed)
        keys_of(feed, parts, "the key entered")
        lines = []
        if in_file:
            self._forget_ringed(feed)
        else:
            try:
                self._ring.put(feed, "\n".join(parts))
            except RingError as error:
                lines.append(f"{error}: the key goes into a file that only you can read")
                in_file = True
        if in_file:
            self._file.put(feed, parts)
            lines.append(f"{feed}: stored in {shown_path(self._file.path)}")
        else:
            self._file.drop(feed)  # an older one must not lie about
            lines.append(f"{feed}: stored in the keyring ({self._ring.name()})")
        return lines + self._shadowed(feed)

    def forget(self, feed: str) -> list[str]:
        """Forget a key wherever it is kept; lines to print. Raises InputError."""
        feed = check_feed(feed)
        lines = []
        try:
            if self._ring.drop(feed):
                lines.append(f"{feed}: removed from the keyring")
        except NoRingError:
            pass
        except RingError as error:
            lines.append(f"{feed}: {error}; a key stored there would remain")
        if self._file.drop(feed):
            lines.append(f"{feed}: removed from {shown_path(self._file.path)}")
        return (lines or [f"{feed}: no key was stored"]) + self._shadowed(feed)

    def lines(self) -> list[str]:
        """Where the key of each feed comes from."""
        return [f"{feed:<9} {self._line(feed)}" for feed in PARTS]

    def _line(self, feed: str) -> str:
        try:
            keys = find(feed, environ=self._environ, folder=self._folder, keyring=self._ring)
        except InputError as error:
            return f"unusable: {error}"
        if keys is None:
            try:
                self._ring.get(feed)
            except NoRingError:
                pass
            except RingError as error:  # it may be in there
                return f"unknown: {error}"
            return f"none; see: rotation-tui config key set {feed}"
        return f"{keys.source}, ends in {keys.tail}" if keys.tail else keys.source

    def _forget_ringed(self, feed: str) -> None:
        """The keyring goes before the file, so an older key in it would win."""
        with suppress(RingError):  # then it cannot be read either, and the file's key is used
            self._ring.drop(feed)

    def _shadowed(self, feed: str) -> list[str]:
        names = set_in(feed, self._environ)
        return (
            [f"{feed}: note that {' and '.join(names)} in the environment takes precedence"] if names else []
        )
