"""The glossary: no name is a word that stands for everything, or one that was retired."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.paths import ROOT

VAGUE = {
    "told": "the thing itself: events, message, progress",
    "said": "message, events, sentence",
    "heard": "frames, events",
    "found": "what was looked for: bars, symbols, levels",
    "one": "what it is one of: quote, bar, print",
    "there": "is_given, exists",
}
"""Names that say nothing, and what to write instead."""
RETIRED = {
    "door": "SessionFilter, QuoteFilter",
    "filler": "Backfill",
    "fedgather": "FedSources",
    "fedbook": "FedHistory",
    "guests": "AuthorizedKeys",
    "heard": "FrameResult",
    "keeper": "HistoryUpdater",
    "learned": "HistoryUpdated, updates",
    "lever": "breakeven",
    "redone": "PrintsReplaced",
    "rung": "strike",
    "said": "message",
    "standby": "DemoFallback",
    "standing": "PriceStatus",
    "told": "the thing itself",
    "trouble": "VendorError, error",
    "veil": "redact",
}
"""Words that are part of no name, and the field's own for them."""
CLASSES = {
    "Link": "Connection",
    "Clocks": "Liveness",
    "Gate": "SshConnection",
    "House": "HostState",
    "Words": "SymbolStates",
}
FOLDERS = ("rotation", "feeds", "tui", "tests", "bench")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names that a module itself gives, with their lines. A test's own name is a sentence: left out."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
                | ast.arg(arg=name)
            ):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                if not name.startswith("test_"):
                    yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                yield node.lineno, name


def advice(name: str) -> str:
    """What the glossary has instead of a name; empty where it has nothing against it."""
    bare = name.strip("_").lower()
    better = VAGUE.get(bare) or CLASSES.get(name) or RETIRED.get(bare.replace("_", ""))
    words = (word.lower() for word in _WORD.findall(name))
    return better or next((RETIRED[word] for word in words if word in RETIRED), "")


def misnamed_clients(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Places where an HTTP client is called a transport, which is what carries bytes."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.arg(arg=name, annotation=ast.Name(id=kind))
                | ast.withitem(context_expr=ast.Call(func=ast.Name(id=kind)), optional_vars=ast.Name(id=name))
                | ast.Assign(value=ast.Call(func=ast.Name(id=kind)), targets=[ast.Name(id=name)])
                | ast.FunctionDef(returns=ast.Name(id=kind), name=name)
            ) if kind in {"CachedClient", "HttpClient"} and "transport" in name:
                line = node.context_expr.lineno if isinstance(node, ast.withitem) else node.lineno
                yield line, name


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_name_is_the_glossarys(folder):
    wrong = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_bytes())
        wrong += [
            f"{path.relative_to(ROOT)}:{line}: {name}: better {better}"
            for line, name in named(tree)
            if (better := advice(name))
        ]
        wrong += [
            f"{path.relative_to(ROOT)}:{line}: {name}: better http" for line, name in misnamed_clients(tree)
        ]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    "source",
    [
        "told = 1",
        "def f(one): ...",
        "[found for found in ()]",
        "class Told: ...",
        "self._heard = 1",
        "def keeper_of(x): ...",
        "class StreamDoor: ...",
        "class FedBook: ...",
        "import json as said",
        "try: ...\nexcept ValueError as trouble: ...",
        "def f(transport: CachedClient): ...",
        "with CachedClient() as transport: ...",
        "transport = HttpClient()",
    ],
)
def test_what_the_glossary_forbids_is_noticed(source):
    tree = ast.parse(source)
    assert [name for _, name in named(tree) if advice(name)] or list(misnamed_clients(tree))


@pytest.mark.parametrize(
    "source",
    [
        "at_least_one_cut = 1",
        "HOST_NOT_FOUND = 1",
        "def test_what_one_told(): ...",
        "def f(transport: Transport): ...",
    ],
)
def test_what_says_what_it_is_passes(source):
    tree = ast.parse(source)
    assert not [name for _, name in named(tree) if advice(name)]
    assert not list(misnamed_clients(tree))
