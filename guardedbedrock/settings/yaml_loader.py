"""
Loads YAML. This module is separate because PyYAML is an optional dependency.

PyYAML reads YAML 1.1, which has more types than JSON: `no` becomes false, and the account ID `012345670123` an octal number. This
loader converts only values that are not strings in JSON.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import yaml

from guardedbedrock.iam.language.documents import Object

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAG: Final = "tag:yaml.org,2002:"
_TEXT: Final = f"{_TAG}str"
_MERGE: Final = f"{_TAG}merge"
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z")
_PLAIN: Final = (
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), "tTfF"),
    ("null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    ("int", re.compile(r"-?(?:0|[1-9][0-9]*)\Z"), "-0123456789"),
    ("float", _DECIMAL, "-0123456789"),
    ("merge", re.compile(r"<<\Z"), "<"),
)
"""The types of plain scalars: the tag, the form and its first characters. Any other plain scalar is a string."""
_TYPES_OF_KEYS: Final = frozenset(f"{_TAG}{name}" for name in ("bool", "null", "int", "float"))
_FastestLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_FastestLoader):  # type: ignore[misc]  # chosen at run time
    """
    A safe loader with the types of JSON.

    - Numbers are written as in JSON, without an exponent. A date, a number with a leading zero, `1e5`, `0x1F`, `1_000`, `12:30`,
      `yes`, `no`, `on` and `off` are strings.
    - A number with a decimal point is a `Decimal`, so that `1.10` keeps its zero.
    - A key is always a string, so that the operator `Null` needs no quotes.
    - A mapping is an `Object`, which remembers a key that occurs twice.
    """

    yaml_implicit_resolvers: Final[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}

    def flatten_mapping(self, node: Any) -> None:
        """
        Resolve the merge keys of a mapping, and convert its keys to strings.

        Precedence, as YAML defines it: 1. the keys of the mapping, 2. the merged mappings, in their order. In PyYAML 6.0.4
        the last merged mapping has precedence.
        """
        if hasattr(node, "repeated"):  # a mapping with an anchor is reached several times
            return
        own = [(_key(key), value) for key, value in node.value if key.tag != _MERGE]
        counts = Counter(key.value for key, _ in own)
        node.repeated = next((key for key, count in counts.items() if count > 1), None)
        merged: dict[str, tuple[Any, Any]] = {}
        for source in self._merged(node):
            self.flatten_mapping(source)
            for key, value in source.value:
                if key.value not in counts:
                    merged.setdefault(key.value, (key, value))
        node.value = [*merged.values(), *own]

    def _merged(self, node: Any) -> Iterator[Any]:
        for key, value in node.value:
            if key.tag == _MERGE:
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if not isinstance(source, yaml.MappingNode):
                        problem = "expected a mapping or a list of mappings after `<<`"
                        raise yaml.constructor.ConstructorError(None, None, problem, source.start_mark)
                    yield source


for _name, _form, _first in _PLAIN:
    Loader.add_implicit_resolver(f"{_TAG}{_name}", _form, list(_first))


def _object(loader: Any, node: Any) -> Iterator[Object]:
    made = Object()
    yield made
    made.update(loader.construct_mapping(node))
    made.repeated = node.repeated


def _key(node: Any) -> Any:
    """Return the node of a key as a string. It is a copy: the node itself may have an anchor, and be a value elsewhere."""
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key must be a string", node.start_mark)
    if node.tag not in _TYPES_OF_KEYS:
        return node
    return yaml.ScalarNode(_TEXT, node.value, node.start_mark, node.end_mark)


def _decimal(loader: Any, node: Any) -> Any:
    text = loader.construct_scalar(node)
    return Decimal(text) if _DECIMAL.match(text) else loader.construct_yaml_float(node)


Loader.add_constructor(f"{_TAG}map", _object)
Loader.add_constructor(f"{_TAG}float", _decimal)
