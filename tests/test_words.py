"""Every reason and kind that can reach a person has English: each Enum of the product is listed here."""

from __future__ import annotations

import importlib
import pkgutil
from enum import Enum
from typing import TYPE_CHECKING

import pytest

import feeds
import rotation
import tui
from feeds.desk.members.prices import BARS
from feeds.hub.broker.connection import Cause
from feeds.hub.broker.lease import Unreadable
from feeds.hub.order import Arrival
from feeds.hub.wire.codec import Fault
from feeds.parsing.shares import LineKind
from feeds.streaming import wording as streaming
from feeds.streaming.alike.fields import Form
from feeds.streaming.members.prints import MemberChannel
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.requests import Purpose
from feeds.streaming.session import Action
from rotation.context.explanation import Unknown
from rotation.context.wants import Part
from rotation.desk import EventKind
from rotation.fed.calibration import Absent
from rotation.fed.prices import NoQuote
from rotation.graph.figures import Quadrant
from rotation.macro.figures import ReleaseKind
from rotation.quote import PrintFault, Quote, Role
from rotation.status import Kind
from rotation.status import Refusal as FeedRefusal
from rotation.story.verdict import Verdict
from rotation.wording import state_word
from tui.panels.macro import NAMED
from tui.ssh.limits import Progress
from tui.ssh.reasons import FAREWELLS, REFUSAL_LABELS, EndReason, NoLogin
from tui.ssh.reasons import Refusal as HostRefusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

SHOUTED = frozenset({"AUTH_FAILED"})
"""Words with an underscore that the screen has shown from the start, and JSON with it."""
WITHOUT_A_LINE = frozenset({EndReason.QUIT, EndReason.DISCONNECTED, EndReason.ANSWERED})
"""Ends of a session after which the viewer reads nothing: he left, is gone, or has his answer."""
FULL = {"seconds": 61.0, "code": 404, "symbol": "IWM", "message": "the plan does not include this feed"}

ENGLISH: dict[type[Enum], Callable[[Enum], str]] = {
    Why: lambda why: streaming.of_reason(Reason(why, **FULL)),
    PrintFault: lambda fault: streaming.of_fault(Quote("IWM", 0, float("nan")), fault),
    Kind: state_word,
    ReleaseKind: lambda kind: NAMED[kind],
    Quadrant: lambda quadrant: quadrant.value,
    FeedRefusal: state_word,
    Cause: lambda cause: cause.value,
    Absent: lambda why: why.value,
    Fault: lambda fault: f"message {fault.value}",
    NoQuote: lambda flag: flag.value,
    HostRefusal: lambda reason: REFUSAL_LABELS[reason],
    EndReason: lambda reason: FAREWELLS[reason],
    NoLogin: lambda kind: kind.value,
    EventKind: lambda kind: kind.value,
    Unknown: lambda reason: reason.value,
    MemberChannel: lambda channel: BARS[channel],
}
"""Enum → what a person reads for a member of it."""

NEVER_SHOWN = {
    Action: "what to do with a socket",
    Arrival: "where a hub's message stands among those before it",
    LineKind: "what a line of a list of shares is; what is left out is shown as it stands",
    Form: "how a value of a message is written; chooses who reads it",
    Part: "what a desk is asked to make; JSON names those that were left out",
    Progress: "how far a login has come, to choose who gives way",
    Purpose: "what a REST request is for; its failure is told by the error",
    Role: "what of a print counts; a number in recorded tapes",
    Verdict: "which side of a pair leads; the ribbon writes the side's name",
    Unreadable: "what stands where a hub's last beat should; decides who publishes",
}
"""Enum → why no person ever reads it."""


def enums_of(package: ModuleType) -> set[type[Enum]]:
    """The Enum classes that modules of this package define."""
    names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    modules = [importlib.import_module(name) for name in names]
    return {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Enum) and value.__module__ == module.__name__
    }


def test_every_enum_has_english_or_never_reaches_a_person():
    defined = {each for package in (feeds, rotation, tui) for each in enums_of(package)}
    assert defined == ENGLISH.keys() | NEVER_SHOWN.keys()
    assert not ENGLISH.keys() & NEVER_SHOWN.keys()


@pytest.mark.parametrize("member", [member for each in ENGLISH for member in each], ids=str)
def test_every_member_reads_like_english(member):
    text = ENGLISH[type(member)](member)
    if member in WITHOUT_A_LINE and isinstance(member, EndReason):
        assert text == ""
        return
    assert text
    assert text.isprintable()
    assert "{" not in text
    assert "None" not in text
    assert "_" not in text or text in SHOUTED
