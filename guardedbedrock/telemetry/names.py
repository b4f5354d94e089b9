"""
Every name that telemetry uses, as data: span attributes, span events, log events and their keys. Metrics are in `metrics.table`.

These names are API: `docs/observability.md` is generated from the tables. Names that begin with ``guardedbedrock.`` are our own;
the others come from the conventions.
Source: OpenTelemetry Semantic Conventions, "Semantic conventions for generative client AI spans",
"Semantic conventions for AWS Bedrock operations", "Semantic conventions for generative AI metrics".
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

SCOPE: Final = "guardedbedrock"
PROVIDER_NAME: Final = "aws.bedrock"

GUARDRAIL_ID: Final = "aws.bedrock.guardrail.id"
GUARDRAIL_VERSION: Final = "guardedbedrock.guardrail.version"
GUARDRAIL_INJECTED: Final = "guardedbedrock.guardrail.injected"
DECISION: Final = "guardedbedrock.decision"
POLICY_TYPE: Final = "guardedbedrock.policy_type"
STATEMENTS: Final = "guardedbedrock.statements"
EXPLANATION: Final = "guardedbedrock.explanation"
HANGS_ON: Final = "guardedbedrock.hangs_on"
VOCABULARY: Final = "guardedbedrock.vocabulary"
INTERVENTION: Final = "guardedbedrock.intervention"
INTERVENTION_POLICIES: Final = "guardedbedrock.intervention.policies"
INTERVENTION_SOURCES: Final = "guardedbedrock.intervention.sources"
FINDING: Final = "guardedbedrock.finding"
FINDINGS: Final = "guardedbedrock.findings"
COVERAGE_GUARDED: Final = "guardedbedrock.guardrail.coverage.guarded"
COVERAGE_TOTAL: Final = "guardedbedrock.guardrail.coverage.total"
SIMULATED: Final = "guardedbedrock.simulated"
UNGUARDED: Final = "guardedbedrock.unguarded_reply"
POLICY_KIND: Final = "guardedbedrock.intervention.policy"
BY: Final = "guardedbedrock.retry.by"
ENFORCED: Final = "guardedbedrock.enforced"
RETRY_ATTEMPT: Final = "guardedbedrock.retry.attempt"
RETRY_WAIT: Final = "guardedbedrock.retry.wait"
USED_UP: Final = "guardedbedrock.retry.used_up"

RPC_METHOD: Final = "rpc.method"
REGION: Final = "cloud.region"
ERROR_TYPE: Final = "error.type"
STATUS: Final = "http.response.status_code"
REQUEST_ID: Final = "aws.request_id"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
STREAM: Final = "gen_ai.request.stream"
TEMPERATURE: Final = "gen_ai.request.temperature"
TOP_P: Final = "gen_ai.request.top_p"
TOP_K: Final = "gen_ai.request.top_k"
MAX_TOKENS: Final = "gen_ai.request.max_tokens"
STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE: Final = "gen_ai.usage.cache_creation.input_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105  # tokens of models
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"

SpanPlace: TypeAlias = Literal[
    "call", "client", "preflight", "botocore", "call, client", "call, preflight", "call, client, botocore"
]


class Attribute(NamedTuple):
    """
    A span attribute.

    Args:
        name: Its name.
        where: The spans that have it: the call, the request (`client`), the preflight, the spans of botocore's instrumentor.
        meaning: Its meaning, and when it is set.
    """

    name: str
    where: SpanPlace
    meaning: str


ATTRIBUTES: Final = (
    Attribute(RPC_METHOD, "call", "the operation, such as `Converse`"),
    Attribute(REGION, "call, client", "the region of the client"),
    Attribute(MODEL, "call, client", "`modelId` of the call"),
    Attribute(GUARDRAIL_ID, "call, client, botocore", "ID of the guardrail that is sent"),
    Attribute(GUARDRAIL_VERSION, "call, client, botocore", "version of the guardrail that is sent"),
    Attribute(GUARDRAIL_INJECTED, "call", "true if the guard added the guardrail"),
    Attribute(DECISION, "call, preflight", "`allowed`, `implicitDeny`, `explicitDeny` or `indeterminate`"),
    Attribute(VOCABULARY, "call", "the actions of a guarded call: `aws` or `invoke-with-guardrail`"),
    Attribute(POLICY_TYPE, "call, preflight", "the type of policy that denied, such as `identity` or `scp`"),
    Attribute(STATEMENTS, "call, preflight", "the statements that determine a denial"),
    Attribute(EXPLANATION, "call, preflight", "which statement decides, what it requires and what the request has"),
    Attribute(HANGS_ON, "call, preflight", "context keys that an indeterminate decision depends on"),
    Attribute(INTERVENTION, "call, client", "`blocked`, `masked`, or `intervened` if the reply does not say which"),
    Attribute(INTERVENTION_POLICIES, "call, client", "the parts of the guardrail that intervened, such as `wordPolicy`"),
    Attribute(INTERVENTION_SOURCES, "call, client", "where they did: `INPUT`, `OUTPUT`"),
    Attribute(FINDINGS, "call, client", "what the guardrail detected without acting on it, such as `contentPolicy HATE`"),
    Attribute(COVERAGE_GUARDED, "call, client", "characters that the guardrail evaluated; only with a trace"),
    Attribute(COVERAGE_TOTAL, "call, client", "all characters; only with a trace"),
    Attribute(UNGUARDED, "call, client", "true if the reply shows that no guardrail ran"),
    Attribute(SIMULATED, "call", "on a denial: true if this process denied the call, false if AWS did"),
    Attribute(ERROR_TYPE, "call, client", "class of the error that the caller gets"),
    Attribute(STATUS, "call, client", "HTTP status; 403 for every denial, simulated or not"),
    Attribute(REQUEST_ID, "call, client", "AWS's ID of the request"),
    Attribute(
        OPERATION,
        "client",
        "`chat`, `text_completion`, `embeddings`, `generate_content` (images), `retrieval`, `invoke_agent` or `apply_guardrail`",
    ),
    Attribute(PROVIDER, "client", "`aws.bedrock`"),
    Attribute(SERVER_ADDRESS, "client", "host of the request: AWS's, or the host of an `endpoint_url`"),
    Attribute(SERVER_PORT, "client", "port of the request"),
    Attribute(STREAM, "client", "true for streaming operations"),
    Attribute(TEMPERATURE, "client", "of the request"),
    Attribute(TOP_P, "client", "of the request"),
    Attribute(TOP_K, "client", "of the request"),
    Attribute(MAX_TOKENS, "client", "of the request"),
    Attribute(STOP_SEQUENCES, "client", "of the request; only with content capture"),
    Attribute(RESPONSE_MODEL, "client", "the model that answered, if a router chose it or the body names it"),
    Attribute(RESPONSE_ID, "client", "the model's own ID of the reply"),
    Attribute(FINISH_REASONS, "client", "why the model stopped, such as `end_turn` or `guardrail_intervened`"),
    Attribute(FIRST_CHUNK, "client", "seconds to the first event of a stream"),
    Attribute(INPUT_TOKENS, "client", "input tokens"),
    Attribute(OUTPUT_TOKENS, "client", "output tokens"),
    Attribute(CACHE_READ, "client", "tokens read from a cache"),
    Attribute(CACHE_WRITE, "client", "tokens written to a cache"),
    Attribute(INPUT_MESSAGES, "client", "the conversation; only with content capture"),
    Attribute(OUTPUT_MESSAGES, "client", "the answer; only with content capture"),
    Attribute(SYSTEM_INSTRUCTIONS, "client", "the system prompt; only with content capture"),
)

EVENT_RETRY: Final = "guardedbedrock.retry"
EVENT_GAVE_UP: Final = "guardedbedrock.gave_up"
EVENT_DIVERGED: Final = "preflight.diverged"
EVENT_WOULD_REFUSE: Final = "guardedbedrock.would_refuse"
EVENT_UNGUARDED: Final = "guardedbedrock.unguarded_reply"
EVENT_UNLISTED: Final = "guardedbedrock.unlisted_operation"
EVENT_WITHOUT_GUARDRAIL: Final = "guardedbedrock.sent_without_guardrail"
EVENT_INDIRECT: Final = "guardedbedrock.indirect_inference"
EVENT_PARTIAL: Final = "guardedbedrock.partly_guarded"
EVENT_UNAVAILABLE: Final = "guardedbedrock.source_unavailable"
EVENT_DECISION: Final = "guardedbedrock.decision"
EVENT_REFUSED: Final = "guardedbedrock.refused"
EVENT_DENIED: Final = "guardedbedrock.denied"
EVENT_INTERVENTION: Final = "guardedbedrock.intervention"
EVENT_DETECTED: Final = "guardedbedrock.detected"
EVENT_STREAM_BROKE: Final = "guardedbedrock.stream_interrupted"


class NamedEvent(NamedTuple):
    """
    An event of a span or of the log.

    Args:
        name: Its name.
        keys: Attributes or keys that it may have, in addition to those of every event.
        meaning: When it is written.
        level: The log level.
    """

    name: str
    keys: tuple[str, ...]
    meaning: str
    level: str = ""


_DIVERGED: Final = (
    "AWS and the preflight decided differently: AWS denied an allowed call or, in mode `report`, allowed a denied one"
)

SPAN_EVENTS: Final = (
    NamedEvent(EVENT_RETRY, (RETRY_ATTEMPT, ERROR_TYPE, RETRY_WAIT, BY), "an attempt failed and another follows"),
    NamedEvent(EVENT_GAVE_UP, (RETRY_ATTEMPT, ERROR_TYPE, USED_UP), "the attempts, the time or the tokens are used up"),
    NamedEvent(EVENT_DIVERGED, (DECISION, POLICY_TYPE), _DIVERGED),
    NamedEvent(EVENT_WOULD_REFUSE, (ERROR_TYPE,), "in mode `report`: `enforce` would have refused the call"),
    NamedEvent(EVENT_UNGUARDED, (GUARDRAIL_ID, GUARDRAIL_VERSION), "the reply shows that no guardrail ran"),
)

LOG_CONTEXT: Final = ("summary", "operation", "region", "model", "guardrail", "principal", "trace_id", "span_id")
"""
Keys of every log event. `guardrail` is ARN and version. `model` and `guardrail` are null if unknown. `principal` is present once
the policies were evaluated, `trace_id` and `span_id` if a span is current.
"""

_REFUSAL: Final = ("error_type", "action", "resource", "policy_type", "policy_arn")
_DENIAL: Final = (*_REFUSAL, "request_id")
_INTERVENTION: Final = ("reason", "action", "policies", "sources", "guardrail_id", "coverage_guarded", "coverage_total")

LOG_EVENTS: Final = (
    NamedEvent(
        EVENT_DECISION,
        ("decision", "seconds", "action", "resource", "policy_type", "statements", "explanation", "hangs_on", "remarks"),
        "the policies were evaluated",
        "info; warning if denied",
    ),
    NamedEvent(EVENT_REFUSED, _REFUSAL, "the guard refused the call", "warning"),
    NamedEvent(EVENT_WOULD_REFUSE, _REFUSAL, "in mode `report`: `enforce` would have refused the call", "warning"),
    NamedEvent(EVENT_DENIED, _DENIAL, "AWS denied the call", "warning"),
    NamedEvent(EVENT_DIVERGED, ("decision", *_DENIAL), _DIVERGED, "warning"),
    NamedEvent(EVENT_RETRY, ("attempt", "code", "wait_seconds", "by"), "an attempt failed and another follows", "info"),
    NamedEvent(EVENT_GAVE_UP, ("attempt", "code", "used_up"), "the attempts, the time or the tokens are used up", "warning"),
    NamedEvent(
        EVENT_INTERVENTION, (*_INTERVENTION, "text_units", "request_id"), "the guardrail blocked or masked content", "info"
    ),
    NamedEvent(
        EVENT_DETECTED,
        ("findings", "sources", "guardrail_id", "request_id"),
        "the guardrail detected something and did not act on it: a filter in detect mode, or automated reasoning",
        "info",
    ),
    NamedEvent(EVENT_UNGUARDED, ("guardrail_id", "request_id"), "the reply shows that no guardrail ran", "error"),
    NamedEvent(EVENT_STREAM_BROKE, ("code", "request_id"), "a stream ended with an error before its last event", "warning"),
    NamedEvent(EVENT_PARTIAL, ("gaps",), "the guardrail evaluates only a part of the call, or too late", "warning"),
    NamedEvent(
        EVENT_WITHOUT_GUARDRAIL,
        ("kind",),
        "the model takes no guardrail, or `allow_unguarded` names the operation, so the call is sent without one",
        "info",
    ),
    NamedEvent(
        EVENT_INDIRECT,
        ("targets", "rule"),
        "the call is sent and makes AWS call models where the call has no guardrail location; `rule` is `on_indirect`",
        "info; warning for `warn`",
    ),
    NamedEvent(
        EVENT_UNAVAILABLE,
        ("reason", "rule"),
        "the policies or the approved guardrails could not be read for the call; `rule` is `on_unavailable`",
        "info; warning for `allow`",
    ),
    NamedEvent(EVENT_UNLISTED, ("service",), "botocore has an operation that this version does not know", "warning"),
)
