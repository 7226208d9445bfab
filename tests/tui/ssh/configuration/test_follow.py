"""A configuration file that changes while a host has viewers."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import asyncssh
import msgspec
import pytest

from rotation.desk import DeskChange
from tests.support.ssh_host import Hosted, Looker, hosting, until
from tui.desk import DeskError
from tui.settings.desk.wanted import ALL
from tui.settings.file import read
from tui.settings.reload import ConfigWatch
from tui.ssh.configuration import follow
from tui.ssh.configuration.follow import DESK_ONLY
from tui.ssh.rooms.defaults import ViewDefaults
from tui.view import theme
from tui.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEFORE = '[screen]\ntheme = "midnight"\n'
WRONG = BEFORE + "[keys]\npause = 5\n"
SECRET = "folder-of-the-host"
"""Part of the file's path, which no viewer may ever read."""


class Scene(NamedTuple):
    hosted: Hosted
    path: Path
    admin: asyncssh.SSHKey
    """Of an administrator."""

    def write(self, text: str) -> None:
        self.path.write_text(text, "utf-8")
        stamp = self.path.stat().st_mtime_ns + 1_000_000  # a disk may count in coarser steps than this test
        os.utime(self.path, ns=(stamp, stamp))

    async def look_as_admin(self) -> Looker:
        return await self.hosted.look(size=(160, 45), client_keys=[self.admin])

    async def status(self, *words: str, key: asyncssh.SSHKey | None = None) -> str:
        async with self.hosted.connect(client_keys=[key or self.admin]) as conn:
            return str((await conn.run(" ".join(("status", *words)))).stdout)

    async def config(self) -> dict[str, str]:
        return json.loads(await self.status("--json"))["config"]

    async def until_config(self, holds: Callable[[dict[str, str]], object]) -> dict[str, str]:
        async with asyncio.timeout(60):
            while not holds(config := await self.config()):  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0.02)
        return config


@asynccontextmanager
async def following(folder, snapshot, text=BEFORE, **more):
    (folder / SECRET).mkdir()
    path = folder / SECRET / "config.toml"
    path.write_text(text)
    admin = asyncssh.generate_private_key("ssh-ed25519")
    (folder / "admins").write_bytes(admin.export_public_key())
    watch = ConfigWatch(path, read(path), taken=ALL - DESK_ONLY - {"screen.motion"})
    given = {"admin_keys": folder / "admins", "config": watch, **more}
    async with hosting(folder, snapshot, **given) as hosted:
        yield Scene(hosted, path, admin)


@pytest.fixture
async def scene(tmp_path, scenes, monkeypatch):
    monkeypatch.setattr(follow, "LOOK_S", 0.02)
    async with following(tmp_path, scenes["live"]) as scene:
        yield scene


async def test_viewers_have_the_new_settings_with_their_next_frame_and_administrators_are_told(scene, caplog):
    caplog.set_level("INFO", logger="tui.ssh")
    stranger, chooser = await scene.hosted.look(), await scene.hosted.look()
    admin = await scene.look_as_admin()
    chooser.press(b"t")
    await until(lambda: chooser.viewer.view.theme != "midnight")
    own = chooser.viewer.view.theme
    scene.write(
        '[desk]\nwindows = [1, 10]\n[screen]\ntheme = "paper"\nwindow = 10\n[keys]\npause = "x"\n'
        '[panels]\nnarrow = ["legs", "spread"]\n'
    )
    await admin.see("config.toml: applied desk.windows, screen.theme, screen.window, panels.narrow, keys")
    await stranger.see("10d %", "1 Legs")
    assert "4 Fed" not in stranger.screen.text
    assert (stranger.viewer.view.theme, chooser.viewer.view.theme) == ("paper", own)
    assert "config.toml" not in stranger.screen.text
    stranger.press(b"x")
    await stranger.see("PAUSED")
    newcomer = await scene.hosted.look()
    await newcomer.see("10d %")
    assert newcomer.viewer.view.theme == "paper"
    (logged,) = [each for each in caplog.records if each.message == "configuration applied"]
    assert logged.fields["file"] == str(scene.path)
    assert scene.hosted.host.state.defaults.windows == (1, 10)


async def test_a_mistake_changes_nothing_and_says_where_it_is_but_not_whose_disk(scene, caplog):
    stranger, admin = await scene.hosted.look(), await scene.look_as_admin()
    before = scene.hosted.host.state.defaults
    scene.write(WRONG)
    await admin.see(
        "config.toml, line 4: keys.pause cannot be used", "the previous configuration stays in use"
    )
    config = await scene.config()
    assert config["error"].startswith("config.toml, line 4: keys.pause cannot be used")
    assert "config    config.toml, line 4: keys.pause" in await scene.status()
    assert scene.hosted.host.state.defaults == before
    (logged,) = [each for each in caplog.records if each.message == "configuration not applied"]
    assert logged.levelname == "ERROR"
    assert (logged.fields["file"], logged.fields["line"], logged.fields["key"]) == (
        str(scene.path), 4, "keys.pause",
    )  # fmt: skip
    assert "expected a key" in logged.fields["why"]
    theirs = await scene.status("--json", key=scene.hosted.key)
    assert json.loads(theirs)["config"] is None
    assert "config" not in await scene.status(key=scene.hosted.key)
    for seen in (stranger.screen.raw, admin.screen.raw, (await scene.status("--json")).encode()):
        assert SECRET.encode() not in seen
    assert b"config.toml" not in stranger.screen.raw
    scene.write(BEFORE)
    await scene.until_config(lambda config: not config["error"])


@pytest.mark.parametrize(
    "text",
    [
        'why = "/folder-of-the-host/x"\n[screen\n',
        '[screen]\ntheme = "/folder-of-the-host/x"\n',
        '"/folder-of-the-host/x" = 1\n',
        '[keys]\n"/folder-of-the-host/x" = "y"\n',
        '[universes.x]\nholdings = "/folder-of-the-host/x"\nindex = "/folder-of-the-host"\n',
        '[desk]\n"folder-of-the-host\\u001b]52;c;eA==\\u0007" = 1\n',
    ],
)
async def test_no_mistake_carries_a_path_to_a_terminal(scene, text, caplog):
    stranger, admin = await scene.hosted.look(), await scene.look_as_admin()
    scene.write(text)
    await until(lambda: [each for each in caplog.records if each.message == "configuration not applied"])
    await admin.see("cannot be used")
    frames = admin.screen.raw + stranger.screen.raw + (await scene.status()).encode()
    assert SECRET.encode() not in frames
    assert b"]52;" not in frames


async def test_a_message_goes_after_a_while_and_an_error_only_with_a_key(scene):
    admin = await scene.look_as_admin()
    scene.write(BEFORE.replace("midnight", "paper"))
    await admin.see("config.toml: applied screen.theme")
    assert admin.viewer.view.message
    assert admin.viewer._quiet is not None
    scene.write(WRONG)
    await admin.see("cannot be used")
    assert admin.viewer._quiet is None
    assert admin.viewer.view.is_urgent
    admin.press(b"3")
    await until(lambda: not admin.viewer.view.message)


async def test_a_hang_up_reads_the_file_at_once(tmp_path, scenes, monkeypatch):
    monkeypatch.setattr(follow, "LOOK_S", 10_000.0)
    async with following(tmp_path, scenes["live"]) as scene:
        viewer = await scene.hosted.look()
        scene.write(BEFORE.replace("midnight", "paper"))
        scene.hosted.host.reload()
        await until(lambda: viewer.viewer.view.theme == "paper")


async def test_what_no_host_has_is_not_called_applied(scene):
    scene.write(
        BEFORE + 'motion = "off"\n[export]\nfolder = "~/x"\n[notify]\nto = ["osc9"]\n'
        '[[alerts]]\nwhen = "on_pace"\n'
    )
    config = await scene.until_config(lambda config: config["applied"])
    assert config["applied"] == (
        "config.toml: screen.motion, export.folder, alerts do not concern this command"
    )


async def test_a_desk_has_windows_limits_and_pairs_of_the_file(tmp_path, scenes, monkeypatch):
    monkeypatch.setattr(follow, "LOOK_S", 0.02)
    given: list[object] = []
    async with following(tmp_path, scenes["live"], defaults=ViewDefaults(pairs=("IWN/IVW",))) as scene:
        desk = scene.hosted.desk

        async def change_desk(change):
            given.append(change)

        async def set_pairs(pairs, options):
            given.append(pairs)
            return tuple(pair for pair in pairs if "XBI" in pair)

        desk.change_desk, desk.set_pairs = change_desk, set_pairs
        viewer = await scene.hosted.look()
        scene.write(
            BEFORE
            + '[desk]\nleg_gap_s = 9\nwindows = [3]\npairs = ["KRE/QQQ", "XBI/IBB"]\n[limits]\nstale_s = 7\n'
        )
        await until(lambda: viewer.viewer.view.pairs == ("KRE/QQQ",))
        usual = (1, 3, 5, 20, 60, 252)
        assert given == [
            DeskChange(leg_gap_s=9.0, stale_s=7.0, windows=usual),
            (("KRE", "QQQ"), ("XBI", "IBB")),
        ]
        config = await scene.until_config(lambda config: config["applied"])
        assert "XBI/IBB waits for the next start" in config["applied"]


async def test_a_desk_that_cannot_become_another_one_stays_and_one_that_can_is_everybodys(scene, caplog):
    desk = scene.hosted.desk
    desk.wanted = Wanted(unasked_demo=False)

    async def reopen(wanted):
        if wanted.feed == "alpaca":
            raise DeskError(f"no key in /{SECRET}/keys", "feeds.feed")
        desk.wanted = wanted
        return ()

    desk.reopen = reopen
    stranger, admin = await scene.hosted.look(), await scene.look_as_admin()
    scene.write(BEFORE + '[feeds]\nfeed = "alpaca"\n[watchlists]\nmine = ["AAPL"]\n')
    await admin.see("feeds.feed cannot be applied (see the host's log); the desk stays as it is")
    assert stranger.viewer.view.lists == ()
    assert SECRET.encode() not in admin.screen.raw
    (logged,) = [each for each in caplog.records if each.message == "desk not changed"]
    assert logged.fields["key"] == "feeds.feed"
    assert SECRET in logged.fields["why"]
    assert "feeds.feed" in (await scene.config())["error"]
    scene.write(BEFORE + '[desk]\npair = "KRE/QQQ"\n[watchlists]\nmine = ["AAPL"]\n')
    await until(lambda: stranger.viewer.view.lists == ("mine",))
    assert desk.wanted.pair == ("KRE", "QQQ")
    assert (await scene.config())["error"] == ""


async def test_a_desk_that_cannot_be_changed_costs_no_viewer_the_screen(scene, caplog):
    async def change_desk(_change):
        raise RuntimeError("boom")

    scene.hosted.desk.change_desk = change_desk
    viewer, admin = await scene.hosted.look(), await scene.look_as_admin()
    scene.write(BEFORE + "[limits]\nstale_s = 7\n")
    await admin.see("config.toml: internal error; the host's log has the details")
    assert [each for each in caplog.records if each.message == "configuration failed"]
    del scene.hosted.desk.change_desk
    scene.write(BEFORE.replace("midnight", "paper"))
    await until(lambda: viewer.viewer.view.theme == "paper")


async def test_an_own_theme_that_changes_is_painted_anew_for_all(tmp_path, scenes, monkeypatch):
    monkeypatch.setattr(follow, "LOOK_S", 0.02)
    themes = tmp_path / "themes"
    themes.mkdir()
    shipped = files("themes").joinpath("paper.toml").read_text("utf-8")
    (themes / "mine.toml").write_text(shipped)
    theme.use_folder(themes)
    try:
        async with following(tmp_path, scenes["live"], defaults=ViewDefaults(theme="mine")) as scene:
            viewer = await scene.hosted.look()
            await viewer.see("1 Legs")
            first = viewer.screen.cells()
            ground = theme.load("mine").background
            (themes / "mine.toml").write_text(shipped.replace(ground, "#123456"))
            os.utime(themes / "mine.toml", ns=(1, 1))
            await until(lambda: viewer.screen.cells()[5][3][2] == "123456")
            assert [[cell[0] for cell in row] for row in viewer.screen.cells()] == [
                [cell[0] for cell in row] for row in first
            ]
            (themes / "mine.toml").write_text("[styles\n")
            config = await scene.until_config(lambda config: config["error"])
            assert config["error"].endswith("the previous theme stays in use")
    finally:
        theme.use_folder(None)


async def test_a_paused_viewer_stays_at_its_moment(scene, scenes):
    viewer = await scene.hosted.look()
    viewer.press(b" ")
    await viewer.see("PAUSED")
    held = viewer.viewer._held
    scene.write(BEFORE.replace("midnight", "paper"))
    await until(lambda: viewer.viewer.view.theme == "paper")
    assert viewer.viewer.view.paused
    assert viewer.viewer._held is held
    scene.hosted.desk.push(msgspec.structs.replace(scenes["live"], seq=99))
    await until(lambda: scene.hosted.host.state.rooms.newest.seq == 99)
    assert viewer.viewer._room.snapshot is held
