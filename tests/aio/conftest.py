"""The fixtures of guarded async clients, and their event loop: asyncio's, which aiobotocore needs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

if find_spec("aiobotocore"):
    from harness.aio import make_harness, make_plain
    from harness.service_models import write_service_model

    __all__ = ["make_harness", "make_plain", "write_service_model"]
    collect_ignore_glob: list[str] = []
else:
    # aiobotocore needs an older botocore, so `make aio` runs these tests in a separate environment.
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run in debug mode, which reports coroutines that were not awaited and connections that were not closed."""
    return "asyncio", {"debug": True}
