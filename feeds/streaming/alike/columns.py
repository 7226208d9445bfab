"""Frames of thousands of messages, most of which are written alike: as columns, without an object each. Pure.

A vendor's ``Trades`` says what fields mean. Messages that follow no template are read one by one, in their
places, by the vendor's typed reading; where that is left with a doubt, so is the frame to the exact way.
"""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from feeds.streaming.alike import packed, texts
from feeds.streaming.alike.packed import Packed, PackedTemplate
from feeds.streaming.alike.texts import Texts, TextTemplate
from feeds.streaming.alike.words import Array, ByteWords
from feeds.streaming.receive.together import Reading
from feeds.streaming.vendor import ManyFrames
from rotation.columns import PrintColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feeds.streaming.alike.fields import Read, Wanted
    from feeds.streaming.vendor import Frame

CHUNK = 1048576
"""Characters or bytes that are read at once: they stay in the second cache."""
FRAMES_MAX = 16_384
FEW = 32_768
"""The same while frames are mixed."""
PAUSE_MAX = 15
"""Looks in a row that are left to be read as objects, at most, where frames of another kind stand between."""
LEAST = 128
"""Messages for which a template is worth asking."""
TEMPLATES_MAX = 6
SINGLES_SHARE = 4
"""One in so many may be read by itself; with more the frames are better decoded together."""


_DTYPES = (np.uint32, np.int64, np.float64, np.int64, np.int64, np.uint8, np.uint64)
"""Of codes, times, prices, numbers, sizes and roles, and of keys."""


class Rows(msgspec.Struct, eq=False):
    """Prints of messages: arrays of one length, of all that were asked of."""

    is_fine: Array
    """Read, and a print."""
    is_left_out: Array
    """Read, but no trade."""
    codes: Array
    ts_ns: Array
    prices: Array
    seqs: Array
    sizes: Array
    roles: Array
    keys: Array | None = None
    """Of 64 bits, by which ids are looked for; None where nobody looks for any."""


class Placed(msgspec.Struct, eq=False):
    """Where the prints of frames that were read stand."""

    held: Texts | Packed
    at: Array
    """Of each print its message, ascending."""
    keys: Array | None
    """As ``Rows.keys``, of the prints."""
    reading: Reading
    """Of the messages that were read one by one."""
    singles: list[int]
    """These."""


class Trades(Protocol):
    """What a vendor's fields mean, for as long as a connection lasts."""

    wanted: Wanted

    def stamp_ns(self, text: str) -> int | None:
        """UTC nanoseconds of a time to the second; None where it is none."""
        ...

    def rows(self, read: Read, *, is_json: bool) -> Rows:
        """What was read, as prints."""
        ...

    def begin(self) -> tuple[Reading, PrintColumns]:
        """A typed reading of single messages, and the prints that it fills."""
        ...

    def single_keys(self, reading: Reading) -> Array | None:
        """As ``Rows.keys``, of the prints of single messages."""
        ...

    def finish(self, made: ManyFrames, placed: Placed) -> None:
        """All has been read; what follows from where it stood is added."""
        ...


class Columns:
    """The reader of a connection: it learns how its messages are written."""

    def __init__(self, trades: Trades) -> None:
        """``trades``: the vendor's."""
        self._trades = trades
        self._templates: list[TextTemplate | PackedTemplate] = []
        self._is_json = True
        self._words = ByteWords(2 * CHUNK)
        self._mixed = self._pause = 0

    def read(self, frames: Sequence[Frame], start: int) -> ManyFrames | None:
        """What frames mean from the place on, as many as are read at once; None where that gains nothing.

        All that stands behind a frame of another kind is laid out for nothing: where many do, as at the end
        of a minute that brings bars of a whole market, little is tried at once, and seldom.
        """
        if self._pause:
            self._pause -= 1
            return None
        end, most = start, FEW if self._mixed else CHUNK
        for size in accumulate(map(len, frames[start : start + FRAMES_MAX])):
            end += 1
            if size >= most:
                break
        many = self._read_part(frames[start:end])
        is_mixed = many is None or 2 * many.count < end - start
        self._mixed = self._pause = min(2 * self._mixed + 1, PAUSE_MAX) if is_mixed else 0
        return many

    def _read_part(self, part: Sequence[Frame]) -> ManyFrames | None:
        """What frames mean, as far as they can be read at once."""
        first = part[0]
        is_json = isinstance(first, str) or first[:1] == b"["
        part = part[: (texts if is_json else packed).are_arrays(part)]
        if is_json is not self._is_json:
            self._templates, self._is_json = [], is_json
        while part:
            try:
                held = Texts(part, self._words) if is_json else Packed(part, self._words)
            except ValueError:
                return None
            made = self._read(held, len(part))
            if isinstance(made, ManyFrames):
                return made
            if made is None:
                return None
            part = part[: _frame_of(part, is_json=is_json, piece=made, held=held)]
        return None

    def _read(self, held: Texts | Packed, count: int) -> ManyFrames | int | None:
        """All of so many frames; the number of a message that is left to the exact way; None: as before."""
        taken = self._rows(held)
        if taken is None:
            return None
        rows, is_read = taken
        singles: list[int] = np.flatnonzero(~is_read).tolist()
        if len(singles) * SINGLES_SHARE > len(is_read):
            return None
        single = self._singles(held, singles)
        if isinstance(single, int):
            return single
        reading, places = single
        made = reading.made(count)
        if made is None:
            return None
        prints, at, keys = _merged(rows, made.prints, places, self._trades.single_keys(reading))
        many = ManyFrames(count, prints, made.nbbo, made.bands, made.corrections)
        self._trades.finish(many, Placed(held, at, keys, reading, singles))
        return many

    def _singles(self, held: Texts | Packed, singles: list[int]) -> tuple[Reading, list[int]] | int:
        """Messages that are read as objects, and the places of their prints; or the first that is not."""
        if singles:
            reading, prints = self._trades.begin()
            joined = held.joined(singles)
            if joined is not None and reading.take(joined) and not len(prints):
                return reading, []
        reading, prints = self._trades.begin()
        places: list[int] = []
        for i in singles:
            piece = held.joined([i])
            if piece is None or not reading.take(piece):
                return i
            places += [i] * (len(prints) - len(places))
        return reading, places

    def _rows(self, held: Texts | Packed) -> tuple[list[tuple[Array, Rows]], Array] | None:
        """Of each template the places of its prints and these, and which messages were read."""
        is_read = np.zeros(len(held.starts), np.bool_)
        merging: list[tuple[Array, Rows]] = []
        left = np.arange(len(is_read))
        for turn in range(TEMPLATES_MAX):
            if len(left) < LEAST:
                break
            if turn == len(self._templates) and not self._learn(held, left):
                break
            template = self._templates[turn]
            # Of what begins otherwise no field is looked up: it would be learnt as if it were one.
            at = left[template.may_be(held.words, held.starts[left])]
            if not len(at):
                continue
            read = template.read(held.words, held.starts[at], held.ends[at])
            rows = self._trades.rows(read, is_json=self._is_json)
            merging.append((at[rows.is_fine], rows))
            is_read[at[rows.is_fine | rows.is_left_out]] = True
            is_left = np.zeros(len(is_read), np.bool_)
            is_left[left] = True
            is_left[at[read.is_read]] = False
            left = np.flatnonzero(is_left)
        return (merging, is_read) if merging else None

    def _learn(self, held: Texts | Packed, left: Array) -> bool:
        """Learn one more way to write a message, from the first that shows one."""
        for i in left[:3].tolist():
            piece = held.joined([i])
            if piece is None:
                continue
            template: TextTemplate | PackedTemplate | None
            if self._is_json:
                template = TextTemplate.learnt(piece[1:-1], self._trades.wanted, self._trades.stamp_ns)
            else:
                template = PackedTemplate.learnt(piece[5:], self._trades.wanted)
            if template is not None:
                self._templates.append(template)
                return True
        return False


def _frame_of(frames: Sequence[Frame], *, is_json: bool, piece: int, held: Texts | Packed) -> int:
    """In which of the frames a message begins."""
    if is_json:
        firsts = np.cumsum([0, *(len(frame) - 1 for frame in frames)])
        return int(np.searchsorted(firsts, held.starts[piece] - held.starts[0], "right")) - 1
    counts = np.cumsum([0, *packed.counts_of(frames)])
    return int(np.searchsorted(counts, piece, "right")) - 1


def _merged(
    merging: list[tuple[Array, Rows]], others: PrintColumns, places: list[int], other_keys: Array | None
) -> tuple[PrintColumns, Array, Array | None]:
    """Prints of templates and those that were read one by one, at these places, in order of arrival.

    With the message of each, and its key.
    """
    parts: list[tuple[Array, ...]] = []
    for at, rows in merging:
        given = (
            rows.codes,
            rows.ts_ns,
            rows.prices,
            rows.seqs,
            rows.sizes,
            rows.roles,
            *_columns_of(rows.keys),
        )
        # Before they are joined: of 64 bits with and without a sign numpy would make floats.
        columns = [column.astype(dtype, copy=False) for column, dtype in zip(given, _DTYPES, strict=False)]
        if len(at) != len(given[0]):
            columns = [column[rows.is_fine] for column in columns]
        parts.append((at, *columns))
    if places:
        held: tuple[Any, ...] = (
            *(others.codes, others.ts_ns, others.prices),
            *(others.seqs, others.sizes, others.roles),
            *_columns_of(other_keys),
        )
        columns = [np.frombuffer(column, dtype) for column, dtype in zip(held, _DTYPES, strict=False)]
        parts.append((np.array(places), *columns))
    columns = list(parts[0])
    if len(parts) > 1:
        order = np.argsort(np.concatenate([part[0] for part in parts]), kind="stable")
        columns = [np.concatenate(column)[order] for column in zip(*parts, strict=True)]
    placed, keys = columns.pop(0), columns[6] if len(columns) > 6 else None
    held_now: list[Any] = [array(kind) for kind in "IqdqqB"]
    for kept, column in zip(held_now, columns[:6], strict=True):
        kept.frombytes(np.ascontiguousarray(column).view(np.uint8))
    codes, times, prices, seqs, sizes, roles = held_now
    prints = PrintColumns(others.names, codes, times, prices, seqs, sizes, bytearray(roles))
    return prints, placed, keys


def _columns_of(keys: Array | None) -> tuple[Array, ...]:
    return () if keys is None else (keys,)
