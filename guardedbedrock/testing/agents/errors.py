"""Error responses of ``bedrock-agent`` and ``bedrock-agent-runtime``."""

from __future__ import annotations

from guardedbedrock.testing.wire import ServiceError


def not_found(message: str) -> ServiceError:
    """Return the error for an unknown resource."""
    return ServiceError(404, "ResourceNotFoundException", message)


def conflict(message: str) -> ServiceError:
    """Return the error for a conflict with another resource. Its status is 409; in ``bedrock`` it is 400."""
    return ServiceError(409, "ConflictException", message)
