"""Every error that the file can have, once: which they are is read from the code, so a new one fails here."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from tui import settings
from tui.settings.file import ConfigError, read
from tui.view import keymap

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

OTHERS = {"added", "imported"}
"""Of the settings' modules those that write the file, or read lists: tests/tui/settings/test_lists.py."""
NAMES = [each.name for each in pkgutil.iter_modules(settings.__path__) if each.name not in OTHERS]
CHECKED: tuple[ModuleType, ...] = (keymap, *(import_module(f"tui.settings.{name}") for name in NAMES))
"""The modules that read the file; what they raise is what can be wrong with it."""
FOLDER = None
"""Instead of a text: a folder of that name."""
TARGET = '[targets.phone]\nkind = "json"\n'
COMMAND = '[targets.phone]\nkind = "command"\n'
WHEN = '[[alerts]]\nwhen = "on_pace"\n'
ERRORS: list[tuple[str | bytes | None, str]] = [
    # the file
    (FOLDER, ": cannot be read: Is a directory"),
    ("#" * 1_000_001, ": larger than 1 MB; this is not a configuration file"),
    (b"[desk]\n# caf\xe9\n", ", line 2: not UTF-8; save the file as UTF-8"),
    ("[desk\n", ": not valid TOML: "),
    ("[desk]\nlegz = 1\n", ", line 2: unknown key 'legz' in [desk]; did you mean 'legs'?"),
    ("desk = 1\n", ", line 1: desk is a table; write [desk]"),
    ("[dsk]\n", ", line 1: unknown table [dsk]; did you mean 'desk'?"),
    ("theme = 'paper'\n", ", line 1: unknown key 'theme' outside of a table; it belongs under [screen]"),
    ("[screen]\nwindow = 7\n", ", line 2: screen.window: expected one of 1, 5, 20, 60, 252, got 7"),
    ("[screen]\nwindow = 'x'\n", ", line 2: screen.window: expected one of 1, 5, 20, 60, 252, got 'x'"),
    # keys
    ("[keys]\npreset = 5\n", ", line 2: keys.preset: expected one of qwerty, qwertz, azerty, got 5"),
    ("[keys]\npauze = 'x'\n", ", line 2: unknown action 'pauze' in [keys]; did you mean 'pause'?"),
    ("[keys]\npause = 5\n", ', line 2: keys.pause: expected a key, a list of keys, or "none", got 5'),
    ("[keys]\npause = 'q'\n", ", line 2: keys.pause: key 'q' is bound to both "),
    ("[keys]\npause = 'hyper'\n", ", line 2: keys.pause: 'hyper' is not a key; write one character"),
    ("[keys]\npause = 'ctrl+c'\n", ", line 2: keys.pause: ctrl+c always quits"),
    ("[keys]\nfocus = ['a', 'a']\n", ", line 2: keys.focus: key 'a' is in the list twice: each key has its"),
    (f"[keys]\nfocus = {[*'ABDFHIJKLM']}\n", ", line 2: keys.focus: expected at most 9 keys, one for each"),
    # values
    ("[desk]\nbenchmark = '..'\n", ", line 2: desk.benchmark: '..' is not a valid symbol"),
    ("[desk]\npair = 'IWM'\n", ", line 2: desk.pair: expected two different symbols"),
    ("[desk]\nlegs = 5\n", ", line 2: desk.legs: expected a list of symbols"),
    (f"[desk]\npairs = {[f'A{n}/B' for n in range(9)]}\n", ", line 2: desk.pairs: at most 8 more pairs; 9"),
    (f"[desk]\nlegs = {[f'A{n}' for n in range(17)]}\n", ", line 2: desk.legs: at most 16 legs fit on a"),
    ("[desk]\nreturns = 5\n", ", line 2: desk.returns: expected one of price, total, got 5"),
    ("[feeds]\noffline = 1\n", ", line 2: feeds.offline: expected true or false, got 1"),
    ("[desk]\nleg_gap_s = inf\n", ", line 2: desk.leg_gap_s: expected a number of seconds, 0 or more"),
    ("[limits]\nstale_s = 901\n", ", line 2: limits.stale_s: expected a number of seconds from 1 to 900"),
    ("[notify]\nto = [5]\n", ', line 2: notify.to: expected a list such as ["bell", "desktop"], got [5]'),
    ("[market]\nclosures = 5\n", ", line 2: market.closures: expected a list of dates"),
    ("[market]\nclosures = ['x']\n", ", line 2: market.closures: 'x' is not a date; write days like"),
    ("[feeds]\nfeed = []\n", ", line 2: feeds.feed: expected one of auto, yahoo"),
    ("[feeds]\nfeed = ['demo', 'yahoo']\n", ", line 2: feeds.feed: demo comes last in the list"),
    ("[feeds]\nfeed = 'demo'\n", ", line 2: feeds.feed: demo stands at the end of a list"),
    ("[feeds]\nfeed = ['yahoo', 'auto']\n", ", line 2: feeds.feed: auto stands alone, not in a list"),
    ("[feeds]\nfeed = 'x'\n", ", line 2: feeds.feed: expected one of auto, yahoo"),
    ("[export]\nfolder = 5\n", ", line 2: export.folder: expected the name of a folder, got 5"),
    ("[feeds]\nnats = 'a b'\n", ", line 2: feeds.nats: expected an address such as nats://127.0.0.1:4222"),
    ("[desk]\nwindows = [0]\n", ", line 2: desk.windows: 0 is not a number of sessions from 1 to 1,260"),
    (f"[desk]\nwindows = {[*range(1, 10)]}\n", ", line 2: desk.windows: at most 8 windows; 9 are listed"),
    ("[desk]\nwindows = []\n", ", line 2: desk.windows: expected a list of sessions"),
    # panels
    ("[panels]\nwide = 5\n", ", line 2: panels.wide: expected a list of panels"),
    ("[panels]\nwide = ['leg']\n", ", line 2: panels.wide: unknown panel 'leg'; did you mean 'legs'?"),
    ("[panels]\nwide = ['fed', 'fed']\n", ", line 2: panels.wide: fed is in it twice"),
    ("[panels]\nnarrow = [['fed'], ['legs']]\n", ", line 2: panels.narrow: at most 1 column; 2 are listed"),
    # groups and watch lists
    ("groups = 5\n", ", line 1: groups is a table; write [groups]"),
    ('[groups]\n"a/b" = ["KRE"]\n', "'a/b' cannot be the name of a list"),
    ('[groups]\na = ["KRE"]\n[watchlists]\na = ["KRE"]\n', ", line 4: 'a' is the name of a group and of a"),
    ("[groups]\n" + "".join(f'a{n} = ["KRE"]\n' for n in range(21)), ", line 1: at most 20 groups and watch"),
    (f"[watchlists]\na = {[f'A{n}' for n in range(101)]}\n", ", line 1: at most 100 symbols in all groups"),
    ("[groups]\na = 5\n", ", line 2: groups.a: expected a list of symbols"),
    ("[groups]\na = [5]\n", ", line 2: groups.a: 5 is not a valid symbol"),
    # more pairs
    ("pairs = 5\n", ", line 1: write [[pairs]] for each pair"),
    ("[[pairs]]\npair = 'A/B'\n[[pairs]]\npair = 'A/B'\n", ", line 4: pairs.pair: A/B is in two [[pairs]]"),
    ("".join(f"[[pairs]]\npair = 'A{n}/B'\n" for n in range(9)), ", line 1: at most 8 more pairs; 9 are"),
    ("[[pairs]]\nname = 'x'\n", ", line 1: pairs.pair: expected two symbols"),
    ("[[pairs]]\npair = 'A'\n", ", line 2: pairs.pair: expected two different symbols"),
    ("[[pairs]]\npair = 'A/B'\nname = '!'\n", ", line 3: pairs.name: expected 1 to 40 letters"),
    # universes
    ("universes = 5\n", ", line 1: write [universes.NAME] for each universe"),
    ("".join(f"[universes.u{n}]\n" for n in range(9)), ", line 9: at most 8 universes; 9 are listed"),
    ("[universes.a-b]\n", ", line 1: 'a-b' cannot be the name of a universe"),
    ("[universes]\na = 5\n", ", line 2: universes.a is a table; write [universes.a]"),
    ("[universes.a]\nholdings = 'x'\n[universes.A]\nholdings = 'x'\n", ", line 3: 'A' and 'a' are one name"),
    ("[universes.a]\n", ", line 1: universes.a.holdings: expected the path of a file"),
    ("[universes.a]\nholdings = '~nobody-here/x'\n", ", line 2: universes.a.holdings: Could not determine"),
    ("[universes.a]\nholdings = 'x'\nindex = 5\n", ", line 3: universes.a.index: 5 is not a valid symbol"),
    ("[universes.a]\nholdings = 'x'\ndate = 5\n", ", line 3: universes.a.date: expected a day, such as"),
    ("[universes.a]\nholdings = 'x'\nweights = ''\n", ", line 3: universes.a.weights: expected the heading"),
    # values of a table
    (f"{WHEN}wen = 1\n", ", line 3: unknown key 'wen'; did you mean 'when'?"),
    ("[[alerts]]\nwhen = 5\n", ", line 2: alerts.when: expected text, got 5"),
    (f"{WHEN}to = 5\n", ", line 3: alerts.to: expected a list of texts, got 5"),
    (f"{WHEN}repeat = 5\n", ", line 3: alerts.repeat: expected one of session, crossing, once, got 5"),
    (f"{WHEN}any_hour = 5\n", ", line 3: alerts.any_hour: expected true or false, got 5"),
    (f"{TARGET}timeout_s = 121\n", ", line 3: targets.phone.timeout_s: expected a number, 0 to 120, got 121"),
    # alerts and targets
    ("targets = 5\n", ", line 1: write [targets.NAME] for each target"),
    ("".join(f"[targets.t{n}]\nkind = 'json'\n" for n in range(21)), "at most 20 targets; 21 are listed"),
    ("alerts = 5\n", ", line 1: write [[alerts]] for each alert"),
    ("[[alerts]]\nwhen = 'on_pace'\n" * 101, ", line 1: at most 100 alerts; 101 are listed"),
    (WHEN * 2, ", line 4: alerts.when: 'on_pace' is the name of two alerts"),
    (f"{WHEN}name = '!'\n", ", line 3: alerts.name: expected 1 to 60 letters, digits and spaces, got '!'"),
    (f"{WHEN}status = []\n", ", line 3: alerts.status: expected a list of LIVE"),
    ("[targets.bell]\n", ", line 1: 'bell' cannot be the name of a target"),
    ("[targets]\nphone = 5\n", ", line 2: targets.phone is a table; write [targets.phone]"),
    (f"{COMMAND}url = 'x'\n", ", line 3: targets.phone.url: a command has no address"),
    (f"{TARGET}command = ['x']\n", ', line 3: targets.phone.command: only kind = "command" has one'),
    (f"{COMMAND}command = []\n", ", line 3: targets.phone.command: expected the program and its arguments"),
    (f"{TARGET}url = 'x'\n", ", line 3: targets.phone.url: expected an address that begins with https://"),
    (f"{TARGET}url = 'http://example.com'\n", ", line 3: targets.phone.url: http:// is for this machine"),
    ("[notify]\nto = ['fax']\n", ", line 2: 'fax' is not a target; known: bell"),
    ("[[alerts]]\nwhen = ' '\n", ", line 2: alerts.when: expected a condition"),
    ("[[alerts]]\nwhen = 'spread.6.pq > 1'\n", ", line 2: alerts.when: condition, column 1: unknown figure"),
    ("[[alerts]]\nwhen = 'on_pace and'\n", ", line 2: alerts.when: condition, column 12: expected a figure"),
]

Place = tuple[str, int]
"""A module of the program and the line of a ``raise`` in it."""


def raises_of(module: ModuleType) -> dict[Place, range]:
    """Each ``raise`` of an error, and the lines that it takes; not those that pass one on."""
    tree = ast.parse(inspect.getsource(module))
    raises = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
    return {
        (module.__name__, node.lineno): range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for node in raises
    }


def raised(error: BaseException | None) -> set[Place]:
    """The statements that an error has come through, those of its causes too."""
    places: set[Place] = set()
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            name = trace.tb_frame.f_globals.get("__name__", "")
            places |= {
                place for place, lines in ALL_RAISES.items() if place[0] == name and trace.tb_lineno in lines
            }
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return places


ALL_RAISES = {place: lines for module in CHECKED for place, lines in raises_of(module).items()}


def error_of(folder: Path, content: str | bytes | None) -> ConfigError:
    """What is said of a file with this in it."""
    path = folder / "config.toml"
    if content is FOLDER:
        path.mkdir()
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        read(path).check_windows()
    return caught.value


@pytest.mark.parametrize(("content", "says"), ERRORS, ids=[says[:60] for _, says in ERRORS])
def test_an_error_says_where_it_is_and_what_is_allowed(content, says, tmp_path) -> None:
    message = str(error_of(tmp_path, content))
    assert says in message
    assert message.startswith(str(tmp_path / "config.toml"))
    assert "\n" not in message


def test_every_error_of_the_code_is_here(tmp_path) -> None:
    seen: set[Place] = set()
    for number, (content, _) in enumerate(ERRORS):
        folder = tmp_path / str(number)
        folder.mkdir()
        seen |= raised(error_of(folder, content))
    missing = sorted(ALL_RAISES.keys() - seen)
    assert missing == [], "no file above leads to these"
