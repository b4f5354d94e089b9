"""Enforced guardrails and marked prompts: which guardrails run, on which content, and with which origin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from guardedbedrock import ConfigurationError, iam
from guardedbedrock.testing import FakeEnforcement, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]
    Manage: TypeAlias = Callable[..., tuple[Any, Any, Any]]

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
ELSEWHERE = "arn:aws:bedrock:us-east-1:210987654321:guardrail/org000000000"
OWN = FakeGuardrail("own000000000", denied_words=("salary",), blocked_input="own says no")
ACCOUNT = FakeGuardrail("acc000000000", denied_words=("password",), pii={"EMAIL": "anonymize"}, blocked_input="account says no")
ORGANIZATION = FakeGuardrail(ELSEWHERE, denied_words=("secret",), blocked_input="organization says no")
ALL = [OWN, ACCOUNT, ORGANIZATION]
NAMED = {"guardrailConfig": {"guardrailIdentifier": "own000000000", "guardrailVersion": "1", "trace": "enabled"}}


def _ask(*texts: str, system: str | None = None, **more: Any) -> dict[str, Any]:
    content = [{"guardContent": {"text": {"text": text[1:]}}} if text.startswith("!") else {"text": text} for text in texts]
    first = {"system": [{"text": system}]} if system else {}
    return {"modelId": MODEL, "messages": [{"role": "user", "content": content}], **first, **more}


def _text(reply: dict[str, Any]) -> str:
    return str(reply["output"]["message"]["content"][0]["text"])


def _enforce(control: Any, **config: Any) -> None:
    control.put_enforced_guardrail_configuration(
        guardrailInferenceConfig={"guardrailIdentifier": "acc000000000", "guardrailVersion": "1", **config}
    )


def test_enforced_guardrails_run_in_addition_to_that_of_the_request(manage: Manage) -> None:
    """Each guardrail can block and mask, and each is reported with its origin."""
    fake, control, client = manage(guardrails=ALL, enforced=[FakeEnforcement(ELSEWHERE, "1")])
    _enforce(control)

    said = {text: _text(client.converse(**_ask(text), **NAMED)) for text in ("salary", "password", "secret", "to a@example.com")}
    trace = client.converse(**_ask("hello"), **NAMED)["trace"]["guardrail"]

    assert said == {
        "salary": "own says no",
        "password": "account says no",
        "secret": "organization says no",
        "to a@example.com": "You said: to {EMAIL}",
    }
    details = {name: found["appliedGuardrailDetails"] for name, found in trace["inputAssessment"].items()}
    assert {name: (*one["guardrailOrigin"], one["guardrailOwnership"]) for name, one in details.items()} == {
        "own000000000": ("REQUEST", "SELF"),
        "acc000000000": ("ACCOUNT_ENFORCED", "SELF"),
        "org000000000": ("ORGANIZATION_ENFORCED", "CROSS_ACCOUNT"),
    }
    assert set(trace["outputAssessments"]) == set(details)
    assert fake.requests[-1].guardrail == ("own000000000", "1")


def test_an_enforced_guardrail_runs_for_every_request(manage: Manage) -> None:
    """In every operation, including streams. There is no trace, because the request enables none."""
    _, control, client = manage(guardrails=ALL)
    _enforce(control)
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "my password"}]}
    raw = {"modelId": MODEL, "body": json.dumps(body)}

    reply = client.converse(**_ask("my password"))
    events = list(client.converse_stream(**_ask("my password"))["stream"])
    invoked = json.loads(client.invoke_model(**raw)["body"].read())
    chunks = [json.loads(event["chunk"]["bytes"]) for event in client.invoke_model_with_response_stream(**raw)["body"]]

    assert (_text(reply), reply["stopReason"]) == ("account says no", "guardrail_intervened")
    assert "trace" not in reply
    assert {"messageStop": {"stopReason": "guardrail_intervened"}} in events
    assert invoked["amazon-bedrock-guardrailAction"] == chunks[-1]["amazon-bedrock-guardrailAction"] == "INTERVENED"
    (kept,) = control.list_enforced_guardrails_configuration()["guardrailsConfig"]
    control.delete_enforced_guardrail_configuration(configId=kept["configId"])
    assert _text(client.converse(**_ask("my password"))) == "You said: my password"


def test_a_guardrail_that_is_enforced_and_named_runs_once(manage: Manage) -> None:
    """Its assessment has both origins."""
    _, control, client = manage(guardrails=ALL, enforced=[FakeEnforcement("acc000000000", "1")])
    _enforce(control)
    config = {"guardrailConfig": {"guardrailIdentifier": "acc000000000", "guardrailVersion": "1", "trace": "enabled"}}

    found = client.converse(**_ask("hello"), **config)["trace"]["guardrail"]["inputAssessment"]

    origins = {name: one["appliedGuardrailDetails"]["guardrailOrigin"] for name, one in found.items()}
    assert origins == {"acc000000000": ["REQUEST", "ACCOUNT_ENFORCED", "ORGANIZATION_ENFORCED"]}


SEEN = {
    "comprehensive sees all": ({}, ("password", "!fine"), None, True),
    "comprehensive sees the system prompt": ({}, ("fine",), "password", True),
    "selective sees what is marked": ({"messages": "SELECTIVE"}, ("fine", "!password"), None, True),
    "selective does not see the rest": ({"messages": "SELECTIVE"}, ("password", "!fine"), None, False),
    "selective without marks sees all messages": ({"messages": "SELECTIVE"}, ("password",), None, True),
    "selective without marks sees no system prompt": ({"system": "SELECTIVE"}, ("fine",), "password", False),
}


@pytest.mark.parametrize(("guarding", "texts", "system", "blocked"), SEEN.values(), ids=SEEN)
def test_the_enforcement_selects_the_assessed_content(
    manage: Manage, guarding: dict[str, str], texts: tuple[str, ...], system: str | None, *, blocked: bool
) -> None:
    """The default is comprehensive, whatever the caller marked."""
    _, control, client = manage(guardrails=ALL)
    _enforce(control, selectiveContentGuarding=guarding) if guarding else _enforce(control)

    assert (_text(client.converse(**_ask(*texts, system=system))) == "account says no") is blocked


MODELS = {
    "included": (["ALL"], [], True),
    "named": ([MODEL], [], True),
    "another": (["amazon.titan-text-lite-v1"], [], False),
    "excluded": (["ALL"], [MODEL], False),
    "both": ([MODEL], [MODEL], False),
}


@pytest.mark.parametrize(("included", "excluded", "runs"), MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("through", [MODEL, f"us.{MODEL}", f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"])
def test_enforcement_is_for_some_models(
    manage: Manage, included: list[str], excluded: list[str], through: str, *, runs: bool
) -> None:
    """Each name of a model matches, and a model in both lists is excluded."""
    _, control, client = manage(guardrails=ALL)
    _enforce(control, modelEnforcement={"includedModels": included, "excludedModels": excluded})

    assert (_text(client.converse(**{**_ask("password"), "modelId": through})) == "account says no") is runs


def test_a_call_needs_permission_to_apply_the_enforced_guardrail(serve: Serve) -> None:
    """Models that it is not enforced on can still be called."""
    invoke = {"Effect": "Allow", "Action": "bedrock:Invoke*", "Resource": "*"}
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [invoke]}])
    enforced = FakeEnforcement(ELSEWHERE, "1", excluded_models=("amazon.titan-text-lite-v1",))
    _, client = serve(guardrails=ALL, policies=policies, enforced=[enforced])

    with pytest.raises(client.exceptions.AccessDeniedException, match=f"bedrock:ApplyGuardrail on resource: {ELSEWHERE}"):
        client.converse(**_ask("hello"))
    client.converse(**{**_ask("hello"), "modelId": "amazon.titan-text-lite-v1"})


def test_a_missing_enforced_guardrail_breaks_every_call(serve: Serve) -> None:
    """As AWS warns."""
    _, client = serve(enforced=[FakeEnforcement(ELSEWHERE, "7")])

    with pytest.raises(client.exceptions.ValidationException):
        client.converse(**_ask("hello"))


def test_an_unknown_kind_of_enforcement_is_rejected() -> None:
    """The error names both."""
    with pytest.raises(ConfigurationError, match="neither 'COMPREHENSIVE' nor 'SELECTIVE'"):
        FakeEnforcement("abc", "1", system="SOME")  # type: ignore[arg-type]


TAGS = "<amazon-bedrock-guardrails-guardContent_x1>{}</amazon-bedrock-guardrails-guardContent_x1>"
TAGGED = {
    "inside": (TAGS.format("my salary"), True),
    "outside": (f"my salary {TAGS.format('fine')}", False),
    "no tags": ("my salary", True),
    "tags of another suffix": (f"my salary {TAGS.format('fine')}".replace("_x1", "_x2"), True),
}


@pytest.mark.parametrize(("prompt", "blocked"), TAGGED.values(), ids=TAGGED)
def test_input_tags_select_the_assessed_content(serve: Serve, prompt: str, *, blocked: bool) -> None:
    """If the body contains their suffix. An enforced guardrail assesses everything."""
    fake, client = serve(guardrails=ALL)
    body = {"inputText": prompt, "amazon-bedrock-guardrailConfig": {"tagSuffix": "x1"}}
    call = {
        "modelId": "amazon.titan-text-lite-v1",
        "body": json.dumps(body),
        "guardrailIdentifier": "own000000000",
        "guardrailVersion": "1",
    }

    answer = json.loads(client.invoke_model(**call)["body"].read())

    assert (answer["results"][0]["outputText"] == "own says no") is blocked
    fake.configure(guardrails=ALL, enforced=[FakeEnforcement("own000000000", "1")])
    enforced = json.loads(client.invoke_model(**call)["body"].read())
    assert enforced["results"][0]["outputText"] == "own says no"


def _streamed(client: Any, mode: str | None) -> tuple[str, str]:
    config = {**NAMED["guardrailConfig"], **({"streamProcessingMode": mode} if mode else {})}
    events = list(client.converse_stream(**_ask("go on"), guardrailConfig=config)["stream"])
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    return text, next(event["messageStop"]["stopReason"] for event in events if "messageStop" in event)


def test_a_stream_is_assessed_before_it_is_sent_by_default(serve: Serve) -> None:
    """In asynchronous mode, words are sent before they are assessed: the denied word was sent, and nothing is masked."""
    guardrail = FakeGuardrail("own000000000", denied_words=("salary",), pii={"EMAIL": "anonymize"}, blocked_output="[stopped]")
    fake, client = serve(guardrails=[guardrail])
    fake.reply("The salary is high.", times=3)
    fake.reply("Write to a@example.com now.", times=2)

    assert _streamed(client, None) == ("[stopped]", "guardrail_intervened")
    assert _streamed(client, "sync") == ("[stopped]", "guardrail_intervened")
    assert _streamed(client, "async") == ("The salary[stopped]", "guardrail_intervened")
    assert _streamed(client, "sync") == ("Write to {EMAIL} now.", "guardrail_intervened")
    assert _streamed(client, "async") == ("Write to a@example.com now.", "end_turn")


def test_a_body_can_enable_the_asynchronous_mode(serve: Serve) -> None:
    """InvokeModel has another member and another value for it."""
    fake, client = serve(guardrails=[FakeGuardrail("own000000000", denied_words=("salary",), blocked_output="[stopped]")])
    fake.reply("The salary is high.", times=None)
    body = {"inputText": "go on", "amazon-bedrock-guardrailConfig": {"streamProcessingMode": "ASYNCHRONOUS"}}
    call = {
        "modelId": "amazon.titan-text-lite-v1",
        "body": json.dumps(body),
        "guardrailIdentifier": "own000000000",
        "guardrailVersion": "1",
    }

    chunks = [json.loads(event["chunk"]["bytes"]) for event in client.invoke_model_with_response_stream(**call)["body"]]
    whole = json.loads(client.invoke_model(**call)["body"].read())

    assert "".join(chunk["outputText"] for chunk in chunks) == "The salary[stopped]"
    assert whole["results"][0]["outputText"] == "[stopped]"


IMAGE = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
IMAGES = {
    "not marked": ([IMAGE, {"text": "look"}], {"guarded": 1, "total": 1}),
    "one of two marked": ([IMAGE, {"guardContent": IMAGE}, {"text": "look"}], {"guarded": 1, "total": 2}),
    "text marked": ([IMAGE, {"guardContent": {"text": {"text": "look"}}}], {"guarded": 0, "total": 1}),
    "none": ([{"text": "look"}], None),
}


@pytest.mark.parametrize(("content", "images"), IMAGES.values(), ids=IMAGES)
def test_images_are_counted(serve: Serve, content: list[dict[str, Any]], images: dict[str, int] | None) -> None:
    """Images are not assessed. The coverage reports their number."""
    _, client = serve(guardrails=[FakeGuardrail("own000000000", content={"VIOLENCE": "HIGH"})])
    reply = client.converse(modelId=MODEL, messages=[{"role": "user", "content": content}], **NAMED)

    metrics = reply["trace"]["guardrail"]["inputAssessment"]["own000000000"]["invocationMetrics"]
    assert metrics["guardrailCoverage"].get("images") == images
    assert metrics["usage"].get("contentPolicyImageUnits", 0) == (images or {"guarded": 0})["guarded"]


def test_images_are_counted_by_apply_guardrail(serve: Serve) -> None:
    """The same way."""
    _, client = serve(guardrails=[FakeGuardrail("own000000000")])
    content = [IMAGE, {"text": {"text": "look"}}]
    reply = client.apply_guardrail(guardrailIdentifier="own000000000", guardrailVersion="1", source="INPUT", content=content)

    assert reply["guardrailCoverage"]["images"] == {"guarded": 1, "total": 1}
