"""A guardrail of the fake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock.guardrail.guardrail import is_version
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.resources.checks import (
    check_known,
    check_list,
    check_mapping,
    check_number,
    check_string,
    check_strings,
)
from guardedbedrock.testing.resources.pii import PII
from guardedbedrock.testing.resources.word_lists import CONTENT_WORDS, LEVELS, MANAGED_WORDS, Level, Strengths

AssessmentSource: TypeAlias = Literal["INPUT", "OUTPUT"]
"""Whether the assessed content is a prompt or a response of the model."""

Handling: TypeAlias = Literal["block", "anonymize"]
"""The action of a guardrail on sensitive information."""

_HANDLINGS: Final = {"block", "anonymize"}
_IDENTIFIER: Final = re.compile(r"(arn:[^:]+:bedrock:[^:]+:[^:]*:guardrail/)?[A-Za-z0-9_-]+")
_ANY_TEXT: Final = r"[\s\S]+"
_GROUNDING: Final = {"GROUNDING", "RELEVANCE"}
_MOST_GROUNDING: Final = 0.99  # AWS rejects 1, which would block every response
_PAIR: Final = 2
_TEXT_FIELDS: Final = ("identifier", "version", "name", "blocked_input", "blocked_output")
_MAPPING_FIELDS: Final = ("denied_topics", "content", "content_words", "pii", "regexes", "grounding", "tags")


@dataclass(frozen=True, slots=True)
class FakeGuardrail:
    """
    One version of a guardrail.

        FakeGuardrail("abc123def456", denied_words=("salary",), pii={"EMAIL": "anonymize"})

    Args:
        identifier: ARN, or short ID of a guardrail in the region and account of the fake.
        version: A number, as a string, or ``DRAFT``.
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
            name is unknown; a pattern or a threshold is invalid; a word is empty; or a value has the wrong type.
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
        for name in _TEXT_FIELDS:
            check_string(name, getattr(self, name))
        for name in _MAPPING_FIELDS:
            check_mapping(name, getattr(self, name))
        if not _IDENTIFIER.fullmatch(self.identifier):
            raise ConfigurationError(f"identifier: {self.identifier!r} is not the ID or the ARN of a guardrail")
        if not is_version(self.version):
            raise ConfigurationError(
                f"version: {self.version!r} is not a version; write a number as a string, such as '3', or DRAFT"
            )
        self._check_words()
        self._check_filters()
        for kind, handling in self.pii.items():
            check_known("pii", [kind], PII)
            check_known(f"pii.{kind}", [handling], _HANDLINGS)
        for name, rule in self.regexes.items():
            _check_regex(f"regexes.{name}", rule)
        for key, value in self.tags.items():
            check_string(f"tags.{key}", value)
        if not isinstance(self.answers, FakeGuardrail | None):
            raise ConfigurationError(f"answers: expected a FakeGuardrail, got {self.answers!r}")
        self._check_detect_only()

    def _check_words(self) -> None:
        check_strings("denied_words", self.denied_words)
        for topic, phrases in self.denied_topics.items():
            check_strings(f"denied_topics.{topic}", phrases)
        check_known("managed_words", check_list("managed_words", self.managed_words), MANAGED_WORDS)

    def _check_filters(self) -> None:
        check_known("content", (*self.content, *self.content_words), CONTENT_WORDS)
        for category, given in self.content.items():
            pair = _pair(given, given)
            if pair is None:
                problem = f"expected a strength, or one for prompts and one for responses, got {given!r}"
                raise ConfigurationError(f"content.{category}: {problem}")
            check_known(f"content.{category}", pair, LEVELS)
        for category, words in self.content_words.items():
            check_mapping(f"content_words.{category}", words)
            check_known(f"content_words.{category}", words, LEVELS)
            for level, phrases in words.items():
                check_strings(f"content_words.{category}.{level}", phrases)
        check_known("grounding", self.grounding, _GROUNDING)
        for name, threshold in self.grounding.items():
            check_number(f"grounding.{name}", threshold, 0, _MOST_GROUNDING)

    def _check_detect_only(self) -> None:
        named = (self.denied_words, self.denied_topics, self.content, self.managed_words, self.pii, self.regexes, self.grounding)
        known = {name for names in named for name in names}
        given = check_list("detect_only", self.detect_only)
        if given and not known:
            raise ConfigurationError(f"detect_only: {given[0]!r} is unknown; the guardrail has no words, topics or filters")
        check_known("detect_only", given, known)

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
        """Return the message that replaces blocked content."""
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


def _pair(given: object, default: object) -> list[Any] | None:
    """Return a pair; for a string, the string and the default; None for anything else."""
    if isinstance(given, str):
        return [given, default]
    return list(given) if isinstance(given, list | tuple) and len(given) == _PAIR else None


def _check_regex(location: str, rule: object) -> None:
    pair = _pair(rule, "block")
    if pair is None or not isinstance(pair[0], str):
        raise ConfigurationError(f"{location}: expected a pattern, or a pattern and `block` or `anonymize`, got {rule!r}")
    check_known(location, pair[1:], _HANDLINGS)
    try:
        re.compile(pair[0])
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"{location}: not a regular expression: {error}") from error
