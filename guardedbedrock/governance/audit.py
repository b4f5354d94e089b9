"""
The rotation audit: grants that can be taken away, and guardrails that nothing requires.

Source: IAM User Guide, "Refine permissions in AWS using last accessed information"; Bedrock User Guide, "Monitor Amazon Bedrock
API calls using CloudTrail".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from guardedbedrock.bedrock import OPERATIONS, reference
from guardedbedrock.bedrock.actions import APPLY
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.checks.governance_rules import api_keys, both_roles
from guardedbedrock.governance.lint.checks.language_rules import unread
from guardedbedrock.governance.lint.checks.sample_requests import is_possible
from guardedbedrock.governance.lint.finding import LintFinding, Problem, Severity
from guardedbedrock.governance.lint.policy import Group, LintedPolicy, LintedStatement
from guardedbedrock.governance.lint.read import read_groups, read_source
from guardedbedrock.governance.replay.reading.events import RecordError, event_of
from guardedbedrock.governance.replay.reading.files import SkippedInput, find_files
from guardedbedrock.governance.replay.reading.records import read_records
from guardedbedrock.iam.account.account import Account
from guardedbedrock.iam.matching.patterns import compile_pattern
from guardedbedrock.settings.settings import load

_NOT_IN_TRAILS: Final = frozenset(
    f"bedrock:{name}".lower()
    for name in (
        "ApplyGuardrail",
        "CallWithBearerToken",
        "GetAsyncInvoke",
        "InvokeAgent",
        "InvokeFlow",
        "InvokeInlineAgent",
        "RenderPrompt",
        "Retrieve",
        "RetrieveAndGenerate",
        "StartAsyncInvoke",
    )
)
"""Actions that have no management event. A trail without data events does not show their use."""


@dataclass(frozen=True, slots=True)
class AuditRule:
    """
    A kind of finding.

    Args:
        code: The rule ID, such as ``GB401``.
        severity: The severity of its findings.
        title: What it finds, in a few words.
        why: Why a finding matters.
        fix: How to fix a finding.
        source: Title of the page that documents the behaviour.
    """

    code: str
    severity: Severity
    title: str
    why: str
    fix: str
    source: str


_ACCESSED: Final = "IAM User Guide, Refine permissions in AWS using last accessed information"
_PRACTICES: Final = "IAM User Guide, Security best practices in IAM"
_KEYS: Final = "Bedrock User Guide, Control permissions for generating and using Amazon Bedrock API keys"
_GUARDRAILS: Final = "Bedrock User Guide, Set up permissions to use guardrails for content filtering"

UNUSED: Final = AuditRule(
    "GB401", "warning", "grant that was never used", "An unused grant helps only an attacker.", "Remove the action.", _ACCESSED
)
BOTH_ROLES: Final = AuditRule(
    "GB402",
    "warning",
    "management and invocation in one principal",
    "The principal can weaken the guardrail that it must use.",
    "Give the actions to two roles.",
    _PRACTICES,
)
LONG_TERM_KEYS: Final = AuditRule(
    "GB403",
    "warning",
    "long-term API keys are possible",
    "A long-term key is a secret without the protection of temporary credentials.",
    "Deny `bedrock:CallWithBearerToken` where `bedrock:BearerTokenType` is `LONG_TERM`.",
    _KEYS,
)
UNREACHABLE: Final = AuditRule(
    "GB404",
    "warning",
    "guardrail that no principal may invoke",
    "No principal has `bedrock:ApplyGuardrail` on the guardrail, so no call can carry it.",
    "Grant it, or delete the guardrail.",
    _GUARDRAILS,
)
NOT_REQUIRED: Final = AuditRule(
    "GB405",
    "warning",
    "approved guardrail that no policy requires",
    "Callers may leave the guardrail out.",
    "Attach the policy that `guardedbedrock backstop` prints.",
    _GUARDRAILS,
)
GAP: Final = AuditRule(
    "GB406",
    "note",
    "part of the account that could not be read",
    "Findings may be missing or wrong where policies are missing.",
    "Take a snapshot with the permission that the finding names, and with all managed policies.",
    _ACCESSED,
)
RULES: Final = (UNUSED, BOTH_ROLES, LONG_TERM_KEYS, UNREACHABLE, NOT_REQUIRED, GAP)


def audit(snapshot: str | Path, events: Sequence[str | Path] = (), config: str | None = None) -> tuple[LintFinding, ...]:
    """
    Audit a snapshot.

    Args:
        snapshot: A snapshot, or a dump of authorization details.
        events: CloudTrail files or folders. With them, a grant counts as used only if a record shows it; without them,
            last-accessed data of the snapshot decide.
        config: Configuration whose approved guardrails must be required; without it, those of the snapshot.

    Returns:
        The findings by line and rule.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    path = Path(snapshot)
    groups = list(read_groups([path]))
    account = Account.from_snapshot(path)
    whole = LintedPolicy(read_source(path), "", {}, "identity")  # locates findings that belong to no policy
    used = _used(events, account) if events else None
    found: dict[tuple[str, str, str], LintFinding] = {}
    for rule, problem in _problems(account, groups, used, whole, config):
        finding = _finding(rule, problem)
        found.setdefault((finding.rule, finding.pointer, finding.message), finding)
    return tuple(sorted(found.values(), key=lambda one: (one.line, one.column, one.rule, one.message)))


def _problems(
    account: Account, groups: Sequence[Group], used: Mapping[str, frozenset[str]] | None, whole: LintedPolicy, config: str | None
) -> Iterator[tuple[AuditRule, Problem]]:
    yield from ((UNUSED, one) for one in _unused(account, groups, used))
    for group in groups:
        yield from ((BOTH_ROLES, one) for one in _named(group, both_roles(group)))
        yield from ((LONG_TERM_KEYS, one) for one in _named(group, api_keys(group)))
    guardrails = account.snapshot.get("guardrails") or ()
    for index, guardrail in enumerate(guardrails):
        if not any(group.may_grant_more or is_possible(group, APPLY, guardrail["arn"]) for group in groups):
            message = f"No principal of the account may use the guardrail `{guardrail['arn']}`."
            yield UNREACHABLE, Problem(whole, f"/guardrails/{index}", message)
    required = [value for group in groups for value in _required_values(group)]
    enforced = {f"{one['arn']}:{one['version']}" for one in account.snapshot.get("enforced_guardrails") or ()}
    for pointer, name, keys in _approved(guardrails, config):
        if not any(matches(key) for matches in map(compile_pattern, required) for key in keys) and not enforced & set(keys):
            yield NOT_REQUIRED, Problem(whole, pointer, f"No policy requires the guardrail `{name}`.")
    for index, gap in enumerate(account.gaps):
        message = f"The section `{gap['section']}` is incomplete: {gap['api']}: {gap['error']}."
        yield GAP, Problem(whole, f"/gaps/{index}", message)
    yield from ((GAP, one) for group in groups for one in unread(group))


def _named(group: Group, problems: Iterable[Problem]) -> Iterator[Problem]:
    for one in problems:
        yield Problem(one.policy, one.pointer, f"{group.principal}: {one.message}")


def _finding(rule: AuditRule, problem: Problem) -> LintFinding:
    source, pointer = problem.policy.source, problem.policy.in_file(problem.pointer)
    line, column = source.locate(pointer)
    return LintFinding(rule.code, rule.severity, source.name, line, column, pointer, problem.message, rule.fix, rule.source)


# -- use ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Grant:
    """
    A policy of a user, a role or an IAM group.

    Args:
        owner: ARN of the owner.
        policy: The policy.
        holders: ARNs of the principals that it grants its actions to.
    """

    owner: str
    policy: LintedPolicy
    holders: list[str]


def _grants(account: Account, groups: Sequence[Group]) -> Iterable[_Grant]:
    """Return the identity-based policies of each owner."""
    found: dict[tuple[str, str], _Grant] = {}
    sections = account.snapshot.get("groups") or {}
    for group in groups:
        principal = account.principals[group.principal]
        owners = {principal.arn: (principal.inline, principal.managed)}
        owners |= {arn: (sections[arn]["inline"], sections[arn]["managed"]) for arn in principal.groups if arn in sections}
        for policy in group.policies:
            for owner, (inline, managed) in owners.items():
                if policy.policy_type == "identity" and (policy.name in managed or inline.get(policy.name) == policy.raw):
                    grant = found.setdefault((owner, policy.pointer), _Grant(owner, policy, []))
                    grant.holders.append(principal.arn)
    return found.values()


def _unused(account: Account, groups: Sequence[Group], used: Mapping[str, frozenset[str]] | None) -> Iterator[Problem]:
    """Yield the granted actions without recorded use. The grant of an IAM group is in use if a member of the group uses it."""
    accessed = account.snapshot.get("last_accessed") or {}
    for grant in _grants(account, groups):
        if used is None and not all(_never_used(accessed.get(one)) for one in grant.holders):
            continue
        own = frozenset(action for one in grant.holders for action in (used or {}).get(one, ()))
        by = " by a member" if grant.owner not in grant.holders else ""
        basis = " in the events" if used is not None else ", according to last-accessed data"
        why = f"was never used{by}{basis}"
        for text, pointer, covered in _granted(grant.policy):
            judged = covered - _NOT_IN_TRAILS if used is not None else covered
            if judged and not judged & own:
                yield Problem(grant.policy, pointer, f"{grant.owner}: `{text}` {why}.")


def _granted(policy: LintedPolicy) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield each grant of a policy: its action pattern, its pointer, and the Bedrock actions that it covers."""
    for statement in policy.statements:
        if statement.is_allow and statement.parsed.not_action:
            yield "NotAction", f"{statement.pointer}/NotAction", _covered_by(statement)
        elif statement.is_allow:
            yield from ((item.text, item.pointer, _covered(item.text.lower())) for item in statement.actions)


def _covered_by(statement: LintedStatement) -> frozenset[str]:
    return frozenset(name for name in reference.actions() if statement.covers(name))


def _never_used(accessed: Mapping[str, object] | None) -> bool:
    """Return whether last-accessed data of a principal say that it never used Bedrock."""
    return accessed is not None and "bedrock" in accessed and accessed["bedrock"] is None


def _covered(pattern: str) -> frozenset[str]:
    matches = compile_pattern(pattern)
    return frozenset(name for name in reference.actions() if matches(name))


def _used(paths: Sequence[str | Path], account: Account) -> dict[str, frozenset[str]]:
    """Return the actions that each principal used, in lower case. A denied call uses no grant."""
    broken: list[SkippedInput] = []

    def report(skipped: SkippedInput) -> None:
        if skipped.is_broken:
            broken.append(skipped)

    used: dict[str, set[str]] = {}
    count = 0
    for file in find_files(paths, report):
        for number, record in enumerate(read_records(file, report), start=1):
            try:
                event = event_of(record)
            except RecordError as error:
                report(SkippedInput(file.name, f"record {number}: {error}"))
                continue
            count += 1
            if event.source != "bedrock.amazonaws.com" or event.is_denied:
                continue
            try:
                principal = account.find(event.role_arn or event.principal_arn).arn
            except ConfigurationError:
                continue  # a principal of another account, or one that was deleted
            used.setdefault(principal, set()).update(_actions_of(event.name))
    if broken:
        raise ConfigurationError(f"{broken[0].file}: {broken[0].reason}; without all records, grants would seem unused")
    if not count:
        names = ", ".join(map(str, paths))
        raise ConfigurationError(f"{names}: contains no CloudTrail record; without records, every grant would seem unused")
    return {principal: frozenset(names) for principal, names in used.items()}


def _actions_of(event_name: str) -> Iterator[str]:
    yield f"bedrock:{event_name}".lower()
    operation = OPERATIONS.get(event_name)
    if operation is not None:
        yield from (required.iam_action.lower() for required in operation.required_actions)


# -- guardrails -----------------------------------------------------------------------------------------------------------


def _required_values(group: Group) -> Iterator[str]:
    """Yield the values of the guardrail key that a policy requires: by a positive Allow or a negated Deny."""
    for _, statement in group.statements():
        for line in statement.guardrail_lines:
            if line.name != "Null" and statement.is_allow is not line.negated:
                yield from (item.text for item in line.values)


def _approved(guardrails: Iterable[Mapping[str, object]], config: str | None) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield pointer, name and key values of each approved guardrail."""
    if config is not None:
        yield from (("", one.key, (one.key,)) for one in load(config).approved)
        return
    for index, one in enumerate(guardrails):
        arn, versions = str(one["arn"]), one.get("versions") or ()
        numbers = versions if isinstance(versions, list) else ()
        named = [str(each.get("version") if isinstance(each, Mapping) else each) for each in numbers]
        keys = tuple(f"{arn}:{version}" for version in named if version != "DRAFT")
        yield f"/guardrails/{index}", arn, (arn, *keys)
