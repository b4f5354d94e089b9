"""``guardedbedrock demo``, and the scenarios that ship with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from harness import casefiles
from rich.console import Console

import guardedbedrock.cli
from guardedbedrock.cli.demo.play import Step, play, undisturbed
from guardedbedrock.cli.demo.scenarios import Scenario, scenarios
from guardedbedrock.cli.demo.table import show, summary
from guardedbedrock.iam import PolicySet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Cli: TypeAlias = Callable[..., Any]

CALLS = casefiles.CASES / "calls.json"
SHIPPED = Path(guardedbedrock.cli.__file__).with_name("scenarios.json")


@pytest.fixture(autouse=True)
def _undisturbed() -> Iterator[None]:
    with undisturbed():
        yield


def scenario(name: str) -> Scenario:
    """Find a scenario that ships with the package."""
    return next(each for each in scenarios() if each.case.id == name)


def test_the_scenarios_are_the_calls_of_the_tests() -> None:
    assert SHIPPED.read_bytes() == CALLS.read_bytes()


def test_the_table_ends_with_what_happened(cli: Cli) -> None:
    code, out, err = cli("demo")

    said = " ".join(out.split())
    assert (code, err) == (0, "")
    assert said.endswith(
        "23 scenarios: 23 as expected; 10 calls were stopped before anything was sent; "
        "13 requests were sent, and every request to a model carried the approved guardrail."
    )


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_table_fits_the_terminal_and_breaks_no_name_of_an_error(cli: Cli, columns: str) -> None:
    out = cli("demo", COLUMNS=columns).out

    assert max(map(len, out.splitlines())) <= int(columns)
    assert out.count("ImplicitDenyError") == 9
    assert out.count("ExplicitDenyError") == 3


def test_json_tells_every_scenario(cli: Cli) -> None:
    code, out, err = cli("demo", "--format", "json")

    said = json.loads(out)
    told = {each["id"]: each for each in said["scenarios"]}
    expected = {case["id"]: case["expect"]["decision"] for case in casefiles.read(CALLS)}
    assert (code, err) == (0, "")
    assert said["summary"] == {"scenarios": 23, "asExpected": 23, "stopped": 10, "requests": 13, "unguarded": 0}
    assert {name: told[name]["decision"] for name in expected} == expected
    assert all(each["asExpected"] for each in told.values())
    assert sum(each["requests"] for each in told.values()) == 13


def test_a_network_setup_of_the_machine_does_not_disturb(cli: Cli) -> None:
    """Neither a proxy nor a profile, a token or an endpoint that the environment names."""
    environ = {
        "AWS_PROFILE": "none",
        "AWS_BEARER_TOKEN_BEDROCK": "x",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }

    assert cli("demo", "--format", "json", **environ).code == 0


@pytest.mark.parametrize(
    ("name", "ending", "reply", "error", "sent"),
    [
        ("approved/first", "reply", "You said: hello", None, 1),
        ("approved/other", "stopped", "", "ImplicitDenyError", 0),
        ("enforce/other-version", "stopped", "", "ExplicitDenyError", 0),
        ("abac/tags-not-known", "deniedByAws", "", "ImplicitDenyError", 1),
        ("guardrail/steps-in", "intervention", "Sorry, the model cannot answer this question.", None, 1),
        ("stream/guarded", "stream", "You said: hello", None, 1),
        ("aws/knows-more", "deniedByAws", "", "ExplicitDenyError", 1),
        ("admin/list", "reply", "0 guardrails", None, 1),
        ("admin/create-with-project-tag", "reply", "a guardrail, version DRAFT", None, 1),
        ("admin/update-can-never-carry-tags", "stopped", "", "ImplicitDenyError", 0),
    ],
)
def test_each_kind_of_ending(name: str, ending: str, reply: str, error: str | None, sent: int) -> None:
    step = play(scenario(name))

    caught = type(step.error).__name__ if step.error else None
    assert (step.ending, step.reply, caught, len(step.received), step.as_expected) == (ending, reply, error, sent, True)


def differently(name: str, change: str) -> Step:
    """Play a scenario in a world that is not the one it expects."""
    played = scenario(name)
    policies = PolicySet(identity=[])
    match change:
        case "guard denies":
            return play(replace(played, case=replace(played.case, policies=policies)))
        case "server denies":
            return play(replace(played, policies=policies))
        case "statements":
            return play(
                replace(played, case=replace(played.case, expect=replace(played.case.expect, determining=frozenset({"X"}))))
            )
        case "decision":
            expect = replace(played.case.expect, decision="indeterminate")
            return play(replace(played, case=replace(played.case, expect=expect)))
        case "guardrail":
            step = play(played)
            return replace(step, received=tuple(replace(request, guardrail=None) for request in step.received))
        case "twice":
            step = play(played)
            return replace(step, received=step.received * 2)
        case _:
            raise LookupError(change)


@pytest.mark.parametrize("change", ["guard denies", "server denies", "decision", "statements", "guardrail", "twice"])
def test_what_is_not_as_expected_is_told(change: str, capsys: pytest.CaptureFixture[str]) -> None:
    step = differently("approved/first", change)

    show([step], Console(width=120))

    assert not step.as_expected
    assert summary([step])["asExpected"] == 0
    assert "Not as expected: approved/first" in capsys.readouterr().out


def test_a_request_without_the_guardrail_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    show([differently("approved/first", "guardrail")], Console(width=200))

    assert "1 of the requests to a model lacked it" in capsys.readouterr().out


def test_the_guards_own_refusal_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    played = scenario("stream/guarded")
    foreign = {**played.call.params, "guardrailConfig": {"guardrailIdentifier": "zzz", "guardrailVersion": "1"}}

    step = play(replace(played, call=replace(played.call, params=foreign)))
    show([step], Console(width=400))

    assert (step.ending, len(step.received)) == ("refused", 0)
    assert "the guard: guardrail zzz version 1 is not approved for us-east-1" in capsys.readouterr().out
