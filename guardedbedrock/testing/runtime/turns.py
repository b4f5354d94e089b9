"""One turn of a guarded conversation: the prompt is assessed, the model answers, the answer is assessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.assessment import Assessed, assess, mask
from guardedbedrock.testing.runtime.replies import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.guardrails import FakeGuardrail
    from guardedbedrock.testing.runtime.prompts import Prompt


@dataclass(frozen=True, slots=True)
class Turn:
    """
    What was said and what the guardrail did about it.

    Args:
        text: What the caller reads.
        said: What the model said; None when it was not asked.
        prompt: What it was asked.
        guardrail: The guardrail, if there is one.
        input: What the guardrail made of the prompt.
        output: What the guardrail made of the answer.
    """

    text: str
    said: str | None
    prompt: Prompt
    guardrail: FakeGuardrail | None = None
    input: Assessed | None = None
    output: Assessed | None = None

    @property
    def intervened(self) -> bool:
        """Whether the guardrail blocked or masked anything."""
        return any(side.intervened for side in (self.input, self.output) if side)

    @property
    def reason(self) -> str:
        """Bedrock's ``actionReason`` of the side that counts."""
        sides = [side for side in (self.output, self.input) if side]
        return next((side.reason for side in sides if side.intervened), "No action.")

    @property
    def usage(self) -> dict[str, int]:
        """Token counts; none where the model was not asked."""
        asked = self.said is not None
        spent = (tokens(self.prompt.texts), tokens([self.text])) if asked else (0, 0)
        return {"inputTokens": spent[0], "outputTokens": spent[1], "totalTokens": sum(spent)}

    @property
    def latency(self) -> int:
        """A plausible latency, in ms."""
        return 1 + self.usage["totalTokens"]


def take(prompt: Prompt, ask: Callable[[str], str], guardrail: FakeGuardrail | None, trace: str | None = None) -> Turn:
    """
    Take one turn.

    Args:
        prompt: What the model is asked.
        ask: The model: what the user said last to its answer.
        guardrail: What assesses both, or None.
        trace: How much the assessments tell; ``enabled_full`` in either case tells all.
    """
    if guardrail is None:
        said = ask(prompt.last)
        return Turn(said, said, prompt)
    full = (trace or "").lower() == "enabled_full"
    before = assess(guardrail, prompt.guarded, "INPUT", total=prompt.characters, full=full)
    if before.blocked:
        return Turn(before.texts[0], None, prompt, guardrail, before)
    said = ask(mask(guardrail, prompt.last))
    after = assess(guardrail, [said], "OUTPUT", full=full)
    return Turn(after.texts[0], said, prompt, guardrail, before, after)


def assessments(turn: Turn, before: str, after: str) -> dict[str, Any]:
    """
    Write both assessments by guardrail ID.

    Args:
        turn: A turn with a guardrail.
        before: The operation's name for the assessment of the prompt.
        after: The operation's name for the assessments of the answer.
    """
    name = turn.guardrail.id if turn.guardrail else ""
    prompt = {before: {name: turn.input.assessment}} if turn.input else {}
    return {**prompt, after: {name: [turn.output.assessment]}} if turn.output else prompt
