"""Where a redirect may lead: nowhere with a key, else within the same site and never from https to http."""

from __future__ import annotations

import ipaddress

import httpx

from feeds.http.failure import RequestError

STATUSES = frozenset({301, 302, 303, 307, 308})
REDIRECTS_MAX = 3
_PORTS = {"http": 80, "https": 443}
_SECOND_LEVEL_MAX = 3
"""Letters of "co", "com", "gov": below a country's domain they are part of the suffix."""


def next_url(url: httpx.URL, response: httpx.Response, *, has_key: bool) -> httpx.URL | None:
    """Where to ask instead of ``url``; None if the answer is not a redirect, or the request contains a key.

    Raises RequestError for a redirect that is not followed.
    """
    # With a key the redirect is an answer like any other, and a failure.
    if response.status_code not in STATUSES or has_key:
        return None
    try:
        target = url.join(response.headers.get("location", ""))
    except (httpx.InvalidURL, ValueError):
        raise RequestError("an invalid redirect") from None  # the cause quotes the address
    if not is_same_site(url, target):
        raise RequestError("redirected to another site, not followed")
    return target


def is_same_site(old: httpx.URL, new: httpx.URL) -> bool:
    """Whether both belong to one registered domain, with no step from https to http and no other port."""
    if new.scheme not in _PORTS or new.userinfo or not new.host:
        return False
    if old.scheme == "https" and new.scheme != "https":
        return False
    old_port, new_port = _port(old), _port(new)
    is_upgrade = (old.scheme, new.scheme, old_port, new_port) == ("http", "https", 80, 443)
    if old_port != new_port and not is_upgrade:
        return False
    if old.host == new.host:
        return True
    # To another host only over https: what answers there must prove its name.
    return new.scheme == "https" and _site(old.host) is not None and _site(old.host) == _site(new.host)


def _port(url: httpx.URL) -> int:
    return url.port or _PORTS[url.scheme]


def _site(host: str) -> str | None:
    """The registered domain of a host, by the shape of its suffix; None for an address or a bare name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.rstrip(".").split(".")
    else:
        return None
    is_country = len(labels) >= 2 and len(labels[-1]) == 2 and len(labels[-2]) <= _SECOND_LEVEL_MAX
    size = 3 if is_country else 2
    return ".".join(labels[-size:]) if len(labels) >= size else None
