"""
Rules about guardrails: which calls pass without an approved guardrail, and which values the guardrail key has.

Source: Bedrock User Guide, "Set up permissions to use guardrails for content filtering".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from guardedbedrock.bedrock.actions import INFERENCE, INVOKE, STREAM, is_guardrail_key
from guardedbedrock.governance.lint.checks.proofs import prove_guarded, responsible, witness_of
from guardedbedrock.governance.lint.checks.sample_requests import (
    MODELS,
    OTHER_GUARDRAIL,
    ask,
    is_possible,
    models_of,
)
from guardedbedrock.governance.lint.finding import Problem, Severity
from guardedbedrock.governance.lint.policy import ConditionLine, Group, Item, LintedPolicy, LintedStatement
from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.iam import Request
from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.patterns import compile_pattern

_WILD: Final = frozenset("*?")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,7}")
SHORTEST_ID: Final = 8
"""A pattern with this many characters of an ID before a wildcard counts as one guardrail, as in AWS's examples."""
_PRODUCTION: Final = re.compile(
    r"(?<![nN]on)(?<![nN]on[-_ ])(?<![pP]re)(?<![pP]re[-_ ])"
    r"(?:(?<![A-Za-z])prod(?:uction)?(?![a-z])|Prod(?:uction)?(?![a-z])|(?<![A-Za-z])PROD(?:UCTION)?(?![A-Za-z]))"
)
"""The word in any of the spellings ``prod``, ``app-production``, ``ProdCalls`` and ``PROD_CALLS``, and not ``non-prod``."""
_POSITIVE_WILD: Final = ("StringLike", "StringNotLike", "ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals")


# -- what lets a call through ---------------------------------------------------------------------------------------------


def unguarded_allow(group: Group) -> Iterator[Problem]:
    """
    Find an Allow of inference that applies without a guardrail although no other policy of the group denies it.

    Sample requests decide first. Where they are not certain, a proof decides, which also finds calls that no sample covers.
    """
    found: list[Problem] = []
    is_certain = False
    for policy, statement in _inference_allows(group):
        if any(map(_excludes_absent, statement.guardrail_lines)):
            continue  # another statement lets the call through, and is reported
        for action in filter(statement.covers, INFERENCE):
            model = next((arn for arn in models_of(statement, group.exempt_models) if is_possible(group, action, arn)), None)
            if model is not None:
                item, decision = statement.names(action), ask(group, action, model)
                is_certain = is_certain or (decision is not None and decision.outcome == "allowed")
                message = f"A call without a guardrail is possible: `{action}` on `{model}` is not denied."
                found.append(Problem(policy, item.pointer if item else statement.pointer, message))
                break
    if not is_certain and not _all_obvious(group, _excludes_absent, _includes_absent):
        found = list(_by_proof(group, found, prove_guarded(group, patterns=("*",)), "A call without a guardrail is possible"))
    yield from _qualified(group, found)


def any_guardrail(group: Group) -> Iterator[Problem]:
    """
    Find an Allow of inference that every guardrail satisfies, although calls without one are denied.

    A proof also finds calls that no sample request covers.
    """
    lines = [line for _, one in group.statements() for line in one.guardrail_lines]
    severity: Severity | None = "note" if all(line.name == "Null" for line in lines) else None
    found: list[Problem] = []
    leaks = False
    for policy, statement in _inference_allows(group):
        if any(map(_excludes_other, statement.guardrail_lines)):
            continue  # another statement lets the call through, and is reported
        for action in filter(statement.covers, INFERENCE):
            model = next(models_of(statement, group.exempt_models), None)
            leaks = leaks or (model is not None and is_possible(group, action, model))
            if model is None or is_possible(group, action, model) or not is_possible(group, action, model, OTHER_GUARDRAIL):
                continue
            message = f"`{action}` is possible with any guardrail of the account, even with one that was never approved."
            found.append(Problem(policy, statement.pointer, message, severity=severity))
            break
    listed = [item.text for line in lines if line.name != "Null" for item in line.values]
    is_open = any("${" in text for text in listed)
    is_decided = bool(found) or leaks or not lines or is_open
    if is_decided or _all_obvious(group, _excludes_unlisted, _includes_unlisted):
        yield from _qualified(group, found)
    else:
        answer = prove_guarded(group, patterns=listed)
        is_unlisted = answer is not None and answer.witness is not None and _guardrail_in(answer.witness) is not None
        proved = _by_proof(group, found, answer if is_unlisted else None, "A guardrail that no policy names is accepted")
        yield from _qualified(group, list(proved))


def _qualified(group: Group, found: Sequence[Problem]) -> Iterator[Problem]:
    """Yield the problems. If unread policies may deny the calls, each message names them, and no severity exceeds a warning."""
    unread = group.may_deny_more
    named = ", ".join(f"`{name}`" for name in unread)
    for problem in found:
        if unread:
            text = f"{problem.message} Policies that were not read may deny it: {named}."
            yield replace(problem, message=text, severity=problem.severity or "warning")
        else:
            yield problem


def _inference_allows(group: Group) -> Iterator[tuple[LintedPolicy, LintedStatement]]:
    for policy, statement in group.statements("identity", "resource"):
        if statement.is_allow and any(map(statement.covers, INFERENCE)):
            yield policy, statement


def _all_obvious(group: Group, excludes: Callable[[ConditionLine], bool], includes: Callable[[ConditionLine], bool]) -> bool:
    """
    Return whether each Allow of inference is limited in a way that needs no proof.

    Args:
        group: The policies.
        excludes: Whether a line of an Allow never holds for the calls in question.
        includes: Whether a line of a Deny always holds for them.
    """
    denies = [
        one
        for _, one in group.statements("identity", "boundary", "session", "scp")
        if not one.is_allow and all(line.is_guardrail and includes(line) for line in one.conditions)
    ]
    return all(
        any(map(excludes, allow.guardrail_lines)) or any(_covers_all(deny, allow) for deny in denies)
        for _, allow in _inference_allows(group)
    )


def _covers_all(deny: LintedStatement, allow: LintedStatement) -> bool:
    """Return whether a Deny names every model and every inference action of an Allow."""
    if deny.parsed.not_resource or not all(deny.covers(action) for action in INFERENCE if allow.covers(action)):
        return False
    denied, allowed = ({item.text for item in one.resources} for one in (deny, allow))
    return "*" in denied or (not allow.parsed.not_resource and bool(allowed) and allowed <= denied)


def _excludes_absent(line: ConditionLine) -> bool:
    return not line.meets_absent


def _includes_absent(line: ConditionLine) -> bool:
    return line.meets_absent


def _excludes_unlisted(line: ConditionLine) -> bool:
    return line.name in ("StringEquals", "StringLike") and not line.quantifier


def _excludes_other(line: ConditionLine) -> bool:
    """Return whether a line requires a guardrail that it lists, and lists no pattern of any guardrail."""
    return _excludes_unlisted(line) and not any(compile_pattern(item.text)(OTHER_GUARDRAIL) for item in line.values)


def _includes_unlisted(line: ConditionLine) -> bool:
    return line.name in ("StringNotEquals", "StringNotLike") and not line.quantifier


def _by_proof(group: Group, found: list[Problem], answer: Answer | None, what: str) -> Iterator[Problem]:
    """Yield nothing if the calls are proved to be guarded; else the problems found, or the statements that allow the witness."""
    if answer is not None and answer.answer == "proved":
        return
    yield from found
    if answer is None or found:
        return
    for policy, statement in responsible(group, answer):
        yield Problem(policy, statement.pointer, f"{what}: {witness_of(group, answer)} is allowed.")


def _guardrail_in(request: Request) -> str | None:
    return next((str(value) for key, value in request.context.items() if is_guardrail_key(key)), None)


def slips_through(group: Group) -> Iterator[Problem]:
    """Find a Deny on the guardrail key that does not apply to a request without the key, if no other Deny applies to it."""
    denies = [(policy, one) for policy, one in group.statements() if not one.is_allow and one.guardrail_lines]
    for policy, statement in denies:
        lines = [line for line in statement.guardrail_lines if not line.meets_absent]
        if not lines or not any(map(statement.covers, INFERENCE)):
            continue
        if all(not line.negated and line.name != "Null" and not line.quantifier for line in lines):
            bans = (
                "The Deny names guardrails and applies only to calls that carry one of them; a call without a guardrail passes."
            )
            covered = any(_denies_absent(other) for _, other in denies)
            yield Problem(policy, lines[0].pointer, bans, severity="note" if covered else None)
        elif not any(_denies_absent(other) for _, other in denies):
            message = f"The Deny with `{lines[0].operator}` does not apply to a call without a guardrail."
            yield Problem(policy, lines[0].pointer, message)


def _denies_absent(statement: LintedStatement) -> bool:
    return any(map(statement.covers, INFERENCE)) and all(line.meets_absent for line in statement.guardrail_lines)


def one_operation(group: Group) -> Iterator[Problem]:
    """Find guardrail Denys that cover only one of InvokeModel and InvokeModelWithResponseStream."""
    denies = [(policy, one) for policy, one in group.statements() if not one.is_allow and one.guardrail_lines]
    for action, other in ((INVOKE, STREAM), (STREAM, INVOKE)):
        if any(one.covers(other) for _, one in denies):
            continue
        for policy, statement in denies:
            if statement.covers(action):
                pointer = statement.actions[0].pointer if statement.actions else statement.pointer
                message = f"The Deny covers `{action}` but not `{other}`, so a call of the other kind needs no guardrail."
                yield Problem(policy, pointer, message, f"Add `{other}` to the statement.")


def narrow_deny(group: Group) -> Iterator[Problem]:
    """Find guardrail Denys that leave out types of models, or that have further conditions."""
    denies = [(policy, one) for policy, one in group.statements() if not one.is_allow and one.guardrail_lines]
    for policy, statement in denies:
        if not any(map(statement.covers, INFERENCE)):
            continue
        left = [kind for kind, arn in MODELS.items() if not any(one.reaches(arn.format(region="us-east-1")) for _, one in denies)]
        if left and statement is denies[0][1]:
            message = f"The Deny does not reach {', '.join(left)}."
            yield Problem(policy, _resource_pointer(statement), message)
        others = [line.key for line in statement.conditions if not line.is_guardrail]
        if others:
            named = ", ".join(f"`{key}`" for key in others)
            message = f"The Deny also tests {named}, so it does not apply to every call without a guardrail."
            yield Problem(policy, f"{statement.pointer}/Condition", message)


def _resource_pointer(statement: LintedStatement) -> str:
    return statement.resources[0].pointer if statement.resources else statement.pointer


# -- values of the guardrail key ------------------------------------------------------------------------------------------


def guardrail_values(group: Group) -> Iterator[tuple[LintedPolicy, LintedStatement, ConditionLine, Item]]:
    """Yield the known values of the guardrail key."""
    for policy, statement in group.statements():
        for line in statement.guardrail_lines:
            if line.name != "Null":
                yield from ((policy, statement, line, item) for item in line.values if item.is_resolved and "${" not in item.text)


def not_an_arn(group: Group) -> Iterator[Problem]:
    """Find values of the guardrail key that are not the ARN of a guardrail."""
    for policy, _, _, item in guardrail_values(group):
        parts = split(item.text)
        if item.text == "*":
            continue
        if parts is None or not compile_pattern(parts[2])("bedrock") or not _is_guardrail(parts[5]):
            message = f"`{item.text}` is not the ARN of a guardrail, and AWS sets the key to an ARN, so the value never matches."
            yield Problem(policy, item.pointer, message)


def _is_guardrail(name: str) -> bool:
    kind, slash, _ = name.partition("/")
    return (kind == "guardrail" and bool(slash)) or (not slash and name.startswith("*"))


def bad_version(group: Group) -> Iterator[Problem]:
    """Find versions that the guardrail key never has."""
    for policy, _, _, item in guardrail_values(group):
        parts = split(item.text)
        if parts is None or not parts[5].startswith("guardrail/"):
            continue
        name, colon, version = parts[5].partition(":")
        if colon and not _WILD & set(version) and not _VERSION.fullmatch(version):
            message = f"The key never has the version `{version}`: AWS sends `ARN:NUMBER`, and the ARN alone for the DRAFT."
            fix = f"Write `{':'.join((*parts[:5], name))}` for the DRAFT." if version.upper() == "DRAFT" else ""
            yield Problem(policy, item.pointer, message, fix)


def draft(group: Group) -> Iterator[Problem]:
    """Find conditions that admit the DRAFT: a bare ARN, or a wildcard directly after the ID."""
    for policy, statement, line, item in guardrail_values(group):
        parts = split(item.text)
        if parts is None or not parts[5].startswith("guardrail/"):
            continue
        name = parts[5].removeprefix("guardrail/")
        is_bare = ":" not in name and not _WILD & set(name)
        if not is_bare and not (name.endswith("*") and ":" not in name):
            continue
        is_allow_list = statement.is_allow is not line.negated
        if not is_allow_list:
            continue
        texts = (policy.name, policy.source.name.rpartition("/")[2], statement.sid, *_texts(statement))
        production = any(map(_PRODUCTION.search, texts))
        what = "A bare ARN matches only the DRAFT" if is_bare else "The wildcard after the ID also matches the DRAFT"
        message = f"{what}, which changes whenever the guardrail is edited."
        yield Problem(policy, item.pointer, message, severity="warning" if production else None)


def _texts(statement: LintedStatement) -> Iterable[str]:
    return (item.text for line in statement.conditions if not line.is_guardrail for item in line.values)


def wide_wildcard(group: Group) -> Iterator[Problem]:
    """Find wildcards in the values of the guardrail key that match other guardrails or versions."""
    for policy, statement, line, item in guardrail_values(group):
        if statement.is_allow is line.negated or line.name not in _POSITIVE_WILD or not _WILD & set(item.text):
            continue
        parts = split(item.text)
        name, colon, version = parts[5].partition(":") if parts else (item.text, "", "")
        identifier = name.removeprefix("guardrail/")
        literal = re.split(r"[*?]", identifier, maxsplit=1)[0]
        account_is_open = parts is None or bool(_WILD & set(parts[4]))
        if account_is_open or len(literal) < SHORTEST_ID or (identifier.rstrip("*") != literal):
            message = f"The pattern `{item.text}` also matches other guardrails."
            yield Problem(policy, item.pointer, message)
        elif _WILD & set(identifier):
            message = f"The pattern `{item.text}` matches every version, the DRAFT, and any guardrail whose ID starts the same."
            yield Problem(policy, item.pointer, message, severity="note")
        elif colon and _WILD & set(version):
            message = f"The pattern `{item.text}` matches every numbered version, even versions that were not reviewed."
            yield Problem(policy, item.pointer, message, severity="note")


def literal_wildcard(group: Group) -> Iterator[Problem]:
    """Find wildcards under operators that compare strings literally."""
    for policy, _, line, item in guardrail_values(group):
        if line.name in ("StringEquals", "StringNotEquals") and _WILD & set(item.text):
            message = f"`{line.operator}` compares strings literally, so `{item.text}` never matches."
            like = line.operator.replace("Equals", "Like")
            yield Problem(policy, item.pointer, message, f"Write `{like}`, or the whole ARN with a version.")
