"""
``guardedbedrock demo``: send example calls from a real boto3 client to a fake Bedrock on this machine.

`story` plays seven chapters. With ``--all``, `scenarios` reads the calls of the case files, `play` sends them, and
`listing` shows what happened.
"""

from __future__ import annotations

from guardedbedrock.cli.demo.command import command

__all__ = ["command"]
