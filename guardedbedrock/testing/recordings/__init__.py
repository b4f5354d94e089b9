"""Recorded exchanges: read them from cassettes, answer from them, and write those of a fake."""

from __future__ import annotations

from guardedbedrock.testing.recordings.recorder import Recorder
from guardedbedrock.testing.recordings.replay import Replay

__all__ = ["Recorder", "Replay"]
