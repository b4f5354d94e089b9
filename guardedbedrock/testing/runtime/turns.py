"""One turn of a guarded conversation: the prompt is assessed, the model answers, the answer is assessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.assessment import Assessed, Scene, Scope, assess, examine, mask, unmasked
from guardedbedrock.testing.runtime.replies import Said, tokens, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardedbedrock.testing.guardrails import FakeGuardrail
    from guardedbedrock.testing.runtime.prompts import Prompt, Seen


@dataclass(frozen=True, slots=True)
class Watch:
    """
    A guardrail that runs, and why.

    Args:
        guardrail: The guardrail.
        origins: Who wants it to, as Bedrock spells it.
        own: Whether it is the account's own.
        sees: What of a prompt it assesses.
    """

    guardrail: FakeGuardrail
    origins: tuple[str, ...]
    own: bool
    sees: Callable[[Prompt], Seen]


@dataclass(frozen=True, slots=True)
class How:
    """
    How assessments are told and streamed.

    Args:
        full: Tell of what was not found, too.
        late: Send a stream before it is assessed: what is masked stays unmasked, what is blocked ends it.
    """

    full: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """
    What was said and what the guardrails did about it.

    Args:
        reply: What the caller reads.
        said: What the model said; None when it was not asked.
        prompt: What it was asked.
        input: What each guardrail made of the prompt, by ID.
        output: What each guardrail made of the answer, by ID.
    """

    reply: Said
    said: Said | None
    prompt: Prompt
    input: dict[str, Assessed] = field(default_factory=dict)
    output: dict[str, Assessed] = field(default_factory=dict)

    @property
    def guarded(self) -> bool:
        """Whether any guardrail ran."""
        return bool(self.input)

    @property
    def text(self) -> str:
        """The text the caller reads."""
        return self.reply.text

    @property
    def intervened(self) -> bool:
        """Whether a guardrail blocked or masked anything."""
        return any(found.intervened for found in self._found())

    @property
    def reason(self) -> str:
        """Bedrock's ``actionReason``: of the strongest intervention, that of the answer first."""
        strongest = sorted(self._found(), key=lambda found: not found.blocked)
        return next((found.reason for found in strongest if found.intervened), "No action.")

    def _found(self) -> tuple[Assessed, ...]:
        return (*self.output.values(), *self.input.values())

    @property
    def usage(self) -> dict[str, int]:
        """Token counts; none where the model was not asked."""
        asked = self.said is not None
        spent = (tokens(self.prompt.texts), _spent(self.reply)) if asked else (0, 0)
        return {"inputTokens": spent[0], "outputTokens": spent[1], "totalTokens": sum(spent)}

    @property
    def latency(self) -> int:
        """A plausible latency, in ms."""
        return 1 + self.usage["totalTokens"]


def _spent(reply: Said) -> int:
    return tokens([block if isinstance(block, str) else str(getattr(block, "json", block)) for block in reply.blocks])


def take(prompt: Prompt, ask: Callable[[str], Said], watches: Iterable[Watch], how: How) -> Turn:
    """
    Take one turn. All guardrails run; what one of them blocks is blocked, and each masks what it masks.

    Args:
        prompt: What the model is asked.
        ask: The model: what the user said last to its answer.
        watches: The guardrails, the request's own first.
        how: How assessments are told and streamed.
    """
    watches = tuple(watches)
    before = {watch.guardrail.id: assess(watch.guardrail, _asked(watch, prompt), _scope(watch, prompt, how)) for watch in watches}
    if blocked := _blocked(before):
        return Turn(blocked, None, prompt, before)
    last = prompt.last
    for watch in watches:
        last = mask(watch.guardrail, last)
    said = ask(last)
    after = {watch.guardrail.id: _answered(watch, prompt, said, how) for watch in watches}
    return Turn(_reply(watches, said, after, how), said, prompt, before, after)


def _scope(watch: Watch, prompt: Prompt, how: How) -> Scope:
    return Scope(prompt.characters, prompt.images, how.full, watch.origins, watch.own)


def _asked(watch: Watch, prompt: Prompt) -> Scene:
    seen = watch.sees(prompt)
    return Scene(seen.texts, "INPUT", images=seen.images)


def _answered(watch: Watch, prompt: Prompt, said: Said, how: How) -> Assessed:
    scene = Scene(said.texts, "OUTPUT", prompt.sources, prompt.queries)
    found = assess(watch.guardrail, scene, replace(_scope(watch, prompt, how), total=None, images=None))
    return unmasked(found, said.texts) if how.late else found


def _blocked(found: dict[str, Assessed]) -> Said | None:
    return next((Said(one.texts, "guardrail_intervened") for one in found.values() if one.blocked), None)


def _reply(watches: tuple[Watch, ...], said: Said, after: dict[str, Assessed], how: How) -> Said:
    blocked = _blocked(after)
    if blocked and how.late:
        return replace(blocked, blocks=(_let_out(watches, said), *blocked.blocks))
    if blocked:
        return blocked
    texts = said.texts
    for watch in watches if not how.late else ():
        texts = tuple(mask(watch.guardrail.on("OUTPUT"), text) for text in texts)
    return said.reading(texts)


def _let_out(watches: tuple[Watch, ...], said: Said) -> str:
    """Say what of an answer has left when a guardrail finds what it blocks, which has left, too."""
    out = ""
    for word in words(said.text):
        out += word
        if any(examine(watch.guardrail, Scene((out,), "OUTPUT")).blocked for watch in watches):
            break
    return out


def assessments(turn: Turn, before: str, after: str) -> dict[str, Any]:
    """
    Write both assessments by guardrail ID.

    Args:
        turn: A turn with a guardrail.
        before: The operation's name for the assessment of the prompt.
        after: The operation's name for the assessments of the answer.
    """
    prompt = {before: {name: found.assessment for name, found in turn.input.items()}}
    answer = {after: {name: [found.assessment] for name, found in turn.output.items()}}
    return {**prompt, **answer} if turn.output else prompt
