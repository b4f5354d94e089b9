"""Hypothesis profiles for all tests, and AWS on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine generates examples slowly; that is not a failure.
_PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ordinary", **_PATIENT, derandomize=True, database=None)
settings.register_profile("fuzz", **_PATIENT, print_blob=True)
settings.load_profile("fuzz" if os.environ.get("FUZZ_EXAMPLES") else "ordinary")


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Serve moto on a free port of loopback."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  # slow to import, and most tests do not need it

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
