"""How the code is laid out: ``python -m bench.house`` prints one JSON line.

Python files per folder; the modules of ours that one live print executes from the socket to the cell (traced,
see ``bench.house.live_print``); package circles; pairs of duplicated blocks. ``--root DIR`` looks at another
checkout, such as that of the commit before a move.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections import Counter, defaultdict
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PRODUCT = ("feeds", "rotation", "tui")
BLOCK = 6
"""Equal lines in a row that make a duplicated block."""
SIZE = (60, 160)
"""Of the terminal, in lines and columns."""
HANG_S = 120.0
"""Only ends a trace that would hang."""


def folders(root: Path) -> dict[str, int]:
    """Folder → Python files in it, largest first; package markers are not counted."""
    files = (path for top in (*PRODUCT, "tests", "bench") for path in (root / top).rglob("*.py"))
    counted = Counter(str(path.parent.relative_to(root)) for path in files if path.name != "__init__.py")
    return dict(counted.most_common())


def circles(root: Path) -> list[list[str]]:
    """Groups of siblings inside one package that import each other in a circle, any import counted."""
    modules = {name: path for top in PRODUCT for name, path in _modules(root, root / top)}
    edges: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, path in modules.items():
        for target in _imports(path, modules):
            ours, theirs = name.split("."), target.split(".")
            depth = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), 0)
            if depth > 0:
                package = ".".join(ours[:depth])
                edges[package][".".join(ours[: depth + 1])].add(".".join(theirs[: depth + 1]))
    return sorted(group for graph in edges.values() for group in _groups(graph))


def _modules(root: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _imports(path: Path, modules: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            wanted = [f"{node.module}.{alias.name}" for alias in node.names]
            wanted = [name if name in modules else node.module for name in wanted]
        else:
            continue
        yield from (name for name in wanted if name in modules)


def _groups(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Units that reach each other."""
    reach = {unit: _reached(graph, unit) for unit in graph}
    done: set[str] = set()
    for unit, others in reach.items():
        if unit in others and unit not in done:
            group = {other for other in others if unit in reach.get(other, ())}
            done |= group
            yield sorted(group)


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        new = graph.get(ahead.pop(), set()) - seen
        seen |= new
        ahead += new
    return seen


def duplicates(root: Path) -> int:
    """Pairs of places with at least BLOCK equal lines in a row; blanks, comments and imports left out."""
    lines: list[str] = []
    for top in PRODUCT:
        for path in sorted((root / top).rglob("*.py")):
            lines += [f"# {path}", *_code(path)]
    places = defaultdict(list)
    for i in range(len(lines) - BLOCK + 1):
        block = tuple(lines[i : i + BLOCK])
        if not any(line.startswith("# ") for line in block):
            places[block].append(i)
    pairs = {pair for result in places.values() for pair in combinations(result, 2)}
    return sum((a - 1, b - 1) not in pairs for a, b in pairs)


def _code(path: Path) -> Iterator[str]:
    source = path.read_text("utf-8")
    imports = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom))
    skipped = {number for node in imports for number in range(node.lineno, (node.end_lineno or 0) + 1)}
    for number, line in enumerate(source.splitlines(), 1):
        text = " ".join(line.split())
        if text and number not in skipped and not text.startswith("#"):
            yield text


def live_print(root: Path) -> dict[str, Any]:
    """What ``bench.house.live_print`` traced in a terminal of its own. Raises RuntimeError if it failed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
    with TemporaryDirectory(prefix="rotation-house-") as home:
        out = Path(home) / "out.json"
        env = {name: text for name, text in os.environ.items() if not name.startswith(("ROTATION_", "XDG_"))}
        child = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("live_print.py"), root, out],
            cwd=root, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, start_new_session=True,
            env={**env, "HOME": home, "TERM": "xterm-256color", "PYTHONPATH": str(root)},
        )  # fmt: skip
        os.close(theirs)
        screen = Thread(target=_drained, args=(ours,), daemon=True)
        screen.start()
        try:
            _, err = child.communicate(timeout=HANG_S)
        except subprocess.TimeoutExpired:
            child.kill()
            _, err = child.communicate()
        if child.returncode or not out.exists():
            raise RuntimeError(f"the live print was not traced: {err.decode(errors='replace')[-2000:]}")
        traced: dict[str, Any] = json.loads(out.read_text("utf-8"))
        return traced


def _drained(terminal: int) -> None:
    with suppress(OSError):
        while os.read(terminal, 65_536):
            pass


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(prog="python -m bench.house", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2])
    parser.add_argument("--no-trace", action="store_true", help="leave the live print out")
    given = parser.parse_args()
    root = given.root.resolve()
    counted, circular = folders(root), circles(root)
    figures = {
        "files_in_the_fullest_folder": max(counted.values()),
        "files": counted,
        "circles": len(circular),
        "in_circles": circular,
        "duplicated_pairs": duplicates(root),
    }
    if not given.no_trace:
        figures |= live_print(root)
    print(json.dumps({"bench": "house", **figures}))


if __name__ == "__main__":
    main()
