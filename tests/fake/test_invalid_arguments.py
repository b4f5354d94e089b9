"""Invalid arguments of the fake: an error names the argument immediately, instead of a wrong response later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from guardedbedrock import ConfigurationError
from guardedbedrock.testing import (
    Citation,
    FakeBedrock,
    FakeDocument,
    FakeEnforcement,
    FakeGuardrail,
    FakeInferenceProfile,
    FakeKnowledgeBase,
    ModelReply,
    Reasoning,
    ToolUse,
    faults,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]

HAIKU = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"
GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc"

IN_A_LIST = f"models: expected a list, got the string {HAIKU!r}; put it in a list"
TWICE = f"guardrails: version 1 of `{GUARDRAIL}` is given twice; remove one"

GUARDRAILS: list[tuple[dict[str, Any], str]] = [
    ({"identifier": 3}, "identifier: expected a string, got 3"),
    ({"version": 1}, "version: expected a string, got 1"),
    ({"denied_words": "salary"}, "denied_words: expected a list, got the string 'salary'; put it in a list"),
    ({"denied_words": 3}, "denied_words: expected a list, got 3"),
    ({"denied_words": ("",)}, "denied_words: '' is not a string with at least one visible character"),
    ({"denied_words": [" "]}, "denied_words: ' ' is not a string with at least one visible character"),
    ({"denied_words": [3]}, "denied_words: 3 is not a string with at least one visible character"),
    ({"denied_topics": ["pay"]}, "denied_topics: expected a mapping, got ['pay']"),
    ({"denied_topics": {"pay": "salary"}}, "denied_topics.pay: expected a list, got the string 'salary'; put it in a list"),
    ({"denied_topics": {3: ["salary"]}}, "denied_topics: the key 3 is not a string"),
    ({"managed_words": "PROFANITY"}, "managed_words: expected a list, got the string 'PROFANITY'; put it in a list"),
    ({"managed_words": [["PROFANITY"]]}, "managed_words: ['PROFANITY'] is unknown; known values are PROFANITY"),
    ({"content": {"HATE": ["LOW"]}}, "content.HATE: expected a strength, or one for prompts and one for responses, got ['LOW']"),
    ({"content": {"HATE": 3}}, "content.HATE: expected a strength, or one for prompts and one for responses, got 3"),
    ({"content": {"HATE": ("LOW", 3)}}, "content.HATE: 3 is unknown; known values are HIGH, LOW, MEDIUM, NONE"),
    ({"content_words": {"HATE": {"LOW": "x"}}}, "content_words.HATE.LOW: expected a list, got the string 'x'; put it in a list"),
    (
        {"content_words": {"HATE": {"HUGE": []}}},
        "content_words.HATE: 'HUGE' is unknown; known values are HIGH, LOW, MEDIUM, NONE",
    ),
    ({"pii": {"EMAIL": ["block"]}}, "pii.EMAIL: ['block'] is unknown; known values are anonymize, block"),
    ({"regexes": {"a": 3}}, "regexes.a: expected a pattern, or a pattern and `block` or `anonymize`, got 3"),
    ({"regexes": {"a": ("x",)}}, "regexes.a: expected a pattern, or a pattern and `block` or `anonymize`, got ('x',)"),
    ({"regexes": {"a": "x{99999999999}"}}, "regexes.a: not a regular expression: the repetition number is too large"),
    ({"grounding": {"GROUNDING": "x"}}, "grounding.GROUNDING: expected a number from 0 to 0.99, got 'x'"),
    ({"grounding": {"GROUNDING": 1}}, "grounding.GROUNDING: expected a number from 0 to 0.99, got 1"),
    ({"detect_only": "pay"}, "detect_only: expected a list, got the string 'pay'; put it in a list"),
    ({"detect_only": {"X"}}, "detect_only: 'X' is unknown; the guardrail has no words, topics or filters"),
    ({"detect_only": {"X"}, "denied_words": ["a"]}, "detect_only: 'X' is unknown; known values are a"),
    ({"blocked_input": None}, "blocked_input: expected a string, got None"),
    ({"tags": {"team": 3}}, "tags.team: expected a string, got 3"),
    ({"answers": "abc"}, "answers: expected a FakeGuardrail, got 'abc'"),
]


@pytest.mark.parametrize(("options", "problem"), GUARDRAILS)
def test_an_invalid_guardrail_is_rejected(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        FakeGuardrail(**{"identifier": "abc123def456", **options})

    assert str(caught.value) == problem


def test_a_list_works_like_a_tuple(serve: Serve, ask: dict[str, Any]) -> None:
    pairs: Any = {"content": {"HATE": ["LOW", "NONE"]}, "regexes": {"a": ["b", "block"]}}
    lists: Any = {"denied_words": ["there"], "detect_only": ["HATE"], **pairs}
    _, client = serve(guardrails=[FakeGuardrail("abc123def456", **lists)])

    reply = client.converse(**ask, guardrailConfig={"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"})

    assert reply["stopReason"] == "guardrail_intervened"


any_: Any = lambda value: value  # noqa: E731 - hides a wrong type from the type checker
RESOURCES: dict[str, tuple[Callable[[], object], str]] = {
    "document": (lambda: FakeDocument("x", uri=any_(3)), "uri: expected a string, got 3"),
    "metadata": (lambda: FakeDocument("x", metadata=any_("a")), "metadata: expected a mapping, got 'a'"),
    "documents": (lambda: FakeKnowledgeBase("HANDBOOK01", any_(3)), "documents: expected a list of FakeDocument or str, got 3"),
    "documents item": (lambda: FakeKnowledgeBase("HANDBOOK01", [any_(3)]), "documents: expected FakeDocument or str, got 3"),
    "knowledge base": (lambda: FakeKnowledgeBase(any_(3)), "identifier: expected a string, got 3"),
    "profile": (
        lambda: FakeInferenceProfile("us.x", any_(HAIKU)),
        IN_A_LIST,
    ),
    "no models": (lambda: FakeInferenceProfile("us.x", ()), "models: expected 1 to 5 models, got 0"),
    "enforcement": (lambda: FakeEnforcement("abc", any_(1)), "enforced: version: expected a string, got 1"),
    "enforced models": (
        lambda: FakeEnforcement("abc", "1", included_models=any_("ALL")),
        "enforced: included_models: expected a list, got the string 'ALL'; put it in a list",
    ),
    "tool": (lambda: ToolUse("f", any_("x")), "ToolUse: input: expected a mapping, got 'x'"),
    "tool name": (lambda: ToolUse("", {}), "ToolUse: name: must not be empty"),
    "tool input": (lambda: ToolUse("f", {"a": {1}}), "ToolUse: input: not JSON: Object of type set is not JSON serializable"),
    "reasoning": (lambda: Reasoning(any_(3)), "Reasoning: text: expected a string, got 3"),
    "citation": (lambda: Citation("a", document=-1), "Citation: document: expected a whole number of at least 0, got -1"),
    "blocks": (lambda: ModelReply(any_("text")), "ModelReply: blocks: expected a list, got the string 'text'; put it in a list"),
    "block": (lambda: ModelReply(any_((3,))), "ModelReply: blocks: 3 is not a string, ToolUse, Reasoning or Citation"),
}


@pytest.mark.parametrize(("make", "problem"), RESOURCES.values(), ids=RESOURCES)
def test_an_invalid_resource_is_rejected(make: Callable[[], object], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()

    assert str(caught.value) == problem


BASE, PROFILE = FakeKnowledgeBase("HANDBOOK01"), FakeInferenceProfile("us.x", (HAIKU,))
OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"guardrails": ["abc"]}, "guardrails: expected FakeGuardrail, got 'abc'"),
    ({"guardrails": "abc"}, "guardrails: expected a list of FakeGuardrail, got 'abc'"),
    ({"guardrails": [FakeGuardrail("abc")] * 2}, TWICE),
    (
        {"guardrails": [FakeGuardrail("abc"), FakeGuardrail(GUARDRAIL)]},
        TWICE,
    ),
    ({"knowledge_bases": [BASE, BASE]}, "knowledge_bases: `HANDBOOK01` is given twice; remove one"),
    ({"inference_profiles": [PROFILE, PROFILE]}, "inference_profiles: `us.x` is given twice; remove one"),
    ({"enforced": ["abc"]}, "enforced: expected FakeEnforcement, got 'abc'"),
    ({"credentials": ["abc"]}, "credentials: expected FakeCredentials or FakeApiKey, got 'abc'"),
    ({"policies": {"identity": []}}, "policies: expected a PolicySet or None, got {'identity': []}"),
    ({"regions": "us-west-2"}, "regions: expected a list of str, got 'us-west-2'"),
    ({"region": 3}, "region: expected a string, got 3"),
    ({"account": 123456789012}, "account: expected a string or None, got 123456789012"),
    ({"principal": 3}, "principal: expected a string or None, got 3"),
    ({"seed": "x"}, "seed: expected a whole number, got 'x'"),
    ({"seed": True}, "seed: expected a whole number, got True"),
    ({"keep": -1}, "keep: expected a whole number of at least 0, got -1"),
    ({"keep_bytes": 1.5}, "keep_bytes: expected a whole number of at least 0, got 1.5"),
    ({"verify_signatures": "yes"}, "verify_signatures: expected True or False, got 'yes'"),
    ({"replay": 3}, "replay: expected a path or None, got 3"),
]


@pytest.mark.parametrize(("options", "problem"), OPTIONS)
def test_an_invalid_option_is_rejected(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        FakeBedrock(**options)

    assert str(caught.value) == problem


def test_a_folder_can_be_a_string(serve: Serve, ask: dict[str, Any], tmp_path: Path) -> None:
    _, client = serve(record=f"{tmp_path}/recorded", invocation_logs=f"{tmp_path}/logs")
    said = client.converse(**ask)["output"]
    _, replaying = serve(replay=f"{tmp_path}/recorded")

    assert replaying.converse(**ask)["output"] == said
    assert list((tmp_path / "logs").iterdir())


SCRIPTS: dict[str, tuple[Callable[[FakeBedrock], object], str]] = {
    "number": (lambda fake: fake.reply(any_(3)), "reply: 3 is not a string, ToolUse, Reasoning, Citation, a list of them"),
    "mapping": (lambda fake: fake.reply(any_({"text": "x"})), "reply: {'text': 'x'} is not a string, ToolUse"),
    "item": (lambda fake: fake.reply([any_(3)]), "reply: 3 is not a string, ToolUse"),
    "no fault": (lambda fake: fake.fault(any_("Latency")), "fault: expected a fault such as Latency(0.2), got 'Latency'"),
    "class": (lambda fake: fake.fault(any_(faults.Latency)), "fault: expected a fault such as Latency(0.2), got <class"),
    "empty": (lambda fake: fake.fault(), "fault: needs at least one fault"),
    "chance": (lambda fake: fake.fault(faults.Latency(0), chance=any_("x")), "chance: expected a number from 0 to 1, got 'x'"),
}


@pytest.mark.parametrize(("script", "problem"), SCRIPTS.values(), ids=SCRIPTS)
def test_an_invalid_script_is_rejected(script: Callable[[FakeBedrock], object], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        script(FakeBedrock())

    assert str(caught.value).startswith(problem)


FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "latency": (lambda: faults.Latency(any_("x")), "Latency: seconds: expected a number, got 'x'"),
    "boolean": (lambda: faults.Latency(True), "Latency: seconds: expected a number, got True"),  # noqa: FBT003
    "status": (lambda: faults.Fail(any_("500"), "X"), "Fail: status: expected a whole number, got '500'"),
    "message": (lambda: faults.Fail(500, "X", any_(3)), "Fail: message: expected a string, got 3"),
    "by": (lambda: faults.Deny(any_(3)), "Deny: by: expected a string, got 3"),
    "rate": (lambda: faults.Throttle(any_("x")), "Throttle: rate: expected a number, got 'x'"),
    "length": (lambda: faults.WrongLength(any_("x")), "WrongLength: by: expected a whole number, got 'x'"),
    "code": (lambda: faults.BreakStream(any_(3)), "BreakStream: code: expected a string, got 3"),
    "after": (lambda: faults.HangUp(any_(None)), "HangUp: after: expected a whole number, got None"),
    "reset": (lambda: faults.HangUp(reset=any_(1)), "HangUp: reset: expected True or False, got 1"),
}


@pytest.mark.parametrize(("make", "problem"), FAULTS.values(), ids=FAULTS)
def test_an_invalid_fault_is_rejected(make: Callable[[], object], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()

    assert str(caught.value) == problem


@pytest.mark.parametrize("returned", [None, 3, {"text": "x"}, [3]])
def test_a_function_that_returns_no_reply_is_the_models_error(serve: Serve, ask: dict[str, Any], returned: Any) -> None:
    fake, client = serve()
    fake.reply(lambda _: returned)

    with pytest.raises(ClientError, match="the scripted function returned an invalid reply: ") as caught:
        client.converse(**ask)

    response = caught.value.response
    assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == (424, "ModelErrorException")


class Cut(faults.Fault):
    """Ends the connection without a response."""

    def fail(self, context: faults.FaultContext) -> None:  # noqa: ARG002, D102
        raise faults.HangUpError(reset=False)


def test_custom_fault_can_end_the_connection(serve: Serve) -> None:
    fake, client = serve()
    fake.fault(Cut())

    with pytest.raises(ConnectionClosedError):
        client.converse(modelId=HAIKU, messages=[])


def test_requests_of_two_operations_can_be_added(serve: Serve) -> None:
    fake, client = serve()
    client.converse(modelId=HAIKU, messages=[{"role": "user", "content": [{"text": "Hello"}]}])

    assert [one.operation for one in fake.calls("InvokeModel") + fake.calls("Converse")] == ["Converse"]
