"""
Rules about the policy language: actions, condition keys, operators, resources and sizes that AWS rejects or ignores.

Source: IAM User Guide, "IAM policy validation check reference".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from guardedbedrock._nearest import closest
from guardedbedrock.bedrock import reference
from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.bedrock.errors.policy_mistakes import is_misspelt_prefix
from guardedbedrock.bedrock.operations import TABLE
from guardedbedrock.bedrock.resources.resource_types import RESOURCE_TYPES, is_taggable
from guardedbedrock.governance.lint.checks.keys import KEYS, fits, is_known_prefix, known_key, takes_several, type_of
from guardedbedrock.governance.lint.checks.services import ENDPOINTS, MANTLE, MANTLE_ACTIONS
from guardedbedrock.governance.lint.finding import Problem
from guardedbedrock.governance.lint.policy import Group, Item, LintedPolicy, LintedStatement, every_line
from guardedbedrock.iam import findings
from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.language.limits import LIMITS
from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.operators import OPERATORS, ValueKind
from guardedbedrock.iam.matching.patterns import compile_pattern

_BEDROCK: Final = "bedrock:"
_MANTLE_NAMES: Final = {name.lower(): name for name in MANTLE_ACTIONS}
_WILD: Final = frozenset("*?")
_CUTOFF: Final = 0.75
_LOWEST_SEGMENTS: Final = 6
_TAG_KEYS: Final = ("aws:requesttag/", "aws:tagkeys")


def rejected(group: Group) -> Iterator[Problem]:
    """Find documents that AWS would not save."""
    for policy in group.policies:
        if policy.problem is not None:
            subject = f"`{policy.problem.pointer}` " if policy.problem.pointer else "it "
            yield Problem(policy, policy.problem.pointer, f"AWS rejects the policy: {subject}{policy.problem.problem}.")


def unread(group: Group) -> Iterator[Problem]:
    """Find policies whose text the file does not hold."""
    for policy in group.policies:
        if policy.unread:
            yield Problem(policy, "", f"`{policy.name}` was not checked: {policy.unread}.")


def unknown_actions(group: Group) -> Iterator[Problem]:
    """Find actions of Bedrock and of bedrock-mantle that do not exist."""
    for policy, statement in group.statements():
        for item in statement.actions:
            service, _, name = item.text.lower().partition(":")
            if not item.is_resolved:
                continue
            if service == "bedrock" and not _matching(item.text.lower()):
                yield Problem(policy, item.pointer, f"The action `{item.text}` does not exist.", _action_fix(name))
            elif service == MANTLE and not any(map(compile_pattern(name), _MANTLE_NAMES)):
                near = closest(name, _MANTLE_NAMES, cutoff=_CUTOFF)
                fix = f"Write `{MANTLE}:{_MANTLE_NAMES[near]}`." if near else ""
                yield Problem(policy, item.pointer, f"The action `{item.text}` does not exist.", fix)


def wrong_service(group: Group) -> Iterator[Problem]:
    """Find actions whose prefix is the name of an endpoint, or a misspelling of ``bedrock``."""
    for policy, statement in group.statements():
        for item in statement.actions:
            service, _, name = item.text.partition(":")
            if service.lower() in ENDPOINTS:
                message = f"The action `{item.text}` has the prefix of an endpoint, not of a service."
                yield Problem(policy, item.pointer, message, f"Write `bedrock:{name}`.")
            elif is_misspelt_prefix(service):
                message = f"The service `{service}` of the action `{item.text}` does not exist."
                yield Problem(policy, item.pointer, message, f"Write `bedrock:{name}`.")


def _action_fix(name: str) -> str:
    if name == "invokemodelwithguardrail":
        return (
            "Write `bedrock:InvokeModel` and `bedrock:InvokeModelWithResponseStream` on the models with a condition on "
            "`bedrock:GuardrailIdentifier`, and `bedrock:ApplyGuardrail` on the guardrail."
        )
    rows = [row for row in TABLE if compile_pattern(name)(row.name.lower())]
    if rows:
        needed = sorted({row.required_actions[0].iam_action for row in rows})
        return f"Write {' and '.join(f'`{one}`' for one in needed)}: AWS authorizes {rows[0].name} as that action."
    near = closest(f"{_BEDROCK}{name}", reference.actions(), cutoff=_CUTOFF)
    if near:
        return f"Write `{reference.actions()[near].name}`."
    return "Use an action of the Service Authorization Reference, or remove this one."


def unknown_service_keys(group: Group) -> Iterator[Problem]:
    """Find condition keys of Bedrock that do not exist."""
    yield from _unknown_keys(group, _BEDROCK)


def unknown_global_keys(group: Group) -> Iterator[Problem]:
    """Find global condition keys that are not known."""
    yield from _unknown_keys(group, "aws:")


def _unknown_keys(group: Group, prefix: str) -> Iterator[Problem]:
    for policy in group.policies:
        for _, line in every_line(policy.statements):
            if line.key.lower().startswith(prefix) and known_key(line.key) is None:
                near = closest(line.key, KEYS, cutoff=_CUTOFF)
                fix = f"Write `{near.replace('/*', '/TAG-KEY')}`." if near else ""
                yield Problem(policy, line.pointer, f"The condition key `{line.key}` is not known.", fix)


def unsupported_keys(group: Group) -> Iterator[Problem]:
    """
    Find condition keys that a named action never carries.

    An action with a wildcard counts if no action that it covers carries the key.
    """
    for policy, statement in group.statements():
        if statement.parsed.not_action:
            continue
        covered = {item: _matching(item.text.lower()) for item in statement.actions if item.is_resolved}
        for line in statement.conditions:
            if known_key(line.key) is None or not is_known_prefix(line.key) or (line.if_exists and statement.is_allow):
                continue
            dead = [
                item for item, names in covered.items() if names and not any(_carries(one, line.key, statement) for one in names)
            ]
            if not dead:
                continue
            names = ", ".join(f"`{item.text}`" for item in dead)
            them = "it" if len(dead) == 1 else "them"
            effect = _effect(line.meets_absent, them, allow=statement.is_allow)
            verb = "never carries" if len(dead) == 1 else "never carry"
            yield Problem(
                policy, line.pointer, f"{names} {verb} the condition key `{line.key}`, so {effect}.", _key_fix(line.key)
            )


def _effect(met: bool, them: str, *, allow: bool) -> str:  # noqa: FBT001  # whether the condition is met
    if allow:
        return "the condition does not restrict the Allow" if met else f"the statement grants nothing for {them}"
    return "the statement denies every such request" if met else f"the statement denies nothing for {them}"


def _key_fix(key: str) -> str:
    if key.lower().startswith(_TAG_KEYS):
        return "Test `aws:ResourceTag/TAG-KEY` instead; only requests that create or tag a resource carry tags."
    return "Move the action into a statement without this condition."


def _carries(action: str, key: str, statement: LintedStatement) -> bool:
    known = reference.actions()[action]
    if key.lower().startswith("aws:resourcetag/"):
        return any(map(is_taggable, known.types)) and not _only_untagged(statement, known.types)
    return carries(known.name, key) or any(key.lower() == one.lower() for one in known.keys)


def _only_untagged(statement: LintedStatement, types: frozenset[str]) -> bool:
    """Return whether the statement reaches only resources that cannot have tags, such as foundation models."""
    if statement.parsed.not_resource or not statement.resources:
        return False
    reached = {kind for item in statement.resources for kind in _types_of(item.text) if kind in types}
    return bool(reached) and not any(map(is_taggable, reached))


def missing_qualifier(group: Group) -> Iterator[Problem]:
    """Find multivalued keys without a set operator."""
    for policy in group.policies:
        for _, line in every_line(policy.statements):
            if takes_several(line.key) and not line.quantifier and line.name != "Null":
                message = f"The key `{line.key}` can have several values, and `{line.operator}` has no set operator."
                yield Problem(
                    policy, line.pointer, message, f"Write `ForAllValues:{line.operator}` or `ForAnyValue:{line.operator}`."
                )


def quantified_single(group: Group) -> Iterator[Problem]:
    """Find ForAllValues and ForAnyValue on keys that have one value."""
    for policy in group.policies:
        for statement, line in every_line(policy.statements):
            if not line.quantifier or known_key(line.key) is None or takes_several(line.key):
                continue
            absent_meets = line.quantifier == "ForAllValues"
            harms = absent_meets if statement.is_allow else not absent_meets
            effect = "an absent key meets the condition" if absent_meets else "an absent key does not meet the condition"
            message = f"The key `{line.key}` has one value; with `{line.quantifier}`, {effect}."
            yield Problem(
                policy, line.pointer, message, f"Write `{line.operator.rpartition(':')[2]}`.", None if harms else "note"
            )


def type_mismatch(group: Group) -> Iterator[Problem]:
    """Find operators that do not fit the type of the key."""
    for policy in group.policies:
        for _, line in every_line(policy.statements):
            kind = type_of(line.key)
            if kind is not None and not fits(kind, line.name):
                message = f"The operator `{line.operator}` does not fit the key `{line.key}`, whose type is {kind}."
                yield Problem(policy, line.pointer, message, f"Use an operator for {kind} values.")


def no_boolean(group: Group) -> Iterator[Problem]:
    """Find values of Bool and Null that are not Booleans."""
    return _not_of_kind(group, "boolean", "a Boolean")


def no_number(group: Group) -> Iterator[Problem]:
    """Find values of numeric operators that are not numbers."""
    return _not_of_kind(group, "number", "a number")


def no_date(group: Group) -> Iterator[Problem]:
    """Find values of date operators that are not dates."""
    return _not_of_kind(group, "instant", "a date")


def no_ip_range(group: Group) -> Iterator[Problem]:
    """Find values of IpAddress and NotIpAddress that are not ranges of IP addresses."""
    return _not_of_kind(group, "network", "an IP address or range")


def _not_of_kind(group: Group, kind: ValueKind, noun: str) -> Iterator[Problem]:
    for policy in group.policies:
        for _, line in every_line(policy.statements):
            operator = OPERATORS[line.name]
            if operator.kind != kind:
                continue
            for item in line.values:
                is_known = item.is_resolved and "${" not in item.text  # a policy variable may have any value
                if is_known and not operator.accepts(item.text):
                    message = f"The value `{item.text}` of `{line.key}` is not {noun}, so `{line.operator}` matches no request."
                    yield Problem(policy, item.pointer, message)


def no_values(group: Group) -> Iterator[Problem]:
    """Find condition keys whose list of values is empty."""
    for policy in group.policies:
        for _, line in every_line(policy.statements):
            if not line.values:
                message = f"The key `{line.key}` has no values, so `{line.operator}` matches no request."
                yield Problem(policy, line.pointer, message)


def account_in_model(group: Group) -> Iterator[Problem]:
    """Find foundation-model ARNs with an account."""
    for policy, item in _bedrock_resources(group):
        parts = split(item.text)
        if parts is not None and parts[5].startswith("foundation-model/") and parts[4].strip("*?"):
            fixed = ":".join((*parts[:4], "", parts[5]))
            message = f"The ARN `{item.text}` has an account; foundation models belong to none, so it matches nothing."
            yield Problem(policy, item.pointer, message, f"Write `{fixed}`.")


def missing_account(group: Group) -> Iterator[Problem]:
    """Find ARNs of the customer's resources without an account."""
    for policy, item in _bedrock_resources(group):
        parts = split(item.text)
        if parts is None or parts[4]:
            continue
        kinds = [kind for kind in _prefixes() if parts[5].startswith(_prefixes()[kind])]
        if kinds and "foundation-model" not in kinds:
            message = f"The ARN `{item.text}` has no account, so it matches nothing."
            yield Problem(policy, item.pointer, message, f"Write `{':'.join((*parts[:4], 'ACCOUNT', parts[5]))}`.")


def unknown_resource_type(group: Group) -> Iterator[Problem]:
    """Find ARNs of Bedrock whose resource type does not exist."""
    for policy, item in _bedrock_resources(group):
        if not _types_of(item.text):
            kind = item.text.split(":", 5)[5].partition("/")[0]
            near = closest(kind, RESOURCE_TYPES, cutoff=_CUTOFF)
            fix = f"Write `{near}/...`." if near else ""
            yield Problem(policy, item.pointer, f"Bedrock has no resource type `{kind}`, so the ARN matches nothing.", fix)


def wrong_resource_type(group: Group) -> Iterator[Problem]:
    """Find named actions that support no resource of the statement, and resources that no action of it supports."""
    for policy, statement in group.statements():
        if statement.parsed.not_action or statement.parsed.not_resource or not statement.resources:
            continue
        reached = {item: _types_of(item.text) for item in statement.resources}
        names = {item: _matching(item.text.lower()) for item in statement.actions}
        if not all(reached.values()) or not all(names.values()):
            continue  # other services, or findings of other rules
        yield from _untaken(policy, reached, names)


def _untaken(policy: LintedPolicy, reached: dict[Item, frozenset[str]], names: dict[Item, tuple[str, ...]]) -> Iterator[Problem]:
    everything = frozenset().union(*reached.values())
    known = reference.actions()
    taken: set[str] = set()
    for item, actions in names.items():
        types = frozenset().union(*(known[name].types for name in actions))
        taken |= types
        is_account_wide = any(not known[name].types for name in actions)
        if not types & everything and (types or not any(one.text == "*" for one in reached)):
            needs = f"one of the types {', '.join(sorted(types))}" if types else "the resource `*`"
            message = (
                f"The action `{item.text}` supports none of the resources of the statement, so the statement has no effect on it."
            )
            yield Problem(policy, item.pointer, message, f"Give it {needs}.")
        if is_account_wide:
            return
    for resource, kinds in reached.items():
        if not kinds & taken:
            message = f"No action of the statement supports the resource `{resource.text}`."
            yield Problem(policy, resource.pointer, message, "Remove the resource, or add the action that supports it.")


def _bedrock_resources(group: Group) -> Iterator[tuple[LintedPolicy, Item]]:
    for policy, statement in group.statements():
        for item in statement.resources:
            parts = item.text.split(":", 5)
            if len(parts) == _LOWEST_SEGMENTS and parts[2] == "bedrock" and item.is_resolved:
                yield policy, item


@cache  # made once: the prefixes follow from the resource types
def _prefixes() -> dict[str, str]:
    """Return the start of the last ARN segment of each resource type."""
    return {kind: prefix.split(":", 5)[5] for kind, prefix in RESOURCE_TYPES.items()}


@lru_cache(maxsize=4096)  # keyed by the pattern: policies repeat few resources
def _types_of(pattern: str) -> frozenset[str]:
    """Return the resource types of Bedrock that an ARN pattern can match; empty for a pattern of another service."""
    if pattern == "*":
        return frozenset(RESOURCE_TYPES)
    parts = pattern.split(":", 5)
    service = parts[2] if len(parts) > 2 else "*"  # noqa: PLR2004  # the service is the third part
    if not compile_pattern(service)("bedrock"):
        return frozenset()
    if len(parts) < _LOWEST_SEGMENTS:
        return frozenset(RESOURCE_TYPES)
    name = parts[5]
    literal = name.replace("?", "*").partition("*")[0]
    is_open = literal != name
    return frozenset(
        kind
        for kind, prefix in _prefixes().items()
        if (name.startswith(prefix) or (is_open and (prefix.startswith(literal) or literal.startswith(prefix))))
    )


@lru_cache(maxsize=4096)  # keyed by the pattern: a wildcard is compared with every action
def _matching(pattern: str) -> tuple[str, ...]:
    """Return the actions of Bedrock, in lower case, that a pattern covers."""
    if not _WILD & set(pattern):
        return (pattern,) if pattern in reference.actions() else ()
    matches = compile_pattern(pattern)
    return tuple(name for name in reference.actions() if matches(name))


def _too_large(group: Group, kinds: tuple[PolicyType, ...]) -> Iterator[Problem]:
    for policy in group.policies:
        if policy.document is None or policy.policy_type not in kinds:
            continue
        shortest = [one for one in findings(policy.document, policy.policy_type) if one.code == "policy-size"]
        text = policy.sent_text if LIMITS[policy.policy_type].counts_white_space else ""
        sent = [one for one in findings(text, policy.policy_type) if one.code == "policy-size"]
        for one in sent or shortest:
            fix = "" if shortest else "Remove the white space: on one line, the policy is within the limit."
            yield Problem(policy, "", f"The policy is too large: {one.message}.", fix)


def too_large_identity(group: Group) -> Iterator[Problem]:
    """Find identity-based policies, boundaries and session policies beyond the quota."""
    yield from _too_large(group, ("identity", "boundary", "session"))


def too_large_scp(group: Group) -> Iterator[Problem]:
    """Find SCPs beyond the quota."""
    yield from _too_large(group, ("scp",))


def too_large_rcp(group: Group) -> Iterator[Problem]:
    """Find RCPs beyond the quota."""
    yield from _too_large(group, ("rcp",))


def too_large_resource(group: Group) -> Iterator[Problem]:
    """Find resource-based policies and endpoint policies beyond the quota."""
    yield from _too_large(group, ("resource", "endpoint"))


def odd_characters(group: Group) -> Iterator[Problem]:
    """Find characters that AWS does not accept."""
    for policy in group.policies:
        if policy.document is not None:
            for one in findings(policy.document, policy.policy_type):
                if one.code == "character":
                    yield Problem(policy, one.pointer, f"The policy has characters that AWS does not accept: {one.message}.")
