"""The project's own cases of calls: they pass, and they leave no operation, no kind of model and no vocabulary out."""

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

CALLS: Final = cases.load(casefiles.CASES / "calls")
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
"""What a model identifier can name; the first is a name, which does not tell."""
GEOGRAPHIES: Final = ("amer", "apac", "au", "ca", "eu", "global", "in", "jp", "sa", "uk", "us", "us-gov")


@pytest.mark.parametrize("case", CALLS, ids=lambda case: case.id)
def test_a_call_is_decided_as_its_case_says(case: cases.Case) -> None:
    """With the decision and the determining statements."""
    assert cases.run(case).differences == {}


def test_every_case_is_a_call_and_says_why_and_what_decides() -> None:
    """One that does not say which statements decide can pass for the wrong reason."""
    assert [case.id for case in CALLS if case.call is None or not case.why or case.expect.determining is None] == []


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.service}-{row.name}")
def test_every_operation_is_allowed_in_one_case_and_denied_in_another(row: Operation) -> None:
    """However small it is."""
    decisions = {decision for call, decision in ASKED if (call.service, call.operation) == (row.service, row.name)}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_every_kind_is_allowed_in_one_case_and_denied_in_another(kind: str) -> None:
    """A name too, which does not tell what it names."""
    decisions = {decision for call, decision in ASKED if "modelId" in call.params and kind_of(call.params["modelId"]) == kind}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("geography", GEOGRAPHIES)
def test_profiles_of_every_geography_are_allowed_in_one_case_and_denied_in_another(geography: str) -> None:
    """Those that no table has as well."""
    named = [(str(call.params.get("modelId")).rpartition("/")[2], decision) for call, decision in ASKED]
    decisions = {decision for name, decision in named if name.startswith(f"{geography}.")}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("profile", GUARDRAIL_PROFILES)
def test_every_guardrail_profile_is_allowed_in_one_case_and_denied_in_another(profile: str) -> None:
    """In a Region that it can be called in."""
    decisions = {decision for call, decision in ASKED if any(guardrail.profile == profile for guardrail in call.guardrails)}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_every_vocabulary_is_allowed_in_one_case_and_denied_in_another(vocabulary: str) -> None:
    """Each on guarded calls."""
    decisions = {decision for call, decision in ASKED if call.vocabulary == vocabulary and call.guardrails}

    assert "allowed" in decisions
    assert decisions & DENIED


@pytest.mark.parametrize("bearer", BEARERS)
def test_every_kind_of_api_key_has_a_case(bearer: str) -> None:
    """None too."""
    assert [call for call, _ in ASKED if call.bearer == bearer] != []
