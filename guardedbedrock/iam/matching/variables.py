"""
Policy variables: ``${aws:username}``, with defaults and the three literals ``${*} ${?} ${$}``.

Source: IAM User Guide, "IAM policy elements: Variables and tags".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from guardedbedrock.iam.engine.context import UNKNOWN, Context, lookup
from guardedbedrock.iam.matching.patterns import ANY, Tokens, Wildcard, join


class Variable(NamedTuple):
    """
    A context key that stands for its value.

    Args:
        key: In lower case.
        default: Takes its place when the key is absent.
        spelling: As the policy spells it.
    """

    key: str
    default: str | None = None
    spelling: str = ""


Template: TypeAlias = tuple[str | Wildcard | Variable, ...]
Reading: TypeAlias = Callable[[str], Tokens]
"""How the text between variables is read: as a pattern, or as plain text."""

_LITERALS: Final = ("*", "?", "$")


def plain(text: str) -> Tokens:
    """Read text in which ``*`` and ``?`` mean themselves."""
    return (text,) if text else ()


def template(text: str, reading: Reading) -> Template:
    """Read policy text under Version 2012-10-17; a ``${`` that nothing closes is text."""
    parts: list[str | Wildcard | Variable] = []
    at = 0
    while (start := text.find("${", at)) >= 0 and (end := text.find("}", start)) >= 0:
        parts += reading(text[at:start])
        parts.append(_variable(text[start + 2 : end]))
        at = end + 1
    parts += reading(text[at:])
    return tuple(parts)


def _variable(inner: str) -> str | Variable:
    if inner in _LITERALS:
        return inner
    key, comma, default = inner.partition(",")
    default = default.strip()
    if comma and len(default) > 1 and default[0] == default[-1] == "'":
        return Variable(key.strip().lower(), default[1:-1], key.strip())
    return Variable(inner.strip().lower(), None, inner.strip())


def keys(parts: Template) -> tuple[str, ...]:
    """Name the context keys that a template reads."""
    return tuple(part.key for part in parts if isinstance(part, Variable))


def is_fixed(parts: Template) -> bool:
    """Tell whether a template has no variable left."""
    return not any(isinstance(part, Variable) for part in parts)


def fixed(parts: Template) -> Tokens:
    """Take a template without variables as the tokens it is."""
    return join(part for part in parts if not isinstance(part, Variable))


def is_open(parts: Template, context: Context) -> bool:
    """Tell whether a variable's value can not be known."""
    return any(isinstance(part, Variable) and lookup(context, part.key) is UNKNOWN for part in parts)


def resolve(parts: Template, context: Context) -> Tokens | None:
    """
    Put values in the place of variables.

    Returns:
        Tokens, in which a value's own ``*`` stays text and a value that can not be known is a wildcard (it may be anything);
        None when a variable has no value (it is absent, or multivalued).
    """
    tokens: list[str | Wildcard] = []
    for part in parts:
        if not isinstance(part, Variable):
            tokens.append(part)
            continue
        value = lookup(context, part.key)
        if value is None:
            value = part.default
        if value is UNKNOWN:
            tokens.append(ANY)
        elif isinstance(value, str):
            tokens.append(value)
        else:
            return None
    return join(tokens)
