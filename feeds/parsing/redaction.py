"""Takes secrets out of what a source sent, so that it can be given to others. Pure.

Three ways at once: values that are known to be secret, in every form in which they may stand; fields whose
name says that they hold one; and texts that look like one. What cannot be made safe is left out whole.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "•••"
LEAST = 6
"""A shorter secret stands in too many innocent words."""
_NAMES = re.compile(
    r"key|token|secret|passw|passphrase|auth(?!enticated)|cookie|session|crumb|signature|credential|bearer"
    r"|acc(oun)?t|customer|user|login|e-?mail|phone|client|(^|_)(ip|uid|sid)$|ip_?addr",
    re.IGNORECASE,
)
_PUBLIC = frozenset({"clobTokenIds", "token_id", "tokens", "clob_token_ids", "assets_ids"})
"""Names of a market's contracts, where their value is a number."""
_PUBLIC_VALUE = re.compile(r'[0-9\[\]",\s]*')
_NAMED = (
    r"(?i)([\"']?[\w-]*(?:key|token|secret|passw(?:or)?d|passphrase|authorization|cookie|session|crumb|signature"
    r"|credential|account|acct|customer|user|login)[\w-]*[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s\"'&;,<>]+)"
)
_PATTERNS = (
    (re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@\"'<>]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://[^\s?#\"'<>]+)[?#][^\s\"'<>]*"), rf"\1?{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), HIDDEN),
    (re.compile(r"\b(?:PK|AK|CK)[A-Z0-9]{14,}\b|\bdb-[A-Za-z0-9]{16,}"), HIDDEN),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), HIDDEN),
    (re.compile(_NAMED), rf"\1{HIDDEN}"),
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_DEEPEST = 64


class Redactor:
    """Redacts by the secrets that it was given, by names and by patterns."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """``secrets``: values known to be secret; shorter ones than LEAST are ignored."""
        known = {secret for secret in secrets if len(secret) >= LEAST}
        forms = {form for secret in known for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets; JSON stays JSON, and what holds none stays byte for byte."""
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if "\n" in text:
                return "\n".join(map(self.text, text.split("\n")))
            return self._plain(text)
        safe = self._value(value, 0)
        # Escapes may hide a secret from a search in the text itself, so only the decoded value decides.
        return text if safe == value else msgspec.json.encode(safe).decode()

    def binary(self, data: bytes) -> bytes | None:
        """The same bytes; None where they hold a secret, since they cannot be redacted in place."""
        raw = data.decode("latin-1")
        if self._plain(raw) != raw or self.is_leaking(data.decode("utf-8", "ignore")):
            return None
        try:
            value = msgspec.msgpack.decode(data)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return data
        return data if self._value(value, 0) == value else None

    def is_leaking(self, text: str) -> bool:
        """Whether a known secret stands in the text in any of its forms."""
        folded = text.casefold()
        return any(form in folded for form in self._forms)

    def _value(self, value: object, depth: int) -> object:
        if depth > _DEEPEST:
            return HIDDEN
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, list):
            return [self._value(entry, depth + 1) for entry in value]
        if isinstance(value, dict):
            return {
                self._string(str(name)): self._field(str(name), entry, depth) for name, entry in value.items()
            }
        if isinstance(value, bytes):
            return value if self.binary(value) is not None else HIDDEN.encode()
        return HIDDEN if self.is_leaking(str(value)) else value

    def _field(self, name: str, value: object, depth: int) -> object:
        if value in (None, "") or isinstance(value, bool):
            return value
        written = value if isinstance(value, str) else str(value)
        is_public = name in _PUBLIC and (
            isinstance(value, list) or _PUBLIC_VALUE.fullmatch(written) is not None
        )
        if _NAMES.search(name) and not is_public:
            return HIDDEN
        return self._value(value, depth + 1)

    def _string(self, text: str) -> str:
        if _BASE64.fullmatch(text) and self._is_hidden_in(text):
            return HIDDEN
        if text[:1] in "{[" and len(text) > 1:
            return self.text(text)  # JSON within JSON
        return self._plain(text)

    def _is_hidden_in(self, text: str) -> bool:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        try:
            inner = b64decode(padded, altchars=b"-_" if "-" in text or "_" in text else None, validate=True)
        except (Error, ValueError):
            return False
        return self.is_leaking(inner.decode("latin-1")) or self.is_leaking(inner.decode("utf-8", "ignore"))

    def _plain(self, text: str) -> str:
        if self.is_leaking(text):
            for form in self._forms:
                text = re.sub(re.escape(form), HIDDEN, text, flags=re.IGNORECASE)
            if self.is_leaking(text):
                return HIDDEN
        if "%" in text and self.is_leaking(unquote(text)):
            return HIDDEN
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


def _forms(secret: str) -> set[str]:
    """How the secret may be written: as it is, percent-encoded, escaped in JSON, in base64 at any offset."""
    written = {secret, quote(secret, safe=""), quote_plus(secret), msgspec.json.encode(secret).decode()[1:-1]}
    data = secret.encode()
    for lead in range(3):
        # Only the characters that depend on nothing but the secret.
        coded = b64encode(b"\0" * lead + data).decode().rstrip("=")
        core = coded[-(-lead * 8 // 6) : (lead + len(data)) * 8 // 6]
        if len(core) >= LEAST:
            written |= {core, core.replace("+", "-").replace("/", "_")}
    written.add(data.hex())
    return {form.casefold() for form in written}
