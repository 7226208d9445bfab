"""Where a secret may have got to: the process list and files."""

from __future__ import annotations

from pathlib import Path


def process_list() -> str:
    """The command lines of all processes."""
    texts = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts.append(path.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue  # it has ended meanwhile
    return "\n".join(texts)


def files_with(folder: Path, text: str) -> list[str]:
    """The files below a folder that hold this text, relative to it."""
    held = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in held if text.encode() in path.read_bytes())
