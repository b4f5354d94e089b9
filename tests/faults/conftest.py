"""The fixtures of guarded clients."""

from aws.rig import make_house, make_plain

__all__ = ["make_house", "make_plain"]
