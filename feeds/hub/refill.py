"""Whether the last values must be fetched from the server, and from when on something may be missing."""

from __future__ import annotations


class Refill:
    """A gap is open from ``open_gap`` until all that the server keeps has been taken since."""

    def __init__(self) -> None:
        self.is_wanted = True
        """Whether the last values are to be fetched: at first, and after a gap or a new connection."""
        self.is_fetched = False
        """Whether they have ever been."""
        self._is_fetching = False
        self._gap_since_ns: int | None = None
        self._fetched_s: float | None = None

    def open_gap(self, since_ns: int) -> bool:
        """Messages may have been missed from this time on; whether it counts as a gap, not as a start."""
        if self._gap_since_ns is None and (self.is_fetched or self._is_fetching):
            self._gap_since_ns = since_ns
        self.is_wanted = True
        return self.is_fetched

    @property
    def is_gapped(self) -> bool:
        """Whether something may be missing."""
        return self._gap_since_ns is not None

    def close_gap(self) -> int | None:
        """From when on something was missing, once it no longer is; None while it is, and after."""
        if not self.is_fetched or self._is_fetching or self.is_wanted:
            return None
        since_ns, self._gap_since_ns = self._gap_since_ns, None
        return since_ns

    def restart(self) -> None:
        """Whoever was fetching has ended."""
        self._is_fetching = False

    def begin(self) -> None:
        """The last values are about to be taken; what is missed from now on takes another fetch."""
        self.is_wanted, self._is_fetching = False, True

    def end(self, now_s: float) -> None:
        """All that the server keeps has been taken."""
        self.is_fetched, self._is_fetching = True, False
        self._fetched_s = now_s

    def fail(self) -> None:
        """Try again; until then a gap stays a gap."""
        self.is_wanted, self._is_fetching = True, False

    def age_s(self, now_s: float) -> float | None:
        """Since the last fetch; None before the first."""
        return None if self._fetched_s is None else now_s - self._fetched_s
