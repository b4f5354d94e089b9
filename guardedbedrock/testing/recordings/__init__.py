"""Recorded exchanges: reads them from cassettes, answers from them, and records those of a fake."""

from __future__ import annotations

from guardedbedrock.testing.recordings.recorder import Recorder
from guardedbedrock.testing.recordings.replay import Replay

__all__ = ["Recorder", "Replay"]
