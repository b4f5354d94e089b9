"""Hypothesis profiles for all tests."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

# A busy machine generates examples slowly; that is not a failure.
_PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ordinary", **_PATIENT, derandomize=True, database=None)
settings.register_profile("fuzz", **_PATIENT, print_blob=True)
settings.load_profile("fuzz" if os.environ.get("FUZZ_EXAMPLES") else "ordinary")
