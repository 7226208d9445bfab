"""Alpaca's key and secret, where nothing shows them by accident."""

from __future__ import annotations

import re

from feeds.errors import InputError

_USABLE = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)


class AlpacaKeys:
    """A pair that goes into one message and two headers, and into no repr, log or error."""

    __slots__ = ("_key_id", "_secret")

    def __init__(self, key_id: str, secret: str) -> None:
        """Raises InputError, which quotes nothing, where one of them cannot be a key."""
        for what, text in (("key ID", key_id), ("secret", secret)):
            if not _USABLE.fullmatch(text):
                raise InputError(
                    f"Alpaca's {what}: is empty or contains an invalid character — copy it again, "
                    "without blanks or quotes"
                )
        self._key_id = key_id
        self._secret = secret

    def __repr__(self) -> str:
        return "AlpacaKeys(not shown)"

    def message(self) -> dict[str, object]:
        """The stream's authentication."""
        return {"action": "auth", "key": self._key_id, "secret": self._secret}

    def headers(self) -> dict[str, str]:
        """Headers of a REST request."""
        return {"APCA-API-KEY-ID": self._key_id, "APCA-API-SECRET-KEY": self._secret}
