"""The JSON schema of ``snapshot`` and ``watch``, generated from the types (``make schema``)."""

from __future__ import annotations

import sys

import msgspec

from rotation.snapshot import Snapshot


def schema() -> bytes:
    """JSON schema (2020-12) of a Snapshot, indented."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Snapshot)}
    return msgspec.json.format(msgspec.json.encode(described, order="sorted"), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(schema())
