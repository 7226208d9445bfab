"""What happened, and what every surface says of it: docs/live.md's table is made of the surfaces themselves.

``python -m tests.support.surface_table`` prints it.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from rotation.market.status import Provenance
from rotation.status import DEMO, REPLAY
from tests.support.status_worlds import DAY, GAPPED, HALTED, HOLED, IEX, MIN, OFF, SLOW, H, snapshot
from tui.output.snapshot_json import encode
from tui.output.text import quotation, text
from tui.panels.registry import PANELS
from tui.screen.scene import draw_panel
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

NOTHING = {"iwm_age_s": None, "qqq_age_s": None}
BOTH_OFF = {"iwm": OFF, "qqq": OFF}
UNASKED = {"iwm": Provenance(), "qqq": Provenance()}
HAPPENINGS: dict[str, dict[str, Any]] = {
    "live": {},
    "live, of one exchange": {"iwm": IEX, "qqq": IEX},
    "of one exchange, silent for 5 minutes": {
        "iwm": IEX, "qqq": IEX, "iwm_age_s": 5 * MIN, "qqq_age_s": 5 * MIN,
    },
    "15 minutes late by design": {"iwm": SLOW, "qqq": SLOW, "iwm_age_s": 15 * MIN, "qqq_age_s": 15 * MIN},
    "the server died 53 s ago": {**BOTH_OFF, "iwm_age_s": 53.0, "qqq_age_s": 53.0},
    "the feed is silent for 5 minutes": {"iwm_age_s": 5 * MIN, "qqq_age_s": 5 * MIN},
    "a gap is being filled": {"iwm": GAPPED, "qqq": GAPPED},
    "the gap is not filled, prints come again": {"iwm": HOLED, "qqq": HOLED},
    "one leg halted for 3 h": {"iwm": HALTED, "iwm_age_s": 3 * H},
    "before the bell": {"moment": "2024-07-16 08:00", "iwm_age_s": 5 * MIN, "qqq_age_s": 5 * MIN},
    "official closes, the same evening": {"moment": "2024-07-16 18:00", "last": DAY, **NOTHING},
    "weekend": {"moment": "2024-07-20 12:00", "last": date(2024, 7, 19), **NOTHING},
    "after an outage over the closing auction": {
        "moment": "2024-07-16 16:05",
        "iwm": HOLED, "qqq": HOLED, "iwm_age_s": 5 * MIN + 1, "qqq_age_s": 5 * MIN + 1,
    },
    "next morning, last night's prints": {
        "moment": "2024-07-17 08:00", "iwm_age_s": 16 * H + 1, "qqq_age_s": 16 * H + 1,
    },
    "noon next day, last night's prints": {
        "moment": "2024-07-17 12:00", "iwm_age_s": 20 * H + 1, "qqq_age_s": 20 * H + 1,
    },
    "`--offline`, closes of yesterday": {"moment": "2024-07-17 09:31", "last": DAY, **NOTHING, **UNASKED},
    "`--offline`, closes of 98 days ago": {"moment": "2024-10-22 09:31", "last": DAY, **NOTHING, **UNASKED},
    "a split that history does not know": {"splits": {"IWM": DAY}},
    "demo": {"iwm": Provenance(DEMO, "demo"), "qqq": Provenance(DEMO, "demo")},
    "replay": {"iwm": Provenance(REPLAY, "tape"), "qqq": Provenance(REPLAY, "tape")},
}  # fmt: skip
HEADS = ("what happened", "first line, 40 columns", "first line, 80 columns", "the sentence begins",
         "`y` and SSH `headline` end", "`snapshot`, SSH `snapshot` begin",
         "JSON: `connection.kind`, `data_as_of`, `as_of`",
         "Legs: high; JSON: `range_incomplete`")  # fmt: skip


def ribbon(taken: Snapshot, width: int) -> str:
    """The ribbon's first line as it is drawn: cut at the width."""
    first = draw_panel("ribbon", taken, ViewState(), width, 3).rows[0]
    return "".join(text for text, _ in first).rstrip()


def surfaces(taken: Snapshot) -> tuple[str, ...]:
    """What each surface says, in the order of ``HEADS`` after the first."""
    shown = json.loads(encode(taken))
    return (
        ribbon(taken, 40),
        ribbon(taken, 80),
        _beginning(shown["headline"]),
        "[" + quotation(taken).rpartition(" [")[2],
        text(taken).partition("\n")[0],
        f"{shown['connection']['kind']}, {shown['data_as_of'][:19]}, {shown['as_of'][:19]}",
        f"{_high(taken)}; {str(shown['legs']['IWM']['status']['range_incomplete']).lower()}",
    )


def _high(taken: Snapshot) -> str:
    """The high of IWM as the widest Legs panel shows it."""
    head, iwm, *_ = PANELS["legs"].rows(taken, ViewState(), 200, 8)
    place = next(i for i, (text, _) in enumerate(head) if text.strip() == "high")
    return iwm[place][0].strip()


def _beginning(sentence: str) -> str:
    """The sentence as far as the name of the base leg; all of it where no figure follows."""
    head, name, figures = sentence.partition(" (IWM) ")
    return f"{head}{name}…" if figures else head


def table() -> str:
    """The lines of the table."""
    rows = [HEADS, ("---",) * len(HEADS)]
    rows += [(what, *surfaces(snapshot(**how))) for what, how in HAPPENINGS.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    print(table(), end="")
