"""The page of the migration: its file configures a guard, its programs run, and its web application reports errors."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = (Path(__file__).parents[2] / "docs" / "migration.md").read_text("utf-8")
TOML: Final = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS: Final = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HR: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
PUBLIC: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/public000001"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBedrock]:
    """Start a fake in a folder with the file of the page, and let boto3 reach it without a line of code."""
    (toml,) = TOML
    (tmp_path / "guardedbedrock.toml").write_text(toml, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    guardrails = [FakeGuardrail(HR, version="3"), FakeGuardrail(PUBLIC, version="1", denied_words=("salary",))]
    with FakeBedrock(guardrails=guardrails) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


def program(contains: str) -> str:
    """Return the only program that contains a string."""
    (found,) = [text for text in PROGRAMS if contains in text]
    return str(found)


def test_the_replaced_client_sends_the_guardrail(fake: FakeBedrock, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(program("# was: boto3.client"), names)  # noqa: S102  # the example under test
    names["client"].close()

    assert capsys.readouterr().out.strip()
    assert [request.guardrail for request in fake.requests] == [(HR, "3")]


def test_an_installed_guard_guards_the_client_of_a_framework(fake: FakeBedrock) -> None:
    names: dict[str, Any] = {}
    try:
        exec(program("guard.install()"), names)  # noqa: S102
        names["client"].converse(modelId="amazon.nova-lite-v1:0", messages=[{"role": "user", "content": [{"text": "hello"}]}])
        names["client"].close()
    finally:
        names["guard"].uninstall()

    assert [request.guardrail for request in fake.requests] == [(HR, "3")]


def test_a_stubbed_client_expects_the_guardrail_and_raises_typed_errors(
    fake: FakeBedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    exec(program("Stubber"), names)  # noqa: S102
    names["stubber"].assert_no_pending_responses()
    names["client"].close()

    assert capsys.readouterr().out.splitlines() == ["30", "PolicyDeniedError bedrock:InvokeModel"]
    assert fake.requests == []


@pytest.fixture
def chat(fake: FakeBedrock) -> Iterator[str]:
    """Serve the recipe with uvicorn, and yield the URL of its endpoint."""
    import uvicorn  # noqa: PLC0415  # a web server is loaded for these tests only

    names: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(program("FastAPI"), "recipe.py", "exec", dont_inherit=True), names)  # noqa: S102
    server = uvicorn.Server(uvicorn.Config(names["app"], port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/chat"
    server.should_exit = True
    thread.join(10)
    names["public"].close()
    assert {request.guardrail for request in fake.requests} == {(PUBLIC, "1")}


def ask(url: str, question: str = "hello there") -> tuple[int, list[tuple[str, str]]]:
    """Ask the application; give the status, and the events or the JSON."""
    import httpx  # noqa: PLC0415

    reply = httpx.post(url, params={"question": question}, timeout=30)
    found = re.findall(r"^event: (\w+)\ndata: (.*)$", reply.text, re.MULTILINE)
    return reply.status_code, [(kind, json.loads(data)) for kind, data in found] or [("json", reply.text)]


def test_the_web_application_streams_an_answer(chat: str) -> None:
    status, events = ask(chat)

    assert (status, events[-1]) == (200, ("end", "end_turn"))
    assert [kind for kind, _ in events[:-1]] == ["text"] * (len(events) - 1)
    assert len(events) > 1


def test_the_web_application_answers_403_before_the_stream_begins(chat: str, fake: FakeBedrock) -> None:
    fake.deny("ConverseStream", by="scp-explicit")

    status, events = ask(chat)

    assert (status, events) == (403, [("json", '{"detail":"This request is not allowed."}')])


def test_the_web_application_reports_a_broken_stream_inside_the_stream(chat: str, fake: FakeBedrock) -> None:
    fake.break_stream(after=2)

    status, events = ask(chat)

    assert (status, events[-1]) == (200, ("error", "The answer is incomplete. Please try again."))


def test_the_web_application_says_that_a_guardrail_intervened(chat: str) -> None:
    status, events = ask(chat, "what is the salary of Ada?")

    assert (status, events[-1]) == (200, ("end", "guardrail_intervened"))


def test_every_program_of_the_page_is_run() -> None:
    assert len(PROGRAMS) == 4
