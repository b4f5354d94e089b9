"""The service models of the installed botocore: the operations and parameters that boto3 accepts."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader
from botocore.model import ServiceModel


@cache  # keyed by the service: loading a service model takes 20 to 80 ms
def service_model(service: str) -> ServiceModel:
    """Load a service model of the installed botocore, such as ``bedrock-runtime``."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)
