"""Decisions: their message, statements, keys and pickles."""

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
DENIED: Final = f"User: {CALLER} is not authorized to perform: bedrock:InvokeModel on resource: {MODEL}"
ARN: Final = "arn:aws:organizations::999988887777:policy/o-a/service_control_policy/p-b"


def document(*effects: str, action: str = "bedrock:*", **more: Any) -> dict[str, Any]:
    """Return a document with one statement for each effect; the Sid contains the effect."""
    statements = [
        {"Sid": f"{effect}{i}", "Effect": effect, "Action": action, "Resource": "*", **more} for i, effect in enumerate(effects)
    ]
    return {"Version": "2012-10-17", "Statement": statements}


ALLOW, DENY, ELSEWHERE = document("Allow"), document("Deny"), document("Allow", action="s3:*")
DENY_NAMED, ELSEWHERE_NAMED = document("Deny", Principal="*"), document("Allow", action="s3:*", Principal="*")


def decide(unknown: tuple[str, ...] = (), *, rcp_applies: bool = False, **policies: Any) -> iam.Decision:
    """Decide whether the caller may invoke the model."""
    request = iam.Request(CALLER, "bedrock:InvokeModel", MODEL, unknown=unknown, rcp_applies=rcp_applies)
    return iam.PolicySet(**policies).evaluate(request)


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
def test_the_message_of_a_denial_is_that_of_aws(policies: dict[str, Any], reason: str) -> None:
    """The message has the caller, the action, the resource and the clause of the policy type."""
    assert f"{DENIED} {reason.format(action='bedrock:InvokeModel')}" == decide(rcp_applies=True, **policies).message()


def test_a_missing_grant_of_another_account_names_the_resource_based_policy() -> None:
    """The clause of a resource-based policy occurs across accounts only."""
    guardrail = "arn:aws:bedrock:us-east-1:444455556666:guardrail/a"
    request = iam.Request(CALLER, "bedrock:ApplyGuardrail", guardrail)

    message = iam.PolicySet(identity=ALLOW).evaluate(request).message()

    assert message.endswith("because no resource-based policy allows the bedrock:ApplyGuardrail action")


@pytest.mark.parametrize("policies", [{"identity": ALLOW}, {"identity": document("Allow", Condition={"Bool": {"k": "true"}})}])
def test_the_message_of_other_outcomes_has_no_reason(policies: dict[str, Any]) -> None:
    """The message of an allowed or indeterminate request has no clause."""
    assert decide(unknown=("k",), **policies).message() == DENIED


def test_statement_references() -> None:
    """A reference has policy type, policy, position, Sid, effect and ARN; references are in the order of the policies."""
    bare = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    named = iam.parse({"Statement": [ALLOW["Statement"][0], bare]}, "boundary", name="Limits", arn="arn:b")

    statements = decide(scp=[[ALLOW], [ALLOW, DENY]], identity=[ALLOW, DENY], boundary=[named]).statements

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


def test_the_policy_arn_belongs_to_the_policy_type_of_the_decision() -> None:
    """If several policies deny, the ARN is that of a policy of the decision's type, if one of them has an ARN."""
    boundary, scp = iam.parse(DENY, arn="arn:boundary"), iam.parse(DENY, "scp", arn="arn:scp")

    assert decide(identity=ALLOW, boundary=[boundary]).policy_arn == "arn:boundary"
    assert decide(identity=ALLOW, boundary=[boundary], scp=[[DENY, scp]]).policy_arn == "arn:scp"
    assert decide(identity=ALLOW, boundary=[boundary], scp=[[DENY]]).policy_arn is None


def test_only_an_explicit_denial_has_an_arn() -> None:
    """An implicit deny and an allowed request have no policy ARN."""
    known = iam.parse(ALLOW, arn="arn:a")

    assert decide(identity=[known]).policy_arn is None
    assert decide(identity=[known], boundary=[iam.parse(ELSEWHERE, arn="arn:b")]).policy_arn is None


@pytest.mark.parametrize(
    ("policies", "denied"),
    [({"identity": ALLOW}, False), ({"identity": []}, True), ({"identity": DENY}, True)],
    ids=["allowed", "implicitDeny", "explicitDeny"],
)
def test_a_sure_outcome_depends_on_no_key(policies: dict[str, Any], *, denied: bool) -> None:
    """No unknown key can change a sure outcome, so none is named."""
    decision = decide(unknown=("aws:SourceIp",), **policies)

    assert denied is decision.is_denied
    assert decision.hangs_on == ()


def test_an_indeterminate_decision_names_keys_as_the_policies_spell_them() -> None:
    """The keys of conditions and of variables are sorted, each once."""
    conditions = {
        "StringEquals": {"aws:ResourceTag/Team": "${aws:PrincipalTag/Team}"},
        "IpAddress": {"AWS:SourceIp": "10.0.0.0/8"},
    }

    decision = decide(
        ("aws:sourceip", "aws:PrincipalTag/*", "aws:resourcetag/*", "k:unread"), identity=document("Allow", Condition=conditions)
    )

    assert decision.outcome == "indeterminate"
    assert decision.policy_type is None
    assert not decision.is_denied
    assert decision.statements == ()
    assert decision.hangs_on == ("aws:PrincipalTag/Team", "aws:ResourceTag/Team", "AWS:SourceIp")


DECISIONS: Final = [
    decide(identity=ALLOW),
    decide(identity=[]),
    decide(identity=[ALLOW, DENY]),
    decide(("k",), identity=document("Allow", Condition={"Bool": {"k": "true"}})),
]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.outcome)
def test_pickled_and_copied_decisions_keep_their_answers(decision: iam.Decision) -> None:
    """A pickled or copied decision gives the same answers without its policies."""
    for twin in (pickle.loads(pickle.dumps(decision)), copy.deepcopy(decision)):  # noqa: S301 - our own bytes
        assert decision == twin
        assert (decision.statements, decision.hangs_on, decision.message()) == (twin.statements, twin.hangs_on, twin.message())
        assert (decision.hangs_on_is_exact, decision.reasons) == (twin.hangs_on_is_exact, twin.reasons)


@pytest.mark.parametrize(
    "record",
    [decide(identity=ALLOW), decide(identity=ALLOW).statements[0], decide(identity=ALLOW).request, iam.parse(ALLOW)],
    ids=lambda record: type(record).__name__,
)
def test_a_record_is_frozen(record: Any) -> None:
    """No field of a decision, a statement, a request or a document can be set."""
    for field in dataclasses.fields(record):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, None)


def test_iterating_over_a_policy_set() -> None:
    """Iterating yields every document with its type; the representation has the number of documents."""
    policies = iam.PolicySet(identity=[ALLOW, DENY], scp=[[ALLOW], []], boundary=ALLOW)

    assert [policy_type for policy_type, _ in policies] == ["identity", "identity", "boundary", "scp"]
    assert [document.name for _, document in policies] == ["identity[0]", "identity[1]", "boundary[0]", "scp[0][0]"]
    assert "identity=2" in repr(policies)


def test_a_policy_set_decides_more_actions_than_it_caches() -> None:
    """Actions in upper and lower case are decided correctly, even if their plans are evicted."""
    policies = iam.PolicySet(identity=document("Allow", action="acme:Get*"))

    for verb in ("Get", "get", "Put"):
        for number in range(1500):
            decision = policies.evaluate(iam.Request(CALLER, f"acme:{verb}{number}", "*"))
            assert (verb == "Put") is decision.is_denied


def test_the_engine_loads_nothing_but_the_standard_library() -> None:
    """Importing the engine loads no third-party module."""
    probe = "import sys; before = set(sys.modules); import guardedbedrock.iam; print(*set(sys.modules) - before)"

    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()  # noqa: S603

    assert {module.split(".")[0] for module in loaded} - sys.stdlib_module_names == {"guardedbedrock"}
