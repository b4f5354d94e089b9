"""Error responses of the control plane."""

from __future__ import annotations

from guardedbedrock.testing.wire import ServiceError


def not_found(message: str) -> ServiceError:
    """Return the error for an unknown resource."""
    return ServiceError(404, "ResourceNotFoundException", message)


def conflict(message: str) -> ServiceError:
    """Return the error for a conflict with another resource. Its status in the service model is 400."""
    return ServiceError(400, "ConflictException", message)


def too_many_tags(message: str) -> ServiceError:
    """Return the error for a resource with more tags than AWS allows."""
    return ServiceError(400, "TooManyTagsException", message)
