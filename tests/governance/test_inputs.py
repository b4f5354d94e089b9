"""Files of policies, for the commands `prove` and `replay`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from guardedbedrock import ConfigurationError, Guardrail
from guardedbedrock.governance.inputs import read_policy_input
from guardedbedrock.governance.proof.calls import requests_of
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.iam import PolicySet

if TYPE_CHECKING:
    from pathlib import Path

DENY = '{"Effect": "Deny", "Action": "*", "Resource": "*"}'
ALLOW = '{"Effect": "Allow", "Action": "*", "Resource": "*"}'

REJECTED = {
    "policy with a repeated key": (f'{{"Statement": [{DENY}], "Statement": [{ALLOW}]}}', "has the key `Statement` twice"),
    "statement with a repeated key": (
        '{"Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}',
        "has the key `Effect` twice",
    ),
    "policy type with a repeated key": (
        f'{{"identity": [{{"Statement": {DENY}}}], "identity": [{{"Statement": {ALLOW}}}]}}',
        "has the key `identity` twice",
    ),
    "trailing comma": (f'{{"Statement": [{DENY},]}}', "trailing comma in line 1"),
    "array": ("[]", "must be a JSON object"),
    "no policy": ("{}", r"policies\.json: is empty; write a policy, policies by type, or a snapshot"),
    "a file that does not exist": ('{"identity": "no.json"}', r"policies\.json: policies\.identity\[0\]: there is no file `"),
    "invalid policy by type": (
        f'{{"identity": {{"Statement": [{ALLOW.replace("Allow", "Alow")}]}}}}',
        r"^\S+/policies\.json: policies\.identity\[0\] at /Statement/0/Effect: should be",
    ),
    "other keys": ('{"a": 1}', "is not a policy"),
    "nested too deeply": ("[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize(("text", "problem"), REJECTED.values(), ids=REJECTED)
def test_an_invalid_file_of_policies_is_rejected(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "policies.json"
    file.write_text(text, "utf-8")

    with pytest.raises(ConfigurationError, match=problem):
        read_policy_input(file)


def test_a_missing_file_and_another_encoding_are_rejected(tmp_path: Path) -> None:
    file = tmp_path / "policies.json"
    with pytest.raises(ConfigurationError, match=r"policies\.json: cannot be read \(No such file or directory\)"):
        read_policy_input(file)

    file.write_bytes(b'{"Statement": "\xff"}')
    with pytest.raises(ConfigurationError, match=r"policies\.json: not UTF-8 text"):
        read_policy_input(file)


def test_numbers_of_a_calls_file_are_accepted(tmp_path: Path) -> None:
    call = '{"operation": "Converse", "params": {"modelId": "amazon.nova-lite-v1:0", "inferenceConfig": {"temperature": 0.5}}}'
    file = tmp_path / "calls.json"
    file.write_text(f"[{call}]", "utf-8")
    guardrail = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="1")
    policies = ProofPolicies.of(PolicySet(identity=f'{{"Statement": {ALLOW}}}'), "arn:aws:iam::123456789012:role/App")

    requests = requests_of(str(file), policies, [guardrail])

    assert [request.action for request in requests][:1] == ["bedrock:InvokeModel"]
