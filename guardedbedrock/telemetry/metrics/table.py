"""
Every metric, as data: name, instrument, unit, buckets and attributes.

Names that begin with ``guardedbedrock.`` are our own. Source: OpenTelemetry Semantic Conventions, "Semantic conventions for
generative AI metrics".
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from guardedbedrock.telemetry import names

_DURATION: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST_CHUNK: Final = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_TOKENS: Final = tuple(4.0**power for power in range(14))
_PREFLIGHT: Final = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 1e-2, 1e-1, 1.0)
_OF_A_REQUEST: Final = (names.OPERATION, names.PROVIDER, names.MODEL, names.RESPONSE_MODEL, names.ERROR_TYPE)


class Metric(NamedTuple):
    """
    A metric.

    Args:
        name: Its name.
        instrument: The kind of instrument.
        unit: The unit, in UCUM.
        attributes: Its attributes.
        meaning: What it measures.
        buckets: Bounds of a histogram.
        left_to_instrumentor: Whether an OpenTelemetry instrumentor of botocore records it instead, if one is active.
    """

    name: str
    instrument: Literal["counter", "histogram", "gauge"]
    unit: str
    attributes: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()
    left_to_instrumentor: bool = False


DECISIONS: Final = Metric(
    "guardedbedrock.decisions",
    "counter",
    "{decision}",
    (names.RPC_METHOD, names.DECISION, names.POLICY_TYPE),
    "decisions of the policies about calls",
)
PREFLIGHT: Final = Metric(
    "guardedbedrock.preflight.duration", "histogram", "s", (names.DECISION,), "duration of the policy evaluation", _PREFLIGHT
)
DIVERGENCES: Final = Metric(
    "guardedbedrock.preflight.divergences",
    "counter",
    "{call}",
    (names.RPC_METHOD, names.POLICY_TYPE),
    "calls that AWS and the preflight decided differently; only mode `report` sends a call that the preflight denied",
)
DENIALS: Final = Metric(
    "guardedbedrock.denials",
    "counter",
    "{denial}",
    (names.RPC_METHOD, names.ERROR_TYPE, names.POLICY_TYPE, names.SIMULATED),
    "calls that were denied, by this process or by AWS",
)
REFUSALS: Final = Metric(
    "guardedbedrock.refusals",
    "counter",
    "{call}",
    (names.RPC_METHOD, names.ERROR_TYPE, names.ENFORCED),
    "calls that the guard refused for another reason than a policy or, in mode `report`, would have refused",
)
INTERVENTIONS: Final = Metric(
    "guardedbedrock.interventions",
    "counter",
    "{intervention}",
    (names.RPC_METHOD, names.INTERVENTION, names.POLICY_KIND),
    "interventions, counted for each part of the guardrail that blocked or masked",
)
FINDINGS: Final = Metric(
    "guardedbedrock.findings",
    "counter",
    "{finding}",
    (names.RPC_METHOD, names.POLICY_KIND, names.FINDING),
    "what a guardrail detected and did not act on: filters in detect mode, automated reasoning",
)
UNGUARDED: Final = Metric(
    "guardedbedrock.unguarded_replies", "counter", "{reply}", (names.RPC_METHOD,), "replies that show that no guardrail ran"
)
RETRIES: Final = Metric(
    "guardedbedrock.retries",
    "counter",
    "{attempt}",
    (names.RPC_METHOD, names.ERROR_TYPE, names.BY),
    "attempts after the first",
)
SOURCE_AGE: Final = Metric(
    "guardedbedrock.source.age", "gauge", "s", (), "seconds since the policies were read, at each decision"
)
DURATION: Final = Metric(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    _OF_A_REQUEST,
    "duration of a request, including retries and the stream",
    _DURATION,
    left_to_instrumentor=True,
)
TOKENS: Final = Metric(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    (*_OF_A_REQUEST[:-1], names.TOKEN_TYPE),
    "input and output tokens",
    _TOKENS,
    left_to_instrumentor=True,
)
FIRST_CHUNK: Final = Metric(
    "gen_ai.client.operation.time_to_first_chunk",
    "histogram",
    "s",
    _OF_A_REQUEST[:-1],
    "seconds to the first event of a stream",
    _FIRST_CHUNK,
)

METRICS: Final = (
    DECISIONS,
    PREFLIGHT,
    DIVERGENCES,
    DENIALS,
    REFUSALS,
    INTERVENTIONS,
    FINDINGS,
    UNGUARDED,
    RETRIES,
    SOURCE_AGE,
    DURATION,
    TOKENS,
    FIRST_CHUNK,
)
