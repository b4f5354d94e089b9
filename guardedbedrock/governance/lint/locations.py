"""
Read JSON and YAML, and map each JSON pointer to a line and a column of the file.

A pointer to a member of an object is located at its key, a pointer to an element of an array at the element.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from importlib import import_module
from typing import Any, Final, TypeAlias

from guardedbedrock.settings.reader import parse_json, parse_yaml

_TOKEN: Final = re.compile(r'[\s,:]*+("(?:[^"\\]|\\.)*+"|[{}\[\]]|[^\s{}\[\],:"]++)')
_CHARACTER: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))|.", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_Text: TypeAlias = Callable[[], list[tuple[str, int]]]
"""Returns the characters of a string, each with its position in the file."""
_Position: TypeAlias = tuple[int, _Text | None]
"""The position of a value in the file and, if the value is a string that can be JSON, the function for its characters."""


class SourceText:
    """
    A JSON or YAML file.

    Args:
        text: Its content.
        name: Its path, for messages.
        is_yaml: Whether it is YAML.

    Attributes:
        data: The parsed content; intrinsic functions of a YAML template are in the long form, such as ``{"Ref": "Name"}``.

    Raises:
        ConfigurationError: The text cannot be parsed.
    """

    def __init__(self, text: str, name: str, *, is_yaml: bool = False) -> None:
        self.name = name
        self._text = text
        self._is_yaml = is_yaml
        self.data: Any = parse_yaml(text, name, loader=_template_loader) if is_yaml else parse_json(text, name)

    @property
    def json_text(self) -> str:
        """The content of a JSON file; ``""`` for a YAML file."""
        return "" if self._is_yaml else self._text

    def locate(self, pointer: str) -> tuple[int, int]:
        """
        Return the line and the column of a pointer, both from 1.

        A pointer can continue into a string that contains JSON, such as an embedded policy.
        """
        known = pointer
        while known not in self._positions and known:
            known = known.rpartition("/")[0]
        position, text = self._positions.get(known, (0, None))
        inner = pointer.removeprefix(known)
        if inner and text is not None:
            position = _inner_position(text, inner, position)
        line = bisect_right(self._lines, position)
        return line, position - self._lines[line - 1] + 1

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self._text))]

    @cached_property
    def _positions(self) -> Mapping[str, _Position]:
        """Each pointer with its position, computed for the first finding: most files have no findings."""
        if not self._is_yaml:
            return dict(_json_positions(self._text))
        yaml: Any = import_module("yaml")
        root = yaml.compose(self._text, _template_loader())
        return dict(_yaml_positions(root, "", root.start_mark.index, self._text)) if root is not None else {}


class EmbeddedText(SourceText):
    """
    JSON that is a part of another file.

    Args:
        text: The JSON text.
        name: Path of the file.
        file: Content of the file.
        start: Position of the JSON text in the file.
    """

    def __init__(self, text: str, name: str, file: str, start: int) -> None:
        super().__init__(text, name)
        self._first = file.count("\n", 0, start), start - (file.rfind("\n", 0, start) + 1)

    def locate(self, pointer: str) -> tuple[int, int]:
        """Return the line and the column of a pointer in the file; see `SourceText.locate`."""
        line, column = super().locate(pointer)
        lines, columns = self._first
        return line + lines, column + (columns if line == 1 else 0)


def escape(key: object) -> str:
    """Escape a key for a JSON pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")


def _json_positions(text: str) -> Iterator[tuple[str, _Position]]:
    tokens = _TOKEN.finditer(text)

    def value(pointer: str, first: re.Match[str]) -> Iterator[tuple[str, _Position]]:
        opening = first[1]
        if opening not in "{[":
            return
        index = 0
        for token in tokens:
            if token[1] in "}]":
                return
            if opening == "[":
                child, member = f"{pointer}/{index}", token
                index += 1
            else:
                child, member = f"{pointer}/{escape(_unquoted(token[1]))}", next(tokens)
            yield child, (token.start(1), _json_text(member))
            yield from value(child, member)

    first = next(tokens, None)
    if first is not None:
        yield "", (first.start(1), None)
        yield from value("", first)


# -- JSON in a string -----------------------------------------------------------------------------------------------------


def _inner_position(text: _Text, pointer: str, default: int) -> int:
    """Return the position in the file of a pointer into JSON that is written in a string."""
    characters = text()
    positions = dict(_json_positions("".join(character for character, _ in characters)))
    while pointer not in positions and pointer:
        pointer = pointer.rpartition("/")[0]
    return characters[positions[pointer][0]][1] if pointer in positions else default


def _json_text(token: re.Match[str]) -> _Text | None:
    """Return the function for the characters of a string token; None if the token cannot be JSON."""
    if not token[1].startswith('"') or "{" not in token[1]:
        return None
    return partial(_escaped_characters, token[1][1:-1], token.start(1) + 1)


def _escaped_characters(text: str, start: int) -> list[tuple[str, int]]:
    """Return each character of an escaped string with its position."""
    return [(_unescaped(found), start + found.start()) for found in _CHARACTER.finditer(text)]


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _ESCAPES.get(found[2], found[2]) if found[2] else found[0]


def _yaml_text(node: Any, file: str) -> _Text | None:
    """Return the function for the characters of a scalar; None unless it can be JSON and is a literal or quoted on one line."""
    if node.id != "scalar" or "{" not in str(node.value):
        return None
    start, end = node.start_mark.index, node.end_mark.index
    if node.style == "|":
        return partial(_literal_characters, str(node.value), file, start)
    if node.start_mark.line != node.end_mark.line or node.style not in ("'", '"'):
        return None
    quoted = file.index(node.style, start) + 1  # a tag such as !Sub comes before it
    inner = file[quoted : end - 1]
    if node.style == '"':
        return partial(_escaped_characters, inner, quoted)
    return lambda: [(found[0][0], quoted + found.start()) for found in re.finditer("''|.", inner)]


def _literal_characters(text: str, file: str, start: int) -> list[tuple[str, int]]:
    """Return each character of a literal block with its position. All lines of the block have the same indentation."""
    position, characters = file.index("\n", start) + 1, []
    indent = next((len(line) - len(line.lstrip()) for line in file[position:].split("\n") if line.strip()), 0)
    for line in text.splitlines(keepends=True):
        shift = indent if line.strip() else 0
        characters += [(character, position + shift + index) for index, character in enumerate(line)]
        position = file.find("\n", position) + 1
    return characters


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2]), text[1:-1])


def _yaml_positions(node: Any, pointer: str, offset: int, file: str) -> Iterator[tuple[str, _Position]]:
    yield pointer, (offset, _yaml_text(node, file))
    if node.tag.startswith("!"):  # a short form, whose parsed form has the name of the function as a key
        pointer = f"{pointer}/{escape(_function(node.tag[1:]))}"
        yield pointer, (offset, _yaml_text(node, file))
    if node.id == "sequence":
        for index, child in enumerate(node.value):
            yield from _yaml_positions(child, f"{pointer}/{index}", child.start_mark.index, file)
    elif node.id == "mapping":
        for key, child in node.value:
            yield from _yaml_positions(child, f"{pointer}/{escape(key.value)}", key.start_mark.index, file)


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
    return {_function(suffix): value}


def _function(suffix: str) -> str:
    """Return the long name of a short form such as ``!Ref``."""
    return suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
