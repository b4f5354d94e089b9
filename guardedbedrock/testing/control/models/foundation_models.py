"""ListFoundationModels, GetFoundationModel, GetFoundationModelAvailability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.control.errors import not_found
from guardedbedrock.testing.resources.models import MODELS, find_family

if TYPE_CHECKING:
    from guardedbedrock.testing.wire import ApiParams

_UNRESOLVED: Final = "Could not resolve the foundation model from the provided model identifier."


class FoundationModels:
    """
    The foundation models of a region.

    Args:
        region: The region.
    """

    def __init__(self, region: str) -> None:
        self._models = {model: _details(model, name, region) for model, name in MODELS.items()}

    def list(self, params: ApiParams) -> ApiParams:
        """Return the models that match all filters of a request."""
        return {"modelSummaries": [shown for shown in self._models.values() if _matches(shown, params)]}

    def get(self, params: ApiParams) -> ApiParams:
        """
        Return one model.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404) for an unknown model.
        """
        return {"modelDetails": self._models[self._find(params["modelIdentifier"])]}

    def availability(self, params: ApiParams) -> ApiParams:
        """Return the availability of a model: every model is available."""
        return {
            "modelId": self._find(params["modelId"]),
            "agreementAvailability": {"status": "AVAILABLE"},
            "authorizationStatus": "AUTHORIZED",
            "entitlementAvailability": "AVAILABLE",
            "regionAvailability": "AVAILABLE",
        }

    def _find(self, identifier: str) -> str:
        model = str(identifier).rpartition("/")[2]
        if model not in self._models:
            raise not_found(_UNRESOLVED)
        return model


def _details(model: str, name: str, region: str) -> ApiParams:
    family = find_family(model, {})
    return {
        "modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model}",
        "modelId": model,
        "modelName": name,
        "providerName": family.provider,
        "inputModalities": list(family.inputs),
        "outputModalities": [family.output],
        "responseStreamingSupported": family.streaming,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _matches(shown: ApiParams, params: ApiParams) -> bool:
    provider: Any = params.get("byProvider")
    if provider is not None and provider.lower() not in shown["providerName"].lower():
        return False
    filters = {
        "byOutputModality": "outputModalities",
        "byInferenceType": "inferenceTypesSupported",
        "byCustomizationType": "customizationsSupported",
    }
    return all(params[name] in shown[member] for name, member in filters.items() if name in params)
