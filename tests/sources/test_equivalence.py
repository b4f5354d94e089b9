"""An account and the same policies written by hand lead to the same verdict; a fleet stays within the quotas of AWS."""

from __future__ import annotations

import math
import random
import time
from datetime import UTC, datetime
from typing import Any, Final

from harness.account import ACCOUNT, GUARDRAIL, MODEL

from guardedbedrock import ConfigurationError, Guard, Guardrail, PreflightUnavailableError, iam
from guardedbedrock.core.rules import Rules
from guardedbedrock.sources.live import Freshness, LiveSource
from guardedbedrock.sources.schedule import Schedule

ACCOUNTS: Final = 500
CALLS: Final = 10_000
ACTIONS: Final = ("bedrock:InvokeModel", "bedrock:ApplyGuardrail", "bedrock:Invoke*", "bedrock:*", "s3:*", "*")
RESOURCES: Final = (
    "*",
    MODEL,
    GUARDRAIL,
    "arn:aws:bedrock:*::foundation-model/*",
    "arn:aws:bedrock:*::foundation-model/amazon.*",
)
CONDITIONS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"StringEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:1"}},
    {"StringNotEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:1"}},
    {"StringEquals": {"aws:PrincipalTag/Team": "hr"}},
    {"Bool": {"aws:SecureTransport": "true"}},
)


def some_policy(rng: random.Random) -> dict[str, Any]:
    """Return a random policy."""
    statements = []
    for _ in range(rng.randint(1, 3)):
        statement = {"Effect": rng.choice(("Allow", "Allow", "Allow", "Deny")), "Action": rng.choice(ACTIONS)}
        condition = rng.choice(CONDITIONS)
        statements.append({**statement, "Resource": rng.choice(RESOURCES), **({"Condition": condition} if condition else {})})
    return {"Version": "2012-10-17", "Statement": statements}


def some_account(rng: random.Random) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Return authorization details as AWS returns them, a principal, and the same policies typed by hand."""
    managed = {f"arn:aws:iam::{ACCOUNT}:policy/P{index}": some_policy(rng) for index in range(3)}
    inline, group_inline = [some_policy(rng) for _ in range(rng.randint(0, 2))], some_policy(rng)
    attached = rng.sample(sorted(managed), rng.randint(0, 2))
    boundary = rng.choice((None, *managed))
    is_user = rng.random() < 0.5
    entry = {
        "AttachedManagedPolicies": [{"PolicyArn": arn} for arn in attached],
        **({"PermissionsBoundary": {"PermissionsBoundaryArn": boundary}} if boundary else {}),
    }
    listed = [{"PolicyName": f"I{index}", "PolicyDocument": policy} for index, policy in enumerate(inline)]
    identity = [*inline, *(managed[arn] for arn in attached)]
    details: dict[str, Any] = {"UserDetailList": [], "RoleDetailList": [], "GroupDetailList": []}
    if is_user:
        arn = f"arn:aws:iam::{ACCOUNT}:user/Ann"
        user = {"Arn": arn, "UserName": "Ann", "UserId": "AIDA1", "UserPolicyList": listed, "GroupList": ["Group"], **entry}
        group = {"Arn": f"arn:aws:iam::{ACCOUNT}:group/Group", "GroupName": "Group"}
        details["UserDetailList"].append(user)
        details["GroupDetailList"].append({**group, "GroupPolicyList": [{"PolicyName": "G", "PolicyDocument": group_inline}]})
        identity.append(group_inline)
    else:
        arn = f"arn:aws:iam::{ACCOUNT}:role/App"
        details["RoleDetailList"].append({"Arn": arn, "RoleName": "App", "RoleId": "AROA1", "RolePolicyList": listed, **entry})
    details["Policies"] = [
        {"Arn": name, "PolicyVersionList": [{"IsDefaultVersion": True, "Document": policy}]} for name, policy in managed.items()
    ]
    levels = [[some_policy(rng)] for _ in range(rng.randint(0, 3))] or None
    typed = {"identity": identity, "boundary": managed[boundary] if boundary else None, "scp": levels}
    return {"details": details, "scp": levels}, arn, typed


def test_verdict_over_an_account_equals_the_verdict_over_typed_policies() -> None:
    """500 random accounts, two requests each, with and without the guardrail."""
    rng = random.Random(18)  # noqa: S311
    for _ in range(ACCOUNTS):
        account_data, principal, typed = some_account(rng)
        snapshot = iam.Account.from_snapshot(account_data["details"]).snapshot
        levels = account_data["scp"]
        scp = levels and [
            {"target": f"t{index}", "policies": [{"name": f"S{index}", "document": policy} for policy in level]}
            for index, level in enumerate(levels)
        ]
        account = iam.Account({**snapshot, "scp": scp, "gaps": []})
        by_hand = iam.PolicySet(**typed)
        for action, resource in (("bedrock:InvokeModel", MODEL), ("bedrock:ApplyGuardrail", GUARDRAIL)):
            for context in ({}, {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:1"}):
                request = iam.Request(principal, action, resource, context, ["aws:PrincipalTag/Team", "aws:SecureTransport"])
                found, wanted = account.policy_set(principal).evaluate(request), by_hand.evaluate(request)
                assert (found.outcome, found.policy_type, found.hangs_on) == (wanted.outcome, wanted.policy_type, wanted.hangs_on)


class Failing:
    """A reader that succeeds a number of times."""

    def __init__(self, successes: int) -> None:
        self.successes, self.reads = successes, 0

    def read(self, *_: Any) -> dict[str, Any]:
        """Return a snapshot, or fail."""
        self.reads += 1
        if self.reads > self.successes:
            raise ConfigurationError("the source is down")
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        role = {"kind": "role", "name": "App", "inline": {"All": policy}, "managed": []}
        header = {"schema": "guardedbedrock.snapshot", "version": 1, "account": ACCOUNT, "time": "2026-11-28T12:00:00Z"}
        return {**header, "principals": {f"arn:aws:iam::{ACCOUNT}:role/App": role}, "gaps": []}


def decide_many(successes: int, on_unavailable: str) -> tuple[dict[str, int], int]:
    """Decide 10,000 calls, a second apart, with a source that fails after some reads; return outcomes and reads."""
    # The thread of the process compares with this clock, too. Whole seconds, so that differences are exact.
    started = float(math.floor(time.monotonic()))
    now = [started]
    reader = Failing(successes)
    source = LiveSource(
        name="policies",
        reader=reader,
        freshness=Freshness(refresh=600.0, max_stale=5000.0),
        approval=None,
        has_policies=True,
        now=lambda: datetime.now(UTC),
        clock=lambda: now[0],
    )
    guard = Guard(
        guardrails=[Guardrail(GUARDRAIL, version="1")],
        policies=iam.PolicySet(identity=[]),
        principal=f"arn:aws:iam::{ACCOUNT}:role/App",
        on_unavailable=on_unavailable,  # type: ignore[arg-type]  # a literal
        listeners=(),
    )
    rules: Rules = guard.rules
    object.__setattr__(rules, "source", source)
    outcomes: dict[str, int] = {}
    for second in range(CALLS):
        now[0] = started + second
        if source.due() <= now[0] and second:
            source.refresh()
        try:
            verdict = guard.simulate("Converse", {"modelId": MODEL.rpartition("/")[2], "messages": []})
            assert verdict.guardrail is not None
            outcome = f"{verdict.decision} by {len(verdict.decisions)} decisions"
        except PreflightUnavailableError:
            outcome = "unavailable"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert sum(outcomes.values()) == CALLS
    return outcomes, reader.reads


def test_source_that_is_down_from_the_start_refuses_or_allows_every_call() -> None:
    """Every call is answered, and every call that is sent has the guardrail."""
    assert decide_many(0, "deny")[0] == {"unavailable": CALLS}
    assert decide_many(0, "allow")[0] == {"allowed by 0 decisions": CALLS}


def test_source_that_is_lost_serves_until_it_is_too_old() -> None:
    """5,000 seconds after the last read; reads are repeated at most every few minutes."""
    denied, reads = decide_many(1, "deny")
    assert denied == {"allowed by 2 decisions": 5001, "unavailable": CALLS - 5001}
    assert reads < 200
    assert decide_many(1, "allow")[0] == {"allowed by 2 decisions": 5001, "allowed by 0 decisions": CALLS - 5001}


def test_fleet_of_a_thousand_processes_is_served_within_the_quota() -> None:
    """DescribePolicy has a quota of two a second; each process needs six calls and keeps what it has read."""
    clients, needed, rate = 1000, 6, 2.0
    schedules = [Schedule(3600.0, random.Random(index)) for index in range(clients)]  # noqa: S311
    left, tokens, attempts, second = [needed] * clients, rate, 0, 0
    while any(left):
        for index, schedule in enumerate(schedules):
            if not left[index] or schedule.due > second:
                continue
            while left[index] and tokens >= 1:
                tokens, left[index] = tokens - 1, left[index] - 1
            attempts += 1
            if left[index]:
                schedule.failed(float(second))
            else:
                schedule.succeeded(float(second))
        tokens, second = min(rate, tokens + rate), second + 1
        assert second < 4 * 3600

    assert second >= clients * needed / rate  # the quota allows no less
    assert attempts < 40 * clients
    waits = [schedule.due - second for schedule in schedules]
    assert max(waits) - min(waits) > 1000  # the next refreshes are spread
