"""What a configuration file that was read again changes on a running screen."""

from __future__ import annotations

import msgspec

from rotation.alerts.target import AlertSettings
from tui.view.keymap import Keymap


class Applied(msgspec.Struct, frozen=True):
    """What to do, and what to say of it; None of what stays as it is."""

    message: str
    is_error: bool = False
    """The file cannot be used: the configuration before stays."""
    keys: Keymap | None = None
    theme: str | None = None
    alerts: AlertSettings | None = None
