"""Writes docs/fake.md: the operations and model families of the fake Bedrock."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from guardedbedrock.testing import FakeBedrock
from guardedbedrock.testing.resources.models import FAMILIES

PAGE: Final = Path(__file__).with_name("fake.md")
_INTRODUCTION: Final = """# The fake Bedrock: operations and models

`make docs` writes this page from the tables of the fake. [Testing](testing.md) describes how to use it.

Every operation of these services that is not in the first table gets HTTP 501 with the message
`NAME is not implemented by the fake Bedrock`.

A model belongs to the first family whose prefix its ID begins with. The ID can be part of an ARN or of an inference profile.
A model of no family gets HTTP 400, `The provided model identifier is invalid.`
An application profile behaves as the first of its models.
"""


def render() -> str:
    """Return the text of the page."""
    return "\n".join([_INTRODUCTION, "## Operations", "", *_operations(), "", "## Model families", "", *_families(), ""])


def _operations() -> Iterator[str]:
    state = FakeBedrock()._state  # noqa: SLF001 - the tables of operations are not public
    yield "| service | operations |"
    yield "|---|---|"
    for service in (state.runtime, state.control, state.agents, state.agent_runtime):
        yield f"| `{service.service}` | {', '.join(sorted(service.operations))} |"


def _families() -> Iterator[str]:
    yield "| prefix | provider | format | input | output | streaming | Converse | guardrail | sizes of embeddings |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for family in FAMILIES:
        flags = ["yes" if flag else "no" for flag in (family.streaming, family.converse, family.guardrails)]
        sizes = ", ".join(map(str, family.dimensions))
        cells = [f"`{family.prefix}`", family.provider, family.format, ", ".join(family.inputs), family.output, *flags, sizes]
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
