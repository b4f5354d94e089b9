"""
The outcomes that the conditions of a CloudFormation template can have together.

Source: AWS CloudFormation User Guide, "Condition functions".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any, Final

from guardedbedrock.governance.lint.template_values import items_of, list_of, mapping_of

_MOST_VALUES: Final = 512
_MOST_OUTCOMES: Final = 16
_LOGIC: Final = ("Fn::Not", "Fn::And", "Fn::Or")
_TWO: Final = 2  # arguments of Fn::Equals


def outcomes(template: Mapping[str, Any]) -> list[Mapping[str, bool]]:
    """
    Return the possible outcomes of the conditions of a template, each combination once.

    Every value that a condition compares is tried; for a parameter with allowed values, only those are tried. With many
    conditions, only the first 16 combinations are returned.
    """
    conditions = mapping_of(template.get("Conditions"))
    if not conditions:
        return [{}]
    candidates = _candidates(conditions, mapping_of(template.get("Parameters")))
    found: dict[tuple[bool, ...], Mapping[str, bool]] = {}
    for values in islice(product(*candidates.values()), _MOST_VALUES):
        known = dict(zip(candidates, values, strict=True))
        outcome = {name: _holds(condition, conditions, known) for name, condition in conditions.items()}
        found.setdefault(tuple(outcome.values()), outcome)
    return list(found.values())[:_MOST_OUTCOMES]


def _candidates(conditions: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the values to try for each expression that a condition compares, by its JSON text."""
    found: dict[str, list[Any]] = {}
    for function, argument in (pair for condition in conditions.values() for pair in _leaves(condition)):
        if function != "Fn::Equals":
            found[_key({function: argument})] = [True, False]
            continue
        for one, other in (argument, argument[::-1]):
            if isinstance(one, Mapping):
                compared = f"as {_key(other)}" if isinstance(other, Mapping) else str(other)
                allowed = mapping_of(parameters.get(str(one.get("Ref")))).get("AllowedValues")
                values = found.setdefault(_key(one), [str(value) for value in list_of(allowed)] or ["another value"])
                if compared not in values and not allowed:
                    values.insert(0, compared)
    return found


def _leaves(condition: Any) -> Iterator[tuple[str, Any]]:
    """Yield the functions in a condition that have no conditions as arguments."""
    for function, argument in items_of(condition):
        if function in _LOGIC:
            for one in list_of(argument):
                yield from _leaves(one)
        elif function != "Condition" and (function != "Fn::Equals" or len(list_of(argument)) == _TWO):
            yield function, argument


def _holds(condition: Any, conditions: Mapping[str, Any], known: Mapping[str, Any], depth: int = 0) -> bool:
    function, argument = next(iter(items_of(condition)), ("", None))
    if function == "Condition":
        return depth <= len(conditions) and _holds(conditions.get(str(argument)), conditions, known, depth + 1)
    if function in _LOGIC:
        parts = [_holds(one, conditions, known, depth) for one in list_of(argument)]
        return {"Fn::Not": not any(parts), "Fn::And": all(parts), "Fn::Or": any(parts)}[function]
    if function == "Fn::Equals" and isinstance(argument, list) and len(argument) == _TWO:
        left, right = (known.get(_key(one), "") if isinstance(one, Mapping) else str(one) for one in argument)
        both = all(isinstance(one, Mapping) for one in argument)
        return bool(left == right or (both and left == f"as {_key(argument[1])}"))
    return bool(known.get(_key({function: argument})))


def _key(expression: Any) -> str:
    return json.dumps(expression, sort_keys=True, default=str)
