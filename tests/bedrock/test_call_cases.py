"""The cases of calls pass and cover every operation, kind of model, profile, vocabulary and kind of API key."""

from __future__ import annotations

from typing import Final

import pytest
from harness import casefiles

from guardedbedrock.bedrock import VOCABULARIES, Operation
from guardedbedrock.bedrock.caller import BEARERS
from guardedbedrock.bedrock.operations import TABLE
from guardedbedrock.bedrock.resources.models import kind_of
from guardedbedrock.bedrock.resources.profile_data import GUARDRAIL_PROFILES
from guardedbedrock.testing import cases

CALLS: Final = tuple(case for case in cases.load(casefiles.CASES / "calls") if isinstance(case, cases.Case))
ASKED: Final = tuple((case.call, case.expect.decision) for case in CALLS if case.call is not None)
DENIED: Final = frozenset({"implicitDeny", "explicitDeny"})
KINDS: Final = (
    "",
    "application-inference-profile",
    "custom-model-deployment",
    "default-prompt-router",
    "foundation-model",
    "imported-model",
    "inference-profile",
    "prompt",
    "prompt-router",
    "provisioned-model",
    "sagemaker",
)
"""The resource types that a model identifier can name; ``""`` is a name, which does not tell its type."""
GEOGRAPHIES: Final = ("amer", "apac", "au", "ca", "eu", "global", "in", "jp", "sa", "uk", "us", "us-gov")


@pytest.mark.parametrize("case", CALLS, ids=lambda case: case.id)
def test_call_case(case: cases.Case) -> None:
    """The decision and the determining statements are those of the case."""
    assert cases.run(case).differences == {}


def test_every_case_has_a_call_a_reason_and_determining_statements() -> None:
    """A case without determining statements could pass for the wrong reason."""
    assert [case.id for case in CALLS if case.call is None or not case.why or case.expect.determining is None] == []


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.service}-{row.name}")
def test_every_operation_has_an_allowed_and_a_denied_case(row: Operation) -> None:
    """No operation of the table is untested."""
    decisions = {decision for call, decision in ASKED if (call.service, call.operation) == (row.service, row.name)}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_has_an_allowed_and_a_denied_case(kind: str) -> None:
    """This includes a name that does not tell its type."""
    decisions = {decision for call, decision in ASKED if "modelId" in call.params and kind_of(call.params["modelId"]) == kind}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("geography", GEOGRAPHIES)
def test_profiles_of_every_geography_have_an_allowed_and_a_denied_case(geography: str) -> None:
    """This includes geographies without a row in the table."""
    named = [(str(call.params.get("modelId")).rpartition("/")[2], decision) for call, decision in ASKED]
    decisions = {decision for name, decision in named if name.startswith(f"{geography}.")}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("profile", GUARDRAIL_PROFILES)
def test_every_guardrail_profile_has_an_allowed_and_a_denied_case(profile: str) -> None:
    """The case calls it in a Region that it supports."""
    decisions = {decision for call, decision in ASKED if any(guardrail.profile == profile for guardrail in call.guardrails)}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_every_vocabulary_has_an_allowed_and_a_denied_case(vocabulary: str) -> None:
    """The cases are guarded calls."""
    decisions = {decision for call, decision in ASKED if call.vocabulary == vocabulary and call.guardrails}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("bearer", BEARERS)
def test_every_kind_of_api_key_has_a_case(bearer: str) -> None:
    """This includes calls without an API key."""
    assert [call for call, _ in ASKED if call.bearer == bearer] != []
