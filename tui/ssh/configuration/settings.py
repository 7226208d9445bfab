"""How to host: what the command line and the configuration file say at the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from tui.settings.reload import ConfigWatch
from tui.ssh.limits import Limits
from tui.ssh.rooms.defaults import ViewDefaults
from tui.ssh.wire.proxy_protocol import Networks


class Settings(msgspec.Struct, frozen=True):
    """How to host."""

    address: str
    """Where to listen; "" is every address."""
    port: int
    """0 is any free port."""
    authorized_keys: Path | None
    """None lets anyone log in."""
    host_key: Path
    preferences: Path
    now_s: Callable[[], float]
    """The wall clock, in UTC seconds."""
    limits: Limits = Limits()
    reuse_port: bool = False
    """Share the port with other hosts, one per core."""
    admin_keys: Path | None = None
    """Keys that may also run the administrators' commands."""
    revoked_keys: Path | None = None
    """Keys that may not log in, whatever the other files say."""
    metrics: tuple[str, int] | None = None
    """Loopback address and port of the metrics; None for none."""
    proxies: Networks = ()
    """Balancers that send a PROXY header."""
    pair: tuple[str, str] = ("IWM", "QQQ")
    """The desk's first pair."""
    defaults: ViewDefaults = ViewDefaults()
    """What viewers begin with and can go through."""
    config: ConfigWatch | None = None
    """Looks at the configuration file; None for a host that follows none."""
    bans: Path | None = None
    """Where bans are kept; None for memory only."""
