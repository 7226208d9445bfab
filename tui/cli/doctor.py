"""``rotation-tui doctor``: what works here, what does not, and what to do about it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click
import msgspec

from tui.cli.options import backend, start_log

if TYPE_CHECKING:
    from rotation.findings import Finding


EXAMPLES = """\b
Examples:
  rotation-tui doctor --stream
  rotation-tui doctor --format json | jq '.findings[] | .todo'
"""


@click.command(epilog=EXAMPLES)
@click.option("--stream", is_flag=True, help="Count real trades from Coinbase too, for five seconds.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def doctor(ctx: click.Context, /, *, stream: bool, form: str) -> None:
    """Look over this installation: ok, warn or fail, and what to do about it.

    Ends with 0 if nothing failed, with 1 otherwise. Keys are neither sent nor shown.
    """
    from tui.cli import logs  # noqa: PLC0415
    from tui.cli.terminal_check import terminal  # noqa: PLC0415 - brings rich

    start_log(ctx)
    findings = [*terminal(), *backend(ctx).examine(stream=stream)]
    works = all(found.state != "fail" for found in findings)
    if form == "json":
        click.echo(logs.redact(msgspec.json.encode({"works": works, "findings": findings}).decode()))
    else:
        for line in _lines(findings):
            click.echo(_fit(logs.redact(line)))
    ctx.exit(0 if works else 1)


def _lines(findings: list[Finding]) -> list[str]:
    lines, area = [], ""
    for found in findings:
        if found.area != area:
            lines += ["", found.area] if area else [found.area]
            area = found.area
        todo = f" → {found.todo}" if found.todo else ""
        lines.append(f"  {found.state:<5}{found.name}: {found.said}{todo}")
    counts = {state: sum(found.state == state for found in findings) for state in ("ok", "warn", "fail")}
    return [*lines, "", ", ".join(f"{count} {state}" for state, count in counts.items())]


def _fit(line: str) -> str:
    """Folded to the window, where somebody reads it in one; a file or a pipe gets it whole."""
    if not sys.stdout.isatty():
        return line
    return textwrap.fill(line, shutil.get_terminal_size().columns - 1, subsequent_indent=" " * 7) or line
