"""Target ranges as they were published, built in: they name past outcomes.

Source: Federal Reserve, the rates published with each decision; a range holds from the day after it.
"""

from __future__ import annotations

from datetime import date, timedelta

from rotation.fed.odds import TargetRange

_FROM = (
    (date(2020, 3, 16), 0, 25),
    (date(2022, 3, 17), 25, 50),
    (date(2022, 5, 5), 75, 100),
    (date(2022, 6, 16), 150, 175),
    (date(2022, 7, 28), 225, 250),
    (date(2022, 9, 22), 300, 325),
    (date(2022, 11, 3), 375, 400),
    (date(2022, 12, 15), 425, 450),
    (date(2023, 2, 2), 450, 475),
    (date(2023, 3, 23), 475, 500),
    (date(2023, 5, 4), 500, 525),
    (date(2023, 7, 27), 525, 550),
    (date(2024, 9, 19), 475, 500),
    (date(2024, 11, 8), 450, 475),
    (date(2024, 12, 19), 425, 450),
    (date(2025, 9, 18), 400, 425),
    (date(2025, 10, 30), 375, 400),
    (date(2025, 12, 11), 350, 375),
)
FIRST = date(2021, 1, 1)
"""The first decision built in; before it the Fed of the past cannot be computed."""
KNOWN_THROUGH = date(2026, 6, 5)
"""The last day of which the range is shipped."""


def ranges_on(day: date) -> tuple[TargetRange, ...]:
    """The ranges published by ``day``, oldest first, the last up to it; none outside of what is shipped."""
    if not FIRST <= day <= KNOWN_THROUGH:
        return ()
    begun = [each for each in _FROM if each[0] <= day]
    ends = [each[0] - timedelta(days=1) for each in begun[1:]]
    return tuple(
        TargetRange(first, last, lower, upper)
        for (first, lower, upper), last in zip(begun, [*ends, day], strict=True)
    )
