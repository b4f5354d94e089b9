"""Which clients are clients of a Bedrock service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError

from guardedbedrock.bedrock import SERVICES


def service_of(metadata: Mapping[str, Any]) -> str | None:
    """
    Name the Bedrock service of a service model, such as ``bedrock-runtime``; None for any other service.

    The folder that the model was loaded from says nothing: ``aws configure add-model`` copies a model under any name. So the
    service is identified by its service ID or by the prefix of its endpoints.

    Args:
        metadata: The metadata of botocore's model of a service.
    """
    service_id = str(metadata.get("serviceId", "")).replace(" ", "-").lower()
    names = (service_id, metadata.get("endpointPrefix"))
    return next((service for service in SERVICES if service in names), None)


def service_of_client(client: Any) -> str | None:
    """Name the Bedrock service of a client; None for any other client."""
    service_model = getattr(getattr(client, "meta", None), "service_model", None)
    return service_of(getattr(service_model, "metadata", {}))


def service_named(session: Any, service_name: str, api_version: str | None = None) -> str | None:
    """
    Name the Bedrock service that a botocore session loads under a name; None for any other service.

    A name that cannot be loaded is left to ``create_client``, which raises botocore's error.
    """
    try:
        loaded = session.get_component("data_loader").load_service_model(service_name, "service-2", api_version)
    except BotoCoreError:
        return None
    return service_of(loaded["metadata"])
