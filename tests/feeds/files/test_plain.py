"""Plain files read some at a time: each as if it had been read alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.files import plain
from feeds.files.plain import read_plain, read_plain_each

GOOD = b"date,close,volume\n2024-07-01,221.28,100\n2024-07-02,,7\n"
QUOTED = b'"date","close"\n"2024-07-01","221.28"\n"2024-07-02","222"\n'
CONTENTS = (
    GOOD,
    QUOTED,
    b'date,close,note\n2024-07-01,1.5,"a, b"\n',
    b"date,close\n2024-07-01,null\n",
    b"date,close\r\n2024-07-01,3\r\n",
    b"\xef\xbb\xbfdate,close\n2024-07-01,4",
    b"date,close\n2024-07-01,1,2\n",  # a cell too many
    b"date,close\n2024-07-01\n",  # one too few
    b"date,close\n2024-07-01,dear\n",
    b'"date","close"\n"2024-07-01","1","2"\n',
    b'"date","close"\n"","1"\n',
    b'"date","close"\n"2024-07-01","1"\n"2024-07-02"\n',
    b'date,close\n"2024-07-01,1\n',
    b"date,close,close\n2024-07-01,1,2\n",
    b"date,close\n2024-07-01,1\n\xff\xfe\n",
    b"date,close\n",
    b"date,close",
    b"\n\n",
    b"",
)
WANTED = {"text": ("date",), "numbers": ("close", "volume")}


def facts(file):
    return file and (file.name, file.frame.rows(), file.frame.schema, file.extra)


@given(st.lists(st.sampled_from([*CONTENTS, None, pl.DataFrame({"date": ["2024-07-01"], "close": [1.5]})])))
def test_files_read_together_are_read_as_each_alone(contents):
    """None: no file at all; a frame: a Parquet file."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{place}.csv" for place in range(len(contents))]
        for place, content in enumerate(contents):
            if isinstance(content, bytes):
                paths[place].write_bytes(content)
            elif content is not None:
                paths[place] = paths[place].with_suffix(".parquet")
                content.write_parquet(paths[place])
        assert [facts(file) for file in read_plain_each(paths, **WANTED)] == [
            facts(read_plain(path, **WANTED)) for path in paths
        ]


def test_what_cells_are_in_quotes_is_what_they_are_without(tmp_path):
    """Of a file longer than what is looked at in one piece, wherever its lines fall in it."""
    for cells in range(1, 8):
        rows = [[f"2024-07-{1 + i % 28:02}", *(str(i + n) for n in range(cells))] for i in range(12_000)]
        names = ["date", "close", *(f"c{n}" for n in range(cells - 1))]
        with_quotes = "\n".join(",".join(f'"{cell}"' for cell in row) for row in [names, *rows])
        (tmp_path / "quoted.csv").write_text(with_quotes)
        (tmp_path / "plain.csv").write_text(with_quotes.replace('"', ""))
        quoted, bare = (read_plain(tmp_path / name, **WANTED) for name in ("quoted.csv", "plain.csv"))
        assert quoted.frame.equals(bare.frame)
        assert quoted.frame.height == len(rows)
        for at in (with_quotes.rindex('","'), with_quotes.index('","', len(with_quotes) // 2)):
            for spoiled in ('"",', '"x"', ',"'):
                (tmp_path / "odd.csv").write_text(with_quotes[: at + 1] + spoiled + with_quotes[at + 1 :])
                odd = read_plain(tmp_path / "odd.csv", **WANTED)
                assert odd is None or odd.frame.equals(bare.frame), (cells, at, spoiled)


@pytest.mark.parametrize(("most", "ahead"), [(plain.MOST_AHEAD, plain.TOGETHER), (2 * len(GOOD), 3)])
def test_few_files_are_in_memory_at_a_time(tmp_path, monkeypatch, most, ahead):
    monkeypatch.setattr(plain, "MOST_AHEAD", most)
    paths = [tmp_path / f"{place}.csv" for place in range(40)]
    for path in paths:
        path.write_bytes(GOOD)
    opened = 0

    def counted():
        nonlocal opened
        for path in paths:
            opened += 1
            yield path

    for place, _ in enumerate(read_plain_each(counted(), **WANTED)):
        assert place < opened <= place + ahead


@pytest.mark.parametrize(
    "rows",
    [
        b'"2024-07-01","1"\n"2024-07-02"\n"2024-07-03"\n"2024-07-05","2"\n',  # as long as three whole lines
        b'"2024-07-01","1"\n"2024-07-02"',
        b'"2024-07-01"\n"2024-07-02"\n',
        b'"2024-07-01","1"\n"2024-07-02"\n',
        b"2024-07-01,1\n2024-07-02\n",
    ],
)
def test_a_short_line_is_left_to_the_exact_reader(tmp_path, rows):
    """Polars would fill it up with nulls, which nobody wrote."""
    (tmp_path / "IWM.csv").write_bytes(b'"date","close"\n' + rows)
    assert read_plain(tmp_path / "IWM.csv", **WANTED) is None
