"""Whether a message can be used at all: nothing of one that cannot may count, its epoch least of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.hub.wire import subjects
from feeds.hub.wire.codec import Fault, WireError, unpack_struct
from feeds.hub.wire.convert import history_rows, member_list, minutes_of, symbol_day
from feeds.hub.wire.messages import (
    BlobMessage,
    HistoryMessage,
    MembersMessage,
    MinutesMessage,
    QuoteMessage,
    StateMessage,
)
from rotation.fed.figures import Fed
from rotation.macro.figures import Macro

if TYPE_CHECKING:
    from feeds.hub.history_parts import Body
    from feeds.hub.wire.messages import Message


def checked_body(subject: str, message: Message, *, is_full: bool) -> Body | None:
    """The body unpacked, where it is packed history; None for all else.

    ``is_full``: there is no room for it. Raises WireError then, and for a message that does not fit its
    subject or cannot be used.
    """
    if is_full:
        raise WireError("more subjects than any hub has", Fault.MANY)
    if isinstance(message, QuoteMessage):
        _is_of(subject, subjects.QUOTES, message.symbol)
        symbol_day(message, None)
    elif isinstance(message, MinutesMessage):
        _is_of(subject, subjects.MINUTES, message.symbol)
        minutes_of(message)
    elif isinstance(message, HistoryMessage):
        _is_of(subject, subjects.HISTORY, message.symbol)
        return history_rows(message)
    elif isinstance(message, MembersMessage):
        if subject.rpartition(".")[0] != subjects.MEMBERS + subjects.token(message.fund):
            raise WireError("a fund on another's subject", Fault.SUBJECT)
        return member_list(message)
    elif isinstance(message, BlobMessage):
        unpack_struct(message.body, Fed if subject == subjects.FED else Macro)
    elif isinstance(message, StateMessage) and any(
        place >= len(message.states) for place in message.state_of.values()
    ):
        raise WireError("a state that is not listed", Fault.VALUE)
    return None


def _is_of(subject: str, family: str, symbol: str) -> None:
    if subject != family + subjects.token(symbol):
        raise WireError("a symbol on another's subject", Fault.SUBJECT)
