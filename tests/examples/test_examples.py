"""Every example runs alone, without an account, and with warnings as errors."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from harness import pages
from harness.pages import ROOT
from harness.shell import Shell, free_port

EXAMPLES: Final = ROOT / "examples"
FOLDER: Final = EXAMPLES / "replace_client_creation"
LONGEST: Final = 60  # lines
GUARDRAIL: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail"
MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model"
LINES: Final[dict[str, tuple[str, ...]]] = {
    "hr_chatbot.py": (
        "  end_turn: You have twelve days left.",
        "  guardrail_intervened: Sorry, the model cannot answer this question.",
        f"  denied before sending: bedrock:InvokeModel on {MODEL}/amazon.titan-text-premier-v1:0",
        "2 requests were sent, all with the HR guardrail",
    ),
    "dev_and_prod_roles.py": (
        "the development role with the development guardrail: allowed",
        "the development role with the production guardrail: denied by OnlyDevelopment",
        "the production role with the development guardrail: denied by OnlyProduction",
        "the production role with the production guardrail: allowed",
        "2 requests were sent",
    ),
    "public_and_internal_assistant.py": (
        "internal:        In May, says {EMAIL}.",
        "customer-facing: I cannot talk about that.",
        f"Converse was sent with {GUARDRAIL}/internal0001 version 1",
        f"Converse was sent with {GUARDRAIL}/customer0001 version 4",
    ),
    "claude_text_completions.py": (
        "aws: You said: How many days of leave do I have?",
        "aws: Ask HR.",
        "invoke-with-guardrail: You said: How many days of leave do I have?",
        "invoke-with-guardrail: Ask HR.",
    ),
    "openai_sdk.py": (
        "reply: You said: Hello there",
        "stream: You| said:| Hello| there",
        f"denied: bedrock:InvokeModel on {MODEL}/openai.gpt-oss-120b-1:0",
        f"ChatCompletions was sent with {GUARDRAIL}/abc123def456 version 3",
        f"ChatCompletionsStream was sent with {GUARDRAIL}/abc123def456 version 3",
    ),
    "langchain_chat.py": (
        "invoke: You said: Hello there",
        "stream: You| said:| Hello| again",
        f"denied: bedrock:InvokeModel on {MODEL}/meta.llama3-8b-instruct-v1:0",
        f"Converse was sent with {GUARDRAIL}/abc123def456 version 3",
        f"ConverseStream was sent with {GUARDRAIL}/abc123def456 version 3",
    ),
    "rag_chat.py": (
        "embedded in 1024 dimensions",
        "knowledge base: The handbook says: twenty-five days. (guardrail: NONE)",
        "model: Twenty-five.",
        "knowledge base: Sorry, the model cannot answer this question. (guardrail: INTERVENED)",
        "InvokeModel was sent with no guardrail",
        "RetrieveAndGenerate was sent with abc123def456 version 3",
        f"Converse was sent with {GUARDRAIL}/abc123def456 version 3",
        "RetrieveAndGenerate was sent with abc123def456 version 3",
    ),
}
"""Lines that each example prints, in this order. Other lines may come between them."""


def test_every_example_is_tested() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == set(LINES)


@pytest.mark.parametrize("name", LINES)
def test_an_example_prints_its_result_without_account_or_configuration(name: str, tmp_path: Path) -> None:
    nothing = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, "-W", "error", str(FOLDER / name)]

    ran = subprocess.run(command, capture_output=True, text=True, env=nothing, cwd=tmp_path, timeout=120, check=False)  # noqa: S603

    assert (ran.returncode, ran.stderr) == (0, "")
    printed = iter(ran.stdout.splitlines())
    assert [line for line in LINES[name] if line not in printed] == []


@pytest.mark.parametrize("name", LINES)
def test_an_example_is_short_and_documents_its_purpose(name: str) -> None:
    source = (FOLDER / name).read_text("utf-8")

    assert len(source.splitlines()) < LONGEST
    assert "Shows " in (ast.get_docstring(ast.parse(source)) or "")


FOLDERS: Final = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
TYPED: Final = [name for name in FOLDERS if name != "node"]
"""`make clients` runs the example for Node, which needs npm."""
LONGEST_README: Final = 45  # lines


def test_there_is_a_folder_for_each_use() -> None:
    assert FOLDERS == ["chatbot_service", "governance", "node", "replace_client_creation", "test_harness"]
    assert [path.name for path in EXAMPLES.iterdir() if path.is_file()] == []


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_has_a_short_readme(name: str) -> None:
    text = (EXAMPLES / name / "README.md").read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]

    assert len(text.splitlines()) <= LONGEST_README
    assert links
    assert [link for link in links if not (EXAMPLES / name / link).exists()] == []


@pytest.mark.parametrize("name", TYPED)
def test_the_commands_of_a_readme_print_what_it_shows(name: str, tmp_path: Path) -> None:
    folder, typed = tmp_path / name, 0
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    ports = {"8484": free_port(), "8000": free_port()}
    with Shell(folder) as shell:
        for block in pages.blocks((EXAMPLES / name / "README.md").read_text("utf-8")):
            assert block.language == "console"
            text = re.sub(r"\b(8484|8000)\b", lambda found: ports[found[1]], block.text)
            for command, shown in pages.commands(block._replace(text=text)):
                printed = shell.type(command)
                assert pages.matches(printed, shown), f"$ {command}\n" + "\n".join(printed)
                typed += 1

    assert typed
