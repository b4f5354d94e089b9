"""
AWS's limits on the text of a policy: its size and its characters.

A policy beyond a limit is reported as a finding, not as an error: it can still be evaluated, and quotas change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.iam.errors import PolicySyntaxError
from guardedbedrock.iam.language.documents import PolicyDocument, PolicyType, Source, load_json
from guardedbedrock.iam.language.parser import parse
from guardedbedrock.iam.language.writer import NOT_ALLOWED, dump

Holder: TypeAlias = Literal["user", "group", "role"]
"""The identities that can have inline policies."""
Code: TypeAlias = Literal["policy-size", "inline-size", "character"]


class Limit(NamedTuple):
    """
    A size limit.

    Args:
        characters: The maximum number of characters.
        of: What the limit applies to.
        source: Title of the AWS page that documents it.
        counts_white_space: Whether spaces, tabs and line breaks count.
        any_character: Whether the text may contain characters beyond U+00FF.
    """

    characters: int
    of: str
    source: str
    counts_white_space: bool = False
    any_character: bool = False


_IAM: Final = "IAM User Guide: IAM and AWS STS quotas"
_ORGANIZATIONS: Final = "AWS Organizations User Guide: Quotas and service limits for AWS Organizations"
_MANAGED: Final = Limit(6_144, "a managed policy", _IAM)

LIMITS: Final[Mapping[PolicyType, Limit]] = {
    "identity": _MANAGED,
    "boundary": _MANAGED,
    "session": Limit(2_048, "a session policy", "AWS STS API Reference: GetFederationToken", counts_white_space=True),
    "scp": Limit(5_120, "a service control policy", _ORGANIZATIONS, counts_white_space=True, any_character=True),
    "rcp": Limit(5_120, "a resource control policy", _ORGANIZATIONS, counts_white_space=True, any_character=True),
    "endpoint": Limit(20_480, "a VPC endpoint policy", "AWS PrivateLink quotas", counts_white_space=True, any_character=True),
    "resource": Limit(
        20_480, "a resource-based policy", "Amazon Bedrock API Reference: PutResourcePolicy", counts_white_space=True
    ),
}
"""Limits of one policy. An identity-based policy counts as managed unless `inline_in` is given."""

INLINE_LIMITS: Final[Mapping[Holder, Limit]] = {
    "user": Limit(2_048, "the inline policies of a user together", _IAM),
    "group": Limit(5_120, "the inline policies of a group together", _IAM),
    "role": Limit(10_240, "the inline policies of a role together", _IAM),
}
"""Limits of all inline policies of one user, group or role together."""

_ALLOWED: Final = "tab, LF, CR, U+0020 to U+00FF"
_WHITE_SPACE: Final = dict.fromkeys(map(ord, " \t\n\r"))


@dataclass(frozen=True, slots=True)
class Finding:
    """
    A limit that a policy exceeds, so that AWS would not save it.

    Args:
        code: ``policy-size``, ``inline-size`` (of several policies together) or ``character``.
        message: What was found and what the limit is, in one clause.
        pointer: JSON pointer to the location; ``""`` for the whole document.
        policy: Name of the policy; None if it has none, and for several policies together.
    """

    code: Code
    message: str
    pointer: str = ""
    policy: str | None = None

    def __str__(self) -> str:
        return f"{self.policy or 'policy'}{f' at {self.pointer}' if self.pointer else ''}: {self.message}"


def findings(
    source: Source | Iterable[Source],
    policy_type: PolicyType = "identity",
    *,
    inline_in: Holder | None = None,
    name: str | None = None,
) -> tuple[Finding, ...]:
    """
    Find which of AWS's limits one or several policies exceed.

    Text is measured as given, and does not have to be JSON. An object or a document is measured as `write` writes it on one
    line, but without escapes; pointers refer to that text. Where white space does not count, white space within a value does
    not count either (UNVERIFIED: AWS's page does not distinguish the two).

    >>> findings(f"{{}}{' ' * 5_119}", "scp")[0].message
    '5,121 characters with white space exceed the limit of 5,120 for a service control policy'

    Args:
        source: JSON text, a JSON object or a document; or several, which are measured one by one.
        policy_type: Selects the limits.
        inline_in: The identity that the policies are embedded in, whose limit applies to their sum; None for managed policies.
        name: Name for a policy that has none. Several policies get an index, such as ``name[0]``.

    Raises:
        PolicySyntaxError: An object is not a valid policy.
        ValueError: A document cannot be written, or `inline_in` is given for a policy type other than identity.
    """
    if inline_in is not None and policy_type != "identity":
        raise ValueError(f"a policy of type {policy_type} cannot be inline in a {inline_in}: omit inline_in")
    policies = list(_policies(source, policy_type, name))
    limit = LIMITS[policy_type]
    found = [finding for policy, text in policies for finding in _of_characters(text, policy, limit)]
    if inline_in is not None:
        return (*_of_size([text for _, text in policies], None, INLINE_LIMITS[inline_in], "inline-size"), *found)
    return (*(finding for policy, text in policies for finding in _of_size([text], policy, limit, "policy-size")), *found)


def _policies(source: Source | Iterable[Source], policy_type: PolicyType, name: str | None) -> Iterator[tuple[str | None, str]]:
    """Yield name and text of each policy."""
    if isinstance(source, str | Mapping | PolicyDocument):
        yield _measured(source, policy_type, name)
        return
    for index, one in enumerate(source):
        yield _measured(one, policy_type, f"{name or policy_type}[{index}]")


def _measured(source: Source, policy_type: PolicyType, name: str | None) -> tuple[str | None, str]:
    if isinstance(source, str):
        return name, source
    document = parse(source, policy_type, name=name)
    return document.name, dump(document)


def _of_size(texts: Sequence[str], policy: str | None, limit: Limit, code: Code) -> Iterator[Finding]:
    size = sum(len(text if limit.counts_white_space else text.translate(_WHITE_SPACE)) for text in texts)
    if size > limit.characters:
        counted = f"{size:,} characters {'with' if limit.counts_white_space else 'without'} white space"
        yield Finding(code, f"{counted} exceed the limit of {limit.characters:,} for {limit.of}", policy=policy)


def _of_characters(text: str, policy: str | None, limit: Limit) -> Iterator[Finding]:
    odd = frozenset() if limit.any_character else frozenset(NOT_ALLOWED.findall(text))
    if odd:
        for pointer, characters in _locations(text, odd):
            numbers = ", ".join(f"U+{ord(character):04X}" for character in characters)
            message = f"{numbers} {'are' if ',' in numbers else 'is'} not allowed; AWS accepts {_ALLOWED}"
            yield Finding("character", message, pointer, policy)


def _locations(text: str, odd: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the pointer of each string with such characters, and the characters. For text that is not JSON it is ``""``."""
    try:
        data = load_json(text)
    except PolicySyntaxError:
        yield "", sorted(odd)
        return
    for pointer, string in _strings(data):
        if here := odd.intersection(string):
            yield pointer, sorted(here)


def _strings(data: object) -> Iterator[tuple[str, str]]:
    """Yield keys and string values in their order. A stack replaces recursion, because JSON may be nested too deeply for it."""
    left: list[tuple[str, object]] = [("", data)]
    while left:
        pointer, value = left.pop()
        if isinstance(value, str):
            yield pointer, value
        elif isinstance(value, dict):
            inner = [(f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", key, one) for key, one in value.items()]
            left += [(path, part) for path, key, one in reversed(inner) for part in (one, key)]
        elif isinstance(value, list):
            left += [(f"{pointer}/{index}", one) for index, one in reversed(list(enumerate(value)))]
