"""A file of keys: its valid lines, and which lines were refused and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.errors import InputError
from tui.ssh.access.key_line import KeyLine, KeyLineError, parse

if TYPE_CHECKING:
    from pathlib import Path


class RefusedLine(NamedTuple):
    """A line that lets nobody in."""

    number: int
    """The first line is 1."""
    reason: str


class KeyFile(NamedTuple):
    """A file in the format of authorized_keys."""

    path: Path
    lines: tuple[KeyLine, ...]
    refused: tuple[RefusedLine, ...]


def read_keys(path: Path, option: str) -> KeyFile:
    """Read the file of this option of the command line. Raises InputError if it cannot be read."""
    lines, refused = [], []
    for number, line in numbered_lines(read_protected(path, option), path, option):
        try:
            lines.append(parse(line))
        except KeyLineError as error:
            refused.append(RefusedLine(number, str(error)))
    return KeyFile(path, tuple(lines), tuple(refused))


def read_protected(path: Path, option: str) -> bytes:
    """Return what a file holds that only its owner may write. Raises InputError."""
    try:
        mode = path.stat().st_mode & 0o777
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{option}: {path}: {error.strerror or error}") from error
    if mode & 0o022:
        raise InputError(f"{option}: {path}: writable by other users (mode {mode:o}); run: chmod 600 {path}")
    return data


def numbered_lines(data: bytes, path: Path, option: str) -> list[tuple[int, str]]:
    """Return the lines that are neither blank nor comments, with their numbers. Raises InputError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{option}: {path}: {error}") from error
    # As text files are read: a line may end with a carriage return.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    stripped = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]
