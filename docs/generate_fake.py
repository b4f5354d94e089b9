"""Writes docs/fake.md: the operations and model families of the fake Bedrock."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.testing import FakeBedrock
from guardedbedrock.testing.resources.models import FAMILIES

PAGE: Final = Path(__file__).with_name("fake.md")
_INTRODUCTION: Final = """# The fake Bedrock: operations and models

`make docs` writes this page from the tables of the fake. [Testing](testing.md) describes how to use it.

The response to an operation that is not served is HTTP 501 with the message `NAME is not implemented by the fake Bedrock`.
The fake sends it before it checks parameters or the signature.

A model belongs to the first family whose prefix its ID begins with. The ID can be part of an ARN or of an inference profile.
The response to a call of any other model is HTTP 400, `The provided model identifier is invalid.`
An application profile behaves like the first of its models.
"""


def render() -> str:
    """Return the text of the page."""
    return "\n".join([_INTRODUCTION, "## Operations", "", *_operations(), "## Model families", "", *_families(), ""])


def _operations() -> Iterator[str]:
    state = FakeBedrock()._state  # noqa: SLF001 - the tables of operations are not public
    services = (state.runtime, state.control, state.agents, state.agent_runtime)
    yield "| service | served | HTTP 501 |"
    yield "|---|---|---|"
    for service in services:
        known, served = set(service_model(service.service).operation_names), set(service.operations)
        yield f"| `{service.service}` | {len(served)} | {len(known - served)} |"
    yield ""
    for service in services:
        served = set(service.operations)
        yield f"### {service.service}"
        yield ""
        yield "| operation | served |"
        yield "|---|---|"
        for name in sorted({*service_model(service.service).operation_names, *served}):
            yield f"| {name} | {'yes' if name in served else 'no, HTTP 501'} |"
        yield ""


def _families() -> Iterator[str]:
    yield "| prefix | provider | format | input | output | streaming | Converse | guardrail | tools | system | limits |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for family in FAMILIES:
        chat = [flag and family.converse for flag in (family.tools, family.system)]
        flags = ["yes" if flag else "no" for flag in (family.streaming, family.converse, family.guardrails, *chat)]
        limits = f"{family.max_tokens:,} output tokens" if family.max_tokens else ""
        limits = f"dimensions {', '.join(map(str, family.dimensions))}" if family.dimensions else limits
        cells = [f"`{family.prefix}`", family.provider, family.format, ", ".join(family.inputs), family.output, *flags, limits]
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
