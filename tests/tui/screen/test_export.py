"""``E`` writes what is on screen, whole or not at all, and never on a host."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import threading
import time
from datetime import date
from pathlib import Path

import msgspec
import polars as pl
import pytest

from rotation.breadth.figures import Breadth, BreadthFigures, IndexBreadth
from rotation.desk import DeskEvent, EventKind, LegList
from rotation.errors import UnavailableError
from rotation.macro.figures import Curve, Inflation, Jobs, Macro, Yield
from rotation.status import DerivedStatus, Kind
from tests.support.ssh_scenes import Time, Visit
from tests.support.tui.scenes import ScriptedDesk, without_figures
from tui.compose.backend import LocalBackend
from tui.output.export import encode, table
from tui.screen import exporter
from tui.screen.app import RotationApp
from tui.screen.exporter import NOWHERE, PROMPT, SHORT_PROMPT, WHOLE_FROM
from tui.screen.picture import svg
from tui.screen.png import can_draw, png
from tui.ssh.rooms.rooms import Rooms
from tui.ssh.rooms.viewer import NO_FILES
from tui.view.theme import names
from tui.view.view_state import PANELS, ViewState


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_is_a_table_in_every_form(scenes, panel, form):
    snapshot = scenes["live"]
    rows = table(panel, snapshot, ViewState())
    if panel in ("breadth", "events"):
        assert rows == [], "the demo has none"
        return
    data = encode(rows, form)
    if form == "parquet":
        read = pl.read_parquet(io.BytesIO(data)).to_dicts()
    elif form == "json":
        read = json.loads(data)
    else:
        read = list(csv.DictReader(io.StringIO(data.decode())))
    assert len(read) == len(rows)
    assert {row["mode"] for row in read} == {"DEMO"}
    assert {row["as_of"] for row in read} == {"2024-07-16T14:40:00+00:00"}


def test_macro_has_a_row_for_each_figure(scenes):
    day = date(2024, 7, 15)
    changes = {"1d": 5.0, "1w": None, "1m": -22.0}
    macro = Macro(
        yields=(Yield("10Y", 4.23, day, changes),),
        curve=Curve(-23.0, day, changes, ()),
        inflation=(Inflation("CPI", date(2024, 6, 1), -0.1, 3.0, 3.3, None),),
        jobs=Jobs(date(2024, 6, 1), 206.0, None, None),
        releases=(),
        sources={},
        warnings=(),
    )
    rows = table("macro", msgspec.structs.replace(scenes["live"], macro=macro), ViewState())
    assert [(row["series"], row["value"], row["unit"], row["date"]) for row in rows] == [
        ("10Y", 4.23, "%", "2024-07-15"),
        ("10Y-2Y", -23.0, "bp", "2024-07-15"),
        ("CPI, month", -0.1, "%", "2024-06-01"),
        ("CPI, year", 3.0, "%", "2024-06-01"),
        ("payrolls", 206.0, "thousand", "2024-06-01"),
        ("unemployment", None, "%", "2024-06-01"),
    ]
    assert (rows[0]["change_bp.1d"], rows[0]["change_bp.1w"]) == (5.0, None)
    assert encode(rows, "csv").count(b"\n") == 7


def test_the_figures_are_the_snapshot_s(scenes):
    snapshot = without_figures(scenes["live"], "IWN")
    legs = {row["symbol"]: row for row in table("legs", snapshot, ViewState())}
    assert legs["IWM"]["return_pct.5"] == snapshot.legs["IWM"].return_pct["5"]
    assert legs["IWM"]["streak.settled"] == 4
    unknown = table("legs", without_figures(snapshot, "IWN"), ViewState())
    assert {row["symbol"]: row for row in unknown}["IWN"]["return_pct.5"] is None
    assert b",,," in encode(unknown, "csv"), "unknown is an empty cell"
    (five,) = (row for row in table("spread", snapshot, ViewState()) if row["window"] == 5)
    assert (five["base"], five["pp"]) == ("IWM", snapshot.spread.windows["5"].pp)
    listed = msgspec.structs.replace(snapshot, lists=(LegList("mine", ("DIA",), is_watchlist=True),))
    assert [(row["list"], row["symbol"]) for row in table("legs", listed, ViewState(list="mine"))] == [
        ("mine", "DIA")
    ]


STALE = DerivedStatus(Kind.STALE, "QQQ", None, 42.0, 0.0, "", "Feed", 2.0, apart=False)


def test_today_s_ratio_says_what_it_is_worth(scenes):
    live = scenes["live"]
    stale = msgspec.structs.replace(live, ratio=msgspec.structs.replace(live.ratio, status=STALE))
    rows = table("ratio", stale, ViewState())
    assert {row["status.kind"] for row in rows if row["minute"] is not None} == {"STALE"}
    assert all("status.kind" not in row for row in rows if row["minute"] is None), "a close is settled"


def test_breadth_says_what_it_is_worth(scenes):
    figures = BreadthFigures(
        session=date(2024, 7, 16), membership_date=date(2024, 7, 1), total=3, counted=2, advances=2,
        declines=0, unchanged=0, net=2, share_up=1.0, above_mean=None, mean_counted=0, highs=0, lows=0,
        net_highs=None, range_counted=0, net_ratio=1.0, mcclellan=None,
    )  # fmt: skip
    now = IndexBreadth("IWM", figures, True, None, STALE, (), (), ())
    settled = IndexBreadth("QQQ", None, False, figures, None, (), (), ())
    known = msgspec.structs.replace(scenes["live"], breadth=Breadth({"IWM": now, "QQQ": settled}))
    first, second = table("breadth", known, ViewState())
    assert (first["status.kind"], first["status.worst"], first["is_settled"]) == ("STALE", "QQQ", False)
    assert "status.kind" not in second


async def pressed(app, pilot, *keys: str) -> str:
    while app.snapshot is None:
        await pilot.pause(0.01)
    await pilot.press(*keys)
    for _ in range(3000):
        if app.view.message and not app.view.message.startswith("writing "):
            break
        await pilot.pause(0.01)
    return app.view.message


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "of mine"


def app_of(scenes, folder, clock=time.monotonic) -> RotationApp:
    backend = LocalBackend()
    return RotationApp(
        lambda: ScriptedDesk([scenes["live"]]),
        ViewState(themes=names()),
        clock=clock,
        export=lambda name, data: backend.export(str(folder), name, data),
    )


async def test_a_file_that_takes_long_to_make_is_announced(scenes, folder):
    """A PNG takes seconds on a busy machine, during which nothing said that the key was heard."""
    go = threading.Event()

    def write(name: str, data: bytes) -> Path:
        go.wait(30)
        return folder / name

    app = RotationApp(lambda: ScriptedDesk([scenes["live"]]), ViewState(themes=names()), export=write)
    async with app.run_test(size=(120, 40)) as pilot:
        await pressed(app, pilot, "2", "E")
        await pilot.press("t")
        for _ in range(3000):
            if app.view.message:
                break
            await pilot.pause(0.01)
        assert app.view.message == "writing screen-2024-07-16-104000-demo.txt…"
        go.set()
        assert await pressed(app, pilot) == f"wrote {folder / 'screen-2024-07-16-104000-demo.txt'}"


@pytest.mark.parametrize(
    ("key", "name", "begins"),
    [
        ("c", "spread-2024-07-16-104000-demo.csv", "as_of,mode,base"),
        ("j", "spread-2024-07-16-104000-demo.json", "[\n"),
        ("s", "screen-2024-07-16-104000-demo.svg", "<svg"),
        ("t", "screen-2024-07-16-104000-demo.txt", " rotation   DEMO "),
    ],
)
async def test_a_key_writes_a_file_and_says_where(scenes, folder, key, name, begins):
    app = app_of(scenes, folder)
    async with app.run_test(size=(120, 40)) as pilot:
        asked = await pressed(app, pilot, "2", "E")
        assert asked.startswith("write spread: c CSV j JSON p Parquet; screen: s SVG t text n PNG")
        assert await pressed(app, pilot, key) == f"wrote {folder / name}"
        text = (folder / name).read_text()
        assert text.startswith(begins)
        assert "14 Nov 2016" in text or "2016-11-14" in text or key == "s"
        again = await pressed(app, pilot, "E", key)
        assert again.endswith(f"{Path(name).stem}-2{Path(name).suffix}")
        assert (folder / name).read_text() == text


@pytest.mark.skipif(not can_draw(), reason="the extra [png] is not installed")
async def test_the_screen_is_a_png_where_the_extra_is_installed(scenes, folder):
    app = app_of(scenes, folder)
    async with app.run_test(size=(60, 20)) as pilot:
        assert await pressed(app, pilot, "E") == SHORT_PROMPT
        name = folder / "screen-2024-07-16-104000-demo.png"
        assert await pressed(app, pilot, "n") == f"wrote {name}"
        data = name.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    assert width > 60 * 10
    assert height > 20 * 20


async def test_without_the_extra_a_png_says_what_to_install(scenes, folder, monkeypatch):
    monkeypatch.setattr(exporter, "can_draw", lambda: False)
    app = app_of(scenes, folder)
    async with app.run_test(size=(120, 40)) as pilot:
        message = await pressed(app, pilot, "E", "n")
        assert message.startswith("PNG needs one more package: pip install 'rotation-tui[png]'")
        assert app.view.is_urgent
    assert not folder.exists()


def test_a_picture_that_cannot_be_drawn_is_one_error():
    with pytest.raises(UnavailableError, match="the PNG could not be drawn: "):
        png("this is no picture")


def test_drawing_runs_no_code_of_the_current_folder(tmp_path, monkeypatch):
    package = tmp_path / "tui"
    package.mkdir()
    trace = tmp_path / "ran"
    (package / "__init__.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnavailableError):
        png("this is no picture")
    assert not trace.exists()


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("width", [40, 60, 76, 80])
def test_the_question_fits_the_footer(panel, width):
    prompt = PROMPT.format(panel) if width >= WHOLE_FROM else SHORT_PROMPT
    assert len(prompt) + 1 <= width


def test_every_sign_of_a_picture_keeps_its_place_in_every_renderer(scenes):
    """librsvg takes away blanks that it need not preserve, but not their places: what follows would move."""
    runs = re.findall(r'<text ([^>]*) x="([^"]*)"[^>]*>([^<]*)</text>', svg(scenes["live"], size=(80, 24)))
    signs = [(attributes, x.split(), html.unescape(text)) for attributes, x, text in runs if " " in x]
    assert len(signs) > 50
    for attributes, places, text in signs:
        assert 'xml:space="preserve"' in attributes
        assert len(places) == len(text)


async def test_another_key_writes_nothing_and_a_panel_without_figures_says_so(scenes, folder):
    app = app_of(scenes, folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pressed(app, pilot, "E")
        await pilot.press("escape")
        assert (app.view.message, app.view.zoomed) == ("", False)
        await pilot.press("E", "z")
        assert not app.view.zoomed, "the key was the answer"
        assert await pressed(app, pilot, "6", "E", "c") == "nothing to write: breadth shows no figures"
        assert await pressed(app, pilot, "7", "E", "c") == "nothing to write: events shows no figures"
    assert not folder.exists()


async def test_a_question_that_is_no_longer_on_screen_takes_no_key(scenes, folder):
    app = app_of(scenes, folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pressed(app, pilot, "E")
        app.say("ALERT wide", urgent=True)
        await pilot.press("c")
        assert (app.view.chart, app.view.message) == ("daily", ""), "the key does what it always does"
        await pilot.press("c")
        assert app.view.chart == "today", "the question does not come back"
    assert not folder.exists()


async def test_the_panel_that_was_asked_about_is_written_whatever_is_clicked_meanwhile(scenes, folder):
    app = app_of(scenes, folder)
    async with app.run_test(size=(160, 45)) as pilot:
        await pressed(app, pilot, "E")
        await pilot.click("#spread")
        assert app.view.focus == "spread"
        assert (await pressed(app, pilot, "c")).endswith("legs-2024-07-16-104000-demo.csv")


async def test_the_question_is_not_replaced_by_what_has_changed_meanwhile(scenes, folder):
    now = [0.0]
    app = app_of(scenes, folder, clock=lambda: now[0])
    async with app.run_test(size=(120, 40)) as pilot:
        await pressed(app, pilot, "]", "y")
        event = DeskEvent(1, scenes["closed"].as_of, EventKind.RECORD, "wide", "a record")
        app.take(msgspec.structs.replace(scenes["closed"], events=(event,)))
        now[0] = 1_200.0
        assert (await pressed(app, pilot, "E")).startswith("write legs:")
        assert (await pressed(app, pilot, "c")).startswith("wrote ")


async def test_a_full_disk_is_told_and_leaves_nothing(scenes, folder, monkeypatch):
    folder.mkdir()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("feeds.files.durable.os.fsync", full)
    app = app_of(scenes, folder)
    async with app.run_test(size=(120, 40)) as pilot:
        message = await pressed(app, pilot, "E", "c")
        assert message.endswith("legs-2024-07-16-104000-demo.csv cannot be written: No space left on device")
        assert app.view.is_urgent
    assert list(folder.iterdir()) == []


async def test_a_home_that_is_not_known_is_named(scenes):
    app = app_of(scenes, "~nobody-of-this-name/desk")
    async with app.run_test(size=(120, 40)) as pilot:
        message = await pressed(app, pilot, "E", "c")
        assert message.startswith(
            "~nobody-of-this-name/desk/legs-2024-07-16-104000-demo.csv cannot be written"
        )
        assert app.view.is_urgent


async def test_an_export_that_fails_in_any_other_way_says_so_and_is_logged(
    scenes, folder, monkeypatch, caplog
):
    def broken(_rows, _form):
        raise ValueError("mixed columns")

    monkeypatch.setattr("tui.output.export.encode", broken)
    app = app_of(scenes, folder)
    async with app.run_test(size=(120, 40)) as pilot:
        message = await pressed(app, pilot, "E", "c")
        assert message == "legs-2024-07-16-104000-demo.csv could not be written: internal error, see the log"
        assert app.view.is_urgent
    assert "mixed columns" in caplog.text
    assert not folder.exists()


async def test_without_a_place_to_write_it_says_so(scenes):
    app = RotationApp(lambda: ScriptedDesk([scenes["live"]]), ViewState(themes=names()))
    async with app.run_test(size=(120, 40)) as pilot:
        assert await pressed(app, pilot, "E") == NOWHERE


async def test_a_host_writes_nothing(scenes):
    rooms, clock = Rooms(), Time()
    rooms.take(scenes["live"])
    visit = Visit(rooms, clock)
    visit.viewer.type(b"E")
    clock.pass_(1.0)
    assert visit.viewer.view.message == NO_FILES
    visit.viewer.type(b"c")
    assert visit.viewer.view.message == ""
