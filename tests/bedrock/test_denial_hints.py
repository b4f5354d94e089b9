"""Hints of simulated denials: the nearest statement, what it requires, what the call carries, what to fix."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock import Guard, Guardrail
from guardedbedrock.bedrock.errors.denial_hints import GUARDRAIL_RULES, denial_hint
from guardedbedrock.bedrock.errors.policy_mistakes import policy_mistakes
from guardedbedrock.iam import PolicySet, Request

ROLE: Final = "arn:aws:iam::111122223333:role/App"
ARN: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc"
MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
KEY: Final = "bedrock:GuardrailIdentifier"


def statement(effect: str = "Allow", action: Any = "bedrock:InvokeModel", **more: Any) -> dict[str, Any]:
    """Return a statement with the Sid ``S``."""
    return {"Sid": "S", "Effect": effect, "Action": action, "Resource": "*", **more}


def identity(*statements: Any) -> PolicySet:
    """Return one identity-based policy."""
    return PolicySet(identity=[{"Version": "2012-10-17", "Statement": list(statements)}])


def hint(policies: PolicySet, action: str = "bedrock:InvokeModel", resource: str = MODEL, **context: str) -> str:
    """Return the hint for a request that the policies deny."""
    keys = {key.replace("_", ":"): value for key, value in context.items()}
    decision = policies.evaluate(Request(ROLE, action, resource, keys))
    assert decision.is_denied
    return denial_hint(decision, policy_mistakes(policies))


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    """Return a condition block."""
    return {"Condition": {operator: {key: list(values)}}}


@pytest.mark.parametrize("rule", GUARDRAIL_RULES, ids=lambda rule: rule.name)
def test_each_guardrail_rule_applies_to_its_example(rule: Any) -> None:
    """The example of a rule gets the advice of that rule, and the hint suggests no grant."""
    policy, carried = rule.example
    context = {} if carried is None else {KEY.replace(":", "_"): carried}

    found = hint(identity(statement(**when("StringEquals", KEY, policy))), **context)

    assert found.endswith(rule.advice((policy,), carried))
    assert found.startswith(f"statement `S` of identity[0] allows `bedrock:InvokeModel` only if `{KEY}` is `{policy}`; ")
    assert "grant" not in found


def test_hint_for_another_version_names_both_versions() -> None:
    """This is the example of the documentation."""
    policies = identity(statement(**when("StringEquals", KEY, f"{ARN}:3")))

    assert hint(policies, bedrock_GuardrailIdentifier=f"{ARN}:2") == (
        f"statement `S` of identity[0] allows `bedrock:InvokeModel` only if `{KEY}` is `{ARN}:3`; the call carries `{ARN}:2`: "
        "approve version 3"
    )


OTHER: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/other"


@pytest.mark.parametrize(
    ("operator", "policy", "carried", "expected"),
    [
        pytest.param("StringEquals", ["other"], f"{ARN}:3", f"such as `{OTHER}:1`; a guardrail ID", id="ID of another guardrail"),
        pytest.param(
            "StringEquals", ["other:2"], f"{ARN}:3", f"such as `{OTHER}:2`; a", id="ID and version of another guardrail"
        ),
        pytest.param("StringEquals", ["guardrail/other"], ARN, f"such as `{OTHER}:1`; a", id="last part of the ARN"),
        pytest.param("StringEquals", ["abc"], f"{ARN}:3", f"such as `{ARN}:3`; a guardrail ID", id="ID of the call"),
        pytest.param("StringEquals", ["abc:2"], f"{ARN}:3", f"such as `{ARN}:2`; a", id="ID of the call in another version"),
        pytest.param("StringEquals", ["abc"], ARN, f"such as `{ARN}:1`; a guardrail ID", id="ID of the call's working draft"),
        pytest.param("StringEquals", ["other", "abc"], f"{ARN}:3", f"such as `{ARN}:3`; a", id="ID of the call among others"),
        pytest.param("StringEquals", ["other", f"{ARN}:2"], f"{ARN}:3", ": approve version 2", id="ID and an ARN that can match"),
        pytest.param("StringEquals", ["other", f"{ARN}:2"], None, ": send an approved guardrail", id="ID and no guardrail"),
        pytest.param(
            "ArnLike",
            [f"{ARN}:*"],
            ARN,
            "working draft, whose key is the ARN without a version: approve a numbered ver",
            id="any version",
        ),
        pytest.param("ArnLike", [f"{ARN}:?"], ARN, "without a version: approve a numbered version", id="one-digit version"),
        pytest.param("ArnLike", [f"{ARN}:?"], f"{ARN}:12", ": approve a numbered version that matches", id="two digits for one"),
        pytest.param(
            "ArnLike", ["arn:aws:bedrock:*:*:guardrail/abc:3"], f"{ARN}:2", ": approve version 3", id="pattern and version"
        ),
        pytest.param("StringEquals", [f"{ARN}:3", f"{ARN}:4"], f"{ARN}:2", ": approve version 3 or 4", id="two versions"),
        pytest.param("StringEquals", [ARN, f"{ARN}:3"], f"{ARN}:2", ": approve version 3", id="working draft and a version"),
        pytest.param("StringEquals", [f"{OTHER}:3"], f"{ARN}:3", ": send the guardrail that the condition names", id="other"),
        pytest.param(
            "StringEquals",
            [f"{ARN}:*"],
            f"{ARN}:3",
            ": `StringEquals` compares `*` and `?` literally: write `StringL",
            id="literal",
        ),
        pytest.param(
            "StringNotEquals",
            [f"{ARN}:3"],
            f"{ARN}:3",
            ": send an approved guardrail that the condition does not name",
            id="excluded",
        ),
        pytest.param(
            "Null", ["true"], f"{ARN}:3", "requires a call without a guardrail; write `false` to require one", id="null"
        ),
    ],
)
def test_hint_never_suggests_to_require_the_guardrail_of_the_call_instead(
    operator: str, policy: list[str], carried: str | None, expected: str
) -> None:
    """The policy says which guardrail is required, so the call must change, or the spelling of the same guardrail."""
    context = {} if carried is None else {KEY.replace(":", "_"): carried}

    found = hint(identity(statement(**when(operator, KEY, *policy))), **context)

    assert expected in found
    assert "change the condition" not in found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            statement(Resource=f"{MODEL}x"),
            f"allows `bedrock:InvokeModel` only on `{MODEL}x`; the call uses `{MODEL}`: add the resource to that statement, so "
            "that its conditions apply to it too",
            id="resource",
        ),
        pytest.param(
            statement(**when("StringLike", KEY, "arn:*:1", "arn:*:2", "arn:*:3", "arn:*:4")),
            f"only if `{KEY}` matches `arn:*:1` or `arn:*:2` or `arn:*:3` or 1 more; the call carries no guardrail",
            id="several values",
        ),
        pytest.param(
            statement(**when("Null", KEY, "false")), f"only if `{KEY}` is present; the call carries no guardrail", id="null"
        ),
        pytest.param(
            statement(**when("Bool", "aws:MultiFactorAuthPresent", "true")),
            "only if `aws:MultiFactorAuthPresent` is `true`; `aws:MultiFactorAuthPresent` is absent: meet the condition",
            id="another key",
        ),
        pytest.param(
            {**statement(), "NotResource": MODEL, "Resource": None},
            f"only on resources other than `{MODEL}`; the call uses `{MODEL}`: use a resource that the statement does not ex",
            id="excluded resource",
        ),
        pytest.param(
            statement(**when("ForAnyValue:StringEquals", "aws:CalledVia", "x")),
            "only if `aws:CalledVia` satisfies ForAnyValue:StringEquals `x`",
            id="set operator",
        ),
        pytest.param(
            statement(Resource=f"{MODEL}x", **when("StringEquals", KEY, f"{ARN}:3")),
            f"only on `{MODEL}x` and if `{KEY}` is `{ARN}:3`",
            id="resource and condition",
        ),
    ],
)
def test_hint_of_an_implicit_deny_names_the_failing_elements(given: dict[str, Any], expected: str) -> None:
    """The nearest statement is explained, and the hint suggests no grant."""
    found = hint(identity({key: value for key, value in given.items() if value is not None}))

    assert expected in found
    assert "grant" not in found
    assert "or change" not in found


def test_hint_explains_the_statement_that_came_nearest() -> None:
    """A statement that fails on one condition is nearer than one that fails on resource and condition."""
    far = {**statement(Resource="arn:aws:bedrock:::x", **when("Bool", "aws:SecureTransport", "true")), "Sid": "Far"}
    near = {**statement(**when("StringEquals", KEY, f"{ARN}:3")), "Sid": "Near"}

    assert hint(identity(far, near)).startswith("statement `Near`")


@pytest.mark.parametrize(
    ("given", "context", "expected"),
    [
        (
            when("StringNotEquals", KEY, f"{ARN}:3"),
            {"bedrock_GuardrailIdentifier": f"{ARN}:2"},
            f"denies `bedrock:InvokeModel` unless `{KEY}` is `{ARN}:3`; the call carries `{ARN}:2`: approve version 3",
        ),
        (
            when("StringEquals", KEY, f"{ARN}:2"),
            {"bedrock_GuardrailIdentifier": f"{ARN}:2"},
            f"if `{KEY}` is `{ARN}:2`; the call carries `{ARN}:2`: send an approved guardrail that the condition does not name",
        ),
        (
            when("Null", KEY, "false"),
            {"bedrock_GuardrailIdentifier": f"{ARN}:2"},
            f"if `{KEY}` is present; the call carries `{ARN}:2`: the condition requires a call without a guardrail; write `true`",
        ),
        (
            when("StringNotEquals", "aws:RequestedRegion", "us-east-1"),
            {"aws_RequestedRegion": "us-west-2"},
            "unless `aws:RequestedRegion` is `us-east-1`; the call carries `us-west-2`: meet the condition",
        ),
        (
            when("StringNotEquals", KEY, f"{ARN}:3"),
            {},
            f"unless `{KEY}` is `{ARN}:3`; the call carries no guardrail: send an approved guardrail",
        ),
        (when("Null", KEY, "true"), {}, f"if `{KEY}` is absent; the call carries no guardrail: send an approved guardrail"),
        (
            when("StringEquals", "aws:RequestedRegion", "us-east-1"),
            {"aws_RequestedRegion": "us-east-1"},
            "if `aws:RequestedRegion` is `us-east-1`; the call carries `us-east-1`: send a call that does not meet the condition",
        ),
        (
            {},
            {},
            "has no condition and denies `bedrock:InvokeModel` on this resource; only a change of that statement could allow it",
        ),
        (
            {"Resource": "arn:aws:bedrock:*::foundation-model/*nova*"},
            {},
            "on this resource; call another model; only a change of that statement could allow it",
        ),
    ],
)
def test_hint_of_an_explicit_deny_names_the_condition(given: dict[str, Any], context: dict[str, str], expected: str) -> None:
    """An explicit deny cannot be overridden, so the hint says how the condition is met or avoided."""
    found = hint(identity(statement("Allow"), {**statement("Deny", "bedrock:Invoke*", **given), "Sid": "D"}), **context)

    assert found.startswith("no Allow can override an explicit deny; statement `D` of identity[0] ")
    assert expected in found
    assert "grant" not in found
    assert "or change" not in found


@pytest.mark.parametrize(
    ("action", "denied", "expected"),
    [
        ("bedrock:Converse", "bedrock:InvokeModel", "Converse requires `bedrock:InvokeModel`"),
        ("bedrock:ConverseStream", "bedrock:InvokeModelWithResponseStream", "requires `bedrock:InvokeModelWithResponseStream`"),
        ("bedrock:InvokeModelWithGuardrail", "bedrock:ApplyGuardrail", "`bedrock:ApplyGuardrail` on the guardrail"),
        ("bedrock-runtime:*", "bedrock:InvokeModel", "the IAM prefix of every Bedrock service is `bedrock:`"),
        ("bedrock-runtime:InvokeModel", "bedrock:InvokeModel", "the IAM prefix of every Bedrock service is `bedrock:`"),
        ("bedrock:InvokeModels", "bedrock:InvokeModel", "did you mean `bedrock:InvokeModel`?"),
        ("bedrock:InvokModel", "bedrock:InvokeModel", "did you mean `bedrock:InvokeModel`?"),
        ("bedrock:ApplyGuardrails", "bedrock:ApplyGuardrail", "did you mean `bedrock:ApplyGuardrail`?"),
        (
            "bedrock:InvokeModelWithResponseStreaming",
            "bedrock:InvokeModelWithResponseStream",
            "did you mean `bedrock:InvokeM",
        ),
        ("bedrock:StartAsyncInvoke", "bedrock:InvokeModel", "StartAsyncInvoke requires `bedrock:InvokeModel`"),
        ("bedrock:Convers*", "bedrock:InvokeModel", "Converse requires `bedrock:InvokeModel`"),
        ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "allows `bedrock:InvokeModel` and not"),
    ],
)
def test_hint_names_a_mistaken_action_and_suggests_no_grant(action: str, denied: str, expected: str) -> None:
    """The fix belongs in the statement with the mistake; another grant would lack its conditions."""
    found = hint(identity(statement(action=action)), denied)

    assert expected in found
    assert found.startswith("statement `S` of identity[0] ")
    assert "grant " not in found


@pytest.mark.parametrize(
    "action",
    ["bedrock:*", "*", "bedrock:Invoke*", "bedrock:InvokeModel", "bedrock:CreateAgent", "s3:GetObject", "bedrock:NewThing"],
)
def test_sound_actions_have_no_mistake(action: str) -> None:
    """Existing actions, patterns that match one, other services, and names that may be new actions."""
    both = ["bedrock:InvokeModelWithResponseStream", "bedrock:InvokeModel"]

    assert policy_mistakes(identity(statement(action=[action, *both]))) == ()


def test_hint_names_an_invented_condition_key() -> None:
    """IAM accepts any key; a key that does not exist is always absent."""
    found = hint(identity(statement(**when("StringEquals", "bedrock:GuardrailId", "abc"))))

    assert "tests `bedrock:GuardrailId`, which is not a known condition key; did you mean `bedrock:GuardrailIdentifier`?" in found


@pytest.mark.parametrize("key", ["bedrock:GuardrailId", "bedrock:InlineAgentName", "bedrock:BearerTokenType"])
def test_hint_for_a_model_action_never_suggests_to_drop_a_condition(key: str) -> None:
    """Without the condition, the statement would allow calls without a guardrail."""
    found = hint(identity(statement(**when("StringEquals", key, "abc"))))

    assert "`bedrock:InvokeModel` never carries this key: test a key that it carries instead" in found
    assert "without" not in found


def test_hint_names_the_guardrail_key_on_apply_guardrail() -> None:
    """ApplyGuardrail never carries `bedrock:GuardrailIdentifier`."""
    policies = identity(statement(action=["bedrock:ApplyGuardrail"], **when("StringEquals", KEY, f"{ARN}:3")))

    found = hint(policies, "bedrock:ApplyGuardrail", ARN)

    assert "`bedrock:ApplyGuardrail` never carries this key" in found
    assert "can never allow `bedrock:ApplyGuardrail`" in found


def test_hint_of_a_deny_on_invoke_model_alone_names_streaming() -> None:
    """A Deny that names only InvokeModel leaves ConverseStream open."""
    found = hint(identity(statement(action="bedrock:*"), {**statement("Deny", "bedrock:InvokeModel"), "Sid": "D"}))

    assert "statement `D` of identity[0] denies `bedrock:InvokeModel` and not `bedrock:InvokeModelWithResponseStream`" in found


def test_verdict_reports_a_deny_that_denies_nothing() -> None:
    """A Deny that names only actions that do not exist has no effect, although the call is allowed."""
    policies = identity(
        statement(action="bedrock:*"), {**statement("Deny", ["bedrock:Converse", "bedrock-runtime:InvokeModel"]), "Sid": "D"}
    )
    guard = Guard(guardrails=[Guardrail(ARN, "3")], policies=policies, principal=ROLE)

    verdict = guard.simulate("Converse", {"modelId": "amazon.nova-lite-v1:0"})

    assert verdict.decision == "allowed"
    assert [remark for remark in verdict.remarks if "statement `D` of identity[0] denies nothing: it names" in remark] != []


def test_a_deny_with_one_real_action_is_not_reported() -> None:
    """It denies something."""
    mistakes = policy_mistakes(identity(statement("Deny", ["bedrock:Converse", "bedrock:InvokeModel*"])))

    assert [(mistake.denies_nothing, "denies nothing" in mistake.text) for mistake in mistakes] == [(False, False)]


def test_the_articles_action_is_no_mistake_in_its_vocabulary() -> None:
    """With `vocabulary = "invoke-with-guardrail"` the policies use an action that AWS does not have."""
    policies = identity(statement(action="bedrock:InvokeModelWithGuardrail"))

    assert policy_mistakes(policies, has_invoke_with_guardrail=True) == ()
    assert len(policy_mistakes(policies)) == 1
