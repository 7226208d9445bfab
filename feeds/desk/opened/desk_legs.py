"""The desk that was asked for: which symbols it has, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.breadth.members import spelled
from rotation.desk import MOST_LEGS, STALE_AFTER_S, WINDOWS, Desk, LegList

if TYPE_CHECKING:
    from rotation.history import History

Pairs = tuple[tuple[str, str], ...]


def legs_of(
    pair: tuple[str, str],
    legs: tuple[str, ...] = (),
    pairs: Pairs = (),
    benchmark: str | None = None,
) -> tuple[str, ...]:
    """The pair, these ``legs`` (else the usual ones), ``benchmark``, those of more pairs; each once."""
    more = (symbol for each in pairs for symbol in each)
    named = () if benchmark is None else (benchmark,)
    return tuple(dict.fromkeys((*pair, *(legs or Desk().legs), *named, *more)))


def desk_for(
    history: History,
    pair: tuple[str, str],
    returns: str,
    *,
    leg_gap_s: float = 60.0,
    stale_s: float = STALE_AFTER_S,
    windows: tuple[int, ...] = WINDOWS,
    legs: tuple[str, ...] = (),
    value_growth: tuple[str, str] = ("IWN", "IVW"),
    pairs: Pairs = (),
    pair_gaps: tuple[tuple[str, float], ...] = (),
    lists: tuple[LegList, ...] = (),
    benchmark: str | None = None,
    universes: tuple[str, ...] = (),
) -> Desk:
    """The desk with this pair and these ``legs``; ``pairs`` can be shown in the place of the first.

    ``lists``: groups and watch lists, whose symbols are legs too. ``universes``: as ``Desk`` has them.

    Without any, the usual legs, and one for what else is held, unless that is a whole universe. A
    ``benchmark`` that was named is a leg, since a price of it is needed.
    """
    own = legs_of(pair, legs, pairs, benchmark)
    named = {spelled(symbol) for symbol in (*own, *(symbol for each in lists for symbol in each.symbols))}
    stored = tuple(symbol for symbol in history.symbols if spelled(symbol) not in named)  # BRK-B is BRK.B
    held = own if legs else tuple(dict.fromkeys((*own, *stored)))
    held = held if len(held) <= MOST_LEGS else own
    grouped = {symbol for each in lists if not each.is_watchlist for symbol in each.symbols}
    rest = LegList("", tuple(symbol for symbol in held if symbol not in grouped))
    return Desk(
        base=pair[0],
        against=pair[1],
        value=value_growth[0],
        growth=value_growth[1],
        benchmark=benchmark or Desk().benchmark,
        legs=tuple(dict.fromkeys((*held, *(symbol for each in lists for symbol in each.symbols)))),
        returns=returns,
        leg_gap_s=leg_gap_s,
        stale_s=stale_s,
        windows=windows,
        pairs=tuple(dict.fromkeys(each for each in pairs if each != pair)),
        pair_gaps=pair_gaps,
        lists=(rest, *lists) if lists else (),
        universes=universes,
    )
