"""What a text means is asked once, and is remembered however many texts share a place."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feeds.streaming.alike import known
from feeds.streaming.alike.known import Known

WORDS = st.integers(0, 2**64 - 1) | st.integers(0, 5)


@given(
    st.lists(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=40), max_size=5),
    st.sampled_from((3, 65_536)),
)
def test_numbers_are_those_of_the_texts_and_each_is_asked_once_while_it_is_known(looks, most):
    asked = []

    def number_of(key):
        asked.append(key)
        return (key[0] * 31 + key[1]) % 1000 - 500

    with patch.object(known, "MOST", most), patch.object(known, "_BITS", (3, 2)):
        held = Known(2, number_of)
        for look in looks:
            values = held.of(*(np.array(words, np.uint64) for words in zip(*look, strict=True)))
            assert values.tolist() == [(first * 31 + second) % 1000 - 500 for first, second in look]
    if most > 200:
        assert len(asked) == len(set(asked))
