"""A resource-based policy that AWS would not attach to a guardrail is refused where policies are loaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from settings.samples import ARN, CALLER, GUARDED, GUARDRAIL, ROLE, write

from guardedbedrock import Guard, iam
from guardedbedrock.bedrock import Guardrail
from guardedbedrock.errors import ConfigurationError, PolicySyntaxError
from guardedbedrock.settings.settings import check, load, read_policies

if TYPE_CHECKING:
    from pathlib import Path

STATEMENT: Final = {"Sid": "Share", "Effect": "Allow", "Principal": "*", "Action": "bedrock:ApplyGuardrail", "Resource": ARN}
OPEN: Final = {"Version": "2012-10-17", "Statement": [STATEMENT]}
SHARED: Final = {
    "Version": "2012-10-17",
    "Statement": [STATEMENT | {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abc1234567"}}}],
}
ELSEWHERE: Final = {"Version": "2012-10-17", "Statement": [STATEMENT | {"Resource": "arn:aws:s3:::bucket/*"}]}
REASON: Final = " at /Statement/0/Principal: statement `Share` allows every principal of every organization, which AWS rejects "
FIX: Final = (
    "add the condition StringEquals on `aws:PrincipalOrgID`, and ForAnyValue:StringLike on `aws:PrincipalOrgPaths` for some units"
)
INLINE: Final = f"""
[[policies.resource]]
Version = "2012-10-17"
Statement = [{{ Sid = "Share", Effect = "Allow", Principal = "*", Action = "bedrock:ApplyGuardrail", Resource = "{ARN}" }}]
"""


def refusal(make: Any, **given: Any) -> str:
    """Expect a `ConfigurationError`, and return its message."""
    with pytest.raises(ConfigurationError) as caught:
        make(**given)
    return str(caught.value)


# The policies of a TOML file, and the location that the message begins with.
BAD_TABLES: dict[str, tuple[str, str]] = {
    "file": ("[policies]\nresource = 'p/open.json'\n", "{here}/p/open.json"),
    "one-of-several": ("[policies]\nresource = ['p/shared.json', 'p/open.json']\n", "{here}/p/open.json"),
    "glob": ("[policies]\nresource = 'p/*.json'\n", "{here}/p/open.json"),
    "json": (f"[policies]\nresource = '{json.dumps(OPEN)}'\n", "policies.resource[0]"),
    "table": (INLINE, "policies.resource[0]"),
}


@pytest.mark.parametrize(("table", "location"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_policy_that_aws_would_refuse_is_refused_at_load(table: str, location: str, here: Path) -> None:
    """The message names the file, the location in it and the fix."""
    files = {"p/open.json": OPEN, "p/shared.json": SHARED, "p/elsewhere.json": ELSEWHERE}
    write(here, {**files, "guardedbedrock.toml": CALLER + GUARDRAIL + table})

    sentence = refusal(Guard.from_config)

    assert sentence == refusal(load().policy_set)
    assert sentence.startswith(location.format(here=here) + REASON)
    assert sentence.endswith("in a policy on a guardrail: " + FIX)


def test_a_policy_that_aws_accepts_is_loaded(here: Path) -> None:
    """A policy of a guardrail must have the accepted form; a policy of another resource is not checked."""
    files = {"shared.json": SHARED, "elsewhere.json": ELSEWHERE}
    table = "[policies]\nresource = ['shared.json', 'elsewhere.json']\n"
    write(here, {**files, "guardedbedrock.toml": CALLER + GUARDRAIL + table})

    policies = load().policy_set()

    assert policies is not None
    assert [document.name for _, document in policies] == [str(here / name) for name in files]


def test_the_size_of_a_file_counts(here: Path) -> None:
    """A file is sent unchanged, including its white space."""
    write(here, {"big.json": json.dumps(SHARED).ljust(20_481)})

    sentence = refusal(read_policies, sources={"resource": "big.json"}, base=here)

    assert sentence.startswith(f"{here}/big.json: 20,481 characters with white space exceed the limit of 20,480 ")


def test_compiled_policies_are_checked_where_a_guard_accepts_them() -> None:
    """The engine accepts every resource-based policy; a guard accepts only those that AWS would attach."""
    policies = iam.PolicySet(identity=[], resource=[SHARED, OPEN])
    given: dict[str, Any] = {"guardrails": [Guardrail(ARN, "1")], "policies": policies, "principal": ROLE}

    assert refusal(Guard, **given).startswith(f"keyword argument policies: resource[1]{REASON}")
    assert refusal(Guard, **given) == refusal(check, **given)
    assert check(**given | {"policies": iam.PolicySet(resource=[SHARED, ELSEWHERE])}).policies is not None


def test_only_resource_based_policies_are_checked(here: Path) -> None:
    """A VPC endpoint policy also has a Principal, and may have any statement about guardrails."""
    write(here, {"open.json": OPEN})

    assert read_policies({"endpoint": "open.json"}, base=here) is not None
    assert load(environ=GUARDED, policies=iam.PolicySet(endpoint=OPEN), principal=ROLE).policies is not None


def test_the_error_has_its_location_as_data(here: Path) -> None:
    """The error class is that of any policy that AWS would reject."""
    with pytest.raises(PolicySyntaxError) as caught:
        read_policies({"resource": [OPEN]}, base=here)

    assert (caught.value.file, caught.value.pointer) == ("policies.resource[0]", "/Statement/0/Principal")
