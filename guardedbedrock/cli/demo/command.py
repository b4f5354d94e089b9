"""Tell the story of the demo, or play every scenario."""

from __future__ import annotations

from guardedbedrock.cli.console import console, write_json
from guardedbedrock.cli.demo.listing import as_json, show
from guardedbedrock.cli.demo.play import isolated_environment, play
from guardedbedrock.cli.demo.scenarios import scenarios
from guardedbedrock.cli.demo.story import tell


def command(output: str, *, every: bool) -> int:
    """
    Tell the story of the demo, or play every scenario.

    Args:
        output: ``text`` or ``json``; JSON lists every scenario.
        every: Whether to play every scenario instead of the story.

    Returns:
        1 if something ended unexpectedly, else 0.
    """
    with isolated_environment():
        if output == "text" and not every:
            return 0 if tell(console()) else 1
        results = tuple(map(play, scenarios()))
    if output == "json":
        write_json(as_json(results))
    else:
        show(results, console())
    return 0 if all(result.as_expected for result in results) else 1
