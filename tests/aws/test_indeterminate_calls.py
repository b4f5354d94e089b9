"""Calls whose decision depends on values that no process can know."""

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


def test_indeterminate_call_is_sent_by_default(harness: Make) -> None:
    recorder = Recorder()
    env = harness(policies=UNSURE, listeners=[recorder])

    env.client.converse(**ask("converse"))

    verdict = recorder.last.of(PreflightDecided)[0].verdict
    assert (verdict.decision, verdict.hangs_on) == ("indeterminate", ("aws:SourceIp",))
    assert len(env.fake.requests) == 1


def test_indeterminate_call_is_refused_if_configured(harness: Make) -> None:
    env = harness(policies=UNSURE, on_indeterminate="refuse")
    error = denial(env)

    assert isinstance(error, PreflightUnavailableError)
    assert "aws:SourceIp" in str(error)
    assert [one.decision.outcome for one in error.authorizations] == ["indeterminate", "indeterminate"]
    assert env.fake.requests == []


def test_configured_context_key_decides_the_call(harness: Make) -> None:
    env = harness(policies=UNSURE, on_indeterminate="refuse", context={"aws:SourceIp": "10.1.2.3"})

    env.client.converse(**ask("converse"))

    assert len(env.fake.requests) == 1


def test_indeterminate_profile_call_says_how_to_configure_its_models(harness: Make) -> None:
    here = "arn:aws:bedrock:us-east-1::foundation-model/*"
    profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/team12345678"
    statement = {"Effect": "Allow", "Action": "bedrock:*", "Resource": [here, "arn:aws:bedrock:us-east-1:123456789012:*"]}
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": statement}])
    error = denial(harness(policies=policies, on_indeterminate="refuse"), modelId=profile)
    told = harness(policies=policies, on_indeterminate="refuse", profiles={profile: [here.replace("*", "acme.tiny-v1:0")]})

    assert isinstance(error, PreflightUnavailableError)
    assert "resource:region" in str(error)
    assert "under `profiles` in the configuration" in str(error.hint)
    assert told.client.converse(**ask("converse", model=profile))["stopReason"] == "end_turn"
