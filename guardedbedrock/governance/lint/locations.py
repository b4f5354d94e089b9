"""
Read JSON and YAML, and map each JSON pointer to a line and a column of the file.

A pointer to a member of an object is located at its key, a pointer to an element of an array at the element.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any, Final

from guardedbedrock.settings.reader import parse_json, parse_yaml

_TOKEN: Final = re.compile(r'[\s,:]*+("(?:[^"\\]|\\.)*+"|[{}\[\]]|[^\s{}\[\],:"]++)')
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class SourceText:
    """
    A JSON or YAML file.

    Args:
        text: Its content.
        name: Its path, for messages.
        is_yaml: Whether it is YAML.

    Attributes:
        data: The parsed content; intrinsic functions of a YAML template have their long form, such as ``{"Ref": "Name"}``.

    Raises:
        ConfigurationError: The text cannot be parsed.
    """

    def __init__(self, text: str, name: str, *, is_yaml: bool = False) -> None:
        self.name = name
        self._text = text
        self._is_yaml = is_yaml
        self.data: Any = parse_yaml(text, name, loader=_template_loader) if is_yaml else parse_json(text, name)

    def locate(self, pointer: str) -> tuple[int, int]:
        """
        Return line and column of a pointer, both from 1.

        A pointer into text that is itself JSON, such as a policy in a string, is located at the string.
        """
        while pointer not in self._offsets and pointer:
            pointer = pointer.rpartition("/")[0]
        offset = self._offsets.get(pointer, 0)
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self._text))]

    @cached_property
    def _offsets(self) -> Mapping[str, int]:
        """Computed when the first finding needs it: most files have none."""
        if not self._is_yaml:
            return dict(_json_offsets(self._text))
        yaml: Any = import_module("yaml")
        root = yaml.compose(self._text, _template_loader())
        return dict(_yaml_offsets(root, "", root.start_mark.index)) if root is not None else {}


def escape(key: object) -> str:
    """Escape a key for a JSON pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")


def _json_offsets(text: str) -> Iterator[tuple[str, int]]:
    tokens = _TOKEN.finditer(text)

    def value(pointer: str, first: re.Match[str]) -> Iterator[tuple[str, int]]:
        opening = first[1]
        if opening not in "{[":
            return
        index = 0
        for token in tokens:
            if token[1] in "}]":
                return
            if opening == "[":
                child = f"{pointer}/{index}"
                yield child, token.start(1)
                yield from value(child, token)
                index += 1
            else:
                child = f"{pointer}/{escape(_unquoted(token[1]))}"
                yield child, token.start(1)
                yield from value(child, next(tokens))

    first = next(tokens, None)
    if first is not None:
        yield "", first.start(1)
        yield from value("", first)


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2]), text[1:-1])


def _yaml_offsets(node: Any, pointer: str, offset: int) -> Iterator[tuple[str, int]]:
    yield pointer, offset
    if node.id == "sequence":
        for index, child in enumerate(node.value):
            yield from _yaml_offsets(child, f"{pointer}/{index}", child.start_mark.index)
    elif node.id == "mapping":
        for key, child in node.value:
            yield from _yaml_offsets(child, f"{pointer}/{escape(key.value)}", key.start_mark.index)


def _template_loader() -> Any:
    """Return a YAML loader that also reads the short forms of CloudFormation, such as ``!Ref Name``."""
    loader: Any = import_module("guardedbedrock.settings.yaml_loader").Loader

    class TemplateLoader(loader):  # type: ignore[misc]  # PyYAML is optional and has no types here
        pass

    TemplateLoader.add_multi_constructor("!", _intrinsic)
    return TemplateLoader


def _intrinsic(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    if node.id == "scalar":
        value: Any = loader.construct_scalar(node)
    elif node.id == "sequence":
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}
