"""``guardedbedrock demo``, and the scenarios in the package."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from harness import casefiles
from rich.console import Console

import guardedbedrock.cli
from guardedbedrock.cli.demo import story
from guardedbedrock.cli.demo.listing import show, summary
from guardedbedrock.cli.demo.play import ScenarioResult, isolated_environment, play
from guardedbedrock.cli.demo.scenarios import DemoScenario, scenarios
from guardedbedrock.cli.demo.story import tell
from guardedbedrock.iam import PolicySet
from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Cli: TypeAlias = Callable[..., Any]

CALLS = casefiles.CASES / "calls.json"
SHIPPED = Path(guardedbedrock.cli.__file__).with_name("scenarios.json")


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    with isolated_environment():
        yield


def scenario(name: str) -> DemoScenario:
    """Find a scenario of the package by its id."""
    return next(each for each in scenarios() if each.case.id == name)


def test_the_package_contains_the_call_cases_of_the_tests() -> None:
    assert SHIPPED.read_bytes() == CALLS.read_bytes()


TITLES = (
    "1. A chatbot call gets the approved guardrail",
    "2. The guardrail intervenes",
    "3. A policy denies the call before anything is sent",
    "4. An SCP that only the server knows denies a call",
    "5. A knowledge base is guarded too: RetrieveAndGenerate",
    "6. A proof about the policy",
    "7. Replay of 10,000 recorded events",
)
FACTS = (
    "The guard sent it with guardrail abc123def456 version 3.",
    'Answer: "Sorry, the model cannot answer this question."',
    "ImplicitDenyError for cohere.command-r-v1:0; requests sent: 0.",
    "Why and fix: statement `ChatWithGuardrail` of identity[0] allows `bedrock:InvokeModel` only on",
    'With that resource added: "You said: How many days of leave do I have?"',
    "ExplicitDenyError from the server, policy type: scp.",
    "Its guardrail is nested in generationConfiguration: abc123def456 version 3.",
    "proved: no model call of role/HRBot is allowed without the guardrail.",
    "598 of 9,449 Bedrock calls would newly fail under the backstop policy.",
)
WITHOUT_EXTRAS = """
import sys
sys.modules.update(dict.fromkeys(("cvc5", "duckdb", "jinja2", "msgspec", "pyarrow")))
from guardedbedrock.cli import main
sys.exit(main())
"""
LONGEST = 39  # lines
SLOWEST = 60  # s, on a busy machine; about 4 s on a quiet one


def test_the_story_fits_one_terminal_and_tells_every_chapter(cli: Cli) -> None:
    start = perf_counter()
    code, out, err = cli("demo", COLUMNS="80")
    seconds = perf_counter() - start

    lines = out.splitlines()
    printed = " ".join(out.split())
    assert (code, err) == (0, "")
    assert [line for line in lines if re.match(r"\d\. ", line)] == list(TITLES)
    assert [fact for fact in FACTS if fact not in printed] == []
    assert len(lines) <= LONGEST
    assert max(map(len, lines)) <= 80
    assert seconds < SLOWEST


@pytest.mark.parametrize("arguments", [(), ("--all",)], ids=["story", "all"])
def test_a_narrow_terminal_splits_no_word(cli: Cli, arguments: tuple[str, ...]) -> None:
    narrow, wide = (cli("demo", *arguments, COLUMNS=columns).out for columns in ("40", "400"))

    assert narrow.split() == wide.split()


def test_without_the_optional_extras_the_story_names_the_one_that_it_needs(cli: Cli) -> None:
    code, out, err = cli("demo", script=WITHOUT_EXTRAS, COLUMNS="100")

    assert (code, err) == (0, "")
    assert "Not run: the solver cvc5 is not installed. Install the extra guardedbedrock[proof]." in " ".join(out.split())
    assert "proved:" not in out


@pytest.mark.parametrize("missing", ["guardrail", "scp"])
def test_a_chapter_that_ends_otherwise_fails_the_demo(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without denied words the guardrail never intervenes; without the SCP nothing denies the fourth chapter."""
    if missing == "guardrail":
        monkeypatch.setattr(story, "FakeGuardrail", lambda arn, version, denied_words: FakeGuardrail(arn, version))  # noqa: ARG005
    else:
        monkeypatch.setattr(story, "_NO_MICRO", {**story._ALLOW_ALL, "Sid": "AllowMore"})

    is_as_expected = tell(Console(width=200))

    assert not is_as_expected
    assert capsys.readouterr().out.count("This is not what the story expects.") == 1


def test_all_scenarios_end_with_a_summary(cli: Cli) -> None:
    code, out, err = cli("demo", "--all")

    printed = " ".join(out.split())
    assert (code, err) == (0, "")
    assert printed.endswith(
        "23 scenarios: 23 as expected; 10 calls were stopped before anything was sent; "
        "13 requests were sent, and every request to a model carried the approved guardrail."
    )


@pytest.mark.parametrize("columns", ["80", "120"])
def test_all_scenarios_fit_the_terminal(cli: Cli, columns: str) -> None:
    out = cli("demo", "--all", COLUMNS=columns).out

    assert max(map(len, out.splitlines())) <= int(columns)
    assert out.count("ImplicitDenyError") == 9
    assert out.count("ExplicitDenyError") == 3


def test_json_lists_every_scenario(cli: Cli) -> None:
    code, out, err = cli("demo", "--format", "json")

    printed = json.loads(out)
    results = {each["id"]: each for each in printed["scenarios"]}
    expected = {case["id"]: case["expect"]["decision"] for case in casefiles.read(CALLS)}
    assert (code, err) == (0, "")
    assert printed["summary"] == {"scenarios": 23, "asExpected": 23, "stopped": 10, "requests": 13, "unguarded": 0}
    assert {name: results[name]["decision"] for name in expected} == expected
    assert all(each["asExpected"] for each in results.values())
    assert sum(each["requests"] for each in results.values()) == 13


def test_the_configuration_of_the_machine_does_not_affect_the_demo(cli: Cli) -> None:
    """The environment sets a profile, an API key, an endpoint and proxies."""
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
def test_every_kind_of_ending_occurs(name: str, ending: str, reply: str, error: str | None, sent: int) -> None:
    result = play(scenario(name))

    caught = type(result.error).__name__ if result.error else None
    assert (result.ending, result.reply, caught, len(result.received), result.as_expected) == (ending, reply, error, sent, True)


def play_with_change(name: str, change: str) -> ScenarioResult:
    """Play a scenario with one unexpected change."""
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
            result = play(played)
            return replace(result, received=tuple(replace(request, guardrail=None) for request in result.received))
        case "twice":
            result = play(played)
            return replace(result, received=result.received * 2)
        case _:
            raise LookupError(change)


@pytest.mark.parametrize("change", ["guard denies", "server denies", "decision", "statements", "guardrail", "twice"])
def test_an_unexpected_result_is_reported(change: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = play_with_change("approved/first", change)

    show([result], Console(width=120))

    assert not result.as_expected
    assert summary([result])["asExpected"] == 0
    assert "Not as expected: approved/first" in capsys.readouterr().out


def test_a_request_without_an_approved_guardrail_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    show([play_with_change("approved/first", "guardrail")], Console(width=200))

    assert "1 of the requests to a model had no approved guardrail" in capsys.readouterr().out


def test_a_refusal_by_the_guard_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    played = scenario("stream/guarded")
    foreign = {**played.call.params, "guardrailConfig": {"guardrailIdentifier": "zzz", "guardrailVersion": "1"}}

    result = play(replace(played, call=replace(played.call, params=foreign)))
    show([result], Console(width=400))

    assert (result.ending, len(result.received)) == ("refused", 0)
    assert "guard: guardrail zzz version 1 is not approved for us-east-1" in capsys.readouterr().out
