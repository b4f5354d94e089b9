"""The guardrail rules with a proof: calls that no sample covers, and calls that cannot occur."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.run import LintOptions, lint
from guardedbedrock.governance.proof.solving.solver import Solver

if TYPE_CHECKING:
    from pathlib import Path

    from guardedbedrock.bedrock.resources.unsupported_models import UnsupportedModels

BOTH: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
APPROVED: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456:3"
KEY: Final = "bedrock:GuardrailIdentifier"
ALLOW: Final = {"Sid": "Call", "Effect": "Allow", "Action": BOTH, "Resource": "*"}
IN_SAMPLED_REGIONS: Final = {"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-central-1"]}}


def deny(**condition: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": BOTH, "Resource": "*", "Condition": condition}


REGIONAL: Final = [ALLOW, deny(StringNotEquals={KEY: APPROVED}, **IN_SAMPLED_REGIONS)]
"""Every sample request is in one of the regions of the Deny."""
CONTRADICTORY: Final = [
    {**ALLOW, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "a"}}},
    deny(StringNotEquals={"aws:PrincipalTag/team": "b"}),
]
"""No tag satisfies the Allow without meeting the Deny; a sample with an unknown tag cannot tell."""
ANY_ELSEWHERE: Final = [ALLOW, deny(Null={KEY: "true"}), deny(StringNotEquals={KEY: APPROVED}, **IN_SAMPLED_REGIONS)]


def messages(folder: Path, rule: str, statements: list[dict[str, Any]], **options: Any) -> list[str]:
    file = folder / "policy.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}), "utf-8")
    return [finding.message for finding in lint([file], LintOptions(select=(rule,), **options))]


@pytest.fixture
def no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cvc5", None)


def test_a_proof_finds_a_call_that_no_sample_has(tmp_path: Path) -> None:
    (message,) = messages(tmp_path, "GB201", REGIONAL)

    assert message.startswith("A call without a guardrail is possible: `bedrock:InvokeModel` on `arn:aws:bedrock:")
    assert "with `aws:RequestedRegion` = `" in message


def test_a_proof_drops_a_call_that_cannot_occur(tmp_path: Path) -> None:
    assert messages(tmp_path, "GB201", CONTRADICTORY) == []


@pytest.mark.usefixtures("no_solver")
def test_without_the_solver_the_samples_decide(tmp_path: Path) -> None:
    assert messages(tmp_path, "GB201", REGIONAL) == []
    (message,) = messages(tmp_path, "GB201", [*CONTRADICTORY[:1], deny(StringNotLike={"aws:PrincipalTag/team": "b*"})])
    assert message.endswith("is not denied.")
    assert messages(tmp_path, "GB202", ANY_ELSEWHERE) == []


def test_an_unknown_answer_leaves_the_decision_to_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Solver, "solve", lambda *_, **__: ("unknown", None, "the solver gave no answer: timeout"))

    assert messages(tmp_path, "GB201", REGIONAL) == []
    assert len(messages(tmp_path, "GB201", CONTRADICTORY)) == 1


def test_a_proof_finds_a_guardrail_that_no_policy_names(tmp_path: Path) -> None:
    assert messages(tmp_path, "GB201", ANY_ELSEWHERE) == []
    (message,) = messages(tmp_path, "GB202", ANY_ELSEWHERE)

    assert message.startswith("A guardrail that no policy names is accepted: `bedrock:InvokeModel` on ")
    assert f"`{KEY}` = `arn:aws" in message


def test_models_that_take_no_guardrail_are_left_out_of_the_proof(tmp_path: Path) -> None:
    exempt = "arn:aws:bedrock:*::foundation-model/amazon.titan-embed-*"
    model = "arn:aws:bedrock:*::foundation-model/acme.embed-v1"
    guarded = {**deny(StringNotEquals={KEY: APPROVED}), "NotResource": [exempt, model]}
    del guarded["Resource"]

    assert len(messages(tmp_path, "GB201", [ALLOW, guarded])) == 1
    assert messages(tmp_path, "GB201", [ALLOW, guarded], unguarded_models=("acme.embed-*",)) == []


@pytest.mark.parametrize("together", [False, True])
def test_a_configuration_names_models_that_take_no_guardrail(together: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter
    exempt = ["arn:aws:bedrock:*::foundation-model/amazon.titan-embed-*", "arn:aws:bedrock:*::foundation-model/acme.embed-v1"]
    guarded = {**deny(StringNotEquals={KEY: APPROVED}), "NotResource": exempt}
    del guarded["Resource"]
    policy = {"Version": "2012-10-17", "Statement": [ALLOW, guarded]}
    (tmp_path / "p.json").write_text(json.dumps(policy), "utf-8")
    config = tmp_path / "c.toml"

    def findings(more: str) -> int:
        config.write_text(f'{more}\npolicies.identity = "p.json"', "utf-8")
        return len(lint([config], LintOptions(select=("GB201",), together=together)))

    assert findings("") == 1
    assert findings('models_without_guardrail = ["acme.embed-*"]') == 0


@pytest.mark.parametrize("solver", [True, False])
@pytest.mark.parametrize("together", [False, True])
def test_a_client_that_refuses_embedding_models_exempts_none(
    together: bool,  # noqa: FBT001  # a parameter
    solver: bool,  # noqa: FBT001
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if not solver:
        request.getfixturevalue("no_solver")
    embedding = {**ALLOW, "Resource": "arn:aws:bedrock:*::foundation-model/amazon.titan-embed-text-v2:0"}
    file, config = tmp_path / "p.json", tmp_path / "c.toml"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": [embedding]}), "utf-8")
    config.write_text('unsupported_models = "refuse"\npolicies.identity = "p.json"', "utf-8")

    def findings(path: Path, mode: UnsupportedModels = "send") -> int:
        return len(lint([path], LintOptions(select=("GB201",), together=together, unsupported_models=mode)))

    assert (findings(file), findings(file, "refuse"), findings(config)) == (0, 1, 1)


def test_an_unknown_value_of_unsupported_models_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('unsupported_models = "ignore"\npolicies.identity = \'{"Statement": []}\'', "utf-8")

    with pytest.raises(ConfigurationError, match=r'c\.toml: unsupported_models: must be "send" or "refuse"'):
        lint([tmp_path / "c.toml"])


def test_the_keys_of_an_unknown_principal_are_free(tmp_path: Path) -> None:
    exempt = deny(StringNotEquals={KEY: APPROVED}, ArnNotLike={"aws:PrincipalArn": "arn:aws:iam::*:role/Admin"})

    assert len(messages(tmp_path, "GB201", [ALLOW, exempt])) == 1


@pytest.mark.parametrize("limit", [{"StringNotEquals": {KEY: APPROVED}}, {"Null": {KEY: "true"}}])
def test_a_common_deny_needs_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: dict[str, Any]) -> None:
    """A folder of such policies is linted without a solver."""
    monkeypatch.setattr(Solver, "solve", lambda *_, **__: pytest.fail("the solver was asked"))

    assert messages(tmp_path, "GB201", [ALLOW, deny(**limit)]) == []
