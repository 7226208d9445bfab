"""Viewers in rooms: who shares a rendering, what each sees, what one cannot do to the others. No SSH."""

from __future__ import annotations

import asyncio
import base64
import gc

import msgspec
import pytest

from rotation.snapshot import PairView
from tests.support.ssh_scenes import THEMED, Screen, Time, Visit
from tests.support.tui.scenes import with_leg
from tui.output.text import quotation
from tui.screen.scene import scene
from tui.ssh.rooms.colours import ink
from tui.ssh.rooms.defaults import ViewDefaults, first_view
from tui.ssh.rooms.painter import ENTER, LEAVE, opening, whole
from tui.ssh.rooms.rooms import Rooms
from tui.ssh.rooms.viewer import FLOOD, INPUT_BURST, MESSAGE_S, REPAINT_S
from tui.view.pairs import of_pair
from tui.view.palette import entries
from tui.view.theme import names


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def rooms(scenes):
    rooms = Rooms()
    rooms.take(scenes["live"])
    return rooms


def seen(snapshot, view, size) -> list:
    screen = Screen(*size)
    screen.feed(
        opening(ink(view.theme, "true"), 0, 0) + whole(scene(snapshot, view, *size), ink(view.theme, "true"))
    )
    return screen.cells()


async def tick(rooms, snapshot) -> None:
    rooms.take(snapshot)
    await rooms.paint()


def moved(scenes, last):
    return with_leg(scenes["live"], "IWM", last=last)


async def test_viewers_of_one_view_share_a_room_and_its_bytes(rooms, time, scenes):
    visits = [Visit(rooms, time) for _ in range(20)]
    assert len(rooms) == 1
    await tick(rooms, moved(scenes, 221.29))
    assert len({id(visit.writes[-1]) for visit in visits}) == 1
    assert visits[0].screen.cells() == seen(moved(scenes, 221.29), THEMED, (80, 24))


async def test_a_late_joiner_sees_what_the_early_one_sees(rooms, time, scenes):
    early = Visit(rooms, time, size=(120, 40))
    for last in (1.0, 222.0, 12_345.67):
        await tick(rooms, moved(scenes, last))
    late = Visit(rooms, time, size=(120, 40))
    assert late.screen.cells() == early.screen.cells()
    await tick(rooms, scenes["closed"])
    assert late.screen.cells() == early.screen.cells() == seen(scenes["closed"], THEMED, (120, 40))
    assert len(late.writes) == 3  # the screen is taken over, the whole frame, one change


async def test_a_key_changes_its_viewers_view_only(rooms, time, scenes):
    first, other = Visit(rooms, time), Visit(rooms, time)
    before = other.screen.cells()
    first.viewer.type(b"3z]t")
    time.pass_(1)
    assert len(rooms) == 2
    assert first.viewer.view.focus == "ratio"
    assert other.screen.cells() == before
    assert other.viewer.view == THEMED
    assert first.screen.cells() == seen(scenes["live"], first.viewer.view, (80, 24))


async def test_a_key_moves_to_the_room_where_that_view_is_already(rooms, time, scenes):
    visit = Visit(rooms, time)
    visit.viewer.type(b"]")
    time.pass_(1)
    mover = Visit(rooms, time)
    time.pass_(1)
    assert len(rooms) == 2
    mover.viewer.type(b"]")
    assert len(rooms) == 1
    assert mover.screen.cells() == visit.screen.cells()
    assert len(mover.writes[-1]) < len(mover.writes[1]) / 2  # only what differs
    await tick(rooms, moved(scenes, 3.0))
    assert mover.writes[-1] is visit.writes[-1]


async def test_sizes_share_their_standard_frame_centred(rooms, time, scenes):
    exact, larger = Visit(rooms, time, size=(120, 40)), Visit(rooms, time, size=(131, 43))
    assert len(rooms) == 1
    for last in (5.0, 6.0):
        await tick(rooms, moved(scenes, last))
    assert larger.writes[-1] is exact.writes[-1]
    assert larger.screen.cells(5, 1, 120, 40) == exact.screen.cells()


async def test_two_sizes_at_once(rooms, time, scenes):
    small, large = Visit(rooms, time, size=(80, 24)), Visit(rooms, time, size=(160, 45))
    await tick(rooms, moved(scenes, 5.0))
    assert len(rooms) == 2
    assert small.screen.cells() == seen(moved(scenes, 5.0), THEMED, (80, 24))
    assert large.screen.cells() == seen(moved(scenes, 5.0), THEMED, (160, 45))


async def test_a_resize_paints_the_new_frame_whole(rooms, time, scenes):
    visit = Visit(rooms, time)
    time.pass_(1)
    visit.screen.resize(120, 40)
    visit.viewer.resize(120, 40)
    assert visit.screen.cells() == seen(scenes["live"], THEMED, (120, 40))
    time.pass_(1)
    visit.viewer.resize(0, 0)
    assert visit.viewer.view == THEMED
    assert len(rooms) == 1


async def test_resize_and_key_storms_are_followed_ten_times_a_second(rooms, time):
    """Any number of wishes costs a paint each 100 ms, and the last wish is the one that stands."""
    visit, other = Visit(rooms, time), Visit(rooms, time)
    before = visit.viewer.frames
    for at in range(1_000):
        visit.viewer.resize(40 + at % 200, 10 + at % 60)
        visit.viewer.type(b"]" if at % 2 else b"[")
        time.pass_(0.001)
    visit.viewer.resize(80, 24)
    time.pass_(1)
    assert visit.viewer.frames - before <= 1 / REPAINT_S + 2
    assert visit.viewer.dropped == 0
    assert len(rooms) <= 2
    assert other.viewer.frames == 1


async def test_the_first_key_is_painted_at_once(rooms, time):
    """By the callback that brings it: prices that the loop is about to take in come after it."""
    visit, taken_in = Visit(rooms, time), []
    time.pass_(REPAINT_S)
    asyncio.get_running_loop().call_soon(taken_in.append, "prices")
    visit.viewer.type(b"]")
    assert (visit.viewer.frames, taken_in) == (2, [])


async def test_escape_is_a_key_after_a_tenth_of_a_second(rooms, time):
    visit = Visit(rooms, time)
    visit.viewer.type(b"z")
    visit.viewer.type(b"\x1b")
    assert visit.viewer.view.zoomed
    time.pass_(0.5)
    assert not visit.viewer.view.zoomed
    visit.viewer.type(b"\x1b")
    visit.viewer.type(b"[B")
    time.pass_(0.5)
    assert visit.failures == []


async def test_typing_in_a_filter_and_a_scrolled_help_are_rooms_like_others(rooms, time):
    """Both are in ViewState: nothing needs an app of its own."""
    first, other = Visit(rooms, time), Visit(rooms, time)
    for visit in (first, other):
        visit.viewer.type(b"?/midrank")
        time.pass_(1)
    assert len(rooms) == 1
    assert "midrank" in first.screen.text
    first.viewer.type(b"q")
    assert first.ends == []
    first.viewer.type(b"\x03")
    assert first.ends == ["quit"]
    other.viewer.type(b"\x1b")
    time.pass_(1)
    other.viewer.type(b"jjj")
    time.pass_(1)
    assert other.viewer.view.scroll == 3
    assert "↑" in other.screen.text


async def test_a_scroll_past_the_end_is_no_debt(rooms, time):
    visit = Visit(rooms, time)
    visit.viewer.type(b"?G")
    time.pass_(1)
    at = visit.viewer.view.scroll
    assert 0 < at < 1_000
    visit.viewer.type(b"jjjj")
    time.pass_(1)
    before = visit.screen.cells()
    visit.viewer.type(b"k")
    assert visit.screen.cells() != before


async def test_pause_freezes_one_screen_and_a_paused_room_is_painted_once(rooms, time, scenes):
    paused, live = Visit(rooms, time), Visit(rooms, time)
    paused.viewer.type(b" ")
    time.pass_(1)
    frozen = paused.screen.cells()
    assert "PAUSED" in paused.screen.text
    await tick(rooms, moved(scenes, 999.99))
    assert paused.screen.cells() == frozen
    assert "999.99" in live.screen.text
    later = Visit(rooms, time)
    later.viewer.type(b" ")
    time.pass_(1)
    assert "999.99" in later.screen.text  # paused later: another moment, another room
    assert len(rooms) == 3
    paused.viewer.type(b"t")
    time.pass_(1)
    assert "999.99" not in paused.screen.text
    paused.viewer.type(b" ")
    time.pass_(1)
    assert "999.99" in paused.screen.text


async def test_those_who_pause_at_one_moment_share_the_room(rooms, time):
    first, other = Visit(rooms, time), Visit(rooms, time)
    for visit in (first, other):
        visit.viewer.type(b" ")
    assert len(rooms) == 1
    assert first.screen.cells() == other.screen.cells()


async def test_tape_keys_do_nothing_for_a_visitor(rooms, time):
    visit = Visit(rooms, time)
    for key in (b"H", b"<", b">", b",", b".", b"0", b"\x1b[C", b"\x1b[D"):
        visit.viewer.type(key)
    assert visit.viewer.view == THEMED
    assert visit.viewer.frames == 1


async def test_copy_goes_to_the_visitors_own_clipboard(rooms, time, scenes):
    first, other = Visit(rooms, time), Visit(rooms, time)
    first.viewer.type(b"y")
    assert to_clipboard(first) == quotation(scenes["live"])
    assert other.viewer.frames == 1
    time.pass_(1.0)
    assert "copied the headline with its source and time" in first.screen.text
    time.pass_(MESSAGE_S)
    assert "copied" not in first.screen.text
    assert not first.viewer.view.message


def to_clipboard(visit: Visit) -> str:
    """What was copied last."""
    sent = [each for each in visit.writes if each.startswith(b"\x1b]52;c;")][-1]
    return base64.b64decode(sent.removeprefix(b"\x1b]52;c;").removesuffix(b"\x07")).decode()


async def test_a_viewer_that_does_not_read_misses_frames_and_is_repainted_whole(rooms, time, scenes):
    slow, other = Visit(rooms, time), Visit(rooms, time)
    await tick(rooms, moved(scenes, 1.0))
    slow.viewer.pause()
    written = len(slow.writes)
    for last in range(2, 30):
        await tick(rooms, moved(scenes, float(last)))
        slow.viewer.type(b"]" if last % 2 else b"[")
        time.pass_(0.2)
    assert len(slow.writes) == written
    assert slow.viewer.dropped >= 28
    assert other.viewer.frames == 30
    slow.viewer.resume()
    time.pass_(1)
    assert len(slow.writes) == written + 1
    assert slow.screen.cells() == seen(moved(scenes, 29.0), slow.viewer.view, (80, 24))


async def test_a_flood_of_input_hangs_up_the_flooder_only(rooms, time, scenes):
    flooder, other = Visit(rooms, time), Visit(rooms, time)
    for _ in range(FLOOD // 32_768 + 2):
        flooder.viewer.type(b"]" * 32_768)
    assert flooder.ends[0] == "flood"
    await tick(rooms, moved(scenes, 2.0))
    assert other.ends == []
    assert other.viewer.frames == 2


async def test_what_is_dropped_of_the_input_leaves_no_half_sequence(rooms, time):
    visit = Visit(rooms, time)
    visit.viewer.type(b"]" * (INPUT_BURST - 2) + b"\x1b[B")
    time.pass_(10)
    visit.viewer.type(b"2")
    assert visit.viewer.view.focus == "spread"


async def test_an_error_of_one_viewer_leaves_the_others(rooms, time, scenes, monkeypatch):
    broken, other = Visit(rooms, time), Visit(rooms, time)
    boom = RuntimeError("boom")

    def fail(_data: bytes) -> None:
        raise boom

    monkeypatch.setattr(broken.viewer, "_send", fail)
    await tick(rooms, moved(scenes, 2.0))
    assert broken.failures == [boom]
    assert other.viewer.frames == 2
    await tick(rooms, moved(scenes, 3.0))
    assert broken.failures == [boom]
    assert other.viewer.frames == 3


class Neighbour:
    """Sits in a room and counts what it is shown; when first shown, somebody else leaves."""

    def __init__(self) -> None:
        self.shown = 0
        self.when_shown = lambda: None

    def show(self, _room: object) -> None:
        self.shown += 1
        self.when_shown()

    def fail(self, error: Exception) -> None:
        raise error


async def test_who_leaves_while_a_room_is_painted_is_not_served(rooms, scenes):
    look = ink(THEMED.theme, "true")
    leaver, stays = Neighbour(), Neighbour()
    neighbours = [Neighbour(), leaver, stays]
    for each in neighbours:
        room = rooms.enter(each, (80, 24), look, THEMED)
    neighbours[0].when_shown = lambda: rooms.leave(leaver, room)
    await tick(rooms, moved(scenes, 2.0))
    assert [each.shown for each in neighbours] == [1, 0, 1]


async def test_a_viewer_who_left_is_served_no_more(rooms, time, scenes):
    leaver, other = Visit(rooms, time), Visit(rooms, time)
    (room,) = {leaver.viewer._room, other.viewer._room}
    leaver.viewer.close()
    assert list(room.occupants) == [other.viewer]
    written = len(leaver.writes)
    leaver.viewer.show(room)  # a paint that was under way
    leaver.viewer.resume()
    await tick(rooms, moved(scenes, 2.0))
    time.pass_(1)
    assert len(leaver.writes) == written
    assert leaver.viewer.dropped == 0
    assert other.viewer.frames == 2


async def test_a_view_that_cannot_be_drawn_ends_who_has_it(time, scenes):
    boom = RuntimeError("boom")

    def draw(snapshot, view, width, height):
        if view.window == 20 and snapshot is not scenes["live"]:
            raise boom
        return scene(snapshot, view, width, height)

    rooms = Rooms(draw)
    rooms.take(scenes["live"])
    unlucky, other = Visit(rooms, time), Visit(rooms, time)
    unlucky.viewer.type(b"]")
    time.pass_(1)
    await tick(rooms, scenes["closed"])
    assert unlucky.failures == [boom]
    assert other.failures == []
    assert other.screen.cells() == seen(scenes["closed"], THEMED, (80, 24))


async def test_before_the_desk_has_opened_a_visitor_reads_so(time, scenes):
    rooms = Rooms()
    visit = Visit(rooms, time)
    assert "opening" in visit.screen.text
    await tick(rooms, scenes["live"])
    assert visit.screen.cells() == seen(scenes["live"], THEMED, (80, 24))


async def test_the_terminal_is_taken_over_and_given_back(rooms, time):
    visit = Visit(rooms, time)
    assert visit.screen.raw.startswith(ENTER)
    assert b"\x1b[?1049l" in LEAVE
    assert b"\x1b[?25h" in LEAVE
    visit.viewer.close()
    before = len(visit.writes)
    visit.viewer.type(b"]")
    visit.viewer.resize(10, 10)
    time.pass_(10)
    assert len(visit.writes) == before
    assert len(rooms) == 0


async def test_nothing_is_left_of_three_hundred_visits(rooms, time, scenes):
    """Rooms, scenes and viewers go with their visitors: memory per session stays flat."""

    def visit() -> None:
        first = Visit(rooms, time, size=(100, 30), looks=False)
        first.viewer.type(b"?/ratio\x1b")
        time.pass_(0.3)
        first.viewer.type(b" t2z]")
        time.pass_(0.3)
        first.viewer.close()

    def live() -> int:
        gc.collect()
        return len(gc.get_objects())

    for _ in range(20):
        visit()
    rooms.take(scenes["live"])
    before = live()
    for _ in range(300):
        visit()
    rooms.take(scenes["live"])
    assert len(rooms) == 0
    assert live() - before < 300  # less than an object a visit


async def test_while_the_market_is_closed_visitors_walk_without_end(rooms, time):
    """No newer snapshot clears what was drawn of this one: it is bounded by itself."""
    visit = Visit(rooms, time)
    visit.viewer.type(b"/")
    for letter in range(600):
        visit.viewer.type(bytes([97 + letter % 26]) + (b"\x7f" if letter % 3 else b""))
        time.pass_(0.2)
    assert len(vars(rooms)["_drawn"]) <= 256
    assert len(rooms) == 1


def test_no_theme_in_the_view_of_what_is_drawn_once_for_all_themes(scenes):
    """Rows do not depend on the theme: that is what lets rooms of two themes share them."""
    paper = msgspec.structs.replace(THEMED, theme="paper")
    assert scene(scenes["live"], paper, 80, 24) == scene(scenes["live"], THEMED, 80, 24)


async def test_viewers_of_another_pair_have_another_room_and_copy_its_headline(scenes, time):
    other = scenes["closed"]
    view = PairView(other.spread, other.ratio, "IWN leads.", other.headline_status, other.data_as_of)
    snapshot = msgspec.structs.replace(scenes["live"], pairs={"IWN/IVW": view})
    rooms = Rooms()
    rooms.take(snapshot)
    paired = msgspec.structs.replace(THEMED, pairs=("IWN/IVW",))
    first, second = (Visit(rooms, time, view=paired, size=(120, 40)) for _ in range(2))
    assert len(rooms) == 1
    second.viewer.type(b"p")
    time.pass_(1.0)
    assert len(rooms) == 2
    assert second.screen.cells() == seen(of_pair(snapshot, "IWN/IVW"), second.viewer.view, (120, 40))
    assert first.screen.cells() == seen(snapshot, first.viewer.view, (120, 40))
    second.viewer.type(b"y")
    assert to_clipboard(second).startswith("DEMO: IWN leads.")


def test_the_commands_of_a_host_are_those_that_its_viewers_can_run(rooms, time):
    visit = Visit(rooms, time, view=first_view(ViewDefaults(), names()))
    listed = {entry.action for entry in entries(visit.viewer.view)}
    assert {"zoom", "copy", "export", "colours", "quit"} <= listed
    assert not listed & {"hold", "slower", "faster", "earlier", "later", "rewind", "suspend"}
    before = visit.viewer.colours
    visit.viewer.type(b":colours\r")
    assert visit.viewer.colours != before
