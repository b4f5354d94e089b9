"""``guardedbedrock serve``: the fake Bedrock for programs in any language, and a page that shows what arrives."""

from guardedbedrock.cli.serve.command import command

__all__ = ["command"]
