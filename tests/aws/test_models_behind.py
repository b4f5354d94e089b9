"""The models of profiles, routers and prompts, read from AWS."""

from __future__ import annotations

from typing import Any, Final

import boto3
import pytest
from botocore.stub import Stubber

from guardedbedrock import ConfigurationError, SourceError, models_behind

US: Final = "arn:aws:bedrock:us-east-1"
PROFILE: Final = f"{US}:123456789012:application-inference-profile/p1"
ROUTER: Final = f"{US}:123456789012:default-prompt-router/anthropic.claude:1"
PROMPT: Final = f"{US}:123456789012:prompt/ABCDEFGHIJ"
HAIKU, SONNET = f"{US}::foundation-model/anthropic.haiku", f"{US}::foundation-model/anthropic.sonnet"
WHEN: Final = "2026-01-01T00:00:00Z"


class Session:
    """A boto3 session whose clients return given answers."""

    def __init__(self, service: str, operation: str, params: dict[str, Any], answer: dict[str, Any] | str) -> None:
        self.client_of = (service, boto3.client(service, "us-east-1", aws_access_key_id="x", aws_secret_access_key="x"))
        self.stub = Stubber(self.client_of[1])
        if isinstance(answer, str):
            self.stub.add_client_error(operation, answer, expected_params=params)
        else:
            self.stub.add_response(operation, answer, params)
        self.stub.activate()

    def client(self, service: str, *, region_name: str) -> Any:
        """Return the client of the test."""
        assert (service, region_name) == (self.client_of[0], "us-east-1")
        return self.client_of[1]


def profile(*models: str) -> dict[str, Any]:
    """Write an answer of GetInferenceProfile."""
    named = {"inferenceProfileName": "p", "inferenceProfileArn": PROFILE, "inferenceProfileId": "p1"}
    return {**named, "models": [{"modelArn": model} for model in models], "status": "ACTIVE", "type": "APPLICATION"}


def router(fallback: str, *models: str) -> dict[str, Any]:
    """Write an answer of GetPromptRouter."""
    named = {"promptRouterName": "r", "promptRouterArn": ROUTER, "status": "AVAILABLE", "type": "default"}
    criteria = {"routingCriteria": {"responseQualityDifference": 0.1}, "fallbackModel": {"modelArn": fallback}}
    return {**named, **criteria, "models": [{"modelArn": model} for model in models]}


def prompt(default: str) -> dict[str, Any]:
    """Write an answer of GetPrompt, with two variants."""
    told = {"text": {"text": "hello"}}
    variants = [
        {"name": name, "modelId": model, "templateType": "TEXT", "templateConfiguration": told}
        for name, model in (("a", HAIKU), ("b", SONNET))
    ]
    dates = {"createdAt": WHEN, "updatedAt": WHEN}
    return {
        "name": "p",
        "id": "ABCDEFGHIJ",
        "arn": PROMPT,
        "version": "2",
        "defaultVariant": default,
        "variants": variants,
        **dates,
    }


@pytest.mark.parametrize(
    ("identifier", "asked", "answer", "behind"),
    [
        (PROFILE, ("bedrock", "get_inference_profile", {"inferenceProfileIdentifier": PROFILE}), profile(HAIKU), (HAIKU,)),
        (ROUTER, ("bedrock", "get_prompt_router", {"promptRouterArn": ROUTER}), router(HAIKU, HAIKU, SONNET), (HAIKU, SONNET)),
        (
            f"{PROMPT}:2",
            ("bedrock-agent", "get_prompt", {"promptIdentifier": "ABCDEFGHIJ", "promptVersion": "2"}),
            prompt("b"),
            (SONNET,),
        ),
        (PROMPT, ("bedrock-agent", "get_prompt", {"promptIdentifier": "ABCDEFGHIJ"}), prompt("a"), (HAIKU,)),
    ],
)
def test_models_of_each_identifier_kind_are_read(
    identifier: str, asked: tuple[str, str, dict[str, Any]], answer: dict[str, Any], behind: tuple[str, ...]
) -> None:
    assert models_behind(identifier, session=Session(*asked, answer)) == {identifier: behind}


def test_denied_lookup_raises_source_error() -> None:
    session = Session("bedrock", "get_inference_profile", {"inferenceProfileIdentifier": PROFILE}, "AccessDeniedException")

    with pytest.raises(SourceError, match=r"AWS did not return the models of `arn:.*p1`: .*AccessDenied"):
        models_behind(PROFILE, session=session)


def test_answer_without_models_raises_source_error() -> None:
    agent = prompt("a")
    for variant in agent["variants"]:
        del variant["modelId"]
    session = Session("bedrock-agent", "get_prompt", {"promptIdentifier": "ABCDEFGHIJ"}, agent)

    with pytest.raises(SourceError, match="returned no model"):
        models_behind(PROMPT, session=session)


def test_identifier_of_a_model_raises_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="is not an inference profile, a prompt router or a prompt: leave it out"):
        models_behind(HAIKU)
