"""Two engines, one answer: the engine against the oracle over whole random policy sets."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, seed, settings
from strategies import FUZZ_EXAMPLES, Scenario, examples, scenarios

sys.path.insert(0, str(Path(__file__).parents[1] / "iam"))
