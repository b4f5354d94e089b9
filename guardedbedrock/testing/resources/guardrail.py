"""A guardrail of the fake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from guardedbedrock.bedrock.guardrail.guardrail import is_version
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.resources.pii import PII
from guardedbedrock.testing.resources.word_lists import CONTENT_WORDS, LEVELS, MANAGED_WORDS, Level, Strengths, strengths

AssessmentSource: TypeAlias = Literal["INPUT", "OUTPUT"]
"""Whether a text is a prompt or a response of the model."""

Handling: TypeAlias = Literal["block", "anonymize"]
"""The action of a guardrail on sensitive information."""

_HANDLINGS: Final = {"block", "anonymize"}
_IDENTIFIER: Final = re.compile(r"(arn:[^:]+:bedrock:[^:]+:[^:]*:guardrail/)?[A-Za-z0-9_-]+")
_ANY_TEXT: Final = r"[\s\S]+"
_GROUNDING: Final = {"GROUNDING", "RELEVANCE"}


@dataclass(frozen=True, slots=True)
class FakeGuardrail:
    """
    One version of a guardrail.

        FakeGuardrail("abc123def456", denied_words=("salary",), pii={"EMAIL": "anonymize"})

    Args:
        identifier: ARN, or short ID of a guardrail in the region and account of the fake.
        version: A number as text, or ``DRAFT``.
        name: Display name.
        denied_words: Words or phrases that are blocked. Whole words match; case is ignored.
        denied_topics: Topic name to words or example sentences. A text matches an example if it contains three quarters of its
            significant words.
        content: Category, such as ``VIOLENCE``, to the strength of its filter, or to a pair: for prompts and for responses.
        content_words: Category to confidence to words; replaces `CONTENT_WORDS` for this category.
        managed_words: Managed word lists that are blocked: ``PROFANITY``.
        pii: Bedrock's entity type, such as ``EMAIL``, to ``block`` or ``anonymize``.
        regexes: Name to a pattern that is blocked, or to a pair: pattern, and ``block`` or ``anonymize``.
        grounding: ``GROUNDING`` or ``RELEVANCE`` to a threshold from 0 to 0.99. A response with a lower score is blocked.
        detect_only: Names of words, topics, categories, entity types, regexes, managed lists and grounding filters that are
            reported and neither blocked nor masked.
        blocked_input: The message that replaces the response to a blocked prompt.
        blocked_output: The message that replaces a blocked response.
        tags: Tags of the resource, for ``aws:ResourceTag/...``.
        answers: The guardrail that assesses responses; None uses this guardrail for prompts and responses.

    Raises:
        ConfigurationError: The identifier or the version is malformed; a category, list, strength, entity type, handling or
            name is unknown; or a pattern is invalid.
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
        if not _IDENTIFIER.fullmatch(self.identifier):
            raise ConfigurationError(f"identifier: {self.identifier!r} is not the ID or the ARN of a guardrail")
        if not is_version(self.version):
            raise ConfigurationError(f"version: {self.version!r} is not a version; write a number as text, or DRAFT")
        _check_names("pii", self.pii, PII)
        _check_names("content", (*self.content, *self.content_words), CONTENT_WORDS)
        _check_names("content", (level for given in self.content.values() for level in strengths(given)), LEVELS)
        _check_names("managed_words", self.managed_words, MANAGED_WORDS)
        _check_names("grounding", self.grounding, _GROUNDING)
        for kind, handling in self.pii.items():
            _check_names(f"pii.{kind}", [handling], _HANDLINGS)
        for name, (pattern, handling) in self.expressions.items():
            _check_names(f"regexes.{name}", [handling], _HANDLINGS)
            _check_pattern(name, pattern)
        named = (self.denied_words, self.denied_topics, self.content, self.managed_words, self.pii, self.regexes, self.grounding)
        _check_names("detect_only", self.detect_only, {name for names in named for name in names})

    @property
    def id(self) -> str:
        """The short ID."""
        return self.identifier.rpartition("/")[2]

    @property
    def expressions(self) -> dict[str, tuple[str, Handling]]:
        """Name of each regex to its pattern and its handling."""
        return {name: (rule, "block") if isinstance(rule, str) else rule for name, rule in self.regexes.items()}

    def action(self, name: str, *, detected: bool) -> str:
        """Return ``BLOCKED`` or ``NONE`` for a word, topic or category that was detected or not."""
        return "BLOCKED" if detected and name not in self.detect_only else "NONE"

    def for_source(self, source: AssessmentSource) -> FakeGuardrail:
        """Return the guardrail that assesses prompts, or responses."""
        return self.answers if source == "OUTPUT" and self.answers else self

    def message(self, source: AssessmentSource) -> str:
        """Return the message that replaces a blocked text."""
        return self.blocked_input if source == "INPUT" else self.blocked_output

    def renamed(self, identifier: str, version: str) -> FakeGuardrail:
        """Return a copy with another identifier and version."""
        answers = self.answers and self.answers.renamed(identifier, version)
        return replace(self, identifier=identifier, version=version, answers=answers)

    def blocking(self, text: str, source: AssessmentSource) -> FakeGuardrail:
        """Return a copy that blocks every prompt, or every response, with the message `text`."""
        everything = {**self.regexes, "everything": _ANY_TEXT}
        blocked = replace(self, regexes=everything, blocked_input=text, blocked_output=text, answers=self.answers or self)
        return blocked if source == "INPUT" else replace(self, answers=replace(blocked, answers=None))


def _check_names(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    if unknown := sorted(set(names) - set(known)):
        raise ConfigurationError(f"{where}: {unknown[0]!r} is unknown; known are {', '.join(sorted(known))}")


def _check_pattern(name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(f"regexes.{name}: not a regular expression: {error}") from error
