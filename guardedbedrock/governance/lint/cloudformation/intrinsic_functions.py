"""
Resolve the intrinsic functions of CloudFormation templates.

Source: AWS CloudFormation User Guide, "Intrinsic function reference".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardedbedrock.governance.lint.locations import escape
from guardedbedrock.governance.lint.policy import UNRESOLVED
from guardedbedrock.governance.lint.template_values import (
    ACCOUNT,
    items_of,
    keep_repeated,
    list_of,
    mapping_of,
    placeholder,
    sample_guardrail,
    sample_identifier,
)

_PSEUDO: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
}
_SUBSTITUTED: Final = re.compile(r"\$\{([A-Za-z0-9_]+(?:::[A-Za-z]+)?(?:\.[A-Za-z0-9.]+)?)\}")
GUARDRAIL_TYPES: Final = ("AWS::Bedrock::Guardrail", "AWS::Bedrock::GuardrailVersion")
NO_VALUE: Final = object()
"""The value of ``AWS::NoValue``, which removes the element."""


class IntrinsicFunctions:
    """
    Resolves the intrinsic functions of a template.

    Args:
        template: The template.
        resources: Its resources.
        outcome: Name of a condition to whether it holds.
    """

    def __init__(
        self, template: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]], outcome: Mapping[str, bool]
    ) -> None:
        self._resources, self._outcome = resources, outcome
        self._mappings = mapping_of(template.get("Mappings"))
        self._defaults = {
            name: _default(entry)
            for name, entry in items_of(template.get("Parameters"))
            if isinstance(entry, Mapping) and isinstance(entry.get("Default"), str | int)
        }

    def resolve(
        self, value: Any, element: str = "", at: tuple[str, str, str] = ("", "", ""), moved: dict[str, str] | None = None
    ) -> Any:
        """
        Return a value without intrinsic functions.

        Args:
            value: The value.
            element: The policy element that the value belongs to.
            at: Three pointers: to the document in the file, to the value in the document, and to the value in the file.
            moved: Collects the pointer in the file of each value whose pointer in the document differs.
        """
        base, inner, location = at
        if moved is not None and location != base + inner:
            moved[inner] = location
        if isinstance(value, list):
            return self._list(value, element, at, moved)
        if not isinstance(value, Mapping):
            return _placed(element, value)
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._function(name, argument, element, (base, inner, f"{location}/{name}"), moved)
        pairs = [
            (key, self.resolve(one, key, (base, f"{inner}/{escape(key)}", f"{location}/{escape(key)}"), moved))
            for key, one in value.items()
        ]
        return keep_repeated(value, {key: one for key, one in pairs if one is not NO_VALUE})

    def elements(self, value: Any, location: str) -> Iterator[tuple[Any, str]]:
        """Yield the elements of a list, or the value itself, with their pointers. Only ``Fn::If`` is resolved."""
        branches = list_of(mapping_of(value).get("Fn::If"))
        if len(branches) == 3:  # noqa: PLR2004  # condition, then, else
            branch = self._branch(branches)
            yield from self.elements(branches[branch], f"{location}/Fn::If/{branch}")
        elif isinstance(value, list):
            for index, one in enumerate(value):
                yield from self.elements(one, f"{location}/{index}")
        elif value is not None and value != {"Ref": "AWS::NoValue"}:
            yield value, location

    def _branch(self, arguments: list[Any]) -> int:
        """Return the index of the branch that ``Fn::If`` takes."""
        return 1 if self._outcome.get(str(arguments[0]), True) else 2

    def _list(self, value: list[Any], element: str, at: tuple[str, str, str], moved: dict[str, str] | None) -> list[Any]:
        """Resolve a list. A function that returns a list is replaced by the elements of that list."""
        base, inner, location = at
        found: list[Any] = []
        for index, item in enumerate(value):
            locations: dict[str, str] = {}
            resolved = self.resolve(item, element, (base, "", f"{location}/{index}"), locations)
            is_spread = isinstance(resolved, list)
            if moved is not None and resolved is not NO_VALUE:
                for pointer, to in locations.items():
                    head, _, rest = pointer[1:].partition("/")
                    if not is_spread:
                        moved[f"{inner}/{len(found)}{pointer}"] = to
                    elif head:
                        moved["/".join((inner, str(len(found) + int(head)), *filter(None, (rest,))))] = to
            found += resolved if is_spread else [] if resolved is NO_VALUE else [resolved]
        return found

    def _function(self, name: str, argument: Any, element: str, at: tuple[str, str, str], moved: dict[str, str] | None) -> Any:
        arguments = list_of(argument)
        if name == "Fn::If" and len(arguments) == 3:  # noqa: PLR2004  # condition, then, else
            branch = self._branch(arguments)
            return self.resolve(arguments[branch], element, (at[0], at[1], f"{at[2]}/{branch}"), moved)
        if name == "Fn::ToJsonString":
            return self.resolve(argument, element, at, moved)
        if moved is not None:
            moved[at[1]] = at[2]
        result = self._value(name, argument)
        if isinstance(result, list):
            return [_placed(element, one) for one in result]
        return result if result is NO_VALUE else _placed(element, result)

    def _value(self, name: str, argument: Any) -> Any:
        """Return the value of a function: a string, a list, or `NO_VALUE`."""
        if name == "Ref":
            return NO_VALUE if argument == "AWS::NoValue" else self._named(str(argument))
        if name == "Fn::GetAtt":
            return self._named(".".join(map(str, list_of(argument))))
        if name == "Fn::Sub":
            return self._substituted(argument)
        if name == "Fn::FindInMap":
            keys = [self.resolve(one) for one in list_of(argument)[:3]]
            return _found(self._mappings, keys)
        if isinstance(argument, list) and len(argument) == 2:  # noqa: PLR2004  # the functions below have two arguments
            first, second = self.resolve(argument[0]), self.resolve(argument[1])
            if name == "Fn::Join" and isinstance(second, list):
                return str(first).join(map(str, second))
            if name == "Fn::Split" and isinstance(second, str) and UNRESOLVED not in second:
                return second.split(str(first))
            if name == "Fn::Select" and isinstance(second, list) and str(first).isdecimal() and int(first) < len(second):
                return second[int(first)]
        return UNRESOLVED

    def _substituted(self, argument: Any) -> str:
        text, given = (*list_of(argument), None, None)[:2]
        known = {name: str(self.resolve(one)) for name, one in items_of(given)}
        replaced = _SUBSTITUTED.sub(lambda found: known.get(found[1]) or str(self._named(found[1])), str(text))
        return replaced.replace("${!", "${")

    def _named(self, name: str) -> Any:
        """Return the value of a pseudo parameter, a parameter's default, or the ARN or version of a guardrail of the template."""
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._defaults:
            return self._defaults[name]
        logical, _, attribute = name.partition(".")
        entry = self._resources.get(logical, {})
        kind = entry.get("Type")
        if kind not in GUARDRAIL_TYPES:
            return UNRESOLVED
        if attribute == "Version":
            return "1" if kind == GUARDRAIL_TYPES[1] else UNRESOLVED
        if attribute in ("", "GuardrailArn") and kind == GUARDRAIL_TYPES[0]:
            return sample_guardrail(logical)
        if attribute == "GuardrailId":
            return sample_identifier(logical)
        return UNRESOLVED


def _default(parameter: Mapping[str, Any]) -> str | list[str]:
    """Return the default of a parameter; a list for the types that are lists."""
    text, kind = str(parameter["Default"]), str(parameter.get("Type"))
    is_list = kind == "CommaDelimitedList" or "List<" in kind
    return [part.strip() for part in text.split(",")] if is_list else text


def _placed(element: str, text: Any) -> Any:
    return placeholder(element, text) if isinstance(text, str) and UNRESOLVED in text else text


def _found(mappings: Mapping[str, Any], keys: list[Any]) -> Any:
    value: Any = mappings
    for key in keys:
        value = mapping_of(value).get(str(key))
    return UNRESOLVED if value is None or isinstance(value, Mapping) or UNRESOLVED in map(str, keys) else value
