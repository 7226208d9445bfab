"""The command ``rotation-tui host``. asyncssh is an extra, so it is imported only when the command runs."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, Any

import click

from rotation.errors import InputError
from tui.cli.options import (
    FROM,
    FROM_OPTION,
    NOTICES,
    SPEED,
    TAPES,
    THEME,
    config_of,
    path_option,
    settled,
    watch_of,
    with_lists,
)
from tui.wanted import Wanted

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = "host needs asyncssh, which is not installed; run: pip install 'rotation-tui[ssh]'"
EVERYWHERE = "*"
LOG_JSON = "--log-json"
MOST_WORKERS = 256
HELP = """Serve the desk over SSH: one process and one set of feeds for many viewers.

\b
ssh HOST                  the screen; keys change only the viewer's own view
ssh HOST status [--json]  how the host is doing
ssh HOST snapshot         the figures as text
ssh HOST headline         the headline as one sentence
"""
EXAMPLES = """\b
Examples:
  rotation-tui host --authorized-keys viewers.keys
  rotation-tui host --listen '*:2222' --authorized-keys viewers.keys
  rotation-tui host --workers 4 --authorized-keys viewers.keys
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
    raise click.BadParameter(f"expected ADDR:PORT, got {value!r}; write for example 127.0.0.1:2222 or *:2222")


def _loopback(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, int] | None:
    if value is None:
        return None
    address, port = _address(ctx, param, value)
    if address == EVERYWHERE or not ipaddress.ip_address(address).is_loopback:
        raise click.BadParameter("metrics have no password: only a loopback address, such as 127.0.0.1:9222")
    return address, port


def _networks(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        return tuple(ipaddress.ip_network(value) for value in values)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


class _HostCommand(click.Command):
    """Makes stderr JSON lines before anything can be wrong with the other options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options."""
        if LOG_JSON in args:
            from tui.ssh import json_stderr  # noqa: PLC0415 - as for the rest of the host

            json_stderr.start()
        return super().parse_args(ctx, args)


def _check_workers(workers: int, max_sessions: int) -> None:
    """Raise InputError for workers that cannot be; say so where there are more than help."""
    from rotation.text import counted  # noqa: PLC0415
    from tui.ssh.workers.handover import can_pass_sockets, cores  # noqa: PLC0415

    if workers > max_sessions:
        raise InputError(
            f"--workers {workers} with --max-sessions {max_sessions}: each worker needs a session of its own"
        )
    if workers > 1 and not can_pass_sockets():
        raise InputError("--workers: this system cannot pass open sockets to other processes; use 1")
    if workers > (available := cores()):
        click.echo(
            f"rotation-tui: --workers {workers}: this machine has {counted(available, 'core')}; more workers "
            "use memory without adding speed",
            err=True,
        )


@click.command(cls=_HostCommand, help=HELP, epilog=EXAMPLES)
@click.option(
    "--listen",
    default="127.0.0.1:2222",
    show_default=True,
    callback=_address,
    metavar="ADDR:PORT",
    help="Address and port to listen on; * is every address of this machine.",
)
@path_option(
    "--authorized-keys", metavar="FILE", help="Who may log in: one public key per line. SIGHUP reloads it."
)
@path_option(
    "--admin-keys", metavar="FILE", help="Who may also list, kick and ban viewers, in the same format."
)
@path_option(
    "--revoked-keys",
    metavar="FILE",
    help="Who may not log in: a public key or SHA256 fingerprint per line, or a KRL.",
)
@click.option("--open", "is_open", is_flag=True, help="Let anyone log in, with or without a key.")
@path_option("--host-key", metavar="FILE", help="The host's private key; created on the first run.")
@click.option(
    "--max-sessions",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    help="Concurrent viewers.",
)
@click.option(
    "--per-address",
    type=click.IntRange(1, 100_000),
    default=5,
    show_default=True,
    help="Concurrent viewers from one address.",
)
@click.option(
    "--new-per-minute",
    type=click.IntRange(1, 1_000_000),
    default=10,
    show_default=True,
    help="New connections per minute from one address.",
)
@click.option(
    "--idle",
    type=click.FloatRange(1),
    default=30.0,
    show_default=True,
    metavar="MINUTES",
    help="Disconnect a viewer after this long without a key press.",
)
@click.option(
    "--metrics",
    callback=_loopback,
    metavar="ADDR:PORT",
    help="Serve metrics for Prometheus at http://ADDR:PORT/metrics; a loopback address only.",
)
@click.option(
    "--proxy-from",
    "proxies",
    multiple=True,
    callback=_networks,
    metavar="NETWORK",
    help="A balancer in front that sends a PROXY protocol v2 header; may be given several times.",
)
@click.option(
    LOG_JSON,
    is_flag=True,
    expose_value=False,
    help="Write everything on stderr as JSON lines, including command-line errors.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that serve viewers, one per core; with more than one, a further process reads for all.",
)
@click.option(
    "--worker-memory",
    type=click.FloatRange(64, 1_000_000),
    default=512.0,
    show_default=True,
    metavar="MB",
    help="With --workers: replace a worker that holds more resident memory.",
)
@click.option("--reuse-port", is_flag=True, help="Share the port with other hosts, one per core.")
@click.option("--allow-root", is_flag=True, help="Run even as root.")
@click.option("--demo", is_flag=True, help="Host the built-in demo; a host never falls back to it.")
@TAPES
@SPEED
@FROM
@THEME
@settled
@click.pass_context
def host(
    ctx: click.Context,
    /,
    *,
    listen: tuple[str, int],
    authorized_keys: Path | None,
    admin_keys: Path | None,
    revoked_keys: Path | None,
    is_open: bool,
    host_key: Path | None,
    max_sessions: int,
    per_address: int,
    new_per_minute: int,
    idle: float,
    metrics: tuple[str, int] | None,
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
    workers: int,
    worker_memory: float,
    reuse_port: bool,
    allow_root: bool,
    tape: tuple[Path, ...],
    theme: str | None,
    **wanted: Any,
) -> None:
    """Serve the desk over SSH: one process and one set of feeds for many viewers."""
    for notice in ctx.meta.get(NOTICES, ()):
        click.echo(f"rotation-tui: {notice}", err=True)
    if os.name != "posix":
        raise InputError("host runs only on Linux and macOS; viewers may use any system")
    try:
        import asyncssh  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise InputError(NEEDED) from error
    from platformdirs import user_data_path, user_state_path  # noqa: PLC0415

    from tui.settings.panels import panels_of  # noqa: PLC0415
    from tui.ssh import event_log, json_stderr  # noqa: PLC0415
    from tui.ssh.configuration.follow import DESK_ONLY, GLYPHS  # noqa: PLC0415
    from tui.ssh.configuration.settings import Settings  # noqa: PLC0415
    from tui.ssh.host import serve  # noqa: PLC0415
    from tui.ssh.limits import Limits  # noqa: PLC0415
    from tui.ssh.rooms.defaults import ViewDefaults, bindings  # noqa: PLC0415
    from tui.view.theme import DEFAULT, load  # noqa: PLC0415
    from tui.view.view_state import pair_names, watchlists  # noqa: PLC0415

    if is_open == (authorized_keys is not None):
        raise InputError("say who may log in: either --authorized-keys FILE, or --open for anyone")
    if os.geteuid() == 0 and not allow_root:
        raise InputError("host does not run as root; use a separate account, or --allow-root")
    _check_workers(workers, max_sessions)
    load(theme or DEFAULT)  # an unknown name is reported before anything listens
    event_log.start(ctx.meta["log_level"])
    asked = with_lists(ctx, Wanted(tapes=tape, unasked_demo=False, at_option=FROM_OPTION, **wanted))
    desk = ctx.obj.open(asked)
    config = config_of(ctx)
    values = config.values if config else {}
    settings = Settings(
        address="" if listen[0] == EVERYWHERE else listen[0],
        port=listen[1],
        authorized_keys=authorized_keys,
        host_key=host_key or user_data_path("rotation-tui") / "host_key",
        admin_keys=admin_keys,
        revoked_keys=revoked_keys,
        bans=user_state_path("rotation-tui") / "bans.json",
        preferences=user_state_path("rotation-tui") / "visitors.json",
        pair=wanted["pair"],
        defaults=ViewDefaults(
            theme=theme or DEFAULT,
            window=values.get("screen.window", ViewDefaults().window),
            windows=asked.windows,
            returns=asked.leg_returns,
            pairs=pair_names(wanted["pair"], wanted["pairs"]),
            pair_options=asked.pair_options,
            lists=watchlists(asked.lists),
            panels=panels_of(values),
            keys=bindings(config.keys) if config else (),
            ascii=values.get("screen.glyphs") == "ascii",
        ),
        config=watch_of(ctx, GLYPHS, DESK_ONLY),
        now_s=ctx.obj.now_s,
        limits=Limits(
            sessions=max_sessions,
            per_address=per_address,
            new_per_minute=new_per_minute,
            idle_s=60 * idle,
        ),
        reuse_port=reuse_port,
        metrics=metrics,
        proxies=proxies,
    )

    def ready(port: int) -> None:
        click.echo(f"rotation-tui: listening on {listen[0]} port {port}", err=True)

    if workers == 1:
        serve(desk, settings, ready)
        return
    from tui.ssh.workers import parent  # noqa: PLC0415

    options = parent.Options(workers, worker_memory, log_json=json_stderr.is_on())
    parent.serve(desk, settings, options, ready)
