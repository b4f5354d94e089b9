"""A guardrail that was created with the control plane, in the runtime of the same fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable

    Manage: TypeAlias = Callable[..., tuple[Any, Any, Any]]

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
TEXTS = {"name": "hr", "blockedInputMessaging": "not for me", "blockedOutputsMessaging": "better unsaid"}
SALARY = {"wordPolicyConfig": {"wordsConfig": [{"text": "salary"}]}}


def _words(**entry: Any) -> dict[str, Any]:
    return {"wordPolicyConfig": {"wordsConfig": [{"text": "salary", **entry}]}}


def _topic(**entry: Any) -> dict[str, Any]:
    topic = {"name": "Medical advice", "definition": "Health.", "examples": ["an illness"], "type": "DENY", **entry}
    return {"topicPolicyConfig": {"topicsConfig": [topic]}}


def _entity(kind: str, action: str, **entry: Any) -> dict[str, Any]:
    return {"sensitiveInformationPolicyConfig": {"piiEntitiesConfig": [{"type": kind, "action": action, **entry}]}}


def _regex(action: str, **entry: Any) -> dict[str, Any]:
    rule = {"name": "badge", "pattern": r"EMP-\d+", "action": action, **entry}
    return {"sensitiveInformationPolicyConfig": {"regexesConfig": [rule]}}


def _managed(**entry: Any) -> dict[str, Any]:
    return {"wordPolicyConfig": {"managedWordListsConfig": [{"type": "PROFANITY", **entry}]}}


def _filter(asked: str, answered: str, **entry: Any) -> dict[str, Any]:
    strengths = {"inputStrength": asked, "outputStrength": answered}
    return {"contentPolicyConfig": {"filtersConfig": [{"type": "INSULTS", **strengths, **entry}]}}


SAYING = "salary, an illness, medical advice, a@example.com, EMP-12, damn silly"
MASKED = SAYING.replace("a@example.com", "{EMAIL}")
UNBADGED = SAYING.replace("EMP-12", "{badge}")
FOUND: dict[str, tuple[dict[str, Any], str, str]] = {
    "nothing": ({}, SAYING, SAYING),
    "word": (SALARY, "not for me", "better unsaid"),
    "word-detected-only": (_words(inputAction="NONE", outputAction="NONE"), SAYING, SAYING),
    "word-in-prompts": (_words(outputEnabled=False), "not for me", SAYING),
    "word-in-answers": (_words(inputAction="NONE"), SAYING, "better unsaid"),
    "profanity": (_managed(), "not for me", "better unsaid"),
    "profanity-in-answers": (_managed(inputEnabled=False), SAYING, "better unsaid"),
    "topic-by-example": (_topic(), "not for me", "better unsaid"),
    "topic-by-name": (_topic(examples=["unheard"]), "not for me", "better unsaid"),
    "topic-without-examples": (_topic(name="Unheard", examples=[]), SAYING, SAYING),
    "topic-in-answers": (_topic(inputEnabled=False), SAYING, "better unsaid"),
    "entity-blocked": (_entity("EMAIL", "BLOCK"), "not for me", "better unsaid"),
    "entity-masked": (_entity("EMAIL", "ANONYMIZE"), MASKED, MASKED),
    "entity-masked-in-answers": (_entity("EMAIL", "ANONYMIZE", inputEnabled=False), SAYING, MASKED),
    "entity-blocked-in-prompts": (_entity("EMAIL", "ANONYMIZE", inputAction="BLOCK"), "not for me", MASKED),
    "entity-detected-only": (_entity("EMAIL", "NONE"), SAYING, SAYING),
    "entity-that-is-not-there": (_entity("LICENSE_PLATE", "BLOCK"), SAYING, SAYING),
    "regex-blocked": (_regex("BLOCK"), "not for me", "better unsaid"),
    "regex-masked": (_regex("ANONYMIZE"), UNBADGED, UNBADGED),
    "content": (_filter("HIGH", "HIGH"), "not for me", "better unsaid"),
    "content-in-answers": (_filter("NONE", "HIGH"), SAYING, "better unsaid"),
    "content-too-faint": (_filter("MEDIUM", "LOW"), SAYING, SAYING),
    "content-detected-only": (_filter("HIGH", "HIGH", inputAction="NONE", outputAction="NONE"), SAYING, SAYING),
}


@pytest.mark.parametrize(("config", "asked", "answered"), FOUND.values(), ids=FOUND)
def test_a_draft_takes_effect_immediately(manage: Manage, config: dict[str, Any], asked: str, answered: str) -> None:
    """ApplyGuardrail finds in prompts and in answers what CreateGuardrail configured for each."""
    _, control, runtime = manage()
    made = control.create_guardrail(**TEXTS, **config)
    named = {"guardrailIdentifier": made["guardrailId"], "guardrailVersion": "DRAFT"}

    replies = {
        source: runtime.apply_guardrail(**named, source=source, content=[{"text": {"text": SAYING}}])
        for source in ("INPUT", "OUTPUT")
    }

    texts = [reply["outputs"][0]["text"] if reply["outputs"] else SAYING for reply in replies.values()]
    assert texts == [asked, answered]
    for reply in replies.values():
        details = reply["assessments"][0]["appliedGuardrailDetails"]
        assert (details["guardrailArn"], details["guardrailVersion"]) == (made["guardrailArn"], "DRAFT")


def _said(runtime: Any, identifier: str, version: str) -> str:
    config = {"guardrailIdentifier": identifier, "guardrailVersion": version}
    ask = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "my salary"}]}]}
    return str(runtime.converse(**ask, guardrailConfig=config)["output"]["message"]["content"][0]["text"])


def test_a_version_does_not_change(manage: Manage) -> None:
    """A change of the DRAFT affects the DRAFT and later versions."""
    _, control, runtime = manage()
    arn = control.create_guardrail(**TEXTS, **SALARY)["guardrailArn"]

    control.create_guardrail_version(guardrailIdentifier=arn)
    control.update_guardrail(guardrailIdentifier=arn, **TEXTS)
    control.create_guardrail_version(guardrailIdentifier=arn)

    said = {version: _said(runtime, arn, version) for version in ("1", "2", "DRAFT")}
    assert said == {"1": "not for me", "2": "You said: my salary", "DRAFT": "You said: my salary"}


def test_a_version_keeps_the_differences_for_responses(manage: Manage) -> None:
    """If a DRAFT has different settings for prompts and responses, so does its version."""
    _, control, runtime = manage()
    arn = control.create_guardrail(**TEXTS, **_words(inputEnabled=False))["guardrailArn"]
    control.create_guardrail_version(guardrailIdentifier=arn)

    assert _said(runtime, arn, "1") == "better unsaid"


def test_a_configured_guardrail_has_a_draft(manage: Manage) -> None:
    """As at AWS, every guardrail has a DRAFT: the configured one, else a copy of the newest version."""
    old, new = (
        FakeGuardrail("abc123def456", "1"),
        FakeGuardrail("abc123def456", "2", denied_words=("salary",), blocked_input="no"),
    )
    both = FakeGuardrail("def456abc123", "DRAFT"), FakeGuardrail("def456abc123", "1", denied_words=("salary",))
    _, _, runtime = manage(guardrails=[new, old, *both])

    assert _said(runtime, "abc123def456", "DRAFT") == "no"
    assert _said(runtime, "def456abc123", "DRAFT") == "You said: my salary"


@pytest.mark.parametrize(("deleted", "gone"), [({"guardrailVersion": "1"}, ["1"]), ({}, ["1", "DRAFT"])])
def test_a_deleted_guardrail_cannot_be_used(manage: Manage, deleted: dict[str, str], gone: list[str]) -> None:
    """The runtime finds neither a deleted version nor any version of a deleted guardrail."""
    _, control, runtime = manage()
    arn = control.create_guardrail(**TEXTS)["guardrailArn"]
    control.create_guardrail_version(guardrailIdentifier=arn)

    control.delete_guardrail(guardrailIdentifier=arn, **deleted)

    for version in gone:
        with pytest.raises(runtime.exceptions.ValidationException):
            _said(runtime, arn, version)
    for version in {"1", "DRAFT"} - set(gone):
        assert _said(runtime, arn, version) == "You said: my salary"
