"""``guardedbedrock serve``: a fake Bedrock for programs in any language, with its configuration."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.request
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError
from harness.serve import COMMAND, ask, serving

if TYPE_CHECKING:
    from pathlib import Path

    from harness.serve import Served

CONFIG = """
region = "eu-central-1"
principal = "arn:aws:iam::123456789012:role/HRBotServiceRole"

[[guardrails]]
id = "abc123def456"
version = "3"
name = "hr"
denied_words = ["salary"]
pii = { EMAIL = "anonymize" }
regexes = { badge = "EMP-[0-9]+", case = ["CASE-[0-9]+", "anonymize"] }

[policies]
identity = ["app.json"]

[[replies]]
text = "Twelve days, says hr@example.com."
operation = "Converse"

[[denials]]
operation = "InvokeModel"
by = "model-access"
times = "always"

[[faults]]
kind = "Fail"
status = 503
code = "ServiceUnavailableException"
message = "Try again."
operation = "ConverseStream"
"""
POLICY = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}}
HR: dict[str, Any] = {"guardrailConfig": {"guardrailIdentifier": "abc123def456", "guardrailVersion": "3"}}


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """Write a configuration and its policy."""
    (tmp_path / "app.json").write_text(json.dumps(POLICY), "utf-8")
    (tmp_path / "serve.toml").write_text(CONFIG, "utf-8")
    return tmp_path


def get(served: Served, path: str) -> tuple[Any, str]:
    with urllib.request.urlopen(f"{served.url}{path}") as response:  # noqa: S310 - loopback
        return response.headers, response.read().decode()


def calls(served: Served, after: str = "") -> dict[str, Any]:
    return dict(json.loads(get(served, f"/_guardedbedrock/calls?after={after}")[1]))


def error_of(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return str(caught.value.response["Error"]["Code"])


def test_the_configuration_defines_what_happens(configured: Path) -> None:
    with serving(configured, "--config", "serve.toml") as served:
        client = served.client()
        masked, blocked = client.converse(**ask(**HR)), client.converse(**ask("my salary", **HR))
        errors = [
            error_of(client.invoke_model, modelId=ask()["modelId"], body=b"{}"),
            error_of(client.invoke_model, modelId=ask()["modelId"], body=b"{}"),
            error_of(client.converse_stream, **ask()),
        ]
        recorded = calls(served)
        client.close()

    assert served.environment["AWS_REGION"] == "eu-central-1"
    assert masked["output"]["message"]["content"][0]["text"] == "Twelve days, says {EMAIL}."
    assert blocked["stopReason"] == "guardrail_intervened"
    assert errors == ["AccessDeniedException", "AccessDeniedException", "ServiceUnavailableException"]
    first, second, third, _, fifth = recorded["calls"]
    assert recorded["region"] == "eu-central-1"
    assert [one["intervened"] for one in recorded["calls"]] == [True, True, False, False, False]
    assert [one["denied"] for one in recorded["calls"]] == [False, False, True, True, False]
    assert first["decisions"][0] == {
        "action": "bedrock:InvokeModel",
        "resource": f"arn:aws:bedrock:eu-central-1::foundation-model/{ask()['modelId']}",
        "outcome": "allowed",
        "policyType": "identity",
        "statements": ["identity app.json statement 0"],
        "message": None,
    }
    assert [(one["source"], one["action"]) for one in first["assessments"]] == [("INPUT", "NONE"), ("OUTPUT", "ANONYMIZED")]
    assert second["assessments"][0]["findings"] == [{"policy": "wordPolicy", "what": "salary", "action": "BLOCKED"}]
    assert (third["faults"], fifth["faults"], fifth["error"]) == (["Deny"], ["Fail"], "ServiceUnavailableException")
    assert json.loads(first["params"])["messages"] == ask()["messages"]


def test_the_page_polls_for_new_requests(tmp_path: Path) -> None:
    """An unknown ID, as after a restart of the server, returns all requests."""
    with serving(tmp_path) as served:
        client = served.client()
        empty = calls(served)
        client.converse(**ask("one"))
        first = calls(served)
        client.converse(**ask("two"))
        later, unknown = calls(served, first["calls"][0]["id"]), calls(served, "unknown")
        client.close()

    assert (empty["reset"], empty["calls"]) == (True, [])
    assert (first["reset"], len(first["calls"])) == (True, 1)
    assert (later["reset"], ["two" in one["params"] for one in later["calls"]]) == (False, [True])
    assert (unknown["reset"], len(unknown["calls"])) == (True, 2)


def test_the_page_loads_no_external_resources_and_rejects_other_hosts(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        responses = {
            path: get(served, path)
            for path in ("/", "/_guardedbedrock/page.js", "/_guardedbedrock/page.css", "/_guardedbedrock/look.css")
        }
        host, _, port = served.url.removeprefix("http://").partition(":")
        connection = HTTPConnection(host, int(port))
        connection.request("GET", "/_guardedbedrock/calls", headers={"Host": f"evil.example:{port}"})
        refused = connection.getresponse().status
        connection.close()
        with pytest.raises(HTTPError) as nowhere:
            get(served, "/_guardedbedrock/../cli/app.py")
        nowhere.value.close()

    assert refused == 403
    assert nowhere.value.code == 404
    assert all("default-src 'none'" in headers["Content-Security-Policy"] for headers, _ in responses.values())
    assert [headers["Content-Type"].partition(";")[0] for headers, _ in responses.values()] == [
        "text/html",
        "text/javascript",
        "text/css",
        "text/css",
    ]
    assert not any("http://" in text or "https://" in text or "innerHTML" in text for _, text in responses.values())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_server_cleanly_with_clients_connected(tmp_path: Path, how: signal.Signals) -> None:
    with serving(tmp_path) as served:
        client = served.client()
        client.converse(**ask())

        assert served.end(how) == (0, "")
        client.close()


def test_tls_serves_https(tmp_path: Path) -> None:
    with serving(tmp_path, "--tls") as served:
        client = served.client()
        reply = client.converse(**ask())
        client.close()

    assert served.url.startswith("https://127.0.0.1:")
    assert reply["stopReason"] == "end_turn"


def test_what_one_server_records_another_replays(tmp_path: Path) -> None:
    with serving(tmp_path, "--record", "recordings") as served:
        recorded = served.client().converse(**ask("remember me"))["output"]
    with serving(tmp_path, "--replay", "recordings") as served:
        client = served.client()
        replayed = client.converse(**ask("remember me"))["output"]
        with pytest.raises(ClientError, match="body at /messages/0/content/0/text"):
            client.converse(**ask("something else"))
        client.close()

    assert replayed == recorded


def test_a_damaged_recording_is_invalid_input(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("[", "utf-8")
    command = [*COMMAND, "--port", "0", "--replay", "."]

    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("guardedbedrock: ")
    assert ran.stderr.count("\n") == 1
    assert "a.yaml: not valid YAML" in ran.stderr


def test_a_port_in_use_is_invalid_input(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = subprocess.run([*COMMAND, "--port", port], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"guardedbedrock: --port {port}: cannot listen on the port: Address already in use\n"


def test_the_page_is_in_the_package() -> None:
    from importlib.resources import files  # noqa: PLC0415

    page = files("guardedbedrock.cli.serve").joinpath("static")
    assert {one.name for one in page.iterdir()} == {"index.html", "page.css", "page.js"}
