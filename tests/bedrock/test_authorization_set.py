"""How the answers to all that a call asks add up to one."""

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
"""What is asked on: surely allowed, denied implicitly, explicitly, left open, denied by a resource control policy."""

YES, NO, NEVER, OPEN, REACHED = (((name,), {}) for name in RESOURCES)


def one_of(label: str, *names: str) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """RequiredAction one of some, nobody knows which."""
    return [((name,), {"one_of": label}) for name in names]


def undocumented(name: str) -> tuple[tuple[str], dict[str, Any]]:
    """RequiredAction what AWS may not ask."""
    return (name,), {"undocumented": True}


def missing_policy(name: str) -> tuple[tuple[str], dict[str, Any]]:
    """RequiredAction what another policy has a say in."""
    return (name,), {"missing_policy": "a policy of theirs"}


def asked(*asking: Any) -> tuple[AuthorizationSet, Any]:
    """Put the questions together, and the answers to them."""
    questions = tuple(
        RequiredAuthorization(
            Request(ROLE, "bedrock:X", f"arn:aws:bedrock:r:123456789012:{RESOURCES[name]}", {}, {"aws:X"}), **flags
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
def test_the_answers_add_up_to_one(asking: list[Any], outcome: str, denied: int | None) -> None:
    """The first sure denial counts; what AWS may not ask, or where another policy has a say, leaves the verdict open."""
    whole, answers = asked(*asking)

    assert (whole.outcome(answers, ("rcp",)), whole.first_denied(answers, ("rcp",))) == (outcome, denied)


def test_a_denial_of_a_type_that_counts_is_a_denial() -> None:
    """Nothing is inert unless somebody says so."""
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
def test_what_one_word_does_not_say_is_a_remark(asking: list[Any], fragment: str) -> None:
    """The intermittent denial, the undocumented one, the policy nobody gave."""
    whole, answers = asked(*asking)
    (remark,) = whole.remarks(answers, ("rcp",))

    assert fragment in remark


def test_a_resource_that_is_not_known_whole_is_a_remark() -> None:
    """It says how to tell the rest."""
    whole = AuthorizationSet(
        (RequiredAuthorization(Request(ROLE, "bedrock:X", "arn:aws:bedrock:r:123456789012:*", {}, {"resource:id"})),)
    )
    (remark,) = whole.remarks(tuple(POLICIES.evaluate(request) for request in whole.requests))

    assert remark.startswith("the resource is only partly known (`arn:aws:bedrock:r:123456789012:*`); name")


@pytest.mark.parametrize(
    "asking", [[YES], [NO], [OPEN], one_of("a", "yes", "yes"), one_of("a", "no", "never"), [missing_policy("no")]]
)
def test_what_needs_no_remark_has_none(asking: list[Any]) -> None:
    """A plain answer speaks for itself."""
    whole, answers = asked(*asking)

    assert list(whole.remarks(answers, ("rcp",))) == []
