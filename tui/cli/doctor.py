"""``rotation-tui doctor``: what works, what does not, and what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from rotation.errors import InputError
from tui.cli.options import backend, config_of, start_log
from tui.settings import values

if TYPE_CHECKING:
    from rotation.findings import Finding


EXAMPLES = """\b
Examples:
  rotation-tui doctor --stream
  rotation-tui doctor --capture report.jsonl.gz --seconds 30
  rotation-tui doctor --format json | jq '.findings[] | .todo'
"""


@click.command(epilog=EXAMPLES)
@click.option("--stream", is_flag=True, help="Also count live trades from Coinbase for five seconds.")
@click.option(
    "--capture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Instead of the checks, write what every configured live source sends to a new file, without keys,"
    " tokens, account numbers or cookies, to attach to a report (.gz compresses). Stop other desks first:"
    " brokers allow one connection per key.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 600),
    default=60,
    show_default=True,
    help="With --capture: how long to listen.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def doctor(ctx: click.Context, /, *, stream: bool, capture: Path | None, seconds: float, form: str) -> None:
    """Check this installation and say what to do about problems.

    Exits with 0 if nothing failed, else with 1. Keys are neither sent nor shown.
    """
    from tui.cli import logs  # noqa: PLC0415
    from tui.cli.terminal_check import terminal  # noqa: PLC0415 - brings rich

    start_log(ctx)
    if capture is not None:
        for line in backend(ctx).capture(capture, seconds):
            click.echo(_fit(logs.redact(line)))
        return
    findings = [*terminal(), *backend(ctx).examine(stream=stream, feed=_feed(ctx))]
    works = all(finding.state != "fail" for finding in findings)
    if form == "json":
        click.echo(logs.redact(msgspec.json.encode({"works": works, "findings": findings}).decode()))
    else:
        for line in _lines(findings):
            click.echo(_fit(logs.redact(line)))
    ctx.exit(0 if works else 1)


def _feed(ctx: click.Context) -> str:
    """The feeds in force: of the environment, else of the file. Raises InputError."""
    config = config_of(ctx)
    given = os.environ.get("ROTATION_TUI_FEED") or (config.values.get("feeds.feed") if config else None)
    try:
        return values.feed(given or "auto")
    except ValueError as error:
        raise InputError(f"ROTATION_TUI_FEED: {error}") from error


def _lines(findings: list[Finding]) -> list[str]:
    lines, area = [], ""
    for finding in findings:
        if finding.area != area:
            lines += ["", finding.area] if area else [finding.area]
            area = finding.area
        todo = f" → {finding.todo}" if finding.todo else ""
        lines.append(f"  {finding.state:<5}{finding.name}: {finding.message}{todo}")
    counts = {state: sum(finding.state == state for finding in findings) for state in ("ok", "warn", "fail")}
    return [*lines, "", ", ".join(f"{count} {state}" for state, count in counts.items())]


def _fit(line: str) -> str:
    """Wrap a line to the width of the terminal; a file or a pipe gets it whole."""
    if not sys.stdout.isatty():
        return line
    return textwrap.fill(line, shutil.get_terminal_size().columns - 1, subsequent_indent=" " * 7) or line
