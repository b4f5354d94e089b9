"""Inference profiles over the control plane of the fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing import FakeInferenceProfile

if TYPE_CHECKING:
    from collections.abc import Callable

    Manage: TypeAlias = Callable[..., tuple[Any, Any, Any]]

ACCOUNT = "arn:aws:bedrock:us-east-1:123456789012"
ID = "us.anthropic.claude-3-haiku-20240307-v1:0"
SYSTEM_ARN = f"{ACCOUNT}:inference-profile/{ID}"
MODELS = tuple(f"arn:aws:bedrock:{region}::foundation-model/{ID.removeprefix('us.')}" for region in ("us-east-1", "us-west-2"))
SYSTEM = FakeInferenceProfile(ID, MODELS)
MINE = FakeInferenceProfile("abcdefghijkl", MODELS[:1], "hr bot", "APPLICATION", {"team": "hr"})
MINE_ARN = f"{ACCOUNT}:application-inference-profile/abcdefghijkl"


def _models(profile: dict[str, Any]) -> tuple[str, ...]:
    return tuple(model["modelArn"] for model in profile["models"])


SYSTEM_SHOWN = (SYSTEM_ARN, ID, "us anthropic claude 3 haiku 20240307 v1 0", "SYSTEM_DEFINED", "ACTIVE", MODELS)
MINE_SHOWN = (MINE_ARN, "abcdefghijkl", "hr bot", "APPLICATION", "ACTIVE", MODELS[:1])
SHOWN = {ID: SYSTEM_SHOWN, SYSTEM_ARN: SYSTEM_SHOWN, "abcdefghijkl": MINE_SHOWN, MINE_ARN: MINE_SHOWN}
MEMBERS = ("inferenceProfileArn", "inferenceProfileId", "inferenceProfileName", "type", "status")


@pytest.mark.parametrize(("identifier", "shown"), SHOWN.items())
def test_a_configured_profile_is_returned(manage: Manage, identifier: str, shown: tuple[Any, ...]) -> None:
    """GetInferenceProfile accepts an ID or an ARN, and returns kind, models and status."""
    _, control, _ = manage(inference_profiles=[SYSTEM, MINE])

    found = control.get_inference_profile(inferenceProfileIdentifier=identifier)

    assert (*(found[name] for name in MEMBERS), _models(found)) == shown


@pytest.mark.parametrize(
    ("asked", "arns"),
    [({}, [SYSTEM_ARN, MINE_ARN]), ({"typeEquals": "SYSTEM_DEFINED"}, [SYSTEM_ARN]), ({"typeEquals": "APPLICATION"}, [MINE_ARN])],
)
def test_profiles_are_listed_by_kind_and_page(manage: Manage, asked: dict[str, str], arns: list[str]) -> None:
    """The paginator of boto3 sees every profile of the kind once."""
    _, control, _ = manage(inference_profiles=[SYSTEM, MINE])

    pages = control.get_paginator("list_inference_profiles").paginate(**asked, PaginationConfig={"PageSize": 1})

    assert [one["inferenceProfileArn"] for page in pages for one in page["inferenceProfileSummaries"]] == arns


@pytest.mark.parametrize(("source", "models"), [(MODELS[0], MODELS[:1]), (SYSTEM_ARN, MODELS)])
def test_an_application_profile_is_created_and_deleted(manage: Manage, source: str, models: tuple[str, ...]) -> None:
    """A profile of a model resolves to this model; a profile of a system-defined profile resolves to all of its models."""
    fake, control, _ = manage(inference_profiles=[SYSTEM])

    made = control.create_inference_profile(
        inferenceProfileName="costs",
        description="Costs of HR",
        modelSource={"copyFrom": source},
        tags=[{"key": "a", "value": "b"}],
    )
    arn = made["inferenceProfileArn"]
    found = control.get_inference_profile(inferenceProfileIdentifier=arn)
    tags = control.list_tags_for_resource(resourceARN=arn)["tags"]
    resolved = fake._state.control.resolved_models[arn]
    control.delete_inference_profile(inferenceProfileIdentifier=arn)

    assert arn.startswith(f"{ACCOUNT}:application-inference-profile/")
    assert (made["status"], found["type"], found["description"]) == ("ACTIVE", "APPLICATION", "Costs of HR")
    assert (_models(found), resolved, tags) == (models, models, [{"key": "a", "value": "b"}])
    assert control.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"] == []
    assert arn not in fake._state.control.resolved_models
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.list_tags_for_resource(resourceARN=arn)


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "get-unknown": ("get_inference_profile", {"inferenceProfileIdentifier": "eu.acme.tiny"}, "ResourceNotFoundException"),
    "delete-unknown": ("delete_inference_profile", {"inferenceProfileIdentifier": "zzz"}, "ResourceNotFoundException"),
    "delete-system": ("delete_inference_profile", {"inferenceProfileIdentifier": ID}, "ValidationException"),
    "create-from-unknown": (
        "create_inference_profile",
        {"inferenceProfileName": "a", "modelSource": {"copyFrom": SYSTEM_ARN.replace("us.", "eu.")}},
        "ResourceNotFoundException",
    ),
    "create-from-application": (
        "create_inference_profile",
        {"inferenceProfileName": "a", "modelSource": {"copyFrom": MINE_ARN}},
        "ValidationException",
    ),
    "create-too-many-tags": (
        "create_inference_profile",
        {
            "inferenceProfileName": "a",
            "modelSource": {"copyFrom": SYSTEM_ARN},
            "tags": [{"key": f"k{number}", "value": ""} for number in range(51)],
        },
        "TooManyTagsException",
    ),
    "tags-of-system": ("list_tags_for_resource", {"resourceARN": SYSTEM_ARN}, "ResourceNotFoundException"),
}


@pytest.mark.parametrize(("method", "params", "code"), REFUSED.values(), ids=REFUSED)
def test_an_invalid_request_for_a_profile_is_an_error(manage: Manage, method: str, params: dict[str, Any], code: str) -> None:
    """Each error has a code of the service model, and the profiles do not change."""
    _, control, _ = manage(inference_profiles=[SYSTEM, MINE])

    with pytest.raises(getattr(control.exceptions, code)):
        getattr(control, method)(**params)

    listed = control.list_inference_profiles()["inferenceProfileSummaries"]
    assert [one["inferenceProfileArn"] for one in listed] == [SYSTEM_ARN, MINE_ARN]


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "kind": ({"kind": "OTHER"}, "kind: 'OTHER' is not one of SYSTEM_DEFINED, APPLICATION"),
    "arn": ({"identifier": MINE_ARN}, "is not the ARN of a profile of kind SYSTEM_DEFINED"),
    "tags": ({"tags": {"a": "b"}}, "only an application profile can have tags"),
    "no-models": ({"models": ()}, "expected 1 to 5 models, got 0"),
    "many-models": ({"models": MODELS * 3}, "got 6"),
    "model-id": ({"models": ("acme.tiny",)}, "'acme.tiny' is not the ARN of a foundation model"),
}


@pytest.mark.parametrize(("fields", "text"), BROKEN.values(), ids=BROKEN)
def test_an_invalid_profile_is_rejected(fields: dict[str, Any], text: str) -> None:
    """An invalid `FakeInferenceProfile` raises when it is created."""
    with pytest.raises(ConfigurationError, match=text):
        FakeInferenceProfile(**{"identifier": ID, "models": MODELS, **fields})
