"""
``guardedbedrock demo``: send example calls from a real boto3 client to a fake Bedrock on this machine.

`scenarios` reads the calls from case files, `play` sends them, and `table` shows what happened.
"""

from __future__ import annotations

from guardedbedrock.cli.demo.command import command

__all__ = ["command"]
