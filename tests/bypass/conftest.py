"""The fixtures of whoever tries to get past the guard."""

from harness.clients import make_house

__all__ = ["make_house"]
