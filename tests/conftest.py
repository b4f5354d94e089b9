"""What all tests share: how hypothesis runs."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A busy machine is slow at making examples, which is no fault of theirs.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ordinary", **_PATIENT, derandomize=True, database=None)
settings.register_profile("fuzz", **_PATIENT, print_blob=True)
settings.load_profile("fuzz" if os.environ.get("FUZZ_EXAMPLES") else "ordinary")
