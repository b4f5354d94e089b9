"""``guardedbedrock simulate``: show what the guard does with a call, without sending it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import guardedbedrock
from guardedbedrock.auditing import Audit
from guardedbedrock.bedrock import OPERATIONS
from guardedbedrock.bedrock.call_checks import unknown_operation
from guardedbedrock.cli.application.simulation import Simulation, as_json, text_lines
from guardedbedrock.cli.console import console, write_json
from guardedbedrock.errors import ConfigurationError, RefusedError
from guardedbedrock.iam.language.documents import repeated_key
from guardedbedrock.settings.reader import parse_json, read_text
from guardedbedrock.settings.settings import load
from guardedbedrock.stages.authorize import denial

if TYPE_CHECKING:
    from guardedbedrock import Guard
    from guardedbedrock.core.rules import Mode


@dataclass(frozen=True, slots=True)
class SimulateArguments:
    """
    The arguments of the command.

    Args:
        operation: Such as ``Converse``.
        params: JSON text, or ``@`` and a file name.
        config: Configuration file; None looks where `Guard.from_config` looks.
        region: Region of the client.
        using: Name of the approved guardrail to inject.
    """

    operation: str
    params: str = "{}"
    config: str | None = None
    region: str | None = None
    using: str | None = None


def command(arguments: SimulateArguments, output: str) -> int:
    """
    Simulate the call and print the result.

    Returns:
        1 if the policies deny the call, in any mode, or if the guard refuses it; else 0.
    """
    params = read_params(arguments.params)
    if arguments.operation not in OPERATIONS:
        raise ConfigurationError(f"--operation: {unknown_operation(arguments.operation)}")
    # In mode `report` the guard would raise nothing, and the command shows what it would refuse.
    guard = guardedbedrock.Guard.from_config(arguments.config, audit=Audit(()), mode="enforce")
    simulation = simulate(guard, load(arguments.config).mode, arguments, params)
    if output == "json":
        write_json(as_json(simulation))
    else:
        screen = console()
        for text, style in text_lines(simulation):
            screen.print(text, style=style, soft_wrap=True)
    return 1 if simulation.stopped or simulation.is_denied or simulation.decision == "refused" else 0


def simulate(guard: Guard, mode: Mode, arguments: SimulateArguments, params: dict[str, Any]) -> Simulation:
    """
    Simulate the call, including the error that the caller would get.

    Args:
        guard: The guard, in mode ``enforce``.
        mode: The mode of the configuration.
        arguments: The arguments of the command.
        params: The parameters of the call.

    Raises:
        ConfigurationError: `Guard.simulate` raises it, or no approved guardrail has the name.
    """
    operation, region, rules = arguments.operation, arguments.region, guard.rules
    enforced = mode == "enforce"
    try:
        with guard.using(arguments.using) if arguments.using else nullcontext():
            verdict = guard.simulate(operation, params, region_name=region)
    except RefusedError as refusal:
        return Simulation(operation, params, mode, verdict=None, error=refusal, stopped=enforced)
    error = denial(operation, verdict, rules) if verdict.denied else None
    refused = verdict.decision == "indeterminate" and rules.on_indeterminate == "refuse"
    stopped = enforced and (refused or error is not None)
    return Simulation(operation, params, mode, verdict=verdict, error=error, stopped=stopped)


def read_params(argument: str) -> dict[str, Any]:
    """
    Parse the ``--params`` argument: JSON text, or ``@`` and a file name.

    Raises:
        ConfigurationError: The text is not a JSON object, or the file cannot be read.
    """
    location = f"--params {argument}" if argument.startswith("@") else "--params"
    text = read_text(Path(argument[1:]), what=location) if argument.startswith("@") else argument
    params = parse_json(text, location)
    if not isinstance(params, dict):
        raise ConfigurationError(f"{location}: must be a JSON object")
    key = repeated_key(params)
    if key is not None:
        raise ConfigurationError(f"{location}: has the key `{key}` twice; keep one")
    return params
