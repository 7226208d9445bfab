"""``[panels]`` of the configuration file, checked: which panels share the screen, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.text import counted
from tui.settings.values import shown
from tui.view.places import PanelLists
from tui.view.view_state import PANELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.view.places import Columns

TABLE = "panels"
COLUMNS_MAX = 2
A_COLUMN = '["legs", "spread"]'
TWO_COLUMNS = '[["legs", "spread", "ratio"], ["fed", "health"]]'


def side_by_side(value: object) -> Columns:
    """Return one column of panels from top to bottom, or two side by side. Raises ValueError."""
    return _columns(value, COLUMNS_MAX, f"{A_COLUMN}, or two columns: {TWO_COLUMNS}")


def one_column(value: object) -> Columns:
    """Return one column of panels from top to bottom. Raises ValueError."""
    return _columns(value, 1, A_COLUMN)


def panels_of(values: Mapping[str, Any]) -> PanelLists:
    """The panels that a file's settings choose."""
    return PanelLists(**{width: values.get(f"{TABLE}.{width}", ()) for width in PanelLists.__struct_fields__})


def _columns(value: object, columns_max: int, example: str) -> Columns:
    given = value if isinstance(value, list) else []
    columns = given if given and all(isinstance(each, list) for each in given) else [given]
    named = [name for column in columns for name in column]
    if not all(columns) or not all(isinstance(name, str) for name in named):
        raise ValueError(f"expected a list of panels, such as {example}, got {shown(value)}")
    for name in named:
        if name not in PANELS:
            from difflib import get_close_matches  # noqa: PLC0415 - for what is misspelt

            close = get_close_matches(name, PANELS, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(PANELS)}"
            raise ValueError(f"unknown panel {shown(name)}; {hint}")
        if named.count(name) > 1:
            raise ValueError(f"{name} is in it twice")
    if len(columns) > columns_max:
        raise ValueError(f"at most {counted(columns_max, 'column')}; {len(columns)} are listed")
    return tuple(map(tuple, columns))
