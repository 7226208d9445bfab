"""The Textual app: one ViewState, one Snapshot, panels painted from both."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import App
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import DockArrangeResult, WidgetPlacement
from textual.screen import Screen

from rotation.desk import EventKind
from rotation.errors import InputError
from themes import FOLDER
from tui.desk import AlertDesk, BeforePrices, RefreshingDesk, ReopeningDesk, YieldingDesk, rest_of
from tui.loading import loading
from tui.panels.registry import PANELS, load_panels
from tui.screen.flash.flash import Flash
from tui.screen.line_panel import LinePanel
from tui.screen.scene import EVERY_S, PacedScene, Scene, misfit_of, scene
from tui.view import keymap, theme
from tui.view.pairs import of_pair
from tui.view.view_state import (
    ViewState,
    clamp_scroll,
    focused,
    pair_names,
    tidied,
    with_message,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual import events
    from textual.app import ComposeResult
    from textual.driver import Driver
    from textual.timer import Timer

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot
    from tui.desk import Controls, Desk
    from tui.output.looked import Looked
    from tui.screen.driver import TerminalDriver
    from tui.screen.exporter import Exporter
    from tui.screen.picking import Picker
    from tui.view.applied import Applied, Reopening
    from tui.view.layout import Place

log = logging.getLogger(__name__)

FIRST = ("tui.panels.asked", "tui.screen.arrived", "tui.screen.signals", "tui.output.looked")
"""What the first Snapshot needs beside its panels: imported after the first paint, before the desk."""
LATER = (
    *("tui.screen.exporter", "tui.screen.picking", "tui.screen.pointer.mouse", "tui.output.text"),
    *("tui.view.applied", "tui.view.palette"),
)
"""What keys and the mouse need: imported once the first figures are on screen. Who is faster imports it."""
LATER_S = 0.2
"""So long after the first Snapshot: its frame is out."""
FRAME_S = 0.02
"""Between two looks at what the desk has published, unless figures are due sooner."""
FRESH_S = 0.05
"""What is due waits so long for the next Snapshot, so that what is painted is new."""
SETTLED_S = 30.0
"""After a desk has opened, all that it imports and keeps has mostly come."""
RELOAD_S = 1.0
"""Between two looks at the configuration file."""
CONFIG_FILE = "config.toml"
"""Subject of the events of its changes, which are shown at once and only once."""
LOUD = (EventKind.ALERT, EventKind.DELIVERY, EventKind.CONFIG)
"""Kinds of events that are shown at once; the others wait in the Events panel."""
TINTED = ("truecolor", "256")
"""Terminals with colours between a figure's and its background's."""
NOBODY_ON_TAPE = "nothing to ask: a tape is playing"
NOBODY = "nothing to ask now: prices are pushed, and what is asked was asked a moment ago"
NO_TAPE = "no tape is playing"
HELD = "the tape is held; once it goes on it has the new speed"
SEEK_S = {"earlier": -300.0, "later": 300.0, "rewind": -1e12}


class DeskScreen(Screen[None], inherit_bindings=False):
    """The only screen: panels at the absolute places that ``tui.view.layout.arrange`` gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Place] = {}

    def arrange(self, size: Size, optimal: bool = False) -> DockArrangeResult:  # noqa: FBT001, FBT002 - Textual's
        """Return the placements for Textual; a panel without a place is not shown."""
        del size, optimal
        placements = [
            WidgetPlacement(Region(*place), Offset(), Spacing(), widget)
            for widget in self.children
            if (place := self.places.get(widget.id or ""))
        ]
        return DockArrangeResult(placements, {placement.widget for placement in placements}, Spacing())


class RotationApp(App[None], inherit_bindings=False):
    """The desk in a terminal. ``open_desk`` is called in a thread once the first frame is on screen."""

    CSS: ClassVar[str] = (FOLDER / "base.tcss").read_text("utf-8")
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False

    def __init__(
        self,
        open_desk: Callable[[], Desk],
        view: ViewState,
        paced: PacedScene | None = None,
        clock: Callable[[], float] = time.monotonic,
        reload: Callable[[], Applied | None] | None = None,
        *,
        export: Callable[[str, bytes], Path] | None = None,
    ) -> None:
        """After the run, ``failure`` is the error that ended the program; None after a normal exit.

        ``paced``: how often panels are drawn; None: by the machine's clock. ``clock``: steady seconds.
        ``reload``: what the person has changed in the configuration since the last call; it may block.
        ``export`` writes a file of this name and says where; it may block, and raises UnavailableError.
        """
        super().__init__()
        self.view = view
        self.failure: BaseException | None = None
        self.snapshot: Snapshot | None = None
        """The snapshot on screen; older than the newest while paused."""
        self._newest: Snapshot | None = None
        self._open_desk = open_desk
        self._desk: Desk | None = None
        self._before_prices = BeforePrices()
        self._shown: frozenset[str] = frozenset()
        """The panels on screen."""
        self._wants: Wants | None = None
        """What the desk was last asked for."""
        self._clock = clock
        self._reload = reload
        self._write_file = export
        self._seen_seq: int | None = None
        """Number of the newest event; None before the first Snapshot."""
        self._last_key_s = clock()
        self._looked: Looked | None = None
        """What was on screen at the last key."""
        self._live_task: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[None] | None = None
        """Imports what the first figures did not need."""
        self._panels: dict[str, LinePanel] = {}
        self._window = Size()
        self._terminal: TerminalDriver | None = None
        self._paced = paced or PacedScene()
        self._flash = Flash()
        self._next_paint: Timer | None = None
        """For what waits until it is due; None where nothing does."""
        self._next_paint_s = 0.0
        """When that is, on the monotonic clock."""
        self._misfit = ""
        """Why the person's own panels are not shown; empty where they are."""
        self._owes_paint = False
        """Something changed while the terminal was behind."""
        self.on_hang_up: Callable[[], None] = lambda: None
        """Called in a thread of the driver's when the terminal has gone."""
        self.is_ending: Callable[[], bool] = lambda: False
        """Whether the program has been asked to end."""
        self.on_opened: Callable[[], None] = lambda: None
        """Called once the first Snapshot is on screen."""
        self.on_settled: Callable[[], None] = lambda: None
        """Called SETTLED_S later, and so much after the desk has become another one."""
        self.on_another_desk: Callable[[], None] = lambda: None
        """Called when it has."""

    @cached_property
    def _export(self) -> Exporter:
        from tui.screen.exporter import Exporter  # noqa: PLC0415 - see LATER

        return Exporter(self, self._write_file)

    @cached_property
    def _picker(self) -> Picker:
        from tui.screen.picking import Picker  # noqa: PLC0415 - see LATER

        return Picker()

    def get_driver_class(self) -> type[Driver]:
        """Textual asks for it, unless it runs without a terminal."""
        if sys.platform == "win32":
            return super().get_driver_class()
        from tui.screen.driver import TerminalDriver  # noqa: PLC0415 - termios is not everywhere

        return TerminalDriver

    def get_default_screen(self) -> DeskScreen:
        """Return the first screen for Textual."""
        return DeskScreen()

    def compose(self) -> ComposeResult:
        """Yield one widget per panel, all made once."""
        look = theme.load(self.view.theme)
        for name in (*PANELS, "message"):
            self._panels[name] = LinePanel(look, name)
            yield self._panels[name]

    def on_mount(self) -> None:
        """Paint an empty desk first, then open the real one."""
        self._window = self.size
        self._paint()
        self.call_after_refresh(self._start_once)  # should no frame be written at all

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new size."""
        # ``self.size`` is still the old one here; if the data stand still, no later paint corrects it.
        self._window = event.size
        self._paint()

    def _start_once(self) -> None:
        if self._live_task is None:
            self._start()

    def _start(self) -> None:
        self._live_task = asyncio.create_task(self._live(), name="live")
        self._live_task.add_done_callback(self._live_ended)

    async def _live(self) -> None:
        desk = await asyncio.to_thread(self._opened)
        self._desk = desk
        self._before_prices.desk = desk if isinstance(desk, YieldingDesk) else None
        self._ask()
        async with asyncio.TaskGroup() as group:
            group.create_task(desk.run(), name="desk")
            group.create_task(self._follow(desk), name="follow")
            if self._reload is not None:
                group.create_task(self._apply_changes(self._reload, desk, group), name="configuration")

    def _opened(self) -> Desk:
        """The desk, and what its first Snapshot is drawn with, which the first paint did not wait for."""
        with loading():
            load_panels(self._shown)
            for module in FIRST:
                import_module(module)
        return self._open_desk()

    def _load_later(self) -> None:
        """Import what the first figures did not have to wait for."""
        self._loading = asyncio.create_task(asyncio.to_thread(_load_rest), name="imports")
        self._loading.add_done_callback(self._live_ended)

    async def _follow(self, desk: Desk) -> None:
        rest = rest_of(desk)
        async for snapshot in desk.listen():
            is_first = self._newest is None
            self.take(snapshot)
            due_s = EVERY_S["figures"] if self.view.paused else self._paced.due_in_s()
            rest(due_s)
            if is_first:
                self.on_opened()
                self.set_timer(LATER_S, self._load_later)
                self.set_timer(SETTLED_S, self._settled)
            await asyncio.sleep(min(due_s, FRAME_S) or FRAME_S)

    def _settled(self) -> None:
        self.on_settled()

    async def _apply_changes(
        self, reload: Callable[[], Applied | None], desk: Desk, group: asyncio.TaskGroup
    ) -> None:
        """Apply the person's file whenever it has changed; what cannot be used leaves everything as it is."""
        while True:
            await asyncio.sleep(RELOAD_S)
            applied = await asyncio.to_thread(reload)
            if applied is None:
                continue
            from tui.view.applied import change_desk, with_pairs  # noqa: PLC0415 - see LATER

            await change_desk(desk, applied, self.view)
            applied = await with_pairs(desk, applied, self.view)
            self._apply(applied, desk)
            reopening = applied.reopening
            if reopening is not None and applied.reopens(desk) and isinstance(desk, ReopeningDesk):
                # The file may change again meanwhile: then the desk takes the later one.
                group.create_task(self._reopen(desk, reopening), name="another desk")

    async def _reopen(self, desk: ReopeningDesk, reopening: Reopening) -> None:
        """Have the desk become another one; where it cannot, say why."""
        from tui.view.applied import reopen, without_figures_of  # noqa: PLC0415 - see LATER

        made = await reopen(desk, reopening)
        if made is None:
            return
        if not made.is_error:
            self.on_another_desk()
            self.set_timer(SETTLED_S, self._settled)
            # What is shown now: a later file may have come in between.
            view = reopening.on(without_figures_of(self.view, made.before, desk.wanted), desk.wanted)
            self._look(tidied(self.view, view))
        self._tell(desk, made.message, is_error=made.is_error)

    def _tell(self, desk: object, message: str, *, is_error: bool = False) -> None:
        """Say what has come of a change, and add it to the events."""
        if isinstance(desk, AlertDesk):
            desk.note(EventKind.CONFIG, CONFIG_FILE, message)
        self.say(message, urgent=is_error)

    def _apply(self, applied: Applied, desk: Desk) -> None:
        before = self.view
        view = applied.on(before)
        if applied.pairs is not None:
            view = msgspec.structs.replace(view, pair_options=applied.pairs.options)
            if applied.pairs.pairs is not None:
                spread = self._newest and self._newest.spread
                first = (spread.base, spread.against) if spread else ("", "")
                names = pair_names(first, applied.pairs.pairs)
                view = msgspec.structs.replace(
                    view, pairs=names, pair=view.pair if view.pair in names else ""
                )
        if isinstance(desk, AlertDesk):
            if applied.alerts is not None:
                desk.set_alerts(applied.alerts, awaits_desk=applied.reopens(desk))
            desk.note(EventKind.CONFIG, CONFIG_FILE, applied.message)
        self._look(with_message(tidied(before, view), applied.message, urgent=applied.is_error))

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot, or keep it until the viewer resumes."""
        from tui.screen.arrived import has_come  # noqa: PLC0415 - see FIRST

        self._newest = snapshot
        view = self.view
        self._call(snapshot)
        if not self.view.paused:
            before, self.snapshot = self.snapshot, snapshot
            if before is not None and self._wants and has_come(before, snapshot, self._wants):
                self._paced.begin_anew()
            wait_s = self._paced.due_in_s()
            # What the bell has rung for stands on the screen when the viewer looks up.
            if wait_s > 0 and self.view is view:
                self._paint_in(wait_s)
            else:
                self._paint()

    def _call(self, snapshot: Snapshot) -> None:
        """Say what is new in the place of the footer, paused or not; ring where an alert asks for it."""
        from tui.output.looked import looked  # noqa: PLC0415 - see _opened
        from tui.screen import signals  # noqa: PLC0415 - see FIRST

        newest = snapshot.events[-1].seq if snapshot.events else 0
        seen, self._seen_seq = self._seen_seq, newest
        if self._looked is None:
            self._looked = looked(snapshot)
        if newest == seen:
            return
        for event in snapshot.events:
            # What a run begins with is new, too: an alert may fire on the first prices.
            if event.seq <= (seen or 0) or event.kind not in LOUD or event.subject == CONFIG_FILE:
                continue
            head = "ALERT " if event.kind is EventKind.ALERT else ""
            self.view = with_message(self.view, f"{head}{event.text}", urgent=True)
            if self._terminal is not None and event.signals:
                self._terminal.write(signals.sequence(event.signals, event.subject, event.text))
            if self.view.paused:
                self._paint()

    def _live_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """End the program; the caller reports the error once the terminal is restored."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        self.failure = self.failure or error
        self.exit(return_code=1)

    async def on_unmount(self) -> None:
        """Cancel the tasks that run and follow the desk, and wait for them."""
        running = [task for task in (self._live_task, self._loading) if task is not None]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def terminal_opened(self, driver: TerminalDriver) -> None:
        """The driver of the terminal has been made."""
        self._terminal = driver

    def terminal_typed(self) -> None:
        """A key has come: it is answered before prices that came with it are taken in."""
        self._before_prices.typed()

    def post_display_hook(self) -> None:
        """A frame has been written: Textual's hook. With the first of the panels the desk is opened.

        Waiting for Textual to have nothing left to refresh would take a tick of its timer, 17 ms.
        """
        if self._shown:
            self._start_once()
        self._before_prices.written()

    def terminal_gone(self) -> None:
        """The terminal has hung up; in a thread of the driver's."""
        self.on_hang_up()

    def terminal_drained(self, *, dropped: bool) -> None:
        """The terminal has caught up; ``dropped``: without some of the frames."""
        if dropped:
            self.refresh()
        if self._owes_paint:
            self._paint()

    def give_back(self) -> None:
        """Restore the terminal in a hurry, in any thread."""
        if self._terminal is not None:
            self._terminal.give_back()

    # Two private names of Textual's: without them an error in a handler prints a page of traceback
    # with local variables over the restored terminal. tests/tui/screen/test_screen.py holds them.
    def _handle_exception(self, error: Exception) -> None:
        log.error("internal error in the screen", exc_info=error)
        self.failure = self.failure or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def on_key(self, event: events.Key) -> None:
        """Look every key up in the one key table."""
        event.stop()
        event.prevent_default()
        self.press(keymap.key_name(event.key, event.character))

    def on_click(self, event: events.Click) -> None:
        """Press the footer's key, focus the panel, or explain the figure in focus that was clicked."""
        name = (event.widget.id if event.widget else None) or ""
        if name == "keys":
            from tui.screen.pointer import mouse  # noqa: PLC0415 - see LATER

            if self.view.message and not self._export.asks:
                self.say("")  # the keys are below it
            elif key := mouse.key_at(self.snapshot, self.view, self._window.width, event.x):
                self.press(key)
            return
        panel = PANELS.get(name)
        if not panel or not panel.title[:1].isdigit() or self.view.typing:
            return
        if name == self.view.focus:
            self._look(self._picker.clicked(self.view, (event.x, event.y), self.snapshot, self._window))
        else:
            self._look(tidied(self.view, focused(self.view, name)))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the panel under the pointer, whichever is in focus."""
        self._roll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the panel under the pointer, whichever is in focus."""
        self._roll(event, -1)

    def _roll(self, event: events.MouseEvent, step: int) -> None:
        from tui.screen.pointer import mouse  # noqa: PLC0415 - see LATER

        lines = step * mouse.LINES
        self._look(mouse.rolled(self.view, self._under(event), lines, self.snapshot, self._window))

    def _under(self, event: events.MouseEvent) -> str:
        """The panel under the pointer; "" where there is none."""
        places = self.screen.places if isinstance(self.screen, DeskScreen) else {}
        at = event.screen_x, event.screen_y
        return next((name for name, place in places.items() if Region(*place).contains(*at)), "")

    def press(self, key: str) -> None:
        """Act on a key, by its name in the key table."""
        from tui.screen import picking  # noqa: PLC0415 - see LATER
        from tui.view import palette  # noqa: PLC0415

        self._before_prices.pressed()
        action = self.view.keys.action_of(key)
        greeting, message = self._greeting(), self.view.message
        if message:
            self.say("")
        if self._export.take(key, message):
            return
        entry = palette.chosen(self.view) if self.view.palette and key == "enter" else None
        if key == "ctrl+c" or (action and action.id == "quit" and not self.view.typing):
            self.exit()
        elif self.view.typing or action is None or action.scope == "view" or picking.takes(self.view, key):
            view = self._picker.pressed(self.view, key, self.snapshot, self._window)
            if view.palette and not self.view.palette:
                view = msgspec.structs.replace(view, scopes=self._scopes())
            self._look(view)
            if entry is not None and entry.scope != "view":
                self._act(entry.action, entry.scope)
        else:
            self._act(action.id, action.scope)
        if greeting and not self._export.asks:
            self.say(greeting)

    def _scopes(self) -> frozenset[keymap.Scope]:
        """Who can act now: the tape only while one is playing."""
        scopes: set[keymap.Scope] = {"view", "app"}
        if self._desk is not None and self._desk.controls:
            scopes.add("tape")
        if hasattr(signal, "SIGTSTP"):  # not on Windows
            scopes.add("local")
        return frozenset(scopes)

    def _act(self, action: str, scope: str) -> None:
        """Do what changes no view."""
        if scope == "tape":
            controls = self._desk.controls if self._desk else None
            if controls is None:
                self.say(NO_TAPE)
            else:
                self._control(action, controls)
        elif action == "copy" and self.snapshot:
            self._copy(self.snapshot)
        elif action == "export":
            self._export.ask()
        elif action == "refresh":
            self._refresh_all()
        elif action == "suspend" and sys.platform != "win32":
            # The whole group, as the terminal itself does it: a make or a sh before us stops, too.
            os.killpg(0, signal.SIGTSTP)
        elif action == "quit":
            self.exit()

    def _refresh_all(self) -> None:
        """Paint every cell again, have the sources asked, and say which."""
        self.refresh()
        desk: object = self._desk
        asked, wait_s = desk.ask_now() if isinstance(desk, RefreshingDesk) else ((), 0.0)
        if asked:
            self.say(f"asked again: {', '.join(asked)}")
        elif wait_s:
            self.say(f"asked a moment ago; again in {wait_s:.0f} s")
        else:
            self.say(NOBODY if self._desk is None or self._desk.controls is None else NOBODY_ON_TAPE)

    def _copy(self, snapshot: Snapshot) -> None:
        """Copy the headline, or the sheet that is open."""
        from tui.output.text import quotation, quoted_explanation  # noqa: PLC0415 - see _opened
        from tui.panels.explained import copied, not_copied  # noqa: PLC0415

        if not self.view.explains:
            self.copy_to_clipboard(quotation(of_pair(snapshot, self.view.pair)))
            self.say(copied(None))
        elif known := snapshot.explained.get(self.view.figure):
            self.copy_to_clipboard(quoted_explanation(known))
            self.say(copied(known))
        else:
            self.say(not_copied(self.view))

    def drawn(self) -> Scene:
        """What is on screen now."""
        snapshot = self.snapshot and of_pair(self.snapshot, self.view.pair)
        return scene(snapshot, self.view, self._window.width, self._window.height)

    def _greeting(self) -> str:
        """What has changed, for a viewer who has pressed no key for ten minutes; else empty."""
        from tui.output.looked import AWAY_S, looked, since  # noqa: PLC0415 - see _opened

        now_s = self._clock()
        away_s, self._last_key_s = now_s - self._last_key_s, now_s
        newest, before = self._newest, self._looked
        if newest is None:
            return ""
        self._looked = looked(newest)
        return since(before, newest) if before is not None and away_s >= AWAY_S else ""

    def say(self, message: str, *, urgent: bool = False) -> None:
        """Put a line in the place of the footer; "" takes it away."""
        self._look(with_message(self.view, message, urgent=urgent))

    def _control(self, action: str, controls: Controls) -> None:
        if action in SEEK_S:
            controls.seek(SEEK_S[action])
        else:
            {"hold": controls.hold, "slower": controls.slower, "faster": controls.faster}[action]()
            tape = self._newest.health.tape if self._newest else None
            if action != "hold" and tape is not None and tape.held:
                self.say(HELD)

    def _look(self, view: ViewState) -> None:
        if view == self.view:
            return
        self.view = view
        if not view.paused:
            self.snapshot = self._newest
        if self.snapshot is not None:
            from tui.panels.legs.lists import with_order  # noqa: PLC0415 - see _opened

            self.view = with_order(view, self.snapshot)
        self._paint()

    def _ask(self) -> None:
        """Have the desk make what is on screen, and nothing else."""
        if self._desk is None:
            return
        from tui.panels.asked import wants_of  # noqa: PLC0415 - see FIRST

        wants = wants_of(self.view, self._shown)
        if wants != self._wants:
            self._wants = wants
            self._desk.want(wants)

    def _paint(self) -> None:
        """Draw every visible panel; each repaints only the cells that changed."""
        if not self.screen_stack:  # at the very end prices and timers may outlive the screens
            return
        screen, view = self.screen, self.view
        if not isinstance(screen, DeskScreen):
            return
        self._owes_paint = self._terminal is not None and self._terminal.is_behind
        if self._owes_paint:
            return
        try:
            look = theme.load(view.theme)
        except InputError as error:  # a person's own file, broken or gone
            look = theme.load(theme.DEFAULT)
            view = self.view = with_message(
                msgspec.structs.replace(view, theme=theme.DEFAULT), str(error), urgent=True
            )
        view = self.view = self._with_misfit(view)
        drawn = self._paced.scene(self.snapshot, view, self._window.width, self._window.height)
        if drawn.places != screen.places:
            screen.places = drawn.places
            screen.refresh(layout=True)
        lit = self._lit(drawn, view, look)
        changed = [name for name, rows in lit.rows.items() if self._panels[name].show(rows, look)]
        if changed:
            self._before_prices.drawn()
        self._shown = frozenset(drawn.places)
        self._ask()
        if drawn.most is not None:
            self.view = clamp_scroll(view, drawn.most)
        for wait_s in (self._paced.wait_s, self._flash.wait_s):
            if wait_s is not None:
                self._paint_in(wait_s)

    def _lit(self, drawn: Scene, view: ViewState, look: theme.Theme) -> Scene:
        """The scene with what has just changed lit, where that is wanted and the terminal has tints."""
        snapshot = self.snapshot and of_pair(self.snapshot, view.pair)
        can_show = look.has_tints and not self.no_color and self.console.color_system in TINTED
        return self._flash.over(drawn, snapshot, view, self._clock(), is_on=view.motion and can_show)

    def _paint_in(self, wait_s: float) -> None:
        """Paint what waits in so many seconds, or soon after with a newer Snapshot."""
        due_s = time.monotonic() + wait_s + FRESH_S
        if self._next_paint is not None:
            if self._next_paint_s <= due_s:
                return
            self._next_paint.stop()
        self._next_paint, self._next_paint_s = self.set_timer(wait_s + FRESH_S, self._paint_when_due), due_s

    def _with_misfit(self, view: ViewState) -> ViewState:
        """The view with why the person's own panels are not shown, once for each size; without it later."""
        before = self._misfit
        self._misfit = misfit_of(self.snapshot, view, self._window.width, self._window.height)
        if self._misfit == before or (not self._misfit and view.message != before):
            return view
        return with_message(view, self._misfit, urgent=True)

    def _paint_when_due(self) -> None:
        self._next_paint = None
        self._paint()


def _load_rest() -> None:
    with loading():
        load_panels()
        for module in LATER:
            import_module(module)
