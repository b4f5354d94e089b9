"""The fixtures of guarded async clients, and the loop they run in: asyncio's, which is aiobotocore's."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

if find_spec("aiobotocore"):
    from harness.aio import make_harness, make_plain

    __all__ = ["make_harness", "make_plain"]
    collect_ignore_glob: list[str] = []
else:
    # aiobotocore holds botocore back, so these tests run in an environment of their own: `make aio`.
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run in debug mode, which tells of coroutines that nobody awaited and connections that nobody closed."""
    return "asyncio", {"debug": True}
