"""The plugin in a project of its own: what a marker sets up, that tests know nothing of each other, and what a start costs."""

from __future__ import annotations

import inspect
import json
import os
from typing import TYPE_CHECKING, Final

import pytest

from guardedbedrock import Guard
from guardedbedrock.pytest_plugin.settings import KEYWORDS
from guardedbedrock.testing.world import Options

if TYPE_CHECKING:
    from collections.abc import Callable

ASK: Final = """
import boto3
import pytest
from guardedbedrock.testing import FakeGuardrail

ASK = {"modelId": "anthropic.claude-3-haiku-20240307-v1:0", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
"""
HEAVY: Final = ("boto3", "botocore", "guardedbedrock.guard", "guardedbedrock.testing", "pydantic", "structlog", "yaml")
POLICY: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}}
QUIET: Final = "-p no:cacheprovider -W error --strict-markers"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], pytest.Pytester]:
    """Make a project of one test module, on a machine with nothing of AWS in its environment."""
    for name in os.environ:
        if name.startswith(("AWS_", "PYTEST_")):
            monkeypatch.delenv(name)

    def make(module: str) -> pytest.Pytester:
        pytester.makepyfile(ASK + module)
        pytester.makeini(f"[pytest]\naddopts = {QUIET}\n")
        return pytester

    return make


Project = "Callable[[str], pytest.Pytester]"


def test_the_marker_is_registered(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.guardedbedrock(policies=..., *"])


def test_tests_share_a_server_and_a_client_and_know_nothing_of_each_other(project: Project) -> None:
    run = project(
        """
SEEN = []

@pytest.mark.parametrize("turn", range(3))
def test_alone(guardedbedrock_server, guardedbedrock_client, guardedbedrock_guard, turn):
    SEEN.append((guardedbedrock_server.endpoint_url, id(guardedbedrock_client)))
    assert len(set(SEEN)) == 1
    guardedbedrock_server.calls.assert_nothing_sent()
    assert guardedbedrock_client.converse(**ASK)["stopReason"] == "end_turn"
    guardedbedrock_server.deny("Converse")
    guardedbedrock_server.throttle(times=9)
    guardedbedrock_server.intervene(times=None)
    guardedbedrock_server.script(["left over"])
"""
    ).runpytest_inprocess()

    run.assert_outcomes(passed=3)


def test_workers_of_xdist_have_a_server_each(project: Project) -> None:
    run = project(
        """
@pytest.mark.parametrize("turn", range(8))
def test_alone(guardedbedrock_server, guardedbedrock_client, turn):
    for sent in range(1, 6):
        guardedbedrock_client.converse(**ASK)
        guardedbedrock_server.calls.assert_sent(sent)
"""
    ).runpytest_subprocess("-n", "2")

    run.assert_outcomes(passed=8)


def test_collecting_loads_nothing_heavy(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a test that asks for no fixture of ours. Other plugins, which are heavy themselves, stay out."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    tests = project("")
    tests.makepyfile(
        f"""
import sys

import pytest

HEAVY = {HEAVY}
AT_COLLECTION = [name for name in HEAVY if name in sys.modules]

@pytest.mark.guardedbedrock(guardrails=["hr"])
def test_light():
    assert AT_COLLECTION == [name for name in HEAVY if name in sys.modules] == []
    assert "guardedbedrock.pytest_plugin" in sys.modules
"""
    )

    tests.runpytest_subprocess("-p", "guardedbedrock.pytest_plugin").assert_outcomes(passed=1)


def test_what_a_marker_sets_up(project: Project) -> None:
    tests = project(
        f"""
pytestmark = pytest.mark.guardedbedrock(guardrails=["hr"], region="eu-west-1")
ARN = "arn:aws:bedrock:eu-west-1:123456789012:guardrail"

def test_names(guardedbedrock_guard, guardedbedrock_client, guardedbedrock_server):
    assert [(one.arn, one.version, one.name) for one in guardedbedrock_guard.rules.approved] == [(ARN + "/hr", "1", "hr")]
    assert guardedbedrock_client.meta.region_name == "eu-west-1"
    guardedbedrock_client.converse(**ASK)
    guardedbedrock_server.calls.assert_guarded_by("hr")

@pytest.mark.guardedbedrock(guardrails=[FakeGuardrail("abc1", "3", name="HR, strict", denied_words=("salary",))])
def test_the_nearer_wins_keyword_by_keyword(guardedbedrock_client, guardedbedrock_server):
    assert guardedbedrock_client.meta.region_name == "eu-west-1"
    asked = {{"role": "user", "content": [{{"text": "my salary"}}]}}
    assert guardedbedrock_client.converse(**ASK | {{"messages": [asked]}})["stopReason"] == "guardrail_intervened"
    guardedbedrock_server.calls.assert_guarded_by("HR, strict", version="3")

@pytest.mark.guardedbedrock(policies="policies/*.json")
def test_policies_are_files_from_the_root(guardedbedrock_guard, guardedbedrock_client):
    assert [document.name.rpartition("/")[2] for _, document in guardedbedrock_guard.rules.policies] == ["app.json"]
    assert guardedbedrock_client.converse(**ASK)["stopReason"] == "end_turn"

@pytest.mark.guardedbedrock(policies={{"identity": []}})
def test_policies_of_both(guardedbedrock_client, guardedbedrock_server):
    with pytest.raises(guardedbedrock_client.exceptions.AccessDeniedException) as caught:
        guardedbedrock_client.converse(**ASK)
    guardedbedrock_server.assert_denied(caught, policy_type="identity", explicit=False, where="here")

@pytest.mark.guardedbedrock(policies=[{POLICY}], mode="report", principal="arn:aws:iam::123456789012:role/Other")
def test_more_that_a_guard_takes(guardedbedrock_guard):
    assert (guardedbedrock_guard.rules.mode, guardedbedrock_guard.rules.principal()) == (
        "report", "arn:aws:iam::123456789012:role/Other")

@pytest.mark.guardedbedrock(tls=True)
def test_over_https(guardedbedrock_client, guardedbedrock_server):
    assert guardedbedrock_server.endpoint_url.startswith("https:")
    assert guardedbedrock_client.converse(**ASK)["stopReason"] == "end_turn"
"""
    )
    (tests.path / "policies").mkdir()
    (tests.path / "policies" / "app.json").write_text(json.dumps(POLICY), "utf-8")

    tests.runpytest_inprocess().assert_outcomes(passed=6)


def test_the_marker_takes_every_keyword_of_the_fake_and_of_the_guard() -> None:
    """And `config` beside them."""
    assert {"audit", "clock", "mode", "retry", "credentials", "seed", "tls", "config", "guardrails"} <= set(KEYWORDS)
    assert len(KEYWORDS) == len(set(KEYWORDS))
    assert set(inspect.signature(Guard).parameters) | set(Options.__annotations__) <= set(KEYWORDS)


def test_a_guardrail_that_the_organization_enforces(project: Project) -> None:
    run = project(
        """
pytestmark = pytest.mark.guardedbedrock(guardrails=["hr"], enforced=[FakeGuardrail("org1", name="org", denied_words=("salary",))])

def test_it_runs_as_well(guardedbedrock_server, guardedbedrock_client):
    asked = {"role": "user", "content": [{"text": "my salary"}]}
    assert guardedbedrock_client.converse(**ASK | {"messages": [asked]})["stopReason"] == "guardrail_intervened"
    guardedbedrock_server.calls.assert_guarded_by("hr")

def test_it_has_to_be_allowed_too(guardedbedrock_server, guardedbedrock_client):
    guardedbedrock_server.deny_guardrail("org")
    with pytest.raises(guardedbedrock_client.exceptions.AccessDeniedException) as caught:
        guardedbedrock_client.converse(**ASK)
    guardedbedrock_server.assert_denied(caught, action="bedrock:ApplyGuardrail", resource="org1", where="here")
"""
    ).runpytest_inprocess()

    run.assert_outcomes(passed=2)


def test_a_test_works_with_the_configuration_of_the_application(project: Project) -> None:
    tests = project(
        """
@pytest.mark.guardedbedrock(config="guardedbedrock.toml")
def test_configured(guardedbedrock_server, guardedbedrock_client, guardedbedrock_guard):
    guardedbedrock_client.converse(**ASK)
    guardedbedrock_server.calls.assert_guarded_by("hr", version="3")
    assert guardedbedrock_guard.rules.on_intervention == "raise"
    assert guardedbedrock_guard.rules.principal() == "arn:aws:iam::123456789012:role/HRBotServiceRole"
    with pytest.raises(guardedbedrock_client.exceptions.AccessDeniedException):
        guardedbedrock_client.converse(**ASK | {"modelId": "amazon.titan-text-premier-v1:0"})
"""
    )
    allow = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "arn:aws:bedrock:*::foundation-model/anthropic.*"},
            {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": "*"},
        ],
    }
    (tests.path / "hr-bot.json").write_text(json.dumps(allow), "utf-8")
    (tests.path / "guardedbedrock.toml").write_text(
        """
principal = "arn:aws:iam::123456789012:role/HRBotServiceRole"
on_intervention = "raise"
[[guardrails]]
arn = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/abc123def456"
version = "3"
name = "hr"
[policies]
identity = ["hr-bot.json"]
""",
        "utf-8",
    )

    tests.runpytest_inprocess().assert_outcomes(passed=1)


def test_clients_that_the_application_makes_itself(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine is set up with; and what it is set up with is there again afterwards."""
    for name, value in {"AWS_PROFILE": "nobody", "HTTP_PROXY": "http://127.0.0.1:9", "AWS_BEARER_TOKEN_BEDROCK": "x"}.items():
        monkeypatch.setenv(name, value)

    run = project(
        """
import os

def test_its_own(guardedbedrock_server, guardedbedrock_environment):
    client = boto3.Session().client("bedrock-runtime")
    assert client.converse(**ASK)["stopReason"] == "end_turn"
    guardedbedrock_server.calls.assert_sent(1)
    client.close()

def test_ours(guardedbedrock_client):
    assert guardedbedrock_client.converse(**ASK)["stopReason"] == "end_turn"
    assert (os.environ["AWS_PROFILE"], boto3.DEFAULT_SESSION) == ("nobody", None)
"""
    ).runpytest_subprocess()

    run.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("policy={}", "*ConfigurationError: @pytest.mark.guardedbedrock: `policy` is not known; did you mean `policies`?"),
        ("nonsense=1", "*ConfigurationError: @pytest.mark.guardedbedrock: `nonsense` is not known; known are *profiles, *"),
        ("guardrails=[3]", "*ConfigurationError: guardrails: a `int` is no guardrail; give names, FakeGuardrails or Guardrails"),
        ("policies='none.json'", "*ConfigurationError: *there is no file*none.json*"),
        ("mode='strict'", "*ConfigurationError: *mode: must be *enforce*"),
        ("['hr']", "*UsageError: @pytest.mark.guardedbedrock takes keywords only, such as guardrails=?'hr'?"),
    ],
)
def test_a_marker_that_can_not_be_used_is_an_error_of_the_test(project: Project, arguments: str, problem: str) -> None:
    run = project(
        f"""
@pytest.mark.guardedbedrock({arguments})
def test_it(guardedbedrock_guard):
    pass
"""
    ).runpytest_inprocess()

    run.assert_outcomes(errors=1)
    run.stdout.fnmatch_lines([problem])


def test_a_failure_shows_the_assertion_and_not_our_code(project: Project) -> None:
    run = project(
        """
def test_it(guardedbedrock_server, guardedbedrock_client):
    guardedbedrock_client.converse(**ASK)
    guardedbedrock_server.calls.assert_guarded_by("hr")
"""
    ).runpytest_inprocess()

    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(
        [
            ">*guardedbedrock_server.calls.assert_guarded_by(*",
            "E*expected every model call to be guarded by `hr`, but 1 of 1 was not; what arrived:",
            "E*1. Converse anthropic*guardrail arn:aws:bedrock:*/default (default) version 1, answered 200",
        ]
    )
    run.stdout.no_fnmatch_line("*received.py*")
