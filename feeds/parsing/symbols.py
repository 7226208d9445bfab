"""How vendors write the symbols that are one thing here: indices and classes of shares."""

from __future__ import annotations

import re

from rotation.desk import is_index

YAHOO_INDEX = {"RUT": "^RUT", "NDX": "^NDX", "SPX": "^GSPC", "DJI": "^DJI", "COMP": "^IXIC", "VIX": "^VIX"}
STOOQ_INDEX = {"RUT": "^rut", "NDX": "^ndx", "SPX": "^spx", "GSPC": "^spx", "DJI": "^dji", "COMP": "^ndq"}


def yahoo_symbol(symbol: str) -> str:
    """``BRK.B`` → ``BRK-B``, ``RUT`` → ``^RUT``."""
    return YAHOO_INDEX.get(symbol, symbol.replace(".", "-"))


def stooq_symbol(symbol: str) -> str:
    """``BRK.B`` → ``brk-b.us``, ``^RUT`` → ``^rut``."""
    if is_index(symbol):
        name = symbol.removeprefix("^")
        return STOOQ_INDEX.get(name, f"^{name.lower()}")
    return f"{symbol.replace('.', '-').lower()}.us"


def tiingo_symbol(symbol: str) -> str:
    """``BRK.B`` → ``brk-b``."""
    return symbol.replace(".", "-").lower()


def dotted_symbol(symbol: str) -> str:
    """``BRK-B`` → ``BRK.B``, as Alpaca, Massive and Finnhub write classes of shares."""
    return symbol.replace("-", ".")


CLASSES = {
    "AGMA": "AGM.A", "AKOA": "AKO.A", "AKOB": "AKO.B", "BFA": "BF.A", "BFB": "BF.B", "BHA": "BH.A",
    "BIOB": "BIO.B", "BRKA": "BRK.A", "BRKB": "BRK.B", "CRDA": "CRD.A", "CRDB": "CRD.B", "CWENA": "CWEN.A",
    "GEFB": "GEF.B", "HEIA": "HEI.A", "HVTA": "HVT.A", "LENB": "LEN.B", "LGFA": "LGF.A", "LGFB": "LGF.B",
    "MKCV": "MKC.V", "MOGA": "MOG.A", "MOGB": "MOG.B", "UHALB": "UHAL.B", "WLYB": "WLY.B", "WSOB": "WSO.B",
}  # fmt: skip
"""Classes of shares as iShares writes them; no rule tells GEFB (GEF.B) from IBTA, a name of its own."""


_OTHER = re.compile(r"[=^]|-(?!PR)[A-Z]{3,4}$")
"""``ES=F``, ``EURUSD=X``, ``BTC-USD``, ``ETH-USDT``, as Yahoo writes them, but not ``ABR-PRD``, a share."""


def is_share(symbol: str) -> bool:
    """Whether it may be a US share or fund: no index, future, currency or coin."""
    return not is_index(symbol) and _OTHER.search(symbol) is None


def listed_symbol(symbol: str) -> str:
    """A ticker of a fund's list as we write it: ``MOGA`` → ``MOG.A``, ``BRK/B`` and ``BRK-B`` → ``BRK.B``."""
    return CLASSES.get(symbol, re.sub(r"[-/ ]", ".", symbol))
