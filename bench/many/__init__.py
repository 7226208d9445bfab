"""A whole market's symbols: importing them, and a snapshot on them."""

from bench.many.measure import measure as measure
