"""What alerts remember: whole after a crash, named and set aside when broken, owned by one program."""

from __future__ import annotations

import datetime as dt
import stat

import pytest

from feeds.alerts.state_file import Kept, StateFile, Waiting
from feeds.errors import DamagedError
from rotation.alerts.rule import AlertState, Fired

AT = dt.datetime(2024, 7, 16, 14, tzinfo=dt.UTC)
FIRED = Fired("wide", "spread.5.pp > 10", AT.date(), AT, {"spread.5.pp": 10.3}, 1)
KEPT = Kept(
    states={
        "wide": AlertState("spread.5.pp > 10", is_armed=False, fired=1, last_at=AT, last_session=AT.date())
    },
    calls=(FIRED,),
    waiting=(Waiting("phone", FIRED, "text"),),
)


def test_what_is_written_is_read_and_for_its_owner_alone(tmp_path):
    file = StateFile(tmp_path / "state")
    assert file.read() == (Kept(), "")
    file.write(KEPT)
    assert file.read() == (KEPT, "")
    assert file.peek() == KEPT
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["alerts.json"]


NESTED = b'{"later":' + b"[" * 100_000
WITHOUT_ZONE = b'{"states":{"a":{"last_at":"2024-07-16T14:00:00"}}}'


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe", b'{"version":2}', b'{"states":[]}', b"[]", NESTED, WITHOUT_ZONE],
    ids=lambda data: data[:20].decode("latin-1"),
)
def test_a_broken_file_is_named_and_set_aside(tmp_path, data):
    file = StateFile(tmp_path)
    file.path.write_bytes(data)
    if data == b'{"version":2}':
        assert file.peek().version == 2
    else:
        with pytest.raises(DamagedError, match=r"alerts\.json"):
            file.peek()
    kept, problem = file.read()
    assert kept == Kept()
    assert problem == f"{file.path}: is damaged, moved to alerts.json.broken-1; alerts start afresh"
    assert (tmp_path / "alerts.json.broken-1").read_bytes() == data
    assert not file.path.exists()


def test_broken_files_do_not_pile_up(tmp_path):
    file = StateFile(tmp_path)
    for number in range(15):
        file.path.write_text(f"{number}")
        file.read()
    assert len(list(tmp_path.iterdir())) == 9
    assert (tmp_path / "alerts.json.broken-9").read_text() == "14"


def test_a_file_that_cannot_be_read_is_set_aside_and_not_overwritten(tmp_path):
    """A folder in its place, as root reads any file: what it holds is not ours to lose."""
    file = StateFile(tmp_path)
    file.path.mkdir()
    (file.path / "inside").write_text("kept")
    kept, problem = file.read()
    assert kept == Kept()
    assert problem == (
        f"{file.path}: cannot be read (Is a directory), moved to alerts.json.broken-1; alerts start afresh"
    )
    file.write(KEPT)
    assert file.read() == (KEPT, "")
    assert (tmp_path / "alerts.json.broken-1" / "inside").read_text() == "kept"


def test_one_program_owns_it_at_a_time(tmp_path):
    first, second = StateFile(tmp_path), StateFile(tmp_path)
    assert first.own()
    assert first.own()
    assert not second.own()
    first.release()
    assert second.own()
    second.release()
