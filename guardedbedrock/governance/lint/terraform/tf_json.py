"""
Find the policies of Terraform's ``*.tf.json`` files.

Source: Terraform documentation, "JSON Configuration Syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardedbedrock.governance.lint.locations import SourceText, escape
from guardedbedrock.governance.lint.policy import UNRESOLVED, Group, LintedPolicy
from guardedbedrock.governance.lint.template_values import keep_repeated, loaded, placeholder, sample_guardrail
from guardedbedrock.governance.lint.terraform.documents import (
    AFTER,
    BEFORE,
    DOCUMENT,
    MERGED,
    TerraformDocument,
    blocks,
    converted_document,
    element_of,
    guess_type,
)
from guardedbedrock.governance.lint.terraform.principals import ADDRESS, EXPRESSION, TerraformResource, groups_of, linted

_WHOLE: Final = re.compile(r"\$\{\s*(?:jsonencode\(\s*)?((?:local|var)\.[\w-]+)\s*\)?\s*\}")
_OF_DOCUMENT: Final = re.compile(rf"\$\{{\s*data\.{DOCUMENT}\.([\w-]+)(?:\[[^\]]*\])?\.(?:minified_)?json\s*\}}")
_REFERENCE: Final = re.compile(r"\$\{([^{}]*)\}")


def of_terraform(source: SourceText) -> Iterator[Group]:
    """Yield the policies of a ``*.tf.json`` file."""
    file = _Configuration(source.data)
    used: set[str] = set()

    def text_of(resource: TerraformResource, value: Any, pointer: str, attribute: str) -> TerraformDocument:
        del resource, attribute
        return file.text_of(value, pointer, used)

    yield from groups_of(source, file.resources, text_of)
    trusts = {name for one in file.resources for name in _OF_DOCUMENT.findall(str(one.values.get("assume_role_policy")))}
    for name, (block, pointer) in file.documents.items():
        if name not in used | trusts | file.sources:
            text = file.converted(name, block, pointer)
            yield Group((linted(source, text, guess_type(text.document), f"data.{DOCUMENT}.{name}"),))
    for (module,), _, pointer in _labelled(source.data.get("module"), "/module", 1):
        reason = "this file only names the module"
        yield Group((LintedPolicy(source, pointer, None, "identity", name=f"module.{module}", unread=reason),))


class _Configuration:
    """The blocks of a ``*.tf.json`` file, and the values of its locals and of the defaults of its variables."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.named: dict[str, tuple[Any, str]] = {}
        for block, pointer in blocks(data.get("locals"), "/locals"):
            self.named |= {f"local.{name}": (value, f"{pointer}/{escape(name)}") for name, value in block.items()}
        for (name,), block, pointer in _labelled(data.get("variable"), "/variable", 1):
            if "default" in block:
                self.named[f"var.{name}"] = (block["default"], f"{pointer}/default")
        self.resources = [
            TerraformResource(kind, f"{kind}.{name}", block, pointer, references=_references(block))
            for (kind, name), block, pointer in _labelled(data.get("resource"), "/resource", 2)
        ]
        self.documents = {
            name: (block, pointer) for (kind, name), block, pointer in _labelled(data.get("data"), "/data", 2) if kind == DOCUMENT
        }
        self.sources = {
            name
            for block, _ in self.documents.values()
            for key in (*BEFORE, *AFTER)
            for name in _OF_DOCUMENT.findall(str(block.get(key)))
        }

    def follow(self, value: Any, pointer: str) -> tuple[Any, str]:
        """Resolve a reference to a local value or to a variable with a default; any other value is returned unchanged."""
        for _ in range(len(self.named) + 1):
            found = _WHOLE.fullmatch(value) if isinstance(value, str) else None
            if found is None or found[1] not in self.named:
                break
            value, pointer = self.named[found[1]]
        return value, pointer

    def text_of(self, value: Any, pointer: str, used: set[str]) -> TerraformDocument:
        """Return the policy that an attribute holds; `used` collects the names of data sources."""
        value, pointer = self.follow(value, pointer)
        if not isinstance(value, str):
            return TerraformDocument(self.resolved(value), pointer)
        named = _OF_DOCUMENT.fullmatch(value)
        if named is not None and named[1] in self.documents:
            used.add(named[1])
            return self.converted(named[1], *self.documents[named[1]])
        document = loaded(value)
        if isinstance(document, str) and "${" in document:
            return TerraformDocument(None, pointer, unread=EXPRESSION)
        return TerraformDocument(self.resolved(document), pointer)

    def converted(self, name: str, block: Mapping[str, Any], pointer: str, outer: tuple[str, ...] = ()) -> TerraformDocument:
        """Return the policy of a data source, with the documents that it merges."""
        if name in outer:
            return TerraformDocument(None, pointer, unread=MERGED)

        def merged(value: Any, location: str) -> TerraformDocument:
            named = _OF_DOCUMENT.fullmatch(value) if isinstance(value, str) else None
            if named is not None and named[1] in self.documents:
                return self.converted(named[1], *self.documents[named[1]], (*outer, name))
            return self.text_of(value, location, set())

        return converted_document(self.resolved(block), pointer, merged)

    def resolved(self, value: Any, element: str = "") -> Any:
        """Replace references: to a guardrail with a sample, to a known value with the value, all others with a placeholder."""
        if isinstance(value, str):
            followed, _ = self.follow(value, "")
            if not isinstance(followed, str):
                return self.resolved(followed, element)
            return _placed(_REFERENCE.sub(self._reference, followed.replace("$${", "\0")), element)
        if isinstance(value, list):
            spread = [self.resolved(one, element) for one in value]
            return [one for item in spread for one in (item if isinstance(item, list) else [item])]
        if isinstance(value, Mapping):
            return keep_repeated(value, {key: self.resolved(one, element_of(key)) for key, one in value.items()})
        return value

    def _reference(self, found: re.Match[str]) -> str:
        parts = found[1].strip().split(".")
        if parts[0] == "data" and parts[1:2] == [DOCUMENT]:
            return found[0]  # a document to merge
        if parts[0] == "aws_bedrock_guardrail" and parts[-1] in ("guardrail_arn", "arn"):
            return sample_guardrail(parts[1])
        if parts[0] in ("aws_bedrock_guardrail_version", "aws_bedrock_guardrail") and parts[-1] == "version":
            return "1"
        value, _ = self.named.get(found[1].strip(), (None, ""))
        is_literal = isinstance(value, str | int) and not isinstance(value, bool) and "${" not in str(value)
        return str(value) if is_literal else UNRESOLVED


def _placed(text: str, element: str) -> str:
    """Return a string without references; a string that needs more than a lookup becomes a placeholder."""
    is_later = UNRESOLVED in text or "%{" in text or ("${" in text and not _OF_DOCUMENT.fullmatch(text))
    return (placeholder(element, UNRESOLVED if "{" in text else text) if is_later else text).replace("\0", "${")


def _references(block: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    return {key: frozenset(ADDRESS.findall(str(value))) for key, value in block.items() if "${" in str(value)}


def _labelled(value: Any, pointer: str, depth: int) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], str]]:
    """Yield labels, body and pointer of blocks. Each level can be an object, or an array of objects."""
    for block, location in blocks(value, pointer):
        if depth == 0:
            yield (), block, location
            continue
        for label, inner in block.items():
            for labels, body, at in _labelled(inner, f"{location}/{escape(label)}", depth - 1):
                yield (label, *labels), body, at
