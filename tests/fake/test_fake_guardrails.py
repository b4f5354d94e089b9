"""Guardrails on the fake: what they find, and where each operation shows it."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing import FakeGuardrail
from guardedbedrock.testing.assessment import AssessedContent, assess, mask

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
HR = FakeGuardrail(
    ARN,
    name="hr",
    denied_words=("salary band",),
    denied_topics={"medical": ("diagnosis", "illness")},
    pii={"EMAIL": "anonymize", "US_SOCIAL_SECURITY_NUMBER": "block"},
    regexes={"badge": (r"EMP-\d{4}", "anonymize"), "code": r"SECRET-\w+"},
    blocked_input="not for me",
    blocked_output="better unsaid",
)
NAMED = {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"}


def _ask(text: str, **config: str) -> dict[str, Any]:
    return {
        "modelId": MODEL,
        "messages": [{"role": "user", "content": [{"text": text}]}],
        "guardrailConfig": {**NAMED, "trace": "enabled", **config},
    }


FINDINGS = {
    "nothing": ("hello", "NONE", "hello"),
    "word": ("what is my Salary Band?", "BLOCKED", "not for me"),
    "part-of-a-word": ("my salary bandwidth", "NONE", "my salary bandwidth"),
    "topic": ("a diagnosis, please", "BLOCKED", "not for me"),
    "email": ("to a.b+c@example.co.uk now", "ANONYMIZED", "to {EMAIL} now"),
    "ssn": ("it is 123-45-6789", "BLOCKED", "not for me"),
    "regex-masked": ("badge EMP-1234", "ANONYMIZED", "badge {badge}"),
    "regex-blocked": ("SECRET-x", "BLOCKED", "not for me"),
    "block-beats-mask": ("a@example.com SECRET-x", "BLOCKED", "not for me"),
}


@pytest.mark.parametrize(("text", "action", "goes_on"), FINDINGS.values(), ids=FINDINGS)
def test_the_strongest_finding_decides(text: str, action: str, goes_on: str) -> None:
    found = assess(HR, AssessedContent((text,), "INPUT"))

    assert (found.action, found.texts) == (action, (goes_on,))


PII = {
    "EMAIL": ["joe@example.com"],
    "PHONE": ["+1 415-555-0100", "(415) 555-0100", "4155550100"],
    "US_SOCIAL_SECURITY_NUMBER": ["123-45-6789"],
    "CREDIT_DEBIT_CARD_NUMBER": ["4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005"],
    "IP_ADDRESS": ["10.0.0.1"],
    "MAC_ADDRESS": ["00:1A:2b:3c:4d:5e"],
    "AWS_ACCESS_KEY": ["AKIAIOSFODNN7EXAMPLE"],
    "URL": ["https://example.com/a?b=c"],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in PII.items() for text in texts])
def test_each_kind_of_pii_is_found_as_that_kind_only(kind: str, text: str) -> None:
    guardrail = FakeGuardrail("a", pii=dict.fromkeys(PII, "anonymize"))

    assert mask(guardrail, f"see {text}, please").startswith(f"see {{{kind}}}")


def test_a_blocked_prompt_never_reaches_the_model(serve: Serve) -> None:
    fake, client = serve(guardrails=[HR])
    fake.reply("the scripted answer")

    blocked = client.converse(**_ask("my salary band"))
    answered = client.converse(**_ask("hello"))

    guardrail = blocked["trace"]["guardrail"]
    assessment = guardrail["inputAssessment"]["abc123def456"]
    assert blocked["stopReason"] == "guardrail_intervened"
    assert blocked["output"]["message"]["content"] == [{"text": "not for me"}]
    assert blocked["usage"] == {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}
    assert guardrail["actionReason"] == "Guardrail blocked."
    assert "outputAssessments" not in guardrail
    assert assessment["wordPolicy"]["customWords"] == [{"match": "salary band", "action": "BLOCKED", "detected": True}]
    assert assessment["invocationMetrics"]["guardrailCoverage"] == {"textCharacters": {"guarded": 14, "total": 14}}
    assert answered["output"]["message"]["content"] == [{"text": "the scripted answer"}]


def test_a_blocked_response_is_replaced_and_the_trace_contains_the_model_output(serve: Serve) -> None:
    fake, client = serve(guardrails=[HR])
    fake.reply("a diagnosis")

    response = client.converse(**_ask("hello"))

    guardrail = response["trace"]["guardrail"]
    (assessment,) = guardrail["outputAssessments"]["abc123def456"]
    assert response["stopReason"] == "guardrail_intervened"
    assert response["output"]["message"]["content"] == [{"text": "better unsaid"}]
    assert guardrail["modelOutput"] == ["a diagnosis"]
    assert assessment["topicPolicy"]["topics"] == [{"name": "medical", "type": "DENY", "action": "BLOCKED", "detected": True}]


def test_a_mask_is_an_intervention_too_and_the_model_sees_the_masked_prompt(serve: Serve) -> None:
    fake, client = serve(guardrails=[HR])

    response = client.converse(**_ask("write to a@example.com"))

    entities = response["trace"]["guardrail"]["inputAssessment"]["abc123def456"]["sensitiveInformationPolicy"]["piiEntities"]
    assert response["output"]["message"]["content"] == [{"text": "You said: write to {EMAIL}"}]
    assert response["stopReason"] == "guardrail_intervened"
    assert response["trace"]["guardrail"]["actionReason"] == "Guardrail masked."
    assert entities == [{"match": "a@example.com", "type": "EMAIL", "action": "ANONYMIZED", "detected": True}]
    assert fake.requests[0].guardrail == ("abc123def456", "1")


def test_no_trace_unless_asked_for(serve: Serve) -> None:
    _, client = serve(guardrails=[HR])

    assert "trace" not in client.converse(**_ask("my salary band", trace="disabled"))
    assert client.converse(**_ask("hello"))["stopReason"] == "end_turn"


def test_a_full_trace_names_topics_that_were_not_found(serve: Serve) -> None:
    _, client = serve(guardrails=[HR])

    trace = client.converse(**_ask("hello", trace="enabled_full"))["trace"]["guardrail"]

    found = trace["inputAssessment"]["abc123def456"]["topicPolicy"]["topics"]
    assert found == [{"name": "medical", "type": "DENY", "action": "NONE", "detected": False}]
    assert trace["actionReason"] == "No action."


def test_only_guard_content_is_guarded_if_there_is_any(serve: Serve) -> None:
    _, client = serve(guardrails=[HR])
    ask = _ask("an illness")
    ask["messages"][0]["content"].append({"guardContent": {"text": {"text": "hello"}}})
    ask["system"] = [{"text": "no diagnosis"}]

    response = client.converse(**ask | {"messages": ask["messages"]})

    coverage = response["trace"]["guardrail"]["inputAssessment"]["abc123def456"]["invocationMetrics"]["guardrailCoverage"]
    assert coverage == {"textCharacters": {"guarded": 5, "total": 27}}


def test_a_stream_shows_it_at_the_stop_and_in_the_metadata(serve: Serve) -> None:
    _, client = serve(guardrails=[HR])

    events = list(client.converse_stream(**_ask("my salary band"))["stream"])

    said = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert said == "not for me"
    assert events[-2]["messageStop"]["stopReason"] == "guardrail_intervened"
    assert "wordPolicy" in events[-1]["metadata"]["trace"]["guardrail"]["inputAssessment"]["abc123def456"]


def _body(text: str) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]}).encode()


@pytest.mark.parametrize(("text", "action"), [("my salary band", "INTERVENED"), ("hello", "NONE")])
def test_invoke_model_shows_it_in_the_body(serve: Serve, text: str, action: str) -> None:
    fake, client = serve(guardrails=[HR])

    response = client.invoke_model(modelId=MODEL, body=_body(text), trace="ENABLED", **NAMED)

    read = json.loads(response["body"].read())
    assert read["amazon-bedrock-guardrailAction"] == action
    assert "abc123def456" in read["amazon-bedrock-trace"]["guardrail"]["input"]
    assert fake.requests[0].guardrail == ("abc123def456", "1")


def test_invoke_model_shows_nothing_without_a_guardrail_and_no_trace_unasked(serve: Serve) -> None:
    _, client = serve(guardrails=[HR])

    bare = json.loads(client.invoke_model(modelId=MODEL, body=_body("my salary band"))["body"].read())
    guarded = json.loads(client.invoke_model(modelId=MODEL, body=_body("my salary band"), **NAMED)["body"].read())

    assert "amazon-bedrock-guardrailAction" not in bare
    assert "amazon-bedrock-trace" not in guarded


def test_a_stream_of_invoke_model_shows_it_in_the_last_chunk(serve: Serve) -> None:
    fake, client = serve(guardrails=[HR])
    fake.reply("an illness")

    response = client.invoke_model_with_response_stream(modelId=MODEL, body=_body("hello"), trace="ENABLED", **NAMED)

    chunks = [json.loads(event["chunk"]["bytes"]) for event in response["body"]]
    assert [chunk.get("amazon-bedrock-guardrailAction") for chunk in chunks[-2:]] == [None, "INTERVENED"]
    assert "topicPolicy" in chunks[-1]["amazon-bedrock-trace"]["guardrail"]["outputs"][0]["abc123def456"]


APPLIED = {
    "none": ("hello", "INPUT", "NONE", "No action.", []),
    "blocked-input": ("my salary band", "INPUT", "GUARDRAIL_INTERVENED", "Guardrail blocked.", ["not for me"]),
    "blocked-output": ("my salary band", "OUTPUT", "GUARDRAIL_INTERVENED", "Guardrail blocked.", ["better unsaid"]),
    "masked": ("a@example.com", "OUTPUT", "GUARDRAIL_INTERVENED", "Guardrail masked.", ["{EMAIL}"]),
}


@pytest.mark.parametrize("case", APPLIED.values(), ids=APPLIED)
@pytest.mark.parametrize("identifier", ["abc123def456", ARN])
def test_apply_guardrail(serve: Serve, identifier: str, case: tuple[str, str, str, str, list[str]]) -> None:
    text, source, action, reason, outputs = case
    _, client = serve(guardrails=[HR])

    response = client.apply_guardrail(
        guardrailIdentifier=identifier, guardrailVersion="1", source=source, content=[{"text": {"text": text}}]
    )

    assert (response["action"], response["actionReason"]) == (action, reason)
    assert [output["text"] for output in response["outputs"]] == outputs
    assert response["guardrailCoverage"]["textCharacters"] == {"guarded": len(text), "total": len(text)}
    assert response["usage"]["wordPolicyUnits"] == 1
    assert response["assessments"][0]["appliedGuardrailDetails"]["guardrailArn"] == ARN


MISSING = {
    "id": ("zzz", "1"),
    "version": ("abc123def456", "2"),
    "region": (ARN.replace("us-east-1", "eu-west-1"), "1"),
}


@pytest.mark.parametrize(("identifier", "version"), MISSING.values(), ids=MISSING)
def test_a_guardrail_of_another_region_or_version_is_unknown(serve: Serve, identifier: str, version: str) -> None:
    elsewhere = FakeGuardrail(ARN.replace("us-east-1", "eu-west-1"))
    _, client = serve(guardrails=[HR, elsewhere])

    with pytest.raises(client.exceptions.ValidationException) as error:
        client.converse(**_ask("hello", guardrailIdentifier=identifier, guardrailVersion=version))

    assert error.value.response["Error"]["Message"] == (
        "The guardrail identifier or version provided in the request does not exist."
    )


@pytest.mark.parametrize("half", [{"guardrailIdentifier": "abc123def456"}, {"guardrailVersion": "1"}])
def test_half_a_guardrail_is_invalid_and_an_empty_one_is_none(serve: Serve, ask: dict[str, Any], half: dict[str, str]) -> None:
    fake, client = serve(guardrails=[HR])

    with pytest.raises(client.exceptions.ValidationException):
        client.invoke_model(modelId=MODEL, body=b"{}", **half)
    with pytest.raises(client.exceptions.ValidationException):
        client.converse(**ask, guardrailConfig=half)
    client.converse(**ask, guardrailConfig={})
    assert [request.guardrail for request in fake.requests] == [None, None, None]


def test_an_identifier_of_the_article_needs_its_vocabulary(serve: Serve) -> None:
    loose = FakeGuardrail("G-HR-Compliance", denied_words=("salary",))
    _, strict = serve(guardrails=[loose])
    _, lenient = serve(guardrails=[loose], vocabulary="invoke-with-guardrail")
    ask = _ask("salary", guardrailIdentifier="G-HR-Compliance", trace="disabled")  # its trace violates AWS's pattern of an ID

    with pytest.raises(strict.exceptions.ValidationException, match="The provided guardrail identifier is invalid"):
        strict.converse(**ask)
    assert lenient.converse(**ask)["stopReason"] == "guardrail_intervened"


def test_a_guarded_body_must_be_readable(serve: Serve) -> None:
    _, client = serve(guardrails=[HR])

    with pytest.raises(client.exceptions.ValidationException, match="Guardrail was enabled but input is in incorrect format"):
        client.invoke_model(modelId=MODEL, body=b"not json", **NAMED)
    with pytest.raises(client.exceptions.ValidationException, match="requires a guardrail identifier"):
        client.invoke_model(modelId=MODEL, body=b'{"amazon-bedrock-guardrailConfig": {"tagSuffix": "x"}}')


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", ""])
def test_a_guarded_body_is_json(serve: Serve, content_type: str) -> None:
    _, client = serve(guardrails=[HR])

    reply = client.invoke_model(modelId=MODEL, body=b"{}", contentType=content_type, **NAMED)

    assert json.loads(reply["body"].read())["amazon-bedrock-guardrailAction"] == "NONE"


@pytest.mark.parametrize("operation", ["invoke_model", "invoke_model_with_response_stream"])
def test_a_guarded_body_of_another_content_type_is_a_validation_error(serve: Serve, operation: str) -> None:
    """Without a guardrail it is accepted."""
    _, client = serve(guardrails=[HR])
    call: dict[str, Any] = {"modelId": MODEL, "body": b"{}", "contentType": "text/plain"}

    with pytest.raises(client.exceptions.ValidationException, match="only requests with the content type application/json"):
        getattr(client, operation)(**call, **NAMED)
    with closing(getattr(client, operation)(**call)["body"]) as answer:
        assert list(answer)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"pii": {"SHOE_SIZE": "block"}}, "'SHOE_SIZE' is unknown"),
        ({"pii": {"EMAIL": "shred"}}, "'shred' is unknown"),
        ({"regexes": {"r": ("a", "mask")}}, "'mask' is unknown"),
        ({"regexes": {"r": "("}}, "regexes.r: "),
    ],
)
def test_an_invalid_guardrail_is_rejected(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        FakeGuardrail("abc123def456", **options)
