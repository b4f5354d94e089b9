"""
Policy variables: ``${aws:username}``, with defaults, and the three literals ``${*} ${?} ${$}``.

Source: IAM User Guide, "IAM policy elements: Variables and tags".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

from guardedbedrock.iam.matching.context import UNKNOWN, Context, PartlyKnown, is_unresolved, lookup
from guardedbedrock.iam.matching.patterns import ANY, Tokens, Wildcard, join, tokenize


class Variable(NamedTuple):
    """
    A context key that is replaced by its value.

    Args:
        key: The key in lower case.
        default: Replaces the variable when the key is absent.
        spelling: The key as the policy spells it.
    """

    key: str
    default: str | None = None
    spelling: str = ""


Template: TypeAlias = tuple[str | Wildcard | Variable, ...]
Tokenizer: TypeAlias = Callable[[str], Tokens]
"""Reads the text between variables: `tokenize` as a pattern, `plain` as literal text."""

_LITERALS: Final = ("*", "?", "$")


def plain(text: str) -> Tokens:
    """Read text in which ``*`` and ``?`` are ordinary characters."""
    return (text,) if text else ()


def parse_template(text: str, tokenizer: Tokenizer) -> Template:
    """Parse a policy string of Version 2012-10-17. A ``${`` without a closing brace is literal text."""
    parts: list[str | Wildcard | Variable] = []
    position = 0
    while (start := text.find("${", position)) >= 0 and (end := text.find("}", start)) >= 0:
        parts += tokenizer(text[position:start])
        parts.append(_variable(text[start + 2 : end]))
        position = end + 1
    parts += tokenizer(text[position:])
    return tuple(parts)


def _variable(inner: str) -> str | Variable:
    if inner in _LITERALS:
        return inner
    key, comma, default = inner.partition(",")
    default = default.strip()
    if comma and len(default) > 1 and default[0] == default[-1] == "'":
        return Variable(key.strip().lower(), default[1:-1], key.strip())
    return Variable(inner.strip().lower(), None, inner.strip())


def variables_in(texts: Iterable[str]) -> Iterator[Variable]:
    """Yield every variable that occurs in policy strings, in their order, repeated ones too."""
    for text in texts:
        if "${" in text:
            yield from variables_of(parse_template(text, plain))


def variables_of(template: Template) -> Iterator[Variable]:
    """Yield the variables of a template."""
    return (part for part in template if isinstance(part, Variable))


def has_variables(template: Template) -> bool:
    """Return whether a template has a variable."""
    return any(True for _ in variables_of(template))


def fixed(template: Template) -> Tokens:
    """Return the tokens of a template without its variables."""
    return join(part for part in template if not isinstance(part, Variable))


def has_unknown_value(template: Template, context: Context) -> bool:
    """Return whether the value of one of the variables is unknown, or known only in part."""
    return any(is_unresolved(lookup(context, variable.key)) for variable in variables_of(template))


def resolve(template: Template, context: Context) -> Tokens | None:
    """
    Replace variables by their values.

    Returns:
        Tokens. A ``*`` within a value stays text. An unknown value becomes a wildcard, because it may be any string. None when
        a variable has no value: its key is absent or multivalued.
    """
    tokens: list[str | Wildcard] = []
    for part in template:
        if not isinstance(part, Variable):
            tokens.append(part)
            continue
        value = lookup(context, part.key)
        if value is None:
            value = part.default
        if value is UNKNOWN:
            tokens.append(ANY)
        elif isinstance(value, PartlyKnown):
            tokens += tokenize(value.patterns[0]) if len(value.patterns) == 1 else (ANY,)
        elif isinstance(value, str):
            tokens.append(value)
        else:
            return None
    return join(tokens)
