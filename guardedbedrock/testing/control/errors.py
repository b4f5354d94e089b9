"""The errors of the control plane."""

from __future__ import annotations

from guardedbedrock.testing.wire import ServiceError


def missing(message: str) -> ServiceError:
    """Make the error for a resource that is not there."""
    return ServiceError(404, "ResourceNotFoundException", message)


def conflict(message: str) -> ServiceError:
    """Make the error for what another resource stands in the way of; its status is 400 in the service model."""
    return ServiceError(400, "ConflictException", message)


def too_many_tags(message: str) -> ServiceError:
    """Make the error for a resource that would have more tags than AWS allows."""
    return ServiceError(400, "TooManyTagsException", message)
