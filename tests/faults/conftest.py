"""The fixtures of guarded clients."""

from harness.clients import make_house, make_plain

__all__ = ["make_house", "make_plain"]
