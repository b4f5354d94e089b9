"""Play every scenario and print the results."""

from __future__ import annotations

from guardedbedrock.cli.console import console, write_json
from guardedbedrock.cli.demo.play import isolated_environment, play
from guardedbedrock.cli.demo.scenarios import scenarios
from guardedbedrock.cli.demo.table import as_json, show


def command(output: str) -> int:
    """
    Play every scenario and print the results.

    Returns:
        1 if a scenario ended unexpectedly, else 0.
    """
    with isolated_environment():
        results = tuple(map(play, scenarios()))
    if output == "json":
        write_json(as_json(results))
    else:
        show(results, console())
    return 0 if all(result.as_expected for result in results) else 1
