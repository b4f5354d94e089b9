"""A group of commands that suggests the command which a misspelt name means."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from guardedbedrock._nearest import suggest


class CommandGroup(TyperGroup):
    """A group that reports an unknown command as the other parts of this library report unknown names."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command of the arguments."""
        name = args[0]
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"`{name}` is not a command of `{ctx.command_path}`; {suggest(name, self.commands, 'commands')}")
        return super().resolve_command(ctx, args)
