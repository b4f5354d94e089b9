"""``guardedbedrock test``: run case files, and report the results to people, programs and CI systems."""

from guardedbedrock.cli.policy_tests.command import command

__all__ = ["command"]
