"""How vendors write the symbols that are one thing here: indices and classes of shares."""

from __future__ import annotations

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


def alpaca_symbol(symbol: str) -> str:
    """``BRK-B`` → ``BRK.B``."""
    return symbol.replace("-", ".")
