"""Three encodings of the same quotes, as columns: bytes a quote, and CPU to write and to read one."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Callable

FIELDS = {
    "symbol": str, "ts_ns": int, "price": float, "size": int, "high": float, "low": float, "volume": int,
    "bid": float, "ask": float,
}  # fmt: skip
LEAST_S = 0.3


def columns(symbols: list[str]) -> dict[str, list[Any]]:
    """One tick of these symbols."""
    count = range(len(symbols))
    price = [round(20 + (i * 7919 % 40_000) / 100, 2) for i in count]
    return {
        "symbol": symbols,
        "ts_ns": [1_795_621_224_088_171_287 + i * 1_017_331 for i in count],
        "price": price,
        "size": [1 + i * 37 % 900 for i in count],
        "high": [round(p * 1.01, 2) for p in price],
        "low": [round(p * 0.99, 2) for p in price],
        "volume": [100_000 + i * 7_919 for i in count],
        "bid": [round(p - 0.01, 2) for p in price],
        "ask": [round(p + 0.01, 2) for p in price],
    }


class _Columns(msgspec.Struct, array_like=True):
    symbol: list[str]
    ts_ns: list[int]
    price: list[float]
    size: list[int]
    high: list[float]
    low: list[float]
    volume: list[int]
    bid: list[float]
    ask: list[float]


def _message() -> Any:
    """A protobuf message with a packed column for each field."""
    proto = descriptor_pb2.FileDescriptorProto(name="bench_hub.proto", syntax="proto3")
    message = proto.message_type.add(name="Quotes")
    kinds = descriptor_pb2.FieldDescriptorProto
    types = {str: kinds.TYPE_STRING, int: kinds.TYPE_INT64, float: kinds.TYPE_DOUBLE}
    for number, (name, kind) in enumerate(FIELDS.items(), 1):
        message.field.add(name=name, number=number, type=types[kind], label=kinds.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Quotes"))


def measured(symbols: list[str]) -> dict[str, dict[str, float]]:
    """By format: bytes a quote, and microseconds a quote to write and to read."""
    rows = columns(symbols)
    quotes = _message()
    decoder = msgspec.msgpack.Decoder(_Columns)

    def arrow() -> bytes:
        out = io.BytesIO()
        pl.DataFrame(rows).write_ipc_stream(out)
        return out.getvalue()

    ways: dict[str, tuple[Callable[[], bytes], Callable[[bytes], object]]] = {
        "msgpack": (lambda: msgspec.msgpack.encode(_Columns(**rows)), decoder.decode),
        "arrow_ipc": (arrow, lambda data: pl.read_ipc_stream(data).to_dict(as_series=False)),
        "protobuf": (
            lambda: quotes(**rows).SerializeToString(),
            lambda data: [list(getattr(quotes.FromString(data), name)) for name in FIELDS],
        ),
    }
    return {name: _cost(len(symbols), *way) for name, way in ways.items()}


def _cost(count: int, write: Callable[[], bytes], read: Callable[[bytes], object]) -> dict[str, float]:
    data = write()
    return {
        "bytes": round(len(data) / count, 1),
        "write_us": round(_cpu_us(write) / count, 3),
        "read_us": round(_cpu_us(lambda: read(data)) / count, 3),
    }


def _cpu_us(call: Callable[[], object]) -> float:
    runs, began_s = 0, time.process_time()
    while (taken_s := time.process_time() - began_s) < LEAST_S:
        call()
        runs += 1
    return taken_s / runs * 1e6
