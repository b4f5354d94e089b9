"""Run the rules, and apply selections, suppressions and the baseline."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from guardedbedrock.bedrock.resources.unsupported_models import UnsupportedModels
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.finding import SEVERITIES, LintFinding, Problem, Rule
from guardedbedrock.governance.lint.policy import Group, LintedPolicy
from guardedbedrock.governance.lint.read import configuration_table, merge, read_groups
from guardedbedrock.governance.lint.rules import BY_CODE, RULES
from guardedbedrock.iam import PolicyType
from guardedbedrock.settings.reader import parse_json, read_text

_SUPPRESSION: Final = ("rule", "sid", "path", "reason")
_BASELINE_SCHEMA: Final = "guardedbedrock.lint-baseline"


@dataclass(frozen=True, slots=True)
class Suppression:
    """
    An accepted finding, which is not reported.

    Args:
        rule: Code of the rule, or the start of codes followed by ``*``.
        reason: Why it is accepted.
        sid: Sid of the statement; ``""`` for every statement.
        path: Glob of files; ``""`` for every file.
    """

    rule: str
    reason: str
    sid: str = ""
    path: str = ""

    def covers(self, finding: LintFinding) -> bool:
        """Return whether the suppression applies to a finding."""
        fits_path = not self.path or fnmatchcase(finding.file, self.path) or fnmatchcase(finding.file, f"*/{self.path}")
        return fnmatchcase(finding.rule, self.rule) and fits_path and (not self.sid or self.sid == finding.sid)


@dataclass(frozen=True, slots=True)
class LintOptions:
    """
    How to lint.

    Args:
        policy_type: Type of policies whose file does not say their type.
        select: Codes of rules to run, or the beginnings of codes; every rule if empty.
        ignore: Codes of rules to leave out, or the beginnings of codes.
        together: Whether the policies of all paths apply to one principal.
        suppressions: The accepted findings.
        baseline: Maps the fingerprint of known findings to their number.
        unguarded_models: Patterns of IDs of further models that take no guardrail, as in ``models_without_guardrail``.
        unsupported_models: Whether models that take no guardrail may be called, as in the setting of this name.
    """

    policy_type: PolicyType | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    together: bool = False
    suppressions: tuple[Suppression, ...] = ()
    baseline: Mapping[str, int] = field(default_factory=dict)
    unguarded_models: tuple[str, ...] = ()
    unsupported_models: UnsupportedModels = "send"


def lint(paths: Iterable[str | Path], options: LintOptions | None = None) -> tuple[LintFinding, ...]:
    """
    Lint files and folders.

    Args:
        paths: See `read_groups`.
        options: How to lint.

    Returns:
        The findings by file, line and rule.

    Raises:
        ConfigurationError: A file cannot be read, holds no policy, or an option names no rule.
    """
    given = options or LintOptions()
    groups: Iterable[Group] = read_groups(paths, given.policy_type)
    if given.together:
        groups = (merge(list(groups)),)
    return lint_groups(groups, given)


def lint_groups(groups: Iterable[Group], options: LintOptions) -> tuple[LintFinding, ...]:
    """Lint policies that are already read; see `lint`."""
    rules = _selected(options)
    found: dict[tuple[str, str, str, str], LintFinding] = {}
    seen: set[int] = set()
    kept: list[LintedPolicy] = []  # keeps each policy alive, so that its `id()` is not reused
    for given in groups:
        group = replace(
            given,
            unguarded_models=(*given.unguarded_models, *options.unguarded_models),
            unsupported_models="refuse" if "refuse" in (given.unsupported_models, options.unsupported_models) else "send",
        )
        fresh = tuple(policy for policy in group.policies if id(policy) not in seen)
        kept += fresh
        seen |= {id(policy) for policy in fresh}
        for rule in rules:
            for problem in rule.check(Group(fresh) if rule.per_policy else group):
                finding = _finding(rule, problem)
                found.setdefault((finding.rule, finding.file, finding.pointer, finding.message), finding)
    accepted = [one for one in found.values() if not any(each.covers(one) for each in options.suppressions)]
    ordered = sorted(accepted, key=lambda one: (one.file, one.line, one.column, one.rule, one.message))
    return _without_known(ordered, options.baseline)


def _finding(rule: Rule, problem: Problem) -> LintFinding:
    policy = problem.policy
    pointer = policy.in_file(problem.pointer)
    line, column = policy.source.locate(pointer)
    statement = policy.statement_at(problem.pointer)
    return LintFinding(
        rule=rule.code,
        severity=problem.severity or rule.severity,
        file=policy.source.name,
        line=line,
        column=column,
        pointer=_printable(pointer),
        message=_printable(problem.message),
        fix=_printable(problem.fix or rule.fix),
        source=rule.source,
        sid=_printable(statement.sid) if statement else "",
    )


def _printable(text: str) -> str:
    """Replace lone surrogates, which JSON can escape and no output can encode, by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _selected(options: LintOptions) -> list[Rule]:
    for name in (*options.select, *options.ignore):
        if not any(code.startswith(name) for code in BY_CODE):
            raise ConfigurationError(f"`{name}` names no rule; the rules are {', '.join(BY_CODE)}")
    selected = options.select or ("",)
    return [
        rule for rule in RULES if rule.code.startswith(selected) and not (options.ignore and rule.code.startswith(options.ignore))
    ]


# -- suppressions and the baseline ----------------------------------------------------------------------------------------


def read_suppressions(path: Path) -> tuple[Suppression, ...]:
    """
    Read ``[[lint.suppressions]]`` of a configuration.

    Raises:
        ConfigurationError: An entry has no reason, names no rule, or has an unknown key.
    """
    table = configuration_table(path).get("lint", {})
    if not isinstance(table, Mapping) or set(table) - {"suppressions"}:
        raise ConfigurationError(f"{path}: lint: must be a table whose only key is `suppressions`")
    entries = table.get("suppressions", [])
    if not isinstance(entries, list):
        raise ConfigurationError(f"{path}: lint.suppressions: must be an array; write [[lint.suppressions]] tables")
    return tuple(_suppression(entry, f"{path}: lint.suppressions[{index}]") for index, entry in enumerate(entries))


def _suppression(entry: Any, location: str) -> Suppression:
    if not isinstance(entry, Mapping) or not all(isinstance(value, str) for value in entry.values()):
        raise ConfigurationError(f"{location}: must be a table of strings with the keys {', '.join(_SUPPRESSION)}")
    unknown = sorted(set(entry) - set(_SUPPRESSION))
    if unknown:
        raise ConfigurationError(f"{location}.{unknown[0]}: unknown key; the keys are {', '.join(_SUPPRESSION)}")
    if not entry.get("reason", "").strip():
        raise ConfigurationError(f"{location}.reason: missing; say why the finding is accepted")
    if not entry.get("sid") and not entry.get("path"):
        raise ConfigurationError(f"{location}: add `sid`, `path` or both, so that it does not suppress the rule everywhere")
    rule = entry.get("rule", "")
    if not any(fnmatchcase(code, rule) for code in BY_CODE):
        raise ConfigurationError(f"{location}.rule: `{rule}` names no rule; write a code such as GB201")
    return Suppression(rule, entry["reason"], entry.get("sid", ""), entry.get("path", ""))


def fingerprint(finding: LintFinding) -> str:
    """Return a string that identifies a finding by its file, statement and message. The line does not matter."""
    parts = finding.rule, finding.file, finding.sid or finding.pointer, finding.message
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]  # a file name may not be UTF-8


def baseline_of(findings: Sequence[LintFinding]) -> str:
    """Return the content of a baseline file that accepts the findings."""
    counts = Counter(map(fingerprint, findings))
    data = {"schema": _BASELINE_SCHEMA, "version": 1, "findings": dict(sorted(counts.items()))}
    return json.dumps(data, indent=2) + "\n"


def read_baseline(path: Path) -> Mapping[str, int]:
    """
    Read a baseline file.

    Raises:
        ConfigurationError: The file is not a baseline.
    """
    data = parse_json(read_text(path), str(path))
    counts = data.get("findings") if isinstance(data, Mapping) and data.get("schema") == _BASELINE_SCHEMA else None
    if not isinstance(counts, Mapping) or not all(isinstance(count, int) for count in counts.values()):
        raise ConfigurationError(f"{path}: is not a baseline; write one with --write-baseline {path}")
    return counts


def _without_known(findings: Sequence[LintFinding], baseline: Mapping[str, int]) -> tuple[LintFinding, ...]:
    left = Counter(baseline)
    new = []
    for finding in findings:
        key = fingerprint(finding)
        if left[key] > 0:
            left[key] -= 1
        else:
            new.append(finding)
    return tuple(new)


def worst(findings: Iterable[LintFinding]) -> str:
    """Return the highest severity; ``""`` if there is no finding."""
    found = {finding.severity for finding in findings}
    return next((severity for severity in SEVERITIES if severity in found), "")
