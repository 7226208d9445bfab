"""A pipe, a device or something huge in a file's place is one error at once, and waits for nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rotation.errors import InputError
from tui.settings.added import add_watchlist
from tui.settings.file import read
from tui.settings.reload import ConfigWatch
from tui.view import theme


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "config.toml")
    return tmp_path / "config.toml"


def test_a_pipe_is_no_configuration_file(pipe):
    with pytest.raises(InputError) as caught:
        read(pipe)
    assert str(caught.value) == f"{pipe}: cannot be read: it is a pipe, not a regular file"
    with pytest.raises(InputError, match="it is a pipe, not a regular file"):
        add_watchlist(pipe, "mine", ["IWM"])


def test_nor_is_a_device_but_dev_null_is_an_empty_one(tmp_path):
    device = tmp_path / "config.toml"
    device.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="it is a device, not a regular file"):
        read(device)
    assert read(Path("/dev/null")).values == {}


def test_a_running_desk_whose_file_becomes_a_pipe_keeps_the_old_one(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[screen]\ntheme = "paper"\n')
    watch = ConfigWatch(path, read(path))
    path.unlink()
    os.mkfifo(path)
    watch.poll()
    applied = watch.poll()
    assert applied.is_error
    assert applied.message == (
        "config.toml: cannot be read: it is a pipe, not a regular file; "
        "the previous configuration stays in use"
    )


def test_nor_is_a_pipe_or_a_huge_file_a_theme(tmp_path):
    os.mkfifo(tmp_path / "mine.toml")
    with pytest.raises(InputError) as caught:
        theme.parse("mine", tmp_path / "mine.toml")
    assert str(caught.value) == "mine.toml: cannot be read: it is a pipe, not a regular file"
    with (tmp_path / "huge.toml").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(InputError) as caught:
        theme.parse("huge", tmp_path / "huge.toml")
    assert str(caught.value) == "huge.toml: larger than 1 MB; this is not a theme"
