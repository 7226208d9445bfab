"""The command ``rotation-tui host``. asyncssh, an extra, is imported only when it runs."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, Any

import click

from rotation.errors import InputError
from tui.backend import Wanted
from tui.cli.options import FROM, SPEED, TAPES, THEME, path_option, settled

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = "host needs asyncssh, which is not here; run: pip install 'rotation-tui[ssh]'"
EVERYWHERE = "*"
HELP = """Serve the desk over SSH: one process and one set of feeds for many viewers.

\b
ssh HOST                  the screen; keys change the visitor's own view only
ssh HOST status [--json]  how the host is doing
ssh HOST snapshot         the figures as text
ssh HOST headline         the sentence
"""
EXAMPLES = """\b
Examples:
  rotation-tui host --authorized-keys viewers.keys
  rotation-tui host --listen '*:2222' --authorized-keys viewers.keys
  ssh -p 2222 desk.example.com
  ssh -p 2222 desk.example.com status --json
"""


def _address(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, int]:
    address, _, port = value.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    try:
        if address != EVERYWHERE:
            ipaddress.ip_address(address)
        if 0 <= int(port) <= 65_535:
            return address, int(port)
    except ValueError:
        pass
    raise click.BadParameter(f"{value!r} is not ADDR:PORT; write 127.0.0.1:2222 or *:2222")


@click.command(help=HELP, epilog=EXAMPLES)
@click.option(
    "--listen",
    default="127.0.0.1:2222",
    show_default=True,
    callback=_address,
    metavar="ADDR:PORT",
    help="Where to listen; * is every address of this machine.",
)
@path_option(
    "--authorized-keys", metavar="FILE", help="Who may look: a public key a line. SIGHUP reloads it."
)
@click.option("--open", "is_open", is_flag=True, help="Anyone may look, with a key or without.")
@path_option("--host-key", metavar="FILE", help="The host's key, made on the first run.")
@click.option(
    "--max-sessions", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Viewers at once."
)
@click.option(
    "--per-address",
    type=click.IntRange(1, 100_000),
    default=5,
    show_default=True,
    help="Viewers at once from one address.",
)
@click.option(
    "--new-per-minute",
    type=click.IntRange(1, 1_000_000),
    default=10,
    show_default=True,
    help="Connections from one address in a minute.",
)
@click.option(
    "--idle",
    type=click.FloatRange(1),
    default=30.0,
    show_default=True,
    metavar="MINUTES",
    help="How long a viewer may press no key.",
)
@click.option("--reuse-port", is_flag=True, help="Share the port with other hosts: one a core.")
@click.option("--allow-root", is_flag=True, help="Run as root nevertheless.")
@click.option("--demo", is_flag=True, help="Host the built-in scenario; it is never shown unasked.")
@settled
@TAPES
@SPEED
@FROM
@THEME
@click.pass_context
def host(
    ctx: click.Context,
    /,
    *,
    listen: tuple[str, int],
    authorized_keys: Path | None,
    is_open: bool,
    host_key: Path | None,
    max_sessions: int,
    per_address: int,
    new_per_minute: int,
    idle: float,
    reuse_port: bool,
    allow_root: bool,
    tape: tuple[Path, ...],
    theme: str | None,
    **wanted: Any,
) -> None:
    """Serve the desk over SSH: one process and one set of feeds for many viewers."""
    if os.name != "posix":
        raise InputError("host runs on Linux and macOS; viewers may come from anywhere")
    try:
        import asyncssh  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise InputError(NEEDED) from error
    from platformdirs import user_data_path, user_state_path  # noqa: PLC0415

    from tui.ssh import journal  # noqa: PLC0415
    from tui.ssh.host import Settings, serve  # noqa: PLC0415
    from tui.ssh.limits import Limits  # noqa: PLC0415
    from tui.view.theme import DEFAULT, load  # noqa: PLC0415

    if is_open == (authorized_keys is not None):
        raise InputError("say who may look: either --authorized-keys FILE, or --open for anyone")
    if os.geteuid() == 0 and not allow_root:
        raise InputError("host does not run as root; use an account of its own (or --allow-root)")
    load(theme or DEFAULT)  # a wrong name is told before anything listens
    journal.start(ctx.meta["log_level"])
    desk = ctx.obj.open(Wanted(tapes=tape, unasked_demo=False, **wanted))
    serve(
        desk,
        Settings(
            address="" if listen[0] == EVERYWHERE else listen[0],
            port=listen[1],
            authorized_keys=authorized_keys,
            host_key=host_key or user_data_path("rotation-tui") / "host_key",
            preferences=user_state_path("rotation-tui") / "visitors.json",
            theme=theme or DEFAULT,
            now_s=ctx.obj.now_s,
            limits=Limits(
                sessions=max_sessions,
                per_address=per_address,
                new_per_minute=new_per_minute,
                idle_s=60 * idle,
            ),
            reuse_port=reuse_port,
        ),
        lambda port: click.echo(f"rotation-tui: listening on {listen[0]} port {port}", err=True),
    )
