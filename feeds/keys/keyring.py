"""The system's keyring, asked so that it can neither hang nor crash us, nor keep a key in plain text.

The library ``keyring`` and its backends are other people's code that talks to daemons: they are imported
on first use and called in a thread that is left behind when it does not answer.
"""

from __future__ import annotations

import logging
import queue
import threading
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

T = TypeVar("T")
log = logging.getLogger(__name__)

SERVICE = "rotation-tui"
ANSWER_S = 3.0
"""An unlocked keyring answers in milliseconds; a locked one without a screen to ask on, never."""
_WEAK = ("keyrings.alt", "keyring.backends.null", "keyring.backends.fail", "keyring.backends.chainer")
"""Modules of backends that store in plain text, under a known password, or nowhere."""


class RingError(Exception):
    """The keyring cannot be used. ``str()`` says why, without quoting the keyring."""


class NoRingError(RingError):
    """There is no keyring, or none that can be trusted, so it cannot hold our keys."""


class Ring:
    """One text a feed, under the service ``rotation-tui``."""

    def __init__(self, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self._mute = False

    def get(self, feed: str) -> str | None:
        """What is kept for this feed; None where nothing is. Raises RingError."""
        return self._ask(lambda: _backend().get_password(SERVICE, feed))

    def put(self, feed: str, text: str) -> None:
        """Keep a text, and look that it is kept. Raises RingError."""

        def keep() -> str | None:
            backend = _backend()
            backend.set_password(SERVICE, feed, text)
            return backend.get_password(SERVICE, feed)

        if self._ask(keep) != text:
            raise RingError("the keyring did not store the key")

    def drop(self, feed: str) -> bool:
        """Forget a feed's text; False where there was none. Raises RingError."""

        def drop() -> bool:
            backend = _backend()
            if backend.get_password(SERVICE, feed) is None:
                return False
            backend.delete_password(SERVICE, feed)
            return True

        return self._ask(drop)

    def name(self) -> str:
        """The name of the keyring. Raises RingError if there is none that can be trusted."""
        return self._ask(lambda: str(_backend().name))

    def _ask(self, call: Callable[[], T]) -> T:
        if self._mute:
            raise RingError("the keyring does not answer")
        answers: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put((call(), None))
            except Exception as error:  # noqa: BLE001 - backends raise whatever their daemons do
                answers.put((None, error))

        threading.Thread(target=run, name="keyring", daemon=True).start()
        try:
            value, error = answers.get(timeout=self._answer_s)
        except queue.Empty:
            self._mute = True
            raise RingError(
                f"the keyring did not answer within {self._answer_s:g} s; it may be locked"
            ) from None
        if isinstance(error, RingError):
            raise error
        if error is not None:
            # Only the kind of error: what a backend writes into it is not known to be harmless.
            raise RingError(f"the keyring failed ({type(error).__name__})") from None
        return value  # type: ignore[return-value]


def _backend() -> KeyringBackend:
    """The best backend that the person configured or the system offers. Raises RingError for none."""
    try:
        import keyring  # noqa: PLC0415 - talks to the session bus when imported
    except ImportError:
        raise NoRingError("the library keyring is not installed") from None
    chosen = keyring.get_keyring()
    candidates = getattr(chosen, "backends", [chosen])  # a chainer tries several
    trusted: KeyringBackend | None = next(filter(_is_trusted, candidates), None)
    if trusted is None:
        raise NoRingError("no secure keyring is available")
    return trusted


def _is_trusted(backend: KeyringBackend) -> bool:
    # 1 is what the library itself recommends from.
    return not type(backend).__module__.startswith(_WEAK) and float(backend.priority) >= 1


@cache
def ring() -> Ring:
    """The keyring of this process: one that did not answer once is not asked again."""
    return Ring()
