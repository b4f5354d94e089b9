"""The models that a guardrail is enforced on, and the authorizations of a call to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from guardedbedrock import ConfigurationError, EnforcedGuardrail, Guard, Guardrail, iam
from guardedbedrock.bedrock import Inventory
from guardedbedrock.bedrock.resources.enforced_guardrails import is_enforced
from guardedbedrock.settings import settings

if TYPE_CHECKING:
    from pathlib import Path

ROLE: Final = "arn:aws:iam::123456789012:role/App"
US: Final = "arn:aws:bedrock:us-east-1"
OWN: Final = Guardrail(f"{US}:123456789012:guardrail/abc123def456", version="3")
ENFORCED: Final = f"{US}:123456789012:guardrail/enforced0001"
NOVA: Final = "amazon.nova-lite-v1:0"
TITAN: Final = "amazon.titan-embed-text-v2:0"
COHERE: Final = "cohere.embed-v4:0"
SONIC: Final = "amazon.nova-sonic-v1:0"
APPLICATION: Final = f"{US}:123456789012:application-inference-profile/abc"
THROUGHPUT: Final = f"{US}:123456789012:provisioned-model/p1"
RESOLVED: Final = {APPLICATION: (f"us.{COHERE}",), THROUGHPUT: (NOVA, TITAN)}
EXCEPT: Final = {"included_models": ("ALL",), "excluded_models": (TITAN, COHERE)}
ONLY: Final = {"included_models": (NOVA, TITAN), "excluded_models": (TITAN,)}
ALL: Final = {"included_models": ("ALL",)}


@pytest.mark.parametrize(
    ("lists", "model", "expected"),
    [
        ({}, NOVA, True),
        ({}, TITAN, None),
        ({}, f"us.{COHERE}", None),
        ({}, SONIC, None),
        ({}, THROUGHPUT, True),
        (ALL, NOVA, True),
        (ALL, TITAN, None),
        (ALL, f"{US}:123456789012:imported-model/i1", True),
        (EXCEPT, NOVA, True),
        (EXCEPT, f"us.{NOVA}", True),
        (EXCEPT, TITAN, False),
        (EXCEPT, f"{US}::foundation-model/{TITAN}", False),
        (EXCEPT, f"us.{COHERE}", False),
        (EXCEPT, f"{US}:123456789012:inference-profile/us.{COHERE}", False),
        (EXCEPT, APPLICATION, False),
        (EXCEPT, THROUGHPUT, None),
        (EXCEPT, f"{US}:123456789012:imported-model/i1", None),
        (EXCEPT, "mx.acme.model-v1:0", None),
        (EXCEPT, None, None),
        (ONLY, NOVA, True),
        (ONLY, f"global.{NOVA}", True),
        (ONLY, f"{NOVA}:200k", None),
        (ONLY, TITAN, False),
        (ONLY, "anthropic.claude-3-haiku-20240307-v1:0", False),
        (ONLY, APPLICATION, False),
        (ONLY, f"{US}:123456789012:imported-model/i1", None),
    ],
)
def test_a_guardrail_is_enforced_on_the_models_of_its_lists(
    lists: dict[str, Any], model: str | None, *, expected: bool | None
) -> None:
    """Exclusion overrides inclusion. Without lists, AWS documents nothing for models that take no guardrail."""
    guardrail = EnforcedGuardrail(ENFORCED, "1", **lists) if lists else Guardrail(ENFORCED, "1")

    assert is_enforced(guardrail, model, Inventory(resolved_models=RESOLVED)) is expected


def simulate(enforced: Any, model: str, **policy: Any) -> Any:
    """Simulate a call whose caller may apply only its own guardrail."""
    statements = [
        {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*", **policy},
        {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": OWN.arn},
    ]
    policies = iam.PolicySet(identity={"Version": "2012-10-17", "Statement": statements})
    guard = Guard(guardrails=[OWN], policies=policies, principal=ROLE, enforced=enforced, listeners=())
    return guard.simulate("InvokeModel", {"modelId": model, "body": b"{}"}, region_name="us-east-1")


@pytest.mark.parametrize(
    ("lists", "model", "decision"),
    [
        ({}, NOVA, "implicitDeny"),
        ({}, TITAN, "indeterminate"),
        (ALL, TITAN, "indeterminate"),
        (EXCEPT, NOVA, "implicitDeny"),
        (EXCEPT, TITAN, "allowed"),
        (EXCEPT, f"us.{COHERE}", "allowed"),
        (ONLY, "anthropic.claude-3-haiku-20240307-v1:0", "allowed"),
    ],
)
def test_a_call_to_a_model_without_enforcement_needs_no_permission(lists: dict[str, Any], model: str, decision: str) -> None:
    assert simulate([EnforcedGuardrail(ENFORCED, "1", **lists)], model).decision == decision


def test_a_plain_guardrail_is_enforced_on_every_model_that_takes_one() -> None:
    assert simulate([Guardrail(ENFORCED, "1")], NOVA).decision == "implicitDeny"
    assert simulate([Guardrail(ENFORCED, "1")], TITAN).decision == "indeterminate"


@pytest.mark.parametrize(("lists", "decision"), [(EXCEPT, "implicitDeny"), (ALL, "indeterminate")])
def test_an_enforced_guardrail_hides_the_guardrail_key_only_of_the_models_that_it_is_enforced_on(
    lists: dict[str, Any], decision: str
) -> None:
    condition = {"StringEquals": {"bedrock:GuardrailIdentifier": f"{ENFORCED}:1"}}

    assert simulate([EnforcedGuardrail(ENFORCED, "1", **lists)], TITAN, Condition=condition).decision == decision


def test_a_guardrail_that_the_call_names_is_certain_although_its_enforcement_is_not() -> None:
    verdict = simulate([EnforcedGuardrail(OWN.arn, "3")], NOVA)

    assert [one.undocumented for one in verdict.authorizations] == [False, False]


def test_a_snapshot_without_models_is_read() -> None:
    entry = {"arn": ENFORCED, "version": 1, "region": "us-east-1", "origin": "ACCOUNT"}

    assert EnforcedGuardrail.from_snapshot(entry) == EnforcedGuardrail(ENFORCED, "1")
    assert EnforcedGuardrail.from_snapshot({**entry, "included_models": ["ALL"], "excluded_models": []}) == EnforcedGuardrail(
        ENFORCED, "1", included_models=("ALL",)
    )


def test_the_models_are_configured_in_a_table(tmp_path: Path) -> None:
    file = tmp_path / "guardedbedrock.toml"
    models = f'included_models = ["ALL"]\nexcluded_models = {json.dumps([TITAN])}\n'
    file.write_text(f'[[enforced]]\narn = "{ENFORCED}"\nversion = "1"\n{models}', "utf-8")

    (enforced,) = settings.load(file, environ={}, guardrails=[OWN]).enforced

    assert enforced == EnforcedGuardrail(ENFORCED, "1", included_models=("ALL",), excluded_models=(TITAN,))


def test_excluded_models_need_included_models(tmp_path: Path) -> None:
    file = tmp_path / "guardedbedrock.toml"
    file.write_text(f'[[enforced]]\narn = "{ENFORCED}"\nversion = "1"\nexcluded_models = ["{TITAN}"]\n', "utf-8")

    with pytest.raises(ConfigurationError, match="has `excluded_models` without `included_models`"):
        settings.load(file, environ={}, guardrails=[OWN])
