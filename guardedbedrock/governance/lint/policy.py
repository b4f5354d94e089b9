"""A policy as the rules see it: every element with its JSON pointer, and the policies that apply together with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from guardedbedrock._root import ConfigurationError
from guardedbedrock.bedrock.actions import is_guardrail_key
from guardedbedrock.bedrock.resources.unsupported_models import UnsupportedModels, sendable_patterns
from guardedbedrock.governance.lint.locations import SourceText, escape
from guardedbedrock.iam import PolicyDocument, PolicySet, PolicySyntaxError, PolicyType, parse
from guardedbedrock.iam.language.documents import Statement
from guardedbedrock.iam.matching.conditions import parse_operator
from guardedbedrock.iam.matching.patterns import compile_pattern

UNRESOLVED: Final = "unresolved"
"""The string that replaces a template value known only at deployment. The rules ignore values that contain it."""

DEFAULT_PRINCIPAL: Final = "arn:aws:iam::123456789012:role/Application"
"""The principal of policies whose file names no principal."""

_LEVELED: Final = ("scp", "rcp")


@dataclass(frozen=True, slots=True)
class Item:
    """A string of a policy with its pointer."""

    text: str
    pointer: str

    @property
    def is_resolved(self) -> bool:
        """Whether the string is known before deployment."""
        return UNRESOLVED not in self.text


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """
    One operator and key of a condition block.

    Args:
        operator: The operator, as the policy spells it.
        name: The operator without set prefix and ``IfExists``.
        quantifier: ``""``, ``ForAllValues`` or ``ForAnyValue``.
        negated: Whether the operator negates.
        if_exists: Whether the operator ends in ``IfExists``.
        key: The key, as the policy spells it.
        values: The values.
        pointer: Pointer to the key.
    """

    operator: str
    name: str
    quantifier: str
    negated: bool
    if_exists: bool
    key: str
    values: tuple[Item, ...]
    pointer: str

    @property
    def is_guardrail(self) -> bool:
        """Whether the line tests the guardrail of a call."""
        return is_guardrail_key(self.key)

    @property
    def meets_absent(self) -> bool:
        """Whether a request without the key satisfies the line."""
        if self.name == "Null":
            return any(item.text.lower() == "true" for item in self.values)
        if self.quantifier == "ForAnyValue":
            return self.if_exists
        return self.negated or self.if_exists or self.quantifier == "ForAllValues"


class LintedStatement:
    """A statement of a policy; `parsed` is the form that the policy engine evaluates."""

    def __init__(self, parsed: Statement, raw: Mapping[str, Any], pointer: str) -> None:
        self.parsed = parsed
        self.pointer = pointer
        self.sid = parsed.sid or ""
        self.is_allow = parsed.effect == "Allow"
        self.actions = _items(raw, "NotAction" if parsed.not_action else "Action", pointer)
        self.resources = _items(raw, "NotResource" if parsed.not_resource else "Resource", pointer)
        self.conditions = tuple(_conditions(raw.get("Condition") or {}, f"{pointer}/Condition"))

    @cached_property
    def _action_tests(self) -> list[Any]:
        return [compile_pattern(item.text.lower()) for item in self.actions]

    def covers(self, action: str) -> bool:
        """Return whether the statement applies to an action."""
        matched = any(matches(action.lower()) for matches in self._action_tests)
        return matched is not self.parsed.not_action

    def names(self, action: str) -> Item | None:
        """Return the element of Action that covers an action; None for NotAction, or if no element covers it."""
        if self.parsed.not_action:
            return None
        pairs = zip(self.actions, self._action_tests, strict=True)
        return next((item for item, matches in pairs if matches(action.lower())), None)

    @cached_property
    def _resource_tests(self) -> list[Any]:
        return [compile_pattern(item.text) for item in self.resources]

    def reaches(self, resource: str) -> bool:
        """Return whether the statement applies to a resource; a statement without Resource applies to every resource."""
        if not self.resources:
            return True
        return any(matches(resource) for matches in self._resource_tests) is not self.parsed.not_resource

    @property
    def guardrail_lines(self) -> tuple[ConditionLine, ...]:
        """The lines of the condition block that test the guardrail."""
        return tuple(line for line in self.conditions if line.is_guardrail)


class LintedPolicy:
    """
    A policy document in a file.

    Args:
        source: The file.
        pointer: Pointer to the document in the file.
        document: The document as a JSON object.
        policy_type: Type of the policy.
        name: Name of the policy, for messages and for suppressions.
        level: Level of the organization, for SCPs and RCPs; the root is 0.
        moved: Maps pointers in a converted document to pointers in the file; the longest matching prefix applies.
        cross_region: ARNs of the guardrails that use a guardrail profile, as the file says; ``*`` for every guardrail.
        unread: Why the document is not known, in a few words; ``""`` if it is known. An unknown document has no statements.

    Attributes:
        problem: Why AWS would reject the document; None if it would not.
        statements: The statements; empty if AWS would reject the document.
    """

    def __init__(  # noqa: PLR0913  # each is a fact about the document
        self,
        source: SourceText,
        pointer: str,
        document: Any,
        policy_type: PolicyType,
        *,
        name: str = "",
        level: int = 0,
        moved: Mapping[str, str] | None = None,
        cross_region: tuple[str, ...] = (),
        unread: str = "",
    ) -> None:
        self.source, self.pointer, self.raw = source, pointer, document
        self.unread = unread
        self.policy_type: PolicyType = policy_type
        self.name = name or source.name
        self.level = level
        self.cross_region = cross_region
        self._moved = moved or {}
        self.problem: PolicySyntaxError | None = None
        self.document: PolicyDocument | None = None
        self.statements: tuple[LintedStatement, ...] = ()
        if unread:
            return
        try:
            self.document = parse(document, policy_type, name=self.name)
        except PolicySyntaxError as error:
            self.problem = error
            return
        listed = document["Statement"]
        many = isinstance(listed, list | tuple)
        raws = listed if many else [listed]
        pointers = [f"/Statement/{index}" if many else "/Statement" for index in range(len(raws))]
        self.statements = tuple(map(LintedStatement, self.document.statements, raws, pointers))

    def as_type(self, policy_type: PolicyType) -> LintedPolicy:
        """Return the same document as a policy of another type."""
        return LintedPolicy(
            self.source,
            self.pointer,
            self.raw,
            policy_type,
            name=self.name,
            level=self.level,
            moved=self._moved,
            cross_region=self.cross_region,
            unread=self.unread,
        )

    @property
    def sent_text(self) -> str:
        """The content of a JSON file that is this policy alone, which the AWS CLI sends as it is; else ``""``."""
        return self.source.json_text if self.raw is self.source.data else ""

    @property
    def is_aws_managed(self) -> bool:
        """Whether the policy is an AWS managed policy that only grants. The name says whether such a policy denies."""
        is_denial = "Deny" in self.name or "Quarantine" in self.name
        return self.policy_type == "identity" and self.name.split(":")[2:5] == ["iam", "", "aws"] and not is_denial

    def in_file(self, pointer: str) -> str:
        """Convert a pointer in the document to a pointer in the file."""
        for prefix in sorted(self._moved, key=len, reverse=True):
            if pointer == prefix or pointer.startswith(f"{prefix}/"):
                return self._moved[prefix] + pointer[len(prefix) :]
        return self.pointer + pointer

    def statement_at(self, pointer: str) -> LintedStatement | None:
        """Return the statement that holds a pointer of the document."""
        return next((one for one in self.statements if f"{pointer}/".startswith(f"{one.pointer}/")), None)


@dataclass(frozen=True)
class Group:
    """
    Policies that apply to the same principal.

    Args:
        policies: The policies.
        principal: ARN of the principal, if the file names it.
        is_complete: Whether no other policy can apply, so that what is missing here is missing in the account.
        unguarded_models: Patterns of IDs of further models that take no guardrail, as in ``models_without_guardrail``.
        unsupported_models: Whether models that take no guardrail may be called, as in the setting of this name.
    """

    policies: tuple[LintedPolicy, ...]
    principal: str = DEFAULT_PRINCIPAL
    is_complete: bool = False
    unguarded_models: tuple[str, ...] = ()
    unsupported_models: UnsupportedModels = "send"

    @property
    def exempt_models(self) -> tuple[str, ...]:
        """Patterns of IDs of models that may be called without a guardrail."""
        return sendable_patterns(self.unguarded_models, self.unsupported_models)

    def statements(self, *types: str) -> Iterator[tuple[LintedPolicy, LintedStatement]]:
        """Yield the statements of the policies of the given types, or of all policies if no type is given."""
        for policy in self.policies:
            if not types or policy.policy_type in types:
                yield from ((policy, statement) for statement in policy.statements)

    @property
    def may_grant_more(self) -> bool:
        """Whether a policy that was not read can grant what the others do not."""
        return any(policy.unread and policy.policy_type in ("identity", "resource") for policy in self.policies)

    @property
    def may_deny_more(self) -> tuple[str, ...]:
        """Names of the policies that were not read and can deny what the others allow."""
        return tuple(policy.name for policy in self.policies if policy.unread and not policy.is_aws_managed)

    @cached_property
    def grants(self) -> PolicySet:
        """The Allow statements of the identity-based policies, compiled: what the group grants before any Deny."""
        documents = []
        for policy in self.policies:
            allows = tuple(one.parsed for one in policy.statements if one.is_allow)
            if policy.policy_type == "identity" and policy.document is not None and allows:
                documents.append(replace(policy.document, statements=allows))
        return PolicySet(identity=documents)

    @cached_property
    def policy_set(self) -> PolicySet | None:
        """The policies that were read and are valid, compiled; None if they grant nothing."""
        if not any(statement.is_allow for _, statement in self.statements("identity", "resource")):
            return None
        given: dict[str, Any] = {}
        for policy in self.policies:
            if policy.document is None:
                continue
            if policy.policy_type in _LEVELED:
                levels = given.setdefault(policy.policy_type, {})
                levels.setdefault(policy.level, []).append(policy.document)
            else:
                given.setdefault(policy.policy_type, []).append(policy.document)
        sources: dict[str, Any] = {kind: list(value.values()) if kind in _LEVELED else value for kind, value in given.items()}
        try:
            return PolicySet(**sources)
        except ConfigurationError:
            return None


def _items(raw: Mapping[str, Any], element: str, pointer: str) -> tuple[Item, ...]:
    return _listed(raw.get(element, ()), f"{pointer}/{element}")


def _listed(value: Any, pointer: str) -> tuple[Item, ...]:
    if isinstance(value, list | tuple):
        return tuple(Item(_text(one), f"{pointer}/{index}") for index, one in enumerate(value))
    return (Item(_text(value), pointer),)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _conditions(block: Mapping[str, Any], pointer: str) -> Iterable[ConditionLine]:
    for operator, keys in block.items():
        parsed = parse_operator(operator)
        if parsed is None:
            continue
        quantifier, row, if_exists = parsed
        for key, values in keys.items():
            key_pointer = f"{pointer}/{escape(operator)}/{escape(key)}"
            items = _listed(values, key_pointer)
            yield ConditionLine(operator, row.name, quantifier, row.negated, if_exists, key, items, key_pointer)


def every_line(statements: Sequence[LintedStatement]) -> Iterator[tuple[LintedStatement, ConditionLine]]:
    """Yield each condition line of the statements."""
    for statement in statements:
        yield from ((statement, line) for line in statement.conditions)
