"""Guardrails for the fake, and the shelf it keeps them on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.assessment.content import CONTENT_WORDS, LEVELS, Level, strengths
from guardedbedrock.testing.assessment.words import MANAGED_WORDS
from guardedbedrock.testing.pii import PII
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from guardedbedrock.testing.assessment import Source

Handling: TypeAlias = Literal["block", "anonymize"]
"""What a guardrail does with sensitive information it finds."""

Strengths: TypeAlias = Level | tuple[Level, Level]
"""How strict a content filter is: for prompts and answers alike, or for each."""

_HANDLINGS: Final = {"block", "anonymize"}
_EVERYTHING: Final = r"[\s\S]+"
_GROUNDING: Final = {"GROUNDING", "RELEVANCE"}
_MISSING: Final = "The guardrail identifier or version provided in the request does not exist."


@dataclass(frozen=True, slots=True)
class FakeGuardrail:
    """
    One version of a guardrail, as simple as a test needs it.

    Args:
        identifier: ARN, or the short ID, which is then one of the fake's own region and account.
        version: A number as text, or ``DRAFT``.
        name: For people.
        denied_words: Words or phrases that block, whole words, case ignored.
        denied_topics: Topic name to the words that give it away, or to what people say who mean it: three quarters of the words
            that tell something make a text like an example.
        content: Category, such as ``VIOLENCE``, to the strength of its filter, or to one for prompts and one for answers.
        content_words: Category to the words that make its filter that sure, in place of `CONTENT_WORDS`.
        managed_words: Managed lists of words that block: ``PROFANITY``.
        pii: Bedrock's entity type, such as ``EMAIL``, to ``block`` or ``anonymize``.
        regexes: Name to a pattern that blocks, or to a pattern and ``block`` or ``anonymize``.
        grounding: ``GROUNDING`` or ``RELEVANCE`` to the score, 0 to 0.99, below which an answer is blocked.
        detect_only: Words, topics, categories, entity types, names of regexes, managed lists and of grounding filters that are
            reported when they are found, and nothing more.
        blocked_input: What the caller reads in place of an answer to a blocked prompt.
        blocked_output: What the caller reads in place of a blocked answer.
        tags: What ``aws:ResourceTag/...`` sees.
        answers: What assesses the answers of the model in its place; None is itself.

    Raises:
        ConfigurationError: A kind, category, list or strength is none that there is, or a pattern is none.
    """

    identifier: str
    version: str = "1"
    name: str = ""
    denied_words: tuple[str, ...] = ()
    denied_topics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    content: Mapping[str, Strengths] = field(default_factory=dict)
    content_words: Mapping[str, Mapping[Level, tuple[str, ...]]] = field(default_factory=dict)
    managed_words: tuple[str, ...] = ()
    pii: Mapping[str, Handling] = field(default_factory=dict)
    regexes: Mapping[str, str | tuple[str, Handling]] = field(default_factory=dict)
    grounding: Mapping[str, float] = field(default_factory=dict)
    detect_only: frozenset[str] = frozenset()
    blocked_input: str = "Sorry, the model cannot answer this question."
    blocked_output: str = "Sorry, the model cannot answer this question."
    tags: Mapping[str, str] = field(default_factory=dict)
    answers: FakeGuardrail | None = None

    def __post_init__(self) -> None:
        if strange := sorted(set(self.pii) - set(PII)):
            raise ConfigurationError(f"pii: no pattern for {strange[0]}; there is one for {', '.join(PII)}")
        _among("content", (*self.content, *self.content_words), CONTENT_WORDS)
        _among("content", (level for given in self.content.values() for level in strengths(given)), LEVELS)
        _among("managed_words", self.managed_words, MANAGED_WORDS)
        _among("grounding", self.grounding, _GROUNDING)
        for name, (pattern, handling) in (*self.expressions.items(), *((kind, ("", how)) for kind, how in self.pii.items())):
            if handling not in _HANDLINGS:
                raise ConfigurationError(f"{name}: {handling!r} is neither 'block' nor 'anonymize'")
            _readable(name, pattern)

    @property
    def id(self) -> str:
        """The short ID."""
        return self.identifier.rpartition("/")[2]

    @property
    def expressions(self) -> dict[str, tuple[str, Handling]]:
        """The regexes, each with what to do about a match."""
        return {name: (rule, "block") if isinstance(rule, str) else rule for name, rule in self.regexes.items()}

    def action(self, name: str, *, detected: bool) -> str:
        """Say what becomes of a text in which a word, topic or category of this name was found, or was not."""
        return "BLOCKED" if detected and name not in self.detect_only else "NONE"

    def on(self, source: Source) -> FakeGuardrail:
        """Give what assesses prompts, or answers."""
        return self.answers if source == "OUTPUT" and self.answers else self

    def message(self, source: Source) -> str:
        """Give what stands in for a text that is blocked."""
        return self.blocked_input if source == "INPUT" else self.blocked_output

    def at(self, identifier: str, version: str) -> FakeGuardrail:
        """Make the same guardrail under another identifier or version."""
        answers = self.answers and self.answers.at(identifier, version)
        return replace(self, identifier=identifier, version=version, answers=answers)

    def blocking(self, text: str, source: Source) -> FakeGuardrail:
        """Make the same guardrail blocking whatever it assesses on one side; `text` is what the caller reads."""
        everything = {**self.regexes, "everything": _EVERYTHING}
        blocked = replace(self, regexes=everything, blocked_input=text, blocked_output=text, answers=self.answers or self)
        return blocked if source == "INPUT" else replace(self, answers=replace(blocked, answers=None))


def _among(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    if strange := sorted(set(names) - set(known)):
        raise ConfigurationError(f"{what}: {strange[0]!r} is not one of {', '.join(sorted(known))}")


def _readable(name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(f"regexes: {name}: {error}") from error


class Shelf:
    """
    The guardrails that exist, as far as one region can see.

    Args:
        guardrails: Those of other regions may be among them; they are not found from here.
        region: Where the fake stands.
        account: Whose guardrails short IDs are.
    """

    def __init__(self, guardrails: Iterable[FakeGuardrail], region: str, account: str) -> None:
        self.region, self.account = region, account
        placed = [item.at(self.arn(item.identifier), item.version) for item in guardrails]
        self.tags: dict[str, Mapping[str, str]] = {item.identifier: item.tags for item in placed}
        self._found = {(item.identifier, item.version): item for item in placed if item.identifier.split(":")[3] == region}

    def __iter__(self) -> Iterator[FakeGuardrail]:
        return iter(list(self._found.values()))

    def arn(self, identifier: str) -> str:
        """Write a short ID out."""
        whole = identifier.startswith("arn:")
        return identifier if whole else f"arn:aws:bedrock:{self.region}:{self.account}:guardrail/{identifier}"

    def find(self, identifier: str, version: str) -> FakeGuardrail:
        """
        Take a guardrail down.

        Raises:
            ServiceError: ``ValidationException`` (400); the text is the same for an unknown ID, version or region.
        """
        found = self._found.get((self.arn(identifier), version))
        if found is None:
            raise ServiceError.invalid(_MISSING)
        return found

    def put(self, guardrail: FakeGuardrail) -> None:
        """Put up a guardrail, in place of what was there under the same ARN and version."""
        self._found[guardrail.identifier, guardrail.version] = guardrail

    def drop(self, arn: str, version: str) -> None:
        """Throw a guardrail away."""
        del self._found[arn, version]
