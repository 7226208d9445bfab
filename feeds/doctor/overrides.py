"""What the environment changes, fit to be shown: addresses without credentials, keys by name only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feeds.keys.keys import VARIABLES, redact
from feeds.parsing.sanitize import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "ROTATION_TUI_"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
"""Looked at by the HTTP client, in either case."""
_KEYS = frozenset(name for ways in VARIABLES.values() for names in ways for name in names)


def shown_url(text: str) -> str:
    """Scheme, host, port and path of an address: never a user, a password, a query or a fragment."""
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    # A password with a slash in it ends up in what looks like the path.
    if not host or "@" in parts.path:
        return "(not an address)"
    brackets = f"[{host}]" if ":" in host else host
    return redact(clean(f"{parts.scheme}://{brackets}{f':{port}' if port else ''}{parts.path}"))


def overrides(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables of ours, of the vendors' keys and of proxies that are set, and what may be shown of each."""
    given = os.environ if environ is None else environ
    shown = {}
    for name in sorted(given):
        if not given[name].strip():
            continue
        if name in _KEYS:
            shown[name] = "(a key, not shown)"
        elif name.upper() == "NO_PROXY":
            shown[clean(name)] = clean(given[name])
        elif name.upper() in _PROXIES or (name.startswith(PREFIX) and name.endswith("_URL")):
            shown[clean(name)] = shown_url(given[name])
        elif name.startswith(PREFIX):
            shown[clean(name)] = "(set)"
    return shown
