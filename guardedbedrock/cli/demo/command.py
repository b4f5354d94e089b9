"""Plays every scenario, and shows what happened."""

from __future__ import annotations

from guardedbedrock.cli.demo.play import play, undisturbed
from guardedbedrock.cli.demo.scenarios import scenarios
from guardedbedrock.cli.demo.table import as_json, show
from guardedbedrock.cli.screen import console, write_json


def command(output: str) -> int:
    """Walk the scenarios; 1 when one did not come out as expected."""
    with undisturbed():
        steps = tuple(map(play, scenarios()))
    if output == "json":
        write_json(as_json(steps))
    else:
        show(steps, console())
    return 0 if all(step.as_expected for step in steps) else 1
