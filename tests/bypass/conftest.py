"""The fixtures of the bypass tests."""

from harness.clients import make_harness
from harness.service_models import write_service_model

__all__ = ["make_harness", "write_service_model"]
