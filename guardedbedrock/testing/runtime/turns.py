"""One turn of a guarded conversation: assess the prompt, call the model, assess the response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.assessment import (
    AssessedContent,
    AssessmentResult,
    AssessmentScope,
    assess,
    assess_unlogged,
    mask,
    without_masks,
)
from guardedbedrock.testing.runtime.replies import Citation, ModelReply, tokens, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardedbedrock.testing.resources import FakeEnforcement, FakeGuardrail
    from guardedbedrock.testing.runtime.prompt_cache import CacheUsage
    from guardedbedrock.testing.runtime.requests.prompts import Prompt, VisibleContent


@dataclass(frozen=True, slots=True)
class ActiveGuardrail:
    """
    A guardrail that runs in a turn.

    Args:
        guardrail: The guardrail.
        origins: Bedrock's ``guardrailOrigin``.
        own: Whether it belongs to the account of the fake.
        select: Returns the content of a prompt that it assesses.
    """

    guardrail: FakeGuardrail
    origins: tuple[str, ...]
    own: bool
    select: Callable[[Prompt], VisibleContent]


def select_marked(prompt: Prompt) -> VisibleContent:
    """Return what the guardrail of a request assesses: the content that the caller marked, else all messages."""
    return prompt.marked if prompt.is_marked else prompt.messages.all


def select_enforced(enforcement: FakeEnforcement) -> Callable[[Prompt], VisibleContent]:
    """Return the function that selects what an enforced guardrail assesses."""

    def select(prompt: Prompt) -> VisibleContent:
        system = prompt.system.marked_content if enforcement.system == "SELECTIVE" else prompt.system.all
        selective = enforcement.messages == "SELECTIVE" and prompt.is_marked
        return system.plus(prompt.messages.marked_content if selective else prompt.messages.all)

    return select


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """
    How a turn is assessed.

    Args:
        full: Report filters without a match, too.
        asynchronous: Send the stream before it is assessed: masks are only reported, and a block ends the stream.
    """

    full: bool = False
    asynchronous: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """
    A completed turn.

    Args:
        reply: What the caller receives.
        model_reply: What the model replied; None if it was not called.
        prompt: The prompt.
        input: ID of each guardrail to its assessment of the prompt.
        output: ID of each guardrail to its assessment of the response.
        cache: Use of the prompt cache; None if the request has no cache point.
    """

    reply: ModelReply
    model_reply: ModelReply | None
    prompt: Prompt
    input: dict[str, AssessmentResult] = field(default_factory=dict)
    output: dict[str, AssessmentResult] = field(default_factory=dict)
    cache: CacheUsage | None = None

    @property
    def guarded(self) -> bool:
        """Whether a guardrail ran."""
        return bool(self.input)

    @property
    def text(self) -> str:
        """The text that the caller receives."""
        return self.reply.text

    @property
    def intervened(self) -> bool:
        """Whether a guardrail blocked or masked anything."""
        return any(result.intervened for result in self._results())

    @property
    def reason(self) -> str:
        """Bedrock's ``actionReason``: the reason of the strongest intervention. The response has precedence over the prompt."""
        strongest = sorted(self._results(), key=lambda result: not result.blocked)
        return next((result.reason for result in strongest if result.intervened), "No action.")

    def _results(self) -> tuple[AssessmentResult, ...]:
        return (*self.output.values(), *self.input.values())

    @property
    def usage(self) -> dict[str, int]:
        """Token counts; 0 if the model was not called."""
        called = self.model_reply is not None
        counts = (tokens(self.prompt.texts), _output_tokens(self.reply)) if called else (0, 0)
        return {"inputTokens": counts[0], "outputTokens": counts[1], "totalTokens": sum(counts)}

    @property
    def latency(self) -> int:
        """A plausible latency in ms."""
        return 1 + self.usage["totalTokens"]


def _output_tokens(reply: ModelReply) -> int:
    blocks = (block for block in reply.blocks if not isinstance(block, Citation))
    return tokens([block if isinstance(block, str) else str(getattr(block, "json", block)) for block in blocks])


def take_turn(
    prompt: Prompt, call_model: Callable[[str], ModelReply], guardrails: Iterable[ActiveGuardrail], options: TurnOptions
) -> Turn:
    """
    Run one turn. All guardrails run. A block by one guardrail blocks the text, and each guardrail applies its masks.

    Args:
        prompt: The prompt.
        call_model: Accepts the last text of the user, masked, and returns the reply of the model.
        guardrails: The guardrails, that of the request first.
        options: How the turn is assessed.
    """
    guardrails = tuple(guardrails)
    before = {active.guardrail.id: _assess_prompt(active, prompt, options) for active in guardrails}
    if blocked := _blocked(before):
        return Turn(blocked, None, prompt, before)
    last = prompt.last
    for active in guardrails:
        last = mask(active.guardrail, last)
    model_reply = call_model(last)
    after = {active.guardrail.id: _assess_reply(active, prompt, model_reply, options) for active in guardrails}
    return Turn(_reply(guardrails, model_reply, after, options), model_reply, prompt, before, after)


def _scope(active: ActiveGuardrail, prompt: Prompt, options: TurnOptions) -> AssessmentScope:
    return AssessmentScope(prompt.characters, prompt.images, options.full, active.origins, active.own)


def _assess_prompt(active: ActiveGuardrail, prompt: Prompt, options: TurnOptions) -> AssessmentResult:
    visible = active.select(prompt)
    content = AssessedContent(visible.texts, "INPUT", images=visible.images)
    return assess(active.guardrail, content, _scope(active, prompt, options))


def _assess_reply(active: ActiveGuardrail, prompt: Prompt, reply: ModelReply, options: TurnOptions) -> AssessmentResult:
    content = AssessedContent(reply.texts, "OUTPUT", prompt.sources, prompt.queries)
    result = assess(active.guardrail, content, replace(_scope(active, prompt, options), total=None, images=None))
    return without_masks(result, reply.texts) if options.asynchronous else result


def _blocked(results: dict[str, AssessmentResult]) -> ModelReply | None:
    return next((ModelReply(one.texts, "guardrail_intervened") for one in results.values() if one.blocked), None)


def _reply(
    guardrails: tuple[ActiveGuardrail, ...], reply: ModelReply, after: dict[str, AssessmentResult], options: TurnOptions
) -> ModelReply:
    blocked = _blocked(after)
    if blocked and options.asynchronous:
        return replace(blocked, blocks=(_sent_before_block(guardrails, reply), *blocked.blocks))
    if blocked:
        return blocked
    texts = reply.texts
    for active in guardrails if not options.asynchronous else ():
        texts = tuple(mask(active.guardrail.for_source("OUTPUT"), text) for text in texts)
    return reply.with_texts(texts)


def _sent_before_block(guardrails: tuple[ActiveGuardrail, ...], reply: ModelReply) -> str:
    """Return the part of an asynchronous stream that is sent before a guardrail blocks it, including the blocked word."""
    sent = ""
    for word in words(reply.text):
        sent += word
        if any(assess_unlogged(active.guardrail, AssessedContent((sent,), "OUTPUT")).blocked for active in guardrails):
            break
    return sent


def assessments(turn: Turn, before: str, after: str) -> dict[str, Any]:
    """
    Return the assessments of a guarded turn by guardrail ID.

    Args:
        turn: A turn with a guardrail.
        before: Member name for the assessment of the prompt.
        after: Member name for the assessments of the response.
    """
    prompt = {before: {name: result.assessment for name, result in turn.input.items()}}
    reply = {after: {name: [result.assessment] for name, result in turn.output.items()}}
    return {**prompt, **reply} if turn.output else prompt
