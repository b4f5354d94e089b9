"""A knowledge base of the fake, and the search in its documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.resources.checks import check_instances, check_mapping, check_string

_ID: Final = re.compile("[0-9a-zA-Z]{10}")
_WORD: Final = re.compile(r"\w+")
_DEFAULT_RESULTS: Final = 5
_DECIMALS: Final = 6

MetadataValue: TypeAlias = str | int | float | bool | Sequence[str]
"""A value in the metadata of a document, which filters can read."""


@dataclass(frozen=True, slots=True)
class FakeDocument:
    """
    A document of a knowledge base. It is one passage: the search does not split it.

    Args:
        text: The text.
        uri: S3 URI of the document; derived from the ID of the knowledge base and the number of the document by default.
        metadata: Attributes, which filters can read.

    Raises:
        ConfigurationError: The text is empty, the URI is not an S3 URI, or a value in the metadata has another type.
    """

    text: str
    uri: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise ConfigurationError("text: must be a string with at least one visible character")
        check_string("uri", self.uri)
        check_mapping("metadata", self.metadata)
        if self.uri and not self.uri.startswith("s3://"):
            raise ConfigurationError(f"uri: {self.uri!r} is not an S3 URI, such as s3://bucket/handbook.txt")
        for name, value in self.metadata.items():
            if not isinstance(value, str | int | float) and not _are_strings(value):
                raise ConfigurationError(f"metadata.{name}: must be a string, a number, true, false, or a list of strings")


def _are_strings(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


@dataclass(frozen=True, slots=True)
class FakeKnowledgeBase:
    """
    A knowledge base with its documents.

    Args:
        identifier: ID: ten letters and digits.
        documents: The documents; a string is a document without metadata.
        name: Name; derived from the ID by default.

    Raises:
        ConfigurationError: The ID is invalid, or a document is empty.
    """

    identifier: str
    documents: Sequence[FakeDocument | str] = ()
    name: str = ""

    def __post_init__(self) -> None:
        check_string("identifier", self.identifier)
        check_string("name", self.name)
        if not _ID.fullmatch(self.identifier):
            raise ConfigurationError(f"identifier: {self.identifier!r} is not the ID of a knowledge base, ten letters and digits")
        if isinstance(self.documents, str):
            raise ConfigurationError("documents: expected a list of documents, got a string")
        documents = check_instances("documents", self.documents, (FakeDocument, str))
        object.__setattr__(self, "documents", tuple(map(_document, documents)))


def _document(given: FakeDocument | str) -> FakeDocument:
    return FakeDocument(given) if isinstance(given, str) else given


class IndexedDocument(NamedTuple):
    """A document that a search can find, with Bedrock's location of it."""

    text: str
    location: Mapping[str, Any]
    metadata: Mapping[str, MetadataValue]


class Passage(NamedTuple):
    """A document that a search found, with the share of the words of the query that it contains."""

    text: str
    location: Mapping[str, Any]
    metadata: Mapping[str, MetadataValue]
    score: float


def s3_location(uri: str) -> dict[str, Any]:
    """Return Bedrock's location of an S3 object."""
    return {"type": "S3", "s3Location": {"uri": uri}}


def search(documents: Iterable[IndexedDocument], query: str, settings: Mapping[str, Any]) -> list[Passage]:
    """
    Return the documents that have a word in common with the query, the best first, and then in their order.

    Args:
        documents: The documents of a knowledge base.
        query: The query.
        settings: ``vectorSearchConfiguration`` or ``managedSearchConfiguration``: ``numberOfResults`` (5 by default), ``filter``.
    """
    found = []
    for document in documents:
        score = overlap(query, document.text)
        if score and ("filter" not in settings or matches(settings["filter"], document.metadata)):
            found.append(Passage(*document, score))
    found.sort(key=lambda passage: -passage.score)
    return found[: settings.get("numberOfResults", _DEFAULT_RESULTS)]


def overlap(query: str, text: str) -> float:
    """Return the share of the words of a query that a text contains, 0 to 1. The case of letters does not matter."""
    wanted, present = (set(_WORD.findall(each.lower())) for each in (query, text))
    return round(len(wanted & present) / len(wanted), _DECIMALS) if wanted else 0.0


def matches(condition: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """
    Return whether metadata matches a filter. A document without the attribute matches only the negated operators.

    Args:
        condition: Bedrock's ``RetrievalFilter``: one operator with its key and value, or ``andAll`` or ``orAll``.
        metadata: The attributes of a document.
    """
    if "andAll" in condition:
        return all(matches(each, metadata) for each in condition["andAll"])
    if "orAll" in condition:
        return any(matches(each, metadata) for each in condition["orAll"])
    operator, operand = next(iter(condition.items()))
    if operand["key"] not in metadata:
        return operator in _NEGATED
    try:
        return bool(_OPERATORS[operator](metadata[operand["key"]], operand["value"]))
    except TypeError:  # a string compared with a number
        return operator in _NEGATED


_NEGATED: Final = ("notEquals", "notIn")
_OPERATORS: Final[Mapping[str, Any]] = {
    "equals": lambda given, value: given == value,
    "notEquals": lambda given, value: given != value,
    "greaterThan": lambda given, value: given > value,
    "greaterThanOrEquals": lambda given, value: given >= value,
    "lessThan": lambda given, value: given < value,
    "lessThanOrEquals": lambda given, value: given <= value,
    "in": lambda given, value: given in value,
    "notIn": lambda given, value: given not in value,
    "startsWith": lambda given, value: given.startswith(value) if isinstance(given, str) else False,
    "stringContains": lambda given, value: any(value in each for each in ([given] if isinstance(given, str) else given)),
    "listContains": lambda given, value: value in given if not isinstance(given, str) else False,
}
