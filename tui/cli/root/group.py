"""The group of all commands: reads the person's file, and imports a command when it is named."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from tui.cli.options import CONFIG
from tui.cli.root.commands import COMMANDS
from tui.settings.place import load, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from click.shell_completion import CompletionItem


WITHOUT_FILE = frozenset({"config", "-h", "--help", "--version"})
"""First words of what works with a broken ``config.toml`` too: how else could it be fixed?"""

SENTENCE = 200
"""Characters of a command's first sentence, at most."""


class Listed(click.Group):
    """A group that lists its commands with the whole first sentence of each; click would cut it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        named = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(SENTENCE)) for name, each in named if each and not each.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Commands(Listed):
    """Ends quietly when the reader of our output has gone; click alone would report a failure."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the command line over what the person's file sets. Raises InputError for a bad file."""
        _offer_own_themes()
        config = None if args[:1] and args[0] in WITHOUT_FILE else load()
        if config is not None:
            extra["default_map"] = self._defaults(config.values)
        ctx = super().make_context(info_name, args, parent, **extra)
        if config is not None:
            ctx.meta[CONFIG] = config
        return ctx

    def _defaults(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """For every command the values of the options that it shares with the file."""
        from tui.settings.schema import BY_NAME  # noqa: PLC0415 - a run without a file does without it

        options = {BY_NAME[name].option: value for name, value in values.items() if BY_NAME[name].option}
        # ``history`` is a command and an option of the others.
        names = [name for name in self.list_commands(click.Context(self)) if name != "history"]
        # A command of a group gets its group's defaults by its own name.
        alerts = {**options, "watch": options, "test": options}
        return options | dict.fromkeys(names, options) | {"alerts": alerts}

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Python would complain once more when it flushes stdout at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted([*super().list_commands(ctx), *COMMANDS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; its module is imported only now, so that the screen does not pay for it."""
        if cmd_name in COMMANDS:
            command: click.Command = getattr(import_module(COMMANDS[cmd_name].module), cmd_name)
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; none is imported for a sentence on it."""
        Listed(commands=self._listed()).format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin so; no command is imported for a sentence on it."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - imported by click's own

        named = [
            CompletionItem(name, help=command.get_short_help_str())
            for name, command in sorted(self._listed().items())
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def _listed(self) -> dict[str, click.Command]:
        """By name, what stands for each command where only its name and sentence are shown."""
        late = {name: click.Command(name, help=place.says) for name, place in COMMANDS.items()}
        return {**self.commands, **late}


def _offer_own_themes() -> None:
    """Those in the folder ``themes`` beside the configuration file."""
    folder = place().parent / "themes"
    if folder.is_dir():
        from tui.view import theme  # noqa: PLC0415 - brings rich, which most commands do without

        theme.use_folder(folder)
