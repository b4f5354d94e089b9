"""Calls whose answer hangs on what no process can know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.clients import Recorder, ask, denial

from guardedbedrock import PreflightUnavailableError, iam
from guardedbedrock.core.events import PreflightDecided

if TYPE_CHECKING:
    from harness.clients import Make

UNSURE: Final = iam.PolicySet(
    identity=[
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "bedrock:*",
                    "Resource": "*",
                    "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
                }
            ],
        }
    ]
)


def test_a_call_that_hangs_on_what_nobody_knows_is_sent(harness: Make) -> None:
    """AWS knows the address that it sees, so AWS decides."""
    recorder = Recorder()
    env = harness(policies=UNSURE, listeners=[recorder])

    env.client.converse(**ask("converse"))

    verdict = recorder.last.of(PreflightDecided)[0].verdict
    assert (verdict.decision, verdict.hangs_on) == ("indeterminate", ("aws:SourceIp",))
    assert len(env.fake.requests) == 1


def test_a_call_that_hangs_on_what_nobody_knows_is_refused_when_asked(harness: Make) -> None:
    """With `on_indeterminate="refuse"` nothing is sent, and the error names the context keys."""
    env = harness(policies=UNSURE, on_indeterminate="refuse")
    error = denial(env)

    assert isinstance(error, PreflightUnavailableError)
    assert "aws:SourceIp" in str(error)
    assert [one.decision.outcome for one in error.authorizations] == ["indeterminate", "indeterminate"]
    assert env.fake.requests == []


def test_a_context_key_that_is_given_is_known(harness: Make) -> None:
    """What the configuration says of every call decides it."""
    env = harness(policies=UNSURE, on_indeterminate="refuse", context={"aws:SourceIp": "10.1.2.3"})

    env.client.converse(**ask("converse"))

    assert len(env.fake.requests) == 1


def test_a_call_that_hangs_on_the_model_behind_a_profile_says_how_to_tell_it(harness: Make) -> None:
    """Context keys would not help."""
    here = "arn:aws:bedrock:us-east-1::foundation-model/*"
    profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/team12345678"
    statement = {"Effect": "Allow", "Action": "bedrock:*", "Resource": [here, "arn:aws:bedrock:us-east-1:123456789012:*"]}
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": statement}])
    error = denial(harness(policies=policies, on_indeterminate="refuse"), modelId=profile)
    told = harness(policies=policies, on_indeterminate="refuse", profiles={profile: [here.replace("*", "acme.tiny-v1:0")]})

    assert isinstance(error, PreflightUnavailableError)
    assert "the decision depends on resource:region" in str(error)
    assert "under `profiles` in the configuration" in str(error.hint)
    assert told.client.converse(**ask("converse", model=profile))["stopReason"] == "end_turn"
