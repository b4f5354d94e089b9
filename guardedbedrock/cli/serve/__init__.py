"""``guardedbedrock serve``: a fake Bedrock for programs in any language, with a page that shows the requests."""

from guardedbedrock.cli.serve.command import command

__all__ = ["command"]
