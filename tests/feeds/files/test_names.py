"""What stands in a file's place without being one is named, not waited for."""

from __future__ import annotations

import os

import pytest

from feeds.errors import InputError
from feeds.files.names import SIZE_MAX, find_files, read_bytes
from feeds.members import universes
from feeds.members.universes import load_universe
from rotation.desk import Universe
from rotation.sessions import new_york_day

NS = 1_721_140_800_000_000_000


def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "IWM.csv"
    os.mkfifo(pipe)
    with pytest.raises(InputError) as caught:
        read_bytes(pipe)
    assert str(caught.value) == "IWM.csv: cannot be read (it is a pipe, not a regular file) — check the file"
    with pytest.raises(InputError) as caught:
        find_files([pipe])
    assert str(caught.value) == f"{pipe}: cannot be read (it is a pipe, not a regular file) — check it"
    with pytest.raises(InputError) as caught:
        load_universe(Universe("r2k", str(pipe)), new_york_day(NS))
    assert str(caught.value) == f"universes.r2k: {pipe}: cannot be read (it is a pipe, not a regular file)"


def test_a_file_larger_than_memory_is_not_read(tmp_path):
    huge = tmp_path / "IWM.csv"
    with huge.open("wb") as file:
        file.truncate(SIZE_MAX + 10**6)
    with pytest.raises(InputError) as caught:
        read_bytes(huge)
    assert str(caught.value) == (
        "IWM.csv: cannot be read (it has 4,001 MB; at most 4,000 are read) — check the file"
    )
    os.truncate(huge, universes.SIZE_MAX + 10**6)
    with pytest.raises(InputError, match=r"it has 101 MB; at most 100 are read"):
        load_universe(Universe("r2k", str(huge)), new_york_day(NS))
