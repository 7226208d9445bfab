"""Whether the weights of a holdings file can be those of the whole fund, and percent. Pure."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

from feeds.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

WEIGHT_SUM = (80.0, 120.0)
"""Percent that all lines of a whole sponsor's file add up to."""
WEIGHED = 0.1
"""Published weights from this on are exact enough to tell from the lines' values how large the fund is."""
WEIGHED_LEAST = 10
LACKS_MOST = 0.5
"""Percent of a fund that may be missing by that reckoning; a whole file is within 0.2."""
OWN_SUM = 300.0
"""Percent that the weights of a person's list add up to at most: beyond it they are something else."""
FRACTIONS = (0.8, 1.2)
"""Weights that add up to so much are fractions of 1."""


def check_whole(weights: Sequence[float | None], fund: str) -> None:
    """Raise SourceError where a sponsor's weights do not add up to a fund."""
    known = [weight for weight in weights if weight is not None]
    if not known:
        raise SourceError(f"{fund} holdings: no column of weights")
    whole = fsum(known)
    if not WEIGHT_SUM[0] <= whole <= WEIGHT_SUM[1]:
        raise SourceError(f"{fund} holdings: weights add up to {whole:.0f} %: the file was cut off")


def check_lines(weights: Sequence[float | None], values: Sequence[float | None], fund: str) -> None:
    """Raise SourceError where the values are those of a part of the fund: the file was cut off.

    The published weights of the lines that are there say how large the fund is.
    """
    pairs = [(weight or 0.0, value or 0.0) for weight, value in zip(weights, values, strict=True)]
    large = [(weight, value) for weight, value in pairs if weight >= WEIGHED and value > 0]
    if len(large) < WEIGHED_LEAST:
        return
    held, known = fsum(value for _, value in pairs), fsum(value for _, value in large)
    part = held / known * fsum(weight for weight, _ in large)
    if part < 100 - LACKS_MOST:
        raise SourceError(f"{fund} holdings: its lines hold {part:.1f} % of the fund: the file was cut off")


def check_unit(weights: Sequence[float | None], fund: str) -> None:
    """Raise SourceError where a person's weights cannot be percent."""
    known = [weight for weight in weights if weight is not None]
    whole = fsum(known)
    if known and max(map(abs, known)) <= 1 and FRACTIONS[0] <= whole <= FRACTIONS[1]:
        raise SourceError(f"{fund} holdings: weights add up to {whole:.2f}: give them in percent")
    if fsum(map(abs, known)) > OWN_SUM:
        raise SourceError(f"{fund} holdings: weights add up to {whole:,.0f}: give them in percent")
