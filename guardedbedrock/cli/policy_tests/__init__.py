"""``guardedbedrock test``: run case files, and report to people, to programs and to CI."""

from guardedbedrock.cli.policy_tests.command import command

__all__ = ["command"]
