"""The symbols that a vendor's messages name, by code: a name is checked and translated once. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NAMES_MAX = 65_536
"""Names known at once: several times as many as there are in the United States."""


class BadNameError(ValueError):
    """No symbol."""


class SymbolCodes(dict[str, int]):
    """By the vendor's name the code of our symbol, which is its place in ``ours``."""

    def __init__(self, ours_of: Callable[[str], str | None]) -> None:
        """``ours_of`` is asked once for each name; None: it is no symbol."""
        super().__init__()
        self._ours_of = ours_of
        self.ours: list[str] = []
        """Symbols by code, each once. The list grows; another takes its place when it would be too long."""
        self._code_of: dict[str, int] = {}

    def __missing__(self, name: str) -> int:
        """The code of a new name. Raises BadNameError for what is no symbol."""
        ours = self._ours_of(name)
        if ours is None:
            raise BadNameError
        code = self._code_of.get(ours)
        if code is None:
            code = self._code_of[ours] = len(self.ours)
            self.ours.append(ours)
        self[name] = code
        return code

    def of(self, names: Iterable[str]) -> list[int]:
        """The code of each name. Raises BadNameError where one is no symbol."""
        return list(map(self.__getitem__, names))

    def symbol(self, name: str) -> str:
        """Our symbol. Raises BadNameError for what is no symbol."""
        return self.ours[self[name]]

    def begin(self) -> None:
        """Prints of one look are about to be read; codes of looks before may hold no more."""
        if len(self) > NAMES_MAX:
            self.clear()
            self._code_of.clear()
            self.ours = []
