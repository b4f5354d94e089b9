"""Disable telemetry of the frameworks, and block and record connections to other machines."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any, Final

SILENT: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "DO_NOT_TRACK": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "MEM0_TELEMETRY": "False",
    "OTEL_SDK_DISABLED": "true",
}

attempts: Final[list[str]] = []
"""Hosts that code tried to connect to."""


def block_network() -> None:
    """Block every connection to another machine until the process ends."""
    os.environ.update(SILENT)
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        os.environ.pop(name, None)
    sys.addaudithook(_audit)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        _check(str(args[1][0]))
    elif event == "socket.getaddrinfo" and args[0] is not None:
        _check(args[0] if isinstance(args[0], str) else args[0].decode())


def _check(host: str) -> None:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host in ("", "localhost")
    if not loopback:
        attempts.append(host)
        raise OSError(f"{host} is not on this machine")
