"""
Every name that telemetry uses, as data: attributes of spans, events of spans, metrics, log events and their keys.

They are API: `docs/observability.md` is written from these tables. Names under ``guardedbedrock.`` are private; the others are
those of the conventions. Source: OpenTelemetry Semantic Conventions, "Semantic conventions for generative client AI spans",
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
HANGS_ON: Final = "guardedbedrock.hangs_on"
VOCABULARY: Final = "guardedbedrock.vocabulary"
INTERVENTION: Final = "guardedbedrock.intervention"
INTERVENTION_POLICIES: Final = "guardedbedrock.intervention.policies"
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

Where: TypeAlias = Literal["call", "client", "preflight", "botocore", "call, client", "call, preflight", "call, client, botocore"]


class Attribute(NamedTuple):
    """
    An attribute of a span.

    Args:
        name: Its name.
        where: The spans that have it: of the call, of the request (`client`), of the preflight, of botocore's instrumentor.
        meaning: What it says, and when it is there.
    """

    name: str
    where: Where
    meaning: str


ATTRIBUTES: Final = (
    Attribute(RPC_METHOD, "call", "the operation, such as `Converse`"),
    Attribute(REGION, "call, client", "the region of the client"),
    Attribute(MODEL, "call, client", "`modelId` as the call has it"),
    Attribute(GUARDRAIL_ID, "call, client, botocore", "ID of the guardrail that is sent"),
    Attribute(GUARDRAIL_VERSION, "call, client, botocore", "its version"),
    Attribute(GUARDRAIL_INJECTED, "call", "whether the guard put it there"),
    Attribute(DECISION, "call, preflight", "`allowed`, `implicitDeny`, `explicitDeny` or `indeterminate`"),
    Attribute(VOCABULARY, "call", "what a guarded call asks of IAM: `aws` or `invoke-with-guardrail`"),
    Attribute(POLICY_TYPE, "call, preflight", "which type of policy denied, such as `identity` or `scp`"),
    Attribute(STATEMENTS, "call, preflight", "the statements that determine a denial"),
    Attribute(HANGS_ON, "call, preflight", "context keys that an indeterminate decision hangs on"),
    Attribute(INTERVENTION, "call, client", "`blocked`, `masked`, or `intervened` where the reply does not say which"),
    Attribute(INTERVENTION_POLICIES, "call, client", "which parts of the guardrail stepped in, such as `wordPolicy`"),
    Attribute(COVERAGE_GUARDED, "call, client", "characters that the guardrail looked at, with a trace"),
    Attribute(COVERAGE_TOTAL, "call, client", "characters that there were"),
    Attribute(UNGUARDED, "call, client", "true where the reply shows that the guardrail did not run"),
    Attribute(SIMULATED, "call", "on a denial: whether this process said it, and not AWS"),
    Attribute(ERROR_TYPE, "call, client", "class of the error that the caller got"),
    Attribute(STATUS, "call, client", "HTTP status; 403 of every denial, simulated or not"),
    Attribute(REQUEST_ID, "call, client", "AWS's id of the request"),
    Attribute(OPERATION, "client", "`chat`, `text_completion`, `embeddings` or `apply_guardrail`"),
    Attribute(PROVIDER, "client", "`aws.bedrock`"),
    Attribute(SERVER_ADDRESS, "client", "host that the request goes to: AWS's, or that of an `endpoint_url`"),
    Attribute(SERVER_PORT, "client", "its port"),
    Attribute(STREAM, "client", "true of streaming operations"),
    Attribute(TEMPERATURE, "client", "of the request"),
    Attribute(TOP_P, "client", "of the request"),
    Attribute(TOP_K, "client", "of the request"),
    Attribute(MAX_TOKENS, "client", "of the request"),
    Attribute(STOP_SEQUENCES, "client", "of the request; only with content capture"),
    Attribute(RESPONSE_MODEL, "client", "the model that spoke, where a router chose it or the body names it"),
    Attribute(RESPONSE_ID, "client", "the model's own ID of the reply"),
    Attribute(FINISH_REASONS, "client", "why the model stopped; `guardrail_intervened` among them"),
    Attribute(FIRST_CHUNK, "client", "seconds to the first event of a stream"),
    Attribute(INPUT_TOKENS, "client", "tokens that the model read"),
    Attribute(OUTPUT_TOKENS, "client", "tokens that it wrote"),
    Attribute(CACHE_READ, "client", "tokens that came from a cache"),
    Attribute(CACHE_WRITE, "client", "tokens that went into one"),
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
EVENT_PARTIAL: Final = "guardedbedrock.partly_guarded"
EVENT_DECISION: Final = "guardedbedrock.decision"
EVENT_REFUSED: Final = "guardedbedrock.refused"
EVENT_DENIED: Final = "guardedbedrock.denied"
EVENT_INTERVENTION: Final = "guardedbedrock.intervention"


class Named(NamedTuple):
    """
    An event of a span or of the log.

    Args:
        name: Its name.
        keys: Attributes or keys that it may have, beside those of every event.
        meaning: When it happens.
        level: Of the log.
    """

    name: str
    keys: tuple[str, ...]
    meaning: str
    level: str = ""


SPAN_EVENTS: Final = (
    Named(EVENT_RETRY, (RETRY_ATTEMPT, ERROR_TYPE, RETRY_WAIT, BY), "an attempt failed and another follows"),
    Named(EVENT_GAVE_UP, (RETRY_ATTEMPT, ERROR_TYPE, USED_UP), "attempts, time or tokens are used up"),
    Named(EVENT_DIVERGED, (DECISION, POLICY_TYPE), "AWS denied what the preflight had allowed"),
    Named(EVENT_WOULD_REFUSE, (ERROR_TYPE,), "in mode `report`: what `enforce` would have refused"),
    Named(EVENT_UNGUARDED, (GUARDRAIL_ID, GUARDRAIL_VERSION), "the reply shows that the guardrail did not run"),
)

LOG_CONTEXT: Final = ("operation", "region", "model", "guardrail", "principal", "trace_id", "span_id")
"""
Keys of every log event; one that nobody knows is left out, apart from `model` and `guardrail`, which are null. `guardrail` is ARN
and version; `principal` is known once the policies were asked, `trace_id` and `span_id` where a span is current.
"""

_DENIAL: Final = ("error_type", "action", "resource", "policy_type", "policy_arn", "request_id")

LOG_EVENTS: Final = (
    Named(
        EVENT_DECISION,
        ("decision", "seconds", "action", "resource", "policy_type", "statements", "hangs_on", "remarks"),
        "the policies were asked",
        "info; warning when denied",
    ),
    Named(
        EVENT_REFUSED, ("error_type", "action", "resource", "policy_type", "policy_arn"), "the guard refused the call", "warning"
    ),
    Named(
        EVENT_WOULD_REFUSE,
        ("error_type", "action", "resource", "policy_type", "policy_arn"),
        "in mode `report`: what `enforce` would have refused",
        "warning",
    ),
    Named(EVENT_DENIED, _DENIAL, "AWS denied the call", "warning"),
    Named(EVENT_DIVERGED, ("decision", *_DENIAL), "AWS denied what the preflight had allowed", "warning"),
    Named(EVENT_RETRY, ("attempt", "code", "wait_seconds", "by"), "an attempt failed and another follows", "info"),
    Named(EVENT_GAVE_UP, ("attempt", "code", "used_up"), "attempts, time or tokens are used up", "warning"),
    Named(
        EVENT_INTERVENTION,
        (
            "reason",
            "action",
            "policies",
            "sources",
            "guardrail_id",
            "coverage_guarded",
            "coverage_total",
            "text_units",
            "request_id",
        ),
        "the guardrail stepped in",
        "info",
    ),
    Named(EVENT_UNGUARDED, ("guardrail_id", "request_id"), "the reply shows that the guardrail did not run", "error"),
    Named(
        EVENT_PARTIAL,
        ("gaps",),
        "the guardrail does not look at all of the call, or too late: the kinds of `CoverageGap`",
        "warning",
    ),
    Named(EVENT_UNLISTED, ("service",), "botocore has an operation that the table of operations has not", "warning"),
)
