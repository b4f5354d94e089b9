"""Decisions: what they say of themselves, and what the engine needs to make them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from typing import Any, Final

import pytest

from guardedbedrock import iam

CALLER: Final = "arn:aws:sts::111122223333:assumed-role/App/run-1"
MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/acme.tiny-v1:0"
WHO: Final = f"User: {CALLER} is not authorized to perform: bedrock:InvokeModel on resource: {MODEL}"
ARN: Final = "arn:aws:organizations::999988887777:policy/o-a/service_control_policy/p-b"


def document(*effects: str, action: str = "bedrock:*", **more: Any) -> dict[str, Any]:
    """Make a document with one statement for each effect, named after it."""
    statements = [
        {"Sid": f"{effect}{i}", "Effect": effect, "Action": action, "Resource": "*", **more} for i, effect in enumerate(effects)
    ]
    return {"Version": "2012-10-17", "Statement": statements}


ALLOW, DENY, ELSEWHERE = document("Allow"), document("Deny"), document("Allow", action="s3:*")
DENY_NAMED, ELSEWHERE_NAMED = document("Deny", Principal="*"), document("Allow", action="s3:*", Principal="*")


def ask(unknown: tuple[str, ...] = (), **policies: Any) -> iam.Decision:
    """Ask whether the caller may invoke the model."""
    return iam.PolicySet(**policies).evaluate(iam.Request(CALLER, "bedrock:InvokeModel", MODEL, unknown=unknown))


@pytest.mark.parametrize(
    ("policies", "reason"),
    [
        ({"identity": []}, "because no identity-based policy allows the {action} action"),
        ({"identity": ALLOW, "boundary": ELSEWHERE}, "because no permissions boundary allows the {action} action"),
        ({"identity": ALLOW, "session": ELSEWHERE}, "because no session policy allows the {action} action"),
        ({"identity": ALLOW, "scp": [[ELSEWHERE]]}, "because no service control policy allows the {action} action"),
        ({"identity": ALLOW, "endpoint": ELSEWHERE_NAMED}, "because no VPC endpoint policy allows the {action} action"),
        ({"identity": DENY}, "with an explicit deny in an identity-based policy"),
        ({"boundary": DENY}, "with an explicit deny in a permissions boundary"),
        ({"session": DENY}, "with an explicit deny in a session policy"),
        ({"scp": [[DENY]]}, "with an explicit deny in a service control policy"),
        ({"rcp": [[DENY_NAMED]]}, "with an explicit deny in a resource control policy"),
        ({"endpoint": DENY_NAMED}, "with an explicit deny in a VPC endpoint policy"),
        ({"resource": DENY_NAMED}, "with an explicit deny in a resource-based policy"),
        ({"scp": [[iam.parse(DENY, "scp", arn=ARN)]]}, f"with an explicit deny in a service control policy: {ARN}"),
    ],
)
def test_a_denial_is_told_as_aws_tells_it(policies: dict[str, Any], reason: str) -> None:
    """The sentence names caller, action, resource and the clause of the policy type."""
    assert f"{WHO} {reason.format(action='bedrock:InvokeModel')}" == ask(**policies).message()


def test_a_resource_that_grants_nothing_across_accounts_is_named() -> None:
    """The clause of the resource-based policy, which is only ever missing across accounts."""
    guardrail = "arn:aws:bedrock:us-east-1:444455556666:guardrail/a"
    request = iam.Request(CALLER, "bedrock:ApplyGuardrail", guardrail)

    message = iam.PolicySet(identity=ALLOW).evaluate(request).message()

    assert message.endswith("because no resource-based policy allows the bedrock:ApplyGuardrail action")


@pytest.mark.parametrize("policies", [{"identity": ALLOW}, {"identity": document("Allow", Condition={"Bool": {"k": "true"}})}])
def test_what_is_no_denial_names_no_reason(policies: dict[str, Any]) -> None:
    """Of an allowed or indeterminate request the sentence has no clause."""
    assert ask(unknown=("k",), **policies).message() == WHO


def test_statements_say_where_they_stand() -> None:
    """Policy type, policy, place, Sid, effect and ARN of each determining statement, in the order of the policies."""
    bare = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    named = iam.parse({"Statement": [ALLOW["Statement"][0], bare]}, "boundary", name="Limits", arn="arn:b")

    statements = ask(scp=[[ALLOW], [ALLOW, DENY]], identity=[ALLOW, DENY], boundary=[named]).statements

    assert statements == (
        iam.StatementRef("scp", "scp[1][1]", 0, "Deny0", "Deny"),
        iam.StatementRef("identity", "identity[1]", 0, "Deny0", "Deny"),
        iam.StatementRef("boundary", "Limits", 1, None, "Deny", "arn:b"),
    )
    assert [str(one) for one in statements] == [
        "scp scp[1][1] statement Deny0",
        "identity identity[1] statement Deny0",
        "boundary Limits statement 1",
    ]


def test_the_arn_of_a_denial_is_of_the_policy_type_that_is_named() -> None:
    """Of several policies that deny, only one of the named type lends its ARN, and only where it has one."""
    boundary, scp = iam.parse(DENY, arn="arn:boundary"), iam.parse(DENY, "scp", arn="arn:scp")

    assert ask(identity=ALLOW, boundary=[boundary]).policy_arn == "arn:boundary"
    assert ask(identity=ALLOW, boundary=[boundary], scp=[[DENY, scp]]).policy_arn == "arn:scp"
    assert ask(identity=ALLOW, boundary=[boundary], scp=[[DENY]]).policy_arn is None


def test_only_an_explicit_denial_has_an_arn() -> None:
    """What lacks an Allow, or has one, points to no policy."""
    known = iam.parse(ALLOW, arn="arn:a")

    assert ask(identity=[known]).policy_arn is None
    assert ask(identity=[known], boundary=[iam.parse(ELSEWHERE, arn="arn:b")]).policy_arn is None


@pytest.mark.parametrize(
    ("policies", "denied"),
    [({"identity": ALLOW}, False), ({"identity": []}, True), ({"identity": DENY}, True)],
    ids=["allowed", "implicitDeny", "explicitDeny"],
)
def test_a_sure_answer_hangs_on_nothing(policies: dict[str, Any], *, denied: bool) -> None:
    """It is denied or it is not, and no key could change that."""
    decision = ask(unknown=("aws:SourceIp",), **policies)

    assert denied is decision.is_denied
    assert decision.hangs_on == ()


def test_an_open_answer_names_its_keys_as_the_policies_spell_them() -> None:
    """Sorted, each once, from conditions and from variables."""
    conditions = {
        "StringEquals": {"aws:ResourceTag/Team": "${aws:PrincipalTag/Team}"},
        "IpAddress": {"AWS:SourceIp": "10.0.0.0/8"},
    }

    decision = ask(
        ("aws:sourceip", "aws:PrincipalTag/*", "aws:resourcetag/*", "k:unread"), identity=document("Allow", Condition=conditions)
    )

    assert decision.outcome == "indeterminate"
    assert decision.policy_type is None
    assert not decision.is_denied
    assert decision.statements == ()
    assert decision.hangs_on == ("aws:PrincipalTag/Team", "aws:ResourceTag/Team", "AWS:SourceIp")


DECISIONS: Final = [
    ask(identity=ALLOW),
    ask(identity=[]),
    ask(identity=[ALLOW, DENY]),
    ask(("k",), identity=document("Allow", Condition={"Bool": {"k": "true"}})),
]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.outcome)
def test_a_decision_travels_with_its_answers(decision: iam.Decision) -> None:
    """Pickled and copied, it says the same without its policies."""
    for twin in (pickle.loads(pickle.dumps(decision)), copy.deepcopy(decision)):  # noqa: S301 - our own bytes
        assert decision == twin
        assert (decision.statements, decision.hangs_on, decision.message()) == (twin.statements, twin.hangs_on, twin.message())


@pytest.mark.parametrize(
    "record",
    [ask(identity=ALLOW), ask(identity=ALLOW).statements[0], ask(identity=ALLOW).request, iam.parse(ALLOW)],
    ids=lambda record: type(record).__name__,
)
def test_a_record_is_frozen(record: Any) -> None:
    """No field of a decision, a statement, a request or a document can be set."""
    for field in dataclasses.fields(record):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, None)


def test_a_policy_set_lists_what_it_holds() -> None:
    """Every document with its type, and a short word on all of them."""
    policies = iam.PolicySet(identity=[ALLOW, DENY], scp=[[ALLOW], []], boundary=ALLOW)

    assert [policy_type for policy_type, _ in policies] == ["identity", "identity", "boundary", "scp"]
    assert [document.name for _, document in policies] == ["identity[0]", "identity[1]", "boundary[0]", "scp[0][0]"]
    assert "identity=2" in repr(policies)


def test_one_policy_set_answers_many_actions() -> None:
    """More actions than are kept at hand, in any case, each with its own answer."""
    policies = iam.PolicySet(identity=document("Allow", action="acme:Get*"))

    for verb in ("Get", "get", "Put"):
        for number in range(1500):
            decision = policies.evaluate(iam.Request(CALLER, f"acme:{verb}{number}", "*"))
            assert (verb == "Put") is decision.is_denied


def test_the_engine_loads_nothing_but_the_standard_library() -> None:
    """Who only wants decisions does not pay for boto3."""
    probe = "import sys; before = set(sys.modules); import guardedbedrock.iam; print(*set(sys.modules) - before)"

    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()  # noqa: S603

    assert {module.split(".")[0] for module in loaded} - sys.stdlib_module_names == {"guardedbedrock"}
