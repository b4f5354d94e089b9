"""The fixtures of whoever tries to get past the guard."""

from harness.clients import make_harness

__all__ = ["make_harness"]
