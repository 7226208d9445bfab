"""Why a client is refused and why a session ends, and what the client reads about it."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why the host turned something away. The values are keys of ``status --json`` and of the log."""

    CLOSING = "closing"
    BANNED = "banned"
    PROXY_HEADER = "proxy header"
    OVERLOADED = "overloaded"
    TOO_OFTEN = "too often"
    TOO_MANY_FROM_ADDRESS = "too many from there"
    FULL = "full"
    TOO_MANY_LOGINS = "too many logins"
    NO_WORKER = "no worker"
    """Of a host of several processes none can serve it now."""
    NO_LOGIN = "no login"
    LOGIN_TIME = "login time"
    SLOW_LOGIN = "slow login"
    FLOOD = "flood"
    PROTOCOL = "protocol"
    TOO_MANY_KEYS = "too many keys"
    KEY_EXCHANGE = "key exchange"
    UNREAD = "unread"
    SECOND_SESSION = "second session"
    FORWARD = "forward"
    SUBSYSTEM = "subsystem"
    NO_TERMINAL = "no terminal"
    COMMAND = "command"


REFUSAL_LABELS = {
    Refusal.CLOSING: "while shutting down",
    Refusal.BANNED: "banned",
    Refusal.PROXY_HEADER: "from a balancer without a valid header",
    Refusal.OVERLOADED: "while overloaded",
    Refusal.TOO_OFTEN: "connecting too often",
    Refusal.TOO_MANY_FROM_ADDRESS: "too many from one address",
    Refusal.FULL: "while full",
    Refusal.TOO_MANY_LOGINS: "too many logins in progress",
    Refusal.NO_WORKER: "while no worker was running",
    Refusal.NO_LOGIN: "without a login",
    Refusal.LOGIN_TIME: "login timed out",
    Refusal.SLOW_LOGIN: "slow login, place given away",
    Refusal.FLOOD: "too much input",
    Refusal.PROTOCOL: "not speaking SSH",
    Refusal.TOO_MANY_KEYS: "too many keys tried",
    Refusal.KEY_EXCHANGE: "key exchange out of turn",
    Refusal.UNREAD: "replies not read",
    Refusal.SECOND_SESSION: "second session on a connection",
    Refusal.FORWARD: "forwarding",
    Refusal.SUBSYSTEM: "subsystem",
    Refusal.NO_TERMINAL: "without a usable terminal",
    Refusal.COMMAND: "unknown command",
}
"""Refusal → its words in ``status``, after a count: "3 without a login"."""

TURNED_AWAY = {
    Refusal.CLOSING: "the host is shutting down; try again later",
    Refusal.BANNED: "your address is banned from this host",
    Refusal.OVERLOADED: "the host is overloaded; try again in a minute",
    Refusal.TOO_OFTEN: "too many new connections from your address; try again in {wait} s",
    Refusal.TOO_MANY_FROM_ADDRESS: "too many open connections from your address; close one and try again",
    Refusal.FULL: "the host is full; try again later",
    Refusal.TOO_MANY_LOGINS: "too many logins in progress; try again in a few seconds",
    Refusal.NO_WORKER: "part of the host is restarting; try again in a few seconds",
}
"""Refusal of a new connection → what ssh shows; ``{wait}`` is a number of seconds."""

CUT_OFF = {
    Refusal.LOGIN_TIME: "the login took too long",
    Refusal.SLOW_LOGIN: "too many logins in progress; try again in a few seconds",
    Refusal.FLOOD: "too much data",
    Refusal.PROTOCOL: "protocol error",
}
"""Refusal of a client that is connected, and has no session yet → what ssh shows."""


class NoLogin(StrEnum):
    """What a client did that never had a session. The values are the log's ``kind``."""

    SCANNER = "scanner"
    """It left before it asked to log in."""
    NO_KEY = "no key"
    """It asked, and offered no key."""
    WRONG_KEY = "wrong key"
    """It offered keys, none of which may log in."""
    NO_SESSION = "no session"
    """It logged in and opened no session, as ``ssh -N`` does."""


class EndReason(StrEnum):
    """Why a session ended. The values are the ``reason`` of the log's ``session end``."""

    QUIT = "quit"
    DISCONNECTED = "gone"
    HOST_STOPPED = "stop"
    IDLE = "idle"
    VISIT_LIMIT = "visit"
    FLOOD = "flood"
    KEY_WITHDRAWN = "withdrawn"
    KEY_RESTRICTED = "restricted"
    KICKED = "kicked"
    BANNED = "banned"
    ANSWERED = "answered"
    ERROR = "error"


FAREWELLS = {
    EndReason.QUIT: "",
    EndReason.DISCONNECTED: "",
    EndReason.HOST_STOPPED: "rotation-tui: the host is shutting down; reconnect later.",
    EndReason.IDLE: "rotation-tui: disconnected: no key was pressed for too long.",
    EndReason.VISIT_LIMIT: "rotation-tui: disconnected: maximum session length; you may reconnect.",
    EndReason.FLOOD: "rotation-tui: disconnected: too much input.",
    EndReason.KEY_WITHDRAWN: "rotation-tui: disconnected: your key is no longer authorized.",
    EndReason.KICKED: "rotation-tui: disconnected by an administrator.",
    EndReason.BANNED: "rotation-tui: disconnected: banned by an administrator.",
    EndReason.KEY_RESTRICTED: "rotation-tui: disconnected: your key no longer allows a screen.",
    EndReason.ANSWERED: "",
    EndReason.ERROR: "rotation-tui: disconnected: internal error; the host's log has the details.",
}
"""EndReason → what the viewer reads in the restored terminal; "" for nothing."""
