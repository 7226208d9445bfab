"""Rows of a tape ↔ the body of a message, exactly: the columns of ``feeds.tapes.tape_schema.RECORDED``."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.hub.wire.codec import Fault, WireError, pack, unpack
from feeds.hub.wire.messages import Order64
from feeds.tapes.tape_schema import RECORDED

if TYPE_CHECKING:
    from feeds.hub.wire.messages import TapeMessage

BATCH_MAX = 2**53
"""No hub lives for so many events; beyond it numbers cannot be added."""
_Texts = list[str | None]
_Numbers = list[Order64]
_Prices = list[float | None]
_COLUMNS = msgspec.msgpack.Decoder(
    tuple[
        _Texts, _Numbers, _Numbers, _Prices, _Numbers, _Prices, _Prices, _Numbers, _Numbers,
        _Numbers, _Numbers, list[str], list[str], _Texts,
    ]
)  # fmt: skip


def tape_columns(frame: pl.DataFrame) -> bytes:
    """Rows of RECORDED as ``TapeMessage.columns``."""
    return pack(msgspec.msgpack.encode([frame[name].to_list() for name in RECORDED]))


def tape_frame(message: TapeMessage) -> pl.DataFrame:
    """The rows of a message as RECORDED. Raises WireError for what no tape can hold."""
    try:
        columns = _COLUMNS.decode(unpack(message.columns))
        frame = pl.DataFrame(dict(zip(RECORDED, columns, strict=True)), schema=RECORDED)
    except (msgspec.MsgspecError, ValueError, RecursionError, pl.exceptions.PolarsError) as error:
        if isinstance(error, WireError):
            raise
        raise WireError("a tape that cannot be read", Fault.BODY) from error
    batches = frame["batch"].to_list()
    if frame.height != message.rows:
        raise WireError("a tape of another length than it says", Fault.VALUE)
    if (
        batches[0] < 0
        or batches[-1] > BATCH_MAX
        or any(after < before for before, after in pairwise(batches))
    ):
        raise WireError("a tape out of order", Fault.VALUE)
    return frame
