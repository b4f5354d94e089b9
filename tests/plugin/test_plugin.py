"""The plugin in a separate project: the marker, isolation between tests, and the modules that it imports."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable
from typing import Final, TypeAlias

import pytest

from guardedbedrock import Guard
from guardedbedrock.pytest_plugin.marker import KEYWORDS
from guardedbedrock.testing.fake_state import FakeOptions

Project: TypeAlias = Callable[[str], pytest.Pytester]

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
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Create a project with one test module, without the settings of AWS, pytest and CI in the environment."""
    for name in os.environ:
        # In CI, pytest repeats every failure in full in its summary.
        if name.startswith(("AWS_", "PYTEST_")) or name in ("CI", "BUILD_NUMBER"):
            monkeypatch.delenv(name)

    def make(module: str) -> pytest.Pytester:
        pytester.makepyfile(ASK + module)
        pytester.makeini(f"[pytest]\naddopts = {QUIET}\n")
        return pytester

    return make


def test_the_marker_is_registered(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.guardedbedrock(policies=..., *"])


def test_tests_share_a_server_and_a_client_but_no_state(project: Project) -> None:
    run = project(
        """
SEEN = []

@pytest.mark.parametrize("turn", range(3))
def test_alone(guardedbedrock_server, guardedbedrock_client, guardedbedrock_guard, turn):
    SEEN.append((guardedbedrock_server.endpoint_url, id(guardedbedrock_client)))
    assert len(set(SEEN)) == 1
    guardedbedrock_server.calls.assert_nothing_sent()
    assert guardedbedrock_client.converse(**ASK)["stopReason"] == "end_turn"
    guardedbedrock_server.deny("Converse", optional=True)
    guardedbedrock_server.throttle(times=9, optional=True)
    guardedbedrock_server.intervene(times=None, optional=True)
    guardedbedrock_server.script(["left over"], optional=True)
"""
    ).runpytest_inprocess()

    run.assert_outcomes(passed=3)


def test_each_xdist_worker_has_its_own_server(project: Project) -> None:
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


def test_collecting_imports_no_heavy_module(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test without the fixtures imports none either. Other plugins are disabled because they may import them."""
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


def test_the_marker_configures_the_fixtures(project: Project) -> None:
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
def test_other_keywords_of_a_guard(guardedbedrock_guard):
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
    assert {"audit", "clock", "mode", "retry", "credentials", "seed", "tls", "config", "guardrails"} <= set(KEYWORDS)
    assert len(KEYWORDS) == len(set(KEYWORDS))
    assert set(inspect.signature(Guard).parameters) | set(FakeOptions.__annotations__) <= set(KEYWORDS)


def test_the_marker_takes_guardrails_that_the_organization_enforces(project: Project) -> None:
    run = project(
        """
pytestmark = pytest.mark.guardedbedrock(guardrails=["hr"], enforced=[FakeGuardrail("org1", name="org", denied_words=("salary",))])

def test_it_is_applied_too(guardedbedrock_server, guardedbedrock_client):
    asked = {"role": "user", "content": [{"text": "my salary"}]}
    assert guardedbedrock_client.converse(**ASK | {"messages": [asked]})["stopReason"] == "guardrail_intervened"
    guardedbedrock_server.calls.assert_guarded_by("hr")

def test_it_must_be_allowed_too(guardedbedrock_server, guardedbedrock_client):
    guardedbedrock_server.deny_guardrail("org")
    with pytest.raises(guardedbedrock_client.exceptions.AccessDeniedException) as caught:
        guardedbedrock_client.converse(**ASK)
    guardedbedrock_server.assert_denied(caught, action="bedrock:ApplyGuardrail", resource="org1", where="here")
"""
    ).runpytest_inprocess()

    run.assert_outcomes(passed=2)


def test_the_marker_reads_the_configuration_of_the_application(project: Project) -> None:
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


def test_clients_that_the_application_creates_use_the_server(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration of the machine does not matter, and it is restored afterwards."""
    for name, value in {"AWS_PROFILE": "missing", "HTTP_PROXY": "http://127.0.0.1:9", "AWS_BEARER_TOKEN_BEDROCK": "x"}.items():
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
    assert (os.environ["AWS_PROFILE"], boto3.DEFAULT_SESSION) == ("missing", None)

def test_of_the_guard(guardedbedrock_guard, guardedbedrock_server):
    boto3.DEFAULT_SESSION = None
    for client in (guardedbedrock_guard.client("bedrock-runtime"), boto3.client("bedrock-runtime")):
        assert client.converse(**ASK)["stopReason"] == "end_turn"
        client.close()
    guardedbedrock_server.calls.assert_sent(2)

def test_restored():
    assert (os.environ["AWS_PROFILE"], boto3.DEFAULT_SESSION) == ("missing", None)
"""
    ).runpytest_subprocess()

    run.assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("policy={}", "*ConfigurationError: @pytest.mark.guardedbedrock: unknown keyword `policy`; did you mean `policies`?"),
        (
            "nonsense=1",
            "*ConfigurationError: @pytest.mark.guardedbedrock: unknown keyword `nonsense`; the known keywords are *profiles, *",
        ),
        ("guardrails=[3]", "*ConfigurationError: *guardrails?0?: must be a name, a FakeGuardrail or a Guardrail, got `int`"),
        ("guardrails='hr'", '*ConfigurationError: *guardrails: must be a list, got `str`; write guardrails=?"hr"?'),
        ("guardrails=None", "*ConfigurationError: *guardrails: must be a list, got `NoneType`"),
        ("guardrails=7", "*ConfigurationError: *guardrails: must be a list, got `int`"),
        ("guardrails={'arn': 'x'}", "*ConfigurationError: *guardrails: must be a list, got `dict`"),
        ("guardrails=[]", "*ConfigurationError: *guardrails: the list is empty; leave the keyword out *"),
        ("enforced='hr'", '*ConfigurationError: *enforced: must be a list, got `str`; write enforced=?"hr"?'),
        ("inference_profiles='x'", "*ConfigurationError: *inference_profiles: must be a list, got `str`"),
        ("knowledge_bases=3", "*ConfigurationError: *knowledge_bases: must be a list, got `int`"),
        ("regions='eu-west-1'", '*ConfigurationError: *regions: must be a list, got `str`; write regions=?"eu-west-1"?'),
        ("regions=[3]", "*ConfigurationError: *regions?0?: must be a region such as *, got `int`"),
        ("inference_profiles=['x']", "*ConfigurationError: *inference_profiles?0?: must be a FakeInferenceProfile, got `str`"),
        ("knowledge_bases=['x']", "*ConfigurationError: *knowledge_bases?0?: must be a FakeKnowledgeBase, got `str`"),
        ("credentials=[3]", "*ConfigurationError: *credentials?0?: must be a FakeCredentials or a FakeApiKey, got `int`"),
        ("config=3", "*ConfigurationError: *config: must be a path, got `int`"),
        ("config=None", "*ConfigurationError: *config: must be a path, got `NoneType`"),
        ("record=3", "*ConfigurationError: *record: must be a path, got `int`"),
        ("replay='x'", "*ConfigurationError: */x: no such file"),
        ("invocation_logs=b'x'", "*ConfigurationError: *invocation_logs: must be a path, got `bytes`"),
        ("seed='x'", "*ConfigurationError: *seed: must be a whole number such as 7, got `str`"),
        ("verify_signatures=3", "*ConfigurationError: *verify_signatures: must be True or False, got `int`"),
        (
            "guardrails=['HR Bot', 'hrbot']",
            "*ConfigurationError: *guardrails?1?: has the ID `hrbot` and the version 1 of guardrails?0?; remove one, or *",
        ),
        ("guardrails=['日本', '中国']", "*ConfigurationError: *guardrails?1?: has the ID `default` and the version 1 of *"),
        ("enforced=['hr', 'hr']", "*ConfigurationError: *enforced?1?: has the ID `hr` and the version 1 of enforced?0?; *"),
        ("region=3", "*ConfigurationError: *region: must be a region such as *, got `int`"),
        ("tls='yes'", "*ConfigurationError: *tls: must be True or False, got `str`"),
        ("principal='App'", "*ConfigurationError: *principal*ARN*"),
        ("vocabulary='azure'", "*ConfigurationError: *vocabulary: must be*"),
        ("policies='none.json'", "*ConfigurationError: *there is no file*none.json*"),
        ("mode='strict'", "*ConfigurationError: *mode: must be *enforce*"),
        ("['hr']", "*UsageError: @pytest.mark.guardedbedrock accepts only keywords, such as guardrails=?'hr'?"),
    ],
)
def test_an_invalid_marker_is_an_error_of_the_test(project: Project, arguments: str, problem: str) -> None:
    run = project(
        f"""
@pytest.mark.guardedbedrock({arguments})
def test_it(guardedbedrock_server):
    pass
"""
    ).runpytest_inprocess()

    run.assert_outcomes(errors=1)
    run.stdout.fnmatch_lines([problem])


def test_approved_guardrail_may_be_enforced_too(project: Project) -> None:
    """The server has one guardrail, with its denied words."""
    run = project(
        """
HR = FakeGuardrail("hr1", "1", name="hr", denied_words=("salary",))

@pytest.mark.guardedbedrock(guardrails=[HR], enforced=[HR])
def test_fakes(guardedbedrock_client):
    guardedbedrock_client.converse(**ASK)

@pytest.mark.guardedbedrock(guardrails=["hr"], enforced=["hr"])
def test_names(guardedbedrock_client):
    guardedbedrock_client.converse(**ASK)
"""
    ).runpytest_inprocess()

    run.assert_outcomes(passed=2)


def test_relative_paths_of_the_marker_start_at_the_root(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = project(
        """
@pytest.mark.guardedbedrock(record="recorded")
def test_it(guardedbedrock_client):
    guardedbedrock_client.converse(**ASK)

@pytest.mark.guardedbedrock(guardrails=[FakeGuardrail("hr1", "1", name="hr"), FakeGuardrail("hr1", "2", name="hr next")])
def test_versions_of_one_guardrail(guardedbedrock_guard):
    assert [one.version for one in guardedbedrock_guard.rules.approved] == ["1", "2"]
"""
    )
    elsewhere = tests.mkdir("elsewhere")
    monkeypatch.chdir(elsewhere)

    tests.runpytest_inprocess(str(tests.path), "--rootdir", str(tests.path)).assert_outcomes(passed=2)
    assert list((tests.path / "recorded").iterdir())
    assert not list(elsewhere.iterdir())


def test_a_failure_shows_the_assertion_and_no_library_code(project: Project) -> None:
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
            "E*expected every model call to be guarded by `hr`, but 1 of 1 was not; requests:",
            "E*1. Converse anthropic*guardrail arn:aws:bedrock:*/default (default) version 1, status 200",
        ]
    )
    run.stdout.no_fnmatch_line("*received.py*")


def test_a_scenario_that_no_request_reached_fails_the_test(project: Project) -> None:
    run = project(
        """
def test_reached(guardedbedrock_server, guardedbedrock_client):
    guardedbedrock_server.throttle()
    guardedbedrock_server.script(["secret answer"])
    guardedbedrock_client.converse(**ASK)

def test_another_operation(guardedbedrock_server, guardedbedrock_client):
    guardedbedrock_server.deny("ConverseStream", by="scp")
    guardedbedrock_server.throttle(operation="ConverseStream")
    guardedbedrock_server.intervene(operation="ConverseStream")
    guardedbedrock_server.script(["secret answer"], operation="ConverseStream")
    guardedbedrock_server.break_stream()
    guardedbedrock_server.deny("ConverseStream", by="model-access")
    guardedbedrock_client.converse(**ASK)

def test_a_failure_of_the_test_comes_first(guardedbedrock_server):
    guardedbedrock_server.throttle()
    raise ValueError("mine")

def test_through_another_fixture(application):
    pass

@pytest.fixture
def application(guardedbedrock_server):
    guardedbedrock_server.deny("Converse")

def test_optional(guardedbedrock_server):
    guardedbedrock_server.deny("Converse", optional=True)
    guardedbedrock_server.deny_guardrail("default", optional=True)
    guardedbedrock_server.throttle(optional=True)
    guardedbedrock_server.intervene(optional=True)
    guardedbedrock_server.script(["x"], optional=True)
    guardedbedrock_server.reply("x", optional=True)
    guardedbedrock_server.break_stream(optional=True)
    guardedbedrock_server.fail_next(500, "X", "x", optional=True)
    guardedbedrock_server.deny_next("x", optional=True)

def test_reset(guardedbedrock_server):
    guardedbedrock_server.throttle()
    guardedbedrock_server.reset()
"""
    ).runpytest_inprocess()

    run.assert_outcomes(passed=3, failed=3)
    run.stdout.fnmatch_lines(
        [
            "no request reached these scenarios:",
            "  deny('ConverseStream', by='scp')",
            "  throttle(times=1, operation='ConverseStream')",
            "  intervene(source='INPUT', operation='ConverseStream')",
            "  1 scripted reply for ConverseStream",
            "  fault(BreakStream)",
            "  deny('ConverseStream', by='model-access')",
            "requests that arrived:",
            "  1. Converse anthropic*",
            "*set optional=True.",
            "E*ValueError: mine",
            "no request reached these scenarios:",
            "  deny('Converse', by='identity')",
        ]
    )
    assert "secret answer" not in run.stdout.str()
    assert "During handling of the above exception" not in run.stdout.str()
    assert run.stdout.str().count("no request reached these scenarios:") == run.stdout.str().count("requests that arrived:") == 2


def test_two_denials_of_the_same_request_are_both_reached(project: Project) -> None:
    project(
        """
def test_it(guardedbedrock_server, guardedbedrock_client):
    guardedbedrock_server.deny("Converse", by="scp")
    guardedbedrock_server.deny("Converse", by="identity-implicit")
    with pytest.raises(guardedbedrock_client.exceptions.AccessDeniedException):
        guardedbedrock_client.converse(**ASK)
"""
    ).runpytest_inprocess().assert_outcomes(passed=1)
