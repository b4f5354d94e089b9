"""
Unroll the loops of CloudFormation templates.

A collection that is known only at deployment is unrolled once, for an unknown element.
Source: AWS CloudFormation User Guide, "Fn::ForEach".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from guardedbedrock.governance.lint.locations import escape
from guardedbedrock.governance.lint.policy import UNRESOLVED
from guardedbedrock.governance.lint.template_values import items_of, keep_repeated, list_of, mapping_of

LOOP: Final = "Fn::ForEach::"
_ARGUMENTS: Final = 3  # identifier, collection, fragment
_NOT_ALPHANUMERIC: Final = re.compile("[^A-Za-z0-9]")

Resolve = Callable[[Any], Any]
"""Returns a value without intrinsic functions."""


def members(section: Any, pointer: str, resolve: Resolve) -> Iterator[tuple[str, Any, str]]:
    """
    Yield name, value and pointer in the file of each member of a section, including the members that its loops create.

    Args:
        section: The section, an object.
        pointer: Pointer of the section.
        resolve: Resolves the collection of a loop.
    """
    for name, value in items_of(section):
        location = f"{pointer}/{escape(name)}"
        arguments = list_of(value)
        if not name.startswith(LOOP) or len(arguments) != _ARGUMENTS:
            yield name, _unrolled(value, resolve), location
            continue
        for fragment in _rounds(arguments, resolve):
            # The names in the file contain the loop variable, so the pointers are those of the original fragment.
            written = [f"{location}/2/{escape(key)}" for key in mapping_of(arguments[2])]
            for (key, one), at in zip(items_of(fragment), written, strict=False):
                if key.startswith(LOOP):
                    yield from members({key: one}, f"{location}/2", resolve)
                else:
                    yield key, _unrolled(one, resolve), at


def _rounds(arguments: list[Any], resolve: Resolve) -> Iterator[Any]:
    """Yield the fragment of a loop for each element of its collection."""
    identifier, collection, fragment = arguments
    elements = resolve(collection)
    known = isinstance(elements, list) and all(isinstance(one, str | int) for one in elements)
    for element in elements if known else [UNRESOLVED]:
        yield _substituted(fragment, str(identifier), str(element))


def _substituted(value: Any, identifier: str, element: str) -> Any:
    if isinstance(value, str):
        plain = _NOT_ALPHANUMERIC.sub("", element)
        return value.replace(f"${{{identifier}}}", element).replace(f"&{{{identifier}}}", plain)
    if isinstance(value, list):
        return [_substituted(one, identifier, element) for one in value]
    if not isinstance(value, Mapping):
        return value
    if dict(value) == {"Ref": identifier}:
        return value if element == UNRESOLVED else element
    made = {_substituted(key, identifier, element): _substituted(one, identifier, element) for key, one in value.items()}
    return keep_repeated(value, made)


def _unrolled(value: Any, resolve: Resolve) -> Any:
    """Unroll the loops inside a resource."""
    if isinstance(value, list):
        return [_unrolled(one, resolve) for one in value]
    if not isinstance(value, Mapping):
        return value
    return keep_repeated(value, {name: one for name, one, _ in members(value, "", resolve)})
