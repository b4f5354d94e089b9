"""
Read guardrails, their resource-based policies, enforced guardrails and inference profiles, Region by Region.

Source: Amazon Bedrock API Reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from guardedbedrock.aws.sources.calls import SourceCalls, pages, unless_deleted
from guardedbedrock.iam.account.documents import read_document


class BedrockReader:
    """
    Reads what Bedrock has in some Regions.

    Args:
        calls: Calls AWS and collects gaps.
    """

    def __init__(self, calls: SourceCalls) -> None:
        self._calls = calls

    def read(self, regions: Sequence[str]) -> dict[str, Any]:
        """Return the sections ``guardrails``, ``resource_policies``, ``enforced_guardrails`` and ``inference_profiles``."""
        guardrails = self.guardrails(regions)
        enforced: list[dict[str, Any]] = []
        profiles: list[dict[str, Any]] = []
        for region in regions:
            attempt = self._calls.attempt
            list_enforced, list_profiles = partial(self._enforced, region), partial(self._profiles, region)
            api = "bedrock:ListEnforcedGuardrailsConfiguration"
            enforced += attempt("enforced_guardrails", api, list_enforced, region=region) or []
            profiles += attempt("inference_profiles", "bedrock:ListInferenceProfiles", list_profiles, region=region) or []
        return {
            "guardrails": guardrails,
            "resource_policies": self._resource_policies(guardrails),
            "enforced_guardrails": enforced,
            "inference_profiles": profiles,
        }

    def guardrails(self, regions: Sequence[str]) -> list[dict[str, Any]]:
        """Return the section ``guardrails``."""
        attempt, api = self._calls.attempt, "bedrock:ListGuardrails"
        found = (attempt("guardrails", api, partial(self._guardrails, region), region=region) for region in regions)
        return [guardrail for of_region in found for guardrail in of_region or ()]

    def _guardrails(self, region: str) -> list[dict[str, Any]]:
        bedrock = self._calls.client("bedrock", region)
        listed = pages(bedrock.list_guardrails, "guardrails")
        found = [unless_deleted(partial(self._guardrail, bedrock, region, summary)) for summary in listed]
        return [guardrail for guardrail in found if guardrail is not None]

    def _guardrail(self, bedrock: Any, region: str, summary: Mapping[str, Any]) -> dict[str, Any]:
        arn = summary["arn"]
        versions = list(pages(bedrock.list_guardrails, "guardrails", guardrailIdentifier=summary["id"]))
        tags = self._calls.attempt(
            "tags", "bedrock:ListTagsForResource", lambda: bedrock.list_tags_for_resource(resourceARN=arn), resource=arn
        )
        return {
            "arn": arn,
            "id": summary["id"],
            "name": summary["name"],
            "region": region,
            "status": summary["status"],
            "version": summary["version"],
            "versions": [{"version": one["version"], "status": one["status"]} for one in versions],
            "tags": None if tags is None else {tag["key"]: tag["value"] for tag in tags.get("tags", ())},
            "profile": (summary.get("crossRegionDetails") or {}).get("guardrailProfileArn"),
        }

    def _enforced(self, region: str) -> list[dict[str, Any]]:
        listed = pages(self._calls.client("bedrock", region).list_enforced_guardrails_configuration, "guardrailsConfig")
        names = {"guardrailArn": "arn", "guardrailVersion": "version", "configId": "id", "owner": "origin"}
        models = {"includedModels": "included_models", "excludedModels": "excluded_models"}
        return [
            {
                "region": region,
                **{new: one[old] for old, new in names.items() if old in one},
                **{new: one["modelEnforcement"][old] for old, new in models.items() if "modelEnforcement" in one},
            }
            for one in listed
        ]

    def _profiles(self, region: str) -> list[dict[str, Any]]:
        list_profiles = self._calls.client("bedrock", region).list_inference_profiles
        return [
            {
                "arn": one["inferenceProfileArn"],
                "id": one["inferenceProfileId"],
                "region": region,
                "status": one["status"],
                "type": one["type"],
                "models": [model["modelArn"] for model in one["models"]],
            }
            for kind in ("SYSTEM_DEFINED", "APPLICATION")
            for one in pages(list_profiles, "inferenceProfileSummaries", typeEquals=kind)
        ]

    def _resource_policies(self, guardrails: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        found = {}
        for guardrail in guardrails:
            arn, get = guardrail["arn"], self._calls.client("bedrock", guardrail["region"]).get_resource_policy
            answer = self._calls.attempt("resource", "bedrock:GetResourcePolicy", partial(get, resourceArn=arn), resource=arn)
            policy = (answer or {}).get("resourcePolicy")
            if policy:
                found[arn] = read_document(policy, name=f"resource-based policy of {arn}")
        return found
