"""``guardedbedrock simulate``: what would become of a call."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import guardedbedrock
from guardedbedrock.bedrock import OPERATIONS
from guardedbedrock.cli.screen import console, write_json
from guardedbedrock.cli.verdicts import Answer, as_json, lines
from guardedbedrock.errors import ConfigurationError, RefusedError
from guardedbedrock.stages.authorize import denial

if TYPE_CHECKING:
    from guardedbedrock import Guard


@dataclass(frozen=True, slots=True)
class Question:
    """
    What the command line asks.

    Args:
        operation: Such as ``Converse``.
        params: JSON text, or ``@`` and the name of a file.
        config: The configuration file; None looks where `Guard.from_config` looks.
        region: Region of the client.
        using: Name of the guardrail to choose.
    """

    operation: str
    params: str = "{}"
    config: str | None = None
    region: str | None = None
    using: str | None = None


def command(question: Question, output: str) -> int:
    """Ask, and show the answer; 1 when the call would not go out."""
    params = read_params(question.params)
    if question.operation not in OPERATIONS:
        near = ", ".join(get_close_matches(question.operation, OPERATIONS) or OPERATIONS)
        raise ConfigurationError(f"--operation: `{question.operation}` is no operation that is known; there is {near}")
    answer = ask(guardedbedrock.Guard.from_config(question.config), question, params)
    if output == "json":
        write_json(as_json(answer))
    else:
        screen = console()
        for text, style in lines(answer):
            screen.print(text, style=style, soft_wrap=True)
    return 1 if answer.stopped else 0


def ask(guard: Guard, question: Question, params: dict[str, Any]) -> Answer:
    """
    Simulate the call, and find out what the caller would read.

    Raises:
        ConfigurationError: The parameters lack what the operation is asked on, or no approved guardrail has the name.
    """
    operation, region = question.operation, question.region
    try:
        with guard.using(question.using) if question.using else nullcontext():
            verdict = guard.simulate(operation, params, region_name=region)
    except RefusedError as refusal:
        return Answer(operation, params, None, refusal, stopped=True)
    except (AttributeError, TypeError):
        raise ConfigurationError(f"--params: holds a value of a type that {operation} does not take") from None
    error = denial(operation, verdict, guard.rules) if verdict.denied else None
    refused = verdict.decision == "indeterminate" and guard.rules.on_indeterminate == "refuse"
    return Answer(operation, params, verdict, error, stopped=refused or error is not None)


def read_params(given: str) -> dict[str, Any]:
    """
    Read the parameters of a call.

    Raises:
        ConfigurationError: They are no JSON object, or the file can not be read.
    """
    where = f"--params {given}" if given.startswith("@") else "--params"
    try:
        text = Path(given[1:]).read_text("utf-8-sig") if given.startswith("@") else given
        params = json.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{where}: can not be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        problem = f"is no JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}"
        raise ConfigurationError(f"{where}: {problem}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{where}: is not UTF-8 text") from None
    if not isinstance(params, dict):
        raise ConfigurationError(f"{where}: should be a JSON object")
    return params
