"""How the decisions of all authorizations of a call combine into one outcome."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock.bedrock import AuthorizationSet, RequiredAuthorization
from guardedbedrock.iam import PolicySet, Request

ROLE: Final = "arn:aws:iam::123456789012:role/App"
POLICIES: Final = PolicySet(
    identity=[
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "bedrock:*",
                    "Resource": ["arn:aws:bedrock:*:*:yes", "arn:aws:bedrock:*:*:never", "arn:aws:bedrock:*:*:reached"],
                },
                {"Effect": "Deny", "Action": "bedrock:*", "Resource": "arn:aws:bedrock:*:*:never"},
                {
                    "Effect": "Allow",
                    "Action": "*",
                    "Resource": "arn:aws:bedrock:*:*:open",
                    "Condition": {"Bool": {"aws:X": "true"}},
                },
            ],
        }
    ],
    rcp=[
        [
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "arn:aws:bedrock:*:*:reached"},
            }
        ]
    ],
)
RESOURCES: Final = {"yes": "yes", "no": "other", "never": "never", "open": "open", "reached": "reached"}
"""Resources by their decision: allowed, implicitDeny, explicitDeny, indeterminate, denied by a resource control policy."""

_NO_CONTEXT: Final[dict[str, str]] = {}
YES, NO, NEVER, OPEN, REACHED = (((name,), _NO_CONTEXT) for name in RESOURCES)


def one_of(label: str, *names: str) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """Return authorizations of which AWS evaluates one."""
    return [((name,), {"one_of": label}) for name in names]


def undocumented(name: str) -> tuple[tuple[str], dict[str, Any]]:
    """Return an authorization that AWS may not evaluate."""
    return (name,), {"undocumented": True}


def missing_policy(name: str) -> tuple[tuple[str], dict[str, Any]]:
    """Return an authorization for which a policy is missing."""
    return (name,), {"missing_policy": "a policy of theirs"}


def asked(*asking: Any) -> tuple[AuthorizationSet, Any]:
    """Return an authorization set and the decisions on it."""
    questions = tuple(
        RequiredAuthorization(
            Request(ROLE, "bedrock:X", f"arn:aws:bedrock:r:123456789012:{RESOURCES[name]}", {}, {"aws:X"}, rcp_applies=True),
            **flags,
        )
        for (name,), flags in asking
    )
    whole = AuthorizationSet(questions)
    return whole, tuple(POLICIES.evaluate(request) for request in whole.requests)


@pytest.mark.parametrize(
    ("asking", "outcome", "denied"),
    [
        ([YES], "allowed", None),
        ([YES, NO, NEVER], "implicitDeny", 1),
        ([YES, NEVER, NO], "explicitDeny", 1),
        ([OPEN, NEVER], "explicitDeny", 1),
        ([OPEN, YES], "indeterminate", None),
        (one_of("a", "yes", "yes"), "allowed", None),
        (one_of("a", "yes", "never"), "indeterminate", None),
        (one_of("a", "open", "never"), "indeterminate", None),
        (one_of("a", "never", "no"), "explicitDeny", 0),
        ([*one_of("a", "yes", "no"), *one_of("b", "no", "never")], "implicitDeny", 2),
        ([*one_of("a", "yes", "no"), NO], "implicitDeny", 2),
        ([YES, undocumented("yes")], "allowed", None),
        ([YES, undocumented("never")], "indeterminate", None),
        ([undocumented("never"), NO], "implicitDeny", 1),
        ([YES, missing_policy("yes")], "indeterminate", None),
        ([YES, missing_policy("no")], "implicitDeny", 1),
        ([REACHED], "indeterminate", None),
        ([REACHED, NO], "implicitDeny", 1),
        (one_of("a", "reached", "never"), "indeterminate", None),
    ],
)
def test_outcome_is_the_first_certain_denial_if_there_is_one(asking: list[Any], outcome: str, denied: int | None) -> None:
    """Undocumented authorizations and missing policies make the outcome indeterminate, not denied."""
    whole, answers = asked(*asking)

    assert (whole.outcome(answers, ("rcp",)), whole.first_denied(answers, ("rcp",))) == (outcome, denied)


def test_a_denial_is_certain_unless_its_policy_type_is_advisory() -> None:
    """Without advisory policy types, a resource control policy denies."""
    whole, answers = asked(REACHED)

    assert (whole.outcome(answers), whole.first_denied(answers)) == ("explicitDeny", 0)


@pytest.mark.parametrize(
    ("asking", "fragment"),
    [
        (
            one_of("p routes to one of a, b", "yes", "never"),
            "p routes to one of a, b; some of these are denied, so some calls fail",
        ),
        ([YES, undocumented("no")], "AWS does not document whether it evaluates this, which would be denied: User: "),
        ([missing_policy("yes")], "the decision also depends on a policy of theirs, which is not configured"),
        ([REACHED], "AWS does not list Bedrock among the services that such policies apply to"),
    ],
)
def test_remarks_explain_what_the_outcome_does_not_show(asking: list[Any], fragment: str) -> None:
    """Intermittent denials, undocumented authorizations and missing policies each have a remark."""
    whole, answers = asked(*asking)
    (remark,) = whole.remarks(answers, ("rcp",))

    assert fragment in remark


def test_a_partly_known_resource_has_a_remark() -> None:
    """The remark says how to make the resource known."""
    whole = AuthorizationSet(
        (RequiredAuthorization(Request(ROLE, "bedrock:X", "arn:aws:bedrock:r:123456789012:*", {}, {"resource:id"})),)
    )
    (remark,) = whole.remarks(tuple(POLICIES.evaluate(request) for request in whole.requests))

    assert remark.startswith("the resource is only partly known (`arn:aws:bedrock:r:123456789012:*`); name")


@pytest.mark.parametrize(
    "asking", [[YES], [NO], [OPEN], one_of("a", "yes", "yes"), one_of("a", "no", "never"), [missing_policy("no")]]
)
def test_plain_decisions_have_no_remark(asking: list[Any]) -> None:
    """A remark appears only if the outcome needs an explanation."""
    whole, answers = asked(*asking)

    assert list(whole.remarks(answers, ("rcp",))) == []
