"""The models of inference profiles, prompt routers and prompts, read from AWS: a source for the setting `profiles`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.bedrock.resources.models import kind_of
from guardedbedrock.errors import ConfigurationError, SourceError
from guardedbedrock.iam.matching.arns import split


def models_behind(*identifiers: str, session: Any = None, **options: Any) -> dict[str, tuple[str, ...]]:
    """
    Ask AWS once which models some identifiers resolve to, for `Guard(profiles=...)`.

        profiles = guardedbedrock.models_behind("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc")

    Needs ``bedrock:GetInferenceProfile``, ``bedrock:GetPromptRouter`` or ``bedrock:GetPrompt`` on the identifiers.

    Args:
        identifiers: IDs or ARNs of inference profiles, ARNs of prompt routers and prompts, as calls name them.
        session: A boto3 session; default: boto3's default session.
        options: Keyword arguments of its clients, such as ``region_name``.

    Returns:
        Each identifier with the ARNs or IDs of its models.

    Raises:
        ConfigurationError: An identifier is of another kind.
        SourceError: AWS did not answer; the cause is botocore's error.
    """
    return {identifier: _resolve(identifier, session or boto3, options) for identifier in identifiers}


def _resolve(identifier: str, session: Any, options: Mapping[str, Any]) -> tuple[str, ...]:
    parts = split(identifier)
    lookup = _BY_KIND.get(kind_of(identifier)) if parts else _inference_profile
    if lookup is None:
        raise ConfigurationError(f"`{identifier}` is not an inference profile, a prompt router or a prompt: leave it out")
    placed = {"region_name": parts[3], **options} if parts else options
    try:
        found = tuple(dict.fromkeys(lookup(identifier, session, placed)))
    except (BotoCoreError, ClientError) as error:
        raise SourceError(f"AWS did not return the models of `{identifier}`: {error}") from error
    if not found:
        raise SourceError(f"AWS returned no model for `{identifier}`")
    return found


def _inference_profile(identifier: str, session: Any, options: Mapping[str, Any]) -> Iterable[str]:
    client = session.client("bedrock", **options)
    return [model["modelArn"] for model in client.get_inference_profile(inferenceProfileIdentifier=identifier)["models"]]


def _prompt_router(identifier: str, session: Any, options: Mapping[str, Any]) -> Iterable[str]:
    router = session.client("bedrock", **options).get_prompt_router(promptRouterArn=identifier)
    return [model["modelArn"] for model in (*router["models"], router["fallbackModel"])]


def _prompt(identifier: str, session: Any, options: Mapping[str, Any]) -> Iterable[str]:
    arn, _, version = identifier.partition("prompt/")[2].partition(":")
    named = {"promptIdentifier": arn, **({"promptVersion": version} if version else {})}
    prompt = session.client("bedrock-agent", **options).get_prompt(**named)
    default = prompt.get("defaultVariant")
    variants = [one for one in prompt["variants"] if default in (None, one["name"])]
    return [one["modelId"] for one in variants if "modelId" in one]


_BY_KIND: Final[Mapping[str, Callable[[str, Any, Mapping[str, Any]], Iterable[str]]]] = {
    "application-inference-profile": _inference_profile,
    "default-prompt-router": _prompt_router,
    "inference-profile": _inference_profile,
    "prompt": _prompt,
    "prompt-router": _prompt_router,
}
