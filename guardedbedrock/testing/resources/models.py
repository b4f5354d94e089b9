"""
The foundation models of the fake: families, with the format of their bodies, and the models that ListFoundationModels returns.

A model ID belongs to the first family whose prefix it begins with. AWS adds models every month: a new model of a known
family works without a change. A model of no family gets AWS's error, ``The provided model identifier is invalid.``

Source: Amazon Bedrock User Guide, "Supported foundation models in Amazon Bedrock" and "Inference request parameters and response
fields for foundation models"; for tools and system prompts "Supported models and model features"; for guardrails "Supported
Regions and models for Amazon Bedrock Guardrails".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock.resources.models import GEOGRAPHIES
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

Modality: TypeAlias = Literal["TEXT", "IMAGE", "EMBEDDING"]

_INVALID: Final = "The provided model identifier is invalid."
_ROUTED: Final = GEOGRAPHIES | {"global"}
_RESOLVABLE: Final = ("foundation-model", "inference-profile")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFamily:
    """
    Models with the same behaviour.

    Args:
        prefix: Start of the model IDs.
        provider: Display name of the provider.
        format: Name of the request and response format.
        inputs: Input modalities, as ListFoundationModels returns them. Converse rejects images for a family without ``IMAGE``.
        output: Output modality.
        streaming: Whether InvokeModelWithResponseStream is supported.
        converse: Whether Converse is supported.
        guardrails: Whether a request can name a guardrail.
        tools: Whether Converse accepts ``toolConfig``.
        system: Whether Converse accepts ``system``.
        max_tokens: Maximum of the output tokens that a request can set; None if it is not checked.
        dimensions: Sizes of embeddings, the default first.
        required: Members that a request body must have.
        one_of: Members of which a request body must have one. The first is the member that an error names.
    """

    prefix: str
    provider: str
    format: str
    inputs: tuple[Modality, ...] = ("TEXT",)
    output: Modality = "TEXT"
    streaming: bool = True
    converse: bool = True
    guardrails: bool = True
    tools: bool = True
    system: bool = True
    max_tokens: int | None = None
    dimensions: tuple[int, ...] = ()
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()


_NO_CHAT: Final[Mapping[str, Any]] = {"streaming": False, "converse": False}
_NO_TOOLS: Final[Mapping[str, Any]] = {"tools": False}
_NO_SYSTEM: Final[Mapping[str, Any]] = {"tools": False, "system": False}
_SEEING: Final[tuple[Modality, ...]] = ("TEXT", "IMAGE")


def _text(prefix: str, provider: str, format_: str, *one_of: str, **more: Any) -> ModelFamily:
    return ModelFamily(prefix=prefix, provider=provider, format=format_, one_of=one_of, **more)


def _seeing(prefix: str, provider: str, format_: str, *one_of: str, **more: Any) -> ModelFamily:
    return _text(prefix, provider, format_, *one_of, inputs=_SEEING, **more)


def _embedding(prefix: str, provider: str, format_: str, dimensions: tuple[int, ...], *required: str, **more: Any) -> ModelFamily:
    return ModelFamily(
        prefix=prefix,
        provider=provider,
        format=format_,
        output="EMBEDDING",
        guardrails=False,
        dimensions=dimensions,
        required=required,
        **_NO_CHAT,
        **more,
    )


def _rerank(prefix: str, provider: str) -> ModelFamily:
    required = ("query", "documents")
    return ModelFamily(prefix=prefix, provider=provider, format="rerank", guardrails=False, required=required, **_NO_CHAT)


def _images(prefix: str, provider: str, format_: str, *required: str) -> ModelFamily:
    return ModelFamily(
        prefix=prefix, provider=provider, format=format_, inputs=_SEEING, output="IMAGE", required=required, **_NO_CHAT
    )


FAMILIES: Final = (
    _text("anthropic.claude-v2", "Anthropic", "claude_2", "prompt", "messages", max_tokens=4096, **_NO_TOOLS),
    _text("anthropic.claude-instant", "Anthropic", "claude_2", "prompt", "messages", max_tokens=4096, **_NO_TOOLS),
    _seeing("anthropic.claude-3-haiku", "Anthropic", "anthropic", max_tokens=4096),
    _seeing("anthropic.claude-3-sonnet", "Anthropic", "anthropic", max_tokens=4096),
    _seeing("anthropic.claude-3-opus", "Anthropic", "anthropic", max_tokens=4096),
    _seeing("anthropic.claude", "Anthropic", "anthropic"),
    _embedding("amazon.nova-2-multimodal-embeddings", "Amazon", "nova_embedding", (3072, 1024, 384, 256), inputs=_SEEING),
    _images("amazon.nova-canvas", "Amazon", "amazon_image", "taskType"),
    _seeing("amazon.nova-reel", "Amazon", "async_only", **_NO_CHAT),
    _text("amazon.nova-sonic", "Amazon", "async_only", guardrails=False, **_NO_CHAT),
    _text("amazon.nova-2-sonic", "Amazon", "async_only", guardrails=False, **_NO_CHAT),
    _text("amazon.nova-micro", "Amazon", "nova", "messages"),
    _seeing("amazon.nova", "Amazon", "nova", "messages"),
    _embedding("amazon.titan-embed-text-v2", "Amazon", "titan_embedding", (1024, 512, 256), "inputText"),
    _embedding("amazon.titan-embed-image", "Amazon", "titan_multimodal_embedding", (1024, 384, 256), inputs=_SEEING),
    _embedding("amazon.titan-embed", "Amazon", "titan_embedding", (1536,), "inputText"),
    _images("amazon.titan-image", "Amazon", "amazon_image", "taskType"),
    _text("amazon.titan-text-lite", "Amazon", "titan", "inputText", max_tokens=4096, **_NO_SYSTEM),
    _text("amazon.titan-text-premier", "Amazon", "titan", "inputText", max_tokens=3072, **_NO_SYSTEM),
    _text("amazon.titan-t", "Amazon", "titan", "inputText", max_tokens=8192, **_NO_SYSTEM),
    _rerank("amazon.rerank", "Amazon"),
    _text("ai21.j2", "AI21 Labs", "jurassic", "prompt", max_tokens=8191, streaming=False, **_NO_SYSTEM),
    _text("ai21.jamba", "AI21 Labs", "openai", "messages"),
    _embedding("cohere.embed-v4", "Cohere", "cohere_embedding", (1536, 1024, 512, 256), "input_type", inputs=_SEEING),
    _embedding("cohere.embed", "Cohere", "cohere_embedding", (1024,), "input_type"),
    _rerank("cohere.rerank", "Cohere"),
    _text("cohere.command-r", "Cohere", "command_r", "message"),
    _text("cohere.command", "Cohere", "command", "prompt", max_tokens=4096, **_NO_SYSTEM),
    _text("deepseek.r1", "DeepSeek", "deepseek", "prompt", "messages", **_NO_TOOLS),
    _text("deepseek.", "DeepSeek", "deepseek", "prompt", "messages"),
    _seeing("google.", "Google", "openai", "messages"),
    _seeing("luma.", "Luma AI", "async_only", guardrails=False, **_NO_CHAT),
    _text("meta.llama2", "Meta", "llama", "prompt", max_tokens=2048, **_NO_TOOLS),
    _text("meta.llama3-8b", "Meta", "llama", "prompt", max_tokens=2048, **_NO_TOOLS),
    _text("meta.llama3-70b", "Meta", "llama", "prompt", max_tokens=2048, **_NO_TOOLS),
    _text("meta.llama3-1", "Meta", "llama", "prompt"),
    _text("meta.llama3-2-1b", "Meta", "llama", "prompt", **_NO_TOOLS),
    _text("meta.llama3-2-3b", "Meta", "llama", "prompt", **_NO_TOOLS),
    _text("meta.llama3-3", "Meta", "llama", "prompt"),
    _seeing("meta.llama", "Meta", "llama", "prompt"),
    _text("minimax.", "MiniMax", "openai", "messages"),
    _text("mistral.mistral-7b", "Mistral AI", "mistral", "prompt", "messages", max_tokens=8192, **_NO_SYSTEM),
    _text("mistral.mixtral", "Mistral AI", "mistral", "prompt", "messages", max_tokens=4096, **_NO_SYSTEM),
    _text("mistral.mistral-large-24", "Mistral AI", "mistral", "prompt", "messages", max_tokens=8192),
    _text("mistral.mistral-small-24", "Mistral AI", "mistral", "prompt", "messages", max_tokens=8192),
    _seeing("mistral.", "Mistral AI", "mistral", "prompt", "messages"),
    _seeing("moonshot", "Moonshot AI", "openai", "messages"),
    _seeing("nvidia.", "NVIDIA", "openai", "messages"),
    _text("openai.gpt-oss", "OpenAI", "openai", "messages"),
    _seeing("openai.", "OpenAI", "openai", "messages"),
    _seeing("qwen.qwen3-vl", "Qwen", "openai", "messages"),
    _text("qwen.qwen3", "Qwen", "openai", "messages"),
    _seeing("qwen.", "Qwen", "openai", "messages"),
    _images("stability.stable-diffusion", "Stability AI", "stable_diffusion", "text_prompts"),
    _images("stability.", "Stability AI", "stability_image", "prompt"),
    _embedding("twelvelabs.marengo-embed-3", "TwelveLabs", "marengo", (512,), "inputType"),
    _embedding("twelvelabs.marengo-embed", "TwelveLabs", "marengo", (1024,), "inputType"),
    _text("twelvelabs.pegasus", "TwelveLabs", "pegasus", "inputPrompt", converse=False),
    _text("writer.palmyra-x", "Writer", "openai", "messages"),
    _seeing("writer.", "Writer", "openai", "messages"),
    _seeing("xai.", "xAI", "openai", "messages"),
    _seeing("zai.", "Z.AI", "openai", "messages"),
)
"""
The table of model families. The first family whose prefix matches applies.

A capability is denied only to models for which AWS documents that they do not have it. The last family of a provider accepts
everything, because AWS adds models every month.
"""

OTHER_RESOURCE: Final = ModelFamily(prefix="", provider="", format="openai", inputs=_SEEING)
"""Provisioned, imported and custom models, prompts, routers and endpoints: their ARN does not name a foundation model."""

MODELS: Final[Mapping[str, str]] = {
    "ai21.jamba-1-5-large-v1:0": "Jamba 1.5 Large",
    "ai21.jamba-1-5-mini-v1:0": "Jamba 1.5 Mini",
    "amazon.nova-2-lite-v1:0": "Nova 2 Lite",
    "amazon.nova-2-multimodal-embeddings-v1:0": "Nova Embeddings",
    "amazon.nova-canvas-v1:0": "Nova Canvas",
    "amazon.nova-lite-v1:0": "Nova Lite",
    "amazon.nova-micro-v1:0": "Nova Micro",
    "amazon.nova-premier-v1:0": "Nova Premier",
    "amazon.nova-pro-v1:0": "Nova Pro",
    "amazon.rerank-v1:0": "Rerank 1.0",
    "amazon.titan-embed-image-v1": "Titan Multimodal G1",
    "amazon.titan-embed-text-v1": "Titan Embeddings G1",
    "amazon.titan-embed-text-v2:0": "Titan Embeddings V2",
    "amazon.titan-image-generator-v2:0": "Titan Image G1 v2",
    "amazon.titan-text-express-v1": "Titan Text Express",
    "amazon.titan-text-lite-v1": "Titan Text Lite",
    "anthropic.claude-3-5-sonnet-20240620-v1:0": "Claude 3.5 Sonnet",
    "anthropic.claude-3-haiku-20240307-v1:0": "Claude 3 Haiku",
    "anthropic.claude-haiku-4-5-20251001-v1:0": "Claude Haiku 4.5",
    "anthropic.claude-sonnet-4-20250514-v1:0": "Claude Sonnet 4",
    "anthropic.claude-sonnet-4-5-20250929-v1:0": "Claude Sonnet 4.5",
    "anthropic.claude-v2": "Claude",
    "anthropic.claude-v2:1": "Claude",
    "cohere.command-r-plus-v1:0": "Command R+",
    "cohere.command-r-v1:0": "Command R",
    "cohere.embed-english-v3": "Embed English",
    "cohere.embed-multilingual-v3": "Embed Multilingual",
    "cohere.embed-v4:0": "Embed v4",
    "cohere.rerank-v3-5:0": "Rerank 3.5",
    "deepseek.r1-v1:0": "DeepSeek-R1",
    "meta.llama3-1-8b-instruct-v1:0": "Llama 3.1 8B",
    "meta.llama3-8b-instruct-v1:0": "Llama 3 8B Instruct",
    "mistral.mistral-7b-instruct-v0:2": "Mistral 7B Instruct",
    "mistral.mistral-large-2402-v1:0": "Mistral Large 24.02",
    "openai.gpt-oss-120b-1:0": "gpt-oss-120b",
    "openai.gpt-oss-20b-1:0": "gpt-oss-20b",
    "qwen.qwen3-32b-v1:0": "Qwen3 32B (dense)",
    "stability.sd3-5-large-v1:0": "SD 3.5 Large",
    "stability.stable-diffusion-xl-v1": "SDXL 1.0",
    "twelvelabs.marengo-embed-2-7-v1:0": "Marengo Embed v2.7",
    "twelvelabs.pegasus-1-2-v1:0": "Pegasus v1.2",
    "writer.palmyra-x4-v1:0": "Palmyra X4",
    "writer.palmyra-x5-v1:0": "Palmyra X5",
}
"""Model ID to name (at most 20 characters, as the service model says): the models that ListFoundationModels returns."""


def find_family(model_id: str, resolved_models: Mapping[str, tuple[str, ...]]) -> ModelFamily:
    """
    Return the family of a model.

    Args:
        model_id: ID or ARN of a model or of an inference profile.
        resolved_models: ARN of each inference profile to the models that it resolves to.

    Raises:
        ServiceError: ``ValidationException`` (400) for an unknown model.
    """
    name = model_name(model_id, resolved_models)
    if name.startswith("arn:"):
        return OTHER_RESOURCE
    found = next((family for family in FAMILIES if name.startswith(family.prefix)), None)
    if found is None:
        raise ServiceError.invalid(_INVALID)
    return found


def model_name(model_id: str, resolved_models: Mapping[str, tuple[str, ...]]) -> str:
    """
    Return the ID of a foundation model, without ARN and geography; the ARN of another resource is returned unchanged.

    Args:
        model_id: ID or ARN of a model or of an inference profile.
        resolved_models: ARN of each inference profile to the models that it resolves to.
    """
    profile = next((models for arn, models in resolved_models.items() if model_id in {arn, arn.rpartition("/")[2]}), None)
    kind, name = _kind_and_name(profile[0] if profile else model_id)
    if kind and kind not in _RESOLVABLE:
        return model_id
    label, _, rest = name.partition(".")
    return rest if label in _ROUTED else name


def _kind_and_name(model_id: str) -> tuple[str, str]:
    """Split an ARN into resource type and name. The resource type of a plain ID is empty."""
    if not model_id.startswith("arn:"):
        return "", model_id
    head, _, name = model_id.partition("/")
    return head.rpartition(":")[2], name
