"""The fixtures of guarded clients."""

from harness.clients import make_harness, make_plain

__all__ = ["make_harness", "make_plain"]
