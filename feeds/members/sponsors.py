"""Where the sponsors of two funds publish today's holdings, as CSV.

None of these addresses could be tried where this was written; ``ROTATION_TUI_ISHARES_REST_URL`` and
``ROTATION_TUI_INVESCO_REST_URL`` move them to another host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import httpx

from feeds.http.exchange import Request
from feeds.parsing.wire import address

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sponsor(NamedTuple):
    """One fund's."""

    fund: str
    name: str
    feed: str
    """In the name of the environment variable."""
    home: str
    path: str
    params: Mapping[str, str]

    def request(self) -> Request:
        """The request. Raises InputError for an invalid address in the environment."""
        url = httpx.URL(address(self.feed, "REST", self.home) + self.path, params=dict(self.params))
        return Request(url, {}, "csv")


SPONSORS = {
    "IWM": Sponsor(
        "IWM",
        "iShares",
        "ISHARES",
        "https://www.ishares.com",
        "/us/products/239710/ishares-russell-2000-etf/1467271812596.ajax",
        {"fileType": "csv", "fileName": "IWM_holdings", "dataType": "fund"},
    ),
    "QQQ": Sponsor(
        "QQQ",
        "Invesco",
        "INVESCO",
        "https://www.invesco.com",
        "/us/financial-products/etfs/holdings/main/holdings/0",
        {"audienceType": "Investor", "action": "download", "ticker": "QQQ"},
    ),
}
