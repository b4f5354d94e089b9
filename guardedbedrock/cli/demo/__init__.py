"""
``guardedbedrock demo``: real calls of a real boto3 client, to a fake Bedrock on this machine.

The scenarios are case files (`scenarios`); each is played (`play`), and what happened is shown (`table`): the table claims
nothing that did not happen.
"""

from __future__ import annotations

from guardedbedrock.cli.demo.command import command

__all__ = ["command"]
