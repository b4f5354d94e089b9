"""
Policies for which the answer is unknown, each with its reason: AWS documents no rule, or the proof cannot express the form.

`harness.small_policies` leaves these forms out, so that the share of unknown answers there is the proof's own.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pytest

from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import PRINCIPAL, ProofPolicies
from guardedbedrock.governance.proof.questions import never
from guardedbedrock.iam import Gap, PolicySet

READ: Final = "s3:GetObject"
INVOKE: Final = "bedrock:InvokeModel"
ALLOW: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SESSION: Final = "arn:aws:sts::123456789012:assumed-role/App/session"
FEDERATED: Final = "arn:aws:sts::123456789012:federated-user/ana"
EXPRESSION: Final = "the answer depends on a condition or a pattern that the proof cannot express"
VARIABLES: Final = "the answer depends on a pattern with variables and wildcards that the proof cannot express"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allowed_if(**condition: Any) -> dict[str, Any]:
    return {"identity": [document({**ALLOW, "Condition": {name.replace("_", ":"): block for name, block in condition.items()}})]}


class Form(NamedTuple):
    """A form of policies with the reason of the unknown answer."""

    name: str
    reason: str
    policies: dict[str, Any]
    action: str = READ
    principal: str = PRINCIPAL
    resource: str = "*"


FORMS: Final = (
    Form(
        "any-value-if-exists-of-an-absent-key",
        "no certain decision",
        {
            "identity": [
                document(
                    {
                        **ALLOW,
                        "Condition": {
                            "ForAnyValue:StringEqualsIfExists": {"aws:CalledVia": "a"},
                            "Null": {"aws:CalledVia": "true"},
                        },
                    }
                )
            ]
        },
    ),
    Form(
        "arn-operator-on-another-text", "no certain decision", allowed_if(ArnLike={"k:text": "*"}, StringEquals={"k:text": "x"})
    ),
    Form("arn-pattern-with-fewer-parts", "no certain decision", allowed_if(ArnLike={"aws:SourceArn": "arn:aws:sns:*"})),
    Form("number-in-exponent-form", "no certain decision", allowed_if(NumericEquals={"aws:MultiFactorAuthAge": "1e3"})),
    Form("date-without-a-zone", "no certain decision", allowed_if(DateEquals={"aws:CurrentTime": "2026-01-02T03:04:05"})),
    Form(
        "list-without-set-prefix",
        "no certain decision",
        allowed_if(StringEquals={"aws:CalledVia": "a"}, ForAnyValue_StringEquals={"aws:CalledVia": "b"}),
    ),
    Form(
        "variable-before-the-fifth-colon",
        "no certain decision",
        {
            "identity": [
                document({**ALLOW, "Resource": "arn:aws:bedrock:${aws:RequestedRegion}::foundation-model/*"}),
            ]
        },
        INVOKE,
    ),
    Form(
        "not-resource-with-a-variable-without-value",
        "no certain decision",
        {
            "identity": [
                document(
                    {
                        "Effect": "Allow",
                        "Action": "*",
                        "NotResource": "arn:aws:s3:::b/${aws:PrincipalTag/x}",
                        "Condition": {"Null": {"aws:PrincipalTag/x": "true"}},
                    }
                )
            ]
        },
    ),
    Form(
        "rcp-on-a-service-that-aws-does-not-list",
        "no certain decision",
        {"identity": [document(ALLOW)], "rcp": [[document({**ALLOW, "Effect": "Deny", "Principal": "*"})]]},
        INVOKE,
    ),
    Form(
        "everyone-under-a-session-policy",
        "no certain decision",
        {
            "identity": [],
            "session": [document({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})],
            "resource": [document({**ALLOW, "Principal": "*"})],
        },
    ),
    Form(
        "allow-with-not-principal",
        "no certain decision",
        {"identity": [], "resource": [document({**ALLOW, "NotPrincipal": {"AWS": "arn:aws:iam::210987654321:user/ana"}})]},
    ),
    Form(
        "deny-that-excepts-a-session-in-part",
        "no certain decision",
        {
            "identity": [document(ALLOW)],
            "resource": [document({**ALLOW, "Effect": "Deny", "NotPrincipal": {"AWS": SESSION}})],
        },
        principal=SESSION,
    ),
    Form(
        "user-behind-a-federated-session",
        "no certain decision",
        {"identity": [], "resource": [document({**ALLOW, "Principal": {"AWS": "arn:aws:iam::123456789012:user/ana"}})]},
        principal=FEDERATED,
    ),
    Form(
        "key-policy-of-kms",
        "no certain decision",
        {"identity": [document(ALLOW)]},
        "kms:Decrypt",
        resource="arn:aws:kms:*:*:key/*",
    ),
    Form(
        "trust-policy-of-a-role",
        "no certain decision",
        {"identity": [document(ALLOW)]},
        "sts:AssumeRole",
        resource="arn:aws:iam::*:role/*",
    ),
    Form(
        "policies-that-could-not-be-read",
        "no certain decision",
        {"identity": [document(ALLOW)], "gaps": [Gap("scp", "the SCPs could not be read")]},
    ),
    Form("variable-that-ignores-case", EXPRESSION, allowed_if(StringEqualsIgnoreCase={"k:text": "${aws:PrincipalTag/x}"})),
    Form("variable-in-a-boolean", EXPRESSION, allowed_if(Bool={"k:flag": "${k:other}"})),
    Form(
        "no-match-with-a-variable-between-wildcards",
        VARIABLES,
        allowed_if(
            StringNotLike={"k:text": "a?${aws:PrincipalTag/x}*"}, StringEquals={"k:text": "axq", "aws:PrincipalTag/x": "q"}
        ),
    ),
)
"""Every form with its reason. One of a family of operators stands for all of them."""


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_the_answer_is_unknown_with_a_reason(form: Form) -> None:
    policies = ProofPolicies.of(PolicySet(**form.policies), form.principal)

    answer = never(policies, form.action, form.resource, options=Options(timeout=2))

    assert answer.answer == "unknown", answer.as_data()
    assert answer.reason.startswith(form.reason)
    assert "defect" not in answer.reason
